//! The lab as a document: what is stored, shared, undone. A running lab is a
//! [`crate::session::Session`] that [`Lab::boot`] makes of it. The format is described in
//! docs/lab-format.md.

mod builtin;
pub mod capture;
pub mod catalogue;
mod check;
mod edit;
mod history;
mod script;
pub mod share;

pub use edit::Edit;
pub use history::History;
pub use script::script;

use std::io;

use serde::{Deserialize, Serialize};

use crate::session::{LinkConfig, Misfit, NodeConfig, Session};
use crate::time::Duration;

/// The version of the format that this program writes.
pub const FORMAT: u32 = 1;

/// A lab.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lab {
    /// Version of the format.
    pub format: u32,
    /// Short name; for people.
    #[serde(default)]
    pub name: String,
    /// What all that is random is drawn from.
    pub seed: u64,
    /// Nodes.
    #[serde(default)]
    pub nodes: Vec<NodeConfig>,
    /// Links.
    #[serde(default)]
    pub links: Vec<LinkConfig>,
    /// Lines that made the state, in order: docker commands, rule edits.
    #[serde(default)]
    pub commands: Vec<LabCommand>,
}

/// A line that made state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabCommand {
    /// Place: `NODE` or `NODE:CONTAINER`.
    pub at: String,
    /// Line.
    pub run: String,
}

/// Why a lab cannot be read, edited or opened; names the place in the document and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabError {
    /// Not JSON, or not of the documented shape.
    #[error("this is not a lab: {0}")]
    Json(String),
    /// Another version.
    #[error("this lab has format {0}; this program knows format {FORMAT}. A newer netpier opens it")]
    Format(u32),
    /// A field that does not fit.
    #[error("{place}: {problem}")]
    Invalid {
        /// `nodes[2] (router)`.
        place: String,
        /// What, and what would be right.
        problem: Misfit,
    },
    /// A command of the lab failed when the lab was opened.
    #[error("command {number} ({at}: {run}) fails: {message}")]
    Command {
        /// Counted from 1.
        number: usize,
        /// Place.
        at: String,
        /// Line.
        run: String,
        /// What it printed.
        message: String,
    },
}

/// How long a command of the lab may take when the lab is opened.
const COMMAND_LIMIT: Duration = Duration::from_secs(60);

/// How many events all of them together may take.
const COMMAND_EVENTS: u64 = 20_000_000;

/// How many events the last commands may take to die down.
const SETTLE_EVENTS: u64 = 100_000;

impl Lab {
    /// Reads a lab. Size is bounded (1 MiB of text); what cannot be started is refused by
    /// [`Lab::check`], which is done here too.
    ///
    /// # Errors
    /// Names the line and column, or the field.
    pub fn from_json(text: &str) -> Result<Self, LabError> {
        /// Read first: a newer format may have fields that this one would stumble over.
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        if text.len() > 1 << 20 {
            return Err(LabError::Json("it is longer than 1 MiB".into()));
        }
        let version: Version = serde_json::from_str(text).map_err(|e| LabError::Json(e.to_string()))?;
        if version.format != FORMAT {
            return Err(LabError::Format(version.format));
        }
        let lab: Self = serde_json::from_str(text).map_err(|e| LabError::Json(e.to_string()))?;
        lab.check()?;
        Ok(lab)
    }

    /// Writes a lab, in the same form always (save → open → save is the same text): one line for
    /// each node, link and command.
    pub fn to_json(&self) -> String {
        fn list<T: Serialize>(key: &str, items: &[T]) -> String {
            let lines: Vec<String> = items
                .iter()
                .map(|item| {
                    let mut text = Vec::new();
                    let mut out = serde_json::Serializer::with_formatter(&mut text, Spaced);
                    item.serialize(&mut out).expect("a lab holds only strings, numbers and lists");
                    format!("\n    {}", String::from_utf8(text).expect("JSON is UTF-8"))
                })
                .collect();
            let end = if items.is_empty() { "" } else { "\n  " };
            format!("  \"{key}\": [{}{end}]", lines.join(","))
        }
        let name = serde_json::Value::from(self.name.as_str());
        format!(
            "{{\n  \"format\": {},\n  \"name\": {name},\n  \"seed\": {},\n{},\n{},\n{}\n}}\n",
            self.format,
            self.seed,
            list("nodes", &self.nodes),
            list("links", &self.links),
            list("commands", &self.commands)
        )
    }

