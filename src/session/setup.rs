//! Building the World from the configuration: nodes, ports, links, services.

use super::run::{Home, ShellId};
use super::{
    DhcpConfig, LinkConfig, Misfit, Node, NodeConfig, NodeKind, PortConfig, ServiceConfig, Session,
    SessionError, Wifi, dns, router,
};
use crate::docker::{DAEMON_JSON, DaemonConfig, Engine, Request};
use crate::guest::dhcp::ServerConfig;
use crate::guest::{self, MachineId, Stdin};
use crate::shell::{self, Script, WordPart};
use crate::sim::{LinkId, LinkSpec};
use crate::stack::{ConfigError, DevRef, DeviceKind, NsId, Route, RouteKind, Scope};
use crate::time::Duration;
use crate::wire::{IfIndex, IfName, Ipv4Net, Mac};
use std::net::Ipv4Addr;

/// Storm control of switches and routers: more frames for everybody in a tenth of a second than a
/// room of people makes. A loop of cables comes to rest by it.
pub(super) const STORM_LIMIT: u32 = 500;

/// Jobs of this number do not exist: a node's services belong to nobody's terminal.
pub(super) const NO_JOB: super::JobId = super::JobId(0);

impl Session {
    /// Adds a node and starts its services.
    ///
    /// # Errors
    /// A taken id, an address twice, a rule that iptables refuses …: names the field. Nothing is
    /// added then.
    pub fn add_node(&mut self, config: NodeConfig) -> Result<(), SessionError> {
        if self.nodes.iter().any(|n| n.config.id == config.id) {
            return Err(Misfit::IdTaken(config.id).into());
        }
        check_node(&config)?;
        let file = config.files.get(DAEMON_JSON).map(String::as_str);
        let daemon = DaemonConfig::from_flags_and_file(&config.daemon, file)
            .map_err(|problem| SessionError::Config(format!("daemon: {problem}")))?;
        let ns = self.world.add_namespace();
        let machine = self.world.add_machine(ns, &config.id);
        let done = self.set_up(&config, ns, machine);
        if let Err(e) = done {
            self.world.remove_machine(machine);
            self.world.remove_namespace(ns);
            return Err(e);
        }
        let engine = (config.kind == NodeKind::DockerHost)
            .then(|| Engine::with_config(&mut self.world, machine, daemon));
        let node = self.nodes.len();
        self.nodes.push(Node { config, machine, ns, engine, daemons: Vec::new() });
        self.refresh_daemons(node);
        self.pump();
        Ok(())
    }

    /// Removes a node with its links and containers.
    ///
    /// # Errors
    /// `NoNode`.
    pub fn remove_node(&mut self, id: &str) -> Result<(), SessionError> {
        let index = self.node_index(id)?;
        let node = &mut self.nodes[index];
        let (machine, ns) = (node.machine, node.ns);
        if let Some(mut engine) = node.engine.take() {
            let names: Vec<_> = engine.containers().iter().map(|c| c.id.clone()).collect();
            if !names.is_empty() {
                engine.request(&mut self.world, &Request::Rm { force: true, link: false, names });
            }
        }
        self.pump();
        let links: Vec<LinkId> =
            self.world.links().filter(|(_, l)| l.a.ns == ns || l.b.ns == ns).map(|(id, _)| id).collect();
        for link in links {
            self.world.unplug(link);
        }
        self.world.remove_machine(machine);
        self.world.remove_namespace(ns);
        self.nodes.remove(index);
        self.terminals.remove(&machine);
        self.forget_shells_of(index);
        self.pump();
        Ok(())
    }

    /// Shells at a node that is gone end; indexes behind it move up.
    fn forget_shells_of(&mut self, index: usize) {
        let seq = self.world.log.next_seq();
        let gone: Vec<_> = self.shells.iter().filter(|(_, s)| s.node == index).map(|(id, _)| *id).collect();
        for id in gone {
            let shell = self.shells.remove(&id).expect("it was just listed");
            self.owners.retain(|_, (s, _)| *s != id);
            if shell.home == Home::Terminal
                && let Some(job) = self.job_mut(shell.job)
            {
                job.exit = Some(137);
                job.ended = Some(seq);
            }
        }
        for shell in self.shells.values_mut().filter(|s| s.node > index) {
            shell.node -= 1;
        }
        self.mains.retain(|_, (node, _)| *node != index);
        for (node, _) in self.mains.values_mut().filter(|(node, _)| *node > index) {
            *node -= 1;
        }
    }

