//! `dnsd`: a DNS server. It answers from a zone file of its machine, which it reads afresh for
//! each question, and finds the rest out: from the server it forwards to, or from the root down.
//!
//! One program in several roles: the root's, a TLD's or a domain's own server (zones, referrals),
//! a public resolver (`--root`), a home router's forwarder (like dnsmasq), and the engine's server
//! in a container at 127.0.0.11 (like libnetwork's resolver.go: names in any case, several
//! addresses in changing order, not authoritative). Over UDP and TCP; an answer that is too long
//! for the asker's datagrams is cut (RFC 2181 §9). Not supported: zone transfers, DNSSEC, views,
//! lists of whom to answer.
//!
//! ```text
//!   question ─▶ own records ─▶ found, no such name ──────────────────▶ answer
//!                   │ delegated, not mine
//!                   ▼
//!          forward / search / relay ─▶ cache ─▶ answer, or SERVFAIL when nobody answers
//! ```

use std::net::Ipv4Addr;

use super::ask::{at, framed, unframed};
use super::authority::{End, Finding};
use super::cache::{Cache, CacheLine, Kept};
use super::resolve::{EDNS_SIZE, Resolve};
use super::{Ask, Code, Data, Kind, Message, Question, Record, Zone};
use crate::guest::options::{Opt, flag, parse, value};
use crate::guest::{Files, Poll, Program, Signal, Sys};
use crate::stack::{Errno, SocketId, SocketKind};
use crate::time::{Duration, Instant};
use crate::wire::Endpoint;

/// The options of `dnsd`.
pub const DNSD_OPTIONS: &[Opt] = &[
    value(&["--listen"], "ADDR[:PORT]", "own address (all, port 53)", "자기 주소 (기본: 모두, 53번 포트)"),
    value(&["--zone"], "FILE", "own records", "자기 레코드 파일"),
    value(&["--record"], "NAME=ADDR[,TTL]", "an own A record", "자기 A 레코드"),
    value(&["--forward"], "ADDR", "server to ask about other names", "나머지 이름을 물어볼 서버"),
    value(&["--resolv"], "FILE", "resolv.conf that names those servers", "물어볼 서버가 적힌 resolv.conf"),
    value(&["--root"], "ADDR", "root server to find other names from", "나머지 이름을 찾기 시작할 루트 서버"),
    flag(&["--cache"], "keep what the other server says", "다른 서버의 응답을 캐시에 보관"),
    flag(
        &["--relay"],
        "pass other names on through stdout, answers come on stdin",
        "모르는 이름을 stdout으로 넘기고 응답은 stdin으로 받음",
    ),
    flag(
        &["--domain-needed"],
        "ask nobody for the address of a name without a dot",
        "점이 없는 이름의 주소는 다른 서버에 묻지 않음",
    ),
    flag(&["--servfail"], "say SERVFAIL to other names", "모르는 이름에 SERVFAIL로 답함"),
    flag(&["--not-authoritative"], "own records without AA", "자기 레코드도 AA 없이 답함"),
];

/// How long a forwarder waits for one server (libnetwork's extIOTimeout).
const PATIENCE: Duration = Duration::from_secs(4);
/// Questions under way at a time; more are refused, so that a loop of forwarders comes to an end.
const MAX_PENDING: usize = 64;
/// Connections at a time, and how long one may say nothing (RFC 7766 §6.2.3).
const MAX_CONNECTIONS: usize = 32;
/// Connections that may wait to be accepted (net.core.somaxconn).
const BACKLOG: usize = 4096;
const IDLE: Duration = Duration::from_secs(10);
/// What a datagram holds for an asker that says nothing about it (RFC 1035 §2.3.4).
const PLAIN_SIZE: usize = 512;

