//! Breaks at places drawn at random: whatever of the attempts that worked fails afterwards has to be
//! explained by what was broken.

use netpier::lab::Edit;
use netpier::session::{NodeKind, Session};
use netpier::stack::DeviceKind;
use netpier::wire::IfName;

use crate::lab::{Parts, World, pick, type_line};

/// What was done, in words, and the causes that name it.
pub struct Done {
    pub what: String,
    pub causes: &'static [&'static str],
}

/// A cable, an interface, a route … of any node.
const WAYS: u32 = 14;

fn run(session: &mut Session, at: &str, line: &str) -> Option<()> {
    (type_line(session, at, line).exit == Some(0)).then_some(())
}

/// The nodes that have an address of their own.
fn nodes(session: &Session, kinds: &[NodeKind]) -> Vec<String> {
    let all = session.nodes().iter().filter(|n| kinds.contains(&n.config.kind));
    all.map(|n| n.config.id.clone()).collect()
}

const ENDS: [NodeKind; 4] = [NodeKind::Computer, NodeKind::Server, NodeKind::Dns, NodeKind::DockerHost];
const ROUTERS: [NodeKind; 2] = [NodeKind::Router, NodeKind::Isp];

/// The interfaces of a node with a cable or an address.
fn ports(session: &Session, node: &str, addressed: bool) -> Vec<IfName> {
    let Ok(node) = session.node(node) else { return Vec::new() };
    let Some(ns) = session.world.namespace(node.ns) else { return Vec::new() };
    let all = ns.devices().filter(|d| {
        let kind = matches!(d.kind, DeviceKind::Ethernet) || (addressed && d.name.to_string() == "lan0");
        kind && if addressed { !d.addrs.is_empty() } else { d.peer.is_some() }
    });
    all.map(|d| d.name).collect()
}

