//! The walk through the firewall: the river of hooks, the rules beneath it, what conntrack
//! remembers, and what-if.

mod lower;
mod rule;
mod stations;

use wasm_bindgen::JsCast;
use web_sys::HtmlElement;
use yew::prelude::*;

use super::{Ctx, Shared, browser, icons::icon, use_ctx};
use crate::app::Action;
use crate::app::firewall::{FirewallAct, Progress, View, Way};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub view: Option<Shared<View>>,
    /// Which place of the packet's whole way this is, and how many there are.
    pub hop: Option<(usize, usize)>,
}

/// An action of the walk.
fn on<E: 'static>(ctx: &Ctx, act: FirewallAct) -> Callback<E> {
    ctx.on(Action::Firewall(act))
}

/// How long stations take to their widths, in milliseconds (`--soft` in `www/css/tokens.css`).
const WIDTHS_MS: i32 = 260;

/// Scrolls the river so that the station of the packet, its rule and what came of it are seen.
fn keep_in_sight(body: &web_sys::Element) {
    let Some(shown) = body.query_selector(".station.at-here").ok().flatten() else { return };
    let (frame, at) = (body.get_bounding_client_rect(), shown.get_bounding_client_rect());
    let by = |low: f64, high: f64, from: f64, to: f64| {
        let over = (to - high).max(0.0).min((from - low).max(0.0));
        if from < low { from - low } else { over }
    };
    let across = by(frame.left(), frame.right(), at.left() - 24.0, at.right() + 24.0);
    // The rule that is asked, or what came of it; before the first one, the pill.
    let find = |what: &str| shown.query_selector(what).ok().flatten().map(|e| e.get_bounding_client_rect());
    let (rule, verdict) = (find(".now"), find("[data-test=fw-verdict]"));
    let (top, bottom) = match (&rule, &verdict) {
        (Some(r), _) => (r.top() - 30.0, r.bottom() + 44.0),
        (None, Some(v)) => (v.top() - 60.0, v.bottom() + 14.0),
        (None, None) => (at.top() - 60.0, at.top() + 60.0),
    };
    // Both are seen, if they fit below the river.
    let said = verdict.map_or(bottom, |v| v.bottom() + 14.0);
    let bottom = if said - top < frame.height() - 170.0 { bottom.max(said) } else { bottom };
    let down = by(frame.top(), frame.bottom(), top, bottom);
    body.set_scroll_left(body.scroll_left() + across as i32);
    body.set_scroll_top(body.scroll_top() + down as i32);
}

/// The walk, while it is open.
#[component]
pub fn Walk(props: &Props) -> Html {
    let ctx = use_ctx();
    let body = use_node_ref();
    let back = use_node_ref();
    let before = use_mut_ref(|| None::<HtmlElement>);
    let open = props.view.is_some();
    // The keys go inside with the reader, and come back out with them.
    use_effect_with((open, back.clone()), move |(open, back)| {
        let mut before = before.borrow_mut();
        if *open {
            let focused = browser::document().active_element().and_then(|e| e.dyn_into().ok());
            *before = focused;
            if let Some(back) = back.cast::<HtmlElement>() {
                let _ = back.focus();
            }
        } else if let Some(element) = before.take() {
            let _ = element.focus();
        }
    });
    let here = props.view.as_ref().and_then(|v| {
        let at = v.stations.iter().position(|s| s.progress == Progress::Here)?;
        Some((at, v.stations[at].lines.iter().position(|l| l.now)))
    });
    // Where the packet is stays in sight; once more when the stations have their widths.
    use_effect_with((here, body.clone()), |(here, body)| {
        if let Some(body) = here.and_then(|_| body.cast::<web_sys::Element>()) {
            keep_in_sight(&body);
            browser::after(WIDTHS_MS, move || keep_in_sight(&body));
        }
    });
    let Some(view) = &props.view else { return html! {} };
    let title = ctx.tv("fw.title", &[("place", &view.place)]);
    html! {
        <section class="walk" aria-label={title} data-test="firewall">
            { head(&ctx, view, props.hop, back) }
            <div class="walk-body" ref={body} tabindex="0" role="group" aria-label={ctx.t("fw.river")}>
                { remark(&ctx, view) }
                { stations::river(&ctx, view) }
            </div>
            <div class="walk-lower">
                { lower::conntrack(&ctx, view) }
                if let Some(chosen) = &view.chosen {
                    <rule::Editor chosen={chosen.clone()} key={format!("{}{}{}", chosen.chain, chosen.rule.0, chosen.off)} />
                } else {
                    <lower::WhatIfs tries={view.what_ifs.clone()} />
                }
            </div>
        </section>
    }
}

fn head(ctx: &Ctx, view: &View, hop: Option<(usize, usize)>, back: NodeRef) -> Html {
    let (host, container) =
        view.place.split_once(':').map_or((view.place.as_str(), None), |(h, c)| (h, Some(c)));
    html! {
        <header class="walk-head">
            <button type="button" class="quiet" ref={back} data-test="fw-back" title={ctx.t("fw.back")} aria-label={ctx.t("fw.back")} onclick={on(ctx, FirewallAct::Close)}>{ icon("back") }</button>
            <h2><b data-test="fw-place">{ container.unwrap_or(host).to_owned() }</b>
                <span>{ " · " }{ ctx.t("fw.sub") }</span>
                if let Some(at) = view.at { <span class="walk-clock" data-test="fw-clock">{ format!(" · {at:.3} ms") }</span> }
                if let Some((n, of)) = hop { <span>{ " · " }{ ctx.tv("fw.hop", &[("n", &n.to_string()), ("of", &of.to_string())]) }</span> }
            </h2>
            <span class="spacer"></span>
            if let Some((place, line)) = &view.flow {
                <button type="button" class="again" data-test="fw-again" title={ctx.tv("fw.again_sub", &[("place", place), ("line", line)])} onclick={on(ctx, FirewallAct::Again)}>{ icon("reset") }<span>{ ctx.t("fw.again") }</span></button>
            }
        </header>
    }
}

/// Where the packet is, while it is not inside.
fn remark(ctx: &Ctx, view: &View) -> Html {
    if view.way.is_none() {
        return html! { <p class="walk-remark" role="status">{ ctx.t("fw.nothing") }</p> };
    }
    html! {
        if view.ahead {
            <p class="walk-remark" role="status">{ ctx.t("fw.ahead") }
                <button type="button" data-test="fw-goto" onclick={on(ctx, FirewallAct::GoTo)}>{ icon("step") }{ ctx.t("fw.goto") }</button></p>
        }
    }
}

/// Its class on the river.
fn way_class(way: Option<Way>) -> &'static str {
    match way {
        Some(Way::Input) => "input",
        Some(Way::Output | Way::Loop) => "output",
        Some(Way::Bridged) => "bridged",
        Some(Way::Forward) | None => "forward",
    }
}
