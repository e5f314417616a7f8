//! Connections: states, timeouts, the table.

use super::*;

const ON: &str = "-A FORWARD -m conntrack --ctstate NEW,ESTABLISHED,RELATED,INVALID -j ACCEPT";
const A: &str = "10.0.0.1:5000";
const B: &str = "172.17.0.2:80";

fn state_of(m: &Machine) -> CtState {
    m.steps
        .0
        .iter()
        .rev()
        .find_map(|s| match s {
            NfStep::Tracked { state, .. } => Some(*state),
            NfStep::Invalid => Some(CtState::Invalid),
            _ => None,
        })
        .expect("a packet was tracked")
}

fn there(m: &mut Machine, flags: &str) {
    assert_eq!(m.forward(&mut tcp(A, B, flags), ETH0, BR0), ACCEPTED);
}
fn back(m: &mut Machine, flags: &str) {
    assert_eq!(m.forward(&mut tcp(B, A, flags), BR0, ETH0), ACCEPTED);
}

#[test]
fn a_tcp_connection_goes_through_its_states() {
    let mut m = Machine::new(&[ON]);
    let life: &[(bool, &str, i32, i32, &str, u64)] = &[
        (true, "S", 1000, 0, "SYN_SENT", 120),
        (false, "SA", 5000, 1001, "SYN_RECV", 60),
        (true, "A", 1001, 5001, "ESTABLISHED", 432_000),
        // Data wait for their acknowledgement.
        (true, "PA", 1001, 5001, "ESTABLISHED", 300),
        (false, "A", 5001, 1006, "ESTABLISHED", 432_000),
        (false, "FA", 5001, 1006, "FIN_WAIT", 120),
        (true, "A", 1006, 5002, "CLOSE_WAIT", 60),
        (true, "FA", 1006, 5002, "LAST_ACK", 30),
        (false, "A", 5002, 1007, "TIME_WAIT", 120),
    ];
    for &(out, flags, seq, ack, state, timeout) in life {
        let verdict = match out {
            true => m.forward(&mut tcp_at(A, B, flags, seq, ack), ETH0, BR0),
            false => m.forward(&mut tcp_at(B, A, flags, seq, ack), BR0, ETH0),
        };
        assert_eq!(verdict, ACCEPTED);
        let entry = m.nf.ct.iter().next().expect("an entry");
        assert_eq!(entry.state_name(), Some(state), "after {flags}");
        assert_eq!((entry.expires - m.now).as_secs(), timeout, "after {flags}");
    }
    let line = "tcp 6 TIME_WAIT src=10.0.0.1 dst=172.17.0.2 sport=5000 dport=80 src=172.17.0.2 dst=10.0.0.1 sport=80 dport=5000 [ASSURED]";
    assert_eq!(m.connections(), [line]);
    m.wait(121);
    assert!(m.nf.ct.is_empty());
    assert!(matches!(m.steps.0.last(), Some(NfStep::Destroyed { .. })));
}

#[test]
fn the_first_packet_is_new_until_an_answer_comes() {
    let mut m = Machine::new(&[ON]);
    there(&mut m, "S");
    assert_eq!(state_of(&m), CtState::New);
    assert!(m.connections()[0].contains("SYN_SENT") && m.connections()[0].contains("[UNREPLIED]"));
    there(&mut m, "S");
    assert_eq!(state_of(&m), CtState::New);
    back(&mut m, "SA");
    assert_eq!(state_of(&m), CtState::Established);
    assert!(!m.connections()[0].contains("[UNREPLIED]"));
    there(&mut m, "A");
    assert_eq!(state_of(&m), CtState::Established);
}

#[test]
fn a_refused_connection_is_forgotten_at_once_but_its_reset_is_translated() {
    let mut m =
        Machine::new(&["-t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80"]);
    m.forward(&mut tcp("10.0.0.1:5000", "192.168.0.10:8080", "S"), ETH0, BR0);
    assert_eq!(m.nf.ct.len(), 1);
    let mut reset = tcp(B, A, "RA");
    m.forward(&mut reset, BR0, ETH0);
    assert!(m.nf.ct.is_empty());
    assert_eq!(flow(&reset), "192.168.0.10:8080 > 10.0.0.1:5000");
    check_sums(&reset);
}

