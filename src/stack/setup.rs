//! How a namespace is set up: devices, addresses, routes, rules; what `ip link`, `ip addr`,
//! `ip route` and an engine do. Each change notes a `Step::Config`.

use super::ipv4::{LocalAddr, PacketLog};
use super::{
    Among, Beyond, BridgeState, ConfigChange, ConfigError, Cx, DevRef, Device, DeviceKind, NetNs, Output,
    Pid, Route, RouteKind, Scope, SocketId, Step,
};
use crate::netfilter::NfError;
use crate::wire::{IfIndex, IfName, Ipv4Net, Mac};
use std::net::Ipv4Addr;

/// The MTU of a new device that is not `lo`.
const ETHERNET_MTU: u32 = 1500;

/// Devices that the World must know of.
fn reaches_out(kind: &DeviceKind) -> bool {
    matches!(kind, DeviceKind::Upper { .. } | DeviceKind::Vxlan(_))
}

/// What a device may have waiting if nobody says otherwise (DEFAULT_TX_QUEUE_LEN).
pub(super) const QUEUE_LEN: u32 = 1000;

fn change(change: ConfigChange, cx: &mut Cx<'_>) {
    cx.log.note(Step::Config(Box::new(change)));
}

/// Ports of a bridge: ten bits for their numbers, of which 0 is none (net/bridge/br_private.h, BR_PORT_BITS).
const BRIDGE_PORTS: usize = 1023;

impl NetNs {
    fn named(&self, dev: IfIndex) -> Result<&Device, ConfigError> {
        self.devices.get(dev).ok_or_else(|| ConfigError::NoDevice(format!("if{}", dev.0)))
    }
    fn named_mut(&mut self, dev: IfIndex) -> Result<&mut Device, ConfigError> {
        self.devices.get_mut(dev).ok_or_else(|| ConfigError::NoDevice(format!("if{}", dev.0)))
    }

    /// Adds a device, down and without address. Veth ends and Ethernet ports get their peer
    /// from the World. With [`Mac::ZERO`] it draws an address of its own; a bridge that does so
    /// takes the lowest of its ports' later, as Linux does, and keeps one that was given.
    ///
    /// # Errors
    /// `Exists`.
    pub fn add_device(
        &mut self,
        name: IfName,
        mac: Mac,
        kind: DeviceKind,
        cx: &mut Cx<'_>,
    ) -> Result<IfIndex, ConfigError> {
        self.add_device_numbered(None, name, mac, kind, cx)
    }

    /// Gives away the next number: a device that is made here and moved at once keeps it.
    pub fn reserve_index(&mut self) -> IfIndex {
        self.devices.next_index()
    }

    /// As [`NetNs::add_device`], with the number that it had where it comes from, if that is free here.
    ///
    /// # Errors
    /// `Exists`.
    pub fn add_device_numbered(
        &mut self,
        number: Option<IfIndex>,
        name: IfName,
        mac: Mac,
        kind: DeviceKind,
        cx: &mut Cx<'_>,
    ) -> Result<IfIndex, ConfigError> {
        if self.device_named(name.as_str()).is_some() {
            return Err(ConfigError::Exists);
        }
        let number = number.filter(|n| self.devices.get(*n).is_none());
        let index = number.unwrap_or_else(|| self.devices.next_index());
        let given = mac != Mac::ZERO;
        let mac = if given { mac } else { self.random_mac() };
        let kind = match kind {
            DeviceKind::Bridge(_) => DeviceKind::Bridge(Box::new(BridgeState::with_mac(given))),
            other => other,
        };
        self.devices.push(Device {
            index,
            name,
            mac,
            mtu: ETHERNET_MTU,
            up: false,
            carrier: matches!(kind, DeviceKind::Dummy | DeviceKind::Vxlan(_)),
            master: None,
            addrs: Vec::new(),
            peer: None,
            kind,
            stats: [0; 4],
            queue_len: QUEUE_LEN,
            hairpin: false,
            promiscuous: false,
            brd: Vec::new(),
            uppers: 0,
        });
        // A new one begins with what `default` says.
        let default =
            self.sysctl.rp_filter_of.iter().find(|(n, _)| n.as_str() == "default").map(|(_, mode)| *mode);
        self.sysctl.rp_filter_of.retain(|(n, _)| *n != name);
        self.sysctl.rp_filter_of.extend(default.map(|mode| (name, mode)));
        change(ConfigChange::DeviceAdded { dev: index, name }, cx);
        if self.devices.get(index).is_some_and(|d| reaches_out(&d.kind)) {
            cx.out.push(Output::Beyond(Box::new(Beyond::Stacked { dev: index })));
        }
        self.refresh_bridge(index, cx);
        Ok(index)
    }

