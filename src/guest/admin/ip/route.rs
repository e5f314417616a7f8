//! `ip route`.

use super::{Fail, Flags, address, device, garbage, incomplete, name_of, prefix, refused, verb};
use crate::guest::Sys;
use crate::stack::{
    Among, ConfigError, Errno, Route, RouteKey, RouteKind, Scope, TABLE_DEFAULT, TABLE_LOCAL, TABLE_MAIN,
    table_name,
};
use crate::wire::{IfIndex, Ipv4Net};
use std::net::Ipv4Addr;

pub(super) fn run(flags: Flags, args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    let verbs = ["show", "add", "append", "change", "replace", "delete", "get", "flush", "prepend", "test"];
    if args.first() == Some(&"help") {
        return Err((USAGE.to_owned(), 255));
    }
    let (verb, args) = verb(args, &verbs, "route")?;
    if flags.v6 {
        // Nobody handles the messages of this family (rtnetlink_rcv_msg); a dump has nothing of it.
        return match verb {
            "show" | "flush" => Ok(String::new()),
            _ => Err(("RTNETLINK answers: Operation not supported\n".into(), 2)),
        };
    }
    match verb {
        "add" | "append" | "replace" | "change" | "prepend" => add(verb, &args, sys),
        "test" => Err(("netpier does not have ip route test\n".into(), 1)),
        "delete" => delete(&args, sys),
        "get" => get(flags, &args, sys),
        "flush" => flush(&args, sys),
        _ => show(&args, sys),
    }
}

const USAGE: &str = "Usage: ip route { list | flush } SELECTOR\n       \
    ip route get [ to ] ADDRESS [ from ADDRESS ] [ oif STRING ] [ mark NUMBER ]\n       \
    ip route { add | del | change | append | replace } ROUTE\n\
SELECTOR := [ root PREFIX ] [ match PREFIX ] [ exact PREFIX ] [ table TABLE_ID ]\n            \
    [ dev STRING ] [ via ADDRESS ] [ proto RTPROTO ] [ type TYPE ] [ scope SCOPE ] [ metric NUMBER ]\n\
ROUTE := [ TYPE ] PREFIX [ via ADDRESS ] [ dev STRING ] [ src ADDRESS ] [ metric NUMBER ]\n\
TYPE := { unicast | blackhole | unreachable | prohibit }\n";

/// What iproute2 expects where no family is given.
pub(super) const ANY: &str = "any valid prefix";

fn kind_name(kind: RouteKind) -> &'static str {
    match kind {
        RouteKind::Unicast => "",
        RouteKind::Unreachable => "unreachable ",
        RouteKind::Blackhole => "blackhole ",
        RouteKind::Prohibit => "prohibit ",
    }
}

/// `default`, an address, or a prefix.
fn destination(prefix: Ipv4Net) -> String {
    match prefix.prefix_len() {
        0 => "default".to_owned(),
        32 => prefix.addr().to_string(),
        _ => prefix.to_string(),
    }
}

/// A route as `ip route` prints it, with the blank at its end. `table` names its table, if it is to be told.
fn line(r: &Route, table: &str, sys: &Sys<'_>) -> String {
    let mut out = format!("{}{} ", kind_name(r.kind), destination(r.prefix));
    if let Some(via) = r.via {
        out += &format!("via {via} ");
    }
    if let Some(dev) = r.dev {
        out += &format!("dev {} ", name_of(sys, dev));
    }
    out += table;
    if r.kernel {
        out += "proto kernel ";
    }
    if r.scope == Scope::Link && r.kind == RouteKind::Unicast {
        out += "scope link ";
    }
    if let Some(src) = r.src {
        out += &format!("src {src} ");
    }
    if r.metric > 0 {
        out += &format!("metric {} ", r.metric);
    }
    let carrier = r.dev.and_then(|d| sys.ns.device(d)).is_none_or(|d| d.carrier);
    if !carrier {
        out += "linkdown ";
    }
    out
}

