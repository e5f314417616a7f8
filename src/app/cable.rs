//! Cables: which ports fit each other, drawing one, plugging one end elsewhere, pulling it out.

use super::scene::Point;
use super::view::Drag;
use super::{App, Dialog, Selection};
use crate::explain::text;
use crate::lab::{Edit, Lab};
use crate::session::{LinkConfig, NodeConfig, NodeKind, Wifi};
use crate::wire::IfName;

/// A port of a node.
pub type End = (String, IfName);

/// How near the pointer has to come to a socket, in canvas units.
const REACH: f64 = 16.0;
/// How far the pointer goes before a press becomes a drag, in canvas units.
const DRAG_START: f64 = 5.0;

/// Where a cable that is being drawn begins, or where it might end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fixed {
    /// At this port.
    Port(End),
    /// At the first port of this node that fits.
    Node(String),
}

impl Fixed {
    /// The node.
    pub fn node(&self) -> &str {
        match self {
            Self::Port((node, _)) | Self::Node(node) => node,
        }
    }
}

/// A cable that is being drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct CableDrag {
    /// The end that stays.
    pub fixed: Fixed,
    /// The end that was pulled out of its socket, if it was in one.
    pub pulled: Option<End>,
    /// Where the pointer took hold, and where it is, in canvas units.
    pub from: Point,
    /// See `from`.
    pub at: Point,
    /// The pointer went far enough to mean it.
    pub moved: bool,
    /// What would be cabled if it were dropped here.
    pub pair: Option<(End, End)>,
    /// Sockets that would take it.
    pub fits: Vec<End>,
}

/// What is done with cables.
#[derive(Debug, Clone, PartialEq)]
pub enum CableAction {
    /// A socket was pressed, at this pixel.
    Grab(End, Point),
    /// A cable is drawn from a box, at this pixel.
    From(String, Point),
    /// The list of what this node can be cabled with.
    Choose(String),
    /// With the cable tool a press on a box begins or ends a cable instead of moving the box.
    Tool(bool),
    /// Plugs a cable into both.
    Plug(End, End),
    /// Pulls the cable in this one out.
    Unplug(End),
}

/// The list from which a cable is chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct CableForm {
    /// Whose cables.
    pub node: String,
    /// The own port that is chosen.
    pub port: Option<IfName>,
    /// Index into [`CableForm::ends`].
    pub chosen: usize,
    /// Own sockets, with what is at the other end.
    pub ports: Vec<(IfName, Option<End>)>,
    /// What could be plugged in: ports of others that are free and fit the chosen one.
    pub ends: Vec<End>,
}

impl CableForm {
    /// Of a node, beginning at the first port that is free.
    pub fn new(lab: &Lab, node: &str, port: Option<IfName>) -> Self {
        let config = lab.nodes.iter().find(|n| n.id == node);
        let ports: Vec<_> = config
            .map(sockets)
            .unwrap_or_default()
            .into_iter()
            .map(|p| (p, other_end(lab, node, p)))
            .collect();
        let free = |p: &IfName| is_free(lab, &(node.to_owned(), *p));
        let open = |p: &IfName| free(p) && !ends(lab, &(node.to_owned(), *p)).is_empty();
        let port = port.or_else(|| {
            let names = || ports.iter().map(|p| p.0);
            names().find(|p| open(p)).or_else(|| names().find(|p| free(p)))
        });
        let ends = port.map(|p| ends(lab, &(node.to_owned(), p))).unwrap_or_default();
        Self { node: node.to_owned(), port, chosen: 0, ports, ends }
    }
    /// The cable that is chosen.
    pub fn pair(&self) -> Option<(End, End)> {
        Some(((self.node.clone(), self.port?), self.ends.get(self.chosen)?.clone()))
    }
}

/// The ports of a node that take a cable or a radio link: all but the bridges made of others.
pub fn sockets(node: &NodeConfig) -> Vec<IfName> {
    let bridge = |name: IfName| node.ports.iter().any(|p| p.bridge == Some(name));
    node.ports.iter().map(|p| p.name).filter(|n| !bridge(*n)).collect()
}

/// What is at the other end of the cable in this port.
pub fn other_end(lab: &Lab, node: &str, port: IfName) -> Option<End> {
    lab.links.iter().find_map(|l| {
        let at = |e: &End| e.0 == node && e.1 == port;
        if at(&l.a) {
            Some(l.b.clone())
        } else if at(&l.b) {
            Some(l.a.clone())
        } else {
            None
        }
    })
}