    /// Cables two ports (`NODE`, `PORT`).
    ///
    /// # Errors
    /// `NoNode`, an unknown or used port.
    pub fn add_link(&mut self, link: &LinkConfig) -> Result<LinkId, SessionError> {
        let a = self.port(&link.a.0, link.a.1)?;
        let b = self.port(&link.b.0, link.b.1)?;
        if a == b {
            return Err(Misfit::OnePort(link.a.1).into());
        }
        let radio = |end: &(String, IfName)| {
            self.node(&end.0).ok().and_then(|n| n.config.port(end.1)).and_then(|p| p.wifi)
        };
        let plugged = match (radio(&link.a), radio(&link.b)) {
            (None, None) => self.world.plug(a, b, spec(link)),
            (Some(Wifi::Station), Some(Wifi::AccessPoint)) => self.world.associate(a, b, spec(link)),
            (Some(Wifi::AccessPoint), Some(Wifi::Station)) => self.world.associate(b, a, spec(link)),
            _ => return Err(Misfit::Radio.into()),
        };
        plugged.map_err(|e| match e {
            ConfigError::Busy => Misfit::PortsUsed(link.a.clone(), link.b.clone()).into(),
            other => SessionError::Config(other.to_string()),
        })
    }

    /// Pulls the cable out of a port.
    ///
    /// # Errors
    /// `NoNode`, a port without a cable.
    pub fn remove_link(&mut self, node: &str, port: IfName) -> Result<(), SessionError> {
        let end = self.port(node, port)?;
        let ends = |l: &crate::sim::Link| l.a == end || l.b == end;
        let links: Vec<_> = self.world.links().filter(|(_, l)| ends(l)).map(|(id, _)| id).collect();
        if links.is_empty() {
            return Err(SessionError::Config(format!("port {port} of {node} has no cable")));
        }
        for link in links {
            self.world.unplug(link);
        }
        self.pump();
        Ok(())
    }

    pub(super) fn port(&self, node: &str, port: IfName) -> Result<DevRef, SessionError> {
        let ns = self.node(node)?.ns;
        let device = self.world.namespace(ns).and_then(|n| n.device_named(port.as_str()));
        match device {
            Some(d) if matches!(d.kind, DeviceKind::Ethernet) => Ok(DevRef { ns, dev: d.index }),
            Some(_) => Err(Misfit::NoCable { node: node.to_owned(), port }.into()),
            None => Err(Misfit::NoPort { node: node.to_owned(), port }.into()),
        }
    }

    /// Devices, addresses, routes, files, rules.
    fn set_up(&mut self, config: &NodeConfig, ns: NsId, machine: MachineId) -> Result<(), SessionError> {
        self.add_ports(config, ns)?;
        let field = |name: &str, e: ConfigError| SessionError::Config(format!("{name}: {e}"));
        let mut routes = Vec::new();
        if let Some(gateway) = config.gateway {
            routes.push(("gateway", route(Ipv4Net::default(), RouteKind::Unicast, Some(gateway))));
        }
        for prefix in &config.unreachable {
            routes.push(("unreachable", route(prefix.trunc(), RouteKind::Unreachable, None)));
        }
        let forward = config.forward || config.router.is_some();
        let result: Option<Result<(), SessionError>> = self.world.with(ns, |n, cx| {
            n.sysctl.ip_forward = forward;
            for (name, route) in routes {
                n.add_route(route, cx).map_err(|e| field(name, e))?;
            }
            for rule in router::rules(config).iter().chain(&config.rules) {
                router::iptables(n, cx, rule)
                    .map_err(|e| SessionError::Config(format!("rules: {rule}: {e}")))?;
            }
            Ok(())
        });
        result.expect("the namespace was just made")?;
        let Some(m) = self.world.machine_mut(machine) else { return Ok(()) };
        let id = &config.id;
        m.env = [
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            ("HOME", "/root"),
            ("USER", "root"),
        ]
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .to_vec();
        for (path, text) in [
            ("/etc/hosts", "127.0.0.1\tlocalhost\n".to_owned()),
            ("/etc/hostname", format!("{id}\n")),
            ("/etc/resolv.conf", resolv_conf(config)),
        ]
        .into_iter()
        .chain(dhclient_conf(config).map(|text| (DHCLIENT_CONF, text)))
        .chain(config.files.iter().map(|(path, text)| (path.as_str(), text.clone())))
        {
            m.files.put(path, text).map_err(|e| SessionError::Config(format!("{path}: {e}")))?;
        }
        Ok(())
    }

