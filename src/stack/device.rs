//! Network devices: lo, Ethernet, veth, bridge, dummy, VLAN, macvlan, ipvlan, VXLAN; and where a frame
//! leaves the stack.
//!
//! Supported: carrier and operational state, MTU, counters. Not supported: queues and rates
//! (a device sends at once), offloads, promiscuous mode (packet sockets see what passes).

use super::{Beyond, BridgeState, Cx, DevRef, DropReason, NetNs, Output, Step, Upper, UpperKind, Vxlan};
use crate::wire::{FastMap, Frame, IfIndex, IfName, Ipv4Net, Mac};
use std::net::Ipv4Addr;

/// An interface of a namespace.
#[derive(Debug, Clone)]
pub struct Device {
    /// Its number, from 1 (`lo`).
    pub index: IfIndex,
    /// Its name.
    pub name: IfName,
    /// Its MAC address.
    pub mac: Mac,
    /// Largest IP packet, in bytes.
    pub mtu: u32,
    /// Administratively up (IFF_UP).
    pub up: bool,
    /// Something is at the other end (IFF_LOWER_UP). A bridge has carrier while a port has.
    pub carrier: bool,
    /// The bridge it is a port of.
    pub master: Option<IfIndex>,
    /// IPv4 addresses, the primary one first.
    pub addrs: Vec<Ipv4Net>,
    /// What the other end is, for links and veth pairs; the World sets it.
    pub peer: Option<DevRef>,
    /// What kind of device.
    pub kind: DeviceKind,
    /// Packets and bytes in and out: (rx packets, rx bytes, tx packets, tx bytes).
    pub stats: [u64; 4],
    /// Those of them that were given together with their broadcast address (`brd` in `ip addr`).
    pub brd: Vec<Ipv4Addr>,
    /// How many packets may wait before it (`qlen`, IFLA_TXQLEN); 0: none, and `ip link` keeps silent.
    pub queue_len: u32,
    /// As a bridge's port: frames may go back out where they came in (IFLA_BRPORT_MODE).
    pub hairpin: bool,
    /// It was told to take every frame (IFF_PROMISC), which is only shown: see the module's head.
    pub promiscuous: bool,
    /// How many devices stand on it (VLANs, macvlans, ipvlans); the World says so.
    pub(super) uppers: u16,
}

/// The kinds of device.
#[derive(Debug, Clone)]
pub enum DeviceKind {
    /// `lo`.
    Loopback,
    /// A port for a cable or Wi-Fi.
    Ethernet,
    /// One end of a veth pair.
    Veth,
    /// A learning bridge.
    Bridge(Box<BridgeState>),
    /// Swallows what it is given; a place for addresses.
    Dummy,
    /// Stands on another device, which may be in another namespace.
    Upper {
        /// That device.
        parent: DevRef,
        /// How.
        kind: UpperKind,
    },
    /// A VXLAN tunnel end.
    Vxlan(Box<Vxlan>),
}

impl DeviceKind {
    /// The word after `type` of `ip link`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::Ethernet => "ether",
            Self::Veth => "veth",
            Self::Bridge(_) => "bridge",
            Self::Dummy => "dummy",
            Self::Upper { kind, .. } => kind.name(),
            Self::Vxlan(_) => "vxlan",
        }
    }
}

impl Device {
    /// True if frames can leave by it and come in.
    pub fn is_running(&self) -> bool {
        self.up && self.carrier
    }

    /// Other devices stand on it: VLANs, macvlans, ipvlans.
    pub fn carries_others(&self) -> bool {
        self.uppers > 0
    }

    /// The operational state as `ip link` prints it (RFC 2863, net/core/link_watch.c).
    pub fn operstate(&self) -> &'static str {
        match self.kind {
            DeviceKind::Loopback => "UNKNOWN",
            DeviceKind::Dummy | DeviceKind::Vxlan(_) if self.up => "UNKNOWN",
            _ if self.is_running() => "UP",
            DeviceKind::Veth | DeviceKind::Upper { .. } if self.up => "LOWERLAYERDOWN",
            _ => "DOWN",
        }
    }

    /// The bridge's state, if it is one.
    pub fn bridge(&self) -> Option<&BridgeState> {
        match &self.kind {
            DeviceKind::Bridge(b) => Some(b),
            _ => None,
        }
    }
    /// The same, to change it.
    pub(super) fn bridge_mut(&mut self) -> Option<&mut BridgeState> {
        match &mut self.kind {
            DeviceKind::Bridge(b) => Some(b),
            _ => None,
        }
    }

    /// The VXLAN's state, if it is one.
    pub fn vxlan(&self) -> Option<&Vxlan> {
        match &self.kind {
            DeviceKind::Vxlan(v) => Some(v),
            _ => None,
        }
    }
    /// The same, to change it.
    pub(super) fn vxlan_mut(&mut self) -> Option<&mut Vxlan> {
        match &mut self.kind {
            DeviceKind::Vxlan(v) => Some(v),
            _ => None,
        }
    }
    /// The device that it stands on.
    pub fn parent(&self) -> Option<DevRef> {
        match self.kind {
            DeviceKind::Upper { parent, .. } => Some(parent),
            _ => None,
        }
    }
    /// As its driver sees it, if it stands on another device. `ns`: where it is.
    pub fn as_upper(&self, ns: super::NsId) -> Option<Upper> {
        let DeviceKind::Upper { kind, .. } = self.kind else { return None };
        let by_address = matches!(kind, UpperKind::Ipvlan(_));
        Some(Upper {
            dev: DevRef { ns, dev: self.index },
            mac: self.mac,
            kind,
            addrs: if by_address { self.addrs.clone() } else { Vec::new() },
            up: self.up,
        })
    }
    /// Nobody is asked for MAC addresses on it (IFF_NOARP).
    pub fn no_arp(&self) -> bool {
        matches!(self.kind, DeviceKind::Upper { kind, .. } if kind.no_arp())
    }

    pub(super) fn count_in(&mut self, bytes: usize) {
        self.stats[0] += 1;
        self.stats[1] += bytes as u64;
    }
    fn count_out(&mut self, bytes: usize) {
        self.stats[2] += 1;
        self.stats[3] += bytes as u64;
    }
}

