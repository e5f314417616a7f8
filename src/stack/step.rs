//! What happened, as data: the steps of which every trace is made, and the log they go to.

use super::{DevRef, Errno, NsId, Pid, SocketId, TcpState};
use crate::netfilter::{ChainId, NfStep, RuleId, TableKind};
use crate::time::Instant;
use crate::wire::{Endpoint, Flow, IfIndex, IfName, Ipv4Net, Mac, PacketId};
use std::net::Ipv4Addr;

/// One thing that happened, to a packet or to a namespace. Small and `Copy`-like on the hot
/// path; only rare steps own memory.
///
/// Fields that are called so everywhere: `dev` is the interface of the record's namespace that it happened
/// at, `by` and `pid` a process of its machine, `socket` one of its sockets.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    // ---- a packet's life; `Sent` and `Copied` begin it, `Delivered` and `Dropped` end it
    /// A stack made the packet.
    Sent {
        /// The process whose socket it came from; None: the kernel.
        by: Option<Pid>,
    },
    /// The packet was made by copying another (flooding, fragments).
    Copied {
        /// The one that was copied.
        of: PacketId,
    },
    /// On its way over a link (cable, veth).
    Transmit {
        /// The interface that it leaves by.
        dev: IfIndex,
        /// The interface at the other end.
        to: DevRef,
        /// When it will be there; it may still be lost on the way.
        arrives: Instant,
        /// The frame as it left.
        bytes: ByteSpan,
    },
    /// Came in.
    Received {
        /// Where.
        dev: IfIndex,
    },
    /// Handed from one device to another of the same machine, of another namespace perhaps: from a
    /// macvlan, ipvlan or VLAN device to its parent, or from the parent up to it.
    Handed {
        /// From.
        dev: IfIndex,
        /// To.
        to: DevRef,
        /// At once, or a moment later: there is no wire between them.
        arrives: Instant,
        /// The frame as it was handed over.
        bytes: ByteSpan,
    },
    /// Put into a VXLAN envelope (RFC 7348 §5). The packet keeps its identity.
    Encapsulated {
        /// The vxlan device.
        dev: IfIndex,
        /// The network's number, 24 bits.
        vni: u32,
        /// The tunnel end that it is sent to.
        remote: Ipv4Addr,
        /// So many bytes of headers stand before the inner packet from now on; the inner Ethernet header is
        /// one of them.
        added: u16,
    },
    /// Taken out of the envelope.
    Decapsulated {
        /// The vxlan device.
        dev: IfIndex,
        /// The network's number, 24 bits.
        vni: u32,
        /// The tunnel end that it came from.
        remote: Ipv4Addr,
        /// So many bytes less.
        removed: u16,
    },
    /// Given an 802.1Q tag, or its tag taken away: 4 bytes more, or less.
    Vlan {
        /// The VLAN's sub-interface.
        dev: IfIndex,
        /// The VLAN, 1 to 4094.
        id: u16,
        /// Given; else taken away.
        tagged: bool,
    },
    /// Waits for a neighbour's MAC address.
    Held {
        /// The interface that it will leave by.
        dev: IfIndex,
        /// Whom ARP asks for: the gateway, or the destination itself.
        next_hop: Ipv4Addr,
    },
    /// Reached its end: a socket.
    Delivered {
        /// Whose program reads it.
        socket: SocketId,
    },
    /// Reached its end: the kernel itself (ARP, ICMP echo request, a RST, an ACK of a socket that is gone …).
    DeliveredToKernel,
    /// Reached its end: it was replaced by others that go on (fragments, reassembly), or absorbed.
    Absorbed,
    /// Its end.
    Dropped {
        /// The interface that it happened at, where it is one's doing.
        dev: Option<IfIndex>,
        /// Why.
        reason: DropReason,
    },

    /// The stack refused to make a packet: there is no way, or it would be too long.
    Unsent {
        /// The process that asked for it; None: the kernel.
        by: Option<Pid>,
        /// Where it should have gone.
        to: Endpoint,
        /// What the process was told.
        errno: Errno,
    },

    // ---- bridge
    /// The bridge learned (or moved) an address.
    Learned {
        /// The bridge.
        bridge: IfIndex,
        /// The port behind which the sender is.
        port: IfIndex,
        /// The sender.
        mac: Mac,
    },
    /// The bridge knew the port.
    Bridged {
        /// The bridge.
        bridge: IfIndex,
        /// Out by this one alone.
        port: IfIndex,
    },
    /// The bridge did not know the port, or it was for everybody.
    Flooded {
        /// The bridge.
        bridge: IfIndex,
        /// Out by so many ports, a copy each.
        ports: u16,
    },
    /// For the bridge's own address: up to the host's IP.
    BridgedUp {
        /// The bridge.
        bridge: IfIndex,
    },

    // ---- IP
    /// A route was chosen.
    Routed {
        /// For this destination.
        dst: Ipv4Addr,
        /// The route's: the longest prefix that has the destination in it.
        prefix: Ipv4Net,
        /// The gateway; None: the destination is a neighbour.
        via: Option<Ipv4Addr>,
        /// Out by this one.
        dev: IfIndex,
    },
    /// The destination is this namespace's own.
    RoutedLocal {
        /// It.
        dst: Ipv4Addr,
    },
    /// Forwarding took one from the TTL.
    TtlDecremented {
        /// What is left.
        left: u8,
    },
    /// The stack answers the packet with an ICMP error (RFC 792).
    IcmpErrorSent {
        /// The packet that carries it.
        error: PacketId,
        /// 3 unreachable, 11 time exceeded.
        icmp_type: u8,
        /// Which of that type.
        code: u8,
    },
    /// The stack answers the packet with a TCP reset.
    ResetSent {
        /// The packet that carries it.
        reset: PacketId,
    },

    // ---- neighbours
    /// An entry of the neighbour table changed.
    Neighbour {
        /// The entry's interface.
        dev: IfIndex,
        /// Whose entry.
        addr: Ipv4Addr,
        /// The neighbour's, where it is known.
        mac: Option<Mac>,
        /// What it is now.
        state: super::NeighState,
    },

    /// An ARP packet showed that another machine has this namespace's address, too. (Linux itself
    /// says nothing; a network manager's RFC 5227 does.)
    AddressConflict {
        /// Where it came in.
        dev: IfIndex,
        /// The address that both have.
        addr: Ipv4Addr,
        /// The other machine's.
        mac: Mac,
    },

    // ---- netfilter
    /// See [`NfStep`].
    Nf(NfStep),

    // ---- sockets and processes
    /// A TCP socket changed state.
    Tcp {
        /// It.
        socket: SocketId,
        /// Its own end.
        local: Endpoint,
        /// The peer.
        remote: Endpoint,
        /// What it was.
        from: TcpState,
        /// What it is.
        to: TcpState,
    },
    /// Nobody listened there.
    NobodyListens {
        /// Who asked, and where.
        flow: Flow,
    },
    /// A segment was sent again.
    Retransmit {
        /// Whose.
        socket: SocketId,
        /// 1 for the first time that it is sent again.
        attempt: u8,
    },
    /// A process began.
    Started {
        /// It.
        pid: Pid,
        /// The program's.
        name: Box<str>,
    },
    /// A process printed.
    Printed {
        /// It.
        pid: Pid,
        /// To its standard error.
        err: bool,
        /// As printed; not always whole lines.
        text: Box<str>,
    },
    /// A process ended.
    Exited {
        /// It.
        pid: Pid,
        /// Its exit status.
        code: i32,
    },
    /// The namespace's set-up changed.
    Config(Box<ConfigChange>),
}

