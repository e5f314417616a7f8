//! What crossed an interface: recorded lines of a capture against the bytes of our own trace.
//!
//! For each interface by itself the IP packets are compared in order, by addresses, ports, TTL, TCP
//! flags and the first line of an HTTP payload. Pure ACKs are left out, and closing FINs may come in
//! any order. ARP counts only as a broadcast request and its reply for a station that a
//! compared packet was sent to.

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;

use serde_json::Value;
use smoltcp::wire::{
    ArpOperation, ArpPacket, EthernetFrame, EthernetProtocol, Icmpv4Message, Icmpv4Packet, IpProtocol,
    Ipv4Packet, TcpPacket, UdpPacket,
};

use super::masks::{Kind, Masks};
use crate::wire::{Flow, Mac};

/// The port of VXLAN (RFC 7348 §5).
const VXLAN: u16 = 4789;
/// Ports of gossip and of the managers of a swarm.
const MEMBERS: [u16; 2] = [7946, 2377];

/// A frame as the comparison sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Source station.
    pub smac: String,
    /// Destination station.
    pub dmac: String,
    /// What it carries.
    pub what: Seen,
}

/// The part of a frame that is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// ARP request.
    Request {
        /// Who is looked for.
        target: Ipv4Addr,
        /// Who asks.
        sender: Ipv4Addr,
    },
    /// ARP reply.
    Reply {
        /// Whose address.
        addr: Ipv4Addr,
        /// The address.
        mac: String,
    },
    /// An IPv4 packet.
    Ip {
        /// Source.
        src: Ipv4Addr,
        /// Destination.
        dst: Ipv4Addr,
        /// Time to live.
        ttl: u64,
        /// The rest.
        load: Load,
    },
    /// Anything else, as it was written.
    Other(String),
}

/// What an IPv4 packet carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Load {
    /// TCP: ports, flags as tcpdump writes them, first line of an HTTP payload.
    Tcp {
        /// Source port, destination port.
        ports: (u16, u16),
        /// `S`, `S.`, `P.`, `F.`, `R.`, `.`
        flags: String,
        /// `GET /`, `HTTP/1.1 200 OK`; None: it was cut off.
        line: Option<String>,
    },
    /// UDP: ports, and the frame inside a VXLAN packet.
    Udp {
        /// Source port, destination port.
        ports: (u16, u16),
        /// Network identifier and inner frame.
        inner: Option<(u32, Box<Row>)>,
    },
    /// An ICMP echo: request or reply, identifier.
    Echo {
        /// True for a request.
        request: bool,
        /// Identifier.
        id: u16,
    },
    /// An ICMP error in tcpdump's words; a port within them stands apart.
    Error {
        /// `host 10.0.0.9 unreachable`, `10.0.0.2 udp port * unreachable`.
        words: String,
        /// The port in place of `*`.
        port: Option<u16>,
    },
    /// Any other, by words.
    Other(String),
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { target, sender } => write!(f, "Request who-has {target} tell {sender}"),
            Self::Reply { addr, mac } => write!(f, "Reply {addr} is-at {mac}"),
            Self::Other(text) => f.write_str(text),
            Self::Ip { src, dst, ttl, load } => match load {
                Load::Tcp { ports: (from, to), flags, line } => {
                    write!(f, "{src}.{from} > {dst}.{to}: Flags [{flags}] ttl {ttl}")?;
                    match line.as_deref() {
                        None | Some("") => Ok(()),
                        Some(line) => write!(f, " | {line}"),
                    }
                }
                Load::Udp { ports: (from, to), inner } => {
                    write!(f, "{src}.{from} > {dst}.{to}: UDP ttl {ttl}")?;
                    match inner {
                        Some((vni, row)) => write!(f, ", vni {vni} [{}]", row.what),
                        None => Ok(()),
                    }
                }
                Load::Echo { request, id } => {
                    let kind = if *request { "request" } else { "reply" };
                    write!(f, "{src} > {dst}: ICMP echo {kind}, id {id} ttl {ttl}")
                }
                Load::Error { words, port } => {
                    let words =
                        port.map_or_else(|| words.clone(), |port| words.replace('*', &port.to_string()));
                    write!(f, "{src} > {dst}: ICMP {words} ttl {ttl}")
                }
                Load::Other(text) => write!(f, "{src} > {dst}: {text} ttl {ttl}"),
            },
        }
    }
}

