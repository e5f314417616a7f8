//! Which packets a rule matches, and what comes of it.

use super::*;

/// A rule, the packets, and whether it matches them. Packets come in at `eth0` for FORWARD to
/// `br0`.
#[test]
fn rules_match_what_they_say() {
    let tcp80 = || tcp("10.0.0.1:5000", "172.17.0.2:80", "S");
    let ack = || tcp("10.0.0.1:5000", "172.17.0.2:80", "A");
    let udp53 = || udp("10.0.0.1:5000", "172.17.0.2:53");
    let ping = || echo("10.0.0.1", "172.17.0.2", 7, false);
    let pong = || echo("10.0.0.1", "172.17.0.2", 7, true);
    let table: Vec<(&str, Vec<u8>, bool)> = vec![
        ("", tcp80(), true),
        ("-s 10.0.0.0/8", tcp80(), true),
        ("! -s 10.0.0.0/8", tcp80(), false),
        ("-s 10.0.0.1", tcp80(), true),
        ("-d 172.17.0.3", tcp80(), false),
        ("-d 172.0.0.2/255.0.0.255", tcp80(), true),
        ("-i eth0", tcp80(), true),
        ("-i eth+", tcp80(), true),
        ("-i eth", tcp80(), false),
        ("! -i br0", tcp80(), true),
        ("! -i +", tcp80(), false),
        ("-o br0", tcp80(), true),
        ("! -o br+", tcp80(), false),
        ("-p tcp", tcp80(), true),
        ("-p tcp", udp53(), false),
        ("! -p tcp", udp53(), true),
        ("-p tcp --dport 80", tcp80(), true),
        ("-p tcp ! --dport 80", tcp80(), false),
        ("-p tcp --dport 79:81 --sport 5000", tcp80(), true),
        ("-p tcp --dport 81:", tcp80(), false),
        ("-p udp --dport domain", udp53(), true),
        ("-p udp --dport 53", tcp80(), false),
        ("-p tcp --syn", tcp80(), true),
        ("-p tcp --syn", ack(), false),
        ("-p tcp ! --syn", ack(), true),
        ("-p tcp --tcp-flags ALL ACK", ack(), true),
        ("-p tcp -m multiport --dports 443,80", tcp80(), true),
        ("-p tcp -m multiport --sports 443,80", tcp80(), false),
        ("-p tcp -m multiport --ports 4999:5001", tcp80(), true),
        ("-p tcp -m multiport ! --dports 443,80", tcp80(), false),
        ("-p icmp", ping(), true),
        ("-p icmp --icmp-type echo-request", ping(), true),
        ("-p icmp --icmp-type echo-request", pong(), false),
        ("-p icmp ! --icmp-type 8", pong(), true),
        ("-p icmp --icmp-type any", pong(), true),
        ("-m addrtype --dst-type LOCAL", tcp80(), false),
        ("-m addrtype --dst-type UNICAST --src-type UNICAST", tcp80(), true),
        ("-m addrtype ! --dst-type LOCAL", tcp80(), true),
        ("-m addrtype --dst-type LOCAL", udp("10.0.0.1:1", "192.168.0.10:2"), true),
        ("-m addrtype --dst-type BROADCAST", udp("10.0.0.1:1", "192.168.0.255:2"), true),
        ("-m addrtype --dst-type MULTICAST", udp("10.0.0.1:1", "224.0.0.1:2"), true),
        ("-m addrtype --dst-type LOCAL --limit-iface-in", udp("10.0.0.1:1", "172.17.0.1:2"), false),
        ("-m addrtype --dst-type LOCAL --limit-iface-out", udp("10.0.0.1:1", "172.17.0.1:2"), true),
        ("-m conntrack --ctstate NEW", tcp80(), true),
        ("-m conntrack --ctstate RELATED,ESTABLISHED", tcp80(), false),
        ("-m conntrack ! --ctstate INVALID", tcp80(), true),
        ("-m conntrack --ctstate INVALID", tcp("10.0.0.1:5000", "172.17.0.2:80", "R"), true),
        ("-m conntrack --ctstate DNAT", tcp80(), false),
        ("-m conntrack --ctorigdst 172.17.0.2 --ctorigdstport 80 --ctproto 6", tcp80(), true),
        ("-m conntrack --ctreplsrc 172.17.0.3", tcp80(), false),
        ("-m conntrack --ctdir REPLY", tcp80(), false),
        ("-m conntrack --ctstatus NONE", tcp80(), true),
        ("-m conntrack --ctexpire 119:121", tcp80(), true),
        ("-m state --state NEW", tcp80(), true),
        ("-m state --state ESTABLISHED", tcp80(), false),
        ("-m mark --mark 0", tcp80(), true),
        ("-m mark --mark 1", tcp80(), false),
        ("-m mac --mac-source 00:11:22:33:44:55", tcp80(), false),
        ("-m comment --comment anything", tcp80(), true),
        ("! -f", tcp80(), true),
        ("-f", tcp80(), false),
    ];
    for (rule, mut bytes, matches) in table {
        let mut m = Machine::new(&[&format!("-A FORWARD {rule}"), "-t nat -P POSTROUTING ACCEPT"]);
        m.forward(&mut bytes, ETH0, BR0);
        let count = m.nf.table(TableKind::Filter).base(Hook::Forward).expect("FORWARD").rules[0].packets;
        assert_eq!(count == 1, matches, "{rule} and {}", flow(&bytes));
    }
}

