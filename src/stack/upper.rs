//! Devices that stand on another one: VLAN sub-interfaces (IEEE 802.1Q; net/8021q), macvlan
//! (drivers/net/macvlan.c) and ipvlan (drivers/net/ipvlan, Documentation/networking/ipvlan.rst).
//!
//! ```text
//!   container A    container B        frames between A and B never reach the parent's own stack,
//!     eth0           eth0             and what the parent's stack sends never reaches A or B:
//!       \             /               so a host and its macvlan children are strangers
//!        ▼           ▼
//!   ── eth0 (parent) ───▶ the wire
//! ```
//! The two may be in different namespaces; the World carries frames between them. Here is only
//! what the drivers decide. Supported: macvlan in the modes bridge, private, vepa and passthru;
//! ipvlan l2, l3 and l3s in bridge mode. Not supported: source mode, VLAN priorities, QinQ (802.1ad),
//! ipvlan's private and vepa flags; l3s is treated as l3 (no INPUT hook on the way in).

use super::{ConfigError, DevRef, Device, DeviceKind, DropReason};
use crate::wire::fmt::{ArpPacket, EthernetFrame, EthernetProtocol, Ipv4Packet};
use crate::wire::{Ipv4Net, Mac};
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// Bytes of an 802.1Q tag.
pub const TAG: usize = 4;
/// The ethertype that announces one.
const TPID: [u8; 2] = [0x81, 0x00];
/// Where the addresses of a frame end.
const ADDRESSES: usize = 12;
/// How many devices may stand on one another (MAX_NEST_DEV).
pub const MAX_NEST: usize = 8;

/// How children of one parent see each other (`ip link add … type macvlan mode`, ip-link(8)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MacvlanMode {
    /// Frames between children go straight from one to the other.
    Bridge,
    /// Children never hear one another, not even by way of a switch that sends their frames back.
    Private,
    /// All frames go out by the wire; a switch that sends them back (IEEE 802.1Qbg) joins the children.
    Vepa,
    /// One child only, which has the parent to itself.
    Passthru,
}

/// On which layer an ipvlan works (Documentation/networking/ipvlan.rst).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IpvlanMode {
    /// By frames: children answer ARP with the parent's MAC address, and hear broadcasts.
    L2,
    /// By IP addresses: no ARP, no broadcasts; what is for no sibling is routed by the parent's namespace.
    L3,
    /// As [`IpvlanMode::L3`], with the parent's netfilter hooks.
    L3s,
}

/// What kind of device stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpperKind {
    /// A VLAN sub-interface with this VLAN id.
    Vlan(u16),
    /// A macvlan.
    Macvlan(MacvlanMode),
    /// An ipvlan.
    Ipvlan(IpvlanMode),
}

impl UpperKind {
    /// The word after `type` of `ip link`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vlan(_) => "vlan",
            Self::Macvlan(_) => "macvlan",
            Self::Ipvlan(_) => "ipvlan",
        }
    }
    /// It does not ask for MAC addresses (IFF_NOARP).
    pub fn no_arp(self) -> bool {
        matches!(self, Self::Ipvlan(IpvlanMode::L3 | IpvlanMode::L3s))
    }
}

impl fmt::Display for MacvlanMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Bridge => "bridge",
            Self::Private => "private",
            Self::Vepa => "vepa",
            Self::Passthru => "passthru",
        })
    }
}
impl FromStr for MacvlanMode {
    type Err = ();
    fn from_str(s: &str) -> Result<Self, ()> {
        [Self::Bridge, Self::Private, Self::Vepa, Self::Passthru]
            .into_iter()
            .find(|m| m.to_string() == s)
            .ok_or(())
    }
}
impl fmt::Display for IpvlanMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::L2 => "l2",
            Self::L3 => "l3",
            Self::L3s => "l3s",
        })
    }
}
impl FromStr for IpvlanMode {
    type Err = ();
    fn from_str(s: &str) -> Result<Self, ()> {
        [Self::L2, Self::L3, Self::L3s].into_iter().find(|m| m.to_string() == s).ok_or(())
    }
}

/// A device that stands on another, as its driver sees it.
#[derive(Debug, Clone)]
pub struct Upper {
    /// Which.
    pub dev: DevRef,
    /// Its MAC address.
    pub mac: Mac,
    /// Kind.
    pub kind: UpperKind,
    /// IPv4 addresses (ipvlan tells its devices apart by them).
    pub addrs: Vec<Ipv4Net>,
    /// Administratively up.
    pub up: bool,
}

