//! The trace in words, by locale.

mod words;

pub use words::{Lang, text};

use crate::session::Session;
use crate::stack::Record;

/// What happened in `record`, as one sentence in `lang`. `session` gives names to numbers
/// (nodes, containers, interfaces, rules). Empty for records that are not worth a sentence.
pub fn sentence(_record: &Record, _session: &Session, _lang: Lang) -> String {
    todo!()
}
