//! `docker inspect`, `docker network inspect`: the engine's objects as JSON, and templates over it.

use super::Response;
use super::driver::Driver;
use super::engine::{Container, ContainerState, EndpointInfo, Engine, Network};
use super::image;
use super::privilege;
use super::template::{Template, TemplateError};
use crate::sim::World;
use crate::time::Instant;
use serde_json::{Map, Value, json};

/// The day of [`Instant::BEGIN`].
const DAY: &str = "2025-11-05T";
/// What Go prints for a moment that never was.
const NEVER: &str = "0001-01-01T00:00:00Z";

impl Engine {
    pub(super) fn inspect(
        &self,
        world: &World,
        format: Option<&str>,
        kind: Option<&str>,
        names: &[String],
    ) -> Response {
        answer(format, names, |name| {
            let may_be = |k: &str| kind.is_none_or(|kind| kind == k || kind.is_empty());
            if may_be("container") {
                match self.find(name) {
                    Ok(i) => return Ok(self.container_json(world, i)),
                    Err(e) if kind == Some("container") => {
                        return Err(format!("Error response from daemon: {e}"));
                    }
                    Err(_) => {}
                }
            }
            if may_be("network")
                && let Ok(n) = self.find_network(name)
            {
                return Ok(self.network_json(&self.networks[n]));
            }
            if may_be("image")
                && let Some(m) = self.made_of(name)
            {
                return Ok(self.made[m].json());
            }
            match self.image_of(name).filter(|_| may_be("image")) {
                Some(found) => Ok(json!({
                    "Id": format!("sha256:{}", image::id(found)),
                    "RepoTags": self.names_of_image(found),
                    "Config": {
                        "Env": found.config_env().iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>(),
                        "Cmd": found.command,
                        "ExposedPorts": port_set(found.expose),
                    },
                    "Architecture": "amd64",
                    "Os": "linux",
                })),
                None if kind == Some("image") => {
                    Err(format!("Error response from daemon: {}", super::tags::no_such(name)))
                }
                None => Err(format!("Error: No such object: {name}")),
            }
        })
    }

    pub(super) fn network_inspect(&self, format: Option<&str>, names: &[String]) -> Response {
        answer(format, names, |name| match self.find_network(name) {
            Ok(n) => Ok(self.network_json(&self.networks[n])),
            Err(e) => Err(format!("Error response from daemon: {e}")),
        })
    }

