//! The way in: from a device to IP, and on to a socket or to another interface
//! (ip_input.c, ip_forward.c, ip_route_input_slow in route.c).

use super::ipv4::{self, ETHER, PacketLog};
use super::output::{Hop, NextHop, RouteError};
use super::policy::RouteKey;
use super::{Beyond, Cx, DropReason, NetNs, Output, Step, TimerKind};
use crate::netfilter::{Hook, Meta, RejectWith, Verdict};
use crate::wire::fmt::{EthernetFrame, EthernetProtocol, IpProtocol};
use crate::wire::{Frame, IfIndex, Mac};
use std::net::Ipv4Addr;

impl NetNs {
    /// A frame arrives at `dev`.
    pub fn receive(&mut self, dev: IfIndex, frame: Frame, cx: &mut Cx<'_>) {
        let Some(device) = self.devices.get_mut(dev).filter(|d| d.up) else {
            return self.dropped(&frame, Some(dev), DropReason::DeviceDown, cx);
        };
        // What is longer than the interface takes, and a VLAN tag, never gets in (is_skb_forwardable).
        if frame.bytes.len() > device.mtu as usize + ETHER + 4 {
            return self.dropped(&frame, Some(dev), DropReason::TooBigForDevice, cx);
        }
        device.count_in(frame.bytes.len());
        let (master, own, uppers) = (device.master, device.mac, device.uppers);
        cx.log.packet(frame.id, Step::Received { dev });
        if frame.bytes.len() < ETHER {
            return self.dropped(&frame, Some(dev), DropReason::Malformed, cx);
        }
        if self.has_packet_sockets() {
            self.deliver_to_packet_sockets(dev, &frame.bytes, false, cx);
        }
        if uppers > 0 {
            return cx.out.push(Output::Beyond(Box::new(Beyond::Up { dev, frame })));
        }
        self.receive_own(dev, master, own, frame, cx);
    }

    /// A frame that came in at `dev` is for none of the devices that stand on it.
    pub fn pass_up(&mut self, dev: IfIndex, frame: Frame, cx: &mut Cx<'_>) {
        match self.devices.get(dev).map(|d| (d.master, d.mac)) {
            Some((master, own)) => self.receive_passed(dev, master, own, frame, cx),
            None => self.dropped(&frame, Some(dev), DropReason::DeviceDown, cx),
        }
    }

    fn receive_passed(
        &mut self,
        dev: IfIndex,
        master: Option<IfIndex>,
        own: Mac,
        frame: Frame,
        cx: &mut Cx<'_>,
    ) {
        self.receive_own(dev, master, own, frame, cx);
    }

    #[inline(always)]
    fn receive_own(
        &mut self,
        dev: IfIndex,
        master: Option<IfIndex>,
        own: Mac,
        frame: Frame,
        cx: &mut Cx<'_>,
    ) {
        if let Some(bridge) = master {
            return self.bridge_input(bridge, dev, frame, cx);
        }
        let dst = Mac::from(EthernetFrame::new_unchecked(&frame.bytes[..]).dst_addr());
        if dst != own && !dst.is_group() {
            return self.dropped(&frame, Some(dev), DropReason::NotForMe { mac: dst }, cx);
        }
        self.ether_input(dev, frame, None, cx);
    }

    /// A frame for this machine: to its protocol. `done`: PREROUTING was already asked.
    pub(super) fn ether_input(&mut self, dev: IfIndex, frame: Frame, done: Option<Meta>, cx: &mut Cx<'_>) {
        match EthernetFrame::new_unchecked(&frame.bytes[..]).ethertype() {
            EthernetProtocol::Arp => self.arp_input(dev, frame, cx),
            EthernetProtocol::Ipv4 => self.ip_input(dev, frame, done, cx),
            _ => self.dropped(&frame, Some(dev), DropReason::UnknownEtherType, cx),
        }
    }

    fn ip_input(&mut self, dev: IfIndex, mut frame: Frame, done: Option<Meta>, cx: &mut Cx<'_>) {
        if let Err(reason) = ipv4::validate(&mut frame) {
            return self.dropped(&frame, Some(dev), reason, cx);
        }
        if self.nf.ct.is_on() && super::fragment::is_part(&frame) {
            // connection tracking looks at whole packets (nf_defrag_ipv4)
            let Some(whole) = self.reassemble(frame, cx) else { return };
            frame = whole;
        }
        if let Some(mut meta) = done {
            return self.route_input(dev, frame, &mut meta, cx);
        }
        let mut meta = self.meta_of(dev, &frame);
        if self.ask(Hook::Prerouting, &mut frame, &mut meta, cx).is_some() {
            self.route_input(dev, frame, &mut meta, cx);
        }
    }

