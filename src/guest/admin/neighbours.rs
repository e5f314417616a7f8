//! `arp` and `bridge`: the same tables as `ip neigh`, and the bridges' forwarding databases.

use super::ip::{device_flags, label};
use super::once::once;
use crate::guest::options::{Opt, flag, value};
use crate::guest::{Program, Sys};
use crate::stack::{Device, DeviceKind, NeighState};
use crate::wire::IfIndex;
use std::fmt::Write as _;

pub(super) const ARP: &[Opt] = &[
    flag(&["-n"], "addresses, not names", "이름 대신 주소"),
    flag(&["-a"], "in the other style", "다른 모양으로"),
    value(&["-i"], "DEVICE", "only this device", "이 장치만"),
];

pub(super) fn arp(argv: &[String]) -> Box<dyn Program> {
    once(argv, |args, sys| {
        let other = args.iter().any(|a| a.starts_with('-') && a.contains('a'));
        let wanted = args.iter().position(|a| a == "-i").and_then(|i| args.get(i + 1));
        let wanted = wanted.map(|name| sys.ns.device_named(name).map(|d| d.index));
        let mut out = String::new();
        for n in sys.ns.neighbours(sys.cx.now) {
            if wanted.is_some_and(|w| w != Some(n.dev)) {
                continue;
            }
            let dev = sys.ns.device(n.dev).map_or_else(String::new, |d| d.name.to_string());
            let flags = if n.state == NeighState::Permanent { "CM" } else { "C" };
            let _ = match (n.mac, other) {
                (Some(mac), true) => writeln!(out, "? ({}) at {mac} [ether] on {dev}", n.addr),
                (None, true) => writeln!(out, "? ({}) at <incomplete> on {dev}", n.addr),
                (Some(mac), false) => {
                    writeln!(
                        out,
                        "{:<24} {:<7} {mac}   {flags:<5} {:<15} {dev}",
                        n.addr.to_string(),
                        "ether",
                        ""
                    )
                }
                (None, false) => {
                    writeln!(
                        out,
                        "{:<24} {:<7} {:<19} {:<5} {:<15} {dev}",
                        n.addr.to_string(),
                        "",
                        "(incomplete)",
                        "",
                        ""
                    )
                }
            };
        }
        if !other && !out.is_empty() {
            out.insert_str(
                0,
                "Address                  HWtype  HWaddress           Flags Mask            Iface\n",
            );
        }
        if !out.is_empty() {
            sys.out(out);
        }
        0
    })
}

pub(super) fn bridge(argv: &[String]) -> Box<dyn Program> {
    once(argv, |args, sys| {
        let words: Vec<&str> = args.iter().map(String::as_str).filter(|a| !a.starts_with('-')).collect();
        let (object, rest) = words.split_first().map_or(("", &[][..]), |(o, r)| (*o, r));
        let (verb, rest) = match rest.split_first() {
            Some((&("show" | "list"), rest)) => ("show", rest),
            Some((verb @ &("add" | "append" | "replace" | "del"), rest)) => (*verb, rest),
            _ => ("show", rest),
        };
        let is = |name: &str| !object.is_empty() && name.starts_with(object);
        let text = if is("fdb") && verb != "show" {
            super::fdb::change(verb, rest, sys)
        } else if is("fdb") {
            fdb(rest, sys)
        } else if is("link") {
            Ok(links(sys))
        } else {
            let known =
                "Usage: bridge [ OPTIONS ] OBJECT { COMMAND | help }\nwhere  OBJECT := { link | fdb }\n";
            Err(if object.is_empty() || object == "help" {
                known.to_owned()
            } else {
                format!("Object \"{object}\" is unknown, try \"bridge help\".\n")
            })
        };
        match text {
            Ok(text) => {
                if !text.is_empty() {
                    sys.out(text);
                }
                0
            }
            Err(text) => {
                sys.err(text);
                255
            }
        }
    })
}

fn links(sys: &Sys<'_>) -> String {
    let mut out = String::new();
    for d in sys.ns.devices() {
        let Some(master) = d.master.and_then(|m| sys.ns.device(m)) else { continue };
        let state = if d.up && d.carrier { "forwarding" } else { "disabled" };
        let _ = writeln!(
            out,
            "{}: {}: <{}> mtu {} master {} state {state} priority 32 cost 2 ",
            d.index.0,
            label(d, sys.ns),
            device_flags(d),
            d.mtu,
            master.name
        );
    }
    out
}

fn fdb(args: &[&str], sys: &Sys<'_>) -> Result<String, String> {
    let mut bridge: Option<IfIndex> = None;
    let mut port: Option<IfIndex> = None;
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let name = words.next().copied().unwrap_or_default();
        let found = sys.ns.device_named(name).map(|d| d.index);
        let found = found.ok_or_else(|| format!("Cannot find device \"{name}\"\n"))?;
        match *word {
            "br" => bridge = Some(found),
            "dev" | "brport" => port = Some(found),
            other => return Err(format!("bridge: unknown command \"{other}\"?\n")),
        }
    }
    let mut out = String::new();
    let bridges: Vec<&Device> =
        sys.ns.devices().filter(|d| matches!(d.kind, DeviceKind::Bridge(_))).collect();
    for b in bridges.into_iter().filter(|b| bridge.is_none_or(|w| w == b.index)) {
        for entry in sys.ns.fdb(b.index, sys.cx.now) {
            if port.is_some_and(|p| p != entry.port) {
                continue;
            }
            let dev = sys.ns.device(entry.port).map_or_else(String::new, |d| d.name.to_string());
            let permanent = if entry.local { "permanent" } else { "" };
            let _ = writeln!(out, "{} dev {dev} master {} {permanent}", entry.mac, b.name);
        }
    }
    // Tunnel ends know where, not behind which port.
    for d in sys.ns.devices() {
        let shown = port.is_none_or(|p| p == d.index) && bridge.is_none_or(|b| d.master == Some(b));
        for entry in d.vxlan().filter(|_| shown).map(|v| v.fdb.as_slice()).unwrap_or_default() {
            let permanent = if entry.permanent { "permanent" } else { "" };
            let _ = writeln!(out, "{} dev {} dst {} self {permanent}", entry.mac, d.name, entry.remote);
        }
    }
    Ok(out)
}
