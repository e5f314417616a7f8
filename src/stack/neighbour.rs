//! The neighbour table: ARP (RFC 826), its states (RFC 4861 §7.3 as net/core/neighbour.c has
//! them) and the queue of packets that wait for an answer.
//!
//! Supported: resolution with three questions a second apart, failure, staleness, unicast probes,
//! learning from requests, gratuitous ARP, permanent entries, proxy ARP (answered at once), `arp_ignore`
//! 0, 1, 2 and 8.

use super::{Cx, DropReason, NetNs, Output, Step, TimerKind};
use crate::netfilter::Meta;
use crate::time::{Duration, Instant};
use crate::wire::fmt::{ArpOperation, ArpPacket, ArpRepr, EthernetFrame, EthernetProtocol, EthernetRepr};
use crate::wire::{FastMap, Frame, IfIndex, IfName, Mac};
use std::collections::VecDeque;
use std::net::Ipv4Addr;

/// The state of an entry, as `ip neigh` prints it (NUD_* of include/uapi/linux/neighbour.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NeighState {
    /// Asked by broadcast, no answer yet: packets wait.
    Incomplete,
    /// The MAC address was confirmed lately (base_reachable_time).
    Reachable,
    /// The MAC address is known, but old: it is used until it has to be.
    Stale,
    /// A stale entry in use: the next protocol above may confirm it before it is asked about.
    Delay,
    /// Asked again, the known MAC address alone.
    Probe,
    /// Nobody answered.
    Failed,
    /// Set by hand; never asked about.
    Permanent,
}

/// A line of the neighbour table, for reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// Behind which interface.
    pub dev: IfIndex,
    /// Its IPv4 address.
    pub addr: Ipv4Addr,
    /// Its MAC address, once known.
    pub mac: Option<Mac>,
    /// The state now.
    pub state: NeighState,
}

/// Between two questions: retrans_time_ms, and the tick by which the kernel's timers are late. Without
/// it a SYN that is repeated at whole seconds would race the end of the search, and begin a new one.
const RETRANS: Duration = Duration::from_millis(1_004);
/// Questions before giving up (mcast_solicit, ucast_solicit).
const PROBES: u8 = 3;
/// How long a stale entry is used before it is asked again (delay_first_probe_time).
const DELAY_FIRST_PROBE: Duration = Duration::from_secs(5);
/// A timer of 5 s goes off at the next full 64 jiffies (kernel/time/timer.c; 250 a second): an entry that was
/// confirmed just after it was put into use is asked about all the same.
const DELAY_GRAIN: Duration = Duration::from_millis(256);
/// Another answer within this time does not change the address (locktime).
const LOCKTIME: Duration = Duration::from_secs(1);
/// Packets that wait for one neighbour.
const QUEUE_LIMIT: usize = 64;
/// Entries of a namespace (gc_thresh3).
const TABLE_LIMIT: usize = 1024;

/// A packet that waits, and what its ICMP error would need.
#[derive(Debug, Clone)]
struct Held {
    frame: Frame,
    meta: Meta,
}

#[derive(Debug, Clone)]
struct Entry {
    dev: IfIndex,
    addr: Ipv4Addr,
    mac: Mac,
    state: NeighState,
    /// Timers of an older generation mean nothing.
    generation: u32,
    probes: u8,
    confirmed: Instant,
    updated: Instant,
    queue: VecDeque<Held>,
}

impl Entry {
    fn state_at(&self, now: Instant, reachable: Duration) -> NeighState {
        match self.state {
            NeighState::Reachable if now.since(self.confirmed) > reachable => NeighState::Stale,
            state => state,
        }
    }
    fn line(&self, state: NeighState) -> Neighbour {
        let mac = !matches!(state, NeighState::Incomplete | NeighState::Failed);
        Neighbour { dev: self.dev, addr: self.addr, mac: mac.then_some(self.mac), state }
    }
}

/// A namespace's neighbour table.
#[derive(Debug, Clone)]
pub(super) struct NeighTable {
    entries: Vec<Entry>,
    index: FastMap<u64, u32>,
    /// Packets in all queues.
    queued: usize,
    /// How long an answer is believed: 15 to 45 s, drawn once (base_reachable_time_ms).
    reachable: Duration,
    generation: u32,
}