/// A change of set-up, as `ip`, `iptables` or an engine makes it.
///
/// `name` is the interface's at that moment: `dev` alone could not be looked up once the interface is gone.
#[derive(Debug, Clone, PartialEq)]
pub enum ConfigChange {
    /// An interface is there, off and without an address.
    DeviceAdded {
        /// Its number.
        dev: IfIndex,
        /// Its name.
        name: IfName,
    },
    /// An interface is gone, with its addresses and routes.
    DeviceRemoved {
        /// The number that it had.
        dev: IfIndex,
        /// The name that it had.
        name: IfName,
    },
    /// An interface was switched.
    DeviceUp {
        /// Which.
        dev: IfIndex,
        /// Its name.
        name: IfName,
        /// On; else off.
        up: bool,
    },
    /// An interface became a bridge's port, or is one no more.
    Master {
        /// Which.
        dev: IfIndex,
        /// Its name.
        name: IfName,
        /// The bridge's name; None: it left.
        master: Option<IfName>,
    },
    /// An interface was given an address.
    AddressAdded {
        /// Which.
        dev: IfIndex,
        /// Its name.
        name: IfName,
        /// The address, with the length of its network's prefix.
        addr: Ipv4Net,
    },
    /// An address was taken from an interface.
    AddressRemoved {
        /// Which.
        dev: IfIndex,
        /// Its name.
        name: IfName,
        /// The address, with the length of its network's prefix.
        addr: Ipv4Net,
    },
    /// A route is there.
    RouteAdded {
        /// As `ip route` prints it.
        route: String,
    },
    /// A route is gone.
    RouteRemoved {
        /// As `ip route` printed it.
        route: String,
    },
    /// A routing rule is there.
    RuleAdded {
        /// As `ip rule` prints it, without its place.
        rule: String,
    },
    /// A routing rule is gone.
    RuleRemoved {
        /// As `ip rule` printed it, without its place.
        rule: String,
    },
    /// An iptables command changed something.
    Rules {
        /// As typed, without the word iptables.
        command: String,
    },
    /// A kernel setting was written.
    Sysctl {
        /// With dots: `net.ipv4.ip_forward`.
        key: String,
        /// As written.
        value: String,
    },
}

