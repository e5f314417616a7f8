//! The list of lessons and clinic cases.

use yew::prelude::*;

use crate::app::Action;
use crate::app::course::{Course, Entry};
use crate::lesson::Kind;
use crate::ui::{Ctx, icons::icon, use_ctx};

/// What the list shows.
#[derive(Properties, PartialEq)]
pub struct Props {
    pub open: bool,
    pub index: Vec<Entry>,
    pub done: std::collections::BTreeSet<String>,
    pub problem: Option<String>,
    /// It was opened for the clinic.
    pub clinic: bool,
    /// The lesson that is open.
    pub here: Option<String>,
}

/// The list, over the page.
#[component]
pub fn Menu(props: &Props) -> Html {
    let ctx = use_ctx();
    let card = use_node_ref();
    use_effect_with(
        (card.clone(), props.open, props.index.len(), props.clinic),
        |(card, open, _, clinic)| {
            let what = if *clinic { "#course-clinic li button" } else { "[data-first], li button" };
            let first = card.cast::<web_sys::Element>().and_then(|c| c.query_selector(what).ok().flatten());
            if let (true, Some(part)) =
                (*clinic, first.as_ref().and_then(|f| f.closest("section").ok().flatten()))
            {
                part.scroll_into_view();
            }
            if let (true, Some(first)) =
                (*open, first.and_then(|f| wasm_bindgen::JsCast::dyn_into::<web_sys::HtmlElement>(f).ok()))
            {
                let _ = first.focus();
            }
        },
    );
    if !props.open {
        return html! {};
    }
    let close = Action::Course(Course::Menu(false));
    let next = props.index.iter().find(|e| e.kind == Kind::Lesson && !props.done.contains(&e.id));
    html! {
        <div class="veil">
            <div class="veil-ground" onclick={ctx.on(close.clone())}></div>
            <div class="dialog course" ref={card} role="dialog" aria-modal="true" aria-labelledby="course-title" data-test="course">
                <div class="dialog-head"><h2 id="course-title">{ ctx.t("course.title") }</h2>
                    <button type="button" class="quiet" aria-label={ctx.t("dialog.close")} data-test="course-close" onclick={ctx.on(close)}>{ icon("close") }</button></div>
                <div class="dialog-body" tabindex="0" role="group" aria-labelledby="course-title">
                    <p class="dim">{ ctx.t("course.what") }</p>
                    if let Some(problem) = &props.problem {
                        <p class="problem" role="alert">{ ctx.tv("course.problem", &[("why", problem)]) }</p>
                    }
                    if props.index.is_empty() && props.problem.is_none() {
                        <p class="dim" role="status">{ ctx.t("course.loading") }</p>
                    }
                    { for (1..=5u8).map(|course| part(&ctx, props, Kind::Lesson, course, next)) }
                    { part(&ctx, props, Kind::Clinic, 0, None) }
                </div>
            </div>
        </div>
    }
}

fn part(ctx: &Ctx, props: &Props, kind: Kind, course: u8, next: Option<&Entry>) -> Html {
    let entries: Vec<&Entry> = props.index.iter().filter(|e| e.kind == kind && e.course == course).collect();
    if entries.is_empty() {
        return html! {};
    }
    let (title, what) = match (kind, course) {
        (Kind::Clinic, _) => ("course.clinic", "course.clinic_what"),
        (_, 1) => ("course.one", "course.one_what"),
        (_, 2) => ("course.two", "course.two_what"),
        (_, 3) => ("course.three", "course.three_what"),
        (_, 4) => ("course.four", "course.four_what"),
        _ => ("course.five", "course.five_what"),
    };
    let done = entries.iter().filter(|e| props.done.contains(&e.id)).count();
    html! {
        <section class="course-part" id={(kind == Kind::Clinic).then_some("course-clinic")}>
            <h3>{ ctx.t(title) }<span class="dim">{ format!("{done}/{}", entries.len()) }</span></h3>
            <p class="dim">{ ctx.t(what) }</p>
            <ul>{ for entries.into_iter().map(|e| row(ctx, props, e, next)) }</ul>
        </section>
    }
}

fn row(ctx: &Ctx, props: &Props, entry: &Entry, next: Option<&Entry>) -> Html {
    let done = props.done.contains(&entry.id);
    let here = props.here.as_ref() == Some(&entry.id);
    let first = next.is_some_and(|n| n.id == entry.id);
    html! {
        <li key={entry.id.clone()}>
            <button type="button" class={classes!("course-row", done.then_some("was-done"), first.then_some("first"))} aria-current={here.then_some("true")}
                data-first={first.then_some("true")} data-test={format!("course-{}", entry.id)} onclick={ctx.on(Action::Course(Course::Open(entry.id.clone())))}>
                <span class="mark">{ if done { icon("check") } else { html! { { entry.number } } } }</span>
                <span>{ entry.title(ctx.lang).to_owned() }</span>
                if done { <span class="sr">{ ctx.t("course.met") }</span> }
            </button>
        </li>
    }
}
