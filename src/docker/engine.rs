//! The engine of one host: what it keeps, and which part answers which request.

use super::containers::Containers;
use super::driver::Driver;
use super::follow::{Follower, Logged};
use super::image::Image;
use super::ipam::Ipam;
use super::names;
use super::noted::Noted;
use super::options::BridgeOptions;
use super::ports::PortAllocator;
use super::rules::{self, NetRules, Rule};
use super::upstream::Upstream;
use super::{DaemonConfig, EndpointSpec, MainScript, NetworkCreate, Request, Response, RunSpec};
use crate::guest::{Effect, Files, MachineId};
use crate::rng::Rng;
use crate::sim::World;
use crate::stack::{NsId, Pid, SocketId, UpperKind};
use crate::time::{Duration, Instant};
use crate::wire::{Ipv4Net, Mac, Protocol};
use std::net::{IpAddr, Ipv4Addr};

/// An engine's failure, in its words (`Error response from daemon: …`), with docker's exit status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EngineError {
    /// The text after `docker: ` or `Error response from daemon: `.
    pub message: String,
    /// What netpier remarks on it.
    pub note: String,
    /// 1, or 125 for `docker run`.
    pub exit: i32,
}

impl EngineError {
    /// A failure with exit status 1.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self::with_exit(message, 1)
    }
    /// A failure with this exit status.
    pub(super) fn with_exit(message: impl Into<String>, exit: i32) -> Self {
        Self { message: message.into(), note: String::new(), exit }
    }
}

/// A container's state (`State.Status` of `docker inspect`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerState {
    /// Not started yet.
    Created,
    /// Its first process runs.
    Running,
    /// Its processes are frozen.
    Paused,
    /// It ended, and its restart policy will start it again.
    Restarting {
        /// The exit status that it ended with.
        code: i32,
    },
    /// It ended, or was stopped.
    Exited {
        /// Exit status of its first process; 128 and the signal's number if it was killed.
        code: i32,
    },
}

impl ContainerState {
    /// Its processes exist: it runs, or is paused.
    pub fn is_up(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }
    /// The engine's word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting { .. } => "restarting",
            Self::Exited { .. } => "exited",
        }
    }
}

/// A link over the default bridge: it leads to a container, whatever that is called later.
#[derive(Debug, Clone)]
pub(super) struct Linked {
    /// The container's id.
    pub id: String,
    /// Its name; the last one, if it is gone.
    pub name: String,
    /// What the linking container calls it.
    pub alias: String,
}

/// A container's end in a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointInfo {
    /// Network name.
    pub network: String,
    /// Address with prefix length.
    pub addr: Ipv4Net,
    /// Gateway, where the network has one to offer.
    pub gateway: Option<Ipv4Addr>,
    /// MAC address.
    pub mac: Mac,
    /// Interface inside (`eth0`) and on the host (`veth…`).
    pub ifnames: (String, String),
    /// 64 hexadecimal digits.
    pub(super) id: String,
    /// Its network's id.
    pub(super) network_id: String,
    /// The rules that were written for it.
    pub(super) rules: Vec<Rule>,
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

/// A network that a container shall be on whenever it runs.
#[derive(Debug, Clone)]
pub(super) struct Attachment {
    /// As asked for.
    pub spec: EndpointSpec,
    /// The network's id, from the first time it was joined: a network of the same name that is
    /// made later is another one.
    pub network_id: Option<String>,
    /// `docker network connect` made it: the client then sends what it has nothing to say of, too.
    pub connected: bool,
}

/// What keeps a published port open on the host.
#[derive(Debug, Clone)]
pub(super) enum Holder {
    /// The userland proxy.
    Proxy(Pid),
    /// A socket of the engine's own, where there is no proxy.
    Socket(SocketId),
}

/// What was done for a published port.
#[derive(Debug, Clone)]
pub(super) struct Published {
    pub binding: PortBinding,
    pub rules: Vec<Rule>,
    pub holder: Option<Holder>,
}

/// The embedded DNS server of a container: a process of the engine in the container's namespace,
/// on a machine of its own, so that its zone file is not among the container's files.
#[derive(Debug, Clone)]
pub(super) struct Resolver {
    pub machine: MachineId,
    pub port: u16,
    pub pid: Pid,
    /// Whether it asks others.
    pub forwards: bool,
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
    pub(super) inner: Inner,
}

