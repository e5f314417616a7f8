//! The commands of `docker swarm`, `docker node` and `docker service`, and their requests.

use super::super::swarm::{
    NodeChange, RestartCondition, RestartRule, ServiceChange, ServiceMode, ServiceSpec, SwarmInit, SwarmJoin,
    SwarmRequest,
};
use super::super::{PortSpec, RunSpec};
use super::build::{Refusal, extra_host, pair, resolver, sysctl};
use super::flags::{Flags, invalid};
use super::ports;
use super::table::{Command, Count, Flag, Makes, SwarmWord, Takes, Wants, idle, idle_on, no, on, val};
use crate::wire::Protocol;

const FORMAT: Flag = val("format", None, "string", "Format output using a custom template");
const FORMAT_F: Flag = val("format", Some('f'), "string", "Format output using a custom template");
const QUIET: Flag = on("quiet", Some('q'), "Only display IDs");
const FILTER: Flag = val("filter", Some('f'), "filter", "Filter output based on conditions provided");
const NO_TRUNC: Flag = on("no-trunc", None, "Don't truncate output");
const DETACH: Flag =
    on("detach", Some('d'), "Exit immediately instead of waiting for the service to converge");
const NOTHING: &[Wants] = &[Wants::Nothing];
const SUPPRESS: Flag = on("quiet", Some('q'), "Suppress progress output");

const ADVERTISE: Flag =
    val("advertise-addr", None, "string", "Advertised address (format: \"<ip|interface>[:port]\")");
const AVAILABILITY: Flag = val(
    "availability",
    None,
    "string",
    "Availability of the node (\"active\", \"pause\", \"drain\") (default \"active\")",
);
const DATA_PATH: Flag = idle(
    "data-path-addr",
    None,
    "string",
    "Address or interface to use for data path traffic (format: \"<ip|interface>\")",
);
const LISTEN: Flag = val(
    "listen-addr",
    None,
    "node-addr",
    "Listen address (format: \"<ip|interface>[:port]\") (default 0.0.0.0:2377)",
);

/// What a service says of the containers of its tasks.
const TASK: &[Flag] = &[
    val("cap-add", None, "list", "Add Linux capabilities"),
    val("cap-drop", None, "list", "Drop Linux capabilities"),
    val("dns", None, "list", "Set custom DNS servers"),
    val("dns-option", None, "list", "Set DNS options"),
    val("dns-search", None, "list", "Set custom DNS search domains"),
    val("entrypoint", None, "command", "Overwrite the default ENTRYPOINT of the image"),
    val("host", None, "list", "Set one or more custom host-to-IP mappings (host:ip)"),
    on("init", None, "Use an init inside each service container to forward signals and reap processes"),
    val("stop-signal", None, "string", "Signal to stop the container"),
    val("sysctl", None, "list", "Sysctl options"),
    val("user", Some('u'), "string", "Username or UID (format: <name|uid>[:<group|gid>])"),
    val("workdir", Some('w'), "string", "Working directory inside the container"),
];

/// What changes nothing here: one task is replaced after the other, and resources have no bounds.
const IDLE: &[Flag] = &[
    idle("limit-cpu", None, "decimal", "Limit CPUs"),
    idle("limit-memory", None, "bytes", "Limit Memory"),
    idle("mount", None, "mount", "Attach a filesystem mount to the service"),
    idle_on("read-only", None, "Mount the container's root filesystem as read only"),
    idle("reserve-cpu", None, "decimal", "Reserve CPUs"),
    idle("reserve-memory", None, "bytes", "Reserve Memory"),
    idle("rollback-delay", None, "duration", "Delay between task rollbacks (ns|us|ms|s|m|h) (default 0s)"),
    idle("rollback-parallelism", None, "uint", "Maximum number of tasks rolled back simultaneously"),
    idle("stop-grace-period", None, "duration", "Time to wait before force killing a container"),
    idle("update-delay", None, "duration", "Delay between updates (ns|us|ms|s|m|h) (default 0s)"),
    idle("update-failure-action", None, "string", "Action on update failure"),
    idle("update-monitor", None, "duration", "Duration after each task update to monitor for failure"),
    idle("update-order", None, "string", "Update order (\"start-first\", \"stop-first\")"),
    idle("update-parallelism", None, "uint", "Maximum number of tasks updated simultaneously"),
    idle_on("with-registry-auth", None, "Send registry authentication details to swarm agents"),
];

