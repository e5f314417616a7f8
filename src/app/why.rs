//! "Why?" on the page: what was found about lines that failed, what is shown of it, and the way out.
//! And "How?": the same of a line that worked, found out when somebody asks.

use super::scene::Rect;
use super::{Action, App, Pane};
use crate::explain::why::{Diagnosis, Remedy, diagnose, how, went_out};
use crate::explain::{Lang, text};
use crate::netfilter::NfStep;
use crate::session::JobId;
use crate::stack::{DropReason, Record, Step};
use std::collections::{BTreeMap, VecDeque};

/// Diagnoses kept; the oldest goes first.
const MOST: usize = 30;
/// Lines that worked, and can be asked about.
const MOST_WORKED: usize = 200;

/// A line that failed, explained.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// Which.
    pub job: JobId,
    /// Why.
    pub found: Diagnosis,
}

/// All that was explained, and what is open.
#[derive(Debug, Clone, Default)]
pub struct Whys {
    all: VecDeque<Explained>,
    /// Lines that worked and sent something.
    worked: VecDeque<JobId>,
    /// What was told last of one of them.
    how: Option<Explained>,
    open: Option<JobId>,
    /// Lines of a way out that wait for the one before them: its job, then places and lines.
    waiting: Option<(JobId, VecDeque<(String, String)>)>,
    /// Lines that wait until an edit has had its effects.
    later: Option<VecDeque<(String, String)>>,
    /// The attempt that is made again after something was mended.
    again: Option<JobId>,
    /// What is behind the causes, by key, in this language; loaded when somebody asks.
    behind: Option<(Lang, BTreeMap<String, String>)>,
}

/// One line of the walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepLine {
    /// What happened.
    pub words: String,
    /// The rule that decided, as `iptables-save` writes it.
    pub entry: Option<String>,
    /// Its record.
    pub seq: u64,
}

/// What happened at one place of the walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// `docker-host:web`.
    pub place: String,
    /// In order.
    pub lines: Vec<StepLine>,
}

/// What is shown of an open explanation.
#[derive(Debug, Clone, PartialEq)]
pub struct WhyView {
    /// The line that failed.
    pub job: JobId,
    /// As it was typed.
    pub line: String,
    /// Where it went wrong.
    pub place: String,
    /// The cause in one sentence.
    pub sentence: String,
    /// The way there; it went wrong at the last line of the last one.
    pub hops: Vec<Hop>,
    /// It worked: this tells how.
    pub worked: bool,
    /// There is a moment of the timeline that shows it.
    pub has_hop: bool,
    /// What the way out types or changes; None: there is none.
    pub remedy: Option<Vec<String>>,
    /// It is typed; otherwise it is a change of the lab that no command makes.
    pub typed: bool,
    /// What is typed then, if it is another line than the one that failed.
    pub instead: Option<String>,
    /// What is behind it, once that is loaded.
    pub behind: Option<String>,
    /// The lesson that teaches it: id, and its title where the list of lessons is there.
    pub lesson: Option<(String, Option<String>)>,
}

impl Whys {
    /// The lines that have an explanation.
    pub fn jobs(&self) -> Vec<JobId> {
        self.all.iter().map(|e| e.job).collect()
    }
    /// The lines that worked, and can be asked about.
    pub fn worked(&self) -> Vec<JobId> {
        self.worked.iter().copied().collect()
    }
    /// The line whose explanation is open.
    pub fn open(&self) -> Option<JobId> {
        self.open
    }
    /// Nothing is explained any more.
    pub(super) fn close(&mut self) {
        self.open = None;
    }
    /// The line whose packet met its end at one of these records.
    pub fn at(&self, first: u64, last: u64) -> Option<JobId> {
        self.all.iter().rev().find(|e| (first..=last).contains(&e.found.spot.seq)).map(|e| e.job)
    }
    fn find(&self, job: JobId) -> Option<&Explained> {
        self.all.iter().chain(&self.how).find(|e| e.job == job)
    }
    /// Where the texts on what is behind the causes lie.
    fn behind_file(lang: Lang) -> String {
        format!("locales/{}/background.json", lang.tag())
    }
}