#[test]
fn a_closed_connection_is_reopened_by_a_syn() {
    let mut m = Machine::new(&[ON]);
    for (out, flags) in [(true, "S"), (false, "SA"), (true, "A"), (true, "FA"), (false, "FA"), (true, "A")] {
        if out { there(&mut m, flags) } else { back(&mut m, flags) }
    }
    let old = m.nf.ct.iter().next().expect("an entry").id;
    there(&mut m, "S");
    assert_eq!(state_of(&m), CtState::New);
    let new: Vec<_> = m.nf.ct.iter().map(|e| (e.id > old, e.state_name())).collect();
    assert_eq!(new, [(true, Some("SYN_SENT"))]);
}

#[test]
fn packets_that_fit_nothing_are_invalid() {
    let cases: &[&str] = &["R", "RA", "SA", "FA"];
    for flags in cases {
        let mut m = Machine::new(&[ON]);
        there(&mut m, flags);
        assert_eq!(state_of(&m), CtState::Invalid, "{flags}");
        assert!(m.nf.ct.is_empty());
    }
    // A connection that was there before the rules is picked up.
    let mut m = Machine::new(&[ON]);
    there(&mut m, "A");
    assert_eq!(state_of(&m), CtState::New);
    assert_eq!(m.nf.ct.iter().next().and_then(CtEntry::state_name), Some("ESTABLISHED"));
}

#[test]
fn udp_becomes_a_stream_after_two_seconds() {
    let mut m = Machine::new(&[ON]);
    let left = |m: &Machine| m.nf.ct.iter().next().map(|e| (e.expires - m.now).as_secs());
    m.forward(&mut udp(A, B), ETH0, BR0);
    assert_eq!(left(&m), Some(30));
    m.forward(&mut udp(B, A), BR0, ETH0);
    m.forward(&mut udp(A, B), ETH0, BR0);
    assert_eq!(left(&m), Some(30));
    assert!(!m.connections()[0].contains("ASSURED"));
    m.wait(3);
    m.forward(&mut udp(A, B), ETH0, BR0);
    assert_eq!(left(&m), Some(120));
    assert!(m.connections()[0].contains("[ASSURED]"));
}

#[test]
fn pings_both_ways_are_two_connections() {
    let mut m = Machine::new(&[ON]);
    m.forward(&mut echo("10.0.0.1", "172.17.0.2", 9, false), ETH0, BR0);
    m.forward(&mut echo("172.17.0.2", "10.0.0.1", 9, false), BR0, ETH0);
    m.forward(&mut echo("172.17.0.2", "10.0.0.1", 9, true), BR0, ETH0);
    assert_eq!(
        m.connections(),
        [
            "icmp 1 src=10.0.0.1 dst=172.17.0.2 type=8 code=0 id=9 src=172.17.0.2 dst=10.0.0.1 type=0 code=0 id=9",
            "icmp 1 src=172.17.0.2 dst=10.0.0.1 type=8 code=0 id=9 [UNREPLIED] src=10.0.0.1 dst=172.17.0.2 type=0 code=0 id=9",
        ]
    );
}

#[test]
fn an_echo_reply_that_nobody_asked_for_is_invalid() {
    let mut m = Machine::new(&[ON]);
    m.forward(&mut echo("10.0.0.1", "172.17.0.2", 9, true), ETH0, BR0);
    assert_eq!(state_of(&m), CtState::Invalid);
}

#[test]
fn an_icmp_error_about_a_connection_is_related_and_any_other_invalid() {
    let mut m = Machine::new(&[ON]);
    let sent = udp(A, B);
    m.forward(&mut sent.clone(), ETH0, BR0);
    m.forward(&mut unreachable("172.17.0.2", "10.0.0.1", &sent), BR0, ETH0);
    assert_eq!(state_of(&m), CtState::Related);
    m.forward(&mut unreachable("172.17.0.2", "10.0.0.1", &udp(A, "172.17.0.2:81")), BR0, ETH0);
    assert_eq!(state_of(&m), CtState::Invalid);
    // About a connection of somebody else than its receiver.
    m.forward(&mut unreachable("172.17.0.2", "10.0.0.7", &sent), BR0, ETH0);
    assert_eq!(state_of(&m), CtState::Invalid);
}

