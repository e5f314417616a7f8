//! Connection tracking: the table of connections, and which one a packet belongs to
//! (nf_conntrack_core.c and the protocol trackers).
//!
//! Supported: TCP, UDP, ICMP queries, ICMP errors as RELATED, every other protocol by its
//! addresses; timeouts of a default kernel; a bounded table. Not supported: zones, helpers
//! (so RELATED is never an expected connection), accounting, the checking of checksums
//! (network cards do that).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::fmt::Write;
use std::hash::{Hash, Hasher};

use super::packet::{ICMP, TCP, UDP, View, is_icmp_error, is_icmp_query};
use super::tcp_track::{Outcome, Segment, TcpTrack, UNEASY};
use super::{Meta, NfLog, NfStep};
use crate::time::{Duration, Instant};
use crate::wire::{Endpoint, FastMap, Flow, Ipv4Addr, Protocol};

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
    /// 0 for the original direction, 1 for the reply.
    pub(super) const fn side(self) -> usize {
        match self {
            Self::Original => 0,
            Self::Reply => 1,
        }
    }
}

/// A tuple as the kernel keeps it: for ICMP the source's port is the identifier, and the
/// destination's is type and code, so that a question and a question back differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tup {
    pub src: u32,
    pub dst: u32,
    pub sport: u16,
    pub dport: u16,
    pub proto: u8,
}

impl Hash for Tup {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(u64::from(self.src) << 32 | u64::from(self.dst));
        state.write_u64(u64::from(self.sport) << 32 | u64::from(self.dport) << 16 | u64::from(self.proto));
    }
}

impl Tup {
    /// Of a packet. None if its transport header is not there (a later fragment, a cut packet).
    #[inline]
    pub fn of(view: &View) -> Option<Self> {
        let &View { src, dst, proto, sport, .. } = view;
        let known = matches!(proto, TCP | UDP | ICMP);
        if known && !view.complete {
            return None;
        }
        let dport = if proto == ICMP { icmp_word(view.icmp_type, view.icmp_code) } else { view.dport };
        Some(Self { src, dst, sport, dport, proto })
    }

    /// The tuple of an answer. None for ICMP messages that get none.
    #[inline]
    pub fn inverse(self) -> Option<Self> {
        let Self { src, dst, sport, dport, proto } = self;
        if proto != ICMP {
            return Some(Self { src: dst, dst: src, sport: dport, dport: sport, proto });
        }
        let kind = match (dport >> 8) as u8 {
            8 => 0,
            0 => 8,
            kind @ (13 | 15 | 17) => kind + 1,
            kind @ (14 | 16 | 18) => kind - 1,
            _ => return None,
        };
        Some(Self { src: dst, dst: src, sport, dport: icmp_word(kind, dport as u8), proto })
    }

    /// As people read it.
    pub fn flow(self) -> Flow {
        let dport = if self.proto == ICMP { self.sport } else { self.dport };
        Flow {
            src: Endpoint::new(Ipv4Addr::from(self.src), self.sport),
            dst: Endpoint::new(Ipv4Addr::from(self.dst), dport),
            proto: Protocol::from_number(self.proto),
        }
    }

    fn from_flow(flow: &Flow, icmp: u16) -> Self {
        let proto = flow.proto.number();
        Self {
            src: flow.src.addr.into(),
            dst: flow.dst.addr.into(),
            sport: flow.src.port,
            dport: if proto == ICMP { icmp } else { flow.dst.port },
            proto,
        }
    }
}

const fn icmp_word(kind: u8, code: u8) -> u16 {
    (kind as u16) << 8 | code as u16
}

/// What is known of an entry, bit by bit (linux/nf_conntrack_common.h IPS_*).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Status(u16);

