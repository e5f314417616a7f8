//! The event loop.

use super::link::Plug;
use super::queue::{Arrival, First, What};
use super::{Link, World};
use crate::guest::Effect;
use crate::stack::{Cx, DevRef, DropReason, NsId, Output, Pid, Step, TimerKind};
use crate::time::Instant;
use crate::wire::{Frame, IfIndex};

/// Frames that may be under way on links at once. A storm of broadcasts ends here.
const MAX_FRAMES: u64 = 100_000;

/// What the World tells those above.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A program printed, or asked for something.
    Effect(Pid, Effect),
    /// A program ended; and what it has left unread of its stdin.
    Exited(Pid, i32, String),
    /// A program went into the background; whoever waits for it gets this status.
    Detached(Pid, i32),
    /// A call that was asked for ([`World::call_at`]) is due.
    Due(u32),
}

/// Why [`World::run`] came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is under way but housekeeping: no foreground process, no frame. Also when a
    /// foreground process waits for something that no event will bring.
    Quiet,
    /// The time limit was reached.
    Time,
    /// The event budget was used up; there is more to do.
    Budget,
    /// There are [`Event`]s to take ([`World::take_events`]) that those above must see first.
    Events,
}

impl World {
    /// Runs until `until`, or `max_events` were handled, or it is quiet, or there are events to take.
    pub fn run(&mut self, until: Instant, max_events: u64) -> Progress {
        self.run_while(until, max_events, true)
    }

    /// As [`World::run`], but housekeeping goes on too: it never stops for quiet before `until`.
    pub fn run_through(&mut self, until: Instant, max_events: u64) -> Progress {
        self.run_while(until, max_events, false)
    }

    fn run_while(&mut self, until: Instant, max_events: u64, stop_when_quiet: bool) -> Progress {
        let mut left = max_events;
        loop {
            if !self.events.is_empty() {
                return Progress::Events;
            }
            if stop_when_quiet && self.is_quiet() {
                return Progress::Quiet;
            }
            let first = match self.queue.first() {
                Some(first) if first.at <= until => first,
                None if stop_when_quiet => return Progress::Quiet,
                _ => {
                    self.now = self.now.max(until);
                    return Progress::Time;
                }
            };
            if left == 0 {
                return Progress::Budget;
            }
            left -= 1;
            self.step(first);
        }
    }

    /// Has [`Event::Due`] come at `at`, for whoever is above and has no process to wait with.
    /// `foreground`: somebody waits for it, so the World is not quiet before.
    pub fn call_at(&mut self, at: Instant, token: u32, foreground: bool) {
        self.foreground += usize::from(foreground);
        self.queue.push(at.max(self.now), What::Call { token, foreground });
    }

    /// True if nothing is under way but housekeeping.
    pub fn is_quiet(&self) -> bool {
        self.foreground == 0 && self.in_flight() == 0
    }

    /// True if everybody in the foreground only listens, without an alarm or a connection of their own under
    /// way: then who looks on need not be hurried to the next renewal of somebody's lease.
    pub fn only_listens(&self) -> bool {
        let awaited = |what: &What| {
            matches!(
                what,
                What::Timer { kind: TimerKind::Tcp { .. }, .. } | What::Call { foreground: true, .. }
            )
        };
        self.foreground > 0
            && self.in_flight() == 0
            && self.processes().all(|p| !(p.foreground || p.busy) || p.alarm.is_none())
            && !self.queue.all().any(awaited)
    }

    /// When something happens next, if anything is to.
    pub fn next_at(&self) -> Option<Instant> {
        self.queue.first().map(|first| first.at)
    }

    /// Handles the next event.
    fn step(&mut self, first: First) {
        self.now = self.now.max(first.at);
        self.events_handled += 1;
        // frames go a way of their own: whatever else may happen would be in the way of their bytes
        match first.lane {
            Some(lane) => {
                if let Some(arrival) = self.queue.take_frame(lane) {
                    self.arrive(arrival);
                }
            }
            None => {
                if let Some(what) = self.queue.take() {
                    self.happen(what);
                }
            }
        }
        // A program takes a moment to get going: what arrives at this very moment is there by then, so who is
        // sent some data and the end of it in one go reads both (and does not close first).
        if !self.ready.is_empty()
            && self.queue.first().is_none_or(|next| next.at > self.now || self.is_late(next))
        {
            self.settle();
        }
    }