    /// A locally administered address (eth_random_addr).
    fn random_mac(&mut self) -> Mac {
        let mut mac = [0; 6];
        self.rng.fill(&mut mac);
        mac[0] = mac[0] & 0xfe | 0x02;
        Mac(mac)
    }

    /// Removes a device with its addresses, routes, neighbours and FDB lines.
    ///
    /// # Errors
    /// `NoDevice`; `NotSupported` for `lo`.
    pub fn remove_device(&mut self, dev: IfIndex, cx: &mut Cx<'_>) -> Result<(), ConfigError> {
        let device = self.named(dev)?;
        let (name, ports) = (device.name, device.bridge().map(|b| b.ports.clone()).unwrap_or_default());
        if dev == IfIndex::LO {
            return Err(ConfigError::NotSupported);
        }
        for port in ports {
            self.set_master(port, None, cx)?;
        }
        self.set_master(dev, None, cx)?;
        self.set_up(dev, false, cx)?;
        self.neigh_forget_all_of(dev, cx);
        self.sysctl.forget(name);
        if let Some(Device { kind, uppers, .. }) = self.devices.remove(dev)
            && (uppers > 0 || reaches_out(&kind))
        {
            cx.out.push(Output::Beyond(Box::new(Beyond::Unstacked { dev, kind })));
        }
        change(ConfigChange::DeviceRemoved { dev, name }, cx);
        Ok(())
    }

    /// `ip link set DEV up|down`.
    ///
    /// # Errors
    /// `NoDevice`.
    pub fn set_up(&mut self, dev: IfIndex, up: bool, cx: &mut Cx<'_>) -> Result<(), ConfigError> {
        let device = self.named_mut(dev)?;
        let (name, master) = (device.name, device.master);
        if device.up == up {
            return Ok(());
        }
        device.up = up;
        let addrs = device.addrs.clone();
        change(ConfigChange::DeviceUp { dev, name, up }, cx);
        self.tell_watchers(cx);
        if !addrs.is_empty() {
            self.refresh_locals();
        }
        if up {
            for net in addrs {
                self.add_connected(dev, net);
            }
        } else {
            self.keep_routes(|r| r.dev != Some(dev));
            self.neigh_forget(Some(dev), cx);
        }
        cx.out.push(Output::Admin { dev });
        if let Some(bridge) = master {
            if !up && let Some(state) = self.named_mut(bridge)?.bridge_mut() {
                state.forget_port(dev);
            }
            self.refresh_bridge_carrier(bridge, cx);
        }
        Ok(())
    }

    /// The cable was plugged in or pulled; bridges above follow their ports.
    pub fn set_carrier(&mut self, dev: IfIndex, carrier: bool, cx: &mut Cx<'_>) {
        let Some(device) = self.devices.get_mut(dev) else { return };
        if device.carrier == carrier {
            return;
        }
        device.carrier = carrier;
        if device.uppers > 0 {
            cx.out.push(Output::Admin { dev });
        }
        let master = device.master;
        self.tell_watchers(cx);
        if !carrier {
            self.neigh_forget(Some(dev), cx);
        }
        if let Some(bridge) = master {
            self.refresh_bridge_carrier(bridge, cx);
        }
    }

    /// How many devices stand on `dev`; the World says so.
    pub fn set_uppers(&mut self, dev: IfIndex, count: usize) {
        if let Some(device) = self.devices.get_mut(dev) {
            device.uppers = u16::try_from(count).unwrap_or(u16::MAX);
        }
    }