impl Container {
    /// `host`, `none`, `container:NAME` or the first network, as asked for.
    pub fn network_mode(&self) -> &str {
        self.inner.attachments.first().map_or("bridge", |a| a.spec.network.as_str())
    }
    /// Its end in docker_gwbridge: the way out of one whose networks have none.
    pub fn gateway_end(&self) -> Option<&EndpointInfo> {
        self.inner.gateway.as_ref()
    }
}

/// What is the engine's own business about a container.
#[derive(Debug, Clone)]
pub(super) struct Inner {
    pub spec: RunSpec,
    /// What it is made of, whatever its name means now.
    pub base: &'static Image,
    /// Command as `docker ps` shows it.
    pub command: Vec<String>,
    pub hostname: String,
    pub created: Instant,
    pub started: Option<Instant>,
    pub finished: Option<Instant>,
    /// The main process, while it runs.
    pub main: Option<Pid>,
    /// The one that ran last: its exit status may come in later.
    pub last_main: Option<Pid>,
    pub attachments: Vec<Attachment>,
    /// Id of the network through which the default route goes.
    pub gateway_network: Option<String>,
    /// Its end in docker_gwbridge, if it needs one.
    pub gateway: Option<EndpointInfo>,
    /// The service whose task it is.
    pub service: Option<String>,
    /// Its names were taken back; it is about to be stopped.
    pub withdrawn: bool,
    pub published: Vec<Published>,
    /// The network that it was made for (`HostConfig.NetworkMode`), whatever it joins or leaves later.
    pub mode: String,
    /// Its links over the default bridge.
    pub linked: Vec<Linked>,
    /// With the id of the container that each link leads to.
    pub link_rules: Vec<(String, Rule)>,
    pub resolver: Option<Resolver>,
    /// The lines about itself that the engine wrote into `/etc/hosts`.
    pub own_hosts: Vec<(Ipv4Addr, String)>,
    /// The address that it had last on each network that it has left: the network's id, the address,
    /// and the trace's record at which it went.
    pub left: Vec<(String, Ipv4Addr, u64)>,
    /// The `/etc/resolv.conf` that the engine wrote last; one that differs is the user's.
    pub resolv_conf: String,
    /// Exit status of a start that failed, and why.
    pub failed: Option<(i32, String)>,
    /// How often its policy started it again.
    pub restarts: u32,
    /// How long the policy waited last.
    pub delay: Option<Duration>,
    /// `docker stop` or `kill` ended it.
    pub stopped_by_hand: bool,
    /// What the main process printed.
    pub log: Vec<Logged>,
    /// The image that was made here and that it is made of, by its id.
    pub made: Option<String>,
    /// The files as its image gave them.
    pub origin: Files,
}

impl Inner {
    /// Keeps what the main process printed. The log is bounded: a program that talks for hours
    /// keeps its last words.
    pub fn keep(&mut self, at: Instant, err: bool, text: String) {
        self.log.push(Logged { at, err, text });
        if self.log.len() > 2000 {
            self.log.drain(..1000);
        }
    }
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
    pub(super) range: Option<Ipv4Net>,
    pub(super) created: Instant,
    pub(super) asked: NetworkCreate,
    pub(super) rules: Option<NetRules>,
    pub(super) mtu: u16,
    /// Of a bridge.
    pub(super) options: Option<BridgeOptions>,
    /// What its driver keeps.
    pub(super) driver_state: Driver,
}

impl Network {
    /// One of `bridge`, `host`, `none`.
    pub(super) fn predefined(&self) -> bool {
        predefined(&self.name)
    }
    /// Names are looked up in it.
    pub(super) fn has_dns(&self) -> bool {
        !matches!(self.driver.as_str(), "host" | "null") && self.name != "bridge"
    }
    /// What macvlan or ipvlan interfaces of this network stand on, and of which kind they are.
    pub fn parent(&self) -> Option<(&str, UpperKind)> {
        match &self.driver_state {
            Driver::Parent(parent) => Some((&parent.name, parent.kind)),
            _ => None,
        }
    }
    /// The VXLAN network identifier of an overlay network, but not of the routing mesh's own.
    pub fn vni(&self) -> Option<u32> {
        match self.driver_state {
            Driver::Overlay { vni, ingress: false } => Some(vni),
            _ => None,
        }
    }
    /// The largest packet that fits into it.
    pub fn mtu(&self) -> u16 {
        self.mtu
    }
    /// `--internal`.
    pub(super) fn internal(&self) -> bool {
        self.asked.internal
    }
}

/// True for the names of networks that are always there.
pub(super) fn predefined(name: &str) -> bool {
    matches!(name, "bridge" | "host" | "none" | "default")
}

