//! Finding the next rule that may match in a long chain, without asking all those before it.
//!
//! A host that publishes ten thousand ports has chains of ten thousand rules that each name one
//! port or one address. The index sorts a chain's rules by what they demand exactly: `-d` or `-s`
//! one address, `--dport` one port. For a packet, only the rules whose demand it meets are
//! *candidates*, together with those that demand nothing exact. The candidates are asked in the
//! order of the chain, each in full; a rule that is no candidate could not have matched. What is
//! observed (verdict, steps, counters, token buckets) is what walking the whole chain gives.

use super::packet::{TCP, UDP, View};
use super::rule::{Match, RuleSpec};
use super::table::Rule;
use crate::wire::FastMap;

/// Chains shorter than this are walked as they are.
pub(super) const WORTH: usize = 16;

/// What a rule demands exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Key {
    /// `-d` one address, and one destination port of a protocol.
    DestinationPort(u32, u8, u16),
    /// One destination port of a protocol.
    Port(u8, u16),
    /// `-d` one address.
    Destination(u32),
    /// `-s` one address.
    Source(u32),
}

/// How many kinds of key there are.
const KINDS: usize = 4;

impl Key {
    /// The most that can be said of the rule. None: it has to be asked about every packet.
    fn of(spec: &RuleSpec) -> Option<Self> {
        let exact = |m: &super::AddrMatch| (m.mask == u32::MAX && !m.invert).then_some(m.addr);
        match (exact(&spec.dst), exact_port(spec)) {
            (Some(dst), Some((proto, port))) => Some(Self::DestinationPort(dst, proto, port)),
            (None, Some((proto, port))) => Some(Self::Port(proto, port)),
            (Some(dst), None) => Some(Self::Destination(dst)),
            (None, None) => exact(&spec.src).map(Self::Source),
        }
    }

    const fn kind(self) -> usize {
        match self {
            Self::DestinationPort(..) => 0,
            Self::Port(..) => 1,
            Self::Destination(_) => 2,
            Self::Source(_) => 3,
        }
    }

    /// The keys that the packet meets, by kind.
    const fn met_by(v: &View) -> [Self; KINDS] {
        [
            Self::DestinationPort(v.dst, v.proto, v.dport),
            Self::Port(v.proto, v.dport),
            Self::Destination(v.dst),
            Self::Source(v.src),
        ]
    }
}

/// The one destination port that the rule's modules demand. A `limit` in front of them is asked
/// (and its bucket changed) before the port is, so such a rule has to be asked.
fn exact_port(spec: &RuleSpec) -> Option<(u8, u16)> {
    let unlimited = spec.matches.iter().take_while(|m| !matches!(m, Match::Limit { .. }));
    unlimited.into_iter().find_map(|m| match m {
        Match::Tcp { dport, .. } => dport.single().map(|port| (TCP, port)),
        Match::Udp { dport, .. } => dport.single().map(|port| (UDP, port)),
        _ => None,
    })
}

/// A run of positions in [`ChainIndex::order`].
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    at: u32,
    end: u32,
}

/// The index of one state of a chain.
#[derive(Debug)]
pub(super) struct ChainIndex {
    runs: FastMap<Key, Run>,
    /// Kinds of key that occur.
    kinds: [bool; KINDS],
    /// Rules without a key.
    plain: Run,
    /// Positions in the chain: each run's in order.
    order: Vec<u32>,
}

impl ChainIndex {
    pub fn new(rules: &[Rule]) -> Self {
        let mut keyed: Vec<(Option<Key>, u32)> =
            (0..).zip(rules).map(|(i, rule)| (Key::of(&rule.spec), i)).collect();
        keyed.sort_unstable();
        let mut index = Self {
            runs: FastMap::new(),
            kinds: [false; KINDS],
            plain: Run::default(),
            order: keyed.iter().map(|&(_, i)| i).collect(),
        };
        let mut at = 0;
        for group in keyed.chunk_by(|a, b| a.0 == b.0) {
            let run = Run { at, end: at + group.len() as u32 };
            at = run.end;
            match group[0].0 {
                None => index.plain = run,
                Some(key) => {
                    index.kinds[key.kind()] = true;
                    index.runs.insert(key, run);
                }
            }
        }
        index
    }

    /// The candidates for a packet from position `from` on.
    pub fn candidates(&self, view: &View, from: usize) -> Candidates<'_> {
        let mut runs = [self.plain; KINDS + 1];
        for (kind, key) in Key::met_by(view).iter().enumerate() {
            let found = if self.kinds[kind] { self.runs.get(key) } else { None };
            runs[kind] = found.copied().unwrap_or_default();
        }
        let from = from as u32;
        for run in runs.iter_mut().filter(|_| from > 0) {
            let rules = &self.order[run.at as usize..run.end as usize];
            run.at += rules.partition_point(|&i| i < from) as u32;
        }
        Candidates { order: &self.order, runs }
    }
}

/// Positions in the chain, ascending.
pub(super) struct Candidates<'a> {
    order: &'a [u32],
    runs: [Run; KINDS + 1],
}

impl Iterator for Candidates<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let order = self.order;
        let waiting = self.runs.iter_mut().filter(|run| run.at < run.end);
        let first = waiting.min_by_key(|run| order[run.at as usize])?;
        let position = order[first.at as usize];
        first.at += 1;
        Some(position as usize)
    }
}
