//! The one table of commands and flags. Parser, help, completion and "did you mean" read it.
//!
//! Texts of commands and flags are those that the docker client prints in `--help`.

use super::run_flags::{CONTAINER, RUN_ONLY};

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// Nothing, or `=true`/`=false`.
    Bool,
    /// One value; the word is what `--help` calls it (`string`, `list`, `int`).
    Value(&'static str),
}

/// What a flag does here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    /// What it does in Docker.
    Works,
    /// It is taken, but nothing here depends on it; the answer says so.
    Nothing,
    /// It cannot be had here; the text says what can.
    Refused(&'static str),
}

/// A flag.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flag {
    /// Long name, without the dashes.
    pub name: &'static str,
    /// Short name.
    pub short: Option<char>,
    /// What it takes.
    pub takes: Takes,
    /// What it does here.
    pub does: Does,
    /// Its line of help; empty: hidden (an older spelling).
    pub help: &'static str,
}

/// How many arguments a command takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    Exactly(usize),
    AtLeast(usize),
    Between(usize, usize),
}

/// Which request a command makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Makes {
    Run,
    Create,
    Start,
    Stop,
    Restart,
    Kill,
    Pause,
    Unpause,
    Wait,
    Rename,
    Update,
    ContainerPrune,
    Ps,
    Rm,
    Exec,
    Inspect,
    Port,
    Logs,
    Events,
    Commit,
    Copy,
    Diff,
    Export,
    History,
    Images,
    Tag,
    Rmi,
    ImageInspect,
    ContainerInspect,
    Attach,
    Pull,
    Version,
    Info,
    Top,
    Stats,
    ImagePrune,
    NetworkCreate,
    NetworkLs,
    NetworkInspect,
    NetworkRm,
    NetworkConnect,
    NetworkDisconnect,
    NetworkPrune,
    Swarm(SwarmWord),
    /// It is not here; the text says what comes nearest.
    Absent(&'static str),
}

/// The commands of `swarm`, `node` and `service`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SwarmWord {
    Init,
    Join,
    Leave,
    JoinToken,
    Update,
    UnlockKey,
    Unlock,
    NodeLs,
    NodeInspect,
    NodeRm,
    NodePs,
    Promote,
    Demote,
    NodeUpdate,
    ServiceCreate,
    ServiceLs,
    ServicePs,
    ServiceInspect,
    ServiceScale,
    ServiceUpdate,
    ServiceRollback,
    ServiceRm,
    ServiceLogs,
}

/// What kind of name a place of the command line takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// Anything: nothing is offered.
    Nothing,
    /// A container's name or id.
    Container,
    /// A network's.
    Network,
    /// An image's.
    Image,
}

/// A command.
#[derive(Debug, Clone, Copy)]
pub(super) struct Command {
    /// Its words after `docker`.
    pub path: &'static [&'static str],
    /// What follows them in its usage line.
    pub usage: &'static str,
    /// One line of help.
    pub help: &'static str,
    /// Other full spellings.
    pub aliases: &'static [&'static [&'static str]],
    /// Arguments.
    pub count: Count,
    /// Flags may stand after the first argument.
    pub interspersed: bool,
    /// Kinds of name its arguments take; the last repeats.
    pub wants: &'static [Wants],
    /// Its flags.
    pub flags: &'static [&'static [Flag]],
    /// Its request.
    pub makes: Makes,
}

impl Command {
    /// All its flags.
    pub fn flags(&self) -> impl Iterator<Item = &'static Flag> + Clone {
        self.flags.iter().flat_map(|group| group.iter())
    }
}

