//! IPv4 (RFC 791): what the ways in and out share. See `input` and `output`.
//!
//! Supported: TTL, fragmentation and DF, path MTU (RFC 1191). Not supported: IP options beyond
//! being carried along, multicast groups, TOS routing.

use super::{DropReason, NetNs, Pid};
use crate::netfilter::{AddrType, Host, NfLog, NfStep};
use crate::stack::device::Devices;
use crate::stack::{RouteTable, Step, StepLog};
use crate::wire::fmt::Ipv4Packet;
use crate::wire::{Frame, IfIndex, IfName, PacketId, Protocol, checksum};
use std::net::Ipv4Addr;

/// Length of the Ethernet header.
pub(super) const ETHER: usize = 14;
/// Length of the IPv4 header without options.
pub(super) const HEADER: usize = 20;

/// Where its checksum is.
pub(super) const CHECKSUM: usize = 10;

/// A packet that a socket or the kernel itself sends.
#[derive(Debug, Clone, Copy)]
pub(super) struct IpSend<'a> {
    /// Whose socket; None: the kernel's own.
    pub by: Option<Pid>,
    /// Source address; see [`NetNs::source_for`].
    pub src: Ipv4Addr,
    /// Destination address.
    pub dst: Ipv4Addr,
    /// Protocol of `payload`.
    pub proto: Protocol,
    /// TTL; None: net.ipv4.ip_default_ttl.
    pub ttl: Option<u8>,
    /// Set DF.
    pub df: bool,
    /// Leave by this interface only (SO_BINDTODEVICE).
    pub device: Option<IfIndex>,
    /// Transport header and data, its checksum already filled in for `src` and `dst`.
    pub payload: &'a [u8],
}

/// The IPv4 packet of an Ethernet frame that was validated.
#[inline]
pub(super) fn view(frame: &[u8]) -> Ipv4Packet<&[u8]> {
    Ipv4Packet::new_unchecked(&frame[ETHER..])
}

/// The same, to change it.
#[inline]
pub(super) fn view_mut(frame: &mut [u8]) -> Ipv4Packet<&mut [u8]> {
    Ipv4Packet::new_unchecked(&mut frame[ETHER..])
}

/// The payload of the IPv4 packet of a validated frame.
#[inline]
pub(super) fn payload(frame: &[u8]) -> &[u8] {
    let header = usize::from(view(frame).header_len());
    &frame[ETHER + header..]
}

/// Checks lengths, version and header checksum (ip_rcv_core), and cuts off padding.
pub(super) fn validate(frame: &mut Frame) -> Result<(), DropReason> {
    let packet = frame.bytes.get(ETHER..).ok_or(DropReason::Malformed)?;
    let packet = Ipv4Packet::new_checked(packet).map_err(|_| DropReason::Malformed)?;
    if packet.version() != 4 || usize::from(packet.header_len()) < HEADER {
        return Err(DropReason::Malformed);
    }
    let (header, end) = (usize::from(packet.header_len()), ETHER + usize::from(packet.total_len()));
    let packet = packet.into_inner();
    let sum = match packet.first_chunk::<HEADER>() {
        // as mostly, without options: how many words there are is known
        Some(plain) if header == HEADER => checksum::sum(plain),
        _ => checksum::sum(&packet[..header]),
    };
    if sum != 0xffff {
        return Err(DropReason::BadChecksum);
    }
    if frame.bytes.len() > end {
        frame.bytes.truncate(end);
    }
    Ok(())
}

/// An address of the namespace, of an interface that is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LocalAddr {
    pub addr: Ipv4Addr,
    pub dev: IfIndex,
    /// The address that packets to it come from, if nobody chooses (the local route's `src`).
    pub source: Ipv4Addr,
    /// The subnet's broadcast address, if it has one.
    pub broadcast: Option<Ipv4Addr>,
}

/// What netfilter may ask of the namespace.
pub(super) struct HostView<'a> {
    pub devices: &'a Devices,
    pub routes: &'a RouteTable,
    pub locals: &'a [LocalAddr],
}

