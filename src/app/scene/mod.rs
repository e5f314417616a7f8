//! The picture of a lab: nested boxes, cables, bridges, and where a packet is drawn.
//!
//! ```text
//!  Session ──input──▶ Plan (what there is) ──layout──▶ Scene (where it is drawn)
//! ```
//! Geometry is deterministic and in canvas units; the page only paints it. Supported: nodes with
//! cables, the home router's NAT table, Docker hosts with their networks and containers:
//!
//! - bridge: a bar with veth pairs below the gate;
//! - overlay: the same, and its way out leads through the gate in an envelope;
//! - macvlan, ipvlan: a room of its own behind a wall, with a way to the host's port past the gate;
//! - host: the host's own room, where there is no door;
//! - none: a container with nothing but its own loop; `container:NAME`: one box with several tenants.

mod house;
mod input;
mod layout;

pub use input::{
    Cable, ContainerPlan, Exit, HostPlan, Mode, NetworkPlan, NodePlan, Plan, PortPlan, Shim, plan,
};
pub use layout::layout;

use crate::netfilter::Hook;
use crate::session::NodeKind;
use crate::stack::{DevRef, NsId};
use std::net::Ipv4Addr;

/// A point on the canvas.
pub type Point = (f64, f64);

/// A rectangle on the canvas: upper left corner, width, height.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rect {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

impl Rect {
    /// A rectangle.
    pub const fn new(x: f64, y: f64, w: f64, h: f64) -> Self {
        Self { x, y, w, h }
    }
    /// The middle.
    pub fn center(&self) -> Point {
        (self.x + self.w / 2.0, self.y + self.h / 2.0)
    }
    /// Right edge.
    pub fn right(&self) -> f64 {
        self.x + self.w
    }
    /// Lower edge.
    pub fn bottom(&self) -> f64 {
        self.y + self.h
    }
    /// True if the point lies inside or on the edge.
    pub fn contains(&self, (x, y): Point) -> bool {
        x >= self.x && x <= self.right() && y >= self.y && y <= self.bottom()
    }
    /// The smallest rectangle around both.
    pub fn union(&self, o: &Self) -> Self {
        let (x, y) = (self.x.min(o.x), self.y.min(o.y));
        Self { x, y, w: self.right().max(o.right()) - x, h: self.bottom().max(o.bottom()) - y }
    }
    /// Have the two something in common, more than an edge?
    pub fn overlaps(&self, o: &Self) -> bool {
        self.x < o.right() && o.x < self.right() && self.y < o.bottom() && o.y < self.bottom()
    }
    /// Grown by `d` on every side.
    pub fn grown(&self, d: f64) -> Self {
        Self { x: self.x - d, y: self.y - d, w: self.w + 2.0 * d, h: self.h + 2.0 * d }
    }
}

/// How a line of text in a box looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// An address or port: fixed width.
    Address,
    /// An image, a remark: small and dim.
    Remark,
    /// Something published or wrong: draws the eye.
    Accent,
}

/// A line of text in a box. `key`: a text of the locale instead of a literal one.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// How it looks.
    pub ink: Ink,
    /// What it says, or the key of that.
    pub text: String,
    /// `text` is a key.
    pub key: bool,
}

/// A network port, drawn on the edge of its node.
#[derive(Debug, Clone, PartialEq)]
pub struct PortBox {
    /// `eth0`, `wan0`.
    pub name: String,
    /// Its box.
    pub rect: Rect,
    /// The device.
    pub dev: DevRef,
    /// Faces the public internet.
    pub wan: bool,
    /// Something is plugged in.
    pub cabled: bool,
    /// It is a radio.
    pub radio: bool,
    /// What is written beside it, and where the text begins.
    pub label: Option<(String, Point)>,
}

/// A place of the walk through the kernel that the gate shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// A netfilter hook.
    Hook(Hook),
    /// The routing decision.
    Route,
}

/// The firewall of a host, drawn as the hooks a packet walks through.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// The whole.
    pub rect: Rect,
    /// Its chips, in the order of the walk.
    pub chips: Vec<(Stage, Rect)>,
}

impl Gate {
    /// Where `stage` is drawn.
    pub fn chip(&self, stage: Stage) -> Option<Rect> {
        self.chips.iter().find(|c| c.0 == stage).map(|c| c.1)
    }
}

