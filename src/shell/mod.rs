//! A line of text → commands, and the parts of a shell that need nothing but text.
//!
//! Quotes (`'…'`, `"…"`, `\`), `$(…)` and backquotes, `$NAME`, `${NAME}`, `${NAME:-…}` and its like,
//! `$((…))`, `$?`, `$1`, `|`, `;`, `&`, `&&`, `||`, `!`, `>`, `>>`, `<`, `2>&1`, `>&2`, `2>/dev/null`,
//! `&>`, `{1..5}`, `if`, `for`, `while`, `until`, `case`, `[[ … ]]`, `( … )`, `{ …; }`, comments. Not supported:
//! here-documents, functions, file name patterns, `=~` in `[[ … ]]`, `((…))`, arrays. Parsing only: the
//! session runs it.
//!
//! Also here: "did you mean", and what completion makes of a half-typed line. The text filters
//! (grep, sort, wc …) are programs and live in `guest::admin`.

mod arith;
mod ast;
mod braces;
mod near;
mod parse;
mod partial;
mod pattern;

pub use arith::{Variables, evaluate};
pub use ast::{
    AndOr, Command, Compound, Operator, Pipeline, RESERVED, Redirect, Script, Word, WordPart, join, quote,
};
pub use braces::expand_braces;
pub use near::nearest;
pub use parse::{ParseError, parse};
pub use partial::{Partial, partial};
pub use pattern::{matches, trimmed};