impl App {
    /// A line ended: if it failed, why? The state is looked at now, before anything mends it.
    pub(super) fn note_why(&mut self, job: JobId) {
        let live = self.timeline.live();
        let Some(ended) = live.job(job) else { return };
        let found = diagnose(live, ended);
        // What is explained is not what is the matter any more.
        if (found.is_some() || went_out(live, ended)) && self.whys.open.is_some_and(|open| open < job) {
            self.whys.open = None;
        }
        let live = self.timeline.live();
        if let Some(found) = found {
            if self.whys.all.len() == MOST {
                self.whys.all.pop_front();
            }
            self.whys.all.push_back(Explained { job, found });
        } else if went_out(live, ended) {
            if self.whys.worked.len() == MOST_WORKED {
                self.whys.worked.pop_front();
            }
            self.whys.worked.push_back(job);
        }
        self.go_on_mending(job);
    }

    /// What is open, in words.
    pub fn why_view(&self) -> Option<WhyView> {
        self.view_of(self.whys.find(self.whys.open?)?)
    }

    /// Of a guest on another page, where nothing is opened: the line that the flow shown is about.
    pub fn why_shown(&self) -> Option<WhyView> {
        let flow = self.flows.current()?;
        let live = self.timeline.live();
        let of_flow =
            |e: &&Explained| live.job(e.job).is_some_and(|j| j.place == flow.place && j.line == flow.line);
        self.view_of(self.whys.all.iter().rev().find(of_flow)?)
    }

    fn view_of(&self, Explained { job, found }: &Explained) -> Option<WhyView> {
        let (live, lang) = (self.timeline.live(), self.settings.lang);
        let line = live.job(*job).map(|j| j.line.clone()).unwrap_or_default();
        let behind = self.whys.behind.as_ref().filter(|(of, _)| *of == lang);
        let title = |id: &str| {
            let entry = self.course.index.iter().find(|e| e.id == id)?;
            let number = entry.number.to_string();
            let kind = if id.starts_with("clinic-") { "course.case" } else { "course.lesson" };
            Some(format!("{}: {}", text(lang, kind, &[("n", &number)]), entry.title(lang)))
        };
        Some(WhyView {
            job: *job,
            place: found.spot.place.clone(),
            sentence: found.sentence(live, lang),
            hops: self.hops(found),
            worked: self.whys.worked.contains(job),
            has_hop: self.hop_of(found.spot.seq).is_some(),
            typed: !matches!(found.fix.as_ref().map(|f| &f.remedy), Some(Remedy::Edit(_))),
            remedy: found.fix.as_ref().map(crate::explain::why::Fix::shown),
            instead: found.fix.as_ref().map(|f| f.again.1.clone()).filter(|l| *l != line),
            behind: behind.and_then(|(_, texts)| texts.get(&found.cause.background_key()).cloned()),
            lesson: found.cause.lesson().map(|id| (id.to_owned(), title(id))),
            line,
        })
    }

    /// The walk, place by place.
    fn hops(&self, found: &Diagnosis) -> Vec<Hop> {
        let (live, lang) = (self.timeline.live(), self.settings.lang);
        let mut hops: Vec<Hop> = Vec::new();
        for (seq, place, words) in found.steps(live, lang) {
            let rule = live.world.log.get(seq).and_then(|r| self.rule_at(&r));
            let (words, entry) = match rule {
                Some(rule) if words.contains(&rule) => {
                    (words.replacen(&rule, "", 1).trim_end_matches([' ', ':']).to_owned(), Some(rule))
                }
                _ => (words, None),
            };
            let line = StepLine { words, entry, seq };
            match hops.last_mut() {
                Some(hop) if hop.place == place => {
                    // That a rule matched and that the packet ended there is one line.
                    let same = |l: &StepLine| l.entry.is_some() && l.entry == line.entry;
                    hop.lines.pop_if(|l| same(l));
                    hop.lines.push(line);
                }
                _ => hops.push(Hop { place, lines: vec![line] }),
            }
        }
        hops
    }

