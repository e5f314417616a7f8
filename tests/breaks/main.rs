//! Random labs in order, broken in one known way: the first cause that "Why?" names is the one that
//! was broken. No lab in order gets a diagnosis where all works, nor a false one where something
//! fails that has to.
//!
//! A few hundred breaks are tried in the usual run; `NETPIER_BREAKS=2000` tries so many, and prints
//! those that were missed. They are listed in docs/diagnosis.md.
#![cfg(not(target_arch = "wasm32"))]

mod anywhere;
mod kinds;
mod lab;
mod scenes;

use std::collections::BTreeMap;

use kinds::{KINDS, break_it};
use lab::{Parts, World, type_line};
use netpier::explain::{Lang, why};

/// Breaks of the usual run, half of them of a known kind, half at a place drawn at random.
const USUAL: u64 = 504;
/// Of a hundred breaks, so many have to be named.
const WANTED: u64 = 97;

/// What came of one break: the cause that was named, if it is not the right one.
fn missed(seed: u64, kind: &str) -> Option<String> {
    let mut w = World::draw(seed);
    let mut broken = break_it(&mut w, kind);
    let job = type_line(&mut broken.session, &broken.at, &broken.line);
    if kind == "past_firewall" {
        let found = why::remark(&broken.session, &job).map(|d| d.cause.key());
        return (found != Some(kind)).then(|| format!("{kind}: seed {seed}: {found:?}: {}", job.stderr()));
    }
    if job.exit == Some(0) {
        // Of two machines with one address the right one may have answered first.
        return (kind != "duplicate_address")
            .then(|| format!("{kind}: {seed}: works all the same: {}", broken.line));
    }
    let found = why::diagnose(&broken.session, &job);
    let key = found.as_ref().map_or("nothing", |d| d.cause.key());
    // The same cause has two sentences: something else is open there, or nothing.
    if key == kind || (key, kind) == ("other_port_listens", "nothing_listens") {
        return None;
    }
    let said = found.map(|d| d.sentence(&broken.session, Lang::En)).unwrap_or_default();
    Some(format!("{kind}: seed {seed}, {} {}: {key}: {said}", broken.at, broken.line))
}

#[test]
fn the_first_cause_named_is_the_one_that_was_broken() {
    let breaks = std::env::var("NETPIER_BREAKS").ok().and_then(|n| n.parse().ok()).unwrap_or(USUAL);
    let mut misses = Vec::new();
    let mut by_kind: BTreeMap<&str, u64> = BTreeMap::new();
    let mut note = |kind: &'static str, miss: String| {
        *by_kind.entry(kind).or_default() += 1;
        misses.push(miss);
    };
    let mut drawn = 0;
    for n in 0..breaks / 2 {
        let kind = KINDS[(n % KINDS.len() as u64) as usize];
        if let Some(miss) = missed(n + 1, kind) {
            note(kind, miss);
        }
        // A break that nothing shows does not count: another is drawn.
        let (done, attempt, miss) = loop {
            drawn += 1;
            if let Some(judged) = anywhere::judge(1_000_000 + drawn) {
                break judged;
            }
        };
        if let Some(said) = miss {
            note("anywhere", format!("anywhere {}: {}: {attempt}: {said}", 1_000_000 + drawn, done.what));
        }
    }
    let breaks = breaks / 2 * 2;
    println!("{} of {breaks} breaks are named", breaks - misses.len() as u64);
    misses.iter().for_each(|m| println!("missed {m}"));
    let named = breaks - misses.len() as u64;
    assert!(named * 100 >= breaks * WANTED, "\n{named} of {breaks}; {by_kind:?}\n{}\n", misses.join("\n"));
}

#[test]
fn no_lab_in_order_gets_a_diagnosis_of_what_works_nor_a_false_one_of_what_has_to_fail() {
    let mut wrong = Vec::new();
    for seed in 1..=USUAL / 10 {
        let w = World::draw(seed);
        let mut session = w.open(&w.lab(&Parts::sound(&w)));
        for (at, line) in w.sound_attempts(&session) {
            let job = type_line(&mut session, &at, &line);
            if job.exit != Some(0) {
                wrong.push(format!("seed {seed} {at}: {line}: {}", job.stdout() + &job.stderr()));
            }
            // That a published port goes round the host's firewall is to be said where there is one.
            let remark = || why::remark(&session, &job).filter(|_| !w.shape.firewall);
            if let Some(found) = why::diagnose(&session, &job).or_else(remark) {
                wrong.push(format!("seed {seed} {at}: {line}: {}", found.sentence(&session, Lang::En)));
            }
        }
        for (at, line, causes) in w.vain_attempts(&session) {
            let job = type_line(&mut session, &at, &line);
            let found = why::diagnose(&session, &job);
            if job.exit == Some(0) || !found.as_ref().is_some_and(|d| causes.contains(&d.cause.key())) {
                let said = found.map(|d| format!("{}: {}", d.cause.key(), d.sentence(&session, Lang::En)));
                wrong.push(format!("seed {seed} {at}: {line}: {said:?}, not {causes:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}