    /// What rules can know of a packet that came in at `dev`.
    pub(super) fn meta_of(&self, dev: IfIndex, frame: &Frame) -> Meta {
        let ether = frame.bytes[..ETHER].try_into().ok();
        Meta { in_dev: Some(dev), ether, ..Meta::default() }
    }

    /// A packet came out of the queue behind `lo`.
    pub(super) fn loopback_input(&mut self, mut frame: Frame, meta: Meta, cx: &mut Cx<'_>) {
        let dev = IfIndex::LO;
        cx.log.packet(frame.id, Step::Received { dev });
        if let Some(device) = self.devices.get_mut(dev) {
            device.count_in(frame.bytes.len());
        }
        if self.has_packet_sockets() {
            self.deliver_to_packet_sockets(dev, &frame.bytes, false, cx);
        }
        if EthernetFrame::new_unchecked(&frame.bytes[..]).ethertype() != EthernetProtocol::Ipv4 {
            return self.dropped(&frame, Some(dev), DropReason::UnknownEtherType, cx);
        }
        if let Err(reason) = ipv4::validate(&mut frame) {
            return self.dropped(&frame, Some(dev), reason, cx);
        }
        // its connection and mark travel with it; only the interfaces are new
        let mut meta = Meta { in_dev: Some(dev), out_dev: None, ..meta };
        match self.ask(Hook::Prerouting, &mut frame, &mut meta, cx) {
            None => {}
            Some(true) => self.route_input(dev, frame, &mut meta, cx),
            // the routing decision of the way out still holds (loopback_xmit keeps the dst)
            Some(false) => self.local_input(dev, frame, &mut meta, cx),
        }
    }

    /// Here or onward?
    fn route_input(&mut self, dev: IfIndex, frame: Frame, meta: &mut Meta, cx: &mut Cx<'_>) {
        let packet = ipv4::view(&frame.bytes);
        let (src, dst) = (packet.src_addr(), packet.dst_addr());
        let localnet = self.route_localnet(dev);
        if src.is_multicast() || src.is_broadcast() || (src.is_loopback() && !localnet) {
            return self.dropped(&frame, Some(dev), DropReason::Martian { src }, cx);
        }
        if dst.is_broadcast() {
            return self.local_input(dev, frame, meta, cx);
        }
        if src.octets()[0] == 0 || dst.octets()[0] == 0 {
            return self.dropped(&frame, Some(dev), DropReason::Martian { src }, cx);
        }
        if dst.is_loopback() && !localnet && dev != IfIndex::LO {
            return self.dropped(&frame, Some(dev), DropReason::NotMine { dst }, cx);
        }
        if let Some(reason) = self.bad_source(dev, src, dst) {
            return self.dropped(&frame, Some(dev), reason, cx);
        }
        if dst.is_multicast() {
            return self.dropped(&frame, Some(dev), DropReason::NotMine { dst }, cx);
        }
        let host = self.host();
        if host.is_local(dst) || host.is_broadcast(dst) {
            return self.local_input(dev, frame, meta, cx);
        }
        if !self.forwards(dev) {
            let on_link = self.devices.get(dev).is_some_and(|d| d.addrs.iter().any(|n| n.contains(&dst)));
            let reason = if on_link { DropReason::NotMine { dst } } else { DropReason::ForwardingOff };
            return self.dropped(&frame, Some(dev), reason, cx);
        }
        self.forward(dev, frame, meta, cx);
    }

    /// Whether what comes in by `dev` may go on (IN_DEV_FORWARD).
    pub fn forwards(&self, dev: IfIndex) -> bool {
        let s = &self.sysctl;
        let unlike = !s.forward_unlike.is_empty()
            && self.devices.get(dev).is_some_and(|d| s.forward_unlike.contains(&d.name));
        s.ip_forward != unlike
    }

    /// IN_DEV_RPFILTER: the stricter of what all and this interface have.
    #[inline]
    fn rp_filter(&self, dev: IfIndex) -> u8 {
        let s = &self.sysctl;
        if s.rp_filter_of.is_empty() {
            return s.rp_filter;
        }
        let name = self.devices.name(dev);
        s.rp_filter_of.iter().find(|(n, _)| *n == name).map_or(s.rp_filter, |(_, own)| s.rp_filter.max(*own))
    }

