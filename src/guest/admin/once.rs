//! Programs that do all they do when they are first polled.

use crate::guest::{Poll, Program, Sys};

/// Such a program: its command line and what it does with it. The result is its exit status.
#[derive(Debug, Clone)]
pub(super) struct Once {
    argv: Vec<String>,
    run: fn(&[String], &mut Sys<'_>) -> i32,
}

/// Makes one. `run` gets the arguments without the program's name.
pub(super) fn once(argv: &[String], run: fn(&[String], &mut Sys<'_>) -> i32) -> Box<dyn Program> {
    Box::new(Once { argv: argv.to_vec(), run })
}

impl Program for Once {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        Poll::Exit((self.run)(self.argv.get(1..).unwrap_or_default(), sys))
    }
    fn name(&self) -> &str {
        self.argv.first().map_or("", String::as_str)
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// The coreutils' words for an option that does not exist; their exit status is 1 (2 for some).
pub(super) fn bad_option(program: &str, error: &crate::guest::options::OptError) -> String {
    use crate::guest::options::OptError;
    let what = match error {
        OptError::Unknown(o) if o.starts_with("--") => format!("unrecognized option '{o}'"),
        OptError::Unknown(o) => format!("invalid option -- '{o}'"),
        OptError::NoValue(o) if o.starts_with("--") => format!("option '{o}' requires an argument"),
        OptError::NoValue(o) => format!("option requires an argument -- '{o}'"),
    };
    format!("{program}: {what}\nTry 'help {program}' for more information.\n")
}
