//! macvlan and ipvlan: what stands between a container and the LAN of its host's card.

use std::net::Ipv4Addr;

use super::pick::Fatal;
use super::{Case, Cause, refine};
use crate::docker::{Container, EndpointInfo, Network};
use crate::session::Node;
use crate::stack::{DevRef, Device, DeviceKind, DropReason, IpvlanMode, MacvlanMode, NsId, UpperKind};
use crate::wire::Ipv4Net;

/// A container's place on a network that stands on a card of its host.
struct OnCard<'a> {
    node: &'a Node,
    container: &'a Container,
    endpoint: &'a EndpointInfo,
    network: &'a Network,
    /// The name of the card.
    parent: &'a str,
    kind: UpperKind,
}

impl OnCard<'_> {
    /// The card, if it is there.
    fn card(&self, case: Case<'_>) -> Option<DevRef> {
        let dev = case.atlas.ns(self.node.ns)?.device_named(self.parent)?.index;
        Some(DevRef { ns: self.node.ns, dev })
    }
    fn host(&self) -> String {
        self.node.config.id.clone()
    }
    /// Its network lives by routes: nobody asks by ARP there.
    fn routed(&self) -> bool {
        matches!(self.kind, UpperKind::Ipvlan(IpvlanMode::L3 | IpvlanMode::L3s))
    }
}

fn on_card<'a>(
    node: &'a Node,
    container: &'a Container,
    fits: impl Fn(&EndpointInfo) -> bool,
) -> Option<OnCard<'a>> {
    let engine = node.engine.as_ref()?;
    container.endpoints.iter().filter(|e| fits(e)).find_map(|endpoint| {
        let network = engine.network(&endpoint.network)?;
        let (parent, kind) = network.parent()?;
        Some(OnCard { node, container, endpoint, network, parent, kind })
    })
}

/// The running container on a card that has an address.
fn with_addr(case: Case<'_>, addr: Ipv4Addr) -> Option<OnCard<'_>> {
    let all = case.atlas.container_with(addr).into_iter().filter(|(_, c)| case.atlas.runs(c));
    all.into_iter().find_map(|(node, c)| on_card(node, c, |e| e.addr.addr() == addr))
}

/// The container of a namespace, where the interface `dev` of it stands on a card.
fn of_device<'a>(case: Case<'a>, at: NsId, dev: &str) -> Option<OnCard<'a>> {
    let (node, c) = case.atlas.container(at)?;
    on_card(node, c, |e| e.ifnames.0 == dev || e.ifnames.1 == dev)
}

/// The card of a network leads to no LAN: it is none of the host's own sockets.
fn dead_parent(case: Case<'_>, on: &OnCard<'_>) -> Option<Cause> {
    let ns = case.atlas.ns(on.node.ns)?;
    let mut at = ns.device_named(on.parent)?;
    while let DeviceKind::Upper { parent, .. } = at.kind {
        at = case.atlas.device(parent)?;
    }
    (!matches!(at.kind, DeviceKind::Ethernet)).then(|| Cause::MacvlanParent {
        network: on.network.name.clone(),
        host: on.host(),
        parent: on.parent.to_owned(),
    })
}

/// The subnet of a network on a card is not what the others behind that card have.
fn strange_subnet(case: Case<'_>, on: &OnCard<'_>) -> Option<Cause> {
    let subnet = on.network.subnet?;
    let card = on.card(case)?;
    let device = case.atlas.device(card)?;
    let right = device.addrs.first().copied().or_else(|| case.atlas.prefix_on(card))?.trunc();
    let apart = !right.contains(&subnet.network()) && !subnet.contains(&right.network());
    (apart && !on.routed()).then(|| Cause::MacvlanSubnet {
        network: on.network.name.clone(),
        subnet,
        host: on.host(),
        dev: on.parent.to_owned(),
        right,
    })
}

/// Nobody answered for `next_hop`, which a container on a card had asked for, or which one of them has.
pub(super) fn no_neighbour(case: Case<'_>, f: Fatal<'_>, next_hop: Ipv4Addr, dev: &str) -> Option<Cause> {
    if let Some(own) = of_device(case, f.ns, dev) {
        if let Some(cause) = dead_parent(case, &own) {
            return Some(cause);
        }
        if let Some(cause) = kept_apart(case, &own, next_hop) {
            return Some(cause);
        }
        return strange_subnet(case, &own);
    }
    let there = with_addr(case, next_hop)?;
    dead_parent(case, &there)
}