/// What `docker swarm init` and `docker swarm update` set of a cluster.
const CLUSTER: &[Flag] = &[
    on("autolock", None, "Change manager autolocking setting (true|false)"),
    idle(
        "cert-expiry",
        None,
        "duration",
        "Validity period for node certificates (ns|us|ms|s|m|h) (default 2160h0m0s)",
    ),
    idle(
        "dispatcher-heartbeat",
        None,
        "duration",
        "Dispatcher heartbeat period (ns|us|ms|s|m|h) (default 5s)",
    ),
    idle("external-ca", None, "external-ca", "Specifications of one or more certificate signing endpoints"),
    idle("max-snapshots", None, "uint", "Number of additional Raft snapshots to retain"),
    idle("snapshot-interval", None, "uint", "Number of log entries between Raft snapshots (default 10000)"),
    val("task-history-limit", None, "int", "Task history retention limit (default 5)"),
];

const fn command(
    path: &'static [&'static str],
    usage: &'static str,
    help: &'static str,
    count: Count,
    flags: &'static [&'static [Flag]],
    makes: SwarmWord,
) -> Command {
    Command {
        path,
        usage,
        help,
        aliases: &[],
        count,
        interspersed: true,
        wants: NOTHING,
        flags,
        makes: Makes::Swarm(makes),
    }
}

