//! What the project asks of its own text: the direction of imports, the size of files, nothing of
//! the browser in the native program, no inline styles, nothing that only one machine knows.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The layers, lowest first. A module may use those of its own line and of the lines above it.
const LAYERS: [&[&str]; 15] = [
    &["time", "rng", "lang", "near", "wire"],
    &["netfilter"],
    &["stack"],
    &["guest"],
    &["sim"],
    &["docker"],
    &["shell"],
    &["session"],
    &["lab"],
    &["conform", "bench"],
    &["explain"],
    &["lesson"],
    &["app"],
    &["ui"],
    &["main", "bin"],
];

/// Longest file, in lines; test modules at its end and files of tests are not counted.
const MAX_LINES: usize = 900;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `dir` with one of these endings, sorted.
fn files(dir: &str, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo = vec![root().join(dir)];
    while let Some(dir) = todo.pop() {
        let Ok(entries) = fs::read_dir(&dir) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["target", "dist", "node_modules", "out", ".git", ".tools"].contains(&name.as_str()) {
                    todo.push(path);
                }
            } else if endings.iter().any(|end| name.ends_with(end)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", shown(path)))
}

/// The text without comments, with the words of the tests at its end (`#[cfg(test)]` on).
fn without_comments(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Without the test module that ends a file.
fn without_tests(text: &str) -> &str {
    text.find("#[cfg(test)]\nmod tests {").map_or(text, |at| &text[..at])
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|line| line.contains(&module))
}

/// The module of the first level that a file of src/ belongs to; None for src/lib.rs.
fn module_of(path: &Path) -> Option<String> {
    let inside = path.strip_prefix(root().join("src")).expect("a file of src/");
    let first = inside.iter().next()?.to_string_lossy().into_owned();
    let module = first.trim_end_matches(".rs").to_owned();
    (module != "lib").then_some(module)
}

/// Modules that the text imports or names: `crate::X`, also within `use crate::{a::…, b}`.
fn imports(text: &str, root_name: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let needle = format!("{root_name}::");
    for (at, _) in text.match_indices(&needle) {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &text[at + needle.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(identifier(rest));
            continue;
        };
        // The names at depth 1 of the braces.
        let mut depth = 1;
        let mut fresh = true;
        for (i, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => fresh = true,
                c if c.is_whitespace() => {}
                _ if depth == 1 && fresh => {
                    found.insert(identifier(&group[i..]));
                    fresh = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found.remove("");
    found
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn report(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn imports_point_up_the_list_of_layers_only() {
    let mut problems = Vec::new();
    for path in files("src", &[".rs"]) {
        let Some(module) = module_of(&path) else { continue };
        let Some(own) = layer(&module) else {
            problems.push(format!("{}: the module {module} is in no layer; add it to LAYERS", shown(&path)));
            continue;
        };
        let text = without_comments(&read(&path));
        let root_name = if ["main", "bin"].contains(&module.as_str()) { "netpier" } else { "crate" };
        for used in imports(without_tests(&text), root_name) {
            // What is in no layer is an item of lib.rs itself; there is none, so the compiler says.
            if layer(&used).is_some_and(|other| other > own) {
                problems.push(format!("{}: {module} uses {used}, which lies below it", shown(&path)));
            }
        }
    }
    report(&problems);
}

#[test]
fn imports_are_found_however_they_are_written() {
    let text = "use crate::wire::Mac;\nuse crate::{sim::{World, Event}, ui, lab::Lab};\nlet x = crate::time::Instant(0); mycrate::app::f()";
    let found: Vec<String> = imports(text, "crate").into_iter().collect();
    assert_eq!(found, ["lab", "sim", "time", "ui", "wire"]);
}

#[test]
fn no_file_is_longer_than_a_subject_needs() {
    let mut problems = Vec::new();
    for dir in ["src", "xtask", "benches"] {
        for path in files(dir, &[".rs"]) {
            let text = read(&path);
            let lines = without_tests(&text).lines().count();
            if lines > MAX_LINES {
                problems.push(format!("{}: {lines} lines, at most {MAX_LINES}", shown(&path)));
            }
        }
    }
    for path in files("www", &[".css", ".js"]) {
        let lines = read(&path).lines().count();
        if lines > MAX_LINES {
            problems.push(format!("{}: {lines} lines, at most {MAX_LINES}", shown(&path)));
        }
    }
    report(&problems);
}

#[test]
fn the_native_program_has_nothing_of_the_browser() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let host = if cfg!(target_os = "linux") { vec![] } else { vec!["--target", "x86_64-unknown-linux-gnu"] };
    let out = Command::new(cargo)
        .args(["tree", "--locked", "--package", "netpier", "--edges", "normal", "--prefix", "none"])
        .args(host)
        .current_dir(root())
        .output()
        .expect("cargo runs this test, so it is there");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let tree = String::from_utf8_lossy(&out.stdout);
    assert!(tree.contains("smoltcp"), "the tree was not read:\n{tree}");
    let banned = ["wasm-bindgen", "web-sys", "js-sys", "yew", "gloo", "console_error_panic_hook"];
    let problems: Vec<String> = tree
        .lines()
        .filter(|line| {
            banned.iter().any(|name| line.split(' ').next().is_some_and(|krate| krate.starts_with(name)))
        })
        .map(|line| format!("in the native dependency tree: {line}"))
        .collect();
    report(&problems);
}

#[test]
fn the_page_has_no_inline_style_and_no_inline_script() {
    let mut problems = Vec::new();
    let mut pages = files("src/ui", &[".rs"]);
    pages.extend(files("www", &[".html", ".js", ".svg"]));
    pages.push(root().join("index.html"));
    for path in pages.iter().filter(|p| p.is_file()) {
        let text = read(path);
        for (number, line) in text.lines().enumerate() {
            // The content policy blocks both; CSS classes and CSSOM are the way.
            let inline = [" style=\"", " style={", " style='", " onclick=\"", "javascript:"];
            if let Some(found) = inline.iter().find(|needle| line.contains(**needle)) {
                problems.push(format!("{}:{}: {}", shown(path), number + 1, found.trim()));
            }
        }
    }
    report(&problems);
}

#[test]
fn nothing_is_said_that_only_one_machine_knows() {
    // Pieced together, so that this file does not find itself.
    let banned: Vec<String> = [
        ["/wo", "rk/"],
        ["/root/.ca", "rgo"],
        ["/root/.rus", "tup"],
        ["/ho", "me/"],
        ["index.crates", ".io"],
        ["registry.", "npmjs"],
        ["TO", "DO"],
        ["FIX", "ME"],
    ]
    .map(|[a, b]| format!("{a}{b}"))
    .into();
    let endings = [
        ".rs", ".md", ".toml", ".json", ".mjs", ".js", ".css", ".html", ".sh", ".lock", ".svg", ".yml", "run",
    ];
    let mut problems = Vec::new();
    for path in files("", &endings) {
        // Recordings of a real engine are what they are.
        if path.starts_with(root().join("tests/fixtures")) {
            continue;
        }
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for (number, line) in text.lines().enumerate() {
            for word in banned.iter().filter(|word| line.contains(word.as_str())) {
                problems.push(format!("{}:{}: says {word:?}", shown(&path), number + 1));
            }
            if line.contains("todo!()") && !shown(&path).starts_with("tests/tidy") {
                problems.push(format!("{}:{}: a stub", shown(&path), number + 1));
            }
        }
    }
    report(&problems);
}

#[test]
fn the_lock_file_of_npm_names_no_host() {
    let text = read(&root().join("tests/e2e/package-lock.json"));
    assert!(!text.contains("\"resolved\""), "write it with: npm install --omit-lockfile-registry-resolved");
    assert!(text.contains("\"integrity\""));
}

#[test]
fn versions_that_must_move_together_are_equal() {
    let manifest = read(&root().join("Cargo.toml"));
    let tools = read(&root().join("xtask/src/tools.rs"));
    let npm = read(&root().join("tests/e2e/package.json"));
    let constant = |name: &str| {
        let at =
            tools.find(&format!("const {name}: &str = \"")).unwrap_or_else(|| panic!("no {name} in xtask"));
        tools[at..].split('"').nth(1).expect("a text in quotes").to_owned()
    };
    assert!(manifest.contains(&format!("wasm-bindgen = \"={}\"", constant("WASM_BINDGEN"))));
    assert!(npm.contains(&format!("\"binaryen\": \"{}.0.0\"", constant("WASM_OPT"))));
    let trunk = read(&root().join("Trunk.toml"));
    assert!(trunk.contains(&format!("wasm_bindgen = \"{}\"", constant("WASM_BINDGEN"))));
    assert!(trunk.contains(&format!("wasm_opt = \"version_{}\"", constant("WASM_OPT"))));
}

#[test]
fn every_module_says_what_it_is() {
    let mut problems = Vec::new();
    for path in files("src", &[".rs"]) {
        let text = read(&path);
        if !text.trim_start().starts_with("//!") {
            problems.push(format!("{}: does not begin with //!", shown(&path)));
        }
        // The fields of a cause are called alike in all of them; its head says how.
        if text.contains("allow(missing_docs)") && !path.ends_with("explain/why/cause.rs") {
            problems.push(format!("{}: leaves public items without a word", shown(&path)));
        }
    }
    let manifest = read(&root().join("Cargo.toml"));
    assert!(manifest.contains("missing_docs = \"warn\""), "public items have to be documented");
    report(&problems);
}
