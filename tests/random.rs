//! Random labs of up to sixty devices under random edits, undo, redo and traffic.
//!
//! `RANDOM_LABS_SECS` is how long to go on (8 if absent; the whole test command gives a minute),
//! `RANDOM_LABS_SEED` where to begin. A failure prints the seed that replays it:
//! `RANDOM_LABS_SEED=17 RANDOM_LABS_SECS=0 cargo test --test random`.

use std::time::Duration as Real;

use netpier::lab::catalogue::{self, Device};
use netpier::lab::{Edit, History, Lab, LabCommand, LabError};
use netpier::rng::Rng;
use netpier::session::{
    DnsRecord, FixedPort, Forward, LinkConfig, NodeConfig, Reservation, ServiceConfig, Session,
};
use netpier::time::Duration;

/// Devices that a lab has at most.
const DEVICES: usize = 60;
/// Events that one stretch of time may take.
const EVENTS: u64 = 3_000;

/// Says which seed it was, when the test fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("replay: RANDOM_LABS_SEED={} RANDOM_LABS_SECS=0 cargo test --test random", self.0);
        }
    }
}

struct Play {
    rng: Rng,
    lab: Lab,
    session: Session,
    history: History,
    /// Labs as they were after each edit, as texts.
    texts: Vec<String>,
    /// The running lab is what the document says: no line has changed it otherwise.
    faithful: bool,
}

