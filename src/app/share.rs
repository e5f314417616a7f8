//! Links, visits, exports. A lab that a link brought is a visit: the reader's own stays where it
//! is kept until they edit the visited one or say that they want it.

use super::gallery::Download;
use super::keep::KEEP_BEFORE;
use super::view::Drag;
use super::{App, Dialog, Pane};
use crate::explain::Lang;
use crate::lab::share::{Link, LinkError};
use crate::lab::{Lab, capture, script};

/// What is done about links and files.
#[derive(Debug, Clone, PartialEq)]
pub enum ShareAction {
    /// Opens the dialog.
    Open,
    /// What goes with the link.
    With {
        /// The line that is shown.
        line: bool,
        /// The moment.
        moment: bool,
        /// It leads to the lesson that is open, not to a lab.
        lesson: bool,
    },
    /// Something was copied.
    Copied,
    /// The fragment of the page's address, at the start or when it changes.
    Visit(String),
    /// The visited lab becomes the reader's own.
    Keep,
    /// Back to the own lab.
    Home,
    /// It was seen that the own lab is put aside.
    Seen,
    /// The docker commands, as a file.
    Script,
    /// What crossed the wires in the flow shown, as a file.
    Capture,
    /// A capture that a program wrote at the terminal's place: its path.
    File(String),
    /// A picture could not be made.
    NoPicture,
}

/// The dialog.
#[derive(Debug, Clone, PartialEq)]
pub struct ShareForm {
    /// The line of the flow that is shown, if there is one.
    pub line: Option<String>,
    /// It goes with the link.
    pub with_line: bool,
    /// The moment goes with the link.
    pub with_moment: bool,
    /// The title of the lesson that is open, if one is.
    pub lesson: Option<String>,
    /// The link names the lesson, instead of carrying the lab.
    pub as_lesson: bool,
    /// What stands behind `#`.
    pub fragment: String,
    /// The same for a guest on another page.
    pub embed: String,
    /// A file's name, without its ending.
    pub file: String,
}

/// A moment that a link names.
#[derive(Debug, Clone, Copy)]
struct Seek {
    /// Which flow, by its number.
    flow: usize,
    /// Nanoseconds after its first packet.
    at: u64,
    /// Line of the packet list, and moments after it.
    packet: Option<(usize, usize)>,
}

/// Links and visits.
#[derive(Debug, Default)]
pub struct State {
    /// The page is a guest on another page.
    pub embed: bool,
    /// A visit: the reader's own lab, and the visited one as it came.
    visit: Option<(Lab, Lab)>,
    /// A link to a lesson, until that is open and its steps are made.
    later: Option<Link>,
    /// Once the flow has this moment the playhead stops there.
    seek: Option<Seek>,
    /// The page's address is to lose its fragment.
    forget: bool,
    /// The own lab was put aside for a visited one, and nothing was said to that yet.
    pub aside: bool,
}

impl State {
    /// Is the lab on the screen a visited one?
    pub fn visiting(&self) -> bool {
        self.visit.is_some() && !self.embed
    }
    /// The reader's own lab, while another one is visited.
    pub(super) fn mine(&self) -> Option<&Lab> {
        self.visit.as_ref().map(|(mine, _)| mine)
    }
    /// Is the page's address to lose its fragment? Once.
    pub fn take_forget(&mut self) -> bool {
        std::mem::take(&mut self.forget)
    }
}

/// Bytes of a line that a link plays.
const MOST_LINE: usize = 4_096;

impl App {
    pub(super) fn share(&mut self, action: ShareAction) {
        match action {
            ShareAction::Open => self.show_link(true, true, true),
            ShareAction::With { line, moment, lesson } => self.show_link(line, moment, lesson),
            ShareAction::Copied => self.toast("toast.copied_link", "", false),
            ShareAction::Visit(fragment) => match Link::from_fragment(&fragment) {
                Ok(link) => self.visit(link),
                Err(error) => self.bad_link(&error),
            },
            ShareAction::Keep => self.adopt(),
            ShareAction::Home => {
                if let Some((mine, _)) = self.share.visit.take() {
                    self.share.forget = true;
                    self.opened = None;
                    self.reopen(mine);
                    self.camera.auto = true;
                }
            }
            ShareAction::Seen => self.share.aside = false,
            ShareAction::Script => {
                let bytes = script(&self.lab).into_bytes();
                self.hand_out("sh", "text/x-shellscript", bytes);
            }
            ShareAction::Capture => {
                let from = self.flows.current().and_then(|f| f.schedule.beats.first()).map(|b| b.first_seq);
                let bytes = capture::pcapng(self.live(), from.unwrap_or_default());
                self.hand_out("pcapng", "application/octet-stream", bytes);
            }
            ShareAction::File(path) => self.hand_out_capture(&path),
            ShareAction::NoPicture => self.toast("toast.no_picture", "", true),
        }
    }

