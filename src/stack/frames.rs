//! The bytes of frames. Most frames are like one before them: a router changes the addresses of the
//! link and the TTL, the next echo request has another number. Such a frame is kept as the words (32
//! bits) in which it differs from one that is kept whole:
//!
//! ```text
//! where the whole one begins 24 bits, blocks 8 │ for each block of 32 words: mask, the words that differ
//! ```

use std::borrow::Cow;

use super::step::ByteSpan;
use crate::wire::{Bytes, Kept};

/// Set in the start of a span of a frame that is kept as its difference.
const CHANGED: u32 = 1 << 31;
/// Bits for where the whole frame begins.
const BASE_BITS: u32 = 24;
/// Words that differ at most: addresses, ports, sequence numbers and checksums are fewer.
const MOST_WORDS: usize = 16;
/// Bytes that a mask speaks of: 32 words.
const BLOCK: usize = 128;
/// Bytes that are compared in one go. The headers that change are in the first of them.
const PART: usize = 64;

/// Ways (from one MAC address to another) that are remembered: two to the power of this.
const WAY_BITS: u32 = 9;
/// Room that a new store has at least, in bytes.
const LEAST_ROOM: usize = 16 * 1024;

/// Frames, to be found by their spans.
#[derive(Debug, Clone, Default)]
pub(super) struct Frames {
    /// Which store it is: the one after another has a number of its own. 0 holds nothing.
    number: u32,
    whole: Vec<u8>,
    changes: Vec<u32>,
}

/// What went by lately, for the writer: what the next frame is probably like.
#[derive(Debug, Clone, Default)]
pub(super) struct Lately {
    /// By the MAC addresses and the length: the last that was kept whole.
    ways: Vec<ByteSpan>,
}

impl Lately {
    /// Forgets all, for a new store.
    pub fn clear(&mut self) {
        self.ways.clear();
        self.ways.resize(1 << WAY_BITS, ByteSpan::default());
    }
}

/// A number for the way of a frame: from whom to whom, and how long it is.
fn way(bytes: &[u8]) -> usize {
    let Some((&first, rest)) = bytes.split_first_chunk() else { return 0 };
    let Some(&last) = rest.first_chunk() else { return 0 };
    let macs = u64::from_le_bytes(first) ^ u64::from(u32::from_le_bytes(last)).rotate_left(24);
    let mixed = (macs ^ (bytes.len() as u64) << 56).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    // the highest bits: only in them every bit of both addresses counts
    (mixed >> (u64::BITS - WAY_BITS)) as usize
}

impl Frames {
    /// The one after `old`, with room for as much as that has, and some more: growing step by step would
    /// copy it.
    pub fn after(old: &Self) -> Self {
        let more = |len: usize, least: usize| (len + len / 4).max(least);
        Self {
            number: old.number + 1,
            whole: Vec::with_capacity(more(old.whole.len(), LEAST_ROOM)),
            changes: Vec::with_capacity(more(old.changes.len(), LEAST_ROOM / 4)),
        }
    }

    /// One without content that stands for this one: the next after it is the next after this.
    pub fn hollow(&self) -> Self {
        Self { number: self.number, ..Self::default() }
    }

    /// Bytes that it holds.
    #[inline]
    pub fn cost(&self) -> usize {
        self.whole.len() + self.changes.len() * 4
    }

    /// Keeps a frame, at most 65,535 bytes of it. One that is as it was when it was kept last, as behind
    /// a bridge, takes no more room.
    #[inline(always)]
    pub fn keep(&mut self, lately: &mut Lately, frame: &mut Bytes) -> ByteSpan {
        let kept = frame.kept();
        if kept.same && kept.store == self.number {
            return ByteSpan { start: kept.place, len: frame.len().min(usize::from(u16::MAX)) as u16 };
        }
        self.keep_anew(lately, frame)
    }

    #[inline(never)]
    fn keep_anew(&mut self, lately: &mut Lately, frame: &mut Bytes) -> ByteSpan {
        let Kept { store, base: start, base_len: len, .. } = frame.kept();
        let bytes = &frame[..frame.len().min(usize::from(u16::MAX))];
        let way = &mut lately.ways[way(bytes)];
        // What went this way before is nearest, unless its payload was another: then it is what the packet
        // itself was. The first on a way is kept whole, for those after it.
        let (base, span) = match self.keep_headers(*way, bytes) {
            Some(span) => (*way, span),
            None => {
                let own = Some(ByteSpan { start, len }).filter(|_| store == self.number);
                self.keep_otherwise(way, own, bytes)
            }
        };
        frame.keep(Kept {
            store: self.number,
            place: span.start,
            base: base.start,
            base_len: base.len,
            same: true,
        });
        span
    }

