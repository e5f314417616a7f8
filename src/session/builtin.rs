//! What the shell does itself; the parts of its language are in [`super::control`].

use super::Session;
use super::run::Home;
use super::stage::{Launch, Spot, Then};
use crate::guest::{self, Signal};
use crate::stack::Pid;
use std::fmt::Write as _;

/// A builtin, for `help` and completion.
#[derive(Debug, Clone, Copy)]
pub(super) struct Builtin {
    pub(super) name: &'static str,
    pub(super) usage: &'static str,
    pub(super) help: [&'static str; 2],
}

const fn b(name: &'static str, usage: &'static str, en: &'static str, ko: &'static str) -> Builtin {
    Builtin { name, usage, help: [en, ko] }
}

/// All builtins, by name.
pub(super) const BUILTINS: &[Builtin] = &[
    b(":", ":", "does nothing", "아무것도 하지 않아요"),
    b("[", "[ EXPRESSION ]", "tests a condition", "조건을 검사해요"),
    b("[[", "[[ EXPRESSION ]]", "tests a condition", "조건을 검사해요"),
    b("break", "break [N]", "leaves a loop", "반복문을 빠져나가요"),
    b("cd", "cd [DIRECTORY]", "changes the working directory", "작업 디렉터리를 바꿔요"),
    b("clear", "clear", "clears the terminal", "터미널을 비워요"),
    b("continue", "continue [N]", "begins the next round of a loop", "반복문의 다음 차례로 가요"),
    b("exit", "exit [STATUS]", "leaves the shell", "셸에서 나가요"),
    b("export", "export NAME=VALUE", "sets an environment variable", "환경 변수를 정해요"),
    b("false", "false", "fails", "실패로 끝나요"),
    b("help", "help [COMMAND]", "lists the commands of this place", "여기서 쓸 수 있는 명령을 보여줘요"),
    b("kill", "kill [-9] PID…", "ends a process", "프로세스를 끝내요"),
    b("ps", "ps", "lists the running processes", "실행 중인 프로세스를 보여줘요"),
    b("pwd", "pwd", "prints the working directory", "작업 디렉터리를 보여줘요"),
    b("read", "read [-r] [NAME]…", "reads a line into variables", "한 줄을 읽어 변수에 넣어요"),
    b("shift", "shift [N]", "drops the first arguments", "앞쪽 인자를 버려요"),
    b("test", "test EXPRESSION", "tests a condition", "조건을 검사해요"),
    b("true", "true", "succeeds", "성공으로 끝나요"),
    b("type", "type NAME…", "says what a word is", "단어가 무슨 명령인지 알려줘요"),
    b("unset", "unset NAME…", "removes a variable", "변수를 지워요"),
    b(
        "wait",
        "wait",
        "waits for what runs in the background",
        "백그라운드에서 도는 명령이 끝나기를 기다려요",
    ),
    b("which", "which NAME…", "says where a command is", "명령이 어디에 있는지 알려줘요"),
];

impl Session {
    /// Runs a builtin.
    pub(super) fn builtin(&mut self, spot: Spot, words: &[String]) -> Launch {
        let args = &words[1..];
        match words[0].as_str() {
            "cd" => self.cd(spot, args),
            "pwd" => Launch::ok(format!("{}\n", self.cwd(spot.shell, spot.machine))),
            "false" => Launch { then: Then::Exit(1), ..Launch::default() },
            "[" | "[[" | "test" => self.test(spot, &words[0], args),
            "break" | "continue" => self.leave(spot, &words[0], args),
            "read" => self.read(spot, args),
            "shift" => self.shift(spot, args),
            // Home, clear, clear what scrolled out (ECMA-48; xterm's E3).
            "clear" => Launch::ok("\x1b[H\x1b[2J\x1b[3J"),
            "exit" => self.exit(spot, args),
            "export" => self.export(spot, args),
            "unset" => self.unset(spot, args),
            "help" => self.help(spot, args),
            "ps" => self.ps(spot),
            "kill" => self.kill(spot, args),
            "wait" => self.wait(spot, args),
            "which" | "type" => self.which(spot, &words[0], args),
            _ => Launch::default(),
        }
    }

    fn cd(&mut self, spot: Spot, args: &[String]) -> Launch {
        let target = args.first().map_or("/root", String::as_str);
        let path = self.absolute(spot.shell, spot.machine, target);
        if self.world.machine(spot.machine).is_some_and(|m| m.files.is_directory(&path)) {
            let own = &mut self.shell_mut(spot.shell).setting.cwd;
            match own {
                _ if !spot.alone => {}
                Some(own) => *own = path,
                None => self.scope(spot.shell).cwd = path,
            }
            return Launch::default();
        }
        let word = self.word_for_shell(spot.node, spot.machine);
        Launch::fail(format!("{word}: cd: {target}: No such file or directory\n"), 1)
    }

