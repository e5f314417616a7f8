//! A port where nobody listens: what was meant to.

use std::net::Ipv4Addr;

use super::pick::Fatal;
use super::rules::{forward_of, is_wan, router_closed};
use super::story::Role;
use super::{Case, Cause};
use crate::docker::{Container, ContainerState, PortBinding, PortSpec};
use crate::netfilter::{NatKind, NfStep};
use crate::session::Node;
use crate::stack::{DevRef, DeviceKind, NsId, Step};
use crate::wire::{Endpoint, Protocol};

/// The cause behind a closed port.
pub(super) fn port(case: Case<'_>, f: Fatal<'_>, port: u16) -> Cause {
    let atlas = case.atlas;
    let flow = case.story.flow_at_end(f.life);
    let (proto, dst) = flow.map_or((Protocol::Tcp, Ipv4Addr::UNSPECIFIED), |x| (x.proto, x.dst.addr));
    let listens = atlas.open_ports(f.ns, proto);
    let place = atlas.place(f.ns);
    let nothing = Cause::NothingListens { place: place.clone(), proto, port, listens: listens.clone() };
    if f.life.role != Role::Ask {
        return Cause::Dropped { place, dev: f.dev, reason: f.reason };
    }
    if let Some(cause) = taken_by_bridge(case, f, dst) {
        return cause;
    }
    let at = |s: &crate::stack::SocketInfo| s.local.addr;
    let mut served = atlas.listeners(f.ns, proto, port).into_iter().map(|s| at(&s));
    if let Some(addr) = served.find(|a| !a.is_unspecified() && !a.is_loopback() && *a != dst) {
        return Cause::OtherAddress { place, port, addr, asked: dst };
    }
    if let Some(cause) = other_of_this_address(case, f, proto, port, dst) {
        return cause;
    }
    let loopback_only = atlas.listeners(f.ns, proto, port).iter().any(|s| s.local.addr.is_loopback());
    if dst.is_loopback() && f.ns == case.asker {
        if let Some((node, c)) = atlas.container(f.ns) {
            let found = elsewhere(case, node, f.ns, proto, port);
            if found.is_none()
                && let Some(cause) = near_miss(case, f.ns, proto, port)
            {
                return cause;
            }
            if found.is_none() && !listens.is_empty() {
                return nothing;
            }
            return Cause::Localhost { container: c.name.clone(), port, found };
        }
        let known = || near_miss(case, f.ns, proto, port);
        return host_port(case, f, proto, port, dst).or_else(known).unwrap_or(nothing);
    }
    if let Some((_, c)) = atlas.container(f.ns) {
        return in_container(case, f, c, proto, port, (loopback_only, nothing));
    }
    if let Some(cause) = hairpin(case, f, proto, port, dst) {
        return cause;
    }
    if let Some(cause) = router_closed(case, f) {
        return cause;
    }
    if loopback_only && host_port(case, f, proto, port, dst).is_none() {
        return Cause::AppOnLoopback { place, port };
    }
    let known = || near_miss(case, f.ns, proto, port);
    host_port(case, f, proto, port, dst).or_else(known).unwrap_or(nothing)
}

/// A container called its own address, and meant one of another host that has the same.
fn other_of_this_address(
    case: Case<'_>,
    f: Fatal<'_>,
    proto: Protocol,
    port: u16,
    dst: Ipv4Addr,
) -> Option<Cause> {
    let (own, _) = case.atlas.container(f.ns).filter(|_| f.ns == case.asker && !dst.is_loopback())?;
    let (node, c) = case.atlas.container_with(dst).into_iter().find(|(n, c)| {
        let open = case.atlas.ns_of(c).is_some_and(|ns| case.atlas.open_ports(ns, proto).contains(&port));
        n.config.id != own.config.id && open
    })?;
    Some(Cause::OtherHost { container: c.name.clone(), addr: dst, host: node.config.id.clone() })
}

