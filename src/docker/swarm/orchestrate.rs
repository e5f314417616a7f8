//! The orchestrator, the scheduler and the agent of swarmkit in one: what services want becomes tasks, tasks
//! find nodes, and there become containers.
//!
//! ```text
//!   Pending ◀─▶ Assigned ─▶ Running ─▶ Stopping ─▶ Shutdown
//!                  │           └─▶ Failed, Complete (its container ended by itself)
//!                  └─▶ Failed (it could not be started)
//! ```
//! A task that is wanted no more is stopped in two steps: its names are withdrawn, and when the members have
//! heard of that, its container is stopped. No task is started twice: another one takes its slot. Not
//! supported: rollbacks that begin by themselves, update delays and parallelism, resources, preferences of placement.

use super::change::{ends, over, update_one};
use super::cluster::{Cluster, Service, SwarmNode, Task, TaskState, new_id};
use super::request::{ServiceMode, ServiceSpec};
use crate::docker::engine::{ContainerState, Engine};
use crate::docker::{Container, EndpointSpec, PortSpec, Request, RunSpec, image};
use crate::guest::{self, Signal};
use crate::rng::Rng;
use crate::sim::World;
use crate::stack::Pid;
use crate::time::{Duration, Instant};
use crate::wire::Protocol;
use std::collections::BTreeMap;

/// How long after its end a task is replaced (the restart policy's delay).
const RESTART_DELAY: Duration = Duration::from_secs(5);
/// A container takes some time to come and go, which here it does not: without a delay, one that ends at once
/// would be replaced for ever in one moment.
const SOONEST: Duration = Duration::from_secs(1);
/// So many ended tasks of a slot are kept, whatever is asked for.
const MOST_KEPT: u64 = 100;
/// So many ended tasks of a service are kept, but never less than one of each slot.
const MOST_OF_A_SERVICE: u64 = 400;
/// How long it takes until a task that shall end has lost its names (measured: between 0.9 s and 2.2 s).
const HEARD: Duration = Duration::from_secs(1);
/// How long the members have to hear of that before it is stopped (moby,
/// daemon/cluster/executor/container, defaultGossipConvergeDelay).
const CONVERGE: Duration = Duration::from_secs(2);

/// Brings the cluster of engine `at` nearer to what its services want. What changed makes it dirty again.
pub(super) fn orchestrate(world: &mut World, engines: &mut [&mut Engine], at: usize) {
    let Some(member) = engines[at].swarm.as_ref() else { return };
    if member.cluster.services.is_empty() && member.cluster.tasks.is_empty() {
        return;
    }
    let cluster = member.cluster.clone();
    let mut round = Round::new(engines, at, cluster, world.now());
    round.note_ends();
    let services = round.cluster.services.clone();
    let mut rng = round.engines[at].rng(world, "tasks");
    for service in &services {
        round.fill_slots(world, service, &mut rng);
    }
    for t in 0..round.cluster.tasks.len() {
        round.carry_out(world, t, &services);
    }
    round.forget(&services);
    round.hand_out(world);
}

/// A node that keeps the tasks it has.
fn keeps_tasks(node: &SwarmNode) -> bool {
    !node.down && node.availability != "drain"
}

/// A place for one task of a service.
struct Slot {
    /// From 1; 0 in a global service, which has one slot on each node.
    number: u32,
    /// The node of a global service's slot; else empty: any.
    node: String,
}

impl Slot {
    /// All slots of a service.
    fn all(cluster: &Cluster, service: &Service) -> Vec<Self> {
        match service.spec.mode {
            ServiceMode::Replicated(n) => {
                (1..=n).map(|number| Self { number, node: String::new() }).collect()
            }
            ServiceMode::Global => {
                let nodes = cluster.nodes.iter().filter(|n| keeps_tasks(n) && suits(n, &service.spec));
                nodes.map(|n| Self { number: 0, node: n.id.clone() }).collect()
            }
        }
    }
    /// The tasks that a service has, or had, in this slot.
    fn tasks<'a>(&'a self, cluster: &'a Cluster, service: &'a Service) -> impl Iterator<Item = &'a Task> {
        cluster.tasks.iter().filter(|t| t.service == service.id && self.holds(t))
    }
    /// Of a task of the same service: it is, or was, in this slot.
    fn holds(&self, task: &Task) -> bool {
        task.slot == self.number && (self.number > 0 || task.node == self.node)
    }
}

