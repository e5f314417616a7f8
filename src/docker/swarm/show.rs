//! What `docker node` and `docker service` print.

use super::cluster::{Cluster, Service, SwarmNode, Task, TaskState};
use super::node::answers;
use super::request::{RestartCondition, ServiceMode, SwarmRequest};
use crate::docker::Response;
use crate::docker::engine::Engine;
use crate::docker::image::{self, ENGINE_VERSION};
use crate::docker::inspect::answer;
use crate::docker::listing::{human, list};
use crate::sim::World;
use crate::time::Instant;
use crate::wire::Protocol;
use serde_json::{Value, json};

/// Whether each node is there.
pub(super) fn states(world: &mut World, engines: &[&mut Engine], at: usize) -> Vec<bool> {
    answers(world, engines, at)
}

fn title(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|c| c.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

pub(super) fn node_ls(
    world: &mut World,
    engines: &[&mut Engine],
    at: usize,
    quiet: bool,
    format: Option<&str>,
    filters: &[String],
) -> Response {
    let states = states(world, engines, at);
    let Some(member) = engines[at].member() else { return Response::default() };
    let mut rows: Vec<(String, Value)> = Vec::new();
    for (node, up) in member.cluster.nodes.iter().zip(states) {
        if !super::filter::takes_node(filters, node) {
            continue;
        }
        let own = node.id == member.node;
        let manager = match (node.votes, node.leader) {
            (true, true) => "Leader",
            (true, false) if up => "Reachable",
            (true, false) => "Unreachable",
            _ => "",
        };
        // The table marks the node itself; an id alone is bare.
        let marked =
            if own && format.is_none() && !quiet { format!("{} *", node.id) } else { node.id.clone() };
        rows.push((
            node.hostname.clone(),
            json!({
                "ID": marked,
                "Hostname": node.hostname,
                "Status": if up { "Ready" } else { "Down" },
                "Availability": title(&node.availability),
                "ManagerStatus": manager,
                "EngineVersion": ENGINE_VERSION,
                "Self": own,
                "TLSStatus": "Ready",
            }),
        ));
    }
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    let rows: Vec<Value> = rows.into_iter().map(|r| r.1).collect();
    let columns = [
        ("ID", "ID"),
        ("HOSTNAME", "Hostname"),
        ("STATUS", "Status"),
        ("AVAILABILITY", "Availability"),
        ("MANAGER STATUS", "ManagerStatus"),
        ("ENGINE VERSION", "EngineVersion"),
    ];
    list(&rows, &columns, quiet, (format, "*node.nodeContext"))
}

pub(super) fn node_inspect(
    engine: &Engine,
    format: Option<&str>,
    pretty: bool,
    names: &[String],
) -> Response {
    let Some(member) = engine.member() else { return Response::default() };
    let cluster = &member.cluster;
    let find = |name: &str| {
        let name = if name == "self" { member.node.as_str() } else { name };
        let found = cluster.only_node(name).map(|n| &cluster.nodes[n]);
        found.map_err(|why| format!("Error response from daemon: {why}"))
    };
    if pretty {
        return human_readable(names, |name| find(name).map(pretty_node));
    }
    answer(format, names, |name| {
        find(name).map(|n| node_json(n, format.is_some_and(|f| f.contains(".ManagerStatus"))))
    })
}

/// One text after the other, up to what is not there.
fn human_readable(names: &[String], get: impl Fn(&str) -> Result<String, String>) -> Response {
    let mut response = Response::default();
    for name in names {
        match get(name) {
            Ok(text) => response.stdout += &text,
            Err(why) => {
                response.stderr = why + "\n";
                response.exit = 1;
                break;
            }
        }
    }
    response
}

/// What a request gets that nobody answers here. An inspection shows its empty list before.
pub(super) fn nothing(request: &SwarmRequest, why: &str) -> Response {
    let error = format!("Error response from daemon: {why}");
    match request {
        SwarmRequest::NodeInspect { format, pretty: false, names }
        | SwarmRequest::ServiceInspect { format, pretty: false, names } => {
            answer(format.as_deref(), &names[..1], |_| Err(error.clone()))
        }
        SwarmRequest::ServiceScale { scales, .. } => Response {
            stderr: scales.iter().map(|(name, _)| format!("{name}: {error}\n")).collect(),
            exit: 1,
            ..Response::default()
        },
        SwarmRequest::UnlockKey { .. } => {
            let stderr = format!("could not fetch unlock key: {error}\n");
            Response { stderr, exit: 1, ..Response::default() }
        }
        _ => Response { stderr: error + "\n", exit: 1, ..Response::default() },
    }
}

fn pretty_node(n: &SwarmNode) -> String {
    let mut out = format!("ID:\t\t\t{}\n", n.id);
    if !n.labels.is_empty() {
        out += "Labels:\n";
        out += &n
            .labels
            .iter()
            .map(|(k, v)| format!(" - {k}{}{v}\n", if v.is_empty() { "" } else { "=" }))
            .collect::<String>();
    }
    out += &format!(
        "Hostname:              \t{}\nStatus:\n State:\t\t\t{}\n Availability:         \t{}\n Address:\t\t{}\n",
        n.hostname,
        if n.down { "Down" } else { "Ready" },
        title(&n.availability),
        n.addr
    );
    if n.votes {
        out += &format!(
            "Manager Status:\n Address:\t\t{}:{}\n Raft Status:\t\t{}\n Leader:\t\t{}\n",
            n.addr,
            n.port,
            if n.down { "Unreachable" } else { "Reachable" },
            if n.leader { "Yes" } else { "No" }
        );
    }
    out + &format!(
        "Platform:\n Operating System:\tlinux\n Architecture:\t\tx86_64\nEngine Version:\t\t{ENGINE_VERSION}\n"
    )
}

/// What JSON leaves out, a template that asks for it sees as nothing.
fn node_json(n: &SwarmNode, for_template: bool) -> Value {
    let mut value = json!({
        "ID": n.id,
        "Spec": {
            "Labels": n.labels,
            "Role": if n.manager { "manager" } else { "worker" },
            "Availability": n.availability,
        },
        "Description": {
            "Hostname": n.hostname,
            "Platform": { "Architecture": "x86_64", "OS": "linux" },
            "Engine": { "EngineVersion": ENGINE_VERSION },
        },
        "Status": { "State": if n.down { "down" } else { "ready" }, "Addr": n.addr.to_string() },
    });
    if n.votes {
        let mut status = json!({ "Reachability": "reachable", "Addr": format!("{}:{}", n.addr, n.port) });
        if n.leader {
            status["Leader"] = true.into();
        }
        value["ManagerStatus"] = status;
    } else if for_template {
        value["ManagerStatus"] = Value::Null;
    }
    value
}

// ---- services

fn image_name(name: &str) -> String {
    image::full_name(name)
}

/// Tasks that run, and how many are wanted. Those that run although they shall end count, too: what a
/// lost node was doing last, and what has not been stopped yet.
pub(super) fn replicas(cluster: &Cluster, service: &Service) -> (usize, usize) {
    let all = || cluster.tasks.iter().filter(|t| t.service == service.id);
    let running = all().filter(|t| matches!(t.state, TaskState::Running | TaskState::Stopping)).count();
    let wanted = match service.spec.mode {
        ServiceMode::Replicated(n) => n as usize,
        ServiceMode::Global => all().filter(|t| t.wanted).count(),
    };
    (running, wanted)
}

pub(super) fn service_ls(
    cluster: &Cluster,
    quiet: bool,
    format: Option<&str>,
    filters: &[String],
) -> Response {
    let taken = |s: &&Service| super::filter::takes_service(filters, s);
    let mut services: Vec<&Service> = cluster.services.iter().filter(taken).collect();
    services.sort_by(|a, b| a.spec.name.cmp(&b.spec.name));
    let rows: Vec<Value> = services
        .into_iter()
        .map(|s| {
            let (running, wanted) = replicas(cluster, s);
            json!({
                "ID": if quiet { s.id.as_str() } else { &s.id[..12] },
                "Name": s.spec.name,
                "Mode": mode(s),
                "Replicas": format!("{running}/{wanted}"),
                "Image": image_name(&s.spec.image),
                "Ports": "",
            })
        })
        .collect();
    let columns = [
        ("ID", "ID"),
        ("NAME", "Name"),
        ("MODE", "Mode"),
        ("REPLICAS", "Replicas"),
        ("IMAGE", "Image"),
        ("PORTS", "Ports"),
    ];
    list(&rows, &columns, quiet, (format, "*service.serviceContext"))
}

fn mode(s: &Service) -> &'static str {
    match s.spec.mode {
        ServiceMode::Replicated(_) => "replicated",
        ServiceMode::Global => "global",
    }
}

