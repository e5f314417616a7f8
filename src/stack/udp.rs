//! UDP (RFC 768): datagrams in and out, and port unreachable where nobody listens.
//!
//! Not supported: UDP-Lite, multicast groups, checksum zero on sending (it is always filled in).

use super::socket::{ETHERNET, PortSpace};
use super::{Cx, Datagram, DropReason, Errno, NetNs, SocketId, Step};
use crate::wire::fmt::{Ipv4Packet, UdpPacket};
use crate::wire::{Endpoint, Flow, Frame, IfIndex, Ipv4Addr, Protocol, checksum};

const HEADER: usize = 8;
/// The longest payload that an IPv4 packet can hold.
const MAX_LEN: usize = 65_507;

/// The protocol's number.
const UDP: u8 = 17;

/// Whether its checksum is; 0 means that it has none (RFC 768).
fn is_right(src: Ipv4Addr, dst: Ipv4Addr, udp: &UdpPacket<&[u8]>, bytes: &[u8]) -> bool {
    let bytes = bytes.get(..usize::from(udp.len())).unwrap_or(bytes);
    udp.checksum() == 0 || checksum::transport_sum(src, dst, UDP, bytes) == 0xffff
}

impl NetNs {
    /// Sends `data` to `to`.
    pub(super) fn udp_send(
        &mut self,
        id: SocketId,
        to: Endpoint,
        data: &[u8],
        cx: &mut Cx<'_>,
    ) -> Result<usize, Errno> {
        if data.len() > MAX_LEN {
            return Err(Errno::MsgSize);
        }
        if to.port == 0 {
            return Err(Errno::Invalid);
        }
        let (src, port, hop) = self.datagram_source(id, to)?;
        let mut bytes = std::mem::take(&mut self.sockets.scratch);
        bytes.clear();
        bytes.resize(HEADER, 0);
        bytes.extend_from_slice(data);
        let mut udp = UdpPacket::new_unchecked(bytes.as_mut_slice());
        udp.set_src_port(port);
        udp.set_dst_port(to.port);
        udp.set_len((HEADER + data.len()) as u16);
        // 0 means none, so the other zero is written (RFC 768)
        let sum = match !checksum::transport_sum(src, to.addr, UDP, &bytes) {
            0 => 0xffff,
            sum => sum,
        };
        UdpPacket::new_unchecked(bytes.as_mut_slice()).set_checksum(sum);
        let sent = self.datagram_output(id, to, (src, hop.as_ref()), Protocol::Udp, &bytes, cx);
        self.sockets.scratch = bytes;
        sent.map(|()| data.len())
    }

    /// A UDP datagram for this namespace.
    pub(super) fn deliver_udp(&mut self, dev: IfIndex, frame: Frame, cx: &mut Cx<'_>) {
        let ip = Ipv4Packet::new_unchecked(&frame.bytes[ETHERNET..]);
        let (src, dst, ttl) = (ip.src_addr(), ip.dst_addr(), ip.hop_limit());
        let checked = UdpPacket::new_checked(ip.payload());
        let reason = match &checked {
            Err(_) => Some(DropReason::Malformed),
            Ok(udp) if !is_right(src, dst, udp, ip.payload()) => Some(DropReason::BadChecksum),
            Ok(_) => None,
        };
        let (Ok(udp), None) = (checked, reason) else {
            let reason = reason.unwrap_or(DropReason::Malformed);
            cx.log.packet(frame.id, Step::Dropped { dev: Some(dev), reason });
            return;
        };
        if !self.tunnels.is_empty() && self.tunnels.iter().any(|t| t.port == udp.dst_port()) {
            return self.tunnel_input(dev, frame, cx);
        }
        let from = Endpoint::new(src, udp.src_port());
        let to = Endpoint::new(dst, udp.dst_port());
        let datagram = |data| Datagram { from, to: dst, ttl, dev, outgoing: false, data };
        if !self.is_local(dst) {
            let data = udp.payload().to_vec();
            self.deliver_broadcast(to, &frame, datagram(data), cx);
            return;
        }
        match self.sockets.bound(PortSpace::Udp, to, Some(from), Some(dev)) {
            Some(id) => {
                let end = ETHERNET + usize::from(ip.header_len()) + usize::from(udp.len());
                let (begin, packet) = (end - udp.payload().len(), frame.id);
                self.enqueue(id, packet, datagram(frame.into_part(begin, end)), cx);
            }
            None => {
                let flow = Flow { src: from, dst: to, proto: Protocol::Udp };
                cx.log.packet(frame.id, Step::NobodyListens { flow });
                self.icmp_error(&frame, 3, 3, 0, cx);
                let reason = DropReason::PortClosed { port: to.port };
                cx.log.packet(frame.id, Step::Dropped { dev: Some(dev), reason });
            }
        }
    }

    /// Everybody who listens on the port gets a copy; the packet ends at the first of them.
    fn deliver_broadcast(&mut self, to: Endpoint, frame: &Frame, datagram: Datagram, cx: &mut Cx<'_>) {
        let ids = self.sockets.bound_to_broadcast(PortSpace::Udp, to, datagram.from, datagram.dev);
        let Some((&first, rest)) = ids.split_first() else {
            let reason = DropReason::NoMatchingSocket;
            cx.log.packet(frame.id, Step::Dropped { dev: Some(datagram.dev), reason });
            return;
        };
        for &id in rest {
            if self.sockets.get_mut(id).and_then(|s| s.datagrams()).is_some_and(|d| d.push(datagram.clone()))
            {
                self.wake(id, cx);
            }
        }
        self.enqueue(first, frame.id, datagram, cx);
    }
}
