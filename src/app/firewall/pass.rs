//! One packet's way through one namespace, as its trace tells it.
//!
//! ```text
//!  forward  in ▸ raw ▸ conntrack ▸ nat ▸ route ▸ filter FORWARD ▸ nat POSTROUTING ▸ out
//!  input    in ▸ raw ▸ conntrack ▸ nat ▸ route ▸ filter INPUT ▸ program
//!  output   program ▸ route ▸ raw ▸ conntrack ▸ nat ▸ filter OUTPUT ▸ nat POSTROUTING ▸ out
//! ```
//! What the trace does not name (a table without rules, nat for a known connection, all that lies
//! beyond a drop) stands in its place all the same, and says that it was not asked.

use super::walk::{End, Hit, Line, LineKind, Mark, Reader, Unfolded};
use crate::app::playback::{BeatKind, Rewrite, Schedule};
use crate::netfilter::{
    CtDirection, CtId, CtState, Hook, MatchedTarget, NatKind, Netfilter, NfStep, TableKind,
};
use crate::stack::{DropReason, NetNs, NsId, Pid, Record, SocketId, Step, StepLog};
use crate::wire::{Flow, IfIndex, Ipv4Net, PacketId};
use std::net::Ipv4Addr;

/// Records of a packet's life that are looked at.
const MAX_RECORDS: usize = 20_000;

/// Which way it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To somebody else.
    Forward,
    /// To a program here.
    Input,
    /// From a program here.
    Output,
    /// From a program here to another one, through `lo`.
    Loop,
    /// From port to port of a bridge.
    Bridged,
}

/// What a station is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum What {
    /// It comes in: device, and the bridge behind it.
    In(IfIndex, Option<IfIndex>),
    /// A program (or the kernel) here sends it.
    Sender,
    /// A table at a hook.
    Hook(Hook, TableKind),
    /// Connection tracking.
    Conntrack,
    /// The routing decision.
    Route(Option<Chosen>),
    /// A bridge chooses the port; true: all of them.
    Bridge(IfIndex, bool),
    /// It goes out: device (a bridge too), and the port that it leaves by.
    Out(Option<IfIndex>, Option<IfIndex>),
    /// A program (or the kernel) here takes it.
    Receiver,
}

/// The route that was chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chosen {
    /// For whom.
    pub dst: Ipv4Addr,
    /// Prefix, gateway, device; None: this namespace's own address.
    pub route: Option<(Ipv4Net, Option<Ipv4Addr>, IfIndex)>,
}

/// Why a station was not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    /// It has no rules.
    Empty,
    /// nat is asked for the first packet of a connection only.
    Known,
    /// The packet died before.
    Dead,
    /// No packet at all.
    Rest,
}

/// A station of the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Station {
    /// What.
    pub what: What,
    /// The record that opens it; None: it was not asked.
    pub seq: Option<u64>,
    /// Why it was not asked.
    pub skip: Option<Skip>,
    /// Where on the track it begins and ends, in ms.
    pub from: f64,
    /// See `from`.
    pub to: f64,
    /// Rules.
    pub lines: Vec<Line>,
    /// The rewriting that happens here.
    pub rewrite: Option<Rewrite>,
    /// The packet dies here: where, and why.
    pub dead: Option<(Option<IfIndex>, DropReason)>,
    /// The connection's state (at conntrack).
    pub state: Option<CtState>,
}

/// One packet's way through one namespace.
#[derive(Debug, Clone, PartialEq)]
pub struct Pass {
    /// Which.
    pub packet: PacketId,
    /// Which way.
    pub way: Way,
    /// Stations in order.
    pub stations: Vec<Station>,
    /// Its entry, and which way along it.
    pub ct: Option<(CtId, CtState, CtDirection)>,
    /// The record that put its entry into the table.
    pub confirmed: Option<u64>,
}

/// What the records say, before rules are looked up.
pub(super) struct Trace {
    pub packet: PacketId,
    pub ns: NsId,
    /// Whose socket sent it, and which one took it.
    pub by: Option<Pid>,
    pub taken: Option<SocketId>,
    stations: Vec<Raw>,
    ct: Option<(CtId, CtState, CtDirection)>,
    confirmed: Option<u64>,
    out: Option<u64>,
    local: bool,
    looped: bool,
    seqs: Option<(u64, u64)>,
}

struct Raw {
    station: Station,
    hits: Vec<Hit>,
    end: Option<End>,
}

