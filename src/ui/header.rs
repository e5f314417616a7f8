//! The bar at the top.

use yew::prelude::*;

use super::{icons::icon, use_ctx};
use crate::app::gallery::LabAction;
use crate::app::{Action, Dialog, Pane, Theme};
use crate::explain::Lang;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub lab: String,
    pub can: (bool, bool),
    pub theme: Theme,
    /// The lab on the screen is not the reader's own.
    pub away: bool,
}

/// The bar at the top.
#[component]
pub fn Header(props: &Props) -> Html {
    let ctx = use_ctx();
    let dark = props.theme == Theme::Dark;
    let theme = if dark { Theme::Light } else { Theme::Dark };
    let theme_label = ctx.t(if dark { "header.light" } else { "header.dark" });
    let language = |lang: Lang, word: &'static str, short: &'static str, test: &'static str| {
        let on = ctx.lang == lang;
        html! {
            <button type="button" class={on.then_some("on")} aria-pressed={on.to_string()} lang={lang.tag()} data-test={test}
                onclick={ctx.on(Action::Lang(lang))}><span class="wide-only">{ word }</span><span class="narrow-only">{ short }</span></button>
        }
    };
    html! {
        <header class="header">
            <h1 class="logo"><button type="button" class="quiet" data-test="start" title={ctx.t("front.open")} aria-label={ctx.t("front.open")} onclick={ctx.on(Action::Pane(Pane::Start))}>{ icon("logo") }<b>{ "netpier" }</b></button></h1>
            <button type="button" class="quiet lab-name" data-test="labs" title={ctx.t("header.labs")} aria-label={ctx.t("header.labs")} onclick={ctx.on(Action::Lab(LabAction::Gallery))}>
                { icon("labs") }<span class="lab-title">{ props.lab.clone() }</span><span class="chevron" aria-hidden="true">{ "▾" }</span></button>
            if props.away {
                <button type="button" class="mine" data-test="mine" title={ctx.t("course.leave")} aria-label={ctx.t("course.leave")} onclick={ctx.on(Action::Lab(LabAction::Mine))}>{ icon("host") }<span>{ ctx.t("front.back") }</span></button>
            }
            <span class="spacer"></span>
            <button type="button" class="lessons" data-test="lessons" aria-label={ctx.t("course.open")} onclick={ctx.on(Action::Course(crate::app::course::Course::Menu(true)))}>{ icon("book") }<span>{ ctx.t("course.open") }</span></button>
            <div class="group" role="group" aria-label={ctx.t("header.history")}>
                <button type="button" class="quiet" data-test="undo" disabled={!props.can.0} title={ctx.t("header.undo")} aria-label={ctx.t("header.undo")} onclick={ctx.on(Action::Undo)}>{ icon("undo") }</button>
                <button type="button" class="quiet" data-test="redo" disabled={!props.can.1} title={ctx.t("header.redo")} aria-label={ctx.t("header.redo")} onclick={ctx.on(Action::Redo)}>{ icon("redo") }</button>
                <button type="button" class="quiet" data-test="reset" title={ctx.t("header.reset")} aria-label={ctx.t("header.reset")} onclick={ctx.on(Action::Lab(LabAction::StartOver))}>{ icon("reset") }</button>
            </div>
            <button type="button" class="quiet" data-test="share" title={ctx.t("share.button")} aria-label={ctx.t("share.button")} onclick={ctx.on(Action::Share(crate::app::share::ShareAction::Open))}>{ icon("share") }</button>
            <div class="toggle" role="group" aria-label={ctx.t("header.language")}>
                { language(Lang::En, "English", "EN", "lang-en") }
                { language(Lang::Ko, "한국어", "한", "lang-ko") }
            </div>
            <button type="button" class="quiet" data-test="theme" title={theme_label.clone()} aria-label={theme_label} onclick={ctx.on(Action::Theme(theme))}>
                { icon(if dark { "sun" } else { "moon" }) }
            </button>
            <button type="button" class="quiet" data-test="help" title={ctx.t("header.help")} aria-label={ctx.t("header.help")} onclick={ctx.on(Action::Dialog(Some(Box::new(Dialog::Help))))}>{ icon("help") }</button>
        </header>
    }
}
