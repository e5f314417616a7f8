//! Shells: how one is begun, fed, interrupted and ended. Which command comes next is in [`super::flow`].
//!
//! A line is a [`Shell`]. A `$(…)`, and `sh -c '…'` as a stage, are shells of their own, whose
//! [`Home`] is the shell above. Nothing here waits: a shell that can go on is queued in
//! `Session::ready`, and [`Session::pump`] works the queue off.

use super::flow::Frame;
use super::plumb::{Exec, Stage};
use super::{JobId, Session, Terminal};
use crate::docker::{self, ContainerState};
use crate::guest::{Creds, MachineId, Signal, Stdin};
use crate::shell::{AndOr, Pipeline, Script, parse};
use crate::sim::Event;
use crate::stack::Pid;
use crate::time::Duration;

/// A shell under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ShellId(pub(super) u32);

/// A list of pipelines that is being carried out.
#[derive(Debug, Clone)]
pub(super) struct Shell {
    pub(super) job: JobId,
    /// Index of the node; its engine takes the docker commands.
    pub(super) node: usize,
    pub(super) machine: MachineId,
    /// What is under way, the innermost last.
    pub(super) frames: Vec<Frame>,
    /// `$0`, `$1` and so on.
    pub(super) args: Vec<String>,
    /// Variables and directory of its own; without them it has its terminal's.
    pub(super) own: Option<Box<Terminal>>,
    /// `{ … } < file`: variables and arguments are those of the shell whose stage it is.
    pub(super) shares: bool,
    /// `sh -c` or a file of commands: the lab remembers it as a whole.
    pub(super) whole: bool,
    /// It lets time go on before it does.
    pub(super) paused: bool,
    /// `$?`.
    pub(super) status: i32,
    /// Results of the substitutions of the pipeline in hand, in order.
    pub(super) substituted: Vec<String>,
    /// What the substitution under way has printed.
    pub(super) captured: String,
    /// The pipeline in hand; empty between pipelines.
    pub(super) stages: Vec<Stage>,
    pub(super) home: Home,
    /// What the first stage reads.
    pub(super) stdin: Stdin,
    /// The background shells that a `wait` under way waits for.
    pub(super) waiting: std::collections::BTreeSet<ShellId>,
    /// Who started it with `&`.
    pub(super) parent: Option<ShellId>,
    /// The variables that a `read` under way sets.
    pub(super) reading: Vec<String>,
    /// `sh` without a script: lines are read from stdin.
    pub(super) reads_script: bool,
    /// Its programs are not waited for.
    pub(super) background: bool,
    /// It stands for a container's main process.
    pub(super) main: Option<Pid>,
    /// What it was started with.
    pub(super) setting: Setting,
    /// It is the command of a `docker exec -d`.
    pub(super) exec: Option<Exec>,
}

/// What `docker exec` gives a command besides its words; whatever the command starts has it too.
#[derive(Debug, Clone, Default)]
pub(super) struct Setting {
    /// Additions to the environment.
    pub(super) env: Vec<(String, String)>,
    /// The working directory, if it is not the terminal's.
    pub(super) cwd: Option<String>,
    /// As whom, if not as the machine's root.
    pub(super) creds: Option<Creds>,
}

/// Where a shell's output and status go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    Terminal,
    /// `$(…)` of this shell.
    Capture(ShellId),
    /// `sh -c …`: this stage of that shell.
    Stage(ShellId, usize),
    /// After `&`: the job's terminal, and nobody waits.
    Background,
    /// `docker exec -d`, a node's services: nobody listens.
    Nowhere,
    /// A script that is a detached container's main process, or its `&`: `docker logs` keeps it.
    Log(Pid),
}

/// How often a loop in a paused container looks whether it may go on.
const FROZEN: Duration = Duration::from_millis(100);

/// Shells within shells: a bound against `sh -c` that calls itself.
const MAX_SHELLS: usize = 200;

impl Session {
    /// Starts the shell of a job.
    pub(super) fn begin_job(&mut self, job: JobId, node: usize, machine: MachineId, refuse: bool) {
        let line = self.job(job).map(|j| j.line.clone()).unwrap_or_default();
        let shell = self.word_for_shell(node, machine);
        if refuse {
            self.print(job, machine, true, format!("{shell}: fork: Resource temporarily unavailable\n"));
            return self.end_job(job, 254);
        }
        match parse(&line) {
            Ok(script) => {
                let stdin = Stdin { data: String::new(), closed: true };
                let id = self.add_shell(job, node, machine, script, Home::Terminal, stdin);
                let status = self.terminal(machine).status;
                self.shell_mut(id).status = status;
            }
            Err(e) => {
                self.print(job, machine, true, format!("{shell}: {}\n", e.message));
                self.end_job(job, 2);
            }
        }
    }

