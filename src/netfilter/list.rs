//! What `iptables -L`, `-S`, `-V` and `-h` print.
//!
//! Addresses are never looked up: `-L` without `-n` names ports, protocols and "anywhere", but
//! prints addresses as numbers.

use std::fmt::Write;

use super::modules::target_name;
use super::names::{ADDR_TYPES, LOG_LEVELS, icmp_name, protocol_name, service_name};
use super::parse::{Line, Op, parse};
use super::print::{
    LOG_FLAGS, bit_names, conntrack_options, flag_names, mark_text, masked, match_text, port_range,
    range_flags, range_text, rate, reject_text, target_text,
};
use super::rule::{
    AddrMatch, AddrTypes, IPTABLES, IfMatch, LogSpec, Match, PortSide, Ports, RuleSpec, STATE_NAMES, Target,
};
use super::{Chain, Netfilter, NfError, Rule, TableKind};
use crate::wire::Ipv4Addr;

const USAGE: &str = include_str!("usage.txt");

impl Netfilter {
    /// What an `iptables` command line prints: the text of -L, -S, -V and -h; None for every
    /// other command, which prints nothing and is for [`Netfilter::command`] to do (`-L -Z`
    /// prints and is to be done, too).
    ///
    /// # Errors
    /// In iptables' own words.
    pub fn listing(&self, args: &[&str]) -> Result<Option<String>, NfError> {
        let line = parse(args)?;
        match line.op {
            Op::Version => Ok(Some(format!("{IPTABLES}\n"))),
            Op::Help => Ok(Some(format!("{IPTABLES}\n\n{USAGE}"))),
            Op::List | Op::ListRules => self.list(&line).map(Some),
            _ => Ok(None),
        }
    }

    fn list(&self, line: &Line) -> Result<String, NfError> {
        // A table that nobody has named yet shows its base chains all the same.
        let table = self.table(line.table);
        let fresh;
        let chains = if table.is_present() {
            table.chains()
        } else {
            fresh = empty_chains(line.table);
            &fresh[..]
        };
        let shown: Vec<&Chain> = match &line.chain {
            None => chains.iter().collect(),
            Some(name) => {
                let found = chains.iter().find(|c| *c.name == **name);
                vec![found.ok_or_else(NfError::no_name)?]
            }
        };
        let mut out = String::new();
        if line.op == Op::ListRules {
            self.list_rules(&mut out, line, &shown);
        } else {
            for (i, chain) in shown.into_iter().enumerate() {
                if i > 0 {
                    out.push('\n');
                }
                self.list_chain(&mut out, line, chain);
            }
        }
        if line.also_zero && line.verbose {
            let _ = writeln!(out, "Zeroing chain `{}'", line.chain.as_deref().unwrap_or(""));
        }
        Ok(out)
    }

    fn list_rules(&self, out: &mut String, line: &Line, chains: &[&Chain]) {
        // Writing to a String cannot fail.
        for chain in chains.iter().filter(|_| line.number.is_none()) {
            let _ = match chain.policy {
                Some(accept) => {
                    write!(out, "-P {} {}", chain.name, if accept { "ACCEPT" } else { "DROP" })
                }
                None => write!(out, "-N {}", chain.name),
            };
            if line.verbose && chain.is_base() {
                let _ = write!(out, " -c {} {}", chain.packets, chain.bytes);
            }
            out.push('\n');
        }
        for chain in chains {
            for rule in numbered(chain, line.number).map(|(_, r)| r) {
                let _ = write!(out, "-A {}{}", chain.name, match_text(&rule.spec));
                if line.verbose {
                    let _ = write!(out, " -c {} {}", rule.packets, rule.bytes);
                }
                *out += &target_text(&rule.spec, |id| self.chain_name(id).to_owned());
                out.push('\n');
            }
        }
    }

    fn list_chain(&self, out: &mut String, line: &Line, chain: &Chain) {
        if line.number.is_none() {
            self.heading(out, line, chain);
        }
        for (number, rule) in numbered(chain, line.number) {
            if line.numbers {
                let _ = write!(out, "{number:<4} ");
            }
            if line.verbose {
                *out += &count(rule.packets, line.exact);
                *out += &count(rule.bytes, line.exact);
            }
            self.row(out, line, &rule.spec);
            out.push('\n');
        }
    }

    fn heading(&self, out: &mut String, line: &Line, chain: &Chain) {
        let _ = write!(out, "Chain {} (", chain.name);
        match chain.policy {
            Some(accept) => {
                let _ = write!(out, "policy {}", if accept { "ACCEPT" } else { "DROP" });
                if line.verbose {
                    let short = |n| count(n, line.exact).trim().to_owned();
                    let _ = write!(out, " {} packets, {} bytes", short(chain.packets), short(chain.bytes));
                }
            }
            None => {
                let references = self.table(line.table).references(chain.id);
                let _ = write!(out, "{references} references");
            }
        }
        *out += ")\n";
        if line.numbers {
            *out += "num  ";
        }
        if line.verbose {
            *out += if line.exact { "    pkts      bytes " } else { " pkts bytes " };
        }
        *out += "target     prot opt";
        if line.verbose {
            *out += " in     out    ";
        }
        *out += " source               destination         \n";
    }

