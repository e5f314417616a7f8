//! The walk through the firewall: one packet's way through the kernel of one place, hook by hook
//! and rule by rule, at the moment shown.
//!
//! ```text
//!  trace ──pass──▶ stations with their rules, placed on the track   (kept until another packet comes)
//!            └──────▶ view: what is done, what is now, counters      (at every moment)
//! ```
//! Which rule matched is the trace's word ([`walk`]). A run through the kernel is one event of the
//! World, so the state at a moment holds all of it; what lies beyond the moment is taken off again
//! by the trace (counters) or left out (the connection that is not confirmed yet).

pub mod edits;
mod ends;
mod pass;
mod say;
#[cfg(test)]
mod tests;
mod view;
pub mod walk;
mod words;

pub use ends::{Part, PartKind};
pub use pass::{Skip, Way, What};
pub use view::{LineView, PillView, Progress, RouteRow, StationView, View};

use super::decode::{Decoded, Kind, decode};
use super::playback::{BeatKind, Schedule};
use super::{Action, App};
use crate::netfilter::{NfStep, RuleId, TableKind};
use crate::session::{JobId, Session};
use crate::stack::{NsId, Step};
use crate::wire::PacketId;
use pass::Pass;
use walk::Unfolded;

/// What the reader does in the walk.
#[derive(Debug, Clone, PartialEq)]
pub enum FirewallAct {
    /// Go inside: `NODE` or `NODE:CONTAINER`.
    Open(String),
    /// Back to the street.
    Close,
    /// Shows the rules that a line stands for: chain, number of the first.
    Unfold(String, usize),
    /// A rule is looked at closer.
    Choose(Option<Chosen>),
    /// Runs a line here, and if asked to, sends the same packet again afterwards.
    Run {
        /// The line.
        line: String,
        /// And then.
        again: bool,
    },
    /// Sends the same packet again.
    Again,
    /// To where the packet that is awaited comes in.
    GoTo,
    /// Runs another line somewhere: the same request from elsewhere.
    From {
        /// Where.
        place: String,
        /// What.
        line: String,
    },
}

/// The rule that is looked at closer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Table.
    pub table: TableKind,
    /// Chain.
    pub chain: String,
    /// Which.
    pub rule: RuleId,
    /// Its number when it was chosen.
    pub number: usize,
    /// As typed, without `-A CHAIN`.
    pub full: String,
    /// It is switched off: no longer in its chain.
    pub off: bool,
}

/// The walk, while it is open.
#[derive(Debug, Default)]
pub struct Firewall {
    /// Where; None: the street is shown.
    pub place: Option<String>,
    /// The rule looked at closer.
    pub chosen: Option<Chosen>,
    unfolded: Unfolded,
    kept: Option<Kept>,
    /// After this line comes that one: (job, place, line).
    then: Option<(JobId, String, String)>,
    /// A packet was sent from here: show it as soon as it comes in.
    awaited: bool,
}

/// A pass that was read, with what it was read from.
#[derive(Debug)]
struct Kept {
    key: (u64, PacketId, NsId, u64, usize),
    pass: Pass,
    /// The frame as it came in (or left).
    read: Option<Decoded>,
    ends: ends::Ends,
    /// The youngest rule there was then.
    newest: RuleId,
}