/// The program.
#[derive(Debug, Clone)]
pub struct DnsServer {
    listen: Result<Endpoint, String>,
    zone: Option<String>,
    records: Vec<Record>,
    forward: Vec<Ipv4Addr>,
    /// The file that says whom to forward to, read afresh for each question.
    resolv: Option<String>,
    roots: Vec<Ipv4Addr>,
    caching: bool,
    /// Other names are asked about by whoever reads stdout.
    relay: bool,
    /// Names without a dot are not passed on.
    domain_needed: bool,
    servfail: bool,
    authoritative: bool,
    socket: Option<SocketId>,
    listener: Option<SocketId>,
    connections: Vec<Connection>,
    pending: Vec<Pending>,
    answered: usize,
    cache: Cache,
}

#[derive(Debug, Clone)]
struct Connection {
    socket: SocketId,
    input: Vec<u8>,
    until: Instant,
}

/// Who asked, and where.
#[derive(Debug, Clone, Copy)]
enum Client {
    /// Socket, the asker's address, the address it asked, the longest datagram it takes.
    Udp(SocketId, Endpoint, Ipv4Addr, usize),
    Tcp(SocketId),
}

impl Client {
    fn answer(self, sys: &mut Sys<'_>, message: &Message) {
        if let Some(bytes) = message.encode() {
            self.answer_raw(sys, bytes);
        }
    }

    /// Cuts what does not fit into a datagram: the asker will come again over TCP.
    fn answer_raw(self, sys: &mut Sys<'_>, mut bytes: Vec<u8>) {
        match self {
            Self::Udp(socket, to, asked_at, size) => {
                if bytes.len() > size
                    && let Some(whole) = Message::decode(&bytes)
                {
                    let code = whole.code;
                    let cut = Message {
                        truncated: true,
                        edns: whole.edns,
                        authoritative: whole.authoritative,
                        recursion_available: whole.recursion_available,
                        ..whole.reply(code)
                    };
                    bytes = cut.encode().unwrap_or(bytes);
                }
                sys.reply(socket, asked_at, to, &bytes);
            }
            Self::Tcp(socket) => {
                // A connection that is gone by now takes its answer with it.
                let _ = sys.ns.send(socket, &framed(&bytes), &mut sys.cx);
            }
        }
    }
}

/// A question that was passed on.
#[derive(Debug, Clone)]
struct Pending {
    client: Client,
    question: Message,
    /// What of the answer is known: CNAMEs that lead out of the own zones.
    known: Vec<Record>,
    work: Work,
}

#[derive(Debug, Clone)]
enum Work {
    /// Carried by others, under this number.
    Relayed(usize),
    /// Asked of the servers that it forwards to, in turn.
    Forwarded { bytes: Vec<u8>, server: usize, ask: Option<Ask> },
    /// Searched for from the root down.
    Searched(Box<Resolve>),
}

/// A line of the relay: a question's number and a message in hexadecimal, or `-` for no answer.
pub fn relay_line(number: &str, message: Option<&[u8]>) -> String {
    let hex = message.map_or_else(|| "-".to_owned(), |m| m.iter().map(|b| format!("{b:02x}")).collect());
    format!("{number} {hex}\n")
}

/// Reads a line of the relay.
pub fn read_relay_line(line: &str) -> Option<(&str, Option<Vec<u8>>)> {
    let (number, hex) = line.trim_end().split_once(' ')?;
    if hex == "-" {
        return Some((number, None));
    }
    if !hex.is_ascii() || hex.len() % 2 != 0 || hex.len() < 24 {
        return None;
    }
    let bytes: Result<Vec<u8>, _> =
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16)).collect();
    Some((number, Some(bytes.ok()?)))
}

impl DnsServer {
    /// From a command line.
    pub fn start(argv: &[String]) -> Box<dyn Program> {
        let args = argv.get(1..).unwrap_or_default();
        let parsed = parse(DNSD_OPTIONS, args).map_err(|e| format!("dnsd: {e}\n"));
        let options = parsed.as_ref().cloned().unwrap_or_default();
        let listen = parsed.and_then(|p| listen_address(p.get("--listen")));
        let addrs = |name: &str| options.all(name).filter_map(|a| a.parse().ok()).collect::<Vec<Ipv4Addr>>();
        Box::new(Self {
            listen,
            zone: options.get("--zone").map(str::to_owned),
            records: options.all("--record").filter_map(record).collect(),
            resolv: options.get("--resolv").map(str::to_owned),
            forward: addrs("--forward"),
            roots: addrs("--root"),
            caching: options.has("--cache"),
            relay: options.has("--relay"),
            domain_needed: options.has("--domain-needed"),
            servfail: options.has("--servfail"),
            authoritative: !options.has("--not-authoritative"),
            socket: None,
            listener: None,
            connections: Vec::new(),
            pending: Vec::new(),
            answered: 0,
            cache: Cache::default(),
        })
    }

