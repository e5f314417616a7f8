//! What the managers of a swarm agree on: nodes, networks and their addresses, services, tasks.

use super::request::ServiceSpec;
use crate::docker::NetworkCreate;
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::{Endpoint, Ipv4Net, Protocol};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// The VNI of the first network, ingress (swarmkit's overlay driver).
const FIRST_VNI: u32 = 4096;
/// The option that names a network's VNI.
pub(in crate::docker) const OPT_VNI: &str = "com.docker.network.driver.overlay.vxlanid_list";
/// The pool that networks without a subnet of their own are cut out of, and the size of a piece.
const POOL: (Ipv4Addr, u8, u8) = (Ipv4Addr::new(10, 0, 0, 0), 8, 24);
/// Tasks that ended and are remembered, for each slot.
const HISTORY: i64 = 5;

/// A swarm.
#[derive(Debug, Clone)]
pub(in crate::docker) struct Cluster {
    /// 25 characters.
    pub id: String,
    /// Token for workers, for managers.
    pub tokens: [String; 2],
    pub nodes: Vec<SwarmNode>,
    pub networks: Vec<SwarmNet>,
    pub services: Vec<Service>,
    pub tasks: Vec<Task>,
    /// Containers that were attached by hand.
    pub attached: Vec<Attached>,
    pub next_vni: u32,
    /// `--default-addr-pool`, and `--default-addr-pool-mask-length`.
    pub pools: (Vec<Ipv4Net>, u8),
    /// They were asked for.
    pub asked_pools: bool,
    /// `--task-history-limit`.
    pub history: i64,
}

/// A container that joined a network of the swarm by itself: to the managers it is a task, too.
#[derive(Debug, Clone)]
pub(in crate::docker) struct Attached {
    /// The task's id.
    pub task: String,
    /// Network id.
    pub network: String,
    /// Container id.
    pub container: String,
    /// Node id.
    pub node: String,
}

/// A member, as the managers know it.
#[derive(Debug, Clone)]
pub(in crate::docker) struct SwarmNode {
    pub id: String,
    pub hostname: String,
    pub addr: Ipv4Addr,
    /// The port of a manager.
    pub port: u16,
    /// It shall be a manager.
    pub manager: bool,
    /// It takes part in the managers' votes; who shall be a manager and does not get through to one is not
    /// there yet.
    pub votes: bool,
    pub leader: bool,
    /// `docker node update --label-add`.
    pub labels: BTreeMap<String, String>,
    /// Its membership counts as accepted. The engine leaves that word out of every change of a node (moby,
    /// daemon/cluster/convert/node.go), and what is left out means pending.
    pub accepted: bool,
    /// `active`, `pause`, `drain`.
    pub availability: String,
    /// It has left, or is not heard of.
    pub down: bool,
    /// It has not left: it is not heard of.
    pub lost: bool,
    /// It has left, and counts as down from this moment on.
    pub missed_at: Option<Instant>,
}

impl SwarmNode {
    /// A member that has just come.
    pub fn new(id: String, hostname: String, at: Endpoint, availability: &str, manager: bool) -> Self {
        Self {
            id,
            hostname,
            addr: at.addr,
            port: at.port,
            manager,
            votes: manager,
            leader: false,
            labels: BTreeMap::new(),
            accepted: true,
            availability: availability.to_owned(),
            down: false,
            lost: false,
            missed_at: None,
        }
    }

    /// It has left, and nobody has noticed.
    pub fn is_leaving(&self) -> bool {
        self.missed_at.is_some() && !self.down
    }
}

/// A network of the swarm.
#[derive(Debug, Clone)]
pub(in crate::docker) struct SwarmNet {
    pub id: String,
    pub name: String,
    pub asked: NetworkCreate,
    pub ingress: bool,
    pub created: Instant,
    /// Subnet, gateway and VNI, once they could be had.
    pub given: Option<Given>,
    taken: BTreeSet<Ipv4Addr>,
    last: u32,
}

/// What a network was given.
#[derive(Debug, Clone, Copy)]
pub(in crate::docker) struct Given {
    pub subnet: Ipv4Net,
    pub gateway: Ipv4Addr,
    pub vni: u32,
}

