//! `ip neigh`.

use super::{Fail, Flags, address, garbage, incomplete, name_of, shown_device, verb};
use crate::guest::Sys;
use crate::stack::{NeighState, Neighbour};
use crate::wire::IfIndex;
use std::fmt::Write as _;

pub(super) fn run(flags: Flags, args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    let (verb, args) =
        verb(args, &["show", "flush", "add", "replace", "change", "delete", "get"], "neighbour")?;
    match verb {
        "flush" => flush(&args, sys),
        // The neighbour table takes no static entries.
        "add" | "replace" | "change" | "delete" => {
            Err(("RTNETLINK answers: Operation not supported\n".into(), 2))
        }
        _ => show(flags, &args, sys),
    }
}

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

fn line(n: &Neighbour, sys: &Sys<'_>) -> String {
    let mac = n.mac.map(|m| format!("lladdr {m} ")).unwrap_or_default();
    format!("{} dev {} {mac}{} \n", n.addr, name_of(sys, n.dev), state_name(n.state))
}

fn show(flags: Flags, args: &[&str], sys: &Sys<'_>) -> Result<String, Fail> {
    let (mut dev, mut to, mut nud) = (None, None, None);
    let mut words = args.iter().copied();
    while let Some(word) = words.next() {
        match word {
            "dev" => dev = Some(shown_device(sys, words.next().ok_or_else(incomplete)?)?),
            "nud" => nud = Some(words.next().ok_or_else(incomplete)?.to_uppercase()),
            "to" => to = Some(address(words.next().ok_or_else(incomplete)?)?),
            word => to = Some(address(word)?),
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
            let _ = write!(out, "{}", line(&n, sys));
        }
    }
    Ok(out)
}

fn flush(args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    let mut dev: Option<IfIndex> = None;
    let mut all = false;
    let mut words = args.iter().copied();
    while let Some(word) = words.next() {
        match word {
            "all" => all = true,
            "dev" => dev = Some(shown_device(sys, words.next().ok_or_else(incomplete)?)?),
            word => return Err(garbage("to", word)),
        }
    }
    if dev.is_none() && !all {
        return Err(("Flush requires arguments.\n".into(), 255));
    }
    sys.ns.flush_neighbours(dev, &mut sys.cx);
    Ok(String::new())
}