impl Play {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let names = ["empty", "empty", "street", "wifi", "storm", "home"];
        let mut lab = Lab::builtin(names[rng.below(names.len() as u32) as usize]).expect("built in");
        lab.seed = seed;
        let session = lab.boot().expect("a built-in lab boots");
        let texts = vec![lab.to_json()];
        Self { rng, lab, session, history: History::default(), texts, faithful: true }
    }

    fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { self.rng.below(n as u32) as usize }
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn node(&mut self) -> Option<NodeConfig> {
        let at = self.below(self.lab.nodes.len());
        self.lab.nodes.get(at).cloned()
    }

    /// A node and one of its ports.
    fn end(&mut self) -> Option<(String, netpier::wire::IfName)> {
        let node = self.node()?;
        let at = self.below(node.ports.len());
        Some((node.id.clone(), node.ports.get(at)?.name))
    }

    /// A free socket, most of the time.
    fn free_end(&mut self) -> Option<(String, netpier::wire::IfName)> {
        (0..6).find_map(|_| {
            let end = self.end()?;
            let bridge = self
                .lab
                .nodes
                .iter()
                .any(|n| n.ports.iter().any(|p| n.id == end.0 && p.bridge == Some(end.1)));
            let used = self.lab.links.iter().any(|l| l.a == end || l.b == end);
            (!used && !bridge).then_some(end)
        })
    }

    /// An address of few, so that some meet.
    fn address(&mut self) -> String {
        let (net, host) = (self.below(3), self.below(6) + 1);
        format!("192.168.{net}.{host}")
    }

    fn edit(&mut self) -> Option<Edit> {
        let pos = (self.below(2_000) as i32, self.below(1_000) as i32);
        Some(match self.below(16) {
            0..=3 if self.lab.nodes.len() < DEVICES => {
                let kinds = Device::ALL;
                let device = kinds[self.below(kinds.len())];
                catalogue::add(&self.lab, device, pos)?
            }
            0..=7 => Edit::AddLink(LinkConfig::new(self.free_end()?, self.free_end()?)),
            8 => Edit::RemoveNode { id: self.node()?.id },
            9 => {
                let (node, port) = self.end()?;
                Edit::RemoveLink { node, port }
            }
            10 => Edit::MoveNode { id: self.node()?.id, pos },
            11 => {
                let at = self.below(self.lab.links.len());
                let mut link = self.lab.links.get(at)?.clone();
                link.latency_us = self.below(5_000) as u32;
                link.loss_per_mille = if self.one_in(2) { self.below(300) as u16 } else { 0 };
                link.down = self.one_in(4);
                Edit::SetLink(link)
            }
            12 => {
                let id = self.node()?.id;
                let to = if self.one_in(2) { id.clone() } else { catalogue::free_id(&self.lab, "renamed") };
                Edit::RenameNode { id, to, name: Some("a name".into()) }
            }
            13 => {
                let mut node = self.node()?;
                let at = self.below(node.ports.len());
                let address = self.address();
                let port = node.ports.get_mut(at)?;
                port.dhcp = !port.dhcp && port.bridge.is_none();
                port.address = if port.dhcp { None } else { format!("{address}/24").parse().ok() };
                if self.one_in(3) {
                    node.resolvers = vec![self.address().parse().ok()?];
                }
                if self.one_in(4) {
                    node.services.clear();
                }
                for service in &mut node.services {
                    if let ServiceConfig::Dns { records, cache, .. } = service {
                        *cache = !*cache;
                        let ttl = self.below(100) as u32;
                        records.push(DnsRecord {
                            ttl,
                            ..DnsRecord::a("nas.example.com", address.parse().ok()?)
                        });
                    }
                }
                Edit::SetNode(Box::new(node))
            }
            14 => self.router()?,
            _ => {
                let count = self.below(4) + 1;
                Edit::Batch((0..count).filter_map(|_| self.edit()).collect())
            }
        })
    }

    fn router(&mut self) -> Option<Edit> {
        let node = self.lab.nodes.iter().find(|n| n.router.is_some())?.clone();
        let mut router = node.router?;
        let to: std::net::Ipv4Addr = self.address().parse().ok()?;
        router.nat = !self.one_in(4);
        router.random_ports = self.one_in(2);
        router.hairpin = self.one_in(2);
        let port = self.below(5_000) as u16 + 1;
        let last = self.one_in(2).then_some(port + 5);
        let proto = ["tcp", "udp", "both"][self.below(3)].to_owned();
        router.forwards = vec![Forward { proto: proto.clone(), port, last, to, to_port: 80 }];
        router.fixed_ports = vec![FixedPort { proto, from: to, from_port: 6000, port: 7000 }];
        match &mut router.dhcp {
            Some(dhcp) if self.one_in(2) => {
                dhcp.lease_secs = 10 + self.below(90) as u32;
                let mac = format!("02:00:00:00:00:{port:02x}", port = port % 256).parse().ok()?;
                dhcp.reservations = vec![Reservation { mac, address: to }];
            }
            _ => {}
        }
        if let Some(dns) = &mut router.dns {
            dns.names = vec![DnsRecord::a("nas.lan", to)];
        }
        if self.one_in(4) {
            router.dhcp = None;
        }
        Some(Edit::SetRouter { node: node.id, router: Box::new(router) })
    }

    /// As the page does it: to the document and to the running lab, both or neither.
    fn apply(&mut self, edit: &Edit) {
        let mut after = self.lab.clone();
        let before = self.lab.to_json();
        if edit.apply(&mut after).is_err() {
            assert_eq!(self.lab.to_json(), before, "a refused edit changes nothing: {edit:?}");
            return;
        }
        let seq = self.session.world.log.next_seq();
        if let Err(error) = edit.apply_live(&mut self.session) {
            assert_eq!(self.session.world.log.next_seq(), seq, "{edit:?}: {error}");
            assert!(!self.faithful, "the document takes it, the running lab does not: {edit:?}: {error}");
            return;
        }
        let live: Vec<_> = self.session.nodes().iter().map(|n| n.config.clone()).collect();
        assert_eq!(live, after.nodes, "{edit:?}");
        let old = std::mem::replace(&mut self.lab, after);
        self.history.record(old);
        self.texts.push(self.lab.to_json());
    }

    fn line(&mut self) -> Option<()> {
        let at = self.node()?.id;
        let (to, port) = (self.address(), self.below(3));
        let dev = self.end()?.1;
        let line = match self.below(22) {
            0 | 1 => format!("ping -c 2 -W 1 {to}"),
            2 => format!("ping -c 1 -s 3000 {to}"),
            3 => format!("curl -s -m 2 http://{to}/"),
            4 => "curl -s -m 2 http://example.com/".to_owned(),
            5 => format!("udpq {to} 5000 {}", 6000 + port),
            6 => format!("arping -c 1 -w 1 {to}"),
            7 => format!("dhclient -r {dev}"),
            8 => format!("dhclient -1 {dev}"),
            9 => format!("ip link set {dev} down; ip link set {dev} up"),
            10 => format!("ip addr add {to}/24 dev {dev}"),
            11 => "ip neigh flush all".to_owned(),
            13 => format!("iptables -I INPUT -s {to} -j DROP; iptables -D INPUT 1"),
            14 => format!(
                "ip route replace 10.0.0.0/8 via {to}; ip route get 10.0.0.1; ip route flush 10.0.0.0/8"
            ),
            15 => format!("traceroute -n -q 1 -w 1 -m 3 {to}"),
            16 => format!("dig +short +tries=1 +time=1 @{to} nas.lan & sleep 1"),
            17 => format!("nc -z -w 1 {to} 80 || [[ {to} == 192.* ]]"),
            18 => format!("timeout 1 tcpdump -c 3 -i {dev} icmp or arp & ping -c 1 -W 1 {to}"),
            19 => "docker network create net1; docker run -d --network net1 --name web nginx".to_owned(),
            20 => "docker rm -f web; docker network rm net1".to_owned(),
            21 => "conntrack -L; conntrack -F; ss -tan; sysctl -w net.ipv4.ip_forward=1".to_owned(),
            12 => "docker run -d -p 8080:80 nginx".to_owned(),
            _ => "ping -c 1 -b 255.255.255.255".to_owned(),
        };
        let id = self.session.exec(&at, &line).ok()?;
        self.run();
        if self.one_in(2) {
            self.session.interrupt(id);
        }
        let job = self.session.job(id)?;
        if !job.mutations.is_empty() {
            self.faithful = false;
            for run in job.mutations.clone() {
                let before = self.lab.clone();
                if Edit::Command(LabCommand { at: at.clone(), run }).apply(&mut self.lab).is_ok() {
                    self.history.record(before);
                    self.texts.push(self.lab.to_json());
                }
            }
        }
        Some(())
    }

    fn run(&mut self) {
        let until = self.session.world.now() + Duration::from_millis(self.rng.below(3_000).into());
        let handled = self.session.world.events_handled();
        self.session.run_through(until, EVENTS);
        assert!(self.session.world.events_handled() - handled <= EVENTS);
    }

    /// Undo or redo, as the page does it: another lab is opened. One that no longer opens, because
    /// a command of it fails there, leaves things as they are.
    fn reopen(&mut self, lab: Lab) -> bool {
        match lab.boot() {
            Ok(session) => {
                (self.lab, self.session) = (lab, session);
                self.faithful = self.lab.commands.is_empty();
                true
            }
            Err(LabError::Command { .. }) => false,
            Err(error) => panic!("{error}\n{}", lab.to_json()),
        }
    }

    fn balance(&self) {
        let world = &self.session.world;
        let fate = world.log.fate();
        assert_eq!(fate.sent + fate.copied, fate.delivered + fate.dropped + world.in_flight(), "{fate:?}");
        assert!(world.in_flight() < 100_000);
        let spaces = world.namespaces().count();
        assert!(spaces <= self.session.nodes().len() + 40, "{spaces} namespaces");
    }
}

