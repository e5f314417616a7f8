//! Bytes and their meaning: addresses, names, frames. Formats come from smoltcp's `wire`
//! (Ethernet, ARP, IPv4, ICMPv4, UDP, TCP, DHCPv4) and from `simple-dns`; this layer adds
//! what they lack: owned frames with an identity, flow endpoints, and Linux's names.
//!
//! Open to all layers.

mod addr;
pub mod checksum;
mod fastmap;
mod frame;
mod summary;

pub use addr::{Endpoint, Flow, IfIndex, IfName, Mac, Protocol};
pub use fastmap::{FastHasher, FastMap};
pub use frame::{Bytes, Frame, Kept, PacketId};
pub use summary::{
    Arp, ArpOperation, Content, Dhcp, Dns, IcmpMessage, Ipv4, Summary, TcpFlags, Transport, dhcp_message,
    summary,
};

pub use ipnet::Ipv4Net;
pub use smoltcp::wire as fmt;
pub use std::net::Ipv4Addr;
