//! EV: the event loop alone.

use super::Meter;
use super::build::Builder;
use crate::guest::{Poll, Program, Sys};
use crate::time::{Duration, Instant};

/// `n` programs that each set an alarm anew whenever it rings, until there were `e` thousand events.
pub(super) fn run(n: u32, e: u32, meter: &Meter<'_>) -> String {
    let mut builder = Builder::new(meter.trace);
    let ns = builder.world.add_namespace();
    let machine = builder.world.add_machine(ns, "clock");
    let mut world = builder.world;
    for i in 0..n {
        // a spread of periods, so that the order of the queue changes all the time
        let period = Duration(1000 + u64::from(i) * 7919 % 5000);
        world.spawn(machine, Box::new(Ticker { period }), true, false);
    }
    let (before, begun) = (world.events_handled(), (meter.clock)());
    world.run(Instant::FAR_FUTURE, u64::from(e) * 1000);
    let cpu = (meter.clock)() - begun;
    let events = world.events_handled() - before;
    assert_eq!(events, u64::from(e) * 1000, "another number of events");
    meter.line("ev", &format!("n={n}"), events, cpu, "")
}

#[derive(Debug, Clone)]
struct Ticker {
    period: Duration,
}

impl Program for Ticker {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        sys.wake_at(sys.now() + self.period);
        Poll::Pending
    }
    fn name(&self) -> &str {
        "ticker"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
