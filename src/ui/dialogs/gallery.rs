//! The gallery: ready labs, a new empty one, files.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::app::Action;
use crate::app::gallery::{Card, LabAction, words};
use crate::session::NodeKind;
use crate::ui::{browser, icons::icon, use_ctx};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub cards: Vec<Card>,
}

/// The gallery.
#[component]
pub fn Gallery(props: &Props) -> Html {
    let ctx = use_ctx();
    let input = use_node_ref();
    let choose = {
        let input = input.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(input) = input.cast::<HtmlInputElement>() {
                input.set_value("");
                input.click();
            }
        })
    };
    let chosen = {
        let act = ctx.act.clone();
        Callback::from(move |e: Event| {
            let file = e.target_dyn_into::<HtmlInputElement>().and_then(|i| i.files()).and_then(|f| f.get(0));
            if let Some(file) = file {
                let act = act.clone();
                browser::read_file(&file, move |name, text| act.emit(read(name, text)));
            }
        })
    };
    let card = |c: &Card| {
        let (title, sub) = match words(c.name) {
            Some((title, sub)) => (ctx.t(title), ctx.t(sub)),
            None => (c.name.into(), "".into()),
        };
        let open = match c.name {
            "mine" => LabAction::Mine,
            "before" => LabAction::Before,
            name => LabAction::Open(name),
        };
        html! {
            <button type="button" class="lab-card" key={c.name} data-test={format!("lab-{}", c.name)} onclick={ctx.on(Action::Lab(open))}>
                { picture(c) }
                <b>{ title }</b><small>{ sub }</small>
            </button>
        }
    };
    html! {
        <div class="dialog-body gallery">
            <div class="lab-cards">
                <button type="button" class="lab-card" data-test="lab-empty" data-first="true" onclick={ctx.on(Action::Lab(LabAction::Open("empty")))}>
                    <span class="lab-picture blank">{ icon("plus") }</span>
                    <b>{ ctx.t("gallery.empty") }</b><small>{ ctx.t("gallery.empty_sub") }</small>
                </button>
                { for props.cards.iter().map(card) }
            </div>
            <div class="gallery-foot">
                <p class="dim small">{ ctx.t("gallery.drop") }</p>
                <input class="unseen" type="file" tabindex="-1" aria-hidden="true" accept=".json,application/json" ref={input} onchange={chosen} data-test="lab-file" />
                <button type="button" data-test="lab-open" onclick={choose}>{ icon("open") }{ ctx.t("gallery.open") }</button>
                <button type="button" data-test="lab-save" onclick={ctx.on(Action::Lab(LabAction::Save))}>{ icon("save") }{ ctx.t("gallery.save") }</button>
            </div>
        </div>
    }
}

/// What was read of a file.
pub fn read(name: String, text: Option<String>) -> Action {
    Action::Lab(match text {
        Some(text) => LabAction::Read(name, text),
        None => LabAction::Unreadable(name),
    })
}

fn picture(c: &Card) -> Html {
    let room = c.bounds.grown(40.0);
    let view = format!("{:.0} {:.0} {:.0} {:.0}", room.x, room.y, room.w, room.h);
    html! {
        <svg class="lab-picture" viewBox={view} preserveAspectRatio="xMidYMid meet" aria-hidden="true">
            { for c.wires.iter().map(|(a, b)| html! { <line x1={a.0.to_string()} y1={a.1.to_string()} x2={b.0.to_string()} y2={b.1.to_string()} /> }) }
            { for c.boxes.iter().map(|(r, kind)| html! {
                <rect class={match kind { NodeKind::Router => "of-router", NodeKind::DockerHost => "of-host", NodeKind::Isp => "of-isp", NodeKind::Switch => "of-switch", _ => "" }}
                    x={r.x.to_string()} y={r.y.to_string()} width={r.w.to_string()} height={r.h.to_string()} rx="14" />
            }) }
        </svg>
    }
}