impl Status {
    pub const SEEN_REPLY: Self = Self(1 << 1);
    pub const ASSURED: Self = Self(1 << 2);
    pub const CONFIRMED: Self = Self(1 << 3);
    pub const SRC_NAT: Self = Self(1 << 4);
    pub const DST_NAT: Self = Self(1 << 5);
    pub const SRC_DONE: Self = Self(1 << 7);
    pub const DST_DONE: Self = Self(1 << 8);
    pub const DYING: Self = Self(1 << 9);

    #[inline]
    pub const fn has(self, bit: Self) -> bool {
        self.0 & bit.0 != 0
    }
    pub fn set(&mut self, bit: Self) {
        self.0 |= bit.0;
    }
    /// True once NAT has been asked about both halves and changed neither.
    pub const fn is_plain(self) -> bool {
        let nat = Self::SRC_NAT.0 | Self::DST_NAT.0;
        let done = Self::SRC_DONE.0 | Self::DST_DONE.0;
        self.0 & (nat | done) == done
    }
    /// The bits that `--ctstatus` asks for.
    pub const fn for_match(self) -> u8 {
        (self.0 & 0xf) as u8
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
    /// ICMP type and code of the original and of the reply.
    icmp: [u16; 2],
    pub(super) status: Status,
    tcp: Option<TcpTrack>,
    /// UDP: from then on it is a stream and lives longer.
    stream_from: Instant,
    /// The deadline under which it stands in the queue of deadlines.
    queued: Instant,
    /// Neighbours in the list of entries with the same source (slots).
    src_next: Option<u32>,
    src_prev: Option<u32>,
}

impl CtEntry {
    /// True if the source is translated (SNAT, MASQUERADE).
    pub fn is_snat(&self) -> bool {
        self.status.has(Status::SRC_NAT)
    }
    /// True if the destination is translated (DNAT, REDIRECT).
    pub fn is_dnat(&self) -> bool {
        self.status.has(Status::DST_NAT)
    }
    /// True once an answer was seen; until then it is `[UNREPLIED]`.
    pub fn has_reply(&self) -> bool {
        self.status.has(Status::SEEN_REPLY)
    }
    /// `[ASSURED]`: it is not dropped early when the table is full.
    pub fn is_assured(&self) -> bool {
        self.status.has(Status::ASSURED)
    }
    /// The translation of the source: before, after.
    pub fn source_mapping(&self) -> Option<(Endpoint, Endpoint)> {
        self.is_snat().then_some((self.original.src, self.reply.dst))
    }
    /// The translation of the destination: before, after.
    pub fn destination_mapping(&self) -> Option<(Endpoint, Endpoint)> {
        self.is_dnat().then_some((self.original.dst, self.reply.src))
    }
    /// The TCP state (`SYN_SENT`, `ESTABLISHED`, …); None for other protocols.
    pub fn state_name(&self) -> Option<&'static str> {
        self.tcp.as_ref().map(TcpTrack::name)
    }
    /// The tuple of one direction, as the kernel keeps it.
    pub(super) fn tup(&self, dir: CtDirection) -> Tup {
        match dir {
            CtDirection::Original => Tup::from_flow(&self.original, self.icmp[0]),
            CtDirection::Reply => Tup::from_flow(&self.reply, self.icmp[1]),
        }
    }
    pub(super) fn set_reply(&mut self, tup: Tup) {
        self.reply = tup.flow();
        self.icmp[1] = tup.dport;
    }
    /// The tuple that the packets of the original direction have when they leave.
    pub(super) fn outgoing(&self) -> Option<Tup> {
        self.tup(CtDirection::Reply).inverse()
    }

