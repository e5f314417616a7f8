//! A machine that rules can be tried on, and packets for it.

mod eval;
mod index;
mod nat;
mod text;
mod track;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    Icmpv4DstUnreachable, Icmpv4Message, Icmpv4Packet, Icmpv4Repr, IpProtocol, Ipv4Packet, Ipv4Repr,
    TcpControl, TcpPacket, TcpRepr, TcpSeqNumber, UdpPacket, UdpRepr,
};

use super::*;
use crate::time::Duration;
use crate::wire::IfName;

/// A machine with `eth0` 192.168.0.10/24 and `br0` 172.17.0.1/16.
pub(super) struct Mock;

impl Host for Mock {
    fn addr_type(&self, addr: Ipv4Addr) -> AddrType {
        match addr.octets() {
            [127, ..] | [192, 168, 0, 10] | [172, 17, 0, 1] => AddrType::Local,
            [255, 255, 255, 255] | [192, 168, 0, 255] | [172, 17, 255, 255] => AddrType::Broadcast,
            [224..240, ..] => AddrType::Multicast,
            _ => AddrType::Unicast,
        }
    }
    fn addr_type_on(&self, dev: IfIndex, addr: Ipv4Addr) -> AddrType {
        match (self.addr_type(addr), addr.octets(), dev.0) {
            (AddrType::Local, [192, ..], 2) | (AddrType::Local, [172, ..], 3) => AddrType::Local,
            (AddrType::Local, ..) => AddrType::Unicast,
            (other, ..) => other,
        }
    }
    fn masquerade_addr(&self, dev: IfIndex, _dst: Ipv4Addr) -> Option<Ipv4Addr> {
        match dev.0 {
            2 => Some(Ipv4Addr::new(192, 168, 0, 10)),
            3 => Some(Ipv4Addr::new(172, 17, 0, 1)),
            _ => None,
        }
    }
    fn name(&self, dev: IfIndex) -> IfName {
        let name = match dev.0 {
            1 => "lo",
            2 => "eth0",
            3 => "br0",
            4 => "noaddr0",
            _ => "eth1",
        };
        name.parse().expect("a name")
    }
}

/// Keeps all steps.
#[derive(Default)]
pub(super) struct Steps(pub Vec<NfStep>);
impl NfLog for Steps {
    fn nf(&mut self, step: NfStep) {
        self.0.push(step);
    }
}

pub(super) const ETH0: IfIndex = IfIndex(2);
pub(super) const BR0: IfIndex = IfIndex(3);

pub(super) fn dev(index: IfIndex) -> Option<IfIndex> {
    Some(index)
}

pub(super) fn ip(text: &str) -> Ipv4Addr {
    text.parse().expect("an address")
}

fn ends(from: &str, to: &str) -> ((Ipv4Addr, u16), (Ipv4Addr, u16)) {
    let end = |t: &str| match t.split_once(':') {
        Some((a, p)) => (ip(a), p.parse().expect("a port")),
        None => (ip(t), 0),
    };
    (end(from), end(to))
}

fn packet(
    src: Ipv4Addr,
    dst: Ipv4Addr,
    proto: IpProtocol,
    len: usize,
    emit: impl FnOnce(&mut [u8]),
) -> Vec<u8> {
    let repr = Ipv4Repr { src_addr: src, dst_addr: dst, next_header: proto, payload_len: len, hop_limit: 64 };
    let mut bytes = vec![0; 20 + len];
    let mut ipv4 = Ipv4Packet::new_unchecked(&mut bytes);
    repr.emit(&mut ipv4, &ChecksumCapabilities::default());
    emit(ipv4.payload_mut());
    bytes
}

/// A TCP segment with the flags named in `flags` (S, A, F, R, P), between two who both begin at
/// 1000 and have said nothing after their SYNs.
pub(super) fn tcp(from: &str, to: &str, flags: &str) -> Vec<u8> {
    tcp_at(from, to, flags, if flags.contains('S') { 1000 } else { 1001 }, 1001)
}

