//! The state at the end of a scenario, in the form in which it was recorded.

use serde_json::{Map, Value, json};

use super::masks::{Masks, Style};
use crate::session::Session;
use crate::stack::{Device, DeviceKind};
use crate::time::Duration;

/// How long a command that reads the state may take.
const LIMIT: Duration = Duration::from_secs(10);

/// One thing to compare: what it is called, what was recorded, what is.
#[derive(Debug, Clone)]
pub struct Unit {
    /// `h1 iptables:nat`.
    pub name: String,
    /// As recorded.
    pub expected: Value,
    /// As the emulator has it.
    pub actual: Value,
    /// The order of lines means nothing.
    pub any_order: bool,
    /// How its texts are compared.
    pub style: Style,
}

impl Unit {
    /// True if both are the same by the masks.
    pub fn agrees(&self, masks: &mut Masks) -> bool {
        match (&self.expected, &self.actual) {
            (Value::Array(e), Value::Array(a)) if self.any_order => masks.same_multiset(e, a, self.style),
            (e, a) => masks.same_value(e, a, self.style),
        }
    }
}

/// The units of one recorded section of one node. An unknown section is a unit that cannot agree.
pub fn units(session: &mut Session, node: &str, section: &str, recorded: &Value) -> Vec<Unit> {
    let unit = |name: &str, expected: &Value, actual: Value| Unit {
        name: format!("{node} {name}"),
        expected: expected.clone(),
        actual,
        any_order: false,
        style: Style::Plain,
    };
    let parts = recorded.as_object().cloned().unwrap_or_default();
    match section {
        "addr" => {
            let actual = devices(session, node, address);
            vec![Unit { any_order: true, ..unit(section, recorded, actual) }]
        }
        "bridge_link" => {
            let actual = devices(session, node, port);
            vec![Unit { any_order: true, ..unit(section, recorded, actual) }]
        }
        "route" => vec![unit(section, recorded, lines(&typed(session, node, "ip route")))],
        "neigh" => {
            let actual = lines_by(&typed(session, node, "ip -4 neigh"), neighbour);
            vec![Unit { any_order: true, ..unit(section, recorded, actual) }]
        }
        "conntrack" => {
            let actual = lines_by(&typed(session, node, "conntrack -L 2>/dev/null"), connection);
            vec![Unit { any_order: true, style: Style::Conntrack, ..unit(section, recorded, actual) }]
        }
        "iptables" => parts
            .iter()
            .map(|(table, expected)| {
                let text = typed(session, node, &format!("iptables-save -t {table}"));
                unit(&format!("iptables:{table}"), expected, lines_by(&text, rule))
            })
            .collect(),
        "files" => parts
            .iter()
            .map(|(place, expected)| {
                let (container, path) = place.split_once(':').unwrap_or((place, ""));
                let text = typed(session, node, &format!("docker exec {container} cat {path}"));
                unit(
                    &format!("files {place}"),
                    &without_ipv6_lines(expected),
                    without_ipv6_lines(&text.into()),
                )
            })
            .collect(),
        "inside" => parts.iter().map(|(place, expected)| inside(session, node, place, expected)).collect(),
        "networks" => parts
            .iter()
            .map(|(name, expected)| {
                let actual = network(&typed(session, node, &format!("docker network inspect {name}")));
                unit(&format!("networks {name}"), expected, actual)
            })
            .collect(),
        "containers" => containers(session, node, &parts),
        other => vec![unit(other, recorded, Value::String(format!("nothing is known of {other}")))],
    }
}

/// What a command prints at a node. Its failure shows as a difference.
fn typed(session: &mut Session, place: &str, line: &str) -> String {
    match session.run_line(place, line, LIMIT) {
        Ok(job) => job.stdout(),
        Err(error) => error.to_string(),
    }
}

fn lines(text: &str) -> Value {
    text.lines().map(Value::from).collect()
}

fn lines_by(text: &str, keep: impl Fn(&str) -> Option<String>) -> Value {
    text.lines().filter_map(keep).map(Value::from).collect()
}

/// A line of iptables-save without counters; comments and COMMIT are left out.
fn rule(line: &str) -> Option<String> {
    if !line.starts_with([':', '-']) {
        return None;
    }
    Some(match line.rsplit_once(" [") {
        Some((before, counters)) if line.starts_with(':') && counters.ends_with(']') => before.to_owned(),
        _ => line.to_owned(),
    })
}

