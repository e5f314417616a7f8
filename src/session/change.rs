//! Changes of a running node or link: what is new is set, what is gone is taken away, and all
//! else (connections, containers, what was typed) stays as it is.

use super::run::ShellId;
use super::setup::{
    DHCLIENT_CONF, Daemon, STORM_LIMIT, check_node, daemons, dhclient_conf, dhcp_client, plan_ports,
    resolv_conf, route, spec,
};
use super::{LinkConfig, Misfit, NodeConfig, PortConfig, Session, SessionError, router, timeline};
use crate::docker::{DAEMON_JSON, DaemonConfig};
use crate::guest::{Signal, dhcp};
use crate::sim::LinkId;
use crate::stack::{ConfigError, DevRef, DeviceKind, RouteKind};
use crate::wire::{IfName, Ipv4Net};
use std::net::Ipv4Addr;

impl Session {
    /// Tries `f` on a copy first, so that the session is unchanged if it fails.
    ///
    /// # Errors
    /// Those of `f`.
    pub fn atomically<R, E>(&mut self, f: impl Fn(&mut Self) -> Result<R, E>) -> Result<R, E> {
        f(&mut timeline::muted_copy(self))?;
        f(self)
    }

    /// Sets latency, loss and state of the link between two ports.
    ///
    /// # Errors
    /// `NoNode`, no such link.
    pub fn set_link(&mut self, link: &LinkConfig) -> Result<(), SessionError> {
        let id = self.link_between(link)?;
        self.world.set_link(id, spec(link));
        self.pump();
        Ok(())
    }

    /// The link between the two ports that `link` names.
    pub(super) fn link_between(&self, link: &LinkConfig) -> Result<LinkId, SessionError> {
        let a = self.port(&link.a.0, link.a.1)?;
        let b = self.port(&link.b.0, link.b.1)?;
        let found = self.world.links().find(|(_, l)| (l.a, l.b) == (a, b) || (l.a, l.b) == (b, a));
        let none = || {
            let (a, b) = (&link.a, &link.b);
            SessionError::Config(format!("{} of {} and {} of {} are not cabled", a.1, a.0, b.1, b.0))
        };
        found.map(|(id, _)| id).ok_or_else(none)
    }

    /// Only the picture changes.
    ///
    /// # Errors
    /// `NoNode`.
    pub fn move_node(&mut self, id: &str, pos: (i32, i32)) -> Result<(), SessionError> {
        let index = self.node_index(id)?;
        self.nodes[index].config.pos = pos;
        Ok(())
    }

    /// Gives a node another id and another shown name. Its MAC addresses stay.
    ///
    /// # Errors
    /// `NoNode`, an id that is taken or cannot be.
    pub fn rename_node(&mut self, id: &str, to: &str, name: Option<&str>) -> Result<(), SessionError> {
        let index = self.node_index(id)?;
        if id != to && self.nodes.iter().any(|n| n.config.id == to) {
            return Err(Misfit::IdTaken(to.to_owned()).into());
        }
        let mut config = self.nodes[index].config.clone();
        config.rename(self.world.seed(), to, name);
        check_node(&config)?;
        if let Some(m) = self.world.machine_mut(self.nodes[index].machine) {
            to.clone_into(&mut m.hostname);
            let named = m.files.put("/etc/hostname", format!("{to}\n"));
            named.map_err(|e| SessionError::Config(format!("/etc/hostname: {e}")))?;
        }
        for job in &mut self.jobs {
            if let Some(rest) = job.place.strip_prefix(id).filter(|r| r.is_empty() || r.starts_with(':')) {
                job.place = format!("{to}{rest}");
            }
        }
        self.nodes[index].config = config;
        Ok(())
    }

