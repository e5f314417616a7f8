//! `ip route`.

use super::{Fail, Flags, address, device, garbage, incomplete, name_of, prefix, refused, verb};
use crate::guest::Sys;
use crate::stack::{ConfigError, Route, RouteKind, Scope};
use crate::wire::{IfIndex, Ipv4Net};
use std::net::Ipv4Addr;

pub(super) fn run(flags: Flags, args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    let verbs = ["show", "add", "append", "change", "replace", "delete", "get", "flush"];
    if args.first() == Some(&"help") {
        return Err((USAGE.to_owned(), 255));
    }
    let (verb, args) = verb(args, &verbs, "route")?;
    match verb {
        "add" | "append" | "replace" | "change" => add(verb, &args, sys),
        "delete" => delete(&args, sys),
        "get" => get(flags, &args, sys),
        "flush" => flush(&args, sys),
        _ => show(flags, &args, sys),
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
const ANY: &str = "any valid prefix";

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

/// A route as `ip route` prints it, with the blank at its end.
fn line(r: &Route, sys: &Sys<'_>) -> String {
    let mut out = format!("{}{} ", kind_name(r.kind), destination(r.prefix));
    if let Some(via) = r.via {
        out += &format!("via {via} ");
    }
    if let Some(dev) = r.dev {
        out += &format!("dev {} ", name_of(sys, dev));
    }
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
    /// `table local`.
    local: bool,
    /// Nothing fits: another table, another kind.
    nothing: bool,
}

impl Filter {
    fn of(args: &[&str], sys: &Sys<'_>) -> Result<Self, Fail> {
        let mut filter = Self::default();
        let mut words = args.iter().copied();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(incomplete);
            let mut compare = Compare::Exact;
            match word {
                "dev" | "oif" | "iif" => filter.dev = Some(device(sys, value()?)?.index),
                "table" => match value()? {
                    "main" | "all" | "254" => {}
                    "local" | "255" => filter.local = true,
                    "default" | "253" => filter.nothing = true,
                    number if number.parse::<u32>().is_ok() => {
                        return Err(("Error: ipv4: FIB table does not exist.\nDump terminated\n".into(), 2));
                    }
                    other => {
                        return Err((
                            format!("Error: argument \"{other}\" is wrong: table id value is invalid\n\n"),
                            255,
                        ));
                    }
                },
                "cache" => filter.nothing = true,
                "via" => filter.via = Some(address(value()?, "inet address")?),
                "proto" | "protocol" => match value()? {
                    "kernel" => filter.kernel = Some(true),
                    "boot" => filter.kernel = Some(false),
                    _ => filter.nothing = true,
                },
                "scope" => match value()? {
                    "link" => filter.scope = Some(Scope::Link),
                    "global" | "universe" => filter.scope = Some(Scope::Global),
                    _ => filter.nothing = true,
                },
                "type" => match value()? {
                    "unicast" => filter.kind = Some(RouteKind::Unicast),
                    "blackhole" => filter.kind = Some(RouteKind::Blackhole),
                    "unreachable" => filter.kind = Some(RouteKind::Unreachable),
                    "prohibit" => filter.kind = Some(RouteKind::Prohibit),
                    _ => filter.nothing = true,
                },
                "metric" => filter.metric = value()?.parse().ok(),
                word => {
                    let mut word = word;
                    if matches!(word, "root" | "match" | "exact") {
                        compare = match word {
                            "root" => Compare::Root,
                            "match" => Compare::Match,
                            _ => Compare::Exact,
                        };
                        word = value()?;
                    } else if word == "to" {
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
            && self.to.is_none_or(|(compare, to)| match compare {
                Compare::Exact => r.prefix == to,
                Compare::Root => to.prefix_len() <= r.prefix.prefix_len() && to.contains(&r.prefix.addr()),
                Compare::Match => r.prefix.prefix_len() <= to.prefix_len() && r.prefix.contains(&to.addr()),
            })
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

fn show(flags: Flags, args: &[&str], sys: &Sys<'_>) -> Result<String, Fail> {
    let filter = Filter::of(args, sys)?;
    if flags.v6 {
        return Ok(String::new());
    }
    if filter.local {
        return Ok(local_table(&filter, sys));
    }
    let wanted = sys.ns.routes().into_iter().filter(|r| filter.fits(r));
    Ok(wanted.map(|r| filter.trim(&line(r, sys), sys) + "\n").collect())
}

/// The table of this namespace's own addresses (fib_add_ifaddr).
fn local_table(filter: &Filter, sys: &Sys<'_>) -> String {
    let mut lines: Vec<(Ipv4Net, u8, String)> = Vec::new();
    for d in sys.ns.devices().filter(|d| d.up && filter.dev.is_none_or(|w| w == d.index)) {
        for net in &d.addrs {
            let first = d.addrs.iter().find(|a| a.trunc() == net.trunc()).unwrap_or(net).addr();
            let dev = if filter.dev.is_some() { String::new() } else { format!("dev {} ", d.name) };
            let local = |what: &str| format!("local {what} {dev}proto kernel scope host src {first} \n");
            lines.push((net.addr().into(), 0, local(&net.addr().to_string())));
            if net.addr().is_loopback() {
                lines.push((net.trunc(), 1, local(&net.trunc().to_string())));
            }
            if net.prefix_len() < 31 {
                let broadcast = net.broadcast();
                let text = format!("broadcast {broadcast} {dev}proto kernel scope link src {first} \n");
                lines.push((broadcast.into(), 0, text));
            }
        }
    }
    lines.sort_by_key(|(net, ..)| (net.addr(), net.prefix_len()));
    lines.dedup();
    lines.into_iter().map(|(.., text)| text).collect()
}

/// The route that the words describe.
fn described(args: &[&str], sys: &Sys<'_>) -> Result<Route, Fail> {
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
            "metric" | "preference" => {
                let text = value()?;
                let bad = |_| {
                    (format!("Error: argument \"{text}\" is wrong: \"metric\" value is invalid\n\n"), 255)
                };
                route.metric = text.parse().map_err(bad)?;
            }
            "scope" => {
                let text = value()?;
                route.scope = if text == "link" { Scope::Link } else { Scope::Global };
            }
            "proto" | "protocol" | "table" | "mtu" => {
                value()?;
            }
            "onlink" | "to" => {}
            "default" | "any" if to.is_none() => to = Some(Ipv4Net::default()),
            word if to.is_none() => to = Some(prefix(word, ANY)?),
            word => return Err(garbage("to", word)),
        }
    }
    if route.via.is_some() || route.kind != RouteKind::Unicast {
        route.scope = Scope::Global;
    }
    let prefix = to.ok_or_else(|| (USAGE.to_owned(), 255))?;
    if prefix != prefix.trunc() {
        // The kernel wants the host bits to be 0 (fib_frontend.c).
        return Err(("Error: Invalid prefix for given prefix length.\n".into(), 2));
    }
    route.prefix = prefix;
    Ok(route)
}

fn add(verb: &str, args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    let route = described(args, sys)?;
    if route.kind == RouteKind::Unicast && route.via.is_none() && route.dev.is_none() {
        return Err(("RTNETLINK answers: No such device\n".into(), 2));
    }
    if verb == "replace" || verb == "change" {
        let old = sys.ns.remove_route_with(route.prefix, None, None, Some(route.metric), &mut sys.cx);
        if verb == "change" {
            old.map_err(|_| ("RTNETLINK answers: No such file or directory\n".to_owned(), 2))?;
        }
    }
    sys.ns.add_route(route.clone(), &mut sys.cx).map_err(|e| match e {
        ConfigError::Invalid if route.src.is_some() => ("Error: Invalid prefsrc address.\n".to_owned(), 2),
        ConfigError::Unreachable => ("Error: Nexthop has invalid gateway.\n".to_owned(), 2),
        e => refused(&e),
    })?;
    Ok(String::new())
}

fn delete(args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    let route = described(args, sys)?;
    let metric = Some(route.metric).filter(|m| *m > 0);
    sys.ns
        .remove_route_with(route.prefix, route.via, route.dev, metric, &mut sys.cx)
        .map_err(|e| refused(&e))?;
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
    let routes: Vec<Route> = sys.ns.routes().into_iter().filter(|r| filter.fits(r)).cloned().collect();
    for r in routes {
        sys.ns
            .remove_route_with(r.prefix, r.via, r.dev, Some(r.metric), &mut sys.cx)
            .map_err(|e| refused(&e))?;
    }
    Ok(String::new())
}

fn get(flags: Flags, args: &[&str], sys: &Sys<'_>) -> Result<String, Fail> {
    let (mut to, mut from, mut mark) = (None, None, None);
    let mut oif: Option<IfIndex> = None;
    let mut words = args.iter().copied();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(incomplete);
        match word {
            "to" => to = Some(prefix(value()?, ANY)?),
            "from" => from = Some(prefix(value()?, ANY)?.addr()),
            "oif" | "dev" => oif = Some(device(sys, value()?)?.index),
            "mark" => mark = Some(value()?),
            "iif" | "tos" | "dsfield" | "uid" | "ipproto" | "sport" | "dport" => {
                value()?;
            }
            "fibmatch" | "connected" | "notify" => {}
            // The first has told the family.
            word => to = Some(prefix(word, if to.is_some() { "inet prefix" } else { ANY })?),
        }
    }
    let dst = to.ok_or_else(|| ("need at least a destination address\n".to_owned(), 1))?.addr();
    let answer = |code: &str| Err((format!("RTNETLINK answers: {code}\n"), 2));
    if from.is_some_and(|f| !sys.ns.is_local(f)) {
        return answer("Network is unreachable");
    }
    let mark = mark.map(|m| format!("mark {m} ")).unwrap_or_default();
    let end = if flags.line { "\\" } else { "\n" };
    let told = |kind: &str, way: &str, src: Ipv4Addr, cache: &str| {
        // The source that was given is not told again.
        let (from, src) = match from {
            Some(f) => (format!("from {f} "), String::new()),
            None => (String::new(), format!("src {src} ")),
        };
        Ok(format!("{kind}{dst} {from}{way}{src}{mark}uid 0 {end}    cache {cache}\n"))
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
    match sys.ns.route_to(dst) {
        Some((r, src)) if oif.is_none_or(|o| r.dev == Some(o)) => match r.kind {
            kind if kind != RouteKind::Unicast => answer("Network is unreachable"),
            _ => {
                let via = r.via.map(|v| format!("via {v} ")).unwrap_or_default();
                let dev = r.dev.map(|d| format!("dev {} ", name_of(sys, d))).unwrap_or_default();
                let kind = if dst.is_broadcast() { "broadcast " } else { "" };
                let via = if dst.is_broadcast() { "" } else { &via };
                told(kind, &format!("{via}{dev}"), src, if kind.is_empty() { "" } else { "<local,brd> " })
            }
        },
        // Those that lead nowhere need no source address.
        _ => match sys
            .ns
            .routes()
            .into_iter()
            .filter(|r| r.prefix.contains(&dst))
            .map(|r| (r.prefix.prefix_len(), r.kind))
            .max_by_key(|(len, _)| *len)
        {
            Some((_, RouteKind::Unreachable)) => answer("No route to host"),
            Some((_, RouteKind::Blackhole)) => answer("Invalid argument"),
            Some((_, RouteKind::Prohibit)) => answer("Permission denied"),
            _ => answer("Network is unreachable"),
        },
    }
}
