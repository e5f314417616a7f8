//! A container's end in a network: address, veth pair, rules; which network is its way out; its
//! published ports.

use super::driver::{Driver, GATEWAY, WayOut};
use super::engine::{Attachment, EndpointInfo, Engine, Holder, Published};
use super::interface;
use super::ipam::IpamError;
use super::names;
use super::noted::Noted;
use super::options::GatewayMode;
use super::ports::{Wanted, in_order};
use super::rules;
use super::{PortBinding, PortSpec};
use crate::guest;
use crate::sim::World;
use crate::stack::{DevRef, Errno, NsId, Route, RouteKind, Scope, SocketId, SocketKind, SocketOption};
use crate::wire::{Endpoint, IfIndex, IfName, Ipv4Net, Protocol};
use std::net::{IpAddr, Ipv4Addr};

/// How often another port of a range is tried when one is taken by a program of the host.
const ATTEMPTS: usize = 10;
/// Of so many networks that a container has left is the address remembered that it had there.
const MOST_LEFT: usize = 16;

/// What an interface in a container is called.
#[derive(Debug, Clone, Copy)]
pub(super) enum Called<'a> {
    /// This, and the lowest number that is free.
    With(&'a str),
    /// This.
    Exactly(&'a str),
}

impl Engine {
    /// Joins container `i` to the network of `attachment`. On failure nothing has changed.
    pub(super) fn attach(
        &mut self,
        world: &mut World,
        i: usize,
        attachment: &Attachment,
    ) -> Result<(), String> {
        let wanted = attachment.network_id.as_deref().unwrap_or(&attachment.spec.network);
        let wanted = wanted.to_owned();
        self.find_in_swarm(world, i, &wanted)?;
        let n = self.find_network(&wanted).map_err(|e| e.message)?;
        let net = self.networks[n].clone();
        let Some(subnet) = net.subnet else {
            if net.driver == "host" {
                return Err(super::membership::NOT_HOST.into());
            }
            return Err(format!("network {} cannot be joined", net.name));
        };
        attachment.spec.link_local_addrs()?;
        let wish = attachment.spec.ip.as_deref().and_then(|ip| ip.parse().ok());
        let ns = self.container_ns(world, i);
        if net.driver == "overlay" {
            let id = self.new_id(world, "endpoint");
            let endpoint = self.attach_overlay(world, i, &net, (wish, attachment.spec.mac), id)?;
            self.containers[i].endpoints.push(endpoint);
            let ifname = self.containers[i].endpoints.last().map(|e| e.ifnames.0.clone()).unwrap_or_default();
            return self.settle_interface(world, ns, &ifname, &attachment.spec).inspect_err(|_| {
                let last = self.containers[i].endpoints.len() - 1;
                self.detach(world, i, last);
            });
        }
        let addr = self.ipam.address(subnet, net.range, wish).map_err(|e| match e {
            IpamError::NoAddress => format!(
                "no available IPv4 addresses on this network's address pools: {} ({})",
                net.name, net.id
            ),
            e => e.to_string(),
        })?;
        let cidr = Ipv4Net::new(addr, subnet.prefix_len()).expect("the subnet's own length");
        let id = self.new_id(world, "endpoint");
        let mut rng = self.rng(world, "mac");
        let mac = attachment.spec.mac.unwrap_or_else(|| names::mac(&mut rng));
        if mac.is_group() || mac == crate::wire::Mac::ZERO {
            // is_valid_ether_addr, when the interface in the container gets its address
            self.ipam.release_address(subnet, addr);
            let veth = names::veth(&mut self.rng(world, "veth"));
            return Err(format!(
                "failed to add interface {veth} to sandbox: error setting interface \"{veth}\" MAC to \"{mac}\": \
                 cannot assign requested address"
            ));
        }
        if let Some(name) = attachment.spec.ifname()
            && let Some(why) = interface::name_refused(world, ns, name)
        {
            self.ipam.release_address(subnet, addr);
            let veth = names::veth(&mut self.rng(world, "veth"));
            return Err(format!(
                "failed to add interface {veth} to sandbox: error renaming interface \"{veth}\" to {name:?}: {why}"
            ));
        }
        let (bridge, net_rules) = match (&net.driver_state, net.bridge.as_deref(), &net.rules) {
            (Driver::Parent(parent), _, _) => {
                let asked = &attachment.spec;
                let (ifname, mac) = self
                    .plug_on_parent(world, ns, parent, (mac, cidr), asked.ifname())
                    .inspect_err(|_| {
                        self.ipam.release_address(subnet, addr);
                    })?;
                self.settle_interface(world, ns, &ifname, asked).inspect_err(|_| {
                    remove_device(world, ns, &ifname);
                    self.ipam.release_address(subnet, addr);
                })?;
                self.containers[i].endpoints.push(EndpointInfo {
                    network: net.name.clone(),
                    addr: cidr,
                    gateway: net.gateway,
                    mac,
                    ifnames: (ifname, String::new()),
                    id,
                    network_id: net.id.clone(),
                    rules: Vec::new(),
                });
                return Ok(());
            }
            (_, Some(bridge), Some(net_rules)) => (bridge, net_rules),
            _ => {
                self.ipam.release_address(subnet, addr);
                return Err(format!("network {} cannot be joined", net.name));
            }
        };
        let prefix = net.options.as_ref().map_or("eth", |o| o.prefix.as_str());
        let called = attachment.spec.ifname().map_or(Called::With(prefix), Called::Exactly);
        let ifnames = match self.plug(world, ns, bridge, (mac, cidr), (net.mtu, called)) {
            Ok(names) => names,
            Err(e) => {
                self.ipam.release_address(subnet, addr);
                return Err(e);
            }
        };
        let host = self.host_ns(world);
        if let Err(e) = self.settle_interface(world, ns, &ifnames.0, &attachment.spec) {
            remove_device(world, host, &ifnames.1);
            self.ipam.release_address(subnet, addr);
            return Err(format!(
                "failed to add interface {} to sandbox: {e}",
                names::veth(&mut self.rng(world, "veth"))
            ));
        }
        let own_rules = net_rules.endpoint(addr);
        if let Err(e) = rules::apply(world, host, &own_rules) {
            remove_device(world, host, &ifnames.1);
            self.ipam.release_address(subnet, addr);
            return Err(format!(
                "failed to create endpoint {} on network {}: {e}",
                self.containers[i].name, net.name
            ));
        }
        let container = self.containers[i].name.clone();
        let ends = (ifnames.1.clone(), ifnames.0.clone());
        self.note(Noted::Cable { container, ns, ends, bridge: bridge.to_owned(), added: true });
        self.containers[i].endpoints.push(EndpointInfo {
            network: net.name.clone(),
            addr: cidr,
            gateway: net.gateway,
            mac,
            ifnames,
            id,
            network_id: net.id.clone(),
            rules: own_rules,
        });
        Ok(())
    }

    /// A veth pair from `bridge` into `ns`, both ends up, the inner one with its address, which it
    /// announces (RFC 5227) as Engine 28 does. Returns the names inside and outside.
    pub(super) fn plug(
        &mut self,
        world: &mut World,
        ns: NsId,
        bridge: &str,
        (mac, addr): (crate::wire::Mac, Ipv4Net),
        (mtu, called): (u16, Called<'_>),
    ) -> Result<(String, String), String> {
        let host = self.host_ns(world);
        let mut rng = self.rng(world, "veth");
        let inside = match called {
            Called::With(prefix) => free_name(world, ns, prefix),
            Called::Exactly(name) => name.to_owned(),
        };
        let outside = loop {
            let name = names::veth(&mut rng);
            if world.namespace(host).is_none_or(|h| h.device_named(&name).is_none()) {
                break name;
            }
        };
        let named = |name: &str| name.parse::<IfName>();
        let ends = ((host, named(&outside)?, names::mac(&mut rng)), (ns, named(&inside)?, mac));
        // The way out of an overlay is made on the host and moved: it keeps the host's numbers.
        let made = match bridge == GATEWAY {
            true => world.add_veth_from(host, ends.0, ends.1),
            false => world.add_veth(ends.0, ends.1),
        };
        let (out_dev, in_dev) = made.map_err(|e| e.to_string())?;
        let bridge_dev = world.namespace(host).and_then(|h| h.device_named(bridge)).map(|d| d.index);
        let Some(bridge_dev) = bridge_dev else {
            remove_device(world, host, &outside);
            return Err(format!(
                "adding interface {outside} to bridge {bridge} failed: could not find bridge {bridge}"
            ));
        };
        let hairpin = !self.config.userland_proxy;
        let host_side = world.with(host, |h, cx| {
            h.set_mtu(out_dev, u32::from(mtu), cx)?;
            h.set_queue_len(out_dev, 0);
            // Without the proxy a container reaches its own published ports through its own veth.
            h.set_hairpin(out_dev, hairpin);
            h.set_master(out_dev, Some(bridge_dev), cx)?;
            h.set_up(out_dev, true, cx)
        });
        let container_side = world.with(ns, |c, cx| {
            c.set_mtu(in_dev, u32::from(mtu), cx)?;
            c.set_queue_len(in_dev, 0);
            c.add_addr(in_dev, addr, cx)?;
            c.set_broadcast(in_dev, addr.addr());
            c.set_up(in_dev, true, cx)
        });
        for side in [host_side, container_side] {
            if let Some(Err(e)) = side {
                let e: crate::stack::ConfigError = e;
                remove_device(world, host, &outside);
                return Err(format!(
                    "adding interface {outside} to bridge {bridge} failed: {}",
                    e.to_string().to_lowercase()
                ));
            }
        }
        // Only now have both ends carrier.
        world.with(ns, |c, cx| c.announce(in_dev, cx));
        Ok((inside, outside))
    }

    /// Takes container `i` out of the network of its endpoint `e`.
    pub(super) fn detach(&mut self, world: &mut World, i: usize, e: usize) {
        let host = self.host_ns(world);
        let endpoint = self.containers[i].endpoints[e].clone();
        if self.containers[i].inner.gateway_network.as_deref() == Some(&endpoint.network_id) {
            self.unpublish(world, i);
            self.containers[i].inner.gateway_network = None;
        }
        self.note_names(i, &endpoint.network_id, false);
        let bridge = self.network_by_id(&endpoint.network_id).and_then(|n| n.bridge.clone());
        self.note(Noted::Cable {
            container: self.containers[i].name.clone(),
            ns: self.container_ns(world, i),
            ends: (endpoint.ifnames.1.clone(), endpoint.ifnames.0.clone()),
            bridge: bridge.unwrap_or_default(),
            added: false,
        });
        rules::undo(world, host, &endpoint.rules);
        match endpoint.ifnames.1.as_str() {
            // it stands on an interface of the host
            "" => {
                let ns = self.container_ns(world, i);
                remove_device(world, ns, &endpoint.ifnames.0);
            }
            outside => remove_device(world, host, outside),
        }
        if let Some(subnet) = self.network_by_id(&endpoint.network_id).and_then(|n| n.subnet) {
            self.ipam.release_address(subnet, endpoint.addr.addr());
        }
        if self.network_by_id(&endpoint.network_id).is_some_and(|n| n.driver == "overlay") {
            self.left_overlay(world, i, &endpoint);
        }
        let container = &mut self.containers[i];
        container.endpoints.remove(e);
        container.inner.left.retain(|(network, ..)| *network != endpoint.network_id);
        container.inner.left.push((endpoint.network_id, endpoint.addr.addr(), world.log.next_seq()));
        // Networks come and go; the oldest are forgotten.
        if container.inner.left.len() > MOST_LEFT {
            container.inner.left.remove(0);
        }
    }

    /// Chooses the network that is container `i`'s way out, and moves default route and published
    /// ports there if it is another than before. The choice: highest gw-priority, then the first
    /// name in the alphabet; never an internal network (libnetwork, Endpoint.Less).
    pub(super) fn choose_gateway(&mut self, world: &mut World, i: usize) -> Result<(), String> {
        let container = &self.containers[i];
        let best = container
            .endpoints
            .iter()
            .filter(|e| {
                let net = self.network_by_id(&e.network_id);
                net.is_some_and(|n| n.way_out(e.gateway) != WayOut::No)
            })
            .min_by_key(|e| self.endpoint_order(i, e))
            .cloned();
        self.balance_gateway(world, i, best.is_some())?;
        let best = best.or_else(|| self.containers[i].inner.gateway.clone());
        let chosen = best.as_ref().map(|e| e.network_id.clone());
        if chosen == self.containers[i].inner.gateway_network {
            return Ok(());
        }
        self.unpublish(world, i);
        let ns = self.container_ns(world, i);
        self.containers[i].inner.gateway_network = chosen;
        world.with(ns, |c, cx| {
            // No default route there is the normal case.
            let _ = c.remove_route(Ipv4Net::default(), None, None, cx);
        });
        let Some(endpoint) = best else { return Ok(()) };
        let dev = device(world, ns, &endpoint.ifnames.0);
        let straight = self
            .network_by_id(&endpoint.network_id)
            .is_some_and(|n| n.way_out(endpoint.gateway) == WayOut::Device);
        let route = Route {
            prefix: Ipv4Net::default(),
            kind: RouteKind::Unicast,
            via: endpoint.gateway.filter(|_| !straight),
            dev,
            src: None,
            scope: if straight { Scope::Link } else { Scope::Global },
            kernel: false,
            metric: 0,
        };
        if let Some(Err(e)) = world.with(ns, |c, cx| c.add_route(route, cx)) {
            return Err(format!("failed to set gateway: {e}"));
        }
        self.publish(world, i, &endpoint).map_err(|e| {
            format!(
                "driver failed programming external connectivity on endpoint {} ({}): {e}",
                self.containers[i].name, endpoint.id
            )
        })
    }

    /// Which endpoint of container `i` comes first (libnetwork, Endpoint.Less): highest
    /// gw-priority, internal networks last, then by name.
    pub(super) fn endpoint_order(
        &self,
        i: usize,
        e: &EndpointInfo,
    ) -> (std::cmp::Reverse<i64>, bool, String) {
        let id = Some(e.network_id.as_str());
        let found = self.containers[i].inner.attachments.iter().find(|a| a.network_id.as_deref() == id);
        let internal = self.network_by_id(&e.network_id).is_some_and(super::Network::internal);
        (std::cmp::Reverse(found.map_or(0, |a| a.spec.gw_priority)), internal, e.network.clone())
    }

    /// The namespace of container `i`.
    pub(super) fn container_ns(&self, world: &World, i: usize) -> NsId {
        world.machine(self.containers[i].machine).map_or(NsId(u32::MAX), |m| m.ns)
    }

    // ---- published ports

    fn publish(&mut self, world: &mut World, i: usize, endpoint: &EndpointInfo) -> Result<(), String> {
        let net = self.network_by_id(&endpoint.network_id);
        let Some(net_rules) = net.and_then(|n| n.rules.clone()) else { return Ok(()) };
        let host_binding = net.and_then(|n| n.options.as_ref()?.host_binding);
        let mut specs = self.containers[i].inner.spec.publish.clone();
        if self.containers[i].inner.spec.publish_all {
            // What is published by hand is not published a second time.
            let by_hand = |port: u16, proto: Protocol| {
                let mut all = self.containers[i].inner.spec.publish.iter();
                all.any(|p| p.proto == proto && (p.container.0..=p.container.1).contains(&port))
            };
            let mut exposed = self.exposed(i);
            exposed.retain(|&(port, proto)| !by_hand(port, proto));
            specs.extend(exposed.into_iter().map(|(port, proto)| PortSpec {
                host_ip: None,
                host: None,
                container: (port, port),
                proto,
            }));
        }
        for mut wanted in in_order(&specs) {
            wanted.host_ip = wanted.host_ip.or(host_binding);
            let written = self.containers[i].inner.published.iter();
            let known: Vec<rules::Rule> = written.flat_map(|p| p.rules.iter().cloned()).collect();
            match self.bind(world, wanted, &net_rules, (endpoint.addr.addr(), &known)) {
                Ok(mut bound) => self.containers[i].inner.published.append(&mut bound),
                Err(e) => {
                    self.unpublish(world, i);
                    return Err(e);
                }
            }
        }
        self.forget_flows(world, i, endpoint.addr.addr(), true);
        self.start_proxies(world, i, endpoint.addr.addr());
        let container = &mut self.containers[i];
        container.ports = container.inner.published.iter().map(|p| p.binding.clone()).collect();
        for binding in container.ports.clone() {
            self.note(Noted::Port { binding, addr: endpoint.addr.addr(), added: true });
        }
        Ok(())
    }

    /// The container's exposed ports: the image's, `--expose`, and the published ones.
    pub(super) fn exposed(&self, i: usize) -> Vec<(u16, Protocol)> {
        let spec = &self.containers[i].inner.spec;
        let mut all: Vec<(u16, Protocol)> = self.containers[i].inner.base.expose.to_vec();
        all.extend(&spec.expose);
        all.extend(spec.publish.iter().flat_map(|p| {
            let (first, last) = p.container;
            (first..=last).map(|port| (port, p.proto))
        }));
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Takes a host port, checks that no program of the host has it, and writes its rules.
    fn bind(
        &mut self,
        world: &mut World,
        wanted: Wanted,
        net_rules: &rules::NetRules,
        (addr, known): (Ipv4Addr, &[rules::Rule]),
    ) -> Result<Vec<Published>, String> {
        let host = self.host_ns(world);
        let mut ips = wanted.addresses();
        // Where nothing is translated the host's IPv4 ports stay free.
        let routed = net_rules.mode == GatewayMode::Routed;
        let mut direct = Vec::new();
        if routed && let Some(first) = ips.first().copied().filter(IpAddr::is_ipv4) {
            ips.remove(0);
            let binding =
                PortBinding { host_ip: first, host_port: 0, port: wanted.port, proto: wanted.proto };
            let own = net_rules.port(Ipv4Addr::UNSPECIFIED, 0, addr, wanted.port, wanted.proto);
            rules::apply(world, host, &own).map_err(|e| format!("Unable to open port: {e}"))?;
            direct.push(Published { binding, rules: own, holder: None });
            if ips.is_empty() {
                return Ok(direct);
            }
        }
        let exact = wanted.host.0 != 0 && wanted.host.0 == wanted.host.1;
        let mut failure = String::new();
        for _ in 0..if exact { 1 } else { ATTEMPTS } {
            let port = self.ports.take(&ips, wanted.proto, wanted.host).map_err(|e| e.to_string())?;
            let mut bound: Vec<Published> = Vec::new();
            for &host_ip in &ips {
                let binding =
                    PortBinding { host_ip, host_port: port, port: wanted.port, proto: wanted.proto };
                match self.bind_one(world, host, &binding, net_rules, (addr, known)) {
                    Ok(published) => bound.push(published),
                    Err(e) => {
                        failure = e;
                        break;
                    }
                }
            }
            if bound.len() == ips.len() {
                direct.append(&mut bound);
                return Ok(direct);
            }
            for p in bound {
                release(world, host, &p);
            }
            for &ip in &ips {
                self.ports.release(ip, wanted.proto, port);
            }
        }
        Err(failure)
    }

    fn bind_one(
        &self,
        world: &mut World,
        host: NsId,
        binding: &PortBinding,
        net_rules: &rules::NetRules,
        (addr, known): (Ipv4Addr, &[rules::Rule]),
    ) -> Result<Published, String> {
        let IpAddr::V4(host_ip) = binding.host_ip else {
            return Ok(Published { binding: binding.clone(), rules: Vec::new(), holder: None });
        };
        let at = Endpoint::new(host_ip, binding.host_port);
        // Without a proxy the socket only keeps the port taken: nothing is ever accepted.
        let backlog = if self.config.userland_proxy { 4096 } else { 0 };
        let socket = hold(world, host, at, binding.proto, backlog).map_err(|e| {
            format!(
                "failed to bind host port for {at}:{addr}:{}/{}: {}",
                binding.port,
                binding.proto,
                e.to_string().to_lowercase()
            )
        })?;
        let mut own = net_rules.port(host_ip, binding.host_port, addr, binding.port, binding.proto);
        // A rule that is there already is not written twice (two host ports for one container port).
        own.retain(|rule| !known.contains(rule));
        if let Err(e) = rules::apply(world, host, &own) {
            close(world, host, socket);
            return Err(format!("Unable to enable DNAT rule: {e}"));
        }
        Ok(Published { binding: binding.clone(), rules: own, holder: Some(Holder::Socket(socket)) })
    }

    /// Hands the bound ports over to proxies, one process each, where there is a proxy.
    fn start_proxies(&mut self, world: &mut World, i: usize, addr: Ipv4Addr) {
        if !self.config.userland_proxy {
            return;
        }
        let host = self.host_ns(world);
        for p in 0..self.containers[i].inner.published.len() {
            let Published { binding, holder, .. } = self.containers[i].inner.published[p].clone();
            let (Some(Holder::Socket(socket)), IpAddr::V4(host_ip)) = (holder, binding.host_ip) else {
                continue;
            };
            close(world, host, socket);
            let argv = [
                "docker-proxy".to_owned(),
                "-proto".to_owned(),
                binding.proto.to_string(),
                "-host-ip".to_owned(),
                host_ip.to_string(),
                "-host-port".to_owned(),
                binding.host_port.to_string(),
                "-container-ip".to_owned(),
                addr.to_string(),
                "-container-port".to_owned(),
                binding.port.to_string(),
            ];
            let holder = guest::start(&argv)
                .ok()
                .map(|prog| Holder::Proxy(world.spawn(self.host, prog, false, false)));
            self.containers[i].inner.published[p].holder = holder;
        }
    }

    /// Connection tracking would send flows on to where they went before: what it knows of the container's
    /// address (and, when ports were just published, of their UDP flows) is deleted (bridge_linux.go,
    /// clearConntrackEntries).
    fn forget_flows(&self, world: &mut World, i: usize, addr: Ipv4Addr, udp: bool) {
        let published = self.containers[i].inner.published.iter();
        let ports: Vec<u16> = published
            .filter(|p| udp && p.binding.proto == Protocol::Udp && p.binding.host_ip.is_ipv4())
            .map(|p| p.binding.host_port)
            .collect();
        world.with(self.host_ns(world), |ns, cx| {
            ns.forget_flows(
                |e| {
                    let (flow, reply) = (e.original, e.reply);
                    reply.src.addr == addr
                        || reply.dst.addr == addr
                        || (flow.proto == Protocol::Udp && ports.contains(&flow.dst.port))
                },
                cx,
            );
        });
    }

    /// Closes all published ports of container `i`.
    pub(super) fn unpublish(&mut self, world: &mut World, i: usize) {
        let host = self.host_ns(world);
        for p in std::mem::take(&mut self.containers[i].inner.published) {
            release(world, host, &p);
            self.ports.release(p.binding.host_ip, p.binding.proto, p.binding.host_port);
        }
        let addr = self.containers[i]
            .endpoints
            .iter()
            .find(|e| Some(&e.network_id) == self.containers[i].inner.gateway_network.as_ref());
        let addr = addr.map_or(Ipv4Addr::UNSPECIFIED, |e| e.addr.addr());
        if !addr.is_unspecified() {
            self.forget_flows(world, i, addr, false);
        }
        for binding in std::mem::take(&mut self.containers[i].ports) {
            self.note(Noted::Port { binding, addr, added: false });
        }
    }
}

fn release(world: &mut World, host: NsId, p: &Published) {
    match p.holder {
        Some(Holder::Proxy(pid)) => world.signal(pid, guest::Signal::Kill),
        Some(Holder::Socket(socket)) => close(world, host, socket),
        None => {}
    }
    rules::undo(world, host, &p.rules);
}

/// Binds `at` for real, so that the host's own programs and addresses have their say.
pub(super) fn hold(
    world: &mut World,
    ns: NsId,
    at: Endpoint,
    proto: Protocol,
    backlog: usize,
) -> Result<SocketId, Errno> {
    let kind = if proto == Protocol::Udp { SocketKind::Udp } else { SocketKind::Tcp };
    let bound = world.with(ns, |ns, cx| {
        let socket = ns.socket(None, kind);
        // With SO_REUSEADDR, for UDP too (bridge/port_mapping_linux.go): a program of the host that has
        // it as well is no obstacle.
        let _ = ns.set_option(socket, SocketOption::ReuseAddr(true));
        let done = match ns.bind(socket, at) {
            Ok(()) if kind == SocketKind::Tcp => ns.listen(socket, backlog, cx),
            other => other,
        };
        match done {
            Ok(()) => Ok(socket),
            Err(e) => {
                ns.close(socket, cx);
                Err(e)
            }
        }
    });
    bound.unwrap_or(Err(Errno::NetUnreach))
}

pub(super) fn close(world: &mut World, ns: NsId, socket: SocketId) {
    world.with(ns, |ns, cx| ns.close(socket, cx));
}

/// The lowest free name.
pub(super) fn free_name(world: &World, ns: NsId, prefix: &str) -> String {
    (0..)
        .map(|n| format!("{prefix}{n}"))
        .find(|name| world.namespace(ns).is_none_or(|c| c.device_named(name).is_none()))
        .expect("there are more names than devices")
}

pub(super) fn device(world: &World, ns: NsId, name: &str) -> Option<IfIndex> {
    world.namespace(ns).and_then(|n| n.device_named(name)).map(|d| d.index)
}

/// Deletes a device, if it is there (somebody may have been faster: `ip link del`).
pub(super) fn remove_device(world: &mut World, ns: NsId, name: &str) {
    if let Some(dev) = device(world, ns, name) {
        let _ = world.delete_device(DevRef { ns, dev });
    }
}
