//! One network namespace: what the Linux kernel does between a cable and a socket.
//!
//! ```text
//!   receive ─▶ device ─▶ bridge? ─▶ ipv4 input ─▶ PREROUTING ─▶ route ─┬▶ INPUT ─▶ icmp/udp/tcp ─▶ socket
//!                          │                                           └▶ FORWARD ─▶ POSTROUTING ─▶ neighbour ─▶ transmit
//!                          └▶ other ports ─▶ transmit
//! ```
//! Sans-io: nothing here knows what is at the other end of a device. Frames and timers go in
//! through [`NetNs::receive`] and [`NetNs::on_timer`], and come out as [`Output`]s.

mod bridge;
mod device;
mod fragment;
mod frames;
mod icmp;
mod input;
mod ipv4;
mod log;
mod namespace;
mod neighbour;
mod output;
mod packed;
mod peer;
mod policy;
mod route;
mod setup;
mod socket;
mod step;
mod stream;
mod tcp;
mod udp;
mod upper;
mod vxlan;

pub use bridge::{BridgeState, FdbEntry};
pub use device::{Device, DeviceKind};
pub use log::StepLog;
pub use namespace::{Beyond, ConfigError, Cx, NetNs, Output, PacketIds, Sysctl, TimerKind};
pub use neighbour::{NeighState, Neighbour};
pub use policy::{
    RouteKey, RoutingRule, RuleAction, RulePattern, TABLE_DEFAULT, TABLE_LOCAL, TABLE_MAIN, table_name,
};
pub use route::{Among, Route, RouteKind, RouteTable, Scope};
pub use socket::{Datagram, Errno, IcmpError, SocketId, SocketInfo, SocketKind, SocketOption, TcpState};
pub use step::{ByteSpan, ConfigChange, DropReason, Fate, Record, Sink, Step};
pub use upper::{
    Down, IpvlanMode, MAX_NEST, MacvlanMode, Up, Upper, UpperKind, down, may_stand_on, tag, untag, up,
    vlan_id,
};
pub use vxlan::{Envelope, OVERHEAD, TunnelEnd, TunnelEntry, VXLAN_PORT, Vxlan, is_too_long};

use serde::{Deserialize, Serialize};

use crate::wire::IfIndex;

/// A network namespace of the World.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NsId(pub u32);

/// An interface of the World.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DevRef {
    /// Its namespace.
    pub ns: NsId,
    /// Its number there.
    pub dev: IfIndex,
}

/// A process of the World, as the owner of sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid(pub u32);
