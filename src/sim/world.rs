//! The World and its parts: namespaces and machines.

use std::collections::{BTreeMap, VecDeque};

use super::Link;
use super::link::Plug;
use super::processes::Processes;
use super::queue::Queue;
use super::run::Event;
use crate::guest::{Creds, Effect, Files, MachineId, Names, Signal};
use crate::rng::Rng;
use crate::stack::{Cx, DevRef, NetNs, NsId, Output, PacketIds, Pid, StepLog};
use crate::time::Instant;

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
    /// Who its processes are, unless they are started as somebody else.
    pub creds: Creds,
    /// Where its processes begin: the working directory.
    pub cwd: String,
    /// Its processes stand still (the freezer of control groups); the kernel goes on.
    pub frozen: bool,
}

/// Everything that exists. Cloning it is a snapshot (mute the log first: [`StepLog::muted_twin`]).
#[derive(Debug, Clone)]
pub struct World {
    /// What happened so far.
    pub log: StepLog,
    pub(super) seed: u64,
    pub(super) now: Instant,
    pub(super) queue: Queue,
    pub(super) events_handled: u64,
    // Arenas; a number is never given twice.
    pub(super) namespaces: Vec<Option<NetNs>>,
    pub(super) machines: Vec<Option<Machine>>,
    pub(super) links: Vec<Option<Link>>,
    pub(super) processes: Processes,
    /// Their names, for the trace.
    pub(super) names: Names,
    /// By namespace and interface: what it is plugged into.
    pub(super) plugs: Vec<Vec<Option<Plug>>>,
    /// By device: those that stand on it.
    pub(super) uppers: BTreeMap<DevRef, Vec<DevRef>>,
    /// How deep devices are in one another's calls.
    pub(super) depth: u8,
    /// By access point: the stations that have joined.
    pub(super) air: BTreeMap<DevRef, Vec<Plug>>,
    /// Frames on links, and handed to devices above.
    pub(super) frames: u64,
    /// Those of them that are handed, on no link.
    pub(super) handed: u64,
    /// Packets that namespaces hold.
    pub(super) held: usize,
    /// Frames ever put on a link.
    pub(super) carried: u64,
    /// Processes somebody waits for.
    pub(super) foreground: usize,
    /// To be polled in this event.
    pub(super) ready: VecDeque<Pid>,
    /// For those above.
    pub(super) events: Vec<Event>,
    pub(super) ids: PacketIds,
    pub(super) link_rng: Rng,
    // Kept for their allocations.
    pub(super) out: Vec<Output>,
    pub(super) effects: Vec<Effect>,
}

impl World {
    /// An empty World.
    pub fn new(seed: u64) -> Self {
        Self {
            log: StepLog::default(),
            seed,
            now: Instant::ZERO,
            queue: Queue::default(),
            events_handled: 0,
            namespaces: Vec::new(),
            machines: Vec::new(),
            links: Vec::new(),
            processes: Processes::default(),
            names: Names::default(),
            plugs: Vec::new(),
            air: BTreeMap::new(),
            uppers: BTreeMap::new(),
            depth: 0,
            frames: 0,
            handed: 0,
            held: 0,
            carried: 0,
            foreground: 0,
            ready: VecDeque::new(),
            events: Vec::new(),
            ids: PacketIds::default(),
            link_rng: Rng::new(seed).fork("links"),
            out: Vec::new(),
            effects: Vec::new(),
        }
    }

    /// Virtual time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// What all that is random is drawn from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// A random stream for `purpose`, independent of traffic.
    pub fn rng_for(&self, purpose: &str) -> Rng {
        Rng::new(self.seed).fork(purpose)
    }

    /// A new namespace with only `lo`.
    pub fn add_namespace(&mut self) -> NsId {
        let id = NsId(self.namespaces.len() as u32);
        let rng = self.rng_for(&format!("namespace {}", id.0));
        self.namespaces.push(Some(NetNs::new(id, rng)));
        id
    }

    /// Removes a namespace with its devices; the veth ends elsewhere go too. What it held is
    /// dropped, its machines are removed.
    pub fn remove_namespace(&mut self, id: NsId) {
        let machines: Vec<MachineId> =
            self.machines.iter().flatten().filter(|m| m.ns == id).map(|m| m.id).collect();
        for machine in machines {
            self.remove_machine(machine);
        }
        let devices: Vec<DevRef> = match self.namespace(id) {
            Some(ns) => ns.devices().skip(1).map(|d| DevRef { ns: id, dev: d.index }).collect(),
            None => return,
        };
        for device in devices {
            // A device may have gone with its peer a moment ago.
            self.delete_device(device).ok();
        }
        self.with(id, |ns, cx| ns.drop_held(cx));
        self.namespaces[id.0 as usize] = None;
    }

    /// A namespace, for reading.
    pub fn namespace(&self, id: NsId) -> Option<&NetNs> {
        self.namespaces.get(id.0 as usize)?.as_ref()
    }

    /// All namespaces, by number.
    pub fn namespaces(&self) -> Box<dyn Iterator<Item = &NetNs> + '_> {
        Box::new(self.namespaces.iter().flatten())
    }

    /// Changes a namespace; what it puts out is carried out, and processes that it wakes are
    /// polled. None if there is no such namespace.
    pub fn with<R>(&mut self, id: NsId, f: impl FnOnce(&mut NetNs, &mut Cx<'_>) -> R) -> Option<R> {
        let result = self.with_raw(id, f)?;
        self.settle();
        Some(result)
    }

    /// A new machine in `ns`.
    pub fn add_machine(&mut self, ns: NsId, hostname: &str) -> MachineId {
        let id = MachineId(self.machines.len() as u32);
        let hostname = hostname.to_owned();
        self.machines.push(Some(Machine {
            id,
            ns,
            hostname,
            files: Files::default(),
            env: Vec::new(),
            creds: Creds::default(),
            cwd: "/".to_owned(),
            frozen: false,
        }));
        id
    }

    /// Removes a machine; its processes are killed.
    pub fn remove_machine(&mut self, id: MachineId) {
        let pids: Vec<Pid> = self.processes().filter(|p| p.machine == id).map(|p| p.pid).collect();
        for pid in pids {
            self.signal(pid, Signal::Kill);
        }
        if let Some(slot) = self.machines.get_mut(id.0 as usize) {
            *slot = None;
        }
    }

    /// A machine.
    pub fn machine(&self, id: MachineId) -> Option<&Machine> {
        self.machines.get(id.0 as usize)?.as_ref()
    }

    /// A machine, to change its files and environment.
    pub fn machine_mut(&mut self, id: MachineId) -> Option<&mut Machine> {
        self.machines.get_mut(id.0 as usize)?.as_mut()
    }
}
