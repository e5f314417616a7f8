//! From records to a human pace: the beats of a flow, and the playhead over them.
//!
//! ```text
//!  records   Transmit·Received·Enter·Matched·Translated·Confirmed·Transmit·…
//!  beats     [ travel ][          hook (NAT: a pause)          ][ travel ]…
//! ```
//! A beat is one thing to look at. Records that take no time of their own belong to the beat
//! before them. Positions are in milliseconds of display time at speed 1. What is seen for the
//! second time (the same connection, the same way) passes faster.

use std::collections::{BTreeMap, BTreeSet};

use super::decode::{Decoded, Kind, decode};
use crate::netfilter::{Hook, MatchedTarget, NatKind, NfStep, RuleId, TableKind};
use crate::sim::World;
use crate::stack::{DevRef, DropReason, Errno, NsId, Record, Step, StepLog};
use crate::time::Instant;
use crate::wire::{Flow, IfIndex, PacketId};

/// Longest schedule, in beats: the oldest flow of a `ping` that runs for hours does not eat the page.
const MAX_BEATS: usize = 20_000;

/// A packet on a wire.
#[derive(Debug, Clone, PartialEq)]
pub struct Move {
    /// Which.
    pub packet: PacketId,
    /// From.
    pub from: DevRef,
    /// To.
    pub to: DevRef,
    /// The record, whose bytes the log has.
    pub seq: u64,
}

/// An address rewritten.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rewrite {
    /// Source or destination, on the way there or back.
    pub kind: NatKind,
    /// What it was.
    pub before: Flow,
    /// What it is.
    pub after: Flow,
    /// By a rule now (true), or by what conntrack remembers.
    pub first: bool,
}

/// A rule that matched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MatchedRule {
    /// Its table.
    pub table: TableKind,
    /// It.
    pub rule: RuleId,
    /// What it says is to be done.
    pub target: MatchedTarget,
}

/// What is to be looked at.
#[derive(Debug, Clone, PartialEq)]
pub enum BeatKind {
    /// Packets travel over wires, at the same time.
    Travel(Vec<Move>),
    /// A packet is looked at by the rules of a hook.
    Hook {
        /** which */
        packet: PacketId,
        /** where */
        ns: NsId,
        /** hook */
        hook: Hook,
        /** tables asked, in order */
        tables: Vec<TableKind>,
        /** rules that matched, in order */
        rules: Vec<MatchedRule>,
        /** what became of its addresses */
        nat: Option<Rewrite>,
    },
    /// A packet waits for the next hop's MAC address.
    Held {
        /** which */
        packet: PacketId,
        /** where */
        ns: NsId,
    },
    /// A packet is where it was going.
    Arrive {
        /** which */
        packet: PacketId,
        /** where */
        ns: NsId,
    },
    /// A packet died.
    Drop {
        /** which */
        packet: PacketId,
        /** where */
        ns: NsId,
        /** at which device, if at one */
        dev: Option<IfIndex>,
        /** why */
        reason: DropReason,
        /** the hook where it happened */
        hook: Option<Hook>,
    },
    /// A packet is put into a VXLAN envelope, or taken out of it.
    Envelope {
        /** which */
        packet: PacketId,
        /** where */
        ns: NsId,
        /** network */
        vni: u32,
        /** put in; false: taken out */
        sealed: bool,
    },
    /// A stack refused to make a packet: it would be longer than its way takes.
    Refused {
        /** where */
        ns: NsId,
    },
    /// Nothing happened for a while.
    Wait {
        /** nanoseconds */
        ns: u64,
    },
}

/// One thing to look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Beat {
    /// What.
    pub kind: BeatKind,
    /// First record.
    pub first_seq: u64,
    /// Last record, with those that take no time.
    pub last_seq: u64,
    /// The record that says most about it.
    pub key_seq: u64,
    /// When in virtual time.
    pub at: Instant,
    /// Where on the track, in ms.
    pub start: f64,
    /// How long on the track, in ms.
    pub len: f64,
}

