//! W1: pings across one bridge.

use super::Meter;
use super::build::{Builder, net};
use super::traffic::{Asker, finish, start};
use crate::guest::MachineId;
use crate::stack::SocketKind;
use crate::time::{Duration, Instant};
use crate::wire::{Endpoint, Ipv4Addr};

/// `n` hosts on one learning bridge, ARP caches empty. Host i sends `k` echo requests to host
/// i + 1 (mod n), one a millisecond, beginning at i µs. Hops: n(n + 2) for ARP and 4nk.
pub(super) fn run(n: u32, k: u32, meter: &Meter<'_>) -> String {
    let built = (meter.clock)();
    let mut builder = Builder::new(meter.trace);
    let machines = hosts(&mut builder, n);
    let mut world = builder.world;
    let begin = Duration::from_millis(1);
    for (i, machine) in (0..).zip(machines) {
        let to = Endpoint::new(host_addr((i + 1) % n), 0);
        let at = Instant::ZERO + begin + Duration::from_micros(i.into());
        start(&mut world, machine, Asker::new(SocketKind::Ping, to, k, at));
    }
    let begun = (meter.clock)();
    finish(&mut world, n);
    let cpu = (meter.clock)() - begun;
    let hops = world.frames_carried();
    let (n, k) = (u64::from(n), u64::from(k));
    let least = n * (n + 2) + 4 * n * k;
    // after five seconds hosts ask again for addresses that they learned from questions
    assert!(hops == least || (k > 4000 && hops > least), "the work item has another number of hops: {hops}");
    let build = (begun - built) / n as f64 * 1e6;
    meter.line("w1", &format!("n={n} k={k}"), hops, cpu, &format!("build_us_per_host={build:.1}"))
}

fn host_addr(i: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 0, 0, 1)) + i)
}

fn hosts(builder: &mut Builder, n: u32) -> Vec<MachineId> {
    let switch = builder.world.add_namespace();
    let bridge = builder.bridge(switch, "br0");
    let mut machines = Vec::new();
    for i in 0..n {
        let ns = builder.world.add_namespace();
        let eth = builder.port(ns, "eth0");
        let port = builder.port(switch, &format!("p{i}"));
        builder.address(ns, eth.dev, net(host_addr(i), 8));
        builder.enslave(port, bridge);
        builder.cable(eth, port);
        machines.push(builder.world.add_machine(ns, "host"));
    }
    machines
}
