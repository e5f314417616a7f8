//! A frame's bytes as fields that people read: what a pill, a row and the header table show.
//!
//! Ethernet, ARP, IPv4, ICMP, UDP, TCP, DNS, VXLAN with the frame inside. NOT read: IPv6, fragments'
//! content, 802.1Q tags, DHCP options but the message type.

use std::net::Ipv4Addr;

use crate::stack::VXLAN_PORT;
use crate::wire::fmt::{
    ArpOperation, ArpPacket, ArpRepr, EthernetFrame, EthernetProtocol, Icmpv4Message, Icmpv4Packet,
    IpProtocol, Ipv4Packet, TcpPacket, UdpPacket,
};
use crate::wire::{Mac, Protocol, dhcp_message};

/// What a packet is, by colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Who has this address?
    Arp,
    /// Echoes and errors.
    Icmp,
    /// To or from port 53.
    Dns,
    /// TCP.
    Tcp,
    /// UDP that is none of the others.
    Udp,
    /// An envelope (UDP port 4789).
    Vxlan,
    /// Other protocols, and fragments.
    Other,
}

impl Kind {
    /// The word on the badge.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Arp => "ARP",
            Self::Icmp => "ICMP",
            Self::Dns => "DNS",
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Vxlan => "VXLAN",
            Self::Other => "IP",
        }
    }
    /// The name of its colour in the style sheets.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Arp => "arp",
            Self::Icmp => "icmp",
            Self::Dns => "dns",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Vxlan => "vxlan",
            Self::Other => "other",
        }
    }
}

/// An address with its port, where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Party {
    /// Address.
    pub addr: Ipv4Addr,
    /// Port.
    pub port: Option<u16>,
}

impl std::fmt::Display for Party {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.addr),
            None => write!(f, "{}", self.addr),
        }
    }
}

/// A header field, with where its bytes lie in the frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name as tools print it.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// Offset and length in the frame.
    pub span: (usize, usize),
}

/// A frame, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// Kind.
    pub kind: Kind,
    /// Sender: IP and port, or the asking address of ARP.
    pub from: Party,
    /// Receiver.
    pub to: Party,
    /// What it says: `SYN`, `who has 172.17.0.1?`, `example.com A?`.
    pub what: String,
    /// Header fields in the order of the bytes.
    pub fields: Vec<Field>,
    /// Transport protocol, for those that NAT knows.
    pub proto: Option<Protocol>,
    /// Bytes of payload over TCP or UDP.
    pub payload: usize,
    /// Sent to everybody on the segment.
    pub broadcast: bool,
    /// The frame that it is the envelope of.
    pub letter: Option<Letter>,
}

/// A frame inside a VXLAN envelope (RFC 7348).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Which network.
    pub vni: u32,
    /// Offset of the inner frame in the outer one: the bytes that the envelope takes.
    pub at: usize,
    /// Bytes of the inner frame.
    pub len: usize,
    /// The inner frame, read. Its fields' spans count from its own beginning.
    pub inner: Box<Decoded>,
}

impl Decoded {
    /// What it is about: the frame in the envelope, if it is one.
    pub fn innermost(&self) -> &Self {
        self.letter.as_ref().map_or(self, |l| l.inner.innermost())
    }
}

/// Reads an Ethernet frame. None for what is not IPv4 or ARP, or is cut short.
pub fn decode(bytes: &[u8]) -> Option<Decoded> {
    read(bytes, true)
}

/// `open`: look into an envelope. One in an envelope stays closed.
fn read(bytes: &[u8], open: bool) -> Option<Decoded> {
    let frame = EthernetFrame::new_checked(bytes).ok()?;
    let (src, dst) = (Mac::from(frame.src_addr()), Mac::from(frame.dst_addr()));
    let mut fields = vec![
        Field { name: "eth dst", value: dst.to_string(), span: (0, 6) },
        Field { name: "eth src", value: src.to_string(), span: (6, 6) },
    ];
    let mut read = match frame.ethertype() {
        EthernetProtocol::Arp => arp(&bytes[14..], &mut fields)?,
        EthernetProtocol::Ipv4 => ipv4(&bytes[14..], &mut fields, open)?,
        _ => return None,
    };
    read.broadcast = dst == Mac::BROADCAST;
    read.fields = fields;
    Some(read)
}

fn found(kind: Kind, from: Party, to: Party, what: String) -> Decoded {
    let fields = Vec::new();
    Decoded { kind, from, to, what, fields, proto: None, payload: 0, broadcast: false, letter: None }
}

