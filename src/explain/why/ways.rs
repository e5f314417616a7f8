//! Ways back, and sizes: an answer that takes another way than its question, a source that was
//! rewritten on the way, packets that are too long.

use std::net::Ipv4Addr;

use super::pick::Fatal;
use super::refine::claimed_twice;
use super::story::{End, Life, Role, Story};
use super::{Case, Cause};
use crate::netfilter::{ChainId, NatKind, NfStep, TableKind};
use crate::stack::{DevRef, DeviceKind, DropReason, NsId, OVERHEAD, Step};
use crate::wire::Ipv4Net;

// ---- sizes

/// What was to be sent does not fit: the interface, or what a router on the way has said.
pub(super) fn too_big(case: Case<'_>, at: NsId, dst: Ipv4Addr) -> Cause {
    let place = case.atlas.place(at);
    let route = case.atlas.ns(at).and_then(|ns| Some((ns, ns.route_to(dst)?.0.dev?)));
    let Some((ns, device)) = route.and_then(|(ns, dev)| Some((ns, ns.device(dev)?))) else {
        return Cause::Mtu { place, dev: "lo".into(), mtu: u16::MAX };
    };
    match ns.learned_path_mtu(dst).filter(|learned| u32::from(*learned) < device.mtu) {
        Some(mtu) => Cause::PathMtu { place, dst, mtu },
        None => Cause::Mtu { place, dev: device.name.to_string(), mtu: device.mtu.min(65_535) as u16 },
    }
}

/// It was longer than an interface on the way takes, and nobody said so.
pub(super) fn too_long(case: Case<'_>, f: Fatal<'_>) -> Cause {
    let place = case.atlas.place(f.ns);
    let device = f.dev.and_then(|dev| case.atlas.device(DevRef { ns: f.ns, dev }));
    // Without an interface it is the one by which it would have left: the narrowest that could be.
    let narrow = || {
        let all = case.atlas.ns(f.ns).into_iter().flat_map(|ns| ns.devices());
        all.filter(|d| d.up && d.carrier && !matches!(d.kind, DeviceKind::Loopback)).min_by_key(|d| d.mtu)
    };
    let device = device.or_else(narrow);
    let mtu = device.map_or(0, |d| d.mtu.min(65_535) as u16);
    Cause::Mtu { place, dev: device.map(|d| d.name.to_string()).unwrap_or_default(), mtu }
}

/// A router on the way cannot pass it on whole. Did it get to say so?
pub(super) fn narrow(case: Case<'_>, at: NsId, mtu: u16) -> Cause {
    let ns = case.atlas.ns(at);
    // A tunnel's end says what is left of its underlay's cable: that is what is narrow.
    let under = ns.and_then(|ns| {
        ns.devices().find_map(|d| if let DeviceKind::Vxlan(v) = &d.kind { Some(v.underlay) } else { None })
    });
    let (at, mtu) = under.map_or((at, mtu), |under| (under, mtu.saturating_add(OVERHEAD)));
    let ns = case.atlas.ns(at);
    let dev = ns.and_then(|ns| ns.devices().find(|d| d.mtu == u32::from(mtu)).map(|d| d.name.to_string()));
    let (place, dev) = (case.atlas.place(at), dev.unwrap_or_default());
    match lost_error(case.story) {
        Some((_, by)) => Cause::MtuFiltered { place, dev, mtu, filter: case.atlas.place(by) },
        None => Cause::Mtu { place, dev, mtu },
    }
}

/// An ICMP error of the attempt that a firewall dropped: the record, and where.
pub(super) fn lost_error(story: &Story) -> Option<(u64, NsId)> {
    story.lives.iter().filter(|l| l.role == Role::Error).find_map(|l| match l.end {
        Some((
            seq,
            ns,
            End::Dropped(
                _,
                DropReason::Rule { .. } | DropReason::Rejected { .. } | DropReason::Policy { .. },
            ),
        )) => Some((seq, ns)),
        _ => None,
    })
}

