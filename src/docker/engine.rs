//! The engine of one host.

use super::{Request, Response};
use crate::guest::MachineId;
use crate::sim::World;
use crate::stack::Pid;
use crate::wire::{Ipv4Net, Mac};
use std::net::Ipv4Addr;

/// An engine's failure, in its words (`Error response from daemon: …`), with docker's exit status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EngineError {
    /// The text after `docker: ` or `Error response from daemon: `.
    pub message: String,
    /// 1, or 125 for `docker run`.
    pub exit: i32,
}

/// A container's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ContainerState {
    Created,
    Running,
    Paused,
    Exited { code: i32 },
}

/// A container's end in a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointInfo {
    /// Network name.
    pub network: String,
    /// Address with prefix length.
    pub addr: Ipv4Net,
    /// Gateway.
    pub gateway: Ipv4Addr,
    /// MAC address.
    pub mac: Mac,
    /// Interface inside (`eth0`) and on the host (`veth…`).
    pub ifnames: (String, String),
}

/// A container.
#[derive(Debug, Clone)]
pub struct Container {
    /// 64 hexadecimal digits.
    pub id: String,
    /// Name without the slash.
    pub name: String,
    /// Image as given.
    pub image: String,
    /// State.
    pub state: ContainerState,
    /// Its machine in the World.
    pub machine: MachineId,
    /// Endpoints in order of attachment.
    pub endpoints: Vec<EndpointInfo>,
}

/// A network.
#[derive(Debug, Clone)]
pub struct Network {
    /// 64 hexadecimal digits.
    pub id: String,
    /// Name.
    pub name: String,
    /// `bridge`, `host`, `null`, …
    pub driver: String,
    /// Subnet, where it has one.
    pub subnet: Option<Ipv4Net>,
    /// Gateway.
    pub gateway: Option<Ipv4Addr>,
    /// Interface name of the bridge.
    pub bridge: Option<String>,
}

/// Docker Engine 28 on one host.
#[derive(Debug, Clone)]
pub struct Engine {}

impl Engine {
    /// Starts the engine on `host`: docker0, ip_forward, the rules an empty engine writes.
    pub fn new(_world: &mut World, _host: MachineId) -> Self {
        todo!()
    }
    /// Carries out a request wholly or not at all. Errors are in the response's words and status,
    /// as the docker client shows them.
    pub fn request(&mut self, _world: &mut World, _request: &Request) -> Response {
        todo!()
    }
    /// A process ended; if it was a container's main process the container is now exited.
    pub fn on_exit(&mut self, _world: &mut World, _pid: Pid, _code: i32) {
        todo!()
    }
    /// All containers, oldest first.
    pub fn containers(&self) -> &[Container] {
        todo!()
    }
    /// All networks, oldest first (bridge, host, none come first).
    pub fn networks(&self) -> &[Network] {
        todo!()
    }
    /// By name or unambiguous id prefix.
    pub fn container(&self, _name: &str) -> Option<&Container> {
        todo!()
    }
}