/// Which packet's way through `ns` is shown at beat `i`: the one that is looked at, if it comes
/// through here at some time; else the last that did, else the next that will.
fn packet_at(schedule: &Schedule, ns: NsId, i: usize, log: &crate::stack::StepLog) -> Option<PacketId> {
    let here = |k: &usize| {
        let beat = &schedule.beats[*k];
        let id = match &beat.kind {
            BeatKind::Travel(moves) => moves.iter().find(|m| m.from.ns == ns || m.to.ns == ns)?.packet,
            BeatKind::Hook { packet, ns: n, .. }
            | BeatKind::Arrive { packet, ns: n }
            | BeatKind::Drop { packet, ns: n, .. }
            | BeatKind::Held { packet, ns: n }
            | BeatKind::Envelope { packet, ns: n, .. }
                if *n == ns =>
            {
                *packet
            }
            _ => return None,
        };
        let arp = schedule.lives.get(&id).is_none_or(|l| l.kind == Kind::Arp);
        (!arp).then_some(id)
    };
    let passes = |id: &PacketId| pass::find(log, schedule, *id, ns).is_some();
    let current = schedule.beats.get(i)?.packets();
    let arp = |id: &PacketId| schedule.lives.get(id).is_some_and(|l| l.kind == Kind::Arp);
    if let Some(id) = current.iter().find(|id| !arp(id) && passes(id)) {
        return Some(*id);
    }
    let before = (0..=i).rev().filter_map(|k| here(&k)).find(passes);
    before.or_else(|| (i + 1..schedule.beats.len()).filter_map(|k| here(&k)).find(passes))
}

impl App {
    /// Does what the reader asks of the walk.
    pub(super) fn walk(&mut self, act: FirewallAct) {
        match act {
            FirewallAct::Open(place) => {
                if self.timeline.live().place(&place).is_err() {
                    return;
                }
                self.terminals.go(&place);
                self.firewall = Firewall { place: Some(place), ..Firewall::default() };
            }
            FirewallAct::Close => self.firewall = Firewall::default(),
            FirewallAct::Unfold(chain, number) => {
                if !self.firewall.unfolded.remove(&(chain.clone(), number)) {
                    self.firewall.unfolded.insert((chain, number));
                }
            }
            FirewallAct::Choose(chosen) => self.firewall.chosen = chosen.map(|c| self.as_it_is_now(c)),
            FirewallAct::Run { line, again } => {
                let Some(place) = self.firewall.place.clone() else { return };
                let then = self.same_again().filter(|_| again);
                self.firewall.chosen = None;
                let Some(job) = self.type_line(&place, &line) else { return };
                self.watched.push(job);
                self.firewall.then = then.map(|(place, line)| (job, place, line));
            }
            FirewallAct::Again => {
                if let Some((place, line)) = self.same_again() {
                    self.firewall.awaited = true;
                    self.type_line(&place, &line);
                }
            }
            FirewallAct::GoTo => {
                let first = self
                    .firewall
                    .kept
                    .as_ref()
                    .and_then(|k| k.pass.stations.iter().find(|s| s.seq.is_some()));
                if let Some(at) = first.map(|s| s.from) {
                    (self.flows.player.pos, self.flows.player.playing) = (at, false);
                }
            }
            FirewallAct::From { place, line } => {
                self.firewall.awaited = true;
                self.type_line(&place, &line);
            }
        }
    }

    /// Rules have moved since, perhaps: its number is the one that a command now needs.
    fn as_it_is_now(&self, mut chosen: Chosen) -> Chosen {
        let live = self.timeline.live();
        let machine = self.firewall.place.as_ref().and_then(|p| live.place(p).ok());
        let ns = machine.and_then(|m| live.world.machine(m)).and_then(|m| live.world.namespace(m.ns));
        let number = ns.and_then(|ns| edits::number(&ns.nf, chosen.table, &chosen.chain, chosen.rule));
        chosen.off = number.is_none();
        chosen.number = number.unwrap_or(chosen.number);
        chosen
    }

    /// Goes inside the container or host under a pixel. False if there is none.
    pub(super) fn zoom_inside(&mut self, pixel: (f64, f64)) -> bool {
        let at = self.camera.to_canvas(pixel);
        // The one that is painted last lies on top.
        let node = self.shown.scene.nodes.iter().rfind(|n| n.rect.contains(at));
        let place = node.map(|n| {
            let container = n.containers.iter().find(|c| c.running && c.rect.contains(at));
            container.map_or_else(|| n.id.clone(), |c| c.place.clone())
        });
        if let Some(place) = place {
            self.walk(FirewallAct::Open(place));
        }
        self.firewall.place.is_some()
    }