    /// The captures that lie at the terminal's place (`tcpdump -w`), by path.
    pub fn captures(&self) -> Vec<String> {
        const MOST: usize = 3;
        let session = self.live();
        let machine = session.place(&self.terminals.place).ok().and_then(|m| session.world.machine(m));
        let Some(files) = machine.map(|m| &m.files) else { return Vec::new() };
        let found = files.paths().filter(|p| files.get(p).is_some_and(capture::is_pcap));
        found.take(MOST).map(str::to_owned).collect()
    }

    fn hand_out_capture(&mut self, path: &str) {
        let session = self.live();
        let machine = session.place(&self.terminals.place).ok().and_then(|m| session.world.machine(m));
        let file = machine.and_then(|m| m.files.get(path));
        let Some(bytes) = file.and_then(|f| capture::from_pcap(f, &self.terminals.place)) else { return };
        let name = path.rsplit('/').next().unwrap_or_default();
        let base = name.strip_suffix(".pcapng").or_else(|| name.strip_suffix(".pcap")).unwrap_or(name);
        let name = format!("{base}.pcapng");
        self.outbox = Some(Download { name, mime: "application/octet-stream", bytes });
    }

    fn hand_out(&mut self, ending: &str, mime: &'static str, bytes: Vec<u8>) {
        let name = format!("{}.{ending}", self.file_name());
        self.outbox = Some(Download { name, mime, bytes });
    }

    fn show_link(&mut self, with_line: bool, with_moment: bool, as_lesson: bool) {
        let flow = self.flows.current();
        let first = flow.and_then(|f| f.schedule.beats.first()).map(|b| b.at);
        let now = flow.zip(self.flows.beat()).map(|(f, i)| f.schedule.beats[i].at);
        let past = !self.flows.is_now();
        let run = flow.filter(|_| with_line).map(|f| (f.place.clone(), f.line.clone()));
        let at = first.zip(now).filter(|_| past && with_line && with_moment);
        let packet = at.and(flow).zip(self.flows.beat()).and_then(|(flow, beat)| {
            let line = flow.rows.iter().rposition(|r| r.beat <= beat)?;
            Some((line + 1, beat - flow.rows[line].beat))
        });
        let open = self.course.open.as_ref().map(|o| &o.lesson);
        let named = open.filter(|_| as_lesson);
        let mut link = Link {
            lab: named.is_none().then(|| self.lab.clone()),
            lesson: named.map(|l| l.id.clone()),
            at: at.map(|(first, now)| now.since(first).as_nanos()),
            packet,
            run,
            ..Link::default()
        };
        let lesson = open.map(|l| l.prose(self.settings.lang).title.clone());
        let line = flow.map(|f| f.line.clone());
        let fragment = link.to_fragment();
        link.embed = true;
        link.lang = Some(self.settings.lang.tag().to_owned());
        let embed = link.to_fragment();
        let file = self.file_name();
        let form = ShareForm { line, with_line, with_moment, lesson, as_lesson, fragment, embed, file };
        self.dialog = Some(Dialog::Share(Box::new(form)));
    }

    /// The lab's name, as far as a file's name takes it.
    fn file_name(&self) -> String {
        let base = if self.lab.name.is_empty() { "lab" } else { &self.lab.name };
        let safe = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
        base.chars().map(safe).take(80).collect()
    }

    fn bad_link(&mut self, error: &LinkError) {
        self.share.forget = true;
        self.toast("toast.bad_link", &error.to_string(), true);
    }

    /// Opens what a link names; what is on the screen stays if it does not open.
    fn visit(&mut self, link: Link) {
        self.share.embed |= link.embed;
        if link.embed {
            self.invited = true;
            match link.lang.as_deref() {
                Some("ko") => self.settings.lang = Lang::Ko,
                Some("en") => self.settings.lang = Lang::En,
                _ => {}
            }
            match link.theme.as_deref() {
                Some("light") => self.settings.theme = super::Theme::Light,
                Some("dark") => self.settings.theme = super::Theme::Dark,
                _ => {}
            }
            self.set_language();
        }
        if let Some(id) = link.lesson.clone() {
            self.share.later = Some(Link { lab: None, ..link.clone() });
            self.course(super::course::Course::Open(id));
        }
        let Some(lab) = link.lab else { return };
        self.leave_start(Pane::Terminal);
        if self.in_lesson() {
            self.course(super::course::Course::Leave);
        }
        let before = self.share.visit.take();
        let mine = before.clone().map_or_else(|| self.lab.clone(), |(mine, _)| mine);
        if lab != mine {
            // While there is a visit nothing is kept, so it begins before its lab is open.
            self.share.visit = Some((mine, lab.clone()));
            self.opened = Some(lab.clone());
            let screen = self.lab.clone();
            if !self.reopen(lab) {
                self.share.visit = before;
                return;
            }
            self.history.record(screen);
        } else if self.lab != mine {
            self.reopen(mine);
        }
        (self.selection, self.dialog) = (None, None);
        self.drag = None::<Drag>;
        self.camera.auto = true;
        if link.lesson.is_none() {
            self.play_linked(link.run, link.at, link.packet);
        }
    }