/// A network inside a host: a bridge, or what stands for it.
#[derive(Debug, Clone, PartialEq)]
pub struct BridgeBox {
    /// Shown: `docker0`, or the network's name.
    pub title: String,
    /// The network as `docker run --network` wants it.
    pub network: String,
    /// `172.17.0.1/16`.
    pub address: String,
    /// Containers find each other by name here.
    pub dns: bool,
    /// How frames get out of it.
    pub exit: Exit,
    /// Which colour.
    pub tone: u8,
    /// The bar.
    pub rect: Rect,
    /// The bar and its containers: where a container may be dropped.
    pub area: Rect,
    /// The bridge device; of macvlan and ipvlan the interface that it stands on.
    pub dev: DevRef,
}

impl BridgeBox {
    /// The words after its address; None: those of a bridge.
    pub fn remark(&self) -> Option<String> {
        match &self.exit {
            Exit::Bridge => None,
            Exit::Overlay { vni, mtu } => Some(format!("overlay · VNI {vni} · MTU {mtu}")),
            Exit::Parent { driver, mode: "", parent } => Some(format!("{driver} · {parent}")),
            Exit::Parent { driver, mode, parent } => Some(format!("{driver} {mode} · {parent}")),
        }
    }
}

/// Several containers in one namespace: one box, whose tenants lie in it.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedBox {
    /// The box.
    pub rect: Rect,
    /// Colour of its network.
    pub tone: u8,
    /// The address that they share.
    pub address: String,
    /// How many live there.
    pub tenants: usize,
    /// Their namespace.
    pub ns: Option<NsId>,
}

/// The host's own room, where containers of the network `host` live.
#[derive(Debug, Clone, PartialEq)]
pub struct RoomBox {
    /// The room.
    pub rect: Rect,
    /// The host's address.
    pub address: String,
    /// Who listens where: TCP and UDP ports, and the tenant's box.
    pub tenants: Vec<(Vec<u16>, Rect)>,
}

/// The wall between a host and what stands on its interface. Frames do not pass; a macvlan interface
/// of the host's own is a door in it.
#[derive(Debug, Clone, PartialEq)]
pub struct WallBox {
    /// Its line.
    pub points: Vec<Point>,
    /// The addresses behind it.
    pub behind: Vec<Ipv4Addr>,
    /// The addresses of the host before it.
    pub before: Vec<Ipv4Addr>,
    /// Namespaces behind it.
    pub inside: Vec<NsId>,
    /// Doors: the device's name, and where.
    pub doors: Vec<(String, Rect)>,
}

/// A device that stands on another, or that one itself, as an end of the ways between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Stub {
    /// The device.
    pub dev: DevRef,
    /// What it stands on.
    pub parent: DevRef,
    /// From the network's bar to the device.
    pub points: Vec<Point>,
}

/// A container.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerBox {
    /// Its name.
    pub name: String,
    /// `docker-host:web`.
    pub place: String,
    /// Its box.
    pub rect: Rect,
    /// Colour of its first network.
    pub tone: u8,
    /// Whether it runs.
    pub running: bool,
    /// Text under the name.
    pub lines: Vec<Line>,
    /// Its namespace, while it has one.
    pub ns: Option<NsId>,
    /// It lives with others in a [`SharedBox`].
    pub shares: bool,
    /// It has nothing but its own loop.
    pub alone: bool,
    /// It bears the colour of its network.
    pub striped: bool,
}

/// The NAT table drawn inside a router.
#[derive(Debug, Clone, PartialEq)]
pub struct NatPanel {
    /// Its box.
    pub rect: Rect,
    /// Rows.
    pub rows: Vec<NatRow>,
    /// How many more there are than fit.
    pub more: usize,
}

/// What a row of a router's NAT table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NatWay {
    /// A port forward: always there.
    Forward,
    /// A connection from outside that was let in.
    In,
    /// A connection from home.
    Out,
}

/// A row of [`NatPanel`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatRow {
    /// Which way.
    pub way: NatWay,
    /// Before.
    pub from: String,
    /// After.
    pub to: String,
    /// Who came in, if this is a connection from outside.
    pub by: Option<String>,
}

/// A node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeBox {
    /// Its id, which is its place too.
    pub id: String,
    /// Shown name; a key of the locale if `title_key`.
    pub title: String,
    /// See `title`.
    pub title_key: bool,
    /// Kind.
    pub kind: NodeKind,
    /// Its box.
    pub rect: Rect,
    /// Text under the name.
    pub lines: Vec<Line>,
    /// Ports.
    pub ports: Vec<PortBox>,
    /// A Docker host's firewall.
    pub gate: Option<Gate>,
    /// A Docker host's bridges.
    pub bridges: Vec<BridgeBox>,
    /// A Docker host's containers.
    pub containers: Vec<ContainerBox>,
    /// Boxes with several containers.
    pub shared: Vec<SharedBox>,
    /// The host's own room, if a container lives there.
    pub room: Option<RoomBox>,
    /// The wall before macvlan and ipvlan containers.
    pub wall: Option<WallBox>,
    /// A home router's NAT table.
    pub nat: Option<NatPanel>,
    /// Its namespace.
    pub ns: NsId,
}

