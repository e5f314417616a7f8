//! Every text of the interface is there in every language, and is really used.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

const LANGUAGES: [&str; 2] = ["en", "ko"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

type Texts = BTreeMap<String, String>;

/// The files of a language by name.
fn files(language: &str) -> BTreeMap<String, Texts> {
    let dir = root().join("www/locales").join(language);
    let entries = fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    entries
        .flatten()
        .map(|entry| {
            let text = fs::read_to_string(entry.path()).expect("a readable file");
            let name = entry.file_name().to_string_lossy().into_owned();
            let texts = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{language}/{name}: {e}"));
            (name, texts)
        })
        .collect()
}

fn texts(language: &str) -> Texts {
    files(language).into_values().flatten().collect()
}

/// The names in braces; what follows a colon is the particle, a matter of the language.
fn placeholders(text: &str) -> BTreeSet<String> {
    let pattern = Regex::new(r"\{([^}:]*)(:[^}]*)?\}").expect("a pattern of our own");
    pattern.captures_iter(text).map(|c| c[1].to_owned()).collect()
}

/// Source files below `dir`: name, and text without comments and without tests.
fn sources(dir: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut todo = vec![root().join(dir)];
    while let Some(dir) = todo.pop() {
        for path in fs::read_dir(&dir).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push((shown(&path), code(&fs::read_to_string(&path).expect("a readable file"))));
            }
        }
    }
    found.sort();
    found
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// Without comment lines and without the test module at the end.
fn code(text: &str) -> String {
    let text = text.find("#[cfg(test)]\nmod tests {").map_or(text, |at| &text[..at]);
    text.lines()
        .map(|line| if line.trim_start().starts_with("//") { "" } else { line })
        .collect::<Vec<_>>()
        .join("\n")
}