#[test]
fn a_machine_whose_rules_need_no_tracking_tracks_nothing() {
    let mut m = Machine::new(&["-A FORWARD -p tcp -j ACCEPT"]);
    m.forward(&mut tcp("10.0.0.1:5000", "172.17.0.2:80", "S"), ETH0, BR0);
    assert!(!m.nf.ct.is_on());
    assert!(m.nf.ct.is_empty());
}

#[test]
fn jumps_come_back_and_gotos_do_not() {
    let commands = [
        "-N A",
        "-N B",
        "-A FORWARD -j A",
        "-A FORWARD -j DROP",
        "-A A -g B",
        "-A A -j ACCEPT",
        "-A B -s 1.1.1.1",
    ];
    let mut m = Machine::new(&commands);
    let verdict = m.forward(&mut udp("10.0.0.1:1", "172.17.0.2:2"), ETH0, BR0);
    let forward = m.nf.table(TableKind::Filter).base(Hook::Forward).expect("FORWARD");
    let (chain, rule) = (forward.id, Some(forward.rules[1].id));
    assert_eq!(verdict, Verdict::Drop { table: TableKind::Filter, chain, rule });
    m.run("-I A -j RETURN").expect("a rule");
    m.run("-I FORWARD 2 -j ACCEPT").expect("a rule");
    assert_eq!(m.forward(&mut udp("10.0.0.1:1", "172.17.0.2:2"), ETH0, BR0), ACCEPTED);
}

#[test]
fn the_policy_decides_at_the_end_and_counts() {
    let mut m = Machine::new(&["-P FORWARD DROP", "-A FORWARD -s 1.1.1.1 -j ACCEPT"]);
    let verdict = m.forward(&mut udp("10.0.0.1:1", "172.17.0.2:2"), ETH0, BR0);
    let forward = m.nf.table(TableKind::Filter).base(Hook::Forward).expect("FORWARD");
    assert_eq!(verdict, Verdict::Drop { table: TableKind::Filter, chain: forward.id, rule: None });
    assert_eq!((forward.packets, forward.bytes), (1, 32));
    let chain = forward.id;
    let steps = [
        NfStep::Enter { hook: Hook::Forward, table: TableKind::Filter },
        NfStep::Policy { table: TableKind::Filter, chain, accept: false, bytes: 32 },
    ];
    assert_eq!(m.steps.0, steps);
}