/// How prefixes are compared: `root`, `match`, `exact`, or none of these words.
#[derive(Clone, Copy, PartialEq)]
enum Compare {
    Exact,
    /// Those inside it.
    Root,
    /// Those it is inside of.
    Match,
}

fn compared((compare, to): (Compare, Ipv4Net), prefix: Ipv4Net) -> bool {
    match compare {
        Compare::Exact => prefix == to,
        Compare::Root => to.prefix_len() <= prefix.prefix_len() && to.contains(&prefix.addr()),
        Compare::Match => prefix.prefix_len() <= to.prefix_len() && prefix.contains(&to.addr()),
    }
}

/// Which routes are meant.
#[derive(Default)]
struct Filter {
    dev: Option<IfIndex>,
    to: Option<(Compare, Ipv4Net)>,
    via: Option<Ipv4Addr>,
    kernel: Option<bool>,
    scope: Option<Scope>,
    kind: Option<RouteKind>,
    metric: Option<u32>,
    /// Which table; None: all of them.
    table: Option<u32>,
    /// `cloned` or `cached`: what Linux had before 3.6, and what is learned of path MTUs.
    cached: bool,
    /// Nothing fits: another kind.
    nothing: bool,
}

impl Filter {
    fn of(args: &[&str], sys: &Sys<'_>) -> Result<Self, Fail> {
        let mut filter = Self { table: Some(TABLE_MAIN), ..Self::default() };
        let mut words = args.iter().copied();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(incomplete);
            let mut compare = Compare::Exact;
            match word {
                "dev" | "oif" | "iif" => filter.dev = Some(device(sys, value()?)?.index),
                "table" => {
                    let text = value()?;
                    match text {
                        "all" => filter.table = None,
                        "cache" => filter.cached = true,
                        _ => filter.table = Some(table(text)?),
                    }
                }
                "cache" | "cached" | "cloned" => filter.cached = true,
                "via" => filter.via = Some(address(value()?, "inet address")?),
                "proto" | "protocol" => match value()? {
                    "kernel" => filter.kernel = Some(true),
                    "boot" => filter.kernel = Some(false),
                    _ => filter.nothing = true,
                },
                "scope" => match value()? {
                    "all" => filter.scope = None,
                    text => match scope_number(text) {
                        Some(0) => filter.scope = Some(Scope::Global),
                        Some(SCOPE_LINK) => filter.scope = Some(Scope::Link),
                        Some(_) => filter.nothing = true,
                        None => return Err(wrong(text, "invalid \"scope\"")),
                    },
                },
                "type" => match value()? {
                    "unicast" => filter.kind = Some(RouteKind::Unicast),
                    "blackhole" => filter.kind = Some(RouteKind::Blackhole),
                    "unreachable" => filter.kind = Some(RouteKind::Unreachable),
                    "prohibit" => filter.kind = Some(RouteKind::Prohibit),
                    _ => filter.nothing = true,
                },
                "metric" | "priority" | "preference" => filter.metric = Some(metric(value()?)?),
                word => {
                    let mut word = word;
                    if word == "to" {
                        word = value()?;
                    }
                    if matches!(word, "root" | "match" | "exact") {
                        compare = match word {
                            "root" => Compare::Root,
                            "match" => Compare::Match,
                            _ => Compare::Exact,
                        };
                        word = value()?;
                    }
                    let to = if word == "default" { Ipv4Net::default() } else { prefix(word, ANY)? };
                    filter.to = Some((compare, to));
                }
            }
        }
        Ok(filter)
    }

    fn fits(&self, r: &Route) -> bool {
        !self.nothing
            && self.dev.is_none_or(|d| r.dev == Some(d))
            && self.via.is_none_or(|v| r.via == Some(v))
            && self.kernel.is_none_or(|k| r.kernel == k)
            && self.scope.is_none_or(|s| r.scope == s)
            && self.kind.is_none_or(|k| r.kind == k)
            && self.metric.is_none_or(|m| r.metric == m)
            && self.to.is_none_or(|to| compared(to, r.prefix))
    }

    /// What was asked for is not repeated.
    fn trim(&self, text: &str, sys: &Sys<'_>) -> String {
        let mut text = text.to_owned();
        let mut cut = |asked: bool, word: String| {
            if asked {
                text = text.replacen(&word, "", 1);
            }
        };
        cut(self.dev.is_some(), self.dev.map_or_else(String::new, |d| format!("dev {} ", name_of(sys, d))));
        cut(self.via.is_some(), self.via.map_or_else(String::new, |v| format!("via {v} ")));
        cut(self.kernel == Some(true), "proto kernel ".into());
        cut(self.scope == Some(Scope::Link), "scope link ".into());
        cut(self.metric.is_some(), self.metric.map_or_else(String::new, |m| format!("metric {m} ")));
        text
    }
}

