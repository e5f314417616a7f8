//! What each action does.

use super::changed;
use super::forms::{ContainerForm, IMAGES, NetworkForm};
use super::playback::{BeatKind, SPEEDS};
use super::terminal::{self, Entry};
use super::view::{Drag, Ware};
use super::{Action, App, Dialog, Flows, KEEP_LANG, KEEP_THEME, Pane, Selection, Theme};
use crate::explain::Lang;
use crate::lab::{Edit, Lab, LabCommand};
use crate::session::{JobId, Timeline};
use crate::sim::Progress;
use crate::time::{Duration, Instant};

/// Events that one slice handles: few, so that what runs without end does not run far ahead.
const SLICE_EVENTS: u64 = 64;
/// What is further away than this is not hurried to while programs only listen.
const PATIENCE: Duration = Duration::from_millis(500);

impl App {
    pub(super) fn carry_out(&mut self, action: Action) {
        match action {
            Action::Tick(_)
            | Action::TogglePlay
            | Action::Step
            | Action::Back
            | Action::ToStart
            | Action::ToEnd
            | Action::Seek(_)
            | Action::SeekBeat(_)
            | Action::NextSpeed
            | Action::ShowFlow(_)
            | Action::FirstFlow => self.time(action),
            Action::Open(_)
            | Action::Typed(_)
            | Action::Enter
            | Action::Older
            | Action::Newer
            | Action::Complete
            | Action::Interrupt
            | Action::ClearScreen
            | Action::Run { .. } => self.terminal(action),
            Action::Select(_)
            | Action::Delete
            | Action::Viewport(..)
            | Action::Pan(..)
            | Action::Zoom(..)
            | Action::Fit
            | Action::GrabContainer(..)
            | Action::GrabNode(..)
            | Action::GrabWare(..)
            | Action::DragTo(_)
            | Action::Drop
            | Action::CancelDrag
            | Action::Want(_) => self.canvas(action),
            Action::Arrange(action) => self.arrange(action),
            Action::Cable(action) => self.cable(action),
            Action::Lab(action) => self.labs(action),
            Action::Why(_) | Action::WhyHop(_) | Action::WhyAt(_) | Action::WhyMend(_) => self.why(action),
            Action::Dialog(dialog) => {
                self.dialog = dialog.map(|d| *d);
                self.try_form();
            }
            Action::Settings(of) => self.open_settings(&of),
            Action::Submit => self.submit(),
            Action::Daemon(host) => self.open_daemon(&host),
            Action::Firewall(act) => self.walk(act),
            Action::Changes(act) => {
                if self.changes.as_mut().is_some_and(|c| !c.act(act)) {
                    self.changes = None;
                }
            }
            Action::Keep(what) => self.keeping(what),
            Action::Reserve { node, mac, address } => self.reserve(&node, &mac, &address),
            Action::Course(what) => self.course(what),
            Action::Share(action) => self.share(action),
            _ => self.page(action),
        }
    }

    // ---- time

    fn time(&mut self, action: Action) {
        if !matches!(action, Action::Tick(_)) {
            self.leave_start(Pane::Terminal);
        }
        let way = action.clone();
        self.time_once(action);
        // A guest has one sentence for a step: it passes over tables that were asked in vain.
        while self.share.embed && matches!(way, Action::Step | Action::Back) && self.in_vain() {
            let before = self.flows.player.pos;
            self.time_once(way.clone());
            if self.flows.player.pos == before {
                break;
            }
        }
    }

    /// The playhead is at a hook where nothing was decided about the packet.
    fn in_vain(&self) -> bool {
        let beat = self.flows.current().zip(self.flows.beat()).map(|(f, i)| &f.schedule.beats[i].kind);
        matches!(beat, Some(BeatKind::Hook { nat: None, .. }))
    }