    fn container_json(&self, world: &World, i: usize) -> Value {
        let c = &self.containers[i];
        let inner = &c.inner;
        let paused = c.state == ContainerState::Paused;
        let restarting = matches!(c.state, ContainerState::Restarting { .. });
        let running = c.state == ContainerState::Running || paused || restarting;
        let (policy, retries) = self.policy(i).shown();
        let code = match c.state {
            ContainerState::Exited { code } | ContainerState::Restarting { code } => code,
            // What the engine did not learn from runc it calls 128; the client says 125 (moby, daemon/start.go).
            ContainerState::Created => {
                inner.failed.as_ref().map_or(0, |f| if f.0 == 125 { 128 } else { f.0 })
            }
            _ => 0,
        };
        let (path, args) = match inner.command.split_first() {
            Some((path, args)) => (path.clone(), args.to_vec()),
            None => (String::new(), Vec::new()),
        };
        let links = inner.linked.iter().map(|l| {
            let now = self.find(&l.id).map_or(&l.name, |j| &self.containers[j].name);
            format!("/{now}:/{}/{}", c.name, l.alias)
        });
        let on_bridge = inner.attachments.iter().any(|a| a.spec.network == "bridge");
        let bridge_links: Option<Vec<String>> =
            (on_bridge && !inner.linked.is_empty()).then(|| links.collect());
        let networks: Map<String, Value> = self.networks_of(i).into_iter().collect();
        let first = c.endpoints.iter().find(|e| e.network == "bridge");
        // Who shares somebody's namespace has no sandbox of its own.
        let shares = c.network_mode().starts_with("container:");
        let sandbox = if running && !shares { c.sandbox_id() } else { String::new() };
        let env: Vec<String> = world
            .machine(c.machine)
            .map(|m| {
                // What the engine adds when it starts is not of the container's making.
                let own = |e: &&(String, String)| match e.0.as_str() {
                    "HOSTNAME" | "HOME" => false,
                    "PATH" => !inner.base.imported || inner.spec.env.contains(e),
                    _ => true,
                };
                m.env.iter().filter(own).map(|(k, v)| format!("{k}={v}"))
            })
            .map(Iterator::collect)
            .unwrap_or_default();
        json!({
            "Id": c.id,
            "Created": moment(Some(inner.created)),
            "Path": path,
            "Args": args,
            "State": {
                "Status": c.state.word(),
                "Running": running,
                "Paused": paused,
                "Restarting": restarting,
                "OOMKilled": false,
                "Dead": false,
                "Pid": inner.main.map_or(0, |p| p.0),
                "ExitCode": code,
                "Error": inner.failed.as_ref().map_or("", |f| f.1.as_str()),
                "StartedAt": moment(inner.started),
                "FinishedAt": moment(inner.finished),
            },
            "Image": format!("sha256:{}", self.image_id(c)),
            "Name": format!("/{}", c.name),
            "RestartCount": inner.restarts,
            "Driver": "overlay2",
            "Platform": "linux",
            "HostConfig": {
                "NetworkMode": inner.mode,
                "PortBindings": self.asked_bindings(i),
                "RestartPolicy": { "Name": policy, "MaximumRetryCount": retries },
                "LogConfig": { "Type": "json-file", "Config": {} },
                "AutoRemove": inner.spec.remove,
                "CapAdd": privilege::normalized(&inner.spec.cap_add, "").ok().filter(|l| !l.is_empty()),
                "CapDrop": privilege::normalized(&inner.spec.cap_drop, "").ok().filter(|l| !l.is_empty()),
                "Privileged": inner.spec.privileged,
                "Init": inner.spec.init.then_some(true),
                "Dns": inner.spec.dns.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "DnsOptions": inner.spec.dns_options,
                "DnsSearch": inner.spec.dns_search,
                "ExtraHosts": (!inner.spec.add_host.is_empty())
                    .then(|| inner.spec.add_host.iter().map(|(n, a)| format!("{n}:{a}")).collect::<Vec<_>>()),
                "Links": bridge_links,
                "PublishAllPorts": inner.spec.publish_all,
            },
            "Config": {
                "Hostname": inner.hostname,
                "User": inner.spec.user,
                "WorkingDir": inner.spec.workdir,
                "Entrypoint": inner.spec.entrypoint.as_ref().map(|e| vec![e.clone()]),
                "StopSignal": inner.spec.stop_signal.as_deref().unwrap_or(""),
                "Domainname": inner.spec.domainname.as_deref().unwrap_or(""),
                "AttachStdin": inner.spec.interactive && !inner.spec.detach,
                "AttachStdout": !inner.spec.detach,
                "AttachStderr": !inner.spec.detach,
                "Labels": pairs(&inner.spec.labels),
                "Tty": inner.spec.tty,
                "OpenStdin": inner.spec.interactive,
                "Env": env,
                "Cmd": inner.command,
                "Image": c.image,
                "ExposedPorts": port_set(&self.exposed(i)),
            },
            "NetworkSettings": {
                "Bridge": "",
                "SandboxID": sandbox,
                "SandboxKey": if sandbox.is_empty() { String::new() } else { c.sandbox_key() },
                "Ports": self.ports_json(i),
                "HairpinMode": false,
                "LinkLocalIPv6Address": "",
                "LinkLocalIPv6PrefixLen": 0,
                "SecondaryIPAddresses": null,
                "SecondaryIPv6Addresses": null,
                "EndpointID": first.map(|e| e.id.clone()).unwrap_or_default(),
                "Gateway": first.and_then(|e| e.gateway).map(|g| g.to_string()).unwrap_or_default(),
                "GlobalIPv6Address": "",
                "GlobalIPv6PrefixLen": 0,
                "IPAddress": first.map(|e| e.addr.addr().to_string()).unwrap_or_default(),
                "IPPrefixLen": first.map_or(0, |e| e.addr.prefix_len()),
                "IPv6Gateway": "",
                "MacAddress": first.map(|e| e.mac.to_string()).unwrap_or_default(),
                "Networks": networks,
            },
        })
    }

