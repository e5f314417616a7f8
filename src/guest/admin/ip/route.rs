//! `ip route`.

use super::{
    Fail, Flags, address, device, garbage, incomplete, name_of, prefix, refused, shown_device, verb,
};
use crate::guest::Sys;
use crate::stack::{ConfigError, Route, RouteKind, Scope};
use crate::wire::{IfIndex, Ipv4Net};
use std::net::Ipv4Addr;

pub(super) fn run(flags: Flags, args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    let verbs = ["show", "add", "append", "change", "replace", "delete", "get", "flush"];
    let (verb, args) = verb(args, &verbs, "route")?;
    match verb {
        "add" | "append" | "replace" | "change" => add(verb, &args, sys),
        "delete" => delete(&args, sys),
        "get" => get(&args, sys),
        "flush" => flush(&args, sys),
        _ => show(flags, &args, sys),
    }
}

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

fn show(flags: Flags, args: &[&str], sys: &Sys<'_>) -> Result<String, Fail> {
    let (mut dev, mut to): (Option<IfIndex>, Option<Ipv4Net>) = (None, None);
    let mut words = args.iter().copied();
    while let Some(word) = words.next() {
        match word {
            "dev" => dev = Some(shown_device(sys, words.next().ok_or_else(incomplete)?)?),
            // There is one table.
            "table" => {
                let table = words.next().ok_or_else(incomplete)?;
                if !matches!(table, "main" | "all" | "254") {
                    return Ok(String::new());
                }
            }
            "to" | "exact" | "root" | "match" => {}
            "default" => to = Some(Ipv4Net::default()),
            word => to = Some(prefix(word, "inet prefix")?),
        }
    }
    if flags.v6 {
        return Ok(String::new());
    }
    let routes = sys.ns.routes();
    let wanted =
        routes.iter().filter(|r| dev.is_none_or(|d| r.dev == Some(d)) && to.is_none_or(|t| r.prefix == t));
    Ok(wanted
        .map(|r| {
            let text = line(r, sys);
            // What was asked for is not repeated.
            match dev {
                Some(d) => text.replacen(&format!("dev {} ", name_of(sys, d)), "", 1) + "\n",
                None => text + "\n",
            }
        })
        .collect())
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
            "via" => route.via = Some(address(value()?)?),
            "dev" => route.dev = Some(device(sys, value()?)?.index),
            "src" => route.src = Some(address(value()?)?),
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
            word if to.is_none() => to = Some(prefix(word, "inet prefix")?),
            word => return Err(garbage("to", word)),
        }
    }
    if route.via.is_some() || route.kind != RouteKind::Unicast {
        route.scope = Scope::Global;
    }
    let prefix = to.ok_or_else(incomplete)?;
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
        let old = sys.ns.remove_route(route.prefix, None, None, &mut sys.cx);
        if verb == "change" {
            old.map_err(|e| refused(&e))?;
        }
    }
    sys.ns.add_route(route, &mut sys.cx).map_err(|e| match e {
        ConfigError::Unreachable => ("Error: Nexthop has invalid gateway.\n".to_owned(), 2),
        e => refused(&e),
    })?;
    Ok(String::new())
}

fn delete(args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    let route = described(args, sys)?;
    sys.ns.remove_route(route.prefix, route.via, route.dev, &mut sys.cx).map_err(|e| refused(&e))?;
    Ok(String::new())
}

fn flush(args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    let routes: Vec<Route> = match args {
        [] => return Err(("\"ip route flush\" requires arguments.\n".into(), 255)),
        ["cache", ..] => {
            sys.ns.forget_path_mtus();
            return Ok(String::new());
        }
        ["table", "main", ..] | ["all", ..] => sys.ns.routes().into_iter().cloned().collect(),
        ["dev", name, ..] => {
            let dev = shown_device(sys, name)?;
            sys.ns.routes().into_iter().filter(|r| r.dev == Some(dev)).cloned().collect()
        }
        _ => {
            let wanted = described(args, sys)?.prefix;
            sys.ns.routes().into_iter().filter(|r| r.prefix == wanted).cloned().collect()
        }
    };
    for r in routes {
        sys.ns.remove_route(r.prefix, r.via, r.dev, &mut sys.cx).map_err(|e| refused(&e))?;
    }
    Ok(String::new())
}

fn get(args: &[&str], sys: &Sys<'_>) -> Result<String, Fail> {
    let word = args
        .iter()
        .find(|a| **a != "to")
        .ok_or_else(|| ("need at least a destination address\n".to_owned(), 255))?;
    let dst: Ipv4Addr = prefix(word, "inet prefix")?.addr();
    if sys.ns.is_local(dst) {
        let src = if dst.is_loopback() { Ipv4Addr::LOCALHOST } else { dst };
        return Ok(format!("local {dst} dev lo src {src} uid 0 \n    cache <local> \n"));
    }
    match sys.ns.route_to(dst) {
        None => Err(("RTNETLINK answers: Network is unreachable\n".into(), 2)),
        Some((r, src)) => match r.kind {
            RouteKind::Unreachable => Err(("RTNETLINK answers: No route to host\n".into(), 2)),
            RouteKind::Blackhole => Err(("RTNETLINK answers: Invalid argument\n".into(), 2)),
            RouteKind::Prohibit => Err(("RTNETLINK answers: Permission denied\n".into(), 2)),
            RouteKind::Unicast => {
                let via = r.via.map(|v| format!("via {v} ")).unwrap_or_default();
                let dev = r.dev.map(|d| format!("dev {} ", name_of(sys, d))).unwrap_or_default();
                Ok(format!("{dst} {via}{dev}src {src} uid 0 \n    cache \n"))
            }
        },
    }
}