/// A line of `ip neigh` without a state that only says how fresh it is.
fn neighbour(line: &str) -> Option<String> {
    let line = line.trim();
    let fresh = ["REACHABLE", "STALE", "DELAY", "PROBE"];
    Some(match line.rsplit_once(' ') {
        Some((before, state)) if fresh.contains(&state) => before.trim().to_owned(),
        _ => line.to_owned(),
    })
}

/// A line of `conntrack -L` without timeouts and numbers.
fn connection(line: &str) -> Option<String> {
    if line.contains("127.0.0.1") || line.starts_with("unknown") {
        return None;
    }
    let cut = ["timeout=", "secmark=", "use=", "mark=", "id="];
    let mut words = line.split(' ').filter(|word| !cut.iter().any(|prefix| word.starts_with(prefix)));
    let mut kept = Vec::new();
    // `tcp      6 431999 ESTABLISHED …`: the number after the protocol's is the timeout.
    for protocol in ["tcp", "udp", "icmp"] {
        if line.split(' ').next() == Some(protocol) {
            kept.extend(words.next());
            for word in words.by_ref() {
                kept.push(word);
                if !word.is_empty() {
                    break;
                }
            }
            words.next();
        }
    }
    kept.extend(words);
    Some(kept.join(" ").trim().to_owned())
}

fn devices(session: &Session, node: &str, form: impl Fn(&Device, &[&Device]) -> Option<Value>) -> Value {
    let Ok(node) = session.node(node) else { return Value::Null };
    let Some(namespace) = session.world.namespace(node.ns) else { return Value::Null };
    let all: Vec<&Device> = namespace.devices().collect();
    all.iter().filter_map(|device| form(device, &all)).collect()
}

fn name_of(index: Option<crate::wire::IfIndex>, all: &[&Device]) -> Option<String> {
    let index = index?;
    all.iter().find(|device| device.index == index).map(|device| device.name.to_string())
}

/// As `ip -d -j addr` has it.
fn address(device: &Device, all: &[&Device]) -> Option<Value> {
    let loopback = matches!(device.kind, DeviceKind::Loopback);
    let state = match (device.up && device.carrier, loopback) {
        (_, true) => "UNKNOWN",
        (true, _) => "UP",
        (false, _) => "DOWN",
    };
    let mut fields = Map::new();
    fields.insert("ifname".into(), device.name.to_string().into());
    fields.insert("address".into(), device.mac.to_string().into());
    fields.insert("mtu".into(), u64::from(device.mtu).into());
    fields.insert("operstate".into(), state.into());
    if let Some(master) = name_of(device.master, all) {
        fields.insert("master".into(), master.into());
    }
    let kind = match device.kind {
        DeviceKind::Loopback => Value::Null,
        // The recorded world's cables are veth pairs.
        DeviceKind::Ethernet | DeviceKind::Veth => "veth".into(),
        DeviceKind::Bridge(_) | DeviceKind::Dummy | DeviceKind::Upper { .. } | DeviceKind::Vxlan(_) => {
            device.kind.name().into()
        }
    };
    fields.insert("link_type".into(), kind);
    fields.insert("inet".into(), device.addrs.iter().map(|net| Value::from(net.to_string())).collect());
    Some(Value::Object(fields))
}

/// As `bridge -j link` has it.
fn port(device: &Device, all: &[&Device]) -> Option<Value> {
    let master = name_of(device.master, all)?;
    let state = if device.up && device.carrier { "forwarding" } else { "disabled" };
    Some(json!({"ifname": device.name.to_string(), "master": master, "state": state}))
}

/// Lines that begin with an IPv6 address are not compared.
fn without_ipv6_lines(text: &Value) -> Value {
    let text = text.as_str().unwrap_or_default();
    let kept = text.split('\n').filter(|line| {
        line.split_whitespace().next().is_none_or(|word| word.parse::<std::net::Ipv6Addr>().is_err())
    });
    kept.collect::<Vec<_>>().join("\n").into()
}

/// A command run in a container at the end.
fn inside(session: &mut Session, node: &str, place: &str, expected: &Value) -> Unit {
    let (container, command) = place.split_once(": ").unwrap_or((place, ""));
    let text = typed(session, node, &format!("docker exec {container} {command}"));
    let any_order = command == "ip neigh";
    let (expected, actual) = if any_order {
        (lines(expected.as_str().unwrap_or_default()), lines(&text))
    } else {
        (expected.clone(), text.trim_end_matches('\n').into())
    };
    Unit { name: format!("{node} inside {place}"), expected, actual, any_order, style: Style::Plain }
}

