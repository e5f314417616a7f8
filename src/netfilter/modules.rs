//! The `-m` and `-j` modules: their options, and what each option does to a rule. What a module
//! refuses, it refuses in the words of its file in iptables' extensions/.

use std::net::Ipv4Addr;

use super::alter::Alter;
use super::names::{ADDR_TYPES, REJECTS, TCP_FLAGS, icmp_type, log_level, protocol_number, service_port};
use super::parse::address;
use super::print::{CT_ADDRS, CT_PORTS, LOG_FLAGS, STATUS_NAMES};
use super::rule::{
    AddrTypes, ConntrackMatch, LogSpec, Match, NatRange, NfError, PortSide, Ports, RejectWith, RuleSpec,
    STATE_NAMES, Target, TcpFlagsMatch,
};
use super::simple::Simple;

type Res<T> = Result<T, NfError>;
/// A long option and how many words it takes.
type Options = &'static [(&'static str, u8)];

/// A match module as `-m NAME` loads it, before its options.
pub(super) fn new_match(name: &str) -> Option<Match> {
    Some(match name {
        "tcp" => Match::Tcp { sport: Ports::ANY, dport: Ports::ANY, flags: None, option: None },
        "udp" => Match::Udp { sport: Ports::ANY, dport: Ports::ANY },
        "icmp" => Match::Icmp { kind: 0xff, codes: (0, 0xff), invert: false },
        "multiport" => Match::Multiport { side: PortSide::Either, ports: Vec::new(), invert: false },
        "addrtype" => Match::Addrtype { src: None, dst: None, limit_in: false, limit_out: false },
        "conntrack" => Match::Conntrack(ConntrackMatch::default()),
        "state" => Match::State { set: 0, invert: false },
        "mark" => Match::Mark { value: 0, mask: u32::MAX, invert: false },
        "mac" => Match::Mac { addr: Default::default(), invert: false },
        "limit" => Match::Limit { period: 36_000_000 / 3, burst: 5 },
        "comment" => Match::Comment("".into()),
        "owner" => Match::Owner,
        name => return Simple::new(name).map(Match::Simple),
    })
}

/// The name after `-m`.
pub(super) const fn match_name(m: &Match) -> &'static str {
    match m {
        Match::Tcp { .. } => "tcp",
        Match::Udp { .. } => "udp",
        Match::Icmp { .. } => "icmp",
        Match::Multiport { .. } => "multiport",
        Match::Addrtype { .. } => "addrtype",
        Match::Conntrack(_) => "conntrack",
        Match::State { .. } => "state",
        Match::Mark { .. } => "mark",
        Match::Mac { .. } => "mac",
        Match::Limit { .. } => "limit",
        Match::Comment(_) => "comment",
        Match::Owner => "owner",
        Match::Simple(simple) => simple.name(),
    }
}

/// The options of a match.
pub(super) const fn match_options(m: &Match) -> Options {
    match m {
        Match::Tcp { .. } => &[
            ("source-port", 1),
            ("sport", 1),
            ("destination-port", 1),
            ("dport", 1),
            ("syn", 0),
            ("tcp-flags", 2),
            ("tcp-option", 1),
        ],
        Match::Udp { .. } => &[("source-port", 1), ("sport", 1), ("destination-port", 1), ("dport", 1)],
        Match::Icmp { .. } => &[("icmp-type", 1)],
        Match::Multiport { .. } => {
            &[("source-ports", 1), ("sports", 1), ("destination-ports", 1), ("dports", 1), ("ports", 1)]
        }
        Match::Addrtype { .. } => {
            &[("src-type", 1), ("dst-type", 1), ("limit-iface-in", 0), ("limit-iface-out", 0)]
        }
        Match::Conntrack(_) => &[
            ("ctstate", 1),
            ("ctproto", 1),
            ("ctorigsrc", 1),
            ("ctorigdst", 1),
            ("ctreplsrc", 1),
            ("ctrepldst", 1),
            ("ctorigsrcport", 1),
            ("ctorigdstport", 1),
            ("ctreplsrcport", 1),
            ("ctrepldstport", 1),
            ("ctstatus", 1),
            ("ctexpire", 1),
            ("ctdir", 1),
        ],
        Match::State { .. } => &[("state", 1)],
        Match::Mark { .. } => &[("mark", 1)],
        Match::Mac { .. } => &[("mac-source", 1)],
        Match::Limit { .. } => &[("limit", 1), ("limit-burst", 1)],
        Match::Comment(_) => &[("comment", 1)],
        Match::Owner => &[("uid-owner", 1), ("gid-owner", 1), ("socket-exists", 0), ("suppl-groups", 0)],
        Match::Simple(simple) => simple.options(),
    }
}

