//! Which of all that happened was it? The first packet of the last conversation that really died.

use std::net::Ipv4Addr;

use super::atlas::Atlas;
use super::story::{End, Life, Role, Story};
use super::{Case, Cause, Found, host, names, refine, refused, swarm};
use crate::docker::ContainerState;
use crate::session::Job;
use crate::stack::{DropReason, Errno, NsId};
use crate::wire::{Endpoint, Flow, IfIndex, Protocol};

/// A packet's death, or what comes near it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fatal<'a> {
    pub life: &'a Life,
    pub seq: u64,
    pub ns: NsId,
    pub dev: Option<IfIndex>,
    pub reason: DropReason,
}

/// How much a death says: what is real, what only follows from something else, what is the fate of
/// copies that were for somebody else.
fn class(reason: DropReason) -> u8 {
    use DropReason as R;
    match reason {
        R::NotForMe { .. } | R::ArpNotMine | R::SamePort => 2,
        R::TtlExceeded
        | R::StaleSegment
        | R::NoMatchingSocket
        | R::OutOfWindow
        | R::SocketBufferFull
        | R::QueueFull
        | R::NeighbourQueueFull
        | R::NamespaceGone
        | R::Broadcast => 1,
        _ => 0,
    }
}

/// The death that explains most among the packets born at `from` or later.
pub(super) fn fatal(story: &Story, from: u64) -> Option<Fatal<'_>> {
    let deaths = story.lives.iter().filter(|l| l.born >= from).filter_map(|life| {
        let (seq, ns, end) = life.end?;
        let (dev, reason) = match end {
            End::Dropped(dev, reason) => (dev, reason),
            End::Waiting(dev, next_hop) => (Some(dev), DropReason::NoArpReply { next_hop }),
            _ => return None,
        };
        Some(Fatal { life, seq, ns, dev, reason })
    });
    deaths.min_by_key(|f| (class(f.reason), f.life.role == Role::Error, f.seq))
}

/// Finds the cause of a failed job.
pub(super) fn find(atlas: Atlas<'_>, story: &Story, job: &Job) -> Option<Found> {
    let last_ask = story.asks().next_back();
    let last_unsent = story.unsent.last();
    let said = job.stderr() + &job.stdout();
    let home =
        || atlas.session.place(&job.place).ok().and_then(|m| atlas.session.world.machine(m)).map(|m| m.ns);
    let asker = story.started.map(|s| s.1).or_else(home)?;
    let nowhere = Endpoint::new(Ipv4Addr::UNSPECIFIED, 0);
    let mut case = Case { atlas, story, job, asker, target: nowhere, proto: Protocol::Tcp };
    if last_ask.is_none() && last_unsent.is_none() {
        if let Some(name) = names::unresolved(&said) {
            return Some(names::without_question(case, name));
        }
        return refused::find(case, &said);
    }
    let unsent = last_unsent.filter(|u| last_ask.is_none_or(|a| a.born < u.seq));
    let flow = last_ask.and_then(first_flow);
    match (unsent, flow) {
        (Some(u), _) => case.target = u.to,
        (None, Some(flow)) => (case.target, case.proto) = (flow.dst, flow.proto),
        (None, None) => {}
    }
    let asks_names = names::unresolved(&said).is_some()
        || case.target.port == 53 && (unsent.is_some() || case.proto == Protocol::Udp)
        || case.target.port == 0 && names::resolvers(case).contains(&case.target.addr);
    if asks_names && let Some(found) = names::find(case, &said) {
        return Some(found);
    }
    if let Some(u) = unsent {
        let cause = if u.errno == Errno::MsgSize {
            super::ways::too_big(case, u.ns, u.to.addr)
        } else {
            refine::no_route(case, u.ns, u.to.addr)
        };
        return Some(Found { cause, seq: u.seq, packet: None });
    }
    let ask = last_ask?;
    // All that was tried towards the same end, from the first try on.
    let from = story.asks().filter(|a| first_flow(a).map(|f| f.dst) == flow.map(|f| f.dst)).map(|a| a.born);
    let from = from.min().unwrap_or(ask.born);
    in_conversation(case, from)
}

/// The cause within the packets born from `from` on.
pub(super) fn in_conversation(case: Case<'_>, from: u64) -> Option<Found> {
    let Some(fatal) = fatal(case.story, from) else { return silent(case, from) };
    if class(fatal.reason) > 0
        && let Some(found) = silent(case, from)
        && !matches!(found.cause, Cause::NoAnswer { .. })
    {
        return Some(found);
    }
    let cause = refine::drop(case, fatal);
    Some(Found { cause, seq: fatal.seq, packet: Some(fatal.life.id) })
}

/// Nothing was dropped, and still no answer came.
fn silent(case: Case<'_>, from: u64) -> Option<Found> {
    let asks = case.story.lives.iter().filter(|l| l.born >= from && l.role == Role::Ask);
    let mut arrived = asks.filter(|l| matches!(l.end, Some((_, _, End::Delivered(_) | End::Taken))));
    // What came back to the asker is no question, unless it asked itself.
    let away = arrived.clone().rfind(|l| l.end.is_some_and(|e| e.1 != case.asker));
    let arrived = away.or_else(|| arrived.next_back())?;
    let (seq, ns, _) = arrived.end?;
    let back = case.story.flow_at_end(arrived)?.src.addr;
    let answered = case.story.lives.iter().any(|l| l.role == Role::Answer && l.born > seq && l.ns == ns);
    let there = case.atlas.ns(ns)?;
    let paused = case.atlas.container(ns).filter(|(_, c)| c.state == ContainerState::Paused);
    let paused = paused.map(|(_, c)| Cause::Paused { container: c.name.clone() });
    let known = paused.or_else(|| swarm::before(case)).or_else(|| host::rules_missing(case, ns, arrived));
    let cause = if let Some(cause) = known {
        cause
    } else if !answered && ns != case.asker && !there.is_local(back) && there.route_to(back).is_none() {
        refine::no_route(case, ns, back)
    } else {
        Cause::NoAnswer { place: case.atlas.place(ns) }
    };
    Some(Found { cause, seq, packet: Some(arrived.id) })
}

/// The conversation that a packet belongs to; without ports for one that never left.
pub(super) fn first_flow(life: &Life) -> Option<Flow> {
    life.flow().or_else(|| {
        let end = |addr| Endpoint::new(addr, 0);
        Some(Flow { src: end(Ipv4Addr::UNSPECIFIED), dst: end(life.dst?), proto: Protocol::Other(0) })
    })
}