/// A machine outside has the address too: the host took the packet for itself, since the gateway of one of
/// its Docker networks has it.
fn taken_by_bridge(case: Case<'_>, f: Fatal<'_>, dst: Ipv4Addr) -> Option<Cause> {
    let atlas = case.atlas;
    let bridged = |at: DevRef| atlas.network_of_bridge(atlas.node(at.ns)?, &atlas.dev_name(at.ns, at.dev));
    let owners = atlas.owners(dst);
    let network = owners.iter().find(|(at, _)| at.ns == f.ns).and_then(|(at, _)| bridged(*at))?;
    // Another host's own bridge is no part of the real network.
    let real = owners.iter().any(|(at, _)| atlas.node(at.ns).is_some() && bridged(*at).is_none());
    real.then(|| Some(Cause::Overlap { network: network.name.clone(), subnet: network.subnet?, dst }))?
}

/// Somebody near who listens on the port: the host, or another of its containers.
fn elsewhere(case: Case<'_>, node: &Node, not: NsId, proto: Protocol, port: u16) -> Option<String> {
    if !case.atlas.listeners(node.ns, proto, port).is_empty() {
        return Some(node.config.id.clone());
    }
    case.atlas.containers().filter(|(n, _)| n.config.id == node.config.id).find_map(|(n, c)| {
        let ns = case.atlas.ns_of(c).filter(|ns| *ns != not)?;
        let open = case.atlas.open_ports(ns, proto).contains(&port);
        open.then(|| format!("{}:{}", n.config.id, c.name))
    })
}

fn in_container(
    case: Case<'_>,
    f: Fatal<'_>,
    c: &Container,
    proto: Protocol,
    port: u16,
    (loopback_only, nothing): (bool, Cause),
) -> Cause {
    let place = case.atlas.place(f.ns);
    if loopback_only {
        return Cause::AppOnLoopback { place, port };
    }
    let listens = case.atlas.open_ports(f.ns, proto);
    let binding = c.ports.iter().find(|p| p.port == port && p.proto == proto);
    if through_a_publication(case, f)
        && let Some(binding) = binding
    {
        let (container, host_port) = (c.name.clone(), binding.host_port);
        if listens.contains(&host_port) {
            return Cause::PortsSwapped { container, host_port, port };
        }
        return match listens.as_slice() {
            [] => near_miss(case, f.ns, proto, port).unwrap_or(nothing),
            _ => Cause::WrongContainerPort { container, host_port, port, listens },
        };
    }
    let mut published = c.ports.iter().filter(|p| p.host_port == port && p.proto == proto && p.port != port);
    if let Some(binding) = published.next() {
        return Cause::HostPortInside { container: c.name.clone(), host_port: port, port: binding.port };
    }
    near_miss(case, f.ns, proto, port).unwrap_or(nothing)
}

/// It came in by a published port: a rule of a Docker host changed its destination, or its proxy
/// carried it.
fn through_a_publication(case: Case<'_>, f: Fatal<'_>) -> bool {
    let line = case.story.line_of(f.life);
    let translated = line.iter().flat_map(|l| case.story.records_of(l)).any(|(_, r)| {
        matches!(r.step, Step::Nf(NfStep::Translated { kind: NatKind::Destination, .. }))
            && case.atlas.node(r.ns).is_some_and(|n| n.engine.is_some())
    });
    let sender = f.life.by.and_then(|pid| case.atlas.session.world.process_name(pid));
    translated || sender == Some("docker-proxy")
}

/// One of the router's own outer addresses, called from inside, where only the outside is forwarded.
fn hairpin(case: Case<'_>, f: Fatal<'_>, proto: Protocol, port: u16, dst: Ipv4Addr) -> Option<Cause> {
    let ns = case.atlas.ns(f.ns)?;
    let dev = case.atlas.dev_name(f.ns, f.dev?);
    let outer = ns.devices().find(|d| d.addrs.iter().any(|a| a.addr() == dst))?.name;
    if *outer.as_str() == *dev || !is_wan(case, f.ns, outer.as_str()) {
        return None;
    }
    let router = case.atlas.place(f.ns);
    Some(match forward_of(case, f.ns, proto, port) {
        Some(_) => Cause::HairpinOff { router, addr: dst, port },
        None => Cause::RouterClosed { router, proto, port, outer: false },
    })
}

