//! What the last command changed: the list, and where its entries are on the picture.

use super::App;
use super::scene::{Point, Rect, Scene, Stage};
use crate::netfilter::Hook;
use crate::session::Session;
use crate::session::changes::{Change, Changed};
use crate::stack::DevRef;

/// Up to this width of the picture, in pixels, lists lie over it.
const SMALL_CANVAS: f64 = 560.0;
/// How long everything that changed stays lit, in milliseconds.
const LIT_MS: f64 = 6000.0;

/// Where an entry is on the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Spot {
    Container(String),
    /// Host, network.
    Network(String, String),
    /// A port of a node.
    Device(String, String),
    /// A hook of a host's firewall.
    Hook(String, Hook),
    Node(String),
    /// A veth pair: the host's end, and the container.
    Cable(Option<DevRef>, String),
}

/// A light on the picture.
#[derive(Debug, Clone, PartialEq)]
pub enum Light {
    /// A box.
    Box(Rect),
    /// A wire.
    Wire(Vec<Point>),
}

/// What the last command changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Changes {
    /// Where the command ran.
    pub place: String,
    /// The command.
    pub line: String,
    /// The list.
    pub list: Vec<Change>,
    /// Which entry is pointed at.
    pub pointed: Option<usize>,
    /// The list is unfolded.
    pub open: bool,
    spots: Vec<Spot>,
    left: f64,
}

/// What the reader does with the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangesAct {
    /// Points at an entry.
    Point(Option<usize>),
    /// Folds or unfolds it.
    Toggle,
    /// Puts it away.
    Close,
}

impl Changes {
    /// Of a line that is done; None if it changed nothing.
    pub fn new(session: &Session, place: &str, line: &str, list: &[Change], open: bool) -> Option<Self> {
        if list.is_empty() {
            return None;
        }
        Some(Self {
            place: place.to_owned(),
            line: line.to_owned(),
            spots: list.iter().map(|c| spot(session, c)).collect(),
            list: list.to_vec(),
            pointed: None,
            open,
            left: LIT_MS,
        })
    }
    /// Does what the reader asks; false if the list is to be put away.
    pub fn act(&mut self, act: ChangesAct) -> bool {
        match act {
            ChangesAct::Point(i) => self.pointed = i.filter(|i| *i < self.list.len()),
            ChangesAct::Toggle => self.open = !self.open,
            ChangesAct::Close => return false,
        }
        true
    }
    /// Milliseconds passed. True if lights are still on by themselves.
    pub fn tick(&mut self, dt: f64) -> bool {
        self.left = (self.left - dt).max(0.0);
        self.is_lit()
    }
    /// Are the lights on though nobody points?
    pub fn is_lit(&self) -> bool {
        self.left > 0.0
    }
    /// Does the other one look the same? It does while the same lights are on.
    pub fn looks_like(&self, other: &Self) -> bool {
        let lit = |c: &Self| (c.is_lit(), c.pointed, c.open);
        lit(self) == lit(other)
            && (&self.line, &self.place, &self.list) == (&other.line, &other.place, &other.list)
    }
    /// The lights that are on.
    pub fn lights(&self, scene: &Scene) -> Vec<Light> {
        let shown: Vec<&Spot> = match self.pointed {
            Some(i) => vec![&self.spots[i]],
            None if self.is_lit() => self.spots.iter().collect(),
            None => return Vec::new(),
        };
        let mut lights: Vec<Light> = Vec::new();
        for light in shown.into_iter().filter_map(|s| find(scene, s)) {
            if !lights.contains(&light) {
                lights.push(light);
            }
        }
        lights
    }
}

impl App {
    /// Something else is turned to: the list makes room.
    pub(super) fn fold_changes(&mut self) {
        if let Some(changes) = &mut self.changes {
            changes.open = false;
        }
    }
    /// Is there room for lists beside the picture?
    pub fn is_wide(&self) -> bool {
        self.camera.size.0 > SMALL_CANVAS
    }
}