    /// The entry as `conntrack -L` prints it at `now`.
    pub fn line(&self, now: Instant) -> String {
        let number = self.original.proto.number();
        let name = match number {
            33 => "dccp",
            47 => "gre",
            132 => "sctp",
            136 => "udplite",
            _ => match self.original.proto {
                Protocol::Other(_) => "unknown",
                Protocol::Icmp => "icmp",
                Protocol::Tcp => "tcp",
                Protocol::Udp => "udp",
            },
        };
        let mut out = format!("{name:<8} {number} {} ", self.expires.since(now).as_secs());
        if let Some(state) = self.state_name() {
            out += state;
            out.push(' ');
        }
        tuple_text(&mut out, &self.original, self.icmp[0]);
        if !self.has_reply() {
            out += "[UNREPLIED] ";
        }
        tuple_text(&mut out, &self.reply, self.icmp[1]);
        if self.is_assured() {
            out += "[ASSURED] ";
        }
        out += "mark=0 use=1";
        out
    }
}

fn tuple_text(out: &mut String, t: &Flow, icmp: u16) {
    let (src, dst) = (t.src, t.dst);
    // Writing to a String cannot fail.
    let _ = write!(out, "src={} dst={} ", src.addr, dst.addr);
    let _ = match t.proto {
        Protocol::Icmp => write!(out, "type={} code={} id={} ", icmp >> 8, icmp & 0xff, src.port),
        Protocol::Tcp | Protocol::Udp => write!(out, "sport={} dport={} ", src.port, dst.port),
        // Only PPTP has keys here, and it takes a helper.
        Protocol::Other(47) => write!(out, "srckey=0x0 dstkey=0x0 "),
        Protocol::Other(_) => Ok(()),
    };
}

/// Entries that the table holds at most (nf_conntrack_max of a machine with little memory).
pub const MAX_ENTRIES: usize = 65_536;
/// Entries that are in no list any more (or not yet) but that a packet under way may name.
const LOOSE: usize = 16;
/// Entries that are looked at to make room in a full table (NF_CT_EVICTION_RANGE).
const EVICTION_RANGE: usize = 8;

const UDP_TIMEOUT: Duration = Duration::from_secs(30);
const UDP_STREAM_TIMEOUT: Duration = Duration::from_secs(120);
const UDP_STREAM_AFTER: Duration = Duration::from_secs(2);
const ICMP_TIMEOUT: Duration = Duration::from_secs(30);
const GRE_TIMEOUT: Duration = Duration::from_secs(30);
const GRE_STREAM_TIMEOUT: Duration = Duration::from_secs(180);
const GENERIC_TIMEOUT: Duration = Duration::from_secs(600);

/// The table of connections.
#[derive(Debug, Clone)]
pub struct Conntrack {
    on: bool,
    max: u32,
    next_id: u32,
    slots: Vec<Option<CtEntry>>,
    free: Vec<u32>,
    /// Both tuples of every confirmed entry: slot, and true for the reply.
    index: FastMap<Tup, (u32, bool)>,
    by_id: BTreeMap<CtId, u32>,
    confirmed: usize,
    /// Heads of the lists of translated entries with the same source (nf_nat_bysource).
    by_src: FastMap<(u32, u16, u8), u32>,
    loose: VecDeque<CtId>,
    deadlines: BinaryHeap<Reverse<(Instant, CtId)>>,
    /// The entry that was looked up last, and its slot.
    last: (CtId, u32),
}

impl Default for Conntrack {
    fn default() -> Self {
        Self {
            on: false,
            max: MAX_ENTRIES as u32,
            next_id: 1,
            slots: Vec::new(),
            free: Vec::new(),
            index: FastMap::new(),
            by_id: BTreeMap::new(),
            confirmed: 0,
            by_src: FastMap::new(),
            loose: VecDeque::new(),
            deadlines: BinaryHeap::new(),
            last: (CtId(0), 0),
        }
    }
}

/// A packet could not be tracked because the table is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;
/// Another connection has the tuple.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clash;

