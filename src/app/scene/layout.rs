//! Geometry: where everything is drawn. Boxes grow with their text and with what is in them.

use super::{
    Cable, Ink, Line, NatPanel, NatWay, NodeBox, NodePlan, Plan, Point, PortBox, Rect, Scene, Wire, WireKind,
    house,
};
use crate::session::NodeKind;
use crate::stack::DevRef;

/// Width of a character of a title, an address, a remark (canvas units; the page's faces).
pub(super) const TITLE_CHAR: f64 = 7.0;
pub(super) const ADDR_CHAR: f64 = 6.6;
pub(super) const REMARK_CHAR: f64 = 5.9;

const NAT_ROWS: usize = 3;
/// Between two hosts, at least.
const HOUSE_GAP: f64 = 36.0;

/// How far above a port a cable turns that first goes past a box.
const ABOVE_PORT: f64 = 26.0;

/// Draws a plan.
pub fn layout(plan: &Plan) -> Scene {
    let mut nodes: Vec<NodeBox> = plan.nodes.iter().map(node_box).collect();
    make_room(&mut nodes, plan);
    place_ports(&mut nodes, plan);
    clear_labels(&mut nodes);
    let mut wires = cables(&nodes, plan);
    let mut stubs = Vec::new();
    for (node, plan) in nodes.iter_mut().zip(&plan.nodes) {
        if let Some(host) = &plan.host {
            house::inside_wires(node, &mut wires);
            house::veths(node, host, &mut wires);
            house::on_parents(node, host, &mut wires, &mut stubs);
        }
    }
    let street = street(&nodes, plan);
    let all = nodes.iter().map(|n| n.rect.grown(12.0)).chain(street);
    let bounds = all.reduce(|a, b| a.union(&b)).unwrap_or(Rect::new(0.0, 0.0, 800.0, 500.0));
    Scene { street, nodes, wires, stubs, bounds }
}

/// Hosts grow with what is in them: what stood beside one, and would be covered by it now, gives way
/// to the right. Only the drawing knows; positions stay as they are.
fn make_room(nodes: &mut [NodeBox], plan: &Plan) {
    let hosts = plan.nodes.iter().enumerate().filter(|(_, p)| p.host.is_some());
    let mut hosts: Vec<usize> = hosts.map(|(i, _)| i).collect();
    hosts.sort_by(|&a, &b| plan.nodes[a].pos.0.total_cmp(&plan.nodes[b].pos.0).then(a.cmp(&b)));
    for &i in &hosts {
        let (own, least) = (nodes[i].rect, house::LEAST_W);
        for (j, p) in plan.nodes.iter().enumerate().filter(|(j, _)| *j != i) {
            let other = nodes[j].rect;
            let beside = p.pos.0 >= plan.nodes[i].pos.0 + least;
            let level = other.y < own.bottom() && own.y < other.bottom();
            if beside && level && other.x < own.right() + HOUSE_GAP {
                let pos = (own.right() + HOUSE_GAP, p.pos.1);
                nodes[j] = node_box(&NodePlan { pos, ..p.clone() });
            }
        }
    }
    // A host that got higher than one row: what stood below it gives way downwards.
    hosts.sort_by(|&a, &b| plan.nodes[a].pos.1.total_cmp(&plan.nodes[b].pos.1).then(a.cmp(&b)));
    for &i in &hosts {
        let own = nodes[i].rect;
        for (j, p) in plan.nodes.iter().enumerate().filter(|(j, _)| *j != i) {
            let other = nodes[j].rect;
            let below = p.pos.1 >= plan.nodes[i].pos.1 + house::LEAST_H;
            let beneath = other.x < own.right() && own.x < other.right();
            let grown = own.h > house::LEAST_H + 1.0;
            if grown && below && beneath && other.y < own.bottom() + ABOVE_PORT {
                let pos = (other.x, own.bottom() + ABOVE_PORT + 18.0);
                nodes[j] = node_box(&NodePlan { pos, ..p.clone() });
            }
        }
    }
}

