//! A main process that is no guest program: a shell that the session runs in its stead, or an
//! image that gives up at once.

use crate::guest::{Poll, Program, Sys};

/// The process.
#[derive(Debug, Clone)]
pub(super) struct Init {
    /// Ends at once, saying this.
    fails: Option<(String, i32)>,
    /// Somebody may still talk to it: it waits. Otherwise it reads the end of its stdin, and ends.
    waits: bool,
}

impl Init {
    /// A shell. It ends with the number that it reads, or when its stdin is closed.
    pub fn shell(waits: bool) -> Box<dyn Program> {
        Box::new(Self { fails: None, waits })
    }
    /// A program that ends at once.
    pub fn failing(complaint: String, code: i32) -> Box<dyn Program> {
        Box::new(Self { fails: Some((complaint, code)), waits: false })
    }
}

impl Program for Init {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        if let Some((complaint, code)) = self.fails.take() {
            sys.err(complaint);
            return Poll::Exit(code);
        }
        // As process 1 a shell is deaf to SIGTERM and SIGINT: `sys.signal` is not looked at.
        if let Ok(code) = sys.stdin.data.trim().parse() {
            return Poll::Exit(code);
        }
        if sys.stdin.closed || !self.waits { Poll::Exit(0) } else { Poll::Pending }
    }
    fn name(&self) -> &str {
        "sh"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
