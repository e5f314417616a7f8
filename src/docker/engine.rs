//! The engine of one host.

use super::{Request, Response};
use crate::guest::{Effect, MachineId};
use crate::sim::World;
use crate::stack::Pid;
use crate::wire::{Ipv4Net, Mac, Protocol};
use std::net::{IpAddr, Ipv4Addr};

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

/// A published port, as the engine bound it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortBinding {
    /// Host address.
    pub host_ip: IpAddr,
    /// Host port.
    pub host_port: u16,
    /// Port in the container.
    pub port: u16,
    /// tcp or udp.
    pub proto: Protocol,
}

/// The daemon's settings that matter to networking (`dockerd` flags, daemon.json).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonConfig {
    /// `--icc`: containers on the default bridge may talk to one another.
    pub icc: bool,
    /// `--userland-proxy`.
    pub userland_proxy: bool,
}

impl Default for DaemonConfig {
    fn default() -> Self {
        Self { icc: true, userland_proxy: true }
    }
}

impl DaemonConfig {
    /// Reads dockerd's command line: `--icc=false --userland-proxy=false`.
    ///
    /// # Errors
    /// Names the flag that is not known here.
    pub fn from_flags(flags: &str) -> Result<Self, String> {
        let mut config = Self::default();
        for flag in flags.split_whitespace() {
            let (name, value) = flag.split_once('=').unwrap_or((flag, "true"));
            let on = match value {
                "true" | "1" => true,
                "false" | "0" => false,
                other => return Err(format!("invalid argument \"{other}\" for \"{name}\" flag")),
            };
            match name {
                "--icc" => config.icc = on,
                "--userland-proxy" => config.userland_proxy = on,
                _ => return Err(format!("unknown flag: {name}")),
            }
        }
        Ok(config)
    }
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
    /// Published ports as bound, while it runs.
    pub ports: Vec<PortBinding>,
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
    pub fn new(world: &mut World, host: MachineId) -> Self {
        Self::with_config(world, host, DaemonConfig::default())
    }
    /// As [`Engine::new`], with settings.
    pub fn with_config(_world: &mut World, _host: MachineId, _config: DaemonConfig) -> Self {
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
    /// A process printed something. True if it is a process that the engine started (a container's
    /// main process, whose output `docker logs` keeps, or one of the engine's own): then nobody
    /// else needs to look at it, except who is attached to it ([`super::Attach::Main`]).
    pub fn on_effect(&mut self, _world: &mut World, _pid: Pid, _effect: &Effect) -> bool {
        todo!()
    }
    /// The shell that is a container's main process ([`super::Attach::Shell`]) ended.
    pub fn shell_done(&mut self, _world: &mut World, _main: Pid, _code: i32) {
        todo!()
    }
    /// The programs that the image of the container on `machine` has; None if it is no container
    /// of this engine, or has everything.
    pub fn tools(&self, _machine: MachineId) -> Option<&'static [&'static str]> {
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