    fn time_once(&mut self, action: Action) {
        if let Action::Step | Action::Back = action
            && let Some(stop) = self.walk_stop(action == Action::Step)
        {
            (self.flows.player.pos, self.flows.player.playing) = (stop, false);
            return;
        }
        let flows = &mut self.flows;
        let Flows { all, shown, player, .. } = flows;
        let schedule = all.get(*shown).map(|f| &f.schedule);
        match (action, schedule) {
            (Action::Tick(dt), _) => self.tick(dt),
            (Action::FirstFlow, _) => self.first_flow(),
            (Action::NextSpeed, _) => {
                let at = SPEEDS.iter().position(|s| *s == player.speed).unwrap_or(2);
                player.speed = SPEEDS[(at + 1) % SPEEDS.len()];
            }
            (Action::ShowFlow(i), _) if i < all.len() => {
                (*shown, player.pos, player.playing) = (i, 0.0, true);
            }
            (_, None) => self.first_flow(),
            (Action::TogglePlay, Some(schedule)) => {
                if player.pos >= schedule.len() {
                    player.pos = 0.0;
                    player.playing = true;
                } else {
                    player.playing = !player.playing;
                }
            }
            (Action::Step, Some(schedule)) => player.step(schedule),
            (Action::Back, Some(schedule)) => player.back(schedule),
            (Action::ToStart, Some(_)) => (player.pos, player.playing) = (0.0, false),
            (Action::ToEnd, Some(_)) => {
                player.playing = true;
                flows.to_now();
            }
            (Action::Seek(pos), Some(schedule)) => player.seek(pos, schedule),
            (Action::SeekBeat(beat), Some(schedule)) => {
                player.playing = false;
                if let Some(beat) = schedule.beats.get(beat) {
                    player.seek(beat.end(), schedule);
                }
            }
            _ => {}
        }
    }

    fn first_flow(&mut self) {
        if self.share.embed && self.in_lesson() && self.flows.is_empty() {
            return self.course(super::course::Course::Play);
        }
        if let Some(first) = self.first_flow_of().filter(|_| self.flows.is_empty()) {
            self.type_line(&first.place, &first.line);
        }
    }

    fn tick(&mut self, dt: f64) {
        let len = self.flows.len();
        self.flows.player.tick(dt * self.walk_pace(), len);
        if let Some(changes) = &mut self.changes {
            changes.tick(dt);
        }
        self.waited += dt;
        for toast in &mut self.toasts {
            toast.left -= dt as i32;
        }
        self.toasts.retain(|t| t.left > 0);
    }

    pub(super) fn slice(&mut self) -> bool {
        if !self.busy || !self.flows.hungry() {
            return false;
        }
        let world = &self.timeline.live().world;
        let soon = world.now() + PATIENCE;
        let until = match world.only_listens() {
            true if world.next_at().is_some_and(|at| at <= soon) => soon,
            // While programs only listen, time passes for them as it does for who looks on.
            true => {
                if self.waited < 1.0 {
                    return false;
                }
                world.now() + Duration::from_micros((self.waited * 1e3) as u64)
            }
            false => Instant::FAR_FUTURE,
        };
        self.waited = 0.0;
        let progress = self.timeline.run(until, SLICE_EVENTS);
        let quiet = progress == Progress::Quiet;
        let ended = self.terminals.follow(self.timeline.live());
        self.flows.follow(self.timeline.live(), quiet);
        self.seek_link(quiet);
        self.walk_follow();
        if quiet {
            self.busy = false;
            if self.note_leases() {
                self.save();
            }
        }
        for job in ended {
            self.job_ended(job);
        }
        !quiet && (until == Instant::FAR_FUTURE || until == soon)
    }

