//! A run of packed records as 32-bit units. Memory that was never touched is the dearest thing about a
//! trace, so a record takes only what says something new:
//!
//! ```text
//! head: kind 6 bits, [packet] follows, first word is here, small 8, first word 16 │ packet │ words
//! ```
//! When and where (the stamp) is written when it changes, and the packet when it is another than
//! the record before had. Every [`STRIDE`] records there is a mark to begin reading at.

use super::NsId;
use super::packed::{Kind, Packed};
use crate::time::{Duration, Instant};

/// Records between two marks.
const STRIDE: usize = 32;
/// What a mark counts for in the log's bound.
const MARK_COST: u64 = 32;
/// Parts of the head.
const KIND: u32 = 0x3f;
const PACKET: u32 = 0x40;
const INLINE: u32 = 0x80;

/// What a record is written relative to.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    packet: u32,
    stamp: (Instant, NsId),
}

/// A place to begin reading at.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at: u32,
    state: State,
}

/// The records.
#[derive(Debug, Clone, Default)]
pub(super) struct Stream {
    units: Vec<u32>,
    marks: Vec<Mark>,
    count: usize,
    last: State,
}

impl Stream {
    /// One with room for as much as `old` has, and some more: growing step by step would copy it.
    pub fn like(old: &Self) -> Self {
        Self { units: Vec::with_capacity(old.units.len() + old.units.len() / 4), ..Self::default() }
    }
    /// How many records there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.count
    }
    /// What it counts for in the log's bound, in bytes.
    pub fn cost(&self) -> u64 {
        self.units.len() as u64 * 4 + self.marks.len() as u64 * MARK_COST
    }

    /// Adds a record that happened at this time in this namespace.
    #[inline]
    pub fn push(&mut self, stamp: (Instant, NsId), record: &Packed) {
        if self.count.is_multiple_of(STRIDE) {
            self.mark();
        }
        self.count += 1;
        if stamp != self.last.stamp {
            self.push_stamp(stamp);
        }
        let packet = record.packet();
        // one that is kept whole knows its packet
        let other = packet != self.last.packet && record.position().is_none();
        if other {
            self.last.packet = packet;
        }
        self.write(record, other);
    }

    fn mark(&mut self) {
        self.marks.push(Mark { at: self.units.len() as u32, state: self.last });
    }

    fn push_stamp(&mut self, (at, ns): (Instant, NsId)) {
        let passed = at.0.checked_sub(self.last.stamp.0.0).and_then(|d| u32::try_from(d).ok());
        self.last.stamp = (at, ns);
        let stamp = match passed {
            Some(passed) => Packed::stamp(Kind::Stamp, [ns.0, passed, 0, 0]),
            None => Packed::stamp(Kind::FarStamp, [ns.0, at.0 as u32, (at.0 >> 32) as u32, 0]),
        };
        self.write(&stamp, false);
    }

    #[inline]
    fn write(&mut self, record: &Packed, packet: bool) {
        let (kind, small, words) = record.parts();
        let first = words[0];
        let mut head = kind as u32 | u32::from(small) << 8;
        if packet {
            head |= PACKET;
        }
        let short = first <= 0xffff;
        if short {
            head |= INLINE | first << 16;
        }
        // word by word: they were written a moment ago, and a wider read would wait for them
        self.units.push(head);
        if packet {
            self.units.push(record.packet());
        }
        for &word in words.iter().take(kind.words()).skip(usize::from(short)) {
            self.units.push(word);
        }
    }

    /// The records from number `n` on.
    pub fn read_from(&self, n: usize) -> Reader<'_> {
        let mark = self.marks.get(n / STRIDE).filter(|_| n < self.count);
        let mut reader = match mark {
            Some(mark) => Reader { units: &self.units, at: mark.at as usize, state: mark.state },
            None => Reader { units: &[], at: 0, state: State::default() },
        };
        for _ in 0..n % STRIDE {
            reader.next();
        }
        reader
    }
}

/// Reads records in order, with their stamps.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    units: &'a [u32],
    at: usize,
    state: State,
}

impl Reader<'_> {
    fn unit(&mut self) -> Option<u32> {
        let unit = *self.units.get(self.at)?;
        self.at += 1;
        Some(unit)
    }
    fn one(&mut self) -> Option<Packed> {
        let head = self.unit()?;
        let kind = Kind::from_number((head & KIND) as u8)?;
        if head & PACKET != 0 {
            self.state.packet = self.unit()?;
        }
        let mut words = [0; 7];
        let mut from = 0;
        if head & INLINE != 0 {
            words[0] = head >> 16;
            from = 1;
        }
        for word in words.iter_mut().take(kind.words()).skip(from) {
            *word = self.unit()?;
        }
        Some(Packed::from_parts(kind, (head >> 8) as u8, words, self.state.packet))
    }
}

impl Iterator for Reader<'_> {
    type Item = (Packed, (Instant, NsId));

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let record = self.one()?;
            let (kind, _, &[a, b, c, ..]) = record.parts();
            match kind {
                Kind::Stamp => self.state.stamp = (self.state.stamp.0 + Duration(b.into()), NsId(a)),
                Kind::FarStamp => {
                    self.state.stamp = (Instant(u64::from(c) << 32 | u64::from(b)), NsId(a));
                }
                _ => return Some((record, self.state.stamp)),
            }
        }
    }
}