/// One round of the orchestrator. It decides on a copy of the cluster, and lends that to the engines whenever
/// one of them has to act on it.
struct Round<'a, 'b> {
    engines: &'a mut [&'b mut Engine],
    /// The engine whose cluster it is.
    at: usize,
    cluster: Cluster,
    /// The node id of each engine, if it is in this cluster.
    node_of: Vec<Option<String>>,
    /// The ids of nodes that nobody gets through to.
    lost: Vec<String>,
    now: Instant,
    changed: bool,
}

impl<'a, 'b> Round<'a, 'b> {
    fn new(engines: &'a mut [&'b mut Engine], at: usize, cluster: Cluster, now: Instant) -> Self {
        let node_of = engines
            .iter()
            .map(|e| e.member().filter(|m| m.cluster.id == cluster.id).map(|m| m.node.clone()))
            .collect();
        let away = cluster.nodes.iter().filter(|n| n.lost || n.is_leaving());
        let lost = away.map(|n| n.id.clone()).collect();
        Self { engines, at, cluster, node_of, lost, now, changed: false }
    }

    /// The engine of a node, if somebody gets through to it.
    fn engine_of(&self, node: &str) -> Option<usize> {
        let lost = self.lost.iter().any(|l| l == node);
        self.node_of.iter().position(|n| n.as_deref() == Some(node) && !lost)
    }

    // ---- what has happened

    /// Tasks whose container ended, and tasks whose node is gone, are wanted no more.
    fn note_ends(&mut self) {
        for t in 0..self.cluster.tasks.len() {
            let task = &self.cluster.tasks[t];
            if !task.wanted {
                continue;
            }
            if task.state == TaskState::Running && !self.is_running(task) {
                self.note_end(t);
            } else if !task.node.is_empty()
                && !self
                    .cluster
                    .nodes
                    .iter()
                    .any(|n| n.id == task.node && keeps_tasks(n) && self.may_stay(task, n))
            {
                self.cluster.tasks[t].wanted = false;
                self.changed = true;
            }
        }
    }

    /// Whether the service still allows the node of a task (swarmkit, orchestrator/constraintenforcer).
    fn may_stay(&self, task: &Task, node: &SwarmNode) -> bool {
        self.service_of(task).is_none_or(|s| task.version != s.version || suits(node, &s.spec))
    }

    /// Its container runs. Nobody knows of one on a lost node: it counts as running.
    fn is_running(&self, task: &Task) -> bool {
        self.lost.contains(&task.node)
            || self
                .engine_of(&task.node)
                .is_some_and(|e| self.container_of(task).is_some_and(|name| self.engines[e].runs(&name)))
    }

    /// What a task's container is called; None if its service is gone.
    fn container_of(&self, task: &Task) -> Option<String> {
        Some(container_name(&self.service_of(task)?.spec, task))
    }

    fn service_of(&self, task: &Task) -> Option<&Service> {
        self.cluster.services.iter().find(|s| s.id == task.service)
    }

    /// Task `t` ended by itself.
    fn note_end(&mut self, t: usize) {
        let task = &self.cluster.tasks[t];
        let engine = self.engine_of(&task.node);
        let code = engine.zip(self.container_of(task)).and_then(|(e, name)| self.engines[e].exit_of(&name));
        let delay = self.service_of(task).map_or(RESTART_DELAY, |s| s.spec.restart.delay);
        let task = &mut self.cluster.tasks[t];
        task.state = if code == Some(0) { TaskState::Complete } else { TaskState::Failed };
        (task.code, task.since, task.not_before) = (code, self.now, self.now + delay.max(SOONEST));
        task.ends = task.ends.saturating_add(1);
        task.wanted = false;
        self.changed = true;
    }

    // ---- what is wanted

    /// Ends tasks that are too many, makes those that are missing, and finds nodes for them and for those that
    /// waited for one.
    fn fill_slots(&mut self, world: &mut World, service: &Service, rng: &mut Rng) {
        let slots = Slot::all(&self.cluster, service);
        for task in self.cluster.tasks.iter_mut().filter(|t| t.service == service.id && t.wanted) {
            if !slots.iter().any(|slot| slot.holds(task)) {
                task.wanted = false;
                self.changed = true;
            }
        }
        self.changed |= update_one(&mut self.cluster, service);
        let first_new = self.cluster.tasks.len();
        for slot in &slots {
            if slot.tasks(&self.cluster, service).any(|t| t.wanted)
                || over(&self.cluster, service, (slot.number, &slot.node))
            {
                continue;
            }
            // A slot whose task has just ended waits a little.
            let not_before = slot.tasks(&self.cluster, service).map(|t| t.not_before).max();
            if let Some(moment) = not_before.filter(|moment| *moment > self.now) {
                let left = moment.since(self.now).as_secs() + 1;
                self.engines[self.at].call_again(world, left);
                continue;
            }
            self.make_task(service, slot, rng);
        }
        // Which slot is served first is chance in swarmkit; here it is the last one.
        for t in (0..self.cluster.tasks.len()).rev() {
            let task = &self.cluster.tasks[t];
            let waits = task.wanted && (task.node.is_empty() || t >= first_new);
            if task.service == service.id && waits {
                self.changed |= place(&mut self.cluster, t, service);
            }
        }
    }

    fn make_task(&mut self, service: &Service, slot: &Slot, rng: &mut Rng) {
        let ends = ends(&self.cluster, service, (slot.number, &slot.node));
        let mut addrs = Vec::new();
        for name in &service.spec.networks {
            let id = self.cluster.network(name).map(|n| n.id.clone());
            let net = self.cluster.networks.iter_mut().find(|n| Some(&n.id) == id.as_ref());
            if let Some(addr) = net.and_then(|n| n.take(None).ok()) {
                addrs.push((name.clone(), addr));
            }
        }
        self.cluster.tasks.push(Task {
            id: new_id(rng),
            service: service.id.clone(),
            slot: slot.number,
            node: slot.node.clone(),
            state: TaskState::Assigned,
            version: service.version,
            code: None,
            why: String::new(),
            ports: Vec::new(),
            wanted: true,
            since: self.now,
            addrs,
            not_before: self.now,
            ends,
        });
        self.changed = true;
    }

    // ---- containers

    /// Takes task `t` a step on: starts its container, withdraws its names, stops it.
    fn carry_out(&mut self, world: &mut World, t: usize, services: &[Service]) {
        let task = self.cluster.tasks[t].clone();
        let Some(e) = self.engine_of(&task.node) else { return };
        let service = services.iter().find(|s| s.id == task.service);
        match (&task.state, task.wanted, service) {
            (TaskState::Assigned, true, Some(service)) => {
                self.lend();
                let started = self.engines[e].start_task(world, service, &task);
                self.take_back(e);
                let kept = &mut self.cluster.tasks[t];
                (kept.state, kept.since) = (TaskState::Running, self.now);
                match started {
                    Ok(ports) => kept.ports = ports,
                    Err(why) => {
                        (kept.state, kept.wanted, kept.why) = (TaskState::Failed, false, why);
                        kept.not_before = self.now + RESTART_DELAY;
                        kept.ends = kept.ends.saturating_add(1);
                    }
                }
                self.changed = true;
            }
            (TaskState::Running, false, _) | (TaskState::Running, true, None) => {
                self.engines[e].call_again(world, HEARD.as_secs());
                self.engines[e].call_again(world, (HEARD + CONVERGE).as_secs());
                let kept = &mut self.cluster.tasks[t];
                (kept.state, kept.wanted) = (TaskState::Stopping, false);
                // Its successor waits for its end.
                kept.not_before = self.now + HEARD + CONVERGE;
                self.changed = true;
            }
            (TaskState::Stopping, ..) if task.not_before <= self.now => {
                self.lend();
                self.engines[e].stop_task(world, &task.id);
                self.take_back(e);
                let kept = &mut self.cluster.tasks[t];
                (kept.state, kept.since) = (TaskState::Shutdown, self.now);
                self.changed = true;
            }
            (TaskState::Stopping, ..) if task.not_before <= self.now + CONVERGE => {
                self.changed |= self.engines[e].withdraw(&task.id);
            }
            _ => {}
        }
    }

    /// Gives what has been decided so far to all members: an engine acts on its own copy.
    fn lend(&mut self) {
        for engine in self.engines.iter_mut() {
            if let Some(m) = engine.swarm.as_mut().filter(|m| m.cluster.id == self.cluster.id) {
                m.cluster.clone_from(&self.cluster);
            }
        }
    }

    /// Takes over what engine `e` changed in its copy.
    fn take_back(&mut self, e: usize) {
        if let Some(m) = &self.engines[e].swarm {
            self.cluster.clone_from(&m.cluster);
        }
    }

    // ---- the end of the round

    /// What is over is remembered for a while; a service that is gone takes its tasks along.
    fn forget(&mut self, services: &[Service]) {
        let mut tasks = std::mem::take(&mut self.cluster.tasks);
        let ending = |t: &Task| t.state == TaskState::Stopping && self.engine_of(&t.node).is_some();
        tasks.retain(|t| ending(t) || services.iter().any(|s| s.id == t.service));
        for service in services {
            match service.spec.mode {
                // Slots that were scaled away are forgotten, and what ran on nodes that are gone.
                ServiceMode::Replicated(n) => {
                    tasks.retain(|t| t.service != service.id || t.wanted || ending(t) || t.slot <= n);
                }
                ServiceMode::Global => tasks.retain(|t| {
                    let there = || self.cluster.nodes.iter().any(|n| n.id == t.node);
                    t.service != service.id || t.wanted || ending(t) || there()
                }),
            }
            let mut slots: BTreeMap<(u32, &str), (bool, Vec<usize>)> = BTreeMap::new();
            for (i, t) in tasks.iter().enumerate().filter(|(_, t)| t.service == service.id && !ending(t)) {
                let node = if t.slot > 0 { "" } else { t.node.as_str() };
                let (taken, ended) = slots.entry((t.slot, node)).or_default();
                *taken |= t.wanted;
                if !t.wanted {
                    ended.push(i);
                }
            }
            let share = MOST_OF_A_SERVICE / (slots.len() as u64).max(1);
            let mut many = vec![false; tasks.len()];
            for (taken, mut ended) in slots.into_values() {
                let most = kept(self.cluster.history, service.spec.restart.attempts, taken).min(share.max(1));
                // The newest ones are the last.
                ended.sort_by_key(|i| tasks[*i].since);
                let most = usize::try_from(most).unwrap_or(usize::MAX);
                for i in ended.iter().rev().skip(most) {
                    many[*i] = true;
                }
            }
            let mut many = many.into_iter();
            tasks.retain(|_| !many.next().unwrap_or(false));
        }
        self.cluster.tasks = tasks;
    }

    /// Gives the cluster to all members, and has them remove the containers of forgotten tasks.
    fn hand_out(&mut self, world: &mut World) {
        for e in 0..self.engines.len() {
            let engine = &mut *self.engines[e];
            if let Some(m) = engine.swarm.as_mut().filter(|m| m.cluster.id == self.cluster.id) {
                m.cluster.clone_from(&self.cluster);
            }
            if self.node_of[e].as_ref().is_some_and(|n| !self.lost.contains(n)) {
                engine.reap_tasks(world, &self.cluster.tasks);
                self.take_back(e);
            }
        }
        self.lend();
        for engine in self.engines.iter_mut() {
            if let Some(m) = engine.swarm.as_mut().filter(|m| m.cluster.id == self.cluster.id) {
                m.dirty = false;
            }
        }
        if self.changed
            && let Some(m) = self.engines[self.at].swarm.as_mut()
        {
            m.dirty = true;
        }
    }
}

