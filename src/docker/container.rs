//! Containers: made, started, stopped, removed.

use super::engine::{Attachment, Container, ContainerState, Engine, EngineError, Inner, Linked};
use super::image::{self, Image};
use super::init::Init;
use super::names;
use super::privilege;
use super::resolv::{Mode, ResolvConf};
use super::rules;
use super::{Attach, EndpointSpec, MainScript, Response, RunSpec};
use crate::guest::{self, Creds, MachineId, Program};
use crate::sim::World;

/// Whose network namespace a container lives in.
#[derive(Debug, Clone, PartialEq, Eq)]
enum NetMode {
    Own,
    Host,
    None,
    Container(String),
}

fn net_mode(attachments: &[Attachment]) -> NetMode {
    match attachments.first().map(|a| a.spec.network.as_str()) {
        Some("host") => NetMode::Host,
        Some("none") => NetMode::None,
        Some(other) => match other.strip_prefix("container:") {
            Some(name) => NetMode::Container(name.to_owned()),
            None => NetMode::Own,
        },
        None => NetMode::Own,
    }
}

/// What a container with another's namespace, or the host's, is told.
pub(super) const SHARES: &str = "container sharing network namespace with another container or host cannot be \
    connected to any other network";
/// What a container without networks is told.
pub(super) const PRIVATE: &str =
    "container cannot be connected to multiple networks with one of the networks in private (none) mode";

/// Docker's pointer to the help of `docker run`.
fn with_help(message: &str) -> String {
    format!("docker: {message}\n\nRun 'docker run --help' for more information\n")
}

/// The files that the engine writes, and mounts into a container.
const ENGINES: [&str; 3] = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];

/// Containers of one engine, running or not: each is a namespace with all that belongs to it.
const MOST: usize = 2048;

/// Ports that one container publishes: each is a handful of rules and a proxy.
const MOST_PORTS: usize = 1024;

/// What is said of a container that shall share another's network, but does not say whose.
const NO_CONTAINER: &str = "invalid network mode: invalid container format container:<name|id>";

/// How many ports `spec` publishes, at most.
fn published(spec: &RunSpec, image: &Image) -> usize {
    let by_hand: usize = spec.publish.iter().map(|p| usize::from(p.container.1 - p.container.0) + 1).sum();
    let exposed = if spec.publish_all { spec.expose.len() + image.expose.len() } else { 0 };
    by_hand + exposed
}

impl Engine {
    // ---- docker run, create

    pub(super) fn run(&mut self, world: &mut World, spec: &RunSpec) -> Response {
        let (i, warnings) = match self.create(world, spec) {
            Ok(made) => made,
            Err(response) => return Response { exit: 125, ..response },
        };
        if !spec.detach {
            self.tell(world, i, "attach", &[]);
        }
        let id = self.containers[i].id.clone();
        let stdout = if spec.detach { format!("{id}\n") } else { String::new() };
        if let Err(e) = self.start(world, i, !spec.detach) {
            let stderr = warnings + &with_help(&format!("Error response from daemon: {}", e.message));
            if spec.remove {
                self.remove(world, i);
            }
            return Response { stdout, stderr, note: ignored(spec), exit: e.exit, attach: None };
        }
        let attach = if spec.detach { None } else { self.attach_main(i) };
        Response { stdout, stderr: warnings, note: ignored(spec), exit: 0, attach }
    }

    pub(super) fn docker_create(&mut self, world: &mut World, spec: &RunSpec) -> Response {
        match self.create(world, spec) {
            Ok((i, stderr)) => {
                let stdout = format!("{}\n", self.containers[i].id);
                Response { stdout, stderr, note: ignored(spec), ..Response::default() }
            }
            Err(response) => {
                // The client says it plainly here, without the pointer to the help.
                let stderr = response.stderr.replace("docker: Error response", "Error response");
                let stderr = stderr.replace("\n\nRun 'docker run --help' for more information", "");
                Response { stderr, exit: 1, ..response }
            }
        }
    }

