//! The way out: route, OUTPUT, POSTROUTING, neighbour, device; and the loop through `lo`
//! (ip_output.c, ip_route_output_key_hash_rcu in route.c).

use super::ipv4::{self, CHECKSUM, ETHER, HEADER, IpSend, LocalAddr};
use super::policy::{Policy, RouteKey};
use super::{Cx, DevRef, DropReason, Errno, NetNs, Output, Route, RouteKind, Step, TimerKind};
use crate::netfilter::{Hook, Meta};
use crate::time::Duration;
use crate::wire::fmt::{EthernetProtocol, IpProtocol};
use crate::wire::{Frame, IfIndex, Ipv4Net, Mac, PacketId, checksum};
use std::net::Ipv4Addr;

/// How long a frame takes through `lo`.
const LOOPBACK_DELAY: Duration = Duration::from_micros(1);
/// Frames that may wait behind `lo` (net.core.netdev_max_backlog).
const LOOPBACK_LIMIT: usize = 1000;

/// Where a packet goes next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hop {
    /// Through which interface.
    pub dev: IfIndex,
    /// To whom there.
    pub next: NextHop,
    /// The route's prefix.
    pub prefix: Ipv4Net,
    /// The route's gateway.
    pub via: Option<Ipv4Addr>,
    /// The source address that the route prefers.
    src: Option<Ipv4Addr>,
}

/// Who gets the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NextHop {
    /// This machine itself.
    Local,
    /// Everybody, or a group: no question asked.
    Group(Mac),
    /// The neighbour with this address.
    Neighbour(Ipv4Addr),
}

/// Why there is no way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RouteError {
    NoRoute,
    Unreachable,
    Prohibit,
    Blackhole,
}

impl From<RouteError> for Errno {
    fn from(e: RouteError) -> Self {
        match e {
            RouteError::NoRoute => Self::NetUnreach,
            RouteError::Unreachable => Self::HostUnreach,
            RouteError::Prohibit => Self::Access,
            RouteError::Blackhole => Self::Invalid,
        }
    }
}

impl NetNs {
    /// The way to `dst`, out of `device` if one is given.
    pub(super) fn resolve(&self, dst: Ipv4Addr, device: Option<IfIndex>) -> Result<Hop, RouteError> {
        match &self.policy {
            None => self.resolve_in(dst, device, || Ok(self.routes.lookup(dst, device))),
            Some(_) => self.resolve_flow(&RouteKey::to(dst, device)),
        }
    }

    /// The way of a packet of which more is known: rules may ask for it.
    #[inline]
    pub(super) fn resolve_flow(&self, flow: &RouteKey) -> Result<Hop, RouteError> {
        match &self.policy {
            None => self.resolve(flow.dst, flow.oif),
            Some(policy) => self.resolve_ruled(policy, flow),
        }
    }

    #[cold]
    fn resolve_ruled(&self, policy: &Policy, flow: &RouteKey) -> Result<Hop, RouteError> {
        self.resolve_in(flow.dst, flow.oif, || match self.ruled(policy, flow) {
            Ok((route, _)) => Ok(Some(route)),
            Err(RouteError::NoRoute) => Ok(None),
            Err(refused) => Err(refused),
        })
    }