// ---- circles

/// A packet that came by the same machine twice: routers that give it to one another. Where one of
/// them has lost the interface that it should leave by, that is the cause.
pub(super) fn round_and_round(case: Case<'_>, f: Fatal<'_>) -> Option<Cause> {
    let (ways, _) = passed(case, f.life);
    let here = ways.iter().filter(|d| d.ns == f.ns).count();
    let other = ways.iter().rfind(|d| d.ns != f.ns)?.ns;
    if here < 2 || ways.iter().filter(|d| d.ns == other).count() < 2 {
        return None;
    }
    let dst = case.story.flow_at_end(f.life)?.dst.addr;
    let lost = [f.ns, other].into_iter().find_map(|id| {
        let ns = case.atlas.ns(id)?;
        let d = ns.devices().find(|d| !d.is_running() && d.addrs.iter().any(|a| a.contains(&dst)))?;
        let (place, dev) = (case.atlas.place(id), d.name.to_string());
        Some(if d.up { Cause::NoLink { place, dev } } else { Cause::DeviceDown { place, dev } })
    });
    let (one, other) = (case.atlas.place(f.ns), case.atlas.place(other));
    Some(lost.unwrap_or(Cause::RoutingLoop { one, other, dst }))
}

// ---- ways back

/// A packet of the host's own that left with a loopback address: what Docker's masquerading of
/// published ports on localhost would have put right.
pub(super) fn loopback_leaves(case: Case<'_>, f: Fatal<'_>, src: Ipv4Addr) -> Option<Cause> {
    let to = case.story.flow_at_end(f.life)?.dst.addr;
    let (node, c) = case.atlas.container_with(to).into_iter().find(|(n, _)| n.ns == case.asker)?;
    let subnet = c.endpoints.iter().find(|e| e.addr.addr() == to)?.addr.trunc();
    Some(Cause::MasqueradeOff { place: node.config.id.clone(), src, subnet })
}

/// The reverse path filter: the answer would leave by another interface than this came in by.
pub(super) fn reverse_path(case: Case<'_>, f: Fatal<'_>, src: Ipv4Addr) -> Cause {
    let name = |dev| case.atlas.dev_name(f.ns, dev);
    let right = case.atlas.ns(f.ns).and_then(|ns| ns.route_to(src)?.0.dev).map(name).unwrap_or_default();
    let dev = f.dev.map(name).unwrap_or_default();
    Cause::ReversePath { place: case.atlas.place(f.ns), dev, src, right }
}

/// The routers that a packet passed, in order, each with the interface by which it left there; and
/// which of them translated it.
fn passed(case: Case<'_>, life: &Life) -> (Vec<DevRef>, Vec<NsId>) {
    let (mut ways, mut translators) = (Vec::new(), Vec::new());
    let line = case.story.line_of(life);
    for (_, record) in line.into_iter().flat_map(|l| case.story.records_of(l)) {
        match record.step {
            Step::Routed { dev, .. } => ways.push(DevRef { ns: record.ns, dev }),
            Step::Nf(NfStep::Translated { first: true, .. }) => translators.push(record.ns),
            _ => {}
        }
    }
    (ways, translators)
}

