//! Words → arguments: braces, variables, substitutions, arithmetic, splitting (POSIX.1-2024 §2.6).
//!
//! A substitution's output may not be known yet: then the expansion halts, and begins anew when it
//! is. What it sets on its way (`$((i++))`, `${X:=1}`) counts only once it has come to its end.

use super::Session;
use super::run::ShellId;
use crate::guest::MachineId;
use crate::shell::{
    Command, Compound, Operator, Pipeline, Redirect, Script, Variables, Word, WordPart, evaluate,
    expand_braces, trimmed,
};
use std::collections::BTreeMap;

/// A command after expansion.
#[derive(Debug, Clone, Default)]
pub(super) struct Simple {
    /// `NAME=VALUE` before the program.
    pub(super) assignments: Vec<(String, String)>,
    /// The program and its arguments.
    pub(super) words: Vec<String>,
    /// In their stead: a command made of commands, as it was typed.
    pub(super) compound: Option<Box<Compound>>,
    /// There were substitutions: the last one's status is that of a command without words.
    pub(super) substituted: bool,
    /// With the path where there is one.
    pub(super) redirects: Vec<(Redirection, String)>,
}

/// The kinds of redirection, without their paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Redirection {
    Stdin,
    Stdout { append: bool },
    Stderr { append: bool },
    StderrToStdout,
    StdoutToStderr,
}

/// How far the expansion of a pipeline came.
#[derive(Debug)]
pub(super) enum Expansion {
    /// Not to its end; the program's name, if it was reached.
    Halted(Halt, Option<String>),
    Ready(Vec<Simple>),
}

/// Bytes that the words of a pipeline may become: variables that double themselves end here.
const MAX_EXPANDED: usize = 1 << 18;

/// Why a word has no fields yet, or never.
#[derive(Debug)]
pub(super) enum Halt {
    /// The output of this one is needed first.
    Needs(Script),
    /// The words are longer than [`MAX_EXPANDED`].
    TooLong,
    /// In the shell's words, without its name.
    Error(String),
}

/// One expansion under way.
struct Expander {
    id: ShellId,
    machine: MachineId,
    /// Does this shell expand braces and speak bash's words?
    bash: bool,
    /// Results of the substitutions that are known, and how many were used.
    known: Vec<String>,
    used: usize,
    /// Bytes that may still be added.
    room: usize,
    /// Variables set on the way.
    set: BTreeMap<String, String>,
}

/// The fields of a word under construction.
#[derive(Default)]
struct Fields {
    done: Vec<String>,
    current: Option<String>,
}

impl Fields {
    fn text(&mut self, text: &str) {
        self.current.get_or_insert_default().push_str(text);
    }
    fn end(&mut self) {
        self.done.extend(self.current.take());
    }
    /// Text that is parted at white space.
    fn parted(&mut self, text: &str) {
        if text.starts_with(char::is_whitespace) {
            self.end();
        }
        for (i, piece) in text.split_whitespace().enumerate() {
            if i > 0 {
                self.end();
            }
            self.text(piece);
        }
        if text.ends_with(char::is_whitespace) {
            self.end();
        }
    }
}

impl Session {
    /// Expands all words of a pipeline with the substitutions that are known so far.
    pub(super) fn expand(&mut self, id: ShellId, pipeline: &Pipeline) -> Expansion {
        let mut x = self.expander(id);
        let mut commands = Vec::new();
        for command in &pipeline.commands {
            let mut simple = Simple { compound: command.compound.clone(), ..Simple::default() };
            if let Err(halt) = self.expand_command(&mut x, command, &mut simple) {
                return Expansion::Halted(halt, simple.words.into_iter().next());
            }
            commands.push(simple);
        }
        self.commit(x);
        Expansion::Ready(commands)
    }

    /// The fields of several words.
    pub(super) fn expand_words(&mut self, id: ShellId, words: &[Word]) -> Result<Vec<String>, Halt> {
        let mut x = self.expander(id);
        let mut fields = Vec::new();
        let bash = x.bash;
        for word in words.iter().flat_map(|w| expand_braces(w, bash)) {
            fields.extend(self.fields(&mut x, &word, true)?);
        }
        self.commit(x);
        Ok(fields)
    }

