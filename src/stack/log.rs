//! The log that steps go to: chunks of records and of the bytes they speak of, bounded.
//!
//! Full chunks are shared between clones, so a snapshot of the World copies at most one.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;

use super::NsId;
use super::frames::{Frames, Lately};
use super::packed::Packed;
use super::step::{ByteSpan, Fate, Record, Sink, Step};
use super::stream::{Seen, Stream, Way};
use crate::netfilter::NfStep;
use crate::time::Instant;
use crate::wire::{Bytes, PacketId};

/// Records in a chunk, about.
const CHUNK_RECORDS: usize = 8 * 1024;
/// Records kept whole, and bytes of frames, after which a chunk is closed early.
const CHUNK_WHOLE: usize = 2 * 1024;
const CHUNK_BYTES: usize = 256 * 1024;
/// What records count for in the bound; the same on every platform, so that what is kept is too.
const WHOLE_COST: u64 = 100;
/// The bound on all that is kept, in bytes.
const LIMIT: u64 = 64 * 1024 * 1024;

/// A run of records without a gap.
#[derive(Debug, Clone, Default)]
struct Chunk {
    /// The number of its first record.
    first: u64,
    records: Stream,
    /// Those that cannot be packed.
    whole: Vec<Record>,
    frames: Frames,
    /// Length of the texts in `whole`.
    texts: u64,
}

impl Chunk {
    fn end(&self) -> u64 {
        self.first + self.records.len() as u64
    }
    fn cost(&self) -> u64 {
        self.records.cost() + self.whole.len() as u64 * WHOLE_COST + self.frames.cost() as u64 + self.texts
    }

    fn keep_whole(&mut self, record: Record) {
        self.texts += match &record.step {
            Step::Started { name: text, .. } | Step::Printed { text, .. } => text.len() as u64,
            Step::Nf(NfStep::Logged { line }) => line.len() as u64,
            Step::Config(_) => 64,
            _ => 0,
        };
        self.records.push_whole((record.at, record.ns), self.whole.len());
        self.whole.push(record);
    }

    fn packed(&self, seq: u64) -> Option<(Packed, (Instant, NsId))> {
        self.records.read_from(usize::try_from(seq.checked_sub(self.first)?).ok()?).next()
    }
    fn record(&self, (packed, stamp): (Packed, (Instant, NsId))) -> Option<Record> {
        match packed.position() {
            Some(position) => self.whole.get(position).cloned(),
            None => packed.unpack(stamp),
        }
    }
    fn bytes_of(&self, packed: &Packed) -> Cow<'_, [u8]> {
        let span = match packed.position().and_then(|p| self.whole.get(p)).map(|r| &r.step) {
            Some(Step::Transmit { bytes, .. } | Step::Handed { bytes, .. }) => Some(*bytes),
            _ => packed.span(),
        };
        span.and_then(|s| self.frames.get(s)).unwrap_or_default()
    }
}

/// The append-only log of everything that happened. Bounded (64 MiB): the oldest chunk goes when
/// it is full. Record numbers (`seq`) count from 0 and stay valid when old ones go.
#[derive(Debug, Clone, Default)]
pub struct StepLog {
    sink: Sink,
    now: Instant,
    ns: NsId,
    next_seq: u64,
    fate: Fate,
    full: VecDeque<Arc<Chunk>>,
    full_cost: u64,
    tail: Chunk,
    /// The tail takes record `next_seq`.
    open: bool,
    // what was written lately to the tail, so as not to write it again
    seen: Seen,
    lately: Lately,
}

impl StepLog {
    /// From now on steps happen at `now` in `ns` (the World sets this before each event).
    #[inline]
    pub fn at(&mut self, now: Instant, ns: NsId) {
        self.now = now;
        self.ns = ns;
    }

    /// Notes a step of a packet.
    #[inline(always)]
    pub fn packet(&mut self, id: PacketId, step: Step) {
        match step {
            Step::Sent { .. } => self.fate.sent += 1,
            Step::Copied { .. } => self.fate.copied += 1,
            Step::Delivered { .. } | Step::DeliveredToKernel | Step::Absorbed => self.fate.delivered += 1,
            Step::Dropped { .. } => self.fate.dropped += 1,
            _ => {}
        }
        self.push(Some(id), step);
    }

    /// Notes a step that is about no packet.
    #[inline(always)]
    pub fn note(&mut self, step: Step) {
        self.push(None, step);
    }

