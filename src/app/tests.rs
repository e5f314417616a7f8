//! The page, played without a browser, over the lab that it opens first.

use super::decode::Kind;
use super::playback::BeatKind;
use super::scene::Stage;
use super::store::{Memory, Storage};
use super::view::Ware;
use super::*;
use crate::netfilter::Hook;
use crate::stack::Step;
use crate::time::Duration;

fn open() -> App {
    App::new(Box::new(Memory::default()), (Lang::En, Theme::Light)).unwrap()
}

/// Lets the World run as long as it wants to, with the playhead at the end of what there is.
pub(super) fn settle(app: &mut App) {
    for _ in 0..2_000 {
        while app.run_slice() {}
        if !app.busy {
            break;
        }
        app.act(Action::ToEnd);
    }
    app.act(Action::Tick(0.0));
}

fn type_at(app: &mut App, place: &str, line: &str) -> String {
    app.act(Action::Run { place: place.into(), line: line.into() });
    settle(app);
    app.act(Action::ToEnd);
    let entry = app.terminals.at(place).entries.last().unwrap().clone();
    entry.shown(u64::MAX).map(|(_, text)| text.to_owned()).collect()
}

fn first_flow() -> App {
    let mut app = open();
    app.act(Action::FirstFlow);
    settle(&mut app);
    app
}

#[test]
fn the_first_flow_rewrites_the_source_twice_on_its_way_out() {
    let mut app = first_flow();
    app.act(Action::ToStart);
    let mut seen = Vec::new();
    let mut last = -1.0;
    while app.flows.player.pos > last {
        last = app.flows.player.pos;
        app.act(Action::Step);
        for pill in app.moving().pills.into_iter().filter(|p| p.active && p.rewriting.is_some()) {
            let old = pill.from.old.filter(|_| pill.what == "SYN");
            seen.extend(old.map(|old| (old, pill.from.now)));
        }
    }
    let address = |text: &str| text.split(':').next().unwrap().to_owned();
    let seen: Vec<_> = seen.iter().map(|(a, b)| (address(a), address(b))).collect();
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(seen, [pair("172.17.0.3", "192.168.0.10"), pair("192.168.0.10", "150.150.0.1")]);
}

#[test]
fn a_step_back_takes_the_nat_row_away() {
    let mut app = first_flow();
    app.act(Action::ToStart);
    let rows = |app: &App| app.shown.scene.node("router").unwrap().nat.as_ref().unwrap().rows.len();
    while rows(&app) == 0 {
        let before = app.flows.player.pos;
        app.act(Action::Step);
        assert!(app.flows.player.pos > before, "the row never came");
    }
    let mut steps = 0;
    while rows(&app) > 0 {
        app.act(Action::Back);
        steps += 1;
        assert!(steps < 12, "the row stays");
    }
}

#[test]
fn beats_lie_one_after_the_other_and_hold_every_record_once() {
    let app = first_flow();
    let schedule = &app.flows.current().unwrap().schedule;
    for pair in schedule.beats.windows(2) {
        assert!((pair[1].start - pair[0].end()).abs() < 1e-6);
        assert!(pair[0].last_seq < pair[1].first_seq || pair[0].last_seq < pair[1].last_seq);
    }
    for (i, beat) in schedule.beats.iter().enumerate().filter(|(_, b)| b.len > 0.0) {
        assert_eq!(schedule.beat_at(beat.end()), Some(i));
    }
}

#[test]
fn every_wire_that_a_packet_travels_is_drawn() {
    let app = first_flow();
    let scene = &app.shown.scene;
    let log = &app.live().world.log;
    let first = app.flows.current().unwrap().schedule.first_seq();
    let mut travelled = 0;
    for (_, record) in log.iter_from(first) {
        if let Step::Transmit { dev, to, .. } = &record.step {
            let from = crate::stack::DevRef { ns: record.ns, dev: *dev };
            assert!(scene.wire(from, *to).is_some(), "{from:?} to {to:?}");
            travelled += 1;
        }
    }
    assert!(travelled > 20);
}

#[test]
fn pills_stay_on_the_picture() {
    let mut app = first_flow();
    let len = app.flows.len();
    for i in 0..400 {
        app.act(Action::Seek(len * f64::from(i) / 400.0));
        for pill in app.moving().pills {
            assert!(app.shown.scene.bounds.grown(1.0).contains(pill.at), "{:?}", pill.at);
        }
    }
}

#[test]
fn boxes_of_a_host_do_not_lie_on_one_another() {
    let app = open();
    for node in &app.shown.scene.nodes {
        let mut boxes: Vec<_> = node.containers.iter().map(|c| c.rect).collect();
        boxes.extend(node.bridges.iter().map(|b| b.rect));
        boxes.extend(node.gate.iter().map(|g| g.rect));
        for (i, a) in boxes.iter().enumerate() {
            assert!(node.rect.contains((a.x, a.y)) && node.rect.contains((a.right(), a.bottom())));
            for b in &boxes[i + 1..] {
                let apart = a.right() <= b.x || b.right() <= a.x || a.bottom() <= b.y || b.bottom() <= a.y;
                assert!(apart, "{a:?} {b:?}");
            }
        }
    }
}