impl NeighTable {
    pub(super) fn new(rng: &mut crate::rng::Rng) -> Self {
        let reachable = Duration::from_millis(15_000 + u64::from(rng.below(30_000)));
        Self { entries: Vec::new(), index: FastMap::new(), queued: 0, reachable, generation: 0 }
    }

    fn key(dev: IfIndex, addr: Ipv4Addr) -> u64 {
        u64::from(dev.0) << 32 | u64::from(u32::from(addr))
    }
    #[inline]
    fn position(&self, dev: IfIndex, addr: Ipv4Addr) -> Option<usize> {
        self.index.get(&Self::key(dev, addr)).map(|&i| i as usize)
    }

    /// The place of the entry, made if need be. None: the table is full.
    #[inline]
    fn ensure(&mut self, dev: IfIndex, addr: Ipv4Addr, now: Instant) -> Option<usize> {
        self.position(dev, addr).or_else(|| self.add(dev, addr, now))
    }

    #[inline(never)]
    fn add(&mut self, dev: IfIndex, addr: Ipv4Addr, now: Instant) -> Option<usize> {
        if self.entries.len() >= TABLE_LIMIT {
            let reachable = self.reachable;
            self.retain(|e| !matches!(e.state_at(now, reachable), NeighState::Failed | NeighState::Stale));
            if self.entries.len() >= TABLE_LIMIT {
                return None;
            }
        }
        self.index.insert(Self::key(dev, addr), self.entries.len() as u32);
        self.entries.push(Entry {
            dev,
            addr,
            mac: Mac::ZERO,
            state: NeighState::Failed,
            generation: 0,
            probes: 0,
            confirmed: Instant::ZERO,
            updated: now,
            queue: VecDeque::new(),
        });
        Some(self.entries.len() - 1)
    }

    fn retain(&mut self, keep: impl Fn(&Entry) -> bool) {
        self.entries.retain(keep);
        self.index.clear();
        for (i, e) in self.entries.iter().enumerate() {
            self.index.insert(Self::key(e.dev, e.addr), i as u32);
        }
    }

    pub(super) fn queued(&self) -> usize {
        self.queued
    }

    /// All lines as `ip neigh` has them: by interface, then in the order they were made.
    pub(super) fn lines(&self, now: Instant) -> Vec<Neighbour> {
        let mut all: Vec<_> = self.entries.iter().map(|e| e.line(e.state_at(now, self.reachable))).collect();
        all.sort_by_key(|n| n.dev);
        all
    }

    /// Sets the state of an entry and outdates its timers.
    fn set(&mut self, i: usize, state: NeighState) -> u32 {
        self.generation = self.generation.wrapping_add(1);
        self.entries[i].state = state;
        self.entries[i].generation = self.generation;
        self.generation
    }
}

impl NetNs {
    /// Sends `frame`, whose Ethernet header is still empty, to the neighbour `next`; it waits if the
    /// address is not known.
    pub(super) fn neigh_output(
        &mut self,
        dev: IfIndex,
        next: Ipv4Addr,
        mut frame: Frame,
        meta: &Meta,
        cx: &mut Cx<'_>,
    ) {
        if self.devices.get(dev).is_some_and(|d| d.no_arp()) {
            // Without ARP the header holds the device's own address twice (arp_constructor).
            let own = self.devices.get(dev).map(|d| d.mac).unwrap_or_default();
            self.ether_header(dev, own, EthernetProtocol::Ipv4, &mut frame.bytes);
            return self.dev_xmit(dev, frame, cx);
        }
        let Some(i) = self.neigh.ensure(dev, next, cx.now) else {
            return self.dropped(&frame, Some(dev), DropReason::NeighbourQueueFull, cx);
        };
        let reachable = self.neigh.reachable;
        let entry = &mut self.neigh.entries[i];
        match entry.state_at(cx.now, reachable) {
            NeighState::Incomplete | NeighState::Failed => {
                return self.neigh_hold(i, frame, *meta, cx);
            }
            NeighState::Stale => {
                let generation = self.neigh.set(i, NeighState::Delay);
                let due = (cx.now + DELAY_FIRST_PROBE).0 / DELAY_GRAIN.0 + 1;
                self.neigh_timer(i, generation, Instant(due * DELAY_GRAIN.0).since(cx.now), cx);
                self.neigh_note(i, cx);
            }
            _ => {}
        }
        let to = self.neigh.entries[i].mac;
        if let Some(port) = meta.bridged {
            return self.bridge_to_neighbour((dev, port), to, frame, meta, cx);
        }
        self.ether_header(dev, to, EthernetProtocol::Ipv4, &mut frame.bytes);
        self.dev_xmit(dev, frame, cx);
    }