    // ---- reading

    /// Its own address and port.
    pub fn listens_at(&self) -> Option<Endpoint> {
        self.listen.clone().ok()
    }
    /// Its own records; `files` are its machine's.
    pub fn zone(&self, files: &Files) -> Zone {
        let file = self.zone.as_deref().and_then(|path| files.text(path)).unwrap_or("");
        let mut zone = Zone::parse(file);
        zone.records.extend(self.records.iter().cloned());
        zone
    }
    /// What it remembers of others' answers.
    pub fn cached(&self, now: Instant) -> Vec<CacheLine> {
        self.cache.lines(now)
    }
    /// True if it keeps others' answers.
    pub fn keeps_answers(&self) -> bool {
        self.caching || !self.roots.is_empty()
    }
    /// Whom it asks about what it does not know: forwarders, or root servers.
    pub fn asks(&self) -> &[Ipv4Addr] {
        if self.forward.is_empty() { &self.roots } else { &self.forward }
    }

    // ---- questions

    fn open(&mut self, sys: &mut Sys<'_>) -> Result<SocketId, String> {
        if let Some(socket) = self.socket {
            return Ok(socket);
        }
        let listen = self.listen.clone()?;
        let socket = sys.ns.socket(Some(sys.pid), SocketKind::Udp);
        if let Err(e) = sys.ns.bind(socket, listen) {
            return Err(format!("dnsd: failed to create listening socket for {listen}: {e}\n"));
        }
        self.socket = Some(socket);
        let listener = sys.ns.socket(Some(sys.pid), SocketKind::Tcp);
        let done = sys.ns.bind(listener, listen).and_then(|()| sys.ns.listen(listener, BACKLOG, &mut sys.cx));
        match done {
            Ok(()) => self.listener = Some(listener),
            // Another has the port; datagrams are what matters.
            Err(_) => sys.ns.close(listener, &mut sys.cx),
        }
        Ok(socket)
    }

    fn serve(&mut self, sys: &mut Sys<'_>, socket: SocketId) {
        loop {
            match sys.ns.recv_from(socket) {
                Ok(datagram) => {
                    if let Some(message) = Message::decode(&datagram.data).filter(|m| !m.response) {
                        // What both sides can take (RFC 6891 §6.2.5).
                        let size = message
                            .edns
                            .map_or(PLAIN_SIZE, |n| usize::from(n.min(EDNS_SIZE)).max(PLAIN_SIZE));
                        let client = Client::Udp(socket, datagram.from, datagram.to, size);
                        self.question(sys, client, message, datagram.data);
                    }
                }
                Err(Errno::WouldBlock | Errno::BadFd) => break,
                // An ICMP error about an earlier answer: the client is gone, the next is waiting.
                Err(_) => {}
            }
        }
        self.serve_connections(sys);
        let mut pending = std::mem::take(&mut self.pending);
        pending.retain_mut(|p| !self.go_on(sys, p));
        self.pending = pending;
    }

    fn serve_connections(&mut self, sys: &mut Sys<'_>) {
        while let Some(socket) = self.listener.and_then(|l| sys.ns.accept(l).ok()) {
            if self.connections.len() >= MAX_CONNECTIONS {
                sys.ns.close(socket, &mut sys.cx);
                continue;
            }
            self.connections.push(Connection { socket, input: Vec::new(), until: sys.now() + IDLE });
        }
        let mut connections = std::mem::take(&mut self.connections);
        connections.retain_mut(|c| {
            let open = self.hear(sys, c);
            if !open {
                sys.ns.close(c.socket, &mut sys.cx);
                self.forget_asker(sys, c.socket);
            }
            open
        });
        self.connections = connections;
    }

