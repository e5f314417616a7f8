//! The namespace itself: its parts, where timers enter, what can be read of it.
//! `setup` changes it, `input` takes frames.

use super::device::Devices;
use super::fragment::Reassembly;
use super::ipv4::LocalAddr;
use super::neighbour::NeighTable;
use super::socket::Sockets;
use super::{
    DevRef, Device, DeviceKind, DropReason, Envelope, FdbEntry, Neighbour, NsId, Pid, Route, RouteTable,
    SocketId, StepLog,
};
use crate::netfilter::{Meta, Netfilter};
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::{FastMap, Frame, IfIndex, IfName, Ipv4Net, Mac, PacketId};
use std::collections::VecDeque;
use std::net::Ipv4Addr;

/// What the stack is given with every call: the moment, and where results go.
pub struct Cx<'a> {
    /// Now.
    pub now: Instant,
    /// Where steps are noted.
    pub log: &'a mut StepLog,
    /// What the World shall do.
    pub out: &'a mut Vec<Output>,
    /// Gives packets their identity.
    pub ids: &'a mut PacketIds,
}

/// Numbers packets, World-wide.
#[derive(Debug, Clone, Default)]
pub struct PacketIds(u64);

impl PacketIds {
    /// The next identity.
    pub fn next_id(&mut self) -> PacketId {
        self.0 += 1;
        PacketId(self.0)
    }
}

/// What a namespace asks of the World.
#[derive(Debug, Clone)]
pub enum Output {
    /// Put `frame` on what `dev` is plugged into. The World notes [`super::Step::Transmit`].
    Transmit {
        /// From.
        dev: IfIndex,
        /// What.
        frame: Frame,
    },
    /// Something about `socket` changed that its owner may want to know.
    Wake {
        /// Owner.
        pid: Pid,
        /// Socket.
        socket: SocketId,
    },
    /// Call [`NetNs::on_timer`] at `at`. There is no cancelling: a timer that is no longer
    /// meant does nothing.
    Timer {
        /// When.
        at: Instant,
        /// Which.
        kind: TimerKind,
    },
    /// `dev` was set up or down: the other end of its cable may gain or lose carrier.
    Admin {
        /// Which.
        dev: IfIndex,
    },
    /// Something that concerns another namespace, too. Rare, so it lies apart.
    Beyond(Box<Beyond>),
}

/// What devices that reach into other namespaces ask of the World.
#[derive(Debug, Clone)]
pub enum Beyond {
    /// `dev`, which stands on `parent`, sends `frame`.
    Down {
        /// From.
        dev: IfIndex,
        /// What it stands on.
        parent: DevRef,
        /// What.
        frame: Frame,
    },
    /// `frame` came in at `dev`, on which others stand.
    Up {
        /// Where.
        dev: IfIndex,
        /// What.
        frame: Frame,
    },
    /// Send this from the namespace `underlay`.
    Tunnel {
        /// Whose sockets carry it.
        underlay: NsId,
        /// What.
        envelope: Envelope,
    },
    /// The frame inside an envelope is for the VXLAN device `to`.
    Untunnel {
        /// Which.
        to: DevRef,
        /// Who sent the envelope.
        remote: Ipv4Addr,
        /// What was in it.
        frame: Frame,
    },
    /// `dev` was made and stands on another device, or is a tunnel end.
    Stacked {
        /// Which.
        dev: IfIndex,
    },
    /// `dev` is gone; so are those that stood on it.
    Unstacked {
        /// Which.
        dev: IfIndex,
        /// What it was.
        kind: DeviceKind,
    },
    /// Join the veth ends `a` and `b`, which were just made.
    Pair {
        /// One.
        a: IfIndex,
        /// The other.
        b: IfIndex,
    },
    /// Delete `dev` with what hangs on it (`ip link del`).
    Delete {
        /// Which.
        dev: IfIndex,
    },
}

