//! W6: a storm.

use super::Meter;
use super::build::{Builder, net};
use crate::guest::{Poll, Program, Sys};
use crate::stack::{SocketKind, SocketOption};
use crate::time::Instant;
use crate::wire::Endpoint;

/// Three bridges in a ring, one host each, no spanning tree. One broadcast frame goes round and
/// round, both ways; stopped after exactly `h` hops. `memory` is what the storm's record took.
pub(super) fn run(h: u32, meter: &Meter<'_>) -> String {
    let mut b = Builder::new(meter.trace);
    let mut speaker = None;
    let rings: Vec<_> = (0..3u8)
        .map(|i| {
            let ns = b.world.add_namespace();
            let bridge = b.bridge(ns, "br0");
            let ports = ["left", "right", "host"].map(|name| b.port(ns, name));
            ports.iter().for_each(|port| b.enslave(*port, bridge));
            let host = b.world.add_namespace();
            let eth0 = b.port(host, "eth0");
            b.address(host, eth0.dev, net([10, 1, 0, 1 + i], 24));
            b.cable(eth0, ports[2]);
            speaker.get_or_insert(host);
            ports
        })
        .collect();
    for i in 0..3 {
        b.cable(rings[i][1], rings[(i + 1) % 3][0]);
    }
    let mut world = b.world;
    let machine = world.add_machine(speaker.expect("there are three"), "host");
    let (memory, begun) = ((meter.memory)(), (meter.clock)());
    world.spawn(machine, Box::new(Call), false, false);
    world.take_events();
    let hops = u64::from(h);
    while world.frames_arrived() < hops {
        // an event is one hop or none
        world.run(Instant::FAR_FUTURE, hops - world.frames_arrived());
        assert!(!world.is_quiet(), "the storm has ended by itself");
    }
    let cpu = (meter.clock)() - begun;
    assert_eq!(world.frames_arrived(), hops, "it went too far");
    let bytes = (meter.memory)().saturating_sub(memory);
    let extra = format!("memory={bytes} in_flight={}", world.in_flight());
    meter.line("w6", &format!("h={h}"), hops, cpu, &extra)
}

/// Says one thing to everybody.
#[derive(Debug, Clone)]
struct Call;

impl Program for Call {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        let socket = sys.ns.socket(Some(sys.pid), SocketKind::Udp);
        sys.ns.set_option(socket, SocketOption::Broadcast(true)).expect("an option that there is");
        let everybody = Endpoint::new([10, 1, 0, 255].into(), 9);
        sys.ns
            .send_to(socket, everybody, &[0; super::traffic::PAYLOAD], &mut sys.cx)
            .expect("it is on the link");
        Poll::Exit(0)
    }
    fn name(&self) -> &str {
        "call"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
