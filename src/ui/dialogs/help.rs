//! What this is, and its keys.

use yew::prelude::*;

use crate::app::Action;
use crate::ui::Ctx;

pub fn body(ctx: &Ctx) -> Html {
    let keys = [
        ("Space", "help.play"),
        ("← →", "help.step"),
        ("Home End", "help.ends"),
        ("+ − 0", "help.zoom"),
        ("Enter · C · F2", "help.build"),
        ("← ↑ ↓ → · Alt", "help.move"),
        ("Ctrl C · Ctrl V · Ctrl D", "help.copy"),
        ("Shift · Ctrl A", "help.many"),
        ("F", "fw.open"),
        ("Delete", "help.delete"),
        ("Ctrl Z · Ctrl Shift Z", "help.undo"),
        ("Tab · ↑ ↓ · Ctrl C", "help.terminal"),
    ];
    html! {
        <div class="dialog-body help">
            <p>{ ctx.t("help.what") }</p>
            <ol>
                <li>{ ctx.t("help.one") }</li>
                <li>{ ctx.t("help.two") }</li>
                <li>{ ctx.t("help.three") }</li>
                <li>{ ctx.t("help.four") }</li>
            </ol>
            <dl class="keys">{ for keys.iter().map(|(k, word)| html! { <div key={*k}><dt>{ for k.split(' ').map(|k| if k == "·" { html! { <span>{ " · " }</span> } } else { html! { <kbd>{ k }</kbd> } }) }</dt><dd>{ ctx.t(word) }</dd></div> }) }</dl>
            <p class="dim small">{ ctx.t("help.about") }</p>
            <div class="dialog-foot"><button type="button" class="primary" data-first="true" onclick={ctx.on(Action::Dialog(None))}>{ ctx.t("help.close") }</button></div>
        </div>
    }
}
