//! What UDP and ping sockets have in common: where a datagram leaves from, and how one arrives.

use std::net::Ipv4Addr;

use super::super::ipv4::IpSend;
use super::super::output::Hop;
use super::super::{Cx, DropReason, Errno, NetNs, Output, Step};
use super::{Datagram, IcmpError, SocketId};
use crate::wire::{Endpoint, PacketId, Protocol};

impl NetNs {
    /// The source address and port of a datagram to `to`; binds the socket if it is not yet bound.
    pub(in crate::stack) fn datagram_source(
        &mut self,
        id: SocketId,
        to: Endpoint,
    ) -> Result<(Ipv4Addr, u16, Option<Hop>), Errno> {
        let broadcast = self.host().is_broadcast(to.addr);
        let socket = self.sockets.demand(id)?;
        if let Some(error) = socket.error.take() {
            return Err(error);
        }
        let refused = broadcast && !socket.options.broadcast;
        let (device, bound, local) = (socket.options.device, socket.bound, socket.local);
        let named = socket.options.source;
        let fixed = [named, local.addr].into_iter().find(|a| !a.is_unspecified()).unwrap_or(bound);
        // A DHCP client sends from no address (RFC 2131 §4.1), whatever other interfaces have: the real ones
        // use packet sockets for it.
        // Where there is no way at all, that is said first (__ip4_datagram_connect).
        if refused {
            self.resolve(to.addr, device).map_err(Errno::from)?;
            return Err(Errno::Access);
        }
        let bare = device.is_some_and(|d| self.device(d).is_some_and(|d| d.addrs.is_empty()));
        let mut way = None;
        let src = if fixed.is_unspecified() && !(bare && to.addr.is_broadcast()) {
            let hop = self.resolve(to.addr, device).map_err(Errno::from);
            way = hop.ok();
            match hop.and_then(|hop| self.source_by(&hop, to.addr)) {
                Ok(src) => src,
                // A DHCP client has no address yet, but knows its device (RFC 2131 §4.1).
                Err(_) if to.addr.is_broadcast() && device.is_some() => fixed,
                Err(error) => return Err(error),
            }
        } else {
            fixed
        };
        if local.port != 0 {
            return Ok((src, local.port, way));
        }
        let range = self.sysctl.port_range;
        self.sockets.bind(id, Endpoint::new(bound, 0), range, &self.rng)?;
        Ok((src, self.sockets.demand(id)?.local.port, way))
    }

    /// Sends a finished datagram. Without IP_PMTUDISC_DO it is cut into fragments where the MTU
    /// asks for it, and else carries DF, as Linux does by default.
    pub(in crate::stack) fn datagram_output(
        &mut self,
        id: SocketId,
        to: Endpoint,
        (src, way): (Ipv4Addr, Option<&Hop>),
        proto: Protocol,
        payload: &[u8],
        cx: &mut Cx<'_>,
    ) -> Result<(), Errno> {
        let socket = self.sockets.demand(id)?;
        let (by, ttl, device) = (socket.owner, socket.options.ttl, socket.options.device);
        let (must_not_split, recv_err) = (socket.options.dont_fragment, socket.options.recv_err);
        let mut send = IpSend { by, src, dst: to.addr, proto, ttl, df: true, device, payload };
        let mut sent = match way {
            Some(hop) => self.ip_output_by(hop, send, cx),
            None => self.ip_output(send, cx),
        };
        if sent == Err(Errno::MsgSize) && !must_not_split {
            send.df = false;
            sent = self.ip_output(send, cx);
        }
        if sent == Err(Errno::MsgSize) && recv_err {
            self.queue_too_big(id, to, src, payload);
        }
        sent.map(|_| ())
    }

    /// The error queue tells which MTU was in the way (ip_local_error).
    fn queue_too_big(&mut self, id: SocketId, to: Endpoint, from: Ipv4Addr, payload: &[u8]) {
        let mtu = u16::try_from(self.path_mtu(to.addr)).unwrap_or(u16::MAX);
        let seq = payload.get(6..8).map_or(0, |b| u16::from_be_bytes([b[0], b[1]]));
        let error = IcmpError { from, icmp_type: 3, code: 4, mtu, dst: to, seq, ttl: 0 };
        if let Some(socket) = self.sockets.get_mut(id) {
            socket.push_icmp_error(error);
        }
    }

    /// Puts a datagram into the receive queue: the end of `packet`.
    pub(in crate::stack) fn enqueue(
        &mut self,
        id: SocketId,
        packet: PacketId,
        datagram: Datagram,
        cx: &mut Cx<'_>,
    ) {
        let dev = Some(datagram.dev);
        if self.sockets.get_mut(id).and_then(|s| s.datagrams()).is_some_and(|d| d.push(datagram)) {
            cx.log.packet(packet, Step::Delivered { socket: id });
            self.wake(id, cx);
        } else {
            cx.log.packet(packet, Step::Dropped { dev, reason: DropReason::SocketBufferFull });
        }
    }

    /// Tells the owner that something changed, once for what happens in one go.
    pub(in crate::stack) fn wake(&mut self, socket: SocketId, cx: &mut Cx<'_>) {
        let Some(pid) = self.sockets.get(socket).and_then(|s| s.owner) else { return };
        let same = |o: &Output| matches!(o, Output::Wake { pid: p, socket: s } if (*p, *s) == (pid, socket));
        if !cx.out.iter().rev().take(8).any(same) {
            cx.out.push(Output::Wake { pid, socket });
        }
    }
}
