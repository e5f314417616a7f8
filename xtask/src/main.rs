//! The project's own commands: `cargo xtask serve`, `test`, `dist`, `size`, `start`, `real`.
//!
//! Each does all the set-up it needs on a machine that has only Rust, and says what it does.
//! Tools that are on PATH in the right version are used as they are; what is missing is built or
//! installed into `.tools/` and `tests/e2e/node_modules/` (both ignored by git), Debian packages
//! through apt-get where the rights suffice.

mod checks;
mod cut;
#[cfg(test)]
mod cut_tests;
mod data;
mod live;
mod notices;
mod outline;
mod prepare;
mod real;
mod sh;
mod sheets;
mod split;
mod tools;
mod wasm;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask COMMAND

  serve [ARGS]  set up what is missing, build the page and serve it; ARGS go to `trunk serve`
  test          set up what is missing and run every check: style, lints, native tests, tests in
                the browser, the page's build, end-to-end tests
  dist          build the page for publishing into dist/
  size          build it and say how big it is, plain and compressed, and what a first visit moves
  start         build it and say how long it takes to start, beside an empty Yew counter
  real          run the scripts of five labs on the Docker Engine of this machine and compare what
                their probes give with the emulator; needs root (tests/real/README.md)
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    let result = match (command.as_str(), rest.is_empty()) {
        ("serve", _) => checks::serve(&rest),
        ("test", true) => checks::test(),
        ("dist", true) => checks::dist(),
        ("size", true) => checks::size(),
        ("start", true) => checks::start(),
        ("real", true) => real::real(),
        ("help" | "--help" | "-h", _) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        ("", _) => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
        (other, _) => {
            eprintln!(
                "xtask: there is no command {:?}\n\n{USAGE}",
                [&[other.to_owned()], &rest[..]].concat().join(" ")
            );
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("\nxtask {command}: {message}");
            ExitCode::FAILURE
        }
    }
}
