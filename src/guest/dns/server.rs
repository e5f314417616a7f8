//! `dnsd`: a DNS server. It answers from a zone file of its machine, which it reads afresh for
//! each question, and asks other servers about the rest.
//!
//! One program in several roles: the public server (records, NXDOMAIN to all else), a home
//! router's forwarder (like dnsmasq), and the engine's server in a container at 127.0.0.11 (like
//! libnetwork's resolver.go: names in any case, several addresses in changing order, not
//! authoritative). Not supported: TCP, caching, answers from other zones' NS records.

use std::net::Ipv4Addr;

use super::ask::at;
use super::{Ask, AskError, Code, Data, Kind, Message, Question, Record, Zone};
use crate::guest::options::{Opt, flag, parse, value};
use crate::guest::{Poll, Program, Signal, Sys};
use crate::stack::{Errno, SocketId, SocketKind};
use crate::time::Duration;
use crate::wire::Endpoint;

/// The options of `dnsd`.
pub const DNSD_OPTIONS: &[Opt] = &[
    value(&["--listen"], "ADDR[:PORT]", "own address (all, port 53)", "자기 주소 (기본: 모두, 53번 포트)"),
    value(&["--zone"], "FILE", "own records", "자기 레코드 파일"),
    value(&["--record"], "NAME=ADDR[,TTL]", "an own A record", "자기 A 레코드"),
    value(&["--forward"], "ADDR", "server to ask about other names", "나머지 이름을 물어볼 서버"),
    value(&["--resolv"], "FILE", "resolv.conf that names those servers", "물어볼 서버가 적힌 resolv.conf"),
    flag(
        &["--relay"],
        "pass other names on through stdout, answers come on stdin",
        "모르는 이름을 stdout으로 넘기고 답은 stdin으로 받음",
    ),
    flag(&["--servfail"], "say SERVFAIL to other names", "모르는 이름에 SERVFAIL로 답함"),
    flag(&["--not-authoritative"], "own records without AA", "자기 레코드도 AA 없이 답함"),
];

/// How long a forwarder waits for one server (libnetwork's extIOTimeout).
const PATIENCE: Duration = Duration::from_secs(4);
/// Questions under way at a time; more are refused, so that a loop of forwarders comes to an end.
const MAX_PENDING: usize = 64;

/// The program.
#[derive(Debug, Clone)]
pub struct DnsServer {
    listen: Result<Endpoint, String>,
    zone: Option<String>,
    records: Vec<Record>,
    forward: Vec<Ipv4Addr>,
    /// The file that says whom to forward to, read afresh for each question.
    resolv: Option<String>,
    /// Other names are asked about by whoever reads stdout.
    relay: bool,
    otherwise: Code,
    authoritative: bool,
    socket: Option<SocketId>,
    pending: Vec<Pending>,
    answered: usize,
}

/// Who asked, and where.
#[derive(Debug, Clone, Copy)]
struct Client {
    socket: SocketId,
    addr: Endpoint,
    asked_at: Ipv4Addr,
}

impl Client {
    fn answer(self, sys: &mut Sys<'_>, message: &Message) {
        if let Some(bytes) = message.encode() {
            self.answer_raw(sys, &bytes);
        }
    }
    fn answer_raw(self, sys: &mut Sys<'_>, bytes: &[u8]) {
        sys.reply(self.socket, self.asked_at, self.addr, bytes);
    }
}

