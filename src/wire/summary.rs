//! What a frame says, in the fields that a list, a pill or an inspector shows.
//!
//! Supported: ARP, IPv4, ICMP with the packet that an error is about, TCP, UDP, DNS, DHCP, VXLAN with the
//! frame inside, 802.1Q tags, the first line of text that a segment carries. Anything else is named by its number; bytes that do not hold
//! what they promise are [`Content::Malformed`]. Nothing here can fail or panic.

use std::fmt;
use std::net::Ipv4Addr;

use simple_dns::rdata::RData;
use simple_dns::{Packet as DnsPacket, PacketFlag, QTYPE, RCODE};
use smoltcp::wire::{
    ArpPacket, DHCP_SERVER_PORT, DhcpMessageType, DhcpPacket, DhcpRepr, EthernetFrame, EthernetProtocol,
    Icmpv4Packet, Ipv4Packet, TcpPacket, UdpPacket,
};

use super::{Endpoint, Mac, Protocol};

/// The longest first line of text that is kept, in characters.
const LINE_LIMIT: usize = 120;
/// The port of VXLAN (RFC 7348 §5).
const VXLAN_PORT: u16 = 4789;
/// The port of DNS (RFC 1035 §4.2).
const DNS_PORT: u16 = 53;

/// What a frame says. See [`summary`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Sender on this link.
    pub src_mac: Mac,
    /// Receiver on this link.
    pub dst_mac: Mac,
    /// Ethertype: 0x0800 IPv4, 0x0806 ARP.
    pub ethertype: u16,
    /// The VLAN id of its 802.1Q tag, if it has one; `ethertype` is that after the tag.
    pub vlan: Option<u16>,
    /// Length of the frame in bytes, Ethernet header included.
    pub len: usize,
    /// What it carries.
    pub content: Content,
}

/// What an Ethernet frame carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// ARP for IPv4.
    Arp(Arp),
    /// IPv4.
    Ipv4(Ipv4),
    /// Another ethertype.
    Other,
    /// Shorter than it says, or otherwise not what its ethertype promises.
    Malformed,
}

/// Question or answer?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArpOperation {
    /// Who has the target address?
    Request,
    /// The sender address is at the sender's MAC address.
    Reply,
    /// Any other, by its number.
    Other(u16),
}

/// An ARP packet (RFC 826).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arp {
    /// Question or answer.
    pub operation: ArpOperation,
    /// Sender's MAC address.
    pub sender_mac: Mac,
    /// Sender's IPv4 address.
    pub sender: Ipv4Addr,
    /// Target's MAC address; zero in a question.
    pub target_mac: Mac,
    /// Target's IPv4 address.
    pub target: Ipv4Addr,
}

/// An IPv4 packet, or the beginning of one that an ICMP error quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ipv4 {
    /// Source address.
    pub src: Ipv4Addr,
    /// Destination address.
    pub dst: Ipv4Addr,
    /// Protocol.
    pub proto: Protocol,
    /// Time to live.
    pub ttl: u8,
    /// Identification.
    pub ident: u16,
    /// Don't fragment.
    pub dont_fragment: bool,
    /// If it is a fragment: offset in bytes, and whether more follow.
    pub fragment: Option<(u16, bool)>,
    /// Length in bytes, header included.
    pub len: u16,
    /// Length of the header in bytes.
    pub header_len: u8,
    /// Whether the header's checksum is right.
    pub checksum_ok: bool,
    /// What it carries.
    pub transport: Transport,
}

