//! Containers that are made anew, and attempts that are repeated in the right way.

use std::net::Ipv4Addr;

use super::line::{other_port, replace_word};
use super::{Fix, Remedy, Smith};
use crate::docker::{Container, EndpointSpec, PortBinding, PortSpec, Request, RunSpec, cli};
use crate::session::Node;
use crate::wire::Protocol;

pub(super) fn publish(host: u16, port: u16) -> PortSpec {
    PortSpec { host_ip: None, host: Some((host, host)), container: (port, port), proto: Protocol::Tcp }
}

pub(super) fn holds(spec: &PortSpec, port: u16) -> bool {
    spec.host.is_some_and(|(first, last)| (first..=last).contains(&port))
}

/// Makes the publication at host port `host` one of `to_host` into `port`.
pub(super) fn aim(spec: &mut RunSpec, host: u16, to_host: u16, port: u16) {
    for p in spec.publish.iter_mut().filter(|p| holds(p, host)) {
        (p.host, p.container) = (Some((to_host, to_host)), (port, port));
    }
}

/// A word of a command that names a loopback address, for all addresses.
pub(super) fn everywhere(word: &str) -> String {
    word.replace("127.0.0.1", "0.0.0.0").replace("localhost", "0.0.0.0")
}

impl Smith<'_> {
    /// The attempt with another port.
    pub(super) fn retry(&self, from: u16, to: u16) -> Option<Fix> {
        let line = other_port(&self.job.line, from, to)?;
        Some(Fix { remedy: Remedy::Retry, again: (self.job.place.clone(), line) })
    }

    /// The lines that make a container anew.
    pub(super) fn again_as(
        &self,
        node: &Node,
        c: &Container,
        change: impl FnOnce(&mut RunSpec),
    ) -> (String, String) {
        let mut spec = c.spec();
        let joined: Vec<EndpointSpec> = c.attachments().cloned().collect();
        if joined.len() != 1 || joined[0].network != "bridge" && joined[0].network != "default" {
            spec.networks = joined;
        }
        spec.ignored = Vec::new();
        change(&mut spec);
        let run = cli::render(&Request::Run(spec));
        let mut parts = vec![format!("docker rm -f {} && {run}", c.name)];
        parts.extend(self.sharers(node, c));
        (node.config.id.clone(), parts.join(" && "))
    }

    pub(super) fn republish(&self, container: &str, change: impl FnOnce(&mut RunSpec)) -> Option<Fix> {
        let (node, c) = self.named(container)?;
        let line = self.again_as(node, c, change);
        Some(Fix {
            remedy: Remedy::Lines(vec![line]),
            again: (self.job.place.clone(), self.job.line.clone()),
        })
    }

    /// Into an internal network a port is published by way of the default bridge; out of it too.
    pub(super) fn out_of(&self, container: &str, _network: &str, again: &(String, String)) -> Option<Fix> {
        let (node, c) = self.named(container)?;
        let joined = c.attachments().any(|a| a.network == "bridge");
        let run = if joined { return None } else { format!("docker network connect bridge {}", c.name) };
        Some(Fix { remedy: Remedy::Lines(vec![(node.config.id.clone(), run)]), again: again.clone() })
    }

    /// An exception from `icc=false` for two containers.
    pub(super) fn let_talk(&self, from: &str, to: &str, again: &(String, String)) -> Option<Fix> {
        let ((node, a), (_, b)) = (self.named(from)?, self.named(to)?);
        let shared = a
            .endpoints
            .iter()
            .find_map(|x| Some((x, b.endpoints.iter().find(|y| y.network == x.network)?)))?;
        let (x, y) = (shared.0.addr.addr(), shared.1.addr.addr());
        let rule = |s: Ipv4Addr, d: Ipv4Addr| format!("iptables -I DOCKER-USER -s {s} -d {d} -j ACCEPT");
        let line = format!("{} && {}", rule(x, y), rule(y, x));
        Some(Fix { remedy: Remedy::Lines(vec![(node.config.id.clone(), line)]), again: again.clone() })
    }

    /// Not the container's own address, but the port that its host publishes.
    pub(super) fn use_publication(&self, host: &str, container: &str) -> Option<Fix> {
        let node = self.atlas.session.node(host).ok()?;
        let c = self.atlas.containers_of(node).iter().find(|c| c.name == container)?;
        let host_addr = self.host_addr(host)?;
        let target =
            c.endpoints.iter().map(|e| e.addr.addr()).find(|a| self.job.line.contains(&a.to_string()));
        let name = target.map_or_else(|| c.name.clone(), |a| a.to_string());
        let url = self.job.line.find("http://").or(self.job.line.find("telnet"));
        url?;
        let line = replace_word(&self.job.line, &name, &host_addr.to_string())?;
        let again = |from: u16, to: u16| {
            if from == to { Some(line.clone()) } else { other_port(&line, from, to) }
        };
        let inner =
            self.atlas.ns_of(c).and_then(|n| self.atlas.open_ports(n, Protocol::Tcp).first().copied())?;
        let published =
            |p: &&PortBinding| p.proto == Protocol::Tcp && !p.host_ip.is_loopback() && p.host_port != 0;
        match c.ports.iter().find(published) {
            Some(p) => Some(Fix {
                remedy: Remedy::Retry,
                again: (self.job.place.clone(), again(p.port, p.host_port)?),
            }),
            None => {
                // A port of the host's that nobody has yet.
                let taken = self.atlas.open_ports(node.ns, Protocol::Tcp);
                let free = [inner].into_iter().chain(8080..).find(|p| !taken.contains(p))?;
                let run = self.again_as(node, c, |s| s.publish.push(publish(free, inner)));
                let again = (self.job.place.clone(), again(inner, free)?);
                Some(Fix { remedy: Remedy::Lines(vec![run]), again })
            }
        }
    }

    /// Whoever has the port goes, and the container that was made in vain.
    pub(super) fn free_port(
        &self,
        place: &str,
        port: u16,
        by: &str,
        again: &(String, String),
    ) -> Option<Fix> {
        let node = self.atlas.session.node(place).ok()?;
        let holder = self.atlas.containers_of(node).iter().find(|c| c.name == by)?;
        let shares = self.atlas.ns_of(holder) == Some(node.ns);
        (shares || holder.ports.iter().any(|p| p.host_port == port)).then_some(())?;
        let words: Vec<&str> = self.job.line.split_whitespace().collect();
        let made = words.iter().position(|w| *w == "--name").and_then(|i| words.get(i + 1)).copied();
        let left = made.filter(|n| {
            self.atlas.containers_of(node).iter().any(|c| c.name == **n && words.contains(&"run"))
        });
        let clean = left.map(|n| format!(" && docker rm {n}")).unwrap_or_default();
        let line = format!("docker stop {by}{clean}");
        Some(Fix { remedy: Remedy::Lines(vec![(place.to_owned(), line)]), again: again.clone() })
    }

    /// `localhost` in a container was meant to be somebody else.
    pub(super) fn reach_out(&self, container: &str, port: u16, found: &str) -> Option<Fix> {
        let (node, c) = self.named(container)?;
        let word = ["localhost", "127.0.0.1"].into_iter().find(|w| self.job.line.contains(w))?;
        if let Some((_, other)) = self.container(found) {
            let shared =
                c.endpoints.iter().find_map(|x| other.endpoints.iter().find(|y| y.network == x.network))?;
            let line = replace_word(&self.job.line, word, &shared.addr.addr().to_string())?;
            return Some(Fix { remedy: Remedy::Retry, again: (self.job.place.clone(), line) });
        }
        let reachable = self.atlas.open_ports(node.ns, Protocol::Tcp).contains(&port);
        reachable.then_some(())?;
        let line = replace_word(&self.job.line, word, "host.docker.internal")?;
        let known = c.spec().add_host.iter().any(|(n, _)| n == "host.docker.internal");
        let remedy = if known {
            Remedy::Retry
        } else {
            Remedy::Lines(vec![self.again_as(node, c, |s| {
                s.add_host.push(("host.docker.internal".into(), "host-gateway".into()))
            })])
        };
        Some(Fix { remedy, again: (self.job.place.clone(), line) })
    }
}
