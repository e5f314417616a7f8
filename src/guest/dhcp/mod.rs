//! DHCP (RFC 2131): `dhclient` asks, `dhcpd` gives.
//!
//! ```text
//!  dhclient                                   dhcpd
//!     │ DISCOVER  0.0.0.0 → 255.255.255.255     │
//!     │ ──────────────────────────────────────▶ │ picks an address
//!     │ OFFER                                   │
//!     │ ◀────────────────────────────────────── │
//!     │ REQUEST   (broadcast: other servers     │
//!     │ ──────────────────────────────────────▶ │  see whom it chose)
//!     │ ACK                                     │
//!     │ ◀────────────────────────────────────── │
//!     │ ARP probe: has somebody got it? ─▶ DECLINE
//!  BOUND ─ T1 ─▶ REQUEST to the server ─ T2 ─▶ REQUEST to all ─ end ─▶ no address
//! ```
//! Both keep their leases in files, in the format of ISC's programs. Not supported: relays,
//! INFORM, dynamic DNS, the server's ping before it offers (the client's probe finds the same).

mod client;
mod config;
mod leases;
mod message;
mod server;

pub(super) use client::{Client, OPTIONS as DHCLIENT_OPTIONS};
pub use config::ServerConfig;
pub use leases::{ClientLease, Lease, client_lease, leases};
pub(super) use server::{OPTIONS as DHCPD_OPTIONS, Server};

/// Where `dhcpd` keeps its leases.
pub const SERVER_LEASES: &str = "/var/lib/dhcp/dhcpd.leases";

/// Where `dhclient` keeps the lease of an interface.
pub fn client_leases(interface: &str) -> String {
    format!("/var/lib/dhcp/dhclient.{interface}.leases")
}
