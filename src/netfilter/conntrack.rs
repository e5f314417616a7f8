//! Connection tracking.

use crate::time::Instant;
use crate::wire::Flow;

/// An entry's number, never reused within a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CtId(pub u32);

/// One direction of a connection as it is looked up. For ICMP echo the port is the identifier.
pub type Tuple = Flow;

/// The state as `-m conntrack --ctstate` sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CtState {
    /// First packet.
    New,
    /// Both directions were seen.
    Established,
    /// An ICMP error about a known connection.
    Related,
    /// Cannot be classed.
    Invalid,
    /// `-j CT --notrack`.
    Untracked,
}

/// Which way along the connection a packet travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CtDirection {
    /// As the first packet.
    Original,
    /// Back.
    Reply,
}

impl CtDirection {
    /// The opposite one.
    pub const fn other(self) -> Self {
        match self {
            Self::Original => Self::Reply,
            Self::Reply => Self::Original,
        }
    }
}

/// An entry of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct CtEntry {
    /// Its number.
    pub id: CtId,
    /// The first packet's tuple, before any translation.
    pub original: Tuple,
    /// The tuple that an answer will have.
    pub reply: Tuple,
    /// When it dies if nothing more is seen.
    pub expires: Instant,
}

/// The table of connections.
#[derive(Debug, Clone)]
pub struct Conntrack;