/// One option of a match. `values` has as many words as the table says.
pub(super) fn apply_match(
    m: &mut Match,
    name: &'static str,
    invert: bool,
    values: &[&str],
    proto: Option<u8>,
    given: &[&str],
) -> Res<()> {
    let value = values.first().copied().unwrap_or("");
    match m {
        Match::Tcp { sport, dport, flags, option } => match name {
            "sport" | "source-port" => set_port(sport, value, invert, "source-port", given),
            "dport" | "destination-port" => set_port(dport, value, invert, "destination-port", given),
            "syn" => set_flags(flags, TcpFlagsMatch { mask: 0x17, set: 2, invert }),
            "tcp-flags" => {
                let (mask, set) = (tcp_flags(value)?, tcp_flags(values.get(1).copied().unwrap_or(""))?);
                set_flags(flags, TcpFlagsMatch { mask, set, invert })
            }
            _ => {
                let kind = value.parse().ok().filter(|&k: &u8| k > 0);
                let kind = kind.ok_or_else(|| NfError::usage(format!("Bad TCP option \"{value}\"")))?;
                *option = Some((kind, invert));
                Ok(())
            }
        },
        Match::Udp { sport, dport } => match name {
            "sport" | "source-port" => set_port(sport, value, invert, "source-port", given),
            _ => set_port(dport, value, invert, "destination-port", given),
        },
        Match::Owner => Ok(()),
        Match::Icmp { kind, codes, invert: not } => {
            (*kind, *codes) = icmp(value)?;
            *not = invert;
            Ok(())
        }
        Match::Multiport { side, ports, invert: not } => {
            *side = match name {
                "sports" | "source-ports" => PortSide::Source,
                "dports" | "destination-ports" => PortSide::Destination,
                _ => PortSide::Either,
            };
            *ports = multiport(value, proto)?;
            *not = invert;
            one_side(given)
        }
        Match::Addrtype { src, dst, limit_in, limit_out } => {
            match name {
                "src-type" => *src = Some(AddrTypes { set: addr_types(value)?, invert }),
                "dst-type" => *dst = Some(AddrTypes { set: addr_types(value)?, invert }),
                _ if invert => return Err(cannot_invert("addrtype", name)),
                "limit-iface-in" => *limit_in = true,
                _ => *limit_out = true,
            }
            if *limit_in && *limit_out {
                return Err(together("addrtype", "limit-iface-in", "limit-iface-out"));
            }
            Ok(())
        }
        Match::Conntrack(c) => conntrack(c, name, value, invert),
        Match::State { set, invert: not } => {
            *set = states(value, 5).map_err(|bad| NfError::usage(format!("Bad state \"{bad}\"")))?;
            *not = invert;
            Ok(())
        }
        Match::Mark { value: v, mask, invert: not } => {
            (*v, *mask) = mark(value).ok_or_else(|| bad_integer("mark", "mark"))?;
            *not = invert;
            Ok(())
        }
        Match::Simple(simple) => simple.apply(name, invert, value),
        Match::Mac { addr, invert: not } => {
            *addr = value.parse().map_err(|_| NfError::usage("Invalid MAC address specified."))?;
            *not = invert;
            Ok(())
        }
        Match::Limit { period, burst } => {
            if invert {
                return Err(cannot_invert("limit", name));
            }
            match name {
                "limit" => *period = rate(value)?,
                _ => {
                    let number = value.parse().ok().filter(|&n: &u32| n <= 10_000);
                    *burst = number.ok_or_else(|| out_of_range("limit", name, 10_000))?;
                }
            }
            Ok(())
        }
        Match::Comment(text) => {
            if invert {
                return Err(cannot_invert("comment", "comment"));
            }
            if value.len() > 255 {
                return Err(NfError::usage("COMMENT: Maximum length of comment is 255 characters"));
            }
            *text = value.into();
            Ok(())
        }
    }
}