    /// Ports, the bridges among them, and their addresses; all up.
    fn add_ports(&mut self, config: &NodeConfig, ns: NsId) -> Result<(), SessionError> {
        let plans = plan_ports(self.world.seed(), config);
        let made = self.world.with(ns, |n, cx| {
            let mut indexes: Vec<(IfName, IfIndex)> = Vec::new();
            for PortPlan { port, mac, is_bridge } in &plans {
                let kind = if *is_bridge { DeviceKind::Bridge(Box::default()) } else { DeviceKind::Ethernet };
                let dev = n.add_device(port.name, *mac, kind, cx)?;
                n.set_storm_limit(dev, Some(STORM_LIMIT));
                indexes.push((port.name, dev));
            }
            let index = |name: IfName| indexes.iter().find(|(n, _)| *n == name).map(|(_, i)| *i);
            for PortPlan { port, .. } in &plans {
                let Some(dev) = index(port.name) else { continue };
                if let Some(bridge) = port.bridge {
                    n.set_master(dev, index(bridge), cx)?;
                }
                n.set_up(dev, true, cx)?;
                if let Some(address) = port.address {
                    // A member's address is the bridge's: a bridge port does not speak IP.
                    n.add_addr(port.bridge.and_then(index).unwrap_or(dev), address, cx)?;
                }
            }
            Ok(())
        });
        let made: Result<(), ConfigError> = made.expect("the namespace was just made");
        made.map_err(|e| SessionError::Config(format!("ports: {e}")))
    }

    /// Starts a program in the background.
    pub(super) fn start_daemon(&mut self, node: usize, daemon: &Daemon) -> Option<ShellId> {
        let machine = self.nodes[node].machine;
        for (path, text) in &daemon.files {
            self.world.machine_mut(machine)?.files.put(path, text.clone()).ok()?;
        }
        // check_node has parsed what people wrote.
        let script = shell::parse(&daemon.line).ok()?;
        let stdin = Stdin { data: String::new(), closed: true };
        let id = self.add_shell(NO_JOB, node, machine, script, Home::Nowhere, stdin);
        self.shell_mut(id).background = true;
        Some(id)
    }
}

/// A program that runs in the background of a node, and the files that it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Daemon {
    line: String,
    files: Vec<(String, String)>,
}

/// All that a node's configuration asks to run.
pub(super) fn daemons(config: &NodeConfig) -> Vec<Daemon> {
    let services = config.services.iter().map(|s| daemon(config, s));
    let clients = config.ports.iter().filter(|p| p.dhcp).map(dhcp_client);
    let form = config.router.iter().flat_map(|router| {
        let server = router.dhcp.as_ref().map(|dhcp| daemon(config, &ServiceConfig::Dhcp(dhcp.clone())));
        let names = router.dns.as_ref().map(|dns| {
            let service = ServiceConfig::Dns {
                listen: router::lan_of(config, router).map(|l| l.addr()),
                zones: vec![],
                records: dns.names.clone(),
                forward: dns.forward,
                roots: vec![],
                cache: true,
            };
            let mut daemon = daemon(config, &service);
            if dns.forward.is_none() {
                daemon.line += " --resolv /etc/resolv.conf";
            }
            daemon
        });
        server.into_iter().chain(names)
    });
    services.chain(form).chain(clients).collect()
}

