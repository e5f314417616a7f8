//! Inside a Docker host: its rooms, networks, containers, the gate, and the ways between them.
//!
//! ```text
//!           ┌────────────────────────[eth0]─────────────────┐
//!           │  head      [ gate: the hooks ]   ┆ way past    │
//!           │ ┌ host's ┐ [ docker0 ] [ ov1  ]  ║ [ lan ]     │   ║ wall
//!           │ │  room  │    │ veth     │       ║   │         │
//!           │ └────────┘  [ web ]    [ cli ]   ║ [ own MAC ] │
//!           └────────────────────────────────────────────────┘
//! ```

use super::layout::{ADDR_CHAR, REMARK_CHAR, TITLE_CHAR, key, line, text_width};
use super::{
    BridgeBox, ContainerBox, ContainerPlan, Exit, Gate, HostPlan, Ink, Line, Mode, NetworkPlan, NodeBox,
    NodePlan, Point, Rect, RoomBox, SharedBox, Stage, Stub, WallBox, Wire, WireKind,
};
use crate::netfilter::Hook;
use crate::stack::DevRef;

const CONTAINER_W: f64 = 124.0;
const CONTAINER_H: f64 = 82.0;
const CONTAINER_GAP: f64 = 18.0;
const HOST_PAD: f64 = 20.0;
const GATE_X: f64 = 124.0;
const GATE_Y: f64 = 26.0;
const GATE_H: f64 = 44.0;
const BRIDGE_Y: f64 = 92.0;
const BRIDGE_H: f64 = 28.0;
const CONTAINER_Y: f64 = 158.0;
const NETWORK_GAP: f64 = 34.0;
/// More containers than this stand in several rows, in which there is room for their cables.
const IN_A_ROW: usize = 8;
const ROW_GAP: f64 = 26.0;
/// A host that would be wider than this has its containers in more rows, down to so many in a row.
const WIDEST: f64 = 1500.0;
const LEAST_IN_A_ROW: usize = 3;
/// The head of a box with several tenants.
const SHARED_HEAD: f64 = 24.0;
/// Room beside the gate for the way past it.
const PAST_W: f64 = 46.0;

/// The width of a host with nothing in it.
pub(super) const LEAST_W: f64 = 700.0;
/// The height of a host whose containers stand in one row.
pub(super) const LEAST_H: f64 = CONTAINER_Y + CONTAINER_H + 18.0;

/// The chips of a gate with their widths.
const CHIPS: [(Stage, f64); 6] = [
    (Stage::Hook(Hook::Prerouting), 92.0),
    (Stage::Route, 58.0),
    (Stage::Hook(Hook::Input), 56.0),
    (Stage::Hook(Hook::Forward), 72.0),
    (Stage::Hook(Hook::Output), 62.0),
    (Stage::Hook(Hook::Postrouting), 98.0),
];
const CHIP_GAP: f64 = 12.0;
const GATE_LABEL: f64 = 64.0;

