//! `docker service`, and the orchestrator: what services want becomes tasks on nodes, and tasks
//! become containers (swarmkit's orchestrator, scheduler and agent in one).

use super::change::{over, update_one};
use super::cluster::{Cluster, Service, SwarmNode, Task, TaskState, new_id};
use super::request::{ServiceMode, ServiceSpec, SwarmRequest};
use super::{filter, show};
use crate::docker::engine::{ContainerState, Engine, EngineError, reply};
use crate::docker::{Container, EndpointSpec, Request, Response, RunSpec, image, names};
use crate::guest::{self, Signal};
use crate::sim::World;
use crate::time::Duration;

/// How long after its end a task is replaced (the restart policy's delay).
const RESTART_DELAY: Duration = Duration::from_secs(5);
/// How long it takes until a task that shall end has lost its names (measured: between 0.9 s and 2.2 s).
const HEARD: Duration = Duration::from_secs(1);
/// How long the members have to hear of that before it is stopped (moby,
/// daemon/cluster/executor/container, defaultGossipConvergeDelay).
const CONVERGE: Duration = Duration::from_secs(2);

fn fail(message: impl Into<String>) -> Response {
    reply(Err(EngineError::new(message)))
}

fn client(message: String) -> Response {
    Response { stderr: format!("{message}\n"), exit: 1, ..Response::default() }
}

/// Requests that only a manager gets.
pub(super) fn request(
    world: &mut World,
    engines: &mut [&mut Engine],
    at: usize,
    request: &SwarmRequest,
) -> Response {
    let now = world.now();
    let cluster = match engines[at].member() {
        Some(member) => member.cluster.clone(),
        None => return Response::default(),
    };
    match request {
        SwarmRequest::ServiceCreate { spec, detach, quiet, resolve } => {
            let made = engines[at].create_service(world, spec);
            match made {
                Err(e) => fail(e),
                Ok(id) => {
                    let wanted = match spec.mode {
                        ServiceMode::Replicated(n) => n as usize,
                        ServiceMode::Global => cluster.nodes.len(),
                    };
                    for action in ["create", "update"] {
                        engines[at].tell_in_swarm(world, ("service", action), &id, &spec.name);
                    }
                    let mut response = Response::ok(format!("{id}\n"));
                    if !detach && !quiet {
                        response.stdout += &progress(wanted, &id);
                    }
                    if *resolve && !quiet {
                        response.stderr = unresolved(&spec.image);
                    }
                    response
                }
            }
        }
        SwarmRequest::ServiceLs { quiet, format, filters } => {
            match filter::check(filters, filter::SERVICES) {
                Ok(()) => show::service_ls(&cluster, *quiet, format.as_deref(), filters),
                Err(e) => fail(e),
            }
        }
        SwarmRequest::ServicePs { names, format, quiet, filters, whole } => {
            let mut ids = Vec::new();
            for name in names {
                match cluster.service(name) {
                    Some(s) => ids.push(cluster.services[s].id.clone()),
                    None => return client(format!("no such service: {name}")),
                }
            }
            if let Err(e) = filter::check(filters, filter::TASKS) {
                return fail(e);
            }
            let taken = |t: &Task| ids.contains(&t.service) && filter::takes_task(filters, &cluster, t);
            show::tasks(&cluster, &taken, now, (*quiet, *whole), format.as_deref())
        }
        SwarmRequest::NodePs { names, format, quiet } => {
            let own = engines[at].member().map(|m| m.node.clone()).unwrap_or_default();
            let mut ids = Vec::new();
            let own_only = ["self".to_owned()];
            for name in if names.is_empty() { &own_only[..] } else { names } {
                match if name == "self" { cluster.node(&own) } else { cluster.node(name) } {
                    Some(n) => ids.push(cluster.nodes[n].id.clone()),
                    None => return fail(format!("node {name} not found")),
                }
            }
            show::tasks(&cluster, &|t| ids.contains(&t.node), now, (*quiet, false), format.as_deref())
        }
        SwarmRequest::ServiceInspect { format, pretty, names } => {
            show::service_inspect(&cluster, format.as_deref(), *pretty, names)
        }
        SwarmRequest::ServiceScale { scales, detach } => {
            let mut response = Response::default();
            for (name, n) in scales {
                match engines[at].set_replicas(name, *n) {
                    Err(e) => {
                        response.stderr += &format!("{e}\n");
                        response.exit = 1;
                    }
                    Ok(()) => {
                        tell(engines[at], world, &cluster, ("update", name));
                        response.stdout += &format!("{name} scaled to {n}\n");
                        if !detach {
                            response.stdout += &progress(*n as usize, name);
                        }
                    }
                }
            }
            response
        }
        SwarmRequest::ServiceRollback { detach, quiet, name } => {
            if let Err(e) = engines[at].roll_back(name) {
                return fail(e);
            }
            tell(engines[at], world, &cluster, ("update", name));
            let mut response = Response::ok(format!("{name}\n"));
            if !detach && !quiet {
                response.stdout += &progress(0, name);
            }
            response
        }
        SwarmRequest::ServiceUpdate { replicas, name, force, detach, quiet, change } => {
            let Some(s) = cluster.service(name) else { return fail(format!("service {name} not found")) };
            if let Some(n) = replicas {
                if cluster.services[s].spec.mode == ServiceMode::Global {
                    return client("replicas can only be used with replicated mode".to_owned());
                }
                if let Err(e) = engines[at].set_replicas(name, *n) {
                    return client(e);
                }
            }
            if let Err(e) = engines[at].change_service(name, change) {
                return fail(e);
            }
            tell(engines[at], world, &cluster, ("update", name));
            if *force {
                let id = cluster.services[s].id.clone();
                engines[at].restart_tasks(&id);
            }
            let mut response = Response::ok(format!("{name}\n"));
            if !detach && !quiet {
                let wanted = show::replicas(&cluster, &cluster.services[s]).1;
                response.stdout += &progress(replicas.map_or(wanted, |n| n as usize), name);
            }
            response
        }
        SwarmRequest::ServiceRm { names } => {
            let mut response = Response::default();
            for name in names {
                match engines[at].remove_service(name) {
                    true => {
                        tell(engines[at], world, &cluster, ("remove", name));
                        response.stdout += &format!("{name}\n");
                    }
                    false => {
                        response.stderr += &format!("Error response from daemon: service {name} not found\n");
                        response.exit = 1;
                    }
                }
            }
            response
        }
        SwarmRequest::ServiceLogs { name } => match cluster.service(name) {
            Some(s) => show::logs(engines, &cluster.services[s].spec.name),
            None => client(format!("no such task or service: {name}")),
        },
        _ => Response::default(),
    }
}

