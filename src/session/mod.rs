//! A running lab: the World, the Docker engines, and the terminals of every place.
//!
//! A *place* is where one can type: `NODE` or `NODE:CONTAINER`. A *job* is one typed line under way.
//! Everything here is `Clone` and deterministic, so a moment of the past is a snapshot plus a
//! re-run ([`Timeline`]).
//!
//! ```text
//!   exec ─▶ Job ─▶ shell ─▶ pipeline ─▶ stages ─▶ programs of the World
//!                  (run)    (stage)      │           │ events
//!                                        ▼           ▼
//!                               docker engine     plumb ─▶ next stage, file, terminal
//! ```
//! Not supported: input typed while a line runs (a terminal's stdin is at its end from the
//! beginning), job control beyond `&`, and what [`crate::shell`] says it leaves out.

mod builtin;
mod change;
pub mod changes;
mod complete;
mod conditions;
mod control;
mod deadline;
mod dns;
mod expand;
mod flow;
mod help;
mod misfit;
mod mutation;
mod node;
mod plumb;
mod remarks;
mod router;
mod run;
mod script;
mod service;
mod setup;
mod stage;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_script;
mod timeline;

pub use conditions::Condition;
pub use dns::DnsView;
pub(crate) use dns::check as check_dns;
pub use misfit::Misfit;
pub use node::{
    DhcpConfig, DnsForwarder, DnsRecord, DnsZone, FixedPort, Forward, LinkConfig, NodeConfig, NodeKind,
    PortConfig, Reservation, RouterConfig, ServiceConfig, Wifi,
};
pub use router::rules as router_rules;
pub(crate) use setup::check_node;
pub use timeline::Timeline;

use std::collections::{BTreeMap, VecDeque};

use crate::docker::Engine;
use crate::guest::MachineId;
use crate::lang::Lang;
use crate::shell;
use crate::sim::{Progress, World};
use crate::stack::{NsId, Pid};
use crate::time::{Duration, Instant};
use run::{Shell, ShellId};

/// A line under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u32);

/// Where a text of a job belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Its standard output.
    Out,
    /// Its standard error.
    Err,
    /// A remark of netpier's own (a typing error's likely word, what is not emulated). It shows on the
    /// terminal, and no redirection or pipe sees it.
    Note,
}

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
    /// What it printed, in order: (log record number at which it was printed, where to, text).
    pub output: Vec<(u64, Stream, String)>,
    /// The commands of this line that changed the state of the lab and succeeded (docker,
    /// iptables, ip, sysctl): they belong into the lab's list.
    pub mutations: Vec<String>,
    /// What the commands of this line changed, in the order of the list (see [`changes`]): docker's,
    /// and those of `ip`, `iptables` and `sysctl` that succeeded.
    pub changes: Vec<changes::Change>,
    /// The programs that it waits for, in the order in which they were started.
    pub pids: Vec<Pid>,
    /// Record number of the log at which it was done.
    pub ended: Option<u64>,
    /// The line opened a shell at this place (`docker exec -it web sh`): the terminal goes on there.
    pub enters: Option<String>,
    /// Bytes printed so far, for the bound on output.
    printed: usize,
    /// Bytes that went through its pipes so far, for theirs.
    piped: usize,
    /// Ctrl-C was typed this often.
    interrupts: u8,
}

impl Job {
    /// All that it printed to stdout.
    pub fn stdout(&self) -> String {
        self.said(Stream::Out)
    }
    /// All that it printed to stderr.
    pub fn stderr(&self) -> String {
        self.said(Stream::Err)
    }
    /// What netpier remarked on it, beside what a real machine prints.
    pub fn notes(&self) -> String {
        self.said(Stream::Note)
    }
    fn said(&self, stream: Stream) -> String {
        self.output.iter().filter(|o| o.1 == stream).map(|o| o.2.as_str()).collect()
    }
}

/// Why something could not be done to a session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// No node has the id.
    #[error("there is no node {id:?}{}", did_you_mean(near))]
    NoNode {
        /// The id asked for.
        id: String,
        /// One that is there and looks like it.
        near: Option<String>,
    },
    /// The node's engine has no such container.
    #[error("there is no container {name:?} on {node:?}{}", did_you_mean(near))]
    NoContainer {
        /// The node.
        node: String,
        /// The name asked for.
        name: String,
        /// One that is there and looks like it.
        near: Option<String>,
    },
    /// The container of this name does not run: nothing can be typed in it.
    #[error("the container {0:?} is not running")]
    NotRunning(String),
    /// A setting that cannot be, in words.
    #[error("{0}")]
    Config(String),
    /// A node, port or cable that does not fit.
    #[error(transparent)]
    Misfit(#[from] Misfit),
}

impl From<SessionError> for Misfit {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Misfit(misfit) => misfit,
            SessionError::NoNode { id, near: None } => Self::NoNode(id),
            other => Self::Other(other.to_string()),
        }
    }
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
    /// What runs in its background because its configuration says so.
    daemons: Vec<(setup::Daemon, ShellId)>,
}

