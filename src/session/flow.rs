//! Which command of a shell comes next: lists, conditions, loops (POSIX.1-2024 §2.9).
//!
//! ```text
//!   while A; do B; C; done; D        frames: [list …]
//!                                            [list …][while: testing][list A]
//!                                            [list …][while][list B; C]
//! ```
//! A frame on top is asked what to do; when it has nothing more it goes, and the one below sees
//! the status. Nothing here waits. A round of a loop that took no virtual time is followed by a
//! pause, so that a loop for ever is a matter of time like everything else: it meets the limit of a
//! run, and Ctrl-C.

use super::Session;
use super::expand::{Expansion, Halt};
use super::run::ShellId;
use crate::shell::{AndOr, Compound, Pipeline, Script, Word, matches};
use crate::time::{Duration, Instant};

/// What a round of a loop takes at least.
const ROUND: Duration = Duration::from_millis(1);
/// Loops, conditions and lists within one another in one shell.
const MAX_FRAMES: usize = 400;

/// A command under way that is made of others.
#[derive(Debug, Clone)]
pub(super) enum Frame {
    /// A list, and the item to start next.
    List { script: Script, next: usize },
    /// `!`: turns the status of what was above it round.
    Not,
    /// Conditions that are still to be asked, the next one last; and what follows from the one above.
    If { branches: Vec<(Script, Script)>, otherwise: Option<Script>, then: Option<Script> },
    /// A loop. `status`: of the last round; `since`: when the round began.
    While { until: bool, condition: Script, body: Script, testing: bool, status: i32, since: Instant },
    /// A loop over values.
    For { name: String, values: Vec<String>, next: usize, body: Script, since: Instant },
}

impl Frame {
    pub(super) fn list(script: Script) -> Self {
        Self::List { script, next: 0 }
    }
    fn is_loop(&self) -> bool {
        matches!(self, Self::While { .. } | Self::For { .. })
    }
}

impl Session {
    /// Starts what comes next, or ends the shell.
    pub(super) fn advance(&mut self, id: ShellId) {
        loop {
            let shell = self.shell_mut(id);
            if !shell.stages.is_empty() || shell.paused {
                return;
            }
            if shell.reads_script {
                return self.read_script(id);
            }
            if shell.frames.len() > MAX_FRAMES {
                shell.frames.clear();
                shell.status = 2;
                self.shell_complains(id, "commands are nested too deeply");
                continue;
            }
            let Some(frame) = shell.frames.last_mut() else { return self.finish_shell(id) };
            let on = match frame {
                Frame::List { .. } => self.next_of_list(id),
                Frame::Not => {
                    shell.status = i32::from(shell.status == 0);
                    shell.frames.pop();
                    true
                }
                Frame::If { .. } => {
                    self.next_of_if(id);
                    true
                }
                Frame::While { .. } | Frame::For { .. } => self.next_round(id),
            };
            if !on {
                return;
            }
        }
    }

    /// False if something was started that has to end first.
    fn next_of_list(&mut self, id: ShellId) -> bool {
        let shell = self.shell_mut(id);
        let status = shell.status;
        let Some(Frame::List { script, next }) = shell.frames.last_mut() else { return true };
        // What `&&` and `||` pass over.
        while let Some((how, _)) = script.items.get(*next) {
            let run = match how {
                AndOr::Always => true,
                AndOr::And => status == 0,
                AndOr::Or => status != 0,
            };
            if run {
                break;
            }
            *next += 1;
        }
        let Some((_, pipeline)) = script.items.get(*next) else {
            shell.frames.pop();
            return true;
        };
        let mut pipeline = pipeline.clone();
        if self.was_killed(id) {
            return true;
        }
        if pipeline.background {
            pipeline.background = false;
            self.step_over(id, false);
            self.background(id, pipeline);
            return true;
        }
        match &pipeline.commands[..] {
            [one] if one.redirects.is_empty() => match one.compound.as_deref() {
                Some(Compound::Subshell(_)) | None => self.start_commands(id, &pipeline),
                Some(compound) => self.open(id, compound, pipeline.negated),
            },
            _ => self.start_commands(id, &pipeline),
        }
    }

