//! Rules, chains and tables.

use std::net::Ipv4Addr;

use super::TableKind;
use crate::wire::{IfName, Ipv4Net};

/// A chain, by number: interned by name in its namespace's [`super::Netfilter`] and never
/// reused, so that the trace can name a chain that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId(pub u16);

/// A rule, by number: never reused within a namespace; its text outlives it
/// ([`super::Netfilter::rule_text`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub u32);

/// How an address is classed by the routing table (linux/rtnetlink.h RTN_*).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddrType {
    /// Somebody's.
    Unicast,
    /// One of this machine's.
    Local,
    /// A broadcast address of a connected subnet, or 255.255.255.255.
    Broadcast,
    /// 224.0.0.0/4.
    Multicast,
}

/// Placeholder of the contract; the netfilter layer defines it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule;
/// Placeholder.
#[derive(Debug, Clone, PartialEq)]
pub enum Match {}
/// Placeholder.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {}
/// What REJECT answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectWith {
    /// ICMP type 3 with this code.
    Icmp(u8),
    /// A TCP reset.
    TcpReset,
}
/// A chain with its rules, policy and counters.
#[derive(Debug, Clone)]
pub struct Chain;
/// A table: its chains in the order that iptables-save prints.
#[derive(Debug, Clone)]
pub struct Table;

/// Why a command was refused, in the words of iptables 1.8 (nf_tables), and its exit status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NfError {
    /// What iptables prints to stderr.
    pub message: String,
    /// iptables' exit status: 1, 2 (usage) or 4.
    pub exit: u8,
}

#[allow(dead_code)]
fn _uses(_: Ipv4Addr, _: Ipv4Net, _: IfName, _: TableKind) {}