    /// Makes a container. On failure nothing is made. Also returns what is to be warned of.
    fn create(&mut self, world: &mut World, spec: &RunSpec) -> Result<(usize, String), Response> {
        let refuse = |m: String| Response {
            stderr: with_help(&format!("Error response from daemon: {m}")),
            exit: 125,
            ..Response::default()
        };
        let other = spec.platform.as_deref().is_some_and(|p| !image::runs_on(p));
        let Some(image) = self.image_of(&spec.image).filter(|_| !other) else {
            if spec.pull_never {
                return Err(refuse(super::tags::no_such(&spec.image).message));
            }
            let conf = ResolvConf::parse(&self.host_file(world, "/etc/resolv.conf"));
            let (error, hint) = image::unknown(&spec.image, conf.servers.first());
            let local = format!("Unable to find image '{}' locally\n", image::full_name(&spec.image));
            let stderr = local + &with_help(&format!("Error response from daemon: {error}"));
            return Err(Response { stderr, note: hint, exit: 125, ..Response::default() });
        };
        let made = self.made_of(&spec.image).map(|m| self.made[m].clone());
        let merged = made.as_ref().map(|m| m.applied(spec));
        let spec = merged.as_ref().unwrap_or(spec);
        if self.containers.len() >= MOST {
            return Err(refuse(format!("netpier keeps at most {MOST} containers on a host; docker rm some")));
        }
        if published(spec, image) > MOST_PORTS {
            return Err(refuse(format!("netpier publishes at most {MOST_PORTS} ports of a container")));
        }
        if let Some(why) = &spec.refused {
            return Err(refuse(why.clone()));
        }
        if let Some(other) = &spec.pid_of {
            self.find(other).map_err(|e| refuse(e.message))?;
        }
        if let Some(policy) = &spec.restart {
            super::restart::Policy::parse(policy).map_err(refuse)?;
        }
        for (names, flag) in [(&spec.cap_add, "CapAdd"), (&spec.cap_drop, "CapDrop")] {
            privilege::normalized(names, flag).map_err(refuse)?;
        }
        if !spec.workdir.is_empty() && !spec.workdir.starts_with('/') {
            return Err(refuse(format!(
                "the working directory '{}' is invalid, it needs to be an absolute path",
                spec.workdir
            )));
        }
        for (key, _) in &spec.sysctls {
            // net.ipv4.conf.eth0.…: its name is not known before the container runs (daemon/daemon_unix.go)
            let parts: Vec<&str> = key.split('.').collect();
            if let ["net", "ipv4" | "ipv6", "conf" | "neigh", device, _] = parts[..]
                && !matches!(device, "all" | "default")
            {
                return Err(refuse(format!(
                    "interface specific sysctl setting {key:?} must be supplied using driver option \
                     'com.docker.network.endpoint.sysctls'"
                )));
            }
        }
        let attachments = self.attachments(spec).map_err(refuse)?;
        let name = self.container_name(world, spec).map_err(refuse)?;
        let mode = net_mode(&attachments);
        let linked = self.links_of(&attachments, &spec.links).map_err(refuse)?;
        let mut warnings = String::new();
        if mode == NetMode::Host && !spec.publish.is_empty() {
            warnings += "WARNING: Published ports are discarded when using host network mode\n";
        }
        if mode == NetMode::Own
            && world.namespace(self.host_ns(world)).is_some_and(|ns| !ns.sysctl.ip_forward)
        {
            warnings += "WARNING: IPv4 forwarding is disabled. Networking will not work.\n";
        }
        for server in spec.dns.iter().filter(|s| s.is_loopback()) {
            warnings += &format!("WARNING: Localhost DNS ({server}) may fail in containers.\n");
        }
        let id = self.new_id(world, "container");
        let short = names::short(&id).to_owned();
        let name = name.unwrap_or_else(|| short.clone());
        let hostname = match (&mode, &spec.hostname) {
            (_, Some(given)) => given.clone(),
            (NetMode::Host, None) => world.machine(self.host).map_or(short, |m| m.hostname.clone()),
            (NetMode::Container(other), None) => {
                self.find(other).map_or(short, |i| self.containers[i].inner.hostname.clone())
            }
            _ => short,
        };
        let ns = if mode == NetMode::Host { self.host_ns(world) } else { world.add_namespace() };
        let machine = world.add_machine(ns, &hostname);
        let mut origin = made.as_ref().map(|m| m.files.clone()).unwrap_or_default();
        if made.is_none() && image.has("sh") {
            for (path, text) in guest::user_files() {
                let _ = origin.put(path, text);
            }
        }
        // The mark by which wget, ping and nslookup speak busybox's dialect.
        if image.tools.is_some_and(|t| t.contains(&"ash")) {
            let _ = origin.put("/bin/busybox", "");
        }
        ENGINES.iter().for_each(|path| origin.mount(path));
        self.containers.push(Container {
            id,
            name,
            image: spec.image.clone(),
            state: ContainerState::Created,
            machine,
            endpoints: Vec::new(),
            ports: Vec::new(),
            inner: Inner {
                base: image,
                spec: spec.clone(),
                command: command_shown(image, spec),
                hostname,
                created: world.now(),
                started: None,
                finished: None,
                main: None,
                last_main: None,
                mode: attachments.first().map_or_else(|| "default".into(), |a| a.spec.network.clone()),
                attachments,
                gateway_network: None,
                gateway: None,
                service: spec.service.clone(),
                withdrawn: false,
                published: Vec::new(),
                linked,
                link_rules: Vec::new(),
                resolver: None,
                own_hosts: Vec::new(),
                left: Vec::new(),
                resolv_conf: String::new(),
                failed: None,
                restarts: 0,
                delay: None,
                stopped_by_hand: false,
                log: Vec::new(),
                made: made.map(|m| m.id),
                origin: origin.clone(),
            },
        });
        if let Some(machine) = world.machine_mut(machine) {
            machine.files = origin;
        }
        self.note_state(self.containers.len() - 1);
        self.tell(world, self.containers.len() - 1, "create", &[]);
        Ok((self.containers.len() - 1, warnings))
    }

