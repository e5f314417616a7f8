//! What a machine on the way has lost: an interface that the packet should have left by, a bridge's
//! address, the rules that the engine had written.

use std::net::Ipv4Addr;

use super::pick::Fatal;
use super::story::Life;
use super::{Case, Cause};
use crate::docker::Network;
use crate::netfilter::NfStep;
use crate::session::{Node, NodeKind};
use crate::stack::{DevRef, DeviceKind, DropReason, NetNs, NsId, RouteKind, Step};
use crate::wire::Protocol;

/// A packet went the way for all the rest, and met its end there, because the interface (or the
/// address) that leads to its destination is gone from a machine on the way.
pub(super) fn lost_way(case: Case<'_>, f: Fatal<'_>) -> Option<Cause> {
    use DropReason as R;
    let strayed = matches!(
        f.reason,
        R::UnreachableRoute { .. } | R::NoRoute { .. } | R::Policy { .. } | R::NoArpReply { .. }
    ) || matches!(f.reason, R::Rule { .. } | R::Rejected { .. } | R::TtlExceeded);
    let flow = case.story.flow_at_end(f.life).filter(|_| strayed);
    let dst = flow.map(|x| x.dst.addr).or(f.life.dst.filter(|_| strayed))?;
    way_of(case, f.life).into_iter().chain([f.ns]).find_map(|at| {
        let ns = case.atlas.ns(at)?;
        if let Some(cause) = astray(case, ns, dst) {
            return Some(cause);
        }
        // It knew better, or was there.
        if ns.is_local(dst) || ns.route_to(dst).is_some_and(|(r, _)| r.prefix.prefix_len() > 0) {
            return None;
        }
        switched_off(case, ns, dst).or_else(|| bare_bridge(case, ns, dst))
    })
}

/// The namespaces that a packet was routed in, in order.
fn way_of(case: Case<'_>, life: &Life) -> Vec<NsId> {
    let line = case.story.line_of(life);
    let records = line.into_iter().flat_map(|l| case.story.records_of(l));
    records.filter(|(_, r)| matches!(r.step, Step::Routed { .. })).map(|(_, r)| r.ns).collect()
}

/// An interface on the destination's network that is off: its route went with it.
fn switched_off(case: Case<'_>, ns: &NetNs, dst: Ipv4Addr) -> Option<Cause> {
    let off = ns.devices().find(|d| !d.up && d.addrs.iter().any(|a| a.contains(&dst)))?;
    Some(Cause::DeviceDown { place: case.atlas.place(ns.id), dev: off.name.to_string() })
}

/// A container of this host is behind a bridge, and a route of another making leads away from that.
fn astray(case: Case<'_>, ns: &NetNs, dst: Ipv4Addr) -> Option<Cause> {
    let node = case.atlas.node(ns.id)?;
    let bridge = case.atlas.network_with(node, dst)?.bridge.as_deref()?;
    super::rules::container_at(case, node, dst).filter(|c| case.atlas.runs(c))?;
    let (route, _) = ns.route_to(dst).filter(|(r, _)| r.prefix.prefix_len() > 0 && !r.kernel)?;
    let dev = case.atlas.dev_name(ns.id, route.dev?);
    (dev != bridge).then(|| Cause::RouteAstray {
        place: node.config.id.clone(),
        prefix: route.prefix,
        dev,
        dst,
    })
}

/// A route of a machine refuses the address by design. The provider's own ones do not count: those say
/// what the internet is.
pub(super) fn refusing_route(case: Case<'_>, at: NsId, dst: Ipv4Addr) -> Option<Cause> {
    let ns = case.atlas.ns(at)?;
    let isp = case.atlas.node(at).is_some_and(|n| n.config.kind == NodeKind::Isp);
    let refuses = |r: &&crate::stack::Route| r.kind != RouteKind::Unicast && r.prefix.contains(&dst);
    let route =
        ns.routes().into_iter().filter(|_| !isp).filter(refuses).max_by_key(|r| r.prefix.prefix_len())?;
    Some(Cause::RouteRefuses { place: case.atlas.place(at), prefix: route.prefix, dst })
}

/// A frame went to a MAC address that is not that of whom it was for: who sent it believes in it.
pub(super) fn wrong_neighbour(case: Case<'_>, f: Fatal<'_>) -> Option<Cause> {
    let line = case.story.line_of(f.life);
    let records = line.into_iter().flat_map(|l| case.story.records_of(l));
    let sent = records.filter_map(|(_, r)| match r.step {
        Step::Routed { dst, via, dev, .. } => Some((r.ns, via.unwrap_or(dst), dev)),
        _ => None,
    });
    let (at, addr, dev) = sent.last()?;
    let ns = case.atlas.ns(at)?;
    let entry =
        ns.neighbours(case.atlas.session.world.now()).into_iter().find(|n| n.addr == addr && n.dev == dev)?;
    let mac = entry.mac?;
    let segment = case.atlas.segment(DevRef { ns: at, dev });
    let owners = case.atlas.owners(addr);
    let (owner, _) = owners.iter().find(|(o, _)| segment.contains(o))?;
    let right = case.atlas.device(*owner)?.mac;
    (right != mac).then(|| Cause::WrongNeighbour {
        place: case.atlas.place(at),
        addr,
        mac,
        dev: case.atlas.dev_name(at, dev),
        right,
    })
}

