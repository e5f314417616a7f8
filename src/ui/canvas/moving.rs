//! What moves: trails, lights of the gate, pills that carry their addresses, marks of drops.

use yew::prelude::*;

use super::boxes::{Chips, label, rect, stage_word};
use super::wires::path;
use crate::app::pills::{DropMark, Light, Lit, Moving, Pill, PillAddress, PillEnvelope};
use crate::app::scene::{Point, Rect, Scene};
use crate::ui::{Ctx, Shared, use_ctx};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub scene: Shared<Scene>,
    pub moving: Moving,
    pub drops: Shared<Vec<(u64, String)>>,
    /// The part of the canvas that is seen, without what lies over it.
    pub view: Rect,
    /// Pixels for a canvas unit.
    pub scale: f64,
}

/// At this scale words are as large as they have to be. Where the picture is smaller, pills are drawn
/// larger in it.
const READABLE: f64 = 0.92;
/// An envelope: the height of its head, its rim, and the width of a character of the head.
const HEAD_H: f64 = 27.0;
const RIM: f64 = 9.0;
const HEAD_CHAR: f64 = 6.7;
/// Width of a character of a pill's address.
const CHAR: f64 = 7.2;
const PILL_H: f64 = 50.0;

/// The layer above everything.
#[component]
pub fn MovingLayer(props: &Props) -> Html {
    let ctx = use_ctx();
    let moving = &props.moving;
    let grow = (READABLE / props.scale).clamp(1.0, 3.0);
    let room = Room { scene: &props.scene, view: props.view, grow };
    let trails = moving.trails.iter().map(|t| {
        html! { <path class={classes!("trail", t.kind.class())} d={path(&t.points, 9.0)} /> }
    });
    let rest = moving.pills.iter().filter(|p| !p.active).map(resting);
    let active = moving.pills.iter().filter(|p| p.active);
    html! {
        <g class="moving">
            <g aria-hidden="true">{ for trails }</g>
            <Chips scene={props.scene.clone()} />
            <g aria-hidden="true">{ for moving.lit.iter().map(|l| lit(&ctx, &props.scene, l)) }</g>
            <g aria-hidden="true">{ for rest }</g>
            { for moving.drops.iter().filter(|d| !d.now).map(mark) }
            { for active.enumerate().map(|(i, p)| match i {
                // It never left its place: nobody has seen what it says.
                0 if p.from.now.is_empty() => html! {},
                0 => pill(&ctx, p, &room),
                _ => resting(p),
            }) }
            { for moving.drops.iter().filter(|d| d.now).map(|d| death(&ctx, d, &props.drops, &room)) }
        </g>
    }
}

fn lit(ctx: &Ctx, scene: &Scene, l: &Lit) -> Html {
    let chip = scene.node_of(l.ns).and_then(|n| n.gate.as_ref()).and_then(|g| g.chip(l.stage));
    let Some(chip) = chip else { return html! {} };
    let class = match l.light {
        Light::Passed => "lit passed",
        Light::Here => "lit here",
        Light::Rewrites => "lit rewrites",
        Light::Drops => "lit drops",
    };
    html! {
        <g {class} data-test="lit-hook">
            { rect("lit-chip", &chip, 7.0) }
            { label("chip-word", chip.center().0, chip.center().1 + 3.6, stage_word(ctx, l.stage)) }
        </g>
    }
}

fn resting(p: &Pill) -> Html {
    let (x, y) = p.at;
    let word = p.kind.word();
    let w = word.len() as f64 * 7.0 + 16.0;
    html! {
        <g class={classes!("mini", p.kind.class())} transform={format!("translate({x:.1} {y:.1})")} opacity={p.opacity.to_string()} data-test="mini-pill">
            { rect("mini-body", &Rect::new(-w / 2.0, -8.0, w, 16.0), 8.0) }
            { label("mini-word", 0.0, 3.4, word) }
        </g>
    }
}