    /// The name that was asked for, or a drawn one; None if those that were drawn are taken.
    fn container_name(&mut self, world: &World, spec: &RunSpec) -> Result<Option<String>, String> {
        let Some(name) = &spec.name else {
            // A drawn name that is taken is drawn again, with a digit; in the end the id is the name
            // (generateNewName of moby's daemon/names.go).
            let mut rng = self.rng(world, "name");
            return Ok((0..6)
                .map(|attempt| match names::container(&mut rng) {
                    name if attempt == 0 => name,
                    name => format!("{name}{}", rng.below(10)),
                })
                .find(|name| !self.containers.is_taken(name)));
        };
        self.name_is_free(name).map(|()| Some(name.clone()))
    }

    /// Whether a container may be called `name`.
    pub(super) fn name_is_free(&self, name: &str) -> Result<(), String> {
        if !names::valid(name) {
            return Err(format!(
                "Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
            ));
        }
        match self.containers.iter().find(|c| c.name == *name) {
            None => Ok(()),
            Some(other) => Err(format!(
                "Conflict. The container name \"/{name}\" is already in use by container \"{}\". You have to \
                 remove (or rename) that container to be able to reuse that name.",
                other.id
            )),
        }
    }

    fn attachments(&self, spec: &RunSpec) -> Result<Vec<Attachment>, String> {
        let asked = match spec.networks.as_slice() {
            [] => vec![EndpointSpec::from("bridge")],
            some => some.to_vec(),
        };
        let mut all = Vec::new();
        for mut endpoint in asked {
            if endpoint.network == "default" {
                endpoint.network = "bridge".into();
            }
            if endpoint.network == "container" {
                return Err(NO_CONTAINER.into());
            }
            if let Some(other) = endpoint.network.strip_prefix("container:").map(str::to_owned) {
                if other.is_empty() {
                    return Err(NO_CONTAINER.into());
                }
                let conflict = |what: &str| Err(format!("conflicting options: {what}"));
                if !spec.dns.is_empty() {
                    return conflict("dns and the network mode");
                }
                if !spec.add_host.is_empty() {
                    return conflict("custom host-to-IP mapping and the network mode");
                }
                if !spec.links.is_empty() {
                    return conflict(
                        "container type network can't be used with links. This would result in undefined behavior",
                    );
                }
                // The engine keeps the id: a container made later under that name is another one.
                if let Ok(i) = self.find(&other) {
                    endpoint.network = format!("container:{}", self.containers[i].id);
                }
                if !spec.expose.is_empty() && spec.publish.is_empty() && !spec.publish_all {
                    return conflict("port exposing and the container type network mode");
                }
                if !spec.publish.is_empty() || spec.publish_all {
                    return Err(
                        "conflicting options: port publishing and the container type network mode".into()
                    );
                }
                if spec.hostname.is_some() {
                    return Err("conflicting options: hostname and the network mode".into());
                }
                if endpoint.ip.as_deref().is_some_and(|ip| !ip.is_empty()) {
                    return Err(format!(
                        "invalid config for network container:{other}: invalid endpoint settings:\n{}",
                        super::membership::NO_IP
                    ));
                }
            } else if endpoint.network == "host" && !spec.links.is_empty() {
                return Err(
                    "conflicting options: host type networking can't be used with links. This would result in \
                     undefined behavior"
                        .into(),
                );
            } else if let Ok(n) = self.find_network(&endpoint.network)
                && let Some(problems) = self.endpoint_problems(&endpoint, n)
            {
                return Err(format!(
                    "invalid config for network {}: invalid endpoint settings:\n{problems}",
                    endpoint.network
                ));
            }
            // Links belong to the first network where it is a user-defined one, else to the default bridge.
            let user_defined = self.find_network(&endpoint.network).is_ok_and(|n| self.networks[n].has_dns());
            if all.is_empty() && user_defined {
                endpoint.links.extend(spec.links.iter().cloned());
            }
            all.push(Attachment { spec: endpoint, network_id: None, connected: false });
        }
        Ok(all)
    }

