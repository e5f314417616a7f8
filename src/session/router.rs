//! A home router's form as real rules. Its own rules are known by their text: new settings take
//! away what they no longer say and add what they say anew, and leave all else as it is, the
//! connections that are tracked included.

use super::{NodeConfig, RouterConfig, Session, SessionError};
use crate::netfilter::NfError;
use crate::shell::{self, WordPart};
use crate::stack::{Cx, NetNs};
use crate::wire::Ipv4Net;

/// The rules that the settings stand for, as iptables' arguments, in order.
///
/// What a home router does: it lets the LAN out and answers in, forwards what a port forward has
/// let in, takes nothing else from the WAN for itself but pings, and hides the LAN.
pub(super) fn rules(router: Option<&RouterConfig>) -> Vec<String> {
    let Some(r) = router else { return Vec::new() };
    let (wan, lan) = (r.wan, r.lan);
    let mut rules = vec![
        "-P FORWARD DROP".to_owned(),
        "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT".to_owned(),
        format!("-A FORWARD -i {lan} -o {wan} -j ACCEPT"),
        "-A FORWARD -m conntrack --ctstate DNAT -j ACCEPT".to_owned(),
        format!("-A INPUT -i {wan} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"),
        format!("-A INPUT -i {wan} -p icmp -j ACCEPT"),
        format!("-A INPUT -i {wan} -j DROP"),
    ];
    if r.nat {
        let random = if r.random_ports { " --random-fully" } else { "" };
        rules.push(format!("-t nat -A POSTROUTING -o {wan} -j MASQUERADE{random}"));
    }
    for f in &r.forwards {
        let (proto, port, to, to_port) = (&f.proto, f.port, f.to, f.to_port);
        rules.push(format!(
            "-t nat -A PREROUTING -i {wan} -p {proto} -m {proto} --dport {port} \
             -m comment --comment \"port forward\" -j DNAT --to-destination {to}:{to_port}"
        ));
    }
    rules
}

/// Gives one line to iptables.
pub(super) fn iptables(ns: &mut NetNs, cx: &mut Cx<'_>, line: &str) -> Result<(), NfError> {
    let usage = |message: String| NfError { message, exit: 2 };
    let script = shell::parse(line).map_err(|e| usage(e.message))?;
    let command = script.items.first().and_then(|(_, p)| p.commands.first());
    let words: Vec<&str> = command
        .into_iter()
        .flat_map(|c| &c.words)
        .map(|w| match w.parts.as_slice() {
            [WordPart::Text(text)] => text.as_str(),
            _ => "",
        })
        .collect();
    ns.iptables(&words, cx)
}

/// Checks a router's settings against its ports.
pub(super) fn check(config: &NodeConfig, router: &RouterConfig) -> Result<(), SessionError> {
    let bad = |text: String| Err(SessionError::Config(text));
    for (field, name) in [("wan", router.wan), ("lan", router.lan)] {
        if !config.ports.iter().any(|p| p.name == name || p.bridge == Some(name)) {
            return bad(format!("{field}: there is no port {name}"));
        }
    }
    if router.wan == router.lan {
        return bad("wan and lan must be different ports".into());
    }
    let lan: Option<Ipv4Net> = config
        .ports
        .iter()
        .filter(|p| p.name == router.lan || p.bridge == Some(router.lan))
        .find_map(|p| p.address);
    for (i, f) in router.forwards.iter().enumerate() {
        let n = i + 1;
        if !matches!(f.proto.as_str(), "tcp" | "udp") {
            return bad(format!("forward {n}: {:?} is neither tcp nor udp", f.proto));
        }
        if f.port == 0 || f.to_port == 0 {
            return bad(format!("forward {n}: a port is a number from 1 to 65535"));
        }
        if router.forwards[..i].iter().any(|g| g.proto == f.proto && g.port == f.port) {
            return bad(format!("forward {n}: {} port {} is forwarded already", f.proto, f.port));
        }
        let Some(lan) = lan else { continue };
        let host = lan.contains(&f.to) && f.to != lan.network() && f.to != lan.broadcast();
        if !host {
            return bad(format!("forward {n}: {} is not an address on the LAN {}", f.to, lan.trunc()));
        }
        if f.to == lan.addr() {
            return bad(format!("forward {n}: {} is the router itself", f.to));
        }
    }
    Ok(())
}

