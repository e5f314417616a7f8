//! A new bridge network.

use yew::prelude::*;

use super::{actions, command, problem, typed};
use crate::app::Dialog;
use crate::app::forms::NetworkForm;
use crate::ui::Ctx;

pub fn body(ctx: &Ctx, form: &NetworkForm) -> Html {
    let (bad_name, bad_subnet) = form.problems();
    html! {
        <div class="dialog-body">
            <div class="fields-row">
                <label class="field"><span>{ ctx.t("network.name") }</span>
                    <input data-first="true" data-test="network-name" value={form.name.clone()} aria-invalid={bad_name.is_some().to_string()} spellcheck="false" autocomplete="off"
                        oninput={typed(ctx, form, Dialog::Network, |f, v| f.name = v)} />{ problem(ctx, bad_name) }</label>
                <label class="field"><span>{ ctx.t("network.subnet") }</span>
                    <input data-test="network-subnet" value={form.subnet.clone()} placeholder="10.1.0.0/24" aria-invalid={bad_subnet.is_some().to_string()} spellcheck="false" autocomplete="off"
                        oninput={typed(ctx, form, Dialog::Network, |f, v| f.subnet = v)} />{ problem(ctx, bad_subnet) }</label>
            </div>
            { command(ctx, &form.host, form.command()) }
            { actions(ctx, "network.create", bad_name.is_none() && bad_subnet.is_none()) }
        </div>
    }
}