/// How many ended tasks of a slot are kept with `--task-history-limit history` (swarmkit,
/// orchestrator/taskreaper): the task that has the slot counts among them, a negative limit is none, and of
/// limited restarts one more than the attempts are kept. The last task of an empty slot is kept in any case:
/// from that one is known whether, and when, there is to be another.
fn kept(history: i64, attempts: u32, taken: bool) -> u64 {
    let history = match attempts {
        0 => u64::try_from(history).unwrap_or(MOST_KEPT),
        attempts => u64::from(attempts) + 1,
    };
    history.saturating_sub(u64::from(taken)).clamp(u64::from(!taken), MOST_KEPT)
}

/// The parts of a constraint: what is looked at, whether it shall be equal, and to what (swarmkit,
/// manager/constraint).
pub(super) fn constraint(text: &str) -> Result<(&str, bool, &str), String> {
    let parts = text.split_once("==").map(|(key, value)| (key, true, value));
    let parts = parts.or_else(|| text.split_once("!=").map(|(key, value)| (key, false, value)));
    let (key, equal, value) = parts.ok_or("constraint expected one operator from ==, !=")?;
    let (key, value) = (key.trim(), value.trim());
    let of = |text: &str, more: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c));
    let begins = |c: char| c.is_ascii_alphabetic() || c == '_';
    if key.len() < 2 || !key.starts_with(begins) || !of(key, "-_.") {
        return Err(format!("key '{key}' is invalid"));
    }
    if value.is_empty() || !of(value, ":-_ .*()?+[]\\^$|/") {
        return Err(format!("value '{value}' is invalid"));
    }
    Ok((key, equal, value))
}