fn radio(lab: &Lab, end: &End) -> Option<Wifi> {
    node(lab, &end.0)?.port(end.1)?.wifi
}

/// The radio that the other end must have.
fn radio_wanted(lab: &Lab, end: &End) -> Option<Wifi> {
    radio(lab, end).map(|r| match r {
        Wifi::Station => Wifi::AccessPoint,
        Wifi::AccessPoint => Wifi::Station,
    })
}

/// An access point takes any number of stations.
pub fn is_shared(lab: &Lab, end: &End) -> bool {
    radio(lab, end) == Some(Wifi::AccessPoint)
}

fn is_free(lab: &Lab, end: &End) -> bool {
    other_end(lab, &end.0, end.1).is_none()
}

fn node<'a>(lab: &'a Lab, id: &str) -> Option<&'a NodeConfig> {
    lab.nodes.iter().find(|n| n.id == id)
}

/// Which side of the world a port faces.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Facing {
    /// The internet: a router's WAN port.
    Out,
    /// A network at home: a router's LAN port.
    Home,
    /// Whoever is plugged in.
    Any,
}

fn facing(node: &NodeConfig, port: IfName) -> Facing {
    match &node.router {
        Some(r) if r.wan == port => Facing::Out,
        Some(_) => Facing::Home,
        None => Facing::Any,
    }
}

/// How well two ports suit each other when nobody has said which: the lower the better.
fn unsuited(lab: &Lab, a: &End, b: &End) -> u32 {
    let (Some(na), Some(nb)) = (node(lab, &a.0), node(lab, &b.0)) else { return u32::MAX };
    let street = |n: &NodeConfig| n.kind == NodeKind::Isp;
    let hub = |n: &NodeConfig| matches!(n.kind, NodeKind::Router | NodeKind::Switch | NodeKind::Isp);
    let one = |n: &NodeConfig, port: IfName, other: &NodeConfig| match facing(n, port) {
        Facing::Out => u32::from(!street(other)) * 4,
        Facing::Home => u32::from(street(other)) * 4,
        // A computer at the provider's, or at another computer: it can be, but is seldom meant.
        Facing::Any => u32::from(street(n) && other.router.is_none()) + 2 * u32::from(!hub(n) && !hub(other)),
    };
    one(na, a.1, nb) + one(nb, b.1, na)
}

/// Free ports of other nodes that `end` can be cabled with, those that suit it best first; of ports
/// that are alike the first.
pub fn ends(lab: &Lab, end: &End) -> Vec<End> {
    let others = lab.nodes.iter().filter(|n| n.id != end.0);
    let all = others.flat_map(|n| sockets(n).into_iter().map(|p| (n.id.clone(), p)));
    let mut fit: Vec<End> = all.filter(|other| fits(lab, end, other, None)).collect();
    fit.sort_by_key(|other| unsuited(lab, end, other));
    let mut seen = Vec::new();
    fit.retain(|other| {
        let alike = (other.0.clone(), node(lab, &other.0).map(|n| facing(n, other.1)));
        let new = !seen.contains(&alike);
        seen.push(alike);
        new
    });
    fit
}

/// Can a cable lead from `a` to `b`? `but`: a port whose cable is being pulled out.
fn fits(lab: &Lab, a: &End, b: &End, but: Option<&End>) -> bool {
    // Both ends of the cable that is pulled out are free.
    let pulled =
        |end: &End| but.is_some() && (but == Some(end) || other_end(lab, &end.0, end.1).as_ref() == but);
    let free = |end: &End| is_free(lab, end) || pulled(end) || is_shared(lab, end);
    a.0 != b.0 && radio(lab, a) == radio_wanted(lab, b) && free(a) && free(b)
}

/// The cable between two places of which a node may stand for any of its ports.
pub fn pair(lab: &Lab, a: &Fixed, b: &Fixed, but: Option<&End>) -> Option<(End, End)> {
    let ports = |f: &Fixed| match f {
        Fixed::Port(end) => vec![end.clone()],
        Fixed::Node(id) => {
            let names = node(lab, id).map(sockets).unwrap_or_default();
            names.into_iter().map(|p| (id.clone(), p)).collect()
        }
    };
    let to = ports(b);
    let from = ports(a);
    let pairs = from.iter().flat_map(|a| to.iter().map(move |b| (a, b)));
    let fit = pairs.filter(|(a, b)| fits(lab, a, b, but));
    // A cable before a radio link, where both could be.
    let best = fit.min_by_key(|(a, b)| (unsuited(lab, a, b), u32::from(radio(lab, a).is_some())));
    best.map(|(a, b)| (a.clone(), b.clone()))
}

