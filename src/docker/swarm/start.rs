//! `docker swarm init`: the addresses and ports of a member, and what the engine refuses of them (moby,
//! daemon/cluster/listen_addr.go and swarm.go).

use super::cluster::{Cluster, SwarmNode, new_id};
use super::node::{ALREADY, NOT_MANAGER};
use super::request::SwarmInit;
use super::{MANAGER_PORT, Member};
use crate::docker::engine::{Engine, EngineError, reply};
use crate::docker::network::NO_SWARM;
use crate::docker::{NetworkCreate, Response};
use crate::sim::World;
use crate::stack::VXLAN_PORT;
use crate::wire::{Endpoint, Ipv4Net};
use std::net::Ipv4Addr;

const BAD_LISTEN: &str =
    "listen address must be an IP address or network interface (with optional port number)";
const BAD_ADVERTISE: &str =
    "advertise address must be a non-zero IP address or network interface (with optional port number)";
const MUST_LISTEN: &str = "must specify a listening address because the address to advertise is not recognized as \
     a system address, and a system's IP address to use could not be uniquely identified";

impl Engine {
    /// The one address of an interface; None if there is no such interface.
    fn interface_addr(&self, world: &World, name: &str) -> Option<Result<Ipv4Addr, String>> {
        let device = world.namespace(self.host_ns(world))?.device_named(name)?;
        let addrs: Vec<Ipv4Addr> = device.addrs.iter().map(|a| a.addr()).collect();
        Some(match addrs.as_slice() {
            [only] => Ok(*only),
            [] => Err(format!("interface {name} has no usable IPv4 or IPv6 address")),
            [a, b, ..] => Err(format!("interface {name} has more than one IPv4 address ({a} and {b})")),
        })
    }

    /// Where a member listens: `--listen-addr`; empty: on all addresses.
    pub(super) fn listens(&self, world: &World, given: &str) -> Result<Endpoint, String> {
        if given.is_empty() {
            return Ok(Endpoint::new(Ipv4Addr::UNSPECIFIED, MANAGER_PORT));
        }
        let (host, port) = given.rsplit_once(':').unwrap_or((given, ""));
        let port = if port.is_empty() { Ok(MANAGER_PORT) } else { port.parse() };
        let Ok(port) = port else { return Err(format!("could not parse listen address {given}")) };
        let addr = match (host, self.interface_addr(world, host)) {
            ("", _) => Ipv4Addr::UNSPECIFIED,
            (_, Some(addr)) => addr?,
            (host, None) => host.parse().map_err(|_| BAD_LISTEN)?,
        };
        Ok(Endpoint::new(addr, port))
    }

    /// The address that the others shall use: as given, of the interface that is named, or the only one
    /// that is not of Docker's own networks.
    pub(super) fn advertised(
        &self,
        world: &World,
        given: Option<&str>,
        port: u16,
    ) -> Result<Endpoint, String> {
        if let Some(text) = given.filter(|t| !t.is_empty()) {
            let (host, port) = match text.split_once(':') {
                Some((host, of)) => (host, of.parse().map_err(|_| BAD_ADVERTISE)?),
                None => (text, port),
            };
            let addr = match self.interface_addr(world, host) {
                Some(addr) => addr?,
                None => {
                    let addr = host.parse().ok().filter(|a: &Ipv4Addr| !a.is_unspecified());
                    addr.ok_or(BAD_ADVERTISE)?
                }
            };
            return Ok(Endpoint::new(addr, port));
        }
        self.system_addr(world).map(|addr| Endpoint::new(addr, port)).map_err(|e| {
            // The client adds which flag says it (docker/cli, command/swarm/init.go).
            format!("{e} - specify one with --advertise-addr")
        })
    }

    /// The only address of this system.
    fn system_addr(&self, world: &World) -> Result<Ipv4Addr, String> {
        let ns = world.namespace(self.host_ns(world));
        let docker = |addr: Ipv4Addr| {
            let own = |n: &crate::docker::Network| {
                n.driver == "bridge" && n.subnet.is_some_and(|s| s.contains(&addr))
            };
            self.networks.iter().any(own)
        };
        let own: Vec<(String, Ipv4Addr)> = ns
            .into_iter()
            .flat_map(|n| n.devices())
            .filter(|d| d.up && d.name != *"lo")
            .filter(|d| !d.addrs.iter().any(|a| docker(a.addr())))
            .flat_map(|d| d.addrs.iter().map(|a| (d.name.to_string(), a.addr())))
            .collect();
        const MANY: &str =
            "could not choose an IP address to advertise since this system has multiple addresses";
        match own.as_slice() {
            [(_, only)] => Ok(*only),
            [] => Err("could not find the system's IP address".into()),
            [(a, x), (b, y), ..] if a != b => {
                Err(format!("{MANY} on different interfaces ({x} on {a} and {y} on {b})"))
            }
            [(a, x), (_, y), ..] => Err(format!("{MANY} on interface {a} ({x} and {y})")),
        }
    }

    pub(super) fn hostname(&self, world: &World) -> String {
        world.machine(self.host).map(|m| m.hostname.clone()).unwrap_or_default()
    }

