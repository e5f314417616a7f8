//! What is wrong with a lab although every part of it works: to be pointed at, not refused.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::Session;
use crate::stack::DevRef;
use crate::wire::{IfName, Ipv4Net};

/// Something that people should know of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Several machines on one link have the same address: each hears only a part of what is for it.
    AddressTwice {
        /// Which.
        address: Ipv4Addr,
        /// `NODE` or `NODE:CONTAINER`, and interface; two or more.
        holders: Vec<(String, IfName)>,
    },
    /// A bridge drops frames because too many for everybody come in: switches are cabled in a circle.
    Storm {
        /// `NODE`.
        place: String,
        /// The bridge.
        bridge: IfName,
    },
}

impl Session {
    /// All that is wrong now.
    pub fn conditions(&self) -> Vec<Condition> {
        let mut found = Vec::new();
        for segment in self.segments() {
            let mut holders: BTreeMap<Ipv4Addr, Vec<DevRef>> = BTreeMap::new();
            for end in segment {
                for net in self.addresses(end) {
                    holders.entry(net.addr()).or_default().push(end);
                }
            }
            for (address, ends) in holders {
                let spaces: BTreeSet<_> = ends.iter().map(|e| e.ns).collect();
                if spaces.len() > 1 {
                    let holders = ends.into_iter().filter_map(|e| self.named(e)).collect();
                    found.push(Condition::AddressTwice { address, holders });
                }
            }
        }
        let now = self.world.now();
        for ns in self.world.namespaces() {
            for device in ns.devices().filter(|d| d.bridge().is_some_and(|b| b.is_storming(now))) {
                if let Some((place, bridge)) = self.named(DevRef { ns: ns.id, dev: device.index }) {
                    found.push(Condition::Storm { place, bridge });
                }
            }
        }
        found
    }

    fn named(&self, end: DevRef) -> Option<(String, IfName)> {
        let device = self.world.namespace(end.ns)?.device(end.dev)?;
        Some((self.place_of_ns(end.ns)?, device.name))
    }

    fn addresses(&self, end: DevRef) -> Vec<Ipv4Net> {
        let device = self.world.namespace(end.ns).and_then(|ns| ns.device(end.dev));
        device.filter(|d| d.up).map(|d| d.addrs.clone()).unwrap_or_default()
    }

    /// Devices that hear each other's broadcasts: joined by links and bridges.
    fn segments(&self) -> Vec<Vec<DevRef>> {
        let mut near: BTreeMap<DevRef, Vec<DevRef>> = BTreeMap::new();
        let mut join = |a: DevRef, b: DevRef| {
            near.entry(a).or_default().push(b);
            near.entry(b).or_default().push(a);
        };
        for (_, link) in self.world.links().filter(|(_, l)| l.spec.up) {
            join(link.a, link.b);
        }
        for ns in self.world.namespaces() {
            for bridge in ns.devices() {
                for port in bridge.bridge().map(|b| b.ports.as_slice()).unwrap_or_default() {
                    join(DevRef { ns: ns.id, dev: bridge.index }, DevRef { ns: ns.id, dev: *port });
                }
            }
        }
        let mut seen = BTreeSet::new();
        let mut segments = Vec::new();
        for start in near.keys() {
            let mut segment = Vec::new();
            let mut open = vec![*start];
            while let Some(end) = open.pop() {
                if seen.insert(end) {
                    segment.push(end);
                    open.extend(near.get(&end).into_iter().flatten());
                }
            }
            segment.sort_unstable();
            if segment.len() > 1 {
                segments.push(segment);
            }
        }
        segments
    }
}
