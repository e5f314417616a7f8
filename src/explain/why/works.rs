//! "How?": what carried a command that worked.

use super::atlas::Atlas;
use super::pick::first_flow;
use super::story::{End, Life, Role, Story};
use super::words::of_life;
use super::{Cause, Found};
use crate::netfilter::{NatKind, NfStep};
use crate::stack::{NsId, Record, Step};

/// What it was that made it work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Works {
    /// Docker's own DNS server answered.
    DockerName,
    /// A DNS server answered.
    Name,
    /// The frame travelled in another packet.
    Overlay,
    /// A program on the way carried it on (docker-proxy, a reverse proxy).
    Proxy,
    /// A published port: Docker's rule rewrote the destination.
    Published,
    /// A router's port forward did.
    Forwarded,
    /// It never left the machine.
    Itself,
    /// The source was rewritten more than once.
    NatTwice,
    /// The source was rewritten once.
    Nat,
    /// Routers passed it on as it was.
    Routed,
    /// Both are on one network.
    Neighbours,
}

impl Works {
    /// All of them, in order, each with its key in the locale files, after `why.`.
    const ALL: [(Self, &'static str); 11] = [
        (Self::DockerName, "works_docker_name"),
        (Self::Name, "works_name"),
        (Self::Overlay, "works_overlay"),
        (Self::Proxy, "works_proxy"),
        (Self::Published, "works_published"),
        (Self::Forwarded, "works_forwarded"),
        (Self::Itself, "works_itself"),
        (Self::NatTwice, "works_nat_twice"),
        (Self::Nat, "works_nat"),
        (Self::Routed, "works_routed"),
        (Self::Neighbours, "works_neighbours"),
    ];
    /// Their keys, in order.
    pub const KEYS: [&'static str; 11] = {
        let mut keys = [""; 11];
        let mut i = 0;
        while i < keys.len() {
            keys[i] = Self::ALL[i].1;
            i += 1;
        }
        keys
    };

    /// Its key.
    pub(super) fn key(self) -> &'static str {
        Self::KEYS[self as usize]
    }
}

/// What carried the last conversation of a command, and the records worth a sentence: the first
/// question of it, and the answer to that. None where nothing arrived anywhere.
pub(super) fn find(atlas: Atlas<'_>, story: &Story) -> Option<(Found, Vec<u64>)> {
    let to = |l: &Life| first_flow(l).map(|f| f.dst);
    let last = story.asks().rfind(|l| arrival(story, l).is_some())?;
    let ask = story.asks().find(|l| to(l) == to(last) && arrival(story, l).is_some())?;
    let arrived = arrival(story, ask)?;
    let (mut seq, there, _) = arrived.end?;
    let records: Vec<(u64, &Record)> =
        story.line_of(arrived).into_iter().flat_map(|l| story.records_of(l)).collect();
    let places = |of: &[NsId]| of.iter().map(|ns| atlas.place(*ns)).collect::<Vec<_>>().join(", ");
    let is_host = |ns: NsId| atlas.node(ns).is_some_and(|n| n.engine.is_some());
    let rewritten = |wanted: NatKind| -> Vec<(u64, NsId)> {
        let all = records.iter().filter(|(_, r)| {
            matches!(r.step, Step::Nf(NfStep::Translated { kind, first: true, .. }) if kind == wanted)
        });
        all.map(|(seq, r)| (*seq, r.ns)).collect()
    };
    let (to, from) = (rewritten(NatKind::Destination), rewritten(NatKind::Source));
    let own_server = to.iter().find(|(_, ns)| *ns == ask.ns && atlas.container(*ns).is_some());
    let published = to.iter().find(|(_, ns)| is_host(*ns));
    let envelope = records.iter().find(|(_, r)| matches!(r.step, Step::Encapsulated { .. }));
    let carried = story.lives.iter().find(|l| {
        l.role == Role::Ask
            && l.parent.is_none()
            && l.ns == there
            && l.born > seq
            && arrival(story, l).is_some()
    });
    let passed: Vec<(u64, NsId)> = records
        .iter()
        .filter(|(_, r)| matches!(r.step, Step::Routed { .. }) && r.ns != ask.ns)
        .map(|(seq, r)| (*seq, r.ns))
        .collect();
    let mut place = atlas.place(there);
    // What decided is where one should look: the rule, the router; else where it arrived.
    let (works, by) = if ask.dns().is_some() {
        if let Some((at, ns)) = own_server {
            seq = *at;
            (Works::DockerName, places(&[*ns]))
        } else {
            (Works::Name, place.clone())
        }
    } else if let Some((at, record)) = envelope {
        seq = *at;
        (Works::Overlay, places(&[record.ns]))
    } else if let Some(end) = carried.and_then(|l| arrival(story, l)?.end) {
        let by = std::mem::replace(&mut place, atlas.place(end.1));
        (Works::Proxy, by)
    } else if let Some((at, ns)) = published.or_else(|| to.first()) {
        seq = *at;
        (if published.is_some() { Works::Published } else { Works::Forwarded }, places(&[*ns]))
    } else if there == ask.ns {
        (Works::Itself, place.clone())
    } else if let Some((at, ns)) = from.first() {
        seq = *at;
        let all: Vec<NsId> = from.iter().map(|f| f.1).collect();
        if all.len() > 1 { (Works::NatTwice, places(&all)) } else { (Works::Nat, places(&[*ns])) }
    } else if let Some((at, _)) = passed.first() {
        seq = *at;
        (Works::Routed, places(&passed.iter().map(|p| p.1).collect::<Vec<_>>()))
    } else {
        (Works::Neighbours, String::new())
    };
    let cause = Cause::Works { works, from: atlas.place(ask.ns), place, by };
    Some((Found { cause, seq, packet: Some(ask.id) }, walk(story, ask, arrived, carried)))
}

/// The packet, or that one of its copies, that came to its end at a program or a kernel.
fn arrival<'a>(story: &'a Story, ask: &'a Life) -> Option<&'a Life> {
    let family = story.lives.iter().filter(|l| story.line_of(l).first().is_some_and(|f| f.id == ask.id));
    let ended = family.filter(|l| matches!(l.end, Some((_, _, End::Delivered(_) | End::Taken))));
    ended.max_by_key(|l| l.end.map(|e| e.0))
}

fn walk(story: &Story, ask: &Life, arrived: &Life, carried: Option<&Life>) -> Vec<u64> {
    let back = |of: &Life| {
        let end = of.end.map_or(0, |e| e.0);
        let answers = story.lives.iter().filter(move |l| l.role == Role::Answer && l.parent.is_none());
        let mine = answers.clone().find(|l| l.born > end && Some(l.ns) == of.end.map(|e| e.1));
        mine.and_then(|l| arrival(story, l)).map(|l| of_life(story, l)).unwrap_or_default()
    };
    let mut walk = of_life(story, arrived);
    if let Some(on) = carried.and_then(|l| arrival(story, l)) {
        walk.extend(of_life(story, on));
        walk.extend(back(on));
    }
    walk.extend(back(arrived));
    walk.retain(|seq| *seq >= ask.born);
    walk.sort_unstable();
    walk.dedup();
    super::words::shorten(walk)
}
