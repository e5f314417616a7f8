//! `netpier conform`: the emulator held against recordings of a real Docker Engine.
//!
//! A folder of fixtures is played, each in a fresh copy of the lab `oracle`: its commands are typed
//! at their moments, its probes observed, its state compared at the end. Random values are
//! compared by consistency only (see [`masks`]); everything else has to be equal. Nothing
//! here computes an expected value.
//!
//! Not compared: what is IPv6 in a dump, the stderr of a probe, and what [`fixture::LEFT_OUT`] names.

pub mod classify;
pub mod dumps;
pub mod fixture;
pub mod masks;
pub mod observe;
pub mod packets;
mod play;

pub use play::{Watch, play, play_watched};

use std::io::{self, Write};
use std::path::PathBuf;

use regex::Regex;
use serde_json::{Value, json};

use fixture::Fixture;

/// How many of how many agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Agreeing.
    pub agree: u32,
    /// All.
    pub of: u32,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.agree += other.agree;
        self.of += other.of;
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.agree, self.of)
    }
}

/// One thing that is not as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// `step 3`, counted from 1, or `dump`.
    pub place: String,
    /// The command, or the dump's name.
    pub what: String,
    /// As recorded.
    pub expected: String,
    /// As emulated.
    pub got: String,
}

/// What came of a fixture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The fixture.
    pub name: String,
    /// Exit statuses of commands.
    pub exits: Count,
    /// What commands printed.
    pub outputs: Count,
    /// Probes.
    pub probes: Count,
    /// Parts of the state at the end.
    pub dumps: Count,
    /// What differs.
    pub disagreements: Vec<Disagreement>,
}

impl Verdict {
    fn new(name: &str) -> Self {
        let none = Count::default();
        Self {
            name: name.to_owned(),
            exits: none,
            outputs: none,
            probes: none,
            dumps: none,
            disagreements: Vec::new(),
        }
    }

    /// True if everything is as recorded.
    pub fn agrees(&self) -> bool {
        self.disagreements.is_empty()
    }

    fn counts(&self) -> String {
        format!(
            "{} exits, {} outputs, {} probes, {} dumps",
            self.exits, self.outputs, self.probes, self.dumps
        )
    }
}

/// What `netpier conform` was asked for.
#[derive(Debug)]
pub struct Options {
    /// The folder.
    pub dir: PathBuf,
    /// Only fixtures whose name matches somewhere.
    pub only: Option<Regex>,
    /// One JSON document instead of lines.
    pub json: bool,
}

impl Options {
    /// Reads `DIR [--only REGEX] [--json]`.
    ///
    /// # Errors
    /// Says what is wrong, with the usage.
    pub fn parse(args: &[String]) -> Result<Self, String> {
        const USAGE: &str = "usage: netpier conform DIR [--only REGEX] [--json]";
        let (mut dir, mut only, mut json) = (None, None, false);
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let pattern = match arg.as_str() {
                "--json" => {
                    json = true;
                    continue;
                }
                "--only" => args.next().ok_or(format!("--only needs a regular expression\n{USAGE}"))?,
                flag if flag.starts_with("--only=") => &flag["--only=".len()..],
                flag if flag.starts_with('-') => return Err(format!("unknown option {flag:?}\n{USAGE}")),
                path if dir.is_none() => {
                    dir = Some(PathBuf::from(path));
                    continue;
                }
                extra => return Err(format!("one folder at a time; {extra:?} is too much\n{USAGE}")),
            };
            only = Some(Regex::new(pattern).map_err(|e| format!("--only: {e}"))?);
        }
        Ok(Self { dir: dir.ok_or(USAGE)?, only, json })
    }
}

/// The sums of all fixtures.
#[derive(Debug, Default)]
struct Total {
    exits: Count,
    outputs: Count,
    probes: Count,
    dumps: Count,
    failed: bool,
}

