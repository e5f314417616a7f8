//! `dig`: DNS questions asked directly, past `/etc/hosts`, with the texts of BIND 9.20's tool.
//!
//! Not supported: `-f`, `-k`, IPv6, DNSSEC, cookies, `+nssearch`, `+multiline`; there is no `WHEN`
//! line, because a lab has no date.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use super::query::plain;
use super::usage;
use crate::guest::dns::{
    Ask, AskError, AskOptions, Code, Data, HostLookup, Kind, Message, Question, Record, ResolverConfig,
    dotted, is_name, reverse_name, whole,
};
use crate::guest::options::{Opt, flag, value};
use crate::guest::{Poll, Program, Signal, Sys};
use crate::stack::Errno;
use crate::time::Duration;
use crate::wire::Endpoint;

/// The options of `dig`. Its query options begin with `+`.
pub(super) const OPTIONS: &[Opt] = &[
    value(&["-b"], "address[#port]", "bind to source address/port", "출발지 주소와 포트"),
    value(&["-p"], "port", "specify port number", "서버 포트"),
    value(&["-q"], "name", "specify query name", "찾을 이름"),
    value(&["-t"], "type", "specify query type", "레코드 종류"),
    value(&["-x"], "addr", "shortcut for reverse lookups", "주소로 이름 찾기"),
    flag(&["-4"], "use IPv4 query transport only", "IPv4 사용"),
    flag(&["-h"], "print help and exit", "도움말"),
    flag(&["-v"], "print version and exit", "버전"),
    flag(&["+short"], "display nothing except short form of answers", "응답만 짧게"),
    flag(&["+trace"], "trace delegation down from root", "루트부터 위임을 따라가기"),
    flag(&["+noall"], "hide everything", "모두 숨기기"),
    flag(&["+answer"], "display the answer section", "응답 부분 보이기"),
    flag(&["+norecurse"], "ask for no recursion", "재귀를 부탁하지 않기"),
    flag(&["+tcp"], "use TCP", "TCP로 묻기"),
    flag(&["+ignore"], "don't retry over TCP when truncated", "응답이 잘려도 TCP로 다시 묻지 않기"),
    flag(&["+noedns"], "don't use EDNS", "EDNS 쓰지 않기"),
    flag(&["+nocomments", "+noquestion", "+nostats", "+nocmd"], "hide these parts", "이 부분 숨기기"),
    flag(&["+search"], "use the search list", "검색 목록 사용"),
    value(&["+time"], "seconds", "set query timeout", "응답을 기다릴 시간(초)"),
    value(&["+tries"], "number", "set number of UDP attempts", "시도 횟수"),
];

const USAGE: &str = "\
Usage:  dig [@global-server] [domain] [q-type] [q-class] {q-opt}
            {global-d-opt} host [@local-server] {local-d-opt}
            [ host [@local-server] {local-d-opt} [...]]

Use \"dig -h\" (or \"dig -h | more\") for complete list of options
";

/// Lookups on one command line.
const MAX_LOOKUPS: usize = 16;
/// Zones that a trace goes down.
const MAX_ZONES: usize = 16;

/// The program.
#[derive(Debug, Clone)]
pub(super) struct Dig {
    /// What is left to look up; or the text to end with, and the status.
    lookups: Result<Vec<Lookup>, usage::Early>,
    line: String,
    /// The banner was printed.
    greeted: bool,
    state: State,
    exit: i32,
}

/// One question with its options.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lookup {
    name: String,
    kind: Kind,
    server: Option<String>,
    port: u16,
    from: Option<Endpoint>,
    show: Show,
    short: bool,
    trace: bool,
    recurse: bool,
    search: bool,
    tcp: bool,
    ignore: bool,
    edns: Option<u16>,
    ttl: bool,
    timeout_secs: u64,
    tries: usize,
}

/// The parts of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Show {
    cmd: bool,
    comments: bool,
    question: bool,
    answer: bool,
    authority: bool,
    additional: bool,
    stats: bool,
}

impl Show {
    const fn all(on: bool) -> Self {
        Self { cmd: on, comments: on, question: on, answer: on, authority: on, additional: on, stats: on }
    }
}

impl Default for Lookup {
    fn default() -> Self {
        Self {
            name: String::new(),
            kind: Kind::A,
            server: None,
            port: 53,
            from: None,
            show: Show::all(true),
            short: false,
            trace: false,
            recurse: true,
            search: false,
            tcp: false,
            ignore: false,
            edns: Some(1232),
            ttl: true,
            timeout_secs: 5,
            tries: 3,
        }
    }
}