pub(super) fn tcp_at(from: &str, to: &str, flags: &str, seq: i32, ack: i32) -> Vec<u8> {
    let ((src, sport), (dst, dport)) = ends(from, to);
    let repr = TcpRepr {
        src_port: sport,
        dst_port: dport,
        control: match flags {
            f if f.contains('S') => TcpControl::Syn,
            f if f.contains('F') => TcpControl::Fin,
            f if f.contains('R') => TcpControl::Rst,
            f if f.contains('P') => TcpControl::Psh,
            _ => TcpControl::None,
        },
        seq_number: TcpSeqNumber(seq),
        ack_number: flags.contains('A').then_some(TcpSeqNumber(ack)),
        window_len: 64_240,
        window_scale: None,
        max_seg_size: None,
        sack_permitted: false,
        sack_ranges: [None; 3],
        timestamp: None,
        payload: if flags.contains('P') { b"hello" } else { b"" },
    };
    packet(src, dst, IpProtocol::Tcp, repr.buffer_len(), |b| {
        let mut p = TcpPacket::new_unchecked(b);
        repr.emit(&mut p, &src.into(), &dst.into(), &ChecksumCapabilities::default());
    })
}

pub(super) fn udp(from: &str, to: &str) -> Vec<u8> {
    let ((src, sport), (dst, dport)) = ends(from, to);
    let repr = UdpRepr { src_port: sport, dst_port: dport };
    packet(src, dst, IpProtocol::Udp, 8 + 4, |b| {
        let mut p = UdpPacket::new_unchecked(b);
        let caps = ChecksumCapabilities::default();
        repr.emit(&mut p, &src.into(), &dst.into(), 4, |d| d.copy_from_slice(b"ping"), &caps);
    })
}

/// An echo request (`reply`: a reply).
pub(super) fn echo(from: &str, to: &str, id: u16, reply: bool) -> Vec<u8> {
    let (ident, seq_no, data) = (id, 1, &b"0123456789"[..]);
    let repr = match reply {
        false => Icmpv4Repr::EchoRequest { ident, seq_no, data },
        true => Icmpv4Repr::EchoReply { ident, seq_no, data },
    };
    packet(ip(from), ip(to), IpProtocol::Icmp, repr.buffer_len(), |b| {
        repr.emit(&mut Icmpv4Packet::new_unchecked(b), &ChecksumCapabilities::default());
    })
}

/// "Port unreachable" about `about`, with as much of it as Linux sends.
pub(super) fn unreachable(from: &str, to: &str, about: &[u8]) -> Vec<u8> {
    let quoted = Ipv4Packet::new_checked(about).expect("a packet");
    let header = Ipv4Repr {
        src_addr: quoted.src_addr(),
        dst_addr: quoted.dst_addr(),
        next_header: quoted.next_header(),
        payload_len: quoted.payload().len(),
        hop_limit: 64,
    };
    let reason = Icmpv4DstUnreachable::PortUnreachable;
    let repr = Icmpv4Repr::DstUnreachable { reason, header, data: quoted.payload() };
    packet(ip(from), ip(to), IpProtocol::Icmp, repr.buffer_len(), |b| {
        repr.emit(&mut Icmpv4Packet::new_unchecked(b), &ChecksumCapabilities::default());
    })
}

/// Panics unless all checksums of the packet (and of one that it quotes whole) are right.
#[track_caller]
pub(super) fn check_sums(bytes: &[u8]) {
    let p = Ipv4Packet::new_checked(bytes).expect("a whole packet");
    assert!(p.verify_checksum(), "IPv4 header checksum");
    let (src, dst) = (p.src_addr(), p.dst_addr());
    match p.next_header() {
        IpProtocol::Tcp => {
            assert!(
                TcpPacket::new_checked(p.payload()).expect("TCP").verify_checksum(&src.into(), &dst.into())
            );
        }
        IpProtocol::Udp => {
            assert!(
                UdpPacket::new_checked(p.payload()).expect("UDP").verify_checksum(&src.into(), &dst.into())
            );
        }
        IpProtocol::Icmp => {
            let icmp = Icmpv4Packet::new_checked(p.payload()).expect("ICMP");
            assert!(icmp.verify_checksum(), "ICMP checksum");
            if matches!(icmp.msg_type(), Icmpv4Message::DstUnreachable | Icmpv4Message::TimeExceeded) {
                check_sums(icmp.data());
            }
        }
        _ => {}
    }
}