    fn play_linked(
        &mut self,
        run: Option<(String, String)>,
        at: Option<u64>,
        packet: Option<(usize, usize)>,
    ) {
        let Some((place, line)) = run else { return };
        if line.len() > MOST_LINE {
            self.toast("toast.line_too_long", &MOST_LINE.to_string(), true);
        } else if let Err(error) = self.live().place(&place) {
            let text = error.to_string();
            self.toast("toast.bad_link", &text, true);
        } else {
            self.share.seek = Some(Seek { flow: self.flows.all.len(), at: at.unwrap_or(0), packet });
            self.type_line(&place, &line);
            self.flows.player.playing = false;
        }
    }

    /// The lesson `id` is open. How many of its moves a link wants made.
    pub(super) fn linked_steps(&self, id: &str) -> Option<usize> {
        let link = self.share.later.as_ref().filter(|l| l.lesson.as_deref() == Some(id))?;
        Some(link.step.unwrap_or(0))
    }

    /// They are made: the line of the link is next.
    pub(super) fn linked_steps_made(&mut self) {
        if let Some(link) = self.share.later.take() {
            self.play_linked(link.run, link.at, link.packet);
        }
    }

    /// After the World went on: a link's moment has come.
    pub(super) fn seek_link(&mut self, quiet: bool) {
        let Some(Seek { flow, at, packet }) = self.share.seek else { return };
        let Some(flow) = self.flows.all.get(flow) else {
            if quiet {
                self.share.seek = None;
            }
            return;
        };
        let first = flow.schedule.beats.first().map(|b| b.at);
        let since = |t: crate::time::Instant| first.map_or(0, |f| t.since(f).as_nanos());
        let beats = &flow.schedule.beats;
        let last = beats.len().saturating_sub(1);
        let named = packet
            .and_then(|(line, after)| Some(flow.rows.get(line.checked_sub(1)?)?.beat.saturating_add(after)));
        let beat = match packet {
            Some(_) if named.is_some() => named.map(|b| b.min(last)),
            _ => beats.iter().rposition(|b| since(b.at) <= at),
        };
        let reached = quiet
            || match packet {
                Some((line, _)) => named.is_some_and(|b| b < last) && flow.rows.len() > line,
                None => beats.last().is_some_and(|b| since(b.at) > at),
            };
        let begin = at == 0 && packet.is_none();
        let stop = beat.filter(|_| reached).map(|i| if begin { 0.0 } else { beats[i].end() });
        // Until then the playhead runs ahead, so that the World goes on.
        self.flows.player.pos = stop.unwrap_or(flow.schedule.len());
        self.flows.player.playing = false;
        if stop.is_some() {
            self.share.seek = None;
        }
    }

    /// Is the lab on the screen a visited one that nobody edited? Then it is not kept. If it was
    /// edited it is the reader's own from now on, and the one before is put aside.
    pub(super) fn is_only_visited(&mut self) -> bool {
        if self.share.embed {
            return true;
        }
        match &self.share.visit {
            Some((_, theirs)) if *theirs == self.lab => true,
            Some((mine, _)) => {
                if *mine != self.lab {
                    self.store.set(KEEP_BEFORE, &mine.to_json());
                    self.share.aside = true;
                }
                self.share.visit = None;
                self.share.forget = true;
                false
            }
            None => false,
        }
    }

    fn adopt(&mut self) {
        if let Some((mine, _)) = self.share.visit.take() {
            self.store.set(KEEP_BEFORE, &mine.to_json());
            (self.share.forget, self.share.aside) = (true, true);
            self.keep_lab();
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_types)] // Rc: the test and the page look into one store
mod tests {
    use super::super::keep::KEEP_LAB;
    use super::super::store::{Memory, Storage};
    use super::super::{Action, Theme};
    use super::*;
    use crate::lab::Edit;
    use std::cell::RefCell;
    use std::rc::Rc;

