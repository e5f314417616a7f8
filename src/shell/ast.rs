//! What a line becomes: lists of pipelines of commands, and the way back into text.

use std::fmt;

/// Lists of pipelines: `a | b && c ; d`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// In order, each with how it hangs on the one before.
    pub items: Vec<(AndOr, Pipeline)>,
}

/// How a pipeline hangs on the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AndOr {
    /// First, or after `;` or `&`: always.
    Always,
    /// After `&&`: if it succeeded.
    And,
    /// After `||`: if it failed.
    Or,
}

/// `a | b | c`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// In order.
    pub commands: Vec<Command>,
    /// `!` stands before it: its status is turned round.
    pub negated: bool,
    /// `&` follows: nobody waits for it.
    pub background: bool,
}

/// Words, or a compound command; and redirections.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Command {
    /// Words; the first is the program. Empty if it is a compound command.
    pub words: Vec<Word>,
    /// `for …`, `if …` and so on.
    pub compound: Option<Box<Compound>>,
    /// In order.
    pub redirects: Vec<Redirect>,
}

/// A command made of commands (POSIX.1-2024 §2.9.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compound {
    /// `{ …; }`
    Group(Script),
    /// `( … )`
    Subshell(Script),
    /// `if A; then B; elif C; then D; else E; fi`
    If {
        /// `A` with `B`, `C` with `D`: the first whose condition succeeds is run.
        branches: Vec<(Script, Script)>,
        /// `E`.
        otherwise: Option<Script>,
    },
    /// `while A; do B; done`, or `until`.
    While {
        /// It runs as long as the condition fails.
        until: bool,
        /// `A`.
        condition: Script,
        /// `B`.
        body: Script,
    },
    /// `for NAME in WORDS; do B; done`
    For {
        /// The variable.
        name: String,
        /// Before expansion. None without `in`: the arguments.
        words: Option<Vec<Word>>,
        /// `B`.
        body: Script,
    },
    /// `case WORD in PATTERN|PATTERN) B;; esac`
    Case {
        /// What is compared.
        word: Word,
        /// Each with its patterns; the first that fits is run.
        arms: Vec<(Vec<Word>, Script)>,
    },
}

impl Compound {
    /// The lists in it.
    pub fn scripts(&self) -> Vec<&Script> {
        match self {
            Self::Group(script) | Self::Subshell(script) => vec![script],
            Self::If { branches, otherwise } => {
                branches.iter().flat_map(|(a, b)| [a, b]).chain(otherwise).collect()
            }
            Self::While { condition, body, .. } => vec![condition, body],
            Self::For { body, .. } => vec![body],
            Self::Case { arms, .. } => arms.iter().map(|(_, body)| body).collect(),
        }
    }
}

/// A redirection (POSIX.1-2024 §2.7). `&>FILE` is two: of the output, and of the errors to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redirect {
    /// `<FILE`
    Stdin {
        /// The file.
        path: Word,
    },
    /// `>FILE`, `>>FILE`
    Stdout {
        /// The file.
        path: Word,
        /// `>>`: what it holds stays.
        append: bool,
    },
    /// `2>FILE`, `2>>FILE`
    Stderr {
        /// The file.
        path: Word,
        /// `2>>`: what it holds stays.
        append: bool,
    },
    /// `2>&1`: errors to where the output goes at that point of the line.
    StderrToStdout,
    /// `>&2`
    StdoutToStderr,
}

/// A word before expansion.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Word {
    /// Concatenated. An unquoted substitution is split at white space, as in sh.
    pub parts: Vec<WordPart>,
}