/// Places all that is inside a host, and makes the host large enough.
pub(super) fn furnish(node: &mut NodeBox, host: &HostPlan, plan: &NodePlan) {
    let (x0, y0) = (node.rect.x, node.rect.y);
    let mut x = x0 + HOST_PAD;
    let most = in_a_row(host);
    x = own_room(node, host, plan, x);
    for (i, network) in host.networks.iter().enumerate() {
        if matches!(network.exit, Exit::Parent { .. }) {
            continue;
        }
        x = network_box(node, host, plan, (i, network, most), x);
    }
    let alone: Vec<_> = host
        .containers
        .iter()
        .filter(|c| c.ends.is_empty() && matches!(c.mode, Mode::Own | Mode::None))
        .collect();
    if !alone.is_empty() {
        x = row(node, host, plan, (&alone, most), x) - CONTAINER_GAP + NETWORK_GAP;
    }
    // Behind the wall.
    let behind = x;
    for (i, network) in host.networks.iter().enumerate() {
        if matches!(network.exit, Exit::Parent { .. }) {
            x = network_box(node, host, plan, (i, network, most), x);
        }
    }
    let walled = x > behind;
    let past = if walled { PAST_W } else { 0.0 };
    let chips: f64 = CHIPS.iter().map(|c| c.1 + CHIP_GAP).sum();
    let least = GATE_X + GATE_LABEL + chips + 8.0 + past + HOST_PAD;
    let w = (x - NETWORK_GAP + HOST_PAD - x0).max(least);
    let lowest = node.containers.iter().map(|c| c.rect.bottom());
    let lowest = lowest.chain(node.shared.iter().map(|s| s.rect.bottom()));
    let bottom = lowest.fold(y0 + CONTAINER_Y + CONTAINER_H, f64::max);
    node.rect = Rect::new(x0, y0, w, bottom + 18.0 - y0);
    if let Some(room) = &mut node.room {
        room.rect.h = bottom + 8.0 - room.rect.y;
    }
    for bridge in &mut node.bridges {
        bridge.area.h = bottom + 8.0 - bridge.area.y;
    }
    if walled {
        shift_behind(node, host, behind, w);
        node.wall = Some(wall(node, host, w));
    }
    let rect = Rect::new(x0 + GATE_X, y0 + GATE_Y, w - GATE_X - HOST_PAD - past, GATE_H);
    node.gate = Some(gate(rect, chips));
}

/// The rooms behind the wall lie at the right edge, below the way past the gate.
fn shift_behind(node: &mut NodeBox, host: &HostPlan, behind: f64, w: f64) {
    let right = node.rect.x + w - HOST_PAD;
    let end = |b: &BridgeBox| b.rect.right();
    let last = node.bridges.iter().filter(|b| b.rect.x >= behind).map(end).fold(behind, f64::max);
    let by = right - last;
    let moved: Vec<usize> =
        (0..host.networks.len()).filter(|&i| matches!(host.networks[i].exit, Exit::Parent { .. })).collect();
    for bridge in node.bridges.iter_mut().filter(|b| matches!(b.exit, Exit::Parent { .. })) {
        bridge.rect.x += by;
        bridge.area.x += by;
    }
    let lives = |name: &str| {
        let plan = host.containers.iter().find(|c| c.name == name);
        let plan = plan.and_then(|c| match &c.mode {
            Mode::Shares(owner) => host.containers.iter().find(|o| o.name == *owner),
            _ => Some(c),
        });
        plan.and_then(|c| c.ends.first()).is_some_and(|e| moved.contains(&e.0))
    };
    for c in node.containers.iter_mut().filter(|c| lives(&c.name)) {
        c.rect.x += by;
    }
    for shared in node.shared.iter_mut().filter(|s| s.rect.x >= behind) {
        shared.rect.x += by;
    }
}

/// The wall: down beside the way past the gate, along below it, and down before the rooms behind.
fn wall(node: &NodeBox, host: &HostPlan, w: f64) -> WallBox {
    let rooms = node.bridges.iter().filter(|b| matches!(b.exit, Exit::Parent { .. }));
    let left = rooms.map(|b| b.rect.x).fold(f64::MAX, f64::min) - NETWORK_GAP / 2.0;
    let (top, bottom) = (node.rect.y + 12.0, node.rect.bottom() - 10.0);
    let right = node.rect.x + w - HOST_PAD - PAST_W + 9.0;
    let below = node.rect.y + GATE_Y + GATE_H + 11.0;
    let points = vec![(right, top), (right, below), (left, below), (left, bottom)];
    let parents: Vec<DevRef> =
        host.networks.iter().filter(|n| matches!(n.exit, Exit::Parent { .. })).map(|n| n.dev).collect();
    let y = node.rect.y + BRIDGE_Y;
    let shims = host.shims.iter().filter(|s| parents.contains(&s.parent)).enumerate();
    let doors = shims.map(|(i, s)| {
        (s.name.clone(), Rect::new(left - 5.0, y + 2.0 + 32.0 * i as f64, 10.0, BRIDGE_H - 4.0))
    });
    let on =
        |c: &&ContainerPlan| c.ends.iter().any(|e| matches!(host.networks[e.0].exit, Exit::Parent { .. }));
    let address = |(n, a, _): &(usize, String, Option<super::input::Pair>)| {
        matches!(host.networks[*n].exit, Exit::Parent { .. }).then(|| a.parse().ok()).flatten()
    };
    let behind = host.containers.iter().flat_map(|c| &c.ends).filter_map(address).collect();
    let inside = host.containers.iter().filter(on).filter_map(|c| c.ns).collect();
    WallBox { points, behind, before: host.addresses.clone(), inside, doors: doors.collect() }
}