/// What iproute2 says of a word that it cannot use (invarg).
fn wrong(word: &str, why: &str) -> Fail {
    (format!("Error: argument \"{word}\" is wrong: {why}\n\n"), 255)
}

fn metric(text: &str) -> Result<u32, Fail> {
    super::number(text).ok_or_else(|| wrong(text, "\"metric\" value is invalid"))
}

/// RT_SCOPE_LINK.
const SCOPE_LINK: u32 = 253;

/// As /usr/share/iproute2/rt_scopes names them.
fn scope_number(text: &str) -> Option<u32> {
    match text {
        "global" => Some(0),
        "site" => Some(200),
        "link" => Some(SCOPE_LINK),
        "host" => Some(254),
        "nowhere" => Some(255),
        number => super::number(number).filter(|n| *n <= 255),
    }
}

/// The number of a table, by its name or number.
pub(super) fn table(text: &str) -> Result<u32, Fail> {
    let wrong = || (format!("Error: argument \"{text}\" is wrong: table id value is invalid\n\n"), 255);
    table_number(text).ok_or_else(wrong)
}

/// As /usr/share/iproute2/rt_tables names them.
pub(super) fn table_number(text: &str) -> Option<u32> {
    match text {
        "local" => Some(TABLE_LOCAL),
        "main" => Some(TABLE_MAIN),
        "default" => Some(TABLE_DEFAULT),
        "unspec" => Some(0),
        number => super::number(number),
    }
}

/// The routes of one table that fit; `end`: what a listing ends with where there is no such table.
fn listed<'a>(filter: &Filter, table: u32, sys: &'a Sys<'_>, end: &str) -> Result<Vec<&'a Route>, Fail> {
    match sys.ns.routes_of(table) {
        Some(routes) => Ok(routes.into_iter().filter(|r| filter.fits(r)).collect()),
        // The kernel makes this one with its first rule.
        None if table == TABLE_DEFAULT => Ok(Vec::new()),
        None => Err((format!("Error: ipv4: FIB table does not exist.\n{end} terminated\n"), 2)),
    }
}

fn show(args: &[&str], sys: &Sys<'_>) -> Result<String, Fail> {
    let filter = Filter::of(args, sys)?;
    if filter.cached {
        return Ok(String::new());
    }
    let text = |table: u32, note: &str| -> Result<String, Fail> {
        let routes = listed(&filter, table, sys, "Dump")?;
        Ok(routes.into_iter().map(|r| filter.trim(&line(r, note, sys), sys) + "\n").collect())
    };
    match filter.table {
        Some(TABLE_LOCAL) => Ok(local_table(&filter, "", sys)),
        Some(table) => text(table, ""),
        None => {
            let mut all = String::new();
            for table in sys.ns.further_tables() {
                all += &text(table, &format!("table {} ", table_name(table)))?;
            }
            Ok(all + &text(TABLE_MAIN, "")? + &local_table(&filter, "table local ", sys))
        }
    }
}