    /// Nobody waits for these answers any more.
    fn forget_asker(&mut self, sys: &mut Sys<'_>, socket: SocketId) {
        self.pending.retain_mut(|p| {
            let gone = matches!(p.client, Client::Tcp(s) if s == socket);
            match &mut p.work {
                Work::Searched(search) if gone => search.cancel(sys),
                Work::Forwarded { ask, .. } if gone => ask.take().into_iter().for_each(|a| a.cancel(sys)),
                _ => {}
            }
            !gone
        });
    }

    /// Reads what came in on a connection; false when it is to be closed.
    fn hear(&mut self, sys: &mut Sys<'_>, c: &mut Connection) -> bool {
        loop {
            if let Some(bytes) = unframed(&mut c.input) {
                c.until = sys.now() + IDLE;
                match Message::decode(&bytes).filter(|m| !m.response) {
                    Some(message) => self.question(sys, Client::Tcp(c.socket), message, bytes),
                    None => return false,
                }
                continue;
            }
            match sys.ns.recv(c.socket, 4096, &mut sys.cx) {
                Ok(bytes) if bytes.is_empty() => return false,
                Ok(bytes) => c.input.extend(bytes),
                Err(Errno::WouldBlock) if sys.now() < c.until => {
                    sys.wake_at(c.until);
                    return true;
                }
                Err(_) => return false,
            }
        }
    }

    /// True if it asks others about names that are not its own.
    fn recurses(&self) -> bool {
        self.relay || !self.forward.is_empty() || !self.roots.is_empty()
    }

    /// An answer, still empty, with the flags that are this server's.
    fn reply(&self, question: &Message, has_zones: bool, code: Code) -> Message {
        Message {
            recursion_available: self.recurses() || !has_zones,
            // Whoever speaks EDNS is answered in it (RFC 6891 §7); libnetwork does not.
            edns: question.edns.filter(|_| self.authoritative).map(|_| EDNS_SIZE),
            ..question.reply(code)
        }
    }

    fn question(&mut self, sys: &mut Sys<'_>, client: Client, message: Message, bytes: Vec<u8>) {
        let Some(question) = message.question.clone() else {
            return client.answer(sys, &self.reply(&message, true, Code::FormErr));
        };
        if let Some(path) = &self.resolv {
            let lines = sys.files.text(path).unwrap_or_default().lines();
            self.forward = lines.filter_map(|l| l.strip_prefix("nameserver ")?.trim().parse().ok()).collect();
        }
        let zone = self.zone(sys.files);
        let has_zones = zone.records.iter().any(|r| r.data.kind() == Kind::SOA);
        let Finding { answers, name, end } = zone.answer(&question, self.answered);
        let mut reply = self.reply(&message, has_zones, Code::NoError);
        reply.authoritative = self.authoritative;
        match end {
            End::Found => reply.additional = zone.glue(&answers),
            End::NoName(head) => (reply.code, reply.authorities) = (Code::NxDomain, vec![head]),
            End::NoData(head) => reply.authorities = head.into_iter().collect(),
            End::Delegated(servers) if self.recurses() && message.recursion_desired => {
                let target = Question { name, ..question };
                return self.find_out(sys, client, message, bytes, answers, &target, &servers, &zone);
            }
            End::Delegated(servers) => {
                reply.authoritative &= !answers.is_empty();
                reply.additional = zone.glue(&servers);
                reply.authorities = servers;
            }
            End::Elsewhere
                if self.domain_needed
                    && matches!(question.kind, Kind::A | Kind::AAAA)
                    && answers.is_empty()
                    && !name.to_string().trim_end_matches('.').contains('.') => {}
            // A forwarder passes everything on; who searches does so only when asked to.
            End::Elsewhere if self.recurses() && (message.recursion_desired || self.roots.is_empty()) => {
                let target = Question { name, ..question };
                return self.find_out(sys, client, message, bytes, answers, &target, &[], &zone);
            }
            End::Elsewhere if answers.is_empty() => {
                let code = match (self.servfail, has_zones || self.recurses() || self.resolv.is_some()) {
                    (true, _) => Code::ServFail,
                    (false, true) => Code::Refused,
                    (false, false) => Code::NxDomain,
                };
                return client.answer(sys, &self.reply(&message, has_zones, code));
            }
            End::Elsewhere => {}
        }
        self.answered += 1;
        reply.answers = answers;
        client.answer(sys, &reply);
    }