/// Docker Engine 28 on one host.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(super) host: MachineId,
    pub(super) config: DaemonConfig,
    pub(super) containers: Containers,
    pub(super) networks: Vec<Network>,
    pub(super) ipam: Ipam,
    pub(super) ports: PortAllocator,
    /// The engine's own process on the host.
    pub(super) dockerd: Pid,
    /// Who waits for the end of which container (its id).
    pub(super) waiting: Vec<(Pid, String)>,
    /// Who follows whose log.
    pub(super) followers: Vec<Follower>,
    /// What it is in a swarm, if it is in one.
    pub(super) swarm: Option<Box<super::swarm::Member>>,
    /// What it did since it was last asked.
    pub(super) noted: Vec<Noted>,
    /// What it told of its doings.
    pub(super) events: super::events::Events,
    /// Names that `docker tag` gave, and their images.
    pub(super) tags: Vec<(String, &'static Image)>,
    /// Images that `docker commit` made, oldest first.
    pub(super) made: Vec<super::commit::Made>,
    /// Scripts that nobody runs yet ([`Engine::take_scripts`]).
    pub(super) scripts: Vec<MainScript>,
    /// How often something was drawn by lot.
    drawn: u64,
}

impl Engine {
    /// Starts the engine on `host`: docker0, ip_forward, the rules an empty engine writes.
    pub fn new(world: &mut World, host: MachineId) -> Self {
        Self::with_config(world, host, DaemonConfig::default())
    }
    /// As [`Engine::new`], with settings.
    pub fn with_config(world: &mut World, host: MachineId, config: DaemonConfig) -> Self {
        let dockerd = world.spawn(host, Box::new(Upstream::default()), false, false);
        let mut engine = Self {
            host,
            dockerd,
            config,
            containers: Containers::default(),
            networks: Vec::new(),
            ipam: Ipam::default(),
            ports: PortAllocator::new((32768, 60999)),
            waiting: Vec::new(),
            followers: Vec::new(),
            swarm: None,
            noted: Vec::new(),
            events: super::events::Events::default(),
            tags: Vec::new(),
            made: Vec::new(),
            scripts: Vec::new(),
            drawn: 0,
        };
        engine.start_up(world);
        engine.noted.clear();
        engine.events = super::events::Events::default();
        engine
    }

    fn start_up(&mut self, world: &mut World) {
        self.begin(world);
        self.make_predefined_networks(world);
    }

    /// What an engine does first: its chains, forwarding.
    pub(super) fn begin(&mut self, world: &mut World) {
        let ns = self.host_ns(world);
        if self.config.iptables {
            rules::engine_start(world, ns, &self.config);
        }
        self.forward(world);
        if let Some(range) = world.namespace(ns).map(|ns| ns.sysctl.port_range) {
            self.ports = PortAllocator::new(range);
        }
    }

    /// The host forwards, as with each network that is made. One that forwards already keeps its policy
    /// (setup_ip_forwarding.go).
    pub(super) fn forward(&self, world: &mut World) {
        if !self.config.ip_forward {
            return;
        }
        let ns = self.host_ns(world);
        let changed = world.with(ns, |ns, _| {
            let changed = !std::mem::replace(&mut ns.sysctl.ip_forward, true);
            if changed {
                ns.sysctl.forward_unlike.clear();
            }
            changed
        });
        if changed == Some(true) && self.config.iptables && !self.config.ip_forward_no_drop {
            rules::forward_drop(world, ns);
        }
    }

    /// The host's namespace.
    pub(super) fn host_ns(&self, world: &World) -> NsId {
        world.machine(self.host).map_or(NsId(0), |m| m.ns)
    }

    /// A stream for the next thing that is drawn by lot: what is drawn never depends on traffic.
    pub(super) fn rng(&mut self, world: &World, what: &str) -> Rng {
        self.drawn += 1;
        world.rng_for(&format!("docker {} {what} {}", self.host.0, self.drawn))
    }

    /// An id that neither a container nor a network has.
    pub(super) fn new_id(&mut self, world: &World, what: &str) -> String {
        names::id(&mut self.rng(world, what))
    }