#[test]
fn a_dropped_first_packet_leaves_no_entry() {
    let mut m = Machine::new(&["-A FORWARD -m conntrack --ctstate NEW -j DROP"]);
    for port in 1..100 {
        m.forward(&mut udp(&format!("10.0.0.1:{port}"), B), ETH0, BR0);
    }
    assert!(m.nf.ct.is_empty());
    assert!(m.connections().is_empty());
}

#[test]
fn notrack_leaves_a_packet_alone() {
    let mut m = Machine::new(&[
        "-t raw -A PREROUTING -j CT --notrack",
        "-A FORWARD -m conntrack --ctstate UNTRACKED -j DROP",
    ]);
    assert!(matches!(m.forward(&mut udp(A, B), ETH0, BR0), Verdict::Drop { rule: Some(_), .. }));
    assert!(m.nf.ct.is_empty());
}

#[test]
fn a_full_table_gives_up_what_is_not_assured_and_then_drops() {
    let mut m = Machine::new(&[ON]);
    m.nf.ct.set_max(2);
    for port in [1, 2] {
        let a = format!("10.0.0.1:{port}");
        for (out, flags) in [(true, "S"), (false, "SA"), (true, "A")] {
            if out {
                m.forward(&mut tcp(&a, B, flags), ETH0, BR0)
            } else {
                m.forward(&mut tcp(B, &a, flags), BR0, ETH0)
            };
        }
    }
    assert_eq!(m.forward(&mut tcp("10.0.0.1:3", B, "S"), ETH0, BR0), Verdict::TableFull);
    m.nf.ct.set_max(3);
    assert_eq!(m.forward(&mut tcp("10.0.0.1:3", B, "S"), ETH0, BR0), ACCEPTED);
    assert_eq!(m.forward(&mut tcp("10.0.0.1:4", B, "S"), ETH0, BR0), ACCEPTED);
    assert_eq!(m.nf.ct.len(), 3);
}

#[test]
fn whatever_is_set_the_table_has_its_bound() {
    let mut m = Machine::new(&[ON]);
    for max in [0, u32::MAX] {
        m.nf.ct.set_max(max);
        assert_eq!(m.forward(&mut udp(A, B), ETH0, BR0), ACCEPTED, "{max}");
        assert_eq!((m.nf.ct.max(), m.nf.ct.bound()), (max, MAX_ENTRIES));
    }
}

#[test]
fn entries_are_deleted_one_by_one_and_all_at_once() {
    let mut m = Machine::new(&[ON]);
    for port in 1..=4 {
        m.forward(&mut udp(&format!("10.0.0.1:{port}"), B), ETH0, BR0);
    }
    let ids: Vec<_> = m.nf.ct.iter().map(|e| e.id).collect();
    assert!(m.nf.ct.delete(ids[1], &mut m.steps));
    assert!(!m.nf.ct.delete(ids[1], &mut m.steps));
    let left: Vec<_> = m.nf.ct.iter().map(|e| e.id).collect();
    assert_eq!(left, [ids[0], ids[2], ids[3]]);
    m.nf.ct.flush(&mut m.steps);
    assert!(m.nf.ct.is_empty());
    assert_eq!(m.steps.0.iter().filter(|s| matches!(s, NfStep::Destroyed { .. })).count(), 4);
}

#[test]
fn an_entry_is_found_by_either_tuple() {
    let mut m = Machine::new(&["-t nat -A POSTROUTING -j MASQUERADE"]);
    m.forward(&mut udp("172.17.0.2:4000", "8.8.8.8:53"), BR0, ETH0);
    let entry = m.nf.ct.iter().next().expect("an entry").clone();
    assert_eq!(
        m.nf.ct.lookup(&entry.original).map(|(e, d)| (e.id, d)),
        Some((entry.id, CtDirection::Original))
    );
    assert_eq!(m.nf.ct.lookup(&entry.reply).map(|(e, d)| (e.id, d)), Some((entry.id, CtDirection::Reply)));
    assert_eq!(m.nf.ct.get(entry.id).map(|e| e.id), Some(entry.id));
}

