//! The root: owns the state, drives the frames, hands down what is painted.

use yew::prelude::*;

use super::browser::{self, LocalStorage};
use super::canvas::Canvas;
use super::course;
use super::dialogs::{Dialogs, read_lab};
use super::embed::{self, Told};
use super::firewall::Walk;
use super::header::Header;
use super::inspector::Inspector;
use super::packets::Packets;
use super::palette::{Ghost, Palette};
use super::share::Visit;
use super::start::Start;
use super::terminal::Terminal;
use super::timeline::Timeline;
use super::toasts::Toasts;
use super::{Ctx, Shared, rest};
use crate::app::arrange::Arrange;
use crate::app::changed::Changes;
use crate::app::course::Course as Lessons;
use crate::app::decode::Kind;
use crate::app::firewall::{FirewallAct, View};
use crate::app::inspector::{PacketView, Tables};
use crate::app::keep::KeepAction;
use crate::app::notice::Notice;
use crate::app::packets::PacketRow;
use crate::app::scene::Scene;
use crate::app::share::ShareAction;
use crate::app::store::{Memory, Storage};
use crate::app::{Action, App, Pane, Selection, terminal};
use crate::session::NodeKind;

/// What a frame may cost, in milliseconds.
const FRAME_BUDGET: f64 = 7.0;

/// What comes to the root.
pub enum Msg {
    /// A component wants something.
    Act(Action),
    /// A frame, at this time.
    Frame(f64),
    /// A key that no component took.
    Key(KeyboardEvent),
    /// The page around this one says a word.
    Asked(String),
}

/// Things handed down, remade only when they change.
struct Painted {
    version: u64,
    scene: Shared<Scene>,
    tables: Shared<Option<Tables>>,
    packet: Shared<Option<PacketView>>,
    drops: Shared<Vec<(u64, String)>>,
    walk: Option<Shared<View>>,
    changes: Option<Shared<Changes>>,
    rows_key: (usize, usize, u64),
    rows: Shared<Vec<PacketRow>>,
    notices: Shared<Vec<Notice>>,
}

/// The root component.
pub struct Root {
    app: Result<Box<App>, String>,
    ctx: Ctx,
    frame: bool,
    last: Option<f64>,
    painted: Painted,
    keys: Option<wasm_bindgen::closure::Closure<dyn FnMut(KeyboardEvent)>>,
    /// What the page around was told.
    told: Told,
    /// The browser asks before the page is left.
    asks: bool,
    /// The size of the picture is known before anything is drawn.
    measured: bool,
    /// The address says more than where the page is.
    linked: bool,
    /// The inspector was seen: before, the beginning is in its place, and it is not even made.
    inspects: bool,
}

impl Component for Root {
    type Message = Msg;
    type Properties = ();

    fn create(ctx: &Context<Self>) -> Self {
        let fragment = browser::fragment();
        let linked = !fragment.is_empty();
        let guest =
            fragment.trim_start_matches('#').split('&').any(|p| p == "embed" || p.starts_with("embed="));
        // A guest touches nothing that the reader keeps.
        let store: Box<dyn Storage> =
            if guest { Box::new(Memory::default()) } else { Box::new(LocalStorage) };
        let mut app = App::begin(rest::prepared(), store, browser::system()).map_err(|e| e.to_string());
        if let Ok(app) = &mut app {
            app.act(Action::Share(ShareAction::Visit(fragment)));
        }
        let embed = app.as_ref().is_ok_and(|a| a.share.embed);
        let room = if embed { None } else { browser::room() };
        if let (Ok(app), Some((w, h))) = (&mut app, room) {
            app.act(Action::Viewport(w, h));
        }
        let lang = app.as_ref().map_or_else(|_| browser::system().0, |a| a.settings.lang);
        if let Ok(app) = &app {
            browser::mark(lang, app.settings.theme);
        }
        let act = ctx.link().callback(Msg::Act);
        let painted = Painted {
            version: 0,
            scene: Shared::new(Scene::default()),
            tables: Shared::new(None),
            packet: Shared::new(None),
            drops: Shared::new(Vec::new()),
            walk: None,
            changes: None,
            rows_key: (usize::MAX, 0, 0),
            rows: Shared::new(Vec::new()),
            notices: Shared::new(Vec::new()),
        };
        let mut root = Self {
            app,
            ctx: Ctx { lang, act, embed },
            frame: false,
            last: None,
            painted,
            keys: None,
            told: Told::default(),
            asks: false,
            measured: room.is_some(),
            linked,
            inspects: false,
        };
        root.repaint();
        root
    }