/// What a match needs beyond its options, once the line has been read.
pub(super) fn check_match(m: &Match, given: &[&str]) -> Res<()> {
    let module = match_name(m);
    let must = |option: &str| if given.is_empty() { Err(must_specify(module, option)) } else { Ok(()) };
    match m {
        Match::Multiport { .. } if given.is_empty() => Err(NfError::usage("no ports specified")),
        Match::Addrtype { src: None, dst: None, .. } => {
            Err(NfError::usage("addrtype: you must specify --src-type or --dst-type"))
        }
        Match::Conntrack(_) if given.is_empty() => {
            Err(NfError::usage("conntrack: At least one option is required"))
        }
        Match::State { .. } => must("state"),
        Match::Mark { .. } => must("mark"),
        Match::Mac { .. } => must("mac-source"),
        Match::Comment(_) => must("comment"),
        Match::Simple(simple) if given.is_empty() => Err(simple.missing()),
        _ => Ok(()),
    }
}

fn set_port(slot: &mut Ports, value: &str, invert: bool, long: &str, given: &[&str]) -> Res<()> {
    let short = if long.starts_with('s') { "sport" } else { "dport" };
    if given.iter().filter(|&&n| n == long || n == short).count() > 1 {
        return Err(NfError::usage(format!("Only one `--{long}' allowed")));
    }
    let (from, to) = match value.split_once(':') {
        None => {
            let port = port(value)?;
            (port, port)
        }
        Some((from, to)) => {
            (if from.is_empty() { 0 } else { port(from)? }, if to.is_empty() { u16::MAX } else { port(to)? })
        }
    };
    if from > to {
        return Err(NfError::usage("invalid portrange (min > max)"));
    }
    *slot = Ports { from, to, invert };
    Ok(())
}

fn port(text: &str) -> Res<u16> {
    text.parse()
        .ok()
        .or_else(|| service_port(text))
        .ok_or_else(|| NfError::usage(format!("invalid port/service `{text}' specified")))
}

fn set_flags(slot: &mut Option<TcpFlagsMatch>, flags: TcpFlagsMatch) -> Res<()> {
    if slot.replace(flags).is_some() {
        return Err(NfError::usage("Only one of `--syn' or `--tcp-flags'  allowed"));
    }
    Ok(())
}

fn tcp_flags(list: &str) -> Res<u8> {
    let mut set = 0;
    for name in list.split(',') {
        let upper = name.to_ascii_uppercase();
        set |= match upper.as_str() {
            "ALL" => 0x3f,
            "NONE" => 0,
            flag => match TCP_FLAGS.iter().find(|&&(n, _)| n == flag) {
                Some(&(_, bit)) => bit,
                None => return Err(NfError::usage(format!("Unknown TCP flag `{name}'"))),
            },
        };
    }
    Ok(set)
}

