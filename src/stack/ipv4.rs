//! IPv4 in and out.

use super::{Cx, Errno, NetNs, Pid};
use crate::wire::{Frame, IfIndex, PacketId, Protocol};
use std::net::Ipv4Addr;

/// A packet that a socket or the kernel itself sends.
#[derive(Debug, Clone, Copy)]
#[allow(dead_code)]
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

#[allow(dead_code, clippy::todo)]
impl NetNs {
    /// The source address that a packet to `dst` takes if its socket is not bound to one.
    ///
    /// # Errors
    /// `NetUnreach`; `HostUnreach`, `Access` by an unreachable or prohibit route.
    pub(super) fn source_for(&self, _dst: Ipv4Addr, _device: Option<IfIndex>) -> Result<Ipv4Addr, Errno> {
        todo!()
    }

    /// Sends an IPv4 packet: route, OUTPUT, POSTROUTING, neighbour, device.
    ///
    /// # Errors
    /// `NetUnreach`, `HostUnreach`, `Access` (no route or one that says so), `MsgSize` (DF and
    /// longer than the path's MTU), `Perm` (dropped in OUTPUT), `NoDev`.
    pub(super) fn ip_output(&mut self, _send: IpSend<'_>, _cx: &mut Cx<'_>) -> Result<PacketId, Errno> {
        todo!()
    }

    /// The MTU of the path to `dst`: the interface's, or what "fragmentation needed" taught.
    pub(super) fn path_mtu(&self, _dst: Ipv4Addr) -> u32 {
        todo!()
    }

    /// Answers `about`, the packet being delivered, with an ICMP error, where RFC 1122 §3.2.2 allows one.
    /// Notes `IcmpErrorSent`; the fate of `about` is the caller's to note.
    pub(super) fn icmp_error(
        &mut self,
        _about: &Frame,
        _icmp_type: u8,
        _code: u8,
        _mtu: u16,
        _cx: &mut Cx<'_>,
    ) {
        todo!()
    }

    /// A transport layer heard from `dst`: its neighbour entry is confirmed (`dst_confirm`).
    pub(super) fn confirm_neighbour(&mut self, _dst: Ipv4Addr, _cx: &mut Cx<'_>) {}
}