/// Two containers on one card, in a mode that keeps them from hearing each other.
fn kept_apart(case: Case<'_>, own: &OnCard<'_>, to: Ipv4Addr) -> Option<Cause> {
    let UpperKind::Macvlan(mode @ (MacvlanMode::Private | MacvlanMode::Vepa)) = own.kind else { return None };
    let other = with_addr(case, to)?;
    let same = other.node.config.id == own.node.config.id && other.parent == own.parent;
    same.then(|| Cause::MacvlanMode {
        network: own.network.name.clone(),
        mode: mode.to_string(),
        from: own.container.name.clone(),
        to: other.container.name.clone(),
    })
}

/// A packet for a container that is on none of the asker's networks, given to a router for want of
/// anything better, and refused by somebody farther on.
pub(super) fn astray(case: Case<'_>, f: Fatal<'_>) -> Option<Cause> {
    use DropReason as R;
    // The host itself never gets to its own, whoever on the way says so.
    let own = |dst| with_addr(case, dst).is_some_and(|on| on.node.ns == case.asker && f.ns != case.asker);
    let lost = matches!(f.reason, R::UnreachableRoute { .. } | R::NoRoute { .. } | R::NoArpReply { .. })
        || matches!(f.reason, R::Policy { .. } | R::Rule { .. } | R::Rejected { .. })
            && f.life.dst.is_some_and(own);
    let dst = case.story.flow_at_end(f.life).map(|x| x.dst.addr).or(f.life.dst).filter(|_| lost)?;
    let asker = case.atlas.container(case.asker);
    // Whose own network holds the address has looked for a neighbour: that is another matter.
    let near = case
        .atlas
        .ns(f.life.ns)
        .is_some_and(|ns| ns.devices().any(|d| is_real(d) && d.addrs.iter().any(|a| a.contains(&dst))));
    if near {
        return None;
    }
    if let Some(on) = with_addr(case, dst) {
        let same_host = |ns| case.atlas.host(ns).is_some_and(|h| h.config.id == on.node.config.id);
        if case.asker == on.node.ns {
            return Some(refine::macvlan_host(on.container, on.network, on.node));
        }
        if on.routed() {
            return no_way_to(case, f, &on, dst);
        }
        if same_host(case.asker)
            && let Some((node, c)) = asker
        {
            return other_network(node, c, on.container, on.network);
        }
        return dead_parent(case, &on).or_else(|| strange_subnet(case, &on));
    }
    // From a container on a card to one behind a bridge of the same host.
    let (node, c) = asker?;
    on_card(node, c, |_| true)?;
    let to = case.atlas.container_with(dst).into_iter().find(|(n, _)| n.config.id == node.config.id)?.1;
    let network = to.endpoints.iter().find(|e| e.addr.addr() == dst)?;
    other_network(node, c, to, node.engine.as_ref()?.network(&network.network)?)
}

fn is_real(d: &Device) -> bool {
    !matches!(d.kind, DeviceKind::Loopback)
}

/// A container asks for another one by its address on a network that it is not on.
pub(super) fn other_network(
    node: &Node,
    from: &Container,
    to: &Container,
    network: &Network,
) -> Option<Cause> {
    let engine = node.engine.as_ref()?;
    let own = from.endpoints.iter().find_map(|e| engine.network(&e.network))?;
    (own.id != network.id).then(|| Cause::OtherNetwork {
        from: from.name.clone(),
        from_network: own.name.clone(),
        to: to.name.clone(),
        to_network: network.name.clone(),
    })
}

/// The first on the way who could have given it to the host of a routed network, and did not know.
fn no_way_to(case: Case<'_>, f: Fatal<'_>, on: &OnCard<'_>, _dst: Ipv4Addr) -> Option<Cause> {
    let card = on.card(case)?;
    let via = case.atlas.device(card)?.addrs.first()?.addr();
    let near = case.atlas.segment(card);
    let here = |ns: NsId| ns != on.node.ns && near.iter().any(|end| end.ns == ns);
    let line = case.story.line_of(f.life);
    let mut ways = line
        .into_iter()
        .flat_map(|l| case.story.records_of(l))
        .filter_map(|(_, r)| matches!(r.step, crate::stack::Step::Routed { .. }).then_some(r.ns));
    let at = ways.find(|ns| here(*ns))?;
    Some(Cause::IpvlanRoute {
        place: case.atlas.place(at),
        network: on.network.name.clone(),
        subnet: on.network.subnet.unwrap_or(Ipv4Net::from(on.endpoint.addr.addr())),
        host: on.host(),
        via,
    })
}

/// What stands beneath an interface on a card: the card itself, however many VLANs are between.
pub(super) fn beneath(case: Case<'_>, at: DevRef) -> Option<DevRef> {
    match case.atlas.device(at)?.kind {
        DeviceKind::Upper { parent, .. } => Some(parent),
        _ => None,
    }
}
