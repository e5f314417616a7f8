//! The trace in words, by locale, and the diagnosis of what failed.
//!
//! A [`crate::stack::Record`] is data; here it becomes one sentence. Names come from the session at
//! the moment shown: places (`docker-host:web`), interfaces, programs, and the text of rules.

mod change;
mod step;
pub mod why;
mod words;

pub use crate::lang::Lang;
pub use change::change;
pub use step::{drop_reason, sentence};
pub use words::{hand_over, keys, text};