/// The namespace's timers. A timer is never cancelled: what it was set for counts its `generation` up
/// instead, and a timer of an older one means nothing when it rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimerKind {
    /// An ARP question is due again, or an entry changes state.
    Neighbour {
        /// The entry's interface.
        dev: IfIndex,
        /// The entry's address.
        addr: Ipv4Addr,
        /// The entry's generation when the timer was set.
        generation: u32,
    },
    /// TCP: retransmission, persist, TIME_WAIT, delayed ACK.
    Tcp {
        /// The connection's socket.
        socket: SocketId,
        /// The connection's generation when the timer was set.
        generation: u32,
    },
    /// conntrack entries may have run out.
    Conntrack,
    /// Fragments that wait for the rest.
    Reassembly,
    /// A frame that loops back through `lo`.
    Loopback,
}

/// sysctl settings that matter here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sysctl {
    /// net.ipv4.ip_forward.
    pub ip_forward: bool,
    /// The interfaces whose net.ipv4.conf.*.forwarding was set otherwise since ("default" for new ones).
    pub forward_unlike: Vec<IfName>,
    /// net.ipv4.conf.*.arp_ignore where it is not 0, by device ("all" is the empty name).
    pub arp_ignore: Vec<(IfName, u8)>,
    /// net.ipv4.conf.*.proxy_arp, by device ("all" is the empty name).
    pub proxy_arp: Vec<IfName>,
    /// What net.ipv4.ip_forward reads where it is on: any number but 0 means that.
    pub forward_as: i32,
    /// net.ipv4.conf.all.rp_filter (0, 1, 2).
    pub rp_filter: u8,
    /// net.ipv4.conf.*.rp_filter where it is not 0, by device ("default" for new ones). The larger of this and
    /// that of all counts.
    pub rp_filter_of: Vec<(IfName, u8)>,
    /// net.ipv4.conf.*.route_localnet, by device ("all" is the empty name).
    pub route_localnet: Vec<IfName>,
    /// net.bridge.bridge-nf-call-iptables.
    pub bridge_nf_call_iptables: bool,
    /// net.ipv4.ip_default_ttl.
    pub default_ttl: u8,
    /// Ephemeral range (low, high).
    pub port_range: (u16, u16),
    /// net.ipv4.ip_unprivileged_port_start: from here on everybody may bind a port.
    pub unprivileged_port: u16,
    /// net.ipv4.ping_group_range: who needs no raw socket for a ping.
    pub ping_groups: (u32, u32),
    /// net.core.somaxconn: so many connections may wait to be accepted.
    pub somaxconn: u32,
    /// net.ipv4.icmp_echo_ignore_all.
    pub icmp_echo_ignore_all: bool,
}

impl Sysctl {
    /// The settings of a device go with it (net/ipv4/devinet.c, inetdev_destroy).
    pub(super) fn forget(&mut self, device: IfName) {
        for list in [&mut self.forward_unlike, &mut self.proxy_arp, &mut self.route_localnet] {
            list.retain(|d| *d != device);
        }
        self.arp_ignore.retain(|(d, _)| *d != device);
        self.rp_filter_of.retain(|(d, _)| *d != device);
    }
}

impl Default for Sysctl {
    /// As a new namespace has them.
    fn default() -> Self {
        Self {
            ip_forward: false,
            forward_unlike: Vec::new(),
            arp_ignore: Vec::new(),
            proxy_arp: Vec::new(),
            forward_as: 1,
            rp_filter: 0,
            rp_filter_of: Vec::new(),
            route_localnet: Vec::new(),
            bridge_nf_call_iptables: false,
            default_ttl: 64,
            port_range: (32768, 60999),
            unprivileged_port: 1024,
            ping_groups: (1, 0),
            somaxconn: 4096,
            icmp_echo_ignore_all: false,
        }
    }
}