    /// Asks others about `target`, which is what was asked or where the own CNAMEs lead.
    #[expect(clippy::too_many_arguments, reason = "the parts of one question, taken apart by its caller")]
    fn find_out(
        &mut self,
        sys: &mut Sys<'_>,
        client: Client,
        question: Message,
        bytes: Vec<u8>,
        known: Vec<Record>,
        target: &Question,
        servers: &[Record],
        zone: &Zone,
    ) {
        if let Some(kept) =
            self.cache.get(&target.name, target.kind, sys.now()).filter(|_| self.keeps_answers())
        {
            return self.answer_kept(sys, client, &question, known, kept);
        }
        if self.pending.len() >= MAX_PENDING {
            return client.answer(sys, &self.reply(&question, false, Code::Refused));
        }
        let work = if self.relay {
            self.answered += 1;
            sys.out(relay_line(&self.answered.to_string(), Some(&bytes)));
            Work::Relayed(self.answered)
        } else if self.forward.is_empty() {
            let search = Resolve::new(target, sys.now()).beginning_at(servers, &zone.glue(servers));
            Work::Searched(Box::new(search))
        } else if known.is_empty() {
            Work::Forwarded { bytes, server: 0, ask: None }
        } else {
            let query = Message::query(0, target.clone()).encode().unwrap_or(bytes);
            Work::Forwarded { bytes: query, server: 0, ask: None }
        };
        let mut pending = Pending { client, question, known, work };
        if !self.go_on(sys, &mut pending) {
            self.pending.push(pending);
        }
    }

    fn answer_kept(
        &self,
        sys: &mut Sys<'_>,
        client: Client,
        question: &Message,
        known: Vec<Record>,
        kept: Kept,
    ) {
        let mut reply = self.reply(question, false, Code::NoError);
        reply.answers = known;
        match kept {
            Kept::Records(records) => reply.answers.extend(records),
            Kept::Nothing(code, head) => (reply.code, reply.authorities) = (code, head.into_iter().collect()),
        }
        client.answer(sys, &reply);
    }

    /// Answers that came back through the relay go to their clients.
    fn take_relayed(&mut self, sys: &mut Sys<'_>) {
        while let Some(end) = sys.stdin.data.find('\n') {
            let line: String = sys.stdin.data.drain(..=end).collect();
            let Some((number, answer)) = read_relay_line(&line) else { continue };
            let number = number.parse::<usize>().ok();
            let relayed = |p: &Pending| matches!(p.work, Work::Relayed(n) if Some(n) == number);
            let Some(at) = self.pending.iter().position(relayed) else { continue };
            let p = self.pending.remove(at);
            match answer {
                Some(bytes) => p.client.answer_raw(sys, with_id(bytes, p.question.id)),
                None => p.client.answer(sys, &p.question.reply(Code::ServFail)),
            }
        }
    }