/// The records of `packet` in `ns`, of its whole life.
fn records<'a>(
    log: &'a StepLog,
    schedule: &Schedule,
    packet: PacketId,
    ns: NsId,
) -> impl Iterator<Item = (u64, Record)> + 'a {
    let life = schedule.lives.get(&packet);
    let beat = |i: usize| schedule.beats.get(i).or(schedule.beats.last());
    let first = life.and_then(|l| beat(l.beats.0.saturating_sub(1))).map_or(u64::MAX, |b| b.first_seq);
    let last = life.map(|l| if l.ended { l.beats.1 } else { usize::MAX });
    let last = last.and_then(beat).map_or(0, |b| b.last_seq);
    let all = log.iter_from(first).take_while(move |(seq, _)| *seq <= last).take(MAX_RECORDS);
    all.filter(move |(_, r)| r.ns == ns && r.packet == Some(packet))
}

/// Reads the records of `packet` in `ns`; None if it never went through its kernel.
pub(super) fn find(log: &StepLog, schedule: &Schedule, packet: PacketId, ns: NsId) -> Option<Trace> {
    let mut found = Trace {
        packet,
        ns,
        by: None,
        taken: None,
        stations: Vec::new(),
        ct: None,
        confirmed: None,
        out: None,
        local: false,
        looped: false,
        seqs: None,
    };
    for (seq, record) in records(log, schedule, packet, ns) {
        let first = found.seqs.map_or(seq, |s| s.0);
        found.seqs = Some((first, seq));
        if found.take(seq, &record.step) {
            break;
        }
    }
    let asked = |r: &Raw| !matches!(r.station.what, What::In(..) | What::Sender);
    found.stations.iter().any(asked).then_some(found)
}

impl Trace {
    /// The last record.
    pub fn last_seq(&self) -> u64 {
        self.seqs.map_or(0, |s| s.1)
    }

