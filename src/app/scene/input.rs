//! What there is to draw, read off a session. Kept apart from geometry so that layout can be tried alone.

use super::{NatRow, NatWay};
use crate::docker::{Container, ContainerState, EndpointInfo, Engine, Network};
use crate::guest::MachineId;
use crate::session::{Node, NodeKind, RouterConfig, Session};
use crate::sim::Link;
use crate::stack::{
    DevRef, Device, DeviceKind, IpvlanMode, MacvlanMode, NetNs, NsId, Pid, SocketKind, TcpState, UpperKind,
};
use crate::wire::IfIndex;
use std::net::Ipv4Addr;

/// The network through which containers of an overlay leave it.
const GATEWAY: &str = "docker_gwbridge";

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

/// How frames get out of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// Up to the host's IP.
    Bridge,
    /// In envelopes.
    Overlay {
        /// The number that they carry.
        vni: u32,
        /// How long a packet in one may be, in bytes.
        mtu: u16,
    },
    /// Straight out of an interface of the host.
    Parent {
        /// `macvlan` or `ipvlan`.
        driver: &'static str,
        /// Of the driver, where it is not the usual one; else empty.
        mode: &'static str,
        /// The interface's name.
        parent: String,
    },
}

/// A network of a Docker host.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkPlan {
    /// What stands on it: the bridge's name for Docker's default network, else the network's.
    pub title: String,
    /// The network's name.
    pub network: String,
    /// Gateway and prefix length, as text; empty without one.
    pub address: String,
    /// Containers on it have names (127.0.0.11).
    pub dns: bool,
    /// How frames get out of it.
    pub exit: Exit,
    /// Its bridge, or the parent interface.
    pub dev: DevRef,
}

/// Whose network a container has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Mode {
    /// Its own.
    #[default]
    Own,
    /// The host's.
    Host,
    /// Nobody's: `--network none`.
    None,
    /// That of the container with this name.
    Shares(String),
}

/// A macvlan or ipvlan interface of the host itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shim {
    /// `shim0`.
    pub name: String,
    /// It.
    pub dev: DevRef,
    /// What it stands on.
    pub parent: DevRef,
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
    /// Its namespace, while it has one of its own.
    pub ns: Option<NsId>,
    /// Whose network it has.
    pub mode: Mode,
    /// MAC address, where it is the LAN's to know: macvlan.
    pub mac: Option<String>,
    /// Ends: (index into the host's networks, address, cable).
    pub ends: Vec<(usize, String, Option<Pair>)>,
}

/// A veth pair: the host's device, its name, the container's device.
pub type Pair = (DevRef, String, DevRef);

/// What is inside a Docker host.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HostPlan {
    /// In the order in which they are drawn.
    pub networks: Vec<NetworkPlan>,
    /// Of all networks.
    pub containers: Vec<ContainerPlan>,
    /// macvlan and ipvlan interfaces of the host itself.
    pub shims: Vec<Shim>,
    /// VLAN sub-interfaces: the interface below, and they.
    pub vlans: Vec<(DevRef, DevRef)>,
    /// The addresses of the host itself.
    pub addresses: Vec<Ipv4Addr>,
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
        by: None,
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
    let at = |dev: &Device| DevRef { ns: node.ns, dev: dev.index };
    let plans = engine.networks().iter().filter_map(|n| network_plan(session, node, engine, n));
    let mut networks: Vec<NetworkPlan> = plans.collect();
    // The swarm's way out stands beside the overlays that use it; what has a way of its own past the
    // gate stands last, beside it.
    networks.sort_by_key(|n| match n.exit {
        Exit::Parent { .. } => 2,
        _ if n.network == GATEWAY => 1,
        _ => 0,
    });
    let containers = engine.containers().iter().map(|c| container_plan(session, node, engine, c, &networks));
    let containers = containers.collect();
    let uppers = namespace.into_iter().flat_map(|ns| ns.devices()).filter_map(|d| match d.kind {
        DeviceKind::Upper { parent, kind } => Some((d, parent, kind)),
        _ => None,
    });
    let (mut shims, mut vlans) = (Vec::new(), Vec::new());
    for (dev, parent, kind) in uppers {
        match kind {
            UpperKind::Vlan(_) => vlans.push((parent, at(dev))),
            _ => shims.push(Shim { name: dev.name.to_string(), dev: at(dev), parent }),
        }
    }
    let addresses = namespace.into_iter().flat_map(|ns| ns.devices()).flat_map(|d| &d.addrs);
    let addresses = addresses.map(|a| a.addr()).collect();
    HostPlan { networks, containers, shims, vlans, addresses }
}