    /// Inlined into its callers, which know what step it is and so how it is written. The ways of writing
    /// are calls with few arguments.
    #[inline(always)]
    fn push(&mut self, packet: Option<PacketId>, step: Step) {
        match Packed::new(self.now, packet, &step) {
            Some(packed) => {
                // what can be packed owns no memory; saying so saves the look at it
                std::mem::forget(step);
                if self.sink == Sink::Keep {
                    let packet = packed.packet();
                    match packed.way() {
                        Way::Arrival(dev) => self.push_arrival(packet, dev),
                        Way::Head(head) => self.push_head(packet, head),
                        Way::Words(head, low, high) => self.push_words(packet, head, low, high),
                        Way::Own(head, low, high, own) => self.push_own(packet, head, low, high, own),
                        Way::Full => self.push_full(packed),
                    }
                }
            }
            None => self.keep_whole(packet, step),
        }
        self.next_seq += 1;
    }

    // Each first tries what is possible almost always, without a call: then nothing has to be put by for one.

    #[inline(never)]
    fn push_arrival(&mut self, packet: u64, dev: u32) {
        if !self.tail.records.try_arrival((self.now, self.ns), packet, dev) {
            self.push_arrival_at_length(packet, dev);
        }
    }
    #[inline(never)]
    fn push_arrival_at_length(&mut self, packet: u64, dev: u32) {
        self.see_to_room();
        self.tail.records.push_arrival((self.now, self.ns), packet, dev);
    }

    #[inline(never)]
    fn push_head(&mut self, packet: u64, head: u32) {
        if !self.tail.records.try_head((self.now, self.ns), packet, head) {
            self.push_head_at_length(packet, head);
        }
    }
    #[inline(never)]
    fn push_head_at_length(&mut self, packet: u64, head: u32) {
        self.see_to_room();
        self.tail.records.push_head((self.now, self.ns), packet, head);
    }

    #[inline(never)]
    fn push_words(&mut self, packet: u64, head: u32, low: u64, high: u64) {
        if !self.tail.records.try_words(&self.seen, (self.now, self.ns), packet, head, (low, high)) {
            self.push_words_at_length(packet, head, low, high);
        }
    }
    #[inline(never)]
    fn push_words_at_length(&mut self, packet: u64, head: u32, low: u64, high: u64) {
        self.see_to_room();
        let stamp = (self.now, self.ns);
        self.tail.records.push_words(&mut self.seen, stamp, packet, head, (low, high));
    }

    #[inline(never)]
    fn push_own(&mut self, packet: u64, head: u32, low: u64, high: u32, own: u32) {
        let stamp = (self.now, self.ns);
        if !self.tail.records.try_own(&self.seen, stamp, packet, head, (low, high, own)) {
            self.push_own_at_length(packet, head, low, high, own);
        }
    }
    #[inline(never)]
    fn push_own_at_length(&mut self, packet: u64, head: u32, low: u64, high: u32, own: u32) {
        self.see_to_room();
        let stamp = (self.now, self.ns);
        self.tail.records.push_own(&mut self.seen, stamp, packet, head, (low, high, own));
    }

    #[inline(never)]
    fn push_full(&mut self, packed: Packed) {
        self.see_to_room();
        self.tail.records.push_full((self.now, self.ns), &packed);
    }

    #[cold]
    #[inline(never)]
    fn keep_whole(&mut self, packet: Option<PacketId>, step: Step) {
        if self.sink == Sink::Keep {
            self.see_to_room();
            self.tail.keep_whole(Record { at: self.now, ns: self.ns, packet, step });
        }
    }

    /// Before every record.
    #[inline(always)]
    fn see_to_room(&mut self) {
        if self.tail.records.is_at_mark() {
            self.make_room();
        }
    }

    /// Makes a mark in the tail, or a new tail if it is full: it takes record `next_seq` then.
    #[cold]
    #[inline(never)]
    fn make_room(&mut self) {
        let Chunk { records, frames, whole, .. } = &self.tail;
        let full =
            records.len() >= CHUNK_RECORDS || whole.len() >= CHUNK_WHOLE || frames.cost() >= CHUNK_BYTES;
        if full || !self.open {
            self.open_chunk();
        }
        self.tail.records.mark();
    }

