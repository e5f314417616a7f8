//! From the flags and arguments of a command to its request. What the docker client itself
//! checks is checked here, in its words; the rest is the engine's to say.

use super::super::tags::check_reference;
use super::super::{
    Commit, Copy, EndpointSpec, EventOptions, ExecOptions, LogOptions, NetworkCreate, Request, RunSpec,
};
use super::flags::{BadFlag, Flags, invalid};
use super::ports;
use super::table::{Command, Does, Makes};
use super::values;
use crate::wire::{Ipv4Net, Mac, Protocol};
use std::net::{IpAddr, Ipv4Addr};

/// Why no request can be made.
pub(super) enum Refusal {
    /// A flag's value: shown with the usage line, exit 125.
    Flag(BadFlag),
    /// The client refuses: shown after `docker: ` with the pointer to `--help` where it is
    /// `docker run` (exit 125), bare elsewhere (exit 1).
    Client(String),
    /// The same, bare everywhere.
    Plain(String),
}

impl From<BadFlag> for Refusal {
    fn from(bad: BadFlag) -> Self {
        Self::Flag(bad)
    }
}

/// What `docker inspect --type` takes.
const TYPES: [&str; 10] =
    ["config", "container", "image", "network", "node", "plugin", "secret", "service", "task", "volume"];