    /// The stations' kinds, in order.
    pub fn whats(&self) -> impl DoubleEndedIterator<Item = What> + '_ {
        self.stations.iter().map(|r| r.station.what)
    }

    /// The record of the frame as it came in, or else as it left.
    pub fn frame(&self, schedule: &Schedule) -> Option<u64> {
        frame_in(schedule, self.packet, self.ns, self.seqs?.0).or(self.out)
    }

    fn push(&mut self, what: What, seq: u64) -> &mut Raw {
        self.stations.push(Raw { station: station(what, Some(seq), None), hits: Vec::new(), end: None });
        self.stations.last_mut().expect("just pushed")
    }

    /// Takes in a record. True if the pass is over.
    fn take(&mut self, seq: u64, step: &Step) -> bool {
        match step {
            Step::Sent { by } => {
                (self.local, self.by) = (true, *by);
                self.push(What::Sender, seq);
            }
            Step::Received { dev } if *dev == IfIndex::LO => self.looped = true,
            Step::Received { dev } => {
                self.push(What::In(*dev, None), seq);
            }
            Step::BridgedUp { bridge } => {
                if let Some(Raw { station: Station { what: What::In(_, up), .. }, .. }) =
                    self.stations.first_mut()
                {
                    *up = Some(*bridge);
                }
            }
            Step::Bridged { bridge, .. } | Step::Flooded { bridge, .. } if !self.routed() => {
                self.push(What::Bridge(*bridge, matches!(step, Step::Flooded { .. })), seq);
            }
            Step::Routed { dst, prefix, via, dev } => {
                let route = Some((*prefix, *via, *dev));
                self.push(What::Route(Some(Chosen { dst: *dst, route })), seq);
            }
            Step::RoutedLocal { dst } => {
                self.push(What::Route(Some(Chosen { dst: *dst, route: None })), seq);
            }
            Step::Nf(nf) => self.netfilter(seq, nf),
            Step::Transmit { dev, .. } if *dev == IfIndex::LO => {}
            Step::Transmit { dev, .. } => {
                let via = self.out_dev().filter(|d| d != dev);
                self.push(What::Out(Some(via.unwrap_or(*dev)), via.map(|_| *dev)), seq);
                self.out = Some(seq);
                return true;
            }
            Step::Delivered { socket } => {
                self.taken = Some(*socket);
                self.push(What::Receiver, seq);
                return true;
            }
            Step::DeliveredToKernel => {
                self.push(What::Receiver, seq);
                return true;
            }
            Step::Absorbed => {
                // Copies go on: by all ports of the bridge.
                let via = self.out_dev();
                self.push(What::Out(via, None), seq);
                return true;
            }
            Step::Dropped { dev, reason } => {
                if let Some(last) = self.stations.last_mut() {
                    last.station.dead = Some((*dev, *reason));
                }
                return true;
            }
            _ => {}
        }
        false
    }

    fn routed(&self) -> bool {
        self.stations.iter().any(|r| matches!(r.station.what, What::Route(_)))
    }

    /// The device of the last route.
    fn out_dev(&self) -> Option<IfIndex> {
        self.stations.iter().rev().find_map(|r| match r.station.what {
            What::Route(Some(chosen)) => chosen.route.map(|r| r.2),
            What::Bridge(bridge, _) => Some(bridge),
            _ => None,
        })
    }

    fn netfilter(&mut self, seq: u64, step: &NfStep) {
        match step {
            NfStep::Enter { hook, table } => {
                self.push(What::Hook(*hook, *table), seq);
            }
            NfStep::Matched { chain, rule, index, target, .. } => {
                let hit =
                    Hit { seq, chain: *chain, rule: *rule, index: usize::from(*index), target: *target };
                if let Some(last) = self.stations.last_mut() {
                    last.hits.push(hit);
                    let decides = matches!(
                        target,
                        MatchedTarget::Accept
                            | MatchedTarget::Drop
                            | MatchedTarget::Reject
                            | MatchedTarget::Nat
                    );
                    if decides {
                        last.end = Some(End::Rule);
                    }
                }
            }
            NfStep::Policy { accept, .. } => {
                if let Some(last) = self.stations.last_mut() {
                    last.end = Some(End::Policy(*accept));
                }
            }
            NfStep::Tracked { ct, state, dir } => {
                self.ct = Some((*ct, *state, *dir));
                self.push(What::Conntrack, seq).station.state = Some(*state);
            }
            NfStep::Invalid => self.push(What::Conntrack, seq).station.state = Some(CtState::Invalid),
            NfStep::Translated { kind, before, after, first, .. } => {
                let rewrite = Rewrite { kind: *kind, before: *before, after: *after, first: *first };
                let here = self.stations.last_mut().filter(|r| {
                    matches!(r.station.what, What::Hook(_, TableKind::Nat)) && r.station.rewrite.is_none()
                });
                match here {
                    Some(raw) => raw.station.rewrite = Some(rewrite),
                    None => {
                        let hook = self.memory_hook(*before, *after);
                        let raw = self.push(What::Hook(hook, TableKind::Nat), seq);
                        (raw.station.rewrite, raw.station.skip) = (Some(rewrite), Some(Skip::Known));
                    }
                }
            }
            NfStep::Confirmed { .. } => self.confirmed = Some(seq),
            _ => {}
        }
    }

    /// Memory's translations come without naming their hook: it follows from which half is
    /// rewritten and from which way the packet goes.
    fn memory_hook(&self, before: Flow, after: Flow) -> Hook {
        let half = if before.src == after.src { NatKind::Destination } else { NatKind::Source };
        let last = self.stations.iter().rev().find_map(|r| match r.station.what {
            What::Route(Some(chosen)) => Some(chosen.route.is_none()),
            _ => None,
        });
        match half {
            NatKind::Destination if self.local && !self.looped => Hook::Output,
            NatKind::Destination => Hook::Prerouting,
            NatKind::Source if last == Some(true) && (self.looped || !self.local) => Hook::Input,
            NatKind::Source => Hook::Postrouting,
        }
    }

    pub fn way(&self) -> Way {
        let has = |f: &dyn Fn(&What) -> bool| self.stations.iter().any(|r| f(&r.station.what));
        let here = has(&|w| matches!(w, What::Route(Some(Chosen { route: None, .. }))));
        match (self.local, self.looped) {
            (true, true) => Way::Loop,
            (true, false) => Way::Output,
            _ if here || has(&|w| matches!(w, What::Receiver)) => Way::Input,
            _ if !self.routed() && has(&|w| matches!(w, What::Bridge(..))) => Way::Bridged,
            _ => Way::Forward,
        }
    }
}

fn station(what: What, seq: Option<u64>, skip: Option<Skip>) -> Station {
    Station { what, seq, skip, from: 0.0, to: 0.0, lines: Vec::new(), rewrite: None, dead: None, state: None }
}

