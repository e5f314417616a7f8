//! The page without a browser: its state, and what each action does to it.
//!
//! ```text
//!  Action ──▶ App::act ──▶ Lab, Timeline, Flows, Terminals …
//!                │
//!                └──▶ App::shown: scene, tables, packet at the moment shown ──▶ ui paints
//! ```
//! Compiles and tests natively. What only a browser has comes in through [`store`]'s traits.

mod act;
pub mod arrange;
pub mod cable;
pub mod changed;
pub mod course;
pub mod daemon;
pub mod decode;
pub mod docking;
mod drag;
pub mod firewall;
mod first;
pub mod flow;
pub mod forms;
pub mod gallery;
pub mod inspector;
pub mod keep;
pub mod netform;
pub mod notice;
mod oneword;
pub mod packets;
pub mod pills;
pub mod playback;
mod refusal;
pub mod rehearsal;
pub mod rove;
pub mod scene;
pub mod services;
pub mod settings;
pub mod share;
pub mod start;
pub mod store;
pub mod terminal;
#[cfg(test)]
mod tests;
pub mod view;
pub mod why;
pub mod words;

use crate::explain::Lang;
use crate::lab::{History, Lab, LabError};
use crate::session::{JobId, Session, Timeline};
use arrange::{Arrange, Clip};
use cable::{CableAction, CableForm};
pub use first::First;
use forms::{ContainerForm, NetworkForm};
use gallery::{Card, Download, LabAction};
use inspector::{PacketView, Tables};
use notice::Notice;
use scene::Scene;
use settings::{link::LinkForm, machine::MachineForm, router::RouterForm};
use store::Storage;
use view::{Camera, Drag, Ware};

/// Names under which the page keeps things.
const KEEP_LANG: &str = "netpier.lang";
const KEEP_THEME: &str = "netpier.theme";

/// Which colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// What is selected on the canvas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// A node, by id.
    Node(String),
    /// A container, by place.
    Container(String),
    /// A network: host, name.
    Network(String, String),
    /// Several nodes.
    Nodes(Vec<String>),
    /// The link in this port: node, port.
    Link(String, String),
}

impl Selection {
    /// Where one would type.
    pub fn place(&self) -> &str {
        match self {
            Self::Node(place) | Self::Container(place) | Self::Network(place, _) | Self::Link(place, _) => {
                place
            }
            Self::Nodes(ids) => ids.last().map(String::as_str).unwrap_or_default(),
        }
    }
}

/// The inspector's tabs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// The packet that is looked at.
    Packet,
    /// Connections, with what is translated.
    Nat,
    /// Rules with their counters.
    Iptables,
    /// Routes.
    Routes,
    /// The neighbour table; of a bridge, its ports.
    Arp,
    /// Sockets.
    Sockets,
    /// Leases.
    Dhcp,
    /// Records and caches.
    Dns,
}

/// Which of the lower panes a narrow screen shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// The beginning; a wide screen shows it in place of the inspector.
    Start,
    /// The list of packets.
    Packets,
    /// The terminal.
    Terminal,
    /// The inspector.
    Inspector,
}

/// A form or window that is open.
#[derive(Debug, Clone, PartialEq)]
pub enum Dialog {
    /// A router's settings.
    Router(Box<RouterForm>),
    /// Another machine's.
    Machine(Box<MachineForm>),
    /// A cable's.
    Link(LinkForm),
    /// What a node is to be cabled with.
    Cable(CableForm),
    /// A container to run.
    Container(ContainerForm),
    /// A network to create.
    Network(NetworkForm),
    /// Labs to open.
    Gallery(Vec<Card>),
    /// A Docker engine's settings (daemon.json).
    Daemon(Box<daemon::DaemonForm>),
    /// A drag's command.
    Command(docking::CommandForm),
    /// Keys and words.
    Help,
    /// Links and files.
    Share(Box<share::ShareForm>),
    /// The kept lab did not open.
    Lost(keep::Lost),
}

/// A word of the page that goes away by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// To tell them apart.
    pub id: u32,
    /// Something went wrong.
    pub bad: bool,
    /// Key of the locale; `text` fills `{text}`.
    pub key: &'static str,
    /// A literal part: a tool's own words.
    pub text: String,
    /// Milliseconds it stays.
    left: i32,
}