    /// fib_validate_source: our own address from outside, and the reverse path filter.
    fn bad_source(&self, dev: IfIndex, src: Ipv4Addr, dst: Ipv4Addr) -> Option<DropReason> {
        if dev == IfIndex::LO {
            return None;
        }
        if !src.is_loopback() && self.is_local(src) {
            return Some(DropReason::Martian { src });
        }
        let back = || self.route_for(&RouteKey::from_to(dst, src, None)).ok().and_then(|(r, _)| r.dev);
        let ok = match self.rp_filter(dev) {
            0 => true,
            1 => back() == Some(dev),
            _ => back().is_some(),
        };
        (!ok).then_some(DropReason::ReversePath { src })
    }

    /// To somebody else (ip_forward).
    fn forward(&mut self, dev: IfIndex, mut frame: Frame, meta: &mut Meta, cx: &mut Cx<'_>) {
        let dst = ipv4::view(&frame.bytes).dst_addr();
        if Mac::from(EthernetFrame::new_unchecked(&frame.bytes[..]).dst_addr()).is_group() {
            return self.dropped(&frame, Some(dev), DropReason::Broadcast, cx);
        }
        let src = ipv4::view(&frame.bytes).src_addr();
        let flow = RouteKey { iif: Some(dev), mark: meta.mark, ..RouteKey::from_to(src, dst, None) };
        let hop = match self.resolve_flow(&flow) {
            Ok(hop) => hop,
            Err(error) => {
                let (answer, reason) = match error {
                    RouteError::NoRoute => (Some(super::icmp::NET_UNREACHABLE), DropReason::NoRoute { dst }),
                    RouteError::Unreachable => {
                        (Some(super::icmp::HOST_UNREACHABLE), DropReason::UnreachableRoute { dst })
                    }
                    RouteError::Prohibit => {
                        (Some(super::icmp::PROHIBITED), DropReason::UnreachableRoute { dst })
                    }
                    RouteError::Blackhole => (None, DropReason::UnreachableRoute { dst }),
                };
                if let Some(kind) = answer
                    && self.told.may_tell(src, cx.now)
                {
                    self.icmp_error_about(&frame, meta, kind, 0, cx);
                }
                return self.dropped(&frame, Some(dev), reason, cx);
            }
        };
        cx.log.packet(frame.id, hop.step(dst));
        if ipv4::view(&frame.bytes).hop_limit() <= 1 {
            self.icmp_error_about(&frame, meta, super::icmp::TIME_EXCEEDED, 0, cx);
            return self.dropped(&frame, Some(dev), DropReason::TtlExceeded, cx);
        }
        let mtu = self.devices.get(hop.dev).map_or(0, |d| d.mtu);
        let packet = ipv4::view(&frame.bytes);
        if packet.dont_frag() && u32::from(packet.total_len()) > mtu {
            let mtu = u16::try_from(mtu).unwrap_or(u16::MAX);
            self.icmp_error_about(&frame, meta, super::icmp::FRAG_NEEDED, mtu, cx);
            return self.dropped(&frame, Some(dev), DropReason::FragmentationNeeded { mtu }, cx);
        }
        let left = decrement_ttl(&mut frame);
        cx.log.packet(frame.id, Step::TtlDecremented { left });
        if hop.dev == dev
            && let NextHop::Neighbour(via) = hop.next
        {
            self.redirect(&frame, meta, via, cx);
        }
        meta.out_dev = Some(hop.dev);
        if self.ask(Hook::Forward, &mut frame, meta, cx).is_some() {
            self.finish_output(frame, meta, &hop, cx);
        }
    }

    /// For this machine: put together, asked at INPUT, handed to its protocol.
    fn local_input(&mut self, dev: IfIndex, mut frame: Frame, meta: &mut Meta, cx: &mut Cx<'_>) {
        if super::fragment::is_part(&frame) {
            let Some(whole) = self.reassemble(frame, cx) else { return };
            frame = whole;
        }
        if dev != IfIndex::LO {
            cx.log.packet(frame.id, Step::RoutedLocal { dst: ipv4::view(&frame.bytes).dst_addr() });
        }
        meta.out_dev = None;
        if self.ask(Hook::Input, &mut frame, meta, cx).is_none() {
            return;
        }
        self.current = *meta;
        match ipv4::view(&frame.bytes).next_header() {
            IpProtocol::Icmp => self.icmp_input(dev, frame, cx),
            IpProtocol::Udp => self.deliver_udp(dev, frame, cx),
            IpProtocol::Tcp => self.deliver_tcp(dev, frame, cx),
            _ => {
                self.icmp_error_about(&frame, meta, super::icmp::PROTOCOL_UNREACHABLE, 0, cx);
                self.dropped(&frame, Some(dev), DropReason::UnknownProtocol, cx);
            }
        }
    }

