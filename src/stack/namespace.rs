//! The namespace itself: its parts, how it is set up, where frames and timers enter.

use super::socket::Sockets;
use super::{Device, DeviceKind, FdbEntry, Neighbour, NsId, Pid, Route, RouteTable, SocketId, StepLog};
use crate::netfilter::Netfilter;
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::{Frame, IfIndex, IfName, Ipv4Net, Mac, PacketId};
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
#[derive(Debug, Clone, PartialEq)]
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
}

/// The namespace's timers. `generation` tells a timer that was overtaken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TimerKind {
    /// An ARP question is due again, or an entry changes state.
    Neighbour { dev: IfIndex, addr: Ipv4Addr, generation: u32 },
    /// TCP: retransmission, persist, TIME_WAIT, delayed ACK.
    Tcp { socket: SocketId, generation: u32 },
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
    /// net.ipv4.conf.all.rp_filter (0, 1, 2).
    pub rp_filter: u8,
    /// net.ipv4.conf.*.route_localnet, by device ("all" is the empty name).
    pub route_localnet: Vec<IfName>,
    /// net.bridge.bridge-nf-call-iptables.
    pub bridge_nf_call_iptables: bool,
    /// net.ipv4.ip_default_ttl.
    pub default_ttl: u8,
    /// net.ipv4.ip_unprivileged_port_start and ephemeral range (low, high).
    pub port_range: (u16, u16),
    /// net.ipv4.icmp_echo_ignore_all.
    pub icmp_echo_ignore_all: bool,
}

/// Why a change of set-up was refused. `Display` is the kernel's or iproute2's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum ConfigError {
    #[error("File exists")]
    Exists,
    #[error("Cannot find device \"{0}\"")]
    NoDevice(String),
    #[error("Network is unreachable")]
    Unreachable,
    #[error("Nexthop has invalid gateway")]
    InvalidGateway,
    #[error("No such process")]
    NoSuchRoute,
    #[error("Cannot assign requested address")]
    NoSuchAddress,
    #[error("Device or resource busy")]
    Busy,
    #[error("Invalid argument")]
    Invalid,
    #[error("Operation not supported")]
    NotSupported,
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
    #[allow(dead_code)]
    routes: RouteTable,
    #[allow(dead_code)]
    rng: Rng,
    /// Its sockets.
    pub(super) sockets: Sockets,
}

impl NetNs {
    /// A namespace with nothing but `lo` (127.0.0.1/8, up).
    pub fn new(_id: NsId, _rng: Rng) -> Self {
        todo!()
    }

    // ---- what comes in

    /// A frame arrives at `dev`.
    pub fn receive(&mut self, _dev: IfIndex, _frame: Frame, _cx: &mut Cx<'_>) {
        todo!()
    }
    /// A timer asked for through [`Output::Timer`] is due.
    pub fn on_timer(&mut self, _timer: TimerKind, _cx: &mut Cx<'_>) {
        todo!()
    }

    // ---- set-up (each notes a `Step::Config`)