    /// Polls `pid` whenever a device comes up, goes down, gains or loses carrier or an address, as
    /// a netlink socket of the groups RTMGRP_LINK and RTMGRP_IPV4_IFADDR would.
    pub fn watch_devices(&mut self, pid: Pid) {
        if !self.watchers.contains(&pid) {
            self.watchers.push(pid);
        }
    }

    /// Polls those who watch the devices.
    pub fn tell_watchers(&mut self, cx: &mut Cx<'_>) {
        /// No socket of theirs.
        const NONE: SocketId = SocketId(u32::MAX);
        cx.out.extend(self.watchers.iter().map(|pid| Output::Wake { pid: *pid, socket: NONE }));
    }

    /// `ip link set DEV promisc on|off` (IFF_PROMISC): shown, and nothing else.
    pub fn set_promiscuous(&mut self, dev: IfIndex, on: bool) {
        if let Some(device) = self.devices.get_mut(dev) {
            device.promiscuous = on;
        }
    }

    /// `ip link set DEV txqueuelen N`; 0: it has no queue.
    pub fn set_queue_len(&mut self, dev: IfIndex, len: u32) {
        if let Some(device) = self.devices.get_mut(dev) {
            device.queue_len = len;
        }
    }

    /// `bridge link set dev DEV hairpin on|off`.
    pub fn set_hairpin(&mut self, dev: IfIndex, on: bool) {
        if let Some(device) = self.devices.get_mut(dev) {
            device.hairpin = on;
        }
    }

    /// Storm control: how many frames for everybody a bridge repeats in a tenth of a second; None: all.
    pub fn set_storm_limit(&mut self, bridge: IfIndex, limit: Option<u32>) {
        if let Some(state) = self.devices.get_mut(bridge).and_then(Device::bridge_mut) {
            state.storm_limit = limit;
        }
    }

    /// What the device is plugged into; the World says so.
    pub fn set_peer(&mut self, dev: IfIndex, peer: Option<DevRef>) {
        if let Some(device) = self.devices.get_mut(dev) {
            device.peer = peer;
        }
    }

    /// `ip link set DEV master BRIDGE` or `nomaster`.
    ///
    /// # Errors
    /// `NoDevice`; `Invalid` if one cannot be a port or the other is no bridge; `Full` if it has 1,023 ports.
    pub fn set_master(
        &mut self,
        dev: IfIndex,
        master: Option<IfIndex>,
        cx: &mut Cx<'_>,
    ) -> Result<(), ConfigError> {
        let device = self.named(dev)?;
        let (name, old) = (device.name, device.master);
        if old == master {
            return Ok(());
        }
        if let Some(bridge) = master {
            let can =
                !matches!(device.kind, DeviceKind::Loopback | DeviceKind::Bridge(_)) && !device.no_arp();
            if !can || self.named(bridge)?.bridge().is_none() {
                return Err(ConfigError::Invalid);
            }
            if self.named(bridge)?.bridge().is_some_and(|state| state.ports.len() >= BRIDGE_PORTS) {
                return Err(ConfigError::Full);
            }
        }
        if let Some(bridge) = old {
            if let Some(state) = self.named_mut(bridge)?.bridge_mut() {
                state.ports.retain(|p| *p != dev);
                state.forget_port(dev);
            }
            self.named_mut(dev)?.master = None;
            self.refresh_bridge(bridge, cx);
        }
        let mut master_name = None;
        if let Some(bridge) = master {
            let device = self.named_mut(bridge)?;
            master_name = Some(device.name);
            if let Some(state) = device.bridge_mut() {
                state.ports.push(dev);
            }
            self.named_mut(dev)?.master = master;
            self.bridge_port_added(bridge, dev, cx);
        }
        change(ConfigChange::Master { dev, name, master: master_name }, cx);
        Ok(())
    }

    /// `ip link set DEV address MAC`. A bridge keeps it from now on.
    ///
    /// # Errors
    /// `NoDevice`.
    pub fn set_mac(&mut self, dev: IfIndex, mac: Mac, cx: &mut Cx<'_>) -> Result<(), ConfigError> {
        let device = self.named_mut(dev)?;
        device.mac = mac;
        let master = device.master;
        if let Some(state) = device.bridge_mut() {
            state.mac_set = true;
        }
        self.refresh_bridge(dev, cx);
        if let Some(bridge) = master {
            self.refresh_bridge(bridge, cx);
        }
        // Whom it knew is asked anew, and hears of the address that way (arp_netdev_event).
        self.flush_neighbours(Some(dev), cx);
        Ok(())
    }

