//! What is wrong with how a network is plugged together: a circle of switches, an address twice.
//! Read off the devices and links at the moment shown, not off what packets did.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use crate::session::Session;
use crate::stack::{DevRef, DeviceKind};

/// Something to notice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notice {
    /// These two nodes are joined in more than one way without a router between: broadcasts go
    /// round and round.
    Circle(String, String),
    /// Both nodes have this address on one network.
    Twice(Ipv4Addr, String, String),
}

/// Which devices are on one network: a frame flooded at one is seen at the other.
#[derive(Default)]
struct Segments(BTreeMap<DevRef, DevRef>);

impl Segments {
    fn root(&self, mut dev: DevRef) -> DevRef {
        while let Some(&up) = self.0.get(&dev) {
            dev = up;
        }
        dev
    }
    /// False if they were joined already.
    fn join(&mut self, a: DevRef, b: DevRef) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        if a != b {
            self.0.insert(a, b);
        }
        a != b
    }
}

/// What there is to notice, worst first.
pub fn notices(session: &Session) -> Vec<Notice> {
    let world = &session.world;
    let node_of = |dev: DevRef| session.nodes().iter().find(|n| n.ns == dev.ns);
    let device = |dev: DevRef| world.namespace(dev.ns).and_then(|n| n.device(dev.dev));
    let lives = |dev: DevRef| device(dev).is_some_and(|d| d.up && d.carrier);
    let mut segments = Segments::default();
    let mut found = Vec::new();
    for node in session.nodes() {
        let Some(ns) = world.namespace(node.ns) else { continue };
        for d in ns.devices().filter(|d| d.up) {
            if let Some(master) = d.master {
                let at = |dev| DevRef { ns: node.ns, dev };
                segments.join(at(d.index), at(master));
            }
        }
    }
    for (_, link) in world.links() {
        let (Some(a), Some(b)) = (node_of(link.a), node_of(link.b)) else { continue };
        if lives(link.a) && lives(link.b) && !segments.join(link.a, link.b) {
            let mut ends = [a.config.id.clone(), b.config.id.clone()];
            ends.sort();
            let [a, b] = ends;
            found.push(Notice::Circle(a, b));
        }
    }
    let mut taken: BTreeMap<(DevRef, Ipv4Addr), String> = BTreeMap::new();
    for node in session.nodes() {
        let Some(ns) = world.namespace(node.ns) else { continue };
        let outside =
            |d: &&crate::stack::Device| matches!(d.kind, DeviceKind::Ethernet | DeviceKind::Bridge(_));
        for d in ns.devices().filter(|d| d.up).filter(outside) {
            let root = segments.root(DevRef { ns: node.ns, dev: d.index });
            for addr in d.addrs.iter().map(|a| a.addr()) {
                let id = node.config.id.clone();
                match taken.get(&(root, addr)) {
                    Some(other) if *other != id => found.push(Notice::Twice(addr, other.clone(), id)),
                    Some(_) => {}
                    None => drop(taken.insert((root, addr), id)),
                }
            }
        }
    }
    found.sort();
    found.dedup();
    found
}
