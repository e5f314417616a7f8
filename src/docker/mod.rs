//! Docker Engine, as commands to the World. It does to the simulated kernel what the real one
//! does to Linux: makes bridges, namespaces, veth pairs, addresses and routes, and writes
//! iptables rules. Nothing here decides whether a packet passes.
//!
//! [`Request`] is the one mutation of Docker's state. The terminal parses text into it
//! ([`cli::parse`]); a drag on the canvas makes the same one and shows [`cli::render`]'s text.
//!
//! The reference is Docker Engine 28 with its iptables firewall and the userland proxy. Supported:
//! bridge, host, none, another container's network, macvlan, ipvlan, overlay and swarm, published ports,
//! embedded DNS, links, internal networks, live connect and disconnect. Not supported: IPv6,
//! volumes, building and pulling of images, what a daemon does beyond networking.

pub mod cli;
mod commit;
mod config;
mod container;
mod containers;
mod dns;
mod driver;
mod endpoint;
mod engine;
mod events;
mod files;
mod follow;
mod image;
mod info;
mod init;
mod inspect;
mod interface;
mod ipam;
mod lifecycle;
mod listing;
mod membership;
mod moment;
mod names;
mod near;
mod network;
mod noted;
mod options;
mod ports;
mod privilege;
mod reading;
mod request;
mod resolv;
mod restart;
mod rules;
mod swarm;
mod tags;
mod template;
#[cfg(test)]
mod tests;
mod upstream;
mod wait;

pub use commit::Commit;
pub use config::{DAEMON_JSON, DaemonConfig};
pub use engine::{Container, ContainerState, EndpointInfo, Engine, EngineError, Network, PortBinding};
pub use events::EventOptions;
pub use files::Copy;
pub use follow::LogOptions;
pub use noted::Noted;
pub use reading::Membership;
pub use request::{
    Attach, EndpointSpec, ExecOptions, ExecSetting, MainScript, NetworkCreate, PortSpec, Request, Response,
    RunSpec,
};
pub use swarm::{ServiceMode, ServiceSpec, SwarmRequest, request, settle};
