//! ICMP errors find the socket whose packet they quote (tcp_v4_err, udp_err, ping_err).

use std::net::Ipv4Addr;

use super::super::tcp::Seq;
use super::super::{Cx, DropReason, NetNs, Step, TcpState};
use super::table::{Body, PortSpace};
use super::{Errno, IcmpError, SocketId};
use crate::wire::fmt::{EthernetFrame, Icmpv4Packet, Ipv4Packet};
use crate::wire::{Endpoint, Frame, IfIndex, Protocol};

/// Ethernet II header.
pub(in crate::stack) const ETHERNET: usize = 14;

const UNREACHABLE: u8 = 3;
const TIME_EXCEEDED: u8 = 11;
const PARAMETER_PROBLEM: u8 = 12;
const FRAGMENTATION_NEEDED: u8 = 4;

/// What an ICMP error means to programs, and whether it is final (icmp_err_convert of
/// net/ipv4/icmp.c). Errors that few programs here meet are given as their nearest one.
fn meaning(icmp_type: u8, code: u8) -> Option<(Errno, bool)> {
    Some(match (icmp_type, code) {
        (UNREACHABLE, 0 | 11) => (Errno::NetUnreach, false),
        (UNREACHABLE, 1 | 5 | 12) => (Errno::HostUnreach, false),
        (UNREACHABLE, 2 | 3) => (Errno::ConnRefused, true),
        (UNREACHABLE, FRAGMENTATION_NEEDED) => (Errno::MsgSize, true),
        (UNREACHABLE, 6 | 9) => (Errno::NetUnreach, true),
        (UNREACHABLE, 7 | 8 | 10 | 13 | 14 | 15) => (Errno::HostUnreach, true),
        (TIME_EXCEEDED, _) => (Errno::HostUnreach, false),
        (PARAMETER_PROBLEM, _) => (Errno::Invalid, true),
        _ => return None,
    })
}

/// What an ICMP error says about which packet.
struct Quote<'a> {
    error: IcmpError,
    proto: Protocol,
    src: Ipv4Addr,
    /// The first bytes of the transport header; at least eight.
    transport: &'a [u8],
}

/// Reads the quoted packet; None if too little of it is there.
fn quote<'a>(quoted: &'a [u8], mut error: IcmpError) -> Option<Quote<'a>> {
    // The quotation is cut short, so its total length says more than there is: only the header counts.
    if quoted.len() < 20 || quoted[0] >> 4 != 4 {
        return None;
    }
    let header = usize::from(quoted[0] & 0x0f) * 4;
    let transport = quoted.get(header..).filter(|t| header >= 20 && t.len() >= 8)?;
    let ip = Ipv4Packet::new_unchecked(quoted);
    if ip.frag_offset() != 0 {
        return None;
    }
    let proto = Protocol::from_number(ip.next_header().into());
    error.dst = Endpoint::new(ip.dst_addr(), 0);
    match proto {
        Protocol::Icmp => error.seq = be16(transport, 6),
        Protocol::Tcp | Protocol::Udp => error.dst.port = be16(transport, 2),
        Protocol::Other(_) => {}
    }
    Some(Quote { error, proto, src: ip.src_addr(), transport })
}

fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

impl NetNs {
    /// An ICMP error (types 3, 11, 12) for this namespace, its checksum already verified.
    pub(in crate::stack) fn deliver_icmp_error(&mut self, dev: IfIndex, frame: Frame, cx: &mut Cx<'_>) {
        let ip = Ipv4Packet::new_unchecked(EthernetFrame::new_unchecked(&frame.bytes[..]).payload());
        let Ok(icmp) = Icmpv4Packet::new_checked(ip.payload()) else {
            let reason = DropReason::Malformed;
            cx.log.packet(frame.id, Step::Dropped { dev: Some(dev), reason });
            return;
        };
        let icmp_type = icmp.msg_type().into();
        let needs = icmp_type == UNREACHABLE && icmp.msg_code() == FRAGMENTATION_NEEDED;
        let error = IcmpError {
            from: ip.src_addr(),
            icmp_type,
            code: icmp.msg_code(),
            mtu: if needs { be16(ip.payload(), 6) } else { 0 },
            dst: super::table::ANY,
            seq: 0,
            ttl: ip.hop_limit(),
        };
        let quote = quote(&ip.payload()[8..], error);
        let socket = quote.as_ref().and_then(|q| self.socket_of(q, Some(dev)));
        cx.log.packet(frame.id, socket.map_or(Step::DeliveredToKernel, |socket| Step::Delivered { socket }));
        if let (Some(quote), Some(socket)) = (quote, socket) {
            self.tell(socket, &quote, cx);
        }
    }

    /// The socket that sent the quoted packet.
    fn socket_of(&self, quote: &Quote<'_>, dev: Option<IfIndex>) -> Option<SocketId> {
        let local = |port| Endpoint::new(quote.src, port);
        match quote.proto {
            Protocol::Tcp => self.sockets.connection(local(be16(quote.transport, 0)), quote.error.dst),
            Protocol::Udp => {
                let local = local(be16(quote.transport, 0));
                self.sockets.bound(PortSpace::Udp, local, Some(quote.error.dst), dev)
            }
            // Only echo requests are ours; their identifier is the port.
            Protocol::Icmp if quote.transport[0] == 8 => {
                self.sockets.bound(PortSpace::Ping, local(be16(quote.transport, 4)), None, dev)
            }
            _ => None,
        }
    }

    fn tell(&mut self, id: SocketId, quote: &Quote<'_>, cx: &mut Cx<'_>) {
        let Some((errno, fatal)) = meaning(quote.error.icmp_type, quote.error.code) else { return };
        let Some(socket) = self.sockets.get_mut(id) else { return };
        if socket.options.recv_err {
            socket.push_icmp_error(quote.error);
        }
        if let Body::Tcp(tcp) = &mut socket.body {
            let seq = Seq(u32::from(be16(quote.transport, 4)) << 16 | u32::from(be16(quote.transport, 6)));
            let believed = if errno == Errno::MsgSize {
                tcp.conn.state() != TcpState::SynSent && tcp.conn.on_too_big(seq, quote.error.mtu)
            } else {
                tcp.conn.on_icmp(seq, errno)
            };
            if believed {
                self.tcp_pump(id, cx);
            }
            return;
        }
        // Without IP_RECVERR only connected sockets hear of it, and only of what is final. With it,
        // an unconnected socket finds the news in its error queue and no call fails.
        let connected = socket.remote.is_some();
        if !socket.options.recv_err && (!connected || !fatal) {
            return;
        }
        if connected {
            socket.error = Some(errno);
        }
        self.wake(id, cx);
    }
}
