//! Docker networks that are joined, or moved to another subnet.

use std::net::Ipv4Addr;

use super::line::replace_word;
use super::{Fix, Remedy, Smith};
use crate::session::Node;
use crate::wire::Ipv4Net;

impl Smith<'_> {
    /// A network with names for two containers.
    pub(super) fn common_network(&self, one: &str, name: &str, again: &(String, String)) -> Option<Fix> {
        let (node, a) = self.named(one)?;
        let engine = node.engine.as_ref()?;
        let b = engine.containers().iter().find(|c| c.name == name)?;
        let mut free = (0..).map(|i| if i == 0 { "app-net".to_owned() } else { format!("app-net{i}") });
        let network = free.find(|n| engine.network(n).is_none())?;
        let existing = a
            .endpoints
            .iter()
            .chain(&b.endpoints)
            .find(|e| engine.network(&e.network).is_some_and(|n| n.has_names()));
        let line = match existing {
            Some(e) => {
                let missing = if a.endpoints.iter().any(|x| x.network == e.network) { b } else { a };
                format!("docker network connect {} {}", e.network, missing.name)
            }
            None => format!(
                "docker network create {network} && docker network connect {network} {} && docker network connect {network} {}",
                a.name, b.name
            ),
        };
        Some(Fix { remedy: Remedy::Lines(vec![(node.config.id.clone(), line)]), again: again.clone() })
    }

    /// A network moves to another subnet: its containers leave it, it is made anew, they come back.
    pub(super) fn move_network(
        &self,
        network: &str,
        subnet: Ipv4Net,
        again: &(String, String),
    ) -> Option<Fix> {
        let has = |n: &&Node| {
            n.engine.as_ref().and_then(|e| e.network(network)).is_some_and(|x| x.subnet == Some(subnet))
        };
        let node = self.atlas.session.nodes().iter().find(has)?;
        let free = self.free_subnet(node)?;
        let net = node.engine.as_ref()?.network(network)?;
        let line = self.remake(node, net, |create| {
            create.subnets = vec![free.to_string()];
            (create.gateways, create.ip_ranges, create.aux_addresses) = (Vec::new(), Vec::new(), Vec::new());
        });
        Some(Fix { remedy: Remedy::Lines(vec![line]), again: again.clone() })
    }

    /// A network is asked for again, with a subnet of its own.
    pub(super) fn with_subnet(&self) -> Option<Fix> {
        let node = self.atlas.session.node(&self.job.place).ok()?;
        let at = self.job.line.find("network create")? + "network create".len();
        let free = self.free_subnet(node)?;
        let words: Vec<&str> = self.job.line.split_whitespace().collect();
        if let Some(i) = words.iter().position(|w| *w == "--subnet") {
            // A gateway or a range of the other subnet would not fit.
            let rest = words.iter().any(|w| matches!(*w, "--gateway" | "--ip-range" | "--aux-address"));
            let line =
                replace_word(&self.job.line, words.get(i + 1)?, &free.to_string()).filter(|_| !rest)?;
            return Some(Fix { remedy: Remedy::Retry, again: (self.job.place.clone(), line) });
        }
        let line = format!("{} --subnet {free}{}", &self.job.line[..at], &self.job.line[at..]);
        Some(Fix { remedy: Remedy::Retry, again: (self.job.place.clone(), line) })
    }

    /// A subnet that no network of a host has, and nobody else either.
    fn free_subnet(&self, node: &Node) -> Option<Ipv4Net> {
        (201..=254).map(|i| Ipv4Net::new_assert(Ipv4Addr::new(10, i, 0, 0), 24)).find(|net| {
            let overlaps = |s: Ipv4Net| s.contains(&net.network()) || net.contains(&s.network());
            let taken = node
                .engine
                .as_ref()
                .is_some_and(|e| e.networks().iter().filter_map(|n| n.subnet).any(overlaps));
            let spaces = self.atlas.session.world.namespaces();
            !taken
                && !spaces
                    .flat_map(|ns| ns.devices().collect::<Vec<_>>())
                    .any(|d| d.addrs.iter().any(|a| net.contains(&a.addr())))
        })
    }
}
