//! What can be asked about a swarm: `docker swarm`, `docker node`, `docker service`.

use super::super::PortSpec;

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

/// After which ends a task is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the words of the option
pub enum RestartCondition {
    Any,
    OnFailure,
    None,
}

impl Default for RestartRule {
    fn default() -> Self {
        Self { condition: RestartCondition::Any, delay: crate::time::Duration::from_secs(5), attempts: 0 }
    }
}

/// What `docker service update` changes of a service besides its replicas.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)] // the fields are the options of their names
pub struct ServiceChange {
    pub env_add: Vec<(String, String)>,
    pub env_rm: Vec<String>,
    pub label_add: Vec<(String, String)>,
    pub label_rm: Vec<String>,
    pub publish_add: Vec<PortSpec>,
    pub publish_rm: Vec<u16>,
    pub constraint_add: Vec<String>,
    pub constraint_rm: Vec<String>,
    pub image: Option<String>,
    pub dnsrr: Option<bool>,
}

/// `docker swarm init`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)] // the fields are the options of their names
pub struct SwarmInit {
    pub advertise: Option<String>,
    /// Empty: all addresses, port 2377.
    pub listen: String,
    /// `active`, `pause` or `drain`.
    pub availability: String,
    pub data_path_port: Option<u32>,
    pub pools: Vec<String>,
    /// Length of the prefix of what is cut out of them.
    pub mask: u32,
    /// `--task-history-limit`.
    pub history: Option<i64>,
}

/// `docker swarm join`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)] // the fields are the options of their names
pub struct SwarmJoin {
    pub token: String,
    pub addr: String,
    pub advertise: Option<String>,
    pub listen: String,
    pub availability: String,
}

/// `docker node update`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)] // the fields are the options of their names
pub struct NodeChange {
    pub availability: Option<String>,
    pub role: Option<String>,
    pub label_add: Vec<(String, String)>,
    pub label_rm: Vec<String>,
}

/// A request about the swarm.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // the fields are the flags and arguments of their names
pub enum SwarmRequest {
    /// docker swarm init.
    Init(Box<SwarmInit>),
    /// docker swarm join.
    Join(Box<SwarmJoin>),
    /// docker swarm leave.
    Leave { force: bool },
    /// docker swarm join-token.
    JoinToken { role: String, quiet: bool, rotate: bool },
    /// docker swarm update --task-history-limit.
    Update { history: Option<i64> },
    /// docker swarm unlock-key.
    UnlockKey { rotate: bool, quiet: bool },
    /// docker swarm unlock.
    Unlock,
    /// docker node ls.
    NodeLs { quiet: bool, format: Option<String>, filters: Vec<String> },
    /// docker node inspect.
    NodeInspect { format: Option<String>, pretty: bool, names: Vec<String> },
    /// docker node rm.
    NodeRm { force: bool, names: Vec<String> },
    /// docker node ps.
    NodePs { names: Vec<String>, format: Option<String>, quiet: bool },
    /// docker node promote, demote.
    NodeRole { manager: bool, names: Vec<String> },
    /// docker node update.
    NodeUpdate { change: Box<NodeChange>, name: String },
    /// docker service create.
    ServiceCreate { spec: Box<ServiceSpec>, detach: bool, quiet: bool, resolve: bool },
    /// docker service ls.
    ServiceLs { quiet: bool, format: Option<String>, filters: Vec<String> },
    /// docker service ps.
    ServicePs { names: Vec<String>, format: Option<String>, quiet: bool, filters: Vec<String>, whole: bool },
    /// docker service inspect.
    ServiceInspect { format: Option<String>, pretty: bool, names: Vec<String> },
    /// docker service scale NAME=N.
    ServiceScale { detach: bool, scales: Vec<(String, u32)> },
    /// docker service update --replicas N NAME.
    ServiceUpdate {
        replicas: Option<u32>,
        force: bool,
        detach: bool,
        quiet: bool,
        name: String,
        change: Box<ServiceChange>,
    },
    /// docker service rollback NAME.
    ServiceRollback { detach: bool, quiet: bool, name: String },
    /// docker service rm.
    ServiceRm { names: Vec<String> },
    /// docker service logs.
    ServiceLogs { name: String },
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
