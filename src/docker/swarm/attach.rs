//! How containers get into the networks of a swarm, and what of those networks an engine shows.

use super::super::NetworkCreate;
use super::super::driver::{Driver, mac_of};
use super::super::engine::{EndpointInfo, Engine, EngineError, Network};
use super::super::network::NO_SWARM;
use super::super::options::OPT_MTU;
use super::cluster::{Attached, SwarmNet, Task, TaskState, new_id};
use super::node::NOT_MANAGER;
use super::{IngressBox, reach};
use crate::sim::World;
use crate::stack::OVERHEAD;
use crate::wire::{Ipv4Net, Mac};

/// What an engine says that got no answer from its managers.
const NO_ANSWER: &str = "attaching to network failed, make sure your network options are correct and check \
    manager logs: context deadline exceeded";

/// What an engine says when the manager gives it no address.
const NOT_ATTACHED: &str = "attaching to network failed, make sure your network options are correct and check \
                            manager logs: context deadline exceeded";

impl Engine {
    /// Sees to it that a network of the swarm that container `i` is to join is known here.
    pub(in crate::docker) fn find_in_swarm(
        &mut self,
        world: &mut World,
        i: usize,
        wanted: &str,
    ) -> Result<(), String> {
        let local = self.find_network(wanted).ok().map(|n| self.networks[n].driver.clone());
        if local.as_deref().is_some_and(|driver| driver != "overlay") {
            return Ok(());
        }
        let Some(member) = self.member() else { return Ok(()) };
        let fail = |code: &str, what: &str| {
            Err(format!("Could not attach to network {wanted}: rpc error: code = {code} desc = {what}"))
        };
        // A worker asks its manager, every time.
        if !member.manager {
            let manager = member.cluster.manager_at();
            let there = manager.is_some_and(|at| reach::connect(world, self.host, at).is_ok());
            if !there {
                return Err(NO_ANSWER.into());
            }
        }
        let Some(member) = self.member() else { return Ok(()) };
        let task = self.containers[i].inner.service.is_some();
        match member.cluster.network(wanted).cloned() {
            None => fail("NotFound", &format!("network {wanted} not found")),
            Some(net) if !net.asked.attachable && !task => {
                fail("PermissionDenied", &format!("network {} not manually attachable", net.name))
            }
            Some(net) if net.given.is_none() => Err(NO_ANSWER.into()),
            Some(net) => {
                self.show_network(&net);
                Ok(())
            }
        }
    }

    /// Puts a network of the swarm into the engine's list.
    fn show_network(&mut self, net: &SwarmNet) {
        if net.given.is_none() || self.networks.iter().any(|n| n.id == net.id) {
            return;
        }
        self.networks.push(net.shown());
    }

    /// The networks of the swarm that have got nothing yet, as a manager lists them: their driver is not known.
    pub(in crate::docker) fn waiting_networks(&self) -> Vec<Network> {
        let Some(member) = self.member().filter(|m| m.manager) else { return Vec::new() };
        member.cluster.networks.iter().filter(|n| n.given.is_none()).map(SwarmNet::shown).collect()
    }

    /// Joins container `i` to an overlay network. Returns its endpoint.
    pub(in crate::docker) fn attach_overlay(
        &mut self,
        world: &mut World,
        i: usize,
        net: &Network,
        (wish, mac): (Option<std::net::Ipv4Addr>, Option<Mac>),
        id: String,
    ) -> Result<EndpointInfo, String> {
        let task = self.containers[i].inner.service.is_some();
        let mut rng = self.rng(world, "attachment");
        let container = self.containers[i].id.clone();
        let Some(member) = &mut self.swarm else { return Err(NO_SWARM.into()) };
        let known = member.cluster.networks.iter_mut().find(|n| n.id == net.id);
        let known = known.ok_or_else(|| format!("network {} not found", net.name))?;
        // A task's address was given to it when it was made.
        let addr = match wish.filter(|_| task) {
            Some(addr) => addr,
            // The manager cannot give one, and says nothing; the engine waits for it in vain.
            None => known.take(wish).map_err(|_| NOT_ATTACHED.to_owned())?,
        };
        if !task {
            let (task, network, node) = (new_id(&mut rng), net.id.clone(), member.node.clone());
            member.cluster.attached.push(Attached { task, network, container, node });
        }
        member.dirty = true;
        let subnet = net.subnet.unwrap_or_else(|| Ipv4Net::from(addr));
        let cidr = Ipv4Net::new(addr, subnet.prefix_len()).expect("the subnet's own length");
        let ns = self.container_ns(world, i);
        let mac = mac.unwrap_or_else(|| mac_of(addr));
        let o = self.use_overlay(world, net)?;
        let ifname = self.plug_overlay(world, o, ns, mac, cidr)?;
        Ok(EndpointInfo {
            network: net.name.clone(),
            addr: cidr,
            gateway: None,
            mac,
            ifnames: (ifname, String::new()),
            id,
            network_id: net.id.clone(),
            rules: Vec::new(),
        })
    }

