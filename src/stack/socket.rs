//! Sockets, as programs see them: non-blocking, by id, errors as Linux names them.

use super::{Cx, NetNs, Pid};
use crate::wire::{Endpoint, Frame, IfIndex, IfName};
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

/// errno, as far as programs here meet it. `Display` gives strerror's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[allow(missing_docs)]
pub enum Errno {
    #[error("Operation not permitted")]
    Perm,
    #[error("Bad file descriptor")]
    BadFd,
    #[error("Resource temporarily unavailable")]
    WouldBlock,
    #[error("Invalid argument")]
    Invalid,
    #[error("Broken pipe")]
    Pipe,
    #[error("Message too long")]
    MsgSize,
    #[error("Address already in use")]
    AddrInUse,
    #[error("Cannot assign requested address")]
    AddrNotAvail,
    #[error("Network is unreachable")]
    NetUnreach,
    #[error("Connection reset by peer")]
    ConnReset,
    #[error("Transport endpoint is already connected")]
    IsConn,
    #[error("Transport endpoint is not connected")]
    NotConn,
    #[error("Connection timed out")]
    TimedOut,
    #[error("Connection refused")]
    ConnRefused,
    #[error("No route to host")]
    HostUnreach,
    #[error("Operation now in progress")]
    InProgress,
    #[error("No such device")]
    NoDev,
    #[error("Permission denied")]
    Access,
}

/// TCP states (RFC 9293 §3.3.2), printed as `ss` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum TcpState {
    Closed,
    Listen,
    SynSent,
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
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
    /// IP_RECVERR: errors are queued with their ICMP details ([`NetNs::take_icmp_error`]).
    RecvErr(bool),
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
    /// TCP state; `Closed` for an unconnected datagram socket.
    pub state: TcpState,
    /// Bytes waiting to be read; for listeners, connections waiting to be accepted.
    pub recv_queue: usize,
    /// Bytes not yet acknowledged; for listeners, the backlog.
    pub send_queue: usize,
}

/// A namespace's sockets.
#[derive(Debug, Clone, Default)]
pub(super) struct Sockets {}

