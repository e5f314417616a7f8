//! From a packet's death to its cause: links, neighbours, routes.

use std::net::Ipv4Addr;

use super::pick::Fatal;
use super::story::{Life, Role};
use super::{Case, Cause, closed, driver, host, overlay, rules, shared, swarm, ways};
use crate::docker::{Container, Network};
use crate::netfilter::{NatKind, NfStep};
use crate::session::{Node, NodeKind};
use crate::stack::{DevRef, Device, DeviceKind, DropReason, NsId, RouteKind, Step};
use crate::wire::{Content, Endpoint, IfIndex, Ipv4Net};

/// The cause of a death.
pub(super) fn drop(case: Case<'_>, f: Fatal<'_>) -> Cause {
    use DropReason as R;
    if let Some(cause) = ways::answer_away(case, f).or_else(|| untranslated(case, f)) {
        return cause;
    }
    if let Some(cause) = swarm::before(case).filter(|_| f.life.role != Role::Error) {
        return cause;
    }
    if let Some(cause) = overlay::no_peer(case, f) {
        return cause;
    }
    if let Some(cause) = host::lost_way(case, f).or_else(|| driver::astray(case, f)) {
        return cause;
    }
    if let Some(cause) = twice(case, f).or_else(|| stale(case, f)) {
        return cause;
    }
    let place = case.atlas.place(f.ns);
    let dev = || f.dev.map(|d| case.atlas.dev_name(f.ns, d)).unwrap_or_default();
    let plain = || Cause::Dropped { place: place.clone(), dev: f.dev, reason: f.reason };
    match f.reason {
        R::NoCarrier | R::LinkDown => dead_end(case, f.ns, f.dev).unwrap_or_else(plain),
        R::DeviceDown => Cause::DeviceDown { place: place.clone(), dev: dev() },
        R::LinkLoss => Cause::Lossy { place: place.clone(), dev: dev() },
        R::StormLimit => Cause::Storm { place: place.clone() },
        R::NoArpReply { next_hop } => no_neighbour(case, f, next_hop),
        R::NoRoute { dst } => no_route(case, f.ns, dst),
        R::UnreachableRoute { dst } => unreachable(case, f.ns, dst),
        R::ForwardingOff => forwarding_off(case, f),
        R::TtlExceeded if let Some(cause) = ways::round_and_round(case, f) => cause,
        R::TtlExceeded => {
            let ttl = f.life.first.as_ref().and_then(|s| s.ipv4()).map_or(0, |p| p.ttl);
            Cause::Ttl { place: place.clone(), ttl }
        }
        R::FragmentationNeeded { mtu } => ways::narrow(case, f.ns, mtu),
        R::TooBigForDevice => ways::too_long(case, f),
        R::Rule { table, chain, rule } | R::Rejected { table, chain, rule } => {
            rules::by_rule(case, f, table, chain, rule)
        }
        R::Policy { chain, .. } => rules::by_policy(case, f, chain),
        R::PortClosed { port } => closed::port(case, f, port),
        R::NotForMe { .. } if let Some(cause) = host::wrong_neighbour(case, f) => cause,
        R::NotForMe { .. } | R::NotMine { .. } => wrong_machine(case, f).unwrap_or_else(plain),
        R::ArpNotMine => unanswered_question(case, f).unwrap_or_else(plain),
        R::ReversePath { src } => ways::reverse_path(case, f, src),
        R::Martian { src } if src.is_loopback() => ways::loopback_leaves(case, f, src).unwrap_or_else(plain),
        R::NoMatchingSocket | R::Martian { .. } => ways::another_way(case, f).unwrap_or_else(plain),
        R::NoTunnelEnd { .. } => overlay::unknown_end(case, f).unwrap_or_else(plain),
        _ => plain(),
    }
}

// ---- translation that should have been

