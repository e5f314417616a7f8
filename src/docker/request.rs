//! What can be asked of the engine, and what it answers.

use crate::guest::{Creds, MachineId};
use crate::stack::Pid;
use crate::wire::{Mac, Protocol};
use std::net::Ipv4Addr;

/// One `-p`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortSpec {
    /// Host address; None: 0.0.0.0 (and `[::]`).
    pub host_ip: Option<Ipv4Addr>,
    /// Host ports, first and last; None: a free one from 32768 up.
    pub host: Option<(u16, u16)>,
    /// Container ports, first and last. Where it is a range, `host` is None or as long.
    pub container: (u16, u16),
    /// tcp or udp.
    pub proto: Protocol,
}

/// A network that a container shall be attached to, and how: `--network`, with what
/// `--network-alias`, `--ip` and `--mac-address` say about the first one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EndpointSpec {
    /// Network name or id; `host`, `none`, `default`, `container:NAME`.
    pub network: String,
    /// Further names for the container in this network.
    pub aliases: Vec<String>,
    /// `--ip`, as given: the engine judges it.
    pub ip: Option<String>,
    /// `--mac-address`.
    pub mac: Option<Mac>,
    /// `--link` on a user-defined network: container, and what this one calls it.
    pub links: Vec<(String, String)>,
    /// The highest provides the default gateway (`--network name=N,gw-priority=1`).
    pub gw_priority: i64,
    /// `--link-local-ip`, as given: the engine judges them.
    pub link_local: Vec<String>,
    /// `driver-opt`: what the interface shall be called, settings of its own; others are kept and shown.
    pub driver_opts: Vec<(String, String)>,
}

impl From<&str> for EndpointSpec {
    /// An attachment with nothing but a name.
    fn from(network: &str) -> Self {
        Self { network: network.to_owned(), ..Self::default() }
    }
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
    /// `-i`.
    pub interactive: bool,
    /// `-t`.
    pub tty: bool,
    /// `--hostname`.
    pub hostname: Option<String>,
    /// `--domainname`.
    pub domainname: Option<String>,
    /// `--label`.
    pub labels: Vec<(String, String)>,
    /// `--sysctl`.
    pub sysctls: Vec<(String, String)>,
    /// `--network`, in order; empty: the default bridge.
    pub networks: Vec<EndpointSpec>,
    /// `-p`.
    pub publish: Vec<PortSpec>,
    /// `-P`.
    pub publish_all: bool,
    /// `--expose`.
    pub expose: Vec<(u16, Protocol)>,
    /// `-e`.
    pub env: Vec<(String, String)>,
    /// `--add-host`: name and address, or `host-gateway`.
    pub add_host: Vec<(String, String)>,
    /// `--dns`.
    pub dns: Vec<Ipv4Addr>,
    /// `--dns-search`.
    pub dns_search: Vec<String>,
    /// `--dns-option`.
    pub dns_options: Vec<String>,
    /// `--link` on the default bridge: container and alias.
    pub links: Vec<(String, String)>,
    /// `--restart`, as given. Accepted and shown; nothing here restarts by itself.
    pub restart: Option<String>,
    /// Flags that were given but change nothing here: the answer names them.
    pub ignored: Vec<String>,
    /// `--entrypoint`.
    pub entrypoint: Option<String>,
    /// So many words of the command belong to an image's entry point.
    pub entry_words: usize,
    /// `--cap-add`, as given.
    pub cap_add: Vec<String>,
    /// `--cap-drop`, as given.
    pub cap_drop: Vec<String>,
    /// `--privileged`.
    pub privileged: bool,
    /// `--user`; empty: root.
    pub user: String,
    /// `--workdir`; empty: `/`.
    pub workdir: String,
    /// `--env-file`: the client reads them, before the engine is asked.
    pub env_files: Vec<String>,
    /// `--init`: a small init is process 1, and passes signals on.
    pub init: bool,
    /// `--pull never`: an image that is not there is not asked for elsewhere.
    pub pull_never: bool,
    /// `--stop-signal`.
    pub stop_signal: Option<String>,
    /// Why the engine refuses the value of a flag that nothing here depends on.
    pub refused: Option<String>,
    /// Why a container with it is made but cannot start, and the exit status of who wants it to.
    pub unstartable: Option<(String, i32)>,
    /// `--pid container:NAME`: it has to be there.
    pub pid_of: Option<String>,
    /// `--platform`: an image for another one is not there.
    pub platform: Option<String>,
    /// `--cidfile`: the client writes the id into it, which must not be there before.
    pub cidfile: Option<String>,
    /// `--group-add`.
    pub groups: Vec<String>,
    /// It is a task of this service of the swarm; only the swarm makes such.
    pub service: Option<String>,
}

/// What the engine made of them.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecSetting {
    /// The exec's own id: whoever runs it says with it how it ended ([`super::Engine::exec_done`]).
    pub id: String,
    /// Additions to the environment.
    pub env: Vec<(String, String)>,
    /// Where the process begins.
    pub cwd: String,
    /// As whom.
    pub creds: Creds,
}

