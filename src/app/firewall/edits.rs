//! Edits of rules as the commands that make them, and the what-ifs that follow from a pass.

use super::pass::{self, What};
use super::walk::{LineKind, Mark};
use super::{App, Chosen, FirewallAct};
use crate::netfilter::{MatchedTarget, NatKind, Netfilter, RuleId, TableKind};

/// What-ifs from other networks that are offered at most.
const MAX_FROM: usize = 2;

fn iptables(table: TableKind, rest: &str) -> String {
    let rest = rest.trim_end();
    if table == TableKind::Filter {
        format!("iptables {rest}")
    } else {
        format!("iptables -t {} {rest}", table.name())
    }
}

/// Takes a rule out.
pub fn off(rule: &Chosen) -> String {
    iptables(rule.table, &format!("-D {} {}", rule.chain, rule.number))
}

/// Puts a rule in before number `at`.
pub fn insert(rule: &Chosen, at: usize, spec: &str) -> String {
    iptables(rule.table, &format!("-I {} {at} {}", rule.chain, spec.trim()))
}

/// Puts another rule in a rule's place.
pub fn replace(rule: &Chosen, spec: &str) -> String {
    iptables(rule.table, &format!("-R {} {} {}", rule.chain, rule.number, spec.trim()))
}

/// Moves a rule one place up or down.
pub fn shift(rule: &Chosen, up: bool) -> String {
    let to = if up { rule.number.saturating_sub(1).max(1) } else { rule.number + 1 };
    format!("{} && {}", off(rule), insert(rule, to, &rule.full))
}

/// Where a rule stands in its chain, from 1.
pub(super) fn number(nf: &Netfilter, table: TableKind, chain: &str, rule: RuleId) -> Option<usize> {
    let chain = nf.table(table).chain_named(chain)?;
    chain.rules.iter().position(|r| r.id == rule).map(|i| i + 1)
}

/// A question that can be tried.
#[derive(Debug, Clone, PartialEq)]
pub struct WhatIf {
    /// Key of its words; `what` fills `{what}`.
    pub key: &'static str,
    /// A rule's word, a network's name, a container.
    pub what: String,
    /// The command.
    pub line: String,
    /// What trying it does.
    pub act: FirewallAct,
}

/// The what-ifs of the pass that is shown, by the rules that decided on it.
pub(super) fn what_ifs(app: &App, place: &str) -> Vec<WhatIf> {
    let mut out = Vec::new();
    let Some(kept) = &app.firewall.kept else { return out };
    let live = app.timeline.live();
    let Some(nf) = live.world.namespace(kept.key.2).map(|ns| &ns.nf) else { return out };
    let run = |line: &str| FirewallAct::Run { line: line.to_owned(), again: true };
    for station in kept.pass.stations.iter().filter(|s| s.skip.is_none()) {
        let What::Hook(_, table) = station.what else { continue };
        let Some(line) = pass::decisive(station) else { continue };
        let LineKind::Rule(id) = line.kind else { continue };
        let word = match line.mark {
            Mark::Matched(MatchedTarget::Nat) => match station.rewrite.map(|r| r.kind) {
                Some(NatKind::Destination) => "DNAT",
                Some(NatKind::Source) => "SNAT",
                None => continue,
            },
            Mark::Matched(MatchedTarget::Drop) => "DROP",
            Mark::Matched(MatchedTarget::Reject) => "REJECT",
            // That a known connection goes on is not worth a doubt.
            Mark::Matched(MatchedTarget::Accept) if !line.full.contains("ESTABLISHED") => "ACCEPT",
            _ => continue,
        };
        let number = number(nf, table, &line.chain, id);
        let rule = Chosen {
            table,
            chain: line.chain.clone(),
            rule: id,
            number: number.unwrap_or(line.number),
            full: line.full.clone(),
            off: number.is_none(),
        };
        let again = nf
            .table(table)
            .chain_named(&line.chain)
            .is_some_and(|c| c.rules.iter().any(|r| super::walk::spec(nf.rule_text(r.id)) == line.full));
        let (key, command) = match number {
            Some(_) => ("fw.if.without", off(&rule)),
            // It was switched off since (and not put back by another): it can come back.
            None if !again => ("fw.if.with", insert(&rule, line.number, &line.full)),
            None => continue,
        };
        let act = run(&command);
        out.push(WhatIf { key, what: word.to_owned(), line: command, act });
    }
    out.extend(local_only(app, place));
    out.extend(elsewhere(app, place));
    out
}

