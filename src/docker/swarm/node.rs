//! `docker swarm init|join|leave|join-token` and `docker node`.

use super::cluster::{Cluster, SwarmNode, new_id};
use super::{GOSSIP_PORT, MANAGER_PORT, Member, SwarmRequest, reach, service, show};
use crate::docker::engine::{Engine, EngineError, reply};
use crate::docker::network::NO_SWARM;
use crate::docker::{NetworkCreate, Request, Response};
use crate::sim::World;
use crate::stack::Errno;
use crate::wire::Endpoint;
use std::net::Ipv4Addr;

/// What a worker says that is asked about the swarm.
pub(super) const NOT_MANAGER: &str = "This node is not a swarm manager. Worker nodes can't be used to view or \
    modify cluster state. Please run this command on a manager node or promote the current node to a manager.";
const ALREADY: &str = "This node is already part of a swarm. Use \"docker swarm leave\" to leave this swarm and \
    join another one.";
const NO_PART: &str = "This node is not part of a swarm";
const TIMED_OUT: &str = "Timeout was reached before node joined. The attempt to join the swarm will continue in \
    the background. Use the \"docker info\" command to see the current swarm status of your node.";
const LAST_MANAGER: &str = "You are attempting to leave the swarm on a node that is participating as a manager. \
    Removing the last manager erases all current state of the swarm. Use `--force` to ignore this message.";

/// How often a manager hears from its nodes (swarmkit, manager/dispatcher).
const HEARTBEAT_SECS: u64 = 5;

type Said = Result<String, EngineError>;

fn fail(message: impl Into<String>) -> Said {
    Err(EngineError::new(message))
}

pub(super) fn request(
    world: &mut World,
    engines: &mut [&mut Engine],
    at: usize,
    request: &SwarmRequest,
) -> Response {
    match request {
        SwarmRequest::Init { advertise } => reply(engines[at].swarm_init(world, advertise.as_deref())),
        SwarmRequest::Join { token, addr, advertise } => {
            reply(join(world, engines, at, (token, addr, advertise.as_deref())))
        }
        SwarmRequest::Leave { force } => reply(leave(world, engines, at, *force)),
        SwarmRequest::JoinToken { role, quiet } => engines[at].join_token(role, *quiet),
        other => match engines[at].member() {
            None => reply(fail(NO_SWARM)),
            Some(m) if !m.manager => reply(fail(NOT_MANAGER)),
            Some(_) => {
                if look_around(world, engines, at) {
                    super::settle(world, engines);
                }
                at_manager(world, engines, at, other)
            }
        },
    }
}

/// Requests that only managers carry out.
fn at_manager(world: &mut World, engines: &mut [&mut Engine], at: usize, request: &SwarmRequest) -> Response {
    match request {
        SwarmRequest::NodeLs { quiet, format, filters } => {
            if let Err(e) = super::filter::check(filters, super::filter::NODES) {
                return reply(Err(EngineError::new(e)));
            }
            show::node_ls(world, engines, at, *quiet, format.as_deref(), filters)
        }
        SwarmRequest::NodeInspect { format, pretty, names } => {
            show::node_inspect(&*engines[at], format.as_deref(), *pretty, names)
        }
        SwarmRequest::NodeRm { force, names } => {
            each(names, |name| remove(world, engines, at, name, *force).map(|()| name.to_owned()))
        }
        SwarmRequest::NodeRole { manager, names } => each(names, |name| engines[at].set_role(name, *manager)),
        SwarmRequest::NodeUpdate { availability, name } => each(std::slice::from_ref(name), |name| {
            engines[at].set_availability(name, availability.as_deref())
        }),
        other => service::request(world, engines, at, other),
    }
}