    fn open_chunk(&mut self) {
        let records = Stream::like(&self.tail.records);
        let frames = Frames::after(&self.tail.frames);
        let fresh = Chunk { first: self.next_seq, records, frames, ..Chunk::default() };
        let old = std::mem::replace(&mut self.tail, fresh);
        self.open = true;
        self.seen.clear();
        self.lately.clear();
        if old.records.len() > 0 {
            self.full_cost += old.cost();
            self.full.push_back(Arc::new(old));
        }
        while self.full_cost > LIMIT
            && let Some(oldest) = self.full.pop_front()
        {
            self.full_cost -= oldest.cost();
        }
    }

    /// Keeps a copy of `bytes`, a frame, for the span of the record that is noted next.
    #[inline(always)]
    pub fn keep_bytes(&mut self, bytes: &mut Bytes) -> ByteSpan {
        if self.sink == Sink::Mute {
            return ByteSpan::default();
        }
        // before the frame: its record, which is next, has to be in the same chunk
        if self.tail.records.is_at_mark() || self.tail.frames.cost() >= CHUNK_BYTES {
            self.make_room();
        }
        self.tail.frames.keep(&mut self.lately, bytes)
    }

    /// The number that the next record will have.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// The oldest record number still kept; [`StepLog::next_seq`] if none is.
    pub fn first_seq(&self) -> u64 {
        self.chunks().find(|c| c.records.len() > 0).map_or(self.next_seq, |c| c.first)
    }

    fn chunks(&self) -> impl DoubleEndedIterator<Item = &Chunk> {
        self.full.iter().map(AsRef::as_ref).chain(std::iter::once(&self.tail))
    }

    fn chunk_of(&self, seq: u64) -> Option<&Chunk> {
        if seq >= self.tail.first {
            return Some(&self.tail);
        }
        let after = self.full.partition_point(|c| c.first <= seq);
        self.full.get(after.checked_sub(1)?).map(AsRef::as_ref)
    }

    /// Record `seq`; None if it is gone or not yet there.
    pub fn get(&self, seq: u64) -> Option<Record> {
        let chunk = self.chunk_of(seq)?;
        chunk.record(chunk.packed(seq)?)
    }

    /// The kept bytes of record `seq`, if it is a [`Step::Transmit`] or [`Step::Handed`].
    pub fn bytes(&self, seq: u64) -> Cow<'_, [u8]> {
        let Some(chunk) = self.chunk_of(seq) else { return Cow::default() };
        chunk.packed(seq).map(|(packed, _)| chunk.bytes_of(&packed)).unwrap_or_default()
    }

    /// Records in order, with their numbers, from `from` on.
    pub fn iter_from(&self, from: u64) -> Box<dyn Iterator<Item = (u64, Record)> + '_> {
        let skip = self.full.partition_point(|c| c.end() <= from);
        let chunks = self.full.iter().skip(skip).map(AsRef::as_ref).chain(std::iter::once(&self.tail));
        Box::new(chunks.flat_map(move |c| {
            let begin = usize::try_from(from.saturating_sub(c.first)).unwrap_or(usize::MAX);
            let numbered = c.records.read_from(begin).enumerate();
            numbered.filter_map(move |(i, p)| Some((c.first + (begin + i) as u64, c.record(p)?)))
        }))
    }

    /// The counters.
    pub fn fate(&self) -> Fate {
        self.fate
    }

    /// Keep or mute.
    pub fn set_sink(&mut self, sink: Sink) {
        if self.sink == Sink::Mute && sink == Sink::Keep {
            // what happened meanwhile is missing: chunks have no gaps
            self.open_chunk();
        }
        self.sink = sink;
    }

    /// A muted log that goes on counting from here, for re-running a snapshot; cheap.
    pub fn muted_twin(&self) -> Self {
        Self {
            sink: Sink::Mute,
            now: self.now,
            ns: self.ns,
            next_seq: self.next_seq,
            fate: self.fate,
            full: VecDeque::new(),
            full_cost: 0,
            tail: Chunk { frames: self.tail.frames.hollow(), ..Chunk::default() },
            open: false,
            seen: Seen::default(),
            lately: Lately::default(),
        }
    }

    /// A fingerprint of all that is kept, bytes included, and of the counters: FNV-1a (64 bits) of
    /// a text form that is the same on every platform. Two runs agree if their digests do.
    pub fn digest(&self) -> u64 {
        let mut hash = Fnv::new();
        for (seq, mut record) in self.iter_from(0) {
            // the span is where the bytes lie, not what they are
            if let Step::Transmit { bytes, .. } | Step::Handed { bytes, .. } = &mut record.step {
                *bytes = ByteSpan::default();
            }
            let _ = write!(hash, "{record:?}");
            hash.bytes(&self.bytes(seq));
        }
        let _ = write!(hash, "{} {:?}", self.next_seq, self.fate);
        hash.0
    }
}

