//! Words that go away by themselves.

use yew::prelude::*;

use super::{icons::icon, use_ctx};
use crate::app::{Action, Toast};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub toasts: Vec<Toast>,
}

/// The toasts.
#[component]
pub fn Toasts(props: &Props) -> Html {
    let ctx = use_ctx();
    let toast = |t: &Toast| {
        html! {
            <div key={t.id} class={classes!("toast", t.bad.then_some("bad"))} role={if t.bad { "alert" } else { "status" }} data-test="toast">
                { icon(if t.bad { "warn" } else { "check" }) }
                <p>{ ctx.tv(t.key, &[("text", &t.text)]) }</p>
                <button type="button" class="quiet" aria-label={ctx.t("toast.close")} onclick={ctx.on(Action::Dismiss(t.id))}>{ icon("close") }</button>
            </div>
        }
    };
    html! { <div class="toasts" aria-live="polite">{ for props.toasts.iter().map(toast) }</div> }
}