impl Conntrack {
    /// True once a rule needed connection tracking. Until then no packet is tracked, as on a
    /// Linux machine whose rules need none. The stack then also reassembles fragments first.
    pub const fn is_on(&self) -> bool {
        self.on
    }
    pub(super) fn turn_on(&mut self) {
        self.on = true;
    }
    /// How many entries there are.
    pub const fn len(&self) -> usize {
        self.confirmed
    }
    /// True if there are none.
    pub const fn is_empty(&self) -> bool {
        self.confirmed == 0
    }
    /// How many entries there may be (`net.netfilter.nf_conntrack_max`); 0: any number.
    pub const fn max(&self) -> u32 {
        self.max
    }
    /// Sets how many there may be. The table is full with [`MAX_ENTRIES`], whatever is set.
    pub fn set_max(&mut self, max: u32) {
        self.max = max;
    }
    /// How many there will be at most.
    pub(super) fn bound(&self) -> usize {
        if self.max == 0 { MAX_ENTRIES } else { MAX_ENTRIES.min(self.max as usize) }
    }
    /// The entries, in the order in which they were made.
    pub fn iter(&self) -> impl Iterator<Item = &CtEntry> {
        self.by_id
            .values()
            .filter_map(|&slot| self.slots[slot as usize].as_ref())
            .filter(|e| e.status.has(Status::CONFIRMED) && !e.status.has(Status::DYING))
    }
    /// An entry, by number; also one that is not confirmed yet.
    pub fn get(&self, id: CtId) -> Option<&CtEntry> {
        self.slot(id).and_then(|slot| self.slots[slot as usize].as_ref())
    }
    /// The entry that a packet with this tuple belongs to, and its direction.
    pub fn lookup(&self, tuple: &Tuple) -> Option<(&CtEntry, CtDirection)> {
        let kinds: &[u16] = if tuple.proto == Protocol::Icmp { &[0x0800, 0x0000] } else { &[0] };
        kinds.iter().find_map(|&icmp| {
            let &(slot, reply) = self.index.get(&Tup::from_flow(tuple, icmp))?;
            let dir = if reply { CtDirection::Reply } else { CtDirection::Original };
            Some((self.slots[slot as usize].as_ref()?, dir))
        })
    }
    /// When the next entry's time may be over; the time to call [`super::Netfilter::expire`].
    pub fn next_expiry(&self) -> Option<Instant> {
        self.deadlines.peek().map(|&Reverse((at, _))| at)
    }

    #[inline]
    fn slot(&self, id: CtId) -> Option<u32> {
        if self.last.0 == id { Some(self.last.1) } else { self.by_id.get(&id).copied() }
    }
    #[inline]
    pub(super) fn get_mut(&mut self, id: CtId) -> Option<&mut CtEntry> {
        let slot = self.slot(id)?;
        self.slots[slot as usize].as_mut()
    }

    /// Finds or makes the connection of the packet and sets `meta.ct`
    /// (nf_conntrack_in). Leaves it None for a packet that is invalid.
    pub(super) fn track(
        &mut self,
        view: &View,
        packet: &[u8],
        meta: &mut Meta,
        now: Instant,
        log: &mut impl NfLog,
    ) -> Result<(), Full> {
        // Seen before: it came over `lo`, or is an answer that the kernel made.
        if meta.untracked || meta.ct.is_some() {
            return Ok(());
        }
        let found = match Tup::of(view) {
            Some(tup) if view.proto != ICMP || !is_icmp_error(view.icmp_type) => {
                self.resolve(tup, view, packet, now, log)?
            }
            Some(_) => self.related(view, packet, now),
            None => None,
        };
        meta.ct = found;
        match found {
            Some((ct, state, dir)) => log.nf(NfStep::Tracked { ct, state, dir }),
            None => log.nf(NfStep::Invalid),
        }
        Ok(())
    }

    fn find(&self, tup: &Tup, now: Instant) -> Option<(u32, CtDirection)> {
        let &(slot, reply) = self.index.get(tup)?;
        let alive = self.slots[slot as usize].as_ref().is_some_and(|e| e.expires > now);
        alive.then_some((slot, if reply { CtDirection::Reply } else { CtDirection::Original }))
    }