    /// Keeps what differs in more than the headers from what went this `way`. `own`: what the packet itself
    /// was. With what it is like now.
    #[inline(never)]
    fn keep_otherwise(
        &mut self,
        way: &mut ByteSpan,
        own: Option<ByteSpan>,
        bytes: &[u8],
    ) -> (ByteSpan, ByteSpan) {
        if let Some(span) = self.keep_change(*way, bytes) {
            return (*way, span);
        }
        let own = own.filter(|own| usize::from(way.len) == bytes.len() && own != way);
        if let Some(own) = own
            && let Some(span) = self.keep_headers(own, bytes).or_else(|| self.keep_change(own, bytes))
        {
            return (own, span);
        }
        *way = self.keep_whole(bytes);
        (*way, *way)
    }

    fn keep_whole(&mut self, bytes: &[u8]) -> ByteSpan {
        let span = ByteSpan { start: self.whole.len() as u32, len: bytes.len() as u16 };
        self.whole.extend_from_slice(bytes);
        span
    }

    /// Keeps how `bytes` differ from those of `base`, which are kept whole, if that is only in their first
    /// bytes, as in most.
    #[inline(always)]
    fn keep_headers(&mut self, base: ByteSpan, bytes: &[u8]) -> Option<ByteSpan> {
        let (old, old_rest) = self.base(base, bytes.len())?.split_first_chunk::<PART>()?;
        let (new, new_rest) = bytes.split_first_chunk::<PART>()?;
        if old_rest != new_rest {
            return None;
        }
        let mask = part_differences(old, new);
        if mask == 0 {
            return Some(base);
        }
        let begin = self.changes.len() as u32;
        self.changes.extend_from_slice(&[base.start | 1 << BASE_BITS, mask]);
        let (words, _) = new.as_chunks::<4>();
        let mut bits = mask;
        while bits != 0 {
            self.changes.push(u32::from_le_bytes(words[bits.trailing_zeros() as usize % (PART / 4)]));
            bits &= bits - 1;
        }
        Some(ByteSpan { start: CHANGED | begin, len: base.len })
    }

    /// The bytes of a base for a frame of this length.
    #[inline]
    fn base(&self, base: ByteSpan, len: usize) -> Option<&[u8]> {
        let start = base.start as usize;
        if usize::from(base.len) != len || start >> BASE_BITS != 0 {
            return None;
        }
        self.whole.get(start..start + len)
    }

    /// The same, wherever they differ. None if that is too much.
    fn keep_change(&mut self, base: ByteSpan, bytes: &[u8]) -> Option<ByteSpan> {
        self.base(base, bytes.len())?;
        let begin = self.changes.len();
        let (mut left, mut end) = (MOST_WORDS.min(bytes.len() / 8), begin);
        for i in 0..bytes.len().div_ceil(BLOCK) {
            let block = i * BLOCK..bytes.len().min((i + 1) * BLOCK);
            let (old, new) = (self.base(base, bytes.len())?.get(block.clone())?, &bytes[block]);
            let mask = differences(old, new);
            if i == 0 {
                self.changes.push(0);
            }
            self.changes.push(mask);
            if mask != 0 {
                left = match left.checked_sub(mask.count_ones() as usize).filter(|_| i <= 0xff) {
                    Some(left) => left,
                    None => {
                        self.changes.truncate(begin);
                        return None;
                    }
                };
                let mut bits = mask;
                while bits != 0 {
                    self.changes.push(word(new, bits.trailing_zeros() as usize * 4));
                    bits &= bits - 1;
                }
                self.changes[begin] = base.start | (i as u32 + 1) << BASE_BITS;
                end = self.changes.len();
            }
        }
        self.changes.truncate(end);
        if end == begin {
            return Some(base);
        }
        Some(ByteSpan { start: CHANGED | begin as u32, len: base.len })
    }

    /// The bytes again.
    pub fn get(&self, span: ByteSpan) -> Option<Cow<'_, [u8]>> {
        let (start, len) = ((span.start & !CHANGED) as usize, usize::from(span.len));
        if span.start & CHANGED == 0 {
            return self.whole.get(start..start + len).map(Cow::Borrowed);
        }
        let (&head, mut rest) = self.changes.get(start..)?.split_first()?;
        let base = (head & ((1 << BASE_BITS) - 1)) as usize;
        let mut bytes = self.whole.get(base..base + len)?.to_vec();
        for block in bytes.chunks_mut(BLOCK).take((head >> BASE_BITS) as usize) {
            let (&mask, words) = rest.split_first()?;
            rest = words;
            for (i, old) in block.chunks_mut(4).enumerate() {
                if mask >> i & 1 == 1 {
                    let (new, words) = rest.split_first()?;
                    rest = words;
                    old.copy_from_slice(&new.to_le_bytes()[..old.len()]);
                }
            }
        }
        Some(Cow::Owned(bytes))
    }
}

/// In which of their words two parts differ. All are looked at, without a branch: which differ is hard
/// to foresee.
#[inline(always)]
fn part_differences(old: &[u8; PART], new: &[u8; PART]) -> u32 {
    let (old, new) = (old.as_chunks::<4>().0, new.as_chunks::<4>().0);
    let pairs = old.iter().zip(new).enumerate();
    pairs.fold(0, |mask, (i, (old, new))| mask | u32::from(old != new) << i)
}

