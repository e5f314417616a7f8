//! The sentence of each station, by what the trace says of it.

use super::pass::{Chosen, Skip, Station, Way, What, decisive};
use super::walk::{LineKind, Mark};
use crate::explain::{Lang, drop_reason, text};
use crate::netfilter::{CtState, Hook, MatchedTarget, NatKind, TableKind};
use crate::session::Session;
use crate::stack::{NetNs, NsId};

/// The question that a station asks.
pub(super) fn ask(what: &What) -> &'static str {
    match what {
        What::Hook(_, TableKind::Raw) => "fw.ask.raw",
        What::Hook(_, TableKind::Mangle) => "fw.ask.mangle",
        What::Hook(Hook::Prerouting | Hook::Output, TableKind::Nat) => "fw.ask.dnat",
        What::Hook(_, TableKind::Nat) => "fw.ask.snat",
        What::Hook(Hook::Input, _) => "fw.ask.input",
        What::Hook(Hook::Output, _) => "fw.ask.output",
        What::Hook(..) => "fw.ask.forward",
        What::Conntrack => "fw.ask.conntrack",
        What::Route(_) => "fw.ask.route",
        What::Bridge(..) => "fw.ask.bridge",
        What::In(..) | What::Sender | What::Out(..) | What::Receiver => "fw.ask.end",
    }
}

/// What came of it: the word that stands out, and the sentence.
pub(super) fn verdict(
    s: &Station,
    way: Way,
    state: &NetNs,
    session: &Session,
    ns: NsId,
    lang: Lang,
) -> (&'static str, String) {
    let say = |key: &str, args: &[(&str, &str)]| text(lang, key, args);
    if let Some((dev, reason)) = s.dead {
        let word = match s.lines.iter().rev().find_map(|l| l.seq.map(|_| l.mark)) {
            Some(Mark::Matched(MatchedTarget::Reject)) => "REJECT",
            _ if matches!(s.what, What::Hook(..)) => "DROP",
            _ => "✕",
        };
        return (word, drop_reason(reason, dev, ns, session, lang));
    }
    if let Some(r) = &s.rewrite {
        let source = r.before.src != r.after.src;
        let (before, after) = if source { (r.before.src, r.after.src) } else { (r.before.dst, r.after.dst) };
        let (before, after) = (before.to_string(), after.to_string());
        let args = [("before", before.as_str()), ("after", after.as_str())];
        return match (r.first, r.kind, source) {
            (true, NatKind::Destination, _) => ("DNAT", say("fw.say.dnat", &args)),
            (true, NatKind::Source, _) => ("SNAT", say("fw.say.snat", &args)),
            (false, _, true) => ("NAT", say("fw.say.memory_src", &args)),
            (false, _, false) => ("NAT", say("fw.say.memory_dst", &args)),
        };
    }
    match (s.skip, &s.what) {
        (Some(Skip::Rest), What::Hook(..)) if s.lines.is_empty() => ("", say("fw.say.empty", &[])),
        (Some(Skip::Rest), _) => ("", String::new()),
        (Some(Skip::Dead), _) => ("", say("fw.say.dead", &[])),
        (Some(Skip::Known), _) => ("", say("fw.say.known", &[])),
        (Some(Skip::Empty), What::Hook(..)) => ("", say("fw.say.empty", &[])),
        (Some(Skip::Empty), _) => ("", String::new()),
        (None, What::Hook(_, table)) => hook(s, *table, lang),
        (None, What::Conntrack) => match s.state {
            Some(CtState::New) => ("NEW", say("fw.say.new", &[])),
            Some(CtState::Established) => ("ESTABLISHED", say("fw.say.established", &[])),
            Some(CtState::Related) => ("RELATED", say("fw.say.related", &[])),
            _ => ("INVALID", say("fw.say.invalid", &[])),
        },
        (None, What::Route(Some(chosen))) => ("", route(chosen, way, state, lang)),
        (None, What::Bridge(dev, all)) => {
            let dev = state.device(*dev).map(|d| d.name.to_string()).unwrap_or_default();
            let key = if *all { "fw.say.flooded" } else { "fw.say.bridged" };
            ("", say(key, &[("dev", &dev)]))
        }
        _ => ("", String::new()),
    }
}

fn hook(s: &Station, table: TableKind, lang: Lang) -> (&'static str, String) {
    let say = |key: &str, args: &[(&str, &str)]| text(lang, key, args);
    let asked = s.lines.iter().filter(|l| l.mark == Mark::Passed).map(|l| l.count).sum::<usize>();
    let policy = s.lines.iter().find_map(|l| match (l.kind, l.mark) {
        (LineKind::Policy(accept), Mark::Matched(_)) => Some(accept),
        _ => None,
    });
    match (decisive(s), policy) {
        (Some(line), _) => {
            let chain = [("chain", line.chain.as_str())];
            match line.mark {
                Mark::Matched(MatchedTarget::Accept) if line.full.contains("ESTABLISHED") => {
                    ("ACCEPT", say("fw.say.accept_known", &chain))
                }
                Mark::Matched(MatchedTarget::Nat) => ("NAT", say("fw.say.same", &chain)),
                _ => ("ACCEPT", say("fw.say.accept", &chain)),
            }
        }
        (None, _) if table == TableKind::Nat => ("", say("fw.say.no_nat", &[])),
        // The folded line has said it.
        (None, _) if s.lines.iter().any(|l| l.kind == LineKind::Folded) && table != TableKind::Filter => {
            ("", String::new())
        }
        (None, _) if table == TableKind::Raw || table == TableKind::Mangle => {
            ("", say("fw.say.passed_over", &[("n", &asked.to_string())]))
        }
        (None, Some(false)) => ("DROP", say("fw.say.policy_drop", &[])),
        (None, _) => ("ACCEPT", say("fw.say.policy_accept", &[])),
    }
}

fn route(chosen: &Chosen, way: Way, state: &NetNs, lang: Lang) -> String {
    let dst = chosen.dst.to_string();
    let Some((prefix, via, dev)) = chosen.route else {
        return text(lang, "fw.say.route_local", &[("dst", &dst)]);
    };
    let dev = state.device(dev).map(|d| d.name.to_string()).unwrap_or_default();
    let prefix = prefix.to_string();
    let via = via.map(|v| v.to_string());
    let args = [("dst", dst.as_str()), ("prefix", prefix.as_str()), ("dev", dev.as_str())];
    match via {
        Some(via) => text(lang, "fw.say.route_via", &[args[0], args[2], ("via", &via)]),
        None if way == Way::Output => text(lang, "fw.say.route_out", &args[1..]),
        None => text(lang, "fw.say.route", &args),
    }
}
