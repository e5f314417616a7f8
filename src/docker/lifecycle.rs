//! The end of containers, and what is done to running ones: stop, restart, kill, rm, exec.

use super::engine::{ContainerState, Engine, EngineError};
use super::noted::Noted;
use super::restart::Policy;
use super::wait::Wait;
use super::{Attach, ExecOptions, ExecSetting, MainScript, Response, privilege, rules};
use crate::guest::{MachineId, Signal};
use crate::sim::World;
use crate::stack::{NsId, Pid};
use std::collections::BTreeSet;

/// Exit status of a process that was killed: 128 + SIGKILL.
const KILLED: i32 = 137;
/// Exit status of one that SIGTERM ended.
const TERMINATED: i32 = 143;

/// `KILL`, `SIGKILL`, `9`.
fn is_kill(signal: &str) -> bool {
    matches!(signal.to_ascii_uppercase().as_str(), "KILL" | "SIGKILL" | "9")
}

/// Signals by name (signal(7)).
const SIGNALS: [&str; 30] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR",
];

/// Whether it is the name of a signal, with or without `SIG`, or a number of one.
pub(super) fn is_signal(text: &str) -> bool {
    let name = text.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    SIGNALS.contains(&name) || name.parse::<u8>().is_ok_and(|n| (1..=64).contains(&n))
}

/// The number of a signal: Linux's for the names above.
fn signal_number(name: &str) -> u8 {
    let at = SIGNALS.iter().position(|s| *s == name);
    name.parse().ok().or_else(|| at.and_then(|i| u8::try_from(i + 1).ok())).unwrap_or(0)
}

/// Programs that end by themselves when they get SIGTERM. The others have no handler for it, and
/// process 1 of a container only gets signals that it handles (signal(7), pid_namespaces(7)): they
/// are killed when the grace period is over.
const HANDLES_TERM: [&str; 13] = [
    "catalina.sh",
    "dnsd",
    "httpd",
    "httpd-foreground",
    "listen",
    "mysqld",
    "nginx",
    "mongod",
    "postgres",
    "redis-server",
    "serve",
    "tcpdump",
    "whoami",
];

impl Engine {
    // ---- the end of a container

    /// The shell that is a container's main process ([`super::Attach::Shell`]) ended.
    pub fn shell_done(&mut self, world: &mut World, main: Pid, code: i32) {
        if world.process(main).is_some() {
            world.write_stdin(main, &format!("{code}\n"), true);
        }
    }

    /// The shell scripts that have become main processes of detached containers since the last
    /// call: whoever has the terminals runs them.
    pub fn take_scripts(&mut self) -> Vec<MainScript> {
        std::mem::take(&mut self.scripts)
    }

    /// What such a script prints, for `docker logs`. Nothing if `main` is no main process.
    pub fn script_printed(&mut self, world: &mut World, main: Pid, err: bool, text: &str) {
        if let Some(i) = self.containers.iter().position(|c| c.inner.main == Some(main)) {
            self.printed(world, i, err, text);
        }
    }

    /// A process of the container on `machine` sends `signal` to process 1 (`kill 1`): what that one does
    /// not handle does not reach it, and SIGKILL never does (pid_namespaces(7)). False if there is no such
    /// process.
    pub fn signal_main(&self, world: &mut World, machine: MachineId, signal: Signal) -> bool {
        let Some(container) = self.containers.iter().find(|c| c.machine == machine) else { return false };
        let Some(main) = container.inner.main else { return false };
        if signal != Signal::Kill && (handles_term(world, main) || container.inner.spec.init) {
            world.signal(main, signal);
        }
        true
    }

    /// The main process of container `i` ended by itself.
    pub(super) fn main_ended(&mut self, world: &mut World, i: usize, code: i32) {
        self.containers[i].inner.main = None;
        self.now_exited(world, i, code, false);
        if self.will_restart(world, i, code) {
            self.containers[i].state = ContainerState::Restarting { code };
            self.note_state(i);
        } else if self.containers[i].inner.spec.remove {
            self.remove(world, i);
        }
    }

