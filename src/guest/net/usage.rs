//! What the command lines of several programs share: usage texts from the option tables, what ends a
//! program before it begins, and files to write to.

use crate::guest::options::{Opt, OptError, Parsed, parse};
use crate::guest::{Poll, Sys, absolute_path};

/// What ends a program before it begins: exit status, text. With status 0 it is what was asked for (`-V`),
/// and goes to the standard output; with another a mistake.
pub(super) type Early = (i32, String);

/// Ends a program with it.
pub(super) fn leave(sys: &mut Sys<'_>, (code, text): &Early) -> Poll {
    if *code == 0 {
        sys.out(text.clone());
    } else {
        sys.err(text.clone());
    }
    Poll::Exit(*code)
}

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

/// The options of one of iputils' programs. `-V` and a mistake end it; what is said of a mistake ends with
/// `usage`.
///
/// # Errors
/// What ends the program.
pub(super) fn iputils_options(
    program: &str,
    table: &'static [Opt],
    args: &[String],
    usage: impl Fn() -> String,
) -> Result<Parsed, Early> {
    let options =
        parse(table, args).map_err(|e| (2, format!("{program}: {}\n{}", iputils_mistake(&e), usage())))?;
    if options.has("-h") {
        return Err((2, usage()));
    }
    if options.has("-V") {
        let parts = "libcap: yes, IDN: yes, NLS: no, error.h: yes, getrandom(): yes, __fpending(): yes";
        return Err((0, format!("{program} from iputils 20240905\n{parts}\n")));
    }
    Ok(options)
}

/// What iputils' programs say of a wrong option: they know letters only.
fn iputils_mistake(e: &OptError) -> String {
    match e.to_string().split_once("'--") {
        Some(_) => "invalid option -- '-'".to_owned(),
        None => e.to_string(),
    }
}
