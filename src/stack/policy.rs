//! Policy routing: rules that choose a routing table, and tables besides main (ip-rule(8),
//! net/core/fib_rules.c, net/ipv4/fib_rules.c).
//!
//! A namespace where nobody made a rule or a table of their own has none of this: it looks into its own
//! addresses and then into the main table, which is what the kernel's three rules say.
//!
//! Not supported: TOS, ports, protocols, users, realms, `goto` and `suppress_*` in rules.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::output::RouteError;
use super::{ConfigChange, ConfigError, Cx, NetNs, Route, RouteKind, RouteTable, Step};
use crate::wire::{IfIndex, IfName, Ipv4Net};

/// Table `local`: the namespace's own addresses.
pub const TABLE_LOCAL: u32 = 255;
/// Table `main`.
pub const TABLE_MAIN: u32 = 254;
/// Table `default`, which is empty.
pub const TABLE_DEFAULT: u32 = 253;
/// Rules and tables that a namespace has at most.
const MOST: usize = 1024;

/// What a rule asks about a packet, and what a route is looked up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteKey {
    /// Where it comes from; unspecified: not yet known.
    pub src: Ipv4Addr,
    /// Where it goes.
    pub dst: Ipv4Addr,
    /// The interface it came in by; None: made here.
    pub iif: Option<IfIndex>,
    /// The interface it has to leave by, if one was asked for.
    pub oif: Option<IfIndex>,
    /// Its firewall mark.
    pub mark: u32,
}

impl RouteKey {
    /// A packet of this machine to `dst` of which nothing else is known.
    #[inline]
    pub fn to(dst: Ipv4Addr, oif: Option<IfIndex>) -> Self {
        Self { src: Ipv4Addr::UNSPECIFIED, dst, iif: None, oif, mark: 0 }
    }

    /// As [`RouteKey::to`], from `src`.
    #[inline]
    pub fn from_to(src: Ipv4Addr, dst: Ipv4Addr, oif: Option<IfIndex>) -> Self {
        Self { src, ..Self::to(dst, oif) }
    }
}

/// What a rule does with what it fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleAction {
    /// Looks into this table; where that has no route, the next rule is asked.
    Lookup(u32),
    /// No way: "administratively prohibited".
    Prohibit,
    /// No way: "network unreachable".
    Unreachable,
    /// No way, and no word.
    Blackhole,
}

/// A line of `ip rule`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutingRule {
    /// Its place: lower ones are asked first.
    pub pref: u32,
    /// True: for all packets but those that fit.
    pub not: bool,
    /// Sources; 0.0.0.0/0: all.
    pub from: Ipv4Net,
    /// Destinations; 0.0.0.0/0: all.
    pub to: Ipv4Net,
    /// The firewall mark, and which bits of it count.
    pub mark: Option<(u32, u32)>,
    /// Interface that packets come in by (`lo`: made here).
    pub iif: Option<IfName>,
    /// Interface that a socket is bound to.
    pub oif: Option<IfName>,
    /// What it does.
    pub action: RuleAction,
}

impl RoutingRule {
    /// A rule for everything.
    pub fn new(pref: u32, action: RuleAction) -> Self {
        let all = Ipv4Net::default();
        Self { pref, not: false, from: all, to: all, mark: None, iif: None, oif: None, action }
    }

    /// The three that the kernel makes.
    fn first_three() -> Vec<Self> {
        let lines = [(0, TABLE_LOCAL), (32766, TABLE_MAIN), (32767, TABLE_DEFAULT)];
        lines.map(|(pref, table)| Self::new(pref, RuleAction::Lookup(table))).into()
    }

