//! What an `iptables` command line does to the tables. A command does all that it says or
//! nothing.

use std::sync::Arc;

use super::parse::{Line, Op, parse};
use super::rule::{Match, NfError, RuleSpec, Target};
use super::table::{Rule, Table, TooManyLinks};
use super::{ChainId, Hook, Netfilter, RuleId, TableKind};
use crate::time::Instant;

type Res<T> = Result<T, NfError>;

impl Netfilter {
    /// Does one `iptables` command line (without the word `iptables`), as the docker engine and
    /// the terminal give it: `-t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE`,
    /// also -I, -D (by rule and by number), -R, -F, -Z, -N, -X, -P, -E, -C. Listing (-L, -S) is
    /// text and belongs to the guest program `iptables`; here it changes nothing, like -V and -h.
    ///
    /// # Errors
    /// In iptables' own words; nothing is changed then.
    pub fn command(&mut self, args: &[&str]) -> Result<(), NfError> {
        let line = parse(args)?;
        self.execute(&line)
    }

    /// Does a parsed line.
    pub(super) fn execute(&mut self, line: &Line) -> Res<()> {
        let chain = line.chain.as_deref();
        match line.op {
            Op::Append | Op::Insert | Op::Replace | Op::Delete | Op::Check => self.rules(line),
            Op::DeleteNumber => self.delete_number(line),
            Op::Flush => {
                self.tables[line.table as usize].forget_reach();
                self.each_chain(line, |c| c.rules.edit().clear())
            }
            Op::Zero => self.zero(line),
            Op::List | Op::ListRules if line.also_zero => self.zero(line),
            Op::ZeroNumber => {
                // A number that no rule has is nobody's mistake here.
                if let Ok((id, at)) = self.place_of_rule(line) {
                    let rule = &mut self.chain_mut(line.table, id).rules.counters()[at];
                    (rule.packets, rule.bytes) = (0, 0);
                }
                Ok(())
            }
            Op::NewChain => self.new_chain(line.table, chain.unwrap_or("")),
            Op::DeleteChain => self.delete_chains(line.table, chain),
            Op::RenameChain => {
                self.rename_chain(line.table, chain.unwrap_or(""), line.name.as_deref().unwrap_or(""))
            }
            Op::Policy => self.policy(line),
            Op::List | Op::ListRules | Op::Version | Op::Help => Ok(()),
        }
    }

    fn zero(&mut self, line: &Line) -> Res<()> {
        self.each_chain(line, |c| {
            (c.packets, c.bytes) = (0, 0);
            c.counting |= c.made;
            c.rules.counters().iter_mut().for_each(|r| (r.packets, r.bytes) = (0, 0));
        })
    }

    /// The table, with its base chains made.
    pub(super) fn touch(&mut self, kind: TableKind) -> &mut Table {
        self.any = true;
        let names = &mut self.names;
        let table = &mut self.tables[kind as usize];
        table.make_present(|name| intern(names, name));
        table
    }

    fn chain_id(&self, kind: TableKind, name: &str) -> Option<ChainId> {
        self.tables[kind as usize].chain_named(name).map(|c| c.id)
    }

    /// Base chains exist in a table even before a command has named it.
    fn existing_chain(&mut self, kind: TableKind, name: &str) -> Option<ChainId> {
        if kind.hooks().iter().any(|h| h.chain_name() == name) {
            self.touch(kind);
        }
        self.chain_id(kind, name)
    }

    fn rules(&mut self, line: &Line) -> Res<()> {
        let name = line.chain.as_deref().unwrap_or("");
        let jump = match &line.jump {
            None => None,
            Some((target, goto)) => {
                let found = self.chain_id(line.table, target);
                let base =
                    found.and_then(|id| self.tables[line.table as usize].chain(id)).filter(|c| c.is_base());
                match (found, base) {
                    (Some(id), None) => Some(if *goto { Target::Goto(id) } else { Target::Jump(id) }),
                    (Some(_), Some(_)) if matches!(line.op, Op::Delete | Op::Check) => return Err(bad_rule()),
                    (Some(_), Some(_)) => {
                        return Err(refused(line.op, line, "Operation not supported"));
                    }
                    (None, _) => return Err(NfError::usage(format!("Chain '{target}' does not exist"))),
                }
            }
        };
        let adds = matches!(line.op, Op::Append | Op::Insert | Op::Replace);
        let chain = self.existing_chain(line.table, name);
        let mut specs = line.specs.clone();
        if let Some(jump) = jump {
            specs.iter_mut().for_each(|s| s.target = jump.clone());
        }
        let Some(chain) = chain else {
            return Err(if adds { NfError::no_name() } else { bad_rule() });
        };
        match line.op {
            Op::Append => {
                let end = self.rules_in(line.table, chain).len();
                self.insert(line, chain, end, specs)
            }
            Op::Insert => {
                let at = line.number.map_or(0, |n| n as usize - 1);
                if at > self.rules_in(line.table, chain).len() {
                    return Err(NfError::plain("Index of insertion too big."));
                }
                self.insert(line, chain, at, specs)
            }
            Op::Replace => {
                let (_, at) = self.place_of_rule(line)?;
                let old = self.remove_rule(line.table, chain, at);
                self.insert(line, chain, at, specs).inspect_err(|_| {
                    self.tables[line.table as usize].forget_reach();
                    self.chain_mut(line.table, chain).rules.edit().insert(at, old);
                })
            }
            _ => {
                let mut doomed = Vec::new();
                for spec in &specs {
                    let rules = self.rules_in(line.table, chain);
                    let found = (0..rules.len()).find(|i| !doomed.contains(i) && *rules[*i].spec == *spec);
                    doomed.push(found.ok_or_else(bad_rule)?);
                }
                if line.op == Op::Delete {
                    doomed.sort_unstable();
                    for at in doomed.into_iter().rev() {
                        self.remove_rule(line.table, chain, at);
                    }
                }
                Ok(())
            }
        }
    }

