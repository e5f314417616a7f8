//! Walking a packet through the chains of a table.

use super::conntrack::{Conntrack, CtEntry};
use super::packet::{ICMP, TCP, UDP, View};
use super::rule::{ConntrackMatch, IfMatch, Match, PortSide, Target};
use super::table::{JUMP_STACK, Rule, Table};
use super::{ChainId, CtDirection, CtId, CtState, RejectWith, RuleId, TableKind, log_line};
use super::{Hook, Host, MatchedTarget, NfLog, NfStep};
use crate::time::Instant;
use crate::wire::{IfIndex, Ipv4Addr};

/// What travels with a packet inside one machine (the part of `sk_buff` that rules look at).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Meta {
    /// The interface it came in on; None if a local process made it.
    pub in_dev: Option<IfIndex>,
    /// The interface it will leave by; None before routing and at INPUT.
    pub out_dev: Option<IfIndex>,
    /// Its connection, once PREROUTING or OUTPUT has looked it up.
    pub ct: Option<(CtId, CtState, CtDirection)>,
    /// `-j CT --notrack` was said: connection tracking leaves it alone.
    pub untracked: bool,
    /// The firewall mark.
    pub mark: u32,
    /// The Ethernet header it came with (`-m mac`, and the `MAC=` of a LOG line), if any.
    pub ether: Option<[u8; 14]>,
    /// The bridge's port that it came in by, if it is bridged and only its neighbour is looked for
    /// (`bridged_dnat` of br_netfilter).
    pub bridged: Option<IfIndex>,
}

impl Meta {
    /// What an answer that the kernel itself makes (an ICMP error, the reset of REJECT) carries
    /// when it goes out through OUTPUT: the connection of the packet that it is about, the other
    /// way round (nf_ct_attach, net/netfilter/core.c). Give it to `hook(Hook::Output, …)`.
    pub fn for_error(&self) -> Self {
        let ct = self.ct.map(|(id, _, dir)| (id, CtState::Related, dir.other()));
        Self { ct, mark: self.mark, ..Self::default() }
    }
}

/// What a hook decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Go on. If `rerouted`, OUTPUT or PREROUTING changed the destination: route again.
    Accept {
        /// The destination was rewritten.
        rerouted: bool,
    },
    /// Dropped by a rule of `chain` (None: by the chain's policy).
    Drop {
        /// Table.
        table: TableKind,
        /// Chain.
        chain: ChainId,
        /// The rule; None: the policy.
        rule: Option<RuleId>,
    },
    /// Refused with an answer.
    Reject {
        /// Table.
        table: TableKind,
        /// Chain.
        chain: ChainId,
        /// The rule.
        rule: RuleId,
        /// With what.
        with: RejectWith,
    },
    /// NAT found no free port or address for the connection (dropped by nf_nat).
    NatExhausted,
    /// The connection tracking table is full; the kernel logs "nf_conntrack: table full,
    /// dropping packet".
    TableFull,
}

/// What the walk through one table ended with.
pub(super) enum Walked {
    Accept,
    Nat(Target),
    Stop(Verdict),
}

/// The packet and all that a rule may ask about it.
pub(super) struct Walk<'a, H, L> {
    pub hook: Hook,
    pub packet: &'a mut [u8],
    pub view: &'a View,
    pub meta: &'a mut Meta,
    pub ct: &'a Conntrack,
    pub host: &'a H,
    pub now: Instant,
    pub log: &'a mut L,
}

