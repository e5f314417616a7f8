//! Records as a kind and a few numbers. What a packet goes through at each hop is written thousands
//! of times, and fresh memory is dearer than the work itself; so frequent steps are packed ([`super::stream`]
//! writes them in as few words as they need), and the rest (`None` here) is kept as it is.

use super::step::{ByteSpan, DropReason, Record, Step};
use super::{DevRef, NsId, Pid, SocketId, TcpState};
use crate::netfilter::{
    ChainId, CtDirection, CtId, CtState, Hook, MatchedTarget, NatKind, NfStep, RuleId, TableKind,
};
use crate::time::{Duration, Instant};
use crate::wire::{Endpoint, Flow, IfIndex, Ipv4Net, Mac, PacketId, Protocol};
use std::net::Ipv4Addr;

/// A packed record: `kind` says which step, `small` and `words` hold its fields.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packed {
    /// 0: none.
    packet: u64,
    words: [u32; 7],
    kind: Kind,
    small: u8,
}

/// Which step. A number of at most six bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Kept whole, at this position of the chunk.
    Whole,
    /// No step, but when and where those after it happened: time passed; namespace in the small field.
    Stamp,
    /// The same, with namespace and the time itself.
    FarStamp,
    /// No step, but which packet those after it are about.
    Packet,
    /// As [`Kind::Received`], with a new time, place and packet.
    Arrived,
    Sent,
    Copied,
    Transmit,
    Handed,
    Received,
    Held,
    Delivered,
    DeliveredToKernel,
    Absorbed,
    Dropped,
    Bridged,
    Flooded,
    BridgedUp,
    Routed,
    RoutedVia,
    RoutedLocal,
    TtlDecremented,
    Tcp,
    NfEnter,
    NfMatched,
    NfPolicy,
    NfTracked,
    NfInvalid,
    NfTranslated,
    NfConfirmed,
    NfUpdated,
    NfDestroyed,
}

/// All kinds by their numbers, with how many of their words are used, and how many of these (the last
/// ones) are not worth looking for in earlier records, because they hardly ever come again.
const KINDS: [(Kind, usize, usize); 32] = [
    (Kind::Whole, 1, 1),
    (Kind::Stamp, 1, 1),
    (Kind::FarStamp, 3, 3),
    (Kind::Packet, 2, 2),
    (Kind::Arrived, 2, 2),
    (Kind::Sent, 1, 0),
    (Kind::Copied, 1, 1),
    (Kind::Transmit, 4, 1),
    (Kind::Handed, 4, 1),
    (Kind::Received, 1, 0),
    (Kind::Held, 2, 0),
    (Kind::Delivered, 1, 0),
    (Kind::DeliveredToKernel, 0, 0),
    (Kind::Absorbed, 0, 0),
    (Kind::Dropped, 3, 0),
    (Kind::Bridged, 2, 0),
    (Kind::Flooded, 2, 0),
    (Kind::BridgedUp, 1, 0),
    (Kind::Routed, 3, 0),
    (Kind::RoutedVia, 4, 0),
    (Kind::RoutedLocal, 1, 0),
    (Kind::TtlDecremented, 0, 0),
    (Kind::Tcp, 4, 0),
    (Kind::NfEnter, 0, 0),
    (Kind::NfMatched, 4, 0),
    (Kind::NfPolicy, 2, 0),
    (Kind::NfTracked, 1, 0),
    (Kind::NfInvalid, 0, 0),
    (Kind::NfTranslated, 7, 7),
    (Kind::NfConfirmed, 1, 0),
    (Kind::NfUpdated, 1, 0),
    (Kind::NfDestroyed, 1, 0),
];

impl Kind {
    /// How many of the words it uses.
    #[inline(always)]
    pub(super) const fn words(self) -> usize {
        KINDS[self as usize].1
    }
    /// How many of these, the last ones, hardly ever come again.
    #[inline(always)]
    pub(super) const fn own(self) -> usize {
        KINDS[self as usize].2
    }
    pub(super) fn from_number(number: u8) -> Option<Self> {
        KINDS.get(usize::from(number)).map(|k| k.0)
    }
}

