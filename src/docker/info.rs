//! `docker info`, `docker top`, `docker stats --no-stream`: the engine and what runs on it.
//!
//! Supported: what `docker info` tells of things that exist here; `docker top` with ps's `-ef`, `-e`
//! and `o FIELD,…`; one round of `docker stats`, with traffic and processes counted. Not supported: figures of processors, memory and disks, which no machine here has (0).

use super::engine::{ContainerState, Engine, EngineError, reply};
use super::image::{ENGINE_VERSION, IMAGES};
use super::listing::{align, list};
use super::names::short;
use super::template::{Template, TemplateError};
use super::{Container, Response};
use crate::sim::World;
use crate::stack::DeviceKind;
use serde_json::{Value, json};
use std::fmt::Write;

/// Network drivers, as the engine lists them.
const DRIVERS: [&str; 6] = ["bridge", "host", "ipvlan", "macvlan", "null", "overlay"];

/// What `docker top` may show of a process: ps's name of it, its heading there.
const FIELDS: [(&str, &str); 15] = [
    ("args", "COMMAND"),
    ("cmd", "CMD"),
    ("comm", "COMMAND"),
    ("command", "COMMAND"),
    ("euser", "EUSER"),
    ("pid", "PID"),
    ("ppid", "PPID"),
    ("c", "C"),
    ("ruser", "RUSER"),
    ("stime", "STIME"),
    ("time", "TIME"),
    ("tname", "TTY"),
    ("tt", "TT"),
    ("tty", "TT"),
    ("user", "USER"),
];

/// What a manager says of its swarm, with swarmkit's defaults where nothing else can be set here.
fn cluster_text(cluster: &super::swarm::Cluster) -> String {
    format!(
        "  ClusterID: {}\n  Managers: {}\n  Nodes: {}\n  Data Path Port: 4789\n  Orchestration:\n   Task History \
         Retention Limit: {}\n  Raft:\n   Snapshot Interval: 10000\n   Number of Old Snapshots to Retain: 0\n   \
         Heartbeat Tick: 1\n   Election Tick: 10\n  Dispatcher:\n   Heartbeat Period: 5 seconds\n  CA \
         Configuration:\n   Expiry Duration: 3 months\n   Force Rotate: 0\n  Autolock Managers: false\n  Root \
         Rotation In Progress: false\n",
        cluster.id,
        cluster.nodes.iter().filter(|n| n.votes).count(),
        cluster.nodes.len(),
        cluster.history
    )
}

impl Engine {
    pub(super) fn info(&self, world: &World, format: Option<&str>) -> Response {
        let value = self.info_json(world);
        match format {
            None => self.info_text(&value),
            Some("json") => Response::ok(format!("{value}\n")),
            Some(text) => match Template::parse(text).and_then(|t| t.render(&value)) {
                Ok(line) => Response::ok(line + "\n"),
                Err(TemplateError::Parse(e)) => Response {
                    stderr: format!("template parsing error: {e}\n"),
                    exit: 64,
                    ..Response::default()
                },
                Err(TemplateError::Exec(e)) => {
                    let stderr = format!("{}\n", without_field(&e, &value));
                    Response { stderr, exit: 1, ..Response::default() }
                }
            },
        }
    }

