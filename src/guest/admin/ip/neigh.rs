//! `ip neigh`.

use super::{Fail, Flags, address, device, garbage, incomplete, name_of, prefix, verb};
use crate::guest::Sys;
use crate::stack::{NeighState, Neighbour};
use crate::wire::{IfIndex, Mac};
use std::fmt::Write as _;

pub(super) fn run(flags: Flags, args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    if args.first() == Some(&"help") {
        return Err((USAGE.into(), 255));
    }
    let (verb, args) = verb(args, &["show", "flush", "add", "replace", "change", "delete", "get"], "neigh")?;
    match verb {
        "flush" => flush(&args, sys),
        "add" | "replace" | "change" | "delete" => change(verb, &args, sys),
        _ => show(flags, verb == "get", &args, sys),
    }
}

const USAGE: &str = "Usage: ip neigh { add | del | change | replace }\n                \
    { ADDR lladdr LLADDR [ nud STATE ] } [ dev DEV ]\n       \
    ip neigh { show | flush } [ to ADDR ] [ dev DEV ] [ nud STATE ]\n       \
    ip neigh get to ADDR dev DEV\n";

fn state_name(state: NeighState) -> &'static str {
    match state {
        NeighState::Incomplete => "INCOMPLETE",
        NeighState::Reachable => "REACHABLE",
        NeighState::Stale => "STALE",
        NeighState::Delay => "DELAY",
        NeighState::Probe => "PROBE",
        NeighState::Failed => "FAILED",
        NeighState::Permanent => "PERMANENT",
    }
}

/// `told`: the device was asked for, and is not repeated.
fn line(n: &Neighbour, told: bool, sys: &Sys<'_>) -> String {
    let mac = n.mac.map(|m| format!("lladdr {m} ")).unwrap_or_default();
    let dev = if told { String::new() } else { format!("dev {} ", name_of(sys, n.dev)) };
    format!("{} {dev}{mac}{} \n", n.addr, state_name(n.state))
}

fn show(flags: Flags, get: bool, args: &[&str], sys: &Sys<'_>) -> Result<String, Fail> {
    let (mut dev, mut to, mut nud) = (None, None, None);
    let mut words = args.iter().copied();
    while let Some(word) = words.next() {
        match word {
            "dev" => dev = Some(device(sys, words.next().ok_or_else(incomplete)?)?.index),
            "nud" => {
                let state = words.next().ok_or_else(incomplete)?;
                let states = [
                    "all",
                    "none",
                    "noarp",
                    "incomplete",
                    "reachable",
                    "stale",
                    "delay",
                    "probe",
                    "failed",
                    "permanent",
                ];
                if !states.contains(&state) {
                    let wrong = format!("Error: argument \"{state}\" is wrong: nud state is bad\n\n");
                    return Err((wrong, 255));
                }
                nud = Some(state.to_uppercase());
            }
            "to" => to = Some(address(words.next().ok_or_else(incomplete)?, "any valid address")?),
            word => to = Some(prefix(word, "any valid prefix")?.addr()),
        }
    }
    if flags.v6 {
        return Ok(String::new());
    }
    let mut out = String::new();
    for n in sys.ns.neighbours(sys.cx.now) {
        let fits = dev.is_none_or(|d| d == n.dev)
            && to.is_none_or(|t| t == n.addr)
            && nud.as_deref().is_none_or(|s| s == "ALL" || s == state_name(n.state));
        if fits {
            let _ = write!(out, "{}", line(&n, dev.is_some() && !get, sys));
        }
    }
    match get && out.is_empty() {
        true => Err(("Error: Neighbour entry not found.\n".into(), 2)),
        false => Ok(out),
    }
}

fn change(verb: &str, args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    let (mut dev, mut to, mut mac, mut permanent): (_, _, Option<Mac>, _) = (None, None, None, true);
    let mut words = args.iter().copied();
    while let Some(word) = words.next() {
        match word {
            "dev" => dev = Some(device(sys, words.next().ok_or_else(incomplete)?)?.index),
            "lladdr" => {
                // What can be read as some bytes goes to the kernel, which wants six.
                mac = Some(super::lladdr(words.next().ok_or_else(incomplete)?).map_err(|e| {
                    if e.0.starts_with("Invalid") {
                        ("Error: Invalid link address.\n".to_owned(), 2)
                    } else {
                        e
                    }
                })?);
            }
            "nud" => permanent = words.next().ok_or_else(incomplete)? == "permanent",
            "to" => to = Some(address(words.next().ok_or_else(incomplete)?, "any valid address")?),
            word => to = Some(address(word, "any valid address")?),
        }
    }
    let (Some(dev), Some(to)) = (dev, to) else {
        return Err(("Device and destination are required arguments.\n".into(), 255));
    };
    let known = sys.ns.neighbours(sys.cx.now).iter().any(|n| (n.dev, n.addr) == (dev, to));
    let refuse = |why: &str| Err((format!("RTNETLINK answers: {why}\n"), 2));
    match (verb, known, mac) {
        ("delete", true, _) => drop(sys.ns.remove_neighbour(dev, to, &mut sys.cx)),
        ("delete" | "change", false, _) => return refuse("No such file or directory"),
        ("add", true, _) => return refuse("File exists"),
        (_, _, None) => return Err(("Error: No link layer address given.\n".into(), 2)),
        (_, _, Some(mac)) => {
            if !sys.ns.set_neighbour(dev, to, mac, permanent, &mut sys.cx) {
                return refuse("No buffer space available");
            }
        }
    }
    Ok(String::new())
}

fn flush(args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    let mut dev: Option<IfIndex> = None;
    let mut all = false;
    let mut words = args.iter().copied();
    while let Some(word) = words.next() {
        match word {
            "all" => all = true,
            "dev" => dev = Some(device(sys, words.next().ok_or_else(incomplete)?)?.index),
            word => return Err(garbage("to", word)),
        }
    }
    if dev.is_none() && !all {
        return Err(("Flush requires arguments.\n".into(), 255));
    }
    sys.ns.flush_neighbours(dev, &mut sys.cx);
    Ok(String::new())
}