const HOOKS: [Hook; 5] = [Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting];
const TABLES: [TableKind; 4] = [TableKind::Raw, TableKind::Mangle, TableKind::Nat, TableKind::Filter];
const CT_STATES: [CtState; 5] =
    [CtState::New, CtState::Established, CtState::Related, CtState::Invalid, CtState::Untracked];
const TCP_STATES: [TcpState; 11] = [
    TcpState::Closed,
    TcpState::Listen,
    TcpState::SynSent,
    TcpState::SynReceived,
    TcpState::Established,
    TcpState::FinWait1,
    TcpState::FinWait2,
    TcpState::CloseWait,
    TcpState::Closing,
    TcpState::LastAck,
    TcpState::TimeWait,
];
/// Frequent ends without further fields.
const REASONS: [DropReason; 7] = [
    DropReason::Broadcast,
    DropReason::ArpNotMine,
    DropReason::QueueFull,
    DropReason::SamePort,
    DropReason::NoCarrier,
    DropReason::StormLimit,
    DropReason::NoMatchingSocket,
];
/// Codes of frequent ends with fields, behind those of [`REASONS`].
const PORT_CLOSED: u8 = 16;
const NOT_MINE: u8 = 17;
const NOT_FOR_ME: u8 = 18;
const RULE: u8 = 19;
const POLICY: u8 = 20;

/// Code and fields of a reason.
fn reason_fields(reason: DropReason) -> Option<(u8, u32, u32)> {
    let place = |chain: ChainId, table: TableKind| u32::from(chain.0) << 2 | table as u32;
    Some(match reason {
        DropReason::PortClosed { port } => (PORT_CLOSED, port.into(), 0),
        DropReason::NotMine { dst } => (NOT_MINE, dst.into(), 0),
        DropReason::NotForMe { mac: Mac([a, b, c, d, e, f]) } => {
            (NOT_FOR_ME, u32::from_be_bytes([c, d, e, f]), u16::from_be_bytes([a, b]).into())
        }
        DropReason::Rule { table, chain, rule } => (RULE, place(chain, table), rule.0),
        DropReason::Policy { table, chain } => (POLICY, place(chain, table), 0),
        plain => (REASONS.iter().position(|r| *r == plain)? as u8, 0, 0),
    })
}

/// The reason again.
fn reason(code: u8, a: u32, b: u32) -> Option<DropReason> {
    let (table, chain) = (TABLES[(a & 3) as usize], ChainId((a >> 2) as u16));
    Some(match code {
        PORT_CLOSED => DropReason::PortClosed { port: a as u16 },
        NOT_MINE => DropReason::NotMine { dst: ip(a) },
        NOT_FOR_ME => {
            let ([c, d, e, f], [.., x, y]) = (a.to_be_bytes(), b.to_be_bytes());
            DropReason::NotForMe { mac: Mac([x, y, c, d, e, f]) }
        }
        RULE => DropReason::Rule { table, chain, rule: RuleId(b) },
        POLICY => DropReason::Policy { table, chain },
        plain => *REASONS.get(usize::from(plain))?,
    })
}

/// Two numbers in one word, if both are short enough.
fn pair(high: u32, low: u32) -> Option<u32> {
    (high <= 0xffff && low <= 0xffff).then_some(high << 16 | low)
}
fn high(word: u32) -> u32 {
    word >> 16
}
fn low(word: u32) -> u32 {
    word & 0xffff
}
/// Bits for a frame's length. Longer ones, which only `lo` carries, are kept whole.
const SPAN_BITS: u32 = 11;

/// A span in one word, if it is short and not too far behind. The highest bit of its start says which
/// kind of place it is ([`super::frames`]) and stays there.
fn span_word(span: ByteSpan) -> Option<u32> {
    let start = span.start.rotate_left(1);
    let fits = span.len >> SPAN_BITS == 0 && start >> (32 - SPAN_BITS) == 0;
    fits.then_some(start << SPAN_BITS | u32::from(span.len))
}
fn span(word: u32) -> ByteSpan {
    ByteSpan { start: (word >> SPAN_BITS).rotate_right(1), len: (word & ((1 << SPAN_BITS) - 1)) as u16 }
}
/// An interface in the small field and one word: in the field alone if its number is below 255.
fn dev_fields(dev: IfIndex) -> (u8, u32) {
    match u8::try_from(dev.0) {
        Ok(small) if small < u8::MAX => (small, 0),
        _ => (u8::MAX, dev.0),
    }
}
fn dev_of(small: u8, word: u32) -> IfIndex {
    IfIndex(if small < u8::MAX { small.into() } else { word })
}
fn ip(word: u32) -> Ipv4Addr {
    Ipv4Addr::from(word)
}

