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
/// Past the bounds.
pub(super) const FULL: &str = "No space left on device";

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
    /// "Is a directory"; "Not a directory": a file is above it; "No space left on device" past the bounds.
    pub fn put(&mut self, path: &str, content: impl Into<Vec<u8>>) -> Result<(), &'static str> {
        let content = content.into();
        self.room(path, content.len())?;
        self.content.insert(path.to_owned(), Arc::new(content));
        Ok(())
    }
    /// Writes at the end of a file, which is made if it is not there.
    ///
    /// # Errors
    /// As [`Files::put`].
    pub fn append(&mut self, path: &str, more: &[u8]) -> Result<(), &'static str> {
        let old = self.get(path).map_or(0, <[u8]>::len);
        self.room(path, old + more.len())?;
        Arc::make_mut(self.content.entry(path.to_owned()).or_default()).extend_from_slice(more);
        Ok(())
    }
    /// May a file of so many bytes be at `path`?
    fn room(&self, path: &str, len: usize) -> Result<(), &'static str> {
        if !self.content.contains_key(path) {
            self.below_directories(path)?;
            if self.is_directory(path) {
                return Err("Is a directory");
            }
        }
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
    /// What is above a path has to be no file.
    fn below_directories(&self, path: &str) -> Result<(), &'static str> {
        let file = |(at, _): (usize, &str)| self.content.contains_key(&path[..at]);
        if path.match_indices('/').any(file) { Err("Not a directory") } else { Ok(()) }
    }
    /// Makes a directory at an absolute path, and those above it; one that is there stays as it is.
    ///
    /// # Errors
    /// "Not a directory": a file is there, or above it; "No space left on device" past the bounds.
    pub fn make_directory(&mut self, path: &str) -> Result<(), &'static str> {
        if self.content.contains_key(path) {
            return Err("Not a directory");
        }
        self.below_directories(path)?;
        if self.is_directory(path) {
            return Ok(());
        }
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
    /// Every directory but the root that there is because of something: those that were made, and those above
    /// something.
    pub fn all_directories(&self) -> BTreeSet<&str> {
        let mut all: BTreeSet<&str> = self.directories().collect();
        for path in self.paths().chain(self.directories()) {
            let mut at = path;
            while let Some((above, _)) = at.rsplit_once('/').filter(|(above, _)| !above.is_empty()) {
                all.insert(above);
                at = above;
            }
        }
        all
    }
    /// What lies at `root`, each with its path from there: directories end in a slash, `root` itself has none.
    pub fn gather(&self, root: &str) -> Vec<(String, Vec<u8>)> {
        if let Some(content) = self.get(root) {
            return vec![(String::new(), content.to_vec())];
        }
        let prefix = format!("{}/", root.trim_end_matches('/'));
        let directories = self.all_directories().into_iter().map(|d| (format!("{d}/"), Vec::new()));
        let all = self.content.iter().map(|(path, content)| (path.clone(), content.to_vec()));
        let mut found: Vec<(String, Vec<u8>)> = directories
            .chain(all)
            .filter_map(|(path, content)| Some((path.strip_prefix(&prefix)?.to_owned(), content)))
            .filter(|(path, _)| !path.is_empty())
            .collect();
        found.sort();
        found
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
        use std::ops::Bound::{Excluded, Unbounded};
        let inside = format!("{}/", path.trim_end_matches('/'));
        let from = (Excluded(inside.as_str()), Unbounded);
        let below = |first: Option<&String>| first.is_some_and(|p| p.starts_with(&inside));
        self.made.contains(path)
            || below(self.content.range::<str, _>(from).next().map(|(p, _)| p))
            || below(self.made.range::<str, _>(from).next())
    }
    /// All paths, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.content.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_file_or_a_directory_but_never_both() {
        let mut files = Files::default();
        files.put("/f", "1").unwrap();
        files.put("/with/one", "2").unwrap();
        files.make_directory("/made").unwrap();
        let before = files.clone();
        for directory in ["/made", "/with", "/tmp", "/"] {
            assert_eq!(files.put(directory, "x"), Err("Is a directory"), "{directory}");
            assert_eq!(files.append(directory, b"x"), Err("Is a directory"), "{directory}");
            assert_eq!(files.make_directory(directory), Ok(()), "{directory}");
        }
        assert_eq!(files.put("/f/below", "x"), Err("Not a directory"));
        assert_eq!(files.append("/f/below/it", b"x"), Err("Not a directory"));
        assert_eq!(files.make_directory("/f"), Err("Not a directory"));
        assert_eq!(files.make_directory("/f/below"), Err("Not a directory"));
        assert_eq!(files, before);
    }

    #[test]
    fn a_directory_that_is_there_needs_no_room() {
        let mut files = Files::default();
        (0..MOST_FILES).for_each(|n| files.make_directory(&format!("/d{n}")).unwrap());
        assert_eq!(files.make_directory("/another"), Err(FULL));
        assert_eq!(files.make_directory("/d7"), Ok(()));
    }

    #[test]
    fn what_begins_alike_is_not_below() {
        let mut files = Files::default();
        files.put("/ab", "").unwrap();
        files.put("/a.b/c", "").unwrap();
        assert!(!files.has_below("/a") && !files.has_below("/ab") && files.has_below("/a.b"));
    }
}
