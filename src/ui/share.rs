//! Sharing: the dialog, and the word about a visit.

use yew::prelude::*;

use super::{browser, icons::icon, use_ctx};
use crate::app::Action;
use crate::app::gallery::LabAction;
use crate::app::share::{ShareAction, ShareForm};
use crate::lab::share::{MAX_FRAGMENT, WIDELY_CARRIED};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub form: ShareForm,
}

/// The dialog's body.
#[component]
pub fn Share(props: &Props) -> Html {
    let ctx = use_ctx();
    let form = &props.form;
    let link = format!("{}#{}", browser::address(), form.fragment);
    let frame = format!(
        "<iframe src=\"{}#{}\" title=\"netpier\" width=\"100%\" height=\"480\" loading=\"lazy\"></iframe>",
        browser::address(),
        form.embed.replace('&', "&amp;")
    );
    let (size, most) = (link.len().to_string(), WIDELY_CARRIED.to_string());
    let long = link.len() > WIDELY_CARRIED;
    let copy = |text: &str| {
        let (act, text) = (ctx.act.clone(), text.to_owned());
        Callback::from(move |_: MouseEvent| {
            let act = act.clone();
            browser::copy(&text, move || act.emit(Action::Share(ShareAction::Copied)));
        })
    };
    let with = |line: bool, moment: bool, lesson: bool| {
        ctx.on::<Event>(Action::Share(ShareAction::With { line, moment, lesson }))
    };
    let lesson = form.as_lesson;
    // What no page reads is no link.
    let carried = form.fragment.len() <= MAX_FRAGMENT;
    let picture = |kind: &'static str| {
        let name = form.file.clone();
        Callback::from(move |_: MouseEvent| browser::picture(kind, &name))
    };
    html! {
        <div class="dialog-body share">
            <p class="dim">{ ctx.t("share.what") }</p>
            <label class="field"><span>{ ctx.t("share.link") }</span>
                <input type="text" readonly=true value={link.clone()} data-test="share-link" spellcheck="false" /></label>
            if let Some(title) = &form.lesson {
                <label class="switch"><input type="checkbox" checked={lesson} onchange={with(form.with_line, form.with_moment, !lesson)} data-test="share-lesson" />
                    <span>{ ctx.tv("share.as_lesson", &[("title", title)]) }</span></label>
            }
            if let Some(line) = &form.line {
                <label class="switch"><input type="checkbox" checked={form.with_line} onchange={with(!form.with_line, form.with_moment, lesson)} data-test="share-line" />
                    <span>{ ctx.t("share.with_line") }<code class="small">{ line.clone() }</code></span></label>
                <label class="switch"><input type="checkbox" checked={form.with_moment && form.with_line} disabled={!form.with_line} onchange={with(form.with_line, !form.with_moment, lesson)} />
                    <span>{ ctx.t("share.with_moment") }</span></label>
            }
            if !carried {
                <p class="problem" role="alert" data-test="share-long">{ ctx.t("share.too_long") }</p>
            } else if long {
                <p class="problem" role="alert" data-test="share-long">{ ctx.tv("share.long", &[("most", &most)]) }</p>
            }
            <div class="share-row">
                if carried {
                    <button type="button" class="primary" data-test="share-copy" onclick={copy(&link)}>{ ctx.t("share.copy") }</button>
                } else {
                    <button type="button" class="primary" onclick={ctx.on(Action::Lab(LabAction::Save))}>{ ctx.t("share.lab") }</button>
                }
                <span class="dim small" data-test="share-size">{ ctx.tv("share.size", &[("n", &size)]) }</span>
            </div>
            <label class="field"><span>{ ctx.t("share.embed") }</span>
                <input type="text" readonly=true value={frame.clone()} data-test="share-frame" spellcheck="false" /></label>
            <div class="share-row"><button type="button" onclick={copy(&frame)}>{ ctx.t("share.copy_embed") }</button>
                <a class="button" href={format!("builder/index.html#{}", form.embed)} target="_blank" rel="noopener" data-test="share-builder">{ ctx.t("share.builder") }{ " ↗" }</a></div>
            <fieldset class="share-files"><legend>{ ctx.t("share.files") }</legend><div>
                <button type="button" data-test="export-lab" onclick={ctx.on(Action::Lab(LabAction::Save))}>{ ctx.t("share.lab") }</button>
                <button type="button" data-test="export-script" onclick={ctx.on(Action::Share(ShareAction::Script))}>{ ctx.t("share.script") }</button>
                <button type="button" data-test="export-capture" onclick={ctx.on(Action::Share(ShareAction::Capture))}>{ ctx.t("share.capture") }</button>
                <button type="button" data-test="export-svg" onclick={picture("svg")}>{ ctx.t("share.svg") }</button>
                <button type="button" data-test="export-png" onclick={picture("png")}>{ ctx.t("share.png") }</button>
                if form.line.is_some() {
                    <button type="button" data-test="export-apng" onclick={picture("apng")}>{ ctx.t("share.apng") }</button>
                }
            </div></fieldset>
        </div>
    }
}

#[derive(Properties, PartialEq)]
pub struct VisitProps {
    pub visiting: bool,
    /// The own lab was put aside.
    pub aside: bool,
    /// Something was sent: on a phone the word makes room for it.
    pub played: bool,
}

/// Whose lab this is, while it is a visited one.
#[component]
pub fn Visit(props: &VisitProps) -> Html {
    let ctx = use_ctx();
    let closed = use_state(|| false);
    let close = {
        let closed = closed.clone();
        Callback::from(move |_: MouseEvent| closed.set(true))
    };
    if !props.visiting && props.aside {
        return html! {
            <div class="visit" role="status" data-test="visit-aside">
                { icon("host") }<span>{ ctx.t("visit.aside") }</span>
                <button type="button" data-test="visit-seen" onclick={ctx.on(Action::Share(ShareAction::Seen))}>{ ctx.t("visit.seen") }</button>
                <button type="button" class="primary" data-test="visit-before" onclick={ctx.on(Action::Lab(LabAction::Before))}>{ ctx.t("visit.before") }</button>
            </div>
        };
    }
    if !props.visiting {
        return html! {};
    }
    html! {
        <div class={classes!("visit", "came", (*closed || props.played).then_some("told"))} role="status" data-test="visit">
            { icon("share") }<span>{ ctx.t("visit.what") }</span>
            <button type="button" data-test="visit-keep" onclick={ctx.on(Action::Share(ShareAction::Keep))}>{ ctx.t("visit.keep") }</button>
            <button type="button" class="primary" data-test="visit-home" onclick={ctx.on(Action::Share(ShareAction::Home))}>{ ctx.t("visit.home") }</button>
            <button type="button" class="quiet narrow-only" data-test="visit-close" aria-label={ctx.t("dialog.close")} onclick={close}>{ icon("close") }</button>
        </div>
    }
}