    /// Moves a passed-on question on; true when its client has its answer.
    fn go_on(&mut self, sys: &mut Sys<'_>, p: &mut Pending) -> bool {
        match &mut p.work {
            Work::Relayed(_) => false,
            Work::Searched(search) => {
                let Some(found) = search.poll(sys, &mut self.cache, &self.roots) else { return false };
                let mut reply = self.reply(&p.question, false, found.code);
                reply.answers = std::mem::take(&mut p.known);
                reply.answers.extend(found.answers);
                reply.authorities = found.authorities;
                p.client.answer(sys, &reply);
                true
            }
            Work::Forwarded { bytes, server, ask } => {
                let found = loop {
                    if let Some(under_way) = ask {
                        match under_way.poll(sys) {
                            None => return false,
                            Some(Ok((message, bytes))) => break Some((message, bytes)),
                            Some(Err(_)) => *server += 1,
                        }
                        *ask = None;
                    }
                    let Some(&next) = self.forward.get(*server) else { break None };
                    let id = sys.rng.next_u32() as u16;
                    *bytes = with_id(std::mem::take(bytes), id);
                    match Ask::start_raw(sys, at(next), id, bytes, PATIENCE) {
                        Ok(started) => *ask = Some(started),
                        Err(_) => *server += 1,
                    }
                };
                self.forwarded(sys, p, found);
                true
            }
        }
    }

    /// The server that was asked has answered, or none has.
    fn forwarded(&mut self, sys: &mut Sys<'_>, p: &mut Pending, found: Option<(Message, Vec<u8>)>) {
        let Some((message, bytes)) = found else {
            return p.client.answer(sys, &self.reply(&p.question, false, Code::ServFail));
        };
        if self.caching {
            self.keep(&message, sys.now());
        }
        if p.known.is_empty() {
            // The answer goes back as it is, under the client's own id.
            return p.client.answer_raw(sys, with_id(bytes, p.question.id));
        }
        let mut reply = self.reply(&p.question, false, message.code);
        reply.answers = std::mem::take(&mut p.known);
        reply.answers.extend(message.answers);
        reply.authorities = message.authorities;
        p.client.answer(sys, &reply);
    }

    /// Keeps the answer to a forwarded question, under the name that was asked.
    fn keep(&mut self, message: &Message, now: Instant) {
        let Some(question) = &message.question else { return };
        if message.answers.iter().any(|r| r.data.kind() == question.kind) {
            // With the CNAMEs on the way: the whole answer is one line, for the shortest of the TTLs.
            let first = Record { name: question.name.clone(), ..message.answers[0].clone() };
            let mut records = message.answers.clone();
            records[0] = first;
            self.cache.keep_answer(&question.name, question.kind, &records, now);
        } else if matches!(message.code, Code::NoError | Code::NxDomain) {
            let head = message.authorities.iter().find(|r| matches!(r.data, Data::Soa(_)));
            self.cache.keep_nothing(&question.name, question.kind, message.code, head, now);
        }
    }
}

fn with_id(mut bytes: Vec<u8>, id: u16) -> Vec<u8> {
    if let Some(first) = bytes.get_mut(..2) {
        first.copy_from_slice(&id.to_be_bytes());
    }
    bytes
}

impl Program for DnsServer {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        if let Some(Signal::Term | Signal::Int) = sys.signal {
            return Poll::Exit(0);
        }
        match self.open(sys) {
            Ok(socket) => {
                self.take_relayed(sys);
                self.serve(sys, socket);
                Poll::Pending
            }
            Err(text) => {
                sys.err(text);
                Poll::Exit(2)
            }
        }
    }
    fn name(&self) -> &str {
        "dnsd"
    }
    fn dns_server(&self) -> Option<&DnsServer> {
        Some(self)
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

fn listen_address(text: Option<&str>) -> Result<Endpoint, String> {
    let Some(text) = text else { return Ok(Endpoint::new(Ipv4Addr::UNSPECIFIED, 53)) };
    let (addr, port) = text.split_once(':').unwrap_or((text, "53"));
    match (addr.parse(), port.parse()) {
        (Ok(addr), Ok(port)) => Ok(Endpoint::new(addr, port)),
        _ => Err(format!("dnsd: bad address: {text}\n")),
    }
}

/// `NAME=ADDR[,TTL]`; 300 seconds without a TTL.
fn record(text: &str) -> Option<Record> {
    let (name, value) = text.split_once('=')?;
    let (addr, ttl) = value.split_once(',').unwrap_or((value, "300"));
    Some(Record {
        name: name.trim_end_matches('.').to_owned(),
        ttl: ttl.parse().ok()?,
        data: Data::A(addr.parse().ok()?),
    })
}