/// A packet, or its answer, that met its end outside with an address that only exists inside: who
/// let it out did not translate it.
fn untranslated(case: Case<'_>, f: Fatal<'_>) -> Option<Cause> {
    let flow = case.story.flow_at_end(f.life)?;
    let inside = match f.life.role {
        Role::Ask => flow.src.addr,
        Role::Answer => flow.dst.addr,
        Role::Error => return None,
    };
    if !inside.is_private() {
        return None;
    }
    for (node, container) in case.atlas.containers() {
        let mut ends = container.endpoints.iter().chain(container.gateway_end());
        let Some(endpoint) = ends.find(|e| e.addr.addr() == inside) else { continue };
        let outside = case.atlas.host(f.ns).is_none_or(|h| h.config.id != node.config.id);
        let bridged = node.engine.as_ref().and_then(|e| e.network(&endpoint.network))?.bridge.is_some();
        let asked_from = case.atlas.ns_of(container) == Some(case.asker);
        if outside && bridged && asked_from {
            let subnet = endpoint.addr.trunc();
            return Some(Cause::MasqueradeOff { place: node.config.id.clone(), src: inside, subnet });
        }
    }
    // A home router that lets a private address out to where it means nothing.
    let own = case.story.line_of(f.life);
    let answered =
        |l: &&Life| l.role == Role::Ask && case.story.flow_at_end(l).is_some_and(|x| x.src.addr == inside);
    let passed: Vec<&Life> = match f.life.role {
        Role::Ask => own,
        _ => case.story.lives.iter().filter(answered).collect(),
    };
    for life in passed {
        for (_, record) in case.story.records_of(life) {
            let Step::Routed { dev, .. } = record.step else { continue };
            let Some(ns) = case.atlas.ns(record.ns).filter(|ns| ns.sysctl.ip_forward) else { continue };
            let public = ns.device(dev).is_some_and(|d| d.addrs.iter().any(|a| !a.addr().is_private()));
            if public && record.ns != f.ns && !ns.is_local(inside) && has_inside(ns, dev, inside) {
                return Some(Cause::NatOff { router: case.atlas.place(record.ns), src: inside });
            }
        }
    }
    None
}

/// `inside` is behind another interface of the namespace than `out`.
fn has_inside(ns: &crate::stack::NetNs, out: IfIndex, inside: Ipv4Addr) -> bool {
    ns.devices().any(|d| d.index != out && d.addrs.iter().any(|a| a.contains(&inside)))
}

// ---- neighbours

/// The route by which the packet left the namespace where it died: its prefix and gateway.
fn last_route(case: Case<'_>, f: Fatal<'_>) -> Option<(Ipv4Net, Option<Ipv4Addr>)> {
    let line = case.story.line_of(f.life);
    let records = line.into_iter().flat_map(|l| case.story.records_of(l)).filter(|(_, r)| r.ns == f.ns);
    records
        .filter_map(|(_, r)| match r.step {
            Step::Routed { prefix, via, .. } => Some((prefix, via)),
            _ => None,
        })
        .last()
}

/// A rule of the namespace where it died, not one of an engine, that had changed its destination.
fn forwarded_to(case: Case<'_>, f: Fatal<'_>) -> Option<(Endpoint, Endpoint)> {
    let engine = case.atlas.node(f.ns).is_some_and(|n| n.engine.is_some());
    let line = case.story.line_of(f.life);
    let mut records = line.into_iter().flat_map(|l| case.story.records_of(l)).filter(|(_, r)| r.ns == f.ns);
    records.find_map(|(_, r)| match &r.step {
        Step::Nf(NfStep::Translated { kind: NatKind::Destination, before, after, first: true, .. })
            if !engine =>
        {
            Some((before.dst, after.dst))
        }
        _ => None,
    })
}

/// Everybody was asked by ARP (arping), and nobody felt meant.
fn unanswered_question(case: Case<'_>, f: Fatal<'_>) -> Option<Cause> {
    let Content::Arp(arp) = &f.life.first.as_ref()?.content else { return None };
    let ns = case.atlas.ns(case.asker)?;
    let dev = ns.devices().find(|d| d.addrs.iter().any(|a| a.addr() == arp.sender))?.name.to_string();
    if let Some(cause) = macvlan_child(case, case.asker, arp.target) {
        return Some(cause);
    }
    Some(Cause::NoNeighbour { place: case.atlas.place(case.asker), addr: arp.target, dev })
}