/// True if the constraints of a service allow a node; letters of either case are the same. No engine has
/// a label here, and a word that means nothing suits nobody.
fn suits(node: &SwarmNode, spec: &ServiceSpec) -> bool {
    spec.constraints.iter().filter_map(|c| constraint(c).ok()).all(|(key, equal, value)| {
        let own = match key.to_ascii_lowercase().as_str() {
            "node.id" => node.id.as_str(),
            "node.hostname" => node.hostname.as_str(),
            "node.role" if node.manager => "manager",
            "node.role" => "worker",
            "node.platform.os" => "linux",
            "node.platform.arch" => "x86_64",
            // Of a label every letter counts.
            _ if let Some(label) = key.strip_prefix("node.labels.") => {
                node.labels.get(label).map_or("", String::as_str)
            }
            labels if labels.starts_with("engine.labels.") => "",
            _ => return false,
        };
        own.eq_ignore_ascii_case(value) == equal
    })
}

/// Finds a node for task `t`: the one with the fewest tasks of the service, then the fewest at all (swarmkit,
/// manager/scheduler, nodeLess). Among equals, and for the order in which tasks are placed, swarmkit
/// walks over a map of Go: by chance. Here it is the first that joined. False if nothing changed.
fn place(cluster: &mut Cluster, t: usize, service: &Service) -> bool {
    let fixed = &cluster.tasks[t].node;
    let active = cluster.nodes.iter().filter(|n| !n.down && n.availability == "active");
    let candidates: Vec<&SwarmNode> = active.filter(|n| fixed.is_empty() || *fixed == n.id).collect();
    let (suited, unsuited): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|n| suits(n, &service.spec));
    let (busy, free): (Vec<_>, Vec<_>) =
        suited.into_iter().partition(|n| port_taken(cluster, t, service, &n.id));
    let best = free.into_iter().min_by_key(|n| load(cluster, t, service, &n.id)).map(|n| n.id.clone());
    let task = &cluster.tasks[t];
    let (node, state) = match best {
        Some(node) => (node, TaskState::Assigned),
        None => {
            let away = cluster.nodes.iter().filter(|n| n.down || n.availability != "active").count();
            let away = if fixed.is_empty() { away } else { 0 };
            (String::new(), TaskState::Pending(unplaced(away, unsuited.len(), busy.len())))
        }
    };
    let changed = !node.is_empty() || task.state != state;
    let task = &mut cluster.tasks[t];
    (task.node, task.state) = (node, state);
    changed
}