/// A service.
#[derive(Debug, Clone)]
pub(in crate::docker) struct Service {
    pub id: String,
    pub spec: ServiceSpec,
    /// What it was before the last update.
    pub previous: Option<Box<ServiceSpec>>,
    /// How often its tasks were to be made anew.
    pub version: u32,
}

/// How a task is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::docker) enum TaskState {
    /// To be started on its node.
    Assigned,
    Running,
    /// No node is suitable: why.
    Pending(String),
    /// Its container ended, or was taken away.
    Failed,
    /// Its container ended well.
    Complete,
    /// Its names were taken back; it ends when the others have heard of that.
    Stopping,
    /// It has ended.
    Shutdown,
}

/// A task: a container that a service shall have.
#[derive(Debug, Clone)]
pub(in crate::docker) struct Task {
    pub id: String,
    pub service: String,
    /// 1, 2, … of a replicated service; 0 of a global one.
    pub slot: u32,
    /// Node id; empty while it is pending.
    pub node: String,
    pub state: TaskState,
    /// The service's version that it was made for.
    pub version: u32,
    /// With which status its container ended, where that was no good one.
    pub code: Option<i32>,
    /// Why its container did not start.
    pub why: String,
    /// Its published ports: on the host, in the container.
    pub ports: Vec<(u16, u16, Protocol)>,
    /// It is one of those the service wants.
    pub wanted: bool,
    pub since: Instant,
    /// Its address in each of the service's networks.
    pub addrs: Vec<(String, Ipv4Addr)>,
    /// Not before this moment.
    pub not_before: Instant,
    /// How many tasks of its version have ended by themselves in its slot, this one included. Each hands it on
    /// to the next: tasks that are over may be forgotten.
    pub ends: u32,
}

/// 25 characters of base 36, as swarmkit's ids (identity.NewID).
pub(in crate::docker) fn new_id(rng: &mut Rng) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    // A letter and a digit at least: what is all of one kind would pass for something else.
    let mut id: String = (0..23).map(|_| char::from(DIGITS[rng.below(36) as usize])).collect();
    id.push(char::from(DIGITS[10 + rng.below(26) as usize]));
    id.push(char::from(DIGITS[rng.below(10) as usize]));
    id
}

impl Cluster {
    pub fn new(id: String, rng: &mut Rng) -> Self {
        let mut secret = || (0..2).map(|_| new_id(rng)).collect::<String>();
        let digest = secret();
        let token = |secret: String| format!("SWMTKN-1-{digest}-{}", &secret[..25]);
        let tokens = [token(secret()), token(secret())];
        Self {
            id,
            tokens,
            nodes: Vec::new(),
            networks: Vec::new(),
            services: Vec::new(),
            tasks: Vec::new(),
            attached: Vec::new(),
            next_vni: FIRST_VNI,
            pools: (vec![Ipv4Net::new(POOL.0, POOL.1).expect("a prefix")], POOL.2),
            asked_pools: false,
            history: HISTORY,
        }
    }

    /// Where the manager listens that is asked.
    pub fn manager_at(&self) -> Option<Endpoint> {
        self.nodes.iter().find(|n| n.votes && !n.down).map(|n| Endpoint::new(n.addr, n.port))
    }

    /// New tokens to join with: for managers, or for workers. The old one is worth nothing then.
    pub fn rotate(&mut self, managers: bool, rng: &mut Rng) {
        let token = &mut self.tokens[usize::from(managers)];
        let digest = token.split('-').nth(2).unwrap_or_default().to_owned();
        *token = format!("SWMTKN-1-{digest}-{}", new_id(rng));
    }

    pub fn network(&self, name: &str) -> Option<&SwarmNet> {
        let exact = self.networks.iter().find(|n| n.id == name || n.name == name);
        exact.or_else(|| self.networks.iter().find(|n| name.len() >= 4 && n.id.starts_with(name)))
    }

    pub fn node(&self, name: &str) -> Option<usize> {
        let exact = self.nodes.iter().position(|n| n.id == name || n.hostname == name);
        exact.or_else(|| self.nodes.iter().position(|n| name.len() >= 4 && n.id.starts_with(name)))
    }

