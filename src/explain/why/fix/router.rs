//! Port forwards, hairpins and firewall rules.

use std::net::Ipv4Addr;

use super::line::{other_port, replace_word};
use super::{Fix, Remedy, Smith};
use crate::explain::why::Found;
use crate::explain::why::overlay::sealed;
use crate::explain::why::story::{Role, Story};
use crate::lab::Edit;
use crate::netfilter::{Hook, NatKind, NfStep, RuleId, TableKind};
use crate::session::{Forward, Node, NodeKind};
use crate::stack::{DevRef, DropReason, NetNs, NsId, Step};
use crate::wire::Protocol;

impl Smith<'_> {
    /// Who behind the router serves: address and port.
    pub(super) fn server_behind(&self, router: &Node, proto: Protocol, port: u16) -> Option<(Ipv4Addr, u16)> {
        let settings = router.config.router.as_ref();
        let ns = self.atlas.ns(router.ns)?;
        let lan = match settings {
            Some(r) => ns.device_named(r.lan.as_str())?,
            None => ns.devices().find(|d| d.addrs.iter().any(|a| a.addr().is_private()))?,
        };
        let net = *lan.addrs.first()?;
        let start = DevRef { ns: router.ns, dev: lan.index };
        let mut found: Vec<(u8, Ipv4Addr, u16)> = Vec::new();
        for at in self.atlas.segment(start).into_iter().filter(|at| at.ns != router.ns) {
            let Some(node) = self.atlas.node(at.ns) else { continue };
            let addrs = self.atlas.device(at).map_or(&[][..], |d| &d.addrs);
            let Some(addr) = addrs.iter().map(|a| a.addr()).find(|a| net.contains(a)) else { continue };
            for c in self.atlas.containers_of(node) {
                for p in c
                    .ports
                    .iter()
                    .filter(|p| p.proto == proto && p.host_ip.is_ipv4() && !p.host_ip.is_loopback())
                {
                    let rank = if p.host_port == port {
                        0
                    } else if p.port == port {
                        1
                    } else {
                        3
                    };
                    found.push((rank, addr, p.host_port));
                }
            }
            if self.atlas.open_ports(node.ns, proto).contains(&port) {
                found.push((2, addr, port));
            }
            // Another router: it has to pass it on.
            if node.config.kind == NodeKind::Router {
                let forwards =
                    node.config.router.as_ref().is_some_and(|r| r.forwards.iter().any(|f| f.port == port));
                found.push((if forwards { 0 } else { 4 }, addr, port));
            }
        }
        found.sort();
        found.first().map(|(_, addr, port)| (*addr, *port))
    }

    pub(super) fn open_router(
        &self,
        router: &str,
        proto: Protocol,
        port: u16,
        again: &(String, String),
    ) -> Option<Fix> {
        let node = self.atlas.session.node(router).ok()?;
        let (to, to_port) = self.server_behind(node, proto, port)?;
        let remedy = match node.config.router.clone() {
            Some(mut settings) => {
                settings.forwards.retain(|f| f.port != port || f.proto != proto.to_string());
                settings.forwards.push(Forward { proto: proto.to_string(), port, last: None, to, to_port });
                Remedy::Edit(Box::new(Edit::SetRouter {
                    node: router.to_owned(),
                    router: Box::new(settings),
                }))
            }
            None => {
                let rule = format!(
                    "iptables -t nat -A PREROUTING -p {proto} --dport {port} -d {} -j DNAT --to-destination {to}:{to_port}",
                    self.public(node)?
                );
                Remedy::Lines(vec![(router.to_owned(), rule)])
            }
        };
        Some(Fix { remedy, again: again.clone() })
    }

    pub(super) fn public(&self, router: &Node) -> Option<Ipv4Addr> {
        let ns = self.atlas.ns(router.ns)?;
        ns.devices().flat_map(|d| &d.addrs).map(|a| a.addr()).find(|a| !a.is_private() && !a.is_loopback())
    }

    /// The forward of a port leads to who really serves.
    pub(super) fn redirect(
        &self,
        router: &str,
        port: u16,
        to_port: u16,
        again: &(String, String),
    ) -> Option<Fix> {
        let node = self.atlas.session.node(router).ok()?;
        let (to, real) = self
            .server_behind(node, Protocol::Tcp, to_port)
            .filter(|s| s.1 == to_port)
            .or_else(|| self.server_behind(node, Protocol::Tcp, port))?;
        if let Some(mut settings) = node.config.router.clone()
            && let Some(f) = settings.forwards.iter_mut().find(|f| f.port == port)
        {
            (f.to, f.to_port) = (to, real);
            let edit = Edit::SetRouter { node: router.to_owned(), router: Box::new(settings) };
            return Some(Fix { remedy: Remedy::Edit(Box::new(edit)), again: again.clone() });
        }
        let public = self.public(node)?;
        let rule = format!(
            "iptables -t nat -I PREROUTING -p tcp --dport {port} -d {public} -j DNAT --to-destination {to}:{real}"
        );
        Some(Fix { remedy: Remedy::Lines(vec![(router.to_owned(), rule)]), again: again.clone() })
    }

    /// The rules with which a router turns a call from inside round.
    pub(super) fn hairpin(&self, router: &str, addr: Ipv4Addr, port: u16) -> Option<String> {
        let node = self.atlas.session.node(router).ok()?;
        let ns = self.atlas.ns(node.ns)?;
        let inner =
            ns.devices().find(|d| d.addrs.iter().any(|a| a.addr() != addr && a.addr().is_private()))?;
        let lan = inner.addrs.first()?.trunc();
        let to = self.forward_target(ns, port)?;
        let (host, to_port) = to.split_once(':').unwrap_or((&to, ""));
        let dport = if to_port.is_empty() { port.to_string() } else { to_port.to_owned() };
        Some(format!(
            "iptables -t nat -A PREROUTING -s {lan} -d {addr} -p tcp --dport {port} -j DNAT --to-destination {to} && \
             iptables -t nat -A POSTROUTING -s {lan} -d {host} -p tcp --dport {dport} -j MASQUERADE"
        ))
    }

    pub(super) fn forward_target(&self, ns: &NetNs, port: u16) -> Option<String> {
        let chain = ns.nf.table(TableKind::Nat).base(Hook::Prerouting)?;
        let port = port.to_string();
        chain.rules.iter().find_map(|r| {
            let words: Vec<&str> = ns.nf.rule_text(r.id).split_whitespace().collect();
            let after =
                |flag: &str| words.iter().position(|w| *w == flag).and_then(|i| words.get(i + 1)).copied();
            (after("--dport") == Some(&port)).then(|| after("--to-destination")).flatten().map(str::to_owned)
        })
    }

    /// The command that takes away the rule which dropped a packet.
    pub(super) fn delete_rule(&self, at: NsId, seq: u64) -> Option<String> {
        let record = self.atlas.session.world.log.get(seq)?;
        let (table, rule): (_, RuleId) = match record.step {
            Step::Dropped {
                reason: DropReason::Rule { table, rule, .. } | DropReason::Rejected { table, rule, .. },
                ..
            } => (table, rule),
            _ => return None,
        };
        let text = self.atlas.ns(at)?.nf.rule_text(rule).replacen("-A ", "-D ", 1);
        let table = if table == TableKind::Filter { String::new() } else { format!("-t {} ", table.name()) };
        Some(format!("iptables {table}{text}"))
    }

    /// A rule that lets exactly this conversation in.
    pub(super) fn exception(&self, story: &Story, found: &Found, chain: &str) -> Option<String> {
        let life = found.packet.and_then(|p| story.life(p))?;
        // The firewall saw the envelope, not what is in it.
        if sealed(story, life) {
            return Some(format!("iptables -I {chain} -p udp --dport 4789 -j ACCEPT"));
        }
        let flow = story.flow_at_end(life)?;
        if life.role == Role::Answer {
            return Some(format!("iptables -I {chain} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"));
        }
        Some(match flow.proto {
            Protocol::Tcp | Protocol::Udp => {
                format!("iptables -I {chain} -p {} --dport {} -j ACCEPT", flow.proto, flow.dst.port)
            }
            other => format!("iptables -I {chain} -p {other} -j ACCEPT"),
        })
    }

    /// The attempt by the server's inner address, so that no router has to put its own into the source.
    pub(super) fn go_inside(&self, story: &Story, found: &Found) -> Option<Fix> {
        let life = found.packet.and_then(|p| story.life(p))?;
        let line = story.line_of(life);
        let mut records = line.into_iter().flat_map(|l| story.records_of(l));
        let (from, to) = records.find_map(|(_, r)| match &r.step {
            Step::Nf(NfStep::Translated {
                kind: NatKind::Destination, before, after, first: true, ..
            }) => Some((before.dst, after.dst)),
            _ => None,
        })?;
        let line = replace_word(&self.job.line, &from.addr.to_string(), &to.addr.to_string())?;
        let line = if from.port == to.port { line } else { other_port(&line, from.port, to.port)? };
        Some(Fix { remedy: Remedy::Retry, again: (self.job.place.clone(), line) })
    }
}