    /// Renames a device.
    ///
    /// # Errors
    /// `NoDevice`, `Exists`.
    pub fn rename(&mut self, dev: IfIndex, name: IfName, cx: &mut Cx<'_>) -> Result<(), ConfigError> {
        if self.device_named(name.as_str()).is_some_and(|d| d.index != dev) {
            return Err(ConfigError::Exists);
        }
        self.named(dev)?;
        self.devices.rename(dev, name);
        change(ConfigChange::DeviceAdded { dev, name }, cx);
        Ok(())
    }

    /// Sets the MTU in bytes.
    ///
    /// # Errors
    /// `NoDevice`, `Invalid` (below 68 or above 65536).
    pub fn set_mtu(&mut self, dev: IfIndex, mtu: u32, _cx: &mut Cx<'_>) -> Result<(), ConfigError> {
        if !(68..=65536).contains(&mtu) {
            return Err(ConfigError::Invalid);
        }
        self.named_mut(dev)?.mtu = mtu;
        Ok(())
    }

    /// Adds an address and, if the device is up, its connected route.
    ///
    /// # Errors
    /// `Exists`, `NoDevice`.
    pub fn add_addr(&mut self, dev: IfIndex, addr: Ipv4Net, cx: &mut Cx<'_>) -> Result<(), ConfigError> {
        let device = self.named_mut(dev)?;
        if device.addrs.contains(&addr) {
            return Err(ConfigError::Exists);
        }
        // A second one of a subnet comes last, another first one behind those (__inet_insert_ifa).
        let first = |i: usize, a: &Ipv4Net| !device.addrs[..i].iter().any(|b| b.trunc() == a.trunc());
        let at = match first(device.addrs.len(), &addr) {
            false => device.addrs.len(),
            true => device.addrs.iter().enumerate().rposition(|(i, a)| first(i, a)).map_or(0, |i| i + 1),
        };
        device.addrs.insert(at, addr);
        let (name, up) = (device.name, device.up);
        change(ConfigChange::AddressAdded { dev, name, addr }, cx);
        self.tell_watchers(cx);
        self.refresh_locals();
        if up {
            self.add_connected(dev, addr);
        }
        Ok(())
    }

    /// The address `addr` of `dev` was given with its subnet's broadcast address (IFA_BROADCAST).
    pub fn set_broadcast(&mut self, dev: IfIndex, addr: Ipv4Addr) {
        if let Some(device) = self.devices.get_mut(dev).filter(|d| !d.brd.contains(&addr)) {
            device.brd.push(addr);
        }
    }

    /// Removes an address and what hangs on it.
    ///
    /// # Errors
    /// `NoSuchAddress`, `NoDevice`.
    pub fn remove_addr(&mut self, dev: IfIndex, addr: Ipv4Net, cx: &mut Cx<'_>) -> Result<(), ConfigError> {
        let device = self.named_mut(dev)?;
        let at = device.addrs.iter().position(|a| *a == addr).ok_or(ConfigError::NoSuchAddress)?;
        device.addrs.remove(at);
        device.brd.retain(|a| *a != addr.addr());
        // The later ones of its subnet hang on the first and go with it (promote_secondaries = 0).
        let first = !device.addrs[..at].iter().any(|a| a.trunc() == addr.trunc());
        let later: Vec<Ipv4Net> =
            device.addrs[at..].iter().filter(|a| first && a.trunc() == addr.trunc()).copied().collect();
        device.addrs.retain(|a| !later.contains(a));
        let (name, left) = (device.name, device.addrs.clone());
        for addr in std::iter::once(addr).chain(later.iter().copied()) {
            change(ConfigChange::AddressRemoved { dev, name, addr }, cx);
        }
        self.nf.ct.forget_masqueraded(addr.addr(), &mut PacketLog { log: cx.log, id: None });
        self.tell_watchers(cx);
        self.refresh_locals();
        // The way to its subnet ends with it; the address itself may be here with another prefix.
        let same = |r: &Route| r.kernel && r.prefix == addr.trunc() && r.dev == Some(dev);
        if first {
            self.routes.retain(|r| !same(r));
        }
        let gone = |a: Ipv4Addr| !self.devices.iter().any(|d| d.addrs.iter().any(|net| net.addr() == a));
        let lost: Vec<Ipv4Addr> =
            std::iter::once(addr.addr()).chain(later.iter().map(|a| a.addr())).filter(|a| gone(*a)).collect();
        self.keep_routes(|r| r.src.is_none_or(|src| !lost.contains(&src)));
        if left.is_empty() {
            // the last one: IP is off there, and no route leads that way (fib_inetaddr_event)
            self.keep_routes(|r| r.dev != Some(dev));
        }
        Ok(())
    }

