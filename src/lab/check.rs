//! What must hold of a lab before it can be started. Every refusal names the field and the remedy.

use std::collections::{BTreeMap, BTreeSet};

use super::{FORMAT, Lab, LabError};
use crate::session::{LinkConfig, NodeConfig, RouterConfig};

/// Upper bounds of a lab, so that a hostile document cannot exhaust the reader's machine.
pub(super) const MAX_NODES: usize = 200;
/// How far from the origin a node may stand, in canvas units.
const MAX_POS: i32 = 100_000;
const MAX_PORTS: usize = 64;
const MAX_COMMANDS: usize = 2_000;
const MAX_LINE: usize = 4_096;

fn invalid(place: impl Into<String>, problem: impl Into<String>) -> LabError {
    LabError::Invalid { place: place.into(), problem: problem.into() }
}

/// Checks the whole lab.
pub(super) fn lab(lab: &Lab) -> Result<(), LabError> {
    if lab.format != FORMAT {
        return Err(LabError::Format(lab.format));
    }
    if lab.nodes.len() > MAX_NODES {
        return Err(invalid("nodes", format!("{} nodes; a lab holds at most {MAX_NODES}", lab.nodes.len())));
    }
    let mut ids = BTreeSet::new();
    let mut addresses = BTreeMap::new();
    for (i, node) in lab.nodes.iter().enumerate() {
        let place = format!("nodes[{i}] ({})", node.id);
        self::node(&place, node)?;
        if !ids.insert(node.id.as_str()) {
            return Err(invalid(place, format!("the id {:?} is taken; every node needs its own", node.id)));
        }
        for port in &node.ports {
            let Some(net) = port.address else { continue };
            if let Some(other) = addresses.insert(net.addr(), &node.id) {
                return Err(invalid(
                    place,
                    format!("{}: the address {} is taken by {other}", port.name, net.addr()),
                ));
            }
        }
    }
    let mut used = BTreeSet::new();
    for (i, link) in lab.links.iter().enumerate() {
        self::link(&format!("links[{i}]"), link, lab, &mut used)?;
    }
    if lab.commands.len() > MAX_COMMANDS {
        let n = lab.commands.len();
        return Err(invalid("commands", format!("{n} commands; a lab holds at most {MAX_COMMANDS}")));
    }
    for (i, command) in lab.commands.iter().enumerate() {
        let node = command.at.split(':').next().unwrap_or_default();
        if !ids.contains(node) {
            return Err(invalid(format!("commands[{i}]"), format!("there is no node {node:?}")));
        }
        if command.run.len() > MAX_LINE {
            return Err(invalid(
                format!("commands[{i}]"),
                format!("the line is longer than {MAX_LINE} bytes"),
            ));
        }
    }
    Ok(())
}

/// Checks one node by itself.
pub(super) fn node(place: &str, node: &NodeConfig) -> Result<(), LabError> {
    let good_id = !node.id.is_empty()
        && node.id.len() <= 32
        && node.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && node.id.starts_with(|c: char| c.is_ascii_lowercase());
    if !good_id {
        return Err(invalid(
            place,
            format!(
                "the id {:?} needs 1 to 32 lower-case letters, digits or hyphens, a letter first",
                node.id
            ),
        ));
    }
    if node.pos.0.abs() > MAX_POS || node.pos.1.abs() > MAX_POS {
        return Err(invalid(place, format!("pos: both coordinates lie within ±{MAX_POS}")));
    }
    if node.ports.len() > MAX_PORTS {
        return Err(invalid(place, format!("{} ports; a node has at most {MAX_PORTS}", node.ports.len())));
    }
    let mut names = BTreeSet::new();
    for port in &node.ports {
        if port.name == *"lo" || !names.insert(port.name) {
            return Err(invalid(place, format!("the port name {:?} is taken", port.name.as_str())));
        }
        if let Some(mac) = port.mac.filter(|m| m.is_group()) {
            return Err(invalid(
                place,
                format!("{}: {mac} is a group address; the first byte must be even", port.name),
            ));
        }
    }
    for port in &node.ports {
        if let Some(bridge) = port.bridge.filter(|b| *b == port.name || !names.contains(b)) {
            return Err(invalid(place, format!("{}: there is no port {bridge} to be its bridge", port.name)));
        }
    }
    match &node.router {
        Some(router) => self::router(place, router, node),
        None => Ok(()),
    }
}

/// Checks a router's form against its ports.
pub(super) fn router(place: &str, router: &RouterConfig, node: &NodeConfig) -> Result<(), LabError> {
    for (field, name) in [("wan", router.wan), ("lan", router.lan)] {
        if !node.ports.iter().any(|p| p.name == name) {
            return Err(invalid(place, format!("router.{field}: there is no port {name}")));
        }
    }
    if router.wan == router.lan {
        return Err(invalid(place, "router: WAN and LAN must be different ports"));
    }
    let mut seen = BTreeSet::new();
    for (i, forward) in router.forwards.iter().enumerate() {
        let place = format!("{place}: router.forwards[{i}]");
        if !matches!(forward.proto.as_str(), "tcp" | "udp") {
            return Err(invalid(place, format!("proto: {:?} is neither \"tcp\" nor \"udp\"", forward.proto)));
        }
        if forward.port == 0 || forward.to_port == 0 {
            return Err(invalid(place, "a port is a number from 1 to 65535"));
        }
        if !seen.insert((&forward.proto, forward.port)) {
            return Err(invalid(
                place,
                format!("{} port {} is forwarded already", forward.proto, forward.port),
            ));
        }
    }
    Ok(())
}

fn link<'a>(
    place: &str,
    link: &'a LinkConfig,
    lab: &'a Lab,
    used: &mut BTreeSet<(&'a str, crate::wire::IfName)>,
) -> Result<(), LabError> {
    for (id, port) in [&link.a, &link.b] {
        let node = lab
            .nodes
            .iter()
            .find(|n| n.id == *id)
            .ok_or_else(|| invalid(place, format!("there is no node {id:?}")))?;
        if !node.ports.iter().any(|p| p.name == *port) {
            return Err(invalid(place, format!("{id} has no port {port}")));
        }
        if node.ports.iter().any(|p| p.bridge == Some(*port)) {
            return Err(invalid(
                place,
                format!("{port} of {id} is a bridge; plug the cable into one of its ports"),
            ));
        }
        if !used.insert((id, *port)) {
            return Err(invalid(
                place,
                format!("port {port} of {id} has a cable already; pull that one first"),
            ));
        }
    }
    Ok(())
}
