//! `help`: what can be typed at a place, in the language of the page.

use super::builtin::BUILTINS;
use super::stage::{Launch, Spot};
use super::{Session, remarks};
use crate::guest;
use crate::shell::nearest;
use std::fmt::Write as _;

/// What is typed most at a network, in the order in which `help` lists it.
const TOOLS: [&str; 30] = [
    "docker",
    "ping",
    "curl",
    "wget",
    "dig",
    "nslookup",
    "getent",
    "traceroute",
    "nc",
    "tcpdump",
    "arping",
    "ip",
    "ss",
    "iptables",
    "iptables-save",
    "iptables-restore",
    "conntrack",
    "bridge",
    "sysctl",
    "dhclient",
    "arp",
    "ifconfig",
    "route",
    "netstat",
    "systemctl",
    "service",
    "serve",
    "listen",
    "udpq",
    "python3",
];

/// Servers: `help` names them where an image brings them along, not on every computer of the street.
const SERVERS: [&str; 14] = [
    "catalina.sh",
    "dhcpd",
    "dnsd",
    "docker-proxy",
    "httpd",
    "httpd-foreground",
    "mongod",
    "mysqld",
    "nginx",
    "node",
    "postgres",
    "python",
    "redis-server",
    "whoami",
];

/// Where a word stands in the list: network tools, other programs, what the shell does itself, and
/// last its signs (`:`, `[`). Words of one rank go by name.
fn rank(word: &str) -> (usize, usize) {
    let of = |list: &[&str]| list.iter().position(|w| *w == word);
    match (of(&TOOLS), of(&SERVERS)) {
        (Some(at), _) => (0, at),
        (_, Some(at)) => (1, at),
        _ if !word.starts_with(char::is_alphabetic) => (4, 0),
        _ if BUILTINS.iter().any(|b| b.name == word) => (3, 0),
        _ => (2, 0),
    }
}

impl Session {
    /// `help`, `help COMMAND`.
    pub(super) fn help(&mut self, spot: Spot, args: &[String]) -> Launch {
        let known = self.known_words(spot.node, spot.machine);
        let Some(word) = args.first() else { return Launch::ok(self.overview(spot, known)) };
        if !known.contains(&word.as_str()) {
            let mut text = format!("help: no help topics match `{word}'.\n");
            if let Some(near) = nearest(word, known.into_iter()) {
                text += &remarks::near(self.lang, near);
            }
            return Launch::fail(text, 1);
        }
        let Some((usage, help)) = Self::usage_of(word) else { return Launch::default() };
        let mut text = format!("{usage}\n  {}\n", self.lang.of(help));
        for option in guest::info(word).map_or(&[][..], |i| i.options) {
            let mut names = option.names.join(", ");
            if !option.value.is_empty() {
                let _ = write!(names, " {}", option.value);
            }
            let _ = writeln!(text, "  {names:<24} {}", self.lang.of(option.help));
        }
        Launch::ok(text)
    }

    fn overview(&self, spot: Spot, mut known: Vec<&'static str>) -> String {
        let engine = self.nodes.get(spot.node).and_then(|n| n.engine.as_ref());
        if engine.is_none_or(|e| e.tools(spot.machine).is_none()) {
            known.retain(|word| !SERVERS.contains(word));
        }
        known.sort_by_key(|word| rank(word));
        let mut text = String::new();
        for word in known {
            if let Some((_, help)) = Self::usage_of(word) {
                let _ = writeln!(text, "{word:<16} {}", self.lang.of(help));
            }
        }
        text += self.lang.of(remarks::HELP);
        text
    }
}
