//! A frame as a line of `tcpdump` 4.99.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::guest::dns::{Code, Kind, Message};
use crate::netfilter::service_name;
use crate::time::Instant;
use crate::wire::fmt::{EthernetFrame, Ipv4Packet, TcpOption, TcpPacket, UdpPacket};
use crate::wire::{Arp, ArpOperation, Content, Endpoint, Ipv4, Protocol, Summary, TcpFlags, Transport};

/// How lines look.
#[derive(Debug, Clone, Default)]
pub(super) struct Style {
    /// `-n`: ports as numbers.
    pub(super) numbers: bool,
    /// `-e`: with the link header.
    pub(super) link: bool,
    /// `-v`.
    pub(super) verbose: bool,
    /// `-q`: less of the transport.
    pub(super) quick: bool,
    /// `-t`: no time.
    pub(super) timeless: bool,
    /// `-S`: sequence numbers as they are.
    pub(super) absolute: bool,
    /// `-A`: the packet as text.
    pub(super) ascii: bool,
}

/// Where the sequence numbers of connections began: each end's, by its address and the other's.
pub(super) type Origins = BTreeMap<(Endpoint, Endpoint), u32>;

/// Connections whose beginnings are kept.
const MAX_ORIGINS: usize = 4096;

impl Style {
    /// The line for `frame`, with its end. `via`: the device and direction that `-i any` shows.
    pub(super) fn line(
        &self,
        at: Instant,
        frame: &[u8],
        summary: &Summary,
        via: Option<&str>,
        origins: &mut Origins,
    ) -> String {
        let mut text = String::new();
        if !self.timeless {
            let micros = at.as_nanos() / 1000;
            let (secs, rest) = (micros / 1_000_000, micros % 1_000_000);
            let _ = write!(text, "{:02}:{:02}:{:02}.{rest:06} ", secs / 3600 % 24, secs / 60 % 60, secs % 60);
        }
        text += via.unwrap_or_default();
        let kind = match summary.ethertype {
            0x0800 => "IPv4",
            0x0806 => "ARP",
            0x86dd => "IPv6",
            _ => "Unknown",
        };
        if self.link && via.is_none() {
            let (src, dst) = (summary.src_mac, summary.dst_mac);
            let dst =
                if dst == crate::wire::Mac::BROADCAST { "Broadcast".to_owned() } else { dst.to_string() };
            let dst = if self.numbers && dst == "Broadcast" { summary.dst_mac.to_string() } else { dst };
            let (ethertype, len) = (summary.ethertype, summary.len);
            let _ = write!(text, "{src} > {dst}, ethertype {kind} (0x{ethertype:04x}), length {len}: ");
        }
        let named = !self.link || via.is_some();
        match &summary.content {
            Content::Arp(arp) => {
                text += if named { "ARP, " } else { "" };
                text += if self.verbose { "Ethernet (len 6), IPv4 (len 4), " } else { "" };
                text += &arp_line(arp, summary.len.saturating_sub(14));
            }
            Content::Ipv4(ip) => {
                text += if named { "IP " } else { "" };
                if self.verbose {
                    text += &ip_header(ip);
                }
                text += &self.ip(ip, payload(frame), origins);
            }
            Content::Other | Content::Malformed => {
                let _ = write!(text, "{kind}, length {}", summary.len.saturating_sub(14));
            }
        }
        text.push('\n');
        if self.ascii {
            let bytes = frame.get(14..).unwrap_or_default();
            let shown = bytes.iter().map(|b| match b {
                b'\n' | b'\t' | b' '..=b'~' => char::from(*b),
                b'\r' => '\r',
                _ => '.',
            });
            text.extend(shown.filter(|c| *c != '\r'));
            text.push('\n');
        }
        text
    }

