//! Swarm: several engines that act as one (github.com/moby/swarmkit; daemon/cluster of moby).
//!
//! ```text
//!   docker swarm init ─▶ a cluster with one manager: tokens, networks, services, tasks
//!   docker swarm join ─▶ another engine gets a copy; managers may change it, workers ask them
//!   settle            ─▶ orchestrator: services become tasks, tasks become containers
//!                     ─▶ exchange: every member learns the others' endpoints (FDB, ARP, names)
//! ```
//! The data plane is real: envelopes on the wire, sandboxes, bridges, rules. So are the members' questions
//! whether the others are still there ([`gossip`]). The rest of the control plane is not: what managers and
//! workers tell each other travels from engine to engine without packets, but only where a TCP connection
//! to the port in question (2377, 7946) would come about; that is tried in a copy of the World
//! ([`reach`]). Not supported: virtual IPs and the ingress routing mesh (IPVS), several managers voting
//! (promoted nodes count as managers, nobody elects), secrets, configs, stacks, encryption.

mod attach;
mod change;
mod cluster;
mod filter;
mod gossip;
mod node;
mod orchestrate;
mod reach;
mod request;
mod roles;
mod service;
mod show;
mod start;

pub(super) use cluster::{Cluster, OPT_VNI};
pub use request::{
    NodeChange, RestartCondition, RestartRule, ServiceChange, ServiceMode, ServiceSpec, SwarmInit, SwarmJoin,
    SwarmRequest,
};

use super::driver::Overlay;
use super::endpoint::hold;
use super::engine::{ContainerState, EndpointInfo, Engine};
use super::{Request, Response};
use crate::sim::World;
use crate::stack::{NsId, Pid, SocketId};
use crate::wire::{Endpoint, Mac, Protocol};
use std::net::Ipv4Addr;

/// Port of the managers.
const MANAGER_PORT: u16 = 2377;
/// Port of the gossip between all members.
const GOSSIP_PORT: u16 = 7946;

/// Rounds of [`settle`] at most: a swarm that changes without an end (tasks that fail at once, say) goes on the
/// next time.
const ROUNDS: usize = 64;

/// What an engine keeps as a member of a swarm.
#[derive(Debug, Clone)]
pub(super) struct Member {
    /// Its node id.
    pub node: String,
    /// Its address for the others.
    pub addr: Ipv4Addr,
    /// Where it listens, with the port of a manager.
    pub listen: Endpoint,
    /// It is a manager.
    pub manager: bool,
    /// It tries to join, and has not got there.
    pub pending: bool,
    /// What the managers agree on; a worker's copy.
    pub cluster: Cluster,
    /// It changed the cluster, and the others do not know yet.
    pub dirty: bool,
    /// The overlay networks that are in use here.
    pub overlays: Vec<Overlay>,
    /// The ingress network's own sandbox on the way to docker_gwbridge.
    pub ingress: Option<IngressBox>,
    /// Timers of the orchestrator: when one ends, it looks again.
    pub timers: Vec<Pid>,
    /// Its open ports, all but the one of the gossip.
    sockets: Vec<SocketId>,
    /// The process that asks the others whether they are there, and the line about them that it was given last.
    gossip: Option<(Pid, String)>,
}

impl Member {
    fn new(node: String, addr: Ipv4Addr, listen: Endpoint, cluster: Cluster) -> Self {
        Self {
            node,
            addr,
            listen,
            manager: false,
            pending: false,
            cluster,
            dirty: false,
            overlays: Vec::new(),
            ingress: None,
            timers: Vec::new(),
            sockets: Vec::new(),
            gossip: None,
        }
    }
}

/// The namespace `ingress_sbox`.
#[derive(Debug, Clone)]
pub(super) struct IngressBox {
    pub ns: NsId,
    /// Its end in docker_gwbridge.
    pub gateway: EndpointInfo,
}