    fn rendered(&mut self, ctx: &Context<Self>, first: bool) {
        if first {
            let link = ctx.link().clone();
            let keys = wasm_bindgen::closure::Closure::<dyn FnMut(KeyboardEvent)>::new(move |e| {
                link.send_message(Msg::Key(e));
            });
            use wasm_bindgen::JsCast;
            let listener = keys.as_ref().unchecked_ref();
            // A page's own document always takes a listener.
            let _ = browser::document().add_event_listener_with_callback("keydown", listener);
            self.keys = Some(keys);
            self.fetch_wanted(ctx);
            let link = ctx.link().clone();
            browser::on_fragment(move |f| link.send_message(Msg::Act(Action::Share(ShareAction::Visit(f)))));
            if !self.ctx.embed {
                if let Ok(app) = &mut self.app {
                    app.act(Action::Keep(KeepAction::Opened));
                }
                let link = ctx.link().clone();
                browser::on_storage(move || link.send_message(Msg::Act(Action::Keep(KeepAction::Elsewhere))));
            }
            if self.ctx.embed {
                let link = ctx.link().clone();
                browser::hear_parent(move |word| link.send_message(Msg::Asked(word)));
            }
            // What a link wants is fetched, and the page around hears that we are here.
            // Who comes without a link waits for nothing: there is nothing to draw once more.
            if self.linked {
                ctx.link().send_message(Msg::Act(Action::Tick(0.0)));
            }
            self.request_frame(ctx);
        }
    }

    fn update(&mut self, ctx: &Context<Self>, msg: Msg) -> bool {
        let Ok(app) = &mut self.app else { return false };
        match msg {
            Msg::Act(action) => {
                let language = matches!(action, Action::Lang(_) | Action::Theme(_));
                app.act(action);
                if let Some(file) = app.take_download() {
                    browser::download(&file);
                }
                if language {
                    self.ctx.lang = app.settings.lang;
                    browser::mark(app.settings.lang, app.settings.theme);
                }
                // What a line prints at once is there in the same frame.
                Self::work(app);
            }
            Msg::Frame(time) => {
                self.frame = false;
                let dt = self.last.map_or(16.0, |l| time - l);
                self.last = Some(time);
                Self::work(app);
                app.act(Action::Tick(dt));
            }
            Msg::Asked(word) => {
                let Some(action) = embed::asked(&word, app) else { return false };
                app.act(action);
                Self::work(app);
            }
            // A guest's buttons have their keys; no others are taken.
            Msg::Key(_) if self.ctx.embed => return false,
            Msg::Key(event) => {
                let Some(action) = key_action(app, &event) else { return false };
                event.prevent_default();
                app.act(action);
            }
        }
        if app.is_unsaved() != std::mem::replace(&mut self.asks, app.is_unsaved()) {
            browser::ask_before_leaving(self.asks);
        }
        self.fetch_wanted(ctx);
        self.request_frame(ctx);
        self.repaint();
        if self.ctx.embed
            && let Ok(app) = &self.app
        {
            self.told.tell(app, self.painted.packet.as_ref());
        }
        true
    }

    fn view(&self, _: &Context<Self>) -> Html {
        match &self.app {
            Ok(app) => html! {
                <ContextProvider<Ctx> context={self.ctx.clone()}>{ if self.ctx.embed { self.guest(app) } else { self.page(app) } }</ContextProvider<Ctx>>
            },
            Err(error) => html! { <div class="boot" role="alert"><p>{ error }</p></div> },
        }
    }
}

