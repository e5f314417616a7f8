//! A cable's or a radio link's form.

use yew::prelude::*;

use super::fields::Sheet;
use crate::app::Dialog;
use crate::app::settings::{Settings, link::LinkForm};
use crate::ui::Ctx;

pub fn body(ctx: &Ctx, form: &LinkForm, error: Option<&str>) -> Html {
    let sheet = Sheet { ctx, form, wrap: Dialog::Link, wrong: form.wrong() };
    html! {
        <div class="dialog-body">
            <p class="ends"><code>{ format!("{} {}", form.a.0, form.a.1) }</code><span aria-hidden="true">{ "⟷" }</span><code>{ format!("{} {}", form.b.0, form.b.1) }</code></p>
            <div class="fields-row">
                { sheet.text("link.latency", "link-latency", &form.latency_ms, "0.05", |f, v| f.latency_ms = v) }
                { sheet.text("link.loss", "link-loss", &form.loss_percent, "0", |f, v| f.loss_percent = v) }
            </div>
            { sheet.switch("link.down", "link.down_sub", "link-down", form.down, |f| f.down = !f.down) }
            { sheet.foot(error) }
        </div>
    }
}
