//! The pipes: what a stage prints goes to the next stage, a file, or the terminal.

use super::run::{Home, ShellId};
use super::{JobId, Session, Stream};
use crate::guest::{self, Effect, Limit, MachineId, Signal};
use crate::stack::{Pid, Step};

/// A command of a pipeline that was started.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    pub(super) runner: Runner,
    /// Its status, once it has ended.
    pub(super) exit: Option<i32>,
    pub(super) out: Sink,
    pub(super) err: Sink,
    /// It reads the stage before it (and not a file).
    pub(super) piped_in: bool,
    /// It reads what the shell reads.
    pub(super) shell_in: bool,
    /// What to remember if it succeeds.
    pub(super) mutation: Option<String>,
    /// The record from which on the changes it makes have not been listed yet.
    pub(super) since: u64,
    /// It is the command of a `docker exec`.
    pub(super) exec: Option<Exec>,
    /// The number of its `timeout`.
    pub(super) deadline: Option<u32>,
    /// Its time is over.
    pub(super) limit: Option<Limit>,
}

/// A command of `docker exec`, for the engine to hear of its end.
#[derive(Debug, Clone)]
pub(super) struct Exec {
    /// Index of the node whose engine it is.
    pub(super) node: usize,
    pub(super) machine: MachineId,
    pub(super) id: String,
}

/// What carries a stage out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runner {
    /// Done at once, by the shell or an engine.
    Done,
    /// A process of the World.
    Process(Pid),
    /// `sh -c`.
    Shell(ShellId),
    /// `read`: the shell itself, once a line has come.
    Read,
    /// `wait`: the shell itself, once nothing runs in the background.
    Wait,
}

/// Where output goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sink {
    /// The next stage's stdin.
    Pipe,
    /// The shell's stdout.
    Out,
    /// The shell's stderr.
    Err,
    /// A file of the machine, absolute.
    File(MachineId, String),
    /// /dev/null.
    Null,
}

/// A job prints at most this much; the rest is dropped with a note.
const MAX_OUTPUT: usize = 1 << 20;

/// So much goes through the pipes of a job; then who writes into one gets SIGPIPE.
const MAX_PIPED: usize = 8 << 20;

impl Session {
    /// A process printed.
    pub(super) fn on_effect(&mut self, pid: Pid, owner: Option<(ShellId, usize)>, effect: Effect) {
        let (err, text) = match effect {
            Effect::Out(text) => (false, text),
            Effect::Err(text) => (true, text),
        };
        let Some((shell, index)) = owner else { return };
        self.stage_print(shell, index, err, &text, Some(pid));
    }

    /// A stage prints: through its sinks.
    pub(super) fn stage_print(&mut self, id: ShellId, index: usize, err: bool, text: &str, pid: Option<Pid>) {
        if text.is_empty() {
            return;
        }
        let Some(stage) = self.shells.get(&id).and_then(|s| s.stages.get(index)) else { return };
        let sink = if err { stage.err.clone() } else { stage.out.clone() };
        match sink {
            Sink::Out => self.shell_print_by(id, false, text, pid),
            Sink::Err => self.shell_print_by(id, true, text, pid),
            Sink::Null => {}
            Sink::File(machine, path) => self.append(id, machine, &path, text),
            Sink::Pipe => self.feed(id, index, text),
        }
    }

    /// Text into the stdin of the stage after `index`. If that one has ended, the writer is told.
    fn feed(&mut self, id: ShellId, index: usize, text: &str) {
        let Some(shell) = self.shells.get(&id) else { return };
        let Some(next) = shell.stages.get(index + 1) else { return };
        if !next.piped_in && next.exit.is_none() {
            return;
        }
        if self.piped_out(id, index, text.len()) {
            return;
        }
        let Some(shell) = self.shells.get(&id) else { return };
        let Some(next) = shell.stages.get(index + 1) else { return };
        match (next.runner, next.exit) {
            (_, Some(_)) => {
                if let Some(Runner::Process(pid)) = shell.stages.get(index).map(|s| s.runner) {
                    self.world.signal(pid, Signal::Pipe);
                }
            }
            (Runner::Process(pid), None) => self.world.write_stdin(pid, text, false),
            (Runner::Shell(child), None) => self.feed_shell(child, text, false),
            (Runner::Done | Runner::Read | Runner::Wait, None) => {}
        }
    }

    /// Counts what a job pipes. True if that is too much: its writer has been ended, with a word.
    fn piped_out(&mut self, id: ShellId, index: usize, len: usize) -> bool {
        let Some(shell) = self.shells.get(&id) else { return true };
        let (job_id, machine) = (shell.job, shell.machine);
        let writer = shell.stages.get(index).map(|s| s.runner);
        let Some(job) = self.job_mut(job_id) else { return false };
        let before = job.piped;
        job.piped = before.saturating_add(len);
        if job.piped <= MAX_PIPED {
            return false;
        }
        if before <= MAX_PIPED {
            let text = "[netpier: the pipe is cut here]\n".to_owned();
            self.print_by(job_id, machine, Stream::Note, text, None);
        }
        if let Some(Runner::Process(pid)) = writer {
            self.world.signal(pid, Signal::Pipe);
        }
        true
    }

