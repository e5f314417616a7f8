//! Programs: state machines over sockets. A program never blocks: it is polled when it starts,
//! when one of its sockets changes, when its alarm is due, when input or a signal came, and says
//! whether it is done.

mod files;
mod program;

pub use files::Files;
pub use program::{Effect, MachineId, Poll, Program, Signal, Stdin, Sys};

/// Starts a program by its command line; `argv[0]` is its name.
///
/// # Errors
/// [`StartError::NotFound`] if there is no such program anywhere; bad options are not an error
/// here: the program itself prints its usage and exits.
pub fn start(_argv: &[String]) -> Result<Box<dyn Program>, StartError> {
    todo!()
}

/// Every program's name with one line of help, for `help`, completion and "did you mean".
pub fn catalogue() -> &'static [ProgramInfo] {
    &[]
}

/// A line of [`catalogue`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgramInfo {
    /// The name typed.
    pub name: &'static str,
    /// `ping [-c COUNT] [-t TTL] … HOST`.
    pub usage: &'static str,
    /// Long and short options, for completion.
    pub options: &'static [&'static str],
    /// One line of help, in English and in Korean.
    pub help: [&'static str; 2],
}

/// Why a program did not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// No program has this name.
    #[error("{0}: command not found")]
    NotFound(String),
}
