//! The card of the lesson that is open: what to do, the goals, hints, what it was about.

use yew::prelude::*;

use super::prose::{prose, prose_with};
use crate::app::Action;
use crate::app::course::{Course, Opened};
use crate::explain::Lang;
use crate::lesson::{Kind, Move, Progress};
use crate::ui::{Ctx, browser, icons::icon, use_ctx};

/// The room below the end of a card, in pixels (`www/css/course.css`).
const END_PAD: f64 = 14.0;

/// What the card shows.
#[derive(Properties, PartialEq)]
pub struct Props {
    pub open: Option<Lesson>,
    pub folded: bool,
    pub showing: bool,
    /// Id and title of the lesson after this.
    pub next: Option<(String, String)>,
}

/// The lesson, as far as the card shows it.
#[derive(Clone, PartialEq)]
pub struct Lesson {
    kind: Kind,
    number: u16,
    prose: crate::lesson::Prose,
    progress: Progress,
    hints: Vec<usize>,
    /// The line of its picture.
    play: String,
    /// The lines of the solution, with the places where they are typed.
    lines: Vec<(String, String)>,
}

impl Lesson {
    /// Of the lesson that is open.
    pub fn of(open: &Opened, lang: Lang) -> Self {
        let Opened { lesson, progress, hints, .. } = open;
        Self {
            kind: lesson.kind,
            number: lesson.number,
            prose: lesson.prose(lang).clone(),
            progress: progress.clone(),
            hints: hints.clone(),
            play: lesson.play.run.clone(),
            lines: lines(lesson),
        }
    }
}

/// What the solution types, and where.
fn lines(lesson: &crate::lesson::Lesson) -> Vec<(String, String)> {
    let typed = lesson.solution.iter().filter_map(|step| match step {
        Move::Run(line) => Some(line),
        _ => None,
    });
    typed.chain([&lesson.play]).map(|line| (line.at.clone(), line.run.clone())).collect()
}

/// A line of a hint, to be put into its terminal with one press; Enter is the learner's.
fn typed_line(ctx: &Ctx, lesson: &Lesson, line: &str) -> Option<Html> {
    let (at, run) = lesson.lines.iter().find(|(_, run)| run == line)?.clone();
    let label = ctx.tv("course.fill", &[("place", &at)]);
    let act = ctx.act.clone();
    let fill = Callback::from(move |_: MouseEvent| {
        act.emit(Action::Open(at.clone()));
        act.emit(Action::Typed(run.clone()));
        if let Ok(Some(input)) = browser::document().query_selector("[data-test=terminal-input]") {
            browser::focus(&input);
        }
    });
    Some(
        html! { <button type="button" class="fill" title={label} data-test="lesson-fill" onclick={fill}>{ icon("terminal") }<code>{ line.to_owned() }</code></button> },
    )
}

