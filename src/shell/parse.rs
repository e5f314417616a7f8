//! The grammar.

/// Lists of pipelines: `a | b && c ; d`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// In order, each with how it hangs on the one before.
    pub items: Vec<(AndOr, Pipeline)>,
}

/// How a pipeline hangs on the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AndOr {
    /// First, or after `;`: always.
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
}

/// Words and redirections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Words; the first is the program.
    pub words: Vec<Word>,
    /// In order.
    pub redirects: Vec<Redirect>,
}

/// A redirection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Redirect {
    Stdin { path: Word },
    Stdout { path: Word, append: bool },
    Stderr { path: Word, append: bool },
    StderrToStdout,
}

/// A word before expansion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Concatenated. An unquoted substitution is split at white space, as in sh.
    pub parts: Vec<WordPart>,
}

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum WordPart {
    Text(String),
    Variable { name: String, quoted: bool },
    Substitution { script: Script, quoted: bool },
}

/// Where and why a line is not a command, in sh's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    /// Byte offset.
    pub at: usize,
    /// `syntax error near unexpected token …`
    pub message: String,
}

/// Parses a line.
///
/// # Errors
/// Names the place and the token.
pub fn parse(_line: &str) -> Result<Script, ParseError> {
    todo!()
}