/// What an IPv4 packet carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// A TCP segment.
    Tcp {
        /// Source port.
        src_port: u16,
        /// Destination port.
        dst_port: u16,
        /// Flags.
        flags: TcpFlags,
        /// Sequence number.
        seq: u32,
        /// Acknowledgement number; 0 if ACK is not set.
        ack: u32,
        /// Window as on the wire, not scaled.
        window: u16,
        /// Length of the data in bytes.
        payload_len: usize,
        /// The first line of the data, if it is text (`GET / HTTP/1.1`).
        first_line: Option<String>,
    },
    /// A UDP datagram.
    Udp {
        /// Source port.
        src_port: u16,
        /// Destination port.
        dst_port: u16,
        /// Length of the data in bytes.
        payload_len: usize,
        /// The first line of the data, if it is text.
        first_line: Option<String>,
        /// The DNS message, if a port is 53.
        dns: Option<Dns>,
        /// The envelope, if the destination port is 4789.
        vxlan: Option<VxlanFrame>,
        /// The DHCP message, if a port is 67.
        dhcp: Option<Dhcp>,
    },
    /// An ICMP message.
    Icmp(IcmpMessage),
    /// A fragment that is not the first: no transport header.
    Fragment,
    /// Another protocol, or one that was cut off.
    Other,
}

/// What a VXLAN datagram carries (RFC 7348 §5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VxlanFrame {
    /// Network identifier.
    pub vni: u32,
    /// The frame inside.
    pub inner: Box<Summary>,
}

/// The flags of a TCP segment (RFC 9293 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpFlags {
    /// No more data from the sender.
    pub fin: bool,
    /// Opens a connection: the sequence number is the first.
    pub syn: bool,
    /// Breaks a connection off, or refuses it.
    pub rst: bool,
    /// Data to hand to the program at once.
    pub psh: bool,
    /// The acknowledgement number means something: in all but the first segment.
    pub ack: bool,
}

impl TcpFlags {
    /// As tcpdump prints them between brackets: `S`, `S.`, `P.`, `R.`; `none` without any.
    pub fn tcpdump(self) -> String {
        let all = [(self.fin, 'F'), (self.syn, 'S'), (self.rst, 'R'), (self.psh, 'P'), (self.ack, '.')];
        let text: String = all.iter().filter(|f| f.0).map(|f| f.1).collect();
        if text.is_empty() { "none".into() } else { text }
    }
}

impl fmt::Display for TcpFlags {
    /// By name: `SYN, ACK`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all =
            [(self.syn, "SYN"), (self.fin, "FIN"), (self.rst, "RST"), (self.psh, "PSH"), (self.ack, "ACK")];
        let names: Vec<&str> = all.iter().filter(|n| n.0).map(|n| n.1).collect();
        f.write_str(&names.join(", "))
    }
}

/// An ICMP message (RFC 792).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IcmpMessage {
    /// Type: 0 echo reply, 3 unreachable, 8 echo request, 11 time exceeded.
    pub icmp_type: u8,
    /// Code.
    pub code: u8,
    /// Identifier and sequence number of an echo.
    pub echo: Option<(u16, u16)>,
    /// The next link's MTU of "fragmentation needed".
    pub mtu: Option<u16>,
    /// Length of the data in bytes, after the 8 bytes of header.
    pub payload_len: usize,
    /// The packet that an error is about.
    pub about: Option<Box<Ipv4>>,
}

impl IcmpMessage {
    /// True if it tells of a packet that did not arrive.
    pub fn is_error(&self) -> bool {
        matches!(self.icmp_type, 3..=5 | 11 | 12)
    }

    /// What it is, in the words of ping and tcpdump; None if it has no name here.
    pub fn kind(&self) -> Option<&'static str> {
        Some(match (self.icmp_type, self.code) {
            (0, _) => "echo reply",
            (8, _) => "echo request",
            (3, 0) => "net unreachable",
            (3, 1) => "host unreachable",
            (3, 2) => "protocol unreachable",
            (3, 3) => "port unreachable",
            (3, 4) => "fragmentation needed",
            (3, 9) => "net prohibited",
            (3, 10) => "host prohibited",
            (3, 13) => "admin prohibited",
            (3, _) => "unreachable",
            (5, _) => "redirect",
            (11, 0) => "time exceeded in-transit",
            (11, _) => "reassembly time exceeded",
            (12, _) => "parameter problem",
            _ => return None,
        })
    }
}

/// A DHCP message (RFC 2131).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dhcp {
    /// `Discover`, `Offer`, `Request`, `Decline`, `ACK`, `NAK`, `Release`, `Inform`.
    pub kind: &'static str,
    /// The address that is offered, given, asked for or given back.
    pub address: Option<Ipv4Addr>,
    /// The client that it is about.
    pub client: Mac,
}