    fn resolve(
        &mut self,
        tup: Tup,
        view: &View,
        packet: &[u8],
        now: Instant,
        log: &mut impl NfLog,
    ) -> Result<Option<(CtId, CtState, CtDirection)>, Full> {
        let segment = match view.proto {
            TCP => match Segment::read(packet, view.l3, view.l4, view.len) {
                Some(segment) if !segment.is_nonsense() => Some(segment),
                _ => return Ok(None),
            },
            _ => None,
        };
        let mut found = self.find(&tup, now);
        if found.is_none()
            && let Some(&(slot, _)) = self.index.get(&tup)
        {
            self.destroy(slot, log);
        }
        if let Some((slot, dir)) = found {
            match self.packet(slot, dir, segment.as_ref(), now, log) {
                Seen::Entry(state) => {
                    let id = self.slots[slot as usize].as_ref().expect("it was found").id;
                    self.last = (id, slot);
                    return Ok(Some((id, state, dir)));
                }
                Seen::Invalid => return Ok(None),
                Seen::Gone => found = None,
            }
        }
        debug_assert!(found.is_none());
        self.begin(tup, segment.as_ref(), now, log)
            .map(|new| new.map(|id| (id, CtState::New, CtDirection::Original)))
    }

    /// A packet of an entry that was found: its state for the rules, and the entry brought up
    /// to date.
    fn packet(
        &mut self,
        slot: u32,
        dir: CtDirection,
        segment: Option<&Segment<'_>>,
        now: Instant,
        log: &mut impl NfLog,
    ) -> Seen {
        let entry = self.slots[slot as usize].as_mut().expect("the index names entries that exist");
        let (id, before) = (entry.id, entry.status);
        let mut changed = false;
        let mut shorter = false;
        match (&mut entry.tcp, segment) {
            (Some(tcp), Some(segment)) => match tcp.segment(dir, segment, entry.status) {
                Outcome::Pass { secs, changed: moved, assured } => {
                    changed = moved;
                    if assured {
                        entry.status.set(Status::ASSURED);
                    }
                    if let Some(secs) = secs {
                        entry.expires = now + Duration::from_secs(secs);
                        shorter = entry.expires < entry.queued;
                    }
                }
                Outcome::Invalid { shorten } => {
                    let latest = now + Duration::from_secs(UNEASY);
                    if shorten && entry.expires > latest {
                        entry.expires = latest;
                        entry.queued = latest;
                        self.deadlines.push(Reverse((latest, id)));
                    }
                    return Seen::Invalid;
                }
                Outcome::Kill => {
                    let reply = dir == CtDirection::Reply;
                    self.destroy(slot, log);
                    return Seen::Entry(if reply { CtState::Established } else { CtState::New });
                }
                Outcome::Reopen => {
                    self.destroy(slot, log);
                    return Seen::Gone;
                }
            },
            _ => entry.refresh(now),
        }
        if dir == CtDirection::Reply {
            entry.status.set(Status::SEEN_REPLY);
        }
        let state = match dir {
            CtDirection::Original if !before.has(Status::SEEN_REPLY) => CtState::New,
            _ => CtState::Established,
        };
        if shorter {
            self.deadlines.push(Reverse((entry.expires, id)));
            entry.queued = entry.expires;
        }
        if changed || entry.status != before {
            log.nf(NfStep::Updated { ct: id });
        }
        Seen::Entry(state)
    }

