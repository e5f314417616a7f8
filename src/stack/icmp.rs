//! ICMP (RFC 792, RFC 1122 §3.2.2, RFC 1812 §4.3; net/ipv4/icmp.c): answers to echo requests, errors
//! where Linux sends them, and the reset that `REJECT --reject-with tcp-reset` answers with.
//!
//! Redirects are sent and believed as Linux does it by default (a router's `send_redirects`, a host's
//! `accept_redirects`). Not supported: timestamps, rate limits, `icmp_errors_use_inbound_ifaddr`.

use super::ipv4::{self, ETHER, HEADER};
use super::policy::RouteKey;
use super::{Cx, DropReason, NetNs, Step};
use crate::netfilter::Meta;
use crate::wire::fmt::{
    EthernetFrame, Icmpv4Message, Icmpv4Packet, IpProtocol, Ipv4Packet, TcpPacket, TcpSeqNumber,
};
use crate::wire::{Frame, IfIndex, Mac, checksum};
use std::net::Ipv4Addr;

/// Type and code of an ICMP error.
pub(super) type Kind = (u8, u8);
/// No route.
pub(super) const NET_UNREACHABLE: Kind = (3, 0);
/// The neighbour does not answer, or an `unreachable` route.
pub(super) const HOST_UNREACHABLE: Kind = (3, 1);
/// Nobody here speaks that protocol.
pub(super) const PROTOCOL_UNREACHABLE: Kind = (3, 2);
/// DF and too long for the next link.
pub(super) const FRAG_NEEDED: Kind = (3, 4);
/// A `prohibit` route.
pub(super) const PROHIBITED: Kind = (3, 13);
/// There is a better first hop for this destination.
const REDIRECT: Kind = (5, 1);
/// The TTL ran out.
pub(super) const TIME_EXCEEDED: Kind = (11, 0);

/// Bytes of an ICMP error at most, IP header included (RFC 1812 §4.3.2.3).
const ERROR_LIMIT: usize = 576;
/// Length of the ICMP header.
const ICMP: usize = 8;
/// Precedence of errors: internetwork control (RFC 1812 §4.3.2.5).
const ERROR_DSCP: u8 = 0xc0 >> 2;

/// An error about `about`, as long as it will be, with what it quotes (RFC 1812, 4.3.2.3) and no more than
/// version and lengths in its own header.
fn quoting(about: &Frame) -> Vec<u8> {
    let quoted = &about.bytes[ETHER..];
    let quoted = &quoted[..quoted.len().min(ERROR_LIMIT - HEADER - ICMP)];
    let mut bytes = vec![0; ETHER + HEADER + ICMP];
    bytes.extend_from_slice(quoted);
    let total = (bytes.len() - ETHER) as u16;
    let mut packet = ipv4::view_mut(&mut bytes);
    packet.set_version(4);
    packet.set_header_len(HEADER as u8);
    packet.set_total_len(total);
    bytes
}

/// "Fragmentation needed" about `about`, from whom it was for, without the addresses of its Ethernet header.
pub(super) fn too_big(about: &Frame, mtu: u16) -> Vec<u8> {
    let original = ipv4::view(&about.bytes);
    let mut bytes = quoting(about);
    let mut packet = ipv4::view_mut(&mut bytes);
    packet.set_dont_frag(true);
    packet.set_hop_limit(original.hop_limit());
    packet.set_next_header(IpProtocol::Icmp);
    packet.set_src_addr(original.dst_addr());
    packet.set_dst_addr(original.src_addr());
    packet.fill_checksum();
    let body = &mut bytes[ETHER + HEADER..];
    body[6..8].copy_from_slice(&mtu.to_be_bytes());
    let mut message = Icmpv4Packet::new_unchecked(body);
    message.set_msg_type(FRAG_NEEDED.0.into());
    message.set_msg_code(FRAG_NEEDED.1);
    message.fill_checksum();
    bytes
}

