//! Two namespaces on a cable: client 10.0.0.1, server 10.0.0.2, nobody at 10.0.0.3.

use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;
use crate::rng::Rng;
use crate::stack::{
    Cx, DeviceKind, DropReason, NetNs, NsId, Output, PacketIds, Record, Route, RouteKind, Scope, Step,
    StepLog, TimerKind,
};
use crate::time::{Duration, Instant};
use crate::wire::{Frame, Ipv4Net, Mac};

const LATENCY: Duration = Duration::from_micros(50);
const CLIENT: usize = 0;
const SERVER: usize = 1;
const A: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const B: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const NOBODY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 3);
const ME: Option<Pid> = Some(Pid(1));

enum What {
    Frame(Frame),
    Timer(TimerKind),
}

/// The two namespaces, the cable and the clock.
struct Pair {
    ns: Vec<NetNs>,
    now: Instant,
    log: StepLog,
    ids: PacketIds,
    queue: Vec<(Instant, u64, usize, What)>,
    order: u64,
    wakes: Vec<(usize, SocketId)>,
    loss_per_mille: u16,
    rng: Rng,
}

impl Pair {
    fn new() -> Self {
        let mut pair = Self {
            ns: (0..2).map(|n| NetNs::new(NsId(n), Rng::new(u64::from(n)))).collect(),
            now: Instant::ZERO,
            log: StepLog::default(),
            ids: PacketIds::default(),
            queue: Vec::new(),
            order: 0,
            wakes: Vec::new(),
            loss_per_mille: 0,
            rng: Rng::new(9),
        };
        for (n, addr) in [(CLIENT, A), (SERVER, B)] {
            pair.on(n, |ns, cx| {
                let mac = Mac([2, 0, 0, 0, 0, n as u8]);
                let dev = ns.add_device("eth0".parse().unwrap(), mac, DeviceKind::Ethernet, cx).unwrap();
                ns.set_carrier(dev, true, cx);
                ns.set_up(dev, true, cx).unwrap();
                ns.add_addr(dev, Ipv4Net::new(addr, 24).unwrap(), cx).unwrap();
            });
        }
        pair
    }

