//! Rules as `iptables-save` and `iptables -S` print them, option for option.

use std::fmt::Write;

use super::names::{ADDR_TYPES, REJECTS, TCP_FLAGS, protocol_name};
use super::rule::{
    AddrMatch, AddrTypes, ConntrackMatch, IfMatch, LogSpec, Match, NatRange, PortSide, Ports, RejectWith,
    RuleSpec, STATE_NAMES, Target, TcpFlagsMatch,
};
use super::{ChainId, Netfilter};
use std::net::Ipv4Addr;

/// The rule after `-A CHAIN`, with a space in front of each word.
pub(super) fn spec_text(spec: &RuleSpec, chain_name: impl Fn(ChainId) -> String) -> String {
    match_text(spec) + &target_text(spec, chain_name)
}

/// The part behind the matches: `-j` or `-g` and its options.
pub(super) fn target_text(spec: &RuleSpec, chain_name: impl Fn(ChainId) -> String) -> String {
    let mut out = String::new();
    target(&mut out, &spec.target, chain_name);
    out
}

/// The part that says which packets are meant.
pub(super) fn match_text(spec: &RuleSpec) -> String {
    let mut out = String::new();
    addr(&mut out, "-s", &spec.src);
    addr(&mut out, "-d", &spec.dst);
    device(&mut out, "-i", &spec.in_dev);
    device(&mut out, "-o", &spec.out_dev);
    if let Some((number, invert)) = spec.proto {
        out += bang(invert);
        match protocol_name(number) {
            Some(name) => push(&mut out, &["-p", name]),
            None => push(&mut out, &["-p", &number.to_string()]),
        }
    }
    match spec.fragment {
        Some(true) => out += " -f",
        Some(false) => out += " ! -f",
        None => {}
    }
    for m in &spec.matches {
        one_match(&mut out, m);
    }
    out
}

impl Netfilter {
    /// `spec` as a line of `iptables-save`, for the rule's place in `chain`.
    pub(super) fn line(&self, chain: ChainId, spec: &RuleSpec) -> String {
        let rest = spec_text(spec, |id| self.chain_name(id).to_owned());
        format!("-A {}{rest}", self.chain_name(chain))
    }
}

const fn bang(invert: bool) -> &'static str {
    if invert { " !" } else { "" }
}

fn push(out: &mut String, words: &[&str]) {
    for word in words {
        out.push(' ');
        out.push_str(word);
    }
}

/// `addr/len`, or `addr/mask` where the mask has holes.
pub(super) fn masked(addr: u32, mask: u32) -> String {
    let addr = Ipv4Addr::from(addr);
    let len = mask.leading_ones();
    if mask.count_ones() == len {
        format!("{addr}/{len}")
    } else {
        format!("{addr}/{}", Ipv4Addr::from(mask))
    }
}

fn addr(out: &mut String, flag: &str, m: &AddrMatch) {
    if !m.is_any() {
        out.push_str(bang(m.invert));
        push(out, &[flag, &masked(m.addr, m.mask)]);
    }
}

fn device(out: &mut String, flag: &str, m: &IfMatch) {
    if !m.is_any() {
        let plus = if m.is_prefix() { "+" } else { "" };
        let _ = write!(out, "{} {flag} {}{plus}", bang(m.invert), m.name()); // a String takes all
    }
}

fn ports(out: &mut String, flag: &str, p: &Ports) {
    if !p.is_any() {
        out.push_str(bang(p.invert));
        push(out, &[flag, &port_range(p.from, p.to, ':')]);
    }
}

/// `80` or `80:90`.
pub(super) fn port_range(from: u16, to: u16, between: char) -> String {
    if from == to { from.to_string() } else { format!("{from}{between}{to}") }
}

