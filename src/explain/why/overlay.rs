//! Overlay networks: the host at the other end of the tunnel.

use std::net::Ipv4Addr;

use super::pick::Fatal;
use super::story::{Life, Story};
use super::{Case, Cause};
use crate::stack::{DropReason, NsId, Step};

/// A packet met its end in an envelope.
pub(super) fn sealed(story: &Story, life: &Life) -> bool {
    envelope(story, life).is_some()
}

/// Who wrapped a packet up last, and for whom, if nobody has unwrapped it since.
fn envelope(story: &Story, life: &Life) -> Option<(NsId, Ipv4Addr)> {
    let line = story.line_of(life);
    let mut open = None;
    for (_, record) in line.into_iter().flat_map(|l| story.records_of(l)) {
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
    let (by, peer) = envelope(case.story, f.life)?;
    let gone = match f.reason {
        // Whoever has the address and is not reached has a cable or a rule in the way: that says more.
        DropReason::PortClosed { .. } | DropReason::UnknownNetwork { .. } => true,
        _ => case.atlas.owners(peer).is_empty(),
    };
    let place = case.atlas.place(by);
    let host = place.split('/').next().unwrap_or_default().to_owned();
    gone.then_some(Cause::OverlayNoPeer { place: host, peer })
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