impl NetNs {
    /// An ICMP message for this machine.
    pub(super) fn icmp_input(&mut self, dev: IfIndex, frame: Frame, cx: &mut Cx<'_>) {
        let Ok(message) = Icmpv4Packet::new_checked(ipv4::payload(&frame.bytes)) else {
            return self.dropped(&frame, Some(dev), DropReason::Malformed, cx);
        };
        if checksum::sum(ipv4::payload(&frame.bytes)) != 0xffff {
            return self.dropped(&frame, Some(dev), DropReason::BadChecksum, cx);
        }
        match message.msg_type() {
            Icmpv4Message::EchoRequest => self.echo(dev, frame, cx),
            Icmpv4Message::EchoReply => self.deliver_echo_reply(dev, frame, cx),
            Icmpv4Message::DstUnreachable | Icmpv4Message::TimeExceeded | Icmpv4Message::ParamProblem => {
                self.learn_from_error(&frame);
                self.deliver_icmp_error(dev, frame, cx);
            }
            Icmpv4Message::Redirect => {
                self.learn_redirect(&frame);
                cx.log.packet(frame.id, Step::DeliveredToKernel);
            }
            _ => cx.log.packet(frame.id, Step::DeliveredToKernel),
        }
    }

    /// A router that sends on by the interface that the packet came in on tells a sender on the link of the
    /// better way (ip_rt_send_redirect), less and less often.
    pub(super) fn redirect(&mut self, about: &Frame, meta: &Meta, via: Ipv4Addr, cx: &mut Cx<'_>) {
        let src = ipv4::view(&about.bytes).src_addr();
        let near = self.resolve(src, None).is_ok_and(|hop| hop.via.is_none() && Some(hop.dev) == meta.in_dev);
        if !near || !self.redirected.may_tell(src, cx.now) {
            return;
        }
        self.icmp_error_with(about, meta, REDIRECT, via.octets(), cx);
    }

    /// The router that a destination is sent through names a better one. Who forwards does not listen
    /// (`__ip_do_redirect`, inet_forward_change).
    fn learn_redirect(&mut self, frame: &Frame) {
        let payload = ipv4::payload(&frame.bytes);
        let (Some(via), Some(inner)) = (payload.get(4..8), payload.get(ICMP..ICMP + HEADER)) else { return };
        let new = Ipv4Addr::new(via[0], via[1], via[2], via[3]);
        let dst = Ipv4Packet::new_unchecked(inner).dst_addr();
        let old = ipv4::view(&frame.bytes).src_addr();
        let through = self.resolve(dst, None).is_ok_and(|hop| hop.via == Some(old));
        let near = self.resolve(new, None).is_ok_and(|hop| hop.via.is_none() && hop.dev != IfIndex::LO);
        if !self.sysctl.ip_forward && through && near && new != old && self.redirects.len() < 4096 {
            self.redirects.insert(dst, (old, new));
        }
    }

    /// Answers an echo request; the answer is written over the question.
    fn echo(&mut self, dev: IfIndex, mut frame: Frame, cx: &mut Cx<'_>) {
        let packet = ipv4::view(&frame.bytes);
        let (src, dst) = (packet.src_addr(), packet.dst_addr());
        if self.sysctl.icmp_echo_ignore_all || self.host().is_broadcast(dst) {
            return self.dropped(&frame, Some(dev), DropReason::Broadcast, cx);
        }
        cx.log.packet(frame.id, Step::DeliveredToKernel);
        let hop = self.resolve_flow(&RouteKey::from_to(dst, src, None));
        let Ok(hop) = &hop else { return };
        let ident = self.next_ident();
        let ttl = self.sysctl.default_ttl;
        let header = usize::from(packet.header_len());
        if header > HEADER {
            // options are not sent back
            frame.bytes.drain(ETHER + HEADER..ETHER + header);
        }
        let total = (frame.bytes.len() - ETHER) as u16;
        let mut packet = ipv4::view_mut(&mut frame.bytes);
        packet.set_header_len(HEADER as u8);
        packet.set_total_len(total);
        packet.set_ident(ident);
        packet.set_dont_frag(false);
        packet.set_hop_limit(ttl);
        packet.set_src_addr(dst);
        packet.set_dst_addr(src);
        let sum = checksum::of(&mut packet.into_inner()[..HEADER], ipv4::CHECKSUM);
        ipv4::view_mut(&mut frame.bytes).set_checksum(sum);
        let mut message = Icmpv4Packet::new_unchecked(&mut frame.bytes[ETHER + HEADER..]);
        message.set_msg_type(Icmpv4Message::EchoReply);
        // RFC 1624, equation 3: the type, 8, is the upper half of a word. The sum of the rest may be
        // either zero where the result is one.
        let sum = u32::from(message.checksum()) + 0x0800;
        match sum {
            0xffff => message.fill_checksum(),
            _ => message.set_checksum((sum + (sum >> 16)) as u16),
        }
        let answer = frame.renamed(cx.ids.next_id());
        cx.log.packet(answer.id, Step::Sent { by: None });
        // whoever asked hears nothing if OUTPUT drops the answer, which is noted there
        let _ = self.local_output(answer, &mut Meta::default(), hop, None, cx);
    }