/// The container whose published port was used, published on 127.0.0.1 only.
fn local_only(app: &App, place: &str) -> Option<WhatIf> {
    let kept = app.firewall.kept.as_ref()?;
    let rewrite = kept
        .pass
        .stations
        .iter()
        .filter_map(|s| s.rewrite)
        .find(|r| r.first && r.kind == NatKind::Destination)?;
    let engine = app.timeline.live().node(place).ok()?.engine.as_ref()?;
    let target = rewrite.after.dst.addr;
    let container =
        engine.containers().iter().find(|c| c.endpoints.iter().any(|e| e.addr.addr() == target))?;
    let commands = app.lab.commands.iter().rev().filter(|c| c.at == place);
    let made = commands.map(|c| c.run.as_str()).find(|run| makes(run, &container.name))?;
    let bound = on_localhost(made, rewrite.before.dst.port)?;
    let line = format!("docker rm -f {} && {bound}", container.name);
    let act = FirewallAct::Run { line: line.clone(), again: true };
    Some(WhatIf { key: "fw.if.localhost", what: container.name.clone(), line, act })
}

/// Is it the command that made the container?
fn makes(run: &str, name: &str) -> bool {
    let words: Vec<&str> = run.split_whitespace().collect();
    let named = words.windows(2).any(|w| w == ["--name", name])
        || words.iter().any(|w| w.strip_prefix("--name=") == Some(name));
    run.starts_with("docker run ") && named
}

/// The command with `-p PORT:…` on 127.0.0.1; None if there is none that is open to everybody.
pub(super) fn on_localhost(run: &str, port: u16) -> Option<String> {
    let mut changed = false;
    let mut value = false;
    let words = run.split(' ').map(|word| {
        let bound = |v: &str| {
            let ours =
                v.split_once(':').filter(|(host, rest)| host.parse() == Ok(port) && !rest.contains(':'));
            ours.map(|_| format!("127.0.0.1:{v}"))
        };
        let before = std::mem::replace(&mut value, word == "-p" || word == "--publish");
        let new = if before {
            bound(word)
        } else if let Some(v) = word.strip_prefix("--publish=") {
            bound(v).map(|v| format!("--publish={v}"))
        } else if let Some(v) = word.strip_prefix("-p").filter(|v| !v.is_empty()) {
            bound(v).map(|v| format!("-p {v}"))
        } else {
            None
        };
        changed |= new.is_some();
        new.unwrap_or_else(|| word.to_owned())
    });
    let line = words.collect::<Vec<_>>().join(" ");
    changed.then_some(line)
}

/// The same request from the bridges that it did not come from.
fn elsewhere(app: &App, place: &str) -> Vec<WhatIf> {
    let live = app.timeline.live();
    let Some(engine) = live.node(place).ok().and_then(|n| n.engine.as_ref()) else { return Vec::new() };
    let Some(flow) = app.flows.current() else { return Vec::new() };
    let line = flow.line.trim();
    if line.is_empty() || line.starts_with("docker") || line.contains(['|', ';', '&', '<', '>', '$', '`']) {
        return Vec::new();
    }
    let home = flow.place.split_once(':').filter(|(host, _)| *host == place);
    let home = home.and_then(|(_, name)| engine.container(name));
    let near = |network: &str| home.is_some_and(|c| c.endpoints.iter().any(|e| e.network == network));
    let networks = engine.networks().iter().filter(|n| n.bridge.is_some() && !near(&n.name));
    let ask = |n: &crate::docker::Network| {
        let shown = if n.name == "bridge" { "docker0" } else { &n.name };
        let network = if n.name == "bridge" {
            String::new()
        } else {
            format!("--network {} ", crate::shell::quote(&n.name))
        };
        let line = format!("docker run --rm {network}nicolaka/netshoot {line}");
        let act = FirewallAct::From { place: place.to_owned(), line: line.clone() };
        WhatIf { key: "fw.if.from", what: shown.to_owned(), line, act }
    };
    networks.map(ask).take(MAX_FROM).collect()
}
