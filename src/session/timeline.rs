//! Moments of the past: snapshots of the session, and re-running from them.
//!
//! ```text
//!  records ──┬────────┬──────────────┬─────▶ live
//!            snapshot edit+snapshot  snapshot
//!                      └─▶ re-run, muted, inputs repeated ─▶ at(seq)
//! ```
//! A re-run repeats what was typed at the same event and the same moment, so it goes through the
//! same states. The sessions of the past have no trace of their own, and their jobs no output:
//! both are read from the live session, up to the record in question.

use super::{JobId, Session, SessionError};
use crate::lang::Lang;
use crate::sim::Progress;
use crate::time::Instant;

/// At most this many snapshots, besides those of edits.
const MAX_SNAPSHOTS: usize = 48;
/// At most this many snapshots of edits; what is older can no longer be seen.
const MAX_EDITS: usize = 200;
/// Records between two new snapshots.
const SPACING: u64 = 2048;
/// Snapshots that a long re-run leaves behind, so that the next steps there are short.
const MAX_LOCAL: usize = 8;

/// What was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Input {
    Exec { place: String, line: String },
    Interrupt(JobId),
}

/// An input, and the point of the run at which it came.
#[derive(Debug, Clone)]
struct Typed {
    /// Events handled before it.
    events: u64,
    /// The clock.
    now: Instant,
    input: Input,
}

/// A state of the past.
#[derive(Debug, Clone)]
struct Moment {
    /// The first record at which this is the state: those from here to `session`'s next record
    /// were noted by the event (or edit) that made it.
    from: u64,
    session: Session,
    /// How many inputs lie before it.
    inputs: usize,
    /// Made after an edit: re-running cannot cross it.
    edit: bool,
}

impl Moment {
    /// The record number after the last one that this state includes.
    fn end(&self) -> u64 {
        self.session.world.log.next_seq()
    }
}

/// A session with its past. All inputs go through here, so that any record's moment can be
/// brought back exactly: the nearest snapshot before it, run again, muted, up to that record.
#[derive(Debug)]
pub struct Timeline {
    live: Session,
    inputs: Vec<Typed>,
    /// By record number. Empty until something happens: so long `live` is the only moment.
    snapshots: Vec<Moment>,
    /// The moment looked at last.
    past: Option<Moment>,
    /// Left behind by long re-runs, by record number.
    local: Vec<Moment>,
}

impl Timeline {
    /// Begins at `session` as it is now.
    pub fn new(session: Session) -> Self {
        Self { live: session, inputs: Vec::new(), snapshots: Vec::new(), past: None, local: Vec::new() }
    }

    /// Keeps the state in which the timeline began. Comes before everything that changes it.
    fn begin(&mut self) {
        if self.snapshots.is_empty() {
            self.snapshot(0, true);
        }
    }

    /// The session now.
    pub fn live(&self) -> &Session {
        &self.live
    }

    /// See [`Session::fork`].
    pub fn fork(&mut self) -> Session {
        self.live.fork()
    }

    /// See [`Session::exec`].
    ///
    /// # Errors
    /// As there.
    pub fn exec(&mut self, place: &str, line: &str) -> Result<JobId, SessionError> {
        self.begin();
        let input = Input::Exec { place: place.to_owned(), line: line.to_owned() };
        let typed = self.typed(input);
        let job = self.live.exec(place, line)?;
        self.inputs.push(typed);
        Ok(job)
    }

    /// See [`Session::interrupt`].
    pub fn interrupt(&mut self, job: JobId) {
        self.begin();
        let typed = self.typed(Input::Interrupt(job));
        self.inputs.push(typed);
        self.live.interrupt(job);
    }

    fn typed(&self, input: Input) -> Typed {
        Typed { events: self.live.world.events_handled(), now: self.live.world.now(), input }
    }

    /// See [`Session::run`].
    pub fn run(&mut self, until: Instant, max_events: u64) -> Progress {
        self.begin();
        let progress = self.live.run(until, max_events);
        self.snapshot_if_due();
        progress
    }

    /// See [`Session::run_through`].
    pub fn run_through(&mut self, until: Instant, max_events: u64) -> Progress {
        self.begin();
        let progress = self.live.run_through(until, max_events);
        self.snapshot_if_due();
        progress
    }