/// The bridge of a Docker network has not the gateway's address any more.
fn bare_bridge(case: Case<'_>, ns: &NetNs, dst: Ipv4Addr) -> Option<Cause> {
    let node = case.atlas.node(ns.id)?;
    gateway_lost(case, node, case.atlas.network_with(node, dst)?)
}

/// The bridge of a network lacks the network's gateway address.
pub(super) fn gateway_lost(case: Case<'_>, node: &Node, network: &Network) -> Option<Cause> {
    let bridge = network.bridge.as_deref()?;
    let device = case.atlas.ns(node.ns)?.device_named(bridge)?;
    let has = |gateway| device.addrs.iter().any(|a| a.addr() == gateway);
    let bare = !network.gateway.is_some_and(has);
    if bare && network.is_internal() {
        // An isolated one never had it: its own host is outside, too.
        let mut all = case.atlas.containers_of(node).iter();
        let inside = all.find(|c| c.endpoints.iter().any(|e| e.network == network.name))?;
        return Some(Cause::Internal { container: inside.name.clone(), network: network.name.clone() });
    }
    let gateway = network.gateway?;
    bare.then(|| Cause::GatewayLost {
        place: node.config.id.clone(),
        dev: bridge.to_owned(),
        gateway,
        network: network.name.clone(),
    })
}

/// A container's neighbour, or its gateway, was not found, and its own bridge is why.
pub(super) fn own_bridge(case: Case<'_>, at: NsId, addr: Ipv4Addr) -> Option<Cause> {
    let (node, c) = case.atlas.container(at)?;
    let engine = node.engine.as_ref()?;
    let endpoint = c.endpoints.iter().chain(c.gateway_end()).find(|e| e.addr.contains(&addr))?;
    let network = engine.network(&endpoint.network)?;
    let device = case.atlas.ns(node.ns)?.device_named(network.bridge.as_deref()?)?;
    if !device.up {
        return Some(Cause::DeviceDown { place: node.config.id.clone(), dev: device.name.to_string() });
    }
    gateway_lost(case, node, network).filter(|_| endpoint.gateway == Some(addr))
}

/// Somebody came to a published port, and no rule passed it on: the engine holds the port, so that
/// nobody else takes it, and answers nobody.
pub(super) fn rules_missing(case: Case<'_>, at: NsId, life: &Life) -> Option<Cause> {
    let node = case.atlas.node(at).filter(|n| n.engine.is_some())?;
    let flow = case.story.flow_at_end(life).filter(|x| matches!(x.proto, Protocol::Tcp | Protocol::Udp))?;
    let line = case.story.line_of(life);
    let mut records = line.into_iter().flat_map(|l| case.story.records_of(l));
    let passed_on = records.any(|(_, r)| r.ns == at && matches!(r.step, Step::Nf(NfStep::Translated { .. })));
    let bound = |p: &crate::docker::PortBinding| {
        p.host_port == flow.dst.port && p.proto == flow.proto && !p.host_ip.is_loopback()
    };
    let all = case.atlas.containers_of(node);
    let c = all.iter().find(|c| case.atlas.runs(c) && c.ports.iter().any(bound)).filter(|_| !passed_on)?;
    // docker-proxy listens there, and carries it on without a rule.
    let holders = case.atlas.listeners(at, flow.proto, flow.dst.port);
    let carried = holders.iter().any(|s| case.atlas.program(s) == Some("docker-proxy"));
    (!carried).then(|| Cause::RulesMissing {
        host: node.config.id.clone(),
        container: c.name.clone(),
        port: flow.dst.port,
    })
}

/// An interface of a container that lives on a bridge: it has lost the address that the engine gave it.
pub(super) fn given_address(case: Case<'_>, addr: Ipv4Addr) -> Option<Cause> {
    let (_, c) = case.atlas.container_with(addr).into_iter().find(|(_, c)| case.atlas.runs(c))?;
    let ns = case.atlas.ns(case.atlas.ns_of(c)?)?;
    let endpoint = c.endpoints.iter().find(|e| e.addr.addr() == addr)?;
    let device = ns.device_named(&endpoint.ifnames.0)?;
    let bare = device.addrs.is_empty() && !matches!(device.kind, DeviceKind::Loopback);
    bare.then(|| Cause::NoAddress { place: case.atlas.place(ns.id), dev: device.name.to_string() })
}
