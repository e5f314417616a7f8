//! Terminals: one scrollback, history and half-typed line for each place.

use std::collections::BTreeMap;

use crate::session::{Job, JobId, NodeKind, Session, Stream};

/// Longest scrollback, in entries.
const MAX_ENTRIES: usize = 200;

/// A line that was typed, with what it printed.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What stood before it.
    pub prompt: String,
    /// The line.
    pub line: String,
    /// Its job, while its session is the one running.
    pub job: Option<JobId>,
    /// What it printed: record number, is it stderr, text.
    pub output: Vec<(u64, Stream, String)>,
    /// Its exit status, and the record number at which that was known.
    pub exit: Option<(i32, u64)>,
    /// A word of the page itself: shown apart from what programs print.
    pub note: Option<String>,
}

impl Entry {
    /// Still under way at the moment `seq`?
    pub fn running(&self, seq: u64) -> bool {
        self.job.is_some() && self.exit.is_none_or(|(_, at)| at > seq)
    }
    /// What it has printed at the moment `seq`.
    pub fn shown(&self, seq: u64) -> impl Iterator<Item = (Stream, &str)> {
        let live = self.job.is_some();
        self.output.iter().filter(move |o| !live || o.0 <= seq).map(|o| (o.1, o.2.as_str()))
    }
}

/// A place's terminal.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Terminal {
    /// What was typed, oldest first.
    pub entries: Vec<Entry>,
    /// The line being typed.
    pub input: String,
    history: Vec<String>,
    cursor: Option<usize>,
    draft: String,
    /// What could stand here, after Tab on a word with several ends.
    pub choices: Vec<String>,
}

impl Terminal {
    /// ↑.
    pub fn older(&mut self) {
        let at = match self.cursor {
            None if self.history.is_empty() => return,
            None => {
                self.draft.clone_from(&self.input);
                self.history.len() - 1
            }
            Some(at) => at.saturating_sub(1),
        };
        self.cursor = Some(at);
        self.input.clone_from(&self.history[at]);
    }
    /// ↓.
    pub fn newer(&mut self) {
        match self.cursor {
            None => {}
            Some(at) if at + 1 < self.history.len() => {
                self.cursor = Some(at + 1);
                self.input.clone_from(&self.history[at + 1]);
            }
            Some(_) => {
                self.cursor = None;
                self.input = std::mem::take(&mut self.draft);
            }
        }
    }
    /// The line changed under the fingers.
    pub fn typed(&mut self, input: String) {
        self.input = input;
        self.cursor = None;
        self.choices.clear();
    }
    /// Tab: takes the only end there is, or as much as all have in common.
    pub fn complete(&mut self, ends: Vec<String>) {
        let start = self.input.rfind([' ', '|', ';', '&', '(', '=']).map_or(0, |i| i + 1);
        let common = ends.iter().skip(1).fold(ends.first().cloned().unwrap_or_default(), |a, b| {
            a.chars().zip(b.chars()).take_while(|(x, y)| x == y).map(|(x, _)| x).collect()
        });
        if common.len() >= self.input.len() - start && !common.is_empty() {
            self.input.replace_range(start.., &common);
        }
        if ends.len() == 1 {
            if !self.input.ends_with(['/', '=', ':', ' ']) {
                self.input.push(' ');
            }
            self.choices.clear();
        } else {
            self.choices = ends;
        }
    }
    /// Enter: the line goes into the history and out of the input.
    pub fn take_line(&mut self) -> String {
        let line = std::mem::take(&mut self.input);
        self.remember(&line);
        line
    }
    /// Puts a line into the history, once in a row.
    pub fn remember(&mut self, line: &str) {
        (self.cursor, self.draft) = (None, String::new());
        self.choices.clear();
        if !line.trim().is_empty() && self.history.last().is_none_or(|l| l != line) {
            self.history.push(line.to_owned());
        }
    }
    /// Adds an entry.
    pub fn push(&mut self, entry: Entry) {
        if self.entries.len() == MAX_ENTRIES {
            self.entries.remove(0);
        }
        self.entries.push(entry);
    }
    /// The job under way at the moment `seq`.
    pub fn running(&self, seq: u64) -> Option<JobId> {
        self.entries.iter().rev().find(|e| e.running(seq)).and_then(|e| e.job)
    }
}

/// All terminals.
#[derive(Debug, Clone, Default)]
pub struct Terminals {
    by_place: BTreeMap<String, Terminal>,
    /// The place shown.
    pub place: String,
    /// Places that were opened, in that order.
    pub open: Vec<String>,
    /// Where a shell was opened from with `docker run -it` or `docker exec -it`, by the place it is at.
    entered: BTreeMap<String, String>,
}