    /// A line is done: what it changed belongs into the lab.
    fn job_ended(&mut self, id: JobId) {
        let Some(job) = self.timeline.live().job(id).cloned() else { return };
        self.note_why(id);
        if let Some(i) = self.watched.iter().position(|w| *w == id) {
            self.watched.remove(i);
            if job.exit != Some(0) {
                self.toast("toast.command_failed", job.stderr().trim(), true);
            }
        }
        let wide = self.is_wide();
        let live = self.timeline.live();
        if let Some(changes) = changed::Changes::new(live, &job.place, &job.line, &job.changes, wide) {
            self.changes = Some(changes);
        }
        self.walk_job_ended(id, job.exit == Some(0));
        // It may have mended what was said against a form that is open.
        self.try_form();
        if let Some(place) = &job.enters {
            self.terminals.enter(&job.place, place);
        } else if job.line.split_whitespace().next() == Some("exit") {
            self.terminals.leave(&job.place);
        }
        if job.mutations.is_empty() {
            return;
        }
        self.note_leases();
        let before = self.lab.clone();
        for run in &job.mutations {
            let edit = Edit::Command(LabCommand { at: job.place.clone(), run: run.clone() });
            if let Err(error) = edit.apply(&mut self.lab) {
                self.toast("toast.error", &self.in_words(&error), true);
            }
        }
        self.history.record(before);
        self.epoch += 1;
        self.save();
        self.terminals.keep_only(&terminal::places(self.timeline.live()));
        self.drop_lost_selection();
    }

    fn save(&mut self) {
        if self.in_lesson() || self.is_only_visited() {
            return;
        }
        self.keep_lab();
    }

    // ---- terminals

    fn terminal(&mut self, action: Action) {
        match action {
            Action::Open(place) => {
                self.terminals.go(&place);
                self.settings.pane = Pane::Terminal;
                self.make_room();
            }
            Action::Typed(text) => self.terminals.current_mut().typed(text),
            Action::Older => self.terminals.current_mut().older(),
            Action::Newer => self.terminals.current_mut().newer(),
            Action::ClearScreen => {
                let seq = self.flows.seq();
                self.terminals.current_mut().entries.retain(|e| e.running(seq));
            }
            Action::Complete => {
                let terminal = self.terminals.current().map(|t| t.input.clone()).unwrap_or_default();
                let ends = self.timeline.live().complete(&self.terminals.place, &terminal);
                self.terminals.current_mut().complete(ends);
            }
            Action::Interrupt => self.interrupt(),
            Action::Enter => {
                let seq = self.flows.seq();
                let now = self.flows.is_now();
                if let Some(job) = self.terminals.current_mut().running(u64::MAX - 1)
                    && self.timeline.live().job(job).is_some_and(|j| j.exit.is_none())
                {
                    return self.toast("toast.still_running", "", false);
                }
                let place = self.terminals.place.clone();
                let line = self.terminals.current_mut().take_line();
                if !now && self.terminals.current_mut().running(seq).is_none() {
                    self.toast("toast.back_to_now", "", false);
                }
                if line.trim() == "clear" {
                    return self.terminals.current_mut().entries.clear();
                }
                self.type_line(&place, &line);
            }
            Action::Run { place, line } => {
                self.type_line(&place, &line);
            }
            _ => {}
        }
    }

    fn interrupt(&mut self) {
        let running = self.terminals.current_mut().running(u64::MAX - 1);
        let live = |id: &JobId| self.timeline.live().job(*id).is_some_and(|j| j.exit.is_none());
        match running.filter(live) {
            Some(job) => {
                self.flows.to_now();
                self.timeline.interrupt(job);
                self.busy = true;
            }
            None => {
                let place = self.terminals.place.clone();
                let prompt = terminal::prompt(self.timeline.live(), &place);
                let terminal = self.terminals.current_mut();
                let line = format!("{}^C", terminal.input);
                terminal.typed(String::new());
                terminal.push(Entry { prompt, line, job: None, output: vec![], exit: None, note: None });
            }
        }
    }