    fn info_json(&self, world: &World) -> Value {
        let host = world.machine(self.host);
        let forwards = world.namespace(self.host_ns(world)).is_some_and(|ns| ns.sysctl.ip_forward);
        let count = |state: &dyn Fn(ContainerState) -> bool| {
            self.containers.iter().filter(|c| state(c.state)).count()
        };
        let running = count(&|s| matches!(s, ContainerState::Running | ContainerState::Restarting { .. }));
        let paused = count(&|s| s == ContainerState::Paused);
        let pools: Vec<Value> = (self.config.pools.iter())
            .map(|(base, size)| json!({ "Base": base.to_string(), "Size": size }))
            .collect();
        let (node, state, manager) = match &self.swarm {
            None => ("", "inactive", false),
            Some(m) if m.pending => (m.node.as_str(), "pending", false),
            Some(m) => (m.node.as_str(), "active", m.manager),
        };
        json!({
            "Containers": self.containers.len(),
            "ContainersRunning": running,
            "ContainersPaused": paused,
            "ContainersStopped": self.containers.len() - running - paused,
            "Images": IMAGES.len(),
            "Driver": "overlay2",
            "Plugins": { "Volume": ["local"], "Network": DRIVERS, "Authorization": null, "Log": ["json-file"] },
            "IPv4Forwarding": forwards,
            "Debug": false,
            "LoggingDriver": "json-file",
            "CgroupDriver": "cgroupfs",
            "OSType": "linux",
            "Architecture": "x86_64",
            "DockerRootDir": "/var/lib/docker",
            "Name": host.map_or("", |m| m.hostname.as_str()),
            "ExperimentalBuild": false,
            "ServerVersion": ENGINE_VERSION,
            "Swarm": self.swarm_info(node, state, manager),
            "LiveRestoreEnabled": false,
            "DefaultAddressPools": if pools.is_empty() { Value::Null } else { Value::Array(pools) },
            "Warnings": if forwards { Value::Null } else { json!([NO_FORWARDING]) },
            "ClientInfo": { "Debug": false, "Version": ENGINE_VERSION, "Context": "default" },
        })
    }

    /// What the engine says of its swarm. How many there are only managers know.
    fn swarm_info(&self, node: &str, state: &str, manager: bool) -> Value {
        let mut value = json!({
            "NodeID": node,
            "NodeAddr": self.swarm.as_ref().map_or(String::new(), |m| m.addr.to_string()),
            "LocalNodeState": state,
            "ControlAvailable": manager,
            "Error": "",
            "RemoteManagers": null,
        });
        let Some(member) = self.member() else { return value };
        let cluster = &member.cluster;
        let managers = || cluster.nodes.iter().filter(|n| n.votes);
        value["RemoteManagers"] =
            managers().map(|n| json!({ "NodeID": n.id, "Addr": format!("{}:{}", n.addr, n.port) })).collect();
        if manager {
            value["Nodes"] = cluster.nodes.len().into();
            value["Managers"] = managers().count().into();
            let pools: Option<Vec<String>> =
                cluster.asked_pools.then(|| cluster.pools.0.iter().map(ToString::to_string).collect());
            value["Cluster"] = json!({
                "ID": cluster.id,
                "Spec": { "Name": "default", "Orchestration": { "TaskHistoryRetentionLimit": cluster.history } },
                "DefaultAddrPool": pools,
                "SubnetSize": cluster.pools.1,
                "DataPathPort": 4789,
            });
        }
        value
    }

    fn info_text(&self, v: &Value) -> Response {
        let show = |key: &str| super::template::text_of(&v[key]);
        let mut text = format!(
            "Client:\n Version:    {ENGINE_VERSION}\n Context:    default\n Debug Mode: false\n\nServer:\n"
        );
        let rows = [
            (" Containers", "Containers"),
            ("  Running", "ContainersRunning"),
            ("  Paused", "ContainersPaused"),
            ("  Stopped", "ContainersStopped"),
            (" Images", "Images"),
            (" Server Version", "ServerVersion"),
            (" Storage Driver", "Driver"),
            (" Logging Driver", "LoggingDriver"),
            (" Cgroup Driver", "CgroupDriver"),
        ];
        for (label, key) in rows {
            let _ = writeln!(text, "{label}: {}", show(key));
        }
        let _ =
            write!(text, " Plugins:\n  Volume: local\n  Network: {}\n  Log: json-file\n", DRIVERS.join(" "));
        let swarm = &v["Swarm"];
        let _ = writeln!(text, " Swarm: {}", super::template::text_of(&swarm["LocalNodeState"]));
        if let Some(member) = &self.swarm {
            let _ = writeln!(text, "  NodeID: {}\n  Is Manager: {}", member.node, member.manager);
            if let (Some(cluster), true) = (self.member().map(|m| &m.cluster), member.manager) {
                text += &cluster_text(cluster);
            }
            let _ = writeln!(text, "  Node Address: {}", member.addr);
            let managers = member.cluster.nodes.iter().filter(|n| n.votes && !member.pending);
            let managers: String = managers.map(|n| format!("   {}:{}\n", n.addr, n.port)).collect();
            if !managers.is_empty() {
                let _ = write!(text, "  Manager Addresses:\n{managers}");
            }
        }
        text += " Runtimes: io.containerd.runc.v2 runc\n Default Runtime: runc\n Init Binary: docker-init\n";
        let rows = [
            (" OSType", "OSType"),
            (" Architecture", "Architecture"),
            (" Name", "Name"),
            (" Docker Root Dir", "DockerRootDir"),
            (" Debug Mode", "Debug"),
            (" Experimental", "ExperimentalBuild"),
            (" Live Restore Enabled", "LiveRestoreEnabled"),
        ];
        for (label, key) in rows {
            let _ = writeln!(text, "{label}: {}", show(key));
        }
        if !self.config.pools.is_empty() {
            text.push_str(" Default Address Pools:\n");
            for (base, size) in &self.config.pools {
                let _ = writeln!(text, "   Base: {base}, Size: {size}");
            }
        }
        text.push('\n');
        let stderr = if v["Warnings"].is_null() { String::new() } else { format!("{NO_FORWARDING}\n") };
        Response { stderr, ..Response::ok(text) }
    }

