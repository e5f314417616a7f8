//! What happened, as data: the steps of which every trace is made, and the log they go to.

use super::{DevRef, Errno, NsId, Pid, SocketId, TcpState};
use crate::netfilter::{ChainId, NfStep, RuleId, TableKind};
use crate::time::Instant;
use crate::wire::{Endpoint, Flow, IfIndex, IfName, Ipv4Net, Mac, PacketId};
use std::net::Ipv4Addr;

/// One thing that happened, to a packet or to a namespace. Small and `Copy`-like on the hot
/// path; only rare steps own memory.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // of the fields: they are what the variant's sentence speaks of
pub enum Step {
    // ---- a packet's life; `Sent` and `Copied` begin it, `Delivered` and `Dropped` end it
    /// A stack made the packet. `by`: the process whose socket it came from; None: the kernel.
    Sent { by: Option<Pid> },
    /// The packet was made by copying `of` (flooding, fragments).
    Copied { of: PacketId },
    /// On its way over a link (cable, veth); `bytes` is the frame as it left.
    Transmit { dev: IfIndex, to: DevRef, arrives: Instant, bytes: ByteSpan },
    /// Came in at `dev`.
    Received { dev: IfIndex },
    /// Handed from one device to another of the same machine, of another namespace perhaps: from a
    /// macvlan, ipvlan or VLAN device to its parent, or from the parent up to it. `bytes` as in
    /// [`Step::Transmit`].
    Handed { dev: IfIndex, to: DevRef, arrives: Instant, bytes: ByteSpan },
    /// Put into a VXLAN envelope: `added` bytes of headers stand before the inner packet from now on
    /// (the inner Ethernet header is one of them). The packet keeps its identity.
    Encapsulated { dev: IfIndex, vni: u32, remote: Ipv4Addr, added: u16 },
    /// Taken out of the envelope that came from `remote`: `removed` bytes less.
    Decapsulated { dev: IfIndex, vni: u32, remote: Ipv4Addr, removed: u16 },
    /// Given an 802.1Q tag (`tagged`), or its tag taken away: 4 bytes more, or less.
    Vlan { dev: IfIndex, id: u16, tagged: bool },
    /// Waits for the neighbour's MAC address.
    Held { dev: IfIndex, next_hop: Ipv4Addr },
    /// Reached its end: a socket.
    Delivered { socket: SocketId },
    /// Reached its end: the kernel itself (ARP, ICMP echo request, a RST, an ACK of a socket that is gone …).
    DeliveredToKernel,
    /// Reached its end: it was replaced by others that go on (fragments, reassembly), or absorbed.
    Absorbed,
    /// Its end.
    Dropped { dev: Option<IfIndex>, reason: DropReason },

    /// The stack refused to make a packet for `by`: there is no way to `to`, or it would be too long.
    Unsent { by: Option<Pid>, to: Endpoint, errno: Errno },

    // ---- bridge
    /// The bridge learned (or moved) an address.
    Learned { bridge: IfIndex, port: IfIndex, mac: Mac },
    /// The bridge knew the port.
    Bridged { bridge: IfIndex, port: IfIndex },
    /// The bridge did not know the port, or it was for everybody: a copy to each of `ports`.
    Flooded { bridge: IfIndex, ports: u16 },
    /// For the bridge's own address: up to the host's IP.
    BridgedUp { bridge: IfIndex },

    // ---- IP
    /// A route was chosen for `dst`.
    Routed { dst: Ipv4Addr, prefix: Ipv4Net, via: Option<Ipv4Addr>, dev: IfIndex },
    /// The destination is this namespace's own.
    RoutedLocal { dst: Ipv4Addr },
    /// Forwarding took one from the TTL; this is what is left.
    TtlDecremented { left: u8 },
    /// The stack answers the packet with an ICMP error (the error is packet `error`).
    IcmpErrorSent { error: PacketId, icmp_type: u8, code: u8 },
    /// The stack answers the packet with a TCP reset.
    ResetSent { reset: PacketId },

    // ---- neighbours
    /// An entry of the neighbour table changed.
    Neighbour { dev: IfIndex, addr: Ipv4Addr, mac: Option<Mac>, state: super::NeighState },

    /// An ARP packet showed that another machine has this namespace's address, too. (Linux itself
    /// says nothing; a network manager's RFC 5227 does.)
    AddressConflict { dev: IfIndex, addr: Ipv4Addr, mac: Mac },

    // ---- netfilter
    /// See [`NfStep`].
    Nf(NfStep),

