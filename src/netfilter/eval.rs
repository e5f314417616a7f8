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
    /// The firewall mark.
    pub mark: u32,
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
}