    /// The sandbox of a network on this host, made if need be. Its balancer's address is taken with it.
    fn use_overlay(&mut self, world: &mut World, net: &Network) -> Result<usize, String> {
        let find =
            |e: &Self| e.swarm.as_ref().and_then(|m| m.overlays.iter().position(|o| o.network_id == net.id));
        if let Some(o) = find(self) {
            return Ok(o);
        }
        let (&Driver::Overlay { ref vni, ingress }, Some(subnet), Some(gateway)) =
            (&net.driver_state, net.subnet, net.gateway)
        else {
            return Err(format!("network {} cannot be joined", net.name));
        };
        let gateway = Ipv4Net::new(gateway, subnet.prefix_len()).expect("the subnet's own length");
        let mut overlay = self.make_overlay(world, (&net.id, &net.name), gateway, (*vni, net.mtu.into()))?;
        let Some(member) = &mut self.swarm else { return Err(NO_SWARM.into()) };
        let known = member.cluster.networks.iter_mut().find(|n| n.id == net.id);
        overlay.balancer = known.and_then(|n| n.take(None).ok()).map(|addr| (addr, mac_of(addr)));
        let balancer = overlay.balancer;
        member.overlays.push(overlay);
        let o = member.overlays.len() - 1;
        // The balancer has a namespace of its own on the network. That of ingress is another
        // ([`Engine::ensure_ingress`]).
        if let Some((addr, mac)) = balancer.filter(|_| !ingress) {
            let ns = world.add_namespace();
            let cidr = Ipv4Net::new(addr, subnet.prefix_len()).expect("the subnet's own length");
            match self.plug_overlay(world, o, ns, mac, cidr) {
                Ok(_) => {
                    if let Some(overlay) = self.swarm.as_mut().and_then(|m| m.overlays.get_mut(o)) {
                        overlay.balancer_ns = Some(ns);
                    }
                }
                // Without room for it nobody answers at its address.
                Err(_) => world.remove_namespace(ns),
            }
        }
        Ok(o)
    }

    /// Whether an overlay network is in use here.
    pub(in crate::docker) fn uses_overlay(&self, network_id: &str) -> bool {
        self.member().is_some_and(|m| m.overlays.iter().any(|o| o.network_id == network_id))
    }

    /// A container that was given an address by the manager cannot take it: the next one gets the next.
    pub(in crate::docker) fn burn_address(&mut self, network_id: &str) {
        let Some(member) = &mut self.swarm else { return };
        if let Some(net) = member.cluster.networks.iter_mut().find(|n| n.id == network_id)
            && let Ok(addr) = net.take(None)
        {
            net.release(addr);
            member.dirty = true;
        }
    }

    /// The members that use an overlay network, as one that uses it knows: a short name and the address.
    pub(in crate::docker) fn sharing(&self, network_id: &str) -> Vec<(String, std::net::Ipv4Addr)> {
        let Some(member) = self.member() else { return Vec::new() };
        let Some(overlay) = member.overlays.iter().find(|o| o.network_id == network_id) else {
            return Vec::new();
        };
        let mut all = vec![member.addr];
        for peer in &overlay.peers {
            if !all.contains(&peer.vtep) {
                all.push(peer.vtep);
            }
        }
        // A hash of the node's own name and a random number, 12 hexadecimal digits (libnetwork, agent.go).
        let name = |addr: &std::net::Ipv4Addr| {
            let node = member.cluster.nodes.iter().find(|n| n.addr == *addr);
            let id = node.map_or("", |n| n.id.as_str());
            let hash = id
                .bytes()
                .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
            format!("{:012x}", hash >> 16)
        };
        all.into_iter().map(|addr| (name(&addr), addr)).collect()
    }