impl App {
    pub(super) fn cable(&mut self, action: CableAction) {
        match action {
            CableAction::Grab(end, pixel) => {
                let cabled = other_end(&self.lab, &end.0, end.1).filter(|_| !is_shared(&self.lab, &end));
                let (fixed, pulled) = match cabled {
                    // Who takes a computer by its cable wants the computer elsewhere: its own end
                    // stays, and the far one is plugged in anew. Between devices that carry others'
                    // traffic the plug in hand moves.
                    Some(other) if self.is_end_device(&end.0) => (Fixed::Port(end), Some(other)),
                    Some(other) => (Fixed::Port(other), Some(end)),
                    None => (Fixed::Port(end), None),
                };
                self.draw_from(fixed, pulled, pixel);
            }
            CableAction::From(node, pixel) => self.draw_from(Fixed::Node(node), None, pixel),
            CableAction::Choose(node) => {
                self.dialog = Some(Dialog::Cable(CableForm::new(&self.lab, &node, None)));
            }
            CableAction::Tool(on) => {
                self.cabling = on;
                self.drag = None;
            }
            CableAction::Plug(a, b) => {
                self.plug(None, a, b);
            }
            CableAction::Unplug(end) => self.unplug(end),
        }
    }

    /// Neither router nor switch nor provider.
    fn is_end_device(&self, id: &str) -> bool {
        let hub = |n: &NodeConfig| matches!(n.kind, NodeKind::Router | NodeKind::Switch | NodeKind::Isp);
        node(&self.lab, id).is_some_and(|n| !hub(n))
    }

    fn draw_from(&mut self, fixed: Fixed, pulled: Option<End>, pixel: Point) {
        // With the cable tool the second press is where the cable ends.
        if let Some(Drag::Cable(_)) = &self.drag {
            self.cable_to(pixel);
            return self.cable_dropped();
        }
        let at = self.camera.to_canvas(pixel);
        let lab = &self.lab;
        let mut fits: Vec<End> = Vec::new();
        for n in lab.nodes.iter().filter(|n| n.id != fixed.node()) {
            let ends = sockets(n).into_iter().map(|p| (n.id.clone(), p));
            let taken =
                ends.filter(|end| pair(lab, &fixed, &Fixed::Port(end.clone()), pulled.as_ref()).is_some());
            fits.extend(taken);
        }
        self.drag =
            Some(Drag::Cable(CableDrag { fixed, pulled, from: at, at, moved: false, pair: None, fits }));
    }

    /// The pointer moved, to this pixel, with a cable in hand.
    pub(super) fn cable_to(&mut self, pixel: Point) {
        let at = self.camera.to_canvas(pixel);
        let Some(Drag::Cable(drag)) = &mut self.drag else { return };
        drag.at = at;
        drag.moved |= (at.0 - drag.from.0).hypot(at.1 - drag.from.1) > DRAG_START;
        let scene = &self.shown.scene;
        let socket = scene.port_near(at, REACH).map(|(n, p)| (n.id.clone(), p.name.parse::<IfName>()));
        let over = match socket {
            Some((node, Ok(port))) => Some(Fixed::Port((node, port))),
            _ => scene.nodes.iter().rev().find(|n| n.rect.contains(at)).map(|n| Fixed::Node(n.id.clone())),
        };
        let elsewhere = over.filter(|o| o.node() != drag.fixed.node());
        drag.pair = elsewhere.and_then(|to| {
            let lab = &self.lab;
            let exact = pair(lab, &drag.fixed, &to, drag.pulled.as_ref());
            // A socket that is taken: the box may have another.
            exact.or_else(|| pair(lab, &drag.fixed, &Fixed::Node(to.node().to_owned()), drag.pulled.as_ref()))
        });
    }

    /// The cable in hand was let go.
    pub(super) fn cable_dropped(&mut self) {
        let Some(Drag::Cable(drag)) = self.drag.take() else { return };
        match (drag.pair, drag.pulled) {
            (Some((a, b)), pulled) => {
                if pulled.as_ref() == Some(&b) {
                    return;
                }
                if self.plug(pulled, a, b) {
                    self.cabling = false;
                }
            }
            // Back at the box from which it was drawn: nothing was meant to change.
            (None, Some(_)) if drag.moved && self.is_at_home(&drag.fixed, drag.at) => {}
            (None, Some(end)) if drag.moved => self.unplug(end),
            // A press without a way: on a cabled port it selects the cable, else it asks whereto.
            (None, Some(end)) => self.selection = Some(Selection::Link(end.0, end.1.to_string())),
            (None, None) if !drag.moved && self.cabling => {
                // The cable tool: the next press says where it ends.
                self.drag = Some(Drag::Cable(CableDrag { pair: None, pulled: None, ..drag }));
            }
            (None, None) if !drag.moved => {
                if let Fixed::Port((node, port)) = drag.fixed {
                    self.dialog = Some(Dialog::Cable(CableForm::new(&self.lab, &node, Some(port))));
                }
            }
            (None, None) => {}
        }
    }

