//! `ip addr`.

use super::link::{header, label, link_line, state};
use super::{Fail, Flags, device, garbage, incomplete, master, prefix, refused, shown_device, verb};
use crate::guest::Sys;
use crate::stack::{ConfigError, Device};
use crate::wire::{IfIndex, Ipv4Net};
use std::fmt::Write as _;

pub(super) fn run(flags: Flags, args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    if args.first() == Some(&"help") {
        return Err((USAGE.to_owned(), 255));
    }
    let found = verb(args, &["show", "add", "change", "replace", "delete", "flush"], "address");
    // `ip addr eth0` is short for `ip addr show eth0`.
    let (verb, args) = match found {
        Err(_) if args.first().is_some_and(|a| *a == "dev" || sys.ns.device_named(a).is_some()) => {
            ("show", args.to_vec())
        }
        other => other?,
    };
    match verb {
        "add" | "change" | "replace" => add(verb, &args, sys),
        "delete" => delete(&args, sys),
        "flush" => flush(&args, sys),
        _ => show(flags, &args, sys),
    }
}

const USAGE: &str = "Usage: ip address {add|change|replace} IFADDR dev IFNAME [ LIFETIME ]\n       \
    ip address del IFADDR dev IFNAME\n       \
    ip address flush [ dev IFNAME ] [ scope SCOPE-ID ] [ to PREFIX ] [ label LABEL ]\n       \
    ip address [ show [ dev IFNAME ] [ scope SCOPE-ID ] [ master DEVICE ]\n                         \
    [ type TYPE ] [ to PREFIX ] [ label LABEL ] [ up ] ]\n\
IFADDR := PREFIX [ broadcast ADDR ]\nSCOPE-ID := [ host | link | global ]\n";

/// Which devices and addresses are meant.
#[derive(Default)]
struct Filter<'a> {
    dev: Option<IfIndex>,
    up: bool,
    to: Option<Ipv4Net>,
    scope: Option<&'a str>,
    label: Option<&'a str>,
    kind: Option<&'a str>,
    master: Option<IfIndex>,
    secondary: Option<bool>,
}

impl<'a> Filter<'a> {
    fn of(args: &[&'a str], sys: &Sys<'_>) -> Result<Self, Fail> {
        let mut filter = Self::default();
        let mut words = args.iter().copied();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(incomplete);
            match word {
                "up" => filter.up = true,
                "to" => filter.to = Some(prefix(value()?, "any valid prefix")?),
                "scope" => {
                    let scope = value()?;
                    if !matches!(scope, "host" | "link" | "global" | "site" | "all" | "nowhere") {
                        return Err((
                            format!("Error: argument \"{scope}\" is wrong: invalid \"scope\"\n\n"),
                            255,
                        ));
                    }
                    filter.scope = Some(scope).filter(|s| *s != "all");
                }
                "label" => filter.label = Some(value()?),
                "type" => filter.kind = Some(value()?),
                "master" => filter.master = Some(master(sys, value()?)?),
                "primary" => filter.secondary = Some(false),
                "secondary" | "temporary" => filter.secondary = Some(true),
                "permanent" => {}
                "dev" => filter.dev = Some(shown_device(sys, value()?)?),
                name => filter.dev = Some(shown_device(sys, name)?),
            }
        }
        Ok(filter)
    }

    /// Addresses are asked for: devices without one stay away.
    fn of_addresses(&self) -> bool {
        self.to.is_some() || self.scope.is_some() || self.label.is_some() || self.secondary.is_some()
    }

    fn device(&self, d: &Device) -> bool {
        self.dev.is_none_or(|w| w == d.index)
            && (!self.up || d.up)
            && self.kind.is_none_or(|k| k == d.kind.name())
            && self.master.is_none_or(|m| d.master == Some(m))
    }

    fn address(&self, d: &Device, position: usize) -> bool {
        let address = d.addrs[position];
        self.to.is_none_or(|to| to.contains(&address.addr()))
            && self.scope.is_none_or(|s| s == scope(address))
            && self.label.is_none_or(|l| l == d.name.as_str() || l == "*")
            && self.secondary.is_none_or(|s| s == is_secondary(d, position))
    }
}

fn show(flags: Flags, args: &[&str], sys: &Sys<'_>) -> Result<String, Fail> {
    let filter = Filter::of(args, sys)?;
    let mut out = String::new();
    for d in sys.ns.devices().filter(|d| filter.device(d)) {
        let shown: Vec<usize> = match flags.v6 {
            true => Vec::new(),
            false => (0..d.addrs.len()).filter(|&i| filter.address(d, i)).collect(),
        };
        if (flags.v4 || flags.v6 || filter.of_addresses()) && shown.is_empty() {
            continue;
        }
        if flags.brief {
            let list: String = shown.iter().map(|&i| format!("{} ", d.addrs[i])).collect();
            let _ = writeln!(out, "{:<16} {:<14} {list}", label(d, sys.ns), state(d));
            continue;
        }
        if !flags.line {
            header(d, sys, false, &mut out);
            out.push('\n');
            if !flags.v4 && !flags.v6 && !filter.of_addresses() {
                link_line(d, sys.ns, &mut out);
                out.push('\n');
            }
        }
        for i in shown {
            let text = inet(d, d.addrs[i], i);
            let _ = if flags.line {
                let lifetime = "\\       valid_lft forever preferred_lft forever";
                writeln!(out, "{}: {}    {text}{lifetime}", d.index.0, d.name)
            } else {
                writeln!(out, "    {text}\n       valid_lft forever preferred_lft forever")
            };
        }
    }
    Ok(out)
}

