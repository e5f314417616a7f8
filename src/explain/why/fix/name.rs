//! Name servers.

use std::net::Ipv4Addr;

use super::{Fix, Remedy, Smith};
use crate::shell;
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
        let serves = |addr: Ipv4Addr| {
            Some(addr) != bad
                && self.atlas.owners(addr).iter().any(|(o, _)| {
                    o.ns != node.ns && !self.atlas.listeners(o.ns, Protocol::Udp, 53).is_empty()
                })
        };
        let near = self.router_near(place).filter(|a| serves(*a));
        let known = || {
            let all = self.atlas.session.nodes().iter().flat_map(|n| &n.config.resolvers).copied();
            all.into_iter().find(|a| serves(*a))
        };
        let server = near.or_else(known)?;
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
}