    /// Gives a running node other settings: ports, addresses, gateway, resolvers, rules, services,
    /// router. Only what differs is touched. Half of it may be done where it fails; see
    /// [`Session::atomically`].
    ///
    /// # Errors
    /// `NoNode`; another kind; what [`Session::add_node`] refuses; other flags of the engine.
    pub fn set_node(&mut self, config: NodeConfig) -> Result<(), SessionError> {
        let index = self.node_index(&config.id)?;
        let old = self.nodes[index].config.clone();
        if config.kind != old.kind {
            return Err(SessionError::Config("a node's kind cannot change".into()));
        }
        self.set_files(index, &config)?;
        let said = |c: &NodeConfig| c.files.get(DAEMON_JSON).cloned();
        if config.daemon != old.daemon || said(&config) != said(&old) {
            // An engine takes its flags when it starts.
            self.restart_engine(&config.id, Some(&config.daemon))?;
        }
        check_node(&config)?;
        self.stop_asking(index, &config);
        self.set_ports(index, &config)?;
        self.set_routes(index, &old, &config)?;
        self.replace_rules(index, &config)?;
        let machine = self.nodes[index].machine;
        let asks = |c: &NodeConfig| c.ports.iter().any(|p| p.dhcp);
        if (config.resolvers != old.resolvers || asks(&config) != asks(&old))
            && let Some(m) = self.world.machine_mut(machine)
        {
            // What was leased stays until the next lease, if no resolvers are given by hand.
            let leased = asks(&old) && asks(&config) && config.resolvers.is_empty();
            let files = [
                ("/etc/resolv.conf", (!leased).then(|| resolv_conf(&config))),
                (DHCLIENT_CONF, dhclient_conf(&config)),
            ];
            m.files.remove(DHCLIENT_CONF);
            for (path, text) in files.into_iter().filter_map(|(p, t)| Some((p, t?))) {
                m.files.put(path, text).map_err(|e| SessionError::Config(format!("{path}: {e}")))?;
            }
        }
        self.nodes[index].config = config;
        self.refresh_daemons(index);
        self.pump();
        Ok(())
    }

    /// Ports that asked DHCP and no longer do give up what they were leased.
    fn stop_asking(&mut self, index: usize, config: &NodeConfig) {
        let asked = self.nodes[index].config.ports.clone().into_iter().filter(|p| p.dhcp);
        let stops = |p: &PortConfig| !config.port(p.name).is_some_and(|n| n.dhcp);
        for port in asked.filter(stops) {
            let client = dhcp_client(&port);
            let running = self.nodes[index].daemons.iter().position(|(d, _)| *d == client);
            if let Some(at) = running {
                let (_, shell) = self.nodes[index].daemons.remove(at);
                self.end_daemon(shell);
            }
            let name = port.name.as_str();
            let (ns, machine) = (self.nodes[index].ns, self.nodes[index].machine);
            let Some(m) = self.world.machine_mut(machine) else { continue };
            let lease = dhcp::client_lease(&m.files, name);
            m.files.remove(&dhcp::client_leases(name));
            let Some(lease) = lease else { continue };
            self.world.with(ns, |n, cx| {
                let Some(dev) = n.device_named(name).map(|d| d.index) else { return };
                if let Some(via) = lease.router {
                    n.remove_route(Ipv4Net::default(), Some(via), Some(dev), cx).ok();
                }
                n.remove_addr(dev, lease.address, cx).ok();
            });
        }
    }

    /// Restarts the Docker engine of a node, with other flags if there are any. What
    /// `/etc/docker/daemon.json` on the node says counts too.
    ///
    /// # Errors
    /// `NoNode`, no engine there, settings that dockerd refuses: nothing has changed then.
    pub fn restart_engine(&mut self, node: &str, flags: Option<&str>) -> Result<(), SessionError> {
        let index = self.node_index(node)?;
        let file = self.world.machine(self.nodes[index].machine).and_then(|m| m.files.text(DAEMON_JSON));
        let flags = flags.unwrap_or(&self.nodes[index].config.daemon).to_owned();
        let config = DaemonConfig::from_flags_and_file(&flags, file)
            .map_err(|problem| SessionError::Config(format!("daemon: {problem}")))?;
        let Some(engine) = self.nodes[index].engine.as_mut() else {
            return Err(SessionError::Config(format!("there is no Docker engine on {node:?}")));
        };
        engine.restart(&mut self.world, config);
        self.nodes[index].config.daemon = flags;
        self.pump();
        Ok(())
    }

