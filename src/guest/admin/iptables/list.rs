//! `iptables -L` and `-S`: the saved tables in the layout of iptables (xshared.c, print_header
//! and print_rule_details; the extensions' print functions).

use super::Listing;
use crate::guest::admin::ss::service;
use crate::netfilter::{Netfilter, NfError, TableKind};

/// A chain as it was saved.
#[derive(Debug, Clone)]
struct Chain<'a> {
    name: &'a str,
    /// `ACCEPT`, `DROP`; `-` for people's own chains.
    policy: &'a str,
    counters: (u64, u64),
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    counters: (u64, u64),
    /// After `-A CHAIN`.
    words: Vec<String>,
    text: String,
}

/// The text of a listing.
pub(super) fn list(nf: &Netfilter, l: &Listing) -> Result<String, NfError> {
    let kind = super::table(l.table.as_deref().unwrap_or("filter"));
    // The parser has refused unknown tables before.
    let kind = kind.unwrap_or(TableKind::Filter);
    let saved = nf.save(&[kind], true);
    let chains = if saved.is_empty() { untouched(kind) } else { read(&saved) };
    let wanted: Vec<&Chain<'_>> =
        chains.iter().filter(|c| l.chain.as_deref().is_none_or(|name| name == c.name)).collect();
    if wanted.is_empty() {
        let message = "iptables: No chain/target/match by that name.\n".to_owned();
        return Err(NfError { message, exit: 1 });
    }
    if l.rules {
        return Ok(commands(&wanted, l));
    }
    let references = |name: &str| {
        let jumps = |r: &&Rule| r.words.windows(2).any(|w| (w[0] == "-j" || w[0] == "-g") && w[1] == name);
        chains.iter().flat_map(|c| &c.rules).filter(jumps).count()
    };
    let mut out = String::new();
    for (i, chain) in wanted.iter().enumerate() {
        if l.number.is_none() {
            if i > 0 {
                out.push('\n');
            }
            header(chain, references(chain.name), l, &mut out);
        }
        for (n, rule) in chain.rules.iter().enumerate() {
            if l.number.is_none_or(|wanted| wanted == n + 1) {
                out += &line(rule, n + 1, l);
            }
        }
    }
    Ok(out)
}

/// The base chains of a table that no command has named yet.
fn untouched(kind: TableKind) -> Vec<Chain<'static>> {
    let chain = |name| Chain { name, policy: "ACCEPT", counters: (0, 0), rules: Vec::new() };
    kind.hooks().iter().map(|h| chain(h.chain_name())).collect()
}

/// Reads what `iptables-save -c` prints.
fn read(saved: &str) -> Vec<Chain<'_>> {
    let mut chains: Vec<Chain<'_>> = Vec::new();
    for line in saved.lines() {
        if let Some(rest) = line.strip_prefix(':') {
            let mut fields = rest.split(' ');
            let name = fields.next().unwrap_or_default();
            let policy = fields.next().unwrap_or_default();
            let counters = counters(fields.next().unwrap_or_default());
            chains.push(Chain { name, policy, counters, rules: Vec::new() });
        } else if let Some((count, rest)) = line.split_once("] -A ") {
            let (name, text) = rest.split_once(' ').unwrap_or((rest, ""));
            if let Some(chain) = chains.iter_mut().find(|c| c.name == name) {
                let rule = Rule { counters: counters(count), words: split(text), text: text.to_owned() };
                chain.rules.push(rule);
            }
        }
    }
    chains
}

/// `[packets:bytes]`.
fn counters(text: &str) -> (u64, u64) {
    let (packets, bytes) = text.trim_matches(['[', ']']).split_once(':').unwrap_or_default();
    (packets.parse().unwrap_or(0), bytes.parse().unwrap_or(0))
}