/// The stations of a way, in the kernel's order of priorities.
fn plan(way: Way) -> Vec<What> {
    use {Hook as H, TableKind as T};
    let entry = [
        What::Hook(H::Prerouting, T::Raw),
        What::Conntrack,
        What::Hook(H::Prerouting, T::Mangle),
        What::Hook(H::Prerouting, T::Nat),
    ];
    let exit = [What::Hook(H::Postrouting, T::Mangle), What::Hook(H::Postrouting, T::Nat)];
    let forward = [What::Hook(H::Forward, T::Mangle), What::Hook(H::Forward, T::Filter)];
    let input =
        [What::Hook(H::Input, T::Mangle), What::Hook(H::Input, T::Filter), What::Hook(H::Input, T::Nat)];
    let output = [
        What::Route(None),
        What::Hook(H::Output, T::Raw),
        What::Conntrack,
        What::Hook(H::Output, T::Mangle),
        What::Hook(H::Output, T::Nat),
        What::Hook(H::Output, T::Filter),
    ];
    let arrive = [What::In(IfIndex(0), None)];
    let route = [What::Route(None)];
    let out = [What::Out(None, None)];
    match way {
        Way::Forward => [&arrive[..], &entry, &route, &forward, &exit, &out].concat(),
        Way::Bridged => {
            [&arrive[..], &entry, &[What::Bridge(IfIndex(0), false)], &forward, &exit, &out].concat()
        }
        Way::Input => [&arrive[..], &entry, &route, &input, &[What::Receiver]].concat(),
        Way::Output => [&[What::Sender][..], &output, &exit, &out].concat(),
        // Its connection travels with it through lo: it is not looked up again.
        Way::Loop => {
            [&[What::Sender][..], &output, &exit, &entry[..1], &entry[2..], &input, &[What::Receiver]]
                .concat()
        }
    }
}

