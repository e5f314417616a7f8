//! The learning bridge (IEEE 802.1D-2004 §7.8, §7.9; net/bridge/br_input.c, br_forward.c, br_fdb.c).
//!
//! Supported: learning, ageing, flooding, the host as a member, iptables for bridged packets
//! (`bridge-nf-call-iptables`), storm control as switches have it (off unless asked for; Linux does it
//! with tc). Not supported: spanning tree (ports forward at once, as with
//! `stp_state 0`), VLAN filtering, multicast snooping (multicast is flooded), port isolation.

use super::{Cx, DropReason, NetNs, Step};
use crate::netfilter::{Hook, Meta};
use crate::time::{Duration, Instant};
use crate::wire::fmt::{EthernetFrame, EthernetProtocol};
use crate::wire::{FastMap, Frame, IfIndex, Mac};

/// How long a learned address is believed (BR_DEFAULT_AGEING_TIME).
const AGEING: Duration = Duration::from_secs(300);
/// Learned addresses a bridge remembers at most.
const FDB_LIMIT: usize = 16_384;
/// The span over which storm control counts.
const STORM_WINDOW: Duration = Duration::from_millis(100);

/// A line of the forwarding database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FdbEntry {
    /// Address.
    pub mac: Mac,
    /// Behind which port. The bridge itself for its own address.
    pub port: IfIndex,
    /// Last seen. Entries age after 300 s (the kernel's default).
    pub seen: Instant,
    /// The port's own address; never ages.
    pub local: bool,
}

/// A bridge's state.
#[derive(Debug, Clone, Default)]
pub struct BridgeState {
    /// Ports in the order they were added.
    pub ports: Vec<IfIndex>,
    /// The MAC address was set by somebody and no longer follows the ports'.
    pub(super) mac_set: bool,
    /// Storm control: group and unknown frames that it repeats in a tenth of a second, at most.
    pub(super) storm_limit: Option<u32>,
    /// When the tenth of a second in hand began, and how many it has repeated since.
    repeated: (Instant, u32),
    /// When a frame was dropped for the limit last.
    pub(super) stormed: Option<Instant>,
    fdb: Vec<FdbEntry>,
    index: FastMap<Mac, u32>,
}

impl BridgeState {
    /// One without ports. `mac_set`: its address was given and stays.
    pub(super) fn with_mac(mac_set: bool) -> Self {
        Self { mac_set, ..Self::default() }
    }

