//! The running processes, by number.

use super::Process;
use crate::stack::Pid;

/// A place for every number that was ever given, empty once the process has ended: eight bytes each,
/// and finding one is a look at its place.
#[derive(Debug, Clone, Default)]
pub(super) struct Processes(Vec<Option<Box<Process>>>);

impl Processes {
    #[inline]
    pub fn get(&self, pid: Pid) -> Option<&Process> {
        self.0.get(pid.0 as usize)?.as_deref()
    }
    #[inline]
    pub fn get_mut(&mut self, pid: Pid) -> Option<&mut Process> {
        self.0.get_mut(pid.0 as usize)?.as_deref_mut()
    }
    pub fn insert(&mut self, process: Process) {
        let place = process.pid.0 as usize;
        if self.0.len() <= place {
            self.0.resize_with(place + 1, || None);
        }
        self.0[place] = Some(Box::new(process));
    }
    pub fn remove(&mut self, pid: Pid) -> Option<Box<Process>> {
        self.0.get_mut(pid.0 as usize)?.take()
    }
    /// By number.
    pub fn iter(&self) -> impl Iterator<Item = &Process> {
        self.0.iter().flatten().map(AsRef::as_ref)
    }
}
