//! What each action does.

use super::forms::{ContainerForm, IMAGES, NetworkForm, RouterForm};
use super::playback::SPEEDS;
use super::terminal::{self, Entry};
use super::view::{Drag, Ware};
use super::{
    Action, App, Dialog, FIRST_FLOW, Flows, KEEP_LAB, KEEP_LANG, KEEP_THEME, Pane, Selection, Theme,
};
use crate::explain::Lang;
use crate::lab::{Edit, Lab, LabCommand};
use crate::session::{JobId, NodeKind, Timeline};
use crate::sim::Progress;
use crate::time::Instant;

/// Events that one slice handles: few, so that what runs without end does not run far ahead.
const SLICE_EVENTS: u64 = 64;
/// How far the pointer goes before a press becomes a drag, in canvas units.
const DRAG_START: f64 = 4.0;

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
            | Action::GrabNode(..)
            | Action::GrabWare(..)
            | Action::DragTo(_)
            | Action::Drop
            | Action::CancelDrag
            | Action::Nudge(..)
            | Action::Want(_) => self.canvas(action),
            Action::Dialog(dialog) => self.dialog = dialog.map(|d| *d),
            Action::RouterForm(node) => self.open_router_form(&node),
            Action::Submit => self.submit(),
            _ => self.page(action),
        }
    }

    // ---- time

    fn time(&mut self, action: Action) {
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
        if self.flows.is_empty() && self.live().place(FIRST_FLOW.0).is_ok() {
            self.type_line(FIRST_FLOW.0, FIRST_FLOW.1);
        }
    }

    fn tick(&mut self, dt: f64) {
        let len = self.flows.len();
        self.flows.player.tick(dt, len);
        for toast in &mut self.toasts {
            toast.left -= dt as i32;
        }
        self.toasts.retain(|t| t.left > 0);
    }

    pub(super) fn slice(&mut self) -> bool {
        if !self.busy || !self.flows.hungry() {
            return false;
        }
        let progress = self.timeline.run(Instant::FAR_FUTURE, SLICE_EVENTS);
        let quiet = progress == Progress::Quiet;
        let ended = self.terminals.follow(self.timeline.live());
        self.flows.follow(self.timeline.live(), quiet);
        if quiet {
            self.busy = false;
        }
        for job in ended {
            self.job_ended(job);
        }
        !quiet
    }

    /// A line is done: what it changed belongs into the lab.
    fn job_ended(&mut self, id: JobId) {
        let Some(job) = self.timeline.live().job(id).cloned() else { return };
        if let Some(i) = self.watched.iter().position(|w| *w == id) {
            self.watched.remove(i);
            if job.exit != Some(0) {
                self.toast("toast.command_failed", job.stderr().trim(), true);
            }
        }
        if let Some(place) = &job.enters {
            self.terminals.enter(&job.place, place);
        } else if job.line.split_whitespace().next() == Some("exit") {
            self.terminals.leave(&job.place);
        }
        if job.mutations.is_empty() {
            return;
        }
        let before = self.lab.clone();
        for run in &job.mutations {
            let edit = Edit::Command(LabCommand { at: job.place.clone(), run: run.clone() });
            if let Err(error) = edit.apply(&mut self.lab) {
                self.toast("toast.error", &error.to_string(), true);
            }
        }
        self.history.record(before);
        self.epoch += 1;
        self.save();
        self.terminals.keep_only(&terminal::places(self.timeline.live()));
        self.drop_lost_selection();
    }

    fn save(&mut self) {
        if !self.store.set(KEEP_LAB, &self.lab.to_json()) {
            self.toast("toast.not_saved", "", true);
        }
    }

    // ---- terminals

    fn terminal(&mut self, action: Action) {
        match action {
            Action::Open(place) => {
                self.terminals.go(&place);
                self.settings.pane = Pane::Terminal;
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
            Action::Select(selection) => {
                if let Some(place) = selection.as_ref().map(|s| s.place().to_owned())
                    && self.timeline.live().place(&place).is_ok()
                {
                    self.terminals.go(&place);
                }
                self.selection = selection;
            }
            Action::Delete => self.delete(),
            Action::Viewport(w, h) => {
                self.camera.size = (w.max(1.0), h.max(1.0));
                if self.camera.auto {
                    self.camera.fit(&self.shown.scene.bounds);
                }
            }
            Action::Pan(dx, dy) => self.camera.pan(dx, dy),
            Action::Zoom(factor, at) => self.camera.zoom(factor, at),
            Action::Fit => self.camera.fit(&self.shown.scene.bounds),
            Action::GrabNode(id, at) => {
                if let Some(node) = self.shown.scene.node(&id) {
                    let at = self.camera.to_canvas(at);
                    let grab = (at.0 - node.rect.x, at.1 - node.rect.y);
                    let pos = (node.rect.x as i32, node.rect.y as i32);
                    self.drag = Some(Drag::Node { id, grab, pos, moved: false });
                }
            }
            Action::GrabWare(ware, at) => {
                self.drag = Some(Drag::Ware { ware, at, over: None });
                self.drag_to(at);
            }
            Action::DragTo(at) => self.drag_to(at),
            Action::Drop => self.drop(),
            Action::CancelDrag => self.drag = None,
            Action::Nudge(id, dx, dy) => {
                if let Some(pos) = self.lab.nodes.iter().find(|n| n.id == id).map(|n| n.pos) {
                    self.move_node(&id, (pos.0 + dx, pos.1 + dy));
                }
            }
            Action::Want(ware) => self.want(ware, None, None),
            _ => {}
        }
    }

    fn drag_to(&mut self, to: (f64, f64)) {
        let point = self.camera.to_canvas(to);
        match &mut self.drag {
            Some(Drag::Ware { ware, at, over }) => {
                *at = to;
                let scene = &self.shown.scene;
                let bridge = scene.bridge_at(point).map(|(n, b)| (n.id.clone(), Some(b.network.clone())));
                let host =
                    scene.nodes.iter().find(|n| n.kind == NodeKind::DockerHost && n.rect.contains(point));
                let host = host.map(|n| (n.id.clone(), None));
                *over = match ware {
                    Ware::Container(_) => bridge.or(host),
                    Ware::Network => host,
                };
            }
            Some(Drag::Node { grab, pos, moved, .. }) => {
                let next = (point.0 - grab.0, point.1 - grab.1);
                let far = (next.0 - f64::from(pos.0)).hypot(next.1 - f64::from(pos.1));
                if *moved || far > DRAG_START {
                    *moved = true;
                    *pos = (next.0.round() as i32, next.1.round() as i32);
                }
            }
            None => {}
        }
    }

    fn drop(&mut self) {
        match self.drag.take() {
            Some(Drag::Ware { ware, over: Some((host, network)), .. }) => {
                self.want(ware, Some(host), network)
            }
            Some(Drag::Node { id, pos, moved: true, .. }) => self.move_node(&id, pos),
            _ => {}
        }
    }

    fn move_node(&mut self, id: &str, pos: (i32, i32)) {
        self.edit(&Edit::MoveNode { id: id.to_owned(), pos });
    }

    /// Opens the form of a ware; without a host, on the first one.
    fn want(&mut self, ware: Ware, host: Option<String>, network: Option<String>) {
        let live = self.timeline.live();
        let hosts = || live.nodes().iter().filter(|n| n.engine.is_some());
        let node = hosts().find(|n| host.as_ref().is_none_or(|h| n.config.id == *h));
        let Some((node, engine)) = node.and_then(|n| Some((n, n.engine.as_ref()?))) else {
            return self.toast("toast.no_docker_host", "", true);
        };
        let networks: Vec<String> = engine.networks().iter().map(|n| n.name.clone()).collect();
        let dialog = match ware {
            Ware::Container(image) => {
                let chosen = match (&self.selection, network) {
                    (_, Some(network)) => network,
                    (Some(Selection::Network(_, name)), None) => name.clone(),
                    _ => "bridge".to_owned(),
                };
                let bridged = engine.networks().iter().filter(|n| n.bridge.is_some());
                let bridged = bridged.map(|n| n.name.clone()).collect();
                let taken = engine.containers().iter().map(|c| c.name.clone()).collect();
                Dialog::Container(ContainerForm::new(
                    &node.config.id,
                    &chosen,
                    bridged,
                    image.unwrap_or(0),
                    taken,
                ))
            }
            Ware::Network => Dialog::Network(NetworkForm::new(&node.config.id, networks)),
        };
        self.dialog = Some(dialog);
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
                self.run_for_form(&host, &format!("docker network rm {name}"));
            }
            Some(Selection::Node(id)) => {
                self.selection = None;
                self.edit(&Edit::RemoveNode { id });
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
            None => true,
        };
        if !there {
            self.selection = None;
        }
    }

    // ---- edits

    /// Does an edit to the document and to the running lab: both or neither.
    fn edit(&mut self, edit: &Edit) -> bool {
        let before = self.lab.clone();
        let mut after = before.clone();
        let done = edit.apply(&mut after).and_then(|()| {
            if matches!(edit, Edit::MoveNode { .. }) {
                return Ok(());
            }
            self.flows.to_now();
            self.timeline.edit(|session| edit.apply_live(session))
        });
        match done {
            Ok(()) => {
                self.lab = after;
                self.history.record(before);
                self.epoch += 1;
                self.busy = true;
                self.terminals.keep_only(&terminal::places(self.timeline.live()));
                self.save();
                true
            }
            Err(error) => {
                self.toast("toast.error", &error.to_string(), true);
                false
            }
        }
    }

    /// Opens `lab` in place of the one that is open.
    fn reopen(&mut self, lab: Lab) -> bool {
        let still = |lab: &Lab| {
            let mut lab = lab.clone();
            lab.nodes.iter_mut().for_each(|n| n.pos = (0, 0));
            lab
        };
        if still(&lab) != still(&self.lab) {
            match lab.boot() {
                Ok(session) => self.timeline = Timeline::new(session),
                Err(error) => {
                    self.toast("toast.error", &error.to_string(), true);
                    return false;
                }
            }
            let player = self.flows.player;
            self.flows = Flows::default();
            self.flows.player.speed = player.speed;
            self.terminals.detach();
            self.busy = false;
            self.watched.clear();
            self.set_language();
        }
        self.lab = lab;
        self.epoch += 1;
        self.terminals.keep_only(&terminal::places(self.timeline.live()));
        self.drop_lost_selection();
        self.save();
        true
    }

    // ---- forms

    fn open_router_form(&mut self, id: &str) {
        let Ok(node) = self.timeline.live().node(id) else { return };
        let Some(router) = self.lab.nodes.iter().find(|n| n.id == id).and_then(|n| n.router.clone()) else {
            return;
        };
        let namespace = self.timeline.live().world.namespace(node.ns);
        let lan = namespace.and_then(|ns| ns.device_named(router.lan.as_str())?.addrs.first().copied());
        self.dialog = Some(Dialog::Router(RouterForm::new(id, &router, lan)));
    }

    fn submit(&mut self) {
        match self.dialog.clone() {
            Some(Dialog::Router(form)) => {
                let Some(config) = form.config() else { return };
                let edit = Edit::SetRouter { node: form.node.clone(), router: Box::new(config) };
                if self.edit(&edit) {
                    self.dialog = None;
                    self.toast("toast.router_saved", "", false);
                }
            }
            Some(Dialog::Container(form)) if form.problems() == (None, None) && form.image < IMAGES.len() => {
                self.dialog = None;
                self.run_for_form(&form.host, &form.command());
            }
            Some(Dialog::Network(form)) if form.problems() == (None, None) => {
                self.dialog = None;
                self.run_for_form(&form.host, &form.command());
            }
            Some(Dialog::Help) => self.dialog = None,
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
            }
            Action::Theme(theme) => {
                self.settings.theme = theme;
                self.store.set(KEEP_THEME, if theme == Theme::Dark { "dark" } else { "light" });
            }
            Action::Tab(tab) => self.settings.tab = tab,
            Action::Pane(pane) => self.settings.pane = pane,
            Action::HideArp(hide) => self.settings.hide_arp = hide,
            Action::Undo => {
                if let Some(lab) = self.history.undo(&self.lab)
                    && self.reopen(lab)
                {
                    self.toast("toast.undone", "", false);
                }
            }
            Action::Redo => {
                if let Some(lab) = self.history.redo(&self.lab)
                    && self.reopen(lab)
                {
                    self.toast("toast.redone", "", false);
                }
            }
            Action::OpenLab(name) => {
                let before = self.lab.clone();
                if let Some(lab) = Lab::builtin(&name)
                    && self.reopen(lab)
                {
                    self.history.record(before);
                    self.camera.auto = true;
                    self.toast("toast.started_over", "", false);
                }
            }
            Action::Dismiss(id) => self.toasts.retain(|t| t.id != id),
            _ => {}
        }
    }
}