/// A network's bar with its containers below it. Returns where the next one begins.
fn network_box(
    node: &mut NodeBox,
    host: &HostPlan,
    plan: &NodePlan,
    (i, network, most): (usize, &NetworkPlan, usize),
    x: f64,
) -> f64 {
    let y0 = node.rect.y;
    let here: Vec<_> =
        host.containers.iter().filter(|c| c.ends.first().is_some_and(|e| e.0 == i) && is_first(c)).collect();
    let inner = row(node, host, plan, (&here, most), x + 4.0);
    let mut bar = BridgeBox {
        title: network.title.clone(),
        network: network.network.clone(),
        address: network.address.clone(),
        dns: network.dns,
        exit: network.exit.clone(),
        tone: (i % 4) as u8,
        rect: Rect::default(),
        area: Rect::default(),
        dev: network.dev,
    };
    let remark = bar.remark().map_or(if network.dns { 12 } else { 6 }, |r| r.chars().count());
    let title_w = bar_width(network, remark);
    let w = (inner - CONTAINER_GAP + 4.0 - x).max(title_w).max(if here.is_empty() { 150.0 } else { 220.0 });
    bar.rect = Rect::new(x, y0 + BRIDGE_Y, w, BRIDGE_H);
    let h = CONTAINER_Y + CONTAINER_H - BRIDGE_Y + 16.0;
    bar.area = Rect::new(x - 10.0, bar.rect.y - 8.0, w + 20.0, h);
    node.bridges.push(bar);
    x + w + NETWORK_GAP
}

/// It is drawn by itself, not as somebody's tenant.
fn is_first(c: &ContainerPlan) -> bool {
    !matches!(c.mode, Mode::Shares(_))
}

/// The width that a network's bar needs for its words; `remark`: letters of the last of them.
fn bar_width(network: &NetworkPlan, remark: usize) -> f64 {
    network.title.chars().count() as f64 * TITLE_CHAR
        + network.address.chars().count() as f64 * ADDR_CHAR
        + remark as f64 * REMARK_CHAR
        + 44.0
}

/// How many containers of a network stand in a row, so that the host does not get too wide to be read.
fn in_a_row(host: &HostPlan) -> usize {
    let lives = |c: &ContainerPlan, i: usize| {
        let home = match &c.mode {
            Mode::Shares(owner) => host.containers.iter().find(|o| o.name == *owner),
            _ => Some(c),
        };
        home.and_then(|c| c.ends.first()).is_some_and(|e| e.0 == i)
    };
    let widths: Vec<(f64, usize)> = host
        .networks
        .iter()
        .enumerate()
        .map(|(i, n)| (bar_width(n, 14), host.containers.iter().filter(|c| lives(c, i)).count()))
        .collect();
    let column = CONTAINER_W + CONTAINER_GAP;
    let wide = |most: usize| {
        let all = widths.iter().map(|(bar, n)| bar.max((*n).min(most) as f64 * column) + NETWORK_GAP);
        all.sum::<f64>()
    };
    (LEAST_IN_A_ROW..=IN_A_ROW).rev().find(|most| wide(*most) <= WIDEST).unwrap_or(LEAST_IN_A_ROW)
}