    /// The networks of a container, joined or to be joined, by name.
    fn networks_of(&self, i: usize) -> Vec<(String, Value)> {
        let c = &self.containers[i];
        let mut all: Vec<(String, Value)> = Vec::new();
        for (at, a) in c.inner.attachments.iter().enumerate() {
            let net = match &a.network_id {
                Some(id) => self.network_by_id(id),
                None => self.find_network(&a.spec.network).ok().map(|n| &self.networks[n]),
            };
            if at == 0 && a.spec.network.starts_with("container:") {
                continue;
            }
            let name = net.map_or_else(|| a.spec.network.clone(), |n| n.name.clone());
            let joined = net.and_then(|n| c.endpoints.iter().find(|e| e.network_id == n.id));
            let aliases = (!a.spec.aliases.is_empty()).then(|| a.spec.aliases.clone());
            // The names stay on record when the network is gone.
            // One of the swarm is nobody's before it was joined.
            let of_swarm = |n: &Network| n.driver == "overlay" && a.network_id.is_none();
            let named = net.map_or(a.network_id.is_some(), |n| n.has_dns() && !of_swarm(n));
            let names = named.then(|| c.dns_names_of(a));
            let links: Vec<String> = a.spec.links.iter().map(|(n, l)| format!("{n}:{l}")).collect();
            let links = (!links.is_empty()).then_some(links);
            let mut ipam = Map::new();
            ipam.extend(a.spec.ip.as_ref().map(|ip| ("IPv4Address".to_owned(), json!(ip))));
            if !a.spec.link_local.is_empty() {
                ipam.insert("LinkLocalIPs".into(), json!(a.spec.link_local));
            }
            let options = (a.connected || !a.spec.driver_opts.is_empty()).then(|| pairs(&a.spec.driver_opts));
            let text = |f: fn(&EndpointInfo) -> String| joined.map(f).unwrap_or_default();
            let internal = net.is_some_and(Network::internal);
            let plain = net.is_some_and(|n| matches!(n.driver.as_str(), "host" | "null"));
            all.push((
                name,
                json!({
                    "IPAMConfig": (a.connected || !ipam.is_empty()).then_some(ipam),
                    "Links": links,
                    "Aliases": aliases.or_else(|| a.connected.then(Vec::new)),
                    "MacAddress": text(|e| e.mac.to_string()),
                    "DriverOpts": options,
                    "GwPriority": a.spec.gw_priority,
                    "NetworkID": net.map(|n| n.id.clone()).unwrap_or_default(),
                    "EndpointID": if plain && c.state.is_up() { c.plain_end() } else { text(|e| e.id.clone()) },
                    "Gateway": if internal { String::new() } else { text(|e| e.gateway.map(|g| g.to_string()).unwrap_or_default()) },
                    "IPAddress": text(|e| e.addr.addr().to_string()),
                    "IPPrefixLen": joined.map_or(0, |e| e.addr.prefix_len()),
                    "IPv6Gateway": "",
                    "GlobalIPv6Address": "",
                    "GlobalIPv6PrefixLen": 0,
                    "DNSNames": names,
                }),
            ));
        }
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    /// `"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, …]`; exposed ones are null.
    fn ports_json(&self, i: usize) -> Value {
        let c = &self.containers[i];
        let mut map = Map::new();
        // A container without a way out has no ports to speak of, not even exposed ones.
        let way_out = c.inner.gateway_network.as_deref().and_then(|id| self.network_by_id(id));
        if !c.state.is_up() || !way_out.is_some_and(Network::publishes) {
            return Value::Object(map);
        }
        let mut keys: Vec<String> = self.exposed(i).iter().map(|(p, proto)| format!("{p}/{proto}")).collect();
        // The engine prints a map in the order of its keys as text.
        keys.sort();
        for key in keys {
            let bound: Vec<Value> = c
                .ports
                .iter()
                .filter(|b| format!("{}/{}", b.port, b.proto) == key)
                .map(|b| json!({ "HostIp": b.host_ip.to_string(), "HostPort": host_port(b.host_port) }))
                .collect();
            map.insert(key, if bound.is_empty() { Value::Null } else { Value::Array(bound) });
        }
        Value::Object(map)
    }

    fn asked_bindings(&self, i: usize) -> Value {
        let mut map = Map::new();
        for w in super::ports::in_order(&self.containers[i].inner.spec.publish) {
            let host = match w.host {
                (0, 0) => String::new(),
                (a, b) if a == b => a.to_string(),
                (a, b) => format!("{a}-{b}"),
            };
            let ip = w.host_ip.map(|ip| ip.to_string()).unwrap_or_default();
            let entry = map.entry(format!("{}/{}", w.port, w.proto)).or_insert_with(|| json!([]));
            if let Value::Array(all) = entry {
                all.push(json!({ "HostIp": ip, "HostPort": host }));
            }
        }
        Value::Object(map)
    }

    fn network_json(&self, net: &Network) -> Value {
        let (mut config, auto) = (Vec::new(), net.asked.subnets.is_empty());
        if let Some(subnet) = net.subnet {
            let mut entry = Map::new();
            entry.insert("Subnet".into(), json!(subnet.to_string()));
            if let Some(range) = net.range {
                entry.insert("IPRange".into(), json!(range.to_string()));
            }
            // A gateway that nobody asked for is only told where the subnet was not asked for either.
            let told = auto || net.predefined() || net.of_swarm() || !net.asked.gateways.is_empty();
            if let Some(gateway) = net.gateway.filter(|_| told) {
                entry.insert("Gateway".into(), json!(gateway.to_string()));
            }
            // A Go map: printed in the order of its keys. The swarm keeps them to itself.
            let mut aux = if net.of_swarm() { Vec::new() } else { net.aux() };
            aux.sort();
            if !aux.is_empty() {
                let aux: Map<String, Value> =
                    aux.into_iter().map(|(name, addr)| (name.to_owned(), json!(addr.to_string()))).collect();
                entry.insert("AuxiliaryAddresses".into(), Value::Object(aux));
            }
            config.push(Value::Object(entry));
        }
        let mut members: Map<String, Value> = self
            .containers
            .iter()
            .flat_map(|c| c.endpoints.iter().map(move |e| (c, e)))
            .filter(|(_, e)| e.network_id == net.id)
            .map(|(c, e)| {
                let entry = json!({
                    "Name": c.name,
                    "EndpointID": e.id,
                    "MacAddress": e.mac.to_string(),
                    "IPv4Address": e.addr.to_string(),
                    "IPv6Address": "",
                });
                (c.id.clone(), entry)
            })
            .collect();
        // On the host's network, or on none, they have an end without an address.
        let plain = matches!(net.driver.as_str(), "host" | "null");
        for c in self.containers.iter().filter(|c| plain && c.state.is_up() && c.network_mode() == net.name) {
            let entry = json!({
                "Name": c.name, "EndpointID": c.plain_end(), "MacAddress": "", "IPv4Address": "", "IPv6Address": "",
            });
            members.insert(c.id.clone(), entry);
        }
        let swarms = net.driver == "overlay";
        let ingress = matches!(net.driver_state, Driver::Overlay { ingress: true, .. });
        let used = !swarms || self.overlays().iter().any(|o| o.0 == net.name);
        let extra = |name: String, id: &str, mac: String, addr: String| json!({ "Name": name, "EndpointID": id, "MacAddress": mac, "IPv4Address": addr, "IPv6Address": "" });
        for (owner, name, e) in self.gateway_ends(net) {
            members.insert(owner.to_owned(), extra(name, &e.id, e.mac.to_string(), e.addr.to_string()));
        }
        let mut options = net.asked.options.clone();
        if let Driver::Overlay { vni, ingress } = net.driver_state {
            options.insert(0, (super::swarm::OPT_VNI.to_owned(), vni.to_string()));
            if let (Some((addr, mac)), Some(subnet)) = (self.balancer_of(net), net.subnet) {
                let key = if ingress { "ingress-sbox".to_owned() } else { format!("lb-{}", net.name) };
                let addr = format!("{addr}/{}", subnet.prefix_len());
                let name = format!("{}-endpoint", net.name);
                members.insert(key, extra(name, &balancer_id(&net.id), mac.to_string(), addr));
            }
        }
        let mut value = json!({
            "Name": net.name,
            "Id": net.id,
            "Created": moment(Some(net.created)),
            "Scope": net.scope(),
            "Driver": net.driver,
            "EnableIPv4": true,
            "EnableIPv6": false,
            "IPAM": {
                "Driver": "default",
                "Options": if net.predefined() || net.of_swarm() { Value::Null } else { pairs(&net.asked.ipam_options) },
                "Config": if net.subnet.is_some() { Value::Array(config) } else { Value::Null },
            },
            "Internal": net.internal(),
            "Attachable": net.asked.attachable,
            "Ingress": ingress,
            "ConfigFrom": { "Network": "" },
            "ConfigOnly": false,
            // What the swarm says of a network that is not in use here is not the engine's own.
            "Containers": if used { Value::Object(members) } else { Value::Null },
            "Options": pairs(&options),
            "Labels": if swarms && !ingress && net.asked.labels.is_empty() { Value::Null } else { pairs(&net.asked.labels) },
        });
        // Who else uses it; of a network that is in use here only.
        let peers = self.sharing(&net.id);
        if !peers.is_empty() {
            value["Peers"] = peers
                .into_iter()
                .map(|(name, addr)| json!({ "Name": name, "IP": addr.to_string() }))
                .collect();
        }
        value
    }
}

/// The id of the end that a host keeps on an overlay: the characters of the network's, in hexadecimal.
fn balancer_id(network_id: &str) -> String {
    let mut id: String = network_id.bytes().map(|b| format!("{b:02x}")).collect();
    id.extend(std::iter::repeat_n('0', 64usize.saturating_sub(id.len())));
    id
}

/// A map of texts; its keys come in order, as Go prints them.
fn pairs(all: &[(String, String)]) -> Value {
    let sorted: std::collections::BTreeMap<&str, &str> =
        all.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    Value::Object(sorted.into_iter().map(|(k, v)| (k.to_owned(), json!(v))).collect())
}

/// The host's port of a binding; none where nothing is translated.
fn host_port(port: u16) -> String {
    if port == 0 { String::new() } else { port.to_string() }
}

impl Container {
    /// The id of its sandbox: its own, read backwards.
    pub(super) fn sandbox_id(&self) -> String {
        self.id.chars().rev().collect()
    }
    /// Where its network namespace is found on the host.
    fn sandbox_key(&self) -> String {
        match self.network_mode() {
            "host" => "/var/run/docker/netns/default".to_owned(),
            _ => format!("/var/run/docker/netns/{}", super::names::short(&self.sandbox_id())),
        }
    }
    /// The id of its end on `host` or `none`, which has nothing else: the halves of its own, the other way
    /// round.
    fn plain_end(&self) -> String {
        let (a, b) = self.id.split_at(self.id.len() / 2);
        format!("{b}{a}")
    }
    fn dns_names_of(&self, a: &super::engine::Attachment) -> Vec<String> {
        match &a.network_id {
            Some(id) => self.dns_names(id),
            None => {
                let mut all = vec![self.name.clone()];
                all.extend(a.spec.aliases.iter().cloned());
                all.push(super::names::short(&self.id).to_owned());
                all.extend(self.inner.spec.hostname.clone());
                all
            }
        }
    }
}

fn port_set(ports: &[(u16, crate::wire::Protocol)]) -> Value {
    if ports.is_empty() {
        return Value::Null;
    }
    Value::Object(ports.iter().map(|(p, proto)| (format!("{p}/{proto}"), json!({}))).collect())
}

/// A moment as the API prints it: Go leaves out the zeros at a fraction's end (RFC3339Nano). The day goes on
/// past midnight: a lab is not open for so long.
pub(super) fn moment(at: Option<Instant>) -> String {
    let Some(at) = at else { return NEVER.to_owned() };
    let nanos = at.as_nanos();
    let secs = nanos / 1_000_000_000;
    let (h, m, s) = (9 + secs / 3600, secs / 60 % 60, secs % 60);
    let fraction = format!(".{:09}", nanos % 1_000_000_000);
    format!("{DAY}{:02}:{m:02}:{s:02}{}Z", h % 24, fraction.trim_end_matches('0').trim_end_matches('.'))
}

/// The same as Go prints it where nobody says how: `2025-11-05 09:00:01.5 +0000 UTC`.
pub(super) fn moment_in_words(at: Instant) -> String {
    moment(Some(at)).replace('T', " ").replace('Z', " +0000 UTC")
}

/// As [`moment_in_words`], of the second.
pub(super) fn second_in_words(at: Instant) -> String {
    moment_in_words(Instant(at.as_nanos() / 1_000_000_000 * 1_000_000_000))
}

/// What `inspect` prints: a JSON array, or a line for each object.
pub(super) fn answer(
    format: Option<&str>,
    names: &[String],
    get: impl Fn(&str) -> Result<Value, String>,
) -> Response {
    let template = match format.filter(|f| *f != "json").map(Template::parse) {
        None => None,
        Some(Ok(template)) => Some(template),
        Some(Err(TemplateError::Parse(e) | TemplateError::Exec(e))) => {
            let stderr = format!("template parsing error: {e}\n");
            return Response { stderr, exit: 64, ..Response::default() };
        }
    };
    let mut response = Response::default();
    let mut objects = Vec::new();
    for name in names {
        let shown = get(name).and_then(|object| match &template {
            None => {
                objects.push(object);
                Ok(String::new())
            }
            Some(t) => t.render(&object).map(|line| line + "\n").map_err(|e| {
                let (TemplateError::Parse(e) | TemplateError::Exec(e)) = e;
                format!("template parsing error: {e}")
            }),
        });
        match shown {
            Ok(line) => response.stdout += &line,
            Err(e) => {
                response.stderr += &format!("{e}\n");
                response.exit = 1;
            }
        }
    }
    if template.is_none() {
        let array = Value::Array(objects);
        response.stdout = match format {
            Some(_) => format!("{array}\n"),
            None if array == json!([]) => "[]\n".to_owned(),
            None => pretty(&array),
        };
    }
    response
}

/// JSON with four spaces for each level, as the client indents it.
fn pretty(value: &Value) -> String {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut out = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    serde::Serialize::serialize(value, &mut out).expect("a JSON value can be written to memory");
    String::from_utf8(bytes).expect("JSON is UTF-8") + "\n"
}