impl Root {
    /// Fetches what the course wants, and writes the address that it names.
    fn fetch_wanted(&mut self, ctx: &Context<Self>) {
        let Ok(app) = &mut self.app else { return };
        if app.share.take_forget() && !self.ctx.embed {
            browser::set_fragment("#");
        }
        for file in app.course.take_wanted() {
            if file.starts_with('#') {
                if !self.ctx.embed {
                    browser::set_fragment(&file);
                }
                continue;
            }
            let link = ctx.link().clone();
            wasm_bindgen_futures::spawn_local(async move {
                let came = browser::fetch(&file).await;
                link.send_message(Msg::Act(Action::Course(Lessons::Came(file, came))));
            });
        }
    }

    /// Lets the World run as long as the frame has room.
    fn work(app: &mut App) {
        let until = browser::now() + FRAME_BUDGET;
        while app.run_slice() && browser::now() < until {}
        app.act(Action::Tick(0.0));
    }

    fn request_frame(&mut self, ctx: &Context<Self>) {
        let Ok(app) = &self.app else { return };
        if self.frame {
            return;
        }
        if !app.needs_frames() {
            self.last = None;
            return;
        }
        self.frame = true;
        let link = ctx.link().clone();
        browser::next_frame(move |time| link.send_message(Msg::Frame(time)));
    }

    fn repaint(&mut self) {
        let Ok(app) = &mut self.app else { return };
        self.inspects |= app.settings.pane != Pane::Start;
        let painted = &mut self.painted;
        if painted.version != app.shown.version {
            painted.version = app.shown.version;
            if *painted.scene != app.shown.scene {
                painted.scene = Shared::new(app.shown.scene.clone());
            }
            if *painted.tables != app.shown.tables {
                painted.tables = Shared::new(app.shown.tables.clone());
            }
            if *painted.packet != app.shown.packet {
                painted.packet = Shared::new(app.shown.packet.clone());
            }
            if *painted.notices != app.shown.notices {
                painted.notices = Shared::new(app.shown.notices.clone());
            }
            if *painted.drops != app.shown.drops {
                painted.drops = Shared::new(app.shown.drops.clone());
            }
        }
        // Only whether it is lit matters of the time that is left.
        if !same_changes(painted.changes.as_deref(), app.changes.as_ref()) {
            painted.changes = app.changes.clone().map(Shared::new);
        }
        let walk = app.firewall_view();
        if painted.walk.as_deref() != walk.as_ref() {
            painted.walk = walk.map(Shared::new);
        }
        let rows = app.flows.current().map_or((0, 0), |f| (f.rows.len(), f.schedule.next_seq()));
        let key = (app.flows.shown, rows.0, rows.1);
        if painted.rows_key != key {
            painted.rows_key = key;
            painted.rows = Shared::new(app.flows.current().map(|f| f.rows.clone()).unwrap_or_default());
        }
    }

    /// The page as a guest on another one: the picture, the player, one sentence.
    fn guest(&self, app: &App) -> Html {
        let first = app.flows.current().and_then(|f| f.schedule.beats.first());
        let now = app.flows.current().zip(app.flows.beat()).map(|(f, i)| f.schedule.beats[i].at);
        let at = first.zip(now).map(|(first, now)| now.since(first.at).as_nanos());
        html! {
            <>
            <div class="embed">
                { self.canvas(app) }
                { self.timeline(app) }
                <embed::Foot packet={self.painted.packet.clone()} because={app.why_shown()} {at} goals={app.course.open.as_ref().map(|o| {
                    let met = o.progress.met();
                    (met.iter().filter(|m| **m).count(), met.len())
                })} />
            </div>
            <Toasts toasts={app.toasts.clone()} />
            </>
        }
    }