    pub(super) fn stats(
        &self,
        world: &World,
        (all, once): (bool, bool),
        format: Option<&str>,
        names: &[String],
    ) -> Response {
        if !once {
            let stderr = "netpier prints it once: give --no-stream\n".to_owned();
            return Response { stderr, exit: 1, ..Response::default() };
        }
        let mut listed = Vec::new();
        for name in names {
            match self.find(name) {
                Ok(i) => listed.push(i),
                Err(e) => return reply(Err(e)),
            }
        }
        if names.is_empty() {
            // Newest first.
            listed.extend(
                (0..self.containers.len()).rev().filter(|i| all || self.containers[*i].state.is_up()),
            );
        }
        let rows: Vec<Value> = listed.into_iter().map(|i| self.stats_row(world, i)).collect();
        let columns = [
            ("CONTAINER ID", "ID"),
            ("NAME", "Name"),
            ("CPU %", "CPUPerc"),
            ("MEM USAGE / LIMIT", "MemUsage"),
            ("MEM %", "MemPerc"),
            ("NET I/O", "NetIO"),
            ("BLOCK I/O", "BlockIO"),
            ("PIDS", "PIDs"),
        ];
        list(&rows, &columns, false, (format, "*container.statsContext"))
    }

    /// What a container has received and sent: all its interfaces but `lo`, and none where it has the
    /// host's.
    fn stats_row(&self, world: &World, i: usize) -> Value {
        let c = &self.containers[i];
        let (mut rx, mut tx) = (0_u64, 0_u64);
        let ns = world.machine(c.machine).map(|m| m.ns).filter(|ns| *ns != self.host_ns(world));
        if let Some(ns) = ns.filter(|_| c.state.is_up()).and_then(|ns| world.namespace(ns)) {
            for device in ns.devices().filter(|d| !matches!(d.kind, DeviceKind::Loopback)) {
                let [_, received, _, sent] = device.stats;
                rx = rx.saturating_add(received);
                tx = tx.saturating_add(sent);
            }
        }
        let processes = world.processes().filter(|p| p.machine == c.machine).count();
        json!({
            "Container": short(&c.id),
            "ID": short(&c.id),
            "Name": c.name,
            "CPUPerc": "0.00%",
            "MemUsage": "0B / 0B",
            "MemPerc": "0.00%",
            "NetIO": format!("{} / {}", size(rx), size(tx)),
            "BlockIO": "0B / 0B",
            "PIDs": processes.to_string(),
        })
    }

    pub(super) fn top(&mut self, world: &mut World, name: &str, args: &[String]) -> Response {
        let table = self.top_table(world, name, args);
        if let (Ok(_), Ok(i)) = (&table, self.find(name)) {
            self.tell(world, i, "top", &[]);
        }
        reply(table)
    }

    fn top_table(&self, world: &World, name: &str, args: &[String]) -> Result<String, EngineError> {
        let c = &self.containers[self.find(name)?];
        if let ContainerState::Restarting { .. } = c.state {
            let text = format!("Container {} is restarting, wait until the container is running", c.id);
            return Err(EngineError::new(text));
        }
        if !c.state.is_up() {
            return Err(EngineError::new(format!("container {} is not running", c.id)));
        }
        let (fields, headings) = ps_fields(args)?;
        if !headings.iter().any(|h| h == "PID") {
            return Err(EngineError::new("Couldn't find PID field in ps output"));
        }
        let mut table = vec![headings];
        for p in world.processes().filter(|p| p.machine == c.machine) {
            table.push(fields.iter().map(|f| self.of_process(c, p, f)).collect());
        }
        Ok(align(&table, 20))
    }