/// Those that share the namespace of a container.
fn guests<'a>(host: &'a HostPlan, owner: &ContainerPlan) -> Vec<&'a ContainerPlan> {
    host.containers.iter().filter(|g| g.mode == Mode::Shares(owner.name.clone())).collect()
}

/// Containers side by side, from `x`, in several rows where there are more than `most`; those that share
/// a namespace in one box. Returns where the next would stand.
fn row(
    node: &mut NodeBox,
    host: &HostPlan,
    plan: &NodePlan,
    (all, most): (&[&ContainerPlan], usize),
    x: f64,
) -> f64 {
    let y = node.rect.y + CONTAINER_Y;
    let (shared, single): (Vec<&ContainerPlan>, Vec<&ContainerPlan>) =
        all.iter().copied().partition(|c| !guests(host, c).is_empty());
    let wide = |c: &ContainerPlan| container_box(plan, c, (0.0, 0.0)).rect.w;
    let step = all.iter().map(|c| wide(c)).fold(0.0, f64::max) + CONTAINER_GAP;
    let columns = |w: f64| (((w + CONTAINER_GAP) / step).ceil() as usize).max(1);
    let shared_w = |c: &ContainerPlan| {
        let tenants = std::iter::once(c).chain(guests(host, c));
        tenants.map(|t| wide(t) + 6.0).sum::<f64>() + 2.0
    };
    let total = single.len() + shared.iter().map(|c| columns(shared_w(c))).sum::<usize>();
    if total <= most {
        // In the order in which they were made, each as wide as it needs.
        return all.iter().fold(x, |x, c| unit(node, host, plan, c, (x, y)) + CONTAINER_GAP);
    }
    // Rows of columns, so that the cables of the lower ones pass between the upper ones. A box over
    // several columns stands below all that are in one.
    let height = if shared.is_empty() { CONTAINER_H } else { SHARED_HEAD + CONTAINER_H - 9.0 } + ROW_GAP;
    let (mut column, mut line, mut used) = (0, 0, 0);
    for c in single.into_iter().chain(shared) {
        let wide = if guests(host, c).is_empty() { 1 } else { columns(shared_w(c)) };
        if column > 0 && column + wide > most {
            (column, line) = (0, line + 1);
        }
        unit(node, host, plan, c, (x + step * column as f64, y + height * line as f64));
        column += wide;
        used = used.max(column);
    }
    x + step * used as f64
}

/// One container, or several in the box that they share. Returns its right edge.
fn unit(node: &mut NodeBox, host: &HostPlan, plan: &NodePlan, c: &ContainerPlan, (x, y): Point) -> f64 {
    let guests = guests(host, c);
    if guests.is_empty() {
        let b = container_box(plan, c, (x, y));
        let right = b.rect.right();
        node.containers.push(b);
        return right;
    }
    let mut inner = x + 7.0;
    for tenant in std::iter::once(c).chain(guests.iter().copied()) {
        let mut b = container_box(plan, tenant, (inner, y + SHARED_HEAD));
        (b.shares, b.striped) = (true, false);
        b.tone = tone(c);
        b.rect.h = CONTAINER_H - 16.0;
        // The address is the box's.
        b.lines.retain(|l| l.ink != Ink::Address && l.text != "scene.no_network");
        inner = b.rect.right() + 6.0;
        node.containers.push(b);
    }
    let address: Vec<&str> = c.ends.iter().map(|e| e.1.as_str()).filter(|a| !a.is_empty()).collect();
    let address = if address.is_empty() { "127.0.0.1".to_owned() } else { address.join(" ") };
    let rect = Rect::new(x, y, inner + 1.0 - x, SHARED_HEAD + CONTAINER_H - 16.0 + 7.0);
    let tenants = guests.len() + 1;
    node.shared.push(SharedBox { rect, tone: tone(c), address, tenants, ns: c.ns });
    rect.right()
}

