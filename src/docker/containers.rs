//! The engine's list of containers, and which names are taken in it.

use super::Container;
use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};

/// The containers in the order in which they were made, to be read like a slice. A name is changed
/// by [`Containers::rename`] only.
#[derive(Debug, Clone, Default)]
pub(super) struct Containers {
    list: Vec<Container>,
    names: BTreeSet<String>,
}

impl Containers {
    /// True if a container has this name.
    pub fn is_taken(&self, name: &str) -> bool {
        let taken = self.names.contains(name);
        debug_assert_eq!(taken, self.list.iter().any(|c| c.name == name), "names are out of step");
        taken
    }
    pub fn push(&mut self, container: Container) {
        self.names.insert(container.name.clone());
        self.list.push(container);
    }
    pub fn remove(&mut self, i: usize) -> Container {
        let container = self.list.remove(i);
        self.names.remove(&container.name);
        container
    }
    /// Gives container `i` another name.
    pub fn rename(&mut self, i: usize, name: &str) {
        let old = std::mem::replace(&mut self.list[i].name, name.to_owned());
        self.names.remove(&old);
        self.names.insert(name.to_owned());
    }
}

impl Deref for Containers {
    type Target = [Container];
    fn deref(&self) -> &[Container] {
        &self.list
    }
}

impl DerefMut for Containers {
    fn deref_mut(&mut self) -> &mut [Container] {
        &mut self.list
    }
}

impl<'a> IntoIterator for &'a Containers {
    type Item = &'a Container;
    type IntoIter = std::slice::Iter<'a, Container>;
    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}
