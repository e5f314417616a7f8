//! Starting the commands of a pipeline: builtins, docker, `sh`, programs.

use super::builtin::BUILTINS;
use super::expand::{Redirection, Simple};
use super::mutation;
use super::plumb::{Exec, Runner, Sink, Stage};
use super::run::{Home, Setting, ShellId};
use super::service;
use super::{Session, Terminal, remarks};
use crate::docker::{self, Attach, Engine, Request, Response, cli};
use crate::guest::{self, MachineId, Stdin};
use crate::shell::{AndOr, Command, Compound, Pipeline, Script, join, nearest, parse};
use crate::stack::Pid;

/// At most this many commands in a pipeline.
const MAX_STAGES: usize = 32;

/// What a command did at once, and what carries it on.
#[derive(Debug, Default)]
pub(super) struct Launch {
    /// (is it stderr, text).
    pub(super) texts: Vec<(bool, String)>,
    /// What netpier remarks on it.
    pub(super) note: String,
    pub(super) then: Then,
}

/// How a command goes on.
#[derive(Debug)]
pub(super) enum Then {
    Exit(i32),
    Process(Pid),
    Shell(ShellId),
    /// `read`: a line of the shell's stdin into these variables.
    Read(Vec<String>),
    /// `wait`: until nothing runs in the background any more.
    Wait,
}

impl Default for Then {
    fn default() -> Self {
        Self::Exit(0)
    }
}

impl Launch {
    pub(super) fn ok(text: impl Into<String>) -> Self {
        Self { texts: vec![(false, text.into())], ..Self::default() }
    }
    pub(super) fn fail(text: impl Into<String>, exit: i32) -> Self {
        Self { texts: vec![(true, text.into())], then: Then::Exit(exit), ..Self::default() }
    }
}

/// Which command of which pipeline is being started, and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    pub(super) shell: ShellId,
    pub(super) index: usize,
    pub(super) node: usize,
    pub(super) machine: MachineId,
    /// It is the whole pipeline: what it does to the shell lasts.
    pub(super) alone: bool,
    /// Nothing comes in from a pipe or a file.
    no_stdin: bool,
    /// Its stdout is a terminal.
    tty: bool,
}

impl Session {
    /// Starts all commands of a pipeline.
    pub(super) fn start_pipeline(&mut self, id: ShellId, commands: Vec<Simple>) {
        let shell = self.shell_mut(id);
        let (node, machine) = (shell.node, shell.machine);
        if commands.len() > MAX_STAGES {
            shell.status = 254;
            let word = self.word_for_shell(node, machine);
            self.shell_print(id, true, &format!("{word}: fork: Resource temporarily unavailable\n"));
            self.ready.push_back(id);
            return;
        }
        let last = commands.len().saturating_sub(1);
        let mut late = Vec::new();
        for (index, simple) in commands.into_iter().enumerate() {
            let mut stage = Stage {
                runner: Runner::Done,
                exit: None,
                out: if index == last { Sink::Out } else { Sink::Pipe },
                err: Sink::Err,
                piped_in: index > 0,
                shell_in: index == 0,
                mutation: None,
                since: self.world.log.next_seq(),
                exec: None,
                deadline: None,
                limit: None,
            };
            let redirected = self.redirect(id, &simple, &mut stage);
            let shell = self.shell_mut(id);
            let spot = Spot {
                shell: id,
                index,
                node,
                machine,
                alone: last == 0,
                no_stdin: index == 0
                    && matches!(redirected, Ok(None))
                    && shell.stdin.data.is_empty()
                    && shell.stdin.closed,
                tty: stage.out == Sink::Out && shell.home == Home::Terminal && !shell.background,
            };
            if matches!(redirected, Ok(Some(_))) {
                (stage.piped_in, stage.shell_in) = (false, false);
            }
            shell.stages.push(stage);
            let (launch, stdin) = match redirected {
                Ok(stdin) => (self.launch(spot, simple), stdin),
                Err(message) => (self.no_redirection(machine, message), None),
            };
            let runner = match launch.then {
                Then::Exit(_) => Runner::Done,
                Then::Process(pid) => {
                    self.owners.insert(pid, (id, index));
                    self.note_program(id, pid);
                    Runner::Process(pid)
                }
                Then::Shell(child) => Runner::Shell(child),
                Then::Read(_) => Runner::Read,
                Then::Wait => Runner::Wait,
            };
            self.shell_mut(id).stages[index].runner = runner;
            let file = self.give_stdin(id, index, runner, stdin);
            late.push((launch, file));
        }
        // Only now does every command have a reader.
        for (index, (launch, file)) in late.into_iter().enumerate() {
            for (err, text) in launch.texts {
                self.stage_print(id, index, err, &text, None);
            }
            self.remark(id, launch.note);
            match launch.then {
                Then::Exit(code) => self.stage_done(id, index, code),
                Then::Read(names) if last == 0 => self.read_line(id, names, file),
                // In a pipeline it would set the variables of a sub-shell.
                Then::Read(_) => self.stage_done(id, index, 0),
                Then::Process(_) | Then::Shell(_) | Then::Wait => {}
            }
        }
    }