    fn ip(&self, ip: &Ipv4, transport: &[u8], origins: &mut Origins) -> String {
        let port = |n: u16, proto: &str| match service_name(n).filter(|_| !self.numbers) {
            Some(name) if !(proto == "udp" && name == "http") => name.to_owned(),
            _ => n.to_string(),
        };
        match &ip.transport {
            Transport::Tcp { src_port, dst_port, .. } => {
                let (src, dst) = (port(*src_port, "tcp"), port(*dst_port, "tcp"));
                format!("{}.{src} > {}.{dst}: {}", ip.src, ip.dst, self.tcp(ip, transport, origins))
            }
            Transport::Udp { src_port, dst_port, payload_len, dns, vxlan, dhcp, .. } => {
                let (src, dst) = (port(*src_port, "udp"), port(*dst_port, "udp"));
                let data =
                    UdpPacket::new_checked(transport).map(|u| u.payload().to_vec()).unwrap_or_default();
                let body = match (dns, dhcp, vxlan) {
                    _ if self.quick => format!("UDP, length {payload_len}"),
                    (Some(_), ..) => dns_line(&data, *payload_len),
                    (_, Some(dhcp), _) => {
                        let answer = matches!(dhcp.kind, "Offer" | "ACK" | "NAK");
                        if answer {
                            format!("BOOTP/DHCP, Reply, length {payload_len}")
                        } else {
                            format!("BOOTP/DHCP, Request from {}, length {payload_len}", dhcp.client)
                        }
                    }
                    (.., Some(vxlan)) => {
                        let inner = match vxlan.inner.ipv4() {
                            Some(inner) => format!("IP {inner}"),
                            None => vxlan.inner.to_string(),
                        };
                        format!("VXLAN, flags [I] (0x08), vni {}\n{inner}", vxlan.vni)
                    }
                    _ => format!("UDP, length {payload_len}"),
                };
                format!("{}.{src} > {}.{dst}: {body}", ip.src, ip.dst)
            }
            Transport::Icmp(icmp) => {
                let text = ip.to_string();
                format!("{text}, length {}", icmp.payload_len + 8)
            }
            Transport::Fragment => format!("{} > {}: {}", ip.src, ip.dst, proto_name(ip.proto)),
            Transport::Other => {
                format!("{} > {}: {} {}", ip.src, ip.dst, proto_name(ip.proto), transport.len())
            }
        }
    }

    fn tcp(&self, ip: &Ipv4, transport: &[u8], origins: &mut Origins) -> String {
        let Transport::Tcp { flags, seq, ack, window, payload_len, first_line, src_port, dst_port, .. } =
            &ip.transport
        else {
            return String::new();
        };
        if self.quick {
            return format!("tcp {payload_len}");
        }
        let (src, dst) = (ip.source(), ip.destination());
        let (mut seq, mut ack) = (*seq, *ack);
        if !self.absolute {
            let known = origins.contains_key(&(src, dst));
            if !known || flags.syn {
                if origins.len() < MAX_ORIGINS {
                    origins.insert((src, dst), seq);
                    origins.insert((dst, src), ack.wrapping_sub(1));
                }
            } else {
                seq = seq.wrapping_sub(origins.get(&(src, dst)).copied().unwrap_or(0));
                ack = ack.wrapping_sub(origins.get(&(dst, src)).copied().unwrap_or(0));
            }
        }
        let mut text = format!("Flags [{}]", flags.tcpdump());
        let TcpFlags { fin, syn, rst, ack: acks, .. } = *flags;
        if *payload_len > 0 {
            let _ = write!(text, ", seq {seq}:{}", seq.wrapping_add(*payload_len as u32));
        } else if fin || syn || rst {
            let _ = write!(text, ", seq {seq}");
        }
        if acks {
            let _ = write!(text, ", ack {ack}");
        }
        let _ = write!(text, ", win {window}");
        let options = TcpPacket::new_checked(transport).map(|t| options(t.options())).unwrap_or_default();
        if !options.is_empty() {
            let _ = write!(text, ", options [{options}]");
        }
        let _ = write!(text, ", length {payload_len}");
        let http = [80, 8080, 3128].iter().any(|p| p == src_port || p == dst_port);
        if *payload_len > 0 && http {
            text += ": HTTP";
            if let Some(line) = first_line.as_ref().filter(|l| is_http(l)) {
                let _ = write!(text, ": {line}");
            }
        }
        text
    }
}

fn is_http(line: &str) -> bool {
    ["HTTP/", "GET ", "POST ", "HEAD ", "PUT ", "DELETE ", "OPTIONS ", "CONNECT ", "PATCH "]
        .iter()
        .any(|m| line.starts_with(m))
}

/// What follows the IPv4 header.
fn payload(frame: &[u8]) -> &[u8] {
    let Ok(frame) = EthernetFrame::new_checked(frame) else { return &[] };
    let mut bytes = frame.payload();
    if u16::from(frame.ethertype()) == 0x8100 {
        bytes = bytes.get(4..).unwrap_or_default();
    }
    Ipv4Packet::new_checked(bytes).map(|p| p.payload()).unwrap_or_default()
}