#[test]
fn a_dropped_packet_lights_its_hook_and_says_why() {
    let mut app = open();
    type_at(&mut app, "docker-host:shell", "ping -c 1 -W 1 10.0.0.2");
    let flow = app.flows.current().unwrap();
    let beat = flow.schedule.beats.iter().position(|b| matches!(b.kind, BeatKind::Drop { .. })).unwrap();
    app.act(Action::SeekBeat(beat));
    let moving = app.moving();
    assert!(moving.pills.iter().any(|p| p.dropped));
    let lit = moving.lit.iter().find(|l| l.light == pills::Light::Drops).unwrap();
    assert_eq!(lit.stage, Stage::Hook(Hook::Prerouting));
    assert!(app.shown.packet.as_ref().unwrap().drop.as_ref().unwrap().contains("10.0.0.2"));
}

#[test]
fn what_is_typed_is_shown_when_its_moment_comes() {
    let mut app = first_flow();
    let shown = |app: &App| {
        let entry = app.terminals.current().unwrap().entries.last().unwrap();
        entry.shown(app.flows.seq()).count()
    };
    app.act(Action::ToStart);
    assert_eq!(shown(&app), 0);
    app.act(Action::ToEnd);
    assert!(shown(&app) > 0);
}

#[test]
fn a_dropped_ware_becomes_a_container_and_undo_takes_it_away_again() {
    let mut app = open();
    let bridge = app.shown.scene.nodes.iter().flat_map(|n| &n.bridges).find(|b| b.title == "second-bridge");
    let (x, y) = bridge.unwrap().rect.center();
    let camera = app.camera;
    let pixel = |x: f64, y: f64| ((x - camera.origin.0) * camera.scale, (y - camera.origin.1) * camera.scale);
    app.act(Action::GrabWare(Ware::Container(Some(0)), (1.0, 1.0)));
    app.act(Action::DragTo(pixel(x, y)));
    app.act(Action::Drop);
    let Some(Dialog::Container(form)) = &app.dialog else { panic!("no form") };
    assert_eq!(form.command(), "docker run -d --name nginx --network second-bridge nginx");
    app.act(Action::Submit);
    settle(&mut app);
    let there = |app: &App| app.live().place("docker-host:nginx").is_ok();
    assert!(there(&app));
    app.act(Action::Undo);
    assert!(!there(&app));
    app.act(Action::Redo);
    assert!(there(&app));
}

#[test]
fn the_routers_form_lets_the_internet_in() {
    let mut app = open();
    type_at(&mut app, "docker-host", "docker run -d --name tomcat -p 8080:8080 tomcat");
    assert!(!type_at(&mut app, "visitor", "curl -m 2 http://150.150.0.1:8080").contains("Tomcat"));
    app.act(Action::Settings(Selection::Node("router".into())));
    let Some(Dialog::Router(mut form)) = app.dialog.clone() else { panic!("no form") };
    form.forwards.push(settings::router::ForwardRow {
        proto: 0,
        port: "8080".into(),
        to: "192.168.0.10".into(),
        to_port: "8080".into(),
    });
    app.act(Action::Dialog(Some(Box::new(Dialog::Router(form)))));
    app.act(Action::Submit);
    assert!(app.dialog.is_none());
    assert!(type_at(&mut app, "visitor", "curl http://150.150.0.1:8080").contains("Tomcat"));
    let nat = app.shown.scene.node("router").unwrap().nat.clone().unwrap();
    assert_eq!(nat.rows.iter().map(|r| r.way).collect::<Vec<_>>()[..1], [scene::NatWay::Forward]);
    // Who came in is no address that became another: the port leads to the host.
    let row = nat.rows.iter().find(|r| r.way == scene::NatWay::In).expect("it was let in");
    assert_eq!((row.from.as_str(), row.to.as_str()), ("150.150.0.1:8080", "192.168.0.10:8080"));
    assert_eq!(row.by.as_deref(), Some("203.0.113.7"));
}

/// A store that several pages share, as the browser's does.
#[derive(Clone, Default)]
struct Kept(std::sync::Arc<std::sync::Mutex<Memory>>);

impl Storage for Kept {
    fn get(&self, key: &str) -> Option<String> {
        self.0.lock().unwrap().get(key)
    }
    fn set(&mut self, key: &str, value: &str) -> bool {
        self.0.lock().unwrap().set(key, value)
    }
    fn remove(&mut self, key: &str) {
        self.0.lock().unwrap().remove(key);
    }
}

#[test]
fn the_lab_is_found_again() {
    let store = Kept::default();
    let mut app = App::new(Box::new(store.clone()), (Lang::En, Theme::Light)).unwrap();
    type_at(&mut app, "docker-host", "docker run -d --name blog nginx");
    app.act(Action::Lang(Lang::Ko));
    let again = App::new(Box::new(store), (Lang::En, Theme::Light)).unwrap();
    assert_eq!(again.lab, app.lab);
    assert!(again.live().place("docker-host:blog").is_ok());
    assert_eq!(again.settings.lang, Lang::Ko);
}

