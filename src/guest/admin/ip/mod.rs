//! `ip`: addresses, links, routes and neighbours, in iproute2's words and layout (ip(8)).
//!
//! Supported: `addr`, `link`, `route`, `neigh` with show, add, replace, del, flush, set, get as far
//! as they have them; -4, -o, -br. Not supported: IPv6 (nothing here speaks it, so -6 shows
//! nothing), named namespaces
//! (`ip netns` finds none), peer addresses, multipath and onlink routes, bonds, multicast VXLAN.

mod addr;
mod link;
mod link_add;
mod neigh;
mod netns;
mod route;
mod rule;

pub(super) use link::{device_flags, label, state};

use super::once::once;
use crate::guest::options::{Opt, flag};
use crate::guest::{Program, Sys};
use crate::stack::{ConfigError, Device};
use crate::wire::{IfIndex, Ipv4Net, Mac};
use std::net::Ipv4Addr;

pub(super) const OPTIONS: &[Opt] = &[
    flag(&["-4"], "IPv4 only", "IPv4만"),
    flag(&["-6"], "IPv6 only", "IPv6만"),
    flag(&["-o", "-oneline"], "one line each", "한 줄씩"),
    flag(&["-br", "-brief"], "short", "짧게"),
    flag(&["-d", "-details"], "details", "자세히"),
    flag(&["-s", "-statistics"], "statistics", "통계"),
];

/// What stands before the object.
#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    /// -4.
    v4: bool,
    /// -6.
    v6: bool,
    /// -o.
    line: bool,
    /// -br.
    brief: bool,
    /// -s.
    statistics: bool,
    /// -d.
    details: bool,
    /// -V.
    version: bool,
}

/// Why a command failed: the text for stderr and the exit status.
type Fail = (String, i32);

pub(super) fn ip(argv: &[String]) -> Box<dyn Program> {
    once(argv, |args, sys| {
        let (flags, rest) = match flags(args) {
            Ok(found) => found,
            Err((text, status)) => {
                sys.err(text);
                return status;
            }
        };
        if flags.version {
            sys.out("ip utility, iproute2-6.15.0, libbpf 1.5.0\n");
            return 0;
        }
        let args: Vec<&str> = rest.iter().map(String::as_str).collect();
        let Some((object, rest)) = args.split_first() else {
            sys.err(USAGE);
            return 255;
        };
        let is = |name: &str| name.starts_with(object) && !object.is_empty();
        let done = if is("address") {
            addr::run(flags, rest, sys)
        } else if is("link") {
            link::run(flags, rest, sys)
        } else if is("neighbour") || is("neighbor") {
            neigh::run(flags, rest, sys)
        } else if is("route") {
            route::run(flags, rest, sys)
        } else if is("rule") {
            rule::run(flags, rest, sys)
        } else if *object == "netns" {
            netns::run(rest)
        } else if *object == "help" {
            Err((USAGE.to_owned(), 255))
        } else {
            Err((format!("Object \"{object}\" is unknown, try \"ip help\".\n"), 1))
        };
        match done {
            Ok(text) => {
                if !text.is_empty() {
                    sys.out(text);
                }
                0
            }
            Err((text, status)) => {
                sys.err(text);
                status
            }
        }
    })
}

const USAGE: &str = "Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }\n\
    where  OBJECT := { address | link | neighbour | route }\n       \
    OPTIONS := { -4 | -6 | -o[neline] | -br[ief] | -s[tatistics] }\n";

/// The options before the object, which may be cut short; what is left.
fn flags(args: &[String]) -> Result<(Flags, &[String]), Fail> {
    let mut flags = Flags::default();
    let mut rest = args;
    while let Some((first, after)) = rest.split_first()
        && first.starts_with('-')
    {
        let name = first.trim_start_matches('-');
        match name {
            "4" => flags.v4 = true,
            "6" => flags.v6 = true,
            "d" => flags.details = true,
            "c" | "N" | "r" | "h" => {}
            _ if name.starts_with("c=") || name.starts_with("color=") => {}
            "V" | "Version" => flags.version = true,
            "n" | "netns" => {
                let name = after.first().map_or("", String::as_str);
                return Err((
                    format!("Cannot open network namespace \"{name}\": No such file or directory\n"),
                    255,
                ));
            }
            "s" => flags.statistics = true,
            "o" => flags.line = true,
            _ if name.len() > 1 && "oneline".starts_with(name) => flags.line = true,
            _ if name.len() > 1 && "brief".starts_with(name) => flags.brief = true,
            _ if name.len() > 1 && "details".starts_with(name) => flags.details = true,
            _ if name.len() > 1 && "color=never".starts_with(name) => {}
            _ if name.len() > 1 && "statistics".starts_with(name) || name == "stats" => {
                flags.statistics = true;
            }
            _ if name.len() > 1 && "help".starts_with(name) => return Err((USAGE.to_owned(), 255)),
            _ => return Err((format!("Option \"{first}\" is unknown, try \"ip -help\".\n"), 255)),
        }
        rest = after;
    }
    Ok((flags, rest))
}

