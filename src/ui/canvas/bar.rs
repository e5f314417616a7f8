//! Over the picture: the bar of what is selected, the field in which a name is written, what there
//! is to notice, and the first words of an empty lab.

use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

use crate::app::arrange::Arrange;
use crate::app::cable::CableAction;
use crate::app::gallery::LabAction;
use crate::app::notice::Notice;
use crate::app::scene::{Rect, Scene, path_point};
use crate::app::view::{Camera, SMALL_SCREEN};
use crate::app::{Action, Selection};
use crate::ui::icons::icon;
use crate::ui::{Ctx, Shared, browser, use_ctx};

/// Where the selected thing is drawn.
pub fn rect_of(scene: &Scene, selection: &Selection) -> Option<Rect> {
    match selection {
        Selection::Node(id) => scene.node(id).map(|n| n.rect),
        Selection::Nodes(ids) => {
            let all = ids.iter().filter_map(|id| scene.node(id)).map(|n| n.rect);
            all.reduce(|a, b| a.union(&b))
        }
        Selection::Container(place) => {
            let all = scene.nodes.iter().flat_map(|n| &n.containers);
            all.filter(|c| c.place == *place).map(|c| c.rect).next()
        }
        Selection::Network(host, network) => {
            let node = scene.node(host)?;
            node.bridges.iter().find(|b| b.network == *network).map(|b| b.rect)
        }
        Selection::Link(node, port) => {
            let (x, y) = path_point(&scene.cable_in(node, port)?.points, 0.5);
            Some(Rect::new(x - 5.0, y - 5.0, 10.0, 10.0))
        }
    }
}

#[derive(Properties, PartialEq)]
pub struct BarProps {
    pub scene: Shared<Scene>,
    pub camera: Camera,
    pub selection: Selection,
    pub hidden: bool,
}

/// What can be done with what is selected.
#[component]
pub fn Bar(props: &BarProps) -> Html {
    let ctx = use_ctx();
    let node = use_node_ref();
    let place = rect_of(&props.scene, &props.selection).map(|r| {
        let (left, top) = props.camera.to_pixel((r.x, r.y));
        let (right, bottom) = props.camera.to_pixel((r.right(), r.bottom()));
        // The labels of ports stand just above a box.
        ((left + right) / 2.0, top - 22.0, bottom + 20.0)
    });
    use_effect_with(
        (
            node.clone(),
            place,
            props.camera.size,
            props.camera.covered(),
            props.selection.clone(),
            props.hidden,
        ),
        |(node, place, size, covered, selection, _)| {
            let (Some(el), Some((x, top, bottom))) = (node.cast::<HtmlElement>(), place) else { return };
            // Above a container is the bridge that it hangs on.
            let low = matches!(selection, Selection::Container(_));
            let (w, h) = (f64::from(el.offset_width()), f64::from(el.offset_height()));
            let least = covered + 8.0;
            let left = (x - w / 2.0).clamp(least, (size.0 - w - 8.0).max(least));
            let beside = if low && bottom + h < size.1 + 10.0 {
                bottom - 14.0
            } else if top - h > 6.0 {
                top - h
            } else {
                // Over its own lower edge: below stands somebody else's name.
                (bottom - 8.0 - h).max(8.0)
            };
            // A small screen has no room beside a box: there it lies at the lower edge.
            let (left, y) =
                if size.0 < SMALL_SCREEN { (size.0 - w - 8.0, size.1 - h - 8.0) } else { (left, beside) };
            // Through the CSSOM: the policy forbids style attributes, not this.
            let _ = el.style().set_property("transform", &format!("translate({left:.0}px, {y:.0}px)"));
        },
    );
    if place.is_none() || props.hidden {
        return html! {};
    }
    let button = |test: &'static str, symbol: &'static str, word: &str, action: Action, wordy: bool| {
        html! {
            <button type="button" data-test={test} title={ctx.t(word)} aria-label={ctx.t(word)} onclick={ctx.on(action)}>
                { icon(symbol) } if wordy { <span>{ ctx.t(word) }</span> }
            </button>
        }
    };
    let body = match &props.selection {
        Selection::Node(id) => html! {
            <>
                { button("bar-settings", "settings", "bar.settings", Action::Settings(props.selection.clone()), true) }
                <CableButton node={id.clone()} />
                { button("bar-rename", "pen", "bar.rename", Action::Arrange(Arrange::Rename(id.clone())), false) }
                { button("bar-duplicate", "copy", "bar.duplicate", Action::Arrange(Arrange::Duplicate), false) }
                { button("bar-delete", "trash", "bar.delete", Action::Delete, false) }
            </>
        },
        Selection::Nodes(ids) => html! {
            <>
                <span class="bar-count">{ ctx.tv("bar.count", &[("n", &ids.len().to_string())]) }</span>
                { button("bar-duplicate", "copy", "bar.duplicate", Action::Arrange(Arrange::Duplicate), true) }
                { button("bar-delete", "trash", "bar.delete", Action::Delete, true) }
            </>
        },
        Selection::Link(..) => html! {
            <>
                { button("bar-settings", "settings", "bar.settings", Action::Settings(props.selection.clone()), true) }
                { button("bar-delete", "unplug", "bar.unplug", Action::Delete, true) }
            </>
        },
        Selection::Container(_) | Selection::Network(..) => html! {
            { button("bar-delete", "trash", "bar.delete", Action::Delete, true) }
        },
    };
    html! {
        <div class="bar" role="toolbar" aria-label={ctx.t("bar.label")} ref={node} data-test="bar">{ body }</div>
    }
}

#[derive(Properties, PartialEq)]
struct CableButtonProps {
    node: String,
}

