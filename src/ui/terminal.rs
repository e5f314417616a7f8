//! The terminal of a place.

use web_sys::{Element, HtmlElement, HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::why::WhyButton;
use super::{icons::icon, use_ctx};
use crate::app::share::ShareAction;
use crate::app::terminal::{Entry, Terminal as State};
use crate::app::{Action, Pane};
use crate::session::{JobId, Stream};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub place: String,
    pub open: Vec<String>,
    pub places: Vec<String>,
    pub terminal: State,
    pub prompt: String,
    /// The last record of the moment shown.
    pub seq: u64,
    /// The lines that failed and are explained.
    pub whys: Vec<JobId>,
    /// The lines that worked, and whose way can be told.
    pub hows: Vec<JobId>,
    /// The explanation that is open.
    pub why: Option<JobId>,
    /// Captures that lie here, to be taken home.
    pub captures: Vec<String>,
}

/// The terminal.
#[component]
pub fn Terminal(props: &Props) -> Html {
    let ctx = use_ctx();
    let (screen, input) = (use_node_ref(), use_node_ref());
    let running = props.terminal.running(props.seq).is_some();
    let printed: usize = props.terminal.entries.iter().map(|e| e.shown(props.seq).count() + 1).sum();
    use_effect_with((screen.clone(), printed, running, props.place.clone()), |(screen, ..)| {
        if let Some(screen) = screen.cast::<Element>() {
            screen.set_scroll_top(screen.scroll_height());
        }
    });
    // An option's attribute no longer counts once somebody has chosen by hand: the value does.
    let chooser = use_node_ref();
    use_effect_with((chooser.clone(), props.place.clone(), props.places.clone()), |(chooser, place, _)| {
        if let Some(chooser) = chooser.cast::<HtmlSelectElement>() {
            chooser.set_value(place);
        }
    });
    let typed = {
        let act = ctx.act.clone();
        Callback::from(move |e: InputEvent| {
            if let Some(input) = e.target_dyn_into::<HtmlInputElement>() {
                act.emit(Action::Typed(input.value()));
            }
        })
    };
    let keys = {
        let act = ctx.act.clone();
        Callback::from(move |e: KeyboardEvent| {
            let marked = e
                .target_dyn_into::<HtmlInputElement>()
                .is_some_and(|i| i.selection_start().ok().flatten() != i.selection_end().ok().flatten());
            let action = match (e.key().as_str(), e.ctrl_key()) {
                // Enter also ends the writing of a Korean syllable: that one is not for us.
                ("Enter", _) if !e.is_composing() => Action::Enter,
                ("ArrowUp", _) => Action::Older,
                ("ArrowDown", _) => Action::Newer,
                ("Tab", false) if !e.shift_key() => Action::Complete,
                ("c", true) if !marked => Action::Interrupt,
                ("l", true) => Action::ClearScreen,
                _ => return,
            };
            e.prevent_default();
            act.emit(action);
        })
    };
    let focus = {
        let input = input.clone();
        Callback::from(move |_: MouseEvent| {
            let selected = super::browser::window().get_selection().ok().flatten();
            let reading = selected.is_some_and(|s| !s.is_collapsed());
            if let (false, Some(input)) = (reading, input.cast::<HtmlElement>()) {
                let _ = input.focus();
            }
        })
    };
    let go = {
        let act = ctx.act.clone();
        Callback::from(move |e: Event| {
            if let Some(select) = e.target_dyn_into::<HtmlSelectElement>() {
                act.emit(Action::Open(select.value()));
            }
        })
    };
    let tab = |place: &String| {
        let on = *place == props.place;
        let short = place.rsplit(':').next().unwrap_or(place).to_owned();
        html! {
            <button key={place.clone()} type="button" role="tab" class={on.then_some("on")} aria-selected={on.to_string()} data-test={format!("terminal-{place}")}
                onclick={ctx.on(Action::Open(place.clone()))}>
                if place.contains(':') { { icon("container") } }
                { short }
            </button>
        }
    };
    html! {
        <section class="terminal pane" aria-label={ctx.t("terminal.label")}>
            <div class="pane-head term-head">
                <div class="term-tabs" role="tablist" aria-label={ctx.t("terminal.label")}>{ for props.open.iter().map(tab) }</div>
                <label class="term-place">
                    <span class="unseen">{ ctx.t("terminal.place") }</span>
                    <select ref={chooser} data-test="terminal-place" onchange={go}>
                        { for props.places.iter().map(|p| html! { <option key={p.clone()} value={p.clone()} selected={*p == props.place}>{ p }</option> }) }
                    </select>
                </label>
                { for props.captures.iter().map(|path| {
                    let name = path.trim_start_matches('/').to_owned();
                    html! {
                        <button key={path.clone()} type="button" class="catch" data-test="capture-file" title={ctx.tv("terminal.capture", &[("file", &name)])}
                            onclick={ctx.on(Action::Share(ShareAction::File(path.clone())))}>
                            { icon("down") }<span>{ name }</span>
                        </button>
                    }
                }) }
                if running {
                    <button type="button" class="stop" data-test="ctrl-c" title={ctx.t("terminal.interrupt")} onclick={ctx.on(Action::Interrupt)}>{ "Ctrl-C" }</button>
                }
            </div>
            <div class="screen" ref={screen} onclick={focus} data-test="terminal-output" role="log" aria-live="polite" tabindex="-1">
                if props.place.is_empty() {
                    <p class="greeting">{ ctx.t("terminal.nowhere") }</p>
                } else if props.terminal.entries.is_empty() {
                    <p class="greeting">{ ctx.tv("terminal.greeting", &[("place", &props.place)]) }</p>
                }
                { for props.terminal.entries.iter().enumerate().map(|(i, e)| entry(i, e, props)) }
                if !props.terminal.choices.is_empty() {
                    <div class="choices">{ for props.terminal.choices.iter().map(|c| html! { <span>{ c }</span> }) }</div>
                }
                <div class={classes!("line", running.then_some("busy"))}>
                    <span class="prompt">{ if running { String::new() } else { props.prompt.clone() } }</span>
                    <input ref={input} data-test="terminal-input" disabled={props.place.is_empty()} value={props.terminal.input.clone()} oninput={typed} onkeydown={keys}
                        onfocus={ctx.on(Action::Pane(Pane::Terminal))}
                        aria-label={ctx.tv("terminal.input", &[("place", &props.place)])} spellcheck="false" autocomplete="off" autocapitalize="off" />
                </div>
            </div>
        </section>
    }
}

