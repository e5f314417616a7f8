//! The reader's lab across visits: kept after each edit, found again, never lost without a word.
//!
//! | name in the browser's storage | what it holds |
//! | --- | --- |
//! | `netpier.lab` | the lab, as of its last edit |
//! | `netpier.lab.last` | as of the edit before: what is opened if the newest cannot be read |
//! | `netpier.lab.before` | a lab that was replaced by a visited one, or by another tab |
//! | `netpier.lab.unread` | a lab that did not open, byte for byte |
//! | `netpier.opening` | how often in a row opening it has begun and not ended |

use super::gallery::Download;
use super::store::Storage;
use super::{App, Dialog};
use crate::lab::{Lab, LabError};
use crate::session::Session;

/// The reader's own lab.
pub(super) const KEEP_LAB: &str = "netpier.lab";
/// Put aside for another.
pub(super) const KEEP_BEFORE: &str = "netpier.lab.before";
const KEEP_LAST: &str = "netpier.lab.last";
const KEEP_UNREAD: &str = "netpier.lab.unread";
const KEEP_OPENING: &str = "netpier.opening";
/// A lab that did not come to be painted so many times is not opened again by itself.
const TRIES: u32 = 2;

/// Why the kept lab is not the one on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// It cannot be read, or one of its commands fails; the core's words.
    Unreadable(String),
    /// The page ended while it was being opened, more than once.
    Crashed,
}

/// What this page knows of the store.
#[derive(Debug, Default)]
pub(super) struct State {
    /// What was read or written last: if something else is there, another tab wrote it.
    seen: Option<String>,
    /// The last writing failed, and the reader was told.
    refused: bool,
    /// Another tab's writing was spoken of.
    told: bool,
    /// The lab is on the screen.
    opened: bool,
}

/// What is done about a lab that did not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepAction {
    /// To a file, as it was kept.
    SaveUnread,
    /// Tries it once more.
    Retry,
    /// Another tab wrote.
    Elsewhere,
    /// It has been painted: opening it has ended well.
    Opened,
}

/// What was found in the store.
#[derive(Default)]
pub(super) struct Found {
    /// The reader's lab, opened; without one it is `home`.
    pub(super) lab: Option<(Lab, Session)>,
    /// Commands of it that failed, and are in it no more.
    pub(super) left_out: Vec<LabError>,
    /// Why it is not the one that was kept last.
    pub(super) lost: Option<Lost>,
    pub(super) state: State,
}

/// Opens what is kept; else what was kept before it.
pub(super) fn open(store: &mut dyn Storage) -> Found {
    let kept = store.get(KEEP_LAB);
    let state = State { seen: kept.clone(), ..State::default() };
    let Some(text) = kept else { return Found { state, ..Found::default() } };
    let tries = store.get(KEEP_OPENING).and_then(|n| n.parse().ok()).unwrap_or(0);
    if tries >= TRIES {
        store.set(KEEP_UNREAD, &text);
        store.remove(KEEP_OPENING);
        return Found { lost: Some(Lost::Crashed), state, ..Found::default() };
    }
    store.set(KEEP_OPENING, &(tries + 1).to_string());
    let read = |text: &str| {
        let mut lab = Lab::from_json(text)?;
        lab.boot_without_failing().map(|(session, left_out)| ((lab, session), left_out))
    };
    match read(&text) {
        Ok((lab, left_out)) => {
            if !left_out.is_empty() {
                store.set(KEEP_UNREAD, &text);
            }
            Found { lab: Some(lab), left_out, lost: None, state }
        }
        Err(error) => {
            store.set(KEEP_UNREAD, &text);
            let last = store.get(KEEP_LAST).and_then(|text| read(&text).ok());
            let (lab, left_out) = last.map_or((None, Vec::new()), |(lab, out)| (Some(lab), out));
            Found { lab, left_out, lost: Some(Lost::Unreadable(error.to_string())), state }
        }
    }
}

impl App {
    /// Keeps the lab on the screen as the reader's own. What another tab wrote meanwhile is put aside.
    pub(super) fn keep_lab(&mut self) {
        let text = self.lab.to_json();
        let there = self.store.get(KEEP_LAB);
        if let Some(other) = there.as_ref().filter(|t| self.keep.seen.as_ref() != Some(t) && **t != text) {
            self.store.set(KEEP_BEFORE, other);
            self.toast("toast.other_tab_aside", "", true);
        } else if let Some(last) = there.filter(|last| *last != text) {
            // Where there is no room for both, the newest comes first.
            if !self.store.set(KEEP_LAST, &last) {
                self.store.remove(KEEP_LAST);
            }
        }
        if self.store.set(KEEP_LAB, &text) {
            self.keep.seen = Some(text);
            (self.keep.refused, self.keep.told) = (false, false);
        } else if !std::mem::replace(&mut self.keep.refused, true) {
            self.toast("toast.not_saved", "", true);
        }
    }

    /// Would the newest edits be lost if the page closed now?
    pub fn is_unsaved(&self) -> bool {
        self.keep.refused
    }

