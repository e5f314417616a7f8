//! A new network, and a command that a drag stands for.

use yew::prelude::*;

use super::{actions, changed, command, problem, typed};
use crate::app::Dialog;
use crate::app::docking::{CommandForm, DRIVERS, NetworkForm};
use crate::ui::Ctx;

pub fn body(ctx: &Ctx, form: &NetworkForm) -> Html {
    let bad = form.problems();
    let refused = form.refusal().filter(|_| bad.name.is_none());
    let field = |word: &str,
                 test: &'static str,
                 value: &str,
                 hint: &'static str,
                 bad: Option<&'static str>,
                 set: fn(&mut NetworkForm, String)| {
        html! {
            <label class="field">{ ctx.label(word) }
                <input data-test={test} data-first={(test == "network-name").then_some("true")} value={value.to_owned()} placeholder={hint} aria-invalid={bad.is_some().to_string()} spellcheck="false" autocomplete="off"
                    oninput={typed(ctx, form, Dialog::Network, set)} />{ problem(ctx, bad) }</label>
        }
    };
    let driver = |name: &&'static str| {
        let (name, on) = (*name, form.driver == *name);
        let pick = changed::<_, MouseEvent>(ctx, form, Dialog::Network, move |f: &mut NetworkForm| {
            f.driver = name.to_owned()
        });
        html! { <button key={name} type="button" class={classes!("pick", "flat", on.then_some("on"))} aria-pressed={on.to_string()} data-test={format!("driver-{name}")} onclick={pick}>{ name }</button> }
    };
    let check = |word: &str, sub: &str, test: &'static str, on: bool, set: fn(&mut NetworkForm)| {
        html! {
            <label class="switch"><input type="checkbox" checked={on} data-test={test} onchange={changed::<_, Event>(ctx, form, Dialog::Network, set)} />
                <span><b>{ ctx.label(word) }</b><small>{ ctx.t(sub) }</small></span></label>
        }
    };
    html! {
        <div class="dialog-body">
            <fieldset><legend>{ ctx.w("network.driver") }</legend><div class="picks flat">{ for DRIVERS.iter().map(driver) }</div></fieldset>
            <div class="fields-row">
                { field("network.name", "network-name", &form.name, "", bad.name, |f, v| f.name = v) }
                { field("network.subnet", "network-subnet", &form.subnet, "10.1.0.0/24", bad.subnet, |f, v| f.subnet = v) }
                { field("network.gateway", "network-gateway", &form.gateway, "10.1.0.1", bad.gateway, |f, v| f.gateway = v) }
                { field("network.range", "network-range", &form.range, "10.1.0.128/25", bad.range, |f, v| f.range = v) }
            </div>
            { check("network.internal", "network.internal_sub", "network-internal", form.internal, |f| f.internal = !f.internal) }
            if form.driver == "bridge" {
                { check("network.icc", "network.icc_sub", "network-icc", form.icc, |f| f.icc = !f.icc) }
            }
            { field("network.options", "network-options", &form.options, "com.docker.network.driver.mtu=1400", None, |f, v| f.options = v) }
            { command(ctx, &form.host, form.command()) }
            if let Some(words) = &refused { <p class="problem" role="alert" data-test="refused">{ words.clone() }</p> }
            { actions(ctx, "network.create", form.is_ready()) }
        </div>
    }
}

/// A command, to be looked at before it runs.
pub fn just(ctx: &Ctx, form: &CommandForm) -> Html {
    html! {
        <div class="dialog-body">
            { command(ctx, &form.host, form.line.clone()) }
            { actions(ctx, "dock.run", true) }
        </div>
    }
}