/// The table of this namespace's own addresses (fib_add_ifaddr).
fn local_table(filter: &Filter, note: &str, sys: &Sys<'_>) -> String {
    if filter.nothing || filter.via.is_some() || filter.kernel == Some(false) || filter.metric.is_some() {
        return String::new();
    }
    let fits = |net: &Ipv4Net| filter.to.is_none_or(|to| compared(to, *net));
    let mut lines: Vec<(Ipv4Net, u8, String)> = Vec::new();
    for d in sys.ns.devices().filter(|d| d.up && filter.dev.is_none_or(|w| w == d.index)) {
        for net in &d.addrs {
            let first = d.addrs.iter().find(|a| a.trunc() == net.trunc()).unwrap_or(net).addr();
            let dev = if filter.dev.is_some() { String::new() } else { format!("dev {} ", d.name) };
            let local =
                |what: &str| format!("local {what} {dev}{note}proto kernel scope host src {first} \n");
            lines.push((net.addr().into(), 0, local(&net.addr().to_string())));
            if net.addr().is_loopback() {
                lines.push((net.trunc(), 1, local(&net.trunc().to_string())));
            }
            if net.prefix_len() < 31 {
                let broadcast = net.broadcast();
                let text = format!("broadcast {broadcast} {dev}{note}proto kernel scope link src {first} \n");
                lines.push((broadcast.into(), 0, text));
            }
        }
    }
    lines.sort_by_key(|(net, ..)| (net.addr(), net.prefix_len()));
    lines.dedup();
    lines.retain(|(net, ..)| fits(net));
    lines.into_iter().map(|(.., text)| text).collect()
}

/// What the words say of a route.
struct Said {
    /// The route, with what is usual where nothing was said.
    route: Route,
    table: u32,
    /// The scope, if it was said.
    scope: Option<Scope>,
}

fn described(args: &[&str], sys: &Sys<'_>) -> Result<Said, Fail> {
    let mut into = TABLE_MAIN;
    let mut scope = None;
    let mut route = Route {
        prefix: Ipv4Net::default(),
        kind: RouteKind::Unicast,
        via: None,
        dev: None,
        src: None,
        scope: Scope::Link,
        kernel: false,
        metric: 0,
    };
    let mut to: Option<Ipv4Net> = None;
    let mut words = args.iter().copied();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(incomplete);
        match word {
            "unicast" => {}
            "unreachable" => route.kind = RouteKind::Unreachable,
            "blackhole" => route.kind = RouteKind::Blackhole,
            "prohibit" => route.kind = RouteKind::Prohibit,
            "via" => route.via = Some(address(value()?, "inet address")?),
            "dev" => route.dev = Some(device(sys, value()?)?.index),
            "src" => route.src = Some(address(value()?, "inet address")?),
            "metric" | "priority" | "preference" => route.metric = metric(value()?)?,
            "scope" => {
                let text = value()?;
                scope = match scope_number(text) {
                    Some(0) => Some(Scope::Global),
                    Some(SCOPE_LINK) => Some(Scope::Link),
                    Some(_) => return Err((format!("netpier does not have routes of scope {text}\n"), 1)),
                    None => return Err(wrong(text, "invalid \"scope\" value")),
                };
            }
            "table" => into = table(value()?)?,
            "mtu" => return Err(("netpier does not have the mtu of routes\n".into(), 1)),
            "proto" | "protocol" => {
                value()?;
            }
            "nexthop" | "throw" | "nat" | "multicast" => {
                return Err((format!("netpier does not have {word} routes\n"), 1));
            }
            "onlink" | "to" => {}
            "default" | "any" if to.is_none() => to = Some(Ipv4Net::default()),
            word if to.is_none() => to = Some(prefix(word, ANY)?),
            word => return Err(garbage("to", word)),
        }
    }
    let usual =
        if route.via.is_some() || route.kind != RouteKind::Unicast { Scope::Global } else { Scope::Link };
    route.scope = scope.unwrap_or(usual);
    let prefix = to.ok_or_else(|| (USAGE.to_owned(), 255))?;
    if prefix != prefix.trunc() {
        // The kernel wants the host bits to be 0 (fib_frontend.c).
        return Err(("Error: Invalid prefix for given prefix length.\n".into(), 2));
    }
    route.prefix = prefix;
    Ok(Said { route, table: into, scope })
}