    /// The first command reads what the shell reads; a file is read whole. The file comes back if
    /// the shell itself is to read it.
    fn give_stdin(
        &mut self,
        id: ShellId,
        index: usize,
        runner: Runner,
        file: Option<String>,
    ) -> Option<String> {
        match runner {
            Runner::Done | Runner::Read | Runner::Wait => return file,
            // It has ended already, and has read nothing.
            Runner::Process(pid) if self.world.process(pid).is_none() => return None,
            Runner::Process(_) | Runner::Shell(_) => {}
        }
        let (text, close) = match file {
            Some(text) => (text, true),
            None if index == 0 => {
                let stdin = &mut self.shell_mut(id).stdin;
                (std::mem::take(&mut stdin.data), stdin.closed)
            }
            None => return None,
        };
        match runner {
            Runner::Process(pid) => self.world.write_stdin(pid, &text, close),
            Runner::Shell(child) => self.feed_shell(child, &text, close),
            Runner::Done | Runner::Read | Runner::Wait => {}
        }
        None
    }

    /// Sets the sinks; the text of a file for stdin, if any.
    fn redirect(
        &mut self,
        id: ShellId,
        simple: &Simple,
        stage: &mut Stage,
    ) -> Result<Option<String>, String> {
        let mut stdin = None;
        let (node, machine) = (self.shell_mut(id).node, self.shell_mut(id).machine);
        let word = self.word_for_shell(node, machine);
        for (kind, path) in &simple.redirects {
            if path.is_empty() && !matches!(kind, Redirection::StderrToStdout | Redirection::StdoutToStderr) {
                return Err(format!("{word}: : No such file or directory\n"));
            }
            let full = self.absolute(id, machine, path);
            match kind {
                Redirection::Stdin if full == "/dev/null" => stdin = Some(String::new()),
                Redirection::Stdin => {
                    let text = self.world.machine(machine).and_then(|m| m.files.get(&full));
                    match text {
                        Some(bytes) => stdin = Some(String::from_utf8_lossy(bytes).into_owned()),
                        None => return Err(format!("{word}: {path}: No such file or directory\n")),
                    }
                }
                Redirection::Stdout { append } => {
                    stage.out = self.file_sink(id, machine, full, *append, path, word)?
                }
                Redirection::Stderr { append } => {
                    stage.err = self.file_sink(id, machine, full, *append, path, word)?
                }
                Redirection::StderrToStdout => stage.err = stage.out.clone(),
                Redirection::StdoutToStderr => stage.out = stage.err.clone(),
            }
        }
        Ok(stdin)
    }