    /// Puts a packet into the queue of an entry without an address, and asks for the address.
    fn neigh_hold(&mut self, i: usize, frame: Frame, meta: Meta, cx: &mut Cx<'_>) {
        let table = &mut self.neigh;
        let entry = &mut table.entries[i];
        let (dev, next_hop) = (entry.dev, entry.addr);
        cx.log.packet(frame.id, Step::Held { dev, next_hop });
        entry.queue.push_back(Held { frame, meta });
        table.queued += 1;
        if entry.queue.len() > QUEUE_LIMIT
            && let Some(oldest) = entry.queue.pop_front()
        {
            table.queued -= 1;
            self.dropped(&oldest.frame, Some(dev), DropReason::NeighbourQueueFull, cx);
        }
        if self.neigh.entries[i].state == NeighState::Failed {
            let generation = self.neigh.set(i, NeighState::Incomplete);
            self.neigh.entries[i].probes = 1;
            self.neigh_note(i, cx);
            self.neigh_timer(i, generation, RETRANS, cx);
            self.neigh_ask(i, Mac::BROADCAST, cx);
        }
    }

    fn neigh_timer(&self, i: usize, generation: u32, after: Duration, cx: &mut Cx<'_>) {
        let Entry { dev, addr, .. } = self.neigh.entries[i];
        let kind = TimerKind::Neighbour { dev, addr, generation };
        cx.out.push(Output::Timer { at: cx.now + after, kind });
    }

    fn neigh_note(&self, i: usize, cx: &mut Cx<'_>) {
        let entry = &self.neigh.entries[i];
        let Neighbour { dev, addr, mac, state } = entry.line(entry.state);
        cx.log.note(Step::Neighbour { dev, addr, mac, state });
    }

    /// An ARP request for the entry's address, from the address of the packet that waits if it is
    /// ours, otherwise from the interface's (arp_solicit with arp_announce 0).
    fn neigh_ask(&mut self, i: usize, to: Mac, cx: &mut Cx<'_>) {
        let Entry { dev, addr, ref queue, .. } = self.neigh.entries[i];
        let waiting = queue.front().map(|held| super::ipv4::view(&held.frame.bytes).src_addr());
        let own = waiting.filter(|&src| self.is_local(src)).or_else(|| self.select_addr(dev, addr));
        if let Some(own) = own {
            self.arp_send(dev, to, ArpOperation::Request, own, Mac::ZERO, addr, cx);
        }
    }

    /// The timer of an entry is due.
    pub(super) fn on_neigh_timer(&mut self, dev: IfIndex, addr: Ipv4Addr, generation: u32, cx: &mut Cx<'_>) {
        let Some(i) = self.neigh.position(dev, addr) else { return };
        let entry = &mut self.neigh.entries[i];
        if entry.generation != generation {
            return;
        }
        match entry.state {
            NeighState::Delay if cx.now.since(entry.confirmed) <= DELAY_FIRST_PROBE => {
                self.neigh.set(i, NeighState::Reachable);
                self.neigh_note(i, cx);
            }
            NeighState::Delay => {
                entry.probes = 0;
                self.neigh.set(i, NeighState::Probe);
                self.neigh_note(i, cx);
                self.neigh_ask_again(i, cx);
            }
            NeighState::Incomplete | NeighState::Probe if entry.probes < PROBES => {
                self.neigh_ask_again(i, cx);
            }
            NeighState::Incomplete | NeighState::Probe => {
                self.neigh.set(i, NeighState::Failed);
                self.neigh_note(i, cx);
                let queue = std::mem::take(&mut self.neigh.entries[i].queue);
                self.neigh.queued -= queue.len();
                self.neigh_give_up(dev, addr, queue, cx);
            }
            _ => {}
        }
    }