/// The commands.
pub(super) const COMMANDS: &[Command] = &[
    command(
        &["swarm", "init"],
        "[OPTIONS]",
        "Initialize a swarm",
        Count::Exactly(0),
        &[
            &[
                ADVERTISE,
                AVAILABILITY,
                DATA_PATH,
                LISTEN,
                idle_on("force-new-cluster", None, "Force create a new cluster from current state"),
                val(
                    "data-path-port",
                    None,
                    "uint32",
                    "Port number to use for data path traffic (1024 - 49151). If no value is set or is set to 0, the \
                 default port (4789) is used.",
                ),
                val(
                    "default-addr-pool",
                    None,
                    "ipNetSlice",
                    "default address pool in CIDR format (default [])",
                ),
                val(
                    "default-addr-pool-mask-length",
                    None,
                    "uint32",
                    "default address pool subnet mask length (default 24)",
                ),
            ],
            CLUSTER,
        ],
        SwarmWord::Init,
    ),
    command(
        &["swarm", "join"],
        "[OPTIONS] HOST:PORT",
        "Join a swarm as a node and/or manager",
        Count::Exactly(1),
        &[&[
            val("token", None, "string", "Token for entry into the swarm"),
            ADVERTISE,
            AVAILABILITY,
            DATA_PATH,
            LISTEN,
        ]],
        SwarmWord::Join,
    ),
    command(
        &["swarm", "join-token"],
        "[OPTIONS] (worker|manager)",
        "Manage join tokens",
        Count::Exactly(1),
        &[&[on("quiet", Some('q'), "Only display token"), on("rotate", None, "Rotate join token")]],
        SwarmWord::JoinToken,
    ),
    command(
        &["swarm", "update"],
        "[OPTIONS]",
        "Update the swarm",
        Count::Exactly(0),
        &[CLUSTER],
        SwarmWord::Update,
    ),
    command(
        &["swarm", "unlock-key"],
        "[OPTIONS]",
        "Manage the unlock key",
        Count::Exactly(0),
        &[&[on("quiet", Some('q'), "Only display token"), on("rotate", None, "Rotate unlock key")]],
        SwarmWord::UnlockKey,
    ),
    command(&["swarm", "unlock"], "", "Unlock swarm", Count::Exactly(0), &[], SwarmWord::Unlock),
    command(
        &["swarm", "leave"],
        "[OPTIONS]",
        "Leave the swarm",
        Count::Exactly(0),
        &[&[on("force", Some('f'), "Force this node to leave the swarm, ignoring warnings")]],
        SwarmWord::Leave,
    ),
    Command {
        aliases: &[&["node", "list"]],
        ..command(
            &["node", "ls"],
            "[OPTIONS]",
            "List nodes in the swarm",
            Count::Exactly(0),
            &[&[FILTER, FORMAT, QUIET]],
            SwarmWord::NodeLs,
        )
    },
    command(
        &["node", "inspect"],
        "[OPTIONS] self|NODE [NODE...]",
        "Display detailed information on one or more nodes",
        Count::AtLeast(1),
        &[&[FORMAT_F, on("pretty", None, "Print the information in a human friendly format")]],
        SwarmWord::NodeInspect,
    ),
    command(
        &["node", "ps"],
        "[OPTIONS] [NODE...]",
        "List tasks running on one or more nodes, defaults to current node",
        Count::AtLeast(0),
        &[&[FILTER, FORMAT, NO_TRUNC, QUIET]],
        SwarmWord::NodePs,
    ),
    Command {
        aliases: &[&["node", "remove"]],
        ..command(
            &["node", "rm"],
            "[OPTIONS] NODE [NODE...]",
            "Remove one or more nodes from the swarm",
            Count::AtLeast(1),
            &[&[on("force", Some('f'), "Force remove a node from the swarm")]],
            SwarmWord::NodeRm,
        )
    },
    command(
        &["node", "promote"],
        "NODE [NODE...]",
        "Promote one or more nodes to manager in the swarm",
        Count::AtLeast(1),
        &[],
        SwarmWord::Promote,
    ),
    command(
        &["node", "demote"],
        "NODE [NODE...]",
        "Demote one or more nodes from manager in the swarm",
        Count::AtLeast(1),
        &[],
        SwarmWord::Demote,
    ),
    command(
        &["node", "update"],
        "[OPTIONS] NODE",
        "Update a node",
        Count::Exactly(1),
        &[&[
            val(
                "availability",
                None,
                "string",
                "Availability of the node (\"active\", \"pause\", \"drain\")",
            ),
            val("role", None, "string", "Role of the node (\"worker\", \"manager\")"),
            val("label-add", None, "list", "Add or update a node label (\"key=value\")"),
            val("label-rm", None, "list", "Remove a node label if exists"),
        ]],
        SwarmWord::NodeUpdate,
    ),
    Command {
        interspersed: false,
        ..command(
            &["service", "create"],
            "[OPTIONS] IMAGE [COMMAND] [ARG...]",
            "Create a new service",
            Count::AtLeast(1),
            &[
                &[
                    DETACH,
                    val("endpoint-mode", None, "string", "Endpoint mode (vip or dnsrr)"),
                    val("env", Some('e'), "list", "Set environment variables"),
                    val("mode", None, "string", "Service mode (\"replicated\", \"global\")"),
                    val("name", None, "string", "Service name"),
                    val("network", None, "network", "Network attachments"),
                    on(
                        "no-resolve-image",
                        None,
                        "Do not query the registry to resolve image digest and supported platforms",
                    ),
                    val("publish", Some('p'), "port", "Publish a port as a node port"),
                    SUPPRESS,
                    val("replicas", None, "uint", "Number of tasks"),
                    val("label", Some('l'), "list", "Service labels"),
                    val("container-label", None, "list", "Container labels"),
                    val("hostname", None, "string", "Container hostname"),
                    val("restart-condition", None, "string", "Restart when condition is met"),
                    val("restart-delay", None, "duration", "Delay between restart attempts"),
                    val("restart-max-attempts", None, "uint", "Maximum number of restarts before giving up"),
                    val("constraint", None, "list", "Placement constraints"),
                ],
                TASK,
                IDLE,
            ],
            SwarmWord::ServiceCreate,
        )
    },
    Command {
        aliases: &[&["service", "list"]],
        ..command(
            &["service", "ls"],
            "[OPTIONS]",
            "List services",
            Count::Exactly(0),
            &[&[FILTER, FORMAT, QUIET]],
            SwarmWord::ServiceLs,
        )
    },
    command(
        &["service", "ps"],
        "[OPTIONS] SERVICE [SERVICE...]",
        "List the tasks of one or more services",
        Count::AtLeast(1),
        &[&[FILTER, FORMAT, NO_TRUNC, QUIET]],
        SwarmWord::ServicePs,
    ),
    command(
        &["service", "inspect"],
        "[OPTIONS] SERVICE [SERVICE...]",
        "Display detailed information on one or more services",
        Count::AtLeast(1),
        &[&[FORMAT_F, on("pretty", None, "Print the information in a human friendly format")]],
        SwarmWord::ServiceInspect,
    ),
    command(
        &["service", "scale"],
        "SERVICE=REPLICAS [SERVICE=REPLICAS...]",
        "Scale one or multiple replicated services",
        Count::AtLeast(1),
        &[&[DETACH]],
        SwarmWord::ServiceScale,
    ),
    command(
        &["service", "update"],
        "[OPTIONS] SERVICE",
        "Update a service",
        Count::Exactly(1),
        &[
            &[
                DETACH,
                on("force", None, "Force update even if no changes require it"),
                SUPPRESS,
                val("replicas", None, "uint", "Number of tasks"),
                val("image", None, "string", "Service image tag"),
                val("publish-add", None, "port", "Add or update a published port"),
                val("publish-rm", None, "port", "Remove a published port by its target port"),
                val("env-add", None, "list", "Add or update an environment variable"),
                val("env-rm", None, "list", "Remove an environment variable"),
                val("label-add", None, "list", "Add or update a service label"),
                val("label-rm", None, "list", "Remove a label by its key"),
                val("constraint-add", None, "list", "Add or update a placement constraint"),
                val("constraint-rm", None, "list", "Remove a constraint"),
                val("endpoint-mode", None, "string", "Endpoint mode (vip or dnsrr)"),
                val("network-add", None, "network", "Add a network"),
                val("network-rm", None, "list", "Remove a network"),
            ],
            IDLE,
        ],
        SwarmWord::ServiceUpdate,
    ),
    command(
        &["service", "rollback"],
        "[OPTIONS] SERVICE",
        "Revert changes to a service's configuration",
        Count::Exactly(1),
        &[&[DETACH, SUPPRESS]],
        SwarmWord::ServiceRollback,
    ),
    Command {
        aliases: &[&["service", "remove"]],
        ..command(
            &["service", "rm"],
            "SERVICE [SERVICE...]",
            "Remove one or more services",
            Count::AtLeast(1),
            &[],
            SwarmWord::ServiceRm,
        )
    },
    command(
        &["service", "logs"],
        "[OPTIONS] SERVICE|TASK",
        "Fetch the logs of a service or task",
        Count::Exactly(1),
        &[&[
            no("follow", Some('f'), Takes::Bool, "use `docker service logs` again", "Follow log output"),
            on("no-task-ids", None, "Do not include task IDs in output"),
            NO_TRUNC,
            on("raw", None, "Do not neatly format logs"),
            val(
                "tail",
                Some('n'),
                "string",
                "Number of lines to show from the end of the logs (default \"all\")",
            ),
        ]],
        SwarmWord::ServiceLogs,
    ),
];