    /// The shell was killed with everything else in its container: it has no next command.
    fn was_killed(&mut self, id: ShellId) -> bool {
        let shell = self.shell_mut(id);
        let (node, machine) = (shell.node, shell.machine);
        let killed = self.has_exited(node, machine) || self.has_lost_main(id);
        if killed {
            let shell = self.shell_mut(id);
            shell.frames.clear();
            shell.status = 137;
        }
        killed
    }

    /// The list goes on after this item.
    fn step_over(&mut self, id: ShellId, negated: bool) {
        let shell = self.shell_mut(id);
        shell.substituted.clear();
        if let Some(Frame::List { next, .. }) = shell.frames.last_mut() {
            *next += 1;
        }
        if negated {
            shell.frames.push(Frame::Not);
        }
    }

    fn start_commands(&mut self, id: ShellId, pipeline: &Pipeline) -> bool {
        match self.expand(id, pipeline) {
            Expansion::Halted(halt, program) => self.halted(id, halt, program),
            Expansion::Ready(commands) => {
                self.step_over(id, pipeline.negated);
                self.start_pipeline(id, commands);
                false
            }
        }
    }

    /// A word has no value yet, or never. False if a substitution was begun.
    fn halted(&mut self, id: ShellId, halt: Halt, program: Option<String>) -> bool {
        match halt {
            Halt::Needs(script) => {
                self.substitute(id, script);
                return false;
            }
            Halt::TooLong => {
                self.step_over(id, false);
                self.shell_mut(id).status = 126;
                let about = program.map(|p| format!("{p}: ")).unwrap_or_default();
                self.shell_complains(id, &format!("{about}Argument list too long"));
            }
            Halt::Error(message) => {
                // The rest of the line is given up (POSIX.1-2024 §2.8.1).
                let shell = self.shell_mut(id);
                shell.substituted.clear();
                shell.frames.clear();
                shell.status = 1;
                self.shell_complains(id, &message);
            }
        }
        true
    }

    fn shell_complains(&mut self, id: ShellId, message: &str) {
        let shell = self.shell_mut(id);
        let (node, machine) = (shell.node, shell.machine);
        let word = self.word_for_shell(node, machine);
        self.shell_print(id, true, &format!("{word}: {message}\n"));
    }

    /// Begins a compound command in this shell.
    pub(super) fn open(&mut self, id: ShellId, compound: &Compound, negated: bool) -> bool {
        let frame = match compound {
            Compound::Group(script) | Compound::Subshell(script) => Frame::list(script.clone()),
            Compound::If { branches, otherwise } => Frame::If {
                branches: branches.iter().rev().cloned().collect(),
                otherwise: otherwise.clone(),
                then: None,
            },
            Compound::While { until, condition, body } => Frame::While {
                until: *until,
                condition: condition.clone(),
                body: body.clone(),
                testing: false,
                status: 0,
                since: Instant::FAR_FUTURE,
            },
            Compound::For { name, words, body } => {
                let values = match words {
                    None => Ok(self.shell_mut(id).args.iter().skip(1).cloned().collect()),
                    Some(words) => self.expand_words(id, words),
                };
                match values {
                    Ok(values) => {
                        let since = Instant::FAR_FUTURE;
                        Frame::For { name: name.clone(), values, next: 0, body: body.clone(), since }
                    }
                    Err(halt) => return self.halted(id, halt, None),
                }
            }
            Compound::Case { word, arms } => match self.chosen(id, word, arms) {
                Ok(script) => Frame::list(script),
                Err(halt) => return self.halted(id, halt, None),
            },
        };
        self.step_over(id, negated);
        let shell = self.shell_mut(id);
        if matches!(compound, Compound::Case { .. }) {
            shell.status = 0;
        }
        shell.frames.push(frame);
        true
    }

