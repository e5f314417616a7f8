//! Translation: addresses, ports, checksums.

use super::*;

const MASQ: &str = "-t nat -A POSTROUTING -s 172.17.0.0/16 ! -o br0 -j MASQUERADE";
const PUBLISH: &str = "-t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80";

#[track_caller]
fn expect(bytes: &[u8], text: &str) {
    assert_eq!(flow(bytes), text);
    check_sums(bytes);
}

#[test]
fn masquerade_takes_the_interfaces_address_and_answers_come_back() {
    for kind in ["tcp", "udp"] {
        let mut m = Machine::new(&[MASQ]);
        let make = |from, to, flags| if kind == "tcp" { tcp(from, to, flags) } else { udp(from, to) };
        let mut out = make("172.17.0.2:40000", "8.8.8.8:53", "S");
        assert_eq!(m.forward(&mut out, BR0, ETH0), ACCEPTED);
        expect(&out, "192.168.0.10:40000 > 8.8.8.8:53");
        let mut back = make("8.8.8.8:53", "192.168.0.10:40000", "SA");
        m.forward(&mut back, ETH0, BR0);
        expect(&back, "8.8.8.8:53 > 172.17.0.2:40000");
        // The next packets need no rule.
        m.run("-t nat -F").expect("flush");
        let mut next = make("172.17.0.2:40000", "8.8.8.8:53", "A");
        m.forward(&mut next, BR0, ETH0);
        expect(&next, "192.168.0.10:40000 > 8.8.8.8:53");
    }
}

#[test]
fn dnat_changes_address_and_port_and_the_answer_is_put_right() {
    let mut m = Machine::new(&[PUBLISH]);
    let mut syn = tcp("10.0.0.9:1234", "192.168.0.10:8080", "S");
    let mut meta = Meta { in_dev: dev(ETH0), ..Meta::default() };
    assert_eq!(m.hook(Hook::Prerouting, &mut syn, &mut meta), Verdict::Accept { rerouted: true });
    expect(&syn, "10.0.0.9:1234 > 172.17.0.2:80");
    assert_eq!(m.hook(Hook::Postrouting, &mut syn, &mut meta), ACCEPTED);
    let mut back = tcp("172.17.0.2:80", "10.0.0.9:1234", "SA");
    m.forward(&mut back, BR0, ETH0);
    expect(&back, "192.168.0.10:8080 > 10.0.0.9:1234");
    let entry = m.nf.ct.iter().next().expect("an entry");
    let mapping = entry.destination_mapping().map(|(a, b)| (a.to_string(), b.to_string()));
    assert_eq!(mapping, Some(("192.168.0.10:8080".into(), "172.17.0.2:80".into())));
    assert!(entry.is_dnat() && !entry.is_snat());
}

#[test]
fn the_steps_tell_the_translation() {
    let mut m = Machine::new(&[PUBLISH]);
    m.forward(&mut tcp("10.0.0.9:1234", "192.168.0.10:8080", "S"), ETH0, BR0);
    m.forward(&mut tcp("172.17.0.2:80", "10.0.0.9:1234", "SA"), BR0, ETH0);
    let told: Vec<_> = m
        .steps
        .0
        .iter()
        .filter_map(|s| match s {
            NfStep::Translated { kind, before, after, first, dir } => Some(format!(
                "{kind:?} {} {} -> {} {} {first} {dir:?}",
                before.src, before.dst, after.src, after.dst
            )),
            _ => None,
        })
        .collect();
    assert_eq!(
        told,
        [
            "Destination 10.0.0.9:1234 192.168.0.10:8080 -> 10.0.0.9:1234 172.17.0.2:80 true Original",
            "Source 172.17.0.2:80 10.0.0.9:1234 -> 192.168.0.10:8080 10.0.0.9:1234 false Reply",
        ]
    );
}

#[test]
fn source_and_destination_of_one_connection_are_both_translated() {
    let mut m = Machine::new(&[PUBLISH, "-t nat -A POSTROUTING -o br0 -j MASQUERADE"]);
    let mut syn = tcp("172.17.0.3:1234", "192.168.0.10:8080", "S");
    m.forward(&mut syn, BR0, BR0);
    expect(&syn, "172.17.0.1:1234 > 172.17.0.2:80");
    let mut back = tcp("172.17.0.2:80", "172.17.0.1:1234", "SA");
    m.forward(&mut back, BR0, BR0);
    expect(&back, "192.168.0.10:8080 > 172.17.0.3:1234");
}