impl Beat {
    /// End on the track.
    pub fn end(&self) -> f64 {
        self.start + self.len
    }
    /// The packet it is about; the first of several.
    pub fn packet(&self) -> Option<PacketId> {
        match &self.kind {
            BeatKind::Travel(moves) => moves.first().map(|m| m.packet),
            BeatKind::Hook { packet, .. }
            | BeatKind::Held { packet, .. }
            | BeatKind::Arrive { packet, .. }
            | BeatKind::Envelope { packet, .. }
            | BeatKind::Drop { packet, .. } => Some(*packet),
            BeatKind::Refused { .. } | BeatKind::Wait { .. } => None,
        }
    }
    /// All packets it is about.
    pub fn packets(&self) -> Vec<PacketId> {
        match &self.kind {
            BeatKind::Travel(moves) => moves.iter().map(|m| m.packet).collect(),
            _ => self.packet().into_iter().collect(),
        }
    }
}

/// What is known of a packet.
#[derive(Debug, Clone, PartialEq)]
pub struct Life {
    /// First and last beat.
    pub beats: (usize, usize),
    /// Its copy's original, for floods.
    pub copy_of: Option<PacketId>,
    /// What it is (from the first bytes seen).
    pub kind: Kind,
    /// It is over.
    pub ended: bool,
    /// A program sent it, not the kernel by itself.
    pub by_program: bool,
    /// It began in this namespace, by a local program or kernel.
    local: bool,
    /// Current namespace, and whether it was routed to be local.
    ns: NsId,
    to_me: bool,
    hook: Option<Hook>,
}

/// The beats of a flow.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// In order.
    pub beats: Vec<Beat>,
    /// Packets.
    pub lives: BTreeMap<PacketId, Life>,
    next_seq: u64,
    first_seq: u64,
    last_at: Option<Instant>,
    /// How often a wire was travelled by a flow in this direction.
    seen: BTreeMap<(DevRef, u8, [u8; 12]), u32>,
    /// Packets under way that are not to be looked at.
    aside: BTreeSet<PacketId>,
}

impl Schedule {
    /// Begins at record `first_seq`.
    pub fn new(first_seq: u64) -> Self {
        Self {
            beats: Vec::new(),
            lives: BTreeMap::new(),
            next_seq: first_seq,
            first_seq,
            last_at: None,
            seen: BTreeMap::new(),
            aside: BTreeSet::new(),
        }
    }
    /// The first record.
    pub fn first_seq(&self) -> u64 {
        self.first_seq
    }
    /// The record after the last one taken in.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }
    /// Length of the track in ms.
    pub fn len(&self) -> f64 {
        self.beats.last().map_or(0.0, Beat::end)
    }
    /// True if there is nothing to look at.
    pub fn is_empty(&self) -> bool {
        self.beats.is_empty()
    }
    /// The beat that is under way or just over at `pos`. None at the very beginning.
    pub fn beat_at(&self, pos: f64) -> Option<usize> {
        if pos <= 0.0 || self.beats.is_empty() {
            return None;
        }
        let i = self.beats.partition_point(|b| b.end() < pos - 1e-6);
        Some(i.min(self.beats.len() - 1))
    }
    /// The last record that has happened at `pos`: what the tables are to show.
    pub fn seq_at(&self, pos: f64) -> u64 {
        match self.beat_at(pos) {
            Some(i) => self.beats[i].last_seq,
            None => self.first_seq.saturating_sub(1),
        }
    }
    /// The beat in which record `seq` happens.
    pub fn beat_of_seq(&self, seq: u64) -> Option<usize> {
        let i = self.beats.partition_point(|b| b.last_seq < seq);
        (i < self.beats.len()).then_some(i)
    }

