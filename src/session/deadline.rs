//! `wait`, which waits for what runs in the background, and `timeout` before a command that is no program of
//! its own (a shell, `docker`).

use std::collections::BTreeSet;

use super::Session;
use super::plumb::Runner;
use super::run::{Home, ShellId};
use super::stage::{Launch, Spot, Then};
use crate::guest::{Limit, Signal};
use crate::stack::Pid;

/// A command that is ended at a certain time.
#[derive(Debug, Clone)]
pub(super) struct Deadline {
    shell: ShellId,
    index: usize,
    limit: Limit,
    /// It is `docker exec`: only the client ends, what it started goes on.
    client: bool,
}

impl Session {
    /// `wait`: for all that this shell, or its terminal before it, started with `&`.
    pub(super) fn wait(&mut self, spot: Spot, args: &[String]) -> Launch {
        if let Some(which) = args.iter().find(|a| !a.starts_with('-')) {
            let word = self.word_for_shell(spot.node, spot.machine);
            let why = match which.parse::<u32>() {
                Ok(pid) => format!("pid {pid} is not a child of this shell"),
                Err(_) if which.starts_with('%') => format!("{which}: no such job"),
                Err(_) => format!("`{which}': not a pid or valid job spec"),
            };
            return Launch::fail(format!("{word}: wait: {why}\n"), 127);
        }
        let children = if spot.alone { self.children_of(spot.shell) } else { BTreeSet::new() };
        if children.is_empty() {
            return Launch::default();
        }
        // Somebody waits for them now.
        let (shells, pids) = self.within(children.iter().copied().collect());
        for id in shells {
            self.shell_mut(id).background = false;
        }
        for pid in pids {
            self.world.await_process(pid);
        }
        self.shell_mut(spot.shell).waiting = children;
        Launch { then: Then::Wait, ..Launch::default() }
    }

    /// The background shells that a shell has started. What a terminal's earlier lines started are its
    /// children, too.
    fn children_of(&self, id: ShellId) -> BTreeSet<ShellId> {
        let Some(own) = self.shells.get(&id) else { return BTreeSet::new() };
        let terminal = own.home == Home::Terminal;
        let is = |s: &super::run::Shell| match s.parent {
            None => false,
            Some(parent) if parent == id => true,
            Some(parent) => {
                let orphan = !self.shells.contains_key(&parent) && s.home == Home::Background;
                terminal && orphan && s.machine == own.machine
            }
        };
        self.shells.iter().filter(|(_, s)| is(s)).map(|(id, _)| *id).collect()
    }

    /// Shells and all that they started and wait for, and the processes of these.
    pub(super) fn within(&self, mut shells: Vec<ShellId>) -> (Vec<ShellId>, Vec<Pid>) {
        let mut at = 0;
        while let Some(parent) = shells.get(at).copied() {
            at += 1;
            let child = |home: Home| matches!(home, Home::Stage(p, _) | Home::Capture(p) if p == parent);
            shells.extend(self.shells.iter().filter(|(_, s)| child(s.home)).map(|(id, _)| *id));
        }
        let pids = self.owners.iter().filter(|(_, (s, _))| shells.contains(s)).map(|(pid, _)| *pid).collect();
        (shells, pids)
    }

    /// A shell is gone: who waited for it goes on.
    pub(super) fn no_longer(&mut self, gone: ShellId) {
        let mut done = Vec::new();
        for (id, shell) in &mut self.shells {
            if shell.waiting.remove(&gone) && shell.waiting.is_empty() {
                done.push(*id);
            }
        }
        for id in done {
            self.stop_waiting(id, 0);
        }
    }

    /// The `wait` of a shell ends with this status, if there is one under way.
    pub(super) fn stop_waiting(&mut self, id: ShellId, status: i32) {
        let shell = self.shell_mut(id);
        shell.waiting.clear();
        if let Some(index) = shell.stages.iter().position(|s| s.runner == Runner::Wait) {
            self.stage_done(id, index, status);
        }
    }

    /// `timeout …` before a shell or `docker`. None: what follows is a program, which it runs by itself.
    pub(super) fn timeout(
        &mut self,
        spot: Spot,
        words: &[String],
        env: &[(String, String)],
    ) -> Option<Launch> {
        let limit = Limit::parse(&words[1..]).ok()?;
        let name = limit.words[0].rsplit('/').next().unwrap_or_default();
        let own = matches!(name, "docker" | "sh" | "bash" | "ash");
        if !own || !self.has_program(spot.node, spot.machine, "timeout") {
            return None;
        }
        let client = name == "docker" && limit.words.get(1).is_some_and(|w| w == "exec");
        let launch = self.launch_words(spot, limit.words.clone(), env.to_vec());
        if let (Then::Process(_) | Then::Shell(_), Some(span)) = (&launch.then, limit.span) {
            // The number is drawn from those of shells, so that both can be told of by the same event.
            let token = self.next_shell;
            self.next_shell += 1;
            self.world.call_at(self.world.now() + span, token, false);
            let (shell, index) = (spot.shell, spot.index);
            self.shell_mut(shell).stages[index].deadline = Some(token);
            self.deadlines.insert(token, Deadline { shell, index, limit, client });
        }
        Some(launch)
    }

    /// The time of a command is over, unless it has ended before. False: that was nobody's deadline.
    pub(super) fn time_is_over(&mut self, token: u32) -> bool {
        let Some(Deadline { shell, index, limit, client }) = self.deadlines.remove(&token) else {
            return false;
        };
        let Some(stage) = self.shells.get_mut(&shell).and_then(|s| s.stages.get_mut(index)) else {
            return true;
        };
        if stage.deadline != Some(token) || stage.exit.is_some() {
            return true;
        }
        let signal = if limit.kill { Signal::Kill } else { Signal::Term };
        let runner = stage.runner;
        stage.limit = Some(limit);
        match runner {
            Runner::Process(pid) if client => {
                self.owners.remove(&pid);
                self.stage_done(shell, index, 143);
            }
            Runner::Process(pid) => self.world.signal(pid, signal),
            Runner::Shell(child) => {
                let (shells, pids) = self.within(vec![child]);
                for id in shells {
                    let shell = self.shell_mut(id);
                    shell.frames.clear();
                    (shell.reads_script, shell.paused) = (false, false);
                    if shell.stages.is_empty() {
                        shell.status = 143;
                        self.ready.push_back(id);
                    } else if !shell.waiting.is_empty() {
                        self.stop_waiting(id, 143);
                    }
                }
                for pid in pids {
                    self.world.signal(pid, signal);
                }
            }
            Runner::Done | Runner::Read | Runner::Wait => {}
        }
        true
    }
}
