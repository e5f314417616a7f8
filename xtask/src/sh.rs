//! Running other programs, with words for when they fail.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What went wrong, for people.
pub type Result<T = ()> = std::result::Result<T, String>;

/// The folder of the project.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the project's folder").to_owned()
}

/// Where programs are looked for: the project's own tools first, then PATH.
fn search_path() -> Vec<PathBuf> {
    let mut path = vec![root().join(".tools/bin"), root().join("tests/e2e/node_modules/.bin")];
    if let Some(theirs) = std::env::var_os("PATH") {
        path.extend(std::env::split_paths(&theirs));
    }
    path
}

/// Where a program is.
pub fn which(program: &str) -> Option<PathBuf> {
    search_path()
        .into_iter()
        .flat_map(|dir| [dir.join(program), dir.join(format!("{program}.exe"))])
        .find(|file| file.is_file())
}

/// What a program prints, if it is there and succeeds.
pub fn output(program: &str, args: &[&str]) -> Option<String> {
    let out = Command::new(which(program)?).args(args).stdin(Stdio::null()).output().ok()?;
    out.status.success().then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

/// A command in the project's folder.
pub fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(which(program).unwrap_or_else(|| PathBuf::from(program)));
    command.args(args).current_dir(root()).stdin(Stdio::null());
    if let Ok(path) = std::env::join_paths(search_path()) {
        command.env("PATH", path);
    }
    // `cargo xtask` sets these for itself; a cargo that we start has to find its own.
    for name in ["CARGO", "CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "RUSTUP_TOOLCHAIN_SOURCE"] {
        command.env_remove(name);
    }
    command
}

/// The command as one would type it.
pub fn shown(command: &Command) -> String {
    let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy();
    let args = command.get_args().map(|a| a.to_string_lossy());
    std::iter::once(name).chain(args).collect::<Vec<_>>().join(" ")
}

/// Says what is run, runs it, and turns a failure into words.
pub fn run(mut command: Command) -> Result {
    let line = shown(&command);
    println!("\n$ {line}");
    let status = command.status().map_err(|e| format!("`{line}` cannot be started: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{line}` failed ({status}); its messages are above")) }
}

/// Runs it silently; what it printed is shown only if it fails.
pub fn quiet(mut command: Command) -> Result {
    let line = shown(&command);
    println!("$ {line}");
    let out = command.output().map_err(|e| format!("`{line}` cannot be started: {e}"))?;
    if out.status.success() {
        return Ok(());
    }
    let text = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(30)..].join("\n");
    Err(format!("{tail}\n`{line}` failed ({})", out.status))
}

/// Runs it, showing its output as it comes, and returns the lines of stdout that `keep` wants.
pub fn watch(mut command: Command, keep: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    let line = shown(&command);
    println!("\n$ {line}");
    let mut child =
        command.stdout(Stdio::piped()).spawn().map_err(|e| format!("`{line}` cannot be started: {e}"))?;
    let out = child.stdout.take().expect("stdout is piped");
    let mut kept = VecDeque::new();
    for text in BufReader::new(out).lines() {
        let text = text.map_err(|e| format!("`{line}`: its output cannot be read: {e}"))?;
        println!("{text}");
        if keep(&text) {
            kept.push_back(text);
        }
    }
    let status = child.wait().map_err(|e| format!("`{line}`: {e}"))?;
    if status.success() {
        Ok(kept.into())
    } else {
        Err(format!("`{line}` failed ({status}); its messages are above"))
    }
}