/// How much of a frame in an envelope the recorder kept.
const INNER_CUT: usize = 120;

// ---- recorded rows

/// Reads one recorded row; its place (`at`) and the frame.
pub fn recorded(row: &Value) -> Option<(String, Row)> {
    let text = |key: &str| row.get(key).and_then(Value::as_str).map(str::to_owned);
    Some((text("at").unwrap_or_default(), recorded_frame(row, &text("smac")?, &text("dmac")?, &text("pkt")?)))
}

fn recorded_frame(row: &Value, smac: &str, dmac: &str, pkt: &str) -> Row {
    let ttl = row.get("ttl").and_then(Value::as_u64).unwrap_or_default();
    let what = recorded_arp(pkt)
        .or_else(|| recorded_ip(pkt, ttl, row.get("inner")))
        .unwrap_or_else(|| Seen::Other(pkt.to_owned()));
    Row { smac: smac.to_lowercase(), dmac: dmac.to_lowercase(), what }
}

fn recorded_arp(pkt: &str) -> Option<Seen> {
    let words: Vec<&str> = pkt.split_whitespace().collect();
    match words[..] {
        ["Request", "who-has", target, .., "tell", sender] => {
            Some(Seen::Request { target: target.parse().ok()?, sender: sender.parse().ok()? })
        }
        ["Reply", addr, "is-at", mac] => {
            Some(Seen::Reply { addr: addr.parse().ok()?, mac: mac.to_lowercase() })
        }
        _ => None,
    }
}

/// `10.0.0.1.80` or `10.0.0.1`.
fn recorded_end(text: &str) -> Option<(Ipv4Addr, Option<u16>)> {
    if let Ok(addr) = text.parse() {
        return Some((addr, None));
    }
    let (addr, port) = text.rsplit_once('.')?;
    Some((addr.parse().ok()?, Some(port.parse().ok()?)))
}

fn recorded_ip(pkt: &str, ttl: u64, inner: Option<&Value>) -> Option<Seen> {
    let (ends, rest) = pkt.split_once(": ")?;
    let (from, to) = ends.split_once(" > ")?;
    let ((src, from), (dst, to)) = (recorded_end(from)?, recorded_end(to)?);
    let load = match (from.zip(to), rest) {
        (Some(ports), rest) if rest.starts_with("Flags [") => {
            let (flags, more) = rest["Flags [".len()..].split_once(']')?;
            let line = more.split_once("| ").map(|(_, line)| line.trim().to_owned());
            // The frame in an envelope was cut after 120 characters: what it carries is not known.
            let cut = line.is_none() && flags.contains('P') && pkt.len() >= INNER_CUT;
            Load::Tcp { ports, flags: flags.to_owned(), line: (!cut).then(|| line.unwrap_or_default()) }
        }
        (Some(ports), rest) => {
            let vni = rest.split_once("vni ").and_then(|(_, n)| n.trim().parse().ok());
            let inner = vni.zip(inner).and_then(|(vni, row)| {
                let text = |key: &str| row.get(key).and_then(Value::as_str);
                Some((vni, Box::new(recorded_frame(row, text("smac")?, text("dmac")?, text("pkt")?))))
            });
            Load::Udp { ports, inner }
        }
        (None, rest) => match rest.strip_prefix("ICMP echo ").and_then(|r| r.split_once(", id ")) {
            Some((kind, id)) => {
                Load::Echo { request: kind == "request", id: id.split(',').next()?.trim().parse().ok()? }
            }
            None => match rest.strip_prefix("ICMP ") {
                Some(words) => recorded_error(words),
                None => Load::Other(rest.to_owned()),
            },
        },
    };
    Some(Seen::Ip { src, dst, ttl, load })
}

/// An ICMP error's words, without the packet behind them that it is about: `10.0.0.2 udp port 81
/// unreachable (tos 0x0, ttl 64 …`.
fn recorded_error(text: &str) -> Load {
    let words = text.split(" (tos ").next().unwrap_or_default().trim_end_matches(" IP").trim();
    let port = words
        .split_once(" port ")
        .and_then(|(_, rest)| rest.split(' ').next())
        .and_then(|n| Some((n, n.parse::<u16>().ok()?)));
    match port {
        Some((n, port)) => {
            Load::Error { words: words.replacen(&format!(" port {n} "), " port * ", 1), port: Some(port) }
        }
        None => Load::Error { words: words.to_owned(), port: None },
    }
}