fn arp(bytes: &[u8], fields: &mut Vec<Field>) -> Option<Decoded> {
    let packet = ArpPacket::new_checked(bytes).ok()?;
    let ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr,
        source_protocol_addr,
        target_protocol_addr,
        target_hardware_addr,
    } = ArpRepr::parse(&packet).ok()?
    else {
        return None;
    };
    let bare = |addr| Party { addr, port: None };
    let asks = operation == ArpOperation::Request;
    let what = if asks && source_protocol_addr == target_protocol_addr {
        format!("I am {source_protocol_addr}")
    } else if asks {
        format!("who has {target_protocol_addr}?")
    } else {
        format!("{source_protocol_addr} is at {}", Mac::from(source_hardware_addr))
    };
    let op = if asks { "request" } else { "reply" };
    fields.push(Field { name: "arp op", value: op.into(), span: (20, 2) });
    fields.push(Field { name: "sender", value: Mac::from(source_hardware_addr).to_string(), span: (22, 6) });
    fields.push(Field { name: "sender ip", value: source_protocol_addr.to_string(), span: (28, 4) });
    fields.push(Field { name: "target", value: Mac::from(target_hardware_addr).to_string(), span: (32, 6) });
    fields.push(Field { name: "target ip", value: target_protocol_addr.to_string(), span: (38, 4) });
    Some(found(Kind::Arp, bare(source_protocol_addr), bare(target_protocol_addr), what))
}

fn ipv4(bytes: &[u8], fields: &mut Vec<Field>, open: bool) -> Option<Decoded> {
    let ip = Ipv4Packet::new_checked(bytes).ok()?;
    let (src, dst) = (ip.src_addr(), ip.dst_addr());
    let start = 14 + usize::from(ip.header_len());
    let mut read = match ip.next_header() {
        _ if ip.frag_offset() != 0 => found(Kind::Other, bare(src), bare(dst), "fragment".into()),
        IpProtocol::Tcp => tcp(ip.payload(), (src, dst), start, fields)?,
        IpProtocol::Udp => udp(ip.payload(), (src, dst), start, fields, open)?,
        IpProtocol::Icmp => icmp(ip.payload(), (src, dst), start, fields)?,
        other => found(Kind::Other, bare(src), bare(dst), other.to_string()),
    };
    // The IP header comes before what it carries.
    let at = 2;
    let mut head = vec![
        Field { name: "src", value: read.from.to_string(), span: (26, 4) },
        Field { name: "dst", value: read.to.to_string(), span: (30, 4) },
        Field { name: "ttl", value: ip.hop_limit().to_string(), span: (22, 1) },
    ];
    if ip.dont_frag() {
        head.push(Field { name: "df", value: "1".into(), span: (20, 1) });
    }
    head.push(Field { name: "ip cksum", value: format!("{:#06x}", ip.checksum()), span: (24, 2) });
    fields.splice(at..at, head);
    read.fields.clear();
    Some(read)
}

fn bare(addr: Ipv4Addr) -> Party {
    Party { addr, port: None }
}

type Pair = (Ipv4Addr, Ipv4Addr);

fn tcp(bytes: &[u8], (src, dst): Pair, at: usize, fields: &mut Vec<Field>) -> Option<Decoded> {
    let p = TcpPacket::new_checked(bytes).ok()?;
    let flags = [(p.syn(), "SYN"), (p.fin(), "FIN"), (p.rst(), "RST"), (p.psh(), "PSH"), (p.ack(), "ACK")];
    let flags: Vec<&str> = flags.iter().filter(|f| f.0).map(|f| f.1).collect();
    let payload = p.payload().len();
    let http = first_words(p.payload());
    let what = match (payload, http) {
        (0, _) => flags.join(" "),
        (_, Some(text)) => text,
        (n, None) => format!("{} · {n} B", flags.join(" ")),
    };
    fields.push(Field { name: "flags", value: flags.join(" "), span: (at + 12, 2) });
    fields.push(Field { name: "seq", value: (p.seq_number().0 as u32).to_string(), span: (at + 4, 4) });
    fields.push(Field { name: "ack", value: (p.ack_number().0 as u32).to_string(), span: (at + 8, 4) });
    fields.push(Field { name: "tcp cksum", value: format!("{:#06x}", p.checksum()), span: (at + 16, 2) });
    if payload > 0 {
        let span = (at + usize::from(p.header_len()), payload);
        fields.push(Field { name: "payload", value: format!("{payload} B"), span });
    }
    let from = Party { addr: src, port: Some(p.src_port()) };
    let to = Party { addr: dst, port: Some(p.dst_port()) };
    Some(Decoded { proto: Some(Protocol::Tcp), payload, ..found(Kind::Tcp, from, to, what) })
}