    /// Adds a device, down and without address. Veth ends and Ethernet ports get their peer
    /// from the World.
    ///
    /// # Errors
    /// `Exists`.
    pub fn add_device(
        &mut self,
        _name: IfName,
        _mac: Mac,
        _kind: DeviceKind,
        _cx: &mut Cx<'_>,
    ) -> Result<IfIndex, ConfigError> {
        todo!()
    }
    /// Removes a device with its addresses, routes, neighbours and FDB lines.
    ///
    /// # Errors
    /// `NoDevice`.
    pub fn remove_device(&mut self, _dev: IfIndex, _cx: &mut Cx<'_>) -> Result<(), ConfigError> {
        todo!()
    }
    /// `ip link set DEV up|down`.
    ///
    /// # Errors
    /// `NoDevice`.
    pub fn set_up(&mut self, _dev: IfIndex, _up: bool, _cx: &mut Cx<'_>) -> Result<(), ConfigError> {
        todo!()
    }
    /// The cable was plugged in or pulled; bridges above follow their ports.
    pub fn set_carrier(&mut self, _dev: IfIndex, _carrier: bool, _cx: &mut Cx<'_>) {
        todo!()
    }
    /// `ip link set DEV master BRIDGE` or `nomaster`.
    ///
    /// # Errors
    /// `NoDevice`, `Invalid`, `Busy`.
    pub fn set_master(
        &mut self,
        _dev: IfIndex,
        _master: Option<IfIndex>,
        _cx: &mut Cx<'_>,
    ) -> Result<(), ConfigError> {
        todo!()
    }
    /// `ip link set DEV address MAC`, `name NAME`, `mtu N`: through this closure-free trio.
    ///
    /// # Errors
    /// `NoDevice`.
    pub fn set_mac(&mut self, _dev: IfIndex, _mac: Mac, _cx: &mut Cx<'_>) -> Result<(), ConfigError> {
        todo!()
    }
    /// Renames a device.
    ///
    /// # Errors
    /// `NoDevice`, `Exists`.
    pub fn rename(&mut self, _dev: IfIndex, _name: IfName, _cx: &mut Cx<'_>) -> Result<(), ConfigError> {
        todo!()
    }
    /// Sets the MTU in bytes.
    ///
    /// # Errors
    /// `NoDevice`, `Invalid` (below 68 or above 65536).
    pub fn set_mtu(&mut self, _dev: IfIndex, _mtu: u32, _cx: &mut Cx<'_>) -> Result<(), ConfigError> {
        todo!()
    }
    /// Adds an address and, if the device is up, its connected route.
    ///
    /// # Errors
    /// `Exists`, `NoDevice`.
    pub fn add_addr(&mut self, _dev: IfIndex, _addr: Ipv4Net, _cx: &mut Cx<'_>) -> Result<(), ConfigError> {
        todo!()
    }
    /// Removes an address and what hangs on it.
    ///
    /// # Errors
    /// `NoSuchAddress`, `NoDevice`.
    pub fn remove_addr(
        &mut self,
        _dev: IfIndex,
        _addr: Ipv4Net,
        _cx: &mut Cx<'_>,
    ) -> Result<(), ConfigError> {
        todo!()
    }
    /// Adds a route. `dev` may be None with a gateway: the connected route to it decides.
    ///
    /// # Errors
    /// `Exists`, `InvalidGateway`, `Unreachable`, `NoDevice`.
    pub fn add_route(&mut self, _route: Route, _cx: &mut Cx<'_>) -> Result<(), ConfigError> {
        todo!()
    }
    /// Removes the first route with this prefix (and gateway and device, where given).
    ///
    /// # Errors
    /// `NoSuchRoute`.
    pub fn remove_route(
        &mut self,
        _prefix: Ipv4Net,
        _via: Option<Ipv4Addr>,
        _dev: Option<IfIndex>,
        _cx: &mut Cx<'_>,
    ) -> Result<(), ConfigError> {
        todo!()
    }
    /// `ip neigh flush`: all, or one device's.
    pub fn flush_neighbours(&mut self, _dev: Option<IfIndex>, _cx: &mut Cx<'_>) {
        todo!()
    }
    /// Sends a gratuitous ARP announcement for every address of `dev` (RFC 5227 §3).
    pub fn announce(&mut self, _dev: IfIndex, _cx: &mut Cx<'_>) {
        todo!()
    }
    /// One `iptables` command; see [`Netfilter::command`]. Notes it.
    ///
    /// # Errors
    /// In iptables' words.
    pub fn iptables(&mut self, _args: &[&str], _cx: &mut Cx<'_>) -> Result<(), crate::netfilter::NfError> {
        todo!()
    }

    // ---- reading

    /// All devices, by number.
    pub fn devices(&self) -> Box<dyn Iterator<Item = &Device> + '_> {
        todo!()
    }
    /// One device.
    pub fn device(&self, _dev: IfIndex) -> Option<&Device> {
        todo!()
    }
    /// One device, by name.
    pub fn device_named(&self, _name: &str) -> Option<&Device> {
        todo!()
    }
    /// The routes in the order `ip route` prints them.
    pub fn routes(&self) -> Vec<&Route> {
        todo!()
    }
    /// The route and source address for `dst` (`ip route get`). None: network unreachable.
    pub fn route_to(&self, _dst: Ipv4Addr) -> Option<(&Route, Ipv4Addr)> {
        todo!()
    }
    /// True if `addr` is one of this namespace's own (127/8 too).
    pub fn is_local(&self, _addr: Ipv4Addr) -> bool {
        todo!()
    }
    /// The neighbour table at `now`, in the order `ip neigh` prints it.
    pub fn neighbours(&self, _now: Instant) -> Vec<Neighbour> {
        todo!()
    }
    /// A bridge's forwarding database at `now`.
    pub fn fdb(&self, _bridge: IfIndex, _now: Instant) -> Vec<FdbEntry> {
        todo!()
    }
    /// How many packets this namespace holds (waiting for ARP, for fragments): they are in flight.
    pub fn held(&self) -> usize {
        todo!()
    }
}