/// The request of `command`.
pub(super) fn request(command: &Command, mut f: Flags) -> Result<Request, Refusal> {
    for (flag, _) in &f.set {
        if let Does::Refused(instead) = flag.does {
            return Err(Refusal::Client(format!("--{} is not supported in netpier; {instead}", flag.name)));
        }
    }
    let text = |name: &str| f.last(name).map(str::to_owned);
    let filters = || f.all(&["filter"]).map(pair).collect::<Vec<_>>();
    let timeout = || f.all(&["timeout", "time"]).last().and_then(|s| s.parse().ok());
    Ok(match command.makes {
        Makes::Run => Request::Run(run(f)?),
        Makes::Create => {
            // Said plainly here (docker/cli, cli/command/container/create.go).
            check_reference(&f.args[0]).map_err(Refusal::Plain)?;
            Request::Create(run(f)?)
        }
        Makes::Start => Request::Start { attach: f.on("attach") || f.on("interactive"), names: f.args },
        Makes::Stop => Request::Stop { timeout: timeout(), names: f.args },
        Makes::Restart => Request::Restart { timeout: timeout(), names: f.args },
        Makes::Kill => Request::Kill { signal: text("signal"), names: f.args },
        Makes::Pause => Request::Pause { names: f.args },
        Makes::Unpause => Request::Unpause { names: f.args },
        Makes::Wait => Request::Wait { names: f.args },
        Makes::Rename => Request::Rename { new: f.args.remove(1), name: f.args.remove(0) },
        Makes::Update if f.set.is_empty() => {
            return Err(Refusal::Client("you must provide one or more flags when using this command".into()));
        }
        Makes::Update => Request::Update { restart: text("restart"), names: f.args },
        Makes::ContainerPrune => Request::ContainerPrune { force: f.on("force") },
        Makes::Ps => Request::Ps {
            all: f.on("all"),
            quiet: f.on("quiet"),
            no_trunc: f.on("no-trunc"),
            format: text("format"),
            filters: filters(),
            last: if f.on("latest") { Some(1) } else { f.last("last").and_then(|n| n.parse().ok()) },
        },
        Makes::Rm => Request::Rm { force: f.on("force"), link: f.on("link"), names: f.args },
        Makes::Exec => Request::Exec {
            tty: f.on("tty"),
            detach: f.on("detach"),
            with: ExecOptions {
                env: f.all(&["env"]).filter(|e| e.contains('=')).map(pair).collect(),
                user: text("user").filter(|u| !u.is_empty()),
                workdir: text("workdir").filter(|w| !w.is_empty()),
                privileged: f.on("privileged"),
            },
            name: f.args.remove(0),
            command: f.args,
        },
        Makes::Inspect if f.last("type").is_some_and(|t| !t.is_empty() && !TYPES.contains(&t)) => {
            let names: Vec<String> = TYPES.iter().map(|t| format!("{t:?}")).collect();
            let kind = f.last("type").unwrap_or_default();
            return Err(Refusal::Client(format!(
                "unknown type: {kind:?}: must be one of {}",
                names.join(", ")
            )));
        }
        Makes::Inspect => Request::Inspect { format: text("format"), kind: text("type"), names: f.args },
        Makes::Port => Request::Port { port: f.args.get(1).cloned(), name: f.args.remove(0) },
        Makes::Logs => Request::Logs {
            options: LogOptions {
                tail: f.last("tail").filter(|t| *t != "all").and_then(|t| t.parse().ok()),
                follow: f.on("follow"),
                timestamps: f.on("timestamps"),
                since: text("since"),
                until: text("until"),
            },
            name: f.args.remove(0),
        },
        Makes::Events => Request::Events(EventOptions {
            since: text("since"),
            until: text("until"),
            filters: filters(),
            format: text("format"),
        }),
        Makes::Copy => {
            Request::Copy(Copy { target: f.args.remove(1), source: f.args.remove(0), cwd: "/".to_owned() })
        }
        Makes::Commit => {
            let name = f.args.get(1).filter(|n| !n.is_empty()).cloned();
            if let Some(name) = &name {
                check_reference(name).map_err(Refusal::Plain)?;
            }
            Request::Commit(Commit {
                name,
                message: text("message").unwrap_or_default(),
                author: text("author").unwrap_or_default(),
                changes: f.all(&["change"]).map(str::to_owned).collect(),
                container: f.args.remove(0),
            })
        }
        Makes::History => Request::History {
            format: text("format"),
            quiet: f.on("quiet"),
            no_trunc: f.on("no-trunc"),
            image: f.args.remove(0),
        },
        Makes::Diff => Request::Diff { name: f.args.remove(0) },
        Makes::Export => Request::Export {
            output: text("output").filter(|o| !o.is_empty()),
            name: f.args.remove(0),
            cwd: "/".to_owned(),
        },
        Makes::Images => Request::Images {
            quiet: f.on("quiet"),
            format: text("format"),
            filters: filters(),
            pattern: f.args.pop(),
        },
        Makes::Tag => {
            for name in &f.args {
                check_reference(name).map_err(|e| {
                    Refusal::Client(format!(
                        "Error parsing reference: {name:?} is not a valid repository/tag: {e}"
                    ))
                })?;
            }
            Request::Tag { target: f.args.remove(1), source: f.args.remove(0) }
        }
        Makes::Rmi => Request::Rmi { force: f.on("force"), names: f.args },
        Makes::ImageInspect => {
            Request::Inspect { format: text("format"), kind: Some("image".to_owned()), names: f.args }
        }
        Makes::ContainerInspect => {
            Request::Inspect { format: text("format"), kind: Some("container".to_owned()), names: f.args }
        }
        Makes::Attach => Request::Attach { name: f.args.remove(0) },
        Makes::Pull => {
            check_reference(&f.args[0]).map_err(Refusal::Client)?;
            Request::Pull { image: f.args.remove(0) }
        }
        Makes::Version => Request::Version { format: text("format") },
        Makes::Info => Request::Info { format: text("format") },
        Makes::Stats => Request::Stats {
            all: f.on("all"),
            once: f.on("no-stream"),
            format: text("format"),
            names: f.args,
        },
        Makes::ImagePrune => Request::ImagePrune { force: f.on("force") },
        Makes::Top => Request::Top { name: f.args.remove(0), args: f.args },
        Makes::NetworkCreate => Request::NetworkCreate(network(f)?),
        Makes::NetworkLs => Request::NetworkLs {
            quiet: f.on("quiet"),
            no_trunc: f.on("no-trunc"),
            format: text("format"),
            filters: filters(),
        },
        Makes::NetworkInspect => Request::NetworkInspect { format: text("format"), names: f.args },
        Makes::NetworkRm => Request::NetworkRm { force: f.on("force"), names: f.args },
        Makes::NetworkConnect => {
            let mut links = Vec::new();
            for (flag, value) in f.set.iter().filter(|s| s.0.name == "link") {
                links.push(link(value).map_err(|e| invalid(flag, value, &e))?);
            }
            let driver_opts = list(&f, "driver-opt").iter().map(|o| driver_opt(o)).collect::<Option<_>>();
            let Some(driver_opts) = driver_opts else {
                return Err(Refusal::Client("invalid key/value pair format in driver options".into()));
            };
            let endpoint = EndpointSpec {
                links,
                aliases: list(&f, "alias"),
                ip: text("ip"),
                gw_priority: f.last("gw-priority").and_then(|p| p.parse().ok()).unwrap_or(0),
                link_local: list(&f, "link-local-ip"),
                driver_opts,
                ..EndpointSpec::from(f.args[0].as_str())
            };
            Request::NetworkConnect { endpoint, container: f.args.remove(1) }
        }
        Makes::NetworkDisconnect => {
            let force = f.on("force");
            Request::NetworkDisconnect { force, container: f.args.remove(1), network: f.args.remove(0) }
        }
        Makes::Absent(instead) => {
            return Err(Refusal::Plain(format!("it is not part of netpier: {instead}")));
        }
        Makes::Swarm(word) => Request::Swarm(super::swarm::request(word, f)?),
        Makes::NetworkPrune => Request::NetworkPrune { force: f.on("force"), filters: filters() },
    })
}