// ---- our own frames

/// Reads a frame's bytes.
pub fn observed(bytes: &[u8]) -> Option<Row> {
    let frame = EthernetFrame::new_checked(bytes).ok()?;
    let what = match frame.ethertype() {
        EthernetProtocol::Arp => observed_arp(frame.payload())?,
        EthernetProtocol::Ipv4 => observed_ip(frame.payload())?,
        other => Seen::Other(format!("ethertype {other}")),
    };
    Some(Row {
        smac: Mac::from(frame.src_addr()).to_string(),
        dmac: Mac::from(frame.dst_addr()).to_string(),
        what,
    })
}

fn four(bytes: &[u8]) -> Option<Ipv4Addr> {
    <[u8; 4]>::try_from(bytes).ok().map(Ipv4Addr::from)
}

fn observed_arp(payload: &[u8]) -> Option<Seen> {
    let arp = ArpPacket::new_checked(payload).ok()?;
    let (sender, target) = (four(arp.source_protocol_addr())?, four(arp.target_protocol_addr())?);
    match arp.operation() {
        ArpOperation::Request => Some(Seen::Request { target, sender }),
        ArpOperation::Reply => {
            let mac = Mac(arp.source_hardware_addr().try_into().ok()?);
            Some(Seen::Reply { addr: sender, mac: mac.to_string() })
        }
        ArpOperation::Unknown(_) => None,
    }
}

fn observed_ip(payload: &[u8]) -> Option<Seen> {
    let ip = Ipv4Packet::new_checked(payload).ok()?;
    let load = match ip.next_header() {
        // Later fragments have no header of what they carry.
        other if ip.frag_offset() > 0 => Load::Other(format!("ip-proto-{}", u8::from(other))),
        IpProtocol::Tcp => {
            let tcp = TcpPacket::new_checked(ip.payload()).ok()?;
            Load::Tcp {
                ports: (tcp.src_port(), tcp.dst_port()),
                flags: flags(&tcp),
                line: Some(first_line(tcp.payload())),
            }
        }
        IpProtocol::Udp => {
            let udp = UdpPacket::new_checked(ip.payload()).ok()?;
            let inner = (udp.dst_port() == VXLAN).then(|| inside(udp.payload())).flatten();
            Load::Udp { ports: (udp.src_port(), udp.dst_port()), inner }
        }
        IpProtocol::Icmp => {
            let icmp = Icmpv4Packet::new_checked(ip.payload()).ok()?;
            match icmp.msg_type() {
                Icmpv4Message::EchoRequest => Load::Echo { request: true, id: icmp.echo_ident() },
                Icmpv4Message::EchoReply => Load::Echo { request: false, id: icmp.echo_ident() },
                _ => error_words(ip.payload()).unwrap_or_else(|| Load::Other("ICMP".to_owned())),
            }
        }
        other => Load::Other(format!("protocol {other}")),
    };
    Some(Seen::Ip { src: ip.src_addr(), dst: ip.dst_addr(), ttl: u64::from(ip.hop_limit()), load })
}