    /// Counts a frame for everybody; true if there were too many of them lately.
    fn storms(&mut self, now: Instant) -> bool {
        let Some(limit) = self.storm_limit else { return false };
        let (since, count) = &mut self.repeated;
        if now.since(*since) >= STORM_WINDOW {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        let over = *count > limit;
        if over {
            self.stormed = Some(now);
        }
        over
    }

    /// Whether frames were dropped for storm control within the last second.
    pub fn is_storming(&self, now: Instant) -> bool {
        self.stormed.is_some_and(|at| now.since(at) < Duration::from_secs(1))
    }

    fn position(&self, mac: Mac) -> Option<usize> {
        self.index.get(&mac).map(|&i| i as usize)
    }

    /// The entry of `mac` that still holds at `now`.
    fn find(&self, mac: Mac, now: Instant) -> Option<&FdbEntry> {
        let entry = &self.fdb[self.position(mac)?];
        (entry.local || now.since(entry.seen) < AGEING).then_some(entry)
    }

    /// Notes that `mac` spoke at `port`; true if that is news.
    fn learn(&mut self, mac: Mac, port: IfIndex, now: Instant) -> bool {
        if let Some(i) = self.position(mac) {
            let entry = &mut self.fdb[i];
            if entry.local {
                return false;
            }
            let news = entry.port != port || now.since(entry.seen) >= AGEING;
            entry.port = port;
            entry.seen = now;
            return news;
        }
        if self.fdb.len() >= FDB_LIMIT {
            self.retain(|e| e.local || now.since(e.seen) < AGEING);
            if self.fdb.len() >= FDB_LIMIT {
                return false;
            }
        }
        self.insert(FdbEntry { mac, port, seen: now, local: false });
        true
    }

    fn insert(&mut self, entry: FdbEntry) {
        match self.position(entry.mac) {
            Some(i) => self.fdb[i] = entry,
            None => {
                self.index.insert(entry.mac, self.fdb.len() as u32);
                self.fdb.push(entry);
            }
        }
    }

    fn retain(&mut self, keep: impl Fn(&FdbEntry) -> bool) {
        self.fdb.retain(keep);
        self.index.clear();
        for (i, entry) in self.fdb.iter().enumerate() {
            self.index.insert(entry.mac, i as u32);
        }
    }

    /// Forgets what was learned at `port`.
    pub(super) fn forget_port(&mut self, port: IfIndex) {
        self.retain(|e| e.local || e.port != port);
    }

    /// Writes the members' own addresses anew.
    pub(super) fn set_local(&mut self, own: &[(Mac, IfIndex)]) {
        self.retain(|e| !e.local);
        for &(mac, port) in own {
            self.insert(FdbEntry { mac, port, seen: Instant::ZERO, local: true });
        }
    }

    /// All entries that hold at `now`, by port, the port's own first.
    pub(super) fn entries(&self, now: Instant) -> Vec<FdbEntry> {
        let mut all: Vec<_> =
            self.fdb.iter().copied().filter(|e| e.local || now.since(e.seen) < AGEING).collect();
        all.sort_by_key(|e| (e.port, !e.local, e.mac));
        all
    }
}

/// What the bridge's database says about a frame's destination.
enum Where {
    /// Its own, or a port's.
    Up,
    Port(IfIndex),
    /// Everybody; `up`: the host too.
    Flood {
        up: bool,
    },
}

impl NetNs {
    /// A frame came in at `port` of `bridge`.
    #[inline(never)]
    pub(super) fn bridge_input(&mut self, bridge: IfIndex, port: IfIndex, frame: Frame, cx: &mut Cx<'_>) {
        let ether = EthernetFrame::new_unchecked(&frame.bytes[..]);
        let (src, dst) = (Mac::from(ether.src_addr()), Mac::from(ether.dst_addr()));
        if src.is_group() || src == Mac::ZERO {
            return self.dropped(&frame, Some(port), DropReason::Malformed, cx);
        }
        let Some(device) = self.devices.get_mut(bridge) else {
            return self.dropped(&frame, Some(port), DropReason::DeviceDown, cx);
        };
        let up = device.up;
        let Some(state) = device.bridge_mut().filter(|_| up) else {
            return self.dropped(&frame, Some(bridge), DropReason::DeviceDown, cx);
        };
        if state.learn(src, port, cx.now) {
            cx.log.packet(frame.id, Step::Learned { bridge, port, mac: src });
        }
        let way = state.way(dst, cx.now);
        if matches!(way, Where::Flood { .. }) && state.storms(cx.now) {
            return self.dropped(&frame, Some(port), DropReason::StormLimit, cx);
        }
        let ipv4 = ether.ethertype() == EthernetProtocol::Ipv4;
        let filtered = ipv4 && self.sysctl.bridge_nf_call_iptables;
        if self.has_packet_sockets() && !filtered && !matches!(way, Where::Up) {
            // a listener on the bridge sees what it carries, too (promiscuous mode)
            self.deliver_to_packet_sockets(bridge, &frame.bytes, false, cx);
        }
        if filtered {
            return self.bridge_through_iptables(bridge, port, frame, cx);
        }
        match way {
            // as most
            Where::Port(out) if out != port => self.bridge_out(bridge, out, frame, cx),
            _ => self.bridge_go(bridge, Some(port), way, frame, None, cx),
        }
    }

    /// Out of one port.
    fn bridge_out(&mut self, bridge: IfIndex, port: IfIndex, frame: Frame, cx: &mut Cx<'_>) {
        cx.log.packet(frame.id, Step::Bridged { bridge, port });
        self.dev_xmit(port, frame, cx);
    }