/// How the page looks.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Of all texts.
    pub lang: Lang,
    /// Colours.
    pub theme: Theme,
    /// Of the inspector.
    pub tab: Tab,
    /// Of a narrow screen.
    pub pane: Pane,
    /// ARP rows are left out of the packet list.
    pub hide_arp: bool,
}

/// What is to be painted, at the moment shown.
#[derive(Debug, Default)]
pub struct Shown {
    /// Goes up whenever the rest changes.
    pub version: u64,
    /// The picture.
    pub scene: Scene,
    /// The place whose tables are shown.
    pub place: String,
    /// Its tables.
    pub tables: Option<Tables>,
    /// This packet.
    pub packet: Option<PacketView>,
    /// Why packets died, in words, for the marks on the picture: record, words.
    pub drops: Vec<(u64, String)>,
    /// What is wrong with how the network is plugged together.
    pub notices: Vec<Notice>,
    plan: scene::Plan,
    dragged: Option<Drag>,
    key: Option<ShownKey>,
}

/// What [`Shown`] depends on. Without a flow nothing of it is in words, so in no language.
type ShownKey = (u32, u64, u64, Option<usize>, String, Option<Lang>);

/// An action.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    // ---- time
    /// Milliseconds passed on the reader's clock.
    Tick(f64),
    /// Plays, or stops. At the end: from the beginning.
    TogglePlay,
    /// To the end of the next beat.
    Step,
    /// To the end of the beat before.
    Back,
    /// To the first beat, and stops.
    ToStart,
    /// To what happens now, and plays on.
    ToEnd,
    /// To this place of the schedule, in milliseconds.
    Seek(f64),
    /// To the end of this beat.
    SeekBeat(usize),
    /// The next of the speeds, round and round.
    NextSpeed,
    /// Plays this flow from its beginning.
    ShowFlow(usize),
    /// Plays the flow that the page offers first.
    FirstFlow,

    // ---- terminals
    /// The terminal of this place.
    Open(String),
    /// What stands at the prompt now.
    Typed(String),
    /// Runs it.
    Enter,
    /// The line before, of those typed here.
    Older,
    /// The line after.
    Newer,
    /// The word under the cursor (Tab).
    Complete,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-L: what has ended goes.
    ClearScreen,
    /// Types a line for the reader.
    Run {
        /// Where: `h1`, `h1:web`.
        place: String,
        /// What.
        line: String,
    },

    // ---- canvas
    /// This, or nothing.
    Select(Option<Selection>),
    /// What is selected goes.
    Delete,
    /// The canvas's width and height, in pixels.
    Viewport(f64, f64),
    /// By so many pixels to the right and down.
    Pan(f64, f64),
    /// By this factor; the pixel stays where it is.
    Zoom(f64, (f64, f64)),
    /// Everything into the viewport.
    Fit,
    /// A node was pressed, at this pixel.
    GrabNode(String, (f64, f64)),
    /// A container was pressed (by place), at this pixel.
    GrabContainer(String, (f64, f64)),
    /// A thing of the shelf was pressed, at this pixel.
    GrabWare(Ware, (f64, f64)),
    /// The pointer, in viewport pixels.
    DragTo((f64, f64)),
    /// What is dragged is let go.
    Drop,
    /// What is dragged goes back.
    CancelDrag,
    /// Boxes as boxes.
    Arrange(Arrange),
    /// Cables.
    Cable(CableAction),
    /// Opens the form of a ware, from the keyboard or by a tap.
    Want(Ware),

    // ---- why?
    /// Opens the explanation of a line that failed, or closes it.
    Why(Option<JobId>),
    /// Goes to the moment that shows it.
    WhyHop(JobId),
    /// Goes to the moment of a record.
    WhyAt(u64),
    /// Does what mends it, and tries again.
    WhyMend(JobId),

    // ---- forms
    /// Opens a form or window, or closes what is open.
    Dialog(Option<Box<Dialog>>),
    /// Opens the settings of something.
    Settings(Selection),
    /// Does what the open form says.
    Submit,

    /// Opens the settings of a host's Docker engine.
    Daemon(String),

    // ---- the walk through the firewall
    /// See [`firewall::FirewallAct`].
    Firewall(firewall::FirewallAct),

    // ---- what a command changed
    /// See [`changed::ChangesAct`].
    Changes(changed::ChangesAct),

    // ---- what is kept across visits
    /// See [`keep::KeepAction`].
    Keep(keep::KeepAction),
    /// A lease becomes a reservation: the computer always gets this address from this router.
    Reserve {
        /// The router.
        node: String,
        /// Of the computer.
        mac: String,
        /// That it has now.
        address: String,
    },

    // ---- page
    /// The language of all texts.
    Lang(Lang),
    /// The colours.
    Theme(Theme),
    /// The inspector's.
    Tab(Tab),
    /// A narrow screen's.
    Pane(Pane),
    /// Leaves ARP rows out of the packet list.
    HideArp(bool),
    /// Takes the last edit of the lab back.
    Undo,
    /// Does it again.
    Redo,
    /// The gallery, files.
    Lab(LabAction),
    /// Closes the toast with this number.
    Dismiss(u32),
    /// See [`course::Course`].
    Course(course::Course),
    /// Links, visits, exports.
    Share(share::ShareAction),
}

