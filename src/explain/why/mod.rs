//! "Why?": the chain of causes behind a command that failed.
//!
//! ```text
//!   job ─▶ story: the packets that belong, and their ends
//!            │ the first that really went wrong
//!            ▼
//!          drop + how things stand (atlas) ─▶ Cause ─▶ Fix
//!                                               └────▶ one sentence, the walk, the background
//! ```
//! Everything comes from the trace and the state of the session. Nothing asks which lab is open or
//! what a node is called.

mod args;
mod atlas;
mod cause;
mod closed;
mod driver;
mod fix;
mod host;
mod lessons;
mod names;
mod overlay;
mod pick;
mod refine;
mod refused;
mod remark;
mod rules;
mod shared;
mod sockets;
mod story;
mod swarm;
mod ways;
mod words;
mod works;

pub use cause::Cause;
pub use fix::{Fix, Remedy};
pub use lessons::lesson_of;
pub use words::steps;
pub use works::Works;

use crate::netfilter::{Hook, RuleId, TableKind};
use crate::session::{Job, Session};
use crate::stack::{NsId, Step};
use crate::wire::{Endpoint, IfIndex, Protocol};
use atlas::Atlas;
use story::Story;

/// Where it went wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Spot {
    /// `docker-host:web`.
    pub place: String,
    /// Its namespace.
    pub ns: NsId,
    /// The interface, where there is one.
    pub dev: Option<IfIndex>,
    /// The hook whose rules decided.
    pub hook: Option<Hook>,
    /// The rule that decided.
    pub rule: Option<(TableKind, RuleId)>,
    /// The record of the trace that shows it.
    pub seq: u64,
}

/// Why an attempt failed, where, how it came there, and what mends it.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosis {
    /// Why.
    pub cause: Cause,
    /// Where.
    pub spot: Spot,
    /// The way there: numbers of the records worth a sentence, in order.
    pub walk: Vec<u64>,
    /// What mends it, where something mechanical does.
    pub fix: Option<Fix>,
}

/// What is known of an attempt.
#[derive(Debug, Clone, Copy)]
struct Case<'a> {
    atlas: Atlas<'a>,
    story: &'a Story,
    job: &'a Job,
    /// Where the attempt's programs run.
    asker: NsId,
    /// Whom they wanted, as they named it.
    target: Endpoint,
    proto: Protocol,
}

/// What was found: the cause, and the record that shows it.
#[derive(Debug, Clone)]
struct Found {
    cause: Cause,
    seq: u64,
    /// The packet that it happened to.
    packet: Option<crate::wire::PacketId>,
}

/// Explains a command that has failed. None if it succeeded, still runs, or failed for a reason
/// that is no matter of networks or of Docker (`grep` found nothing).
pub fn diagnose(session: &Session, job: &Job) -> Option<Diagnosis> {
    if matches!(job.exit, None | Some(0)) {
        return None;
    }
    let story = Story::of(session, job);
    let atlas = Atlas { session };
    let found = sockets::before(atlas, job, pick::find(atlas, &story, job)?);
    let spot = spot_of(atlas, &story, &found, job);
    let fix = fix::of(atlas, &story, job, &found);
    let walk = words::walk(&story, &found);
    Some(Diagnosis { cause: found.cause, spot, walk, fix })
}

/// What is worth saying about a command that has worked: the firewall of a host would have shut it
/// out, and was not asked. None for nearly all.
pub fn remark(session: &Session, job: &Job) -> Option<Diagnosis> {
    if job.exit != Some(0) {
        return None;
    }
    let (story, atlas) = (Story::of(session, job), Atlas { session });
    let found = remark::find(atlas, &story)?;
    let spot = spot_of(atlas, &story, &found, job);
    let fix = fix::of(atlas, &story, job, &found);
    Some(Diagnosis { cause: found.cause, spot, walk: words::whole_walk(&story), fix })
}

/// The way that the packets of a command took, also of one that worked: numbers of the records
/// worth a sentence.
pub fn walk(session: &Session, job: &Job) -> Vec<u64> {
    words::whole_walk(&Story::of(session, job))
}

/// Did the programs of a command that has worked send anything that there is a way to tell of?
pub fn went_out(session: &Session, job: &Job) -> bool {
    let to = job.ended.unwrap_or_else(|| session.world.log.next_seq());
    let mut records = session.world.log.iter_from(job.first_seq).take_while(|(seq, _)| *seq < to);
    job.exit == Some(0)
        && records.any(|(_, r)| matches!(r.step, Step::Sent { by: Some(by) } if job.pids.contains(&by)))
}

/// Explains a command that has worked: what carried it, and the way there and back. What is to be
/// remarked on it goes first. None if nothing that it sent arrived.
pub fn how(session: &Session, job: &Job) -> Option<Diagnosis> {
    if job.exit != Some(0) {
        return None;
    }
    let (story, atlas) = (Story::of(session, job), Atlas { session });
    let (mut found, walk) = works::find(atlas, &story)?;
    let mut fix = None;
    if let Some(remarked) = remark::find(atlas, &story) {
        fix = fix::of(atlas, &story, job, &remarked);
        found = remarked;
    }
    let spot = spot_of(atlas, &story, &found, job);
    Some(Diagnosis { cause: found.cause, spot, walk, fix })
}

fn spot_of(atlas: Atlas<'_>, story: &Story, found: &Found, job: &Job) -> Spot {
    let life = found.packet.and_then(|p| story.life(p));
    let record = atlas.session.world.log.get(found.seq);
    let node = atlas.session.node(job.place.split(':').next().unwrap_or_default());
    let ns = record.as_ref().map(|r| r.ns).or(node.ok().map(|n| n.ns)).unwrap_or_default();
    let (mut dev, mut rule) = (None, None);
    if let Some(Step::Dropped { dev: at, reason }) = record.map(|r| r.step) {
        use crate::stack::DropReason as R;
        dev = at;
        if let R::Rule { table, rule: id, .. } | R::Rejected { table, rule: id, .. } = reason {
            rule = Some((table, id));
        }
    }
    let hook = life.and_then(|l| l.hook).filter(|_| {
        rule.is_some() || matches!(found.cause, Cause::FirewallPolicy { .. } | Cause::ForwardPolicy { .. })
    });
    Spot { place: atlas.place(ns), ns, dev, hook, rule, seq: found.seq }
}