/// `KEY=VALUE`; without `=` the value is empty.
pub(super) fn pair(text: &str) -> (String, String) {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    (key.to_owned(), value.to_owned())
}

/// Pairs as a map keeps them: of one key the last.
fn last_of_each(pairs: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for (key, value) in pairs {
        all.retain(|p| p.0 != key);
        all.push((key, value));
    }
    all
}

/// A flag of type "strings": given several times, or once with commas.
fn list(f: &Flags, name: &str) -> Vec<String> {
    f.all(&[name]).flat_map(|v| v.split(',')).filter(|v| !v.is_empty()).map(str::to_owned).collect()
}

// ---- docker run

fn run(mut f: Flags) -> Result<RunSpec, Refusal> {
    let mut spec = RunSpec {
        name: f.last("name").filter(|n| !n.is_empty()).map(str::to_owned),
        detach: f.on("detach"),
        remove: f.on("rm"),
        interactive: f.on("interactive"),
        tty: f.on("tty"),
        hostname: f.last("hostname").filter(|h| !h.is_empty()).map(str::to_owned),
        domainname: f.last("domainname").filter(|d| !d.is_empty()).map(str::to_owned),
        labels: f.all(&["label"]).map(pair).collect(),
        publish_all: f.on("publish-all"),
        // A name alone takes the value from the client's own environment, which has none of these.
        env: f.all(&["env"]).filter(|e| e.contains('=')).map(pair).collect(),
        dns_search: f.all(&["dns-search"]).map(str::to_owned).collect(),
        dns_options: f.all(&["dns-option", "dns-opt"]).map(str::to_owned).collect(),
        restart: f.last("restart").map(str::to_owned),
        entrypoint: f.last("entrypoint").map(str::to_owned),
        cap_add: f.all(&["cap-add"]).map(str::to_owned).collect(),
        cap_drop: f.all(&["cap-drop"]).map(str::to_owned).collect(),
        privileged: f.on("privileged"),
        user: f.last("user").unwrap_or_default().to_owned(),
        workdir: f.last("workdir").unwrap_or_default().to_owned(),
        env_files: f.all(&["env-file"]).map(str::to_owned).collect(),
        init: f.on("init"),
        pull_never: f.last("pull") == Some("never"),
        stop_signal: f.last("stop-signal").map(str::to_owned),
        pid_of: f.last("pid").and_then(|p| p.strip_prefix("container:")).map(str::to_owned),
        platform: f.last("platform").filter(|p| !p.is_empty()).map(str::to_owned),
        cidfile: f.last("cidfile").filter(|p| !p.is_empty()).map(str::to_owned),
        groups: f.all(&["group-add"]).map(str::to_owned).collect(),
        ..RunSpec::default()
    };
    for (flag, value) in &f.set {
        match flag.name {
            "add-host" => spec.add_host.push(extra_host(value).map_err(|e| invalid(flag, value, &e))?),
            "dns" => spec.dns.push(resolver(value).map_err(|e| invalid(flag, value, &e))?),
            "sysctl" => spec.sysctls.push(sysctl(value).map_err(|e| invalid(flag, value, &e))?),
            "env" if value.is_empty() || value.starts_with('=') => {
                return Err(invalid(flag, value, &format!("invalid environment variable: {value}")).into());
            }
            "dns-search" if value.split_whitespace().count() != 1 => {
                return Err(invalid(flag, value, &format!("{value} is not a valid domain")).into());
            }
            "link" => spec.links.push(link(value).map_err(|e| invalid(flag, value, &e))?),
            "network" | "net" => {
                spec.networks.push(attachment(value).map_err(|e| invalid(flag, value, &e))?);
            }
            _ if flag.does == Does::Nothing && !QUIET.contains(&flag.name) => {
                spec.ignored.push(format!("--{}", flag.name));
            }
            _ => {}
        }
    }
    // The client looks at the ports after all flags are read, and at networks after that.
    for raw in f.all(&["publish"]) {
        spec.publish.push(ports::parse(raw).map_err(Refusal::Client)?);
    }
    for raw in f.all(&["expose"]) {
        let ports: Vec<(u16, Protocol)> = ports::expose(raw).map_err(Refusal::Client)?;
        spec.expose.extend(ports);
    }
    if spec.networks.iter().any(|n| n.network.is_empty()) {
        return Err(Refusal::Client("no name set for network".into()));
    }
    for (flag, value) in &f.set {
        if let Some(why) = values::mode(flag.name, value).or_else(|| values::idle_value(flag.name, value)) {
            return Err(Refusal::Client(why));
        }
        if let Some(why) = values::refused_by_engine(flag.name, value) {
            spec.refused.get_or_insert(why);
        }
        if let Some(why) = values::unstartable(flag.name, value) {
            spec.unstartable.get_or_insert(why);
        }
    }
    if f.last("uts") == Some("host") && spec.hostname.is_some() {
        spec.refused.get_or_insert("conflicting options: hostname and the UTS mode".into());
    }
    // An empty command or a length of nothing says nothing (docker/cli, command/container/opts.go).
    let health = ["health-cmd", "health-interval", "health-timeout", "health-start-period", "health-retries"];
    if f.on("no-healthcheck") && f.all(&health).any(|v| !matches!(v, "" | "0" | "0s")) {
        return Err(Refusal::Client("--no-healthcheck conflicts with --health-* options".into()));
    }
    if let Some(policy) = &spec.restart {
        if spec.remove && policy != "no" {
            return Err(Refusal::Client(
                "conflicting options: cannot specify both --restart and --rm".into(),
            ));
        }
        restart_policy(policy).map_err(Refusal::Client)?;
    }
    if let Some(pull) = f.last("pull").filter(|p| !matches!(*p, "" | "always" | "missing" | "never")) {
        return Err(Refusal::Client(format!(
            "invalid pull option: '{pull}': must be one of \"always\", \"missing\" or \"never\""
        )));
    }
    apply_to_first(&f, &mut spec)?;
    spec.image = f.args.remove(0);
    check_reference(&spec.image).map_err(Refusal::Client)?;
    spec.command = f.args;
    Ok(spec)
}

