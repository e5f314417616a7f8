//! No packet appears from nowhere or vanishes without a word: over random labs and random traffic,
//! sent + copied = delivered + dropped + in flight, at every moment.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeMap;

use netpier::lab::Lab;
use netpier::session::Session;
use netpier::stack::Step;
use netpier::time::Duration;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

/// A random world: segments in a row, each a switch with hosts, a router between neighbours.
#[derive(Debug, Clone)]
struct Plan {
    seed: u64,
    /// Hosts of each segment.
    segments: Vec<u8>,
    /// Which routers translate.
    nat: u8,
    /// A second switch in the first segment, cabled twice: frames go in circles.
    circle: bool,
    /// The first host of the last segment runs containers.
    docker: bool,
}

/// Something that happens.
#[derive(Debug, Clone)]
enum Act {
    /// A line typed at a host, about another.
    Type(u8, u8, u8),
    /// Time passes, in milliseconds.
    Wait(u16),
    /// A host's cable is pulled out.
    Unplug(u8),
    /// The newest job is interrupted.
    Interrupt,
}

fn plans() -> impl Strategy<Value = Plan> {
    (any::<u64>(), prop::collection::vec(1u8..4, 1..4), any::<u8>(), any::<bool>(), any::<bool>())
        .prop_map(|(seed, segments, nat, circle, docker)| Plan { seed, segments, nat, circle, docker })
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        6 => (any::<u8>(), any::<u8>(), any::<u8>()).prop_map(|(at, to, what)| Act::Type(at, to, what)),
        3 => (0u16..1500).prop_map(Act::Wait),
        1 => any::<u8>().prop_map(Act::Unplug),
        1 => Just(Act::Interrupt),
    ];
    prop::collection::vec(act, 1..12)
}

/// The hosts' names and addresses, and the lab as a document.
fn lab(plan: &Plan) -> (Vec<(String, String)>, Value) {
    let (mut nodes, mut links, mut hosts) = (Vec::new(), Vec::new(), Vec::new());
    let last = plan.segments.len() - 1;
    for (s, count) in plan.segments.iter().enumerate() {
        let ports: Vec<Value> = (0..8).map(|p| json!({"name": format!("port{p}")})).collect();
        nodes.push(json!({"id": format!("sw{s}"), "kind": "switch", "ports": ports}));
        for h in 0..*count {
            let (id, address) = (format!("pc{s}-{h}"), format!("10.{s}.0.{}", 10 + h));
            let docker = plan.docker && s == last && h == 0;
            nodes.push(json!({
                "id": id, "kind": if docker { "docker-host" } else { "computer" },
                "ports": [{"name": "eth0", "address": format!("{address}/24")}],
                // The last segment's gateway is the router before it.
                "gateway": if s == last && s > 0 { format!("10.{s}.0.2") } else { format!("10.{s}.0.1") },
                "services": [{"service": "run", "run": "serve tcp:80 udp:5000"}],
            }));
            links.push(json!({"a": [id, "eth0"], "b": [format!("sw{s}"), format!("port{h}")]}));
            hosts.push((id, address));
        }
        if s < last {
            let id = format!("r{s}");
            let rules: &[&str] =
                if plan.nat >> s & 1 == 1 { &["-t nat -A POSTROUTING -o eth1 -j MASQUERADE"] } else { &[] };
            nodes.push(json!({
                "id": id, "kind": "isp", "forward": true, "rules": rules,
                "ports": [{"name": "eth0", "address": format!("10.{s}.0.1/24")},
                          {"name": "eth1", "address": format!("10.{}.0.2/24", s + 1)}],
                "gateway": if s + 1 < last { format!("10.{}.0.1", s + 1) } else { format!("10.{s}.0.10") },
            }));
            links.push(json!({"a": [id, "eth0"], "b": [format!("sw{s}"), "port5"]}));
            links.push(json!({"a": [id, "eth1"], "b": [format!("sw{}", s + 1), "port6"]}));
        }
    }
    if plan.circle {
        let ports = json!([{"name": "port0"}, {"name": "port1"}]);
        nodes.push(json!({"id": "twice", "kind": "switch", "ports": ports}));
        links.push(json!({"a": ["twice", "port0"], "b": ["sw0", "port4"]}));
        links.push(json!({"a": ["twice", "port1"], "b": ["sw0", "port7"]}));
    }
    let document = json!({
        "format": 1, "name": "random", "seed": plan.seed, "nodes": nodes, "links": links, "commands": [],
    });
    (hosts, document)
}

