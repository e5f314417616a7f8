//! `docker wait`: a process on the host that prints each exit status that it is told.

use crate::guest::{Poll, Program, Sys};

/// The process. Each line of its stdin is a status.
#[derive(Debug, Clone)]
pub(super) struct Wait {
    /// So many are still to come.
    pub left: usize,
}

impl Program for Wait {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        if sys.signal.take().is_some() {
            return Poll::Exit(130);
        }
        while let Some(end) = sys.stdin.data.find('\n') {
            let line: String = sys.stdin.data.drain(..=end).collect();
            sys.out(line);
            self.left = self.left.saturating_sub(1);
        }
        if self.left == 0 { Poll::Exit(0) } else { Poll::Pending }
    }
    fn name(&self) -> &str {
        "docker"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