fn add(verb: &str, args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    let Said { route, table, .. } = described(args, sys)?;
    if route.via.is_some() && route.scope == Scope::Link {
        // A gateway has to be nearer than what is behind it (fib_check_nh).
        return Err(refused(&ConfigError::InvalidGateway));
    }
    if route.kind != RouteKind::Unicast && route.scope == Scope::Link {
        let kind = kind_name(route.kind);
        return Err((format!("netpier does not have {kind}routes of scope link\n"), 1));
    }
    if route.kind == RouteKind::Unicast && route.via.is_none() && route.dev.is_none() {
        return Err(("RTNETLINK answers: No such device\n".into(), 2));
    }
    let among = match verb {
        "append" => Among::Last,
        "prepend" => Among::First,
        "replace" => Among::Replacing,
        "change" => Among::Changing,
        _ => Among::New,
    };
    let src = route.src;
    sys.ns.add_route_to(table, route, among, &mut sys.cx).map_err(|e| match e {
        ConfigError::Invalid if src.is_some() => ("Error: Invalid prefsrc address.\n".to_owned(), 2),
        ConfigError::Unreachable => ("Error: Nexthop has invalid gateway.\n".to_owned(), 2),
        e => refused(&e),
    })?;
    Ok(String::new())
}

fn delete(args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    let Said { route, table, scope } = described(args, sys)?;
    // fib_table_delete.
    let wanted = |r: &Route| {
        r.prefix == route.prefix
            && (route.via.is_none() || r.via == route.via)
            && (route.dev.is_none() || r.dev == route.dev)
            && (route.src.is_none() || r.src == route.src)
            && scope.is_none_or(|s| r.scope == s)
            && (route.metric == 0 || r.metric == route.metric)
            && (route.kind == RouteKind::Unicast || r.kind == route.kind)
    };
    sys.ns.remove_route_of(table, wanted, &mut sys.cx).map_err(|e| refused(&e))?;
    Ok(String::new())
}

fn flush(args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    match args {
        [] => return Err(("\"ip route flush\" requires arguments.\n".into(), 255)),
        ["cache", ..] => {
            sys.ns.forget_path_mtus();
            return Ok(String::new());
        }
        _ => {}
    }
    let args = if args == ["all"] { &[] } else { args };
    let filter = Filter::of(args, sys)?;
    if filter.table == Some(TABLE_LOCAL) {
        return Err(("netpier does not flush the table of its own addresses\n".into(), 2));
    }
    let tables = match filter.table {
        Some(table) => vec![table],
        None => std::iter::once(TABLE_MAIN).chain(sys.ns.further_tables()).collect(),
    };
    for table in tables {
        let routes: Vec<Route> = listed(&filter, table, sys, "Flush")?.into_iter().cloned().collect();
        for r in routes {
            sys.ns.remove_route_of(table, |own| *own == r, &mut sys.cx).map_err(|e| refused(&e))?;
        }
    }
    Ok(String::new())
}