    /// "Fragmentation needed" tells the MTU of the path to where its inner packet went.
    fn learn_from_error(&mut self, frame: &Frame) {
        let message = Icmpv4Packet::new_unchecked(ipv4::payload(&frame.bytes));
        if message.msg_type() != Icmpv4Message::DstUnreachable || message.msg_code() != FRAG_NEEDED.1 {
            return;
        }
        let payload = ipv4::payload(&frame.bytes);
        let (Some(mtu), Some(inner)) = (payload.get(6..8), payload.get(ICMP..ICMP + HEADER)) else { return };
        let mtu = u16::from_be_bytes([mtu[0], mtu[1]]);
        let dst = Ipv4Packet::new_unchecked(inner).dst_addr();
        if mtu > 0 {
            self.learn_path_mtu(dst, mtu);
        }
    }

    /// Answers `about`, the packet being delivered, with an ICMP error, where RFC 1122 §3.2.2 allows
    /// one. Notes `IcmpErrorSent`; the fate of `about` is the caller's to note.
    pub(super) fn icmp_error(&mut self, about: &Frame, icmp_type: u8, code: u8, mtu: u16, cx: &mut Cx<'_>) {
        let meta = self.current;
        self.icmp_error_about(about, &meta, (icmp_type, code), mtu, cx);
    }

    /// The same for a packet with this `meta`.
    pub(super) fn icmp_error_about(
        &mut self,
        about: &Frame,
        meta: &Meta,
        kind: Kind,
        mtu: u16,
        cx: &mut Cx<'_>,
    ) {
        let [high, low] = mtu.to_be_bytes();
        self.icmp_error_with(about, meta, kind, [0, 0, high, low], cx);
    }

    /// The same; `rest` are the last four bytes of the header.
    fn icmp_error_with(
        &mut self,
        about: &Frame,
        meta: &Meta,
        (icmp_type, code): Kind,
        rest: [u8; 4],
        cx: &mut Cx<'_>,
    ) {
        if !self.may_answer(about) {
            return;
        }
        let original = ipv4::view(&about.bytes);
        let to = original.src_addr();
        let own = Some(original.dst_addr()).filter(|own| self.is_local(*own));
        let flow = RouteKey::from_to(own.unwrap_or(Ipv4Addr::UNSPECIFIED), to, None);
        let Ok(hop) = self.resolve_flow(&flow) else { return };
        // from where it was sent to, if that is here; otherwise from the way back to the sender
        let src = match own {
            Some(own) => own,
            None => match self.source_for(to, None) {
                Ok(src) => src,
                Err(_) => return,
            },
        };
        let mut bytes = quoting(about);
        let mut packet = ipv4::view_mut(&mut bytes);
        packet.set_dscp(ERROR_DSCP);
        packet.set_ident(self.next_ident());
        packet.set_hop_limit(self.sysctl.default_ttl);
        packet.set_next_header(IpProtocol::Icmp);
        packet.set_src_addr(src);
        packet.set_dst_addr(to);
        packet.fill_checksum();
        let body = &mut bytes[ETHER + HEADER..];
        body[4..8].copy_from_slice(&rest);
        let mut message = Icmpv4Packet::new_unchecked(body);
        message.set_msg_type(icmp_type.into());
        message.set_msg_code(code);
        message.fill_checksum();
        let error = Frame::new(cx.ids.next_id(), bytes);
        cx.log.packet(about.id, Step::IcmpErrorSent { error: error.id, icmp_type, code });
        cx.log.packet(error.id, Step::Sent { by: None });
        // a rule may drop it, which is noted there
        let _ = self.local_output(error, &mut meta.for_error(), &hop, None, cx);
    }