    /// fib_rule_match and fib4_rule_match.
    fn fits(&self, flow: &RouteKey, name: impl Fn(IfIndex) -> Option<IfName>) -> bool {
        let named = |wanted: Option<IfName>, dev: Option<IfIndex>| {
            wanted.is_none_or(|w| dev.and_then(&name) == Some(w))
        };
        let fits = named(self.iif, flow.iif.or(Some(IfIndex::LO)))
            && named(self.oif, flow.oif)
            && self.mark.is_none_or(|(value, mask)| (flow.mark ^ value) & mask == 0)
            && self.from.contains(&flow.src)
            && self.to.contains(&flow.dst);
        fits != self.not
    }

    /// True if both say the same, wherever they stand (rule_exists).
    fn is_like(&self, other: &Self) -> bool {
        *self == Self { pref: self.pref, ..other.clone() }
    }
}

/// What of a rule `ip rule del` names; the first that has all of it goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RulePattern {
    /// Its place.
    pub pref: Option<u32>,
    /// `not` was said.
    pub not: bool,
    /// Sources.
    pub from: Option<Ipv4Net>,
    /// Destinations.
    pub to: Option<Ipv4Net>,
    /// Mark and its mask.
    pub mark: Option<(u32, u32)>,
    /// Interface.
    pub iif: Option<IfName>,
    /// Interface that a socket is bound to.
    pub oif: Option<IfName>,
    /// What it does.
    pub action: Option<RuleAction>,
}

impl RulePattern {
    fn fits(&self, r: &RoutingRule) -> bool {
        self.pref.is_none_or(|p| p == r.pref)
            && self.not == r.not
            && self.from.is_none_or(|f| f == r.from)
            && self.to.is_none_or(|t| t == r.to)
            && (self.mark.is_none() || self.mark == r.mark)
            && (self.iif.is_none() || self.iif == r.iif)
            && (self.oif.is_none() || self.oif == r.oif)
            && self.action.is_none_or(|a| a == r.action)
    }
}

/// Rules and tables of a namespace where somebody made one.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    rules: Vec<RoutingRule>,
    /// Those besides local and main. They stay when they become empty.
    tables: BTreeMap<u32, RouteTable>,
}

impl Default for Policy {
    fn default() -> Self {
        Self { rules: RoutingRule::first_three(), tables: BTreeMap::new() }
    }
}

impl NetNs {
    /// The first route for the packet in the order of the rules. With it, its table.
    pub(super) fn ruled(&self, policy: &Policy, flow: &RouteKey) -> Result<(&Route, u32), RouteError> {
        let name = |dev| self.devices.get(dev).map(|d| d.name);
        for rule in policy.rules.iter().filter(|r| r.fits(flow, name)) {
            match rule.action {
                RuleAction::Lookup(table) => {
                    let found = self.table(table).and_then(|t| t.lookup(flow.dst, flow.oif));
                    if let Some(route) = found {
                        return Ok((route, table));
                    }
                }
                RuleAction::Prohibit => return Err(RouteError::Prohibit),
                RuleAction::Unreachable => return Err(RouteError::NoRoute),
                RuleAction::Blackhole => return Err(RouteError::Blackhole),
            }
        }
        Err(RouteError::NoRoute)
    }

    /// A table by its number; that of the own addresses is not kept as one.
    fn table(&self, number: u32) -> Option<&RouteTable> {
        match number {
            TABLE_MAIN => Some(&self.routes),
            _ => self.policy.as_ref()?.tables.get(&number),
        }
    }

    fn table_mut(&mut self, number: u32) -> Option<&mut RouteTable> {
        match number {
            TABLE_MAIN => Some(&mut self.routes),
            _ => self.policy.as_mut()?.tables.get_mut(&number),
        }
    }

    /// The routes of a table in the order that `ip route show table` prints them; None: there is no
    /// such table. Table local is none of these.
    pub fn routes_of(&self, table: u32) -> Option<Vec<&Route>> {
        self.table(table).map(RouteTable::in_order)
    }