/// A manager looks at who is there, as its dispatcher does all the time: who is not heard of counts as
/// down, and its tasks are given to others; who is heard of again takes part again. What the request
/// shows is what has come of it. While somebody is missing it looks again by itself. True if something
/// changed.
pub(super) fn look_around(world: &mut World, engines: &mut [&mut Engine], at: usize) -> bool {
    let there = answers(world, engines, at);
    let Some(member) = engines[at].swarm.as_mut() else { return false };
    let mut changed = false;
    for (node, up) in member.cluster.nodes.iter_mut().zip(there) {
        let lost = !up && (!node.down || node.lost);
        changed |= lost != node.lost;
        (node.down, node.lost) = (node.down && !node.lost || lost, lost);
    }
    member.dirty |= changed;
    if member.cluster.nodes.iter().any(|n| n.lost) {
        engines[at].call_again(world, HEARTBEAT_SECS);
    }
    changed
}

fn each(names: &[String], mut f: impl FnMut(&str) -> Said) -> Response {
    let mut response = Response::default();
    for name in names {
        match f(name) {
            Ok(said) => response.stdout += &format!("{said}\n"),
            Err(e) => {
                response.stderr += &format!("Error response from daemon: {e}\n");
                response.exit = 1;
            }
        }
    }
    response
}

impl Engine {
    /// The address that the others shall use: as given, of the interface that is named, or the only one.
    fn advertised(&self, world: &World, given: Option<&str>) -> Result<Ipv4Addr, String> {
        let ns = world.namespace(self.host_ns(world));
        let on = |name: &str| {
            let device = ns.and_then(|n| n.device_named(name));
            device.map(|d| d.addrs.iter().map(|a| a.addr()).collect::<Vec<_>>())
        };
        if let Some(text) = given {
            let text = text.split(':').next().unwrap_or(text);
            if let Ok(addr) = text.parse() {
                return Ok(addr);
            }
            return match on(text).as_deref() {
                None => Err(format!(
                    "interface {text} not found, or advertise address must be a non-zero IP address or network \
                     interface (with optional port number)"
                )),
                Some([]) => Err(format!("interface {text} has no usable IPv4 address")),
                Some(addrs) => Ok(addrs[0]),
            };
        }
        let own: Vec<(String, Ipv4Addr)> = ns
            .into_iter()
            .flat_map(|n| n.devices())
            .filter(|d| d.up && d.name != *"lo" && !matches!(d.kind, crate::stack::DeviceKind::Bridge(_)))
            .filter_map(|d| Some((d.name.to_string(), d.addrs.first()?.addr())))
            .collect();
        match own.as_slice() {
            [(_, only)] => Ok(*only),
            [] => Err("could not find the system's IP address - specify one with --advertise-addr".into()),
            [(a, x), (b, y), ..] if a != b => Err(format!(
                "could not choose an IP address to advertise since this system has multiple addresses on \
                 different interfaces ({x} on {a} and {y} on {b}) - specify one with --advertise-addr"
            )),
            [(a, x), (_, y), ..] => Err(format!(
                "could not choose an IP address to advertise since this system has multiple addresses on \
                 interface {a} ({x} and {y}) - specify one with --advertise-addr"
            )),
        }
    }

    fn hostname(&self, world: &World) -> String {
        world.machine(self.host).map(|m| m.hostname.clone()).unwrap_or_default()
    }

    fn swarm_init(&mut self, world: &mut World, advertise: Option<&str>) -> Said {
        if self.swarm.is_some() {
            return fail(ALREADY);
        }
        let addr = self.advertised(world, advertise).map_err(EngineError::new)?;
        let mut rng = self.rng(world, "swarm");
        let (node, id) = (new_id(&mut rng), new_id(&mut rng));
        // The tokens hang on nothing that happened before, so that a stored join goes on being right.
        let mut secrets = world.rng_for(&format!("swarm tokens {}", self.hostname(world)));
        let mut cluster = Cluster::new(id, &mut secrets);
        cluster.nodes.push(SwarmNode {
            id: node.clone(),
            hostname: self.hostname(world),
            addr,
            manager: true,
            leader: true,
            availability: "active".into(),
            down: false,
            lost: false,
        });
        let ingress = NetworkCreate { name: "ingress".into(), ..NetworkCreate::default() };
        cluster.add_network(new_id(&mut rng), ingress, true, world.now());
        let token = cluster.tokens[0].clone();
        self.become_member(world, node.clone(), addr, cluster, true).map_err(EngineError::new)?;
        Ok(format!(
            "Swarm initialized: current node ({node}) is now a manager.\n\nTo add a worker to this swarm, run the \
             following command:\n\n    docker swarm join --token {token} {addr}:{MANAGER_PORT}\n\nTo add a manager \
             to this swarm, run 'docker swarm join-token manager' and follow the instructions.\n\n"
        ))
    }

