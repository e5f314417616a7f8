//! `getent`: what the resolver library says, with glibc's output format. Databases: hosts,
//! ahosts, ahostsv4.
//!
//! Not supported: other databases, IPv6.

use std::net::Ipv4Addr;

use crate::guest::dns::{AddrLookup, Found, HostLookup};
use crate::guest::options::{Opt, flag, parse};
use crate::guest::{Poll, Program, Signal, Sys};

/// The options of `getent`.
pub(super) const OPTIONS: &[Opt] = &[flag(&["--help"], "Give this help list", "도움말")];

const DATABASES: [&str; 3] = ["ahosts", "ahostsv4", "hosts"];
const HINT: &str = "Try `getent --help' or `getent --usage' for more information.\n";

/// The program.
#[derive(Debug, Clone)]
pub(super) struct Getent {
    args: Vec<String>,
    next: usize,
    lookup: Option<Lookup>,
    exit: i32,
}

#[derive(Debug, Clone)]
enum Lookup {
    Host(HostLookup),
    Addr(AddrLookup),
}

impl Getent {
    /// From a command line.
    pub(super) fn start(argv: &[String]) -> Box<dyn Program> {
        let args = argv.get(1..).unwrap_or_default().to_vec();
        Box::new(Self { args, next: 0, lookup: None, exit: 0 })
    }

    /// Refuses what cannot be looked up. Some: the end.
    fn check(&self, sys: &mut Sys<'_>) -> Option<i32> {
        let parsed = match parse(OPTIONS, &self.args) {
            Ok(parsed) => parsed,
            Err(e) => {
                sys.err(format!("getent: {e}\n{HINT}"));
                return Some(64);
            }
        };
        if parsed.has("--help") {
            let databases = DATABASES.join(" ");
            sys.out(format!(
                "Usage: getent [OPTION...] database [key ...]\nGet entries from administrative database.\n\n\
                 Supported databases:\n{databases}\n"
            ));
            return Some(0);
        }
        match parsed.operands.first().map(String::as_str) {
            None => {
                sys.err(format!("getent: wrong number of arguments\n{HINT}"));
                Some(1)
            }
            Some(database) if !DATABASES.contains(&database) => {
                sys.err(format!("Unknown database: {database}\n{HINT}"));
                Some(1)
            }
            Some(_) => None,
        }
    }

    fn print(&self, sys: &mut Sys<'_>, key: &str, found: &Found) {
        if self.args[0] == "hosts" {
            for addr in &found.addrs {
                sys.out(host_line(*addr, &found.name, &found.aliases));
            }
            return;
        }
        let canonical = if found.name.parse::<Ipv4Addr>().is_ok() { key } else { &found.name };
        let mut name = canonical;
        for addr in &found.addrs {
            for kind in ["STREAM", "DGRAM", "RAW"] {
                sys.out(format!("{:<15} {kind:<6} {name}\n", addr.to_string()));
                // Only the first line has the name.
                name = "";
            }
        }
    }
}

fn host_line(addr: Ipv4Addr, name: &str, aliases: &[String]) -> String {
    let mut line = format!("{:<15} {name}", addr.to_string());
    aliases.iter().for_each(|a| line += &format!(" {a}"));
    line + "\n"
}

impl Program for Getent {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        match sys.signal {
            Some(Signal::Term) => return Poll::Exit(143),
            Some(Signal::Int) => return Poll::Exit(130),
            _ => {}
        }
        if self.next == 0 {
            if let Some(code) = self.check(sys) {
                return Poll::Exit(code);
            }
            self.next = 1;
            if self.args.len() == 1 {
                return enumerate(sys);
            }
        }
        while let Some(key) = self.args.get(self.next).cloned() {
            let by_addr = self.args[0] == "hosts";
            let lookup = self.lookup.get_or_insert_with(|| match key.parse() {
                Ok(addr) if by_addr => Lookup::Addr(AddrLookup::new(addr)),
                _ => Lookup::Host(HostLookup::new(&key)),
            });
            let found = match lookup {
                Lookup::Host(lookup) => lookup.poll(sys),
                Lookup::Addr(lookup) => lookup.poll(sys),
            };
            match found {
                None => return Poll::Pending,
                Some(Ok(found)) => self.print(sys, &key, &found),
                Some(Err(_)) => self.exit = 2,
            }
            self.lookup = None;
            self.next += 1;
        }
        Poll::Exit(self.exit)
    }
    fn name(&self) -> &str {
        "getent"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// Without a key: all of `/etc/hosts`.
fn enumerate(sys: &mut Sys<'_>) -> Poll {
    let mut text = String::new();
    for line in sys.files.text("/etc/hosts").unwrap_or("").lines() {
        let mut words = line.split('#').next().unwrap_or("").split_whitespace();
        if let (Some(Ok(addr)), Some(name)) = (words.next().map(str::parse), words.next()) {
            let aliases: Vec<_> = words.map(str::to_owned).collect();
            text += &host_line(addr, name, &aliases);
        }
    }
    sys.out(text);
    Poll::Exit(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_address_in_a_column() {
        let line = host_line(Ipv4Addr::new(10, 0, 0, 2), "web", &["www".to_owned()]);
        assert_eq!(line, "10.0.0.2        web www\n");
    }
}
