//! "Why?": the button at a line that failed ("How?" at one that worked), and the explanation in the
//! inspector's place.

use web_sys::HtmlElement;
use yew::prelude::*;

use super::course::prose;
use super::icons::icon;
use super::{Ctx, browser, use_ctx};
use crate::app::Action;
use crate::app::course::Course;
use crate::app::why::{Hop, StepLine, WhyView};
use crate::session::JobId;

#[derive(Properties, PartialEq)]
pub struct ButtonProps {
    pub job: JobId,
    pub open: bool,
    /// The line worked.
    #[prop_or_default]
    pub worked: bool,
}

/// Asks why.
#[component]
pub fn WhyButton(props: &ButtonProps) -> Html {
    let ctx = use_ctx();
    let ask = {
        let (act, to) = (ctx.act.clone(), (!props.open).then_some(props.job));
        Callback::from(move |e: MouseEvent| {
            // A press on the terminal's ground would take the keys there.
            e.stop_propagation();
            act.emit(Action::Why(to));
        })
    };
    let class = if props.worked { "how-ask" } else { "why-ask" };
    html! {
        <button type="button" {class} data-test={class} aria-expanded={props.open.to_string()} onclick={ask}>
            { ctx.t(if props.worked { "why.how" } else { "why.label" }) }
        </button>
    }
}

#[derive(Properties, PartialEq)]
pub struct PanelProps {
    pub view: WhyView,
    /// What dies at the moment shown, if it is what this is about: where, and why.
    pub now: Option<(String, String)>,
}

/// The explanation: one sentence and the way out, the way there, what is behind it.
#[component]
pub fn WhyPanel(props: &PanelProps) -> Html {
    let ctx = use_ctx();
    let view = &props.view;
    let panel = use_node_ref();
    use_effect_with((panel.clone(), view.job), |(panel, _)| {
        // The keys come here, and go back to the question afterwards.
        let asked = browser::document().active_element();
        if let Some(panel) = panel.cast::<HtmlElement>() {
            panel.set_scroll_top(0);
            let _ = panel.focus();
        }
        move || {
            if let Some(asked) = asked {
                browser::focus(&asked);
            }
        }
    });
    let label = ctx.t(if view.worked { "why.how" } else { "why.label" });
    let again = view.instead.as_ref().filter(|i| view.remedy.as_ref().is_some_and(|r| !r.contains(i)));
    html! {
        <div class={classes!("why-panel", view.worked.then_some("worked"))} data-test="why-panel">
            <div class="why-head">
                <span class="why-mark" aria-hidden="true">{ "?" }</span>
                <h2>{ label.clone() }<code>{ view.line.clone() }</code></h2>
                <button type="button" class="quiet" title={ctx.t("why.close")} aria-label={ctx.t("why.close")} data-test="why-close" onclick={ctx.on(Action::Why(None))}>{ icon("close") }</button>
            </div>
            <div class="why-body" ref={panel} tabindex="0" role="group" aria-label={label}>
                <p class="why-sentence" data-test="why-sentence">{ view.sentence.clone() }</p>
                <div class="why-way-out">
                    if let Some(lines) = &view.remedy {
                        <div class={classes!("why-lines", (!view.typed).then_some("edit"))} data-test="why-remedy">
                            { for lines.iter().map(|line| html! { <code>{ line }</code> }) }
                            if let Some(instead) = again { <span class="why-then">{ ctx.t("why.instead") }</span><code>{ instead }</code> }
                        </div>
                        <button type="button" class="primary" data-test="why-fix" onclick={ctx.on(Action::WhyMend(view.job))}>{ icon("check") }{ ctx.t("why.fix") }</button>
                    }
                    if view.has_hop {
                        <button type="button" data-test="why-hop" onclick={ctx.on(Action::WhyHop(view.job))}>{ icon("fit") }{ ctx.t("why.hop") }</button>
                    }
                </div>
                if let Some((place, drop)) = &props.now {
                    <p class="why why-now" role="note" data-test="why"><b>{ place.clone() }</b>{ " " }{ drop.clone() }</p>
                }
                if view.hops.iter().map(|h| h.lines.len()).sum::<usize>() > 1 {
                    <h3>{ ctx.t(if view.worked { "why.how_walk" } else { "why.walk" }) }</h3>
                    <ol class="why-steps" data-test="why-steps">{ for view.hops.iter().enumerate().map(|(i, h)| hop(&ctx, i, h)) }</ol>
                }
                if view.behind.is_some() || view.lesson.is_some() {
                    <h3>{ ctx.t("why.behind") }</h3>
                    <div class="why-behind" data-test="why-behind">
                        if let Some(behind) = &view.behind { <p>{ prose(behind) }</p> }
                        if let Some((id, title)) = &view.lesson {
                            <button type="button" class="why-lesson" data-test="why-lesson" onclick={ctx.on(Action::Course(Course::Open(id.clone())))}>
                                { icon("book") }<span>{ title.clone().map_or_else(|| ctx.t("why.lesson"), AttrValue::from) }</span></button>
                        }
                    </div>
                }
            </div>
        </div>
    }
}

/// What happened at one place.
fn hop(ctx: &Ctx, i: usize, hop: &Hop) -> Html {
    let line = |l: &StepLine| {
        html! {
            <button type="button" key={l.seq} title={ctx.t("why.moment")} onclick={ctx.on(Action::WhyAt(l.seq))}>
                <span>{ l.words.clone() }</span>
                if let Some(entry) = &l.entry { <code>{ entry.clone() }</code> }
            </button>
        }
    };
    html! {
        <li key={i}><b class="why-place">{ hop.place.clone() }</b>{ for hop.lines.iter().map(line) }</li>
    }
}
