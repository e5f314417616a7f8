//! Processes: starting, waking, polling, signalling, ending.

use super::World;
use super::queue::What;
use super::run::Event;
use crate::guest::dns::DnsServer;
use crate::guest::{MachineId, Poll, Program, Signal, Stdin, Sys};
use crate::rng::Rng;
use crate::stack::{Cx, Pid, Step};
use crate::time::Instant;

/// A running program.
#[derive(Debug, Clone)]
pub struct Process {
    /// Its number.
    pub pid: Pid,
    /// Where it runs.
    pub machine: MachineId,
    /// Its name.
    pub name: String,
    /// Somebody waits for its end (a command in a terminal), so the World is not quiet before.
    pub foreground: bool,
    /// Does it print to a terminal?
    pub tty: bool,
    pub(super) program: Option<Box<dyn Program>>,
    /// As [`Sys::busy`].
    pub(super) busy: bool,
    pub(super) stdin: Stdin,
    pub(super) signal: Option<Signal>,
    pub(super) alarm: Option<Instant>,
    /// An alarm at this time is in the queue: another one would find nothing to do.
    pub(super) queued: Option<Instant>,
    pub(super) rng: Rng,
    /// In the list of those to be polled in this event.
    pub(super) ready: bool,
}

impl Process {
    /// Its state, if it is a DNS server.
    pub fn dns_server(&self) -> Option<&DnsServer> {
        self.program.as_ref()?.dns_server()
    }
}

/// Exit status of a process that a signal ended (128 + its number).
fn killed_by(signal: Signal) -> i32 {
    match signal {
        Signal::Int => 130,
        Signal::Kill => 137,
        Signal::Pipe => 141,
        Signal::Term => 143,
    }
}

impl World {
    /// Starts a program; it is polled at once, within this call's moment.
    pub fn spawn(
        &mut self,
        machine: MachineId,
        program: Box<dyn Program>,
        foreground: bool,
        tty: bool,
    ) -> Pid {
        let name = program.name().to_owned();
        let pid = self.names.push(&name, program.housekeeping());
        if let Some(ns) = self.machine(machine).map(|m| m.ns) {
            self.log.at(self.now, ns);
            self.log.note(Step::Started { pid, name: name.as_str().into() });
        }
        self.foreground += usize::from(foreground);
        let process = Process {
            pid,
            machine,
            name,
            foreground,
            tty,
            program: Some(program),
            busy: false,
            stdin: Stdin::default(),
            signal: None,
            alarm: None,
            queued: None,
            rng: self.rng_for(&format!("process {}", pid.0)),
            ready: false,
        };
        self.processes.insert(process);
        self.make_ready(pid);
        self.settle();
        pid
    }

    /// Sends a signal. INT and TERM are put to the program; KILL and PIPE end it at once.
    pub fn signal(&mut self, pid: Pid, signal: Signal) {
        let Some(process) = self.process_mut(pid) else { return };
        if matches!(signal, Signal::Kill | Signal::Pipe) {
            self.end(pid, killed_by(signal));
        } else {
            process.signal = Some(signal);
            self.make_ready(pid);
        }
        self.settle();
    }

    /// Gives a process input; `close`: and no more after it.
    pub fn write_stdin(&mut self, pid: Pid, text: &str, close: bool) {
        let Some(process) = self.process_mut(pid) else { return };
        process.stdin.data.push_str(text);
        process.stdin.closed |= close;
        self.make_ready(pid);
        self.settle();
    }

    /// Stops all processes of a machine, or lets them go on: they find what came in meanwhile.
    pub fn freeze(&mut self, machine: MachineId, frozen: bool) {
        let Some(m) = self.machine_mut(machine) else { return };
        m.frozen = frozen;
        if !frozen {
            let all: Vec<Pid> = self.processes().filter(|p| p.machine == machine).map(|p| p.pid).collect();
            for pid in all {
                self.make_ready(pid);
            }
            self.settle();
        }
    }

    /// A process, while it runs.
    pub fn process(&self, pid: Pid) -> Option<&Process> {
        self.processes.get(pid)
    }

    /// The name of a process, also of one that has ended (unless very many were started since).
    pub fn process_name(&self, pid: Pid) -> Option<&str> {
        self.names.get(pid)
    }

    /// Does a process, or did one that has ended, only keep something going ([`Program::housekeeping`])?
    pub fn keeps_house(&self, pid: Pid) -> bool {
        self.names.housekeeping(pid)
    }

