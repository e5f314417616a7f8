//! Sockets, as programs see them: non-blocking, by id, errors as Linux names them.
//!
//! The system calls are methods of [`super::NetNs`] (`calls`). `table` finds the socket that a
//! packet is for; `datagram`, `ping`, `packet` and `errors` carry out what the kinds need, and
//! `super::tcp` and `super::udp` their protocols.
//!
//! Not supported: Unix and raw IP sockets, IPv6, multicast groups, SO_REUSEPORT, MSG_PEEK.

mod calls;
mod datagram;
mod errors;
mod packet;
mod ping;
mod table;

#[cfg(test)]
mod tests;

pub(super) use errors::ETHERNET;
pub(super) use table::{ANY, Body, Listener, PortSpace, Socket, Sockets, TcpSocket};

use super::Pid;
use crate::wire::{Endpoint, IfIndex, IfName};
use std::net::Ipv4Addr;

/// A socket of a namespace; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u32);

/// The kinds of socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketKind {
    /// SOCK_STREAM.
    Tcp,
    /// SOCK_DGRAM.
    Udp,
    /// SOCK_DGRAM, IPPROTO_ICMP: sends echo requests with the socket's identifier (its "port")
    /// and gets their replies and the errors about them. Data is the ICMP message after the
    /// type, code, checksum and identifier: sequence number (2 bytes, big-endian) and payload.
    Ping,
    /// AF_PACKET on one device or all: whole frames, in and out (arping, tcpdump). `arp_only`
    /// filters by ethertype 0x0806.
    Packet {
        /// Only ARP frames.
        arp_only: bool,
    },
}

/// errno (errno(3)), as far as programs here meet it. `Display` gives strerror's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Errno {
    /// EPERM: a rule of the OUTPUT hook dropped what was sent.
    #[error("Operation not permitted")]
    Perm,
    /// EBADF: no such socket, or it is closed.
    #[error("Bad file descriptor")]
    BadFd,
    /// EAGAIN: nothing to read yet, or no room to write.
    #[error("Resource temporarily unavailable")]
    WouldBlock,
    /// EINVAL: the call makes no sense for this socket.
    #[error("Invalid argument")]
    Invalid,
    /// EPIPE: writing after the connection's sending half is closed.
    #[error("Broken pipe")]
    Pipe,
    /// EMSGSIZE: longer than a datagram can be, or than the path takes with DF set.
    #[error("Message too long")]
    MsgSize,
    /// EADDRINUSE: another socket has the port.
    #[error("Address already in use")]
    AddrInUse,
    /// EADDRNOTAVAIL: not an address of this namespace; or no free port, no source address.
    #[error("Cannot assign requested address")]
    AddrNotAvail,
    /// ENETUNREACH: no route.
    #[error("Network is unreachable")]
    NetUnreach,
    /// ECONNRESET: the peer sent a RST.
    #[error("Connection reset by peer")]
    ConnReset,
    /// EISCONN: connecting twice.
    #[error("Transport endpoint is already connected")]
    IsConn,
    /// ENOTCONN: sending without saying to whom, or reading what is not connected.
    #[error("Transport endpoint is not connected")]
    NotConn,
    /// ETIMEDOUT: no acknowledgement after all retransmissions.
    #[error("Connection timed out")]
    TimedOut,
    /// ECONNREFUSED: nobody listens there (a RST, or ICMP port unreachable).
    #[error("Connection refused")]
    ConnRefused,
    /// EHOSTUNREACH: an ICMP error said so, ARP found nobody, or the route is of type unreachable.
    #[error("No route to host")]
    HostUnreach,
    /// EINPROGRESS: the handshake is under way.
    #[error("Operation now in progress")]
    InProgress,
    /// ENODEV: no such interface.
    #[error("No such device")]
    NoDev,
    /// EACCES: a broadcast without SO_BROADCAST, or a route of type prohibit.
    #[error("Permission denied")]
    Access,
}

/// TCP states (RFC 9293 §3.3.2), printed as `ss` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TcpState {
    /// No connection.
    Closed,
    /// A server waits for anybody.
    Listen,
    /// Our SYN is on its way.
    SynSent,
    /// A SYN came, our SYN-ACK is on its way (`SYN-RECV`).
    SynReceived,
    /// Data flows both ways (`ESTAB`).
    Established,
    /// We are done sending; our FIN is not acknowledged.
    FinWait1,
    /// Our FIN is acknowledged; the peer may go on sending.
    FinWait2,
    /// The peer is done sending; our program has not closed yet.
    CloseWait,
    /// Both are done, and the FINs crossed: ours is not acknowledged.
    Closing,
    /// The peer was done first; our FIN is not acknowledged.
    LastAck,
    /// All over: kept for a while for what may still come of it (RFC 9293 §3.6.1).
    TimeWait,
}

/// Settings of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketOption {
    /// IP_TTL.
    Ttl(u8),
    /// IP_MTU_DISCOVER: true sets DF and makes too-long sends fail with EMSGSIZE.
    DontFragment(bool),
    /// SO_BINDTODEVICE.
    Device(IfName),
    /// SO_BROADCAST.
    Broadcast(bool),
    /// IP_RECVERR: errors are queued with their ICMP details ([`super::NetNs::take_icmp_error`]).
    RecvErr(bool),
    /// SO_REUSEADDR: a port whose connections linger may be bound again. On for TCP unless turned
    /// off, because servers turn it on.
    ReuseAddr(bool),
    /// IP_PKTINFO's `ipi_spec_dst`: the source address of the datagrams that follow. A server on
    /// all addresses answers from the one that it was asked at. Unspecified: the route's again.
    Source(Ipv4Addr),
}

/// A received datagram (for packet sockets: a frame in `data`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram {
    /// Sender.
    pub from: Endpoint,
    /// The address it was sent to.
    pub to: Ipv4Addr,
    /// TTL as it arrived.
    pub ttl: u8,
    /// The interface it came in on.
    pub dev: IfIndex,
    /// True if this namespace sent it (packet sockets only).
    pub outgoing: bool,
    /// Payload.
    pub data: Vec<u8>,
}

/// An ICMP error that came back for something the socket had sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IcmpError {
    /// Who sent it. This machine's own address for errors it raised itself (ARP failed).
    pub from: Ipv4Addr,
    /// ICMP type (3 unreachable, 11 time exceeded).
    pub icmp_type: u8,
    /// ICMP code.
    pub code: u8,
    /// Next-hop MTU of "fragmentation needed".
    pub mtu: u16,
    /// The datagram's destination.
    pub dst: Endpoint,
    /// For echo requests: the sequence number.
    pub seq: u16,
    /// The TTL with which the error arrived.
    pub ttl: u8,
}

/// A socket, for `ss` and the inspector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketInfo {
    /// Number.
    pub id: SocketId,
    /// Kind.
    pub kind: SocketKind,
    /// Owner.
    pub owner: Option<Pid>,
    /// Own end.
    pub local: Endpoint,
    /// Other end, if connected.
    pub remote: Option<Endpoint>,
    /// TCP state; `Closed` for an unconnected datagram socket, `Established` for a connected one.
    pub state: TcpState,
    /// Bytes waiting to be read; for listeners, connections waiting to be accepted.
    pub recv_queue: usize,
    /// Bytes not yet acknowledged; for listeners, the backlog.
    pub send_queue: usize,
}
