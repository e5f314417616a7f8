//! The palette: what can be dragged onto the canvas. A tap or Enter opens the form instead.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use super::{browser, icons::icon, use_ctx};
use crate::app::cable::CableAction;
use crate::app::forms::IMAGES;
use crate::app::view::{Drag, Ware};
use crate::app::{Action, Selection};
use crate::lab::catalogue::Device;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub selection: Option<Selection>,
    /// The cable tool is in hand.
    pub cabling: bool,
    /// There is an internet already.
    pub internet: bool,
}

/// The devices, top to bottom: what is named and drawn how.
const DEVICES: [(Device, &str, &str, &str); 7] = [
    (Device::Internet, "palette-internet", "palette.internet", "isp"),
    (Device::Router, "palette-router", "palette.router", "router"),
    (Device::Switch, "palette-switch", "palette.switch", "switch"),
    (Device::Computer, "palette-computer", "palette.computer", "computer"),
    (Device::Server, "palette-server", "palette.server", "server"),
    (Device::Dns, "palette-dns", "palette.dns", "dns"),
    (Device::DockerHost, "palette-docker-host", "palette.docker_host", "host"),
];

/// The palette.
#[component]
pub fn Palette(props: &Props) -> Html {
    let ctx = use_ctx();
    let images = IMAGES.iter().enumerate().map(|(i, image)| {
        html! { <WareButton key={image.label} ware={Ware::Container(Some(i))} test={format!("palette-{}", image.label)} word={image.label} icon="image" /> }
    });
    let removable = match &props.selection {
        Some(Selection::Container(place)) => place.split(':').nth(1).map(str::to_owned),
        Some(Selection::Network(_, name)) if name != "bridge" => Some(name.clone()),
        Some(Selection::Node(id)) => Some(id.clone()),
        Some(Selection::Nodes(ids)) => {
            Some(ctx.tv("bar.count", &[("n", &ids.len().to_string())]).to_string())
        }
        Some(Selection::Link(node, port)) => Some(format!("{node} {port}")),
        _ => None,
    };
    let devices = DEVICES.iter().filter(|d| d.0 != Device::Internet || !props.internet);
    let devices = devices.map(|(device, test, word, icon)| {
        html! { <WareButton key={*test} ware={Ware::Device(*device)} test={*test} word={ctx.t(word)} icon={*icon} /> }
    });
    html! {
        <nav class="palette" aria-label={ctx.t("palette.label")}>
            <button type="button" class={classes!("ware", "tool", props.cabling.then_some("on"))} aria-pressed={props.cabling.to_string()} data-test="tool-cable" title={ctx.t("tool.cable_title")}
                onclick={ctx.on(Action::Cable(CableAction::Tool(!props.cabling)))}>{ icon("cable") }<span>{ ctx.t("palette.cable") }</span></button>
            { for devices }
            <span class="palette-rule" aria-hidden="true"></span>
            <WareButton ware={Ware::Container(None)} test="palette-container" word={ctx.t("palette.container")} icon="container" />
            <WareButton ware={Ware::Network} test="palette-bridge" word={ctx.t("palette.bridge")} icon="bridge" />
            <span class="palette-title" id="palette-images">{ ctx.t("palette.images") }</span>
            <div class="images" role="group" aria-labelledby="palette-images">{ for images }</div>
            <span class="spacer"></span>
            <button type="button" class="ware danger" data-test="delete" disabled={removable.is_none()}
                title={removable.as_ref().map(|n| ctx.tv("palette.delete_it", &[("name", n)]))}
                onclick={ctx.on(Action::Delete)}>{ icon("trash") }<span>{ ctx.t("palette.delete") }</span></button>
        </nav>
    }
}

#[derive(Properties, PartialEq)]
struct WareProps {
    ware: Ware,
    test: AttrValue,
    word: AttrValue,
    icon: &'static str,
}