/// The zone around everything that has only public addresses.
fn street(nodes: &[NodeBox], plan: &Plan) -> Option<Rect> {
    let public = nodes.iter().zip(&plan.nodes).filter(|(_, p)| on_the_street(p));
    let around = public.map(|(n, _)| n.rect).reduce(|a, b| a.union(&b))?;
    let left = around.x - 226.0;
    Some(Rect::new(left, around.y - 20.0, around.right() - left + 28.0, around.h + 36.0))
}

fn on_the_street(p: &NodePlan) -> bool {
    let addressed = || p.ports.iter().filter(|p| !p.address.is_empty());
    p.kind != NodeKind::Router && addressed().next().is_some() && addressed().all(|p| p.public)
}

pub(super) fn line(ink: Ink, text: impl Into<String>) -> Line {
    Line { ink, text: text.into(), key: false }
}

pub(super) fn key(text: &str) -> Line {
    Line { ink: Ink::Remark, text: text.to_owned(), key: true }
}

pub(super) fn text_width(title: &str, lines: &[Line]) -> f64 {
    let longest = lines.iter().map(|l| match l.ink {
        _ if l.key => 118.0,
        Ink::Address => l.text.chars().count() as f64 * ADDR_CHAR,
        _ => l.text.chars().count() as f64 * REMARK_CHAR,
    });
    longest.fold(title.chars().count() as f64 * TITLE_CHAR, f64::max)
}

fn node_box(plan: &NodePlan) -> NodeBox {
    // The home router, the ISP and the public DNS server have names in every language.
    let known = match (plan.kind, plan.id.as_str()) {
        (NodeKind::Router, "router") => Some("scene.name.router"),
        (NodeKind::Dns, "dns" | "public-dns") if on_the_street(plan) => Some("scene.name.dns"),
        (NodeKind::Isp, "isp") => Some("scene.name.isp"),
        _ => None,
    };
    let known = known.filter(|_| plan.name.is_none());
    let own = plan.name.clone().unwrap_or_else(|| plan.id.clone());
    let title = known.map_or(own, str::to_owned);
    let (x, y) = plan.pos;
    let mut node = NodeBox {
        id: plan.id.clone(),
        kind: plan.kind,
        lines: node_lines(plan),
        ports: Vec::new(),
        gate: None,
        bridges: Vec::new(),
        containers: Vec::new(),
        shared: Vec::new(),
        room: None,
        wall: None,
        nat: None,
        ns: plan.ns,
        rect: Rect::default(),
        title_key: known.is_some(),
        title,
    };
    let text_h = 40.0 + 16.0 * node.lines.len() as f64;
    // A name of the locale may have the id behind it: 공용 DNS (public-dns).
    let title_w =
        if node.title_key { format!("········· ({})", node.id) } else { node.title.clone() };
    let text_w = text_width(&title_w, &node.lines) + 32.0;
    node.rect = match plan.kind {
        NodeKind::Isp | NodeKind::Switch => {
            let sockets = plan.ports.len() as f64 * 38.0 + 24.0;
            Rect::new(x, y, text_w.max(sockets.clamp(200.0, 620.0)), 54.0)
        }
        NodeKind::Router => Rect::new(x, y, 496.0, 98.0),
        _ => Rect::new(x, y, text_w.max(150.0), text_h.max(70.0)),
    };
    if let Some(rows) = &plan.nat {
        let rect = Rect::new(x + 170.0, y + 14.0, node.rect.w - 184.0, 70.0);
        let more = rows.len().saturating_sub(NAT_ROWS);
        // What was mapped last is what one wants to see; the forwards stay on top.
        let forwards = rows.iter().filter(|r| r.way == NatWay::Forward).take(NAT_ROWS - 1);
        let mut shown: Vec<_> = forwards.cloned().collect();
        let free = NAT_ROWS - shown.len();
        let mappings: Vec<_> = rows.iter().filter(|r| r.way != NatWay::Forward).collect();
        shown.extend(mappings.iter().skip(mappings.len().saturating_sub(free)).map(|r| (*r).clone()));
        node.nat = Some(NatPanel { rect, rows: shown, more });
    }
    if let Some(host) = &plan.host {
        house::furnish(&mut node, host, plan);
    }
    node
}