/// The request of a command.
pub(super) fn request(word: SwarmWord, mut f: Flags) -> Result<SwarmRequest, Refusal> {
    let text = |f: &Flags, name: &str| f.last(name).map(str::to_owned);
    let format = text(&f, "format");
    let (quiet, detach) = (f.on("quiet"), f.on("detach"));
    let pretty = f.on("pretty");
    if f.on("autolock") {
        return Err(Refusal::Client("netpier: a swarm is not locked here".into()));
    }
    if pretty && format.is_some() && word == SwarmWord::ServiceInspect {
        return Err(Refusal::Client("--format is incompatible with human friendly format".into()));
    }
    let filters: Vec<String> = f.all(&["filter"]).map(str::to_owned).collect();
    Ok(match word {
        SwarmWord::Init => SwarmRequest::Init(Box::new(SwarmInit {
            advertise: text(&f, "advertise-addr"),
            listen: text(&f, "listen-addr").unwrap_or_default(),
            availability: availability(&f)?,
            data_path_port: f.last("data-path-port").and_then(|p| p.parse().ok()),
            pools: f.all(&["default-addr-pool"]).flat_map(|p| p.split(',')).map(str::to_owned).collect(),
            mask: f.last("default-addr-pool-mask-length").and_then(|m| m.parse().ok()).unwrap_or(24),
            history: f.last("task-history-limit").and_then(|n| n.parse().ok()),
        })),
        SwarmWord::Join => SwarmRequest::Join(Box::new(SwarmJoin {
            token: text(&f, "token").unwrap_or_default(),
            advertise: text(&f, "advertise-addr"),
            listen: text(&f, "listen-addr").unwrap_or_default(),
            availability: availability(&f)?,
            addr: f.args.remove(0),
        })),
        SwarmWord::Leave => SwarmRequest::Leave { force: f.on("force") },
        SwarmWord::JoinToken => {
            SwarmRequest::JoinToken { rotate: f.on("rotate"), role: f.args.remove(0), quiet }
        }
        SwarmWord::Update => {
            SwarmRequest::Update { history: f.last("task-history-limit").and_then(|n| n.parse().ok()) }
        }
        SwarmWord::UnlockKey => SwarmRequest::UnlockKey { rotate: f.on("rotate"), quiet },
        SwarmWord::Unlock => SwarmRequest::Unlock,
        SwarmWord::NodeLs => SwarmRequest::NodeLs { quiet, format, filters },
        SwarmWord::NodeInspect => SwarmRequest::NodeInspect { format, pretty, names: f.args },
        SwarmWord::NodeRm => SwarmRequest::NodeRm { force: f.on("force"), names: f.args },
        SwarmWord::NodePs => SwarmRequest::NodePs { names: f.args, format, quiet },
        SwarmWord::Promote => SwarmRequest::NodeRole { manager: true, names: f.args },
        SwarmWord::Demote => SwarmRequest::NodeRole { manager: false, names: f.args },
        SwarmWord::NodeUpdate => SwarmRequest::NodeUpdate {
            change: Box::new(NodeChange {
                availability: text(&f, "availability"),
                role: text(&f, "role"),
                label_add: f.all(&["label-add"]).map(pair).collect(),
                label_rm: f.all(&["label-rm"]).map(str::to_owned).collect(),
            }),
            name: f.args.remove(0),
        },
        SwarmWord::ServiceCreate => {
            let resolve = !f.on("no-resolve-image");
            SwarmRequest::ServiceCreate { spec: Box::new(service(f)?), detach, quiet, resolve }
        }
        SwarmWord::ServiceLs => SwarmRequest::ServiceLs { quiet, format, filters },
        SwarmWord::ServicePs => {
            let whole = f.on("no-trunc");
            SwarmRequest::ServicePs { names: f.args, format, quiet, filters, whole }
        }
        SwarmWord::ServiceInspect => SwarmRequest::ServiceInspect { format, pretty, names: f.args },
        SwarmWord::ServiceScale => {
            let mut scales = Vec::new();
            for arg in &f.args {
                let wrong = |what: String| {
                    Refusal::Client(format!(
                        "{what}\nSee 'docker service scale --help'.\n\nUsage:  docker service scale \
                         SERVICE=REPLICAS [SERVICE=REPLICAS...]\n\nScale one or multiple replicated services"
                    ))
                };
                let Some((name, n)) = arg.split_once('=').filter(|(k, v)| !k.is_empty() && !v.is_empty())
                else {
                    return Err(wrong(format!("invalid scale specifier '{arg}'.")));
                };
                let n = n.parse().map_err(|_| {
                    Refusal::Client(format!(
                        "{name}: invalid replicas value {n}: strconv.ParseUint: parsing {n:?}: invalid syntax"
                    ))
                })?;
                scales.push((name.to_owned(), n));
            }
            SwarmRequest::ServiceScale { detach, scales }
        }
        SwarmWord::ServiceUpdate => SwarmRequest::ServiceUpdate {
            replicas: replicas(&f)?,
            force: f.on("force"),
            detach,
            quiet,
            change: Box::new(change(&f)?),
            name: f.args.remove(0),
        },
        SwarmWord::ServiceRollback => SwarmRequest::ServiceRollback { detach, quiet, name: f.args.remove(0) },
        SwarmWord::ServiceRm => SwarmRequest::ServiceRm { names: f.args },
        SwarmWord::ServiceLogs => SwarmRequest::ServiceLogs {
            raw: f.on("raw"),
            ids: !f.on("no-task-ids"),
            whole: f.on("no-trunc"),
            tail: f.last("tail").and_then(|n| n.parse().ok()),
            name: f.args.remove(0),
        },
    })
}