    fn neigh_ask_again(&mut self, i: usize, cx: &mut Cx<'_>) {
        let entry = &mut self.neigh.entries[i];
        entry.probes += 1;
        let generation = entry.generation;
        let to = if entry.state == NeighState::Probe { entry.mac } else { Mac::BROADCAST };
        self.neigh_timer(i, generation, RETRANS, cx);
        self.neigh_ask(i, to, cx);
    }

    /// Nobody answered: each waiting packet's sender is told (arp_error_report).
    fn neigh_give_up(&mut self, dev: IfIndex, next_hop: Ipv4Addr, queue: VecDeque<Held>, cx: &mut Cx<'_>) {
        for Held { frame, meta } in queue {
            self.icmp_error_about(&frame, &meta, super::icmp::HOST_UNREACHABLE, 0, cx);
            self.dropped(&frame, Some(dev), DropReason::NoArpReply { next_hop }, cx);
        }
    }

    /// What was heard of `addr` (neigh_update). `solicited`: in an answer to our question.
    fn neigh_update(&mut self, i: usize, mac: Mac, solicited: bool, may_change: bool, cx: &mut Cx<'_>) {
        let reachable = self.neigh.reachable;
        let entry = &mut self.neigh.entries[i];
        let old = entry.state_at(cx.now, reachable);
        let known = !matches!(old, NeighState::Incomplete | NeighState::Failed);
        if old == NeighState::Permanent || (known && entry.mac != mac && !may_change) {
            return;
        }
        if solicited {
            entry.confirmed = cx.now;
        }
        let same = known && entry.mac == mac;
        let new = match (solicited, same) {
            (true, _) => NeighState::Reachable,
            (false, true) => old,
            (false, false) => NeighState::Stale,
        };
        if !same {
            entry.mac = mac;
        }
        entry.updated = cx.now;
        if new != entry.state || !same {
            self.neigh.set(i, new);
            self.neigh_note(i, cx);
        }
        let queue = std::mem::take(&mut self.neigh.entries[i].queue);
        self.neigh.queued -= queue.len();
        if !queue.is_empty() {
            let Entry { dev, addr, .. } = self.neigh.entries[i];
            for Held { frame, meta } in queue {
                self.neigh_output(dev, addr, frame, &meta, cx);
            }
        }
    }

    /// A transport layer heard from the neighbour on the way to `dst` (dst_confirm).
    pub(super) fn confirm_neighbour(&mut self, dst: Ipv4Addr, cx: &mut Cx<'_>) {
        let Ok(hop) = self.resolve(dst, None) else { return };
        let super::output::NextHop::Neighbour(next) = hop.next else { return };
        if let Some(i) = self.neigh.position(hop.dev, next) {
            self.neigh.entries[i].confirmed = cx.now;
        }
    }

    /// The MAC address of `addr`, if it is known for certain or was heard of lately (NUD_CONNECTED).
    pub(super) fn neigh_known(&self, dev: IfIndex, addr: Ipv4Addr, now: Instant) -> Option<Mac> {
        let entry = &self.neigh.entries[self.neigh.position(dev, addr)?];
        let state = entry.state_at(now, self.neigh.reachable);
        matches!(state, NeighState::Permanent | NeighState::Reachable).then_some(entry.mac)
    }

