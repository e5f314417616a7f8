//! A diagnosis in words: one sentence, the walk, the background.

use super::story::{Life, Role, Story};
use super::{Cause, Diagnosis, Found};
use crate::explain::{Lang, drop_reason, sentence, text};
use crate::netfilter::{MatchedTarget, NfStep};
use crate::session::Session;
use crate::stack::{Record, Step};

/// Sentences of a walk, at most.
const MOST: usize = 48;

impl Diagnosis {
    /// The cause in one sentence.
    pub fn sentence(&self, session: &Session, lang: Lang) -> String {
        if let Cause::Dropped { dev, reason, .. } = &self.cause {
            return drop_reason(*reason, *dev, self.spot.ns, session, lang);
        }
        let words = |cause: &Cause| {
            let args = cause.args();
            let args: Vec<(&str, &str)> = args.iter().map(|(n, v)| (*n, v.as_str())).collect();
            text(lang, &format!("why.{}", cause.key()), &args)
        };
        match &self.cause {
            // What keeps it from getting there is a sentence of its own.
            Cause::SwarmUnreached { by, .. } if !matches!(**by, Cause::Dropped { .. }) => {
                format!("{} {}", words(&self.cause), words(by))
            }
            cause => words(cause),
        }
    }

    /// The way there, a sentence for each step: place and words, with the record's number.
    pub fn steps(&self, session: &Session, lang: Lang) -> Vec<(u64, String, String)> {
        steps(session, &self.walk, lang)
    }

    /// What is behind it: how it works, and what people do about it.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn background(&self, lang: Lang) -> String {
        let key = self.cause.background_key();
        let words = text(lang, &key, &[]);
        if words == key { String::new() } else { words }
    }
}

/// A walk in words: number of the record, place, sentence.
pub fn steps(session: &Session, walk: &[u64], lang: Lang) -> Vec<(u64, String, String)> {
    let records = walk.iter().filter_map(|seq| Some((*seq, session.world.log.get(*seq)?)));
    records
        .map(|(seq, record)| {
            let place = session.place_of_ns(record.ns).unwrap_or_default();
            (seq, place, sentence(&record, session, lang))
        })
        .filter(|(_, _, words)| !words.is_empty())
        .collect()
}

/// Does a record say something that a reader of the walk wants to know?
fn telling(record: &Record) -> bool {
    match &record.step {
        Step::Sent { .. }
        | Step::Unsent { .. }
        | Step::Routed { .. }
        | Step::RoutedLocal { .. }
        | Step::Transmit { .. }
        | Step::Held { .. }
        | Step::Delivered { .. }
        | Step::Dropped { .. }
        | Step::IcmpErrorSent { .. }
        | Step::ResetSent { .. }
        | Step::Exited { .. } => true,
        Step::Nf(NfStep::Translated { .. }) => true,
        Step::Nf(NfStep::Policy { accept, .. }) => !accept,
        Step::Nf(NfStep::Matched { target, .. }) => {
            matches!(target, MatchedTarget::Drop | MatchedTarget::Reject | MatchedTarget::Accept)
        }
        _ => false,
    }
}

pub(super) fn of_life(story: &Story, life: &Life) -> Vec<u64> {
    let line = story.line_of(life);
    let all = line.into_iter().flat_map(|l| story.records_of(l)).filter(|(_, r)| telling(r));
    all.map(|(seq, _)| seq).collect()
}

/// The walk to where it went wrong: the question that led there, then the packet itself.
pub(super) fn walk(story: &Story, found: &Found) -> Vec<u64> {
    let Some(life) = found.packet.and_then(|p| story.life(p)) else { return vec![found.seq] };
    let mut walk = Vec::new();
    if life.role != Role::Ask {
        // The question that it answers, as far as it came.
        let mut before = story.lives.iter().filter(|l| l.born < life.born && l.role == Role::Ask);
        if let Some(ask) = before.rfind(|l| l.end.is_some_and(|e| e.1 == life.ns)) {
            walk.extend(of_life(story, ask));
        }
    } else if life.parent.is_none()
        && let Some(first) =
            story.lives.iter().find(|l| l.role == Role::Ask && l.ns != life.ns && l.born < life.born)
        && first.end.is_some_and(|e| e.1 == life.ns)
    {
        // Another program carries it on: the way to that program.
        walk.extend(of_life(story, first));
    }
    walk.extend(of_life(story, life));
    walk.push(found.seq);
    walk.sort_unstable();
    walk.dedup();
    shorten(walk)
}

/// Everything that packets of the story did, in order.
pub(super) fn whole_walk(story: &Story) -> Vec<u64> {
    let last = story.asks().next_back().map_or(0, |a| a.born);
    let first = story.asks().rfind(|a| a.born <= last);
    let Some(ask) = first else { return story.unsent.iter().map(|u| u.seq).collect() };
    let mut walk = of_life(story, ask);
    let answer =
        story.lives.iter().find(|l| l.role == Role::Answer && l.born > ask.born && l.parent.is_none());
    walk.extend(answer.into_iter().flat_map(|a| of_life(story, a)));
    walk.sort_unstable();
    walk.dedup();
    shorten(walk)
}

/// Of a very long way, the beginning and the end.
pub(super) fn shorten(mut walk: Vec<u64>) -> Vec<u64> {
    if walk.len() > MOST {
        let tail = walk.split_off(walk.len() - MOST / 2);
        walk.truncate(MOST / 2);
        walk.extend(tail);
    }
    walk
}