    fn file_sink(
        &mut self,
        id: ShellId,
        machine: MachineId,
        full: String,
        append: bool,
        typed: &str,
        word: &str,
    ) -> Result<Sink, String> {
        match full.as_str() {
            "/dev/null" => return Ok(Sink::Null),
            "/dev/stdout" | "/dev/tty" => return Ok(Sink::Out),
            "/dev/stderr" => return Ok(Sink::Err),
            _ if full == "/" || typed.ends_with('/') => {
                return Err(format!("{word}: {typed}: Is a directory\n"));
            }
            // A setting of the kernel: written when something is printed.
            _ if full.starts_with("/proc/sys/") => {
                let ns = self.world.machine(machine).and_then(|m| self.world.namespace(m.ns));
                let may = self.creds(id, machine).caps.has(guest::Cap::WriteSysctls);
                return match ns.and_then(|ns| guest::read_proc(ns, &full)) {
                    Some(_) if !may => Err(format!("{word}: {typed}: Read-only file system\n")),
                    Some(_) => Ok(Sink::File(machine, full)),
                    None => Err(format!("{word}: {typed}: No such file or directory\n")),
                };
            }
            _ => {}
        }
        if let Some(m) = self.world.machine_mut(machine)
            && (!append || m.files.get(&full).is_none())
            && let Err(problem) = m.files.put(&full, "")
        {
            return Err(format!("{word}: {typed}: {problem}\n"));
        }
        Ok(Sink::File(machine, full))
    }

    /// A path of the file store: `..`, `.` and the working directory resolved.
    pub(super) fn absolute(&mut self, id: ShellId, machine: MachineId, path: &str) -> String {
        let cwd = self.cwd(id, machine);
        guest::absolute_path(&cwd, path)
    }

    /// A redirection that cannot be, in the words of the shell there: dash has its own, and another status.
    fn no_redirection(&self, machine: MachineId, message: String) -> Launch {
        let busybox = self.world.machine(machine).is_some_and(|m| m.files.get("/bin/busybox").is_some());
        let parts = message.strip_prefix("sh: ").and_then(|m| m.trim_end().rsplit_once(": "));
        let Some((path, problem)) = parts.filter(|_| !busybox) else { return Launch::fail(message, 1) };
        let (verb, problem) = match problem {
            "No such file or directory" => ("open", "No such file"),
            "Is a directory" => ("create", "Is a directory"),
            other => ("create", other),
        };
        Launch::fail(format!("sh: 1: cannot {verb} {path}: {problem}\n"), 2)
    }

