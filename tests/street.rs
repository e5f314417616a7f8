//! The street: labs built from the palette's devices, as somebody at the page builds them.

use netpier::guest::dhcp;
use netpier::lab::catalogue::{self, Device};
use netpier::lab::{Edit, Lab};
use netpier::session::{
    Condition, FixedPort, Forward, LinkConfig, NodeConfig, Reservation, Session, router_rules,
};
use netpier::stack::{DropReason, Step};
use netpier::time::Duration;
use netpier::wire::summary;

/// A lab that is edited while it runs.
struct Street {
    lab: Lab,
    session: Session,
}

impl Street {
    fn empty() -> Self {
        let lab = Lab::builtin("empty").expect("built in");
        let session = lab.boot().expect("it boots");
        Self { lab, session }
    }

    /// The internet, a router, and two computers at its LAN ports.
    fn home() -> Self {
        let mut street = Self::empty();
        for device in [Device::Internet, Device::Router, Device::Computer, Device::Computer] {
            street.add(device);
        }
        for (a, port_a, b, port_b) in [
            ("router", "wan0", "isp", "home1"),
            ("computer", "eth0", "router", "lan1"),
            ("computer-2", "eth0", "router", "lan2"),
        ] {
            street.cable(a, port_a, b, port_b);
            street.settle();
        }
        street
    }

    fn edit(&mut self, edit: &Edit) {
        self.try_edit(edit).expect("it can be done");
    }

    fn try_edit(&mut self, edit: &Edit) -> Result<(), String> {
        let mut after = self.lab.clone();
        edit.apply(&mut after).map_err(|e| e.to_string())?;
        edit.apply_live(&mut self.session).map_err(|e| e.to_string())?;
        self.lab = after;
        Ok(())
    }

    fn add(&mut self, device: Device) {
        let edit = catalogue::add(&self.lab, device, (0, 0)).expect("there is room");
        self.edit(&edit);
    }

    fn cable(&mut self, a: &str, port_a: &str, b: &str, port_b: &str) {
        let end = |node: &str, port: &str| (node.to_owned(), port.parse().expect("a good name"));
        self.edit(&Edit::AddLink(LinkConfig::new(end(a, port_a), end(b, port_b))));
    }

    fn unplug(&mut self, node: &str, port: &str) {
        self.edit(&Edit::RemoveLink { node: node.into(), port: port.parse().expect("a good name") });
    }

    fn set(&mut self, id: &str, change: impl FnOnce(&mut NodeConfig)) {
        let mut node = self.lab.nodes.iter().find(|n| n.id == id).expect("it is there").clone();
        change(&mut node);
        self.edit(&Edit::SetNode(Box::new(node)));
    }

    /// Runs until nothing is under way.
    fn settle(&mut self) {
        self.session.run(self.session.world.now() + Duration::from_secs(100), 200_000);
    }

    fn wait(&mut self, secs: u64) {
        self.session.run_through(self.session.world.now() + Duration::from_secs(secs), 1_000_000);
    }

    /// stdout and stderr.
    fn run(&mut self, at: &str, line: &str) -> String {
        let job = self.session.run_line(at, line, Duration::from_secs(200)).expect("the place is there");
        job.stdout() + &job.stderr()
    }

    fn address(&mut self, at: &str, port: &str) -> String {
        let text = self.run(at, &format!("ip -4 -br addr show {port}"));
        text.split_whitespace().nth(2).unwrap_or_default().to_owned()
    }

    /// The DHCP messages since record `from`, by name.
    fn dhcp_since(&self, from: u64) -> Vec<String> {
        let log = &self.session.world.log;
        let sent = log.iter_from(from).filter(|(_, r)| matches!(r.step, Step::Transmit { .. }));
        let mut lines: Vec<String> = sent
            .map(|(seq, _)| summary(&log.bytes(seq)).to_string())
            .filter_map(|line| line.split("DHCP ").nth(1).map(str::to_owned))
            .collect();
        // A bridge repeats it.
        lines.dedup();
        lines
    }

    fn now(&self) -> u64 {
        self.session.world.log.next_seq()
    }
}