    /// The main process of container `i` is gone; `stopped`: because somebody wanted it to stop.
    fn now_exited(&mut self, world: &mut World, i: usize, code: i32, stopped: bool) {
        self.containers[i].state = ContainerState::Exited { code };
        self.containers[i].inner.finished = Some(world.now());
        self.note_state(i);
        self.tear_down(world, i);
        self.tell_left(world, i);
        // The engine waits for its own clean-up before it says so (daemon/monitor.go, daemon/stop.go).
        if stopped {
            self.tell(world, i, "stop", &[]);
        }
        let ran = self.containers[i].inner.started.map_or(0, |at| world.now().since(at).as_nanos());
        let (seconds, status) = ((ran / 1_000_000_000).to_string(), code.to_string());
        self.tell(world, i, "die", &[("execDuration", &seconds), ("exitCode", &status)]);
        let id = self.containers[i].id.clone();
        self.end_following(world, &id);
        for (pid, _) in self.waiting.extract_if(.., |(_, waited)| *waited == id) {
            world.write_stdin(pid, &format!("{code}\n"), false);
        }
    }

    /// Stops container `i`: asked first, if `signal` is one that can be refused.
    pub(super) fn halt(&mut self, world: &mut World, i: usize, signal: Signal) {
        self.containers[i].inner.stopped_by_hand = true;
        if let ContainerState::Restarting { code } = self.containers[i].state {
            self.containers[i].state = ContainerState::Exited { code };
            self.note_state(i);
        }
        self.thaw(world, i);
        let Some(pid) = self.containers[i].inner.main.take() else { return };
        let stopped = signal == Signal::Term;
        self.tell(world, i, "kill", &[("signal", if stopped { "15" } else { "9" })]);
        self.containers[i].inner.last_main = Some(pid);
        let spec = &self.containers[i].inner.spec;
        let (init, by_force) = (spec.init, spec.stop_signal.as_deref().is_some_and(is_kill));
        let signal = match signal {
            Signal::Term if by_force => Signal::Kill,
            // Under an init the program is not process 1, and a signal without a handler ends it.
            Signal::Term if init && !handles_term(world, pid) => {
                world.signal(pid, Signal::Kill);
                self.now_exited(world, i, TERMINATED, stopped);
                self.containers[i].inner.last_main = None;
                if self.containers[i].inner.spec.remove {
                    self.remove(world, i);
                }
                return;
            }
            _ if handles_term(world, pid) => signal,
            _ => Signal::Kill,
        };
        if stopped && signal == Signal::Kill {
            self.tell(world, i, "kill", &[("signal", "9")]);
        }
        world.signal(pid, signal);
        // What does not end when it is asked to is killed when the grace period is over.
        let mut code = if signal == Signal::Kill { KILLED } else { 0 };
        if signal != Signal::Kill && world.process(pid).is_some() {
            self.tell(world, i, "kill", &[("signal", "9")]);
            world.signal(pid, Signal::Kill);
            code = KILLED;
        }
        self.now_exited(world, i, code, stopped);
        if self.containers[i].inner.spec.remove {
            self.remove(world, i);
        }
    }