/// The host's own room with the containers that live in it. Returns where the networks begin.
fn own_room(node: &mut NodeBox, host: &HostPlan, plan: &NodePlan, x: f64) -> f64 {
    let tenants: Vec<_> = host.containers.iter().filter(|c| c.mode == Mode::Host).collect();
    if tenants.is_empty() {
        return x;
    }
    let address = plan.ports.iter().find(|p| !p.address.is_empty()).map(|p| p.address.clone());
    let address = address.map(|a| a.split('/').next().unwrap_or_default().to_owned()).unwrap_or_default();
    let mut inner = x + 8.0;
    let mut homes = Vec::new();
    for c in tenants {
        let mut b = container_box(plan, c, (inner, node.rect.y + CONTAINER_Y));
        b.lines.retain(|l| l.text != "scene.no_network");
        b.lines.insert(0, line(Ink::Address, address.clone()));
        b.lines.truncate(3);
        inner = b.rect.right() + 10.0;
        homes.push((c.listens.clone(), b.rect));
        node.containers.push(b);
    }
    let w = (inner - x - 2.0).max(196.0);
    let y = node.rect.y + BRIDGE_Y - 4.0;
    node.room = Some(RoomBox {
        rect: Rect::new(x, y, w, CONTAINER_H + CONTAINER_Y - BRIDGE_Y),
        address,
        tenants: homes,
    });
    x + w + NETWORK_GAP - 8.0
}

fn container_box(node: &NodePlan, plan: &ContainerPlan, at: Point) -> ContainerBox {
    let addresses = plan.ends.iter().filter(|e| !e.1.is_empty());
    let mut lines: Vec<Line> = addresses.map(|e| line(Ink::Address, e.1.clone())).collect();
    let alone = plan.mode == Mode::None;
    if alone {
        lines.push(line(Ink::Address, "lo 127.0.0.1"));
    } else if lines.is_empty() {
        lines.push(key("scene.no_network"));
    }
    lines.extend(plan.mac.as_ref().map(|mac| line(Ink::Address, mac.clone())));
    let image = plan.image.rsplit('/').next().unwrap_or(&plan.image);
    let ports: Vec<String> = plan.listens.iter().map(|p| format!(":{p}")).collect();
    let remark = if ports.is_empty() { image.to_owned() } else { format!("{image} · {}", ports.join(" ")) };
    lines.push(line(Ink::Remark, remark));
    if !plan.running {
        lines.push(key("scene.stopped"));
    } else if !plan.published.is_empty() {
        lines.push(line(Ink::Accent, plan.published.join(" ")));
    } else if alone {
        lines.push(key("scene.only_lo"));
    }
    lines.truncate(3);
    let w = (text_width(&plan.name, &lines) + 26.0).clamp(CONTAINER_W, 220.0);
    ContainerBox {
        name: plan.name.clone(),
        place: format!("{}:{}", node.id, plan.name),
        rect: Rect::new(at.0, at.1, w, CONTAINER_H),
        tone: tone(plan),
        running: plan.running,
        lines,
        ns: plan.ns,
        shares: false,
        alone,
        striped: !plan.ends.is_empty(),
    }
}

fn tone(plan: &ContainerPlan) -> u8 {
    plan.ends.first().map_or(0, |e| (e.0 % 4) as u8)
}

fn gate(rect: Rect, chips: f64) -> Gate {
    // The chips spread over the width that there is.
    let spare = ((rect.w - GATE_LABEL - 8.0 - chips) / CHIPS.len() as f64).clamp(0.0, 90.0);
    let mut x = rect.x + GATE_LABEL;
    let chips = CHIPS.map(|(stage, w)| {
        let chip = Rect::new(x, rect.y + 9.0, w, rect.h - 18.0);
        x += w + CHIP_GAP + spare;
        (stage, chip)
    });
    Gate { rect, chips: chips.to_vec() }
}