fn no_neighbour(case: Case<'_>, f: Fatal<'_>, next_hop: Ipv4Addr) -> Cause {
    let atlas = case.atlas;
    let place = atlas.place(f.ns);
    let Some(dev) = f.dev else { return Cause::NoRoute { place, dst: next_hop } };
    let at = DevRef { ns: f.ns, dev };
    let name = atlas.dev_name(f.ns, dev);
    let nobody = Cause::NoNeighbour { place: place.clone(), addr: next_hop, dev: name.clone() };
    let Some(device) = atlas.device(at) else { return nobody };
    if !device.up {
        return Cause::DeviceDown { place, dev: name };
    }
    let is_docker = atlas.host(f.ns).is_some_and(|n| atlas.network_of_bridge(n, &name).is_some());
    if let Some(cause) = driver::no_neighbour(case, f, next_hop, &name) {
        return cause;
    }
    if !device.carrier && !is_docker {
        return dead_end(case, f.ns, Some(dev)).unwrap_or(Cause::NoLink { place, dev: name });
    }
    if let Some((asked, to)) = forwarded_to(case, f) {
        let owner = atlas.owners(to.addr).into_iter().next();
        return match owner.and_then(|(o, _)| broken_end(case, o)) {
            Some(cause) => cause,
            None if let Some(cause) = lost_address(case, to.addr) => cause,
            None => Cause::ForwardStale { router: place, port: asked.port, to },
        };
    }
    if let Some(cause) = lost_question(case, f, next_hop)
        .or_else(|| host::own_bridge(case, f.ns, next_hop))
        .or_else(|| host::given_address(case, next_hop))
    {
        return cause;
    }
    let owners = atlas.owners(next_hop);
    let segment = atlas.segment(at);
    let near = owners.iter().any(|(o, _)| segment.contains(o));
    let via = last_route(case, f).and_then(|(_, via)| via);
    let own = device.addrs.first().copied();
    if let Some(gateway) = via.filter(|_| !near) {
        let right = own.and_then(|net| atlas.gateway_on(at, net));
        if right.is_none()
            && let Some(cause) = owners.iter().find_map(|(o, _)| broken_end(case, *o))
        {
            return cause;
        }
        if right.is_none()
            && let Some(cause) = cut_off(case, at)
        {
            return cause;
        }
        return default_elsewhere(case, f, gateway).unwrap_or(Cause::WrongGateway { place, gateway, right });
    }
    if !near && let Some(cause) = former_neighbour(case, f.ns, next_hop) {
        return cause;
    }
    if let Some(cause) = docker_neighbour(case, f, next_hop, &name) {
        return cause;
    }
    if let Some(cause) =
        owners.iter().filter(|(o, _)| !segment.contains(o)).find_map(|(o, _)| broken_end(case, *o))
    {
        return cause;
    }
    // Others on the segment divide the world in another way.
    if !near
        && let (Some(net), Some(right)) = (own, atlas.prefix_on(at))
        && net.trunc() != right.trunc()
        && !matches!(device.kind, DeviceKind::Bridge(_))
    {
        return Cause::WrongSubnet { place, net, right };
    }
    if near && healthy(case, f, at, next_hop) {
        return Cause::AskedTooEarly { place, addr: next_hop };
    }
    // It has the address, and does not say so (arp_ignore).
    if near && let Some((owner, _)) = owners.iter().find(|(o, _)| segment.contains(o) && heard(case, f, o.ns))
    {
        return Cause::NoAnswer { place: atlas.place(owner.ns) };
    }
    if owners.is_empty()
        && let Some(cause) = lost_address(case, next_hop)
            .or_else(|| former_holder(case, next_hop))
            .or_else(|| unconfigured(case, at))
    {
        return cause;
    }
    nobody
}

