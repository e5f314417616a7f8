//! The Docker daemon's settings: the form on the left is the file on the right.

use web_sys::HtmlTextAreaElement;
use yew::prelude::*;

use super::{actions, changed, problem, typed};
use crate::app::daemon::{DaemonForm, NO_JSON, SWITCHES, VALUES};
use crate::app::{Action, Dialog};
use crate::docker::DAEMON_JSON;
use crate::ui::Ctx;

fn wrap(form: DaemonForm) -> Dialog {
    Dialog::Daemon(Box::new(form))
}

pub fn body(ctx: &Ctx, form: &DaemonForm) -> Html {
    let readable = form.is_readable();
    let refused = form.refusal();
    let switch = |(key, usual, word): &(&'static str, bool, &'static str)| {
        let (key, usual) = (*key, *usual);
        let turn = changed::<_, Event>(ctx, form, wrap, move |f: &mut DaemonForm| f.turn(key, usual));
        html! {
            <label class="switch" key={key}><input type="checkbox" checked={form.is_on(key, usual)} disabled={!readable} data-test={format!("daemon-{key}")} onchange={turn} />
                <span><b>{ ctx.label(word) }</b><small><code>{ key }</code></small></span></label>
        }
    };
    let value = |(key, hint, word): &(&'static str, &'static str, &'static str)| {
        let key = *key;
        html! {
            <label class="field" key={key}><span>{ ctx.label(word) }{ " " }<code class="dim">{ key }</code></span>
                <input data-test={format!("daemon-{key}")} value={form.value(key)} placeholder={*hint} disabled={!readable} spellcheck="false" autocomplete="off"
                    oninput={typed(ctx, form, wrap, move |f: &mut DaemonForm, v| f.set(key, &v))} /></label>
        }
    };
    let file = {
        let (act, form) = (ctx.act.clone(), form.clone());
        Callback::from(move |e: InputEvent| {
            if let Some(area) = e.target_dyn_into::<HtmlTextAreaElement>() {
                let mut form = form.clone();
                form.json = area.value();
                act.emit(Action::Dialog(Some(Box::new(wrap(form)))));
            }
        })
    };
    let guard = changed::<_, Event>(ctx, form, wrap, |f: &mut DaemonForm| f.guard = !f.guard);
    html! {
        <div class="dialog-body">
            <div class="daemon">
                <div class="daemon-form">
                    { for SWITCHES.iter().map(switch) }
                    { for VALUES.iter().map(value) }
                </div>
                <label class="field daemon-file"><span><code>{ DAEMON_JSON }</code></span>
                    <textarea rows="12" data-test="daemon-json" spellcheck="false" autocomplete="off" value={form.json.clone()} aria-invalid={refused.is_some().to_string()} oninput={file} />
                    { problem(ctx, (!readable).then_some(NO_JSON)) }
                    if let Some(words) = refused.as_ref().filter(|_| readable) { <span class="problem" role="alert" data-test="refused">{ words.clone() }</span> }
                </label>
            </div>
            <label class="switch"><input type="checkbox" checked={form.guard} data-test="daemon-guard" onchange={guard} />
                <span><b>{ ctx.label("daemon.guard") }</b><small>{ ctx.t("daemon.guard_sub") }</small></span></label>
            <p class="dim small">{ ctx.t("daemon.note") }</p>
            { actions(ctx, "daemon.save", refused.is_none() && form.has_changed()) }
        </div>
    }
}