/// What `docker exec` may say about the process besides its words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExecOptions {
    /// `-e`.
    pub env: Vec<(String, String)>,
    /// `-u`.
    pub user: Option<String>,
    /// `-w`.
    pub workdir: Option<String>,
    /// `--privileged`.
    pub privileged: bool,
}

/// `docker network create`. Addresses are kept as typed: the engine says what is wrong with them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkCreate {
    /// Name.
    pub name: String,
    /// `--driver`; None: bridge.
    pub driver: Option<String>,
    /// `--subnet`.
    pub subnets: Vec<String>,
    /// `--gateway`.
    pub gateways: Vec<String>,
    /// `--ip-range`.
    pub ip_ranges: Vec<String>,
    /// `--aux-address`: name and address.
    pub aux_addresses: Vec<(String, String)>,
    /// `--ipv4=false`.
    pub no_ipv4: bool,
    /// `--internal`.
    pub internal: bool,
    /// `--attachable`.
    pub attachable: bool,
    /// `--scope`.
    pub scope: Option<String>,
    /// `--ipam-driver`, where it is not the default one.
    pub ipam_driver: Option<String>,
    /// `--ipam-opt`: kept and shown.
    pub ipam_options: Vec<(String, String)>,
    /// `--config-from`: no network here can be one to copy from, and the engine says so.
    pub config_from: Option<String>,
    /// `--ingress`.
    pub ingress: bool,
    /// `--opt`.
    pub options: Vec<(String, String)>,
    /// `--label`.
    pub labels: Vec<(String, String)>,
}

/// A request to the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// docker run.
    Run(RunSpec),
    /// docker create.
    Create(RunSpec),
    /// docker start NAME…
    Start {
        /** -a, -i */
        attach: bool,
        /** names or ids */
        names: Vec<String>,
    },
    /// docker stop [-t SECONDS] NAME…
    Stop {
        /** names or ids */
        names: Vec<String>,
        /** seconds to wait before it is killed */
        timeout: Option<i64>,
    },
    /// docker restart [-t SECONDS] NAME…
    Restart {
        /** names or ids */
        names: Vec<String>,
        /** seconds to wait before it is killed */
        timeout: Option<i64>,
    },
    /// docker kill [-s SIGNAL] NAME…
    Kill {
        /** names or ids */
        names: Vec<String>,
        /** `KILL`, `TERM`, `INT` */
        signal: Option<String>,
    },
    /// docker pause NAME…
    Pause {
        /** names or ids */
        names: Vec<String>,
    },
    /// docker unpause NAME…
    Unpause {
        /** names or ids */
        names: Vec<String>,
    },
    /// docker wait NAME…
    Wait {
        /** names or ids */
        names: Vec<String>,
    },
    /// docker rename NAME NEW
    Rename {
        /** name or id */
        name: String,
        /** its new name */
        new: String,
    },
    /// docker update --restart POLICY NAME…
    Update {
        /** the policy */
        restart: Option<String>,
        /** names or ids */
        names: Vec<String>,
    },
    /// docker container prune -f
    ContainerPrune {
        /** -f: without it one is asked first, which needs a terminal */
        force: bool,
    },
    /// docker ps [-a] [-q].
    Ps {
        /** -a */
        all: bool,
        /** -q */
        quiet: bool,
        /** --no-trunc */
        no_trunc: bool,
        /** --format */
        format: Option<String>,
        /** --filter KEY=VALUE */
        filters: Vec<(String, String)>,
        /** -n, -l: the last so many, in whatever state */
        last: Option<usize>,
    },
    /// docker rm [-f] NAME…
    Rm {
        /** -f */
        force: bool,
        /** --link: the names are links, which go; the containers stay */
        link: bool,
        /** names or ids */
        names: Vec<String>,
    },
    /// docker exec [-it] NAME COMMAND…
    Exec {
        /** name or id */
        name: String,
        /** -t */
        tty: bool,
        /** -d */
        detach: bool,
        /** -e, -u, -w, --privileged */
        with: ExecOptions,
        /** command */
        command: Vec<String>,
    },
    /// docker inspect [-f TEMPLATE] NAME…
    Inspect {
        /** template */
        format: Option<String>,
        /** --type: `container`, `network`, `image` */
        kind: Option<String>,
        /** names or ids */
        names: Vec<String>,
    },
    /// docker port NAME [PORT[/PROTO]]
    Port {
        /** name or id */
        name: String,
        /** container port */
        port: Option<String>,
    },
    /// docker logs NAME
    Logs {
        /** name or id */
        name: String,
        /** how much of it, and how */
        options: super::LogOptions,
    },
    /// docker attach NAME
    Attach {
        /** name or id */
        name: String,
    },
    /// docker events
    Events(super::EventOptions),
    /// docker cp SOURCE TARGET
    Copy(super::Copy),
    /// docker commit
    Commit(super::Commit),
    /// docker history IMAGE
    History {
        /** image */
        image: String,
        /** template */
        format: Option<String>,
        /** -q */
        quiet: bool,
        /** --no-trunc */
        no_trunc: bool,
    },
    /// docker diff NAME
    Diff {
        /** name or id */
        name: String,
    },
    /// docker export NAME
    Export {
        /** name or id */
        name: String,
        /** where it goes; else to standard output */
        output: Option<String>,
        /** where the client's paths begin */
        cwd: String,
    },
    /// docker images [-q]
    Images {
        /** -q */
        quiet: bool,
        /** --format */
        format: Option<String>,
        /** --filter KEY=VALUE */
        filters: Vec<(String, String)>,
        /** only those with such a name */
        pattern: Option<String>,
    },
    /// docker tag SOURCE TARGET
    Tag {
        /** image */
        source: String,
        /** its further name */
        target: String,
    },
    /// docker rmi [-f] IMAGE…
    Rmi {
        /** -f */
        force: bool,
        /** names */
        names: Vec<String>,
    },
    /// docker pull IMAGE
    Pull {
        /** image */
        image: String,
    },
    /// docker version [--format]
    Version {
        /** template */
        format: Option<String>,
    },
    /// docker info [--format]
    Info {
        /** template */
        format: Option<String>,
    },
    /// docker stats [--no-stream] [NAME…]
    Stats {
        /** -a */
        all: bool,
        /** --no-stream */
        once: bool,
        /** template */
        format: Option<String>,
        /** names or ids; empty: all that run */
        names: Vec<String>,
    },
    /// docker image prune -f
    ImagePrune {
        /** -f */
        force: bool,
    },
    /// docker top NAME [ps OPTIONS]
    Top {
        /** name or id */
        name: String,
        /** ps's */
        args: Vec<String>,
    },
    /// docker swarm, docker node, docker service.
    Swarm(super::SwarmRequest),
    /// docker network create.
    NetworkCreate(NetworkCreate),
    /// docker network ls [-q].
    NetworkLs {
        /** -q */
        quiet: bool,
        /** --no-trunc */
        no_trunc: bool,
        /** --format */
        format: Option<String>,
        /** --filter KEY=VALUE */
        filters: Vec<(String, String)>,
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
        /** -f: an absent one is no error */
        force: bool,
        /** names or ids */
        names: Vec<String>,
    },
    /// docker network connect [--ip IP] [--alias NAME] NETWORK CONTAINER
    NetworkConnect {
        /** the network and how */
        endpoint: EndpointSpec,
        /** name or id */
        container: String,
    },
    /// docker network disconnect NETWORK CONTAINER
    NetworkDisconnect {
        /** -f */
        force: bool,
        /** name or id */
        network: String,
        /** name or id */
        container: String,
    },
    /// docker network prune -f
    NetworkPrune {
        /** -f: without it one is asked first, which needs a terminal */
        force: bool,
        /** --filter KEY=VALUE */
        filters: Vec<(String, String)>,
    },
}