impl<H: Host, L: NfLog> Walk<'_, H, L> {
    /// Walks the table's base chain at the hook (nft_do_chain).
    pub fn table(&mut self, table: &mut Table) -> Walked {
        let kind = table.kind();
        let Some(base) = table.base_place(self.hook).filter(|&at| at < table.chains().len()) else {
            return Walked::Accept;
        };
        let length = u64::from(self.view.len);
        {
            // Nothing to ask: only the policy counts, and nothing is noted.
            let chain = &mut table.chains_mut()[base];
            if chain.rules.is_empty() && chain.policy == Some(true) {
                chain.count(self.view.len);
                return Walked::Accept;
            }
        }
        self.log.nf(NfStep::Enter { hook: self.hook, table: kind });
        let ct = self.ct;
        let entry = self.meta.ct.and_then(|(id, ..)| ct.get(id));
        let mut stack = [(0usize, 0usize); JUMP_STACK];
        let mut depth = 0;
        let (mut at, mut next) = (base, 0);
        loop {
            let chain = &mut table.chains_mut()[at];
            let chain_id = chain.id;
            let Some(index) = chain.rules.find(self.view, next, |rule| self.rule(rule, entry)) else {
                // The end of the chain: back to the caller, or the policy.
                if depth > 0 {
                    depth -= 1;
                    (at, next) = stack[depth];
                    continue;
                }
                return self.policy(table, base);
            };
            let rule = &mut chain.rules.counters()[index];
            rule.packets += 1;
            rule.bytes += length;
            let id = rule.id;
            let spec = &*rule.spec;
            let matched = |log: &mut L, target| {
                let index = u16::try_from(index).unwrap_or(u16::MAX);
                log.nf(NfStep::Matched {
                    table: kind,
                    chain: chain_id,
                    rule: id,
                    index,
                    target,
                    bytes: self.view.len,
                });
            };
            next = index + 1;
            match &spec.target {
                Target::None => matched(self.log, MatchedTarget::Count),
                Target::Accept => {
                    matched(self.log, MatchedTarget::Accept);
                    return Walked::Accept;
                }
                Target::Drop => {
                    matched(self.log, MatchedTarget::Drop);
                    return Walked::Stop(Verdict::Drop { table: kind, chain: chain_id, rule: Some(id) });
                }
                Target::Reject(with) => {
                    matched(self.log, MatchedTarget::Reject);
                    let with = *with;
                    return Walked::Stop(Verdict::Reject { table: kind, chain: chain_id, rule: id, with });
                }
                Target::Return => {
                    matched(self.log, MatchedTarget::Return);
                    if depth == 0 {
                        return self.policy(table, base);
                    }
                    depth -= 1;
                    (at, next) = stack[depth];
                }
                Target::Jump(to) | Target::Goto(to) => {
                    matched(self.log, MatchedTarget::Jump(*to));
                    let jump = matches!(spec.target, Target::Jump(_));
                    let to = *to;
                    let Some(to) = table.place(to) else { continue };
                    if jump {
                        if depth == JUMP_STACK {
                            // Commands that would lead so deep are refused.
                            return Walked::Stop(Verdict::Drop {
                                table: kind,
                                chain: chain_id,
                                rule: Some(id),
                            });
                        }
                        stack[depth] = (at, next);
                        depth += 1;
                    }
                    (at, next) = (to, 0);
                }
                Target::Log(spec) => {
                    matched(self.log, MatchedTarget::Log);
                    let line =
                        log_line::line(spec, self.packet, self.view, self.meta, |dev| self.host.name(dev));
                    self.log.nf(NfStep::Logged { line });
                }
                Target::Mark { value, mask } => {
                    self.meta.mark = (self.meta.mark & !mask) ^ value;
                    matched(self.log, MatchedTarget::Mark(self.meta.mark));
                }
                Target::Alter(alter) => {
                    matched(self.log, MatchedTarget::Count);
                    let (host, meta) = (self.host, &*self.meta);
                    alter.apply_to(self.packet, self.view, || {
                        let both = [meta.in_dev, meta.out_dev].into_iter().flatten();
                        both.map(|dev| host.mtu(dev)).min().unwrap_or(u32::MAX)
                    });
                }
                Target::Ct(notrack) => {
                    if *notrack && self.meta.ct.is_none() {
                        self.meta.untracked = true;
                    }
                    matched(self.log, if *notrack { MatchedTarget::Notrack } else { MatchedTarget::Count });
                }
                Target::Notrack => {
                    self.meta.untracked |= self.meta.ct.is_none();
                    matched(self.log, MatchedTarget::Notrack);
                }
                nat => {
                    matched(self.log, MatchedTarget::Nat);
                    return Walked::Nat(nat.clone());
                }
            }
        }
    }

    /// The end of the base chain.
    fn policy(&mut self, table: &mut Table, base: usize) -> Walked {
        let kind = table.kind();
        let chain = &mut table.chains_mut()[base];
        chain.count(self.view.len);
        let accept = chain.policy != Some(false);
        self.log.nf(NfStep::Policy { table: kind, chain: chain.id, accept, bytes: self.view.len });
        if accept {
            Walked::Accept
        } else {
            Walked::Stop(Verdict::Drop { table: kind, chain: chain.id, rule: None })
        }
    }

    #[inline]
    fn rule(&self, rule: &mut Rule, entry: Option<&CtEntry>) -> bool {
        let spec = &*rule.spec;
        let v = self.view;
        if !spec.src.matches(v.src) || !spec.dst.matches(v.dst) {
            return false;
        }
        if let Some((proto, invert)) = spec.proto
            && (proto == v.proto) == invert
        {
            return false;
        }
        if !self.dev(&spec.in_dev, self.meta.in_dev) || !self.dev(&spec.out_dev, self.meta.out_dev) {
            return false;
        }
        if spec.fragment.is_some_and(|f| f != v.fragment) {
            return false;
        }
        let mut bucket = 0;
        spec.matches.iter().all(|m| match m {
            Match::Limit { period, burst } => {
                bucket += 1;
                take(&mut rule.buckets[bucket - 1], *period, *burst, self.now)
            }
            m => self.one(m, entry),
        })
    }

    #[inline]
    fn dev(&self, m: &IfMatch, dev: Option<IfIndex>) -> bool {
        m.is_any() || m.matches(dev.map(|dev| self.host.name(dev)))
    }

    fn one(&self, m: &Match, entry: Option<&CtEntry>) -> bool {
        let v = self.view;
        match m {
            Match::Tcp { sport, dport, flags, option } => {
                v.proto == TCP
                    && v.complete
                    && sport.matches(v.sport)
                    && dport.matches(v.dport)
                    && flags.is_none_or(|f| ((v.flags & f.mask) == f.set) != f.invert)
                    && option.is_none_or(|(kind, invert)| has_option(self.packet, v, kind) != invert)
            }
            Match::Udp { sport, dport } => {
                v.proto == UDP && v.complete && sport.matches(v.sport) && dport.matches(v.dport)
            }
            Match::Icmp { kind, codes, invert } => {
                v.proto == ICMP
                    && v.complete
                    && (*kind == 0xff
                        || (*kind == v.icmp_type && codes.0 <= v.icmp_code && v.icmp_code <= codes.1))
                        != *invert
            }
            Match::Multiport { side, ports, invert } => {
                let hit = |port: u16| ports.iter().any(|&(from, to)| from <= port && port <= to);
                let any = match side {
                    PortSide::Source => hit(v.sport),
                    PortSide::Destination => hit(v.dport),
                    PortSide::Either => hit(v.sport) || hit(v.dport),
                };
                !v.fragment && v.complete && any != *invert
            }
            Match::Addrtype { src, dst, limit_in, limit_out } => {
                let dev = match (limit_in, limit_out) {
                    (true, _) => self.meta.in_dev,
                    (_, true) => self.meta.out_dev,
                    _ => None,
                };
                let class = |addr: u32| match dev {
                    Some(dev) => self.host.addr_type_on(dev, Ipv4Addr::from(addr)),
                    None => self.host.addr_type(Ipv4Addr::from(addr)),
                };
                src.is_none_or(|t| t.matches(class(v.src))) && dst.is_none_or(|t| t.matches(class(v.dst)))
            }
            Match::Conntrack(c) => self.conntrack(c, entry),
            Match::State { set, invert } => (set & self.state_bit() != 0) != *invert,
            Match::Mark { value, mask, invert } => ((self.meta.mark & mask) == *value) != *invert,
            Match::Mac { addr, invert } => self.meta.ether.is_some_and(|e| (e[6..12] == addr.0) != *invert),
            Match::Simple(m) => m.matches(&self.packet[v.l3..], self.meta.ether.as_ref()),
            Match::Owner => false,
            Match::Comment(_) | Match::Limit { .. } => true,
        }
    }

    /// The packet's bit in the order of [`super::rule::STATE_NAMES`].
    fn state_bit(&self) -> u8 {
        match self.meta.ct {
            Some((_, CtState::New, _)) => 2,
            Some((_, CtState::Related, _)) => 4,
            Some((_, CtState::Established, _)) => 8,
            Some(_) => 1,
            None if self.meta.untracked => 16,
            None => 1,
        }
    }

    /// xt_conntrack.c.
    fn conntrack(&self, c: &ConntrackMatch, entry: Option<&CtEntry>) -> bool {
        if let Some((set, invert)) = c.state {
            let mut bits = self.state_bit();
            if let Some(entry) = entry {
                bits |= u8::from(entry.is_snat()) << 5 | u8::from(entry.is_dnat()) << 6;
            }
            if (set & bits != 0) == invert {
                return false;
            }
        }
        let (Some(entry), Some((_, _, dir))) = (entry, self.meta.ct) else { return c.state.is_some() };
        let (original, reply) = (&entry.original, &entry.reply);
        let sides = [original.src, original.dst, reply.src, reply.dst];
        c.reply.is_none_or(|reply| (dir == CtDirection::Reply) == reply)
            && c.proto.is_none_or(|(proto, invert)| (original.proto.number() == proto) != invert)
            && c.addrs.iter().zip(sides).all(|(m, s)| m.is_none_or(|m| m.matches(s.addr.into())))
            && c.ports.iter().zip(sides).all(|(m, s)| m.is_none_or(|m| m.matches(s.port)))
            && c.status.is_none_or(|(set, invert)| status(set, entry) != invert)
            && c.expire.is_none_or(|(from, to, invert)| {
                let left = entry.expires.since(self.now).as_secs();
                (u64::from(from) <= left && left <= u64::from(to)) != invert
            })
    }
}