    /// Takes in what the log has got since. True if there was something. Housekeeping
    /// ([`crate::guest::Program::housekeeping`]) is passed over.
    pub fn extend(&mut self, world: &World) -> bool {
        let (before, log) = (self.next_seq, &world.log);
        for (seq, record) in log.iter_from(self.next_seq) {
            if self.beats.len() >= MAX_BEATS {
                break;
            }
            if self.is_aside(world, &record) {
                self.attach(seq);
            } else {
                self.take(seq, &record, log);
            }
            self.next_seq = seq + 1;
        }
        self.next_seq != before
    }

    /// Is it about a packet of somebody's housekeeping, a copy of one, or the kernel's complaint about one?
    fn is_aside(&mut self, world: &World, record: &Record) -> bool {
        let Some(packet) = record.packet else { return false };
        let known = self.aside.contains(&packet);
        let aside = match record.step {
            Step::Sent { by: Some(pid) } => world.keeps_house(pid),
            Step::Copied { of } => self.aside.contains(&of),
            _ => known,
        };
        if let (true, Step::IcmpErrorSent { error, .. }) = (aside, &record.step) {
            self.aside.insert(*error);
        }
        if aside && !known {
            self.aside.insert(packet);
        }
        if matches!(
            record.step,
            Step::Delivered { .. } | Step::DeliveredToKernel | Step::Absorbed | Step::Dropped { .. }
        ) {
            self.aside.remove(&packet);
        }
        aside || known
    }

    fn take(&mut self, seq: u64, record: &Record, log: &StepLog) {
        let idle = self.last_at.map_or(0, |l| record.at.since(l).as_nanos());
        if idle >= 20_000_000 && record.packet.is_some() {
            self.push(BeatKind::Wait { ns: idle }, seq, record.at, 420.0);
        }
        self.last_at = Some(record.at);
        let Some(packet) = record.packet else {
            if let Step::Unsent { errno: Errno::MsgSize, .. } = record.step {
                return self.push(BeatKind::Refused { ns: record.ns }, seq, record.at, 1500.0);
            }
            return self.attach(seq);
        };
        match &record.step {
            Step::Sent { by } => {
                self.born(packet, record.ns, None, true);
                if let Some(life) = self.lives.get_mut(&packet) {
                    life.by_program = by.is_some();
                }
            }
            Step::Copied { of } => {
                let local = self.lives.get(of).is_some_and(|l| l.local);
                self.born(packet, record.ns, Some(*of), local);
            }
            Step::Received { .. } => {
                if let Some(life) = self.lives.get_mut(&packet) {
                    (life.ns, life.local, life.to_me, life.hook) = (record.ns, false, false, None);
                }
            }
            Step::RoutedLocal { .. } => {
                if let Some(life) = self.lives.get_mut(&packet) {
                    life.to_me = true;
                }
            }
            // From device to device within one machine it travels like over a wire.
            Step::Transmit { dev, to, .. } | Step::Handed { dev, to, .. } => {
                let from = DevRef { ns: record.ns, dev: *dev };
                return self.transmit(Move { packet, from, to: *to, seq }, record.at, log);
            }
            Step::Encapsulated { vni, .. } => return self.envelope(packet, record, *vni, true, seq),
            Step::Decapsulated { vni, .. } => return self.envelope(packet, record, *vni, false, seq),
            Step::Held { .. } => {
                let kind = BeatKind::Held { packet, ns: record.ns };
                return self.packet_beat(packet, kind, seq, record.at, 320.0);
            }
            Step::Nf(nf) => return self.netfilter(packet, record, nf, seq),
            Step::Delivered { .. } | Step::DeliveredToKernel => {
                let len = if self.kind_of(packet) == Kind::Arp { 60.0 } else { 220.0 };
                let kind = BeatKind::Arrive { packet, ns: record.ns };
                self.packet_beat(packet, kind, seq, record.at, len);
                return self.end(packet);
            }
            Step::Absorbed => {
                self.attach(seq);
                return self.end(packet);
            }
            Step::Dropped { reason, dev } => return self.dropped(packet, record, (*reason, *dev), seq, log),
            _ => {}
        }
        self.attach(seq);
    }

