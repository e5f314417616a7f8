//! The trace of one attempt: which packets belong to it, and what became of each.
//!
//! A packet belongs if a program of the attempt sent it, if it is a copy of one that belongs, an
//! answer to one (the same conversation the other way round, in the namespace that saw it), an error
//! about one, a question about the same name, or was sent by a program to which one was delivered
//! (a proxy, a server). Nothing else is looked at: what others do meanwhile does not count.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use crate::netfilter::{Hook, NfStep};
use crate::session::{Job, Session};
use crate::stack::{DropReason, Errno, NsId, Pid, Record, Step};
use crate::wire::{self, Content, Endpoint, Flow, IfIndex, Mac, PacketId, Protocol, Summary, Transport};

/// Records of an attempt that are looked at, at most.
const MOST_RECORDS: usize = 60_000;

/// Why a packet is part of the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// Sent for the attempt.
    Ask,
    /// Sent in answer.
    Answer,
    /// An ICMP error or a reset about one that belongs.
    Error,
}

/// How a packet ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum End {
    /// At a socket, with its owner if it is still there.
    Delivered(Option<Pid>),
    /// In a kernel, or in others that go on in its place.
    Taken,
    /// Dropped.
    Dropped(Option<IfIndex>, DropReason),
    /// It waits for a neighbour that has not answered so far.
    Waiting(IfIndex, Ipv4Addr),
}

/// A packet's life.
#[derive(Debug, Clone)]
pub(super) struct Life {
    pub id: PacketId,
    pub role: Role,
    /// Its first record.
    pub born: u64,
    /// Where it was made.
    pub ns: NsId,
    pub by: Option<Pid>,
    pub parent: Option<PacketId>,
    /// Where it was going when it was made.
    pub dst: Option<Ipv4Addr>,
    /// The conversation before its own machine rewrote it, if it did.
    pub origin: Option<Flow>,
    /// The frame as it first left an interface; None if it never did.
    pub first: Option<Summary>,
    /// Its records.
    pub seqs: Vec<u64>,
    /// Its last record, where, and how it ended.
    pub end: Option<(u64, NsId, End)>,
    /// The hook whose rules looked at it last.
    pub hook: Option<Hook>,
}

impl Life {
    /// The conversation as its sender meant it.
    pub fn flow(&self) -> Option<Flow> {
        if self.origin.is_some() {
            return self.origin;
        }
        let packet = self.first.as_ref()?.ipv4()?;
        Some(Flow { src: packet.source(), dst: packet.destination(), proto: packet.proto })
    }
    /// The DNS message it carries: name, and whether it is an answer with which code.
    pub fn dns(&self) -> Option<(&str, Option<&'static str>)> {
        match &self.first.as_ref()?.ipv4()?.transport {
            Transport::Udp { dns: Some(dns), .. } => {
                Some((dns.name.as_str(), dns.is_answer.then_some(dns.rcode)))
            }
            _ => None,
        }
    }
}

/// A packet that was never made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unsent {
    pub seq: u64,
    pub ns: NsId,
    pub to: Endpoint,
    pub errno: Errno,
}

/// What happened in an attempt.
#[derive(Debug, Clone, Default)]
pub(super) struct Story {
    /// The packets that belong, in order of their beginnings.
    pub lives: Vec<Life>,
    /// Refusals to the attempt's own programs.
    pub unsent: Vec<Unsent>,
    /// Refusals to programs to which a packet of the attempt had come: a server that cannot answer.
    pub stuck: Vec<(Pid, Unsent)>,
    /// Who said by ARP that it has an address.
    pub claims: BTreeMap<Ipv4Addr, BTreeSet<Mac>>,
    /// The first record of the attempt's own programs, and where they ran.
    pub started: Option<(u64, NsId)>,
    /// The last of them that ended with an error.
    pub exited: Option<u64>,
    own: BTreeSet<Pid>,
    records: BTreeMap<u64, Record>,
}

impl Story {
    /// Reads the records of a job.
    pub fn of(session: &Session, job: &Job) -> Self {
        let to = job.ended.unwrap_or_else(|| session.world.log.next_seq());
        Self::read(session, &job.pids, job.first_seq, to)
    }