pub(super) const fn on(name: &'static str, short: Option<char>, help: &'static str) -> Flag {
    Flag { name, short, takes: Takes::Bool, does: Does::Works, help }
}
pub(super) const fn val(
    name: &'static str,
    short: Option<char>,
    word: &'static str,
    help: &'static str,
) -> Flag {
    Flag { name, short, takes: Takes::Value(word), does: Does::Works, help }
}
/// A flag with a value that changes nothing here.
pub(super) const fn idle(
    name: &'static str,
    short: Option<char>,
    word: &'static str,
    help: &'static str,
) -> Flag {
    Flag { name, short, takes: Takes::Value(word), does: Does::Nothing, help }
}
/// A switch that changes nothing here.
pub(super) const fn idle_on(name: &'static str, short: Option<char>, help: &'static str) -> Flag {
    Flag { name, short, takes: Takes::Bool, does: Does::Nothing, help }
}
pub(super) const fn no(
    name: &'static str,
    short: Option<char>,
    takes: Takes,
    instead: &'static str,
    help: &'static str,
) -> Flag {
    Flag { name, short, takes, does: Does::Refused(instead), help }
}

const TIMEOUT: &[Flag] = &[
    idle("signal", Some('s'), "string", "Signal to send to the container"),
    val("timeout", Some('t'), "int", "Seconds to wait before killing the container"),
    val("time", None, "int", ""),
];

/// What a template may be (docker/cli, cli/flags/options.go, InspectFormatHelp and FormatHelp).
const ONE_HELP: &str = "Format output using a custom template:\n\
    'json':             Print in JSON format\n\
    'TEMPLATE':         Print output using the given Go template.\n\
    Refer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates";
pub(super) const LIST_HELP: &str = "Format output using a custom template:\n\
    'table':            Print output in table format with column headers (default)\n\
    'table TEMPLATE':   Print output in table format using the given Go template\n\
    'json':             Print in JSON format\n\
    'TEMPLATE':         Print output using the given Go template.\n\
    Refer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates";
const FORMAT_F: Flag = val("format", Some('f'), "string", ONE_HELP);
const FORMAT: Flag = val("format", None, "string", LIST_HELP);
const FILTER: Flag = val("filter", Some('f'), "filter", "Filter output based on conditions provided");
const NO_TRUNC: Flag = on("no-trunc", None, "Don't truncate output");

const ONE_OR_MORE: Count = Count::AtLeast(1);
const CONTAINERS: &[Wants] = &[Wants::Container];
const NETWORKS: &[Wants] = &[Wants::Network];
const IMAGES: &[Wants] = &[Wants::Image];
const NO_NAME: &[Wants] = &[Wants::Nothing];

