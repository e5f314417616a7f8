//! A frame: the bytes on the wire, and which packet they belong to.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Deref, DerefMut};

/// The identity of a packet, from the sender's stack to its fate. Forwarding keeps it, NAT
/// keeps it; a copy (flooding, fragmenting) gets one of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PacketId(pub u64);

/// An Ethernet frame: header and payload as on the wire, without the FCS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// Which packet this is.
    pub id: PacketId,
    /// Ethernet II header (14 bytes) and payload.
    pub bytes: Bytes,
}

impl Frame {
    /// The frame of packet `id`.
    pub fn new(id: PacketId, bytes: impl Into<Bytes>) -> Self {
        Self { id, bytes: bytes.into() }
    }
    /// The same bytes as another packet: an answer that is written over its question.
    pub fn renamed(mut self, id: PacketId) -> Self {
        self.id = id;
        self
    }
    /// The bytes alone.
    pub fn into_vec(self) -> Vec<u8> {
        self.bytes.data
    }
    /// The bytes from `begin` to `end`, which are inside, in the memory that the frame had.
    pub fn into_part(self, begin: usize, end: usize) -> Vec<u8> {
        let mut bytes = self.into_vec();
        bytes.truncate(end);
        bytes.drain(..begin.min(bytes.len()));
        bytes
    }
}

/// The bytes of a frame, which know where they were written down last: who carries a frame on without
/// changing it need not write it down again. Whoever can change them makes them forget it.
#[derive(Clone, Default)]
pub struct Bytes {
    data: Vec<u8>,
    kept: Kept,
}

/// Where bytes were written down.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kept {
    /// In which store. 0: in none.
    pub store: u32,
    /// Where there.
    pub place: u32,
    /// Where those are that they were compared with.
    pub base: u32,
    /// How many those are.
    pub base_len: u16,
    /// They are still the same.
    pub same: bool,
}

impl Bytes {
    /// Where they were written down last.
    #[inline]
    pub fn kept(&self) -> Kept {
        self.kept
    }
    /// They are written down there.
    #[inline]
    pub fn keep(&mut self, kept: Kept) {
        self.kept = kept;
    }
}

impl Deref for Bytes {
    type Target = Vec<u8>;
    #[inline]
    fn deref(&self) -> &Vec<u8> {
        &self.data
    }
}

impl DerefMut for Bytes {
    #[inline]
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        self.kept.same = false;
        &mut self.data
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(data: Vec<u8>) -> Self {
        Self { data, kept: Kept::default() }
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        self.data == other.data
    }
}
impl Eq for Bytes {}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.data.fmt(f)
    }
}
