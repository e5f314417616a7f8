//! Sockets on the edge of a box: a cable is drawn from one, and ends in one.

use yew::prelude::*;

use super::boxes::{label, rect};
use crate::app::Action;
use crate::app::cable::{CableAction, CableDrag};
use crate::app::scene::{PortBox, Rect};
use crate::ui::{Ctx, browser};

/// How a socket looks while a cable is drawn.
fn mood(node: &str, port: &PortBox, drag: Option<&CableDrag>) -> Option<&'static str> {
    let drag = drag?;
    let is = |end: &crate::app::cable::End| end.0 == node && end.1.as_str() == port.name;
    if drag.pair.as_ref().is_some_and(|(a, b)| is(a) || is(b)) {
        Some("takes")
    } else if drag.fits.iter().any(is) {
        Some("fits")
    } else {
        None
    }
}

/// A socket or a radio.
pub fn port(ctx: &Ctx, node: &str, p: &PortBox, drag: Option<&CableDrag>) -> Html {
    let grab = {
        let (act, node, name) = (ctx.act.clone(), node.to_owned(), p.name.clone());
        Callback::from(move |e: PointerEvent| {
            if let (0, Ok(name)) = (e.button(), name.parse()) {
                let at = browser::in_canvas(e.client_x(), e.client_y());
                act.emit(Action::Cable(CableAction::Grab((node.clone(), name), at)));
            }
        })
    };
    let class = classes!(
        "port",
        p.wan.then_some("wan"),
        p.cabled.then_some("cabled"),
        p.radio.then_some("radio"),
        mood(node, p, drag)
    );
    let (x, y) = p.rect.center();
    // Wide enough for a finger, but not wider than half the way to the next one.
    let hit = Rect::new(x - 17.0, y - 15.0, 34.0, 30.0);
    html! {
        <g {class} data-box="port" data-test={format!("port-{node}-{}", p.name)} onpointerdown={grab}>
            <title>{ format!("{node} {}", p.name) }</title>
            { rect("port-hit", &hit, 4.0) }
            if p.radio {
                <circle class="radio-ground" cx={x.to_string()} cy={y.to_string()} r="10" />
                <path class="radio-waves" d={format!("M{x} {}v0M{} {}a5 5 0 0 1 7.200 0M{} {}a9 9 0 0 1 12.400 0", y + 4.5, x - 3.6, y + 1.4, x - 6.2, y - 1.6)} />
            } else {
                { rect("plug", &p.rect, 3.0) }
                if !p.cabled {
                    { rect("plug-hole", &Rect::new(p.rect.x + 4.0, p.rect.y + 3.0, p.rect.w - 8.0, p.rect.h - 6.0), 1.5) }
                }
            }
            if let Some((text, at)) = &p.label {
                { label("addr port-label", at.0, at.1, text.clone()) }
            }
        </g>
    }
}

/// The cable in hand.
pub fn in_hand(scene: &crate::app::scene::Scene, drag: &CableDrag) -> Html {
    use crate::app::cable::Fixed;
    let place = |node: &str, port: &str| {
        let node = scene.node(node)?;
        node.ports.iter().find(|p| p.name == port).map(|p| p.rect.center())
    };
    let begin = match (&drag.pair, &drag.fixed) {
        (Some((a, _)), _) => place(&a.0, a.1.as_str()),
        (None, Fixed::Port((node, port))) => place(node, port.as_str()),
        (None, Fixed::Node(node)) => scene.node(node).map(|n| n.rect.center()),
    };
    let end = drag.pair.as_ref().and_then(|(_, b)| place(&b.0, b.1.as_str()));
    let (a, b) = (begin.unwrap_or(drag.from), end.unwrap_or(drag.at));
    let sag = 18.0 + (a.0 - b.0).abs() * 0.08;
    let d = format!(
        "M{:.1} {:.1}C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}",
        a.0,
        a.1,
        a.0,
        a.1 + (b.1 - a.1) * 0.5 + sag,
        b.0,
        a.1 + (b.1 - a.1) * 0.5 + sag,
        b.0,
        b.1
    );
    html! {
        <g class={classes!("in-hand", drag.pair.is_some().then_some("lands"))} aria-hidden="true" data-test="cable-in-hand">
            <path {d} /><circle cx={b.0.to_string()} cy={b.1.to_string()} r="6" />
        </g>
    }
}