/// `docker network inspect`, the keys that were kept.
fn network(text: &str) -> Value {
    let json = match first_of(text) {
        Some(json) => json,
        // The recorder went on where there is no such network.
        None if text.trim() == "[]" => Value::Null,
        None => return text.trim().into(),
    };
    let mut kept = Map::new();
    for key in ["Name", "Driver", "Scope", "Internal", "Attachable", "EnableIPv6", "IPAM", "Options"] {
        kept.insert(key.into(), json.get(key).cloned().unwrap_or(Value::Null));
    }
    let mut containers = Map::new();
    for container in
        json.get("Containers").and_then(Value::as_object).into_iter().flat_map(|map| map.values())
    {
        let field = |key: &str| container.get(key).cloned().unwrap_or(Value::Null);
        let name = container.get("Name").and_then(Value::as_str).unwrap_or_default();
        let ends = json!({"IPv4Address": field("IPv4Address"), "MacAddress": field("MacAddress")});
        containers.insert(name.to_owned(), ends);
    }
    kept.insert("Containers".into(), containers.into());
    kept.into()
}

fn first_of(text: &str) -> Option<Value> {
    match serde_json::from_str(text).ok()? {
        Value::Array(mut list) if !list.is_empty() => Some(list.swap_remove(0)),
        _ => None,
    }
}

/// `docker inspect` of all containers, one unit for each that was recorded.
fn containers(session: &mut Session, node: &str, recorded: &Map<String, Value>) -> Vec<Unit> {
    let text = typed(session, node, "docker inspect $(docker ps -aq)");
    let all: Vec<Value> = serde_json::from_str(&text).unwrap_or_default();
    let ours: Map<String, Value> = all.iter().filter_map(container).collect();
    // Names that an engine drew are drawn anew each time: whichever of ours is alike stands for one.
    let mut drawn: Vec<(&String, &Value)> =
        ours.iter().filter(|(name, _)| is_drawn(name) && !recorded.contains_key(*name)).collect();
    recorded
        .iter()
        .map(|(name, expected)| {
            let expected = without_ipv6_ports(expected);
            let named = ours.iter().find(|(own, _)| stands_for(name, own)).map(|(_, c)| c.clone());
            let actual = named.or_else(|| {
                let renamed = |(own, c): &(&String, &Value)| {
                    let text = c.to_string().replace(own.as_str(), name);
                    serde_json::from_str::<Value>(&text).unwrap_or_default()
                };
                let alike = |d: &(&String, &Value)| {
                    let mut masks = Masks::default();
                    masks.same_value(&expected, &without_ipv6_ports(&renamed(d)), Style::Plain)
                };
                let at = drawn.iter().position(alike).filter(|_| is_drawn(name))?;
                Some(renamed(&drawn.remove(at)))
            });
            Unit {
                name: format!("{node} containers {name}"),
                actual: without_ipv6_ports(&actual.unwrap_or_else(|| "no such container".into())),
                expected,
                any_order: false,
                style: Style::Plain,
            }
        })
        .collect()
}

/// True for a name of the form that an engine draws: `kind_franklin`, `kind_franklin7`.
fn is_drawn(name: &str) -> bool {
    let letters = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    let bare = name.strip_suffix(|c: char| c.is_ascii_digit()).unwrap_or(name);
    bare.split_once('_').is_some_and(|(left, right)| letters(left) && letters(right))
}

