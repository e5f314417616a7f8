//! Time as a track: play, pause, step forward and back, scrub, speed.

use web_sys::{Element, HtmlSelectElement};
use yew::prelude::*;

use super::{Shared, icons::icon, use_ctx};
use crate::app::Action;
use crate::app::packets::PacketRow;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub flow: usize,
    pub flows: Vec<(String, String)>,
    pub marks: Shared<Vec<PacketRow>>,
    pub spans: Vec<f64>,
    pub len: f64,
    pub pos: f64,
    pub playing: bool,
    pub speed: f64,
    pub clock: Option<(String, String)>,
    pub fresh: bool,
}

/// The track is drawn in these units.
const TRACK: f64 = 1000.0;

/// The transport bar.
#[component]
pub fn Timeline(props: &Props) -> Html {
    let ctx = use_ctx();
    let track = use_node_ref();
    let scrubbing = use_mut_ref(|| false);
    let none = props.flows.is_empty();
    let seek = {
        let (track, act, len) = (track.clone(), ctx.act.clone(), props.len);
        move |x: i32| {
            if let Some(track) = track.cast::<Element>() {
                let rect = track.get_bounding_client_rect();
                let share = ((f64::from(x) - rect.left()) / rect.width().max(1.0)).clamp(0.0, 1.0);
                act.emit(Action::Seek(share * len));
            }
        }
    };
    let down = {
        let (seek, scrubbing, track) = (seek.clone(), scrubbing.clone(), track.clone());
        Callback::from(move |e: PointerEvent| {
            if let Some(track) = track.cast::<Element>() {
                let _ = track.set_pointer_capture(e.pointer_id());
            }
            *scrubbing.borrow_mut() = true;
            seek(e.client_x());
        })
    };
    let moved = {
        let scrubbing = scrubbing.clone();
        Callback::from(move |e: PointerEvent| {
            if *scrubbing.borrow() {
                seek(e.client_x());
            }
        })
    };
    let up = Callback::from(move |_: PointerEvent| *scrubbing.borrow_mut() = false);
    let share = if props.len > 0.0 { props.pos / props.len } else { 0.0 };
    let button = |name: &'static str, word: &str, test: &'static str, action: Action| {
        html! {
            <button type="button" data-test={test} disabled={none} title={ctx.t(word)} aria-label={ctx.t(word)} onclick={ctx.on(action)}>{ icon(name) }</button>
        }
    };
    let play_word = ctx.t(if props.playing { "timeline.pause" } else { "timeline.play" });
    let speed = match props.speed {
        s if s < 0.3 => "¼×",
        s if s < 0.6 => "½×",
        s if s < 1.5 => "1×",
        s if s < 3.0 => "2×",
        _ => "4×",
    };
    let choose = {
        let act = ctx.act.clone();
        Callback::from(move |e: Event| {
            let chosen = e.target_dyn_into::<HtmlSelectElement>().and_then(|s| s.value().parse().ok());
            if let Some(flow) = chosen {
                act.emit(Action::ShowFlow(flow));
            }
        })
    };
    html! {
        <section class="transport" aria-label={ctx.t("timeline.label")}>
            <div class="buttons" role="group" aria-label={ctx.t("timeline.label")}>
                { button("start", "timeline.start", "to-start", Action::ToStart) }
                { button("back", "timeline.back", "step-back", Action::Back) }
                <button type="button" class={classes!("primary", "play", props.fresh.then_some("fresh"))} data-test="play" data-playing={props.playing.to_string()}
                    title={play_word.clone()} aria-label={play_word.clone()} onclick={ctx.on(Action::TogglePlay)}>
                    { icon(if props.playing { "pause" } else { "play" }) }<span class="wide-only">{ play_word }</span>
                </button>
                { button("step", "timeline.step", "step", Action::Step) }
                { button("end", "timeline.end", "to-end", Action::ToEnd) }
                <button type="button" class="speed" data-test="speed" title={ctx.t("timeline.speed")} aria-label={format!("{} {speed}", ctx.t("timeline.speed"))} onclick={ctx.on(Action::NextSpeed)}>{ speed }</button>
            </div>
            <svg class="track" ref={track} viewBox={format!("0 0 {TRACK} 30")} preserveAspectRatio="none" data-test="track"
                role="slider" tabindex="0" aria-label={ctx.t("timeline.position")} aria-valuemin="0" aria-valuemax="100"
                aria-valuenow={format!("{:.0}", share * 100.0)} aria-valuetext={props.clock.as_ref().map(|c| format!("{} / {}", c.0, c.1))}
                onpointerdown={down} onpointermove={moved} onpointerup={up}>
                <rect class="rail" y="13" width={TRACK.to_string()} height="4" rx="2" />
                <rect class="done" y="13" width={(share * TRACK).to_string()} height="4" rx="2" />
                <Marks rows={props.marks.clone()} spans={props.spans.clone()} len={props.len} />
                <rect class="head" x={(share * TRACK - 2.0).to_string()} y="4" width="4" height="22" rx="2" />
            </svg>
            <span class="clock" data-test="clock">
                if let Some((now, all)) = &props.clock {
                    <b>{ now }</b>{ format!(" / {all}") }
                } else {
                    <span class="faint">{ ctx.t("timeline.nothing") }</span>
                }
            </span>
            if props.flows.len() > 1 {
                <select class="flow-choice" data-test="flow" aria-label={ctx.t("timeline.flow")} onchange={choose}>
                    { for props.flows.iter().enumerate().map(|(i, (place, line))| {
                        let short = place.rsplit(':').next().unwrap_or(place);
                        html! { <option key={i} value={i.to_string()} selected={i == props.flow}>{ format!("{short}: {line}") }</option> }
                    }) }
                </select>
            }
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct MarksProps {
    rows: Shared<Vec<PacketRow>>,
    spans: Vec<f64>,
    len: f64,
}

/// A tick for each wire travelled, red where a packet died.
#[component]
fn Marks(props: &MarksProps) -> Html {
    let len = props.len.max(1.0);
    // More ticks than pixels help nobody.
    let every = (props.rows.len() / 400).max(1);
    let ticks = props.rows.iter().zip(&props.spans).enumerate();
    let shown = ticks.filter(|(i, (r, _))| i % every == 0 || r.drop.is_some());
    let marks = shown.map(|(_, (r, start))| {
        let class = if r.drop.is_some() { "drop" } else { r.kind.class() };
        html! { <rect class={classes!("tick", class)} x={(start / len * TRACK).to_string()} y="8" width="2" height="14" rx="1" /> }
    });
    html! { <g>{ for marks }</g> }
}
