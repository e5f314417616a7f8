//! The command line of a request: what a drag on the canvas shows and the lab stores.

use super::super::{EndpointSpec, NetworkCreate, PortSpec, Request, RunSpec};
use crate::wire::Protocol;

/// The command line that makes `request`: `docker run -d --name web -p 8080:80 nginx`.
/// Parsing it gives the request back.
pub fn render(request: &Request) -> String {
    let mut line = Line(String::from("docker"));
    match request {
        Request::Run(spec) => {
            line.word("run");
            run(&mut line, spec);
        }
        Request::Create(spec) => {
            line.word("create");
            run(&mut line, spec);
        }
        Request::Start { attach, names } => line.word("start").flag("-a", *attach).words(names),
        Request::Stop { names, timeout } => {
            line.word("stop").value("-t", timeout.map(|t| t.to_string()).as_deref()).words(names);
        }
        Request::Restart { names, timeout } => {
            line.word("restart").value("-t", timeout.map(|t| t.to_string()).as_deref()).words(names);
        }
        Request::Kill { names, signal } => line.word("kill").value("-s", signal.as_deref()).words(names),
        Request::Pause { names } => line.word("pause").words(names),
        Request::Unpause { names } => line.word("unpause").words(names),
        Request::Wait { names } => line.word("wait").words(names),
        Request::Rename { name, new } => {
            line.word("rename").word(name).word(new);
        }
        Request::Update { restart, names } => {
            line.word("update").value("--restart", restart.as_deref()).words(names);
        }
        Request::ContainerPrune { force } => {
            line.word("container").word("prune").flag("-f", *force);
        }
        Request::Ps { all, quiet, no_trunc, format, filters, last } => {
            let last = last.map(|n| n.to_string());
            line.word("ps").flag("-a", *all).flag("-q", *quiet).flag("--no-trunc", *no_trunc);
            line.value("--last", last.as_deref());
            line.value("--format", format.as_deref()).pairs("--filter", filters);
        }
        Request::Rm { force, link, names } => {
            line.word("rm").flag("-f", *force).flag("--link", *link).words(names)
        }
        Request::Exec { name, tty, detach, with, command } => {
            line.word("exec").flag("-d", *detach).flag("-it", *tty).pairs("-e", &with.env);
            line.value("-u", with.user.as_deref()).value("-w", with.workdir.as_deref());
            line.flag("--privileged", with.privileged).word(name).words(command);
        }
        Request::Inspect { format, kind, names } => {
            line.word("inspect").value("--type", kind.as_deref()).value("-f", format.as_deref()).words(names)
        }
        Request::Port { name, port } => {
            line.word("port").word(name).words(port.as_slice());
        }
        Request::Logs { name, options } => {
            line.word("logs").flag("-f", options.follow).flag("-t", options.timestamps);
            line.value("--tail", options.tail.map(|n| n.to_string()).as_deref());
            line.value("--since", options.since.as_deref())
                .value("--until", options.until.as_deref())
                .word(name);
        }
        Request::Attach { name } => {
            line.word("attach").word(name);
        }
        Request::Events(options) => {
            line.word("events").value("--since", options.since.as_deref());
            line.value("--until", options.until.as_deref()).pairs("--filter", &options.filters);
            line.value("--format", options.format.as_deref());
        }
        Request::Copy(copy) => {
            line.word("cp").word(&copy.source).word(&copy.target);
        }
        Request::Commit(commit) => {
            let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            line.word("commit").value("-a", filled(&commit.author).as_deref());
            line.value("-m", filled(&commit.message).as_deref());
            for change in &commit.changes {
                line.value("-c", Some(change));
            }
            line.word(&commit.container).words(commit.name.as_slice());
        }
        Request::History { image, format, quiet, no_trunc } => {
            line.word("history").flag("-q", *quiet).flag("--no-trunc", *no_trunc);
            line.value("--format", format.as_deref()).word(image);
        }
        Request::Diff { name } => {
            line.word("diff").word(name);
        }
        Request::Export { name, output, .. } => {
            line.word("export").value("-o", output.as_deref()).word(name);
        }
        Request::Images { quiet, format, filters, pattern } => {
            line.word("images").flag("-q", *quiet).value("--format", format.as_deref());
            line.pairs("--filter", filters);
            line.words(pattern.as_slice());
        }
        Request::Tag { source, target } => {
            line.word("tag").word(source).word(target);
        }
        Request::Rmi { force, names } => line.word("rmi").flag("-f", *force).words(names),
        Request::Pull { image } => {
            line.word("pull").word(image);
        }
        Request::Version { format } => {
            line.word("version").value("--format", format.as_deref());
        }
        Request::Info { format } => {
            line.word("info").value("--format", format.as_deref());
        }
        Request::Stats { all, once, format, names } => {
            line.word("stats").flag("-a", *all).flag("--no-stream", *once);
            line.value("--format", format.as_deref()).words(names);
        }
        Request::ImagePrune { force } => {
            line.word("image").word("prune").flag("-f", *force);
        }
        Request::Top { name, args } => {
            line.word("top").word(name).words(args);
        }
        Request::Swarm(request) => line.words(&super::swarm::words(request)),
        Request::NetworkCreate(create) => network(&mut line, create),
        Request::NetworkLs { quiet, no_trunc, format, filters } => {
            line.word("network").word("ls").flag("-q", *quiet).flag("--no-trunc", *no_trunc);
            line.value("--format", format.as_deref()).pairs("--filter", filters);
        }
        Request::NetworkInspect { format, names } => {
            line.word("network").word("inspect").value("-f", format.as_deref()).words(names);
        }
        Request::NetworkRm { force, names } => {
            line.word("network").word("rm").flag("-f", *force).words(names)
        }
        Request::NetworkConnect { endpoint, container } => {
            line.word("network").word("connect").value("--ip", endpoint.ip.as_deref());
            for alias in &endpoint.aliases {
                line.value("--alias", Some(alias));
            }
            for (name, alias) in &endpoint.links {
                line.value("--link", Some(&format!("{name}:{alias}")));
            }
            if endpoint.gw_priority != 0 {
                line.value("--gw-priority", Some(&endpoint.gw_priority.to_string()));
            }
            for addr in &endpoint.link_local {
                line.value("--link-local-ip", Some(addr));
            }
            line.pairs("--driver-opt", &endpoint.driver_opts);
            line.word(&endpoint.network).word(container);
        }
        Request::NetworkDisconnect { network, container, force } => {
            line.word("network").word("disconnect").flag("-f", *force).word(network).word(container);
        }
        Request::NetworkPrune { force, filters } => {
            line.word("network").word("prune").flag("-f", *force).pairs("--filter", filters);
        }
    }
    line.0
}

