//! What a node is cabled with, and what it could be cabled with: the way without a pointer.

use yew::prelude::*;

use super::actions;
use crate::app::cable::{CableAction, CableForm};
use crate::app::{Action, Dialog, Selection};
use crate::ui::{Ctx, icons::icon};

pub fn body(ctx: &Ctx, form: &CableForm) -> Html {
    let choose = |change: fn(&mut CableForm, usize), i: usize| {
        let (act, form) = (ctx.act.clone(), form.clone());
        Callback::from(move |_: Event| {
            let mut form = form.clone();
            change(&mut form, i);
            act.emit(Action::Dialog(Some(Box::new(Dialog::Cable(form)))));
        })
    };
    let own = |(i, (port, other)): (usize, &(crate::wire::IfName, Option<crate::app::cable::End>))| {
        let end = (form.node.clone(), *port);
        html! {
            <div class="socket-row" key={port.to_string()} data-test={format!("socket-{port}")}>
                <code>{ port.to_string() }</code>
                if let Some(other) = other {
                    <span class="socket-to">{ format!("{} {}", other.0, other.1) }</span>
                    <button type="button" data-test={format!("socket-settings-{port}")} onclick={ctx.on(Action::Settings(Selection::Link(form.node.clone(), port.to_string())))}>{ ctx.t("cable.settings") }</button>
                    <button type="button" data-test={format!("socket-unplug-{port}")} onclick={unplug(ctx, form, end)}>{ icon("unplug") }{ ctx.t("bar.unplug") }</button>
                } else {
                    <label class="socket-free"><input type="radio" name="own" data-test={format!("socket-use-{port}")} checked={form.port == Some(*port)} onchange={choose(|f, i| f.port = f.ports.get(i).map(|p| p.0), i)} />{ ctx.t("cable.free") }</label>
                }
            </div>
        }
    };
    html! {
        <div class="dialog-body">
            <fieldset><legend>{ ctx.t("cable.ports") }</legend>
                if form.ports.is_empty() { <p class="dim">{ ctx.t("cable.no_ports") }</p> }
                { for form.ports.iter().enumerate().map(own) }
            </fieldset>
            if form.port.is_some() {
                <fieldset class="ends-list"><legend>{ ctx.tv("cable.to", &[("port", &form.port.map(|p| p.to_string()).unwrap_or_default())]) }</legend>
                    if form.ends.is_empty() { <p class="dim">{ ctx.t("cable.nothing") }</p> }
                    { for form.ends.iter().enumerate().map(|(i, end)| html! {
                        <label class="end-row" key={format!("{} {}", end.0, end.1)}><input type="radio" name="end" data-first={(i == form.chosen).then_some("true")} data-test={format!("end-{}-{}", end.0, end.1)} checked={i == form.chosen} onchange={choose(|f, i| f.chosen = i, i)} /><b>{ end.0.clone() }</b><code>{ end.1.to_string() }</code></label>
                    }) }
                </fieldset>
            }
            { actions(ctx, "cable.plug", form.pair().is_some()) }
        </div>
    }
}

fn unplug(ctx: &Ctx, form: &CableForm, end: crate::app::cable::End) -> Callback<MouseEvent> {
    let (act, node) = (ctx.act.clone(), form.node.clone());
    Callback::from(move |_| {
        act.emit(Action::Cable(CableAction::Unplug(end.clone())));
        act.emit(Action::Cable(CableAction::Choose(node.clone())));
    })
}
