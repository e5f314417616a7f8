//! The beginning: one press to the first lesson; the course, the clinic, the labs and the own lab
//! by name. It stands where the inspector does, so that the picture can be played with at once.

use yew::prelude::*;

use super::icons::icon;
use super::{Ctx, use_ctx};
use crate::app::course::Course;
use crate::app::gallery::LabAction;
use crate::app::start::Front;
use crate::app::{Action, Pane};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub front: Option<Front>,
}

/// The beginning.
#[component]
pub fn Start(props: &Props) -> Html {
    let ctx = use_ctx();
    let Some(front) = &props.front else { return html! {} };
    let begun = front.number > 1;
    let (number, done) = (front.number.to_string(), front.done);
    let count = |n: usize| (n > 0).then(|| ctx.tv("front.done", &[("n", &n.to_string())]));
    html! {
        <section class="start pane" aria-label={ctx.t("front.label")} data-test="front">
            <div class="start-head">
                <h2>{ ctx.t("front.title") }</h2>
                <button type="button" class="quiet" title={ctx.t("front.close")} aria-label={ctx.t("front.close")} data-test="front-close" onclick={ctx.on(Action::Pane(Pane::Inspector))}>{ icon("close") }</button>
            </div>
            <div class="start-body" tabindex="0" role="group" aria-label={ctx.t("front.label")}>
                <p class="start-what">{ ctx.t("front.what") }</p>
                <button type="button" class="primary start-lesson" data-test="front-lesson" onclick={ctx.on(Action::Course(Course::Open(front.lesson.clone())))}>
                    <span class="start-play">{ icon("play") }</span>
                    <span><b>{ if begun { ctx.tv("front.go_on", &[("n", &number)]) } else { ctx.t("front.first") } }</b>
                        if !begun { <small>{ ctx.t("front.first_sub") }</small> }</span>
                </button>
                <ul class="ways">
                    { way(&ctx, "book", "front.course", "front.course_sub", count(done.0), "front-course", Action::Course(Course::Menu(true))) }
                    { way(&ctx, "clinic", "front.clinic", "front.clinic_sub", count(done.1), "front-clinic", Action::Course(Course::Clinic)) }
                    { way(&ctx, "labs", "front.labs", "front.labs_sub", None, "front-labs", Action::Lab(LabAction::Gallery)) }
                    if front.away {
                        { way(&ctx, "host", "front.back", "front.back_sub", None, "front-mine", Action::Lab(LabAction::Mine)) }
                    } else {
                        { way(&ctx, "host", "front.mine", "front.mine_sub", None, "front-mine", Action::Lab(LabAction::Mine)) }
                    }
                    if front.before { { way(&ctx, "undo", "front.before", "front.before_sub", None, "front-before", Action::Lab(LabAction::Before)) } }
                </ul>
            </div>
        </section>
    }
}

/// A way to go: icon, name, what is there.
fn way(
    ctx: &Ctx,
    mark: &'static str,
    key: &str,
    sub: &str,
    done: Option<AttrValue>,
    test: &'static str,
    to: Action,
) -> Html {
    html! {
        <li><button type="button" class="way" data-test={test} onclick={ctx.on(to)}>
            <span class="way-mark">{ icon(mark) }</span>
            <span class="way-words"><b>{ ctx.t(key) }</b><small>{ ctx.t(sub) }</small></span>
            if let Some(done) = done { <span class="way-done">{ done }</span> }
        </button></li>
    }
}
