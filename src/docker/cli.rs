//! The docker command line: one table of commands and flags gives the parser, `--help`,
//! completion and "did you mean".

use super::Request;

/// What the docker client says of a command line that it cannot take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliError {
    /// Goes to stderr, in docker's words, with the nearest known word where one is near.
    pub message: String,
    /// 125 for `docker run`, else 1.
    pub exit: i32,
}

/// A parsed command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// For the engine.
    Request(Request),
    /// Help text for stdout.
    Help(String),
}

/// Parses `args` (without the word `docker`).
///
/// # Errors
/// In docker's words.
pub fn parse(_args: &[String]) -> Result<Parsed, CliError> {
    todo!()
}

/// The command line that makes `request`: `docker run -d --name web -p 8080:80 nginx`.
pub fn render(_request: &Request) -> String {
    todo!()
}

/// True if the request changes Docker's state (and so belongs into the lab's list).
pub fn mutates(_request: &Request) -> bool {
    todo!()
}

/// What could stand at the end of a docker command line: `words` are those before it (without
/// `docker`), `last` what is typed of it. Commands and flags only: `-`-words and subcommands; the
/// caller adds names of containers, networks and images from the engine where [`Wants`] says so.
pub fn complete(_words: &[String], _last: &str) -> (Vec<String>, Wants) {
    todo!()
}

/// What kind of name a place of the command line takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Wants {
    Nothing,
    Container,
    Network,
    Image,
}
