//! What a command changed: a short list over the canvas, and lights on the picture.

use yew::prelude::*;

use super::canvas::path;
use super::{Shared, icons::icon, use_ctx};
use crate::app::Action;
use crate::app::changed::{Changes, ChangesAct, Light};
use crate::app::scene::{Rect, Scene};
use crate::explain;
use crate::session::changes::Turn;

/// Entries that are shown before "and more".
const SHOWN: usize = 60;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub changes: Shared<Changes>,
}

/// The list.
#[component]
pub fn ChangesCard(props: &Props) -> Html {
    let ctx = use_ctx();
    let c = &*props.changes;
    let act = |act: ChangesAct| ctx.on::<MouseEvent>(Action::Changes(act));
    let row = |(i, change): (usize, &crate::session::changes::Change)| {
        let (class, sign) = match change.turn {
            Turn::Added => ("added", "+"),
            Turn::Removed => ("removed", "−"),
            Turn::Set => ("set", "±"),
        };
        let on = c.pointed == Some(i);
        let point = |to: Option<usize>| {
            let act = ctx.act.clone();
            move || act.emit(Action::Changes(ChangesAct::Point(to)))
        };
        let (enter, leave, focus, blur) = (point(Some(i)), point(None), point(Some(i)), point(None));
        html! {
            <li key={i} class={classes!(class, on.then_some("on"))} data-test="change" tabindex="0"
                onmouseenter={Callback::from(move |_| enter())} onmouseleave={Callback::from(move |_| leave())}
                onfocus={Callback::from(move |_| focus())} onblur={Callback::from(move |_| blur())}>
                <i aria-hidden="true">{ sign }</i><span>{ explain::change(change, ctx.lang) }</span></li>
        }
    };
    let n = c.list.len().to_string();
    html! {
        <aside class={classes!("changes", c.open.then_some("open"))} aria-label={ctx.t("changes.title")} data-test="changes">
            <div class="changes-head">
                <button type="button" class="quiet changes-fold" aria-expanded={c.open.to_string()} data-test="changes-fold" onclick={act(ChangesAct::Toggle)}>
                    <b>{ ctx.tv("changes.count", &[("n", &n)]) }</b><code>{ c.line.clone() }</code>{ icon(if c.open { "down" } else { "up" }) }</button>
                <button type="button" class="quiet" data-test="changes-close" aria-label={ctx.t("dialog.close")} title={ctx.t("dialog.close")} onclick={act(ChangesAct::Close)}>{ icon("close") }</button>
            </div>
            if c.open {
                <ul>{ for c.list.iter().take(SHOWN).enumerate().map(row) }</ul>
                if c.list.len() > SHOWN { <p class="dim small">{ ctx.tv("scene.more", &[("n", &(c.list.len() - SHOWN).to_string())]) }</p> }
            }
        </aside>
    }
}

#[derive(Properties, PartialEq)]
pub struct LightsProps {
    pub scene: Shared<Scene>,
    pub changes: Shared<Changes>,
}

/// The lights on the picture, in canvas units.
#[component]
pub fn Lights(props: &LightsProps) -> Html {
    let light = |light: Light| match light {
        Light::Box(r) => {
            let Rect { x, y, w, h } = r.grown(4.0);
            html! { <rect class="change-light" x={x.to_string()} y={y.to_string()} width={w.to_string()} height={h.to_string()} rx="13" /> }
        }
        Light::Wire(points) => html! { <path class="change-light wire-light" d={path(&points, 9.0)} /> },
    };
    let lights = props.changes.lights(&props.scene);
    html! { <g class="change-lights" aria-hidden="true" data-test="change-lights">{ for lights.into_iter().map(light) }</g> }
}
