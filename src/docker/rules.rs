//! The iptables rules that Engine 28 writes, in its order (drivers/bridge/internal/iptabler).
//!
//! ```text
//!  raw PREROUTING     drops what is addressed directly to a container from outside its bridge
//!  nat PREROUTING ─▶ DOCKER      published ports: DNAT
//!  nat OUTPUT     ─▶ DOCKER      the same for this host's own programs
//!  nat POSTROUTING               containers leave with the host's address: MASQUERADE
//!  filter FORWARD ─▶ DOCKER-USER ─▶ (the admin's rules)
//!                 └▶ DOCKER-FORWARD ─▶ DOCKER-CT ─▶ …STAGE-1 ─▶ …STAGE-2 ─▶ DOCKER-BRIDGE ─▶ DOCKER
//! ```
//! Here are only the texts; [`apply`] and [`undo`] give them to the host's iptables.

use super::DaemonConfig;
use super::options::GatewayMode;
use crate::sim::World;
use crate::stack::NsId;
use crate::wire::{Ipv4Net, Protocol};
use std::net::Ipv4Addr;

/// A rule, and at which end of its chain it is put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    table: &'static str,
    chain: &'static str,
    first: bool,
    spec: String,
}

impl Rule {
    fn append(table: &'static str, chain: &'static str, spec: String) -> Self {
        Self { table, chain, first: false, spec }
    }
    fn insert(table: &'static str, chain: &'static str, spec: String) -> Self {
        Self { table, chain, first: true, spec }
    }
    /// The iptables command that makes it.
    fn make(&self) -> String {
        let op = if self.first { "-I" } else { "-A" };
        format!("-t {} {op} {} {}", self.table, self.chain, self.spec)
    }
    /// The one that takes it away.
    fn unmake(&self) -> String {
        format!("-t {} -D {} {}", self.table, self.chain, self.spec)
    }
}

/// One iptables command on the host.
fn iptables(world: &mut World, ns: NsId, command: &str) -> Result<(), String> {
    let args: Vec<&str> = command.split_whitespace().collect();
    let done = world.with(ns, |ns, cx| ns.iptables(&args, cx)).unwrap_or(Ok(()));
    done.map_err(|e| {
        let said = e.message.trim_end();
        format!("(iptables failed: iptables --wait {command}: {said}\n (exit status {}))", e.exit)
    })
}

/// Makes `rules` in order. If one fails, those before it are taken away again.
pub(super) fn apply(world: &mut World, ns: NsId, rules: &[Rule]) -> Result<(), String> {
    for (i, rule) in rules.iter().enumerate() {
        if let Err(e) = iptables(world, ns, &rule.make()) {
            undo(world, ns, &rules[..i]);
            return Err(e);
        }
    }
    Ok(())
}

/// Takes `rules` away. One that somebody else has taken away already is no matter.
pub(super) fn undo(world: &mut World, ns: NsId, rules: &[Rule]) {
    for rule in rules {
        let _ = iptables(world, ns, &rule.unmake());
    }
}

/// What an engine writes when it starts. Chains that are there already (a second start) are kept.
pub(super) fn engine_start(world: &mut World, ns: NsId, config: &DaemonConfig) {
    let mut commands: Vec<String> = vec!["-t nat -N DOCKER".into()];
    for chain in [
        "DOCKER",
        "DOCKER-FORWARD",
        "DOCKER-BRIDGE",
        "DOCKER-CT",
        "DOCKER-ISOLATION-STAGE-1",
        "DOCKER-ISOLATION-STAGE-2",
    ] {
        commands.push(format!("-t filter -N {chain}"));
    }
    let loopback = if config.userland_proxy { "! -d 127.0.0.0/8 " } else { "" };
    commands.extend([
        "-t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER".to_owned(),
        format!("-t nat -A OUTPUT {loopback}-m addrtype --dst-type LOCAL -j DOCKER"),
        "-t filter -I FORWARD -j DOCKER-FORWARD".to_owned(),
        "-t filter -I DOCKER-FORWARD -j DOCKER-BRIDGE".to_owned(),
        "-t filter -I DOCKER-FORWARD -j DOCKER-ISOLATION-STAGE-1".to_owned(),
        "-t filter -I DOCKER-FORWARD -j DOCKER-CT".to_owned(),
        "-t filter -N DOCKER-USER".to_owned(),
        "-t filter -I FORWARD -j DOCKER-USER".to_owned(),
    ]);
    for command in commands {
        let _ = iptables(world, ns, &command);
    }
}