    /// The rule that decided at a record.
    fn rule_at(&self, record: &Record) -> Option<String> {
        let rule = match record.step {
            Step::Nf(NfStep::Matched { rule, .. }) => rule,
            Step::Dropped {
                reason: DropReason::Rule { rule, .. } | DropReason::Rejected { rule, .. },
                ..
            } => rule,
            _ => return None,
        };
        let ns = self.timeline.live().world.namespace(record.ns)?;
        Some(ns.nf.rule_text(rule).to_owned()).filter(|text| !text.is_empty())
    }

    /// The line that is explained by what is seen now on the timeline.
    pub fn why_here(&self) -> Option<JobId> {
        let beat = self.flows.current()?.schedule.beats.get(self.flows.beat()?)?;
        self.whys.at(beat.first_seq, beat.last_seq)
    }

    /// Where it went wrong, while an explanation is open: boxes that light up on the picture.
    pub fn why_lights(&self) -> Vec<Rect> {
        let Some(found) = self.whys.open.and_then(|job| self.whys.find(job)).map(|e| &e.found) else {
            return Vec::new();
        };
        let nodes = &self.shown.scene.nodes;
        let place = &found.spot.place;
        let node = nodes.iter().find(|n| n.id == *place);
        let container = || nodes.iter().flat_map(|n| &n.containers).find(|c| c.place == *place);
        let chip = node.and_then(|n| n.gate.as_ref()).zip(found.spot.hook).and_then(|(gate, hook)| {
            let chip = gate.chips.iter().find(|(stage, _)| *stage == super::scene::Stage::Hook(hook))?;
            Some(chip.1)
        });
        let place = node.map(|n| n.rect).or_else(|| container().map(|c| c.rect));
        place.into_iter().chain(chip).collect()
    }

    /// The place that an open explanation speaks of.
    pub(super) fn why_place(&self) -> Option<&str> {
        let found = self.whys.find(self.whys.open?)?;
        Some(&found.found.spot.place)
    }

    /// Flow and beat that show a record.
    fn hop_of(&self, seq: u64) -> Option<(usize, usize)> {
        self.flows.all.iter().enumerate().rev().find_map(|(i, flow)| {
            let beats = &flow.schedule.beats;
            let at = beats.iter().position(|b| (b.first_seq..=b.last_seq).contains(&seq))?;
            Some((i, at))
        })
    }

    pub(super) fn why(&mut self, action: Action) {
        match action {
            Action::Why(None) => {
                self.whys.open = None;
                self.camera.go_along();
            }
            Action::Why(Some(job)) => {
                let Some(place) = self.timeline.live().job(job).map(|j| j.place.clone()) else { return };
                self.explain(job);
                // The line that is explained is seen, too.
                self.terminals.go(&place);
            }
            Action::WhyHop(job) => {
                if let Some(seq) = self.whys.find(job).map(|e| e.found.spot.seq) {
                    self.show_record(seq);
                }
            }
            Action::WhyAt(seq) => self.show_record(seq),
            Action::WhyMend(job) => self.mend(job),
            _ => {}
        }
    }

    /// Opens the explanation of a line.
    fn explain(&mut self, job: JobId) {
        let live = self.timeline.live();
        if self.whys.worked.contains(&job)
            && let Some(found) = live.job(job).and_then(|j| how(live, j))
        {
            self.whys.how = Some(Explained { job, found });
        }
        if self.whys.find(job).is_none() {
            return;
        }
        self.whys.open = Some(job);
        self.selection = None;
        self.settings.pane = Pane::Inspector;
        self.make_room();
        self.want_behind();
        self.aim_at_why();
    }

    /// On a small screen the place comes near.
    pub(super) fn aim_at_why(&mut self) {
        if let Some(light) = self.why_lights().first() {
            self.camera.show(light);
        }
    }

