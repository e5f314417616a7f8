//! What can be asked of the engine, and what it answers.

use crate::guest::MachineId;
use crate::wire::{Ipv4Net, Protocol};
use std::net::Ipv4Addr;

/// One `-p`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortSpec {
    /// Host address; None: 0.0.0.0 (and `[::]`).
    pub host_ip: Option<Ipv4Addr>,
    /// Host ports, first and last; None: a free one from 32768 up.
    pub host: Option<(u16, u16)>,
    /// Container ports, first and last.
    pub container: (u16, u16),
    /// tcp or udp.
    pub proto: Protocol,
}

/// `docker run` and `docker create`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunSpec {
    /// Image.
    pub image: String,
    /// Command; empty: the image's.
    pub command: Vec<String>,
    /// `--name`.
    pub name: Option<String>,
    /// `-d`.
    pub detach: bool,
    /// `--rm`.
    pub remove: bool,
    /// `-i`, `-t`.
    pub interactive: bool,
    /// `-t`.
    pub tty: bool,
    /// `--hostname`.
    pub hostname: Option<String>,
    /// `--network`, in order; empty: the default bridge.
    pub networks: Vec<String>,
    /// `--network-alias`.
    pub aliases: Vec<String>,
    /// `--ip`.
    pub ip: Option<String>,
    /// `-p`.
    pub publish: Vec<PortSpec>,
    /// `-e`.
    pub env: Vec<(String, String)>,
}

/// `docker network create`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkCreate {
    /// Name.
    pub name: String,
    /// `--driver`; None: bridge.
    pub driver: Option<String>,
    /// `--subnet`.
    pub subnet: Option<Ipv4Net>,
    /// `--gateway`.
    pub gateway: Option<Ipv4Addr>,
    /// `--ip-range`.
    pub ip_range: Option<Ipv4Net>,
    /// `--internal`.
    pub internal: bool,
    /// `--opt`.
    pub options: Vec<(String, String)>,
}

/// A request to the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// docker run.
    Run(RunSpec),
    /// docker ps [-a] [-q].
    Ps {
        /** -a */
        all: bool,
        /** -q */
        quiet: bool,
    },
    /// docker rm [-f] NAME…
    Rm {
        /** -f */
        force: bool,
        /** names or ids */
        names: Vec<String>,
    },
    /// docker exec [-it] NAME COMMAND…
    Exec {
        /** name or id */
        name: String,
        /** -t */
        tty: bool,
        /** command */
        command: Vec<String>,
    },
    /// docker inspect [-f TEMPLATE] NAME…
    Inspect {
        /** template */
        format: Option<String>,
        /** names or ids */
        names: Vec<String>,
    },
    /// docker network create.
    NetworkCreate(NetworkCreate),
    /// docker network ls [-q].
    NetworkLs {
        /** -q */
        quiet: bool,
    },
    /// docker network inspect.
    NetworkInspect {
        /** template */
        format: Option<String>,
        /** names or ids */
        names: Vec<String>,
    },
    /// docker network rm.
    NetworkRm {
        /** names or ids */
        names: Vec<String>,
    },
}

/// The engine's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// For the terminal.
    pub stdout: String,
    /// Warnings and errors.
    pub stderr: String,
    /// Exit status of the docker client.
    pub exit: i32,
    /// Run this in that machine, its output and status being the command's (exec, run without -d).
    pub attach: Option<Attach>,
}

/// A process of a container to be attached to.
#[derive(Debug, Clone, PartialEq)]
pub enum Attach {
    /// The container's own process, already started.
    Main(crate::stack::Pid),
    /// A command to be run there by the session (`docker exec`).
    Command {
        /// Where.
        machine: MachineId,
        /// What.
        argv: Vec<String>,
        /// With a terminal.
        tty: bool,
    },
}
