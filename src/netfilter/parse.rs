//! An `iptables` command line as data. Options are looked up in one table for each module, and
//! a long option may be shortened to the beginning of one name only, as getopt_long allows.

use std::net::Ipv4Addr;

use super::TableKind;
use super::command::no_filtering;
use super::modules::{self, apply_match, apply_target, match_options, new_match, new_target, target_options};
use super::names::protocol_number;
use super::rule::{AddrMatch, IfMatch, NfError, RuleSpec, Target};

/// What a command line asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Append,
    Insert,
    Delete,
    DeleteNumber,
    Replace,
    Check,
    Flush,
    Zero,
    ZeroNumber,
    NewChain,
    DeleteChain,
    RenameChain,
    Policy,
    List,
    ListRules,
    Version,
    Help,
}

/// A parsed command line.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub op: Op,
    pub table: TableKind,
    pub chain: Option<String>,
    /// From 1.
    pub number: Option<u32>,
    /// `-E`: the new name; `-P`: the policy.
    pub name: Option<String>,
    /// One for each pair of `-s` and `-d` addresses.
    pub specs: Vec<RuleSpec>,
    /// `-j` or `-g` to something that is no target: a chain, and true for `-g`.
    pub jump: Option<(String, bool)>,
    /// `-c`.
    pub counters: (u64, u64),
    /// `-n`, `-v`, `-x`, `--line-numbers`.
    pub numeric: bool,
    pub verbose: bool,
    pub exact: bool,
    pub numbers: bool,
    /// `-L -Z`: print, then set the counters to nothing.
    pub also_zero: bool,
}

type Res<T> = Result<T, NfError>;

/// Reads `args`, the words after `iptables`.
pub(super) fn parse(args: &[&str]) -> Res<Line> {
    let mut p = Parser::new(args);
    while let Some(&word) = args.get(p.at) {
        p.at += 1;
        p.word(word)?;
    }
    p.finish()
}

/// Options of iptables itself: short, long, how many words follow.
const CORE: &[(Option<char>, &str, u8)] = &[
    (Some('A'), "append", 1),
    (Some('D'), "delete", 1),
    (Some('C'), "check", 1),
    (Some('I'), "insert", 1),
    (Some('R'), "replace", 1),
    (Some('L'), "list", 0),
    (Some('S'), "list-rules", 0),
    (Some('F'), "flush", 0),
    (Some('Z'), "zero", 0),
    (Some('N'), "new-chain", 1),
    (Some('N'), "new", 1),
    (Some('X'), "delete-chain", 0),
    (Some('E'), "rename-chain", 1),
    (Some('P'), "policy", 1),
    (Some('s'), "source", 1),
    (Some('s'), "src", 1),
    (Some('d'), "destination", 1),
    (Some('d'), "dst", 1),
    (Some('p'), "protocol", 1),
    (Some('p'), "proto", 1),
    (Some('i'), "in-interface", 1),
    (Some('o'), "out-interface", 1),
    (Some('j'), "jump", 1),
    (Some('g'), "goto", 1),
    (Some('m'), "match", 1),
    (Some('t'), "table", 1),
    (Some('n'), "numeric", 0),
    (Some('v'), "verbose", 0),
    (Some('x'), "exact", 0),
    (Some('f'), "fragments", 0),
    (Some('w'), "wait", 0),
    (Some('W'), "wait-interval", 1),
    (Some('c'), "set-counters", 1),
    (Some('4'), "ipv4", 0),
    (Some('V'), "version", 0),
    (Some('h'), "help", 0),
    (None, "line-numbers", 0),
    (None, "modprobe", 1),
];

/// Who understands a long option.
#[derive(Clone, Copy)]
enum Owner {
    Core(char),
    Match(usize),
    Target,
}

struct Parser<'a> {
    args: &'a [&'a str],
    at: usize,
    invert: bool,
    op: Option<(Op, char)>,
    line: Line,
    spec: RuleSpec,
    srcs: Option<(String, bool)>,
    dsts: Option<(String, bool)>,
    target: Option<Target>,
    seen: Vec<char>,
    /// Options already given, by the match (None: the target): most may be given once only.
    given: Vec<(Option<usize>, &'static str)>,
}

