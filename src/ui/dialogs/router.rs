//! The home router's friendly form. Saving it writes real rules.

use yew::prelude::*;

use super::{actions, changed, problem, typed};
use crate::app::Dialog;
use crate::app::forms::{ForwardField, ForwardRow, RouterForm};
use crate::ui::{Ctx, icons::icon};

pub fn body(ctx: &Ctx, form: &RouterForm) -> Html {
    let problems = form.problems();
    let of =
        |row: usize, field: ForwardField| problems.iter().find(|p| p.0 == row && p.1 == field).map(|p| p.2);
    let wrap = Dialog::Router;
    let row = |(i, r): (usize, &ForwardRow)| {
        // What is still empty is not wrong yet; the button waits for it all the same.
        let seen = |text: &str, p| if text.is_empty() { None } else { p };
        let field = |word: &str,
                     test: &str,
                     value: &str,
                     which: ForwardField,
                     set: fn(&mut ForwardRow, String)| {
            let bad = seen(value, of(i, which));
            html! {
                <label class="field"><span>{ ctx.t(word) }</span>
                    <input data-test={format!("{test}-{i}")} value={value.to_owned()} aria-invalid={bad.is_some().to_string()} spellcheck="false" autocomplete="off" inputmode="decimal"
                        oninput={typed(ctx, form, wrap, move |f: &mut RouterForm, v| set(&mut f.rows[i], v))} />{ problem(ctx, bad) }</label>
            }
        };
        html! {
            <div class="forward-row" key={i} data-test="forward-row">
                <div class="toggle small" role="group" aria-label={ctx.t("router.protocol")}>
                    { for [(false, "TCP"), (true, "UDP")].into_iter().map(|(udp, word)| html! {
                        <button type="button" class={(r.udp == udp).then_some("on")} aria-pressed={(r.udp == udp).to_string()} onclick={changed::<_, MouseEvent>(ctx, form, wrap, move |f: &mut RouterForm| f.rows[i].udp = udp)}>{ word }</button>
                    }) }
                </div>
                { field("router.public_port", "forward-port", &r.port, ForwardField::Port, |r, v| r.port = v) }
                <span class="arrow" aria-hidden="true">{ "→" }</span>
                { field("router.inside_address", "forward-to", &r.to, ForwardField::To, |r, v| r.to = v) }
                { field("router.inside_port", "forward-to-port", &r.to_port, ForwardField::ToPort, |r, v| r.to_port = v) }
                <button type="button" class="quiet" data-test={format!("forward-remove-{i}")} aria-label={ctx.t("router.remove")} title={ctx.t("router.remove")}
                    onclick={changed::<_, MouseEvent>(ctx, form, wrap, move |f: &mut RouterForm| { f.rows.remove(i); })}>{ icon("trash") }</button>
            </div>
        }
    };
    let check = |word: &str, sub: &str, on: bool, test: &'static str, set: fn(&mut RouterForm)| {
        html! {
            <label class="switch"><input type="checkbox" checked={on} data-test={test} onchange={changed::<_, Event>(ctx, form, wrap, set)} />
                <span><b>{ ctx.t(word) }</b><small>{ ctx.t(sub) }</small></span></label>
        }
    };
    let add = changed::<_, MouseEvent>(ctx, form, wrap, |f: &mut RouterForm| {
        f.rows.push(ForwardRow {
            udp: false,
            port: String::new(),
            to: String::new(),
            to_port: String::new(),
        });
    });
    html! {
        <div class="dialog-body">
            { check("router.nat", "router.nat_sub", form.nat, "router-nat-switch", |f| f.nat = !f.nat) }
            { check("router.random", "router.random_sub", form.random_ports, "router-random-switch", |f| f.random_ports = !f.random_ports) }
            <fieldset><legend>{ ctx.t("router.forwards") }</legend>
                <p class="dim small">{ ctx.t("router.forwards_sub") }</p>
                { for form.rows.iter().enumerate().map(row) }
                <button type="button" class="add" data-test="forward-add" data-first="true" onclick={add}>{ icon("plus") }{ ctx.t("router.add") }</button>
            </fieldset>
            <p class="dim small">{ ctx.t("router.rules_note") }</p>
            { actions(ctx, "router.save", problems.is_empty()) }
        </div>
    }
}
