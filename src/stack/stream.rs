//! A run of packed records as 32-bit units. Memory that was never touched is the dearest thing about a
//! trace, so a record takes only what says something new:
//!
//! ```text
//! head: kind 6 bits, form 2, small 8, first word 16 │ words
//! ```
//! Most records are a head alone ([`Form::Short`]). The words of the others are written once and
//! pointed at from then on ([`Form::Same`]): routes, links and rules are the same for packet after
//! packet. When and where (the stamp) and which packet are written when they change; where all three
//! do, at a packet's arrival, they share two units with it. Every [`STRIDE`] records there is a mark to
//! begin reading at.

use super::NsId;
use super::packed::{Kind, Packed};
use crate::time::{Duration, Instant};

/// Records between two marks.
const STRIDE: u32 = 64;
/// What a mark counts for in the log's bound.
const MARK_COST: u64 = 40;
/// Words that a [`Seen`] remembers. A power of two.
const SEEN: usize = 1024;
/// Units that a new stream has room for at least.
const LEAST_ROOM: usize = 24 * 1024;
/// Parts of the head.
const KIND_BITS: u32 = 6;
const FORM_BITS: u32 = 2;

/// How the words of a record are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The first is in the head, all others are 0.
    Short,
    /// Behind the head, which has a bit for each that is not 0.
    Full,
    /// As in the record of [`Form::Full`] at the position that the head has, but for a kind's own word
    /// (see [`Kind::own`]), which is behind the head.
    Same,
}

/// A head without its first word.
#[inline(always)]
const fn head(kind: Kind, form: Form, small: u8) -> u32 {
    kind as u32 | (form as u32) << KIND_BITS | (small as u32) << 8
}

/// The head of a record whose words are as in the one at `at`, from its head without a form.
#[inline(always)]
fn same(head: u32, at: u16) -> u32 {
    head | (Form::Same as u32) << KIND_BITS | u32::from(at) << 16
}

/// What a record is written relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct State {
    stamp: (Instant, NsId),
    packet: u64,
}

/// A place to begin reading at.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at: u32,
    state: State,
}

/// Words that were written in full lately, with where. For the writer only.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen(Vec<Words>);

/// Up to four words of a kind.
#[derive(Debug, Clone, Copy, Default)]
struct Words {
    low: u64,
    high: u64,
    /// The kind's number. 0, which is [`Kind::Whole`], is never looked for.
    kind: u8,
    at: u16,
}

/// How a record is written, and what of it. The numbers are heads without a form.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    /// [`Kind::Received`], with which most packets, times and places begin: all in two units.
    Arrival(u32),
    /// A head alone.
    Head(u32),
    /// Four words. They come as numbers: from memory where they were written a moment ago, a wider read
    /// would have to wait for them.
    Words(u32, u64, u64),
    /// Three words, and one that hardly ever comes again.
    Own(u32, u64, u32, u32),
    /// All that are not 0.
    Full,
}

impl Packed {
    /// How it is written. Inlined into its callers: they know.
    #[inline(always)]
    pub(super) fn way(&self) -> Way {
        let (kind, small, &[a, b, c, d, ..]) = self.parts();
        let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        let head = head(kind, Form::Short, small);
        if kind == Kind::Received && a <= 0xff {
            Way::Arrival(a)
        } else if self.is_short() {
            Way::Head(head | a << 16)
        } else if kind.own() == 0 {
            Way::Words(head, pair(a, b), pair(c, d))
        } else if kind.own() == 1 && kind.words() == 4 {
            Way::Own(head, pair(a, b), c, d)
        } else {
            Way::Full
        }
    }
}

impl Seen {
    /// Forgets all, for a new stream.
    pub fn clear(&mut self) {
        self.0.clear();
        self.0.resize(SEEN, Words::default());
    }
}

/// The records.
#[derive(Debug, Clone, Default)]
pub(super) struct Stream {
    units: Vec<u32>,
    marks: Vec<Mark>,
    /// How many more records go behind the last mark.
    left: u32,
    last: State,
}

