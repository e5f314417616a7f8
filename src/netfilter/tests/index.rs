//! The index over long chains is not to be noticed.

use proptest::prelude::*;

use super::*;

/// A rule's questions, from few values so that many rules meet many packets.
fn questions() -> impl Strategy<Value = String> {
    let addr = prop_oneof![
        3 => (1u8..4).prop_map(|i| format!("10.0.0.{i}/32")),
        1 => Just("10.0.0.0/24".to_owned()),
        1 => Just("10.0.0.2/255.255.0.255".to_owned()),
    ];
    let side = |flag: &'static str| {
        let addr = addr.clone();
        prop_oneof![
            2 => Just(String::new()),
            3 => (any::<bool>(), addr).prop_map(move |(not, a)| format!("{}{flag} {a} ", if not { "! " } else { "" })),
        ]
    };
    let ports = prop_oneof![
        4 => (1u16..5).prop_map(|p| format!("--dport {p} ")),
        1 => (1u16..5).prop_map(|p| format!("! --dport {p} ")),
        1 => (1u16..5).prop_map(|p| format!("--dport {p}:{} ", p + 1)),
        1 => (1u16..5).prop_map(|p| format!("--sport {p} ")),
        1 => Just(String::new()),
    ];
    let proto = prop_oneof![
        4 => (any::<bool>(), ports, any::<bool>()).prop_map(|(tcp, ports, limited)| {
            let proto = if tcp { "tcp" } else { "udp" };
            let limit = if limited { "-m limit --limit 1/second --limit-burst 2 " } else { "" };
            format!("-p {proto} {limit}-m {proto} {ports}")
        }),
        1 => Just("-p udp -m multiport --dports 1,3 ".to_owned()),
        1 => Just("-p icmp ".to_owned()),
        2 => Just(String::new()),
    ];
    let dev = prop_oneof![3 => Just(""), 1 => Just("-i eth0 "), 1 => Just("! -i br0 ")];
    (side("-s"), side("-d"), proto, dev).prop_map(|(s, d, p, i)| format!("{s}{d}{i}{p}"))
}

fn rules() -> impl Strategy<Value = Vec<String>> {
    let filter = prop_oneof![
        4 => Just(""), 1 => Just("-j ACCEPT"), 1 => Just("-j DROP"), 1 => Just("-j RETURN"), 1 => Just("-j REJECT"),
        1 => Just("-j MARK --set-xmark 0x1/0x1"), 1 => Just("-j LOG"),
    ];
    let filter = (prop_oneof![Just("FORWARD"), Just("DOCKER")], questions(), filter)
        .prop_map(|(chain, q, target)| format!("-A {chain} {q}{target}"));
    let nat = (prop_oneof![Just("PREROUTING"), Just("PORTS")], questions(), 1u16..5).prop_map(
        |(chain, q, port)| {
            let to =
                if q.contains("-p tcp") || q.contains("-p udp") { format!(":{port}") } else { String::new() };
            format!("-t nat -A {chain} {q}-j DNAT --to-destination 10.0.0.3{to}")
        },
    );
    prop::collection::vec(prop_oneof![3 => filter, 1 => nat], 40..120)
}

/// Who, to whom, which port, what, and the pause before it in milliseconds.
type Sent = (u8, u8, u16, u8, u64);

fn machine(rules: &[String], plain: bool) -> Machine {
    let mut machine = Machine::new(&["-N DOCKER", "-t nat -N PORTS"]);
    for rule in rules {
        machine.run(rule).expect("a good rule");
    }
    for jump in ["-I FORWARD 2 -j DOCKER", "-A FORWARD -j DOCKER", "-t nat -I PREROUTING -j PORTS"] {
        // the second insertion needs a first rule
        let _ = machine.run(jump);
    }
    let chains = machine.nf.tables.iter_mut().flat_map(|t| t.chains_mut());
    chains.for_each(|c| c.rules.plain = plain);
    machine
}