/// `net.ipv4.ip_forward=0`: only settings of a namespace (docker/cli, opts.ValidateSysctl).
pub(super) fn sysctl(text: &str) -> Result<(String, String), String> {
    const SHM: [&str; 8] = [
        "kernel.msgmax",
        "kernel.msgmnb",
        "kernel.msgmni",
        "kernel.sem",
        "kernel.shmall",
        "kernel.shmmax",
        "kernel.shmmni",
        "kernel.shm_rmid_forced",
    ];
    match text.split_once('=') {
        Some((key, value))
            if key.starts_with("net.") || key.starts_with("fs.mqueue.") || SHM.contains(&key) =>
        {
            Ok((key.to_owned(), value.to_owned()))
        }
        _ => Err(format!("sysctl '{text}' is not allowed")),
    }
}

/// What the client checks of `--restart` (docker/cli, opts.ParseRestartPolicy).
fn restart_policy(text: &str) -> Result<(), String> {
    let Some((_, count)) = text.split_once(':') else { return Ok(()) };
    if count.contains(':') {
        return Err("invalid restart policy format".into());
    }
    match count.parse::<i64>() {
        Ok(_) => Ok(()),
        Err(_) => Err("invalid restart policy format: maximum retry count must be an integer".into()),
    }
}

/// Flags without effect here that are not worth a word: nobody expects to see one.
const QUIET: &[&str] =
    &["attach", "detach-keys", "label", "no-healthcheck", "platform", "pull", "quiet", "sig-proxy"];

