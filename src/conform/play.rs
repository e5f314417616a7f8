//! Playing one fixture in a fresh world.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fixture::{Fixture, What};
use super::masks::{Masks, Style};
use super::{Count, Disagreement, Verdict, classify, dumps, observe, packets};
use crate::lab::Lab;
use crate::session::{Job, NodeKind, Session};
use crate::sim::Progress;
use crate::time::{Duration, Instant};

/// How much of each text a recording kept, in characters.
const STDOUT_KEPT: usize = 3000;
const STDERR_KEPT: usize = 2000;
const PROBE_KEPT: usize = 2500;

/// How long a command may take, as when it was recorded.
const RUN_LIMIT: Duration = Duration::from_secs(90);
const PROBE_LIMIT: Duration = Duration::from_secs(40);
/// How long a capture went on after its probe.
const CAPTURE_TAIL: Duration = Duration::from_millis(500);
/// How long the recorder waited after its captures had been started, and how long each took to start.
const CAPTURE_WAIT: Duration = Duration::from_millis(600);
const CAPTURE_START: Duration = Duration::from_millis(100);
/// Nodes that forget their neighbours before a capture.
const FORGETFUL: [&str; 8] = ["h1", "h2", "rt", "isp", "pc1", "pc2", "www", "outpc"];

/// Plays a fixture from beginning to end.
///
/// # Errors
/// The world could not be started.
pub fn play(fixture: &Fixture) -> Result<Verdict, String> {
    play_watched(fixture, &mut |_, _, _, _| {})
}

/// Looks on at each line that was typed: its place in the fixture (`step 3`), what it was, the job
/// it became.
pub type Watch<'a> = &'a mut dyn FnMut(&Session, &str, &What, &Job);

/// As [`play`], with an onlooker.
///
/// # Errors
/// As [`play`].
pub fn play_watched(fixture: &Fixture, watch: Watch<'_>) -> Result<Verdict, String> {
    let mut lab = Lab::builtin("oracle").ok_or("there is no lab named oracle")?;
    for node in &mut lab.nodes {
        if node.id == "h2" && !fixture.is_about(&node.id) {
            // The recorder starts the second engine only where it is used.
            node.kind = NodeKind::Computer;
        }
        if node.kind == NodeKind::DockerHost {
            node.daemon.clone_from(&fixture.daemon_flags);
        }
    }
    let mut session = lab.boot().map_err(|e| format!("the lab oracle does not start: {e}"))?;
    // The recorder flushes the hosts' tables before each scenario, and so they exist.
    for host in ["h1", "h2"] {
        for table in ["nat", "filter", "raw", "mangle"] {
            // Setting a policy to what it is makes the table, and changes nothing.
            let _ = session.run_line(host, &format!("iptables -t {table} -P OUTPUT ACCEPT"), RUN_LIMIT);
        }
    }
    let begun = session.world.now();
    let mut player = Player {
        session,
        masks: Masks::new(fixture.commands(), fixture.printed()),
        begun,
        captured: 0,
        verdict: Verdict::new(&fixture.name),
        watch,
    };
    for (i, step) in fixture.steps.iter().enumerate() {
        let due = begun + Duration::from_secs_f64(step.t);
        if let Some(before) = listening(&step.what) {
            // The recorder has the nodes forget their neighbours, and then starts its captures.
            player.wait_until(Instant(due.0.saturating_sub(before.0)));
            player.forget_neighbours();
            player.captured = player.session.world.log.next_seq();
        }
        player.wait_until(due);
        player.step(&format!("step {}", i + 1), &step.what);
    }
    for (node, sections) in &fixture.dumps {
        for (section, recorded) in sections {
            player.dump(node, section, recorded);
        }
    }
    Ok(player.verdict)
}

/// How long before a probe with packets the captures began to be started: they take a moment each, and
/// then the recorder waits. None: a step without packets.
fn listening(what: &What) -> Option<Duration> {
    let What::Probe { packets: Some(rows), .. } = what else { return None };
    let places: BTreeSet<&str> = rows.iter().filter_map(|row| row.get("at")?.as_str()).collect();
    Some(CAPTURE_WAIT + Duration(CAPTURE_START.0 * places.len() as u64))
}

struct Player<'a> {
    watch: Watch<'a>,
    session: Session,
    masks: Masks,
    begun: Instant,
    /// The first record that the captures of the next probe with packets see.
    captured: u64,
    verdict: Verdict,
}

