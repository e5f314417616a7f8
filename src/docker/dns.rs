//! Names of containers: the embedded server's zone, and the files in the container.

use super::engine::{Engine, Linked, Resolver};
use super::names;
use super::resolv::{self, EMBEDDED, Mode, Overrides};
use super::rules;
use crate::guest::dns::Zone;
use crate::guest::{self, MachineId, Signal};
use crate::sim::World;
use crate::stack::Pid;
use std::net::Ipv4Addr;

/// Where the embedded server reads its records, on the machine that is its own.
const ZONE: &str = "/run/docker/names.zone";
/// How long an answer may be kept, in seconds (libnetwork's respTTL).
const TTL: u32 = 600;

impl Engine {
    /// After container `i` joined or left a network: its files, its server, and everybody's names.
    pub(super) fn refresh_names(&mut self, world: &mut World, i: usize) {
        let embedded = self.on_user_network(i);
        if embedded {
            self.ensure_resolver(world, i);
        }
        self.write_resolv_conf(world, i, if embedded { Mode::Embedded } else { Mode::Legacy });
        self.update_own_hosts(world, i);
        self.write_zones(world);
    }

    fn on_user_network(&self, i: usize) -> bool {
        let container = &self.containers[i];
        container.inner.resolver.is_some()
            || container
                .endpoints
                .iter()
                .any(|e| self.network_by_id(&e.network_id).is_some_and(|n| n.has_dns()))
    }

    // ---- the embedded server

    /// Starts the embedded server in container `i`, or starts it anew if it may now ask others, or
    /// may no longer: a container that has only internal networks gets no names from outside.
    fn ensure_resolver(&mut self, world: &mut World, i: usize) {
        let forwards = self.containers[i]
            .endpoints
            .iter()
            .any(|e| self.network_by_id(&e.network_id).is_some_and(|n| !n.internal()));
        let Some(old) = self.containers[i].inner.resolver.clone() else {
            let ns = self.container_ns(world, i);
            let port = 32768 + self.rng(world, "dns").below(60999 - 32768) as u16;
            let hostname = self.containers[i].inner.hostname.clone();
            let machine = world.add_machine(ns, &hostname);
            rules::embedded_dns(world, ns, port);
            let pid = self.spawn_resolver(world, i, machine, port, forwards);
            self.containers[i].inner.resolver = pid.map(|pid| Resolver { machine, port, pid, forwards });
            return;
        };
        if old.forwards != forwards {
            world.signal(old.pid, Signal::Kill);
            let pid = self.spawn_resolver(world, i, old.machine, old.port, forwards);
            self.containers[i].inner.resolver = pid.map(|pid| Resolver { pid, forwards, ..old });
        }
    }

    fn spawn_resolver(
        &self,
        world: &mut World,
        i: usize,
        machine: MachineId,
        port: u16,
        forwards: bool,
    ) -> Option<Pid> {
        let listen = format!("{EMBEDDED}:{port}");
        let mut argv: Vec<String> =
            ["dnsd", "--listen", &listen, "--zone", ZONE, "--not-authoritative", "--servfail"]
                .map(String::from)
                .into();
        // Servers given by --dns are asked from the container's own network, the host's from the host's.
        let own = &self.containers[i].inner.spec.dns;
        let own = if own.is_empty() { &self.config.dns } else { own };
        let host = self.host_file(world, "/etc/resolv.conf");
        if forwards && resolv::sets_ndots(&host, &self.dns_overrides(i)) {
            // Who says how many dots a name needs is not asked outside about one without (resolver.go).
            argv.push("--domain-needed".to_owned());
        }
        if forwards && own.is_empty() {
            argv.push("--relay".to_owned());
        } else if forwards {
            argv.extend(own.iter().flat_map(|server| ["--forward".to_owned(), server.to_string()]));
        }
        let program = guest::start(&argv).ok()?;
        Some(world.spawn(machine, program, false, false))
    }

    /// Carries a question from an embedded server to the host's process, or its answer back. True
    /// if `pid` is one of them.
    pub(super) fn carry_question(&self, world: &mut World, pid: Pid, text: &str) -> bool {
        if pid == self.dockerd {
            for (machine, line) in text.lines().filter_map(|line| line.split_once('.')) {
                let asker = self.containers.iter().filter_map(|c| c.inner.resolver.as_ref());
                if let Some(r) = asker.into_iter().find(|r| r.machine.0.to_string() == machine) {
                    world.write_stdin(r.pid, &format!("{line}\n"), false);
                }
            }
            return true;
        }
        let resolvers = self.containers.iter().filter_map(|c| c.inner.resolver.as_ref());
        let Some(resolver) = resolvers.into_iter().find(|r| r.pid == pid) else { return false };
        for line in text.lines() {
            world.write_stdin(self.dockerd, &format!("{}.{line}\n", resolver.machine.0), false);
        }
        true
    }

