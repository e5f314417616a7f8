//! Builtins that are parts of the shell's language: `[`, `break`, `continue`, `read`, `shift`.

use super::Session;
use super::plumb::Runner;
use super::run::ShellId;
use super::stage::{Launch, Spot, Then};
use crate::guest;
use crate::shell::matches;

/// `TEXT == PATTERN` of `[[ ]]` as a word that is empty or not. (The parser has seen to the brackets, and has
/// put `-a` and `-o` for `&&` and `||`.)
fn with_patterns(args: &[String]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut rest = args;
    while let [first, after @ ..] = rest {
        match after {
            [operator, pattern, after @ ..] if matches!(operator.as_str(), "=" | "==" | "!=") => {
                let yes = matches(pattern, first) == (operator != "!=");
                out.push(if yes { "1".to_owned() } else { String::new() });
                rest = after;
            }
            _ => {
                out.push(first.clone());
                rest = after;
            }
        }
    }
    out
}

impl Session {
    /// `test` and `[`.
    pub(super) fn test(&mut self, spot: Spot, word: &str, args: &[String]) -> Launch {
        let bash = self.word_for_shell(spot.node, spot.machine) == "bash";
        let mut args = args;
        let matched = (word == "[[").then(|| with_patterns(args));
        if let Some(matched) = &matched {
            args = matched;
        }
        if word == "[" {
            match args.split_last() {
                Some((last, rest)) if last == "]" => args = rest,
                _ if bash => return Launch::fail("bash: [: missing `]'\n", 2),
                _ => return Launch::fail("sh: missing ]\n", 2),
            }
        }
        let cwd = self.cwd(spot.shell, spot.machine);
        let machine = self.world.machine(spot.machine);
        let kind = |path: &str| guest::kind_of(&machine?.files, &guest::absolute_path(&cwd, path));
        match guest::test(args, &kind) {
            Ok(yes) => Launch { then: Then::Exit(i32::from(!yes)), ..Launch::default() },
            Err(e) if bash => Launch::fail(format!("bash: {word}: {}\n", e.bash()), 2),
            Err(e) => Launch::fail(format!("sh: {}\n", e.busybox()), 2),
        }
    }

    /// `break` and `continue`.
    pub(super) fn leave(&mut self, spot: Spot, word: &str, args: &[String]) -> Launch {
        let shell = self.word_for_shell(spot.node, spot.machine);
        let bash = shell == "bash";
        let count = match args.first().map(|a| (a, a.parse::<i64>())) {
            None => 1,
            Some((_, Ok(n))) if n >= 1 => usize::try_from(n).unwrap_or(usize::MAX),
            Some((a, Ok(_))) if bash => {
                self.leave_loops(spot.shell, usize::MAX, false);
                return Launch::fail(format!("bash: {word}: {a}: loop count out of range\n"), 1);
            }
            Some((a, _)) => {
                // A shell that is not interactive ends here; the line does.
                self.shell_mut(spot.shell).frames.clear();
                return match bash {
                    true => Launch::fail(format!("bash: {word}: {a}: numeric argument required\n"), 128),
                    false => Launch::fail(format!("sh: {word}: line 0: Illegal number: {a}\n"), 2),
                };
            }
        };
        let left = spot.alone && self.leave_loops(spot.shell, count, word == "continue");
        if left || !bash {
            return Launch::default();
        }
        let text = format!("bash: {word}: only meaningful in a `for', `while', or `until' loop\n");
        Launch::fail(text, 0)
    }

    /// `shift`.
    pub(super) fn shift(&mut self, spot: Spot, args: &[String]) -> Launch {
        let count = args.first().map_or(Ok(1), |a| a.parse::<usize>());
        let shell = self.shell_mut(spot.shell);
        match count {
            Ok(count) if count < shell.args.len() || count == 0 => {
                let end = (1 + count).min(shell.args.len());
                if !shell.args.is_empty() {
                    shell.args.drain(1..end);
                }
                Launch::default()
            }
            _ => Launch { then: Then::Exit(1), ..Launch::default() },
        }
    }

    /// `read`.
    pub(super) fn read(&mut self, spot: Spot, args: &[String]) -> Launch {
        let word = self.word_for_shell(spot.node, spot.machine);
        let bash = word == "bash";
        let mut names = Vec::new();
        let mut prompt = String::new();
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            match arg.as_str() {
                "-r" | "-s" | "-e" => {}
                "-p" => prompt = rest.next().cloned().unwrap_or_default(),
                option if option.starts_with('-') && option.len() > 1 => {
                    let letter: String = option.chars().take(2).collect();
                    return match bash {
                        true => {
                            Launch::fail(format!("bash: read: {letter}: invalid option\n{READ_USAGE}"), 2)
                        }
                        false => Launch::fail(format!("sh: read: line 0: illegal option {letter}\n"), 2),
                    };
                }
                name => names.push(name.to_owned()),
            }
        }
        let bad = names.iter().find(|n| {
            n.is_empty()
                || n.starts_with(|c: char| c.is_ascii_digit())
                || !n.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        });
        if let Some(bad) = bad {
            return match bash {
                true => Launch::fail(format!("bash: read: `{bad}': not a valid identifier\n"), 1),
                false => Launch::fail(format!("sh: read: '{bad}': bad variable name\n"), 1),
            };
        }
        // Nobody types into a running line: the prompt would wait for nothing, and bash shows it
        // only in a terminal.
        let _ = prompt;
        Launch { then: Then::Read(names), ..Launch::default() }
    }

    /// `read` has started: a line of the file, or of the shell's stdin once there is one.
    pub(super) fn read_line(&mut self, id: ShellId, names: Vec<String>, file: Option<String>) {
        match file {
            Some(text) => {
                let line = text.split_inclusive('\n').next().unwrap_or_default().to_owned();
                self.have_read(id, &names, &line);
            }
            None => {
                self.shell_mut(id).reading = names;
                self.go_on_reading(id);
            }
        }
    }

    /// Has a line come by now, or the end of the input?
    pub(super) fn go_on_reading(&mut self, id: ShellId) {
        let Some(shell) = self.shells.get_mut(&id) else { return };
        let reads = shell.stages.first().is_some_and(|s| s.runner == Runner::Read && s.exit.is_none());
        let end = match shell.stdin.data.find('\n') {
            Some(at) => at + 1,
            None if shell.stdin.closed => shell.stdin.data.len(),
            None => return,
        };
        if reads {
            let line: String = shell.stdin.data.drain(..end).collect();
            let names = std::mem::take(&mut shell.reading);
            self.have_read(id, &names, &line);
        }
    }

    /// Sets the variables: a word each, the last one takes the rest (POSIX.1-2024, read).
    fn have_read(&mut self, id: ShellId, names: &[String], line: &str) {
        let whole = line.ends_with('\n');
        let mut rest = line.trim();
        let reply = ["REPLY".to_owned()];
        let (names, last) = match names.split_last() {
            Some((last, names)) => (names, last),
            None => (&[][..], &reply[0]),
        };
        let vars = &mut self.scope(id).vars;
        for name in names {
            let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            vars.insert(name.clone(), word.to_owned());
            rest = after.trim_start();
        }
        vars.insert(last.clone(), rest.to_owned());
        self.stage_done(id, 0, i32::from(!whole));
    }
}

const READ_USAGE: &str = "read: usage: read [-ers] [-a array] [-d delim] [-i text] [-n nchars] [-N nchars] \
                          [-p prompt] [-t timeout] [-u fd] [name ...]\n";