/// `--ctstatus`: bits in the order of their names; none at all is NONE.
fn status(set: u8, entry: &CtEntry) -> bool {
    let bits = entry.status.for_match();
    if set == 0 { bits == 0 } else { bits & set != 0 }
}

/// A token bucket in nanoseconds (xt_limit.c).
fn take(bucket: &mut (u64, Instant), period: u32, burst: u32, now: Instant) -> bool {
    let cost = u64::from(period) * 100_000;
    let cap = cost.saturating_mul(burst.into());
    let credit = bucket.0.saturating_add((now - bucket.1).as_nanos()).min(cap);
    *bucket = (credit, now);
    if credit < cost {
        return false;
    }
    bucket.0 -= cost;
    true
}

/// True if the TCP header has an option of this kind.
fn has_option(packet: &[u8], v: &View, kind: u8) -> bool {
    let header = usize::from(packet[v.l4 + 12] >> 4) * 4;
    let end = (v.l4 + header).min(packet.len());
    let mut options = packet.get(v.l4 + 20..end).unwrap_or(&[]);
    while let Some(&option) = options.first() {
        if option == kind {
            return true;
        }
        let len = if option < 2 { 1 } else { options.get(1).copied().unwrap_or(0).max(1) };
        options = options.get(usize::from(len)..).unwrap_or(&[]);
    }
    false
}