/// `--availability` of a node that starts.
fn availability(f: &Flags) -> Result<String, Refusal> {
    let given = f.last("availability").unwrap_or("active");
    let word = given.to_lowercase();
    match word.as_str() {
        "active" | "pause" | "drain" => Ok(word),
        _ => Err(Refusal::Client(format!(
            "invalid availability {given:?}, only active, pause and drain are supported"
        ))),
    }
}

/// More tasks than anybody watches.
const MOST_REPLICAS: u32 = 64;

fn replicas(f: &Flags) -> Result<Option<u32>, Refusal> {
    let Some((flag, text)) = f.set.iter().rev().find(|(flag, _)| flag.name == "replicas") else {
        return Ok(None);
    };
    match text.parse() {
        Ok(n) if n <= MOST_REPLICAS => Ok(Some(n)),
        Ok(_) => Err(Refusal::Client(format!("netpier: at most {MOST_REPLICAS} replicas"))),
        Err(_) => {
            let why = format!("strconv.ParseUint: parsing {text:?}: invalid syntax");
            Err(Refusal::Flag(invalid(flag, text, &why)))
        }
    }
}

/// What an update changes.
fn change(f: &Flags) -> Result<ServiceChange, Refusal> {
    let words = |name: &'static str| f.all(&[name]).map(str::to_owned).collect::<Vec<_>>();
    let pairs = |name: &'static str| f.all(&[name]).map(pair).collect::<Vec<_>>();
    let mut publish_add = Vec::new();
    if publish(f, "publish-add", &mut publish_add)? {
        return Err(Refusal::Client(
            "netpier: the ingress routing mesh (IPVS) is not emulated yet; publish with mode=host".into(),
        ));
    }
    // A port goes if protocol, target and mode are the same; without a mode the mesh's is meant
    // (docker/cli, command/service/update.go, updatePorts).
    let mut publish_rm = Vec::new();
    publish(f, "publish-rm", &mut Vec::new())?;
    for raw in f.all(&["publish-rm"]).filter(|raw| raw.split(',').any(|field| field == "mode=host")) {
        let field = |key: &str| raw.split(',').find_map(|f| f.strip_prefix(key)?.strip_prefix('='));
        let proto = if field("protocol") == Some("udp") { Protocol::Udp } else { Protocol::Tcp };
        publish_rm.extend(field("target").and_then(|t| t.parse().ok()).map(|port| (port, proto)));
    }
    Ok(ServiceChange {
        env_add: pairs("env-add"),
        env_rm: words("env-rm"),
        label_add: pairs("label-add"),
        label_rm: words("label-rm"),
        publish_add,
        publish_rm,
        constraint_add: words("constraint-add"),
        constraint_rm: words("constraint-rm"),
        image: f.last("image").map(str::to_owned),
        dnsrr: f.last("endpoint-mode").map(|mode| mode == "dnsrr"),
        network_add: f.all(&["network-add"]).map(|n| network(n).0).collect(),
        network_rm: words("network-rm"),
    })
}

