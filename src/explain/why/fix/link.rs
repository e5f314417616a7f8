//! Cables, addresses, prefixes and routes.

use std::net::Ipv4Addr;

use super::Smith;
use crate::lab::Edit;
use crate::session::{LinkConfig, Node, NodeKind, PortConfig};
use crate::stack::{DevRef, DeviceKind};
use crate::wire::Ipv4Net;

impl Smith<'_> {
    /// A cable from a port without one to a free port of a switch or of a router's inside.
    pub(super) fn plug(&self, place: &str, dev: &str) -> Option<Edit> {
        let session = self.atlas.session;
        let free = |node: &Node, port: &str| {
            let ns = session.world.namespace(node.ns);
            ns.and_then(|n| n.device_named(port))
                .is_some_and(|d| d.peer.is_none() && matches!(d.kind, DeviceKind::Ethernet))
        };
        let from = session.node(place).ok()?;
        let mut end = None;
        for port in &from.config.ports {
            let meant = port.name.as_str() == dev || port.bridge.is_some_and(|b| b.as_str() == dev);
            if meant && free(from, port.name.as_str()) {
                end = Some(port.name);
                break;
            }
        }
        let end = end?;
        let inside = |node: &Node, port: &PortConfig| match &node.config.router {
            Some(r) => port.bridge == Some(r.lan) || port.name == r.lan,
            None => node.config.kind == NodeKind::Switch,
        };
        let own_net = from.config.ports.iter().find(|p| p.name == end).and_then(|p| p.address);
        let mut all = Vec::new();
        for node in session.nodes().iter().filter(|n| n.config.id != place) {
            for port in node.config.ports.iter().filter(|p| free(node, p.name.as_str())) {
                // The segment whose addresses fit comes first; then routers and switches.
                let lan = port.bridge.unwrap_or(port.name);
                let fits = own_net.is_some_and(|net| self.segment_has(node, lan.as_str(), net));
                let kind = inside(node, port);
                if fits || kind {
                    all.push((!fits, !kind, node.config.id.clone(), port.name));
                }
            }
        }
        all.sort();
        let (_, _, node, port) = all.into_iter().next()?;
        Some(Edit::AddLink(LinkConfig::new((place.to_owned(), end), (node, port))))
    }

    pub(super) fn segment_has(&self, node: &Node, dev: &str, net: Ipv4Net) -> bool {
        let Some(ns) = self.atlas.ns(node.ns) else { return false };
        let Some(device) = ns.device_named(dev) else { return false };
        let start = DevRef { ns: node.ns, dev: device.master.unwrap_or(device.index) };
        let segment = self.atlas.segment(start);
        segment
            .iter()
            .any(|at| self.atlas.device(*at).is_some_and(|d| d.addrs.iter().any(|a| net.contains(&a.addr()))))
    }

    /// The router on the segment of any interface of a place.
    pub(super) fn router_near(&self, place: &str) -> Option<Ipv4Addr> {
        let id = self.ns(place)?;
        let ns = self.atlas.ns(id)?;
        ns.devices().filter(|d| !matches!(d.kind, DeviceKind::Loopback)).find_map(|d| {
            let net = d.addrs.first()?;
            self.atlas.gateway_on(DevRef { ns: id, dev: d.index }, *net)
        })
    }

    /// Setting an interface down takes its routes away: the default route is to be made again.
    pub(super) fn default_route(&self, place: &str, dev: &str) -> String {
        let Some(at) = self.port_of(place, dev) else { return String::new() };
        let Some(ns) = self.atlas.ns(at.ns) else { return String::new() };
        let config = self.atlas.node(at.ns).and_then(|n| n.config.gateway);
        let missing = !ns.routes().iter().any(|r| r.prefix.prefix_len() == 0);
        let on_dev =
            |gw: &Ipv4Addr| ns.device(at.dev).is_some_and(|d| d.addrs.iter().any(|a| a.contains(gw)));
        match config.filter(|gw| missing && on_dev(gw)) {
            Some(gw) => format!(" && ip route add default via {gw}"),
            None => String::new(),
        }
    }

    /// An address that fits the segment, and the way out.
    pub(super) fn address(&self, place: &str, dev: &str) -> Option<String> {
        let at = self.port_of(place, dev)?;
        let net = self.atlas.prefix_on(at)?;
        let free = self.atlas.free_address(net)?;
        let router = self.atlas.gateway_on(at, net);
        let has_default = self.atlas.ns(at.ns)?.routes().iter().any(|r| r.prefix.prefix_len() == 0);
        let route = router
            .filter(|_| !has_default)
            .map(|r| format!(" && ip route add default via {r}"))
            .unwrap_or_default();
        Some(format!("ip addr add {free}/{} dev {dev}{route}", net.prefix_len()))
    }

    pub(super) fn holder(&self, place: &str, addr: Ipv4Addr) -> Option<(DevRef, String, Ipv4Net)> {
        let ns = self.ns(place)?;
        self.atlas.ns(ns)?.devices().find_map(|d| {
            let net = d.addrs.iter().find(|a| a.addr() == addr)?;
            Some((DevRef { ns, dev: d.index }, d.name.to_string(), *net))
        })
    }

    pub(super) fn replace(&self, place: &str, old: Ipv4Net, new: Ipv4Net) -> Option<String> {
        let (at, dev, _) = self.holder(place, old.addr())?;
        let router = self.atlas.gateway_on(at, new);
        let route = router.map(|r| format!(" && ip route replace default via {r}")).unwrap_or_default();
        Some(format!("ip addr del {old} dev {dev} && ip addr add {new} dev {dev}{route}"))
    }

    pub(super) fn other_prefix(&self, place: &str, net: Ipv4Net, right: Ipv4Net) -> Option<String> {
        let inside =
            right.contains(&net.addr()) && net.addr() != right.network() && net.addr() != right.broadcast();
        let addr = if inside { net.addr() } else { self.atlas.free_address(right)? };
        self.replace(place, net, Ipv4Net::new(addr, right.prefix_len()).ok()?)
    }

    pub(super) fn other_address(&self, place: &str, addr: Ipv4Addr) -> Option<String> {
        let (_, _, net) = self.holder(place, addr)?;
        let free = self.atlas.free_address(net)?;
        self.replace(place, net, Ipv4Net::new(free, net.prefix_len()).ok()?)
    }

    /// Of two that have the same address, the one that was not set up with it.
    pub(super) fn later<'b>(&self, one: &'b str, other: &'b str) -> &'b str {
        let configured = |place: &str| {
            let node = self.atlas.session.node(place).ok();
            node.is_some_and(|n| {
                n.config
                    .ports
                    .iter()
                    .filter_map(|p| p.address)
                    .any(|a| self.holder(place, a.addr()).is_some())
            })
        };
        if configured(one) && !configured(other) { other } else { one }
    }
}
