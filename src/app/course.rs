//! The course on the page: which lessons there are, which one is open, how far the learner is.
//!
//! ```text
//!  Open(id) ─▶ wanted: the page fetches lessons/ID.json ─▶ Loaded ─▶ the lab of the lesson opens
//!     a line ended, an edit was made, the playhead is at the present ─▶ look ─▶ goals met
//!  Leave ─▶ the learner's own lab is back
//! ```
//! Texts are loaded when they are wanted: nothing of a lesson is in the program.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::App;
use crate::explain::Lang;
use crate::lab::{Edit, History, Lab};
use crate::lesson::{Kind, Lesson, Move, Progress};
use crate::session::JobId;

/// Under this name the page keeps which lessons are done.
const KEEP_DONE: &str = "netpier.lessons";
/// Where the list of lessons lies.
const INDEX: &str = "lessons/index.json";

/// Pixels that the card of a lesson takes at the left of the picture.
const CARD: f64 = 368.0;
/// Up to this width of the picture, in pixels, the card has a place of its own beside it
/// (`www/css/course.css`).
const DOCKED: f64 = 851.0;

/// What the learner does to the course.
#[derive(Debug, Clone, PartialEq)]
pub enum Course {
    /// Opens or closes the list of lessons.
    Menu(bool),
    /// Opens the list at the clinic.
    Clinic,
    /// Opens a lesson by its id.
    Open(String),
    /// A file that was wanted has come (its text), or has not (why).
    Came(String, Result<String, String>),
    /// Shows one more hint for this goal.
    Hint(usize),
    /// Plays the solution from here on.
    ShowMe,
    /// Begins the lesson anew.
    Again,
    /// Back to the own lab.
    Leave,
    /// Folds the card, or unfolds it.
    Fold,
    /// Types the line that the lesson begins with.
    Play,
}

/// A line of the list of lessons.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// Its id.
    pub id: String,
    /// Lesson or clinic case.
    pub kind: Kind,
    /// Which course; 0 for the clinic.
    pub course: u8,
    /// Number.
    pub number: u16,
    /// English title.
    pub en: String,
    /// Korean title.
    pub ko: String,
}

impl Entry {
    /// Its title.
    pub fn title(&self, lang: Lang) -> &str {
        if lang == Lang::Ko { &self.ko } else { &self.en }
    }
}

/// The lesson that is open.
#[derive(Debug, Clone)]
pub struct Opened {
    /// All of it.
    pub lesson: Lesson,
    /// How far the learner is.
    pub progress: Progress,
    /// Hints shown so far, by goal.
    pub hints: Vec<usize>,
    /// The solution is being played: the next move, and the line that runs.
    showing: Option<(usize, Option<JobId>)>,
    /// A link wants so many moves made, at once.
    until: Option<usize>,
    /// The state at which the goals were looked at last.
    looked: (u32, usize),
}

/// The course.
#[derive(Debug, Default)]
pub struct State {
    /// The list is on the screen.
    pub menu: bool,
    /// It was opened for the clinic.
    pub clinic: bool,
    /// All lessons, once they were loaded.
    pub index: Vec<Entry>,
    /// Ids of those that were done once.
    pub done: BTreeSet<String>,
    /// The one that is open.
    pub open: Option<Opened>,
    /// The card is folded.
    pub folded: bool,
    /// Why something could not be loaded.
    pub problem: Option<String>,
    wanted: Vec<String>,
    /// The lesson that is to be opened when its file comes.
    opening: Option<String>,
    /// The learner's own lab, while a lesson is open.
    mine: Option<Lab>,
}

impl State {
    /// What was done before, from the reader's own machine.
    pub(super) fn kept(text: Option<String>) -> Self {
        let done: BTreeSet<_> = text.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
        // Somebody who comes back is offered the lesson after those that are done.
        let wanted = if done.is_empty() { vec![] } else { vec![INDEX.to_owned()] };
        Self { done, wanted, ..Self::default() }
    }

    /// Files that the page shall fetch, below its own folder; each is named once.
    pub fn take_wanted(&mut self) -> Vec<String> {
        std::mem::take(&mut self.wanted)
    }

    /// The lesson after the one that is open.
    pub fn next(&self) -> Option<&Entry> {
        let open = &self.open.as_ref()?.lesson;
        let at = self.index.iter().position(|e| e.id == open.id)?;
        self.index.get(at + 1)
    }

