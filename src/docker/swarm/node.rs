//! `docker swarm init|join|leave|join-token` and `docker node`.

use super::cluster::{Cluster, SwarmNode, new_id};
use super::request::SwarmJoin;
use super::{GOSSIP_PORT, Member, SwarmRequest, reach, roles, service, show};
use crate::docker::engine::{Engine, EngineError, reply};
use crate::docker::network::NO_SWARM;
use crate::docker::{Request, Response};
use crate::sim::World;
use crate::stack::Errno;
use crate::time::Duration;
use crate::wire::Endpoint;
use std::net::Ipv4Addr;

/// What a worker says that is asked about the swarm.
pub(super) const NOT_MANAGER: &str = "This node is not a swarm manager. Worker nodes can't be used to view or \
    modify cluster state. Please run this command on a manager node or promote the current node to a manager.";
pub(super) const ALREADY: &str = "This node is already part of a swarm. Use \"docker swarm leave\" to leave this swarm and \
    join another one.";
const NO_PART: &str = "This node is not part of a swarm";
const TIMED_OUT: &str = "Timeout was reached before node joined. The attempt to join the swarm will continue in \
    the background. Use the \"docker info\" command to see the current swarm status of your node.";
const LAST_MANAGER: &str = "You are attempting to leave the swarm on a node that is participating as a manager. \
    Removing the last manager erases all current state of the swarm. Use `--force` to ignore this message.";

/// What becomes of a request while more than half of the managers are missing.
const NO_LEADER: &str = "rpc error: code = DeadlineExceeded desc = context deadline exceeded";

/// How often a manager hears from its nodes (swarmkit, manager/dispatcher).
const HEARTBEAT_SECS: u64 = 5;
/// How long it takes until a node that left is missed: three heartbeats after its last one.
const MISSED_SECS: u64 = 11;

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
        SwarmRequest::Init(asked) => reply(engines[at].swarm_init(world, asked)),
        SwarmRequest::Join(asked) => reply(join(world, engines, at, asked)),
        SwarmRequest::Leave { force } => reply(leave(world, engines, at, *force)),
        SwarmRequest::JoinToken { role, quiet, rotate } => {
            engines[at].join_token(world, role, (*quiet, *rotate))
        }
        other => match engines[at].member() {
            None => show::nothing(other, NO_SWARM),
            Some(m) if !m.manager => show::nothing(other, NOT_MANAGER),
            Some(_) => {
                if look_around(world, engines, at) {
                    super::settle(world, engines);
                }
                if engines[at].member().is_some_and(|m| !m.cluster.has_quorum()) {
                    return reply(fail(NO_LEADER));
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
            each(names, |name| roles::remove(world, engines, at, name, *force).map(|()| name.to_owned()))
        }
        SwarmRequest::NodeRole { manager, names } => {
            // The client stops at the first that fails.
            let mut response = Response::default();
            for name in names {
                match engines[at].give_role(name, *manager) {
                    Ok(said) => response.stdout += &format!("{said}\n"),
                    Err(why) => {
                        (response.stderr, response.exit) = (why + "\n", 1);
                        break;
                    }
                }
            }
            response
        }
        SwarmRequest::NodeUpdate { change, name } => lines(engines[at].update_node(name, change)),
        SwarmRequest::Update { history } => {
            if let Some(member) = &mut engines[at].swarm {
                member.cluster.history = history.unwrap_or(member.cluster.history);
                member.dirty = true;
            }
            Response::ok("Swarm updated.\n")
        }
        SwarmRequest::UnlockKey { rotate: true, .. } => {
            lines(Err("cannot rotate because autolock is not turned on".into()))
        }
        SwarmRequest::UnlockKey { .. } => lines(Err("no unlock key is set".into())),
        SwarmRequest::Unlock => lines(Err("Error: swarm is not locked".into())),
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

/// What the client says, or why it says nothing: whole lines.
fn lines(said: Result<String, String>) -> Response {
    match said {
        Ok(text) => Response::ok(format!("{text}\n")),
        Err(why) => Response { stderr: format!("{why}\n"), exit: 1, ..Response::default() },
    }
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

/// `docker swarm join`: the manager must be there, and the token right.
fn join(world: &mut World, engines: &mut [&mut Engine], at: usize, asked: &SwarmJoin) -> Said {
    if engines[at].swarm.is_some() {
        return fail(ALREADY);
    }
    let (token, addr) = (asked.token.as_str(), asked.addr.as_str());
    let listen = engines[at].listens(world, &asked.listen).map_err(EngineError::new)?;
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
    // What is wrong with an address to advertise is passed over here: the manager sees where one comes from.
    let given = engines[at].advertised(world, asked.advertise.as_deref(), listen.port);
    let own = match (asked.advertise.is_some(), given, source_towards(world, engines[at], to.addr)) {
        (true, Ok(own), _) | (_, Ok(own), None) => own,
        (_, _, Some(addr)) => Endpoint::new(addr, listen.port),
        (_, Err(e), None) => return fail(e),
    };
    match reach::connect(world, engines[at].host, to) {
        Ok(()) => {}
        Err(e @ (Errno::ConnRefused | Errno::HostUnreach | Errno::NetUnreach)) => {
            let why = e.to_string().to_lowercase();
            return fail(format!(
                "rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: \
                 dial tcp {to}: connect: {why}\""
            ));
        }
        Err(_) => {
            // It goes on trying: until `docker swarm leave` the node counts as one that joins.
            let rng = &mut engines[at].rng(world, "swarm");
            let cluster = Cluster::new(new_id(rng), rng);
            let member = Member::new(String::new(), own.addr, listen, cluster);
            engines[at].swarm = Some(Box::new(Member { pending: true, ..member }));
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
    let joined = SwarmNode::new(node.clone(), hostname, own, &asked.availability, role == 1);
    member.cluster.nodes.push(joined);
    let cluster = member.cluster.clone();
    if let Err(e) = engines[at].become_member(world, node.clone(), (own.addr, listen), cluster, role == 1) {
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
        // Who is reachable, and who is not (moby, daemon/cluster/swarm.go, Leave).
        let voters = || member.cluster.nodes.iter().filter(|n| n.votes);
        let (all, there) = (voters().count(), voters().filter(|n| !n.down).count());
        if all == 1 {
            return fail(LAST_MANAGER);
        }
        let left = there.saturating_sub(1);
        let quorum = if left < all / 2 + 1 {
            format!(
                "Removing this node leaves {left} managers out of {all}. Without a Raft quorum your swarm will be \
                 inaccessible. "
            )
        } else {
            String::new()
        };
        return fail(format!(
            "You are attempting to leave the swarm on a node that is participating as a manager. {quorum}The only \
             way to restore a swarm that has lost consensus is to reinitialize it with `--force-new-cluster`. Use \
             `--force` to suppress this message."
        ));
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
            (n.lost, n.missed_at) = (false, Some(world.now() + Duration::from_secs(MISSED_SECS)));
        }
        if !last {
            member.dirty = true;
            if member.manager {
                engine.call_again(world, MISSED_SECS);
            }
        }
    }
    Ok("Node left the swarm.\n".into())
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
    let up = |n: &SwarmNode, heard: bool| !left(n) && (n.id == own || n.is_leaving() || heard);
    nodes.iter().zip(reached).map(|(n, r)| up(n, r.is_ok())).collect()
}
