//! Undo and redo.

use super::Lab;

/// The labs before and after, bounded to 200 steps. Every edit is one step.
#[derive(Debug, Clone, Default)]
pub struct History {
    past: Vec<Lab>,
    future: Vec<Lab>,
}

impl History {
    /// Remembers `before`, the lab as it was before an edit that has been done; forgets what could be redone.
    pub fn record(&mut self, before: Lab) {
        if self.past.len() == 200 {
            self.past.remove(0);
        }
        self.past.push(before);
        self.future.clear();
    }
    /// Goes back: `now` is what can be redone; returns the lab to open.
    pub fn undo(&mut self, now: &Lab) -> Option<Lab> {
        let lab = self.past.pop()?;
        self.future.push(now.clone());
        Some(lab)
    }
    /// Goes forward again.
    pub fn redo(&mut self, now: &Lab) -> Option<Lab> {
        let lab = self.future.pop()?;
        self.past.push(now.clone());
        Some(lab)
    }
    /// Can undo, can redo.
    pub fn can(&self) -> (bool, bool) {
        (!self.past.is_empty(), !self.future.is_empty())
    }
}
