//! Links: cables and veth pairs, and what is plugged into what.

use super::World;
use crate::stack::{ConfigError, DevRef, DeviceKind, NsId};
use crate::time::Duration;
use crate::wire::{IfIndex, IfName, Mac};

/// A link of the World; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u32);

/// How a link behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkSpec {
    /// One way.
    pub latency: Duration,
    /// Frames lost, in thousandths.
    pub loss_per_mille: u16,
    /// Whether it carries anything.
    pub up: bool,
}

impl LinkSpec {
    /// A cable at home: 50 µs.
    pub const CABLE: Self = Self { latency: Duration::from_micros(50), loss_per_mille: 0, up: true };
    /// A veth pair: 2 µs.
    pub const VETH: Self = Self { latency: Duration::from_micros(2), loss_per_mille: 0, up: true };
}

/// A link between two devices: a cable, or a veth pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// One end.
    pub a: DevRef,
    /// The other.
    pub b: DevRef,
    /// How it behaves.
    pub spec: LinkSpec,
}

impl Link {
    /// The end that is not `end`.
    pub fn other(&self, end: DevRef) -> DevRef {
        if self.a == end { self.b } else { self.a }
    }
}

/// What a device is plugged into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plug {
    pub(super) link: LinkId,
    pub(super) to: DevRef,
}

impl World {
    /// Plugs a cable into two Ethernet devices; both get carrier
    /// while both are up.
    ///
    /// # Errors
    /// `NoDevice`; `Busy` if one already has a cable, or both ends are the same device.
    pub fn plug(&mut self, a: DevRef, b: DevRef, spec: LinkSpec) -> Result<LinkId, ConfigError> {
        for end in [a, b] {
            let device = self.namespace(end.ns).and_then(|ns| ns.device(end.dev));
            let device = device.ok_or_else(|| ConfigError::NoDevice(format!("if{}", end.dev.0)))?;
            if !matches!(device.kind, DeviceKind::Ethernet) {
                return Err(ConfigError::NotSupported);
            }
        }
        if a == b || self.plug_of(a).is_some() || self.plug_of(b).is_some() {
            return Err(ConfigError::Busy);
        }
        Ok(self.join(a, b, spec))
    }

    pub(super) fn join(&mut self, a: DevRef, b: DevRef, spec: LinkSpec) -> LinkId {
        let link = LinkId(self.links.len() as u32);
        self.links.push(Some(Link { a, b, spec }));
        for (end, to) in [(a, b), (b, a)] {
            *self.plug_slot(end) = Some(Plug { link, to });
            self.with(end.ns, |ns, cx| {
                ns.set_peer(end.dev, Some(to));
                ns.set_carrier(end.dev, false, cx);
            });
        }
        self.refresh_carrier(a);
        // Those who watch for carrier.
        self.settle();
        link
    }

    /// Both ends have carrier while the link is up and both devices are (as veth pairs and
    /// network cards do).
    pub(super) fn refresh_carrier(&mut self, end: DevRef) {
        let to = self.plug_of(end).map(|p| p.to);
        if let Some(point) = [Some(end), to].into_iter().flatten().find(|e| self.air.contains_key(e)) {
            return self.refresh_air(point);
        }
        let Some(link) = self.plug_of(end).and_then(|p| self.link(p.link)).copied() else { return };
        let is_up =
            |end: DevRef| self.namespace(end.ns).and_then(|ns| ns.device(end.dev)).is_some_and(|d| d.up);
        let carrier = link.spec.up && is_up(link.a) && is_up(link.b);
        for end in [link.a, link.b] {
            self.with_raw(end.ns, |ns, cx| ns.set_carrier(end.dev, carrier, cx));
        }
    }

    /// Pulls a cable out; frames on it are lost (`LinkDown`).
    pub fn unplug(&mut self, link: LinkId) {
        let Some(gone) = self.links.get_mut(link.0 as usize).and_then(Option::take) else { return };
        for end in [gone.a, gone.b] {
            if self.air.contains_key(&end) {
                self.leave_air(end, link);
                self.settle();
                continue;
            }
            *self.plug_slot(end) = None;
            self.with(end.ns, |ns, cx| {
                ns.set_peer(end.dev, None);
                ns.set_carrier(end.dev, false, cx);
            });
        }
    }

    /// Changes a link. Frames that are on it already arrive as before.
    pub fn set_link(&mut self, link: LinkId, spec: LinkSpec) {
        let Some(Some(entry)) = self.links.get_mut(link.0 as usize) else { return };
        let was_up = std::mem::replace(&mut entry.spec, spec).up;
        let end = entry.a;
        if was_up != spec.up {
            self.refresh_carrier(end);
            self.settle();
        }
    }

