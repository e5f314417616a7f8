//! The docker command line: one table of commands and flags gives the parser, `--help`,
//! completion and "did you mean".
//!
//! Supported: what `table` lists, with flags as far as networking goes. Flags of `docker run` that
//! have nothing to do with networking are taken and named in the answer; whatever else is not
//! supported is refused by name, with the nearest supported word. Not supported: compose, stacks,
//! building images, volumes, contexts.

mod absent;
mod build;
mod content;
mod flags;
mod help;
mod ports;
mod render;
mod run_flags;
mod swarm;
mod table;
#[cfg(test)]
mod tests;
mod values;

pub use render::render;
pub use table::Wants;

use super::Request;
use super::near::{did_you_mean, nearest};
use build::Refusal;
use flags::{BadFlag, Flags};
use table::{CLIENT, Command, Count, Does, GROUPS, Makes, Takes, commands};

pub use help::Help;

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
    /// A text of the client's own.
    Help(Help),
}

/// Parses `args` (without the word `docker`).
///
/// # Errors
/// In docker's words.
pub fn parse(args: &[String]) -> Result<Parsed, CliError> {
    let mut own = flags::read(&CLIENT, args).map_err(|bad| flag_error(&CLIENT, &[], bad))?;
    if own.help || (args.is_empty() && own.set.is_empty()) {
        return Ok(Parsed::Help(Help { to_stderr: !own.help, ..help::of_docker() }));
    }
    if let Some((flag, _)) = own.set.iter().find(|(f, _)| matches!(f.does, Does::Refused(_))) {
        let Does::Refused(instead) = flag.does else { unreachable!("it was just looked at") };
        return Err(CliError::plain(format!("--{} is not supported in netpier; {instead}\n", flag.name)));
    }
    if let Some(level) = own.last("log-level").filter(|l| !LEVELS.contains(l)) {
        return Err(CliError::plain(format!("Unable to parse logging level: {level}\n")));
    }
    if own.on("version") {
        let text = format!("Docker version {}, build netpier\n", super::image::ENGINE_VERSION);
        return Ok(Parsed::Help(Help { text, ..Help::default() }));
    }
    let args = std::mem::take(&mut own.args);
    let Some(first) = args.first() else {
        return Ok(Parsed::Help(Help { to_stderr: true, ..help::of_docker() }));
    };
    if first == "help" {
        return help_on(&args[1..]);
    }
    match find(&args) {
        Some((command, used)) => parse_command(command, &args[..used], &args[used..]),
        None if GROUPS.iter().any(|(name, _)| name == first) => in_group(first, &args[1..]),
        None => Err(unknown_command(first)),
    }
}

/// Levels of the client's log (sirupsen/logrus).
const LEVELS: [&str; 8] = ["panic", "fatal", "error", "warn", "warning", "info", "debug", "trace"];