#[derive(Debug, Clone)]
enum State {
    /// The next lookup is to begin.
    Next,
    /// Its server's address is looked for.
    Server(HostLookup),
    Asking(Asking),
    /// A trace goes on with one of these servers.
    Traced {
        names: Vec<String>,
        lookup: HostLookup,
        zones: usize,
    },
}

#[derive(Debug, Clone)]
struct Asking {
    /// Address, and the name that a trace shows.
    servers: Vec<(Ipv4Addr, String)>,
    names: Vec<String>,
    kind: Kind,
    recurse: bool,
    name: usize,
    server: usize,
    /// Attempts at the present name so far.
    tried: usize,
    ask: Option<Ask>,
    /// How far down a trace is.
    zones: Option<usize>,
}

impl Dig {
    /// From a command line.
    pub(super) fn start(argv: &[String]) -> Box<dyn Program> {
        let args = argv.get(1..).unwrap_or_default();
        let mut lookups = lookups(args);
        if let Ok(list) = &mut lookups {
            // Taken from the end.
            list.reverse();
        }
        Box::new(Self { lookups, line: args.join(" "), greeted: false, state: State::Next, exit: 0 })
    }

    fn greeting(&mut self, lookup: &Lookup) -> String {
        if self.greeted || !lookup.show.cmd || lookup.short {
            return String::new();
        }
        self.greeted = true;
        let line = if self.line.is_empty() { String::new() } else { format!(" {}", self.line) };
        let found = if lookup.server.is_some() { "; (1 server found)\n" } else { "" };
        format!("\n; <<>> DiG 9.20.15 <<>>{line}\n{found};; global options: +cmd\n")
    }
}

/// Reads the command line: options before the first name count for all, later ones for the name
/// before them.
fn lookups(args: &[String]) -> Result<Vec<Lookup>, usage::Early> {
    let mut global = Lookup::default();
    let mut found: Vec<Lookup> = Vec::new();
    let mut args = args.iter();
    let usage = |text: String| (1, format!("{text}\n{USAGE}"));
    while let Some(arg) = args.next() {
        let current = if found.is_empty() { &mut global } else { found.last_mut().expect("not empty") };
        if let Some(server) = arg.strip_prefix('@') {
            current.server = Some(server.to_owned());
            continue;
        }
        if let Some(option) = arg.strip_prefix('+') {
            plus(current, option).ok_or_else(|| usage(format!("Invalid option: +{option}")))?;
            continue;
        }
        let dash = arg.strip_prefix('-').and_then(|o| o.chars().next().map(|c| (c, &o[c.len_utf8()..])));
        let Some((letter, attached)) = dash else {
            word(&global, &mut found, arg);
            continue;
        };
        match letter {
            '4' | 'i' | 'r' | 'u' | 'm' => continue,
            'h' => return Err((0, usage::options_text(USAGE, OPTIONS))),
            'v' => return Err((0, "DiG 9.20.15\n".to_owned())),
            'b' | 'p' | 'q' | 't' | 'x' | 'c' => {}
            _ => return Err(usage(format!("Invalid option: {arg}"))),
        }
        let value = if attached.is_empty() { args.next().map(String::as_str) } else { Some(attached) };
        let value = value.ok_or_else(|| usage(format!("option requires an argument -- '{letter}'")))?;
        let bad = |what: &str| (1, format!("{what} '{value}'\n"));
        match letter {
            'b' => {
                let (addr, port) = value.split_once('#').unwrap_or((value, "0"));
                let (Ok(addr), Ok(port)) = (addr.parse(), port.parse()) else {
                    return Err(bad("dig: invalid address"));
                };
                current.from = Some(Endpoint::new(addr, port));
            }
            'p' => match value.parse() {
                Ok(port) if port > 0 => current.port = port,
                _ => return Err(bad("dig: Couldn't parse port number")),
            },
            'q' => name(&global, &mut found, value),
            't' => match Kind::named(value) {
                Some(kind) => current.kind = kind,
                None => return Err((0, format!(";; Warning, ignoring invalid type {value}\n"))),
            },
            'x' => {
                let Ok(addr) = value.parse::<Ipv4Addr>() else {
                    return Err((1, format!("Invalid IP address {value}\n")));
                };
                name(&global, &mut found, &reverse_name(addr));
                if let Some(last) = found.last_mut() {
                    last.kind = Kind::PTR;
                }
            }
            _ => {}
        }
    }
    if found.is_empty() {
        // Without a name: who serves the root?
        let kind = if global.kind == Kind::A { Kind::NS } else { global.kind };
        found.push(Lookup { kind, ..global });
    }
    Ok(found)
}

