//! The beginning, and the reader's own lab: what a person who has never been here is offered, and
//! how one comes back to what one has built, after lessons, visits and the gallery.

use super::course::Course;
use super::gallery::{Card, card};
use super::keep::KEEP_BEFORE;
use super::share::ShareAction;
use super::{App, Pane};
use crate::lab::Lab;

/// Heights of what lies over the picture's lower edge, in pixels with the ground below: the word about a
/// visit, what is offered to be played, the bar of a container.
const VISIT: f64 = 66.0;
const INVITATION: f64 = 92.0;
const BAR: f64 = 34.0;

/// The lesson that the course begins with. A test holds it against the list of lessons.
pub const FIRST_LESSON: &str = "plug-in";

/// What the page offers at its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Front {
    /// The lesson to begin or to go on with: its id.
    pub lesson: String,
    /// Its number; 1 until the list of lessons is there.
    pub number: u16,
    /// Lessons and clinic cases that are done.
    pub done: (usize, usize),
    /// Another lab of the reader's own is put aside.
    pub before: bool,
    /// The lab on the screen is not the reader's own.
    pub away: bool,
}

impl App {
    /// What the beginning shows; None while something else is looked at.
    pub fn front(&self) -> Option<Front> {
        if self.settings.pane != Pane::Start {
            return None;
        }
        let course = &self.course;
        let clinic = course.done.iter().filter(|id| id.starts_with("clinic-")).count();
        let next = course.index.iter().find(|e| !course.done.contains(&e.id));
        Some(Front {
            lesson: next.map_or(FIRST_LESSON, |e| &e.id).to_owned(),
            number: next.map_or(1, |e| e.number),
            done: (course.done.len() - clinic, clinic),
            before: self.put_aside().is_some(),
            away: self.is_away(),
        })
    }

    /// The lab on the screen is a lesson's or a visited one.
    pub fn is_away(&self) -> bool {
        self.in_lesson() || self.share.visiting()
    }

    /// Pixels that lie over the picture's lower edge: the buttons that zoom, the bar of what stands there,
    /// and the word about a visit or what is offered to be played.
    pub(super) fn lower_edge(&self) -> f64 {
        let told = self.flows.is_empty() && !self.terminals.has_lines();
        if self.share.embed {
            0.0
        } else if self.share.aside || (self.share.visiting() && told) {
            VISIT
        } else if self.first_flow_offered().is_some_and(|f| f.title != super::first::HOME.2) {
            INVITATION
        } else {
            BAR
        }
    }

    /// The beginning makes room for what somebody has turned to.
    pub(super) fn leave_start(&mut self, to: Pane) {
        if self.settings.pane == Pane::Start {
            self.settings.pane = to;
        }
    }

    /// Back to the own lab.
    pub(super) fn go_home(&mut self) {
        self.leave_start(Pane::Terminal);
        self.dialog = None;
        if self.in_lesson() {
            self.course(Course::Leave);
        } else if self.share.visiting() {
            self.share(ShareAction::Home);
        } else {
            self.toast("toast.mine", "", false);
        }
    }

    /// The own lab that another one replaced, if it opens.
    fn put_aside(&self) -> Option<Lab> {
        let lab = self.store.get(KEEP_BEFORE).and_then(|text| Lab::from_json(&text).ok());
        lab.filter(|lab| *lab != self.lab)
    }

    /// Brings back what was put aside; what is on the screen is put aside for it.
    pub(super) fn bring_back(&mut self) {
        if let Some(lab) = self.put_aside() {
            self.share.aside = false;
            self.open_lab(lab, "toast.brought_back");
        }
    }

    /// Keeps the own lab that is about to be replaced, unless it is one of the gallery's.
    pub(super) fn keep_aside(&mut self) {
        let lab = &self.lab;
        let ready = Lab::builtin_names().iter().any(|n| Lab::builtin(n).as_ref() == Some(lab));
        if !ready && !self.is_away() {
            self.store.set(KEEP_BEFORE, &lab.to_json());
        }
    }

    /// The reader's own labs, for the gallery.
    pub(super) fn own_cards(&self) -> Vec<Card> {
        let mine = self.course.mine().or(self.share.mine()).unwrap_or(&self.lab);
        let before = self.put_aside();
        let cards = [Some(card("mine", mine)), before.as_ref().map(|lab| card("before", lab))];
        cards.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::gallery::LabAction;
    use super::super::store::Memory;
    use super::super::{Action, Dialog, Theme};
    use super::*;
    use crate::explain::Lang;
    use crate::lab::Edit;

    fn open() -> App {
        App::new(Box::new(Memory::default()), (Lang::En, Theme::Light)).unwrap()
    }

    fn offered(app: &mut App) -> Vec<&'static str> {
        app.act(Action::Lab(LabAction::Gallery));
        let Some(Dialog::Gallery(cards)) = app.dialog.take() else { panic!("no gallery") };
        cards.iter().map(|c| c.name).collect()
    }

    #[test]
    fn the_first_lesson_is_the_first_of_the_list() {
        let path = format!("{}/lessons/index.json", env!("CARGO_MANIFEST_DIR"));
        let index: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(index[0]["id"], FIRST_LESSON);
    }

    #[test]
    fn the_beginning_is_seen_first_and_gives_way_to_whatever_one_turns_to() {
        let mut app = open();
        let front = app.front().expect("the beginning");
        assert_eq!((front.lesson.as_str(), front.done, front.before), (FIRST_LESSON, (0, 0), false));
        app.act(Action::FirstFlow);
        assert!(app.front().is_none());
        app.act(Action::Pane(Pane::Start));
        assert!(app.front().is_some());
        app.act(Action::Select(Some(super::super::Selection::Node("router".into()))));
        assert_eq!(app.settings.pane, Pane::Inspector);
    }

    #[test]
    fn an_own_lab_that_another_replaces_is_put_aside_and_comes_back() {
        let mut app = open();
        assert!(offered(&mut app).starts_with(&["mine", "home"]));
        app.act(Action::Lab(LabAction::Open("dns")));
        assert!(!offered(&mut app).contains(&"before"), "a ready lab is nobody's own");
        app.edit(&Edit::MoveNode { id: app.lab.nodes[0].id.clone(), pos: (7, 7) });
        let mine = app.lab.clone();
        app.act(Action::Lab(LabAction::Open("home")));
        assert!(offered(&mut app).starts_with(&["mine", "before"]));
        app.act(Action::Lab(LabAction::Before));
        assert_eq!(app.lab, mine);
        assert!(app.front().is_none());
    }
}