/// True if a recorded name, in which `<id25>` stands for an id, can mean `own`.
fn stands_for(recorded: &str, own: &str) -> bool {
    let (mut parts, mut rest) = (recorded.split("<id25>"), own);
    match parts.next().and_then(|first| rest.strip_prefix(first)) {
        Some(after) => rest = after,
        None => return false,
    }
    for part in parts {
        match rest.get(25..).and_then(|after| after.strip_prefix(part)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.is_empty()
}

/// The keys of one container that were kept.
fn container(json: &Value) -> Option<(String, Value)> {
    const KEYS: [&str; 9] = [
        "IPAddress",
        "IPPrefixLen",
        "Gateway",
        "MacAddress",
        "Aliases",
        "DNSNames",
        "Links",
        "GlobalIPv6Address",
        "GwPriority",
    ];
    let name = json.get("Name")?.as_str()?.trim_start_matches('/').to_owned();
    let settings = json.get("NetworkSettings")?;
    let mut networks = Map::new();
    for (network, end) in settings.get("Networks")?.as_object()? {
        let mut kept = Map::new();
        for key in KEYS {
            let value = end.get(key).cloned().unwrap_or(Value::Null);
            let empty = value.is_null() || value == "" || value == 0 || value == json!([]);
            if !empty {
                kept.insert(key.into(), value);
            }
        }
        networks.insert(network.clone(), kept.into());
    }
    let mut fields = Map::new();
    fields.insert("State".into(), json.get("State")?.get("Status")?.clone());
    fields.insert("Networks".into(), networks.into());
    if let Some(ports) = settings.get("Ports").and_then(Value::as_object).filter(|ports| !ports.is_empty()) {
        fields.insert("Ports".into(), ports.clone().into());
    }
    Some((name, fields.into()))
}

/// Bindings at IPv6 addresses are not compared.
fn without_ipv6_ports(container: &Value) -> Value {
    let mut container = container.clone();
    if let Some(ports) = container.get_mut("Ports").and_then(Value::as_object_mut) {
        for bindings in ports.values_mut().filter_map(Value::as_array_mut) {
            bindings.retain(|b| !b.get("HostIp").and_then(Value::as_str).is_some_and(|ip| ip.contains(':')));
        }
    }
    container
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_timeouts_and_freshness_are_cut() {
        for (line, cut) in [
            (":INPUT ACCEPT [12:345]", Some(":INPUT ACCEPT")),
            ("-A FORWARD -j DOCKER-USER", Some("-A FORWARD -j DOCKER-USER")),
            ("*nat", None),
            ("COMMIT", None),
        ] {
            assert_eq!(rule(line).as_deref(), cut);
        }
        assert_eq!(
            connection("tcp      6 119 TIME_WAIT src=10.0.0.1 dst=10.0.0.2 sport=1 dport=80 src=10.0.0.2 dst=10.0.0.1 sport=80 dport=1 [ASSURED] mark=0 use=1").as_deref(),
            Some("tcp      6 TIME_WAIT src=10.0.0.1 dst=10.0.0.2 sport=1 dport=80 src=10.0.0.2 dst=10.0.0.1 sport=80 dport=1 [ASSURED]")
        );
        assert_eq!(
            connection("icmp     1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=5 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=5 mark=0 use=1").as_deref(),
            Some("icmp     1 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 type=0 code=0")
        );
        assert_eq!(connection("udp      17 29 src=127.0.0.1 dst=127.0.0.11"), None);
        assert_eq!(
            neighbour("10.0.0.2 dev eth0 lladdr 02:00:00:00:00:01 REACHABLE ").as_deref(),
            Some("10.0.0.2 dev eth0 lladdr 02:00:00:00:00:01")
        );
        assert_eq!(neighbour("10.0.0.9 dev eth0 FAILED ").as_deref(), Some("10.0.0.9 dev eth0 FAILED"));
    }

    #[test]
    fn what_is_ipv6_in_a_dump_is_left_out() {
        let hosts = "127.0.0.1\tlocalhost\n::1\tlocalhost\nff02::1\tip6-allnodes\n10.0.0.3\tcli\n".into();
        assert_eq!(without_ipv6_lines(&hosts), "127.0.0.1\tlocalhost\n10.0.0.3\tcli\n");
        let ports = json!({"Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "1"}, {"HostIp": "::", "HostPort": "1"}]}});
        assert_eq!(
            without_ipv6_ports(&ports),
            json!({"Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "1"}]}})
        );
    }

    #[test]
    fn inspected_json_is_cut_to_the_recorded_keys() {
        let text = json!([{"Name": "net1", "Id": "x", "Driver": "bridge", "Scope": "local", "Internal": false,
            "Attachable": false, "EnableIPv6": false, "IPAM": {}, "Options": {},
            "Containers": {"id": {"Name": "web", "IPv4Address": "10.0.0.2/24", "MacAddress": "m", "EndpointID": "e"}}}]);
        let cut = network(&text.to_string());
        assert_eq!(cut["Containers"], json!({"web": {"IPv4Address": "10.0.0.2/24", "MacAddress": "m"}}));
        assert!(cut.get("Id").is_none());
        let inspected = json!({"Name": "/web", "State": {"Status": "running", "Pid": 1}, "NetworkSettings": {"Ports": {},
            "Networks": {"bridge": {"IPAddress": "172.17.0.2", "Gateway": "", "Links": null, "GwPriority": 0}}}});
        let (name, fields) = container(&inspected).expect("a container");
        assert_eq!(name, "web");
        assert_eq!(fields, json!({"State": "running", "Networks": {"bridge": {"IPAddress": "172.17.0.2"}}}));
    }
}