    /// The host itself sends out of `bridge`.
    pub(super) fn bridge_xmit(&mut self, bridge: IfIndex, frame: Frame, cx: &mut Cx<'_>) {
        let dst = Mac::from(EthernetFrame::new_unchecked(&frame.bytes[..]).dst_addr());
        let Some(state) = self.devices.get(bridge).and_then(|d| d.bridge()) else { return };
        let way = match state.way(dst, cx.now) {
            Where::Flood { .. } => Where::Flood { up: false },
            way => way,
        };
        self.bridge_go(bridge, None, way, frame, None, cx);
    }

    /// `done`: what iptables knows of it, if PREROUTING was asked.
    fn bridge_go(
        &mut self,
        bridge: IfIndex,
        from: Option<IfIndex>,
        way: Where,
        mut frame: Frame,
        done: Option<Meta>,
        cx: &mut Cx<'_>,
    ) {
        match way {
            Where::Up => self.bridge_up(bridge, frame, done, cx),
            Where::Port(port) if Some(port) == from && !self.is_hairpin(port) => {
                self.dropped(&frame, Some(port), DropReason::SamePort, cx);
            }
            Where::Port(port) => {
                if self.bridge_forward(&mut frame, done, cx) {
                    self.bridge_out(bridge, port, frame, cx);
                }
            }
            Where::Flood { up } => self.bridge_flood(bridge, from, up, frame, done, cx),
        }
    }

    /// Frames may go back out of the port that they came in by.
    fn is_hairpin(&self, port: IfIndex) -> bool {
        self.devices.get(port).is_some_and(|d| d.hairpin)
    }

    /// Asks FORWARD and POSTROUTING about what leaves by a port; true if it may.
    fn bridge_forward(&mut self, frame: &mut Frame, done: Option<Meta>, cx: &mut Cx<'_>) -> bool {
        let Some(mut meta) = done else { return true };
        meta.out_dev = meta.in_dev;
        [Hook::Forward, Hook::Postrouting]
            .into_iter()
            .all(|hook| self.ask(hook, frame, &mut meta, cx).is_some())
    }

    /// A copy to every port but the one it came from; the frame itself goes up, or out of the last.
    fn bridge_flood(
        &mut self,
        bridge: IfIndex,
        from: Option<IfIndex>,
        up: bool,
        mut frame: Frame,
        done: Option<Meta>,
        cx: &mut Cx<'_>,
    ) {
        let Some(state) = self.devices.get(bridge).and_then(|d| d.bridge()) else { return };
        let running = |port: &&IfIndex| self.devices.get(**port).is_some_and(|d| d.is_running());
        let wanted = |port: &&IfIndex| Some(**port) != from;
        let count = state.ports.iter().filter(wanted).filter(running).count();
        cx.log.packet(frame.id, Step::Flooded { bridge, ports: count as u16 });
        if count == 0 && !up {
            return self.dropped(&frame, Some(bridge), DropReason::SamePort, cx);
        }
        // by position, because sending needs the namespace; ports cannot change meanwhile
        let copies = if up { count } else { count - 1 };
        let (mut at, mut made) = (0, 0);
        let mut last = None;
        while let Some(&port) =
            self.devices.get(bridge).and_then(|d| d.bridge()).and_then(|b| b.ports.get(at))
        {
            at += 1;
            if Some(port) == from || !self.devices.get(port).is_some_and(|d| d.is_running()) {
                continue;
            }
            if made == copies {
                last = Some(port);
                break;
            }
            made += 1;
            let id = cx.ids.next_id();
            cx.log.packet(id, Step::Copied { of: frame.id });
            let mut copy = Frame::new(id, frame.bytes.clone());
            if self.bridge_forward(&mut copy, done, cx) {
                self.dev_xmit(port, copy, cx);
            }
        }
        match last {
            Some(port) => {
                if self.bridge_forward(&mut frame, done, cx) {
                    self.dev_xmit(port, frame, cx);
                }
            }
            None => self.bridge_up(bridge, frame, done, cx),
        }
    }

