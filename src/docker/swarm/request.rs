//! What can be asked about a swarm: `docker swarm`, `docker node`, `docker service`.

use super::super::{PortSpec, RunSpec};
use crate::wire::Protocol;

/// How many tasks a service has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceMode {
    /// So many.
    Replicated(u32),
    /// One on each node.
    Global,
}

/// `docker service create`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSpec {
    /// Name; drawn if none is given.
    pub name: String,
    /// Image.
    pub image: String,
    /// Command; empty: the image's.
    pub command: Vec<String>,
    /// `--mode`, `--replicas`.
    pub mode: ServiceMode,
    /// `--network`.
    pub networks: Vec<String>,
    /// `--publish …,mode=host`.
    pub publish: Vec<PortSpec>,
    /// A port was published in ingress mode.
    pub ingress: bool,
    /// `--endpoint-mode dnsrr`.
    pub dnsrr: bool,
    /// `--env`.
    pub env: Vec<(String, String)>,
    /// `--constraint`: `node.hostname==h1`.
    pub constraints: Vec<String>,
    /// `--label`.
    pub labels: Vec<(String, String)>,
    /// `--container-label`.
    pub container_labels: Vec<(String, String)>,
    /// `--hostname`, with `{{.Task.Slot}}` and others of its kind.
    pub hostname: Option<String>,
    /// `--network name=NET,alias=NAME`: network and name.
    pub aliases: Vec<(String, String)>,
    /// What its containers have besides: `--dns`, `--host`, `--user` and others of `docker run`.
    pub run: Box<RunSpec>,
    /// `--restart-condition`, `--restart-delay`, `--restart-max-attempts`.
    pub restart: RestartRule,
}

/// When a task that ended is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestartRule {
    /// After which ends.
    pub condition: RestartCondition,
    /// So long after its end.
    pub delay: crate::time::Duration,
    /// So often; 0: without limit.
    pub attempts: u32,
}

/// After which ends a task is replaced (`--restart-condition`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestartCondition {
    /// After each.
    Any,
    /// After an exit status other than 0.
    OnFailure,
    /// Never.
    None,
}

impl Default for RestartRule {
    fn default() -> Self {
        Self { condition: RestartCondition::Any, delay: crate::time::Duration::from_secs(5), attempts: 0 }
    }
}

/// What `docker service update` changes of a service besides its replicas.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceChange {
    /// `--env-add NAME=VALUE`: set, in place of the one of that name.
    pub env_add: Vec<(String, String)>,
    /// `--env-rm NAME`
    pub env_rm: Vec<String>,
    /// `--label-add KEY=VALUE`: of the service itself.
    pub label_add: Vec<(String, String)>,
    /// `--label-rm KEY`
    pub label_rm: Vec<String>,
    /// `--publish-add`
    pub publish_add: Vec<PortSpec>,
    /// `--publish-rm`: by the container's port.
    pub publish_rm: Vec<(u16, Protocol)>,
    /// `--constraint-add`: `node.hostname==h1`.
    pub constraint_add: Vec<String>,
    /// `--constraint-rm`: as it was given.
    pub constraint_rm: Vec<String>,
    /// `--image`
    pub image: Option<String>,
    /// `--endpoint-mode`: true for `dnsrr`, false for `vip`.
    pub dnsrr: Option<bool>,
    /// `--network-add`.
    pub network_add: Vec<String>,
    /// `--network-rm`.
    pub network_rm: Vec<String>,
}

/// `docker swarm init`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SwarmInit {
    /// `--advertise-addr`: an address or an interface, with a port perhaps.
    pub advertise: Option<String>,
    /// `--listen-addr`, likewise. Empty: all addresses, port 2377.
    pub listen: String,
    /// `--availability`: `active`, `pause` or `drain`.
    pub availability: String,
    /// `--data-path-port`: the UDP port of the overlay networks' envelopes. Only 4789 is here, which 0
    /// and none mean as well.
    pub data_path_port: Option<u32>,
    /// `--default-addr-pool`: prefixes that overlay networks get their subnets from.
    pub pools: Vec<String>,
    /// `--default-addr-pool-mask-length`: of the subnets that are cut out of them.
    pub mask: u32,
    /// `--task-history-limit`: so many ended tasks are kept of each slot.
    pub history: Option<i64>,
}

/// `docker swarm join`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SwarmJoin {
    /// `--token`: it says which swarm, and whether as worker or as manager.
    pub token: String,
    /// A manager, `192.168.0.10:2377`.
    pub addr: String,
    /// As in [`SwarmInit`].
    pub advertise: Option<String>,
    /// As in [`SwarmInit`].
    pub listen: String,
    /// As in [`SwarmInit`].
    pub availability: String,
}

/// `docker node update`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeChange {
    /// `--availability`: `active`, `pause` or `drain`.
    pub availability: Option<String>,
    /// `--role`: `worker` or `manager`.
    pub role: Option<String>,
    /// `--label-add KEY=VALUE`
    pub label_add: Vec<(String, String)>,
    /// `--label-rm KEY`
    pub label_rm: Vec<String>,
}

