//! W2: out of containers through two masquerades. Also the street that W3 uses.
//!
//! ```text
//! container ─ docker0, host ─ router ─ server
//! 172.17.0.N   192.168.1.2     203.0.113.1/9
//! ```

use super::Meter;
use super::build::{Builder, net};
use super::traffic::{Asker, Echo, finish, start};
use crate::guest::MachineId;
use crate::stack::{NsId, SocketKind};
use crate::time::Duration;
use crate::wire::{Endpoint, Ipv4Addr};

pub(super) const HOST: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 2);
pub(super) const WAN: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
const SERVER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);

/// `c` containers on docker0 of a host behind a home router, and a server beyond. `m` UDP flows
/// (flow f from container f mod c, beginning at f µs), each `k` requests of 56 bytes, one a
/// millisecond, and `k` replies. Hops: 8mk; every neighbour's address is known before.
pub(super) fn run(c: u32, m: u32, k: u32, meter: &Meter<'_>) -> String {
    let mut street = Street::new(c, meter.trace);
    let b = &mut street.builder;
    for rule in [
        "-t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
        "-P FORWARD DROP",
        "-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-A FORWARD -i docker0 -j ACCEPT",
    ] {
        b.rule(street.host, rule);
    }
    for rule in [
        "-t nat -A POSTROUTING -o wan0 -j MASQUERADE",
        "-P FORWARD DROP",
        "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-A FORWARD -i lan0 -j ACCEPT",
    ] {
        b.rule(street.router, rule);
    }
    let at = Endpoint::new(SERVER, 7);
    let world = &mut street.builder.world;
    world.spawn(street.server, Box::new(Echo::new(at)), false, false);
    // a flow of each container first, so that nobody has to ask for addresses
    let ask = |count, begin| Asker::new(SocketKind::Udp, at, count, begin);
    for &container in &street.containers {
        let now = world.now();
        start(world, container, ask(1, now));
    }
    finish(world, c);
    let begin = world.now() + Duration::from_millis(1);
    for f in 0..m {
        let container = street.containers[(f % c) as usize];
        start(world, container, ask(k, begin + Duration::from_micros(f.into())));
    }
    let (frames, begun) = (world.frames_carried(), (meter.clock)());
    finish(world, m);
    let cpu = (meter.clock)() - begun;
    let frames = world.frames_carried() - frames;
    let hops = hops(frames, u64::from(m) * u64::from(k), k);
    meter.line("w2", &format!("c={c} m={m} k={k}"), hops, cpu, "")
}

/// The hops of `rounds` requests and replies: three frames each way make four hops, because the
/// frame that enters docker0 is taken up by its host (and the other way round).
///
/// # Panics
/// If other frames than these were on the links.
pub(super) fn hops(frames: u64, rounds: u64, k: u32) -> u64 {
    // after five seconds hosts ask again for addresses that they learned from questions
    let right = frames == 6 * rounds || (k > 4000 && frames > 6 * rounds);
    assert!(right, "the work item has another number of hops: {frames} frames for {rounds} rounds");
    8 * rounds
}

/// Everything but the rules.
pub(super) struct Street {
    pub builder: Builder,
    pub host: NsId,
    pub router: NsId,
    pub server: MachineId,
    pub containers: Vec<MachineId>,
}

impl Street {
    pub fn new(containers: u32, trace: bool) -> Self {
        let mut b = Builder::new(trace);
        let [host, router, server] = [(); 3].map(|()| b.world.add_namespace());
        let docker0 = b.bridge(host, "docker0");
        let gateway = Ipv4Addr::new(172, 17, 0, 1);
        b.address(host, docker0, net(gateway, 16));
        let up = b.port(host, "eth0");
        b.address(host, up.dev, net(HOST, 24));
        let [lan, wan] = ["lan0", "wan0"].map(|name| b.port(router, name));
        b.address(router, lan.dev, net([192, 168, 1, 1], 24));
        b.address(router, wan.dev, net(WAN, 24));
        let eth0 = b.port(server, "eth0");
        b.address(server, eth0.dev, net(SERVER, 24));
        b.cable(up, lan);
        b.cable(wan, eth0);
        b.gateway(host, Ipv4Addr::new(192, 168, 1, 1));
        b.forwarding(host);
        b.forwarding(router);
        let containers =
            (0..containers).map(|i| b.container((host, docker0), i, net(container_addr(i), 16), gateway));
        let containers = containers.collect();
        let server = b.world.add_machine(server, "server");
        Self { builder: b, host, router, server, containers }
    }
}

/// The address of container `i`.
pub(super) fn container_addr(i: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(172, 17, 0, 2)) + i)
}