impl<'a> Parser<'a> {
    fn new(args: &'a [&'a str]) -> Self {
        let line = Line {
            op: Op::List,
            table: TableKind::Filter,
            chain: None,
            number: None,
            name: None,
            specs: Vec::new(),
            jump: None,
            counters: (0, 0),
            numeric: false,
            verbose: false,
            exact: false,
            numbers: false,
            also_zero: false,
        };
        Self {
            args,
            at: 0,
            invert: false,
            op: None,
            line,
            spec: RuleSpec::default(),
            srcs: None,
            dsts: None,
            target: None,
            seen: Vec::new(),
            given: Vec::new(),
        }
    }

    fn word(&mut self, word: &str) -> Res<()> {
        if word == "!" {
            if self.invert {
                return Err(NfError::usage("multiple consecutive ! not allowed"));
            }
            self.invert = true;
            return Ok(());
        }
        if let Some(long) = word.strip_prefix("--").filter(|l| !l.is_empty()) {
            return self.long(word, long);
        }
        match word.strip_prefix('-').filter(|w| !w.is_empty() && *w != "-") {
            Some(short) => self.short(short),
            None => Err(NfError::stray(word)),
        }
    }

    fn long(&mut self, word: &str, long: &str) -> Res<()> {
        let (name, attached) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        };
        let mut found = self.lookup(name);
        if found.is_none() && self.load_protocol_match() {
            found = self.lookup(name);
        }
        let Some((owner, name, words)) = found else {
            let typed = word.split('=').next().unwrap_or(word);
            return Err(NfError::usage(format!("unknown option \"{typed}\"")));
        };
        let mut values = Vec::new();
        values.extend(attached);
        while values.len() < usize::from(words) {
            let Some(&value) = self.args.get(self.at) else {
                return Err(NfError::usage(format!("option \"{word}\" requires an argument")));
            };
            self.at += 1;
            values.push(value);
        }
        let invert = std::mem::take(&mut self.invert);
        match owner {
            Owner::Core(c) => {
                self.invert = invert;
                self.core(c, name, values.first().copied())
            }
            Owner::Match(i) => {
                let module = modules::match_name(&self.spec.matches[i]);
                self.once(Some(i), module, name)?;
                let given = self.given_to(Some(i));
                let proto = self.spec.proto.map(|(p, _)| p);
                apply_match(&mut self.spec.matches[i], name, invert, &values, proto, &given)
            }
            Owner::Target => {
                let target = self.target.as_mut().expect("only a target has target options");
                let module = modules::target_name(target);
                if invert {
                    return Err(modules::cannot_invert(module, name));
                }
                let proto = self.spec.proto.map(|(p, _)| p);
                apply_target(target, name, &values, proto)?;
                self.once(None, module, name)
            }
        }
    }

    /// The options that were given to a match, or the target.
    fn given_to(&self, owner: Option<usize>) -> Vec<&'static str> {
        self.given.iter().filter(|(o, _)| *o == owner).map(|&(_, name)| name).collect()
    }

    /// Notes that an option was given; refuses a second time where iptables does.
    fn once(&mut self, owner: Option<usize>, module: &str, name: &'static str) -> Res<()> {
        // These two count for themselves, in their own words.
        let own = matches!(module, "tcp" | "multiport");
        let name = match (module, name) {
            ("udp", "sport") => "source-port",
            ("udp", "dport") => "destination-port",
            _ => name,
        };
        if !own && self.given.contains(&(owner, name)) {
            return Err(modules::only_once(module, name));
        }
        self.given.push((owner, name));
        Ok(())
    }

    /// Who has a long option `name`, its full name, and how many words it takes.
    fn lookup(&self, name: &str) -> Option<(Owner, &'static str, u8)> {
        let core = CORE.iter().map(|&(c, n, words)| (Owner::Core(c.unwrap_or(' ')), n, words));
        let matches =
            self.spec.matches.iter().enumerate().flat_map(|(i, m)| {
                match_options(m).iter().map(move |&(n, words)| (Owner::Match(i), n, words))
            });
        let target = self.target.iter().flat_map(|t| target_options(t).iter());
        let target = target.map(|&(n, words)| (Owner::Target, n, words));
        let all: Vec<_> = target.chain(core).chain(matches.rev()).collect();
        if let Some(exact) = all.iter().find(|o| o.1 == name) {
            return Some(*exact);
        }
        let mut close = all.iter().filter(|o| o.1.starts_with(name));
        let first = close.next()?;
        let same = |o: &&(Owner, &str, u8)| match (o.0, first.0) {
            (Owner::Core(a), Owner::Core(b)) => a == b && a != ' ',
            _ => o.1 == first.1,
        };
        close.all(|o| same(&o)).then_some(*first)
    }

    /// `-p tcp --dport 80` means `-p tcp -m tcp --dport 80`.
    fn load_protocol_match(&mut self) -> bool {
        let name = match self.spec.proto {
            Some((1, _)) => "icmp",
            Some((6, _)) => "tcp",
            Some((17, _)) => "udp",
            _ => return false,
        };
        if self.spec.matches.iter().any(|m| modules::match_name(m) == name) {
            return false;
        }
        let module = new_match(name).expect("the three are known");
        self.spec.matches.push(module);
        true
    }

    fn short(&mut self, cluster: &str) -> Res<()> {
        let mut rest = cluster;
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            let known = CORE.iter().find(|o| o.0 == Some(c));
            let Some(&(_, name, words)) = known else {
                let shown = format!("-{cluster}");
                return Err(NfError::usage(format!("unknown option \"{shown}\"")));
            };
            if words == 0 {
                self.core(c, name, None)?;
                continue;
            }
            let value = if rest.is_empty() {
                let Some(&value) = self.args.get(self.at) else {
                    return Err(NfError::usage(format!("option \"-{c}\" requires an argument")));
                };
                self.at += 1;
                value.to_owned()
            } else {
                std::mem::take(&mut rest).to_owned()
            };
            return self.core(c, name, Some(&value));
        }
        Ok(())
    }

    /// The next word, if it is no option.
    fn operand(&mut self) -> Option<&'a str> {
        let word = *self.args.get(self.at)?;
        if word.starts_with('-') || word == "!" {
            return None;
        }
        self.at += 1;
        Some(word)
    }

    fn core(&mut self, c: char, name: &str, value: Option<&str>) -> Res<()> {
        let invert = std::mem::take(&mut self.invert);
        let value = value.unwrap_or("");
        if invert && !matches!(c, 's' | 'd' | 'p' | 'i' | 'o' | 'f') {
            return Err(NfError::usage(match c {
                'm' => "unexpected ! flag before --match".to_owned(),
                't' => "unexpected ! flag before --table".to_owned(),
                ' ' => format!("cannot have ! before --{name}"),
                _ => format!("cannot have ! before -{c}"),
            }));
        }
        match c {
            'A' => self.command(Op::Append, c, Some(value)),
            'C' => self.command(Op::Check, c, Some(value)),
            'D' => {
                self.command(Op::Delete, c, Some(value))?;
                if let Some(number) = self.operand() {
                    self.line.number = Some(rule_number(number)?);
                    self.op = Some((Op::DeleteNumber, c));
                }
                Ok(())
            }
            'I' => {
                self.command(Op::Insert, c, Some(value))?;
                self.line.number = self.operand().map(rule_number).transpose()?;
                Ok(())
            }
            'R' => {
                self.command(Op::Replace, c, Some(value))?;
                let Some(number) = self.operand() else {
                    return Err(NfError::usage("-R requires a rule number"));
                };
                self.line.number = Some(rule_number(number)?);
                Ok(())
            }
            'F' | 'X' | 'L' | 'S' | 'Z' => self.optional_chain(c),
            'N' => {
                self.command(Op::NewChain, c, Some(value))?;
                check_chain_name(value)
            }
            'E' | 'P' => {
                self.command(if c == 'E' { Op::RenameChain } else { Op::Policy }, c, Some(value))?;
                let Some(second) = self.operand() else {
                    let wants =
                        if c == 'E' { "old-chain-name and new-chain-name" } else { "a chain and a policy" };
                    return Err(NfError::usage(format!("-{c} requires {wants}")));
                };
                self.line.name = Some(second.to_owned());
                if c == 'E' { check_chain_name(second) } else { Ok(()) }
            }
            _ => self.core_option(c, name, value, invert),
        }
    }

    fn optional_chain(&mut self, c: char) -> Res<()> {
        let op = match c {
            'F' => Op::Flush,
            'X' => Op::DeleteChain,
            'L' => Op::List,
            'S' => Op::ListRules,
            _ => Op::Zero,
        };
        match (self.op, op) {
            // The one pair of commands that goes together.
            (Some((Op::List | Op::ListRules, _)), Op::Zero) => self.line.also_zero = true,
            (Some((Op::Zero, _)), Op::List | Op::ListRules) => {
                self.line.also_zero = true;
                self.op = Some((op, c));
            }
            _ => self.command(op, c, None)?,
        }
        self.line.chain = self.operand().map(str::to_owned).or(self.line.chain.take());
        if matches!(c, 'L' | 'S' | 'Z') && self.line.chain.is_some() {
            self.line.number = self.operand().map(rule_number).transpose()?;
            if c == 'Z' && self.line.number.is_some() {
                self.op = Some((Op::ZeroNumber, c));
            }
        }
        Ok(())
    }

    fn command(&mut self, op: Op, c: char, chain: Option<&str>) -> Res<()> {
        if let Some((_, before)) = self.op {
            return Err(NfError::usage(format!("Cannot use -{c} with -{before}")));
        }
        self.op = Some((op, c));
        self.line.chain = chain.map(str::to_owned);
        Ok(())
    }

    fn core_option(&mut self, c: char, name: &str, value: &str, invert: bool) -> Res<()> {
        if matches!(c, 's' | 'd' | 'p' | 'i' | 'o' | 'j' | 'g' | 'f' | 'c') {
            let key = if c == 'g' { 'j' } else { c };
            if self.seen.contains(&key) {
                return Err(NfError::usage(format!("multiple --{} options not allowed", long_name(key))));
            }
            self.seen.push(key);
        }
        match c {
            // Read last, as iptables does: its other complaints come first.
            's' => self.srcs = Some((value.to_owned(), invert)),
            'd' => self.dsts = Some((value.to_owned(), invert)),
            'p' => {
                let number = protocol(value)?;
                if number == 0 && invert {
                    return Err(NfError::usage("rule would never match protocol"));
                }
                self.spec.proto = (number != 0).then_some((number, invert));
            }
            'i' => self.spec.in_dev = interface(value, invert)?,
            'o' => self.spec.out_dev = interface(value, invert)?,
            'f' => self.spec.fragment = Some(!invert),
            'j' => self.jump(value)?,
            'g' => self.line.jump = Some((value.to_owned(), true)),
            'm' => {
                let module = new_match(value).ok_or_else(|| unknown_match(value))?;
                self.spec.matches.push(module);
            }
            't' => self.line.table = table(value)?,
            'n' => self.note('n', |l| l.numeric = true),
            'v' => self.line.verbose = true,
            'x' => self.note('x', |l| l.exact = true),
            'c' => self.counters(value)?,
            // How long to wait for the lock: nobody else holds one.
            'w' if self.args.get(self.at).is_some_and(|w| w.parse::<u32>().is_ok()) => {
                self.at += 1;
            }
            'V' if self.op.is_none() => self.op = Some((Op::Version, c)),
            'h' if self.op.is_none() => self.op = Some((Op::Help, c)),
            _ if name == "line-numbers" => self.note('0', |l| l.numbers = true),
            _ => {}
        }
        Ok(())
    }

    fn note(&mut self, key: char, set: impl FnOnce(&mut Line)) {
        self.seen.push(key);
        set(&mut self.line);
    }

    fn counters(&mut self, packets: &str) -> Res<()> {
        let bytes = match packets.split_once(',') {
            Some((_, bytes)) => Some(bytes),
            None => self.operand(),
        };
        let packets = packets.split(',').next().unwrap_or(packets);
        let Some(bytes) = bytes else {
            return Err(NfError::usage("-c requires packet and byte counter"));
        };
        let Ok(packets) = packets.parse() else {
            return Err(NfError::usage("-c packet counter not numeric"));
        };
        let Ok(bytes) = bytes.parse() else {
            return Err(NfError::usage("-c byte counter not numeric"));
        };
        self.line.counters = (packets, bytes);
        Ok(())
    }

    fn jump(&mut self, name: &str) -> Res<()> {
        check_target_name(name)?;
        match new_target(name) {
            Some(target) => self.target = Some(target),
            None => self.line.jump = Some((name.to_owned(), false)),
        }
        Ok(())
    }

    fn finish(mut self) -> Res<Line> {
        if self.invert {
            return Err(NfError::usage("nothing appropriate following !"));
        }
        let nat = self.line.table == TableKind::Nat;
        if nat && self.target == Some(Target::Drop) {
            return Err(no_filtering("DROP"));
        }
        for (i, m) in self.spec.matches.iter().enumerate() {
            modules::check_match(m, &self.given_to(Some(i)))?;
        }
        if let Some(target) = &self.target {
            modules::check_target(target, &self.given_to(None))?;
        }
        let Some((op, _)) = self.op else {
            return Err(NfError::usage("no command specified"));
        };
        self.line.op = op;
        self.check_options(op)?;
        self.check_direction()?;
        self.spec.target = self.target.take().unwrap_or_default();
        modules::tidy(&mut self.spec);
        self.line.specs = self.combinations()?;
        for (i, m) in self.spec.matches.iter().enumerate() {
            modules::check_protocol(m, self.spec.proto.map(|(p, _)| p), &self.given_to(Some(i)))?;
        }
        Ok(self.line)
    }

    /// Every source with every destination.
    fn combinations(&self) -> Res<Vec<RuleSpec>> {
        let read = |given: &Option<(String, bool)>| match given {
            Some((list, invert)) => addresses(list, *invert),
            None => Ok(vec![AddrMatch::default()]),
        };
        let (srcs, dsts) = (read(&self.srcs)?, read(&self.dsts)?);
        let several = srcs.len() * dsts.len() > 1;
        if several && srcs.iter().chain(&dsts).any(|a| a.invert) {
            return Err(NfError::usage("! not allowed with multiple source or destination IP addresses"));
        }
        if several && self.op.is_some_and(|(op, _)| op == Op::Replace) {
            return Err(NfError::usage("Replacement rule does not specify a unique address"));
        }
        let dsts = &dsts;
        let pairs = srcs.iter().flat_map(|&src| dsts.iter().map(move |&dst| (src, dst)));
        Ok(pairs.map(|(src, dst)| RuleSpec { src, dst, ..self.spec.clone() }).collect())
    }

    /// "Illegal option": not every command takes every option.
    fn check_options(&self, op: Op) -> Res<()> {
        let spec_allowed = matches!(op, Op::Append | Op::Insert | Op::Delete | Op::Replace | Op::Check);
        let list = matches!(op, Op::List);
        for &c in &self.seen {
            let ok = match c {
                's' | 'd' | 'p' | 'i' | 'o' | 'j' | 'f' => spec_allowed,
                'c' => matches!(op, Op::Append | Op::Insert | Op::Replace | Op::Policy),
                _ => list || matches!(op, Op::Version | Op::Help),
            };
            if !ok {
                let shown = if c == '0' { "--line-numbers".to_owned() } else { format!("-{c}") };
                return Err(NfError::usage(format!("Illegal option `{shown}' with this command")));
            }
        }
        Ok(())
    }

    fn check_direction(&self) -> Res<()> {
        let chain = self.line.chain.as_deref().unwrap_or("");
        let spec = matches!(self.line.op, Op::Append | Op::Insert | Op::Delete | Op::Replace | Op::Check);
        let bad = match chain {
            "PREROUTING" | "INPUT" if self.seen.contains(&'o') => 'o',
            "POSTROUTING" | "OUTPUT" if self.seen.contains(&'i') => 'i',
            _ => return Ok(()),
        };
        if spec {
            Err(NfError::usage(format!("Can't use --{} with {chain}", long_name(bad))))
        } else {
            Ok(())
        }
    }
}