/// A word is a type, a class, or a name.
fn word(global: &Lookup, found: &mut Vec<Lookup>, word: &str) {
    match Kind::named(word) {
        Some(kind) => match found.last_mut() {
            Some(last) => last.kind = kind,
            None => name(&Lookup { kind, ..global.clone() }, found, "."),
        },
        None if word.eq_ignore_ascii_case("IN") => {}
        None => {
            // A type before the first name is the name's.
            let kind = match found.as_slice() {
                [only] if only.name.is_empty() => found.pop().map(|l| l.kind),
                _ => None,
            };
            name(global, found, word);
            if let (Some(kind), Some(last)) = (kind, found.last_mut()) {
                last.kind = kind;
            }
        }
    }
}

fn name(global: &Lookup, found: &mut Vec<Lookup>, name: &str) {
    if found.len() < MAX_LOOKUPS {
        found.push(Lookup { name: whole(name), ..global.clone() });
    }
}

/// An option that begins with `+`; None if there is no such option.
fn plus(l: &mut Lookup, option: &str) -> Option<()> {
    let (word, value) = option.split_once('=').unwrap_or((option, ""));
    let (on, word) = word.strip_prefix("no").map_or((true, word), |w| (false, w));
    let number = value.parse::<u16>().ok();
    match word {
        "short" => l.short = on,
        "trace" => (l.trace, l.recurse) = (on, l.recurse && !on),
        "all" => l.show = Show { cmd: on, ..Show::all(on) },
        "cmd" => l.show.cmd = on,
        "comments" => l.show.comments = on,
        "question" => l.show.question = on,
        "answer" => l.show.answer = on,
        "authority" => l.show.authority = on,
        "additional" => l.show.additional = on,
        "stats" => l.show.stats = on,
        "recurse" | "rec" | "rdflag" => l.recurse = on,
        "search" | "defname" => l.search = on,
        "tcp" | "vc" => l.tcp = on,
        "ignore" => l.ignore = on,
        "edns" => l.edns = on.then_some(1232),
        "bufsize" => l.edns = number.filter(|n| *n > 0),
        "ttlid" => l.ttl = on,
        "time" | "timeout" => l.timeout_secs = u64::from(number.filter(|n| *n > 0)?),
        "tries" => l.tries = usize::from(number.filter(|n| *n > 0)?),
        "retry" => l.tries = usize::from(number?) + 1,
        "dnssec" | "do" | "cookie" | "adflag" | "aaflag" | "cdflag" | "multiline" | "multi" | "identify"
        | "class" | "qr" | "fail" | "besteffort" | "keepopen" | "split" => {}
        _ => return None,
    }
    Some(())
}