    /// `ip neigh replace ADDR lladdr MAC dev DEV nud permanent` (or `reachable`). False if the table is
    /// full.
    pub fn set_neighbour(
        &mut self,
        dev: IfIndex,
        addr: Ipv4Addr,
        mac: Mac,
        permanent: bool,
        cx: &mut Cx<'_>,
    ) -> bool {
        let Some(i) = self.neigh.ensure(dev, addr, cx.now) else { return false };
        let state = if permanent { NeighState::Permanent } else { NeighState::Reachable };
        let entry = &mut self.neigh.entries[i];
        (entry.mac, entry.confirmed, entry.updated) = (mac, cx.now, cx.now);
        let queue = std::mem::take(&mut entry.queue);
        self.neigh.queued -= queue.len();
        self.neigh.set(i, state);
        self.neigh_note(i, cx);
        for Held { frame, meta } in queue {
            self.neigh_output(dev, addr, frame, &meta, cx);
        }
        true
    }

    /// `ip neigh del ADDR dev DEV`. False if there was none.
    pub fn remove_neighbour(&mut self, dev: IfIndex, addr: Ipv4Addr, cx: &mut Cx<'_>) -> bool {
        let Some(i) = self.neigh.position(dev, addr) else { return false };
        let queue = std::mem::take(&mut self.neigh.entries[i].queue);
        self.neigh.queued -= queue.len();
        self.neigh.retain(|e| (e.dev, e.addr) != (dev, addr));
        for held in queue {
            self.dropped(&held.frame, Some(dev), DropReason::NoArpReply { next_hop: addr }, cx);
        }
        true
    }

    /// Forgets everything about a device that goes, permanent entries too.
    pub(super) fn neigh_forget_all_of(&mut self, dev: IfIndex, cx: &mut Cx<'_>) {
        self.neigh_forget(Some(dev), cx);
        self.neigh.retain(|e| e.dev != dev);
    }

    /// Forgets entries: all, or one device's. Packets that waited there are lost.
    pub(super) fn neigh_forget(&mut self, dev: Option<IfIndex>, cx: &mut Cx<'_>) {
        let wanted = |e: &Entry| dev.is_none_or(|d| d == e.dev) && e.state != NeighState::Permanent;
        let mut lost = Vec::new();
        for entry in self.neigh.entries.iter_mut().filter(|e| wanted(e)) {
            self.neigh.queued -= entry.queue.len();
            lost.extend(entry.queue.drain(..).map(|held| (entry.dev, entry.addr, held.frame)));
        }
        self.neigh.retain(|e| !wanted(e));
        for (dev, next_hop, frame) in lost {
            self.dropped(&frame, Some(dev), DropReason::NoArpReply { next_hop }, cx);
        }
    }

    // ---- ARP

    /// An ARP frame came in (arp_process, net/ipv4/arp.c).
    pub(super) fn arp_input(&mut self, dev: IfIndex, frame: Frame, cx: &mut Cx<'_>) {
        let ether = EthernetFrame::new_unchecked(&frame.bytes[..]);
        let parsed = ArpPacket::new_checked(ether.payload()).and_then(|p| ArpRepr::parse(&p));
        let Ok(ArpRepr::EthernetIpv4 {
            operation,
            source_hardware_addr,
            source_protocol_addr: sender,
            target_protocol_addr: target,
            ..
        }) = parsed
        else {
            return self.dropped(&frame, Some(dev), DropReason::Malformed, cx);
        };
        let to_us = !Mac::from(ether.dst_addr()).is_group();
        let mac = Mac::from(source_hardware_addr);
        if target.is_multicast() || (target.is_loopback() && !self.route_localnet(dev)) || mac.is_group() {
            return self.dropped(&frame, Some(dev), DropReason::ArpNotMine, cx);
        }
        let request = operation == ArpOperation::Request;
        let own = self.devices.get(dev).map(|d| d.mac);
        if self.is_local(sender) && own != Some(mac) && !self.devices.iter().any(|d| d.mac == mac) {
            cx.log.packet(frame.id, Step::AddressConflict { dev, addr: sender, mac });
        }
        let mine = !self.is_local(sender)
            && ((self.is_local(target) && !self.arp_ignores(dev, sender, target))
                || self.arp_stands_in(dev, target));
        if request && mine {
            cx.log.packet(frame.id, Step::DeliveredToKernel);
            if !sender.is_unspecified()
                && let Some(i) = self.neigh.ensure(dev, sender, cx.now)
            {
                self.neigh_update(i, mac, false, true, cx);
            }
            return self.arp_send(dev, mac, ArpOperation::Reply, target, mac, sender, cx);
        }
        let Some(i) = self.neigh.position(dev, sender) else {
            return self.dropped(&frame, Some(dev), DropReason::ArpNotMine, cx);
        };
        cx.log.packet(frame.id, Step::DeliveredToKernel);
        let gratuitous = sender == target;
        let may_change = gratuitous || cx.now.since(self.neigh.entries[i].updated) > LOCKTIME;
        self.neigh_update(i, mac, !request && to_us, may_change, cx);
    }

