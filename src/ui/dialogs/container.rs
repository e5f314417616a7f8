//! A new container: drag to learn the command.

use yew::prelude::*;

use super::{actions, changed, command, problem, typed};
use crate::app::Dialog;
use crate::app::forms::{ContainerForm, IMAGES};
use crate::ui::Ctx;

pub fn body(ctx: &Ctx, form: &ContainerForm) -> Html {
    let (bad_name, bad_publish) = form.problems();
    let image = |(i, image): (usize, &crate::app::forms::Image)| {
        let on = i == form.image;
        let pick = changed::<_, MouseEvent>(ctx, form, Dialog::Container, move |f: &mut ContainerForm| {
            *f = ContainerForm::new(&f.host, &f.network, f.networks.clone(), i, f.taken.clone());
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
        let on = *name == form.network;
        let chosen = name.clone();
        let pick = changed::<_, MouseEvent>(ctx, form, Dialog::Container, move |f: &mut ContainerForm| {
            f.network.clone_from(&chosen)
        });
        let shown = if name == "bridge" { "docker0".to_owned() } else { name.clone() };
        html! { <button key={name.clone()} type="button" class={classes!("pick", "flat", on.then_some("on"))} aria-pressed={on.to_string()} data-test={format!("network-{name}")} onclick={pick}>{ shown }</button> }
    };
    html! {
        <div class="dialog-body">
            <fieldset><legend>{ ctx.t("container.image") }</legend><div class="picks">{ for IMAGES.iter().enumerate().map(image) }</div></fieldset>
            <fieldset><legend>{ ctx.t("container.network") }</legend><div class="picks flat">{ for form.networks.iter().map(network) }</div></fieldset>
            <div class="fields-row">
                <label class="field"><span>{ ctx.t("container.name") }</span>
                    <input data-first="true" data-test="container-name" value={form.name.clone()} aria-invalid={bad_name.is_some().to_string()} spellcheck="false" autocomplete="off"
                        oninput={typed(ctx, form, Dialog::Container, |f, v| f.name = v)} />{ problem(ctx, bad_name) }</label>
                <label class="field"><span>{ ctx.t("container.publish") }</span>
                    <input data-test="container-publish" value={form.publish.clone()} placeholder={IMAGES[form.image].port.map(|p| format!("8080:{p}"))} aria-invalid={bad_publish.is_some().to_string()} spellcheck="false" autocomplete="off"
                        oninput={typed(ctx, form, Dialog::Container, |f, v| f.publish = v)} />{ problem(ctx, bad_publish) }</label>
            </div>
            { command(ctx, &form.host, form.command()) }
            { actions(ctx, "container.run", bad_name.is_none() && bad_publish.is_none()) }
        </div>
    }
}
