//! `nslookup`: DNS questions asked directly, past `/etc/hosts`, with the texts of BIND 9.20's
//! tool, or busybox's where the machine has it.
//!
//! Not supported: interactive mode.

use std::net::Ipv4Addr;

use super::usage::{self, Early};
use crate::guest::dns::{
    Ask, AskError, Code, Data, HostLookup, Kind, Message, Question, Record, ResolverConfig, reverse_name,
};
use crate::guest::options::{Opt, value};
use crate::guest::{Poll, Program, Signal, Sys};
use crate::stack::Errno;
use crate::time::Duration;
use crate::wire::Endpoint;

/// The options of `nslookup`.
pub(super) const NSLOOKUP_OPTIONS: &[Opt] = &[
    value(&["-type", "-query", "-q"], "A|PTR|…", "type of the record", "레코드 종류"),
    value(&["-timeout"], "seconds", "how long to wait for an answer", "응답을 기다릴 시간(초)"),
    value(&["-port"], "port", "the server's port", "서버 포트"),
];

/// The program.
#[derive(Debug, Clone)]
pub(super) struct Query {
    config: Result<Config, Early>,
    state: State,
}

#[derive(Debug, Clone, Default)]
struct Config {
    name: String,
    kind: Option<Kind>,
    server: Option<String>,
    search: bool,
    port: u16,
    timeout_secs: u64,
    tries: usize,
}

#[derive(Debug, Clone)]
enum State {
    Start,
    Server(HostLookup),
    Asking(Asking),
}

#[derive(Debug, Clone)]
struct Asking {
    servers: Vec<Ipv4Addr>,
    names: Vec<String>,
    kind: Kind,
    name: usize,
    server: usize,
    /// Attempts at the present name so far.
    tried: usize,
    ask: Option<Ask>,
}

impl Query {
    /// `nslookup`, from a command line.
    pub(super) fn nslookup(argv: &[String]) -> Box<dyn Program> {
        let config = nslookup_config(argv.get(1..).unwrap_or_default());
        Box::new(Self { config, state: State::Start })
    }
}

fn nslookup_config(args: &[String]) -> Result<Config, Early> {
    let mut config = Config { port: 53, timeout_secs: 5, tries: 3, search: true, ..Config::default() };
    let mut operands = Vec::new();
    for arg in args {
        let Some(option) = arg.strip_prefix('-').filter(|o| !o.is_empty()) else {
            operands.push(arg.clone());
            continue;
        };
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let number = value.parse::<u16>().ok().filter(|n| *n > 0);
        match (name, number) {
            ("type" | "query" | "q" | "ty" | "querytype", _) => match Kind::named(value) {
                Some(kind) => config.kind = Some(kind),
                None => return Err((1, format!("unknown query type: {value}\n"))),
            },
            ("timeout", Some(n)) => config.timeout_secs = u64::from(n),
            // One attempt is made in any case.
            ("retry", _) if value.parse::<u16>().is_ok() => {
                config.tries = value.parse().unwrap_or(1).max(1);
            }
            ("port", Some(n)) => config.port = n,
            ("debug" | "nodebug", _) => {}
            _ => return Err((1, format!("*** Invalid option: {option}\n"))),
        }
    }
    if operands.is_empty() || operands.len() > 2 {
        return Err((1, "Usage:\n   nslookup [-opt ...] host [server]\n".to_owned()));
    }
    config.server = operands.get(1).cloned();
    config.name = operands.swap_remove(0);
    Ok(config)
}

