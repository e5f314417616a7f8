//! `--help`, laid out as the docker client lays it out.

use super::table::{Command, Does, Flag, GLOBAL, GROUPS, Makes, Takes, commands};
use std::fmt::Write;

/// Columns of a terminal that docker cannot ask for its width, less one (cli/cobra.go).
const WIDTH: usize = 79;

/// A text of help.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Help {
    /// In docker's words.
    pub text: String,
    /// What netpier remarks on it: what has no effect here, what is not here.
    pub note: String,
    /// It goes to stderr: nothing was asked.
    pub to_stderr: bool,
}

/// The whole help of a command that was called by `path`.
pub(super) fn of_command(command: &Command, path: &[&str]) -> Help {
    let mut text = format!("Usage:  {}\n\n{}\n", usage(command, path), command.help);
    if !command.aliases.is_empty() {
        // The client's own name of a command is the one with its group; a short one comes last.
        let mut paths = command.aliases.to_vec();
        paths.insert(if command.path.len() == 1 { paths.len() } else { 0 }, command.path);
        let names: Vec<String> = paths.iter().map(|p| format!("docker {}", p.join(" "))).collect();
        let _ = write!(text, "\nAliases:\n  {}\n", names.join(", "));
    }
    let mut flags: Vec<&Flag> = command.flags().filter(|f| !f.help.is_empty()).collect();
    flags.sort_by_key(|f| f.name);
    let mut note = String::new();
    for flag in &flags {
        match flag.does {
            Does::Works => {}
            Does::Nothing => _ = writeln!(note, "netpier: --{} has no effect here", flag.name),
            Does::Refused(instead) => _ = writeln!(note, "netpier: --{} is not here; {instead}", flag.name),
        }
    }
    if !flags.is_empty() {
        text.push_str("\nOptions:\n");
        text.push_str(&options(&flags));
    }
    Help { text, note, to_stderr: false }
}

/// The lines of options (spf13/pflag, FlagUsagesWrapped).
fn options(flags: &[&Flag]) -> String {
    let left: Vec<String> = flags.iter().map(|f| left_column(f)).collect();
    let indent = left.iter().map(String::len).max().unwrap_or(0) + 3;
    let mut text = String::new();
    for (flag, left) in flags.iter().zip(left) {
        let lines = wrapped(flag.help, indent).replace('\n', &format!("\n{:indent$}", ""));
        let _ = writeln!(text, "{left:indent$}{lines}");
    }
    text
}

/// `text` in lines that fit behind `indent` columns (spf13/pflag, wrap): a few letters over are better
/// than a last line of one word.
fn wrapped(text: &str, indent: usize) -> String {
    const SLOP: usize = 5;
    let room = WIDTH.saturating_sub(indent).saturating_sub(SLOP).max(20);
    let mut lines = Vec::new();
    let mut rest = text;
    loop {
        let cut = rest.get(..room).filter(|_| room + SLOP <= rest.len());
        let Some((head, blank)) = cut.and_then(|head| Some((head, head.rfind([' ', '\t', '\n'])?))) else {
            lines.push(rest);
            return lines.join("\n");
        };
        let at = head.rfind('\n').filter(|at| *at > 0 && *at < blank).unwrap_or(blank);
        lines.push(&rest[..at]);
        rest = &rest[at + 1..];
    }
}

fn left_column(flag: &Flag) -> String {
    let short = flag.short.map_or_else(|| "    ".to_owned(), |c| format!("-{c}, "));
    match flag.takes {
        Takes::Bool => format!("  {short}--{}", flag.name),
        Takes::Value(word) => format!("  {short}--{} {word}", flag.name),
    }
}

/// `docker network create [OPTIONS] NETWORK`.
pub(super) fn usage(command: &Command, path: &[&str]) -> String {
    let words: Vec<&str> = std::iter::once("docker").chain(path.iter().copied()).collect();
    format!("{} {}", words.join(" "), command.usage)
}