    /// The entry of a first packet, not yet in the table (init_conntrack).
    fn begin(
        &mut self,
        tup: Tup,
        segment: Option<&Segment<'_>>,
        now: Instant,
        log: &mut impl NfLog,
    ) -> Result<Option<CtId>, Full> {
        let valid = tup.proto != ICMP || matches!(tup.dport >> 8, 8 | 13 | 15 | 17);
        let (true, Some(reply)) = (valid, tup.inverse()) else { return Ok(None) };
        let mut tcp = match segment.map(TcpTrack::begin) {
            Some(None) => return Ok(None),
            other => other.flatten(),
        };
        if self.confirmed >= self.bound() && !self.drop_early(log) {
            return Err(Full);
        }
        let mut secs = None;
        if let (Some(track), Some(segment)) = (&mut tcp, segment)
            && let Outcome::Pass { secs: Some(s), .. } =
                track.segment(CtDirection::Original, segment, Status::default())
        {
            secs = Some(Duration::from_secs(s));
        }
        let id = CtId(self.next_id);
        self.next_id += 1;
        let mut entry = CtEntry {
            id,
            original: tup.flow(),
            reply: reply.flow(),
            expires: now,
            icmp: [tup.dport, reply.dport],
            status: Status::default(),
            tcp,
            stream_from: now + UDP_STREAM_AFTER,
            queued: Instant::FAR_FUTURE,
            src_next: None,
            src_prev: None,
        };
        match secs {
            Some(secs) => entry.expires = now + secs,
            None => entry.refresh(now),
        }
        self.store(entry);
        Ok(Some(id))
    }