/// The page.
pub struct App {
    /// The document.
    pub lab: Lab,
    /// Undo and redo.
    pub history: History,
    /// The running lab and its past.
    pub timeline: Timeline,
    /// What was sent, and the playhead.
    pub flows: Flows,
    /// Terminals.
    pub terminals: terminal::Terminals,
    /// What is selected.
    pub selection: Option<Selection>,
    /// Language, theme, tabs.
    pub settings: Settings,
    /// The camera.
    pub camera: Camera,
    /// A drag under way.
    pub drag: Option<Drag>,
    /// A press on a box begins a cable instead of moving the box.
    pub cabling: bool,
    /// The node whose name is being written.
    pub renaming: Option<String>,
    /// The open form.
    pub dialog: Option<Dialog>,
    /// Why the core would refuse the form that is open.
    pub form_error: Option<String>,
    /// What docker says against it.
    rehearsal: rehearsal::Rehearsal,
    /// Toasts.
    pub toasts: Vec<Toast>,
    /// The walk through the firewall, if it is open.
    pub firewall: firewall::Firewall,
    /// What the last command changed.
    pub changes: Option<changed::Changes>,
    /// Lessons.
    pub course: course::State,
    /// Links and visits.
    pub share: share::State,
    /// What is painted.
    pub shown: Shown,
    store: Box<dyn Storage>,
    keep: keep::State,
    /// Goes up when the session is replaced or edited outside of time.
    epoch: u32,
    /// Something may be under way in the World.
    busy: bool,
    /// What is selected was picked while time plays: its bar is wanted all the same.
    pub picked: bool,
    /// Milliseconds that the page has shown since the World last ran.
    waited: f64,
    next_toast: u32,
    /// The first flow was played once: it is not offered again.
    invited: bool,
    /// A form's job: when it fails, its words become a toast.
    watched: Vec<JobId>,
    /// What was explained of lines that failed.
    pub whys: why::Whys,
    /// What was copied.
    clip: Clip,
    /// A file for the reader.
    outbox: Option<Download>,
    /// The lab on the screen, as it was opened; None: as the gallery has it.
    opened: Option<Lab>,
}

pub use flow::Flows;

impl App {
    /// Opens the lab that was kept, or `home`. `system`: what the browser says of language and theme.
    ///
    /// # Errors
    /// If not even `home` opens.
    pub fn new(store: Box<dyn Storage>, system: (Lang, Theme)) -> Result<Self, LabError> {
        Self::begin(None, store, system).map(|app| *app)
    }

    /// `home`, opened before anything is known of the reader: what [`App::begin`] begins with.
    ///
    /// # Errors
    /// If it does not open.
    pub fn home() -> Result<Box<Self>, LabError> {
        let lab = Lab::builtin("home").expect("it is built in");
        let session = lab.boot()?;
        Ok(Self::opened(lab, session))
    }