/// FNV-1a, 64 bits (draft-eastlake-fnv).
struct Fnv(u64);

impl Fnv {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
    fn bytes(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.0 = (self.0 ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl std::fmt::Write for Fnv {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        self.bytes(s.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::{DevRef, Pid};
    use crate::wire::IfIndex;

    fn sent(log: &mut StepLog, n: u64) {
        log.packet(PacketId(n), Step::Sent { by: None });
    }

    fn transmit(log: &mut StepLog, bytes: &[u8]) {
        let id = PacketId(log.next_seq() + 1);
        let bytes = log.keep_bytes(&mut bytes.to_vec().into());
        let to = DevRef { ns: NsId(1), dev: IfIndex(2) };
        log.packet(id, Step::Transmit { dev: IfIndex(2), to, arrives: Instant(5), bytes });
    }

    #[test]
    fn records_and_their_bytes_are_found_by_number() {
        let mut log = StepLog::default();
        for n in 0..3000u64 {
            sent(&mut log, n);
            transmit(&mut log, &n.to_be_bytes());
        }
        assert_eq!((log.first_seq(), log.next_seq()), (0, 6000));
        assert_eq!(*log.bytes(4001), 2000u64.to_be_bytes());
        assert_eq!(*log.bytes(4000), *b"");
        assert_eq!(log.get(4000).and_then(|r| r.packet), Some(PacketId(2000)));
        assert!(log.get(6000).is_none());
        let seen: Vec<u64> = log.iter_from(2047).map(|(seq, _)| seq).collect();
        assert_eq!(seen, (2047..6000).collect::<Vec<_>>());
    }

    #[test]
    fn the_oldest_records_go_when_the_bound_is_reached() {
        let mut log = StepLog::default();
        for n in 0..2000u32 {
            transmit(&mut log, &[n as u8; 60_000]);
        }
        assert!(log.first_seq() > 0);
        assert_eq!(log.next_seq(), 2000);
        assert!(log.get(0).is_none());
        assert_eq!(log.bytes(1999).len(), 60_000);
        assert_eq!(log.iter_from(0).next().map(|(seq, _)| seq), Some(log.first_seq()));
    }

    #[test]
    fn what_was_left_out_while_muted_is_a_gap_and_nothing_else() {
        let mut log = StepLog::default();
        for n in 1..200 {
            transmit(&mut log, &[n; 90]);
            log.set_sink(if n % 3 == 0 { Sink::Mute } else { Sink::Keep });
        }
        let kept: Vec<u64> = log.iter_from(0).map(|(seq, _)| seq).collect();
        let expected: Vec<u64> = (0..199).filter(|seq| seq % 3 != 0 || *seq == 0).collect();
        assert_eq!(kept, expected);
        for seq in expected {
            assert_eq!(*log.bytes(seq), [seq as u8 + 1; 90]);
        }
    }

    #[test]
    fn a_muted_log_counts_on_and_keeps_nothing() {
        let mut log = StepLog::default();
        sent(&mut log, 1);
        let mut twin = log.muted_twin();
        sent(&mut twin, 2);
        assert_eq!((twin.next_seq(), twin.fate().sent), (2, 2));
        assert_eq!(twin.iter_from(0).count(), 0);
        twin.set_sink(Sink::Keep);
        sent(&mut twin, 3);
        assert_eq!(twin.get(2).and_then(|r| r.packet), Some(PacketId(3)));
        assert!(twin.get(1).is_none());
    }

    #[test]
    fn the_digest_sees_steps_and_bytes() {
        let run = |byte: u8, by: Option<Pid>| {
            let mut log = StepLog::default();
            log.packet(PacketId(1), Step::Sent { by });
            transmit(&mut log, &[byte]);
            log.digest()
        };
        assert_eq!(run(1, None), run(1, None));
        assert_ne!(run(1, None), run(2, None));
        assert_ne!(run(1, None), run(1, Some(Pid(1))));
    }
}