/// The program that asks for the port's address. Wi-Fi comes second where there is a cable too.
pub(super) fn dhcp_client(port: &PortConfig) -> Daemon {
    let metric = if port.wifi.is_some() { "-e IF_METRIC=600 " } else { "" };
    Daemon { line: format!("dhclient -d {metric}{}", port.name), files: Vec::new() }
}

/// The file of a DHCP server and what it says.
fn dhcp_server(config: &NodeConfig, dhcp: &DhcpConfig) -> Option<(IfName, ServerConfig)> {
    let port = config.dhcp_port(dhcp)?;
    let own = port.address?;
    let forwards = config.router.as_ref().is_some_and(|r| r.dns.is_some() && r.lan == port.name);
    let resolvers = match (dhcp.resolvers.is_empty(), forwards) {
        (false, _) => dhcp.resolvers.clone(),
        (true, true) => vec![own.addr()],
        (true, false) => config.resolvers.clone(),
    };
    let server = ServerConfig {
        subnet: own.trunc(),
        range: (dhcp.first, dhcp.last),
        lease_secs: dhcp.lease_secs,
        router: Some(dhcp.gateway.unwrap_or(own.addr())),
        resolvers,
        hosts: dhcp.reservations.iter().map(|r| (r.mac, r.address)).collect(),
    };
    Some((port.name, server))
}

fn daemon(config: &NodeConfig, service: &ServiceConfig) -> Daemon {
    let mut files = Vec::new();
    let line = match service {
        ServiceConfig::Run { run } => run.clone(),
        ServiceConfig::Dns { .. } => {
            files.extend(dns::zone_file(service).map(|(path, zone)| (path, zone.to_string())));
            dns::command_line(service)
        }
        ServiceConfig::Dhcp(dhcp) => match dhcp_server(config, dhcp) {
            Some((port, server)) => {
                let path = format!("/etc/dhcp/dhcpd-{port}.conf");
                files.push((path.clone(), server.to_string()));
                format!("dhcpd -f -cf {path} {port}")
            }
            // check_node has refused it.
            None => ":".to_owned(),
        },
    };
    Daemon { line, files }
}

/// The text of /etc/resolv.conf that the configuration asks for.
pub(super) fn resolv_conf(config: &NodeConfig) -> String {
    config.resolvers.iter().map(|r| format!("nameserver {r}\n")).collect()
}

/// Where a DHCP client is told what to put in place of what it is given.
pub(super) const DHCLIENT_CONF: &str = "/etc/dhcp/dhclient.conf";

/// What it says there: resolvers that were set by hand stay; the address that a port had last is wished for.
pub(super) fn dhclient_conf(config: &NodeConfig) -> Option<String> {
    let asking = || config.ports.iter().filter(|p| p.dhcp);
    let mut text = String::new();
    if !config.resolvers.is_empty() && asking().next().is_some() {
        let all: Vec<String> = config.resolvers.iter().map(ToString::to_string).collect();
        text += &format!("supersede domain-name-servers {};\n", all.join(", "));
    }
    for (port, address) in asking().filter_map(|p| Some((p.name, p.leased?))) {
        text += &format!("interface \"{port}\" {{ send dhcp-requested-address {address}; }}\n");
    }
    (!text.is_empty()).then_some(text)
}

/// A device to be made for a port.
pub(super) struct PortPlan {
    pub(super) port: PortConfig,
    pub(super) mac: Mac,
    pub(super) is_bridge: bool,
}

