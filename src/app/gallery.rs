//! The gallery: ready labs with a small picture of each, a new empty one, files.

use super::scene::{Point, Rect};
use super::{App, Dialog, Pane};
use crate::explain::{Lang, text};
use crate::lab::Lab;
use crate::session::NodeKind;

/// A lab of the gallery.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// Its name, as [`Lab::builtin`] knows it.
    pub name: &'static str,
    /// Boxes of its nodes.
    pub boxes: Vec<(Rect, NodeKind)>,
    /// Its cables.
    pub wires: Vec<(Point, Point)>,
    /// Around all of them.
    pub bounds: Rect,
}

/// What is asked of the gallery and of files.
#[derive(Debug, Clone, PartialEq)]
pub enum LabAction {
    /// Opens the gallery.
    Gallery,
    /// A built-in one.
    Open(&'static str),
    /// What is on the screen, as it was at its beginning.
    StartOver,
    /// The text of a file: its name, and what is in it.
    Read(String, String),
    /// A file that could not be read as text: its name.
    Unreadable(String),
    /// Back to the reader's own.
    Mine,
    /// The own one that was put aside.
    Before,
    /// To a file.
    Save,
}

/// A file for the reader.
#[derive(Debug, Clone, PartialEq)]
pub struct Download {
    /// Its name.
    pub name: String,
    /// Its type.
    pub mime: &'static str,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Roughly how large a node is drawn; a picture this small shows no more.
fn size(kind: NodeKind) -> (f64, f64) {
    match kind {
        NodeKind::Router => (420.0, 98.0),
        NodeKind::DockerHost => (640.0, 258.0),
        NodeKind::Isp | NodeKind::Switch => (200.0, 54.0),
        _ => (150.0, 74.0),
    }
}

/// The card of a lab.
pub fn card(name: &'static str, lab: &Lab) -> Card {
    let of = |n: &crate::session::NodeConfig| {
        let (w, h) = size(n.kind);
        Rect::new(f64::from(n.pos.0), f64::from(n.pos.1), w, h)
    };
    let boxes: Vec<_> = lab.nodes.iter().map(|n| (of(n), n.kind)).collect();
    let middle = |id: &str| lab.nodes.iter().find(|n| n.id == id).map(|n| of(n).center());
    let wires = lab.links.iter().filter_map(|l| Some((middle(&l.a.0)?, middle(&l.b.0)?)));
    let bounds = boxes.iter().map(|b| b.0).reduce(|a, b| a.union(&b));
    Card { name, wires: wires.collect(), bounds: bounds.unwrap_or(Rect::new(0.0, 0.0, 400.0, 240.0)), boxes }
}

/// The title of a card and what it is about, by the name of its lab: keys of the locale.
pub fn words(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "mine" => ("gallery.mine", "gallery.mine_sub"),
        "before" => ("gallery.before", "gallery.before_sub"),
        "home" => ("gallery.home", "gallery.home_sub"),
        "dns" => ("gallery.dns", "gallery.dns_sub"),
        "street" => ("gallery.street", "gallery.street_sub"),
        "nat" => ("gallery.nat", "gallery.nat_sub"),
        "wifi" => ("gallery.wifi", "gallery.wifi_sub"),
        "two-routers" => ("gallery.two-routers", "gallery.two-routers_sub"),
        "storm" => ("gallery.storm", "gallery.storm_sub"),
        "host-network" => ("gallery.host_network", "gallery.host_network_sub"),
        "macvlan" => ("gallery.macvlan", "gallery.macvlan_sub"),
        "empty" => ("gallery.empty", "gallery.empty_sub"),
        "overlay" => ("gallery.overlay", "gallery.overlay_sub"),
        _ => return None,
    })
}

/// What a lab is called on the page: the gallery's title, or the name that its maker gave it.
pub fn title(lab: &str, lang: Lang) -> String {
    match words(lab) {
        Some((key, _)) if Lab::builtin_names().contains(&lab) => text(lang, key, &[]),
        _ => lab.to_owned(),
    }
}