/// A part of a word. `quoted`: it stood between double quotes, so what comes of it is not split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WordPart {
    /// Itself, without the quotes that it had.
    Text(String),
    /// `$NAME`, `${NAME}`
    Variable {
        /// Without the dollar sign; also `1`, `@`, `?` and the like.
        name: String,
        /// Between double quotes.
        quoted: bool,
    },
    /// `$(…)`, or the same between back quotes.
    Substitution {
        /// Its output is what stands in its place.
        script: Script,
        /// Between double quotes.
        quoted: bool,
    },
    /// `$((…))`
    Arithmetic {
        /// What stands inside, as if between double quotes.
        expression: Word,
        /// Between double quotes.
        quoted: bool,
    },
    /// `${NAME:-WORD}` and its like.
    Parameter {
        /// As in [`WordPart::Variable`].
        name: String,
        /// What is done with it.
        operator: Operator,
        /// What stands behind the operator; empty for [`Operator::Length`].
        word: Word,
        /// Between double quotes.
        quoted: bool,
    },
    /// `{a,b}` or `{1..3}`
    Braces {
        /// With the braces: what a shell without such braces leaves.
        typed: String,
        /// What bash makes of it.
        alternatives: Vec<String>,
    },
}

/// What `${NAME…}` does with a variable (POSIX.1-2024 §2.6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `-`: the word in its stead.
    Default {
        /// `:-`: an empty variable is like one that is not set.
        colon: bool,
    },
    /// `=`: and it becomes the variable's value.
    Assign {
        /// `:=`: an empty variable is like one that is not set.
        colon: bool,
    },
    /// `+`: the word if it is set.
    Alternative {
        /// `:+`: an empty variable is like one that is not set.
        colon: bool,
    },
    /// `?`: an error if it is not set.
    Error {
        /// `:?`: an empty variable is like one that is not set.
        colon: bool,
    },
    /// `#NAME`: how long it is, in characters.
    Length,
    /// `#`, `##`: without what the pattern matches at the beginning.
    Prefix {
        /// `##`: the longest match.
        longest: bool,
    },
    /// `%`, `%%`: without what the pattern matches at the end.
    Suffix {
        /// `%%`: the longest match.
        longest: bool,
    },
}

impl Operator {
    /// As it is typed; empty for [`Operator::Length`], which stands before the name.
    pub(super) fn spelling(self) -> &'static str {
        match self {
            Self::Default { colon } => [":-", "-"][usize::from(!colon)],
            Self::Assign { colon } => [":=", "="][usize::from(!colon)],
            Self::Alternative { colon } => [":+", "+"][usize::from(!colon)],
            Self::Error { colon } => [":?", "?"][usize::from(!colon)],
            Self::Length => "",
            Self::Prefix { longest } => ["##", "#"][usize::from(!longest)],
            Self::Suffix { longest } => ["%%", "%"][usize::from(!longest)],
        }
    }
}

/// Words that mean something where a command may begin.
pub const RESERVED: &[&str] = &[
    "!", "case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "then", "until", "while", "{", "}",
];

/// `text` as one word of a command line: quoted only where it has to be.
pub fn quote(text: &str) -> String {
    let plain = |c: char| {
        c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '=' | ',' | '@' | '%' | '+')
    };
    if !text.is_empty() && text.chars().all(plain) && !RESERVED.contains(&text) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// The words as a command line that parses into them again.
pub fn join<S: AsRef<str>>(words: &[S]) -> String {
    words.iter().map(|w| quote(w.as_ref())).collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Script {
    /// A line that parses into the same script.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (how, pipeline)) in self.items.iter().enumerate() {
            let before = i.checked_sub(1).map(|i| self.items[i].1.background);
            match (how, before) {
                (_, None) => {}
                (AndOr::Always, Some(true)) => f.write_str(" & ")?,
                (AndOr::Always, Some(false)) => f.write_str("; ")?,
                (AndOr::And, _) => f.write_str(" && ")?,
                (AndOr::Or, _) => f.write_str(" || ")?,
            }
            pipeline.fmt(f)?;
        }
        if self.items.last().is_some_and(|(_, p)| p.background) {
            f.write_str(" &")?;
        }
        Ok(())
    }
}

