//! Programs that talk over the network: probes (`ping`, `curl` …) and servers.

use super::Entry;

/// The table of these programs.
pub const PROGRAMS: &[Entry] = &[];
