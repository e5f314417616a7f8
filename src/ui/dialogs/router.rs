//! The home router's friendly form, with the real rules that it stands for beside it.

use yew::prelude::*;

use super::fields::Sheet;
use super::machine::record;
use crate::app::Dialog;
use crate::app::settings::Settings;
use crate::app::settings::dns::RecordRow;
use crate::app::settings::machine::How;
use crate::app::settings::router::{FixedRow, ForwardRow, Ports, RouterForm};
use crate::ui::Ctx;

type Router<'a> = Sheet<'a, RouterForm>;

pub fn body(ctx: &Ctx, form: &RouterForm, error: Option<&str>) -> Html {
    let sheet = Sheet { ctx, form, wrap: |f| Dialog::Router(Box::new(f)), wrong: form.wrong() };
    html! {
        <div class="dialog-body two">
            <div class="form-side">
                { sides(&sheet) }
                { nat(&sheet) }
                { forwards(&sheet) }
                { dhcp(&sheet) }
                { dns(&sheet) }
            </div>
            <div class="rules-side">
                <h3>{ ctx.t("router.rules") }</h3>
                <p class="dim small">{ ctx.t("router.rules_sub") }</p>
                <div class="written" data-test="router-rules" tabindex="0" role="region" aria-label={ctx.t("router.rules")}>{ for form.rules().into_iter().map(|(rule, new)| html! {
                    <code key={rule.clone()} class={new.then_some("new")}>{ format!("iptables {rule}") }</code>
                }) }</div>
            </div>
            <div class="form-foot">{ sheet.foot(error) }</div>
        </div>
    }
}

fn sides(sheet: &Router<'_>) -> Html {
    let (ctx, form) = (sheet.ctx, sheet.form);
    let how =
        [(How::Dhcp, ctx.t("machine.dhcp"), "wan-dhcp"), (How::Fixed, ctx.t("machine.fixed"), "wan-fixed")];
    html! {
        <>
            <fieldset><legend><span class="dot-wan" aria-hidden="true"></span>{ ctx.w("router.wan") }</legend>
                { sheet.one_of("machine.how", &how, form.wan, |f, how| f.wan = how) }
                if form.wan == How::Fixed {
                    <div class="fields-row three">
                        { sheet.text("machine.address", "router-wan", &form.wan_address, "150.150.0.1/24", |f, v| f.wan_address = v) }
                        { sheet.text("machine.gateway", "router-gateway", &form.gateway, "150.150.0.254", |f, v| f.gateway = v) }
                        { sheet.text("machine.resolvers", "router-resolvers", &form.resolvers, "8.8.8.8", |f, v| f.resolvers = v) }
                    </div>
                }
            </fieldset>
            <fieldset><legend><span class="dot-lan" aria-hidden="true"></span>{ ctx.w("router.lan") }</legend>
                <div class="fields-row">
                    { sheet.text("router.lan_address", "router-lan", &form.lan, "192.168.0.1/24", |f, v| f.lan = v) }
                </div>
            </fieldset>
        </>
    }
}

fn protos(test: [&'static str; 3]) -> [(usize, AttrValue, &'static str); 3] {
    [(0, "TCP".into(), test[0]), (1, "UDP".into(), test[1]), (2, "TCP+UDP".into(), test[2])]
}

fn nat(sheet: &Router<'_>) -> Html {
    let (ctx, form) = (sheet.ctx, sheet.form);
    let ports = [
        (Ports::Kept, ctx.t("router.kept"), "ports-kept"),
        (Ports::Random, ctx.t("router.random"), "router-random-switch"),
    ];
    let fixed = |(i, row): (usize, &FixedRow)| {
        html! {
            <div class="forward-row" key={i} data-test="fixed-row">
                { sheet.one_of_at("router.protocol", &protos(["fixed-tcp", "fixed-udp", "fixed-both"]), row.proto, move |f, p| f.fixed[i].proto = p) }
                { sheet.text("router.inside_address", &format!("fixed-from-{i}"), &row.from, "192.168.0.20", move |f, v| f.fixed[i].from = v) }
                { sheet.text("router.inside_port", &format!("fixed-from-port-{i}"), &row.from_port, "6000", move |f, v| f.fixed[i].from_port = v) }
                <span class="arrow" aria-hidden="true">{ "→" }</span>
                { sheet.text("router.public_port", &format!("fixed-port-{i}"), &row.port, "6000", move |f, v| f.fixed[i].port = v) }
                { sheet.remove(format!("fixed-remove-{i}"), move |f| drop(f.fixed.remove(i))) }
            </div>
        }
    };
    html! {
        <fieldset><legend class="unseen">{ "NAT" }</legend>
            { sheet.switch("router.nat", "router.nat_sub", "router-nat-switch", form.nat, |f| f.nat = !f.nat) }
            if form.nat {
                <div class="under">
                    <p class="sub">{ ctx.t("router.ports") }</p>
                    { sheet.one_of("router.ports", &ports, form.ports, |f, p| f.ports = p) }
                    <p class="dim small">{ ctx.t(if form.ports == Ports::Random { "router.random_sub" } else { "router.kept_sub" }) }</p>
                    { for form.fixed.iter().enumerate().map(fixed) }
                    { sheet.add("router.add_fixed", "fixed-add", |f| f.fixed.push(FixedRow::default())) }
                </div>
            }
        </fieldset>
    }
}