/// A running lab.
///
/// Cloning copies the trace too; a snapshot is made by [`Timeline`], which leaves it out.
#[derive(Debug, Clone)]
pub struct Session {
    /// The World.
    pub world: World,
    /// The language of `help` and of suggestions. What the real tools print stays as they print it.
    pub lang: Lang,
    nodes: Vec<Node>,
    jobs: Vec<Job>,
    next_job: u32,
    shells: BTreeMap<ShellId, Shell>,
    next_shell: u32,
    /// Whose stage a process is.
    owners: BTreeMap<Pid, (ShellId, usize)>,
    /// What `timeout` has still to end, by the number that it is told with.
    deadlines: BTreeMap<u32, deadline::Deadline>,
    /// Shells that can go on.
    ready: VecDeque<ShellId>,
    /// What `cd` and assignments leave behind, by machine.
    terminals: BTreeMap<MachineId, Terminal>,
    /// Interactive shells that are containers' main processes (`docker run -it alpine`): node and
    /// process, by machine.
    mains: BTreeMap<MachineId, (usize, Pid)>,
}

/// What a terminal keeps from line to line.
#[derive(Debug, Clone)]
struct Terminal {
    /// Working directory, absolute, without a slash at its end (but for `/`).
    cwd: String,
    /// Shell variables that are not exported.
    vars: BTreeMap<String, String>,
    /// Status of the last line.
    status: i32,
}

impl Default for Terminal {
    fn default() -> Self {
        Self { cwd: "/".into(), vars: BTreeMap::new(), status: 0 }
    }
}

/// At most this many jobs are remembered; the oldest that are done go.
const MAX_JOBS: usize = 500;
/// At most this many jobs run at a time.
const MAX_RUNNING: usize = 32;

/// Events of one line: minutes of a machine's time. A loop of bridges inside a host has no other end (ADR 4).
const MOST_EVENTS: u64 = 200_000_000;

impl Session {
    /// An empty lab.
    pub fn new(seed: u64) -> Self {
        Self {
            world: World::new(seed),
            lang: Lang::En,
            nodes: Vec::new(),
            jobs: Vec::new(),
            next_job: 1,
            shells: BTreeMap::new(),
            next_shell: 1,
            deadlines: BTreeMap::new(),
            owners: BTreeMap::new(),
            ready: VecDeque::new(),
            terminals: BTreeMap::new(),
            mains: BTreeMap::new(),
        }
    }

    /// All nodes in the order they were added.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// One node.
    ///
    /// # Errors
    /// `NoNode`, with the nearest name.
    pub fn node(&self, id: &str) -> Result<&Node, SessionError> {
        self.node_index(id).map(|i| &self.nodes[i])
    }

    fn node_index(&self, id: &str) -> Result<usize, SessionError> {
        self.nodes.iter().position(|n| n.config.id == id).ok_or_else(|| {
            let near = shell::nearest(id, self.nodes.iter().map(|n| n.config.id.as_str()));
            SessionError::NoNode { id: id.to_owned(), near: near.map(str::to_owned) }
        })
    }

    /// The machine of `NODE` or `NODE:CONTAINER`.
    ///
    /// # Errors
    /// `NoNode`, `NoContainer`, `NotRunning`.
    pub fn place(&self, place: &str) -> Result<MachineId, SessionError> {
        let (node, container) = split_place(place);
        let node = self.node(node)?;
        let Some(name) = container else { return Ok(node.machine) };
        let engine = node.engine.as_ref();
        let Some(found) = engine.and_then(|e| e.container(name)) else {
            let known = engine.map(Engine::containers).unwrap_or_default();
            let near = shell::nearest(name, known.iter().map(|c| c.name.as_str()));
            return Err(SessionError::NoContainer {
                node: node.config.id.clone(),
                name: name.to_owned(),
                near: near.map(str::to_owned),
            });
        };
        if found.state != crate::docker::ContainerState::Running {
            return Err(SessionError::NotRunning(name.to_owned()));
        }
        Ok(found.machine)
    }

    /// What a namespace is called: `docker-host`, `docker-host:web`.
    pub fn place_of_ns(&self, ns: NsId) -> Option<String> {
        if let Some(node) = self.nodes.iter().find(|n| n.ns == ns) {
            return Some(node.config.id.clone());
        }
        self.nodes
            .iter()
            .find_map(|node| {
                let mut containers = node.engine.as_ref()?.containers().iter();
                let c = containers.find(|c| self.world.machine(c.machine).is_some_and(|m| m.ns == ns))?;
                Some(format!("{}:{}", node.config.id, c.name))
            })
            .or_else(|| self.sandbox_of_ns(ns))
    }

    /// The sandbox of an overlay network: `h1/ov1`. Nobody types there.
    fn sandbox_of_ns(&self, ns: NsId) -> Option<String> {
        self.nodes.iter().find_map(|node| {
            let overlays = node.engine.as_ref()?.overlays();
            let (name, ..) = overlays.into_iter().find(|o| o.2 == ns)?;
            Some(format!("{}/{name}", node.config.id))
        })
    }

