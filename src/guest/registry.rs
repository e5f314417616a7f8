//! The table of programs: one line for each gives its start, its usage text, its completion and
//! its line in `help`.

use std::sync::LazyLock;

use super::options::Opt;
use super::{Program, admin, net};

/// What people see of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgramInfo {
    /// The name typed.
    pub name: &'static str,
    /// `ping [-c COUNT] [-t TTL] … HOST`.
    pub usage: &'static str,
    /// Long and short options: the parser's table and the completion.
    pub options: &'static [Opt],
    /// One line of help, in English and in Korean.
    pub help: [&'static str; 2],
}

/// A line of a table of programs.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// What people see.
    pub info: ProgramInfo,
    /// Makes it from its command line; `argv[0]` is its name. Never fails: a program with bad
    /// options prints its usage when it is polled.
    pub make: fn(argv: &[String]) -> Box<dyn Program>,
}

/// Why a program did not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// No program has this name.
    #[error("{0}: command not found")]
    NotFound(String),
}

/// Starts a program by its command line; `argv[0]` is its name, with or without a path.
///
/// # Errors
/// [`StartError::NotFound`] if there is no such program anywhere; bad options are not an error
/// here: the program itself prints its usage and exits.
pub fn start(argv: &[String]) -> Result<Box<dyn Program>, StartError> {
    let typed = argv.first().map_or("", String::as_str);
    let name = typed.rsplit('/').next().unwrap_or(typed);
    match entries().find(|e| e.info.name == name) {
        Some(entry) => Ok((entry.make)(argv)),
        None => Err(StartError::NotFound(typed.to_owned())),
    }
}

/// Every program's name with one line of help, for `help`, completion and "did you mean";
/// sorted by name.
pub fn catalogue() -> &'static [ProgramInfo] {
    static TABLE: LazyLock<Vec<ProgramInfo>> = LazyLock::new(|| {
        let mut all: Vec<_> = entries().map(|e| e.info).collect();
        all.sort_by_key(|i| i.name);
        all
    });
    &TABLE
}

/// The line of `name`.
pub fn info(name: &str) -> Option<&'static ProgramInfo> {
    entries().map(|e| &e.info).find(|i| i.name == name)
}

fn entries() -> impl Iterator<Item = &'static Entry> {
    net::PROGRAMS.iter().chain(admin::PROGRAMS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_has_its_own_name_and_both_languages() {
        let names: Vec<_> = catalogue().iter().map(|i| i.name).collect();
        assert!(names.windows(2).all(|w| w[0] < w[1]), "{names:?}");
        for i in catalogue() {
            assert!(i.help.iter().all(|h| !h.is_empty()), "{}", i.name);
            assert!(i.usage.starts_with(i.name), "{}", i.usage);
        }
    }

    #[test]
    fn an_unknown_name_is_not_found() {
        let argv = ["no-such-program".to_owned()];
        assert_eq!(start(&argv).unwrap_err().to_string(), "no-such-program: command not found");
    }
}
