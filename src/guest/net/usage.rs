//! Usage texts, made from the option tables.

use crate::guest::options::Opt;

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
