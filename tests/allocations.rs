//! A hop costs no memory: with the trace off, packets that cross many devices allocate as often as
//! packets that cross few.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used)] // all of it is set-up of a test

use std::alloc::System;

use netpier::sim::{LinkSpec, World};
use netpier::stack::{DevRef, DeviceKind, NsId, Route, RouteKind, Scope, Sink, SocketId, SocketKind};
use netpier::time::Instant;
use netpier::wire::{Endpoint, Ipv4Addr, Ipv4Net, Mac};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// client ─ router ─ … ─ router ─ server; each router translates, filters and tracks, and its way
/// onward goes through a bridge of its own.
struct Chain {
    world: World,
    client: (NsId, SocketId),
    server: (NsId, SocketId),
    to: Endpoint,
}

fn addr(link: usize, host: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, link as u8, host)
}

impl Chain {
    fn new(routers: usize) -> Self {
        let mut world = World::new(7);
        world.log.set_sink(Sink::Mute);
        let nodes: Vec<NsId> = (0..routers + 2).map(|_| world.add_namespace()).collect();
        let mut macs = 0;
        let mut port = |world: &mut World, ns: NsId, name: &str, kind: DeviceKind| {
            macs += 1;
            let dev = world.with(ns, |ns, cx| {
                let dev = ns.add_device(name.parse().unwrap(), Mac([2, 0, 0, 0, 0, macs]), kind, cx).unwrap();
                ns.set_up(dev, true, cx).unwrap();
                dev
            });
            DevRef { ns, dev: dev.unwrap() }
        };
        for (link, pair) in nodes.windows(2).enumerate() {
            let near = port(&mut world, pair[0], "out", DeviceKind::Ethernet);
            let far = port(&mut world, pair[1], "in", DeviceKind::Ethernet);
            let bridge = port(&mut world, pair[0], "br0", DeviceKind::Bridge(Box::default()));
            world.plug(near, far, LinkSpec::CABLE).unwrap();
            let master = world.with(pair[0], |ns, cx| ns.set_master(near.dev, Some(bridge.dev), cx));
            master.unwrap().unwrap();
            for (end, host) in [(bridge, 1), (far, 2)] {
                let net = Ipv4Net::new(addr(link, host), 24).unwrap();
                world.with(end.ns, |ns, cx| ns.add_addr(end.dev, net, cx)).unwrap().unwrap();
            }
            let route = Route {
                prefix: Ipv4Net::default(),
                kind: RouteKind::Unicast,
                via: Some(addr(link, 2)),
                dev: None,
                src: None,
                scope: Scope::Global,
                kernel: false,
                metric: 0,
            };
            world.with(pair[0], |ns, cx| ns.add_route(route, cx)).unwrap().unwrap();
        }
        for &router in &nodes[1..=routers] {
            world.with(router, |ns, cx| {
                ns.sysctl.ip_forward = true;
                for rule in [
                    "-t nat -A POSTROUTING -o br0 -j MASQUERADE",
                    "-P FORWARD DROP",
                    "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
                    "-A FORWARD -i in -j ACCEPT",
                ] {
                    ns.iptables(&rule.split(' ').collect::<Vec<_>>(), cx).unwrap();
                }
            });
        }
        let to = Endpoint::new(addr(routers, 2), 7);
        let mut socket = |ns: NsId, at: Endpoint| {
            let bound = world.with(ns, |ns, _| {
                let socket = ns.socket(None, SocketKind::Udp);
                ns.bind(socket, at).unwrap();
                socket
            });
            (ns, bound.unwrap())
        };
        let client = socket(nodes[0], Endpoint::new(Ipv4Addr::UNSPECIFIED, 9));
        let server = socket(nodes[routers + 1], to);
        Self { world, client, server, to }
    }

    /// `count` requests with their replies.
    fn ask(&mut self, count: usize) {
        for _ in 0..count {
            let to = self.to;
            let (ns, socket) = self.client;
            self.world.with(ns, |ns, cx| ns.send_to(socket, to, &[7; 56], cx)).unwrap().unwrap();
            self.world.run(Instant::FAR_FUTURE, u64::MAX);
            let (ns, socket) = self.server;
            self.world
                .with(ns, |ns, cx| {
                    let request = ns.recv_from(socket).expect("the request");
                    ns.send_to(socket, request.from, &request.data, cx).unwrap();
                })
                .unwrap();
            self.world.run(Instant::FAR_FUTURE, u64::MAX);
            let (ns, socket) = self.client;
            self.world.with(ns, |ns, _| ns.recv_from(socket).expect("the reply")).unwrap();
        }
    }
}

/// How often memory is asked for in a hundred rounds, once everything is warm: the least of some tries,
/// because the threads of the test harness are counted, too.
fn allocations(routers: usize) -> usize {
    (0..5).map(|_| allocations_once(routers)).min().unwrap()
}

fn allocations_once(routers: usize) -> usize {
    let mut chain = Chain::new(routers);
    chain.ask(50);
    let region = Region::new(COUNTING);
    chain.ask(100);
    let change = region.change();
    change.allocations + change.reallocations
}

#[test]
fn a_packet_over_twelve_routers_allocates_no_more_than_over_one() {
    let (near, far) = (allocations(1), allocations(12));
    assert_eq!(far, near);
    assert!(near <= 4 * 100, "a packet and its datagram, there and back: {near} for 100 rounds");
}