/// How wide an address is, with what is struck through before it; the new one makes room as it comes.
fn width(a: &PillAddress, arrived: f64) -> f64 {
    let now = a.now.chars().count() as f64 * CHAR;
    let old = a.old.as_ref().map_or(0.0, |o| o.chars().count() as f64 * CHAR + 8.0);
    if a.old.is_some() { old + now * arrived } else { now }
}

/// Where words may stand.
struct Room<'a> {
    scene: &'a Scene,
    view: Rect,
    grow: f64,
}

impl Room<'_> {
    /// The same room, where something `w` wide is drawn no larger than fits into it.
    fn fitting(&self, w: f64) -> Self {
        Self { scene: self.scene, view: self.view, grow: self.grow.min(self.view.w / (w + 12.0)) }
    }
    /// The same room as it is for something that is drawn `grow` times larger about a point.
    fn about(&self, at: Point) -> Self {
        let near = |v: f64, at: f64| (v - at) / self.grow + at;
        let v = &self.view;
        let view = Rect::new(near(v.x, at.0), near(v.y, at.1), v.w / self.grow, v.h / self.grow);
        Self { scene: self.scene, view, grow: self.grow }
    }
    /// The transform that does so.
    fn transform(&self, at: Point) -> String {
        let k = self.grow;
        format!("translate({:.2} {:.2}) scale({k:.3})", at.0 * (1.0 - k), at.1 * (1.0 - k))
    }
    /// The left edge of something `w` wide about `x`, kept in sight.
    fn left(&self, x: f64, w: f64) -> f64 {
        let (low, high) = (self.view.x + 6.0, self.view.right() - w - 6.0);
        if high < low { low } else { (x - w / 2.0).clamp(low, high) }
    }
    /// The upper edge of a pill at a point, and whether it stands above it. Inside a router it
    /// stands above the whole box, whose name and table are what one wants to read.
    fn top(&self, at: Point, h: f64) -> (f64, bool) {
        let router = self.scene.nodes.iter().find(|n| n.nat.is_some() && n.rect.contains(at));
        let above = match router {
            Some(node) => node.rect.y - h - 12.0,
            None => at.1 - h - 18.0,
        };
        if above > self.view.y + 2.0 { (above, true) } else { (at.1 + 18.0, false) }
    }
}