impl fmt::Display for Dhcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) => write!(f, "DHCP {} {address}", self.kind),
            None => write!(f, "DHCP {}", self.kind),
        }
    }
}

/// A DNS message (RFC 1035 §4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dns {
    /// Its number: an answer has its question's.
    pub id: u16,
    /// Is it an answer?
    pub is_answer: bool,
    /// Of an answer: `NOERROR`, `NXDOMAIN`, `SERVFAIL`, `REFUSED` …
    pub rcode: &'static str,
    /// The name asked for.
    pub name: String,
    /// The kind of record asked for (`A`, `AAAA`, `PTR`).
    pub record: String,
    /// The addresses (or names) that an answer gives.
    pub answers: Vec<String>,
}

impl Ipv4 {
    /// Source address with its port; for an echo, its identifier; 0 where there is none.
    pub fn source(&self) -> Endpoint {
        Endpoint::new(self.src, self.ports().map_or(0, |p| p.0))
    }
    /// Destination address with its port; for an echo, its identifier; 0 where there is none.
    pub fn destination(&self) -> Endpoint {
        Endpoint::new(self.dst, self.ports().map_or(0, |p| p.1))
    }
    fn ports(&self) -> Option<(u16, u16)> {
        match &self.transport {
            Transport::Tcp { src_port, dst_port, .. } | Transport::Udp { src_port, dst_port, .. } => {
                Some((*src_port, *dst_port))
            }
            Transport::Icmp(IcmpMessage { echo: Some((id, _)), .. }) => Some((*id, *id)),
            _ => None,
        }
    }
}

impl Summary {
    /// The envelope, if it is one: network identifier and the frame inside.
    pub fn inner(&self) -> Option<(u32, &Summary)> {
        match &self.ipv4()?.transport {
            Transport::Udp { vxlan: Some(VxlanFrame { vni, inner }), .. } => Some((*vni, inner)),
            _ => None,
        }
    }

    /// The IPv4 packet, if it carries one.
    pub fn ipv4(&self) -> Option<&Ipv4> {
        match &self.content {
            Content::Ipv4(packet) => Some(packet),
            _ => None,
        }
    }
}

impl fmt::Display for Summary {
    /// One line as tcpdump has it: `172.17.0.3.54330 > 172.17.0.2.81: Flags [S]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.content {
            Content::Arp(arp) => match arp.operation {
                ArpOperation::Request => write!(f, "Request who-has {} tell {}", arp.target, arp.sender),
                ArpOperation::Reply => write!(f, "Reply {} is-at {}", arp.sender, arp.sender_mac),
                ArpOperation::Other(op) => write!(f, "ARP operation {op}"),
            },
            Content::Ipv4(packet) => write!(f, "{packet}"),
            Content::Other => write!(f, "ethertype 0x{:04x}, length {}", self.ethertype, self.len),
            Content::Malformed => write!(f, "malformed, length {}", self.len),
        }
    }
}

impl fmt::Display for Ipv4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { src, dst, .. } = self;
        match &self.transport {
            Transport::Tcp { src_port, dst_port, flags, .. } => {
                write!(f, "{src}.{src_port} > {dst}.{dst_port}: Flags [{}]", flags.tcpdump())
            }
            Transport::Udp { src_port, dst_port, dns: Some(dns), .. } => {
                write!(f, "{src}.{src_port} > {dst}.{dst_port}: {dns}")
            }
            Transport::Udp { dhcp: Some(dhcp), .. } => write!(f, "{dhcp}"),
            Transport::Udp { src_port, dst_port, vxlan: Some(vxlan), .. } => {
                write!(f, "{src}.{src_port} > {dst}.{dst_port}: VXLAN, vni {}: {}", vxlan.vni, vxlan.inner)
            }
            Transport::Udp { src_port, dst_port, payload_len, .. } => {
                write!(f, "{src}.{src_port} > {dst}.{dst_port}: UDP, length {payload_len}")
            }
            Transport::Icmp(message) => write!(f, "{src} > {dst}: {message}"),
            Transport::Fragment => write!(f, "{src} > {dst}: {}", self.proto),
            Transport::Other => write!(f, "{src} > {dst}: {}, length {}", self.proto, self.len),
        }
    }
}