/// The policy of restarts.
fn restart(f: &Flags) -> Result<RestartRule, Refusal> {
    let condition = match f.last("restart-condition") {
        None | Some("any") => RestartCondition::Any,
        Some("on-failure") => RestartCondition::OnFailure,
        Some("none") => RestartCondition::None,
        Some(other) => {
            return Err(Refusal::Client(format!(
                "Error response from daemon: invalid RestartCondition: {other:?}"
            )));
        }
    };
    let delay = f.last("restart-delay").and_then(super::super::moment::duration);
    let delay = delay.and_then(|d| u64::try_from(d).ok()).map(crate::time::Duration);
    Ok(RestartRule {
        condition,
        delay: delay.unwrap_or(RestartRule::default().delay),
        attempts: f.last("restart-max-attempts").and_then(|n| n.parse().ok()).unwrap_or(0),
    })
}

fn service(mut f: Flags) -> Result<ServiceSpec, Refusal> {
    let n = replicas(&f)?;
    let mode = match f.last("mode").unwrap_or("replicated") {
        "global" if n.is_some() => {
            return Err(Refusal::Client(
                "replicas can only be used with replicated or replicated-job mode".into(),
            ));
        }
        "global" => ServiceMode::Global,
        "replicated" => ServiceMode::Replicated(n.unwrap_or(1)),
        other => {
            return Err(Refusal::Client(format!(
                "Unknown mode: {other}, only replicated and global supported"
            )));
        }
    };
    let dnsrr = match f.last("endpoint-mode") {
        None | Some("vip") => false,
        Some("dnsrr") => true,
        Some(other) => {
            return Err(Refusal::Client(format!(
                "Error response from daemon: invalid resolution mode: {other:?}"
            )));
        }
    };
    let mut spec = ServiceSpec {
        name: f.last("name").unwrap_or_default().to_owned(),
        image: String::new(),
        command: Vec::new(),
        mode,
        networks: f.all(&["network"]).map(|n| network(n).0).collect(),
        publish: Vec::new(),
        ingress: false,
        dnsrr,
        env: f.all(&["env"]).map(pair).collect(),
        constraints: f.all(&["constraint"]).map(str::to_owned).collect(),
        labels: f.all(&["label"]).map(pair).collect(),
        container_labels: f.all(&["container-label"]).map(pair).collect(),
        hostname: f.last("hostname").map(str::to_owned),
        aliases: f.all(&["network"]).flat_map(|n| network(n).1).collect(),
        restart: restart(&f)?,
        run: Box::new(task(&f)?),
    };
    spec.ingress = publish(&f, "publish", &mut spec.publish)?;
    spec.image = f.args.remove(0);
    spec.command = f.args;
    Ok(spec)
}