impl Terminals {
    /// A line typed at `from` opened a shell at `place`: whoever looks on goes along.
    pub fn enter(&mut self, from: &str, place: &str) {
        self.entered.insert(place.to_owned(), from.to_owned());
        if self.place == from {
            self.go(place);
        }
    }
    /// The shell at `place` was left: back to where it was opened.
    pub fn leave(&mut self, place: &str) {
        if let Some(from) = self.entered.remove(place)
            && self.place == place
        {
            self.go(&from);
        }
    }
    /// Goes to a place.
    pub fn go(&mut self, place: &str) {
        place.clone_into(&mut self.place);
        if !place.is_empty() && !self.open.iter().any(|p| p == place) {
            self.open.push(place.to_owned());
        }
    }
    /// The terminal of a place.
    pub fn at(&mut self, place: &str) -> &mut Terminal {
        self.by_place.entry(place.to_owned()).or_default()
    }
    /// The terminal shown.
    pub fn current(&self) -> Option<&Terminal> {
        self.by_place.get(&self.place)
    }
    /// The terminal shown.
    pub fn current_mut(&mut self) -> &mut Terminal {
        let place = self.place.clone();
        self.at(&place)
    }
    /// Copies what jobs have printed since, and their ends. Returns those that ended now.
    pub fn follow(&mut self, session: &Session) -> Vec<JobId> {
        let now = session.world.log.next_seq();
        let mut ended = Vec::new();
        let entries = self.by_place.values_mut().flat_map(|t| &mut t.entries);
        for entry in entries.filter(|e| e.exit.is_none()) {
            let Some(job) = entry.job.and_then(|id| session.job(id)) else { continue };
            take_output(entry, job);
            if let Some(exit) = job.exit {
                entry.exit = Some((exit, now.saturating_sub(1)));
                ended.push(job.id);
            }
        }
        ended
    }
    /// The session was replaced: what was printed stays to be read.
    pub fn detach(&mut self) {
        for entry in self.by_place.values_mut().flat_map(|t| &mut t.entries) {
            entry.job = None;
        }
    }
    /// Was anything typed?
    pub fn has_lines(&self) -> bool {
        self.by_place.values().any(|t| !t.entries.is_empty())
    }
    /// A node has another id: its terminals go along.
    pub fn renamed(&mut self, from: &str, to: &str) {
        let moved = |place: &str| {
            let rest = place.strip_prefix(from)?;
            (rest.is_empty() || rest.starts_with(':')).then(|| format!("{to}{rest}"))
        };
        let places: Vec<_> = self.by_place.keys().filter_map(|p| Some((p.clone(), moved(p)?))).collect();
        for (old, new) in places {
            if let Some(terminal) = self.by_place.remove(&old) {
                self.by_place.insert(new, terminal);
            }
        }
        for place in self.open.iter_mut().chain([&mut self.place]) {
            if let Some(new) = moved(place) {
                *place = new;
            }
        }
    }
    /// Places that are gone lose their tabs.
    pub fn keep_only(&mut self, places: &[String]) {
        self.open.retain(|p| places.contains(p));
        if !places.contains(&self.place) {
            let next = self.open.last().or_else(|| places.first()).cloned().unwrap_or_default();
            self.go(&next);
        }
    }
}

fn take_output(entry: &mut Entry, job: &Job) {
    if job.output.len() > entry.output.len() {
        entry.output.extend_from_slice(&job.output[entry.output.len()..]);
    }
}

/// What stands before the line: `root@docker-host:~#`, `visitor:~$`, `/ #` in a container.
pub fn prompt(session: &Session, place: &str) -> String {
    if place.is_empty() {
        return String::new();
    }
    match place.split_once(':') {
        Some((_, container)) => format!("root@{container}:/#"),
        None => match session.node(place).map(|n| n.config.kind) {
            Ok(NodeKind::Computer) => format!("{place}:~$"),
            _ => format!("root@{place}:~#"),
        },
    }
}

/// All places where one can type: nodes, each followed by its running containers.
pub fn places(session: &Session) -> Vec<String> {
    let mut all = Vec::new();
    for node in session.nodes() {
        all.push(node.config.id.clone());
        let containers = node.engine.iter().flat_map(|e| e.containers());
        let names = containers.map(|c| format!("{}:{}", node.config.id, c.name));
        all.extend(names.filter(|place| session.place(place).is_ok()));
    }
    all
}

/// The same, those first where people type: at computers and Docker hosts rather than at what
/// stands between them.
pub fn likely_first(session: &Session) -> Vec<String> {
    let mut all = places(session);
    let typed_at = |place: &String| {
        let node = session.node(place.split(':').next().unwrap_or(place));
        node.is_ok_and(|n| matches!(n.config.kind, NodeKind::Computer | NodeKind::DockerHost))
    };
    all.sort_by_key(|place| !typed_at(place));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_is_walked_and_the_half_typed_line_comes_back() {
        let mut t = Terminal::default();
        for line in ["ping a", "ping b", "ping b"] {
            t.typed(line.to_owned());
            t.take_line();
        }
        t.typed("cu".to_owned());
        t.older();
        assert_eq!(t.input, "ping b");
        t.older();
        t.older();
        assert_eq!(t.input, "ping a");
        t.newer();
        t.newer();
        assert_eq!(t.input, "cu");
    }

    #[test]
    fn tab_takes_what_all_ends_have_in_common() {
        let mut t = Terminal { input: "docker net".to_owned(), ..Terminal::default() };
        t.complete(vec!["network".to_owned()]);
        assert_eq!(t.input, "docker network ");
        t.typed("docker r".to_owned());
        t.complete(vec!["restart".into(), "rename".into()]);
        assert_eq!((t.input.as_str(), t.choices.len()), ("docker re", 2));
    }

    #[test]
    fn what_was_printed_later_than_the_moment_is_not_shown() {
        let entry = Entry {
            prompt: String::new(),
            line: String::new(),
            job: Some(JobId(1)),
            output: vec![(5, Stream::Out, "a".into()), (9, Stream::Err, "b".into())],
            exit: Some((0, 10)),
            note: None,
        };
        assert_eq!(entry.shown(6).collect::<Vec<_>>(), [(Stream::Out, "a")]);
        assert!(entry.running(9) && !entry.running(10));
    }
}