    /// Reads the records from `from` up to `to` (births) for the programs `pids`.
    pub fn read(session: &Session, pids: &[Pid], from: u64, to: u64) -> Self {
        let mut story = Self { own: pids.iter().copied().collect(), ..Self::default() };
        let mut lives: BTreeMap<PacketId, Life> = BTreeMap::new();
        let mut about: BTreeMap<PacketId, PacketId> = BTreeMap::new();
        for (seq, record) in session.world.log.iter_from(from).take(MOST_RECORDS) {
            let Some(id) = record.packet else {
                if seq < to {
                    story.note(seq, &record);
                }
                continue;
            };
            if seq < to && matches!(record.step, Step::Sent { .. } | Step::Copied { .. }) {
                lives.insert(id, begin(id, seq, &record));
            }
            let Some(life) = lives.get_mut(&id) else { continue };
            life.seqs.push(seq);
            follow(life, session, seq, &record);
            match record.step {
                Step::IcmpErrorSent { error, .. } => drop(about.insert(error, id)),
                Step::ResetSent { reset } => drop(about.insert(reset, id)),
                _ => {}
            }
            story.records.insert(seq, record);
        }
        story.choose(lives, &about);
        story
    }

    fn note(&mut self, seq: u64, record: &Record) {
        match &record.step {
            Step::Started { pid, .. } if self.own.contains(pid) => {
                self.started.get_or_insert((seq, record.ns));
                self.records.insert(seq, record.clone());
            }
            Step::Exited { pid, code } if self.own.contains(pid) => {
                if *code != 0 {
                    self.exited = Some(seq);
                }
                self.records.insert(seq, record.clone());
            }
            Step::Unsent { by: Some(by), to, errno } if self.own.contains(by) => {
                self.unsent.push(Unsent { seq, ns: record.ns, to: *to, errno: *errno });
                self.records.insert(seq, record.clone());
            }
            Step::Unsent { by: Some(by), to, errno } => {
                self.stuck.push((*by, Unsent { seq, ns: record.ns, to: *to, errno: *errno }));
            }
            _ => {}
        }
    }

    /// Keeps the packets that belong to the attempt.
    fn choose(&mut self, lives: BTreeMap<PacketId, Life>, about: &BTreeMap<PacketId, PacketId>) {
        let mut all: Vec<Life> = lives.into_values().collect();
        all.sort_by_key(|l| l.born);
        let mut seen: BTreeSet<(NsId, Flow)> = BTreeSet::new();
        let mut senders = self.own.clone();
        let mut names: BTreeSet<String> = BTreeSet::new();
        let mut members: BTreeMap<PacketId, Role> = BTreeMap::new();
        for mut life in all {
            self.hear_claim(&life);
            let flow = life.flow();
            let reply = flow.map(|f| (life.ns, Flow { src: f.dst, dst: f.src, ..f }));
            let parent = life.parent.and_then(|p| members.get(&p).copied());
            let question = life.dns().is_some_and(|(name, code)| code.is_none() && names.contains(name));
            // A kernel's own answer that never left its machine: only where it was going is known of it.
            let own = (flow.is_none() && life.by.is_none()).then_some(life.dst).flatten();
            let own = own.is_some_and(|dst| {
                seen.iter().any(|(ns, f)| *ns == life.ns && f.proto == Protocol::Icmp && f.src.addr == dst)
            });
            let role = if let Some(role) = parent {
                role
            } else if about.get(&life.id).is_some_and(|p| members.contains_key(p)) {
                Role::Error
            } else if own || reply.is_some_and(|r| seen.contains(&r)) {
                Role::Answer
            } else if question || life.by.is_some_and(|by| senders.contains(&by)) {
                Role::Ask
            } else {
                continue;
            };
            life.role = role;
            members.insert(life.id, role);
            if let Some((name, None)) = life.dns() {
                names.insert(name.to_owned());
            }
            if let Some(flow) = flow {
                seen.insert((life.ns, flow));
            }
            for seq in &life.seqs {
                let Some(Record { ns, step: Step::Nf(NfStep::Translated { before, after, .. }), .. }) =
                    self.records.get(seq)
                else {
                    continue;
                };
                seen.insert((*ns, *before));
                seen.insert((*ns, *after));
            }
            if let Some((_, ns, _)) = life.end
                && let Some(flow) = self.flow_at_end(&life)
            {
                seen.insert((ns, flow));
            }
            if let Some((_, _, End::Delivered(Some(owner)))) = life.end {
                senders.insert(owner);
            }
            self.lives.push(life);
        }
        self.stuck.retain(|(by, _)| senders.contains(by));
        let keep: BTreeSet<u64> = self.lives.iter().flat_map(|l| l.seqs.iter().copied()).collect();
        self.records.retain(|seq, record| record.packet.is_none() || keep.contains(seq));
    }