/// Whoever was asked for is there, and nothing is in the way of a question now: it was mended since.
fn healthy(case: Case<'_>, f: Fatal<'_>, at: DevRef, next_hop: Ipv4Addr) -> bool {
    let fits = |d: &Device| d.addrs.iter().any(|a| a.contains(&next_hop));
    // What the asker's interface takes for its neighbours, and no other one does.
    let dropped = case.atlas.session.world.log.iter_from(f.life.born).take(5_000).any(|(_, r)| {
        matches!(r.step, Step::Dropped { reason: DropReason::Rule { .. } | DropReason::Policy { .. }, .. })
    });
    let heard = case.atlas.owners(next_hop).iter().any(|(o, _)| heard(case, f, o.ns));
    !dropped && !heard && case.atlas.device(at).is_some_and(fits)
}

/// A question for an address came to a namespace, which did not feel meant.
fn heard(case: Case<'_>, f: Fatal<'_>, ns: NsId) -> bool {
    let log = &case.atlas.session.world.log;
    log.iter_from(f.life.born)
        .take(5_000)
        .any(|(_, r)| r.ns == ns && matches!(r.step, Step::Dropped { reason: DropReason::ArpNotMine, .. }))
}

/// A frame went where somebody had been when ARP was last asked: the machine there has lost its address,
/// or nobody is there at all.
fn stale(case: Case<'_>, f: Fatal<'_>) -> Option<Cause> {
    use DropReason as R;
    let missed = matches!(
        f.reason,
        R::ForwardingOff | R::NotMine { .. } | R::NotForMe { .. } | R::SamePort | R::Policy { .. }
    );
    let flow = case.story.flow_at_end(f.life).filter(|_| missed)?;
    let bare = f.dev.and_then(|dev| case.atlas.device(DevRef { ns: f.ns, dev })).filter(|d| {
        d.addrs.is_empty() && d.master.is_none() && matches!(d.kind, DeviceKind::Ethernet | DeviceKind::Veth)
    });
    if let (Some(d), false) = (bare, matches!(f.reason, R::NotForMe { .. } | R::SamePort)) {
        return Some(Cause::NoAddress { place: case.atlas.place(f.ns), dev: d.name.to_string() });
    }
    let asker = case.atlas.ns(case.asker)?;
    let addr = flow.dst.addr;
    // On a loopback device nobody is asked who has an address.
    let asks = |d: &&Device| !matches!(d.kind, DeviceKind::Loopback);
    let near = asker.devices().filter(asks).find(|d| d.addrs.iter().any(|a| a.contains(&addr)))?;
    // Who has it elsewhere, as another host's container may, is not whom the asker's own network led to.
    let segment = case.atlas.segment(DevRef { ns: case.asker, dev: near.index });
    if case.atlas.owners(addr).iter().any(|(o, _)| o.ns == case.asker || segment.contains(o)) {
        return None;
    }
    if let Some(cause) = former_neighbour(case, case.asker, addr) {
        return Some(cause);
    }
    if !case.atlas.owners(addr).is_empty() {
        return None;
    }
    let (place, dev) = (case.atlas.place(case.asker), near.name.to_string());
    let known = lost_address(case, addr).or_else(|| former_holder(case, addr));
    Some(known.unwrap_or(Cause::NoNeighbour { place, addr, dev }))
}

/// A container that had the address, and has left the network since, or does not run any more.
fn former_holder(case: Case<'_>, addr: Ipv4Addr) -> Option<Cause> {
    former(case, case.atlas.had(addr, |_| true)?)
}

/// A container of the host of `at` that had the address on a Docker network of it, whoever has it elsewhere.
fn former_neighbour(case: Case<'_>, at: NsId, addr: Ipv4Addr) -> Option<Cause> {
    let host = case.atlas.host(at)?;
    case.atlas.network_with(host, addr)?;
    let own = |node: &Node| node.config.id == host.config.id;
    former(case, case.atlas.had(addr, own)?)
}

