//! Whether the members of a swarm are still there: each asks another one every second, and is answered
//! (memberlist, state.go: `probe`; its LAN settings, which libnetwork's networkdb keeps).
//!
//! ```text
//!   h1 7946 ── are you there? (110 bytes) ──▶ 7946 h2
//!      7946 ◀── yes (47 bytes) ───────────────7946
//! ```
//! These packets are housekeeping: nobody waits for them, but ARP caches, firewalls and captures see
//! them. What the members tell each other of endpoints goes another way ([`super`]). Not supported:
//! asking through a third member and over TCP, and the encryption of what is said.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::GOSSIP_PORT;
use crate::guest::{Poll, Program, Sys};
use crate::rng::Rng;
use crate::stack::{SocketId, SocketKind, SocketOption};
use crate::time::{Duration, Instant};
use crate::wire::Endpoint;

/// Between two questions of a member (memberlist's `ProbeInterval`).
const INTERVAL: Duration = Duration::from_secs(1);
/// Questions without an answer after which a member counts as gone: the one that made it suspect, and the
/// time it was suspect (`SuspicionMult`, of a handful of members).
const PATIENCE: u32 = 5;
/// Who is gone is asked each so many turns, in case it comes back.
const RARELY: u32 = 10;
/// Bytes of a question and of an answer, as recorded: encrypted, with the names of those who speak.
const QUESTION: usize = 110;
const ANSWER: usize = 47;
/// Before what is said come the version of the encryption, what it is, the swarm and the question's number.
const HEAD: usize = 10;

/// The part of `dockerd` that asks and answers: a process of its own, so that it has a socket and a clock.
/// The engine tells it on its stdin who the members are ([`briefing`]).
#[derive(Debug, Clone, Default)]
pub(super) struct Gossip {
    /// On port 7946, once it is bound.
    socket: Option<SocketId>,
    /// Which swarm: others are not answered, they have other keys.
    swarm: u32,
    /// The others, and how many questions in a row each has left unanswered.
    members: BTreeMap<Ipv4Addr, u32>,
    /// Those of this round who were not asked yet, the next one last.
    round: Vec<Ipv4Addr>,
    /// Who was asked last and the question's number, if there was no answer yet.
    asked: Option<(Ipv4Addr, u32)>,
    /// How often it was its turn to ask: the number of the last question.
    turn: u32,
    /// How far into the second it asks.
    stagger: Duration,
    /// When it asks next; None before it has begun.
    next: Option<Instant>,
}

/// What it has to be told: which swarm, and who the others are. A line for its stdin.
pub(super) fn briefing(swarm: &str, others: impl Iterator<Item = Ipv4Addr>) -> String {
    let number = swarm.bytes().fold(0u32, |n, b| n.wrapping_mul(31).wrapping_add(b.into()));
    others.fold(number.to_string(), |line, addr| format!("{line} {addr}")) + "\n"
}

impl Gossip {
    /// Members do not all ask at once: each begins somewhere in the second (memberlist's `randStagger`).
    pub(super) fn new(rng: &mut Rng) -> Self {
        Self { stagger: Duration(rng.below(INTERVAL.as_nanos() as u32).into()), ..Self::default() }
    }

    /// Takes in a [`briefing`]. What is known of members that stay is kept.
    fn take_briefing(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        self.swarm = words.next().and_then(|n| n.parse().ok()).unwrap_or_default();
        let known = std::mem::take(&mut self.members);
        let others = words.filter_map(|word| word.parse::<Ipv4Addr>().ok());
        self.members = others.map(|addr| (addr, known.get(&addr).copied().unwrap_or(0))).collect();
        self.round.retain(|addr| self.members.contains_key(addr));
    }

    /// The bytes of a question or of its answer. Behind the head stands what would be encrypted: noise.
    fn message(&self, question: bool, number: u32, sys: &mut Sys<'_>) -> Vec<u8> {
        let mut message = vec![1, u8::from(question)];
        message.extend(self.swarm.to_be_bytes());
        message.extend(number.to_be_bytes());
        debug_assert_eq!(message.len(), HEAD);
        message.resize(if question { QUESTION } else { ANSWER }, 0);
        sys.rng.fill(&mut message[HEAD..]);
        message
    }

    /// Asks the next one of the round; a round goes through all members in an order drawn anew (memberlist's
    /// `resetNodes`). Whoever was asked before and has not answered by now missed a question.
    fn ask(&mut self, socket: SocketId, sys: &mut Sys<'_>) {
        if let Some((silent, _)) = self.asked.take()
            && let Some(missed) = self.members.get_mut(&silent)
        {
            *missed = missed.saturating_add(1);
        }
        self.turn = self.turn.wrapping_add(1);
        let rarely = self.turn.is_multiple_of(RARELY);
        if self.round.is_empty() {
            self.round = self.members.keys().copied().collect();
            for i in (1..self.round.len()).rev() {
                self.round.swap(i, sys.rng.below(i as u32 + 1) as usize);
            }
        }
        while let Some(addr) = self.round.pop() {
            if rarely || self.members.get(&addr).is_some_and(|missed| *missed < PATIENCE) {
                let question = self.message(true, self.turn, sys);
                self.asked = Some((addr, self.turn));
                // Who is out of reach has not answered when the next one is asked.
                let _ = sys.ns.send_to(socket, Endpoint::new(addr, GOSSIP_PORT), &question, &mut sys.cx);
                return;
            }
        }
    }

    /// Answers what was asked, and notes who answered.
    fn listen(&mut self, socket: SocketId, sys: &mut Sys<'_>) {
        // An error is of a question that came back: that one stays without an answer.
        while let Ok(heard) = sys.ns.recv_from(socket) {
            let number = |at: usize| heard.data.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
            let (Some(swarm), Some(number)) = (number(2), number(6)) else { continue };
            if swarm != self.swarm {
                continue;
            }
            let question = heard.data[1] == 1;
            if question {
                let answer = self.message(false, number, sys);
                sys.reply(socket, heard.to, heard.from, &answer);
            } else if self.asked == Some((heard.from.addr, number)) {
                self.asked = None;
            }
            // Who asks is there as well as who answers.
            if let Some(missed) = self.members.get_mut(&heard.from.addr) {
                *missed = 0;
            }
        }
    }
}

impl Program for Gossip {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        while let Some(end) = sys.stdin.data.find('\n') {
            let line: String = sys.stdin.data.drain(..=end).collect();
            self.take_briefing(&line);
        }
        let socket = match self.socket {
            Some(socket) => socket,
            None => {
                let socket = sys.ns.socket(Some(sys.pid), SocketKind::Udp);
                let _ = sys.ns.set_option(socket, SocketOption::ReuseAddr(true));
                if sys.ns.bind(socket, Endpoint::new(Ipv4Addr::UNSPECIFIED, GOSSIP_PORT)).is_err() {
                    return Poll::Exit(1);
                }
                *self.socket.insert(socket)
            }
        };
        self.listen(socket, sys);
        let now = sys.now();
        let mut next = *self.next.get_or_insert(now + INTERVAL + self.stagger);
        if next <= now {
            self.ask(socket, sys);
            while next <= now {
                next += INTERVAL;
            }
            self.next = Some(next);
        }
        sys.wake_at(next);
        Poll::Pending
    }
    fn name(&self) -> &str {
        "dockerd"
    }
    fn housekeeping(&self) -> bool {
        true
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
