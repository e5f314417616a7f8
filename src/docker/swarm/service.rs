//! `docker service`: what is asked of services, and what is said of them. What comes of it is up to
//! [`super::orchestrate`].

use super::cluster::{Cluster, Service, Task, new_id};
use super::orchestrate::constraint;
use super::request::{ServiceMode, ServiceSpec, SwarmRequest};
use super::{filter, show};
use crate::docker::engine::{Engine, EngineError, reply};
use crate::docker::{Response, image, names};
use crate::sim::World;

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
                    if image::find(&spec.image).is_none() {
                        response.note = format!(
                            "netpier: no node has the image {}; docker images lists those that are there\n",
                            image::full_name(&spec.image)
                        );
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
            let (mut ids, mut missing) = (Vec::new(), Vec::new());
            for name in names {
                match cluster.service(name) {
                    Some(s) => ids.push(cluster.services[s].id.clone()),
                    None => missing.push(format!("no such service: {name}")),
                }
            }
            if ids.is_empty() {
                return client(missing.join("\n"));
            }
            if let Err(e) = filter::check(filters, filter::TASKS) {
                return fail(e);
            }
            let taken = |t: &Task| ids.contains(&t.service) && filter::takes_task(filters, &cluster, t);
            let mut response = show::tasks(&cluster, &taken, now, (*quiet, *whole), format.as_deref());
            if !missing.is_empty() {
                (response.stderr, response.exit) = (missing.join("\n") + "\n", 1);
            }
            response
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
        SwarmRequest::ServiceLogs { name, raw, ids, whole, tail } => match cluster.service(name) {
            Some(s) => show::logs(engines, &cluster.services[s].spec.name, (*raw, *ids, *whole), *tail),
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
        if let Some((at, field)) = spec.hostname.as_deref().and_then(unknown_field) {
            return invalid(&format!(
                "expanding hostname failed: template: expansion:1:{at}: executing \"expansion\" at <{field}>: \
                 can't evaluate field {} in type *template.Context",
                field.trim_start_matches('.').split('.').next().unwrap_or_default()
            ));
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
            let own = |n: usize| matches!(self.networks[n].driver.as_str(), "bridge" | "host" | "null");
            if self.find_network(name).is_ok_and(own) {
                continue; // every node has one of that name, or has not
            }
            match member.cluster.network(name) {
                None if local => {
                    return Err(format!(
                        "netpier: a service on {name} is not emulated; give it an overlay network, or none"
                    ));
                }
                None => return Err(format!("network {name} not found")),
                Some(net) if net.ingress => {
                    return invalid(&format!(
                        "Service cannot be explicitly attached to the ingress network {:?}",
                        net.name
                    ));
                }
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

    /// `docker service update --force`: all tasks are replaced, one after the other.
    fn restart_tasks(&mut self, service: &str) {
        let Some(member) = &mut self.swarm else { return };
        for service in member.cluster.services.iter_mut().filter(|s| s.id == service) {
            service.version += 1;
        }
        member.dirty = true;
    }
}

/// The first field of a host name's template that a task has not got, and where it stands.
fn unknown_field(text: &str) -> Option<(usize, &str)> {
    let mut at = 0;
    while let Some(open) = text[at..].find("{{") {
        let begin = at + open + 2;
        let end = begin + text[begin..].find("}}")?;
        let field = text[begin..end].trim();
        let first = field.strip_prefix('.').map(|f| f.split('.').next().unwrap_or_default());
        if first.is_some_and(|f| !matches!(f, "Service" | "Node" | "Task")) {
            return Some((begin + text[begin..end].find('.')?, field));
        }
        at = end;
    }
    None
}