    /// Types a line at a place and lets it run.
    pub(super) fn type_line(&mut self, place: &str, line: &str) -> Option<JobId> {
        self.invited = true;
        self.fold_changes();
        self.leave_start(Pane::Terminal);
        self.flows.to_now();
        self.terminals.go(place);
        let prompt = terminal::prompt(self.timeline.live(), place);
        let mut entry =
            Entry { prompt, line: line.to_owned(), job: None, output: vec![], exit: None, note: None };
        if line.trim().is_empty() {
            self.terminals.at(place).push(entry);
            return None;
        }
        self.terminals.at(place).remember(line);
        let first_seq = self.timeline.live().world.log.next_seq();
        match self.timeline.exec(place, line) {
            Ok(job) => {
                entry.job = Some(job);
                self.terminals.at(place).push(entry);
                self.flows.begin(place, line, first_seq);
                self.busy = true;
                Some(job)
            }
            Err(error) => {
                entry.note = Some(error.to_string());
                self.terminals.at(place).push(entry);
                None
            }
        }
    }

    // ---- canvas

    fn canvas(&mut self, action: Action) {
        match action {
            Action::Select(selection) => self.select(selection),
            Action::Delete => self.delete(),
            // A canvas that is not shown has no size to go by.
            Action::Viewport(w, h) if w < 2.0 || h < 2.0 => {}
            Action::Viewport(w, h) => {
                self.camera.size = (w.max(1.0), h.max(1.0));
                if self.camera.auto {
                    self.camera.fit(&self.shown.scene.bounds);
                } else {
                    self.aim_at_why();
                }
            }
            Action::Pan(dx, dy) => self.camera.pan(dx, dy),
            // Nearer than near leads inside.
            Action::Zoom(factor, at) if factor > 1.0 && self.camera.is_nearest() && self.zoom_inside(at) => {}
            Action::Zoom(factor, at) => self.camera.zoom(factor, at),
            Action::Fit => self.camera.fit(&self.shown.scene.bounds),
            Action::GrabContainer(place, at) => {
                self.drag = Some(Drag::Container { place, from: at, at, over: None, moved: false });
            }
            Action::GrabNode(id, at) => self.grab_node(&id, at),
            Action::GrabWare(ware, at) => {
                self.drag = Some(Drag::Ware { ware, at, over: None });
                self.drag_to(at);
            }
            Action::DragTo(at) => self.drag_to(at),
            Action::Drop => self.dropped(),
            Action::CancelDrag => (self.drag, self.cabling) = (None, false),
            Action::Want(ware) => self.want(ware, None, None),
            _ => {}
        }
    }

    /// Selects something; its terminal comes forward.
    pub(super) fn select(&mut self, selection: Option<Selection>) {
        if let Some(place) = selection.as_ref().map(|s| s.place().to_owned())
            && !matches!(selection, Some(Selection::Link(..)))
            && self.timeline.live().place(&place).is_ok()
        {
            self.terminals.go(&place);
        }
        if selection.is_some() {
            self.leave_start(Pane::Inspector);
        }
        self.selection = selection;
        self.picked = self.flows.player.playing;
    }

    /// Opens the form of a ware; without a host, on the first one.
    pub(super) fn want(&mut self, ware: Ware, host: Option<String>, network: Option<String>) {
        if let Ware::Device(device) = ware {
            return self.place_device(device, None);
        }
        let live = self.timeline.live();
        let hosts = || live.nodes().iter().filter(|n| n.engine.is_some());
        let node = hosts().find(|n| host.as_ref().is_none_or(|h| n.config.id == *h));
        let Some((node, engine)) = node.and_then(|n| Some((n, n.engine.as_ref()?))) else {
            return self.toast("toast.no_docker_host", "", true);
        };
        let dialog = match ware {
            Ware::Container(image) => {
                let chosen = match (&self.selection, network) {
                    (_, Some(network)) => network,
                    (Some(Selection::Network(of, name)), None) if *of == node.config.id => name.clone(),
                    _ => "bridge".to_owned(),
                };
                Dialog::Container(ContainerForm::at(node, engine, &chosen, image.unwrap_or(0)))
            }
            _ => Dialog::Network(NetworkForm::at(live, node)),
        };
        self.dialog = Some(dialog);
        self.try_form();
    }

