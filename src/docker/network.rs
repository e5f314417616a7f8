//! Networks: making, removing, joining and leaving them.

use super::driver::Driver;
use super::endpoint::remove_device;
use super::engine::{Engine, EngineError, Network, predefined, reply};
use super::ipam::IpamError;
use super::names;
use super::near::{did_you_mean, nearest};
use super::noted::Noted;
use super::options::{
    BridgeOptions, GatewayMode, OPT_HOST_BINDING, OPT_ICC, OPT_MASQUERADE, OPT_MTU, OPT_NAME,
};
use super::rules::{self, NetRules};
use super::{NetworkCreate, Response};
use crate::sim::World;
use crate::stack::DeviceKind;
use crate::wire::{IfName, Ipv4Net, Mac};
use std::net::Ipv4Addr;

/// Drivers that exist here.
const DRIVERS: [&str; 6] = ["bridge", "host", "ipvlan", "macvlan", "null", "overlay"];

/// What an engine says that is not in a swarm.
pub(super) const NO_SWARM: &str = "This node is not a swarm manager. Use \"docker swarm init\" or \
    \"docker swarm join\" to connect this node to swarm and try again.";

const INGRESS_WARNING: &str = "WARNING! Before removing the routing-mesh network, make sure all the nodes in \
    your swarm run the same docker engine version. Otherwise, removal may not be effective and functionality of \
    newly create ingress networks will be impaired.\nAre you sure you want to continue? [y/N] \n";

/// What of a request is decided before anything is made.
struct Plan {
    subnet: Ipv4Net,
    gateway: Option<Ipv4Addr>,
    range: Option<Ipv4Net>,
    bridge: IfName,
    options: BridgeOptions,
}

/// Networks of one engine.
const MOST: usize = 1024;

impl Engine {
    /// `bridge` with docker0, `host`, `none`.
    pub(super) fn make_predefined_networks(&mut self, world: &mut World) {
        self.make_default_bridge(world);
        for (name, driver) in [("host", "host"), ("none", "null")] {
            let id = self.new_id(world, "network");
            self.networks.push(Network {
                id,
                name: name.into(),
                driver: driver.into(),
                subnet: None,
                gateway: None,
                bridge: None,
                range: None,
                created: world.now(),
                asked: NetworkCreate { name: name.into(), ..NetworkCreate::default() },
                rules: None,
                mtu: 1500,
                options: None,
                driver_state: Driver::Plain,
            });
        }
    }

    /// The network `bridge`, at the end of the list.
    fn make_default_bridge(&mut self, world: &mut World) {
        let config = self.config.clone();
        let option = |key: &str, value: String| (key.to_owned(), value);
        let reserved = self.reserved(world);
        // docker0's subnet: --bip, else --fixed-cidr, else the first free piece of the pools.
        let given = config.bip.or(config.fixed_cidr).map(|net| net.trunc());
        let subnet = match given {
            Some(net) => self.ipam.take(net).ok().map(|()| net),
            None => self.ipam.take_predefined(&self.config.pools, &reserved).ok(),
        };
        let bridge = NetworkCreate {
            name: "bridge".into(),
            subnets: subnet.iter().map(ToString::to_string).collect(),
            options: vec![
                option("com.docker.network.bridge.default_bridge", "true".into()),
                option(OPT_ICC, config.icc.to_string()),
                option(OPT_MASQUERADE, config.ip_masq.to_string()),
                option(OPT_HOST_BINDING, config.ip.unwrap_or(Ipv4Addr::UNSPECIFIED).to_string()),
                option(OPT_NAME, "docker0".into()),
                option(OPT_MTU, config.mtu.to_string()),
            ],
            ..NetworkCreate::default()
        };
        if let (Some(subnet), Ok(options)) = (subnet, BridgeOptions::read(&bridge)) {
            let wish = config.bip.map(|net| net.addr());
            let gateway = self.ipam.address(subnet, None, wish).unwrap_or(subnet.network());
            let name = "docker0".parse().expect("a valid name");
            let plan =
                Plan { subnet, gateway: Some(gateway), range: config.fixed_cidr, bridge: name, options };
            // On a host where docker0 exists already the engine takes it over as it is.
            let _ = self.build(world, bridge, plan);
        }
    }

