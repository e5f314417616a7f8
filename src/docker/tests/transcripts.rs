//! Whole sequences of commands, with what a real engine printed and the rules it wrote.

use super::super::DaemonConfig;
use super::Lab;
use crate::netfilter::TableKind;
use std::collections::BTreeMap;

/// The cases of a data file: title, settings, lines.
fn cases(text: &str) -> Vec<(&str, DaemonConfig, Vec<&str>)> {
    let mut all: Vec<(&str, DaemonConfig, Vec<&str>)> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("== ") {
            all.push((title, DaemonConfig::default(), Vec::new()));
        } else if let Some((_, config, lines)) = all.last_mut() {
            match line.strip_prefix("dockerd ") {
                Some(flags) => *config = DaemonConfig::from_flags(flags).expect("known flags"),
                None => lines.push(line),
            }
        }
    }
    all
}

#[test]
fn the_engine_writes_the_recorded_rules_in_the_recorded_order() {
    for (title, config, lines) in cases(include_str!("rules.txt")) {
        let mut lab = Lab::new(config);
        let mut tables: Vec<(TableKind, Vec<&str>)> = Vec::new();
        for line in lines {
            match line.split_once(' ') {
                Some(("$", command)) => drop(lab.ok(command)),
                _ => match line {
                    "*raw" => tables.push((TableKind::Raw, Vec::new())),
                    "*nat" => tables.push((TableKind::Nat, Vec::new())),
                    "*filter" => tables.push((TableKind::Filter, Vec::new())),
                    "" => {}
                    rule => tables.last_mut().expect("a table comes first").1.push(rule),
                },
            }
        }
        for (table, want) in tables {
            assert_eq!(lab.rules(table), want, "{title}: {table:?}");
        }
    }
}

/// Puts masks for ids into what was printed.
struct Masks(BTreeMap<String, String>);

impl Masks {
    /// Learns the ids of all that is there; those of what is gone stay known.
    fn learn(&mut self, lab: &Lab) {
        for c in lab.engine.containers() {
            self.0.insert(c.id.clone(), c.name.clone());
        }
        for n in lab.engine.networks() {
            self.0.insert(n.id.clone(), n.name.clone());
        }
    }
    fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (id, name) in &self.0 {
            text = text.replace(id, &format!("<id:{name}>")).replace(&id[..12], &format!("<sid:{name}>"));
        }
        let is_hex = |w: &str| w.bytes().all(|b| b.is_ascii_hexdigit());
        let mut out = String::new();
        for word in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
            let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            match bare.len() {
                64 if is_hex(bare) => out += &format!("<id>{}", &word[64..]),
                12 if is_hex(bare) => out += &format!("<sid>{}", &word[12..]),
                _ => out += word,
            }
        }
        out
    }
}

#[test]
fn the_engine_says_what_was_recorded() {
    let mut wrong = Vec::new();
    for (title, config, lines) in cases(include_str!("transcripts.txt")) {
        let mut lab = Lab::new(config);
        let mut masks = Masks(BTreeMap::new());
        let mut lines = lines.into_iter().peekable();
        while let Some(line) = lines.next() {
            if let Some(spec) = line.strip_prefix("serve ") {
                lab.serve(spec);
            }
            let Some(command) = line.strip_prefix("$ ") else { continue };
            let mut want = Vec::new();
            while let Some(next) = lines.next_if(|l| l.starts_with(['>', '!', '~', '='])) {
                want.push(next.to_owned());
            }
            masks.learn(&lab);
            let response = lab.docker(command);
            masks.learn(&lab);
            let mut got = Vec::new();
            for (sign, text) in [('>', &response.stdout), ('!', &response.stderr), ('~', &response.note)] {
                let text = masks.apply(text);
                got.extend(
                    text.trim_end_matches('\n')
                        .split('\n')
                        .filter(|_| !text.is_empty())
                        .map(|l| format!("{sign} {l}").trim_end().to_owned()),
                );
            }
            if response.exit != 0 {
                got.push(format!("= {}", response.exit));
            }
            if got != want {
                wrong.push(format!("{title}\n  {command}\n  want {want:#?}\n  got  {got:#?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