/// Kind, small field, words.
type Fields = (Kind, u8, [u32; 4]);

#[inline(always)]
fn fields(step: &Step, at: Instant) -> Option<Fields> {
    Some(match *step {
        Step::Sent { by } => (Kind::Sent, u8::from(by.is_some()), [by.map_or(0, |p| p.0), 0, 0, 0]),
        Step::Copied { of } => (Kind::Copied, 0, [u32::try_from(of.0).ok()?, 0, 0, 0]),
        Step::Transmit { dev, to, arrives, bytes } => {
            let latency = u32::try_from(arrives.0.checked_sub(at.0)?).ok()?;
            (Kind::Transmit, 0, [dev.0, pair(to.ns.0, to.dev.0)?, latency, span_word(bytes)?])
        }
        Step::Handed { dev, to, arrives, bytes } => {
            let latency = u32::try_from(arrives.0.checked_sub(at.0)?).ok()?;
            (Kind::Handed, 0, [dev.0, pair(to.ns.0, to.dev.0)?, latency, span_word(bytes)?])
        }
        Step::Received { dev } => (Kind::Received, 0, [dev.0, 0, 0, 0]),
        Step::Held { dev, next_hop } => (Kind::Held, 0, [dev.0, next_hop.into(), 0, 0]),
        Step::Delivered { socket } => (Kind::Delivered, 0, [socket.0, 0, 0, 0]),
        Step::DeliveredToKernel => (Kind::DeliveredToKernel, 0, [0; 4]),
        Step::Absorbed => (Kind::Absorbed, 0, [0; 4]),
        Step::Dropped { dev, reason } => {
            let (code, a, b) = reason_fields(reason)?;
            let dev = dev.map_or(Some(0), |dev| dev.0.checked_add(1))?;
            (Kind::Dropped, code, [dev, a, b, 0])
        }
        Step::Bridged { bridge, port } => {
            let (small, far) = dev_fields(bridge);
            (Kind::Bridged, small, [port.0, far, 0, 0])
        }
        Step::Flooded { bridge, ports } => {
            let (small, far) = dev_fields(bridge);
            (Kind::Flooded, small, [ports.into(), far, 0, 0])
        }
        Step::BridgedUp { bridge } => (Kind::BridgedUp, 0, [bridge.0, 0, 0, 0]),
        Step::Routed { dst, prefix, via, dev } => {
            let small = prefix.prefix_len();
            let words = [dev.0, dst.into(), prefix.addr().into(), via.map_or(0, u32::from)];
            (if via.is_some() { Kind::RoutedVia } else { Kind::Routed }, small, words)
        }
        Step::RoutedLocal { dst } => (Kind::RoutedLocal, 0, [dst.into(), 0, 0, 0]),
        Step::TtlDecremented { left } => (Kind::TtlDecremented, left, [0; 4]),
        Step::Tcp { socket, local, remote, from, to } => {
            let ports = pair(local.port.into(), remote.port.into())?;
            let words = [local.addr.into(), remote.addr.into(), ports, socket.0];
            (Kind::Tcp, (from as u8) << 4 | to as u8, words)
        }
        Step::Nf(ref nf) => return nf_fields(nf),
        _ => return None,
    })
}