    /// A built-in lab by its name (see [`Lab::builtin_names`]).
    pub fn builtin(name: &str) -> Option<Self> {
        builtin::find(name)
    }

    /// Names of the built-in labs.
    pub fn builtin_names() -> &'static [&'static str] {
        &builtin::NAMES
    }

    /// Checks everything that can be checked without running it.
    ///
    /// # Errors
    /// Names the field and what would be right.
    pub fn check(&self) -> Result<(), LabError> {
        check::lab(self)
    }

    /// Starts the lab: nodes, links, then its commands, each until it is done.
    ///
    /// # Errors
    /// Names the place in the document.
    pub fn boot(&self) -> Result<Session, LabError> {
        self.check()?;
        let mut session = Session::new(self.seed);
        for (i, node) in self.nodes.iter().enumerate() {
            let place = format!("nodes[{i}] ({})", node.id);
            session.add_node(node.clone()).map_err(|e| LabError::Invalid { place, problem: e.into() })?;
        }
        for (i, link) in self.links.iter().enumerate() {
            let place = format!("links[{i}]");
            session.add_link(link).map_err(|e| LabError::Invalid { place, problem: e.into() })?;
        }
        // Who asks DHCP has an address before anybody types.
        if self.nodes.iter().flat_map(|n| &n.ports).any(|p| p.dhcp) {
            session.run(session.world.now() + COMMAND_LIMIT, SETTLE_EVENTS);
        }
        let last = session.world.events_handled() + COMMAND_EVENTS;
        for (i, command) in self.commands.iter().enumerate() {
            let left = last.saturating_sub(session.world.events_handled());
            let failed = |message: String| LabError::Command {
                number: i + 1,
                at: command.at.clone(),
                run: command.run.clone(),
                message,
            };
            let job = session
                .run_line_within(&command.at, &command.run, COMMAND_LIMIT, left)
                .map_err(|e| failed(e.to_string()))?;
            match job.exit {
                Some(0) => {}
                Some(_) => return Err(failed(job.stderr().trim_end().to_owned())),
                None => return Err(failed("it did not end".into())),
            }
        }
        // Announcements of new containers are over before anybody looks.
        session.run(session.world.now() + COMMAND_LIMIT, SETTLE_EVENTS);
        Ok(session)
    }
}

/// Commands that may be left out of a lab before it counts as one that does not open.
const MOST_LEFT_OUT: usize = 20;

impl Lab {
    /// As [`Lab::boot`], without the commands that fail: they are taken out of the lab, and named. What was
    /// built before and after them is worth more than they are.
    ///
    /// # Errors
    /// As [`Lab::boot`] for what is no command, and where very many fail.
    pub fn boot_without_failing(&mut self) -> Result<(Session, Vec<LabError>), LabError> {
        let mut left_out = Vec::new();
        loop {
            match self.boot() {
                Ok(session) => return Ok((session, left_out)),
                Err(error @ LabError::Command { number, .. }) if left_out.len() < MOST_LEFT_OUT => {
                    self.commands.remove(number - 1);
                    left_out.push(error);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// `{"a": 1, "b": [2, 3]}`: compact, with a space after commas and colons.
struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { w.write_all(b", ") }
    }
    fn begin_object_key<W: ?Sized + io::Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { w.write_all(b", ") }
    }
    fn begin_object_value<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        w.write_all(b": ")
    }
}