    /// Writes every embedded server's zone: the names of the containers that run on a network
    /// with its own container.
    pub(super) fn write_zones(&self, world: &mut World) {
        if !self.networks.iter().any(super::Network::has_dns) {
            return; // nobody to ask about
        }
        for i in 0..self.containers.len() {
            if let Some(resolver) = &self.containers[i].inner.resolver {
                let zone = self.zone(i).to_string();
                if let Some(machine) = world.machine_mut(resolver.machine) {
                    // One small file on a machine of its own: it fits.
                    let _ = machine.files.put(ZONE, zone);
                }
            }
        }
    }

    /// What the server of container `i` answers. The first of its networks that knows a name
    /// answers it alone (libnetwork, Sandbox.ResolveName); `name.network` asks for one of them.
    fn zone(&self, i: usize) -> Zone {
        let mut zone = Zone::default();
        let own = &self.containers[i];
        let mut endpoints: Vec<_> = own.endpoints.iter().collect();
        endpoints.sort_by_key(|e| self.endpoint_order(i, e));
        let mut known: Vec<String> = Vec::new();
        for endpoint in endpoints {
            let Some(net) = self.network_by_id(&endpoint.network_id).filter(|n| n.has_dns()) else {
                continue;
            };
            let links = own.links_on(&net.id);
            let mut here: Vec<String> = Vec::new();
            let mut add = |zone: &mut Zone, name: &str, addr: Ipv4Addr| {
                zone.add_a(&format!("{name}.{}", net.name), addr, TTL);
                let name = name.to_ascii_lowercase();
                if !known.contains(&name) {
                    zone.add_a(&name, addr, TTL);
                    here.push(name);
                }
            };
            for other in &self.containers {
                let Some(there) = other.endpoints.iter().find(|e| e.network_id == net.id) else { continue };
                if other.inner.withdrawn {
                    continue;
                }
                let addr = there.addr.addr();
                for (_, alias) in links.iter().filter(|l| l.0 == other.name || other.id.starts_with(&l.0)) {
                    add(&mut zone, alias, addr);
                }
                for name in other.dns_names(&net.id) {
                    // What is an alias here means the container linked to, and no other.
                    if !links.iter().any(|l| l.1 == name && l.0 != name) {
                        add(&mut zone, &name, addr);
                    }
                }
                zone.add_ptr(addr, &format!("{}.{}", other.name, net.name), TTL);
                for name in self.service_names(other) {
                    add(&mut zone, &name, addr);
                }
            }
            for peer in self.peers(&net.id) {
                for name in &peer.names {
                    add(&mut zone, name, peer.addr);
                }
                if let Some(name) = peer.names.first() {
                    zone.add_ptr(peer.addr, &format!("{name}.{}", net.name), TTL);
                }
            }
            known.append(&mut here);
        }
        zone
    }

    // ---- files