    /// Makes the network `bridge` anew, as the daemon does whenever it starts; docker0 stays, with the
    /// address that the settings give it now.
    pub(super) fn remake_default_bridge(&mut self, world: &mut World) {
        let Some(old) = self.networks.iter().position(|n| n.name == "bridge") else { return };
        let old = self.networks.remove(old);
        if let Some(subnet) = old.subnet {
            self.ipam.release(subnet);
        }
        let host = self.host_ns(world);
        let dev = super::endpoint::device(world, host, "docker0");
        if let (Some(dev), Some(subnet), Some(gateway)) = (dev, old.subnet, old.gateway) {
            let addr = Ipv4Net::new(gateway, subnet.prefix_len()).expect("the subnet's own length");
            world.with(host, |ns, cx| ns.remove_addr(dev, addr, cx));
        }
        self.make_default_bridge(world);
        // It comes first in every list.
        if let Some(n) = self.networks.iter().position(|n| n.name == "bridge") {
            let mut bridge = self.networks.remove(n);
            bridge.id.clone_from(&old.id);
            self.networks.insert(0, bridge);
        }
    }

    /// What a subnet that nobody asked for must not overlap: the host's routes and name servers
    /// (netutils.InferReservedNetworks).
    pub(super) fn reserved(&self, world: &World) -> Vec<Ipv4Net> {
        let ns = world.namespace(self.host_ns(world));
        let routes = ns.map(|ns| ns.routes()).unwrap_or_default();
        let mut all: Vec<Ipv4Net> = routes.iter().map(|r| r.prefix).filter(|p| p.prefix_len() > 0).collect();
        let conf = super::resolv::ResolvConf::parse(&self.host_file(world, "/etc/resolv.conf"));
        all.extend(conf.servers.into_iter().map(Ipv4Net::from));
        all
    }

    /// A file of the host; empty if it is not there.
    pub(super) fn host_file(&self, world: &World, path: &str) -> String {
        world.machine(self.host).and_then(|m| m.files.text(path)).unwrap_or("").to_owned()
    }

    // ---- docker network create

    pub(super) fn network_create(
        &mut self,
        world: &mut World,
        create: &NetworkCreate,
    ) -> Result<String, EngineError> {
        let fail = |message: String| Err(EngineError::new(message));
        if predefined(&create.name) {
            return fail(format!("operation is not permitted on predefined {} network", create.name));
        }
        if create.no_ipv4 {
            return fail("IPv4 or IPv6 must be enabled".into());
        }
        let driver = create.driver.as_deref().unwrap_or("bridge");
        let overlay = driver == "overlay";
        if overlay && create.scope.as_deref() == Some("local") {
            return fail("cannot downgrade network scope for overlay networks".into());
        }
        if overlay && self.member().is_none_or(|m| !m.manager) {
            return fail(NO_SWARM.into());
        }
        if create.ingress && !overlay {
            return fail("Ingress network can only be global scope network".into());
        }
        if create.scope.as_deref() == Some("swarm") && self.member().is_none() {
            return fail("cannot create a swarm scoped network when swarm is not active".into());
        }
        let ipam = read_ipam(create)?;
        if let Some(from) = &create.config_from {
            return fail(format!("configuration network {from:?} does not exist"));
        }
        match create.ipam_driver.as_deref().filter(|_| !overlay) {
            None => {}
            Some("null") if create.subnets.is_empty() => return fail("ipv4 pool is empty".into()),
            Some("null") => {
                return fail("null ipam driver does not handle specific address pool requests".into());
            }
            Some(other) => return fail(format!("plugin {other:?} not found")),
        }
        if create.name.trim().is_empty() {
            return fail("invalid name: name is empty".into());
        }
        if self.networks.iter().any(|n| n.name == create.name) {
            return fail(format!("network with name {} already exists", create.name));
        }
        if self.networks.len() >= MOST {
            return fail(format!("netpier keeps at most {MOST} networks on a host; docker network prune"));
        }
        match driver {
            "bridge" => {}
            "host" | "null" => return fail(format!("only one instance of \"{driver}\" network is allowed")),
            "overlay" => return self.create_in_swarm(world, create),
            "macvlan" | "ipvlan" => return self.create_on_parent(world, create, &ipam),
            other => {
                let near = nearest(other, DRIVERS.into_iter());
                let note = near.map(did_you_mean).unwrap_or_default();
                let refused = EngineError::new(format!("plugin \"{other}\" not found"));
                return Err(EngineError { note, ..refused });
            }
        }
        let id = self.new_id(world, "network");
        let plan = self.plan(world, create, ipam, &id)?;
        let subnet = plan.subnet;
        match self.build_with_id(world, create.clone(), plan, id) {
            Ok(id) => Ok(format!("{id}\n")),
            Err(e) => {
                self.ipam.release(subnet);
                Err(e)
            }
        }
    }

