//! Nodes, and what is inside them.

use yew::prelude::*;

use super::ports::port;
use super::rooms;
use crate::app::arrange::Arrange;
use crate::app::cable::{CableAction, CableDrag};
use crate::app::firewall::FirewallAct;
use crate::app::inspector::hook_name;
use crate::app::rove::Way;
use crate::app::scene::{
    BridgeBox, ContainerBox, Exit, Gate, Ink, Line, NatPanel, NatWay, NodeBox, Rect, Scene, Stage,
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

/// A rectangle that lies above the ground: two pale ones under it are its shadow. (A filter that blurs one
/// took a third of the time in which the first picture is drawn.)
pub fn raised(class: impl Into<Classes>, r: &Rect, rx: f64) -> Html {
    let shade = |out: f64, down: f64| {
        rect("shade", &Rect::new(r.x - out, r.y - out + down, r.w + 2.0 * out, r.h + 2.0 * out), rx + out)
    };
    html! { <>{ shade(2.5, 2.0) }{ shade(1.0, 1.5) }{ rect(class, r, rx) }</> }
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
        let moving = props.drag.as_ref().is_some_and(|d| d.offset(&n.id).is_some());
        let cable = match &props.drag {
            Some(Drag::Cable(drag)) => Some(Shared::new(drag.clone())),
            _ => None,
        };
        // One stop for Tab: what is selected, else the first box. The arrow keys go on from there.
        let stop = match &props.selection {
            None => props.scene.nodes.first().is_some_and(|first| first.id == n.id),
            Some(Selection::Node(id)) => *id == n.id,
            Some(Selection::Nodes(ids)) => ids.last() == Some(&n.id),
            _ => false,
        };
        let over = match &props.drag {
            Some(Drag::Ware { ware, over: Some((host, network)), .. }) if *host == n.id => {
                Some((*ware, network.clone()))
            }
            Some(Drag::Container { over: Some((host, network)), .. }) if *host == n.id => {
                Some((Ware::Container(None), Some(network.clone())))
            }
            _ => None,
        };
        html! {
            <NodeView key={n.id.clone()} node={Shared::new(n.clone())} selection={props.selection.clone()} {moving} {over} {cable} {stop}
                wants={matches!(props.drag, Some(Drag::Ware { .. } | Drag::Container { moved: true, .. }))} />
        }
    });
    html! { <g class="nodes">{ for nodes }</g> }
}

#[derive(Properties, PartialEq)]
struct NodeProps {
    node: Shared<NodeBox>,
    selection: Option<Selection>,
    /// It is being dragged.
    moving: bool,
    /// A cable is being drawn.
    cable: Option<Shared<CableDrag>>,
    /// Tab stops here.
    stop: bool,
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
    let class = classes!(
        "node",
        host.then_some("host"),
        (node.kind == NodeKind::Router).then_some("router"),
        selected.then_some("selected"),
        props.moving.then_some("moving"),
    );
    let together = matches!(&props.selection, Some(Selection::Nodes(ids)) if ids.contains(&node.id));
    let grab = {
        let (act, id) = (ctx.act.clone(), node.id.clone());
        Callback::from(move |e: PointerEvent| {
            if e.button() != 0 {
                return;
            }
            if e.shift_key() {
                return act.emit(Action::Arrange(Arrange::Toggle(id.clone())));
            }
            if !together {
                act.emit(Action::Select(Some(Selection::Node(id.clone()))));
            }
            act.emit(Action::GrabNode(id.clone(), browser::in_canvas(e.client_x(), e.client_y())));
        })
    };
    let keys = box_keys(&ctx, Selection::Node(node.id.clone()));
    // A Docker host is gone into; of others the settings are what there is to see.
    let open = if host {
        inside(&ctx, &node.id)
    } else {
        ctx.on(Action::Settings(Selection::Node(node.id.clone())))
    };
    let cable = props.cable.as_deref();
    let kept = matches!(props.over, Some((Ware::Network, _))) && host;
    html! {
        <g {class}>
            <g class="node-body" data-box="node" data-item={format!("node:{}", node.id)} data-test={format!("node-{}", node.id)} tabindex={tab(props.stop)} role="button"
                aria-pressed={selected.to_string()} aria-description={ctx.t("canvas.node_hint")}
                onpointerdown={grab} onkeydown={keys} ondblclick={open}>
                { raised(classes!("box", kept.then_some("takes")), r, if host { 16.0 } else { 12.0 }) }
                { heading(&ctx, node) }
                if let Some(nat) = &node.nat {
                    { nat_panel(&ctx, nat) }
                }
                if let Some(gate) = &node.gate {
                    { gate_view(gate) }
                }
            </g>
            if let Some(room) = &node.room { { rooms::host_room(&ctx, room) } }
            { for node.bridges.iter().map(|b| bridge(&ctx, node, b, props)) }
            if let Some(wall) = &node.wall { { rooms::wall(&ctx, wall) } }
            { for node.shared.iter().map(|s| rooms::shared(&ctx, s)) }
            { for node.containers.iter().map(|c| container(&ctx, c, props.selection.as_ref())) }
            { for node.ports.iter().map(|p| port(&ctx, &node.id, p, cable)) }
        </g>
    }
}