fn scope(address: Ipv4Net) -> &'static str {
    if address.addr().is_loopback() { "host" } else { "global" }
}

/// An earlier address of the device is of the same subnet.
fn is_secondary(d: &Device, position: usize) -> bool {
    d.addrs[..position].iter().any(|a| a.trunc() == d.addrs[position].trunc())
}

/// `inet 172.17.0.2/16 brd 172.17.255.255 scope global eth0`.
fn inet(d: &Device, address: Ipv4Net, position: usize) -> String {
    // Docker and DHCP clients give the broadcast address with the address; `ip addr add` without `brd`
    // does not, and neither do the fixed addresses of a node.
    let given = d.brd.contains(&address.addr());
    let brd = if given { format!(" brd {}", address.broadcast()) } else { String::new() };
    let secondary = if is_secondary(d, position) { " secondary" } else { "" };
    format!("inet {address}{brd} scope {}{secondary} {}", scope(address), d.name)
}

/// The address and the device of `add` and `del`.
fn operands<'a>(args: &[&'a str]) -> Result<(Ipv4Net, &'a str), Fail> {
    let (mut local, mut dev) = (None, None);
    let mut words = args.iter().copied();
    while let Some(word) = words.next() {
        match word {
            "dev" => dev = Some(words.next().ok_or_else(incomplete)?),
            "brd" | "broadcast" | "scope" | "label" | "metric" | "valid_lft" | "preferred_lft" => {
                words.next().ok_or_else(incomplete)?;
            }
            "local" => local = Some(words.next().ok_or_else(incomplete)?),
            word if local.is_none() => local = Some(word),
            word => return Err(garbage("local", word)),
        }
    }
    let local = local.map(|l| prefix(l, "any valid prefix")).transpose()?;
    let dev = dev.ok_or_else(|| ("Not enough information: \"dev\" argument is required.\n".to_owned(), 1))?;
    // Without an address the kernel is asked for no family's (rtnl_newaddr).
    let local = local.ok_or_else(|| ("RTNETLINK answers: Operation not supported\n".to_owned(), 2))?;
    Ok((local, dev))
}

fn add(verb: &str, args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    let (address, dev) = operands(args)?;
    let dev = device(sys, dev)?.index;
    let with_brd = args.iter().any(|w| matches!(*w, "brd" | "broadcast"));
    let done = sys.ns.add_addr(dev, address, &mut sys.cx);
    if done.is_ok() && with_brd {
        sys.ns.set_broadcast(dev, address.addr());
    }
    match done {
        Ok(()) => Ok(String::new()),
        Err(ConfigError::Exists) if verb != "add" => Ok(String::new()),
        // The kernel explains it since 6.2 (net/ipv4/devinet.c).
        Err(ConfigError::Exists) => Err(("Error: ipv4: Address already assigned.\n".into(), 2)),
        Err(e) => Err(refused(&e)),
    }
}

fn delete(args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    let (address, dev) = operands(args)?;
    let d = device(sys, dev)?;
    // Without a length the address alone decides.
    let whole = args.iter().any(|a| a.contains('/'));
    let found = d.addrs.iter().find(|a| a.addr() == address.addr() && (!whole || **a == address)).copied();
    let index = d.index;
    if !whole {
        sys.err(format!(
            "Warning: Executing wildcard deletion to stay compatible with old scripts.\n         \
             Explicitly specify the prefix length ({address}) to avoid this warning.\n         \
             This special behaviour is likely to disappear in further releases,\n         \
             fix your scripts!\n",
        ));
    }
    match found.map(|a| sys.ns.remove_addr(index, a, &mut sys.cx)) {
        Some(Ok(())) => Ok(String::new()),
        None | Some(Err(ConfigError::NoSuchAddress)) => Err(("Error: ipv4: Address not found.\n".into(), 2)),
        Some(Err(e)) => Err(refused(&e)),
    }
}

fn flush(args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    if args.is_empty() {
        return Err(("Flush requires arguments.\n".into(), 255));
    }
    let filter = Filter::of(args, sys)?;
    let devices = sys.ns.devices().filter(|d| filter.device(d));
    let gone: Vec<(IfIndex, Ipv4Net)> = devices
        .flat_map(|d| {
            let fits = (0..d.addrs.len()).filter(|&i| filter.address(d, i));
            fits.map(|i| (d.index, d.addrs[i])).collect::<Vec<_>>()
        })
        .collect();
    for (index, address) in gone {
        match sys.ns.remove_addr(index, address, &mut sys.cx) {
            // It went with the first of its subnet.
            Ok(()) | Err(ConfigError::NoSuchAddress) => {}
            Err(e) => return Err(refused(&e)),
        }
    }
    Ok(String::new())
}