/// Tells of a service that is, or was, in the cluster.
fn tell(engine: &mut Engine, world: &mut World, cluster: &Cluster, (action, name): (&str, &str)) {
    let Some(s) = cluster.service(name) else { return };
    let service = &cluster.services[s];
    engine.tell_in_swarm(world, ("service", action), &service.id, &service.spec.name);
}

/// What the client prints while it waits, without the lines that are repeated as time goes by.
fn progress(tasks: usize, id: &str) -> String {
    let mut out = format!("overall progress: 0 out of {tasks} tasks\n");
    out += &(1..=tasks).map(|n| format!("{n}/{tasks}:  \n")).collect::<String>();
    out + &format!("overall progress: {tasks} out of {tasks} tasks\nverify: Service {id} converged\n")
}

fn unresolved(image: &str) -> String {
    let name = image::full_name(image);
    format!(
        "image {name} could not be accessed on a registry to record\nits digest. Each node will access {name} \
         independently,\npossibly leading to different nodes running different\nversions of the image.\n\n"
    )
}

impl Engine {
    fn create_service(&mut self, world: &World, spec: &ServiceSpec) -> Result<String, String> {
        let invalid = |what: &str| Err(format!("rpc error: code = InvalidArgument desc = {what}"));
        let mut spec = spec.clone();
        let mut rng = self.rng(world, "service");
        if spec.name.is_empty() {
            spec.name = names::container(&mut rng);
        }
        let dns = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
        if !spec.name.chars().all(dns) || !spec.name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return invalid("name must be valid as a DNS name component");
        }
        for text in &spec.constraints {
            if let Err(why) = constraint(text) {
                return Err(format!("rpc error: code = Unknown desc = {why}"));
            }
        }
        if spec.ingress && spec.dnsrr {
            return invalid("EndpointSpec: port published with ingress mode can't be used with dnsrr mode");
        }
        let Some(member) = &self.swarm else { return Err("not a member".into()) };
        for name in &spec.networks {
            let local = self.find_network(name).is_ok();
            if self.find_network(name).is_ok_and(|n| self.networks[n].driver == "bridge") {
                continue; // every node has one of that name, or has not
            }
            match member.cluster.network(name) {
                None if local => {
                    return Err(format!(
                        "netpier: a service on {name} is not emulated; give it an overlay network, or none"
                    ));
                }
                None => return Err(format!("network {name} not found")),
                Some(_) => {}
            }
        }
        if member.cluster.services.iter().any(|s| s.spec.name == spec.name) {
            return Err(format!(
                "rpc error: code = AlreadyExists desc = name conflicts with an existing object: service {} already \
                 exists",
                spec.name
            ));
        }
        if image::find(&spec.image).is_none() {
            return Err(format!(
                "netpier: no node has the image {}; docker images lists those that are there",
                image::full_name(&spec.image)
            ));
        }
        if spec.ingress {
            return Err(
                "netpier: the ingress routing mesh (IPVS) is not emulated yet; publish on the nodes with \
                        --publish published=8080,target=80,mode=host"
                    .into(),
            );
        }
        let in_swarm = |n: &String| member.cluster.network(n).is_some();
        if spec.networks.iter().any(in_swarm) && !spec.dnsrr {
            return Err(
                "netpier: virtual IPs of services (IPVS) are not emulated yet; give --endpoint-mode dnsrr"
                    .into(),
            );
        }
        let id = new_id(&mut rng);
        let service = Service { id: id.clone(), spec, previous: None, version: 0 };
        if let Some(member) = &mut self.swarm {
            member.cluster.services.push(service);
            member.dirty = true;
        }
        Ok(id)
    }

    fn set_replicas(&mut self, name: &str, n: u32) -> Result<(), String> {
        let Some(member) = &mut self.swarm else { return Err(String::new()) };
        let Some(s) = member.cluster.service(name) else {
            return Err(format!("{name}: Error response from daemon: service {name} not found"));
        };
        match &mut member.cluster.services[s].spec.mode {
            ServiceMode::Replicated(now) => *now = n,
            ServiceMode::Global => {
                return Err(format!("{name}: scale can only be used with replicated or replicated-job mode"));
            }
        }
        member.dirty = true;
        Ok(())
    }

    fn remove_service(&mut self, name: &str) -> bool {
        let Some(member) = &mut self.swarm else { return false };
        let Some(s) = member.cluster.service(name) else { return false };
        let id = member.cluster.services.remove(s).id;
        for task in member.cluster.tasks.iter_mut().filter(|t| t.service == id) {
            task.wanted = false;
        }
        member.dirty = true;
        true
    }

    /// `docker service update --force`: all tasks are replaced.
    fn restart_tasks(&mut self, service: &str) {
        let Some(member) = &mut self.swarm else { return };
        for task in member.cluster.tasks.iter_mut().filter(|t| t.service == service) {
            task.wanted = false;
        }
        member.dirty = true;
    }
}

