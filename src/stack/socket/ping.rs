//! Ping sockets: echo requests out, their replies in (net/ipv4/ping.c). The identifier is the
//! socket's port.

use super::super::{Cx, DropReason, Errno, NetNs, Step};
use super::errors::ETHERNET;
use super::table::PortSpace;
use super::{Datagram, SocketId};
use crate::wire::fmt::{Icmpv4Message, Icmpv4Packet, Ipv4Packet};
use crate::wire::{Endpoint, Frame, IfIndex, Protocol, checksum};

/// Type, code, checksum and identifier; the sequence number is the program's.
const HEADER: usize = 6;
/// Where the checksum is.
const CHECKSUM: usize = 2;
/// The longest ICMP message that an IPv4 packet can hold.
const MAX_LEN: usize = 65_515;

impl NetNs {
    /// Sends an echo request to `to`: `data` is the sequence number and the payload.
    pub(super) fn ping_send(
        &mut self,
        id: SocketId,
        to: Endpoint,
        data: &[u8],
        cx: &mut Cx<'_>,
    ) -> Result<usize, Errno> {
        if data.len() < 2 {
            return Err(Errno::Invalid);
        }
        if data.len() + HEADER > MAX_LEN {
            return Err(Errno::MsgSize);
        }
        let (src, ident, hop) = self.datagram_source(id, to)?;
        let mut bytes = std::mem::take(&mut self.sockets.scratch);
        bytes.clear();
        bytes.resize(HEADER, 0);
        bytes.extend_from_slice(data);
        let mut icmp = Icmpv4Packet::new_unchecked(bytes.as_mut_slice());
        icmp.set_msg_type(Icmpv4Message::EchoRequest);
        icmp.set_msg_code(0);
        icmp.set_echo_ident(ident);
        let sum = checksum::of(&mut bytes, CHECKSUM);
        bytes[CHECKSUM..][..2].copy_from_slice(&sum.to_be_bytes());
        let sent = self.datagram_output(id, to, (src, hop.as_ref()), Protocol::Icmp, &bytes, cx);
        self.sockets.scratch = bytes;
        sent.map(|()| data.len())
    }

    /// An ICMP echo reply, its checksum already verified.
    pub(in crate::stack) fn deliver_echo_reply(&mut self, dev: IfIndex, frame: Frame, cx: &mut Cx<'_>) {
        let ip = Ipv4Packet::new_unchecked(&frame.bytes[ETHERNET..]);
        let Ok(icmp) = Icmpv4Packet::new_checked(ip.payload()) else {
            let reason = DropReason::Malformed;
            cx.log.packet(frame.id, Step::Dropped { dev: Some(dev), reason });
            return;
        };
        let ident = icmp.echo_ident();
        let (from, to) = (Endpoint::new(ip.src_addr(), ident), Endpoint::new(ip.dst_addr(), ident));
        // A connected ping socket hears every reply to its identifier, whoever sent it.
        let found = self.sockets.bound(PortSpace::Ping, to, None, Some(dev));
        let Some(id) = found else {
            let reason = DropReason::NoMatchingSocket;
            cx.log.packet(frame.id, Step::Dropped { dev: Some(dev), reason });
            return;
        };
        let (ttl, end) = (ip.hop_limit(), ETHERNET + usize::from(ip.total_len()));
        let begin = end - ip.payload().len() + HEADER;
        let packet = frame.id;
        let datagram =
            Datagram { from, to: to.addr, ttl, dev, outgoing: false, data: frame.into_part(begin, end) };
        self.enqueue(id, packet, datagram, cx);
    }
}