fn node_lines(plan: &NodePlan) -> Vec<Line> {
    let addresses = plan.ports.iter().filter(|p| !p.address.is_empty());
    let first = addresses.clone().next().map(|p| p.address.clone());
    match plan.kind {
        NodeKind::Isp => vec![key("scene.isp")],
        NodeKind::Switch => vec![key("scene.switch")],
        NodeKind::DockerHost => vec![key("scene.docker_host")],
        NodeKind::Router => {
            let mut lines = vec![key("scene.router")];
            lines.extend(plan.lan.as_ref().map(|a| line(Ink::Address, format!("lan {a}"))));
            lines
        }
        kind => {
            let mut lines = Vec::new();
            if let Some(address) = first {
                let bare = address.split('/').next().unwrap_or_default().to_owned();
                let shown = if on_the_street(plan) { bare } else { address };
                lines.push(line(Ink::Address, [&[shown][..], &plan.offers[..]].concat().join(" ")));
            } else {
                lines.push(key(if plan.ports.iter().any(|p| p.dhcp) {
                    "scene.asks_for_address"
                } else {
                    "scene.no_address"
                }));
            }
            match kind {
                NodeKind::Dns if !on_the_street(plan) => lines.push(key("scene.dns_private")),
                NodeKind::Dns => lines.push(key("scene.dns")),
                NodeKind::Server => lines.push(key("scene.server")),
                _ if on_the_street(plan) => lines.push(key("scene.client")),
                _ => lines.push(key("scene.computer")),
            }
            lines
        }
    }
}

// ---- ports and cables

/// The name of a port that would lie over the box next door stands on its other side, if there is room.
fn clear_labels(nodes: &mut [NodeBox]) {
    let rects: Vec<Rect> = nodes.iter().map(|n| n.rect).collect();
    let at =
        |text: &str, (x, y): Point| Rect::new(x, y - 11.0, text.chars().count() as f64 * ADDR_CHAR, 14.0);
    let free = |i: usize, r: &Rect| {
        rects.iter().enumerate().all(|(j, other)| j == i || !other.grown(2.0).overlaps(r))
    };
    for (i, node) in nodes.iter_mut().enumerate() {
        for port in &mut node.ports {
            let Some((text, point)) = &mut port.label else { continue };
            let left = port.rect.x - 8.0 - text.chars().count() as f64 * ADDR_CHAR;
            let other = (left, point.1);
            if !free(i, &at(text, *point)) && free(i, &at(text, other)) {
                *point = other;
            }
        }
    }
}

/// Which edge of a node a port is on.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Top,
    Bottom,
    Left,
    Right,
}

fn owner(nodes: &[NodeBox], dev: DevRef) -> Option<usize> {
    nodes.iter().position(|n| n.ns == dev.ns)
}

fn peer_of(plan: &Plan, nodes: &[NodeBox], dev: DevRef) -> Option<usize> {
    let other = plan.cables.iter().find_map(|c| match dev {
        d if d == c.a => Some(c.b),
        d if d == c.b => Some(c.a),
        _ => None,
    })?;
    owner(nodes, other)
}

/// Where a port is while nothing is plugged in: a router looks up to the internet and down to its
/// home, a computer up to the router, a switch and a provider down.
fn free_side(kind: NodeKind, port: &super::PortPlan) -> Side {
    match kind {
        _ if port.radio => Side::Right,
        NodeKind::Router if port.wan => Side::Top,
        NodeKind::Router | NodeKind::Isp | NodeKind::Switch => Side::Bottom,
        _ => Side::Top,
    }
}

fn side(a: &Rect, b: &Rect) -> Side {
    if b.y >= a.bottom() {
        Side::Bottom
    } else if b.bottom() <= a.y {
        Side::Top
    } else if b.x > a.x {
        Side::Right
    } else {
        Side::Left
    }
}