    /// Files that the lab gives the node: new ones, others, and those that it gives no more.
    fn set_files(&mut self, index: usize, config: &NodeConfig) -> Result<(), SessionError> {
        let old = std::mem::take(&mut self.nodes[index].config.files);
        let Some(m) = self.world.machine_mut(self.nodes[index].machine) else { return Ok(()) };
        for path in old.keys().filter(|p| !config.files.contains_key(*p)) {
            m.files.remove(path);
        }
        for (path, text) in config.files.iter().filter(|(p, t)| old.get(*p) != Some(*t)) {
            m.files.put(path, text.clone()).map_err(|e| SessionError::Config(format!("{path}: {e}")))?;
        }
        self.nodes[index].config.files.clone_from(&config.files);
        Ok(())
    }

    /// The address that a port of a node holds by DHCP.
    pub fn leased(&self, node: &str, port: IfName) -> Option<Ipv4Addr> {
        let machine = self.world.machine(self.node(node).ok()?.machine)?;
        dhcp::client_lease(&machine.files, port.as_str()).map(|lease| lease.address.addr())
    }

    /// Ports that are new, gone, or of another address, bridge or MAC address.
    fn set_ports(&mut self, index: usize, config: &NodeConfig) -> Result<(), SessionError> {
        let seed = self.world.seed();
        let ns = self.nodes[index].ns;
        let (old, new) = (plan_ports(seed, &self.nodes[index].config), plan_ports(seed, config));
        let dev = |s: &Self, name: IfName| {
            s.world.namespace(ns).and_then(|n| n.device_named(name.as_str())).map(|d| d.index)
        };
        for plan in &old {
            if new.iter().any(|p| p.port.name == plan.port.name && p.is_bridge == plan.is_bridge) {
                continue;
            }
            if let Some(dev) = dev(self, plan.port.name) {
                let gone = self.world.delete_device(DevRef { ns, dev });
                gone.map_err(|e| SessionError::Config(format!("{}: {e}", plan.port.name)))?;
            }
        }
        let done = self.world.with(ns, |n, cx| -> Result<(), ConfigError> {
            let find = |n: &crate::stack::NetNs, name: IfName| n.device_named(name.as_str()).map(|d| d.index);
            let mut added = Vec::new();
            for plan in &new {
                if find(n, plan.port.name).is_none() {
                    let kind = if plan.is_bridge {
                        DeviceKind::Bridge(Box::default())
                    } else {
                        DeviceKind::Ethernet
                    };
                    let dev = n.add_device(plan.port.name, plan.mac, kind, cx)?;
                    n.set_storm_limit(dev, Some(STORM_LIMIT));
                    n.set_up(dev, true, cx)?;
                    added.push(plan.port.name);
                }
            }
            for plan in &new {
                let was = old.iter().find(|p| p.port.name == plan.port.name);
                let was = was.filter(|_| !added.contains(&plan.port.name));
                let Some(dev) = find(n, plan.port.name) else { continue };
                let master = |n: &_, p: Option<IfName>| p.and_then(|b| find(n, b));
                if was.map(|w| w.port.bridge) != Some(plan.port.bridge) {
                    n.set_master(dev, master(n, plan.port.bridge), cx)?;
                }
                if was.is_some_and(|w| w.mac != plan.mac) {
                    n.set_mac(dev, plan.mac, cx)?;
                }
                let before = was.and_then(|w| w.port.address);
                if before == plan.port.address {
                    continue;
                }
                let at = master(n, plan.port.bridge).unwrap_or(dev);
                if let Some(address) = before {
                    // It may have been taken away by hand.
                    n.remove_addr(at, address, cx).ok();
                }
                if let Some(address) = plan.port.address {
                    match n.add_addr(at, address, cx) {
                        Ok(()) | Err(ConfigError::Exists) => {}
                        Err(e) => return Err(e),
                    }
                }
            }
            Ok(())
        });
        done.unwrap_or(Ok(())).map_err(|e| SessionError::Config(format!("ports: {e}")))
    }

