//! A computer's, server's, DNS server's or Docker host's form.

use yew::prelude::*;

use super::fields::Sheet;
use crate::app::Dialog;
use crate::app::settings::Settings;
use crate::app::settings::dns::{Beyond, DnsForm, RecordRow};
use crate::app::settings::machine::{How, MachineForm, PortRow};
use crate::guest::dns::Kind;
use crate::ui::Ctx;

pub fn body(ctx: &Ctx, form: &MachineForm, error: Option<&str>) -> Html {
    let sheet = Sheet { ctx, form, wrap: |f| Dialog::Machine(Box::new(f)), wrong: form.wrong() };
    html! {
        <div class="dialog-body">
            { for form.ports.iter().enumerate().map(|(i, row)| port(&sheet, i, row)) }
            if form.by_hand() {
                <div class="fields-row">
                    { sheet.text("machine.gateway", "gateway", &form.gateway, "192.168.0.1", |f, v| f.gateway = v) }
                    { sheet.text("machine.resolvers", "resolvers", &form.resolvers, "192.168.0.1", |f, v| f.resolvers = v) }
                </div>
            }
            if let Some((_, dns)) = &form.dns { { dns_part(&sheet, dns) } }
            { sheet.foot(error) }
        </div>
    }
}

fn port(sheet: &Sheet<'_, MachineForm>, i: usize, row: &PortRow) -> Html {
    let ctx = sheet.ctx;
    let how = [
        (How::Dhcp, ctx.t("machine.dhcp"), "how-dhcp"),
        (How::Fixed, ctx.t("machine.fixed"), "how-fixed"),
        (How::None, ctx.t("machine.none"), "how-none"),
    ];
    let joined = row.joins.map_or(0, |j| j + 1);
    let nets: Vec<AttrValue> = std::iter::once(ctx.t("machine.no_wifi"))
        .chain(sheet.form.nets.iter().map(|n| n.0.clone().into()))
        .collect();
    let plugged = match &row.other {
        Some(other) => format!("{} {}", other.0, other.1).into(),
        None if row.radio => ctx.t("machine.not_joined"),
        None => ctx.t("machine.no_cable"),
    };
    html! {
        <fieldset class="port-part" key={row.name.to_string()} data-test={format!("port-part-{}", row.name)}>
            <legend><code>{ row.name.to_string() }</code><span class="dim">{ plugged }</span></legend>
            <div class="port-row">
                { sheet.one_of_at("machine.how", &how, row.how, move |f, how| f.ports[i].how = how) }
                if row.how == How::Fixed {
                    { sheet.text("machine.address", &format!("address-{}", row.name), &row.address, "192.168.0.20/24", move |f, v| f.ports[i].address = v) }
                }
                if row.radio {
                    { sheet.pick("machine.wifi", &format!("wifi-{}", row.name), &nets, joined, move |f, n| f.ports[i].joins = n.checked_sub(1)) }
                }
            </div>
        </fieldset>
    }
}

fn dns_of(form: &mut MachineForm) -> Option<&mut DnsForm> {
    form.dns.as_mut().map(|d| &mut d.1)
}

fn dns_part(sheet: &Sheet<'_, MachineForm>, dns: &DnsForm) -> Html {
    let ctx = sheet.ctx;
    let beyond = [
        (Beyond::Nobody, ctx.t("dns.nobody"), "beyond-nobody"),
        (Beyond::Forward, ctx.t("dns.forward"), "beyond-forward"),
        (Beyond::Roots, ctx.t("dns.roots"), "beyond-roots"),
    ];
    let says = match dns.beyond {
        Beyond::Nobody => "dns.nobody_sub",
        Beyond::Forward => "dns.forward_sub",
        Beyond::Roots => "dns.roots_sub",
    };
    html! {
        <>
            <fieldset><legend>{ ctx.w("dns.records") }</legend>
                { for dns.records.iter().enumerate().map(|(i, r)| record(sheet, "record", i, r, move |f, change| {
                    if let Some(row) = dns_of(f).and_then(|d| d.records.get_mut(i)) { change(row); }
                }, move |f| if let Some(d) = dns_of(f) { d.records.remove(i); })) }
                { sheet.add("dns.add", "record-add", |f| if let Some(d) = dns_of(f) { d.records.push(RecordRow::new()) }) }
            </fieldset>
            <fieldset><legend>{ ctx.t("dns.beyond") }</legend>
                { sheet.one_of("dns.beyond", &beyond, dns.beyond, |f, b| if let Some(d) = dns_of(f) { d.beyond = b }) }
                <p class="dim small">{ ctx.t(says) }</p>
                if dns.beyond == Beyond::Forward {
                    <div class="fields-row">
                        { sheet.text("dns.whom", "dns-forward", &dns.forward, "8.8.8.8", |f, v| if let Some(d) = dns_of(f) { d.forward = v }) }
                        { sheet.switch("dns.cache", "dns.cache_sub", "dns-cache", dns.cache, |f| if let Some(d) = dns_of(f) { d.cache = !d.cache }) }
                    </div>
                }
                if dns.beyond == Beyond::Roots {
                    { sheet.text("dns.root_servers", "dns-roots", &dns.roots, "198.41.0.4", |f, v| if let Some(d) = dns_of(f) { d.roots = v }) }
                }
            </fieldset>
        </>
    }
}

/// What changes one record of a form.
type Change<'a> = &'a dyn Fn(&mut RecordRow);

/// A row of a table of records.
pub fn record<F: Clone + 'static>(
    sheet: &Sheet<'_, F>,
    field: &str,
    i: usize,
    row: &RecordRow,
    at: impl Fn(&mut F, Change<'_>) + Clone + 'static,
    remove: impl Fn(&mut F) + 'static,
) -> Html {
    let kinds: Vec<AttrValue> = Kind::STORED.iter().map(|k| k.to_string().into()).collect();
    let (name, kind, value, ttl) = (at.clone(), at.clone(), at.clone(), at);
    html! {
        <div class="record-row" key={i} data-test={format!("{field}-row")}>
            { sheet.text("dns.name", &format!("{field}-name-{i}"), &row.name, "www.example.com", move |f, v| name(f, &|r| r.name.clone_from(&v))) }
            { sheet.pick("dns.type", &format!("{field}-type-{i}"), &kinds, row.kind, move |f, k| kind(f, &|r| r.kind = k)) }
            { sheet.text("dns.value", &format!("{field}-value-{i}"), &row.value, "192.168.0.20", move |f, v| value(f, &|r| r.value.clone_from(&v))) }
            { sheet.text("dns.ttl", &format!("{field}-ttl-{i}"), &row.ttl, "300", move |f, v| ttl(f, &|r| r.ttl.clone_from(&v))) }
            { sheet.remove(format!("{field}-remove-{i}"), remove) }
        </div>
    }
}
