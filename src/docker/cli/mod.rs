//! The docker command line: one table of commands and flags gives the parser, `--help`,
//! completion and "did you mean".
//!
//! Supported: what `table` lists, with flags as far as networking goes. Flags of `docker run` that
//! have nothing to do with networking are taken and named in the answer; whatever else is not
//! supported is refused by name, with the nearest supported word. Not supported: compose, stacks,
//! building images, volumes, contexts.

mod build;
mod flags;
mod help;
mod ports;
mod render;
mod run_flags;
mod swarm;
mod table;
#[cfg(test)]
mod tests;

pub use render::render;
pub use table::Wants;

use super::Request;
use super::near::{did_you_mean, nearest};
use build::Refusal;
use flags::BadFlag;
use table::{ABSENT, Command, Count, GROUPS, Makes, Takes, commands};

/// What the docker client says of a command line that it cannot take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliError {
    /// Goes to stderr, in docker's words.
    pub message: String,
    /// What netpier remarks on it: the nearest known word, where one is near.
    pub note: String,
    /// 125 for a bad flag and for `docker run`, else 1.
    pub exit: i32,
}

impl CliError {
    /// With exit status 1, and nothing to remark.
    fn plain(message: String) -> Self {
        Self { message, note: String::new(), exit: 1 }
    }
}

/// A parsed command line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // one at a time, for a moment
pub enum Parsed {
    /// For the engine.
    Request(Request),
    /// Help text for stdout.
    Help(String),
}

/// Parses `args` (without the word `docker`).
///
/// # Errors
/// In docker's words.
pub fn parse(args: &[String]) -> Result<Parsed, CliError> {
    let Some(first) = args.first() else { return Ok(Parsed::Help(help::of_docker())) };
    match first.as_str() {
        "--help" | "-h" => return Ok(Parsed::Help(help::of_docker())),
        "help" => return help_on(&args[1..]),
        "--version" | "-v" => {
            return Ok(Parsed::Help(format!(
                "Docker version {}, build netpier\n",
                super::image::ENGINE_VERSION
            )));
        }
        flag if flag.starts_with('-') => return Err(unknown_global(flag)),
        _ => {}
    }
    match find(args) {
        Some((command, used)) => parse_command(command, &args[used..]),
        None if GROUPS.iter().any(|(name, _)| name == first) => in_group(first, args.get(1)),
        None => Err(unknown_command(first)),
    }
}

/// The command that `words` begin with, and how many of them name it.
fn find(words: &[String]) -> Option<(&'static Command, usize)> {
    commands().find_map(|command| {
        std::iter::once(&command.path)
            .chain(command.aliases)
            .find(|path| words.len() >= path.len() && path.iter().zip(words).all(|(p, w)| p == w))
            .map(|path| (command, path.len()))
    })
}

fn parse_command(command: &'static Command, words: &[String]) -> Result<Parsed, CliError> {
    let flags = flags::read(command, words).map_err(|bad| flag_error(command, bad))?;
    if flags.help {
        return Ok(Parsed::Help(help::of_command(command)));
    }
    check_count(command, flags.args.len())?;
    build::request(command, flags).map(Parsed::Request).map_err(|refusal| match refusal {
        Refusal::Flag(bad) => flag_error(command, bad),
        Refusal::Client(message) if matches!(command.makes, Makes::Run | Makes::Create) => CliError {
            message: format!("docker: {message}\n\n{}\n", pointer(command)),
            exit: if command.makes == Makes::Run { 125 } else { 1 },
            note: String::new(),
        },
        Refusal::Client(message) | Refusal::Plain(message) => CliError::plain(format!("{message}\n")),
    })
}

fn pointer(command: &Command) -> String {
    format!("Run 'docker {} --help' for more information", command.path.join(" "))
}

fn flag_error(command: &Command, bad: BadFlag) -> CliError {
    let message = format!("{}\n\nUsage:  {}\n\n{}\n", bad.message, help::usage(command), pointer(command));
    let near = bad.unknown.and_then(|word| nearest(&word, command.flags().map(|f| f.name)));
    let note = near.map(|near| did_you_mean(&format!("--{near}"))).unwrap_or_default();
    CliError { message, note, exit: 125 }
}