/// `SYN,ACK`, `NONE`.
pub(super) fn flag_names(set: u8) -> String {
    let names: Vec<_> = TCP_FLAGS.iter().filter(|&&(_, bit)| set & bit != 0).map(|&(name, _)| name).collect();
    if names.is_empty() { "NONE".to_owned() } else { names.join(",") }
}

/// `RELATED,ESTABLISHED`: the names of `set`'s bits.
pub(super) fn bit_names(set: u32, names: &[&str]) -> String {
    let named: Vec<_> =
        names.iter().enumerate().filter(|&(bit, _)| set >> bit & 1 == 1).map(|(_, &name)| name).collect();
    named.join(",")
}

/// A word in iptables-save's quotes, where it needs them (xtables_save_string).
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let mut out = String::from("\"");
    for c in word.chars() {
        if matches!(c, '"' | '\\' | '\'') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// The number of packets in a unit of time, as the limit match prints it (libxt_limit.c).
pub(super) fn rate(period: u32) -> String {
    const UNITS: [(&str, u32); 4] =
        [("day", 864_000_000), ("hour", 36_000_000), ("min", 600_000), ("sec", 10_000)];
    let mut unit = UNITS[0];
    for next in UNITS.into_iter().skip(1) {
        if period > next.1 || next.1 / period < next.1 % period {
            break;
        }
        unit = next;
    }
    format!("{}/{}", unit.1 / period, unit.0)
}

fn one_match(out: &mut String, m: &Match) {
    match m {
        Match::Tcp { sport, dport, flags, option } => tcp(out, sport, dport, *flags, *option),
        Match::Udp { sport, dport } => {
            *out += " -m udp";
            ports(out, "--sport", sport);
            ports(out, "--dport", dport);
        }
        Match::Icmp { kind, codes, invert } => {
            *out += " -m icmp";
            *out += bang(*invert);
            *out += " --icmp-type ";
            *out += &icmp_type_text(*kind, *codes);
        }
        Match::Multiport { side, ports, invert } => {
            let flag = match side {
                PortSide::Source => "--sports",
                PortSide::Destination => "--dports",
                PortSide::Either => "--ports",
            };
            let list: Vec<_> = ports.iter().map(|&(from, to)| port_range(from, to, ':')).collect();
            *out += " -m multiport";
            *out += bang(*invert);
            push(out, &[flag, &list.join(",")]);
        }
        Match::Addrtype { src, dst, limit_in, limit_out } => {
            *out += " -m addrtype";
            addr_types(out, "--src-type", *src);
            addr_types(out, "--dst-type", *dst);
            if *limit_in {
                *out += " --limit-iface-in";
            }
            if *limit_out {
                *out += " --limit-iface-out";
            }
        }
        Match::Conntrack(c) => conntrack(out, c),
        Match::State { set, invert } => {
            *out += " -m state";
            *out += bang(*invert);
            push(out, &["--state", &bit_names((*set).into(), &STATE_NAMES)]);
        }
        Match::Mark { value, mask, invert } => {
            *out += " -m mark";
            *out += bang(*invert);
            push(out, &["--mark", &mark_text(*value, *mask)]);
        }
        Match::Mac { addr, invert } => {
            *out += " -m mac";
            *out += bang(*invert);
            push(out, &["--mac-source", &addr.to_string()]);
        }
        Match::Simple(simple) => simple.save(out),
        Match::Limit { period, burst } => {
            *out += " -m limit";
            push(out, &["--limit", &rate(*period)]);
            if *burst != 5 {
                push(out, &["--limit-burst", &burst.to_string()]);
            }
        }
        Match::Owner => *out += " -m owner",
        Match::Comment(text) => push(out, &["-m comment --comment", &quoted(text)]),
    }
}

fn tcp(
    out: &mut String,
    sport: &Ports,
    dport: &Ports,
    flags: Option<TcpFlagsMatch>,
    option: Option<(u8, bool)>,
) {
    *out += " -m tcp";
    ports(out, "--sport", sport);
    ports(out, "--dport", dport);
    if let Some((kind, invert)) = option {
        *out += bang(invert);
        push(out, &["--tcp-option", &kind.to_string()]);
    }
    if let Some(f) = flags {
        *out += bang(f.invert);
        push(out, &["--tcp-flags", &flag_names(f.mask), &flag_names(f.set)]);
    }
}

/// `8`, `3/4` or `any`.
fn icmp_type_text(kind: u8, codes: (u8, u8)) -> String {
    match (kind, codes) {
        (0xff, _) => "any".to_owned(),
        (_, (0, 0xff)) => kind.to_string(),
        (_, (code, last)) if code == last => format!("{kind}/{code}"),
        (_, (from, to)) => format!("{kind}/{from}-{to}"),
    }
}

/// `0x1` or `0x1/0xff`.
pub(super) fn mark_text(value: u32, mask: u32) -> String {
    if mask == u32::MAX { format!("{value:#x}") } else { format!("{value:#x}/{mask:#x}") }
}

fn addr_types(out: &mut String, flag: &str, types: Option<AddrTypes>) {
    if let Some(types) = types {
        *out += bang(types.invert);
        push(out, &[flag, &bit_names(types.set.into(), &ADDR_TYPES)]);
    }
}

/// Names of the `--ctstatus` bits, in the order in which they are printed.
pub(super) const STATUS_NAMES: [&str; 4] = ["EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED"];
/// Options of the conntrack match that take an address.
pub(super) const CT_ADDRS: [&str; 4] = ["ctorigsrc", "ctorigdst", "ctreplsrc", "ctrepldst"];
/// Options of the conntrack match that take a port.
pub(super) const CT_PORTS: [&str; 4] = ["ctorigsrcport", "ctorigdstport", "ctreplsrcport", "ctrepldstport"];

fn conntrack(out: &mut String, c: &ConntrackMatch) {
    *out += " -m conntrack";
    *out += &conntrack_options(c, "--");
}

/// The options of `-m conntrack`, each behind `dashes`: `--` to save, nothing to list.
pub(super) fn conntrack_options(c: &ConntrackMatch, dashes: &str) -> String {
    let mut out = String::new();
    let mut put = |invert: bool, name: &str, value: String| {
        let _ = write!(out, "{} {dashes}{name} {value}", bang(invert)); // a String takes all
    };
    if let Some((set, invert)) = c.state {
        put(invert, "ctstate", bit_names(set.into(), &STATE_NAMES));
    }
    if let Some((proto, invert)) = c.proto {
        put(invert, "ctproto", proto.to_string());
    }
    for (name, addr) in CT_ADDRS.iter().zip(&c.addrs) {
        if let Some(a) = addr {
            let text =
                if a.mask == u32::MAX { Ipv4Addr::from(a.addr).to_string() } else { masked(a.addr, a.mask) };
            put(a.invert, name, text);
        }
    }
    for (name, ports) in CT_PORTS.iter().zip(&c.ports) {
        if let Some(p) = ports {
            put(p.invert, name, port_range(p.from, p.to, ':'));
        }
    }
    if let Some((set, invert)) = c.status {
        let text = if set == 0 { "NONE".to_owned() } else { bit_names(set.into(), &STATUS_NAMES) };
        put(invert, "ctstatus", text);
    }
    if let Some((from, to, invert)) = c.expire {
        put(invert, "ctexpire", if from == to { from.to_string() } else { format!("{from}:{to}") });
    }
    if let Some(reply) = c.reply {
        put(false, "ctdir", if reply { "REPLY" } else { "ORIGINAL" }.to_owned());
    }
    out
}

/// `icmp-port-unreachable`, `tcp-reset`.
pub(super) fn reject_text(with: RejectWith) -> &'static str {
    match with {
        RejectWith::TcpReset => "tcp-reset",
        RejectWith::Icmp(code) => {
            REJECTS.iter().find(|&&(c, ..)| c == code).map_or("icmp-port-unreachable", |&(_, name, _)| name)
        }
    }
}