fn network_plan(session: &Session, node: &Node, engine: &Engine, n: &Network) -> Option<NetworkPlan> {
    let namespace = session.world.namespace(node.ns)?;
    let subnet = || n.subnet.map(|s| s.to_string()).unwrap_or_default();
    let plan = |title: &str, address: String, dns: bool, exit: Exit, dev: DevRef| NetworkPlan {
        title: title.to_owned(),
        network: n.name.clone(),
        address,
        dns,
        exit,
        dev,
    };
    let here = |dev| DevRef { ns: node.ns, dev };
    if let Some(bridge) = &n.bridge {
        let bridge = namespace.device_named(bridge)?;
        let default = n.name == "bridge";
        let title = if default { bridge.name.to_string() } else { n.name.clone() };
        let address = bridge.addrs.first().map(ToString::to_string).unwrap_or_default();
        let dns = !default && n.name != GATEWAY;
        return Some(plan(&title, address, dns, Exit::Bridge, here(bridge.index)));
    }
    if let Some((parent, kind)) = n.parent() {
        let dev = namespace.device_named(parent)?.index;
        let exit = Exit::Parent { driver: kind.name(), mode: unusual(kind), parent: parent.to_owned() };
        return Some(plan(&n.name, subnet(), true, exit, here(dev)));
    }
    let vni = n.vni()?;
    let sandbox = engine.overlays().into_iter().find(|o| o.1 == vni).map(|o| o.2);
    let bridge = sandbox.and_then(|ns| {
        let inside = session.world.namespace(ns)?;
        Some(DevRef { ns, dev: inside.device_named("br0")?.index })
    });
    // Not in use here yet: nothing that packets could come to.
    let dev = bridge.unwrap_or_else(|| here(IfIndex(u32::MAX - vni)));
    Some(plan(&n.name, subnet(), true, Exit::Overlay { vni, mtu: n.mtu() }, dev))
}

fn container_plan(
    session: &Session,
    node: &Node,
    engine: &Engine,
    container: &Container,
    networks: &[NetworkPlan],
) -> ContainerPlan {
    let running = container.state == ContainerState::Running;
    let ns = session.world.machine(container.machine).map(|m| m.ns).filter(|ns| *ns != node.ns);
    let inside = ns.and_then(|ns| session.world.namespace(ns));
    let host = session.world.namespace(node.ns);
    let end = |network: &str, e: &EndpointInfo| {
        let index = networks.iter().position(|n| n.network == network)?;
        let (own, outer) = (&e.ifnames.0, &e.ifnames.1);
        let wire = || {
            let own_dev = DevRef { ns: ns?, dev: inside?.device_named(own)?.index };
            let net = &networks[index];
            match &net.exit {
                Exit::Bridge => {
                    let outer_dev = DevRef { ns: node.ns, dev: host?.device_named(outer)?.index };
                    Some((outer_dev, outer.clone(), own_dev))
                }
                // The sandbox holds the other end.
                Exit::Overlay { .. } => {
                    let sandbox = session.world.namespace(net.dev.ns)?;
                    let other =
                        |(_, l): (_, &Link)| (l.a == own_dev || l.b == own_dev).then(|| l.other(own_dev));
                    let outer = sandbox.device(session.world.links().find_map(other)?.dev)?;
                    let at = DevRef { ns: net.dev.ns, dev: outer.index };
                    Some((at, outer.name.to_string(), own_dev))
                }
                Exit::Parent { .. } => Some((net.dev, String::new(), own_dev)),
            }
        };
        Some((index, e.addr.addr().to_string(), wire()))
    };
    let mut ends: Vec<_> = container.endpoints.iter().filter_map(|e| end(&e.network, e)).collect();
    if let Some(gateway) = container.gateway_end() {
        // Its way out, not one of its networks: without an address in its box.
        ends.extend(end(&gateway.network, gateway).map(|e| (e.0, String::new(), e.2)));
    }
    let on_parent = |e: &&EndpointInfo| {
        let net = networks.iter().find(|n| n.network == e.network);
        net.is_some_and(|n| matches!(n.exit, Exit::Parent { driver: "macvlan", .. }))
    };
    // Others may listen in the same namespace.
    let listens =
        if running { own_ports(session, ns.unwrap_or(node.ns), container.machine) } else { Vec::new() };
    ContainerPlan {
        name: container.name.clone(),
        image: container.image.clone(),
        listens,
        published: published(container),
        running,
        ns,
        mode: mode(engine, container),
        mac: container.endpoints.iter().find(on_parent).map(|e| e.mac.to_string()),
        ends,
    }
}

/// The mode of what stands on an interface, where it is not the usual one.
fn unusual(kind: UpperKind) -> &'static str {
    match kind {
        UpperKind::Ipvlan(IpvlanMode::L3) => "l3",
        UpperKind::Ipvlan(IpvlanMode::L3s) => "l3s",
        UpperKind::Macvlan(MacvlanMode::Private) => "private",
        UpperKind::Macvlan(MacvlanMode::Vepa) => "vepa",
        UpperKind::Macvlan(MacvlanMode::Passthru) => "passthru",
        _ => "",
    }
}

/// Whose network a container has. One that shares the host's through another has the host's.
fn mode(engine: &Engine, container: &Container) -> Mode {
    match container.network_mode() {
        "host" => Mode::Host,
        "none" if container.endpoints.is_empty() => Mode::None,
        other => match other.strip_prefix("container:").and_then(|name| engine.container(name)) {
            // Chains are bounded: nobody can share with one that is yet to come.
            Some(owner) if owner.id != container.id => match mode(engine, owner) {
                Mode::Host => Mode::Host,
                Mode::Shares(first) => Mode::Shares(first),
                _ => Mode::Shares(owner.name.clone()),
            },
            _ => Mode::Own,
        },
    }
}

/// The ports in a namespace on which the processes of one machine listen.
fn own_ports(session: &Session, ns: NsId, machine: MachineId) -> Vec<u16> {
    let Some(namespace) = session.world.namespace(ns) else { return Vec::new() };
    listening_of(namespace, |owner| {
        owner.and_then(|pid| session.world.process(pid)).is_some_and(|p| p.machine == machine)
    })
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
    listening_of(ns, |_| true)
}

fn listening_of(ns: &NetNs, owned: impl Fn(Option<Pid>) -> bool) -> Vec<u16> {
    let open = ns.sockets().into_iter().filter(|s| owned(s.owner)).filter(|s| {
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