    fn kind_of(&self, packet: PacketId) -> Kind {
        self.lives.get(&packet).map_or(Kind::Other, |l| l.kind)
    }

    fn born(&mut self, packet: PacketId, ns: NsId, copy_of: Option<PacketId>, local: bool) {
        let kind = copy_of.map_or(Kind::Other, |of| self.kind_of(of));
        // It is first seen in the beat that is still to come.
        let at = self.beats.len();
        let life = Life {
            beats: (at, at),
            copy_of,
            kind,
            ended: false,
            by_program: false,
            local,
            ns,
            to_me: false,
            hook: None,
        };
        self.lives.insert(packet, life);
    }

    fn end(&mut self, packet: PacketId) {
        let last = self.beats.len().saturating_sub(1);
        if let Some(life) = self.lives.get_mut(&packet) {
            life.ended = true;
            life.beats.1 = last.max(life.beats.0);
        }
    }

    fn attach(&mut self, seq: u64) {
        if let Some(last) = self.beats.last_mut() {
            last.last_seq = seq;
        }
    }

    fn push(&mut self, kind: BeatKind, seq: u64, at: Instant, len: f64) {
        let start = self.len();
        self.beats.push(Beat { kind, first_seq: seq, last_seq: seq, key_seq: seq, at, start, len });
    }

    fn packet_beat(&mut self, packet: PacketId, kind: BeatKind, seq: u64, at: Instant, len: f64) {
        self.push(kind, seq, at, len);
        let i = self.beats.len() - 1;
        if let Some(life) = self.lives.get_mut(&packet) {
            life.beats = (life.beats.0.min(i), i);
        }
    }

    /// Into an envelope, or out of it. Slow the first time; what follows runs.
    fn envelope(&mut self, packet: PacketId, record: &Record, vni: u32, sealed: bool, seq: u64) {
        let len = if self.times(packet) { 420.0 } else { 1300.0 };
        let kind = BeatKind::Envelope { packet, ns: record.ns, vni, sealed };
        self.packet_beat(packet, kind, seq, record.at, len);
    }

    fn transmit(&mut self, m: Move, at: Instant, log: &StepLog) {
        let (packet, seq) = (m.packet, m.seq);
        let read = decode(&log.bytes(seq));
        if let (Some(life), Some(read)) = (self.lives.get_mut(&packet), &read) {
            life.kind = read.innermost().kind;
        }
        let copies = self.lives.get(&packet).and_then(|l| l.copy_of);
        // A flood: the copies leave together.
        if let Some(last) = self.beats.last_mut()
            && let BeatKind::Travel(moves) = &mut last.kind
            && last.at == at
            && moves[0].from.ns == m.from.ns
            && moves.iter().all(|o| o.from != m.from)
            && moves.iter().any(|o| {
                Some(o.packet) == copies
                    || self.lives.get(&o.packet).is_some_and(|l| {
                        l.copy_of.is_some() && (l.copy_of == copies || l.copy_of == Some(packet))
                    })
            })
        {
            moves.push(m);
            last.last_seq = seq;
            let i = self.beats.len() - 1;
            if let Some(life) = self.lives.get_mut(&packet) {
                life.beats = (life.beats.0.min(i), i);
            }
            return;
        }
        let len = self.travel_ms(&m, read.as_ref());
        self.packet_beat(packet, BeatKind::Travel(vec![m]), seq, at, len);
    }

    /// The first packet of a connection on a wire is walked; what follows it runs.
    fn travel_ms(&mut self, m: &Move, read: Option<&Decoded>) -> f64 {
        let Some(read) = read else { return 350.0 };
        let mut key = [0; 12];
        key[..4].copy_from_slice(&read.from.addr.octets());
        key[4..8].copy_from_slice(&read.to.addr.octets());
        key[8..10].copy_from_slice(&read.from.port.unwrap_or(0).to_be_bytes());
        key[10..].copy_from_slice(&read.to.port.unwrap_or(0).to_be_bytes());
        let times = self.seen.entry((m.from, read.kind as u8, key)).or_insert(0);
        *times += 1;
        match (read.kind, *times) {
            (Kind::Arp, _) => 240.0,
            (_, 1) => 600.0,
            (_, 2) => 380.0,
            _ => 260.0,
        }
    }