    fn canvas(&self, app: &App) -> Html {
        let painted = &self.painted;
        let fresh = app.first_flow_offered();
        html! {
            <Canvas
                scene={painted.scene.clone()}
                moving={app.moving()}
                drops={painted.drops.clone()}
                camera={app.camera}
                measured={self.measured}
                selection={app.selection.clone()}
                drag={app.drag.clone()}
                caption={caption(painted.packet.as_ref())}
                {fresh}
                cabling={app.cabling}
                renaming={app.renaming.clone()}
                notices={painted.notices.clone()}
                wrong={app.why_lights()}
                right={app.lights_worked()}
                empty={app.lab.nodes.is_empty()}
                changes={painted.changes.clone()}
                wide={app.is_wide()}
                playing={plays(app) && !app.picked}
            />
        }
    }

    fn timeline(&self, app: &App) -> Html {
        let fresh = app.first_flow_offered().is_some();
        html! {
            <Timeline
                flow={app.flows.shown}
                flows={app.flows.all.iter().map(|f| (f.place.clone(), f.line.clone())).collect::<Vec<_>>()}
                marks={self.painted.rows.clone()}
                len={app.flows.len()}
                pos={app.flows.player.pos}
                playing={plays(app)}
                speed={app.flows.player.speed}
                clock={clock(app)}
                spans={spans(app)}
                {fresh}
            />
        }
    }

    fn page(&self, app: &App) -> Html {
        let painted = &self.painted;
        let pane = match app.settings.pane {
            Pane::Start => "show-start",
            Pane::Packets => "show-packets",
            Pane::Terminal => "show-terminal",
            Pane::Inspector => "show-inspector",
        };
        let beat = app.flows.beat();
        html! {
            <>
            <div class={classes!("page", pane, painted.walk.is_some().then_some("walking"), app.whys.open().is_some().then_some("asking"))} inert={app.dialog.is_some() || app.course.menu} ondragover={Callback::from(|e: DragEvent| e.prevent_default())} ondrop={dropped(&self.ctx)}>
                <Header lab={lab_name(app, self.ctx.lang)} can={app.can_undo_redo()} theme={app.settings.theme} away={app.is_away()} />
                <Palette selection={app.selection.clone()} cabling={app.cabling} internet={app.lab.nodes.iter().any(|n| n.kind == NodeKind::Isp)} />
                { self.canvas(app) }
                <Visit visiting={app.share.visiting()} aside={app.share.aside} played={!app.flows.is_empty() || app.terminals.has_lines()} />
                <Start front={app.front()} />
                <Walk view={painted.walk.clone()} hop={painted.packet.as_ref().map(|p| p.hop)} />
                <course::Card
                    open={app.course.open.as_ref().map(|o| course::Lesson::of(o, self.ctx.lang))}
                    folded={app.course.folded}
                    showing={app.is_showing()}
                    next={app.course.next().map(|e| (e.id.clone(), e.title(self.ctx.lang).to_owned()))}
                />
                { self.timeline(app) }
                <Switcher pane={app.settings.pane} lesson={app.in_lesson().then_some(!app.course.folded)} />
                <Packets rows={painted.rows.clone()} {beat} hide_arp={app.settings.hide_arp} pane={app.settings.pane} />
                <Terminal
                    place={app.terminals.place.clone()}
                    open={app.terminals.open.clone()}
                    places={terminal::places(app.live())}
                    terminal={app.terminals.current().cloned().unwrap_or_default()}
                    prompt={terminal::prompt(app.live(), &app.terminals.place)}
                    seq={app.flows.seq()}
                    whys={app.whys.jobs()}
                    hows={app.whys.worked()}
                    why={app.whys.open()}
                    captures={app.captures()}
                />
                if self.inspects { <Inspector
                    tab={app.settings.tab}
                    place={app.shown.place.clone()}
                    pinned={app.selection.is_some()}
                    scene={painted.scene.clone()}
                    tables={painted.tables.clone()}
                    packet={painted.packet.clone()}
                    selection={app.selection.clone()}
                    container={app.selected_container()}
                    changes={painted.changes.clone().filter(|_| app.is_wide())}
                    why={app.why_here()}
                    explained={app.why_view()}
                /> }
            </div>
            <Ghost drag={app.drag.clone()} />
            <Toasts toasts={app.toasts.clone()} />
            <Dialogs dialog={app.dialog.clone()} error={app.form_error.clone()} told={app.told().cloned()} scene={self.painted.scene.clone()} />
            <course::Menu
                open={app.course.menu}
                index={app.course.index.clone()}
                done={app.course.done.clone()}
                problem={app.course.problem.clone()}
                clinic={app.course.clinic}
                here={app.course.open.as_ref().map(|o| o.lesson.id.clone())}
            />
            </>
        }
    }
}

