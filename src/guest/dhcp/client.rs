//! `dhclient`: gets an address and keeps it, with the messages of ISC's client.
//!
//! It also does what a network manager does around it: it gives the address up when the cable is
//! pulled and asks for the same one when there is carrier again (INIT-REBOOT, RFC 2131 §3.2).

use std::net::Ipv4Addr;

use super::message::Message;
use super::{ClientLease, client_lease, client_leases};
use crate::guest::options::{Opt, Parsed, flag, parse, value};
use crate::guest::{Poll, Program, Signal, Sys};
use crate::stack::{Device, Route, RouteKind, Scope, SocketId, SocketKind, SocketOption};
use crate::time::{Duration, Instant};
use crate::wire::fmt::{
    ArpOperation, ArpPacket, ArpRepr, DHCP_CLIENT_PORT, DHCP_SERVER_PORT, DhcpMessageType, EthernetFrame,
    EthernetProtocol, EthernetRepr,
};
use crate::wire::{Endpoint, IfIndex, IfName, Ipv4Net, Mac};

/// The options of `dhclient`.
pub(in crate::guest) const OPTIONS: &[Opt] = &[
    flag(&["-1"], "try once", "한 번만 시도"),
    flag(&["-4"], "IPv4 (the only one there is)", "IPv4"),
    flag(&["-d"], "stay in the foreground", "앞에서 계속 실행"),
    value(&["-e"], "VAR=VALUE", "for the set-up: IF_METRIC=600", "설정에 쓸 변수"),
    flag(&["-q"], "say nothing", "조용히"),
    flag(&["-r"], "give the lease back and stop", "임대를 돌려주고 끝내기"),
    flag(&["-v"], "say what happens", "자세히 출력"),
    flag(&["-x"], "stop without giving the lease back", "임대를 돌려주지 않고 끝내기"),
];

/// Seconds from one question to the next, the last for all after it (RFC 2131 §4.1 without its randomness).
const INTERVALS: [u64; 4] = [3, 5, 8, 13];
/// How long the first attempt lasts (dhclient.conf's `timeout`).
const TIMEOUT: Duration = Duration::from_secs(60);
/// How long people are made to wait for a server that does not answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pause before the next attempt. ISC's `retry` is five minutes; a learner's cable is plugged
/// in sooner.
const RETRY: Duration = Duration::from_secs(30);
/// How long it listens for another holder of the address (RFC 5227 §2.1.1 waits longer).
const PROBE: Duration = Duration::from_millis(500);
/// The pause after an address was declined (RFC 2131 §3.1, step 5).
const DECLINED: Duration = Duration::from_secs(10);
/// A first moment, in which a client that runs already makes room.
const HANDOVER: Duration = Duration::from_micros(1);

/// The program.
#[derive(Debug, Clone)]
pub(in crate::guest) struct Client {
    args: Vec<String>,
    options: Parsed,
    ports: Vec<Port>,
    /// It runs in the background by now.
    daemon: bool,
}

/// One interface.
#[derive(Debug, Clone)]
struct Port {
    name: IfName,
    socket: Option<SocketId>,
    arp: Option<SocketId>,
    xid: u32,
    /// Since when it has been asking; None while nobody waits.
    began: Option<Instant>,
    state: State,
    /// What it holds, or held.
    lease: Option<ClientLease>,
    over: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum State {
    /// Another client may hold the port still.
    Handover {
        until: Instant,
    },
    /// To be asked for the last address, or for any.
    Init,
    NoCarrier,
    Selecting {
        tries: usize,
        next: Instant,
    },
    Requesting {
        offer: ClientLease,
        tries: usize,
        next: Instant,
    },
    Rebooting {
        tries: usize,
        next: Instant,
    },
    Probing {
        lease: ClientLease,
        until: Instant,
    },
    /// `asked`: when it asked for a renewal last.
    Bound {
        asked: Option<Instant>,
    },
    Sleeping {
        until: Instant,
    },
}

impl Client {
    /// From a command line.
    pub(in crate::guest) fn start(argv: &[String]) -> Box<dyn Program> {
        let args = argv.get(1..).unwrap_or_default().to_vec();
        Box::new(Self { args, options: Parsed::default(), ports: Vec::new(), daemon: false })
    }