/// The command that takes a rule away again.
fn undo(rule: &str) -> Option<String> {
    if rule.starts_with("-P ") {
        return None;
    }
    Some(rule.replacen("-A ", "-D ", 1))
}

impl Session {
    /// Applies new router settings to a running router: rewrites the rules it had made, no others.
    ///
    /// # Errors
    /// `NoNode`, values out of range. Nothing is changed then.
    pub fn set_router(&mut self, node: &str, router: &RouterConfig) -> Result<(), SessionError> {
        let index = self.node_index(node)?;
        check(&self.nodes[index].config, router)?;
        let (old, new) = (rules(self.nodes[index].config.router.as_ref()), rules(Some(router)));
        let applied = self.world.with(self.nodes[index].ns, |ns, cx| {
            // One that somebody has deleted by hand is gone already.
            for rule in old.iter().filter(|r| !new.contains(r)).filter_map(|r| undo(r)) {
                let _ = iptables(ns, cx, &rule);
            }
            for rule in new.iter().filter(|r| !old.contains(r)) {
                iptables(ns, cx, rule)?;
            }
            ns.sysctl.ip_forward = true;
            Ok(())
        });
        let applied: Option<Result<(), NfError>> = applied;
        if let Some(Err(e)) = applied {
            return Err(SessionError::Config(e.message));
        }
        self.nodes[index].config.router = Some(router.clone());
        self.pump();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Forward;

    fn config() -> NodeConfig {
        serde_json::from_str(
            r#"{"id": "rt", "kind": "router", "ports": [
                {"name": "wan0", "address": "150.150.0.1/24"}, {"name": "lan0", "address": "192.168.0.1/24"}],
                "router": {"wan": "wan0", "lan": "lan0", "nat": true}}"#,
        )
        .unwrap()
    }

    fn with(forwards: Vec<(&str, u16, [u8; 4], u16)>) -> RouterConfig {
        let forwards = forwards.into_iter().map(|(proto, port, to, to_port)| Forward {
            proto: proto.into(),
            port,
            to: to.into(),
            to_port,
        });
        RouterConfig { forwards: forwards.collect(), ..config().router.unwrap() }
    }

    #[test]
    fn forwards_that_cannot_be_are_refused() {
        for (forwards, expect) in [
            (vec![("tcp", 80, [192, 168, 0, 10], 80)], ""),
            (vec![("icmp", 80, [192, 168, 0, 10], 80)], "forward 1: \"icmp\" is neither tcp nor udp"),
            (vec![("tcp", 0, [192, 168, 0, 10], 80)], "forward 1: a port is a number from 1 to 65535"),
            (
                vec![("tcp", 80, [10, 0, 0, 10], 80)],
                "forward 1: 10.0.0.10 is not an address on the LAN 192.168.0.0/24",
            ),
            (vec![("tcp", 80, [192, 168, 0, 1], 80)], "forward 1: 192.168.0.1 is the router itself"),
            (
                vec![("tcp", 80, [192, 168, 0, 10], 80), ("tcp", 80, [192, 168, 0, 11], 80)],
                "forward 2: tcp port 80 is forwarded already",
            ),
        ] {
            let got = check(&config(), &with(forwards)).err().map(|e| e.to_string()).unwrap_or_default();
            assert_eq!(got, expect);
        }
    }

    #[test]
    fn every_rule_but_a_policy_can_be_taken_away_alone() {
        let all = rules(Some(&with(vec![("udp", 53, [192, 168, 0, 10], 53)])));
        let undone: Vec<_> = all.iter().filter_map(|r| undo(r)).collect();
        assert_eq!(undone.len(), all.len() - 1);
        assert!(undone.iter().all(|r| r.contains("-D ") && !r.contains("-A ")));
    }
}
