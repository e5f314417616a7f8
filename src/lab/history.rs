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

#[cfg(test)]
mod tests {
    use super::*;

    fn lab(seed: u64) -> Lab {
        Lab { seed, ..Lab::builtin("empty").unwrap() }
    }

    #[test]
    fn undo_to_the_start_and_redo_to_the_end_bring_back_every_lab() {
        let mut history = History::default();
        for seed in 0..5 {
            history.record(lab(seed));
        }
        let mut now = lab(5);
        for seed in (0..5).rev() {
            now = history.undo(&now).unwrap();
            assert_eq!(now, lab(seed));
        }
        assert_eq!(history.undo(&now), None);
        for seed in 1..=5 {
            now = history.redo(&now).unwrap();
            assert_eq!(now, lab(seed));
        }
        assert_eq!(history.redo(&now), None);
    }

    #[test]
    fn a_new_edit_forgets_what_could_be_redone() {
        let mut history = History::default();
        history.record(lab(0));
        history.undo(&lab(1)).unwrap();
        history.record(lab(0));
        assert_eq!(history.can(), (true, false));
    }
}