fn nf_fields(nf: &NfStep) -> Option<Fields> {
    Some(match *nf {
        NfStep::Enter { hook, table } => (Kind::NfEnter, (hook as u8) << 2 | table as u8, [0; 4]),
        NfStep::Matched { table, chain, rule, index, target, bytes } => {
            let (kind, value) = match target {
                MatchedTarget::Count => (0, 0),
                MatchedTarget::Accept => (1, 0),
                MatchedTarget::Drop => (2, 0),
                MatchedTarget::Reject => (3, 0),
                MatchedTarget::Return => (4, 0),
                MatchedTarget::Jump(chain) => (5, chain.0.into()),
                MatchedTarget::Nat => (6, 0),
                MatchedTarget::Log => (7, 0),
                MatchedTarget::Mark(mark) => (8, mark),
                MatchedTarget::Notrack => (9, 0),
            };
            let words = [pair(chain.0.into(), index.into())?, rule.0, value, bytes.into()];
            (Kind::NfMatched, kind << 2 | table as u8, words)
        }
        NfStep::Policy { table, chain, accept, bytes } => {
            let small = u8::from(accept) << 2 | table as u8;
            (Kind::NfPolicy, small, [chain.0.into(), bytes.into(), 0, 0])
        }
        NfStep::Tracked { ct, state, dir } => {
            (Kind::NfTracked, (state as u8) << 1 | dir as u8, [ct.0, 0, 0, 0])
        }
        NfStep::Invalid => (Kind::NfInvalid, 0, [0; 4]),
        NfStep::Confirmed { ct } => (Kind::NfConfirmed, 0, [ct.0, 0, 0, 0]),
        NfStep::Updated { ct } => (Kind::NfUpdated, 0, [ct.0, 0, 0, 0]),
        NfStep::Destroyed { ct } => (Kind::NfDestroyed, 0, [ct.0, 0, 0, 0]),
        // see `translated`
        NfStep::Translated { .. } | NfStep::Logged { .. } => return None,
    })
}

/// Protocols that need no word.
const USUAL: [Protocol; 3] = [Protocol::Tcp, Protocol::Udp, Protocol::Icmp];

/// Small field and words of [`NfStep::Translated`]: what it was, and what changed.
fn translated(
    (kind, first, dir): (NatKind, bool, CtDirection),
    before: &Flow,
    after: &Flow,
) -> Option<(u8, [u32; 7])> {
    let proto = before.proto.number();
    if before.proto != after.proto || Protocol::from_number(proto) != before.proto {
        return None;
    }
    let [b, a] = [before, after].map(|flow| {
        let ports = u32::from(flow.src.port) << 16 | u32::from(flow.dst.port);
        [u32::from(flow.src.addr), u32::from(flow.dst.addr), ports]
    });
    let usual = USUAL.iter().position(|p| *p == before.proto).map_or(0, |i| i as u8 + 1);
    let small = usual << 3 | (kind as u8) << 2 | u8::from(first) << 1 | dir as u8;
    // a word that is 0 is not written
    let proto = if usual > 0 { 0 } else { proto.into() };
    Some((small, [b[0], b[1], b[2], b[0] ^ a[0], b[1] ^ a[1], b[2] ^ a[2], proto]))
}

impl Packed {
    /// The record in short, of a step at the moment `at`. None if it does not fit. Inlined into its
    /// callers: they know which step it is.
    #[inline(always)]
    pub(super) fn new(at: Instant, packet: Option<PacketId>, step: &Step) -> Option<Self> {
        let packet = match packet {
            None => 0,
            Some(id) => Some(id.0).filter(|id| *id != 0)?,
        };
        if let Step::Nf(NfStep::Translated { kind, before, after, first, dir }) = step {
            let (small, words) = translated((*kind, *first, *dir), before, after)?;
            return Some(Self { packet, words, kind: Kind::NfTranslated, small });
        }
        let (kind, small, [a, b, c, d]) = fields(step, at)?;
        Some(Self { packet, words: [a, b, c, d, 0, 0, 0], kind, small })
    }

    /// Stands for the whole record at `position`.
    #[cfg(test)]
    pub(super) const fn whole(position: u32) -> Self {
        Self { packet: 0, words: [position, 0, 0, 0, 0, 0, 0], kind: Kind::Whole, small: 0 }
    }

    /// True if the first word has at most 16 bits, and the others are 0.
    #[inline(always)]
    pub(super) const fn is_short(&self) -> bool {
        let [a, b, c, d, e, f, g] = self.words;
        a <= 0xffff && b | c | d | e | f | g == 0
    }

