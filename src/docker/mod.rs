//! Docker Engine, as commands to the World. It does to the simulated kernel what the real one
//! does to Linux: makes bridges, namespaces, veth pairs, addresses and routes, and writes
//! iptables rules. Nothing here decides whether a packet passes.
//!
//! [`Request`] is the one mutation of Docker's state. The terminal parses text into it
//! ([`cli::parse`]); a drag on the canvas makes the same one and shows [`cli::render`]'s text.

pub mod cli;
mod engine;
mod image;
mod near;
mod request;

pub use engine::{
    Container, ContainerState, DaemonConfig, EndpointInfo, Engine, EngineError, Network, PortBinding,
};
pub use request::{Attach, EndpointSpec, NetworkCreate, PortSpec, Request, Response, RunSpec};
