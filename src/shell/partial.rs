//! What stands before the cursor of a half-typed line, for completion.

use super::ast::RESERVED;

/// A half-typed line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Partial {
    /// The whole words of the command in hand, unquoted; the first is the program.
    pub words: Vec<String>,
    /// The word that is being typed; empty after a blank.
    pub word: String,
    /// The word is the target of a redirection.
    pub redirect: bool,
}

/// Reads the end of `line`: only the command after the last `|`, `;`, `&`, `$(`.
pub fn partial(line: &str) -> Partial {
    let mut p = Partial::default();
    let mut quote: Option<char> = None;
    let mut begun = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some('\''), c) => p.word.push(c),
            (_, '\\') => {
                p.word.extend(chars.next());
                begun = true;
            }
            (Some('"'), '$') | (None, '$') if chars.peek() == Some(&'(') => {
                chars.next();
                p = Partial::default();
                (quote, begun) = (None, false);
            }
            (Some(_), c) => p.word.push(c),
            (None, '\'' | '"') => (quote, begun) = (Some(c), true),
            (None, '|' | ';' | '&' | '(' | ')' | '\n') => {
                p = Partial::default();
                begun = false;
            }
            (None, '>' | '<') => {
                end_word(&mut p, begun);
                p.redirect = true;
                begun = false;
            }
            (None, ' ' | '\t') => {
                if begun {
                    end_word(&mut p, true);
                    p.redirect = false;
                }
                begun = false;
            }
            (None, c) => {
                p.word.push(c);
                begun = true;
            }
        }
    }
    p
}

fn end_word(p: &mut Partial, begun: bool) {
    let word = std::mem::take(&mut p.word);
    // After `do`, `then` and their like a command begins.
    let opens = p.words.is_empty() && RESERVED.contains(&word.as_str()) && !matches!(&*word, "for" | "case");
    if begun && !p.redirect && !opens {
        p.words.push(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_command_in_hand_is_what_counts() {
        for (line, words, word, redirect) in [
            ("", "", "", false),
            ("pi", "", "pi", false),
            ("ping ", "ping", "", false),
            ("a | docker net", "docker", "net", false),
            ("echo $(docker ps -", "docker,ps", "-", false),
            ("ping 'a b' x", "ping,a b", "x", false),
            ("cat x > /etc/ho", "cat,x", "/etc/ho", true),
            ("cat x > y z", "cat,x", "z", false),
            ("for i in 1 2; do pi", "", "pi", false),
            ("if ! ping ", "ping", "", false),
            ("for i in a", "for,i,in", "a", false),
        ] {
            let expect = Partial {
                words: words.split(',').filter(|w| !w.is_empty()).map(str::to_owned).collect(),
                word: word.to_owned(),
                redirect,
            };
            assert_eq!(partial(line), expect, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in "[ -~가]{0,40}") {
            let _ = partial(&line);
        }
    }
}