/// Brings the cluster of engine `at` nearer to what its services want: marks tasks that ended, makes
/// missing ones, finds nodes for them, starts and stops containers. What changed makes it dirty again.
pub(super) fn orchestrate(world: &mut World, engines: &mut [&mut Engine], at: usize) {
    let Some(member) = engines[at].swarm.as_ref() else { return };
    let cluster_id = member.cluster.id.clone();
    if member.cluster.services.is_empty() && member.cluster.tasks.is_empty() {
        return;
    }
    let mut cluster = member.cluster.clone();
    let now = world.now();
    let mut changed = false;
    // Who is there.
    let node_of: Vec<Option<String>> = engines
        .iter()
        .map(|e| e.member().filter(|m| m.cluster.id == cluster_id).map(|m| m.node.clone()))
        .collect();
    // Nobody gets through to one that is lost.
    let away = cluster.nodes.iter().filter(|n| n.lost || n.is_leaving());
    let lost: Vec<String> = away.map(|n| n.id.clone()).collect();
    let engine_of = |node: &str| {
        let there = |n: &Option<String>| n.as_deref() == Some(node) && !lost.iter().any(|l| l == node);
        node_of.iter().position(there)
    };
    let usable = |cluster: &Cluster, node: &str| {
        cluster.nodes.iter().any(|n| n.id == node && !n.down && n.availability != "drain")
    };
    // 1. Tasks whose container ended or whose node is gone.
    for t in 0..cluster.tasks.len() {
        let task = &cluster.tasks[t];
        let service = cluster.services.iter().find(|s| s.id == task.service);
        let runs = lost.contains(&task.node)
            || engine_of(&task.node).is_some_and(|e| {
                let name = service.map(|s| container_name(&s.spec, task)).unwrap_or_default();
                engines[e].runs(&name)
            });
        if task.state == TaskState::Running && task.wanted && !runs {
            let code = service
                .zip(engine_of(&task.node))
                .and_then(|(s, e)| engines[e].exit_of(&container_name(&s.spec, task)));
            let delay = service.map_or(RESTART_DELAY, |s| s.spec.restart.delay);
            let task = &mut cluster.tasks[t];
            let state = if code == Some(0) { TaskState::Complete } else { TaskState::Failed };
            (task.state, task.wanted, task.since) = (state, false, now);
            task.code = code;
            task.not_before = now + delay;
            changed = true;
        } else if task.wanted && !task.node.is_empty() && !usable(&cluster, &task.node) {
            cluster.tasks[t].wanted = false;
            changed = true;
        }
    }
    // 2. Tasks that are too many, and slots that want one.
    let services: Vec<Service> = cluster.services.clone();
    let mut rng = engines[at].rng(world, "tasks");
    for service in &services {
        let slots: Vec<(u32, String)> = match service.spec.mode {
            ServiceMode::Replicated(n) => (1..=n).map(|slot| (slot, String::new())).collect(),
            ServiceMode::Global => {
                let up = cluster.nodes.iter().filter(|n| !n.down && n.availability != "drain");
                let up = up.filter(|n| suits(n, &service.spec));
                up.map(|n| (0, n.id.clone())).collect()
            }
        };
        let fits = |t: &Task, slot: &(u32, String)| {
            t.service == service.id && t.wanted && t.slot == slot.0 && (slot.0 > 0 || t.node == slot.1)
        };
        for task in cluster.tasks.iter_mut().filter(|t| t.service == service.id && t.wanted) {
            if !slots.iter().any(|s| fits(task, s)) {
                task.wanted = false;
                changed = true;
            }
        }
        changed |= update_one(&mut cluster, service);
        let mut fresh = Vec::new();
        for slot in &slots {
            if cluster.tasks.iter().any(|t| fits(t, slot)) || over(&cluster, service, slot) {
                continue;
            }
            // A slot whose task has just failed waits a little.
            let same =
                |t: &&Task| t.service == service.id && t.slot == slot.0 && (slot.0 > 0 || t.node == slot.1);
            let wait = cluster.tasks.iter().filter(same).map(|t| t.not_before).max().filter(|at| *at > now);
            if let Some(at_moment) = wait {
                let left = at_moment.since(now).as_secs() + 1;
                engines[at].call_again(world, left);
                continue;
            }
            let mut addrs = Vec::new();
            for name in &service.spec.networks {
                let id = cluster.network(name).map(|n| n.id.clone());
                let net = cluster.networks.iter_mut().find(|n| Some(&n.id) == id.as_ref());
                if let Some(addr) = net.and_then(|n| n.take(None).ok()) {
                    addrs.push((name.clone(), addr));
                }
            }
            fresh.push(cluster.tasks.len());
            cluster.tasks.push(Task {
                id: new_id(&mut rng),
                service: service.id.clone(),
                slot: slot.0,
                node: slot.1.clone(),
                state: TaskState::Assigned,
                version: service.version,
                code: None,
                wanted: true,
                since: now,
                addrs,
                not_before: now,
            });
            changed = true;
        }
        // 3. Nodes for them, and for those that waited for one. Which slot is served first is chance in
        // swarmkit; here it is the last one.
        let waiting: Vec<usize> = (0..cluster.tasks.len())
            .rev()
            .filter(|&t| {
                let task = &cluster.tasks[t];
                task.service == service.id && task.wanted && (task.node.is_empty() || fresh.contains(&t))
            })
            .collect();
        for t in waiting {
            changed |= place(&mut cluster, t, service);
        }
    }
    // 4. Containers.
    for t in 0..cluster.tasks.len() {
        let task = cluster.tasks[t].clone();
        let Some(e) = engine_of(&task.node) else { continue };
        let service = services.iter().find(|s| s.id == task.service);
        match (&task.state, task.wanted, service) {
            (TaskState::Assigned, true, Some(service)) => {
                // The engine works on what has been decided so far.
                for engine in engines.iter_mut() {
                    if let Some(m) = engine.swarm.as_mut().filter(|m| m.cluster.id == cluster_id) {
                        m.cluster = cluster.clone();
                    }
                }
                let started = engines[e].start_task(world, service, &task);
                if let Some(m) = &engines[e].swarm {
                    cluster = m.cluster.clone();
                }
                let kept = &mut cluster.tasks[t];
                kept.since = now;
                if started {
                    kept.state = TaskState::Running;
                } else {
                    (kept.state, kept.wanted, kept.not_before) =
                        (TaskState::Failed, false, now + RESTART_DELAY);
                }
                changed = true;
            }
            (TaskState::Running | TaskState::Failed, false, _) | (TaskState::Running, true, None) => {
                for engine in engines.iter_mut() {
                    if let Some(m) = engine.swarm.as_mut().filter(|m| m.cluster.id == cluster_id) {
                        m.cluster = cluster.clone();
                    }
                }
                if task.state == TaskState::Running {
                    engines[e].call_again(world, HEARD.as_secs());
                    engines[e].call_again(world, (HEARD + CONVERGE).as_secs());
                    let kept = &mut cluster.tasks[t];
                    (kept.state, kept.wanted) = (TaskState::Stopping, false);
                    // Its successor waits for its end.
                    kept.not_before = now + HEARD + CONVERGE;
                    changed = true;
                }
            }
            (TaskState::Stopping, ..) if task.not_before <= now => {
                for engine in engines.iter_mut() {
                    if let Some(m) = engine.swarm.as_mut().filter(|m| m.cluster.id == cluster_id) {
                        m.cluster = cluster.clone();
                    }
                }
                engines[e].stop_task(world, &task.id);
                if let Some(m) = &engines[e].swarm {
                    cluster = m.cluster.clone();
                }
                let kept = &mut cluster.tasks[t];
                (kept.state, kept.since) = (TaskState::Shutdown, now);
                changed = true;
            }
            (TaskState::Stopping, ..) if task.not_before <= now + CONVERGE => {
                changed |= engines[e].withdraw(&task.id);
            }
            _ => {}
        }
    }
    // 5. What is over is remembered for a while; a service that is gone takes its tasks along.
    let ending = |t: &Task| t.state == TaskState::Stopping && engine_of(&t.node).is_some();
    cluster.tasks.retain(|t| ending(t) || services.iter().any(|s| s.id == t.service));
    for service in &services {
        if let ServiceMode::Replicated(n) = service.spec.mode {
            // Slots that were scaled away are forgotten.
            cluster.tasks.retain(|t| t.service != service.id || t.wanted || ending(t) || t.slot <= n);
        }
        let mut over: Vec<(u32, crate::time::Instant, String)> = cluster
            .tasks
            .iter()
            .filter(|t| t.service == service.id && !t.wanted && !ending(t))
            .map(|t| (t.slot, t.since, t.id.clone()))
            .collect();
        over.sort_by_key(|o| std::cmp::Reverse(o.1));
        let most = usize::try_from(cluster.history).unwrap_or(0) * 4;
        let many: Vec<String> = over.into_iter().skip(most).map(|o| o.2).collect();
        cluster.tasks.retain(|t| !many.contains(&t.id));
    }
    for (e, engine) in engines.iter_mut().enumerate() {
        if let Some(m) = engine.swarm.as_mut().filter(|m| m.cluster.id == cluster_id) {
            m.cluster = cluster.clone();
        }
        if node_of[e].as_ref().is_some_and(|n| !lost.contains(n)) {
            engine.reap_tasks(world, &cluster.tasks);
            if let Some(m) = &engine.swarm {
                cluster = m.cluster.clone();
            }
        }
    }
    for engine in engines.iter_mut() {
        if let Some(m) = engine.swarm.as_mut().filter(|m| m.cluster.id == cluster_id) {
            m.cluster = cluster.clone();
            m.dirty = false;
        }
    }
    if changed && let Some(m) = engines[at].swarm.as_mut() {
        m.dirty = true;
    }
}