/// `ip route get`: the way of a packet that this machine makes, or that comes in (`from … iif …`).
fn get(flags: Flags, args: &[&str], sys: &Sys<'_>) -> Result<String, Fail> {
    let (mut to, mut from, mut mark) = (None, None, None);
    let (mut oif, mut iif): (Option<IfIndex>, Option<IfIndex>) = (None, None);
    let mut words = args.iter().copied();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(incomplete);
        match word {
            "to" => to = Some(prefix(value()?, ANY)?),
            "from" => from = Some(prefix(value()?, ANY)?.addr()),
            "oif" | "dev" => oif = Some(device(sys, value()?)?.index),
            "iif" => iif = Some(device(sys, value()?)?.index),
            "mark" => {
                let text = value()?;
                let bad = || (format!("Error: argument \"{text}\" is wrong: invalid mark\n\n"), 255);
                mark = Some(super::number(text).ok_or_else(bad)?);
            }
            "tos" | "dsfield" | "uid" | "ipproto" | "sport" | "dport" => {
                value()?;
            }
            "fibmatch" | "connected" | "notify" => {}
            // The first has told the family.
            word => to = Some(prefix(word, if to.is_some() { "inet prefix" } else { ANY })?),
        }
    }
    let dst = to.ok_or_else(|| ("need at least a destination address\n".to_owned(), 1))?.addr();
    let answer = |code: &str| Err((format!("RTNETLINK answers: {code}\n"), 2));
    match iif {
        // Who sends it has to be somebody else's address.
        Some(_) if from.is_none_or(|f| sys.ns.is_local(f)) => return answer("Invalid cross-device link"),
        Some(dev) if !sys.ns.forwards(dev) && !sys.ns.is_local(dst) => return answer("No route to host"),
        None if from.is_some_and(|f| !sys.ns.is_local(f)) => return answer("Network is unreachable"),
        _ => {}
    }
    let flow = RouteKey {
        src: from.unwrap_or(Ipv4Addr::UNSPECIFIED),
        dst,
        iif,
        oif,
        mark: mark.unwrap_or_default(),
    };
    let mark =
        mark.map(|m| if m < 16 { format!("mark {m} ") } else { format!("mark {m:#x} ") }).unwrap_or_default();
    let end = if flags.line { "\\" } else { "\n" };
    let told = |kind: &str, way: &str, src: Ipv4Addr, cache: &str| {
        // The source that was given is not told again.
        let (from, src) = match from {
            Some(f) => (format!("from {f} "), String::new()),
            None => (String::new(), format!("src {src} ")),
        };
        let (uid, came) = match iif {
            Some(dev) => ("", format!("iif {} ", name_of(sys, dev))),
            None => ("uid 0 ", String::new()),
        };
        Ok(format!("{kind}{dst} {from}{way}{src}{mark}{uid}{end}    cache {cache}{came}\n"))
    };
    if sys.ns.is_local(dst) {
        let src = if dst.is_loopback() { Ipv4Addr::LOCALHOST } else { dst };
        return told("local ", "dev lo ", src, "<local> ");
    }
    let near = sys.ns.devices().filter(|d| d.up && oif.is_none_or(|o| o == d.index)).find_map(|d| {
        let net = d.addrs.iter().find(|a| a.prefix_len() < 31 && a.broadcast() == dst)?;
        Some((format!("dev {} ", d.name), net.addr()))
    });
    if let Some((way, src)) = near {
        return told("broadcast ", &way, src, "<local,brd> ");
    }
    let (route, table) = match sys.ns.route_for(&flow) {
        Ok(found) => found,
        Err(Errno::HostUnreach) => return answer("No route to host"),
        Err(Errno::Invalid) => return answer("Invalid argument"),
        Err(Errno::Access) => return answer("Permission denied"),
        Err(_) => return answer("Network is unreachable"),
    };
    let via = route.via.map(|v| format!("via {v} ")).unwrap_or_default();
    let dev = route.dev.map(|d| format!("dev {} ", name_of(sys, d))).unwrap_or_default();
    let kept = if table == TABLE_MAIN { String::new() } else { format!("table {} ", table_name(table)) };
    let src = match route.src.or_else(|| sys.ns.source_of(&flow)) {
        Some(src) => src,
        None => return answer("Network is unreachable"),
    };
    if dst.is_broadcast() {
        return told("broadcast ", &dev, src, "<local,brd> ");
    }
    told("", &format!("{via}{dev}{kept}"), src, "")
}