    /// Options and interfaces. Err: what to say, and the exit status.
    fn begin(&mut self, sys: &mut Sys<'_>) -> Result<(), (String, i32)> {
        self.options = parse(OPTIONS, &self.args).map_err(|e| (format!("dhclient: {e}\n"), 1))?;
        let mut names: Vec<IfName> = Vec::new();
        for name in &self.options.operands {
            let known = sys.ns.device_named(name).map(|d| d.name);
            names.push(known.ok_or_else(|| {
                (format!("Error getting hardware address for \"{name}\": No such device\n\nexiting.\n"), 1)
            })?);
        }
        if names.is_empty() {
            let able = |d: &&Device| d.mac != Mac::ZERO && d.master.is_none();
            names = sys.ns.devices().filter(able).map(|d| d.name).collect();
        }
        let (now, pid) = (sys.now(), sys.pid.0);
        for name in names {
            let path = pid_file(name);
            if sys.files.get(&path).is_some() && (self.options.has("-r") || self.options.has("-x")) {
                sys.err("Killed old client process\n");
            }
            // Who holds the interface reads this, and leaves.
            let _ = sys.files.put(&path, format!("{pid}\n"));
            let held = client_lease(sys.files, name.as_str()).filter(|l| l.expire > now);
            self.ports.push(Port {
                name,
                socket: None,
                arp: None,
                xid: 0,
                began: Some(now),
                state: State::Handover { until: now + HANDOVER },
                lease: held,
                over: false,
            });
        }
        sys.ns.tell_watchers(&mut sys.cx);
        sys.ns.watch_devices(sys.pid);
        if self.options.has("-v") {
            sys.err("Internet Systems Consortium DHCP Client 4.4.3-P1\n\n".to_owned());
        }
        Ok(())
    }
}

impl Program for Client {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        if self.ports.is_empty() {
            if let Err((text, code)) = self.begin(sys) {
                sys.err(text);
                return Poll::Exit(code);
            }
            if self.ports.is_empty() {
                sys.err("No broadcast interfaces found - exiting.\n");
                return Poll::Exit(1);
            }
        }
        if let Some(signal @ (Signal::Int | Signal::Term)) = sys.signal {
            *sys.busy = false;
            return Poll::Exit(if signal == Signal::Int { 130 } else { 0 });
        }
        let talk = Talk { verbose: self.options.has("-v") && !self.daemon };
        let leaves = self.options.has("-r") || self.options.has("-x");
        for port in &mut self.ports {
            if leaves {
                port.leave(sys, talk, self.options.has("-r"));
            } else {
                port.go_on(sys, talk, self.options.get("-e"));
            }
        }
        self.ports.retain(|p| !p.over);
        if self.ports.is_empty() {
            *sys.busy = false;
            return Poll::Exit(0);
        }
        let now = sys.now();
        let waited = |p: &Port| p.began.is_some_and(|b| now < b + PATIENCE);
        let background = self.daemon || self.options.has("-d");
        *sys.busy = background && self.ports.iter().any(waited);
        for port in &self.ports {
            if let Some(began) = port.began {
                let limit = began + if background { PATIENCE } else { TIMEOUT };
                if now < limit {
                    sys.wake_at(limit);
                }
            }
        }
        if background || leaves {
            return Poll::Pending;
        }
        let bound = self.ports.iter().any(|p| matches!(p.state, State::Bound { .. }));
        let given_up = self.ports.iter().all(|p| p.began.is_none_or(|b| now >= b + TIMEOUT));
        if given_up && !bound {
            talk.say(sys, "No DHCPOFFERS received.\n");
            if self.options.has("-1") {
                talk.say(sys, "Unable to obtain a lease on first try.  Exiting.\n");
                return Poll::Exit(2);
            }
            talk.say(sys, "No working leases in persistent database - sleeping.\n");
        }
        if bound || given_up {
            self.daemon = true;
            *sys.busy = false;
            return Poll::Daemon(0);
        }
        Poll::Pending
    }
    fn name(&self) -> &str {
        "dhclient"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// `-v`.
#[derive(Debug, Clone, Copy)]
struct Talk {
    verbose: bool,
}

impl Talk {
    fn say(self, sys: &mut Sys<'_>, text: impl Into<String>) {
        if self.verbose {
            sys.err(text);
        }
    }
}

impl Port {
    /// Goes on as far as possible.
    fn go_on(&mut self, sys: &mut Sys<'_>, talk: Talk, metric: Option<&str>) {
        let mine = format!("{}\n", sys.pid.0);
        if sys.files.text(&pid_file(self.name)) != Some(mine.as_str()) {
            // Another client has taken over, or this one was told to stop.
            self.over = true;
            return;
        }
        let now = sys.now();
        let Some(device) = sys.ns.device_named(self.name.as_str()) else {
            self.over = true;
            return;
        };
        let (index, carrier) = (device.index, device.up && device.carrier);
        if let State::Handover { until } = self.state {
            if now < until {
                return sys.wake_at(until);
            }
            self.state = State::Init;
        }
        if !carrier {
            if !matches!(self.state, State::NoCarrier) {
                self.drop_address(sys, index);
                self.close(sys);
                self.state = State::NoCarrier;
            }
            // Nobody waits for a cable.
            self.began = None;
            return;
        }
        if self.state == State::NoCarrier {
            self.state = State::Init;
            self.began = Some(now);
        }
        if self.open(sys).is_err() {
            self.state = State::Sleeping { until: now + RETRY };
            self.began = None;
        }
        self.receive(sys, talk, index);
        self.timers(sys, talk, index, metric);
    }

    fn open(&mut self, sys: &mut Sys<'_>) -> Result<(), crate::stack::Errno> {
        if self.socket.is_some() {
            return Ok(());
        }
        let socket = sys.ns.socket(Some(sys.pid), SocketKind::Udp);
        let arp = sys.ns.socket(Some(sys.pid), SocketKind::Packet { arp_only: true });
        (self.socket, self.arp) = (Some(socket), Some(arp));
        sys.ns.set_option(arp, SocketOption::Device(self.name))?;
        sys.ns.set_option(socket, SocketOption::Device(self.name))?;
        sys.ns.set_option(socket, SocketOption::Broadcast(true))?;
        let bound = sys.ns.bind(socket, Endpoint::new(Ipv4Addr::UNSPECIFIED, DHCP_CLIENT_PORT));
        if bound.is_err() {
            self.close(sys);
        }
        bound
    }

    fn close(&mut self, sys: &mut Sys<'_>) {
        for socket in [self.socket.take(), self.arp.take()].into_iter().flatten() {
            sys.ns.close(socket, &mut sys.cx);
        }
    }

    fn receive(&mut self, sys: &mut Sys<'_>, talk: Talk, index: IfIndex) {
        let Some(socket) = self.socket else { return };
        let now = sys.now();
        let mac = sys.ns.device(index).map_or(Mac::ZERO, |d| d.mac);
        while let Ok(datagram) = sys.ns.recv_from(socket) {
            let Some(message) = Message::parse(&datagram.data) else { continue };
            if message.xid != self.xid || message.mac != mac {
                continue;
            }
            let server = message.server.unwrap_or(datagram.from.addr);
            match (message.kind, &self.state) {
                (DhcpMessageType::Offer, State::Selecting { .. }) => {
                    let Some(offer) = lease_of(&message, server, now) else { continue };
                    talk.say(sys, format!("DHCPOFFER of {} from {server}\n", message.yours));
                    self.state = State::Requesting { offer, tries: 0, next: now };
                }
                (
                    DhcpMessageType::Ack,
                    State::Requesting { .. } | State::Rebooting { .. } | State::Bound { asked: Some(_) },
                ) => {
                    let Some(lease) = lease_of(&message, server, now) else { continue };
                    talk.say(sys, format!("DHCPACK of {} from {server}\n", message.yours));
                    let renewed = matches!(self.state, State::Bound { .. });
                    if renewed && self.lease.as_ref().is_some_and(|l| l.address == lease.address) {
                        self.keep(sys, talk, lease);
                    } else {
                        self.probe(sys, index, lease.address.addr());
                        self.state = State::Probing { lease, until: now + PROBE };
                    }
                }
                (
                    DhcpMessageType::Nak,
                    State::Requesting { .. } | State::Rebooting { .. } | State::Bound { asked: Some(_) },
                ) => {
                    talk.say(sys, format!("DHCPNAK from {server}\n"));
                    self.lose(sys, index);
                    self.began = Some(now);
                    self.state = State::Init;
                }
                _ => {}
            }
        }
        self.listen(sys, talk, index, mac);
    }

    /// Looks for another holder of the address that is being probed (RFC 5227 §2.1.1).
    fn listen(&mut self, sys: &mut Sys<'_>, talk: Talk, index: IfIndex, mac: Mac) {
        let Some(arp) = self.arp else { return };
        let mut holder = None;
        while let Ok(frame) = sys.ns.recv_from(arp) {
            let State::Probing { lease, .. } = &self.state else { continue };
            let sender = sender(&frame.data).filter(|(m, a)| *a == lease.address.addr() && *m != mac);
            holder = holder.or(sender.filter(|_| !frame.outgoing));
        }
        let (Some((other, address)), State::Probing { lease, .. }) = (holder, &self.state) else { return };
        talk.say(sys, format!("DHCPDECLINE of {address} on {}: {other} has it\n", self.name));
        let mut decline = Message::new(DhcpMessageType::Decline, self.xid, mac);
        decline.requested = Some(address);
        decline.server = Some(lease.server);
        self.send(sys, Ipv4Addr::BROADCAST, &decline);
        self.lose(sys, index);
        self.state = State::Sleeping { until: sys.now() + DECLINED };
    }

    /// What is due.
    fn timers(&mut self, sys: &mut Sys<'_>, talk: Talk, index: IfIndex, metric: Option<&str>) {
        let now = sys.now();
        if self.state == State::Init {
            self.xid = sys.rng.next_u32();
            let known = self.lease.as_ref().is_some_and(|l| l.expire > now);
            self.state = if known {
                State::Rebooting { tries: 0, next: now }
            } else {
                State::Selecting { tries: 0, next: now }
            };
        }
        match self.state.clone() {
            State::Selecting { tries, next } if now >= next => {
                let wait = INTERVALS[tries.min(INTERVALS.len() - 1)];
                talk.say(
                    sys,
                    format!("DHCPDISCOVER on {} to 255.255.255.255 port 67 interval {wait}\n", self.name),
                );
                let mut message = self.message(sys, DhcpMessageType::Discover);
                let conf = sys.files.text("/etc/dhcp/dhclient.conf");
                message.requested = conf.and_then(|text| wished(text, self.name.as_str()));
                self.send(sys, Ipv4Addr::BROADCAST, &message);
                self.state = State::Selecting { tries: tries + 1, next: now + Duration::from_secs(wait) };
                if self.began.is_some_and(|b| now >= b + TIMEOUT) {
                    self.state = State::Sleeping { until: now + RETRY };
                }
            }
            State::Requesting { offer, tries, next } if now >= next => {
                if tries >= 3 {
                    self.state = State::Init;
                    return self.timers(sys, talk, index, metric);
                }
                let address = offer.address.addr();
                self.say_request(sys, talk, address, Ipv4Addr::BROADCAST);
                let mut message = self.message(sys, DhcpMessageType::Request);
                message.requested = Some(address);
                message.server = Some(offer.server);
                self.send(sys, Ipv4Addr::BROADCAST, &message);
                let next = now + Duration::from_secs(INTERVALS[tries]);
                self.state = State::Requesting { offer, tries: tries + 1, next };
            }
            State::Rebooting { tries, next } if now >= next => {
                let held = self.lease.as_ref().map(|l| l.address.addr()).filter(|_| tries < 2);
                let Some(address) = held else {
                    // Nobody knows it here: ask for any.
                    self.lease = None;
                    self.state = State::Init;
                    return self.timers(sys, talk, index, metric);
                };
                self.say_request(sys, talk, address, Ipv4Addr::BROADCAST);
                let mut message = self.message(sys, DhcpMessageType::Request);
                message.requested = Some(address);
                self.send(sys, Ipv4Addr::BROADCAST, &message);
                let next = now + Duration::from_secs(INTERVALS[tries]);
                self.state = State::Rebooting { tries: tries + 1, next };
            }
            State::Probing { lease, until } if now >= until => {
                self.drop_address(sys, index);
                self.take(sys, index, &lease, metric);
                self.keep(sys, talk, lease);
            }
            State::Bound { asked } => self.renew(sys, talk, index, asked),
            State::Sleeping { until } if now >= until => {
                self.state = State::Init;
                return self.timers(sys, talk, index, metric);
            }
            _ => {}
        }
        let due = match &self.state {
            State::Selecting { next, .. }
            | State::Requesting { next, .. }
            | State::Rebooting { next, .. } => Some(*next),
            State::Probing { until, .. } | State::Sleeping { until } => Some(*until),
            _ => None,
        };
        if let Some(due) = due {
            sys.wake_at(due);
        }
    }

    /// T1, T2 and the end of the lease (RFC 2131 §4.4.5).
    fn renew(&mut self, sys: &mut Sys<'_>, talk: Talk, index: IfIndex, asked: Option<Instant>) {
        let now = sys.now();
        let Some(lease) = self.lease.clone() else { return };
        if now >= lease.expire {
            self.lose(sys, index);
            self.state = State::Sleeping { until: now };
            sys.wake_at(now);
            return;
        }
        // Half of the time that is left until the next boundary, a minute at least.
        let boundary = if now >= lease.rebind { lease.expire } else { lease.rebind };
        let pause = |from: Instant| {
            let half = Duration(boundary.since(from).0 / 2).max(Duration::from_secs(60));
            (from + half).min(boundary)
        };
        let due = asked.map_or(lease.renew, pause);
        if now < due {
            return sys.wake_at(due);
        }
        let to = if now >= lease.rebind { Ipv4Addr::BROADCAST } else { lease.server };
        self.xid = sys.rng.next_u32();
        self.say_request(sys, talk, lease.address.addr(), to);
        let mut message = self.message(sys, DhcpMessageType::Request);
        message.client = lease.address.addr();
        self.send(sys, to, &message);
        self.state = State::Bound { asked: Some(now) };
        sys.wake_at(pause(now).max(now + Duration::from_secs(1)));
    }

    fn say_request(&self, sys: &mut Sys<'_>, talk: Talk, address: Ipv4Addr, to: Ipv4Addr) {
        talk.say(sys, format!("DHCPREQUEST for {address} on {} to {to} port 67\n", self.name));
    }

    fn message(&self, sys: &Sys<'_>, kind: DhcpMessageType) -> Message {
        let mac = sys.ns.device_named(self.name.as_str()).map_or(Mac::ZERO, |d| d.mac);
        let mut message = Message::new(kind, self.xid, mac);
        sys.hostname.clone_into(&mut message.host);
        let since = self.began.map_or(0, |b| sys.now().since(b).as_secs());
        message.secs = u16::try_from(since).unwrap_or(u16::MAX);
        message
    }

    fn send(&self, sys: &mut Sys<'_>, to: Ipv4Addr, message: &Message) {
        let Some(socket) = self.socket else { return };
        // What does not get out is sent again.
        let to = Endpoint::new(to, DHCP_SERVER_PORT);
        let _ = sys.ns.send_to(socket, to, &message.bytes(), &mut sys.cx);
    }

    /// Asks on the link who has the address, without giving one as its own.
    fn probe(&self, sys: &mut Sys<'_>, index: IfIndex, target: Ipv4Addr) {
        let (Some(arp), Some(device)) = (self.arp, sys.ns.device(index)) else { return };
        let question = ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Request,
            source_hardware_addr: device.mac.into(),
            source_protocol_addr: Ipv4Addr::UNSPECIFIED,
            target_hardware_addr: Mac::ZERO.into(),
            target_protocol_addr: target,
        };
        let ethernet = EthernetRepr {
            src_addr: device.mac.into(),
            dst_addr: Mac::BROADCAST.into(),
            ethertype: EthernetProtocol::Arp,
        };
        let mut bytes = vec![0; ethernet.buffer_len() + question.buffer_len()];
        let mut frame = EthernetFrame::new_unchecked(&mut bytes);
        ethernet.emit(&mut frame);
        question.emit(&mut ArpPacket::new_unchecked(frame.payload_mut()));
        let _ = sys.ns.send(arp, &bytes, &mut sys.cx);
    }

    /// Address, default route, resolvers: dhclient-script's part.
    fn take(&self, sys: &mut Sys<'_>, index: IfIndex, lease: &ClientLease, metric: Option<&str>) {
        // It may be there already, by hand.
        let _ = sys.ns.add_addr(index, lease.address, &mut sys.cx);
        sys.ns.set_broadcast(index, lease.address.addr());
        let metric = metric.and_then(|m| m.strip_prefix("IF_METRIC=")).and_then(|m| m.parse().ok());
        if let Some(via) = lease.router {
            let route = Route { metric: metric.unwrap_or(0), ..default_route(via, index) };
            // Another interface may have the way out.
            let _ = sys.ns.add_route(route, &mut sys.cx);
        }
        let superseded = sys.files.text("/etc/dhcp/dhclient.conf").and_then(superseded);
        let resolvers = superseded.unwrap_or_else(|| lease.resolvers.clone());
        if !resolvers.is_empty() {
            let text: String = resolvers.iter().map(|r| format!("nameserver {r}\n")).collect();
            let _ = sys.files.put("/etc/resolv.conf", text);
        }
    }

    /// The lease goes into its file.
    fn keep(&mut self, sys: &mut Sys<'_>, talk: Talk, lease: ClientLease) {
        let _ = sys.files.put(&client_leases(self.name.as_str()), lease.text(self.name.as_str()));
        let left = lease.renew.since(sys.now()).as_secs();
        talk.say(sys, format!("bound to {} -- renewal in {left} seconds.\n", lease.address.addr()));
        sys.wake_at(lease.renew);
        self.lease = Some(lease);
        self.began = None;
        self.state = State::Bound { asked: None };
    }

    /// Takes the address off the interface; the lease is remembered.
    fn drop_address(&self, sys: &mut Sys<'_>, index: IfIndex) {
        let Some(lease) = &self.lease else { return };
        if let Some(via) = lease.router {
            let _ = sys.ns.remove_route(Ipv4Net::default(), Some(via), Some(index), &mut sys.cx);
        }
        let _ = sys.ns.remove_addr(index, lease.address, &mut sys.cx);
    }

    /// The lease is gone for good.
    fn lose(&mut self, sys: &mut Sys<'_>, index: IfIndex) {
        self.drop_address(sys, index);
        self.lease = None;
        sys.files.remove(&client_leases(self.name.as_str()));
    }

    /// `-r` and `-x`.
    fn leave(&mut self, sys: &mut Sys<'_>, talk: Talk, release: bool) {
        let State::Handover { until } = self.state else { return };
        if sys.now() < until {
            return sys.wake_at(until);
        }
        self.over = true;
        let index = sys.ns.device_named(self.name.as_str()).map(|d| d.index);
        if let (Some(index), Some(lease), true) = (index, self.lease.clone(), release) {
            let opened = self.open(sys);
            self.xid = sys.rng.next_u32();
            let mut message = self.message(sys, DhcpMessageType::Release);
            message.client = lease.address.addr();
            message.server = Some(lease.server);
            talk.say(
                sys,
                format!("DHCPRELEASE of {} on {} to {} port 67\n", message.client, self.name, lease.server),
            );
            if opened.is_ok() {
                self.send(sys, lease.server, &message);
            }
            self.lose(sys, index);
        }
        sys.files.remove(&pid_file(self.name));
    }
}

fn pid_file(interface: IfName) -> String {
    format!("/run/dhclient-{interface}.pid")
}

fn default_route(via: Ipv4Addr, dev: IfIndex) -> Route {
    Route {
        prefix: Ipv4Net::default(),
        kind: RouteKind::Unicast,
        via: Some(via),
        dev: Some(dev),
        src: None,
        scope: Scope::Global,
        kernel: false,
        metric: 0,
    }
}

/// What an offer or acknowledgement gives; None if it lacks what it must have. T1 and T2 are half
/// and seven eighths of the lease (RFC 2131 §4.4.5).
fn lease_of(message: &Message, server: Ipv4Addr, now: Instant) -> Option<ClientLease> {
    let secs = u64::from(message.lease_secs?);
    let mask = message.mask.unwrap_or(Ipv4Addr::new(255, 255, 255, 0));
    Some(ClientLease {
        address: Ipv4Net::with_netmask(message.yours, mask).ok()?,
        server,
        router: message.router,
        resolvers: message.resolvers.clone(),
        renew: now + Duration::from_millis(secs * 500),
        rebind: now + Duration::from_millis(secs * 875),
        expire: now + Duration::from_secs(secs),
    })
}

/// `supersede domain-name-servers 8.8.8.8, 9.9.9.9;` of dhclient.conf.
fn superseded(text: &str) -> Option<Vec<Ipv4Addr>> {
    let line = text.lines().find_map(|l| l.trim().strip_prefix("supersede domain-name-servers "))?;
    Some(line.trim_end_matches(';').split(',').filter_map(|a| a.trim().parse().ok()).collect())
}

/// `interface "eth0" { send dhcp-requested-address 192.168.0.102; }` of dhclient.conf.
fn wished(text: &str, port: &str) -> Option<Ipv4Addr> {
    let own = format!("interface \"{port}\" {{ send dhcp-requested-address ");
    let rest = text.lines().find_map(|l| l.trim().strip_prefix(own.as_str()))?;
    rest.split(';').next()?.trim().parse().ok()
}

/// Sender of an ARP packet.
fn sender(bytes: &[u8]) -> Option<(Mac, Ipv4Addr)> {
    let frame = EthernetFrame::new_checked(bytes).ok()?;
    match ArpRepr::parse(&ArpPacket::new_checked(frame.payload()).ok()?).ok()? {
        ArpRepr::EthernetIpv4 { source_hardware_addr, source_protocol_addr, .. } => {
            Some((source_hardware_addr.into(), source_protocol_addr))
        }
        _ => None,
    }
}