    /// A TCP timer stands in the kernel's timer wheel, whose slots make it late by up to an eighth of its time
    /// (kernel/time/timer.c); a program's own alarm is exact (hrtimers). Where both are due at one moment,
    /// the program has been first: who gives up after so many seconds does not see one more retransmission.
    fn is_late(&self, next: First) -> bool {
        next.lane.is_none() && self.queue.first_is_tcp_timer()
    }

    fn happen(&mut self, what: What) {
        match what {
            What::Arrive(arrival) => self.arrive_rarely(arrival),
            What::Timer { ns, kind } => {
                self.with_raw(ns, |ns, cx| ns.on_timer(kind, cx));
            }
            What::Alarm { pid } => self.alarm_due(pid),
            What::Call { token, foreground } => {
                self.foreground -= usize::from(foreground);
                self.events.push(Event::Due(token));
            }
        }
    }

    #[cold]
    fn arrive_rarely(&mut self, arrival: Arrival) {
        self.arrive(arrival);
    }

    #[inline(always)]
    fn arrive(&mut self, Arrival { to, link, frame }: Arrival) {
        self.frames -= 1;
        let Some(link) = link else {
            self.handed -= 1;
            self.log.at(self.now, to.ns);
            return self.handed(to, frame);
        };
        // A cable that was pulled out (and perhaps plugged in elsewhere) delivers nothing more.
        let cabled = self.plug_of(to).is_some_and(|p| p.link == link);
        let on_air = !self.air.is_empty() && self.on_air(to, link);
        if !cabled && !on_air {
            let exists = self.namespace(to.ns).is_some();
            let reason = if exists { DropReason::LinkDown } else { DropReason::NamespaceGone };
            self.log.at(self.now, to.ns);
            self.log.packet(frame.id, Step::Dropped { dev: Some(to.dev), reason });
            return;
        }
        if on_air {
            self.log.at(self.now, to.ns);
            if let Some(heard) = self.heard_from_station(to, link, frame) {
                self.with_raw(to.ns, |ns, cx| ns.receive(to.dev, heard, cx));
            }
            return;
        }
        self.with_inline(to.ns, |ns, cx| ns.receive(to.dev, frame, cx));
    }

