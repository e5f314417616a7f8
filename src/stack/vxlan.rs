//! VXLAN (RFC 7348; drivers/net/vxlan): an Ethernet frame as the load of a UDP datagram.
//!
//! ```text
//!  outer Ethernet 14 │ outer IPv4 20 │ UDP 8 │ VXLAN 8 │ inner Ethernet 14 │ inner packet …
//!                    └────────── 50 bytes with the inner header: MTU 1500 − 50 = 1450 ──────┘
//! ```
//! A VXLAN device sends from the namespace it was made in (its underlay), even after it was moved
//! elsewhere; that is how Docker's overlay networks work. A packet keeps its identity while it
//! travels in an envelope. Supported: VNI, port, one default remote, forwarding entries for MAC
//! addresses with a remote each, learning, `proxy` (ARP answered from the neighbour table), `l2miss`
//! as far as what is not known is dropped. Not supported: multicast groups, several remotes for one
//! address, GBP, GPE, route short circuit, ageing of learned entries.

use super::ipv4::{ETHER, HEADER, IpSend};
use super::{Beyond, Cx, DevRef, DropReason, NetNs, NsId, Output, Step};
use crate::netfilter::Meta;
use crate::wire::fmt::{
    ArpOperation, ArpPacket, ArpRepr, EthernetFrame, EthernetProtocol, IpAddress, Ipv4Packet, UdpPacket,
};
use crate::wire::{Frame, IfIndex, Mac, Protocol};
use std::net::Ipv4Addr;

/// IANA's port; Docker's, too.
pub const VXLAN_PORT: u16 = 4789;
/// Bytes of the UDP and the VXLAN header.
const UDP: usize = 8;
const HEAD: usize = 8;
/// What an envelope adds to a frame without its Ethernet header: IPv4, UDP, VXLAN, Ethernet.
pub const OVERHEAD: u16 = (HEADER + UDP + HEAD + ETHER) as u16;
/// Learned entries of a device at most.
const FDB_LIMIT: usize = 4096;

/// Where frames for a MAC address are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TunnelEntry {
    /// Address; zero: everybody and all that is not known.
    pub mac: Mac,
    /// The other tunnel end.
    pub remote: Ipv4Addr,
    /// Set by somebody: it is not learned anew.
    pub permanent: bool,
}

/// A VXLAN device's settings and forwarding database.
#[derive(Debug, Clone)]
pub struct Vxlan {
    /// Network identifier.
    pub vni: u32,
    /// UDP port, here and there.
    pub port: u16,
    /// The namespace whose sockets carry it.
    pub underlay: NsId,
    /// Source address; None: the route decides.
    pub local: Option<Ipv4Addr>,
    /// Learns from what arrives.
    pub learning: bool,
    /// Answers ARP questions from the neighbour table, and lets none out.
    pub proxy: bool,
    /// Tells user space of addresses it does not know.
    pub l2miss: bool,
    /// As above, for neighbours.
    pub l3miss: bool,
    /// The forwarding database, in the order it was filled.
    pub fdb: Vec<TunnelEntry>,
}

impl Vxlan {
    /// A device for `vni` that learns, with nothing in its database.
    pub fn new(vni: u32, port: u16, underlay: NsId) -> Self {
        let fdb = Vec::new();
        Self {
            vni,
            port,
            underlay,
            local: None,
            learning: true,
            proxy: false,
            l2miss: false,
            l3miss: false,
            fdb,
        }
    }

    fn remote(&self, mac: Mac) -> Option<Ipv4Addr> {
        let find = |mac| self.fdb.iter().find(|e| e.mac == mac).map(|e| e.remote);
        // a group address is everybody's
        (!mac.is_group()).then(|| find(mac)).flatten().or_else(|| find(Mac::ZERO))
    }