fn pill(ctx: &Ctx, p: &Pill, room: &Room<'_>) -> Html {
    // Struck out in the first part, replaced in the second.
    let strike = p.rewriting.map_or(1.0, |t| (t / 0.35).clamp(0.0, 1.0));
    let arrive = p.rewriting.map_or(1.0, |t| smooth(((t - 0.32) / 0.3).clamp(0.0, 1.0)));
    let kind = p.kind.word();
    let what: String = p.what.chars().take(30).collect();
    let left = (kind.len() as f64 * 8.4).max(what.chars().count() as f64 * 6.5) + 10.0;
    let words = [ctx.t("pill.from"), ctx.t("pill.to")];
    let word_w = words.iter().map(|w| text_width(w) * 1.05).fold(0.0, f64::max) + 9.0;
    let right = width(&p.from, arrive).max(width(&p.to, arrive));
    let w = 18.0 + left + 12.0 + word_w + right + 18.0;
    let (px, py) = p.at;
    let head = p.envelope.as_ref().map(envelope_words);
    let around = |w: f64| head.as_ref().map_or(w, |h| envelope_width(h).max(w + 2.0 * RIM));
    let outer_w = around(w);
    // The size is that for the new address from the beginning, so that it does not shrink meanwhile.
    let whole = w - right + width(&p.from, 1.0).max(width(&p.to, 1.0));
    let room = &room.fitting(around(whole)).about(p.at);
    // An envelope is there from its beginning, so that nothing jumps while it closes.
    let outer_h = if head.is_some() { HEAD_H + PILL_H + RIM } else { PILL_H };
    let outer_x = room.left(px, outer_w);
    let (outer_y, above) = room.top(p.at, outer_h);
    let outer = Rect::new(outer_x, outer_y, outer_w, outer_h);
    let x = outer_x + (outer_w - w) / 2.0;
    let y = outer_y + outer_h - PILL_H - if head.is_some() { RIM } else { 0.0 };
    let (stem_from, stem_to) = if above { (outer.bottom(), py) } else { (outer_y, py) };
    let body = Rect::new(x, y, w, PILL_H);
    let ax = x + 18.0 + left + 12.0;
    html! {
        <g class={classes!("pill", p.kind.class(), p.dropped.then_some("dropped"), p.rewriting.is_some().then_some("rewriting"))}
            opacity={format!("{:.3}", p.opacity)} transform={room.transform(p.at)} data-test="pill" role="img"
            aria-label={format!("{kind} {what} {} {} {} {}", words[0], p.from.now, words[1], p.to.now)}>
            <line class="stem" x1={px.to_string()} x2={px.to_string()} y1={stem_from.to_string()} y2={stem_to.to_string()} />
            <circle class="halo" cx={px.to_string()} cy={py.to_string()} r="12" />
            <circle class="bead" cx={px.to_string()} cy={py.to_string()} r="6.500" />
            if let Some((e, words)) = p.envelope.as_ref().zip(head.as_ref()) {
                { envelope(e, words, &outer) }
            }
            <g filter="url(#fly)">{ rect("pill-body", &body, 15.0) }</g>
            { label("pill-kind", x + 18.0, y + 20.5, kind) }
            { label("pill-what", x + 18.0, y + 38.0, what) }
            <line class="pill-rule" x1={(ax - 8.0).to_string()} x2={(ax - 8.0).to_string()} y1={(y + 9.0).to_string()} y2={(y + PILL_H - 9.0).to_string()} />
            { label("pill-word", ax, y + 20.5, words[0].clone()) }
            { address(&p.from, ax + word_w, y + 20.5, strike, arrive, "pill-from") }
            { label("pill-word", ax, y + 38.0, words[1].clone()) }
            { address(&p.to, ax + word_w, y + 38.0, strike, arrive, "pill-to") }
        </g>
    }
}

/// What is written on an envelope: network, tunnel ends, bytes.
fn envelope_words(e: &PillEnvelope) -> [String; 3] {
    let (inside, whole) = e.bytes;
    [
        format!("VXLAN {}", e.vni),
        format!("{} → {}", e.ends.0, e.ends.1),
        format!("{inside} + {} = {whole} B", whole - inside),
    ]
}

fn envelope_width(words: &[String; 3]) -> f64 {
    words.iter().map(|w| w.chars().count() as f64 * HEAD_CHAR).sum::<f64>() + 2.0 * 14.0 + 2.0 * 16.0
}

/// The envelope around a pill: paper with a flap, addressed to the other tunnel end. It slides over
/// the packet from below as it closes.
fn envelope(e: &PillEnvelope, words: &[String; 3], r: &Rect) -> Html {
    let slide = (1.0 - e.closed) * 26.0;
    let y = r.y + 18.0;
    let first = r.x + 14.0;
    let second = first + words[0].chars().count() as f64 * HEAD_CHAR + 16.0;
    let last = r.right() - 14.0;
    let flap = format!(
        "M{} {}L{} {}L{} {}",
        r.x + 5.0,
        r.y + 5.0,
        r.center().0,
        r.y + r.h * 0.62,
        r.right() - 5.0,
        r.y + 5.0
    );
    html! {
        <g class="envelope" data-test="envelope" opacity={format!("{:.3}", e.closed)} transform={format!("translate(0 {slide:.1})")}>
            <g filter="url(#fly)">{ rect("envelope-body", r, 10.0) }</g>
            <path class="envelope-flap" d={flap} />
            { label("envelope-net", first, y, words[0].clone()) }
            { label("envelope-ends", second, y, words[1].clone()) }
            { label("envelope-bytes", last, y, words[2].clone()) }
        </g>
    }
}

