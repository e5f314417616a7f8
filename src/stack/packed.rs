//! Records in 24 bytes. What a packet goes through at each hop is written thousands of times, and
//! fresh memory is dearer than the work itself; so frequent steps are packed, and the rest
//! (`None` here) is kept as it is.

use super::step::{ByteSpan, DropReason, Record, Step};
use super::{DevRef, NsId, Pid, SocketId, TcpState};
use crate::netfilter::{ChainId, CtDirection, CtId, CtState, Hook, MatchedTarget, NfStep, RuleId, TableKind};
use crate::time::{Duration, Instant};
use crate::wire::{Endpoint, IfIndex, Ipv4Net, PacketId};
use std::net::Ipv4Addr;

/// A packed record: `kind` says which step, `small` and `words` hold its fields.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packed {
    /// 0: none.
    packet: u32,
    words: [u32; 4],
    /// Which of the chunk's stamps: time and namespace, the same for all that one event brings.
    stamp: u16,
    kind: Kind,
    small: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Kept whole, at this position of the chunk.
    Whole,
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
    RoutedLocal,
    TtlDecremented,
    Tcp,
    NfEnter,
    NfMatched,
    NfPolicy,
    NfTracked,
    NfInvalid,
    NfConfirmed,
    NfUpdated,
    NfDestroyed,
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
const REASONS: [DropReason; 6] = [
    DropReason::ArpNotMine,
    DropReason::QueueFull,
    DropReason::SamePort,
    DropReason::NoCarrier,
    DropReason::StormLimit,
    DropReason::NoMatchingSocket,
];
/// A next hop, or a gateway, is there.
const GATEWAY: u8 = 0x80;

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
            let words = [pair(dev.0, bytes.len.into())?, pair(to.ns.0, to.dev.0)?, latency, bytes.start];
            (Kind::Transmit, 0, words)
        }
        Step::Handed { dev, to, arrives, bytes } => {
            let latency = u32::try_from(arrives.0.checked_sub(at.0)?).ok()?;
            let words = [pair(dev.0, bytes.len.into())?, pair(to.ns.0, to.dev.0)?, latency, bytes.start];
            (Kind::Handed, 0, words)
        }
        Step::Received { dev } => (Kind::Received, 0, [dev.0, 0, 0, 0]),
        Step::Held { dev, next_hop } => (Kind::Held, 0, [dev.0, next_hop.into(), 0, 0]),
        Step::Delivered { socket } => (Kind::Delivered, 0, [socket.0, 0, 0, 0]),
        Step::DeliveredToKernel => (Kind::DeliveredToKernel, 0, [0; 4]),
        Step::Absorbed => (Kind::Absorbed, 0, [0; 4]),
        Step::Dropped { dev, reason } => {
            let reason = REASONS.iter().position(|r| *r == reason)?;
            (Kind::Dropped, reason as u8, [u32::from(dev.is_some()), dev.map_or(0, |d| d.0), 0, 0])
        }
        Step::Bridged { bridge, port } => (Kind::Bridged, 0, [bridge.0, port.0, 0, 0]),
        Step::Flooded { bridge, ports } => (Kind::Flooded, 0, [bridge.0, ports.into(), 0, 0]),
        Step::BridgedUp { bridge } => (Kind::BridgedUp, 0, [bridge.0, 0, 0, 0]),
        Step::Routed { dst, prefix, via, dev } => {
            let small = prefix.prefix_len() | if via.is_some() { GATEWAY } else { 0 };
            let words = [dst.into(), prefix.addr().into(), via.map_or(0, u32::from), dev.0];
            (Kind::Routed, small, words)
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
        NfStep::Translated { .. } | NfStep::Logged { .. } => return None,
    })
}

impl Packed {
    /// The record in short, at the moment `at` that is the chunk's stamp number `stamp`. None if it
    /// does not fit. Inlined into its callers: they know which step it is.
    #[inline(always)]
    pub(super) fn new(stamp: usize, at: Instant, packet: Option<PacketId>, step: &Step) -> Option<Self> {
        let packet = match packet {
            None => 0,
            Some(id) => u32::try_from(id.0).ok().filter(|id| *id != 0)?,
        };
        let (kind, small, words) = fields(step, at)?;
        Some(Self { packet, words, stamp: u16::try_from(stamp).ok()?, kind, small })
    }

    /// Stands for the whole record at `position`.
    pub(super) fn whole(position: u32) -> Self {
        Self { packet: 0, words: [position, 0, 0, 0], stamp: 0, kind: Kind::Whole, small: 0 }
    }

    /// Which of the chunk's stamps it has.
    #[inline]
    pub(super) fn stamp(&self) -> usize {
        self.stamp.into()
    }