impl Player<'_> {
    fn wait_until(&mut self, moment: Instant) {
        while self.session.world.now() < moment {
            match self.session.run_through(moment, 1_000_000) {
                Progress::Quiet | Progress::Time => break,
                Progress::Budget | Progress::Events => {}
            }
        }
    }

    fn step(&mut self, place: &str, what: &What) {
        match what {
            What::Run { .. } => self.run(place, what),
            What::Probe { .. } => self.probe(place, what),
            What::Engine { on, engine } => {
                if let Err(error) = self.session.restart_engine(on, Some(engine)) {
                    self.differ(place, engine, "the engine restarts", &error.to_string());
                }
            }
            What::Serve { on, serve } => {
                if let Err(error) = self.session.exec(on, &format!("env SERVE_NAME={on} serve {serve}")) {
                    self.differ(place, serve, "a server", &error.to_string());
                }
            }
        }
    }

    fn differ(&mut self, place: &str, what: &str, expected: &str, got: &str) {
        self.verdict.disagreements.push(Disagreement {
            place: place.to_owned(),
            what: what.to_owned(),
            expected: expected.to_owned(),
            got: got.to_owned(),
        });
    }

    fn type_line(&mut self, (place, what): (&str, &What), at: &str, line: &str, limit: Duration) -> Printed {
        match self.session.run_line(at, line, limit) {
            Ok(job) => {
                (self.watch)(&self.session, place, what, &job);
                Printed::of(&job)
            }
            Err(error) => Printed { exit: None, stdout: String::new(), stderr: error.to_string() },
        }
    }

    fn run(&mut self, place: &str, what: &What) {
        let What::Run { on, run: line, exit, stdout, stderr } = what else { return };
        self.masks.place.clone_from(on);
        let line = self.masks.fill_in(line);
        let got = self.type_line((place, what), on, &line, RUN_LIMIT);
        self.verdict.exits.note(got.exit == Some(*exit));
        if got.exit != Some(*exit) {
            let said = got.stderr.lines().next().unwrap_or_default();
            self.differ(place, &line, &format!("exit {exit}"), &format!("{} {said}", got.status()));
        }
        let mut trial = self.masks.clone();
        // A command that answers with an id has made something new, perhaps of a name that was
        // used before.
        if let Some(name) = stdout.trim().strip_prefix("<id:").and_then(|n| n.strip_suffix('>')) {
            trial.renew(name);
        }
        let out = trial.same_output(stdout, &got.stdout, STDOUT_KEPT);
        let err = trial.same_output(stderr, &got.stderr, STDERR_KEPT);
        self.verdict.outputs.note(out && err);
        if out && err {
            self.masks = trial;
            return;
        }
        for (same, stream, expected, actual) in
            [(out, "stdout", stdout, &got.stdout), (err, "stderr", stderr, &got.stderr)]
        {
            if !same {
                let (e, a) = first_difference(expected, actual);
                self.differ(place, &line, &format!("{stream} {e:?}"), &format!("{a:?}"));
            }
        }
    }

    fn probe(&mut self, place: &str, what: &What) {
        let What::Probe { from, probe, outcome, exit, details, stdout, packets } = what else { return };
        self.masks.place = from.split(':').next().unwrap_or_default().to_owned();
        let line = self.masks.fill_in(probe);
        let got = match from.split_once(':') {
            Some((node, container)) => {
                self.type_line((place, what), node, &format!("docker exec {container} {line}"), PROBE_LIMIT)
            }
            None => self.type_line((place, what), from, &line, PROBE_LIMIT),
        };
        let before = self.verdict.disagreements.len();
        let found = classify::classify(probe, got.exit.unwrap_or(-1), &got.stdout, &got.stderr);
        let closed = outcome == "accepted-then-closed";
        let same_exit = got.exit == Some(*exit) || closed && matches!(got.exit, Some(52 | 56));
        if found.outcome != *outcome || !same_exit {
            let said = got.stderr.lines().last().unwrap_or_default();
            let is = format!("{} {} {said}", found.outcome, got.status());
            self.differ(place, probe, &format!("{outcome} exit {exit}"), &is);
        } else {
            for (key, expected) in details {
                let actual = found.details.get(key).unwrap_or(&Value::Null);
                if !self.same_detail(key, expected, actual) {
                    self.differ(place, probe, &format!("{key} {expected}"), &actual.to_string());
                }
            }
            if let Some(expected) = stdout {
                self.compare_stdout(place, probe, expected, &got.stdout);
            }
        }
        if let Some(rows) = packets {
            let until = self.session.world.now() + CAPTURE_TAIL;
            self.wait_until(until);
            self.compare_packets(place, probe, rows);
        }
        self.verdict.probes.note(self.verdict.disagreements.len() == before);
    }

    fn same_detail(&mut self, key: &str, expected: &Value, actual: &Value) -> bool {
        match (key, expected.as_u64(), actual.as_u64()) {
            ("peer_port", Some(e), Some(a)) => {
                let mut trial = self.masks.clone();
                let same = trial.port(e as u32, a as u32);
                if same {
                    self.masks = trial;
                }
                same
            }
            _ => self.masks.same_value(expected, actual, Style::Plain),
        }
    }

    fn compare_stdout(&mut self, place: &str, probe: &str, expected: &str, actual: &str) {
        if self.masks.same_output(expected, actual, PROBE_KEPT) {
            return;
        }
        // The order of several addresses of a name is free.
        if probe.starts_with("nslookup") {
            let e: Vec<&str> = expected.trim_end().lines().collect();
            let a: Vec<&str> = actual.trim_end().lines().collect();
            if self.masks.same_lines(&e, &a, Style::Plain) {
                return;
            }
        }
        let (e, a) = first_difference(expected, actual);
        self.differ(place, probe, &format!("stdout {e:?}"), &format!("{a:?}"));
    }

    fn forget_neighbours(&mut self) {
        for node in FORGETFUL {
            let ns = self.session.node(node).map(|node| node.ns);
            if let Ok(ns) = ns {
                self.session.world.with(ns, |namespace, cx| namespace.flush_neighbours(None, cx));
            }
        }
    }

    fn compare_packets(&mut self, place: &str, probe: &str, rows: &[Value]) {
        let mut by_place: Vec<(String, Vec<packets::Row>)> = Vec::new();
        for row in rows {
            let Some((at, row)) = packets::recorded(row) else {
                self.differ(place, probe, &row.to_string(), "a row that cannot be read");
                continue;
            };
            match by_place.iter_mut().find(|(known, _)| *known == at) {
                Some((_, rows)) => rows.push(row),
                None => by_place.push((at, vec![row])),
            }
        }
        for (at, expected) in by_place {
            let (node, device) = at.split_once('/').unwrap_or((&at, ""));
            match observe::watch(&self.session, node, device, self.captured) {
                Ok(actual) => {
                    let mut trial = self.masks.clone();
                    match packets::compare(&expected, &actual, &mut trial) {
                        Ok(()) => self.masks = trial,
                        Err((e, a)) => self.differ(place, probe, &format!("at {at} {e}"), &a),
                    }
                }
                Err(error) => self.differ(place, probe, &format!("packets at {at}"), &error),
            }
        }
    }

    fn dump(&mut self, node: &str, section: &str, recorded: &Value) {
        for unit in dumps::units(&mut self.session, node, section, recorded) {
            let agrees = unit.agrees(&mut self.masks);
            self.verdict.dumps.note(agrees);
            if !agrees {
                let (e, a) = dump_difference(&unit, &self.masks);
                self.differ("dump", &unit.name, &e, &a);
            }
        }
        debug_assert!(self.session.world.now() >= self.begun);
    }
}

