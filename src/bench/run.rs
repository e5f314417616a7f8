//! `docker run -d -p`, again and again.

use super::Meter;
use super::build::{Builder, net};
use crate::docker::cli::{self, Parsed};
use crate::docker::{DaemonConfig, Engine};
use crate::sim::{Event, World};
use crate::time::Duration;
use crate::wire::Ipv4Addr;

/// The first published port.
const FIRST: u32 = 10_000;
/// Containers that are run at most.
const MOST: u32 = 50_000;
/// Runs whose median is told.
const WINDOW: usize = 11;

/// Runs `n` containers of one image, each with a published port, through the engine of a host. The
/// unit is the container; `tenth_ns` is what the tenth took, `last_ns` what the last took (medians
/// of eleven around the tenth, and of the last eleven). What the network then does is apart
/// (`frames_ns`): a new container announces its address to all others on the bridge.
pub(super) fn run(n: u32, meter: &Meter<'_>) -> Result<String, String> {
    if n > MOST {
        return Err(format!("run makes at most {MOST} containers"));
    }
    let mut b = Builder::new(meter.trace);
    let ns = b.world.add_namespace();
    let eth0 = b.port(ns, "eth0");
    b.address(ns, eth0.dev, net([192, 168, 0, 10], 24));
    b.gateway(ns, Ipv4Addr::new(192, 168, 0, 1));
    let mut world = b.world;
    let host = world.add_machine(ns, "host");
    let mut engine = Engine::with_config(&mut world, host, DaemonConfig::default());
    settle(&mut world, &mut engine);
    let (mut took, mut settled) = (Vec::new(), 0.0);
    let begun = (meter.clock)();
    for i in 0..n {
        let begun = (meter.clock)();
        let publish = format!("{}:80", FIRST + i);
        let line = ["run", "-d", "-p", &publish, "nginx"].map(str::to_owned);
        let Ok(Parsed::Request(request)) = cli::parse(&line) else { return Err("docker run is gone".into()) };
        let response = engine.request(&mut world, &request);
        assert_eq!((response.exit, response.stderr.as_str()), (0, ""), "container {i}");
        took.push((meter.clock)() - begun);
        let begun = (meter.clock)();
        settle(&mut world, &mut engine);
        settled += (meter.clock)() - begun;
    }
    let cpu = (meter.clock)() - begun - settled;
    let tenth = median(&took[..took.len().min(10 + WINDOW / 2)]);
    let last = median(&took);
    Ok(meter.line("run", &format!("n={n}"), n.into(), cpu, &format!("tenth_ns={tenth:.0} last_ns={last:.0}")))
}

/// The median of the last [`WINDOW`], in nanoseconds.
fn median(took: &[f64]) -> f64 {
    let mut last = took[took.len().saturating_sub(WINDOW)..].to_vec();
    last.sort_by(f64::total_cmp);
    last[last.len() / 2] * 1e9
}

/// Lets a moment pass and the engine hear of what happened in it.
fn settle(world: &mut World, engine: &mut Engine) {
    let until = world.now() + Duration::from_millis(1);
    loop {
        world.run(until, 10_000);
        let events = world.take_events();
        if events.is_empty() {
            return;
        }
        for event in events {
            match event {
                Event::Effect(pid, effect) => {
                    engine.on_effect(world, pid, &effect);
                }
                Event::Exited(pid, code, _) => engine.on_exit(world, pid, code),
                Event::Detached(..) | Event::Due(_) => {}
            }
        }
    }
}