/// The parts of a constraint: what is looked at, whether it shall be equal, and to what (swarmkit,
/// manager/constraint).
fn constraint(text: &str) -> Result<(&str, bool, &str), String> {
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
    let fixed = cluster.tasks[t].node.clone();
    let live = |node: &str, own: bool| {
        let all = cluster.tasks.iter().enumerate();
        let tasks = all.filter(|(i, x)| *i != t && x.wanted && x.node == node);
        // Containers that were attached by hand are tasks, too, but nobody's replicas.
        let by_hand = cluster.attached.iter().filter(|a| !own && a.node == node).count();
        tasks.filter(|(_, x)| !own || x.service == service.id).count() + by_hand
    };
    let port_taken = |node: &str| {
        service.spec.publish.iter().any(|p| {
            p.host.is_some()
                && cluster.tasks.iter().enumerate().any(|(i, x)| {
                    let other = cluster.services.iter().find(|s| s.id == x.service);
                    i != t
                        && x.wanted
                        && x.node == node
                        && other.is_some_and(|s| {
                            s.spec.publish.iter().any(|q| q.host == p.host && q.proto == p.proto)
                        })
                })
        })
    };
    let candidates: Vec<&str> = cluster
        .nodes
        .iter()
        .filter(|n| !n.down && n.availability == "active" && (fixed.is_empty() || fixed == n.id))
        .map(|n| n.id.as_str())
        .collect();
    let all = candidates.len();
    let wanted = |id: &&str| cluster.nodes.iter().any(|n| n.id == *id && suits(n, &service.spec));
    let candidates: Vec<&str> = candidates.into_iter().filter(wanted).collect();
    let unsuited = all - candidates.len();
    let busy = candidates.iter().filter(|n| port_taken(n)).count();
    let mut free: Vec<&str> = candidates.into_iter().filter(|n| !port_taken(n)).collect();
    free.sort_by_key(|n| (live(n, true), live(n, false)));
    let node = free.first().map(|n| (*n).to_owned());
    let task = &mut cluster.tasks[t];
    match node {
        Some(node) => {
            (task.node, task.state) = (node, TaskState::Assigned);
            true
        }
        None => {
            let on = |n: usize| format!("{n} {}", if n == 1 { "node" } else { "nodes" });
            let mut why = Vec::new();
            if unsuited > 0 {
                why.push(format!("scheduling constraints not satisfied on {}", on(unsuited)));
            }
            if busy > 0 {
                why.push(format!("host-mode port already in use on {}", on(busy)));
            }
            let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join("; ")) };
            let state = TaskState::Pending(format!("no suitable node{why}"));
            task.node = String::new();
            std::mem::replace(&mut task.state, state.clone()) != state
        }
    }
}

/// `web.1.TASK`, or `web.NODE.TASK` of a global service.
fn container_name(spec: &ServiceSpec, task: &Task) -> String {
    match task.slot {
        0 => format!("{}.{}.{}", spec.name, task.node, task.id),
        slot => format!("{}.{slot}.{}", spec.name, task.id),
    }
}

impl Engine {
    /// Makes and starts the container of a task. True if it runs.
    fn start_task(&mut self, world: &mut World, service: &Service, task: &Task) -> bool {
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
            publish: spec.publish.clone(),
            env: spec.env.iter().map(|(k, v)| (k.clone(), fill(v))).collect(),
            labels,
            hostname: spec.hostname.as_deref().map(fill),
            service: Some(spec.name.clone()),
            ..RunSpec::default()
        };
        let name = container_name(spec, task);
        let response = self.request(world, &Request::Run(run));
        response.exit == 0 && self.runs(&name)
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
    pub(in crate::docker) fn swarm_heard(&mut self, pid: crate::stack::Pid) -> bool {
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