    // ---- start

    pub(super) fn docker_start(&mut self, world: &mut World, names: &[String]) -> Response {
        let mut response = Response::default();
        let mut failed: Vec<&str> = Vec::new();
        for name in names {
            let done = self.find(name).and_then(|i| match self.containers[i].state {
                ContainerState::Running => Ok(()),
                ContainerState::Paused => {
                    Err(EngineError::new("cannot start a paused container, try unpause instead"))
                }
                _ => {
                    let inner = &mut self.containers[i].inner;
                    (inner.restarts, inner.delay) = (0, None);
                    self.start(world, i, false)
                }
            });
            match done {
                Ok(()) => response.stdout += &format!("{name}\n"),
                Err(e) => {
                    response.stderr += &format!("Error response from daemon: {e}\n");
                    failed.push(name);
                }
            }
        }
        if !failed.is_empty() {
            response.stderr += &format!("Error: failed to start containers: {}\n", failed.join(", "));
            response.exit = 1;
        }
        response
    }

    /// Starts container `i`: networks, names, main process. On failure the container is as before.
    pub(super) fn start(&mut self, world: &mut World, i: usize, foreground: bool) -> Result<(), EngineError> {
        let image = self.containers[i].inner.base;
        let program = self.main_program(i, image, foreground).inspect_err(|e| {
            self.containers[i].inner.failed = Some((e.exit, e.message.clone()));
            self.tell_left(world, i);
        })?;
        self.check_links(i).map_err(|e| EngineError::with_exit(e, 125))?;
        let creds = privilege::of_main(&self.containers[i].inner.spec).map_err(|e| {
            self.containers[i].inner.failed = Some((125, e.clone()));
            EngineError::with_exit(e, 125)
        })?;
        let done = self.set_up_network(world, i).map_err(|e| (e, 125));
        let done = done.and_then(|()| privilege::startable(&self.containers[i].inner.spec));
        if let Err((e, exit)) = done.and_then(|()| self.apply_sysctls(world, i)) {
            self.tear_down(world, i);
            self.tell_left(world, i);
            let container = &mut self.containers[i];
            container.inner.failed = Some((exit, e.clone()));
            // What it ended with before stays, unless that was nothing (moby, daemon/start.go).
            if container.state == (ContainerState::Exited { code: 0 }) {
                container.state = ContainerState::Exited { code: 128 };
            }
            return Err(EngineError::with_exit(e, exit));
        }
        self.containers[i].inner.failed = None;
        self.write_environment(world, i, image);
        let (machine, tty) = (self.containers[i].machine, self.containers[i].inner.spec.tty);
        let program = self.settled(world, i, image, program, creds);
        let container = &mut self.containers[i];
        container.state = ContainerState::Running;
        container.inner.started = Some(world.now());
        container.inner.finished = None;
        container.inner.stopped_by_hand = false;
        container.inner.last_main = None;
        if !image.log.is_empty() && container.inner.spec.command.is_empty() {
            container.inner.keep(world.now(), false, image.log.to_owned());
        }
        let pid = world.spawn(machine, program, foreground, tty);
        self.containers[i].inner.main = Some(pid);
        let argv = main_argv(image, &self.containers[i].inner.spec);
        if !foreground && argv.len() > 1 && is_shell(&argv[0]) {
            self.scripts.push(MainScript { machine, argv, main: pid });
        }
        self.note_state(i);
        self.update_linking_hosts(world, i);
        // Started before the names were known to the others: tell them now.
        self.write_zones(world);
        let joined: Vec<String> = self.containers[i].endpoints.iter().map(|e| e.network_id.clone()).collect();
        joined.iter().for_each(|id| self.tell_joined(world, i, id, "connect"));
        self.tell_plain(world, i, "connect");
        self.tell(world, i, "start", &[]);
        Ok(())
    }