impl fmt::Display for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negated {
            f.write_str("! ")?;
        }
        for (i, command) in self.commands.iter().enumerate() {
            if i > 0 {
                f.write_str(" | ")?;
            }
            command.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let compound = self.compound.iter().map(ToString::to_string);
        let words = self.words.iter().map(ToString::to_string);
        let redirects = self.redirects.iter().map(ToString::to_string);
        f.write_str(&compound.chain(words).chain(redirects).collect::<Vec<_>>().join(" "))
    }
}

/// A list before a reserved word or a brace: with the `;` that it needs.
fn ended(script: &Script) -> String {
    let separator = if script.items.last().is_none_or(|(_, p)| p.background) { "" } else { ";" };
    format!("{script}{separator}")
}

fn words(words: &[Word], between: &str) -> String {
    words.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
}

impl fmt::Display for Compound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(script) => write!(f, "{{ {} }}", ended(script)),
            Self::Subshell(script) => write!(f, "( {script} )"),
            Self::If { branches, otherwise } => {
                for (i, (condition, body)) in branches.iter().enumerate() {
                    let word = if i == 0 { "if" } else { " elif" };
                    write!(f, "{word} {} then {}", ended(condition), ended(body))?;
                }
                if let Some(body) = otherwise {
                    write!(f, " else {}", ended(body))?;
                }
                f.write_str(" fi")
            }
            Self::While { until, condition, body } => {
                let word = if *until { "until" } else { "while" };
                write!(f, "{word} {} do {} done", ended(condition), ended(body))
            }
            Self::For { name, words: list, body } => {
                let list = list.as_ref().map(|w| format!(" in {}", words(w, " "))).unwrap_or_default();
                write!(f, "for {name}{list}; do {} done", ended(body))
            }
            Self::Case { word, arms } => {
                write!(f, "case {word} in")?;
                for (patterns, body) in arms {
                    write!(f, " ({}) {body} ;;", words(patterns, "|"))?;
                }
                f.write_str(" esac")
            }
        }
    }
}

impl fmt::Display for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = |append: &bool| if *append { ">>" } else { ">" };
        match self {
            Self::Stdin { path } => write!(f, "< {path}"),
            Self::Stdout { path, append } => write!(f, "{} {path}", arrow(append)),
            Self::Stderr { path, append } => write!(f, "2{} {path}", arrow(append)),
            Self::StderrToStdout => f.write_str("2>&1"),
            Self::StdoutToStderr => f.write_str(">&2"),
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            let (text, quoted) = match part {
                WordPart::Text(text) => (quote(text), &false),
                WordPart::Braces { typed, .. } => (typed.clone(), &false),
                WordPart::Variable { name, quoted } => (format!("${{{name}}}"), quoted),
                WordPart::Substitution { script, quoted } => (format!("$({script})"), quoted),
                WordPart::Arithmetic { expression, quoted } => {
                    (format!("$(({}))", within(expression)), quoted)
                }
                WordPart::Parameter { name, operator: Operator::Length, quoted, .. } => {
                    (format!("${{#{name}}}"), quoted)
                }
                WordPart::Parameter { name, operator, word, quoted } => {
                    (format!("${{{name}{}{}}}", operator.spelling(), within(word)), quoted)
                }
            };
            match quoted {
                true => write!(f, "\"{text}\"")?,
                false => f.write_str(&text)?,
            }
        }
        Ok(())
    }
}

/// A word as it stands between double quotes, without them.
fn within(word: &Word) -> String {
    let mut out = String::new();
    for part in &word.parts {
        match part {
            WordPart::Text(text) => {
                for c in text.chars() {
                    if matches!(c, '"' | '\\' | '$' | '`' | '}') {
                        out.push('\\');
                    }
                    out.push(c);
                }
            }
            other => {
                let shown = Word { parts: vec![other.clone()] }.to_string();
                out += shown.strip_prefix('"').and_then(|s| s.strip_suffix('"')).unwrap_or(&shown);
            }
        }
    }
    out
}
