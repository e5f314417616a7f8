//! What there is to draw, read off a session. Kept apart from geometry so that layout can be tried alone.

use super::{NatRow, NatWay};
use crate::docker::{Container, ContainerState, Engine};
use crate::session::{Node, NodeKind, RouterConfig, Session};
use crate::stack::{DevRef, Device, DeviceKind, NetNs, NsId, SocketKind, TcpState};
use std::net::Ipv4Addr;

/// A port of a node.
#[derive(Debug, Clone, PartialEq)]
pub struct PortPlan {
    /// Name.
    pub name: String,
    /// Address and prefix length, as text; empty without one.
    pub address: String,
    /// Has a public address, or is a router's WAN port.
    pub wan: bool,
    /// Has a public address.
    pub public: bool,
    /// Is a radio.
    pub radio: bool,
    /// Asks for its address.
    pub dhcp: bool,
    /// Device.
    pub dev: DevRef,
}

/// A network of a Docker host that has a bridge.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct NetworkPlan {
    pub title: String,
    pub network: String,
    pub address: String,
    pub dns: bool,
    pub dev: DevRef,
}

/// A container.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerPlan {
    /// Name.
    pub name: String,
    /// Image.
    pub image: String,
    /// `tcp` ports that it listens on.
    pub listens: Vec<u16>,
    /// Published ports: `8080 → 80`.
    pub published: Vec<String>,
    /// Runs.
    pub running: bool,
    /// Its namespace, while it has one.
    pub ns: Option<NsId>,
    /// Ends: (index into the host's networks, address, cable).
    pub ends: Vec<(usize, String, Option<Pair>)>,
}

/// A veth pair: the host's device, its name, the container's device.
pub type Pair = (DevRef, String, DevRef);

/// What is inside a Docker host.
#[derive(Debug, Clone, PartialEq, Default)]
#[allow(missing_docs)]
pub struct HostPlan {
    pub networks: Vec<NetworkPlan>,
    pub containers: Vec<ContainerPlan>,
}

/// A node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodePlan {
    /// Id.
    pub id: String,
    /// Shown name, if it has its own.
    pub name: Option<String>,
    /// Kind.
    pub kind: NodeKind,
    /// Upper left corner.
    pub pos: (f64, f64),
    /// Namespace.
    pub ns: NsId,
    /// Ports; those inside a bridge of a router are listed too.
    pub ports: Vec<PortPlan>,
    /// The address of a router's LAN side, as text.
    pub lan: Option<String>,
    /// Docker.
    pub host: Option<HostPlan>,
    /// Rows of a router's NAT table: port forwards, then the mappings of connections.
    pub nat: Option<Vec<NatRow>>,
    /// Ports of the services it offers, as text.
    pub offers: Vec<String>,
}

/// A link between two nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cable {
    /// One end.
    pub a: DevRef,
    /// The other.
    pub b: DevRef,
    /// Nothing passes.
    pub dead: bool,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// Nodes.
    pub nodes: Vec<NodePlan>,
    /// Links between nodes.
    pub cables: Vec<Cable>,
}

/// The rows of a router's NAT table: port forwards first, then what it remembers of connections.
fn nat_rows(session: &Session, ns: NsId, wan: Option<Ipv4Addr>, router: &RouterConfig) -> Vec<NatRow> {
    let public = wan.map_or_else(|| "*".to_owned(), |a| a.to_string());
    let forwards = router.forwards.iter().map(|f| NatRow {
        way: NatWay::Forward,
        from: format!("{public}:{}", f.port),
        to: format!("{}:{}", f.to, f.to_port),
    });
    forwards.chain(super::super::inspector::mappings(session, ns)).collect()
}

/// Reads a session. `positions` are the lab's, which may have been dragged since.
pub fn plan(session: &Session, positions: &[(String, (i32, i32))]) -> Plan {
    let nodes = session.nodes().iter().map(|node| node_plan(session, node, positions)).collect();
    let cables = session.world.links().filter(|(_, l)| {
        let owner = |d: DevRef| session.nodes().iter().position(|n| n.ns == d.ns);
        owner(l.a).is_some() && owner(l.b).is_some() && owner(l.a) != owner(l.b)
    });
    let cables = cables.map(|(_, l)| Cable { a: l.a, b: l.b, dead: !l.spec.up });
    Plan { nodes, cables: cables.collect() }
}

