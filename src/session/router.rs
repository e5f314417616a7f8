//! A home router's form as real rules. Its own rules are known by their text: new settings take
//! away what they no longer say and add what they say anew, and leave all else as it is, the
//! connections that are tracked included.

use super::{DhcpConfig, NodeConfig, RouterConfig, Session, SessionError};
use crate::netfilter::NfError;
use crate::shell::{self, WordPart};
use crate::stack::{Cx, NetNs};
use crate::wire::Ipv4Net;
use std::net::Ipv4Addr;

/// The rules that a router's settings stand for, as iptables' arguments, in order; none for a node
/// that is no router.
///
/// What a home router does: it lets the LAN out and answers in, forwards what a port forward has
/// let in, takes nothing else from the WAN for itself but pings, and hides the LAN. Hairpin is
/// what OpenWrt calls NAT loopback (its firewall's `reflection`): the same DNAT for questions from
/// the LAN, and the router's own address as their source, so that the answer comes back through it.
pub fn rules(config: &NodeConfig) -> Vec<String> {
    let Some(r) = &config.router else { return Vec::new() };
    let lan = lan_of(config, r);
    let (wan, inside) = (r.wan, r.lan);
    let mut rules = vec![
        "-P FORWARD DROP".to_owned(),
        "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT".to_owned(),
        format!("-A FORWARD -i {inside} -o {wan} -j ACCEPT"),
        "-A FORWARD -m conntrack --ctstate DNAT -j ACCEPT".to_owned(),
        format!("-A INPUT -i {wan} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"),
        format!("-A INPUT -i {wan} -p icmp -j ACCEPT"),
        format!("-A INPUT -i {wan} -j DROP"),
    ];
    if config.port(wan).is_some_and(|p| p.dhcp) {
        // OpenWrt's "Allow-DHCP-Renew".
        rules.push(format!("-I INPUT -i {wan} -p udp -m udp --dport 68 -j ACCEPT"));
    }
    if r.nat {
        let random = if r.random_ports { " --random-fully" } else { "" };
        rules.push(format!("-t nat -A POSTROUTING -o {wan} -j MASQUERADE{random}"));
        // Before the rule for all others, whenever they are added.
        for f in &r.fixed_ports {
            for proto in protos(&f.proto) {
                rules.push(format!(
                    "-t nat -I POSTROUTING -s {}/32 -o {wan} -p {proto} -m {proto} --sport {} \
                     -m comment --comment \"fixed port\" -j MASQUERADE --to-ports {}",
                    f.from, f.from_port, f.port
                ));
            }
        }
    }
    for f in &r.forwards {
        let (first, last) = f.ports();
        let (ports, to) = if first == last {
            (first.to_string(), format!("{}:{}", f.to, f.to_port))
        } else {
            let shift = if first == f.to_port { String::new() } else { format!("/{first}") };
            let end = f.to_port.saturating_add(last - first);
            (format!("{first}:{last}"), format!("{}:{}-{end}{shift}", f.to, f.to_port))
        };
        for proto in protos(&f.proto) {
            let what = format!("-p {proto} -m {proto} --dport {ports}");
            rules.push(format!(
                "-t nat -A PREROUTING -i {wan} {what} -m comment --comment \"port forward\" \
                 -j DNAT --to-destination {to}"
            ));
            if r.hairpin {
                let own = lan.map(|l| format!("! -d {}/32 ", l.addr())).unwrap_or_default();
                rules.push(format!(
                    "-t nat -A PREROUTING {own}-i {inside} {what} -m addrtype --dst-type LOCAL \
                     -m comment --comment hairpin -j DNAT --to-destination {to}"
                ));
            }
        }
    }
    if r.hairpin && !r.forwards.is_empty() {
        let from = lan.map(|l| format!("-s {} ", l.trunc())).unwrap_or_default();
        rules.push(format!(
            "-t nat -A POSTROUTING {from}-o {inside} -m conntrack --ctstate DNAT \
             -m comment --comment hairpin -j MASQUERADE"
        ));
    }
    rules
}

/// The address and prefix of the LAN, if it has one.
pub(super) fn lan_of(config: &NodeConfig, router: &RouterConfig) -> Option<Ipv4Net> {
    let ports = config.ports.iter().filter(|p| p.name == router.lan || p.bridge == Some(router.lan));
    ports.filter_map(|p| p.address).next()
}