/// An ICMP error as tcpdump tells it (its print-icmp.c).
fn error_words(icmp: &[u8]) -> Option<Load> {
    let (kind, code) = (*icmp.first()?, *icmp.get(1)?);
    let about = Ipv4Packet::new_unchecked(icmp.get(8..).filter(|inner| inner.len() >= 20)?);
    let dst = about.dst_addr();
    let plain = |words: String| Some(Load::Error { words, port: None });
    match (kind, code) {
        (3, 0) => plain(format!("net {dst} unreachable")),
        (3, 1) => plain(format!("host {dst} unreachable")),
        (3, 2) => plain(format!("{dst} protocol {} unreachable", u8::from(about.next_header()))),
        (3, 3) => {
            let at = 8 + usize::from(about.header_len()) + 2;
            let port = u16::from_be_bytes(icmp.get(at..at + 2)?.try_into().ok()?);
            let proto = if about.next_header() == IpProtocol::Tcp { "tcp" } else { "udp" };
            Some(Load::Error { words: format!("{dst} {proto} port * unreachable"), port: Some(port) })
        }
        (3, 4) => {
            let mtu = u16::from_be_bytes(icmp.get(6..8)?.try_into().ok()?);
            plain(format!("{dst} unreachable - need to frag (mtu {mtu})"))
        }
        (3, 9) => plain(format!("net {dst} unreachable - admin prohibited")),
        (3, 10) => plain(format!("host {dst} unreachable - admin prohibited")),
        (3, 13) => plain(format!("host {dst} unreachable - admin prohibited filter")),
        (11, 0) => plain("time exceeded in-transit".to_owned()),
        (11, _) => plain("ip reassembly time exceeded".to_owned()),
        _ => plain(format!("type-#{kind} code {code}")),
    }
}

/// The network identifier and the frame inside a VXLAN packet (RFC 7348 §5).
fn inside(payload: &[u8]) -> Option<(u32, Box<Row>)> {
    let vni = u32::from_be_bytes(payload.get(4..8)?.try_into().ok()?) >> 8;
    Some((vni, Box::new(observed(payload.get(8..)?)?)))
}

/// As tcpdump writes them: `S`, `S.`, `P.`, `F.`, `R.`, `.` (tcp_flag_values of its print-tcp.c).
fn flags(tcp: &TcpPacket<&[u8]>) -> String {
    let mut text = String::new();
    for (set, letter) in [
        (tcp.fin(), 'F'),
        (tcp.syn(), 'S'),
        (tcp.rst(), 'R'),
        (tcp.psh(), 'P'),
        (tcp.ack(), '.'),
        (tcp.urg(), 'U'),
    ] {
        if set {
            text.push(letter);
        }
    }
    text
}

/// `GET /` of a request, the status line of an answer; nothing of other payloads.
fn first_line(payload: &[u8]) -> String {
    let text = String::from_utf8_lossy(payload);
    let line = text.lines().next().unwrap_or_default();
    match line.strip_prefix("GET ") {
        Some(rest) => format!("GET {}", rest.split(' ').next().unwrap_or_default()),
        None if line.starts_with("HTTP/1.1 ") => line.trim_end().to_owned(),
        None => String::new(),
    }
}

// ---- comparing

impl Row {
    /// The same packet with other ends, as address translation leaves it.
    pub fn between(mut self, flow: Flow) -> Self {
        if let Seen::Ip { src, dst, load, .. } = &mut self.what {
            (*src, *dst) = (flow.src.addr, flow.dst.addr);
            if let Load::Tcp { ports, .. } | Load::Udp { ports, .. } = load {
                *ports = (flow.src.port, flow.dst.port);
            }
        }
        self
    }

    /// Does it go from or to a port by which the members of a swarm speak with each other?
    pub fn is_between_members(&self) -> bool {
        let Seen::Ip { load: Load::Tcp { ports, .. } | Load::Udp { ports, .. }, .. } = &self.what else {
            return false;
        };
        MEMBERS.iter().any(|port| ports.0 == *port || ports.1 == *port)
    }

    /// The packet that it is about: the one in the envelope, if it is one.
    fn innermost(&self) -> &Self {
        match &self.what {
            Seen::Ip { load: Load::Udp { inner: Some((_, row)), .. }, .. } => row.innermost(),
            _ => self,
        }
    }

    /// A segment that only says "received" and carries nothing.
    fn is_pure_ack(&self) -> bool {
        matches!(&self.innermost().what, Seen::Ip { load: Load::Tcp { flags, line, .. }, .. } if flags == "." && line.as_deref().is_none_or(str::is_empty))
    }

    fn is_fin(&self) -> bool {
        matches!(&self.innermost().what, Seen::Ip { load: Load::Tcp { flags, .. }, .. } if flags.contains('F'))
    }