    /// Takes away all that container `i` has while it runs: processes, ports, endpoints, names. The
    /// namespace goes too, unless another container shares it.
    pub(super) fn tear_down(&mut self, world: &mut World, i: usize) {
        let host = self.host_ns(world);
        let machine = self.containers[i].machine;
        let inside: Vec<Pid> = world.processes().filter(|p| p.machine == machine).map(|p| p.pid).collect();
        for pid in inside {
            world.signal(pid, Signal::Kill);
        }
        self.unpublish(world, i);
        let links = std::mem::take(&mut self.containers[i].inner.link_rules);
        let links: Vec<_> = links.into_iter().map(|(_, rule)| rule).collect();
        rules::undo(world, host, &links);
        if let Some(resolver) = self.containers[i].inner.resolver.take() {
            world.remove_machine(resolver.machine);
        }
        if let Some(gateway) = self.containers[i].inner.gateway.take() {
            self.leave_gateway_bridge(world, &gateway);
            self.containers[i].inner.gateway_network = None;
        }
        while !self.containers[i].endpoints.is_empty() {
            let last = self.containers[i].endpoints.len() - 1;
            self.detach(world, i, last);
        }
        let container = &mut self.containers[i];
        container.inner.gateway_network = None;
        container.inner.own_hosts.clear();
        container.inner.resolv_conf.clear();
        if let Some(m) = world.machine_mut(machine) {
            m.files.remove("/etc/resolv.conf");
            m.files.remove("/etc/hosts");
        }
        let old = self.container_ns(world, i);
        if old != host {
            let fresh = world.add_namespace();
            if let Some(m) = world.machine_mut(machine) {
                m.ns = fresh;
            }
            self.drop_unused(world, old);
        }
        self.write_zones(world);
    }

    /// Removes a namespace that no container lives in any more.
    pub(super) fn drop_unused(&self, world: &mut World, ns: NsId) {
        let used: BTreeSet<NsId> =
            self.containers.iter().filter_map(|c| world.machine(c.machine)).map(|m| m.ns).collect();
        if ns != self.host_ns(world) && !used.contains(&ns) {
            world.remove_namespace(ns);
        }
    }

    /// Forgets container `i`, which does not run.
    pub(super) fn remove(&mut self, world: &mut World, i: usize) {
        let ns = self.container_ns(world, i);
        let container = self.containers.remove(i);
        self.tell_gone(world, &container);
        // Links that led to it are forgotten, and the rules they wrote stay (daemon/links, unlink).
        for other in self.containers.iter_mut() {
            let links = other.inner.linked.iter_mut().filter(|l| l.id == container.id);
            links.for_each(|l| l.name.clone_from(&container.name));
            other.inner.link_rules.retain(|(id, _)| *id != container.id);
        }
        self.note(Noted::Container { name: container.name, state: None });
        world.remove_machine(container.machine);
        self.drop_unused(world, ns);
    }

    // ---- docker stop, restart, kill, rm

    pub(super) fn docker_stop(&mut self, world: &mut World, name: &str) -> Result<(), EngineError> {
        let i = self.find(name)?;
        self.halt(world, i, Signal::Term);
        Ok(())
    }

    pub(super) fn docker_restart(&mut self, world: &mut World, name: &str) -> Result<(), EngineError> {
        let i = self.find(name)?;
        self.thaw(world, i);
        let remove = std::mem::replace(&mut self.containers[i].inner.spec.remove, false);
        self.halt(world, i, Signal::Term);
        self.containers[i].inner.spec.remove = remove;
        self.start(world, i, false)
            .map_err(|e| EngineError::new(format!("Cannot restart container {name}: {e}")))?;
        self.tell(world, i, "restart", &[]);
        Ok(())
    }

    pub(super) fn docker_kill(
        &mut self,
        world: &mut World,
        name: &str,
        signal: Option<&str>,
    ) -> Result<(), EngineError> {
        let fail = |why: String| EngineError::new(format!("cannot kill container: {name}: {why}"));
        let bare = signal.unwrap_or("KILL").to_ascii_uppercase();
        let bare = bare.strip_prefix("SIG").unwrap_or(&bare).to_owned();
        if !is_signal(&bare) {
            return Err(fail(format!("invalid signal: {}", signal.unwrap_or_default())));
        }
        let i = self.find(name).map_err(|e| fail(e.message))?;
        let Some(main) = self.containers[i].inner.main else {
            return Err(fail(format!("container {} is not running", self.containers[i].id)));
        };
        let number = signal_number(&bare).to_string();
        if number != "9" {
            self.tell(world, i, "kill", &[("signal", &number)]);
        }
        match bare.as_str() {
            "KILL" | "9" => {
                self.halt(world, i, Signal::Kill);
            }
            // Process 1 does not get what it does not handle.
            "TERM" | "15" | "INT" | "2" if !handles_term(world, main) => {}
            "TERM" | "15" | "QUIT" | "3" => {
                self.containers[i].inner.stopped_by_hand = true;
                world.signal(main, Signal::Term);
            }
            "INT" | "2" => {
                self.containers[i].inner.stopped_by_hand = true;
                world.signal(main, Signal::Int);
            }
            // The programs here have no other signal to react to.
            _ => {}
        }
        Ok(())
    }

