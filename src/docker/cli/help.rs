//! `--help`, laid out as the docker client lays it out.

use super::table::{ABSENT, Command, Does, Flag, GROUPS, Takes, commands};
use std::fmt::Write;

/// The whole help of a command.
pub(super) fn of_command(command: &Command) -> String {
    let mut text = format!("Usage:  {}\n\n{}\n", usage(command), command.help);
    if !command.aliases.is_empty() {
        // The client's own name of a command is the one with its group; a short one comes last.
        let mut paths = command.aliases.to_vec();
        paths.insert(if command.path.len() == 1 { paths.len() } else { 0 }, command.path);
        let names: Vec<String> = paths.iter().map(|p| format!("docker {}", p.join(" "))).collect();
        let _ = write!(text, "\nAliases:\n  {}\n", names.join(", "));
    }
    let mut flags: Vec<&Flag> = command.flags().filter(|f| !f.help.is_empty()).collect();
    flags.sort_by_key(|f| f.name);
    if flags.is_empty() {
        return text;
    }
    let left: Vec<String> = flags.iter().map(|f| left_column(f)).collect();
    let width = left.iter().map(String::len).max().unwrap_or(0) + 3;
    text.push_str("\nOptions:\n");
    for (flag, left) in flags.iter().zip(left) {
        let note = match flag.does {
            Does::Works => String::new(),
            Does::Nothing => " (no effect in netpier)".to_owned(),
            Does::Refused(instead) => format!(" (not in netpier; {instead})"),
        };
        let _ = writeln!(text, "{left:width$}{}{note}", flag.help);
    }
    text
}

fn left_column(flag: &Flag) -> String {
    let short = flag.short.map_or_else(|| "    ".to_owned(), |c| format!("-{c}, "));
    match flag.takes {
        Takes::Bool => format!("  {short}--{}", flag.name),
        Takes::Value(word) => format!("  {short}--{} {word}", flag.name),
    }
}

/// `docker network create [OPTIONS] NETWORK`.
pub(super) fn usage(command: &Command) -> String {
    format!("docker {} {}", command.path.join(" "), command.usage)
}

/// Help of a group: `docker network --help`.
pub(super) fn of_group(group: &str) -> String {
    let about = GROUPS.iter().find(|(name, _)| *name == group).map_or("", |(_, about)| *about);
    let mut rows: Vec<(&str, &str)> = Vec::new();
    for command in commands() {
        let paths = std::iter::once(&command.path).chain(command.aliases);
        for path in paths {
            if let [first, second] = path
                && *first == group
                && !rows.iter().any(|r| r.1 == command.help)
            {
                rows.push((second, command.help));
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
    text
}

/// `docker --help`.
pub(super) fn of_docker() -> String {
    let mut text =
        String::from("Usage:  docker [OPTIONS] COMMAND\n\nA self-sufficient runtime for containers\n");
    text.push_str("\nManagement Commands:\n");
    for (name, about) in GROUPS {
        let _ = writeln!(text, "  {name:11} {about}");
    }
    text.push_str("\nCommands:\n");
    let mut single: Vec<&Command> = commands().filter(|c| c.path.len() == 1).collect();
    single.sort_by_key(|c| c.path);
    for command in single {
        let _ = writeln!(text, "  {:11} {}", command.path[0], command.help);
    }
    let absent: Vec<String> = ABSENT.iter().map(|(path, _)| path.join(" ")).collect();
    let _ = write!(text, "\nNot in netpier:\n  {}\n", absent.join(", "));
    text.push_str("\nRun 'docker COMMAND --help' for more information on a command.\n");
    text
}