/// An endpoint on another member, as the gossip tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peer {
    /// Address in the overlay.
    pub addr: Ipv4Addr,
    pub mac: Mac,
    /// The member's address: where envelopes go.
    pub vtep: Ipv4Addr,
    /// What it is called on the network; the first one is that of its PTR record.
    pub names: Vec<String>,
}

/// Carries out a request at the engine `at`; the others take part where the request or its
/// consequences reach them. Errors are in the response's words, as with [`Engine::request`].
pub fn request(world: &mut World, engines: &mut [&mut Engine], at: usize, request: &Request) -> Response {
    let response = match request {
        Request::Swarm(asked) => node::request(world, engines, at, asked),
        other => engines[at].request(world, other),
    };
    settle(world, engines);
    response
}

/// Lets the members of each swarm hear of what changed at one of them, and act on it.
pub fn settle(world: &mut World, engines: &mut [&mut Engine]) {
    let mut looked = false;
    for _ in 0..ROUNDS {
        let changed = engines.iter_mut().position(|e| e.swarm.as_mut().is_some_and(|m| m.dirty));
        let Some(changed) = changed else { return catch_up(world, engines) };
        if let Some(member) = engines[changed].swarm.as_mut() {
            member.cluster.miss(world.now());
        }
        let misses = |m: &Member| m.manager && m.cluster.nodes.iter().any(|n| n.lost);
        if !looked && engines[changed].member().is_some_and(misses) {
            looked = true;
            node::look_around(world, engines, changed);
        }
        roles::admit(world, engines, changed);
        share(engines, changed);
        orchestrate::orchestrate(world, engines, changed);
        for engine in engines.iter_mut() {
            engine.sync_networks(world);
        }
        exchange_endpoints(world, engines);
        for engine in engines.iter_mut() {
            engine.brief_gossip(world);
        }
    }
}

/// Members that have missed something hear of it as soon as they reach each other again.
fn catch_up(world: &mut World, engines: &mut [&mut Engine]) {
    let missed = engines.iter().any(|here| {
        let Some(own) = here.member() else { return false };
        own.overlays.iter().any(|o| {
            let others = engines.iter().filter_map(|e| Some((e, e.member()?)));
            let mut others = others.filter(|(_, m)| m.cluster.id == own.cluster.id && m.node != own.node);
            others.any(|(e, _)| e.announced(&o.network_id).iter().any(|p| !o.peers.contains(p)))
        })
    });
    if missed {
        exchange_endpoints(world, engines);
    }
}

/// Copies the cluster of one member to all others.
fn share(engines: &mut [&mut Engine], from: usize) {
    let Some(member) = engines[from].swarm.as_mut() else { return };
    member.dirty = false;
    let cluster = member.cluster.clone();
    for (i, engine) in engines.iter_mut().enumerate() {
        let Some(other) = engine.swarm.as_mut().filter(|m| i != from && m.cluster.id == cluster.id) else {
            continue;
        };
        other.manager = cluster.nodes.iter().any(|n| n.id == other.node && n.manager);
        other.cluster = cluster.clone();
    }
}

/// Tells each member of the endpoints of the others, as far as it gets through to them (port 7946). In libnetwork
/// the gossip carries them; here it goes from engine to engine.
fn exchange_endpoints(world: &mut World, engines: &mut [&mut Engine]) {
    let members: Vec<usize> = (0..engines.len()).filter(|&i| engines[i].swarm.is_some()).collect();
    let mut pairs = Vec::new();
    for &a in &members {
        for &b in &members {
            let (Some(here), Some(there)) = (&engines[a].swarm, &engines[b].swarm) else { continue };
            if a != b && here.cluster.id == there.cluster.id {
                pairs.push((a, b, Endpoint::new(there.addr, GOSSIP_PORT)));
            }
        }
    }
    let tries: Vec<_> = pairs.iter().map(|(a, _, to)| (engines[*a].host, *to)).collect();
    let reached = if tries.is_empty() { Vec::new() } else { reach::connect_all(world, &tries) };
    for &a in &members {
        let Some(member) = &engines[a].swarm else { continue };
        let in_use: Vec<String> = member.overlays.iter().map(|o| o.network_id.clone()).collect();
        for network_id in in_use {
            let mut peers = Vec::new();
            for ((from, b, _), result) in pairs.iter().zip(&reached) {
                if *from == a && result.is_ok() {
                    peers.extend(engines[*b].announced(&network_id));
                }
            }
            engines[a].learn_peers(world, &network_id, peers);
        }
        engines[a].write_zones(world);
    }
}

