//! Nodes, and what is inside them.

use yew::prelude::*;

use crate::app::inspector::hook_name;
use crate::app::scene::{
    BridgeBox, ContainerBox, Gate, Ink, Line, NatPanel, NatWay, NodeBox, PortBox, Rect, Scene, Stage,
};
use crate::app::view::{Drag, Ware};
use crate::app::{Action, Selection};
use crate::session::NodeKind;
use crate::ui::icons::{icon, node_icon};
use crate::ui::root::is_selected;
use crate::ui::{Ctx, Shared, browser, use_ctx};

/// Which layer.
#[derive(Clone, Copy, PartialEq)]
pub enum Part {
    Under,
    Nodes,
}

#[derive(Properties, PartialEq)]
pub struct Props {
    pub scene: Shared<Scene>,
    pub selection: Option<Selection>,
    pub drag: Option<Drag>,
    pub part: Part,
}

/// A rectangle as SVG.
pub fn rect(class: impl Into<Classes>, r: &Rect, rx: f64) -> Html {
    html! {
        <rect class={class.into()} x={r.x.to_string()} y={r.y.to_string()} width={r.w.to_string()} height={r.h.to_string()} rx={rx.to_string()} />
    }
}

/// A text as SVG.
pub fn label(class: &'static str, x: f64, y: f64, text: impl Into<AttrValue>) -> Html {
    html! { <text {class} x={x.to_string()} y={y.to_string()}>{ text.into() }</text> }
}

/// The boxes of a scene.
#[component]
pub fn Boxes(props: &Props) -> Html {
    let ctx = use_ctx();
    if props.part == Part::Under {
        return html! {
            if let Some(street) = &props.scene.street {
                <g class="street" aria-hidden="true">
                    { rect("street-zone", street, 18.0) }
                    { label("zone-title", street.x + 18.0, street.y + 28.0, ctx.t("scene.internet")) }
                    { label("remark", street.x + 18.0, street.y + 45.0, ctx.t("scene.internet_sub")) }
                    { label("remark", street.x + 18.0, street.y + 60.0, ctx.t("scene.internet_sub2")) }
                </g>
            }
        };
    }
    let nodes = props.scene.nodes.iter().map(|n| {
        let moving = match &props.drag {
            Some(Drag::Node { id, pos, moved: true, .. }) if *id == n.id => {
                Some((f64::from(pos.0) - n.rect.x, f64::from(pos.1) - n.rect.y))
            }
            _ => None,
        };
        let over = match &props.drag {
            Some(Drag::Ware { ware, over: Some((host, network)), .. }) if *host == n.id => {
                Some((*ware, network.clone()))
            }
            _ => None,
        };
        html! {
            <NodeView key={n.id.clone()} node={Shared::new(n.clone())} selection={props.selection.clone()} {moving} {over}
                wants={matches!(props.drag, Some(Drag::Ware { .. }))} />
        }
    });
    html! { <g class="nodes">{ for nodes }</g> }
}

#[derive(Properties, PartialEq)]
struct NodeProps {
    node: Shared<NodeBox>,
    selection: Option<Selection>,
    /// How far it is being dragged.
    moving: Option<(f64, f64)>,
    /// A ware hovers over it: what, and over which network.
    over: Option<(Ware, Option<String>)>,
    /// A ware is being dragged somewhere.
    wants: bool,
}

#[component]
fn NodeView(props: &NodeProps) -> Html {
    let ctx = use_ctx();
    let node = &*props.node;
    let r = &node.rect;
    let selected = is_selected(props.selection.as_ref(), &node.id);
    let host = node.kind == NodeKind::DockerHost;
    let transform = props.moving.map(|(dx, dy)| format!("translate({dx:.1} {dy:.1})"));
    let class = classes!(
        "node",
        host.then_some("host"),
        (node.kind == NodeKind::Router).then_some("router"),
        selected.then_some("selected"),
        props.moving.is_some().then_some("moving"),
    );
    let grab = {
        let (act, id) = (ctx.act.clone(), node.id.clone());
        Callback::from(move |e: PointerEvent| {
            if e.button() == 0 {
                act.emit(Action::Select(Some(Selection::Node(id.clone()))));
                act.emit(Action::GrabNode(id.clone(), browser::in_canvas(e.client_x(), e.client_y())));
            }
        })
    };
    let keys = node_keys(&ctx, Selection::Node(node.id.clone()), Some(node.id.clone()));
    let kept = matches!(props.over, Some((Ware::Network, _))) && host;
    html! {
        <g {class} {transform}>
            <g class="node-body" data-box="node" data-test={format!("node-{}", node.id)} tabindex="0" role="button"
                aria-pressed={selected.to_string()} aria-description={ctx.t("canvas.node_hint")}
                onpointerdown={grab} onkeydown={keys}>
                <g filter="url(#lift)">{ rect(classes!("box", kept.then_some("takes")), r, if host { 16.0 } else { 12.0 }) }</g>
                { heading(&ctx, node) }
                if let Some(nat) = &node.nat {
                    { nat_panel(&ctx, nat) }
                }
                if let Some(gate) = &node.gate {
                    { gate_view(gate) }
                }
            </g>
            { for node.bridges.iter().map(|b| bridge(&ctx, node, b, props)) }
            { for node.containers.iter().map(|c| container(&ctx, c, props.selection.as_ref())) }
            { for node.ports.iter().map(port) }
        </g>
    }
}

