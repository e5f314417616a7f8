//! Name servers.

use std::net::Ipv4Addr;

use super::{Fix, Remedy, Smith};
use crate::lab::Edit;
use crate::session::{Node, NodeConfig, NodeKind, ServiceConfig};
use crate::shell;
use crate::stack::NsId;
use crate::wire::Protocol;

impl Smith<'_> {
    /// A name server that works, for whoever asks one that does not (`bad`).
    pub(super) fn name_server(
        &self,
        place: &str,
        bad: Option<Ipv4Addr>,
        again: &(String, String),
    ) -> Option<Fix> {
        if let Some((node, c)) = self.container(place) {
            if c.spec().dns.is_empty() {
                return None;
            }
            let run = self.again_as(node, c, |s| s.dns = Vec::new());
            return Some(Fix { remedy: Remedy::Lines(vec![run]), again: again.clone() });
        }
        let node = self.atlas.session.node(place).ok()?;
        let server = self.server_for(node, bad)?;
        if let Some(edit) = forward_to(node, bad, server) {
            return Some(Fix { remedy: Remedy::Edit(Box::new(edit)), again: again.clone() });
        }
        let line = format!("echo {} > /etc/resolv.conf", shell::join(&[format!("nameserver {server}")]));
        let mut lines = vec![(place.to_owned(), line)];
        // Containers read the host's file when they start.
        let home = self.job.place.split_once(':').map(|p| p.1).or_else(|| {
            let words: Vec<&str> = self.job.line.split_whitespace().collect();
            (words.first() == Some(&"docker") && words.get(1) == Some(&"exec"))
                .then(|| words.iter().skip(2).find(|w| self.named(w).is_some()).copied())
                .flatten()
        });
        if let Some((owner, c)) = home.and_then(|n| self.named(n)).filter(|(n, _)| n.config.id == place) {
            lines.push((owner.config.id.clone(), format!("docker restart {}", c.name)));
        }
        Some(Fix { remedy: Remedy::Lines(lines), again: again.clone() })
    }

    /// Somebody whom `node` can ask instead of `bad`: its router, whom others ask, a DNS server.
    fn server_for(&self, node: &Node, bad: Option<Ipv4Addr>) -> Option<Ipv4Addr> {
        let ns = self.atlas.ns(node.ns)?;
        let nodes = || self.atlas.session.nodes().iter();
        let public = nodes().filter(|n| n.config.kind == NodeKind::Dns);
        let public = public.flat_map(|n| n.config.ports.iter().filter_map(|p| Some(p.address?.addr())));
        let near = self.router_near(&node.config.id).into_iter();
        let mut all = near.chain(nodes().flat_map(|n| n.config.resolvers.iter().copied())).chain(public);
        all.find(|addr| {
            let owners = self.atlas.owners(*addr);
            let serves = |at: NsId| at != node.ns && !self.atlas.listeners(at, Protocol::Udp, 53).is_empty();
            Some(*addr) != bad
                && ns.route_to(*addr).is_some()
                && owners.iter().any(|(o, _)| serves(o.ns) && !self.asks(o.ns, node.ns, bad, 8))
        })
    }

    /// Does the server in `at` ask `node` or `bad` about what it does not know, perhaps by way of others?
    fn asks(&self, at: NsId, node: NsId, bad: Option<Ipv4Addr>, depth: u8) -> bool {
        let asked = self.atlas.node(at).map(|n| forwards(&n.config)).unwrap_or_default();
        depth > 0
            && asked.into_iter().any(|next| {
                let owners = self.atlas.owners(next);
                Some(next) == bad
                    || owners.iter().any(|(o, _)| o.ns == node || self.asks(o.ns, node, bad, depth - 1))
            })
    }
}

/// Whom a node's DNS servers ask about what they do not know.
pub(super) fn forwards(node: &NodeConfig) -> Vec<Ipv4Addr> {
    let own = node.services.iter().filter_map(|s| match s {
        ServiceConfig::Dns { forward, .. } => *forward,
        _ => None,
    });
    own.chain(node.router.as_ref().and_then(|r| r.dns.as_ref()?.forward)).collect()
}

/// The node's own DNS server asks `server` from now on, where it asked `bad`.
fn forward_to(node: &Node, bad: Option<Ipv4Addr>, server: Ipv4Addr) -> Option<Edit> {
    let mut config = node.config.clone();
    let mut changed = false;
    for service in &mut config.services {
        if let ServiceConfig::Dns { forward, .. } = service
            && forward.is_some()
            && *forward == bad
        {
            (*forward, changed) = (Some(server), true);
        }
    }
    let forwarder = config.router.as_mut().and_then(|r| r.dns.as_mut());
    if let Some(dns) = forwarder.filter(|d| bad.is_some() && d.forward == bad) {
        (dns.forward, changed) = (Some(server), true);
    }
    changed.then(|| Edit::SetNode(Box::new(config)))
}
