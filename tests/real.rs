//! The scripts that a lab becomes, on a real engine: the probes of `tests/real/probes.txt` give the
//! same there as here. `tests/real/engine.txt` is what `tests/real/probe.sh` printed on a real
//! engine; `cargo xtask real` makes the folder for it and compares anew.

#![cfg(not(target_arch = "wasm32"))]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use netpier::lab::{Lab, script};
use netpier::session::Session;
use netpier::time::Duration;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real")
}

fn read(name: &str) -> String {
    let path = folder().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn lab(name: &str) -> Lab {
    Lab::from_json(&read(&format!("{name}.json"))).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// `LAB|PLACE|COMMAND`, in order.
fn probes() -> Vec<[String; 3]> {
    let text = read("probes.txt");
    let lines = text.lines().filter(|l| !l.starts_with('#'));
    let parts = |line: &str| {
        let mut parts = line.splitn(3, '|').map(str::to_owned);
        [(); 3].map(|()| parts.next().expect("three parts"))
    };
    lines.map(parts).collect()
}

/// What came of it, as `words` of probe.sh says it.
fn words(tool: &str, exit: i32, text: &str) -> String {
    let has = |word: &str| text.contains(word);
    match (tool, exit) {
        ("curl" | "ping", 0) => "ok".into(),
        ("curl", 6) => "name-not-found".into(),
        ("curl", 28) => "timeout".into(),
        ("curl", 52 | 56) => "closed".into(),
        ("curl", 7) => if has("refused") { "refused" } else { "unreachable" }.into(),
        ("ping", 1) => if has("Unreachable") { "unreachable" } else { "timeout" }.into(),
        ("ping", _) => if has("Network is unreachable") { "no-route" } else { "error" }.into(),
        _ => {
            let id = |word: &str| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
            let line = |line: &str| {
                let line = line.split('(').next().unwrap_or_default();
                let line = line.split("Run 'docker").next().unwrap_or_default();
                let words = line.split_whitespace().map(|w| if id(w) { "ID" } else { w });
                words.collect::<Vec<_>>().join(" ")
            };
            let mut lines: Vec<_> = text.lines().map(line).filter(|l| !l.is_empty()).collect();
            lines.sort();
            let all = lines.iter().fold(String::new(), |all, l| all + l + ";");
            format!("exit {exit}: {all}")
        }
    }
}

/// What the emulator gives, in the form of probe.sh.
fn emulated() -> String {
    let mut out = String::new();
    let mut open: Option<(String, Session)> = None;
    for [name, place, line] in probes() {
        if open.as_ref().is_none_or(|(n, _)| *n != name) {
            let mut session = lab(&name).boot().unwrap_or_else(|e| panic!("{name}: {e}"));
            session.run(session.world.now() + Duration::from_secs(10), u64::MAX);
            open = Some((name.clone(), session));
        }
        let (_, session) = open.as_mut().expect("just opened");
        let job = session
            .run_line(&place, &line, Duration::from_secs(60))
            .unwrap_or_else(|e| panic!("{name} {place}: {e}"));
        let tool = line.split(' ').next().unwrap_or_default();
        let text = job.stdout() + &job.stderr();
        let words = words(tool, job.exit.unwrap_or(130), &text);
        writeln!(out, "{name}|{place}|{line} => {words}").expect("to a string");
    }
    out
}

#[test]
fn the_scripts_of_five_labs_give_on_a_real_engine_what_the_emulator_gives() {
    let (here, text) = (emulated(), read("engine.txt"));
    if let Some(dir) = std::env::var_os("NETPIER_REAL_DIR") {
        bundle(Path::new(&dir), &here);
    }
    let there = text.lines().filter(|l| !l.starts_with('#'));
    let differ: Vec<_> = here.lines().zip(there).filter(|(a, b)| a != b).collect();
    assert!(differ.is_empty(), "(here, on a real engine): {differ:#?}");
    assert_eq!(here.lines().count(), text.lines().filter(|l| !l.starts_with('#')).count());
    assert!(here.lines().count() > 50);
}

/// All that probe.sh needs on the machine with the engine, and what is to be expected.
fn bundle(dir: &Path, expected: &str) {
    std::fs::create_dir_all(dir).expect("the folder can be made");
    let put = |name: &str, text: &str| std::fs::write(dir.join(name), text).expect("it can be written");
    put("probes.txt", &read("probes.txt"));
    put("probe.sh", &read("probe.sh"));
    put("expected.txt", expected);
    for [name, ..] in probes() {
        put(&format!("{name}.sh"), &script(&lab(&name)));
    }
}