/// A request about the swarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SwarmRequest {
    /// `docker swarm init`.
    Init(Box<SwarmInit>),
    /// `docker swarm join`.
    Join(Box<SwarmJoin>),
    /// `docker swarm leave`.
    Leave {
        /// `--force`: a manager leaves too.
        force: bool,
    },
    /// `docker swarm join-token`.
    JoinToken {
        /// `worker` or `manager`; anything else is refused.
        role: String,
        /// `--quiet`: the token only.
        quiet: bool,
        /// `--rotate`: a new one is made, and the old one is void.
        rotate: bool,
    },
    /// `docker swarm update`.
    Update {
        /// `--task-history-limit`.
        history: Option<i64>,
    },
    /// `docker swarm unlock-key`.
    UnlockKey {
        /// `--rotate`.
        rotate: bool,
        /// `--quiet`.
        quiet: bool,
    },
    /// `docker swarm unlock`.
    Unlock,
    /// `docker node ls`.
    NodeLs {
        /// `--quiet`: ids only.
        quiet: bool,
        /// `--format`: a template, `json`, or `table …`.
        format: Option<String>,
        /// `--filter`, each `KEY=VALUE`.
        filters: Vec<String>,
    },
    /// `docker node inspect`.
    NodeInspect {
        /// `--format`: a template, `json`, or `table …`.
        format: Option<String>,
        /// `--pretty`: for people, not JSON.
        pretty: bool,
        /// Nodes: names, ids or what they begin with, `self`.
        names: Vec<String>,
    },
    /// `docker node rm`.
    NodeRm {
        /// `--force`: also one that is not down.
        force: bool,
        /// Nodes: names, ids or what they begin with, `self`.
        names: Vec<String>,
    },
    /// `docker node ps`.
    NodePs {
        /// As in [`SwarmRequest::NodeInspect`]; none: `self`.
        names: Vec<String>,
        /// `--format`: a template, `json`, or `table …`.
        format: Option<String>,
        /// `--quiet`: ids only.
        quiet: bool,
    },
    /// `docker node promote`, `docker node demote`.
    NodeRole {
        /// Promote; else demote.
        manager: bool,
        /// Nodes: names, ids or what they begin with, `self`.
        names: Vec<String>,
    },
    /// `docker node update`.
    NodeUpdate {
        /// What changes.
        change: Box<NodeChange>,
        /// The node.
        name: String,
    },
    /// `docker service create`.
    ServiceCreate {
        /// The service.
        spec: Box<ServiceSpec>,
        /// `--detach`: it does not wait for the tasks.
        detach: bool,
        /// `--quiet`: nothing is told of the progress.
        quiet: bool,
        /// Says that the image's digest could not be asked for; `--no-resolve-image` turns it off.
        resolve: bool,
    },
    /// `docker service ls`.
    ServiceLs {
        /// `--quiet`: ids only.
        quiet: bool,
        /// `--format`: a template, `json`, or `table …`.
        format: Option<String>,
        /// `--filter`, each `KEY=VALUE`.
        filters: Vec<String>,
    },
    /// `docker service ps`.
    ServicePs {
        /// Services: names, ids or what they begin with.
        names: Vec<String>,
        /// `--format`: a template, `json`, or `table …`.
        format: Option<String>,
        /// `--quiet`: ids only.
        quiet: bool,
        /// `--filter`, each `KEY=VALUE`.
        filters: Vec<String>,
        /// `--no-trunc`: whole ids and errors.
        whole: bool,
    },
    /// `docker service inspect`.
    ServiceInspect {
        /// `--format`: a template, `json`, or `table …`.
        format: Option<String>,
        /// `--pretty`: for people, not JSON.
        pretty: bool,
        /// Services: names, ids or what they begin with.
        names: Vec<String>,
    },
    /// `docker service scale NAME=N …`.
    ServiceScale {
        /// `--detach`: it does not wait for the tasks.
        detach: bool,
        /// Services, each with its number of tasks.
        scales: Vec<(String, u32)>,
    },
    /// `docker service update`.
    ServiceUpdate {
        /// `--replicas`.
        replicas: Option<u32>,
        /// `--force`: all tasks are replaced even if nothing changes.
        force: bool,
        /// `--detach`: it does not wait for the tasks.
        detach: bool,
        /// `--quiet`: nothing is told of the progress.
        quiet: bool,
        /// The service: its name, its id or what that begins with.
        name: String,
        /// The other options.
        change: Box<ServiceChange>,
    },
    /// `docker service rollback`: back to what it was before the last update.
    ServiceRollback {
        /// `--detach`: it does not wait for the tasks.
        detach: bool,
        /// `--quiet`: nothing is told of the progress.
        quiet: bool,
        /// The service: its name, its id or what that begins with.
        name: String,
    },
    /// `docker service rm`.
    ServiceRm {
        /// Services: names, ids or what they begin with.
        names: Vec<String>,
    },
    /// `docker service logs`.
    ServiceLogs {
        /// The service: its name, its id or what that begins with.
        name: String,
        /// `--raw`: nothing before a line.
        raw: bool,
        /// Without `--no-task-ids`.
        ids: bool,
        /// `--no-trunc`.
        whole: bool,
        /// `--tail`.
        tail: Option<usize>,
    },
}

impl SwarmRequest {
    /// True if it changes something.
    pub fn mutates(&self) -> bool {
        !matches!(
            self,
            Self::JoinToken { rotate: false, .. }
                | Self::UnlockKey { .. }
                | Self::Unlock
                | Self::NodeLs { .. }
                | Self::NodeInspect { .. }
                | Self::NodePs { .. }
                | Self::ServiceLs { .. }
                | Self::ServicePs { .. }
                | Self::ServiceInspect { .. }
                | Self::ServiceLogs { .. }
        )
    }
}