// ---- ways

fn inside(dev: DevRef, points: Vec<Point>, tone: u8) -> Wire {
    Wire { ends: (dev, dev), points, kind: WireKind::Inside(tone), label: None, dead: false }
}

/// From each top port to the gate, from the gate to each bridge and to the host's own room.
pub(super) fn inside_wires(node: &NodeBox, wires: &mut Vec<Wire>) {
    let Some(gate) = &node.gate else { return };
    for port in &node.ports {
        let x = port.rect.center().0.clamp(gate.rect.x + 8.0, gate.rect.right() - 8.0);
        wires.push(inside(port.dev, vec![(x, port.rect.bottom()), (x, gate.rect.y)], 9));
    }
    let below = |rect: &Rect| {
        let low = rect.x.max(gate.rect.x) + 14.0;
        let high = rect.right().min(gate.rect.right()) - 14.0;
        if low < high { rect.center().0.clamp(low, high) } else { rect.center().0 }
    };
    for bridge in node.bridges.iter().filter(|b| !matches!(b.exit, Exit::Parent { .. })) {
        let x = below(&bridge.rect);
        wires.push(inside(bridge.dev, vec![(x, gate.rect.bottom()), (x, bridge.rect.y)], bridge.tone));
    }
    if let (Some(room), Some(port)) = (&node.room, node.ports.first()) {
        let x = below(&room.rect);
        wires.push(inside(port.dev, vec![(x, gate.rect.bottom()), (x, room.rect.y)], 9));
    }
}

/// The box in which a container is drawn, seen from above: its own, or the one it shares.
fn house_of(node: &NodeBox, container: &ContainerPlan) -> Option<Rect> {
    let shared = node.shared.iter().find(|s| s.ns.is_some() && s.ns == container.ns);
    let own = || node.containers.iter().find(|b| b.name == container.name).map(|b| b.rect);
    shared.map(|s| s.rect).or_else(own)
}

/// The veth pairs of containers.
pub(super) fn veths(node: &NodeBox, host: &HostPlan, wires: &mut Vec<Wire>) {
    for container in host.containers.iter().filter(|c| is_first(c)) {
        let Some(drawn) = house_of(node, container) else { continue };
        for (k, (network, _, wire)) in container.ends.iter().enumerate() {
            let bar = bar(node, host, *network);
            let (Some((outer, name, own)), Some(bridge)) = (wire, bar) else { continue };
            if matches!(bridge.exit, Exit::Parent { .. }) {
                continue;
            }
            let label = k == 0 && bridge.exit == Exit::Bridge && !is_lower(bridge, &drawn);
            let points = drop(bridge, &drawn, k);
            let at = (points[0].0 + 7.0, bridge.rect.bottom() + 25.0);
            wires.push(Wire {
                ends: (*outer, *own),
                points,
                kind: WireKind::Veth(bridge.tone),
                label: label.then(|| (name.clone(), at)),
                dead: false,
            });
        }
    }
}

fn bar<'a>(node: &'a NodeBox, host: &HostPlan, network: usize) -> Option<&'a BridgeBox> {
    let name = &host.networks.get(network)?.network;
    node.bridges.iter().find(|b| b.network == *name)
}

/// Does it stand in a lower row than the first?
fn is_lower(bridge: &BridgeBox, drawn: &Rect) -> bool {
    drawn.y > bridge.rect.y + (CONTAINER_Y - BRIDGE_Y) + 1.0
}