impl NetNs {
    /// Sends a whole frame out of `dev`. Its end is noted if the device cannot.
    pub(super) fn dev_xmit(&mut self, dev: IfIndex, frame: Frame, cx: &mut Cx<'_>) {
        // as most: a device with a link, and nobody listens
        if !self.has_packet_sockets()
            && let Some(device) = self.devices.get_mut(dev)
            && device.is_running()
            && matches!(device.kind, DeviceKind::Ethernet | DeviceKind::Veth)
        {
            device.count_out(frame.bytes.len());
            return cx.out.push(Output::Transmit { dev, frame });
        }
        self.dev_xmit_otherwise(dev, frame, cx);
    }

    #[inline(never)]
    fn dev_xmit_otherwise(&mut self, dev: IfIndex, frame: Frame, cx: &mut Cx<'_>) {
        let device = match self.devices.get_mut(dev) {
            Some(d) if d.is_running() => d,
            Some(d) if d.up => return self.dropped(&frame, Some(dev), DropReason::NoCarrier, cx),
            _ => return self.dropped(&frame, Some(dev), DropReason::DeviceDown, cx),
        };
        device.count_out(frame.bytes.len());
        if self.has_packet_sockets() {
            self.deliver_to_packet_sockets(dev, &frame.bytes, true, cx);
        }
        let Some(device) = self.devices.get(dev) else { return };
        match device.kind {
            DeviceKind::Bridge(_) => self.bridge_xmit(dev, frame, cx),
            DeviceKind::Loopback => self.loop_back(frame, Default::default(), cx),
            DeviceKind::Ethernet | DeviceKind::Veth => cx.out.push(Output::Transmit { dev, frame }),
            DeviceKind::Dummy => cx.log.packet(frame.id, Step::Absorbed),
            DeviceKind::Upper { parent, .. } => {
                cx.out.push(Output::Beyond(Box::new(Beyond::Down { dev, parent, frame })));
            }
            DeviceKind::Vxlan(_) => self.vxlan_xmit(dev, frame, cx),
        }
    }

    /// Notes the end of a packet.
    pub(super) fn dropped(&self, frame: &Frame, dev: Option<IfIndex>, reason: DropReason, cx: &mut Cx<'_>) {
        cx.log.packet(frame.id, Step::Dropped { dev, reason });
    }
}

/// A namespace's devices, by number and by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Devices {
    slots: Vec<Option<Device>>,
    names: FastMap<IfName, IfIndex>,
    /// The highest number that was given here. Devices that come from elsewhere keep theirs.
    given: u32,
}

impl Devices {
    /// Gives a number that no device has or had here.
    pub fn next_index(&mut self) -> IfIndex {
        loop {
            self.given += 1;
            if self.get(IfIndex(self.given)).is_none() {
                return IfIndex(self.given);
            }
        }
    }
    /// Puts a device where its number says; nobody is there.
    pub fn push(&mut self, device: Device) {
        self.names.insert(device.name, device.index);
        let slot = Self::slot(device.index);
        if self.slots.len() <= slot {
            self.slots.resize_with(slot + 1, || None);
        }
        self.slots[slot] = Some(device);
    }
    fn slot(dev: IfIndex) -> usize {
        (dev.0 as usize).wrapping_sub(1)
    }
    #[inline]
    pub fn get(&self, dev: IfIndex) -> Option<&Device> {
        self.slots.get(Self::slot(dev))?.as_ref()
    }
    #[inline]
    pub fn get_mut(&mut self, dev: IfIndex) -> Option<&mut Device> {
        self.slots.get_mut(Self::slot(dev))?.as_mut()
    }
    pub fn remove(&mut self, dev: IfIndex) -> Option<Device> {
        let device = self.slots.get_mut(Self::slot(dev))?.take()?;
        self.names.remove(&device.name);
        Some(device)
    }
    pub fn rename(&mut self, dev: IfIndex, name: IfName) {
        let Some(device) = self.get_mut(dev) else { return };
        let old = std::mem::replace(&mut device.name, name);
        self.names.remove(&old);
        self.names.insert(name, dev);
    }
    pub fn named(&self, name: &str) -> Option<&Device> {
        self.get(*self.names.get(&name.parse().ok()?)?)
    }
    pub fn iter(&self) -> impl Iterator<Item = &Device> {
        self.slots.iter().flatten()
    }
    /// Its name; empty if it is gone.
    #[inline]
    pub fn name(&self, dev: IfIndex) -> IfName {
        self.get(dev).map(|d| d.name).unwrap_or_default()
    }
}
