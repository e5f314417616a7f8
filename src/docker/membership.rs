//! Joining and leaving networks: `docker network connect`, `disconnect`.

use super::EndpointSpec;
use super::container::{PRIVATE, SHARES};
use super::engine::{Attachment, ContainerState, Engine, EngineError};
use crate::sim::World;
use std::net::Ipv4Addr;

/// What is said of the host's network to who was not made in it.
pub(super) const NOT_HOST: &str =
    "cannot connect container to host network - container must be created in host network mode";

impl Engine {
    // ---- docker network connect, disconnect

    pub(super) fn network_connect(
        &mut self,
        world: &mut World,
        endpoint: &EndpointSpec,
        container: &str,
    ) -> Result<String, EngineError> {
        let i = self.find(container)?;
        self.find_in_swarm(world, i, &endpoint.network).map_err(EngineError::new)?;
        let n = self.find_network(&endpoint.network)?;
        let net = &self.networks[n];
        let c = &self.containers[i];
        let first = c.inner.attachments.first().map_or("bridge", |a| a.spec.network.as_str());
        let fail = |m: &str| Err(EngineError::new(m));
        if net.driver == "overlay"
            && (first == "none" || first == "host" || first.starts_with("container:"))
            && c.state == ContainerState::Running
        {
            // The manager was asked before the engine looked (attachToNetwork in daemon/container_operations.go).
            let (id, why) = (net.id.clone(), if first == "none" { PRIVATE } else { SHARES });
            self.burn_address(&id);
            return Err(EngineError::new(why));
        }
        if first == "host" || first.starts_with("container:") {
            return fail(SHARES);
        }
        if net.driver == "host" {
            return fail(NOT_HOST);
        }
        let empty = c.inner.attachments.is_empty();
        if (first == "none" || net.driver == "null") && !empty {
            return fail(PRIVATE);
        }
        if net.driver == "null" {
            // It has none, and now that is so on purpose.
            let attachment = Attachment { spec: endpoint.clone(), network_id: None, connected: true };
            self.containers[i].inner.attachments.push(attachment);
            return Ok(String::new());
        }
        if let Some(problems) = self.endpoint_problems(endpoint, n) {
            return Err(EngineError::new(format!("invalid endpoint settings:\n{problems}")));
        }
        let there = c.inner.attachments.iter().position(|a| self.attachment_name(a) == net.name);
        if c.state != ContainerState::Running
            && let Some(at) = there
        {
            // What a container shall have when it runs may be said again.
            let again =
                Attachment { spec: endpoint.clone(), network_id: Some(net.id.clone()), connected: true };
            self.containers[i].inner.attachments[at] = again;
            return Ok(String::new());
        }
        if there.is_some() {
            return Err(EngineError::new(format!(
                "endpoint with name {} already exists in network {}",
                c.name, net.name
            )));
        }
        let attachment =
            Attachment { spec: endpoint.clone(), network_id: Some(net.id.clone()), connected: true };
        if c.state == ContainerState::Running {
            let had_gateway = self.containers[i].inner.gateway_network.clone();
            self.attach(world, i, &attachment).map_err(EngineError::new)?;
            self.containers[i].inner.attachments.push(attachment);
            if let Err(e) = self.choose_gateway(world, i) {
                let last = self.containers[i].endpoints.len() - 1;
                self.detach(world, i, last);
                self.containers[i].inner.attachments.pop();
                if had_gateway.is_some() {
                    let _ = self.choose_gateway(world, i);
                }
                return Err(EngineError::new(e));
            }
            let id = self.networks[n].id.clone();
            self.note_names(i, &id, true);
            self.tell_joined(world, i, &id, "connect");
            self.refresh_names(world, i);
        } else {
            self.containers[i].inner.attachments.push(attachment);
        }
        Ok(String::new())
    }

