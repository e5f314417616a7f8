//! Devices that stand on others and tunnels, between the hosts of a lab.
#![cfg(not(target_arch = "wasm32"))]

mod common;

use common::{fails, lab, ok, run};
use netpier::session::Session;
use netpier::stack::Step;

/// The world of the recordings: h1, h2, pc1 and pc2 on one LAN.
fn world() -> Session {
    lab("oracle")
}

#[test]
fn a_host_is_a_stranger_to_what_stands_on_its_card_until_it_has_a_macvlan_of_its_own() {
    let mut s = world();
    // A namespace on the card, as Docker makes one, is only reached from outside.
    ok(
        &mut s,
        "h1",
        "docker network create -d macvlan --subnet 192.168.0.0/24 --gateway 192.168.0.1 --ip-range 192.168.0.192/27 -o parent=eth0 lan",
    );
    ok(&mut s, "h1", "docker run -d --name web --network lan lab");
    ok(&mut s, "pc1", "curl -sS http://192.168.0.192/");
    fails(&mut s, "h1", "ping -c 1 -W 4 192.168.0.192");
    fails(&mut s, "h1:web", "ping -c 1 -W 4 192.168.0.10");
    ok(
        &mut s,
        "h1",
        "ip link add shim0 link eth0 type macvlan mode bridge; ip addr add 192.168.0.222/32 dev shim0; ip link set shim0 up; ip route add 192.168.0.192/27 dev shim0",
    );
    ok(&mut s, "h1", "ping -c 1 192.168.0.192");
    ok(&mut s, "h1:web", "ping -c 1 192.168.0.222");
}

#[test]
fn ipvlan_containers_share_the_hosts_mac_and_l3_ones_are_routed_by_it() {
    let mut s = world();
    for line in [
        "docker network create -d ipvlan --subnet 192.168.0.0/24 --gateway 192.168.0.1 --ip-range 192.168.0.192/27 -o parent=eth0 l2",
        "docker run -d --name one --network l2 lab",
        "docker run -d --name two --network l2 lab",
    ] {
        ok(&mut s, "h1", line);
    }
    ok(&mut s, "h1:two", "ping -c 1 one");
    ok(&mut s, "pc1", "curl -sS http://192.168.0.192/");
    let neigh = run(&mut s, "pc1", "ip neigh").stdout();
    assert!(neigh.contains("192.168.0.192 dev eth0 lladdr 02:00:c0:a8:00:0a "), "{neigh}");
    fails(&mut s, "h1", "ping -c 1 -W 4 192.168.0.192");
    ok(&mut s, "h1", "docker rm -f one two");
    ok(&mut s, "h1", "docker network rm l2");
    ok(
        &mut s,
        "h1",
        "docker network create -d ipvlan -o ipvlan_mode=l3 --subnet 10.77.0.0/24 -o parent=eth0 l3",
    );
    ok(&mut s, "h1", "docker run -d --name three --network l3 lab");
    assert!(run(&mut s, "h1:three", "ip route").stdout().starts_with("default dev eth0 scope link"));
    fails(&mut s, "pc1", "ping -c 1 -W 1 10.77.0.2");
    ok(&mut s, "pc1", "ip route add 10.77.0.0/24 via 192.168.0.10");
    ok(&mut s, "pc1", "ping -c 1 10.77.0.2");
    assert_eq!(run(&mut s, "h1:three", "ip neigh").stdout(), "", "nobody is asked for a MAC address");
}

#[test]
fn the_engine_makes_a_vlan_for_a_parent_that_names_one_and_takes_it_away() {
    let mut s = world();
    for host in ["h1", "h2"] {
        ok(&mut s, host, "docker network create -d macvlan --subnet 10.10.0.0/24 -o parent=eth0.10 v10");
    }
    ok(&mut s, "h1", "docker run -d --name web --network v10 --ip 10.10.0.11 lab");
    ok(&mut s, "h2", "docker run -d --name cli --network v10 --ip 10.10.0.12 lab");
    ok(&mut s, "h2:cli", "curl -sS http://10.10.0.11/");
    ok(&mut s, "h1", "docker network create -d macvlan --subnet 10.11.0.0/24 -o parent=eth0.10 w10");
    ok(&mut s, "h1", "docker rm -f web; docker network rm v10");
    assert!(run(&mut s, "h1", "ip -br link").stdout().contains("eth0.10@eth0"), "w10 still stands on it");
    ok(&mut s, "h1", "docker network rm w10");
    assert!(!run(&mut s, "h1", "ip -br link").stdout().contains("eth0.10"));
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

#[test]
fn what_is_handed_to_a_neighbour_on_the_same_card_has_arrived_on_no_cable() {
    let mut s = world();
    ok(&mut s, "h1", "docker network create -d macvlan --subnet 10.9.0.0/24 -o parent=eth0 lan");
    ok(
        &mut s,
        "h1",
        "docker run -d --name one --network lan lab; docker run -d --name two --network lan lab",
    );
    s.exec("h1:two", "ping -c 1 10.9.0.2").expect("a place");
    let mut before = s.world.frames_arrived();
    for _ in 0..200 {
        s.world.run(netpier::time::Instant::FAR_FUTURE, 1);
        s.world.take_events();
        let now = s.world.frames_arrived();
        assert!(before <= now && now <= s.world.frames_carried(), "{before} {now}");
        before = now;
    }
}