fn node_plan(session: &Session, node: &Node, positions: &[(String, (i32, i32))]) -> NodePlan {
    let config = &node.config;
    let pos = positions.iter().find(|p| p.0 == config.id).map_or(config.pos, |p| p.1);
    let namespace = session.world.namespace(node.ns);
    let ports = config.ports.iter().filter_map(|port| {
        let device = namespace?.device_named(port.name.as_str())?;
        let addr = device.addrs.first();
        (!is_bridge(device)).then(|| PortPlan {
            name: port.name.to_string(),
            address: addr.map(ToString::to_string).unwrap_or_default(),
            wan: addr.is_some_and(|a| is_public(a.addr()))
                || config.kind == NodeKind::Isp
                || config.router.as_ref().is_some_and(|r| r.wan == port.name),
            public: addr.is_some_and(|a| is_public(a.addr())),
            radio: port.wifi.is_some(),
            dhcp: port.dhcp,
            dev: DevRef { ns: node.ns, dev: device.index },
        })
    });
    let address_of = |name: &str| Some(namespace?.device_named(name)?.addrs.first()?.to_string());
    let router = config.router.as_ref();
    let wan = router.and_then(|r| namespace?.device_named(r.wan.as_str())?.addrs.first().map(|a| a.addr()));
    NodePlan {
        id: config.id.clone(),
        name: config.name.clone(),
        kind: config.kind,
        pos: (f64::from(pos.0), f64::from(pos.1)),
        ns: node.ns,
        ports: ports.collect(),
        lan: router.and_then(|r| address_of(r.lan.as_str())),
        host: node.engine.as_ref().map(|engine| host_plan(session, node, engine)),
        nat: router.map(|r| nat_rows(session, node.ns, wan, r)),
        offers: namespace.map(listening).unwrap_or_default().into_iter().map(|p| format!(":{p}")).collect(),
    }
}

fn host_plan(session: &Session, node: &Node, engine: &Engine) -> HostPlan {
    let namespace = session.world.namespace(node.ns);
    let device = |name: &str| namespace.and_then(|ns| ns.device_named(name));
    let networks: Vec<NetworkPlan> = (engine.networks().iter())
        .filter_map(|n| {
            let bridge = device(n.bridge.as_deref()?)?;
            let default = n.name == "bridge";
            Some(NetworkPlan {
                title: if default { bridge.name.to_string() } else { n.name.clone() },
                network: n.name.clone(),
                address: bridge.addrs.first().map(ToString::to_string).unwrap_or_default(),
                dns: !default,
                dev: DevRef { ns: node.ns, dev: bridge.index },
            })
        })
        .collect();
    let containers = engine.containers().iter().map(|c| container_plan(session, node, c, &networks));
    HostPlan { containers: containers.collect(), networks }
}

fn container_plan(
    session: &Session,
    node: &Node,
    container: &Container,
    networks: &[NetworkPlan],
) -> ContainerPlan {
    let running = container.state == ContainerState::Running;
    let ns = session.world.machine(container.machine).map(|m| m.ns).filter(|ns| *ns != node.ns);
    let inside = ns.and_then(|ns| session.world.namespace(ns));
    let host = session.world.namespace(node.ns);
    let ends = container.endpoints.iter().filter_map(|e| {
        let index = networks.iter().position(|n| n.network == e.network)?;
        let (own, outer) = (&e.ifnames.0, &e.ifnames.1);
        let wire = || {
            let outer_dev = DevRef { ns: node.ns, dev: host?.device_named(outer)?.index };
            let own_dev = DevRef { ns: ns?, dev: inside?.device_named(own)?.index };
            Some((outer_dev, outer.clone(), own_dev))
        };
        Some((index, e.addr.addr().to_string(), wire()))
    });
    ContainerPlan {
        name: container.name.clone(),
        image: container.image.clone(),
        listens: if running { inside.map(listening).unwrap_or_default() } else { Vec::new() },
        published: published(container),
        running,
        ns,
        ends: ends.collect(),
    }
}

/// `-p 8080:80`, once for each port whatever the number of addresses it is bound to.
fn published(container: &Container) -> Vec<String> {
    let mut all: Vec<String> =
        container.ports.iter().map(|p| format!("-p {}:{}", p.host_port, p.port)).collect();
    all.dedup();
    all
}

/// TCP ports on which somebody listens for everybody, and UDP servers' ports below 1024.
fn listening(ns: &NetNs) -> Vec<u16> {
    let open = ns.sockets().into_iter().filter(|s| {
        let outside = !s.local.addr.is_loopback();
        match s.kind {
            SocketKind::Tcp => outside && s.state == TcpState::Listen,
            // Not the port on which a DHCP client waits for its answer.
            SocketKind::Udp => {
                let port = s.local.port;
                outside && s.remote.is_none() && (1..1024).contains(&port) && port != 68
            }
            _ => false,
        }
    });
    let mut ports: Vec<u16> = open.map(|s| s.local.port).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

fn is_bridge(device: &Device) -> bool {
    matches!(device.kind, DeviceKind::Bridge(_))
}

/// Not private (RFC 1918), shared (RFC 6598), link-local or loopback.
pub fn is_public(a: Ipv4Addr) -> bool {
    let shared = a.octets()[0] == 100 && (64..128).contains(&a.octets()[1]);
    !(a.is_private() || a.is_link_local() || a.is_loopback() || a.is_unspecified() || shared)
}