    /// Takes the subnet and the gateway's address. On failure nothing is taken.
    fn plan(
        &mut self,
        world: &World,
        create: &NetworkCreate,
        ipam: Vec<IpamConfig>,
        id: &str,
    ) -> Result<Plan, EngineError> {
        let refuse = |e: IpamError| EngineError::new(e.to_string());
        let (subnet, gateway, range) = match ipam.first() {
            None => {
                let free = self.ipam.take_predefined(&self.config.pools, &self.reserved(world));
                (free.map_err(refuse)?, None, None)
            }
            Some(first) => {
                for (i, c) in ipam.iter().enumerate() {
                    if let Err(e) = self.ipam.take(c.subnet) {
                        ipam[..i].iter().for_each(|c| self.ipam.release(c.subnet));
                        return Err(refuse(e));
                    }
                }
                if ipam.len() > 1 {
                    ipam.iter().for_each(|c| self.ipam.release(c.subnet));
                    return Err(EngineError::new("bridge driver doesn't support multiple subnets"));
                }
                (first.subnet, first.gateway, first.range)
            }
        };
        let planned = self.plan_within(create, (subnet, gateway, range), id);
        if planned.is_err() {
            self.ipam.release(subnet);
        }
        planned
    }

    /// The rest of the plan, once the subnet is taken.
    fn plan_within(
        &mut self,
        create: &NetworkCreate,
        (subnet, gateway, range): (Ipv4Net, Option<Ipv4Addr>, Option<Ipv4Net>),
        id: &str,
    ) -> Result<Plan, EngineError> {
        let options = BridgeOptions::read(create);
        let isolated = options.as_ref().is_ok_and(|o| o.mode == GatewayMode::Isolated);
        let gateway = if isolated && gateway.is_none() {
            self.take_aux(create, subnet, range)?;
            None
        } else {
            Some(self.take_gateway_and_aux(create, subnet, range, gateway)?)
        };
        let options = options.map_err(EngineError::new)?;
        let bridge = self.bridge_name(&options, id)?;
        Ok(Plan { subnet, gateway, range, bridge, options })
    }

    /// Takes the gateway's address and those that `--aux-address` keeps from containers. The caller
    /// releases the subnet on failure.
    pub(super) fn take_gateway_and_aux(
        &mut self,
        create: &NetworkCreate,
        subnet: Ipv4Net,
        range: Option<Ipv4Net>,
        gateway: Option<Ipv4Addr>,
    ) -> Result<Ipv4Addr, EngineError> {
        let which = gateway.map(|g| g.to_string()).unwrap_or_default();
        let taken = self.ipam.address(subnet, range, gateway);
        let taken =
            taken.map_err(|e| EngineError::new(format!("failed to allocate gateway ({which}): {e}")))?;
        self.take_aux(create, subnet, range)?;
        Ok(taken)
    }

    fn take_aux(
        &mut self,
        create: &NetworkCreate,
        subnet: Ipv4Net,
        range: Option<Ipv4Net>,
    ) -> Result<(), EngineError> {
        for (name, text) in &create.aux_addresses {
            let Some(addr) = text.parse::<Ipv4Addr>().ok().filter(|a| subnet.contains(a)) else { continue };
            self.ipam.address(subnet, range, Some(addr)).map_err(|e| {
                EngineError::new(format!("failed to allocate secondary ip address ({name}:{addr}): {e}"))
            })?;
        }
        Ok(())
    }