#[test]
fn a_kept_lab_that_cannot_be_read_is_replaced_and_said_so() {
    let mut store = Memory::default();
    store.set(keep::KEEP_LAB, "{ not a lab");
    let app = App::new(Box::new(store), (Lang::Ko, Theme::Dark)).unwrap();
    assert_eq!(app.lab.name, "home");
    assert!(matches!(app.dialog, Some(Dialog::Lost(keep::Lost::Unreadable(_)))));
}

#[test]
fn a_kept_lab_opens_without_the_lines_that_fail_and_says_which() {
    let mut lab = Lab::builtin("home").unwrap();
    let at = |run: &str| crate::lab::LabCommand { at: "docker-host".into(), run: run.into() };
    lab.commands.push(at("docker swarm leave"));
    lab.commands.push(at("docker run -d --name kept nginx"));
    let mut store = Memory::default();
    store.set(keep::KEEP_LAB, &lab.to_json());
    let app = App::new(Box::new(store), (Lang::En, Theme::Light)).unwrap();
    assert_eq!(app.dialog, None);
    assert!(app.live().place("docker-host:kept").is_ok());
    assert!(!app.lab.to_json().contains("swarm leave"));
    let told: Vec<&str> = app.toasts.iter().map(|t| t.text.as_str()).collect();
    assert!(matches!(told.as_slice(), [one] if one.contains("docker swarm leave")), "{told:?}");
}

#[test]
fn what_failed_and_was_cleared_away_does_not_stand_in_the_way_of_undo_and_reload() {
    let mut app = open();
    type_at(
        &mut app,
        "docker-host",
        "docker swarm join --token SWMTKN-1-0-0123456789012345678901234 192.168.0.77:2377",
    );
    type_at(&mut app, "docker-host", "docker swarm leave");
    type_at(&mut app, "docker-host", "docker run -d --name kept nginx");
    assert!(!app.lab.to_json().contains("swarm leave"), "it only took back what is not in the list");
    type_at(&mut app, "docker-host", "docker run -d --name more nginx");
    app.act(Action::Undo);
    assert!(app.live().place("docker-host:kept").is_ok());
    assert!(app.live().place("docker-host:more").is_err());
}

#[test]
fn moving_a_node_is_an_edit_that_does_not_restart_the_world() {
    let mut app = first_flow();
    let before = app.lab.nodes[0].pos;
    app.act(Action::Select(Some(Selection::Node("dns".into()))));
    app.act(Action::Arrange(Arrange::Nudge(40, 0)));
    let rect = app.shown.scene.node("dns").unwrap().rect;
    assert_eq!((rect.x as i32, app.flows.is_empty()), (before.0 + 40, false));
    app.act(Action::Undo);
    assert_eq!((app.lab.nodes[0].pos, app.flows.is_empty()), (before, false));
}

#[test]
fn a_ping_without_end_after_a_published_port_does_not_hold_the_page_up() {
    let mut app = open();
    type_at(&mut app, "docker-host", "docker run -d -p 8080:80 nginx");
    app.act(Action::Run { place: "docker-host".into(), line: "ping 8.8.8.8".into() });
    for _ in 0..50 {
        app.run_slice();
    }
    // A moment in the past, behind the time when nothing was under way.
    app.act(Action::Tick(100.0));
    app.act(Action::Interrupt);
    settle(&mut app);
    assert!(!app.busy);
}

#[test]
fn a_shell_opened_in_a_container_takes_the_terminal_along_and_back() {
    let mut app = open();
    type_at(&mut app, "docker-host", "docker exec -it shell sh");
    assert_eq!(app.terminals.place, "docker-host:shell");
    type_at(&mut app, "docker-host:shell", "exit");
    assert_eq!(app.terminals.place, "docker-host");
    type_at(&mut app, "docker-host", "docker run -it --rm --name guest alpine sh");
    assert_eq!(app.terminals.place, "docker-host:guest");
    type_at(&mut app, "docker-host:guest", "exit");
    assert_eq!(app.terminals.place, "docker-host");
    assert!(app.live().place("docker-host:guest").is_err());
}

#[test]
fn what_was_typed_in_one_lab_is_not_read_in_another() {
    let mut app = open();
    assert!(!app.terminals.has_lines());
    type_at(&mut app, "laptop", "hostname");
    app.open_lab(Lab::builtin("macvlan").unwrap(), "toast.opened");
    assert!(!app.terminals.has_lines() && !app.terminals.place.is_empty());
    app.open_lab(Lab::builtin("storm").unwrap(), "toast.opened");
    let told: Vec<_> = app.toasts.iter().filter(|t| t.key == "toast.opened").collect();
    assert_eq!(told.len(), 1, "the latest is enough: {told:?}");
}