    /// Is this point on the box whose end of the cable stays?
    fn is_at_home(&self, fixed: &Fixed, at: Point) -> bool {
        let node = self.shown.scene.node(fixed.node()).filter(|_| self.is_end_device(fixed.node()));
        node.is_some_and(|n| n.rect.grown(REACH).contains(at))
    }

    /// Plugs a cable in; `pulled`: it was in this socket before.
    fn plug(&mut self, pulled: Option<End>, a: End, b: End) -> bool {
        let title = text(
            self.settings.lang,
            "flow.cable",
            &[("a", &format!("{} {}", a.0, a.1)), ("b", &format!("{} {}", b.0, b.1))],
        );
        let place = a.0.clone();
        let old = pulled
            .as_ref()
            .and_then(|end| self.lab.links.iter().find(|l| l.a == *end || l.b == *end).cloned());
        let plugged = match old {
            Some(link) => LinkConfig { a, b, ..link },
            None => LinkConfig::new(a, b),
        };
        let moved = pulled.is_some();
        let words = format!("{} {} – {} {}", plugged.a.0, plugged.a.1, plugged.b.0, plugged.b.1);
        let mut edits = Vec::new();
        edits.extend(pulled.map(|(node, port)| Edit::RemoveLink { node, port }));
        edits.push(Edit::AddLink(plugged));
        let done = self.edit_to_watch(&Edit::Batch(edits), &place, &title);
        if done && moved {
            self.toast("toast.replugged", &words, false);
        }
        done
    }

    fn unplug(&mut self, (node, port): End) {
        let far = other_end(&self.lab, &node, port);
        let words = far.map(|far| format!("{node} {port} – {} {}", far.0, far.1)).unwrap_or_default();
        if self.edit(&Edit::RemoveLink { node, port }) {
            self.toast("toast.unplugged", &words, false);
        }
        if matches!(self.selection, Some(Selection::Link(..))) {
            self.selection = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::catalogue::{self, Device};

    fn street() -> Lab {
        let mut lab = Lab::builtin("empty").unwrap();
        for device in [Device::Internet, Device::Router, Device::Computer, Device::Switch] {
            catalogue::add(&lab, device, (0, 0)).unwrap().apply(&mut lab).unwrap();
        }
        lab
    }

    fn ports(lab: &Lab, a: &str, b: &str) -> Option<String> {
        let node = |id: &str| Fixed::Node(id.to_owned());
        pair(lab, &node(a), &node(b), None).map(|(a, b)| format!("{} {}", a.1, b.1))
    }

    #[test]
    fn from_box_to_box_the_ports_that_are_meant_are_taken() {
        let lab = street();
        for (a, b, expect) in [
            ("router", "isp", "wan0 home1"),
            ("computer", "router", "eth0 lan1"),
            ("switch", "router", "port1 lan1"),
            ("computer", "switch", "eth0 port1"),
            ("computer", "isp", "eth0 home1"),
        ] {
            assert_eq!(ports(&lab, a, b).as_deref(), Some(expect), "{a} {b}");
        }
    }

    #[test]
    fn with_the_socket_taken_a_computer_joins_by_radio() {
        let mut lab = street();
        let end = |node: &str, port: &str| (node.to_owned(), port.parse().unwrap());
        let link = LinkConfig::new(end("computer", "eth0"), end("router", "lan1"));
        Edit::AddLink(link).apply(&mut lab).unwrap();
        assert_eq!(ports(&lab, "computer", "router").as_deref(), Some("wlan0 wlan0"));
        assert_eq!(ports(&lab, "computer", "switch"), None);
    }

    #[test]
    fn the_list_offers_each_kind_of_port_once_and_the_likely_ones_first() {
        let lab = street();
        let form = CableForm::new(&lab, "computer", None);
        let shown: Vec<_> = form.ends.iter().map(|(n, p)| format!("{n} {p}")).collect();
        assert_eq!(shown, ["router lan1", "switch port1", "isp home1", "router wan0"]);
    }
}