    fn rules_in(&self, kind: TableKind, chain: ChainId) -> &[Rule] {
        self.tables[kind as usize].chain(chain).map_or(&[], |c| &c.rules)
    }

    fn chain_mut(&mut self, kind: TableKind, chain: ChainId) -> &mut super::Chain {
        self.tables[kind as usize].chain_mut(chain).expect("the chain was found in this table")
    }

    fn remove_rule(&mut self, kind: TableKind, chain: ChainId, at: usize) -> Rule {
        let rule = self.chain_mut(kind, chain).rules.edit().remove(at);
        if rule.spec.target.chain().is_some() {
            self.tables[kind as usize].forget_reach();
        }
        rule
    }

    /// Puts rules in, one after the other, from `at` on.
    fn insert(&mut self, line: &Line, chain: ChainId, at: usize, specs: Vec<RuleSpec>) -> Res<()> {
        let kind = line.table;
        let count = specs.len();
        let names = self.texts.len();
        let tracking = specs.iter().any(RuleSpec::needs_conntrack);
        let jumps = specs.iter().any(|s| s.target.chain().is_some());
        let picky = specs.iter().any(|s| !at_any_hook(s));
        let valid = specs.iter().all(|s| is_well_formed(s, kind));
        // Behind the last rule, an insertion is an addition.
        let last = at > 0 && at == self.rules_in(kind, chain).len();
        let op = if line.op == Op::Insert && last { Op::Append } else { line.op };
        if !valid {
            return Err(refused(op, line, "Invalid argument"));
        }
        // `-I` with several addresses puts each in front of the one before, as iptables does.
        let insert = line.op == Op::Insert;
        if let Some(chain) = self.tables[kind as usize].chain_mut(chain) {
            chain.made = true;
        }
        for (i, spec) in specs.into_iter().enumerate() {
            let rule = self.new_rule(chain, spec, line.counters);
            self.chain_mut(kind, chain).rules.edit().insert(if insert { at } else { at + i }, rule);
        }
        let links = match (jumps, picky) {
            (true, _) => self.check_links(kind),
            (false, true) => self.check_places(kind, chain, at..at + count),
            (false, false) => Ok(()),
        };
        // Who made a packet is not known here; where the kernel would not ask either, that is said instead.
        let owner = links.is_ok() && asks_owner(self.rules_in(kind, chain).get(at..at + count));
        let links = if owner { Err("") } else { links };
        if let Err(errno) = links {
            self.chain_mut(kind, chain).rules.edit().drain(at..at + count);
            self.tables[kind as usize].forget_reach();
            self.texts.truncate(names);
            if owner {
                let message = "netpier does not have -m owner: who made a packet is not known".to_owned();
                return Err(NfError { message, exit: 1 });
            }
            return Err(refused(op, line, errno));
        }
        if tracking {
            self.ct.turn_on();
        }
        Ok(())
    }

    fn new_rule(&mut self, chain: ChainId, spec: RuleSpec, (packets, bytes): (u64, u64)) -> Rule {
        let id = RuleId(self.texts.len() as u32);
        self.texts.push(self.line(chain, &spec).into());
        let full = |m: &Match| match m {
            // A bucket is full at first.
            Match::Limit { .. } => Some((u64::MAX, Instant::ZERO)),
            _ => None,
        };
        let buckets = spec.matches.iter().filter_map(full).collect();
        Rule { id, packets, bytes, spec: Arc::new(spec), buckets }
    }