/// Every command that is known here, in the order of `docker --help`.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        path: &["run"],
        usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
        help: "Create and run a new container from an image",
        aliases: &[&["container", "run"]],
        count: ONE_OR_MORE,
        interspersed: false,
        wants: &[Wants::Image, Wants::Nothing],
        flags: &[RUN_ONLY, CONTAINER],
        makes: Makes::Run,
    },
    Command {
        path: &["exec"],
        usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
        help: "Execute a command in a running container",
        aliases: &[&["container", "exec"]],
        count: Count::AtLeast(2),
        interspersed: false,
        wants: &[Wants::Container, Wants::Nothing],
        flags: &[&[
            on("detach", Some('d'), "Detached mode: run command in the background"),
            val("env", Some('e'), "list", "Set environment variables"),
            on("interactive", Some('i'), "Keep STDIN open even if not attached"),
            on("privileged", None, "Give extended privileges to the command"),
            on("tty", Some('t'), "Allocate a pseudo-TTY"),
            val("user", Some('u'), "string", "Username or UID (format: \"<name|uid>[:<group|gid>]\")"),
            val("workdir", Some('w'), "string", "Working directory inside the container"),
        ]],
        makes: Makes::Exec,
    },
    Command {
        path: &["ps"],
        usage: "[OPTIONS]",
        help: "List containers",
        aliases: &[&["container", "ls"], &["container", "list"], &["container", "ps"]],
        count: Count::Exactly(0),
        interspersed: true,
        wants: NO_NAME,
        flags: &[&[
            on("all", Some('a'), "Show all containers (default shows just running)"),
            FILTER,
            FORMAT,
            NO_TRUNC,
            val("last", Some('n'), "int", "Show n last created containers (includes all states)"),
            on("latest", Some('l'), "Show the latest created container (includes all states)"),
            on("quiet", Some('q'), "Only display container IDs"),
        ]],
        makes: Makes::Ps,
    },
    Command {
        path: &["attach"],
        usage: "[OPTIONS] CONTAINER",
        help: "Attach local standard input, output, and error streams to a running container",
        aliases: &[&["container", "attach"]],
        count: Count::Exactly(1),
        interspersed: true,
        wants: CONTAINERS,
        flags: &[&[
            idle("detach-keys", None, "string", "Override the key sequence for detaching a container"),
            idle_on("no-stdin", None, "Do not attach STDIN"),
            idle_on("sig-proxy", None, "Proxy all received signals to the process (default true)"),
        ]],
        makes: Makes::Attach,
    },
    Command {
        path: &["create"],
        usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
        help: "Create a new container",
        aliases: &[&["container", "create"]],
        count: ONE_OR_MORE,
        interspersed: false,
        wants: &[Wants::Image, Wants::Nothing],
        flags: &[CONTAINER],
        makes: Makes::Create,
    },
    Command {
        path: &["events"],
        usage: "[OPTIONS]",
        help: "Get real time events from the server",
        aliases: &[&["system", "events"]],
        count: Count::Exactly(0),
        interspersed: true,
        wants: NO_NAME,
        flags: &[&[
            FILTER,
            val("format", None, "string", ONE_HELP),
            val("since", None, "string", "Show all events created since timestamp"),
            val("until", None, "string", "Stream events until this timestamp"),
        ]],
        makes: Makes::Events,
    },
    Command {
        path: &["images"],
        usage: "[OPTIONS] [REPOSITORY[:TAG]]",
        help: "List images",
        aliases: &[&["image", "ls"], &["image", "list"]],
        count: Count::Between(0, 1),
        interspersed: true,
        wants: &[Wants::Image],
        flags: &[&[
            idle_on("all", Some('a'), "Show all images (default hides intermediate images)"),
            FILTER,
            FORMAT,
            on("quiet", Some('q'), "Only show image IDs"),
        ]],
        makes: Makes::Images,
    },
    Command {
        path: &["info"],
        usage: "[OPTIONS]",
        help: "Display system-wide information",
        aliases: &[&["system", "info"]],
        count: Count::Exactly(0),
        interspersed: true,
        wants: NO_NAME,
        flags: &[&[FORMAT_F]],
        makes: Makes::Info,
    },
    Command {
        path: &["inspect"],
        usage: "[OPTIONS] NAME|ID [NAME|ID...]",
        help: "Return low-level information on Docker objects",
        aliases: &[],
        count: ONE_OR_MORE,
        interspersed: true,
        wants: CONTAINERS,
        flags: &[&[
            FORMAT_F,
            idle_on("size", Some('s'), "Display total file sizes if the type is container"),
            val("type", None, "string", "Only inspect objects of the given type"),
        ]],
        makes: Makes::Inspect,
    },
    Command {
        path: &["container", "inspect"],
        usage: "[OPTIONS] CONTAINER [CONTAINER...]",
        help: "Display detailed information on one or more containers",
        aliases: &[],
        count: ONE_OR_MORE,
        interspersed: true,
        wants: CONTAINERS,
        flags: &[&[FORMAT_F, idle_on("size", Some('s'), "Display total file sizes")]],
        makes: Makes::ContainerInspect,
    },
    Command {
        path: &["kill"],
        usage: "[OPTIONS] CONTAINER [CONTAINER...]",
        help: "Kill one or more running containers",
        aliases: &[&["container", "kill"]],
        count: ONE_OR_MORE,
        interspersed: true,
        wants: CONTAINERS,
        flags: &[&[val("signal", Some('s'), "string", "Signal to send to the container")]],
        makes: Makes::Kill,
    },
    Command {
        path: &["logs"],
        usage: "[OPTIONS] CONTAINER",
        help: "Fetch the logs of a container",
        aliases: &[&["container", "logs"]],
        count: Count::Exactly(1),
        interspersed: true,
        wants: CONTAINERS,
        flags: &[&[
            idle_on("details", None, "Show extra details provided to logs"),
            on("follow", Some('f'), "Follow log output"),
            val(
                "since",
                None,
                "string",
                "Show logs since timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\" for 42 minutes)",
            ),
            on("timestamps", Some('t'), "Show timestamps"),
            val(
                "until",
                None,
                "string",
                "Show logs before a timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\" for 42 minutes)",
            ),
            val("tail", Some('n'), "string", "Number of lines to show from the end of the logs"),
        ]],
        makes: Makes::Logs,
    },
    Command {
        path: &["pause"],
        usage: "CONTAINER [CONTAINER...]",
        help: "Pause all processes within one or more containers",
        aliases: &[&["container", "pause"]],
        count: ONE_OR_MORE,
        interspersed: true,
        wants: CONTAINERS,
        flags: &[],
        makes: Makes::Pause,
    },
    Command {
        path: &["port"],
        usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
        help: "List port mappings or a specific mapping for the container",
        aliases: &[&["container", "port"]],
        count: Count::Between(1, 2),
        interspersed: true,
        wants: &[Wants::Container, Wants::Nothing],
        flags: &[],
        makes: Makes::Port,
    },
    Command {
        path: &["pull"],
        usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
        help: "Download an image from a registry",
        aliases: &[&["image", "pull"]],
        count: Count::Exactly(1),
        interspersed: true,
        wants: &[Wants::Image],
        flags: &[&[idle_on("quiet", Some('q'), "Suppress verbose output")]],
        makes: Makes::Pull,
    },
    Command {
        path: &["rename"],
        usage: "CONTAINER NEW_NAME",
        help: "Rename a container",
        aliases: &[&["container", "rename"]],
        count: Count::Exactly(2),
        interspersed: true,
        wants: &[Wants::Container, Wants::Nothing],
        flags: &[],
        makes: Makes::Rename,
    },
    Command {
        path: &["restart"],
        usage: "[OPTIONS] CONTAINER [CONTAINER...]",
        help: "Restart one or more containers",
        aliases: &[&["container", "restart"]],
        count: ONE_OR_MORE,
        interspersed: true,
        wants: CONTAINERS,
        flags: &[TIMEOUT],
        makes: Makes::Restart,
    },
    Command {
        path: &["rm"],
        usage: "[OPTIONS] CONTAINER [CONTAINER...]",
        help: "Remove one or more containers",
        aliases: &[&["container", "rm"], &["container", "remove"]],
        count: ONE_OR_MORE,
        interspersed: true,
        wants: CONTAINERS,
        flags: &[&[
            on("force", Some('f'), "Force the removal of a running container (uses SIGKILL)"),
            on("link", Some('l'), "Remove the specified link"),
            idle_on("volumes", Some('v'), "Remove anonymous volumes associated with the container"),
        ]],
        makes: Makes::Rm,
    },
    Command {
        path: &["rmi"],
        usage: "[OPTIONS] IMAGE [IMAGE...]",
        help: "Remove one or more images",
        aliases: &[&["image", "rm"], &["image", "remove"]],
        count: ONE_OR_MORE,
        interspersed: true,
        wants: IMAGES,
        flags: &[&[
            on("force", Some('f'), "Force removal of the image"),
            idle_on("no-prune", None, "Do not delete untagged parents"),
        ]],
        makes: Makes::Rmi,
    },
    Command {
        path: &["start"],
        usage: "[OPTIONS] CONTAINER [CONTAINER...]",
        help: "Start one or more stopped containers",
        aliases: &[&["container", "start"]],
        count: ONE_OR_MORE,
        interspersed: true,
        wants: CONTAINERS,
        flags: &[&[
            on("attach", Some('a'), "Attach STDOUT/STDERR and forward signals"),
            on("interactive", Some('i'), "Attach container's STDIN"),
        ]],
        makes: Makes::Start,
    },
    Command {
        path: &["stats"],
        usage: "[OPTIONS] [CONTAINER...]",
        help: "Display a live stream of container(s) resource usage statistics",
        aliases: &[&["container", "stats"]],
        count: Count::AtLeast(0),
        interspersed: true,
        wants: CONTAINERS,
        flags: &[&[
            on("all", Some('a'), "Show all containers (default shows just running)"),
            FORMAT,
            on("no-stream", None, "Disable streaming stats and only pull the first result"),
            idle_on("no-trunc", None, "Do not truncate output"),
        ]],
        makes: Makes::Stats,
    },
    Command {
        path: &["stop"],
        usage: "[OPTIONS] CONTAINER [CONTAINER...]",
        help: "Stop one or more running containers",
        aliases: &[&["container", "stop"]],
        count: ONE_OR_MORE,
        interspersed: true,
        wants: CONTAINERS,
        flags: &[TIMEOUT],
        makes: Makes::Stop,
    },
    Command {
        path: &["tag"],
        usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
        help: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
        aliases: &[&["image", "tag"]],
        count: Count::Exactly(2),
        interspersed: true,
        wants: &[Wants::Image, Wants::Nothing],
        flags: &[],
        makes: Makes::Tag,
    },
    Command {
        path: &["top"],
        usage: "CONTAINER [ps OPTIONS]",
        help: "Display the running processes of a container",
        aliases: &[&["container", "top"]],
        count: ONE_OR_MORE,
        interspersed: false,
        wants: &[Wants::Container, Wants::Nothing],
        flags: &[],
        makes: Makes::Top,
    },
    Command {
        path: &["unpause"],
        usage: "CONTAINER [CONTAINER...]",
        help: "Unpause all processes within one or more containers",
        aliases: &[&["container", "unpause"]],
        count: ONE_OR_MORE,
        interspersed: true,
        wants: CONTAINERS,
        flags: &[],
        makes: Makes::Unpause,
    },
    Command {
        path: &["update"],
        usage: "[OPTIONS] CONTAINER [CONTAINER...]",
        help: "Update configuration of one or more containers",
        aliases: &[&["container", "update"]],
        count: ONE_OR_MORE,
        interspersed: true,
        wants: CONTAINERS,
        flags: &[&[
            val("restart", None, "string", "Restart policy to apply when a container exits"),
            idle("cpus", None, "decimal", "Number of CPUs"),
            idle("memory", Some('m'), "bytes", "Memory limit"),
        ]],
        makes: Makes::Update,
    },
    Command {
        path: &["version"],
        usage: "[OPTIONS]",
        help: "Show the Docker version information",
        aliases: &[],
        count: Count::Exactly(0),
        interspersed: true,
        wants: NO_NAME,
        flags: &[&[FORMAT_F]],
        makes: Makes::Version,
    },
    Command {
        path: &["wait"],
        usage: "CONTAINER [CONTAINER...]",
        help: "Block until one or more containers stop, then print their exit codes",
        aliases: &[&["container", "wait"]],
        count: ONE_OR_MORE,
        interspersed: true,
        wants: CONTAINERS,
        flags: &[],
        makes: Makes::Wait,
    },
    Command {
        path: &["container", "prune"],
        usage: "[OPTIONS]",
        help: "Remove all stopped containers",
        aliases: &[],
        count: Count::Exactly(0),
        interspersed: true,
        wants: NO_NAME,
        flags: &[&[
            idle("filter", None, "filter", "Provide filter values (e.g. \"until=<timestamp>\")"),
            on("force", Some('f'), "Do not prompt for confirmation"),
        ]],
        makes: Makes::ContainerPrune,
    },
    Command {
        path: &["image", "inspect"],
        usage: "[OPTIONS] IMAGE [IMAGE...]",
        help: "Display detailed information on one or more images",
        aliases: &[],
        count: ONE_OR_MORE,
        interspersed: true,
        wants: IMAGES,
        flags: &[&[FORMAT_F]],
        makes: Makes::ImageInspect,
    },
    Command {
        path: &["image", "prune"],
        usage: "[OPTIONS]",
        help: "Remove unused images",
        aliases: &[],
        count: Count::Exactly(0),
        interspersed: true,
        wants: NO_NAME,
        flags: &[&[
            no(
                "all",
                None,
                Takes::Bool,
                "use docker rmi",
                "Remove all unused images, not just dangling ones",
            ),
            idle("filter", None, "filter", "Provide filter values (e.g. \"until=<timestamp>\")"),
            on("force", Some('f'), "Do not prompt for confirmation"),
        ]],
        makes: Makes::ImagePrune,
    },
    Command {
        path: &["network", "connect"],
        usage: "[OPTIONS] NETWORK CONTAINER",
        help: "Connect a container to a network",
        aliases: &[],
        count: Count::Exactly(2),
        interspersed: true,
        wants: &[Wants::Network, Wants::Container],
        flags: &[&[
            val("alias", None, "strings", "Add network-scoped alias for the container"),
            val("driver-opt", None, "strings", "driver options for the network"),
            val(
                "gw-priority",
                None,
                "int",
                "Highest gw-priority provides the default gateway. Accepts positive and negative values.",
            ),
            val("ip", None, "string", "IPv4 address (e.g., \"172.30.100.104\")"),
            no(
                "ip6",
                None,
                Takes::Value("string"),
                "IPv6 is not yet emulated: use --ip",
                "IPv6 address (e.g., \"2001:db8::33\")",
            ),
            val("link", None, "list", "Add link to another container"),
            val("link-local-ip", None, "strings", "Add a link-local address for the container"),
        ]],
        makes: Makes::NetworkConnect,
    },
    Command {
        path: &["network", "create"],
        usage: "[OPTIONS] NETWORK",
        help: "Create a network",
        aliases: &[],
        count: Count::Exactly(1),
        interspersed: true,
        wants: NO_NAME,
        flags: &[&[
            on("attachable", None, "Enable manual container attachment"),
            val(
                "aux-address",
                None,
                "map",
                "Auxiliary IPv4 or IPv6 addresses used by Network driver (default map[])",
            ),
            val("config-from", None, "string", "The network from which to copy the configuration"),
            no(
                "config-only",
                None,
                Takes::Bool,
                "give --subnet and --gateway",
                "Create a configuration only network",
            ),
            val("driver", Some('d'), "string", "Driver to manage the Network (default \"bridge\")"),
            val("gateway", None, "strings", "IPv4 or IPv6 Gateway for the master subnet"),
            on("ingress", None, "Create swarm routing-mesh network"),
            on("internal", None, "Restrict external access to the network"),
            val("ip-range", None, "strings", "Allocate container ip from a sub-range"),
            idle("ipam-driver", None, "string", "IP Address Management Driver (default \"default\")"),
            val("ipam-opt", None, "map", "Set IPAM driver specific options (default map[])"),
            idle_on("ipv4", None, "Enable or disable IPv4 address assignment (default true)"),
            no(
                "ipv6",
                None,
                Takes::Bool,
                "IPv6 is not yet emulated: leave it out",
                "Enable or disable IPv6 address assignment",
            ),
            val("label", None, "list", "Set metadata on a network"),
            val("opt", Some('o'), "map", "Set driver specific options (default map[])"),
            val("scope", None, "string", "Control the network's scope"),
            val("subnet", None, "strings", "Subnet in CIDR format that represents a network segment"),
        ]],
        makes: Makes::NetworkCreate,
    },
    Command {
        path: &["network", "disconnect"],
        usage: "[OPTIONS] NETWORK CONTAINER",
        help: "Disconnect a container from a network",
        aliases: &[],
        count: Count::Exactly(2),
        interspersed: true,
        wants: &[Wants::Network, Wants::Container],
        flags: &[&[on("force", Some('f'), "Force the container to disconnect from a network")]],
        makes: Makes::NetworkDisconnect,
    },
    Command {
        path: &["network", "inspect"],
        usage: "[OPTIONS] NETWORK [NETWORK...]",
        help: "Display detailed information on one or more networks",
        aliases: &[],
        count: ONE_OR_MORE,
        interspersed: true,
        wants: NETWORKS,
        flags: &[&[FORMAT_F, idle_on("verbose", Some('v'), "Verbose output for diagnostics")]],
        makes: Makes::NetworkInspect,
    },
    Command {
        path: &["network", "ls"],
        usage: "[OPTIONS]",
        help: "List networks",
        aliases: &[&["network", "list"]],
        count: Count::Exactly(0),
        interspersed: true,
        wants: NO_NAME,
        flags: &[&[FILTER, FORMAT, NO_TRUNC, on("quiet", Some('q'), "Only display network IDs")]],
        makes: Makes::NetworkLs,
    },
    Command {
        path: &["network", "prune"],
        usage: "[OPTIONS]",
        help: "Remove all unused networks",
        aliases: &[],
        count: Count::Exactly(0),
        interspersed: true,
        wants: NO_NAME,
        flags: &[&[
            val("filter", None, "filter", "Provide filter values (e.g. \"until=<timestamp>\")"),
            on("force", Some('f'), "Do not prompt for confirmation"),
        ]],
        makes: Makes::NetworkPrune,
    },
    Command {
        path: &["network", "rm"],
        usage: "NETWORK [NETWORK...]",
        help: "Remove one or more networks",
        aliases: &[&["network", "remove"]],
        count: ONE_OR_MORE,
        interspersed: true,
        wants: NETWORKS,
        flags: &[&[on("force", Some('f'), "Do not error if the network does not exist")]],
        makes: Makes::NetworkRm,
    },
];