    /// Up to the host: the bridge is the interface it came in on.
    fn bridge_up(&mut self, bridge: IfIndex, frame: Frame, done: Option<Meta>, cx: &mut Cx<'_>) {
        cx.log.packet(frame.id, Step::BridgedUp { bridge });
        let Some(device) = self.devices.get_mut(bridge) else { return };
        device.count_in(frame.bytes.len());
        if self.has_packet_sockets() {
            let dst = Mac::from(EthernetFrame::new_unchecked(&frame.bytes[..]).dst_addr());
            // a group frame, or one that iptables has seen, was shown when it came in
            if !dst.is_group() && done.is_none() {
                self.deliver_to_packet_sockets(bridge, &frame.bytes, false, cx);
            }
        }
        self.ether_input(bridge, frame, done, cx);
    }

    /// `bridge-nf-call-iptables`: a bridged IPv4 packet walks PREROUTING, FORWARD and POSTROUTING as
    /// if the host forwarded it, with the bridge as both interfaces (net/bridge/br_netfilter_hooks.c).
    fn bridge_through_iptables(&mut self, bridge: IfIndex, port: IfIndex, mut frame: Frame, cx: &mut Cx<'_>) {
        if let Err(reason) = super::ipv4::validate(&mut frame) {
            return self.dropped(&frame, Some(port), reason, cx);
        }
        let mut meta = self.meta_of(bridge, &frame);
        match self.ask(Hook::Prerouting, &mut frame, &mut meta, cx) {
            None => return,
            Some(true) => {
                self.deliver_to_packet_sockets(bridge, &frame.bytes, false, cx);
                return self.bridge_redirected(bridge, port, frame, meta, cx);
            }
            // a listener sees it as PREROUTING left it
            Some(false) => self.deliver_to_packet_sockets(bridge, &frame.bytes, false, cx),
        }
        let dst = Mac::from(EthernetFrame::new_unchecked(&frame.bytes[..]).dst_addr());
        let Some(state) = self.devices.get(bridge).and_then(|d| d.bridge()) else { return };
        let way = state.way(dst, cx.now);
        self.bridge_go(bridge, Some(port), way, frame, Some(meta), cx);
    }

    /// PREROUTING gave a bridged packet another destination: routing says behind which interface it is.
    /// If that is the bridge itself the packet stays a bridged one, with the neighbour's address and
    /// its own TTL (br_nf_pre_routing_finish, br_nf_pre_routing_finish_bridge).
    fn bridge_redirected(
        &mut self,
        bridge: IfIndex,
        port: IfIndex,
        frame: Frame,
        mut meta: Meta,
        cx: &mut Cx<'_>,
    ) {
        let dst = super::ipv4::view(&frame.bytes).dst_addr();
        let hop = self.resolve(dst, None).ok().filter(|h| h.dev == bridge && self.sysctl.ip_forward);
        match hop.map(|h| h.next) {
            Some(super::output::NextHop::Neighbour(next)) => {
                meta.bridged = Some(port);
                self.neigh_output(bridge, next, frame, &meta, cx);
            }
            _ => self.bridge_up(bridge, frame, Some(meta), cx),
        }
    }

    /// The neighbour that a redirected packet goes to is known now.
    pub(super) fn bridge_to_neighbour(
        &mut self,
        (bridge, from): (IfIndex, IfIndex),
        to: Mac,
        mut frame: Frame,
        meta: &Meta,
        cx: &mut Cx<'_>,
    ) {
        EthernetFrame::new_unchecked(&mut frame.bytes[..]).set_dst_addr(to.into());
        let Some(state) = self.devices.get(bridge).and_then(|d| d.bridge()) else { return };
        let way = state.way(to, cx.now);
        self.bridge_go(bridge, Some(from), way, frame, Some(*meta), cx);
    }