/// The devices of a node: its ports, and the bridges that they only name.
pub(super) fn plan_ports(seed: u64, config: &NodeConfig) -> Vec<PortPlan> {
    let switch: IfName = "br0".parse().expect("a valid name");
    let mut ports = config.ports.clone();
    if config.kind == NodeKind::Switch {
        for port in &mut ports {
            port.bridge.get_or_insert(switch);
        }
    }
    // A bridge may be named as a port (with its address), or only by its members.
    let mut bridges: Vec<IfName> = Vec::new();
    for name in ports.iter().filter_map(|p| p.bridge) {
        if !bridges.contains(&name) {
            bridges.push(name);
        }
    }
    for name in &bridges {
        if !ports.iter().any(|p| p.name == *name) {
            ports.push(PortConfig::new(*name));
        }
    }
    let own = |p: &PortConfig| p.mac.unwrap_or_else(|| NodeConfig::made_mac(seed, &config.id, p.name));
    let plan = |port: &PortConfig| {
        let is_bridge = bridges.contains(&port.name);
        // A bridge without an address of its own has the lowest of its ports' (br_stp_recalculate_bridge_id).
        let members = ports.iter().filter(|p| p.bridge == Some(port.name)).map(own);
        let lowest = members.min().filter(|_| is_bridge && port.mac.is_none());
        PortPlan { port: port.clone(), mac: lowest.unwrap_or_else(|| own(port)), is_bridge }
    };
    ports.iter().map(plan).collect()
}

/// A link's settings for the World.
pub(super) fn spec(link: &LinkConfig) -> LinkSpec {
    LinkSpec {
        latency: Duration::from_micros(u64::from(link.latency_us)),
        loss_per_mille: link.loss_per_mille,
        up: !link.down,
    }
}

/// What can be said before anything is made.
pub(crate) fn check_node(config: &NodeConfig) -> Result<(), SessionError> {
    let bad = |text: String| Err(SessionError::Config(text));
    let id = &config.id;
    let good =
        !id.is_empty() && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !good {
        return bad(format!("id {id:?}: lower-case letters, digits and hyphens only"));
    }
    for (i, port) in config.ports.iter().enumerate() {
        if config.ports[..i].iter().any(|p| p.name == port.name) || port.name == *"lo" {
            return bad(format!("ports: the name {} is taken", port.name));
        }
        if port.dhcp && port.address.is_some() {
            return bad(format!("{}: it has an address, or it asks DHCP for one", port.name));
        }
        // Two nodes may have the same address: that is a lesson, not a mistake of form.
        let Some(address) = port.address else { continue };
        if config.ports[..i].iter().any(|p| p.address.is_some_and(|a| a.addr() == address.addr())) {
            return bad(format!("{}: the address {} is there twice", port.name, address.addr()));
        }
    }
    if let Some(gateway) = config.gateway {
        // fib_check_nh: a gateway is on a link of this machine, and somebody else.
        let mut own = config.ports.iter().filter_map(|p| p.address);
        if !own.clone().any(|a| a.contains(&gateway)) || own.any(|a| a.addr() == gateway) {
            return Err(Misfit::Gateway.into());
        }
    }
    for service in &config.services {
        dns::check(service).map_err(SessionError::Config)?;
        if let ServiceConfig::Dhcp(dhcp) = service {
            router::dhcp(config, dhcp)?;
        }
        if let ServiceConfig::Run { run } = service {
            let script =
                shell::parse(run).map_err(|e| SessionError::Config(format!("services: {run:?}: {e}")))?;
            if let Some(word) = program_of(&script).filter(|w| guest::info(w).is_none()) {
                let near = shell::nearest(&word, guest::catalogue().iter().map(|i| i.name));
                let near = near.map(|n| format!("; did you mean {n:?}?")).unwrap_or_default();
                return bad(format!("services: there is no program {word:?}{near}"));
            }
        }
    }
    match &config.router {
        Some(r) => router::check(config, r),
        None => Ok(()),
    }
}

pub(super) fn route(prefix: Ipv4Net, kind: RouteKind, via: Option<Ipv4Addr>) -> Route {
    Route { prefix, kind, via, dev: None, src: None, scope: Scope::Global, kernel: false, metric: 0 }
}

/// The program that a service's line begins with, `env A=B` passed over.
fn program_of(script: &Script) -> Option<String> {
    let command = script.items.first()?.1.commands.first()?;
    let mut words = command.words.iter().map(|w| match w.parts.as_slice() {
        [WordPart::Text(text)] => text.as_str(),
        _ => "",
    });
    words.find(|w| *w != "env" && !w.contains('=')).map(str::to_owned)
}