fn target(out: &mut String, t: &Target, chain_name: impl Fn(ChainId) -> String) {
    match t {
        Target::None => {}
        Target::Accept => *out += " -j ACCEPT",
        Target::Drop => *out += " -j DROP",
        Target::Return => *out += " -j RETURN",
        Target::Jump(id) => push(out, &["-j", &chain_name(*id)]),
        Target::Goto(id) => push(out, &["-g", &chain_name(*id)]),
        Target::Reject(with) => push(out, &["-j REJECT --reject-with", reject_text(*with)]),
        Target::Log(spec) => log(out, spec),
        Target::Dnat(range) => {
            push(out, &["-j DNAT --to-destination", &range_text(range)]);
            range_flags(out, range, "--");
        }
        Target::Snat(range) => {
            push(out, &["-j SNAT --to-source", &range_text(range)]);
            range_flags(out, range, "--");
        }
        Target::Masquerade(range) => {
            *out += " -j MASQUERADE";
            to_ports(out, range);
            range_flags(out, range, "--");
        }
        Target::Redirect(range) => {
            *out += " -j REDIRECT";
            to_ports(out, range);
            range_flags(out, range, "--");
        }
        Target::Mark { value, mask } => {
            let _ = write!(out, " -j MARK --set-xmark {value:#x}/{mask:#x}"); // a String takes all
        }
        Target::Netmap(to, mask) => push(out, &["-j NETMAP --to", &netmap_text(*to, *mask)]),
        Target::Alter(alter) => alter.save(out),
        Target::Ct(notrack) => *out += if *notrack { " -j CT --notrack" } else { " -j CT" },
        Target::Notrack => *out += " -j NOTRACK",
    }
}

