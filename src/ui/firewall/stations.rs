//! The river: both ends, and the stations between them with their rules.

use yew::prelude::*;

use super::{Ctx, icon, on, way_class};
use crate::app::firewall::walk::{LineKind, Mark};
use crate::app::firewall::{
    Chosen, FirewallAct, LineView, Part, PartKind, PillView, Progress, StationView, View, Way, What,
};
use crate::app::pills::PillAddress;
use crate::netfilter::TableKind;

/// The river.
pub fn river(ctx: &Ctx, view: &View) -> Html {
    let pill = |s: &StationView| view.pill.as_ref().filter(|_| s.progress == Progress::Here);
    let list = view.stations.iter().enumerate();
    let list = list.map(|(i, s)| match s.what {
        What::In(..) | What::Sender => end(ctx, i, s, &view.from, pill(s), "from"),
        What::Out(..) | What::Receiver => end(ctx, i, s, &view.to, pill(s), "to"),
        _ => station(ctx, i, s, view, pill(s)),
    });
    html! { <ol class={classes!("river-walk", way_class(view.way))} data-test="fw-river">{ for list }</ol> }
}

fn progress(s: &StationView) -> &'static str {
    match s.progress {
        Progress::Rest => "at-rest",
        Progress::Skipped => "at-skipped",
        Progress::Ahead => "at-ahead",
        Progress::Here => "at-here",
        Progress::Done => "at-done",
    }
}

fn marks(s: &StationView) -> Classes {
    classes!("station", progress(s), s.rewritten.then_some("rewrites"), s.dead.then_some("dead"),)
}

fn end(
    ctx: &Ctx,
    i: usize,
    s: &StationView,
    parts: &[Part],
    pill: Option<&PillView>,
    side: &'static str,
) -> Html {
    let test = format!("fw-end-{side}");
    let current = (s.progress == Progress::Here).then_some("step");
    html! {
        <li key={i} class={classes!("end", side, marks(s))} data-test={test} aria-current={current}>
            <div class="bed">{ packet(ctx, pill) }
                <div class="parts">
                    if parts.is_empty() {
                        <span class="part port empty"><b>{ ctx.t(if side == "from" { "fw.station.in" } else { "fw.station.out" }) }</b></span>
                    }
                    { for parts.iter().map(|p| part(ctx, p)) }
                </div>
            </div>
        </li>
    }
}

fn part(ctx: &Ctx, p: &Part) -> Html {
    let class = match p.kind {
        PartKind::Port => "port",
        PartKind::Bridge => "bridge-part",
        PartKind::Veth => "veth-part",
        PartKind::Container => "container-part",
        PartKind::Program => "program-part",
        PartKind::Loopback => "lo-part",
    };
    let ports = p.listens.iter().map(|port| format!(":{port}")).collect::<Vec<_>>().join(" ");
    let name = if p.name.is_empty() { ctx.t("fw.kernel") } else { p.name.clone().into() };
    html! {
        <span class={classes!("part", class)}><b>{ name }</b>
            if !p.addr.is_empty() && p.kind != PartKind::Veth { <code>{ p.addr.clone() }</code> }
            if p.kind == PartKind::Program { <small>{ ctx.t("fw.program") }</small> }
            if !ports.is_empty() { <small class="listens">{ ctx.tv("fw.listens", &[("ports", &ports)]) }</small> }
        </span>
    }
}

/// The pill above the place where the packet is.
fn packet(ctx: &Ctx, pill: Option<&PillView>) -> Html {
    let Some(p) = pill else { return html! { <i class="bead-walk" aria-hidden="true"></i> } };
    let address = |word: &str, a: &PillAddress, test: &'static str| {
        html! {
            <span class="pill-line"><span>{ ctx.t(word) }</span>
                if let Some(old) = &a.old {
                    <del>{ old.clone() }</del>{ " " }<ins data-test={format!("{test}-new")}>{ a.now.clone() }</ins>
                } else {
                    <code>{ a.now.clone() }</code>
                }
            </span>
        }
    };
    html! {
        <>
            <i class={classes!("bead-walk", "on", p.kind.class(), p.dead.then_some("dropped"))} aria-hidden="true"></i>
            <div class={classes!("pill-walk", p.kind.class(), p.dead.then_some("dropped"))} data-test="fw-pill">
                <b>{ p.kind.word() }{ " " }{ p.what.clone() }</b>
                { address("pill.from", &p.from, "fw-from") }
                { address("pill.to", &p.to, "fw-to") }
            </div>
        </>
    }
}

fn station(ctx: &Ctx, i: usize, s: &StationView, view: &View, pill: Option<&PillView>) -> Html {
    let (kind, title) = match s.what {
        What::Hook(_, TableKind::Raw) => ("hook raw", s.title.clone().into()),
        What::Hook(_, TableKind::Filter) => ("hook filter", s.title.clone().into()),
        What::Hook(..) => ("hook", s.title.clone().into()),
        What::Conntrack => ("ct", ctx.t("fw.station.conntrack")),
        What::Route(_) => ("route", ctx.t("fw.table")),
        _ => ("bridging", ctx.t("fw.station.bridge")),
    };
    let test = match s.what {
        What::Hook(..) => format!("fw-{}", s.title.replace(" · ", "-").to_lowercase()),
        _ => format!("fw-{kind}"),
    };
    let current = (s.progress == Progress::Here).then_some("step");
    // Beneath a long list nobody would see it.
    let long = s.lines.len() > 6;
    let asks = !matches!(s.what, What::Route(_) | What::Bridge(..));
    html! {
        <li key={i} class={classes!(kind.split(' ').collect::<Vec<_>>(), marks(s))} data-test={test} data-progress={progress(s)} aria-current={current}>
            <div class="bed">
                if matches!(s.what, What::Route(_)) { { diamond(ctx, view) } }
                { packet(ctx, pill) }
            </div>
            <div class="hook-card">
                <div class="card-head">
                <h3>{ title }if let Some(tail) = &s.tail { <span class="tail">{ format!(" → {tail}") }</span> }</h3>
                if asks { <p class="asks">{ ctx.t(s.ask) }</p> }
                if long { { came(s) } }
                </div>
                if !s.routes.is_empty() {
                    <ul class="routes-walk">{ for s.routes.iter().map(|r| html! { <li class={r.chosen.then_some("yes")} data-test={r.chosen.then_some("fw-route-chosen")}>{ r.text.clone() }</li> }) }</ul>
                }
                if !s.lines.is_empty() {
                    <ul class="rules-walk">{ for s.lines.iter().enumerate().map(|(k, l)| line(ctx, k, l)) }</ul>
                }
                if !long { { came(s) } }
            </div>
        </li>
    }
}