impl Program for Query {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        match sys.signal {
            Some(Signal::Term) => return Poll::Exit(143),
            Some(Signal::Int) => return Poll::Exit(130),
            _ => {}
        }
        let config = match &self.config {
            Ok(config) => config,
            Err(early) => return usage::leave(sys, early),
        };
        loop {
            match &mut self.state {
                State::Start => match &config.server {
                    Some(server) => self.state = State::Server(HostLookup::new(server)),
                    None => {
                        let servers = ResolverConfig::read(sys.files).servers;
                        self.state = State::Asking(Asking::new(sys, config, servers));
                    }
                },
                State::Server(lookup) => match lookup.poll(sys) {
                    None => return Poll::Pending,
                    Some(Ok(found)) => {
                        self.state = State::Asking(Asking::new(sys, config, found.addrs[..1].to_vec()));
                    }
                    Some(Err(_)) => {
                        let server = config.server.as_deref().unwrap_or("");
                        sys.err(format!("nslookup: couldn't get address for '{server}': not found\n"));
                        return Poll::Exit(1);
                    }
                },
                State::Asking(asking) => {
                    return asking.go_on(sys, config).map_or(Poll::Pending, Poll::Exit);
                }
            }
        }
    }
    fn name(&self) -> &str {
        "nslookup"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

impl Asking {
    fn new(sys: &Sys<'_>, config: &Config, servers: Vec<Ipv4Addr>) -> Self {
        let (names, kind) = match config.name.parse() {
            Ok(addr) if config.kind.is_none_or(|k| k == Kind::PTR) => (vec![reverse_name(addr)], Kind::PTR),
            _ => {
                let resolver = ResolverConfig::read(sys.files);
                let names = if config.search {
                    resolver.dig_candidates(&config.name)
                } else {
                    vec![config.name.trim_end_matches('.').to_owned()]
                };
                (names, config.kind.unwrap_or(Kind::A))
            }
        };
        Self { servers, names, kind, name: 0, server: 0, tried: 0, ask: None }
    }

    /// None: an answer is awaited; else the exit status.
    fn go_on(&mut self, sys: &mut Sys<'_>, config: &Config) -> Option<i32> {
        loop {
            let name = self.names[self.name].clone();
            let server = self.servers[self.server];
            let result = match &mut self.ask {
                Some(ask) => ask.poll(sys)?,
                None => {
                    let question = Question { name: name.clone(), kind: self.kind };
                    let timeout = Duration::from_secs(config.timeout_secs);
                    let at = Endpoint::new(server, config.port);
                    match Ask::start(sys, at, &question, timeout) {
                        Ok(ask) => {
                            self.ask = Some(ask);
                            continue;
                        }
                        Err(e) => Err(e),
                    }
                }
            };
            self.ask = None;
            match result {
                Ok((message, _)) => {
                    let last_server = self.server + 1 == self.servers.len();
                    if message.code == Code::ServFail && !last_server {
                        sys.out(format!(";; Got SERVFAIL reply from {server}, trying next server\n"));
                        self.server += 1;
                        continue;
                    }
                    if message.code == Code::ServFail {
                        sys.out(format!(";; Got SERVFAIL reply from {server}\n"));
                    }
                    if message.code == Code::NxDomain && self.name + 1 < self.names.len() {
                        self.name += 1;
                        (self.server, self.tried) = (0, 0);
                        continue;
                    }
                    let at = Endpoint::new(server, config.port);
                    let exit = nslookup_answer(sys, config, at, &name, self.kind, &message);
                    // Without a type it asks for IPv6 addresses next, and says only what there is.
                    if exit == 0 && self.kind == Kind::A && config.kind.is_none() && !is_busybox(sys) {
                        (self.kind, self.tried) = (Kind::AAAA, 0);
                        continue;
                    }
                    return Some(exit);
                }
                Err(error) => {
                    if let Some(exit) = self.failed(sys, config, &name, error) {
                        return Some(exit);
                    }
                }
            }
        }
    }

    /// Says why an attempt failed; Some when it was the last.
    fn failed(&mut self, sys: &mut Sys<'_>, config: &Config, name: &str, error: AskError) -> Option<i32> {
        let server = self.servers[self.server];
        let port = config.port;
        let busybox = is_busybox(sys);
        match error {
            _ if busybox => {}
            AskError::BadName => {
                sys.err(format!("nslookup: '{name}' is not a legal name (bad label type)\n"));
                return Some(1);
            }
            AskError::NotSent(e) => {
                sys.out(format!(
                    ";; UDP setup with {server}#{port}({server}) for {name} failed: {}.\n",
                    plain(e)
                ));
                sys.out(";; no servers could be reached\n");
            }
            AskError::Failed(e) => {
                sys.out(format!(";; communications error to {server}#{port}: {}\n", plain(e)));
            }
            AskError::TimedOut => {
                sys.out(format!(";; communications error to {server}#{port}: timed out\n"));
            }
        }
        self.server += 1;
        if self.server == self.servers.len() {
            self.server = 0;
            self.tried += 1;
        }
        if self.tried < config.tries {
            return None;
        }
        if busybox {
            sys.err(";; connection timed out; no servers could be reached\n\n");
            return Some(1);
        }
        let told = matches!(error, AskError::NotSent(_));
        sys.out(if told { "\n" } else { ";; no servers could be reached\n\n" });
        Some(1)
    }
}

fn is_busybox(sys: &Sys<'_>) -> bool {
    sys.files.get("/bin/busybox").is_some()
}

/// BIND's own words for the kernel's errors (isc_result_totext).
pub(super) fn plain(e: Errno) -> &'static str {
    match e {
        Errno::NetUnreach => "network unreachable",
        Errno::HostUnreach => "host unreachable",
        Errno::ConnRefused => "connection refused",
        Errno::Perm | Errno::Access => "permission denied",
        Errno::ConnReset => "end of file",
        Errno::TimedOut => "timed out",
        Errno::AddrNotAvail => "address not available",
        _ => "unexpected error",
    }
}