/// The card.
#[component]
pub fn Card(props: &Props) -> Html {
    let ctx = use_ctx();
    let body = use_node_ref();
    // What it was about comes into sight when the last goal is met.
    let over = props.open.as_ref().is_some_and(|l| l.progress.done());
    use_effect_with((body.clone(), over), |(body, over)| {
        if let Some(body) = body.cast::<web_sys::HtmlElement>() {
            show_end(&body, *over);
        }
    });
    let Some(lesson) = &props.open else { return html! {} };
    let met = lesson.progress.met();
    let count = met.iter().filter(|m| **m).count();
    let done = lesson.progress.done();
    let label = if lesson.kind == Kind::Clinic { "course.case" } else { "course.lesson" };
    let number = lesson.number.to_string();
    let fold = ctx.t(if props.folded { "course.unfold" } else { "course.fold" });
    html! {
        <section class={classes!("lesson", props.folded.then_some("folded"), done.then_some("all-met"))} aria-label={ctx.t("course.card")} data-test="lesson">
            <header class="lesson-head">
                <button type="button" class="lesson-fold" aria-expanded={(!props.folded).to_string()} title={fold} data-test="lesson-fold" onclick={ctx.on(Action::Course(Course::Fold))}>
                    <span class="lesson-number">{ ctx.tv(label, &[("n", &number)]) }</span>
                    <b>{ lesson.prose.title.clone() }</b>
                    <span class="lesson-bars" role="img" aria-label={ctx.tv("course.progress", &[("met", &count.to_string()), ("all", &met.len().to_string())])}>
                        { for met.iter().map(|m| html! { <i class={m.then_some("met")}></i> }) }
                    </span>
                    { icon(if props.folded { "down" } else { "up" }) }
                </button>
                <button type="button" class="quiet" title={ctx.t("course.leave")} aria-label={ctx.t("course.leave")} data-test="lesson-leave" onclick={ctx.on(Action::Course(Course::Leave))}>{ icon("close") }</button>
            </header>
            if !props.folded {
                <div class="lesson-body" ref={body} tabindex="0" role="group" aria-label={lesson.prose.title.clone()}>
                    <p>{ prose(&lesson.prose.intro) }</p>
                    <ol class="goals">{ for (0..met.len()).map(|i| goal(&ctx, lesson, i)) }</ol>
                    if done {
                        <div class="lesson-after" role="status" data-test="lesson-after">
                            <b>{ ctx.t(if lesson.kind == Kind::Clinic { "course.mended" } else { "course.done" }) }</b>
                            <p>{ prose(&lesson.prose.after) }</p>
                        </div>
                    }
                </div>
                <div class={classes!("lesson-foot", (count == 0).then_some("begin"))}>
                    <button type="button" class="quiet" data-test="lesson-again" onclick={ctx.on(Action::Course(Course::Again))}>{ ctx.t("course.again") }</button>
                    if !done {
                        <button type="button" class="quiet" disabled={props.showing} data-test="lesson-show" onclick={ctx.on(Action::Course(Course::ShowMe))}>{ ctx.t("course.show") }</button>
                        <button type="button" class="primary" data-test="lesson-play" title={lesson.play.clone()} onclick={ctx.on(Action::Course(Course::Play))}>{ ctx.tv("course.play", &[("line", &lesson.play)]) }</button>
                    } else if let Some((id, title)) = &props.next {
                        <button type="button" class="primary" title={title.clone()} data-test="lesson-next" onclick={ctx.on(Action::Course(Course::Open(id.clone())))}>{ ctx.t("course.next") }</button>
                    } else {
                        <button type="button" class="primary" data-test="lesson-list" onclick={ctx.on(Action::Course(Course::Menu(true)))}>{ ctx.t("course.list") }</button>
                    }
                </div>
            }
        </section>
    }
}

/// Scrolls to the end, so far that the first thing seen is seen whole; where it is not `over`, only
/// takes back the room that this took.
fn show_end(body: &web_sys::HtmlElement, over: bool) {
    let style = body.style();
    // Through the CSSOM: the policy forbids style attributes, not this.
    let _ = style.remove_property("padding-bottom");
    if !over {
        return;
    }
    let most = f64::from(body.scroll_height() - body.client_height());
    let zero = body.get_bounding_client_rect().top() - f64::from(body.scroll_top());
    let in_line = |first| std::iter::successors(first, |e: &web_sys::Element| e.next_element_sibling());
    let goals = body.query_selector(".goals").ok().flatten().and_then(|g| g.first_element_child());
    let parts = in_line(body.first_element_child()).chain(in_line(goals));
    let tops = parts.map(|part| part.get_bounding_client_rect().top() - zero);
    // Nothing is above: it is all seen.
    let Some(top) = tops.filter(|top| most > 0.0 && *top >= most).reduce(f64::min) else { return };
    let _ = style.set_property("padding-bottom", &format!("{:.0}px", END_PAD + top - most));
    body.set_scroll_top((top - 2.0) as i32);
}

fn goal(ctx: &Ctx, lesson: &Lesson, i: usize) -> Html {
    let met = lesson.progress.met()[i];
    let now = lesson.progress.next() == Some(i);
    let hints = lesson.prose.hints.get(i).map(Vec::as_slice).unwrap_or_default();
    let shown = lesson.hints.get(i).copied().unwrap_or_default().min(hints.len());
    let text = lesson.prose.goals.get(i).cloned().unwrap_or_default();
    let state = ctx.t(if met { "course.met" } else { "course.unmet" });
    html! {
        <li class={classes!(met.then_some("met"), now.then_some("now"))} data-test="lesson-goal" data-met={met.to_string()}>
            <span class="mark" role="img" aria-label={state}>{ if met { icon("check") } else { html! {} } }</span>
            <div>
                <span>{ prose(&text) }</span>
                if now && shown > 0 {
                    <ul class="hints">{ for hints[..shown].iter().map(|h| html! { <li>{ prose_with(h, |line| typed_line(ctx, lesson, line)) }</li> }) }</ul>
                }
                if now && shown < hints.len() {
                    <button type="button" class="link" data-test="lesson-hint" onclick={ctx.on(Action::Course(Course::Hint(i)))}>{ ctx.t(if shown == 0 { "course.hint" } else { "course.more" }) }</button>
                }
            </div>
        </li>
    }
}