/// The question came by a router that translated it, and the answer leaves by another, which knows
/// nothing of the conversation.
pub(super) fn answer_away(case: Case<'_>, f: Fatal<'_>) -> Option<Cause> {
    // What the asker's kernel could not place was an answer too: to that it sent a reset.
    let strange = || {
        let ended = |l: &&Life| matches!(l.end, Some((_, ns, End::Dropped(..))) if ns == case.asker);
        case.story.lives.iter().filter(|l| l.role == Role::Answer).find(ended)
    };
    let answer = if f.life.role == Role::Answer { f.life } else { strange()? };
    let born = case.story.line_of(answer).first()?.ns;
    let server = case.atlas.host(born)?;
    let (back, _) = passed(case, answer);
    let went = back.iter().find(|d| d.ns != server.ns && case.atlas.container(d.ns).is_none())?.ns;
    let asks = case.story.lives.iter().filter(|l| l.role == Role::Ask && l.born < answer.born);
    let came = asks.filter(|l| l.end.is_some_and(|e| e.1 == born)).find_map(|ask| {
        let (ways, translators) = passed(case, ask);
        let last = ways.into_iter().rfind(|d| d.ns != server.ns && d.ns != case.asker)?;
        translators.contains(&last.ns).then_some(last)
    })?;
    if back.iter().any(|d| d.ns == came.ns) || went == came.ns {
        return None;
    }
    let gateway = case.atlas.device(came)?.addrs.first()?.addr();
    Some(Cause::AnswerAway {
        place: server.config.id.clone(),
        came: case.atlas.place(came.ns),
        gateway,
        went: case.atlas.place(went),
    })
}

/// A rule judged by the source address, and the source was no longer the asker's own: somebody on the
/// way had put another in its place. Only where the rule's chain would have let the asker in.
pub(super) fn source_hidden(
    case: Case<'_>,
    f: Fatal<'_>,
    (table, chain): (TableKind, ChainId),
    rule: &str,
) -> Option<Cause> {
    if f.life.role != Role::Ask {
        return None;
    }
    let seen = case.story.flow_at_end(f.life)?.src.addr;
    let line = case.story.line_of(f.life);
    let records = line.into_iter().flat_map(|l| case.story.records_of(l));
    let (by, client) = records
        .filter_map(|(_, r)| match &r.step {
            Step::Nf(NfStep::Translated { kind: NatKind::Source, before, .. }) if r.ns != f.ns => {
                Some((r.ns, before.src.addr))
            }
            _ => None,
        })
        .next()?;
    let ns = case.atlas.ns(f.ns)?;
    let meant = ns.nf.table(table).chain(chain)?.rules.iter().any(|r| {
        let words: Vec<&str> = ns.nf.rule_text(r.id).split_whitespace().collect();
        let after =
            |flag: &str| words.iter().position(|w| *w == flag).and_then(|i| words.get(i + 1)).copied();
        let lets_in = matches!(after("-j"), Some("ACCEPT" | "RETURN"));
        let from: Option<Ipv4Net> = after("-s").and_then(|s| s.parse().ok());
        lets_in && from.is_some_and(|net| net.contains(&client) && !net.contains(&seen))
    });
    meant.then(|| Cause::SourceHidden {
        place: case.atlas.place(f.ns),
        client,
        seen,
        by: case.atlas.place(by),
        rule: rule.to_owned(),
    })
}

/// An answer that is not from whom it was asked of.
pub(super) fn another_way(case: Case<'_>, f: Fatal<'_>) -> Option<Cause> {
    if f.life.role != Role::Answer {
        return claimed_twice(case);
    }
    let flow = case.story.flow_at_end(f.life)?;
    let asks = case.story.lives.iter().filter(|l| l.role == Role::Ask && l.parent.is_none());
    // A router turned the question round towards the asker's own network.
    for ask in asks.clone() {
        let turned = case.story.records_of(ask).find_map(|(_, r)| match &r.step {
            Step::Nf(NfStep::Translated { kind: NatKind::Destination, before, first: true, .. })
                if r.ns != case.asker && case.atlas.node(r.ns).is_some_and(|n| n.engine.is_none()) =>
            {
                Some((r.ns, before.dst))
            }
            _ => None,
        });
        let arrived = matches!(ask.end, Some((_, _, End::Delivered(_) | End::Taken)));
        if let (Some((router, asked)), true) = (turned, arrived) {
            return Some(Cause::HairpinOff {
                router: case.atlas.place(router),
                addr: asked.addr,
                port: asked.port,
            });
        }
    }
    let asked = case.target.addr;
    if flow.src.addr == asked && f.ns == case.asker {
        return None;
    }
    Some(Cause::ReplyElsewhere { place: case.atlas.place(f.ns), asked, answered: flow.src.addr })
}