fn forwards(sheet: &Router<'_>) -> Html {
    let (ctx, form) = (sheet.ctx, sheet.form);
    let row = |(i, row): (usize, &ForwardRow)| {
        html! {
            <div class="forward-row" key={i} data-test="forward-row">
                { sheet.one_of_at("router.protocol", &protos(["forward-tcp", "forward-udp", "forward-both"]), row.proto, move |f, p| f.forwards[i].proto = p) }
                { sheet.text("router.public_port", &format!("forward-port-{i}"), &row.port, "8080", move |f, v| f.forwards[i].port = v) }
                <span class="arrow" aria-hidden="true">{ "→" }</span>
                { sheet.text("router.inside_address", &format!("forward-to-{i}"), &row.to, "192.168.0.20", move |f, v| f.forwards[i].to = v) }
                { sheet.text("router.inside_port", &format!("forward-to-port-{i}"), &row.to_port, "80", move |f, v| f.forwards[i].to_port = v) }
                { sheet.remove(format!("forward-remove-{i}"), move |f| drop(f.forwards.remove(i))) }
            </div>
        }
    };
    html! {
        <fieldset><legend>{ ctx.w("router.forwards") }</legend>
            <p class="dim small">{ ctx.t("router.forwards_sub") }</p>
            { for form.forwards.iter().enumerate().map(row) }
            { sheet.add("router.add", "forward-add", |f| f.forwards.push(ForwardRow::default())) }
            if !form.forwards.is_empty() {
                { sheet.switch("router.hairpin", "router.hairpin_sub", "router-hairpin", form.hairpin, |f| f.hairpin = !f.hairpin) }
            }
        </fieldset>
    }
}

fn dhcp(sheet: &Router<'_>) -> Html {
    let (ctx, form) = (sheet.ctx, sheet.form);
    let reservation = |(i, row): (usize, &(String, String))| {
        html! {
            <div class="reservation-row" key={i} data-test="reservation-row">
                { sheet.text("router.mac", &format!("reservation-mac-{i}"), &row.0, "02:00:00:00:00:01", move |f, v| f.reservations[i].0 = v) }
                <span class="arrow" aria-hidden="true">{ "→" }</span>
                { sheet.text("machine.address_alone", &format!("reservation-address-{i}"), &row.1, "192.168.0.50", move |f, v| f.reservations[i].1 = v) }
                { sheet.remove(format!("reservation-remove-{i}"), move |f| drop(f.reservations.remove(i))) }
            </div>
        }
    };
    html! {
        <fieldset><legend class="unseen">{ ctx.t("router.dhcp") }</legend>
            { sheet.switch("router.dhcp", "router.dhcp_sub", "router-dhcp", form.dhcp, |f| f.dhcp = !f.dhcp) }
            if form.dhcp {
                <div class="under">
                    <div class="fields-row three">
                        { sheet.text("router.first", "dhcp-first", &form.first, "192.168.0.100", |f, v| f.first = v) }
                        { sheet.text("router.last", "dhcp-last", &form.last, "192.168.0.199", |f, v| f.last = v) }
                        { sheet.text("router.lease", "dhcp-lease", &form.lease, "86400", |f, v| f.lease = v) }
                    </div>
                    { for form.reservations.iter().enumerate().map(reservation) }
                    { sheet.add("router.add_reservation", "reservation-add", |f| f.reservations.push(Default::default())) }
                </div>
            }
        </fieldset>
    }
}

fn dns(sheet: &Router<'_>) -> Html {
    let form = sheet.form;
    html! {
        <fieldset><legend class="unseen">{ "DNS" }</legend>
            { sheet.switch("router.dns", "router.dns_sub", "router-dns", form.dns, |f| f.dns = !f.dns) }
            if form.dns {
                <div class="under">
                    <div class="fields-row">
                        { sheet.text("router.upstream", "dns-upstream", &form.upstream, "8.8.8.8", |f, v| f.upstream = v) }
                    </div>
                    { for form.names.iter().enumerate().map(|(i, r)| record(sheet, "local", i, r, move |f, change| {
                        if let Some(row) = f.names.get_mut(i) { change(row); }
                    }, move |f| drop(f.names.remove(i)))) }
                    { sheet.add("router.add_name", "local-add", |f| f.names.push(RecordRow::new())) }
                </div>
            }
        </fieldset>
    }
}
