//! What those above may read of an engine beyond the public fields: how a container was asked for,
//! what a network lets through, which processes are the engine's own.

use super::engine::{Container, Engine, Network};
use super::swarm::Cluster;
use super::{EndpointSpec, NetworkCreate, RunSpec};
use crate::stack::Pid;
use crate::wire::{Endpoint, Protocol};
use std::net::Ipv4Addr;

impl Container {
    /// The `docker run` that made it, its name included.
    pub fn spec(&self) -> RunSpec {
        RunSpec { name: Some(self.name.clone()), detach: true, ..self.inner.spec.clone() }
    }
    /// The networks it joins whenever it runs, in order.
    pub fn attachments(&self) -> impl Iterator<Item = &EndpointSpec> {
        self.inner.attachments.iter().map(|a| &a.spec)
    }
    /// When it lost `addr`, if it has had that and left the network since: the trace's next record then.
    /// Docker forgets it (`IPAddress` is empty then); whoever asks why a call fails has to know.
    pub fn lost(&self, addr: Ipv4Addr) -> Option<u64> {
        self.inner.left.iter().filter(|(_, a, _)| *a == addr).map(|(_, _, seq)| *seq).max()
    }
    /// The networks that it has left since, with the addresses that it had there: of networks that are no
    /// more, too.
    pub fn left(&self) -> impl Iterator<Item = (&str, Ipv4Addr)> {
        self.inner.left.iter().map(|(network, addr, _)| (network.as_str(), *addr))
    }
    /// Its own process, while it runs.
    pub fn main(&self) -> Option<Pid> {
        self.inner.main
    }
}

impl Network {
    /// The `docker network create` that made it.
    pub fn spec(&self) -> &NetworkCreate {
        &self.asked
    }
    /// `--internal`: no way out.
    pub fn is_internal(&self) -> bool {
        self.internal()
    }
    /// Containers in it may talk to one another (`enable_icc`).
    pub fn lets_neighbours_talk(&self) -> bool {
        self.rules.as_ref().is_none_or(|r| r.icc)
    }
    /// Containers leave it with the host's address (`enable_ip_masquerade`).
    pub fn masquerades(&self) -> bool {
        self.rules.as_ref().is_some_and(|r| r.masquerade)
    }
    /// It has a DNS server for its containers' names.
    pub fn has_names(&self) -> bool {
        self.has_dns()
    }
}

/// What a host is in a swarm, and what it knows of the others.
#[derive(Debug, Clone, Copy)]
pub struct Membership<'a> {
    /// The swarm's id.
    pub swarm: &'a str,
    /// The address that it gave the others (`--advertise-addr`).
    pub addr: Ipv4Addr,
    /// Where it listens for nodes that want to join, as a manager does (`--listen-addr`).
    pub port: u16,
    /// It is a manager.
    pub manager: bool,
    /// It wanted to join, and has not got there.
    pub pending: bool,
    /// With which workers join.
    pub token: &'a str,
    /// Where it asks a manager.
    pub asks: Option<Endpoint>,
    cluster: &'a Cluster,
}

impl<'a> Membership<'a> {
    /// A manager that has left: its name and address.
    pub fn lost_manager(&self) -> Option<(&'a str, Endpoint)> {
        let lost = self.cluster.nodes.iter().find(|n| n.manager && (n.down || n.is_leaving()))?;
        Some((&lost.hostname, Endpoint::new(lost.addr, lost.port)))
    }
    /// A node of that name has left the swarm, and was not removed.
    pub fn has_left(&self, hostname: &str) -> bool {
        self.cluster.nodes.iter().any(|n| n.hostname == hostname && (n.down && !n.lost || n.is_leaving()))
    }
}

impl Engine {
    /// Its part in a swarm.
    pub fn membership(&self) -> Option<Membership<'_>> {
        let member = self.swarm.as_ref()?;
        Some(Membership {
            swarm: &member.cluster.id,
            addr: member.addr,
            port: member.listen.port,
            manager: member.manager,
            pending: member.pending,
            token: &member.cluster.tokens[0],
            asks: member.cluster.manager_at(),
            cluster: &member.cluster,
        })
    }
    /// Does this host know where `addr` of an overlay network is?
    pub fn knows_peer(&self, network: &Network, addr: Ipv4Addr) -> bool {
        self.peers(&network.id).iter().any(|p| p.addr == addr)
    }
    /// The ports that a container says it serves: its image's, `--expose`, and the published ones.
    pub fn exposed_ports(&self, container: &Container) -> Vec<(u16, Protocol)> {
        let at = self.containers.iter().position(|c| c.id == container.id);
        at.map(|i| self.exposed(i)).unwrap_or_default()
    }
    /// A network, by name or unambiguous id prefix.
    pub fn network(&self, name: &str) -> Option<&Network> {
        self.find_network(name).ok().map(|n| &self.networks[n])
    }
}