impl Program for Dig {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        match sys.signal {
            Some(Signal::Term) => return Poll::Exit(143),
            Some(Signal::Int) => return Poll::Exit(130),
            _ => {}
        }
        loop {
            let lookup = match &mut self.lookups {
                Ok(list) => match list.last() {
                    Some(lookup) => lookup.clone(),
                    None => return Poll::Exit(self.exit),
                },
                Err(early) => return usage::leave(sys, early),
            };
            let done = match std::mem::replace(&mut self.state, State::Next) {
                State::Next => {
                    self.begin(sys, &lookup);
                    None
                }
                State::Server(mut server) => match server.poll(sys) {
                    None => {
                        self.state = State::Server(server);
                        return Poll::Pending;
                    }
                    Some(Ok(found)) => {
                        let servers = found.addrs.iter().take(1).map(|a| (*a, a.to_string())).collect();
                        self.state = State::Asking(Asking::new(sys, &lookup, servers));
                        None
                    }
                    Some(Err(_)) => {
                        let server = lookup.server.as_deref().unwrap_or("");
                        sys.err(format!("dig: couldn't get address for '{server}': not found\n"));
                        Some(10)
                    }
                },
                State::Asking(mut asking) => match self.go_on(sys, &lookup, &mut asking) {
                    Some(Step::Done(exit)) => Some(exit),
                    Some(Step::Down(names, zones)) => {
                        let lookup = HostLookup::new(&names[0]);
                        self.state = State::Traced { names, lookup, zones };
                        None
                    }
                    None => {
                        self.state = State::Asking(asking);
                        return Poll::Pending;
                    }
                },
                State::Traced { mut names, lookup: mut host, zones } => match host.poll(sys) {
                    None => {
                        self.state = State::Traced { names, lookup: host, zones };
                        return Poll::Pending;
                    }
                    Some(Ok(found)) => {
                        let servers = found.addrs.iter().map(|a| (*a, names[0].clone())).collect();
                        let mut asking = Asking::new(sys, &lookup, servers);
                        (asking.zones, asking.recurse) = (Some(zones), false);
                        self.state = State::Asking(asking);
                        None
                    }
                    Some(Err(_)) => {
                        let gone = names.remove(0);
                        sys.out(format!("couldn't get address for '{gone}': not found\n"));
                        if let Some(next) = names.first() {
                            let lookup = HostLookup::new(next);
                            self.state = State::Traced { names, lookup, zones };
                            None
                        } else {
                            sys.err(format!("dig: couldn't get address for '{gone}': no more\n"));
                            Some(10)
                        }
                    }
                },
            };
            if let Some(exit) = done {
                self.exit = self.exit.max(exit);
                if let Ok(list) = &mut self.lookups {
                    list.pop();
                }
            }
        }
    }
    fn name(&self) -> &str {
        "dig"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// What an answer leads to.
enum Step {
    Done(i32),
    /// A trace goes on with one of these servers.
    Down(Vec<String>, usize),
}

impl Asking {
    fn new(sys: &Sys<'_>, lookup: &Lookup, servers: Vec<(Ipv4Addr, String)>) -> Self {
        let names = if lookup.search {
            ResolverConfig::read(sys.files).dig_candidates(&lookup.name)
        } else {
            vec![lookup.name.clone()]
        };
        Self {
            servers,
            names,
            kind: lookup.kind,
            recurse: lookup.recurse,
            name: 0,
            server: 0,
            tried: 0,
            ask: None,
            zones: None,
        }
    }
}

impl Dig {
    fn begin(&mut self, sys: &mut Sys<'_>, lookup: &Lookup) {
        self.state = match &lookup.server {
            Some(server) => State::Server(HostLookup::new(server)),
            None => {
                let servers = ResolverConfig::read(sys.files).servers;
                let servers = servers.into_iter().map(|a| (a, a.to_string())).collect();
                State::Asking(Asking::new(sys, lookup, servers))
            }
        };
        if let State::Asking(asking) = &mut self.state
            && lookup.trace
        {
            // A trace begins with the root's servers, as the own resolver knows them.
            (asking.names, asking.kind) = (vec![String::new()], Kind::NS);
            (asking.zones, asking.recurse) = (Some(0), true);
        }
    }

    /// None: an answer is awaited.
    fn go_on(&mut self, sys: &mut Sys<'_>, lookup: &Lookup, a: &mut Asking) -> Option<Step> {
        loop {
            let (addr, shown) = a.servers[a.server].clone();
            let at = Endpoint::new(addr, lookup.port);
            let name = a.names[a.name].clone();
            let (result, took, tcp) = match &mut a.ask {
                Some(ask) => {
                    let took = ask.elapsed(sys.now());
                    let result = ask.poll(sys)?;
                    (result, took, ask.over_tcp())
                }
                None => {
                    let question = Question { name: name.clone(), kind: a.kind };
                    let mut query = Message::query(sys.rng.next_u32() as u16, question);
                    (query.recursion_desired, query.edns) = (a.recurse, lookup.edns);
                    let options =
                        AskOptions { tcp: lookup.tcp, take_truncated: lookup.ignore, from: lookup.from };
                    let timeout = Duration::from_secs(lookup.timeout_secs);
                    match is_name(&name).then(|| Ask::send(sys, at, &query, options, timeout)) {
                        Some(Ok(ask)) => {
                            a.ask = Some(ask);
                            continue;
                        }
                        Some(Err(e)) => (Err(e), Duration::ZERO, lookup.tcp),
                        None => (Err(AskError::BadName), Duration::ZERO, lookup.tcp),
                    }
                }
            };
            a.ask = None;
            let (message, bytes) = match result {
                Ok(answer) => answer,
                Err(error) => match self.failed(sys, lookup, a, &name, error) {
                    Some(exit) => return Some(Step::Done(exit)),
                    None => continue,
                },
            };
            if message.code == Code::ServFail && a.server + 1 < a.servers.len() {
                a.server += 1;
                continue;
            }
            if message.code == Code::NxDomain && a.name + 1 < a.names.len() {
                a.name += 1;
                (a.server, a.tried) = (0, 0);
                continue;
            }
            let greeting = self.greeting(lookup);
            sys.out(greeting);
            if tcp && !lookup.tcp {
                sys.out(";; Truncated, retrying in TCP mode.\n");
            }
            if let Some(zones) = a.zones {
                return Some(traced(sys, lookup, &message, zones, (addr, &shown), took, bytes.len()));
            }
            answered(sys, lookup, at, &message, took, tcp, bytes.len());
            return Some(Step::Done(0));
        }
    }

    /// Says why an attempt failed; Some when it was the last.
    fn failed(
        &mut self,
        sys: &mut Sys<'_>,
        lookup: &Lookup,
        a: &mut Asking,
        name: &str,
        error: AskError,
    ) -> Option<i32> {
        let (server, port) = (a.servers[a.server].0, lookup.port);
        // What could not even be sent is the last word each time.
        let unsent = matches!(error, AskError::NotSent(_));
        match error {
            AskError::BadName => {
                sys.err(format!("dig: '{name}' is not a legal name (bad label type)\n"));
                return Some(10);
            }
            AskError::NotSent(Errno::AddrNotAvail) if lookup.from.is_some() => {
                sys.out(format!(
                    ";; UDP setup with {server}#{port}({server}) for {name} failed: address not available.\n"
                ));
            }
            AskError::NotSent(e) => sys.out(format!(
                ";; UDP setup with {server}#{port}({server}) for {name} failed: {}.\n",
                plain(e)
            )),
            AskError::Failed(e) if lookup.tcp => sys.out(format!(
                ";; Connection to {server}#{port}({server}) for {name} failed: {}.\n",
                plain(e)
            )),
            AskError::Failed(e) => {
                sys.out(format!(";; communications error to {server}#{port}: {}\n", plain(e)));
            }
            AskError::TimedOut => {
                sys.out(format!(";; communications error to {server}#{port}: timed out\n"));
            }
        }
        a.server += 1;
        if a.server == a.servers.len() {
            if unsent {
                sys.out(";; no servers could be reached\n");
            }
            a.server = 0;
            a.tried += 1;
        }
        if a.tried < lookup.tries {
            return None;
        }
        if !unsent {
            let greeting = self.greeting(lookup);
            sys.out(greeting + ";; no servers could be reached\n");
        }
        Some(9)
    }
}

fn answered(
    sys: &mut Sys<'_>,
    lookup: &Lookup,
    server: Endpoint,
    m: &Message,
    took: Duration,
    tcp: bool,
    size: usize,
) {
    if lookup.short {
        let lines: String = m.answers.iter().map(|r| format!("{}\n", r.data)).collect();
        return sys.out(lines);
    }
    let show = lookup.show;
    let mut text = String::new();
    if show.comments {
        text += &header(m);
        if let Some(size) = m.edns {
            let _ = writeln!(text, ";; OPT PSEUDOSECTION:\n; EDNS: version: 0, flags:; udp: {size}");
        }
    }
    if let Some(q) = m.question.as_ref().filter(|_| show.question) {
        let name = tabbed(format!(";{}", dotted(&q.name)), 32);
        let head = if show.comments { ";; QUESTION SECTION:\n" } else { "" };
        let _ = write!(text, "{head}{name}IN\t{}\n{}", q.kind, if show.comments { "\n" } else { "" });
    }
    for (on, title, records) in [
        (show.answer, "ANSWER", &m.answers),
        (show.authority, "AUTHORITY", &m.authorities),
        (show.additional, "ADDITIONAL", &m.additional),
    ] {
        if on && !records.is_empty() {
            let lines: String = records.iter().map(|r| line(r, lookup.ttl)).collect();
            text += &if show.comments { format!(";; {title} SECTION:\n{lines}\n") } else { lines };
        }
    }
    if show.stats {
        let _ = write!(
            text,
            ";; Query time: {} msec\n;; SERVER: {}#{}({}) ({})\n;; MSG SIZE  rcvd: {size}\n\n",
            took.0 / 1_000_000,
            server.addr,
            server.port,
            server.addr,
            if tcp { "TCP" } else { "UDP" }
        );
    }
    sys.out(text);
}

fn header(m: &Message) -> String {
    let mut flags = String::from("qr");
    for (set, name) in [
        (m.authoritative, " aa"),
        (m.truncated, " tc"),
        (m.recursion_desired, " rd"),
        (m.recursion_available, " ra"),
    ] {
        flags += if set { name } else { "" };
    }
    let warning = if m.recursion_desired && !m.recursion_available {
        ";; WARNING: recursion requested but not available\n"
    } else {
        ""
    };
    format!(
        ";; Got answer:\n;; ->>HEADER<<- opcode: QUERY, status: {}, id: {}\n\
         ;; flags: {flags}; QUERY: 1, ANSWER: {}, AUTHORITY: {}, ADDITIONAL: {}\n{warning}\n",
        m.code,
        m.id,
        m.answers.len(),
        m.authorities.len(),
        m.additional.len() + usize::from(m.edns.is_some())
    )
}

/// What one server of a trace said, and where it leads.
fn traced(
    sys: &mut Sys<'_>,
    lookup: &Lookup,
    m: &Message,
    zones: usize,
    (addr, shown): (Ipv4Addr, &str),
    took: Duration,
    size: usize,
) -> Step {
    let answered = zones > 0 && (!m.answers.is_empty() || m.authorities.iter().any(is_head));
    let records: Vec<&Record> =
        if m.answers.is_empty() { m.authorities.iter().collect() } else { m.answers.iter().collect() };
    let mut text = String::new();
    if lookup.short {
        if answered {
            m.answers.iter().for_each(|r| text += &format!("{}\n", r.data));
        }
    } else {
        records.iter().for_each(|r| text += &line(r, lookup.ttl));
        let ms = took.0 / 1_000_000;
        let port = lookup.port;
        let _ = write!(text, ";; Received {size} bytes from {addr}#{port}({shown}) in {ms} ms\n\n");
    }
    sys.out(text);
    let servers: Vec<String> = records
        .iter()
        .filter_map(|r| if let Data::Ns(target) = &r.data { Some(target.clone()) } else { None })
        .collect();
    if answered || servers.is_empty() || zones >= MAX_ZONES {
        return Step::Done(0);
    }
    Step::Down(servers, zones + 1)
}

fn is_head(record: &Record) -> bool {
    matches!(record.data, Data::Soa(_))
}

fn line(r: &Record, ttl: bool) -> String {
    let ttl = if ttl { r.ttl.to_string() } else { String::new() };
    format!("{}{ttl}\tIN\t{}\t{}\n", tabbed(dotted(&r.name), 24), r.data.kind(), r.data)
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
    use proptest::prelude::*;

    fn read(line: &str) -> Result<Vec<Lookup>, usage::Early> {
        lookups(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn words_are_taken_in_any_order_and_several_names_one_after_the_other() {
        for (line, expect) in [
            ("web.net1", "web.net1 A"),
            ("MX example.com", "example.com MX"),
            ("example.com. mx", "example.com MX"),
            ("-t txt example.com", "example.com TXT"),
            ("-x 10.0.0.2", "2.0.0.10.in-addr.arpa PTR"),
            ("", " NS"),
            (". NS", " NS"),
            ("a.lan b.lan MX", "a.lan A, b.lan MX"),
            ("-q web IN A", "web A"),
        ] {
            let got: Vec<_> = read(line).unwrap().iter().map(|l| format!("{} {}", l.name, l.kind)).collect();
            assert_eq!(got.join(", "), expect, "{line}");
        }
        let l = &read("+short web.net1 @8.8.8.8 +time=2 +tries=1 -p 5353 +noall +answer +norec").unwrap()[0];
        assert_eq!((l.server.as_deref(), l.port, l.timeout_secs, l.tries), (Some("8.8.8.8"), 5353, 2, 1));
        assert!(l.short && l.show.answer && !l.show.stats && !l.recurse);
    }

    #[test]
    fn what_dig_does_not_know_it_refuses_in_its_words() {
        for (line, expect) in [
            ("+foo web", "Invalid option: +foo\nUsage:"),
            ("-z web", "Invalid option: -z\nUsage:"),
            ("-x web", "Invalid IP address web\n"),
            ("-p 0 web", "dig: Couldn't parse port number '0'\n"),
            ("+time=x web", "Invalid option: +time=x\n"),
        ] {
            let (code, text) = read(line).unwrap_err();
            assert!(code == 1 && text.starts_with(expect), "{line}: {text}");
        }
    }

    proptest! {
        #[test]
        fn any_command_line_is_read_or_refused(args in proptest::collection::vec("[-+@]?\\PC{0,8}", 0..8)) {
            let _ = lookups(&args);
        }
    }
}