/// A lab file let go over the page is opened.
fn dropped(ctx: &Ctx) -> Callback<DragEvent> {
    let act = ctx.act.clone();
    Callback::from(move |e: DragEvent| {
        let file = e.data_transfer().and_then(|d| d.files()).and_then(|f| f.get(0));
        if let Some(file) = file {
            e.prevent_default();
            let act = act.clone();
            browser::read_file(&file, move |name, text| act.emit(read_lab(name, text)));
        }
    })
}

fn same_changes(a: Option<&Changes>, b: Option<&Changes>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.looks_like(b),
        (None, None) => true,
        _ => false,
    }
}

fn plays(app: &App) -> bool {
    app.flows.player.playing && app.flows.player.pos < app.flows.len()
}

/// What the header calls the lab: a lesson by its title.
fn lab_name(app: &App, lang: crate::explain::Lang) -> String {
    match &app.course.open {
        Some(open) => open.lesson.prose(lang).title.clone(),
        None => crate::app::gallery::title(&app.lab.name, lang),
    }
}

/// One sentence for what is seen, where there is no room for the inspector: (kind, sentence, is it a death).
fn caption(packet: Option<&PacketView>) -> Option<(Kind, String, bool)> {
    let p = packet?;
    let words = p.drop.clone().unwrap_or_else(|| p.sentence.clone());
    (!words.is_empty()).then_some((p.kind, words, p.drop.is_some()))
}

#[derive(Properties, PartialEq)]
struct SwitcherProps {
    pane: Pane,
    /// In a lesson: its card is seen.
    lesson: Option<bool>,
}

/// On a narrow screen: which of the lower panes is seen.
#[component]
fn Switcher(props: &SwitcherProps) -> Html {
    let ctx = super::use_ctx();
    let panes = [
        (Pane::Start, "front.label", "pane-start"),
        (Pane::Terminal, "terminal.label", "pane-terminal"),
        (Pane::Packets, "packets.label", "pane-packets"),
        (Pane::Inspector, "inspector.label", "pane-inspector"),
    ];
    let card = props.lesson == Some(true);
    // In a lesson its card is what one comes back to.
    let panes = panes.into_iter().skip(usize::from(props.lesson.is_some()));
    let tab = |word: &str, test: &'static str, on: bool, action: Action| {
        html! { <button type="button" class={on.then_some("on")} aria-pressed={on.to_string()} data-test={test} onclick={ctx.on(action)}>{ ctx.t(word) }</button> }
    };
    html! {
        <div class="switcher" role="group" aria-label={ctx.t("switcher.label")}>
            if props.lesson.is_some() {
                { tab("course.card", "pane-lesson", card, if card { Action::Tick(0.0) } else { Action::Course(Lessons::Fold) }) }
            }
            { for panes.map(|(pane, word, test)| tab(word, test, !card && pane == props.pane, Action::Pane(pane))) }
        </div>
    }
}

/// Virtual time since the flow began, now and at its end.
fn clock(app: &App) -> Option<(String, String)> {
    let flow = app.flows.current()?;
    let first = flow.schedule.beats.first()?.at;
    let last = flow.schedule.beats.last()?.at;
    let at = app.flows.beat().map_or(first, |i| flow.schedule.beats[i].at);
    let time = |t: crate::time::Instant| crate::app::packets::since(t.since(first));
    let all = time(last);
    // The unit of what is shorter than a second is said once.
    let all = if all.ends_with('s') { all } else { format!("{all} ms") };
    let now = time(at);
    let alone = all.ends_with("ms") || now.ends_with('s');
    Some((if alone { now } else { format!("{now} ms") }, all))
}

