//! What moves: trails, lights of the gate, pills that carry their addresses, marks of drops.

use yew::prelude::*;

use super::boxes::{Chips, label, rect, stage_word};
use super::wires::path;
use crate::app::pills::{DropMark, Light, Lit, Moving, Pill, PillAddress};
use crate::app::scene::{Point, Rect, Scene};
use crate::ui::{Ctx, Shared, use_ctx};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub scene: Shared<Scene>,
    pub moving: Moving,
    pub drops: Shared<Vec<(u64, String)>>,
    /// The part of the canvas that is seen.
    pub view: Rect,
}

/// Width of a character of a pill's address.
const CHAR: f64 = 7.2;
const PILL_H: f64 = 50.0;

/// The layer above everything.
#[component]
pub fn MovingLayer(props: &Props) -> Html {
    let ctx = use_ctx();
    let moving = &props.moving;
    let room = Room { scene: &props.scene, view: props.view };
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
            { for active.enumerate().map(|(i, p)| if i == 0 { pill(&ctx, p, &room) } else { resting(p) }) }
            { for moving.drops.iter().filter(|d| d.now).map(|d| death(d, &props.drops, &room)) }
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
}

impl Room<'_> {
    /// The left edge of something `w` wide about `x`, kept in sight.
    fn left(&self, x: f64, w: f64) -> f64 {
        let (low, high) = (self.view.x + 6.0, self.view.right() - w - 6.0);
        if high < low { low } else { (x - w / 2.0).clamp(low, high) }
    }
    /// The upper edge of a pill at a point, and whether it stands above it. Inside a router it
    /// stands above the whole box, whose name and table are what one wants to read.
    fn top(&self, at: Point) -> (f64, bool) {
        let router = self.scene.nodes.iter().find(|n| n.nat.is_some() && n.rect.contains(at));
        let above = match router {
            Some(node) => node.rect.y - PILL_H - 12.0,
            None => at.1 - PILL_H - 18.0,
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
    let x = room.left(px, w);
    let (y, above) = room.top(p.at);
    let (stem_from, stem_to) = if above { (y + PILL_H, py) } else { (y, py) };
    let body = Rect::new(x, y, w, PILL_H);
    let ax = x + 18.0 + left + 12.0;
    html! {
        <g class={classes!("pill", p.kind.class(), p.dropped.then_some("dropped"), p.rewriting.is_some().then_some("rewriting"))}
            opacity={format!("{:.3}", p.opacity)} data-test="pill" role="img"
            aria-label={format!("{kind} {what} {} {} {} {}", words[0], p.from.now, words[1], p.to.now)}>
            <line class="stem" x1={px.to_string()} x2={px.to_string()} y1={stem_from.to_string()} y2={stem_to.to_string()} />
            <circle class="halo" cx={px.to_string()} cy={py.to_string()} r="12" />
            <circle class="bead" cx={px.to_string()} cy={py.to_string()} r="6.500" />
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
fn death(d: &DropMark, words: &[(u64, String)], room: &Room<'_>) -> Html {
    let reason = words.iter().find(|w| w.0 == d.seq).map(|w| w.1.as_str()).unwrap_or_default();
    let lines = wrap(reason, 46.0);
    let w = lines.iter().map(|l| text_width(l)).fold(60.0, f64::max) * 1.06 + 28.0;
    let h = 14.0 + 16.0 * lines.len() as f64;
    let x = room.left(d.at.0, w);
    // The pill is on one side of the place, the reason on the other.
    let (_, above) = room.top(d.at);
    let y = if above { d.at.1 + 16.0 } else { d.at.1 + PILL_H + 30.0 };
    let card = Rect::new(x, y, w, h);
    html! {
        <g class="death" data-test="drop">
            { cross(d.at, 10.0) }
            <g filter="url(#fly)">{ rect("death-card", &card, 10.0) }</g>
            { for lines.iter().enumerate().map(|(i, l)| label("death-word", x + 14.0, y + 19.0 + 16.0 * i as f64, l.clone())) }
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
