//! "Why?" on the page: what was found about lines that failed, what is shown of it, and the way out.

use super::{Action, App, Pane, Selection};
use crate::explain::why::{Diagnosis, Remedy, diagnose};
use crate::session::JobId;
use std::collections::VecDeque;

/// Diagnoses kept; the oldest goes first.
const MOST: usize = 30;

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
    open: Option<JobId>,
    /// Lines of a way out that wait for the one before them: its job, then places and lines.
    waiting: Option<(JobId, VecDeque<(String, String)>)>,
}

/// What is shown of an open explanation.
#[derive(Debug, Clone, PartialEq)]
pub struct WhyView {
    /// The line that failed.
    pub job: JobId,
    /// The cause in one sentence.
    pub sentence: String,
    /// The way there: place and words.
    pub steps: Vec<(String, String)>,
    /// There is a moment of the timeline that shows it.
    pub has_hop: bool,
    /// What the way out types or changes; None: there is none.
    pub remedy: Option<Vec<String>>,
    /// What is typed then, if it is another line than the one that failed.
    pub instead: Option<String>,
}

impl Whys {
    /// The lines that have an explanation.
    pub fn jobs(&self) -> Vec<JobId> {
        self.all.iter().map(|e| e.job).collect()
    }
    /// The line whose packet met its end at one of these records.
    pub fn at(&self, first: u64, last: u64) -> Option<JobId> {
        self.all.iter().rev().find(|e| (first..=last).contains(&e.found.spot.seq)).map(|e| e.job)
    }
    fn find(&self, job: JobId) -> Option<&Explained> {
        self.all.iter().find(|e| e.job == job)
    }
}

impl App {
    /// A line ended: if it failed, why? The state is looked at now, before anything mends it.
    pub(super) fn note_why(&mut self, job: JobId) {
        let live = self.timeline.live();
        if let Some(found) = live.job(job).and_then(|j| diagnose(live, j)) {
            if self.whys.all.len() == MOST {
                self.whys.all.pop_front();
            }
            self.whys.all.push_back(Explained { job, found });
        }
        self.go_on_mending(job);
    }

    /// What is open, in words.
    pub fn why_view(&self) -> Option<WhyView> {
        let Explained { job, found } = self.whys.find(self.whys.open?)?;
        let (live, lang) = (self.timeline.live(), self.settings.lang);
        let line = live.job(*job).map(|j| j.line.clone());
        let steps = found.steps(live, lang).into_iter().map(|(_, place, words)| (place, words)).collect();
        Some(WhyView {
            job: *job,
            sentence: found.sentence(live, lang),
            steps,
            has_hop: self.hop_of(found).is_some(),
            remedy: found.fix.as_ref().map(crate::explain::why::Fix::shown),
            instead: found.fix.as_ref().map(|f| f.again.1.clone()).filter(|l| Some(l) != line.as_ref()),
        })
    }

    /// The line that is explained by what is seen now on the timeline.
    pub fn why_here(&self) -> Option<JobId> {
        let beat = self.flows.current()?.schedule.beats.get(self.flows.beat()?)?;
        self.whys.at(beat.first_seq, beat.last_seq)
    }

    /// Flow and beat that show where it went wrong.
    fn hop_of(&self, found: &Diagnosis) -> Option<(usize, usize)> {
        let seq = found.spot.seq;
        self.flows.all.iter().enumerate().rev().find_map(|(i, flow)| {
            let beats = &flow.schedule.beats;
            let at = beats.iter().position(|b| (b.first_seq..=b.last_seq).contains(&seq))?;
            Some((i, at))
        })
    }

    pub(super) fn why(&mut self, action: Action) {
        match action {
            Action::Why(None) => self.whys.open = None,
            Action::Why(Some(job)) => {
                let Some(found) = self.whys.find(job).map(|e| e.found.clone()) else { return };
                self.whys.open = Some(job);
                // The explanation stands beneath the line, in its terminal.
                if let Some(place) = self.timeline.live().job(job).map(|j| j.place.clone()) {
                    self.terminals.go(&place);
                    self.settings.pane = Pane::Terminal;
                }
                self.light_up(&found.spot.place);
            }
            Action::WhyHop(job) => {
                let Some(found) = self.whys.find(job).map(|e| e.found.clone()) else { return };
                let Some((flow, beat)) = self.hop_of(&found) else { return };
                self.flows.shown = flow;
                self.carry_out(Action::SeekBeat(beat));
                self.light_up(&found.spot.place);
            }
            Action::WhyMend(job) => self.mend(job),
            _ => {}
        }
    }

    /// Selects the place, so that it is seen on the canvas.
    fn light_up(&mut self, place: &str) {
        if self.timeline.live().place(place).is_ok() {
            self.selection = Some(if place.contains(':') {
                Selection::Container(place.to_owned())
            } else {
                Selection::Node(place.to_owned())
            });
        }
    }

    /// Does what mends it, and tries again.
    fn mend(&mut self, job: JobId) {
        let Some(fix) = self.whys.find(job).and_then(|e| e.found.fix.clone()) else { return };
        let mut lines: VecDeque<(String, String)> = match fix.remedy {
            Remedy::Lines(lines) => lines.into(),
            Remedy::Retry => VecDeque::new(),
            Remedy::Edit(edit) => {
                if !self.edit(&edit) {
                    return;
                }
                VecDeque::new()
            }
        };
        lines.push_back(fix.again);
        self.whys.open = None;
        self.type_next(lines);
    }

    fn type_next(&mut self, mut lines: VecDeque<(String, String)>) {
        let Some((place, line)) = lines.pop_front() else { return };
        if let Some(job) = self.type_line(&place, &line).filter(|_| !lines.is_empty()) {
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
    fn what_mends_a_line_is_typed_then_the_line_again_and_undo_takes_it_back() {
        let mut app = App::new(Box::new(Memory::default()), (Lang::En, Theme::Light)).unwrap();
        let (place, line) = ("docker-host:shell", "ping -c 1 -W 1 10.0.0.2");
        app.act(Action::Run { place: place.into(), line: line.into() });
        settle(&mut app);
        let job = *app.whys.jobs().last().expect("a line that failed");
        app.act(Action::Why(Some(job)));
        let view = app.why_view().expect("an explanation");
        assert!(view.has_hop && view.sentence.contains("second-bridge"), "{view:?}");
        assert_eq!(app.selection, Some(Selection::Node("docker-host".into())));
        app.act(Action::WhyHop(job));
        assert_eq!(app.why_here(), Some(job));
        app.act(Action::WhyMend(job));
        settle(&mut app);
        let again = app.live().jobs().last().cloned().expect("the line again");
        assert_eq!((again.place.as_str(), again.line.as_str(), again.exit), (place, line, Some(0)));
        assert!(app.lab.commands.iter().any(|c| c.run == "docker network connect second-bridge shell"));
        app.act(Action::Undo);
        assert!(!app.lab.commands.iter().any(|c| c.run.contains("network connect")));
    }
}