fn report(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn every_text_is_there_in_every_language_with_the_same_placeholders() {
    let mut problems = Vec::new();
    let english = files("en");
    assert!(!english.is_empty());
    for language in LANGUAGES {
        let other = files(language);
        for name in other.keys().filter(|name| !english.contains_key(*name)) {
            problems.push(format!("en/{name} is missing"));
        }
        for (name, texts) in &english {
            let Some(translated) = other.get(name) else {
                problems.push(format!("{language}/{name} is missing"));
                continue;
            };
            for key in texts.keys().chain(translated.keys()).collect::<BTreeSet<_>>() {
                match (texts.get(key), translated.get(key)) {
                    (Some(a), Some(b)) => {
                        if b.trim().is_empty() {
                            problems.push(format!("{language}/{name}: {key} is empty"));
                        }
                        if placeholders(a) != placeholders(b) {
                            problems.push(format!(
                                "{language}/{name}: {key}: {:?} but {:?}",
                                placeholders(a),
                                placeholders(b)
                            ));
                        }
                    }
                    (Some(_), None) => problems.push(format!("{language}/{name}: {key} is missing")),
                    (None, _) => problems.push(format!("en/{name}: {key} is missing")),
                }
            }
        }
    }
    report(&problems);
}

#[test]
fn no_key_stands_in_two_files() {
    let mut seen = BTreeMap::new();
    let mut problems = Vec::new();
    for (name, texts) in files("en") {
        for key in texts.into_keys() {
            if let Some(other) = seen.insert(key.clone(), name.clone()) {
                problems.push(format!("{key} stands in {other} and in {name}"));
            }
        }
    }
    report(&problems);
}

#[test]
fn korean_texts_are_korean() {
    let hangul = |text: &str| text.chars().any(|c| ('가'..='힣').contains(&c));
    let english = texts("en");
    let untranslated: Vec<String> = texts("ko")
        .into_iter()
        .filter(|(key, text)| {
            // Names, numbers and symbols are the same everywhere; sentences are not.
            !hangul(text) && english.get(key) == Some(text) && text.split_whitespace().count() > 2
        })
        .map(|(key, text)| format!("{key}: {text:?}"))
        .collect();
    report(&untranslated);
}

/// Literals that look like keys: of the form `a.b`, where some key begins with `a.`. One that ends
/// in a dot, as in `format!("drop.{reason}")`, stands for all that begin so.
fn used_keys(code: &str, families: &BTreeSet<String>) -> BTreeSet<String> {
    let literal =
        Regex::new(r#""([a-z][a-z0-9_-]*(?:\.[a-z0-9_-]+)+|[a-z][a-z0-9_-]*(?:\.[a-z0-9_-]+)*\.)(["{])"#)
            .expect("a pattern of our own");
    literal
        .captures_iter(code)
        .filter(|c| (&c[2] == "{") == c[1].ends_with('.'))
        .map(|c| c[1].to_owned())
        .filter(|key| key.split('.').next().is_some_and(|family| families.contains(family)))
        .collect()
}

fn families(texts: &Texts) -> BTreeSet<String> {
    texts.keys().filter_map(|key| key.split('.').next()).map(str::to_owned).collect()
}

#[test]
fn every_key_that_is_used_is_there_and_every_key_there_is_used() {
    let english = texts("en");
    let families = families(&english);
    let mut problems = Vec::new();
    let mut all = BTreeSet::new();
    for (file, code) in sources("src") {
        for key in used_keys(&code, &families) {
            let known = if key.ends_with('.') {
                english.keys().any(|k| k.starts_with(&key))
            } else {
                english.contains_key(&key) || english.keys().any(|k| k.starts_with(&format!("{key}.")))
            };
            if !known {
                problems.push(format!("{file}: {key:?} is in no language"));
            }
            all.insert(key);
        }
    }
    for key in english.keys() {
        let used =
            all.iter().any(|used| key == used || used.ends_with('.') && key.starts_with(used.as_str()));
        if !used {
            problems.push(format!("{key}: no source uses it"));
        }
    }
    report(&problems);
}

#[test]
fn keys_are_found_in_code() {
    let families = BTreeSet::from(["step".to_owned(), "drop".to_owned()]);
    let code =
        r#"say("step.sent", x); format!("drop.{reason}"); "example.com"; "step."; other("step.a-b.c")"#;
    let found: Vec<String> = used_keys(code, &families).into_iter().collect();
    assert_eq!(found, ["drop.", "step.a-b.c", "step.sent"]);
}

/// Texts that stand in the interface's code instead of a key. What is the same in every language
/// (names of protocols, commands, units) is allowed.
fn literal_texts(code: &str) -> Vec<String> {
    // A child of an element: not the arm of an `if` that chooses a class or a key …
    let child = Regex::new(r#"(?:^\s*|>|\}\s*|\{\s*)\{\s*"([^"]*)"\s*\}"#).expect("a pattern of our own");
    // … but an arm that reads like words is one too.
    let arm =
        Regex::new(r#"\{\s*"([A-Z][a-z]+[^"]*|[a-z]+ [a-z]+ [^"]*)"\s*\}"#).expect("a pattern of our own");
    let attribute =
        Regex::new(r#"\b(?:title|aria-label|placeholder|alt|label|aria-description)\s*=\s*\{?\s*"([^"]*)""#)
            .expect("a pattern of our own");
    let sentence = Regex::new(r#""([A-Z][a-z]+(?: [a-z']+){2,}[^"]*)""#).expect("a pattern of our own");
    let word = Regex::new(r"[A-Za-z]{3,}").expect("a pattern of our own");
    let mut found = Vec::new();
    for (number, line) in code.lines().enumerate() {
        // What only a programmer can see.
        let hidden = ["expect(", "panic!", "assert", "debug_assert", "log::", "reason ="]
            .iter()
            .any(|w| line.contains(w));
        let hangul = line.chars().any(|c| ('가'..='힣').contains(&c)) && !line.contains("\"한국어\"");
        let texts = child
            .captures_iter(line)
            .chain(arm.captures_iter(line))
            .chain(attribute.captures_iter(line))
            .chain(sentence.captures_iter(line));
        for c in texts {
            let text = &c[1];
            let same_everywhere = SAME_EVERYWHERE.contains(&text) || !word.is_match(text);
            if !hidden && !same_everywhere {
                found.push(format!("{}: {text:?}", number + 1));
            }
        }
        if hangul && !hidden {
            found.push(format!("{}: {:?}", number + 1, line.trim()));
        }
    }
    found
}

/// Words that no language translates.
const SAME_EVERYWHERE: [&str; 21] = [
    "netpier",
    "English",
    "TTL",
    "NAT",
    "DNS",
    "TCP",
    "UDP",
    "ICMP",
    "ARP",
    "MAC",
    "conntrack",
    "iptables",
    "DNAT",
    "SNAT",
    "PREROUTING",
    "INPUT",
    "FORWARD",
    "OUTPUT",
    "POSTROUTING",
    "GitHub",
    "Ctrl-C",
];

#[test]
fn the_interface_says_nothing_that_is_not_in_the_locale_files() {
    let mut problems = Vec::new();
    for dir in ["src/ui", "src/app"] {
        for (file, code) in sources(dir) {
            problems.extend(literal_texts(&code).into_iter().map(|text| format!("{file}:{text}")));
        }
    }
    report(&problems);
}

#[test]
fn texts_in_code_are_found() {
    for bad in [
        r#"<p>{ "Hello there" }</p>"#,
        r#"if on { "Stop it" } else { x }"#,
        r#"<button title="Play it">"#,
        r#"<input placeholder={"Search"} />"#,
        r#"let message = "Something went wrong here.";"#,
        r#"let message = "재생";"#,
    ] {
        assert!(!literal_texts(bad).is_empty(), "{bad}");
    }
    for good in [
        r#"<p>{ "→" }</p>"#,
        r#"<b>{ "TTL" }</b>"#,
        r#"x.expect("This can not happen")"#,
        r#"<p>{ t("a.b") }</p>"#,
        r#"class={if on { "chip route" } else { "chip" }}"#,
    ] {
        assert_eq!(literal_texts(good), [""; 0], "{good}");
    }
}