    /// After container `i` left an overlay network: its address is free, and the sandbox goes with the
    /// last container.
    pub(in crate::docker) fn left_overlay(&mut self, world: &mut World, i: usize, endpoint: &EndpointInfo) {
        let container = self.containers[i].id.clone();
        let used = self
            .containers
            .iter()
            .any(|c| c.endpoints.iter().any(|e| e.network_id == endpoint.network_id && e.id != endpoint.id));
        let Some(member) = &mut self.swarm else { return };
        member.dirty = true;
        let own = |a: &Attached| a.network == endpoint.network_id && a.container == container;
        member.cluster.attached.retain(|a| !own(a));
        if let Some(net) = member.cluster.networks.iter_mut().find(|n| n.id == endpoint.network_id) {
            net.release(endpoint.addr.addr());
        }
        if !used {
            self.drop_overlay(world, &endpoint.network_id);
        }
    }

    fn drop_overlay(&mut self, world: &mut World, network_id: &str) {
        let Some(member) = &mut self.swarm else { return };
        let Some(o) = member.overlays.iter().position(|o| o.network_id == network_id) else { return };
        let overlay = member.overlays.remove(o);
        if let (Some((addr, _)), Some(net)) =
            (overlay.balancer, member.cluster.networks.iter_mut().find(|n| n.id == network_id))
        {
            net.release(addr);
        }
        if let Some(ns) = overlay.balancer_ns {
            world.remove_namespace(ns);
        }
        world.remove_namespace(overlay.ns);
    }

    /// Brings the engine's list in line: a manager shows all networks of the swarm, a worker those it
    /// uses. Makes what every member has: docker_gwbridge and the sandbox of ingress.
    pub(in crate::docker) fn sync_networks(&mut self, world: &mut World) {
        let Some(member) = self.member() else { return };
        let (manager, all) = (member.manager, member.cluster.networks.clone());
        let used: Vec<String> = member.overlays.iter().map(|o| o.network_id.clone()).collect();
        self.networks.retain(|n| {
            n.driver != "overlay" || (all.iter().any(|s| s.id == n.id) && (manager || used.contains(&n.id)))
        });
        for net in &all {
            if manager || net.ingress {
                self.show_network(net);
            }
        }
        self.ensure_ingress(world);
    }

    /// The namespace through which the routing mesh would lead: an end in ingress, one in
    /// docker_gwbridge.
    fn ensure_ingress(&mut self, world: &mut World) {
        if self.member().is_none_or(|m| m.ingress.is_some()) {
            return;
        }
        let ingress = |n: &&Network| matches!(n.driver_state, Driver::Overlay { ingress: true, .. });
        let Some(net) = self.networks.iter().find(ingress).cloned() else { return };
        let ns = world.add_namespace();
        // Without room for it the swarm goes on; there is no mesh to miss it.
        let Ok(gateway) = self.join_gateway_bridge(world, ns) else { return world.remove_namespace(ns) };
        if let Ok(o) = self.use_overlay(world, &net)
            && let Some((addr, mac)) = self.swarm.as_ref().and_then(|m| m.overlays[o].balancer)
            && let Some(subnet) = net.subnet
        {
            let cidr = Ipv4Net::new(addr, subnet.prefix_len()).expect("the subnet's own length");
            // As above.
            let _ = self.plug_overlay(world, o, ns, mac, cidr);
        }
        if let Some(member) = &mut self.swarm {
            member.ingress = Some(IngressBox { ns, gateway });
            member.dirty = true;
        }
    }

    /// Takes away all that a member has for the swarm's sake; docker_gwbridge stays.
    pub(super) fn drop_swarm_networks(&mut self, world: &mut World) {
        let ingress = self.swarm.as_mut().and_then(|m| m.ingress.take());
        if let Some(IngressBox { ns, gateway }) = ingress {
            self.leave_gateway_bridge(world, &gateway);
            world.remove_namespace(ns);
        }
        let left: Vec<String> = match &self.swarm {
            Some(m) => m.overlays.iter().map(|o| o.network_id.clone()).collect(),
            None => Vec::new(),
        };
        for network_id in left {
            self.drop_overlay(world, &network_id);
        }
        self.networks.retain(|n| n.driver != "overlay");
    }

    // ---- docker network create -d overlay, network rm