    fn snapshot_if_due(&mut self) {
        let last = self.snapshots.last().map_or(0, Moment::end);
        let next = self.live.world.log.next_seq();
        if next.saturating_sub(last) >= SPACING {
            self.snapshot(next, false);
        }
    }

    /// An edit of the running session (new node, router settings …) as a closure over it; it is
    /// followed by a snapshot, so that re-running never has to repeat it.
    pub fn edit<R>(&mut self, f: impl FnOnce(&mut Session) -> R) -> R {
        self.begin();
        let from = self.live.world.log.next_seq();
        let result = f(&mut self.live);
        self.snapshot(from, true);
        result
    }

    /// The language of `help` and of suggestions.
    pub fn set_language(&mut self, lang: Lang) {
        if self.snapshots.is_empty() {
            self.live.lang = lang;
        } else if self.live.lang != lang {
            self.edit(|s| s.lang = lang);
        }
    }

    /// The oldest record whose moment can be brought back.
    pub fn first_seq(&self) -> u64 {
        self.snapshots.first().map_or(0, |s| s.from)
    }

    /// The session as it was just after record `seq` (with the rest of that record's event).
    /// Cached; stepping to a neighbouring record is cheap. A record before
    /// [`Timeline::first_seq`] gives the oldest moment there is.
    ///
    /// The trace and the jobs' output are the live session's: filter those by record number.
    pub fn at(&mut self, seq: u64) -> &Session {
        if seq.saturating_add(1) >= self.live.world.log.next_seq() {
            return &self.live;
        }
        self.begin();
        let covers = self.past.as_ref().is_some_and(|p| p.from <= seq && seq < p.end());
        if !covers {
            let moment = self.rerun(seq);
            self.past = Some(moment);
        }
        &self.past.as_ref().expect("just set").session
    }

    /// The state that covers `seq`.
    fn rerun(&mut self, seq: u64) -> Moment {
        // Nearest state at or before the record, of all that are kept. After an edit nothing
        // older will do, which the search heeds since every edit has its snapshot.
        let kept = self.snapshots.iter().chain(&self.local);
        let best = kept.filter(|m| m.from <= seq).max_by_key(|m| (m.from, m.end()));
        let past = self.past.take().filter(|p| p.from <= seq && best.is_none_or(|b| p.from > b.from));
        let mut moment = match (past, best) {
            (Some(past), _) => past,
            (None, Some(best)) => best.clone(),
            (None, None) => self.snapshots.first().expect("there is always one").clone(),
        };
        let distance = seq.saturating_sub(moment.end());
        let gap = (distance / MAX_LOCAL as u64).max(SPACING / 4);
        let mut leave = moment.end() + gap;
        if distance > SPACING {
            self.local.clear();
        }
        while moment.end() <= seq && self.forward(&mut moment) {
            if distance > SPACING / 2 && moment.end() >= leave && moment.end() <= seq {
                leave = moment.end() + gap;
                if self.local.len() >= MAX_LOCAL {
                    self.local.remove(0);
                }
                self.local.push(moment.clone());
            }
        }
        moment
    }

    /// Goes on by one event or one input. False if there is nothing more to do.
    fn forward(&self, moment: &mut Moment) -> bool {
        let from = moment.end();
        let session = &mut moment.session;
        let events = session.world.events_handled();
        match self.inputs.get(moment.inputs) {
            Some(typed) if typed.events <= events => {
                if session.world.now() < typed.now {
                    // The clock went on without an event.
                    session.run_through(typed.now, 0);
                }
                moment.inputs += 1;
                match &typed.input {
                    Input::Exec { place, line } => {
                        // It was accepted then, and this is the same state.
                        let _ = session.exec(place, line);
                    }
                    Input::Interrupt(job) => session.interrupt(*job),
                }
            }
            _ => {
                // Never past the time of the next input: where the queue runs empty, the clock goes on.
                let next = self.inputs.get(moment.inputs).map(|t| t.now);
                session.run_through(next.unwrap_or(self.live.world.now()), 1);
                if session.world.events_handled() == events {
                    return false;
                }
            }
        }
        drop_output(session);
        if moment.session.world.log.next_seq() > from {
            moment.from = from;
        }
        true
    }

    /// Keeps the present state.
    fn snapshot(&mut self, from: u64, edit: bool) {
        let session = muted_copy(&mut self.live);
        let inputs = self.inputs.len();
        self.snapshots.push(Moment { from, session, inputs, edit });
        self.thin();
    }