/// `--ip`, `--network-alias`, `--mac-address` belong to the first network.
fn apply_to_first(f: &Flags, spec: &mut RunSpec) -> Result<(), Refusal> {
    let aliases: Vec<String> = f.all(&["network-alias", "net-alias"]).map(str::to_owned).collect();
    let ip = f.last("ip").map(str::to_owned);
    let link_local: Vec<String> = f.all(&["link-local-ip"]).map(str::to_owned).collect();
    let mac = match f.last("mac-address") {
        Some(text) => Some(
            text.replace('-', ":")
                .parse::<Mac>()
                .map_err(|_| Refusal::Client(format!("{text} is not a valid mac address")))?,
        ),
        None => None,
    };
    let any = !aliases.is_empty() || !link_local.is_empty() || ip.is_some() || mac.is_some();
    if spec.networks.is_empty() && any {
        spec.networks.push(EndpointSpec::from("default"));
    }
    let conflict =
        |what: &str| Err(Refusal::Client(format!("conflicting options: cannot specify both {what}")));
    if let Some(first) = spec.networks.first_mut() {
        match () {
            () if !first.aliases.is_empty() && !aliases.is_empty() => {
                return conflict("--network-alias and per-network alias");
            }
            () if first.ip.is_some() && ip.is_some() => {
                return conflict("--ip and per-network IPv4 address");
            }
            () if first.mac.is_some() && mac.is_some() => {
                return conflict("--mac-address and per-network MAC address");
            }
            () if !first.link_local.is_empty() && !link_local.is_empty() => {
                return conflict("--link-local-ip and per-network link-local IP addresses");
            }
            () => {}
        }
        first.aliases.extend(aliases);
        first.link_local.extend(link_local);
        first.ip = first.ip.take().or(ip);
        first.mac = first.mac.or(mac);
    }
    for (i, net) in spec.networks.iter().enumerate() {
        if !user_defined(&net.network) && !net.aliases.is_empty() {
            return Err(Refusal::Client(
                "network-scoped aliases are only supported for user-defined networks".into(),
            ));
        }
        if spec.networks[..i].iter().any(|n| n.network == net.network) {
            return Err(Refusal::Client(format!("network {:?} is specified multiple times", net.network)));
        }
    }
    if spec.networks.iter().any(|n| user_defined(&n.network))
        && spec.networks.iter().any(|n| !user_defined(&n.network))
    {
        return Err(Refusal::Client(
            "conflicting options: cannot attach both user-defined and non-user-defined network-modes".into(),
        ));
    }
    Ok(())
}