    /// The main process as who it runs and where it begins; what the kernel refuses it, it says.
    fn settled(
        &self,
        world: &mut World,
        i: usize,
        image: &Image,
        program: Box<dyn Program>,
        creds: Creds,
    ) -> Box<dyn Program> {
        let spec = &self.containers[i].inner.spec;
        let cwd = if spec.workdir.is_empty() { "/".to_owned() } else { spec.workdir.clone() };
        if let Some(machine) = world.machine_mut(self.containers[i].machine) {
            machine.creds = creds;
            machine.cwd.clone_from(&cwd);
        }
        let argv = main_argv(image, spec);
        let ns = world.namespace(self.container_ns(world, i));
        match ns.and_then(|ns| creds.refusal(&argv, ns)) {
            Some((text, code)) => Init::failing(text, code),
            None if cwd == "/" => program,
            None => guest::with_env(program, vec![("PWD".to_owned(), cwd)]),
        }
    }

    /// `docker start -a`: of one container, whose output and status become the command's.
    pub(super) fn docker_start_attached(&mut self, world: &mut World, names: &[String]) -> Response {
        let fail = |stderr: String, exit: i32| Response { stderr, exit, ..Response::default() };
        let [name] = names else {
            return fail("you cannot start and attach multiple containers at once\n".into(), 1);
        };
        let done = self.find(name).and_then(|i| match self.containers[i].state {
            ContainerState::Running => Ok(i),
            ContainerState::Paused => {
                Err(EngineError::new("cannot start a paused container, try unpause instead"))
            }
            _ => {
                let inner = &mut self.containers[i].inner;
                (inner.restarts, inner.delay) = (0, None);
                self.start(world, i, true).map(|()| i)
            }
        });
        match done {
            Ok(i) => Response { attach: self.attach_main(i), ..Response::default() },
            Err(e) => fail(format!("Error response from daemon: {e}\n"), 1),
        }
    }

    /// `docker attach` (docker/cli, command/container/attach.go).
    pub(super) fn docker_attach(&mut self, world: &mut World, name: &str) -> Response {
        let fail = |stderr: String| Response { stderr, exit: 1, ..Response::default() };
        let i = match self.find(name) {
            Ok(i) => i,
            Err(e) => return fail(format!("Error response from daemon: {e}\n")),
        };
        match self.containers[i].state {
            ContainerState::Running => {}
            ContainerState::Paused => {
                return fail("cannot attach to a paused container, unpause it first\n".into());
            }
            ContainerState::Restarting { .. } => {
                return fail("cannot attach to a restarting container, wait until it is running\n".into());
            }
            _ => return fail("cannot attach to a stopped container, start it first\n".into()),
        }
        self.tell(world, i, "attach", &[]);
        Response { attach: self.attach_main(i), ..Response::default() }
    }

    fn set_up_network(&mut self, world: &mut World, i: usize) -> Result<(), String> {
        match net_mode(&self.containers[i].inner.attachments) {
            NetMode::Host | NetMode::None if self.containers[i].inner.attachments.len() > 1 => {
                // One after the other is looked at (daemon/container_operations.go, updateNetworkSettings).
                let mut asked = self.containers[i].inner.attachments.iter().map(|a| a.spec.network.as_str());
                let host = asked.next() == Some("host");
                let why = match asked.next() {
                    Some("host") => super::membership::NOT_HOST.to_owned(),
                    Some(other) if other.starts_with("container:") => format!("network {other} not found"),
                    _ if host => SHARES.to_owned(),
                    _ => PRIVATE.to_owned(),
                };
                Err(format!("failed to set up container networking: {why}"))
            }
            NetMode::Own => self
                .join_networks(world, i)
                .map_err(|e| format!("failed to set up container networking: {e}")),
            NetMode::None => {
                self.write_resolv_conf(world, i, Mode::Legacy);
                self.write_hosts(world, i);
                Ok(())
            }
            NetMode::Host => {
                self.write_resolv_conf(world, i, Mode::Host);
                if self.containers[i].inner.spec.add_host.is_empty() {
                    let hosts = self.host_file(world, "/etc/hosts");
                    put(world, self.containers[i].machine, "/etc/hosts", hosts);
                } else {
                    self.write_hosts(world, i);
                }
                Ok(())
            }
            NetMode::Container(name) => self.share_namespace(world, i, &name),
        }
        .map(|()| {
            let hostname = format!("{}\n", self.containers[i].inner.hostname);
            put(world, self.containers[i].machine, "/etc/hostname", hostname);
        })
    }

