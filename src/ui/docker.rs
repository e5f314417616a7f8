//! What can be done to the container that is selected; each with its command.

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::{icons::icon, use_ctx};
use crate::app::Action;
use crate::app::docking::ContainerCard;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub card: ContainerCard,
}

/// The container's buttons and networks.
#[component]
pub fn ContainerActs(props: &Props) -> Html {
    let ctx = use_ctx();
    let c = &props.card;
    let pointed = use_state(|| None::<String>);
    let run = |line: &str| {
        let action = Action::Run { place: c.host.clone(), line: line.to_owned() };
        ctx.on::<MouseEvent>(action)
    };
    let point = |line: &str| {
        let (on, off) = (pointed.clone(), pointed.clone());
        let line = line.to_owned();
        let (enter, leave) = (move || on.set(Some(line.clone())), move || off.set(None));
        (enter, leave)
    };
    let button = |(word, line): (&'static str, String)| {
        let ((enter, leave), (focus, blur)) = (point(&line), point(&line));
        let test = word.replace("dock.", "docker-");
        html! {
            <button key={word} type="button" class={(word == "dock.rm").then_some("danger")} title={line.clone()} data-test={test}
                onmouseenter={Callback::from(move |_| enter())} onmouseleave={Callback::from(move |_| leave())}
                onfocus={Callback::from(move |_| focus())} onblur={Callback::from(move |_| blur())} onclick={run(&line)}>{ ctx.t(word) }</button>
        }
    };
    let network = |(name, addr): &(String, String)| {
        let line = c.disconnect(name);
        let ((enter, leave), (focus, blur)) = (point(&line), point(&line));
        let label = ctx.tv("dock.disconnect", &[("network", name)]);
        html! {
            <li key={name.clone()}><b>{ name.clone() }</b><code>{ addr.clone() }</code>
                <button type="button" class="quiet" aria-label={label} title={line.clone()} data-test={format!("disconnect-{name}")}
                    onmouseenter={Callback::from(move |_| enter())} onmouseleave={Callback::from(move |_| leave())}
                    onfocus={Callback::from(move |_| focus())} onblur={Callback::from(move |_| blur())} onclick={run(&line)}>{ icon("close") }</button></li>
        }
    };
    let connect = {
        let (act, card) = (ctx.act.clone(), c.clone());
        Callback::from(move |e: Event| {
            if let Some(select) = e.target_dyn_into::<HtmlSelectElement>()
                && !select.value().is_empty()
            {
                act.emit(Action::Run { place: card.host.clone(), line: card.connect(&select.value()) });
                select.set_value("");
            }
        })
    };
    html! {
        <div class="sec docker-acts" data-test="container-acts">
            <div class="docker-head"><span class={classes!("docker-state", c.state)} data-test="container-state">{ ctx.t(&format!("dock.state.{}", c.state)) }</span>
                <code>{ c.image.clone() }</code></div>
            <div class="docker-buttons">{ for c.acts().into_iter().map(button) }</div>
            <ul class="docker-networks">{ for c.networks.iter().map(network) }</ul>
            if !c.others.is_empty() {
                <label class="docker-connect"><span class="unseen">{ ctx.t("dock.connect") }</span>
                    <select data-test="connect-to" onchange={connect}>
                        <option value="" selected=true>{ ctx.t("dock.connect") }</option>
                        { for c.others.iter().map(|n| html! { <option key={n.clone()} value={n.clone()}>{ n.clone() }</option> }) }
                    </select></label>
            }
            if !c.ports.is_empty() { <p class="docker-ports">{ for c.ports.iter().map(|p| html! { <code>{ p.clone() }</code> }) }</p> }
            if let Some(line) = &*pointed { <code class="walk-command">{ line.clone() }</code> }
        </div>
    }
}