/// The first line of a text protocol, shortened: `GET / HTTP/1.1`, `HTTP/1.1 200 OK`.
fn first_words(payload: &[u8]) -> Option<String> {
    let line = payload.split(|&b| b == b'\r' || b == b'\n').next()?;
    let printable = line.len() >= 3 && line.iter().all(|b| (0x20..0x7f).contains(b));
    let text = std::str::from_utf8(line).ok().filter(|_| printable)?;
    let http = ["GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "HTTP/"].iter().any(|m| text.starts_with(m));
    http.then(|| text.chars().take(28).collect())
}

fn udp(bytes: &[u8], (src, dst): Pair, at: usize, fields: &mut Vec<Field>, open: bool) -> Option<Decoded> {
    let p = UdpPacket::new_checked(bytes).ok()?;
    let from = Party { addr: src, port: Some(p.src_port()) };
    let to = Party { addr: dst, port: Some(p.dst_port()) };
    let payload = p.payload().len();
    let dns = (p.src_port() == 53 || p.dst_port() == 53).then(|| dns_words(p.payload())).flatten();
    let kind = if dns.is_some() { Kind::Dns } else { Kind::Udp };
    let asks = p.src_port() == 67 || p.dst_port() == 67;
    let dhcp = asks.then(|| dhcp_message(p.payload())).flatten().map(|m| m.to_string());
    let letter = (open && p.dst_port() == VXLAN_PORT).then(|| letter(p.payload(), at + 8)).flatten();
    if let Some(letter) = letter {
        fields.push(Field { name: "vni", value: letter.vni.to_string(), span: (at + 12, 3) });
        let inner = &letter.inner;
        let what = format!("{} {}", inner.kind.word(), inner.what);
        let letter = Some(letter);
        return Some(Decoded {
            proto: Some(Protocol::Udp),
            payload,
            letter,
            ..found(Kind::Vxlan, from, to, what)
        });
    }
    let what = dns.or(dhcp).unwrap_or_else(|| format!("{payload} B"));
    fields.push(Field { name: "udp cksum", value: format!("{:#06x}", p.checksum()), span: (at + 6, 2) });
    fields.push(Field { name: "payload", value: format!("{payload} B"), span: (at + 8, payload) });
    Some(Decoded { proto: Some(Protocol::Udp), payload, ..found(kind, from, to, what) })
}

/// The frame behind a VXLAN header; `at`: where that header begins in the outer frame.
fn letter(payload: &[u8], at: usize) -> Option<Letter> {
    let (head, frame) = payload.split_at_checked(8)?;
    // The flag says that there is a network identifier.
    if head[0] & 0x08 == 0 {
        return None;
    }
    let vni = u32::from_be_bytes([0, head[4], head[5], head[6]]);
    Some(Letter { vni, at: at + 8, len: frame.len(), inner: Box::new(read(frame, false)?) })
}

/// `example.com A?`, `example.com = 93.184.216.34`, `example.com NXDOMAIN`.
fn dns_words(payload: &[u8]) -> Option<String> {
    use simple_dns::{PacketFlag, RCODE, rdata::RData};
    let packet = simple_dns::Packet::parse(payload).ok()?;
    let question = packet.questions.first();
    let name = question.map(|q| q.qname.to_string()).unwrap_or_default();
    if !packet.has_flags(PacketFlag::RESPONSE) {
        let kind = question.map(|q| format!("{:?}", q.qtype)).unwrap_or_default();
        let kind = kind.trim_start_matches("TYPE(").trim_end_matches(')').to_owned();
        return Some(format!("{name} {kind}?"));
    }
    let address = packet.answers.iter().find_map(|a| match &a.rdata {
        RData::A(a) => Some(Ipv4Addr::from(a.address).to_string()),
        _ => None,
    });
    Some(match (packet.rcode(), address) {
        (RCODE::NoError, Some(address)) => format!("{name} = {address}"),
        (RCODE::NoError, None) => format!("{name}: –"),
        (RCODE::NameError, _) => format!("{name} NXDOMAIN"),
        (other, _) => format!("{name} {other:?}"),
    })
}

fn icmp(bytes: &[u8], (src, dst): Pair, at: usize, fields: &mut Vec<Field>) -> Option<Decoded> {
    let p = Icmpv4Packet::new_checked(bytes).ok()?;
    let echo = matches!(p.msg_type(), Icmpv4Message::EchoRequest | Icmpv4Message::EchoReply);
    let what = match (p.msg_type(), p.msg_code()) {
        (Icmpv4Message::EchoRequest, _) => format!("echo request #{}", p.echo_seq_no()),
        (Icmpv4Message::EchoReply, _) => format!("echo reply #{}", p.echo_seq_no()),
        (Icmpv4Message::TimeExceeded, _) => "time exceeded".into(),
        (Icmpv4Message::DstUnreachable, code) => match code {
            0 => "net unreachable".into(),
            1 => "host unreachable".into(),
            3 => "port unreachable".into(),
            4 => "fragmentation needed".into(),
            13 => "prohibited".into(),
            code => format!("unreachable, code {code}"),
        },
        (other, _) => other.to_string(),
    };
    fields.push(Field {
        name: "icmp type",
        value: format!("{}, code {}", u8::from(p.msg_type()), p.msg_code()),
        span: (at, 2),
    });
    if echo {
        fields.push(Field { name: "id", value: p.echo_ident().to_string(), span: (at + 4, 2) });
        fields.push(Field { name: "seq", value: p.echo_seq_no().to_string(), span: (at + 6, 2) });
    }
    fields.push(Field { name: "icmp cksum", value: format!("{:#06x}", p.checksum()), span: (at + 2, 2) });
    Some(Decoded { proto: Some(Protocol::Icmp), ..found(Kind::Icmp, bare(src), bare(dst), what) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ARP: [u8; 42] = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1,
        172, 17, 0, 2, 0, 0, 0, 0, 0, 0, 172, 17, 0, 1,
    ];

    #[test]
    fn an_arp_question_names_who_is_sought() {
        let d = decode(&ARP).unwrap();
        assert_eq!((d.kind, d.what.as_str(), d.broadcast), (Kind::Arp, "who has 172.17.0.1?", true));
        assert_eq!(d.from.to_string(), "172.17.0.2");
    }

    #[test]
    fn a_tcp_segment_shows_ports_and_flags() {
        let mut f = vec![0u8; 54];
        f[12] = 8;
        f[14..34]
            .copy_from_slice(&[0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 172, 17, 0, 2, 93, 184, 216, 34]);
        f[34..54].copy_from_slice(&[0x9c, 0x56, 0, 80, 0, 0, 0, 7, 0, 0, 0, 0, 0x50, 2, 0xff, 0, 0, 0, 0, 0]);
        let d = decode(&f).unwrap();
        assert_eq!((d.kind, d.what.as_str()), (Kind::Tcp, "SYN"));
        assert_eq!(
            (d.from.to_string(), d.to.to_string()),
            ("172.17.0.2:40022".into(), "93.184.216.34:80".into())
        );
        assert!(d.fields.iter().any(|f| f.name == "ttl" && f.value == "64" && f.span == (22, 1)));
    }

    #[test]
    fn a_frame_in_an_envelope_is_read_with_both_layers() {
        let mut f = vec![0u8; 50];
        f[12] = 8;
        f[14..34]
            .copy_from_slice(&[0x45, 0, 0, 78, 0, 0, 0, 0, 64, 17, 0, 0, 192, 168, 0, 10, 192, 168, 0, 11]);
        f[34..42].copy_from_slice(&[0x9c, 0x40, 0x12, 0xb5, 0, 58, 0, 0]);
        f[42..50].copy_from_slice(&[8, 0, 0, 0, 0, 0x10, 1, 0]);
        f.extend(ARP);
        let d = decode(&f).unwrap();
        let letter = d.letter.as_ref().unwrap();
        assert_eq!((d.kind, letter.vni, letter.at, letter.len), (Kind::Vxlan, 4097, 50, ARP.len()));
        assert_eq!(
            (d.to.to_string(), d.innermost().to.to_string()),
            ("192.168.0.11:4789".into(), "172.17.0.1".into())
        );
        // A flag short of a network, and it is only a datagram.
        f[42] = 0;
        assert_eq!(decode(&f).unwrap().kind, Kind::Udp);
    }

    proptest! {
        #[test]
        fn whatever_is_on_the_wire_is_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120), cut in 0usize..42) {
            let _ = decode(&bytes);
            let mut arp = ARP.to_vec();
            arp.truncate(cut);
            arp.extend(&bytes);
            let _ = decode(&arp);
        }
    }
}
