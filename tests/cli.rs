//! The native program prints what docs/cli.md says.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Fields whose words may be said in another way, and numbers that count what other things did before.
const LOOSE: [&str; 8] = ["sentence", "step", "background", "changes", "notes", "seq", "ns", "packet"];

/// The document without what may change: a text stays a text, a number a number.
fn firm(value: &Value) -> Value {
    fn kind(value: &Value) -> Value {
        match value {
            Value::String(_) => "text".into(),
            Value::Number(_) => 0.into(),
            Value::Array(all) => all.iter().map(kind).collect(),
            other => other.clone(),
        }
    }
    match value {
        Value::Object(map) => {
            let field = |(k, v): (&String, &Value)| {
                let v = if LOOSE.contains(&k.as_str()) { kind(v) } else { firm(v) };
                (k.clone(), v)
            };
            Value::Object(map.iter().map(field).collect())
        }
        Value::Array(all) => all.iter().map(firm).collect(),
        other => other.clone(),
    }
}

fn fields(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, v)| {
            found.insert(key.clone());
            fields(v, found);
        }),
        Value::Array(all) => all.iter().for_each(|v| fields(v, found)),
        _ => {}
    }
}

#[test]
fn the_documented_examples_of_json_are_what_the_program_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/cli.md")).expect("docs/cli.md");
    let mut named = BTreeSet::new();
    let mut examples = 0;
    for block in text.split("```sh\n").skip(1) {
        let (line, rest) = block.split_once("\n```").expect("the block's end");
        let shown = rest.split_once("```json\n").and_then(|(_, r)| r.split_once("\n```"));
        let shown: Value = serde_json::from_str(shown.expect("a document").0).expect(line);
        let run = line.replacen("netpier", env!("CARGO_BIN_EXE_netpier"), 1);
        let out = Command::new("sh").args(["-c", &run]).current_dir(root).output().expect("sh runs");
        let printed: Value = serde_json::from_slice(&out.stdout).expect(line);
        assert_eq!(firm(&shown), firm(&printed), "{line}\n{printed:#}");
        fields(&printed, &mut named);
        examples += 1;
    }
    assert!(examples >= 4, "{examples} examples");
    let missing: Vec<_> = named.iter().filter(|f| !text.contains(&format!("`{f}`"))).collect();
    assert!(missing.is_empty(), "docs/cli.md does not say what these are: {missing:?}");
}