    /// The numbers of the tables besides local and main, lowest first.
    pub fn further_tables(&self) -> Vec<u32> {
        self.policy.as_ref().map(|p| p.tables.keys().copied().collect()).unwrap_or_default()
    }

    /// All routes but those to own addresses, with their tables: main first.
    pub fn routes_by_table(&self) -> Vec<(&Route, u32)> {
        let tables = std::iter::once(TABLE_MAIN).chain(self.further_tables());
        tables.flat_map(|t| self.routes_of(t).into_iter().flatten().map(move |r| (r, t))).collect()
    }

    /// The rules in their order.
    pub fn rules(&self) -> Vec<RoutingRule> {
        self.policy.as_ref().map_or_else(RoutingRule::first_three, |p| p.rules.clone())
    }

    /// The route that a packet takes, and its table (`ip route get`): as [`NetNs::route_to`], with all
    /// that rules may ask.
    ///
    /// # Errors
    /// Why there is none, as the kernel answers it: `NetUnreach`, `HostUnreach`, `Access`, `Invalid`.
    pub fn route_for(&self, flow: &RouteKey) -> Result<(&Route, u32), super::Errno> {
        let (route, table) = match &self.policy {
            Some(policy) => self.ruled(policy, flow)?,
            None => (self.routes.lookup(flow.dst, flow.oif).ok_or(RouteError::NoRoute)?, TABLE_MAIN),
        };
        let refused = match route.kind {
            RouteKind::Unicast => return Ok((route, table)),
            RouteKind::Unreachable => RouteError::Unreachable,
            RouteKind::Prohibit => RouteError::Prohibit,
            RouteKind::Blackhole => RouteError::Blackhole,
        };
        Err(refused.into())
    }

    /// The source address of a packet that this machine makes, where none was chosen.
    pub fn source_of(&self, flow: &RouteKey) -> Option<Ipv4Addr> {
        let hop = self.resolve_flow(flow).ok()?;
        self.source_by(&hop, flow.dst).ok()
    }

    /// Adds a rule (`ip rule add`). Without a place of its own it comes before the second rule there is
    /// (fib_default_rule_pref).
    ///
    /// # Errors
    /// `Exists`: one like it is there. `Full`.
    pub fn add_rule(
        &mut self,
        mut rule: RoutingRule,
        pref: Option<u32>,
        cx: &mut Cx<'_>,
    ) -> Result<(), ConfigError> {
        let rules = self.rules();
        if rules.iter().any(|r| r.is_like(&rule) && pref.is_none_or(|p| p == r.pref)) {
            return Err(ConfigError::Exists);
        }
        if rules.len() >= MOST {
            return Err(ConfigError::Full);
        }
        rule.pref = pref.unwrap_or_else(|| rules.get(1).map_or(0, |second| second.pref.saturating_sub(1)));
        let text = rule.to_string();
        let rules = &mut self.policy.get_or_insert_default().rules;
        let at = rules.partition_point(|r| r.pref <= rule.pref);
        rules.insert(at, rule);
        cx.log.note(Step::Config(Box::new(ConfigChange::RuleAdded { rule: text })));
        Ok(())
    }

    /// Removes the first rule that fits (`ip rule del`).
    ///
    /// # Errors
    /// `NoSuchRule`; `NotSupported` for that of table local: the namespace's own addresses always come
    /// first here.
    pub fn remove_rule(&mut self, pattern: &RulePattern, cx: &mut Cx<'_>) -> Result<(), ConfigError> {
        let at = self.rules().iter().position(|r| pattern.fits(r)).ok_or(ConfigError::NoSuchRule)?;
        if at == 0 {
            return Err(ConfigError::NotSupported);
        }
        let gone = self.policy.get_or_insert_default().rules.remove(at);
        let rule = gone.to_string();
        cx.log.note(Step::Config(Box::new(ConfigChange::RuleRemoved { rule })));
        self.drop_bare_policy();
        Ok(())
    }

