//! The inspector: this packet, and the tables of a place, at the moment shown.

mod packet;
mod tables;

use yew::prelude::*;

use super::canvas::title;
use super::changed::ChangesCard;
use super::docker::ContainerActs;
use super::why::WhyPanel;
use super::{Ctx, Shared, icons::icon, icons::node_icon, use_ctx};
use crate::app::changed::Changes;
use crate::app::docking::ContainerCard;
use crate::app::firewall::FirewallAct;
use crate::app::inspector::{PacketView, Tables};
use crate::app::scene::Scene;
use crate::app::why::WhyView;
use crate::app::{Action, Selection, Tab};
use crate::session::{JobId, NodeKind};
use packet::Packet;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub tab: Tab,
    pub place: String,
    pub pinned: bool,
    pub scene: Shared<Scene>,
    pub tables: Shared<Option<Tables>>,
    pub packet: Shared<Option<PacketView>>,
    /// The line that is explained by what is seen.
    pub why: Option<JobId>,
    /// The explanation that is open; it takes the inspector's place.
    pub explained: Option<WhyView>,
    pub selection: Option<Selection>,
    /// The container that is selected.
    pub container: Option<ContainerCard>,
    /// What the last command changed, where there is room for it.
    pub changes: Option<Shared<Changes>>,
}

const TABS: [(Tab, &str, &str); 8] = [
    (Tab::Packet, "inspector.packet", "tab-packet"),
    (Tab::Nat, "inspector.nat", "tab-nat"),
    (Tab::Iptables, "inspector.iptables", "tab-iptables"),
    (Tab::Routes, "inspector.routes", "tab-routes"),
    (Tab::Arp, "inspector.arp", "tab-arp"),
    (Tab::Sockets, "inspector.sockets", "tab-sockets"),
    (Tab::Dhcp, "inspector.dhcp", "tab-dhcp"),
    (Tab::Dns, "inspector.dns", "tab-dns"),
];

/// The inspector.
#[component]
pub fn Inspector(props: &Props) -> Html {
    let ctx = use_ctx();
    let tab = |(tab, word, test): &(Tab, &str, &'static str)| {
        let on = *tab == props.tab;
        html! {
            <button type="button" role="tab" class={on.then_some("on")} aria-selected={on.to_string()} data-test={*test} data-word={crate::app::words::of_key(word)} onclick={ctx.on(Action::Tab(*tab))}>{ ctx.t(word) }</button>
        }
    };
    if let Some(view) = &props.explained {
        let here = (*props.packet).as_ref().filter(|_| props.why == Some(view.job));
        let now = here.and_then(|p| {
            Some((
                ctx.tv(
                    "inspector.hop",
                    &[("n", &p.hop.0.to_string()), ("of", &p.hop.1.to_string()), ("place", &p.place)],
                )
                .to_string(),
                p.drop.clone()?,
            ))
        });
        return html! {
            <aside class="inspector pane" aria-label={ctx.t(if view.worked { "why.how" } else { "why.label" })}><WhyPanel view={view.clone()} {now} /></aside>
        };
    }
    let empty = Tables::default();
    let tables = props.tables.as_ref().unwrap_or(&empty);
    let body = match props.tab {
        Tab::Packet => html! { <Packet packet={props.packet.clone()} why={props.why} /> },
        Tab::Nat => tables::nat(&ctx, tables),
        Tab::Iptables => {
            html! { <tables::Iptables tables={props.tables.clone()} packet={props.packet.clone()} place={props.place.clone()} /> }
        }
        Tab::Routes => {
            let here = (*props.packet).as_ref().filter(|p| p.place == props.place);
            tables::routes(&ctx, tables, here.and_then(|p| p.route.as_ref()))
        }
        Tab::Arp => tables::arp(&ctx, tables),
        Tab::Sockets => tables::sockets(&ctx, tables),
        Tab::Dhcp => tables::dhcp(&ctx, &tables.services, &props.place),
        Tab::Dns => tables::dns(&ctx, &tables.services),
    };
    html! {
        <aside class="inspector pane" aria-label={ctx.t("inspector.label")}>
            <div class="tabs" role="tablist" aria-label={ctx.t("inspector.label")}>{ for TABS.iter().map(tab) }</div>
            if props.tab != Tab::Packet || props.pinned {
                { about(&ctx, props) }
            }
            <div class="scroll" role="tabpanel" tabindex="0">
                if let Some(changes) = &props.changes { <ChangesCard changes={changes.clone()} /> }
                if let Some(card) = &props.container { <ContainerActs card={card.clone()} /> }
                { body }
            </div>
        </aside>
    }
}

/// Whose tables these are, and what can be done with it.
fn about(ctx: &Ctx, props: &Props) -> Html {
    let (host, container) = match props.place.split_once(':') {
        Some((host, name)) => (host, Some(name)),
        None => (props.place.as_str(), None),
    };
    let node = props.scene.node(host);
    let router = container.is_none() && node.is_some_and(|n| n.nat.is_some());
    let symbol = match (container, node) {
        (Some(_), _) => "container",
        (None, Some(node)) => node_icon(node.kind),
        (None, None) => "computer",
    };
    html! {
        <div class="about">
            <span class="about-icon">{ icon(symbol) }</span>
            <span class="about-name"><b data-test="inspected">{ container.map(|c| AttrValue::from(c.to_owned())).or(node.map(|n| title(ctx, n))).unwrap_or_else(|| host.to_owned().into()) }</b>
                if container.is_some() { <small>{ ctx.tv("inspector.on", &[("host", host)]) }</small> }
            </span>
            <span class="about-acts">
                if props.tables.as_ref().is_some_and(|t| !t.iptables.is_empty()) {
                    <button type="button" data-test="firewall-open" title={ctx.t("fw.open")} onclick={ctx.on(Action::Firewall(FirewallAct::Open(props.place.clone())))}>{ icon("firewall") }{ ctx.t("fw.open_short") }</button>
                }
                if container.is_none() && node.is_some_and(|n| n.kind == NodeKind::DockerHost) {
                    <button type="button" data-test="daemon-form" onclick={ctx.on(Action::Daemon(host.to_owned()))}>{ icon("container") }{ ctx.t("daemon.open") }</button>
                }
                if container.is_none() && node.is_some() {
                    <button type="button" data-test={if router { "router-form" } else { "settings" }} onclick={ctx.on(Action::Settings(Selection::Node(host.to_owned())))}>{ icon("settings") }{ ctx.t("inspector.router_form") }</button>
                }
            </span>
            if props.pinned {
                <button type="button" class="quiet" data-test="unpin" title={ctx.t("inspector.unpin")} aria-label={ctx.t("inspector.unpin")} onclick={ctx.on(Action::Select(None))}>{ icon("close") }</button>
            }
        </div>
    }
}