/// Why a container has not the address any more that it had.
fn former(case: Case<'_>, c: &Container) -> Option<Cause> {
    if !case.atlas.runs(c) {
        return Some(closed::stopped(c));
    }
    c.endpoints.is_empty().then(|| Cause::NoNetwork { container: c.name.clone() })
}

/// A container on several networks, whose default route goes by one that leads nowhere while another
/// one would do.
fn default_elsewhere(case: Case<'_>, f: Fatal<'_>, gateway: Ipv4Addr) -> Option<Cause> {
    let (node, c) = case.atlas.container(f.ns)?;
    let engine = node.engine.as_ref()?;
    let by = c.endpoints.iter().find(|e| e.gateway == Some(gateway))?;
    let bridged = |network: &str| engine.network(network).is_some_and(|n| n.bridge.is_some());
    let other =
        c.endpoints.iter().find(|e| e.network != by.network && e.gateway.is_some() && bridged(&e.network))?;
    Some(Cause::DefaultElsewhere {
        container: c.name.clone(),
        network: by.network.clone(),
        gateway,
        other: other.network.clone(),
    })
}

/// The question or its answer was lost on the way.
fn lost_question(case: Case<'_>, f: Fatal<'_>, next_hop: Ipv4Addr) -> Option<Cause> {
    let log = &case.atlas.session.world.log;
    let lost = log.iter_from(f.life.born).take(5_000).find_map(|(_, r)| match r.step {
        Step::Dropped { dev: Some(dev), reason: DropReason::LinkLoss } => Some((r.ns, dev)),
        _ => None,
    });
    let (ns, dev) = lost.filter(|_| !case.atlas.owners(next_hop).is_empty())?;
    Some(Cause::Lossy { place: case.atlas.place(ns), dev: case.atlas.dev_name(ns, dev) })
}

/// The interface, or one between it and the segment, that is off or without a cable.
fn broken_end(case: Case<'_>, end: DevRef) -> Option<Cause> {
    let device = case.atlas.device(end)?;
    if !device.up {
        let (place, dev) = (case.atlas.place(end.ns), device.name.to_string());
        return Some(Cause::DeviceDown { place, dev });
    }
    if device.carrier { None } else { dead_end(case, end.ns, Some(end.dev)) }
}

/// An interface without carrier: no cable, or an interface that is off at its other end.
fn dead_end(case: Case<'_>, ns: NsId, dev: Option<IfIndex>) -> Option<Cause> {
    let mut at = DevRef { ns, dev: dev? };
    // What stands on a card has the carrier of the card.
    while let Some(card) = driver::beneath(case, at) {
        at = card;
        if let Some(d) = case.atlas.device(at).filter(|d| !d.up) {
            return Some(Cause::DeviceDown { place: case.atlas.place(at.ns), dev: d.name.to_string() });
        }
    }
    let device = case.atlas.device(at)?;
    let far = device.peer.and_then(|p| Some((p, case.atlas.device(p)?)));
    let named = |at: DevRef, d: &Device| (case.atlas.place(at.ns), d.name.to_string());
    Some(match far {
        Some((end, d)) if !d.up && device.up => {
            let (place, dev) = named(end, d);
            Cause::DeviceDown { place, dev }
        }
        _ => {
            let (place, dev) = named(at, device);
            Cause::NoLink { place, dev }
        }
    })
}

/// A machine was set up with an address that it has no more, and has no other in its place.
fn lost_address(case: Case<'_>, addr: Ipv4Addr) -> Option<Cause> {
    case.atlas.session.nodes().iter().find_map(|node| {
        let port = node.config.ports.iter().find(|p| p.address.is_some_and(|a| a.addr() == addr))?;
        let device = case.atlas.ns(node.ns)?.device_named(port.name.as_str())?;
        let (place, dev) = (node.config.id.clone(), device.name.to_string());
        device.addrs.is_empty().then_some(Cause::NoAddress { place, dev })
    })
}