/// What a task's container has besides networks and ports.
fn task(f: &Flags) -> Result<RunSpec, Refusal> {
    let words = |name: &'static str| f.all(&[name]).map(str::to_owned).collect::<Vec<_>>();
    let mut run = RunSpec {
        cap_add: words("cap-add"),
        cap_drop: words("cap-drop"),
        dns_options: words("dns-option"),
        dns_search: words("dns-search"),
        entrypoint: f.last("entrypoint").map(str::to_owned),
        init: f.on("init"),
        stop_signal: f.last("stop-signal").map(str::to_owned),
        user: f.last("user").unwrap_or_default().to_owned(),
        workdir: f.last("workdir").unwrap_or_default().to_owned(),
        ..RunSpec::default()
    };
    for (flag, value) in &f.set {
        match flag.name {
            "host" => run.add_host.push(extra_host(value).map_err(|e| invalid(flag, value, &e))?),
            "dns" => run.dns.push(resolver(value).map_err(|e| invalid(flag, value, &e))?),
            "sysctl" => run.sysctls.push(sysctl(value).map_err(|e| invalid(flag, value, &e))?),
            "env" if value.is_empty() || value.starts_with('=') => {
                return Err(invalid(flag, value, &format!("invalid environment variable: {value}")).into());
            }
            _ => {}
        }
    }
    Ok(run)
}

/// `NAME` or `name=NAME,alias=ALIAS`: the network, and its names for the service.
fn network(text: &str) -> (String, Vec<(String, String)>) {
    if !text.contains('=') {
        return (text.to_owned(), Vec::new());
    }
    let all = |key: &'static str| text.split(',').filter_map(move |f| f.strip_prefix(key)?.strip_prefix('='));
    let name = all("name").next().unwrap_or_default().to_owned();
    let aliases = all("alias").map(|a| (name.clone(), a.to_owned())).collect();
    (name, aliases)
}

/// Reads published ports. True if one of them is to be reached through the mesh.
fn publish(f: &Flags, name: &str, into: &mut Vec<PortSpec>) -> Result<bool, Refusal> {
    let mut ingress = false;
    for (flag, raw) in f.set.iter().filter(|(flag, _)| flag.name == name) {
        if !raw.contains('=') {
            into.push(ports::parse(raw).map_err(|e| Refusal::Flag(invalid(flag, raw, &e)))?);
            ingress = true;
            continue;
        }
        let wrong = |why: &str| Refusal::Flag(invalid(flag, raw, why));
        let mut short = (None, None, "tcp");
        for field in raw.split(',') {
            let (key, value) = field.split_once('=').unwrap_or((field, ""));
            match key.trim() {
                "published" => short.0 = Some(value),
                "target" => short.1 = Some(value),
                "protocol" => short.2 = value,
                "mode" if value == "host" => {}
                "mode" if value == "ingress" => ingress = true,
                "mode" => {
                    return Err(wrong(&format!(
                        "invalid publish mode value ({value}): must be either 'ingress' or 'host'"
                    )));
                }
                other => return Err(wrong(&format!("invalid field key: {other}"))),
            }
        }
        if !matches!(short.2, "tcp" | "udp" | "sctp") {
            return Err(wrong(&format!("invalid protocol value '{}'", short.2)));
        }
        for (what, value) in [("published", short.0), ("target", short.1)] {
            if let Some(value) = value
                && value.parse::<u16>().is_err()
            {
                let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
                let why = if digits { "value out of range" } else { "invalid syntax" };
                return Err(wrong(&format!(
                    "invalid {what} port ({value}): value must be an integer: {why}"
                )));
            }
        }
        ingress |= !raw.contains("mode=");
        let Some(target) = short.1 else { return Err(wrong("missing mandatory field 'target'")) };
        let text = match short.0 {
            Some(published) => format!("{published}:{target}/{}", short.2),
            None => format!("{target}/{}", short.2),
        };
        into.push(ports::parse(&text).map_err(Refusal::Client)?);
    }
    Ok(ingress)
}