/// What the client takes for the name of a user-defined network.
fn user_defined(network: &str) -> bool {
    !matches!(network, "default" | "bridge" | "host" | "none") && !network.starts_with("container:")
}

/// `NAME`, or `name=NAME,alias=A,ip=1.2.3.4`.
fn attachment(text: &str) -> Result<EndpointSpec, String> {
    // The long form has a letter before and something behind the sign (docker/cli, opts/network.go).
    let named = |field: &str| {
        field.split_once('=').is_some_and(|(key, value)| {
            key.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_') && !value.is_empty()
        })
    };
    if !text.split(',').any(named) {
        return Ok(EndpointSpec::from(text));
    }
    let mut spec = EndpointSpec::default();
    for field in csv_fields(text) {
        // What is written large there reaches the engine small.
        let small = field.to_lowercase();
        let (key, value) = small.split_once('=').ok_or_else(|| format!("invalid field {field}"))?;
        let value = value.trim();
        match key.trim() {
            "name" => value.clone_into(&mut spec.network),
            "alias" => spec.aliases.push(value.to_owned()),
            "ip" => spec.ip = Some(value.to_owned()),
            "mac-address" => {
                spec.mac = Some(value.parse().map_err(|_| format!("{value} is not a valid mac address"))?);
            }
            "gw-priority" => {
                spec.gw_priority =
                    value.parse().map_err(|_| format!("invalid gw-priority ({value}): invalid syntax"))?;
            }
            "link-local-ip" => spec.link_local.push(value.to_owned()),
            "driver-opt" => {
                let pair = driver_opt(value).ok_or("invalid key value pair format in driver options")?;
                spec.driver_opts.retain(|o| o.0 != pair.0);
                spec.driver_opts.push(pair);
            }
            "ip6" => return Err("ip6 is not supported in netpier; use ip=".to_owned()),
            other => return Err(format!("invalid field key {other}")),
        }
    }
    if spec.network.is_empty() { Err("network name/id is not specified".into()) } else { Ok(spec) }
}

/// `KEY=VALUE` of an endpoint; None: it is none.
fn driver_opt(text: &str) -> Option<(String, String)> {
    let (key, value) = text.split_once('=')?;
    let key = key.trim();
    (!key.is_empty()).then(|| (key.to_owned(), value.trim().to_owned()))
}

/// The fields of a line of comma-separated values: one in quotation marks may hold commas (RFC 4180).
fn csv_fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        let field = fields.last_mut().expect("there is always one");
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => field.extend(letters.next()),
            '"' if quoted || field.is_empty() => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            letter => field.push(letter),
        }
    }
    fields
}

/// `NAME:ADDRESS` or `NAME=ADDRESS`.
pub(super) fn extra_host(text: &str) -> Result<(String, String), String> {
    let (name, addr) = text.split_once('=').or_else(|| text.split_once(':')).unwrap_or(("", ""));
    if name.is_empty() || name.contains(':') {
        return Err(format!("bad format for add-host: {text:?}"));
    }
    let bare = addr.strip_prefix('[').and_then(|a| a.strip_suffix(']')).unwrap_or(addr);
    if bare != "host-gateway" && bare.parse::<IpAddr>().is_err() {
        return Err(format!("invalid IP address in add-host: {bare:?}"));
    }
    Ok((name.to_owned(), bare.to_owned()))
}

/// An IPv6 address or subnet.
fn is_ipv6(text: &str) -> bool {
    text.split('/').next().is_some_and(|addr| addr.parse::<std::net::Ipv6Addr>().is_ok())
}

pub(super) fn resolver(text: &str) -> Result<Ipv4Addr, String> {
    match text.trim().parse() {
        Ok(IpAddr::V4(addr)) => Ok(addr),
        Ok(IpAddr::V6(_)) => Err(format!("IPv6 is not yet emulated here: {text}")),
        Err(_) => Err(format!("IP address is not correctly formatted: {text}")),
    }
}