    fn bridge_name(&self, options: &BridgeOptions, id: &str) -> Result<IfName, EngineError> {
        let name = options.name.clone().unwrap_or_else(|| format!("br-{}", names::short(id)));
        if let Some(other) = self.networks.iter().find(|n| n.bridge.as_deref() == Some(&name)) {
            return Err(EngineError::new(format!(
                "cannot create network {id} ({name}): conflicts with network {} ({name}): networks have same bridge name",
                other.id
            )));
        }
        // IFNAMSIZ is looked at before the letters are (net/core/rtnetlink.c, ifla_policy).
        let why = if name.len() > 15 { "numerical result out of range" } else { "invalid argument" };
        name.parse().map_err(|_| EngineError::new(why))
    }

    fn build(&mut self, world: &mut World, asked: NetworkCreate, plan: Plan) -> Result<String, EngineError> {
        let id = self.new_id(world, "network");
        self.build_with_id(world, asked, plan, id)
    }

    /// Makes the bridge and writes the rules. On failure nothing is left.
    fn build_with_id(
        &mut self,
        world: &mut World,
        asked: NetworkCreate,
        plan: Plan,
        id: String,
    ) -> Result<String, EngineError> {
        let options = &plan.options;
        let net_rules = NetRules {
            bridge: plan.bridge.to_string(),
            subnet: plan.subnet,
            internal: asked.internal,
            icc: options.icc,
            masquerade: options.masquerade,
            proxy: self.config.userland_proxy,
            mode: options.mode,
            on: self.config.iptables,
            direct: self.config.allow_direct_routing,
        };
        let cidr = plan.gateway.filter(|_| options.mode != GatewayMode::Isolated);
        let cidr = cidr.map(|g| Ipv4Net::new(g, plan.subnet.prefix_len()).expect("the subnet's own length"));
        let mac = names::mac(&mut self.rng(world, "bridge"));
        let made = self.make_bridge(world, plan.bridge, mac, cidr, options.mtu)?;
        let host = self.host_ns(world);
        self.forward(world);
        if let Err(e) = rules::apply(world, host, &net_rules.network()) {
            if made {
                remove_device(world, host, plan.bridge.as_str());
            }
            return Err(EngineError::new(format!(
                "Failed to Setup IP tables: Unable to enable NAT rule: {e}"
            )));
        }
        self.route_localnet(world, plan.bridge.as_str());
        if self.config.iptables && (!options.icc || !self.config.userland_proxy) {
            // Frames between containers have to meet the rules too (setup_bridgenetfiltering.go).
            world.with(host, |ns, _| ns.sysctl.bridge_nf_call_iptables = true);
        }
        self.networks.push(Network {
            id: id.clone(),
            name: asked.name.clone(),
            driver: "bridge".into(),
            subnet: Some(plan.subnet),
            gateway: plan.gateway,
            bridge: Some(plan.bridge.to_string()),
            range: plan.range,
            created: world.now(),
            asked,
            rules: Some(net_rules),
            mtu: plan.options.mtu,
            options: Some(plan.options),
            driver_state: Driver::Plain,
        });
        self.note_network(self.networks.len() - 1, true);
        self.tell_network(world, &id, "create", None);
        Ok(id)
    }

    /// Without a proxy, what a program of the host sends to 127.0.0.1 has to get through to the
    /// bridge once it is translated (bridge_linux.go, setupLoopbackAddressesRouting).
    pub(super) fn route_localnet(&self, world: &mut World, bridge: &str) {
        if !self.config.userland_proxy {
            let path = format!("/proc/sys/net/ipv4/conf/{bridge}/route_localnet");
            world.with(self.host_ns(world), |ns, cx| crate::guest::write_proc(ns, cx, &path, "1"));
        }
    }

    pub(super) fn note_network(&mut self, n: usize, added: bool) {
        let net = &self.networks[n];
        let noted = Noted::Network { name: net.name.clone(), driver: net.driver.clone(), added };
        self.note(noted);
    }