/// What a wire is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireKind {
    /// A cable between nodes.
    Cable,
    /// A radio link between nodes.
    Radio,
    /// A veth pair, in the colour of its network.
    Veth(u8),
    /// The way inside a host between its port, its gate and its bridges: not a device.
    Inside(u8),
    /// The way past the gate, from a host's port to what stands on it.
    Past(u8),
}

impl WireKind {
    /// Does it join two nodes?
    pub fn is_link(self) -> bool {
        matches!(self, Self::Cable | Self::Radio)
    }
}

/// A line on which packets travel.
#[derive(Debug, Clone, PartialEq)]
pub struct Wire {
    /// Ends; an `Inside` wire has the same device twice.
    pub ends: (DevRef, DevRef),
    /// From the first end to the second.
    pub points: Vec<Point>,
    /// It is dead: nothing passes.
    pub dead: bool,
    /// Kind.
    pub kind: WireKind,
    /// Name of the host's end of a veth pair, and where it is written.
    pub label: Option<(String, Point)>,
}

/// The picture.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scene {
    /// The street of public addresses.
    pub street: Option<Rect>,
    /// Nodes, in the lab's order.
    pub nodes: Vec<NodeBox>,
    /// Wires.
    pub wires: Vec<Wire>,
    /// Devices that stand on others.
    pub stubs: Vec<Stub>,
    /// Around everything.
    pub bounds: Rect,
}