    /// Whether a question for an address of ours stays without an answer (arp_ignore of the interface or of
    /// all, whichever is more).
    fn arp_ignores(&self, dev: IfIndex, sender: Ipv4Addr, target: Ipv4Addr) -> bool {
        let Some(device) = self.devices.get(dev).filter(|_| !self.sysctl.arp_ignore.is_empty()) else {
            return false;
        };
        let set = self.sysctl.arp_ignore.iter().filter(|(n, _)| n.as_str().is_empty() || *n == device.name);
        match set.map(|(_, level)| *level).max().unwrap_or(0) {
            0 => false,
            1 => !device.addrs.iter().any(|n| n.addr() == target),
            2 => !device.addrs.iter().any(|n| n.addr() == target && n.contains(&sender)),
            8 => true,
            _ => false,
        }
    }

    /// Proxy ARP: we answer for an address that we would send packets to by another interface
    /// (arp_fwd_proxy).
    fn arp_stands_in(&self, dev: IfIndex, target: Ipv4Addr) -> bool {
        let on = &self.sysctl.proxy_arp;
        let here = |name: &IfName| {
            name.as_str().is_empty() || self.devices.get(dev).is_some_and(|d| d.name == *name)
        };
        on.iter().any(here)
            && self.forwards(dev)
            && !self.is_local(target)
            && self.resolve(target, None).is_ok_and(|hop| hop.dev != dev && hop.dev != IfIndex::LO)
    }

    #[allow(clippy::too_many_arguments)] // the fields of an ARP packet
    fn arp_send(
        &mut self,
        dev: IfIndex,
        to: Mac,
        operation: ArpOperation,
        own: Ipv4Addr,
        target_mac: Mac,
        target: Ipv4Addr,
        cx: &mut Cx<'_>,
    ) {
        let Some(device) = self.devices.get(dev) else { return };
        let repr = ArpRepr::EthernetIpv4 {
            operation,
            source_hardware_addr: device.mac.into(),
            source_protocol_addr: own,
            target_hardware_addr: target_mac.into(),
            target_protocol_addr: target,
        };
        let mut bytes = vec![0; super::ipv4::ETHER + repr.buffer_len()];
        self.ether_header(dev, to, EthernetProtocol::Arp, &mut bytes);
        repr.emit(&mut ArpPacket::new_unchecked(&mut bytes[super::ipv4::ETHER..]));
        let frame = Frame::new(cx.ids.next_id(), bytes);
        cx.log.packet(frame.id, Step::Sent { by: None });
        self.dev_xmit(dev, frame, cx);
    }

    /// Sends a gratuitous ARP announcement for every address of `dev` (RFC 5227 §3).
    pub fn announce(&mut self, dev: IfIndex, cx: &mut Cx<'_>) {
        let addrs: Vec<_> = self.devices.get(dev).map(|d| d.addrs.clone()).unwrap_or_default();
        for net in addrs {
            let own = net.addr();
            self.arp_send(dev, Mac::BROADCAST, ArpOperation::Request, own, Mac::ZERO, own, cx);
        }
    }

    /// Writes the Ethernet header of a frame that leaves by `dev`.
    pub(super) fn ether_header(&self, dev: IfIndex, to: Mac, ethertype: EthernetProtocol, bytes: &mut [u8]) {
        let src_addr = self.devices.get(dev).map(|d| d.mac).unwrap_or_default().into();
        let repr = EthernetRepr { src_addr, dst_addr: to.into(), ethertype };
        repr.emit(&mut EthernetFrame::new_unchecked(bytes));
    }
}