    /// Rules that lead nowhere else, at `places` of a chain, stand only where they can work.
    fn check_places(
        &mut self,
        kind: TableKind,
        chain: ChainId,
        places: std::ops::Range<usize>,
    ) -> Result<(), &'static str> {
        let table = &mut self.tables[kind as usize];
        let hooks = table.hooks_to(chain).map_err(|TooManyLinks| "Too many links")?.to_vec();
        let rules = table.chain(chain).and_then(|c| c.rules.get(places)).unwrap_or(&[]);
        let fit = rules.iter().all(|r| hooks.iter().all(|&h| works_at(&r.spec, h)));
        if fit { Ok(()) } else { Err("Invalid argument") }
    }

    /// Chains must not lead in a circle, and targets stand only where they can work.
    pub(super) fn check_links(&mut self, kind: TableKind) -> Result<(), &'static str> {
        let table = &mut self.tables[kind as usize];
        table.forget_reach();
        let reach = table.reach().map_err(|TooManyLinks| "Too many links")?;
        for (chain, (_, hooks)) in table.chains().iter().zip(reach) {
            if !chain.rules.iter().all(|r| hooks.iter().all(|&h| works_at(&r.spec, h))) {
                return Err("Invalid argument");
            }
        }
        Ok(())
    }

    fn place_of_rule(&mut self, line: &Line) -> Res<(ChainId, usize)> {
        let chain = self.existing_chain(line.table, line.chain.as_deref().unwrap_or(""));
        let chain = chain.ok_or_else(NfError::no_name)?;
        let at = line.number.map_or(0, |n| n as usize - 1);
        if at < self.rules_in(line.table, chain).len() {
            return Ok((chain, at));
        }
        let made = self.tables[line.table as usize].chain(chain).is_some_and(|c| c.made);
        Err(match line.op {
            Op::Replace if made => NfError::plain("Index of replacement too big."),
            Op::DeleteNumber if made => NfError::plain("Index of deletion too big."),
            _ => NfError::no_name(),
        })
    }

    fn delete_number(&mut self, line: &Line) -> Res<()> {
        let (chain, at) = self.place_of_rule(line)?;
        self.remove_rule(line.table, chain, at);
        Ok(())
    }

    fn each_chain(&mut self, line: &Line, mut act: impl FnMut(&mut super::Chain)) -> Res<()> {
        match &line.chain {
            None => self.tables[line.table as usize].chains_mut().iter_mut().for_each(act),
            Some(name) => {
                let id = self.existing_chain(line.table, name).ok_or_else(NfError::no_name)?;
                if let Some(chain) = self.tables[line.table as usize].chain_mut(id) {
                    act(chain);
                }
            }
        }
        Ok(())
    }

    pub(super) fn new_chain(&mut self, kind: TableKind, name: &str) -> Res<()> {
        self.touch(kind);
        if self.chain_id(kind, name).is_some() {
            return Err(NfError::plain("Chain already exists."));
        }
        let (id, name) = intern(&mut self.names, name);
        self.tables[kind as usize].add_chain(id, name);
        Ok(())
    }

    fn delete_chains(&mut self, kind: TableKind, name: Option<&str>) -> Res<()> {
        let busy =
            |name: &str| NfError::kernel("CHAIN_DEL", "Device or resource busy", &format!("chain {name}"));
        let table = &mut self.tables[kind as usize];
        let doomed: Vec<ChainId> = match name {
            Some(name) => vec![self.existing_chain(kind, name).ok_or_else(NfError::no_name)?],
            None => table.chains().iter().filter(|c| !c.is_base()).map(|c| c.id).collect(),
        };
        let table = &mut self.tables[kind as usize];
        for &id in &doomed {
            let chain = table.chain(id).expect("it was found in this table");
            let one_only = name.is_some() && !chain.rules.is_empty();
            let others = table.chains().iter().filter(|c| name.is_some() || !doomed.contains(&c.id));
            let used = others.flat_map(|c| &c.rules).any(|r| r.spec.target.chain() == Some(id));
            if chain.is_base() || one_only || used || (name.is_none() && !chain.rules.is_empty()) {
                return Err(busy(&chain.name));
            }
        }
        doomed.into_iter().for_each(|id| table.remove_chain(id));
        Ok(())
    }

    fn rename_chain(&mut self, kind: TableKind, old: &str, new: &str) -> Res<()> {
        let id = self.existing_chain(kind, old).ok_or_else(NfError::no_name)?;
        if self.existing_chain(kind, new).is_some() {
            return Err(NfError::plain("File exists."));
        }
        if self.tables[kind as usize].chain(id).is_some_and(super::Chain::is_base) {
            return Err(NfError::no_name());
        }
        let (new_id, name) = intern(&mut self.names, new);
        let table = &mut self.tables[kind as usize];
        table.rename_chain(id, new_id, name);
        for rule in table.chains_mut().iter_mut().flat_map(|c| c.rules.edit()) {
            match rule.spec.target {
                Target::Jump(to) if to == id => Arc::make_mut(&mut rule.spec).target = Target::Jump(new_id),
                Target::Goto(to) if to == id => Arc::make_mut(&mut rule.spec).target = Target::Goto(new_id),
                _ => {}
            }
        }
        Ok(())
    }

    fn policy(&mut self, line: &Line) -> Res<()> {
        let (kind, counters) = (line.table, line.counters);
        let (chain, policy) = (line.chain.as_deref().unwrap_or(""), line.name.as_deref().unwrap_or(""));
        let accept = match policy {
            "ACCEPT" => true,
            "DROP" => false,
            _ => return Err(NfError::plain("Bad policy name. Run `dmesg' for more information.")),
        };
        if kind == TableKind::Nat && !accept {
            return Err(no_filtering("DROP"));
        }
        let id = self.existing_chain(kind, chain);
        let chain = id.and_then(|id| self.tables[kind as usize].chain_mut(id)).filter(|c| c.is_base());
        let chain = chain.ok_or_else(|| NfError::plain("Bad built-in chain name."))?;
        (chain.policy, chain.made, chain.counting) = (Some(accept), true, true);
        (chain.packets, chain.bytes) = counters;
        Ok(())
    }
}