    /// All running processes, by number.
    pub fn processes(&self) -> Box<dyn Iterator<Item = &Process> + '_> {
        Box::new(self.processes.iter())
    }

    pub(super) fn process_mut(&mut self, pid: Pid) -> Option<&mut Process> {
        self.processes.get_mut(pid)
    }

    /// Puts a process on the list of those to be polled in this event.
    pub(super) fn make_ready(&mut self, pid: Pid) {
        if let Some(process) = self.process_mut(pid)
            && !process.ready
        {
            process.ready = true;
            self.ready.push_back(pid);
        }
    }

    /// Its alarm was due at `now`; nothing if it has another one by now.
    /// Somebody waits for a process that was started in the background.
    pub fn await_process(&mut self, pid: Pid) {
        if let Some(process) = self.processes.get_mut(pid).filter(|p| !p.foreground) {
            process.foreground = true;
            self.foreground += 1;
        }
    }

    pub(super) fn alarm_due(&mut self, pid: Pid) {
        let now = self.now;
        let Some(process) = self.process_mut(pid) else { return };
        if process.queued.is_some_and(|at| at <= now) {
            process.queued = None;
        }
        if process.alarm.is_some_and(|at| at <= now) {
            self.make_ready(pid);
        }
    }

    pub(super) fn poll_process(&mut self, pid: Pid) {
        let Some(process) = self.processes.get_mut(pid) else { return };
        process.ready = false;
        if self.machines.get(process.machine.0 as usize).and_then(Option::as_ref).is_some_and(|m| m.frozen) {
            return;
        }
        process.alarm = None;
        let Some(machine) = self.machines.get_mut(process.machine.0 as usize).and_then(Option::as_mut) else {
            return self.end(pid, killed_by(Signal::Kill));
        };
        let Some(ns) = self.namespaces.get_mut(machine.ns.0 as usize).and_then(Option::as_mut) else {
            return self.end(pid, killed_by(Signal::Kill));
        };
        let mut program = process.program.take().expect("a process is not polled while it is polled");
        self.log.at(self.now, machine.ns);
        let held = ns.held();
        let was_busy = process.busy;
        let mut sys = Sys {
            cx: Cx { now: self.now, log: &mut self.log, out: &mut self.out, ids: &mut self.ids },
            ns,
            pid,
            hostname: &machine.hostname,
            names: &self.names,
            files: &mut machine.files,
            env: &machine.env,
            creds: machine.creds,
            stdin: &mut process.stdin,
            tty: process.tty,
            signal: process.signal.take(),
            rng: &mut process.rng,
            effects: &mut self.effects,
            busy: &mut process.busy,
            alarm: &mut process.alarm,
        };
        let poll = program.poll(&mut sys);
        self.held = self.held + sys.ns.held() - held;
        process.program = Some(program);
        let alarm = process.alarm.map(|at| at.max(self.now));
        let known = process.queued;
        process.queued = alarm.or(known);
        self.foreground = self.foreground + usize::from(process.busy) - usize::from(was_busy);
        if matches!(poll, Poll::Daemon(_)) {
            self.foreground -= usize::from(std::mem::take(&mut process.foreground));
        }
        let from = machine.ns;
        if !self.effects.is_empty() {
            self.events.extend(self.effects.drain(..).map(|effect| Event::Effect(pid, effect)));
        }
        self.carry_out(from);
        match poll {
            Poll::Exit(code) => self.end(pid, code),
            Poll::Pending | Poll::Daemon(_) => {
                if let Poll::Daemon(code) = poll {
                    self.events.push(Event::Detached(pid, code));
                }
                if let Some(at) = alarm.filter(|_| alarm != known) {
                    self.queue.push(at, What::Alarm { pid });
                }
            }
        }
    }

    /// The end of a process: its sockets are closed, those above are told.
    pub(super) fn end(&mut self, pid: Pid, code: i32) {
        let Some(process) = self.processes.remove(pid) else { return };
        self.foreground -= usize::from(process.foreground) + usize::from(process.busy);
        if let Some(ns) = self.machine(process.machine).map(|m| m.ns) {
            self.with(ns, |ns, cx| {
                ns.close_all_of(pid, cx);
                cx.log.note(Step::Exited { pid, code });
            });
        }
        self.events.push(Event::Exited(pid, code, process.stdin.data));
    }
}