    fn join_networks(&mut self, world: &mut World, i: usize) -> Result<(), String> {
        for a in 0..self.containers[i].inner.attachments.len() {
            let attachment = self.containers[i].inner.attachments[a].clone();
            self.attach(world, i, &attachment)?;
            let joined = self.containers[i].endpoints.last().map(|e| e.network_id.clone());
            self.containers[i].inner.attachments[a].network_id.clone_from(&joined);
            self.note_names(i, &joined.unwrap_or_default(), true);
        }
        self.choose_gateway(world, i)?;
        self.write_hosts(world, i);
        self.refresh_names(world, i);
        self.apply_links(world, i)
    }

    /// Where containers of the default bridge may not talk to one another, a link opens the linked
    /// one's exposed ports.
    fn apply_links(&mut self, world: &mut World, i: usize) -> Result<(), String> {
        let Some(own) = self.containers[i].endpoints.iter().find(|e| e.network == "bridge").cloned() else {
            return Ok(());
        };
        let net_rules = self.network_by_id(&own.network_id).and_then(|n| n.rules.clone());
        let Some(net_rules) = net_rules.filter(|r| !r.icc) else { return Ok(()) };
        let mut all = Vec::new();
        for link in self.containers[i].inner.linked.clone() {
            let Ok(other) = self.find(&link.id) else { continue };
            let endpoint = self.containers[other].endpoints.iter().find(|e| e.network == "bridge");
            let Some(child) = endpoint.map(|e| e.addr.addr()) else { continue };
            for (port, proto) in self.exposed(other) {
                let id = self.containers[other].id.clone();
                let rules = net_rules.link(own.addr.addr(), child, port, proto);
                all.extend(rules.into_iter().map(|rule| (id.clone(), rule)));
            }
        }
        let host = self.host_ns(world);
        let written: Vec<_> = all.iter().map(|(_, rule): &(String, rules::Rule)| rule.clone()).collect();
        rules::apply(world, host, &written)?;
        self.containers[i].inner.link_rules = all;
        Ok(())
    }

    /// The links of a container on the default bridge; on a network of the user's they are names for the
    /// embedded server, which need not be there yet (daemon/daemon_unix.go, registerLinks).
    fn links_of(
        &self,
        attachments: &[Attachment],
        links: &[(String, String)],
    ) -> Result<Vec<Linked>, String> {
        let mut all: Vec<Linked> = Vec::new();
        if attachments.first().is_some_and(|a| !matches!(a.spec.network.as_str(), "bridge" | "none")) {
            return Ok(all);
        }
        for (name, alias) in links {
            let other = self.find(name).map_err(|e| format!("could not get container for {name}: {e}"))?;
            let other = &self.containers[other];
            if !all.iter().any(|l| l.alias == *alias) {
                all.push(Linked { id: other.id.clone(), name: other.name.clone(), alias: alias.clone() });
            }
        }
        Ok(all)
    }

    /// A link of the default bridge leads to a running container on it, or nothing starts.
    fn check_links(&self, i: usize) -> Result<(), String> {
        let on_bridge =
            |i: usize| self.containers[i].inner.attachments.iter().any(|a| a.spec.network == "bridge");
        for link in self.containers[i].inner.linked.iter().filter(|_| on_bridge(i)) {
            let other = self.find(&link.id).ok().filter(|&o| self.containers[o].state.is_up());
            let Some(other) = other else {
                return Err(format!(
                    "Cannot link to a non running container: /{} AS /{}/{}",
                    link.name, self.containers[i].name, link.alias
                ));
            };
            if !on_bridge(other) {
                return Err(format!("container {} not attached to default bridge network", link.id));
            }
        }
        Ok(())
    }