/// The host that a place is or is on.
fn host(place: &str) -> String {
    place.split(':').next().unwrap_or(place).to_owned()
}

fn spot(session: &Session, change: &Change) -> Spot {
    let home = host(&change.place);
    let inside = || {
        if change.place.contains(':') {
            Spot::Container(change.place.clone())
        } else {
            Spot::Node(home.clone())
        }
    };
    match &change.what {
        Changed::Container { name, .. } => Spot::Container(format!("{home}:{name}")),
        Changed::Network { name, .. } => Spot::Network(home, name.clone()),
        Changed::Veth { dev, peer, .. } => {
            let ns = session.node(&home).ok().and_then(|n| session.world.namespace(n.ns));
            let end = ns.and_then(|ns| Some(DevRef { ns: ns.id, dev: ns.device_named(dev)?.index }));
            Spot::Cable(end, peer.clone())
        }
        Changed::Bridge { dev } | Changed::Address { dev, .. } | Changed::Up { dev, .. }
            if !change.place.contains(':') =>
        {
            let engine = session.node(&home).ok().and_then(|n| n.engine.as_ref());
            let network =
                engine.and_then(|e| e.networks().iter().find(|n| n.bridge.as_deref() == Some(dev.as_str())));
            match network {
                Some(network) => Spot::Network(home, network.name.clone()),
                None => Spot::Device(home, dev.clone()),
            }
        }
        Changed::Rule { table, chain, .. } => Spot::Hook(home, hook(table, chain)),
        Changed::Port { .. } => Spot::Hook(home, Hook::Prerouting),
        Changed::Name { addr, network, .. } => {
            let engine = session.node(&home).ok().and_then(|n| n.engine.as_ref());
            let named = engine.and_then(|e| {
                e.containers().iter().find(|c| c.endpoints.iter().any(|e| e.addr.addr() == *addr))
            });
            match named {
                Some(container) => Spot::Container(format!("{home}:{}", container.name)),
                None => Spot::Network(home, network.clone()),
            }
        }
        _ => inside(),
    }
}

/// The hook at which a chain is walked first.
fn hook(table: &str, chain: &str) -> Hook {
    match (table, chain) {
        (_, "PREROUTING") | ("nat", "DOCKER") => Hook::Prerouting,
        (_, "POSTROUTING") => Hook::Postrouting,
        (_, "INPUT") => Hook::Input,
        (_, "OUTPUT") => Hook::Output,
        _ => Hook::Forward,
    }
}

fn find(scene: &Scene, spot: &Spot) -> Option<Light> {
    let container = |place: &str| {
        scene.nodes.iter().flat_map(|n| &n.containers).find(|c| c.place == place).map(|c| Light::Box(c.rect))
    };
    match spot {
        Spot::Container(place) => container(place),
        Spot::Network(host, name) => {
            let bridge = scene.node(host)?.bridges.iter().find(|b| b.network == *name)?;
            Some(Light::Box(bridge.rect))
        }
        Spot::Device(host, dev) => {
            let node = scene.node(host)?;
            node.ports.iter().find(|p| p.name == *dev).map(|p| Light::Box(p.rect))
        }
        Spot::Hook(host, hook) => {
            let node = scene.node(host)?;
            let chip = node.gate.as_ref().and_then(|g| g.chip(Stage::Hook(*hook)).or(Some(g.rect)));
            Some(Light::Box(chip.unwrap_or(node.rect)))
        }
        Spot::Node(id) => scene.node(id).map(|n| Light::Box(n.rect)),
        Spot::Cable(end, peer) => {
            let wire = scene.wires.iter().find(|w| end.is_some_and(|e| w.ends.0 == e || w.ends.1 == e));
            wire.map(|w| Light::Wire(w.points.clone())).or_else(|| container(peer))
        }
    }
}
