//! Network devices: lo, Ethernet, veth, bridge.

use super::{BridgeState, DevRef};
use crate::wire::{IfIndex, IfName, Ipv4Net, Mac};

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
}
