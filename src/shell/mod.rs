//! A line of text → commands. Quotes (`'…'`, `"…"`, `\`), `$(…)` and backquotes, `$NAME`,
//! `${NAME}`, `$?`, `|`, `;`, `&`, `&&`, `||`, `>`, `>>`, `<`, `2>&1`, `>&2`, `2>/dev/null`, `&>`,
//! comments. Not supported: here-documents, `( … )` and `{ … }`, `if`, `for`, `while`, functions,
//! file name patterns, `${NAME:-…}`, arithmetic. Parsing only: the session runs it.
//!
//! Also here: "did you mean", and what completion makes of a half-typed line. The text filters
//! (grep, sort, wc …) are programs and live in `guest::admin`.

mod near;
mod parse;
mod partial;

pub use near::nearest;
pub use parse::{AndOr, Command, ParseError, Pipeline, Redirect, Script, Word, WordPart, join, parse, quote};
pub use partial::{Partial, partial};