    /// The conversation as the packet's last namespace saw it.
    pub fn flow_at_end(&self, life: &Life) -> Option<Flow> {
        let mut flow = life.flow();
        for seq in &life.seqs {
            if let Some(Record { step: Step::Nf(NfStep::Translated { after, .. }), .. }) =
                self.records.get(seq)
            {
                flow = Some(*after);
            }
        }
        flow
    }

    fn hear_claim(&mut self, life: &Life) {
        let Some(Content::Arp(arp)) = life.first.as_ref().map(|f| &f.content) else { return };
        if !arp.sender.is_unspecified() {
            self.claims.entry(arp.sender).or_default().insert(arp.sender_mac);
        }
    }

    /// The records of a packet, in order.
    pub fn records_of<'a>(&'a self, life: &'a Life) -> impl Iterator<Item = (u64, &'a Record)> {
        life.seqs.iter().filter_map(|seq| Some((*seq, self.records.get(seq)?)))
    }

    /// A packet that belongs.
    pub fn life(&self, id: PacketId) -> Option<&Life> {
        self.lives.iter().find(|l| l.id == id)
    }

    /// The packet with those that it was copied from, the oldest first.
    pub fn line_of<'a>(&'a self, life: &'a Life) -> Vec<&'a Life> {
        let mut line = vec![life];
        while let Some(parent) = line.last().and_then(|l| l.parent).and_then(|p| self.life(p)) {
            line.push(parent);
        }
        line.reverse();
        line
    }

    /// The attempt's own questions, without copies.
    pub fn asks(&self) -> impl DoubleEndedIterator<Item = &Life> {
        self.lives.iter().filter(|l| {
            l.role == Role::Ask && l.parent.is_none() && l.by.is_some_and(|by| self.own.contains(&by))
        })
    }
}

fn begin(id: PacketId, seq: u64, record: &Record) -> Life {
    let (by, parent) = match record.step {
        Step::Sent { by } => (by, None),
        Step::Copied { of } => (None, Some(of)),
        _ => (None, None),
    };
    Life {
        id,
        role: Role::Ask,
        born: seq,
        ns: record.ns,
        by,
        parent,
        dst: None,
        origin: None,
        first: None,
        seqs: Vec::new(),
        end: None,
        hook: None,
    }
}

fn follow(life: &mut Life, session: &Session, seq: u64, record: &Record) {
    let end = match record.step {
        Step::Transmit { .. } => {
            if life.first.is_none() {
                life.first = Some(first_summary(life.origin, &session.world.log.bytes(seq)));
            }
            None
        }
        Step::Routed { dst, .. } | Step::RoutedLocal { dst } => {
            life.dst.get_or_insert(dst);
            return;
        }
        Step::Held { dev, next_hop } => Some(End::Waiting(dev, next_hop)),
        Step::Delivered { socket } => {
            let info = session.world.namespace(record.ns).and_then(|ns| ns.socket_info(socket));
            Some(End::Delivered(info.and_then(|i| i.owner)))
        }
        Step::DeliveredToKernel | Step::Absorbed => Some(End::Taken),
        Step::Dropped { dev, reason } => Some(End::Dropped(dev, reason)),
        Step::Nf(NfStep::Translated { before, .. }) => {
            if life.first.is_none() {
                life.origin.get_or_insert(before);
            }
            return;
        }
        Step::Nf(NfStep::Enter { hook, .. }) => {
            life.hook = Some(hook);
            return;
        }
        _ => return,
    };
    life.end = end.map(|end| (seq, record.ns, end));
}

/// What a frame says. A question to Docker's own DNS server leaves with another port than 53, as it
/// was rewritten before; it is read as what it is.
fn first_summary(origin: Option<Flow>, bytes: &[u8]) -> Summary {
    /// Where the ports of an IPv4 packet without options lie.
    const PORTS: usize = 34;
    let summary = wire::summary(bytes);
    let named = origin.is_some_and(|f| f.proto == Protocol::Udp && (f.dst.port == 53 || f.src.port == 53));
    let plain = summary
        .ipv4()
        .is_some_and(|p| p.header_len == 20 && matches!(p.transport, Transport::Udp { dns: None, .. }));
    if !named || !plain || bytes.len() < PORTS + 4 {
        return summary;
    }
    let mut as_asked = bytes.to_vec();
    as_asked[PORTS + 2..PORTS + 4].copy_from_slice(&53u16.to_be_bytes());
    wire::summary(&as_asked)
}