    /// Makes the bridge, or takes over one that is there. True if it is new.
    fn make_bridge(
        &self,
        world: &mut World,
        name: IfName,
        mac: Mac,
        addr: Option<Ipv4Net>,
        mtu: u16,
    ) -> Result<bool, EngineError> {
        let host = self.host_ns(world);
        let there = world.namespace(host).and_then(|ns| ns.device_named(name.as_str()));
        if there.is_some_and(|d| !matches!(d.kind, DeviceKind::Bridge(_))) {
            return Err(EngineError::new(format!("existing interface {name} is not a bridge")));
        }
        let there = there.map(|d| d.index);
        let made = world.with(host, |ns, cx| {
            let dev = match there {
                Some(dev) => dev,
                None => {
                    let dev = ns.add_device(name, mac, DeviceKind::Bridge(Box::default()), cx)?;
                    ns.set_queue_len(dev, 0);
                    dev
                }
            };
            ns.set_mtu(dev, u32::from(mtu), cx)?;
            if let Some(addr) = addr
                && !ns.device(dev).is_some_and(|d| d.addrs.contains(&addr))
            {
                ns.add_addr(dev, addr, cx)?;
                ns.set_broadcast(dev, addr.addr());
            }
            ns.set_up(dev, true, cx)
        });
        match made {
            Some(Err(e)) => {
                let e: crate::stack::ConfigError = e;
                if there.is_none() {
                    remove_device(world, host, name.as_str());
                }
                Err(EngineError::new(format!("failed to create bridge {name} via netlink: {e}")))
            }
            _ => Ok(there.is_none()),
        }
    }

    // ---- docker network rm, prune

    pub(super) fn network_rm(&mut self, world: &mut World, names: &[String], force: bool) -> Response {
        let mut response = Response::default();
        for name in names {
            let ingress = self.find_network(name).is_ok_and(|n| {
                matches!(self.networks[n].driver_state, Driver::Overlay { ingress: true, .. })
            });
            if ingress && self.member().is_some_and(|m| m.manager) {
                // Without a terminal to answer from, the client takes the default: no.
                response.stdout += INGRESS_WARNING;
                continue;
            }
            match self.remove_network(world, name) {
                Ok(()) => response.stdout += &format!("{name}\n"),
                Err(_) if force && self.find_network(name).is_err() => {}
                Err(e) => {
                    response.stderr += &format!("Error response from daemon: {e}\n");
                    response.exit = 1;
                }
            }
        }
        if response.exit != 0 {
            response.stderr += "exit status 1\n";
        }
        response
    }

    fn remove_network(&mut self, world: &mut World, name: &str) -> Result<(), EngineError> {
        if self.is_of_swarm(name) {
            return self.remove_from_swarm(world, name);
        }
        let n = self.find_network(name)?;
        let net = &self.networks[n];
        if net.predefined() {
            return Err(EngineError::new(format!(
                "{} is a pre-defined network and cannot be removed",
                net.name
            )));
        }
        let active: Vec<String> = self
            .containers
            .iter()
            .flat_map(|c| c.endpoints.iter().map(move |e| (c, e)))
            .filter(|(_, e)| e.network_id == net.id)
            .map(|(c, e)| (c.name.clone(), e))
            .chain(self.gateway_ends(net).into_iter().map(|(_, name, e)| (name, e)))
            .map(|(name, e)| format!("name:{name:?} id:{:?}", names::short(&e.id)))
            .collect();
        if !active.is_empty() {
            return Err(EngineError::new(format!(
                "error while removing network: network {} has active endpoints ({})",
                net.name,
                active.join(", ")
            )));
        }
        self.note_network(n, false);
        let id = self.networks[n].id.clone();
        self.tell_network(world, &id, "destroy", None);
        let net = self.networks.remove(n);
        let host = self.host_ns(world);
        if let Some(net_rules) = &net.rules {
            rules::undo(world, host, &net_rules.network());
        }
        if let Some(bridge) = &net.bridge {
            remove_device(world, host, bridge);
        }
        if let Some(subnet) = net.subnet {
            self.ipam.release(subnet);
        }
        if let Driver::Parent(parent) = &net.driver_state {
            self.release_parent(world, parent);
        }
        Ok(())
    }

