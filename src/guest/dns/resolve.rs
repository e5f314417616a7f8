//! Finding an answer out from the root down (RFC 1034 §5.3.3): ask the nearest servers that are
//! known, follow their referrals, follow CNAMEs, remember all of it.
//!
//! ```text
//!   www.example.com?  ─▶ root: "ask com's servers"  ─▶ com: "ask example.com's"  ─▶ the address
//! ```
//! What a server says beyond its own zone is not believed. Bounded in questions, in time, in
//! depth. Not supported: DNSSEC, QNAME minimisation, choosing servers by their round-trip times.

use std::net::Ipv4Addr;

use super::ask::at;
use super::cache::{Cache, Kept};
use super::record::{parent, within};
use super::{Ask, AskOptions, Code, Data, Kind, Message, Question, Record};
use crate::guest::Sys;
use crate::time::{Duration, Instant};

/// How long one server may take before the next is asked.
const TIMEOUT: Duration = Duration::from_secs(1);
/// How long all of it may take: less than the 5 seconds after which clients ask again, so that
/// they hear SERVFAIL rather than nothing.
const PATIENCE: Duration = Duration::from_secs(4);
/// Questions for one answer (BIND's max-recursion-queries is 100; here are no such deep names).
const MAX_QUESTIONS: usize = 40;
/// CNAMEs on the way.
const MAX_ALIASES: usize = 8;
/// Addresses of servers looked up within the lookup of addresses of servers.
const MAX_DEPTH: usize = 3;
/// How large a datagram is taken (DNS flag day 2020).
pub(super) const EDNS_SIZE: u16 = 1232;

/// What was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) code: Code,
    pub(super) answers: Vec<Record>,
    /// With "no such name", the head of the zone.
    pub(super) authorities: Vec<Record>,
}

impl Outcome {
    fn fail() -> Self {
        Self { code: Code::ServFail, answers: Vec::new(), authorities: Vec::new() }
    }
}

/// A search under way.
#[derive(Debug, Clone)]
pub(super) struct Resolve {
    kind: Kind,
    /// The name that is looked for now: the one asked, or a CNAME's target.
    name: String,
    answers: Vec<Record>,
    /// The zone whose servers are asked.
    cut: String,
    servers: Vec<Server>,
    /// Which of them is next.
    next: usize,
    ask: Option<Ask>,
    /// Looks for the address of the server `next`.
    inner: Option<Box<Self>>,
    asked: usize,
    aliases: usize,
    depth: usize,
    deadline: Instant,
}

/// A server of a zone.
#[derive(Debug, Clone)]
struct Server {
    name: String,
    addrs: Vec<Ipv4Addr>,
    /// Its address was looked for in vain.
    lost: bool,
}

impl Resolve {
    /// A search for the answer to `question`.
    pub(super) fn new(question: &Question, now: Instant) -> Self {
        Self {
            kind: question.kind,
            name: question.name.clone(),
            answers: Vec::new(),
            cut: String::new(),
            servers: Vec::new(),
            next: 0,
            ask: None,
            inner: None,
            asked: 0,
            aliases: 0,
            depth: 0,
            deadline: now + PATIENCE,
        }
    }

    /// Begins at these servers of the zone that `servers` delegate, instead of at the root.
    pub(super) fn beginning_at(mut self, servers: &[Record], glue: &[Record]) -> Self {
        if let Some(first) = servers.first() {
            self.go_to(&first.name.clone(), servers, glue);
        }
        self
    }

    /// Goes on. None: an answer is awaited.
    pub(super) fn poll(
        &mut self,
        sys: &mut Sys<'_>,
        cache: &mut Cache,
        roots: &[Ipv4Addr],
    ) -> Option<Outcome> {
        loop {
            if sys.now() >= self.deadline {
                self.cancel(sys);
                return Some(Outcome::fail());
            }
            if let Some(inner) = &mut self.inner {
                let found = inner.poll(sys, cache, roots)?;
                self.asked += inner.asked;
                self.inner = None;
                self.server_found(&found);
                continue;
            }
            if let Some(ask) = &mut self.ask {
                let Some(answer) = ask.poll(sys) else {
                    sys.wake_at(self.deadline);
                    return None;
                };
                self.ask = None;
                match answer {
                    Ok((message, _)) => {
                        if let Some(outcome) = self.hear(&message, cache, sys.now()) {
                            return Some(outcome);
                        }
                    }
                    Err(_) => self.next += 1,
                }
                continue;
            }
            if let Some(outcome) = self.look_in(cache, sys.now()) {
                return Some(outcome);
            }
            if self.servers.is_empty() {
                self.nearest_servers(cache, roots, sys.now());
            }
            if let Some(outcome) = self.ask_next(sys) {
                return Some(outcome);
            }
        }
    }