    /// Drops snapshots where they stand closest for their age: the distance between neighbours
    /// grows with the way back, geometrically.
    fn thin(&mut self) {
        while self.snapshots.iter().filter(|s| !s.edit).count() > MAX_SNAPSHOTS {
            let now = self.live.world.log.next_seq();
            let worth = |i: usize| {
                let (before, after) = (self.snapshots[i - 1].end(), self.snapshots[i + 1].end());
                // The gap that dropping it would leave, in units of its age.
                (after - before).saturating_mul(1024) / (now - before + 1)
            };
            let middle = 1..self.snapshots.len() - 1;
            let Some(least) = middle.filter(|i| !self.snapshots[*i].edit).min_by_key(|i| worth(*i)) else {
                break;
            };
            self.snapshots.remove(least);
        }
        // What lies before the oldest edit that is kept cannot be re-run any more.
        while self.snapshots.iter().filter(|s| s.edit).count() > MAX_EDITS {
            let second = self.snapshots.iter().skip(1).position(|s| s.edit).map_or(1, |i| i + 1);
            self.snapshots.drain(..second);
            let first = self.snapshots.first().map_or(0, |s| s.inputs);
            self.inputs.drain(..first);
            for moment in self.snapshots.iter_mut().chain(&mut self.local).chain(&mut self.past) {
                moment.inputs = moment.inputs.saturating_sub(first);
            }
        }
    }
}

impl Session {
    /// A copy to try something in: it has the state, not the trace nor what was printed so far.
    /// The session itself is as before.
    pub fn fork(&mut self) -> Self {
        muted_copy(self)
    }
}

/// A copy without trace and output.
pub(super) fn muted_copy(live: &mut Session) -> Session {
    let twin = live.world.log.muted_twin();
    let log = std::mem::replace(&mut live.world.log, twin);
    let outputs: Vec<_> = live.jobs.iter_mut().map(|j| std::mem::take(&mut j.output)).collect();
    let copy = live.clone();
    live.world.log = log;
    for (job, output) in live.jobs.iter_mut().zip(outputs) {
        job.output = output;
    }
    copy
}