/// `CONTAINER[:ALIAS]`.
fn link(text: &str) -> Result<(String, String), String> {
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        [""] => Err("empty string specified for links".to_owned()),
        [name] => Ok(((*name).to_owned(), (*name).to_owned())),
        [name, alias] => Ok(((*name).to_owned(), (*alias).to_owned())),
        _ => Err(format!("bad format for links: {text}")),
    }
}

// ---- docker network create

fn network(mut f: Flags) -> Result<NetworkCreate, Refusal> {
    let create = NetworkCreate {
        driver: f.last("driver").filter(|d| !d.is_empty()).map(str::to_owned),
        no_ipv4: f.last("ipv4") == Some("false"),
        subnets: list(&f, "subnet"),
        gateways: list(&f, "gateway"),
        ip_ranges: list(&f, "ip-range"),
        aux_addresses: last_of_each(f.all(&["aux-address"]).map(pair)),
        internal: f.on("internal"),
        attachable: f.on("attachable"),
        scope: f.last("scope").map(str::to_owned),
        ipam_driver: f.last("ipam-driver").filter(|d| !matches!(*d, "" | "default")).map(str::to_owned),
        ipam_options: last_of_each(f.all(&["ipam-opt"]).map(pair)),
        config_from: f.last("config-from").filter(|c| !c.is_empty()).map(str::to_owned),
        ingress: f.on("ingress"),
        options: f.all(&["opt"]).map(pair).collect(),
        labels: f.all(&["label"]).map(pair).collect(),
        name: f.args.remove(0),
    };
    belongs_together(&create).map_err(Refusal::Client)?;
    Ok(create)
}

/// What the client checks: each range and gateway lies in a subnet, and no two subnets overlap
/// (docker/cli, createIPAMConfig). A subnet that is not one is the engine's to refuse.
fn belongs_together(create: &NetworkCreate) -> Result<(), String> {
    let NetworkCreate { subnets, gateways, ip_ranges, .. } = create;
    let aux = create.aux_addresses.iter().map(|(_, addr)| addr);
    if let Some(v6) = subnets.iter().chain(gateways).chain(ip_ranges).chain(aux).find(|a| is_ipv6(a)) {
        return Err(format!("IPv6 is not yet emulated here: {v6}"));
    }
    if subnets.len() < ip_ranges.len() || subnets.len() < gateways.len() {
        return Err("every ip-range or gateway must have a corresponding subnet".into());
    }
    let nets: Vec<Option<Ipv4Net>> = subnets.iter().map(|s| s.parse().ok()).collect();
    for (i, a) in nets.iter().enumerate() {
        for b in nets[..i].iter().flatten() {
            if a.is_some_and(|a| a.contains(&b.network()) || b.contains(&a.network())) {
                return Err("multiple overlapping subnet configuration is not supported".into());
            }
        }
    }
    let holds = |addr: Ipv4Addr| nets.iter().flatten().any(|n| n.contains(&addr));
    for range in ip_ranges {
        let net: Ipv4Net = range.parse().map_err(|_| format!("invalid CIDR address: {range}"))?;
        if !holds(net.addr()) {
            return Err(format!("no matching subnet for range {range}"));
        }
    }
    for (_, addr) in &create.aux_addresses {
        if !addr.parse().is_ok_and(holds) {
            return Err(format!("no matching subnet for aux-address {addr}"));
        }
    }
    for gateway in gateways {
        // A subnet that cannot be read matches nothing, and the client then refuses the gateway;
        // but one that is no subnet at all the client refuses first.
        if let Some(bad) = subnets.iter().zip(&nets).find(|(_, n)| n.is_none()) {
            return Err(format!("invalid CIDR address: {}", bad.0));
        }
        if !gateway.parse().is_ok_and(holds) {
            return Err(format!("no matching subnet for gateway {gateway}"));
        }
    }
    Ok(())
}