/// Takes away what [`engine_start`] wrote, but for DOCKER-USER, which is the administrator's.
pub(super) fn engine_end(world: &mut World, ns: NsId) {
    let mut commands = Vec::new();
    for loopback in ["", "! -d 127.0.0.0/8 "] {
        commands.push(format!("-t nat -D OUTPUT {loopback}-m addrtype --dst-type LOCAL -j DOCKER"));
    }
    commands.extend(
        [
            "-t nat -D PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
            "-t nat -F DOCKER",
            "-t nat -X DOCKER",
            "-t filter -D FORWARD -j DOCKER-USER",
            "-t filter -D FORWARD -j DOCKER-FORWARD",
        ]
        .map(str::to_owned),
    );
    const CHAINS: [&str; 6] = [
        "DOCKER-FORWARD",
        "DOCKER-BRIDGE",
        "DOCKER-CT",
        "DOCKER-ISOLATION-STAGE-1",
        "DOCKER-ISOLATION-STAGE-2",
        "DOCKER",
    ];
    commands.extend(CHAINS.map(|c| format!("-t filter -F {c}")));
    commands.extend(CHAINS.map(|c| format!("-t filter -X {c}")));
    for command in commands {
        let _ = iptables(world, ns, &command);
    }
}

/// Lets nothing through the host that no rule lets through (the engine does so when it was the
/// one to turn forwarding on).
pub(super) fn forward_drop(world: &mut World, ns: NsId) {
    let _ = iptables(world, ns, "-t filter -P FORWARD DROP");
}

/// What decides about a network's rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NetRules {
    /// Interface name of the bridge.
    pub bridge: String,
    /// Subnet.
    pub subnet: Ipv4Net,
    /// `--internal`.
    pub internal: bool,
    /// Containers may talk to one another.
    pub icc: bool,
    /// Containers leave with the host's address.
    pub masquerade: bool,
    /// There is a userland proxy.
    pub proxy: bool,
    /// How the containers meet the world.
    pub mode: GatewayMode,
    /// Rules are written at all.
    pub on: bool,
    /// Packets addressed to containers from outside are let through.
    pub direct: bool,
}