    /// The container's own settings, else the daemon's, each by itself.
    fn dns_overrides(&self, i: usize) -> Overrides<'_> {
        let spec = &self.containers[i].inner.spec;
        Overrides {
            servers: if spec.dns.is_empty() { &self.config.dns } else { &spec.dns },
            search: if spec.dns_search.is_empty() { &self.config.dns_search } else { &spec.dns_search },
            options: if spec.dns_options.is_empty() { &self.config.dns_options } else { &spec.dns_options },
        }
    }

    /// Writes `/etc/resolv.conf`, unless the user has changed it.
    pub(super) fn write_resolv_conf(&mut self, world: &mut World, i: usize, mode: Mode) {
        let host = self.host_file(world, "/etc/resolv.conf");
        let text = resolv::resolv_conf(&host, mode, &self.dns_overrides(i));
        let machine = self.containers[i].machine;
        let Some(machine) = world.machine_mut(machine) else { return };
        let now = machine.files.text("/etc/resolv.conf");
        if now.is_none_or(|now| now == self.containers[i].inner.resolv_conf) {
            let _ = machine.files.put("/etc/resolv.conf", text.clone());
            self.containers[i].inner.resolv_conf = text;
        }
    }

    /// The container's own lines of `/etc/hosts`: an address of it and its host name.
    fn own_lines(&self, i: usize) -> Vec<(Ipv4Addr, String)> {
        let container = &self.containers[i];
        // The domain is part of the full name; the short one comes behind it.
        let host = &container.inner.hostname;
        let name = match &container.inner.spec.domainname {
            Some(domain) => format!("{host}.{domain}"),
            None => host.clone(),
        };
        let short = name.split('.').next().unwrap_or(&name);
        let names = if short == name { name.clone() } else { format!("{name} {short}") };
        container.endpoints.iter().map(|e| (e.addr.addr(), names.clone())).collect()
    }

    /// Writes `/etc/hosts` afresh: `--add-host`, links, the container itself.
    pub(super) fn write_hosts(&mut self, world: &mut World, i: usize) {
        let mut extra: Vec<(Ipv4Addr, String)> = Vec::new();
        let gateway = self.networks.iter().find(|n| n.name == "bridge").and_then(|n| n.gateway);
        let gateway = self.config.host_gateway.or(gateway);
        for (name, addr) in &self.containers[i].inner.spec.add_host {
            let addr = if addr == "host-gateway" { gateway } else { addr.parse().ok() };
            extra.extend(addr.map(|a| (a, name.clone())));
        }
        extra.extend(self.linked_hosts(i));
        let own = self.own_lines(i);
        let text = resolv::hosts(&extra, &own);
        if let Some(machine) = world.machine_mut(self.containers[i].machine) {
            let _ = machine.files.put("/etc/hosts", text);
        }
        self.containers[i].inner.own_hosts = own;
    }

    /// Container `i` has (another) address on the default bridge: the lines of those that link to it
    /// follow (daemon/links).
    pub(super) fn update_linking_hosts(&self, world: &mut World, i: usize) {
        let target = &self.containers[i];
        for (j, other) in self.containers.iter().enumerate() {
            if i == j || !other.state.is_up() || !other.inner.linked.iter().any(|l| l.id == target.id) {
                continue;
            }
            let new = self.linked_hosts(j);
            let Some(machine) = world.machine_mut(other.machine) else { continue };
            let Some(text) = machine.files.text("/etc/hosts") else { continue };
            let line = |line: &str| {
                let (_, names) = line.split_once('\t')?;
                let alias = |names: &str| names.split(' ').next().map(str::to_owned);
                let (addr, _) = new.iter().find(|(_, known)| alias(known) == alias(names))?;
                Some(format!("{addr}\t{names}"))
            };
            let lines: Vec<String> = text.lines().map(|l| line(l).unwrap_or_else(|| l.to_owned())).collect();
            let _ = machine.files.put("/etc/hosts", lines.join("\n") + "\n");
        }
    }

    /// Lines for the containers linked to on the default bridge.
    fn linked_hosts(&self, i: usize) -> Vec<(Ipv4Addr, String)> {
        let own = &self.containers[i];
        if !own.endpoints.iter().any(|e| e.network == "bridge") {
            return Vec::new();
        }
        let linked = own.inner.linked.iter().filter_map(|Linked { id, alias, .. }| {
            let other = &self.containers[self.find(id).ok()?];
            let addr = other.endpoints.iter().find(|e| e.network == "bridge")?.addr.addr();
            let mut names = format!("{alias} {}", other.inner.hostname);
            if *alias != other.name {
                names += &format!(" {}", other.name);
            }
            Some((addr, names))
        });
        linked.collect()
    }

    /// Takes the engine's own lines out of `/etc/hosts` and puts the new ones at its end; what the
    /// user wrote stays.
    fn update_own_hosts(&mut self, world: &mut World, i: usize) {
        let new = self.own_lines(i);
        let old = std::mem::replace(&mut self.containers[i].inner.own_hosts, new.clone());
        let Some(machine) = world.machine_mut(self.containers[i].machine) else { return };
        let Some(text) = machine.files.text("/etc/hosts") else { return };
        let line = |(addr, names): &(Ipv4Addr, String)| format!("{addr}\t{names}");
        let gone: Vec<String> = old.iter().filter(|o| !new.contains(o)).map(line).collect();
        let mut lines: Vec<String> =
            text.lines().filter(|l| !gone.iter().any(|g| g == l)).map(str::to_owned).collect();
        lines.extend(new.iter().filter(|n| !old.contains(n)).map(line));
        let _ = machine.files.put("/etc/hosts", lines.join("\n") + "\n");
    }
}

impl super::Container {
    /// `--link` on a user-defined network: container and alias.
    fn links_on(&self, network_id: &str) -> &[(String, String)] {
        let found = self.inner.attachments.iter().find(|a| a.network_id.as_deref() == Some(network_id));
        found.map_or(&[], |a| &a.spec.links)
    }

    /// What the container is called on a network: its name, its aliases there, its short id, its
    /// host name if it was given one.
    pub(super) fn dns_names(&self, network_id: &str) -> Vec<String> {
        let attachment = self.inner.attachments.iter().find(|a| a.network_id.as_deref() == Some(network_id));
        let mut all = vec![self.name.clone()];
        all.extend(attachment.into_iter().flat_map(|a| a.spec.aliases.iter().cloned()));
        all.push(names::short(&self.id).to_owned());
        all.extend(self.inner.spec.hostname.clone());
        let mut seen: Vec<String> = Vec::new();
        all.retain(|name| {
            let new = !seen.contains(name);
            seen.push(name.clone());
            new
        });
        all
    }
}