fn address(a: &PillAddress, x: f64, y: f64, strike: f64, arrive: f64, test: &'static str) -> Html {
    let Some(old) = &a.old else {
        return html! { <g data-test={test}>{ label("pill-addr", x, y, a.now.clone()) }</g> };
    };
    let old_w = old.chars().count() as f64 * CHAR;
    let lift = (1.0 - arrive) * 9.0;
    html! {
        <g data-test={test} data-rewritten="true">
            <text class="pill-old" x={x.to_string()} y={y.to_string()} data-test="pill-old">{ old.clone() }</text>
            <line class="strike" x1={(x - 1.5).to_string()} x2={(x - 1.5 + (old_w + 3.0) * strike).to_string()} y1={(y - 3.7).to_string()} y2={(y - 3.7).to_string()} />
            <text class="pill-new" x={(x + old_w + 8.0).to_string()} y={(y + lift).to_string()} opacity={arrive.to_string()} data-test="pill-new">{ a.now.clone() }</text>
        </g>
    }
}

fn smooth(t: f64) -> f64 {
    t * t * (3.0 - 2.0 * t)
}

/// Roughly how wide a word of the interface is: Hangul is as wide as it is high.
fn text_width(text: &str) -> f64 {
    text.chars().map(|c| if c.is_ascii() { 5.8 } else { 10.5 }).sum()
}

fn cross((x, y): Point, r: f64) -> Html {
    html! {
        <g class="cross">
            <circle cx={x.to_string()} cy={y.to_string()} r={r.to_string()} />
            <path d={format!("M{0} {2}L{1} {3}M{1} {2}L{0} {3}", x - r * 0.42, x + r * 0.42, y - r * 0.42, y + r * 0.42)} />
        </g>
    }
}

fn mark(d: &DropMark) -> Html {
    html! { <g class="drop-mark" data-test="drop-mark">{ cross(d.at, 7.0) }</g> }
}

/// A packet dies here: a cross, and the reason beneath it.
fn death(ctx: &Ctx, d: &DropMark, words: &[(u64, String)], room: &Room<'_>) -> Html {
    let reason = words.iter().find(|w| w.0 == d.seq).map(|w| w.1.as_str()).unwrap_or_default();
    let mut lines = wrap(reason, 46.0);
    if d.wall.is_some() {
        lines.extend(wrap(&ctx.t("scene.wall"), 46.0));
    }
    let w = lines.iter().map(|l| text_width(l)).fold(60.0, f64::max) * 1.06 + 28.0;
    let h = 14.0 + 16.0 * lines.len() as f64;
    let room = &room.about(d.at);
    let x = room.left(d.at.0, w);
    // The pill is on one side of the place, the reason on the other.
    let (_, above) = room.top(d.at, PILL_H);
    let y = if above { d.at.1 + 16.0 } else { d.at.1 + PILL_H + 30.0 };
    let card = Rect::new(x, y, w, h);
    html! {
        <g class="death" data-test="drop">
            if let Some(wall) = &d.wall { <path class="wall-hit" d={path(wall, 6.0)} data-test="wall-hit" /> }
            <g transform={room.transform(d.at)}>
                { cross(d.at, 10.0) }
                <g filter="url(#fly)">{ rect("death-card", &card, 10.0) }</g>
                { for lines.iter().enumerate().map(|(i, l)| label("death-word", x + 14.0, y + 19.0 + 16.0 * i as f64, l.clone())) }
            </g>
        </g>
    }
}

/// Breaks a sentence into lines of about `max` letters' width.
fn wrap(text: &str, max: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if (text_width(line) + text_width(word)) / 5.8 < max => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.truncate(5);
    lines
}
