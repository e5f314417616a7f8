//! The World and its event loop.

use crate::guest::{Effect, Files, MachineId, Program, Signal};
use crate::stack::{ConfigError, Cx, DevRef, NetNs, NsId, Pid, StepLog};
use crate::time::{Duration, Instant};
use crate::wire::{IfIndex, IfName, Mac};

/// A link of the World.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u32);

/// How a link behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkSpec {
    /// One way.
    pub latency: Duration,
    /// Frames lost, in thousandths.
    pub loss_per_mille: u16,
    /// Whether it carries anything.
    pub up: bool,
}

impl LinkSpec {
    /// A cable at home: 50 µs.
    pub const CABLE: Self = Self { latency: Duration::from_micros(50), loss_per_mille: 0, up: true };
    /// A veth pair: 2 µs.
    pub const VETH: Self = Self { latency: Duration::from_micros(2), loss_per_mille: 0, up: true };
}

/// A link between two devices: a cable, or a veth pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// One end.
    pub a: DevRef,
    /// The other.
    pub b: DevRef,
    /// How it behaves.
    pub spec: LinkSpec,
}

/// A place where programs run.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Its number.
    pub id: MachineId,
    /// Its network namespace.
    pub ns: NsId,
    /// Its host name.
    pub hostname: String,
    /// Its files.
    pub files: Files,
    /// Its environment.
    pub env: Vec<(String, String)>,
}

/// A running program.
#[derive(Debug, Clone)]
pub struct Process {
    /// Its number.
    pub pid: Pid,
    /// Where it runs.
    pub machine: MachineId,
    /// Its name.
    pub name: String,
    /// Somebody waits for its end (a command in a terminal), so the World is not quiet before.
    pub foreground: bool,
}

/// What the World tells those above.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A program printed, or asked for something.
    Effect(Pid, Effect),
    /// A program ended.
    Exited(Pid, i32),
}

/// Why [`World::run`] came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is under way but housekeeping: no foreground process, no frame.
    Quiet,
    /// The time limit was reached.
    Time,
    /// The event budget was used up; there is more to do.
    Budget,
    /// There are [`Event`]s to take ([`World::take_events`]) that those above must see first.
    Events,
}

/// Everything that exists. Cloning it is a snapshot (mute the log first: [`StepLog::muted_twin`]).
#[derive(Debug, Clone)]
pub struct World {
    /// What happened so far.
    pub log: StepLog,
}

impl World {
    /// An empty World.
    pub fn new(_seed: u64) -> Self {
        todo!()
    }
    /// Virtual time.
    pub fn now(&self) -> Instant {
        todo!()
    }
    /// A random stream for `purpose`, independent of traffic.
    pub fn rng_for(&self, _purpose: &str) -> crate::rng::Rng {
        todo!()
    }

    // ---- namespaces and machines

    /// A new namespace with only `lo`.
    pub fn add_namespace(&mut self) -> NsId {
        todo!()
    }
    /// Removes a namespace with its devices; the veth ends elsewhere go too.
    pub fn remove_namespace(&mut self, _ns: NsId) {
        todo!()
    }
    /// A namespace, for reading.
    pub fn namespace(&self, _ns: NsId) -> Option<&NetNs> {
        todo!()
    }
    /// All namespaces, by number.
    pub fn namespaces(&self) -> Box<dyn Iterator<Item = &NetNs> + '_> {
        todo!()
    }
    /// Changes a namespace; what it puts out is carried out. None if there is no such namespace.
    pub fn with<R>(&mut self, _ns: NsId, _f: impl FnOnce(&mut NetNs, &mut Cx<'_>) -> R) -> Option<R> {
        todo!()
    }
    /// A new machine in `ns`.
    pub fn add_machine(&mut self, _ns: NsId, _hostname: &str) -> MachineId {
        todo!()
    }
    /// Removes a machine; its processes are killed.
    pub fn remove_machine(&mut self, _m: MachineId) {
        todo!()
    }
    /// A machine.
    pub fn machine(&self, _m: MachineId) -> Option<&Machine> {
        todo!()
    }
    /// A machine, to change its files and environment.
    pub fn machine_mut(&mut self, _m: MachineId) -> Option<&mut Machine> {
        todo!()
    }

    // ---- links

    /// Plugs a cable into two Ethernet devices; both get carrier.
    ///
    /// # Errors
    /// `NoDevice`, `Busy` if one already has a cable.
    pub fn plug(&mut self, _a: DevRef, _b: DevRef, _spec: LinkSpec) -> Result<LinkId, ConfigError> {
        todo!()
    }
    /// Pulls a cable out; frames on it are lost (`LinkDown`).
    pub fn unplug(&mut self, _link: LinkId) {
        todo!()
    }
    /// Changes a link.
    pub fn set_link(&mut self, _link: LinkId, _spec: LinkSpec) {
        todo!()
    }
    /// All links with their numbers.
    pub fn links(&self) -> Box<dyn Iterator<Item = (LinkId, &Link)> + '_> {
        todo!()
    }
    /// A veth pair: (namespace, name, MAC) of each end. Both are down.
    ///
    /// # Errors
    /// `Exists`; nothing is made then.
    pub fn add_veth(
        &mut self,
        _a: (NsId, IfName, Mac),
        _b: (NsId, IfName, Mac),
    ) -> Result<(IfIndex, IfIndex), ConfigError> {
        todo!()
    }
    /// Deletes a device; a veth's other end goes with it.
    ///
    /// # Errors
    /// `NoDevice`.
    pub fn delete_device(&mut self, _dev: DevRef) -> Result<(), ConfigError> {
        todo!()
    }
    /// Moves a device (one veth end) into another namespace under a new name, down, keeping its MAC.
    ///
    /// # Errors
    /// `NoDevice`, `Exists`.
    pub fn move_device(&mut self, _dev: DevRef, _ns: NsId, _name: IfName) -> Result<IfIndex, ConfigError> {
        todo!()
    }

    // ---- processes

    /// Starts a program; it is polled at once, within this call's moment.
    pub fn spawn(
        &mut self,
        _machine: MachineId,
        _program: Box<dyn Program>,
        _foreground: bool,
        _tty: bool,
    ) -> Pid {
        todo!()
    }
    /// Sends a signal.
    pub fn signal(&mut self, _pid: Pid, _signal: Signal) {
        todo!()
    }
    /// Gives a process input; `close`: and no more after it.
    pub fn write_stdin(&mut self, _pid: Pid, _text: &str, _close: bool) {
        todo!()
    }
    /// A process, while it runs.
    pub fn process(&self, _pid: Pid) -> Option<&Process> {
        todo!()
    }
    /// All running processes.
    pub fn processes(&self) -> Box<dyn Iterator<Item = &Process> + '_> {
        todo!()
    }

    // ---- running

    /// Runs until `until`, or `max_events` were handled, or it is quiet, or there are events to take.
    pub fn run(&mut self, _until: Instant, _max_events: u64) -> Progress {
        todo!()
    }
    /// What those above must see, in order.
    pub fn take_events(&mut self) -> Vec<Event> {
        todo!()
    }
    /// How many events were handled since the beginning.
    pub fn events_handled(&self) -> u64 {
        todo!()
    }
    /// Packets under way: on links and held in namespaces. Conservation:
    /// `sent + copied == delivered + dropped + in_flight`.
    pub fn in_flight(&self) -> u64 {
        todo!()
    }
}
