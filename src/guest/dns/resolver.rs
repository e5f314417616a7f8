//! The resolver library, as glibc has it (resolv.conf(5), nsswitch's `files dns`): `/etc/hosts`
//! first, then the servers of `/etc/resolv.conf` in order, each for `timeout` seconds, all of
//! them `attempts` times, over the search list.
//!
//! Not supported: `rotate`, `sortlist`, mDNS, caches of its own. Only A is asked, never AAAA.

use std::net::Ipv4Addr;

use super::ask::at;
use super::{Ask, AskError, Code, Data, Kind, Message, Question, reverse_name};
use crate::guest::{Files, Sys};
use crate::time::Duration;

/// Why a name has no address. `Display` is gai_strerror(3)'s text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// EAI_NONAME: the servers say that there is no such name.
    #[error("Name or service not known")]
    NotFound,
    /// EAI_AGAIN: no server answered, or it could not find out.
    #[error("Temporary failure in name resolution")]
    TryAgain,
    /// EAI_NODATA: the name exists, but has no address.
    #[error("No address associated with hostname")]
    NoAddress,
}

/// `/etc/resolv.conf`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolverConfig {
    /// Servers, in order; at most three.
    pub servers: Vec<Ipv4Addr>,
    /// Domains to append.
    pub search: Vec<String>,
    /// A name with at least so many dots is first tried as it is.
    pub ndots: usize,
    /// How long to wait for one server.
    pub timeout: Duration,
    /// How often to go through the servers.
    pub attempts: usize,
}

impl ResolverConfig {
    /// Reads a machine's `/etc/resolv.conf`; what is missing has glibc's defaults.
    pub fn read(files: &Files) -> Self {
        Self::parse(files.text("/etc/resolv.conf").unwrap_or(""))
    }

    /// Reads the text of a `resolv.conf`.
    pub fn parse(text: &str) -> Self {
        let mut config = Self {
            servers: Vec::new(),
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
        };
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") if config.servers.len() < 3 => {
                    config.servers.extend(words.next().and_then(|w| w.parse::<Ipv4Addr>().ok()));
                }
                // The last of these lines wins; `.` means no suffix.
                Some("search" | "domain") => {
                    config.search = words.filter(|w| *w != ".").map(str::to_owned).collect();
                }
                Some("options") => words.for_each(|w| config.option(w)),
                _ => {}
            }
        }
        if config.servers.is_empty() {
            config.servers.push(Ipv4Addr::LOCALHOST);
        }
        config
    }

    fn option(&mut self, word: &str) {
        let Some((name, value)) = word.split_once(':') else { return };
        let Ok(value) = value.parse::<u32>() else { return };
        // The bounds of resolv.h: RES_MAXNDOTS, RES_MAXRETRANS, RES_MAXRETRY.
        match name {
            "ndots" => self.ndots = value.min(15) as usize,
            "timeout" => self.timeout = Duration::from_secs(u64::from(value.clamp(1, 30))),
            "attempts" => self.attempts = value.clamp(1, 5) as usize,
            _ => {}
        }
    }

    /// The names to ask for `name`, in order (res_search in glibc's resolv/res_query.c).
    pub fn candidates(&self, name: &str) -> Vec<String> {
        if let Some(absolute) = name.strip_suffix('.') {
            return vec![absolute.to_owned()];
        }
        let as_is = name.bytes().filter(|b| *b == b'.').count() >= self.ndots;
        let searched = self.search.iter().map(|d| format!("{name}.{}", d.trim_end_matches('.')));
        let own = std::iter::once(name.to_owned());
        if as_is { own.chain(searched).collect() } else { searched.chain(own).collect() }
    }

    /// As [`Self::candidates`], as dig and nslookup do it: a name with `ndots` dots is not looked for in
    /// the domains after it was not found as it is (next_origin, bin/dig/dighost.c).
    pub fn dig_candidates(&self, name: &str) -> Vec<String> {
        let as_is = name.bytes().filter(|b| *b == b'.').count() >= self.ndots;
        if as_is && !name.ends_with('.') { vec![name.to_owned()] } else { self.candidates(name) }
    }
}

/// A name with its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The name that was found, which may be longer than the one that was asked.
    pub name: String,
    /// Other names of it, where `/etc/hosts` has some.
    pub aliases: Vec<String>,
    /// Addresses, in the order in which they are to be tried.
    pub addrs: Vec<Ipv4Addr>,
}

/// Name → addresses (getaddrinfo(3)).
#[derive(Debug, Clone)]
pub struct HostLookup {
    name: String,
    dns: Option<Box<Search>>,
}