    /// The text of each of several words: nothing is split.
    pub(super) fn expand_texts(&mut self, id: ShellId, words: &[&Word]) -> Result<Vec<String>, Halt> {
        let mut x = self.expander(id);
        let mut texts = Vec::new();
        for word in words {
            texts.push(self.text_of(&mut x, word)?);
        }
        self.commit(x);
        Ok(texts)
    }

    fn expander(&mut self, id: ShellId) -> Expander {
        let shell = self.shell_mut(id);
        let (node, machine, known) = (shell.node, shell.machine, shell.substituted.clone());
        let bash = self.word_for_shell(node, machine) == "bash";
        Expander { id, machine, bash, known, used: 0, room: MAX_EXPANDED, set: BTreeMap::new() }
    }

    fn commit(&mut self, x: Expander) {
        if !x.set.is_empty() {
            self.scope(x.id).vars.extend(x.set);
        }
    }

    fn expand_command(&mut self, x: &mut Expander, command: &Command, into: &mut Simple) -> Result<(), Halt> {
        let only_assignments = command.words.iter().all(|w| assigned_name(w).is_some());
        for word in &command.words {
            let assigned = if into.words.is_empty() { assigned_name(word) } else { None };
            if let Some(name) = assigned {
                let text = self.text_of(x, word)?;
                let value = text.split_once('=').map_or("", |(_, v)| v).to_owned();
                if only_assignments {
                    x.set.insert(name.clone(), value.clone());
                }
                into.assignments.push((name, value));
                continue;
            }
            for word in expand_braces(word, x.bash) {
                let fields = self.fields(x, &word, true)?;
                into.words.extend(fields);
            }
        }
        for redirect in &command.redirects {
            let (kind, path) = kind(redirect);
            let fields = path.map(|p| self.fields(x, p, true)).transpose()?.unwrap_or_default();
            into.redirects.push((kind, fields.join(" ")));
        }
        into.substituted = x.used > 0;
        Ok(())
    }

    /// What a word becomes as one text.
    fn text_of(&mut self, x: &mut Expander, word: &Word) -> Result<String, Halt> {
        Ok(self.fields(x, word, false)?.join(" "))
    }

    /// The arguments that a word becomes: none, one, or several. Without `split` it is one: the
    /// value of an assignment is not split (POSIX.1-2024 §2.9.1).
    fn fields(&mut self, x: &mut Expander, word: &Word, split: bool) -> Result<Vec<String>, Halt> {
        let mut fields = Fields::default();
        for part in &word.parts {
            let (value, parted) = match part {
                WordPart::Text(text) | WordPart::Braces { typed: text, .. } => (text.clone(), false),
                WordPart::Variable { name, quoted: true } if name == "@" && split => {
                    let args = self.shell_mut(x.id).args.clone();
                    for (i, arg) in args.iter().skip(1).enumerate() {
                        if i > 0 {
                            fields.end();
                        }
                        fields.text(arg);
                    }
                    continue;
                }
                WordPart::Variable { name, quoted } => {
                    (self.variable(x, name).unwrap_or_default(), split && !quoted)
                }
                WordPart::Substitution { script, quoted } => match x.known.get(x.used) {
                    Some(text) => {
                        x.used += 1;
                        (text.clone(), split && !quoted)
                    }
                    None => return Err(Halt::Needs(script.clone())),
                },
                WordPart::Arithmetic { expression, quoted } => {
                    let text = self.text_of(x, expression)?;
                    let bash = x.bash;
                    let value = evaluate(&text, &mut Scope { session: self, x })
                        .map_err(|e| Halt::Error(e.describe(bash, &text)))?;
                    (value.to_string(), split && !quoted)
                }
                WordPart::Parameter { name, operator, word, quoted } => {
                    (self.parameter(x, name, *operator, word)?, split && !quoted)
                }
            };
            x.room = x.room.checked_sub(value.len()).ok_or(Halt::TooLong)?;
            if parted { fields.parted(&value) } else { fields.text(&value) }
        }
        fields.end();
        Ok(fields.done)
    }