/// A whole segment that no longer reaches a router: a switch or router on it has a dead port.
fn cut_off(case: Case<'_>, at: DevRef) -> Option<Cause> {
    let segment = case.atlas.segment(at);
    for end in &segment {
        let Some(ns) = case.atlas.ns(end.ns).filter(|_| case.atlas.node(end.ns).is_some()) else { continue };
        for device in ns.devices().filter(|d| d.master.is_some()) {
            let bridge = device.master.map(|dev| DevRef { ns: end.ns, dev });
            let on = bridge.is_some_and(|b| segment.contains(&b));
            if on && !device.up {
                return Some(Cause::DeviceDown {
                    place: case.atlas.place(end.ns),
                    dev: device.name.to_string(),
                });
            }
        }
    }
    None
}

/// A machine on the segment whose interface has no address: perhaps it was meant.
fn unconfigured(case: Case<'_>, at: DevRef) -> Option<Cause> {
    let named = |end: DevRef| case.atlas.node(end.ns).filter(|n| n.config.kind != NodeKind::Switch);
    case.atlas.segment(at).into_iter().find_map(|end| {
        let node = named(end).filter(|_| end.ns != at.ns)?;
        let device = case.atlas.device(end)?;
        let bare = device.addrs.is_empty() && device.master.is_none();
        (bare && matches!(device.kind, DeviceKind::Ethernet))
            .then(|| Cause::NoAddress { place: node.config.id.clone(), dev: device.name.to_string() })
    })
}

/// The host itself looks for a container that stands on its own network card.
fn macvlan_child(case: Case<'_>, at: NsId, addr: Ipv4Addr) -> Option<Cause> {
    let (node, c) = case.atlas.container_with(addr).into_iter().find(|(node, c)| {
        let on_card = |network: &str| {
            let network = node.engine.as_ref().and_then(|e| e.network(network));
            network.is_some_and(|n| n.bridge.is_none() && matches!(n.driver.as_str(), "macvlan" | "ipvlan"))
        };
        node.ns == at && c.endpoints.iter().any(|e| e.addr.addr() == addr && on_card(&e.network))
    })?;
    let network = c.endpoints.iter().find(|e| e.addr.addr() == addr)?;
    Some(macvlan_host(c, node.engine.as_ref()?.network(&network.network)?, node))
}

pub(super) fn macvlan_host(c: &Container, network: &Network, node: &Node) -> Cause {
    Cause::MacvlanHost {
        container: c.name.clone(),
        host: node.config.id.clone(),
        driver: network.driver.clone(),
    }
}

/// A neighbour that was looked for on a Docker network, and lives elsewhere.
fn docker_neighbour(case: Case<'_>, f: Fatal<'_>, addr: Ipv4Addr, dev: &str) -> Option<Cause> {
    let atlas = case.atlas;
    let host = atlas.host(f.ns)?;
    if let Some(cause) = macvlan_child(case, f.ns, addr) {
        return Some(cause);
    }
    let network = match atlas.container(f.ns) {
        Some((_, c)) => {
            let endpoint = c.endpoints.iter().find(|e| e.addr.contains(&addr) && e.ifnames.0 == dev)?;
            host.engine.as_ref()?.network(&endpoint.network)?
        }
        None => atlas.network_of_bridge(host, dev)?,
    };
    let owners = atlas.owners(addr);
    let elsewhere =
        owners.iter().find(|(o, _)| atlas.host(o.ns).is_none_or(|h| h.config.id != host.config.id));
    if let Some((owner, _)) = elsewhere {
        return Some(match atlas.container(owner.ns) {
            Some((node, c)) => {
                Cause::OtherHost { container: c.name.clone(), addr, host: node.config.id.clone() }
            }
            // Another host's own bridges are no part of the real network either.
            None if case.atlas.node(owner.ns).is_none() || network.bridge.is_none() => return None,
            None => Cause::Overlap { network: network.name.clone(), subnet: network.subnet?, dst: addr },
        });
    }
    if network.bridge.is_none() && owners.iter().any(|(o, _)| o.ns == host.ns) {
        let (_, c) = atlas.container(f.ns)?;
        return Some(macvlan_host(c, network, host));
    }
    None
}