/// What a command left.
struct Printed {
    exit: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Printed {
    fn of(job: &Job) -> Self {
        Self { exit: job.exit, stdout: job.stdout(), stderr: job.stderr() }
    }

    fn status(&self) -> String {
        self.exit.map_or_else(|| "did not end".to_owned(), |exit| format!("exit {exit}"))
    }
}

/// The first line that differs, of both.
fn first_difference(expected: &str, actual: &str) -> (String, String) {
    let (mut e, mut a) = (expected.lines(), actual.lines());
    loop {
        match (e.next(), a.next()) {
            (Some(x), Some(y)) if Masks::default().same_text(x, y, Style::Plain) => {}
            // Line by line they are alike: it is the mapping that is not one to one.
            (None, None) => return (expected.to_owned(), actual.to_owned()),
            (x, y) => return (x.unwrap_or_default().to_owned(), y.unwrap_or_default().to_owned()),
        }
    }
}

/// What differs in a dump: the lines that have no partner, or the whole.
fn dump_difference(unit: &dumps::Unit, masks: &Masks) -> (String, String) {
    let (Value::Array(e), Value::Array(a)) = (&unit.expected, &unit.actual) else {
        if let (Value::String(e), Value::String(a)) = (&unit.expected, &unit.actual) {
            let (e, a) = first_difference(e, a);
            return (format!("{e:?}"), format!("{a:?}"));
        }
        return (unit.expected.to_string(), unit.actual.to_string());
    };
    let same = |e: &Value, a: &Value| masks.clone().same_value(e, a, unit.style);
    if unit.any_order {
        let missing = e.iter().find(|e| !a.iter().any(|a| same(e, a)));
        let extra = a.iter().find(|a| !e.iter().any(|e| same(e, a)));
        if missing.is_some() || extra.is_some() {
            let shown = |v: Option<&Value>| v.map_or_else(|| "nothing else".to_owned(), Value::to_string);
            return (shown(missing), shown(extra));
        }
        // Each line by itself has partners, but too few: one to one then, by form only.
        let mut left: Vec<&Value> = a.iter().collect();
        let alone = e.iter().find(|e| match left.iter().position(|a| same(e, a)) {
            Some(i) => {
                left.remove(i);
                false
            }
            None => true,
        });
        let one = alone.or(e.last()).map(Value::to_string).unwrap_or_default();
        let other = left.first().map(|v| v.to_string()).unwrap_or_default();
        return (format!("{} lines, one more like {one}", e.len()), format!("{} lines, {other}", a.len()));
    }
    for i in 0..e.len().max(a.len()) {
        match (e.get(i), a.get(i)) {
            (Some(x), Some(y)) if same(x, y) => {}
            (x, y) => {
                let shown = |v: Option<&Value>| v.map_or_else(|| "nothing more".to_owned(), Value::to_string);
                return (format!("line {} {}", i + 1, shown(x)), shown(y));
            }
        }
    }
    (format!("{} lines", e.len()), format!("{} lines", a.len()))
}

impl Count {
    fn note(&mut self, agrees: bool) {
        self.of += 1;
        self.agree += u32::from(agrees);
    }
}
