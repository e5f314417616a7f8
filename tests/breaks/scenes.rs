//! Breaks of the other drivers and between several hosts, one scene each in `scenes.txt`: what is said has
//! to be true, to name the place, and to mend what was broken.
//!
//! ```text
//!   [what is broken]             a scene; [= NAME] begins lines that others `use`
//!   use NAME                     the lines of that
//!   PLACE line …                 typed before; has to work
//!   let NAME = PLACE line …      what it prints stands for {NAME} from then on
//!   break PLACE line …           before the first of these the attempt has worked
//!   unplug NODE PORT             the same with a cable
//!   unplugged NODE PORT          a cable, and it was not tried before
//!   try PLACE line …             the attempt: it fails
//!   why CAUSE word word …        the cause that is named, and words of its sentence
//!   mended                       the ways out that are offered lead to an attempt that works
//!   offered                      a way out is offered, and not tried
//!   by itself                    no way out is offered
//! ```
//! Each is played in the LAN of the recordings' world with several addresses.

use std::collections::BTreeMap;

use netpier::explain::{Lang, why};
use netpier::lab::{Edit, Lab};
use netpier::rng::Rng;
use netpier::session::Session;

use crate::lab::type_line;

/// Ways out that may follow one another until the attempt works: two things were broken, or the first
/// repetition comes too early.
const MOST_WAYS: usize = 4;

struct Scene {
    name: &'static str,
    lines: Vec<&'static str>,
}

fn scenes() -> Vec<Scene> {
    let mut shared: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut all: Vec<Scene> = Vec::new();
    let mut prelude = None;
    for line in include_str!("scenes.txt").lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            let name = name.trim_end_matches(']');
            prelude = name.strip_prefix("= ");
            if prelude.is_none() {
                all.push(Scene { name, lines: Vec::new() });
            }
            continue;
        }
        let lines = match line.strip_prefix("use ") {
            Some(name) => shared.get(name).unwrap_or_else(|| panic!("no lines {name}")).clone(),
            None => vec![line],
        };
        match prelude {
            Some(name) => shared.entry(name).or_default().extend(lines),
            None => all.last_mut().expect("a scene").lines.extend(lines),
        }
    }
    all
}

/// A lab with other addresses than the recordings': what stands for them in the lab and in the lines.
struct Stage {
    session: Session,
    lan: String,
    said: Vec<(String, String)>,
}

impl Stage {
    fn open(seed: u64) -> Self {
        let mut rng = Rng::new(seed).fork("scene");
        let lan = match rng.below(2) {
            0 => format!("192.168.{}.", rng.below(200)),
            _ => format!("10.{}.{}.", 100 + rng.below(100), rng.below(250)),
        };
        let text = Lab::builtin("oracle").expect("the lab").to_json().replace("192.168.0.", &lan);
        let session = Lab::from_json(&text).expect("a lab").boot().expect("it boots");
        Self { session, lan, said: Vec::new() }
    }
    fn told(&self, line: &str) -> String {
        let line = line.replace("192.168.0.", &self.lan);
        self.said.iter().fold(line, |line, (name, said)| line.replace(name, said))
    }
    fn run(&mut self, line: &str) -> netpier::session::Job {
        let line = self.told(line);
        let (place, line) = line.split_once(' ').expect("a place and a line");
        type_line(&mut self.session, place, line)
    }
}

/// Plays a scene: what is wrong with what was said, if anything is.
fn play(scene: &Scene, seed: u64) -> Option<String> {
    let mut stage = Stage::open(seed);
    let find = |word: &str| scene.lines.iter().find_map(|l| l.strip_prefix(word));
    let attempt = find("try ").expect("an attempt");
    let mut sound = false;
    for line in &scene.lines {
        let breaks = line.starts_with("break ") || line.starts_with("unplug ");
        if breaks && !sound {
            sound = true;
            let job = stage.run(attempt);
            if job.exit != Some(0) {
                return Some(format!("it does not work even before: {}", job.stderr()));
            }
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "try" | "why" | "mended" | "offered" | "by" => {}
            "let" => {
                let (name, line) = rest.split_once(" = ").expect("a name and a line");
                let said = stage.run(line).stdout().trim().to_owned();
                stage.said.push((format!("{{{name}}}"), said));
            }
            "unplug" | "unplugged" => {
                let (node, port) = rest.split_once(' ').expect("a node and a port");
                let edit = Edit::RemoveLink { node: node.into(), port: port.parse().expect("a name") };
                edit.apply_live(&mut stage.session).expect("a cable");
            }
            _ => {
                let job = stage.run(if word == "break" { rest } else { line });
                if job.exit != Some(0) {
                    return Some(format!("{line}: {}{}", job.stdout(), job.stderr()));
                }
            }
        }
    }
    let mut job = stage.run(attempt);
    let wanted = stage.told(find("why ").expect("a cause"));
    let mut words = wanted.split(' ');
    if job.exit == Some(0) {
        return Some("it works all the same".into());
    }
    let Some(first) = why::diagnose(&stage.session, &job) else { return Some("nothing is said".into()) };
    let said = first.sentence(&stage.session, Lang::En);
    let key = words.next().unwrap_or_default();
    if first.cause.key() != key || !words.all(|w| said.contains(w)) {
        return Some(format!("{}: {said}", first.cause.key()));
    }
    if scene.lines.contains(&"offered") {
        return first.fix.is_none().then(|| format!("{said}: nothing is offered"));
    }
    if !scene.lines.contains(&"mended") {
        return first.fix.map(|fix| format!("{said}: what is offered? {:?}", fix.shown()));
    }
    for _ in 0..MOST_WAYS {
        let Some(found) = why::diagnose(&stage.session, &job) else { break };
        let said = found.sentence(&stage.session, Lang::En);
        let Some(fix) = found.fix else { return Some(format!("{said}: no way out is offered")) };
        if let Err(e) = fix.apply(&mut stage.session) {
            return Some(format!("{:?}: {e}", fix.shown()));
        }
        job = type_line(&mut stage.session, &fix.again.0, &fix.again.1);
        if job.exit == Some(0) {
            return None;
        }
    }
    Some(format!("what is offered does not mend it: {}{}", job.stdout(), job.stderr()))
}

#[test]
fn what_is_said_of_other_drivers_and_several_hosts_is_true_and_mends_it() {
    let scenes = scenes();
    let only = std::env::var("NETPIER_SCENE").unwrap_or_default();
    let seeds = std::env::var("NETPIER_BREAKS").map_or(2, |_| 10);
    let mut wrong = Vec::new();
    let mut played = 0;
    for scene in scenes.iter().filter(|s| s.name.contains(&only)) {
        for seed in 1..=seeds {
            played += 1;
            if let Some(why) = play(scene, seed) {
                wrong.push(format!("[{}] {why}", scene.name));
                break;
            }
        }
    }
    println!(
        "{} of {played} breaks of other drivers and several hosts are named",
        played - wrong.len() as u64
    );
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}