/// The verb, which may be cut short; `show` without one. An unknown one is what iproute2 calls it.
fn verb<'a>(
    args: &[&'a str],
    known: &[&'static str],
    object: &str,
) -> Result<(&'static str, Vec<&'a str>), Fail> {
    let Some((first, rest)) = args.split_first() else { return Ok(("show", Vec::new())) };
    if let Some(v) = known.iter().find(|v| v.starts_with(first)) {
        return Ok((v, rest.to_vec()));
    }
    match *first {
        _ if "list".starts_with(first) => Ok(("show", rest.to_vec())),
        "lst" | "ls" => Ok(("show", rest.to_vec())),
        // `ip addr eth0` shows eth0, as long as there is a device of that name to show.
        _ => Err((format!("Command \"{first}\" is unknown, try \"ip {object} help\".\n"), 255)),
    }
}

/// A device by name.
fn device<'a>(sys: &'a Sys<'_>, name: &str) -> Result<&'a Device, Fail> {
    sys.ns.device_named(name).ok_or_else(|| (format!("Cannot find device \"{name}\"\n"), 1))
}

/// A device to be shown: another text, the same cause.
fn shown_device(sys: &Sys<'_>, name: &str) -> Result<IfIndex, Fail> {
    let found = sys.ns.device_named(name).map(|d| d.index);
    found.ok_or_else(|| (format!("Device \"{name}\" does not exist.\n"), 1))
}

/// The bridge that `master NAME` names.
fn master(sys: &Sys<'_>, name: &str) -> Result<IfIndex, Fail> {
    let found = sys.ns.device_named(name).map(|d| d.index);
    found.ok_or_else(|| (format!("Error: argument \"{name}\" is wrong: Device does not exist\n\n"), 255))
}

/// A MAC address.
fn lladdr(text: &str) -> Result<Mac, Fail> {
    // Each group is read as sscanf's %x does, up to its first other letter (ll_addr_a2n of iproute2).
    let groups = text.split(':').take_while(|g| g.starts_with(|c: char| c.is_ascii_hexdigit())).count();
    text.parse().map_err(|_| match groups {
        0 => (format!("\"{text}\" is invalid lladdr.\n"), 1),
        n => (format!("Invalid address length {n} - must be 6 bytes\n"), 1),
    })
}

/// The kernel's refusal.
fn refused(e: &ConfigError) -> Fail {
    match e {
        ConfigError::NoDevice(_) => (format!("{e}\n"), 1),
        ConfigError::NoSuchTable => (format!("Error: ipv4: {e}.\n"), 2),
        ConfigError::InvalidGateway => ("Error: Nexthop has invalid gateway.\n".into(), 2),
        other => (format!("RTNETLINK answers: {other}\n"), 2),
    }
}

fn garbage(what: &str, word: &str) -> Fail {
    (format!("Error: either \"{what}\" is duplicate, or \"{word}\" is garbage.\n"), 255)
}

fn incomplete() -> Fail {
    ("Command line is not complete. Try option \"help\"\n".into(), 255)
}

/// `ADDRESS[/LENGTH]`; `what`: "any valid prefix" or "inet prefix".
fn prefix(text: &str, what: &str) -> Result<Ipv4Net, Fail> {
    let bad = || (format!("Error: {what} is expected rather than \"{text}\".\n"), 1);
    match text.split_once('/') {
        None => short(text).map(Ipv4Net::from).ok_or_else(bad),
        Some((addr, len)) => {
            let addr = short(addr).ok_or_else(bad)?;
            let len = len.parse().map_err(|_| bad())?;
            Ipv4Net::new(addr, len).map_err(|_| bad())
        }
    }
}

/// `10.9.7` is 10.9.7.0 (get_addr_ipv4 of iproute2).
fn short(text: &str) -> Option<Ipv4Addr> {
    let parts: Option<Vec<u8>> = text.split('.').map(|p| p.parse().ok()).collect();
    let mut octets = [0; 4];
    let parts = parts.filter(|p| p.len() <= 4)?;
    octets[..parts.len()].copy_from_slice(&parts);
    Some(octets.into())
}

/// A number as get_unsigned reads it: decimal, or hexadecimal after `0x`, or octal after `0`.
fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None if text.len() > 1 && text.starts_with('0') => u32::from_str_radix(text, 8).ok(),
        None => text.parse().ok().filter(|_| text.starts_with(|c: char| c.is_ascii_digit())),
    }
}

/// An address; `what`: "any valid address", or "inet address" where the family is known.
fn address(text: &str, what: &str) -> Result<Ipv4Addr, Fail> {
    text.parse().map_err(|_| (format!("Error: {what} is expected rather than \"{text}\".\n"), 1))
}

/// The name of a device by its number.
fn name_of(sys: &Sys<'_>, index: IfIndex) -> String {
    sys.ns.device(index).map_or_else(|| format!("if{}", index.0), |d| d.name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_may_be_cut_short() {
        let args: Vec<String> = "-4 -o -bri a".split(' ').map(str::to_owned).collect();
        let (flags, rest) = flags(&args).unwrap();
        assert!(flags.v4 && flags.line && flags.brief);
        assert_eq!(rest, ["a"]);
    }

    #[test]
    fn an_unknown_verb_is_named() {
        let e = verb(&["foo"], &["show", "add"], "address").unwrap_err();
        assert_eq!(e, ("Command \"foo\" is unknown, try \"ip address help\".\n".into(), 255));
    }
}