/// From a bar down to the `k`th end of a container.
fn drop(bridge: &BridgeBox, drawn: &Rect, k: usize) -> Vec<Point> {
    let cx = drawn.center().0 + 26.0 * k as f64;
    if is_lower(bridge, drawn) {
        // Left of it, between the columns.
        let (lane, mid) = (drawn.x - CONTAINER_GAP / 2.0, drawn.y - 8.0 - 3.0 * k as f64);
        let over = lane.clamp(bridge.rect.x - CONTAINER_GAP, bridge.rect.right());
        if over == lane {
            return vec![(lane, bridge.rect.bottom()), (lane, mid), (cx, mid), (cx, drawn.y)];
        }
        // The bar is another network's: above the first row across to the lane.
        let bar = lane.clamp(bridge.rect.x + 16.0, bridge.rect.right() - 16.0);
        let high = bridge.rect.y + (CONTAINER_Y - BRIDGE_Y) - 12.0 - 4.0 * k as f64;
        let lane = lane + 2.0 * k as f64;
        let down = [(bar, bridge.rect.bottom()), (bar, high), (lane, high), (lane, mid)];
        return down.into_iter().chain([(cx, mid), (cx, drawn.y)]).collect();
    }
    if k == 0 {
        return vec![(cx, bridge.rect.bottom()), (cx, drawn.y)];
    }
    let (left, right) = (bridge.rect.x + 16.0, bridge.rect.right() - 16.0);
    let bx = cx.clamp(left, right);
    let mid = drawn.y - 12.0 - 4.0 * k as f64;
    vec![(bx, bridge.rect.bottom()), (bx, mid), (cx, mid), (cx, drawn.y)]
}

/// What stands on an interface of the host: the way past the gate, and the ends behind the wall.
pub(super) fn on_parents(node: &NodeBox, host: &HostPlan, wires: &mut Vec<Wire>, stubs: &mut Vec<Stub>) {
    for (i, network) in host.networks.iter().enumerate() {
        let Some(bar) = bar(node, host, i).filter(|b| matches!(b.exit, Exit::Parent { .. })) else {
            continue;
        };
        let parent = network.dev;
        let middle = bar.rect.center().1;
        // The port: the parent's own, or that below a VLAN sub-interface.
        let below = host.vlans.iter().find(|v| v.1 == parent).map(|v| v.0);
        let port = node.ports.iter().find(|p| p.dev == below.unwrap_or(parent));
        if let Some(port) = port {
            let lane = (node.rect.right() - HOST_PAD - PAST_W / 2.0 + 6.0).min(bar.rect.right() - 12.0);
            let (px, py) = port.rect.center();
            let top = node.rect.y + 15.0;
            let mut points = vec![(lane, bar.rect.y), (lane, top), (px, top), (px, py)];
            let end = if below.is_some() { parent } else { port.dev };
            wires.push(Wire {
                ends: (end, port.dev),
                points: points.clone(),
                kind: WireKind::Past(bar.tone),
                label: None,
                dead: false,
            });
            points.insert(0, (lane, middle));
            if below.is_some() {
                points.truncate(2);
            }
            stubs.push(Stub { dev: parent, parent, points });
        }
        for container in host.containers.iter().filter(|c| is_first(c)) {
            let Some(drawn) = house_of(node, container) else { continue };
            for (k, (n, _, wire)) in container.ends.iter().enumerate() {
                let Some((_, _, own)) = wire.as_ref().filter(|_| *n == i) else { continue };
                let mut points = drop(bar, &drawn, k);
                wires.push(Wire {
                    ends: (*own, *own),
                    points: points.clone(),
                    kind: WireKind::Veth(bar.tone),
                    label: None,
                    dead: false,
                });
                points.insert(0, (points[0].0, middle));
                stubs.push(Stub { dev: *own, parent, points });
            }
        }
        let doors = node.wall.iter().flat_map(|w| &w.doors);
        let shims = host.shims.iter().filter(|s| s.parent == parent);
        for shim in shims {
            let Some(door) = doors.clone().find(|d| d.0 == shim.name) else { continue };
            let at = (door.1.x - 8.0, door.1.center().1);
            stubs.push(Stub { dev: shim.dev, parent, points: vec![(bar.rect.x + 6.0, middle), at] });
        }
    }
}