/// Where a frame goes that a child sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Down {
    /// Out of the parent, as it is.
    Wire,
    /// Out of the parent, with this tag.
    Tagged(u16),
    /// To a sibling, at once.
    Sibling(DevRef),
    /// A copy to each of these, and out of the parent.
    SiblingsAndWire(Vec<DevRef>),
    /// To the parent's own stack.
    Parent,
    /// Routed by the parent's namespace (ipvlan l3).
    Routed,
    /// Nowhere.
    Drop(DropReason),
}

/// Where a frame goes that comes in at a parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Up {
    /// To the parent's own stack: it is for none of the children.
    Own,
    /// To a child.
    Child(DevRef),
    /// To a child, without its tag.
    Untagged(DevRef),
    /// A copy to each of these, and to the parent's own stack.
    ChildrenAndOwn(Vec<DevRef>),
}

fn addresses(frame: &[u8]) -> (Mac, Mac) {
    let ether = EthernetFrame::new_unchecked(frame);
    (ether.src_addr().into(), ether.dst_addr().into())
}

/// The IPv4 address that a frame is for: an IPv4 packet's destination, an ARP packet's target.
fn wanted(frame: &[u8]) -> Option<Ipv4Addr> {
    let ether = EthernetFrame::new_checked(frame).ok()?;
    match ether.ethertype() {
        EthernetProtocol::Ipv4 => Some(Ipv4Packet::new_checked(ether.payload()).ok()?.dst_addr()),
        EthernetProtocol::Arp => {
            let arp = ArpPacket::new_checked(ether.payload()).ok()?;
            <[u8; 4]>::try_from(arp.target_protocol_addr()).ok().map(Ipv4Addr::from)
        }
        _ => None,
    }
}

fn ipvlan_with(others: &[Upper], addr: Ipv4Addr) -> Option<&Upper> {
    let ipvlans = others.iter().filter(|u| matches!(u.kind, UpperKind::Ipvlan(_)) && u.up);
    ipvlans.into_iter().find(|u| u.addrs.iter().any(|net| net.addr() == addr))
}

/// Whether a device of `kind` may stand on `parent` beside `others` (macvlan_common_newlink,
/// ipvlan_link_new, vlan_check_real_dev).
///
/// # Errors
/// `Invalid`, `Busy`, `Exists`.
pub fn may_stand_on(parent: &Device, kind: UpperKind, others: &[Upper]) -> Result<(), ConfigError> {
    if matches!(parent.kind, DeviceKind::Loopback) {
        return Err(ConfigError::Invalid);
    }
    let takes_all = |kind: UpperKind| !matches!(kind, UpperKind::Vlan(_));
    // one receive handler for a device: a bridge's, macvlan's or ipvlan's
    if takes_all(kind) && parent.master.is_some() {
        return Err(ConfigError::Busy);
    }
    for other in others.iter().map(|u| u.kind) {
        match (kind, other) {
            (UpperKind::Vlan(a), UpperKind::Vlan(b)) if a == b => return Err(ConfigError::Exists),
            (UpperKind::Macvlan(_), UpperKind::Ipvlan(_)) | (UpperKind::Ipvlan(_), UpperKind::Macvlan(_)) => {
                return Err(ConfigError::Busy);
            }
            (UpperKind::Macvlan(a), UpperKind::Macvlan(b))
                if a == MacvlanMode::Passthru || b == MacvlanMode::Passthru =>
            {
                return Err(ConfigError::Invalid);
            }
            _ => {}
        }
    }
    Ok(())
}