fn unknown_global(flag: &str) -> CliError {
    let message = format!(
        "unknown flag: {flag}\n\nUsage:  docker [OPTIONS] COMMAND [ARG...]\n\n\
         Run 'docker --help' for more information\n"
    );
    CliError { message, note: String::new(), exit: 125 }
}

fn check_count(command: &Command, given: usize) -> Result<(), CliError> {
    let plural = |n: usize| if n == 1 { "argument" } else { "arguments" };
    let wants = match command.count {
        Count::Exactly(n) if given == n => return Ok(()),
        Count::AtLeast(n) if given >= n => return Ok(()),
        Count::Between(low, high) if (low..=high).contains(&given) => return Ok(()),
        Count::Exactly(0) => "accepts no arguments".to_owned(),
        Count::Exactly(n) => format!("requires {n} {}", plural(n)),
        Count::Between(0, high) => format!("requires at most {high} {}", plural(high)),
        Count::AtLeast(n) => format!("requires at least {n} {}", plural(n)),
        Count::Between(low, high) => {
            format!("requires at least {low} and at most {high} {}", plural(high))
        }
    };
    // The client says "See" here, "SRun" there, and "Run" elsewhere (docker/cli, cli/required.go).
    let run = match command.count {
        Count::AtLeast(_) => "See",
        Count::Between(0, _) => "SRun",
        _ => "Run",
    };
    let path = command.path.join(" ");
    let message = format!(
        "docker: 'docker {path}' {wants}\n\nUsage:  {}\n\n{run} 'docker {path} --help' for more information\n",
        help::usage(command)
    );
    Err(CliError::plain(message))
}

fn in_group(group: &str, word: Option<&String>) -> Result<Parsed, CliError> {
    let Some(word) = word.filter(|w| !w.starts_with('-')) else {
        return Ok(Parsed::Help(help::of_group(group)));
    };
    if let Some((_, instead)) = ABSENT.iter().find(|(path, _)| *path == [group, word.as_str()]) {
        let message = format!("docker {group} {word} is not part of netpier. Nearest: {instead}\n");
        return Err(CliError::plain(message));
    }
    let message = format!(
        "docker: unknown command: docker {group} {word}\n\nUsage:  docker {group}\n\n\
         Run 'docker {group} --help' for more information\n"
    );
    let near = nearest(word, subcommands(group));
    let note = near.map(|near| did_you_mean(&format!("docker {group} {near}"))).unwrap_or_default();
    Err(CliError { message, note, exit: 1 })
}

fn subcommands(group: &str) -> impl Iterator<Item = &'static str> {
    commands().flat_map(|c| std::iter::once(&c.path).chain(c.aliases)).filter_map(move |p| match p {
        [first, second] if *first == group => Some(*second),
        _ => None,
    })
}

fn top_words() -> impl Iterator<Item = &'static str> {
    commands().filter(|c| c.path.len() == 1).map(|c| c.path[0]).chain(GROUPS.iter().map(|g| g.0))
}

/// What only a manager of a swarm answers; this engine is none, and says so as Docker does.
const SWARM_ONLY: [&str; 3] = ["config", "secret", "stack"];

fn unknown_command(word: &str) -> CliError {
    if SWARM_ONLY.contains(&word) {
        let message = format!("Error response from daemon: {}\n", super::network::NO_SWARM);
        return CliError::plain(message);
    }
    if let Some((_, instead)) = ABSENT.iter().find(|(path, _)| *path == [word]) {
        let message = format!("docker {word} is not part of netpier. Nearest: {instead}\n");
        return CliError::plain(message);
    }
    let message =
        format!("docker: unknown command: docker {word}\n\nRun 'docker --help' for more information\n");
    let near = nearest(word, top_words());
    let note = near.map(|near| did_you_mean(&format!("docker {near}"))).unwrap_or_default();
    CliError { message, note, exit: 1 }
}