/// The tasks on a node besides `t`: those of the service, and all. Containers that were attached by hand are
/// tasks, too, but nobody's replicas.
fn load(cluster: &Cluster, t: usize, service: &Service, node: &str) -> (usize, usize) {
    let others = || {
        let others = cluster.tasks.iter().enumerate().filter(move |(i, _)| *i != t);
        others.filter(|(_, other)| other.wanted && other.node == node)
    };
    let own = others().filter(|(_, other)| other.service == service.id).count();
    let by_hand = cluster.attached.iter().filter(|a| a.node == node).count();
    (own, others().count() + by_hand)
}

/// Another task on the node holds a host port that task `t` of the service wants.
fn port_taken(cluster: &Cluster, t: usize, service: &Service, node: &str) -> bool {
    let others = cluster.tasks.iter().enumerate().filter(|(i, _)| *i != t).map(|(_, other)| other);
    let there = others.filter(|other| other.wanted && other.node == node);
    let services = there.filter_map(|other| cluster.services.iter().find(|s| s.id == other.service));
    let held: Vec<_> = services.flat_map(|s| &s.spec.publish).collect();
    let taken = |p: &PortSpec| held.iter().any(|q| q.host == p.host && q.proto == p.proto);
    service.spec.publish.iter().any(|p| p.host.is_some() && taken(p))
}