#[test]
fn the_next_expiry_is_never_too_late() {
    let mut m = Machine::new(&[ON]);
    there(&mut m, "S");
    back(&mut m, "SA");
    there(&mut m, "A");
    there(&mut m, "RA");
    let entry = m.nf.ct.iter().next().expect("an entry");
    assert_eq!(entry.state_name(), Some("CLOSE"));
    assert!(m.nf.ct.next_expiry().expect("a deadline") <= entry.expires);
    m.wait(11);
    assert!(m.nf.ct.is_empty());
    assert_eq!(m.nf.ct.next_expiry(), None);
}

#[test]
fn segments_outside_the_window_are_invalid_and_change_nothing() {
    let mut m = Machine::new(&[ON]);
    there(&mut m, "S");
    back(&mut m, "SA");
    there(&mut m, "A");
    // Data far beyond what was announced, an acknowledgement of what was never sent, a reset
    // from before the last acknowledgement.
    for (flags, seq, ack) in [("PA", 200_000, 1001), ("A", 1001, 9000), ("R", 900, 0)] {
        m.forward(&mut tcp_at(A, B, flags, seq, ack), ETH0, BR0);
        assert_eq!(state_of(&m), CtState::Invalid, "{flags} {seq} {ack}");
        assert_eq!(m.nf.ct.iter().next().and_then(CtEntry::state_name), Some("ESTABLISHED"));
    }
    // A reset that is not exact passes, but the connection goes on: the receiver asks back.
    m.forward(&mut tcp_at(A, B, "R", 1500, 0), ETH0, BR0);
    assert_eq!(state_of(&m), CtState::Established);
    assert_eq!(m.nf.ct.iter().next().and_then(CtEntry::state_name), Some("ESTABLISHED"));
    m.forward(&mut tcp_at(A, B, "R", 1001, 0), ETH0, BR0);
    assert_eq!(m.nf.ct.iter().next().and_then(CtEntry::state_name), Some("CLOSE"));
}

#[test]
fn an_acknowledgement_sent_again_and_again_shortens_the_wait() {
    let mut m = Machine::new(&[ON]);
    there(&mut m, "S");
    back(&mut m, "SA");
    let left = |m: &Machine| m.nf.ct.iter().next().map(|e| (e.expires - m.now).as_secs());
    for _ in 0..3 {
        there(&mut m, "A");
        assert_eq!(left(&m), Some(432_000));
    }
    there(&mut m, "A");
    assert_eq!(left(&m), Some(300));
}

#[test]
fn scaled_windows_count_only_after_both_syns_said_so() {
    let syn = |from, to, seq, ack, scale| {
        let mut bytes = tcp_at(from, to, if ack == 0 { "S" } else { "SA" }, seq, ack);
        // Window scale option and padding; the checksum is not looked at.
        bytes.extend([3, 3, scale, 0]);
        bytes[32] = 6 << 4;
        let len = bytes.len() as u16;
        bytes[2..4].copy_from_slice(&len.to_be_bytes());
        bytes
    };
    for (answer, state) in [(true, CtState::Established), (false, CtState::Invalid)] {
        let mut m = Machine::new(&[ON]);
        m.forward(&mut syn(A, B, 1000, 0, 7), ETH0, BR0);
        let mut reply = if answer { syn(B, A, 1000, 1001, 7) } else { tcp(B, A, "SA") };
        m.forward(&mut reply, BR0, ETH0);
        there(&mut m, "A");
        back(&mut m, "A");
        // Far beyond 64240, but not beyond 64240 << 7.
        m.forward(&mut tcp_at(B, A, "PA", 200_000, 1001), BR0, ETH0);
        assert_eq!(state_of(&m), state);
    }
}
