//! The learning bridge (IEEE 802.1D-2004 §7.8, §7.9; net/bridge/br_fdb.c).

use crate::time::Instant;
use crate::wire::{IfIndex, Mac};

/// A line of the forwarding database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FdbEntry {
    /// Address.
    pub mac: Mac,
    /// Behind which port.
    pub port: IfIndex,
    /// Last seen. Entries age after 300 s (the kernel's default).
    pub seen: Instant,
    /// The port's own address; never ages.
    pub local: bool,
}

/// A bridge's state.
#[derive(Debug, Clone, Default)]
pub struct BridgeState {
    /// Ports in the order they were added.
    pub ports: Vec<IfIndex>,
}