fn node_keys(ctx: &Ctx, selection: Selection, node: Option<String>) -> Callback<KeyboardEvent> {
    let act = ctx.act.clone();
    Callback::from(move |e: KeyboardEvent| {
        let nudge = |dx, dy| node.clone().map(|id| Action::Nudge(id, dx, dy));
        let action = match (e.key().as_str(), e.alt_key()) {
            ("Enter" | " ", _) => Some(Action::Select(Some(selection.clone()))),
            ("ArrowLeft", true) => nudge(-12, 0),
            ("ArrowRight", true) => nudge(12, 0),
            ("ArrowUp", true) => nudge(0, -12),
            ("ArrowDown", true) => nudge(0, 12),
            _ => None,
        };
        if let Some(action) = action {
            e.prevent_default();
            act.emit(action);
        }
    })
}

/// A node's name, in the reader's language where it has one.
fn title(ctx: &Ctx, node: &NodeBox) -> AttrValue {
    if node.title_key { ctx.t(&node.title) } else { node.title.clone().into() }
}

fn heading(ctx: &Ctx, node: &NodeBox) -> Html {
    let (x, y) = (node.rect.x + 16.0, node.rect.y + 24.0);
    html! {
        <>
            <g class="node-icon" transform={format!("translate({} {}) scale(.72)", node.rect.right() - 30.0, node.rect.y + 10.0)}>
                if node.nat.is_none() && node.gate.is_none() { { icon(node_icon(node.kind)) } }
            </g>
            { label("title", x, y, title(ctx, node)) }
            { for lines(ctx, &node.lines, x, y) }
        </>
    }
}

fn lines(ctx: &Ctx, lines: &[Line], x: f64, y: f64) -> Vec<Html> {
    let row = |(i, l): (usize, &Line)| {
        let class = match l.ink {
            Ink::Address => "addr",
            Ink::Remark => "remark",
            Ink::Accent => "remark accent",
        };
        let text = if l.key { ctx.t(&l.text) } else { l.text.clone().into() };
        label(class, x, y + 17.0 + 16.0 * i as f64, text)
    };
    lines.iter().enumerate().map(row).collect()
}

fn port(p: &PortBox) -> Html {
    html! {
        <g class="port" aria-hidden="true">
            { rect(if p.wan { "plug wan" } else { "plug" }, &p.rect, 3.0) }
            if let Some((text, at)) = &p.label {
                { label("addr port-label", at.0, at.1, text.clone()) }
            }
        </g>
    }
}

fn nat_panel(ctx: &Ctx, nat: &NatPanel) -> Html {
    let r = &nat.rect;
    let rows = nat.rows.iter().enumerate().map(|(i, row)| {
        let y = r.y + 33.0 + 16.0 * i as f64;
        let forward = row.way == NatWay::Forward;
        let word = ctx.t(if row.way == NatWay::Out { "scene.nat_out" } else { "scene.nat_in" });
        html! {
            <g key={format!("{}{}", row.from, row.to)} class={classes!("nat-row", forward.then_some("forward"))} data-test="router-nat-row">
                { label("nat-word", r.x + 12.0, y, word) }
                { label("addr", r.x + 46.0, y, format!("{} → {}", row.from, row.to)) }
            </g>
        }
    });
    html! {
        <g class="nat-panel" data-test="router-nat">
            { rect("nat-box", r, 8.0) }
            { label("remark", r.x + 12.0, r.y + 17.0, ctx.t("scene.nat_table")) }
            if nat.rows.is_empty() {
                { label("remark faint", r.x + 12.0, r.y + 36.0, ctx.t("scene.nat_empty")) }
            }
            if nat.more > 0 {
                { label("remark faint", r.right() - 66.0, r.y + 17.0, ctx.tv("scene.more", &[("n", &nat.more.to_string())])) }
            }
            { for rows }
        </g>
    }
}

/// What a chip says.
pub fn stage_word(ctx: &Ctx, stage: Stage) -> AttrValue {
    match stage {
        Stage::Hook(hook) => hook_name(hook).into(),
        Stage::Route => ctx.t("scene.routing"),
    }
}