fn play(seed: u64) {
    let _seed = Seed(seed);
    let mut play = Play::new(seed);
    let steps = 20 + play.below(120);
    for _ in 0..steps {
        match play.below(10) {
            0..=5 => {
                if let Some(edit) = play.edit() {
                    play.apply(&edit);
                }
            }
            6 | 7 => {
                play.line();
            }
            8 => play.run(),
            _ if play.one_in(6) => {
                // Undo and redo are one another's undoing.
                let (mut history, now) = (play.history.clone(), play.lab.clone());
                if let Some(before) = history.undo(&now)
                    && play.reopen(before.clone())
                {
                    assert_eq!(history.redo(&before).as_ref(), Some(&now));
                    if !play.reopen(now) {
                        (play.history, play.texts) = (History::default(), vec![before.to_json()]);
                    }
                }
            }
            _ => {}
        }
        play.balance();
    }
    // Save, open, save.
    let text = play.lab.to_json();
    assert_eq!(Lab::from_json(&text).expect("what was written can be read").to_json(), text);
    // Undo to the start, redo to the end: the same labs.
    let mut now = play.lab.clone();
    let mut undone = Vec::new();
    while let Some(before) = play.history.undo(&now) {
        undone.push(now.to_json());
        now = before;
    }
    assert_eq!(now.to_json(), play.texts[0]);
    while let Some(after) = play.history.redo(&now) {
        now = after;
        assert_eq!(Some(now.to_json()), undone.pop());
    }
    assert_eq!(now.to_json(), text);
}

#[test]
#[allow(clippy::disallowed_methods)] // real time is the budget here, and steers nothing
fn random_labs_under_random_edits_and_traffic_stay_whole() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let first = number("RANDOM_LABS_SEED").unwrap_or(1);
    let begin = std::time::Instant::now();
    let budget = Real::from_secs(number("RANDOM_LABS_SECS").unwrap_or(8));
    let mut seed = first;
    loop {
        play(seed);
        seed += 1;
        if begin.elapsed() >= budget {
            break;
        }
    }
    println!("{} labs, seeds {first} to {}", seed - first, seed - 1);
}