    /// As [`App::new`]; where nothing was kept it takes this `home`, if it is handed one.
    ///
    /// # Errors
    /// As there.
    pub fn begin(
        home: Option<Box<Self>>,
        mut store: Box<dyn Storage>,
        system: (Lang, Theme),
    ) -> Result<Box<Self>, LabError> {
        let lang = match store.get(KEEP_LANG).as_deref() {
            Some("ko") => Lang::Ko,
            Some("en") => Lang::En,
            _ => system.0,
        };
        let theme = match store.get(KEEP_THEME).as_deref() {
            Some("light") => Theme::Light,
            Some("dark") => Theme::Dark,
            _ => system.1,
        };
        let found = keep::open(&mut *store);
        let mut app = match (found.lab, home) {
            (Some((lab, session)), _) => Self::opened(lab, session),
            (None, Some(home)) => home,
            (None, None) => Self::home()?,
        };
        (app.settings.lang, app.settings.theme) = (lang, theme);
        app.dialog = found.lost.map(Dialog::Lost);
        app.course = course::State::kept(store.get(course::KEPT));
        (app.store, app.keep) = (store, found.state);
        app.set_language();
        app.tell_left_out(&found.left_out);
        Ok(app)
    }

    /// The page with this lab, running as `session`; nothing is kept.
    pub fn opened(lab: Lab, session: Session) -> Box<Self> {
        let (lang, theme) = (Lang::En, Theme::Light);
        let ready = Lab::builtin_names().iter().any(|n| *n == lab.name);
        let opened = Some(lab.clone()).filter(|_| !ready);
        let mut app = Box::new(Self {
            lab,
            history: History::default(),
            timeline: Timeline::new(session),
            flows: Flows::default(),
            terminals: terminal::Terminals::default(),
            selection: None,
            settings: Settings { lang, theme, tab: Tab::Packet, pane: Pane::Start, hide_arp: false },
            camera: Camera::default(),
            drag: None,
            cabling: false,
            renaming: None,
            dialog: None,
            form_error: None,
            rehearsal: rehearsal::Rehearsal::default(),
            toasts: Vec::new(),
            firewall: firewall::Firewall::default(),
            changes: None,
            course: course::State::default(),
            share: share::State::default(),
            shown: Shown::default(),
            store: Box::<store::Memory>::default(),
            keep: keep::State::default(),
            epoch: 0,
            busy: false,
            picked: false,
            waited: 0.0,
            next_toast: 0,
            watched: Vec::new(),
            whys: why::Whys::default(),
            clip: Clip::default(),
            outbox: None,
            opened,
            invited: false,
        });
        let places = terminal::places(app.timeline.live());
        let first = places.iter().find(|p| *p == first::HOME.0).or(places.first()).cloned();
        app.terminals.go(&first.unwrap_or_default());
        app.refresh();
        app
    }

    /// Does an action. What is to be painted is up to date afterwards.
    pub fn act(&mut self, action: Action) {
        let playing = matches!(action, Action::Tick(_));
        self.carry_out(action);
        self.follow_course();
        self.follow_why();
        self.refresh();
        if let Some(at) = self.moving().pills.iter().find(|p| p.active).map(|p| p.at) {
            self.camera.follow(at, if playing { 0.14 } else { 1.0 });
        }
    }

    /// Runs the World a little. True if there is more to do: call again while the frame has room.
    pub fn run_slice(&mut self) -> bool {
        self.slice()
    }

    /// Does something move or run, so that the page has to come back next frame?
    pub fn needs_frames(&self) -> bool {
        (self.busy && self.flows.hungry())
            || (self.flows.player.playing && self.flows.player.pos < self.flows.len())
            || !self.toasts.is_empty()
            || self.changes.as_ref().is_some_and(changed::Changes::is_lit)
            || self.is_showing()
    }

    /// Can undo, can redo.
    pub fn can_undo_redo(&self) -> (bool, bool) {
        self.history.can()
    }

    /// The session now.
    pub fn live(&self) -> &Session {
        self.timeline.live()
    }

    /// What moves on the picture.
    pub fn moving(&self) -> pills::Moving {
        let Some(flow) = self.flows.current() else { return pills::Moving::default() };
        let log = &self.live().world.log;
        pills::moving(&self.shown.scene, &flow.schedule, self.flows.player.pos, log)
    }

    fn toast(&mut self, key: &'static str, text: &str, bad: bool) {
        self.next_toast += 1;
        let left = if bad { 9000 } else { 4500 };
        // The same word twice is one word, and good news of one kind are the latest.
        self.toasts.retain(|t| t.key != key || (bad && t.text != text));
        self.toasts.push(Toast { id: self.next_toast, bad, key, text: text.to_owned(), left });
        if self.toasts.len() > 3 {
            self.toasts.remove(0);
        }
    }