    /// Who is back at the kernel's three rules and has no other table is like one who never had.
    fn drop_bare_policy(&mut self) {
        let bare = |p: &Policy| p.tables.is_empty() && p.rules == RoutingRule::first_three();
        if self.policy.as_ref().is_some_and(|p| bare(p)) {
            self.policy = None;
        }
    }

    /// The table with this number, made where it is not there yet (fib_new_table).
    pub(super) fn table_to_fill(&mut self, number: u32) -> Result<&mut RouteTable, ConfigError> {
        if number == TABLE_MAIN {
            return Ok(&mut self.routes);
        }
        if number == TABLE_LOCAL {
            return Err(ConfigError::NotSupported);
        }
        let tables = &mut self.policy.get_or_insert_default().tables;
        if tables.len() >= MOST && !tables.contains_key(&number) {
            return Err(ConfigError::Full);
        }
        Ok(tables.entry(number).or_default())
    }

    /// Removes from every table what does not pass.
    pub(super) fn keep_routes(&mut self, keep: impl Fn(&Route) -> bool) {
        self.routes.retain(&keep);
        for table in self.policy.iter_mut().flat_map(|p| p.tables.values_mut()) {
            table.retain(&keep);
        }
    }

    /// Removes the first route of a table for which `wanted` says so.
    ///
    /// # Errors
    /// `NoSuchTable`, `NoSuchRoute`.
    pub fn remove_route_of(
        &mut self,
        table: u32,
        wanted: impl Fn(&Route) -> bool,
        cx: &mut Cx<'_>,
    ) -> Result<(), ConfigError> {
        let routes = self.table_mut(table).ok_or(ConfigError::NoSuchTable)?;
        let gone = routes.remove(wanted).ok_or(ConfigError::NoSuchRoute)?;
        let route = self.in_table(self.route_text(&gone), table);
        cx.log.note(Step::Config(Box::new(ConfigChange::RouteRemoved { route })));
        Ok(())
    }

    /// The text of a route with its table, where that is not main.
    pub(super) fn in_table(&self, text: String, table: u32) -> String {
        if table == TABLE_MAIN { text } else { format!("{text} table {table}") }
    }

    /// Where a gateway is looked for (fib_check_nh): in the route's own table, then where a packet would.
    pub(super) fn gateway_route(&self, via: Ipv4Addr, dev: Option<IfIndex>, table: u32) -> Option<&Route> {
        let own = if table == TABLE_MAIN { None } else { self.table(table) };
        own.and_then(|t| t.lookup(via, dev)).or_else(|| match &self.policy {
            Some(policy) => self.ruled(policy, &RouteKey::to(via, dev)).ok().map(|(r, _)| r),
            None => self.routes.lookup(via, dev),
        })
    }
}

impl std::fmt::Display for RoutingRule {
    /// As `ip rule` prints it behind its place.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let net = |n: Ipv4Net| if n.prefix_len() == 32 { n.addr().to_string() } else { n.to_string() };
        if self.not {
            f.write_str("not ")?;
        }
        match self.from.prefix_len() {
            0 => f.write_str("from all")?,
            _ => write!(f, "from {}", net(self.from))?,
        }
        if self.to.prefix_len() > 0 {
            write!(f, " to {}", net(self.to))?;
        }
        match self.mark {
            Some((value, u32::MAX)) => write!(f, " fwmark {value:#x}")?,
            Some((value, mask)) => write!(f, " fwmark {value:#x}/{mask:#x}")?,
            None => {}
        }
        for (word, dev) in [("iif", self.iif), ("oif", self.oif)] {
            if let Some(dev) = dev {
                write!(f, " {word} {dev}")?;
            }
        }
        match self.action {
            RuleAction::Lookup(table) => write!(f, " lookup {}", table_name(table)),
            RuleAction::Prohibit => f.write_str(" prohibit"),
            RuleAction::Unreachable => f.write_str(" unreachable"),
            RuleAction::Blackhole => f.write_str(" blackhole"),
        }
    }
}

