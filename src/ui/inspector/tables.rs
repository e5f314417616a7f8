//! The tables of a place.

use yew::prelude::*;

use crate::app::Action;
use crate::app::inspector::{ChainView, ConnectionRow, PacketView, TableView, Tables};
use crate::app::services::Services;
use crate::ui::words::{rule, token, word};
use crate::ui::{Ctx, Shared, use_ctx};

fn head(ctx: &Ctx, keys: &[&str]) -> Html {
    html! { <thead><tr>{ for keys.iter().map(|k| html! { <th scope="col">{ ctx.w(k) }</th> }) }</tr></thead> }
}

fn simple<const N: usize>(
    ctx: &Ctx,
    title: &str,
    keys: &[&str; N],
    rows: &[[String; N]],
    test: &'static str,
) -> Html {
    html! {
        <div class="sec">
            <h3>{ ctx.w(title) }</h3>
            if rows.is_empty() {
                <p class="empty">{ ctx.t("inspector.empty") }</p>
            } else {
                <table class="grid">{ head(ctx, keys) }<tbody>{ for rows.iter().map(|r| html! {
                    <tr data-test={test}>{ for r.iter().map(|c| html! { <td>{ c.clone() }</td> }) }</tr>
                }) }</tbody></table>
            }
        </div>
    }
}

/// Connections, with what is rewritten.
pub fn nat(ctx: &Ctx, tables: &Tables) -> Html {
    let half = |ctx: &Ctx, key: &str, (from, to): &(String, String), hit: (bool, bool)| {
        html! {
            <div class="half"><span class="dim">{ ctx.w(key) }</span>
                <code class={hit.0.then_some("new")}>{ from.clone() }</code><span class="dim">{ "→" }</span><code class={hit.1.then_some("new")}>{ to.clone() }</code></div>
        }
    };
    let row = |c: &ConnectionRow| {
        let natted = c.snat || c.dnat;
        html! {
            <div key={c.id} class={classes!("connection", natted.then_some("natted"))} data-test={if natted { "nat-row" } else { "ct-row" }}>
                <div class="connection-head"><span class={classes!("badge", c.proto.clone())}>{ c.proto.to_uppercase() }</span>
                    <span class="state">{ token(&c.state) }</span>
                    if c.snat { <span class="tag">{ word("snat", "SNAT") }</span> }
                    if c.dnat { <span class="tag">{ word("dnat", "DNAT") }</span> }
                    <span class="spacer"></span><span class="dim">{ ctx.tv("inspector.secs", &[("n", &c.expires_secs.to_string())]) }</span></div>
                { half(ctx, "inspector.original", &c.original, (false, false)) }
                { half(ctx, "inspector.reply", &c.reply, (c.dnat, c.snat)) }
            </div>
        }
    };
    html! {
        <div class="sec last">
            <h3>{ ctx.w("inspector.conntrack") }</h3>
            <p class="dim small">{ ctx.t("inspector.conntrack_sub") }</p>
            if tables.connections.is_empty() { <p class="empty" data-test="nat-empty">{ ctx.t("inspector.empty") }</p> }
            { for tables.connections.iter().map(row) }
        </div>
    }
}

#[derive(Properties, PartialEq)]
pub struct IptablesProps {
    pub tables: Shared<Option<Tables>>,
    pub packet: Shared<Option<PacketView>>,
    pub place: String,
}

/// iptables, with counters; the rules that the packet shown has matched are lit.
#[component]
pub fn Iptables(props: &IptablesProps) -> Html {
    let ctx = use_ctx();
    let here = props.packet.as_ref().filter(|p| p.place == props.place);
    let lit = |table: &str, chain: &str, text: &str| {
        here.is_some_and(|p| {
            p.rules.iter().any(|(t, rule, _)| {
                crate::app::inspector::table_name(*t) == table
                    && rule.trim() == format!("-A {chain} {text}").trim()
            })
        })
    };
    let chain = |table: &TableView, c: &ChainView| {
        html! {
            <div class="chain" key={c.name.clone()}>
                <h4>{ token(&c.name) }
                    if !c.policy.is_empty() { <span class={classes!("policy", c.policy.to_lowercase())}>{ token(&c.policy) }</span> }
                    <span class="spacer"></span><span class="counter">{ if c.policy.is_empty() { String::new() } else { c.packets.clone() } }</span></h4>
                { for c.rules.iter().map(|r| html! {
                    <div class={classes!("rule", lit(&table.name, &c.name, &r.text).then_some("decided"), (r.packets == "0").then_some("never"))} data-test="iptables-rule" data-words="" tabindex="0">
                        <span class="counter">{ r.packets.clone() }</span><code>{ rule(&r.text) }</code></div>
                }) }
            </div>
        }
    };
    let tables = props.tables.as_ref().map(|t| t.iptables.as_slice()).unwrap_or_default();
    // Chains that hold nothing and let everything pass say nothing.
    let worth = |c: &&ChainView| !c.rules.is_empty() || c.policy == "DROP";
    let shown: Vec<_> = tables.iter().filter(|t| t.chains.iter().any(|c| worth(&c))).collect();
    html! {
        <>
            if shown.is_empty() {
                <div class="empty tall"><p>{ ctx.t("inspector.no_rules") }</p></div>
            }
            { for shown.into_iter().map(|t| html! {
                <div class="sec" key={t.name.clone()}>
                    <h3 class="as-typed">{ "-t " }{ token(&t.name) }</h3>
                    { for t.chains.iter().filter(worth).map(|c| chain(t, c)) }
                </div>
            }) }
        </>
    }
}