    /// Carries out a request wholly or not at all. Errors are in the response's words and status,
    /// as the docker client shows them.
    pub fn request(&mut self, world: &mut World, request: &Request) -> Response {
        let now = world.now();
        match request {
            Request::Run(spec) => self.run(world, spec),
            Request::Create(spec) => self.docker_create(world, spec),
            Request::Start { attach: true, names } => self.docker_start_attached(world, names),
            Request::Start { names, .. } => self.docker_start(world, names),
            Request::Stop { names, .. } => self.each(names, |e, n| e.docker_stop(world, n)),
            Request::Restart { names, .. } => self.each(names, |e, n| e.docker_restart(world, n)),
            Request::Kill { names, signal } => {
                self.each(names, |e, n| e.docker_kill(world, n, signal.as_deref()))
            }
            Request::Rm { link: true, names, .. } => self.each(names, |e, n| e.remove_link(world, n)),
            Request::Rm { force, names, .. } => self.each(names, |e, n| e.docker_rm(world, n, *force)),
            Request::Pause { names } => self.each(names, |e, n| e.docker_pause(world, n)),
            Request::Unpause { names } => self.each(names, |e, n| e.docker_unpause(world, n)),
            Request::Rename { name, new } => self.docker_rename(world, name, new),
            Request::Update { restart, names } => {
                self.each(names, |e, n| e.docker_update(world, n, restart.as_deref()))
            }
            Request::Wait { names } => self.docker_wait(world, names),
            Request::ContainerPrune { force } => self.container_prune(world, *force),
            Request::Exec { name, tty, command, detach, with } => {
                self.docker_exec(world, name, (*tty, *detach), with, command)
            }
            Request::Ps { all, quiet, no_trunc, format, filters, last } => {
                self.ps(now, (*all, *quiet, *no_trunc), format.as_deref(), filters, *last)
            }
            Request::Inspect { format, kind, names } => {
                self.inspect(world, format.as_deref(), kind.as_deref(), names)
            }
            Request::Port { name, port } => self.port_response(name, port.as_deref()),
            Request::Logs { name, options } => self.logs(world, name, options),
            Request::Copy(copy) => self.docker_cp(world, copy),
            Request::Commit(commit) => self.docker_commit(world, commit),
            Request::History { image, format, quiet, no_trunc } => {
                self.docker_history(world, image, (*quiet, *no_trunc), format.as_deref())
            }
            Request::Diff { name } => self.docker_diff(world, name),
            Request::Export { name, output, cwd } => {
                self.docker_export(world, name, output.as_deref().map(|o| (cwd.as_str(), o)))
            }
            Request::Images { quiet, format, filters, pattern } => {
                self.images(now, *quiet, format.as_deref(), filters, pattern.as_deref())
            }
            Request::Attach { name } => self.docker_attach(world, name),
            Request::Events(options) => self.docker_events(world, options),
            Request::Tag { source, target } => self.docker_tag(world, source, target),
            Request::Rmi { force, names } => self.docker_rmi(world, names, *force),
            Request::Pull { image } => self.pull(world, image),
            Request::Version { format } => self.version(format.as_deref()),
            Request::Info { format } => self.info(world, format.as_deref()),
            Request::Stats { all, once, format, names } => {
                self.stats(world, (*all, *once), format.as_deref(), names)
            }
            Request::ImagePrune { force } => self.image_prune(world, *force),
            Request::Top { name, args } => self.top(world, name, args),
            // A lone engine: a session asks with its peers (super::request).
            Request::Swarm(_) => super::swarm::request(world, &mut [self], 0, request),
            Request::NetworkCreate(create) => reply(self.network_create(world, create)),
            Request::NetworkLs { quiet, no_trunc, format, filters } => {
                self.network_ls((*quiet, *no_trunc), format.as_deref(), filters)
            }
            Request::NetworkInspect { format, names } => self.network_inspect(format.as_deref(), names),
            Request::NetworkRm { force, names } => self.network_rm(world, names, *force),
            Request::NetworkConnect { endpoint, container } => {
                reply(self.network_connect(world, endpoint, container))
            }
            Request::NetworkDisconnect { network, container, force } => {
                reply(self.network_disconnect(world, network, (container, *force)))
            }
            Request::NetworkPrune { force, filters } => self.network_prune(world, *force, filters),
        }
    }

    /// Does `f` for each name; names that went well are printed, errors follow, as the client does.
    fn each(
        &mut self,
        names: &[String],
        mut f: impl FnMut(&mut Self, &str) -> Result<(), EngineError>,
    ) -> Response {
        let mut response = Response::default();
        for name in names {
            match f(self, name) {
                Ok(()) => response.stdout += &format!("{name}\n"),
                Err(e) => {
                    response.stderr += &format!("Error response from daemon: {e}\n");
                    response.exit = response.exit.max(e.exit);
                }
            }
        }
        response
    }

    /// A process ended; if it was a container's main process the container is now exited.
    pub fn on_exit(&mut self, world: &mut World, pid: Pid, code: i32) {
        self.main_exited(world, pid, code);
        self.swarm_heard(pid);
    }