    fn same(&self, other: &Self, masks: &mut Masks) -> bool {
        let mut mac = |e: &str, a: &str| masks.bind(Kind::Mac, e, a);
        mac(&self.smac, &other.smac)
            && mac(&self.dmac, &other.dmac)
            && match (&self.what, &other.what) {
                (
                    Seen::Ip { src, dst, ttl, load },
                    Seen::Ip { src: other_src, dst: other_dst, ttl: other_ttl, load: other_load },
                ) => (src, dst, ttl) == (other_src, other_dst, other_ttl) && load.same(other_load, masks),
                (Seen::Reply { addr, mac: e }, Seen::Reply { addr: other_addr, mac: a }) => {
                    addr == other_addr && mac(e, a)
                }
                (e, a) => e == a,
            }
    }
}

impl Load {
    fn same(&self, other: &Self, masks: &mut Masks) -> bool {
        let mut ports = |e: &(u16, u16), a: &(u16, u16)| {
            masks.port(e.0.into(), a.0.into()) && masks.port(e.1.into(), a.1.into())
        };
        match (self, other) {
            (
                Self::Tcp { ports: e, flags, line },
                Self::Tcp { ports: a, flags: other_flags, line: other_line },
            ) => ports(e, a) && flags == other_flags && (line.is_none() || line == other_line),
            (Self::Udp { ports: e, inner }, Self::Udp { ports: a, inner: other_inner }) => {
                ports(e, a)
                    && match (inner, other_inner) {
                        (None, None) => true,
                        (Some((vni, e)), Some((other_vni, a))) => vni == other_vni && e.same(a, masks),
                        _ => false,
                    }
            }
            (Self::Error { words, port }, Self::Error { words: other_words, port: other }) => {
                words == other_words
                    && match (port, other) {
                        (Some(e), Some(a)) => masks.port((*e).into(), (*a).into()),
                        (e, a) => e == a,
                    }
            }
            (Self::Echo { request, id }, Self::Echo { request: other_request, id: other_id }) => {
                request == other_request && masks.bind(Kind::IcmpId, &id.to_string(), &other_id.to_string())
            }
            (e, a) => e == a,
        }
    }
}

/// Compares the rows of one interface; says what differs first.
///
/// # Errors
/// (expected, got) in words.
pub fn compare(expected: &[Row], actual: &[Row], masks: &mut Masks) -> Result<(), (String, String)> {
    let expected = Sorted::new(expected);
    let actual = Sorted::new(actual);
    for (e, a) in [(&expected.ip, &actual.ip), (&expected.arp, &actual.arp)] {
        for i in 0..e.len().max(a.len()) {
            match (e.get(i), a.get(i)) {
                (Some(e), Some(a)) if e.same(a, masks) => {}
                (e, a) => return Err((words(e.copied()), words(a.copied()))),
            }
        }
    }
    any_order(&expected.fins, &actual.fins, masks)
}

fn any_order(expected: &[&Row], actual: &[&Row], masks: &mut Masks) -> Result<(), (String, String)> {
    let mut left: Vec<&Row> = actual.to_vec();
    for e in expected {
        let found = left.iter().position(|a| {
            let mut trial = masks.clone();
            let same = e.same(a, &mut trial);
            if same {
                *masks = trial;
            }
            same
        });
        match found {
            Some(i) => {
                left.remove(i);
            }
            None => return Err((words(Some(e)), words(left.first().copied()))),
        }
    }
    if left.is_empty() { Ok(()) } else { Err((words(None), words(left.first().copied()))) }
}

fn words(row: Option<&Row>) -> String {
    row.map_or_else(|| "nothing more".to_owned(), |row| row.what.to_string())
}

/// The rows that count, by how they are compared.
struct Sorted<'a> {
    ip: Vec<&'a Row>,
    fins: Vec<&'a Row>,
    arp: Vec<&'a Row>,
}

