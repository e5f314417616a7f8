//! What the commands do.

use std::process::Command;
use std::time::Instant;

use crate::sh::{Result, command, root, run, watch, which};
use crate::{cut, notices, tools};

/// Serves the page for development.
pub fn serve(args: &[String]) -> Result {
    tools::rust_parts(false)?;
    tools::page_tools()?;
    let mut trunk = trunk(&["serve"]);
    trunk.args(args);
    run(trunk)
}

/// Builds the page as it is published: light (see `cut.rs`).
fn page() -> Result {
    let mut trunk = trunk(&["build", "--release"]);
    cut::prepare(&mut trunk);
    run(trunk)?;
    cut::page()?;
    notices::write()
}

/// Builds the page for publishing. With node there, every file that compresses lies beside its
/// `.gz` and `.br`, for hosts that serve such.
pub fn dist() -> Result {
    tools::rust_parts(false)?;
    tools::page_tools()?;
    if which("node").is_some()
        && tools::chromium().is_some()
        && let Err(message) = tools::node_modules()
    {
        return Err(format!("the packages that drive Chromium: {message}"));
    }
    page()?;
    if which("node").is_none() {
        println!("xtask: without node there are no precompressed files in dist/");
        return Ok(());
    }
    const SCRIPT: &str = "
        const fs = require('fs'), z = require('zlib'), path = require('path');
        for (const name of fs.readdirSync('dist', { recursive: true })) {
            const file = path.join('dist', name);
            if (!/\\.(wasm|js|css|html|json|svg|txt|webmanifest)$/.test(name)) continue;
            const b = fs.readFileSync(file);
            fs.writeFileSync(file + '.gz', z.gzipSync(b, { level: 9 }));
            fs.writeFileSync(file + '.br', z.brotliCompressSync(b, { params: { [z.constants.BROTLI_PARAM_QUALITY]: 11 } }));
        }";
    run(command("node", &["-e", SCRIPT]))
}

/// Builds it and says how big its files are: first what the first visit moves, then what is loaded
/// when it is wanted.
pub fn size() -> Result {
    dist()?;
    if which("node").is_none() {
        return Err("node is needed to compress the files".into());
    }
    const SCRIPT: &str = "
        const fs = require('fs'), z = require('zlib'), path = require('path');
        const brotli = b => z.brotliCompressSync(b, { params: { [z.constants.BROTLI_PARAM_QUALITY]: 11 } });
        const row = (n, s) => console.log(n.padEnd(48) + s.map(x => String(x).padStart(10)).join(''));
        const later = n => /^lessons|^locales|^blog|^builder|^icons|^broken\\.js$|^licences|^picture\\.js$|^netpier-lab\\.js$|^rest-|^netpier-rest-|^texts-ko/.test(n);
        const names = fs.readdirSync('dist', { recursive: true }).sort()
            .filter(n => !/\\.(gz|br)$/.test(n) && fs.statSync(path.join('dist', n)).isFile());
        for (const [title, some] of [['first visit', names.filter(n => !later(n))], ['when wanted', names.filter(later)]]) {
            const sum = [0, 0, 0];
            row(title, ['plain', 'gzip', 'brotli']);
            for (const name of some) {
                const b = fs.readFileSync(path.join('dist', name)), s = [b.length, z.gzipSync(b, { level: 9 }).length, brotli(b).length];
                s.forEach((x, i) => sum[i] += x);
                if (!/^(lessons|locales|blog|builder|icons)/.test(name)) row('  ' + name, s);
            }
            row('  all', sum);
        }";
    run(command("node", &["-e", SCRIPT]))?;
    run(browser_script(&["tests/e2e/weigh.mjs"]))
}

/// Measures how long the page takes to start, beside an empty Yew counter that is built the same way.
pub fn start() -> Result {
    dist()?;
    let build = ["build", "--profile", "page", "--target", tools::WASM, "--example", "counter"];
    let mut cargo = command("cargo", &build);
    cut::prepare(&mut cargo);
    run(cargo)?;
    let place = "target/counter";
    let program = format!("target/{}/page/examples/counter.wasm", tools::WASM);
    run(command("wasm-bindgen", &["--target", "web", "--no-typescript", "--out-dir", place, &program]))?;
    let wasm = format!("{place}/counter_bg.wasm");
    run(command("wasm-opt", &["-Oz", &wasm, "-o", &wasm]))?;
    cut::counter(&root().join(place))?;
    run(browser_script(&["tests/e2e/start.mjs", place]))
}

/// A script that drives Chromium.
fn browser_script(args: &[&str]) -> Command {
    let mut node = command("node", args);
    if let Some(chromium) = tools::chromium() {
        node.env("CHROMIUM", chromium);
    }
    node
}