    pub(super) fn swarm_init(&mut self, world: &mut World, asked: &SwarmInit) -> Result<String, EngineError> {
        if self.swarm.is_some() {
            return Err(EngineError::new(ALREADY));
        }
        let listen = self.listens(world, &asked.listen).map_err(EngineError::new)?;
        let own =
            self.advertised(world, asked.advertise.as_deref(), listen.port).map_err(EngineError::new)?;
        let local = world.namespace(self.host_ns(world)).is_some_and(|n| n.is_local(own.addr));
        if listen.addr.is_unspecified() && !local && self.system_addr(world).is_err() {
            return Err(EngineError::new(MUST_LISTEN));
        }
        let pools = pools(asked).map_err(EngineError::new)?;
        if let Some(port) = asked.data_path_port.filter(|p| *p != 0 && !(1024..=49151).contains(p)) {
            let what = format!("Datapath port number is not in valid range (1024-49151) : {port}");
            return Err(EngineError::new(what));
        }
        if let Some(port) = asked.data_path_port.filter(|p| *p != 0 && *p != u32::from(VXLAN_PORT)) {
            let what = format!("netpier: a data path port other than {VXLAN_PORT} is not emulated: {port}");
            return Err(EngineError::new(what));
        }
        let mut rng = self.rng(world, "swarm");
        let (node, id) = (new_id(&mut rng), new_id(&mut rng));
        // The tokens hang on nothing that happened before, so that a stored join goes on being right.
        let mut secrets = world.rng_for(&format!("swarm tokens {}", self.hostname(world)));
        let mut cluster = Cluster::new(id, &mut secrets);
        cluster.asked_pools = pools.is_some();
        cluster.pools = pools.unwrap_or(cluster.pools);
        cluster.history = asked.history.unwrap_or(cluster.history);
        cluster.nodes.push(SwarmNode {
            leader: true,
            ..SwarmNode::new(node.clone(), self.hostname(world), own, &asked.availability, true)
        });
        let ingress = NetworkCreate { name: "ingress".into(), ..NetworkCreate::default() };
        cluster.add_network(new_id(&mut rng), ingress, true, world.now());
        let token = cluster.tokens[0].clone();
        self.become_member(world, node.clone(), (own.addr, listen), cluster, true)
            .map_err(EngineError::new)?;
        Ok(format!(
            "Swarm initialized: current node ({node}) is now a manager.\n\nTo add a worker to this swarm, run the \
             following command:\n\n    docker swarm join --token {token} {own}\n\nTo add a manager to this swarm, \
             run 'docker swarm join-token manager' and follow the instructions.\n\n"
        ))
    }

    pub(super) fn become_member(
        &mut self,
        world: &mut World,
        node: String,
        (addr, listen): (Ipv4Addr, Endpoint),
        cluster: Cluster,
        manager: bool,
    ) -> Result<(), String> {
        self.swarm = Some(Box::new(Member { dirty: true, ..Member::new(node, addr, listen, cluster) }));
        if let Some(member) = &mut self.swarm {
            member.manager = manager;
        }
        if let Err(e) = self.open_ports(world) {
            self.swarm = None;
            return Err(e);
        }
        if let Err(e) = self.ensure_gateway_bridge(world) {
            self.close_ports(world);
            self.swarm = None;
            return Err(e);
        }
        Ok(())
    }

    pub(super) fn join_token(
        &mut self,
        world: &World,
        role: &str,
        (quiet, rotate): (bool, bool),
    ) -> Response {
        if !matches!(role, "worker" | "manager") {
            return Response { stderr: format!("unknown role {role}\n"), exit: 1, ..Response::default() };
        }
        let mut rng = self.rng(world, "token");
        let member = match &mut self.swarm {
            Some(m) if !m.pending && m.manager => m,
            Some(m) if !m.pending => return reply(Err(EngineError::new(NOT_MANAGER))),
            _ => return reply(Err(EngineError::new(NO_SWARM))),
        };
        let mut said = String::new();
        if rotate {
            member.cluster.rotate(role == "manager", &mut rng);
            member.dirty = true;
            if !quiet {
                said = format!("Successfully rotated {role} join token.\n\n");
            }
        }
        let token = &member.cluster.tokens[usize::from(role == "manager")];
        if quiet {
            return Response::ok(format!("{token}\n"));
        }
        let own = member.cluster.nodes.iter().find(|n| n.id == member.node);
        let port = own.map_or(MANAGER_PORT, |n| n.port);
        said += &format!(
            "To add a {role} to this swarm, run the following command:\n\n    docker swarm join --token {token} \
             {}:{port}\n\n",
            member.addr
        );
        Response::ok(said)
    }
}

/// `--default-addr-pool` and the size of what is cut out of it.
fn pools(asked: &SwarmInit) -> Result<Option<(Vec<Ipv4Net>, u8)>, String> {
    if asked.pools.is_empty() {
        return Ok(None);
    }
    let size = asked.mask;
    if size > 32 {
        return Err(format!("subnet size is out of range: {size}"));
    }
    let mut all = Vec::new();
    for text in &asked.pools {
        let wrong = |_| format!("invalid base pool {text}: invalid CIDR address: {text}");
        let pool: Ipv4Net = text.parse().map_err(wrong)?;
        if size < u32::from(pool.prefix_len()) {
            return Err(format!("invalid CIDR: {text:?}. Subnet size is too small for pool: {size}"));
        }
        all.push(pool.trunc());
    }
    Ok(Some((all, u8::try_from(size).unwrap_or(24))))
}