impl Scene {
    /// The node `id`.
    pub fn node(&self, id: &str) -> Option<&NodeBox> {
        self.nodes.iter().find(|n| n.id == id)
    }
    /// The node whose namespace this is.
    pub fn node_of(&self, ns: NsId) -> Option<&NodeBox> {
        self.nodes.iter().find(|n| n.ns == ns)
    }
    /// The port nearest to a point, within `reach`.
    pub fn port_near(&self, at: Point, reach: f64) -> Option<(&NodeBox, &PortBox)> {
        let ports = self.nodes.iter().flat_map(|n| n.ports.iter().map(move |p| (n, p)));
        let far = |p: &PortBox| (p.rect.center().0 - at.0).hypot(p.rect.center().1 - at.1);
        let near = ports.filter(|(_, p)| far(p) <= reach);
        near.min_by(|a, b| far(a.1).total_cmp(&far(b.1)))
    }
    /// The node and the name of the port that this device is.
    pub fn end_of(&self, dev: DevRef) -> Option<(String, String)> {
        let node = self.node_of(dev.ns)?;
        let port = node.ports.iter().find(|p| p.dev == dev)?;
        Some((node.id.clone(), port.name.clone()))
    }
    /// The cable in a port.
    pub fn cable_in(&self, node: &str, port: &str) -> Option<&Wire> {
        let dev = self.node(node)?.ports.iter().find(|p| p.name == port)?.dev;
        self.wires.iter().find(|w| w.kind.is_link() && (w.ends.0 == dev || w.ends.1 == dev))
    }
    /// The container whose namespace this is.
    pub fn container_of(&self, ns: NsId) -> Option<&ContainerBox> {
        self.nodes.iter().flat_map(|n| &n.containers).find(|c| c.ns == Some(ns))
    }
    /// The way from `from` to `to`: along a wire, or between two that stand on the same device.
    pub fn wire(&self, from: DevRef, to: DevRef) -> Option<Vec<Point>> {
        if from == to {
            return None;
        }
        let wire = self.wires.iter().find_map(|w| {
            if w.ends == (from, to) {
                Some(w.points.clone())
            } else if w.ends == (to, from) {
                Some(w.points.iter().rev().copied().collect())
            } else {
                None
            }
        });
        let on = |dev: DevRef| self.stubs.iter().filter(move |s| s.dev == dev);
        wire.or_else(|| {
            let (a, b) = on(from).find_map(|a| on(to).find(|b| a.parent == b.parent).map(|b| (a, b)))?;
            Some(a.points.iter().rev().chain(&b.points).copied().collect())
        })
    }
    /// The node inside which a namespace is: its own, or the sandbox of one of its networks.
    pub fn house_of(&self, ns: NsId) -> Option<&NodeBox> {
        let own = self.node_of(ns);
        own.or_else(|| self.nodes.iter().find(|n| n.bridges.iter().any(|b| b.dev.ns == ns)))
    }
    /// The network whose sandbox a namespace is.
    pub fn bar_of(&self, ns: NsId) -> Option<&BridgeBox> {
        let sandbox = |n: &&NodeBox| n.ns != ns;
        self.nodes.iter().filter(sandbox).flat_map(|n| &n.bridges).find(|b| b.dev.ns == ns)
    }
    /// Where the container in the host's own room stands that listens on `port`.
    pub fn tenant_at(&self, ns: NsId, port: u16) -> Option<Point> {
        let room = self.node_of(ns)?.room.as_ref()?;
        let tenant = room.tenants.iter().find(|t| t.0.contains(&port))?;
        Some((tenant.1.center().0, tenant.1.y))
    }
    /// The wall between a namespace and an address, if there is one between the two.
    pub fn wall_between(&self, ns: NsId, addr: Ipv4Addr) -> Option<Vec<Point>> {
        let walls = self.nodes.iter().filter_map(|n| Some((n.ns, n.wall.as_ref()?)));
        let mut between = walls.filter(|(host, w)| {
            (*host == ns && w.behind.contains(&addr)) || (w.inside.contains(&ns) && w.before.contains(&addr))
        });
        between.next().map(|(_, w)| w.points.clone())
    }
    /// Where a packet rests inside `ns`: at the hook it is at, else in the middle of the place.
    pub fn spot(&self, ns: NsId, stage: Option<Stage>) -> Option<Point> {
        if let Some(node) = self.node_of(ns) {
            let chip = node.gate.as_ref().zip(stage).and_then(|(g, s)| g.chip(s));
            return Some(match (chip, &node.nat) {
                (Some(rect), _) => rect.center(),
                (None, Some(nat)) => (nat.rect.x - 12.0, nat.rect.center().1),
                (None, None) => match (&node.gate, node.ports.first()) {
                    _ if node.room.is_some() => {
                        node.room.as_ref().map_or((0.0, 0.0), |r| (r.rect.center().0, r.rect.y + 12.0))
                    }
                    // Programs of a host itself: at the door of its firewall.
                    (Some(gate), _) => (gate.rect.x + 32.0, gate.rect.center().1),
                    (None, Some(port)) => port.rect.center(),
                    (None, None) => node.rect.center(),
                },
            });
        }
        let shared = self.nodes.iter().flat_map(|n| &n.shared).find(|s| s.ns == Some(ns)).map(|s| s.rect);
        let bar = || self.bar_of(ns).map(|b| b.rect.center());
        let rect = shared.or_else(|| self.container_of(ns).map(|c| c.rect));
        rect.map(|r| (r.center().0, r.y)).or_else(bar)
    }
    /// The bridge at a point, with its host: where a dragged container would land.
    pub fn bridge_at(&self, at: Point) -> Option<(&NodeBox, &BridgeBox)> {
        self.nodes.iter().find_map(|n| n.bridges.iter().find(|b| b.area.contains(at)).map(|b| (n, b)))
    }
    /// The bridge whose port the host's end `dev` of a veth pair is, by drawing: the one above it.
    pub fn bridge_of_wire(&self, end: DevRef) -> Option<&BridgeBox> {
        let wire = self.wires.iter().find(|w| w.ends.0 == end && matches!(w.kind, WireKind::Veth(_)))?;
        let top = *wire.points.first()?;
        self.nodes.iter().flat_map(|n| &n.bridges).find(|b| b.rect.grown(1.0).contains(top))
    }
}

/// The length of a polyline.
pub fn path_length(points: &[Point]) -> f64 {
    points.windows(2).map(|p| (p[1].0 - p[0].0).hypot(p[1].1 - p[0].1)).sum()
}

/// The point at `t` (0 to 1) along a polyline.
pub fn path_point(points: &[Point], t: f64) -> Point {
    let mut left = path_length(points) * t.clamp(0.0, 1.0);
    for p in points.windows(2) {
        let len = (p[1].0 - p[0].0).hypot(p[1].1 - p[0].1);
        if left <= len && len > 0.0 {
            let f = left / len;
            return (p[0].0 + (p[1].0 - p[0].0) * f, p[0].1 + (p[1].1 - p[0].1) * f);
        }
        left -= len;
    }
    points.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_on_a_path_is_found_by_its_share_of_the_length() {
        let path = [(0.0, 0.0), (10.0, 0.0), (10.0, 30.0)];
        assert_eq!(path_length(&path), 40.0);
        assert_eq!(path_point(&path, 0.0), (0.0, 0.0));
        assert_eq!(path_point(&path, 0.25), (10.0, 0.0));
        assert_eq!(path_point(&path, 0.5), (10.0, 10.0));
        assert_eq!(path_point(&path, 7.0), (10.0, 30.0));
        assert_eq!(path_point(&[], 0.5), (0.0, 0.0));
    }
}