/// The system calls. All are non-blocking: what cannot be done yet is [`Errno::WouldBlock`],
/// and the owner is woken ([`super::Output::Wake`]) when something about the socket changed.
impl NetNs {
    /// socket(2).
    pub fn socket(&mut self, _owner: Option<Pid>, _kind: SocketKind) -> SocketId {
        todo!()
    }
    /// setsockopt(2).
    ///
    /// # Errors
    /// `BadFd`, `NoDev`.
    pub fn set_option(&mut self, _s: SocketId, _o: SocketOption) -> Result<(), Errno> {
        todo!()
    }
    /// bind(2). Port 0 takes an ephemeral one (32768–60999, drawn at random as Linux does).
    ///
    /// # Errors
    /// `AddrInUse`, `AddrNotAvail`, `Invalid`, `BadFd`.
    pub fn bind(&mut self, _s: SocketId, _at: Endpoint) -> Result<(), Errno> {
        todo!()
    }
    /// listen(2).
    ///
    /// # Errors
    /// `AddrInUse`, `BadFd`.
    pub fn listen(&mut self, _s: SocketId, _backlog: usize, _cx: &mut Cx<'_>) -> Result<(), Errno> {
        todo!()
    }
    /// accept(2). The new socket has the listener's owner.
    ///
    /// # Errors
    /// `WouldBlock`, `BadFd`, `Invalid`.
    pub fn accept(&mut self, _s: SocketId) -> Result<SocketId, Errno> {
        todo!()
    }
    /// connect(2). TCP answers `InProgress`; its end shows in [`NetNs::connect_result`]. UDP and
    /// ping only set the peer and choose the source address.
    ///
    /// # Errors
    /// `InProgress` (normal for TCP), `NetUnreach`, `HostUnreach`, `AddrNotAvail`, `IsConn`.
    pub fn connect(&mut self, _s: SocketId, _to: Endpoint, _cx: &mut Cx<'_>) -> Result<(), Errno> {
        todo!()
    }
    /// How a TCP connect is doing: None while under way.
    pub fn connect_result(&mut self, _s: SocketId) -> Option<Result<(), Errno>> {
        todo!()
    }
    /// send(2) on a connected socket. TCP: how many bytes were taken.
    ///
    /// # Errors
    /// `NotConn`, `Pipe`, `MsgSize`, `WouldBlock`, a pending socket error, or the route's.
    pub fn send(&mut self, _s: SocketId, _data: &[u8], _cx: &mut Cx<'_>) -> Result<usize, Errno> {
        todo!()
    }
    /// sendto(2) for datagrams; a packet socket sends `data` as a whole frame from its device.
    ///
    /// # Errors
    /// As [`NetNs::send`]; `Perm` if an iptables rule in OUTPUT dropped it (as Linux answers).
    pub fn send_to(
        &mut self,
        _s: SocketId,
        _to: Endpoint,
        _data: &[u8],
        _cx: &mut Cx<'_>,
    ) -> Result<usize, Errno> {
        todo!()
    }
    /// recv(2) on TCP: up to `max` bytes; empty at the end of the stream.
    ///
    /// # Errors
    /// `WouldBlock`, `ConnReset`, `ConnRefused`, `TimedOut`, `NotConn`, `BadFd`.
    pub fn recv(&mut self, _s: SocketId, _max: usize, _cx: &mut Cx<'_>) -> Result<Vec<u8>, Errno> {
        todo!()
    }
    /// recvfrom(2) for datagrams.
    ///
    /// # Errors
    /// `WouldBlock`; a pending error (`ConnRefused`, `HostUnreach` …) on a connected socket.
    pub fn recv_from(&mut self, _s: SocketId) -> Result<Datagram, Errno> {
        todo!()
    }
    /// The next queued ICMP error (recvmsg with MSG_ERRQUEUE).
    pub fn take_icmp_error(&mut self, _s: SocketId) -> Option<IcmpError> {
        todo!()
    }
    /// shutdown(SHUT_WR): no more data from here; the peer reads an end.
    pub fn shutdown(&mut self, _s: SocketId, _cx: &mut Cx<'_>) {
        todo!()
    }
    /// close(2): TCP goes through its closing states (RST if unread data is left, as Linux).
    pub fn close(&mut self, _s: SocketId, _cx: &mut Cx<'_>) {
        todo!()
    }
    /// Closes everything that `owner` has, when its process ends.
    pub fn close_all_of(&mut self, _owner: Pid, _cx: &mut Cx<'_>) {
        todo!()
    }
    /// One socket, for reading. None once it is gone.
    pub fn socket_info(&self, _s: SocketId) -> Option<SocketInfo> {
        todo!()
    }
    /// All sockets, by number.
    pub fn sockets(&self) -> Vec<SocketInfo> {
        todo!()
    }
    /// The TTL of the SYN that opened an accepted connection (TCP_SAVED_SYN).
    pub fn syn_ttl(&self, _s: SocketId) -> Option<u8> {
        todo!()
    }
}

/// Where the IP layer hands over. A frame is an Ethernet frame whose IPv4 header was validated.
#[allow(dead_code, clippy::todo)]
impl NetNs {
    /// A UDP datagram for this namespace.
    pub(super) fn deliver_udp(&mut self, _dev: IfIndex, _frame: Frame, _cx: &mut Cx<'_>) {
        todo!()
    }
    /// A TCP segment for this namespace.
    pub(super) fn deliver_tcp(&mut self, _dev: IfIndex, _frame: Frame, _cx: &mut Cx<'_>) {
        todo!()
    }
    /// An ICMP echo reply, its checksum already verified.
    pub(super) fn deliver_echo_reply(&mut self, _dev: IfIndex, _frame: Frame, _cx: &mut Cx<'_>) {
        todo!()
    }
    /// An ICMP error (types 3, 11, 12), its checksum already verified.
    pub(super) fn deliver_icmp_error(&mut self, _dev: IfIndex, _frame: Frame, _cx: &mut Cx<'_>) {
        todo!()
    }
    /// Frames that pass `dev`, for those who listen there.
    pub(super) fn deliver_to_packet_sockets(
        &mut self,
        _dev: IfIndex,
        _frame: &[u8],
        _outgoing: bool,
        _cx: &mut Cx<'_>,
    ) {
    }
    /// Whether there is any packet socket.
    pub(super) fn has_packet_sockets(&self) -> bool {
        false
    }
    /// A timer of a TCP socket is due.
    pub(super) fn on_tcp_timer(&mut self, _s: SocketId, _generation: u32, _cx: &mut Cx<'_>) {
        todo!()
    }
}