/// A thing on the palette.
#[component]
fn WareButton(props: &WareProps) -> Html {
    let ctx = use_ctx();
    let press = use_mut_ref(|| None::<(i32, i32, bool)>);
    let ware = props.ware;
    let down = {
        let press = press.clone();
        Callback::from(move |e: PointerEvent| {
            if e.button() != 0 {
                return;
            }
            if let Some(el) = e.target().and_then(|t| t.dyn_into::<Element>().ok()) {
                let _ = el.set_pointer_capture(e.pointer_id());
            }
            *press.borrow_mut() = Some((e.client_x(), e.client_y(), false));
        })
    };
    let moved = {
        let (press, act) = (press.clone(), ctx.act.clone());
        Callback::from(move |e: PointerEvent| {
            let mut press = press.borrow_mut();
            let Some(p) = press.as_mut() else { return };
            let at = browser::in_canvas(e.client_x(), e.client_y());
            if p.2 {
                act.emit(Action::DragTo(at));
            } else if (e.client_x() - p.0).abs() + (e.client_y() - p.1).abs() > 5 {
                p.2 = true;
                act.emit(Action::GrabWare(ware, at));
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
    // A click that ends a drag is no click; one from the keyboard has no press before it.
    let click = {
        let act = ctx.act.clone();
        Callback::from(move |_: MouseEvent| {
            if press.borrow_mut().take().is_none_or(|p| !p.2) {
                act.emit(Action::Want(ware));
            }
        })
    };
    let small = props.icon == "image";
    let hint = match ware {
        Ware::Network => ctx.t("palette.bridge_hint"),
        Ware::Container(_) => ctx.t("palette.container_hint"),
        Ware::Device(_) => ctx.t("palette.device_hint"),
    };
    let hint = if small { format!("{} · {hint}", props.word).into() } else { hint };
    html! {
        <button type="button" class={classes!("ware", small.then_some("image"))} data-test={props.test.clone()}
            title={hint} aria-label={small.then(|| props.word.clone())}
            onpointerdown={down} onpointermove={moved} onpointerup={up} onpointercancel={cancel} onclick={click}>
            if small {
                <span class={classes!("image-mark", format!("image-{}", props.word))} aria-hidden="true">{ props.word.chars().take(1).collect::<String>() }</span>
            } else {
                { icon(props.icon) }
            }
            <span>{ props.word.clone() }</span>
        </button>
    }
}

#[derive(Properties, PartialEq)]
pub struct GhostProps {
    pub drag: Option<Drag>,
}

/// What is being dragged from the palette, under the pointer.
#[component]
pub fn Ghost(props: &GhostProps) -> Html {
    let ctx = use_ctx();
    let node = use_node_ref();
    let at = match &props.drag {
        Some(Drag::Ware { at, .. } | Drag::Container { at, moved: true, .. }) => Some(*at),
        _ => None,
    };
    use_effect_with((node.clone(), at), |(node, at)| {
        let canvas = browser::document().get_element_by_id("canvas").map(|e| e.get_bounding_client_rect());
        if let (Some(el), Some(at), Some(rect)) = (node.cast::<HtmlElement>(), at, canvas) {
            let place = format!("translate({:.0}px, {:.0}px)", at.0 + rect.left(), at.1 + rect.top());
            // Through the CSSOM: the policy forbids style attributes, not this.
            let _ = el.style().set_property("transform", &place);
        }
    });
    if let Some(Drag::Container { place, over, moved: true, .. }) = &props.drag {
        let name = place.split_once(':').map_or(place.as_str(), |(_, name)| name);
        let hint = match over {
            Some((_, network)) => ctx.tv("drag.over", &[("network", network)]),
            None => ctx.t("drag.other_bridge"),
        };
        return html! {
            <div class={classes!("ghost", over.is_some().then_some("lands"))} ref={node} aria-hidden="true">
                { icon("container") }<b>{ name.to_owned() }</b><span>{ hint }</span>
            </div>
        };
    }
    let Some(Drag::Ware { ware, over, .. }) = &props.drag else { return html! {} };
    let word = match ware {
        Ware::Container(Some(i)) => IMAGES[*i].label.into(),
        Ware::Container(None) => ctx.t("palette.container"),
        Ware::Network => ctx.t("palette.bridge"),
        Ware::Device(device) => {
            DEVICES.iter().find(|d| d.0 == *device).map(|d| ctx.t(d.2)).unwrap_or_default()
        }
    };
    let device = matches!(ware, Ware::Device(_));
    let symbol = match ware {
        Ware::Device(device) => DEVICES.iter().find(|d| d.0 == *device).map_or("computer", |d| d.3),
        Ware::Network => "bridge",
        Ware::Container(_) => "container",
    };
    let hint = match over {
        _ if device => ctx.t("drag.anywhere"),
        Some((_, Some(network))) => ctx.tv("drag.over", &[("network", network)]),
        Some((host, None)) => ctx.tv("drag.over_host", &[("host", host)]),
        None => ctx.t("drag.nowhere"),
    };
    html! {
        <div class={classes!("ghost", (device || over.is_some()).then_some("lands"))} ref={node} aria-hidden="true">
            { icon(symbol) }<b>{ word }</b><span>{ hint }</span>
        </div>
    }
}