impl fmt::Display for IcmpMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ICMP ")?;
        match (self.kind(), &self.about) {
            (Some("port unreachable"), Some(about)) => {
                let Endpoint { addr, port } = about.destination();
                write!(f, "{addr} {} port {port} unreachable", about.proto)?;
            }
            (Some("host unreachable"), Some(about)) => write!(f, "host {} unreachable", about.dst)?,
            (Some("net unreachable"), Some(about)) => write!(f, "net {} unreachable", about.dst)?,
            (Some(kind), _) => f.write_str(kind)?,
            (None, _) => write!(f, "type {} code {}", self.icmp_type, self.code)?,
        }
        match self.echo {
            Some((id, seq)) => write!(f, ", id {id}, seq {seq}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_answer {
            return write!(f, "{}? {}", self.record, self.name);
        }
        let answer = if self.answers.is_empty() { self.rcode.to_owned() } else { self.answers.join(", ") };
        write!(f, "{} {} = {answer}", self.record, self.name)
    }
}

/// Envelopes within envelopes that are looked into.
const MAX_NEST: u8 = 2;

/// Reads what `bytes` (an Ethernet frame) says.
pub fn summary(bytes: &[u8]) -> Summary {
    frame(bytes, MAX_NEST)
}

fn frame(bytes: &[u8], nest: u8) -> Summary {
    let len = bytes.len();
    let Ok(ether) = EthernetFrame::new_checked(bytes) else {
        return Summary {
            src_mac: Mac::ZERO,
            dst_mac: Mac::ZERO,
            ethertype: 0,
            vlan: None,
            len,
            content: Content::Malformed,
        };
    };
    let (mut ethertype, mut payload, mut vlan) = (ether.ethertype(), ether.payload(), None);
    if u16::from(ethertype) == 0x8100
        && let [a, b, c, d, rest @ ..] = payload
    {
        vlan = Some(u16::from_be_bytes([*a, *b]) & 0x0fff);
        (ethertype, payload) = (EthernetProtocol::from(u16::from_be_bytes([*c, *d])), rest);
    }
    let content = match ethertype {
        EthernetProtocol::Arp => arp(payload).map(Content::Arp),
        EthernetProtocol::Ipv4 => ipv4(payload, false, nest).map(Content::Ipv4),
        _ => Some(Content::Other),
    };
    Summary {
        src_mac: ether.src_addr().into(),
        dst_mac: ether.dst_addr().into(),
        ethertype: ethertype.into(),
        vlan,
        len,
        content: content.unwrap_or(Content::Malformed),
    }
}

fn arp(bytes: &[u8]) -> Option<Arp> {
    let packet = ArpPacket::new_checked(bytes).ok()?;
    if packet.hardware_len() != 6 || packet.protocol_len() != 4 {
        return None;
    }
    let mac = |b: &[u8]| b.try_into().map(Mac).ok();
    let addr = |b: &[u8]| <[u8; 4]>::try_from(b).map(Ipv4Addr::from).ok();
    Some(Arp {
        operation: match u16::from(packet.operation()) {
            1 => ArpOperation::Request,
            2 => ArpOperation::Reply,
            other => ArpOperation::Other(other),
        },
        sender_mac: mac(packet.source_hardware_addr())?,
        sender: addr(packet.source_protocol_addr())?,
        target_mac: mac(packet.target_hardware_addr())?,
        target: addr(packet.target_protocol_addr())?,
    })
}