    /// Types a line at a place. It runs as the session runs; what can be done without waiting is
    /// done at once.
    ///
    /// # Errors
    /// As [`Session::place`]. A syntax error is the job's own output (exit 2).
    pub fn exec(&mut self, place: &str, line: &str) -> Result<JobId, SessionError> {
        let machine = self.place(place)?;
        let node = self.node_index(split_place(place).0)?;
        let id = JobId(self.next_job);
        self.next_job += 1;
        let running = self.jobs.iter().filter(|j| j.exit.is_none()).count();
        if self.jobs.len() >= MAX_JOBS
            && let Some(oldest) = self.jobs.iter().position(|j| j.exit.is_some())
        {
            self.jobs.remove(oldest);
        }
        self.jobs.push(Job {
            id,
            place: place.to_owned(),
            line: line.to_owned(),
            started: self.world.now(),
            first_seq: self.world.log.next_seq(),
            exit: None,
            output: Vec::new(),
            mutations: Vec::new(),
            changes: Vec::new(),
            pids: Vec::new(),
            ended: None,
            enters: None,
            printed: 0,
            piped: 0,
            interrupts: 0,
        });
        self.begin_job(id, node, machine, running >= MAX_RUNNING);
        self.pump();
        Ok(id)
    }

    /// Ctrl-C: the running programs get SIGINT and nothing after them starts. The second time
    /// they are killed.
    pub fn interrupt(&mut self, job: JobId) {
        self.interrupt_job(job);
        self.pump();
    }

    /// A job, running or done.
    pub fn job(&self, job: JobId) -> Option<&Job> {
        self.jobs.binary_search_by_key(&job, |j| j.id).ok().map(|i| &self.jobs[i])
    }

    fn job_mut(&mut self, job: JobId) -> Option<&mut Job> {
        self.jobs.binary_search_by_key(&job, |j| j.id).ok().map(|i| &mut self.jobs[i])
    }

    /// All jobs that are remembered, oldest first.
    pub fn jobs(&self) -> &[Job] {
        &self.jobs
    }

    /// Runs until `until`, `max_events`, or quiet (no job runs, no packet is under way). Never
    /// returns [`Progress::Events`].
    pub fn run(&mut self, until: Instant, max_events: u64) -> Progress {
        self.run_while(until, max_events, World::run)
    }

    /// As [`Session::run`], but housekeeping goes on too: it does not stop for quiet, and the
    /// clock reaches `until`.
    pub fn run_through(&mut self, until: Instant, max_events: u64) -> Progress {
        self.run_while(until, max_events, World::run_through)
    }

    fn run_while(
        &mut self,
        until: Instant,
        max_events: u64,
        run: fn(&mut World, Instant, u64) -> Progress,
    ) -> Progress {
        let end = self.world.events_handled().saturating_add(max_events);
        self.pump();
        loop {
            let left = end.saturating_sub(self.world.events_handled());
            let progress = run(&mut self.world, until, left);
            self.pump();
            match progress {
                Progress::Events => {}
                Progress::Quiet if self.reap_lost() => self.pump(),
                other => return other,
            }
        }
    }

    /// Types a line and runs until it is done or `limit` of virtual time is over (then it is
    /// interrupted), or has handled so many events that it can only be a storm. For tests, conform and the
    /// native program.
    ///
    /// # Errors
    /// As [`Session::exec`].
    pub fn run_line(&mut self, place: &str, line: &str, limit: Duration) -> Result<Job, SessionError> {
        self.run_line_within(place, line, limit, MOST_EVENTS)
    }

    /// As [`Session::run_line`], and interrupted too once `events` were handled: where time hardly
    /// goes on for all that happens in it (a storm of broadcasts).
    ///
    /// # Errors
    /// As [`Session::exec`].
    pub fn run_line_within(
        &mut self,
        place: &str,
        line: &str,
        limit: Duration,
        events: u64,
    ) -> Result<Job, SessionError> {
        let last = self.world.events_handled().saturating_add(events);
        let id = self.exec(place, line)?;
        let end = self.world.now() + limit;
        self.run_job(id, end, last);
        // A program may still say something after Ctrl-C (ping's statistics); a second Ctrl-C ends it.
        for _ in 0..2 {
            if self.job(id).is_some_and(|j| j.exit.is_none()) {
                self.interrupt(id);
                self.run_job(id, self.world.now() + Duration::from_millis(100), last);
            }
        }
        Ok(self.job(id).cloned().expect("a job that has just run is remembered"))
    }

    /// Runs until the job is done, or `end`, or `last` events were handled.
    fn run_job(&mut self, id: JobId, end: Instant, last: u64) {
        while self.job(id).is_some_and(|j| j.exit.is_none()) && self.world.events_handled() < last {
            // In slices, so that the clock stops soon after the job is done.
            match self.run(end, 1) {
                Progress::Budget | Progress::Events => {}
                Progress::Quiet | Progress::Time => return,
            }
        }
    }
}

/// `NODE:CONTAINER` → both.
fn split_place(place: &str) -> (&str, Option<&str>) {
    place.split_once(':').map_or((place, None), |(node, container)| (node, Some(container)))
}