/// What `own` does with a frame that it is to send; `all`: everybody on the same parent.
pub fn down(own: &Upper, all: &[Upper], frame: &[u8]) -> Down {
    let (src, dst) = addresses(frame);
    let others = || all.iter().filter(|u| u.dev != own.dev && u.up);
    match own.kind {
        UpperKind::Vlan(id) => Down::Tagged(id),
        // macvlan_queue_xmit
        UpperKind::Macvlan(MacvlanMode::Bridge) => {
            let bridged = || others().filter(|u| u.kind == own.kind);
            if dst.is_group() {
                return Down::SiblingsAndWire(bridged().map(|u| u.dev).collect());
            }
            match bridged().find(|u| u.mac == dst) {
                Some(sibling) => Down::Sibling(sibling.dev),
                None => Down::Wire,
            }
        }
        UpperKind::Macvlan(_) => Down::Wire,
        // ipvlan_xmit_mode_l2
        UpperKind::Ipvlan(IpvlanMode::L2) => {
            if src == dst {
                return match wanted(frame).and_then(|addr| ipvlan_with(all, addr)) {
                    Some(sibling) => Down::Sibling(sibling.dev),
                    None => Down::Parent,
                };
            }
            if dst.is_group() {
                let ipvlans = others().filter(|u| matches!(u.kind, UpperKind::Ipvlan(_)));
                return Down::SiblingsAndWire(ipvlans.map(|u| u.dev).collect());
            }
            Down::Wire
        }
        // ipvlan_xmit_mode_l3: broadcasts and whatever is not IP end here
        UpperKind::Ipvlan(IpvlanMode::L3 | IpvlanMode::L3s) => {
            let ipv4 = EthernetFrame::new_unchecked(frame).ethertype() == EthernetProtocol::Ipv4;
            match wanted(frame).filter(|_| ipv4) {
                Some(addr) => match ipvlan_with(all, addr) {
                    Some(sibling) => Down::Sibling(sibling.dev),
                    None if addr.is_multicast() || addr.is_broadcast() => Down::Drop(DropReason::Broadcast),
                    None => Down::Routed,
                },
                None => Down::Drop(DropReason::UnknownEtherType),
            }
        }
    }
}

/// Who gets a frame that came in at the parent of `all`.
pub fn up(all: &[Upper], frame: &[u8]) -> Up {
    if let Some(id) = vlan_id(frame) {
        // the tag is looked at before all else; one that nobody has stays on the frame
        let vlan = all.iter().find(|u| u.kind == UpperKind::Vlan(id));
        return vlan.map_or(Up::Own, |u| Up::Untagged(u.dev));
    }
    let (src, dst) = addresses(frame);
    let macvlan = |u: &&Upper| matches!(u.kind, UpperKind::Macvlan(_));
    let ipvlan = |u: &&Upper| matches!(u.kind, UpperKind::Ipvlan(_));
    let up = || all.iter().filter(|u| u.up);
    // a passthru child has the parent to itself
    if let Some(only) = up().find(|u| u.kind == UpperKind::Macvlan(MacvlanMode::Passthru)) {
        return Up::Child(only.dev);
    }
    if dst.is_group() {
        // A frame of a child that comes back (macvlan_handle_frame): a bridge-mode child's has been seen by
        // its siblings already, a private child's is for nobody else.
        let sender = up().filter(macvlan).find(|u| u.mac == src).map(|u| u.kind);
        let hears = |u: &&Upper| match (sender, u.kind) {
            (None, UpperKind::Macvlan(_)) => true,
            (Some(UpperKind::Macvlan(MacvlanMode::Vepa)), UpperKind::Macvlan(mode)) => {
                u.mac != src && matches!(mode, MacvlanMode::Vepa | MacvlanMode::Bridge)
            }
            (Some(UpperKind::Macvlan(MacvlanMode::Bridge)), UpperKind::Macvlan(MacvlanMode::Vepa)) => true,
            (_, UpperKind::Ipvlan(IpvlanMode::L2)) => true,
            _ => false,
        };
        let hearers: Vec<DevRef> = up().filter(hears).map(|u| u.dev).collect();
        return if hearers.is_empty() { Up::Own } else { Up::ChildrenAndOwn(hearers) };
    }
    if let Some(child) = up().filter(macvlan).find(|u| u.mac == dst) {
        return Up::Child(child.dev);
    }
    if up().any(|u| ipvlan(&u))
        && let Some(child) = wanted(frame).and_then(|addr| ipvlan_with(all, addr))
    {
        return Up::Child(child.dev);
    }
    Up::Own
}

/// The VLAN id of a tagged frame.
pub fn vlan_id(frame: &[u8]) -> Option<u16> {
    let tag = frame.get(ADDRESSES..ADDRESSES + TAG)?;
    (tag[..2] == TPID).then(|| u16::from_be_bytes([tag[2], tag[3]]) & 0x0fff)
}