    /// The node that `name` means: one of that id, or the only one that is called so or whose id begins so
    /// (moby, daemon/cluster/helpers.go, getNode).
    ///
    /// # Errors
    /// In the engine's words: there is none, or there are several.
    pub fn only_node(&self, name: &str) -> Result<usize, String> {
        if let Some(n) = self.nodes.iter().position(|n| n.id == name) {
            return Ok(n);
        }
        let all = |meets: &dyn Fn(&SwarmNode) -> bool| -> Vec<usize> {
            (0..self.nodes.len()).filter(|&n| meets(&self.nodes[n])).collect()
        };
        let mut found = all(&|n| n.hostname == name);
        if found.is_empty() && !name.is_empty() {
            found = all(&|n| n.id.starts_with(name));
        }
        match found.as_slice() {
            [] => Err(format!("node {name} not found")),
            [only] => Ok(*only),
            many => Err(format!("node {name} is ambiguous ({} matches found)", many.len())),
        }
    }

    /// Whether more than half of the managers are there.
    pub fn has_quorum(&self) -> bool {
        let voters = || self.nodes.iter().filter(|n| n.votes);
        voters().filter(|n| !n.down && !n.is_leaving()).count() * 2 > voters().count()
    }

    /// Who left long enough ago is down now. True if somebody is.
    pub fn miss(&mut self, now: Instant) -> bool {
        let mut changed = false;
        for node in self.nodes.iter_mut().filter(|n| n.is_leaving()) {
            node.down = node.missed_at.is_some_and(|at| at <= now);
            changed |= node.down;
        }
        changed
    }

    pub fn service(&self, name: &str) -> Option<usize> {
        let exact = self.services.iter().position(|s| s.id == name || s.spec.name == name);
        exact.or_else(|| self.services.iter().position(|s| name.len() >= 4 && s.id.starts_with(name)))
    }

    /// Adds a network; what it asks for is given as soon as it can be had.
    pub fn add_network(&mut self, id: String, mut asked: NetworkCreate, ingress: bool, created: Instant) {
        // What a swarm does not keep (moby, daemon/cluster/convert/network.go).
        asked.aux_addresses.clear();
        let name = asked.name.clone();
        let taken = BTreeSet::new();
        self.networks.push(SwarmNet { id, name, asked, ingress, created, given: None, taken, last: 0 });
        self.allocate();
    }

    pub fn remove_network(&mut self, id: &str) {
        self.networks.retain(|n| n.id != id);
        self.allocate();
    }

    /// Gives subnets and VNIs to the networks that wait for them.
    fn allocate(&mut self) {
        for i in 0..self.networks.len() {
            if self.networks[i].given.is_some() {
                continue;
            }
            let used: Vec<Ipv4Net> = self.networks.iter().filter_map(|n| n.given.map(|g| g.subnet)).collect();
            let free = |net: &Ipv4Net| {
                !used.iter().any(|u| u.contains(&net.network()) || net.contains(&u.network()))
            };
            let asked = &self.networks[i].asked;
            let subnet = match asked.subnets.first() {
                Some(text) => text.parse().ok().filter(free),
                None => {
                    let (pools, size) = &self.pools;
                    pools.iter().find_map(|pool| pool.subnets(*size).ok()?.find(free))
                }
            };
            let Some(subnet) = subnet else { continue };
            let Some(vni) = self.vni_for(i) else { continue };
            let asked = &self.networks[i].asked;
            // The first address of the range, where one was given.
            let range = asked.ip_ranges.first().and_then(|r| r.parse::<Ipv4Net>().ok());
            let range = range.map(|r| r.network()).filter(|first| *first != subnet.network());
            let second = Ipv4Addr::from(u32::from(subnet.network()).saturating_add(1));
            let first = range.unwrap_or(second);
            let gateway = asked.gateways.first().and_then(|g| g.parse().ok()).unwrap_or(first);
            // Where the gateway's was not asked for, it was the first that was given.
            let last = u32::from(if asked.gateways.is_empty() { gateway } else { subnet.network() });
            let net = &mut self.networks[i];
            net.given = Some(Given { subnet, gateway, vni });
            net.taken = [subnet.network(), subnet.broadcast(), gateway].into();
            net.last = last;
        }
    }