    /// Adds a shell and queues it.
    pub(super) fn add_shell(
        &mut self,
        job: JobId,
        node: usize,
        machine: MachineId,
        script: Script,
        home: Home,
        stdin: Stdin,
    ) -> ShellId {
        let id = ShellId(self.next_shell);
        self.next_shell += 1;
        self.shells.insert(
            id,
            Shell {
                job,
                node,
                machine,
                frames: vec![Frame::list(script)],
                args: Vec::new(),
                own: None,
                shares: false,
                whole: false,
                paused: false,
                status: 0,
                substituted: Vec::new(),
                captured: String::new(),
                stages: Vec::new(),
                home,
                stdin,
                waiting: Default::default(),
                parent: None,
                reading: Vec::new(),
                reads_script: false,
                background: false,
                main: None,
                setting: Setting::default(),
                exec: None,
            },
        );
        self.ready.push_back(id);
        id
    }

    /// True if no more shells may be opened.
    pub(super) fn too_many_shells(&self) -> bool {
        self.shells.len() >= MAX_SHELLS
    }

    pub(super) fn shell_mut(&mut self, id: ShellId) -> &mut Shell {
        self.shells.get_mut(&id).expect("a shell lives as long as its children and stages")
    }

    pub(super) fn terminal(&mut self, machine: MachineId) -> &mut Terminal {
        let cwd = self.world.machine(machine).map_or("/", |m| &m.cwd);
        self.terminals
            .entry(machine)
            .or_insert_with(|| Terminal { cwd: cwd.to_owned(), ..Terminal::default() })
    }

    /// Where the shell `id` stands on `machine`.
    pub(super) fn cwd(&mut self, id: ShellId, machine: MachineId) -> String {
        let Some(shell) = self.shells.get(&id).filter(|s| s.machine == machine) else {
            return self.terminal(machine).cwd.clone();
        };
        match shell.setting.cwd.clone() {
            Some(own) => own,
            None => self.scope(id).cwd.clone(),
        }
    }

    /// As whom the shell `id` starts programs on `machine`.
    pub(super) fn creds(&self, id: ShellId, machine: MachineId) -> Creds {
        let shell = self.shells.get(&id).filter(|s| s.machine == machine);
        let own = self.world.machine(machine).map(|m| m.creds).unwrap_or_default();
        shell.and_then(|s| s.setting.creds).unwrap_or(own)
    }