    fn exit(&mut self, spot: Spot, args: &[String]) -> Launch {
        let (mut id, status) = (spot.shell, self.shell_mut(spot.shell).status);
        let code = match args.first().map(|a| a.parse::<i64>()) {
            None => status,
            Some(Ok(n)) => (n & 0xff) as i32,
            Some(Err(_)) => 2,
        };
        if spot.alone {
            loop {
                let shell = self.shell_mut(id);
                shell.frames.clear();
                match shell.home {
                    Home::Stage(parent, _) if shell.shares => id = parent,
                    Home::Terminal => {
                        if let Some((node, main)) = self.mains.remove(&spot.machine) {
                            self.shell_done(node, main, code);
                        }
                        break;
                    }
                    _ => break,
                }
            }
        }
        Launch { then: Then::Exit(code), ..Launch::default() }
    }

    fn export(&mut self, spot: Spot, args: &[String]) -> Launch {
        for arg in args {
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) => (name.to_owned(), value.to_owned()),
                None => (arg.clone(), self.scope(spot.shell).vars.get(arg).cloned().unwrap_or_default()),
            };
            self.scope(spot.shell).vars.remove(&name);
            if let Some(m) = self.world.machine_mut(spot.machine) {
                m.env.retain(|(n, _)| *n != name);
                m.env.push((name, value));
            }
        }
        Launch::default()
    }

    fn unset(&mut self, spot: Spot, args: &[String]) -> Launch {
        for arg in args {
            self.scope(spot.shell).vars.remove(arg);
            if let Some(m) = self.world.machine_mut(spot.machine) {
                m.env.retain(|(n, _)| n != arg);
            }
        }
        Launch::default()
    }

    fn ps(&mut self, spot: Spot) -> Launch {
        let mut text = String::from("    PID TTY          TIME CMD\n");
        for p in self.world.processes().filter(|p| p.machine == spot.machine) {
            let _ = writeln!(text, "{:>7} {:<8} 00:00:00 {}", p.pid.0, "?", p.name);
        }
        Launch::ok(text)
    }

    fn kill(&mut self, spot: Spot, args: &[String]) -> Launch {
        let word = self.word_for_shell(spot.node, spot.machine);
        let mut signal = Signal::Term;
        let mut launch = Launch::default();
        for arg in args {
            match arg.as_str() {
                "-9" | "-KILL" | "-SIGKILL" => signal = Signal::Kill,
                "-2" | "-INT" | "-SIGINT" => signal = Signal::Int,
                "-15" | "-TERM" | "-SIGTERM" => signal = Signal::Term,
                "1" if self.kill_main(spot, signal) => {}
                pid => {
                    let pid = pid.parse().map(Pid);
                    let here = |p: Pid| self.world.process(p).is_some_and(|p| p.machine == spot.machine);
                    match pid {
                        Ok(p) if here(p) => self.world.signal(p, signal),
                        _ => launch = Launch::fail(format!("{word}: kill: ({arg}) - No such process\n"), 1),
                    }
                }
            }
        }
        launch
    }

    /// Signals process 1 of the container at this place; false if it is no container.
    fn kill_main(&mut self, spot: Spot, signal: Signal) -> bool {
        let engine = self.nodes.get(spot.node).and_then(|n| n.engine.as_ref());
        engine.is_some_and(|e| e.signal_main(&mut self.world, spot.machine, signal))
    }

    fn which(&mut self, spot: Spot, word: &str, args: &[String]) -> Launch {
        let mut launch = Launch::default();
        for arg in args {
            let builtin = BUILTINS.iter().any(|b| b.name == arg);
            let program = self.has_program(spot.node, spot.machine, arg)
                || (!builtin && self.known_words(spot.node, spot.machine).contains(&arg.as_str()));
            let text = match (builtin, program, word) {
                (true, _, "type") => format!("{arg} is a shell builtin\n"),
                (_, true, "type") => format!("{arg} is /usr/bin/{arg}\n"),
                (_, true, _) => format!("/usr/bin/{arg}\n"),
                (_, _, "type") => {
                    launch.then = Then::Exit(1);
                    launch.texts.push((true, format!("bash: type: {arg}: not found\n")));
                    continue;
                }
                _ => {
                    launch.then = Then::Exit(1);
                    continue;
                }
            };
            launch.texts.push((false, text));
        }
        launch
    }

    /// Usage and help of a word: builtins and programs.
    pub(super) fn usage_of(word: &str) -> Option<(&'static str, [&'static str; 2])> {
        BUILTINS
            .iter()
            .find(|b| b.name == word)
            .map(|b| (b.usage, b.help))
            .or_else(|| guest::info(word).map(|i| (i.usage, i.help)))
            .or_else(|| {
                let help =
                    ["controls containers, networks and images", "컨테이너, 네트워크, 이미지를 다뤄요"];
                match word {
                    "docker" => Some(("docker COMMAND", help)),
                    _ => super::service::WORDS.contains(&word).then_some(super::service::USAGE),
                }
            })
    }
}
