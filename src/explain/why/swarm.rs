//! Several hosts as one swarm: what they tell one another. That goes without packets here, so what
//! stands in its way is found by trying the connection once more, in a copy of the session.

use std::net::Ipv4Addr;

use super::{Case, Cause, closed, diagnose, driver};
use crate::docker::{Container, EndpointInfo, Engine, Membership, Network};
use crate::session::Node;
use crate::stack::DeviceKind;
use crate::time::Duration;
use crate::wire::Endpoint;

/// Port of the talk among all members.
const GOSSIP_PORT: u16 = 7946;

fn membership(node: &Node) -> Option<Membership<'_>> {
    node.engine.as_ref().and_then(Engine::membership)
}

/// A node's name in a swarm is its own.
fn named<'a>(case: Case<'a>, id: &str) -> Option<&'a Node> {
    case.atlas.session.node(id).ok()
}

/// What keeps a host from a port of another one. None if it gets there.
fn hindrance(case: Case<'_>, from: &Node, to: Endpoint) -> Option<Cause> {
    /// How long it is tried: longer than ARP takes to give up.
    const LIMIT: Duration = Duration::from_secs(8);
    let mut twin = case.atlas.session.clone();
    let line = format!("nc -z -w 5 {} {}", to.addr, to.port);
    let job = twin.run_line(&from.config.id, &line, LIMIT).ok()?;
    if job.exit == Some(0) {
        return None;
    }
    Some(diagnose(&twin, &job)?.cause)
}

fn unreached(from: &Node, to: Endpoint, by: Cause) -> Cause {
    Cause::SwarmUnreached { place: from.config.id.clone(), to, by: Box::new(by) }
}

// ---- managers

/// A command that needs a manager did not get to one: the words that the engine found for it.
pub(super) fn refused(case: Case<'_>, said: &str) -> Option<Cause> {
    let node = named(case, case.job.place.split(':').next()?)?;
    let has = |words: &str| said.contains(words);
    if has("not a swarm manager") {
        let own = membership(node).filter(|m| !m.manager && !m.pending)?;
        let all = case.atlas.session.nodes().iter();
        let manager = all
            .filter(|n| n.config.id != node.config.id)
            .find(|n| membership(n).is_some_and(|m| m.manager && m.swarm == own.swarm))?;
        let (host, manager) = (node.config.id.clone(), manager.config.id.clone());
        return Some(Cause::NotManager { host, manager });
    }
    if has("network ") && has(" not found") {
        let network = said.split(" not found").next()?.rsplit("network ").next()?.to_owned();
        if membership(node).is_some_and(|m| !m.pending) {
            return None;
        }
        let mut all = case.atlas.session.nodes().iter().filter(|n| n.config.id != node.config.id);
        let manager = all.find(|n| {
            let overlay = |e: &Engine| e.network(&network).is_some_and(|x| x.driver == "overlay");
            membership(n).is_some_and(|m| m.manager) && n.engine.as_ref().is_some_and(overlay)
        })?;
        let (host, manager) = (node.config.id.clone(), manager.config.id.clone());
        return Some(Cause::NotInSwarm { host, network, manager });
    }
    if has("not manually attachable") {
        let network = said.split("desc = network ").nth(1)?.split_whitespace().next()?.to_owned();
        return Some(Cause::NotAttachable { network });
    }
    let joins = has("Timeout was reached before node joined")
        || has("transport: Error while dialing: dial tcp")
        || has("error reading server preface");
    if joins {
        let (addr, port) = case.job.line.split_whitespace().rev().find_map(|w| {
            let (addr, port) = w.split_once(':').unwrap_or((w, "2377"));
            Some((addr.parse::<Ipv4Addr>().ok()?, port.parse::<u16>().ok()?))
        })?;
        return to_manager(case, node, Endpoint::new(addr, port));
    }
    if has("context deadline exceeded") {
        let own = membership(node).filter(|m| !m.manager)?;
        let Some(manager) = own.asks else {
            let (host, to) = own.lost_manager()?;
            return Some(Cause::NoManager { host: host.to_owned(), to });
        };
        return advertised_wrongly(case, own.swarm).or_else(|| to_manager(case, node, manager));
    }
    None
}