/// A task's name in lists: `web.1`, or `web.NODE` of a global service.
pub(super) fn task_name(cluster: &Cluster, task: &Task) -> String {
    let service = cluster.services.iter().find(|s| s.id == task.service);
    let name = service.map_or(task.service.as_str(), |s| s.spec.name.as_str());
    if task.slot == 0 { format!("{name}.{}", task.node) } else { format!("{name}.{}", task.slot) }
}

pub(super) fn tasks(
    cluster: &Cluster,
    wanted: &dyn Fn(&Task) -> bool,
    now: Instant,
    (quiet, whole): (bool, bool),
    format: Option<&str>,
) -> Response {
    let mut all: Vec<&Task> = cluster.tasks.iter().filter(|t| wanted(t)).collect();
    let node_name = |t: &Task| {
        let node = cluster.nodes.iter().find(|n| n.id == t.node);
        node.map(|n| n.hostname.clone()).unwrap_or_default()
    };
    // By service and slot; of a slot the one that runs first, then the newest.
    all.sort_by_key(|t| {
        let slot = if t.slot == 0 { node_name(t) } else { format!("{:08}", t.slot) };
        let service = cluster.services.iter().position(|s| s.id == t.service);
        let name = service.map(|s| cluster.services[s].spec.name.clone());
        (name, slot, !t.wanted, std::cmp::Reverse(t.since))
    });
    let mut last = String::new();
    let rows: Vec<Value> = all
        .into_iter()
        .map(|t| {
            let name = task_name(cluster, t);
            let again = std::mem::replace(&mut last, name.clone()) == name;
            // The table hangs earlier tasks of a slot below the current one.
            let shown = if again && format.is_none() { format!(" \\_ {name}") } else { name };
            let ago = human(now.since(t.since).as_secs());
            let (state, error) = match &t.state {
                TaskState::Running | TaskState::Stopping => (format!("Running {ago} ago"), String::new()),
                TaskState::Assigned => (format!("Preparing {ago} ago"), String::new()),
                TaskState::Failed => {
                    let why = t.code.map(|c| format!("task: non-zero exit ({c})"));
                    let why = why.or_else(|| Some(t.why.clone()).filter(|w| !w.is_empty()));
                    let text = |why: String| if whole { format!("\"{why}\"") } else { short_error(&why) };
                    (format!("Failed {ago} ago"), why.map(text).unwrap_or_default())
                }
                TaskState::Complete => (format!("Complete {ago} ago"), String::new()),
                TaskState::Shutdown => (format!("Shutdown {ago} ago"), String::new()),
                TaskState::Pending(why) if whole => (format!("Pending {ago} ago"), format!("\"{why}\"")),
                TaskState::Pending(why) => (format!("Pending {ago} ago"), short_error(why)),
            };
            let service = cluster.services.iter().find(|s| s.id == t.service);
            json!({
                "ID": if quiet || whole { t.id.as_str() } else { &t.id[..12] },
                "Name": shown,
                "Image": service.map(|s| image_name(&s.spec.image)).unwrap_or_default(),
                "Node": node_name(t),
                "DesiredState": if t.wanted { "Running" } else { "Shutdown" },
                "CurrentState": state,
                "Error": error,
                "Ports": if t.state == TaskState::Running { ports(t) } else { String::new() },
            })
        })
        .collect();
    let columns = [
        ("ID", "ID"),
        ("NAME", "Name"),
        ("IMAGE", "Image"),
        ("NODE", "Node"),
        ("DESIRED STATE", "DesiredState"),
        ("CURRENT STATE", "CurrentState"),
        ("ERROR", "Error"),
        ("PORTS", "Ports"),
    ];
    list(&rows, &columns, quiet, (format, "*task.taskContext"))
}

