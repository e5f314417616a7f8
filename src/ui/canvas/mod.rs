//! The canvas: the picture of the lab, with camera, drag and drop, and what moves on it.

mod bar;
mod boxes;
mod moving;
mod ports;
mod rooms;
mod wires;

pub use wires::path;

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, SvgElement};
use yew::prelude::*;

use super::changed::{ChangesCard, Lights};
use super::{Shared, browser, icons::icon, use_ctx};
pub use boxes::title;

use crate::app::arrange::Arrange;
use crate::app::changed::Changes;
use crate::app::decode::Kind;
use crate::app::notice::Notice;
use crate::app::pills::Moving;
use crate::app::scene::{Rect, Scene};
use crate::app::view::{Camera, Drag};
use crate::app::{Action, First, Selection};
use bar::{Bar, Rename};
use boxes::Boxes;
use moving::MovingLayer;
use wires::Wires;

/// What the canvas shows.
#[derive(Properties, PartialEq)]
pub struct Props {
    pub scene: Shared<Scene>,
    pub moving: Moving,
    pub drops: Shared<Vec<(u64, String)>>,
    pub camera: Camera,
    /// The camera knew the size of the viewport before this was drawn.
    pub measured: bool,
    pub selection: Option<Selection>,
    pub drag: Option<Drag>,
    pub caption: Option<(Kind, String, bool)>,
    pub fresh: Option<First>,
    /// A press on a box begins a cable.
    pub cabling: bool,
    pub renaming: Option<String>,
    pub notices: Shared<Vec<Notice>>,
    /// Where it went wrong, while that is explained.
    pub wrong: Vec<Rect>,
    /// It went right: "How?" is explained.
    pub right: bool,
    pub empty: bool,
    pub changes: Option<Shared<Changes>>,
    /// There is room for lists beside the picture.
    pub wide: bool,
    /// Time goes on: nothing lies over what moves.
    pub playing: bool,
}

/// Fingers (or the mouse) on the canvas. One pans, or, if it stays, takes the selection away;
/// two zoom.
#[derive(Default)]
struct Press {
    fingers: Vec<(i32, (i32, i32))>,
    panned: bool,
    /// How many times a finger was put on the ground.
    rests: u32,
}

/// How long a finger rests until it begins a frame, in milliseconds.
const RESTS_MS: i32 = 450;

impl Press {
    /// The finger that was put down as this one is still there, and has not moved.
    fn rests_still(&self, which: u32) -> bool {
        self.rests == which && self.fingers.len() == 1 && !self.panned
    }
    /// Distance and middle of two fingers.
    fn pinch(&self) -> Option<(f64, (i32, i32))> {
        let [(_, a), (_, b)] = self.fingers[..] else { return None };
        let apart = f64::from(a.0 - b.0).hypot(f64::from(a.1 - b.1));
        Some((apart.max(1.0), ((a.0 + b.0) / 2, (a.1 + b.1) / 2)))
    }
}