fn line(what: u8, to: &str) -> String {
    match what % 14 {
        0 => format!("ping -c 2 -W 1 {to}"),
        1 => format!("curl -sS -m 3 http://{to}/"),
        2 => format!("udpq {to} 5000"),
        3 => format!("udpq {to} 5001"),
        4 => format!("traceroute -n -q 1 -w 1 -m 4 {to}"),
        5 => format!("arping -c 1 -w 1 {to}"),
        6 => format!("ping -c 1 -W 1 -s 4000 {to}"),
        7 => "iptables -A INPUT -p udp -j REJECT".to_owned(),
        8 => "ip link add m0 link eth0 type macvlan mode bridge; ip addr add 10.0.0.77/24 dev m0; \
              ip link set m0 up; ping -c 1 -W 1 -I m0 10.0.0.10"
            .to_owned(),
        9 => "ip link add link eth0 name v7 type vlan id 7; ip addr add 10.77.0.1/24 dev v7; \
              ip link set v7 up; ip link add p7 link v7 type macvlan mode private; ip link set p7 up; \
              ping -c 1 -W 1 10.77.0.2"
            .to_owned(),
        10 => format!(
            "ip link add x7 type vxlan id 7 dstport 4789 remote {to}; ip addr add 10.78.0.1/24 dev x7; \
             ip link set x7 up; ping -c 1 -W 1 10.78.0.2"
        ),
        // A tunnel that leads into itself.
        11 => format!("ip route add {to}/32 dev x7; ping -c 1 -W 1 {to}; ip link del x7"),
        12 => "docker run -d -p 8080:80 nginx".to_owned(),
        _ => "iptables -A INPUT -p tcp --dport 80 -j DROP".to_owned(),
    }
}

fn balance(session: &Session) -> Result<(), TestCaseError> {
    let fate = session.world.log.fate();
    let (begun, ended) = (fate.sent + fate.copied, fate.delivered + fate.dropped);
    prop_assert_eq!(begun, ended + session.world.in_flight(), "{:?}", fate);
    Ok(())
}

/// Every packet of the log begins once, ends at most once, and does nothing after its end.
fn every_packet_has_one_life(session: &Session) -> Result<(), TestCaseError> {
    let log = &session.world.log;
    if log.first_seq() > 0 {
        // A storm filled the log; what is left of it begins in the middle of lives.
        return Ok(());
    }
    let mut ended = BTreeMap::new();
    for (seq, record) in log.iter_from(0) {
        let Some(packet) = record.packet else { continue };
        match &record.step {
            Step::Sent { .. } | Step::Copied { .. } => {
                prop_assert!(ended.insert(packet, false).is_none(), "{packet:?} begins twice, at {seq}");
            }
            step => {
                let state = ended.get_mut(&packet);
                prop_assert!(state.is_some(), "{packet:?} was never sent: {step:?} at {seq}");
                let end = matches!(
                    step,
                    Step::Delivered { .. } | Step::DeliveredToKernel | Step::Absorbed | Step::Dropped { .. }
                );
                if let Some(state) = state {
                    prop_assert!(!(*state && end), "{packet:?} ends twice: {step:?} at {seq}");
                    *state |= end;
                }
            }
        }
    }
    let open = ended.values().filter(|ended| !**ended).count() as u64;
    prop_assert_eq!(open, session.world.in_flight());
    Ok(())
}

fn play(plan: &Plan, acts: &[Act]) -> Result<(), TestCaseError> {
    let (hosts, document) = lab(plan);
    let lab = Lab::from_json(&document.to_string()).map_err(|e| TestCaseError::fail(e.to_string()))?;
    let mut session = lab.boot().map_err(|e| TestCaseError::fail(e.to_string()))?;
    let mut newest = None;
    for act in acts {
        let host = |n: &u8| &hosts[usize::from(*n) % hosts.len()];
        match act {
            Act::Type(at, to, what) => newest = session.exec(&host(at).0, &line(*what, &host(to).1)).ok(),
            Act::Wait(ms) => {
                let until = session.world.now() + Duration::from_millis(u64::from(*ms));
                session.run(until, 20_000);
            }
            Act::Unplug(at) => {
                let port = "eth0".parse().map_err(TestCaseError::fail)?;
                // A cable that is out already stays out.
                let _ = session.remove_link(&host(at).0, port);
            }
            Act::Interrupt => {
                if let Some(job) = newest {
                    session.interrupt(job);
                }
            }
        }
        balance(&session)?;
    }
    let until = session.world.now() + Duration::from_secs(3);
    session.run(until, 60_000);
    balance(&session)?;
    every_packet_has_one_life(&session)
}

/// The same cases every time; `PROPTEST_CASES` asks for more of them.
#[test]
fn packets_are_conserved_in_random_labs_with_random_traffic() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(64);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    if let Err(failure) = runner.run(&(plans(), acts()), |(plan, acts)| play(&plan, &acts)) {
        panic!("{failure}");
    }
}

#[test]
fn a_circle_of_bridges_ends_by_itself() {
    let plan = Plan { seed: 7, segments: vec![3], nat: 0, circle: true, docker: false };
    let acts = [Act::Type(0, 1, 0), Act::Wait(1000), Act::Type(1, 2, 1), Act::Wait(1000)];
    play(&plan, &acts).unwrap();
}
