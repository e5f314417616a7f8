//! `nslookup` and `dig`: DNS questions asked directly, past `/etc/hosts`, with the texts of
//! BIND 9.20's tools; `nslookup` speaks busybox's dialect where the machine has it.
//!
//! Not supported: interactive mode, TCP, `+trace`, AAAA besides A.

use std::net::Ipv4Addr;

use crate::guest::dns::{
    Ask, AskError, Code, Data, HostLookup, Kind, Message, Question, Record, ResolverConfig, reverse_name,
};
use crate::guest::options::{Opt, flag, parse, value};
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

/// The options of `dig`. Its query options begin with `+`.
pub(super) const DIG_OPTIONS: &[Opt] = &[
    flag(&["-4"], "use IPv4 query transport only", "IPv4 사용"),
    flag(&["-x"], "shortcut for reverse lookups", "주소로 이름 찾기"),
    value(&["-t"], "type", "specify query type", "레코드 종류"),
    value(&["-q"], "name", "specify query name", "찾을 이름"),
    value(&["-p"], "port", "specify port number", "서버 포트"),
    flag(&["+short"], "display nothing except short form of answers", "답만 짧게"),
    flag(&["+noall", "+answer"], "display the answer section only", "답 부분만"),
    flag(&["+search"], "use the search list", "검색 목록 사용"),
    value(&["+time"], "seconds", "set query timeout", "응답을 기다릴 시간(초)"),
    value(&["+tries"], "number", "set number of UDP attempts", "시도 횟수"),
];

/// Either program.
#[derive(Debug, Clone)]
pub(super) struct Query {
    dig: bool,
    config: Result<Config, (i32, String)>,
    state: State,
}

#[derive(Debug, Clone, Default)]
struct Config {
    name: String,
    kind: Option<Kind>,
    server: Option<String>,
    reverse: bool,
    short: bool,
    answer_only: bool,
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
    header_shown: bool,
}

impl Query {
    /// `nslookup`, from a command line.
    pub(super) fn nslookup(argv: &[String]) -> Box<dyn Program> {
        let config = nslookup_config(argv.get(1..).unwrap_or_default());
        Box::new(Self { dig: false, config, state: State::Start })
    }
    /// `dig`, from a command line.
    pub(super) fn dig(argv: &[String]) -> Box<dyn Program> {
        let config = dig_config(argv.get(1..).unwrap_or_default());
        Box::new(Self { dig: true, config, state: State::Start })
    }
}

