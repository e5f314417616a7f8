//! What the command lines of several programs share: usage texts from the option tables, and
//! files to write to.

use crate::guest::Sys;
use crate::guest::options::Opt;

/// Writes a file. A relative path begins at `/`; what goes to `/dev/null` is gone.
///
/// # Errors
/// The file store's.
pub(super) fn save(sys: &mut Sys<'_>, path: &str, content: &[u8]) -> Result<(), &'static str> {
    match path {
        "/dev/null" => Ok(()),
        path if path.starts_with('/') => sys.files.put(path, content),
        path => sys.files.put(&format!("/{}", path.trim_start_matches("./")), content),
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