/// Runs the command; returns its exit status: 0 if all agree, 1 if not, 2 if it could not begin.
///
/// # Errors
/// `out` or `err` could not be written to.
pub fn run(args: &[String], out: &mut dyn Write, err: &mut dyn Write) -> io::Result<i32> {
    let begun = Options::parse(args).and_then(|options| Ok((fixture::load(&options.dir)?, options)));
    let (fixtures, options) = match begun {
        Ok(begun) => begun,
        Err(message) => {
            writeln!(err, "netpier conform: {message}")?;
            return Ok(2);
        }
    };
    let chosen: Vec<&Fixture> = fixtures
        .iter()
        .filter(|fixture| options.only.as_ref().is_none_or(|only| only.is_match(&fixture.name)))
        .collect();
    if chosen.is_empty() {
        writeln!(err, "netpier conform: no fixture matches --only")?;
        return Ok(2);
    }
    let mut total = Total::default();
    let mut documents = Vec::new();
    for fixture in chosen {
        let (lines, document) = one(fixture, &mut total);
        if !options.json {
            for line in lines {
                writeln!(out, "{line}")?;
            }
            out.flush()?;
        }
        documents.push(document);
    }
    let Total { exits, outputs, probes, dumps, failed } = total;
    if options.json {
        let sums = json!({
            "exits": pair(exits), "outputs": pair(outputs), "probes": pair(probes), "dumps": pair(dumps),
        });
        let all = json!({"fixtures": documents, "agree": sums});
        writeln!(out, "{}", serde_json::to_string_pretty(&all).unwrap_or_default())?;
    } else {
        writeln!(out, "agree: {exits} exits, {outputs} outputs, {probes} probes, {dumps} dumps")?;
    }
    Ok(i32::from(failed))
}

fn pair(count: Count) -> Value {
    json!([count.agree, count.of])
}

/// Plays one fixture: its lines, the fixture's own last, and the same as JSON.
fn one(fixture: &Fixture, total: &mut Total) -> (Vec<String>, Value) {
    let name = &fixture.name;
    if let Some(why) = &fixture.left_out {
        return (vec![format!("{name}: left out: {why}")], json!({"name": name, "left_out": why}));
    }
    let verdict = match play(fixture) {
        Ok(verdict) => verdict,
        Err(error) => {
            total.failed = true;
            return (vec![format!("{name}: not played: {error}")], json!({"name": name, "error": error}));
        }
    };
    total.exits.add(verdict.exits);
    total.outputs.add(verdict.outputs);
    total.probes.add(verdict.probes);
    total.dumps.add(verdict.dumps);
    total.failed |= !verdict.agrees();
    let mut lines: Vec<String> = verdict
        .disagreements
        .iter()
        .map(|d| {
            format!("{name} {}: expected {}, got {} ({})", d.place, d.expected, d.got.trim_end(), d.what)
        })
        .collect();
    let word = if verdict.agrees() { "agrees" } else { "differs" };
    lines.push(format!("{name}: {word}: {}", verdict.counts()));
    let disagreements: Vec<Value> = verdict
        .disagreements
        .iter()
        .map(|d| json!({"place": d.place, "what": d.what, "expected": d.expected, "got": d.got}))
        .collect();
    let document = json!({
        "name": name,
        "agrees": verdict.agrees(),
        "exits": pair(verdict.exits),
        "outputs": pair(verdict.outputs),
        "probes": pair(verdict.probes),
        "dumps": pair(verdict.dumps),
        "disagreements": disagreements,
    });
    (lines, document)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(args: &[&str]) -> Result<Options, String> {
        Options::parse(&args.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_command_line_is_read_or_refused_with_the_usage() {
        let all = options(&["dir", "--only", "^publish", "--json"]).expect("a good line");
        assert!(all.json && all.only.is_some_and(|only| only.is_match("publish-basic")));
        for bad in [&[][..], &["--only"], &["dir", "--only", "("], &["dir", "--jsn"], &["a", "b"]] {
            assert!(options(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_and_nothing_is_counted() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let status = run(&["/no/such/folder".to_owned()], &mut out, &mut err).expect("writes to memory");
        assert_eq!(status, 2);
        assert!(out.is_empty());
        assert!(String::from_utf8_lossy(&err).contains("/no/such/folder"));
    }
}