    /// The connected route of an address (fib_add_ifaddr): none for /32 and for a second address
    /// of the same subnet.
    fn add_connected(&mut self, dev: IfIndex, net: Ipv4Net) {
        let prefix = net.trunc();
        let known = |r: &&Route| r.kernel && r.prefix == prefix && r.dev == Some(dev);
        if dev == IfIndex::LO || net.prefix_len() == 32 || self.routes.in_order().iter().any(known) {
            return;
        }
        self.routes.append(Route {
            prefix,
            kind: RouteKind::Unicast,
            via: None,
            dev: Some(dev),
            src: Some(net.addr()),
            scope: Scope::Link,
            kernel: true,
            metric: 0,
        });
    }

    /// Writes the local routing table anew.
    fn refresh_locals(&mut self) {
        // An address is its host's also while its interface is down (fib_sync_down_dev spares what is local).
        // A second address of a subnet is reached from the first one (fib_add_ifaddr's `prim`).
        let all = self.devices.iter().flat_map(|d| {
            d.addrs.iter().map(|net| {
                let first = d.addrs.iter().find(|a| a.trunc() == net.trunc()).unwrap_or(net);
                (d.index, *net, first.addr(), d.up)
            })
        });
        self.locals = all
            .map(|(dev, net, source, up)| LocalAddr {
                addr: net.addr(),
                dev,
                source,
                broadcast: (up && net.prefix_len() < 31 && dev != IfIndex::LO).then(|| net.broadcast()),
            })
            .collect();
    }

    /// Adds a route. `dev` may be None with a gateway: the connected route to it decides.
    ///
    /// # Errors
    /// `Exists`, `InvalidGateway`, `Unreachable`, `NoDevice`; `Invalid` if the preferred source is
    /// not an address of this namespace.
    pub fn add_route(&mut self, route: Route, cx: &mut Cx<'_>) -> Result<(), ConfigError> {
        self.add_route_to(super::TABLE_MAIN, route, Among::New, cx)
    }

    /// Adds a route to a table (`ip route add`, `prepend`, `append`, `replace` and `change`).
    ///
    /// # Errors
    /// As [`NetNs::add_route`]; `NoSuchRule` (the same words) if there is none to change; `Full` (tables),
    /// `NoBuffers` (routes of one), `NotSupported` for table local.
    pub fn add_route_to(
        &mut self,
        table: u32,
        mut route: Route,
        among: Among,
        cx: &mut Cx<'_>,
    ) -> Result<(), ConfigError> {
        if let Some(via) = route.via {
            let on_link = self.gateway_route(via, route.dev, table).filter(|r| r.via.is_none());
            let dev = on_link.and_then(|r| r.dev).ok_or(ConfigError::InvalidGateway)?;
            if self.is_local(via) {
                return Err(ConfigError::InvalidGateway);
            }
            route.dev = Some(dev);
        }
        match (route.kind, route.dev) {
            (RouteKind::Unicast, None) => return Err(ConfigError::Invalid),
            (RouteKind::Unicast, Some(dev)) if !self.named(dev)?.up => return Err(ConfigError::Unreachable),
            _ => {}
        }
        if route.src.is_some_and(|src| !self.is_local(src)) {
            return Err(ConfigError::Invalid);
        }
        let text = self.in_table(self.route_text(&route), table);
        let gone = self.table_to_fill(table)?.put(route, among)?;
        if let Some(gone) = gone {
            let route = self.in_table(self.route_text(&gone), table);
            change(ConfigChange::RouteRemoved { route }, cx);
        }
        change(ConfigChange::RouteAdded { route: text }, cx);
        Ok(())
    }