fn gate_view(gate: &Gate) -> Html {
    let middle = gate.rect.center().1;
    let (first, last) = (gate.chips.first(), gate.chips.last());
    let river = first.zip(last).map(|(a, b)| Rect::new(a.1.x, middle - 4.0, b.1.right() - a.1.x, 8.0));
    html! {
        <g class="gate">
            { rect("gate-box", &gate.rect, 11.0) }
            { label("remark", gate.rect.x + 13.0, middle + 4.0, "iptables") }
            if let Some(river) = river { { rect("river", &river, 4.0) } }
        </g>
    }
}

#[derive(Properties, PartialEq)]
pub struct ChipsProps {
    pub scene: Shared<Scene>,
}

/// The chips of all gates. They lie above the trails, which would strike through their words.
#[component]
pub fn Chips(props: &ChipsProps) -> Html {
    let ctx = use_ctx();
    let gates = props.scene.nodes.iter().filter_map(|n| n.gate.as_ref());
    html! { <g aria-hidden="true">{ for gates.map(|g| chips(&ctx, g)) }</g> }
}

fn chips(ctx: &Ctx, gate: &Gate) -> Html {
    let middle = gate.rect.center().1;
    let chips = gate.chips.iter().map(|(stage, r)| {
        let class = if *stage == Stage::Route { "chip route" } else { "chip" };
        html! {
            <>
                { rect(class, r, 7.0) }
                { label("chip-word", r.center().0, middle + 3.6, stage_word(ctx, *stage)) }
            </>
        }
    });
    html! { <g>{ for chips }</g> }
}

fn bridge(ctx: &Ctx, node: &NodeBox, b: &BridgeBox, props: &NodeProps) -> Html {
    let over = matches!(&props.over, Some((Ware::Container(_), Some(network))) if *network == b.network);
    let selection = Selection::Network(node.id.clone(), b.network.clone());
    let selected = props.selection.as_ref() == Some(&selection);
    let class = classes!(
        "bridge",
        format!("tone{}", b.tone),
        over.then_some("takes"),
        props.wants.then_some("wanted"),
        selected.then_some("selected")
    );
    let press = {
        let (act, selection) = (ctx.act.clone(), selection.clone());
        Callback::from(move |e: PointerEvent| {
            if e.button() == 0 {
                act.emit(Action::Select(Some(selection.clone())));
            }
        })
    };
    let title_w = b.title.chars().count() as f64 * 7.0;
    let extra = if b.dns { ctx.t("scene.bridge_dns") } else { ctx.t("scene.bridge") };
    html! {
        <g key={b.title.clone()} {class}>
            { rect("bridge-area", &b.area, 14.0) }
            <g data-box="bridge" data-test={format!("bridge-{}", b.title)} tabindex="0" role="button" aria-pressed={selected.to_string()}
                onpointerdown={press} onkeydown={node_keys(ctx, selection, None)}>
                { rect("bridge-bar", &b.rect, 8.0) }
                { label("title", b.rect.x + 13.0, b.rect.y + 18.5, b.title.clone()) }
                { label("addr", b.rect.x + 21.0 + title_w, b.rect.y + 18.0, b.address.clone()) }
                { label("remark", b.rect.x + 29.0 + title_w + b.address.chars().count() as f64 * 6.5, b.rect.y + 18.0, extra) }
            </g>
        </g>
    }
}

fn container(ctx: &Ctx, c: &ContainerBox, selection: Option<&Selection>) -> Html {
    let selected = is_selected(selection, &c.place);
    let class = classes!(
        "container",
        format!("tone{}", c.tone),
        selected.then_some("selected"),
        (!c.running).then_some("stopped")
    );
    let press = {
        let (act, place) = (ctx.act.clone(), c.place.clone());
        Callback::from(move |e: PointerEvent| {
            if e.button() == 0 {
                act.emit(Action::Select(Some(Selection::Container(place.clone()))));
            }
        })
    };
    let (x, y) = (c.rect.x + 13.0, c.rect.y + 23.0);
    html! {
        <g key={c.name.clone()} {class} data-box="container" data-test={format!("container-{}", c.name)} tabindex="0" role="button"
            aria-pressed={selected.to_string()}
            onpointerdown={press} onkeydown={node_keys(ctx, Selection::Container(c.place.clone()), None)}>
            <g filter="url(#lift)">{ rect("box", &c.rect, 11.0) }</g>
            { rect("stripe", &Rect::new(c.rect.x + 14.0, c.rect.y - 1.0, 30.0, 3.0), 1.5) }
            { label("title", x, y, c.name.clone()) }
            { for lines(ctx, &c.lines, x, y) }
        </g>
    }
}
