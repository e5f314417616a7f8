//! W3: in through published ports. W5 is the same at several numbers of ports.

use super::Meter;
use super::traffic::{Asker, Echo, finish, start};
use super::w2::{HOST, Street, WAN, container_addr, hops};
use crate::stack::SocketKind;
use crate::time::Duration;
use crate::wire::Endpoint;

/// Containers behind the ports.
const CONTAINERS: u32 = 10;
/// The first published port, and the first port inside.
const FIRST: (u32, u32) = (20_000, 1000);
/// Ports that can be published.
const MOST: u32 = 40_000;

/// The street of W2 turned round: a client beyond the router, `r` ports that the router and the
/// host publish (port j is container j mod 10's). `new` flows of one request and one reply through
/// the last rule, then one flow with `k`. Hops: 8 for a request and its reply. `new_ns` is the
/// whole cost of a new flow's request and reply, `ns_per_unit` the established flow's a hop.
pub(super) fn run(r: u32, k: u32, new: u32, meter: &Meter<'_>) -> Result<String, String> {
    if r > MOST {
        return Err(format!("w3 publishes at most {MOST} ports"));
    }
    let begun = (meter.clock)();
    let mut street = published(r, meter.trace);
    let load = ((meter.clock)() - begun) * 1e6 / f64::from(r);
    let last = r - 1;
    let inside = Endpoint::new(container_addr(last % CONTAINERS), (FIRST.1 + last) as u16);
    let to = Endpoint::new(WAN, (FIRST.0 + last) as u16);
    let client = street.server;
    let container = street.containers[(last % CONTAINERS) as usize];
    let world = &mut street.builder.world;
    world.spawn(container, Box::new(Echo::new(inside)), false, false);
    let ask = |count, begin| Asker::new(SocketKind::Udp, to, count, begin);
    // one flow first, so that nobody has to ask for addresses
    let now = world.now();
    start(world, client, ask(1, now));
    finish(world, 1);

    let millisecond = Duration::from_millis(1);
    let mut begin = world.now();
    for _ in 0..new {
        begin += millisecond;
        start(world, client, ask(1, begin));
    }
    let (frames, begun) = (world.frames_carried(), (meter.clock)());
    finish(world, new);
    let each = ((meter.clock)() - begun) / f64::from(new) * 1e9;
    hops(world.frames_carried() - frames, new.into(), new);

    let begin = world.now() + millisecond;
    start(world, client, ask(k, begin));
    let (frames, begun) = (world.frames_carried(), (meter.clock)());
    finish(world, 1);
    let cpu = (meter.clock)() - begun;
    let hops = hops(world.frames_carried() - frames, k.into(), k);
    let extra = format!("new_ns={each:.0} load_us_per_port={load:.1}");
    Ok(meter.line("w3", &format!("r={r} k={k} new={new}"), hops, cpu, &extra))
}

fn published(r: u32, trace: bool) -> Street {
    let mut street = Street::new(CONTAINERS, trace);
    let (host, router, b) = (street.host, street.router, &mut street.builder);
    for rule in [
        "-t nat -N DOCKER",
        "-t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
        "-N DOCKER",
        "-P FORWARD DROP",
        "-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-A FORWARD -o docker0 -j DOCKER",
        "-A FORWARD -i docker0 -j ACCEPT",
    ] {
        b.rule(host, rule);
    }
    for j in 0..r {
        let (outside, inside, to) = (FIRST.0 + j, FIRST.1 + j, container_addr(j % CONTAINERS));
        b.rule(
            router,
            &format!(
                "-t nat -A PREROUTING -i wan0 -p udp -m udp --dport {outside} -j DNAT --to-destination {HOST}:{outside}"
            ),
        );
        b.rule(
            host,
            &format!(
                "-t nat -A DOCKER ! -i docker0 -p udp -m udp --dport {outside} -j DNAT --to-destination {to}:{inside}"
            ),
        );
        b.rule(
            host,
            &format!("-A DOCKER -d {to}/32 ! -i docker0 -o docker0 -p udp -m udp --dport {inside} -j ACCEPT"),
        );
    }
    street
}
