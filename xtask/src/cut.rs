//! Makes the published page's program two files: what opening the page runs, and the rest.
//!
//! What opening it runs is not guessed: the program is written once more with a byte for every basic
//! block, and a Chromium pays it the visits of tests/e2e/first-visit.mjs.
//! docs/adr/0005-two-parts.md tells why it is so.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::outline::outline;
use crate::sh::{Result, command, root, run, which};
use crate::wasm::{Body, Module, Symbols};
use crate::{data, prepare, sheets, split, tools};

/// Gives a build of the page what a cut needs: the linker says which bytes of data belong together. And no
/// path of this machine is left in the program.
pub fn prepare(trunk: &mut Command) {
    let home =
        std::env::var("CARGO_HOME").ok().or_else(|| Some(format!("{}/.cargo", std::env::var("HOME").ok()?)));
    let mut flags = String::from("-Clink-arg=--emit-relocs");
    if let Some(home) = home {
        flags.push_str(&format!("\u{1f}--remap-path-prefix={home}/registry/src=crates"));
    }
    trunk.env("CARGO_ENCODED_RUSTFLAGS", flags);
}

/// Functions that are not taken apart: what they run depends on addresses, random numbers or time. Small
/// ones stay with the first part even if the visits did not happen to run them.
const WHIMSICAL: [&str; 8] = [
    "hashbrown",
    "indexmap",
    "std::collections::hash",
    "dlmalloc",
    "__externref",
    "wasm_bindgen_futures",
    "js_sys::futures",
    "yew::scheduler",
];
/// Bytes of a small function.
const SMALL: usize = 120;

pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| format!("{}: {e}", path.display()))
}

pub fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result {
    fs::write(path, bytes).map_err(|e| format!("{}: {e}", path.display()))
}

fn copy(from: &Path, to: &Path) -> Result {
    let failed = |e: std::io::Error| format!("{}: {e}", from.display());
    fs::create_dir_all(to).map_err(failed)?;
    for entry in fs::read_dir(from).map_err(failed)?.flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &to)?;
        } else {
            fs::copy(&path, &to).map_err(failed)?;
        }
    }
    Ok(())
}

/// Makes what Trunk left in dist/ light. Without node or Chromium the program stays in one piece.
pub fn page() -> Result {
    let dist = root().join("dist");
    let html_path = dist.join("index.html");
    let html = String::from_utf8(read(&html_path)?).map_err(|_| "index.html is no UTF-8")?;
    let name = html
        .split(['"', '\'', ' ', '>', '/', '='])
        .find(|word| word.ends_with(".wasm"))
        .ok_or("index.html names no .wasm")?
        .to_owned();
    let whole = Module::read(&read(&dist.join(&name))?)?;
    let missing = match (which("node"), tools::chromium()) {
        (None, _) => Some("node"),
        (_, None) => Some("Chromium"),
        _ => None,
    };
    let Some(missing) = missing else { return cut(&dist, html, &name, &whole) };
    println!(
        "xtask: without {missing} the program stays in one piece: it works, and a first visit is heavier"
    );
    // The names of functions go all the same.
    write(&dist.join(&name), whole.write())
}

fn cut(dist: &Path, html: String, name: &str, whole: &Module) -> Result {
    let html = sheets::texts(dist, html)?;
    write(&dist.join("index.html"), &html)?;
    let linked = read(&root().join("target").join(tools::WASM).join("page/netpier-page.wasm"))?;
    data::same_memory(whole, &Module::read(&linked)?)?;
    let symbols = Symbols::read(&linked)?;
    let whole = &prepare::prepare(whole, &root().join("target/prepared"))?;

    let ran = split::coverage(whole, &visit(dist, name, whole)?)?;
    let mut parts = parts(whole, &ran, &symbols)?;
    let html = sheets::script(dist, html, &mut parts.first)?;

    let mut names = Vec::new();
    for (part, module) in [("first", &parts.first), ("rest", &parts.rest)] {
        let bytes = module.write();
        let file = format!("netpier-{part}-{:016x}.wasm", hash(&bytes));
        println!("xtask: {file}: {} bytes", bytes.len());
        write(&dist.join(&file), bytes)?;
        if part == "first" {
            tidy(&dist.join(&file))?;
        }
        names.push(file);
    }
    let html = html.replace(name, &names[0]);
    let html = html.replacen(" data-wasm=", &format!(" data-rest=./{} data-wasm=", names[1]), 1);
    fs::remove_file(dist.join(name)).map_err(|e| format!("{name}: {e}"))?;
    let seen = read(&root().join("target/first-visit/ran.classes"))?;
    let seen = String::from_utf8_lossy(&seen).lines().map(str::to_owned).collect();
    let html = sheets::merge(dist, html, &seen)?;
    write(&dist.join("index.html"), html)
}