fn place_ports(nodes: &mut [NodeBox], plan: &Plan) {
    for (i, node_plan) in plan.nodes.iter().enumerate() {
        let rect = nodes[i].rect;
        let mut sides: Vec<(usize, Side, f64)> = Vec::new();
        for (p, port) in node_plan.ports.iter().enumerate() {
            let peer = peer_of(plan, nodes, port.dev).filter(|&peer| peer != i);
            let free = free_side(node_plan.kind, port);
            let (side, toward) = match peer {
                Some(peer) if port.radio => {
                    let right = nodes[peer].rect.center().0 > rect.center().0;
                    (if right { Side::Right } else { Side::Left }, nodes[peer].rect.center().0)
                }
                Some(peer) => (side(&rect, &nodes[peer].rect), nodes[peer].rect.center().0),
                None => (free, f64::MAX),
            };
            sides.push((p, side, toward));
        }
        let mut ports = Vec::new();
        for wanted in [Side::Top, Side::Bottom, Side::Left, Side::Right] {
            let mut on: Vec<_> = sides.iter().filter(|s| s.1 == wanted).collect();
            on.sort_by(|a, b| a.2.total_cmp(&b.2).then(a.0.cmp(&b.0)));
            for (k, &&(p, ..)) in on.iter().enumerate() {
                let dev = node_plan.ports[p].dev;
                let cabled = plan.cables.iter().any(|c| c.a == dev || c.b == dev);
                ports.push(PortBox { cabled, ..port_box(node_plan, p, rect, wanted, k, on.len()) });
            }
        }
        nodes[i].ports = ports;
    }
}

fn port_box(node: &NodePlan, p: usize, rect: Rect, side: Side, k: usize, n: usize) -> PortBox {
    let port = &node.ports[p];
    let big = matches!(node.kind, NodeKind::Router | NodeKind::DockerHost | NodeKind::Switch);
    let (w, h) = match (port.radio, big) {
        (true, _) => (18.0, 18.0),
        (false, true) => (26.0, 14.0),
        (false, false) => (20.0, 11.0),
    };
    let share = (k as f64 + 1.0) / (n as f64 + 1.0);
    let at = match (side, node.kind) {
        (Side::Top, NodeKind::Router) => (rect.x + 100.0 + 40.0 * k as f64, rect.y),
        (Side::Bottom, NodeKind::Router) => (rect.x + 36.0 + 34.0 * k as f64, rect.bottom()),
        (Side::Top, NodeKind::DockerHost) => (rect.x + rect.w * (0.44 + 0.1 * k as f64), rect.y),
        (Side::Top, _) => (rect.x + rect.w * share, rect.y),
        (Side::Bottom, _) => (rect.x + rect.w * share, rect.bottom()),
        (Side::Left, _) => (rect.x, rect.y + rect.h * share),
        (Side::Right, _) => (rect.right(), rect.y + rect.h * share),
    };
    let label = match (node.kind, port.address.is_empty()) {
        (NodeKind::Router | NodeKind::DockerHost, false) => {
            let short = port.address.split('/').next().unwrap_or_default();
            let text = match node.kind {
                NodeKind::Router => format!("wan {short}"),
                _ => format!("{} {}", port.name, port.address),
            };
            Some((text, (at.0 + 22.0, at.1 - 6.0)))
        }
        (NodeKind::Router, true) if port.wan => Some(("wan".to_owned(), (at.0 + 20.0, at.1 - 6.0))),
        _ => None,
    };
    PortBox {
        name: port.name.clone(),
        rect: Rect::new(at.0 - w / 2.0, at.1 - h / 2.0, w, h),
        dev: port.dev,
        wan: port.wan,
        cabled: false,
        radio: port.radio,
        label,
    }
}

fn port_at(nodes: &[NodeBox], dev: DevRef) -> Option<(usize, &PortBox)> {
    let i = owner(nodes, dev)?;
    nodes[i].ports.iter().find(|p| p.dev == dev).map(|p| (i, p))
}

fn cables(nodes: &[NodeBox], plan: &Plan) -> Vec<Wire> {
    let mut wires = Vec::new();
    for &Cable { a, b, dead } in &plan.cables {
        let (Some((na, pa)), Some((nb, pb))) = (port_at(nodes, a), port_at(nodes, b)) else { continue };
        let radio = pa.radio || pb.radio;
        let points = match side(&nodes[na].rect, &nodes[nb].rect) {
            _ if radio => vec![pa.rect.center(), pb.rect.center()],
            Side::Bottom => down(nodes, plan, pa, pb, na),
            Side::Top => {
                let mut points = down(nodes, plan, pb, pa, nb);
                points.reverse();
                points
            }
            _ => across(pa.rect.center(), pb.rect.center()),
        };
        let kind = if radio { WireKind::Radio } else { WireKind::Cable };
        wires.push(Wire { ends: (a, b), points, kind, label: None, dead });
    }
    wires
}