/// Why a change of set-up was refused. `Display` is the kernel's or iproute2's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// EEXIST: such a device, address, route or rule is there already.
    #[error("File exists")]
    Exists,
    /// No interface of this name.
    #[error("Cannot find device \"{0}\"")]
    NoDevice(String),
    /// ENETUNREACH: a route out by an interface that is off.
    #[error("Network is unreachable")]
    Unreachable,
    /// The gateway is on none of the interface's networks, or is this namespace itself.
    #[error("Nexthop has invalid gateway")]
    InvalidGateway,
    /// ESRCH: no route fits what is to be removed.
    #[error("No such process")]
    NoSuchRoute,
    /// ENOENT: no rule fits what is to be removed, or no route what is to be changed.
    #[error("No such file or directory")]
    NoSuchRule,
    /// The routing table that is asked about is empty.
    #[error("FIB table does not exist")]
    NoSuchTable,
    /// EADDRNOTAVAIL: the interface does not have this address.
    #[error("Cannot assign requested address")]
    NoSuchAddress,
    /// EBUSY: the device is taken: by a cable, a bridge, or another kind of device on it.
    #[error("Device or resource busy")]
    Busy,
    /// EINVAL: a value out of range, or a device that cannot be used so.
    #[error("Invalid argument")]
    Invalid,
    /// EOPNOTSUPP: not for this kind of device, or not emulated here.
    #[error("Operation not supported")]
    NotSupported,
    /// EXFULL: a bridge has all its ports; or a table has as many rules as are kept here.
    #[error("Exchange full")]
    Full,
    /// ENOBUFS: a routing table has as many routes as are kept here.
    #[error("No buffer space available")]
    NoBuffers,
}

/// A network namespace.
#[derive(Debug, Clone)]
pub struct NetNs {
    /// Its number in the World.
    pub id: NsId,
    /// Its firewall, NAT and connection tracking.
    pub nf: Netfilter,
    /// Its sysctl settings.
    pub sysctl: Sysctl,
    pub(super) devices: Devices,
    /// The addresses of interfaces that are up: the local routing table.
    pub(super) locals: Vec<LocalAddr>,
    pub(super) routes: RouteTable,
    /// Routing rules and tables of one's own, where there are any.
    pub(super) policy: Option<Box<super::policy::Policy>>,
    /// Path MTUs that ICMP taught.
    pub(super) pmtu: FastMap<Ipv4Addr, u16>,
    /// Better first hops that were told of, by destination: in place of which router, which.
    pub(super) redirects: FastMap<Ipv4Addr, (Ipv4Addr, Ipv4Addr)>,
    /// Who was told of a better first hop.
    pub(super) redirected: super::peer::Redirected,
    pub(super) neigh: NeighTable,
    /// Whose envelopes arrive here.
    pub(super) tunnels: Vec<super::TunnelEnd>,
    /// Whom it told lately that there is no way.
    pub(super) told: super::peer::Peers,
    pub(super) reassembly: Vec<Reassembly>,
    /// When the conntrack timer will ring.
    pub(super) conntrack_due: Option<Instant>,
    /// Frames on their way through `lo`, with what netfilter knows of them.
    pub(super) looped: VecDeque<(Frame, Meta)>,
    /// The packet that is being delivered.
    pub(super) current: Meta,
    /// The last IP identification.
    pub(super) ident: u16,
    pub(super) rng: Rng,
    /// Its sockets.
    pub(super) sockets: Sockets,
    /// Who is told of changes of devices and addresses.
    pub(super) watchers: Vec<Pid>,
}

