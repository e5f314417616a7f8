//! Cables, veth pairs, and the ways inside a host.

use yew::prelude::*;

use crate::app::scene::{Point, Scene, WireKind};
use crate::ui::Shared;

/// Which wires.
#[derive(Clone, Copy, PartialEq)]
pub enum Part {
    Cables,
    Inside,
}

#[derive(Properties, PartialEq)]
pub struct Props {
    pub scene: Shared<Scene>,
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
    let wanted = |kind: WireKind| (kind == WireKind::Cable) == (props.part == Part::Cables);
    let wires = props.scene.wires.iter().filter(|w| wanted(w.kind)).map(|w| {
        let class = match w.kind {
            WireKind::Cable => "wire cable".to_owned(),
            WireKind::Veth(tone) => format!("wire veth tone{tone}"),
            WireKind::Inside(_) => "wire inside".to_owned(),
        };
        html! {
            <g key={format!("{:?}", w.ends)}>
                <path {class} d={path(&w.points, 9.0)} />
                if let Some((text, at)) = &w.label {
                    <text class="veth-name" x={at.0.to_string()} y={at.1.to_string()}>{ text }</text>
                }
            </g>
        }
    });
    html! { <g class="wires" aria-hidden="true">{ for wires }</g> }
}