    /// Text into a shell's stdin: its first running stage reads it.
    pub(super) fn feed_shell(&mut self, id: ShellId, text: &str, close: bool) {
        let Some(shell) = self.shells.get_mut(&id) else { return };
        shell.stdin.closed |= close;
        match shell.stages.first().map(|s| (s.runner, s.exit)) {
            Some((Runner::Process(pid), None)) => self.world.write_stdin(pid, text, close),
            Some((Runner::Shell(child), None)) => self.feed_shell(child, text, close),
            reader => {
                shell.stdin.data.push_str(text);
                if close && shell.reads_script {
                    self.ready.push_back(id);
                }
                if matches!(reader, Some((Runner::Read, None))) {
                    self.go_on_reading(id);
                }
            }
        }
    }

    /// What a stage has left unread of the shell's stdin is there for the next one.
    pub(super) fn give_back(&mut self, id: ShellId, index: usize, mut unread: String) {
        if let Some(shell) = self.shells.get_mut(&id).filter(|_| !unread.is_empty())
            && shell.stages.get(index).is_some_and(|s| s.shell_in)
        {
            unread += &shell.stdin.data;
            shell.stdin.data = unread;
        }
    }

    /// A stage has ended: the next one reads the end of its input.
    pub(super) fn close_pipe_after(&mut self, id: ShellId, index: usize) {
        let Some(next) = self.shells.get(&id).and_then(|s| s.stages.get(index + 1)) else { return };
        if !next.piped_in || next.exit.is_some() {
            return;
        }
        match next.runner {
            Runner::Process(pid) => self.world.write_stdin(pid, "", true),
            Runner::Shell(child) => self.feed_shell(child, "", true),
            Runner::Done | Runner::Read | Runner::Wait => {}
        }
    }

    /// The shell itself prints.
    pub(super) fn shell_print(&mut self, id: ShellId, err: bool, text: &str) {
        self.shell_print_by(id, err, text, None);
    }

    fn shell_print_by(&mut self, id: ShellId, err: bool, text: &str, pid: Option<Pid>) {
        let Some(shell) = self.shells.get(&id) else { return };
        let (job, machine, home) = (shell.job, shell.machine, shell.home);
        if let (Some(main), Home::Stage(..)) = (shell.main, home) {
            // Somebody looks on, and `docker logs` keeps it all the same.
            let node = shell.node;
            if let Some(engine) = self.nodes.get_mut(node).and_then(|n| n.engine.as_mut()) {
                engine.script_printed(&mut self.world, main, err, text);
            }
        }
        match home {
            Home::Nowhere => {}
            Home::Log(main) => {
                let node = shell.node;
                if let Some(engine) = self.nodes.get_mut(node).and_then(|n| n.engine.as_mut()) {
                    engine.script_printed(&mut self.world, main, err, text);
                }
            }
            Home::Terminal | Home::Background => {
                self.print_by(job, machine, stream(err), text.to_owned(), pid);
            }
            Home::Capture(parent) if err => self.shell_print_by(parent, true, text, pid),
            Home::Capture(parent) => {
                if let Some(parent) = self.shells.get_mut(&parent)
                    && parent.captured.len() < MAX_OUTPUT
                {
                    parent.captured.push_str(text);
                }
            }
            Home::Stage(parent, index) => self.stage_print(parent, index, err, text, pid),
        }
    }

    /// Text for the terminal of a job.
    pub(super) fn print(&mut self, job: JobId, machine: MachineId, err: bool, text: String) {
        self.print_by(job, machine, stream(err), text, None);
    }

    /// A remark of netpier's own, past all redirections. A script that nobody looks at has none.
    pub(super) fn remark(&mut self, id: ShellId, text: String) {
        let Some(shell) = self.shells.get(&id).filter(|_| !text.is_empty()) else { return };
        if !matches!(shell.home, Home::Nowhere | Home::Log(_)) {
            let (job, machine) = (shell.job, shell.machine);
            self.print_by(job, machine, Stream::Note, text, None);
        }
    }

    /// Notes what was printed in the log, so that it shows at its moment. What the shell or an
    /// engine's client prints has process number 0.
    fn print_by(&mut self, id: JobId, machine: MachineId, to: Stream, mut text: String, pid: Option<Pid>) {
        let Some(job) = self.job_mut(id) else { return };
        if job.printed >= MAX_OUTPUT {
            return;
        }
        job.printed += text.len();
        if job.printed >= MAX_OUTPUT {
            text.push_str("\n[netpier: output cut here]\n");
        }
        let seq = self.world.log.next_seq();
        if let Some(ns) = self.world.machine(machine).map(|m| m.ns) {
            self.world.log.at(self.world.now(), ns);
        }
        let pid = pid.unwrap_or(Pid(0));
        let err = to != Stream::Out;
        self.world.log.note(Step::Printed { pid, err, text: text.as_str().into() });
        if let Some(job) = self.job_mut(id) {
            job.output.push((seq, to, text));
        }
    }

    /// Appends to a file; says so where that fails.
    fn append(&mut self, id: ShellId, machine: MachineId, path: &str, text: &str) {
        if path.starts_with("/proc/sys/") {
            let ns = self.world.machine(machine).map(|m| m.ns);
            let written =
                ns.and_then(|ns| self.world.with(ns, |ns, cx| guest::write_proc(ns, cx, path, text)));
            if let Some(Err(problem)) = written {
                self.shell_print(id, true, &format!("sh: write error: {problem}\n"));
            }
            return;
        }
        let Some(m) = self.world.machine_mut(machine) else { return };
        if let Err(problem) = m.files.append(path, text.as_bytes()) {
            self.shell_print(id, true, &format!("sh: write error: {problem}\n"));
        }
    }
}

fn stream(err: bool) -> Stream {
    if err { Stream::Err } else { Stream::Out }
}
