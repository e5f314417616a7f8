//! What managers change of the nodes: `docker node update`, `promote`, `demote`, `rm` (swarmkit,
//! manager/controlapi/node.go; docker/cli, command/node).

use super::cluster::Cluster;
use super::request::NodeChange;
use super::{reach, show};
use crate::docker::engine::{Engine, EngineError};
use crate::docker::network::NO_SWARM;
use crate::sim::World;
use crate::wire::Endpoint;

const PREFIX: &str = "Error response from daemon: ";

impl Engine {
    /// `docker node update`. Whole lines of what the client says; nothing has changed if it is refused.
    pub(super) fn update_node(&mut self, name: &str, change: &NodeChange) -> Result<String, String> {
        let id = self.node_id(name)?;
        let Some(member) = &mut self.swarm else { return Err(format!("{PREFIX}{NO_SWARM}")) };
        let Some(n) = member.cluster.node(&id) else { return Err(not_found(name)) };
        let mut node = member.cluster.nodes[n].clone();
        if let Some(word) = &change.availability {
            node.availability.clone_from(word);
        }
        node.labels.extend(change.label_add.iter().cloned());
        for key in &change.label_rm {
            if node.labels.remove(key).is_none() {
                return Err(format!("key {key} doesn't exist in node's labels"));
            }
        }
        for (what, word, known) in [
            ("Role", change.role.as_deref(), ["manager", "worker", "manager"]),
            ("Availability", change.availability.as_deref(), ["active", "pause", "drain"]),
        ] {
            if let Some(word) = word.filter(|w| !known.contains(w)) {
                return Err(format!("{PREFIX}invalid {what}: {word:?}"));
            }
        }
        if let Some(role) = &change.role {
            may_have_role(&member.cluster, n, role == "manager")?;
        }
        node.accepted = false;
        member.cluster.nodes[n] = node;
        member.dirty = true;
        if let Some(role) = &change.role {
            self.set_role(&id, role == "manager")?;
        }
        Ok(name.to_owned())
    }

    /// The id of the node that is called `name`.
    fn node_id(&self, name: &str) -> Result<String, String> {
        let Some(member) = self.member() else { return Err(format!("{PREFIX}{NO_SWARM}")) };
        let name = if name == "self" { member.node.as_str() } else { name };
        let n = member.cluster.only_node(name).map_err(|why| format!("{PREFIX}{why}"))?;
        Ok(member.cluster.nodes[n].id.clone())
    }

    /// `docker node promote` and `demote` of one node.
    pub(super) fn give_role(&mut self, name: &str, manager: bool) -> Result<String, String> {
        let id = self.node_id(name)?;
        Ok(match (self.set_role(&id, manager)?, manager) {
            (false, true) => format!("Node {id} is already a manager."),
            (false, false) => format!("Node {id} is already a worker."),
            (true, true) => format!("Node {name} promoted to a manager in the swarm."),
            (true, false) => format!("Manager {name} demoted in the swarm."),
        })
    }

    /// False if it had that role.
    fn set_role(&mut self, id: &str, manager: bool) -> Result<bool, String> {
        let Some(member) = &mut self.swarm else { return Err(format!("{PREFIX}{NO_SWARM}")) };
        let cluster = &mut member.cluster;
        let Some(n) = cluster.node(id) else { return Err(not_found(id)) };
        if !may_have_role(cluster, n, manager)? {
            return Ok(false);
        }
        let node = &mut cluster.nodes[n];
        (node.manager, node.accepted) = (manager, false);
        if !manager {
            node.votes = false;
            if std::mem::take(&mut node.leader)
                && let Some(next) = cluster.nodes.iter_mut().find(|n| n.votes)
            {
                next.leader = true;
            }
        }
        member.dirty = true;
        Ok(true)
    }
}

/// Whether node `n` may become a manager, or a worker. False if it is one.
fn may_have_role(cluster: &Cluster, n: usize, manager: bool) -> Result<bool, String> {
    let refuse = |code: &str, what: &str| Err(format!("{PREFIX}rpc error: code = {code} desc = {what}"));
    if cluster.nodes[n].manager == manager {
        return Ok(false);
    }
    if !manager {
        if cluster.nodes.iter().filter(|n| n.manager).count() == 1 {
            let what = "attempting to demote the last manager of the swarm";
            return refuse("FailedPrecondition", what);
        }
        if !cluster.nodes[n].votes {
            return refuse("NotFound", "can't find manager in raft memberlist");
        }
        // Those that are left have to be more than half.
        let voters = cluster.nodes.iter().filter(|n| n.votes);
        let left = voters.clone().filter(|v| v.id != cluster.nodes[n].id && !v.down).count();
        if left < (voters.count() - 1) / 2 + 1 {
            let what = "can't remove member from the raft: this would result in a loss of quorum";
            return refuse("FailedPrecondition", what);
        }
    }
    Ok(true)
}

fn not_found(name: &str) -> String {
    format!("{PREFIX}node {name} not found")
}

/// Who shall be a manager becomes one as soon as it gets through to the leader, at the address that one
/// goes by.
pub(super) fn admit(world: &mut World, engines: &mut [&mut Engine], at: usize) {
    let Some(member) = engines[at].member() else { return };
    let Some(leader) = member.cluster.nodes.iter().find(|n| n.leader) else { return };
    let to = Endpoint::new(leader.addr, leader.port);
    let waiting = member.cluster.nodes.iter().filter(|n| n.manager && !n.votes && !n.down);
    let waiting: Vec<String> = waiting.map(|n| n.id.clone()).collect();
    for id in waiting {
        let engine = engines.iter().position(|e| e.member().is_some_and(|m| m.node == id));
        let there = engine.is_some_and(|e| reach::connect(world, engines[e].host, to).is_ok());
        if let Some(member) = engines[at].swarm.as_mut().filter(|_| there)
            && let Some(n) = member.cluster.node(&id)
        {
            member.cluster.nodes[n].votes = true;
            member.dirty = true;
        }
        // It has a manager's port from now on.
        if let Some(e) = engine.filter(|_| there) {
            if let Some(m) = engines[e].swarm.as_mut() {
                m.manager = true;
            }
            engines[e].close_ports(world);
            // Without it the others do not get through to it; it is a manager all the same.
            let _ = engines[e].open_ports(world);
        }
    }
}

/// `docker node rm`.
pub(super) fn remove(
    world: &mut World,
    engines: &mut [&mut Engine],
    at: usize,
    name: &str,
    force: bool,
) -> Result<(), EngineError> {
    let states = show::states(world, engines, at);
    let Some(member) = engines[at].swarm.as_mut() else { return Err(EngineError::new(NO_SWARM)) };
    let n = member.cluster.only_node(name).map_err(EngineError::new)?;
    let node = &member.cluster.nodes[n];
    let refuse = |why: &str| {
        Err(EngineError::new(format!("rpc error: code = FailedPrecondition desc = node {} {why}", node.id)))
    };
    if node.manager && node.votes {
        return refuse(
            "is a cluster manager and is a member of the raft cluster. It must be demoted to worker before removal",
        );
    }
    if states.get(n).is_some_and(|up| *up) && !force {
        return refuse("is not down and can't be removed");
    }
    member.cluster.nodes.remove(n);
    member.dirty = true;
    Ok(())
}