/// How messages name an option.
fn long_name(letter: char) -> &'static str {
    match letter {
        's' => "source",
        'd' => "destination",
        'p' => "protocol",
        'i' => "in-interface",
        'o' => "out-interface",
        'j' => "jump",
        'f' => "fragments",
        _ => "set-counters",
    }
}

fn unknown_match(name: &str) -> NfError {
    NfError::usage(format!("Couldn't load match `{name}':No such file or directory\n"))
}

fn rule_number(word: &str) -> Res<u32> {
    word.parse()
        .ok()
        .filter(|&n| n > 0)
        .ok_or_else(|| NfError::usage(format!("Invalid rule number `{word}'")))
}

/// The table called `name`.
pub(super) fn table(name: &str) -> Res<TableKind> {
    TableKind::ALL.into_iter().find(|t| t.name() == name).ok_or_else(|| NfError {
        message: format!(
            "{}: table '{name}' does not exist\nPerhaps iptables or your kernel needs to be upgraded.",
            super::rule::IPTABLES
        ),
        exit: 3,
    })
}

/// Names of targets, which no chain may have.
const RESERVED: [&str; 4] = ["ACCEPT", "DROP", "QUEUE", "RETURN"];
/// XT_EXTENSION_MAXNAMELEN − 1.
const CHAIN_NAME_MAX: usize = 28;

