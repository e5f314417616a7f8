//! The licences that go with a published page: the project's own, and those of the crates in the program.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::sh::{Result, output, root};

/// Writes `dist/licences.txt`.
pub fn write() -> Result {
    let args = [
        "tree",
        "--locked",
        "--target",
        "wasm32-unknown-unknown",
        "--edges",
        "normal,no-proc-macro",
        "--prefix",
        "none",
        "--format",
        "{p}|{l}",
    ];
    let tree = output("cargo", &args).ok_or("cargo tree could not tell what is in the program")?;
    // Each text once, with all whom it belongs to.
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut bare = Vec::new();
    let mut lines: Vec<&str> = tree.lines().map(|l| l.trim_end_matches(" (*)")).collect();
    lines.sort_unstable();
    lines.dedup();
    for (package, licence) in lines.iter().filter_map(|l| l.split_once('|')) {
        let mut words = package.split(' ');
        let (Some(name), Some(version)) = (words.next(), words.next()) else { continue };
        if name == env!("CARGO_PKG_NAME") || name == "netpier" {
            continue;
        }
        let title = format!("{name} {} ({licence})", version.trim_start_matches('v'));
        let found = texts_of(&format!("{name}-{}", version.trim_start_matches('v')));
        if found.is_empty() {
            bare.push(title.clone());
        }
        for text in found {
            texts.entry(text).or_default().push(title.clone());
        }
    }
    let mut all = String::from("netpier: MIT OR Apache-2.0\n\n");
    for own in ["LICENSE-MIT", "LICENSE-APACHE"] {
        all += &fs::read_to_string(root().join(own)).map_err(|e| format!("{own}: {e}"))?;
        all += "\n";
    }
    all += "The program contains these packages.\n";
    for title in &bare {
        all += &format!("\n{title}: the package has no text of its licence\n");
    }
    for (text, titles) in &texts {
        all += &format!("\n{}\n{}\n\n{}\n", "-".repeat(72), titles.join("\n"), text.trim_end());
    }
    fs::write(root().join("dist/licences.txt"), all).map_err(|e| format!("dist/licences.txt: {e}"))
}

/// The texts that lie in a package as it was fetched.
fn texts_of(folder: &str) -> Vec<String> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".cargo")));
    let sources = home.and_then(|h| fs::read_dir(h.join("registry/src")).ok());
    let folders = sources.into_iter().flatten().flatten().map(|s| s.path().join(folder));
    let Some(entries) = folders.filter_map(|f| fs::read_dir(f).ok()).next() else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    paths.sort();
    let is_licence = |p: &PathBuf| {
        let name = p.file_name().map(|n| n.to_string_lossy().to_uppercase()).unwrap_or_default();
        ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"].iter().any(|w| name.starts_with(w))
    };
    paths.iter().filter(|p| is_licence(p)).filter_map(|p| fs::read_to_string(p).ok()).collect()
}