fn options(mut bytes: &[u8]) -> String {
    let mut words = Vec::new();
    while !bytes.is_empty() {
        let Ok((rest, option)) = TcpOption::parse(bytes) else { break };
        bytes = rest;
        words.push(match option {
            TcpOption::EndOfList => {
                words.push("eol".to_owned());
                break;
            }
            TcpOption::NoOperation => "nop".into(),
            TcpOption::MaxSegmentSize(n) => format!("mss {n}"),
            TcpOption::WindowScale(n) => format!("wscale {n}"),
            TcpOption::SackPermitted => "sackOK".into(),
            TcpOption::SackRange(ranges) => {
                let ranges: Vec<_> = ranges.iter().flatten().map(|(a, b)| format!("{{{a}:{b}}}")).collect();
                format!("sack {} {}", ranges.len(), ranges.join(""))
            }
            TcpOption::TimeStamp { tsval, tsecr } => format!("TS val {tsval} ecr {tsecr}"),
            TcpOption::Unknown { kind, .. } => format!("unknown-{kind}"),
        });
    }
    words.join(",")
}

fn arp_line(arp: &Arp, len: usize) -> String {
    match arp.operation {
        ArpOperation::Request if arp.sender == arp.target => {
            format!("Announcement {}, length {len}", arp.sender)
        }
        ArpOperation::Request if arp.sender.is_unspecified() => format!("Probe {}, length {len}", arp.target),
        ArpOperation::Request => format!("Request who-has {} tell {}, length {len}", arp.target, arp.sender),
        ArpOperation::Reply => format!("Reply {} is-at {}, length {len}", arp.sender, arp.sender_mac),
        ArpOperation::Other(op) => format!("unknown ({op}), length {len}"),
    }
}

fn ip_header(ip: &Ipv4) -> String {
    let (offset, more) = ip.fragment.unwrap_or((0, false));
    let flags = match (ip.dont_fragment, more) {
        (true, _) => "DF",
        (_, true) => "+",
        _ => "none",
    };
    let number = ip.proto.number();
    let bad = if ip.checksum_ok { "" } else { ", bad cksum" };
    format!(
        "(tos 0x0, ttl {}, id {}, offset {offset}, flags [{flags}], proto {} ({number}), length {}{bad})\n    ",
        ip.ttl,
        ip.ident,
        proto_name(ip.proto).to_ascii_uppercase(),
        ip.len
    )
}

fn proto_name(proto: Protocol) -> String {
    match proto {
        Protocol::Tcp => "tcp".into(),
        Protocol::Udp => "udp".into(),
        Protocol::Icmp => "icmp".into(),
        other => format!("ip-proto-{}", other.number()),
    }
}

/// `1234+ A? example.com. (29)`, `1234 NXDomain* 0/1/0 (80)` (print-domain.c).
fn dns_line(data: &[u8], len: usize) -> String {
    let Some(m) = Message::decode(data) else { return format!("UDP, length {len}") };
    let question = |m: &Message| match &m.question {
        Some(q) => {
            format!(" {}? {}.", if q.kind == Kind::ANY { "ANY".into() } else { q.kind.to_string() }, q.name)
        }
        None => String::new(),
    };
    let id = m.id;
    if !m.response {
        let desired = if m.recursion_desired { "+" } else { "" };
        let extra = if m.edns.is_some() { " [1au]" } else { "" };
        return format!("{id}{desired}{extra}{} ({len})", question(&m));
    }
    let code = match m.code {
        Code::NoError => "",
        Code::FormErr => " FormErr",
        Code::ServFail => " ServFail",
        Code::NxDomain => " NXDomain",
        Code::NotImp => " NotImp",
        Code::Refused => " Refused",
        Code::Other => " Resp",
    };
    let mut flags = String::new();
    for (set, mark) in [(m.authoritative, "*"), (!m.recursion_available, "-"), (m.truncated, "|")] {
        flags += if set { mark } else { "" };
    }
    let (an, ns) = (m.answers.len(), m.authorities.len());
    let ar = m.additional.len() + usize::from(m.edns.is_some());
    let answers: Vec<_> = m.answers.iter().map(|r| format!("{} {}", r.data.kind(), r.data)).collect();
    let answers = if answers.is_empty() { String::new() } else { format!(" {}", answers.join(", ")) };
    format!("{id}{code}{flags} {an}/{ns}/{ar}{answers} ({len})")
}