fn same(a: &What, b: &What) -> bool {
    match (a, b) {
        (What::Hook(h, t), What::Hook(k, u)) => (h, t) == (k, u),
        _ => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

/// Stations that are shown even where nothing was to be asked: with them the way is understood.
fn always(what: &What) -> bool {
    match what {
        What::Hook(Hook::Prerouting | Hook::Postrouting, TableKind::Nat) => true,
        What::Hook(_, TableKind::Filter) => true,
        What::Hook(..) => false,
        _ => true,
    }
}

/// Looks up the rules of a trace in `state`, the namespace as it was then, and places them on the
/// track.
pub(super) fn read(trace: Trace, schedule: &Schedule, state: &NetNs, unfolded: &Unfolded) -> Pass {
    let (way, last) = (trace.way(), trace.last_seq());
    let nf = &state.nf;
    let dead = trace.stations.iter().any(|r| r.station.dead.is_some());
    let known = trace.ct.is_some_and(|(_, state, _)| state != CtState::New);
    let Trace { packet, ct, confirmed, .. } = trace;
    let met: Vec<Station> = trace.stations.into_iter().map(|raw| finish(nf, raw, unfolded)).collect();
    let mut stations = merge(nf, way, met, (dead, known, ct.is_some()), unfolded);
    place(&mut stations, schedule, last);
    Pass { packet, way, stations, ct, confirmed }
}

/// The way of nobody: what stands there when nothing has come.
pub(super) fn at_rest(state: &NetNs, way: Way, unfolded: &Unfolded) -> Vec<Station> {
    let mut stations = merge(&state.nf, way, Vec::new(), (false, false, state.nf.ct.is_on()), unfolded);
    for s in &mut stations {
        s.skip = s.skip.map(|_| Skip::Rest);
    }
    stations
}

/// The record of the frame that brought the packet here.
fn frame_in(schedule: &Schedule, packet: PacketId, ns: NsId, before: u64) -> Option<u64> {
    let beats = schedule.beats.iter().take_while(|b| b.first_seq <= before);
    let moves = beats.filter_map(|b| match &b.kind {
        BeatKind::Travel(moves) => moves.iter().find(|m| m.packet == packet && m.to.ns == ns).map(|m| m.seq),
        _ => None,
    });
    moves.last()
}

/// Looks up the rules that were asked.
fn finish(nf: &Netfilter, raw: Raw, unfolded: &Unfolded) -> Station {
    let Raw { mut station, hits, end } = raw;
    if let What::Hook(hook, kind) = station.what
        && let Some(base) = nf.table(kind).base(hook)
    {
        let reader = Reader { nf, table: nf.table(kind), unfolded };
        station.lines = match station.skip {
            None => reader.walked(base, &hits, end),
            Some(_) => reader.listed(base),
        };
    }
    station
}

fn merge(
    nf: &Netfilter,
    way: Way,
    met: Vec<Station>,
    (dead, known, tracked): (bool, bool, bool),
    unfolded: &Unfolded,
) -> Vec<Station> {
    let mut out: Vec<Station> = Vec::new();
    let mut met: std::collections::VecDeque<Station> = met.into();
    for slot in plan(way) {
        if let Some(at) = met.iter().position(|s| same(&s.what, &slot)) {
            out.extend(met.drain(..=at));
            continue;
        }
        let beyond = dead && met.is_empty();
        if let What::Hook(hook, kind) = slot {
            let table = nf.table(kind);
            let base = table.base(hook).filter(|b| !b.rules.is_empty() || b.policy == Some(false));
            if base.is_none() && !always(&slot) {
                continue;
            }
            let skip = match (beyond, base) {
                (true, _) => Skip::Dead,
                (_, None) => Skip::Empty,
                _ if kind == TableKind::Nat && known => Skip::Known,
                _ => Skip::Empty,
            };
            let mut s = station(slot, None, Some(skip));
            if let Some(base) = base {
                s.lines = Reader { nf, table, unfolded }.listed(base);
            }
            out.push(s);
        } else if slot == What::Conntrack && !tracked {
            continue;
        } else {
            out.push(station(slot, None, Some(if beyond { Skip::Dead } else { Skip::Empty })));
        }
    }
    out.extend(met);
    out
}

/// Where on the track each station and each of its rules is: a beat's time is shared among what
/// happens in it, a rule each, and one share for what comes of it.
fn place(stations: &mut [Station], schedule: &Schedule, last: u64) {
    let shares = |s: &Station| match s.what {
        _ if s.seq.is_none() || s.skip.is_some() && s.rewrite.is_none() => 0,
        What::Hook(..) => s.lines.iter().filter(|l| asked(l)).count() + 1,
        _ => 1,
    };
    let beat = |s: &Station| s.seq.and_then(|seq| schedule.beat_of_seq(seq));
    let mut i = 0;
    while i < stations.len() {
        let Some(b) = beat(&stations[i]) else {
            i += 1;
            continue;
        };
        let until = (i..stations.len()).take_while(|&k| beat(&stations[k]).is_none_or(|o| o == b)).last();
        let until = until.unwrap_or(i);
        let (start, len) = (schedule.beats[b].start, schedule.beats[b].len);
        // On the wire it is not here yet; what is noted with the end of a journey is its end.
        let group = &mut stations[i..=until];
        let travels = matches!(schedule.beats[b].kind, BeatKind::Travel(_));
        let total: usize = group.iter().map(shares).sum();
        let mut gone = 0;
        for s in group {
            let at = |n: usize| match (travels, s.what) {
                (true, What::Out(..)) => start + 1e-3,
                (true, _) => start + len,
                _ => start + len * n as f64 / total.max(1) as f64,
            };
            s.from = at(gone);
            for line in s.lines.iter_mut().filter(|l| asked(l)) {
                gone += usize::from(s.skip.is_none());
                line.at = at(gone);
            }
            gone += usize::from(shares_of(s) > 0);
            s.to = at(gone);
            if travels && matches!(s.what, What::Out(..)) {
                s.to = start + len;
            }
            if s.dead.is_some() {
                s.to = schedule.beat_of_seq(last).map_or(s.to, |b| s.to.max(schedule.beats[b].end()));
            }
        }
        i = until + 1;
    }
    // What was not asked lies where the next one begins, so that it is passed by on the way.
    let mut next = None;
    for s in stations.iter_mut().rev() {
        if s.seq.is_some() {
            next = Some(s.from);
        } else if let Some(at) = next {
            (s.from, s.to) = (at, at);
        } else {
            (s.from, s.to) = (f64::MAX, f64::MAX);
        }
    }
}

fn shares_of(s: &Station) -> usize {
    usize::from(s.seq.is_some() && (s.skip.is_none() || s.rewrite.is_some()))
}

/// Was this line asked?
pub(super) fn asked(line: &Line) -> bool {
    line.mark != Mark::Unasked
}

/// The rule that decided at this station, if one did.
pub fn decisive(s: &Station) -> Option<&Line> {
    s.lines.iter().rev().find(|l| {
        let decides = matches!(
            l.mark,
            Mark::Matched(
                MatchedTarget::Accept | MatchedTarget::Drop | MatchedTarget::Reject | MatchedTarget::Nat
            )
        );
        decides && matches!(l.kind, LineKind::Rule(_))
    })
}