    /// Calls `f` on a namespace and carries out what it puts out, without polling anybody yet.
    pub(super) fn with_raw<R>(
        &mut self,
        id: NsId,
        f: impl FnOnce(&mut crate::stack::NetNs, &mut Cx<'_>) -> R,
    ) -> Option<R> {
        self.with_inline(id, f)
    }

    #[inline(always)]
    fn with_inline<R>(
        &mut self,
        id: NsId,
        f: impl FnOnce(&mut crate::stack::NetNs, &mut Cx<'_>) -> R,
    ) -> Option<R> {
        let ns = self.namespaces.get_mut(id.0 as usize)?.as_mut()?;
        self.log.at(self.now, id);
        let mut cx = Cx { now: self.now, log: &mut self.log, out: &mut self.out, ids: &mut self.ids };
        let held = ns.held();
        let result = f(ns, &mut cx);
        self.held = self.held + ns.held() - held;
        self.carry_out(id);
        Some(result)
    }

    /// Polls whoever is ready, until nobody is. Local traffic goes through the queue (`lo`), so
    /// two processes cannot keep each other busy within one event.
    pub(super) fn settle(&mut self) {
        while let Some(pid) = self.ready.pop_front() {
            self.poll_process(pid);
        }
    }

    /// Does what the namespace `from` asked for.
    #[inline(never)]
    pub(super) fn carry_out(&mut self, from: NsId) {
        // mostly it is one thing; a frame is taken from where it lies
        match self.out.as_mut_slice() {
            [] => {}
            [Output::Transmit { dev, frame }] => {
                let (dev, frame) = (*dev, std::mem::take(frame));
                // what is left there owns nothing
                std::mem::forget(self.out.pop());
                self.transmit(DevRef { ns: from, dev }, frame);
            }
            _ => self.carry_out_all(from),
        }
    }

    #[inline(never)]
    fn carry_out_all(&mut self, from: NsId) {
        let mut out = std::mem::take(&mut self.out);
        for output in out.drain(..) {
            self.carry_out_one(from, output);
        }
        // Keeps the allocation for the next event. (Carrying out may have put out more and carried that
        // out as well, so nothing is lost.)
        self.out = out;
    }

    #[inline]
    fn carry_out_one(&mut self, from: NsId, output: Output) {
        match output {
            Output::Transmit { dev, frame } => self.transmit_beside(DevRef { ns: from, dev }, frame),
            Output::Wake { pid, .. } => self.make_ready(pid),
            Output::Timer { at, kind } => {
                self.queue.push(at.max(self.now), What::Timer { ns: from, kind });
            }
            Output::Admin { dev } => {
                self.refresh_carrier(DevRef { ns: from, dev });
                self.refresh_uppers(DevRef { ns: from, dev });
            }
            Output::Beyond(what) => self.beyond(from, *what),
        }
    }

    /// Puts a frame on what its device is plugged into, in a call of its own.
    #[inline(never)]
    fn transmit_beside(&mut self, from: DevRef, frame: Frame) {
        self.transmit(from, frame);
    }

    #[inline(always)]
    fn transmit(&mut self, from: DevRef, frame: Frame) {
        let Some(plug) = self.plug_of(from) else {
            return self.lose(from.dev, &frame, DropReason::NoCarrier);
        };
        if !self.air.is_empty() && self.air.contains_key(&from) {
            return self.transmit_air(from, frame);
        }
        self.put_on_link(from, plug, frame);
    }

    /// Puts a frame on a link.
    pub(super) fn put_on(&mut self, from: DevRef, plug: Plug, frame: Frame) {
        self.put_on_link(from, plug, frame);
    }

    #[inline(always)]
    fn put_on_link(&mut self, from: DevRef, plug: Plug, mut frame: Frame) {
        let Some(&Link { spec, .. }) = self.link(plug.link) else {
            return self.lose(from.dev, &frame, DropReason::NoCarrier);
        };
        if !spec.up {
            return self.lose(from.dev, &frame, DropReason::LinkDown);
        }
        if self.frames >= MAX_FRAMES {
            return self.lose(from.dev, &frame, DropReason::QueueFull);
        }
        let arrives = self.now + spec.latency;
        let bytes = self.log.keep_bytes(&mut frame.bytes);
        self.log.packet(frame.id, Step::Transmit { dev: from.dev, to: plug.to, arrives, bytes });
        if spec.loss_per_mille > 0 && self.link_rng.chance(spec.loss_per_mille) {
            return self.lose(from.dev, &frame, DropReason::LinkLoss);
        }
        self.frames += 1;
        self.carried += 1;
        let what = Arrival { to: plug.to, link: Some(plug.link), frame };
        self.queue.push_after(self.now, spec.latency, what);
    }

    pub(super) fn lose(&mut self, dev: IfIndex, frame: &Frame, reason: DropReason) {
        self.log.packet(frame.id, Step::Dropped { dev: Some(dev), reason });
    }

    /// What those above must see, in order.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// How many events were handled since the beginning.
    pub fn events_handled(&self) -> u64 {
        self.events_handled
    }

    /// Frames ever put on a link: the hops of the benchmarks.
    pub fn frames_carried(&self) -> u64 {
        self.carried
    }

    /// Frames that have reached the end of a link.
    pub fn frames_arrived(&self) -> u64 {
        self.carried - (self.frames - self.handed)
    }

    /// Packets under way: on links and held in namespaces. Conservation:
    /// `sent + copied == delivered + dropped + in_flight`.
    pub fn in_flight(&self) -> u64 {
        self.frames + self.held as u64
    }
}