    pub(super) fn docker_rm(
        &mut self,
        world: &mut World,
        name: &str,
        force: bool,
    ) -> Result<(), EngineError> {
        let i = match self.find(name) {
            Ok(i) => i,
            // With -f a container that is not there is as good as removed: it is said, no more.
            Err(e) if force && e.message.starts_with("No such container") => {
                return Err(EngineError { exit: 0, ..e });
            }
            Err(e) => return Err(e),
        };
        let word = match self.containers[i].state {
            ContainerState::Running => Some("running"),
            ContainerState::Paused => Some("paused"),
            ContainerState::Restarting { .. } => Some("restarting"),
            ContainerState::Created | ContainerState::Exited { .. } => None,
        };
        if let Some(word) = word {
            if !force {
                let first = if word == "paused" { "unpause and then stop" } else { "stop" };
                return Err(EngineError::new(format!(
                    "cannot remove container {name:?}: container is {word}: {first} the container before removing \
                     or force remove"
                )));
            }
            self.containers[i].inner.spec.remove = false;
            self.halt(world, i, Signal::Kill);
        }
        self.remove(world, i);
        Ok(())
    }

    /// `docker rm --link /web/db`: `web` does not know `db` any more. The rules that the link wrote
    /// stay, as in Docker (daemon/delete.go, rmLink).
    pub(super) fn remove_link(&mut self, world: &mut World, name: &str) -> Result<(), EngineError> {
        let path = name.strip_prefix('/').unwrap_or(name);
        let Some((parent, alias)) = path.rsplit_once('/') else {
            self.find(name)?;
            return Err(EngineError::new("Conflict, cannot remove the default link name of the container"));
        };
        let i = self.find(parent).map_err(|_| EngineError::new(format!("No such container: {name}")))?;
        let links = &self.containers[i].inner.linked;
        let there = links.iter().position(|l| l.alias == alias && self.find(&l.id).is_ok());
        let Some(at) = there else {
            return Err(EngineError::new(format!("No such container: {name}")));
        };
        let inner = &mut self.containers[i].inner;
        let gone = inner.linked.remove(at);
        inner.link_rules.retain(|(id, _)| *id != gone.id);
        if self.containers[i].state.is_up() {
            self.write_hosts(world, i);
        }
        Ok(())
    }

    // ---- docker pause, unpause, rename, update, wait, container prune

    /// Processes of container `i` run again.
    pub(super) fn thaw(&mut self, world: &mut World, i: usize) {
        if self.containers[i].state == ContainerState::Paused {
            self.containers[i].state = ContainerState::Running;
            world.freeze(self.containers[i].machine, false);
        }
    }

    pub(super) fn docker_pause(&mut self, world: &mut World, name: &str) -> Result<(), EngineError> {
        let i = self.find(name)?;
        let id = &self.containers[i].id;
        match self.containers[i].state {
            ContainerState::Running => {}
            ContainerState::Paused => {
                return Err(EngineError::new(format!("Container {id} is already paused")));
            }
            ContainerState::Restarting { .. } => {
                return Err(EngineError::new(format!(
                    "Container {id} is restarting, wait until the container is running"
                )));
            }
            ContainerState::Created | ContainerState::Exited { .. } => {
                return Err(EngineError::new(format!("container {id} is not running")));
            }
        }
        self.containers[i].state = ContainerState::Paused;
        world.freeze(self.containers[i].machine, true);
        self.note_state(i);
        self.tell(world, i, "pause", &[]);
        Ok(())
    }