    /// Adds an entry, or changes the one that `mac` has.
    pub fn set(&mut self, entry: TunnelEntry) {
        match self.fdb.iter_mut().find(|e| e.mac == entry.mac) {
            Some(known) => *known = entry,
            None => self.fdb.push(entry),
        }
    }

    /// Removes the entry of `mac` (at `remote`, if one is given). False if there is none.
    pub fn remove(&mut self, mac: Mac, remote: Option<Ipv4Addr>) -> bool {
        let before = self.fdb.len();
        self.fdb.retain(|e| e.mac != mac || remote.is_some_and(|r| r != e.remote));
        self.fdb.len() != before
    }
}

/// A tunnel end of a namespace: which device gets what comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TunnelEnd {
    /// UDP port.
    pub port: u16,
    /// Network identifier.
    pub vni: u32,
    /// The device.
    pub dev: DevRef,
}

/// A frame in its envelope, still without an outer Ethernet header, as the underlay shall send it.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// The device that it leaves by, in its own namespace.
    pub dev: IfIndex,
    /// From; None: as the route says.
    pub local: Option<Ipv4Addr>,
    /// To.
    pub remote: Ipv4Addr,
    /// Which network.
    pub vni: u32,
    /// UDP destination port.
    pub port: u16,
    /// The inner frame.
    pub frame: Frame,
}

/// The UDP source port tells flows apart for those on the way (udp_flow_src_port). A socket's hash is its
/// own, so the two directions of a connection differ; what is hashed by its addresses alone is the same
/// both ways.
fn flow_port(inner: &[u8], (low, high): (u16, u16)) -> u16 {
    let ether = EthernetFrame::new_unchecked(inner);
    let packet = Ipv4Packet::new_checked(ether.payload()).ok();
    let packet = packet.filter(|_| ether.ethertype() == EthernetProtocol::Ipv4);
    let (mut a, mut b) = match &packet {
        Some(p) => (u64::from(u32::from(p.src_addr())) << 16, u64::from(u32::from(p.dst_addr())) << 16),
        None => {
            let number = |mac: [u8; 6]| mac.iter().fold(0, |n, &byte| n << 8 | u64::from(byte));
            (number(ether.src_addr().0), number(ether.dst_addr().0))
        }
    };
    let mut sockets = false;
    if let Some(p) = packet.filter(|p| matches!(u8::from(p.next_header()), 6 | 17) && p.payload().len() >= 4)
    {
        let ports = p.payload();
        a |= u64::from(u16::from_be_bytes([ports[0], ports[1]]));
        b |= u64::from(u16::from_be_bytes([ports[2], ports[3]]));
        sockets = true;
    }
    let (first, second) = if sockets { (a, b) } else { (a.min(b), a.max(b)) };
    let mut hash = first.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ second.wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
    hash ^= hash >> 29;
    hash = hash.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = hash >> 32;
    let room = u64::from(high.saturating_sub(low)).max(1);
    low + ((hash * room) >> 32) as u16
}

/// Is the frame a packet of more than `room` bytes that must not be cut, and one whose sender may be told?
pub fn is_too_long(frame: &Frame, room: u16) -> bool {
    let ether = EthernetFrame::new_unchecked(&frame.bytes[..]);
    if ether.ethertype() != EthernetProtocol::Ipv4 || frame.bytes.len() < ETHER + HEADER {
        return false;
    }
    let ip = Ipv4Packet::new_unchecked(ether.payload());
    let kind = ip.payload().first().copied();
    // An error about an error is never sent.
    let error = u8::from(ip.next_header()) == 1 && kind.is_some_and(|k| matches!(k, 3 | 4 | 5 | 11 | 12));
    ip.total_len() > room && ip.dont_frag() && !error && !ip.dst_addr().is_multicast()
}