impl NetRules {
    /// The rules of the network itself.
    pub fn network(&self) -> Vec<Rule> {
        let Self { bridge: br, subnet, .. } = self;
        if !self.on {
            return Vec::new();
        }
        let routed = self.mode == GatewayMode::Routed;
        if self.internal {
            let mut rules = vec![
                Rule::insert("filter", "DOCKER-ISOLATION-STAGE-1", format!("-i {br} ! -d {subnet} -j DROP")),
                Rule::insert("filter", "DOCKER-ISOLATION-STAGE-1", format!("-o {br} ! -s {subnet} -j DROP")),
            ];
            let verdict = if self.icc { "ACCEPT" } else { "DROP" };
            rules.push(Rule::append("filter", "DOCKER-FORWARD", format!("-i {br} -o {br} -j {verdict}")));
            return rules;
        }
        let mut rules = Vec::new();
        if self.masquerade {
            if !routed {
                rules.push(Rule::insert(
                    "nat",
                    "POSTROUTING",
                    format!("-s {subnet} ! -o {br} -j MASQUERADE"),
                ));
            }
            if self.proxy {
                rules.push(Rule::insert("nat", "DOCKER", format!("-i {br} -j RETURN")));
            }
        }
        if !self.proxy {
            let spec = format!("-m addrtype --src-type LOCAL -o {br} -j MASQUERADE");
            rules.push(Rule::insert("nat", "POSTROUTING", spec));
        }
        let out = if self.icc {
            format!("-i {br} -j ACCEPT")
        } else {
            rules.push(Rule::append("filter", "DOCKER-FORWARD", format!("-i {br} -o {br} -j DROP")));
            format!("-i {br} ! -o {br} -j ACCEPT")
        };
        if routed {
            rules.push(Rule::append("filter", "DOCKER", format!("-o {br} -p icmp -j ACCEPT")));
        }
        rules.push(Rule::append("filter", "DOCKER-FORWARD", out));
        let rest = if self.mode == GatewayMode::NatUnprotected { "ACCEPT" } else { "DROP" };
        rules.push(Rule::append("filter", "DOCKER", format!("! -i {br} -o {br} -j {rest}")));
        rules.push(Rule::append(
            "filter",
            "DOCKER-CT",
            format!("-o {br} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"),
        ));
        rules.push(Rule::append("filter", "DOCKER-BRIDGE", format!("-o {br} -j DOCKER")));
        rules.push(Rule::append(
            "filter",
            "DOCKER-ISOLATION-STAGE-1",
            format!("-i {br} ! -o {br} -j DOCKER-ISOLATION-STAGE-2"),
        ));
        rules.push(Rule::insert("filter", "DOCKER-ISOLATION-STAGE-2", format!("-o {br} -j DROP")));
        if routed {
            // Other networks of this host may come in, and answers go back.
            rules.push(Rule::insert("filter", "DOCKER-ISOLATION-STAGE-1", format!("-o {br} -j RETURN")));
            let spec = format!("-i {br} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT");
            rules.push(Rule::insert("filter", "DOCKER-ISOLATION-STAGE-1", spec));
        }
        rules
    }

    /// The rules of a container's address in the network.
    pub fn endpoint(&self, addr: Ipv4Addr) -> Vec<Rule> {
        let open = matches!(self.mode, GatewayMode::NatUnprotected | GatewayMode::Routed) || self.direct;
        if self.internal || open || !self.on {
            return Vec::new();
        }
        vec![Rule::append("raw", "PREROUTING", format!("-d {addr} ! -i {} -j DROP", self.bridge))]
    }

    /// The rules of a published port.
    pub fn port(
        &self,
        host: Ipv4Addr,
        host_port: u16,
        addr: Ipv4Addr,
        port: u16,
        proto: Protocol,
    ) -> Vec<Rule> {
        let br = &self.bridge;
        if self.internal || port == 0 || !self.on {
            return Vec::new();
        }
        let mut rules = Vec::new();
        let open = format!("! -i {br} -o {br} -p {proto} -d {addr} --dport {port} -j ACCEPT");
        if self.mode == GatewayMode::Routed {
            rules.push(Rule::insert("filter", "DOCKER", open));
            return rules;
        }
        if host.is_loopback() {
            let spec = format!("-p {proto} -d {host} --dport {host_port} ! -i lo -j DROP");
            rules.push(Rule::append("raw", "PREROUTING", spec));
        }
        let to = if host.is_unspecified() { String::new() } else { format!("-d {host} ") };
        let from = if self.proxy { format!("! -i {br} ") } else { String::new() };
        rules.push(Rule::append(
            "nat",
            "DOCKER",
            format!("-p {proto} {to}{from}--dport {host_port} -j DNAT --to-destination {addr}:{port}"),
        ));
        if !self.proxy {
            let spec = format!("-p {proto} -s {addr} -d {addr} --dport {port} -j MASQUERADE");
            rules.push(Rule::append("nat", "POSTROUTING", spec));
        }
        if self.mode != GatewayMode::NatUnprotected {
            rules.push(Rule::insert("filter", "DOCKER", open));
        }
        rules
    }

    /// The rules of a link between two containers, which matter where `icc` is off.
    pub fn link(&self, parent: Ipv4Addr, child: Ipv4Addr, port: u16, proto: Protocol) -> Vec<Rule> {
        let br = &self.bridge;
        let way = |ends: String, side: &str| {
            Rule::append(
                "filter",
                "DOCKER",
                format!("-i {br} -o {br} -p {proto} {ends} --{side} {port} -j ACCEPT"),
            )
        };
        vec![way(format!("-s {parent} -d {child}"), "dport"), way(format!("-s {child} -d {parent}"), "sport")]
    }
}

