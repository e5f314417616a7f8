//! What must hold of a lab before it can be started. Every refusal names the field and the remedy.

use std::collections::BTreeSet;

use super::{FORMAT, Lab, LabError};
use crate::docker::{DAEMON_JSON, DaemonConfig};
use crate::session::{LinkConfig, Misfit, NodeConfig, NodeKind, RouterConfig, Wifi, check_dns, check_node};

/// Upper bounds of a lab, so that a hostile document cannot exhaust the reader's machine.
pub(super) const MAX_NODES: usize = 200;
/// How far from the origin a node may stand, in canvas units.
const MAX_POS: u32 = 100_000;
const MAX_PORTS: usize = 64;
const MAX_COMMANDS: usize = 2_000;
const MAX_LINE: usize = 4_096;

fn invalid(place: impl Into<String>, problem: impl Into<Misfit>) -> LabError {
    LabError::Invalid { place: place.into(), problem: problem.into() }
}

/// Checks the whole lab.
pub(super) fn lab(lab: &Lab) -> Result<(), LabError> {
    if lab.format != FORMAT {
        return Err(LabError::Format(lab.format));
    }
    if lab.nodes.len() > MAX_NODES {
        return Err(invalid("nodes", Misfit::Nodes(lab.nodes.len(), MAX_NODES)));
    }
    let mut ids = BTreeSet::new();
    for (i, node) in lab.nodes.iter().enumerate() {
        let place = format!("nodes[{i}] ({})", node.id);
        self::node(&place, node)?;
        if !ids.insert(node.id.as_str()) {
            return Err(invalid(place, Misfit::IdTwice(node.id.clone())));
        }
    }
    let mut used = BTreeSet::new();
    for (i, link) in lab.links.iter().enumerate() {
        self::link(&format!("links[{i}]"), link, lab, &mut used)?;
    }
    if lab.commands.len() > MAX_COMMANDS {
        let n = lab.commands.len();
        return Err(invalid("commands", Misfit::Commands(n, MAX_COMMANDS)));
    }
    for (i, command) in lab.commands.iter().enumerate() {
        let node = command.at.split(':').next().unwrap_or_default();
        if !ids.contains(node) {
            return Err(invalid(format!("commands[{i}]"), Misfit::NoNode(node.to_owned())));
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
    if node.pos.0.unsigned_abs() > MAX_POS || node.pos.1.unsigned_abs() > MAX_POS {
        return Err(invalid(place, format!("pos: both coordinates lie within ±{MAX_POS}")));
    }
    if node.ports.len() > MAX_PORTS {
        return Err(invalid(place, Misfit::Ports(node.ports.len(), MAX_PORTS)));
    }
    let mut names = BTreeSet::new();
    for port in &node.ports {
        if port.name == *"lo" || !names.insert(port.name) {
            return Err(invalid(place, Misfit::PortName(port.name.to_string())));
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
    if let Err(problem) = DaemonConfig::from_flags(&node.daemon) {
        return Err(invalid(place, format!("daemon: {problem}; docs/lab-format.md lists what is known")));
    }
    let file = node.files.get(DAEMON_JSON).map(String::as_str);
    if let Err(problem) = DaemonConfig::from_flags_and_file(&node.daemon, file) {
        return Err(invalid(place, format!("files: {problem}")));
    }
    if let Some(path) = node.files.keys().find(|p| !p.starts_with('/') || p.ends_with('/')) {
        return Err(invalid(place, format!("files: {path:?} is no absolute path")));
    }
    if !node.daemon.is_empty() && node.kind != NodeKind::DockerHost {
        return Err(invalid(place, "daemon: only a docker-host runs an engine"));
    }
    for (i, service) in node.services.iter().enumerate() {
        check_dns(service).map_err(|problem| invalid(format!("{place}: services[{i}]"), problem))?;
    }
    for port in &node.ports {
        if port.wifi == Some(Wifi::AccessPoint) && node.kind == NodeKind::Computer {
            return Err(invalid(place, format!("{}: a computer's radio is a station", port.name)));
        }
    }
    if let Some(router) = &node.router {
        self::router(place, router, node)?;
    }
    check_node(node).map_err(|e| invalid(place, e))
}

/// Checks a router's form against its ports.
pub(super) fn router(place: &str, router: &RouterConfig, node: &NodeConfig) -> Result<(), LabError> {
    for (field, name) in [("wan", router.wan), ("lan", router.lan)] {
        if !node.ports.iter().any(|p| p.name == name) {
            return Err(invalid(place, format!("router.{field}: there is no port {name}")));
        }
    }
    if router.wan == router.lan {
        return Err(invalid(place, Misfit::WanIsLan));
    }
    for (i, forward) in router.forwards.iter().enumerate() {
        let place = format!("{place}: router.forwards[{i}]");
        if !matches!(forward.proto.as_str(), "tcp" | "udp" | "both") {
            let problem = format!("proto: {:?} is neither \"tcp\" nor \"udp\" nor \"both\"", forward.proto);
            return Err(invalid(place, problem));
        }
        if forward.port == 0 || forward.to_port == 0 {
            return Err(invalid(place, "a port is a number from 1 to 65535"));
        }
        if router.forwards[..i].iter().any(|f| f.overlaps(forward)) {
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
    if link.loss_per_mille > 1000 {
        return Err(invalid(place, "loss_per_mille: a number from 0 to 1000"));
    }
    let mut radios = Vec::new();
    for (id, port) in [&link.a, &link.b] {
        let node = lab
            .nodes
            .iter()
            .find(|n| n.id == *id)
            .ok_or_else(|| invalid(place, Misfit::NoNode(id.clone())))?;
        let Some(config) = node.port(*port) else {
            return Err(invalid(place, Misfit::NoPort { node: id.clone(), port: *port }));
        };
        radios.push(config.wifi);
        if node.ports.iter().any(|p| p.bridge == Some(*port)) {
            return Err(invalid(place, Misfit::Bridge { node: id.clone(), port: *port }));
        }
        // An access point takes many stations.
        if !used.insert((id, *port)) && config.wifi != Some(Wifi::AccessPoint) {
            return Err(invalid(place, Misfit::PortUsed { node: id.clone(), port: *port }));
        }
    }
    match radios[..] {
        [None, None]
        | [Some(Wifi::Station), Some(Wifi::AccessPoint)]
        | [Some(Wifi::AccessPoint), Some(Wifi::Station)] => Ok(()),
        _ => Err(invalid(place, Misfit::Radio)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A lab of two computers and a router, with `from` replaced by `to` in its text.
    fn broken(from: &str, to: &str) -> Result<Lab, LabError> {
        let text = r#"{"format": 1, "seed": 1, "nodes": [
            {"id": "a", "kind": "computer", "ports": [{"name": "eth0", "address": "10.0.0.1/24"}]},
            {"id": "b", "kind": "computer", "ports": [{"name": "eth0", "address": "10.0.0.2/24"}]},
            {"id": "r", "kind": "router", "ports": [{"name": "wan0"}, {"name": "lan0"}, {"name": "lan1", "bridge": "lan0"}],
             "router": {"wan": "wan0", "lan": "lan0", "nat": true, "forwards": [
                {"proto": "tcp", "port": 80, "to": "10.0.0.2", "to_port": 8080},
                {"proto": "tcp", "port": 81, "to": "10.0.0.2", "to_port": 8081}]}}
          ], "links": [{"a": ["a", "eth0"], "b": ["r", "lan1"]}],
          "commands": [{"at": "a", "run": "ip addr"}]}"#;
        assert!(text.contains(from), "{from} is not in the lab");
        Lab::from_json(&text.replacen(from, to, 1))
    }

    #[test]
    fn a_lab_in_order_is_taken() {
        broken("\"seed\": 1", "\"seed\": 2").unwrap();
    }

    #[test]
    fn every_refusal_names_the_place_and_the_problem() {
        for (from, to, place, problem) in [
            ("\"id\": \"b\"", "\"id\": \"a\"", "nodes[1] (a)", "taken"),
            ("\"id\": \"b\"", "\"id\": \"B b\"", "nodes[1]", "lower-case"),
            ("\"bridge\": \"lan0\"", "\"bridge\": \"lan7\"", "nodes[2] (r)", "no port lan7"),
            ("\"wan\": \"wan0\"", "\"wan\": \"wan9\"", "nodes[2] (r)", "router.wan"),
            ("\"wan\": \"wan0\"", "\"wan\": \"lan0\"", "nodes[2] (r)", "different"),
            ("\"port\": 81", "\"port\": 80", "forwards[1]", "forwarded already"),
            ("\"port\": 81", "\"port\": 0", "forwards[1]", "1 to 65535"),
            ("\"proto\": \"tcp\"", "\"proto\": \"sctp\"", "forwards[0]", "neither"),
            ("\"r\", \"lan1\"", "\"r\", \"lan0\"", "links[0]", "is a bridge"),
            ("\"r\", \"lan1\"", "\"r\", \"lan5\"", "links[0]", "no port lan5"),
            ("\"r\", \"lan1\"", "\"q\", \"lan1\"", "links[0]", "no node \"q\""),
            ("\"id\": \"b\"", "\"id\": \"b\", \"pos\": [0, -2147483648]", "nodes[1] (b)", "pos"),
            ("\"at\": \"a\"", "\"at\": \"z\"", "commands[0]", "no node \"z\""),
        ] {
            let error = broken(from, to).expect_err(to).to_string();
            assert!(error.contains(place) && error.contains(problem), "{to}: {error}");
        }
    }

    #[test]
    fn what_is_not_json_or_not_of_the_shape_is_refused_with_line_and_column() {
        for (from, to, says) in [
            ("\"format\": 1,", "", "missing field `format`"),
            ("\"port\": 81", "\"port\": 70001", "invalid value: integer `70001`"),
            ("10.0.0.2/24", "10.0.0.2/33", "invalid"),
            ("\"kind\": \"computer\"", "\"kind\": \"compuetr\"", "unknown variant `compuetr`"),
            ("\"nodes\"", "\"noodles\"", "unknown field `noodles`"),
            ("{\"format\"", "[\"format\"", "line 1"),
        ] {
            let error = broken(from, to).expect_err(to).to_string();
            assert!(error.contains(says) && error.contains("line"), "{to}: {error}");
        }
    }

    #[test]
    fn a_newer_format_is_refused_with_a_hint_even_if_its_fields_are_unknown() {
        let error = Lab::from_json(r#"{"format": 2, "galaxies": []}"#).unwrap_err();
        assert_eq!(error, LabError::Format(2));
    }
}