    fn become_member(
        &mut self,
        world: &mut World,
        node: String,
        addr: Ipv4Addr,
        cluster: Cluster,
        manager: bool,
    ) -> Result<(), String> {
        self.swarm = Some(Box::new(Member {
            node,
            addr,
            manager,
            pending: false,
            cluster,
            dirty: true,
            overlays: Vec::new(),
            ingress: None,
            timers: Vec::new(),
            sockets: Vec::new(),
            gossip: None,
        }));
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

    fn join_token(&self, role: &str, quiet: bool) -> Response {
        if !matches!(role, "worker" | "manager") {
            return Response { stderr: format!("unknown role {role}\n"), exit: 1, ..Response::default() };
        }
        let member = match self.member() {
            None => return reply(fail(NO_SWARM)),
            Some(m) if !m.manager => return reply(fail(NOT_MANAGER)),
            Some(m) => m,
        };
        let token = &member.cluster.tokens[usize::from(role == "manager")];
        if quiet {
            return Response::ok(format!("{token}\n"));
        }
        Response::ok(format!(
            "To add a {role} to this swarm, run the following command:\n\n    docker swarm join --token {token} \
             {}:{MANAGER_PORT}\n\n",
            member.addr
        ))
    }

    fn set_role(&mut self, name: &str, manager: bool) -> Said {
        let Some(member) = &mut self.swarm else { return fail(NO_SWARM) };
        let cluster = &mut member.cluster;
        let Some(n) = cluster.node(name) else { return fail(format!("node {name} not found")) };
        let only = cluster.nodes.iter().filter(|n| n.manager).count() == 1;
        let node = &mut cluster.nodes[n];
        match (manager, node.manager) {
            (true, true) => return Ok(format!("Node {} is already a manager.", node.id)),
            (false, false) => return Ok(format!("Node {} is already a worker.", node.id)),
            (false, true) if only => {
                return fail(
                    "rpc error: code = FailedPrecondition desc = attempting to demote the last manager of the swarm",
                );
            }
            _ => {}
        }
        node.manager = manager;
        if node.leader && !manager {
            node.leader = false;
            if let Some(next) = cluster.nodes.iter_mut().find(|n| n.manager) {
                next.leader = true;
            }
        }
        member.dirty = true;
        Ok(if manager {
            format!("Node {name} promoted to a manager in the swarm.")
        } else {
            format!("Manager {name} demoted in the swarm.")
        })
    }

    fn set_availability(&mut self, name: &str, availability: Option<&str>) -> Said {
        let Some(member) = &mut self.swarm else { return fail(NO_SWARM) };
        let Some(n) = member.cluster.node(name) else { return fail(format!("node {name} not found")) };
        if let Some(word) = availability {
            if !matches!(word, "active" | "pause" | "drain") {
                return fail(format!(
                    "invalid Availability: \"{word}\"; only \"active\", \"pause\" and \"drain\" are supported"
                ));
            }
            word.clone_into(&mut member.cluster.nodes[n].availability);
        }
        member.dirty = true;
        Ok(name.to_owned())
    }
}

/// `docker swarm join`: the manager must be there, and the token right.
fn join(
    world: &mut World,
    engines: &mut [&mut Engine],
    at: usize,
    (token, addr, advertise): (&str, &str, Option<&str>),
) -> Said {
    if engines[at].swarm.is_some() {
        return fail(ALREADY);
    }
    let (host, port) = addr.rsplit_once(':').unwrap_or((addr, "2377"));
    let to = match (host.parse::<Ipv4Addr>(), port.parse::<u16>()) {
        (Ok(host), Ok(port)) => Endpoint::new(host, port),
        _ => {
            return fail(format!(
                "rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: \
                 dial tcp: address {addr}: invalid address\""
            ));
        }
    };
    const BAD_TOKEN: &str =
        "rpc error: code = InvalidArgument desc = A valid join token is necessary to join this cluster";
    let parts: Vec<&str> = token.split('-').collect();
    if !token.is_empty()
        && (parts.len() != 4 || parts[0] != "SWMTKN" || parts[1] != "1" || parts[3].len() != 25)
    {
        return fail("invalid join token");
    }
    let own = match advertise {
        Some(_) => engines[at].advertised(world, advertise).map_err(EngineError::new)?,
        None => match source_towards(world, engines[at], to.addr) {
            Some(addr) => addr,
            None => engines[at].advertised(world, None).map_err(EngineError::new)?,
        },
    };
    match reach::connect(world, engines[at].host, to) {
        Ok(()) => {}
        Err(Errno::ConnRefused) => {
            return fail(format!(
                "rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: \
                 dial tcp {to}: connect: connection refused\""
            ));
        }
        Err(_) => {
            // It goes on trying: until `docker swarm leave` the node counts as one that joins.
            let rng = &mut engines[at].rng(world, "swarm");
            let cluster = Cluster::new(new_id(rng), rng);
            engines[at].swarm = Some(Box::new(Member {
                node: String::new(),
                addr: own,
                manager: false,
                pending: true,
                cluster,
                dirty: false,
                overlays: Vec::new(),
                ingress: None,
                timers: Vec::new(),
                sockets: Vec::new(),
                gossip: None,
            }));
            return fail(TIMED_OUT);
        }
    }
    // Whoever listens there is found by the address; a program that is no manager knows no token.
    let local = |e: &Engine| {
        world.namespace(e.host_ns(world)).is_some_and(|n| n.is_local(to.addr) && !to.addr.is_loopback())
    };
    let manager = engines.iter().position(|e| local(e) && e.member().is_some_and(|m| m.manager));
    let Some(manager) = manager else {
        return fail(
            "rpc error: code = Unavailable desc = connection error: desc = \"error reading server preface: EOF\"",
        );
    };
    let hostname = engines[at].hostname(world);
    let mut rng = engines[at].rng(world, "swarm");
    let node = new_id(&mut rng);
    let Some(member) = engines[manager].swarm.as_mut() else { return fail(BAD_TOKEN) };
    let role = member.cluster.tokens.iter().position(|t| t == token);
    let Some(role) = role else {
        let digest = |t: &str| t.split('-').nth(2).map(str::to_owned);
        let theirs = member.cluster.tokens.first().and_then(|t| digest(t));
        return match digest(token).filter(|own| Some(own) != theirs.as_ref()) {
            Some(own) => {
                fail(format!("remote CA does not match fingerprint. Expected: {}", hex_of_base36(&own)))
            }
            None => fail(BAD_TOKEN),
        };
    };
    member.cluster.nodes.push(SwarmNode {
        id: node.clone(),
        hostname,
        addr: own,
        manager: role == 1,
        leader: false,
        availability: "active".into(),
        down: false,
        lost: false,
    });
    let cluster = member.cluster.clone();
    if let Err(e) = engines[at].become_member(world, node.clone(), own, cluster, role == 1) {
        if let Some(member) = engines[manager].swarm.as_mut() {
            member.cluster.nodes.retain(|n| n.id != node);
        }
        return fail(e);
    }
    Ok(format!("This node joined a swarm as a {}.\n", if role == 1 { "manager" } else { "worker" }))
}

/// A number in base 36, as tokens have it, in hexadecimal: 256 bits.
fn hex_of_base36(text: &str) -> String {
    let mut bytes = [0u8; 32];
    for digit in text.chars().filter_map(|c| c.to_digit(36)) {
        let mut carry = digit;
        for byte in bytes.iter_mut().rev() {
            carry += u32::from(*byte) * 36;
            *byte = (carry & 0xff) as u8;
            carry >>= 8;
        }
    }
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The address from which this host reaches `to`.
fn source_towards(world: &World, engine: &Engine, to: Ipv4Addr) -> Option<Ipv4Addr> {
    Some(world.namespace(engine.host_ns(world))?.route_to(to)?.1)
}

/// `docker swarm leave`.
fn leave(world: &mut World, engines: &mut [&mut Engine], at: usize, force: bool) -> Said {
    let Some(member) = &engines[at].swarm else { return fail(NO_PART) };
    if member.manager && !force {
        let managers = member.cluster.nodes.iter().filter(|n| n.manager && !n.down).count();
        if managers == 1 {
            return fail(LAST_MANAGER);
        }
        return fail(
            "You are attempting to leave the swarm on a node that is participating as a manager. The only way to \
             restore a swarm that has lost consensus is to reinitialize it with `--force-new-cluster`. Use `--force` \
             to suppress this message.",
        );
    }
    let (node, cluster_id) = (member.node.clone(), member.cluster.id.clone());
    let last = member.manager && member.cluster.nodes.iter().filter(|n| n.manager).count() == 1;
    let tasks: Vec<String> =
        engines[at].containers.iter().filter(|c| c.inner.service.is_some()).map(|c| c.id.clone()).collect();
    if !tasks.is_empty() {
        engines[at].request(world, &Request::Rm { force: true, link: false, names: tasks });
    }
    // Containers that were attached by hand lose the network.
    for i in 0..engines[at].containers.len() {
        while let Some(e) = engines[at].containers[i]
            .endpoints
            .iter()
            .position(|e| e.ifnames.1.is_empty() && e.gateway.is_none())
        {
            let network_id = engines[at].containers[i].endpoints[e].network_id.clone();
            engines[at].detach(world, i, e);
            let inner = &mut engines[at].containers[i].inner;
            inner.attachments.retain(|a| a.network_id.as_deref() != Some(&network_id));
            // The way out goes with it.
            let _ = engines[at].choose_gateway(world, i);
        }
    }
    engines[at].drop_swarm_networks(world);
    engines[at].close_ports(world);
    let left = engines[at].swarm.take();
    for (i, engine) in engines.iter_mut().enumerate() {
        let Some(member) = engine.swarm.as_mut().filter(|m| i != at && m.cluster.id == cluster_id) else {
            continue;
        };
        // What it released on its way out counts.
        if let Some(left) = &left {
            member.cluster = left.cluster.clone();
        }
        if let Some(n) = member.cluster.nodes.iter_mut().find(|n| n.id == node) {
            (n.down, n.lost) = (true, false);
        }
        if !last {
            member.dirty = true;
        }
    }
    Ok("Node left the swarm.\n".into())
}

/// `docker node rm`.
fn remove(
    world: &mut World,
    engines: &mut [&mut Engine],
    at: usize,
    name: &str,
    force: bool,
) -> Result<(), EngineError> {
    let states = show::states(world, engines, at);
    let Some(member) = engines[at].swarm.as_mut() else { return Err(EngineError::new(NO_SWARM)) };
    let Some(n) = member.cluster.node(name) else {
        return Err(EngineError::new(format!("node {name} not found")));
    };
    let node = &member.cluster.nodes[n];
    let refuse = |why: &str| {
        Err(EngineError::new(format!("rpc error: code = FailedPrecondition desc = node {} {why}", node.id)))
    };
    if node.manager && !node.down {
        return refuse(
            "is a cluster manager and is a member of the raft cluster. It must be demoted to worker before removal",
        );
    }
    if states.get(n).is_some_and(|up| *up) && !force {
        return refuse("is not down and can't be removed");
    }
    member.cluster.nodes.remove(n);
    member.dirty = true;
    Ok(())
}

/// Whether each node of the cluster answers the engine `at`.
pub(super) fn answers(world: &mut World, engines: &[&mut Engine], at: usize) -> Vec<bool> {
    let Some(member) = engines[at].member() else { return Vec::new() };
    let nodes = member.cluster.nodes.clone();
    let own = member.node.clone();
    let host = engines[at].host;
    let tries: Vec<_> = nodes.iter().map(|n| (host, Endpoint::new(n.addr, GOSSIP_PORT))).collect();
    let reached = reach::connect_all(world, &tries);
    let left = |n: &SwarmNode| n.down && !n.lost;
    nodes.iter().zip(reached).map(|(n, r)| !left(n) && (n.id == own || r.is_ok())).collect()
}