/// All labs of the gallery; that of the recordings is for those who make netpier.
pub fn cards() -> Vec<Card> {
    let names = Lab::builtin_names().iter().filter(|n| !matches!(**n, "oracle" | "empty"));
    names.filter_map(|n| Some(card(n, &Lab::builtin(n)?))).collect()
}

impl App {
    pub(super) fn labs(&mut self, action: LabAction) {
        match action {
            LabAction::Gallery => {
                let all = self.own_cards().into_iter().chain(cards());
                self.dialog = Some(Dialog::Gallery(all.collect()));
            }
            LabAction::Mine => self.go_home(),
            LabAction::Before => self.bring_back(),
            LabAction::Open(name) => {
                if let Some(lab) = Lab::builtin(name) {
                    self.open_lab(lab, "toast.opened");
                }
            }
            LabAction::StartOver => self.start_over(),
            LabAction::Read(file, content) => match Lab::from_json(&content) {
                Ok(mut lab) => {
                    if lab.name.is_empty() {
                        file.trim_end_matches(".json").clone_into(&mut lab.name);
                    }
                    self.open_lab(lab, "toast.opened");
                }
                Err(error) => self.toast_of("toast.bad_file", &file, &error.to_string()),
            },
            LabAction::Unreadable(file) => self.toast_of("toast.bad_file", &file, ""),
            LabAction::Save => {
                let base = if self.lab.name.is_empty() { "lab" } else { &self.lab.name };
                let safe = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
                let name = format!("{}.netpier.json", base.chars().map(safe).collect::<String>());
                self.outbox =
                    Some(Download { name, mime: "application/json", bytes: self.lab.to_json().into_bytes() });
                self.dialog = None;
            }
        }
    }

    /// What is to be handed to the reader as a file, once.
    pub fn take_download(&mut self) -> Option<Download> {
        self.outbox.take()
    }

    pub(super) fn open_lab(&mut self, lab: Lab, word: &'static str) {
        // A lesson's lab is not replaced by another one: the lesson is left.
        let left = self.in_lesson();
        if left {
            self.course(super::course::Course::Leave);
        }
        self.keep_aside();
        let before = self.lab.clone();
        let name = title(&lab.name, self.settings.lang);
        // What was typed elsewhere belongs elsewhere.
        let typed = std::mem::take(&mut self.terminals);
        if !self.reopen(lab) {
            self.terminals = typed;
        } else {
            let word = if left && word == "toast.opened" { "toast.opened_from_lesson" } else { word };
            self.opened = Some(self.lab.clone());
            self.history.record(before);
            self.leave_start(Pane::Terminal);
            self.selection = None;
            self.dialog = None;
            self.camera.auto = true;
            self.toast(word, &name, false);
        }
    }

    /// The lesson begins anew; a lab is again as it was when it was opened. Undo takes it back.
    fn start_over(&mut self) {
        let before = self.lab.clone();
        if self.in_lesson() {
            self.course(super::course::Course::Again);
        } else {
            let lab = self.beginning();
            // A lab equal to the one on the screen would go on as it is.
            self.lab.seed = lab.seed.wrapping_add(1);
            if !self.reopen(lab) {
                self.lab = before;
                return;
            }
            if self.lab != before {
                self.history.record(before.clone());
            }
            self.camera.auto = true;
        }
        self.selection = None;
        let word = if self.lab == before { "toast.over_as_it_was" } else { "toast.over" };
        self.toast(word, &before.name, false);
    }

    /// The lab of the screen, as it was when it was opened here, else as the gallery has it; one that
    /// came with the page as it came.
    fn beginning(&self) -> Lab {
        let name = &self.lab.name;
        let opened = self.opened.as_ref().filter(|l| l.name == *name).cloned();
        opened.or_else(|| Lab::builtin(name)).unwrap_or_else(|| self.lab.clone())
    }

    fn toast_of(&mut self, key: &'static str, file: &str, why: &str) {
        let text = if why.is_empty() { file.to_owned() } else { format!("{file}: {why}") };
        self.toast(key, &text, true);
    }
}