    fn main_exited(&mut self, world: &mut World, pid: Pid, code: i32) {
        if let Some(i) = self.containers.iter().position(|c| c.inner.main == Some(pid)) {
            self.main_ended(world, i, code);
        } else if let Some(c) = self.containers.iter_mut().find(|c| c.inner.last_main == Some(pid)) {
            // It was stopped, and now says how it went.
            if let ContainerState::Exited { code: known } = &mut c.state {
                *known = code;
            }
            c.inner.last_main = None;
        }
    }

    /// A process printed something. True if it is a process that the engine started (a container's
    /// main process, whose output `docker logs` keeps, or one of the engine's own): then nobody
    /// else needs to look at it, except who is attached to it ([`super::Attach::Main`]).
    pub fn on_effect(&mut self, world: &mut World, pid: Pid, effect: &Effect) -> bool {
        let is_main = |c: &Container| c.inner.main == Some(pid) || c.inner.last_main == Some(pid);
        let (Effect::Out(text) | Effect::Err(text)) = effect;
        if let Some(i) = self.containers.iter().position(is_main) {
            self.printed(world, i, matches!(effect, Effect::Err(_)), text);
            return true;
        }
        if pid == self.dockerd
            && let Some(id) = text.strip_prefix("due ")
        {
            match id.trim_end().strip_prefix("events ") {
                Some(pid) => self.end_listening(world, pid),
                None => self.restart_due(world, id.trim_end()),
            }
            return true;
        }
        if self.carry_question(world, pid, text) {
            return true;
        }
        let mut published = self.containers.iter().flat_map(|c| &c.inner.published);
        published.any(|p| matches!(p.holder, Some(Holder::Proxy(h)) if h == pid))
    }

    /// All containers, oldest first.
    pub fn containers(&self) -> &[Container] {
        &self.containers
    }
    /// All networks, oldest first (bridge, host, none come first).
    pub fn networks(&self) -> &[Network] {
        &self.networks
    }
    /// By name or unambiguous id prefix.
    pub fn container(&self, name: &str) -> Option<&Container> {
        self.find(name).ok().map(|i| &self.containers[i])
    }

    /// The programs that the image of the container on `machine` has; None if it is no container
    /// of this engine, or has everything.
    pub fn tools(&self, machine: MachineId) -> Option<&'static [&'static str]> {
        let container = self.containers.iter().find(|c| c.machine == machine)?;
        container.inner.base.tools
    }

    /// Where a container is in the list.
    pub(super) fn find(&self, name: &str) -> Result<usize, EngineError> {
        let missing = || EngineError::new(format!("No such container: {name}"));
        let bare = name.strip_prefix('/').unwrap_or(name);
        let exact = self.containers.iter().position(|c| c.id == bare || c.name == bare);
        if let Some(i) = exact {
            return Ok(i);
        }
        if bare.is_empty() {
            return Err(missing());
        }
        let mut with_prefix = self.containers.iter().enumerate().filter(|(_, c)| c.id.starts_with(bare));
        match (with_prefix.next(), with_prefix.next()) {
            (Some((i, _)), None) => Ok(i),
            (Some(_), Some(_)) => {
                Err(EngineError::new(format!("multiple IDs found with provided prefix: {name}")))
            }
            (None, _) => Err(missing()),
        }
    }

    /// Where a network is in the list. `default` is the default bridge.
    pub(super) fn find_network(&self, name: &str) -> Result<usize, EngineError> {
        let wanted = if name == "default" { "bridge" } else { name };
        let exact = self.networks.iter().position(|n| n.id == wanted || n.name == wanted);
        let by_prefix = || {
            let mut all = self.networks.iter().enumerate().filter(|(_, n)| n.id.starts_with(wanted));
            match (all.next(), all.next()) {
                (Some((i, _)), None) if !wanted.is_empty() => Some(i),
                _ => None,
            }
        };
        exact.or_else(by_prefix).ok_or_else(|| EngineError::new(format!("network {name} not found")))
    }

    /// The network with this id.
    pub(super) fn network_by_id(&self, id: &str) -> Option<&Network> {
        self.networks.iter().find(|n| n.id == id)
    }
}

/// The response to a request that prints a line, or fails.
pub(super) fn reply(result: Result<String, EngineError>) -> Response {
    match result {
        Ok(stdout) => Response::ok(stdout),
        Err(e) => Response {
            stderr: format!("Error response from daemon: {e}\n"),
            note: e.note,
            exit: e.exit,
            ..Response::default()
        },
    }
}