impl NetNs {
    /// The namespace sends out of a VXLAN device (vxlan_xmit).
    pub(super) fn vxlan_xmit(&mut self, dev: IfIndex, frame: Frame, cx: &mut Cx<'_>) {
        let Some(vxlan) = self.devices.get(dev).and_then(|d| d.vxlan()) else { return };
        let ether = EthernetFrame::new_unchecked(&frame.bytes[..]);
        if vxlan.proxy && ether.ethertype() == EthernetProtocol::Arp {
            return self.vxlan_answer(dev, frame, cx);
        }
        let mac = Mac::from(ether.dst_addr());
        let Some(remote) = vxlan.remote(mac) else {
            return self.dropped(&frame, Some(dev), DropReason::NoTunnelEnd { mac }, cx);
        };
        let (vni, port, local, underlay) = (vxlan.vni, vxlan.port, vxlan.local, vxlan.underlay);
        cx.log.packet(frame.id, Step::Encapsulated { dev, vni, remote, added: OVERHEAD });
        let envelope = Envelope { dev, local, remote, vni, port, frame };
        cx.out.push(Output::Beyond(Box::new(Beyond::Tunnel { underlay, envelope })));
    }

    /// `proxy`: an ARP question is answered for the neighbour, or ends here (arp_reduce).
    fn vxlan_answer(&mut self, dev: IfIndex, frame: Frame, cx: &mut Cx<'_>) {
        let ether = EthernetFrame::new_unchecked(&frame.bytes[..]);
        let parsed = ArpPacket::new_checked(ether.payload()).and_then(|p| ArpRepr::parse(&p));
        let Ok(ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Request,
            source_hardware_addr: asker,
            source_protocol_addr: sender,
            target_protocol_addr: target,
            ..
        }) = parsed
        else {
            return self.dropped(&frame, Some(dev), DropReason::ArpNotMine, cx);
        };
        let known = self.neigh_known(dev, target, cx.now);
        let Some(mac) = known else {
            return self.dropped(&frame, Some(dev), DropReason::ArpNotMine, cx);
        };
        cx.log.packet(frame.id, Step::DeliveredToKernel);
        let repr = ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Reply,
            source_hardware_addr: mac.into(),
            source_protocol_addr: target,
            target_hardware_addr: asker,
            target_protocol_addr: sender,
        };
        let mut bytes = vec![0; ETHER + repr.buffer_len()];
        let mut ether = EthernetFrame::new_unchecked(&mut bytes[..]);
        ether.set_src_addr(mac.into());
        ether.set_dst_addr(asker);
        ether.set_ethertype(EthernetProtocol::Arp);
        repr.emit(&mut ArpPacket::new_unchecked(&mut bytes[ETHER..]));
        let reply = Frame::new(cx.ids.next_id(), bytes);
        cx.log.packet(reply.id, Step::Sent { by: None });
        self.receive(dev, reply, cx);
    }

    /// How long a packet may be that travels to the tunnel end `remote` in an envelope of this underlay.
    pub fn tunnel_room(&self, remote: Ipv4Addr) -> u16 {
        u16::try_from(self.path_mtu(remote)).unwrap_or(u16::MAX).saturating_sub(OVERHEAD)
    }

    /// A frame is too long for its tunnel, must not be cut, and came over a bridge: its sender hears of it
    /// from here, in the name of who it was for (skb_tunnel_check_pmtu, iptunnel_pmtud_build_icmp).
    pub fn tunnel_too_small(&mut self, dev: IfIndex, frame: &Frame, room: u16, cx: &mut Cx<'_>) {
        let ether = EthernetFrame::new_unchecked(&frame.bytes[..]);
        let (from, to) = (ether.src_addr(), ether.dst_addr());
        let mut bytes = super::icmp::too_big(frame, room);
        let mut back = EthernetFrame::new_unchecked(&mut bytes[..]);
        back.set_src_addr(to);
        back.set_dst_addr(from);
        back.set_ethertype(EthernetProtocol::Ipv4);
        let error = Frame::new(cx.ids.next_id(), bytes);
        let (icmp_type, code) = super::icmp::FRAG_NEEDED;
        cx.log.packet(frame.id, Step::IcmpErrorSent { error: error.id, icmp_type, code });
        self.dropped(frame, Some(dev), DropReason::FragmentationNeeded { mtu: room }, cx);
        cx.log.packet(error.id, Step::Sent { by: None });
        self.receive(dev, error, cx);
    }

    /// Sends an envelope: this namespace is its underlay.
    pub fn send_envelope(&mut self, envelope: Envelope, cx: &mut Cx<'_>) {
        let Envelope { local, remote, vni, port, frame, .. } = envelope;
        let id = frame.id;
        let source = match local.map_or_else(|| self.source_for(remote, None), Ok) {
            Ok(source) => source,
            Err(_) => return self.dropped(&frame, None, DropReason::NoRoute { dst: remote }, cx),
        };
        let mut payload = vec![0; UDP + HEAD];
        payload[UDP] = 0x08; // the VNI is valid
        payload[UDP + 4..UDP + 7].copy_from_slice(&vni.to_be_bytes()[1..]);
        payload.extend_from_slice(&frame.bytes);
        if HEADER + payload.len() > usize::from(u16::MAX) {
            return self.dropped(&frame, None, DropReason::TooBigForDevice, cx);
        }
        let len = payload.len() as u16;
        let mut udp = UdpPacket::new_unchecked(payload.as_mut_slice());
        udp.set_src_port(flow_port(&frame.bytes, self.sysctl.port_range));
        udp.set_dst_port(port);
        udp.set_len(len);
        udp.fill_checksum(&IpAddress::Ipv4(source), &IpAddress::Ipv4(remote));
        let send = IpSend {
            by: None,
            src: source,
            dst: remote,
            proto: Protocol::Udp,
            ttl: None,
            df: false,
            device: None,
            payload: &payload,
        };
        let Ok(hop) = self.resolve(remote, None) else {
            return self.dropped(&frame, None, DropReason::NoRoute { dst: remote }, cx);
        };
        let mut bytes = vec![0; ETHER + HEADER];
        bytes.extend_from_slice(&payload);
        let (ident, ttl) = (self.next_ident(), self.sysctl.default_ttl);
        super::output::write_header(&mut bytes, &send, ident, ttl);
        // what becomes of it is noted there
        let _ = self.local_output(Frame::new(id, bytes), &mut Meta::default(), &hop, None, cx);
    }

    /// A datagram came to a port of tunnel ends (vxlan_rcv). None: it is somebody else's.
    pub(super) fn tunnel_input(&mut self, dev: IfIndex, frame: Frame, cx: &mut Cx<'_>) {
        let ip = Ipv4Packet::new_unchecked(&frame.bytes[ETHER..]);
        let remote = ip.src_addr();
        let outer = ETHER + usize::from(ip.header_len());
        let port = UdpPacket::new_unchecked(ip.payload()).dst_port();
        let begin = outer + UDP + HEAD;
        let malformed = frame.bytes.len() < begin + ETHER || frame.bytes[outer + UDP] & 0x08 == 0;
        if malformed {
            return self.dropped(&frame, Some(dev), DropReason::Malformed, cx);
        }
        let head = &frame.bytes[outer + UDP..];
        let vni = u32::from_be_bytes([0, head[4], head[5], head[6]]);
        let Some(end) = self.tunnels.iter().find(|t| t.port == port && t.vni == vni).copied() else {
            return self.dropped(&frame, Some(dev), DropReason::UnknownNetwork { vni }, cx);
        };
        let id = frame.id;
        let mut bytes = frame.into_vec();
        bytes.drain(..begin);
        let frame = Frame::new(id, bytes);
        cx.out.push(Output::Beyond(Box::new(Beyond::Untunnel { to: end.dev, remote, frame })));
    }

    /// The inner frame of an envelope that came from `remote`.
    pub fn receive_from_tunnel(&mut self, dev: IfIndex, remote: Ipv4Addr, frame: Frame, cx: &mut Cx<'_>) {
        let src = Mac::from(EthernetFrame::new_unchecked(&frame.bytes[..]).src_addr());
        let Some(vxlan) = self.devices.get_mut(dev).and_then(|d| d.vxlan_mut()) else {
            return self.dropped(&frame, Some(dev), DropReason::DeviceDown, cx);
        };
        if vxlan.learning && !src.is_group() {
            let known = vxlan.fdb.iter().position(|e| e.mac == src);
            match known {
                Some(i) if !vxlan.fdb[i].permanent => vxlan.fdb[i].remote = remote,
                Some(_) => {}
                None if vxlan.fdb.len() < FDB_LIMIT => {
                    vxlan.fdb.push(TunnelEntry { mac: src, remote, permanent: false });
                }
                None => {}
            }
        }
        let vni = vxlan.vni;
        cx.log.packet(frame.id, Step::Decapsulated { dev, vni, remote, removed: OVERHEAD });
        self.receive(dev, frame, cx);
    }

    /// The tunnel ends whose envelopes arrive here.
    pub fn tunnels(&self) -> &[TunnelEnd] {
        &self.tunnels
    }

    /// Which device gets the envelopes of a network; the World says so.
    pub fn set_tunnel(&mut self, end: TunnelEnd, present: bool) {
        self.tunnels.retain(|t| (t.port, t.vni) != (end.port, end.vni));
        if present {
            self.tunnels.push(end);
        }
    }

    /// `bridge fdb replace MAC dev DEV dst REMOTE self permanent`. False if `dev` is no VXLAN device.
    pub fn set_tunnel_entry(&mut self, dev: IfIndex, entry: TunnelEntry) -> bool {
        let vxlan = self.devices.get_mut(dev).and_then(|d| d.vxlan_mut());
        vxlan.map(|v| v.set(entry)).is_some()
    }

    /// `bridge fdb del MAC dev DEV [dst REMOTE]`. False if there was none.
    pub fn remove_tunnel_entry(&mut self, dev: IfIndex, mac: Mac, remote: Option<Ipv4Addr>) -> bool {
        self.devices.get_mut(dev).and_then(|d| d.vxlan_mut()).is_some_and(|v| v.remove(mac, remote))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_and_its_reply_have_one_source_port() {
        let flow = |src: u8, dst: u8| {
            let mut bytes = vec![0; 60];
            bytes[12..14].copy_from_slice(&[8, 0]);
            let mut packet = Ipv4Packet::new_unchecked(&mut bytes[14..]);
            packet.set_version(4);
            packet.set_header_len(20);
            packet.set_total_len(46);
            packet.set_src_addr(Ipv4Addr::new(10, 0, 50, src));
            packet.set_dst_addr(Ipv4Addr::new(10, 0, 50, dst));
            flow_port(&bytes, (32768, 60999))
        };
        assert_eq!(flow(2, 4), flow(4, 2));
        assert_ne!(flow(2, 4), flow(2, 5));
        assert!((2..250).all(|n| (32768..=60999).contains(&flow(1, n))));
    }

    #[test]
    fn an_address_without_an_entry_goes_where_everybody_goes() {
        let (a, b) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
        let mut vxlan = Vxlan::new(1, VXLAN_PORT, NsId(0));
        let mac = Mac([2, 0, 0, 0, 0, 1]);
        assert_eq!(vxlan.remote(mac), None);
        vxlan.set(TunnelEntry { mac: Mac::ZERO, remote: a, permanent: true });
        vxlan.set(TunnelEntry { mac, remote: b, permanent: true });
        assert_eq!((vxlan.remote(mac), vxlan.remote(Mac::BROADCAST)), (Some(b), Some(a)));
        assert!(vxlan.remove(mac, Some(b)) && !vxlan.remove(mac, None));
        assert_eq!(vxlan.remote(mac), Some(a));
    }
}
