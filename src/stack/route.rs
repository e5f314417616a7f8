//! A routing table: longest prefix wins, then the lowest metric (net/ipv4/fib_trie.c). Which table is
//! asked is up to `policy`.
//!
//! Not supported: multipath, TOS.

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

/// How a new route takes its place among those of the same prefix and metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// `add`: there must be none.
    New,
    /// `prepend`: before them.
    First,
    /// `append`: behind them.
    Last,
    /// `replace`: in place of the first, if there is one.
    Replacing,
    /// `change`: in place of the first, which must be there.
    Changing,
}

/// Routes that can be added to a table.
const MOST: usize = 1024;

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

    /// Adds a route among those of the same prefix and metric (fib_table_insert). What it replaced.
    ///
    /// # Errors
    /// `Exists` if there is one of them (`New`), or the very same. `NoSuchRule` if there is none (`Change`).
    /// `NoBuffers`: the table is full.
    pub(super) fn put(&mut self, mut route: Route, among: Among) -> Result<Option<Route>, ConfigError> {
        route.prefix = route.prefix.trunc();
        let peer = |r: &Route| r.prefix == route.prefix && r.metric == route.metric;
        let first = self.routes.iter().position(peer);
        let same = self.routes.iter().position(|r| *r == route);
        match (among, first) {
            (Among::New, Some(_)) => return Err(ConfigError::Exists),
            (Among::Replacing | Among::Changing, Some(at)) => {
                if same.is_some_and(|s| s != at) {
                    return Err(ConfigError::Exists);
                }
                return Ok(Some(std::mem::replace(&mut self.routes[at], route)));
            }
            (Among::Changing, None) => return Err(ConfigError::NoSuchRule),
            _ if same.is_some() => return Err(ConfigError::Exists),
            _ if self.routes.len() >= MOST => return Err(ConfigError::NoBuffers),
            (Among::First, Some(at)) => self.routes.insert(at, route),
            _ => self.append(route),
        }
        Ok(None)
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
            t.put(route(prefix, dev, metric), Among::New).unwrap();
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
        assert_eq!(table().put(route("10.0.0.9/24", 9, 0), Among::New), Err(ConfigError::Exists));
    }

    #[test]
    fn a_full_table_takes_no_more_but_replaces() {
        let mut t = RouteTable::default();
        let nth = |n: usize| route(&format!("10.{}.{}.0/24", n / 256, n % 256), 1, 0);
        (0..MOST).for_each(|n| assert_eq!(t.put(nth(n), Among::New), Ok(None)));
        assert_eq!(t.put(nth(0), Among::New), Err(ConfigError::Exists));
        for among in [Among::New, Among::First, Among::Last, Among::Replacing] {
            assert_eq!(t.put(nth(MOST), among), Err(ConfigError::NoBuffers), "{among:?}");
        }
        assert_eq!(t.put(route("10.0.0.0/24", 2, 0), Among::Replacing), Ok(Some(nth(0))));
    }

    #[test]
    fn a_route_takes_its_place_among_its_like() {
        let devices = |t: &RouteTable| -> Vec<u32> {
            let like = t.in_order().into_iter().filter(|r| r.prefix.prefix_len() == 24 && r.metric == 7);
            like.filter_map(|r| r.dev).map(|d| d.0).collect()
        };
        let mut t = table();
        let like = |dev| route("10.5.0.0/24", dev, 7);
        assert_eq!(t.put(like(1), Among::Changing), Err(ConfigError::NoSuchRule));
        t.put(like(1), Among::Replacing).unwrap();
        t.put(like(2), Among::Last).unwrap();
        t.put(like(3), Among::First).unwrap();
        assert_eq!(devices(&t), [3, 1, 2]);
        assert_eq!(t.put(like(2), Among::Last), Err(ConfigError::Exists));
        assert_eq!(t.put(like(4), Among::Replacing).unwrap(), Some(like(3)));
        assert_eq!(devices(&t), [4, 1, 2]);
        assert_eq!(t.put(like(1), Among::Changing), Err(ConfigError::Exists));
    }
}
