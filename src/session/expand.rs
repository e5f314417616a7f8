//! Words → arguments: variables, substitutions, splitting (POSIX.1-2024 §2.6).

use super::Session;
use super::run::ShellId;
use crate::shell::{Pipeline, Redirect, Script, Word, WordPart};

/// A command after expansion.
#[derive(Debug, Clone, Default)]
pub(super) struct Simple {
    /// `NAME=VALUE` before the program.
    pub(super) assignments: Vec<(String, String)>,
    /// The program and its arguments.
    pub(super) words: Vec<String>,
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
    /// The output of this one is needed first.
    Needs(Script),
    /// The words are longer than [`MAX_EXPANDED`]; the program's name, if it was reached.
    TooLong(Option<String>),
    Ready(Vec<Simple>),
}

/// Bytes that the words of a pipeline may become: variables that double themselves end here.
const MAX_EXPANDED: usize = 1 << 18;

/// Why a word has no fields yet, or never.
enum Halt {
    Needs(Script),
    TooLong,
}

impl Session {
    /// Expands all words of a pipeline with the substitutions that are known so far.
    pub(super) fn expand(&mut self, id: ShellId, pipeline: &Pipeline) -> Expansion {
        let substituted = self.shell_mut(id).substituted.clone();
        let mut known = substituted.iter();
        let mut room = MAX_EXPANDED;
        let mut commands = Vec::new();
        for command in &pipeline.commands {
            let mut simple = Simple::default();
            for word in &command.words {
                let assigned = if simple.words.is_empty() { assigned_name(word) } else { None };
                let fields = match self.fields(id, word, assigned.is_none(), &mut known, &mut room) {
                    Ok(fields) => fields,
                    Err(Halt::Needs(script)) => return Expansion::Needs(script),
                    Err(Halt::TooLong) => return Expansion::TooLong(simple.words.into_iter().next()),
                };
                match assigned {
                    Some(name) => {
                        let text = fields.join(" ");
                        let value = text.split_once('=').map_or("", |(_, v)| v).to_owned();
                        simple.assignments.push((name, value));
                    }
                    None => simple.words.extend(fields),
                }
            }
            for redirect in &command.redirects {
                let (kind, path) = kind(redirect);
                let fields = match path.map(|p| self.fields(id, p, true, &mut known, &mut room)) {
                    None => Vec::new(),
                    Some(Ok(fields)) => fields,
                    Some(Err(Halt::Needs(script))) => return Expansion::Needs(script),
                    Some(Err(Halt::TooLong)) => return Expansion::TooLong(simple.words.into_iter().next()),
                };
                simple.redirects.push((kind, fields.join(" ")));
            }
            commands.push(simple);
        }
        Expansion::Ready(commands)
    }

    /// The arguments that a word becomes: none, one, or several. Without `split` it is one: the
    /// value of an assignment is not split (POSIX.1-2024 §2.9.1).
    fn fields<'a>(
        &mut self,
        id: ShellId,
        word: &Word,
        split: bool,
        known: &mut impl Iterator<Item = &'a String>,
        room: &mut usize,
    ) -> Result<Vec<String>, Halt> {
        let mut done = Vec::new();
        let mut current: Option<String> = None;
        for part in &word.parts {
            let (value, parted) = match part {
                WordPart::Text(text) => (text.clone(), false),
                WordPart::Variable { name, quoted } => (self.variable(id, name), split && !quoted),
                WordPart::Substitution { script, quoted } => match known.next() {
                    Some(text) => (text.clone(), split && !quoted),
                    None => return Err(Halt::Needs(script.clone())),
                },
            };
            *room = room.checked_sub(value.len()).ok_or(Halt::TooLong)?;
            if !parted {
                current.get_or_insert_default().push_str(&value);
                continue;
            }
            if value.starts_with(char::is_whitespace) {
                done.extend(current.take());
            }
            for (i, piece) in value.split_whitespace().enumerate() {
                if i > 0 {
                    done.extend(current.take());
                }
                current.get_or_insert_default().push_str(piece);
            }
            if value.ends_with(char::is_whitespace) {
                done.extend(current.take());
            }
        }
        done.extend(current);
        Ok(done)
    }

    /// The value of a variable; empty if it is not set.
    fn variable(&mut self, id: ShellId, name: &str) -> String {
        let shell = self.shell_mut(id);
        let (machine, status) = (shell.machine, shell.status);
        let given = shell.setting.env.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        match name {
            "?" => return status.to_string(),
            // The shell that is a container's main process is its process 1.
            "$" if shell.main.is_some() => return "1".to_owned(),
            "$" => return id.0.to_string(),
            "PWD" => return self.cwd(id, machine),
            _ => {}
        }
        if let Some(value) = self.terminal(machine).vars.get(name) {
            return value.clone();
        }
        if let Some(value) = given {
            return value;
        }
        let Some(m) = self.world.machine(machine) else { return String::new() };
        match m.env.iter().rev().find(|(n, _)| n == name) {
            Some((_, value)) => value.clone(),
            None if name == "HOSTNAME" => m.hostname.clone(),
            None => String::new(),
        }
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