#[test]
fn a_home_gets_its_addresses_from_the_isp_and_the_router() {
    let mut street = Street::home();
    assert_eq!(street.address("router", "wan0"), "150.150.0.1/24");
    assert_eq!(street.address("computer", "eth0"), "192.168.0.100/24");
    assert_eq!(street.address("computer-2", "eth0"), "192.168.0.101/24");
    assert_eq!(street.run("computer", "ip route show default"), "default via 192.168.0.1 dev eth0 \n");
    assert_eq!(street.run("computer", "cat /etc/resolv.conf"), "nameserver 192.168.0.1\n");
    assert!(street.run("computer", "ping -c 1 93.184.216.34").contains(" 0% packet loss"));
    assert!(street.run("computer-2", "curl -s http://example.com/").contains("example.com"));
}

#[test]
fn an_address_is_discovered_offered_requested_and_acknowledged() {
    let mut street = Street::home();
    street.unplug("computer", "eth0");
    street.settle();
    assert_eq!(street.address("computer", "eth0"), "", "no cable, no address");
    street.add(Device::Computer);
    let from = street.now();
    street.cable("computer-3", "eth0", "router", "lan1");
    street.settle();
    assert_eq!(
        street.dhcp_since(from),
        ["Discover", "Offer 192.168.0.102", "Request 192.168.0.102", "ACK 192.168.0.102"]
    );
    let from = street.now();
    street.cable("computer", "eth0", "router", "lan3");
    street.settle();
    assert_eq!(
        street.dhcp_since(from),
        ["Request 192.168.0.100", "ACK 192.168.0.100"],
        "it asks for its own"
    );
    assert_eq!(street.address("computer", "eth0"), "192.168.0.100/24");
}

#[test]
fn a_lease_is_renewed_at_half_its_time_and_lost_when_the_server_is_gone() {
    let mut street = Street::home();
    street.set("router", |node| {
        node.router.as_mut().unwrap().dhcp.as_mut().unwrap().lease_secs = 600;
    });
    street.run("computer", "dhclient -r eth0");
    assert_eq!(street.address("computer", "eth0"), "");
    let said = street.run("computer", "dhclient -v eth0");
    assert!(said.ends_with("bound to 192.168.0.100 -- renewal in 299 seconds.\n"), "{said}");
    let from = street.now();
    street.wait(301);
    assert_eq!(street.dhcp_since(from), ["Request 192.168.0.100", "ACK 192.168.0.100"]);
    // The server is off: asked at T1, again, then everybody at T2; then the address is gone.
    street.set("router", |node| node.router.as_mut().unwrap().dhcp = None);
    street.wait(590);
    assert_eq!(street.address("computer", "eth0"), "192.168.0.100/24");
    street.wait(30);
    assert_eq!(street.address("computer", "eth0"), "");
    let said = street.run("computer", "dhclient -v eth0");
    assert!(said.contains("No DHCPOFFERS received.\n"), "{said}");
}

#[test]
fn a_released_address_is_given_to_nobody_else_while_others_are_free_and_reservations_are_kept() {
    let mut street = Street::home();
    assert!(street.run("computer", "dhclient -v -r eth0").contains("DHCPRELEASE of 192.168.0.100 on eth0"));
    street.settle();
    let machine = |s: &Street| s.session.node("router").unwrap().machine;
    let leases = dhcp::leases(&street.session.world.machine(machine(&street)).unwrap().files);
    let rows: Vec<_> = leases.iter().map(|l| (l.address.to_string(), l.host.as_str(), l.active)).collect();
    assert_eq!(
        rows,
        [("192.168.0.100".into(), "computer", false), ("192.168.0.101".into(), "computer-2", true)]
    );
    let mac = leases[1].mac;
    street.set("router", |node| {
        let dhcp = node.router.as_mut().unwrap().dhcp.as_mut().unwrap();
        dhcp.reservations = vec![Reservation { mac, address: [192, 168, 0, 50].into() }];
    });
    street.run("computer-2", "dhclient -r eth0; dhclient eth0");
    assert_eq!(street.address("computer-2", "eth0"), "192.168.0.50/24");
}

#[test]
fn a_client_declines_an_address_that_somebody_has() {
    let mut street = Street::home();
    street.set("computer-2", |node| {
        node.ports[0].dhcp = false;
        node.ports[0].address = Some("192.168.0.102/24".parse().unwrap());
        node.gateway = Some([192, 168, 0, 1].into());
    });
    assert_eq!(street.address("computer-2", "eth0"), "192.168.0.102/24");
    street.add(Device::Computer);
    let from = street.now();
    street.cable("computer-3", "eth0", "router", "lan3");
    street.settle();
    street.wait(15);
    assert_eq!(
        street.dhcp_since(from),
        [
            "Discover",
            "Offer 192.168.0.102",
            "Request 192.168.0.102",
            "ACK 192.168.0.102",
            "Decline 192.168.0.102",
            "Discover",
            "Offer 192.168.0.103",
            "Request 192.168.0.103",
            "ACK 192.168.0.103"
        ]
    );
}