fn nslookup_config(args: &[String]) -> Result<Config, (i32, String)> {
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
            ("retry", Some(n)) => config.tries = usize::from(n),
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

fn dig_config(args: &[String]) -> Result<Config, (i32, String)> {
    let mut config = Config { port: 53, timeout_secs: 5, tries: 3, ..Config::default() };
    let mut plain = Vec::new();
    for arg in args {
        if let Some(server) = arg.strip_prefix('@') {
            config.server = Some(server.to_owned());
        } else if let Some(option) = arg.strip_prefix('+') {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let number = value.parse::<u16>().ok().filter(|n| *n > 0);
            match (name, number) {
                ("short", _) => config.short = true,
                ("noall", _) => config.answer_only = true,
                ("search", _) => config.search = true,
                ("time" | "timeout", Some(n)) => config.timeout_secs = u64::from(n),
                ("tries", Some(n)) => config.tries = usize::from(n),
                ("answer" | "nocmd" | "nocomments" | "nostats" | "noedns" | "nosearch" | "recurse", _) => {}
                _ => return Err((1, format!("Invalid option: +{option}\n"))),
            }
        } else {
            plain.push(arg.clone());
        }
    }
    let bad = |e| (1, format!("dig: {e}\nUsage:  dig [@global-server] [domain] [q-type] {{q-opt}}\n"));
    let parsed = parse(&DIG_OPTIONS[..5], &plain).map_err(bad)?;
    config.reverse = parsed.has("-x");
    if let Some(port) = parsed.get("-p").and_then(|p| p.parse().ok()) {
        config.port = port;
    }
    config.kind = parsed.get("-t").and_then(Kind::named);
    let mut names: Vec<_> = parsed.get("-q").map(str::to_owned).into_iter().collect();
    for operand in parsed.operands {
        match Kind::named(&operand) {
            Some(kind) if !config.reverse => config.kind = Some(kind),
            _ if operand.eq_ignore_ascii_case("IN") => {}
            _ => names.push(operand),
        }
    }
    config.name = names.into_iter().next().unwrap_or_else(|| ".".to_owned());
    if config.reverse && config.name.parse::<Ipv4Addr>().is_err() {
        return Err((1, format!("Invalid IP address {}\n", config.name)));
    }
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
            Err((code, text)) => {
                sys.err(text.clone());
                return Poll::Exit(*code);
            }
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
                        let tool = if self.dig { "dig" } else { "nslookup" };
                        sys.err(format!("{tool}: couldn't get address for '{server}': not found\n"));
                        return Poll::Exit(if self.dig { 9 } else { 1 });
                    }
                },
                State::Asking(asking) => {
                    return asking.go_on(sys, config, self.dig).map_or(Poll::Pending, Poll::Exit);
                }
            }
        }
    }
    fn name(&self) -> &str {
        if self.dig { "dig" } else { "nslookup" }
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

impl Asking {
    fn new(sys: &Sys<'_>, config: &Config, servers: Vec<Ipv4Addr>) -> Self {
        let (names, kind) = match config.name.parse() {
            Ok(addr) if config.reverse || config.kind.is_none_or(|k| k == Kind::PTR) => {
                (vec![reverse_name(addr)], Kind::PTR)
            }
            _ => {
                let resolver = ResolverConfig::read(sys.files);
                let names = if config.search {
                    resolver.candidates(&config.name)
                } else {
                    vec![config.name.trim_end_matches('.').to_owned()]
                };
                (names, config.kind.unwrap_or(Kind::A))
            }
        };
        Self { servers, names, kind, name: 0, server: 0, tried: 0, ask: None, header_shown: false }
    }

    /// None: an answer is awaited; else the exit status.
    fn go_on(&mut self, sys: &mut Sys<'_>, config: &Config, dig: bool) -> Option<i32> {
        loop {
            let name = self.names[self.name].clone();
            let server = self.servers[self.server];
            let (result, took) = match &mut self.ask {
                Some(ask) => {
                    let took = ask.elapsed(sys.now());
                    (ask.poll(sys)?, took)
                }
                None => {
                    let question = Question { name: name.clone(), kind: self.kind };
                    let timeout = Duration::from_secs(config.timeout_secs);
                    let at = Endpoint::new(server, config.port);
                    match Ask::start(sys, at, &question, timeout) {
                        Ok(ask) => {
                            self.ask = Some(ask);
                            continue;
                        }
                        Err(e) => (Err(e), Duration::ZERO),
                    }
                }
            };
            self.ask = None;
            match result {
                Ok((message, bytes)) => {
                    let last_server = self.server + 1 == self.servers.len();
                    if message.code == Code::ServFail && !last_server {
                        sys.out(format!(";; Got SERVFAIL reply from {server}, trying next server\n"));
                        self.server += 1;
                        continue;
                    }
                    if message.code == Code::ServFail && !dig {
                        sys.out(format!(";; Got SERVFAIL reply from {server}\n"));
                    }
                    if message.code == Code::NxDomain && self.name + 1 < self.names.len() {
                        self.name += 1;
                        (self.server, self.tried) = (0, 0);
                        continue;
                    }
                    let at = Endpoint::new(server, config.port);
                    return Some(if dig {
                        let size = bytes.len();
                        dig_answer(sys, config, at, &message, took, size)
                    } else {
                        nslookup_answer(sys, config, at, &name, self.kind, &message)
                    });
                }
                Err(error) => {
                    if let Some(exit) = self.failed(sys, config, dig, &name, error) {
                        return Some(exit);
                    }
                }
            }
        }
    }

    /// Says why an attempt failed; Some when it was the last.
    fn failed(
        &mut self,
        sys: &mut Sys<'_>,
        config: &Config,
        dig: bool,
        name: &str,
        error: AskError,
    ) -> Option<i32> {
        let server = self.servers[self.server];
        let port = config.port;
        if dig && !self.header_shown && !config.short {
            self.header_shown = true;
            sys.out(dig_banner(config));
        }
        let busybox = !dig && sys.files.get("/bin/busybox").is_some();
        match error {
            _ if busybox => {}
            AskError::BadName => {
                let tool = if dig { "dig" } else { "nslookup" };
                sys.err(format!("{tool}: '{name}' is not a legal name (bad label type)\n"));
                return Some(if dig { 10 } else { 1 });
            }
            AskError::NotSent(e) => {
                sys.out(format!(
                    ";; UDP setup with {server}#{port}({server}) for {name} failed: {}.\n",
                    plain(e)
                ));
                if !dig {
                    sys.out(";; no servers could be reached\n");
                }
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
        if dig {
            sys.out(";; no servers could be reached\n");
        } else {
            sys.out(if told { "\n" } else { ";; no servers could be reached\n\n" });
        }
        Some(if dig { 9 } else { 1 })
    }
}

/// BIND's own words for the kernel's errors (isc_result_totext).
fn plain(e: Errno) -> &'static str {
    match e {
        Errno::NetUnreach => "network unreachable",
        Errno::HostUnreach => "host unreachable",
        Errno::ConnRefused => "connection refused",
        Errno::Perm | Errno::Access => "permission denied",
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
    let busybox = sys.files.get("/bin/busybox").is_some();
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
    if message.answers.is_empty() {
        text += &format!("*** Can't find {name}: No answer\n");
    }
    if !busybox && !message.authoritative && kind != Kind::A && kind != Kind::AAAA {
        text += "\nAuthoritative answers can be found from:\n";
    }
    sys.out(text + "\n");
    i32::from(message.answers.is_empty())
}

fn dig_banner(config: &Config) -> String {
    let what = if config.reverse { format!("-x {}", config.name) } else { config.name.clone() };
    let at = config.server.as_ref().map(|s| format!("@{s} ")).unwrap_or_default();
    format!("\n; <<>> DiG 9.20.15 <<>> {at}{what}\n;; global options: +cmd\n")
}

fn dig_answer(
    sys: &mut Sys<'_>,
    config: &Config,
    server: Endpoint,
    m: &Message,
    took: Duration,
    size: usize,
) -> i32 {
    if config.short {
        let lines: String = m.answers.iter().map(|r| format!("{}\n", r.data)).collect();
        sys.out(lines);
        return 0;
    }
    let answers: String = m
        .answers
        .iter()
        .map(|r| {
            let owner = tabbed(format!("{}.", r.name), 24);
            format!("{owner}{}\tIN\t{}\t{}\n", r.ttl, r.data.kind(), r.data)
        })
        .collect();
    if config.answer_only {
        sys.out(answers);
        return 0;
    }
    let mut flags = String::from("qr");
    for (set, name) in
        [(m.authoritative, " aa"), (m.recursion_desired, " rd"), (m.recursion_available, " ra")]
    {
        flags += if set { name } else { "" };
    }
    let mut text = dig_banner(config);
    text += &format!(
        ";; Got answer:\n;; ->>HEADER<<- opcode: QUERY, status: {}, id: {}\n\
         ;; flags: {flags}; QUERY: 1, ANSWER: {}, AUTHORITY: 0, ADDITIONAL: 0\n\n",
        m.code,
        m.id,
        m.answers.len()
    );
    if let Some(q) = &m.question {
        let name = tabbed(format!(";{}.", q.name), 32);
        text += &format!(";; QUESTION SECTION:\n{name}IN\t{}\n\n", q.kind);
    }
    if !answers.is_empty() {
        text += &format!(";; ANSWER SECTION:\n{answers}\n");
    }
    text += &format!(
        ";; Query time: {} msec\n;; SERVER: {}#{}({}) (UDP)\n;; MSG SIZE  rcvd: {size}\n\n",
        took.0 / 1_000_000,
        server.addr,
        server.port,
        server.addr
    );
    sys.out(text);
    0
}

/// `text` with tabs up to `column`, at least one.
fn tabbed(mut text: String, column: usize) -> String {
    let tabs = (column.saturating_sub(text.len())).div_ceil(8).max(1);
    text.extend(std::iter::repeat_n('\t', tabs));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(s: &str) -> Vec<String> {
        s.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn dig_reads_its_words_in_any_order() {
        let config = dig_config(&words("+short web.net1 @8.8.8.8 A +time=2 +tries=1")).unwrap();
        assert_eq!((config.name.as_str(), config.server.as_deref()), ("web.net1", Some("8.8.8.8")));
        assert!(config.short && config.timeout_secs == 2 && config.tries == 1);
        assert_eq!(dig_config(&words("-x 10.0.0.2")).unwrap().name, "10.0.0.2");
        assert!(dig_config(&words("-x web")).is_err() && dig_config(&words("+foo web")).is_err());
    }

    #[test]
    fn nslookup_takes_a_type_and_a_server() {
        let config = nslookup_config(&words("-type=ptr web 8.8.8.8")).unwrap();
        assert_eq!((config.kind, config.server.as_deref()), (Some(Kind::PTR), Some("8.8.8.8")));
        assert_eq!(nslookup_config(&words("-foo web")).unwrap_err().1, "*** Invalid option: foo\n");
        assert!(nslookup_config(&[]).is_err());
    }
}