    /// What ps says of a process of container `c`. There is no shim here, so that the engine itself is
    /// the parent of what it starts.
    fn of_process(&self, c: &Container, p: &crate::sim::Process, field: &str) -> String {
        let main = c.inner.main == Some(p.pid);
        match field {
            "pid" => p.pid.0.to_string(),
            "ppid" => self.dockerd.0.to_string(),
            "c" => "0".to_owned(),
            // When others began was not written down.
            "stime" if main => super::inspect::moment(c.inner.started)[11..16].to_owned(),
            "stime" | "tt" | "tty" | "tname" => "?".to_owned(),
            "time" => "00:00:00".to_owned(),
            "args" | "cmd" | "command" if main => c.inner.command.join(" "),
            "user" | "euser" | "ruser" if main && !c.inner.spec.user.is_empty() => {
                c.inner.spec.user.split(':').next().unwrap_or_default().to_owned()
            }
            "user" | "euser" | "ruser" => "root".to_owned(),
            _ => p.name.clone(),
        }
    }
}

/// Three digits and a unit (github.com/docker/go-units, HumanSizeWithPrecision).
pub(super) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut units = ["B", "kB", "MB", "GB", "TB"].into_iter().peekable();
    while value >= 1000.0 && units.len() > 1 {
        value /= 1000.0;
        units.next();
    }
    let unit = units.next().unwrap_or("B");
    let digits = if value >= 100.0 { 0 } else { usize::from(value < 10.0) + 1 };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

/// What the engine warns of where its host does not forward.
const NO_FORWARDING: &str = "WARNING: IPv4 forwarding is disabled";

/// The fields that ps's arguments ask for, and their headings (ps(1), "standard format specifiers").
fn ps_fields(args: &[String]) -> Result<(Vec<&'static str>, Vec<String>), EngineError> {
    let text = args.join(" ");
    let asked = match text.as_str() {
        "" | "-ef" | "-fe" | "-e -f" => {
            let fields = vec!["user", "pid", "ppid", "c", "stime", "tname", "time", "cmd"];
            let headings = ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"];
            return Ok((fields, headings.map(str::to_owned).to_vec()));
        }
        "-e" | "-A" => "pid,tname,time,comm",
        text => text
            .strip_prefix("-eo")
            .or_else(|| text.strip_prefix("-o"))
            .or_else(|| text.strip_prefix("o "))
            .ok_or_else(|| EngineError::new(format!("ps: {text:?} is not known here: -ef, -o FIELD,…")))?
            .trim(),
    };
    let mut fields = Vec::new();
    let mut headings = Vec::new();
    for wanted in asked.split([',', ' ']).filter(|w| !w.is_empty()) {
        let (field, heading) = FIELDS.iter().find(|f| f.0 == wanted).ok_or_else(|| {
            EngineError::new(format!("ps: error: unknown user-defined format specifier {wanted:?}"))
        })?;
        fields.push(*field);
        headings.push((*heading).to_owned());
    }
    Ok((fields, headings))
}

/// The client keeps what it knows in a struct: a field that this has not is called otherwise than a key
/// that a map has not.
fn without_field(error: &str, value: &Value) -> String {
    let Some((at, key)) = error.split_once(": map has no entry for key ") else { return error.to_owned() };
    let bare = key.trim_matches('"');
    if value.get(bare).is_some() || !at.contains(&format!("<.{bare}")) {
        return error.to_owned();
    }
    format!("{at}: can't evaluate field {bare} in type system.dockerInfo")
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_have_three_digits() {
        for (bytes, want) in [
            (0, "0B"),
            (90, "90B"),
            (999, "999B"),
            (1000, "1kB"),
            (1234, "1.23kB"),
            (1500, "1.5kB"),
            (123_456, "123kB"),
            (56_700, "56.7kB"),
            (2_000_000, "2MB"),
        ] {
            assert_eq!(size(bytes), want);
        }
    }
}