/// Words apart by blanks; `"…"` with `\` inside.
fn split(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut word, mut quoted) = (None::<String>, false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '\\' if quoted => word.get_or_insert_default().extend(chars.next()),
            ' ' if !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// `-S`.
fn commands(chains: &[&Chain<'_>], l: &Listing) -> String {
    let count = |c: (u64, u64)| if l.verbose { format!(" -c {} {}", c.0, c.1) } else { String::new() };
    let mut out = String::new();
    if l.number.is_none() {
        for chain in chains {
            out += &match chain.policy {
                "-" => format!("-N {}\n", chain.name),
                policy => format!("-P {} {policy}{}\n", chain.name, count(chain.counters)),
            };
        }
    }
    for chain in chains {
        for (n, rule) in chain.rules.iter().enumerate() {
            if l.number.is_none_or(|wanted| wanted == n + 1) {
                // The counters stand before the target, as nft_rule_save puts them.
                let text = match rule.text.find("-j ").filter(|_| l.verbose) {
                    Some(at) => format!(
                        "{}{} {}",
                        &rule.text[..at].trim_end(),
                        count(rule.counters),
                        &rule.text[at..]
                    ),
                    None => format!("{}{}", rule.text, count(rule.counters)),
                };
                let text = text.trim();
                let space = if text.is_empty() { "" } else { " " };
                out += &format!("-A {}{space}{text}\n", chain.name);
            }
        }
    }
    out
}

/// A counter of the table: short from 100,000 on, unless exact.
fn amount(n: u64, exact: bool) -> String {
    if exact || n <= 99_999 {
        return n.to_string();
    }
    let mut n = (n + 500) / 1000;
    for unit in ['K', 'M', 'G'] {
        if n <= 9999 {
            return format!("{n}{unit}");
        }
        n = (n + 500) / 1000;
    }
    format!("{n}T")
}

fn header(chain: &Chain<'_>, references: usize, l: &Listing, out: &mut String) {
    *out += &match (chain.policy, l.verbose) {
        ("-", _) => format!("Chain {} ({references} references)\n", chain.name),
        (policy, true) => {
            let (packets, bytes) = chain.counters;
            let (packets, bytes) = (amount(packets, l.exact), amount(bytes, l.exact));
            format!("Chain {} (policy {policy} {packets} packets, {bytes} bytes)\n", chain.name)
        }
        (policy, false) => format!("Chain {} (policy {policy})\n", chain.name),
    };
    if l.numbers {
        *out += "num  ";
    }
    match (l.verbose, l.exact) {
        (true, false) => *out += " pkts bytes ",
        (true, true) => *out += "    pkts      bytes ",
        _ => {}
    }
    *out += "target     prot opt";
    if l.verbose {
        *out += " in     out    ";
    }
    *out += &format!(" {:<19}  {:<19} \n", "source", "destination");
}

/// What a rule says, field by field.
#[derive(Debug, Default)]
struct Fields {
    source: Option<(bool, String)>,
    destination: Option<(bool, String)>,
    in_dev: Option<(bool, String)>,
    out_dev: Option<(bool, String)>,
    protocol: Option<(bool, String)>,
    target: String,
    goto: bool,
    fragment: Option<bool>,
    /// What the extensions say, each with a space in front.
    extras: String,
}

fn line(rule: &Rule, number: usize, l: &Listing) -> String {
    let f = fields(rule, l.numeric);
    let mut out = String::new();
    if l.numbers {
        out += &format!("{number:<4} ");
    }
    if l.verbose {
        let width = if l.exact { 8 } else { 5 };
        let (packets, bytes) = rule.counters;
        out += &format!("{:>width$} {:>width$} ", amount(packets, l.exact), amount(bytes, l.exact));
    }
    let (not, protocol) = f.protocol.unwrap_or((false, "all".into()));
    out += &format!("{:<9} {}{protocol:<4} ", f.target, if not { '!' } else { ' ' });
    out += match f.fragment {
        None => "-- ",
        Some(true) => "-f ",
        Some(false) => "!f ",
    };
    if l.verbose {
        let device = |d: Option<(bool, String)>| match d {
            Some((not, name)) => format!("{}{name}", if not { "!" } else { "" }),
            None => (if l.numeric { "*" } else { "any" }).to_owned(),
        };
        out += &format!(" {:<6} {:<6} ", device(f.in_dev), device(f.out_dev));
    }
    let address = |a: Option<(bool, String)>| match a {
        Some((not, text)) => {
            (if not { '!' } else { ' ' }, text.strip_suffix("/32").unwrap_or(&text).to_owned())
        }
        None => (' ', (if l.numeric { "0.0.0.0/0" } else { "anywhere" }).to_owned()),
    };
    let ((a, source), (b, destination)) = (address(f.source), address(f.destination));
    // Without the columns of -v the source follows a blank that stands for them.
    let lead = if l.verbose { "" } else { " " };
    let lead = if a == '!' { lead.trim_start() } else { lead };
    let mark = if l.verbose || a == '!' { a.to_string() } else { String::new() };
    out += &format!("{lead}{mark}{source:<19} {b}{destination:<19} ");
    if f.goto {
        out += " [goto]";
    }
    out += &f.extras;
    out.push('\n');
    out
}

fn fields(rule: &Rule, numeric: bool) -> Fields {
    let mut f = Fields::default();
    let mut words = rule.words.iter().map(String::as_str).peekable();
    let mut not = false;
    let mut module = String::new();
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_default().to_owned();
        match word {
            "!" => {
                not = true;
                continue;
            }
            "-s" => f.source = Some((not, value())),
            "-d" => f.destination = Some((not, value())),
            "-i" => f.in_dev = Some((not, value())),
            "-o" => f.out_dev = Some((not, value())),
            "-p" => f.protocol = Some((not, value())),
            "-f" => f.fragment = Some(!not),
            "-j" | "-g" => {
                f.target = value();
                f.goto = word == "-g";
                module = format!("-j {}", f.target);
            }
            "-m" => {
                module = value();
                f.extras += match module.as_str() {
                    "tcp" => " tcp",
                    "udp" => " udp",
                    "addrtype" => " ADDRTYPE match",
                    "multiport" => " multiport",
                    _ => "",
                };
            }
            option => {
                let takes_none = matches!(option, "--random" | "--random-fully" | "--persistent" | "--syn")
                    || option.starts_with("--log-tcp")
                    || option.starts_with("--log-ip")
                    || option == "--notrack"
                    || option == "--validmark";
                let text = if takes_none { String::new() } else { value() };
                let second = if option == "--tcp-flags" { words.next().unwrap_or_default() } else { "" };
                f.extras += &extra(&module, option, not, &text, second, numeric);
            }
        }
        not = false;
    }
    if f.target == "LOG" && !f.extras.contains(" LOG ") {
        f.extras += " LOG flags 0 level 4";
    }
    f
}

/// What an option of an extension looks like in a listing.
fn extra(module: &str, option: &str, not: bool, text: &str, second: &str, numeric: bool) -> String {
    let bang = if not { "!" } else { "" };
    let bang_space = if not { "! " } else { "" };
    let port = |p: &str| match p.parse().ok().and_then(service).filter(|_| !numeric) {
        Some(name) => name.to_owned(),
        None => p.to_owned(),
    };
    let ports = |what: &str| match text.split_once(':') {
        Some((from, to)) => format!(" {what}s:{bang}{}:{}", port(from), port(to)),
        None => format!(" {what}:{bang}{}", port(text)),
    };
    match (module, option) {
        (_, "--dport") => ports("dpt"),
        (_, "--sport") => ports("spt"),
        (_, "--tcp-flags") => format!(" flags:{bang}{}", tcp_flags(text, second)),
        (_, "--syn") => format!(" flags:{bang}0x17/0x02"),
        (_, "--tcp-option") => format!(" option={bang}{text}"),
        (_, "--icmp-type") => format!(" {bang}icmptype {text}"),
        ("multiport", _) => format!(" {}{} {text}", if not { " !" } else { "" }, &option[2..]),
        ("addrtype", "--dst-type" | "--src-type") => format!(" {} {bang}{text}", &option[2..]),
        ("addrtype", _) => format!(" {}", &option[2..]),
        ("conntrack" | "state", "--ctstate") => format!(" {bang}ctstate {text}"),
        ("state", "--state") => format!(" {bang}state {text}"),
        ("conntrack", _) => format!(" {bang_space}{} {text}", &option[2..]),
        ("comment", _) => format!(" /* {text} */"),
        ("mark", "--mark") => format!(" mark match {bang_space}{text}"),
        ("limit", "--limit") => format!(" limit: avg {text}"),
        ("limit", "--limit-burst") => format!(" burst {text}"),
        ("mac", "--mac-source") => format!(" MAC {bang}{text}"),
        ("-j DNAT", "--to-destination") | ("-j SNAT", "--to-source") => format!(" to:{text}"),
        ("-j REDIRECT", "--to-ports") => format!(" redir ports {text}"),
        ("-j MASQUERADE", "--to-ports") => format!(" masq ports: {text}"),
        ("-j REJECT", "--reject-with") => format!(" reject-with {text}"),
        ("-j LOG", "--log-prefix") => format!(" LOG flags 0 level 4 prefix \"{text}\""),
        ("-j LOG", "--log-level") => format!(" LOG level {text}"),
        ("-j MARK", "--set-xmark") => {
            let (value, mask) = text.split_once('/').unwrap_or((text, "0xffffffff"));
            if mask == "0xffffffff" { format!(" MARK set {value}") } else { format!(" MARK xset {text}") }
        }
        ("-j CT", "--notrack") => " CT notrack".into(),
        _ if text.is_empty() => format!(" {}", option.trim_start_matches('-')),
        _ => format!(" {bang_space}{} {text}", option.trim_start_matches('-')),
    }
}

/// `--tcp-flags MASK SET` in hexadecimal.
fn tcp_flags(mask: &str, set: &str) -> String {
    let bits = |names: &str| -> u8 {
        let one = |name: &str| match name {
            "FIN" => 1,
            "SYN" => 2,
            "RST" => 4,
            "PSH" => 8,
            "ACK" => 16,
            "URG" => 32,
            "ALL" => 63,
            _ => 0,
        };
        names.split(',').map(one).fold(0, |a, b| a | b)
    };
    format!("0x{:02X}/0x{:02X}", bits(mask), bits(set))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rule: &str, options: &str, expect: &str) {
        let l = Listing { numeric: true, verbose: options.contains('v'), ..Listing::default() };
        let rule = Rule { counters: (3, 180), words: split(rule), text: rule.to_owned() };
        assert_eq!(line(&rule, 1, &l), format!("{expect}\n"));
    }

    #[test]
    fn rules_are_laid_out_as_iptables_does() {
        check(
            "-d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT",
            "",
            "ACCEPT     tcp  --  0.0.0.0/0            172.17.0.2           tcp dpt:80",
        );
        check(
            "-d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT",
            "v",
            "    3   180 ACCEPT     tcp  --  !docker0 docker0  0.0.0.0/0            172.17.0.2           tcp dpt:80",
        );
        check(
            "-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
            "v",
            "    3   180 MASQUERADE  all  --  *      !docker0  172.17.0.0/16        0.0.0.0/0           ",
        );
        check(
            "! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER",
            "",
            "DOCKER     all  --  0.0.0.0/0           !127.0.0.0/8          ADDRTYPE match dst-type LOCAL",
        );
        check(
            "-p tcp -m tcp --dport 8080 -m comment --comment \"port forward\" -j DNAT --to-destination 10.0.0.2:80",
            "",
            "DNAT       tcp  --  0.0.0.0/0            0.0.0.0/0            tcp dpt:8080 /* port forward */ to:10.0.0.2:80",
        );
        check(
            "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            "",
            "ACCEPT     all  --  0.0.0.0/0            0.0.0.0/0            ctstate RELATED,ESTABLISHED",
        );
    }

    #[test]
    fn counters_get_short_from_a_hundred_thousand_on() {
        for (n, expect) in [(99_999, "99999"), (100_000, "100K"), (12_345_678, "12M"), (9_999_000, "9999K")] {
            assert_eq!(amount(n, false), expect);
        }
        assert_eq!(amount(12_345_678, true), "12345678");
    }
}