    /// What lights up worked: it lights up in another colour.
    pub fn lights_worked(&self) -> bool {
        self.whys.open.is_some_and(|job| self.whys.worked.contains(&job))
    }

    /// Asks for the texts on what is behind the causes, in the reader's language.
    pub(super) fn want_behind(&mut self) {
        let lang = self.settings.lang;
        if self.whys.open.is_some() && self.whys.behind.as_ref().is_none_or(|(of, _)| *of != lang) {
            self.course.want(&Whys::behind_file(lang));
            self.course.want_index();
        }
    }

    /// A file came: is it that of the texts behind the causes? Then they are kept.
    pub(super) fn behind_came(&mut self, file: &str, text: &str) -> bool {
        let lang = [Lang::En, Lang::Ko].into_iter().find(|l| Whys::behind_file(*l) == file);
        // Without it the sentence and the walk are there all the same.
        let texts = lang.zip(serde_json::from_str(text).ok());
        self.whys.behind = texts.or_else(|| self.whys.behind.take());
        lang.is_some()
    }

    /// Goes to the moment of a record.
    fn show_record(&mut self, seq: u64) {
        let Some((flow, beat)) = self.hop_of(seq) else { return };
        self.flows.shown = flow;
        self.camera.go_along();
        self.carry_out(Action::SeekBeat(beat));
    }

    /// Does what mends it, and tries again.
    fn mend(&mut self, job: JobId) {
        let Some(fix) = self.whys.find(job).and_then(|e| e.found.fix.clone()) else { return };
        let mut lines: VecDeque<(String, String)> = match fix.remedy {
            Remedy::Lines(ref lines) => lines.clone().into(),
            Remedy::Retry => VecDeque::new(),
            Remedy::Edit(ref edit) => {
                let title = fix.shown().concat();
                if !self.edit_to_watch(edit, &fix.again.0, &title) {
                    return;
                }
                VecDeque::new()
            }
        };
        let edited = matches!(fix.remedy, Remedy::Edit(_));
        lines.push_back(fix.again);
        self.whys.open = None;
        self.camera.go_along();
        self.settings.pane = Pane::Terminal;
        if edited {
            // What the change sets going, as DHCP at a new cable, comes to its end first.
            self.whys.later = Some(lines);
        } else {
            self.type_next(lines);
        }
    }

    fn type_next(&mut self, mut lines: VecDeque<(String, String)>) {
        let Some((place, line)) = lines.pop_front() else { return };
        let job = self.type_line(&place, &line);
        if lines.is_empty() {
            self.whys.again = job;
        } else if let Some(job) = job {
            self.whys.waiting = Some((job, lines));
        }
    }

    /// A line of a way out is done: the next one, unless it failed.
    fn go_on_mending(&mut self, job: JobId) {
        if self.whys.waiting.as_ref().is_none_or(|(waits, _)| *waits != job) {
            return;
        }
        let Some((_, lines)) = self.whys.waiting.take() else { return };
        if self.timeline.live().job(job).is_some_and(|j| j.exit == Some(0)) {
            self.type_next(lines);
        }
    }

