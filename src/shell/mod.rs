//! A line of text → commands. Quotes (`'…'`, `"…"`, `\`), `$(…)`, `$NAME`, `|`, `;`, `&&`, `||`,
//! `>`, `>>`, `<`, `2>&1`, `2>/dev/null`, here-documents excepted. Parsing only: the session runs it.
//!
//! Also here: completion, the history of a terminal, "did you mean", and the text filters
//! (grep, sort, wc, head, tail, cut, tr, tee, true, false, echo, cat).

mod parse;

pub use parse::{AndOr, Command, ParseError, Pipeline, Redirect, Script, Word, WordPart, parse};

/// The known word nearest to `word` (Damerau–Levenshtein at most 2, or a third of its length).
pub fn nearest<'a>(_word: &str, _known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    todo!()
}