impl<'a> Sorted<'a> {
    fn new(rows: &'a [Row]) -> Self {
        const EVERYBODY: &str = "ff:ff:ff:ff:ff:ff";
        let counts = |row: &&Row| matches!(row.what, Seen::Ip { .. }) && !row.is_pure_ack();
        let stations: BTreeSet<&str> = rows.iter().filter(counts).map(|row| row.dmac.as_str()).collect();
        let (fins, ip) = rows.iter().filter(counts).partition(|row| row.is_fin());
        let replies: Vec<(Ipv4Addr, &str)> = rows
            .iter()
            .filter_map(|row| match &row.what {
                Seen::Reply { addr, mac } if stations.contains(mac.as_str()) => {
                    Some((*addr, row.dmac.as_str()))
                }
                _ => None,
            })
            .collect();
        // A broadcast question that was answered for one of the stations, and the answer.
        let asked: Vec<(Ipv4Addr, &str)> = rows
            .iter()
            .filter(|row| row.dmac == EVERYBODY)
            .filter_map(|row| match &row.what {
                Seen::Request { target, .. } => Some((*target, row.smac.as_str())),
                _ => None,
            })
            .filter(|asked| replies.contains(asked))
            .collect();
        let arp = rows
            .iter()
            .filter(|row| match &row.what {
                Seen::Request { target, .. } => {
                    row.dmac == EVERYBODY && asked.contains(&(*target, row.smac.as_str()))
                }
                Seen::Reply { addr, .. } => asked.contains(&(*addr, row.dmac.as_str())),
                _ => false,
            })
            .collect();
        Self { ip, fins, arp }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const A: &str = "02:00:00:00:00:0a";
    const B: &str = "02:00:00:00:00:0b";
    const ALL: &str = "ff:ff:ff:ff:ff:ff";

    fn row(smac: &str, dmac: &str, ttl: u64, pkt: &str) -> Row {
        let value = json!({"at": "h1/eth0", "smac": smac, "dmac": dmac, "ttl": ttl, "pkt": pkt});
        recorded(&value).expect("a row").1
    }

    fn agree(expected: &[Row], actual: &[Row]) -> bool {
        compare(expected, actual, &mut Masks::default()).is_ok()
    }

    #[test]
    fn recorded_lines_are_read() {
        for pkt in ["Request who-has 10.0.0.2 tell 10.0.0.3", "Reply 10.0.0.2 is-at 02:00:00:00:00:0a"] {
            assert_eq!(row(A, B, 0, pkt).what.to_string(), pkt);
        }
        for (pkt, shown) in [
            (
                "10.0.0.3 > 10.0.0.2: ICMP echo request, id 6053",
                "10.0.0.3 > 10.0.0.2: ICMP echo request, id 6053 ttl 64",
            ),
            ("10.0.0.3.54330 > 10.0.0.2.81: Flags [S]", "10.0.0.3.54330 > 10.0.0.2.81: Flags [S] ttl 64"),
            (
                "10.0.0.3.54330 > 10.0.0.2.80: Flags [P.] | GET /",
                "10.0.0.3.54330 > 10.0.0.2.80: Flags [P.] ttl 64 | GET /",
            ),
        ] {
            assert_eq!(row(A, B, 64, pkt).what.to_string(), shown);
        }
    }

    #[test]
    fn an_icmp_error_is_known_by_its_words_and_port() {
        let line = "10.0.0.2 > 10.0.0.3: ICMP 10.0.0.2 udp port 5001 unreachable (tos 0x0, ttl 64, id 39878, offset 0";
        let shown = row(A, B, 64, line).what.to_string();
        assert_eq!(shown, "10.0.0.2 > 10.0.0.3: ICMP 10.0.0.2 udp port 5001 unreachable ttl 64");
        let mut frame = vec![2, 0, 0, 0, 0, 0xb, 2, 0, 0, 0, 0, 0xa, 8, 0];
        frame.extend([0x45, 0, 0, 56, 0, 1, 0, 0, 64, 1, 0, 0, 10, 0, 0, 2, 10, 0, 0, 3]);
        frame.extend([3, 3, 0, 0, 0, 0, 0, 0]);
        frame.extend([0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 3, 10, 0, 0, 2]);
        frame.extend([0xc3, 0x50, 0x13, 0x89, 0, 8, 0, 0]);
        let seen = observed(&frame).expect("a whole frame");
        assert!(agree(&[row(A, B, 64, line)], std::slice::from_ref(&seen)));
        assert!(!agree(&[row(A, B, 64, &line.replace(" udp ", " tcp "))], &[seen]));
    }

    #[test]
    fn a_vxlan_line_has_its_inner_frame() {
        let value = json!({"at": "h2/eth0", "smac": A, "dmac": B, "ttl": 64,
            "pkt": "192.168.0.11.60247 > 192.168.0.10.4789: VXLAN, flags [I] (0x08), vni 4097",
            "inner": {"smac": A, "dmac": B, "ttl": 63, "pkt": "10.0.50.4 > 10.0.50.2: ICMP echo request, id 26279"}});
        let shown = recorded(&value).expect("a row").1.what.to_string();
        assert_eq!(
            shown,
            "192.168.0.11.60247 > 192.168.0.10.4789: UDP ttl 64, vni 4097 [10.0.50.4 > 10.0.50.2: ICMP echo request, id 26279 ttl 63]"
        );
    }

    #[test]
    fn ports_ids_and_stations_are_mapped_but_ttl_flags_and_addresses_are_exact() {
        let expected = [row(A, B, 64, "10.0.0.3.54330 > 10.0.0.2.81: Flags [S]")];
        assert!(agree(&expected, &[row(B, A, 64, "10.0.0.3.40001 > 10.0.0.2.81: Flags [S]")]));
        for other in [
            row(A, B, 63, "10.0.0.3.54330 > 10.0.0.2.81: Flags [S]"),
            row(A, B, 64, "10.0.0.3.54330 > 10.0.0.2.82: Flags [S]"),
            row(A, B, 64, "10.0.0.4.54330 > 10.0.0.2.81: Flags [S]"),
            row(A, B, 64, "10.0.0.3.54330 > 10.0.0.2.81: Flags [S.]"),
            row(A, A, 64, "10.0.0.3.54330 > 10.0.0.2.81: Flags [S]"),
        ] {
            assert!(!agree(&expected, &[other]));
        }
        assert!(!agree(&expected, &[]));
    }

    #[test]
    fn pure_acks_do_not_count_and_fins_come_in_any_order() {
        let syn = row(A, B, 64, "10.0.0.3.54330 > 10.0.0.2.80: Flags [S]");
        let ack = row(A, B, 64, "10.0.0.3.54330 > 10.0.0.2.80: Flags [.]");
        let fin_a = row(A, B, 64, "10.0.0.3.54330 > 10.0.0.2.80: Flags [F.]");
        let fin_b = row(B, A, 64, "10.0.0.2.80 > 10.0.0.3.54330: Flags [F.]");
        let expected = [syn.clone(), ack, fin_a.clone(), fin_b.clone()];
        assert!(agree(&expected, &[syn.clone(), fin_b.clone(), fin_a.clone()]));
        assert!(!agree(&expected, &[syn.clone(), fin_a.clone()]));
        assert!(!agree(&expected, &[syn, fin_a.clone(), fin_b, fin_a]));
    }

    #[test]
    fn arp_counts_where_it_was_needed_for_a_compared_packet() {
        let ask = row(A, ALL, 0, "Request who-has 10.0.0.2 tell 10.0.0.3");
        let answer = row(B, A, 0, "Reply 10.0.0.2 is-at 02:00:00:00:00:0b");
        let syn = row(A, B, 64, "10.0.0.3.54330 > 10.0.0.2.81: Flags [S]");
        let unrelated = row(A, ALL, 0, "Request who-has 10.0.0.9 tell 10.0.0.3");
        let probe = row(B, A, 0, "Request who-has 10.0.0.3 tell 10.0.0.2");
        let expected = [ask.clone(), answer.clone(), syn.clone(), probe];
        assert!(agree(&expected, &[unrelated, ask.clone(), answer, syn.clone()]));
        assert!(!agree(&expected, std::slice::from_ref(&syn)));
        assert!(!agree(&expected, &[ask, syn]));
    }

    #[test]
    fn bytes_are_read_as_the_lines_are() {
        // 10.0.0.3.50000 > 10.0.0.2.81: Flags [S], TTL 64.
        let mut frame = vec![2, 0, 0, 0, 0, 0xb, 2, 0, 0, 0, 0, 0xa, 8, 0];
        frame.extend([0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 3, 10, 0, 0, 2]);
        frame.extend([0xc3, 0x50, 0, 81, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0]);
        let seen = observed(&frame).expect("a whole frame");
        assert!(agree(&[row(A, B, 64, "10.0.0.3.54330 > 10.0.0.2.81: Flags [S]")], &[seen]));
        assert_eq!(observed(&frame[..20]), None);
    }
}
