//! The native program: the same core as the page, from a terminal. Teachers check exercises with
//! it, the tests use it.

#[cfg(not(target_arch = "wasm32"))]
mod bench;
#[cfg(not(target_arch = "wasm32"))]
mod lessons;
#[cfg(not(target_arch = "wasm32"))]
mod run;

#[cfg(not(target_arch = "wasm32"))]
const USAGE: &str = "\
netpier: a Docker network you can watch

Usage:
  netpier run LAB --at NODE[:CONTAINER] 'COMMAND' [--at ...]... [--why] [--trace]
              [--changes] [--lang en|ko] [--pcap OUT.pcapng] [--json]
              [--put PLACE PATH FILE]... [--get PLACE PATH FILE]...
  netpier conform DIR [--only REGEX] [--json]
  netpier bench [--no-trace] ITEM NUMBER...     (see benches/README.md)
  netpier lessons check [DIR]

`run` ends with the exit status of its last command. --why explains each one: why it failed, or the
way that what worked took.
LAB is a file or a built-in lab: ";

/// What the program can do. The labs are named as they are.
#[cfg(not(target_arch = "wasm32"))]
fn usage() -> String {
    format!("{USAGE}{}.\n", netpier::lab::Lab::builtin_names().join(", "))
}

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    if rest.iter().any(|a| matches!(a.as_str(), "-h" | "--help")) {
        print(&usage());
        return std::process::ExitCode::SUCCESS;
    }
    let status = match command.as_str() {
        "run" => run::main(rest),
        "conform" => conform(&rest),
        "lessons" => lessons::main(&rest),
        "bench" => bench::main(&rest),
        "" | "help" | "-h" | "--help" => {
            print(&usage());
            return std::process::ExitCode::SUCCESS;
        }
        other => Err(format!("there is no command {other:?}\n\n{}", usage())),
    };
    match status {
        Ok(code) => std::process::ExitCode::from(code),
        Err(message) => {
            eprintln!("netpier: {message}");
            std::process::ExitCode::from(2)
        }
    }
}

/// Prints at once. A reader that has gone (`| head`) ends the program quietly, as it ends others.
#[cfg(not(target_arch = "wasm32"))]
fn print(text: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
        std::process::exit(141);
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn conform(args: &[String]) -> Result<u8, String> {
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    let status = netpier::conform::run(args, &mut out, &mut err).map_err(|e| e.to_string())?;
    Ok(u8::try_from(status).unwrap_or(2))
}

#[cfg(target_arch = "wasm32")]
fn main() {}