impl NetNs {
    /// A namespace with nothing but `lo` (127.0.0.1/8, up).
    pub fn new(id: NsId, rng: Rng) -> Self {
        let mut own = rng.fork("stack");
        let mut devices = Devices::default();
        let lo = Ipv4Addr::LOCALHOST;
        let index = devices.next_index();
        devices.push(Device {
            index,
            name: "lo".parse().unwrap_or_default(),
            mac: Mac::ZERO,
            mtu: 65536,
            up: true,
            carrier: true,
            master: None,
            addrs: vec![Ipv4Net::new_assert(lo, 8)],
            peer: None,
            kind: DeviceKind::Loopback,
            stats: [0; 4],
            queue_len: super::setup::QUEUE_LEN,
            hairpin: false,
            promiscuous: false,
            brd: Vec::new(),
            uppers: 0,
        });
        Self {
            id,
            nf: Netfilter::new(rng.fork("netfilter")),
            sysctl: Sysctl::default(),
            devices,
            locals: vec![LocalAddr { addr: lo, dev: IfIndex::LO, source: lo, broadcast: None }],
            routes: RouteTable::default(),
            policy: None,
            pmtu: FastMap::new(),
            redirects: FastMap::new(),
            redirected: Default::default(),
            neigh: NeighTable::new(&mut own),
            tunnels: Vec::new(),
            told: Default::default(),
            reassembly: Vec::new(),
            conntrack_due: None,
            looped: VecDeque::new(),
            current: Meta::default(),
            ident: own.next_u32() as u16,
            rng: own,
            sockets: Sockets::default(),
            watchers: Vec::new(),
        }
    }

    /// A timer asked for through [`Output::Timer`] is due.
    pub fn on_timer(&mut self, timer: TimerKind, cx: &mut Cx<'_>) {
        match timer {
            TimerKind::Neighbour { dev, addr, generation } => self.on_neigh_timer(dev, addr, generation, cx),
            TimerKind::Tcp { socket, generation } => self.on_tcp_timer(socket, generation, cx),
            TimerKind::Reassembly => self.expire_reassembly(cx),
            TimerKind::Loopback => {
                if let Some((frame, meta)) = self.looped.pop_front() {
                    self.loopback_input(frame, meta, cx);
                }
            }
            TimerKind::Conntrack => self.on_conntrack_timer(cx),
        }
    }

    /// Notes the end of every packet that this namespace holds, before it goes.
    pub fn drop_held(&mut self, cx: &mut Cx<'_>) {
        self.neigh_forget(None, cx);
        self.forget_parts(cx);
        for (frame, _) in std::mem::take(&mut self.looped) {
            self.dropped(&frame, None, DropReason::NamespaceGone, cx);
        }
    }

    // ---- reading

    /// All devices, by number.
    pub fn devices(&self) -> Box<dyn Iterator<Item = &Device> + '_> {
        Box::new(self.devices.iter())
    }
    /// One device.
    pub fn device(&self, dev: IfIndex) -> Option<&Device> {
        self.devices.get(dev)
    }
    /// One device, by name.
    pub fn device_named(&self, name: &str) -> Option<&Device> {
        self.devices.named(name)
    }
    /// The routes of table main in the order `ip route` prints them.
    pub fn routes(&self) -> Vec<&Route> {
        self.routes.in_order()
    }
    /// The route and source address for `dst` (`ip route get`). None: network unreachable. Routes to
    /// this namespace's own addresses are not in the main table, so they are None, too.
    pub fn route_to(&self, dst: Ipv4Addr) -> Option<(&Route, Ipv4Addr)> {
        if self.is_local(dst) {
            return None;
        }
        let route = match &self.policy {
            Some(policy) => self.ruled(policy, &super::RouteKey::to(dst, None)).ok()?.0,
            None => self.routes.lookup(dst, None)?,
        };
        Some((route, self.source_for(dst, None).ok()?))
    }
    /// True if `addr` is one of this namespace's own (127/8 too).
    pub fn is_local(&self, addr: Ipv4Addr) -> bool {
        self.host().is_local(addr)
    }
    /// The neighbour table at `now`, in the order `ip neigh` prints it.
    pub fn neighbours(&self, now: Instant) -> Vec<Neighbour> {
        self.neigh.lines(now)
    }
    /// A bridge's forwarding database at `now`.
    pub fn fdb(&self, bridge: IfIndex, now: Instant) -> Vec<FdbEntry> {
        self.devices.get(bridge).and_then(|d| d.bridge()).map(|b| b.entries(now)).unwrap_or_default()
    }
    /// How many packets this namespace holds (waiting for ARP, for fragments, behind `lo`): they are
    /// in flight.
    pub fn held(&self) -> usize {
        self.neigh.queued() + self.looped.len() + self.parts_held()
    }
}
