//! A new container: drag to learn the command.

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::{actions, changed, command, is_bad, problem, told, typed};
use crate::app::docking::ContainerForm;
use crate::app::forms::IMAGES;
use crate::app::rehearsal::{Field, Told};
use crate::app::{Action, Dialog};
use crate::ui::Ctx;

/// `--restart`; nothing for no.
const RESTARTS: [&str; 4] = ["", "on-failure", "unless-stopped", "always"];

pub fn body(ctx: &Ctx, form: &ContainerForm, said: Option<&Told>) -> Html {
    let bad = form.problems();
    let image = |(i, image): (usize, &crate::app::forms::Image)| {
        let on = i == form.image;
        let pick = changed::<_, MouseEvent>(ctx, form, Dialog::Container, move |f: &mut ContainerForm| {
            f.take_image(i);
        });
        html! {
            <button key={image.label} type="button" class={classes!("pick", on.then_some("on"))} aria-pressed={on.to_string()} data-test={format!("image-{}", image.label)} onclick={pick}>
                <span class={classes!("image-mark", format!("image-{}", image.label))} aria-hidden="true">{ image.label.chars().take(1).collect::<String>() }</span>
                <span>{ image.label }</span>
                <small>{ image.port.map(|p| format!(":{p}")).unwrap_or_default() }</small>
            </button>
        }
    };
    let network = |name: &String| {
        let on = form.is_on(name);
        let chosen = name.clone();
        let pick = changed::<_, MouseEvent>(ctx, form, Dialog::Container, move |f: &mut ContainerForm| {
            f.toggle(&chosen);
        });
        let shown = if name == "bridge" { "docker0".to_owned() } else { name.clone() };
        html! { <button key={name.clone()} type="button" class={classes!("pick", "flat", on.then_some("on"))} aria-pressed={on.to_string()} data-test={format!("network-{name}")} onclick={pick}>{ shown }</button> }
    };
    let field = |part: Field,
                 word: &str,
                 value: &str,
                 hint: String,
                 bad: Option<&'static str>,
                 set: fn(&mut ContainerForm, String)| {
        let test = word.replace('.', "-");
        let first = (part == Field::Name).then_some("true");
        html! {
            <div class="cell">
                <label class="field">{ ctx.label(word) }
                    <input data-test={test} data-first={first} value={value.to_owned()} placeholder={hint} aria-invalid={(bad.is_some() || is_bad(said, part)).to_string()} spellcheck="false" autocomplete="off" autocapitalize="off"
                        oninput={typed(ctx, form, Dialog::Container, set)} />{ problem(ctx, bad) }</label>
                { told(ctx, said, part) }
            </div>
        }
    };
    let share = {
        let (act, form) = (ctx.act.clone(), form.clone());
        Callback::from(move |e: Event| {
            if let Some(select) = e.target_dyn_into::<HtmlSelectElement>() {
                let mut form = form.clone();
                let network = match select.value() {
                    name if name.is_empty() => "bridge".to_owned(),
                    name => format!("container:{name}"),
                };
                form.take_network(&network);
                act.emit(Action::Dialog(Some(Box::new(Dialog::Container(form)))));
            }
        })
    };
    let shares = form.shares();
    let restart = {
        let (act, form) = (ctx.act.clone(), form.clone());
        Callback::from(move |e: Event| {
            if let Some(select) = e.target_dyn_into::<HtmlSelectElement>() {
                let form = ContainerForm { restart: select.value(), ..form.clone() };
                act.emit(Action::Dialog(Some(Box::new(Dialog::Container(form)))));
            }
        })
    };
    let port = IMAGES[form.image].port.map(|p| format!("8080:{p}")).unwrap_or_default();
    html! {
        <div class="dialog-body">
            <fieldset><legend>{ ctx.w("container.image") }</legend><div class="picks">{ for IMAGES.iter().enumerate().map(image) }</div></fieldset>
            <fieldset><legend>{ ctx.w("container.networks") }</legend><div class="picks flat">{ for form.networks.iter().map(network) }
                if !form.neighbours.is_empty() {
                    <label class={classes!("pick", "flat", "share", shares.is_some().then_some("on"))}>
                        <span>{ ctx.t("container.share") }</span>
                        <select data-test="container-share" onchange={share}>
                            <option value="" selected={shares.is_none()}>{ "–" }</option>
                            { for form.neighbours.iter().map(|n| html! { <option key={n.clone()} value={n.clone()} selected={shares == Some(n)}>{ n.clone() }</option> }) }
                        </select></label>
                }
                </div>
                { told(ctx, said, Field::Networks) }</fieldset>
            <div class="fields-row">
                { field(Field::Name, "container.name", &form.name, String::new(), bad.name, |f, v| f.name = v) }
                { field(Field::Publish, "container.publish", &form.publish, port, bad.publish, |f, v| f.publish = v) }
                { field(Field::Env, "container.env", &form.env, "KEY=value".to_owned(), None, |f, v| f.env = v) }
                { field(Field::Command, "container.command", &form.command, String::new(), bad.command, |f, v| f.command = v) }
                <label class="field">{ ctx.label("container.restart") }
                    <select data-test="container-restart" onchange={restart}>
                        { for RESTARTS.iter().map(|r| html! { <option key={*r} value={*r} selected={*r == form.restart}>{ if r.is_empty() { ctx.t("container.restart_no") } else { AttrValue::from(*r) } }</option> }) }
                    </select></label>
            </div>
            { command(ctx, &form.host, form.command()) }
            { told(ctx, said, Field::Line) }
            { actions(ctx, "container.run", form.is_ready() && !said.is_some_and(|t| t.refused)) }
        </div>
    }
}