/// Help of a group: `docker network --help`.
pub(super) fn of_group(group: &str) -> Help {
    let about = GROUPS.iter().find(|(name, _)| *name == group).map_or("", |(_, about)| *about);
    let mut rows: Vec<(&str, &str)> = Vec::new();
    let mut note = String::new();
    for command in commands() {
        let paths = std::iter::once(&command.path).chain(command.aliases);
        for path in paths {
            if let [first, second] = path
                && *first == group
                && !rows.iter().any(|r| r.1 == command.help)
            {
                rows.push((second, command.help));
                if let Makes::Absent(_) = command.makes {
                    let _ = writeln!(note, "netpier: docker {group} {second} is not here");
                }
            }
        }
    }
    rows.sort_unstable();
    let width = rows.iter().map(|r| r.0.len()).max().unwrap_or(0).max(11);
    let mut text = format!("Usage:  docker {group} COMMAND\n\n{about}\n\nCommands:\n");
    for (name, about) in rows {
        let _ = writeln!(text, "  {name:width$} {about}");
    }
    let _ = write!(text, "\nRun 'docker {group} COMMAND --help' for more information on a command.\n");
    Help { text, note, to_stderr: false }
}

/// Commands that the client lists first, in its order.
const COMMON: [&str; 12] =
    ["run", "exec", "ps", "build", "pull", "push", "images", "login", "logout", "search", "version", "info"];
/// Groups of a swarm's.
const OF_SWARM: [&str; 3] = ["node", "service", "swarm"];

/// `docker --help`.
pub(super) fn of_docker() -> Help {
    let mut text =
        String::from("Usage:  docker [OPTIONS] COMMAND\n\nA self-sufficient runtime for containers\n");
    let mut list = |title: &str, rows: &mut dyn Iterator<Item = (&str, &str)>| {
        let _ = write!(text, "\n{title}:\n");
        for (name, about) in rows {
            let _ = writeln!(text, "  {name:11} {about}");
        }
    };
    let single = || commands().filter(|c| c.path.len() == 1);
    let common = |name: &str| single().find(|c| c.path[0] == name).map(|c| (c.path[0], c.help));
    list("Common Commands", &mut COMMON.iter().filter_map(|name| common(name)));
    let is_of_swarm = |name: &str| OF_SWARM.contains(&name);
    list("Management Commands", &mut GROUPS.iter().filter(|g| !is_of_swarm(g.0)).copied());
    // The others show in a swarm only.
    list("Swarm Commands", &mut GROUPS.iter().filter(|g| g.0 == "swarm").copied());
    let mut rest: Vec<&Command> = single().filter(|c| !COMMON.contains(&c.path[0])).collect();
    rest.sort_by_key(|c| c.path);
    list("Commands", &mut rest.iter().map(|c| (c.path[0], c.help)));
    let mut globals: Vec<&Flag> = GLOBAL.iter().collect();
    globals.sort_by_key(|f| f.name);
    let _ = write!(text, "\nGlobal Options:\n{}", options(&globals));
    text.push_str(
        "\nRun 'docker COMMAND --help' for more information on a command.\n\n\
         For more help on how to use Docker, head to https://docs.docker.com/go/guides/\n",
    );
    let absent = commands().filter(|c| matches!(c.makes, Makes::Absent(_)));
    let absent: Vec<String> = absent.map(|c| c.path.join(" ")).collect();
    let note = format!("netpier: not here are {}\n", absent.join(", "));
    Help { text, note, to_stderr: false }
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn help_is_broken_into_lines_as_the_client_breaks_it() {
        let text = "Highest gw-priority provides the default gateway. Accepts positive and negative values.";
        let want = "Highest gw-priority provides the default\ngateway. Accepts positive and negative values.";
        assert_eq!(wrapped(text, 32), want);
        assert_eq!(wrapped("short", 32), "short");
    }
}