/// A host's firewall stopped a call to a port that leads nowhere even if it were let in: what is wrong
/// with the port. None if somebody listens there, or nothing better is known than that nobody does.
pub(super) fn behind_firewall(case: Case<'_>, f: Fatal<'_>) -> Option<Cause> {
    let flow = case.story.flow_at_end(f.life).filter(|_| f.life.role == Role::Ask)?;
    let ports = matches!(flow.proto, Protocol::Tcp | Protocol::Udp);
    let ours = case.atlas.ns(f.ns)?.is_local(flow.dst.addr);
    let listeners = case.atlas.listeners(f.ns, flow.proto, flow.dst.port);
    let open = listeners.iter().any(|s| !s.local.addr.is_loopback());
    if !ports || !ours || open {
        return None;
    }
    host_port(case, f, flow.proto, flow.dst.port, flow.dst.addr)
}

fn asks_for(spec: &PortSpec, proto: Protocol, port: u16) -> bool {
    spec.proto == proto && spec.host.is_some_and(|(first, last)| (first..=last).contains(&port))
}

/// A port of a Docker host: which container was meant.
fn host_port(case: Case<'_>, f: Fatal<'_>, proto: Protocol, port: u16, dst: Ipv4Addr) -> Option<Cause> {
    let atlas = case.atlas;
    let node = atlas.node(f.ns).filter(|n| n.engine.is_some())?;
    let engine = node.engine.as_ref()?;
    let all = engine.containers();
    let local = |c: &&Container| {
        let bound = c.ports.iter().filter(|p| p.host_port == port && p.proto == proto);
        bound.into_iter().any(|p| p.host_ip.is_loopback())
    };
    if !dst.is_loopback()
        && let Some(c) = all.iter().find(local)
    {
        return Some(Cause::PublishedLocally { container: c.name.clone(), port });
    }
    let asked = |c: &&Container| c.spec().publish.iter().any(|s| asks_for(s, proto, port));
    if let Some(c) = all.iter().filter(|c| !atlas.runs(c)).find(asked) {
        return Some(stopped(c));
    }
    // On the host's own network it opened the port by itself.
    let opened = |c: &&Container| {
        c.network_mode() == "host" && engine.exposed_ports(c).contains(&(port, proto)) && !atlas.runs(c)
    };
    if let Some(c) = all.iter().find(opened) {
        return Some(stopped(c));
    }
    if let Some(c) = all.iter().filter(|c| atlas.runs(c)).find(asked) {
        if let Some(e) =
            c.endpoints.iter().find(|e| engine.network(&e.network).is_some_and(|n| n.is_internal()))
        {
            return Some(Cause::Internal { container: c.name.clone(), network: e.network.clone() });
        }
        if c.endpoints.is_empty() && atlas.ns_of(c) != Some(node.ns) {
            return Some(Cause::NoNetwork { container: c.name.clone() });
        }
        if let Some(cause) = ignored(case, node, c, proto, port) {
            return Some(cause);
        }
    }
    let inside = |c: &&Container| {
        let ns = atlas.ns_of(c).filter(|ns| *ns != node.ns);
        let open = ns.is_some_and(|ns| atlas.open_ports(ns, proto).contains(&port));
        atlas.runs(c) && (open || engine.exposed_ports(c).contains(&(port, proto)))
    };
    // Who asked at a network's gateway meant one of that network.
    let behind = |c: &&Container| c.endpoints.iter().any(|e| e.gateway == Some(dst));
    if let Some(c) = all.iter().filter(behind).find(inside).or_else(|| all.iter().find(inside)) {
        // In the routed mode a port is let through, not published under another number.
        let same = |p: &&PortBinding| p.port == port && p.proto == proto && p.host_port != 0;
        let published = c.ports.iter().find(same).map(|p| p.host_port);
        return Some(Cause::NotPublished { container: c.name.clone(), port, published });
    }
    // Another number than any container has: if just one serves this protocol unpublished, it was meant.
    let serving: Vec<&Container> = all
        .iter()
        .filter(|c| atlas.runs(c) && c.ports.is_empty())
        .filter(|c| atlas.ns_of(c).is_some_and(|ns| ns != node.ns && !atlas.open_ports(ns, proto).is_empty()))
        .collect();
    match (serving.as_slice(), atlas.open_ports(f.ns, proto).is_empty()) {
        ([c], true) => {
            let inner = atlas.ns_of(c).and_then(|ns| atlas.open_ports(ns, proto).first().copied())?;
            Some(Cause::NotPublished { container: c.name.clone(), port: inner, published: None })
        }
        _ => None,
    }
}