#[test]
fn what_dhcp_gave_is_given_again_after_undo_redo_and_reload() {
    let mut app = open();
    app.reopen(Lab::builtin("street").unwrap());
    settle(&mut app);
    let leases = |app: &App| -> Vec<(Option<std::net::Ipv4Addr>, String)> {
        let ports = app.lab.nodes.iter().flat_map(|n| n.ports.iter().map(move |p| (n.id.clone(), p)));
        ports.filter(|(_, p)| p.dhcp).map(|(id, p)| (app.live().leased(&id, p.name), id)).collect()
    };
    for line in ["ip link set eth0 down", "ip link set eth0 up"] {
        type_at(&mut app, "anna", line);
    }
    let now = leases(&app);
    assert!(now.iter().all(|(address, _)| address.is_some()), "{now:?}");
    for way in [Action::Undo, Action::Undo, Action::Redo, Action::Redo] {
        app.act(way);
        settle(&mut app);
    }
    assert_eq!(leases(&app), now);
    // The two change places, and keep them when the lab is opened again.
    let mut lab = app.lab.clone();
    let leased = |lab: &Lab, id: &str| lab.nodes.iter().find(|n| n.id == id).unwrap().ports[0].leased;
    let (anna, ben) = (leased(&lab, "anna"), leased(&lab, "ben"));
    assert!(anna.is_some() && ben.is_some() && anna != ben, "{anna:?} {ben:?}");
    for node in &mut lab.nodes {
        match node.id.as_str() {
            "anna" => node.ports[0].leased = ben,
            "ben" => node.ports[0].leased = anna,
            _ => {}
        }
    }
    let again = Lab::from_json(&lab.to_json()).unwrap().boot().unwrap();
    let eth0 = "eth0".parse().unwrap();
    assert_eq!((again.leased("anna", eth0), again.leased("ben", eth0)), (ben, anna));
}

#[test]
fn while_a_program_listens_time_passes_as_on_the_wall() {
    let mut app = open();
    app.reopen(Lab::builtin("street").unwrap());
    let begin = app.live().world.now();
    let job = app.type_line("anna", "tcpdump -ni eth0").expect("a job");
    for _ in 0..300 {
        while app.run_slice() {}
        app.act(Action::Tick(100.0));
    }
    let now = app.live().world.now();
    assert!(now - begin < Duration::from_secs(40), "{:?}", now - begin);
    assert!(now - begin > Duration::from_secs(20), "{:?}", now - begin);
    assert_eq!(app.live().job(job).unwrap().exit, None);
    // What is asked elsewhere is answered at once, as ever.
    app.type_line("ben", "ping -c 2 192.168.0.1");
    for _ in 0..5 {
        while app.run_slice() {}
        app.act(Action::Tick(100.0));
    }
    let said = app.live().jobs().last().unwrap().stdout();
    assert!(said.contains("2 received") || said.contains("2 packets"), "{said}");
}

#[test]
fn what_members_of_a_swarm_ask_each_other_is_not_among_what_a_line_set_going() {
    let mut app = open();
    app.reopen(Lab::builtin("oracle").unwrap());
    type_at(&mut app, "h1", "docker swarm init");
    let token = type_at(&mut app, "h1", "docker swarm join-token -q worker");
    type_at(&mut app, "h2", &format!("docker swarm join --token {} 192.168.0.10:2377", token.trim()));
    let from = app.live().world.log.next_seq();
    type_at(&mut app, "h1", "ping -c 4 192.168.0.11");
    let asked = |r: &crate::stack::Record| matches!(r.step, Step::Sent { by: Some(by) } if app.live().world.process_name(by) == Some("dockerd"));
    let sent = app.live().world.log.iter_from(from).filter(|(_, r)| asked(r)).count();
    assert!(sent > 6, "they asked meanwhile: {sent}");
    let flow = app.flows.current().expect("a flow");
    assert_eq!(flow.line, "ping -c 4 192.168.0.11");
    assert!(flow.rows.iter().all(|r| matches!(r.kind, Kind::Icmp | Kind::Arp)), "{:?}", flow.rows);
    let waits = flow.schedule.beats.iter().filter(|b| matches!(b.kind, BeatKind::Wait { .. })).count();
    assert_eq!(waits, 3, "between the four pings");
    // The same if the one who asks is gone by the time somebody looks.
    type_at(&mut app, "h2", "ping -c 3 192.168.0.10; docker swarm leave; ping -c 1 192.168.0.10");
    let flow = app.flows.current().expect("a flow");
    assert!(flow.line.contains("leave"));
    assert!(flow.rows.iter().all(|r| matches!(r.kind, Kind::Icmp | Kind::Arp)), "{:?}", flow.rows);
}

mod course {
    use super::*;
    use crate::app::Action::Course as Act;
    use crate::app::course::Course;
    use crate::app::share::ShareAction;