/// What came of it.
fn came(s: &StationView) -> Html {
    if s.words.is_empty() {
        return html! {};
    }
    html! {
        <p class="came" data-test="fw-verdict">if !s.word.is_empty() { <b class={word_class(s.word)}>{ s.word }</b>{ ": " } }{ s.words.clone() }</p>
    }
}

fn word_class(word: &str) -> &'static str {
    match word {
        "DROP" | "REJECT" | "✕" | "INVALID" => "bad",
        "ACCEPT" | "ESTABLISHED" | "RELATED" => "good",
        _ => "new",
    }
}

/// The fork: whose is it? The way that is not taken is drawn faint.
fn diamond(ctx: &Ctx, view: &View) -> Html {
    let input = view.way == Some(Way::Input);
    let local = matches!(view.way, Some(Way::Output | Way::Loop));
    let (side, end) = if input {
        ("fw.branch.forward", "fw.station.out")
    } else {
        ("fw.branch.input", "fw.branch.programs")
    };
    html! {
        <div class="fork">
            if !local {
                <span class="fork-way" aria-hidden="true"></span>
                <span class="fork-end" aria-hidden="true"><small>{ ctx.t(side) }</small><span>{ ctx.t(end) }</span></span>
            }
            <svg class="diamond" viewBox="0 0 116 78" aria-hidden="true"><path d="M58 2 113 39 58 76 3 39z" /></svg>
            <span class="diamond-words"><b>{ ctx.t("fw.station.route") }</b><small>{ ctx.t("fw.ask.route") }</small></span>
        </div>
    }
}

fn line(ctx: &Ctx, k: usize, l: &LineView) -> Html {
    let depth = ["d0", "d1", "d2", "d3"][l.line.depth.min(3)];
    let matched = matches!(l.line.mark, Mark::Matched(_));
    let (class, sign, said) = match (l.asked, matched) {
        (true, true) => ("yes", "✓", "fw.marks.matched"),
        (true, false) => ("no", "·", "fw.marks.passed"),
        _ => ("wait", "", "fw.marks.unasked"),
    };
    let class = classes!(
        "walk-rule",
        class,
        depth,
        l.now.then_some("now"),
        l.gone.then_some("gone"),
        l.fresh.then_some("fresh"),
        l.chosen.then_some("chosen"),
        l.line.full.ends_with("-j DROP").then_some("drops"),
    );
    let unseen = html! { <span class="unseen">{ ctx.t(said) }{ " " }</span> };
    match l.line.kind {
        LineKind::Folded => {
            let word = match (l.line.mark, l.asked) {
                (Mark::Unasked, _) => "fw.fold_rest",
                (_, true) => "fw.fold",
                (_, false) => "fw.fold_ahead",
            };
            let act = FirewallAct::Unfold(l.line.chain.clone(), l.line.number);
            html! {
                <li key={k}><button type="button" class={classes!(class, "fold")} data-test="fw-fold" title={ctx.t("fw.fold_open")} onclick={on(ctx, act)}>
                    <span class="walk-count"></span><i aria-hidden="true">{ if l.asked { "·" } else { "" } }</i><span class="walk-text">{ ctx.tv(word, &[("n", &l.line.count.to_string())]) }</span></button></li>
            }
        }
        LineKind::Policy(accept) => html! {
            <li key={k}><div class={classes!(class, "policy-line")} data-test="fw-policy">{ unseen }<span class="walk-count"></span><i aria-hidden="true">{ sign }</i>
                <span class="walk-text">{ ctx.t("fw.policy") }{ " " }<b class={if accept { "good" } else { "bad" }}>{ l.line.short.clone() }</b></span></div></li>
        },
        LineKind::Rule(rule) => {
            let chosen = Chosen {
                table: l.table,
                chain: l.line.chain.clone(),
                rule,
                number: l.line.number,
                full: l.line.full.clone(),
                off: l.gone,
            };
            let act = FirewallAct::Choose((!l.chosen).then_some(chosen));
            let title = format!("-A {} {}", l.line.chain, l.line.full);
            html! {
                <li key={k}><button type="button" {class} {title} data-test="fw-rule" aria-pressed={l.chosen.to_string()} onclick={on(ctx, act)}>
                    { unseen }
                    <span class="walk-count">{ l.packets.map(|n| n.to_string()).unwrap_or_default() }</span>
                    <i aria-hidden="true">{ sign }</i>
                    <span class="walk-text">{ l.line.short.clone() }</span>
                    if l.gone { <em>{ ctx.t("fw.gone") }</em> }
                    if l.fresh { <em>{ ctx.t("fw.fresh") }</em> }
                    if l.chosen { { icon("settings") } }
                </button></li>
            }
        }
    }
}
