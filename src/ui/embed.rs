//! The page as a guest on another page: one sentence, why, and the way to the whole of it; and
//! what is said to the page around it. docs/embed.md is the contract.

use yew::prelude::*;

use super::{Shared, browser, use_ctx};
use crate::app::inspector::PacketView;
use crate::app::why::WhyView;
use crate::app::{Action, App};

/// The version of what is said between the two pages.
const API: u32 = 1;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub packet: Shared<Option<PacketView>>,
    /// The moment shown: nanoseconds after the flow's first packet.
    pub at: Option<u64>,
    /// Goals of the lesson: met, and all.
    pub goals: Option<(usize, usize)>,
    /// Why the line that is played fails, if it does.
    pub because: Option<WhyView>,
}

/// Beneath the player bar.
#[component]
pub fn Foot(props: &Props) -> Html {
    let ctx = use_ctx();
    let why = use_state_eq(|| false);
    let packet = props.packet.as_ref();
    let words = packet.map(|p| p.drop.clone().unwrap_or_else(|| p.sentence.clone()));
    let words = words.filter(|w| !w.is_empty());
    // Where it happens stands in front, once.
    let place = packet.map(|p| p.place.rsplit(':').next().unwrap_or_default()).unwrap_or_default();
    let rest = words.as_ref().and_then(|w| w.strip_prefix(place)).map(str::to_owned);
    let named = rest.is_some();
    let words = rest.or(words);
    let dead = packet.is_some_and(|p| p.drop.is_some());
    let toggle = {
        let why = why.clone();
        Callback::from(move |_: MouseEvent| why.set(!*why))
    };
    html! {
        <>
        <div class="embed-links">
            <button type="button" aria-expanded={why.to_string()} data-test="embed-why" onclick={toggle}>{ ctx.t("embed.why") }</button>
            <a class="button" href={whole(&browser::fragment(), props.at)} target="_blank" rel="noopener" data-test="embed-open">{ ctx.t("embed.open") }{ " ↗" }</a>
        </div>
        <div class={classes!("embed-words", dead.then_some("dead"))} aria-live="polite" data-test="embed-words">
            <p>
                if !place.is_empty() {
                    <b>{ place.to_owned() }</b>
                    if !named { { " " } }
                }
                { words.map_or_else(|| ctx.t("embed.begin"), AttrValue::from) }
                if let Some((met, all)) = props.goals {
                    <span class={classes!("embed-goals", (met == all).then_some("met"))} data-test="embed-goals">{ ctx.tv("embed.goals", &[("met", &met.to_string()), ("all", &all.to_string())]) }</span>
                }
            </p>
            if let (true, Some(because)) = (*why, &props.because) {
                <div class="embed-because" data-test="embed-because"><p><b>{ because.sentence.clone() }</b></p>
                    { for because.remedy.iter().flatten().map(|line| html! { <code>{ line }</code> }) }</div>
            }
            if let (true, Some(p)) = (*why, packet) {
                <ul data-test="embed-reasons">
                    { for p.rules.iter().map(|(_, rule, decided)| html! { <li class={decided.then_some("decided")}><code>{ rule.clone() }</code></li> }) }
                    if let Some([to, via, dev]) = &p.route {
                        <li><code>{ format!("{to} {via} {dev}") }</code></li>
                    }
                    if p.rules.is_empty() && p.route.is_none() {
                        <li>{ p.what.clone() }</li>
                    }
                </ul>
            }
        </div>
        </>
    }
}

/// The same link for the whole page, at this moment.
fn whole(fragment: &str, at: Option<u64>) -> String {
    let parts = fragment.trim_start_matches('#').split('&');
    // The moment shown is more than the packet that the link came with.
    let gone = |p: &str| {
        p == "embed"
            || p.starts_with("embed=")
            || p.starts_with("t=")
            || (at.is_some() && p.starts_with("packet="))
    };
    let same = parts.filter(|p| !gone(p));
    let moment = at.map(|at| format!("t={at}"));
    let parts: Vec<String> = moment.into_iter().chain(same.map(str::to_owned)).collect();
    format!("{}#{}", browser::address(), parts.join("&"))
}

/// What was said last, so that it is said once.
#[derive(Default)]
pub struct Told {
    ready: bool,
    beat: Option<usize>,
    met: usize,
}

impl Told {
    /// Tells the page around what is new.
    pub fn tell(&mut self, app: &App, packet: Option<&PacketView>) {
        if !self.ready {
            self.ready = true;
            let bounds = &app.shown.scene.bounds;
            let shape = if bounds.w > 1.0 { bounds.h / bounds.w } else { 0.5 };
            browser::tell_parent(&format!("{{\"netpier\":{API},\"type\":\"ready\",\"shape\":{shape:.3}}}"));
        }
        let beat = app.flows.beat();
        if beat != self.beat {
            self.beat = beat;
            if let Some(step) = beat {
                let of = app.flows.current().map_or(0, |f| f.schedule.beats.len());
                let words =
                    packet.map(|p| p.drop.as_ref().unwrap_or(&p.sentence).as_str()).unwrap_or_default();
                let (step, words) = (step + 1, serde_json::Value::from(words));
                browser::tell_parent(&format!(
                    "{{\"netpier\":{API},\"type\":\"step\",\"step\":{step},\"of\":{of},\"words\":{words}}}"
                ));
            }
        }
        if let Some(open) = &app.course.open {
            let met = open.progress.met();
            let (count, all) = (met.iter().filter(|m| **m).count(), met.len());
            if count != self.met {
                self.met = count;
                browser::tell_parent(&format!(
                    "{{\"netpier\":{API},\"type\":\"goal\",\"met\":{count},\"of\":{all}}}"
                ));
            }
        }
    }
}

/// What the page around asks for.
pub fn asked(word: &str, app: &App) -> Option<Action> {
    let playing = app.flows.player.playing && app.flows.player.pos < app.flows.len();
    match word {
        "play" if !playing => Some(Action::TogglePlay),
        "pause" if playing => Some(Action::TogglePlay),
        "step" => Some(Action::Step),
        "back" => Some(Action::Back),
        "start" => Some(Action::ToStart),
        _ => None,
    }
}