    fn netfilter(&mut self, packet: PacketId, record: &Record, nf: &NfStep, seq: u64) {
        match nf {
            NfStep::Enter { hook, table } => {
                if let Some(life) = self.lives.get_mut(&packet) {
                    life.hook = Some(*hook);
                }
                let known = self.times(packet);
                self.at_hook(packet, record, *hook, seq, if known { 70.0 } else { 150.0 }, |tables, _, _| {
                    if !tables.contains(table) {
                        tables.push(*table);
                    }
                });
            }
            NfStep::Matched { table, rule, target, .. } => {
                let hook = self.hook_of(packet, None);
                let matched = MatchedRule { table: *table, rule: *rule, target: *target };
                self.at_hook(packet, record, hook, seq, 0.0, |_, rules, _| rules.push(matched));
                if matches!(target, MatchedTarget::Nat | MatchedTarget::Drop | MatchedTarget::Reject) {
                    self.key(seq);
                }
            }
            NfStep::Translated { kind, before, after, first, .. } => {
                let half = if before.src == after.src { NatKind::Destination } else { NatKind::Source };
                let hook = self.hook_of(packet, Some(half));
                let rewrite = Rewrite { kind: *kind, before: *before, after: *after, first: *first };
                let len = match (*first, self.times(packet)) {
                    (true, _) => 1700.0,
                    (false, false) => 1100.0,
                    (false, true) => 420.0,
                };
                self.at_hook(packet, record, hook, seq, len, |_, _, nat| *nat = Some(rewrite));
                self.key(seq);
            }
            _ => self.attach(seq),
        }
    }

    /// Was a packet of this kind of way seen before? Then it need not be explained at length.
    fn times(&self, packet: PacketId) -> bool {
        let Some(life) = self.lives.get(&packet) else { return false };
        let Some(Beat { kind: BeatKind::Travel(moves), .. }) =
            self.beats[life.beats.0.min(self.beats.len())..].iter().find(|b| b.packets().contains(&packet))
        else {
            return false;
        };
        let wire = moves[0].from;
        self.seen.iter().any(|(k, n)| k.0 == wire && k.1 == life.kind as u8 && *n > 1)
    }

    fn key(&mut self, seq: u64) {
        if let Some(last) = self.beats.last_mut() {
            last.key_seq = seq;
        }
    }

    /// The hook a packet is at. Memory's translations come without naming theirs: it follows
    /// from what is rewritten and from which way the packet goes.
    fn hook_of(&self, packet: PacketId, nat: Option<NatKind>) -> Hook {
        let Some(life) = self.lives.get(&packet) else { return Hook::Prerouting };
        match (nat, life.hook) {
            (Some(NatKind::Destination), _) if life.local => Hook::Output,
            (Some(NatKind::Destination), _) => Hook::Prerouting,
            (Some(NatKind::Source), _) if life.to_me => Hook::Input,
            (Some(NatKind::Source), _) => Hook::Postrouting,
            (None, Some(hook)) => hook,
            (None, None) => Hook::Prerouting,
        }
    }

    fn at_hook(
        &mut self,
        packet: PacketId,
        record: &Record,
        hook: Hook,
        seq: u64,
        len: f64,
        note: impl FnOnce(&mut Vec<TableKind>, &mut Vec<MatchedRule>, &mut Option<Rewrite>),
    ) {
        let same = self.beats.last().is_some_and(|b| {
            matches!(&b.kind, BeatKind::Hook { packet: p, ns, hook: h, .. } if (*p, *ns, *h) == (packet, record.ns, hook))
        });
        if !same {
            let kind = BeatKind::Hook {
                packet,
                ns: record.ns,
                hook,
                tables: Vec::new(),
                rules: Vec::new(),
                nat: None,
            };
            self.packet_beat(packet, kind, seq, record.at, 0.0);
        }
        let Some(last) = self.beats.last_mut() else { return };
        if let BeatKind::Hook { tables, rules, nat, .. } = &mut last.kind {
            note(tables, rules, nat);
        }
        last.last_seq = seq;
        last.len = last.len.max(len);
    }

