//! Filters: programs that read lines, from the files they are given or from stdin, and print as
//! they read.

use super::files::path;
use super::sysctl::read_proc;
use crate::guest::{Poll, Program, Signal, Sys};
use std::fmt::Debug;

/// What a filter does with its lines.
pub(super) trait Lines: Debug + Clone + Send + 'static {
    /// A file begins; `many`: there are several. Not called for stdin.
    fn begin(&mut self, _file: &str, _many: bool, _out: &mut String) {}
    /// One line without its end; `newline`: it had one. False: no more is wanted.
    fn line(&mut self, line: &str, newline: bool, out: &mut String) -> bool;
    /// A file, or stdin, has ended.
    fn end(&mut self, _out: &mut String) {}
    /// All is read: the last words and the exit status.
    fn finish(&mut self, _out: &mut String) -> i32 {
        0
    }
    /// What it has to say on stderr since it was last asked.
    fn complaint(&mut self) -> Option<String> {
        None
    }
    /// The exit status if a file could not be read.
    fn file_error(&self) -> i32 {
        1
    }
}

/// A filter under way.
#[derive(Debug, Clone)]
pub(super) struct Filter<L> {
    name: String,
    files: Vec<String>,
    /// The filter, or why it cannot begin (text and exit status).
    lines: Result<L, (String, i32)>,
    status: Option<i32>,
}

/// Makes a filter over `files`, or over stdin if there are none.
pub(super) fn filter<L: Lines>(
    argv: &[String],
    files: Vec<String>,
    lines: Result<L, (String, i32)>,
) -> Box<dyn Program> {
    Box::new(Filter { name: argv.first().cloned().unwrap_or_default(), files, lines, status: None })
}

impl<L: Lines> Filter<L> {
    fn read_files(name: &str, files: &[String], lines: &mut L, sys: &mut Sys<'_>) -> (i32, bool) {
        let (mut out, mut status, many) = (String::new(), 0, files.len() > 1);
        let mut wanted = true;
        for file in files {
            let full = path(sys, file);
            let stored = sys.files.get(&full).map(|b| String::from_utf8_lossy(b).into_owned());
            let Some(text) = stored
                .or_else(|| read_proc(sys.ns, &full))
                .or_else(|| super::proc_net::read(sys.ns, sys.now(), &full))
                .or_else(|| super::sys_net::read(sys.ns, &full))
            else {
                sys.out(std::mem::take(&mut out));
                sys.err(format!("{name}: {file}: No such file or directory\n"));
                status = lines.file_error();
                continue;
            };
            lines.begin(file, many, &mut out);
            wanted = feed(lines, &text, &mut out);
            lines.end(&mut out);
        }
        if !out.is_empty() {
            sys.out(out);
        }
        (status, wanted)
    }
}

/// Gives text to a filter, line by line.
fn feed<L: Lines>(lines: &mut L, text: &str, out: &mut String) -> bool {
    text.split_inclusive('\n').all(|line| match line.strip_suffix('\n') {
        Some(line) => lines.line(line, true, out),
        None => lines.line(line, false, out),
    })
}

impl<L: Lines> Program for Filter<L> {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        match sys.signal {
            Some(Signal::Int) => return Poll::Exit(130),
            Some(Signal::Term) => return Poll::Exit(143),
            _ => {}
        }
        let lines = match &mut self.lines {
            Ok(lines) => lines,
            Err((text, status)) => {
                sys.err(std::mem::take(text));
                return Poll::Exit(*status);
            }
        };
        let mut out = String::new();
        if !self.files.is_empty() {
            let (status, _) = Self::read_files(&self.name, &self.files, lines, sys);
            let finish = lines.finish(&mut out);
            if !out.is_empty() {
                sys.out(out);
            }
            if let Some(text) = lines.complaint() {
                sys.err(text);
            }
            return Poll::Exit(if status == 0 { finish } else { status });
        }
        // Whole lines only, but for the last one.
        let data = &mut sys.stdin.data;
        let len = if sys.stdin.closed { data.len() } else { data.rfind('\n').map_or(0, |at| at + 1) };
        let text: String = data.drain(..len).collect();
        let wanted = feed(lines, &text, &mut out);
        let done = sys.stdin.closed || !wanted;
        if done {
            lines.end(&mut out);
            self.status = Some(lines.finish(&mut out));
        }
        if !out.is_empty() {
            sys.out(out);
        }
        if let Some(text) = lines.complaint() {
            sys.err(text);
        }
        self.status.map_or(Poll::Pending, Poll::Exit)
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// A line with its end.
pub(super) fn put(out: &mut String, line: &str, newline: bool) {
    out.push_str(line);
    if newline {
        out.push('\n');
    }
}