fn help_on(words: &[String]) -> Result<Parsed, CliError> {
    if words.is_empty() {
        return Ok(Parsed::Help(help::of_docker()));
    }
    match find(words) {
        Some((command, used)) if used == words.len() => Ok(Parsed::Help(help::of_command(command))),
        _ if words.len() == 1 && GROUPS.iter().any(|g| g.0 == words[0]) => {
            Ok(Parsed::Help(help::of_group(&words[0])))
        }
        _ => Err(CliError::plain(format!("unknown help topic: {}\n", words.join(" ")))),
    }
}

/// `80` or `8000-8010`.
pub(super) fn port_range(text: &str) -> Option<(u16, u16)> {
    ports::range(text)
}

/// True if the request changes Docker's state (and so belongs into the lab's list).
pub fn mutates(request: &Request) -> bool {
    match request {
        Request::Run(_)
        | Request::Create(_)
        | Request::Start { .. }
        | Request::Stop { .. }
        | Request::Restart { .. }
        | Request::Kill { .. }
        | Request::Pause { .. }
        | Request::Unpause { .. }
        | Request::Rename { .. }
        | Request::Tag { .. }
        | Request::Rmi { .. }
        | Request::Update { .. }
        | Request::ContainerPrune { .. }
        | Request::Rm { .. }
        | Request::NetworkCreate(_)
        | Request::NetworkRm { .. }
        | Request::NetworkConnect { .. }
        | Request::NetworkDisconnect { .. }
        | Request::NetworkPrune { .. } => true,
        Request::Swarm(request) => request.mutates(),
        Request::Ps { .. }
        | Request::Wait { .. }
        | Request::Exec { .. }
        | Request::Inspect { .. }
        | Request::Port { .. }
        | Request::Logs { .. }
        | Request::Events(_)
        | Request::Images { .. }
        | Request::Pull { .. }
        | Request::Version { .. }
        | Request::Info { .. }
        | Request::Top { .. }
        | Request::Stats { .. }
        | Request::ImagePrune { .. }
        | Request::NetworkLs { .. }
        | Request::NetworkInspect { .. } => false,
    }
}

/// What could stand at the end of a docker command line: `words` are those before it (without
/// `docker`), `last` what is typed of it. Subcommands and flags only, sorted; the caller adds names
/// of containers, networks and images from the engine where [`Wants`] says so.
pub fn complete(words: &[String], last: &str) -> (Vec<String>, Wants) {
    let sorted = |all: Vec<String>| {
        let mut all: Vec<String> = all.into_iter().filter(|w| w.starts_with(last)).collect();
        all.sort();
        all.dedup();
        all
    };
    let Some((command, used)) = find(words) else {
        let known: Vec<String> = match words {
            [] => top_words().map(str::to_owned).collect(),
            [group] => subcommands(group).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        return (sorted(known), Wants::Nothing);
    };
    let after = &words[used..];
    if let Some(wants) = value_wanted(command, after) {
        return (Vec::new(), wants);
    }
    if last.starts_with('-') {
        let flags = command.flags().filter(|f| !f.help.is_empty());
        let mut all: Vec<String> = flags.clone().map(|f| format!("--{}", f.name)).collect();
        all.push("--help".to_owned());
        if !last.starts_with("--") {
            all.extend(flags.filter_map(|f| f.short).map(|c| format!("-{c}")));
        }
        return (sorted(all), Wants::Nothing);
    }
    let given = flags::read(command, after).map(|f| f.args.len()).unwrap_or(0);
    let wants = command.wants.get(given).or(command.wants.last()).copied().unwrap_or(Wants::Nothing);
    (Vec::new(), wants)
}

/// If the last of `words` is a flag that waits for its value: what kind of name that is.
fn value_wanted(command: &Command, words: &[String]) -> Option<Wants> {
    let word = words.last()?;
    let flag = match word.strip_prefix("--") {
        Some(long) => command.flags().find(|f| f.name == long),
        None => {
            let letter = word.strip_prefix('-')?.chars().last()?;
            command.flags().find(|f| f.short == Some(letter))
        }
    }?;
    match flag.takes {
        Takes::Bool => None,
        Takes::Value(_) if matches!(flag.name, "network" | "net") => Some(Wants::Network),
        Takes::Value(_) if flag.name == "link" => Some(Wants::Container),
        Takes::Value(_) => Some(Wants::Nothing),
    }
}