// ---- routes

/// No way to `dst` from a namespace: what is missing there.
pub(super) fn no_route(case: Case<'_>, at: NsId, dst: Ipv4Addr) -> Cause {
    let atlas = case.atlas;
    let place = atlas.place(at);
    let Some(ns) = atlas.ns(at) else { return Cause::NoRoute { place, dst } };
    let container = atlas.container(at).map(|(_, c)| c);
    let real: Vec<_> = ns
        .devices()
        .filter(|d| {
            matches!(d.kind, DeviceKind::Ethernet | DeviceKind::Veth | DeviceKind::Upper { .. })
                && d.master.is_none()
        })
        .collect();
    if let Some((node, c)) = atlas.container(at)
        && (c.endpoints.is_empty() || real.is_empty())
    {
        let gone = shared::owner_gone(case, node, c).or_else(|| swarm::asker_left(case, node, c));
        return gone.unwrap_or(Cause::NoNetwork { container: c.name.clone() });
    }
    if let Some(off) = real.iter().find(|d| !d.up) {
        return Cause::DeviceDown { place, dev: off.name.to_string() };
    }
    let addressed = ns
        .devices()
        .any(|d| !matches!(d.kind, DeviceKind::Loopback) && !d.addrs.is_empty() && !own_bridge(case, at, d));
    if !addressed && let Some(first) = real.first() {
        let dev = first.name.to_string();
        let link = || dead_end(case, at, Some(first.index));
        return if first.carrier {
            Cause::NoAddress { place, dev }
        } else {
            link().unwrap_or(Cause::NoLink { place, dev })
        };
    }
    if let Some(c) = container
        && let Some(engine) = atlas.host(at).and_then(|n| n.engine.as_ref())
        && let Some(e) =
            c.endpoints.iter().find(|e| engine.network(&e.network).is_some_and(|n| n.is_internal()))
    {
        return Cause::Internal { container: c.name.clone(), network: e.network.clone() };
    }
    let default = ns.routes().iter().any(|r| r.prefix.prefix_len() == 0 && r.kind == RouteKind::Unicast);
    let isp = atlas.node(at).is_some_and(|n| n.config.kind == NodeKind::Isp);
    // Between private networks only, a router without a route is just that.
    let public =
        ns.devices().flat_map(|d| &d.addrs).any(|a| !a.addr().is_private() && !a.addr().is_loopback());
    if dst.is_private() && isp && public {
        return unreachable(case, at, dst);
    }
    if default || isp { Cause::NoRoute { place, dst } } else { Cause::NoGateway { place, dst } }
}

/// A bridge of the engine's own on this node.
fn own_bridge(case: Case<'_>, at: NsId, device: &Device) -> bool {
    case.atlas.node(at).is_some_and(|n| case.atlas.network_of_bridge(n, device.name.as_str()).is_some())
}

/// Somebody on the way refuses the address.
fn unreachable(case: Case<'_>, at: NsId, dst: Ipv4Addr) -> Cause {
    let atlas = case.atlas;
    let place = atlas.place(at);
    if let Some(cause) = host::refusing_route(case, at, dst) {
        return cause;
    }
    if !dst.is_private() {
        return Cause::NoRoute { place, dst };
    }
    if let Some(cause) = swarm::astray(case, dst) {
        return cause;
    }
    let asker_host = atlas.host(case.asker).filter(|n| n.engine.is_some()).map(|n| n.config.id.as_str());
    match atlas.container_with(dst).as_slice() {
        [(node, c)] if asker_host.is_some_and(|h| h != node.config.id) => {
            Cause::OtherHost { container: c.name.clone(), addr: dst, host: node.config.id.clone() }
        }
        [(node, c)] if asker_host.is_none() => {
            Cause::DirectAccess { host: node.config.id.clone(), container: c.name.clone(), addr: dst }
        }
        _ => Cause::PrivateOnInternet { place, dst },
    }
}