/// Every check, from a bare machine on.
pub fn test() -> Result {
    let mut steps = Steps { begun: Instant::now(), done: Vec::new() };
    steps.step("set-up: Rust", || tools::rust_parts(true))?;
    steps.step("style", || run(command("cargo", &["fmt", "--all", "--check"])))?;
    steps.step("set-up: Debian packages", tools::debian_packages)?;
    steps.step("set-up: npm packages", || match which("npm") {
        Some(_) => tools::node_modules(),
        None => Err("npm is not there; install Node.js 18 or newer with npm".into()),
    })?;
    steps.step("set-up: tools for the page", tools::page_tools)?;
    steps.step("lints, native", || {
        run(command(
            "cargo",
            &["clippy", "--quiet", "--locked", "--workspace", "--all-targets", "--", "-Dwarnings"],
        ))
    })?;
    steps.step("lints, in the browser", || {
        let args =
            ["clippy", "--quiet", "--locked", "--target", tools::WASM, "--lib", "--bins", "--", "-Dwarnings"];
        run(command("cargo", &args))
    })?;
    let mut digest = None;
    steps.step("native tests", || {
        let args = ["test", "--locked", "--workspace", "--no-fail-fast"];
        let mut cargo = command("cargo", &args);
        // Tests that need a tool pass without it on a developer's machine, but not here.
        cargo.env("NETPIER_NEED_TSHARK", "1");
        // Random labs have a minute, and so has hostile input.
        cargo.env("RANDOM_LABS_SECS", "60").env("FUZZ_SECS", "60");
        let closing = watch(cargo, |line| line.starts_with("test result:"))?;
        println!("\n{} groups of tests:", closing.len());
        closing.iter().for_each(|line| println!("  {line}"));
        Ok(())
    })?;
    steps.step("the trace's digest, native", || {
        let args = ["test", "--quiet", "--locked", "--test", "digest", "--", "--nocapture"];
        let lines = watch(command("cargo", &args), |line| line.contains(DIGEST))?;
        digest = lines.first().and_then(|line| line.split(DIGEST).nth(1)).map(|word| word.trim().to_owned());
        if digest.is_some() { Ok(()) } else { Err("tests/digest.rs printed no digest".into()) }
    })?;
    steps.step("the same trace in the browser", || browser_tests(&digest.unwrap_or_default()))?;
    steps.step("the page", page)?;
    steps.step("end to end", end_to_end)?;
    steps.report();
    Ok(())
}

/// What tests/digest.rs prints in front of its result.
const DIGEST: &str = "trace digest: ";

/// The digest test in a real Chromium, through WebDriver.
fn browser_tests(digest: &str) -> Result {
    let Some(driver) = which("chromedriver") else {
        return Err("chromedriver is not there; install the package chromium-driver".into());
    };
    let Some(runner) = which("wasm-bindgen-test-runner") else {
        return Err("wasm-bindgen-test-runner is not there; it comes with wasm-bindgen-cli".into());
    };
    let mut cargo = command("cargo", &["test", "--locked", "--target", tools::WASM, "--test", "digest"]);
    cargo
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner)
        .env("CHROMEDRIVER", driver)
        .env("NETPIER_TRACE_DIGEST", digest)
        .env("WASM_BINDGEN_TEST_TIMEOUT", "120");
    run(cargo)
}

/// The page in dist/, driven as a learner would.
fn end_to_end() -> Result {
    let Some(chromium) = tools::chromium() else {
        return Err("there is no Chromium; install the package chromium, or set CHROMIUM to its path".into());
    };
    let Some(firefox) = tools::firefox() else {
        return Err("there is no Firefox; install the package firefox-esr, or set FIREFOX to its path".into());
    };
    let mut files: Vec<String> = std::fs::read_dir(root().join("tests/e2e"))
        .map_err(|e| format!("tests/e2e: {e}"))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".test.mjs"))
        .map(|name| format!("tests/e2e/{name}"))
        .collect();
    files.sort();
    let mut args = vec!["--test", "--test-reporter=spec"];
    args.extend(files.iter().map(String::as_str));
    let mut node = command("node", &args);
    node.env("CHROMIUM", chromium).env("FIREFOX", firefox);
    let closing = watch(node, |line| line.starts_with("ℹ "))?;
    println!("\n{} files of end-to-end tests:", files.len());
    closing.iter().for_each(|line| println!("  {line}"));
    // Zero tests are green for node; not for us.
    let passed = closing.iter().any(|l| l.strip_prefix("ℹ pass ").is_some_and(|n| n.trim() != "0"));
    if passed { Ok(()) } else { Err("no end-to-end test ran".into()) }
}

/// Trunk; offline where it needs nothing.
fn trunk(args: &[&str]) -> Command {
    let mut trunk = command("trunk", args);
    if tools::offline() {
        trunk.env("TRUNK_OFFLINE", "true");
    }
    // Trunk reads NO_COLOR as its own flag and knows only true and false.
    trunk.env_remove("NO_COLOR").env("TRUNK_SKIP_VERSION_CHECK", "true");
    trunk
}

/// Names each step and how long it took.
struct Steps {
    begun: Instant,
    done: Vec<(&'static str, f64)>,
}

impl Steps {
    fn step(&mut self, name: &'static str, work: impl FnOnce() -> Result) -> Result {
        println!("\n==== {name}");
        let begun = Instant::now();
        work().map_err(|message| format!("{name}: {message}"))?;
        self.done.push((name, begun.elapsed().as_secs_f64()));
        Ok(())
    }

    fn report(&self) {
        println!("\n==== all checks passed");
        for (name, secs) in &self.done {
            println!("{secs:8.1} s  {name}");
        }
        println!("{:8.1} s  all", self.begun.elapsed().as_secs_f64());
    }
}