/// A table as iproute2 names it (/usr/share/iproute2/rt_tables).
pub fn table_name(number: u32) -> String {
    match number {
        TABLE_LOCAL => "local".into(),
        TABLE_MAIN => "main".into(),
        TABLE_DEFAULT => "default".into(),
        0 => "unspec".into(),
        n => n.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Among, DeviceKind, Errno, NsId, PacketIds, Scope, StepLog};
    use super::*;
    use crate::rng::Rng;
    use crate::time::Instant;
    use crate::wire::Mac;
    use proptest::prelude::*;

    fn with<R>(ns: &mut NetNs, f: impl FnOnce(&mut NetNs, &mut Cx<'_>) -> R) -> R {
        let (mut log, mut out, mut ids) = (StepLog::default(), Vec::new(), PacketIds::default());
        let mut cx = Cx { now: Instant::ZERO, log: &mut log, out: &mut out, ids: &mut ids };
        f(ns, &mut cx)
    }

    fn route(prefix: &str, via: Option<&str>, dev: Option<IfIndex>) -> Route {
        Route {
            prefix: prefix.parse().unwrap(),
            kind: RouteKind::Unicast,
            via: via.map(|v| v.parse().unwrap()),
            dev,
            src: None,
            scope: Scope::Global,
            kernel: false,
            metric: 0,
        }
    }

    /// eth0 is 10.0.0.1/24 with the default route, eth1 10.0.1.1/24.
    fn host() -> (NetNs, [IfIndex; 2]) {
        let mut ns = NetNs::new(NsId(0), Rng::new(1));
        let devs = [0u8, 1].map(|n| {
            with(&mut ns, |ns, cx| {
                let name = format!("eth{n}").parse().unwrap();
                let dev = ns.add_device(name, Mac([2, 0, 0, 0, 0, n]), DeviceKind::Ethernet, cx).unwrap();
                ns.set_carrier(dev, true, cx);
                ns.set_up(dev, true, cx).unwrap();
                ns.add_addr(dev, format!("10.0.{n}.1/24").parse().unwrap(), cx).unwrap();
                dev
            })
        });
        let default = route("0.0.0.0/0", Some("10.0.0.254"), None);
        with(&mut ns, |ns, cx| ns.add_route(default, cx)).unwrap();
        (ns, devs)
    }

    fn rule(action: RuleAction) -> RoutingRule {
        RoutingRule::new(0, action)
    }

    #[test]
    fn the_first_rule_that_fits_and_whose_table_has_a_route_decides() {
        let (mut ns, [eth0, eth1]) = host();
        let other = route("0.0.0.0/0", Some("10.0.1.254"), None);
        with(&mut ns, |ns, cx| {
            ns.add_route_to(100, other, Among::New, cx).unwrap();
            let mut add = |rule: RoutingRule, pref| ns.add_rule(rule, pref, cx).unwrap();
            add(RoutingRule { from: "10.0.1.0/24".parse().unwrap(), ..rule(RuleAction::Lookup(100)) }, None);
            add(RoutingRule { mark: Some((7, u32::MAX)), ..rule(RuleAction::Lookup(7)) }, None);
            add(RoutingRule { to: "9.9.9.9/32".parse().unwrap(), ..rule(RuleAction::Prohibit) }, Some(5));
            add(RoutingRule { iif: Some("eth1".parse().unwrap()), ..rule(RuleAction::Blackhole) }, Some(6));
        });
        let from = |src: &str, dst: &str| RouteKey::from_to(src.parse().unwrap(), dst.parse().unwrap(), None);
        let cases = [
            (from("10.0.0.1", "8.8.8.8"), Ok((eth0, TABLE_MAIN))),
            (from("10.0.1.1", "8.8.8.8"), Ok((eth1, 100))),
            // what is known better in main counts for nothing where table 100 has a route
            (from("10.0.1.1", "10.0.0.9"), Ok((eth1, 100))),
            // a table that is not there has no route
            (RouteKey { mark: 7, ..from("10.0.0.1", "8.8.8.8") }, Ok((eth0, TABLE_MAIN))),
            (from("10.0.1.1", "9.9.9.9"), Err(Errno::Access)),
            (RouteKey { iif: Some(eth1), ..from("1.1.1.1", "8.8.8.8") }, Err(Errno::Invalid)),
            (RouteKey { iif: Some(eth0), ..from("1.1.1.1", "8.8.8.8") }, Ok((eth0, TABLE_MAIN))),
        ];
        for (key, expected) in cases {
            let found = ns.route_for(&key).map(|(r, table)| (r.dev.unwrap(), table));
            assert_eq!(found, expected, "{key:?}");
        }
        let places: Vec<u32> = ns.rules().iter().map(|r| r.pref).collect();
        assert_eq!(places, [0, 5, 6, 32764, 32765, 32766, 32767]);
    }

    #[test]
    fn rules_are_told_apart_by_what_they_say() {
        let (mut ns, _) = host();
        let from = |net: &str| RoutingRule { from: net.parse().unwrap(), ..rule(RuleAction::Prohibit) };
        let gone = |from: &str| RulePattern { from: Some(from.parse().unwrap()), ..RulePattern::default() };
        with(&mut ns, |ns, cx| {
            ns.add_rule(from("10.0.0.0/24"), None, cx).unwrap();
            assert_eq!(ns.add_rule(from("10.0.0.0/24"), None, cx), Err(ConfigError::Exists));
            ns.add_rule(from("10.0.0.0/24"), Some(9), cx).unwrap();
            assert_eq!(ns.remove_rule(&gone("10.0.0.0/25"), cx), Err(ConfigError::NoSuchRule));
            ns.remove_rule(&gone("10.0.0.0/24"), cx).unwrap();
            assert_eq!(ns.rules()[1].pref, 32765, "the first goes");
            ns.remove_rule(&gone("10.0.0.0/24"), cx).unwrap();
            assert!(ns.policy.is_none(), "and nothing is left of it");
            let local = RulePattern { pref: Some(0), ..RulePattern::default() };
            assert_eq!(ns.remove_rule(&local, cx), Err(ConfigError::NotSupported));
        });
    }

    #[test]
    fn a_device_that_goes_down_takes_its_routes_out_of_every_table() {
        let (mut ns, [_, eth1]) = host();
        with(&mut ns, |ns, cx| {
            ns.add_route_to(7, route("9.0.0.0/8", Some("10.0.1.9"), None), Among::New, cx).unwrap();
            ns.set_up(eth1, false, cx).unwrap();
        });
        assert_eq!(ns.routes_of(7), Some(vec![]));
        assert_eq!(ns.routes_of(8), None);
    }

    proptest! {
        /// With the kernel's own rules written out, and an empty table before them, every way is as it
        /// was without any.
        #[test]
        fn rules_that_change_nothing_change_nothing(
            src: u32, dst in prop_oneof![any::<u32>(), 0x0a00_0000u32..0x0a00_0300], mark: u32, bound: bool,
        ) {
            let (plain, [eth0, _]) = host();
            let mut ruled = plain.clone();
            with(&mut ruled, |ns, cx| ns.add_rule(rule(RuleAction::Lookup(9)), None, cx)).unwrap();
            let oif = bound.then_some(eth0);
            let key = RouteKey { src: src.into(), dst: dst.into(), iif: None, oif, mark };
            prop_assert_eq!(plain.route_for(&key), ruled.route_for(&key));
            let told = |ns: &NetNs| format!("{:?}", ns.resolve_flow(&key));
            prop_assert_eq!(told(&plain), told(&ruled));
        }
    }
}