fn to_manager(case: Case<'_>, from: &Node, to: Endpoint) -> Option<Cause> {
    let there = case.atlas.owners(to.addr).into_iter().find_map(|(at, _)| case.atlas.node(at.ns));
    match hindrance(case, from, to)? {
        Cause::NothingListens { .. } | Cause::NotPublished { .. } => {
            let host = there.map_or_else(|| to.addr.to_string(), |n| n.config.id.clone());
            Some(Cause::NoManager { host, to })
        }
        by => Some(unreached(from, to, by)),
    }
}

/// A member that gave the others an address by which they do not reach it: one of a bridge of its own,
/// or one that nobody has.
fn advertised_wrongly(case: Case<'_>, swarm: &str) -> Option<Cause> {
    let mut members = case.atlas.session.nodes().iter().filter_map(|n| Some((n, membership(n)?)));
    members.find_map(|(node, m)| {
        let ns = case.atlas.ns(node.ns).filter(|_| m.swarm == swarm && !m.pending)?;
        let real = |d: &crate::stack::Device| !matches!(d.kind, DeviceKind::Bridge(_) | DeviceKind::Loopback);
        let has = ns.devices().any(|d| real(d) && d.addrs.iter().any(|a| a.addr() == m.addr));
        // An address that it was set up with, and has lost since, was right.
        let lost = node.config.ports.iter().any(|p| p.address.is_some_and(|a| a.addr() == m.addr));
        let right =
            ns.devices().filter(|d| matches!(d.kind, DeviceKind::Ethernet)).find_map(|d| d.addrs.first());
        let right = right.filter(|_| !has && !lost)?.addr();
        Some(Cause::WrongAdvertised { host: node.config.id.clone(), addr: m.addr, right })
    })
}

// ---- networks

/// The overlay network of a container whose subnet holds `addr`.
fn overlay_with<'a>(
    node: &'a Node,
    c: &'a Container,
    addr: Ipv4Addr,
) -> Option<(&'a Network, &'a EndpointInfo)> {
    let engine = node.engine.as_ref()?;
    c.endpoints.iter().find_map(|e| {
        let network = engine.network(&e.network).filter(|n| n.driver == "overlay")?;
        e.addr.contains(&addr).then_some((network, e))
    })
}

/// A packet of a container for another one on its overlay network found no end, or no answer: what
/// the hosts do not know of each other.
pub(super) fn before(case: Case<'_>) -> Option<Cause> {
    let (node, c) = case.atlas.container(case.asker)?;
    let to = case.target.addr;
    let (network, _) = overlay_with(node, c, to)?;
    let own = membership(node)?;
    if let Some(cause) = advertised_wrongly(case, own.swarm) {
        return Some(cause);
    }
    let there = |(n, other): &(&Node, &Container)| {
        n.config.id != node.config.id && overlay_with(n, other, to).is_some_and(|(x, _)| x.id == network.id)
    };
    match case.atlas.container_with(to).into_iter().find(there) {
        Some((far, _)) => unheard(case, node, far, network, to),
        None => other_swarm(case, node, network, to).or_else(|| gone(case, node, to)),
    }
}

/// A container of a swarm of its own, on a network of the same name.
fn other_swarm(case: Case<'_>, near: &Node, network: &Network, to: Ipv4Addr) -> Option<Cause> {
    let swarm = membership(near)?.swarm;
    let (far, _) = case.atlas.container_with(to).into_iter().find(|(n, c)| {
        let same = overlay_with(n, c, to).is_some_and(|(x, e)| x.name == network.name && e.addr.addr() == to);
        same && n.config.id != near.config.id && membership(n).is_some_and(|m| m.swarm != swarm)
    })?;
    let (one, other) = (near.config.id.clone(), far.config.id.clone());
    Some(Cause::OtherSwarm { one, other, network: network.name.clone() })
}

