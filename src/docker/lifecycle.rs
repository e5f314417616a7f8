//! The end of containers, and what is done to running ones: stop, restart, kill, rm, exec.

use super::engine::{ContainerState, Engine, EngineError};
use super::noted::Noted;
use super::{Attach, Response, image, rules};
use crate::guest::Signal;
use crate::sim::World;
use crate::stack::{NsId, Pid};
use std::collections::BTreeSet;

/// Exit status of a process that was killed: 128 + SIGKILL.
const KILLED: i32 = 137;

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
    "postgres",
    "python3",
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

    /// The main process of container `i` ended by itself.
    pub(super) fn main_ended(&mut self, world: &mut World, i: usize, code: i32) {
        self.containers[i].inner.main = None;
        self.now_exited(world, i, code);
        if self.containers[i].inner.spec.remove {
            self.remove(world, i);
        }
    }

    fn now_exited(&mut self, world: &mut World, i: usize, code: i32) {
        self.containers[i].state = ContainerState::Exited { code };
        self.containers[i].inner.finished = Some(world.now());
        self.note_state(i);
        self.tear_down(world, i);
    }

    /// Stops container `i`: asked first, if `signal` is one that can be refused.
    fn halt(&mut self, world: &mut World, i: usize, signal: Signal) {
        let Some(pid) = self.containers[i].inner.main.take() else { return };
        self.containers[i].inner.last_main = Some(pid);
        let signal = if handles_term(world, pid) { signal } else { Signal::Kill };
        world.signal(pid, signal);
        // What does not end when it is asked to is killed when the grace period is over.
        let mut code = if signal == Signal::Kill { KILLED } else { 0 };
        if signal != Signal::Kill && world.process(pid).is_some() {
            world.signal(pid, Signal::Kill);
            code = KILLED;
        }
        self.now_exited(world, i, code);
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
        rules::undo(world, host, &std::mem::take(&mut self.containers[i].inner.link_rules));
        if let Some(resolver) = self.containers[i].inner.resolver.take() {
            world.remove_machine(resolver.machine);
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
        let remove = std::mem::replace(&mut self.containers[i].inner.spec.remove, false);
        self.halt(world, i, Signal::Term);
        self.containers[i].inner.spec.remove = remove;
        self.start(world, i, false)
            .map_err(|e| EngineError::new(format!("Cannot restart container {name}: {e}")))
    }

    pub(super) fn docker_kill(
        &mut self,
        world: &mut World,
        name: &str,
        signal: Option<&str>,
    ) -> Result<(), EngineError> {
        let i = self.find(name)?;
        let fail = |why: String| EngineError::new(format!("cannot kill container: {name}: {why}"));
        let Some(main) = self.containers[i].inner.main else {
            return Err(fail(format!("container {} is not running", self.containers[i].id)));
        };
        let bare = signal.unwrap_or("KILL").to_ascii_uppercase();
        match bare.strip_prefix("SIG").unwrap_or(&bare) {
            "KILL" | "9" => self.halt(world, i, Signal::Kill),
            // Process 1 does not get what it does not handle.
            "TERM" | "15" | "INT" | "2" if !handles_term(world, main) => {}
            "TERM" | "15" => world.signal(main, Signal::Term),
            "INT" | "2" => world.signal(main, Signal::Int),
            _ => return Err(EngineError::new(format!("invalid signal: {bare}"))),
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
        if self.containers[i].state == ContainerState::Running {
            if !force {
                return Err(EngineError::new(format!(
                    "cannot remove container {name:?}: container is running: stop the container before removing \
                     or force remove"
                )));
            }
            self.containers[i].inner.spec.remove = false;
            self.halt(world, i, Signal::Kill);
        }
        self.remove(world, i);
        Ok(())
    }

    // ---- docker exec

    pub(super) fn docker_exec(&self, name: &str, tty: bool, command: &[String]) -> Response {
        let fail = |m: String, exit: i32| Response { stderr: m, exit, ..Response::default() };
        let i = match self.find(name) {
            Ok(i) => i,
            Err(e) => return fail(format!("Error response from daemon: {e}\n"), 1),
        };
        let container = &self.containers[i];
        if container.state != ContainerState::Running {
            return fail(
                format!("Error response from daemon: container {} is not running\n", container.id),
                1,
            );
        }
        let missing = |word: &str| {
            fail(
                format!(
                    "OCI runtime exec failed: exec failed: unable to start container process: exec: {word:?}: \
                     executable file not found in $PATH: unknown\n"
                ),
                127,
            )
        };
        let Some(word) = command.first() else { return fail("Error: no command\n".into(), 1) };
        if !image::find(&container.image).is_some_and(|image| image.has(word)) {
            return missing(word);
        }
        // Detached or not, whoever has the terminals starts it: it may be a shell.
        let attach = Attach::Command { machine: container.machine, argv: command.to_vec(), tty };
        Response { attach: Some(attach), ..Response::default() }
    }
}

fn handles_term(world: &World, pid: Pid) -> bool {
    world.process(pid).is_some_and(|p| HANDLES_TERM.contains(&p.name.as_str()))
}
