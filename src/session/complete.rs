//! Completion: what could stand at the end of a half-typed line.

use super::Session;
use crate::docker::cli::{self, Wants};
use crate::guest::dns::Data;
use crate::guest::{self, MachineId};
use crate::shell::partial;

/// Programs whose operands are hosts.
const TAKE_HOSTS: &[&str] =
    &["ping", "curl", "wget", "traceroute", "nslookup", "dig", "getent", "nc", "arping", "udpq"];
use crate::netfilter::TableKind;

const ALL_TABLES: [TableKind; 4] = [TableKind::Raw, TableKind::Mangle, TableKind::Nat, TableKind::Filter];
/// Subcommands of `ip`, and their verbs.
const IP: &[&str] = &["addr", "link", "neigh", "route"];
const IP_VERBS: &[&str] = &["add", "del", "flush", "get", "replace", "set", "show"];

impl Session {
    /// What could stand at the end of `line`, at a place: the word's replacements, sorted. Empty
    /// for an unknown place.
    pub fn complete(&self, place: &str, line: &str) -> Vec<String> {
        let Ok(machine) = self.place(place) else { return Vec::new() };
        let Ok(node) = self.node_index(super::split_place(place).0) else { return Vec::new() };
        let partial = partial(line);
        let mut words = partial.words.as_slice();
        while words.first().is_some_and(|w| w == "sudo") {
            words = &words[1..];
        }
        let last = partial.word.as_str();
        let mut found = if partial.redirect {
            self.paths(machine, last)
        } else if words.is_empty() {
            self.known_words(node, machine).into_iter().map(str::to_owned).collect()
        } else if words[0] == "docker" {
            self.complete_docker(node, &words[1..], last)
        } else {
            self.complete_operand(node, machine, words, last)
        };
        found.retain(|w| w.starts_with(last));
        found.sort_unstable();
        found.dedup();
        found
    }

    fn complete_docker(&self, node: usize, words: &[String], last: &str) -> Vec<String> {
        let Some(engine) = self.nodes[node].engine.as_ref() else { return Vec::new() };
        // Inside `docker exec NAME …` the container's own commands come next.
        if words.first().is_some_and(|w| w == "exec") {
            let mut operands = words[1..].iter().enumerate().filter(|(_, w)| !w.starts_with('-'));
            if let Some((at, name)) = operands.next()
                && let Some(container) = engine.container(name)
            {
                let inner = &words[at + 2..];
                return if inner.is_empty() {
                    self.known_words(node, container.machine).into_iter().map(str::to_owned).collect()
                } else {
                    self.complete_operand(node, container.machine, inner, last)
                };
            }
        }
        let (mut found, wants) = cli::complete(words, last);
        match wants {
            Wants::Nothing => {}
            Wants::Container => found.extend(engine.containers().iter().map(|c| c.name.clone())),
            Wants::Network => found.extend(engine.networks().iter().map(|n| n.name.clone())),
            Wants::Image => found.extend(engine.image_names().map(str::to_owned)),
        }
        found
    }

    fn complete_operand(&self, node: usize, machine: MachineId, words: &[String], last: &str) -> Vec<String> {
        let name = words[0].as_str();
        let options = guest::info(name).map_or(&[][..], |i| i.options);
        if last.starts_with('-') {
            return options.iter().flat_map(|o| o.names).map(|n| (*n).to_owned()).collect();
        }
        let before = words.last().map_or("", String::as_str);
        let devices = || -> Vec<String> {
            let ns = self.world.machine(machine).and_then(|m| self.world.namespace(m.ns));
            ns.into_iter()
                .flat_map(|ns| ns.devices().map(|d| d.name.to_string()).collect::<Vec<_>>())
                .collect()
        };
        let all = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect();
        match name {
            _ if matches!(before, "dev" | "-i" | "-o" | "-I" | "master") => devices(),
            "ip" => match words.iter().filter(|w| !w.starts_with('-')).count() {
                1 => all(IP),
                2 => all(IP_VERBS),
                _ => {
                    let mut found = devices();
                    found.extend(["dev", "via", "src", "master", "up", "down"].map(str::to_owned));
                    found
                }
            },
            "iptables" => self.complete_iptables(machine, before),
            "help" | "which" | "type" => all(&self.known_words(node, machine)),
            _ if TAKE_HOSTS.contains(&name) => self.hosts(node, machine, last),
            _ => self.paths(machine, last),
        }
    }

    fn complete_iptables(&self, machine: MachineId, before: &str) -> Vec<String> {
        let fixed: &[&str] = match before {
            "-t" => &["filter", "mangle", "nat", "raw"],
            "-j" => &["ACCEPT", "DNAT", "DROP", "LOG", "MASQUERADE", "REJECT", "RETURN", "SNAT"],
            "-p" => &["icmp", "tcp", "udp"],
            "-m" => &["addrtype", "comment", "conntrack", "multiport"],
            _ => &[],
        };
        let mut found: Vec<String> = fixed.iter().map(|w| (*w).to_owned()).collect();
        let chain =
            matches!(before, "-A" | "-I" | "-D" | "-F" | "-L" | "-S" | "-P" | "-X" | "-R" | "-j" | "-C");
        let ns = self.world.machine(machine).and_then(|m| self.world.namespace(m.ns));
        if chain && let Some(ns) = ns {
            // A chain is declared by a line `:NAME …` of the saved tables.
            let saved = ns.nf.save(&ALL_TABLES, false);
            let chains = saved.lines().filter_map(|l| l.strip_prefix(':')?.split(' ').next());
            let base = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];
            found.extend(chains.filter(|c| before != "-j" || !base.contains(c)).map(str::to_owned));
        }
        found
    }

    /// Names and addresses that one might want to reach from here.
    fn hosts(&self, node: usize, machine: MachineId, last: &str) -> Vec<String> {
        let (scheme, _) = last.rfind("://").map_or(("", last), |at| last.split_at(at + 3));
        let mut found: Vec<String> = vec!["localhost".into()];
        for n in &self.nodes {
            found.extend(n.config.ports.iter().filter_map(|p| p.address).map(|a| a.addr().to_string()));
            for service in &n.config.services {
                if let super::ServiceConfig::Dns { records, .. } = service {
                    let named = records.iter().filter(|r| matches!(r.data, Data::A(_) | Data::Cname(_)));
                    found.extend(named.map(|r| r.name.clone()));
                }
            }
        }
        if let Some(engine) = self.nodes[node].engine.as_ref() {
            for c in engine.containers() {
                found.extend(c.endpoints.iter().map(|e| e.addr.addr().to_string()));
                if self.nodes[node].machine != machine {
                    found.push(c.name.clone());
                }
            }
        }
        found.into_iter().map(|h| format!("{scheme}{h}")).collect()
    }

    /// Files, one directory at a time.
    fn paths(&self, machine: MachineId, last: &str) -> Vec<String> {
        let Some(m) = self.world.machine(machine) else { return Vec::new() };
        let cwd = self.terminals.get(&machine).map_or("/", |t| t.cwd.as_str());
        let (typed, _) = last.rfind('/').map_or(("", last), |at| last.split_at(at + 1));
        let mut directory = guest::absolute_path(cwd, typed);
        if !directory.ends_with('/') {
            directory.push('/');
        }
        m.files
            .paths()
            .filter_map(|p| p.strip_prefix(directory.as_str()))
            .map(|rest| match rest.split_once('/') {
                Some((sub, _)) => format!("{typed}{sub}/"),
                None => format!("{typed}{rest}"),
            })
            .collect()
    }
}