    fn set_language(&mut self) {
        self.timeline.set_language(self.settings.lang);
    }

    /// The place whose tables are shown: what is selected, else where the packet is, else the terminal's.
    fn inspected(&self) -> String {
        if let Some(selection) = &self.selection {
            return selection.place().to_owned();
        }
        if let Some(place) = self.why_place() {
            return place.to_owned();
        }
        let here = self.flows.current().zip(self.flows.beat()).and_then(|(flow, i)| {
            let ns = match &flow.schedule.beats[i].kind {
                playback::BeatKind::Travel(moves) => moves.first()?.from.ns,
                playback::BeatKind::Hook { ns, .. }
                | playback::BeatKind::Held { ns, .. }
                | playback::BeatKind::Arrive { ns, .. }
                | playback::BeatKind::Envelope { ns, .. }
                | playback::BeatKind::Refused { ns, .. }
                | playback::BeatKind::Drop { ns, .. } => *ns,
                playback::BeatKind::Wait { .. } => return None,
            };
            self.live().place_of_ns(ns)
        });
        here.unwrap_or_else(|| self.terminals.place.clone())
    }

    /// Brings what is painted up to date, if what it depends on changed.
    fn refresh(&mut self) {
        let seq = self.flows.seq();
        let place = self.inspected();
        let log_end = self.live().world.log.next_seq();
        let moment = if seq == u64::MAX { log_end } else { 0 };
        let words = self.flows.current().map(|_| self.settings.lang);
        let key = (self.epoch, seq, moment, self.flows.beat(), place.clone(), words);
        if self.shown.key.as_ref() == Some(&key) {
            return self.follow_drag();
        }
        let positions: Vec<_> = self.lab.nodes.iter().map(|n| (n.id.clone(), n.pos)).collect();
        let session = if seq == u64::MAX { self.timeline.live() } else { self.timeline.at(seq) };
        let plan = scene::plan(session, &positions);
        let scene = scene::layout(&plan);
        let notices = notice::notices(session);
        let tables = inspector::tables(session, &place);
        let lang = self.settings.lang;
        // Names and words come from the live session, whose log has the records.
        let live = self.timeline.live();
        let flow = self.flows.current();
        let packet = flow
            .zip(self.flows.beat())
            .and_then(|(flow, i)| inspector::packet(live, &flow.schedule, i, &live.world.log, lang));
        let drops = flow.map(|flow| {
            let dead = flow.rows.iter().filter_map(|r| r.drop.map(|drop| (r.seq, drop)));
            let words = dead.map(|(seq, (reason, dev, ns))| {
                (seq, crate::explain::drop_reason(reason, dev, ns, live, lang))
            });
            let refused = flow.schedule.beats.iter().filter_map(|b| match b.kind {
                playback::BeatKind::Refused { .. } => {
                    let record = live.world.log.get(b.key_seq)?;
                    Some((b.key_seq, crate::explain::sentence(&record, live, lang)))
                }
                _ => None,
            });
            words.chain(refused).collect()
        });
        let version = self.shown.version + 1;
        if self.camera.auto && self.drag.is_none() {
            self.camera.fit(&scene.bounds);
        }
        let drops = drops.unwrap_or_default();
        let key = Some(key);
        self.shown =
            Shown { version, scene, place, tables, packet, drops, notices, plan, dragged: None, key };
        self.follow_drag();
    }

    /// While boxes are dragged their cables go along.
    fn follow_drag(&mut self) {
        let dragged = self.drag.clone().filter(|d| matches!(d, Drag::Nodes { moved: true, .. }));
        if dragged == self.shown.dragged {
            return;
        }
        let mut plan = self.shown.plan.clone();
        for node in &mut plan.nodes {
            if let Some((dx, dy)) = dragged.as_ref().and_then(|d| d.offset(&node.id)) {
                node.pos = (node.pos.0 + f64::from(dx), node.pos.1 + f64::from(dy));
            }
        }
        self.shown.scene = scene::layout(&plan);
        self.shown.dragged = dragged;
        self.shown.version += 1;
    }
}