    /// `${NAME…}` with something behind the name.
    fn parameter(
        &mut self,
        x: &mut Expander,
        name: &str,
        operator: Operator,
        word: &Word,
    ) -> Result<String, Halt> {
        let value = self.variable(x, name);
        let given = |colon: bool| value.clone().filter(|v| !(colon && v.is_empty()));
        match operator {
            Operator::Default { colon } => match given(colon) {
                Some(value) => Ok(value),
                None => self.text_of(x, word),
            },
            Operator::Assign { colon } => match given(colon) {
                Some(value) => Ok(value),
                None => {
                    let text = self.text_of(x, word)?;
                    x.set.insert(name.to_owned(), text.clone());
                    Ok(text)
                }
            },
            Operator::Alternative { colon } => match given(colon) {
                Some(_) => self.text_of(x, word),
                None => Ok(String::new()),
            },
            Operator::Error { colon } => match given(colon) {
                Some(value) => Ok(value),
                None => {
                    let text = self.text_of(x, word)?;
                    let standard = if colon { "parameter null or not set" } else { "parameter not set" };
                    let text = if text.is_empty() { standard } else { &text };
                    Err(Halt::Error(format!("{name}: {text}")))
                }
            },
            Operator::Length => Ok(value.unwrap_or_default().chars().count().to_string()),
            Operator::Prefix { longest } | Operator::Suffix { longest } => {
                let pattern = self.text_of(x, word)?;
                let end = matches!(operator, Operator::Suffix { .. });
                Ok(trimmed(&value.unwrap_or_default(), &pattern, end, longest).to_owned())
            }
        }
    }

    /// The value of a variable; None if it is not set.
    fn variable(&mut self, x: &Expander, name: &str) -> Option<String> {
        let shell = self.shell_mut(x.id);
        let given = shell.setting.env.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        match name {
            "?" => return Some(shell.status.to_string()),
            // The shell that is a container's main process is its process 1.
            "$" if shell.main.is_some() => return Some("1".to_owned()),
            "$" => return Some(x.id.0.to_string()),
            "#" => return Some(shell.args.len().saturating_sub(1).to_string()),
            "@" | "*" => return Some(shell.args.get(1..).unwrap_or_default().join(" ")),
            "0" if shell.args.is_empty() => {
                let (node, machine) = (shell.node, shell.machine);
                return Some(self.word_for_shell(node, machine).to_owned());
            }
            "!" => return None,
            _ => {}
        }
        if let Ok(n) = name.parse::<usize>() {
            return shell.args.get(n).cloned();
        }
        if let Some(value) = x.set.get(name) {
            return Some(value.clone());
        }
        if name == "PWD" {
            return Some(self.cwd(x.id, x.machine));
        }
        if let Some(value) = self.scope(x.id).vars.get(name) {
            return Some(value.clone());
        }
        if given.is_some() {
            return given;
        }
        let m = self.world.machine(x.machine)?;
        match m.env.iter().rev().find(|(n, _)| n == name) {
            Some((_, value)) => Some(value.clone()),
            None if name == "HOSTNAME" => Some(m.hostname.clone()),
            None => None,
        }
    }
}

/// The variables of an expansion, for arithmetic.
struct Scope<'a> {
    session: &'a mut Session,
    x: &'a mut Expander,
}

impl Variables for Scope<'_> {
    fn get(&mut self, name: &str) -> Option<String> {
        self.session.variable(self.x, name)
    }
    fn set(&mut self, name: &str, value: i64) {
        self.x.set.insert(name.to_owned(), value.to_string());
    }
}

/// The name, if the word is an assignment.
fn assigned_name(word: &Word) -> Option<String> {
    let Some(WordPart::Text(text)) = word.parts.first() else { return None };
    let (name, _) = text.split_once('=')?;
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    good.then(|| name.to_owned())
}

fn kind(redirect: &Redirect) -> (Redirection, Option<&Word>) {
    match redirect {
        Redirect::Stdin { path } => (Redirection::Stdin, Some(path)),
        Redirect::Stdout { path, append } => (Redirection::Stdout { append: *append }, Some(path)),
        Redirect::Stderr { path, append } => (Redirection::Stderr { append: *append }, Some(path)),
        Redirect::StderrToStdout => (Redirection::StderrToStdout, None),
        Redirect::StdoutToStderr => (Redirection::StdoutToStderr, None),
    }
}