/// The published ports of a task, once for IPv4 and once for IPv6.
fn ports(t: &Task) -> String {
    let one = |(host, port, proto): &(u16, u16, Protocol)| format!("*:{host}->{port}/{proto}");
    let all: Vec<String> = t.ports.iter().map(one).flat_map(|p| [p.clone(), p]).collect();
    all.join(",")
}

/// In quotation marks, at most 30 characters (docker/cli, task formatter).
fn short_error(why: &str) -> String {
    let cut: String =
        if why.chars().count() > 30 { why.chars().take(29).chain(['…']).collect() } else { why.into() };
    format!("\"{cut}\"")
}

pub(super) fn service_inspect(
    cluster: &Cluster,
    format: Option<&str>,
    pretty: bool,
    names: &[String],
) -> Response {
    if pretty {
        return human_readable(names, |name| match cluster.service(name) {
            Some(s) => Ok(pretty_service(&cluster.services[s])),
            None => Err(format!("Error: no such service: {name}")),
        });
    }
    answer(format, names, |name| match cluster.service(name) {
        Some(s) => Ok(service_json(&cluster.services[s])),
        None => Err(format!("Error: no such service: {name}")),
    })
}

fn service_json(s: &Service) -> Value {
    let mode = match s.spec.mode {
        ServiceMode::Replicated(n) => json!({ "Replicated": { "Replicas": n } }),
        ServiceMode::Global => json!({ "Global": {} }),
    };
    let ports: Vec<Value> = s
        .spec
        .publish
        .iter()
        .map(|p| {
            let mut port = json!({ "Protocol": p.proto.to_string(), "TargetPort": p.container.0 });
            if let Some((host, _)) = p.host {
                port["PublishedPort"] = host.into();
            }
            port["PublishMode"] = "host".into();
            port
        })
        .collect();
    let placement = match s.spec.constraints.as_slice() {
        [] => json!({}),
        some => json!({ "Constraints": some }),
    };
    let mut endpoint = json!({ "Mode": if s.spec.dnsrr { "dnsrr" } else { "vip" } });
    // Nothing was allocated for who asks for nothing.
    let nothing = s.spec.publish.is_empty() && s.spec.networks.is_empty();
    let mut container = json!({ "Image": image_name(&s.spec.image), "Args": s.spec.command });
    let mut whole = if nothing { json!({ "Spec": {} }) } else { json!({ "Spec": endpoint }) };
    if !ports.is_empty() {
        endpoint["Ports"] = ports.clone().into();
        whole = json!({ "Spec": endpoint, "Ports": ports });
    }
    let pair = |(k, v): &(String, String)| if v.is_empty() { k.clone() } else { format!("{k}={v}") };
    let map = |all: &[(String, String)]| -> Value {
        all.iter()
            .map(|(k, v)| (k.clone(), Value::from(v.as_str())))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    if !s.spec.env.is_empty() {
        container["Env"] = s.spec.env.iter().map(pair).collect();
    }
    if !s.spec.container_labels.is_empty() {
        container["Labels"] = map(&s.spec.container_labels);
    }
    if let Some(name) = &s.spec.hostname {
        container["Hostname"] = name.as_str().into();
    }
    let condition = match s.spec.restart.condition {
        RestartCondition::Any => "any",
        RestartCondition::OnFailure => "on-failure",
        RestartCondition::None => "none",
    };
    json!({
        "ID": s.id,
        "Version": { "Index": 10 + s.version },
        "Spec": {
            "Name": s.spec.name,
            "Labels": map(&s.spec.labels),
            "TaskTemplate": {
                "ContainerSpec": container,
                "RestartPolicy": {
                    "Condition": condition,
                    "Delay": s.spec.restart.delay.0,
                    "MaxAttempts": s.spec.restart.attempts,
                },
                "Placement": placement,
                "Networks": s.spec.networks.iter().map(|n| json!({ "Target": n })).collect::<Vec<_>>(),
            },
            "Mode": mode,
            "EndpointSpec": endpoint,
        },
        "Endpoint": whole,
    })
}

fn pretty_service(s: &Service) -> String {
    let spec = &s.spec;
    let mut out = format!("\nID:\t\t{}\nName:\t\t{}\n", s.id, spec.name);
    for (i, (k, v)) in spec.labels.iter().enumerate() {
        out += if i == 0 { "Labels:\n" } else { "" };
        out += &format!(" {k}{}{v}\n", if v.is_empty() { "" } else { "=" });
    }
    match spec.mode {
        ServiceMode::Replicated(n) => out += &format!("Service Mode:\tReplicated\n Replicas:\t{n}\n"),
        ServiceMode::Global => out += "Service Mode:\tGlobal\n",
    }
    out += "Placement:\n";
    if !spec.constraints.is_empty() {
        out += &format!(" Constraints:\t[{}]\n", spec.constraints.join(" "));
    }
    out += "UpdateConfig:\n Parallelism:\t1\n On failure:\tpause\n Monitoring Period: 5s\n Max failure \
            ratio: 0\n Update order:      stop-first\nRollbackConfig:\n Parallelism:\t1\n On failure:\tpause\n \
            Monitoring Period: 5s\n Max failure ratio: 0\n Rollback order:    stop-first\n";
    out += &format!("ContainerSpec:\n Image:\t\t{}\n", image_name(&spec.image));
    if !spec.command.is_empty() {
        out += &format!(" Args:\t\t{} \n", spec.command.join(" "));
    }
    if !spec.env.is_empty() {
        out += " Env:\t\t";
        out += &spec.env.iter().map(|(k, v)| format!("{k}={v} ")).collect::<String>();
        out += "\n";
    }
    out += " Init:\t\tfalse\nResources:\n";
    if !spec.networks.is_empty() {
        out += &format!("Networks: {} \n", spec.networks.join(" "));
    }
    out += &format!("Endpoint Mode:\t{}\n", if spec.dnsrr { "dnsrr" } else { "vip" });
    for (i, p) in spec.publish.iter().enumerate() {
        out += if i == 0 { "Ports:\n" } else { "" };
        out += &format!(
            " PublishedPort = {}\n  Protocol = {}\n  TargetPort = {}\n  PublishMode = host\n",
            p.host.map_or(0, |h| h.0),
            p.proto,
            p.container.0
        );
    }
    if !spec.publish.is_empty() {
        out.pop();
        out += " \n";
    }
    out
}

/// Reads what `docker service logs` prints from the containers of all members: bare, with the tasks' ids, the
/// whole of them; of each the last lines only.
pub(super) fn logs(
    engines: &[&mut Engine],
    service: &str,
    (raw, ids, whole): (bool, bool, bool),
    tail: Option<usize>,
) -> Response {
    let mut response = Response::default();
    for engine in engines {
        let Some(member) = engine.member() else { continue };
        let node = member.cluster.nodes.iter().find(|n| n.id == member.node).map(|n| n.hostname.clone());
        for c in engine.containers.iter().filter(|c| c.inner.service.as_deref() == Some(service)) {
            let (slot, id) = c.name.rsplit_once('.').unwrap_or((&c.name, ""));
            let name = match (ids, whole) {
                (false, _) => slot.to_owned(),
                (true, true) => c.name.clone(),
                (true, false) => format!("{slot}.{}", &id[..id.len().min(12)]),
            };
            let pieces = c.inner.log.iter().flat_map(|p| p.text.lines().map(move |l| (p.err, l)));
            let lines: Vec<(bool, &str)> = pieces.collect();
            let from = lines.len().saturating_sub(tail.unwrap_or(usize::MAX));
            for (err, line) in &lines[from..] {
                let head = format!("{name}@{}    | ", node.clone().unwrap_or_default());
                let line = format!("{}{line}\n", if raw { "" } else { &head });
                if *err { response.stderr += &line } else { response.stdout += &line }
            }
        }
    }
    response
}
