//! The main routing table: longest prefix wins, then the lowest metric (net/ipv4/fib_trie.c).

use crate::wire::{IfIndex, Ipv4Net};
use std::net::Ipv4Addr;

/// What a route does with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteKind {
    /// Sends it on.
    Unicast,
    /// Answers "host unreachable".
    Unreachable,
    /// Drops it in silence.
    Blackhole,
    /// Answers "administratively prohibited".
    Prohibit,
}

/// How far away the destination is (`scope` of `ip route`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Behind a gateway.
    Global,
    /// On the link.
    Link,
}

/// A line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Destinations.
    pub prefix: Ipv4Net,
    /// Kind.
    pub kind: RouteKind,
    /// Gateway.
    pub via: Option<Ipv4Addr>,
    /// Interface; None for kinds that send nowhere.
    pub dev: Option<IfIndex>,
    /// Preferred source address.
    pub src: Option<Ipv4Addr>,
    /// Scope.
    pub scope: Scope,
    /// Made by the kernel for an address (`proto kernel`).
    pub kernel: bool,
    /// Lower wins.
    pub metric: u32,
}

/// The table.
#[derive(Debug, Clone, Default)]
pub struct RouteTable {}