impl HostLookup {
    /// A lookup of `name`, which may be an address.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), dns: None }
    }

    /// Goes on. None: an answer is awaited.
    pub fn poll(&mut self, sys: &mut Sys<'_>) -> Option<Result<Found, LookupError>> {
        if self.dns.is_none() {
            if let Some(addr) = inet_aton(&self.name) {
                return Some(Ok(Found { name: self.name.clone(), aliases: Vec::new(), addrs: vec![addr] }));
            }
            if let Some(found) = hosts_by_name(sys.files, &self.name) {
                return Some(Ok(found));
            }
            let config = ResolverConfig::read(sys.files);
            let candidates = config.candidates(&self.name);
            self.dns = Some(Box::new(Search::new(config, candidates, Kind::A)));
        }
        let search = self.dns.as_mut().expect("was just made");
        let (name, message) = match search.poll(sys)? {
            Ok(answer) => answer,
            Err(e) => return Some(Err(e)),
        };
        let addrs: Vec<_> = message
            .answers
            .iter()
            .filter_map(|r| if let Data::A(a) = r.data { Some(a) } else { None })
            .collect();
        Some(if addrs.is_empty() {
            Err(LookupError::NoAddress)
        } else {
            Ok(Found { name, aliases: Vec::new(), addrs })
        })
    }

    /// Gives up.
    pub fn cancel(self, sys: &mut Sys<'_>) {
        if let Some(ask) = self.dns.and_then(|d| d.ask) {
            ask.cancel(sys);
        }
    }
}

/// An address as inet_aton(3) reads it: one to four numbers, decimal, octal (`010`) or hexadecimal (`0xa`),
/// the last of which fills the bytes that are left. So `127.1` is 127.0.0.1 and `0` is 0.0.0.0.
pub fn inet_aton(text: &str) -> Option<Ipv4Addr> {
    let number = |part: &str| match (part.strip_prefix("0x").or(part.strip_prefix("0X")), part) {
        (Some(hex), _) => u32::from_str_radix(hex, 16).ok(),
        (None, "0") => Some(0),
        (None, part) if !part.bytes().all(|b| b.is_ascii_digit()) => None,
        (None, part) => match part.strip_prefix('0') {
            Some(octal) => u32::from_str_radix(octal, 8).ok(),
            None => part.parse().ok(),
        },
    };
    let parts: Vec<u32> = text.split('.').map(number).collect::<Option<_>>()?;
    let (last, bytes) = parts.split_last()?;
    if bytes.len() > 3 || bytes.iter().any(|b| *b > 255) {
        return None;
    }
    let left = 32 - 8 * bytes.len() as u32;
    let high = bytes.iter().enumerate().fold(0, |sum, (i, b)| sum | b << (24 - 8 * i));
    (u64::from(*last) < 1 << left).then(|| Ipv4Addr::from(high | last))
}

/// Address → name (getnameinfo(3)).
#[derive(Debug, Clone)]
pub struct AddrLookup {
    addr: Ipv4Addr,
    dns: Option<Box<Search>>,
}

impl AddrLookup {
    /// A lookup of the name of `addr`.
    pub fn new(addr: Ipv4Addr) -> Self {
        Self { addr, dns: None }
    }

    /// The address that is looked up.
    pub fn addr(&self) -> Ipv4Addr {
        self.addr
    }

    /// Goes on. None: an answer is awaited.
    pub fn poll(&mut self, sys: &mut Sys<'_>) -> Option<Result<Found, LookupError>> {
        if self.dns.is_none() {
            if let Some(found) = hosts_by_addr(sys.files, self.addr) {
                return Some(Ok(found));
            }
            let config = ResolverConfig::read(sys.files);
            self.dns = Some(Box::new(Search::new(config, vec![reverse_name(self.addr)], Kind::PTR)));
        }
        let search = self.dns.as_mut().expect("was just made");
        let answer = search.poll(sys)?.and_then(|(_, message)| {
            let name = message.answers.iter().find_map(|r| match &r.data {
                Data::Ptr(name) => Some(name.clone()),
                _ => None,
            });
            name.ok_or(LookupError::NoAddress)
        });
        Some(answer.map(|name| Found { name, aliases: Vec::new(), addrs: vec![self.addr] }))
    }

    /// Gives up.
    pub fn cancel(self, sys: &mut Sys<'_>) {
        if let Some(ask) = self.dns.and_then(|d| d.ask) {
            ask.cancel(sys);
        }
    }
}

/// The candidates, each asked of the servers in turn.
#[derive(Debug, Clone)]
struct Search {
    config: ResolverConfig,
    candidates: Vec<String>,
    kind: Kind,
    candidate: usize,
    /// Counts up over all attempts at all servers.
    turn: usize,
    ask: Option<Ask>,
    no_data: bool,
    failed: bool,
}

impl Search {
    fn new(config: ResolverConfig, candidates: Vec<String>, kind: Kind) -> Self {
        Self { config, candidates, kind, candidate: 0, turn: 0, ask: None, no_data: false, failed: false }
    }

