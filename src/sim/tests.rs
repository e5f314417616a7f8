//! Small worlds, driven by hand: what the stack and the World do together.

use super::*;
use crate::stack::{
    DevRef, DeviceKind, DropReason, Errno, NeighState, NsId, Route, RouteKind, Scope, SocketId, SocketKind,
    SocketOption, Step,
};
use crate::time::{Duration, Instant};
use crate::wire::{Endpoint, IfIndex, Ipv4Addr, Ipv4Net, Mac, Summary, summary};
use proptest::prelude::*;

const FOREVER: u64 = u64::MAX;

/// A World under construction. Interfaces are `eth0` and so on, MACs by number.
struct Lab {
    world: World,
    macs: u32,
}

impl Lab {
    fn new() -> Self {
        Self { world: World::new(7), macs: 0 }
    }
    fn host(&mut self) -> NsId {
        self.world.add_namespace()
    }
    fn port(&mut self, ns: NsId, addr: Option<&str>) -> DevRef {
        self.macs += 1;
        let mac = Mac([2, 0, 0, 0, 0, self.macs as u8]);
        let name = format!("eth{}", self.world.namespace(ns).unwrap().devices().count() - 1);
        let dev = self.make(ns, &name, mac, DeviceKind::Ethernet);
        if let Some(addr) = addr {
            self.with(ns, |ns, cx| ns.add_addr(dev, addr.parse().unwrap(), cx)).unwrap();
        }
        DevRef { ns, dev }
    }
    fn make(&mut self, ns: NsId, name: &str, mac: Mac, kind: DeviceKind) -> IfIndex {
        self.with(ns, |ns, cx| {
            let dev = ns.add_device(name.parse().unwrap(), mac, kind, cx).unwrap();
            ns.set_up(dev, true, cx).unwrap();
            dev
        })
    }
    fn with<R>(
        &mut self,
        ns: NsId,
        f: impl FnOnce(&mut crate::stack::NetNs, &mut crate::stack::Cx<'_>) -> R,
    ) -> R {
        self.world.with(ns, f).unwrap()
    }
    fn cable(&mut self, a: DevRef, b: DevRef) -> LinkId {
        self.world.plug(a, b, LinkSpec::CABLE).unwrap()
    }
    fn gateway(&mut self, ns: NsId, via: &str) {
        let route = route("0.0.0.0/0", Some(via), RouteKind::Unicast);
        self.with(ns, |ns, cx| ns.add_route(route, cx)).unwrap();
    }
    /// A bridge with ports, and a host at each with 10.0.0.N.
    fn segment(&mut self, hosts: u8) -> (DevRef, Vec<DevRef>) {
        let switch = self.host();
        let bridge = self.make(switch, "br0", Mac::ZERO, DeviceKind::Bridge(Box::default()));
        let mut ends = Vec::new();
        for i in 1..=hosts {
            let ns = self.host();
            let end = self.port(ns, Some(&format!("10.0.0.{i}/24")));
            let port = self.port(switch, None);
            self.with(switch, |ns, cx| ns.set_master(port.dev, Some(bridge), cx)).unwrap();
            self.cable(end, port);
            ends.push(end);
        }
        (DevRef { ns: switch, dev: bridge }, ends)
    }
    /// Sends an echo request with 56 bytes of data.
    fn ping(&mut self, ns: NsId, to: &str, options: &[SocketOption]) -> SocketId {
        self.ping_with(ns, to, options, 56).unwrap()
    }
    fn ping_with(
        &mut self,
        ns: NsId,
        to: &str,
        options: &[SocketOption],
        len: usize,
    ) -> Result<SocketId, Errno> {
        let to = Endpoint::new(to.parse().unwrap(), 0);
        self.with(ns, |ns, cx| {
            let s = ns.socket(None, SocketKind::Ping);
            for option in options.iter().chain([&SocketOption::RecvErr(true)]) {
                ns.set_option(s, *option).unwrap();
            }
            let mut message = vec![0; 2 + len];
            message[1] = 1;
            ns.send_to(s, to, &message, cx).map(|_| s)
        })
    }
    fn settle(&mut self) {
        assert_eq!(self.world.run(Instant::FAR_FUTURE, 100_000), Progress::Quiet);
        let fate = self.world.log.fate();
        assert_eq!(fate.sent + fate.copied, fate.delivered + fate.dropped, "{fate:?}");
    }
    fn wait(&mut self, time: Duration) {
        let until = self.world.now() + time;
        assert_eq!(self.world.run_through(until, FOREVER), Progress::Time);
    }
    /// Who answered the ping, and with which TTL the answer came.
    fn answer(&mut self, ns: NsId, s: SocketId) -> Option<(Ipv4Addr, u8)> {
        self.with(ns, |ns, _| ns.recv_from(s)).ok().map(|d| (d.from.addr, d.ttl))
    }
    /// Type, code and sender of the ICMP error that came back.
    fn error(&mut self, ns: NsId, s: SocketId) -> Option<(u8, u8, String)> {
        let error = self.with(ns, |ns, _| ns.take_icmp_error(s))?;
        Some((error.icmp_type, error.code, error.from.to_string()))
    }
    fn drops(&self) -> Vec<DropReason> {
        let reason = |step: &Step| match step {
            Step::Dropped { reason, .. } => Some(*reason),
            _ => None,
        };
        self.world.log.iter_from(0).filter_map(|(_, r)| reason(&r.step)).collect()
    }
    /// What was put on links, from record `from` on.
    fn sent(&self, from: u64) -> Vec<Summary> {
        let log = &self.world.log;
        let all = log.iter_from(from).filter(|(_, r)| matches!(r.step, Step::Transmit { .. }));
        all.map(|(seq, _)| summary(&log.bytes(seq))).collect()
    }
    fn neighbour(&self, at: DevRef, addr: &str) -> Option<NeighState> {
        let addr: Ipv4Addr = addr.parse().unwrap();
        let all = self.world.namespace(at.ns).unwrap().neighbours(self.world.now());
        all.iter().find(|n| n.addr == addr).map(|n| n.state)
    }
}

fn route(prefix: &str, via: Option<&str>, kind: RouteKind) -> Route {
    Route {
        prefix: prefix.parse().unwrap(),
        kind,
        via: via.map(|v| v.parse().unwrap()),
        dev: None,
        src: None,
        scope: Scope::Global,
        kernel: false,
        metric: 0,
    }
}

/// left 10.0.1.2 - router 10.0.1.1, 10.0.2.1 - right 10.0.2.2
struct Routed {
    lab: Lab,
    left: DevRef,
    router: NsId,
    right: DevRef,
}

fn routed() -> Routed {
    let mut lab = Lab::new();
    let (a, router, b) = (lab.host(), lab.host(), lab.host());
    let left = lab.port(a, Some("10.0.1.2/24"));
    let right = lab.port(b, Some("10.0.2.2/24"));
    let near = lab.port(router, Some("10.0.1.1/24"));
    let far = lab.port(router, Some("10.0.2.1/24"));
    lab.cable(left, near);
    lab.cable(far, right);
    lab.gateway(a, "10.0.1.1");
    lab.gateway(b, "10.0.2.1");
    lab.with(router, |ns, _| ns.sysctl.ip_forward = true);
    Routed { lab, left, router, right }
}

#[test]
fn a_ping_crosses_a_router() {
    let Routed { mut lab, left, .. } = routed();
    let s = lab.ping(left.ns, "10.0.2.2", &[]);
    lab.settle();
    assert_eq!(lab.answer(left.ns, s), Some(("10.0.2.2".parse().unwrap(), 63)));
    assert_eq!(lab.drops(), []);
}

#[test]
fn every_checksum_on_the_way_is_right() {
    let Routed { mut lab, left, .. } = routed();
    lab.ping(left.ns, "10.0.2.2", &[]);
    lab.ping(left.ns, "10.0.2.2", &[SocketOption::Ttl(1)]);
    lab.settle();
    let sent = lab.sent(0);
    assert!(sent.iter().filter_map(Summary::ipv4).all(|p| p.checksum_ok), "{sent:?}");
    assert!(sent.iter().filter_map(Summary::ipv4).count() >= 6);
}

#[test]
fn the_ttl_runs_out_at_the_router_and_it_says_so_from_the_near_side() {
    let Routed { mut lab, left, .. } = routed();
    let s = lab.ping(left.ns, "10.0.2.2", &[SocketOption::Ttl(1)]);
    lab.settle();
    assert_eq!(lab.error(left.ns, s), Some((11, 0, "10.0.1.1".into())));
    assert_eq!(lab.drops(), [DropReason::TtlExceeded]);
}

#[test]
fn a_router_without_a_route_says_net_unreachable() {
    let Routed { mut lab, left, .. } = routed();
    let s = lab.ping(left.ns, "192.0.2.1", &[]);
    lab.settle();
    assert_eq!(lab.error(left.ns, s), Some((3, 0, "10.0.1.1".into())));
}

#[test]
fn an_unreachable_route_says_host_unreachable_and_a_blackhole_nothing() {
    let Routed { mut lab, left, router, .. } = routed();
    for (prefix, kind) in [("172.16.0.0/12", RouteKind::Unreachable), ("10.9.0.0/16", RouteKind::Blackhole)] {
        lab.with(router, |ns, cx| ns.add_route(route(prefix, None, kind), cx)).unwrap();
    }
    let near = lab.ping(left.ns, "172.17.0.2", &[]);
    let far = lab.ping(left.ns, "10.9.0.2", &[]);
    lab.settle();
    assert_eq!(lab.error(left.ns, near), Some((3, 1, "10.0.1.1".into())));
    assert_eq!(lab.error(left.ns, far), None);
    assert_eq!(lab.ping_with(router, "172.17.0.2", &[], 56), Err(Errno::HostUnreach));
}

#[test]
fn a_host_that_does_not_forward_drops_in_silence() {
    let Routed { mut lab, left, router, .. } = routed();
    lab.with(router, |ns, _| ns.sysctl.ip_forward = false);
    let s = lab.ping(left.ns, "10.0.2.2", &[]);
    lab.settle();
    assert_eq!((lab.answer(left.ns, s), lab.error(left.ns, s)), (None, None));
    assert_eq!(lab.drops(), [DropReason::ForwardingOff]);
}

#[test]
fn nobody_answers_arp_the_sender_hears_host_unreachable_after_three_seconds() {
    let mut lab = Lab::new();
    let (_, ends) = lab.segment(2);
    let asked = lab.world.log.next_seq();
    let s = lab.ping(ends[0].ns, "10.0.0.9", &[]);
    lab.settle();
    assert_eq!(
        lab.world.now(),
        Instant(3_012_001_000),
        "three questions, a tick each, and a moment through lo"
    );
    assert_eq!(lab.error(ends[0].ns, s), Some((3, 1, "10.0.0.1".into())));
    let next_hop = "10.0.0.9".parse().unwrap();
    assert!(lab.drops().contains(&DropReason::NoArpReply { next_hop }));
    assert_eq!(lab.neighbour(ends[0], "10.0.0.9"), Some(NeighState::Failed));
    let questions = lab.sent(asked).iter().filter(|f| f.ipv4().is_none()).count();
    assert_eq!(questions, 3 * 2, "each on the cable to the bridge and on the one behind it");
}

#[test]
fn a_router_tells_the_sender_that_the_last_neighbour_is_silent() {
    let Routed { mut lab, left, .. } = routed();
    let s = lab.ping(left.ns, "10.0.2.77", &[]);
    lab.settle();
    assert_eq!(lab.error(left.ns, s), Some((3, 1, "10.0.1.1".into())));
}

#[test]
fn an_asked_host_learns_the_asker_and_probes_it_five_seconds_later() {
    let mut lab = Lab::new();
    let (_, ends) = lab.segment(2);
    lab.ping(ends[0].ns, "10.0.0.2", &[]);
    lab.settle();
    assert_eq!(lab.neighbour(ends[0], "10.0.0.2"), Some(NeighState::Reachable));
    assert_eq!(lab.neighbour(ends[1], "10.0.0.1"), Some(NeighState::Delay));
    let mark = lab.world.log.next_seq();
    lab.wait(Duration::from_secs(6));
    let lines: Vec<_> = lab.sent(mark).iter().map(|f| (f.dst_mac, f.to_string())).collect();
    let question = "Request who-has 10.0.0.1 tell 10.0.0.2".to_owned();
    assert_eq!(lines[0], (Mac([2, 0, 0, 0, 0, 1]), question), "to the one asked, not to all");
    assert_eq!(lab.neighbour(ends[1], "10.0.0.1"), Some(NeighState::Reachable));
    lab.wait(Duration::from_secs(60));
    assert_eq!(lab.neighbour(ends[1], "10.0.0.1"), Some(NeighState::Stale));
}

#[test]
fn a_neighbour_that_vanished_fails_after_the_delay_and_three_probes() {
    let mut lab = Lab::new();
    let (_, ends) = lab.segment(2);
    lab.ping(ends[0].ns, "10.0.0.2", &[]);
    lab.settle();
    lab.wait(Duration::from_secs(60));
    lab.with(ends[1].ns, |ns, cx| ns.set_up(ends[1].dev, false, cx)).unwrap();
    let s = lab.ping(ends[0].ns, "10.0.0.2", &[]);
    lab.settle();
    assert_eq!(lab.error(ends[0].ns, s), None, "the stale address is still believed");
    lab.wait(Duration::from_millis(7_900));
    assert_eq!(lab.neighbour(ends[0], "10.0.0.2"), Some(NeighState::Probe));
    lab.wait(Duration::from_millis(200));
    assert_eq!(lab.neighbour(ends[0], "10.0.0.2"), Some(NeighState::Failed));
}

#[test]
fn a_bridge_floods_what_it_does_not_know_and_then_knows_it() {
    let mut lab = Lab::new();
    let (bridge, ends) = lab.segment(3);
    lab.ping(ends[0].ns, "10.0.0.2", &[]);
    lab.settle();
    let fdb = lab.world.namespace(bridge.ns).unwrap().fdb(bridge.dev, lab.world.now());
    let learned: Vec<_> = fdb.iter().filter(|e| !e.local).map(|e| (e.mac.0[5], e.port.0)).collect();
    assert_eq!(learned, [(1, 3), (3, 4)]);
    let mark = lab.world.log.next_seq();
    lab.ping(ends[0].ns, "10.0.0.2", &[]);
    lab.settle();
    assert_eq!(lab.sent(mark).len(), 4, "there and back, each over two cables and no third");
}

#[test]
fn a_bridge_forgets_after_five_minutes() {
    let mut lab = Lab::new();
    let (bridge, ends) = lab.segment(2);
    lab.ping(ends[0].ns, "10.0.0.2", &[]);
    lab.settle();
    lab.wait(Duration::from_secs(310));
    let fdb = lab.world.namespace(bridge.ns).unwrap().fdb(bridge.dev, lab.world.now());
    assert!(fdb.iter().all(|e| e.local), "{fdb:?}");
}

#[test]
fn a_bridge_takes_its_lowest_ports_address_and_its_ports_carrier() {
    let mut lab = Lab::new();
    let (bridge, ends) = lab.segment(2);
    let look = |lab: &Lab| {
        let device = lab.world.namespace(bridge.ns).unwrap().device(bridge.dev).unwrap();
        (device.mac, device.operstate())
    };
    assert_eq!(look(&lab), (Mac([2, 0, 0, 0, 0, 2]), "UP"));
    for end in &ends {
        lab.with(end.ns, |ns, cx| ns.set_up(end.dev, false, cx)).unwrap();
    }
    assert_eq!(look(&lab).1, "DOWN");
}

#[test]
fn the_host_is_a_member_of_its_bridge() {
    let mut lab = Lab::new();
    let (bridge, ends) = lab.segment(2);
    let net: Ipv4Net = "10.0.0.254/24".parse().unwrap();
    lab.with(bridge.ns, |ns, cx| ns.add_addr(bridge.dev, net, cx)).unwrap();
    let up = lab.ping(ends[0].ns, "10.0.0.254", &[]);
    let down = lab.ping(bridge.ns, "10.0.0.2", &[]);
    lab.settle();
    assert_eq!(lab.answer(ends[0].ns, up), Some(("10.0.0.254".parse().unwrap(), 64)));
    assert_eq!(lab.answer(bridge.ns, down), Some(("10.0.0.2".parse().unwrap(), 64)));
}

#[test]
fn own_addresses_are_reached_through_lo() {
    let mut lab = Lab::new();
    let (_, ends) = lab.segment(1);
    for to in ["127.0.0.1", "127.8.8.8", "10.0.0.1"] {
        let s = lab.ping(ends[0].ns, to, &[]);
        lab.settle();
        assert_eq!(lab.answer(ends[0].ns, s), Some((to.parse().unwrap(), 64)), "{to}");
    }
    assert_eq!(lab.world.frames_carried(), 0, "no cable has seen it");
}

#[test]
fn loopback_addresses_from_outside_are_martians() {
    let Routed { mut lab, left, router, right } = routed();
    lab.with(right.ns, |ns, cx| ns.add_addr(right.dev, "10.0.1.2/32".parse().unwrap(), cx)).unwrap();
    let own = route("10.0.1.0/24", Some("10.0.2.1"), RouteKind::Unicast);
    lab.with(right.ns, |ns, cx| ns.add_route(own, cx)).unwrap();
    lab.with(router, |ns, _| ns.sysctl.rp_filter = 1);
    // "right" has the address of "left": what it sends from there fails the reverse path test
    let source = Endpoint::new("10.0.1.2".parse().unwrap(), 0);
    lab.with(right.ns, |ns, cx| {
        let s = ns.socket(None, SocketKind::Ping);
        ns.bind(s, source).unwrap();
        ns.send_to(s, Endpoint::new("10.0.1.1".parse().unwrap(), 0), &[0; 10], cx).unwrap();
    });
    lab.settle();
    assert_eq!(lab.drops(), [DropReason::ReversePath { src: "10.0.1.2".parse().unwrap() }]);
    assert!(lab.ping_with(left.ns, "0.0.0.1", &[], 56).is_ok(), "it leaves, and ends at the router");
}

#[test]
fn a_packet_longer_than_the_next_link_is_refused_if_it_may_not_be_cut() {
    let Routed { mut lab, left, router, .. } = routed();
    lab.with(router, |ns, cx| ns.set_mtu(IfIndex(3), 1000, cx)).unwrap();
    let s = lab.ping_with(left.ns, "10.0.2.2", &[SocketOption::DontFragment(true)], 1200).unwrap();
    lab.settle();
    let error = lab.with(left.ns, |ns, _| ns.take_icmp_error(s)).unwrap();
    assert_eq!((error.icmp_type, error.code, error.mtu), (3, 4, 1000));
    assert_eq!(lab.drops(), [DropReason::FragmentationNeeded { mtu: 1000 }]);
    let again = lab.ping_with(left.ns, "10.0.2.2", &[SocketOption::DontFragment(true)], 1200);
    assert_eq!(again, Err(Errno::MsgSize), "the sender has learned the path's MTU");
}

#[test]
fn a_packet_that_may_be_cut_arrives_in_parts_and_is_whole_again() {
    let Routed { mut lab, left, right, router } = routed();
    // Both ends of the narrow link: what is longer than an interface takes does not get in.
    lab.with(router, |ns, cx| ns.set_mtu(IfIndex(3), 1000, cx)).unwrap();
    lab.with(right.ns, |ns, cx| ns.set_mtu(right.dev, 1000, cx)).unwrap();
    let s = lab.ping_with(left.ns, "10.0.2.2", &[SocketOption::DontFragment(false)], 4000).unwrap();
    lab.settle();
    let reply = lab.with(left.ns, |ns, _| ns.recv_from(s)).unwrap();
    assert_eq!(reply.data.len(), 4002);
    let largest = lab.sent(0).iter().map(|f| f.len).max();
    assert_eq!(largest, Some(1514));
}

#[test]
fn parts_without_the_rest_are_given_up_after_thirty_seconds() {
    let Routed { mut lab, left, .. } = routed();
    lab.ping(left.ns, "10.0.2.2", &[]);
    lab.settle();
    let lossy = LinkSpec { loss_per_mille: 500, ..LinkSpec::CABLE };
    lab.world.set_link(LinkId(1), lossy);
    lab.ping_with(left.ns, "10.0.2.2", &[SocketOption::DontFragment(false)], 9000).unwrap();
    lab.wait(Duration::from_secs(1));
    assert!(lab.world.in_flight() > 0, "some parts wait");
    lab.settle();
    assert!(lab.drops().contains(&DropReason::ReassemblyTimeout), "{:?}", lab.drops());
}

#[test]
fn a_translated_packet_that_may_be_cut_is_translated_whole() {
    let Routed { mut lab, left, router, .. } = routed();
    lab.with(router, |ns, cx| {
        ns.iptables(&["-t", "nat", "-A", "POSTROUTING", "-o", "eth1", "-j", "MASQUERADE"], cx).unwrap();
    });
    let s = lab.ping_with(left.ns, "10.0.2.2", &[SocketOption::DontFragment(false)], 4000).unwrap();
    lab.settle();
    assert_eq!(lab.with(left.ns, |ns, _| ns.recv_from(s)).unwrap().data.len(), 4002);
    let near_right = |f: &&Summary| f.ipv4().is_some_and(|p| p.dst == Ipv4Addr::new(10, 0, 2, 2));
    let sources: Vec<_> = lab.sent(0).iter().filter(near_right).map(|f| f.ipv4().unwrap().src).collect();
    assert!(sources.contains(&"10.0.2.1".parse().unwrap()), "{sources:?}");
}

#[test]
fn a_connection_is_forgotten_when_its_time_is_over() {
    let Routed { mut lab, left, router, .. } = routed();
    lab.with(router, |ns, cx| {
        ns.iptables(&["-t", "nat", "-A", "POSTROUTING", "-o", "eth1", "-j", "MASQUERADE"], cx).unwrap();
    });
    lab.ping(left.ns, "10.0.2.2", &[]);
    lab.settle();
    let known = |lab: &Lab| lab.world.namespace(router).unwrap().nf.ct.len();
    assert_eq!(known(&lab), 1);
    lab.wait(Duration::from_secs(29));
    assert_eq!(known(&lab), 1);
    lab.wait(Duration::from_secs(2));
    assert_eq!(known(&lab), 0, "an ICMP connection lives for 30 s");
}

#[test]
fn frames_on_a_cable_that_is_pulled_out_are_lost() {
    let mut lab = Lab::new();
    let (_, ends) = lab.segment(2);
    lab.ping(ends[0].ns, "10.0.0.2", &[]);
    assert_eq!(lab.world.in_flight(), 2, "the question, and the packet that waits for its answer");
    lab.world.unplug(LinkId(0));
    lab.settle();
    assert!(lab.drops().contains(&DropReason::LinkDown));
    let device = lab.world.namespace(ends[0].ns).unwrap().device(ends[0].dev).unwrap();
    assert!(!device.carrier && device.peer.is_none());
}

#[test]
fn a_namespace_that_goes_takes_its_packets_and_its_veth_ends() {
    let mut lab = Lab::new();
    let (host, container) = (lab.host(), lab.host());
    let mac = |n| Mac([2, 0, 0, 0, 1, n]);
    let name = |s: &str| s.parse().unwrap();
    let pair = lab.world.add_veth((host, name("veth0"), mac(1)), (container, name("eth0"), mac(2))).unwrap();
    lab.with(host, |ns, cx| ns.set_up(pair.0, true, cx)).unwrap();
    lab.with(container, |ns, cx| {
        ns.set_up(pair.1, true, cx).unwrap();
        ns.add_addr(pair.1, "10.0.0.2/24".parse().unwrap(), cx).unwrap();
    });
    lab.ping(container, "10.0.0.9", &[]);
    lab.world.remove_namespace(container);
    assert!(lab.world.namespace(host).unwrap().device(pair.0).is_none());
    lab.settle();
    assert_eq!(lab.world.links().count(), 0);
}

#[test]
fn a_moved_veth_end_arrives_down_and_without_address() {
    let mut lab = Lab::new();
    let (host, container) = (lab.host(), lab.host());
    let mac = |n| Mac([2, 0, 0, 0, 1, n]);
    let name = |s: &str| s.parse().unwrap();
    let pair = lab.world.add_veth((host, name("veth0"), mac(1)), (host, name("tmp"), mac(2))).unwrap();
    lab.with(host, |ns, cx| ns.add_addr(pair.1, "10.0.0.2/24".parse().unwrap(), cx)).unwrap();
    let at = DevRef { ns: host, dev: pair.1 };
    let dev = lab.world.move_device(at, container, name("eth0")).unwrap();
    let device = lab.world.namespace(container).unwrap().device(dev).unwrap();
    assert_eq!((device.mac, device.up, device.addrs.len()), (mac(2), false, 0));
    assert_eq!(device.peer, Some(DevRef { ns: host, dev: pair.0 }));
}

#[test]
fn a_device_down_loses_its_routes_and_gets_the_connected_one_back() {
    let Routed { mut lab, left, .. } = routed();
    let print = |lab: &Lab| {
        let ns = lab.world.namespace(left.ns).unwrap();
        ns.routes().iter().map(|r| ns.route_text(r)).collect::<Vec<_>>()
    };
    let connected = "10.0.1.0/24 dev eth0 proto kernel scope link src 10.0.1.2";
    assert_eq!(print(&lab), ["default via 10.0.1.1 dev eth0", connected]);
    lab.with(left.ns, |ns, cx| ns.set_up(left.dev, false, cx)).unwrap();
    assert_eq!(print(&lab), Vec::<String>::new());
    assert_eq!(lab.ping_with(left.ns, "10.0.2.2", &[], 56), Err(Errno::NetUnreach));
    lab.with(left.ns, |ns, cx| ns.set_up(left.dev, true, cx)).unwrap();
    assert_eq!(print(&lab), [connected]);
    lab.world.unplug(LinkId(0));
    assert_eq!(print(&lab), [format!("{connected} linkdown")]);
}

#[test]
fn a_storm_among_bridges_in_a_circle_stays_bounded() {
    let mut lab = Lab::new();
    let switches: Vec<_> = (0..3).map(|_| lab.host()).collect();
    let bridges: Vec<_> = switches
        .iter()
        .map(|ns| lab.make(*ns, "br0", Mac::ZERO, DeviceKind::Bridge(Box::default())))
        .collect();
    for i in 0..3 {
        let ends = [i, (i + 1) % 3].map(|s| {
            let port = lab.port(switches[s], None);
            lab.with(switches[s], |ns, cx| ns.set_master(port.dev, Some(bridges[s]), cx)).unwrap();
            port
        });
        lab.cable(ends[0], ends[1]);
    }
    for i in 0..3 {
        let host = lab.host();
        let end = lab.port(host, Some(&format!("10.0.0.{}/24", i + 1)));
        let port = lab.port(switches[i], None);
        lab.with(switches[i], |ns, cx| ns.set_master(port.dev, Some(bridges[i]), cx)).unwrap();
        lab.cable(end, port);
        lab.with(host, |ns, cx| ns.announce(end.dev, cx));
    }
    assert_eq!(lab.world.run(Instant::FAR_FUTURE, 20_000), Progress::Budget);
    assert!(lab.world.in_flight() < 1000, "{}", lab.world.in_flight());
}

#[test]
fn equal_worlds_have_equal_digests_and_snapshots_go_on_alike() {
    let run = || {
        let Routed { mut lab, left, .. } = routed();
        lab.ping(left.ns, "10.0.2.2", &[]);
        lab.ping(left.ns, "10.0.2.9", &[]);
        lab.settle();
        lab
    };
    let (a, mut b) = (run(), run());
    assert_eq!(a.world.log.digest(), b.world.log.digest());
    let mut copy = a.world.clone();
    b.wait(Duration::from_secs(60));
    copy.run_through(b.world.now(), FOREVER);
    assert_eq!(copy.log.digest(), b.world.log.digest());
}

// ---- hostile bytes

/// A change to a frame, made at a place that depends on its length.
#[derive(Debug, Clone)]
enum Spoil {
    /// Another byte.
    Byte(u16, u8),
    /// Cut off.
    Cut(u16),
    /// Longer, with zeroes.
    Grow(u16),
    /// The header's checksum is put right again, so that what follows is looked at, too.
    Mend,
}

fn spoil(bytes: &mut Vec<u8>, how: &Spoil) {
    let at = |n: u16| usize::from(n) % (bytes.len() + 1);
    match *how {
        Spoil::Byte(n, value) => {
            let at = at(n);
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        Spoil::Cut(n) => bytes.truncate(at(n)),
        Spoil::Grow(n) => bytes.resize(bytes.len() + usize::from(n % 300), 0),
        Spoil::Mend => {
            if let Some(Ok(mut ip)) = bytes.get_mut(14..).map(crate::wire::fmt::Ipv4Packet::new_checked) {
                ip.set_header_len(ip.header_len().max(20));
                ip.fill_checksum();
            }
        }
    }
}

/// Frames as they pass a router that translates: ARP, echo, errors, fragments, UDP, TCP.
fn frames_of_many_kinds() -> (Routed, Vec<Vec<u8>>) {
    let mut routed = routed();
    let Routed { lab, left, router, right } = &mut routed;
    lab.with(*router, |ns, cx| {
        for rule in [
            "-t nat -A POSTROUTING -o eth1 -j MASQUERADE",
            "-t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 10.0.2.2:80",
            "-A FORWARD -m conntrack --ctstate INVALID -j DROP",
            "-A FORWARD -p udp --dport 9 -j REJECT",
            "-A INPUT -p tcp --dport 7 -j REJECT --reject-with tcp-reset",
        ] {
            ns.iptables(&rule.split(' ').collect::<Vec<_>>(), cx).unwrap();
        }
    });
    let ends = (left.ns, right.ns);
    lab.ping(ends.0, "10.0.2.2", &[]);
    lab.ping(ends.0, "10.0.2.2", &[SocketOption::Ttl(1)]);
    lab.ping(ends.0, "10.0.2.77", &[]);
    lab.ping_with(ends.0, "10.0.2.2", &[SocketOption::DontFragment(false)], 3000).unwrap();
    for (kind, port) in [(SocketKind::Udp, 5), (SocketKind::Udp, 9)] {
        let to = Endpoint::new("10.0.2.2".parse().unwrap(), port);
        lab.with(ends.0, |ns, cx| {
            let s = ns.socket(None, kind);
            ns.send_to(s, to, b"some data", cx).unwrap();
        });
    }
    for port in [7, 80, 8080] {
        let to = Endpoint::new("10.0.1.1".parse().unwrap(), port);
        lab.with(ends.0, |ns, cx| {
            let s = ns.socket(None, SocketKind::Tcp);
            assert_eq!(ns.connect(s, to, cx), Err(Errno::InProgress));
        });
    }
    lab.settle();
    let log = &lab.world.log;
    let frames = log.iter_from(0).map(|(seq, _)| log.bytes(seq).to_vec()).filter(|b| !b.is_empty());
    let frames = frames.collect();
    (routed, frames)
}

fn spoils() -> impl Strategy<Value = Spoil> {
    prop_oneof![
        4 => (any::<u16>(), any::<u8>()).prop_map(|(n, b)| Spoil::Byte(n, b)),
        1 => any::<u16>().prop_map(Spoil::Cut),
        1 => any::<u16>().prop_map(Spoil::Grow),
        3 => Just(Spoil::Mend),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nothing panics, nothing is lost from the count, whatever comes in at a router, at a host, at
    /// the port of a bridge with iptables.
    #[test]
    fn any_bytes_on_the_wire_meet_a_noted_end(
        attacks in prop::collection::vec(
            (any::<u16>(), prop::collection::vec(spoils(), 0..5), 0usize..4), 1..60),
    ) {
        let (Routed { mut lab, left, router, right }, frames) = frames_of_many_kinds();
        let (bridge, ends) = lab.segment(2);
        lab.with(bridge.ns, |ns, _| ns.sysctl.bridge_nf_call_iptables = true);
        lab.with(bridge.ns, |ns, cx| ns.iptables(&["-A", "FORWARD", "-p", "icmp", "-j", "ACCEPT"], cx)).unwrap();
        prop_assert_eq!(ends.len(), 2);
        for (which, changes, place) in &attacks {
            let mut bytes = frames[usize::from(*which) % frames.len()].clone();
            for change in changes {
                spoil(&mut bytes, change);
            }
            let at = match place {
                0 => DevRef { ns: router, dev: IfIndex(2) },
                1 => left,
                2 => right,
                _ => DevRef { ns: bridge.ns, dev: IfIndex(3) },
            };
            lab.with(at.ns, |ns, cx| {
                let frame = crate::wire::Frame::new(cx.ids.next_id(), bytes);
                cx.log.packet(frame.id, Step::Sent { by: None });
                ns.receive(at.dev, frame, cx);
            });
        }
        lab.wait(Duration::from_secs(40));
        let fate = lab.world.log.fate();
        prop_assert_eq!(fate.sent + fate.copied, fate.delivered + fate.dropped + lab.world.in_flight());
    }
}
