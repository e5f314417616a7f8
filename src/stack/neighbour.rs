//! The neighbour table: ARP (RFC 826), its states (RFC 4861 §7.3 as net/core/neighbour.c has
//! them) and the queue of packets that wait for an answer.

use crate::wire::{IfIndex, Mac};
use std::net::Ipv4Addr;

/// The state of an entry, as `ip neigh` prints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum NeighState {
    Incomplete,
    Reachable,
    Stale,
    Delay,
    Probe,
    Failed,
    Permanent,
}

/// A line of the neighbour table, for reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// Behind which interface.
    pub dev: IfIndex,
    /// Its IPv4 address.
    pub addr: Ipv4Addr,
    /// Its MAC address, once known.
    pub mac: Option<Mac>,
    /// The state now.
    pub state: NeighState,
}