/// Puts a tag into a frame.
pub fn tag(bytes: &mut Vec<u8>, id: u16) {
    let id = id.to_be_bytes();
    bytes.splice(ADDRESSES..ADDRESSES, [TPID[0], TPID[1], id[0], id[1]]);
}

/// Takes the tag out of a frame that has one.
pub fn untag(bytes: &mut Vec<u8>) {
    bytes.drain(ADDRESSES..ADDRESSES + TAG);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::NsId;
    use crate::wire::IfIndex;

    fn mac(n: u8) -> Mac {
        Mac([2, 0, 0, 0, 0, n])
    }
    fn upper(n: u8, kind: UpperKind) -> Upper {
        let dev = DevRef { ns: NsId(n.into()), dev: IfIndex(2) };
        let addrs = vec![Ipv4Net::new(Ipv4Addr::new(10, 0, 0, n), 24).expect("a prefix")];
        Upper { dev, mac: mac(n), kind, addrs, up: true }
    }
    fn frame(src: u8, dst: Mac) -> Vec<u8> {
        let mut bytes = vec![0; 60];
        bytes[..6].copy_from_slice(&dst.0);
        bytes[6..12].copy_from_slice(&mac(src).0);
        bytes
    }

    #[test]
    fn bridge_children_meet_one_another_and_the_parents_address_is_sought_on_the_wire() {
        let kind = UpperKind::Macvlan(MacvlanMode::Bridge);
        let all = [upper(1, kind), upper(2, kind)];
        assert_eq!(down(&all[0], &all, &frame(1, mac(2))), Down::Sibling(all[1].dev));
        assert_eq!(down(&all[0], &all, &frame(1, mac(9))), Down::Wire);
        let shout = frame(1, Mac::BROADCAST);
        assert_eq!(down(&all[0], &all, &shout), Down::SiblingsAndWire(vec![all[1].dev]));
        assert_eq!(up(&all, &frame(9, mac(2))), Up::Child(all[1].dev));
        assert_eq!(up(&all, &frame(9, mac(3))), Up::Own);
        assert_eq!(up(&all, &frame(9, Mac::BROADCAST)), Up::ChildrenAndOwn(vec![all[0].dev, all[1].dev]));
    }

    #[test]
    fn private_children_only_know_the_wire() {
        let kind = UpperKind::Macvlan(MacvlanMode::Private);
        let all = [upper(1, kind), upper(2, kind)];
        assert_eq!(down(&all[0], &all, &frame(1, mac(2))), Down::Wire);
        assert_eq!(up(&all, &frame(1, Mac::BROADCAST)), Up::Own, "what comes back is nobody's");
    }

    #[test]
    fn a_tag_goes_in_and_comes_out_again() {
        let plain = frame(1, mac(2));
        let mut tagged = plain.clone();
        tag(&mut tagged, 10);
        assert_eq!((tagged.len(), vlan_id(&tagged)), (64, Some(10)));
        let all = [upper(1, UpperKind::Vlan(10)), upper(2, UpperKind::Vlan(20))];
        assert_eq!(up(&all, &tagged), Up::Untagged(all[0].dev));
        untag(&mut tagged);
        assert_eq!(tagged, plain);
        tag(&mut tagged, 30);
        assert_eq!(up(&all, &tagged), Up::Own, "nobody here has VLAN 30");
    }

    #[test]
    fn ipvlan_children_share_a_mac_and_are_told_apart_by_address() {
        let mut ip = frame(1, mac(1));
        ip[12..14].copy_from_slice(&[8, 0]);
        let mut packet = Ipv4Packet::new_unchecked(&mut ip[14..]);
        packet.set_version(4);
        packet.set_header_len(20);
        packet.set_total_len(46);
        packet.set_dst_addr(Ipv4Addr::new(10, 0, 0, 2));
        let kind = UpperKind::Ipvlan(IpvlanMode::L2);
        let all = [upper(1, kind), upper(2, kind)];
        assert_eq!(down(&all[0], &all, &ip), Down::Sibling(all[1].dev));
        assert_eq!(up(&all, &ip), Up::Child(all[1].dev));
        let kind = UpperKind::Ipvlan(IpvlanMode::L3);
        let alone = [upper(1, kind)];
        assert_eq!(down(&alone[0], &alone, &ip), Down::Routed);
    }
}
