//! Cables, addresses, prefixes and routes.

use std::net::Ipv4Addr;

use super::line::replace_word;
use super::{Fix, Remedy, Smith};
use crate::docker::EndpointInfo;
use crate::explain::why::story::Story;
use crate::lab::{Edit, LabCommand};
use crate::session::{DhcpConfig, LinkConfig, Node, NodeKind, PortConfig};
use crate::stack::{DevRef, DeviceKind};
use crate::wire::{Ipv4Net, Protocol};

/// How a machine comes to an address by itself.
pub(super) enum Lease {
    /// A server is there: it only has to be asked.
    Ask,
    /// The router gives none yet: its DHCP server is switched on, and asked.
    Serve(Box<Edit>),
}

impl Smith<'_> {
    /// DHCP, where that is how the segment hands out addresses. None: an address is to be given by hand.
    pub(super) fn lease(&self, place: &str, dev: &str) -> Option<Lease> {
        let at = self.port_of(place, dev)?;
        let node = self.atlas.node(at.ns)?;
        let segment = self.atlas.segment(at);
        let serving =
            |ns| self.atlas.listeners(ns, Protocol::Udp, 67).iter().any(|s| !s.local.addr.is_loopback());
        if segment.iter().any(|end| end.ns != at.ns && serving(end.ns)) {
            return Some(Lease::Ask);
        }
        // Only who was set up to ask by DHCP expects a server.
        node.config.ports.iter().find(|p| p.name.as_str() == dev && p.dhcp)?;
        segment.iter().find_map(|end| {
            let router = self.atlas.node(end.ns)?;
            let mut settings = router.config.router.clone().filter(|r| r.dhcp.is_none())?;
            let net = self.atlas.device(*end)?.addrs.first().copied()?;
            let hosts: Vec<Ipv4Addr> = net.hosts().take(254).filter(|a| *a != net.addr()).collect();
            let first =
                hosts.iter().position(|a| u32::from(*a) - u32::from(net.network()) >= 100).unwrap_or(0);
            let range = hosts.get(first..)?;
            settings.dhcp = Some(DhcpConfig::new(*range.first()?, *range.last()?));
            let set = Edit::SetRouter { node: router.config.id.clone(), router: Box::new(settings) };
            let ask = LabCommand { at: place.to_owned(), run: format!("dhclient {dev}") };
            Some(Lease::Serve(Box::new(Edit::Batch(vec![set, Edit::Command(ask)]))))
        })
    }

    /// A route to `dst` by the router next door that is on its network.
    pub(super) fn route(&self, place: &str, dst: Ipv4Addr) -> Option<String> {
        let id = self.ns(place)?;
        let devices = self.atlas.ns(id)?.devices();
        let ends = devices.flat_map(|d| self.atlas.segment(DevRef { ns: id, dev: d.index }));
        ends.filter(|end| end.ns != id).find_map(|end| {
            let next = self.atlas.ns(end.ns).filter(|ns| ns.sysctl.ip_forward)?;
            let net = next.devices().flat_map(|d| &d.addrs).find(|a| a.contains(&dst))?.trunc();
            let via = self.atlas.device(end)?.addrs.first()?.addr();
            Some(format!("ip route add {net} via {via}"))
        })
    }

    /// The interface by which a place reaches everywhere else.
    pub(super) fn uplink(&self, place: &str) -> Option<String> {
        let ns = self.atlas.ns(self.ns(place)?)?;
        let default = ns.routes().into_iter().find(|r| r.prefix.prefix_len() == 0)?;
        Some(ns.device(default.dev?)?.name.to_string())
    }

    /// The host that had an address, and has lost it, gets it back.
    pub(super) fn old_address(&self, addr: Ipv4Addr) -> Option<(String, String)> {
        self.atlas.session.nodes().iter().find_map(|node| {
            let port = node.config.ports.iter().find(|p| p.address.is_some_and(|a| a.addr() == addr))?;
            let run = format!("ip addr add {} dev {}", port.address?, port.name);
            Some((node.config.id.clone(), run))
        })
    }

    /// The sender of the attempt forgets the path MTU that it has learned, if it has.
    pub(super) fn forget_mtu(&self, story: &Story) -> Option<(String, String)> {
        let ask = story.asks().next_back()?;
        let to = ask.flow().map(|f| f.dst.addr).or(ask.dst)?;
        self.atlas.ns(ask.ns)?.learned_path_mtu(to)?;
        if let Some((node, c)) = self.container(&self.atlas.place(ask.ns)) {
            return Some((node.config.id.clone(), format!("docker restart {}", c.name)));
        }
        Some((self.atlas.place(ask.ns), "ip route flush cache".into()))
    }

    /// The same ping with what just fits into `mtu`: less the headers of IPv4 (20) and ICMP (8).
    pub(super) fn shorter(&self, mtu: u16) -> Option<Fix> {
        let words: Vec<&str> = self.job.line.split_whitespace().collect();
        let at = words.iter().position(|w| *w == "-s")?;
        let size = words.get(at + 1)?;
        let fits = mtu.checked_sub(28)?.to_string();
        let line = replace_word(&self.job.line, &format!("-s {size}"), &format!("-s {fits}"))?;
        Some(Fix { remedy: Remedy::Retry, again: (self.job.place.clone(), line) })
    }

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

    /// Another cable in the place of one that loses frames.
    pub(super) fn sound_cable(&self, place: &str, dev: &str) -> Option<Edit> {
        let at = self.port_of(place, dev)?;
        let (_, link) = self.atlas.session.world.links().find(|(_, l)| l.a == at || l.b == at)?;
        let end = |at: DevRef| {
            let port = self.atlas.device(at)?.name;
            Some((self.atlas.node(at.ns)?.config.id.clone(), port))
        };
        let latency_us = u32::try_from(link.spec.latency.as_nanos() / 1_000).ok()?;
        Some(Edit::SetLink(LinkConfig { latency_us, ..LinkConfig::new(end(link.a)?, end(link.b)?) }))
    }

    /// A computer's cable goes from a router's outer socket into an inner one; a provider that stands
    /// inside goes out.
    pub(super) fn other_socket(&self, place: &str, dev: &str, router: &str) -> Option<Edit> {
        let session = self.atlas.session;
        let node = session.node(router).ok()?;
        let settings = node.config.router.as_ref()?;
        let ns = session.world.namespace(node.ns)?;
        let inner =
            || node.config.ports.iter().filter(|p| p.bridge == Some(settings.lan) && p.wifi.is_none());
        let peer = |name| {
            let end = ns.device_named(name)?.peer?;
            let other = self.atlas.node(end.ns)?;
            let port = other
                .config
                .ports
                .iter()
                .find(|p| p.name.as_str() == self.atlas.dev_name(end.ns, end.dev))?;
            Some((other, port.name))
        };
        // What is in the outer socket: the computer itself, or a switch before it.
        let (near, near_port) = peer(settings.wan.as_str())?;
        let provider = inner().find_map(|p| {
            let (other, port) = peer(p.name.as_str())?;
            let out = other.config.kind == NodeKind::Isp;
            out.then(|| (p.name, other.config.id.clone(), port))
        });
        let free = inner().find(|p| ns.device_named(p.name.as_str()).is_some_and(|d| d.peer.is_none()));
        let to = provider.as_ref().map(|p| p.0).or(free.map(|p| p.name))?;
        let mut edits = vec![Edit::RemoveLink { node: near.config.id.clone(), port: near_port }];
        if let Some((_, id, port)) = &provider {
            edits.push(Edit::RemoveLink { node: id.clone(), port: *port });
        }
        let cable = |id: &str, port, to| {
            Edit::AddLink(LinkConfig::new((id.to_owned(), port), (router.to_owned(), to)))
        };
        edits.push(cable(&near.config.id, near_port, to));
        if let Some((_, id, port)) = &provider {
            edits.push(cable(id, *port, settings.wan));
        }
        let asks = session.node(place).ok()?.config.ports.iter().any(|p| p.name.as_str() == dev && p.dhcp);
        if asks {
            edits.push(Edit::Command(LabCommand { at: place.to_owned(), run: format!("dhclient {dev}") }));
        }
        Some(Edit::Batch(edits))
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
        let given = self.given(place, dev).and_then(|e| e.gateway);
        let config = self.atlas.node(at.ns).and_then(|n| n.config.gateway).or(given);
        let missing = !ns.routes().iter().any(|r| r.prefix.prefix_len() == 0);
        let on_dev =
            |gw: &Ipv4Addr| ns.device(at.dev).is_some_and(|d| d.addrs.iter().any(|a| a.contains(gw)));
        match config.filter(|gw| missing && on_dev(gw)) {
            Some(gw) => format!(" && ip route add default via {gw}"),
            None => String::new(),
        }
    }

    /// What the engine gave an interface of a container.
    fn given(&self, place: &str, dev: &str) -> Option<&EndpointInfo> {
        self.container(place)?.1.endpoints.iter().find(|e| e.ifnames.0 == dev)
    }

    /// An address that fits the segment, and the way out.
    pub(super) fn address(&self, place: &str, dev: &str) -> Option<String> {
        let at = self.port_of(place, dev)?;
        // A container gets back what the engine had given it.
        if let Some(e) = self.given(place, dev) {
            let gateway = e.gateway.map(|g| format!(" && ip route add default via {g}")).unwrap_or_default();
            return Some(format!("ip addr add {} dev {dev}{gateway}", e.addr));
        }
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