    pub(super) fn keeping(&mut self, action: KeepAction) {
        match action {
            KeepAction::Opened => {
                if !std::mem::replace(&mut self.keep.opened, true) {
                    self.store.remove(KEEP_OPENING);
                }
            }
            KeepAction::Elsewhere => {
                let there = self.store.get(KEEP_LAB);
                let mine = there == self.keep.seen || self.in_lesson() || self.share.visiting();
                if !mine && !std::mem::replace(&mut self.keep.told, true) {
                    self.toast("toast.other_tab", "", false);
                }
            }
            KeepAction::SaveUnread => {
                if let Some(text) = self.store.get(KEEP_UNREAD) {
                    let name = "kept.netpier.json".to_owned();
                    self.outbox = Some(Download { name, mime: "application/json", bytes: text.into_bytes() });
                }
            }
            KeepAction::Retry => {
                let text = self.store.get(KEEP_UNREAD).unwrap_or_default();
                match Lab::from_json(&text) {
                    Ok(lab) => self.open_lab(lab, "toast.opened"),
                    Err(error) => self.dialog = Some(Dialog::Lost(Lost::Unreadable(error.to_string()))),
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_types)] // Rc: pages share one store, as tabs do
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::super::store::Memory;
    use super::super::{Action, Arrange, Selection, Theme};
    use super::*;
    use crate::explain::Lang;

    /// The store of a browser: tabs share it, it can be full, it can end in the middle of a write.
    #[derive(Clone, Default)]
    struct Browser(Rc<RefCell<(Memory, bool)>>);

    impl Storage for Browser {
        fn get(&self, key: &str) -> Option<String> {
            self.0.borrow().0.get(key)
        }
        fn set(&mut self, key: &str, value: &str) -> bool {
            let (memory, full) = &mut *self.0.borrow_mut();
            !*full && memory.set(key, value)
        }
        fn remove(&mut self, key: &str) {
            self.0.borrow_mut().0.remove(key);
        }
    }

    fn tab(browser: &Browser) -> App {
        let mut app = App::new(Box::new(browser.clone()), (Lang::En, Theme::Light)).expect("the page opens");
        app.act(Action::Keep(KeepAction::Opened));
        app
    }

    fn nudge(app: &mut App) {
        let id = app.lab.nodes[0].id.clone();
        app.act(Action::Select(Some(Selection::Node(id))));
        app.act(Action::Arrange(Arrange::Nudge(40, 0)));
    }

    #[test]
    fn a_write_that_ended_in_the_middle_costs_one_edit_and_the_rest_stays_to_be_saved() {
        let mut browser = Browser::default();
        let mut app = tab(&browser);
        nudge(&mut app);
        let before = app.lab.clone();
        nudge(&mut app);
        let whole = browser.get(KEEP_LAB).expect("it is kept");
        let cut = &whole[..whole.len() / 2];
        browser.set(KEEP_LAB, cut);
        let mut again = tab(&browser);
        assert_eq!(again.lab, before);
        assert!(matches!(again.dialog, Some(Dialog::Lost(Lost::Unreadable(_)))));
        again.act(Action::Keep(KeepAction::SaveUnread));
        assert_eq!(again.take_download().expect("a file").bytes, cut.as_bytes());
    }

    #[test]
    fn a_lab_that_ends_the_page_is_not_opened_for_ever() {
        let browser = Browser::default();
        nudge(&mut tab(&browser));
        let open = || App::new(Box::new(browser.clone()), (Lang::En, Theme::Light)).expect("the page opens");
        let kept = open().lab;
        assert_eq!(open().lab, kept, "once may have been the reader's impatience");
        let mut app = open();
        assert_eq!((app.lab.name.as_str(), &app.dialog), ("home", &Some(Dialog::Lost(Lost::Crashed))));
        app.act(Action::Keep(KeepAction::Retry));
        assert_eq!(app.lab, kept);
    }

    #[test]
    fn what_another_tab_wrote_is_put_aside_and_said_so() {
        let browser = Browser::default();
        let (mut one, mut two) = (tab(&browser), tab(&browser));
        nudge(&mut one);
        nudge(&mut one);
        two.act(Action::Keep(KeepAction::Elsewhere));
        assert_eq!(two.toasts.last().map(|t| t.key), Some("toast.other_tab"));
        nudge(&mut two);
        assert_eq!(two.toasts.last().map(|t| t.key), Some("toast.other_tab_aside"));
        assert_eq!(browser.get(KEEP_LAB), Some(two.lab.to_json()));
        assert_eq!(browser.get(KEEP_BEFORE), Some(one.lab.to_json()));
    }

    #[test]
    fn a_full_store_is_said_once_and_keeps_what_it_has() {
        let browser = Browser::default();
        let mut app = tab(&browser);
        nudge(&mut app);
        let kept = browser.get(KEEP_LAB);
        browser.0.borrow_mut().1 = true;
        nudge(&mut app);
        assert!(app.is_unsaved());
        assert_eq!(
            (browser.get(KEEP_LAB), app.toasts.last().map(|t| t.key)),
            (kept, Some("toast.not_saved"))
        );
        browser.0.borrow_mut().1 = false;
        nudge(&mut app);
        assert!(!app.is_unsaved());
    }
}