fn nslookup_answer(
    sys: &mut Sys<'_>,
    config: &Config,
    server: Endpoint,
    name: &str,
    kind: Kind,
    message: &Message,
) -> i32 {
    let busybox = is_busybox(sys);
    let mut text = String::new();
    // The server is named for A questions and for a type that was asked for.
    if kind == Kind::A || config.kind.is_some() || busybox {
        text += &if busybox {
            format!("Server:\t\t{}\nAddress:\t{}:{}\n\n", server.addr, server.addr, server.port)
        } else {
            format!("Server:\t\t{}\nAddress:\t{}#{}\n\n", server.addr, server.addr, server.port)
        };
    }
    if message.code != Code::NoError {
        text += &format!("** server can't find {name}: {}\n\n", message.code);
        sys.out(text);
        return 1;
    }
    if !message.authoritative && (kind == Kind::A || config.kind.is_some() || busybox) {
        text += "Non-authoritative answer:\n";
    }
    for Record { name, data, .. } in &message.answers {
        text += &match data {
            Data::A(addr) => format!("Name:\t{name}\nAddress: {addr}\n"),
            Data::Ptr(target) => format!("{name}\tname = {target}.\n"),
            Data::Cname(target) => format!("{name}\tcanonical name = {target}.\n"),
            Data::Ns(target) => format!("{name}\tnameserver = {target}.\n"),
            Data::Mx(preference, target) => format!("{name}\tmail exchanger = {preference} {target}.\n"),
            Data::Txt(_) => format!("{name}\ttext = {data}\n"),
            Data::Soa(soa) => format!(
                "{name}\n\torigin = {}\n\tmail addr = {}\n\tserial = {}\n\trefresh = {}\n\tretry = {}\n\
                 \texpire = {}\n\tminimum = {}\n",
                soa.primary, soa.mailbox, soa.serial, soa.refresh, soa.retry, soa.expire, soa.negative_ttl
            ),
            Data::Other(kind) => format!("{name}\t{kind}\n"),
        };
    }
    let second = kind == Kind::AAAA && config.kind.is_none();
    if message.answers.is_empty() && second {
        return 0;
    }
    if message.answers.is_empty() {
        text += &format!("*** Can't find {name}: No answer\n");
    }
    if !busybox && !message.authoritative && kind != Kind::A && kind != Kind::AAAA {
        text += "\nAuthoritative answers can be found from:\n";
    }
    sys.out(text + "\n");
    // That a name has no record of this type is an answer.
    i32::from(busybox && message.answers.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(s: &str) -> Vec<String> {
        s.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn nslookup_takes_a_type_and_a_server() {
        let config = nslookup_config(&words("-type=ptr web 8.8.8.8")).unwrap();
        assert_eq!((config.kind, config.server.as_deref()), (Some(Kind::PTR), Some("8.8.8.8")));
        assert_eq!(nslookup_config(&words("-foo web")).unwrap_err().1, "*** Invalid option: foo\n");
        assert!(nslookup_config(&[]).is_err());
    }
}
