//! `docker logs`: what a container's main process printed, and with `-f` what it goes on to print.
//!
//! Supported: `--tail`, `-t`, `--since`, `--until`, `-f` until Ctrl-C or until the container stops. Not
//! supported: following with an `--until` that is still to come (what is there is printed).

use super::engine::{Engine, Inner, reply};
use super::{Attach, Response, moment};
use crate::guest::{Poll, Program, Sys};
use crate::sim::World;
use crate::stack::Pid;
use crate::time::Instant;

/// A piece of what a main process printed.
#[derive(Debug, Clone)]
pub(super) struct Logged {
    /// When.
    pub at: Instant,
    /// On stderr.
    pub err: bool,
    /// What.
    pub text: String,
}

/// What `docker logs` was asked, besides the name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogOptions {
    /// `--tail`: lines, at most; None: all.
    pub tail: Option<usize>,
    /// `-f`.
    pub follow: bool,
    /// `-t`.
    pub timestamps: bool,
    /// `--since`, as given.
    pub since: Option<String>,
    /// `--until`, as given.
    pub until: Option<String>,
}

/// Somebody who follows a container's log.
#[derive(Debug, Clone)]
pub(super) struct Follower {
    /// The docker client.
    pid: Pid,
    /// The container's id.
    id: String,
    timestamps: bool,
    /// What comes next begins a line.
    fresh: bool,
}

impl Engine {
    pub(super) fn logs(&mut self, world: &mut World, name: &str, options: &LogOptions) -> Response {
        let i = match self.find(name) {
            Ok(i) => i,
            Err(e) => return reply(Err(e)),
        };
        let parse = |flag: &str, value: &Option<String>| match value.as_deref().filter(|v| !v.is_empty()) {
            None => Ok(None),
            Some(v) => moment::parse(v, world.now())
                .map(Some)
                .map_err(|e| format!("invalid value for \"{flag}\": {e}\n")),
        };
        let bounds = parse("since", &options.since).and_then(|s| Ok((s, parse("until", &options.until)?)));
        let (since, until) = match bounds {
            Ok(bounds) => bounds,
            Err(stderr) => return Response { stderr, exit: 1, ..Response::default() },
        };
        let lines = self.containers[i].inner.lines();
        let skip = options.tail.map_or(0, |n| lines.len().saturating_sub(n));
        let mut response = Response::default();
        // The engine takes the last lines first, and looks at their times then.
        for line in lines.into_iter().skip(skip) {
            let at = i64::try_from(line.at.as_nanos()).unwrap_or(i64::MAX);
            if since.is_some_and(|s| at < s) || until.is_some_and(|u| u > -moment::BEGIN_NANOS && at > u) {
                continue;
            }
            let text = if options.timestamps { stamped(line.at, &line.text) } else { line.text };
            if line.err { response.stderr += &text } else { response.stdout += &text }
        }
        // The log of a container that does not run is not followed (moby, daemon/logs.go).
        if options.follow && until.is_none() && self.containers[i].state.is_up() {
            let pid = world.spawn(self.host, Box::new(Follow), true, false);
            let id = self.containers[i].id.clone();
            let fresh = self.containers[i].inner.log.last().is_none_or(|l| l.text.ends_with('\n'));
            self.followers.push(Follower { pid, id, timestamps: options.timestamps, fresh });
            response.attach = Some(Attach::Main(pid));
        }
        response
    }

    /// The main process of container `i` printed something.
    pub(super) fn printed(&mut self, world: &mut World, i: usize, err: bool, text: &str) {
        let now = world.now();
        self.containers[i].inner.keep(now, err, text.to_owned());
        self.followers.retain(|f| world.process(f.pid).is_some());
        for f in self.followers.iter_mut().filter(|f| f.id == self.containers[i].id) {
            let mut shown = String::new();
            for piece in text.split_inclusive('\n') {
                shown += &if f.timestamps && f.fresh { stamped(now, piece) } else { piece.to_owned() };
                f.fresh = piece.ends_with('\n');
            }
            world.write_stdin(f.pid, &follow_line(if err { 'e' } else { 'o' }, &shown), false);
        }
    }

    /// The container with this id has stopped: who follows it has seen all.
    pub(super) fn end_following(&mut self, world: &mut World, id: &str) {
        for f in self.followers.extract_if(.., |f| f.id == id) {
            world.write_stdin(f.pid, "x\n", false);
        }
    }
}

impl Inner {
    /// The log in lines: what was printed comes in pieces.
    fn lines(&self) -> Vec<Logged> {
        let mut lines: Vec<Logged> = Vec::new();
        for Logged { at, err, text } in &self.log {
            for piece in text.split_inclusive('\n') {
                match lines.last_mut() {
                    Some(line) if line.err == *err && !line.text.ends_with('\n') => line.text.push_str(piece),
                    _ => lines.push(Logged { at: *at, err: *err, text: piece.to_owned() }),
                }
            }
        }
        lines
    }
}

fn stamped(at: Instant, line: &str) -> String {
    format!("{} {line}", super::inspect::moment(Some(at)))
}

/// What is written to a [`Follow`] so that it prints `text` to the stream `o` or `e`.
pub(super) fn follow_line(stream: char, text: &str) -> String {
    format!("{stream}{}\n", text.replace('\\', "\\\\").replace('\n', "\\n"))
}

/// The client that follows. Each line of its stdin is a stream (`o`, `e`) and a text for it, with `\n`
/// and `\\` written out; `x` is the end.
#[derive(Debug, Clone)]
pub(super) struct Follow;

impl Program for Follow {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        if sys.signal.take().is_some() {
            return Poll::Exit(130);
        }
        while let Some(end) = sys.stdin.data.find('\n') {
            let line: String = sys.stdin.data.drain(..=end).collect();
            let mut text = String::new();
            let mut letters = line.trim_end_matches('\n').chars();
            let stream = letters.next();
            while let Some(c) = letters.next() {
                match c {
                    '\\' if letters.next() == Some('n') => text.push('\n'),
                    c => text.push(c),
                }
            }
            match stream {
                Some('x') => return Poll::Exit(0),
                Some('e') => sys.err(text),
                _ => sys.out(text),
            }
        }
        Poll::Pending
    }
    fn name(&self) -> &str {
        "docker"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
