//! Overlay networks: the host at the other end of the tunnel.

use std::net::Ipv4Addr;

use super::pick::Fatal;
use super::{Case, Cause};
use crate::docker::Container;
use crate::session::Node;
use crate::stack::{DropReason, NsId, Step};

/// Who wrapped a packet up last, and for whom, if nobody has unwrapped it since.
fn envelope(case: Case<'_>, f: Fatal<'_>) -> Option<(NsId, Ipv4Addr)> {
    let line = case.story.line_of(f.life);
    let mut open = None;
    for (_, record) in line.into_iter().flat_map(|l| case.story.records_of(l)) {
        match record.step {
            Step::Encapsulated { remote, .. } => open = Some((record.ns, remote)),
            Step::Decapsulated { .. } => open = None,
            _ => {}
        }
    }
    open
}

/// The envelope around a container's packet found nobody who opens it: the host is not at the
/// address that the swarm knows, or it is no part of the network (any more).
pub(super) fn no_peer(case: Case<'_>, f: Fatal<'_>) -> Option<Cause> {
    let (by, peer) = envelope(case, f)?;
    let gone = match f.reason {
        // Whoever has the address and is not reached has a cable or a rule in the way: that says more.
        DropReason::NoArpReply { .. } | DropReason::NoRoute { .. } => case.atlas.owners(peer).is_empty(),
        DropReason::PortClosed { .. } | DropReason::UnknownNetwork { .. } => true,
        _ => false,
    };
    let place = case.atlas.place(by);
    let host = place.split('/').next().unwrap_or_default().to_owned();
    gone.then_some(Cause::OverlayNoPeer { place: host, peer })
}

/// The host of a container calls it by its address on an overlay network.
pub(super) fn of_host(node: &Node, c: &Container, addr: Ipv4Addr) -> Option<Cause> {
    let endpoint = c.endpoints.iter().find(|e| e.addr.addr() == addr)?;
    let network = node.engine.as_ref()?.network(&endpoint.network)?;
    (network.driver == "overlay").then(|| Cause::OverlayHost {
        container: c.name.clone(),
        network: network.name.clone(),
        host: node.config.id.clone(),
    })
}

/// A frame for a container that no tunnel leads to: nobody on the network has its address, or
/// whoever has it is not in this swarm.
pub(super) fn unknown_end(case: Case<'_>, f: Fatal<'_>) -> Option<Cause> {
    let line = case.story.line_of(f.life);
    let addr = line.iter().find_map(|l| l.dst)?;
    let ns = case.atlas.ns(line.first()?.ns)?;
    let dev = ns.devices().find(|d| d.addrs.iter().any(|a| a.contains(&addr)))?.name.to_string();
    let far = case.atlas.container_with(addr).into_iter().find(|(_, c)| case.atlas.runs(c));
    Some(match far {
        Some((node, c)) => Cause::OtherHost { container: c.name.clone(), addr, host: node.config.id.clone() },
        None => Cause::NoNeighbour { place: case.atlas.place(ns.id), addr, dev },
    })
}