    fn delete(&mut self) {
        match self.selection.clone() {
            Some(Selection::Container(place)) => {
                if let Some((host, name)) = place.split_once(':') {
                    self.selection = None;
                    self.run_for_form(host, &format!("docker rm -f {name}"));
                }
            }
            Some(Selection::Network(host, name)) => {
                self.selection = None;
                self.run_for_form(&host, &format!("docker network rm {}", crate::shell::quote(&name)));
            }
            Some(Selection::Node(_) | Selection::Nodes(_)) => self.remove_nodes(),
            Some(Selection::Link(node, port)) => {
                if let Ok(port) = port.parse() {
                    self.cable(super::cable::CableAction::Unplug((node, port)));
                }
            }
            None => {}
        }
    }

    fn run_for_form(&mut self, place: &str, line: &str) {
        if let Some(job) = self.type_line(place, line) {
            self.watched.push(job);
        }
    }

    fn drop_lost_selection(&mut self) {
        let live = self.timeline.live();
        let there = match &self.selection {
            Some(Selection::Node(id)) => live.node(id).is_ok(),
            Some(Selection::Container(place)) => {
                let (host, name) = place.split_once(':').unwrap_or_default();
                let engine = live.node(host).ok().and_then(|n| n.engine.as_ref());
                engine.is_some_and(|e| e.container(name).is_some())
            }
            Some(Selection::Network(host, name)) => {
                let engine = live.node(host).ok().and_then(|n| n.engine.as_ref());
                engine.is_some_and(|e| e.networks().iter().any(|n| n.name == *name))
            }
            Some(Selection::Nodes(ids)) => ids.iter().all(|id| live.node(id).is_ok()),
            Some(Selection::Link(node, port)) => {
                let at = |e: &super::cable::End| e.0 == *node && e.1.as_str() == port.as_str();
                self.lab.links.iter().any(|l| at(&l.a) || at(&l.b))
            }
            None => true,
        };
        if !there {
            self.selection = None;
        }
    }

    /// Writes down what DHCP gave away, so that the lab, opened again, gives everybody the same. True if
    /// that is news. A lab that is only visited stays as it came.
    fn note_leases(&mut self) -> bool {
        if self.in_lesson() || self.share.embed || self.share.mine().is_some() {
            return false;
        }
        let live = self.timeline.live();
        let mut news = false;
        for node in &mut self.lab.nodes {
            for port in node.ports.iter_mut().filter(|p| p.dhcp) {
                let leased = live.leased(&node.id, port.name).or(port.leased);
                news |= leased != port.leased;
                port.leased = leased;
            }
        }
        news
    }

    // ---- edits

    /// Does an edit to the document and to the running lab: both or neither.
    pub(super) fn edit(&mut self, edit: &Edit) -> bool {
        self.note_leases();
        let before = self.lab.clone();
        let mut after = before.clone();
        let done = edit.apply(&mut after).and_then(|()| {
            if only_moves(edit) {
                return Ok(());
            }
            self.flows.to_now();
            self.timeline.edit(|session| edit.apply_live(session))
        });
        match done {
            Ok(()) => {
                if !only_moves(edit) {
                    self.whys.close();
                }
                self.lab = after;
                self.history.record(before);
                self.epoch += 1;
                self.busy = true;
                self.terminals.keep_only(&terminal::places(self.timeline.live()));
                self.drop_lost_selection();
                self.save();
                true
            }
            Err(error) => {
                self.toast("toast.error", &self.in_words(&error), true);
                false
            }
        }
    }

    /// Does an edit; what it sets going is a flow to watch, called `title`.
    pub(super) fn edit_to_watch(&mut self, edit: &Edit, place: &str, title: &str) -> bool {
        let first_seq = self.timeline.live().world.log.next_seq();
        let done = self.edit(edit);
        if done {
            self.flows.begin(place, title, first_seq);
        }
        done
    }

