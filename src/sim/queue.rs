//! What happens next: a heap of small keys over a slab of what they stand for, so that sifting
//! moves 24 bytes and not a frame. Frames mostly need no heap at all: those with the same latency
//! arrive in the order in which they left, so each latency has a lane of its own, first in, first out.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::LinkId;
use crate::stack::{DevRef, NsId, Pid, TimerKind};
use crate::time::{Duration, Instant};
use crate::wire::Frame;

/// Something that will happen.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// A frame reaches a device.
    Arrive(Arrival),
    /// A namespace's timer.
    Timer { ns: NsId, kind: TimerKind },
    /// A process wanted to be polled now, unless it has changed its mind.
    Alarm { pid: Pid },
    /// Those above wanted to be told.
    Call { token: u32, foreground: bool },
}

/// A frame on its way to a device.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub(super) to: DevRef,
    /// The link at whose end it arrives. None: the device stands on another, which hands it over.
    pub(super) link: Option<LinkId>,
    pub(super) frame: Frame,
}

/// Time, then the order in which it was asked for; then where it lies.
type Key = Reverse<(Instant, u64, u32)>;

/// Latencies that have a lane. Frames with any other go through the heap.
const LANES: usize = 8;

/// Frames with one latency, in the order they arrive.
#[derive(Debug, Clone)]
struct Lane {
    latency: Duration,
    frames: VecDeque<(Instant, u64, Arrival)>,
}

/// The queue. Entries of the same time come out in the order they went in.
#[derive(Debug, Clone, Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Key>,
    slots: Vec<Option<What>>,
    free: Vec<u32>,
    lanes: Vec<Lane>,
    next: u64,
}

/// Where the first entry is, and when it is due.
#[derive(Debug, Clone, Copy)]
pub(super) struct First {
    pub(super) at: Instant,
    order: u64,
    /// None: the heap.
    pub(super) lane: Option<usize>,
}

impl Queue {
    pub(super) fn push(&mut self, at: Instant, what: What) {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = Some(what);
                slot
            }
            None => {
                self.slots.push(Some(what));
                self.slots.len() as u32 - 1
            }
        };
        self.heap.push(Reverse((at, self.next, slot)));
        self.next += 1;
    }

    /// A frame that arrives `latency` after `now`.
    #[inline(always)]
    pub(super) fn push_after(&mut self, now: Instant, latency: Duration, what: Arrival) {
        let at = now + latency;
        let known = self.lanes.iter().position(|l| l.latency == latency);
        let Some(lane) = known.or_else(|| self.open_lane(latency)) else {
            return self.push(at, What::Arrive(what));
        };
        self.lanes[lane].frames.push_back((at, self.next, what));
        self.next += 1;
    }

    #[cold]
    fn open_lane(&mut self, latency: Duration) -> Option<usize> {
        let lane = Lane { latency, frames: VecDeque::new() };
        match self.lanes.iter().position(|l| l.frames.is_empty()) {
            _ if self.lanes.len() < LANES => {
                self.lanes.push(lane);
                Some(self.lanes.len() - 1)
            }
            Some(unused) => {
                self.lanes[unused] = lane;
                Some(unused)
            }
            None => None,
        }
    }

    /// The next thing to happen.
    #[inline]
    pub(super) fn first(&self) -> Option<First> {
        let mut first = self.heap.peek().map(|&Reverse((at, order, _))| First { at, order, lane: None });
        for (i, lane) in self.lanes.iter().enumerate() {
            if let Some(&(at, order, _)) = lane.frames.front()
                && first.is_none_or(|f| (at, order) < (f.at, f.order))
            {
                first = Some(First { at, order, lane: Some(i) });
            }
        }
        first
    }

    /// Is the first thing outside the lanes a timer of TCP?
    pub(super) fn first_is_tcp_timer(&self) -> bool {
        let slot = self.heap.peek().and_then(|&Reverse((.., slot))| self.slots.get(slot as usize));
        matches!(slot, Some(Some(What::Timer { kind: TimerKind::Tcp { .. }, .. })))
    }

    /// All that is to come but frames, in no order.
    pub(super) fn all(&self) -> impl Iterator<Item = &What> {
        self.slots.iter().flatten()
    }

    /// Takes the first frame out of a lane where [`Queue::first`] found it.
    #[inline]
    pub(super) fn take_frame(&mut self, lane: usize) -> Option<Arrival> {
        self.lanes.get_mut(lane)?.frames.pop_front().map(|(_, _, what)| what)
    }

    /// Takes out what [`Queue::first`] found elsewhere.
    #[inline]
    pub(super) fn take(&mut self) -> Option<What> {
        let Reverse((_, _, slot)) = self.heap.pop()?;
        self.free.push(slot);
        self.slots[slot as usize].take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{IfIndex, PacketId};
    use proptest::prelude::*;

    fn alarm(n: u32) -> What {
        What::Alarm { pid: Pid(n) }
    }

    fn frame(n: u32) -> Arrival {
        let to = DevRef { ns: NsId(0), dev: IfIndex(1) };
        Arrival { to, link: None, frame: Frame::new(PacketId(n.into()), Vec::new()) }
    }

    fn drain(mut queue: Queue) -> Vec<(u64, u32)> {
        let mut order = Vec::new();
        while let Some(first) = queue.first() {
            let what = match first.lane {
                Some(lane) => queue.take_frame(lane).map(What::Arrive),
                None => queue.take(),
            };
            let n = match what {
                Some(What::Alarm { pid }) => pid.0,
                Some(What::Arrive(Arrival { frame, .. })) => frame.id.0 as u32,
                _ => panic!("nothing where something was"),
            };
            order.push((first.at.0, n));
        }
        order
    }

    #[test]
    fn things_come_out_by_time_and_then_in_the_order_they_went_in() {
        let mut queue = Queue::default();
        for (at, n) in [(5, 0), (3, 1), (5, 2), (3, 3), (1, 4)] {
            queue.push(Instant(at), alarm(n));
        }
        assert_eq!(drain(queue), [(1, 4), (3, 1), (3, 3), (5, 0), (5, 2)]);
    }

    proptest! {
        #[test]
        fn lanes_and_heap_together_keep_one_order(
            pushes in prop::collection::vec((0u64..4, 0u64..20, any::<bool>()), 0..80),
        ) {
            let mut queue = Queue::default();
            let (mut now, mut expected) = (Instant::ZERO, Vec::new());
            for (n, (pass, latency, lane)) in pushes.into_iter().enumerate() {
                now += Duration(pass);
                let n = n as u32;
                if lane {
                    queue.push_after(now, Duration(latency), frame(n));
                } else {
                    queue.push(now + Duration(latency), alarm(n));
                }
                expected.push((now.0 + latency, n));
            }
            expected.sort_unstable();
            prop_assert_eq!(drain(queue), expected);
        }
    }
}
