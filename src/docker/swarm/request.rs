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
}

/// A request about the swarm.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // the fields are the flags and arguments of their names
pub enum SwarmRequest {
    /// docker swarm init.
    Init { advertise: Option<String> },
    /// docker swarm join.
    Join { token: String, addr: String, advertise: Option<String> },
    /// docker swarm leave.
    Leave { force: bool },
    /// docker swarm join-token.
    JoinToken { role: String, quiet: bool },
    /// docker node ls.
    NodeLs { quiet: bool, format: Option<String> },
    /// docker node inspect.
    NodeInspect { format: Option<String>, pretty: bool, names: Vec<String> },
    /// docker node rm.
    NodeRm { force: bool, names: Vec<String> },
    /// docker node ps.
    NodePs { names: Vec<String>, format: Option<String>, quiet: bool },
    /// docker node promote, demote.
    NodeRole { manager: bool, names: Vec<String> },
    /// docker node update --availability.
    NodeUpdate { availability: Option<String>, name: String },
    /// docker service create.
    ServiceCreate { spec: Box<ServiceSpec>, detach: bool, quiet: bool, resolve: bool },
    /// docker service ls.
    ServiceLs { quiet: bool, format: Option<String> },
    /// docker service ps.
    ServicePs { names: Vec<String>, format: Option<String>, quiet: bool, running: bool, whole: bool },
    /// docker service inspect.
    ServiceInspect { format: Option<String>, pretty: bool, names: Vec<String> },
    /// docker service scale NAME=N.
    ServiceScale { detach: bool, scales: Vec<(String, u32)> },
    /// docker service update --replicas N NAME.
    ServiceUpdate { replicas: Option<u32>, force: bool, detach: bool, quiet: bool, name: String },
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
            Self::JoinToken { .. }
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