fn icmp(text: &str) -> Res<(u8, (u8, u8))> {
    match icmp_type(text)[..] {
        [] => {}
        [(_, kind, codes)] => return Ok((kind, codes)),
        [(first, ..), (second, ..), ..] => {
            return Err(NfError::usage(format!("Ambiguous ICMP type `{text}': `{first}' or `{second}'?")));
        }
    }
    let unknown = || NfError::usage(format!("Unknown ICMP type `{text}'"));
    let (kind, code) = match text.split_once('/') {
        Some((kind, code)) => (kind, Some(code)),
        None => (text, None),
    };
    let kind = kind.parse().map_err(|_| unknown())?;
    let codes = match code {
        None => (0, 0xff),
        Some(code) => {
            let code = code.parse().map_err(|_| unknown())?;
            (code, code)
        }
    };
    Ok((kind, codes))
}

/// XT_MULTI_PORTS.
const MULTI_PORTS: usize = 15;

fn multiport(list: &str, proto: Option<u8>) -> Res<Vec<(u16, u16)>> {
    let known = proto.is_some_and(|p| matches!(p, 6 | 17 | 33 | 132 | 136));
    if !known {
        return Err(NfError::usage(match proto {
            None => "multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'",
            Some(_) => "multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP",
        }));
    }
    let mut ports = Vec::new();
    let mut numbers = 0;
    for part in list.split(',') {
        let range = match part.split_once(':') {
            None => {
                numbers += 1;
                let one = port(part)?;
                (one, one)
            }
            Some((from, to)) => {
                numbers += 2;
                (port(from)?, port(to)?)
            }
        };
        if range.0 > range.1 {
            return Err(NfError::usage("invalid portrange specified"));
        }
        ports.push(range);
    }
    if numbers > MULTI_PORTS {
        return Err(NfError::usage("too many ports specified"));
    }
    Ok(ports)
}

fn one_side(given: &[&str]) -> Res<()> {
    let long = |name: &str| match name {
        "sports" | "source-ports" => "source-ports",
        "dports" | "destination-ports" => "destination-ports",
        _ => "ports",
    };
    let mut sides = given.iter().map(|n| long(n));
    match (sides.next(), sides.next()) {
        (Some(a), Some(b)) if a == b => Err(only_once("multiport", b)),
        (Some(a), Some(b)) => {
            let order = |n: &str| ["source-ports", "destination-ports", "ports"].iter().position(|&o| o == n);
            let (first, second) = if order(a) < order(b) { (a, b) } else { (b, a) };
            Err(together("multiport", first, second))
        }
        _ => Ok(()),
    }
}

fn addr_types(list: &str) -> Res<u16> {
    let mut set = 0;
    for name in list.split(',') {
        match ADDR_TYPES.iter().position(|n| n.eq_ignore_ascii_case(name)) {
            Some(bit) => set |= 1 << bit,
            None => return Err(NfError::usage(format!("addrtype: bad type \"{name}\""))),
        }
    }
    Ok(set)
}

/// Bits of the states in `list`, of which the first `known` of [`STATE_NAMES`] may be used.
fn states(list: &str, known: usize) -> Result<u8, String> {
    let mut set = 0;
    for name in list.split(',') {
        match STATE_NAMES[..known].iter().position(|n| n.eq_ignore_ascii_case(name)) {
            Some(bit) => set |= 1 << bit,
            None => return Err(name.to_owned()),
        }
    }
    Ok(set)
}

