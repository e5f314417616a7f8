//! The program interface.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::net::Ipv4Addr;

use super::dns::DnsServer;
use super::{Creds, Files};
use crate::rng::Rng;
use crate::stack::{Cx, NetNs, Pid, SocketId, SocketOption};
use crate::time::Instant;
use crate::wire::Endpoint;
use serde::{Deserialize, Serialize};

/// A place where programs run: a node of the lab or a container. Several machines may share one
/// network namespace (`--network container:NAME`, `--network host`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MachineId(pub u32);

/// Is it done?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poll {
    /// Wake me when something happens.
    Pending,
    /// Finished, with this exit status.
    Exit(i32),
    /// It goes on in the background, and whoever waited is told this status (daemon(3)).
    Daemon(i32),
}

/// Signals that programs here meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Int,
    /// `docker stop`.
    Term,
    /// `docker kill`: the program is not asked.
    Kill,
    /// The reader of its output is gone (`| head`): the program is not asked.
    Pipe,
}

/// What a program wants of the world beyond its namespace.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Text for stdout.
    Out(String),
    /// Text for stderr.
    Err(String),
}

/// What waits on standard input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stdin {
    /// Not yet read.
    pub data: String,
    /// No more will come.
    pub closed: bool,
}

/// So many names of processes are remembered.
const MAX_NAMES: usize = 1 << 14;

/// The names of the processes that were started last, also of those that have ended.
#[derive(Debug, Clone, Default)]
pub struct Names {
    last: u32,
    /// The name, and whether it keeps house ([`Program::housekeeping`]).
    list: VecDeque<(Box<str>, bool)>,
}

impl Names {
    /// Gives the next process its number.
    pub fn push(&mut self, name: &str, housekeeping: bool) -> Pid {
        if self.list.len() == MAX_NAMES {
            self.list.pop_front();
        }
        self.list.push_back((name.into(), housekeeping));
        self.last += 1;
        Pid(self.last)
    }
    /// The name of a process; None if very many were started since.
    pub fn get(&self, pid: Pid) -> Option<&str> {
        self.entry(pid).map(|e| e.0.as_ref())
    }
    /// Does or did the process keep house?
    pub fn housekeeping(&self, pid: Pid) -> bool {
        self.entry(pid).is_some_and(|e| e.1)
    }
    fn entry(&self, pid: Pid) -> Option<&(Box<str>, bool)> {
        // The last of the names is that of the last process.
        let before = (self.last as usize).checked_sub(self.list.len())?;
        self.list.get((pid.0 as usize).checked_sub(before + 1)?)
    }
}

/// What a program can reach while it is polled: the system calls.
pub struct Sys<'a> {
    /// Its namespace (sockets, and for `ip`, `iptables`, `ss` … the tables).
    pub ns: &'a mut NetNs,
    /// The moment, and where the stack puts its results.
    pub cx: Cx<'a>,
    /// Itself.
    pub pid: Pid,
    /// Its machine's host name.
    pub hostname: &'a str,
    /// The names of all processes.
    pub names: &'a Names,
    /// Its machine's files.
    pub files: &'a mut Files,
    /// Its machine's environment, in order.
    pub env: &'a [(String, String)],
    /// Who runs it.
    pub creds: Creds,
    /// Its stdin.
    pub stdin: &'a mut Stdin,
    /// Is stdout a terminal? (Some programs print differently.)
    pub tty: bool,
    /// A signal that came since the last poll.
    pub signal: Option<Signal>,
    /// Draws for this program.
    pub rng: &'a mut Rng,
    /// Where effects go.
    pub effects: &'a mut Vec<Effect>,
    /// Set while it is in the middle of something that people wait for, although it runs in the
    /// background: the World is not quiet before it is cleared again.
    pub busy: &'a mut bool,
    /// The one alarm: poll again at this time. Cleared before each poll.
    pub alarm: &'a mut Option<Instant>,
}

impl Sys<'_> {
    /// Now.
    pub fn now(&self) -> Instant {
        self.cx.now
    }
    /// Prints to stdout.
    pub fn out(&mut self, text: impl Into<String>) {
        self.effects.push(Effect::Out(text.into()));
    }
    /// Prints to stderr.
    pub fn err(&mut self, text: impl Into<String>) {
        self.effects.push(Effect::Err(text.into()));
    }
    /// Answers a datagram from the address `from` that it was sent to, as servers on all addresses
    /// do with IP_PKTINFO: a client takes no answer from another address.
    pub fn reply(&mut self, socket: SocketId, from: Ipv4Addr, to: Endpoint, data: &[u8]) {
        // A client that is out of reach, or gone, goes without its answer.
        let _ = self
            .ns
            .set_option(socket, SocketOption::Source(from))
            .and_then(|()| self.ns.send_to(socket, to, data, &mut self.cx));
    }
    /// Poll me at `at` at the latest. The earliest of several wins.
    pub fn wake_at(&mut self, at: Instant) {
        *self.alarm = Some(self.alarm.map_or(at, |a| a.min(at)));
    }
}

/// A program.
pub trait Program: Debug + Send {
    /// Goes on as far as possible.
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll;
    /// The name in `ps`, `ss -p` and the trace.
    fn name(&self) -> &str;
    /// Its records and cache, if it is a DNS server: for those who look at the World's tables.
    fn dns_server(&self) -> Option<&DnsServer> {
        None
    }
    /// What it sends is nobody's business but its own: it keeps something going that was there before, and who
    /// looks at what a command set going need not see it.
    fn housekeeping(&self) -> bool {
        false
    }
    /// A copy in the same state: the World is copied for snapshots.
    fn clone_box(&self) -> Box<dyn Program>;
}

impl Clone for Box<dyn Program> {
    fn clone(&self) -> Self {
        self.clone_box()
    }
}