    /// Lessons done and all there are, of this kind.
    pub fn count(&self, kind: Kind) -> (usize, usize) {
        let of = || self.index.iter().filter(|e| e.kind == kind);
        (of().filter(|e| self.done.contains(&e.id)).count(), of().count())
    }

    /// The learner's own lab, while a lesson is open.
    pub(super) fn mine(&self) -> Option<&Lab> {
        self.mine.as_ref()
    }

    /// Asks for the list of lessons, unless it is there.
    pub(super) fn want_index(&mut self) {
        if self.index.is_empty() {
            self.want(INDEX);
        }
    }

    pub(super) fn want(&mut self, file: &str) {
        self.wanted.push(file.to_owned());
    }
}

impl App {
    /// A lesson is open: the lab on the screen is not the learner's own.
    pub fn in_lesson(&self) -> bool {
        self.course.open.is_some()
    }

    pub(super) fn course(&mut self, what: Course) {
        match what {
            Course::Menu(_) | Course::Clinic => {
                let open = what != Course::Menu(false);
                (self.course.menu, self.course.clinic) = (open, what == Course::Clinic);
                if open && self.course.index.is_empty() {
                    self.course.want(INDEX);
                }
            }
            Course::Open(id) => self.want_lesson(id),
            Course::Came(file, result) => match result {
                Ok(text) if self.behind_came(&file, &text) => {}
                Ok(text) => self.came(&file, &text),
                // Only a lesson or their list is missed when it does not come.
                Err(_) if !file.starts_with("lessons/") => {}
                Err(problem) => {
                    self.course.opening = None;
                    self.course.problem = Some(problem);
                }
            },
            Course::Hint(goal) => {
                if let Some(open) = &mut self.course.open
                    && let Some(shown) = open.hints.get_mut(goal)
                {
                    *shown += 1;
                }
            }
            Course::ShowMe => {
                if let Some(open) = &mut self.course.open {
                    open.showing = Some((0, None));
                }
                self.show_on();
            }
            Course::Again => {
                if let Some(open) = self.course.open.take() {
                    let before = self.lab.clone();
                    self.start_lesson(open.lesson);
                    // The lesson goes on: what was built in it can be brought back.
                    if self.lab != before {
                        self.history.record(before);
                    }
                }
            }
            Course::Leave => self.leave_lesson(),
            Course::Play => {
                if let Some(play) = self.course.open.as_ref().map(|o| o.lesson.play.clone()) {
                    self.type_line(&play.at, &play.run);
                }
            }
            Course::Fold => self.course.folded = !self.course.folded,
        }
    }

    fn want_lesson(&mut self, id: String) {
        // An id comes from a link: it is a file's name and nothing else.
        let good =
            !id.is_empty() && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !good {
            return self.toast("toast.no_lesson", &id, true);
        }
        self.course.problem = None;
        if self.course.index.is_empty() {
            self.course.want(INDEX);
        }
        self.course.want(&format!("lessons/{id}.json"));
        self.course.opening = Some(id);
    }

    fn came(&mut self, file: &str, text: &str) {
        match file {
            INDEX => match serde_json::from_str(text) {
                Ok(index) => self.course.index = index,
                Err(e) => self.course.problem = Some(e.to_string()),
            },
            _ => {
                let wanted = self.course.opening.take();
                if wanted.is_none_or(|id| file != format!("lessons/{id}.json")) {
                    return;
                }
                match Lesson::from_json(text) {
                    Ok(lesson) => self.start_lesson(lesson),
                    Err(e) => self.toast("toast.error", &e.to_string(), true),
                }
            }
        }
    }

    fn start_lesson(&mut self, lesson: Lesson) {
        let lab = match lesson.start() {
            Ok(lab) => lab,
            Err(e) => return self.toast("toast.error", &e.to_string(), true),
        };
        let mine = self.course.mine.take().unwrap_or_else(|| self.lab.clone());
        self.course.mine = Some(mine);
        let before = self.course.open.take();
        let progress = Progress::new(&lesson, self.timeline.live());
        let hints = vec![0; lesson.goals.len()];
        let opened = Opened { lesson, progress, hints, showing: None, until: None, looked: (0, usize::MAX) };
        // What was typed elsewhere belongs elsewhere.
        self.terminals = super::terminal::Terminals::default();
        // In a lesson nothing is kept, so it has to be open before its lab is.
        self.course.open = Some(opened);
        // A lab equal to the one on the screen would go on as it is.
        let seed = self.lab.seed;
        self.lab.seed = seed.wrapping_add(1);
        if !self.reopen(lab) {
            self.lab.seed = seed;
            self.course.open = before;
            return;
        }
        self.history = History::default();
        let live = self.timeline.live();
        if let Some(open) = &mut self.course.open {
            open.progress = Progress::new(&open.lesson, live);
            let (place, id) = (open.lesson.play.at.clone(), open.lesson.id.clone());
            self.terminals.go(&place);
            self.course.wanted.push(format!("#lesson={id}"));
        }
        self.course.menu = false;
        self.leave_start(super::Pane::Terminal);
        self.invited = true;
        self.camera.auto = true;
        self.selection = None;
        let id = self.course.open.as_ref().map(|o| o.lesson.id.clone()).unwrap_or_default();
        if let Some(steps) = self.linked_steps(&id)
            && let Some(open) = &mut self.course.open
        {
            (open.showing, open.until) = (Some((0, None)), Some(steps));
        }
    }

