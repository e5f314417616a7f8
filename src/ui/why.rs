//! "Why?": the button at a line that failed, and the explanation beneath it.

use web_sys::Element;
use yew::prelude::*;

use super::use_ctx;
use crate::app::Action;
use crate::app::why::WhyView;
use crate::session::JobId;

#[derive(Properties, PartialEq)]
pub struct ButtonProps {
    pub job: JobId,
    pub open: bool,
}

/// Asks why.
#[component]
pub fn WhyButton(props: &ButtonProps) -> Html {
    let ctx = use_ctx();
    let action = Action::Why((!props.open).then_some(props.job));
    html! {
        <button type="button" class="why-ask" data-test="why-ask" aria-expanded={props.open.to_string()} onclick={ctx.on(action)}>
            { ctx.t("why.label") }
        </button>
    }
}

#[derive(Properties, PartialEq)]
pub struct PanelProps {
    pub view: WhyView,
}

/// The explanation: one sentence, the way there, the way out.
#[component]
pub fn WhyPanel(props: &PanelProps) -> Html {
    let ctx = use_ctx();
    let view = &props.view;
    let panel = use_node_ref();
    use_effect_with((panel.clone(), view.job), |(panel, _)| {
        if let Some(panel) = panel.cast::<Element>() {
            panel.scroll_into_view_with_bool(false);
        }
    });
    html! {
        <div ref={panel} class="why-panel" role="region" aria-label={ctx.t("why.label")} data-test="why-panel">
            <p class="why-sentence" data-test="why-sentence">{ view.sentence.clone() }</p>
            if !view.steps.is_empty() {
                <details>
                    <summary>{ ctx.t("why.walk") }</summary>
                    <ol class="why-steps" data-test="why-steps">
                        { for view.steps.iter().map(|(place, words)| html! { <li><span class="why-place">{ place }</span>{ " " }{ words }</li> }) }
                    </ol>
                </details>
            }
            if let Some(lines) = &view.remedy {
                <div class="why-lines" data-test="why-remedy">
                    { for lines.iter().map(|line| html! { <code>{ line }</code> }) }
                    if let Some(instead) = view.instead.as_ref().filter(|i| !lines.contains(i)) {
                        <code>{ instead }</code>
                    }
                </div>
            }
            <div class="why-buttons">
                if view.remedy.is_some() {
                    <button type="button" class="primary" data-test="why-fix" onclick={ctx.on(Action::WhyMend(view.job))}>{ ctx.t("why.fix") }</button>
                }
                if view.has_hop {
                    <button type="button" data-test="why-hop" onclick={ctx.on(Action::WhyHop(view.job))}>{ ctx.t("why.hop") }</button>
                }
                <button type="button" data-test="why-close" onclick={ctx.on(Action::Why(None))}>{ ctx.t("why.close") }</button>
            </div>
        </div>
    }
}