    /// Its packet's number; 0: none.
    #[inline]
    pub(super) const fn packet(&self) -> u64 {
        self.packet
    }
    /// What is written of it besides its packet.
    #[inline]
    pub(super) const fn parts(&self) -> (Kind, u8, &[u32; 7]) {
        (self.kind, self.small, &self.words)
    }
    /// The opposite of [`Packed::parts`].
    pub(super) const fn from_parts(kind: Kind, small: u8, words: [u32; 7], packet: u64) -> Self {
        Self { packet, words, kind, small }
    }

    /// Where the whole record is, if it did not fit.
    #[inline]
    pub(super) fn position(&self) -> Option<usize> {
        (self.kind == Kind::Whole).then_some(self.words[0] as usize)
    }

    /// Where the bytes of a [`Step::Transmit`] or [`Step::Handed`] are.
    pub(super) fn span(&self) -> Option<ByteSpan> {
        matches!(self.kind, Kind::Transmit | Kind::Handed).then(|| span(self.words[3]))
    }

    /// The record again, with its stamp. None if it stands for a whole one.
    pub(super) fn unpack(&self, (at, ns): (Instant, NsId)) -> Option<Record> {
        let packet = (self.packet != 0).then_some(PacketId(self.packet));
        Some(Record { at, ns, packet, step: self.step(at)? })
    }

    fn step(&self, at: Instant) -> Option<Step> {
        let Self { small, words: [a, b, c, d, ..], .. } = *self;
        Some(match self.kind {
            Kind::Whole | Kind::Stamp | Kind::FarStamp | Kind::Packet | Kind::Arrived => return None,
            Kind::Sent => Step::Sent { by: (small == 1).then_some(Pid(a)) },
            Kind::Copied => Step::Copied { of: PacketId(a.into()) },
            Kind::Transmit => Step::Transmit {
                dev: IfIndex(a),
                to: DevRef { ns: NsId(high(b)), dev: IfIndex(low(b)) },
                arrives: at + Duration(c.into()),
                bytes: self.span()?,
            },
            Kind::Handed => Step::Handed {
                dev: IfIndex(a),
                to: DevRef { ns: NsId(high(b)), dev: IfIndex(low(b)) },
                arrives: at + Duration(c.into()),
                bytes: self.span()?,
            },
            Kind::Received => Step::Received { dev: IfIndex(a) },
            Kind::Held => Step::Held { dev: IfIndex(a), next_hop: ip(b) },
            Kind::Delivered => Step::Delivered { socket: SocketId(a) },
            Kind::DeliveredToKernel => Step::DeliveredToKernel,
            Kind::Absorbed => Step::Absorbed,
            Kind::Dropped => {
                let dev = a.checked_sub(1).map(IfIndex);
                Step::Dropped { dev, reason: reason(small, b, c)? }
            }
            Kind::Bridged => Step::Bridged { bridge: dev_of(small, b), port: IfIndex(a) },
            Kind::Flooded => Step::Flooded { bridge: dev_of(small, b), ports: a as u16 },
            Kind::BridgedUp => Step::BridgedUp { bridge: IfIndex(a) },
            Kind::Routed | Kind::RoutedVia => Step::Routed {
                dst: ip(b),
                prefix: Ipv4Net::new(ip(c), small).ok()?,
                via: (self.kind == Kind::RoutedVia).then(|| ip(d)),
                dev: IfIndex(a),
            },
            Kind::RoutedLocal => Step::RoutedLocal { dst: ip(a) },
            Kind::TtlDecremented => Step::TtlDecremented { left: small },
            Kind::Tcp => Step::Tcp {
                socket: SocketId(d),
                local: Endpoint::new(ip(a), high(c) as u16),
                remote: Endpoint::new(ip(b), low(c) as u16),
                from: *TCP_STATES.get(usize::from(small >> 4))?,
                to: *TCP_STATES.get(usize::from(small & 0x0f))?,
            },
            _ => Step::Nf(self.nf_step()?),
        })
    }

