//! Programs that show and change the machine itself: `ip`, `iptables`, `ss`, `cat` …

use super::Entry;

/// The table of these programs.
pub const PROGRAMS: &[Entry] = &[];