#[test]
fn return_from_a_base_chain_is_its_policy() {
    let mut m = Machine::new(&["-P FORWARD DROP", "-A FORWARD -j RETURN", "-A FORWARD -j ACCEPT"]);
    assert!(matches!(
        m.forward(&mut udp("1.1.1.1:1", "2.2.2.2:2"), ETH0, BR0),
        Verdict::Drop { rule: None, .. }
    ));
}

#[test]
fn reject_says_with_what() {
    let mut m =
        Machine::new(&["-A FORWARD -p tcp -j REJECT --reject-with tcp-reset", "-A FORWARD -j REJECT"]);
    let with = |v| match v {
        Verdict::Reject { with, .. } => Some(with),
        _ => None,
    };
    assert_eq!(
        with(m.forward(&mut tcp("1.1.1.1:1", "2.2.2.2:2", "S"), ETH0, BR0)),
        Some(RejectWith::TcpReset)
    );
    assert_eq!(with(m.forward(&mut udp("1.1.1.1:1", "2.2.2.2:2"), ETH0, BR0)), Some(RejectWith::Icmp(3)));
}

#[test]
fn marks_are_set_and_matched() {
    let mut m = Machine::new(&[
        "-t mangle -A PREROUTING -j MARK --set-mark 7",
        "-A FORWARD -m mark --mark 7 -j DROP",
    ]);
    assert!(matches!(m.forward(&mut udp("1.1.1.1:1", "2.2.2.2:2"), ETH0, BR0), Verdict::Drop { .. }));
}

#[test]
fn a_limit_lets_its_burst_through_and_then_its_rate() {
    let mut m =
        Machine::new(&["-A FORWARD -m limit --limit 1/sec --limit-burst 3 -j ACCEPT", "-A FORWARD -j DROP"]);
    let passes = |m: &mut Machine| m.forward(&mut udp("1.1.1.1:1", "2.2.2.2:2"), ETH0, BR0) == ACCEPTED;
    let burst: Vec<_> = (0..4).map(|_| passes(&mut m)).collect();
    assert_eq!(burst, [true, true, true, false]);
    m.wait(1);
    assert_eq!([passes(&mut m), passes(&mut m)], [true, false]);
}

#[test]
fn log_writes_the_kernels_line() {
    let mut m = Machine::new(&["-A FORWARD -j LOG --log-prefix \"seen: \" --log-tcp-sequence"]);
    m.forward(&mut tcp("10.0.0.1:5000", "172.17.0.2:80", "S"), ETH0, BR0);
    let line = m.steps.0.iter().find_map(|s| match s {
        NfStep::Logged { line } => Some(&**line),
        _ => None,
    });
    assert_eq!(
        line,
        Some(
            "seen: IN=eth0 OUT=br0 MAC= SRC=10.0.0.1 DST=172.17.0.2 LEN=40 TOS=0x00 PREC=0x00 TTL=64 ID=0 DF \
             PROTO=TCP SPT=5000 DPT=80 SEQ=1000 ACK=0 WINDOW=64240 RES=0x00 SYN URGP=0 "
        )
    );
}

#[test]
fn bytes_that_are_no_packet_pass_without_a_panic() {
    let mut m = Machine::new(&[
        "-t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 1.2.3.4",
        "-A FORWARD -m conntrack --ctstate NEW -p icmp --icmp-type 3",
    ]);
    let whole = unreachable("10.0.0.1", "172.17.0.2", &tcp("172.17.0.2:80", "10.0.0.1:5000", "SA"));
    for len in 0..whole.len() {
        m.forward(&mut whole[..len].to_vec(), ETH0, BR0);
        // With a total length that fits the rest.
        let mut cut = whole[..len].to_vec();
        if len >= 4 {
            cut[2..4].copy_from_slice(&(len as u16).to_be_bytes());
            m.forward(&mut cut, ETH0, BR0);
        }
    }
}