    /// `--sysctl`, before anything runs.
    fn apply_sysctls(&self, world: &mut World, i: usize) -> Result<(), (String, i32)> {
        let about = "failed to create task for container: failed to create shim task: OCI runtime create failed: \
                     runc create failed";
        let ns = self.container_ns(world, i);
        if ns != self.host_ns(world) {
            // What every container is given (moby, daemon/oci_linux.go, WithSysctls).
            world.with(ns, |n, _| (n.sysctl.unprivileged_port, n.sysctl.ping_groups) = (0, (0, 0x7fff_ffff)));
        }
        for (key, value) in self.containers[i].inner.spec.sysctls.clone() {
            if ns == self.host_ns(world) {
                return Err((format!("{about}: sysctl {key:?} not allowed in host network namespace"), 125));
            }
            let path = format!("/proc/sys/{}", key.replace('.', "/"));
            let there = world.namespace(ns).and_then(|n| guest::read_proc(n, &path)).is_some();
            // Nothing is written where nothing is to be written: no kernel hears of it.
            let done = match value.is_empty() {
                true => Some(Ok(())),
                false => world.with(ns, |n, cx| guest::write_proc(n, cx, &path, &value)),
            };
            match done {
                _ if !there => {
                    return Err((
                        format!(
                            "{about}: unable to start container process: error during container init: open sysctl \
                             {key} file: unsafe procfs detected: openat2 fsmount:fscontext:proc/./sys/{}: no such \
                             file or directory",
                            key.replace('.', "/")
                        ),
                        127,
                    ));
                }
                Some(Err(e)) => {
                    return Err((
                        format!(
                            "{about}: unable to start container process: error during container init: write sysctl \
                             key {key}: {}",
                            e.to_lowercase()
                        ),
                        125,
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// `--network container:NAME`.
    fn share_namespace(&mut self, world: &mut World, i: usize, name: &str) -> Result<(), String> {
        let about = "joining network namespace of container";
        let other = self.find(name).map_err(|e| format!("{about}: {}", e.message))?;
        if other == i {
            return Err("cannot join own network namespace".into());
        }
        let state = self.containers[other].state;
        if state != ContainerState::Running {
            return Err(format!(
                "cannot join network namespace of a non running container: container {} is {}",
                self.containers[other].name,
                state.word()
            ));
        }
        let own = self.container_ns(world, i);
        let (ns, files) = match world.machine(self.containers[other].machine) {
            Some(m) => (m.ns, ["/etc/hosts", "/etc/resolv.conf"].map(|p| m.files.text(p).map(str::to_owned))),
            None => return Err(format!("{about}: No such container: {name}")),
        };
        let hostname = self.containers[other].inner.hostname.clone();
        if let Some(machine) = world.machine_mut(self.containers[i].machine) {
            machine.ns = ns;
            machine.hostname.clone_from(&hostname);
            let [hosts, resolv] = files;
            let _ = machine.files.put("/etc/hosts", hosts.unwrap_or_default());
            let _ = machine.files.put("/etc/resolv.conf", resolv.unwrap_or_default());
        }
        self.containers[i].inner.hostname = hostname;
        if own != ns {
            self.drop_unused(world, own);
        }
        Ok(())
    }

    /// The environment: PATH, HOSTNAME, TERM, links, the image's, `-e`, HOME – in the engine's order.
    fn write_environment(&self, world: &mut World, i: usize, image: &Image) {
        let container = &self.containers[i];
        let mut env = image.environment();
        env.insert(1, ("HOSTNAME".into(), container.inner.hostname.clone()));
        if container.inner.spec.tty {
            env.insert(2, ("TERM".into(), "xterm".into()));
        }
        // Only the default bridge's links reach into the environment.
        let mut links = container.inner.linked.clone();
        links.retain(|_| container.endpoints.iter().any(|e| e.network == "bridge"));
        links.sort_by(|a, b| a.alias.cmp(&b.alias));
        for link in &links {
            let Ok(other) = self.find(&link.id) else { continue };
            env.extend(self.link_environment(&container.name, other, &link.alias));
        }
        for (key, value) in &container.inner.spec.env {
            match env.iter_mut().find(|e| e.0 == *key) {
                Some(known) => known.1.clone_from(value),
                None => env.push((key.clone(), value.clone())),
            }
        }
        if !env.iter().any(|e| e.0 == "HOME") {
            env.push(("HOME".into(), "/root".into()));
        }
        if let Some(machine) = world.machine_mut(container.machine) {
            machine.env = env;
        }
    }

    /// `DB_PORT_5432_TCP=…` and its like (docs.docker.com, "Legacy container links").
    fn link_environment(&self, own: &str, other: usize, alias: &str) -> Vec<(String, String)> {
        let prefix = alias.replace('-', "_").to_uppercase();
        let addr =
            self.containers[other].endpoints.iter().find(|e| e.network == "bridge").map(|e| e.addr.addr());
        let mut env = Vec::new();
        let ports = self.exposed(other);
        if let (Some(addr), Some((port, proto))) = (addr, ports.first()) {
            env.push((format!("{prefix}_PORT"), format!("{proto}://{addr}:{port}")));
        }
        for (port, proto) in ports {
            let Some(addr) = addr else { break };
            let name = format!("{prefix}_PORT_{port}_{}", proto.to_string().to_uppercase());
            env.push((name.clone(), format!("{proto}://{addr}:{port}")));
            env.push((format!("{name}_ADDR"), addr.to_string()));
            env.push((format!("{name}_PORT"), port.to_string()));
            env.push((format!("{name}_PROTO"), proto.to_string()));
        }
        env.push((format!("{prefix}_NAME"), format!("/{own}/{alias}")));
        env
    }

    /// The program that container `i` runs.
    fn main_program(
        &self,
        i: usize,
        image: &Image,
        foreground: bool,
    ) -> Result<Box<dyn Program>, EngineError> {
        let spec = &self.containers[i].inner.spec;
        let argv = main_argv(image, spec);
        let Some(word) = argv.first() else { return Ok(Init::shell(spec.interactive || foreground)) };
        if let Some((variables, complaint)) = image.needs
            && spec.command.is_empty()
            && !spec.env.iter().any(|(k, v)| variables.contains(&k.as_str()) && !v.is_empty())
        {
            return Ok(Init::failing(complaint.to_owned(), 1));
        }
        if is_shell(word) {
            let script = argv.len() > 1;
            return Ok(Init::shell(spec.interactive || foreground || script));
        }
        let own_command = spec.command.is_empty() && spec.entrypoint.is_none();
        let program = if own_command || image.has(word) || image.runs.first() == Some(&word.as_str()) {
            guest::start(&argv).ok()
        } else {
            None
        };
        program.ok_or_else(|| {
            let (why, exit) = super::lifecycle::not_runnable(word);
            EngineError::with_exit(
                format!(
                    "failed to create task for container: failed to create shim task: OCI runtime create failed: \
                     runc create failed: unable to start container process: error during container init: \
                     exec: {why}"
                ),
                exit,
            )
        })
    }

    fn attach_main(&self, i: usize) -> Option<Attach> {
        let container = &self.containers[i];
        let main = container.inner.main?;
        let image = container.inner.base;
        let spec = &container.inner.spec;
        let argv = main_argv(image, spec);
        let shell = match argv.first() {
            None => image.command.iter().map(|w| (*w).to_owned()).collect(),
            Some(word) if is_shell(word) => argv,
            Some(_) => return Some(Attach::Main(main)),
        };
        Some(Attach::Shell { machine: container.machine, argv: shell, tty: spec.tty, main })
    }
}

/// What is run for `docker run IMAGE COMMAND`: empty if it is the image's own shell. `sh -c` with a
/// single plain command is that command.
/// The remark on options that were taken and change nothing.
fn ignored(spec: &RunSpec) -> String {
    let line = |flag| format!("netpier: {flag} has no effect here: only networking is emulated\n");
    spec.ignored.iter().map(line).collect()
}

fn main_argv(image: &Image, spec: &RunSpec) -> Vec<String> {
    let given: Vec<String> =
        spec.entrypoint.iter().filter(|e| !e.is_empty()).chain(&spec.command).cloned().collect();
    match given.as_slice() {
        [] => image.runs.iter().map(|w| (*w).to_owned()).collect(),
        [shell, flag, line] if is_shell(shell) && flag == "-c" && spec.detach && is_plain(line) => {
            // `exec` puts the command in the shell's place, which it is here already.
            let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
            match words.split_first() {
                Some((first, rest)) if first == "exec" && !rest.is_empty() => rest.to_vec(),
                Some((first, _)) if guest::info(first).is_some() => words,
                // A builtin, or nothing that is known: the shell's own business.
                _ => given,
            }
        }
        _ => given,
    }
}

/// No character in it means anything to a shell.
fn is_plain(line: &str) -> bool {
    !line.trim().is_empty() && !line.contains(|c: char| "'\"\\$`;&|<>(){}*?[]#~=%!\n".contains(c))
}

/// The command as `docker ps` and `docker inspect` show it.
fn command_shown(image: &Image, spec: &RunSpec) -> Vec<String> {
    let entrypoint = image.command.first().filter(|w| w.contains("entrypoint"));
    match (&spec.entrypoint, spec.command.as_slice()) {
        (Some(own), rest) => std::iter::once(own.clone()).chain(rest.iter().cloned()).collect(),
        (None, []) => image.command.iter().map(|w| (*w).to_owned()).collect(),
        (None, own) => entrypoint.map(|w| (*w).to_owned()).into_iter().chain(own.iter().cloned()).collect(),
    }
}

fn is_shell(word: &str) -> bool {
    matches!(word.rsplit('/').next(), Some("sh" | "bash" | "ash" | "zsh"))
}

fn put(world: &mut World, machine: MachineId, path: &str, text: String) {
    if let Some(machine) = world.machine_mut(machine) {
        let _ = machine.files.put(path, text);
    }
}