/// `quoted`: only the beginning is there, as in an ICMP error.
fn ipv4(bytes: &[u8], quoted: bool, nest: u8) -> Option<Ipv4> {
    if bytes.len() < 20 {
        return None;
    }
    let packet = Ipv4Packet::new_unchecked(bytes);
    let header = usize::from(packet.header_len());
    let total = usize::from(packet.total_len());
    let complete = total <= bytes.len() || quoted;
    if packet.version() != 4 || header < 20 || header > total || header > bytes.len() || !complete {
        return None;
    }
    let payload = &bytes[header..total.min(bytes.len())];
    let proto = Protocol::from_number(packet.next_header().into());
    let (offset, more) = (packet.frag_offset(), packet.more_frags());
    let transport = match proto {
        _ if offset != 0 => Transport::Fragment,
        Protocol::Tcp => tcp(payload, quoted),
        Protocol::Udp => udp(payload, quoted, nest),
        Protocol::Icmp => icmp(payload),
        Protocol::Other(_) => Transport::Other,
    };
    Some(Ipv4 {
        src: packet.src_addr(),
        dst: packet.dst_addr(),
        proto,
        ttl: packet.hop_limit(),
        ident: packet.ident(),
        dont_fragment: packet.dont_frag(),
        fragment: (offset != 0 || more).then_some((offset, more)),
        len: packet.total_len(),
        header_len: header as u8,
        checksum_ok: packet.verify_checksum(),
        transport,
    })
}

fn tcp(bytes: &[u8], quoted: bool) -> Transport {
    if bytes.len() < 20 {
        // eight bytes are quoted at least: the ports and the sequence number
        return match bytes {
            [a, b, c, d, e, f, g, h, ..] if quoted => Transport::Tcp {
                src_port: u16::from_be_bytes([*a, *b]),
                dst_port: u16::from_be_bytes([*c, *d]),
                flags: TcpFlags::default(),
                seq: u32::from_be_bytes([*e, *f, *g, *h]),
                ack: 0,
                window: 0,
                payload_len: 0,
                first_line: None,
            },
            _ => Transport::Other,
        };
    }
    let Ok(segment) = TcpPacket::new_checked(bytes) else { return Transport::Other };
    let data = segment.payload();
    Transport::Tcp {
        src_port: segment.src_port(),
        dst_port: segment.dst_port(),
        flags: TcpFlags {
            fin: segment.fin(),
            syn: segment.syn(),
            rst: segment.rst(),
            psh: segment.psh(),
            ack: segment.ack(),
        },
        seq: segment.seq_number().0 as u32,
        ack: if segment.ack() { segment.ack_number().0 as u32 } else { 0 },
        window: segment.window_len(),
        payload_len: data.len(),
        first_line: first_line(data),
    }
}

/// The frame inside a VXLAN datagram.
fn vxlan(data: &[u8], nest: u8) -> Option<VxlanFrame> {
    let (head, inner) = data.split_at_checked(8)?;
    let vni = u32::from_be_bytes([0, head[4], head[5], head[6]]);
    let valid = head[0] & 0x08 != 0 && nest > 0;
    valid.then(|| VxlanFrame { vni, inner: Box::new(frame(inner, nest - 1)) })
}

fn udp(bytes: &[u8], quoted: bool, nest: u8) -> Transport {
    if bytes.len() < 8 {
        return Transport::Other;
    }
    let datagram = UdpPacket::new_unchecked(bytes);
    let (src_port, dst_port) = (datagram.src_port(), datagram.dst_port());
    let len = usize::from(datagram.len());
    if len < 8 || (len > bytes.len() && !quoted) {
        return Transport::Other;
    }
    let data = &bytes[8..len.min(bytes.len())];
    let is_dns = src_port == DNS_PORT || dst_port == DNS_PORT;
    Transport::Udp {
        src_port,
        dst_port,
        payload_len: len - 8,
        first_line: first_line(data),
        dns: is_dns.then(|| dns(data)).flatten(),
        dhcp: (src_port == DHCP_SERVER_PORT || dst_port == DHCP_SERVER_PORT)
            .then(|| dhcp_message(data))
            .flatten(),
        vxlan: if dst_port == VXLAN_PORT { vxlan(data, nest) } else { None },
    }
}