    /// A store that the test can look into.
    #[derive(Clone, Default)]
    struct Seen(Rc<RefCell<Memory>>);

    impl Storage for Seen {
        fn get(&self, key: &str) -> Option<String> {
            self.0.borrow().get(key)
        }
        fn set(&mut self, key: &str, value: &str) -> bool {
            self.0.borrow_mut().set(key, value)
        }
        fn remove(&mut self, key: &str) {
            self.0.borrow_mut().remove(key);
        }
    }

    fn open() -> (App, Seen) {
        let seen = Seen::default();
        let mut app = App::new(Box::new(seen.clone()), (Lang::En, Theme::Light)).unwrap();
        let id = app.lab.nodes[0].id.clone();
        app.edit(&Edit::MoveNode { id, pos: (7, 7) });
        (app, seen)
    }

    fn link() -> String {
        Link { lab: Lab::builtin("dns"), ..Link::default() }.to_fragment()
    }

    fn visit(app: &mut App, fragment: &str) {
        app.act(Action::Share(ShareAction::Visit(fragment.to_owned())));
    }

    #[test]
    fn a_visit_leaves_the_own_lab_alone_until_it_is_edited() {
        let (mut app, seen) = open();
        let mine = app.lab.clone();
        visit(&mut app, &link());
        assert_eq!((&app.lab, app.share.visiting()), (&Lab::builtin("dns").unwrap(), true));
        assert_eq!(seen.get(KEEP_LAB), Some(mine.to_json()));
        let id = app.lab.nodes[0].id.clone();
        app.edit(&Edit::MoveNode { id, pos: (9, 9) });
        assert!(!app.share.visiting() && app.share.take_forget());
        assert_eq!(seen.get(KEEP_LAB), Some(app.lab.to_json()));
        assert_eq!(seen.get(KEEP_BEFORE), Some(mine.to_json()));
    }

    #[test]
    fn the_reader_goes_home_or_keeps_what_the_link_brought() {
        let (mut app, seen) = open();
        let mine = app.lab.clone();
        visit(&mut app, &link());
        app.act(Action::Share(ShareAction::Home));
        assert_eq!((&app.lab, seen.get(KEEP_LAB)), (&mine, Some(mine.to_json())));
        visit(&mut app, &link());
        app.act(Action::Share(ShareAction::Keep));
        assert_eq!(seen.get(KEEP_LAB), Some(Lab::builtin("dns").unwrap().to_json()));
    }

    #[test]
    fn a_bad_link_says_why_and_changes_nothing() {
        let (mut app, seen) = open();
        let mine = app.lab.clone();
        for bad in ["#lab=2.abc", "#lab=1.eJw", "#lab=<script>", "#lab=1.%00"] {
            visit(&mut app, bad);
            assert_eq!((&app.lab, app.share.visiting()), (&mine, false), "{bad}");
            assert!(app.toasts.iter().any(|t| t.bad && t.key == "toast.bad_link"), "{bad}");
        }
        assert_eq!(seen.get(KEEP_LAB), Some(mine.to_json()));
    }

    #[test]
    fn a_link_brings_its_line_and_stops_at_its_moment() {
        let (mut app, _) = open();
        app.act(Action::FirstFlow);
        while app.run_slice() {}
        for _ in 0..12 {
            app.act(Action::Step);
        }
        let shown = |app: &App| app.flows.current().unwrap().schedule.beats[app.flows.beat().unwrap()].at;
        let first = |app: &App| app.flows.current().unwrap().schedule.beats[0].at;
        let moment = shown(&app).since(first(&app));
        let beat = app.flows.beat();
        app.act(Action::Share(ShareAction::Open));
        let Some(Dialog::Share(form)) = app.dialog.clone() else { panic!("no dialog") };
        let mut other = open().0;
        visit(&mut other, &form.fragment);
        while other.run_slice() {}
        other.act(Action::Tick(50.0));
        assert!(!other.flows.player.playing);
        assert_eq!(shown(&other).since(first(&other)), moment);
        // Several things happen at one moment: it is the same one that is looked at.
        assert_eq!(other.flows.beat(), beat);
        // What is beyond the flow is its end.
        for packet in ["18446744073709551615.18446744073709551615", "1.18446744073709551615", "0", "-1.x"] {
            let mut third = open().0;
            visit(
                &mut third,
                &format!("#in=laptop&run=ping%20-c%201%20192.168.0.1&packet={packet}&lab=home"),
            );
            while third.run_slice() {}
            third.act(Action::Tick(50.0));
            assert!(!third.flows.player.playing, "{packet}");
        }
    }
}
