//! Members of a swarm that do not hear each other, or are none any more; and containers that share a
//! network that is gone.

use std::net::Ipv4Addr;

use super::line::replace_word;
use super::{Cause, Fix, Remedy, Smith};
use crate::docker::{Container, Membership};
use crate::explain::why::shared::owner_of;
use crate::netfilter::{Hook, TableKind};
use crate::session::Node;
use crate::wire::Endpoint;

fn membership(node: &Node) -> Option<Membership<'_>> {
    node.engine.as_ref().and_then(|e| e.membership())
}

impl Smith<'_> {
    fn lines(&self, lines: Vec<(String, String)>) -> Option<Fix> {
        Some(Fix { remedy: Remedy::Lines(lines), again: (self.job.place.clone(), self.job.line.clone()) })
    }

    /// A firewall that keeps members of a swarm apart is opened; then what the attempt left behind goes.
    pub(super) fn let_through(&self, place: &str, to: Endpoint, by: &Cause) -> Option<Fix> {
        let port = to.port;
        let mend = match by {
            Cause::Firewall { place, rule, .. } => (place.clone(), self.delete_text(place, rule)?),
            Cause::FirewallPolicy { place, chain } if chain == "INPUT" => {
                let open = |proto| format!("iptables -I {chain} -p {proto} --dport {port} -j ACCEPT");
                (place.clone(), format!("{} && {}", open("tcp"), open("udp")))
            }
            Cause::FirewallPolicy { place, chain } => (place.clone(), format!("iptables -P {chain} ACCEPT")),
            Cause::DeviceDown { place, dev } => {
                (place.clone(), format!("ip link set {dev} up{}", self.default_route(place, dev)))
            }
            Cause::NoLink { place, dev } => {
                let edit = self.plug(place, dev)?;
                let again = (self.job.place.clone(), self.job.line.clone());
                return Some(Fix { remedy: Remedy::Edit(Box::new(edit)), again });
            }
            Cause::NoNeighbour { .. } => return self.other_manager(to),
            _ => return None,
        };
        // Who has asked in vain to join goes on trying, and does not take a second order.
        let host = self.atlas.session.node(place).ok()?;
        let waits = membership(host).is_some_and(|m| m.pending);
        let leave = waits.then(|| (place.to_owned(), "docker swarm leave".to_owned()));
        self.lines([Some(mend), leave, self.leftover()].into_iter().flatten().collect())
    }

    /// The address of somebody who does manage a swarm.
    pub(super) fn other_manager(&self, asked: Endpoint) -> Option<Fix> {
        let host = self.atlas.session.node(&self.job.place).ok()?;
        let others = self.atlas.session.nodes().iter().filter(|n| n.config.id != host.config.id);
        let manager = others.filter_map(membership).find(|m| m.manager && !m.pending)?;
        let (asked, manager) = (asked.to_string(), format!("{}:{}", manager.addr, manager.port));
        let short = asked.trim_end_matches(":2377");
        let line = replace_word(&self.job.line, &asked, &manager)
            .or_else(|| replace_word(&self.job.line, short, &manager))?;
        let waits = membership(host).is_some_and(|m| m.pending);
        let remedy = match waits {
            true => Remedy::Lines(vec![(self.job.place.clone(), "docker swarm leave".to_owned())]),
            false => Remedy::Retry,
        };
        Some(Fix { remedy, again: (self.job.place.clone(), line) })
    }

    /// The command that takes away a rule by its text, in whichever table it stands.
    fn delete_text(&self, place: &str, rule: &str) -> Option<String> {
        let ns = self.atlas.ns(self.ns(place)?)?;
        let tables = [TableKind::Filter, TableKind::Raw, TableKind::Mangle, TableKind::Nat];
        let hooks = [Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting];
        let has = |t: &TableKind| {
            let chains = hooks.into_iter().filter_map(|h| ns.nf.table(*t).base(h));
            chains.flat_map(|c| &c.rules).any(|r| ns.nf.rule_text(r.id) == rule)
        };
        let table = tables.into_iter().find(has).unwrap_or(TableKind::Filter);
        let table = if table == TableKind::Filter { String::new() } else { format!("-t {} ", table.name()) };
        Some(format!("iptables {table}{}", rule.replacen("-A ", "-D ", 1)))
    }

    /// The line with which a host joins the swarm of another one, and its containers come back.
    fn join(&self, host: &Node, own: Option<Ipv4Addr>) -> Option<String> {
        let others = self.atlas.session.nodes().iter().filter(|n| n.config.id != host.config.id);
        let (manager, m) =
            others.filter_map(|n| Some((n, membership(n)?))).find(|(_, m)| m.manager && !m.pending)?;
        let advertise = own.map(|a| format!("--advertise-addr {a} ")).unwrap_or_default();
        let mut parts =
            vec![format!("docker swarm join --token {} {advertise}{}:{}", m.token, m.addr, m.port)];
        let engine = manager.engine.as_ref()?;
        for c in self.atlas.containers_of(host).iter().filter(|c| self.atlas.runs(c)) {
            let now = c.endpoints.iter().filter_map(|e| engine.network(&e.network));
            let then = c.left().filter_map(|(id, _)| engine.networks().iter().find(|n| n.id == id));
            for network in now.chain(then).filter(|n| n.driver == "overlay") {
                parts.push(format!("docker network connect {} {}", network.name, c.name));
            }
        }
        Some(parts.join(" && "))
    }

    /// A worker that gave a wrong address leaves, and comes back with the right one.
    pub(super) fn advertise(&self, host: &str, right: Ipv4Addr) -> Option<Fix> {
        let node = self.atlas.session.node(host).ok()?;
        membership(node).filter(|m| !m.manager)?;
        let join = self.join(node, Some(right))?;
        let leave = (host.to_owned(), format!("docker swarm leave && {join}"));
        self.lines([Some(leave), self.leftover()].into_iter().flatten().collect())
    }

    /// A host that has left comes back.
    pub(super) fn rejoin(&self, host: &str) -> Option<Fix> {
        let node = self.atlas.session.node(host).ok()?;
        let join = (host.to_owned(), self.join(node, None)?);
        self.lines([Some(join), self.leftover()].into_iter().flatten().collect())
    }

    /// The same command where a manager is.
    pub(super) fn at_manager(&self, manager: &str) -> Option<Fix> {
        Some(Fix { remedy: Remedy::Retry, again: (manager.to_owned(), self.job.line.clone()) })
    }

    // ---- shared networks

    /// Whoever's network is shared runs again, and then the one that shares it.
    pub(super) fn wake_owner(&self, container: &str, owner: &str) -> Option<Fix> {
        let (node, _) = self.named(owner)?;
        let rest = match self.leftover() {
            Some((_, remove)) => remove,
            None => format!("docker restart {container}"),
        };
        self.lines(vec![(node.config.id.clone(), format!("docker start {owner} && {rest}"))])
    }

    /// Another name or address in the place of one that a container does not bear.
    pub(super) fn by_owner(&self, name: &str, owner: &str) -> Option<Fix> {
        let word = match self.atlas.session.node(owner) {
            // The host answers at the gateway of the asker's own bridge.
            Ok(_) => {
                let (_, c) = self.container(&self.job.place)?;
                c.endpoints.iter().find_map(|e| e.gateway)?.to_string()
            }
            Err(_) => owner.to_owned(),
        };
        let line = replace_word(&self.job.line, name, &word)?;
        Some(Fix { remedy: Remedy::Retry, again: (self.job.place.clone(), line) })
    }

    /// The address of a container, from its host, in the place of a name that holds among containers.
    pub(super) fn by_address(&self, name: &str) -> Option<Fix> {
        let (node, c) =
            self.named(name).filter(|(n, _)| self.job.place.split(':').next() == Some(&n.config.id))?;
        let engine = node.engine.as_ref()?;
        let bridged = |n: &str| engine.network(n).is_some_and(|n| n.bridge.is_some());
        let addr = c.endpoints.iter().find(|e| bridged(&e.network))?.addr.addr();
        let line = replace_word(&self.job.line, name, &addr.to_string())?;
        Some(Fix { remedy: Remedy::Retry, again: (self.job.place.clone(), line) })
    }

    /// The containers that share the network of one that is made anew are made anew as well.
    pub(super) fn sharers(&self, node: &Node, owner: &Container) -> Vec<String> {
        let all = self.atlas.containers_of(node).iter();
        let shares = |c: &&Container| {
            owner_of(c).is_some_and(|o| o == owner.name || (o.len() >= 12 && owner.id.starts_with(o)))
        };
        all.filter(shares)
            .map(|c| {
                let mut spec = c.spec();
                spec.ignored = Vec::new();
                for n in &mut spec.networks {
                    n.network = format!("container:{}", owner.name);
                }
                let run = crate::docker::cli::render(&crate::docker::Request::Run(spec));
                format!("docker rm -f {} && {run}", c.name)
            })
            .collect()
    }

    /// The engine writes its rules anew; its containers end with that, and are started again.
    pub(super) fn write_rules(&self, host: &str) -> Option<Fix> {
        let node = self.atlas.session.node(host).ok()?;
        let mut parts = Vec::new();
        let path = crate::docker::DAEMON_JSON;
        let text = self.atlas.file(node.ns, path).unwrap_or_default();
        if let Ok(serde_json::Value::Object(mut all)) = serde_json::from_str(text)
            && all.remove("iptables").is_some()
        {
            parts.push(format!("echo '{}' > {path}", serde_json::Value::Object(all)));
        }
        parts.push("systemctl restart docker".to_owned());
        let running = self.atlas.containers_of(node).iter().filter(|c| self.atlas.runs(c));
        parts.extend(running.map(|c| format!("docker start {}", c.name)));
        self.lines(vec![(host.to_owned(), parts.join(" && "))])
    }
}