    fn poll(&mut self, sys: &mut Sys<'_>) -> Option<Result<(String, Message), LookupError>> {
        loop {
            if let Some(ask) = &mut self.ask {
                let answer = ask.poll(sys)?;
                self.ask = None;
                if let Some(message) = self.judge(answer.map(|(m, _)| m)) {
                    let name = self.candidates[self.candidate].clone();
                    return Some(Ok((name, message)));
                }
            }
            let Some(name) = self.candidates.get(self.candidate) else {
                return Some(Err(match (self.failed, self.no_data) {
                    (true, _) => LookupError::TryAgain,
                    (_, true) => LookupError::NoAddress,
                    _ => LookupError::NotFound,
                }));
            };
            if self.turn == self.config.servers.len() * self.config.attempts {
                // No server answered: glibc does not go on to the next candidate either.
                return Some(Err(LookupError::TryAgain));
            }
            let server = self.config.servers[self.turn % self.config.servers.len()];
            let question = Question { name: name.clone(), kind: self.kind };
            match Ask::start(sys, at(server), &question, self.config.timeout) {
                Ok(ask) => self.ask = Some(ask),
                Err(AskError::BadName) => return Some(Err(LookupError::NotFound)),
                Err(_) => self.turn += 1,
            }
        }
    }

    /// The answer if it is one; otherwise moves on to the next server or the next candidate.
    fn judge(&mut self, answer: Result<Message, AskError>) -> Option<Message> {
        match answer {
            Ok(m) if m.code == Code::NoError && !m.answers.is_empty() => return Some(m),
            Ok(m) if m.code == Code::NoError => {
                self.no_data = true;
                self.next_candidate();
            }
            Ok(m) if m.code == Code::NxDomain => self.next_candidate(),
            // SERVFAIL, REFUSED and the like: the next server may know better.
            Ok(_) if self.turn + 1 == self.config.servers.len() * self.config.attempts => {
                self.failed = true;
                self.next_candidate();
            }
            Ok(_) | Err(_) => self.turn += 1,
        }
        None
    }

    fn next_candidate(&mut self) {
        self.candidate += 1;
        self.turn = 0;
    }
}

fn hosts(files: &Files) -> impl Iterator<Item = (Ipv4Addr, Vec<&str>)> {
    files.text("/etc/hosts").unwrap_or("").lines().filter_map(|line| {
        let mut words = line.split('#').next().unwrap_or("").split_whitespace();
        let addr = words.next()?.parse().ok()?;
        Some((addr, words.collect()))
    })
}

fn hosts_by_name(files: &Files, name: &str) -> Option<Found> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let mut found: Option<Found> = None;
    for (addr, names) in hosts(files) {
        if !names.iter().any(|n| n.eq_ignore_ascii_case(name)) {
            continue;
        }
        match &mut found {
            Some(found) if found.addrs.contains(&addr) => {}
            Some(found) => found.addrs.push(addr),
            None => found = Some(entry(addr, &names)),
        }
    }
    found
}

fn hosts_by_addr(files: &Files, addr: Ipv4Addr) -> Option<Found> {
    hosts(files).find(|(a, names)| *a == addr && !names.is_empty()).map(|(a, names)| entry(a, &names))
}

fn entry(addr: Ipv4Addr, names: &[&str]) -> Found {
    Found {
        name: names[0].to_owned(),
        aliases: names[1..].iter().map(|n| (*n).to_owned()).collect(),
        addrs: vec![addr],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolv_conf_is_read_with_its_options() {
        let config = ResolverConfig::parse(
            "# Generated by Docker Engine.\nnameserver 127.0.0.11\nsearch a.example b.example\n\
             options edns0 trust-ad ndots:0 timeout:1 attempts:99\n",
        );
        assert_eq!(config.servers, [Ipv4Addr::new(127, 0, 0, 11)]);
        assert_eq!((config.ndots, config.attempts), (0, 5));
        assert_eq!(config.timeout, Duration::from_secs(1));
    }

    #[test]
    fn without_a_resolv_conf_the_machine_asks_itself() {
        let config = ResolverConfig::parse("");
        assert_eq!((config.servers, config.attempts), (vec![Ipv4Addr::LOCALHOST], 2));
    }

    #[test]
    fn the_search_list_comes_before_or_after_by_the_dots() {
        let config = ResolverConfig::parse("search lan corp\n");
        let table: [(&str, &[&str]); 3] = [
            ("web", &["web.lan", "web.corp", "web"]),
            ("web.net", &["web.net", "web.net.lan", "web.net.corp"]),
            ("web.", &["web"]),
        ];
        for (name, expected) in table {
            assert_eq!(config.candidates(name), expected, "{name}");
        }
    }

    #[test]
    fn hosts_gives_all_addresses_of_a_name_and_the_first_name_of_an_address() {
        let mut files = Files::default();
        files
            .put("/etc/hosts", "127.0.0.1\tlocalhost\n::1 localhost\n10.0.0.2 web www # it\n10.0.0.3 WWW\n")
            .unwrap();
        let www = hosts_by_name(&files, "www").unwrap();
        assert_eq!((www.name.as_str(), www.addrs.len()), ("web", 2));
        assert_eq!(hosts_by_addr(&files, Ipv4Addr::new(10, 0, 0, 3)).unwrap().name, "WWW");
        assert_eq!(hosts_by_name(&files, "it"), None);
    }
}