    /// The last of the bridge's ports is new. As [`NetNs::refresh_bridge`], without looking at all the
    /// others if the bridge keeps its address.
    pub(super) fn bridge_port_added(&mut self, bridge: IfIndex, port: IfIndex, cx: &mut Cx<'_>) {
        let Some(mac) = self.devices.get(port).map(|d| d.mac) else { return };
        let Some(device) = self.devices.get_mut(bridge) else { return };
        let own = device.mac;
        match device.bridge_mut() {
            Some(state) if mac != own && (state.mac_set || (mac > own && state.ports.len() > 1)) => {
                state.insert(FdbEntry { mac, port, seen: Instant::ZERO, local: true });
                self.refresh_bridge_carrier(bridge, cx);
            }
            _ => self.refresh_bridge(bridge, cx),
        }
    }

    /// A bridge has carrier while one of its ports runs (br_port_carrier_check).
    pub(super) fn refresh_bridge_carrier(&mut self, bridge: IfIndex, cx: &mut Cx<'_>) {
        let Some(state) = self.devices.get(bridge).and_then(|d| d.bridge()) else { return };
        let mut ports = state.ports.iter().filter_map(|&p| self.devices.get(p));
        let carrier = ports.any(|p| p.is_running());
        self.set_carrier(bridge, carrier, cx);
    }

    /// Brings a bridge's address and carrier in line with its ports (br_stp_recalculate_bridge_id).
    pub(super) fn refresh_bridge(&mut self, bridge: IfIndex, cx: &mut Cx<'_>) {
        let Some(device) = self.devices.get(bridge) else { return };
        let Some(state) = device.bridge() else { return };
        let ports: Vec<_> = state.ports.iter().filter_map(|&p| self.devices.get(p)).collect();
        let lowest = ports.iter().map(|p| p.mac).min().filter(|_| !state.mac_set);
        let mac = lowest.unwrap_or(device.mac);
        let mut own: Vec<_> = ports.iter().map(|p| (p.mac, p.index)).collect();
        own.push((mac, bridge));
        if let Some(device) = self.devices.get_mut(bridge) {
            device.mac = mac;
            if let Some(state) = device.bridge_mut() {
                state.set_local(&own);
            }
        }
        self.refresh_bridge_carrier(bridge, cx);
    }
}

impl BridgeState {
    #[inline]
    fn way(&self, dst: Mac, now: Instant) -> Where {
        if dst.is_group() {
            return Where::Flood { up: true };
        }
        match self.find(dst, now) {
            Some(e) if e.local => Where::Up,
            Some(e) => Where::Port(e.port),
            None => Where::Flood { up: false },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Mac = Mac([2, 0, 0, 0, 0, 1]);

    #[test]
    fn a_learned_address_is_believed_for_five_minutes() {
        let mut bridge = BridgeState::default();
        assert!(bridge.learn(A, IfIndex(2), Instant::ZERO));
        assert!(!bridge.learn(A, IfIndex(2), Instant::ZERO + Duration::from_secs(1)));
        assert!(bridge.find(A, Instant::ZERO + Duration::from_secs(300)).is_some());
        assert!(bridge.find(A, Instant::ZERO + Duration::from_secs(301)).is_none());
        assert!(bridge.learn(A, IfIndex(2), Instant::ZERO + Duration::from_secs(302)), "it is news again");
    }

    #[test]
    fn an_address_that_moves_is_learned_anew() {
        let mut bridge = BridgeState::default();
        bridge.learn(A, IfIndex(2), Instant::ZERO);
        assert!(bridge.learn(A, IfIndex(3), Instant::ZERO));
        assert_eq!(bridge.find(A, Instant::ZERO).map(|e| e.port), Some(IfIndex(3)));
        bridge.forget_port(IfIndex(3));
        assert!(bridge.find(A, Instant::ZERO).is_none());
    }

    #[test]
    fn a_members_own_address_is_never_learned_elsewhere() {
        let mut bridge = BridgeState::default();
        bridge.set_local(&[(A, IfIndex(2))]);
        assert!(!bridge.learn(A, IfIndex(3), Instant::ZERO));
        assert_eq!(bridge.find(A, Instant::FAR_FUTURE).map(|e| e.port), Some(IfIndex(2)));
    }
}
