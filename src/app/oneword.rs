//! What was typed into a field, on its way into a line that is run: each value stays the one word that
//! it is, whatever signs of the shell are in it.

use crate::shell::{self, WordPart, quote};

/// Signs that a shell may read as more than themselves although they stand in one word.
const SIGNS: [char; 7] = ['*', '?', '[', '~', '!', '\\', '^'];

/// The words of a text, if it is nothing but words: no second command, no redirection, nothing that the
/// host's shell would put in its place, no comment that swallows what comes after.
pub(super) fn words(text: &str) -> Option<Vec<String>> {
    let script = shell::parse(&format!("docker {text} end")).ok()?;
    let [(_, pipeline)] = script.items.as_slice() else { return None };
    let [command] = pipeline.commands.as_slice() else { return None };
    if pipeline.background || command.compound.is_some() || !command.redirects.is_empty() {
        return None;
    }
    let word = |parts: &[WordPart]| {
        let texts = parts.iter().map(|part| match part {
            WordPart::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect::<Option<String>>()
    };
    let mut words = command.words.iter().map(|w| word(&w.parts)).collect::<Option<Vec<_>>>()?;
    (words.pop()? == "end").then(|| words.drain(1..).collect())
}

/// The values of a field, apart by blanks; what stands in quotes is one. Each as a word of a line: as it
/// was typed where that says the same, quoted otherwise.
pub(super) fn values(text: &str) -> impl Iterator<Item = String> {
    split(text).map(|raw| match words(raw).as_deref() {
        Some([_]) if !raw.contains(SIGNS) => raw.to_owned(),
        Some([word]) => quote(word),
        _ => quote(&bare(raw)),
    })
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut quote = None;
    let split = text.split(move |c: char| {
        next_quote(&mut quote, c);
        quote.is_none() && c.is_whitespace()
    });
    split.filter(|w| !w.is_empty())
}

/// Without the quotes that it has.
fn bare(raw: &str) -> String {
    let mut quote = None;
    raw.chars().filter(|c| !next_quote(&mut quote, *c)).collect()
}

/// Whether a sign begins or ends what is quoted.
fn next_quote(quote: &mut Option<char>, c: char) -> bool {
    match quote {
        Some(q) if *q == c => *quote = None,
        None if c == '"' || c == '\'' => *quote = Some(c),
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_stays_one_word_of_the_line() {
        for (typed, there) in [
            ("A=b C=d", "A=b C=d"),
            ("A=\"hello there\"", "A=\"hello there\""),
            ("A=b;docker rm -f web", "'A=b;docker' rm -f web"),
            ("A='x y'&&id", "'A=x y&&id'"),
            ("A=$(id) B=`id` C=$HOME", "'A=$(id)' 'B=`id`' 'C=$HOME'"),
            ("A=\"pa$$word\"", "'A=pa$$word'"),
            ("A=b>c A={a,b} #no", "'A=b>c' 'A={a,b}' '#no'"),
            ("A=a\\ B=*", "'A=a\\' 'B=*'"),
            ("A=\"open", "A=open"),
            ("A=it's", "A=its"),
        ] {
            let line = values(typed).collect::<Vec<_>>().join(" ");
            assert_eq!(line, there, "{typed}");
            assert!(words(&line).is_some(), "{line}");
        }
    }

    #[test]
    fn what_is_more_than_words_is_told_apart() {
        for text in ["", "sleep infinity", "sh -c 'a; b > c'", "echo \"x # y\""] {
            assert!(words(text).is_some(), "{text}");
        }
        for text in ["a; b", "a && b", "a | b", "a &", "a > b", "a $(b)", "a \"`b`\"", "a # b", "a 'b", "a\\"]
        {
            assert_eq!(words(text), None, "{text}");
        }
    }
}