    /// Deletes the connection tracking entries for which `wanted` says so (`conntrack -D`).
    pub fn forget_flows(&mut self, wanted: impl Fn(&crate::netfilter::CtEntry) -> bool, cx: &mut Cx<'_>) {
        struct Log<'a>(&'a mut super::StepLog);
        impl crate::netfilter::NfLog for Log<'_> {
            fn nf(&mut self, step: crate::netfilter::NfStep) {
                self.0.note(Step::Nf(step));
            }
        }
        let ids: Vec<_> = self.nf.ct.iter().filter(|e| wanted(e)).map(|e| e.id).collect();
        for id in ids {
            self.nf.ct.delete(id, &mut Log(cx.log));
        }
    }

    /// Removes the first route with this prefix (and gateway and device, where given).
    ///
    /// # Errors
    /// `NoSuchRoute`.
    pub fn remove_route(
        &mut self,
        prefix: Ipv4Net,
        via: Option<Ipv4Addr>,
        dev: Option<IfIndex>,
        cx: &mut Cx<'_>,
    ) -> Result<(), ConfigError> {
        self.remove_route_with(prefix, via, dev, None, cx)
    }

    /// As [`NetNs::remove_route`], of this metric, where given.
    ///
    /// # Errors
    /// `NoSuchRoute`.
    pub fn remove_route_with(
        &mut self,
        prefix: Ipv4Net,
        via: Option<Ipv4Addr>,
        dev: Option<IfIndex>,
        metric: Option<u32>,
        cx: &mut Cx<'_>,
    ) -> Result<(), ConfigError> {
        let wanted = |r: &Route| {
            r.prefix == prefix.trunc()
                && (via.is_none() || r.via == via)
                && (dev.is_none() || r.dev == dev)
                && metric.is_none_or(|m| r.metric == m)
        };
        self.remove_route_of(super::TABLE_MAIN, wanted, cx)
    }

    /// A route as `ip route` prints it, without the space at the end.
    pub fn route_text(&self, route: &Route) -> String {
        let mut text = match route.kind {
            RouteKind::Unicast => String::new(),
            RouteKind::Unreachable => "unreachable ".into(),
            RouteKind::Blackhole => "blackhole ".into(),
            RouteKind::Prohibit => "prohibit ".into(),
        };
        match (route.prefix.prefix_len(), route.prefix.addr()) {
            (0, _) => text.push_str("default"),
            (32, addr) => text.push_str(&addr.to_string()),
            _ => text.push_str(&route.prefix.trunc().to_string()),
        }
        let device = route.dev.and_then(|d| self.devices.get(d));
        if let Some(via) = route.via {
            text.push_str(&format!(" via {via}"));
        }
        if let Some(device) = device {
            text.push_str(&format!(" dev {}", device.name));
        }
        if route.kernel {
            text.push_str(" proto kernel");
        }
        if route.scope == Scope::Link && route.kind == RouteKind::Unicast {
            text.push_str(" scope link");
        }
        if let Some(src) = route.src {
            text.push_str(&format!(" src {src}"));
        }
        if route.metric != 0 {
            text.push_str(&format!(" metric {}", route.metric));
        }
        if device.is_some_and(|d| !d.carrier) {
            text.push_str(" linkdown");
        }
        text
    }

    /// `ip neigh flush`: all, or one device's.
    pub fn flush_neighbours(&mut self, dev: Option<IfIndex>, cx: &mut Cx<'_>) {
        self.neigh_forget(dev, cx);
    }

    /// One `iptables` command; see [`crate::netfilter::Netfilter::command`]. Notes it.
    ///
    /// # Errors
    /// In iptables' words.
    pub fn iptables(&mut self, args: &[&str], cx: &mut Cx<'_>) -> Result<(), NfError> {
        self.nf.command(args)?;
        change(ConfigChange::Rules { command: args.join(" ") }, cx);
        Ok(())
    }
}