fn check_chain_name(name: &str) -> Res<()> {
    if let Some(first @ ('-' | '!')) = name.chars().next() {
        return Err(NfError::usage(format!("chain name not allowed to start with `{first}'")));
    }
    if RESERVED.contains(&name) || new_target(name).is_some() {
        return Err(NfError::usage("chain name may not clash with target name"));
    }
    if name.len() > CHAIN_NAME_MAX {
        let text = format!("chain name `{name}' too long (must be under {} chars)", CHAIN_NAME_MAX + 1);
        return Err(NfError::usage(text));
    }
    if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(NfError::usage(format!("Invalid chain name `{name}'")));
    }
    Ok(())
}

fn check_target_name(name: &str) -> Res<()> {
    if name.is_empty() {
        return Err(NfError::usage("Invalid target name (too short)"));
    }
    if name.len() > CHAIN_NAME_MAX {
        return Err(NfError::usage(format!("Invalid target name `{name}' ({CHAIN_NAME_MAX} chars max)")));
    }
    if name.chars().any(char::is_whitespace) {
        return Err(NfError::usage(format!("Invalid target name `{name}'")));
    }
    Ok(())
}

fn protocol(value: &str) -> Res<u8> {
    let lower = value.to_ascii_lowercase();
    lower
        .parse()
        .ok()
        .or_else(|| protocol_number(&lower))
        .ok_or_else(|| NfError::usage(format!("unknown protocol \"{lower}\" specified")))
}