/// The canvas.
#[component]
pub fn Canvas(props: &Props) -> Html {
    let ctx = use_ctx();
    let svg = use_node_ref();
    let press = use_mut_ref(Press::default);
    let known = use_viewport(svg.clone(), props, ctx.act.clone());
    use_focus(svg.clone(), props.selection.clone());

    let down = {
        let (press, svg, act) = (press.clone(), svg.clone(), ctx.act.clone());
        Callback::from(move |e: PointerEvent| {
            if e.button() != 0 {
                return;
            }
            if let Some(svg) = svg.cast::<Element>() {
                // Fails only for a pointer that is gone already.
                let _ = svg.set_pointer_capture(e.pointer_id());
            }
            let rest = press.clone();
            let mut press = press.borrow_mut();
            press.fingers.retain(|f| f.0 != e.pointer_id());
            press.fingers.push((e.pointer_id(), (e.client_x(), e.client_y())));
            press.panned = press.fingers.len() > 1;
            if e.shift_key() && press.fingers.len() == 1 && is_ground(&e) {
                act.emit(Action::Arrange(Arrange::Band(browser::in_canvas(e.client_x(), e.client_y()))));
            } else if e.pointer_type() == "touch" && press.fingers.len() == 1 && is_ground(&e) {
                // A finger that rests on the ground begins a frame, as Shift does with the mouse.
                press.rests += 1;
                let (which, at) = (press.rests, (e.client_x(), e.client_y()));
                let (rest, act) = (rest.clone(), act.clone());
                browser::after(RESTS_MS, move || {
                    if rest.borrow().rests_still(which) {
                        act.emit(Action::Arrange(Arrange::Band(browser::in_canvas(at.0, at.1))));
                    }
                });
            }
        })
    };
    let moved = {
        let (press, act, dragging) = (press.clone(), ctx.act.clone(), props.drag.is_some());
        Callback::from(move |e: PointerEvent| {
            if dragging {
                return act.emit(Action::DragTo(browser::in_canvas(e.client_x(), e.client_y())));
            }
            let mut press = press.borrow_mut();
            let before = press.pinch();
            let here = (e.client_x(), e.client_y());
            let (alone, panned) = (press.fingers.len() == 1, press.panned);
            let Some(finger) = press.fingers.iter_mut().find(|f| f.0 == e.pointer_id()) else { return };
            let (dx, dy) = (here.0 - finger.1.0, here.1 - finger.1.1);
            if alone && !panned && dx.abs() + dy.abs() <= 3 {
                return;
            }
            finger.1 = here;
            press.panned = true;
            match (before, press.pinch()) {
                (Some((was, _)), Some((is, middle))) => {
                    act.emit(Action::Zoom(is / was, browser::in_canvas(middle.0, middle.1)));
                }
                _ => act.emit(Action::Pan(f64::from(dx), f64::from(dy))),
            }
        })
    };
    let up = {
        let (press, act, dragging) = (press.clone(), ctx.act.clone(), props.drag.is_some());
        Callback::from(move |e: PointerEvent| {
            let mut press = press.borrow_mut();
            let pressed = !press.fingers.is_empty();
            press.fingers.retain(|f| f.0 != e.pointer_id());
            if dragging {
                act.emit(Action::Drop);
            } else if pressed && !press.panned && is_ground(&e) {
                act.emit(Action::Select(None));
            }
        })
    };
    let cancel = {
        let (press, act) = (press.clone(), ctx.act.clone());
        Callback::from(move |_: PointerEvent| {
            *press.borrow_mut() = Press::default();
            act.emit(Action::CancelDrag);
        })
    };
    let wheel = {
        let (act, embed) = (ctx.act.clone(), ctx.embed);
        Callback::from(move |e: WheelEvent| {
            // A guest leaves the wheel to the page around it.
            if embed && !e.ctrl_key() {
                return;
            }
            e.prevent_default();
            let at = browser::in_canvas(e.client_x(), e.client_y());
            if e.shift_key() {
                act.emit(Action::Pan(-e.delta_y(), -e.delta_x()));
            } else {
                act.emit(Action::Zoom((-e.delta_y() * 0.0015).clamp(-0.4, 0.4).exp(), at));
            }
        })
    };
    let Camera { origin, scale, size, .. } = props.camera;
    let transform = format!("scale({scale:.5}) translate({:.2} {:.2})", -origin.0, -origin.1);
    let middle = (size.0 / 2.0, size.1 / 2.0);
    // The dots of the ground move with the camera.
    let step = 22.0 * scale;
    let ground = format!("translate({:.2} {:.2})", (-origin.0 * scale) % step, (-origin.1 * scale) % step);
    html! {
        <main class="canvas" id="canvas" aria-label={ctx.t("canvas.label")}>
            <svg class={classes!("stage", props.drag.is_some().then_some("dragging"), (props.cabling || matches!(props.drag, Some(Drag::Cable(_)))).then_some("cabling"))} ref={svg} data-test="canvas"
                role="group" aria-label={ctx.t("canvas.label")}
                onpointerdown={down} onpointermove={moved} onpointerup={up} onwheel={wheel}
                onpointercancel={cancel}>
                <defs>
                    <pattern id="dots" width={step.to_string()} height={step.to_string()} patternUnits="userSpaceOnUse" patternTransform={ground}>
                        <circle class="dot" cx="1" cy="1" r="1" />
                    </pattern>
                    <filter id="fly" x="-20%" y="-40%" width="140%" height="200%">
                        <feDropShadow class="fly" dx="0" dy="4" stdDeviation="5" />
                    </filter>
                </defs>
                <rect class="ground" width="100%" height="100%" fill="url(#dots)" />
                <g {transform} display={(!known).then_some("none")}>
                    <Boxes scene={props.scene.clone()} selection={props.selection.clone()} drag={props.drag.clone()} part={boxes::Part::Under} />
                    <Wires scene={props.scene.clone()} selection={props.selection.clone()} part={wires::Part::Cables} />
                    <Boxes scene={props.scene.clone()} selection={props.selection.clone()} drag={props.drag.clone()} part={boxes::Part::Nodes} />
                    <Wires scene={props.scene.clone()} selection={None::<Selection>} part={wires::Part::Inside} />
                    if let Some(changes) = &props.changes {
                        <Lights scene={props.scene.clone()} changes={changes.clone()} />
                    }
                    <g class={props.right.then_some("right")}>{ for props.wrong.iter().enumerate().map(|(i, r)| boxes::rect(if i == 0 { "wrong" } else { "wrong chip-wrong" }, &r.grown(5.0), 15.0)) }</g>
                    <MovingLayer scene={props.scene.clone()} moving={props.moving.clone()} drops={props.drops.clone()} view={props.camera.clear()} scale={props.camera.scale} />
                    if let Some(Drag::Cable(drag)) = &props.drag { { ports::in_hand(&props.scene, drag) } }
                    if let Some(frame) = props.drag.as_ref().and_then(Drag::band) { { boxes::rect("band", &frame, 2.0) } }
                </g>
            </svg>
            { bar::notices(&ctx, &props.notices) }
            if props.empty { { bar::empty(&ctx) } }
            if let Some(selection) = &props.selection {
                <Bar scene={props.scene.clone()} camera={props.camera} selection={selection.clone()} hidden={props.drag.is_some() || props.renaming.is_some() || props.playing} />
            }
            if let Some(id) = &props.renaming {
                <Rename key={id.clone()} scene={props.scene.clone()} camera={props.camera} id={id.clone()} />
            }
            if let Some(changes) = props.changes.as_ref().filter(|_| !props.wide) {
                <ChangesCard changes={changes.clone()} />
            }
            if props.cabling {
                <p class="tool-hint" role="status">{ ctx.t("tool.cable_hint") }</p>
            }
            if let Some(first) = &props.fresh {
                <Invitation first={first.clone()} at={beside_router(&props.scene, &props.camera)} />
            }
            if let Some((kind, words, dead)) = &props.caption {
                <p class={classes!("caption", dead.then_some("dead"))} aria-hidden="true"><span class={classes!("badge", if *dead { "drop" } else { kind.class() })}>{ kind.word() }</span>{ " " }{ words.clone() }</p>
            }
            <div class="zoom" role="toolbar" aria-label={ctx.t("canvas.zoom")}>
                <button type="button" data-test="zoom-in" title={ctx.t("canvas.zoom_in")} aria-label={ctx.t("canvas.zoom_in")} onclick={ctx.on(Action::Zoom(1.25, middle))}>{ icon("plus") }</button>
                <button type="button" data-test="zoom-out" title={ctx.t("canvas.zoom_out")} aria-label={ctx.t("canvas.zoom_out")} onclick={ctx.on(Action::Zoom(0.8, middle))}>{ icon("minus") }</button>
                <button type="button" data-test="fit" title={ctx.t("canvas.fit")} aria-label={ctx.t("canvas.fit")} onclick={ctx.on(Action::Fit)}>{ icon("fit") }</button>
            </div>
        </main>
    }
}