impl Engine {
    /// The endpoints that this member announces for a network.
    fn announced(&self, network_id: &str) -> Vec<Peer> {
        let Some(member) = &self.swarm else { return Vec::new() };
        let Some(overlay) = member.overlays.iter().find(|o| o.network_id == network_id) else {
            return Vec::new();
        };
        let mut all = Vec::new();
        if let Some((addr, mac)) = overlay.balancer {
            all.push(Peer { addr, mac, vtep: member.addr, names: Vec::new() });
        }
        for c in self.containers.iter() {
            let Some(e) = c.endpoints.iter().find(|e| e.network_id == network_id) else { continue };
            let mut names = Vec::new();
            if !c.inner.withdrawn {
                names = c.dns_names(network_id);
                names.extend(self.service_names(c));
            }
            all.push(Peer { addr: e.addr.addr(), mac: e.mac, vtep: member.addr, names });
        }
        all
    }

    /// The names that a task's container has for its service's sake: `web`, `tasks.web`.
    pub(super) fn service_names(&self, c: &super::Container) -> Vec<String> {
        let Some(service) = &c.inner.service else { return Vec::new() };
        vec![service.clone(), format!("tasks.{service}")]
    }

    /// The peers on a network, for names.
    pub(super) fn peers(&self, network_id: &str) -> &[Peer] {
        let overlays = self.swarm.as_ref().map_or(&[][..], |m| &m.overlays);
        overlays.iter().find(|o| o.network_id == network_id).map_or(&[][..], |o| &o.peers)
    }

    /// Opens the ports of a member on the host, and starts its gossip.
    fn open_ports(&mut self, world: &mut World) -> Result<(), String> {
        let host = self.host_ns(world);
        let Some(member) = &self.swarm else { return Ok(()) };
        // The gossip's own port is tried last: what is opened last is closed again.
        let mut wanted = vec![(GOSSIP_PORT, Protocol::Tcp)];
        if member.manager {
            wanted.push((member.listen.port, Protocol::Tcp));
        }
        wanted.push((GOSSIP_PORT, Protocol::Udp));
        let (mut sockets, addr) = (Vec::new(), member.listen.addr);
        for (port, proto) in wanted {
            match hold(world, host, Endpoint::new(addr, port), proto, 4096) {
                Ok(socket) => sockets.push(socket),
                Err(e) => {
                    sockets.into_iter().for_each(|s| super::endpoint::close(world, host, s));
                    let what = e.to_string().to_lowercase();
                    return Err(format!("listen {proto} {addr}:{port}: bind: {what}"));
                }
            }
        }
        // The gossip's process binds its port itself; that it is free was just seen.
        if let Some(free) = sockets.pop() {
            super::endpoint::close(world, host, free);
        }
        // Drawn for the host alone: what happened before does not change it.
        let mut rng = world.rng_for(&format!("gossip {}", member.addr));
        let gossip = world.spawn(self.host, Box::new(gossip::Gossip::new(&mut rng)), false, false);
        if let Some(member) = &mut self.swarm {
            member.sockets = sockets;
            member.gossip = Some((gossip, String::new()));
        }
        Ok(())
    }

