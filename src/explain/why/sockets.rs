//! The wrong socket of a router: what looks like a firewall, a dead gateway or a missing DHCP server, and is
//! a cable in the wrong place.

use super::atlas::Atlas;
use super::{Cause, Found};
use crate::session::{Job, NodeKind};
use crate::stack::{DevRef, DeviceKind};

/// The cable before what was found, where that may only be its consequence.
pub(super) fn before(atlas: Atlas<'_>, job: &Job, found: Found) -> Found {
    let consequence = matches!(
        found.cause,
        Cause::NoAddress { .. }
            | Cause::NoNeighbour { .. }
            | Cause::WrongGateway { .. }
            | Cause::NoGateway { .. }
            | Cause::NoRoute { .. }
            | Cause::ForwardPolicy { .. }
            | Cause::Firewall { .. }
            | Cause::FirewallPolicy { .. }
            | Cause::RouterClosed { .. }
            | Cause::NoAnswer { .. }
            | Cause::NameServerDead { .. }
            | Cause::NameServerSilent { .. }
            | Cause::NoNameServer { .. }
    );
    match wrong_socket(atlas, &job.place).filter(|_| consequence) {
        Some(cause) => Found { cause, ..found },
        None => found,
    }
}

/// A machine whose only way is into a router's outer socket, with an address of the inside or none.
fn wrong_socket(atlas: Atlas<'_>, place: &str) -> Option<Cause> {
    let node = atlas.session.node(place.split(':').next()?).ok()?;
    if !matches!(node.config.kind, NodeKind::Computer | NodeKind::DockerHost) {
        return None;
    }
    let devices = atlas.ns(node.ns)?.devices();
    let mut own = devices.filter(|d| matches!(d.kind, DeviceKind::Ethernet) && d.carrier);
    let device = own.next().filter(|_| own.next().is_none())?;
    let segment = atlas.segment(DevRef { ns: node.ns, dev: device.index });
    let mut found = None;
    for end in segment.iter().filter(|end| end.ns != node.ns) {
        let Some(other) = atlas.node(end.ns) else { continue };
        match &other.config.router {
            Some(router) if atlas.dev_name(end.ns, end.dev) == router.wan.as_str() => {
                let inside = atlas.ns(end.ns)?.device_named(router.lan.as_str())?;
                let ours = |a: &crate::wire::Ipv4Net| inside.addrs.iter().any(|net| net.contains(&a.addr()));
                if device.addrs.is_empty() || device.addrs.iter().any(ours) {
                    found = Some(other.config.id.clone());
                }
            }
            // Somebody who leads on: it is a real outside, or an inside.
            Some(_) => return None,
            None if other.config.kind == NodeKind::Isp => return None,
            None => {}
        }
    }
    let router = found?;
    Some(Cause::WrongSocket { place: node.config.id.clone(), dev: device.name.to_string(), router })
}