fn forwarding_off(case: Case<'_>, f: Fatal<'_>) -> Cause {
    let place = case.atlas.place(f.ns);
    let node = case.atlas.node(f.ns);
    let several = case.atlas.ns(f.ns).is_some_and(|ns| {
        ns.devices().filter(|d| !matches!(d.kind, DeviceKind::Loopback) && !d.addrs.is_empty()).count() > 1
    });
    let router = node
        .is_some_and(|n| matches!(n.config.kind, NodeKind::Router | NodeKind::Isp | NodeKind::DockerHost));
    // A Docker host has its bridges; but who sends it what is for the internet has the wrong gateway.
    let behind = node.is_some_and(|n| {
        n.engine.is_none() || case.atlas.container(f.life.ns).is_some_and(|(h, _)| h.config.id == n.config.id)
    });
    let for_container = case
        .story
        .flow_at_end(f.life)
        .is_some_and(|flow| node.is_some_and(|n| case.atlas.network_with(n, flow.dst.addr).is_some()));
    if (router || several) && (behind || for_container) {
        return Cause::ForwardingOff { place };
    }
    wrong_machine(case, f).unwrap_or(Cause::ForwardingOff { place })
}

/// A packet that came to a machine that it was not for: sent there by a route, or by a neighbour
/// entry that two machines claim.
pub(super) fn wrong_machine(case: Case<'_>, f: Fatal<'_>) -> Option<Cause> {
    if let Some(cause) = claimed_twice(case) {
        return Some(cause);
    }
    let line = case.story.line_of(f.life);
    let last = line.into_iter().flat_map(|l| case.story.records_of(l)).filter_map(|(_, r)| match r.step {
        Step::Routed { via: Some(via), dev, .. } if r.ns != f.ns => Some((r.ns, via, dev)),
        _ => None,
    });
    let (ns, gateway, dev) = last.last()?;
    let at = DevRef { ns, dev };
    let own = case.atlas.device(at)?.addrs.first().copied()?;
    let right = case.atlas.gateway_on(at, own).filter(|r| *r != gateway);
    Some(Cause::WrongGateway { place: case.atlas.place(ns), gateway, right })
}

/// It met its end at a machine that shares its address with another one on the segment.
fn twice(case: Case<'_>, f: Fatal<'_>) -> Option<Cause> {
    use DropReason as R;
    let mistaken = matches!(
        f.reason,
        R::PortClosed { .. }
            | R::NotForMe { .. }
            | R::NotMine { .. }
            | R::NoMatchingSocket
            | R::ForwardingOff
    );
    let flow = case.story.flow_at_end(f.life).filter(|_| mistaken)?;
    let shared = [flow.dst.addr, flow.src.addr].into_iter().find_map(|addr| {
        let owners = case.atlas.owners(addr);
        let (one, _) = owners.iter().find(|(o, _)| o.ns == f.ns || addr == flow.src.addr)?;
        let segment = case.atlas.segment(*one);
        let (other, _) = owners.iter().find(|(o, _)| o.ns != one.ns && segment.contains(o))?;
        Some((addr, *one, *other))
    });
    let (addr, one, other) = shared?;
    Some(Cause::DuplicateAddress { addr, one: case.atlas.place(one.ns), other: case.atlas.place(other.ns) })
}

/// Two machines on one segment have the address that was looked for.
pub(super) fn claimed_twice(case: Case<'_>) -> Option<Cause> {
    for (addr, macs) in &case.story.claims {
        if macs.len() < 2 {
            continue;
        }
        let owners = case.atlas.owners(*addr);
        for (i, (one, _)) in owners.iter().enumerate() {
            let segment = case.atlas.segment(*one);
            if let Some((other, _)) =
                owners[i + 1..].iter().find(|(o, _)| segment.contains(o) && o.ns != one.ns)
            {
                let (one, other) = (case.atlas.place(one.ns), case.atlas.place(other.ns));
                return Some(Cause::DuplicateAddress { addr: *addr, one, other });
            }
        }
    }
    None
}
