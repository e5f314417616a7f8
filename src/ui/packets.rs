//! The packet list. A click on a row brings that moment back.

use web_sys::{Element, HtmlInputElement};
use yew::prelude::*;

use super::{Shared, use_ctx};
use crate::app::decode::Kind;
use crate::app::packets::PacketRow;
use crate::app::{Action, Pane};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub rows: Shared<Vec<PacketRow>>,
    pub beat: Option<usize>,
    pub hide_arp: bool,
    pub pane: Pane,
}

/// Rows painted at most; the list of a long `ping` shows its end.
const MAX_ROWS: usize = 400;

/// The packet list.
#[component]
pub fn Packets(props: &Props) -> Html {
    let ctx = use_ctx();
    let body = use_node_ref();
    // The row of the moment: the last one that has begun.
    let current = props.beat.and_then(|b| props.rows.iter().rev().find(|r| r.beat <= b)).map(|r| r.beat);
    let wanted = use_state(String::new);
    use_effect_with((body.clone(), current, props.pane), |(body, ..)| {
        let row = body.cast::<Element>().and_then(|b| b.query_selector("[aria-current]").ok().flatten());
        if let (Some(list), Some(row)) = (body.cast::<Element>(), row) {
            let (list_box, row_box) = (list.get_bounding_client_rect(), row.get_bounding_client_rect());
            let margin = 26.0;
            if row_box.bottom() > list_box.bottom() - margin {
                list.set_scroll_top(
                    list.scroll_top() + (row_box.bottom() - list_box.bottom() + margin) as i32,
                );
            } else if row_box.top() < list_box.top() + margin {
                list.set_scroll_top(list.scroll_top() - (list_box.top() + margin - row_box.top()) as i32);
            }
        }
    });
    let hide = {
        let act = ctx.act.clone();
        Callback::from(move |e: Event| {
            if let Some(input) = e.target_dyn_into::<HtmlInputElement>() {
                act.emit(Action::HideArp(!input.checked()));
            }
        })
    };
    let write = {
        let wanted = wanted.clone();
        Callback::from(move |e: InputEvent| {
            if let Some(input) = e.target_dyn_into::<HtmlInputElement>() {
                wanted.set(input.value());
            }
        })
    };
    let words: Vec<String> = wanted.split_whitespace().map(str::to_lowercase).collect();
    let dropped = ctx.t("packets.dropped");
    let seen = |r: &&PacketRow| !(props.hide_arp && r.kind == Kind::Arp) && r.holds(&words, &dropped);
    let rows: Vec<_> = props.rows.iter().filter(seen).collect();
    let first = rows.len().saturating_sub(MAX_ROWS);
    let head = ["time", "where", "from", "to", "what"];
    html! {
        <section class="packets pane" aria-label={ctx.t("packets.label")}>
            <div class="pane-head">
                <h2>{ ctx.t("packets.label") }</h2>
                <span class="count">{ rows.len() }</span>
                <span class="spacer"></span>
                <input type="search" class="filter" value={(*wanted).clone()} placeholder={ctx.t("packets.filter")} aria-label={ctx.t("packets.filter_label")} spellcheck="false" autocomplete="off" oninput={write} data-test="packet-filter" />
                <label class="check"><input type="checkbox" checked={!props.hide_arp} onchange={hide} data-test="show-arp" />{ "ARP" }</label>
            </div>
            <div class="scroll" ref={body} tabindex="0">
                <table class="rows">
                    <thead><tr>{ for head.iter().map(|h| html! { <th scope="col" class={*h}>{ ctx.w(&format!("packets.{h}")) }</th> }) }</tr></thead>
                    <tbody>{ for rows[first..].iter().map(|r| html! {
                        <Row key={format!("{}-{}", r.beat, r.drop.is_some())} row={(*r).clone()} current={current == Some(r.beat)} />
                    }) }</tbody>
                </table>
                if rows.is_empty() {
                    <p class="empty">{ ctx.t(if props.rows.is_empty() { "packets.empty" } else { "packets.none" }) }</p>
                }
            </div>
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct RowProps {
    row: PacketRow,
    current: bool,
}

#[component]
fn Row(props: &RowProps) -> Html {
    let ctx = use_ctx();
    let row = &props.row;
    let go = ctx.on::<MouseEvent>(Action::SeekBeat(row.beat));
    let keys = {
        let (act, beat) = (ctx.act.clone(), row.beat);
        Callback::from(move |e: KeyboardEvent| {
            if e.key() == "Enter" || e.key() == " " {
                e.prevent_default();
                act.emit(Action::SeekBeat(beat));
            }
        })
    };
    let dead = row.drop.is_some();
    let class = classes!(props.current.then_some("hit"), dead.then_some("dead"));
    let badge = if dead { "drop" } else { row.kind.class() };
    html! {
        <tr {class} aria-current={props.current.then_some("step")} tabindex="0" onclick={go} onkeydown={keys} data-test="packet-row">
            <td class="time">{ row.time.clone() }</td><td class="where">{ row.place.clone() }</td>
            <td class="from">{ row.from.clone() }</td><td class="to">{ row.to.clone() }</td>
            <td class="what"><span class={classes!("badge", badge)} data-word={row.kind.word()}>{ row.kind.word() }</span>{ " " }
                if dead { <b class="dead-word">{ ctx.t("packets.dropped") }</b>{ " " } }
                { row.what.clone() }
                if row.copies > 1 { <span class="copies">{ format!("×{}", row.copies) }</span> }
            </td>
        </tr>
    }
}