/// Why no node takes a task (swarmkit, manager/scheduler/filter.go, Explain): so many take none now, so many
/// do not suit the constraints, and so many have the host port in use.
fn unplaced(away: usize, unsuited: usize, busy: usize) -> String {
    let on = |n: usize| format!("{n} {}", if n == 1 { "node" } else { "nodes" });
    let mut why = Vec::new();
    if away > 0 {
        why.push(format!("{} not available for new tasks", on(away)));
    }
    if unsuited > 0 {
        why.push(format!("scheduling constraints not satisfied on {}", on(unsuited)));
    }
    if busy > 0 {
        why.push(format!("host-mode port already in use on {}", on(busy)));
    }
    let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join("; ")) };
    format!("no suitable node{why}")
}

/// Of one port of the container the last binding counts: they are kept in a map.
fn last_of_each(publish: &[PortSpec]) -> Vec<PortSpec> {
    let again = |i: usize| {
        publish[i + 1..].iter().any(|p| (p.container, p.proto) == (publish[i].container, publish[i].proto))
    };
    (0..publish.len()).filter(|&i| !again(i)).map(|i| publish[i].clone()).collect()
}

/// `web.1.TASK`, or `web.NODE.TASK` of a global service.
fn container_name(spec: &ServiceSpec, task: &Task) -> String {
    match task.slot {
        0 => format!("{}.{}.{}", spec.name, task.node, task.id),
        slot => format!("{}.{slot}.{}", spec.name, task.id),
    }
}

