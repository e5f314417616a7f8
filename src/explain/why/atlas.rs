//! Questions to a session about how things stand: who has an address, who is on a segment, which
//! network a bridge belongs to, who listens where.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use crate::docker::{Container, ContainerState, Engine, Network};
use crate::session::{Node, Session};
use crate::stack::{
    DevRef, Device, DeviceKind, IpvlanMode, NetNs, NsId, SocketInfo, SocketKind, TcpState, UpperKind,
};
use crate::wire::{IfIndex, Ipv4Net, Protocol};

/// A session, for asking.
#[derive(Debug, Clone, Copy)]
pub(super) struct Atlas<'a> {
    pub session: &'a Session,
}

impl<'a> Atlas<'a> {
    /// `docker-host:web`; a number for a namespace that has no name.
    pub fn place(self, ns: NsId) -> String {
        self.session.place_of_ns(ns).unwrap_or_else(|| format!("#{}", ns.0))
    }
    pub fn ns(self, ns: NsId) -> Option<&'a NetNs> {
        self.session.world.namespace(ns)
    }
    pub fn device(self, at: DevRef) -> Option<&'a Device> {
        self.ns(at.ns)?.device(at.dev)
    }
    pub fn dev_name(self, ns: NsId, dev: IfIndex) -> String {
        self.device(DevRef { ns, dev }).map_or_else(|| format!("if{}", dev.0), |d| d.name.to_string())
    }

    /// The node whose own namespace this is.
    pub fn node(self, ns: NsId) -> Option<&'a Node> {
        self.session.nodes().iter().find(|n| n.ns == ns)
    }
    /// The container whose own namespace this is, with its node. Those on the host's network have none.
    pub fn container(self, ns: NsId) -> Option<(&'a Node, &'a Container)> {
        self.containers().find(|(node, c)| node.ns != ns && self.ns_of(c) == Some(ns))
    }
    /// The node that a namespace belongs to: itself, or its container's host.
    pub fn host(self, ns: NsId) -> Option<&'a Node> {
        self.node(ns).or_else(|| self.container(ns).map(|(node, _)| node))
    }
    /// All containers with their nodes.
    pub fn containers(self) -> impl Iterator<Item = (&'a Node, &'a Container)> {
        self.session.nodes().iter().flat_map(|node| {
            let all = node.engine.as_ref().map_or(&[][..], Engine::containers);
            all.iter().map(move |c| (node, c))
        })
    }
    pub fn ns_of(self, container: &Container) -> Option<NsId> {
        self.session.world.machine(container.machine).map(|m| m.ns)
    }
    /// The containers of a node.
    pub fn containers_of(self, node: &'a Node) -> &'a [Container] {
        node.engine.as_ref().map_or(&[], Engine::containers)
    }
    /// The network whose bridge has this interface name on a node.
    pub fn network_of_bridge(self, node: &'a Node, bridge: &str) -> Option<&'a Network> {
        node.engine.as_ref()?.networks().iter().find(|n| n.bridge.as_deref() == Some(bridge))
    }
    /// The network of a node whose subnet holds `addr`.
    pub fn network_with(self, node: &'a Node, addr: Ipv4Addr) -> Option<&'a Network> {
        let networks = node.engine.as_ref()?.networks();
        networks.iter().find(|n| n.subnet.is_some_and(|s| s.contains(&addr)))
    }
    /// The container that has `addr` on a network of the engine, with its node.
    pub fn container_with(self, addr: Ipv4Addr) -> Vec<(&'a Node, &'a Container)> {
        self.containers().filter(|(_, c)| c.endpoints.iter().any(|e| e.addr.addr() == addr)).collect()
    }
    pub fn runs(self, container: &Container) -> bool {
        container.state == ContainerState::Running
    }

    /// Everybody who has `addr` on an interface (not on `lo`).
    pub fn owners(self, addr: Ipv4Addr) -> Vec<(DevRef, Ipv4Net)> {
        let mut all = Vec::new();
        for ns in self.session.world.namespaces() {
            for device in ns.devices().filter(|d| !matches!(d.kind, DeviceKind::Loopback)) {
                let at = DevRef { ns: ns.id, dev: device.index };
                all.extend(device.addrs.iter().filter(|a| a.addr() == addr).map(|a| (at, *a)));
            }
        }
        all
    }

    /// The container of one of `hosts` that was the last to lose `addr`.
    pub fn had(self, addr: Ipv4Addr, hosts: impl Fn(&Node) -> bool) -> Option<&'a Container> {
        let all = self.containers().filter(|(node, _)| hosts(node));
        all.filter_map(|(_, c)| Some((c.lost(addr)?, c))).max_by_key(|(seq, _)| *seq).map(|(_, c)| c)
    }

    /// All interfaces on the same segment as `from`, itself included: over cables, veth pairs and
    /// bridges, and from what stands on a card to the card and back, as far as they are up and connected.
    pub fn segment(self, from: DevRef) -> BTreeSet<DevRef> {
        let mut seen = BTreeSet::new();
        let mut todo = vec![from];
        while let Some(at) = todo.pop() {
            let Some(device) = self.device(at).filter(|d| d.up) else { continue };
            if !seen.insert(at) {
                continue;
            }
            let here = |dev| DevRef { ns: at.ns, dev };
            if let DeviceKind::Bridge(bridge) = &device.kind {
                todo.extend(bridge.ports.iter().map(|p| here(*p)));
            }
            todo.extend(device.master.map(here));
            if device.carrier {
                todo.extend(device.peer);
                todo.extend(shares_card(device));
            }
            if device.carries_others() {
                todo.extend(self.standing_on(at));
            }
        }
        seen
    }

    /// The macvlan and ipvlan interfaces on a card, wherever they are.
    fn standing_on(self, card: DevRef) -> impl Iterator<Item = DevRef> + 'a {
        self.session.world.namespaces().flat_map(move |ns| {
            let on = move |d: &&Device| shares_card(d) == Some(card);
            ns.devices().filter(on).map(move |d| DevRef { ns: ns.id, dev: d.index })
        })
    }

    /// A machine on the segment of `from` that passes packets on, other than `from`'s own: its address
    /// there. One that has a way to everywhere comes first.
    pub fn gateway_on(self, from: DevRef, net: Ipv4Net) -> Option<Ipv4Addr> {
        let mut found: Vec<(bool, Ipv4Addr)> = Vec::new();
        for at in self.segment(from) {
            let Some(ns) = self.ns(at.ns).filter(|ns| at.ns != from.ns && ns.sysctl.ip_forward) else {
                continue;
            };
            let Some(device) = ns.device(at.dev) else { continue };
            let everywhere = ns.routes().iter().any(|r| r.prefix.prefix_len() == 0 && r.dev != Some(at.dev));
            let router = everywhere || self.node(at.ns).is_some_and(|n| n.engine.is_none());
            let own = device.addrs.iter().filter(|a| net.contains(&a.addr())).map(|a| a.addr());
            found.extend(own.filter(|_| router).map(|a| (everywhere, a)));
        }
        found.sort_by_key(|(everywhere, a)| (!everywhere, *a));
        found.first().map(|f| f.1)
    }

    /// The prefix that others on the segment use, other than `from` itself.
    pub fn prefix_on(self, from: DevRef) -> Option<Ipv4Net> {
        let others = self.segment(from).into_iter().filter(|at| at.ns != from.ns);
        let mut found: Vec<(bool, Ipv4Net)> = Vec::new();
        for at in others {
            let forwards = self.ns(at.ns).is_some_and(|ns| ns.sysctl.ip_forward);
            let addrs = self.device(at).map_or(&[][..], |d| &d.addrs);
            found.extend(addrs.iter().map(|a| (!forwards, *a)));
        }
        found.sort();
        found.first().map(|f| f.1)
    }

    /// An address of `net` that nobody has, counted from `.100` on where that is inside.
    pub fn free_address(self, net: Ipv4Net) -> Option<Ipv4Addr> {
        let first = u32::from(net.network());
        let hosts = net.hosts();
        let mut from_100: Vec<Ipv4Addr> = hosts.take(512).collect();
        from_100.sort_by_key(|a| (u32::from(*a) - first < 100, *a));
        from_100.into_iter().find(|a| self.owners(*a).is_empty())
    }

    /// Sockets that wait for `proto` at `port` in a namespace, whatever their address.
    pub fn listeners(self, ns: NsId, proto: Protocol, port: u16) -> Vec<SocketInfo> {
        self.all_listeners(ns, proto).into_iter().filter(|s| s.local.port == port).collect()
    }
    /// All sockets that wait for somebody, with port.
    pub fn all_listeners(self, ns: NsId, proto: Protocol) -> Vec<SocketInfo> {
        let sockets = self.ns(ns).map(NetNs::sockets).unwrap_or_default();
        sockets
            .into_iter()
            .filter(|s| match (s.kind, proto) {
                (SocketKind::Tcp, Protocol::Tcp) => s.state == TcpState::Listen,
                (SocketKind::Udp, Protocol::Udp) => s.remote.is_none() && s.local.port != 0,
                _ => false,
            })
            .collect()
    }
    /// The ports at which programs of a namespace can be reached from outside, in order.
    pub fn open_ports(self, ns: NsId, proto: Protocol) -> Vec<u16> {
        let mut all: Vec<u16> = self
            .all_listeners(ns, proto)
            .into_iter()
            .filter(|s| !s.local.addr.is_loopback())
            .map(|s| s.local.port)
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }
    /// The name of the program that a socket belongs to.
    pub fn program(self, socket: &SocketInfo) -> Option<&'a str> {
        socket.owner.and_then(|pid| self.session.world.process_name(pid))
    }
    /// Whom a socket belongs to: the container, if one without a namespace of its own, or the program.
    pub fn owner_name(self, socket: &SocketInfo) -> Option<String> {
        let machine = socket.owner.and_then(|pid| self.session.world.process(pid)).map(|p| p.machine);
        let container = self.containers().find(|(_, c)| Some(c.machine) == machine);
        container.map(|(_, c)| c.name.clone()).or_else(|| self.program(socket).map(str::to_owned))
    }
    /// The text of a file of the machine in namespace `ns` where a program of that place reads it.
    pub fn file(self, ns: NsId, path: &str) -> Option<&'a str> {
        let machine = match (self.node(ns), self.container(ns)) {
            (Some(node), _) => node.machine,
            (None, Some((_, c))) => c.machine,
            (None, None) => return None,
        };
        self.session.world.machine(machine)?.files.text(path)
    }
}

/// The card whose segment an interface that stands on it shares: not that of a VLAN, nor where packets
/// are routed.
fn shares_card(device: &Device) -> Option<DevRef> {
    match device.kind {
        DeviceKind::Upper { parent, kind: UpperKind::Macvlan(_) | UpperKind::Ipvlan(IpvlanMode::L2) } => {
            Some(parent)
        }
        _ => None,
    }
}