    /// Where the whole record is, if it did not fit.
    #[inline]
    pub(super) fn position(&self) -> Option<usize> {
        (self.kind == Kind::Whole).then_some(self.words[0] as usize)
    }

    /// Where the bytes of a [`Step::Transmit`] or [`Step::Handed`] are.
    pub(super) fn span(&self) -> Option<ByteSpan> {
        let [first, _, _, start] = self.words;
        matches!(self.kind, Kind::Transmit | Kind::Handed)
            .then_some(ByteSpan { start, len: low(first) as u16 })
    }

    /// The record again, with its stamp. None if it stands for a whole one.
    pub(super) fn unpack(&self, (at, ns): (Instant, NsId)) -> Option<Record> {
        let packet = (self.packet != 0).then_some(PacketId(self.packet.into()));
        Some(Record { at, ns, packet, step: self.step(at)? })
    }

    fn step(&self, at: Instant) -> Option<Step> {
        let Self { small, words: [a, b, c, d], .. } = *self;
        Some(match self.kind {
            Kind::Whole => return None,
            Kind::Sent => Step::Sent { by: (small == 1).then_some(Pid(a)) },
            Kind::Copied => Step::Copied { of: PacketId(a.into()) },
            Kind::Transmit => Step::Transmit {
                dev: IfIndex(high(a)),
                to: DevRef { ns: NsId(high(b)), dev: IfIndex(low(b)) },
                arrives: at + Duration(c.into()),
                bytes: self.span()?,
            },
            Kind::Handed => Step::Handed {
                dev: IfIndex(high(a)),
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
                let dev = (a == 1).then_some(IfIndex(b));
                Step::Dropped { dev, reason: *REASONS.get(usize::from(small))? }
            }
            Kind::Bridged => Step::Bridged { bridge: IfIndex(a), port: IfIndex(b) },
            Kind::Flooded => Step::Flooded { bridge: IfIndex(a), ports: b as u16 },
            Kind::BridgedUp => Step::BridgedUp { bridge: IfIndex(a) },
            Kind::Routed => Step::Routed {
                dst: ip(a),
                prefix: Ipv4Net::new(ip(b), small & !GATEWAY).ok()?,
                via: (small & GATEWAY != 0).then(|| ip(c)),
                dev: IfIndex(d),
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
        let Self { small, words: [a, b, c, d], .. } = *self;
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
            Kind::NfConfirmed => NfStep::Confirmed { ct: CtId(a) },
            Kind::NfUpdated => NfStep::Updated { ct: CtId(a) },
            Kind::NfDestroyed => NfStep::Destroyed { ct: CtId(a) },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
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
            (prop::option::of(dev()), 0usize..6)
                .prop_map(|(dev, i)| Step::Dropped { dev, reason: REASONS[i] }),
            dev()
                .prop_map(|dev| Step::Dropped { dev: Some(dev), reason: DropReason::PortClosed { port: 7 } }),
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
            ct().prop_map(|ct| NfStep::Confirmed { ct }),
            ct().prop_map(|ct| NfStep::Updated { ct }),
            ct().prop_map(|ct| NfStep::Destroyed { ct }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn what_was_packed_comes_out_the_same(
            step in steps(),
            at in prop_oneof![0u64..1 << 40, any::<u64>()],
            ns in any::<u32>(),
            stamp in 0usize..70_000,
            packet in prop::option::of(prop_oneof![0u64..1 << 20, any::<u64>()]),
        ) {
            let record = Record { at: Instant(at), ns: NsId(ns), packet: packet.map(PacketId), step };
            if let Some(packed) = Packed::new(stamp, record.at, record.packet, &record.step) {
                prop_assert_eq!((packed.position(), packed.stamp()), (None, stamp));
                prop_assert_eq!(packed.unpack((record.at, record.ns)), Some(record));
            }
        }
    }

    #[test]
    fn every_frequent_step_fits() {
        let at = Instant(7_000);
        let to = DevRef { ns: NsId(9), dev: IfIndex(3) };
        let bytes = ByteSpan { start: 100_000, len: 1514 };
        let frequent = [
            Step::Transmit { dev: IfIndex(2), to, arrives: Instant(57_000), bytes },
            Step::Dropped { dev: None, reason: DropReason::ArpNotMine },
            Step::Nf(NfStep::Tracked { ct: CtId(1), state: CtState::New, dir: CtDirection::Reply }),
        ];
        for step in frequent {
            assert!(Packed::new(0, at, Some(PacketId(1)), &step).is_some(), "{step:?}");
        }
        assert_eq!(size_of::<Packed>(), 24);
    }
}