/// Two members that do not hear each other: neither has learned where the other one's containers are.
fn unheard(case: Case<'_>, near: &Node, far: &Node, network: &Network, to: Ipv4Addr) -> Option<Cause> {
    let (here, there) = (near.engine.as_ref()?, far.engine.as_ref()?);
    let own = case.atlas.container(case.asker)?.1.endpoints.iter().find(|e| e.network == network.name)?.addr;
    let heard = here.knows_peer(network, to) && there.knows_peer(there.network(&network.name)?, own.addr());
    if heard {
        return None;
    }
    [(near, far), (far, near)].into_iter().find_map(|(from, to)| {
        let to = Endpoint::new(membership(to)?.addr, GOSSIP_PORT);
        Some(unreached(from, to, hindrance(case, from, to)?))
    })
}

/// The address was that of a container whose host has left the swarm.
fn gone(case: Case<'_>, near: &Node, to: Ipv4Addr) -> Option<Cause> {
    let had = case.atlas.containers().find(|(n, c)| n.config.id != near.config.id && c.lost(to).is_some());
    let (host, c) = had?;
    left(case, near, host, c)
}

/// A container that was on an overlay network, until its host left the swarm that `near` is in.
fn left(case: Case<'_>, near: &Node, host: &Node, c: &Container) -> Option<Cause> {
    let swarm = membership(near)?;
    let out = membership(host).is_none_or(|m| m.swarm != swarm.swarm) && swarm.has_left(&host.config.id);
    (out && case.atlas.runs(c))
        .then(|| Cause::SwarmLeft { host: host.config.id.clone(), container: c.name.clone() })
}

/// A container of a host that has left its swarm: it has lost its network with that.
pub(super) fn asker_left(case: Case<'_>, node: &Node, c: &Container) -> Option<Cause> {
    c.left().next()?;
    let mut others = case.atlas.session.nodes().iter().filter(|n| n.config.id != node.config.id);
    others.find_map(|near| left(case, near, node, c))
}

/// A name that a container of another host bears, and that is not known here.
pub(super) fn name_elsewhere(case: Case<'_>, name: &str, far: &Node, other: &Container) -> Option<Cause> {
    if !case.atlas.runs(other) {
        return Some(closed::stopped(other));
    }
    let (node, c) = case.atlas.container(case.asker)?;
    let own = membership(node)?;
    let overlay = |e: &EndpointInfo| {
        far.engine.as_ref().and_then(|x| x.network(&e.network)).filter(|n| n.driver == "overlay")
    };
    let Some((e, network)) = other.endpoints.iter().find_map(|e| Some((e, overlay(e)?))) else {
        let bare = other.endpoints.is_empty().then(|| Cause::NoNetwork { container: other.name.clone() });
        return left(case, node, far, other).or(bare);
    };
    if membership(far).is_none_or(|m| m.swarm != own.swarm) {
        let own = c.endpoints.iter().find(|x| x.network == network.name)?;
        let network = node.engine.as_ref()?.network(&own.network)?;
        return other_swarm(case, node, network, e.addr.addr());
    }
    if c.endpoints.iter().any(|x| x.network == network.name) {
        return advertised_wrongly(case, own.swarm)
            .or_else(|| unheard(case, node, far, network, e.addr.addr()));
    }
    Some(Cause::NameElsewhere {
        container: c.name.clone(),
        name: name.to_owned(),
        network: network.name.clone(),
    })
}

/// A container's address on an overlay network, called from where that network is not.
pub(super) fn astray(case: Case<'_>, dst: Ipv4Addr) -> Option<Cause> {
    let (far, c) = case.atlas.container_with(dst).into_iter().find(|(n, c)| {
        case.atlas.runs(c) && overlay_with(n, c, dst).is_some_and(|(_, e)| e.addr.addr() == dst)
    })?;
    let (network, _) = overlay_with(far, c, dst)?;
    if let Some((node, asker)) = case.atlas.container(case.asker) {
        let same = membership(node).zip(membership(far)).is_some_and(|(a, b)| a.swarm == b.swarm);
        return if same { driver::other_network(node, asker, c, network) } else { None };
    }
    let host = case.atlas.place(case.asker);
    Some(Cause::OverlayHost { container: c.name.clone(), network: network.name.clone(), host })
}