    /// The attempt after the mending has come to its end, and that is seen: a word about it. If
    /// something else is wrong, that is explained next.
    pub(super) fn follow_why(&mut self) {
        if self.busy || !self.flows.is_now() {
            return;
        }
        if let Some(lines) = self.whys.later.take() {
            return self.type_next(lines);
        }
        let Some(job) = self.whys.again else { return };
        let Some(exit) = self.timeline.live().job(job).and_then(|j| j.exit) else { return };
        self.whys.again = None;
        if exit == 0 {
            self.toast("toast.mended", "", false);
        } else {
            self.explain(job);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Theme;
    use crate::app::store::Memory;
    use crate::explain::Lang;

    fn settle(app: &mut App) {
        for _ in 0..2_000 {
            while app.run_slice() {}
            if !app.busy {
                break;
            }
            app.act(Action::ToEnd);
        }
        app.act(Action::ToEnd);
    }

    #[test]
    fn a_line_that_worked_is_told_when_somebody_asks_and_one_that_sends_nothing_is_not() {
        let mut app = App::new(Box::new(Memory::default()), (Lang::En, Theme::Light)).unwrap();
        for line in ["docker ps", "ping -c 1 93.184.216.34"] {
            app.act(Action::Run { place: "docker-host".into(), line: line.into() });
            settle(&mut app);
        }
        let line = |job: &JobId| app.live().job(*job).map(|j| j.line.clone()).unwrap_or_default();
        let worked = app.whys.worked();
        assert!(worked.iter().all(|job| line(job) != "docker ps"), "it sends nothing");
        let job = *worked.iter().find(|job| line(job).starts_with("ping")).expect("it sent something");
        assert!(app.whys.jobs().is_empty());
        app.act(Action::Why(Some(job)));
        let view = app.why_view().expect("it is told");
        assert!(view.worked && view.has_hop && view.remedy.is_none(), "{view:?}");
        assert!(view.sentence.contains("router"), "{}", view.sentence);
        assert_eq!(view.hops.last().map(|h| h.place.as_str()), Some("docker-host"));
        assert!(app.lights_worked() && !app.why_lights().is_empty());
    }

    #[test]
    fn what_mends_a_line_is_typed_then_the_line_again_and_undo_takes_it_back() {
        let mut app = App::new(Box::new(Memory::default()), (Lang::En, Theme::Light)).unwrap();
        let (place, line) = ("docker-host:shell", "ping -c 1 -W 1 10.0.0.2");
        app.act(Action::Run { place: place.into(), line: line.into() });
        settle(&mut app);
        let job = *app.whys.jobs().last().expect("a line that failed");
        app.act(Action::Why(Some(job)));
        let view = app.why_view().expect("an explanation");
        assert!(view.has_hop && view.sentence.contains("second-bridge"), "{view:?}");
        assert_eq!(view.place, "docker-host");
        assert_eq!(app.why_lights().len(), 2, "the host, and the hook whose rule it was");
        let rule = view.hops.last().and_then(|h| h.lines.last()).and_then(|l| l.entry.clone());
        assert!(rule.is_some_and(|r| r.ends_with("-j DROP")), "{:?}", view.hops);
        app.act(Action::WhyHop(job));
        assert_eq!(app.why_here(), Some(job));
        app.act(Action::WhyMend(job));
        settle(&mut app);
        let again = app.live().jobs().last().cloned().expect("the line again");
        assert!(app.toasts.iter().any(|t| t.key == "toast.mended"));
        assert_eq!((again.place.as_str(), again.line.as_str(), again.exit), (place, line, Some(0)));
        assert!(app.lab.commands.iter().any(|c| c.run == "docker network connect second-bridge shell"));
        app.act(Action::Undo);
        assert!(!app.lab.commands.iter().any(|c| c.run.contains("network connect")));
    }

    #[test]
    fn an_explanation_goes_when_something_else_is_the_matter_and_stays_while_one_looks_around() {
        let mut app = App::new(Box::new(Memory::default()), (Lang::En, Theme::Light)).unwrap();
        let run = |app: &mut App, line: &str| {
            app.act(Action::Run { place: "docker-host:shell".into(), line: line.into() });
            settle(app);
        };
        run(&mut app, "ping -c 1 -W 1 10.0.0.2");
        let job = app.whys.jobs()[0];
        app.act(Action::Why(Some(job)));
        run(&mut app, "ip route");
        assert_eq!(app.whys.open(), Some(job), "nothing was sent");
        run(&mut app, "ping -c 1 93.184.216.34");
        assert_eq!(app.whys.open(), None, "another line went out");
        app.act(Action::Why(Some(job)));
        let unplug = crate::lab::Edit::RemoveLink { node: "laptop".into(), port: "eth0".parse().unwrap() };
        assert!(app.edit(&unplug));
        assert_eq!(app.whys.open(), None, "the lab is another one");
    }
}