/// Pressed: the list of what could be cabled. Dragged: a cable to another box.
#[component]
fn CableButton(props: &CableButtonProps) -> Html {
    let ctx = use_ctx();
    let press = use_mut_ref(|| None::<(i32, i32, bool)>);
    let down = {
        let press = press.clone();
        Callback::from(move |e: PointerEvent| {
            if let Some(el) = e.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok()) {
                let _ = el.set_pointer_capture(e.pointer_id());
            }
            *press.borrow_mut() = (e.button() == 0).then(|| (e.client_x(), e.client_y(), false));
        })
    };
    let moved = {
        let (press, act, node) = (press.clone(), ctx.act.clone(), props.node.clone());
        Callback::from(move |e: PointerEvent| {
            let mut press = press.borrow_mut();
            let Some(p) = press.as_mut() else { return };
            let at = browser::in_canvas(e.client_x(), e.client_y());
            if p.2 {
                act.emit(Action::DragTo(at));
            } else if (e.client_x() - p.0).abs() + (e.client_y() - p.1).abs() > 5 {
                p.2 = true;
                act.emit(Action::Cable(CableAction::From(node.clone(), at)));
                act.emit(Action::DragTo(at));
            }
        })
    };
    let up = {
        let (press, act) = (press.clone(), ctx.act.clone());
        Callback::from(move |_: PointerEvent| {
            if press.borrow().is_some_and(|p| p.2) {
                act.emit(Action::Drop);
            }
        })
    };
    let cancel = {
        let (press, act) = (press.clone(), ctx.act.clone());
        Callback::from(move |_: PointerEvent| {
            *press.borrow_mut() = None;
            act.emit(Action::CancelDrag);
        })
    };
    let click = {
        let (act, node) = (ctx.act.clone(), props.node.clone());
        Callback::from(move |_: MouseEvent| {
            if press.borrow_mut().take().is_none_or(|p| !p.2) {
                act.emit(Action::Cable(CableAction::Choose(node.clone())));
            }
        })
    };
    html! {
        <button type="button" class="bar-cable" data-test="bar-cable" title={ctx.t("bar.cable_hint")}
            onpointerdown={down} onpointermove={moved} onpointerup={up} onpointercancel={cancel} onclick={click}>
            { icon("cable") }<span>{ ctx.t("bar.cable") }</span>
        </button>
    }
}

#[derive(Properties, PartialEq)]
pub struct RenameProps {
    pub scene: Shared<Scene>,
    pub camera: Camera,
    pub id: String,
}

/// The field in which a node's name is written, over the name.
#[component]
pub fn Rename(props: &RenameProps) -> Html {
    let ctx = use_ctx();
    let field = use_node_ref();
    let at = props.scene.node(&props.id).map(|n| props.camera.to_pixel((n.rect.x + 8.0, n.rect.y + 7.0)));
    let name = props.scene.node(&props.id).map(|n| if n.title_key { n.id.clone() } else { n.title.clone() });
    use_effect_with((field.clone(), at), |(field, at)| {
        if let (Some(el), Some((x, y))) = (field.cast::<HtmlElement>(), at) {
            let _ = el.style().set_property("transform", &format!("translate({x:.0}px, {y:.0}px)"));
        }
    });
    use_effect_with(field.clone(), |field| {
        if let Some(el) = field.cast::<HtmlInputElement>() {
            let _ = el.focus();
            el.select();
        }
    });
    let done = {
        let act = ctx.act.clone();
        let field = field.clone();
        move |save: bool| {
            let name = field.cast::<HtmlInputElement>().map(|i| i.value()).unwrap_or_default();
            act.emit(Action::Arrange(if save { Arrange::Renamed(name) } else { Arrange::NotRenamed }));
        }
    };
    let keys = {
        let done = done.clone();
        Callback::from(move |e: KeyboardEvent| match e.key().as_str() {
            "Enter" if !e.is_composing() => {
                e.prevent_default();
                done(true);
            }
            "Escape" => {
                e.prevent_default();
                done(false);
            }
            _ => {}
        })
    };
    let blur = Callback::from(move |_: FocusEvent| done(true));
    html! {
        <input class="rename" ref={field} data-test="rename" value={name.unwrap_or_default()} maxlength="40" spellcheck="false" autocomplete="off"
            aria-label={ctx.t("bar.rename")} onkeydown={keys} onblur={blur} />
    }
}

/// One sentence for each thing to notice; two at most.
pub fn notices(ctx: &Ctx, notices: &[Notice]) -> Html {
    let sentence = |n: &Notice| match n {
        Notice::Circle(a, b) => ctx.tv("notice.circle", &[("a", a), ("b", b)]),
        Notice::Twice(addr, a, b) => {
            ctx.tv("notice.twice", &[("addr", &addr.to_string()), ("a", a), ("b", b)])
        }
    };
    html! {
        <div class="notices" role="status">
            { for notices.iter().take(2).map(|n| html! {
                <p class="notice" data-test="notice">{ icon("warn") }<span>{ sentence(n) }</span></p>
            }) }
        </div>
    }
}

/// The first words of an empty lab.
pub fn empty(ctx: &Ctx) -> Html {
    html! {
        <div class="empty-lab" data-test="empty-lab">
            <p class="empty-title">{ ctx.t("empty.title") }</p>
            <ol>
                <li>{ ctx.t("empty.one") }</li>
                <li>{ ctx.t("empty.two") }</li>
                <li>{ ctx.t("empty.three") }</li>
            </ol>
            <button type="button" class="primary" data-test="empty-gallery" onclick={ctx.on(Action::Lab(LabAction::Gallery))}>{ ctx.t("empty.gallery") }</button>
        </div>
    }
}
