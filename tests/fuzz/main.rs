//! Hostile input: links, lab and lesson files, shell lines, docker's and iptables' grammar, frames, and the
//! files that programs read: an engine's settings, captures, leases.
//!
//! A target takes an input, must not panic, hang or lose a packet, and says in a few words what came
//! of it. An input with an outcome that was not seen before joins the pool from which the next ones
//! are made, so the search works its way into the grammar without being told the code's branches.
//!
//! `FUZZ_SECS` is the time for all targets together (6 if absent; the whole test command gives 60),
//! `FUZZ_SEED` another way through. `FUZZ_KEEP=1` writes short inputs with new outcomes into the
//! corpus, for long runs by hand: `FUZZ_SECS=3600 FUZZ_KEEP=1 cargo test --release --test fuzz`.
//! The corpus is replayed at the start of each run; what once failed has its line there.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::disallowed_methods)] // real time is the budget here, and steers no emulation
#![allow(clippy::print_stdout)] // a run says how far it came

mod files;
mod mutate;
mod targets;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use netpier::rng::Rng;

/// Targets; they share the time.
const TARGETS: u32 = 10;
/// Inputs that the pool holds beside the corpus.
const POOL: usize = 4_000;
/// Inputs that one run may add to a corpus.
const KEPT: usize = 100;
/// An input that takes longer hangs.
const HANGS: Duration = Duration::from_secs(30);

/// Something that takes hostile input.
pub trait Target {
    /// Its name, and that of its corpus.
    const NAME: &'static str;
    /// Inputs to begin with, beside the corpus.
    fn seeds(&self) -> Vec<Vec<u8>>;
    /// Words to put in.
    fn words(&self) -> Vec<String>;
    /// Takes an input; says in a few words what came of it.
    fn take(&mut self, input: &[u8]) -> String;
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Prints the input that was in hand when the test fails.
struct InHand {
    target: &'static str,
    input: Vec<u8>,
}

impl InHand {
    fn line(&self) -> String {
        format!("tests/fuzz/corpus/{}.txt: {}", self.target, self.input.escape_ascii())
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the input, as a line for the corpus:\n{}", self.line());
        }
    }
}

/// Ends the process when an input takes too long: nothing else ends a loop without an end.
fn watch() -> mpsc::Sender<String> {
    let (tell, told) = mpsc::channel::<String>();
    std::thread::spawn(move || {
        let mut now = String::new();
        loop {
            match told.recv_timeout(HANGS) {
                Ok(line) => now = line,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    eprintln!("no end after {HANGS:?}; the input, as a line for the corpus:\n{now}");
                    std::process::exit(101);
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
        }
    });
    tell
}

/// An outcome without its numbers and its quotations, so that outcomes of one kind are one.
fn kind_of(outcome: &str) -> String {
    let mut kind = String::new();
    let mut quoted = false;
    for c in outcome.chars().take(400) {
        match c {
            '"' | '\'' | '`' | '‘' | '’' => quoted = !quoted,
            _ if quoted => {}
            '0'..='9' => {
                if !kind.ends_with('0') {
                    kind.push('0');
                }
            }
            c => kind.push(c),
        }
    }
    kind
}

fn corpus_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fuzz/corpus/{name}.txt"))
}

/// The lines of a corpus: bytes as `escape_ascii` writes them.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(corpus_file(name)).unwrap_or_default();
    text.lines().filter(|line| !line.is_empty()).map(unescape).collect()
}

fn unescape(line: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = line.bytes();
    while let Some(b) = rest.next() {
        let byte = match b {
            b'\\' => match rest.next() {
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(b'r') => b'\r',
                Some(b'x') => {
                    let hex: String = rest.by_ref().take(2).map(char::from).collect();
                    u8::from_str_radix(&hex, 16).expect("two digits after \\x")
                }
                Some(other) => other,
                None => b'\\',
            },
            b => b,
        };
        bytes.push(byte);
    }
    bytes
}

/// Tries a target for its share of the time.
fn fuzz<T: Target>(mut target: T) {
    let budget = Duration::from_secs(number("FUZZ_SECS").unwrap_or(6)) / TARGETS;
    let keep = number("FUZZ_KEEP").is_some();
    let mut rng = Rng::new(number("FUZZ_SEED").unwrap_or(1)).fork(T::NAME);
    let words = target.words();
    let old = corpus(T::NAME);
    let replayed = old.len();
    let mut first = [old, target.seeds()].concat();

    let tell = watch();
    let mut in_hand = InHand { target: T::NAME, input: Vec::new() };
    let (mut pool, mut seen, mut kept) = (Vec::<Vec<u8>>::new(), BTreeSet::new(), Vec::new());
    let (begin, mut runs) = (Instant::now(), 0u64);
    first.reverse();
    loop {
        let given = first.pop();
        if given.is_none() && begin.elapsed() >= budget {
            break;
        }
        let new = given.is_none();
        in_hand.input = given.unwrap_or_else(|| mutate::next(&pool, &words, &mut rng));
        let _ = tell.send(in_hand.line());
        let kind = kind_of(&target.take(&in_hand.input));
        runs += u64::from(new);
        let unseen = seen.insert(kind);
        if (!new || unseen) && pool.len() < POOL {
            pool.push(in_hand.input.clone());
        }
        if keep && new && unseen && kept.len() < KEPT && in_hand.input.len() <= 160 {
            kept.push(in_hand.input.escape_ascii().to_string());
        }
    }
    println!("{}: {replayed} replayed, {runs} new, {} kinds of outcome", T::NAME, seen.len());
    if !kept.is_empty() {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(corpus_file(T::NAME));
        let mut file = file.expect("the corpus can be written");
        writeln!(file, "{}", kept.join("\n")).expect("the corpus can be written");
    }
}

#[test]
fn no_link_breaks_the_page() {
    fuzz(targets::Links);
}

#[test]
fn no_lab_file_breaks_the_reader() {
    fuzz(targets::Labs);
}

#[test]
fn no_lesson_breaks_the_reader() {
    fuzz(files::Lessons);
}

#[test]
fn no_settings_break_the_engine() {
    fuzz(files::Daemon);
}

#[test]
fn no_capture_breaks_tcpdump() {
    fuzz(files::Captures::new());
}

#[test]
fn no_leases_break_dhcp() {
    fuzz(files::Leases);
}

#[test]
fn no_line_breaks_the_shell() {
    fuzz(targets::Shell::new());
}

#[test]
fn no_words_break_docker() {
    fuzz(targets::Docker::new());
}

#[test]
fn no_rule_breaks_iptables() {
    fuzz(targets::Iptables::new());
}

#[test]
fn no_frame_breaks_a_kernel() {
    fuzz(targets::Frames::new());
}
