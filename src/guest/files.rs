//! The small file store of a machine: `/etc/hosts`, `/etc/resolv.conf`, captures, what people
//! write with `cat >`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Absolute path → content. Directories exist by their files, or were made. At most 256 files of 1 MiB, 16 MiB
/// in all, and as many directories. A copy of the store shares the contents with it, as every moment of the
/// timeline has one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    content: BTreeMap<String, Arc<Vec<u8>>>,
    /// Directories that were made, with or without files in them.
    made: BTreeSet<String>,
    /// Files that are mounted from outside: written, but never removed.
    mounted: BTreeSet<String>,
}

const MOST_FILES: usize = 256;
const LONGEST: usize = 1 << 20;
const MOST_BYTES: usize = 16 << 20;
const LONGEST_PATH: usize = 4096;
const FULL: &str = "No space left on device";

impl Files {
    /// The content at `path`.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.content.get(path).map(|content| content.as_slice())
    }
    /// The content at `path` as text; None if it is absent or not UTF-8.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.get(path).and_then(|b| std::str::from_utf8(b).ok())
    }
    /// Writes a file.
    ///
    /// # Errors
    /// "No space left on device" past the bounds.
    pub fn put(&mut self, path: &str, content: impl Into<Vec<u8>>) -> Result<(), &'static str> {
        let content = content.into();
        self.room(path, content.len())?;
        self.content.insert(path.to_owned(), Arc::new(content));
        Ok(())
    }
    /// Writes at the end of a file, which is made if it is not there.
    ///
    /// # Errors
    /// "No space left on device" past the bounds.
    pub fn append(&mut self, path: &str, more: &[u8]) -> Result<(), &'static str> {
        let old = self.get(path).map_or(0, <[u8]>::len);
        self.room(path, old + more.len())?;
        Arc::make_mut(self.content.entry(path.to_owned()).or_default()).extend_from_slice(more);
        Ok(())
    }
    /// Is there room for a file of so many bytes at `path`?
    fn room(&self, path: &str, len: usize) -> Result<(), &'static str> {
        let others = || self.content.iter().filter(|(p, _)| *p != path).map(|(_, content)| content.len());
        let fits = len <= LONGEST
            && (self.content.len() < MOST_FILES || self.content.contains_key(path))
            // Small files never come near the sum: most writes need not count.
            && (len * self.content.len().max(1) <= MOST_BYTES || others().sum::<usize>() + len <= MOST_BYTES);
        if fits { Ok(()) } else { Err(FULL) }
    }
    /// Removes a file; true if there was one.
    pub fn remove(&mut self, path: &str) -> bool {
        self.content.remove(path).is_some()
    }
    /// Makes a directory at an absolute path, and those above it.
    ///
    /// # Errors
    /// "No space left on device" past the bounds.
    pub fn make_directory(&mut self, path: &str) -> Result<(), &'static str> {
        if self.made.len() >= MOST_FILES || path.len() > LONGEST_PATH {
            return Err(FULL);
        }
        self.made.insert(path.to_owned());
        Ok(())
    }
    /// Takes away a directory that was made, with those that were made below it; true if there was one.
    pub fn remove_directory(&mut self, path: &str) -> bool {
        let before = self.made.len();
        let inside = format!("{}/", path.trim_end_matches('/'));
        self.made.retain(|d| d != path && !d.starts_with(&inside));
        self.made.len() != before
    }
    /// The directories that were made, sorted.
    pub fn directories(&self) -> impl Iterator<Item = &str> {
        self.made.iter().map(String::as_str)
    }
    /// Has the file at `path` come from outside from now on.
    pub fn mount(&mut self, path: &str) {
        self.mounted.insert(path.to_owned());
    }
    /// Does the file at `path` come from outside?
    pub fn is_mounted(&self, path: &str) -> bool {
        self.mounted.contains(path)
    }
    /// Is there a directory at the absolute path: one that every machine has, or one with a file below it?
    pub fn is_directory(&self, path: &str) -> bool {
        const ALWAYS: [&str; 10] =
            ["/", "/root", "/tmp", "/etc", "/var", "/usr", "/home", "/proc", "/dev", "/opt"];
        ALWAYS.contains(&path) || self.has_below(path)
    }
    /// Is there a file or a directory below the path, or is it one that was made?
    pub fn has_below(&self, path: &str) -> bool {
        let inside = format!("{}/", path.trim_end_matches('/'));
        self.made.contains(path) || self.paths().chain(self.directories()).any(|p| p.starts_with(&inside))
    }
    /// All paths, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.content.keys().map(String::as_str)
    }
}