    fn row(&self, out: &mut String, line: &Line, spec: &RuleSpec) {
        let name = match spec.target.chain() {
            Some(id) => self.chain_name(id),
            None if spec.target == Target::Notrack => "CT",
            None => target_name(&spec.target),
        };
        let (proto, invert) = spec.proto.unwrap_or((0, false));
        let proto = match (proto, protocol_name(proto)) {
            (0, _) => "all".to_owned(),
            (_, Some(name)) => name.to_owned(),
            (number, None) => number.to_string(),
        };
        let opt = match spec.fragment {
            Some(true) => "-f",
            Some(false) => "!f",
            None => "--",
        };
        let _ = write!(out, "{name:<9} {}{proto:<4} {opt} ", if invert { '!' } else { ' ' });
        if line.verbose {
            let (input, output) = (device(&spec.in_dev, line), device(&spec.out_dev, line));
            let _ = write!(out, " {input:<6} {output:<6} ");
        }
        for addr in [&spec.src, &spec.dst] {
            let _ =
                write!(out, "{}{:<19} ", if addr.invert { '!' } else { ' ' }, address(addr, line.numeric));
        }
        if matches!(spec.target, Target::Goto(_)) {
            *out += "[goto] ";
        }
        for m in &spec.matches {
            one_match(out, m, line.numeric);
        }
        target(out, &spec.target, line.numeric);
    }
}

fn empty_chains(kind: TableKind) -> Vec<Chain> {
    let mut table = super::Table::new(kind);
    table.make_present(|name| (super::ChainId(u16::MAX - 1), name.into()));
    table.chains().to_vec()
}

/// The rules of a chain with their numbers, or the one that was asked for.
fn numbered(chain: &Chain, only: Option<u32>) -> impl Iterator<Item = (u32, &Rule)> {
    (1..).zip(&chain.rules).filter(move |(n, _)| only.is_none_or(|o| o == *n))
}

/// A counter, with K, M, G or T unless `exact` (xtables_print_num).
fn count(number: u64, exact: bool) -> String {
    if exact {
        return format!("{number:>8} ");
    }
    if number <= 99_999 {
        return format!("{number:>5} ");
    }
    let mut n = number;
    for unit in ['K', 'M', 'G'] {
        n = (n + 500) / 1000;
        if n <= 9999 {
            return format!("{n:>4}{unit} ");
        }
    }
    format!("{:>4}T ", (n + 500) / 1000)
}

fn device(m: &IfMatch, line: &Line) -> String {
    let bang = if m.invert { "!" } else { "" };
    let plus = if m.is_prefix() { "+" } else { "" };
    match m.is_any() {
        true if line.numeric => "*".to_owned(),
        true => "any".to_owned(),
        false => format!("{bang}{}{plus}", m.name()),
    }
}

fn address(m: &AddrMatch, numeric: bool) -> String {
    match m.mask {
        0 if !numeric => "anywhere".to_owned(),
        u32::MAX => Ipv4Addr::from(m.addr).to_string(),
        mask => masked(m.addr, mask),
    }
}

fn port(number: u16, numeric: bool) -> String {
    match service_name(number) {
        Some(name) if !numeric => name.to_owned(),
        _ => number.to_string(),
    }
}

fn ports(out: &mut String, name: &str, p: &Ports, numeric: bool) {
    if p.is_any() {
        return;
    }
    let bang = if p.invert { "!" } else { "" };
    let _ = if p.from == p.to {
        write!(out, " {name}:{bang}{}", port(p.from, numeric))
    } else {
        write!(out, " {name}s:{bang}{}:{}", port(p.from, numeric), port(p.to, numeric))
    };
}