    fn store(&mut self, entry: CtEntry) {
        let id = entry.id;
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = Some(entry);
                slot
            }
            None => {
                self.slots.push(Some(entry));
                (self.slots.len() - 1) as u32
            }
        };
        self.by_id.insert(id, slot);
        self.last = (id, slot);
        self.loosen(id);
    }

    /// Keeps an entry that is in no list within reach of the packet that is under way; the
    /// oldest such one goes.
    fn loosen(&mut self, id: CtId) {
        self.loose.push_back(id);
        if self.loose.len() <= LOOSE {
            return;
        }
        let Some(old) = self.loose.pop_front() else { return };
        let Some(&slot) = self.by_id.get(&old) else { return };
        let status = self.slots[slot as usize].as_ref().map(|e| e.status).unwrap_or_default();
        if !status.has(Status::CONFIRMED) || status.has(Status::DYING) {
            self.slots[slot as usize] = None;
            self.free.push(slot);
            self.by_id.remove(&old);
            if self.last.0 == old {
                self.last = (CtId(0), 0);
            }
        }
    }

    /// An ICMP error: which connection is it about (nf_conntrack_icmpv4_error)?
    fn related(&mut self, view: &View, packet: &[u8], now: Instant) -> Option<(CtId, CtState, CtDirection)> {
        let inner = View::read(packet, view.l4 + 8, true)?;
        let quoted = Tup::of_quoted(&inner)?;
        // The answer to the quoted packet would have this tuple; the error travels with it.
        let (slot, dir) = self.find(&quoted.inverse()?, now)?;
        let entry = self.slots[slot as usize].as_ref()?;
        if entry.tup(dir).dst != view.dst {
            return None;
        }
        self.last = (entry.id, slot);
        Some((entry.id, CtState::Related, dir))
    }

    /// Puts the connection of a packet that has come through into the table
    /// (__nf_conntrack_confirm).
    pub(super) fn confirm(
        &mut self,
        id: CtId,
        dir: CtDirection,
        now: Instant,
        log: &mut impl NfLog,
    ) -> Result<(), Clash> {
        let Some(slot) = self.slot(id) else { return Ok(()) };
        let Some(entry) = self.slots[slot as usize].as_mut() else { return Ok(()) };
        if entry.status.has(Status::CONFIRMED) || dir == CtDirection::Reply {
            return Ok(());
        }
        let (original, reply) = (entry.tup(CtDirection::Original), entry.tup(CtDirection::Reply));
        if self.index.contains_key(&original) || self.index.contains_key(&reply) {
            return Err(Clash);
        }
        entry.status.set(Status::CONFIRMED);
        if entry.expires <= now {
            entry.refresh(now);
        }
        entry.queued = entry.expires;
        self.deadlines.push(Reverse((entry.expires, id)));
        let translated = entry.is_snat();
        self.index.insert(original, (slot, false));
        self.index.insert(reply, (slot, true));
        self.confirmed += 1;
        if translated {
            self.link_source(slot, &original);
        }
        if self.loose.back() == Some(&id) {
            self.loose.pop_back();
        }
        log.nf(NfStep::Confirmed { ct: id });
        Ok(())
    }

    fn link_source(&mut self, slot: u32, original: &Tup) {
        let head = self.by_src.insert((original.src, original.sport, original.proto), slot);
        if let Some(entry) = self.slots[slot as usize].as_mut() {
            (entry.src_next, entry.src_prev) = (head, None);
        }
        if let Some(next) = head.and_then(|h| self.slots[h as usize].as_mut()) {
            next.src_prev = Some(slot);
        }
    }

    fn unlink_source(&mut self, slot: u32) {
        let Some(entry) = self.slots[slot as usize].as_mut() else { return };
        let (prev, next) = (entry.src_prev.take(), entry.src_next.take());
        let key = entry.tup(CtDirection::Original);
        let key = (key.src, key.sport, key.proto);
        if let Some(next) = next.and_then(|n| self.slots[n as usize].as_mut()) {
            next.src_prev = prev;
        }
        match (prev, next) {
            (Some(prev), next) => {
                if let Some(prev) = self.slots[prev as usize].as_mut() {
                    prev.src_next = next;
                }
            }
            (None, Some(next)) => drop(self.by_src.insert(key, next)),
            (None, None) => drop(self.by_src.remove(&key)),
        }
    }

    /// What the sources of translated connections with the same source as `tup` became, the
    /// newest first.
    pub(super) fn mapped_sources(&self, tup: &Tup) -> impl Iterator<Item = (u32, u16)> + '_ {
        let mut next = self.by_src.get(&(tup.src, tup.sport, tup.proto)).copied();
        std::iter::from_fn(move || {
            let entry = self.slots[next? as usize].as_ref()?;
            next = entry.src_next;
            Some((entry.reply.dst.addr.into(), entry.reply.dst.port))
        })
    }

    /// True if another entry than `ignored` would take answers with the tuple `reply`.
    pub(super) fn is_taken(&self, reply: &Tup, ignored: CtId) -> bool {
        self.index
            .get(reply)
            .is_some_and(|&(slot, _)| self.slots[slot as usize].as_ref().is_some_and(|e| e.id != ignored))
    }

    /// The connection with this answer, if it may go in favour of `new` (nf_nat_used_tuple_harder): a
    /// translated one that is over.
    pub(super) fn yielding(&self, reply: &Tup, new: CtId) -> Option<CtId> {
        let &(slot, true) = self.index.get(reply)? else { return None };
        let old = self.slots[slot as usize].as_ref().filter(|e| e.is_snat())?;
        let (old_track, new_track) = (old.tcp.as_ref()?, self.get(new)?.tcp.as_ref()?);
        old_track.yields_to(new_track).then_some(old.id)
    }

    /// Takes an entry out of the table.
    fn destroy(&mut self, slot: u32, log: &mut impl NfLog) {
        let Some(entry) = self.slots[slot as usize].as_mut() else { return };
        if entry.status.has(Status::DYING) || !entry.status.has(Status::CONFIRMED) {
            return;
        }
        entry.status.set(Status::DYING);
        let (id, translated) = (entry.id, entry.is_snat());
        for tup in [entry.tup(CtDirection::Original), entry.tup(CtDirection::Reply)] {
            if self.index.get(&tup).is_some_and(|&(s, _)| s == slot) {
                self.index.remove(&tup);
            }
        }
        if translated {
            self.unlink_source(slot);
        }
        self.confirmed -= 1;
        self.loosen(id);
        self.next_deadline();
        log.nf(NfStep::Destroyed { ct: id });
    }

    /// Makes room: one of the oldest entries that nobody answered for certain goes.
    fn drop_early(&mut self, log: &mut impl NfLog) -> bool {
        let victim = self.iter().take(EVICTION_RANGE).find(|e| !e.is_assured()).map(|e| e.id);
        victim.is_some_and(|id| self.delete(id, log))
    }

    /// Deletes an entry (`conntrack -D`). False if there is none with this number.
    pub fn delete(&mut self, id: CtId, log: &mut impl NfLog) -> bool {
        match self.by_id.get(&id) {
            Some(&slot)
                if self.slots[slot as usize].as_ref().is_some_and(|e| !e.status.has(Status::DYING)) =>
            {
                self.destroy(slot, log);
                true
            }
            _ => false,
        }
    }

    /// Deletes the connections that are seen as `addr` from outside: the address is gone from its
    /// interface (masq_inet_event, nf_nat_masquerade.c; there only those of MASQUERADE).
    pub fn forget_masqueraded(&mut self, addr: Ipv4Addr, log: &mut impl NfLog) {
        let seen = |e: &&CtEntry| e.source_mapping().is_some_and(|(_, after)| after.addr == addr);
        let ids: Vec<_> = self.iter().filter(seen).map(|e| e.id).collect();
        for id in ids {
            self.delete(id, log);
        }
    }

    /// Deletes all entries (`conntrack -F`).
    pub fn flush(&mut self, log: &mut impl NfLog) {
        let ids: Vec<_> = self.iter().map(|e| e.id).collect();
        for id in ids {
            self.delete(id, log);
        }
    }

    /// Removes the entries whose time is over.
    pub(super) fn expire(&mut self, now: Instant, log: &mut impl NfLog) {
        while let Some((at, slot)) = self.next_deadline() {
            if at > now {
                break;
            }
            self.deadlines.pop();
            let Some(entry) = self.slots[slot as usize].as_mut() else { continue };
            if entry.expires > now {
                entry.queued = entry.expires;
                self.deadlines.push(Reverse((entry.expires, entry.id)));
            } else {
                self.destroy(slot, log);
            }
        }
    }

    /// The first deadline that still stands, and its entry's slot; those before it go.
    fn next_deadline(&mut self) -> Option<(Instant, u32)> {
        while let Some(&Reverse((at, id))) = self.deadlines.peek() {
            let slot = self.by_id.get(&id).copied();
            let entry = slot.and_then(|slot| self.slots[slot as usize].as_ref());
            if entry.is_some_and(|e| e.queued == at && !e.status.has(Status::DYING)) {
                return slot.map(|slot| (at, slot));
            }
            self.deadlines.pop();
        }
        None
    }
}

