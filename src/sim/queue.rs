//! What happens next: a heap of small keys over a slab of what they stand for, so that sifting
//! moves 24 bytes and not a frame.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::LinkId;
use crate::stack::{DevRef, NsId, Pid, TimerKind};
use crate::time::Instant;
use crate::wire::Frame;

/// Something that will happen.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// A frame reaches the end of a link.
    Arrive { to: DevRef, link: LinkId, frame: Frame },
    /// A namespace's timer.
    Timer { ns: NsId, kind: TimerKind },
    /// A process wanted to be polled now, unless it has changed its mind.
    Alarm { pid: Pid },
}

/// Time, then the order in which it was asked for; then where it lies.
type Key = Reverse<(Instant, u64, u32)>;

/// The queue. Entries of the same time come out in the order they went in.
#[derive(Debug, Clone, Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Key>,
    slots: Vec<Option<What>>,
    free: Vec<u32>,
    next: u64,
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

    /// When the next thing happens.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, ..))| *at)
    }

    pub(super) fn pop(&mut self) -> Option<(Instant, What)> {
        let Reverse((at, _, slot)) = self.heap.pop()?;
        self.free.push(slot);
        Some((at, self.slots[slot as usize].take().expect("a key in the heap has its slot")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm(n: u32) -> What {
        What::Alarm { pid: Pid(n) }
    }

    #[test]
    fn things_come_out_by_time_and_then_in_the_order_they_went_in() {
        let mut queue = Queue::default();
        for (at, n) in [(5, 0), (3, 1), (5, 2), (3, 3), (1, 4)] {
            queue.push(Instant(at), alarm(n));
        }
        let mut order = Vec::new();
        while let Some((at, What::Alarm { pid })) = queue.pop() {
            order.push((at.0, pid.0));
        }
        assert_eq!(order, [(1, 4), (3, 1), (3, 3), (5, 0), (5, 2)]);
    }
}
