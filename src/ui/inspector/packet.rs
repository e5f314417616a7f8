//! This packet: where it is, what happens to it, its header before and after, its bytes.

use yew::prelude::*;

use crate::app::decode::Kind;
use crate::app::inspector::{FieldChange, Layer, PacketView, table_name};
use crate::session::JobId;
use crate::ui::why::WhyButton;
use crate::ui::words::{rule, word};
use crate::ui::{Ctx, Shared, use_ctx};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub packet: Shared<Option<PacketView>>,
    /// The line that is explained by what is seen.
    pub why: Option<JobId>,
}

/// The tab "this packet".
#[component]
pub fn Packet(props: &Props) -> Html {
    let ctx = use_ctx();
    let Some(p) = props.packet.as_ref() else {
        return html! { <div class="empty tall"><p>{ ctx.t("inspector.no_packet") }</p>{ legend(&ctx) }</div> };
    };
    let place = match p.stage {
        Some(stage) => format!("{}, {stage}", p.place),
        None => p.place.clone(),
    };
    let hop = ctx
        .tv("inspector.hop", &[("n", &p.hop.0.to_string()), ("of", &p.hop.1.to_string()), ("place", &place)]);
    html! {
        <>
            <div class="sec">
                <h3 class="as-typed" data-test="hop">{ hop }</h3>
                <p class="sentence" data-test="sentence"><span class={classes!("badge", "word", p.kind.class())} data-word={p.kind.word()} tabindex="0">{ p.kind.word() }</span>{ " " }<b>{ p.what.clone() }</b></p>
                if !p.sentence.is_empty() && p.drop.is_none() {
                    <p class="sentence">{ p.sentence.clone() }</p>
                }
            </div>
            if let Some(why) = &p.drop {
                <div class="why" role="note" data-test="why"><b>{ ctx.t("inspector.dropped") }</b>{ " " }{ why.clone() }
                    if let Some(job) = props.why { { " " }<WhyButton {job} open={false} /> }
                </div>
            }
            if let Some(r) = &p.rewrite {
                <div class="sec rewrite" data-test="rewrite">
                    <h3>{ ctx.w("inspector.rewrite") }</h3>
                    { rewritten(&ctx, "pill.from", r.before.src.to_string(), r.after.src.to_string()) }
                    { rewritten(&ctx, "pill.to", r.before.dst.to_string(), r.after.dst.to_string()) }
                </div>
            }
            if let Some((parts, inside)) = &p.envelope {
                { envelope(&ctx, parts, *inside) }
            }
            { for [(Layer::Envelope, "inspector.envelope"), (Layer::Inside, "inspector.inside"), (Layer::Only, "inspector.header")].iter().map(|(layer, title)| {
                let own: Vec<_> = p.fields.iter().filter(|f| f.layer == *layer).collect();
                let class = classes!("sec", (*layer == Layer::Envelope).then_some("outer"), (*layer == Layer::Inside).then_some("inner"));
                html! {
                    if !own.is_empty() {
                        <div {class} data-test={layer_test(*layer)}>
                            <h3>{ ctx.w(title) }</h3>
                            { fields(&ctx, &own) }
                        </div>
                    }
                }
            }) }
            if !p.rules.is_empty() {
                <div class="sec">
                    <h3>{ ctx.w("inspector.rules") }</h3>
                    { for p.rules.iter().map(|(table, text, decided)| html! {
                        <div class={classes!("rule", decided.then_some("decided"))} data-test="matched-rule" data-words="" tabindex="0"><span class="rule-table" data-word="table">{ table_name(*table) }</span><span>{ rule(text) }</span></div>
                    }) }
                </div>
            }
            if !p.bytes.is_empty() {
                <div class="sec last">
                    <h3>{ ctx.w("inspector.bytes") }</h3>
                    <div class="bytes">{ for p.bytes.chunks(16).enumerate().map(|(i, row)| html! {
                        <div key={i}><span class="offset">{ format!("{:04x}", i * 16) }</span>
                            { for row.iter().map(|(b, new)| html! { <span class={new.then_some("new")}>{ format!("{b:02x}") }</span> }) }
                        </div>
                    }) }</div>
                </div>
            }
        </>
    }
}

/// What the colours mean.
fn legend(ctx: &Ctx) -> Html {
    let row = |kind: Kind, word: &str| {
        html! { <div><dt><span class={classes!("badge", kind.class())}>{ kind.word() }</span></dt><dd>{ ctx.t(word) }</dd></div> }
    };
    html! {
        <dl class="legend">
            { row(Kind::Arp, "legend.arp") }
            { row(Kind::Dns, "legend.dns") }
            { row(Kind::Tcp, "legend.tcp") }
            { row(Kind::Udp, "legend.udp") }
            { row(Kind::Vxlan, "legend.vxlan") }
            { row(Kind::Icmp, "legend.icmp") }
        </dl>
    }
}

fn rewritten(ctx: &Ctx, word: &str, before: String, after: String) -> Html {
    html! {
        <div class="was-is"><span class="dim">{ ctx.t(word) }</span>
            if before == after { <code>{ after }</code> } else { <del>{ before }</del>{ " " }<ins>{ after }</ins> }
        </div>
    }
}

const fn layer_test(layer: Layer) -> &'static str {
    match layer {
        Layer::Only => "fields",
        Layer::Envelope => "fields-envelope",
        Layer::Inside => "fields-inside",
    }
}

/// The bytes of an envelope and of what is in it, side by side and added up.
fn envelope(ctx: &Ctx, parts: &[(&'static str, usize)], inside: usize) -> Html {
    let outside: usize = parts.iter().map(|p| p.1).sum();
    let part = |(name, n): &(&'static str, usize)| {
        html! { <span class={classes!("part", format!("part{n}"))}><b>{ *n }</b><i>{ *name }</i></span> }
    };
    let sum = format!("{outside} + {inside} = {} B", outside + inside);
    html! {
        <div class="sec envelope-bytes" data-test="envelope-bytes">
            <h3>{ ctx.t("inspector.envelope_bytes") }</h3>
            <div class="layers">
                { for parts.iter().map(part) }
                <span class="part inside"><b>{ inside }</b><i>{ ctx.t("inspector.letter") }</i></span>
            </div>
            <p class="sum"><code>{ sum }</code>{ " " }<span class="dim">{ ctx.t("inspector.envelope_mtu") }</span></p>
        </div>
    }
}

fn fields(ctx: &Ctx, fields: &[&FieldChange]) -> Html {
    // What was just sent has no before, what has arrived no after.
    let (old, new) =
        (fields.iter().any(|f| !f.before.is_empty()), fields.iter().any(|f| !f.after.is_empty()));
    let row = |f: &&FieldChange| {
        let class = f.changed.then_some("hit");
        html! {
            <tr key={f.name} {class}><td class="dim">{ word(f.name, f.name) }</td>if old { <td>{ f.before.clone() }</td> } if new { <td class={f.changed.then_some("now")}>{ f.after.clone() }</td> }</tr>
        }
    };
    html! {
        <table class="fields"><thead><tr><th scope="col">{ ctx.t("inspector.field") }</th>if old { <th scope="col">{ ctx.t("inspector.before") }</th> } if new { <th scope="col">{ ctx.t("inspector.after") }</th> }</tr></thead>
            <tbody>{ for fields.iter().map(row) }</tbody></table>
    }
}