/// Cuts the program by what ran of it: code, then data.
pub fn parts(whole: &Module, ran: &[Vec<bool>], symbols: &Symbols) -> Result<split::Parts> {
    let imported = whole.imported();
    let name = |i: usize| whole.names.get(&(i as u32 + imported)).map_or("", String::as_str);
    let mut first = BTreeSet::new();
    let mut pieces = ran.to_vec();
    for (i, ran) in ran.iter().enumerate() {
        let begin = name(i).trim_start_matches(['<', '&']);
        let whimsical = WHIMSICAL.iter().any(|word| begin.starts_with(word));
        if ran[0] || (whimsical && whole.code[i].len() <= SMALL) {
            first.insert(i as u32 + imported);
            if whimsical {
                pieces[i].fill(true);
            }
        }
    }
    let (outlined, _) = outline(whole, &pieces)?;
    // Which code there is decides which data, and that which stubs; stubs name no data.
    let code = split::split(&outlined, |f| first.contains(&f), |_| false)?;
    let data = data::cut(whole, &code.first, symbols)?;
    let mut parts = split::split(&outlined, |f| first.contains(&f), |slot| data.slots.contains(&slot))?;
    (parts.first.data, parts.rest.data) = (data.first, data.rest);
    // For reading a browser's stack: the functions of the first part by their numbers in it.
    let lines = parts.order.iter().enumerate().map(|(i, f)| {
        let name = whole.names.get(f).map_or("(moved out of another)", String::as_str);
        format!("{} {name}\n", i as u32 + imported)
    });
    write(&root().join("target/first-visit/names.txt"), lines.collect::<String>())?;
    Ok(parts)
}

/// Which basic blocks the visits run: a byte for each.
fn visit(dist: &Path, name: &str, whole: &Module) -> Result<Vec<u8>> {
    let place: PathBuf = root().join("target/first-visit");
    let _ = fs::remove_dir_all(&place);
    let page = place.join("page");
    copy(dist, &page)?;
    let (counted, base) = split::instrument(whole)?;
    write(&page.join(name), counted.write())?;
    let mut blocks = 0;
    for body in &whole.code {
        blocks += Body::starts(body)?.len();
    }
    let out = place.join("ran");
    let args =
        [&page.display().to_string(), &base.to_string(), &blocks.to_string(), &out.display().to_string()];
    let mut node = command("node", &["tests/e2e/first-visit.mjs"]);
    node.args(args);
    if let Some(chromium) = tools::chromium() {
        node.env("CHROMIUM", chromium);
    }
    run(node)?;
    read(&out)
}

/// FNV-1a: names files by their content.
pub fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}

/// Variables of which outlining left only a few uses: they are laid together. The numbers of functions and
/// slots stay.
fn tidy(program: &Path) -> Result {
    let path = program.display().to_string();
    let features = [
        "bulk-memory",
        "reference-types",
        "sign-ext",
        "nontrapping-float-to-int",
        "mutable-globals",
        "multivalue",
    ];
    let mut wasm_opt =
        command("wasm-opt", &["--coalesce-locals", "--vacuum", "--reorder-locals", &path, "-o", &path]);
    wasm_opt.args(features.map(|name| format!("--enable-{name}")));
    run(wasm_opt)
}

/// A page around the counter, like netpier's: the same script starts it.
pub fn counter(place: &Path) -> Result {
    let program = place.join("counter_bg.wasm");
    // Without names and other things that nobody runs, as netpier's is.
    write(&program, Module::read(&read(&program)?)?.write())?;
    let boot = root().join("www/boot.js");
    fs::copy(&boot, place.join("boot.js")).map_err(|e| format!("{}: {e}", boot.display()))?;
    let html = "<!doctype html><html lang=en><head><meta charset=utf-8><title>counter</title>\
        <script async data-js=./counter.js data-wasm=./counter_bg.wasm fetchpriority=high src=./boot.js type=module></script>\
        <link href=./counter.js rel=modulepreload>\
        <link as=fetch crossorigin href=./counter_bg.wasm rel=preload type=application/wasm></head>\
        <body></body></html>";
    write(&place.join("index.html"), html)
}