/// What a command calls itself when it was called by `typed`: a command in a group has a name of its
/// own there; a second name of the same one (`list`, `remove`) does not count.
fn own_name<'a>(command: &Command, typed: &'a [String]) -> Vec<&'a str> {
    let words: Vec<&str> = typed.iter().map(String::as_str).collect();
    match (words.as_slice(), command.makes) {
        ([group, "list"], _) => vec![group, "ls"],
        ([group, "remove"], _) => vec![group, "rm"],
        (["container", "ps"], _) => vec!["container", "ls"],
        _ => words,
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

fn parse_command(command: &'static Command, typed: &[String], words: &[String]) -> Result<Parsed, CliError> {
    let name = own_name(command, typed);
    let flags = match (flags::read(command, words), command.makes) {
        // Its flags are not known here.
        (Err(bad), Makes::Absent(_)) if bad.unknown.is_some() => Flags::default(),
        (read, _) => read.map_err(|bad| flag_error(command, &name, bad))?,
    };
    // The client shows its help where an update says nothing.
    let nothing = command.makes == Makes::Swarm(table::SwarmWord::Update)
        && flags.set.is_empty()
        && flags.args.is_empty();
    if flags.help || nothing {
        return Ok(Parsed::Help(help::of_command(command, &name)));
    }
    check_count(command, &name, flags.args.len())?;
    if let Makes::Absent(instead) = command.makes {
        return Err(CliError::plain(format!(
            "docker {} is not part of netpier. Nearest: {instead}\n",
            name.join(" ")
        )));
    }
    build::request(command, flags).map(Parsed::Request).map_err(|refusal| match refusal {
        Refusal::Flag(bad) => flag_error(command, &name, bad),
        Refusal::Client(message) if matches!(command.makes, Makes::Run | Makes::Create) => CliError {
            message: format!("docker: {message}\n\n{}\n", pointer(&name)),
            exit: 125,
            note: String::new(),
        },
        Refusal::Client(message) | Refusal::Plain(message) => CliError::plain(format!("{message}\n")),
    })
}

fn pointer(name: &[&str]) -> String {
    let words: Vec<&str> = std::iter::once("docker").chain(name.iter().copied()).collect();
    format!("Run '{} --help' for more information", words.join(" "))
}

fn flag_error(command: &Command, name: &[&str], bad: BadFlag) -> CliError {
    let message = format!("{}\n\nUsage:  {}\n\n{}\n", bad.message, help::usage(command, name), pointer(name));
    let near = bad.unknown.and_then(|word| nearest(&word, command.flags().map(|f| f.name)));
    let note = near.map(|near| did_you_mean(&format!("--{near}"))).unwrap_or_default();
    CliError { message, note, exit: 125 }
}

fn check_count(command: &Command, name: &[&str], given: usize) -> Result<(), CliError> {
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
    let path = name.join(" ");
    let message = format!(
        "docker: 'docker {path}' {wants}\n\nUsage:  {}\n\n{run} 'docker {path} --help' for more information\n",
        help::usage(command, name)
    );
    Err(CliError::plain(message))
}

fn in_group(group: &str, rest: &[String]) -> Result<Parsed, CliError> {
    // A group takes no arguments, and says so in its usage; `volume` has one of its own.
    let usage = if group == "volume" { "COMMAND" } else { "" };
    let command = Command { usage, ..CLIENT };
    let flags = flags::read(&Command { flags: &[], ..command }, rest).map_err(|bad| {
        let mut error = flag_error(&command, &[group], bad);
        error.message = error.message.replace(&format!("docker {group} \n"), &format!("docker {group}\n"));
        error
    })?;
    let Some(word) = flags.args.first().filter(|_| !flags.help) else {
        if subcommands(group).next().is_none() {
            return Err(CliError::plain(format!("docker {group} is not part of netpier\n")));
        }
        return Ok(Parsed::Help(Help { to_stderr: !flags.help, ..help::of_group(group) }));
    };
    let usage = format!("docker {group} {usage}");
    let message = format!(
        "docker: unknown command: docker {group} {word}\n\nUsage:  {}\n\n\
         Run 'docker {group} --help' for more information\n",
        usage.trim_end()
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
    let message =
        format!("docker: unknown command: docker {word}\n\nRun 'docker --help' for more information\n");
    let near = nearest(word, top_words());
    let note = match absent::PLUGINS.iter().find(|p| p.0 == word) {
        Some((_, instead)) => format!("netpier: docker {word} is not here. Nearest: {instead}\n"),
        None => near.map(|near| did_you_mean(&format!("docker {near}"))).unwrap_or_default(),
    };
    CliError { message, note, exit: 1 }
}

fn help_on(words: &[String]) -> Result<Parsed, CliError> {
    if words.is_empty() {
        return Ok(Parsed::Help(help::of_docker()));
    }
    match find(words) {
        Some((command, used)) if used == words.len() => {
            Ok(Parsed::Help(help::of_command(command, &own_name(command, words))))
        }
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

/// Ports of `EXPOSE`, as `--expose` takes them.
pub(super) fn exposed(text: &str) -> Result<Vec<(u16, crate::wire::Protocol)>, String> {
    ports::expose(text)
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
        | Request::Commit(_)
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
        | Request::Attach { .. }
        | Request::Copy(_)
        | Request::Diff { .. }
        | Request::History { .. }
        | Request::Export { .. }
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