    /// `routed`: what the tables say.
    #[inline(always)]
    fn resolve_in<'a>(
        &'a self,
        dst: Ipv4Addr,
        device: Option<IfIndex>,
        routed: impl FnOnce() -> Result<Option<&'a Route>, RouteError>,
    ) -> Result<Hop, RouteError> {
        let exact = Ipv4Net::from(dst);
        let group =
            |dev| Hop { dev, next: NextHop::Group(group_mac(dst)), prefix: exact, via: None, src: None };
        let special = |l: &&LocalAddr| l.addr == dst || l.broadcast == Some(dst);
        if dst.is_loopback() || self.locals.iter().any(|l| special(&l)) {
            let own = self.locals.iter().find(|l| l.addr == dst);
            if dst.is_loopback() || own.is_some() {
                // 127.0.0.0/8 is local as a whole, with the source that lo's own address is.
                let src = Some(own.map_or(Ipv4Addr::LOCALHOST, |l| l.source));
                return Ok(Hop { dev: IfIndex::LO, next: NextHop::Local, prefix: exact, via: None, src });
            }
            if let Some(own) = self.locals.iter().find(special) {
                return Ok(Hop { src: Some(own.addr), ..group(own.dev) });
            }
        }
        let to_group = dst.is_broadcast() || dst.is_multicast();
        if to_group && let Some(dev) = device {
            return Ok(group(dev));
        }
        let Some(route) = routed()? else {
            // bound to a device without a route there: assume that it is on the link
            let on_link =
                |dev| Hop { dev, next: NextHop::Neighbour(dst), prefix: exact, via: None, src: None };
            return device.map(on_link).ok_or(RouteError::NoRoute);
        };
        match (route.kind, route.dev) {
            (RouteKind::Unicast, Some(dev)) if to_group => Ok(group(dev)),
            (RouteKind::Unicast, Some(dev)) => {
                let told = if self.redirects.is_empty() { None } else { self.redirects.get(&dst) };
                let via = match told {
                    Some(&(old, new)) if route.via == Some(old) => Some(new),
                    _ => route.via,
                };
                let next = NextHop::Neighbour(via.unwrap_or(dst));
                Ok(Hop { dev, next, prefix: route.prefix, via, src: route.src })
            }
            (RouteKind::Unicast, None) => Err(RouteError::NoRoute),
            (RouteKind::Unreachable, _) => Err(RouteError::Unreachable),
            (RouteKind::Prohibit, _) => Err(RouteError::Prohibit),
            (RouteKind::Blackhole, _) => Err(RouteError::Blackhole),
        }
    }

    /// The source address that a packet to `dst` takes if its socket is not bound to one.
    ///
    /// # Errors
    /// `NetUnreach`; `HostUnreach`, `Access`, `Invalid` by an unreachable, prohibit or blackhole
    /// route; `AddrNotAvail` if no interface has an address.
    pub(super) fn source_for(&self, dst: Ipv4Addr, device: Option<IfIndex>) -> Result<Ipv4Addr, Errno> {
        let hop = self.resolve(dst, device)?;
        self.source_by(&hop, dst)
    }

    /// The same, with the way that [`NetNs::resolve`] has found.
    pub(super) fn source_by(&self, hop: &Hop, dst: Ipv4Addr) -> Result<Ipv4Addr, Errno> {
        let next = hop.via.unwrap_or(dst);
        hop.src.or_else(|| self.select_addr(hop.dev, next)).ok_or(Errno::AddrNotAvail)
    }

    /// The MTU of the path to `dst`: the interface's, or what "fragmentation needed" taught.
    pub(super) fn path_mtu(&self, dst: Ipv4Addr) -> u32 {
        let dev = self.resolve(dst, None).map_or(IfIndex::LO, |hop| hop.dev);
        self.mtu_of(dev, dst)
    }

    /// The path MTU to `dst` that a router's "fragmentation needed" taught.
    pub fn learned_path_mtu(&self, dst: Ipv4Addr) -> Option<u16> {
        self.pmtu.get(&dst).copied()
    }

    /// Forgets what routers taught about path MTUs (`ip route flush cache`).
    pub fn forget_path_mtus(&mut self) {
        self.pmtu.clear();
    }

    fn mtu_of(&self, dev: IfIndex, dst: Ipv4Addr) -> u32 {
        let mtu = self.devices.get(dev).map_or(u32::MAX, |d| d.mtu);
        if self.pmtu.is_empty() {
            return mtu;
        }
        self.pmtu.get(&dst).map_or(mtu, |&learned| mtu.min(learned.into()))
    }

    /// A router on the way to `dst` said that packets longer than `mtu` do not pass (RFC 1191).
    pub(super) fn learn_path_mtu(&mut self, dst: Ipv4Addr, mtu: u16) {
        // net.ipv4.route.min_pmtu; bounded like the kernel's cache of exceptions
        if self.pmtu.len() < 4096 {
            self.pmtu.insert(dst, mtu.max(552));
        }
    }

    /// Sends an IPv4 packet: route, OUTPUT, POSTROUTING, neighbour, device.
    ///
    /// # Errors
    /// `NetUnreach`, `HostUnreach`, `Access` (no route or one that says so), `MsgSize` (DF and
    /// longer than the path's MTU), `Perm` (dropped in OUTPUT), `Invalid` (127/8 to elsewhere).
    pub(super) fn ip_output(&mut self, send: IpSend<'_>, cx: &mut Cx<'_>) -> Result<PacketId, Errno> {
        let hop = self.resolve_flow(&RouteKey::from_to(send.src, send.dst, send.device))?;
        self.ip_output_by(&hop, send, cx)
    }

    /// As [`NetNs::ip_output`], with the way that [`NetNs::resolve`] has just found.
    pub(super) fn ip_output_by(
        &mut self,
        hop: &Hop,
        send: IpSend<'_>,
        cx: &mut Cx<'_>,
    ) -> Result<PacketId, Errno> {
        let total = HEADER + send.payload.len();
        let too_long = send.df && total as u64 > u64::from(self.mtu_of(hop.dev, send.dst));
        if too_long || total > usize::from(u16::MAX) {
            return Err(Errno::MsgSize);
        }
        self.check_source(send.src, hop)?;
        let mut bytes = Vec::with_capacity(ETHER + total);
        bytes.resize(ETHER + HEADER, 0);
        bytes.extend_from_slice(send.payload);
        let ident = self.next_ident();
        let ttl = send.ttl.unwrap_or(self.sysctl.default_ttl);
        write_header(&mut bytes, &send, ident, ttl);
        let frame = Frame::new(cx.ids.next_id(), bytes);
        let id = frame.id;
        cx.log.packet(id, Step::Sent { by: send.by });
        self.local_output(frame, &mut Meta::default(), hop, send.device, cx)?;
        Ok(id)
    }

    /// Loopback addresses stay inside (`__mkroute_output`).
    fn check_source(&self, src: Ipv4Addr, hop: &Hop) -> Result<(), Errno> {
        let leaves = hop.next != NextHop::Local && src.is_loopback();
        if leaves && !self.route_localnet(hop.dev) { Err(Errno::Invalid) } else { Ok(()) }
    }

    /// A packet that this machine made, `Sent` noted: OUTPUT, perhaps another route, and out.
    pub(super) fn local_output(
        &mut self,
        mut frame: Frame,
        meta: &mut Meta,
        hop: &Hop,
        device: Option<IfIndex>,
        cx: &mut Cx<'_>,
    ) -> Result<(), Errno> {
        let dst = ipv4::view(&frame.bytes).dst_addr();
        cx.log.packet(frame.id, hop.step(dst));
        meta.out_dev = Some(hop.dev);
        let mark = meta.mark;
        match self.ask(Hook::Output, &mut frame, meta, cx) {
            None => return Err(Errno::Perm),
            Some(false) if meta.mark == mark || self.policy.is_none() => {}
            Some(_) => {
                let packet = ipv4::view(&frame.bytes);
                let (src, dst) = (packet.src_addr(), packet.dst_addr());
                let flow = RouteKey { mark: meta.mark, ..RouteKey::from_to(src, dst, device) };
                let again = self.resolve_flow(&flow).map_err(|e| (e.into(), DropReason::NoRoute { dst }));
                let again = again.and_then(|hop| match self.check_source(src, &hop) {
                    Ok(()) => Ok(hop),
                    Err(errno) => Err((errno, DropReason::Martian { src })),
                });
                let hop = match again {
                    Ok(hop) => hop,
                    Err((errno, reason)) => {
                        self.dropped(&frame, None, reason, cx);
                        return Err(errno);
                    }
                };
                cx.log.packet(frame.id, hop.step(dst));
                meta.out_dev = Some(hop.dev);
                self.finish_output(frame, meta, &hop, cx);
                return Ok(());
            }
        }
        self.finish_output(frame, meta, hop, cx);
        Ok(())
    }

    /// Sends a frame out of `dev` that a device standing on it was given.
    pub fn send_frame(&mut self, dev: IfIndex, frame: Frame, cx: &mut Cx<'_>) {
        self.dev_xmit(dev, frame, cx);
    }

    /// Sends a packet of an ipvlan l3 device as if this namespace had made it: its routes, OUTPUT and
    /// POSTROUTING (ipvlan_process_v4_outbound).
    pub fn output_for_upper(&mut self, mut frame: Frame, cx: &mut Cx<'_>) {
        if let Err(reason) = ipv4::validate(&mut frame) {
            return self.dropped(&frame, None, reason, cx);
        }
        let dst = ipv4::view(&frame.bytes).dst_addr();
        match self.resolve(dst, None) {
            // its end is noted there
            Ok(hop) => drop(self.local_output(frame, &mut Meta::default(), &hop, None, cx)),
            Err(_) => self.dropped(&frame, None, DropReason::NoRoute { dst }, cx),
        }
    }

    /// POSTROUTING, fragments if need be, and to the neighbour.
    pub(super) fn finish_output(&mut self, mut frame: Frame, meta: &mut Meta, hop: &Hop, cx: &mut Cx<'_>) {
        if self.ask(Hook::Postrouting, &mut frame, meta, cx).is_none() {
            return;
        }
        let mtu = self.devices.get(hop.dev).map_or(u32::MAX, |d| d.mtu);
        if (frame.bytes.len() - ETHER) as u64 <= u64::from(mtu) {
            return self.hand_to(frame, meta, hop, cx);
        }
        for part in self.fragment(frame, mtu, cx) {
            self.hand_to(part, meta, hop, cx);
        }
    }

    fn hand_to(&mut self, mut frame: Frame, meta: &Meta, hop: &Hop, cx: &mut Cx<'_>) {
        match hop.next {
            NextHop::Neighbour(next) => self.neigh_output(hop.dev, next, frame, meta, cx),
            NextHop::Group(mac) => {
                self.ether_header(hop.dev, mac, EthernetProtocol::Ipv4, &mut frame.bytes);
                self.dev_xmit(hop.dev, frame, cx);
            }
            NextHop::Local => {
                self.ether_header(hop.dev, Mac::ZERO, EthernetProtocol::Ipv4, &mut frame.bytes);
                if self.has_packet_sockets() {
                    self.deliver_to_packet_sockets(hop.dev, &frame.bytes, true, cx);
                }
                self.loop_back(frame, *meta, cx);
            }
        }
    }

    /// Into the queue behind `lo`; it comes out by a timer, so that nothing recurses.
    pub(super) fn loop_back(&mut self, mut frame: Frame, meta: Meta, cx: &mut Cx<'_>) {
        let dev = IfIndex::LO;
        if self.looped.len() >= LOOPBACK_LIMIT {
            return self.dropped(&frame, Some(dev), DropReason::QueueFull, cx);
        }
        let arrives = cx.now + LOOPBACK_DELAY;
        let bytes = cx.log.keep_bytes(&mut frame.bytes);
        cx.log.packet(frame.id, Step::Transmit { dev, to: DevRef { ns: self.id, dev }, arrives, bytes });
        self.looped.push_back((frame, meta));
        cx.out.push(Output::Timer { at: arrives, kind: TimerKind::Loopback });
    }
}

/// The MAC address of a broadcast or multicast address (RFC 1112 §6.4).
fn group_mac(dst: Ipv4Addr) -> Mac {
    if !dst.is_multicast() {
        return Mac::BROADCAST;
    }
    let [_, b, c, d] = dst.octets();
    Mac([0x01, 0x00, 0x5e, b & 0x7f, c, d])
}

/// Writes the IPv4 header over the first bytes after the Ethernet header.
pub(super) fn write_header(bytes: &mut [u8], send: &IpSend<'_>, ident: u16, ttl: u8) {
    let total = (bytes.len() - ETHER) as u16;
    let mut packet = ipv4::view_mut(bytes);
    packet.set_version(4);
    packet.set_header_len(HEADER as u8);
    packet.set_total_len(total);
    packet.set_ident(ident);
    packet.set_dont_frag(send.df);
    packet.set_hop_limit(ttl);
    packet.set_next_header(IpProtocol::from(send.proto.number()));
    packet.set_src_addr(send.src);
    packet.set_dst_addr(send.dst);
    let sum = checksum::of(&mut packet.into_inner()[..HEADER], CHECKSUM);
    ipv4::view_mut(bytes).set_checksum(sum);
}
