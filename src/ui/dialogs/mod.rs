//! Forms and windows over the page.

mod cable;
mod container;
mod daemon;
mod fields;
mod gallery;
mod help;
mod link;
mod lost;
mod machine;
mod network;
mod router;

pub use gallery::read as read_lab;

use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

use super::canvas::title;
use super::{Ctx, Shared, icons::icon, use_ctx};
use crate::app::forms::Problem;
use crate::app::rehearsal::{Field, Told};
use crate::app::scene::Scene;
use crate::app::{Action, Dialog};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub dialog: Option<Dialog>,
    /// Why the core would refuse the form.
    pub error: Option<String>,
    /// What docker says against it.
    pub told: Option<Told>,
    /// The picture, on which things have names.
    pub scene: Shared<Scene>,
}

/// The open dialog, if there is one.
#[component]
pub fn Dialogs(props: &Props) -> Html {
    let ctx = use_ctx();
    let card = use_node_ref();
    let before = use_mut_ref(|| None::<HtmlElement>);
    let which = props.dialog.as_ref().map(std::mem::discriminant);
    use_effect_with((card.clone(), which), move |(card, which)| {
        let focused = super::browser::document().active_element();
        let focused = focused.and_then(|e| wasm_bindgen::JsCast::dyn_into::<HtmlElement>(e).ok());
        match which {
            Some(_) => {
                let mut before = before.borrow_mut();
                *before = before.take().or(focused);
            }
            // Back to where the keys were.
            None => {
                if let Some(element) = before.borrow_mut().take() {
                    let _ = element.focus();
                }
            }
        }
        // The first field takes the keys.
        let first = card.cast::<web_sys::Element>().and_then(|c| {
            let find = |what: &str| c.query_selector(what).ok().flatten();
            find("[data-first]").or_else(|| find("form input:not([type=checkbox]), form select, form button"))
        });
        if let (Some(_), Some(first)) =
            (which, first.and_then(|f| wasm_bindgen::JsCast::dyn_into::<HtmlElement>(f).ok()))
        {
            let _ = first.focus();
        }
    });
    let Some(dialog) = &props.dialog else { return html! {} };
    let error = props.error.as_deref();
    let called = |id: &str| props.scene.node(id).map_or_else(|| id.to_owned().into(), |n| title(&ctx, n));
    let (title, body) = match dialog {
        Dialog::Router(form) => {
            (ctx.tv("router.title", &[("name", &called(&form.node))]), router::body(&ctx, form, error))
        }
        Dialog::Machine(form) => {
            (ctx.tv("router.title", &[("name", &called(&form.node))]), machine::body(&ctx, form, error))
        }
        Dialog::Link(form) => {
            (ctx.t(if form.radio { "link.title_radio" } else { "link.title" }), link::body(&ctx, form, error))
        }
        Dialog::Cable(form) => {
            (ctx.tv("cable.title", &[("name", &called(&form.node))]), cable::body(&ctx, form))
        }
        Dialog::Gallery(cards) => {
            (ctx.t("gallery.title"), html! { <gallery::Gallery cards={cards.clone()} /> })
        }
        Dialog::Container(form) => {
            (ctx.t("container.title"), container::body(&ctx, form, props.told.as_ref()))
        }
        Dialog::Network(form) => (ctx.t("network.title"), network::body(&ctx, form, props.told.as_ref())),
        Dialog::Daemon(form) => (ctx.tv("daemon.title", &[("host", &form.host)]), daemon::body(&ctx, form)),
        Dialog::Command(form) => (
            ctx.tv(form.title, &[("a", &form.a), ("b", &form.b)]),
            network::just(&ctx, form, props.told.as_ref()),
        ),
        Dialog::Share(form) => {
            (ctx.t("share.title"), html! { <super::share::Share form={(**form).clone()} /> })
        }
        Dialog::Help => (ctx.t("help.title"), help::body(&ctx)),
        Dialog::Lost(why) => (ctx.t("lost.title"), lost::body(&ctx, why)),
    };
    let submit = {
        let act = ctx.act.clone();
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            act.emit(Action::Submit);
        })
    };
    html! {
        <div class="veil">
            <div class="veil-ground" onclick={ctx.on(Action::Dialog(None))}></div>
            <div class={classes!("dialog", width(dialog))} ref={card} role="dialog" aria-modal="true" aria-labelledby="dialog-title" data-test="dialog">
                <div class="dialog-head"><h2 id="dialog-title">{ title }</h2>
                    <button type="button" class="quiet" aria-label={ctx.t("dialog.close")} onclick={ctx.on(Action::Dialog(None))}>{ icon("close") }</button></div>
                <form onsubmit={submit} novalidate=true>{ body }</form>
            </div>
        </div>
    }
}