impl HostView<'_> {
    pub fn is_local(&self, addr: Ipv4Addr) -> bool {
        addr.is_loopback() || self.locals.iter().any(|l| l.addr == addr)
    }
    pub fn is_broadcast(&self, addr: Ipv4Addr) -> bool {
        addr.is_broadcast() || self.locals.iter().any(|l| l.broadcast == Some(addr))
    }
    /// The address for packets through `dev` to the neighbour `next` (inet_select_addr): the
    /// first whose subnet has it, else the first at all, else any other interface's.
    pub fn select_addr(&self, dev: IfIndex, next: Ipv4Addr) -> Option<Ipv4Addr> {
        let addrs = self.devices.get(dev).map_or(&[][..], |d| &d.addrs);
        let usable = || addrs.iter().filter(|net| !net.addr().is_loopback());
        let own = usable().find(|net| net.contains(&next)).or_else(|| usable().next());
        own.map(|net| net.addr())
            .or_else(|| self.locals.iter().find(|l| l.dev != IfIndex::LO).map(|l| l.addr))
    }
    fn class(&self, addr: Ipv4Addr, local: bool) -> AddrType {
        match addr {
            _ if local => AddrType::Local,
            _ if self.is_broadcast(addr) => AddrType::Broadcast,
            _ if addr.is_multicast() => AddrType::Multicast,
            _ => AddrType::Unicast,
        }
    }
}

impl Host for HostView<'_> {
    fn addr_type(&self, addr: Ipv4Addr) -> AddrType {
        self.class(addr, self.is_local(addr))
    }
    fn addr_type_on(&self, dev: IfIndex, addr: Ipv4Addr) -> AddrType {
        let on_lo = dev == IfIndex::LO && addr.is_loopback();
        self.class(addr, on_lo || self.locals.iter().any(|l| l.dev == dev && l.addr == addr))
    }
    fn masquerade_addr(&self, dev: IfIndex, dst: Ipv4Addr) -> Option<Ipv4Addr> {
        let via = self.routes.lookup(dst, Some(dev)).and_then(|r| r.via);
        self.select_addr(dev, via.unwrap_or(dst))
    }
    fn mtu(&self, dev: IfIndex) -> u32 {
        self.devices.get(dev).map_or(u32::MAX, |d| d.mtu)
    }
    #[inline]
    fn name(&self, dev: IfIndex) -> IfName {
        self.devices.name(dev)
    }
}

/// Notes netfilter's steps with the packet that they are about.
pub(super) struct PacketLog<'a> {
    pub log: &'a mut StepLog,
    pub id: Option<PacketId>,
}

impl NfLog for PacketLog<'_> {
    // inlined into its callers: they know which step it is
    #[inline(always)]
    fn nf(&mut self, step: NfStep) {
        match self.id {
            Some(id) => self.log.packet(id, Step::Nf(step)),
            None => self.log.note(Step::Nf(step)),
        }
    }
}

impl NetNs {
    pub(super) fn host(&self) -> HostView<'_> {
        HostView { devices: &self.devices, routes: &self.routes, locals: &self.locals }
    }
    /// See [`HostView::select_addr`].
    pub(super) fn select_addr(&self, dev: IfIndex, next: Ipv4Addr) -> Option<Ipv4Addr> {
        self.host().select_addr(dev, next)
    }
    /// net.ipv4.conf.DEV.route_localnet, or that of all.
    pub(super) fn route_localnet(&self, dev: IfIndex) -> bool {
        let names = &self.sysctl.route_localnet;
        !names.is_empty() && {
            let name = self.devices.name(dev);
            names.iter().any(|n| n.is_empty() || *n == name)
        }
    }
    /// The next IP identification.
    pub(super) fn next_ident(&mut self) -> u16 {
        self.ident = self.ident.wrapping_add(1);
        self.ident
    }
}
