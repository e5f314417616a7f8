//! What tests share that boot a lab and type lines in it.
#![allow(dead_code)] // no test needs all of it

use netpier::lab::Lab;
use netpier::session::{Job, Session};
use netpier::time::Duration;

/// How long a line may take, in virtual time.
pub const LIMIT: Duration = Duration::from_secs(60);

/// A lab that comes along with the program, booted.
pub fn lab(name: &str) -> Session {
    Lab::builtin(name).expect("there is such a lab").boot().expect("it boots")
}

/// Types a line at a place (`h1`, `h1:web`) and waits for its end.
#[track_caller]
pub fn run(session: &mut Session, place: &str, line: &str) -> Job {
    session.run_line(place, line, LIMIT).expect("the place exists")
}

/// What a line that succeeds prints.
#[track_caller]
pub fn ok(session: &mut Session, place: &str, line: &str) -> String {
    let job = run(session, place, line);
    assert_eq!(job.exit, Some(0), "{place}: {line}\n{}{}", job.stdout(), job.stderr());
    job.stdout()
}

/// What a line that fails says.
#[track_caller]
pub fn fails(session: &mut Session, place: &str, line: &str) -> String {
    let job = run(session, place, line);
    assert_ne!(job.exit, Some(0), "{place}: {line}\n{}", job.stdout());
    job.stderr()
}