    pub(super) fn docker_unpause(&mut self, world: &mut World, name: &str) -> Result<(), EngineError> {
        let i = self.find(name)?;
        if self.containers[i].state != ContainerState::Paused {
            return Err(EngineError::new(format!("Container {} is not paused", self.containers[i].id)));
        }
        self.thaw(world, i);
        self.note_state(i);
        self.tell(world, i, "unpause", &[]);
        Ok(())
    }

    pub(super) fn docker_rename(&mut self, world: &mut World, name: &str, new: &str) -> Response {
        let fail = |text: String| Response { stderr: text, exit: 1, ..Response::default() };
        if name.trim().is_empty() || new.trim().is_empty() {
            return fail("Error: Neither old nor new names may be empty\n".into());
        }
        match self.rename(world, name, new) {
            Ok(()) => Response::default(),
            Err(e) => fail(format!(
                "Error response from daemon: {e}\nError: failed to rename container named {name}\n"
            )),
        }
    }

    fn rename(&mut self, world: &mut World, name: &str, new: &str) -> Result<(), EngineError> {
        let i = self.find(name)?;
        let new = new.strip_prefix('/').unwrap_or(new);
        if self.containers[i].name == new {
            return Err(EngineError::new("Renaming a container with the same name as its current name"));
        }
        let refuse = |m: String| EngineError::new(format!("Error when allocating new name: {m}"));
        self.name_is_free(new)
            .map_err(|m| refuse(m.replacen(&format!("name ({new})"), &format!("name (/{new})"), 1)))?;
        let networks: Vec<String> =
            self.containers[i].endpoints.iter().map(|e| e.network_id.clone()).collect();
        networks.iter().for_each(|n| self.note_names(i, n, false));
        let old = self.containers[i].name.clone();
        self.containers.rename(i, new);
        self.note(Noted::Container { name: old.clone(), state: None });
        self.note_state(i);
        networks.iter().for_each(|n| self.note_names(i, n, true));
        self.write_zones(world);
        let before = format!("/{old}");
        self.tell(world, i, "rename", &[("oldName", &before)]);
        Ok(())
    }

    pub(super) fn docker_update(
        &mut self,
        world: &mut World,
        name: &str,
        restart: Option<&str>,
    ) -> Result<(), EngineError> {
        let Some(policy) = restart else {
            return Err(EngineError::new("You must provide one or more flags when using this command."));
        };
        Policy::parse(policy).map_err(EngineError::new)?;
        let i = self.find(name)?;
        self.containers[i].inner.spec.restart = Some(policy.to_owned());
        self.tell(world, i, "update", &[]);
        Ok(())
    }

    pub(super) fn docker_wait(&mut self, world: &mut World, names: &[String]) -> Response {
        let mut response = Response::default();
        let mut waited: Vec<String> = Vec::new();
        for name in names {
            match self.find(name).map(|i| &self.containers[i]) {
                Err(e) => {
                    response.stderr += &format!("Error response from daemon: {e}\n");
                    response.exit = 1;
                }
                Ok(c) => match c.state {
                    ContainerState::Created => response.stdout += "0\n",
                    ContainerState::Exited { code } => response.stdout += &format!("{code}\n"),
                    _ => waited.push(c.id.clone()),
                },
            }
        }
        if !waited.is_empty() {
            let program = Box::new(Wait { left: waited.len() });
            let pid = world.spawn(self.host, program, true, false);
            self.waiting.extend(waited.into_iter().map(|id| (pid, id)));
            response.attach = Some(Attach::Main(pid));
        }
        response
    }

