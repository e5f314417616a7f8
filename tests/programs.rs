//! The programs against recordings of the real ones (tests/fixtures/programs): every command with its
//! output and exit status, in the world of the other recordings, without an engine.
#![cfg(not(target_arch = "wasm32"))]

use std::path::Path;

use netpier::conform::{self, fixture};

/// What is known to differ: the recording, the beginning of the command, and why.
const KNOWN: &str = include_str!("fixtures/programs/known.txt");

struct Known {
    recording: &'static str,
    command: &'static str,
}

fn known() -> Vec<Known> {
    let lines = KNOWN.lines().filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines
        .map(|line| {
            let (recording, command) = line.split_once(": ").expect("RECORDING: COMMAND");
            Known { recording, command }
        })
        .collect()
}

#[test]
fn every_recorded_command_answers_as_the_real_program_but_for_the_known_ones() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/programs");
    let fixtures = fixture::load(&dir).expect("the recordings are part of the project");
    let known = known();
    let mut met = vec![false; known.len()];
    let (mut problems, mut lines) = (Vec::new(), 0);
    for fixture in &fixtures {
        let verdict = conform::play(fixture).unwrap_or_else(|e| panic!("{}: {e}", fixture.name));
        lines += fixture.steps.len();
        for d in &verdict.disagreements {
            let is = |k: &Known| k.recording == fixture.name && k.command == d.what.replace('\n', "\\n");
            match known.iter().position(is) {
                Some(at) => met[at] = true,
                None => problems.push(format!(
                    "{} {}: expected {}, got {} ({})",
                    fixture.name, d.place, d.expected, d.got, d.what
                )),
            }
        }
    }
    let stale = known.iter().zip(&met).filter(|(_, met)| !**met);
    problems.extend(stale.map(|(k, _)| format!("agrees now: {}: {}", k.recording, k.command)));
    assert!(lines > 1000, "only {lines} commands were recorded");
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}