/// `-p` opens nothing where there is no host's door: on a macvlan or ipvlan network, and on the host's.
fn ignored(case: Case<'_>, node: &Node, c: &Container, proto: Protocol, port: u16) -> Option<Cause> {
    let engine = node.engine.as_ref()?;
    let shared = case.atlas.ns_of(c) == Some(node.ns);
    let direct = |network: &str| {
        engine.network(network).is_some_and(|n| matches!(n.driver.as_str(), "macvlan" | "ipvlan"))
    };
    let spec = c.spec();
    let inner = spec.publish.iter().find(|s| asks_for(s, proto, port))?.container.0;
    let (network, addr) = match c.endpoints.first() {
        _ if shared => {
            let ns = case.atlas.ns(node.ns)?;
            let own = ns.devices().filter(|d| matches!(d.kind, DeviceKind::Ethernet));
            ("host".to_owned(), own.flat_map(|d| &d.addrs).next()?.addr())
        }
        Some(e) if direct(&e.network) => (e.network.clone(), e.addr.addr()),
        _ => return None,
    };
    Some(Cause::PublishIgnored { container: c.name.clone(), network, port, to: Endpoint::new(addr, inner) })
}

/// What is known of a port of a machine where nobody listens: it is open for the other protocol, or
/// it is published by another host.
fn near_miss(case: Case<'_>, at: NsId, proto: Protocol, port: u16) -> Option<Cause> {
    let place = case.atlas.place(at);
    let open = if proto == Protocol::Tcp { Protocol::Udp } else { Protocol::Tcp };
    // An engine without docker-proxy has only its rules there.
    let published = case.atlas.node(at).is_some_and(|n| {
        let binds = |c: &Container| c.ports.iter().any(|p| p.host_port == port && p.proto == open);
        case.atlas.containers_of(n).iter().any(|c| case.atlas.runs(c) && binds(c))
    });
    if published || case.atlas.open_ports(at, open).contains(&port) {
        return Some(Cause::OtherProtocol { place, port, proto, open });
    }
    let node = case.atlas.node(at).filter(|n| n.engine.is_some())?;
    let mut others = case.atlas.containers().filter(|(n, _)| n.config.id != node.config.id);
    let binds = |c: &Container| c.ports.iter().any(|p| p.host_port == port && p.proto == proto);
    let (owner, c) = others.find(|(_, c)| binds(c) && case.atlas.runs(c))?;
    let (container, host) = (c.name.clone(), owner.config.id.clone());
    Some(Cause::PublishedOtherHost { container, host, port, place })
}

/// A container that does not run.
pub(super) fn stopped(c: &Container) -> Cause {
    match c.state {
        ContainerState::Exited { code } => Cause::AppExited { container: c.name.clone(), code },
        _ => Cause::NotStarted { container: c.name.clone() },
    }
}