/// Groups of commands: their word and one line of help.
pub(super) const GROUPS: &[(&str, &str)] = &[
    ("builder", "Manage builds"),
    ("container", "Manage containers"),
    ("context", "Manage contexts"),
    ("image", "Manage images"),
    ("manifest", "Manage Docker image manifests and manifest lists"),
    ("network", "Manage networks"),
    ("plugin", "Manage plugins"),
    ("system", "Manage Docker"),
    ("trust", "Manage trust on Docker images"),
    ("volume", "Manage volumes"),
    ("node", "Manage Swarm nodes"),
    ("service", "Manage Swarm services"),
    ("swarm", "Manage Swarm"),
];

/// The client's own flags, before the command.
pub(super) const GLOBAL: &[Flag] = &[
    idle("config", None, "string", "Location of client config files (default \"/root/.docker\")"),
    no(
        "context",
        Some('c'),
        Takes::Value("string"),
        "each host has one engine",
        "Name of the context to use to connect to the daemon (overrides DOCKER_HOST env var and default context set \
         with \"docker context use\")",
    ),
    idle_on("debug", Some('D'), "Enable debug mode"),
    no(
        "host",
        Some('H'),
        Takes::Value("string"),
        "open a terminal of that host",
        "Daemon socket to connect to",
    ),
    idle(
        "log-level",
        Some('l'),
        "string",
        "Set the logging level (\"debug\", \"info\", \"warn\", \"error\", \"fatal\") (default \"info\")",
    ),
    idle_on("tls", None, "Use TLS; implied by --tlsverify"),
    idle(
        "tlscacert",
        None,
        "string",
        "Trust certs signed only by this CA (default \"/root/.docker/ca.pem\")",
    ),
    idle("tlscert", None, "string", "Path to TLS certificate file (default \"/root/.docker/cert.pem\")"),
    idle("tlskey", None, "string", "Path to TLS key file (default \"/root/.docker/key.pem\")"),
    idle_on("tlsverify", None, "Use TLS and verify the remote"),
    on("version", Some('v'), "Print version information and quit"),
];

/// What those flags are read by.
pub(super) const CLIENT: Command = Command {
    path: &[],
    usage: "[OPTIONS] COMMAND [ARG...]",
    help: "A self-sufficient runtime for containers",
    aliases: &[],
    count: Count::AtLeast(0),
    interspersed: false,
    wants: NO_NAME,
    flags: &[GLOBAL],
    makes: Makes::Version,
};

/// All commands.
pub(super) fn commands() -> impl Iterator<Item = &'static Command> + Clone {
    COMMANDS
        .iter()
        .chain(super::content::COMMANDS)
        .chain(super::swarm::COMMANDS)
        .chain(super::absent::COMMANDS)
}
