//! A rule, closer: switch it off, put it back, change it, move it, add one; each with its command.

use web_sys::HtmlTextAreaElement;
use yew::prelude::*;

use super::{icon, on};
use crate::app::firewall::{Chosen, FirewallAct, edits};
use crate::ui::use_ctx;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub chosen: Chosen,
}

/// The editor of a rule.
#[component]
pub fn Editor(props: &Props) -> Html {
    let ctx = use_ctx();
    let rule = &props.chosen;
    let text = use_state(|| rule.full.clone());
    let again = use_state(|| true);
    let pointed = use_state(|| None::<String>);
    let typed = {
        let text = text.clone();
        Callback::from(move |e: InputEvent| {
            if let Some(area) = e.target_dyn_into::<HtmlTextAreaElement>() {
                text.set(area.value().replace('\n', " "));
            }
        })
    };
    let toggled = {
        let again = again.clone();
        Callback::from(move |_: Event| again.set(!*again))
    };
    let changed = text.trim() != rule.full.trim() && !text.trim().is_empty();
    let first = if rule.off { edits::insert(rule, rule.number, &rule.full) } else { edits::off(rule) };
    let preview = pointed
        .as_ref()
        .cloned()
        .unwrap_or_else(|| if changed && !rule.off { edits::replace(rule, &text) } else { first.clone() });
    let button = |word: &str,
                  test: &'static str,
                  symbol: &'static str,
                  line: String,
                  ready: bool,
                  class: &'static str| {
        let point = {
            let (pointed, line) = (pointed.clone(), line.clone());
            move || pointed.set(Some(line.clone()))
        };
        let (enter, focus) = (point.clone(), point);
        let leave = pointed.clone();
        let blur = pointed.clone();
        html! {
            <button type="button" {class} data-test={test} disabled={!ready} title={ctx.t(word)}
                onmouseenter={Callback::from(move |_| enter())} onfocus={Callback::from(move |_| focus())}
                onmouseleave={Callback::from(move |_| leave.set(None))} onblur={Callback::from(move |_| blur.set(None))}
                onclick={on(&ctx, FirewallAct::Run { line, again: *again })}>{ icon(symbol) }<span>{ ctx.t(word) }</span></button>
        }
    };
    html! {
        <section class="walk-card editor" aria-label={ctx.t("fw.edit")} data-test="fw-editor">
            <h3><span class="rule-table">{ rule.table.name() }</span>{ format!("{} · {}", rule.chain, rule.number) }<span class="spacer"></span>
                <label class="check"><input type="checkbox" data-test="fw-rerun" checked={*again} onchange={toggled} />{ ctx.t("fw.rerun") }</label>
                <button type="button" class="quiet" data-test="fw-editor-close" aria-label={ctx.t("dialog.close")} onclick={on(&ctx, FirewallAct::Choose(None))}>{ icon("close") }</button></h3>
            <label class="rule-field"><span class="unseen">{ ctx.t("fw.edit_label") }</span>
                <textarea rows="2" data-test="fw-edit" spellcheck="false" autocomplete="off" value={(*text).clone()} oninput={typed} /></label>
            <div class="rule-acts">
                if rule.off {
                    { button("fw.on", "fw-on", "check", first, true, "primary") }
                } else {
                    { button("fw.off", "fw-off", "minus", first, true, "primary") }
                    { button("fw.change", "fw-replace", "check", edits::replace(rule, &text), changed, "") }
                    { button("fw.move_up", "fw-up", "up", edits::shift(rule, true), rule.number > 1, "bare") }
                    { button("fw.move_down", "fw-down", "down", edits::shift(rule, false), true, "bare") }
                }
                { button("fw.add", "fw-add", "plus", edits::insert(rule, rule.number, &text), changed, "") }
            </div>
            <code class="walk-command" aria-label={ctx.t("fw.command")} data-test="fw-command">{ preview }</code>
        </section>
    }
}
