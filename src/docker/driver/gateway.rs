//! `docker_gwbridge`: the way out for containers whose networks have none of their own, which is so
//! for overlay networks (moby, daemon/libnetwork/default_gateway_linux.go).

use crate::docker::NetworkCreate;
use crate::docker::endpoint::{Called, remove_device};
use crate::docker::engine::{EndpointInfo, Engine};
use crate::docker::names;
use crate::docker::rules;
use crate::sim::World;
use crate::stack::NsId;
use crate::wire::Ipv4Net;

/// The bridge, and the network of that name.
pub(in crate::docker) const GATEWAY: &str = "docker_gwbridge";

impl Engine {
    /// Makes the network, if it is not there.
    pub(in crate::docker) fn ensure_gateway_bridge(&mut self, world: &mut World) -> Result<(), String> {
        if self.networks.iter().any(|n| n.name == GATEWAY) {
            return Ok(());
        }
        let option = |key: &str, value: &str| (format!("com.docker.network.bridge.{key}"), value.to_owned());
        let create = NetworkCreate {
            name: GATEWAY.into(),
            options: vec![
                option("enable_icc", "false"),
                option("enable_ip_masquerade", "true"),
                option("name", GATEWAY),
            ],
            ..NetworkCreate::default()
        };
        self.network_create(world, &create).map(drop).map_err(|e| e.message)
    }

    /// Plugs `ns` into the bridge.
    pub(in crate::docker) fn join_gateway_bridge(
        &mut self,
        world: &mut World,
        ns: NsId,
    ) -> Result<EndpointInfo, String> {
        self.ensure_gateway_bridge(world)?;
        let net = self.networks.iter().find(|n| n.name == GATEWAY).cloned();
        let Some(net) = net else { return Err(format!("network {GATEWAY} not found")) };
        let (Some(subnet), Some(bridge), Some(net_rules)) = (net.subnet, net.bridge.as_deref(), &net.rules)
        else {
            return Err(format!("network {GATEWAY} cannot be joined"));
        };
        let addr = self.ipam.address(subnet, net.range, None).map_err(|e| e.to_string())?;
        let cidr = Ipv4Net::new(addr, subnet.prefix_len()).expect("the subnet's own length");
        let id = self.new_id(world, "endpoint");
        let mac = names::mac(&mut self.rng(world, "mac"));
        let host = self.host_ns(world);
        let ifnames =
            self.plug(world, ns, bridge, (mac, cidr), (net.mtu, Called::With("eth"))).inspect_err(|_| {
                self.ipam.release_address(subnet, addr);
            })?;
        let own_rules = net_rules.endpoint(addr);
        if let Err(e) = rules::apply(world, host, &own_rules) {
            remove_device(world, host, &ifnames.1);
            self.ipam.release_address(subnet, addr);
            return Err(e);
        }
        Ok(EndpointInfo {
            network: net.name.clone(),
            addr: cidr,
            gateway: net.gateway,
            mac,
            ifnames,
            id,
            network_id: net.id,
            rules: own_rules,
        })
    }

    /// Takes an end out of the bridge.
    pub(in crate::docker) fn leave_gateway_bridge(&mut self, world: &mut World, endpoint: &EndpointInfo) {
        let host = self.host_ns(world);
        rules::undo(world, host, &endpoint.rules);
        remove_device(world, host, &endpoint.ifnames.1);
        if let Some(subnet) = self.network_by_id(&endpoint.network_id).and_then(|n| n.subnet) {
            self.ipam.release_address(subnet, endpoint.addr.addr());
        }
    }

    /// Gives container `i` its end in the bridge, or takes it: it needs one while it has an overlay
    /// network that leads outside, and no network with a gateway of its own.
    pub(in crate::docker) fn balance_gateway(
        &mut self,
        world: &mut World,
        i: usize,
        has_way: bool,
    ) -> Result<(), String> {
        let overlay = |e: &EndpointInfo| {
            self.network_by_id(&e.network_id).is_some_and(|n| n.driver == "overlay" && !n.internal())
        };
        let needs = !has_way && self.containers[i].endpoints.iter().any(overlay);
        match (needs, self.containers[i].inner.gateway.clone()) {
            (true, None) => {
                let ns = self.container_ns(world, i);
                let endpoint = self.join_gateway_bridge(world, ns)?;
                self.containers[i].inner.gateway = Some(endpoint);
            }
            (false, Some(endpoint)) => {
                if self.containers[i].inner.gateway_network.as_deref() == Some(&endpoint.network_id) {
                    self.unpublish(world, i);
                    self.containers[i].inner.gateway_network = None;
                }
                self.leave_gateway_bridge(world, &endpoint);
                self.containers[i].inner.gateway = None;
            }
            _ => {}
        }
        Ok(())
    }
}
