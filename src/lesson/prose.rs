//! A lesson's words, and the little markup they may have: `` `code` ``, `**strong**` and
//! `[[term]]` or `[[term|shown]]` for a word that the page explains.

use serde::{Deserialize, Serialize};

/// The words of a lesson in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prose {
    /// A few words.
    pub title: String,
    /// What to do, and why one would want to: two or three sentences.
    pub intro: String,
    /// One line for each goal.
    pub goals: Vec<String>,
    /// For each goal, hints that grow; the last one says it all.
    pub hints: Vec<Vec<String>>,
    /// To read when all goals are met: what it was about.
    pub after: String,
}

/// A piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inline<'a> {
    /// As it stands.
    Text(&'a str),
    /// What one types or reads in a terminal.
    Code(&'a str),
    /// Important.
    Strong(&'a str),
    /// A word of the glossary: its entry, and what is shown.
    Term(&'a str, &'a str),
}

/// Cuts a text into its pieces. A mark that is not closed stands for itself.
pub fn inline(text: &str) -> Vec<Inline<'_>> {
    type Make = for<'a> fn(&'a str) -> Inline<'a>;
    const MARKS: [(&str, &str, Make); 3] = [
        ("`", "`", |t| Inline::Code(t)),
        ("**", "**", |t| Inline::Strong(t)),
        ("[[", "]]", |t| {
            let (term, shown) = t.split_once('|').unwrap_or((t, t));
            Inline::Term(term, shown)
        }),
    ];
    let mut pieces = Vec::new();
    let (mut rest, mut from) = (text, 0);
    while let Some((at, (open, close, make))) = MARKS
        .iter()
        .filter_map(|mark| rest[from..].find(mark.0).map(|at| (at + from, mark)))
        .min_by_key(|(at, _)| *at)
    {
        let inside = at + open.len();
        let Some(len) = rest[inside..].find(close) else {
            from = inside;
            continue;
        };
        if at > 0 {
            pieces.push(Inline::Text(&rest[..at]));
        }
        pieces.push(make(&rest[inside..inside + len]));
        rest = &rest[inside + len + close.len()..];
        from = 0;
    }
    if !rest.is_empty() {
        pieces.push(Inline::Text(rest));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_cut_out_and_open_ones_stay_as_they_are() {
        use Inline::{Code, Strong, Term, Text};
        assert_eq!(
            inline("a `b` **c** [[d]]!"),
            [Text("a "), Code("b"), Text(" "), Strong("c"), Text(" "), Term("d", "d"), Text("!")]
        );
        assert_eq!(inline("[[private address|private]]"), [Term("private address", "private")]);
        assert_eq!(inline("`x"), [Text("`x")]);
        assert_eq!(inline("` and **y**"), [Text("` and "), Strong("y")]);
        assert_eq!(inline("한글 `도` 돼요"), [Text("한글 "), Code("도"), Text(" 돼요")]);
        assert!(inline("").is_empty());
    }
}
