//! What changes services: `docker service update` and `rollback`, and how their tasks follow.

use super::cluster::{Cluster, Service, Task, TaskState};
use super::request::{RestartCondition, ServiceChange, ServiceSpec};
use crate::docker::engine::{ContainerState, Engine};

/// One task after the other is replaced by one of the new version (swarmkit, orchestrator/update: one at a
/// time, the old one ends first). True if one is to go now.
pub(super) fn update_one(cluster: &mut Cluster, service: &Service) -> bool {
    let own = |t: &&mut Task| t.service == service.id;
    let under_way = cluster.tasks.iter().filter(|t| t.service == service.id).any(|t| match t.state {
        TaskState::Stopping => true,
        TaskState::Running => !t.wanted,
        TaskState::Assigned => t.wanted,
        _ => false,
    });
    let old = |t: &&mut Task| t.wanted && t.version != service.version;
    match cluster.tasks.iter_mut().filter(own).filter(old).min_by_key(|t| t.slot) {
        Some(task) if !under_way => {
            task.wanted = false;
            true
        }
        _ => false,
    }
}

/// Does a slot want no task, or none yet: its last one ended and the policy is against another, or it still
/// ends to make room for one of the new version?
pub(super) fn over(cluster: &Cluster, service: &Service, (slot, node): (u32, &str)) -> bool {
    let own = |t: &&Task| t.service == service.id && t.slot == slot && (slot > 0 || t.node == node);
    let leaves = |t: &Task| {
        t.version != service.version && matches!(t.state, TaskState::Running | TaskState::Stopping)
    };
    if cluster.tasks.iter().filter(own).any(leaves) {
        return true;
    }
    let ended = |t: &&Task| {
        t.version == service.version && matches!(t.state, TaskState::Failed | TaskState::Complete)
    };
    let Some(last) = cluster.tasks.iter().filter(own).filter(ended).max_by_key(|t| t.since) else {
        return false;
    };
    let rule = service.spec.restart;
    let again = match rule.condition {
        RestartCondition::Any => true,
        RestartCondition::OnFailure => last.state == TaskState::Failed,
        RestartCondition::None => false,
    };
    !again || (rule.attempts > 0 && ends(cluster, service, (slot, node)) > rule.attempts)
}

/// How many tasks of a service's version have ended by themselves in a slot.
pub(super) fn ends(cluster: &Cluster, service: &Service, (slot, node): (u32, &str)) -> u32 {
    let own = |t: &&Task| t.service == service.id && t.slot == slot && (slot > 0 || t.node == node);
    let of_it = cluster.tasks.iter().filter(own).filter(|t| t.version == service.version);
    of_it.map(|t| t.ends).max().unwrap_or(0)
}

impl Engine {
    /// The status with which a container ended; None if it has not, or is not there.
    pub(super) fn exit_of(&self, name: &str) -> Option<i32> {
        let container = self.containers.iter().find(|c| c.name == name)?;
        match container.state {
            ContainerState::Exited { code } => Some(code),
            _ => None,
        }
    }

    /// `docker service update`, but for the replicas.
    ///
    /// # Errors
    /// In the engine's words. Nothing has changed then.
    pub(super) fn change_service(&mut self, name: &str, change: &ServiceChange) -> Result<(), String> {
        if *change == ServiceChange::default() {
            return Ok(());
        }
        let Some(member) = &mut self.swarm else { return Err("not a member".into()) };
        let Some(s) = member.cluster.service(name) else { return Err(format!("service {name} not found")) };
        let before = member.cluster.services[s].spec.clone();
        let mut spec = before.clone();
        for name in change.network_add.iter().chain(&change.network_rm) {
            if member.cluster.network(name).is_none() {
                return Err(format!("network {name} not found"));
            }
        }
        apply(&mut spec, change);
        let overlay = !spec.networks.is_empty();
        if overlay && !spec.dnsrr {
            return Err(
                "netpier: virtual IPs of services (IPVS) are not emulated yet; keep --endpoint-mode dnsrr"
                    .into(),
            );
        }
        // Labels of the service are no concern of its tasks.
        let service = &mut member.cluster.services[s];
        let same = ServiceSpec { labels: before.labels.clone(), ..spec.clone() } == before;
        service.version += u32::from(!same);
        service.previous = Some(Box::new(before));
        service.spec = spec;
        member.dirty = true;
        Ok(())
    }

    /// `docker service rollback`.
    ///
    /// # Errors
    /// In the engine's words.
    pub(super) fn roll_back(&mut self, name: &str) -> Result<(), String> {
        let Some(member) = &mut self.swarm else { return Err("not a member".into()) };
        let Some(s) = member.cluster.service(name) else { return Err(format!("service {name} not found")) };
        let service = &mut member.cluster.services[s];
        let Some(previous) = service.previous.take() else {
            return Err(format!(
                "rpc error: code = FailedPrecondition desc = service {} does not have a previous spec",
                service.id
            ));
        };
        service.previous = Some(Box::new(std::mem::replace(&mut service.spec, *previous)));
        service.version += 1;
        member.dirty = true;
        Ok(())
    }
}

fn apply(spec: &mut ServiceSpec, change: &ServiceChange) {
    let put = |into: &mut Vec<(String, String)>, add: &[(String, String)], rm: &[String]| {
        into.retain(|(k, _)| !rm.contains(k) && !add.iter().any(|a| a.0 == *k));
        into.extend(add.iter().cloned());
    };
    put(&mut spec.env, &change.env_add, &change.env_rm);
    put(&mut spec.labels, &change.label_add, &change.label_rm);
    spec.publish.retain(|p| !change.publish_rm.contains(&(p.container.0, p.proto)));
    spec.publish.extend(change.publish_add.iter().cloned());
    if !change.publish_add.is_empty() || !change.publish_rm.is_empty() {
        // By what they look like: `8080:80/tcp/host`.
        let text = |p: &crate::docker::PortSpec| {
            format!("{}:{}/{}", p.host.map_or(0, |h| h.0), p.container.0, p.proto)
        };
        spec.publish.sort_by_key(text);
    }
    spec.constraints.retain(|c| !change.constraint_rm.contains(c));
    spec.constraints.extend(change.constraint_add.iter().cloned());
    if let Some(image) = &change.image {
        spec.image.clone_from(image);
    }
    spec.networks.retain(|n| !change.network_rm.contains(n));
    let more = change.network_add.iter().filter(|n| !spec.networks.contains(n)).cloned().collect::<Vec<_>>();
    spec.networks.extend(more);
    spec.dnsrr = change.dnsrr.unwrap_or(spec.dnsrr);
}