impl Stream {
    /// One with room for as much as `old` has, and some more: growing step by step would copy it.
    pub fn like(old: &Self) -> Self {
        let room = (old.units.len() + old.units.len() / 4).max(LEAST_ROOM);
        Self { units: Vec::with_capacity(room), ..Self::default() }
    }
    /// How many records there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.marks.len() * STRIDE as usize - self.left as usize
    }
    /// What it counts for in the log's bound, in bytes.
    pub fn cost(&self) -> u64 {
        self.units.len() as u64 * 4 + self.marks.len() as u64 * MARK_COST
    }
    /// True if [`Stream::mark`] has to be called before the next record.
    #[inline]
    pub fn is_at_mark(&self) -> bool {
        self.left == 0
    }
    /// Makes a mark before the next record.
    pub fn mark(&mut self) {
        debug_assert_eq!(self.left, 0, "a mark in the middle of a stride");
        self.marks.push(Mark { at: self.units.len() as u32, state: self.last });
        self.left = STRIDE;
    }

    /// Adds a record that happened at this time in this namespace. There is a mark before it.
    #[cfg(test)]
    pub fn push(&mut self, seen: &mut Seen, stamp: (Instant, NsId), record: &Packed) {
        if let Some(position) = record.position() {
            return self.push_whole(stamp, position);
        }
        let packet = record.packet();
        match record.way() {
            Way::Arrival(dev) => self.push_arrival(stamp, packet, dev),
            Way::Head(head) => self.push_head(stamp, packet, head),
            Way::Words(head, low, high) => self.push_words(seen, stamp, packet, head, (low, high)),
            Way::Own(head, low, high, own) => self.push_own(seen, stamp, packet, head, (low, high, own)),
            Way::Full => self.push_full(stamp, record),
        }
    }

    /// True if a record of this time, place and packet takes nothing but its own units, of which there is
    /// room for `units`.
    #[inline(always)]
    fn is_ready(&self, stamp: (Instant, NsId), packet: u64, units: usize) -> bool {
        self.left > 0 && (State { stamp, packet }) == self.last && self.has_room(units)
    }

    #[inline(always)]
    fn has_room(&self, units: usize) -> bool {
        self.units.capacity() - self.units.len() >= units
    }

    /// Adds a record of [`Way::Arrival`] if that is simple: whether it did.
    #[inline(always)]
    pub fn try_arrival(&mut self, stamp: (Instant, NsId), packet: u64, dev: u32) -> bool {
        self.left > 0 && self.has_room(2) && self.write_arrival(stamp, packet, dev)
    }

    /// Adds a record of [`Way::Arrival`].
    #[inline]
    pub fn push_arrival(&mut self, stamp: (Instant, NsId), packet: u64, dev: u32) {
        if !self.write_arrival(stamp, packet, dev) {
            self.turn_to(stamp, packet);
            self.left -= 1;
            self.units.push(head(Kind::Received, Form::Short, 0) | dev << 16);
        }
    }

    /// Writes all in two units, unless they are too far from one another.
    #[inline(always)]
    fn write_arrival(&mut self, stamp: (Instant, NsId), packet: u64, dev: u32) -> bool {
        let passed = stamp.0.0.wrapping_sub(self.last.stamp.0.0);
        let ns = stamp.1.0;
        let fits = passed <= 0xffff && ns <= 0xff && packet >> 24 == 0;
        if fits {
            self.left -= 1;
            self.last = State { stamp, packet };
            let head = head(Kind::Arrived, Form::Short, ns as u8) | (passed as u32) << 16;
            self.units.extend_from_slice(&[head, packet as u32 | dev << 24]);
        }
        fits
    }

    /// Adds one of [`Way::Head`] if that is simple.
    #[inline(always)]
    pub fn try_head(&mut self, stamp: (Instant, NsId), packet: u64, head: u32) -> bool {
        let ready = self.is_ready(stamp, packet, 1);
        if ready {
            self.left -= 1;
            self.units.push(head);
        }
        ready
    }

    /// Adds one of [`Way::Head`].
    #[inline]
    pub fn push_head(&mut self, stamp: (Instant, NsId), packet: u64, head: u32) {
        self.turn_to(stamp, packet);
        self.left -= 1;
        self.units.push(head);
    }

    /// Adds one of [`Way::Words`] if that is simple.
    #[inline(always)]
    pub fn try_words(
        &mut self,
        seen: &Seen,
        stamp: (Instant, NsId),
        packet: u64,
        head: u32,
        words: (u64, u64),
    ) -> bool {
        if self.is_ready(stamp, packet, 1)
            && let Some(at) = seen.find(Seen::place(head, words), head, words)
        {
            self.left -= 1;
            self.units.push(same(head, at));
            return true;
        }
        false
    }

    /// Adds one of [`Way::Words`].
    #[inline]
    pub fn push_words(
        &mut self,
        seen: &mut Seen,
        stamp: (Instant, NsId),
        packet: u64,
        head: u32,
        words: (u64, u64),
    ) {
        self.turn_to(stamp, packet);
        self.left -= 1;
        match seen.find_or_learn(head, words, self.units.len()) {
            Some(at) => self.units.push(same(head, at)),
            None => self.write_four(head, words),
        }
    }

    /// Adds one of [`Way::Own`] if that is simple.
    #[inline(always)]
    pub fn try_own(
        &mut self,
        seen: &Seen,
        stamp: (Instant, NsId),
        packet: u64,
        head: u32,
        (low, high, own): (u64, u32, u32),
    ) -> bool {
        let words = (low, high.into());
        if self.is_ready(stamp, packet, 2)
            && let Some(at) = seen.find(Seen::place(head, words), head, words)
        {
            self.left -= 1;
            self.units.extend_from_slice(&[same(head, at), own]);
            return true;
        }
        false
    }

    /// Adds one of [`Way::Own`].
    #[inline]
    pub fn push_own(
        &mut self,
        seen: &mut Seen,
        stamp: (Instant, NsId),
        packet: u64,
        head: u32,
        (low, high, own): (u64, u32, u32),
    ) {
        self.turn_to(stamp, packet);
        self.left -= 1;
        match seen.find_or_learn(head, (low, high.into()), self.units.len()) {
            Some(at) => self.units.extend_from_slice(&[same(head, at), own]),
            None => self.write_four(head, (low, u64::from(own) << 32 | u64::from(high))),
        }
    }

    /// Adds one of [`Way::Full`].
    #[inline(never)]
    pub fn push_full(&mut self, stamp: (Instant, NsId), record: &Packed) {
        let (kind, small, words) = record.parts();
        self.turn_to(stamp, record.packet());
        self.left -= 1;
        self.write(head(kind, Form::Short, small), words);
    }

    /// Adds what stands for the record that is kept whole at `position`, of 16 bits. That knows its packet.
    pub fn push_whole(&mut self, stamp: (Instant, NsId), position: usize) {
        debug_assert!(position <= 0xffff, "a chunk keeps fewer whole ones");
        let head = head(Kind::Whole, Form::Short, 0) | (position as u32) << 16;
        self.push_head(stamp, self.last.packet, head);
    }

    #[inline(never)]
    fn write_four(&mut self, head: u32, (low, high): (u64, u64)) {
        self.write(head, &[low as u32, (low >> 32) as u32, high as u32, (high >> 32) as u32]);
    }

    /// Writes all words that are not 0 behind their head.
    #[inline(never)]
    fn write(&mut self, head: u32, words: &[u32]) {
        let at = self.units.len();
        self.units.push(0);
        let mut mask = 0;
        for (i, &word) in words.iter().enumerate() {
            if word != 0 {
                mask |= 1 << i;
                self.units.push(word);
            }
        }
        self.units[at] = head | (Form::Full as u32) << KIND_BITS | mask << 16;
    }

    /// Sees to it that what follows is read as of this time, place and packet.
    #[inline(always)]
    fn turn_to(&mut self, stamp: (Instant, NsId), packet: u64) {
        if (State { stamp, packet }) != self.last {
            self.write_turn(stamp, packet);
        }
    }

    #[inline(never)]
    fn write_turn(&mut self, stamp: (Instant, NsId), packet: u64) {
        let last = std::mem::replace(&mut self.last, State { stamp, packet });
        if stamp != last.stamp {
            let (at, ns) = stamp;
            let passed = at.0.wrapping_sub(last.stamp.0.0);
            if ns.0 <= 0xff && passed <= 0xffff {
                self.units.push(head(Kind::Stamp, Form::Short, ns.0 as u8) | (passed as u32) << 16);
            } else {
                let words = [ns.0, at.0 as u32, (at.0 >> 32) as u32];
                self.write(head(Kind::FarStamp, Form::Short, 0), &words);
            }
        }
        if packet != last.packet {
            // in the small field and the first word, mostly
            if packet >> 24 == 0 {
                let first = (packet as u32) << 16;
                self.units.push(head(Kind::Packet, Form::Short, (packet >> 16) as u8) | first);
            } else {
                let words = [packet as u32, (packet >> 32) as u32];
                self.write(head(Kind::Packet, Form::Short, 0), &words);
            }
        }
    }

    /// The records from number `n` on.
    pub fn read_from(&self, n: usize) -> Reader<'_> {
        let mark = self.marks.get(n / STRIDE as usize).filter(|_| n < self.len());
        let mut reader = match mark {
            Some(mark) => Reader { units: &self.units, at: mark.at as usize, state: mark.state },
            None => Reader { units: &[], at: 0, state: State::default() },
        };
        for _ in 0..n % STRIDE as usize {
            reader.next();
        }
        reader
    }
}