fn icmp(bytes: &[u8]) -> Transport {
    if bytes.len() < 8 {
        return Transport::Other;
    }
    let message = Icmpv4Packet::new_unchecked(bytes);
    let (icmp_type, code) = (message.msg_type().into(), message.msg_code());
    let echo = matches!(icmp_type, 0 | 8).then(|| (message.echo_ident(), message.echo_seq_no()));
    let mut parsed = IcmpMessage {
        icmp_type,
        code,
        echo,
        mtu: ((icmp_type, code) == (3, 4)).then(|| u16::from_be_bytes([bytes[6], bytes[7]])),
        payload_len: bytes.len() - 8,
        about: None,
    };
    // an error about an error is never sent, so this goes one level deep
    if parsed.is_error() && bytes.len() > 8 && bytes.get(8 + 9) != Some(&1) {
        parsed.about = ipv4(&bytes[8..], true, 0).map(Box::new);
    } else if parsed.is_error() {
        parsed.about = quoted_icmp(&bytes[8..]).map(Box::new);
    }
    Transport::Icmp(parsed)
}

/// A quoted ICMP message, without looking into what it quotes itself.
fn quoted_icmp(bytes: &[u8]) -> Option<Ipv4> {
    let header = usize::from(*bytes.first()? & 0x0f) * 4;
    let visible = bytes.get(..header + 8).unwrap_or(bytes);
    ipv4(visible, true, 0)
}

/// Reads a DHCP message from the payload of its datagram.
pub fn dhcp_message(bytes: &[u8]) -> Option<Dhcp> {
    let packet = DhcpPacket::new_checked(bytes).ok()?;
    let message = DhcpRepr::parse(&packet).ok()?;
    let kind = match message.message_type {
        DhcpMessageType::Discover => "Discover",
        DhcpMessageType::Offer => "Offer",
        DhcpMessageType::Request => "Request",
        DhcpMessageType::Decline => "Decline",
        DhcpMessageType::Ack => "ACK",
        DhcpMessageType::Nak => "NAK",
        DhcpMessageType::Release => "Release",
        DhcpMessageType::Inform => "Inform",
        DhcpMessageType::Unknown(_) => return None,
    };
    let own = [message.your_ip, message.client_ip].into_iter().find(|a| !a.is_unspecified());
    let client = message.client_hardware_address.into();
    Some(Dhcp { kind, address: message.requested_ip.or(own), client })
}

fn dns(bytes: &[u8]) -> Option<Dns> {
    let message = DnsPacket::parse(bytes).ok()?;
    let question = message.questions.first()?;
    let record = match question.qtype {
        QTYPE::TYPE(kind) => format!("{kind:?}"),
        other => format!("{other:?}"),
    };
    let answers = message.answers.iter().filter_map(|a| match &a.rdata {
        RData::A(a) => Some(Ipv4Addr::from(a.address).to_string()),
        RData::AAAA(a) => Some(std::net::Ipv6Addr::from(a.address).to_string()),
        RData::CNAME(name) => Some(name.0.to_string()),
        RData::PTR(name) => Some(name.0.to_string()),
        _ => None,
    });
    Some(Dns {
        id: message.id(),
        is_answer: message.has_flags(PacketFlag::RESPONSE),
        rcode: match message.rcode() {
            RCODE::NoError => "NOERROR",
            RCODE::FormatError => "FORMERR",
            RCODE::ServerFailure => "SERVFAIL",
            RCODE::NameError => "NXDOMAIN",
            RCODE::NotImplemented => "NOTIMP",
            RCODE::Refused => "REFUSED",
            _ => "other",
        },
        name: question.qname.to_string(),
        record,
        answers: answers.collect(),
    })
}