/// In which of their words two blocks of the same length differ, the first in the lowest bit.
#[inline(always)]
fn differences(old: &[u8], new: &[u8]) -> u32 {
    let (old_parts, old_rest) = old.as_chunks::<PART>();
    let (new_parts, new_rest) = new.as_chunks::<PART>();
    let mut mask = 0;
    for (i, (old, new)) in old_parts.iter().zip(new_parts).enumerate() {
        mask |= part_differences(old, new) << (i * PART / 4);
    }
    if old_rest != new_rest {
        for at in (0..old_rest.len()).step_by(4) {
            let differ = word(old_rest, at) != word(new_rest, at);
            mask |= u32::from(differ) << ((old_parts.len() * PART + at) / 4);
        }
    }
    mask
}

/// The four bytes at `at`, or those that are there, as a number.
#[inline(always)]
fn word(bytes: &[u8], at: usize) -> u32 {
    match bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        Some(&word) => u32::from_le_bytes(word),
        None => bytes.iter().skip(at).rev().fold(0, |word, &byte| word << 8 | u32::from(byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn store() -> (Frames, Lately) {
        let mut lately = Lately::default();
        lately.clear();
        (Frames::after(&Frames::default()), lately)
    }

    #[test]
    fn a_frame_that_stays_the_same_takes_no_more_room() {
        let (mut frames, mut lately) = store();
        let mut keep = |bytes: &mut Bytes| {
            let before = frames.cost();
            let span = frames.keep(&mut lately, bytes);
            assert_eq!(frames.get(span).as_deref(), Some(&bytes[..]));
            frames.cost() - before
        };
        let mut bytes = Bytes::from(vec![1; 90]);
        assert_eq!(keep(&mut bytes), 90);
        assert_eq!(keep(&mut bytes), 0, "the same packet");
        assert_eq!(keep(&mut bytes.clone()), 0, "a copy");
        assert_eq!(keep(&mut vec![1; 90].into()), 0, "one that is alike");
        bytes[20] = 2;
        assert_eq!(keep(&mut bytes), 12, "what changed");
        bytes.fill(3);
        assert_eq!(keep(&mut bytes), 90, "nothing alike");
    }

    #[test]
    fn a_frame_is_not_sought_in_another_store() {
        let (mut frames, mut lately) = store();
        let mut bytes = Bytes::from(vec![1; 90]);
        frames.keep(&mut lately, &mut vec![9; 90].into());
        frames.keep(&mut lately, &mut bytes);
        let mut next = Frames::after(&frames.hollow());
        lately.clear();
        let span = next.keep(&mut lately, &mut bytes);
        assert_eq!((next.get(span).as_deref(), next.cost()), (Some(&[1; 90][..]), 90));
    }

    #[test]
    fn a_router_s_changes_take_a_fraction_of_the_frame() {
        let (mut frames, mut lately) = store();
        let payload = |seed: u8| (0..1500usize).map(move |i| (i * i) as u8 ^ seed);
        let frame = |macs: u8, ttl: u8, seed: u8| -> Vec<u8> {
            let head = [[macs; 12].as_slice(), &[8, 0, 0x45, 0, 5, 0xdc, 0, 0, 0, 0, ttl]].concat();
            head.into_iter().chain(payload(seed)).collect()
        };
        for id in 1..4 {
            let mut costs = Vec::new();
            let mut packet = Bytes::from(frame(0, 64, id));
            for hop in 0..3 {
                let (bytes, before) = (frame(hop, 64 - hop, id), frames.cost());
                packet.copy_from_slice(&bytes);
                let span = frames.keep(&mut lately, &mut packet);
                costs.push(frames.cost() - before);
                assert_eq!(frames.get(span).as_deref(), Some(&bytes[..]));
            }
            let new_way = id == 1;
            assert!(costs[0] == 1523 && (new_way || costs[1] <= 32 && costs[2] <= 32), "{costs:?}");
        }
    }

    proptest! {
        #[test]
        fn every_frame_comes_out_as_it_went_in(
            packets in prop::collection::vec(
                (0usize..6, 0usize..400, prop::collection::vec((any::<u16>(), any::<u8>()), 0..24)), 1..60),
        ) {
            let (mut frames, mut lately) = store();
            let mut kept = Vec::new();
            let mut under_way = vec![Bytes::default(); 4];
            for (which, len, changes) in packets {
                // one that was under way before goes on, or a new one begins
                let mut bytes = under_way.get(which).cloned().unwrap_or_else(|| vec![7; len].into());
                for (at, byte) in changes {
                    if let Some(old) = bytes.get_mut(usize::from(at) % 400) {
                        *old = byte;
                    }
                }
                kept.push((frames.keep(&mut lately, &mut bytes), bytes.to_vec()));
                under_way.rotate_left(1);
                under_way[3] = bytes;
            }
            for (span, bytes) in kept {
                let read = frames.get(span);
                prop_assert_eq!(read.as_deref(), Some(&bytes[..]));
            }
        }
    }
}