fn one_match(out: &mut String, m: &Match, numeric: bool) {
    let bang = |invert: bool| if invert { "!" } else { "" };
    match m {
        Match::Tcp { sport, dport, flags, option } => {
            *out += " tcp";
            ports(out, "spt", sport, numeric);
            ports(out, "dpt", dport, numeric);
            if let Some((kind, invert)) = option {
                let _ = write!(out, " option={}{kind}", bang(*invert));
            }
            if let Some(f) = flags {
                let name = |bits| if numeric { format!("0x{bits:02X}") } else { flag_names(bits) };
                let _ = write!(out, " flags:{}{}/{}", bang(f.invert), name(f.mask), name(f.set));
            }
        }
        Match::Udp { sport, dport } => {
            *out += " udp";
            ports(out, "spt", sport, numeric);
            ports(out, "dpt", dport, numeric);
        }
        Match::Icmp { kind, codes, invert } => icmp(out, *kind, *codes, *invert, numeric),
        Match::Multiport { side, ports, invert } => {
            let side = match side {
                PortSide::Source => "sports",
                PortSide::Destination => "dports",
                PortSide::Either => "ports",
            };
            let list: Vec<_> = ports.iter().map(|&(from, to)| range(from, to, numeric)).collect();
            let _ = write!(out, " multiport {side} {}{}", if *invert { " !" } else { "" }, list.join(","));
        }
        Match::Addrtype { src, dst, limit_in, limit_out } => {
            *out += " ADDRTYPE match";
            types(out, "src-type", *src);
            types(out, "dst-type", *dst);
            *out += if *limit_in { " limit-in" } else { "" };
            *out += if *limit_out { " limit-out" } else { "" };
        }
        Match::Conntrack(c) => *out += &conntrack_options(c, ""),
        Match::State { set, invert } => {
            let bang = if *invert { "! " } else { "" };
            let _ = write!(out, " {bang}state {}", bit_names((*set).into(), &STATE_NAMES));
        }
        Match::Mark { value, mask, invert } => {
            let bang = if *invert { "! " } else { "" };
            let _ = write!(out, " mark match {bang}{}", mark_text(*value, *mask));
        }
        Match::Mac { addr, invert } => {
            let _ = write!(out, " MAC {}{addr}", if *invert { "! " } else { "" });
        }
        Match::Simple(simple) => simple.list(out),
        Match::Limit { period, burst } => {
            let _ = write!(out, " limit: avg {} burst {burst}", rate(*period));
        }
        Match::Owner => {}
        Match::Comment(text) => {
            let _ = write!(out, " /* {text} */");
        }
    }
}

fn range(from: u16, to: u16, numeric: bool) -> String {
    let (first, last) = (port(from, numeric), port(to, numeric));
    if from == to { first } else { format!("{first}:{last}") }
}

fn icmp(out: &mut String, kind: u8, codes: (u8, u8), invert: bool, numeric: bool) {
    let name = icmp_name(kind, codes).filter(|_| !numeric);
    let _ = match (name, codes) {
        (Some(name), _) => write!(out, " icmp {}{name}", if invert { "!" } else { "" }),
        (None, (0, 0xff)) => write!(out, " icmp{}type {kind}", if invert { " !" } else { "" }),
        (None, (code, _)) => write!(out, " icmp{}type {kind} code {code}", if invert { " !" } else { "" }),
    };
}

fn types(out: &mut String, name: &str, types: Option<AddrTypes>) {
    if let Some(t) = types {
        let bang = if t.invert { "!" } else { "" };
        let _ = write!(out, " {name} {bang}{}", bit_names(t.set.into(), &ADDR_TYPES));
    }
}

fn target(out: &mut String, t: &Target, numeric: bool) {
    match t {
        Target::Reject(with) => {
            let _ = write!(out, " reject-with {}", reject_text(*with));
        }
        Target::Log(spec) => log(out, spec, numeric),
        Target::Dnat(range) | Target::Snat(range) => {
            let _ = write!(out, " to:{}", range_text(range));
            range_flags(out, range, "");
        }
        Target::Masquerade(range) | Target::Redirect(range) => {
            let name = if matches!(t, Target::Masquerade(_)) { "masq ports:" } else { "redir ports" };
            if let Some((from, to)) = range.ports {
                let _ = write!(out, " {name} {}", port_range(from, to, '-'));
            }
            range_flags(out, range, "");
        }
        Target::Mark { value, mask } => {
            let _ = match (*value, *mask) {
                (0, mask) => write!(out, " MARK and {:#x}", !mask),
                (value, mask) if value == mask => write!(out, " MARK or {value:#x}"),
                (value, 0) => write!(out, " MARK xor {value:#x}"),
                (value, u32::MAX) => write!(out, " MARK set {value:#x}"),
                (value, mask) => write!(out, " MARK xset {value:#x}/{mask:#x}"),
            };
        }
        Target::Netmap(to, mask) => {
            let _ = write!(out, " to:{}", super::print::netmap_text(*to, *mask));
        }
        Target::Alter(alter) => alter.list(out),
        Target::Ct(true) => *out += " CT notrack",
        Target::Ct(false) => *out += " CT",
        Target::Notrack => *out += " NOTRACK",
        _ => {}
    }
}

fn log(out: &mut String, spec: &LogSpec, numeric: bool) {
    *out += " LOG";
    if numeric {
        let _ = write!(out, " flags {} level {}", spec.flags, spec.level);
    } else {
        let _ = write!(out, " level {}", LOG_LEVELS[usize::from(spec.level & 7)]);
        for (bit, name) in LOG_FLAGS {
            if spec.flags & bit != 0 {
                let _ = write!(out, " {name}");
            }
        }
    }
    if !spec.prefix.is_empty() {
        let _ = write!(out, " prefix \"{}\"", spec.prefix);
    }
}
