//! Walking a packet through the chains of a hook.

use super::{ChainId, CtDirection, CtId, CtState, RejectWith, RuleId, TableKind};
use crate::wire::{IfIndex, IfName};

/// What travels with a packet inside one machine (the part of `sk_buff` that rules look at).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Meta {
    /// The interface it came in on; None if a local process made it.
    pub in_dev: Option<(IfIndex, IfName)>,
    /// The interface it will leave by; None before routing and at INPUT.
    pub out_dev: Option<(IfIndex, IfName)>,
    /// Its connection, once PREROUTING or OUTPUT has looked it up.
    pub ct: Option<(CtId, CtState, CtDirection)>,
    /// `-j CT --notrack` was said: connection tracking leaves it alone.
    pub untracked: bool,
    /// The firewall mark.
    pub mark: u32,
    /// The Ethernet header it came with (`-m mac`, and the `MAC=` of a LOG line), if any.
    pub ether: Option<[u8; 14]>,
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
