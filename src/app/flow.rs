//! Flows: what one typed line set going, as long as something is under way. The timeline shows one.

use super::packets::{self, PacketRow};
use super::playback::{BeatKind, Player, Schedule};
use crate::session::Session;

/// Flows kept; the oldest goes first.
const MAX_FLOWS: usize = 40;
/// Display time by which the World runs ahead of the playhead, in ms.
const AHEAD_MS: f64 = 15_000.0;

/// What one line set going.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    /// Where it was typed.
    pub place: String,
    /// What.
    pub line: String,
    /// What there is to look at.
    pub schedule: Schedule,
    /// The packet list.
    pub rows: Vec<PacketRow>,
}

/// All flows and the playhead.
#[derive(Debug, Clone, Default)]
pub struct Flows {
    /// Oldest first.
    pub all: Vec<Flow>,
    /// Which is shown.
    pub shown: usize,
    /// The playhead over it.
    pub player: Player,
    /// A line was typed; whether there is something to look at will be seen.
    pending: Option<Flow>,
    /// The newest flow still grows.
    open: bool,
}

impl Flows {
    /// The flow shown.
    pub fn current(&self) -> Option<&Flow> {
        self.all.get(self.shown)
    }
    /// Length of the track.
    pub fn len(&self) -> f64 {
        self.current().map_or(0.0, |f| f.schedule.len())
    }
    /// True if nothing was ever sent.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
    /// Is the moment shown the present?
    pub fn is_now(&self) -> bool {
        self.all.is_empty() || (self.shown + 1 == self.all.len() && self.player.pos >= self.len())
    }
    /// The last record of the moment shown; `u64::MAX` for the present.
    pub fn seq(&self) -> u64 {
        match self.current() {
            Some(flow) if !self.is_now() => flow.schedule.seq_at(self.player.pos),
            _ => u64::MAX,
        }
    }
    /// The beat shown.
    pub fn beat(&self) -> Option<usize> {
        self.current()?.schedule.beat_at(self.player.pos)
    }
    /// Is the flow shown the one that still grows?
    pub fn is_growing(&self) -> bool {
        self.open && self.shown + 1 == self.all.len()
    }
    /// To the present.
    pub fn to_now(&mut self) {
        self.shown = self.all.len().saturating_sub(1);
        self.player.pos = self.len();
    }
    /// A line was typed at `place`; its records begin at `first_seq`. While another flow is
    /// still under way it joins that one.
    pub fn begin(&mut self, place: &str, line: &str, first_seq: u64) {
        if self.open && !self.all.is_empty() {
            return;
        }
        self.pending = Some(Flow {
            place: place.to_owned(),
            line: line.to_owned(),
            schedule: Schedule::new(first_seq),
            rows: Vec::new(),
        });
    }
    /// Should the World run on?
    pub fn hungry(&self) -> bool {
        !self.open || self.all.last().is_none_or(|f| f.schedule.len() - self.position_in_last() < AHEAD_MS)
    }
    fn position_in_last(&self) -> f64 {
        if self.shown + 1 == self.all.len() { self.player.pos } else { 0.0 }
    }
    /// Takes in what has happened. `quiet`: nothing is under way any more. True if the shown flow grew.
    pub fn follow(&mut self, session: &Session, quiet: bool) -> bool {
        let log = &session.world.log;
        let mut grew = false;
        if let Some(flow) = &mut self.pending {
            flow.schedule.extend(&session.world);
            // ARP alone (a new container announces itself) does not push the last flow aside.
            let worth = flow.schedule.beats.iter().any(|b| match &b.kind {
                BeatKind::Travel(moves) => moves.iter().any(|m| {
                    let kind = flow.schedule.lives.get(&m.packet).map(|l| l.kind);
                    kind != Some(super::decode::Kind::Arp)
                }),
                BeatKind::Wait { .. } | BeatKind::Arrive { .. } => false,
                BeatKind::Refused { .. } => true,
                _ => b.packet().and_then(|p| flow.schedule.lives.get(&p)).is_some_and(|l| l.by_program),
            });
            let asked = flow.line.trim_start().starts_with("arp") && quiet && !flow.schedule.is_empty();
            if worth || asked {
                let mut flow = self.pending.take().expect("it was just looked at");
                packets::update(&mut flow.rows, &flow.schedule, session, log);
                if self.all.len() == MAX_FLOWS {
                    self.all.remove(0);
                }
                self.all.push(flow);
                self.shown = self.all.len() - 1;
                self.player.pos = 0.0;
                self.player.playing = true;
                self.open = true;
                grew = true;
            } else if quiet {
                self.pending = None;
            }
        } else if self.open
            && let Some(flow) = self.all.last_mut()
            && flow.schedule.extend(&session.world)
        {
            packets::update(&mut flow.rows, &flow.schedule, session, log);
            grew = self.shown + 1 == self.all.len();
        }
        if quiet {
            self.open = false;
        }
        grew
    }
}