    pub(super) fn container_prune(&mut self, world: &mut World, force: bool) -> Response {
        if !force {
            return Response {
                stdout: "WARNING! This will remove all stopped containers.\nAre you sure you want to continue? [y/N] \n"
                    .into(),
                note: "netpier cannot ask here: give -f\n".into(),
                ..Response::default()
            };
        }
        let mut gone = String::new();
        let stopped =
            |c: &super::Container| matches!(c.state, ContainerState::Created | ContainerState::Exited { .. });
        while let Some(i) = self.containers.iter().position(stopped) {
            gone += &format!("{}\n", self.containers[i].id);
            self.remove(world, i);
        }
        self.tell_pruned(world, "container");
        let head = if gone.is_empty() { String::new() } else { format!("Deleted Containers:\n{gone}\n") };
        Response::ok(format!("{head}Total reclaimed space: 0B\n"))
    }

    // ---- docker exec

    pub(super) fn docker_exec(
        &mut self,
        world: &mut World,
        name: &str,
        (tty, detach): (bool, bool),
        with: &ExecOptions,
        command: &[String],
    ) -> Response {
        let fail = |m: String, exit: i32| Response { stderr: m, exit, ..Response::default() };
        let i = match self.find(name) {
            Ok(i) => i,
            Err(e) => return fail(format!("Error response from daemon: {e}\n"), 1),
        };
        let container = &self.containers[i];
        if container.state == ContainerState::Paused {
            return fail(
                format!(
                    "Error response from daemon: Container {name} is paused, unpause the container before exec\n"
                ),
                1,
            );
        }
        if container.state != ContainerState::Running {
            return fail(
                format!("Error response from daemon: container {} is not running\n", container.id),
                1,
            );
        }
        // runc's complaint comes over the attached stream: on stdout. Detached, the engine has it.
        let refused = |(stdout, exit): (String, i32)| match detach {
            true => fail(format!("Error response from daemon: {stdout}"), 1),
            false => Response { stdout, exit, ..Response::default() },
        };
        let creds = match privilege::of_exec(container, with) {
            Ok(creds) => creds,
            Err(e) => return fail(format!("Error response from daemon: {e}\n"), 1),
        };
        let Some(machine) = world.machine(container.machine) else { return Response::default() };
        let cwd = match privilege::workdir(container, &machine.files, with) {
            Ok(cwd) => cwd,
            Err(problem) => return refused(problem),
        };
        let Some(word) = command.first() else { return fail("Error: no command\n".into(), 1) };
        if !container.inner.base.has(word) {
            return refused(match word.starts_with('/') && machine.files.get(word).is_some() {
                true => not_executable(word),
                false => not_startable(word),
            });
        }
        // Detached or not, whoever has the terminals starts it: it may be a shell.
        let machine = container.machine;
        let id = self.tell_exec(world, i, command);
        let with = Box::new(ExecSetting { id, env: with.env.clone(), cwd, creds });
        let attach = Attach::Command { machine, argv: command.to_vec(), tty, with };
        Response { attach: Some(attach), ..Response::default() }
    }
}

/// What runc says of a file that is no program, and the exit status.
fn not_executable(word: &str) -> (String, i32) {
    let head = "OCI runtime exec failed: exec failed: unable to start container process: exec";
    (format!("{head}: {word:?}: permission denied\n"), 126)
}

/// What runc says of a command that cannot be started, and the exit status.
pub(super) fn not_startable(word: &str) -> (String, i32) {
    let (why, exit) = not_runnable(word);
    (format!("OCI runtime exec failed: exec failed: unable to start container process: exec: {why}\n"), exit)
}

/// The part of it that is about the word.
pub(super) fn not_runnable(word: &str) -> (String, i32) {
    if privilege::is_directory(word) {
        (format!("{word:?}: is a directory: permission denied"), 126)
    } else if word.contains('/') {
        (format!("{word:?}: stat {word}: no such file or directory"), 127)
    } else {
        (format!("{word:?}: executable file not found in $PATH"), 127)
    }
}

fn handles_term(world: &World, pid: Pid) -> bool {
    world.process(pid).is_some_and(|p| HANDLES_TERM.contains(&p.name.as_str()))
}
