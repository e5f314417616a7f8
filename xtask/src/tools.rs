//! Set-up: the tools that building and testing need, found or installed.

use std::path::PathBuf;

use crate::sh::{Result, command, output, quiet, root, run, which};

/// Trunk, in the version that rustc 1.95 builds.
const TRUNK: &str = "0.21.14";
/// Has to equal the `wasm-bindgen` of Cargo.toml and of Trunk.toml.
const WASM_BINDGEN: &str = "0.2.129";
/// Has to equal `wasm_opt` of Trunk.toml and `binaryen` of tests/e2e/package.json.
const WASM_OPT: &str = "132";
/// The target of the page.
pub const WASM: &str = "wasm32-unknown-unknown";

/// Debian packages that tests need: (program that shows it is there, package).
const DEBIAN: [(&str, &str); 6] = [
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
    ("firefox-esr", "firefox-esr"),
    ("tshark", "tshark"),
    ("node", "nodejs"),
    ("npm", "npm"),
];
/// A package without a program: Korean letters in screenshots.
const FONTS: (&str, &str) = ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", "fonts-noto-cjk");

/// The compiler's parts: the WebAssembly target, and rustfmt and clippy if `lints`.
pub fn rust_parts(lints: bool) -> Result {
    let sysroot = output("rustc", &["--print", "sysroot"])
        .ok_or("rustc is not on PATH; install Rust: https://rustup.rs")?;
    let has_target = PathBuf::from(&sysroot).join("lib/rustlib").join(WASM).is_dir();
    if !has_target {
        if which("rustup").is_none() {
            return Err(format!(
                "the Rust target {WASM} is missing and rustup is not there to add it; install it by the way this Rust was installed"
            ));
        }
        run(command("rustup", &["target", "add", WASM]))?;
    }
    if lints {
        for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
            if output("cargo", &[subcommand, "--version"]).is_none() {
                if which("rustup").is_none() {
                    return Err(format!("`cargo {subcommand}` is missing; install {component}"));
                }
                run(command("rustup", &["component", "add", component]))?;
            }
        }
    }
    Ok(())
}

/// True if `program --version` names this version.
fn has(program: &str, version: &str) -> bool {
    output(program, &["--version"]).is_some_and(|text| text.split_whitespace().any(|word| word == version))
}

/// Builds a tool into `.tools/`, quickly rather than well: it runs a few times only.
fn install(krate: &str, version: &str, features: &[&str]) -> Result {
    println!("\n{krate} {version} is not on PATH; building it into .tools/ (a few minutes, once)");
    let tools = root().join(".tools");
    let spec = format!("{krate}@{version}");
    let mut cargo = command("cargo", &["install", "--locked", "--quiet", &spec, "--no-default-features"]);
    cargo.args(features).arg("--root").arg(&tools);
    cargo
        .env("CARGO_TARGET_DIR", tools.join("build"))
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
    run(cargo)
}

/// Trunk, wasm-bindgen and, where npm is there, wasm-opt. What was built is kept in `.tools/`.
///
/// When all are there, Trunk is told never to download anything; otherwise it fetches the rest.
pub fn page_tools() -> Result {
    if !has("wasm-opt", WASM_OPT) && which("npm").is_some() {
        // Without wasm-opt the page is bigger, and Trunk may still find a way.
        if let Err(message) = node_modules() {
            eprintln!("{message}\nwithout npm's packages; Trunk will download wasm-opt itself");
        }
    }
    let wasm_opt = has("wasm-opt", WASM_OPT);
    if !has("trunk", TRUNK) {
        // Only a Trunk that has to download needs TLS, which takes a while to build.
        install("trunk", TRUNK, if wasm_opt { &[] } else { &["--features", "rustls"] })?;
    }
    if !has("wasm-bindgen", WASM_BINDGEN) {
        install("wasm-bindgen-cli", WASM_BINDGEN, &[])?;
    }
    let _ = std::fs::remove_dir_all(root().join(".tools/build"));
    Ok(())
}

/// True if Trunk needs nothing from the internet.
pub fn offline() -> bool {
    has("wasm-opt", WASM_OPT) && has("wasm-bindgen", WASM_BINDGEN)
}

/// The packages of tests/e2e/package-lock.json.
pub fn node_modules() -> Result {
    let dir = root().join("tests/e2e");
    let lock = std::fs::read_to_string(dir.join("package-lock.json"))
        .map_err(|e| format!("tests/e2e/package-lock.json cannot be read: {e}"))?;
    // npm's own note of what it installed differs in form, so a copy of the lock file tells.
    let stamp = dir.join("node_modules/.installed");
    if std::fs::read_to_string(&stamp).is_ok_and(|text| text == lock) {
        return Ok(());
    }
    let mut npm = command("npm", &["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    npm.current_dir(&dir);
    quiet(npm)?;
    std::fs::write(&stamp, lock).map_err(|e| format!("{}: {e}", stamp.display()))
}

/// Browsers, tshark, node and a font, as Debian packages where they are missing.
pub fn debian_packages() -> Result {
    let mut missing: Vec<&str> =
        DEBIAN.iter().filter(|(program, _)| which(program).is_none()).map(|d| d.1).collect();
    if chromium().is_some() {
        missing.retain(|package| *package != "chromium");
    }
    if firefox().is_some() {
        missing.retain(|package| *package != "firefox-esr");
    }
    if !PathBuf::from(FONTS.0).is_file() {
        missing.push(FONTS.1);
    }
    if missing.is_empty() {
        return Ok(());
    }
    let root_user = output("id", &["-u"]).as_deref() == Some("0");
    if which("apt-get").is_none() || !root_user {
        let line = format!("apt-get install {}", missing.join(" "));
        eprintln!("missing: {}. On Debian, as root: {line}", missing.join(", "));
        // Some things can do without; the steps that cannot say so themselves.
        return Ok(());
    }
    println!("\ninstalling Debian packages: {}", missing.join(" "));
    let apt = |args: &[&str]| {
        let mut apt = command("apt-get", args);
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        quiet(apt)
    };
    apt(&["update", "-q"])?;
    let mut args = vec!["install", "-qy", "--no-install-recommends"];
    args.extend(missing);
    apt(&args)
}

/// A Chromium or Chrome: `$CHROMIUM`, or what is on PATH.
pub fn chromium() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("CHROMIUM").map(PathBuf::from).filter(|p| p.is_file()) {
        return Some(path);
    }
    ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"].into_iter().find_map(which)
}

/// A Firefox: `$FIREFOX`, or what is on PATH. It is driven as it is (WebDriver BiDi), without geckodriver.
pub fn firefox() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("FIREFOX").map(PathBuf::from).filter(|p| p.is_file()) {
        return Some(path);
    }
    ["firefox-esr", "firefox"].into_iter().find_map(which)
}