    fn nf_step(&self) -> Option<NfStep> {
        let Self { small, words: [a, b, c, d, ..], .. } = *self;
        let table = TABLES[usize::from(small & 3)];
        Some(match self.kind {
            Kind::NfEnter => NfStep::Enter { hook: *HOOKS.get(usize::from(small >> 2))?, table },
            Kind::NfMatched => NfStep::Matched {
                table,
                chain: ChainId(high(a) as u16),
                rule: RuleId(b),
                index: low(a) as u16,
                target: match small >> 2 {
                    0 => MatchedTarget::Count,
                    1 => MatchedTarget::Accept,
                    2 => MatchedTarget::Drop,
                    3 => MatchedTarget::Reject,
                    4 => MatchedTarget::Return,
                    5 => MatchedTarget::Jump(ChainId(c as u16)),
                    6 => MatchedTarget::Nat,
                    7 => MatchedTarget::Log,
                    8 => MatchedTarget::Mark(c),
                    _ => MatchedTarget::Notrack,
                },
                bytes: d as u16,
            },
            Kind::NfPolicy => {
                NfStep::Policy { table, chain: ChainId(a as u16), accept: small >> 2 == 1, bytes: b as u16 }
            }
            Kind::NfTracked => NfStep::Tracked {
                ct: CtId(a),
                state: *CT_STATES.get(usize::from(small >> 1))?,
                dir: if small & 1 == 0 { CtDirection::Original } else { CtDirection::Reply },
            },
            Kind::NfInvalid => NfStep::Invalid,
            Kind::NfTranslated => {
                let [.., e, f, proto] = self.words;
                let usual = usize::from(small >> 3).checked_sub(1).and_then(|i| USUAL.get(i));
                let proto = usual.copied().unwrap_or(Protocol::from_number(proto as u8));
                let flow = |src, dst, ports| Flow {
                    src: Endpoint::new(ip(src), high(ports) as u16),
                    dst: Endpoint::new(ip(dst), low(ports) as u16),
                    proto,
                };
                NfStep::Translated {
                    kind: if small >> 2 & 1 == NatKind::Source as u8 {
                        NatKind::Source
                    } else {
                        NatKind::Destination
                    },
                    before: flow(a, b, c),
                    after: flow(a ^ d, b ^ e, c ^ f),
                    first: small & 2 != 0,
                    dir: if small & 1 == 0 { CtDirection::Original } else { CtDirection::Reply },
                }
            }
            Kind::NfConfirmed => NfStep::Confirmed { ct: CtId(a) },
            Kind::NfUpdated => NfStep::Updated { ct: CtId(a) },
            Kind::NfDestroyed => NfStep::Destroyed { ct: CtId(a) },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::stream::{Seen, Stream};
    use super::*;
    use proptest::prelude::*;

    fn steps() -> impl Strategy<Value = Step> {
        let n = any::<u32>;
        let addr = || any::<u32>().prop_map(Ipv4Addr::from);
        let dev = || prop_oneof![1u32..20, any::<u32>()].prop_map(IfIndex);
        let end = || (any::<u32>(), any::<u16>()).prop_map(|(a, p)| Endpoint::new(a.into(), p));
        let state = || (0usize..11).prop_map(|i| TCP_STATES[i]);
        let nf = || nf_steps().prop_map(Step::Nf);
        prop_oneof![
            prop::option::of(n().prop_map(Pid)).prop_map(|by| Step::Sent { by }),
            any::<u64>().prop_map(|of| Step::Copied { of: PacketId(of) }),
            (dev(), dev(), 0u32..70_000, any::<u64>(), n(), any::<u16>()).prop_map(
                |(dev, to, ns, at, start, len)| Step::Transmit {
                    dev,
                    to: DevRef { ns: NsId(ns), dev: to },
                    arrives: Instant(at),
                    bytes: ByteSpan { start, len },
                }
            ),
            dev().prop_map(|dev| Step::Received { dev }),
            (dev(), addr()).prop_map(|(dev, next_hop)| Step::Held { dev, next_hop }),
            n().prop_map(|s| Step::Delivered { socket: SocketId(s) }),
            Just(Step::DeliveredToKernel),
            Just(Step::Absorbed),
            (prop::option::of(dev()), reasons()).prop_map(|(dev, reason)| Step::Dropped { dev, reason }),
            (dev(), dev()).prop_map(|(bridge, port)| Step::Bridged { bridge, port }),
            (dev(), any::<u16>()).prop_map(|(bridge, ports)| Step::Flooded { bridge, ports }),
            dev().prop_map(|bridge| Step::BridgedUp { bridge }),
            (addr(), addr(), 0u8..=32, prop::option::of(addr()), dev()).prop_map(
                |(dst, net, len, via, dev)| Step::Routed {
                    dst,
                    prefix: Ipv4Net::new_assert(net, len),
                    via,
                    dev
                }
            ),
            addr().prop_map(|dst| Step::RoutedLocal { dst }),
            any::<u8>().prop_map(|left| Step::TtlDecremented { left }),
            (n(), end(), end(), state(), state()).prop_map(|(s, local, remote, from, to)| Step::Tcp {
                socket: SocketId(s),
                local,
                remote,
                from,
                to
            }),
            nf(),
            nf(),
        ]
    }

    fn nf_steps() -> impl Strategy<Value = NfStep> {
        let table = || (0usize..4).prop_map(|i| TABLES[i]);
        let ct = || any::<u32>().prop_map(CtId);
        let chain = || any::<u16>().prop_map(ChainId);
        let targets = [
            MatchedTarget::Count,
            MatchedTarget::Accept,
            MatchedTarget::Drop,
            MatchedTarget::Reject,
            MatchedTarget::Return,
            MatchedTarget::Jump(ChainId(0xfffe)),
            MatchedTarget::Nat,
            MatchedTarget::Log,
            MatchedTarget::Mark(0xdead_beef),
            MatchedTarget::Notrack,
        ];
        prop_oneof![
            (0usize..5, table()).prop_map(|(i, table)| NfStep::Enter { hook: HOOKS[i], table }),
            (table(), chain(), any::<u32>(), any::<u16>(), 0usize..10, any::<u16>()).prop_map(
                move |(table, chain, rule, index, i, bytes)| NfStep::Matched {
                    table,
                    chain,
                    rule: RuleId(rule),
                    index,
                    target: targets[i],
                    bytes
                }
            ),
            (table(), chain(), any::<bool>(), any::<u16>())
                .prop_map(|(table, chain, accept, bytes)| NfStep::Policy { table, chain, accept, bytes }),
            (ct(), 0usize..5, any::<bool>()).prop_map(|(ct, i, reply)| NfStep::Tracked {
                ct,
                state: CT_STATES[i],
                dir: if reply { CtDirection::Reply } else { CtDirection::Original }
            }),
            Just(NfStep::Invalid),
            (any::<[(u32, u16); 4]>(), any::<u8>(), any::<[bool; 3]>()).prop_map(
                |(ends, proto, [source, first, reply])| {
                    let proto = Protocol::from_number(proto);
                    let [a, b, c, d] = ends.map(|(addr, port)| Endpoint::new(addr.into(), port));
                    NfStep::Translated {
                        kind: if source { NatKind::Source } else { NatKind::Destination },
                        before: Flow { src: a, dst: b, proto },
                        after: Flow { src: c, dst: d, proto },
                        first,
                        dir: if reply { CtDirection::Reply } else { CtDirection::Original },
                    }
                }
            ),
            ct().prop_map(|ct| NfStep::Confirmed { ct }),
            ct().prop_map(|ct| NfStep::Updated { ct }),
            ct().prop_map(|ct| NfStep::Destroyed { ct }),
        ]
    }

    fn reasons() -> impl Strategy<Value = DropReason> {
        let table = || (0usize..4).prop_map(|i| TABLES[i]);
        let chain = || any::<u16>().prop_map(ChainId);
        prop_oneof![
            (0usize..7).prop_map(|i| REASONS[i]),
            any::<u16>().prop_map(|port| DropReason::PortClosed { port }),
            any::<u32>().prop_map(|dst| DropReason::NotMine { dst: dst.into() }),
            any::<[u8; 6]>().prop_map(|mac| DropReason::NotForMe { mac: Mac(mac) }),
            (table(), chain(), any::<u32>()).prop_map(|(table, chain, rule)| DropReason::Rule {
                table,
                chain,
                rule: RuleId(rule)
            }),
            (table(), chain()).prop_map(|(table, chain)| DropReason::Policy { table, chain }),
            Just(DropReason::TtlExceeded),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

        #[test]
        fn what_was_packed_comes_out_the_same(
            records in prop::collection::vec((
                steps(),
                prop_oneof![0u64..1 << 40, any::<u64>()],
                prop_oneof![0u32..3, any::<u32>()],
                prop::option::of(prop_oneof![0u64..3, any::<u64>()]),
            ), 0..100),
        ) {
            let (mut stream, mut seen) = (Stream::default(), Seen::default());
            seen.clear();
            let mut expected = Vec::new();
            // all of them twice: the second time much is known
            let records = [records.clone(), records].concat();
            for (step, at, ns, packet) in records {
                let record = Record { at: Instant(at), ns: NsId(ns), packet: packet.map(PacketId), step };
                let packed = Packed::new(record.at, record.packet, &record.step);
                let packed = packed.unwrap_or(Packed::whole(expected.len() as u32));
                if stream.is_at_mark() {
                    stream.mark();
                }
                stream.push(&mut seen, (record.at, record.ns), &packed);
                expected.push(record);
            }
            prop_assert_eq!(stream.len(), expected.len());
            for from in 0..=expected.len() {
                let mut rest = stream.read_from(from);
                for (i, record) in expected.iter().enumerate().skip(from) {
                    let (packed, stamp) = rest.next().expect("as many as went in");
                    match packed.position() {
                        Some(position) => prop_assert_eq!(position, i),
                        None => prop_assert_eq!(&packed.unpack(stamp).expect("a packed one"), record),
                    }
                }
                prop_assert!(rest.next().is_none());
            }
        }
    }

    #[test]
    fn kinds_are_found_by_their_numbers() {
        for (number, (kind, words, own)) in (0u8..).zip(KINDS) {
            assert_eq!((kind as u8, Kind::from_number(number)), (number, Some(kind)));
            assert!((own <= words && words <= 4) || (kind, words) == (Kind::NfTranslated, 7));
        }
        assert!(KINDS.len() <= 64 && Kind::from_number(KINDS.len() as u8).is_none());
    }

    #[test]
    fn every_frequent_step_fits_in_few_words() {
        let at = Instant(7_000);
        let to = DevRef { ns: NsId(9), dev: IfIndex(3) };
        let bytes = ByteSpan { start: 100_000, len: 1514 };
        let net = |text: &str| text.parse().unwrap_or_default();
        // in bytes: the first time, and from then on
        let frequent = [
            (Step::Received { dev: IfIndex(2) }, 8, 8),
            (Step::Bridged { bridge: IfIndex(2), port: IfIndex(3) }, 4, 4),
            (Step::Bridged { bridge: IfIndex(700), port: IfIndex(3) }, 12, 4),
            (Step::Transmit { dev: IfIndex(2), to, arrives: Instant(57_000), bytes }, 20, 8),
            (Step::RoutedLocal { dst: Ipv4Addr::LOCALHOST }, 8, 4),
            (
                Step::Routed { dst: Ipv4Addr::LOCALHOST, prefix: net("127.0.0.0/8"), via: None, dev: to.dev },
                16,
                4,
            ),
            (Step::Dropped { dev: None, reason: DropReason::ArpNotMine }, 4, 4),
            (Step::Nf(NfStep::Tracked { ct: CtId(1), state: CtState::New, dir: CtDirection::Reply }), 4, 4),
        ];
        let (mut stream, mut seen) = (Stream::default(), Seen::default());
        seen.clear();
        stream.mark();
        let mut push = |step: &Step| {
            let packed = Packed::new(at, Some(PacketId(1)), step).expect("a frequent step");
            let before = stream.cost();
            stream.push(&mut seen, (at, NsId(1)), &packed);
            stream.cost() - before
        };
        push(&Step::Absorbed);
        for (step, first, then) in frequent {
            assert_eq!((push(&step), push(&step)), (first, then), "{step:?}");
        }
    }
}