impl Engine {
    /// Makes and starts the container of a task: its published ports, or why it does not run.
    fn start_task(
        &mut self,
        world: &mut World,
        service: &Service,
        task: &Task,
    ) -> Result<Vec<(u16, u16, Protocol)>, String> {
        let spec = &service.spec;
        let node = self.member().and_then(|m| m.cluster.nodes.iter().find(|n| n.id == task.node));
        let host = node.map(|n| n.hostname.clone()).unwrap_or_default();
        let full = container_name(spec, task);
        let mut labels = spec.container_labels.clone();
        labels.extend(
            [
                ("node.id", task.node.as_str()),
                ("service.id", &service.id),
                ("service.name", &spec.name),
                ("task", ""),
                ("task.id", &task.id),
                ("task.name", &full),
            ]
            .map(|(k, v)| (format!("com.docker.swarm.{k}"), v.to_owned())),
        );
        // Some names of a task may stand in its host name and environment (swarmkit, template/context.go).
        let fill = |text: &str| {
            let slot = task.slot.to_string();
            [
                ("Service.Name", spec.name.as_str()),
                ("Service.ID", &service.id),
                ("Node.Hostname", &host),
                ("Node.ID", &task.node),
                ("Task.Slot", &slot),
                ("Task.Name", &full),
                ("Task.ID", &task.id),
            ]
            .iter()
            .fold(text.to_owned(), |text, (k, v)| text.replace(&format!("{{{{.{k}}}}}"), v))
        };
        let endpoint = |name: &String| EndpointSpec {
            aliases: spec.aliases.iter().filter(|a| a.0 == *name).map(|a| a.1.clone()).collect(),
            ip: task.addrs.iter().find(|a| a.0 == *name).map(|a| a.1.to_string()),
            ..EndpointSpec::from(name.as_str())
        };
        let run = RunSpec {
            image: image::full_name(&spec.image),
            command: spec.command.clone(),
            name: Some(container_name(spec, task)),
            detach: true,
            networks: spec.networks.iter().map(endpoint).collect(),
            publish: last_of_each(&spec.publish),
            env: spec.env.iter().map(|(k, v)| (k.clone(), fill(v))).collect(),
            labels,
            hostname: spec.hostname.as_deref().map(fill),
            service: Some(spec.name.clone()),
            ..(*spec.run).clone()
        };
        let name = container_name(spec, task);
        let response = self.request(world, &Request::Run(run));
        if response.exit != 0 {
            let why = response.stderr.trim_start_matches("docker: Error response from daemon: ");
            let why = why.lines().next().unwrap_or_default();
            // What was made could not be started, or there was nothing to start.
            let made = self.containers.iter().any(|c| c.name == name);
            return Err(if made { format!("starting container failed: {why}") } else { why.to_owned() });
        }
        if !self.runs(&name) {
            return Err(String::new());
        }
        let of = self.containers.iter().find(|c| c.name == name);
        let bound = of.into_iter().flat_map(|c| &c.inner.published);
        let v4 = bound.filter(|p| p.binding.host_ip.is_ipv4());
        Ok(v4.map(|p| (p.binding.host_port, p.binding.port, p.binding.proto)).collect())
    }

    /// Takes the names of a task's container back. False if they are.
    fn withdraw(&mut self, id: &str) -> bool {
        let own = |c: &Container| c.inner.service.is_some() && c.name.ends_with(id);
        let Some(i) = self.containers.iter().position(own) else { return false };
        !std::mem::replace(&mut self.containers[i].inner.withdrawn, true)
    }

    /// Removes the containers of tasks that nobody remembers.
    fn reap_tasks(&mut self, world: &mut World, known: &[Task]) {
        let task = |c: &Container, t: &Task| c.name.ends_with(&t.id);
        let own = self.containers.iter().filter(|c| c.inner.service.is_some());
        let over = own.filter(|c| !known.iter().any(|t| task(c, t)));
        let names: Vec<String> = over.map(|c| c.id.clone()).collect();
        if !names.is_empty() {
            self.request(world, &Request::Rm { force: true, link: false, names });
        }
    }

    /// Stops a task's container. It stays until its task is forgotten.
    fn stop_task(&mut self, world: &mut World, id: &str) {
        let own = |c: &Container| c.inner.service.is_some() && c.name.ends_with(id);
        let Some(i) = self.containers.iter().position(own) else { return };
        self.halt(world, i, Signal::Term);
    }

    /// Has the orchestrator look again after `secs` seconds.
    pub(super) fn call_again(&mut self, world: &mut World, secs: u64) {
        let argv = ["sleep".to_owned(), secs.to_string()];
        if let Some(member) = &mut self.swarm
            && member.timers.len() < 16
            && let Ok(program) = guest::start(&argv)
        {
            member.timers.push(world.spawn(self.host, program, false, false));
        }
    }

    /// A process ended: one of the orchestrator's timers, or a task's container. True for a timer.
    pub(in crate::docker) fn swarm_heard(&mut self, pid: Pid) -> bool {
        let ended = self
            .containers
            .iter()
            .any(|c| c.inner.service.is_some() && matches!(c.state, ContainerState::Exited { .. }));
        let Some(member) = &mut self.swarm else { return false };
        let before = member.timers.len();
        member.timers.retain(|t| *t != pid);
        let timer = member.timers.len() != before;
        member.dirty |= timer || ended;
        timer
    }
}