/// Programs remark on what they do on stderr, too: it is an error if the line ended as one.
fn class_of(stream: Stream, failed: bool) -> &'static str {
    match stream {
        Stream::Err if failed => "err",
        Stream::Out | Stream::Err => "out",
        Stream::Note => "remark",
    }
}

fn entry(i: usize, e: &Entry, props: &Props) -> Html {
    let seq = props.seq;
    let of = |jobs: &[JobId]| e.job.filter(|job| !e.running(seq) && jobs.contains(job));
    let (explained, worked) = (of(&props.whys), of(&props.hows));
    let failed = !e.running(seq) && e.exit.is_none_or(|(status, _)| status != 0);
    html! {
        <div class="entry" key={i}>
            <div class="typed">
                if let Some(job) = worked {
                    <WhyButton {job} open={props.why == Some(job)} worked=true />
                }
                <span class="prompt">{ e.prompt.clone() }</span>{ " " }{ e.line.clone() }</div>
            { for e.shown(seq).map(|(to, text)| html! { <span class={class_of(to, failed)}>{ text }</span> }) }
            if let Some(note) = &e.note {
                <span class="err">{ note.clone() }</span>
            }
            if let Some(job) = explained {
                <div><WhyButton {job} open={props.why == Some(job)} /></div>
            }
        </div>
    }
}