/// Why a packet died. Every one has its sentence in `explain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DropReason {
    // ---- link and device
    /// The interface is on, and nothing is plugged into it.
    NoCarrier,
    /// The interface is off, or gone.
    DeviceDown,
    /// The link's loss rate took it.
    LinkLoss,
    /// The link is off, or was pulled out while the frame was on it.
    LinkDown,
    /// Longer than the MTU, and nothing that can be cut into fragments.
    TooBigForDevice,
    /// An access point has no station with this address.
    NoStation {
        /// The frame's destination.
        mac: Mac,
    },
    /// A station spoke with an address that is not its own (IEEE 802.11: a client sends for itself only).
    NotTheStation {
        /// The frame's source.
        mac: Mac,
    },
    /// A frame for another card, as flooding brings it (PACKET_OTHERHOST).
    NotForMe {
        /// The frame's destination.
        mac: Mac,
    },
    /// A header that is too short, or says what cannot be.
    Malformed,
    /// The checksum of IPv4, ICMP, UDP or TCP is wrong.
    BadChecksum,
    /// Neither IPv4 nor ARP.
    UnknownEtherType,

    // ---- bridge
    /// The only port it could leave by is the one it came in by.
    SamePort,
    /// More broadcasts at once than a bridge here passes on, or a tunnel that leads through itself: frames go
    /// in a circle.
    StormLimit,

    // ---- tunnels
    /// The vxlan device knows no tunnel end that leads to the address (its FDB has no such entry).
    NoTunnelEnd {
        /// The inner frame's destination.
        mac: Mac,
    },
    /// An envelope for a network that this host has no part in.
    UnknownNetwork {
        /// The network's number, 24 bits.
        vni: u32,
    },

    // ---- ARP and neighbours
    /// It waited for a MAC address, and nobody answered.
    NoArpReply {
        /// Whom ARP asked for.
        next_hop: Ipv4Addr,
    },
    /// Too many packets wait for one neighbour, or the neighbour table is full.
    NeighbourQueueFull,
    /// An ARP question or answer that is about somebody else.
    ArpNotMine,

    // ---- IP
    /// The TTL was 1, and this is not the destination.
    TtlExceeded,
    /// No route, not even a default one.
    NoRoute {
        /// The destination.
        dst: Ipv4Addr,
    },
    /// A route of type unreachable, prohibit or blackhole.
    UnreachableRoute {
        /// The destination.
        dst: Ipv4Addr,
    },
    /// For somebody else, and net.ipv4.ip_forward is 0.
    ForwardingOff,
    /// For an address of this network that is not this namespace's.
    NotMine {
        /// The destination.
        dst: Ipv4Addr,
    },
    /// A source that cannot be: a loopback, group or own address from outside (ip_route_input_slow).
    Martian {
        /// The source.
        src: Ipv4Addr,
    },
    /// The reverse path filter (rp_filter, RFC 3704 §2.2): the answer would leave by another interface.
    ReversePath {
        /// The source.
        src: Ipv4Addr,
    },
    /// Longer than the next link takes, and DF forbids cutting.
    FragmentationNeeded {
        /// What the next link takes, in bytes of IP packet.
        mtu: u16,
    },
    /// A fragment whose others did not come in time (ipfrag_time).
    ReassemblyTimeout,
    /// A broadcast where none is taken: to be forwarded, to TCP, or an echo request to everybody.
    Broadcast,

    // ---- netfilter
    /// A rule with the target DROP.
    Rule {
        /// The rule's table.
        table: TableKind,
        /// The rule's chain.
        chain: ChainId,
        /// The rule.
        rule: RuleId,
    },
    /// No rule decided, and the chain's policy is DROP.
    Policy {
        /// The chain's table.
        table: TableKind,
        /// A built-in chain.
        chain: ChainId,
    },
    /// A rule with the target REJECT; the answer is a packet of its own.
    Rejected {
        /// The rule's table.
        table: TableKind,
        /// The rule's chain.
        chain: ChainId,
        /// The rule.
        rule: RuleId,
    },
    /// NAT found no free port.
    NatExhausted,
    /// The conntrack table is full (nf_conntrack_max).
    ConntrackFull,

    // ---- transport
    /// Nobody listens there.
    PortClosed {
        /// The destination port.
        port: u16,
    },
    /// Neither ICMP, UDP nor TCP.
    UnknownProtocol,
    /// The program does not read fast enough.
    SocketBufferFull,
    /// More connections wait for a server than it said it takes (listen(2)).
    BacklogFull,
    /// A segment that does not fit the connection (RFC 9293 §3.10.7.4, RFC 5961).
    OutOfWindow,
    /// A segment that came already, all of it.
    StaleSegment,
    /// It belongs to no connection and opens none; or is the answer to a question that nobody waits for.
    NoMatchingSocket,

    // ---- limits
    /// A bound of the emulator's: frames under way, fragments in wait, packets in `lo`.
    QueueFull,
    /// The namespace was deleted under it.
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