/// What a re-run prints is not kept.
fn drop_output(session: &mut Session) {
    for job in session.jobs.iter_mut().rev().take(64) {
        job.output = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::pair;
    use super::*;
    use crate::time::Duration;
    use proptest::prelude::*;

    /// All that can be seen of a state, at `now`: the clock may have gone on since its last event.
    fn state(s: &Session, now: Instant) -> String {
        let mut text = format!("{}\n", s.world.log.next_seq());
        for ns in s.world.namespaces() {
            text += &format!("{:?}\n{:?}\n{:?}\n", ns.neighbours(now), ns.routes(), ns.rules());
            text += &ns.nf.ct.iter().map(|e| e.line(now) + "\n").collect::<String>();
            text += &format!("{:?}\n", ns.sockets());
        }
        for job in s.jobs() {
            text += &format!("{} {:?} {:?}\n", job.line, job.exit, job.mutations);
        }
        for p in s.world.processes() {
            text += &format!("{:?} {}\n", p.pid, p.name);
        }
        text
    }

    /// The time of the newest record before `next`.
    fn time_before(t: &Timeline, next: u64) -> Instant {
        next.checked_sub(1).and_then(|seq| t.live().world.log.get(seq)).map_or(Instant::ZERO, |r| r.at)
    }

    /// The state at a record, from the timeline.
    fn moment(t: &mut Timeline, seq: u64) -> String {
        let next = t.at(seq).world.log.next_seq();
        let now = time_before(t, next);
        state(t.at(seq), now)
    }

    /// A session that was played event by event, and the state after each event that noted
    /// something, by the record number after it.
    fn played(lines: &[(&str, u64)]) -> (Timeline, Vec<(u64, String)>) {
        let mut t = Timeline::new(pair());
        let mut states: Vec<(u64, String)> = Vec::new();
        let note = |t: &Timeline, states: &mut Vec<(u64, String)>| {
            let next = t.live().world.log.next_seq();
            // Events that note nothing belong to the moment before.
            if states.last().is_none_or(|(seq, _)| *seq != next) {
                states.push((next, state(t.live(), time_before(t, next))));
            }
        };
        note(&t, &mut states);
        for (line, wait_ms) in lines {
            let until = t.live().world.now() + Duration::from_millis(*wait_ms);
            t.exec("a", line).unwrap();
            note(&t, &mut states);
            loop {
                let handled = t.live().world.events_handled();
                t.run_through(until, 1);
                if t.live().world.events_handled() == handled {
                    break;
                }
                note(&t, &mut states);
            }
        }
        (t, states)
    }

    const LINES: &[(&str, u64)] = &[
        ("ping -c 2 10.0.0.2", 1_500),
        ("ip addr add 10.9.0.1/24 dev eth0; ip neigh", 10),
        ("ping -c 1 -W 1 10.0.0.77 & sleep 0.3; echo done | cat", 4_000),
        ("ping 10.0.0.2", 2_200),
    ];

    /// The state in which record `seq` was the newest: the first that includes it.
    fn expected(states: &[(u64, String)], seq: u64) -> &str {
        &states.iter().find(|(next, _)| *next > seq).expect("the record exists").1
    }

    #[test]
    fn every_moment_of_the_past_is_the_one_that_was() {
        let (mut t, states) = played(LINES);
        let end = t.live().world.log.next_seq();
        for seq in (0..end).chain((0..end).rev()) {
            assert_eq!(moment(&mut t, seq), expected(&states, seq), "record {seq}");
        }
    }

    #[test]
    fn looking_at_the_past_leaves_the_present_alone() {
        let (mut t, _) = played(LINES);
        let now = t.live().world.now();
        let before = state(t.live(), now);
        let records = t.live().world.log.iter_from(0).count();
        t.at(3);
        assert_eq!(state(t.live(), now), before);
        assert_eq!(t.live().world.log.iter_from(0).count(), records);
        assert!(t.live().jobs().iter().any(|j| !j.output.is_empty()));
    }

    #[test]
    fn an_edit_is_seen_from_its_first_record_on() {
        let (mut t, _) = played(&LINES[..1]);
        let first = t.live().world.log.next_seq();
        t.edit(|s| s.remove_link("a", "eth0".parse().unwrap())).unwrap();
        t.exec("a", "ping -c 1 -W 1 10.0.0.2").unwrap();
        t.run(Instant::FAR_FUTURE, 10_000);
        assert_eq!(t.at(first - 1).world.links().count(), 1);
        assert_eq!(t.at(first).world.links().count(), 0);
        assert_eq!(t.at(first + 3).world.links().count(), 0);
    }

    #[test]
    fn interrupts_happen_again_at_their_moment() {
        let mut t = Timeline::new(pair());
        let job = t.exec("a", "ping 10.0.0.2").unwrap();
        t.run(Instant::ZERO + Duration::from_millis(1_700), 10_000);
        t.interrupt(job);
        let interrupted = t.live().world.log.next_seq();
        t.exec("a", "ping -c 1 10.0.0.2").unwrap();
        t.run(Instant::FAR_FUTURE, 10_000);
        let past = t.at(interrupted);
        assert_eq!(past.job(job).unwrap().exit, Some(0));
        let past = t.at(interrupted - 5);
        assert_eq!(past.job(job).unwrap().exit, None);
    }

    #[test]
    fn memory_is_bounded_and_old_moments_stay_reachable() {
        let mut t = Timeline::new(pair());
        t.exec("a", "ping -i 0.002 10.0.0.2").unwrap();
        let (mut marks, mut second) = (Vec::new(), 0);
        while t.live().world.log.next_seq() < 150 * SPACING && second < 1_000 {
            second += 1;
            t.run(Instant::ZERO + Duration::from_secs(second), 1_000_000);
            marks.push((t.live().world.log.next_seq() - 1, t.live().world.now()));
        }
        assert!(t.snapshots.len() <= MAX_SNAPSHOTS + 1, "{}", t.snapshots.len());
        for (seq, at) in marks.into_iter().step_by(97) {
            let past = t.at(seq);
            assert!(past.world.log.next_seq() > seq && past.world.now() <= at);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
        #[test]
        fn moments_do_not_depend_on_the_way_one_comes_to_them(
            order in proptest::collection::vec(0u64..10_000, 1..12)
        ) {
            let (mut t, states) = played(LINES);
            let span = states.last().expect("played").0;
            for n in order {
                let seq = n % span;
                prop_assert_eq!(moment(&mut t, seq), expected(&states, seq));
            }
        }
    }
}