/// A question that was passed on.
#[derive(Debug, Clone)]
struct Pending {
    client: Client,
    bytes: Vec<u8>,
    question: Message,
    server: usize,
    ask: Option<Ask>,
    /// The number under which it was relayed.
    relayed: Option<usize>,
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
        Box::new(Self {
            listen,
            zone: options.get("--zone").map(str::to_owned),
            records: options.all("--record").filter_map(record).collect(),
            forward: options.all("--forward").filter_map(|a| a.parse().ok()).collect(),
            resolv: options.get("--resolv").map(str::to_owned),
            relay: options.has("--relay"),
            otherwise: if options.has("--servfail") { Code::ServFail } else { Code::NxDomain },
            authoritative: !options.has("--not-authoritative"),
            socket: None,
            pending: Vec::new(),
            answered: 0,
        })
    }

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
        Ok(socket)
    }

    fn serve(&mut self, sys: &mut Sys<'_>, socket: SocketId) {
        loop {
            match sys.ns.recv_from(socket) {
                Ok(datagram) => {
                    if let Some(message) = Message::decode(&datagram.data).filter(|m| !m.response) {
                        let client = Client { socket, addr: datagram.from, asked_at: datagram.to };
                        self.question(sys, client, message, datagram.data);
                    }
                }
                Err(Errno::WouldBlock | Errno::BadFd) => break,
                // An ICMP error about an earlier answer: the client is gone, the next is waiting.
                Err(_) => {}
            }
        }
        let mut pending = std::mem::take(&mut self.pending);
        pending.retain_mut(|p| !self.go_on(sys, p));
        self.pending = pending;
    }

    fn question(&mut self, sys: &mut Sys<'_>, client: Client, message: Message, bytes: Vec<u8>) {
        let Some(question) = message.question.clone() else {
            return client.answer(sys, &message.reply(Code::FormErr));
        };
        if let Some(answer) = self.own_answer(sys, &message, &question) {
            return client.answer(sys, &answer);
        }
        if let Some(path) = &self.resolv {
            let lines = sys.files.text(path).unwrap_or_default().lines();
            self.forward = lines.filter_map(|l| l.strip_prefix("nameserver ")?.trim().parse().ok()).collect();
            if self.forward.is_empty() {
                return client.answer(sys, &message.reply(Code::Refused));
            }
        }
        if self.forward.is_empty() && !self.relay {
            return client.answer(sys, &message.reply(self.otherwise));
        }
        if self.pending.len() >= MAX_PENDING {
            return client.answer(sys, &message.reply(Code::Refused));
        }
        let mut pending = Pending { client, bytes, question: message, server: 0, ask: None, relayed: None };
        if self.relay {
            self.answered += 1;
            pending.relayed = Some(self.answered);
            sys.out(relay_line(&self.answered.to_string(), Some(&pending.bytes)));
        }
        if !self.go_on(sys, &mut pending) {
            self.pending.push(pending);
        }
    }

    /// What the own zone says; None if it does not know the name.
    fn own_answer(&mut self, sys: &Sys<'_>, message: &Message, question: &Question) -> Option<Message> {
        let file = self.zone.as_deref().and_then(|path| sys.files.text(path)).unwrap_or("");
        let mut zone = Zone::parse(file);
        zone.records.extend(self.records.iter().cloned());
        if !zone.knows(&question.name) {
            return None;
        }
        let mut reply = message.reply(Code::NoError);
        reply.authoritative = self.authoritative;
        let mut name = question.name.clone();
        // A CNAME leads on to the next name; eight are more than any sane zone has.
        for _ in 0..8 {
            let mut records: Vec<_> = zone.find(&name, question.kind).cloned().collect();
            if records.is_empty() {
                break;
            }
            let turn = self.answered % records.len();
            records.rotate_left(turn);
            // The owner's name is given back in the case in which it was asked.
            records.iter_mut().for_each(|r| r.name.clone_from(&name));
            let next = match records.first().map(|r| &r.data) {
                Some(Data::Cname(target)) if question.kind != Kind::CNAME => Some(target.clone()),
                _ => None,
            };
            reply.answers.extend(records);
            match next {
                Some(next) => name = next,
                None => break,
            }
        }
        self.answered += 1;
        Some(reply)
    }

    /// Answers that came back through the relay go to their clients.
    fn take_relayed(&mut self, sys: &mut Sys<'_>) {
        while let Some(end) = sys.stdin.data.find('\n') {
            let line: String = sys.stdin.data.drain(..=end).collect();
            let Some((number, answer)) = read_relay_line(&line) else { continue };
            let number = number.parse::<usize>().ok();
            let Some(at) = self.pending.iter().position(|p| p.relayed.is_some() && p.relayed == number)
            else {
                continue;
            };
            let p = self.pending.remove(at);
            match answer {
                Some(mut bytes) => {
                    bytes[..2].copy_from_slice(&p.question.id.to_be_bytes());
                    p.client.answer_raw(sys, &bytes);
                }
                None => p.client.answer(sys, &p.question.reply(Code::ServFail)),
            }
        }
    }

    /// Moves a passed-on question on; true when its client has its answer.
    fn go_on(&self, sys: &mut Sys<'_>, p: &mut Pending) -> bool {
        if p.relayed.is_some() {
            return false;
        }
        loop {
            if let Some(ask) = &mut p.ask {
                match ask.poll(sys) {
                    None => return false,
                    Some(Ok((_, mut bytes))) => {
                        // The answer goes back as it is, under the client's own id.
                        bytes[..2].copy_from_slice(&p.question.id.to_be_bytes());
                        p.client.answer_raw(sys, &bytes);
                        return true;
                    }
                    Some(Err(_)) => p.server += 1,
                }
                p.ask = None;
            }
            let Some(&server) = self.forward.get(p.server) else {
                p.client.answer(sys, &p.question.reply(Code::ServFail));
                return true;
            };
            let id = sys.rng.next_u32() as u16;
            p.bytes[..2].copy_from_slice(&id.to_be_bytes());
            match Ask::start_raw(sys, at(server), id, &p.bytes, PATIENCE) {
                Ok(ask) => p.ask = Some(ask),
                Err(AskError::NotSent(_) | AskError::Failed(_) | AskError::TimedOut | AskError::BadName) => {
                    p.server += 1;
                }
            }
        }
    }
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