    pub(super) fn network_disconnect(
        &mut self,
        world: &mut World,
        network: &str,
        (container, force): (&str, bool),
    ) -> Result<String, EngineError> {
        let found = self.find_network(network);
        let i = match self.find(container) {
            // Forced, only what the network knows counts (daemon/container_operations.go, ForceEndpointDelete).
            Err(_) if force => {
                found?;
                return Err(EngineError::new(format!("endpoint {container} not found")));
            }
            found => found?,
        };
        let c = &self.containers[i];
        let up = c.state.is_up();
        let n = match found {
            Ok(n) if up => n,
            Err(e) if up && !force => return Err(e),
            // Of a container that does not run (or of a network that is gone) only the name is looked for
            // (DisconnectFromNetwork).
            other => {
                let name = other.map_or_else(|_| network.to_owned(), |n| self.networks[n].name.clone());
                let there = c.inner.attachments.iter().position(|a| self.attachment_name(a) == name);
                let Some(there) = there else {
                    return Err(EngineError::new(format!(
                        "container {} is not connected to the network {name}",
                        c.id
                    )));
                };
                self.containers[i].inner.attachments.remove(there);
                return Ok(String::new());
            }
        };
        let net = &self.networks[n];
        // A network of the swarm that nobody here uses is none of the engine's own.
        if net.driver == "overlay" && !self.uses_overlay(&net.id) && self.balancer_of(net).is_none() {
            return Err(EngineError::new(format!("network {} not found", net.name)));
        }
        let position = c.inner.attachments.iter().position(|a| {
            a.network_id.as_deref() == Some(net.id.as_str())
                || (a.network_id.is_none() && self.find_network(&a.spec.network).is_ok_and(|m| m == n))
        });
        if net.driver == "host" && position.is_some() {
            return Err(EngineError::new(
                "cannot disconnect container from host network - container was created in host network mode",
            ));
        }
        let Some(position) = position else {
            return Err(EngineError::new(format!(
                "container {} is not connected to network {}",
                c.id, net.name
            )));
        };
        let endpoint = c.endpoints.iter().position(|e| e.network_id == net.id);
        if let Some(e) = endpoint {
            self.detach(world, i, e);
        }
        self.containers[i].inner.attachments.remove(position);
        if endpoint.is_some() {
            let id = self.networks[n].id.clone();
            self.tell_joined(world, i, &id, "disconnect");
            // Ports that cannot be published through the next network stay closed, as in Docker.
            let _ = self.choose_gateway(world, i);
            self.refresh_names(world, i);
        }
        Ok(String::new())
    }

    /// The name under which a container keeps what it asked of a network: the engine's map of them has no
    /// other key, so that a network made again under that name takes the place of the one that is gone.
    fn attachment_name<'a>(&'a self, a: &'a Attachment) -> &'a str {
        let known = a.network_id.as_deref().and_then(|id| self.network_by_id(id));
        let known = known.or_else(|| self.find_network(&a.spec.network).ok().map(|n| &self.networks[n]));
        known.map_or(a.spec.network.as_str(), |net| net.name.as_str())
    }

    /// What is wrong with the address asked for on network `n`, one problem a line.
    pub(super) fn endpoint_problems(&self, endpoint: &EndpointSpec, n: usize) -> Option<String> {
        let net = &self.networks[n];
        let ip = endpoint.ip.as_deref().filter(|ip| !ip.is_empty());
        let addr: Option<Ipv4Addr> = ip.and_then(|ip| ip.parse().ok());
        let mut problems = Vec::new();
        if net.predefined() && ip.is_some() {
            problems.push(NO_IP.to_owned());
        }
        if net.predefined() && !endpoint.aliases.is_empty() {
            problems.push(
                "network-scoped alias is supported only for containers in user defined networks".to_owned(),
            );
        }
        if let Some(ip) = ip.filter(|_| addr.is_none()) {
            problems.push(format!("invalid IPv4 address: {ip}"));
        }
        problems.extend(endpoint.bad_link_local());
        let Some(ip) = ip else {
            problems.extend(endpoint.bad_sysctls());
            return listed(&problems);
        };
        if net.asked.subnets.is_empty() || net.predefined() {
            problems.push(
                "user specified IP address is supported only when connecting to networks with user configured \
                 subnets"
                    .to_owned(),
            );
        } else if !addr.is_some_and(|a| net.subnet.is_some_and(|s| s.contains(&a))) {
            problems.push(format!("no configured subnet or ip-range contain the IP address {ip}"));
        }
        problems.extend(endpoint.bad_sysctls());
        listed(&problems)
    }
}

/// What a network of the engine's own has no room for.
pub(super) const NO_IP: &str = "user specified IP address is supported on user defined networks only";

/// Problems, one a line.
fn listed(problems: &[String]) -> Option<String> {
    match problems {
        [] => None,
        [one] => Some(one.clone()),
        many => Some(many.iter().map(|p| format!("* {p}")).collect::<Vec<_>>().join("\n")),
    }
}