/// The number of a name; the first time it is seen, a new one.
pub(super) fn intern(names: &mut Vec<Arc<str>>, name: &str) -> (ChainId, Arc<str>) {
    let at = names.iter().position(|n| &**n == name).unwrap_or_else(|| {
        names.push(name.into());
        names.len() - 1
    });
    (ChainId(at as u16), names[at].clone())
}

fn bad_rule() -> NfError {
    NfError::plain("Bad rule (does a matching rule exist in that chain?).")
}

pub(super) fn no_filtering(policy: &str) -> NfError {
    NfError::usage(format!(
        "\nThe \"nat\" table is not intended for filtering, the use of {policy} is therefore inhibited.\n\n"
    ))
}

fn refused(op: Op, line: &Line, errno: &str) -> NfError {
    let what = match op {
        Op::Insert => "RULE_INSERT",
        Op::Replace => "RULE_REPLACE",
        _ => "RULE_APPEND",
    };
    NfError::kernel(what, errno, &format!("rule in chain {}", line.chain.as_deref().unwrap_or("")))
}

fn asks_owner(rules: Option<&[Rule]>) -> bool {
    rules.into_iter().flatten().any(|r| r.spec.matches.contains(&Match::Owner))
}

/// What the kernel's checkentry functions refuse whatever the hook.
fn is_well_formed(spec: &RuleSpec, kind: TableKind) -> bool {
    let is = |proto: u8| spec.proto == Some((proto, false));
    let never = |a: &super::AddrMatch| a.mask == 0 && a.invert;
    let table = match &spec.target {
        Target::Reject(_) => kind == TableKind::Filter,
        nat if nat.is_nat() => kind == TableKind::Nat,
        Target::Alter(alter) => alter.fits(spec, kind),
        Target::Ct(_) | Target::Notrack => kind == TableKind::Raw,
        _ => true,
    };
    let reset = spec.target != Target::Reject(super::RejectWith::TcpReset) || is(6);
    let matches = spec.matches.iter().all(|m| match m {
        Match::Tcp { .. } => spec.proto.is_some_and(|(p, _)| p == 6),
        Match::Udp { .. } => spec.proto.is_some_and(|(p, _)| p == 17),
        Match::Icmp { .. } => is(1),
        _ => true,
    });
    table && reset && matches && !never(&spec.src) && !never(&spec.dst)
}

/// True if the rule works at every hook of its table.
fn at_any_hook(spec: &RuleSpec) -> bool {
    TableKind::ALL.iter().flat_map(|t| t.hooks()).all(|&h| works_at(spec, h))
}

/// True if the rule can stand where packets come from `hook`.
fn works_at(spec: &RuleSpec, hook: Hook) -> bool {
    use Hook::{Forward, Input, Output, Postrouting, Prerouting};
    let target = match &spec.target {
        Target::Reject(_) => matches!(hook, Input | Forward | Output),
        Target::Dnat(_) | Target::Redirect(_) => matches!(hook, Prerouting | Output),
        Target::Snat(_) => matches!(hook, Postrouting | Input),
        Target::Masquerade(_) => hook == Postrouting,
        Target::Netmap(..) => hook != Forward,
        Target::Alter(alter) => alter.works_at(hook),
        _ => true,
    };
    let arrives = matches!(hook, Prerouting | Input | Forward);
    target
        && spec.matches.iter().all(|m| match m {
            Match::Addrtype { limit_in: true, .. } => arrives,
            Match::Addrtype { limit_out: true, .. } => matches!(hook, Forward | Output | Postrouting),
            Match::Mac { .. } => arrives,
            Match::Owner => matches!(hook, Output | Postrouting),
            _ => true,
        })
}