/// A command line under construction.
struct Line(String);

impl Line {
    fn word(&mut self, word: &str) -> &mut Self {
        self.0.push(' ');
        self.0.push_str(&quoted(word));
        self
    }
    fn words(&mut self, words: &[String]) {
        for word in words {
            self.word(word);
        }
    }
    fn flag(&mut self, flag: &str, on: bool) -> &mut Self {
        if on { self.word(flag) } else { self }
    }
    fn value(&mut self, flag: &str, value: Option<&str>) -> &mut Self {
        match value {
            // A value that begins with a dash must not be taken for a flag.
            Some(value) if flag.starts_with("--") && value.starts_with('-') => {
                self.word(&format!("{flag}={value}"))
            }
            Some(value) => self.word(flag).word(value),
            None => self,
        }
    }
    fn pairs(&mut self, flag: &str, pairs: &[(String, String)]) {
        for (key, value) in pairs {
            self.value(flag, Some(&format!("{key}={value}")));
        }
    }
}

/// A word as sh takes it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn run(line: &mut Line, spec: &RunSpec) {
    line.flag("-d", spec.detach);
    match (spec.interactive, spec.tty) {
        (true, true) => line.flag("-it", true),
        (i, t) => line.flag("-i", i).flag("-t", t),
    };
    line.flag("--rm", spec.remove).value("--name", spec.name.as_deref());
    line.value("--hostname", spec.hostname.as_deref());
    line.value("--domainname", spec.domainname.as_deref());
    for (i, net) in spec.networks.iter().enumerate() {
        attachment(line, net, i == 0);
    }
    for port in &spec.publish {
        line.value("-p", Some(&publish(port)));
    }
    line.flag("-P", spec.publish_all);
    for (port, proto) in &spec.expose {
        line.value("--expose", Some(&format!("{port}{}", suffix(*proto))));
    }
    line.pairs("-e", &spec.env);
    line.pairs("--label", &spec.labels);
    line.pairs("--sysctl", &spec.sysctls);
    for (name, addr) in &spec.add_host {
        line.value("--add-host", Some(&format!("{name}:{addr}")));
    }
    for addr in &spec.dns {
        line.value("--dns", Some(&addr.to_string()));
    }
    for search in &spec.dns_search {
        line.value("--dns-search", Some(search));
    }
    for option in &spec.dns_options {
        line.value("--dns-option", Some(option));
    }
    for (name, alias) in &spec.links {
        line.value("--link", Some(&format!("{name}:{alias}")));
    }
    line.value("--restart", spec.restart.as_deref()).value("--entrypoint", spec.entrypoint.as_deref());
    line.value("--pull", spec.pull_never.then_some("never"));
    line.word(&spec.image).words(&spec.command);
}