/// Goes inside, to the firewall.
fn inside(ctx: &Ctx, place: &str) -> Callback<MouseEvent> {
    ctx.on(Action::Firewall(FirewallAct::Open(place.to_owned())))
}

/// The `tabindex` of a thing on the canvas.
pub fn tab(stop: bool) -> &'static str {
    if stop { "0" } else { "-1" }
}

/// Keys of a thing on the canvas.
pub fn box_keys(ctx: &Ctx, what: Selection) -> Callback<KeyboardEvent> {
    let act = ctx.act.clone();
    Callback::from(move |e: KeyboardEvent| {
        let arrow = match e.key().as_str() {
            "ArrowLeft" => Some((Way::Left, (-12, 0))),
            "ArrowRight" => Some((Way::Right, (12, 0))),
            "ArrowUp" => Some((Way::Up, (0, -12))),
            "ArrowDown" => Some((Way::Down, (0, 12))),
            _ => None,
        };
        let node = if let Selection::Node(id) = &what { Some(id.clone()) } else { None };
        let command = e.ctrl_key() || e.meta_key();
        let action = match (e.key().as_str(), arrow, node) {
            (_, Some((_, (dx, dy))), Some(_)) if e.alt_key() => {
                act.emit(Action::Arrange(Arrange::Nudge(dx, dy)));
                None
            }
            (_, Some((way, _)), _) if !e.alt_key() => {
                Some(Action::Arrange(Arrange::Rove(way, e.shift_key())))
            }
            ("Enter", ..) => {
                act.emit(Action::Select(Some(what.clone())));
                Some(Action::Settings(what.clone()))
            }
            (" ", _, Some(id)) => Some(Action::Arrange(Arrange::Toggle(id))),
            (" ", _, None) => Some(Action::Select(Some(what.clone()))),
            ("F2", _, Some(id)) => Some(Action::Arrange(Arrange::Rename(id))),
            ("c" | "C", _, Some(id)) if !command => Some(Action::Cable(CableAction::Choose(id))),
            _ => return,
        };
        e.prevent_default();
        if let Some(action) = action {
            act.emit(action);
        }
    })
}

/// A node's name, in the reader's language where it has one. What sentences and terminals call it
/// stands in it (home router, router) or behind it (공유기 (router)).
pub fn title(ctx: &Ctx, node: &NodeBox) -> AttrValue {
    if !node.title_key {
        return node.title.clone().into();
    }
    let name = ctx.t(&node.title);
    if says(&name, &node.id) { name } else { format!("{name} ({})", node.id).into() }
}

