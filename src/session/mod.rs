//! A running lab: the World, the Docker engines, and the terminals of every place.
//!
//! A *place* is where one can type: `NODE` or `NODE:CONTAINER`. A *job* is one typed line under way.
//! Everything here is `Clone` and deterministic, so a moment of the past is a snapshot plus a
//! re-run ([`Timeline`]).

mod node;
mod timeline;

pub use node::{
    DnsRecord, Forward, LinkConfig, NodeConfig, NodeKind, PortConfig, RouterConfig, ServiceConfig,
};
pub use timeline::Timeline;

use crate::docker::Engine;
use crate::guest::MachineId;
use crate::sim::{LinkId, World};
use crate::stack::NsId;
use crate::time::Instant;

/// A line under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u32);

/// A job, for reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// Where it was typed.
    pub place: String,
    /// What was typed.
    pub line: String,
    /// When.
    pub started: Instant,
    /// Record number of the log at which it began; its packets come after.
    pub first_seq: u64,
    /// Exit status, once it is done.
    pub exit: Option<i32>,
    /// What it printed, in order: (log record number at which it was printed, is it stderr, text).
    pub output: Vec<(u64, bool, String)>,
    /// The commands of this line that changed the state of the lab and succeeded (docker,
    /// iptables, ip, sysctl): they belong into the lab's list.
    pub mutations: Vec<String>,
}

impl Job {
    /// All that it printed to stdout.
    pub fn stdout(&self) -> String {
        self.output.iter().filter(|o| !o.1).map(|o| o.2.as_str()).collect()
    }
    /// All that it printed to stderr.
    pub fn stderr(&self) -> String {
        self.output.iter().filter(|o| o.1).map(|o| o.2.as_str()).collect()
    }
}

/// Why something could not be done to a session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum SessionError {
    #[error("there is no node {id:?}{}", did_you_mean(near))]
    NoNode { id: String, near: Option<String> },
    #[error("there is no container {name:?} on {node:?}{}", did_you_mean(near))]
    NoContainer { node: String, name: String, near: Option<String> },
    #[error("the container {0:?} is not running")]
    NotRunning(String),
    #[error("{0}")]
    Config(String),
}

fn did_you_mean(near: &Option<String>) -> String {
    near.as_ref().map(|n| format!("; did you mean {n:?}?")).unwrap_or_default()
}

/// A node of a running lab.
#[derive(Debug, Clone)]
pub struct Node {
    /// How it was set up.
    pub config: NodeConfig,
    /// Its machine.
    pub machine: MachineId,
    /// Its namespace.
    pub ns: NsId,
    /// Its Docker engine, if it is a Docker host.
    pub engine: Option<Engine>,
}

/// A running lab.
#[derive(Debug, Clone)]
pub struct Session {
    /// The World.
    pub world: World,
    /// The language of `help` and of suggestions: false English, true Korean. What the real
    /// tools print stays as they print it.
    pub korean: bool,
}

impl Session {
    /// An empty lab.
    pub fn new(_seed: u64) -> Self {
        todo!()
    }
    /// Adds a node and starts its services.
    ///
    /// # Errors
    /// A taken id, an address twice, a rule that iptables refuses …: names the field.
    pub fn add_node(&mut self, _config: NodeConfig) -> Result<(), SessionError> {
        todo!()
    }
    /// Removes a node with its links and containers.
    ///
    /// # Errors
    /// `NoNode`.
    pub fn remove_node(&mut self, _id: &str) -> Result<(), SessionError> {
        todo!()
    }
    /// Cables two ports (`NODE`, `PORT`).
    ///
    /// # Errors
    /// `NoNode`, an unknown or used port.
    pub fn add_link(&mut self, _link: &LinkConfig) -> Result<LinkId, SessionError> {
        todo!()
    }
    /// Pulls the cable out of a port.
    ///
    /// # Errors
    /// `NoNode`, a port without a cable.
    pub fn remove_link(&mut self, _node: &str, _port: crate::wire::IfName) -> Result<(), SessionError> {
        todo!()
    }
    /// Applies new router settings to a running router: rewrites the rules it had made, no others.
    ///
    /// # Errors
    /// `NoNode`, values out of range.
    pub fn set_router(&mut self, _node: &str, _router: &RouterConfig) -> Result<(), SessionError> {
        todo!()
    }
    /// All nodes in the order they were added.
    pub fn nodes(&self) -> &[Node] {
        todo!()
    }
    /// One node.
    ///
    /// # Errors
    /// `NoNode`, with the nearest name.
    pub fn node(&self, _id: &str) -> Result<&Node, SessionError> {
        todo!()
    }
    /// The machine of `NODE` or `NODE:CONTAINER`.
    ///
    /// # Errors
    /// `NoNode`, `NoContainer`, `NotRunning`.
    pub fn place(&self, _place: &str) -> Result<MachineId, SessionError> {
        todo!()
    }
    /// What a namespace is called: `docker-host`, `docker-host:web`.
    pub fn place_of_ns(&self, _ns: NsId) -> Option<String> {
        todo!()
    }
    /// Types a line at a place. It runs as the session runs.
    ///
    /// # Errors
    /// As [`Session::place`]. A syntax error is the job's own output (exit 2).
    pub fn exec(&mut self, _place: &str, _line: &str) -> Result<JobId, SessionError> {
        todo!()
    }
    /// Ctrl-C.
    pub fn interrupt(&mut self, _job: JobId) {
        todo!()
    }
    /// A job, running or done.
    pub fn job(&self, _job: JobId) -> Option<&Job> {
        todo!()
    }
    /// All jobs, oldest first.
    pub fn jobs(&self) -> &[Job] {
        todo!()
    }
    /// Runs until `until`, `max_events`, or quiet (no job runs, no packet is under way).
    pub fn run(&mut self, _until: Instant, _max_events: u64) -> crate::sim::Progress {
        todo!()
    }
    /// Types a line and runs until it is done or `limit` of virtual time is over (then it is
    /// interrupted). For tests, conform and the native program.
    ///
    /// # Errors
    /// As [`Session::exec`].
    pub fn run_line(
        &mut self,
        _place: &str,
        _line: &str,
        _limit: crate::time::Duration,
    ) -> Result<Job, SessionError> {
        todo!()
    }
    /// What could stand at the end of `line`, at a place: the word's replacements, sorted.
    pub fn complete(&self, _place: &str, _line: &str) -> Vec<String> {
        todo!()
    }
}