    fn close_ports(&mut self, world: &mut World) {
        let host = self.host_ns(world);
        let sockets = self.swarm.as_mut().map(|m| std::mem::take(&mut m.sockets)).unwrap_or_default();
        sockets.into_iter().for_each(|s| super::endpoint::close(world, host, s));
        if let Some((gossip, _)) = self.swarm.as_mut().and_then(|m| m.gossip.take()) {
            world.signal(gossip, crate::guest::Signal::Kill);
        }
    }

    /// Tells the gossip's process who the others are: those that did not leave.
    fn brief_gossip(&mut self, world: &mut World) {
        let Some(Member { node, cluster, gossip: Some((pid, last)), .. }) = self.swarm.as_deref_mut() else {
            return;
        };
        let there = cluster.nodes.iter().filter(|n| n.id != *node && (!n.down || n.lost) && !n.is_leaving());
        let line = gossip::briefing(&cluster.id, there.map(|n| n.addr));
        if *last != line {
            world.write_stdin(*pid, &line, false);
            *last = line;
        }
    }

    /// It tries to join a swarm, and has not got there.
    pub fn is_joining(&self) -> bool {
        self.swarm.as_ref().is_some_and(|m| m.pending)
    }

    /// The member, if it has joined.
    pub(super) fn member(&self) -> Option<&Member> {
        self.swarm.as_deref().filter(|m| !m.pending)
    }

    /// The sandboxes of the overlay networks that are in use on this host: name of the network, its
    /// VXLAN network identifier, and the namespace that holds its bridge and tunnel end.
    pub fn overlays(&self) -> Vec<(&str, u32, NsId)> {
        let overlays = self.swarm.as_ref().map_or(&[][..], |m| &m.overlays);
        overlays.iter().map(|o| (o.name.as_str(), o.vni, o.ns)).collect()
    }

    /// The networks of its swarm that a container may join by name, whether they are in use here or not.
    pub fn attachable(&self) -> impl Iterator<Item = &str> {
        let nets = self.member().into_iter().flat_map(|m| &m.cluster.networks);
        nets.filter(|n| n.asked.attachable && !n.ingress).map(|n| n.name.as_str())
    }

    /// The address of a manager of its swarm; None outside of one.
    pub fn swarm_manager(&self) -> Option<Ipv4Addr> {
        self.member()?.cluster.manager_at().map(|at| at.addr)
    }

    /// True if the container with this name runs.
    pub(super) fn runs(&self, name: &str) -> bool {
        self.containers.iter().any(|c| c.name == name && c.state == ContainerState::Running)
    }
}

impl Engine {
    /// What is plugged into docker_gwbridge besides containers' own networks: whose it is, its name
    /// there, and the end.
    pub(super) fn gateway_ends(&self, net: &super::Network) -> Vec<(&str, String, &EndpointInfo)> {
        let ingress = self.swarm.as_ref().and_then(|m| m.ingress.as_ref());
        let ingress = ingress.map(|i| ("ingress-sbox", "gateway_ingress-sbox".to_owned(), &i.gateway));
        let ends = self.containers.iter().filter_map(|c| Some((c, c.inner.gateway.as_ref()?)));
        let ends = ends
            .map(|(c, e)| (c.id.as_str(), format!("gateway_{}", super::names::short(&c.sandbox_id())), e));
        ends.chain(ingress).filter(|(_, _, e)| e.network_id == net.id).collect()
    }

    /// The address that this host keeps on an overlay network.
    pub(super) fn balancer_of(&self, net: &super::Network) -> Option<(Ipv4Addr, Mac)> {
        self.swarm.as_ref()?.overlays.iter().find(|o| o.network_id == net.id)?.balancer
    }
}

impl super::Network {
    /// `swarm` for networks of the swarm, else `local`.
    pub(super) fn scope(&self) -> &'static str {
        if matches!(self.driver_state, super::driver::Driver::Overlay { .. }) { "swarm" } else { "local" }
    }
    /// It is the swarm's, or made by it.
    pub(super) fn of_swarm(&self) -> bool {
        self.driver == "overlay" || self.name == super::driver::GATEWAY
    }
}