fn attachment(line: &mut Line, net: &EndpointSpec, first: bool) {
    if first && net.gw_priority == 0 && net.driver_opts.is_empty() {
        if net.network != "default" {
            line.value("--network", Some(&net.network));
        }
        line.value("--ip", net.ip.as_deref());
        line.value("--mac-address", net.mac.map(|m| m.to_string()).as_deref());
        for alias in &net.aliases {
            line.value("--network-alias", Some(alias));
        }
        for addr in &net.link_local {
            line.value("--link-local-ip", Some(addr));
        }
        return;
    }
    let mut text = format!("name={}", net.network);
    if let Some(ip) = &net.ip {
        text += &format!(",ip={ip}");
    }
    if let Some(mac) = net.mac {
        text += &format!(",mac-address={mac}");
    }
    for alias in &net.aliases {
        text += &format!(",alias={alias}");
    }
    for addr in &net.link_local {
        text += &format!(",link-local-ip={addr}");
    }
    for (key, value) in &net.driver_opts {
        match value.contains(',') {
            true => text += &format!(",\"driver-opt={key}={value}\""),
            false => text += &format!(",driver-opt={key}={value}"),
        }
    }
    if net.gw_priority != 0 {
        text += &format!(",gw-priority={}", net.gw_priority);
    }
    line.value("--network", Some(if text[5..].contains('=') { &text } else { &net.network }));
}

fn suffix(proto: Protocol) -> String {
    if proto == Protocol::Tcp { String::new() } else { format!("/{proto}") }
}

fn publish(spec: &PortSpec) -> String {
    let range = |(a, b): (u16, u16)| if a == b { a.to_string() } else { format!("{a}-{b}") };
    let inside = format!("{}{}", range(spec.container), suffix(spec.proto));
    match (spec.host_ip, spec.host) {
        (None, None) => inside,
        (None, Some(host)) => format!("{}:{inside}", range(host)),
        (Some(ip), None) => format!("{ip}::{inside}"),
        (Some(ip), Some(host)) => format!("{ip}:{}:{inside}", range(host)),
    }
}

fn network(line: &mut Line, create: &NetworkCreate) {
    line.word("network").word("create").value("--driver", create.driver.as_deref());
    for subnet in &create.subnets {
        line.value("--subnet", Some(subnet));
    }
    for gateway in &create.gateways {
        line.value("--gateway", Some(gateway));
    }
    for (name, addr) in &create.aux_addresses {
        line.value("--aux-address", Some(&format!("{name}={addr}")));
    }
    for range in &create.ip_ranges {
        line.value("--ip-range", Some(range));
    }
    line.flag("--internal", create.internal).flag("--attachable", create.attachable);
    line.value("--scope", create.scope.as_deref());
    line.value("--ipam-driver", create.ipam_driver.as_deref()).pairs("--ipam-opt", &create.ipam_options);
    line.value("--config-from", create.config_from.as_deref()).flag("--ingress", create.ingress);
    line.pairs("--opt", &create.options);
    line.pairs("--label", &create.labels);
    line.word(&create.name);
}