    /// Stops.
    pub(super) fn cancel(&mut self, sys: &mut Sys<'_>) {
        if let Some(ask) = self.ask.take() {
            ask.cancel(sys);
        }
        if let Some(mut inner) = self.inner.take() {
            inner.cancel(sys);
        }
    }

    fn done(&mut self, code: Code, head: Option<Record>) -> Outcome {
        let authorities = head.into_iter().collect();
        Outcome { code, answers: std::mem::take(&mut self.answers), authorities }
    }

    /// What the cache says, CNAMEs followed. None: somebody has to be asked.
    fn look_in(&mut self, cache: &Cache, now: Instant) -> Option<Outcome> {
        loop {
            match cache.get(&self.name, self.kind, now) {
                Some(Kept::Records(records)) => {
                    self.answers.extend(named(&self.name, records));
                    return Some(self.done(Code::NoError, None));
                }
                Some(Kept::Nothing(code, head)) => return Some(self.done(code, head)),
                None => {}
            }
            match cache.get(&self.name, Kind::CNAME, now) {
                Some(Kept::Records(records)) if self.kind != Kind::CNAME => {
                    let records = named(&self.name, records);
                    if let Some(outcome) = self.follow(&records) {
                        return Some(outcome);
                    }
                }
                _ => return None,
            }
        }
    }

    /// Goes on with a CNAME's target; Some when there were too many.
    fn follow(&mut self, records: &[Record]) -> Option<Outcome> {
        self.answers.extend_from_slice(records);
        self.aliases += 1;
        let target = records.first().and_then(|r| r.data.target()).map(str::to_owned);
        let (Some(target), true) = (target, self.aliases <= MAX_ALIASES) else {
            return Some(Outcome::fail());
        };
        self.name = target;
        self.servers.clear();
        None
    }

    /// The servers of the nearest zone above the name that the cache knows, or the root's.
    fn nearest_servers(&mut self, cache: &Cache, roots: &[Ipv4Addr], now: Instant) {
        let mut zone = self.name.clone();
        loop {
            if let Some(Kept::Records(servers)) = cache.get(&zone, Kind::NS, now) {
                let glue: Vec<Record> = servers
                    .iter()
                    .filter_map(|s| match cache.get(s.data.target()?, Kind::A, now)? {
                        Kept::Records(records) => Some(records),
                        Kept::Nothing(..) => None,
                    })
                    .flatten()
                    .collect();
                // Servers within the zone whose addresses are forgotten cannot be found through it.
                let usable = |s: &Record| s.data.target().is_some_and(|t| !within(t, &zone));
                if !glue.is_empty() || servers.iter().any(usable) {
                    return self.go_to(&zone, &servers, &glue);
                }
            }
            if zone.is_empty() {
                break;
            }
            zone = parent(&zone).to_owned();
        }
        let root = |addr: &Ipv4Addr| Server { name: String::new(), addrs: vec![*addr], lost: false };
        self.cut = String::new();
        self.next = 0;
        self.servers = roots.iter().map(root).collect();
    }

    fn go_to(&mut self, zone: &str, servers: &[Record], glue: &[Record]) {
        zone.clone_into(&mut self.cut);
        self.next = 0;
        self.servers = servers
            .iter()
            .filter_map(|s| s.data.target())
            .map(|name| {
                let own = glue.iter().filter(|g| g.name.eq_ignore_ascii_case(name));
                let addrs = own.filter_map(|g| if let Data::A(a) = g.data { Some(a) } else { None });
                Server { name: name.to_owned(), addrs: addrs.collect(), lost: false }
            })
            .collect();
    }

    /// Asks the next server, or looks for its address. Each is asked twice. Some: nobody is left.
    fn ask_next(&mut self, sys: &mut Sys<'_>) -> Option<Outcome> {
        let turns = self.servers.len() * 2;
        while self.next < turns && self.asked < MAX_QUESTIONS {
            let index = self.next % self.servers.len();
            let server = &self.servers[index];
            if server.lost {
                self.next += 1;
                continue;
            }
            let Some(&addr) = server.addrs.get(self.next / self.servers.len() % server.addrs.len().max(1))
            else {
                // Its own zone's servers would have to be asked for it.
                let circular = within(&server.name, &self.cut) && !self.cut.is_empty();
                if self.depth >= MAX_DEPTH || circular {
                    self.servers[index].lost = true;
                    continue;
                }
                let question = Question { name: server.name.clone(), kind: Kind::A };
                let mut inner = Self::new(&question, sys.now());
                (inner.depth, inner.asked, inner.deadline) = (self.depth + 1, self.asked, self.deadline);
                self.asked = 0;
                self.inner = Some(Box::new(inner));
                return None;
            };
            self.asked += 1;
            let mut query = Message::query(
                sys.rng.next_u32() as u16,
                Question { name: self.name.clone(), kind: self.kind },
            );
            (query.recursion_desired, query.edns) = (false, Some(EDNS_SIZE));
            match Ask::send(sys, at(addr), &query, AskOptions::default(), TIMEOUT) {
                Ok(ask) => {
                    self.ask = Some(ask);
                    return None;
                }
                Err(_) => self.next += 1,
            }
        }
        Some(Outcome::fail())
    }