/// The first line, if the data begins with text.
fn first_line(data: &[u8]) -> Option<String> {
    let line = data.split(|&b| b == b'\n').next()?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let cut = &line[..line.len().min(4 * LINE_LIMIT)];
    let text = match std::str::from_utf8(cut) {
        Ok(text) => text,
        // The cut may have gone through the last character.
        Err(e) if cut.len() < line.len() && e.error_len().is_none() => {
            std::str::from_utf8(&cut[..e.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let printable = !text.is_empty() && text.chars().all(|c| !c.is_control());
    printable.then(|| text.chars().take(LINE_LIMIT).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use smoltcp::phy::ChecksumCapabilities;
    use smoltcp::wire::{
        EthernetAddress, EthernetRepr, Icmpv4Repr, IpProtocol, Ipv4Repr, TcpControl, TcpRepr, TcpSeqNumber,
        UdpRepr,
    };

    const A: Ipv4Addr = Ipv4Addr::new(172, 17, 0, 3);
    const B: Ipv4Addr = Ipv4Addr::new(172, 17, 0, 2);

    fn frame(ethertype: EthernetProtocol, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 14];
        let repr = EthernetRepr {
            src_addr: EthernetAddress([2, 0, 0, 0, 0, 3]),
            dst_addr: EthernetAddress([2, 0, 0, 0, 0, 2]),
            ethertype,
        };
        repr.emit(&mut EthernetFrame::new_unchecked(&mut bytes));
        bytes.extend_from_slice(payload);
        bytes
    }

    fn packet(next_header: IpProtocol, payload: &[u8]) -> Vec<u8> {
        let repr =
            Ipv4Repr { src_addr: A, dst_addr: B, next_header, payload_len: payload.len(), hop_limit: 64 };
        let mut bytes = vec![0; 20];
        bytes.extend_from_slice(payload);
        repr.emit(&mut Ipv4Packet::new_unchecked(&mut bytes), &ChecksumCapabilities::default());
        bytes
    }

    fn udp_packet(dst_port: u16, data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 8 + data.len()];
        UdpRepr { src_port: 4000, dst_port }.emit(
            &mut UdpPacket::new_unchecked(&mut bytes),
            &A.into(),
            &B.into(),
            data.len(),
            |b| b.copy_from_slice(data),
            &ChecksumCapabilities::default(),
        );
        packet(IpProtocol::Udp, &bytes)
    }

    fn tcp_packet(control: TcpControl, ack: Option<i32>, data: &[u8]) -> Vec<u8> {
        let repr = TcpRepr {
            src_port: 54330,
            dst_port: 81,
            control,
            seq_number: TcpSeqNumber(7),
            ack_number: ack.map(TcpSeqNumber),
            window_len: 100,
            window_scale: None,
            max_seg_size: None,
            sack_permitted: false,
            sack_ranges: [None; 3],
            timestamp: None,
            payload: data,
        };
        let mut bytes = vec![0; repr.buffer_len()];
        repr.emit(
            &mut TcpPacket::new_unchecked(&mut bytes),
            &A.into(),
            &B.into(),
            &ChecksumCapabilities::default(),
        );
        packet(IpProtocol::Tcp, &bytes)
    }

    fn line(ip: &[u8]) -> String {
        summary(&frame(EthernetProtocol::Ipv4, ip)).to_string()
    }

    #[test]
    fn an_envelope_tells_of_the_frame_inside() {
        let inner = frame(EthernetProtocol::Ipv4, &packet(IpProtocol::Icmp, &[8, 0, 0xf7, 0xff, 0, 0, 0, 0]));
        let mut data = vec![0x08, 0, 0, 0, 0x00, 0x10, 0x01, 0];
        data.extend_from_slice(&inner);
        let outer = frame(EthernetProtocol::Ipv4, &udp_packet(4789, &data));
        let seen = summary(&outer);
        let (vni, inside) = seen.inner().expect("an envelope");
        assert_eq!((vni, inside.len, outer.len() - inside.len), (4097, inner.len(), 50));
        assert_eq!(inside.to_string(), format!("{A} > {B}: ICMP echo request, id 0, seq 0"));
        assert!(seen.to_string().contains("VXLAN, vni 4097"));
    }

    #[test]
    fn a_tag_stands_before_the_ethertype() {
        let mut tagged = frame(EthernetProtocol::Ipv4, &packet(IpProtocol::Icmp, &[8, 0, 0, 0, 0, 0, 0, 0]));
        tagged.splice(12..12, [0x81, 0, 0, 10]);
        let seen = summary(&tagged);
        assert_eq!((seen.vlan, seen.ethertype), (Some(10), 0x0800));
        assert!(seen.ipv4().is_some());
    }

    #[test]
    fn lines_are_tcpdumps() {
        let mut question = DnsPacket::new_query(7);
        question.questions.push(simple_dns::Question::new(
            simple_dns::Name::new("example.com").unwrap(),
            QTYPE::TYPE(simple_dns::TYPE::A),
            simple_dns::QCLASS::CLASS(simple_dns::CLASS::IN),
            false,
        ));
        let question = question.build_bytes_vec().unwrap();
        let cases = [
            (tcp_packet(TcpControl::Syn, None, b""), "172.17.0.3.54330 > 172.17.0.2.81: Flags [S]"),
            (tcp_packet(TcpControl::Rst, Some(8), b""), "172.17.0.3.54330 > 172.17.0.2.81: Flags [R.]"),
            (tcp_packet(TcpControl::Psh, Some(8), b"x"), "172.17.0.3.54330 > 172.17.0.2.81: Flags [P.]"),
            (udp_packet(5000, b"hi"), "172.17.0.3.4000 > 172.17.0.2.5000: UDP, length 2"),
            (udp_packet(53, &question), "172.17.0.3.4000 > 172.17.0.2.53: A? example.com"),
        ];
        for (ip, expected) in cases {
            assert_eq!(line(&ip), expected);
        }
    }

    #[test]
    fn an_icmp_error_names_the_packet_that_it_is_about() {
        let quoted = udp_packet(5000, b"data");
        let mut error = vec![3, 3, 0, 0, 0, 0, 0, 0];
        error.extend_from_slice(&quoted);
        assert_eq!(
            line(&packet(IpProtocol::Icmp, &error)),
            "172.17.0.3 > 172.17.0.2: ICMP 172.17.0.2 udp port 5000 unreachable"
        );
        let read = summary(&frame(EthernetProtocol::Ipv4, &packet(IpProtocol::Icmp, &error)));
        let Some(Transport::Icmp(message)) = read.ipv4().map(|p| &p.transport) else { panic!("{read:?}") };
        assert_eq!(message.about.as_ref().map(|p| p.source()), Some(Endpoint::new(A, 4000)));
    }

    #[test]
    fn an_echo_shows_its_identifier_and_number() {
        let repr = Icmpv4Repr::EchoRequest { ident: 6053, seq_no: 1, data: b"abc" };
        let mut bytes = vec![0; repr.buffer_len()];
        repr.emit(&mut Icmpv4Packet::new_unchecked(&mut bytes), &ChecksumCapabilities::default());
        assert_eq!(
            line(&packet(IpProtocol::Icmp, &bytes)),
            "172.17.0.3 > 172.17.0.2: ICMP echo request, id 6053, seq 1"
        );
    }

    #[test]
    fn text_shows_its_first_line_only() {
        let ip = tcp_packet(TcpControl::Psh, Some(8), b"GET / HTTP/1.1\r\nHost: web\r\n\r\n");
        let read = summary(&frame(EthernetProtocol::Ipv4, &ip));
        let Some(Transport::Tcp { first_line, payload_len, .. }) = read.ipv4().map(|p| &p.transport) else {
            panic!("{read:?}")
        };
        assert_eq!((first_line.as_deref(), *payload_len), (Some("GET / HTTP/1.1"), 29));
    }

    #[test]
    fn a_first_line_is_text_and_cut_between_letters() {
        assert_eq!(first_line(&[0, 1, 2]), None);
        let long = format!("x{}", "가".repeat(LINE_LIMIT * 2));
        assert_eq!(first_line(long.as_bytes()).map(|l| l.chars().count()), Some(LINE_LIMIT));
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0usize..3) {
            let mut bytes = bytes;
            if bytes.len() > 14 {
                let ethertype = [[8, 0], [8, 6], [0x12, 0x34]][kind];
                bytes[12..14].copy_from_slice(&ethertype);
                bytes[14] = 0x45 + (bytes[14] & 3);
            }
            let _ = summary(&bytes).to_string();
        }

        #[test]
        fn a_cut_or_changed_packet_can_be_read(at in 0usize..90, value: u8, len in 0usize..90) {
            let mut ip = udp_packet(53, &[0x55; 40]);
            ip.splice(28..28, udp_packet(53, &[1; 20]));
            if let Some(byte) = ip.get_mut(at) {
                *byte = value;
            }
            ip.truncate(len);
            let _ = line(&ip);
        }
    }
}