    /// Opens `lab` in place of the one that is open.
    pub(super) fn reopen(&mut self, mut lab: Lab) -> bool {
        let still = |lab: &Lab| {
            let mut lab = lab.clone();
            lab.nodes.iter_mut().for_each(|n| n.pos = (0, 0));
            lab
        };
        if still(&lab) != still(&self.lab) {
            match lab.boot_without_failing() {
                Ok((session, left_out)) => {
                    self.timeline = Timeline::new(session);
                    self.tell_left_out(&left_out);
                }
                Err(error) => {
                    self.toast("toast.error", &self.in_words(&error), true);
                    return false;
                }
            }
            let player = self.flows.player;
            self.flows = Flows::default();
            self.flows.player.speed = player.speed;
            self.terminals.detach();
            self.busy = false;
            self.changes = None;
            self.watched.clear();
            self.whys = Default::default();
            self.set_language();
        }
        self.lab = lab;
        self.epoch += 1;
        self.terminals.keep_only(&terminal::likely_first(self.timeline.live()));
        self.drop_lost_selection();
        self.save();
        true
    }

    /// Commands of a lab that failed when it was opened were left out of it.
    pub(super) fn tell_left_out(&mut self, commands: &[crate::lab::LabError]) {
        for error in commands {
            self.toast("toast.left_out", &self.in_words(error), true);
        }
    }

    // ---- forms

    fn submit(&mut self) {
        match self.dialog.clone() {
            Some(Dialog::Router(_) | Dialog::Machine(_) | Dialog::Link(_)) => self.save_settings(),
            Some(Dialog::Cable(form)) => {
                if let Some((a, b)) = form.pair() {
                    self.dialog = None;
                    self.cable(super::cable::CableAction::Plug(a, b));
                }
            }
            Some(Dialog::Container(form))
                if form.is_ready() && !self.is_refused() && form.image < IMAGES.len() =>
            {
                self.dialog = None;
                self.run_for_form(&form.host, &form.command());
            }
            Some(Dialog::Daemon(form)) => self.save_daemon(&form),
            Some(Dialog::Command(form)) => {
                self.dialog = None;
                self.run_for_form(&form.host, &form.line);
            }
            Some(Dialog::Network(form)) if form.is_ready() && !self.is_refused() => {
                self.dialog = None;
                self.run_for_form(&form.host, &form.command());
            }
            Some(Dialog::Help | Dialog::Lost(_)) => self.dialog = None,
            _ => {}
        }
    }

    // ---- page

    fn page(&mut self, action: Action) {
        match action {
            Action::Lang(lang) => {
                self.settings.lang = lang;
                self.store.set(KEEP_LANG, if lang == Lang::Ko { "ko" } else { "en" });
                self.set_language();
                self.want_behind();
            }
            Action::Theme(theme) => {
                self.settings.theme = theme;
                self.store.set(KEEP_THEME, if theme == Theme::Dark { "dark" } else { "light" });
            }
            Action::Tab(tab) => {
                self.settings.tab = tab;
                self.fold_changes();
            }
            Action::Pane(pane) => {
                self.settings.pane = pane;
                self.make_room();
            }
            Action::HideArp(hide) => self.settings.hide_arp = hide,
            Action::Undo => {
                self.note_leases();
                if let Some(lab) = self.history.undo(&self.lab)
                    && self.reopen(lab)
                {
                    // What had gone wrong is no longer so.
                    self.toasts.retain(|t| !t.bad);
                    self.toast("toast.undone", "", false);
                }
            }
            Action::Redo => {
                self.note_leases();
                if let Some(lab) = self.history.redo(&self.lab)
                    && self.reopen(lab)
                {
                    // What had gone wrong is no longer so.
                    self.toasts.retain(|t| !t.bad);
                    self.toast("toast.redone", "", false);
                }
            }
            Action::Dismiss(id) => self.toasts.retain(|t| t.id != id),
            _ => {}
        }
    }
}

/// Does the edit change the picture only?
fn only_moves(edit: &Edit) -> bool {
    match edit {
        Edit::MoveNode { .. } => true,
        Edit::Batch(edits) => edits.iter().all(only_moves),
        _ => false,
    }
}