    fn dropped(
        &mut self,
        packet: PacketId,
        record: &Record,
        (reason, dev): (DropReason, Option<IfIndex>),
        seq: u64,
        log: &StepLog,
    ) {
        // A copy that a bridge flooded to somebody else: not worth a stop.
        let quiet = matches!(
            reason,
            DropReason::NotForMe { .. }
                | DropReason::ArpNotMine
                | DropReason::SamePort
                | DropReason::Broadcast
        );
        // Something for everybody (a DHCP client asks) that only some listen to.
        let to_all = || {
            let travelled = self.beats.iter().rev().find_map(|b| match &b.kind {
                BeatKind::Travel(moves) => moves.iter().find(|m| m.packet == packet).map(|m| m.seq),
                _ => None,
            });
            travelled.is_some_and(|seq| log.bytes(seq).starts_with(&[0xff; 6]))
        };
        let ignored = matches!(
            reason,
            DropReason::PortClosed { .. }
                | DropReason::NotMine { .. }
                | DropReason::Martian { .. }
                | DropReason::NoMatchingSocket
        );
        let quiet = quiet || (ignored && to_all());
        // An answer to a ping that was stopped in the meantime: it came, and nobody waits for it.
        let late = reason == DropReason::NoMatchingSocket && self.kind_of(packet) == Kind::Icmp;
        if quiet {
            self.attach(seq);
        } else if late {
            self.packet_beat(packet, BeatKind::Arrive { packet, ns: record.ns }, seq, record.at, 220.0);
        } else {
            let hook = self.lives.get(&packet).and_then(|l| l.hook);
            let hook = hook.filter(|_| {
                matches!(
                    reason,
                    DropReason::Rule { .. } | DropReason::Policy { .. } | DropReason::Rejected { .. }
                )
            });
            let kind = BeatKind::Drop { packet, ns: record.ns, dev, reason, hook };
            self.packet_beat(packet, kind, seq, record.at, 1500.0);
        }
        self.end(packet);
    }
}

/// The playhead.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Player {
    /// Where on the track, in ms.
    pub pos: f64,
    /// Moves by itself.
    pub playing: bool,
    /// 0.25 to 4.
    pub speed: f64,
}

impl Default for Player {
    fn default() -> Self {
        Self { pos: 0.0, playing: false, speed: 1.0 }
    }
}

/// The speeds that the button goes through.
pub const SPEEDS: [f64; 5] = [0.25, 0.5, 1.0, 2.0, 4.0];

impl Player {
    /// `dt` milliseconds passed on the reader's clock. True if something moved.
    pub fn tick(&mut self, dt: f64, len: f64) -> bool {
        if !self.playing || self.pos >= len {
            return false;
        }
        self.pos = (self.pos + dt.clamp(0.0, 100.0) * self.speed).min(len);
        true
    }
    /// To the end of the next beat.
    pub fn step(&mut self, schedule: &Schedule) {
        self.playing = false;
        let next = schedule.beats.iter().find(|b| b.end() > self.pos + 1e-6 && b.len > 0.0);
        self.pos = next.map_or(schedule.len(), Beat::end);
    }
    /// To the end of the beat before.
    pub fn back(&mut self, schedule: &Schedule) {
        self.playing = false;
        let now = schedule.beat_at(self.pos).unwrap_or(0);
        let before = schedule.beats[..now].iter().rev().find(|b| b.len > 0.0);
        self.pos = before.map_or(0.0, Beat::end);
    }
    /// To a place on the track.
    pub fn seek(&mut self, pos: f64, schedule: &Schedule) {
        self.pos = pos.clamp(0.0, schedule.len());
    }
}
