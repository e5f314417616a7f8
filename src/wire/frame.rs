//! A frame: the bytes on the wire, and which packet they belong to.

use serde::{Deserialize, Serialize};

/// The identity of a packet, from the sender's stack to its fate. Forwarding keeps it, NAT
/// keeps it; a copy (flooding, fragmenting) gets one of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PacketId(pub u64);

/// An Ethernet frame: header and payload as on the wire, without the FCS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Which packet this is.
    pub id: PacketId,
    /// Ethernet II header (14 bytes) and payload.
    pub bytes: Vec<u8>,
}

impl Frame {
    /// The bytes from `begin` to `end`, which are inside, in the memory that the frame had.
    pub fn into_part(self, begin: usize, end: usize) -> Vec<u8> {
        let mut bytes = self.bytes;
        bytes.truncate(end);
        bytes.drain(..begin.min(bytes.len()));
        bytes
    }
}