    /// Gateway, unreachable prefixes, forwarding, and the node's own rules.
    fn set_routes(&mut self, index: usize, old: &NodeConfig, new: &NodeConfig) -> Result<(), SessionError> {
        let ports = |config: &NodeConfig| -> Vec<PortConfig> {
            config.ports.iter().map(|p| PortConfig { leased: None, ..p.clone() }).collect()
        };
        let moved = ports(old) != ports(new) || old.gateway != new.gateway;
        let done = self.world.with(self.nodes[index].ns, |n, cx| {
            let field = |name: &str, e: ConfigError| SessionError::Config(format!("{name}: {e}"));
            let everywhere = Ipv4Net::default();
            if moved && let Some(via) = old.gateway {
                n.remove_route(everywhere, Some(via), None, cx).ok();
            }
            if moved && let Some(via) = new.gateway {
                match n.add_route(route(everywhere, RouteKind::Unicast, Some(via)), cx) {
                    Ok(()) | Err(ConfigError::Exists) => {}
                    Err(e) => return Err(field("gateway", e)),
                }
            }
            for prefix in old.unreachable.iter().filter(|p| !new.unreachable.contains(p)) {
                n.remove_route(*prefix, None, None, cx).ok();
            }
            for prefix in new.unreachable.iter().filter(|p| !old.unreachable.contains(p)) {
                let unreachable = route(prefix.trunc(), RouteKind::Unreachable, None);
                n.add_route(unreachable, cx).map_err(|e| field("unreachable", e))?;
            }
            let forwards = |c: &NodeConfig| c.forward || c.router.is_some();
            if forwards(old) != forwards(new) {
                n.sysctl.ip_forward = forwards(new);
            }
            for rule in old.rules.iter().filter(|r| !new.rules.contains(r)).filter_map(|r| router::undo(r)) {
                router::iptables(n, cx, &rule).ok();
            }
            for rule in new.rules.iter().filter(|r| !old.rules.contains(r)) {
                let done = router::iptables(n, cx, rule);
                done.map_err(|e| SessionError::Config(format!("rules: {rule}: {e}")))?;
            }
            Ok(())
        });
        done.unwrap_or(Ok(()))
    }

    /// Ends the programs that the configuration no longer asks for and starts those that are new.
    pub(super) fn refresh_daemons(&mut self, index: usize) {
        let wanted = daemons(&self.nodes[index].config);
        let mut running = std::mem::take(&mut self.nodes[index].daemons);
        let gone: Vec<(Daemon, ShellId)> =
            running.extract_if(.., |(daemon, _)| !wanted.contains(daemon)).collect();
        for (_, shell) in gone {
            self.end_daemon(shell);
        }
        for daemon in wanted {
            if !running.iter().any(|(d, _)| *d == daemon)
                && let Some(shell) = self.start_daemon(index, &daemon)
            {
                running.push((daemon, shell));
            }
        }
        self.nodes[index].daemons = running;
    }

    /// Kills what a background shell runs, and the shell.
    fn end_daemon(&mut self, id: ShellId) {
        let (shells, pids) = self.within(vec![id]);
        for id in shells {
            if let Some(shell) = self.shells.get_mut(&id) {
                shell.frames.clear();
            }
        }
        for pid in pids {
            self.world.signal(pid, Signal::Kill);
        }
        self.pump();
    }
}