    fn leave_lesson(&mut self) {
        self.course.open = None;
        self.course.wanted.push("#".into());
        if let Some(mine) = self.course.mine.take() {
            self.reopen(mine);
            self.history = History::default();
            self.camera.auto = true;
        }
    }

    /// Looks at the goals where something has come to an end and is seen; plays the solution on.
    pub(super) fn follow_course(&mut self) {
        // A guest on another page has no card.
        let card =
            self.in_lesson() && !self.course.folded && !self.share.embed && self.camera.size.0 > DOCKED;
        let left = if card { CARD } else { 0.0 };
        let bottom = self.lower_edge();
        if (left, bottom) != (self.camera.left, self.camera.bottom) {
            (self.camera.left, self.camera.bottom) = (left, bottom);
            if self.camera.auto {
                self.camera.fit(&self.shown.scene.bounds);
            }
        }
        if self.course.open.as_ref().is_some_and(|o| o.until.is_some()) {
            // Nobody looks on while a link's moves are made.
            self.flows.to_now();
        }
        self.show_on();
        let Some(open) = &mut self.course.open else { return };
        let ended = self.timeline.live().jobs().iter().filter(|j| j.exit.is_some()).count();
        let now = (self.epoch, ended);
        if self.busy || !self.flows.is_now() || open.looked == now || open.progress.done() {
            return;
        }
        open.looked = now;
        let copy = self.timeline.fork();
        if !open.progress.look(&open.lesson, self.timeline.live(), &copy) {
            return;
        }
        open.progress.overtake(&open.lesson);
        if open.progress.done() {
            let id = open.lesson.id.clone();
            open.showing = None;
            self.course.folded = false;
            self.course.done.insert(id);
            let done: Vec<&str> = self.course.done.iter().map(String::as_str).collect();
            self.store.set(KEEP_DONE, &done.join(" "));
        }
    }

    /// The next move of the solution, once the one before it is done and seen.
    fn show_on(&mut self) {
        let Some(open) = &mut self.course.open else { return };
        let Some((next, job)) = open.showing else { return };
        let running = job.and_then(|id| self.timeline.live().job(id)).is_some_and(|j| j.exit.is_none());
        if running || self.busy || !self.flows.is_now() {
            return;
        }
        let wanted = open.until.is_none_or(|until| next < until);
        let Some(step) = open.lesson.solution.get(next).filter(|_| wanted).cloned() else {
            open.showing = None;
            if open.until.take().is_some() {
                self.linked_steps_made();
            }
            return;
        };
        open.showing = Some((next + 1, None));
        let job = self.make_move(&step);
        if let Some(Opened { showing: Some((_, running)), .. }) = &mut self.course.open {
            *running = job;
        }
    }

    /// On a small screen the card and the panes have one place: who turns to a pane folds the card.
    pub(super) fn make_room(&mut self) {
        if self.in_lesson() && self.camera.size.0 < super::view::SMALL_SCREEN {
            self.course.folded = true;
        }
    }

    fn make_move(&mut self, step: &Move) -> Option<JobId> {
        match step.edit(&self.lab) {
            Ok(Edit::Command(line)) => return self.type_line(&line.at, &line.run),
            Ok(edit) => {
                self.edit(&edit);
            }
            Err(problem) => self.toast("toast.error", &problem, true),
        }
        None
    }

    /// The solution is being played.
    pub fn is_showing(&self) -> bool {
        self.course.open.as_ref().is_some_and(|o| o.showing.is_some())
    }
}

pub(super) const KEPT: &str = KEEP_DONE;