    fn file(name: &str) -> String {
        let path = format!("{}/lessons/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    fn open(app: &mut App, id: &str) {
        app.act(Act(Course::Open(id.into())));
        let wanted = app.course.take_wanted();
        assert!(wanted.contains(&format!("lessons/{id}.json")));
        for name in wanted {
            let text = file(name.strip_prefix("lessons/").unwrap());
            app.act(Act(Course::Came(name, Ok(text))));
        }
    }

    #[test]
    fn a_lesson_opens_is_shown_to_its_end_and_gives_the_own_lab_back() {
        let mut app = super::open();
        let mine = app.lab.clone();
        open(&mut app, "docker0");
        assert!(app.in_lesson());
        assert_eq!(app.course.take_wanted(), ["#lesson=docker0"]);
        app.act(Act(Course::ShowMe));
        for _ in 0..2000 {
            while app.run_slice() {}
            app.act(Action::Tick(500.0));
        }
        let opened = app.course.open.as_ref().unwrap();
        assert_eq!(opened.progress.met(), [true; 3]);
        assert!(app.course.done.contains("docker0"));
        assert_eq!(app.course.next().map(|e| e.id.as_str()), Some("neighbours"));
        app.act(Act(Course::Leave));
        assert_eq!(app.lab, mine);
        assert!(!app.in_lesson());
    }

    #[test]
    fn who_mends_before_looking_can_still_finish() {
        let mut app = super::open();
        open(&mut app, "the-wrong-door");
        for line in ["docker rm -f tomcat", "docker run -d --name tomcat -p 8001:8080 tomcat"] {
            app.type_line("docker-host", line);
            for _ in 0..200 {
                while app.run_slice() {}
                app.act(Action::Tick(500.0));
            }
        }
        let opened = app.course.open.as_ref().unwrap();
        assert_eq!(opened.progress.met(), [true; 3]);
    }

    #[test]
    fn started_over_a_lesson_stays_open_and_undo_brings_back_what_was_built_in_it() {
        let mut app = super::open();
        open(&mut app, "docker0");
        let start = app.lab.clone();
        type_at(&mut app, "docker-host", "docker run -d --name extra alpine sleep 100");
        let built = app.lab.clone();
        assert_ne!(built, start);
        app.act(Action::Lab(LabAction::StartOver));
        assert!(app.in_lesson());
        assert_eq!((&app.lab, app.toasts.last().map(|t| t.key)), (&start, Some("toast.over")));
        app.act(Action::Undo);
        assert!(app.in_lesson() && app.live().place("docker-host:extra").is_ok());
        assert_eq!(app.lab, built);
    }

    #[test]
    fn started_over_a_lab_is_as_it_was_opened_and_runs_anew() {
        let mut app = super::open();
        app.act(Action::Lab(LabAction::Open("dns")));
        let start = app.lab.clone();
        let id = app.lab.nodes[0].id.clone();
        app.act(Action::Select(Some(Selection::Node(id))));
        app.act(Action::Arrange(Arrange::Nudge(40, 0)));
        app.act(Action::Lab(LabAction::StartOver));
        assert_eq!((&app.lab, app.toasts.last().map(|t| t.key)), (&start, Some("toast.over")));
        app.act(Action::Undo);
        assert_ne!(app.lab, start);
        // A lab of the reader's own, brought by a file: as the file had it.
        let own = Lab { name: "mine".into(), ..Lab::builtin("home").unwrap() };
        app.act(Action::Lab(LabAction::Read("mine.json".into(), own.to_json())));
        let jobs = app.live().jobs().len();
        type_at(&mut app, "laptop", "ping -c 1 192.168.0.1");
        assert!(app.live().jobs().len() > jobs);
        app.act(Action::Lab(LabAction::StartOver));
        assert_eq!(app.live().jobs().len(), jobs);
        assert!(app.lab == own);
        assert_eq!(app.toasts.last().map(|t| t.key), Some("toast.over_as_it_was"));
    }

    #[test]
    fn a_link_names_a_lesson_and_nothing_but_a_file_name_is_fetched() {
        let mut app = super::open();
        app.act(Action::Share(ShareAction::Visit("#lesson=nat-table&t=3".into())));
        assert!(app.course.take_wanted().contains(&"lessons/nat-table.json".to_owned()));
        for id in ["", "../x", "a/b", "http://x", "A"] {
            app.act(Act(Course::Open(id.into())));
            assert!(app.course.take_wanted().is_empty(), "{id}");
        }
    }

    #[test]
    fn a_link_opens_a_lesson_after_some_of_its_moves_and_plays_a_line_there() {
        let mut app = super::open();
        let link = "#lesson=nat-table&step=1&in=router&run=conntrack%20-L";
        app.act(Action::Share(ShareAction::Visit(link.into())));
        for name in app.course.take_wanted() {
            let text = file(name.strip_prefix("lessons/").unwrap());
            app.act(Act(Course::Came(name, Ok(text))));
        }
        for _ in 0..200 {
            while app.run_slice() {}
            app.act(Action::Tick(500.0));
        }
        let opened = app.course.open.as_ref().unwrap();
        assert_eq!(opened.progress.met(), [true; 3]);
        assert!(app.live().jobs().iter().any(|j| j.line == "conntrack -L"));
        assert!(!app.is_showing());
    }

    #[test]
    fn begun_again_a_lesson_is_as_at_the_start_also_where_nothing_of_the_lab_changed() {
        let mut app = super::open();
        open(&mut app, "public-and-private");
        app.act(Action::Run { place: "laptop".into(), line: "ping -c 1 8.8.8.8".into() });
        for _ in 0..200 {
            while app.run_slice() {}
            app.act(Action::Tick(500.0));
        }
        assert!(app.course.open.as_ref().unwrap().progress.met()[1]);
        app.act(Act(Course::Again));
        assert_eq!(app.course.open.as_ref().unwrap().progress.met(), [false; 3]);
        assert!(app.live().jobs().iter().all(|j| j.place != "laptop"));
    }
}

/// An empty lab with a router and a computer, placed from the palette.
fn bench() -> App {
    use crate::lab::catalogue::Device;
    let mut app = open();
    app.act(Action::Lab(LabAction::Open("empty")));
    for device in [Device::Router, Device::Computer] {
        app.act(Action::Want(Ware::Device(device)));
        settle(&mut app);
    }
    app
}

#[test]
fn a_cable_drawn_from_socket_to_socket_brings_an_address_and_a_flow_to_watch() {
    let mut app = bench();
    let middle = |app: &App, node: &str, port: &str| {
        let ports = &app.shown.scene.node(node).unwrap().ports;
        app.camera.to_pixel(ports.iter().find(|p| p.name == port).unwrap().rect.center())
    };
    let end = ("computer".to_owned(), "eth0".parse().unwrap());
    app.act(Action::Cable(CableAction::Grab(end, middle(&app, "computer", "eth0"))));
    app.act(Action::DragTo(middle(&app, "router", "lan2")));
    app.act(Action::Drop);
    assert!(app.lab.links.iter().any(|l| l.b.1.as_str() == "lan2"));
    settle(&mut app);
    app.act(Action::ToEnd);
    let flow = app.flows.current().unwrap();
    assert_eq!(flow.line, "cable: computer eth0 – router lan2");
    let said: Vec<_> =
        flow.rows.iter().map(|r| r.what.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    for message in ["DHCP Discover", "DHCP Offer", "DHCP Request", "DHCP ACK"] {
        assert!(said.iter().any(|s| s == message), "{message}: {said:?}");
    }
    assert!(flow.rows.iter().all(|r| r.drop.is_none()), "a broadcast that nobody wanted is no drop");
    // A second one asks, and the first hears it too.
    app.act(Action::Want(Ware::Device(crate::lab::catalogue::Device::Computer)));
    let end = |node: &str, port: &str| (node.to_owned(), port.parse().unwrap());
    app.act(Action::Cable(CableAction::Plug(end("computer-2", "eth0"), end("router", "lan3"))));
    settle(&mut app);
    app.act(Action::ToEnd);
    let dropped: Vec<_> = app.flows.current().unwrap().rows.iter().filter_map(|r| r.drop).collect();
    assert!(dropped.is_empty(), "{dropped:?}");
    let lines = &app.shown.scene.node("computer").unwrap().lines;
    assert!(lines[0].text.starts_with("192.168.0."), "{lines:?}");
}

#[test]
fn an_end_pulled_out_of_its_socket_goes_into_another_or_out() {
    let mut app = first_flow();
    let plugged = |app: &App| app.lab.links.iter().find(|l| l.a.0 == "laptop").map(|l| l.b.1.to_string());
    let pixel = |app: &App, port: &str| {
        let ports = &app.shown.scene.node("router").unwrap().ports;
        app.camera.to_pixel(ports.iter().find(|p| p.name == port).unwrap().rect.center())
    };
    let pull = |app: &mut App, port: &str, to: (f64, f64)| {
        let end = ("router".to_owned(), port.parse().unwrap());
        app.act(Action::Cable(CableAction::Grab(end, pixel(app, port))));
        app.act(Action::DragTo(to));
        app.act(Action::Drop);
    };
    let free = pixel(&app, "lan3");
    pull(&mut app, "lan1", free);
    assert_eq!(plugged(&app).as_deref(), Some("lan3"));
    pull(&mut app, "lan3", (3.0, 3.0));
    assert_eq!(plugged(&app), None);
    app.act(Action::Undo);
    app.act(Action::Undo);
    assert_eq!(plugged(&app).as_deref(), Some("lan1"));
}

/// Drags the plug in a socket: to another node's socket, or to a pixel.
fn drag_plug(app: &mut App, from: (&str, &str), to: Result<(&str, &str), (f64, f64)>) {
    let pixel = |app: &App, (node, port): (&str, &str)| {
        let ports = &app.shown.scene.node(node).unwrap().ports;
        app.camera.to_pixel(ports.iter().find(|p| p.name == port).unwrap().rect.center())
    };
    let (at, to) = (pixel(app, from), to.map_or_else(|pixel| pixel, |end| pixel(app, end)));
    app.act(Action::Cable(CableAction::Grab((from.0.to_owned(), from.1.parse().unwrap()), at)));
    app.act(Action::DragTo(to));
    app.act(Action::Drop);
}

fn cables(app: &App) -> Vec<String> {
    let links = app.lab.links.iter();
    links.map(|l| format!("{} {} – {} {}", l.a.0, l.a.1, l.b.0, l.b.1)).collect()
}

#[test]
fn a_computer_taken_by_its_cable_stays_plugged_in_and_goes_where_it_is_dropped() {
    let mut app = open();
    app.act(Action::Want(Ware::Device(crate::lab::catalogue::Device::Switch)));
    settle(&mut app);
    let before = cables(&app);
    let uplink = before.iter().position(|l| l == "docker-host eth0 – router lan2").expect("it is cabled");
    drag_plug(&mut app, ("docker-host", "eth0"), Ok(("switch", "port1")));
    let after = cables(&app);
    assert_eq!(after.len(), before.len(), "no second cable");
    assert!(after.contains(&"docker-host eth0 – switch port1".to_owned()), "{after:?}");
    assert!(!after.contains(&before[uplink]));
    let toast = app.toasts.last().expect("a word");
    assert_eq!((toast.key, toast.text.as_str()), ("toast.replugged", "docker-host eth0 – switch port1"));
    // Let go over itself it stays as it is; over nothing it comes out.
    settle(&mut app);
    let at = app.camera.to_pixel(app.shown.scene.node("docker-host").unwrap().rect.center());
    drag_plug(&mut app, ("docker-host", "eth0"), Err(at));
    assert_eq!(cables(&app), after);
    drag_plug(&mut app, ("docker-host", "eth0"), Err((3.0, 3.0)));
    assert_eq!(cables(&app).len(), before.len() - 1);
    assert_eq!(app.toasts.last().map(|t| t.key), Some("toast.unplugged"));
}

#[test]
fn a_packet_that_no_wire_took_is_named_in_the_list() {
    let mut app = open();
    let end = ("laptop".to_owned(), "eth0".parse().unwrap());
    app.act(Action::Cable(CableAction::Unplug(end)));
    settle(&mut app);
    type_at(&mut app, "laptop", "ping -c 1 192.168.0.10");
    let rows = &app.flows.current().unwrap().rows;
    let dead = rows.iter().filter(|r| r.drop.is_some());
    let mut said: Vec<_> = dead.map(|r| (r.kind, r.from.as_str(), r.to.as_str(), r.what.as_str())).collect();
    said.sort_unstable();
    said.dedup();
    let (own, far) = ("192.168.0.20", "192.168.0.10");
    let question = (Kind::Arp, own, far, "who has 192.168.0.10?");
    assert_eq!(said, [question, (Kind::Icmp, own, far, "echo request")]);
    // The inspector says the same of it, and not less.
    let flow = app.flows.current().unwrap();
    let rows: Vec<_> = flow.rows.iter().filter(|r| r.drop.is_some()).collect();
    for row in rows {
        let live = app.timeline.live();
        let view = inspector::packet(live, &flow.schedule, row.beat, &live.world.log, Lang::En);
        let view = view.expect("a packet");
        let field = |name| view.fields.iter().find(|f| f.name == name).map_or("", |f| f.before.as_str());
        assert_eq!((view.kind, view.what.as_str()), (row.kind, row.what.as_str()));
        assert_eq!((field("src"), field("dst")), (row.from.as_str(), row.to.as_str()));
    }
}

#[test]
fn what_a_command_changed_is_folded_when_something_else_is_turned_to() {
    let mut app = first_flow();
    let open_now = |app: &App| app.changes.as_ref().is_some_and(|c| c.open);
    type_at(&mut app, "docker-host", "docker run -d --name one alpine sleep 9");
    assert!(open_now(&app));
    app.act(Action::Tab(Tab::Nat));
    assert!(app.changes.is_some() && !open_now(&app));
    type_at(&mut app, "docker-host", "docker run -d --name two alpine sleep 9");
    assert!(open_now(&app));
    type_at(&mut app, "laptop", "ip addr");
    assert!(!open_now(&app));
}

#[test]
fn thirty_containers_stand_in_rows_that_fit_into_the_picture() {
    let mut app = open();
    for i in 0..30 {
        app.act(Action::Run {
            place: "docker-host".into(),
            line: format!("docker run -d --name c{i} alpine sleep 99"),
        });
        settle(&mut app);
    }
    let scene = &app.shown.scene;
    let host = scene.node("docker-host").unwrap();
    let mut rows: Vec<i64> = host.containers.iter().map(|c| c.rect.y as i64).collect();
    rows.sort_unstable();
    rows.dedup();
    assert!(rows.len() >= 4 && host.rect.w < 1800.0, "{rows:?} {}", host.rect.w);
    for (i, a) in host.containers.iter().enumerate() {
        assert!(host.rect.contains(a.rect.center()));
        for b in &host.containers[i + 1..] {
            assert!(!arrange::touches(&a.rect, &b.rect), "{} on {}", a.name, b.name);
        }
        // No cable of another runs through it.
        let lower = scene.wires.iter().filter(|w| matches!(w.kind, scene::WireKind::Veth(_)));
        for p in lower.flat_map(|w| w.points.windows(2)) {
            let ((x1, y1), (x2, y2)) = (p[0], p[1]);
            let inside = x1 > a.rect.x && x1 < a.rect.right() && x1 == x2;
            let through = y1.min(y2) < a.rect.y && y1.max(y2) > a.rect.bottom();
            assert!(!(inside && through), "a cable runs through {}", a.name);
        }
    }
    app.act(Action::Fit);
    let seen = app.camera.view();
    assert!(seen.contains((scene_corner(&app).0, scene_corner(&app).1)));
}

#[test]
fn a_host_with_many_networks_stays_narrow_and_the_house_below_gives_way() {
    let mut app = open();
    app.open_lab(Lab::builtin("overlay").unwrap(), "toast.opened");
    let mut run = |line: String| {
        app.act(Action::Run { place: "host1".into(), line });
        settle(&mut app);
    };
    for net in ["red", "blue"] {
        run(format!("docker network create -d overlay --attachable {net}"));
    }
    for i in 0..9 {
        run(format!("docker run -d --name c{i} alpine sleep 99"));
    }
    run("docker run -d --name tenant --network container:c3 redis".into());
    run("docker run -d --name both --network blue --network red alpine sleep 99".into());
    let scene = &app.shown.scene;
    let (host1, host2) = (scene.node("host1").unwrap(), scene.node("host2").unwrap());
    assert!(host1.rect.w < 1900.0, "{}", host1.rect.w);
    assert!(host2.rect.y > host1.rect.bottom(), "{:?} {:?}", host1.rect, host2.rect);
    let apart: Vec<_> = host1.containers.iter().filter(|c| !c.shares).map(|c| c.rect).collect();
    let all: Vec<_> = apart.into_iter().chain(host1.shared.iter().map(|s| s.rect)).collect();
    for (i, a) in all.iter().enumerate() {
        assert!(host1.rect.contains((a.right(), a.bottom())));
        assert!(all[i + 1..].iter().all(|b| !a.overlaps(b)), "{a:?}");
    }
    // What hangs on a bar begins at it.
    let bars: Vec<_> = host1.bridges.iter().map(|b| b.rect).collect();
    for wire in scene.wires.iter().filter(|w| matches!(w.kind, scene::WireKind::Veth(_))) {
        let (x, y) = wire.points[0];
        let on = |b: &scene::Rect| x > b.x - 19.0 && x < b.right() + 1.0 && (y - b.bottom()).abs() < 1.0;
        let all = bars.iter().chain(host2.bridges.iter().map(|b| &b.rect));
        assert!(all.into_iter().any(on), "{:?}", wire.points);
    }
}

fn scene_corner(app: &App) -> (f64, f64) {
    let b = &app.shown.scene.bounds;
    (b.right(), b.bottom())
}

#[test]
fn a_copy_lands_beside_what_is_there_and_a_container_is_made_by_a_command() {
    let mut app = open();
    app.act(Action::Select(Some(Selection::Node("laptop".into()))));
    app.act(Action::Arrange(Arrange::Copy));
    for _ in 0..3 {
        app.act(Action::Arrange(Arrange::Paste));
        settle(&mut app);
    }
    let nodes = &app.shown.scene.nodes;
    for (i, a) in nodes.iter().enumerate() {
        for b in &nodes[i + 1..] {
            assert!(!arrange::touches(&a.rect, &b.rect), "{} on {}", a.id, b.id);
        }
    }
    let before = app.lab.nodes.len();
    app.act(Action::Select(Some(Selection::Container("docker-host:api".into()))));
    app.act(Action::Arrange(Arrange::Copy));
    let toast = app.toasts.last().unwrap();
    assert!(toast.key == "toast.container_made" && toast.text.contains("--name api"), "{toast:?}");
    app.act(Action::Arrange(Arrange::Paste));
    assert_eq!(app.lab.nodes.len(), before, "what was copied before is not pasted");
}

#[test]
fn an_answer_after_ctrl_c_is_no_drop() {
    let mut app = open();
    app.act(Action::Run { place: "laptop".into(), line: "ping 8.8.8.8".into() });
    // Until the question is under way.
    for _ in 0..200 {
        app.run_slice();
        if app.flows.current().is_some_and(|f| f.rows.iter().any(|r| r.kind == Kind::Icmp)) {
            break;
        }
    }
    app.act(Action::Interrupt);
    settle(&mut app);
    let rows = &app.flows.current().unwrap().rows;
    assert!(rows.iter().any(|r| r.what.contains("reply")), "{rows:?}");
    assert!(rows.iter().all(|r| r.drop.is_none()), "{rows:?}");
}

#[test]
fn an_error_goes_away_when_what_caused_it_is_undone() {
    let mut app = open();
    app.act(Action::Arrange(Arrange::Rename("laptop".into())));
    app.act(Action::Arrange(Arrange::Renamed("desk".into())));
    app.toast("toast.error", "something", true);
    app.act(Action::Undo);
    assert!(app.toasts.iter().all(|t| !t.bad));
    assert!(app.live().node("laptop").is_ok());
}

#[test]
fn copies_are_undone_in_one_step_and_what_they_hold_runs() {
    let mut app = open();
    app.act(Action::Select(Some(Selection::Node("docker-host".into()))));
    app.act(Action::Arrange(Arrange::Duplicate));
    settle(&mut app);
    assert_eq!(app.selected_nodes(), ["docker-host-2"]);
    assert!(app.live().place("docker-host-2:api").is_ok());
    app.act(Action::Undo);
    assert!(app.live().node("docker-host-2").is_err());
    assert!(app.live().place("docker-host:api").is_ok());
}

#[test]
fn what_tcpdump_wrote_is_handed_out_as_pcapng() {
    let mut app = open();
    app.act(Action::Open("laptop".into()));
    assert_eq!(app.captures(), Vec::<String>::new());
    type_at(&mut app, "laptop", "tcpdump -c 2 -w web.pcap & ping -c 2 8.8.8.8");
    assert_eq!(app.captures(), ["/web.pcap"]);
    app.act(Action::Share(share::ShareAction::File("/web.pcap".into())));
    let file = app.take_download().unwrap();
    assert_eq!(file.name, "web.pcapng");
    let mut reader = pcap_file::pcapng::PcapNgReader::new(file.bytes.as_slice()).unwrap();
    let mut packets = 0;
    while let Some(Ok(block)) = reader.next_block() {
        packets += usize::from(block.into_enhanced_packet().is_some());
    }
    assert_eq!(packets, 2);
}