/// The free ground beside the router, in pixels, if the invitation fits there.
fn beside_router(scene: &Scene, camera: &Camera) -> Option<(f64, f64)> {
    let router = scene.nodes.iter().find(|n| n.nat.is_some())?;
    let x = (router.rect.right() - camera.origin.0) * camera.scale + 22.0;
    let y = (router.rect.center().1 - camera.origin.1) * camera.scale;
    let fits = x > 0.0 && x + INVITATION_W < camera.size.0 && y > 40.0 && y < camera.size.1 - 60.0;
    fits.then_some((x, y))
}

/// The widest that it gets.
const INVITATION_W: f64 = 352.0;

#[derive(Properties, PartialEq)]
struct InvitationProps {
    first: First,
    at: Option<(f64, f64)>,
}

/// The first thing to press.
#[component]
fn Invitation(props: &InvitationProps) -> Html {
    let ctx = use_ctx();
    let button = use_node_ref();
    use_effect_with((button.clone(), props.at), |(button, at)| {
        let Some(button) = button.cast::<HtmlElement>() else { return };
        let style = button.style();
        // Through the CSSOM: the policy forbids style attributes, not this.
        let _ = match at {
            Some((x, y)) => style
                .set_property("left", &format!("{x:.0}px"))
                .and_then(|()| style.set_property("top", &format!("{y:.0}px"))),
            None => style.remove_property("left").and_then(|_| style.remove_property("top")).map(|_| ()),
        };
    });
    html! {
        <button type="button" ref={button} class={classes!("invitation", props.at.is_some().then_some("placed"))} data-test="first-play" onclick={ctx.on(Action::FirstFlow)}>
            <span class="invitation-play">{ icon("play") }</span>
            <span class="invitation-text">
                <b>{ ctx.t(props.first.title) }</b>
                <code>{ format!("{}: {}", props.first.place.rsplit(':').next().unwrap_or_default(), props.first.line) }</code>
            </span>
        </button>
    }
}

