//! What the page lends: a place to keep texts. The browser's is in `ui`.

use std::collections::BTreeMap;

/// Keeps texts by name, in the browser across visits.
pub trait Storage {
    /// What is kept under `key`.
    fn get(&self, key: &str) -> Option<String>;
    /// Keeps `value`. False if it was refused (full, or forbidden).
    fn set(&mut self, key: &str, value: &str) -> bool;
    /// Forgets.
    fn remove(&mut self, key: &str);
}

/// Keeps texts for as long as the program runs.
#[derive(Debug, Clone, Default)]
pub struct Memory(BTreeMap<String, String>);

impl Storage for Memory {
    fn get(&self, key: &str) -> Option<String> {
        self.0.get(key).cloned()
    }
    fn set(&mut self, key: &str, value: &str) -> bool {
        self.0.insert(key.to_owned(), value.to_owned());
        true
    }
    fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }
}