fn conntrack(c: &mut ConntrackMatch, name: &'static str, value: &str, invert: bool) -> Res<()> {
    match name {
        "ctstate" => {
            let set = states(value, 7).map_err(|bad| NfError::usage(format!("Bad ctstate \"{bad}\"")))?;
            c.state = Some((set, invert));
        }
        "ctproto" => {
            let number = value.parse().ok().or_else(|| protocol_number(&value.to_ascii_lowercase()));
            let number =
                number.ok_or_else(|| NfError::usage(format!("unknown protocol \"{value}\" specified")))?;
            c.proto = Some((number, invert));
        }
        "ctstatus" => {
            let mut set = 0;
            for word in value.split(',') {
                match STATUS_NAMES.iter().position(|n| n.eq_ignore_ascii_case(word)) {
                    Some(bit) => set |= 1 << bit,
                    None if word.eq_ignore_ascii_case("NONE") => {}
                    None => return Err(NfError::usage(format!("Bad ctstatus \"{value}\""))),
                }
            }
            c.status = Some((set, invert));
        }
        "ctexpire" => {
            let (from, to) = value.split_once(':').unwrap_or((value, value));
            let from = if from.is_empty() { Ok(0) } else { from.parse() };
            let to = if to.is_empty() { Ok(u32::MAX) } else { to.parse() };
            match (from, to) {
                (Ok(from), Ok(to)) if from <= to => c.expire = Some((from, to, invert)),
                _ => return Err(bad_integer("conntrack", "ctexpire")),
            }
        }
        "ctdir" => {
            if invert {
                return Err(cannot_invert("conntrack", name));
            }
            c.reply = Some(match value.to_ascii_uppercase().as_str() {
                "ORIGINAL" => false,
                "REPLY" => true,
                _ => return Err(bad_value("conntrack", "--ctdir", value)),
            });
        }
        _ => {
            if let Some(at) = CT_ADDRS.iter().position(|&n| n == name) {
                c.addrs[at] = Some(address(value, invert)?);
            }
            if let Some(at) = CT_PORTS.iter().position(|&n| n == name) {
                let mut ports = Ports::ANY;
                set_port(&mut ports, value, invert, name, &[])?;
                c.ports[at] = Some(ports);
            }
        }
    }
    Ok(())
}

/// A number as strtoul reads it: decimal, `0x…`, `0…`.
fn number(text: &str) -> Option<u32> {
    let lower = text.to_ascii_lowercase();
    match lower.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None if lower.len() > 1 && lower.starts_with('0') => u32::from_str_radix(&lower[1..], 8).ok(),
        None => lower.parse().ok(),
    }
}

/// `VALUE` or `VALUE/MASK`.
fn mark(text: &str) -> Option<(u32, u32)> {
    match text.split_once('/') {
        None => Some((number(text)?, u32::MAX)),
        Some((value, mask)) => Some((number(value)?, number(mask)?)),
    }
}

/// Units of `--limit` in ten-thousandths of a second; the beginning of the name is enough.
const UNITS: [(&str, u32); 4] =
    [("second", 10_000), ("minute", 600_000), ("hour", 36_000_000), ("day", 864_000_000)];

fn rate(text: &str) -> Res<u32> {
    let bad = || NfError::usage(format!("bad rate \"{text}\"'"));
    let (count, unit) = text.split_once('/').unwrap_or((text, "second"));
    let unit_lower = unit.to_ascii_lowercase();
    let scale = UNITS.iter().find(|(name, _)| !unit.is_empty() && name.starts_with(&unit_lower));
    let &(_, scale) = scale.ok_or_else(bad)?;
    let count: u32 = count.parse().ok().filter(|&n| n > 0).ok_or_else(bad)?;
    match scale / count {
        0 => Err(NfError::usage(format!("Rate too fast \"{text}\""))),
        period => Ok(period),
    }
}

/// A target as `-j NAME` loads it; None if it is no target (then it is a chain).
pub(super) fn new_target(name: &str) -> Option<Target> {
    let range = NatRange::default();
    Some(match name {
        "ACCEPT" => Target::Accept,
        "DROP" => Target::Drop,
        "RETURN" => Target::Return,
        "REJECT" => Target::Reject(RejectWith::Icmp(3)),
        "LOG" => Target::Log(LogSpec { prefix: "".into(), level: 4, flags: 0 }),
        "DNAT" => Target::Dnat(range),
        "SNAT" => Target::Snat(range),
        "MASQUERADE" => Target::Masquerade(range),
        "REDIRECT" => Target::Redirect(range),
        "MARK" => Target::Mark { value: 0, mask: 0 },
        "CT" => Target::Ct(false),
        "NOTRACK" => Target::Notrack,
        "NETMAP" => Target::Netmap(0, 0),
        _ => return Alter::new(name).map(Target::Alter),
    })
}