/// Breaks something. None if this draw does not fit this lab.
pub fn break_anywhere(w: &mut World, session: &mut Session) -> Option<Done> {
    let all: Vec<String> = nodes(session, &[ENDS.as_slice(), ROUTERS.as_slice()].concat());
    let ends = nodes(session, &ENDS);
    let routers = nodes(session, &ROUTERS);
    let host = w.host.clone();
    let containers = ["cli", "lone", "old", "far"].map(str::to_owned);
    let server = w.server.0.clone();
    let done = |what: String, causes: &'static [&'static str]| Some(Done { what, causes });
    match w.rng.below(WAYS) {
        0 => {
            let node = pick(&mut w.rng, &all).clone();
            let port = *pick(&mut w.rng, &ports(session, &node, false));
            Edit::RemoveLink { node: node.clone(), port }.apply_live(session).ok()?;
            done(format!("unplug {node} {port}"), &["no_link"])
        }
        1 => {
            let node = pick(&mut w.rng, &all).clone();
            let port = *pick(&mut w.rng, &ports(session, &node, true));
            run(session, &node, &format!("ip link set {port} down"))?;
            // Seen from a switch the cable is dead: both are said.
            done(format!("{node}: {port} down"), &["device_down"])
        }
        2 => {
            let node = pick(&mut w.rng, &ends).clone();
            run(session, &node, "ip addr flush dev eth0")?;
            done(format!("{node}: no address"), &["no_address"])
        }
        3 => {
            let node = pick(&mut w.rng, &ends).clone();
            run(session, &node, "ip route del default")?;
            done(format!("{node}: no default route"), &["no_gateway"])
        }
        4 => {
            let node = pick(&mut w.rng, &routers).clone();
            run(session, &node, "sysctl -w net.ipv4.ip_forward=0")?;
            done(format!("{node}: ip_forward 0"), &["forwarding_off"])
        }
        5 => {
            run(session, &host, "sysctl -w net.ipv4.ip_forward=0")?;
            done(format!("{host}: ip_forward 0"), &["forwarding_off"])
        }
        6 => {
            let node = pick(&mut w.rng, &all).clone();
            let router = routers.contains(&node);
            let chain = if router { "FORWARD" } else { *pick(&mut w.rng, &["INPUT", "OUTPUT"]) };
            let what = *pick(
                &mut w.rng,
                &[
                    "-p tcp",
                    "-p icmp",
                    "-p udp",
                    "-p tcp --dport 80",
                    "-p udp --dport 53",
                    "-p tcp --sport 80",
                ],
            );
            let target = *pick(&mut w.rng, &["DROP", "DROP", "REJECT"]);
            let rule = format!("iptables -I {chain} {what} -j {target}");
            run(session, &node, &rule)?;
            done(format!("{node}: {rule}"), &["firewall"])
        }
        7 => {
            let node = pick(&mut w.rng, &all).clone();
            let router = routers.contains(&node);
            let chain = if router { "FORWARD" } else { *pick(&mut w.rng, &["INPUT", "OUTPUT"]) };
            run(session, &node, &format!("iptables -P {chain} DROP"))?;
            done(format!("{node}: policy of {chain} DROP"), &["firewall_policy"])
        }
        8 => {
            let what = *pick(&mut w.rng, &["-i eth0", "-o eth0", "-p tcp", "-p icmp"]);
            run(session, &host, &format!("iptables -I DOCKER-USER {what} -j DROP"))?;
            done(format!("DOCKER-USER {what}"), &["docker_user"])
        }
        9 => {
            run(session, &host, "iptables -t nat -F POSTROUTING")?;
            done("nat POSTROUTING flushed".into(), &["masquerade_off"])
        }
        10 => {
            run(session, &host, "iptables -F FORWARD")?;
            done("FORWARD flushed".into(), &["forward_policy"])
        }
        11 => {
            let node = pick(&mut w.rng, &w.pcs).clone();
            run(session, &node, &format!("echo nameserver {}.177 > /etc/resolv.conf", w.lan))?;
            done(format!("{node}: a dead name server"), &["name_server_dead"])
        }
        12 => {
            run(session, &host, &format!("docker stop {server}"))?;
            done(format!("{server} stopped"), &["app_exited"])
        }
        _ => {
            let (network, c) = match w.rng.below(2) {
                0 => (w.app.clone(), server),
                _ => ("bridge".to_owned(), pick(&mut w.rng, &containers[1..3]).clone()),
            };
            run(session, &host, &format!("docker network disconnect {network} {c}"))?;
            done(format!("{c} off {network}"), &["no_network", "name_elsewhere"])
        }
    }
}

/// Opens a lab in order, breaks it somewhere, and judges what fails then: None if nothing does.
pub fn judge(seed: u64) -> Option<(Done, String, Option<String>)> {
    use netpier::explain::{Lang, why};
    let mut w = World::draw(seed);
    let mut session = w.open(&w.lab(&Parts::sound(&w)));
    let mut attempts = w.sound_attempts(&session);
    // It all worked a moment ago, and left its traces.
    for (at, line) in &attempts {
        type_line(&mut session, at, line);
    }
    let done = break_anywhere(&mut w, &mut session)?;
    // In an order of its own, so that not always the same attempt shows it.
    while !attempts.is_empty() {
        let i = w.rng.below(attempts.len() as u32) as usize;
        let (at, line) = attempts.swap_remove(i);
        let job = type_line(&mut session, &at, &line);
        if job.exit == Some(0) {
            continue;
        }
        let found = why::diagnose(&session, &job);
        let right = found.as_ref().is_some_and(|d| done.causes.contains(&d.cause.key()));
        let said = found.map(|d| format!("{}: {}", d.cause.key(), d.sentence(&session, Lang::En)));
        let miss = (!right).then(|| said.unwrap_or_else(|| "nothing".into()));
        return Some((done, format!("{at} {line}"), miss));
    }
    None
}