/// The rules in a container's own namespace that lead questions to 127.0.0.11:53 to the port on
/// which the embedded server listens (libnetwork/resolver_unix.go).
pub(super) fn embedded_dns(world: &mut World, ns: NsId, port: u16) {
    const SERVER: &str = "127.0.0.11";
    let mut commands = vec![
        "-t nat -N DOCKER_OUTPUT".to_owned(),
        format!("-t nat -I OUTPUT -d {SERVER} -j DOCKER_OUTPUT"),
        "-t nat -N DOCKER_POSTROUTING".to_owned(),
        format!("-t nat -I POSTROUTING -d {SERVER} -j DOCKER_POSTROUTING"),
    ];
    for proto in ["udp", "tcp"] {
        commands.push(format!(
            "-t nat -I DOCKER_OUTPUT -d {SERVER} -p {proto} --dport 53 -j DNAT --to-destination {SERVER}:{port}"
        ));
        commands.push(format!(
            "-t nat -I DOCKER_POSTROUTING -s {SERVER} -p {proto} --sport {port} -j SNAT --to-source :53"
        ));
    }
    for command in commands {
        let _ = iptables(world, ns, &command);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(proxy: bool, internal: bool, icc: bool) -> NetRules {
        NetRules {
            bridge: "br0".into(),
            subnet: "10.0.5.0/24".parse().expect("a prefix"),
            internal,
            icc,
            masquerade: true,
            proxy,
            mode: GatewayMode::Nat,
            on: true,
            direct: false,
        }
    }

    fn texts(rules: &[Rule]) -> Vec<String> {
        rules.iter().map(Rule::make).collect()
    }

    #[test]
    fn an_internal_network_is_shut_off_and_nothing_more() {
        assert_eq!(
            texts(&net(true, true, true).network()),
            [
                "-t filter -I DOCKER-ISOLATION-STAGE-1 -i br0 ! -d 10.0.5.0/24 -j DROP",
                "-t filter -I DOCKER-ISOLATION-STAGE-1 -o br0 ! -s 10.0.5.0/24 -j DROP",
                "-t filter -A DOCKER-FORWARD -i br0 -o br0 -j ACCEPT",
            ]
        );
        assert!(net(true, true, true).endpoint(Ipv4Addr::new(10, 0, 5, 2)).is_empty());
    }

    #[test]
    fn without_the_proxy_local_programs_and_neighbours_are_masqueraded_instead() {
        let with = texts(&net(true, false, true).network());
        let without = texts(&net(false, false, true).network());
        assert!(with.contains(&"-t nat -I DOCKER -i br0 -j RETURN".to_owned()));
        assert!(
            without.contains(
                &"-t nat -I POSTROUTING -m addrtype --src-type LOCAL -o br0 -j MASQUERADE".to_owned()
            )
        );
        let port = net(false, false, true).port(
            Ipv4Addr::UNSPECIFIED,
            8080,
            Ipv4Addr::new(10, 0, 5, 2),
            80,
            Protocol::Tcp,
        );
        assert_eq!(
            texts(&port)[..2],
            [
                "-t nat -A DOCKER -p tcp --dport 8080 -j DNAT --to-destination 10.0.5.2:80",
                "-t nat -A POSTROUTING -p tcp -s 10.0.5.2 -d 10.0.5.2 --dport 80 -j MASQUERADE",
            ]
        );
    }

    #[test]
    fn without_icc_neighbours_are_dropped_before_the_way_out_is_open() {
        let all = texts(&net(true, false, false).network());
        let forward: Vec<_> = all.iter().filter(|r| r.contains("DOCKER-FORWARD")).collect();
        assert_eq!(
            forward,
            [
                "-t filter -A DOCKER-FORWARD -i br0 -o br0 -j DROP",
                "-t filter -A DOCKER-FORWARD -i br0 ! -o br0 -j ACCEPT",
            ]
        );
    }
}