/// The engine's answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Response {
    /// For the terminal.
    pub stdout: String,
    /// Warnings and errors.
    pub stderr: String,
    /// What netpier remarks on it, beside docker's words.
    pub note: String,
    /// Exit status of the docker client.
    pub exit: i32,
    /// Run this in that machine, its output and status being the command's (exec, run without -d).
    pub attach: Option<Attach>,
}

impl Response {
    /// Success with this text on stdout.
    pub fn ok(stdout: impl Into<String>) -> Self {
        Self { stdout: stdout.into(), ..Self::default() }
    }
}

/// A process of a container to be attached to.
#[derive(Debug, Clone, PartialEq)]
pub enum Attach {
    /// The container's own process, already started. What it prints comes as effects of this
    /// process, and its exit status is the command's.
    Main(Pid),
    /// A shell is the container's own process (`docker run -it alpine`): the session runs it in
    /// `machine` and, when it ends, tells [`super::Engine::shell_done`].
    Shell {
        /// Where.
        machine: MachineId,
        /// What: `sh`, `bash`, with `-c …` or without.
        argv: Vec<String>,
        /// With a terminal.
        tty: bool,
        /// The process that stands for it.
        main: Pid,
    },
    /// A command to be run there by the session (`docker exec`).
    Command {
        /// Where.
        machine: MachineId,
        /// How.
        with: Box<ExecSetting>,
        /// What.
        argv: Vec<String>,
        /// With a terminal.
        tty: bool,
    },
}

/// A shell script that is the main process of a detached container (`docker run -d IMAGE sh -c …`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MainScript {
    /// Where it runs.
    pub machine: MachineId,
    /// The shell and its arguments.
    pub argv: Vec<String>,
    /// The process that stands for it ([`super::Engine::shell_done`] ends it).
    pub main: Pid,
}