/// Does a name say what the node is called, but for spaces, dashes and capitals? An identifier is ASCII.
fn says(name: &str, id: &str) -> bool {
    let bare = |text: &str| -> Vec<u8> {
        text.bytes().filter(|b| !b" -".contains(b)).map(|b| b.to_ascii_lowercase()).collect()
    };
    let (name, id) = (bare(name), bare(id));
    name.windows(id.len().max(1)).any(|part| part == id)
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

fn nat_panel(ctx: &Ctx, nat: &NatPanel) -> Html {
    let r = &nat.rect;
    let rows = nat.rows.iter().enumerate().map(|(i, row)| {
        let y = r.y + 33.0 + 16.0 * i as f64;
        let forward = row.way == NatWay::Forward;
        // A rule that stands, and a connection that it let in, name the same two ends.
        let word = ctx.t(match row.way {
            NatWay::Forward => "scene.nat_rule",
            NatWay::In => "scene.nat_in",
            NatWay::Out => "scene.nat_out",
        });
        html! {
            <g key={format!("{i}{}{}", row.from, row.to)} class={classes!("nat-row", forward.then_some("forward"))} data-test="router-nat-row">
                { label("nat-word", r.x + 12.0, y, word) }
                { label("addr", r.x + 46.0, y, format!("{} → {}", row.from, row.to)) }
                if let Some(by) = &row.by { <title>{ ctx.tv("scene.nat_by", &[("who", by)]) }</title> }
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
        exit_class(&b.exit),
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
    let extra = match b.remark() {
        Some(words) => words.into(),
        None if b.dns => ctx.t("scene.bridge_dns"),
        None => ctx.t("scene.bridge"),
    };
    html! {
        <g key={b.title.clone()} {class}>
            { rect("bridge-area", &b.area, 14.0) }
            <g data-box="bridge" data-test={format!("bridge-{}", b.title)} data-item={format!("network:{}/{}", node.id, b.network)} tabindex={tab(selected)} role="button" aria-pressed={selected.to_string()}
                onpointerdown={press} onkeydown={box_keys(ctx, selection)}>
                { rect("bridge-bar", &b.rect, 8.0) }
                { label("title", b.rect.x + 13.0, b.rect.y + 18.5, b.title.clone()) }
                { label("addr", b.rect.x + 21.0 + title_w, b.rect.y + 18.0, b.address.clone()) }
                { label("remark", b.rect.x + 29.0 + title_w + b.address.chars().count() as f64 * 6.5, b.rect.y + 18.0, extra) }
            </g>
        </g>
    }
}

const fn exit_class(exit: &Exit) -> Option<&'static str> {
    match exit {
        Exit::Bridge => None,
        Exit::Overlay { .. } => Some("overlay"),
        Exit::Parent { .. } => Some("on-parent"),
    }
}

fn container(ctx: &Ctx, c: &ContainerBox, selection: Option<&Selection>) -> Html {
    let selected = is_selected(selection, &c.place);
    let class = classes!(
        "container",
        format!("tone{}", c.tone),
        selected.then_some("selected"),
        (!c.running).then_some("stopped"),
        c.shares.then_some("tenant")
    );
    let press = {
        let (act, place) = (ctx.act.clone(), c.place.clone());
        Callback::from(move |e: PointerEvent| {
            if e.button() == 0 {
                act.emit(Action::Select(Some(Selection::Container(place.clone()))));
                act.emit(Action::GrabContainer(
                    place.clone(),
                    browser::in_canvas(e.client_x(), e.client_y()),
                ));
            }
        })
    };
    let (x, y) = (c.rect.x + 13.0, c.rect.y + 23.0);
    html! {
        <g key={c.name.clone()} {class} data-box="container" data-test={format!("container-{}", c.name)} data-item={format!("container:{}", c.place)} tabindex={tab(selected)} role="button"
            aria-pressed={selected.to_string()}
            onpointerdown={press} onkeydown={box_keys(ctx, Selection::Container(c.place.clone()))} ondblclick={inside(ctx, &c.place)}>
            { raised("box", &c.rect, 11.0) }
            if c.alone {
                { rooms::loop_back(&c.rect) }
            } else if c.striped {
                { rect("stripe", &Rect::new(c.rect.x + 14.0, c.rect.y - 1.0, 30.0, 3.0), 1.5) }
            }
            { label("title", x, y, c.name.clone()) }
            { for lines(ctx, &c.lines, x, y) }
        </g>
    }
}