    /// Never about an ICMP error, a broadcast, a later fragment, or a source that is nobody.
    fn may_answer(&self, about: &Frame) -> bool {
        let to = Mac::from(EthernetFrame::new_unchecked(&about.bytes[..]).dst_addr());
        let packet = ipv4::view(&about.bytes);
        let (src, dst) = (packet.src_addr(), packet.dst_addr());
        let host = self.host();
        let group = to.is_group() || dst.is_multicast() || host.is_broadcast(dst);
        let nobody = src.is_unspecified() || src.is_multicast() || host.is_broadcast(src);
        if group || nobody || packet.frag_offset() != 0 {
            return false;
        }
        if packet.next_header() != IpProtocol::Icmp {
            return true;
        }
        let kind = ipv4::payload(&about.bytes).first().copied();
        // echo, timestamp, information and address mask are questions and answers (RFC 792, 950)
        matches!(kind, Some(0 | 8 | 13..=18))
    }

    /// Resets the TCP connection that `about` belongs to (nf_send_reset, RFC 9293 §3.10.7.1).
    pub(super) fn send_reset(&mut self, about: &Frame, meta: &Meta, cx: &mut Cx<'_>) {
        let original = ipv4::view(&about.bytes);
        let (src, dst) = (original.src_addr(), original.dst_addr());
        if original.frag_offset() != 0 || original.next_header() != IpProtocol::Tcp {
            return;
        }
        let Ok(segment) = TcpPacket::new_checked(ipv4::payload(&about.bytes)) else { return };
        if segment.rst() || !segment.verify_checksum(&src.into(), &dst.into()) {
            return;
        }
        let Ok(hop) = self.resolve_flow(&RouteKey::from_to(dst, src, None)) else { return };
        let mut bytes = vec![0; ETHER + HEADER + 20];
        let mut packet = ipv4::view_mut(&mut bytes);
        packet.set_version(4);
        packet.set_header_len(HEADER as u8);
        packet.set_total_len((HEADER + 20) as u16);
        packet.set_dont_frag(true);
        packet.set_hop_limit(self.sysctl.default_ttl);
        packet.set_next_header(IpProtocol::Tcp);
        packet.set_src_addr(dst);
        packet.set_dst_addr(src);
        packet.fill_checksum();
        let mut reset = TcpPacket::new_unchecked(&mut bytes[ETHER + HEADER..]);
        reset.set_src_port(segment.dst_port());
        reset.set_dst_port(segment.src_port());
        reset.set_header_len(20);
        reset.set_rst(true);
        if segment.ack() {
            reset.set_seq_number(segment.ack_number());
        } else {
            reset.set_seq_number(TcpSeqNumber(0));
            reset.set_ack(true);
            reset.set_ack_number(segment.seq_number() + segment.segment_len());
        }
        reset.fill_checksum(&dst.into(), &src.into());
        let reset = Frame::new(cx.ids.next_id(), bytes);
        cx.log.packet(about.id, Step::ResetSent { reset: reset.id });
        cx.log.packet(reset.id, Step::Sent { by: None });
        // a rule may drop it, which is noted there
        let _ = self.local_output(reset, &mut meta.for_error(), &hop, None, cx);
    }
}