/// Was it the ground that was pressed, not a box?
fn is_ground(e: &PointerEvent) -> bool {
    // With the pointer captured the target is the stage itself; what lies under it is asked.
    let under = browser::document().element_from_point(e.client_x() as f32, e.client_y() as f32);
    under.is_some_and(|el| el.closest("[data-box]").ok().flatten().is_none())
}

/// Tells the size of the viewport whenever it changes. True once it is known: laying the letters of the
/// picture out is slow, and before that it would be for nothing.
#[hook]
fn use_viewport(svg: NodeRef, props: &Props, act: Callback<Action>) -> bool {
    let known = use_state_eq(|| props.measured);
    let seen = known.setter();
    let told = props.measured.then_some(props.camera.size);
    use_effect_with((), move |()| {
        let measured = svg.clone();
        let mut told = told;
        let mut report = move || {
            if let Some(svg) = measured.cast::<SvgElement>() {
                let rect = svg.get_bounding_client_rect();
                let size = (rect.width(), rect.height());
                if told.replace(size) != Some(size) {
                    act.emit(Action::Viewport(size.0, size.1));
                }
            }
        };
        if told.is_none() {
            report();
            seen.set(true);
        }
        let changed = wasm_bindgen::closure::Closure::<dyn FnMut()>::new(report);
        let observer = web_sys::ResizeObserver::new(changed.as_ref().unchecked_ref()).ok();
        if let (Some(observer), Some(svg)) = (&observer, svg.cast::<Element>()) {
            observer.observe(&svg);
        }
        move || {
            if let Some(observer) = observer {
                observer.disconnect();
            }
            drop(changed);
        }
    });
    *known
}

/// While the keys are in the picture, they follow what is selected.
#[hook]
fn use_focus(svg: NodeRef, selection: Option<Selection>) {
    use_effect_with(selection, move |selection| {
        let Some(svg) = svg.cast::<Element>() else { return };
        let here = browser::document().active_element();
        let inside = here.is_some_and(|e| svg.contains(Some(&e)));
        let item = match selection {
            Some(Selection::Node(id)) => format!("node:{id}"),
            Some(Selection::Nodes(ids)) => format!("node:{}", ids.last().cloned().unwrap_or_default()),
            Some(Selection::Container(place)) => format!("container:{place}"),
            Some(Selection::Network(host, network)) => format!("network:{host}/{network}"),
            Some(Selection::Link(node, port)) => format!("link:{node}/{port}"),
            None => return,
        };
        if inside && let Ok(Some(element)) = svg.query_selector(&format!("[data-item=\"{item}\"]")) {
            browser::focus(&element);
        }
    });
}
