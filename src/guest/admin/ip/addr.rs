//! `ip addr`.

use super::link::{header, label, link_line, state};
use super::{Fail, Flags, device, garbage, incomplete, prefix, refused, shown_device, verb};
use crate::guest::Sys;
use crate::stack::{ConfigError, Device};
use crate::wire::{IfIndex, Ipv4Net};
use std::fmt::Write as _;

pub(super) fn run(flags: Flags, args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
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

fn show(flags: Flags, args: &[&str], sys: &Sys<'_>) -> Result<String, Fail> {
    let mut wanted: Option<IfIndex> = None;
    let mut up = false;
    let mut words = args.iter();
    while let Some(word) = words.next() {
        match *word {
            "up" => up = true,
            "dev" => wanted = Some(shown_device(sys, words.next().ok_or_else(incomplete)?)?),
            "scope" | "label" | "to" | "type" | "master" => return Err(garbage("dev", word)),
            name => wanted = Some(shown_device(sys, name)?),
        }
    }
    let mut out = String::new();
    let devices = sys.ns.devices().filter(|d| wanted.is_none_or(|w| w == d.index) && (!up || d.up));
    for d in devices {
        let addresses: &[Ipv4Net] = if flags.v6 { &[] } else { &d.addrs };
        if (flags.v4 || flags.v6) && addresses.is_empty() {
            continue;
        }
        if flags.brief {
            let list: String = addresses.iter().map(|a| format!("{a} ")).collect();
            let _ = writeln!(out, "{:<16} {:<14} {list}", label(d, sys.ns), state(d));
            continue;
        }
        if !flags.line {
            header(d, sys, false, &mut out);
            out.push('\n');
            if !flags.v4 && !flags.v6 {
                link_line(d, sys.ns, &mut out);
                out.push('\n');
            }
        }
        for (i, address) in addresses.iter().enumerate() {
            let text = inet(d, *address, i);
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

/// `inet 172.17.0.2/16 brd 172.17.255.255 scope global eth0`.
fn inet(d: &Device, address: Ipv4Net, position: usize) -> String {
    // Docker and DHCP clients give the broadcast address with the address; `ip addr add` without `brd`
    // does not, and neither do the fixed addresses of a node.
    let given = d.brd.contains(&address.addr());
    let brd = if given { format!(" brd {}", address.broadcast()) } else { String::new() };
    let scope = if address.addr().is_loopback() { "host" } else { "global" };
    let first = d.addrs[..position].iter().any(|a| a.trunc() == address.trunc());
    let secondary = if first { " secondary" } else { "" };
    format!("inet {address}{brd} scope {scope}{secondary} {}", d.name)
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
    let local = prefix(local.ok_or_else(incomplete)?, "any valid prefix")?;
    let dev =
        dev.ok_or_else(|| ("Not enough information: \"dev\" argument is required.\n".to_owned(), 255))?;
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
    match found.map(|a| sys.ns.remove_addr(index, a, &mut sys.cx)) {
        Some(Ok(())) => Ok(String::new()),
        None | Some(Err(ConfigError::NoSuchAddress)) => Err(("Error: ipv4: Address not found.\n".into(), 2)),
        Some(Err(e)) => Err(refused(&e)),
    }
}

fn flush(args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    let name = args.iter().find(|a| **a != "dev");
    let name = name.ok_or_else(|| ("Flush requires arguments.\n".to_owned(), 255))?;
    let d = device(sys, name)?;
    let (index, addresses) = (d.index, d.addrs.clone());
    for address in addresses {
        sys.ns.remove_addr(index, address, &mut sys.cx).map_err(|e| refused(&e))?;
    }
    Ok(String::new())
}
