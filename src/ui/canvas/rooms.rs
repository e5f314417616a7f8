//! What else is inside a Docker host: its own room, the wall before macvlan, boxes with tenants.

use yew::prelude::*;

use super::boxes::{label, raised, rect};
use super::wires::path;
use crate::app::scene::{Rect, RoomBox, SharedBox, WallBox};
use crate::ui::Ctx;

/// The host's own room: no door, no bridge.
pub fn host_room(ctx: &Ctx, room: &RoomBox) -> Html {
    let (x, y) = (room.rect.x + 12.0, room.rect.y + 18.0);
    html! {
        <g class="host-room" data-test="host-room">
            { rect("room-floor", &room.rect, 12.0) }
            { label("title", x, y, ctx.t("scene.host_room")) }
            { label("remark", x, y + 16.0, ctx.tv("scene.host_room_sub", &[("address", &room.address)])) }
        </g>
    }
}

/// The wall: two lines with slants between them.
pub fn wall(ctx: &Ctx, wall: &WallBox) -> Html {
    let d = path(&wall.points, 6.0);
    html! {
        <g class="wall" data-test="wall" role="img" aria-label={ctx.t("scene.wall")}>
            <path class="wall-body" d={d.clone()} />
            <path class="wall-bricks" d={d} />
            { for wall.doors.iter().map(|(name, door)| html! {
                <g class="wall-door" data-test={format!("shim-{name}")}>
                    { rect("door", door, 3.0) }
                    { label("veth-name", door.x - 6.0 - name.len() as f64 * 6.1, door.bottom() + 12.0, name.clone()) }
                </g>
            }) }
        </g>
    }
}

/// One namespace with several tenants.
pub fn shared(ctx: &Ctx, s: &SharedBox) -> Html {
    let (x, y) = (s.rect.x + 13.0, s.rect.y + 17.0);
    let words = ctx.tv("scene.shared", &[("n", &s.tenants.to_string())]);
    html! {
        <g class={classes!("shared", format!("tone{}", s.tone))} data-test="shared-box">
            { raised("box", &s.rect, 13.0) }
            { rect("stripe", &Rect::new(s.rect.x + 14.0, s.rect.y - 1.0, 30.0, 3.0), 1.5) }
            { label("addr", x, y, s.address.clone()) }
            { label("remark", x + 10.0 + s.address.chars().count() as f64 * 6.6, y, words) }
        </g>
    }
}

/// A container that only reaches itself: a loop above its box.
pub fn loop_back(r: &Rect) -> Html {
    let (x, y) = (r.x + 30.0, r.y);
    let d = format!("M{} {y}C{} {} {} {} {} {y}", x - 9.0, x - 16.0, y - 24.0, x + 16.0, y - 24.0, x + 9.0);
    html! { <path class="loop-back" {d} /> }
}