/// The words of a request's command line.
pub(super) fn words(request: &SwarmRequest) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut say = |words: &[&str]| out.extend(words.iter().map(|w| (*w).to_owned()));
    match request {
        SwarmRequest::Init(asked) => {
            say(&["swarm", "init"]);
            if let Some(addr) = &asked.advertise {
                say(&["--advertise-addr", addr]);
            }
            if !asked.listen.is_empty() {
                say(&["--listen-addr", &asked.listen]);
            }
            asked.pools.iter().for_each(|p| say(&["--default-addr-pool", p]));
        }
        SwarmRequest::Join(asked) => {
            say(&["swarm", "join", "--token", &asked.token]);
            if let Some(own) = &asked.advertise {
                say(&["--advertise-addr", own]);
            }
            if !asked.listen.is_empty() {
                say(&["--listen-addr", &asked.listen]);
            }
            say(&[&asked.addr]);
        }
        SwarmRequest::Leave { force } => {
            say(if *force { &["swarm", "leave", "--force"] } else { &["swarm", "leave"] })
        }
        SwarmRequest::Update { history } => {
            say(&["swarm", "update"]);
            if let Some(n) = history {
                say(&["--task-history-limit", &n.to_string()]);
            }
        }
        SwarmRequest::UnlockKey { .. } => say(&["swarm", "unlock-key"]),
        SwarmRequest::Unlock => say(&["swarm", "unlock"]),
        SwarmRequest::JoinToken { role, quiet, rotate } => {
            say(&["swarm", "join-token"]);
            say(if *rotate { &["--rotate"] } else { &[] });
            say(if *quiet { &["-q"] } else { &[] });
            say(&[role]);
        }
        SwarmRequest::NodeLs { .. } => say(&["node", "ls"]),
        SwarmRequest::NodeInspect { names, .. } => {
            say(&["node", "inspect"]);
            names.iter().for_each(|n| say(&[n]));
        }
        SwarmRequest::NodeRm { force, names } => {
            say(&["node", "rm"]);
            say(if *force { &["--force"] } else { &[] });
            names.iter().for_each(|n| say(&[n]));
        }
        SwarmRequest::NodePs { names, .. } => {
            say(&["node", "ps"]);
            names.iter().for_each(|n| say(&[n]));
        }
        SwarmRequest::NodeRole { manager, names } => {
            say(&["node", if *manager { "promote" } else { "demote" }]);
            names.iter().for_each(|n| say(&[n]));
        }
        SwarmRequest::NodeUpdate { change, name } => {
            say(&["node", "update"]);
            if let Some(word) = &change.availability {
                say(&["--availability", word]);
            }
            if let Some(word) = &change.role {
                say(&["--role", word]);
            }
            change.label_add.iter().for_each(|(k, v)| say(&["--label-add", &format!("{k}={v}")]));
            change.label_rm.iter().for_each(|k| say(&["--label-rm", k]));
            say(&[name]);
        }
        SwarmRequest::ServiceCreate { spec, .. } => {
            say(&["service", "create", "-d", "--no-resolve-image"]);
            if !spec.name.is_empty() {
                say(&["--name", &spec.name]);
            }
            match spec.mode {
                ServiceMode::Global => say(&["--mode", "global"]),
                ServiceMode::Replicated(1) => {}
                ServiceMode::Replicated(n) => say(&["--replicas", &n.to_string()]),
            }
            spec.networks.iter().for_each(|n| say(&["--network", n]));
            if spec.dnsrr {
                say(&["--endpoint-mode", "dnsrr"]);
            }
            for p in &spec.publish {
                let mode = if spec.ingress { "ingress" } else { "host" };
                let published = p.host.map(|h| format!("published={},", h.0)).unwrap_or_default();
                let text = format!("{published}target={},protocol={},mode={mode}", p.container.0, p.proto);
                say(&["--publish", &text]);
            }
            spec.env.iter().for_each(|(k, v)| say(&["--env", &format!("{k}={v}")]));
            say(&[&spec.image]);
            spec.command.iter().for_each(|w| say(&[w]));
        }
        SwarmRequest::ServiceLs { .. } => say(&["service", "ls"]),
        SwarmRequest::ServicePs { names, .. } => {
            say(&["service", "ps"]);
            names.iter().for_each(|n| say(&[n]));
        }
        SwarmRequest::ServiceInspect { names, .. } => {
            say(&["service", "inspect"]);
            names.iter().for_each(|n| say(&[n]));
        }
        SwarmRequest::ServiceScale { scales, .. } => {
            say(&["service", "scale", "-d"]);
            scales.iter().for_each(|(name, n)| say(&[&format!("{name}={n}")]));
        }
        SwarmRequest::ServiceUpdate { replicas, force, name, .. } => {
            say(&["service", "update", "-d"]);
            if let Some(n) = replicas {
                say(&["--replicas", &n.to_string()]);
            }
            say(if *force { &["--force"] } else { &[] });
            say(&[name]);
        }
        SwarmRequest::ServiceRollback { name, .. } => say(&["service", "rollback", "-d", name]),
        SwarmRequest::ServiceRm { names } => {
            say(&["service", "rm"]);
            names.iter().for_each(|n| say(&[n]));
        }
        SwarmRequest::ServiceLogs { name, .. } => say(&["service", "logs", name]),
    }
    out
}
