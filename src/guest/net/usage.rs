//! What the command lines of several programs share: usage texts from the option tables, and
//! files to write to.

use crate::guest::options::Opt;
use crate::guest::{Sys, absolute_path};

/// A path as the file store has it: a relative one begins at the working directory.
pub(super) fn path(sys: &Sys<'_>, path: &str) -> String {
    let pwd = sys.env.iter().find(|(name, _)| name == "PWD").map_or("/", |(_, value)| value);
    absolute_path(pwd, path)
}

/// Writes a file. What goes to `/dev/null` is gone.
///
/// # Errors
/// The file store's.
pub(super) fn save(sys: &mut Sys<'_>, path: &str, content: &[u8]) -> Result<(), &'static str> {
    match path {
        "/dev/null" => Ok(()),
        relative => sys.files.put(&self::path(sys, relative), content),
    }
}

/// `head`, then a line for each option: spellings, value, what it does.
pub(super) fn options_text(head: &str, table: &[Opt]) -> String {
    let mut text = head.to_owned();
    for opt in table {
        let mut left = opt.names.join(", ");
        if !opt.value.is_empty() {
            left += &format!(" <{}>", opt.value);
        }
        text += &format!(" {left:<30} {}\n", opt.help[0]);
    }
    text
}

/// A line for each option as iputils' programs have them: `width` columns for the spelling and its value.
pub(super) fn iputils_text(table: &[Opt], width: usize) -> String {
    let mut text = String::new();
    for opt in table {
        let value = if opt.value.is_empty() { String::new() } else { format!(" <{}>", opt.value) };
        let help = opt.help[0].replace('\n', &format!("\n{:1$}", "", width + 3));
        text += &format!("  {:<width$} {help}\n", format!("{}{value}", opt.names[0]));
    }
    text
}

/// What iputils' programs say of a wrong option: they know letters only.
pub(super) fn iputils_mistake(e: &crate::guest::options::OptError) -> String {
    match e.to_string().split_once("'--") {
        Some(_) => "invalid option -- '-'".to_owned(),
        None => e.to_string(),
    }
}