    /// Asks the rules of `hook`. None: the packet has met its end, which is noted, and its sender
    /// told where the rules say so. Some(true): its destination was rewritten.
    #[inline(always)]
    pub(super) fn ask(
        &mut self,
        hook: Hook,
        frame: &mut Frame,
        meta: &mut Meta,
        cx: &mut Cx<'_>,
    ) -> Option<bool> {
        if self.nf.is_silent() { Some(false) } else { self.ask_rules(hook, frame, meta, cx) }
    }

    fn ask_rules(&mut self, hook: Hook, frame: &mut Frame, meta: &mut Meta, cx: &mut Cx<'_>) -> Option<bool> {
        let host = ipv4::HostView { devices: &self.devices, routes: &self.routes, locals: &self.locals };
        let mut log = PacketLog { log: cx.log, id: Some(frame.id) };
        let verdict = self.nf.hook(hook, &mut frame.bytes[ETHER..], meta, &host, cx.now, &mut log);
        if meta.ct.is_some() {
            self.arm_conntrack(cx);
        }
        if let Verdict::Accept { rerouted } = verdict {
            return Some(rerouted);
        }
        self.refuse(verdict, frame, meta, cx);
        None
    }

    /// Sees to it that the connection whose time is over first is removed then.
    #[inline]
    pub(super) fn arm_conntrack(&mut self, cx: &mut Cx<'_>) {
        let Some(at) = self.nf.ct.next_expiry() else { return };
        if self.conntrack_due.is_none_or(|due| at < due) {
            self.conntrack_due = Some(at);
            cx.out.push(Output::Timer { at, kind: TimerKind::Conntrack });
        }
    }

    /// Removes the connections whose time is over.
    pub(super) fn on_conntrack_timer(&mut self, cx: &mut Cx<'_>) {
        if self.conntrack_due.is_none_or(|due| due > cx.now) {
            return; // another one has come before it
        }
        self.conntrack_due = None;
        self.nf.expire(cx.now, &mut PacketLog { log: cx.log, id: None });
        self.arm_conntrack(cx);
    }

    #[cold]
    fn refuse(&mut self, verdict: Verdict, frame: &Frame, meta: &Meta, cx: &mut Cx<'_>) {
        let reason = match verdict {
            Verdict::Accept { .. } => return,
            Verdict::Drop { table, chain, rule: Some(rule) } => DropReason::Rule { table, chain, rule },
            Verdict::Drop { table, chain, rule: None } => DropReason::Policy { table, chain },
            Verdict::NatExhausted => DropReason::NatExhausted,
            Verdict::TableFull => DropReason::ConntrackFull,
            Verdict::Reject { table, chain, rule, with } => {
                match with {
                    RejectWith::Icmp(code) => self.icmp_error_about(frame, meta, (3, code), 0, cx),
                    RejectWith::TcpReset => self.send_reset(frame, meta, cx),
                }
                DropReason::Rejected { table, chain, rule }
            }
        };
        let dev = meta.in_dev.or(meta.out_dev);
        self.dropped(frame, dev, reason, cx);
    }
}

/// Takes one from the TTL, the checksum follows (ip_decrease_ttl). What is left.
fn decrement_ttl(frame: &mut Frame) -> u8 {
    let mut packet = ipv4::view_mut(&mut frame.bytes);
    let left = packet.hop_limit().saturating_sub(1);
    packet.set_hop_limit(left);
    // RFC 1624, equation 3: the TTL is the upper half of its 16-bit word, so the sum grows by 0x0100.
    // All ones is the other zero, which a checksum made anew never is.
    let sum = u32::from(packet.checksum()) + 0x0100;
    packet.set_checksum((sum + u32::from(sum >= 0xffff)) as u16);
    left
}

impl Hop {
    /// The step that tells of it.
    pub(super) fn step(&self, dst: Ipv4Addr) -> Step {
        match self.next {
            NextHop::Local => Step::RoutedLocal { dst },
            _ => Step::Routed { dst, prefix: self.prefix, via: self.via, dev: self.dev },
        }
    }
}