    /// Lets shells go on and hands the World's events out until there is nothing left to do now.
    pub(super) fn pump(&mut self) {
        loop {
            if let Some(id) = self.ready.pop_front() {
                if self.shells.contains_key(&id) {
                    self.advance(id);
                }
                continue;
            }
            let events = self.world.take_events();
            if events.is_empty() {
                if self.start_scripts() {
                    continue;
                }
                return;
            }
            for event in events {
                self.on_event(event);
            }
        }
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Effect(pid, effect) => {
                for node in &mut self.nodes {
                    if let Some(engine) = &mut node.engine
                        && engine.on_effect(&mut self.world, pid, &effect)
                    {
                        break;
                    }
                }
                let owner = self.owners.get(&pid).copied();
                self.on_effect(pid, owner, effect);
            }
            Event::Detached(pid, code) => {
                if let Some((shell, index)) = self.owners.remove(&pid) {
                    self.stage_done(shell, index, code);
                }
            }
            Event::Due(number) => {
                if self.time_is_over(number) {
                    return;
                }
                let id = ShellId(number);
                let Some(shell) = self.shells.get_mut(&id).filter(|s| s.paused) else { return };
                if self.world.machine(shell.machine).is_some_and(|m| m.frozen) {
                    // `docker pause`: it is asked again now and then.
                    return self.world.call_at(self.world.now() + FROZEN, number, false);
                }
                shell.paused = false;
                self.ready.push_back(id);
            }
            Event::Exited(pid, code, unread) => {
                for node in &mut self.nodes {
                    if let Some(engine) = &mut node.engine {
                        engine.on_exit(&mut self.world, pid, code);
                    }
                }
                let mut engines: Vec<_> = self.nodes.iter_mut().filter_map(|n| n.engine.as_mut()).collect();
                docker::settle(&mut self.world, &mut engines);
                if let Some((shell, index)) = self.owners.remove(&pid) {
                    self.give_back(shell, index, unread);
                    self.stage_done(shell, index, code);
                }
            }
        }
    }

    /// Processes that are gone without a word (their machine was removed) end their stages.
    /// True if there were any.
    pub(super) fn reap_lost(&mut self) -> bool {
        let lost: Vec<_> = self
            .owners
            .iter()
            .filter(|(pid, _)| self.world.process(**pid).is_none())
            .map(|(p, s)| (*p, *s))
            .collect();
        for (pid, (shell, index)) in &lost {
            self.owners.remove(pid);
            self.stage_done(*shell, *index, 137);
        }
        !lost.is_empty()
    }

    /// A stage ended. The pipeline is done when all its stages are.
    pub(super) fn stage_done(&mut self, id: ShellId, index: usize, code: i32) {
        let Some(shell) = self.shells.get_mut(&id) else { return };
        let Some(stage) = shell.stages.get_mut(index) else { return };
        if stage.exit.replace(code).is_some() {
            return;
        }
        let exec = stage.exec.take();
        if let Some(limit) = stage.limit.take() {
            stage.exit = Some(limit.status(code));
        }
        if let Some(mutation) = stage.mutation.take().filter(|_| code == 0) {
            let (job, node, since) = (shell.job, shell.node, stage.since);
            let changes = self.changes_since(since, node, Vec::new());
            if let Some(job) = self.job_mut(job) {
                job.changes.extend(changes);
                job.mutations.push(mutation);
            }
        }
        self.exec_done(exec, code);
        self.close_pipe_after(id, index);
        let shell = self.shell_mut(id);
        if shell.stages.iter().all(|s| s.exit.is_some()) {
            shell.status = shell.stages.last().and_then(|s| s.exit).unwrap_or(0);
            shell.stages.clear();
            self.ready.push_back(id);
        }
    }

    /// The command of a `docker exec` ended.
    fn exec_done(&mut self, exec: Option<Exec>, code: i32) {
        let Some(exec) = exec else { return };
        if let Some(engine) = self.nodes.get_mut(exec.node).and_then(|n| n.engine.as_mut()) {
            engine.exec_done(&mut self.world, exec.machine, &exec.id, code);
        }
    }

    /// Is this the machine of a container that has ended?
    pub(super) fn has_exited(&self, node: usize, machine: MachineId) -> bool {
        let engine = self.nodes.get(node).and_then(|n| n.engine.as_ref());
        let mut containers = engine.into_iter().flat_map(|e| e.containers());
        containers.any(|c| c.machine == machine && matches!(c.state, ContainerState::Exited { .. }))
    }

    pub(super) fn substitute(&mut self, id: ShellId, script: Script) {
        let shell = self.shell_mut(id);
        let (job, node, machine, status) = (shell.job, shell.node, shell.machine, shell.status);
        shell.captured.clear();
        if self.too_many_shells() {
            self.shell_mut(id).substituted.push(String::new());
            self.ready.push_back(id);
            return;
        }
        let stdin = Stdin { data: String::new(), closed: true };
        let (background, setting) = (self.shell_mut(id).background, self.shell_mut(id).setting.clone());
        let child = self.add_shell(job, node, machine, script, Home::Capture(id), stdin);
        self.inherit(child, id);
        let child = self.shell_mut(child);
        (child.status, child.background, child.setting) = (status, background, setting);
    }

    /// A sub-shell begins with copies of what its parent knows (POSIX.1-2024 §2.12).
    pub(super) fn inherit(&mut self, child: ShellId, parent: ShellId) {
        let own = Some(Box::new(self.scope(parent).clone()));
        let args = self.shell_mut(parent).args.clone();
        let child = self.shell_mut(child);
        (child.own, child.args) = (own, args);
    }

    /// Variables and directory of a shell.
    pub(super) fn scope(&mut self, id: ShellId) -> &mut Terminal {
        let mut at = id;
        loop {
            let shell = self.shell_mut(at);
            match shell.home {
                _ if shell.own.is_some() => break,
                Home::Stage(parent, _) if shell.shares => at = parent,
                _ => {
                    let machine = shell.machine;
                    return self.terminal(machine);
                }
            }
        }
        self.shell_mut(at).own.as_mut().expect("the loop has seen it")
    }

    /// `… &`: a shell of its own, and this one goes on at once.
    pub(super) fn background(&mut self, id: ShellId, pipeline: Pipeline) {
        let full = self.too_many_shells();
        let shell = self.shell_mut(id);
        shell.status = if full { 254 } else { 0 };
        let (job, node, machine, home) = (shell.job, shell.node, shell.machine, shell.home);
        if !full {
            let script = Script { items: vec![(AndOr::Always, pipeline)] };
            let stdin = Stdin { data: String::new(), closed: true };
            let home = if matches!(home, Home::Nowhere | Home::Log(_)) { home } else { Home::Background };
            let setting = self.shell_mut(id).setting.clone();
            let child = self.add_shell(job, node, machine, script, home, stdin);
            self.inherit(child, id);
            let child = self.shell_mut(child);
            (child.background, child.setting, child.parent) = (true, setting, Some(id));
        }
    }

    /// `sh` that reads its script from stdin waits for the end of it.
    pub(super) fn read_script(&mut self, id: ShellId) {
        let shell = self.shell_mut(id);
        if !shell.stdin.closed {
            return;
        }
        shell.reads_script = false;
        let text = std::mem::take(&mut shell.stdin.data);
        match parse(&text) {
            Ok(script) => shell.frames = vec![Frame::list(script)],
            Err(e) => {
                shell.status = 2;
                self.shell_print(id, true, &format!("sh: {}\n", e.message));
            }
        }
        self.ready.push_back(id);
    }

    /// The shell's list is done: its status goes home.
    pub(super) fn finish_shell(&mut self, id: ShellId) {
        let shell = self.shells.remove(&id).expect("advance is called for living shells");
        if let Some(main) = shell.main {
            self.shell_done(shell.node, main, shell.status);
        }
        self.exec_done(shell.exec, shell.status);
        if shell.parent.is_some() {
            self.no_longer(id);
        }
        match shell.home {
            Home::Terminal => {
                self.terminal(shell.machine).status = shell.status;
                self.end_job(shell.job, shell.status);
            }
            Home::Capture(parent) => {
                if let Some(parent_shell) = self.shells.get_mut(&parent) {
                    let text = std::mem::take(&mut parent_shell.captured);
                    parent_shell.substituted.push(text.trim_end_matches('\n').to_owned());
                    parent_shell.status = shell.status;
                    self.ready.push_back(parent);
                }
            }
            Home::Stage(parent, index) => {
                self.give_back(parent, index, shell.stdin.data);
                self.stage_done(parent, index, shell.status);
            }
            Home::Background | Home::Nowhere | Home::Log(_) => {}
        }
    }

    fn end_job(&mut self, job: JobId, status: i32) {
        let seq = self.world.log.next_seq();
        if let Some(job) = self.job_mut(job) {
            job.exit = Some(status);
            job.ended = Some(seq);
        }
    }

    /// SIGINT to all that the job runs; nothing of it starts any more.
    pub(super) fn interrupt_job(&mut self, id: JobId) {
        let Some(job) = self.job_mut(id).filter(|j| j.exit.is_none()) else { return };
        job.interrupts = job.interrupts.saturating_add(1);
        let signal = if job.interrupts > 1 { Signal::Kill } else { Signal::Int };
        let (mut idle, mut waiting) = (Vec::new(), Vec::new());
        for (shell_id, shell) in self.shells.iter_mut().filter(|(_, s)| s.job == id && !s.background) {
            shell.frames.clear();
            (shell.reads_script, shell.paused) = (false, false);
            shell.stdin.closed = true;
            if shell.stages.is_empty() {
                shell.status = 130;
                idle.push(*shell_id);
            } else if !shell.waiting.is_empty() {
                waiting.push(*shell_id);
            }
        }
        // A shell that waits for its substitution is woken by that one's end.
        let waits = |s: ShellId| self.shells.values().any(|c| c.home == Home::Capture(s));
        let idle: Vec<_> = idle.into_iter().filter(|s| !waits(*s)).collect();
        self.ready.extend(idle);
        let pids: Vec<_> = self
            .owners
            .iter()
            .filter(|(_, (s, _))| self.shells.get(s).is_some_and(|s| s.job == id && !s.background))
            .map(|(pid, _)| *pid)
            .collect();
        for pid in pids {
            self.world.signal(pid, signal);
        }
        for id in waiting {
            self.stop_waiting(id, 130);
        }
    }
}