#[test]
fn a_taken_port_is_replaced_by_one_of_its_class() {
    let cases: &[(&str, std::ops::RangeInclusive<u16>)] =
        &[("40000", 1024..=65535), ("700", 600..=1023), ("80", 1..=511)];
    for (port, class) in cases {
        let mut m = Machine::new(&[MASQ]);
        m.forward(&mut udp(&format!("172.17.0.2:{port}"), "8.8.8.8:53"), BR0, ETH0);
        let mut second = udp(&format!("172.17.0.3:{port}"), "8.8.8.8:53");
        assert_eq!(m.forward(&mut second, BR0, ETH0), ACCEPTED);
        check_sums(&second);
        let got = View::read(&second, 0, false).expect("a packet").sport;
        assert!(class.contains(&got) && got.to_string() != *port, "{port} became {got}");
        let mut back = udp("8.8.8.8:53", &format!("192.168.0.10:{got}"));
        m.forward(&mut back, ETH0, BR0);
        expect(&back, &format!("8.8.8.8:53 > 172.17.0.3:{port}"));
    }
}

#[test]
fn the_same_port_serves_two_destinations() {
    let mut m = Machine::new(&[MASQ]);
    m.forward(&mut udp("172.17.0.2:4000", "8.8.8.8:53"), BR0, ETH0);
    let mut other = udp("172.17.0.3:4000", "9.9.9.9:53");
    m.forward(&mut other, BR0, ETH0);
    expect(&other, "192.168.0.10:4000 > 9.9.9.9:53");
}

#[test]
fn a_source_keeps_its_mapping_towards_another_destination() {
    let mut m = Machine::new(&[MASQ]);
    m.forward(&mut udp("172.17.0.2:4000", "8.8.8.8:53"), BR0, ETH0);
    let mut moved = udp("172.17.0.3:4000", "8.8.8.8:53");
    m.forward(&mut moved, BR0, ETH0);
    let port = View::read(&moved, 0, false).expect("a packet").sport;
    let mut other = udp("172.17.0.3:4000", "9.9.9.9:53");
    m.forward(&mut other, BR0, ETH0);
    expect(&other, &format!("192.168.0.10:{port} > 9.9.9.9:53"));
}

#[test]
fn random_does_not_keep_the_port() {
    let mut m = Machine::new(&[&format!("{MASQ} --random-fully")]);
    let mut out = udp("172.17.0.2:4000", "8.8.8.8:53");
    m.forward(&mut out, BR0, ETH0);
    check_sums(&out);
    assert_ne!(flow(&out), "192.168.0.10:4000 > 8.8.8.8:53");
}

#[test]
fn pings_are_told_apart_by_their_identifier() {
    let mut m = Machine::new(&[MASQ]);
    m.forward(&mut echo("172.17.0.2", "8.8.8.8", 5, false), BR0, ETH0);
    let mut second = echo("172.17.0.3", "8.8.8.8", 5, false);
    m.forward(&mut second, BR0, ETH0);
    check_sums(&second);
    let id = View::read(&second, 0, false).expect("a packet").sport;
    assert_ne!(id, 5);
    let mut back = echo("8.8.8.8", "192.168.0.10", id, true);
    m.forward(&mut back, ETH0, BR0);
    expect(&back, "8.8.8.8:5 > 172.17.0.3:5");
}

#[test]
fn snat_with_ports_runs_out_and_then_drops() {
    let mut m = Machine::new(&["-t nat -A POSTROUTING -p udp -j SNAT --to-source 192.168.0.10:5000-5002"]);
    let mut taken = Vec::new();
    for host in 2..5 {
        let mut out = udp(&format!("172.17.0.{host}:4000"), "8.8.8.8:53");
        assert_eq!(m.forward(&mut out, BR0, ETH0), ACCEPTED);
        taken.push(View::read(&out, 0, false).expect("a packet").sport);
    }
    taken.sort_unstable();
    assert_eq!(taken, [5000, 5001, 5002]);
    assert_eq!(m.forward(&mut udp("172.17.0.9:4000", "8.8.8.8:53"), BR0, ETH0), Verdict::NatExhausted);
    assert_eq!(m.nf.ct.len(), 3);
}

#[test]
fn redirect_and_output_dnat_work_for_local_packets() {
    let mut m = Machine::new(&[
        "-t nat -A OUTPUT -d 127.0.0.11/32 -p udp --dport 53 -j DNAT --to-destination 127.0.0.11:41234",
        "-t nat -A POSTROUTING -s 127.0.0.11/32 -p udp --sport 41234 -j SNAT --to-source :53",
        "-t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 3128",
    ]);
    let mut query = udp("127.0.0.1:999", "127.0.0.11:53");
    let mut meta = Meta { out_dev: dev(IfIndex(1)), ..Meta::default() };
    // The address stays, only the port changes: no new route.
    assert_eq!(m.hook(Hook::Output, &mut query, &mut meta), ACCEPTED);
    m.hook(Hook::Postrouting, &mut query, &mut meta);
    expect(&query, "127.0.0.1:999 > 127.0.0.11:41234");
    let mut answer = udp("127.0.0.11:41234", "127.0.0.1:999");
    m.send(&mut answer, IfIndex(1));
    expect(&answer, "127.0.0.11:53 > 127.0.0.1:999");
    let mut web = tcp("10.0.0.1:5", "1.2.3.4:80", "S");
    m.receive(&mut web, ETH0);
    expect(&web, "10.0.0.1:5 > 192.168.0.10:3128");
}