/// How broad a dialog is.
fn width(dialog: &Dialog) -> Option<&'static str> {
    match dialog {
        Dialog::Router(_) | Dialog::Gallery(_) | Dialog::Daemon(_) => Some("broadest"),
        Dialog::Help | Dialog::Share(_) | Dialog::Machine(_) | Dialog::Container(_) | Dialog::Network(_) => {
            Some("broad")
        }
        _ => None,
    }
}

/// A callback that changes a copy of the form by what was typed.
fn typed<F: Clone + 'static>(
    ctx: &Ctx,
    form: &F,
    wrap: fn(F) -> Dialog,
    change: impl Fn(&mut F, String) + 'static,
) -> Callback<InputEvent> {
    let (act, form) = (ctx.act.clone(), form.clone());
    Callback::from(move |e: InputEvent| {
        if let Some(input) = e.target_dyn_into::<HtmlInputElement>() {
            let mut form = form.clone();
            change(&mut form, input.value());
            act.emit(Action::Dialog(Some(Box::new(wrap(form)))));
        }
    })
}

/// A callback that changes a copy of the form.
fn changed<F: Clone + 'static, E: 'static>(
    ctx: &Ctx,
    form: &F,
    wrap: fn(F) -> Dialog,
    change: impl Fn(&mut F) + 'static,
) -> Callback<E> {
    let (act, form) = (ctx.act.clone(), form.clone());
    Callback::from(move |_| {
        let mut form = form.clone();
        change(&mut form);
        act.emit(Action::Dialog(Some(Box::new(wrap(form)))));
    })
}

/// What is wrong with a field, said beneath it.
fn problem(ctx: &Ctx, problem: Option<Problem>) -> Html {
    match problem {
        Some(key) => html! { <span class="problem" role="alert">{ ctx.t(key) }</span> },
        None => html! {},
    }
}

/// What docker says about a part of a form, with what helps: beneath that part.
fn told(ctx: &Ctx, told: Option<&Told>, field: Field) -> Html {
    let Some(told) = told.filter(|t| t.field == field) else { return html! {} };
    html! {
        <div class={classes!("told", told.refused.then_some("bad"))} role="alert" data-test="refused">
            <code>{ told.words.clone() }</code>
            if let Some(advice) = &told.advice { <span data-test="advice">{ advice.clone() }</span> }
            if let Some(offer) = &told.offer {
                <button type="button" data-test="offer" onclick={ctx.on(offer.act.clone())}>{ offer.label.clone() }</button>
            }
        </div>
    }
}

/// Does docker refuse a part of a form?
fn is_bad(told: Option<&Told>, field: Field) -> bool {
    told.is_some_and(|t| t.refused && t.field == field)
}

/// The buttons at the end of a form.
fn actions(ctx: &Ctx, word: &str, ready: bool) -> Html {
    html! {
        <div class="dialog-foot">
            <button type="button" onclick={ctx.on(Action::Dialog(None))}>{ ctx.t("dialog.cancel") }</button>
            <button type="submit" class="primary" disabled={!ready} data-test="submit">{ ctx.t(word) }</button>
        </div>
    }
}

/// The command that a form is.
fn command(ctx: &Ctx, place: &str, line: String) -> Html {
    html! {
        <div class="command"><span class="dim">{ ctx.tv("dialog.command", &[("place", place)]) }</span><code data-test="command">{ line }</code></div>
    }
}