fn across(a: Point, b: Point) -> Vec<Point> {
    let mid = (a.0 + b.0) / 2.0;
    vec![a, (mid, a.1), (mid, b.1), b]
}

/// From a port on the lower edge of `node` down to a port on an upper edge. Cables of one node
/// get levels of their own where they would lie on each other; they may share one when they
/// lead away in different directions.
fn down(nodes: &[NodeBox], plan: &Plan, from: &PortBox, to: &PortBox, node: usize) -> Vec<Point> {
    let (ax, ay) = (from.rect.center().0, from.rect.bottom());
    let (bx, by) = (to.rect.center().0, to.rect.y);
    let going = |x: f64, tx: f64| if tx >= x { 1.0 } else { -1.0 };
    let mine = going(ax, bx);
    let mut rivals: Vec<f64> = Vec::new();
    for c in &plan.cables {
        for (own, other) in [(c.a, c.b), (c.b, c.a)] {
            let (Some((i, p)), Some((_, q))) = (port_at(nodes, own), port_at(nodes, other)) else { continue };
            let (x, tx) = (p.rect.center().0, q.rect.center().0);
            if i == node && p.rect.bottom() > nodes[node].rect.bottom() && going(x, tx) == mine {
                rivals.push(x);
            }
        }
    }
    // The outermost turns first, so that no cable crosses its neighbour.
    rivals.sort_by(|a, b| (b * mine).total_cmp(&(a * mine)));
    let rank = rivals.iter().position(|&x| x == ax).unwrap_or(0) as f64;
    let room = by - ay;
    let first = if mine < 0.0 { 0.36 } else { 0.58 };
    let mut mid = ay + room * (first + 0.16 * rank).min(0.9);
    // Past what stands between the two, and only then across.
    let turn = Rect::new(ax.min(bx), mid, (ax - bx).abs(), by - mid);
    if nodes.iter().any(|n| n.rect.y > ay && n.rect.bottom() < by && n.rect.overlaps(&turn)) {
        mid = by - ABOVE_PORT - 8.0 * rank;
    }
    if (ax - bx).abs() < 1.0 {
        vec![(ax, ay), (bx, by)]
    } else {
        vec![(ax, ay), (ax, mid), (bx, mid), (bx, by)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::scene::plan;
    use crate::lab::Lab;

    fn scene(name: &str) -> Scene {
        layout(&plan(&Lab::builtin(name).unwrap().boot().unwrap(), &[]))
    }

    #[test]
    fn a_cable_to_a_host_below_another_goes_past_that_one() {
        let scene = scene("overlay");
        let cables: Vec<_> = scene.wires.iter().filter(|w| w.kind == WireKind::Cable).collect();
        assert_eq!(cables.len(), 3);
        for wire in cables {
            for pair in wire.points.windows(2) {
                let (a, b) = (pair[0], pair[1]);
                let line = Rect::new(a.0.min(b.0), a.1.min(b.1), (a.0 - b.0).abs(), (a.1 - b.1).abs());
                for node in &scene.nodes {
                    // An end touches its own box.
                    assert!(!node.rect.grown(-3.0).overlaps(&line.grown(1.0)), "{} {line:?}", node.id);
                }
            }
        }
        // Twice as high as broad is worse than the other way round, but neither makes large letters.
        let share = scene.bounds.w / scene.bounds.h;
        assert!((0.8..2.0).contains(&share), "{:?}", scene.bounds);
    }

    #[test]
    fn the_name_of_a_port_lies_on_no_other_box_where_there_is_room_beside() {
        let mut lab = Lab::builtin("home").unwrap();
        let router = lab.nodes.iter().find(|n| n.id == "router").unwrap().pos;
        let laptop = lab.nodes.iter_mut().find(|n| n.id == "laptop").unwrap();
        laptop.pos = (router.0 + 130, router.1 - 80);
        let scene = layout(&plan(&lab.boot().unwrap(), &[]));
        let wan = scene.node("router").unwrap().ports.iter().find(|p| p.wan).unwrap();
        let (text, (x, y)) = wan.label.clone().unwrap();
        assert!(x < wan.rect.x, "{text} at {x} {y}: the laptop stands to the right of it");
    }
}
