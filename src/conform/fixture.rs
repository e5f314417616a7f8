//! A recording, as it lies in a folder: what was typed when, what came of it, and what the state was
//! at the end.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

/// One recorded scenario.
#[derive(Debug, Clone, Deserialize)]
pub struct Fixture {
    /// Its name, also the file's.
    pub name: String,
    /// dockerd's command line.
    #[serde(default)]
    pub daemon_flags: String,
    /// What happened, in order.
    pub steps: Vec<RecordedStep>,
    /// The state at the end: node → section → content.
    #[serde(default)]
    pub dumps: BTreeMap<String, BTreeMap<String, Value>>,
    /// Why it is not played, if it is not ([`LEFT_OUT`]).
    #[serde(skip)]
    pub left_out: Option<&'static str>,
}

/// What is left out in full, whatever folder it lies in, and why: fixture, reason.
pub const LEFT_OUT: [(&str, &str); 1] = [("ipv6-userdef", "IPv6 is not emulated")];

/// One thing that happened.
#[derive(Debug, Clone, Deserialize)]
pub struct RecordedStep {
    /// Seconds after the engine was ready.
    pub t: f64,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// The kinds of step.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum What {
    /// A command typed on a node.
    Run {
        /// Node.
        on: String,
        /// Command line.
        run: String,
        /// Exit status.
        exit: i32,
        /// What it printed; at most 3000 characters were kept.
        #[serde(default)]
        stdout: String,
        /// Its errors; at most 2000 characters were kept.
        #[serde(default)]
        stderr: String,
    },
    /// Something observed, at a node or in a container.
    Probe {
        /// `NODE` or `NODE:CONTAINER`.
        from: String,
        /// Command line.
        probe: String,
        /// Class.
        outcome: String,
        /// Exit status.
        exit: i32,
        /// What the tool said.
        #[serde(default)]
        details: BTreeMap<String, Value>,
        /// What it printed, where that was kept (at most 2500 characters).
        #[serde(default)]
        stdout: Option<String>,
        /// What crossed some interfaces meanwhile.
        #[serde(default)]
        packets: Option<Vec<Value>>,
    },
    /// The node's engine was stopped and started again with these flags.
    Engine {
        /// Node.
        on: String,
        /// dockerd's command line.
        engine: String,
    },
    /// A server started on the node itself.
    Serve {
        /// Node.
        on: String,
        /// `tcp:80 udp:5000`.
        serve: String,
    },
}

impl Fixture {
    /// All that was typed.
    pub fn commands(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|step| match &step.what {
            What::Run { run, .. } => run.as_str(),
            What::Probe { probe, .. } => probe.as_str(),
            What::Serve { serve, .. } => serve.as_str(),
            What::Engine { engine, .. } => engine.as_str(),
        })
    }

    /// Whether something was typed on `node`, or in a container of it: only then does a second engine run.
    pub fn is_about(&self, node: &str) -> bool {
        let typed = self.steps.iter().any(|step| match &step.what {
            What::Run { on, .. } | What::Serve { on, .. } | What::Engine { on, .. } => on == node,
            What::Probe { from, .. } => from.split_once(':').is_some_and(|(at, _)| at == node),
        });
        typed || self.dumps.contains_key(node)
    }

    /// All that commands printed.
    pub fn printed(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|step| match &step.what {
            What::Run { stdout, .. } => stdout.as_str(),
            _ => "",
        })
    }
}

/// Reads the fixtures of a folder, by name; files without steps and sub-folders are passed over.
///
/// # Errors
/// Names the file.
pub fn load(dir: &Path) -> Result<Vec<Fixture>, String> {
    let entries = fs::read_dir(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let mut fixtures = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| format!("{}: {e}", dir.display()))?.path();
        if !path.is_file() || path.extension().is_none_or(|end| end != "json") {
            continue;
        }
        let wrong = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
        let text = fs::read_to_string(&path).map_err(|e| wrong(&e))?;
        let json: Value = serde_json::from_str(&text).map_err(|e| wrong(&e))?;
        if json.get("steps").is_none() {
            continue;
        }
        let mut fixture = Fixture::deserialize(json).map_err(|e| wrong(&e))?;
        fixture.left_out = LEFT_OUT.iter().find(|(name, _)| *name == fixture.name).map(|(_, why)| *why);
        fixtures.push(fixture);
    }
    if fixtures.is_empty() {
        return Err(format!("{}: there are no fixtures here (JSON files with steps)", dir.display()));
    }
    fixtures.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(fixtures)
}