    // ---- sockets and processes
    /// A TCP socket changed state.
    Tcp { socket: SocketId, local: Endpoint, remote: Endpoint, from: TcpState, to: TcpState },
    /// Nobody listened there.
    NobodyListens { flow: Flow },
    /// A segment was sent again, for the `attempt`th time.
    Retransmit { socket: SocketId, attempt: u8 },
    /// A process began.
    Started { pid: Pid, name: Box<str> },
    /// A process printed.
    Printed { pid: Pid, err: bool, text: Box<str> },
    /// A process ended.
    Exited { pid: Pid, code: i32 },
    /// The namespace's set-up changed.
    Config(Box<ConfigChange>),
}

/// A change of set-up, as `ip`, `iptables` or an engine makes it.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum ConfigChange {
    DeviceAdded {
        dev: IfIndex,
        name: IfName,
    },
    DeviceRemoved {
        dev: IfIndex,
        name: IfName,
    },
    DeviceUp {
        dev: IfIndex,
        name: IfName,
        up: bool,
    },
    Master {
        dev: IfIndex,
        name: IfName,
        master: Option<IfName>,
    },
    AddressAdded {
        dev: IfIndex,
        name: IfName,
        addr: Ipv4Net,
    },
    AddressRemoved {
        dev: IfIndex,
        name: IfName,
        addr: Ipv4Net,
    },
    RouteAdded {
        route: String,
    },
    RouteRemoved {
        route: String,
    },
    /// A routing rule, as `ip rule` prints it without its place.
    RuleAdded {
        rule: String,
    },
    RuleRemoved {
        rule: String,
    },
    /// An iptables command that changed something, as typed (without the word iptables).
    Rules {
        command: String,
    },
    Sysctl {
        key: String,
        value: String,
    },
}

/// Why a packet died. Every one has its sentence in `explain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum DropReason {
    // link and device
    NoCarrier,
    DeviceDown,
    LinkLoss,
    LinkDown,
    TooBigForDevice,
    /// An access point has no station with this address.
    NoStation {
        mac: Mac,
    },
    /// A station spoke with an address that is not its own.
    NotTheStation {
        mac: Mac,
    },
    NotForMe {
        mac: Mac,
    },
    Malformed,
    BadChecksum,
    UnknownEtherType,
    // bridge
    SamePort,
    StormLimit,
    // tunnels
    NoTunnelEnd {
        mac: Mac,
    },
    UnknownNetwork {
        vni: u32,
    },
    // ARP and neighbours
    NoArpReply {
        next_hop: Ipv4Addr,
    },
    NeighbourQueueFull,
    ArpNotMine,
    // IP
    TtlExceeded,
    NoRoute {
        dst: Ipv4Addr,
    },
    UnreachableRoute {
        dst: Ipv4Addr,
    },
    ForwardingOff,
    NotMine {
        dst: Ipv4Addr,
    },
    Martian {
        src: Ipv4Addr,
    },
    ReversePath {
        src: Ipv4Addr,
    },
    FragmentationNeeded {
        mtu: u16,
    },
    ReassemblyTimeout,
    Broadcast,
    // netfilter
    Rule {
        table: TableKind,
        chain: ChainId,
        rule: RuleId,
    },
    Policy {
        table: TableKind,
        chain: ChainId,
    },
    Rejected {
        table: TableKind,
        chain: ChainId,
        rule: RuleId,
    },
    NatExhausted,
    ConntrackFull,
    // transport
    PortClosed {
        port: u16,
    },
    UnknownProtocol,
    SocketBufferFull,
    BacklogFull,
    OutOfWindow,
    StaleSegment,
    NoMatchingSocket,
    // limits
    QueueFull,
    NamespaceGone,
}

/// Where a frame's bytes lie in the log (see [`StepLog::bytes`]). Empty if muted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ByteSpan {
    /// Offset in the chunk of the record that holds this span.
    pub start: u32,
    /// Length in bytes.
    pub len: u16,
}

/// A step with its place: where, when, to which packet.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Virtual time.
    pub at: Instant,
    /// Namespace.
    pub ns: NsId,
    /// Packet, if it is about one.
    pub packet: Option<PacketId>,
    /// What.
    pub step: Step,
}

/// How many packets began and ended; the balance is what is in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fate {
    /// [`Step::Sent`].
    pub sent: u64,
    /// [`Step::Copied`].
    pub copied: u64,
    /// [`Step::Delivered`], [`Step::DeliveredToKernel`], [`Step::Absorbed`].
    pub delivered: u64,
    /// [`Step::Dropped`].
    pub dropped: u64,
}

/// Whether records are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sink {
    /// Kept, up to the log's bound.
    #[default]
    Keep,
    /// Only counted (sequence numbers and fates go on all the same).
    Mute,
}
