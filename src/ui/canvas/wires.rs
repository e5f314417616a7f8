//! Cables, veth pairs, and the ways inside a host.

use yew::prelude::*;

use super::boxes::{box_keys, tab};
use crate::app::scene::{Point, Scene, Wire, WireKind, path_point};
use crate::app::{Action, Selection};
use crate::ui::{Ctx, Shared, use_ctx};

/// Which wires.
#[derive(Clone, Copy, PartialEq)]
pub enum Part {
    Cables,
    Inside,
}

#[derive(Properties, PartialEq)]
pub struct Props {
    pub scene: Shared<Scene>,
    pub selection: Option<Selection>,
    pub part: Part,
}

/// A polyline with rounded corners.
pub fn path(points: &[Point], radius: f64) -> String {
    let mut d = String::new();
    for (i, &(x, y)) in points.iter().enumerate() {
        let (Some(&prev), Some(&next)) = (i.checked_sub(1).and_then(|j| points.get(j)), points.get(i + 1))
        else {
            d.push_str(&format!("{}{x:.1} {y:.1}", if i == 0 { "M" } else { "L" }));
            continue;
        };
        let toward = |to: Point| {
            let len = (to.0 - x).hypot(to.1 - y);
            let r = radius.min(len / 2.0);
            if len > 0.0 { (x + (to.0 - x) / len * r, y + (to.1 - y) / len * r) } else { (x, y) }
        };
        let (a, b) = (toward(prev), toward(next));
        d.push_str(&format!("L{:.1} {:.1}Q{x:.1} {y:.1} {:.1} {:.1}", a.0, a.1, b.0, b.1));
    }
    d
}

/// The wires of a scene.
#[component]
pub fn Wires(props: &Props) -> Html {
    let ctx = use_ctx();
    let wanted = |kind: WireKind| kind.is_link() == (props.part == Part::Cables);
    let wires = props.scene.wires.iter().filter(|w| wanted(w.kind)).map(|w| {
        let class = match w.kind {
            WireKind::Cable => "wire cable".to_owned(),
            WireKind::Radio => "wire cable air".to_owned(),
            WireKind::Veth(tone) => format!("wire veth tone{tone}"),
            WireKind::Inside(_) => "wire inside".to_owned(),
            WireKind::Past(tone) => format!("wire past tone{tone}"),
        };
        if w.kind.is_link() {
            return cable(&ctx, props, w, class);
        }
        html! {
            <g key={format!("{:?}{:?}", w.ends, w.points.first())} aria-hidden="true">
                <path {class} d={path(&w.points, 9.0)} />
                if let Some((text, at)) = &w.label {
                    <text class="veth-name" x={at.0.to_string()} y={at.1.to_string()}>{ text }</text>
                }
            </g>
        }
    });
    html! { <g class="wires">{ for wires }</g> }
}

/// A cable between nodes: it can be pressed.
fn cable(ctx: &Ctx, props: &Props, w: &Wire, class: String) -> Html {
    let d = path(&w.points, 9.0);
    let ends = props.scene.end_of(w.ends.0).zip(props.scene.end_of(w.ends.1));
    let Some((a, b)) = ends else {
        return html! { <path key={format!("{:?}", w.ends)} {class} {d} /> };
    };
    let selected = matches!(&props.selection, Some(Selection::Link(node, port))
        if (node, port) == (&a.0, &a.1) || (node, port) == (&b.0, &b.1));
    let selection = Selection::Link(a.0.clone(), a.1.clone());
    let press = {
        let (act, selection) = (ctx.act.clone(), selection.clone());
        Callback::from(move |e: PointerEvent| {
            if e.button() == 0 {
                act.emit(Action::Select(Some(selection.clone())));
            }
        })
    };
    let open = ctx.on(Action::Settings(selection.clone()));
    let name = format!("{} {} – {} {}", a.0, a.1, b.0, b.1);
    let middle = path_point(&w.points, 0.5);
    let shown = classes!("link", selected.then_some("selected"), w.dead.then_some("dead"),);
    html! {
        <g key={format!("{:?}", w.ends)} class={shown} data-box="link" data-item={format!("link:{}/{}", a.0, a.1)} data-test={format!("link-{}-{}", a.0, a.1)}
            tabindex={tab(selected)} role="button" aria-pressed={selected.to_string()} aria-label={ctx.tv("canvas.link", &[("ends", &name)])}
            onpointerdown={press} ondblclick={open} onkeydown={box_keys(ctx, selection)}>
            <path class="wire-hit" d={d.clone()} />
            <path {class} {d} />
            if w.dead {
                <path class="dead-mark" d={format!("M{0} {2}L{1} {3}M{1} {2}L{0} {3}", middle.0 - 6.0, middle.0 + 6.0, middle.1 - 6.0, middle.1 + 6.0)} />
            }
        </g>
    }
}