    /// What the shell of a place calls itself in its messages.
    pub(super) fn word_for_shell(&self, node: usize, machine: MachineId) -> &'static str {
        if self.nodes.get(node).is_some_and(|n| n.machine == machine) { "bash" } else { "sh" }
    }

    /// Starts one command.
    fn launch(&mut self, spot: Spot, simple: Simple) -> Launch {
        let Simple { assignments, words, compound, substituted, .. } = simple;
        if let Some(compound) = compound {
            return self.compound(spot, *compound);
        }
        if words.is_empty() {
            if spot.alone {
                self.assign(spot, assignments);
            }
            // The status is that of the last substitution (POSIX.1-2024 §2.9.1).
            let status = if substituted { self.shell_mut(spot.shell).status } else { 0 };
            return Launch { then: Then::Exit(status), ..Launch::default() };
        }
        if let Some(m) = self.mutation_of(spot, &words) {
            self.shell_mut(spot.shell).stages[spot.index].mutation = Some(m);
        }
        self.launch_words(spot, words, assignments)
    }

    /// Starts a command in its place, with additions to the environment.
    pub(super) fn launch_words(
        &mut self,
        spot: Spot,
        mut words: Vec<String>,
        mut env: Vec<(String, String)>,
    ) -> Launch {
        // `env A=B ping …` and `sudo ping …` run the rest.
        loop {
            match words.first().map(String::as_str) {
                Some("sudo" | "exec" | "nohup") if words.len() > 1 => {
                    words.remove(0);
                }
                Some("env") if words.get(1).is_some_and(|w| w.contains('=') && !w.starts_with('-')) => {
                    let (name, value) = words[1].split_once('=').expect("the guard has seen it");
                    env.push((name.to_owned(), value.to_owned()));
                    words.remove(1);
                }
                Some("env") if words.get(1).is_some_and(|w| !w.starts_with('-')) => {
                    words.remove(0);
                }
                _ => break,
            }
        }
        let name = words[0].rsplit('/').next().unwrap_or_default().to_owned();
        if name == "timeout"
            && let Some(launch) = self.timeout(spot, &words, &env)
        {
            return launch;
        }
        if name == "docker" && self.has_engine(spot) {
            return self.docker(spot, &words);
        }
        if service::WORDS.contains(&name.as_str()) && self.has_engine(spot) {
            words[0] = name;
            return self.service(spot, &words);
        }
        if matches!(name.as_str(), "sh" | "bash" | "ash") {
            return self.sub_shell(spot, &words);
        }
        if BUILTINS.iter().any(|b| b.name == words[0]) {
            return self.builtin(spot, &words);
        }
        if !self.has_program(spot.node, spot.machine, &name) {
            return self.not_found(spot, &words[0]);
        }
        let creds = self.creds(spot.shell, spot.machine);
        let ns = self.world.machine(spot.machine).and_then(|m| self.world.namespace(m.ns));
        if let Some((text, exit)) = ns.and_then(|ns| creds.refusal(&words, ns)) {
            return Launch::fail(text, exit);
        }
        let shell = self.shell_mut(spot.shell);
        if shell.machine == spot.machine {
            let own = shell.setting.env.clone();
            env.splice(0..0, own);
        }
        let cwd = self.cwd(spot.shell, spot.machine);
        if cwd != "/" {
            env.push(("PWD".into(), cwd));
        }
        match guest::start(&words) {
            Ok(program) => {
                let program = if env.is_empty() { program } else { guest::with_env(program, env) };
                let other = self.world.machine(spot.machine).is_some_and(|m| m.creds != creds);
                let program = if other { guest::with_creds(program, creds) } else { program };
                let foreground = !self.shell_mut(spot.shell).background;
                let pid = self.world.spawn(spot.machine, program, foreground, spot.tty);
                Launch { then: Then::Process(pid), ..Launch::default() }
            }
            Err(_) => self.not_found(spot, &words[0]),
        }
    }

    /// A program belongs to the line that started it. A line that starts very many is known by the first.
    fn note_program(&mut self, shell: ShellId, pid: Pid) {
        const MOST: usize = 256;
        let job = self.shell_mut(shell).job;
        if let Some(job) = self.job_mut(job)
            && job.pids.len() < MOST
        {
            job.pids.push(pid);
        }
    }

    fn has_engine(&self, spot: Spot) -> bool {
        self.nodes.get(spot.node).is_some_and(|n| n.machine == spot.machine && n.engine.is_some())
    }

    /// Is there such a program at this place?
    pub(super) fn has_program(&self, node: usize, machine: MachineId, name: &str) -> bool {
        let tools = self.nodes.get(node).and_then(|n| n.engine.as_ref()).and_then(|e| e.tools(machine));
        let has =
            |t: &[&str]| t.contains(&name) || (t.contains(&"sh") && guest::WITH_EVERY_SHELL.contains(&name));
        tools.is_none_or(has) && guest::info(name).is_some()
    }

    /// Everything that can be typed at a place, sorted.
    pub(super) fn known_words(&self, node: usize, machine: MachineId) -> Vec<&'static str> {
        let mut words: Vec<_> = BUILTINS.iter().map(|b| b.name).collect();
        words
            .extend(guest::catalogue().iter().map(|i| i.name).filter(|n| self.has_program(node, machine, n)));
        if self.nodes.get(node).is_some_and(|n| n.machine == machine && n.engine.is_some()) {
            words.push("docker");
            words.extend(service::WORDS);
        }
        words.sort_unstable();
        words.dedup();
        words
    }

    fn not_found(&self, spot: Spot, word: &str) -> Launch {
        let text = match self.word_for_shell(spot.node, spot.machine) {
            "bash" => format!("bash: {word}: command not found\n"),
            sh => format!("{sh}: {word}: not found\n"),
        };
        let known = self.known_words(spot.node, spot.machine);
        let mut note = String::new();
        if let Some(near) = nearest(word, known.iter().copied().filter(|k| *k != word)) {
            note = remarks::near(self.lang, near);
        } else if guest::info(word).is_some() || word == "docker" {
            let why = match self.word_for_shell(spot.node, spot.machine) {
                "bash" => remarks::NO_ENGINE,
                _ => remarks::NOT_IN_IMAGE,
            };
            note = self.lang.of(why).to_owned();
        }
        Launch { note, ..Launch::fail(text, 127) }
    }

    /// `sh`, `sh -c LINE`, `sh FILE`.
    fn sub_shell(&mut self, spot: Spot, words: &[String]) -> Launch {
        let options = words[1..].iter().take_while(|w| w.starts_with('-')).count();
        let command = words[1..=options].iter().any(|w| !w.starts_with("--") && w.contains('c'));
        let operand = words.get(1 + options);
        let text = match (command, operand) {
            (true, None) => {
                return Launch::fail(format!("{}: -c: option requires an argument\n", words[0]), 2);
            }
            (true, Some(line)) => Some(line.clone()),
            (false, Some(path)) => {
                let full = self.absolute(spot.shell, spot.machine, path);
                let Some(text) = self.world.machine(spot.machine).and_then(|m| m.files.text(&full)) else {
                    return Launch::fail(format!("{}: {path}: No such file or directory\n", words[0]), 127);
                };
                Some(text.to_owned())
            }
            (false, None) => None,
        };
        if text.is_none() && spot.no_stdin {
            // A shell in a terminal: the terminal goes on there.
            return Launch::default();
        }
        match parse(text.as_deref().unwrap_or_default()) {
            Ok(script) => {
                let launch = self.child_shell(spot, script, text.is_none());
                if let Then::Shell(child) = launch.then {
                    let own = Terminal { cwd: self.cwd(spot.shell, spot.machine), ..Terminal::default() };
                    // With `-c` the words behind the line are `$0`, `$1` …, else the file's name is `$0`.
                    let args = words.get(1 + options + usize::from(command)..).unwrap_or_default().to_vec();
                    let child = self.shell_mut(child);
                    (child.own, child.args, child.whole) = (Some(Box::new(own)), args, true);
                }
                launch
            }
            Err(e) => Launch::fail(format!("{}: {}\n", words[0], e.message), 2),
        }
    }

    /// A compound command that is a stage: a shell of its own runs it.
    fn compound(&mut self, spot: Spot, compound: Compound) -> Launch {
        let shares = spot.alone && !matches!(compound, Compound::Subshell(_));
        let launch = match compound {
            Compound::Subshell(script) | Compound::Group(script) => self.child_shell(spot, script, false),
            compound => {
                let command = Command { compound: Some(Box::new(compound)), ..Command::default() };
                let pipeline = Pipeline { commands: vec![command], negated: false, background: false };
                self.child_shell(spot, Script { items: vec![(AndOr::Always, pipeline)] }, false)
            }
        };
        if let Then::Shell(child) = launch.then {
            let status = self.shell_mut(spot.shell).status;
            if shares {
                let args = self.shell_mut(spot.shell).args.clone();
                let child = self.shell_mut(child);
                (child.shares, child.args) = (true, args);
            } else {
                self.inherit(child, spot.shell);
            }
            self.shell_mut(child).status = status;
        }
        launch
    }

    /// Sets variables: those that are exported stay so.
    fn assign(&mut self, spot: Spot, assignments: Vec<(String, String)>) {
        for (name, value) in assignments {
            let machine = self.world.machine_mut(spot.machine);
            match machine.and_then(|m| m.env.iter_mut().rev().find(|(n, _)| *n == name)) {
                Some(exported) => exported.1 = value,
                None => {
                    self.scope(spot.shell).vars.insert(name, value);
                }
            }
        }
    }

    fn child_shell(&mut self, spot: Spot, script: Script, reads_script: bool) -> Launch {
        if self.too_many_shells() {
            return Launch::fail("sh: fork: Resource temporarily unavailable\n", 254);
        }
        let parent = self.shell_mut(spot.shell);
        let (job, background) = (parent.job, parent.background);
        let inherited = (parent.machine == spot.machine).then(|| parent.setting.clone());
        let home = Home::Stage(spot.shell, spot.index);
        let child = self.add_shell(job, spot.node, spot.machine, script, home, Stdin::default());
        let shell = self.shell_mut(child);
        shell.reads_script = reads_script;
        shell.background = background;
        shell.setting = inherited.unwrap_or_default();
        Launch { then: Then::Shell(child), ..Launch::default() }
    }

    /// `docker …`.
    fn docker(&mut self, spot: Spot, words: &[String]) -> Launch {
        let request = match cli::parse(&words[1..]) {
            Ok(cli::Parsed::Help(help)) => {
                let texts = vec![(help.to_stderr, help.text)];
                return Launch { texts, note: help.note, ..Launch::default() };
            }
            Ok(cli::Parsed::Request(request)) => request,
            Err(e) => {
                let newline = if e.message.ends_with('\n') { "" } else { "\n" };
                return Launch { note: e.note, ..Launch::fail(format!("{}{newline}", e.message), e.exit) };
            }
        };
        let mut request = request;
        if let Request::Copy(docker::Copy { cwd, .. }) | Request::Export { cwd, .. } = &mut request {
            *cwd = self.cwd(spot.shell, spot.machine);
        }
        if let Request::Run(spec) | Request::Create(spec) = &mut request
            && let Err(e) = self.read_env_files(spot, spec)
        {
            let exit = if matches!(request, Request::Run(_)) { 125 } else { 1 };
            return Launch::fail(
                format!("docker: {e}\n\nRun 'docker {} --help' for more information\n", words[1]),
                exit,
            );
        }
        // A join that came to nothing is in no list, and so is taking it back.
        let engine = self.nodes[spot.node].engine.as_ref();
        let takes_back = mutation::leaves_swarm(&request) && engine.is_some_and(Engine::is_joining);
        let cidfile = match &request {
            Request::Run(spec) | Request::Create(spec) => spec.cidfile.clone(),
            _ => None,
        };
        if let Some(path) = &cidfile
            && let Err((e, exit)) = self.check_cidfile(spot, path)
        {
            return match request {
                Request::Run(_) => Launch::fail(
                    format!("docker: {e}\n\nRun 'docker run --help' for more information\n"),
                    exit,
                ),
                _ => Launch::fail(format!("{e}\n"), 1),
            };
        }
        let before = self.containers_of(spot.node).len();
        let mut response = self.ask_engine(spot.node, &request);
        if let Some(path) = &cidfile
            && let Some(made) = self.containers_of(spot.node).get(before).map(|c| c.id.clone())
            && let Err(e) = self.write_cidfile(spot, path, made)
        {
            response.stderr += &format!("failed to write the container ID to the file: {e}\n");
        }
        self.note_changes(spot);
        if let Some(mutation) = mutation::of_docker(&request, &response, words).filter(|_| !takes_back) {
            self.shell_mut(spot.shell).stages[spot.index].mutation = Some(mutation);
        }
        let detached = matches!(&request, Request::Exec { detach: true, .. });
        let mut launch = Launch { texts: Vec::new(), note: response.note, then: Then::Exit(response.exit) };
        for (err, text) in [(false, response.stdout), (true, response.stderr)] {
            if !text.is_empty() {
                launch.texts.push((err, text));
            }
        }
        match response.attach {
            None => {}
            Some(Attach::Main(pid)) => launch.then = Then::Process(pid),
            Some(Attach::Command { machine, argv, tty, with }) => {
                let docker::ExecSetting { id, env, cwd, creds } = *with;
                let exec = Exec { node: spot.node, machine, id };
                let setting = Setting { env, cwd: Some(cwd), creds: Some(creds) };
                let inside = self.exec_in(Spot { machine, ..spot }, argv, (tty, detached), setting, exec);
                launch.texts.extend(inside.texts);
                launch.then = inside.then;
            }
            Some(Attach::Shell { machine, argv, tty, main }) => {
                let inside = Spot { machine, ..spot };
                if tty && argv.len() == 1 {
                    self.enter(inside);
                    self.mains.insert(machine, (spot.node, main));
                    launch.then = Then::Exit(0);
                } else {
                    let inner = self.sub_shell(inside, &argv);
                    launch.texts.extend(inner.texts);
                    match inner.then {
                        Then::Shell(child) => {
                            self.shell_mut(child).main = Some(main);
                            launch.then = Then::Shell(child);
                        }
                        then => {
                            if let Then::Exit(code) = then {
                                self.shell_done(spot.node, main, code);
                            }
                            launch.then = then;
                        }
                    }
                }
            }
        }
        launch
    }

    /// `--env-file`: lines of `NAME=VALUE`, read by the client (docker/cli, opts/file.go). What `-e` says comes
    /// after them.
    fn read_env_files(&mut self, spot: Spot, spec: &mut docker::RunSpec) -> Result<(), String> {
        let mut found: Vec<(String, String)> = Vec::new();
        for path in std::mem::take(&mut spec.env_files) {
            let full = self.absolute(spot.shell, spot.machine, &path);
            let machine = self.world.machine(spot.machine);
            let text = machine.and_then(|m| m.files.text(&full)).map(str::to_owned);
            let text = text.ok_or_else(|| format!("open {path}: no such file or directory"))?;
            for line in text.lines().map(str::trim_start).filter(|l| !l.is_empty() && !l.starts_with('#')) {
                let (name, value) = line.split_once('=').map_or((line, None), |(n, v)| (n, Some(v)));
                if name.is_empty() {
                    return Err(format!("invalid env file ({path}): no variable name on line '{line}'"));
                }
                if name.contains(char::is_whitespace) {
                    return Err(format!("invalid env file ({path}): variable '{name}' contains whitespaces"));
                }
                // A name alone takes the client's value, if it has one.
                let own =
                    machine.and_then(|m| m.env.iter().find(|(n, _)| n == name)).map(|(_, v)| v.as_str());
                found.extend(value.or(own).map(|v| (name.to_owned(), v.to_owned())));
            }
        }
        spec.env.splice(0..0, found);
        Ok(())
    }

    /// `--cidfile`: the client makes the file, which must not be there before (docker/cli, newCIDFile). Err: what
    /// it says, and what `docker run` ends with.
    fn check_cidfile(&mut self, spot: Spot, path: &str) -> Result<(), (String, i32)> {
        let full = self.absolute(spot.shell, spot.machine, path);
        let Some(machine) = self.world.machine(spot.machine) else { return Ok(()) };
        if machine.files.get(&full).is_some() || machine.files.is_directory(&full) {
            let e = "container ID file found, make sure the other container isn't running or delete";
            return Err((format!("{e} {path}"), 125));
        }
        let above =
            full.rsplit_once('/').map_or("/", |(above, _)| if above.is_empty() { "/" } else { above });
        if !machine.files.is_directory(above) {
            let e = "failed to create the container ID file: open";
            return Err((format!("{e} {path}: no such file or directory"), 127));
        }
        Ok(())
    }

    fn write_cidfile(&mut self, spot: Spot, path: &str, id: String) -> Result<(), &'static str> {
        let full = self.absolute(spot.shell, spot.machine, path);
        self.world.machine_mut(spot.machine).map_or(Ok(()), |m| m.files.put(&full, id))
    }

    /// The containers of a node's engine.
    fn containers_of(&self, node: usize) -> &[docker::Container] {
        self.nodes.get(node).and_then(|n| n.engine.as_ref()).map_or(&[], Engine::containers)
    }

    /// Adds to the job what the request that was just carried out has changed.
    fn note_changes(&mut self, spot: Spot) {
        let engine = self.nodes.get_mut(spot.node).and_then(|n| n.engine.as_mut());
        let noted = engine.map(Engine::take_noted).unwrap_or_default();
        let next = self.world.log.next_seq();
        let shell = self.shell_mut(spot.shell);
        let (job, since) = (shell.job, std::mem::replace(&mut shell.stages[spot.index].since, next));
        let changes = self.changes_since(since, spot.node, noted);
        if let Some(job) = self.job_mut(job) {
            job.changes.extend(changes);
        }
    }

    /// Gives a request to the engine of a node.
    fn ask_engine(&mut self, node: usize, request: &Request) -> Response {
        let at = self.nodes.iter().take(node).filter(|n| n.engine.is_some()).count();
        if self.nodes.get(node).is_none_or(|n| n.engine.is_none()) {
            return Response::default();
        }
        let mut engines: Vec<_> = self.nodes.iter_mut().filter_map(|n| n.engine.as_mut()).collect();
        // What it did by itself in the meantime is not this request's doing.
        engines[at].take_noted();
        docker::request(&mut self.world, &mut engines, at, request)
    }

    /// Tells the engine that the shell which stands for a container's main process has ended.
    pub(super) fn shell_done(&mut self, node: usize, main: Pid, code: i32) {
        if let Some(engine) = self.nodes.get_mut(node).and_then(|n| n.engine.as_mut()) {
            engine.shell_done(&mut self.world, main, code);
        }
    }

    /// The terminal of the job goes on at this machine.
    fn enter(&mut self, spot: Spot) {
        let job = self.shell_mut(spot.shell).job;
        let ns = self.nodes.get(spot.node).and_then(|n| {
            let c = n.engine.as_ref()?.containers().iter().find(|c| c.machine == spot.machine)?;
            Some(format!("{}:{}", n.config.id, c.name))
        });
        if let Some(job) = self.job_mut(job) {
            job.enters = ns;
        }
    }

    /// `docker exec`: a command in a container.
    fn exec_in(
        &mut self,
        spot: Spot,
        argv: Vec<String>,
        (tty, detached): (bool, bool),
        setting: Setting,
        exec: Exec,
    ) -> Launch {
        if !detached {
            self.shell_mut(spot.shell).stages[spot.index].exec = Some(exec.clone());
        }
        let Some(word) = argv.first() else { return Launch::default() };
        let name = word.rsplit('/').next().unwrap_or_default();
        let shell = matches!(name, "sh" | "bash" | "ash");
        let known = shell || self.has_program(spot.node, spot.machine, name);
        if !known {
            return Launch::fail(
                format!(
                    "OCI runtime exec failed: exec failed: unable to start container process: exec: {word:?}: \
                     executable file not found in $PATH: unknown\n"
                ),
                127,
            );
        }
        if shell && argv.len() == 1 && tty && !detached {
            self.enter(spot);
            return Launch::default();
        }
        // One who is nobody in particular needs no shell of its own.
        let machine = self.world.machine(spot.machine);
        let plain = machine.is_some_and(|m| Some(m.creds) == setting.creds && m.cwd == "/")
            && setting.env.is_empty()
            && setting.cwd.as_deref() == Some("/");
        if !detached && plain {
            return self.launch_words(Spot { tty, ..spot }, argv, Vec::new());
        }
        match parse(&join(&argv)) {
            Ok(script) if !detached => {
                let launch = self.child_shell(spot, script, false);
                if let Then::Shell(child) = launch.then {
                    self.shell_mut(child).setting = setting;
                }
                launch
            }
            Ok(script) if !self.too_many_shells() => {
                let job = self.shell_mut(spot.shell).job;
                let stdin = Stdin { data: String::new(), closed: true };
                let child = self.add_shell(job, spot.node, spot.machine, script, Home::Nowhere, stdin);
                let child = self.shell_mut(child);
                (child.background, child.setting) = (true, setting);
                child.exec = Some(exec);
                Launch::default()
            }
            _ => Launch::fail("sh: fork: Resource temporarily unavailable\n", 254),
        }
    }

    /// What to remember of this command if it succeeds; docker's are judged by their requests.
    fn mutation_of(&mut self, spot: Spot, words: &[String]) -> Option<String> {
        // What `sh -c` runs is remembered as a whole; what a loop runs, line by line.
        let mut at = spot.shell;
        loop {
            let shell = self.shell_mut(at);
            let (machine, home, whole) = (shell.machine, shell.home, shell.whole);
            match home {
                _ if whole => return None,
                // What `docker exec` runs is remembered as docker's command.
                Home::Stage(parent, _) if self.shell_mut(parent).machine != machine => return None,
                Home::Stage(parent, _) => at = parent,
                _ => return mutation::of_words(words).then(|| join(words)),
            }
        }
    }
}