    /// What sent the packets that are shown.
    fn same_again(&self) -> Option<(String, String)> {
        self.flows.current().map(|f| (f.place.clone(), f.line.clone()))
    }

    /// A line is done: did another wait for it?
    pub(super) fn walk_job_ended(&mut self, id: JobId, good: bool) {
        let Some((job, place, line)) = self.firewall.then.take() else { return };
        if job != id {
            self.firewall.then = Some((job, place, line));
        } else if good {
            self.firewall.awaited = true;
            self.type_line(&place, &line);
        }
    }

    /// What was awaited has come: the playhead goes there. Who is away is no longer looked at.
    pub(super) fn walk_follow(&mut self) {
        let Some(place) = self.firewall.place.clone() else { return };
        let Ok(machine) = self.timeline.live().place(&place) else {
            self.firewall = Firewall::default();
            return;
        };
        let Some(ns) = self.timeline.live().world.machine(machine).map(|m| m.ns) else { return };
        if !self.firewall.awaited || !self.flows.is_growing() {
            return;
        }
        let Some(flow) = self.flows.current() else { return };
        let at = |b: &super::playback::Beat| match b.kind {
            BeatKind::Hook { ns: n, packet, .. } if n == ns => Some((b.start, packet)),
            _ => None,
        };
        if let Some((start, _)) = flow.schedule.beats.iter().find_map(at) {
            self.firewall.awaited = false;
            self.flows.player.pos = self.flows.player.pos.max(start);
        }
    }

    /// Where the next thing happens inside, after (or before) the playhead; None where the
    /// timeline's own step is the next one.
    pub(super) fn walk_stop(&self, forward: bool) -> Option<f64> {
        self.firewall.place.as_ref()?;
        let kept = self.firewall.kept.as_ref()?;
        let pos = self.flows.player.pos;
        let stations = kept.pass.stations.iter().filter(|s| s.seq.is_some());
        let stops = stations.flat_map(|s| {
            let lines = s.lines.iter().filter(|l| pass::asked(l)).map(|l| l.at);
            lines.chain([s.to])
        });
        let stops = stops.filter(|at| at.is_finite() && *at > 0.0 && *at < f64::MAX);
        // Never past what happens elsewhere meanwhile.
        let schedule = &self.flows.current()?.schedule;
        let mut player = self.flows.player;
        if forward {
            player.step(schedule);
            stops.filter(|at| *at > pos + 1e-6 && *at < player.pos).min_by(f64::total_cmp)
        } else {
            player.back(schedule);
            stops.filter(|at| *at < pos - 1e-6 && *at > player.pos).max_by(f64::total_cmp)
        }
    }

    /// How much slower time goes while a packet is inside, so that rules can be read.
    pub(super) fn walk_pace(&self) -> f64 {
        let (Some(kept), Some(_)) = (&self.firewall.kept, &self.firewall.place) else { return 1.0 };
        let pos = self.flows.player.pos;
        let here = kept.pass.stations.iter().find(|s| s.seq.is_some() && s.from <= pos && pos < s.to);
        let Some(s) = here else { return 1.0 };
        let shares = s.lines.iter().filter(|l| pass::asked(l)).count() + 1;
        ((s.to - s.from) / (shares as f64 * STOP_MS)).clamp(0.02, 1.0)
    }