impl Seen {
    /// Where to look for words of the head's kind first; the other place is the one beside it.
    #[inline(always)]
    fn place(head: u32, (low, high): (u64, u64)) -> usize {
        let kind = head & ((1 << KIND_BITS) - 1);
        let mixed = (low ^ u64::from(kind) << 24).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ high).wrapping_mul(0xd6e8_feb8_6659_fd93);
        (mixed >> 32) as usize % SEEN
    }

    /// Where these words of the head's kind were written last, if that is noted at `place`.
    #[inline(always)]
    fn find(&self, place: usize, head: u32, (low, high): (u64, u64)) -> Option<u16> {
        let words = self.0.get(place)?;
        let kind = (head & ((1 << KIND_BITS) - 1)) as u8;
        ((words.low, words.high, words.kind) == (low, high, kind)).then_some(words.at)
    }

    /// Where these words of the head's kind were written last. Or None, and they are from now on known to
    /// be at `at`. Of two that have the same place, the one that came before moves beside it.
    fn find_or_learn(&mut self, head: u32, words: (u64, u64), at: usize) -> Option<u16> {
        let place = Self::place(head, words);
        let found = self.find(place, head, words).or_else(|| self.find(place ^ 1, head, words));
        if found.is_none()
            && let Ok(at) = u16::try_from(at)
            && let Ok([first, beside]) = self.0.get_disjoint_mut([place, place ^ 1])
        {
            let kind = (head & ((1 << KIND_BITS) - 1)) as u8;
            *beside = std::mem::replace(first, Words { low: words.0, high: words.1, kind, at });
        }
        found
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

    /// The next record, or what those after it are read relative to.
    fn one(&mut self) -> Option<Packed> {
        let head = self.unit()?;
        let kind = Kind::from_number((head & ((1 << KIND_BITS) - 1)) as u8)?;
        let form = head >> KIND_BITS & ((1 << FORM_BITS) - 1);
        let mut words = [0; 7];
        if form == Form::Short as u32 {
            words[0] = head >> 16;
        } else if form == Form::Full as u32 {
            words = self.words(head >> 16)?;
        } else {
            let at = (head >> 16) as usize;
            let mask = self.units.get(at)? >> 16;
            words = Reader { at: at + 1, ..self.clone() }.words(mask)?;
            if kind.own() == 1 {
                words[kind.words() - 1] = self.unit()?;
            }
        }
        Some(Packed::from_parts(kind, (head >> 8) as u8, words, self.state.packet))
    }

    /// The words that `mask` has a bit for; the others are 0.
    fn words(&mut self, mask: u32) -> Option<[u32; 7]> {
        let mut words = [0; 7];
        for (i, word) in words.iter_mut().enumerate() {
            if mask >> i & 1 == 1 {
                *word = self.unit()?;
            }
        }
        Some(words)
    }
}

impl Iterator for Reader<'_> {
    type Item = (Packed, (Instant, NsId));

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let record = self.one()?;
            let (kind, small, &[a, b, c, ..]) = record.parts();
            match kind {
                Kind::Stamp => {
                    let at = self.state.stamp.0 + Duration(a.into());
                    self.state.stamp = (at, NsId(small.into()));
                }
                Kind::FarStamp => {
                    self.state.stamp = (Instant(u64::from(c) << 32 | u64::from(b)), NsId(a));
                }
                Kind::Arrived => {
                    let packet = self.unit()?;
                    let at = self.state.stamp.0 + Duration(a.into());
                    let dev = packet >> 24;
                    self.state =
                        State { stamp: (at, NsId(small.into())), packet: u64::from(packet & 0xff_ffff) };
                    let words = [dev, 0, 0, 0, 0, 0, 0];
                    let record = Packed::from_parts(Kind::Received, 0, words, self.state.packet);
                    return Some((record, self.state.stamp));
                }
                // the small field is only used where the first word has 16 bits
                Kind::Packet => {
                    self.state.packet = u64::from(b) << 32 | u64::from(small) << 16 | u64::from(a);
                }
                _ => return Some((record, self.state.stamp)),
            }
        }
    }
}