    /// The VNI that network `i` asks for, or the next one. None: it is another's.
    fn vni_for(&mut self, i: usize) -> Option<u32> {
        let asked = self.networks[i].asked.options.iter().find(|o| o.0 == OPT_VNI);
        let asked = asked.and_then(|o| o.1.split(',').next()?.parse().ok());
        let used = |vni: u32| self.networks.iter().any(|n| n.given.is_some_and(|g| g.vni == vni));
        if let Some(vni) = asked {
            return (!used(vni)).then_some(vni);
        }
        let mut vni = self.next_vni;
        while used(vni) {
            vni += 1;
        }
        self.next_vni = vni + 1;
        Some(vni)
    }
}

impl SwarmNet {
    /// An address: `wish`, or the next one after the last that was given (swarmkit allocates serially,
    /// so that an address is not used again at once).
    pub fn take(&mut self, wish: Option<Ipv4Addr>) -> Result<Ipv4Addr, String> {
        let Some(Given { subnet, .. }) = self.given else {
            return Err(format!("network {} has no subnet yet", self.name));
        };
        if let Some(addr) = wish {
            return match () {
                () if !subnet.contains(&addr) => Err("requested address is out of range".into()),
                () if !self.taken.insert(addr) => Err("Address already in use".into()),
                () => Ok(addr),
            };
        }
        // Within `--ip-range`, where one was given.
        let range = self.asked.ip_ranges.first().and_then(|r| r.parse::<Ipv4Net>().ok()).unwrap_or(subnet);
        let (low, high) = (u32::from(range.network()), u32::from(range.broadcast()));
        let mut candidate = self.last;
        for _ in low..=high {
            candidate = if (low..high).contains(&candidate) { candidate + 1 } else { low };
            if self.taken.insert(Ipv4Addr::from(candidate)) {
                self.last = candidate;
                return Ok(Ipv4Addr::from(candidate));
            }
        }
        Err("no available addresses on this pool".into())
    }

    pub fn release(&mut self, addr: Ipv4Addr) {
        self.taken.remove(&addr);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: &str, subnet: &str) -> NetworkCreate {
        let subnets = if subnet.is_empty() { Vec::new() } else { vec![subnet.to_owned()] };
        NetworkCreate { name: name.into(), subnets, ..NetworkCreate::default() }
    }

    #[test]
    fn a_network_whose_subnet_is_taken_waits_for_it() {
        let mut cluster = Cluster::new("c".into(), &mut Rng::new(1));
        for (id, subnet) in [("ingress", ""), ("o1", ""), ("o2", "10.0.1.0/24"), ("o3", "10.5.0.0/16")] {
            cluster.add_network(id.into(), asked(id, subnet), id == "ingress", Instant::ZERO);
        }
        let given = |c: &Cluster| -> Vec<(String, u32)> {
            c.networks
                .iter()
                .filter_map(|n| n.given.map(|g| (format!("{} {}", n.name, g.subnet), g.vni)))
                .collect()
        };
        let expected = [("ingress 10.0.0.0/24", 4096), ("o1 10.0.1.0/24", 4097), ("o3 10.5.0.0/16", 4098)];
        assert_eq!(given(&cluster), expected.map(|(n, v)| (n.to_owned(), v)));
        cluster.remove_network("o1");
        assert!(given(&cluster).contains(&("o2 10.0.1.0/24".into(), 4099)));
    }

    #[test]
    fn addresses_are_given_in_a_row_and_not_again_at_once() {
        let mut cluster = Cluster::new("c".into(), &mut Rng::new(1));
        cluster.add_network("n".into(), asked("n", "10.0.50.0/29"), false, Instant::ZERO);
        let net = &mut cluster.networks[0];
        let last = |a: Result<Ipv4Addr, String>| a.map(|a| a.octets()[3]);
        assert_eq!([last(net.take(None)), last(net.take(None))], [Ok(2), Ok(3)]);
        net.release(Ipv4Addr::new(10, 0, 50, 2));
        assert_eq!(last(net.take(None)), Ok(4));
        assert_eq!([last(net.take(None)), last(net.take(None)), last(net.take(None))], [Ok(5), Ok(6), Ok(2)]);
        assert!(net.take(None).is_err());
        assert!(net.take(Some(Ipv4Addr::new(10, 0, 50, 3))).is_err());
    }

    #[test]
    fn ids_are_25_letters_and_digits() {
        let id = new_id(&mut Rng::new(3));
        assert!(id.len() == 25 && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{id}");
    }
}