    /// The search for a server's address is over.
    fn server_found(&mut self, found: &Outcome) {
        let index = self.next % self.servers.len().max(1);
        let Some(server) = self.servers.get_mut(index) else { return };
        let addr = |r: &Record| if let Data::A(a) = r.data { Some(a) } else { None };
        server.addrs = found.answers.iter().filter_map(addr).collect();
        server.lost = server.addrs.is_empty();
    }

    /// A server has answered. Some: the search is over; None: it goes on.
    fn hear(&mut self, message: &Message, cache: &mut Cache, now: Instant) -> Option<Outcome> {
        let own = |r: &&Record| within(&r.name, &self.cut);
        let answers: Vec<Record> = message.answers.iter().filter(own).cloned().collect();
        let authorities: Vec<Record> = message.authorities.iter().filter(own).cloned().collect();
        let is_server = |r: &&Record| {
            let mut servers = message.answers.iter().chain(&authorities);
            servers
                .any(|s| matches!(&s.data, Data::Ns(t) | Data::Mx(_, t) if t.eq_ignore_ascii_case(&r.name)))
        };
        let glue: Vec<Record> = message.additional.iter().filter(own).filter(is_server).cloned().collect();
        if !matches!(message.code, Code::NoError | Code::NxDomain) {
            self.next += 1;
            return None;
        }
        cache.keep_all(&answers, now);
        cache.keep_all(&glue, now);
        let servers: Vec<Record> =
            authorities.iter().filter(|r| matches!(r.data, Data::Ns(_))).cloned().collect();
        cache.keep_all(&servers, now);
        // The CNAMEs of this answer, then the records at their end.
        let cut = self.cut.clone();
        let mut followed = false;
        loop {
            let of_name = |r: &&Record| r.name.eq_ignore_ascii_case(&self.name);
            let found = |r: &&Record| r.data.kind() == self.kind || self.kind == Kind::ANY;
            let here: Vec<Record> = answers.iter().filter(of_name).cloned().collect();
            let records: Vec<Record> = here.iter().filter(found).cloned().collect();
            if !records.is_empty() {
                self.answers.extend(records);
                return Some(self.done(Code::NoError, None));
            }
            let alias: Vec<Record> =
                here.into_iter().filter(|r| matches!(r.data, Data::Cname(_))).take(1).collect();
            if alias.is_empty() {
                break;
            }
            if let Some(outcome) = self.follow(&alias) {
                return Some(outcome);
            }
            followed = true;
        }
        if !within(&self.name, &cut) {
            // The target is another zone's: its servers are to be found.
            return None;
        }
        let head = authorities.iter().find(|r| matches!(r.data, Data::Soa(_)) && within(&self.name, &r.name));
        let below = servers.first().filter(|s| within(&self.name, &s.name) && s.name.len() > cut.len());
        match (message.code, head, below) {
            (Code::NxDomain, ..) => {
                cache.keep_nothing(&self.name, self.kind, Code::NxDomain, head, now);
                Some(self.done(Code::NxDomain, head.cloned()))
            }
            (_, None, Some(below)) => {
                let zone = below.name.clone();
                self.go_to(&zone, &servers, &glue);
                None
            }
            _ if head.is_some() || (message.authoritative && !followed) => {
                cache.keep_nothing(&self.name, self.kind, Code::NoError, head, now);
                Some(self.done(Code::NoError, head.cloned()))
            }
            // Nothing about the CNAME's target: its servers are to be found.
            _ if followed => None,
            // A lame server: neither an answer nor a way on.
            _ => {
                self.next += 1;
                None
            }
        }
    }
}

/// Records under the name as it was asked for.
fn named(name: &str, records: Vec<Record>) -> Vec<Record> {
    records.into_iter().map(|r| Record { name: name.to_owned(), ..r }).collect()
}
