//! What a command changed, in words.

use super::{Lang, text};
use crate::session::changes::{Change, Changed, Turn};

/// One entry of the list as a sentence.
pub fn change(change: &Change, lang: Lang) -> String {
    let place = change.place.as_str();
    let turn = match change.turn {
        Turn::Added => "added",
        Turn::Removed => "removed",
        Turn::Set => "set",
    };
    let say = |what: &str, args: &[(&str, &str)]| {
        let mut all = vec![("place", place)];
        all.extend_from_slice(args);
        text(lang, &format!("change.{what}"), &all)
    };
    match &change.what {
        Changed::Container { name, state } => say(
            &format!(
                "container.{}",
                if change.turn == Turn::Added && *state == "running" { "new" } else { state }
            ),
            &[("name", name)],
        ),
        Changed::Network { name, driver } => {
            say(&format!("network.{turn}"), &[("name", name), ("driver", driver)])
        }
        Changed::Bridge { dev } => say(&format!("bridge.{turn}"), &[("dev", dev)]),
        // The other end lies in a sandbox of Docker's own.
        Changed::Veth { dev, peer, peer_dev, .. } if dev.is_empty() => {
            text(lang, &format!("change.device.{turn}"), &[("place", peer), ("dev", peer_dev)])
        }
        Changed::Veth { dev, bridge, peer, peer_dev } => {
            let args = [("dev", dev.as_str()), ("bridge", bridge), ("peer", peer), ("peer_dev", peer_dev)];
            say(&format!("veth.{turn}"), &args)
        }
        Changed::Device { dev } => say(&format!("device.{turn}"), &[("dev", dev)]),
        Changed::Up { dev, up } => say(if *up { "up" } else { "down" }, &[("dev", dev)]),
        Changed::Address { dev, addr } => {
            say(&format!("address.{turn}"), &[("dev", dev), ("addr", &addr.to_string())])
        }
        Changed::Route { route } => say(&format!("route.{turn}"), &[("route", route)]),
        Changed::RoutingRule { rule } => say(&format!("routing_rule.{turn}"), &[("rule", rule)]),
        Changed::Rule { table, chain, rule } => {
            say(&format!("rule.{turn}"), &[("table", table), ("chain", chain), ("rule", rule)])
        }
        Changed::Rules { command } => say("rules", &[("command", command)]),
        Changed::Name { network, name, addr } => {
            say(&format!("name.{turn}"), &[("network", network), ("name", name), ("addr", &addr.to_string())])
        }
        Changed::Port { binding: b, addr } => {
            let outside = format!("{}:{}", b.host_ip, b.host_port);
            let inside = if addr.is_unspecified() {
                format!("{}/{}", b.port, b.proto)
            } else {
                format!("{addr}:{}/{}", b.port, b.proto)
            };
            say(&format!("port.{turn}"), &[("outside", &outside), ("inside", &inside)])
        }
        Changed::Sysctl { key, value } => say("sysctl", &[("key", key), ("value", value)]),
    }
}
