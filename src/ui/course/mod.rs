//! Lessons on the page: the list, the card of the one that is open, and the words in them.

mod card;
mod menu;
mod prose;

pub use card::{Card, Lesson};
pub use menu::Menu;
pub use prose::prose;