/// The name after `-j`.
pub(super) const fn target_name(t: &Target) -> &'static str {
    match t {
        Target::Accept => "ACCEPT",
        Target::Drop => "DROP",
        Target::Return => "RETURN",
        Target::Reject(_) => "REJECT",
        Target::Log(_) => "LOG",
        Target::Dnat(_) => "DNAT",
        Target::Snat(_) => "SNAT",
        Target::Masquerade(_) => "MASQUERADE",
        Target::Redirect(_) => "REDIRECT",
        Target::Mark { .. } => "MARK",
        Target::Ct(_) => "CT",
        Target::Notrack => "NOTRACK",
        Target::Netmap(..) => "NETMAP",
        Target::Alter(alter) => alter.name(),
        Target::None | Target::Jump(_) | Target::Goto(_) => "",
    }
}

/// The options of a target.
pub(super) const fn target_options(t: &Target) -> Options {
    match t {
        Target::Reject(_) => &[("reject-with", 1)],
        Target::Log(_) => &[
            ("log-prefix", 1),
            ("log-level", 1),
            ("log-tcp-sequence", 0),
            ("log-tcp-options", 0),
            ("log-ip-options", 0),
            ("log-uid", 0),
            ("log-macdecode", 0),
        ],
        Target::Dnat(_) => &[("to-destination", 1), ("random", 0), ("persistent", 0)],
        Target::Snat(_) => &[("to-source", 1), ("random", 0), ("random-fully", 0), ("persistent", 0)],
        Target::Masquerade(_) => &[("to-ports", 1), ("random", 0), ("random-fully", 0)],
        Target::Redirect(_) => &[("to-ports", 1), ("random", 0)],
        Target::Mark { .. } => {
            &[("set-mark", 1), ("set-xmark", 1), ("and-mark", 1), ("or-mark", 1), ("xor-mark", 1)]
        }
        Target::Ct(_) => &[("notrack", 0)],
        Target::Netmap(..) => &[("to", 1)],
        Target::Alter(alter) => alter.options(),
        _ => &[],
    }
}