/// All that can be observed of a machine that these packets went through.
fn observe(mut machine: Machine, sent: &[Sent], changes: &[String]) -> (Vec<Verdict>, Vec<NfStep>, String) {
    let mut verdicts = Vec::new();
    for (n, &(src, dst, port, what, pause)) in sent.iter().enumerate() {
        machine.now += Duration::from_millis(pause);
        let (from, to) = (format!("10.0.0.{src}"), format!("10.0.0.{dst}"));
        let (near, far) = (format!("{from}:{}", port % 3 + 1), format!("{to}:{port}"));
        let mut bytes = match what {
            0 => tcp(&near, &far, "S"),
            1 => udp(&near, &far),
            2 => echo(&from, &to, port, false),
            _ => {
                let mut fragment = udp(&near, &far);
                fragment[7] = 9;
                fragment
            }
        };
        verdicts.push(machine.forward(&mut bytes, ETH0, BR0));
        // rules come and go meanwhile
        if n % 8 == 7
            && let Some(change) = changes.get(n / 8)
        {
            machine.run(change).expect("a good rule");
            let number = n % 5 + 1;
            let _ = machine.run(&format!("-D FORWARD {number}"));
        }
    }
    (verdicts, std::mem::take(&mut machine.steps.0), machine.nf.save(&TableKind::ALL, true))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn the_index_gives_the_verdicts_steps_and_counters_of_rules_asked_in_order(
        rules in rules(),
        changes in rules(),
        sent in prop::collection::vec((1u8..4, 1u8..4, 1u16..6, 0u8..4, 0u64..900), 1..60),
    ) {
        let indexed = observe(machine(&rules, false), &sent, &changes);
        let plain = observe(machine(&rules, true), &sent, &changes);
        prop_assert_eq!(indexed, plain);
    }
}

#[test]
fn a_packet_meets_its_own_rule_among_ten_thousand_without_asking_the_others() {
    let mut m = Machine::new(&["-t nat -N DOCKER", "-t nat -A PREROUTING -j DOCKER"]);
    for port in 20_000..30_000 {
        let to = port - 10_000;
        m.run(&format!(
            "-t nat -A DOCKER ! -i br0 -p udp -m udp --dport {port} -j DNAT --to-destination 172.17.0.2:{to}"
        ))
        .expect("a good rule");
    }
    let chain = |m: &Machine| m.nf.table(TableKind::Nat).chain_named("DOCKER").expect("DOCKER").rules.clone();
    let mut asked = 0;
    let view = View::read(&udp("192.168.0.3:5", "192.168.0.10:29999"), 0, false).expect("a packet");
    let found = chain(&m).find(&view, 0, |_| {
        asked += 1;
        true
    });
    assert_eq!((found, asked), (Some(9_999), 1));
    let mut request = udp("192.168.0.3:5", "192.168.0.10:29999");
    m.forward(&mut request, ETH0, BR0);
    assert_eq!(flow(&request), "192.168.0.3:5 > 172.17.0.2:19999");
    let counted: Vec<usize> =
        chain(&m).iter().enumerate().filter(|(_, r)| r.packets > 0).map(|(i, _)| i).collect();
    assert_eq!(counted, [9_999]);
}

#[test]
fn a_thousand_published_ports_round_trip_through_iptables_save() {
    let mut m =
        Machine::new(&["-N DOCKER", "-t nat -N DOCKER", "-P FORWARD DROP", "-A FORWARD -o br0 -j DOCKER"]);
    m.run("-t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER").expect("a good rule");
    for i in 0..1000 {
        let (port, to) = (8000 + i, format!("172.17.{}.{}", i / 250, i % 250 + 2));
        for rule in [
            format!(
                "-t nat -A DOCKER ! -i br0 -p tcp -m tcp --dport {port} -j DNAT --to-destination {to}:80"
            ),
            format!("-t nat -A POSTROUTING -s {to}/32 -d {to}/32 -p tcp -m tcp --dport 80 -j MASQUERADE"),
            format!("-A DOCKER -d {to}/32 ! -i br0 -o br0 -p tcp -m tcp --dport 80 -j ACCEPT"),
        ] {
            m.run(&rule).expect("a good rule");
        }
    }
    m.forward(&mut tcp("192.168.0.3:5", "192.168.0.10:8999", "S"), ETH0, BR0);
    let saved = m.nf.save(&TableKind::SAVE_ORDER, true);
    assert_eq!(saved.lines().filter(|l| l.starts_with("[1:40]")).count(), 4, "two jumps and two rules");
    let mut again = Machine::new(&[]);
    again.nf.restore(&saved, false).expect("what was saved");
    assert_eq!(again.nf.save(&TableKind::SAVE_ORDER, true), saved);
}
