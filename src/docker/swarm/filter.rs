//! `--filter` of `docker node ls`, `docker service ls` and `docker service ps`.

use super::cluster::{Cluster, Service, SwarmNode, Task};
use super::request::ServiceMode;
use super::show::task_name;

/// What nodes are filtered by.
pub(super) const NODES: &[&str] = &["id", "label", "membership", "name", "node.label", "role"];
/// What services are filtered by.
pub(super) const SERVICES: &[&str] = &["id", "label", "mode", "name", "runtime"];
/// What tasks are filtered by.
pub(super) const TASKS: &[&str] = &["desired-state", "id", "label", "name", "node", "service", "up-to-date"];

/// Are they filters of these?
///
/// # Errors
/// The first that is none.
pub(super) fn check(filters: &[String], known: &[&str]) -> Result<(), String> {
    let key = |f: &String| f.split('=').next().unwrap_or_default().to_owned();
    if let Some(key) = filters.iter().map(key).find(|k| !known.contains(&k.as_str())) {
        return Err(format!("invalid filter '{key}'"));
    }
    // Some know their words.
    for filter in filters {
        let (key, value) = filter.split_once('=').unwrap_or((filter, ""));
        let words: &[&str] = match key {
            "role" => &["manager", "worker"],
            "membership" => &["accepted", "pending"],
            "desired-state" => &["running", "shutdown", "accepted", "ready", "remove", "complete"],
            _ => continue,
        };
        if !words.contains(&value) {
            return Err(format!("Invalid {key} filter: '{value}'"));
        }
    }
    Ok(())
}

/// Of one key any value will do, and every key has to be met.
fn all(filters: &[String], meets: impl Fn(&str, &str) -> bool) -> bool {
    let pairs: Vec<(&str, &str)> = filters.iter().map(|f| f.split_once('=').unwrap_or((f, ""))).collect();
    pairs.iter().all(|(key, _)| pairs.iter().filter(|(k, _)| k == key).any(|(k, v)| meets(k, v)))
}

pub(super) fn takes_node(filters: &[String], node: &SwarmNode) -> bool {
    all(filters, |key, value| match key {
        "id" => node.id.starts_with(value),
        "name" => node.hostname.starts_with(value),
        "role" => (value == "manager") == node.votes,
        "membership" => (value == "accepted") == node.accepted,
        "node.label" => {
            let (name, wanted) = value.split_once('=').map_or((value, None), |(k, v)| (k, Some(v)));
            node.labels.get(name).is_some_and(|v| wanted.is_none_or(|w| w == v))
        }
        // Nobody's engine has a label.
        "label" => false,
        _ => true,
    })
}

pub(super) fn takes_service(filters: &[String], service: &Service) -> bool {
    all(filters, |key, value| match key {
        "id" => service.id.starts_with(value),
        "name" => service.spec.name.starts_with(value),
        "mode" => (value == "global") == (service.spec.mode == ServiceMode::Global),
        "label" => {
            let (name, wanted) = value.split_once('=').map_or((value, None), |(k, v)| (k, Some(v)));
            service.spec.labels.iter().any(|(k, v)| k == name && wanted.is_none_or(|w| w == v))
        }
        _ => true,
    })
}

pub(super) fn takes_task(filters: &[String], cluster: &Cluster, task: &Task) -> bool {
    all(filters, |key, value| match key {
        "desired-state" => (value == "running") == task.wanted,
        "id" => task.id.starts_with(value),
        "name" => task_name(cluster, task).starts_with(value),
        "node" => cluster.node(value).is_some_and(|n| cluster.nodes[n].id == task.node),
        _ => true,
    })
}