    /// A call at one end, with what follows from it put into the queue.
    fn on<R>(&mut self, n: usize, f: impl FnOnce(&mut NetNs, &mut Cx<'_>) -> R) -> R {
        let mut out = Vec::new();
        self.log.at(self.now, NsId(n as u32));
        let mut cx = Cx { now: self.now, log: &mut self.log, out: &mut out, ids: &mut self.ids };
        let result = f(&mut self.ns[n], &mut cx);
        for output in out {
            let (at, to, what) = match output {
                Output::Transmit { frame, .. } if self.rng.chance(self.loss_per_mille) => {
                    let reason = DropReason::LinkLoss;
                    self.log.packet(frame.id, Step::Dropped { dev: None, reason });
                    continue;
                }
                Output::Transmit { frame, .. } => (self.now + LATENCY, 1 - n, What::Frame(frame)),
                Output::Timer { at, kind } => (at, n, What::Timer(kind)),
                Output::Wake { socket, .. } => {
                    self.wakes.push((n, socket));
                    continue;
                }
                Output::Admin { .. } | Output::Beyond(_) => continue,
            };
            self.order += 1;
            self.queue.push((at, self.order, to, what));
        }
        result
    }

    /// The next event, if it is due at `until`.
    fn step(&mut self, until: Instant) -> bool {
        let next = (0..self.queue.len()).min_by_key(|&i| (self.queue[i].0, self.queue[i].1));
        let Some(i) = next.filter(|&i| self.queue[i].0 <= until) else {
            self.now = until;
            return false;
        };
        let (at, _, n, what) = self.queue.remove(i);
        self.now = self.now.max(at);
        self.on(n, |ns, cx| match what {
            What::Frame(frame) => {
                let dev = ns.device_named("eth0").unwrap().index;
                ns.receive(dev, frame, cx);
            }
            What::Timer(kind) => ns.on_timer(kind, cx),
        });
        true
    }

    fn run(&mut self, millis: u64) {
        let until = self.now + Duration::from_millis(millis);
        while self.step(until) {}
        self.check_conservation();
    }

    /// Whatever began has ended or is under way.
    fn check_conservation(&self) {
        let fate = self.log.fate();
        let on_wire = self.queue.iter().filter(|e| matches!(e.3, What::Frame(_))).count();
        let held: usize = self.ns.iter().map(NetNs::held).sum();
        let under_way = (on_wire + held) as u64;
        assert_eq!(fate.sent + fate.copied, fate.delivered + fate.dropped + under_way, "{fate:?}");
    }

    fn steps(&self) -> impl Iterator<Item = Record> {
        self.log.iter_from(0).map(|(_, record)| record)
    }
    fn has(&self, wanted: impl Fn(&Step) -> bool) -> bool {
        self.steps().any(|r| wanted(&r.step))
    }
    fn socket(&mut self, n: usize, kind: SocketKind) -> SocketId {
        self.on(n, |ns, _| ns.socket(ME, kind))
    }
    fn bound(&mut self, n: usize, kind: SocketKind, at: Endpoint) -> SocketId {
        let s = self.socket(n, kind);
        self.on(n, |ns, _| ns.bind(s, at)).unwrap();
        s
    }
    fn listener(&mut self, port: u16) -> SocketId {
        let s = self.bound(SERVER, SocketKind::Tcp, Endpoint::new(ANY.addr, port));
        self.on(SERVER, |ns, cx| ns.listen(s, 8, cx)).unwrap();
        s
    }
    fn connect(&mut self, to: Endpoint) -> SocketId {
        let s = self.socket(CLIENT, SocketKind::Tcp);
        assert_eq!(self.on(CLIENT, |ns, cx| ns.connect(s, to, cx)), Err(Errno::InProgress));
        s
    }
    fn result(&mut self, s: SocketId) -> Option<Result<(), Errno>> {
        self.on(CLIENT, |ns, _| ns.connect_result(s))
    }
    fn state(&self, n: usize, s: SocketId) -> Option<TcpState> {
        self.ns[n].socket_info(s).map(|i| i.state)
    }
    /// A connection: the listener, the client's end, the server's.
    fn connection(&mut self) -> (SocketId, SocketId, SocketId) {
        let listener = self.listener(80);
        let client = self.connect(Endpoint::new(B, 80));
        self.run(10);
        assert_eq!(self.result(client), Some(Ok(())));
        let server = self.on(SERVER, |ns, _| ns.accept(listener)).unwrap();
        (listener, client, server)
    }
    fn send(&mut self, n: usize, s: SocketId, data: &[u8]) -> Result<usize, Errno> {
        self.on(n, |ns, cx| ns.send(s, data, cx))
    }
    fn recv(&mut self, n: usize, s: SocketId) -> Result<Vec<u8>, Errno> {
        self.on(n, |ns, cx| ns.recv(s, 100_000, cx))
    }
    fn close(&mut self, n: usize, s: SocketId) {
        self.on(n, |ns, cx| ns.close(s, cx));
    }
    fn iptables(&mut self, n: usize, args: &str) {
        let args: Vec<_> = args.split_whitespace().collect();
        self.on(n, |ns, cx| ns.iptables(&args, cx)).unwrap();
    }
    fn option(&mut self, n: usize, s: SocketId, o: SocketOption) {
        self.on(n, |ns, _| ns.set_option(s, o)).unwrap();
    }
}

// ---- TCP

#[test]
fn a_request_and_its_answer_go_over_tcp_and_both_ends_close() {
    let mut pair = Pair::new();
    let (listener, client, server) = pair.connection();
    assert_eq!(pair.ns[SERVER].syn_ttl(server), Some(64));
    assert!(pair.wakes.contains(&(SERVER, listener)));
    assert!(pair.wakes.contains(&(CLIENT, client)));
    let info = pair.ns[SERVER].socket_info(server).unwrap();
    assert_eq!((info.local, info.owner), (Endpoint::new(B, 80), ME));

    assert_eq!(pair.send(CLIENT, client, b"GET /"), Ok(5));
    pair.run(10);
    assert_eq!(pair.recv(SERVER, server), Ok(b"GET /".to_vec()));
    assert_eq!(pair.recv(SERVER, server), Err(Errno::WouldBlock));
    pair.send(SERVER, server, b"hello").unwrap();
    pair.close(SERVER, server);
    pair.run(10);
    assert_eq!(pair.recv(CLIENT, client), Ok(b"hello".to_vec()));
    assert_eq!(pair.recv(CLIENT, client), Ok(Vec::new()));
    pair.close(CLIENT, client);
    pair.run(10);
    assert_eq!(pair.state(CLIENT, client), None);
    assert_eq!(pair.state(SERVER, server), Some(TcpState::TimeWait));
    pair.run(61_000);
    assert_eq!(pair.state(SERVER, server), None);
}

#[test]
fn one_may_talk_to_oneself_through_lo() {
    let mut pair = Pair::new();
    for to in [A, Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED] {
        let listener = pair.bound(CLIENT, SocketKind::Tcp, Endpoint::new(ANY.addr, 80));
        pair.on(CLIENT, |ns, cx| ns.listen(listener, 1, cx)).unwrap();
        let client = pair.connect(Endpoint::new(to, 80));
        pair.run(10);
        assert_eq!(pair.result(client), Some(Ok(())), "{to}");
        pair.close(CLIENT, listener);
    }
}

#[test]
fn a_closed_port_refuses() {
    let mut pair = Pair::new();
    let s = pair.connect(Endpoint::new(B, 81));
    pair.run(10);
    assert_eq!(pair.result(s), Some(Err(Errno::ConnRefused)));
    assert!(pair.has(|s| matches!(s, Step::NobodyListens { flow } if flow.dst == Endpoint::new(B, 81))));
    assert!(pair.has(|s| matches!(s, Step::ResetSent { .. })));
    let closed = DropReason::PortClosed { port: 81 };
    assert!(pair.has(|s| matches!(s, Step::Dropped { reason, .. } if *reason == closed)));
}

#[test]
fn a_host_without_an_answer_to_arp_is_unreachable_after_three_seconds() {
    let mut pair = Pair::new();
    let s = pair.connect(Endpoint::new(NOBODY, 80));
    pair.run(2900);
    assert_eq!(pair.result(s), None);
    pair.run(1000);
    assert_eq!(pair.result(s), Some(Err(Errno::HostUnreach)));
}

#[test]
fn no_route_is_told_at_once() {
    let mut pair = Pair::new();
    for kind in [SocketKind::Tcp, SocketKind::Udp, SocketKind::Ping] {
        let s = pair.socket(CLIENT, kind);
        let to = Endpoint::new(Ipv4Addr::new(192, 0, 2, 1), 80);
        assert_eq!(pair.on(CLIENT, |ns, cx| ns.connect(s, to, cx)), Err(Errno::NetUnreach));
    }
}

#[test]
fn a_rule_that_drops_makes_connect_time_out_and_one_that_rejects_refuses() {
    let mut pair = Pair::new();
    pair.listener(80);
    pair.iptables(SERVER, "-A INPUT -p tcp --dport 80 -j DROP");
    let s = pair.connect(Endpoint::new(B, 80));
    pair.run(130_000);
    assert_eq!(pair.result(s), None);
    pair.run(2000);
    assert_eq!(pair.result(s), Some(Err(Errno::TimedOut)));
    pair.iptables(SERVER, "-F INPUT");
    pair.iptables(SERVER, "-A INPUT -p tcp --dport 80 -j REJECT");
    let s = pair.connect(Endpoint::new(B, 80));
    pair.run(10);
    assert_eq!(pair.result(s), Some(Err(Errno::ConnRefused)));
    pair.iptables(SERVER, "-F INPUT");
    pair.iptables(SERVER, "-A INPUT -p tcp --dport 80 -j REJECT --reject-with icmp-host-prohibited");
    let s = pair.connect(Endpoint::new(B, 80));
    pair.run(10);
    assert_eq!(pair.result(s), Some(Err(Errno::HostUnreach)));
}

#[test]
fn a_rule_in_output_makes_tcp_wait_and_tells_udp_so() {
    let mut pair = Pair::new();
    pair.iptables(CLIENT, "-A OUTPUT -j DROP");
    let s = pair.connect(Endpoint::new(B, 80));
    pair.run(5000);
    assert_eq!(pair.result(s), None);
    let s = pair.socket(CLIENT, SocketKind::Udp);
    let sent = pair.on(CLIENT, |ns, cx| ns.send_to(s, Endpoint::new(B, 53), b"x", cx));
    assert_eq!(sent, Err(Errno::Perm));
}

#[test]
fn a_silent_peer_brings_retransmissions_that_the_trace_counts() {
    let mut pair = Pair::new();
    let (_, client, server) = pair.connection();
    pair.loss_per_mille = 1000;
    pair.send(CLIENT, client, b"x").unwrap();
    pair.run(1500);
    pair.loss_per_mille = 0;
    pair.run(2000);
    assert_eq!(pair.recv(SERVER, server), Ok(b"x".to_vec()));
    let attempts: Vec<_> = pair
        .steps()
        .filter_map(|r| match r.step {
            Step::Retransmit { attempt, .. } => Some(attempt),
            _ => None,
        })
        .collect();
    assert_eq!(attempts, [1, 2, 3, 4]); // after 0.2, 0.6 and 1.4 s in vain; at 3 s it gets through
}

#[test]
fn megabytes_arrive_whole_over_a_lossy_cable() {
    let mut pair = Pair::new();
    let (_, client, server) = pair.connection();
    pair.loss_per_mille = 20;
    let data: Vec<u8> = (0..1_000_000u32).map(|i| (i ^ (i >> 8)) as u8).collect();
    let (mut sent, mut got) = (0, Vec::new());
    let until = pair.now + Duration::from_secs(600);
    while got.len() < data.len() {
        if let Ok(n) = pair.send(CLIENT, client, &data[sent..]) {
            sent += n;
        }
        if let Ok(part) = pair.recv(SERVER, server) {
            got.extend(part);
        }
        assert!(pair.step(until), "{} of {} bytes", got.len(), data.len());
    }
    assert!(got == data);
    pair.check_conservation();
}

#[test]
fn a_full_backlog_lets_nobody_else_in_until_somebody_is_accepted() {
    let mut pair = Pair::new();
    let listener = pair.bound(SERVER, SocketKind::Tcp, Endpoint::new(ANY.addr, 80));
    pair.on(SERVER, |ns, cx| ns.listen(listener, 1, cx)).unwrap();
    for _ in 0..2 {
        let s = pair.connect(Endpoint::new(B, 80));
        pair.run(10);
        assert_eq!(pair.result(s), Some(Ok(())));
    }
    let third = pair.connect(Endpoint::new(B, 80));
    pair.run(10);
    assert_eq!(pair.result(third), None);
    assert!(pair.has(|s| matches!(s, Step::Dropped { reason: DropReason::BacklogFull, .. })));
    assert_eq!(pair.ns[SERVER].socket_info(listener).unwrap().recv_queue, 2);
    pair.on(SERVER, |ns, _| ns.accept(listener)).unwrap();
    pair.run(2000);
    assert_eq!(pair.result(third), Some(Ok(())));
}

#[test]
fn closing_a_listener_resets_who_waits() {
    let mut pair = Pair::new();
    let listener = pair.listener(80);
    let client = pair.connect(Endpoint::new(B, 80));
    pair.run(10);
    pair.close(SERVER, listener);
    pair.run(10);
    assert_eq!(pair.recv(CLIENT, client), Err(Errno::ConnReset));
    assert_eq!(pair.ns[SERVER].sockets(), []);
}

#[test]
fn a_port_can_be_bound_again_while_its_connections_linger_but_not_while_somebody_listens() {
    let mut pair = Pair::new();
    let (listener, client, server) = pair.connection();
    let at = |addr| Endpoint::new(addr, 80);
    let cases = [(ANY.addr, Errno::AddrInUse), (B, Errno::AddrInUse), (A, Errno::AddrNotAvail)];
    for (addr, error) in cases {
        let s = pair.socket(SERVER, SocketKind::Tcp);
        assert_eq!(pair.on(SERVER, |ns, _| ns.bind(s, at(addr))), Err(error), "{addr}");
    }
    pair.close(SERVER, listener);
    pair.close(SERVER, server);
    pair.run(10);
    pair.close(CLIENT, client);
    pair.run(10);
    assert_eq!(pair.state(SERVER, server), Some(TcpState::TimeWait));
    let strict = pair.socket(SERVER, SocketKind::Tcp);
    pair.option(SERVER, strict, SocketOption::ReuseAddr(false));
    assert_eq!(pair.on(SERVER, |ns, _| ns.bind(strict, at(ANY.addr))), Err(Errno::AddrInUse));
    pair.listener(80);
    let again = pair.connect(at(B));
    pair.run(10);
    assert_eq!(pair.result(again), Some(Ok(())));
}

#[test]
fn listeners_on_different_addresses_share_a_port_and_the_exact_one_wins() {
    let mut pair = Pair::new();
    let lo = pair.bound(SERVER, SocketKind::Tcp, Endpoint::new(Ipv4Addr::LOCALHOST, 80));
    let eth = pair.bound(SERVER, SocketKind::Tcp, Endpoint::new(B, 80));
    pair.on(SERVER, |ns, cx| ns.listen(lo, 1, cx)).unwrap();
    pair.on(SERVER, |ns, cx| ns.listen(eth, 1, cx)).unwrap();
    let s = pair.connect(Endpoint::new(B, 80));
    pair.run(10);
    assert_eq!(pair.result(s), Some(Ok(())));
    assert!(pair.on(SERVER, |ns, _| ns.accept(eth)).is_ok());
    assert_eq!(pair.on(SERVER, |ns, _| ns.accept(lo)), Err(Errno::WouldBlock));
}

#[test]
fn two_that_were_bound_alike_cannot_both_listen() {
    let mut pair = Pair::new();
    let one = pair.bound(SERVER, SocketKind::Tcp, Endpoint::new(ANY.addr, 80));
    let other = pair.bound(SERVER, SocketKind::Tcp, Endpoint::new(ANY.addr, 80));
    assert_eq!(pair.on(SERVER, |ns, cx| ns.listen(one, 1, cx)), Ok(()));
    assert_eq!(pair.on(SERVER, |ns, cx| ns.listen(other, 1, cx)), Err(Errno::AddrInUse));
}

#[test]
fn a_process_that_ends_closes_its_sockets() {
    let mut pair = Pair::new();
    let (_, client, _) = pair.connection();
    pair.on(SERVER, |ns, cx| ns.close_all_of(Pid(1), cx));
    pair.run(10);
    assert_eq!(pair.recv(CLIENT, client), Ok(Vec::new()));
    assert!(pair.ns[SERVER].sockets().iter().all(|s| s.owner.is_none()));
}

#[test]
fn a_late_segment_for_a_connection_that_is_gone_is_reset() {
    let mut pair = Pair::new();
    let (_, client, server) = pair.connection();
    pair.ns[SERVER].sockets.remove(server);
    pair.send(CLIENT, client, b"x").unwrap();
    pair.run(10);
    assert_eq!(pair.recv(CLIENT, client), Err(Errno::ConnReset));
    assert_eq!(pair.state(CLIENT, client), Some(TcpState::Closed));
}

#[test]
fn the_same_calls_give_the_same_trace() {
    let trace = || {
        let mut pair = Pair::new();
        pair.loss_per_mille = 100;
        let listener = pair.listener(80);
        for _ in 0..5 {
            pair.connect(Endpoint::new(B, 80));
        }
        pair.run(20_000);
        while let Ok(s) = pair.on(SERVER, |ns, _| ns.accept(listener)) {
            pair.send(SERVER, s, b"hello").unwrap();
            pair.close(SERVER, s);
        }
        pair.run(20_000);
        (pair.log.digest(), pair.log.next_seq())
    };
    assert_eq!(trace(), trace());
}

// ---- UDP

#[test]
fn a_datagram_arrives_with_its_sender_and_ttl_and_is_answered() {
    let mut pair = Pair::new();
    let server = pair.bound(SERVER, SocketKind::Udp, Endpoint::new(ANY.addr, 53));
    let client = pair.socket(CLIENT, SocketKind::Udp);
    pair.option(CLIENT, client, SocketOption::Ttl(9));
    pair.on(CLIENT, |ns, cx| ns.connect(client, Endpoint::new(B, 53), cx)).unwrap();
    assert_eq!(pair.send(CLIENT, client, b"who?"), Ok(4));
    pair.run(10);
    let question = pair.on(SERVER, |ns, _| ns.recv_from(server)).unwrap();
    assert_eq!((question.from.addr, question.to, question.ttl), (A, B, 9));
    assert_eq!(question.data, b"who?");
    assert!((32768..=60999).contains(&question.from.port));
    pair.on(SERVER, |ns, cx| ns.send_to(server, question.from, b"me", cx)).unwrap();
    pair.run(10);
    assert_eq!(pair.on(CLIENT, |ns, _| ns.recv_from(client)).unwrap().data, b"me");
    assert_eq!(pair.on(CLIENT, |ns, _| ns.recv_from(client)), Err(Errno::WouldBlock));
}

#[test]
fn a_closed_udp_port_is_told_to_connected_sockets_only() {
    let mut pair = Pair::new();
    let connected = pair.socket(CLIENT, SocketKind::Udp);
    pair.on(CLIENT, |ns, cx| ns.connect(connected, Endpoint::new(B, 53), cx)).unwrap();
    let loose = pair.socket(CLIENT, SocketKind::Udp);
    pair.send(CLIENT, connected, b"x").unwrap();
    pair.on(CLIENT, |ns, cx| ns.send_to(loose, Endpoint::new(B, 53), b"x", cx)).unwrap();
    pair.run(10);
    assert_eq!(pair.on(CLIENT, |ns, _| ns.recv_from(connected)), Err(Errno::ConnRefused));
    assert_eq!(pair.on(CLIENT, |ns, _| ns.recv_from(connected)), Err(Errno::WouldBlock));
    assert_eq!(pair.on(CLIENT, |ns, _| ns.recv_from(loose)), Err(Errno::WouldBlock));
}

#[test]
fn with_recverr_an_unconnected_socket_reads_who_said_what() {
    let mut pair = Pair::new();
    let s = pair.socket(CLIENT, SocketKind::Udp);
    pair.option(CLIENT, s, SocketOption::RecvErr(true));
    let to = Endpoint::new(B, 33434);
    pair.on(CLIENT, |ns, cx| ns.send_to(s, to, b"x", cx)).unwrap();
    pair.run(10);
    let error = pair.on(CLIENT, |ns, _| ns.take_icmp_error(s)).unwrap();
    assert_eq!((error.from, error.icmp_type, error.code, error.dst), (B, 3, 3, to));
    assert_eq!(pair.on(CLIENT, |ns, _| ns.take_icmp_error(s)), None);
}

#[test]
fn a_connected_udp_socket_hears_nobody_else() {
    let mut pair = Pair::new();
    let server = pair.bound(SERVER, SocketKind::Udp, Endpoint::new(B, 53));
    pair.on(SERVER, |ns, cx| ns.connect(server, Endpoint::new(A, 1111), cx)).unwrap();
    let stranger = pair.bound(CLIENT, SocketKind::Udp, Endpoint::new(A, 2222));
    let friend = pair.bound(CLIENT, SocketKind::Udp, Endpoint::new(A, 1111));
    for s in [stranger, friend] {
        pair.on(CLIENT, |ns, cx| ns.send_to(s, Endpoint::new(B, 53), b"x", cx)).unwrap();
    }
    pair.run(10);
    assert_eq!(pair.on(SERVER, |ns, _| ns.recv_from(server)).unwrap().from, Endpoint::new(A, 1111));
    assert_eq!(pair.on(SERVER, |ns, _| ns.recv_from(server)), Err(Errno::WouldBlock));
}

#[test]
fn a_udp_port_has_one_owner() {
    let mut pair = Pair::new();
    pair.bound(SERVER, SocketKind::Udp, Endpoint::new(ANY.addr, 53));
    let s = pair.socket(SERVER, SocketKind::Udp);
    assert_eq!(pair.on(SERVER, |ns, _| ns.bind(s, Endpoint::new(B, 53))), Err(Errno::AddrInUse));
    let tcp = pair.socket(SERVER, SocketKind::Tcp);
    assert_eq!(pair.on(SERVER, |ns, _| ns.bind(tcp, Endpoint::new(B, 53))), Ok(()));
}

#[test]
fn a_broadcast_needs_leave_and_reaches_all_who_listen() {
    let mut pair = Pair::new();
    let one = pair.bound(SERVER, SocketKind::Udp, Endpoint::new(ANY.addr, 67));
    let client = pair.socket(CLIENT, SocketKind::Udp);
    pair.option(CLIENT, client, SocketOption::Device("eth0".parse().unwrap()));
    let all = Endpoint::new(Ipv4Addr::BROADCAST, 67);
    assert_eq!(pair.on(CLIENT, |ns, cx| ns.send_to(client, all, b"x", cx)), Err(Errno::Access));
    pair.option(CLIENT, client, SocketOption::Broadcast(true));
    assert_eq!(pair.on(CLIENT, |ns, cx| ns.send_to(client, all, b"x", cx)), Ok(1));
    pair.run(10);
    assert_eq!(pair.on(SERVER, |ns, _| ns.recv_from(one)).unwrap().to, Ipv4Addr::BROADCAST);
}

#[test]
fn a_full_receive_buffer_drops_and_says_so() {
    let mut pair = Pair::new();
    let server = pair.bound(SERVER, SocketKind::Udp, Endpoint::new(ANY.addr, 9));
    let client = pair.socket(CLIENT, SocketKind::Udp);
    for _ in 0..200 {
        pair.on(CLIENT, |ns, cx| ns.send_to(client, Endpoint::new(B, 9), &[0; 1400], cx)).unwrap();
        pair.run(1);
    }
    assert!(pair.has(|s| matches!(s, Step::Dropped { reason: DropReason::SocketBufferFull, .. })));
    assert!(pair.ns[SERVER].socket_info(server).unwrap().recv_queue <= 212_992);
}

#[test]
fn a_long_datagram_is_cut_unless_that_is_forbidden() {
    let mut pair = Pair::new();
    let server = pair.bound(SERVER, SocketKind::Udp, Endpoint::new(ANY.addr, 9));
    let client = pair.socket(CLIENT, SocketKind::Udp);
    let to = Endpoint::new(B, 9);
    assert_eq!(pair.on(CLIENT, |ns, cx| ns.send_to(client, to, &[7; 5000], cx)), Ok(5000));
    pair.run(10);
    assert_eq!(pair.on(SERVER, |ns, _| ns.recv_from(server)).unwrap().data, [7; 5000]);
    pair.option(CLIENT, client, SocketOption::DontFragment(true));
    pair.option(CLIENT, client, SocketOption::RecvErr(true));
    assert_eq!(pair.on(CLIENT, |ns, cx| ns.send_to(client, to, &[7; 5000], cx)), Err(Errno::MsgSize));
    assert_eq!(pair.on(CLIENT, |ns, _| ns.take_icmp_error(client)).unwrap().mtu, 1500);
    assert_eq!(pair.on(CLIENT, |ns, cx| ns.send_to(client, to, &[7; 65_508], cx)), Err(Errno::MsgSize));
}

// ---- ping

#[test]
fn an_echo_request_is_answered_to_the_socket_with_its_identifier() {
    let mut pair = Pair::new();
    let (one, other) = (pair.socket(CLIENT, SocketKind::Ping), pair.socket(CLIENT, SocketKind::Ping));
    for (s, seq) in [(one, 1), (other, 2)] {
        let sent = pair.on(CLIENT, |ns, cx| ns.send_to(s, Endpoint::new(B, 0), &[0, seq, 5, 5], cx));
        assert_eq!(sent, Ok(4));
    }
    pair.run(10);
    for (s, seq) in [(one, 1), (other, 2)] {
        let reply = pair.on(CLIENT, |ns, _| ns.recv_from(s)).unwrap();
        assert_eq!((reply.from.addr, reply.ttl, reply.data), (B, 64, vec![0, seq, 5, 5]));
        assert_eq!(pair.on(CLIENT, |ns, _| ns.recv_from(s)), Err(Errno::WouldBlock));
    }
}

#[test]
fn ping_learns_which_sequence_number_met_which_error() {
    let mut pair = Pair::new();
    let gateway = Route {
        prefix: "0.0.0.0/0".parse().unwrap(),
        kind: RouteKind::Unicast,
        via: Some(B),
        dev: None,
        src: None,
        scope: Scope::Global,
        kernel: false,
        metric: 0,
    };
    pair.on(CLIENT, |ns, cx| ns.add_route(gateway, cx)).unwrap();
    pair.ns[SERVER].sysctl.ip_forward = true;
    let s = pair.socket(CLIENT, SocketKind::Ping);
    pair.option(CLIENT, s, SocketOption::RecvErr(true));
    pair.option(CLIENT, s, SocketOption::Ttl(1));
    let far = Endpoint::new(NOBODY, 0);
    pair.on(CLIENT, |ns, cx| ns.send_to(s, far, &[0, 7], cx)).unwrap();
    pair.run(5000);
    let error = pair.on(CLIENT, |ns, _| ns.take_icmp_error(s)).unwrap();
    assert_eq!((error.from, error.icmp_type, error.code, error.seq), (A, 3, 1, 7), "nobody answers ARP");
    let beyond = Endpoint::new(Ipv4Addr::new(10, 0, 1, 1), 0);
    pair.on(CLIENT, |ns, cx| ns.send_to(s, beyond, &[0, 8], cx)).unwrap();
    pair.run(10);
    let error = pair.on(CLIENT, |ns, _| ns.take_icmp_error(s)).unwrap();
    assert_eq!((error.from, error.icmp_type, error.code, error.seq), (B, 3, 0, 8), "no route at the gateway");
    assert_eq!(pair.on(CLIENT, |ns, _| ns.recv_from(s)), Err(Errno::WouldBlock));
}

// ---- packet sockets

#[test]
fn a_packet_socket_sees_what_passes_and_sends_whole_frames() {
    let mut pair = Pair::new();
    let all = pair.socket(SERVER, SocketKind::Packet { arp_only: false });
    let arp = pair.socket(SERVER, SocketKind::Packet { arp_only: true });
    let sender = pair.socket(CLIENT, SocketKind::Packet { arp_only: true });
    assert_eq!(pair.send(CLIENT, sender, &[0; 60]), Err(Errno::NoDev));
    pair.option(CLIENT, sender, SocketOption::Device("eth0".parse().unwrap()));
    let s = pair.socket(CLIENT, SocketKind::Ping);
    pair.on(CLIENT, |ns, cx| ns.send_to(s, Endpoint::new(B, 0), &[0, 1], cx)).unwrap();
    pair.run(10);
    let mut seen = Vec::new();
    while let Ok(d) = pair.on(SERVER, |ns, _| ns.recv_from(all)) {
        seen.push((d.outgoing, d.data[12..14].to_vec()));
    }
    let (arp_type, ip_type) = (vec![8, 6], vec![8, 0]);
    assert_eq!(
        seen,
        [(false, arp_type.clone()), (true, arp_type), (false, ip_type.clone()), (true, ip_type)]
    );
    let question = pair.on(SERVER, |ns, _| ns.recv_from(arp)).unwrap().data;
    pair.send(CLIENT, sender, &question).unwrap();
    pair.run(10);
    assert!(pair.has(|s| matches!(s, Step::Sent { by } if *by == ME)));
    let mut answers = 0;
    while pair.on(CLIENT, |ns, _| ns.recv_from(sender)).is_ok_and(|_| true) {
        answers += 1;
    }
    assert_eq!(answers, 4, "the ARP of the ping, our question, its answer");
}

// ---- hostile bytes

/// An Ethernet frame for the server with this IPv4 payload, its headers right; the checksum of
/// TCP, UDP or ICMP is filled in where there is room for one.
fn frame_with(proto: u8, payload: &[u8]) -> Vec<u8> {
    use crate::wire::fmt::{Icmpv4Packet, IpProtocol, Ipv4Packet, TcpPacket, UdpPacket};
    let mut bytes = vec![2, 0, 0, 0, 0, SERVER as u8, 2, 0, 0, 0, 0, CLIENT as u8, 8, 0];
    bytes.resize(ETHERNET + 20, 0);
    bytes.extend_from_slice(payload);
    let total = bytes.len() - ETHERNET;
    let mut ip = Ipv4Packet::new_unchecked(&mut bytes[ETHERNET..]);
    ip.set_version(4);
    ip.set_header_len(20);
    ip.set_total_len(total as u16);
    ip.set_hop_limit(64);
    ip.set_next_header(IpProtocol::from(proto));
    ip.set_src_addr(A);
    ip.set_dst_addr(B);
    ip.fill_checksum();
    let body = &mut bytes[ETHERNET + 20..];
    match proto {
        1 if body.len() >= 8 => Icmpv4Packet::new_unchecked(body).fill_checksum(),
        6 if body.len() >= 20 => TcpPacket::new_unchecked(body).fill_checksum(&A.into(), &B.into()),
        17 if body.len() >= 8 => {
            let len = body.len() as u16;
            let mut udp = UdpPacket::new_unchecked(body);
            udp.set_len(len);
            udp.fill_checksum(&A.into(), &B.into());
        }
        _ => {}
    }
    bytes
}

proptest! {
    #[test]
    fn no_bytes_panic_and_every_packet_has_its_fate(
        packets in proptest::collection::vec(
            (prop_oneof![Just(1u8), Just(6), Just(17)], proptest::collection::vec(any::<u8>(), 0..64),
             prop_oneof![Just(0u8), Just(80), Just(53)], any::<bool>()),
            1..12,
        ),
    ) {
        let mut pair = Pair::new();
        pair.listener(80);
        pair.bound(SERVER, SocketKind::Udp, Endpoint::new(ANY.addr, 53));
        let dev = pair.ns[SERVER].device_named("eth0").unwrap().index;
        for (proto, mut payload, port, is_error) in packets {
            if proto == 1 && is_error && payload.len() > 28 {
                // Something that looks like an ICMP error about a packet of ours.
                payload[0] = 3;
                payload[8] = 0x45;
                payload[17] = [1, 6, 17][usize::from(payload[1]) % 3];
                payload[20..24].copy_from_slice(&B.octets());
                payload[24..28].copy_from_slice(&A.octets());
            } else if payload.len() > 12 {
                payload[2..4].copy_from_slice(&[0, port]);
                payload[12] = 0x50;
            }
            let bytes = frame_with(proto, &payload);
            pair.on(SERVER, |ns, cx| {
                let frame = Frame::new(cx.ids.next_id(), bytes);
                cx.log.packet(frame.id, Step::Sent { by: None });
                ns.receive(dev, frame, cx);
            });
        }
        pair.run(3000);
    }
}