/// One option of a target.
pub(super) fn apply_target(
    t: &mut Target,
    name: &'static str,
    values: &[&str],
    proto: Option<u8>,
) -> Res<()> {
    let value = values.first().copied().unwrap_or("");
    match t {
        Target::Reject(with) => {
            *with = reject(value)?;
            Ok(())
        }
        Target::Log(spec) => log(spec, name, value),
        Target::Dnat(range) | Target::Snat(range) | Target::Masquerade(range) | Target::Redirect(range) => {
            match name {
                "random" => range.random = true,
                "random-fully" => range.random_fully = true,
                "persistent" => range.persistent = true,
                "to-ports" => range.ports = Some(to_ports(value, proto)?),
                _ => nat_range(range, value, proto)?,
            }
            Ok(())
        }
        Target::Mark { value: v, mask } => {
            (*v, *mask) = set_mark(name, value).ok_or_else(|| match name {
                "set-mark" | "set-xmark" => bad_integer("MARK", name),
                _ => out_of_range("MARK", name, u32::MAX),
            })?;
            Ok(())
        }
        Target::Netmap(to, mask) => {
            (*to, *mask) = network(value).ok_or_else(|| bad_value("NETMAP", "--to", value))?;
            Ok(())
        }
        Target::Alter(alter) => alter.apply(name, value),
        Target::Ct(notrack) => {
            *notrack = true;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The ports of TCP and UDP need the protocol, too.
pub(super) fn check_protocol(m: &Match, proto: Option<u8>, given: &[&str]) -> Res<()> {
    match m {
        Match::Tcp { .. } if !given.is_empty() && proto != Some(6) => {
            Err(NfError::usage("TCP match requires '-p tcp'"))
        }
        Match::Udp { .. } if !given.is_empty() && proto != Some(17) => {
            Err(NfError::usage("UDP match requires '-p udp'"))
        }
        _ => Ok(()),
    }
}

/// What a target needs, once the line has been read.
pub(super) fn check_target(t: &Target, given: &[&str]) -> Res<()> {
    let has = |option: &str| given.contains(&option);
    match t {
        Target::Dnat(_) if !has("to-destination") => Err(must_specify("DNAT", "to-destination")),
        Target::Snat(_) if !has("to-source") => Err(must_specify("SNAT", "to-source")),
        Target::Netmap(..) if !has("to") => Err(must_specify("NETMAP", "to")),
        Target::Alter(alter) => alter.check(given),
        Target::Mark { .. } if given.is_empty() => {
            let text = "MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required";
            Err(NfError::usage(text))
        }
        Target::Mark { .. } if given.len() > 1 => Err(only_once("MARK", "set-xmark")),
        _ => Ok(()),
    }
}

/// Brings a rule to the form in which the kernel keeps it, so that equal rules compare equal.
pub(super) fn tidy(spec: &mut RuleSpec) {
    for m in &mut spec.matches {
        if let Match::Multiport { ports, .. } = m {
            ports.shrink_to_fit();
        }
    }
}

fn reject(name: &str) -> Res<RejectWith> {
    // The beginning of a name is enough; the first in the list that fits is taken.
    let begins = |full: &str| full.get(..name.len()).is_some_and(|f| f.eq_ignore_ascii_case(name));
    match REJECTS.iter().find(|&&(_, full, old)| begins(full) || begins(old)) {
        Some(&(code, ..)) => Ok(RejectWith::Icmp(code)),
        None if begins("tcp-reset") || begins("tcp-rst") => Ok(RejectWith::TcpReset),
        None => Err(NfError::usage(format!("unknown reject type \"{name}\""))),
    }
}

/// struct xt_log_info: prefix\[30\].
const LOG_PREFIX_MAX: usize = 29;

fn log(spec: &mut LogSpec, name: &str, value: &str) -> Res<()> {
    match name {
        "log-prefix" => {
            if value.is_empty() {
                return Err(NfError::usage("Argument must have a minimum length of 1 characters\n"));
            }
            if value.contains('\n') {
                return Err(NfError::usage("Newlines not allowed in --log-prefix"));
            }
            let mut end = LOG_PREFIX_MAX.min(value.len());
            while !value.is_char_boundary(end) {
                end -= 1;
            }
            spec.prefix = value[..end].into();
        }
        "log-level" => {
            let level = value.parse().ok().filter(|&l: &u8| l < 8).or_else(|| log_level(value));
            spec.level = level.ok_or_else(|| NfError::usage(format!("log level \"{value}\" unknown\n")))?;
        }
        flag => {
            let flag = flag.strip_prefix("log-").unwrap_or(flag);
            spec.flags |= LOG_FLAGS.iter().find(|&&(_, n)| n == flag).map_or(0, |&(bit, _)| bit);
        }
    }
    Ok(())
}

fn has_ports(proto: Option<u8>) -> Res<()> {
    match proto {
        Some(6 | 17 | 33 | 132) => Ok(()),
        // A map of ICMP identifiers is allowed too.
        Some(1) => Ok(()),
        _ => Err(NfError::usage("Need TCP, UDP, SCTP or DCCP with port specification")),
    }
}

fn to_ports(text: &str, proto: Option<u8>) -> Res<(u16, u16)> {
    has_ports(proto)?;
    let bad = || NfError::usage(format!("Port `{text}' not valid"));
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let first: u16 = from.parse().ok().or_else(|| service_port(from)).ok_or_else(bad)?;
    let last: u16 = to.parse().ok().or_else(|| service_port(to)).ok_or_else(bad)?;
    if first > last {
        return Err(NfError::usage(format!("Port range `{to}' funky")));
    }
    Ok((first, last))
}

/// `ADDRESS[/LENGTH or MASK]` of NETMAP.
fn network(text: &str) -> Option<(u32, u32)> {
    let (addr, mask) = text.split_once('/').unwrap_or((text, "32"));
    let addr: Ipv4Addr = addr.parse().ok()?;
    let mask = match mask.parse::<u8>() {
        Ok(len) if len <= 32 => u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0),
        _ => u32::from(mask.parse::<Ipv4Addr>().ok()?),
    };
    (mask.leading_ones() + mask.trailing_zeros() >= 32).then_some((u32::from(addr) & mask, mask))
}

fn nat_range(range: &mut NatRange, text: &str, proto: Option<u8>) -> Res<()> {
    let (addrs, ports) = match text.split_once(':') {
        Some((addrs, ports)) => (addrs, Some(ports)),
        None => (text, None),
    };
    if let Some(ports) = ports {
        has_ports(proto)?;
        nat_ports(range, ports)?;
    }
    if addrs.is_empty() && ports.is_some() {
        return Ok(());
    }
    let ip = |t: &str| t.parse::<Ipv4Addr>().map_err(|_| NfError::usage(format!("Bad IP address \"{t}\"")));
    let (from, to) = addrs.split_once('-').unwrap_or((addrs, addrs));
    range.addrs = Some((ip(from)?, ip(to)?));
    Ok(())
}

/// `80`, `80-90` or `80-90/70`.
fn nat_ports(range: &mut NatRange, text: &str) -> Res<()> {
    let (ports, base) = match text.split_once('/') {
        Some((ports, base)) => (ports, Some(base)),
        None => (text, None),
    };
    let one = |t: &str| {
        t.parse::<u16>()
            .ok()
            .or_else(|| service_port(t))
            .ok_or_else(|| NfError::usage(format!("Port `{t}' not valid")))
    };
    let (from, to) = ports.split_once('-').unwrap_or((ports, ports));
    let (first, last) = (one(from)?, one(to)?);
    if first > last {
        return Err(NfError::usage(format!("Port range `{to}' funky")));
    }
    range.ports = Some((first, last));
    range.base = base.map(one).transpose()?;
    Ok(())
}

fn set_mark(name: &str, text: &str) -> Option<(u32, u32)> {
    let (value, mask) = mark(text)?;
    // These take a value without a mask.
    let bits = number(text);
    Some(match name {
        "set-mark" => (value, mask | value),
        "set-xmark" => (value, mask),
        "and-mark" => (0, !bits?),
        "or-mark" => (bits?, bits?),
        _ => (bits?, 0),
    })
}

// ---- the option parser's own messages (libxtables, xtoptions.c); each ends its line twice

pub(super) fn cannot_invert(module: &str, option: &str) -> NfError {
    NfError::usage(format!("{module}: option \"--{option}\" cannot be inverted.\n"))
}
pub(super) fn only_once(module: &str, option: &str) -> NfError {
    NfError::usage(format!("{module}: option \"--{option}\" can only be used once.\n"))
}
pub(super) fn must_specify(module: &str, option: &str) -> NfError {
    NfError::usage(format!("{module}: option \"--{option}\" must be specified\n"))
}
pub(super) fn together(module: &str, first: &str, second: &str) -> NfError {
    NfError::usage(format!("{module}: option \"--{first}\" cannot be used together with \"--{second}\".\n"))
}
pub(super) fn bad_integer(module: &str, option: &str) -> NfError {
    NfError::usage(format!("{module}: bad integer value for option \"--{option}\", or out of range.\n"))
}
fn out_of_range(module: &str, option: &str, max: u32) -> NfError {
    NfError::usage(format!("{module}: bad value for option \"--{option}\", or out of range (0-{max}).\n"))
}
pub(super) fn bad_value(module: &str, option: &str, value: &str) -> NfError {
    NfError::usage(format!("{module}: Bad value for \"{option}\" option: \"{value}\""))
}
