//! A new network, and a command that a drag stands for.

use yew::prelude::*;

use super::{actions, changed, command, is_bad, problem, told, typed};
use crate::app::Dialog;
use crate::app::docking::CommandForm;
use crate::app::netform::{DRIVERS, NetworkForm, modes};
use crate::app::rehearsal::{Field, Told};
use crate::ui::Ctx;

pub fn body(ctx: &Ctx, form: &NetworkForm, said: Option<&Told>) -> Html {
    let bad = form.problems();
    let field = |part: Field,
                 word: &str,
                 value: &str,
                 hint: &'static str,
                 bad: Option<&'static str>,
                 set: fn(&mut NetworkForm, String)| {
        let test = format!("network-{}", word.trim_start_matches("network."));
        let first = (part == Field::Name).then_some("true");
        html! {
            <div class="cell">
                <label class="field">{ ctx.label(word) }
                    <input data-test={test} data-first={first} value={value.to_owned()} placeholder={hint} aria-invalid={(bad.is_some() || is_bad(said, part)).to_string()} spellcheck="false" autocomplete="off" autocapitalize="off"
                        oninput={typed(ctx, form, Dialog::Network, set)} />{ problem(ctx, bad) }</label>
                { told(ctx, said, part) }
            </div>
        }
    };
    let pick = |name: &'static str, on: bool, test: String, take: fn(&mut NetworkForm, &str)| {
        let picked =
            changed::<_, MouseEvent>(ctx, form, Dialog::Network, move |f: &mut NetworkForm| take(f, name));
        html! { <button key={name} type="button" class={classes!("pick", "flat", on.then_some("on"))} aria-pressed={on.to_string()} data-test={test} onclick={picked}>{ name }</button> }
    };
    let driver = |name: &&'static str| {
        pick(name, form.driver == *name, format!("driver-{name}"), NetworkForm::take_driver)
    };
    let mode = |name: &&'static str| {
        pick(name, form.chosen_mode() == *name, format!("mode-{name}"), NetworkForm::take_mode)
    };
    let check = |word: &str, sub: &str, test: &'static str, on: bool, set: fn(&mut NetworkForm)| {
        html! {
            <label class="switch"><input type="checkbox" checked={on} data-test={test} onchange={changed::<_, Event>(ctx, form, Dialog::Network, set)} />
                <span><b>{ ctx.label(word) }</b><small>{ ctx.t(sub) }</small></span></label>
        }
    };
    let modes = modes(&form.driver);
    let about = match form.chosen_mode() {
        mode if form.driver == "ipvlan" && mode != "l2" => "network.about.ipvlan_l3".to_owned(),
        _ => format!("network.about.{}", form.driver),
    };
    html! {
        <div class="dialog-body">
            <fieldset><legend>{ ctx.w("network.driver") }</legend><div class="picks flat">{ for DRIVERS.iter().map(driver) }</div>
                <p class="dim small" data-test="network-about">{ ctx.t(&about) }</p>
                { told(ctx, said, Field::Driver) }</fieldset>
            if !modes.is_empty() {
                <fieldset><legend>{ ctx.w("network.mode") }</legend><div class="picks flat">{ for modes.iter().map(mode) }</div>{ told(ctx, said, Field::Mode) }</fieldset>
            }
            <div class="fields-row">
                { field(Field::Name, "network.name", &form.name, "", bad.name, |f, v| f.name = v) }
                if form.on_parent() {
                    { field(Field::Parent, "network.parent", &form.parent, "eth0.10", bad.parent, |f, v| f.take_parent(&v)) }
                }
                { field(Field::Subnet, "network.subnet", &form.subnet, "10.1.0.0/24", bad.subnet, |f, v| f.subnet = v) }
                { field(Field::Gateway, "network.gateway", &form.gateway, "10.1.0.1", bad.gateway, |f, v| f.gateway = v) }
                { field(Field::Range, "network.range", &form.range, "10.1.0.128/25", bad.range, |f, v| f.range = v) }
                { field(Field::Options, "network.options", &form.options, "com.docker.network.driver.mtu=1400", None, |f, v| f.options = v) }
            </div>
            if form.driver == "overlay" {
                { check("network.attachable", "network.attachable_sub", "network-attachable", form.attachable, |f| f.attachable = !f.attachable) }
            }
            { check("network.internal", "network.internal_sub", "network-internal", form.internal, |f| f.internal = !f.internal) }
            if form.driver == "bridge" {
                { check("network.icc", "network.icc_sub", "network-icc", form.icc, |f| f.icc = !f.icc) }
            }
            { command(ctx, &form.host, form.command()) }
            { told(ctx, said, Field::Line) }
            { actions(ctx, "network.create", form.is_ready() && !said.is_some_and(|t| t.refused)) }
        </div>
    }
}

/// A command, to be looked at before it runs.
pub fn just(ctx: &Ctx, form: &CommandForm, said: Option<&Told>) -> Html {
    // There are no parts: whatever is said is about the line.
    let said = said.map(|t| Told { field: Field::Line, ..t.clone() });
    html! {
        <div class="dialog-body">
            { command(ctx, &form.host, form.line.clone()) }
            { told(ctx, said.as_ref(), Field::Line) }
            { actions(ctx, "dock.run", true) }
        </div>
    }
}