    pub(super) fn network_prune(
        &mut self,
        world: &mut World,
        force: bool,
        filters: &[(String, String)],
    ) -> Response {
        if !force {
            // Without a terminal to answer from, the client takes the default: no.
            return Response {
                stdout: "WARNING! This will remove all custom networks not used by at least one container.\n\
                         Are you sure you want to continue? [y/N] \n"
                    .into(),
                note: "netpier cannot ask here: give -f\n".into(),
                ..Response::default()
            };
        }
        if let Some(refused) = super::listing::unknown_filter(filters, &["label", "label!", "until"]) {
            return refused;
        }
        let until =
            filters.iter().filter(|f| f.0 == "until").map(|f| super::moment::parse(&f.1, world.now()));
        let until = match until.collect::<Result<Vec<i64>, String>>() {
            Ok(all) => all,
            Err(e) => return reply(Err(EngineError::new(e))),
        };
        let old = |n: &Network| {
            let made = i64::try_from(n.created.as_nanos()).unwrap_or(i64::MAX);
            until.iter().all(|at| made <= *at)
        };
        // Those of the swarm are removed first.
        let waiting = self.waiting_networks();
        let of_swarm = || self.networks.iter().filter(|n| n.driver == "overlay").chain(&waiting);
        let unused: Vec<String> = of_swarm()
            .chain(self.networks.iter().filter(|n| n.driver != "overlay"))
            .filter(|n| old(n))
            .filter(|n| !n.predefined() && super::listing::labels_match(filters, &n.asked.labels))
            .filter(|n| !matches!(n.driver_state, Driver::Overlay { ingress: true, .. }))
            .filter(|n| self.gateway_ends(n).is_empty())
            .filter(|n| !self.containers.iter().any(|c| c.endpoints.iter().any(|e| e.network_id == n.id)))
            .map(|n| n.name.clone())
            .collect();
        let removed: Vec<String> =
            unused.into_iter().filter(|name| self.remove_network(world, name).is_ok()).collect();
        self.tell_pruned(world, "network");
        if removed.is_empty() {
            return Response::default();
        }
        Response::ok(format!("Deleted Networks:\n{}\n\n", removed.join("\n")))
    }
}

/// A subnet as asked for.
pub(super) struct IpamConfig {
    pub subnet: Ipv4Net,
    pub gateway: Option<Ipv4Addr>,
    pub range: Option<Ipv4Net>,
}

/// Reads subnets, ranges and gateways; all that is wrong with them in one error (ValidateIPAM).
fn read_ipam(create: &NetworkCreate) -> Result<Vec<IpamConfig>, EngineError> {
    let mut configs = Vec::new();
    let mut wrong = Vec::new();
    for text in &create.subnets {
        match text.parse::<Ipv4Net>() {
            Err(_) => wrong.push(format!("invalid subnet {text}: invalid CIDR block notation")),
            Ok(net) if net.trunc() != net => {
                wrong.push(format!("invalid subnet {text}: it should be {}", net.trunc()));
            }
            Ok(subnet) => {
                let gateway =
                    create.gateways.iter().filter_map(|g| g.parse().ok()).find(|g| subnet.contains(g));
                let ranges = create.ip_ranges.iter().filter_map(|r| r.parse::<Ipv4Net>().ok());
                let range = ranges.map(|r| r.trunc()).find(|r| subnet.contains(&r.network()));
                configs.push(IpamConfig { subnet, gateway, range });
            }
        }
    }
    for range in create.ip_ranges.iter().filter_map(|r| r.parse::<Ipv4Net>().ok()) {
        if let Some(subnet) = configs
            .iter()
            .map(|c| c.subnet)
            .find(|s| range.prefix_len() < s.prefix_len() && range.contains(&s.network()))
        {
            wrong.push(format!(
                "invalid ip-range {range}: CIDR block is bigger than its parent subnet {subnet}"
            ));
        }
        if range.trunc() != range {
            wrong.push(format!("invalid ip-range {range}: it should be {}", range.trunc()));
        }
    }
    if wrong.len() > 1 {
        wrong.iter_mut().for_each(|w| w.insert_str(0, "* "));
    }
    match wrong.as_slice() {
        [] => Ok(configs),
        _ => Err(EngineError::new(format!("invalid network config:\n{}", wrong.join("\n")))),
    }
}
