//! Every probe that fails in the recordings of a real engine is explained, by a step of its own
//! trace. The table of docs/diagnosis.md says how, and has to be as the emulator says it now;
//! `NETPIER_WRITE_DIAGNOSIS=1` writes it anew.
#![cfg(not(target_arch = "wasm32"))]

use std::fmt::Write as _;
use std::path::PathBuf;

use netpier::conform::{self, fixture::What};
use netpier::explain::{Lang, sentence, why};

const BEGIN: &str = "<!-- table of probes -->\n";
const END: &str = "<!-- end of the table -->\n";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

struct Row {
    fixture: String,
    place: String,
    probe: String,
    outcome: String,
    cause: Option<&'static str>,
    sentence: String,
    step: String,
}

fn rows() -> Vec<Row> {
    let fixtures = conform::fixture::load(&root().join("tests/fixtures/oracle")).expect("the recordings");
    let mut rows = Vec::new();
    for fixture in fixtures.iter().filter(|f| f.left_out.is_none()) {
        let mut watch = |session: &netpier::session::Session,
                         place: &str,
                         what: &What,
                         job: &netpier::session::Job| {
            let What::Probe { from, probe, outcome, .. } = what else { return };
            // A command that the engine refused at once left no trace: its container never came to be,
            // because its driver is not there.
            if outcome == "ok" || job.exit == Some(0) || job.pids.is_empty() {
                return;
            }
            let found = why::diagnose(session, job);
            let own = |seq: u64| seq >= job.first_seq && session.world.log.get(seq).is_some();
            let step =
                found.as_ref().filter(|d| own(d.spot.seq)).and_then(|d| session.world.log.get(d.spot.seq));
            rows.push(Row {
                fixture: fixture.name.clone(),
                place: place.to_owned(),
                probe: format!("{from} `{probe}`"),
                outcome: outcome.clone(),
                cause: found.as_ref().map(|d| d.cause.key()),
                sentence: found.as_ref().map(|d| d.sentence(session, Lang::En)).unwrap_or_default(),
                step: step.map(|r| sentence(&r, session, Lang::En)).unwrap_or_default(),
            });
        };
        conform::play_watched(fixture, &mut watch).unwrap_or_else(|e| panic!("{}: {e}", fixture.name));
    }
    rows
}

/// Names that are drawn differ from seed to seed only; they stay as they are. Pipes would end a cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn table(rows: &[Row]) -> String {
    let mut out = String::from("| recording | probe | outcome | cause | explanation | step of the trace |\n");
    out += "| --- | --- | --- | --- | --- | --- |\n";
    for r in rows {
        writeln!(
            out,
            "| {}, {} | {} | {} | {} | {} | {} |",
            r.fixture,
            r.place,
            cell(&r.probe),
            r.outcome,
            r.cause.unwrap_or("–"),
            cell(&r.sentence),
            cell(&r.step)
        )
        .expect("to a string");
    }
    out
}

#[test]
fn every_failing_probe_is_explained_by_a_step_of_its_own_trace() {
    let rows = rows();
    assert!(rows.len() > 60, "only {} probes fail", rows.len());
    let bad: Vec<String> = rows
        .iter()
        .filter(|r| r.cause.is_none() || r.sentence.is_empty() || r.step.is_empty())
        .map(|r| format!("{} {} {} {}: {:?} {}", r.fixture, r.place, r.probe, r.outcome, r.cause, r.sentence))
        .collect();
    assert!(bad.is_empty(), "\n{}\n", bad.join("\n"));
    let file = root().join("docs/diagnosis.md");
    let text = std::fs::read_to_string(&file).expect("docs/diagnosis.md");
    let (before, rest) = text.split_once(BEGIN).expect("the table's beginning");
    let (written, after) = rest.split_once(END).expect("the table's end");
    let now = table(&rows);
    if std::env::var_os("NETPIER_WRITE_DIAGNOSIS").is_some() {
        std::fs::write(&file, format!("{before}{BEGIN}{now}{END}{after}")).expect("to be written");
        return;
    }
    // Sentences may be worded anew; which cause is named for which probe may not change unseen.
    let causes = |table: &str| -> Vec<String> {
        table.lines().map(|l| l.split(" | ").take(4).collect::<Vec<_>>().join(" | ")).collect()
    };
    assert_eq!(causes(&now), causes(written), "docs/diagnosis.md is not as the emulator says it");
}
