//! Moments of the past: snapshots of the session, and re-running from them.

use super::{JobId, Session, SessionError};

/// A session with its past. All inputs go through here, so that any record's moment can be
/// brought back exactly: the nearest snapshot before it, run again, muted, up to that record.
#[derive(Debug)]
pub struct Timeline {
    live: Session,
}

impl Timeline {
    /// Begins at `session` as it is now.
    pub fn new(session: Session) -> Self {
        Self { live: session }
    }
    /// The session now.
    pub fn live(&self) -> &Session {
        &self.live
    }
    /// See [`Session::exec`].
    ///
    /// # Errors
    /// As there.
    pub fn exec(&mut self, _place: &str, _line: &str) -> Result<JobId, SessionError> {
        todo!()
    }
    /// See [`Session::interrupt`].
    pub fn interrupt(&mut self, _job: JobId) {
        todo!()
    }
    /// See [`Session::run`].
    pub fn run(&mut self, _until: crate::time::Instant, _max_events: u64) -> crate::sim::Progress {
        todo!()
    }
    /// An edit of the running session (new node, router settings …) as a closure over it; it is
    /// followed by a snapshot, so that re-running never has to repeat it.
    pub fn edit<R>(&mut self, _f: impl FnOnce(&mut Session) -> R) -> R {
        todo!()
    }
    /// The session as it was just after record `seq` (with the rest of that record's event).
    /// Cached; stepping to a neighbouring record is cheap.
    pub fn at(&mut self, _seq: u64) -> &Session {
        todo!()
    }
}
