//! The main routing table: longest prefix wins, then the lowest metric (net/ipv4/fib_trie.c).
//!
//! Not supported: policy rules and further tables, multipath, TOS.

use super::ConfigError;
use crate::wire::{IfIndex, Ipv4Net};
use std::cmp::Reverse;
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

/// The table, longest prefix first, then the lowest metric, then the oldest.
#[derive(Debug, Clone, Default)]
pub struct RouteTable {
    routes: Vec<Route>,
}

impl RouteTable {
    /// The route for `dst`, or for `dst` out of `device` if that is given.
    pub(super) fn lookup(&self, dst: Ipv4Addr, device: Option<IfIndex>) -> Option<&Route> {
        self.routes.iter().find(|r| {
            let shift = 32 - u32::from(r.prefix.prefix_len());
            let differ = u32::from(dst) ^ u32::from(r.prefix.addr());
            u64::from(differ) >> shift == 0 && (device.is_none() || r.dev == device)
        })
    }

    /// Adds a route.
    ///
    /// # Errors
    /// `Exists` if one has the same prefix and metric.
    pub(super) fn add(&mut self, mut route: Route) -> Result<(), ConfigError> {
        route.prefix = route.prefix.trunc();
        if self.routes.iter().any(|r| r.prefix == route.prefix && r.metric == route.metric) {
            return Err(ConfigError::Exists);
        }
        self.append(route);
        Ok(())
    }

    /// Adds a route behind those of the same prefix and metric, as the kernel does for addresses.
    pub(super) fn append(&mut self, mut route: Route) {
        route.prefix = route.prefix.trunc();
        let key = |r: &Route| (Reverse(r.prefix.prefix_len()), r.metric);
        let at = self.routes.partition_point(|r| key(r) <= key(&route));
        self.routes.insert(at, route);
    }

    /// Removes the first route for which `wanted` says so.
    pub(super) fn remove(&mut self, wanted: impl Fn(&Route) -> bool) -> Option<Route> {
        let at = self.routes.iter().position(wanted)?;
        Some(self.routes.remove(at))
    }

    /// Removes all routes that do not pass `keep`.
    pub(super) fn retain(&mut self, keep: impl Fn(&Route) -> bool) {
        self.routes.retain(keep);
    }

    /// In the order of `ip route`: the kernel walks its trie by address, longer prefixes first.
    pub(super) fn in_order(&self) -> Vec<&Route> {
        let mut all: Vec<_> = self.routes.iter().collect();
        all.sort_by_key(|r| (r.prefix.addr(), Reverse(r.prefix.prefix_len()), r.metric));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(prefix: &str, dev: u32, metric: u32) -> Route {
        Route {
            prefix: prefix.parse().unwrap(),
            kind: RouteKind::Unicast,
            via: None,
            dev: Some(IfIndex(dev)),
            src: None,
            scope: Scope::Link,
            kernel: false,
            metric,
        }
    }

    fn table() -> RouteTable {
        let mut t = RouteTable::default();
        let lines = [
            ("0.0.0.0/0", 1, 0),
            ("192.168.0.0/24", 2, 0),
            ("10.0.0.0/8", 3, 100),
            ("10.0.0.0/8", 4, 50),
            ("10.0.0.0/24", 5, 0),
            ("10.0.0.7/32", 6, 0),
        ];
        for (prefix, dev, metric) in lines {
            t.add(route(prefix, dev, metric)).unwrap();
        }
        t
    }

    #[test]
    fn the_longest_prefix_wins_then_the_lowest_metric() {
        let t = table();
        let cases = [
            ("8.8.8.8", 1),
            ("192.168.0.3", 2),
            ("192.168.1.3", 1),
            ("10.200.0.1", 4),
            ("10.0.0.8", 5),
            ("10.0.0.7", 6),
        ];
        for (dst, dev) in cases {
            let found = t.lookup(dst.parse().unwrap(), None).and_then(|r| r.dev);
            assert_eq!(found, Some(IfIndex(dev)), "{dst}");
        }
    }

    #[test]
    fn a_bound_device_leaves_only_its_routes() {
        let t = table();
        let found = t.lookup("10.0.0.7".parse().unwrap(), Some(IfIndex(3))).map(|r| r.metric);
        assert_eq!(found, Some(100));
        assert!(t.lookup("11.0.0.7".parse().unwrap(), Some(IfIndex(3))).is_none());
    }

    #[test]
    fn the_default_route_is_printed_first() {
        let printed: Vec<_> = table().in_order().iter().map(|r| r.prefix.to_string()).collect();
        let expected =
            ["0.0.0.0/0", "10.0.0.0/24", "10.0.0.0/8", "10.0.0.0/8", "10.0.0.7/32", "192.168.0.0/24"];
        assert_eq!(printed, expected);
    }

    #[test]
    fn the_same_prefix_and_metric_exist_only_once() {
        assert_eq!(table().add(route("10.0.0.9/24", 9, 0)), Err(ConfigError::Exists));
    }
}
