//! Beneath the river: what conntrack remembers, and what can be tried.

use yew::prelude::*;

use super::{Ctx, icon, use_ctx};
use crate::app::Action;
use crate::app::firewall::View;
use crate::app::firewall::edits::WhatIf;

/// What conntrack remembers.
pub fn conntrack(ctx: &Ctx, view: &View) -> Html {
    let place = view.place.split_once(':').map_or(view.place.as_str(), |(_, name)| name);
    let head = ["fw.ct.state", "fw.ct.as_came", "fw.ct.as_answer", "fw.ct.expires"];
    let rows = view.entries.iter().map(|e| {
        let r = &e.row;
        let half = |(from, to): &(String, String), new: (bool, bool)| {
            html! {
                <><code class={new.0.then_some("new")}>{ from.clone() }</code><span class="dim">{ " → " }</span><code class={new.1.then_some("new")}>{ to.clone() }</code></>
            }
        };
        let state = if r.state.is_empty() { r.proto.to_uppercase() } else { r.state.clone() };
        let class = classes!(e.own.then_some("own"), e.pending.then_some("pending"));
        let expires = if e.pending {
            ctx.t("fw.ct.pending")
        } else {
            ctx.tv("fw.ct.secs", &[("n", &thousands(r.expires_secs))])
        };
        html! {
            <tr key={r.id} {class} data-test={if e.own { "fw-entry-own" } else { "fw-entry" }}>
                <td><span class={classes!("badge", r.proto.clone())}>{ r.proto.to_uppercase() }</span>{ " " }{ state }</td>
                <td>{ half(&r.original, (false, false)) }</td>
                <td>{ half(&r.reply, (r.dnat, r.snat)) }</td>
                <td class={e.pending.then_some("words")}>{ expires }</td>
            </tr>
        }
    });
    html! {
        <section class="walk-card memory">
            <h3>{ ctx.tv("fw.ct.title", &[("place", place)]) }</h3>
            <p class="asks">{ ctx.t("fw.ct.sub") }</p>
            if view.entries.is_empty() {
                <p class="dim" data-test="fw-ct-empty">{ ctx.t("fw.ct.empty") }</p>
            } else {
                <div class="memory-table" tabindex="0" role="group" aria-label={ctx.tv("fw.ct.title", &[("place", place)])}><table><thead><tr>{ for head.iter().map(|k| html! { <th scope="col">{ ctx.t(k) }</th> }) }</tr></thead>
                    <tbody>{ for rows }</tbody></table></div>
            }
            if view.more > 0 { <p class="dim small">{ ctx.tv("fw.ct.more", &[("n", &view.more.to_string())]) }</p> }
        </section>
    }
}

/// `431998` → `431,998`.
fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

#[derive(Properties, PartialEq)]
pub struct WhatIfProps {
    pub tries: Vec<WhatIf>,
}

/// What can be tried, and the command that the one pointed at is.
#[component]
pub fn WhatIfs(props: &WhatIfProps) -> Html {
    let ctx = use_ctx();
    let pointed = use_state(|| None::<String>);
    let chip = |w: &WhatIf| {
        let point = |line: Option<&String>| {
            let (pointed, line) = (pointed.clone(), line.cloned());
            move || pointed.set(line.clone())
        };
        let (enter, focus) = (point(Some(&w.line)), point(Some(&w.line)));
        let (leave, blur) = (point(None), point(None));
        html! {
            <li key={w.line.clone()}><button type="button" class="try" data-test="fw-what-if" title={w.line.clone()} aria-description={w.line.clone()}
                onmouseenter={Callback::from(move |_| enter())} onfocus={Callback::from(move |_| focus())}
                onmouseleave={Callback::from(move |_| leave())} onblur={Callback::from(move |_| blur())}
                onclick={ctx.on(Action::Firewall(w.act.clone()))}>{ ctx.tv(w.key, &[("what", &w.what)]) }</button></li>
        }
    };
    html! {
        <section class="walk-card what-if">
            <h3>{ icon("help") }{ ctx.t("fw.if.title") }</h3>
            <p class="asks">{ ctx.t("fw.if.sub") }</p>
            <ul class="tries">{ for props.tries.iter().map(chip) }</ul>
            if let Some(line) = &*pointed { <code class="walk-command" data-test="fw-command">{ line.clone() }</code> }
        </section>
    }
}