#[test]
fn a_shifted_port_range_maps_port_by_port() {
    let mut m = Machine::new(&[
        "-t nat -A PREROUTING -p tcp --dport 7000:7010 -j DNAT --to-destination 172.17.0.2:8000-8010/7000",
    ]);
    for (port, to) in [(7000, 8000), (7003, 8003), (7010, 8010)] {
        let mut syn = tcp("10.0.0.1:5", &format!("192.168.0.10:{port}"), "S");
        m.forward(&mut syn, ETH0, BR0);
        expect(&syn, &format!("10.0.0.1:5 > 172.17.0.2:{to}"));
    }
}

#[test]
fn an_interface_without_an_address_cannot_masquerade() {
    let mut m = Machine::new(&["-t nat -A POSTROUTING -j MASQUERADE"]);
    assert_eq!(m.forward(&mut udp("172.17.0.2:1", "8.8.8.8:53"), BR0, IfIndex(4)), Verdict::NatExhausted);
}

#[test]
fn an_icmp_error_about_a_masqueraded_packet_reaches_its_sender_whole() {
    for make in [
        || udp("172.17.0.2:4000", "8.8.8.8:99"),
        || tcp("172.17.0.2:4000", "8.8.8.8:99", "S"),
        || echo("172.17.0.2", "8.8.8.8", 5, false),
    ] {
        let mut m = Machine::new(&[MASQ, "-A FORWARD -m conntrack --ctstate RELATED -j ACCEPT"]);
        let sent = make();
        let mut out = sent.clone();
        m.forward(&mut out, BR0, ETH0);
        let mut error = unreachable("9.9.9.9", "192.168.0.10", &out);
        assert_eq!(m.forward(&mut error, ETH0, BR0), ACCEPTED);
        check_sums(&error);
        assert_eq!(flow(&error), "9.9.9.9:0 > 172.17.0.2:0");
        let quoted = &error[28..];
        assert_eq!(flow(quoted), flow(&sent));
        let rule = &m.nf.table(TableKind::Filter).base(Hook::Forward).expect("FORWARD").rules[0];
        assert_eq!(rule.packets, 1);
    }
}

#[test]
fn an_icmp_error_from_behind_a_published_port_comes_from_the_host() {
    let mut m =
        Machine::new(&["-t nat -A PREROUTING -p udp --dport 5000 -j DNAT --to-destination 172.17.0.2:5001"]);
    let sent = udp("10.0.0.9:1234", "192.168.0.10:5000");
    let mut inside = sent.clone();
    m.forward(&mut inside, ETH0, BR0);
    let mut error = unreachable("172.17.0.2", "10.0.0.9", &inside);
    m.forward(&mut error, BR0, ETH0);
    check_sums(&error);
    assert_eq!(flow(&error), "192.168.0.10:0 > 10.0.0.9:0");
    assert_eq!(flow(&error[28..]), flow(&sent));
}

#[test]
fn an_error_that_the_machine_itself_makes_about_a_refused_packet_is_translated_too() {
    // DNAT, then REJECT in FORWARD: the sender must recognise its own packet in the error.
    let mut m = Machine::new(&[PUBLISH, "-A FORWARD -j REJECT"]);
    let sent = tcp("10.0.0.9:1234", "192.168.0.10:8080", "S");
    let mut bytes = sent.clone();
    let mut meta = Meta { in_dev: dev(ETH0), ..Meta::default() };
    m.hook(Hook::Prerouting, &mut bytes, &mut meta);
    meta.out_dev = dev(BR0);
    assert!(matches!(m.hook(Hook::Forward, &mut bytes, &mut meta), Verdict::Reject { .. }));
    let mut error = unreachable("192.168.0.10", "10.0.0.9", &bytes);
    let mut meta = Meta { out_dev: dev(ETH0), ..meta.for_error() };
    assert_eq!(m.hook(Hook::Output, &mut error, &mut meta), ACCEPTED);
    assert_eq!(m.hook(Hook::Postrouting, &mut error, &mut meta), ACCEPTED);
    check_sums(&error);
    assert_eq!(flow(&error[28..]), flow(&sent));
    assert!(m.nf.ct.is_empty(), "a refused connection is not remembered");
}

#[test]
fn udp_without_a_checksum_stays_without() {
    let mut m = Machine::new(&[MASQ]);
    let mut out = udp("172.17.0.2:4000", "8.8.8.8:53");
    out[26..28].fill(0);
    m.forward(&mut out, BR0, ETH0);
    assert_eq!(flow(&out), "192.168.0.10:4000 > 8.8.8.8:53");
    assert_eq!(out[26..28], [0, 0]);
}