    pub(in crate::docker) fn create_in_swarm(
        &mut self,
        world: &mut World,
        create: &NetworkCreate,
    ) -> Result<String, EngineError> {
        if self.member().is_none_or(|m| !m.manager) {
            return Err(EngineError::new(NO_SWARM));
        }
        if let Some(other) = &create.ipam_driver {
            let what = format!("error during lookup of plugin {other}");
            return Err(EngineError::new(format!("rpc error: code = InvalidArgument desc = {what}")));
        }
        if create.ingress {
            let known = self.member().and_then(|m| m.cluster.networks.iter().find(|n| n.ingress));
            return Err(EngineError::new(match known {
                Some(net) => format!(
                    "rpc error: code = AlreadyExists desc = ingress network ({}) is already present",
                    net.id
                ),
                None => "netpier: an ingress network of one's own is not emulated yet".to_owned(),
            }));
        }
        let id = names_id(self, world);
        let now = world.now();
        let Some(member) = &mut self.swarm else { return Err(EngineError::new(NO_SWARM)) };
        if member.cluster.networks.iter().any(|n| n.name == create.name) {
            return Err(EngineError::new(format!("network with name {} already exists", create.name)));
        }
        member.cluster.add_network(id.clone(), create.clone(), false, now);
        member.dirty = true;
        for action in ["create", "update"] {
            // The allocator gives it its subnet in a second step (swarmkit, manager/allocator).
            self.tell_in_swarm(world, ("network", action), &id, &create.name);
        }
        Ok(format!("{id}\n"))
    }

    /// `docker network rm` of a network of the swarm.
    pub(in crate::docker) fn remove_from_swarm(
        &mut self,
        world: &mut World,
        name: &str,
    ) -> Result<(), EngineError> {
        let Some(member) = self.member() else { return Err(EngineError::new(NO_SWARM)) };
        let Some(net) = member.cluster.network(name).cloned() else {
            return Err(EngineError::new(format!("network {name} not found")));
        };
        if !member.manager {
            return Err(EngineError::new(NOT_MANAGER));
        }
        let in_use = |task: &str| {
            EngineError::new(format!(
                "rpc error: code = FailedPrecondition desc = network {} is in use by task {task}",
                net.id
            ))
        };
        // Services are looked at before tasks (swarmkit, manager/controlapi/network.go).
        let by_service = member
            .cluster
            .services
            .iter()
            .find(|s| s.spec.networks.iter().any(|n| *n == net.name || *n == net.id));
        if let Some(service) = by_service {
            return Err(EngineError::new(format!(
                "rpc error: code = FailedPrecondition desc = network {} is in use by service {}",
                net.id, service.id
            )));
        }
        if let Some(a) = member.cluster.attached.iter().find(|a| a.network == net.id) {
            return Err(in_use(&a.task));
        }
        let ends = |t: &&Task| t.state == TaskState::Stopping && t.addrs.iter().any(|a| a.0 == net.name);
        if let Some(task) = member.cluster.tasks.iter().find(ends) {
            return Err(in_use(&task.id));
        }
        if let Some(member) = &mut self.swarm {
            member.cluster.remove_network(&net.id);
            member.dirty = true;
        }
        self.networks.retain(|n| n.id != net.id);
        self.tell_in_swarm(world, ("network", "remove"), &net.id, &net.name);
        Ok(())
    }

    /// True if the name means a network of the swarm here.
    pub(in crate::docker) fn is_of_swarm(&self, name: &str) -> bool {
        let local = self.find_network(name).ok().map(|n| &self.networks[n].driver);
        match local {
            Some(driver) => driver == "overlay",
            None => self.member().is_some_and(|m| m.manager && m.cluster.network(name).is_some()),
        }
    }
}

impl SwarmNet {
    /// The network as an engine lists it.
    fn shown(&self) -> Network {
        let mtu = self.asked.options.iter().find(|o| o.0 == OPT_MTU).and_then(|o| o.1.parse().ok());
        Network {
            id: self.id.clone(),
            name: self.name.clone(),
            driver: if self.given.is_some() { "overlay".into() } else { String::new() },
            subnet: self.given.map(|g| g.subnet),
            gateway: self.given.map(|g| g.gateway),
            bridge: None,
            range: self.asked.ip_ranges.first().and_then(|r| r.parse::<Ipv4Net>().ok()).map(|r| r.trunc()),
            created: self.created,
            asked: self.asked.clone(),
            rules: None,
            // What is asked for is the underlay's; the envelope takes its part of it (overlay.go, maxMTU).
            mtu: mtu.unwrap_or(1500_u16).saturating_sub(OVERHEAD).max(68),
            options: None,
            driver_state: Driver::Overlay { vni: self.given.map_or(0, |g| g.vni), ingress: self.ingress },
        }
    }
}

/// Networks of a swarm have ids like tasks do.
fn names_id(engine: &mut Engine, world: &World) -> String {
    new_id(&mut engine.rng(world, "swarm network"))
}