fn protos(proto: &str) -> &[&str] {
    match proto {
        "both" => &["tcp", "udp"],
        "udp" => &["udp"],
        _ => &["tcp"],
    }
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
    let lan = lan_of(config, router);
    let on_lan = |address: Ipv4Addr| match lan {
        Some(lan) if !is_host(lan, address) => {
            Err(format!("{address} is not an address on the LAN {}", lan.trunc()))
        }
        Some(lan) if lan.addr() == address => Err(format!("{address} is the router itself")),
        _ => Ok(()),
    };
    for (i, f) in router.forwards.iter().enumerate() {
        let n = i + 1;
        if !matches!(f.proto.as_str(), "tcp" | "udp" | "both") {
            return bad(format!("forward {n}: {:?} is neither tcp nor udp nor both", f.proto));
        }
        let (first, last) = f.ports();
        if first == 0 || f.to_port == 0 {
            return bad(format!("forward {n}: a port is a number from 1 to 65535"));
        }
        if last < first {
            return bad(format!("forward {n}: the range ends before it begins"));
        }
        if f.to_port.checked_add(last - first).is_none() {
            return bad(format!("forward {n}: the range goes beyond port 65535"));
        }
        if router.forwards[..i].iter().any(|g| g.overlaps(f)) {
            return bad(format!("forward {n}: {} port {} is forwarded already", f.proto, f.port));
        }
        on_lan(f.to).or_else(|e| bad(format!("forward {n}: {e}")))?;
    }
    for (i, f) in router.fixed_ports.iter().enumerate() {
        let n = i + 1;
        if !matches!(f.proto.as_str(), "tcp" | "udp" | "both") {
            return bad(format!("fixed port {n}: {:?} is neither tcp nor udp nor both", f.proto));
        }
        if f.from_port == 0 || f.port == 0 {
            return bad(format!("fixed port {n}: a port is a number from 1 to 65535"));
        }
        on_lan(f.from).or_else(|e| bad(format!("fixed port {n}: {e}")))?;
    }
    if let Some(server) = &router.dhcp {
        dhcp(config, server)?;
    }
    Ok(())
}

/// Checks what a DHCP server gives away against the port it serves at.
pub(super) fn dhcp(config: &NodeConfig, server: &DhcpConfig) -> Result<(), SessionError> {
    let bad = |text: String| Err(SessionError::Config(format!("dhcp: {text}")));
    let Some(port) = config.dhcp_port(server) else {
        return bad("port: it serves at a port with an address".into());
    };
    let Some(net) = port.address else {
        return bad(format!("{} has no address; a DHCP server needs one", port.name));
    };
    if u32::from(server.first) > u32::from(server.last) {
        return bad("the range ends before it begins".into());
    }
    let reserved = server.reservations.iter().map(|r| r.address);
    for address in [server.first, server.last].into_iter().chain(server.gateway).chain(reserved) {
        if !is_host(net, address) {
            return bad(format!("{address} is not an address in {}", net.trunc()));
        }
    }
    if server.lease_secs < 10 {
        return bad("a lease lasts 10 seconds at least".into());
    }
    for (i, r) in server.reservations.iter().enumerate() {
        if r.mac.is_group() {
            return bad(format!("{} is a group address; the first byte must be even", r.mac));
        }
        if server.reservations[..i].iter().any(|o| o.mac == r.mac || o.address == r.address) {
            return bad(format!("{} or {} is reserved already", r.mac, r.address));
        }
    }
    Ok(())
}

/// Whether a host of the network could have the address.
fn is_host(net: Ipv4Net, address: Ipv4Addr) -> bool {
    net.contains(&address)
        && (net.prefix_len() >= 31 || (address != net.network() && address != net.broadcast()))
}

/// The command that takes a rule away again.
pub(super) fn undo(rule: &str) -> Option<String> {
    if rule.starts_with("-P ") {
        return None;
    }
    let how = if rule.contains("-I ") { "-I " } else { "-A " };
    Some(rule.replacen(how, "-D ", 1))
}

impl Session {
    /// Applies new router settings to a running router: rewrites the rules it had made, no others,
    /// and starts or ends its servers.
    ///
    /// # Errors
    /// `NoNode`, values out of range. Nothing is changed then.
    pub fn set_router(&mut self, node: &str, router: &RouterConfig) -> Result<(), SessionError> {
        let mut config = self.node(node)?.config.clone();
        config.router = Some(router.clone());
        self.atomically(|s| s.set_node(config.clone()))
    }

    /// Takes the rules of the present router settings away and adds those of `config`.
    pub(super) fn replace_rules(&mut self, index: usize, config: &NodeConfig) -> Result<(), SessionError> {
        let (old, new) = (rules(&self.nodes[index].config), rules(config));
        let applied = self.world.with(self.nodes[index].ns, |ns, cx| {
            // One that somebody has deleted by hand is gone already.
            for rule in old.iter().filter(|r| !new.contains(r)).filter_map(|r| undo(r)) {
                let _ = iptables(ns, cx, &rule);
            }
            for rule in new.iter().filter(|r| !old.contains(r)) {
                iptables(ns, cx, rule)?;
            }
            ns.sysctl.ip_forward |= config.router.is_some();
            Ok(())
        });
        let applied: Option<Result<(), NfError>> = applied;
        match applied {
            Some(Err(e)) => Err(SessionError::Config(e.message)),
            _ => Ok(()),
        }
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
            last: None,
            to: to.into(),
            to_port,
        });
        RouterConfig { forwards: forwards.collect(), ..config().router.unwrap() }
    }

    #[test]
    fn forwards_that_cannot_be_are_refused() {
        for (forwards, expect) in [
            (vec![("tcp", 80, [192, 168, 0, 10], 80)], ""),
            (
                vec![("icmp", 80, [192, 168, 0, 10], 80)],
                "forward 1: \"icmp\" is neither tcp nor udp nor both",
            ),
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
        let router = Some(with(vec![("udp", 53, [192, 168, 0, 10], 53)]));
        let all = rules(&NodeConfig { router, ..config() });
        let undone: Vec<_> = all.iter().filter_map(|r| undo(r)).collect();
        assert_eq!(undone.len(), all.len() - 1);
        assert!(undone.iter().all(|r| r.contains("-D ") && !r.contains("-A ")));
    }
}