enum Seen {
    Entry(CtState),
    Invalid,
    /// It was closed, and the packet begins it anew.
    Gone,
}

impl Tup {
    /// Of a packet quoted by an ICMP error: eight bytes of its transport header are enough.
    fn of_quoted(view: &View) -> Option<Self> {
        let cut = Self::of(&View { complete: true, ..*view })?;
        let empty = view.fragment || (matches!(view.proto, TCP | UDP) && view.sport == 0 && view.dport == 0);
        let error = view.proto == ICMP && !is_icmp_query(view.icmp_type);
        (!empty && !error).then_some(cut)
    }
}

impl CtEntry {
    /// Sets when a silent connection that is not TCP is forgotten.
    fn refresh(&mut self, now: Instant) {
        let timeout = match self.original.proto {
            Protocol::Udp if self.has_reply() && now > self.stream_from => {
                self.status.set(Status::ASSURED);
                UDP_STREAM_TIMEOUT
            }
            Protocol::Udp => UDP_TIMEOUT,
            Protocol::Icmp => ICMP_TIMEOUT,
            Protocol::Other(47) if self.has_reply() => {
                self.status.set(Status::ASSURED);
                GRE_STREAM_TIMEOUT
            }
            Protocol::Other(47) => GRE_TIMEOUT,
            Protocol::Tcp | Protocol::Other(_) => GENERIC_TIMEOUT,
        };
        self.expires = now + timeout;
        // Deadlines only ever come earlier for TCP; the queue looks again when this one is due.
    }
}