    /// What `case` leads to; nothing if no pattern matches.
    fn chosen(&mut self, id: ShellId, word: &Word, arms: &[(Vec<Word>, Script)]) -> Result<Script, Halt> {
        let all: Vec<&Word> = std::iter::once(word).chain(arms.iter().flat_map(|(p, _)| p)).collect();
        let texts = self.expand_texts(id, &all)?;
        let mut rest = texts.iter();
        let subject = rest.next().cloned().unwrap_or_default();
        for (patterns, body) in arms {
            // All are taken off the list, also behind the one that matches.
            let found: Vec<bool> = rest.by_ref().take(patterns.len()).map(|p| matches(p, &subject)).collect();
            if found.contains(&true) {
                return Ok(body.clone());
            }
        }
        Ok(Script::default())
    }

    fn next_of_if(&mut self, id: ShellId) {
        let shell = self.shell_mut(id);
        let status = shell.status;
        let Some(Frame::If { branches, otherwise, then }) = shell.frames.last_mut() else { return };
        let body = match then.take() {
            // A condition was asked.
            Some(body) if status == 0 => Some(body),
            _ => match branches.pop() {
                Some((condition, body)) => {
                    *then = Some(body);
                    shell.frames.push(Frame::list(condition));
                    return;
                }
                None => otherwise.take(),
            },
        };
        shell.frames.pop();
        match body {
            Some(body) => shell.frames.push(Frame::list(body)),
            None => shell.status = 0,
        }
    }

    /// The next round of a loop, or its end. False if time has to go on first.
    fn next_round(&mut self, id: ShellId) -> bool {
        let now = self.world.now();
        if self.was_killed(id) {
            return true;
        }
        let shell = self.shell_mut(id);
        let last = shell.status;
        match shell.frames.last_mut() {
            Some(Frame::While { until, condition, body, testing, status, since }) => {
                if *testing {
                    *testing = false;
                    if (last == 0) == *until {
                        shell.status = *status;
                        shell.frames.pop();
                    } else {
                        let body = body.clone();
                        shell.frames.push(Frame::list(body));
                    }
                    return true;
                }
                if *since == now {
                    return self.pause(id);
                }
                if *since < Instant::FAR_FUTURE {
                    *status = last;
                }
                (*testing, *since) = (true, now);
                let condition = condition.clone();
                shell.frames.push(Frame::list(condition));
            }
            Some(Frame::For { name, values, next, body, since }) => {
                let Some(value) = values.get(*next) else {
                    if values.is_empty() {
                        shell.status = 0;
                    }
                    shell.frames.pop();
                    return true;
                };
                if *since == now {
                    return self.pause(id);
                }
                (*next, *since) = (*next + 1, now);
                let (name, value, body) = (name.clone(), value.clone(), body.clone());
                shell.frames.push(Frame::list(body));
                self.scope(id).vars.insert(name, value);
            }
            _ => {}
        }
        true
    }

    fn pause(&mut self, id: ShellId) -> bool {
        let shell = self.shell_mut(id);
        shell.paused = true;
        let foreground = !shell.background;
        let at = self.world.now() + ROUND;
        self.world.call_at(at, id.0, foreground);
        false
    }

    /// `break N` and `continue N`: leaves so many loops; false if there is none.
    pub(super) fn leave_loops(&mut self, id: ShellId, mut count: usize, go_on: bool) -> bool {
        let frames = &mut self.shell_mut(id).frames;
        if !frames.iter().any(Frame::is_loop) {
            return false;
        }
        while let Some(at) = frames.iter().rposition(Frame::is_loop) {
            frames.truncate(at + 1);
            count -= 1;
            if count == 0 || !frames[..at].iter().any(Frame::is_loop) {
                break;
            }
            frames.pop();
        }
        match frames.last_mut() {
            Some(Frame::While { testing, .. }) if go_on => *testing = false,
            _ if go_on => {}
            _ => {
                frames.pop();
            }
        }
        true
    }
}
