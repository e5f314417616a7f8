//! The kept lab did not open: why, and what can be done.

use yew::prelude::*;

use crate::app::Action;
use crate::app::keep::{KeepAction, Lost};
use crate::ui::Ctx;

pub fn body(ctx: &Ctx, lost: &Lost) -> Html {
    html! {
        <div class="dialog-body" data-test="lost">
            {
                match lost {
                    Lost::Unreadable(why) => html! { <><p>{ ctx.t("lost.unreadable") }</p><p class="problem">{ why.clone() }</p></> },
                    Lost::Crashed => html! { <p>{ ctx.t("lost.crashed") }</p> },
                }
            }
            <p class="dim">{ ctx.t("lost.kept") }</p>
            <div class="dialog-foot">
                <button type="button" data-test="lost-save" onclick={ctx.on(Action::Keep(KeepAction::SaveUnread))}>{ ctx.t("lost.save") }</button>
                <button type="button" data-test="lost-retry" onclick={ctx.on(Action::Keep(KeepAction::Retry))}>{ ctx.t("lost.retry") }</button>
                <button type="button" class="primary" data-first="true" onclick={ctx.on(Action::Dialog(None))}>{ ctx.t("lost.go_on") }</button>
            </div>
        </div>
    }
}