fn log(out: &mut String, spec: &LogSpec) {
    *out += " -j LOG";
    if !spec.prefix.is_empty() {
        push(out, &["--log-prefix", &quoted(&spec.prefix)]);
    }
    if spec.level != 4 {
        push(out, &["--log-level", &spec.level.to_string()]);
    }
    for (bit, name) in LOG_FLAGS {
        if spec.flags & bit != 0 {
            let _ = write!(out, " --log-{name}"); // a String takes all
        }
    }
}

/// The flags of LOG: bit and name, in the order in which they are printed.
pub(super) const LOG_FLAGS: [(u8, &str); 5] =
    [(1, "tcp-sequence"), (2, "tcp-options"), (4, "ip-options"), (8, "uid"), (32, "macdecode")];

/// `10.0.0.0/24`.
pub(super) fn netmap_text(to: u32, mask: u32) -> String {
    format!("{}/{}", Ipv4Addr::from(to), mask.leading_ones())
}

/// `1.2.3.4-1.2.3.9:80-90/70`.
pub(super) fn range_text(range: &NatRange) -> String {
    let mut out = String::new();
    if let Some((from, to)) = range.addrs {
        let _ = if from == to { write!(out, "{from}") } else { write!(out, "{from}-{to}") };
    }
    if let Some((from, to)) = range.ports {
        out.push(':');
        out += &port_range(from, to, '-');
        if let Some(base) = range.base {
            let _ = write!(out, "/{base}"); // a String takes all
        }
    }
    out
}

fn to_ports(out: &mut String, range: &NatRange) {
    if let Some((from, to)) = range.ports {
        push(out, &["--to-ports", &port_range(from, to, '-')]);
    }
}

/// ` --random` and so on, each behind `dashes`.
pub(super) fn range_flags(out: &mut String, range: &NatRange, dashes: &str) {
    for (on, name) in
        [(range.random, "random"), (range.random_fully, "random-fully"), (range.persistent, "persistent")]
    {
        if on {
            let _ = write!(out, " {dashes}{name}"); // a String takes all
        }
    }
}
