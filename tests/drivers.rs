//! Devices that stand on others and tunnels, between the hosts of a lab.
#![cfg(not(target_arch = "wasm32"))]

use netpier::lab::Lab;
use netpier::session::{Job, Session};
use netpier::stack::Step;
use netpier::time::Duration;

/// The world of the recordings: h1, h2, pc1 and pc2 on one LAN.
fn world() -> Session {
    Lab::builtin("oracle").expect("there is such a lab").boot().expect("it boots")
}

fn run(session: &mut Session, place: &str, line: &str) -> Job {
    session.run_line(place, line, Duration::from_secs(60)).expect("the place exists")
}

fn ok(session: &mut Session, place: &str, line: &str) {
    let job = run(session, place, line);
    assert_eq!(job.exit, Some(0), "{place}: {line}\n{}{}", job.stdout(), job.stderr());
}

fn fails(session: &mut Session, place: &str, line: &str) {
    let job = run(session, place, line);
    assert_ne!(job.exit, Some(0), "{place}: {line}\n{}", job.stdout());
}

#[test]
fn a_tag_parts_one_cable_into_several() {
    let mut s = world();
    for (host, n) in [("h1", 1), ("h2", 2)] {
        for id in [10, 20] {
            ok(
                &mut s,
                host,
                &format!(
                    "ip link add link eth0 name eth0.{id} type vlan id {id}; ip addr add 10.{id}.0.{n}/24 dev eth0.{id}; ip link set eth0.{id} up"
                ),
            );
        }
    }
    let first = s.world.log.next_seq();
    ok(&mut s, "h1", "ping -c 1 10.10.0.2");
    let tags: Vec<u16> = s
        .world
        .log
        .iter_from(first)
        .filter_map(|(_, r)| if let Step::Vlan { id, tagged: true, .. } = r.step { Some(id) } else { None })
        .collect();
    assert!(!tags.is_empty() && tags.iter().all(|id| *id == 10), "{tags:?}");
    ok(&mut s, "h1", "ip link set eth0.10 down; ip link del eth0.10; ping -c 1 10.20.0.2");
    fails(&mut s, "h1", "ping -c 1 -W 1 10.10.0.2");
    fails(&mut s, "h1", "ip link add link eth0 name again type vlan id 20");
}

#[test]
fn an_envelope_has_fifty_bytes_more_and_the_same_packet_inside() {
    let mut s = world();
    for (host, own, other) in [("h1", 1, 11), ("h2", 2, 10)] {
        ok(
            &mut s,
            host,
            &format!(
                "ip link add vx0 type vxlan id 42 dstport 4789 remote 192.168.0.{other}; ip addr add 10.42.0.{own}/24 dev vx0; ip link set vx0 up"
            ),
        );
    }
    ok(&mut s, "h1", "ping -c 1 10.42.0.2");
    let first = s.world.log.next_seq();
    ok(&mut s, "h1", "ping -c 1 10.42.0.2");
    let log = &s.world.log;
    let mut packets = Vec::new();
    for (_, record) in log.iter_from(first) {
        match record.step {
            Step::Encapsulated { vni: 42, added: 50, .. } => packets.push((record.packet, "in")),
            Step::Decapsulated { vni: 42, removed: 50, .. } => packets.push((record.packet, "out")),
            _ => {}
        }
    }
    let [a, b, c, d] = packets[..] else { panic!("{packets:?}") };
    assert_eq!((a.0, c.0, a.1, b.1, c.1, d.1), (b.0, d.0, "in", "out", "in", "out"));
    assert_ne!(a.0, c.0);
    // What is too long for one envelope goes in fragments.
    ok(&mut s, "h1", "ping -c 1 -s 4000 10.42.0.2");
}

#[test]
fn a_tunnel_that_leads_through_itself_ends() {
    let mut s = world();
    ok(
        &mut s,
        "h1",
        "ip link add vx0 type vxlan id 7 dstport 4789 remote 10.7.0.9; ip addr add 10.7.0.1/24 dev vx0; ip link set vx0 up",
    );
    fails(&mut s, "h1", "ping -c 1 -W 1 10.7.0.9");
}