#[test]
fn the_wrong_way_round_a_router_gives_no_addresses_and_gets_none() {
    let mut street = Street::home();
    street.unplug("router", "wan0");
    street.unplug("router", "lan1");
    street.cable("computer", "eth0", "router", "wan0");
    street.cable("isp", "home1", "router", "lan1");
    street.settle();
    assert_eq!(street.address("computer", "eth0"), "");
    assert_eq!(street.address("router", "wan0"), "");
}

#[test]
fn two_homes_stand_on_one_street() {
    let mut street = Street::home();
    street.add(Device::Router);
    street.add(Device::Computer);
    street.cable("router-2", "wan0", "isp", "home2");
    street.cable("computer-3", "eth0", "router-2", "lan1");
    street.settle();
    assert_eq!(street.address("router-2", "wan0"), "150.150.0.2/24");
    assert_eq!(street.address("computer-3", "eth0"), "192.168.1.100/24");
    street.set("router-2", |node| {
        let forward =
            Forward { proto: "tcp".into(), port: 80, last: None, to: [192, 168, 1, 100].into(), to_port: 80 };
        node.router.as_mut().unwrap().forwards = vec![forward];
    });
    street.set("computer-3", |node| {
        node.services =
            vec![serde_json::from_str(r#"{"service": "run", "run": "httpd --title neighbour"}"#).unwrap()];
    });
    assert!(street.run("computer", "curl -s http://150.150.0.2/").contains("neighbour"));
}

#[test]
fn stations_share_the_air_and_speak_with_their_own_address_only() {
    let mut street = Street::home();
    street.unplug("computer", "eth0");
    street.unplug("computer-2", "eth0");
    street.cable("computer", "wlan0", "router", "wlan0");
    street.cable("router", "wlan0", "computer-2", "wlan0");
    street.settle();
    let (one, two) = (street.address("computer", "wlan0"), street.address("computer-2", "wlan0"));
    assert_eq!((one.as_str(), two.as_str()), ("192.168.0.102/24", "192.168.0.103/24"));
    assert!(street.run("computer", "ping -c 1 192.168.0.103").contains(" 0% packet loss"));
    assert!(street.run("computer", "ping -c 1 93.184.216.34").contains(" 0% packet loss"));
    assert_eq!(
        street.run("computer", "ip route show default"),
        "default via 192.168.0.1 dev wlan0 metric 600 \n"
    );
    street.run(
        "computer",
        "ip link set wlan0 address 02:00:00:00:00:99 2>/dev/null; arping -c 1 -w 1 -I wlan0 192.168.0.1",
    );
    // With a cable too, the cable comes first.
    street.cable("computer", "eth0", "router", "lan1");
    street.settle();
    assert!(street.run("computer", "ip route get 8.8.8.8").contains("dev eth0"));
    street.unplug("computer-2", "wlan0");
    street.settle();
    assert_eq!(street.address("computer-2", "wlan0"), "");
    assert_ne!(street.address("computer", "wlan0"), "");
    let busy = LinkConfig::new(
        ("computer".into(), "wlan0".parse().unwrap()),
        ("isp".into(), "home2".parse().unwrap()),
    );
    assert!(street.try_edit(&Edit::AddLink(busy)).unwrap_err().contains("has a cable already"));
    assert_eq!(Lab::from_json(&street.lab.to_json()).unwrap(), street.lab);
}

#[test]
fn two_switches_cabled_twice_storm_and_come_to_rest_when_a_cable_is_pulled() {
    let mut street = Street::empty();
    for device in [Device::Switch, Device::Switch, Device::Computer, Device::Computer] {
        street.add(device);
    }
    for (i, id) in ["computer", "computer-2"].into_iter().enumerate() {
        street.set(id, |node| {
            node.ports[0].dhcp = false;
            node.ports[0].address = Some(format!("10.0.0.{}/24", i + 1).parse().unwrap());
        });
    }
    street.cable("computer", "eth0", "switch", "port1");
    street.cable("computer-2", "eth0", "switch-2", "port1");
    street.cable("switch", "port2", "switch-2", "port2");
    assert!(street.run("computer", "ping -c 1 10.0.0.2").contains(" 0% packet loss"));
    street.cable("switch", "port3", "switch-2", "port3");
    let before = street.session.world.events_handled();
    street.run("computer", "arping -c 1 -w 1 10.0.0.9");
    street.settle();
    let events = street.session.world.events_handled() - before;
    assert!((1_000..20_000).contains(&events), "a storm, and it ends: {events} events");
    let storm = |s: &Session| s.conditions().iter().any(|c| matches!(c, Condition::Storm { .. }));
    let log = &street.session.world.log;
    let named = |r: &Step| matches!(r, Step::Dropped { reason: DropReason::StormLimit, .. });
    assert!(log.iter_from(0).any(|(_, r)| named(&r.step)));
    street.run("computer", "ip neigh flush all; ping -c 1 -W 1 10.0.0.2");
    assert!(storm(&street.session));
    street.unplug("switch", "port3");
    street.wait(2);
    assert!(!storm(&street.session));
    street.run("computer", "ip neigh flush all");
    assert!(street.run("computer", "ping -c 2 10.0.0.2").contains(" 0% packet loss"));
}

#[test]
fn an_address_that_is_there_twice_is_noticed() {
    let mut street = Street::home();
    for id in ["computer", "computer-2"] {
        street.set(id, |node| {
            node.ports[0].dhcp = false;
            node.ports[0].address = Some("192.168.0.50/24".parse().unwrap());
        });
    }
    let holders =
        vec![("computer".into(), "eth0".parse().unwrap()), ("computer-2".into(), "eth0".parse().unwrap())];
    let condition = Condition::AddressTwice { address: [192, 168, 0, 50].into(), holders };
    assert_eq!(street.session.conditions(), [condition]);
    street.run("computer", "ping -c 1 192.168.0.1");
    let log = &street.session.world.log;
    let noticed = log.iter_from(0).find_map(|(_, r)| match r.step {
        Step::AddressConflict { addr, .. } => Some((street.session.place_of_ns(r.ns), addr.to_string())),
        _ => None,
    });
    assert_eq!(noticed, Some((Some("computer-2".into()), "192.168.0.50".into())));
    assert_eq!(Lab::from_json(&street.lab.to_json()).unwrap(), street.lab);
}

impl Street {
    fn open(name: &str) -> Self {
        let lab = Lab::builtin(name).expect("built in");
        let session = lab.boot().expect("it boots");
        Self { lab, session }
    }
}

#[test]
fn every_computer_of_the_gallery_has_an_address_and_the_street_is_reached() {
    for name in Lab::builtin_names() {
        let mut street = Street::open(name);
        assert_eq!(street.session.conditions(), [], "{name}");
        let nodes = street.lab.nodes.clone();
        for node in nodes.iter().filter(|n| n.ports.iter().any(|p| p.dhcp)) {
            let port = node.ports.iter().find(|p| p.dhcp).unwrap().name;
            assert_ne!(street.address(&node.id, port.as_str()), "", "{name}: {}", node.id);
        }
        // A cable that is lossy loses some.
        let at = nodes.iter().find(|n| n.ports.iter().any(|p| p.dhcp && p.wifi.is_none()));
        if let Some(at) = at {
            let said = street.run(&at.id, "ping -c 1 example.com");
            assert!(said.contains(" 0% packet loss"), "{name}: {}: {said}", at.id);
        }
    }
}

#[test]
fn two_computers_with_the_same_source_port_get_two_public_ports() {
    let mut street = Street::open("nat");
    assert_eq!(street.address("pc1", "eth0"), "10.0.0.1/24");
    let seen = |street: &mut Street, at: &str| street.run(at, "udpq 93.184.216.34 5000 6000");
    let (one, two) = (seen(&mut street, "pc1"), seen(&mut street, "pc2"));
    assert!(one.contains(r#""peer": "150.150.0.1", "peer_port": 6000"#), "{one}");
    assert!(two.contains(r#""peer": "150.150.0.1""#) && !two.contains("6000"), "{two}");
    let fixed = |proto: &str, port| FixedPort {
        proto: proto.into(),
        from: [10, 0, 0, 2].into(),
        from_port: 6000,
        port,
    };
    street.set("router", |node| {
        let router = node.router.as_mut().unwrap();
        (router.random_ports, router.fixed_ports) = (true, vec![fixed("both", 50_000)]);
    });
    street.wait(60);
    let (one, two) = (seen(&mut street, "pc1"), seen(&mut street, "pc2"));
    assert!(!one.contains("6000"), "a random one: {one}");
    assert!(two.contains("50000"), "the fixed one: {two}");
    // The rules shown beside the form are those that are there.
    let config = street.session.node("router").unwrap().config.clone();
    let there = street.run("router", "iptables -t nat -S; iptables -S");
    for rule in router_rules(&config) {
        let rule = rule.trim_start_matches("-t nat ").replacen("-I ", "-A ", 1);
        assert!(there.contains(&rule), "{rule} is not in\n{there}");
    }
}

#[test]
fn a_range_is_forwarded_and_a_hairpin_leads_back_in() {
    let mut street = Street::open("nat");
    street.set("pc1", |node| {
        node.services = vec![
            serde_json::from_str(
                r#"{"service": "run", "run": "env SERVE_NAME=pc1 serve tcp:9000 tcp:9001 udp:9001"}"#,
            )
            .unwrap(),
        ];
    });
    let forward = Forward {
        proto: "both".into(),
        port: 8000,
        last: Some(8001),
        to: [10, 0, 0, 1].into(),
        to_port: 9000,
    };
    street.set("router", |node| node.router.as_mut().unwrap().forwards = vec![forward.clone()]);
    for port in [8000, 8001] {
        let said = street.run("visitor", &format!("curl -s http://150.150.0.1:{port}/"));
        assert!(said.contains("pc1") && said.contains("203.0.113.7"), "{said}");
    }
    assert!(street.run("visitor", "udpq 150.150.0.1 8001").contains("pc1"));
    let inside = "curl -s -m 3 http://150.150.0.1:8000/; echo $?";
    assert!(!street.run("pc2", inside).contains("pc1"), "no hairpin, no way back in");
    street.set("router", |node| node.router.as_mut().unwrap().hairpin = true);
    let said = street.run("pc2", inside);
    assert!(said.contains("pc1") && said.contains("10.0.0.254"), "it seems to come from the router: {said}");
    let said = street.run("pc1", inside);
    assert!(said.contains("pc1"), "a server reaches itself by its public address: {said}");
}

#[test]
fn private_addresses_die_at_the_isp_and_the_reason_says_so() {
    let mut street = Street::open("nat");
    let said = street.run("visitor", "ping -c 1 -W 1 10.0.0.1");
    assert!(said.contains("From 203.0.113.1 icmp_seq=1 Destination Host Unreachable"), "{said}");
    street.set("router", |node| node.router.as_mut().unwrap().nat = false);
    street.run("pc1", "ping -c 1 -W 1 93.184.216.34");
    let log = &street.session.world.log;
    let isp = street.session.node("isp").unwrap();
    let mut reasons = log.iter_from(0).filter_map(|(_, r)| match r.step {
        Step::Dropped { reason, .. } if r.ns == isp.ns && reason != DropReason::ArpNotMine => Some(reason),
        _ => None,
    });
    let towards = reasons.next().unwrap();
    assert_eq!(towards, DropReason::UnreachableRoute { dst: [10, 0, 0, 1].into() });
    let Some(DropReason::Rule { rule, .. }) = reasons.next() else { panic!("no rule dropped it") };
    let rule = street.session.world.namespace(isp.ns).unwrap().nf.rule_text(rule);
    assert!(rule.contains("private source"));
}

#[test]
fn a_small_link_on_the_way_teaches_its_mtu_and_large_pings_are_put_together_again() {
    let mut street = Street::open("nat");
    assert!(street.run("pc1", "ping -c 1 -s 4000 93.184.216.34").contains("4008 bytes from 93.184.216.34"));
    let said = street.run("pc1", "ping -c 1 -M do -s 1472 93.184.216.34");
    assert!(said.contains(" 0% packet loss"), "{said}");
    let said = street.run("pc1", "ping -c 1 -M do -s 1473 93.184.216.34");
    assert!(said.contains("ping: sendmsg: Message too long\n"), "{said}");
    street.run("isp", "ip link set eth1 mtu 1400");
    street.run("example", "ip link set eth0 mtu 1400");
    let said = street.run("pc1", "ping -c 1 -W 1 -M do -s 1472 93.184.216.34");
    assert!(said.contains("Frag needed and DF set (mtu = 1400)"), "{said}");
    let said = street.run("pc1", "ping -c 1 -W 1 -M do -s 1472 93.184.216.34");
    assert!(said.contains("ping: sendmsg: Message too long\n"), "it has learnt: {said}");
    assert!(street.run("pc1", "ping -c 1 -s 4000 93.184.216.34").contains("4008 bytes"));
    assert!(street.run("pc1", "curl -s http://93.184.216.34/").len() > 10);
}