    /// The walk at the moment shown; None while the street is.
    pub fn firewall_view(&mut self) -> Option<View> {
        let place = self.firewall.place.clone()?;
        let live = self.timeline.live();
        let ns = live.world.machine(live.place(&place).ok()?)?.ns;
        let seq = self.flows.seq();
        self.read_pass(ns);
        let (beat, flow) = (self.flows.beat(), self.flows.current());
        let moment = view::Moment {
            seq,
            pos: if flow.is_some() { self.flows.player.pos } else { 0.0 },
            current: flow.zip(beat).is_some_and(|(f, i)| {
                let kept = self.firewall.kept.as_ref().map(|k| k.pass.packet);
                kept.is_some_and(|id| f.schedule.beats[i].packets().contains(&id))
            }),
            at: flow.zip(beat).map(|(f, i)| {
                let first = f.schedule.beats[0].at;
                f.schedule.beats[i].at.since(first).as_millis_f64()
            }),
            flow: flow.map(|f| (f.place.clone(), f.line.clone())),
            lang: self.settings.lang,
        };
        let what_ifs = edits::what_ifs(self, &place);
        // A run through the kernel is one event: what lies beyond the moment is taken off again.
        let next = if seq == u64::MAX { 0 } else { self.timeline.at(seq).world.log.next_seq() };
        let beyond = matches_between(self.timeline.live(), ns, seq, next);
        let state = if seq == u64::MAX { self.timeline.live() } else { self.timeline.at(seq) };
        let mut view = view::view(&place, ns, state, (next, &beyond), &moment, &self.firewall)?;
        view.what_ifs = what_ifs;
        Some(view)
    }

    /// Reads the pass that is to be shown, unless it is the one that was read last.
    fn read_pass(&mut self, ns: NsId) {
        let Some((flow, beat)) = self.flows.current().zip(self.flows.beat().or(Some(0))) else {
            self.firewall.kept = None;
            return;
        };
        let live = self.timeline.live();
        let log = &live.world.log;
        let found = packet_at(&flow.schedule, ns, beat, log);
        let trace = found.and_then(|id| pass::find(log, &flow.schedule, id, ns));
        let Some(trace) = trace else {
            self.firewall.kept = None;
            return;
        };
        let last = trace.last_seq();
        // The last beat may still grow, and with it what is placed in it.
        let grown = flow.schedule.beat_of_seq(last).map_or(0, |b| flow.schedule.beats[b].end().to_bits());
        let key = (flow.schedule.first_seq(), trace.packet, ns, last ^ grown, self.firewall.unfolded.len());
        if self.firewall.kept.as_ref().is_some_and(|k| k.key == key) {
            return;
        }
        let read = trace.frame(&flow.schedule).and_then(|seq| decode(&log.bytes(seq)));
        let then = self.timeline.at(last);
        self.firewall.kept = then.world.namespace(ns).map(|state| {
            let ends = ends::ends(then, state, &trace);
            let pass = pass::read(trace, &flow.schedule, state, &self.firewall.unfolded);
            Kept { key, ends, newest: newest(state), pass, read }
        });
    }

    /// True for Escape: it leads from the walk back to the street.
    pub fn escapes_walk(&self) -> Option<Action> {
        self.firewall.place.as_ref()?;
        let act = if self.firewall.chosen.is_some() { FirewallAct::Choose(None) } else { FirewallAct::Close };
        Some(Action::Firewall(act))
    }
}

/// The rules of `ns` that matched after record `seq` and before record `next`.
fn matches_between(live: &Session, ns: NsId, seq: u64, next: u64) -> Vec<(u64, RuleId)> {
    if seq.saturating_add(1) >= next {
        return Vec::new();
    }
    let records = live.world.log.iter_from(seq + 1).take_while(|(s, _)| *s < next);
    let matched = records.filter(|(_, r)| r.ns == ns).filter_map(|(s, r)| match r.step {
        Step::Nf(NfStep::Matched { rule, .. }) => Some((s, rule)),
        _ => None,
    });
    matched.collect()
}

/// How long a rule is looked at while time plays, in ms at speed 1.
const STOP_MS: f64 = 420.0;

fn newest(state: &crate::stack::NetNs) -> RuleId {
    let chains = TableKind::ALL.into_iter().flat_map(|k| state.nf.table(k).chains());
    chains.flat_map(|c| &c.rules).map(|r| r.id).max().unwrap_or(RuleId(0))
}
