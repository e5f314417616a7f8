//! The small file store of a machine: `/etc/hosts`, `/etc/resolv.conf`, captures, what people
//! write with `cat >`.

use std::collections::BTreeMap;

/// Absolute path → content. Directories exist by their files. At most 256 files of 1 MiB.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    /// The content at `path`.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.0.get(path).map(Vec::as_slice)
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
        if content.len() > 1 << 20 || (self.0.len() >= 256 && !self.0.contains_key(path)) {
            return Err("No space left on device");
        }
        self.0.insert(path.to_owned(), content);
        Ok(())
    }
    /// Removes a file; true if there was one.
    pub fn remove(&mut self, path: &str) -> bool {
        self.0.remove(path).is_some()
    }
    /// All paths, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}