/// Routes and interfaces; `chosen`: the route of the packet that is looked at.
pub fn routes(ctx: &Ctx, t: &Tables, chosen: Option<&[String; 3]>) -> Html {
    let hit = |r: &[String; 4]| chosen.is_some_and(|c| r[..3] == c[..]);
    let keys = ["inspector.to", "inspector.via", "inspector.dev", "inspector.src"];
    html! {
        <>
            <div class="sec">
                <h3>{ ctx.w("inspector.routes_title") }</h3>
                if t.routes.is_empty() {
                    <p class="empty">{ ctx.t("inspector.empty") }</p>
                } else {
                    <table class="grid">{ head(ctx, &keys) }<tbody>{ for t.routes.iter().map(|r| html! {
                        <tr data-test="route-row" class={hit(r).then_some("chosen")} aria-current={hit(r).then_some("true")}>{ for r.iter().map(|c| html! { <td>{ c.clone() }</td> }) }</tr>
                    }) }</tbody></table>
                    if chosen.is_some() { <p class="dim small">{ ctx.t("inspector.chosen") }</p> }
                }
            </div>
            { simple(ctx, "inspector.devices", &["inspector.dev", "inspector.address", "inspector.mac", "inspector.state"], &t.devices, "device-row") }
        </>
    }
}

/// Leases, held and given.
pub fn dhcp(ctx: &Ctx, s: &Services, place: &str) -> Html {
    let keep = |[address, name, mac, _]: &[String; 4]| {
        let who = if name.is_empty() { mac } else { name };
        let action = Action::Reserve { node: place.to_owned(), mac: mac.clone(), address: address.clone() };
        html! { <button type="button" class="link" data-test="lease-keep" onclick={ctx.on(action)}>{ ctx.tv("inspector.keep_address", &[("who", who), ("address", address)]) }</button> }
    };
    html! {
        <>
            { simple(ctx, "inspector.held", &["inspector.dev", "inspector.address", "inspector.server", "inspector.left"], &s.held, "lease-held") }
            if !s.given.is_empty() {
                { simple(ctx, "inspector.given", &["inspector.address", "inspector.name", "inspector.mac", "inspector.left"], &s.given, "lease-given") }
                if s.free_to_keep.contains(&true) {
                    <div class="sec">{ for s.given.iter().zip(&s.free_to_keep).filter(|(_, free)| **free).map(|(row, _)| keep(row)) }</div>
                }
            }
        </>
    }
}

/// Who is asked for names, and the servers here with their records and what they remember.
pub fn dns(ctx: &Ctx, s: &Services) -> Html {
    let keys = ["inspector.name", "inspector.ttl", "inspector.type", "inspector.value"];
    html! {
        <>
            <div class="sec"><h3>{ ctx.w("inspector.resolvers") }</h3>
                if s.resolvers.is_empty() { <p class="empty">{ ctx.t("inspector.empty") }</p> }
                { for s.resolvers.iter().map(|r| html! { <p><code data-test="resolver">{ r.clone() }</code></p> }) }
            </div>
            { for s.dns.iter().map(|d| html! {
                <div key={d.listen.clone()} data-test="dns-server">
                    <div class="sec"><h3>{ ctx.w("inspector.dns_server") }</h3>
                        <p><code>{ d.listen.clone() }</code></p>
                        <p class="dim">{ if d.asks.is_empty() { ctx.t("inspector.asks_nobody") } else { ctx.tv("inspector.asks", &[("whom", &d.asks)]) } }</p></div>
                    { simple(ctx, "inspector.records", &keys, &d.records, "record-shown") }
                    if d.caches || !d.cache.is_empty() {
                        { simple(ctx, "inspector.cache", &["inspector.name", "inspector.left", "inspector.type", "inspector.value"], &d.cache, "cache-row") }
                    }
                </div>
            }) }
        </>
    }
}

/// The neighbour table, and what bridges have learned.
pub fn arp(ctx: &Ctx, t: &Tables) -> Html {
    html! {
        <>
            { simple(ctx, "inspector.neighbours", &["inspector.address", "inspector.mac", "inspector.dev", "inspector.state"], &t.neighbours, "arp-row") }
            if !t.fdb.is_empty() {
                { simple(ctx, "inspector.fdb", &["inspector.mac", "inspector.port", "inspector.bridge"], &t.fdb, "fdb-row") }
            }
        </>
    }
}

/// Sockets.
pub fn sockets(ctx: &Ctx, t: &Tables) -> Html {
    simple(
        ctx,
        "inspector.sockets_title",
        &["inspector.proto", "inspector.state", "inspector.local", "inspector.remote"],
        &t.sockets,
        "socket-row",
    )
}