/// Where each row's beat begins on the track; by row.
fn spans(app: &App) -> Vec<f64> {
    let Some(flow) = app.flows.current() else { return Vec::new() };
    flow.rows.iter().filter_map(|r| flow.schedule.beats.get(r.beat)).map(|b| b.start).collect()
}

/// Keys of the page. Letters belong to whoever is writing.
fn key_action(app: &App, e: &KeyboardEvent) -> Option<Action> {
    if e.default_prevented() {
        return None;
    }
    let command = e.ctrl_key() || e.meta_key();
    if e.key() == "Escape" {
        if app.course.menu {
            return Some(Action::Course(Lessons::Menu(false)));
        }
        if app.dialog.is_some() {
            return Some(Action::Dialog(None));
        }
        if let Some(out) = app.escapes_walk().filter(|_| app.drag.is_none()) {
            return Some(out);
        }
        if app.whys.open().is_some() && app.drag.is_none() {
            return Some(Action::Why(None));
        }
        return (app.drag.is_some() || app.cabling)
            .then_some(Action::CancelDrag)
            .or_else(|| app.selection.is_some().then_some(Action::Select(None)));
    }
    if browser::is_writing(e.target()) || app.dialog.is_some() || app.course.menu {
        return None;
    }
    let reading = browser::window().get_selection().ok().flatten().is_some_and(|s| !s.is_collapsed());
    let nodes = !app.selected_nodes().is_empty();
    match (e.key().as_str(), command, e.shift_key()) {
        ("a", true, false) if browser::in_picture(e.target()) || browser::is_nowhere(e.target()) => {
            return Some(Action::Arrange(Arrange::All));
        }
        ("c", true, false)
            if (nodes || matches!(app.selection, Some(Selection::Container(_)))) && !reading =>
        {
            return Some(Action::Arrange(Arrange::Copy));
        }
        ("x", true, false) if nodes && !reading => return Some(Action::Arrange(Arrange::Cut)),
        ("v", true, false) => return Some(Action::Arrange(Arrange::Paste)),
        ("d", true, false) if nodes => return Some(Action::Arrange(Arrange::Duplicate)),
        ("z" | "Z", true, false) => return Some(Action::Undo),
        ("z" | "Z", true, true) | ("y", true, _) => return Some(Action::Redo),
        _ if command || e.alt_key() => return None,
        _ => {}
    }
    let middle = (app.camera.size.0 / 2.0, app.camera.size.1 / 2.0);
    Some(match e.key().as_str() {
        " " if !on_button(e) => Action::TogglePlay,
        "ArrowRight" => Action::Step,
        "ArrowLeft" => Action::Back,
        "Home" => Action::ToStart,
        "End" => Action::ToEnd,
        "+" | "=" => Action::Zoom(1.2, middle),
        "-" => Action::Zoom(1.0 / 1.2, middle),
        "0" => Action::Fit,
        "Delete" | "Backspace" if app.selection.is_some() => Action::Delete,
        "f" | "F" if app.firewall.place.is_none() => {
            Action::Firewall(FirewallAct::Open(app.shown.place.clone()))
        }
        "?" => Action::Dialog(Some(Box::new(crate::app::Dialog::Help))),
        _ => return None,
    })
}

fn on_button(e: &KeyboardEvent) -> bool {
    use wasm_bindgen::JsCast;
    let element = e.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
    element.is_some_and(|e| e.tag_name() == "BUTTON" || e.get_attribute("role").as_deref() == Some("button"))
}

/// Is this node or container what is selected?
pub fn is_selected(selection: Option<&Selection>, place: &str) -> bool {
    match selection {
        Some(Selection::Node(id)) => id == place,
        Some(Selection::Container(of)) => of == place,
        _ => false,
    }
}