fn interface(value: &str, invert: bool) -> Res<IfMatch> {
    if value.is_empty() {
        return Err(NfError::usage("Empty interface is likely to be undesired"));
    }
    if value.len() > 15 {
        let text = format!("interface name `{value}' must be shorter than 16 characters");
        return Err(NfError::usage(text));
    }
    let (stem, prefix) = match value.strip_suffix('+') {
        Some(stem) => (stem, true),
        None => (value, false),
    };
    let weird = || {
        let text =
            format!("weird character in interface `{value}' ('/' and ' ' are not allowed by the kernel).");
        NfError::usage(text)
    };
    let name = if stem.is_empty() { Default::default() } else { stem.parse().map_err(|_| weird())? };
    Ok(IfMatch::new(name, prefix, invert))
}

fn addresses(list: &str, invert: bool) -> Res<Vec<AddrMatch>> {
    list.split(',').map(|one| address(one.trim(), invert)).collect()
}

/// `10.0.0.0/8`, `10/8`, `10.0.0.0/255.0.0.0`, `10.0.0.1`.
pub(super) fn address(text: &str, invert: bool) -> Res<AddrMatch> {
    let (host, mask) = match text.split_once('/') {
        Some((host, mask)) => (host, Some(mask)),
        None => (text, None),
    };
    let addr =
        host_address(host).ok_or_else(|| NfError::usage(format!("host/network `{host}' not found")))?;
    let mask = match mask {
        None => u32::MAX,
        Some(m) => match m.parse::<u32>() {
            Ok(0) => 0,
            Ok(len @ 1..=32) => u32::MAX << (32 - len),
            _ => match m.parse::<Ipv4Addr>() {
                Ok(dotted) => dotted.into(),
                Err(_) => return Err(NfError::usage(format!("invalid mask `{m}' specified"))),
            },
        },
    };
    Ok(AddrMatch { addr: addr & mask, mask, invert })
}

/// Up to four decimal parts; those that are left out are 0.
fn host_address(text: &str) -> Option<u32> {
    let mut bytes = [0; 4];
    let parts: Vec<_> = text.split('.').collect();
    if parts.len() > 4 {
        return None;
    }
    for (byte, part) in bytes.iter_mut().zip(parts) {
        let digits = !part.is_empty() && part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit());
        *byte = digits.then(|| part.parse().ok()).flatten()?;
    }
    Some(u32::from_be_bytes(bytes))
}