    /// All links with their numbers.
    pub fn links(&self) -> Box<dyn Iterator<Item = (LinkId, &Link)> + '_> {
        let numbered = self.links.iter().enumerate();
        Box::new(numbered.filter_map(|(i, l)| l.as_ref().map(|l| (LinkId(i as u32), l))))
    }

    /// A link.
    pub fn link(&self, link: LinkId) -> Option<&Link> {
        self.links.get(link.0 as usize)?.as_ref()
    }

    /// A veth pair: (namespace, name, MAC) of each end. Both are down.
    ///
    /// # Errors
    /// `Exists`; nothing is made then.
    pub fn add_veth(
        &mut self,
        a: (NsId, IfName, Mac),
        b: (NsId, IfName, Mac),
    ) -> Result<(IfIndex, IfIndex), ConfigError> {
        self.add_veth_numbered([None; 2], a, b)
    }

    /// As [`World::add_veth`]; both ends are made in `home` and moved at once, so they keep the numbers
    /// they got there.
    ///
    /// # Errors
    /// `Exists`; nothing is made then.
    pub fn add_veth_from(
        &mut self,
        home: NsId,
        a: (NsId, IfName, Mac),
        b: (NsId, IfName, Mac),
    ) -> Result<(IfIndex, IfIndex), ConfigError> {
        let numbers = [(); 2].map(|()| self.with_raw(home, |ns, _| ns.reserve_index()));
        self.add_veth_numbered(numbers, a, b)
    }

    fn add_veth_numbered(
        &mut self,
        numbers: [Option<IfIndex>; 2],
        a: (NsId, IfName, Mac),
        b: (NsId, IfName, Mac),
    ) -> Result<(IfIndex, IfIndex), ConfigError> {
        let same = a.0 == b.0 && a.1 == b.1;
        for (ns, name, _) in [a, b] {
            let there = self.namespace(ns).ok_or(ConfigError::Invalid)?;
            if same || there.device_named(name.as_str()).is_some() {
                return Err(ConfigError::Exists);
            }
        }
        let mut ends = [IfIndex::LO; 2];
        for ((index, number), (ns, name, mac)) in ends.iter_mut().zip(numbers).zip([a, b]) {
            *index = self
                .with(ns, |ns, cx| ns.add_device_numbered(number, name, mac, DeviceKind::Veth, cx))
                .expect("the namespace was there a moment ago")?;
        }
        let [first, second] = ends;
        self.join(DevRef { ns: a.0, dev: first }, DevRef { ns: b.0, dev: second }, LinkSpec::VETH);
        Ok((first, second))
    }

    /// Deletes a device; a veth's other end goes with it, a cable stays behind unplugged.
    ///
    /// # Errors
    /// `NoDevice`.
    pub fn delete_device(&mut self, at: DevRef) -> Result<(), ConfigError> {
        let no_device = || ConfigError::NoDevice(format!("if{}", at.dev.0));
        let device = self.namespace(at.ns).and_then(|ns| ns.device(at.dev)).ok_or_else(no_device)?;
        let is_veth = matches!(device.kind, DeviceKind::Veth);
        let plug = self.plug_of(at);
        // An access point has more than one.
        while let Some(plug) = self.plug_of(at) {
            self.unplug(plug.link);
        }
        self.with(at.ns, |ns, cx| ns.remove_device(at.dev, cx)).ok_or_else(no_device)??;
        if let Some(plug) = plug.filter(|_| is_veth) {
            self.with(plug.to.ns, |ns, cx| ns.remove_device(plug.to.dev, cx)).ok_or_else(no_device)??;
        }
        Ok(())
    }

    /// Moves a device (one end of a veth pair or of a cable, one that stands on another, a tunnel end) into another namespace under a new
    /// name. It arrives down and without address, with its MAC address and MTU.
    ///
    /// # Errors
    /// `NoDevice`, `Exists`; nothing is moved then.
    pub fn move_device(&mut self, at: DevRef, ns: NsId, name: IfName) -> Result<IfIndex, ConfigError> {
        let no_device = || ConfigError::NoDevice(format!("if{}", at.dev.0));
        let device = self.namespace(at.ns).and_then(|n| n.device(at.dev)).ok_or_else(no_device)?;
        let (mac, mtu) = (device.mac, device.mtu);
        let kind = match device.kind {
            DeviceKind::Veth => DeviceKind::Veth,
            DeviceKind::Ethernet => DeviceKind::Ethernet,
            DeviceKind::Upper { .. } | DeviceKind::Vxlan(_) => device.kind.clone(),
            _ => return Err(ConfigError::Invalid),
        };
        let target = self.namespace(ns).ok_or(ConfigError::Invalid)?;
        if ns != at.ns && target.device_named(name.as_str()).is_some() {
            return Err(ConfigError::Exists);
        }
        let plug = self.plug_of(at);
        if self.air.contains_key(&at) || plug.is_some_and(|p| self.air.contains_key(&p.to)) {
            // A radio stays where it is.
            return Err(ConfigError::NotSupported);
        }
        let link = plug.and_then(|p| self.link(p.link)).copied();
        if let Some(plug) = plug {
            self.unplug(plug.link);
        }
        self.with(at.ns, |n, cx| n.remove_device(at.dev, cx)).ok_or_else(no_device)??;
        let dev = self
            .with(ns, |n, cx| {
                let dev = n.add_device(name, mac, kind, cx)?;
                n.set_mtu(dev, mtu, cx)?;
                Ok::<_, ConfigError>(dev)
            })
            .expect("the namespace was there a moment ago")?;
        if let (Some(plug), Some(link)) = (plug, link) {
            self.join(DevRef { ns, dev }, plug.to, link.spec);
        }
        Ok(dev)
    }

    pub(super) fn plug_of(&self, at: DevRef) -> Option<Plug> {
        *self.plugs.get(at.ns.0 as usize)?.get(at.dev.0 as usize)?
    }

    pub(super) fn plug_slot(&mut self, at: DevRef) -> &mut Option<Plug> {
        let (ns, dev) = (at.ns.0 as usize, at.dev.0 as usize);
        if self.plugs.len() <= ns {
            self.plugs.resize_with(ns + 1, Vec::new);
        }
        let row = &mut self.plugs[ns];
        if row.len() <= dev {
            row.resize(dev + 1, None);
        }
        &mut row[dev]
    }
}