/// `10.0.0.1:5 > 10.0.0.2:6`, of a packet.
pub(super) fn flow(bytes: &[u8]) -> String {
    let view = View::read(bytes, 0, true).expect("a packet");
    let flow = view.flow();
    format!("{} > {}", flow.src, flow.dst)
}

/// A machine with rules, and the time there.
pub(super) struct Machine {
    pub nf: Netfilter,
    pub now: Instant,
    pub steps: Steps,
}

impl Machine {
    /// With these `iptables` commands done.
    pub fn new(commands: &[&str]) -> Self {
        let nf = Netfilter::new(Rng::new(7));
        let mut machine = Self { nf, now: Instant(1), steps: Steps::default() };
        commands.iter().for_each(|c| machine.run(c).expect("a good command"));
        machine
    }

    pub fn run(&mut self, command: &str) -> Result<(), NfError> {
        self.nf.command(&words(command).iter().map(String::as_str).collect::<Vec<_>>())
    }

    pub fn wait(&mut self, secs: u64) {
        self.now += Duration::from_secs(secs);
        self.nf.expire(self.now, &mut self.steps);
    }

    pub fn hook(&mut self, hook: Hook, bytes: &mut [u8], meta: &mut Meta) -> Verdict {
        self.nf.hook(hook, bytes, meta, &Mock, self.now, &mut self.steps)
    }

    /// Through PREROUTING, FORWARD and POSTROUTING. Stops at the first hook that says no.
    pub fn forward(&mut self, bytes: &mut [u8], from: IfIndex, to: IfIndex) -> Verdict {
        let mut meta = Meta { in_dev: dev(from), ..Meta::default() };
        let mut last = self.hook(Hook::Prerouting, bytes, &mut meta);
        for (hook, keeps_in) in [(Hook::Forward, true), (Hook::Postrouting, false)] {
            if !matches!(last, Verdict::Accept { .. }) {
                return last;
            }
            meta.out_dev = dev(to);
            meta.in_dev = if keeps_in { meta.in_dev } else { None };
            last = self.hook(hook, bytes, &mut meta);
        }
        last
    }

    /// Through PREROUTING and INPUT.
    pub fn receive(&mut self, bytes: &mut [u8], from: IfIndex) -> Verdict {
        let mut meta = Meta { in_dev: dev(from), ..Meta::default() };
        match self.hook(Hook::Prerouting, bytes, &mut meta) {
            Verdict::Accept { .. } => self.hook(Hook::Input, bytes, &mut meta),
            other => other,
        }
    }

    /// Through OUTPUT and POSTROUTING.
    pub fn send(&mut self, bytes: &mut [u8], to: IfIndex) -> Verdict {
        let mut meta = Meta { out_dev: dev(to), ..Meta::default() };
        match self.hook(Hook::Output, bytes, &mut meta) {
            Verdict::Accept { .. } => self.hook(Hook::Postrouting, bytes, &mut meta),
            other => other,
        }
    }

    /// The table of connections as `conntrack -L` prints it, without timeouts.
    pub fn connections(&self) -> Vec<String> {
        let cut = |e: &CtEntry| {
            let line = e.line(self.now);
            let mut words: Vec<_> = line.split_whitespace().collect();
            words.remove(2);
            words.retain(|w| !w.starts_with("mark=") && !w.starts_with("use="));
            words.join(" ")
        };
        self.nf.ct.iter().map(cut).collect()
    }
}

/// A command's words, with double quotes.
fn words(command: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (i, part) in command.split('"').enumerate() {
        if i % 2 == 1 {
            out.push(part.to_owned());
        } else {
            out.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    out
}

pub(super) const ACCEPTED: Verdict = Verdict::Accept { rerouted: false };
