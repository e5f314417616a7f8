//! The walk, played without a browser: a published port is reached from the LAN.

use super::*;
use crate::app::Theme;
use crate::app::store::Memory;
use crate::explain::Lang;
use crate::netfilter::{Hook, MatchedTarget};
use walk::{LineKind, Mark};

fn settle(app: &mut App) {
    for _ in 0..2_000 {
        while app.run_slice() {}
        if !app.busy {
            break;
        }
        app.act(Action::ToEnd);
    }
    app.act(Action::Tick(0.0));
}

fn type_at(app: &mut App, place: &str, line: &str) {
    app.act(Action::Run { place: place.into(), line: line.into() });
    settle(app);
}

fn walk_in(app: &mut App, act: FirewallAct) {
    app.act(Action::Firewall(act));
    settle(app);
}

/// tomcat is published, the laptop asks for it, and the reader is inside the Docker host.
fn published() -> App {
    let mut app = App::new(Box::new(Memory::default()), (Lang::En, Theme::Light)).unwrap();
    type_at(&mut app, "docker-host", "docker run -d --name tomcat -p 8080:8080 tomcat");
    type_at(&mut app, "laptop", "curl -s http://192.168.0.10:8080");
    app.act(Action::Firewall(FirewallAct::Open("docker-host".into())));
    app.act(Action::ToStart);
    app
}

/// Steps until `check` is true of the view.
fn step_to(app: &mut App, what: &str, check: impl Fn(&View) -> bool) -> View {
    for _ in 0..400 {
        let view = app.firewall_view().unwrap();
        if check(&view) {
            return view;
        }
        let before = app.flows.player.pos;
        app.act(Action::Step);
        assert!(app.flows.player.pos > before, "the end came before: {what}");
    }
    panic!("never: {what}");
}

fn at(view: &View, hook: Hook, table: TableKind) -> &StationView {
    view.stations.iter().find(|s| s.what == What::Hook(hook, table)).expect("a station")
}

fn is_here(view: &View, hook: Hook, table: TableKind) -> bool {
    at(view, hook, table).progress == Progress::Here
}

#[test]
fn a_published_port_is_walked_rule_by_rule_to_the_one_that_rewrites() {
    let mut app = published();
    let view = step_to(&mut app, "nat is asked", |v| is_here(v, Hook::Prerouting, TableKind::Nat));
    assert_eq!(view.way, Some(Way::Forward));
    assert_eq!(view.from.first().map(|p| p.name.as_str()), Some("eth0"));
    let names: Vec<_> = view.to.iter().map(|p| p.name.as_str()).collect();
    assert_eq!((names[0], names[2]), ("docker0", "tomcat"));
    // The jump is asked first, then the rules of DOCKER in their order; the rewriting comes last.
    let view =
        step_to(&mut app, "the address is rewritten", |v| at(v, Hook::Prerouting, TableKind::Nat).rewritten);
    let nat = at(&view, Hook::Prerouting, TableKind::Nat);
    let lines: Vec<_> = nat.lines.iter().filter(|l| l.asked).map(|l| (l.line.depth, l.line.mark)).collect();
    assert!(matches!(lines[0], (0, Mark::Matched(MatchedTarget::Jump(_)))), "{lines:?}");
    assert!(matches!(lines.last(), Some((1, Mark::Matched(MatchedTarget::Nat)))), "{lines:?}");
    assert!(lines[1..lines.len() - 1].iter().all(|l| *l == (1, Mark::Passed)), "{lines:?}");
    assert_eq!((nat.word, nat.tail.as_deref()), ("DNAT", Some("DOCKER")));
    let pill = view.pill.unwrap();
    assert_eq!(pill.to.old.as_deref(), Some("192.168.0.10:8080"));
    assert!(pill.to.now.starts_with("172.17.0.") && pill.to.now.ends_with(":8080"), "{}", pill.to.now);
}

#[test]
fn counters_are_those_of_the_moment_though_the_whole_run_is_one_event() {
    let mut app = published();
    let dnat = |view: &View| {
        let nat = at(view, Hook::Prerouting, TableKind::Nat);
        nat.lines.iter().find(|l| l.line.short.contains("8080")).and_then(|l| l.packets)
    };
    let forward = |view: &View| {
        let filter = at(view, Hook::Forward, TableKind::Filter);
        filter.lines.iter().find(|l| l.line.short.contains("dport 8080")).and_then(|l| l.packets)
    };
    let view = step_to(&mut app, "nat is asked", |v| is_here(v, Hook::Prerouting, TableKind::Nat));
    assert_eq!((dnat(&view), forward(&view)), (Some(0), Some(0)));
    let view = step_to(&mut app, "rewritten", |v| at(v, Hook::Prerouting, TableKind::Nat).rewritten);
    assert_eq!((dnat(&view), forward(&view)), (Some(1), Some(0)));
    let view = step_to(
        &mut app,
        "it left",
        |v| matches!(v.stations.last(), Some(s) if s.progress == Progress::Here),
    );
    assert_eq!((dnat(&view), forward(&view)), (Some(1), Some(1)));
}

#[test]
fn a_new_connection_is_in_the_table_only_when_its_packet_has_passed() {
    let mut app = published();
    let view = step_to(&mut app, "rewritten", |v| at(v, Hook::Prerouting, TableKind::Nat).rewritten);
    let own = &view.entries[0];
    assert!(own.own && own.pending && own.row.dnat, "{own:?}");
    assert!(own.row.reply.0.starts_with("172.17.0."), "{own:?}");
    let view = step_to(
        &mut app,
        "it left",
        |v| matches!(v.stations.last(), Some(s) if s.progress == Progress::Here),
    );
    assert!(view.entries[0].own && !view.entries[0].pending);
}

#[test]
fn steps_go_back_the_way_they_came() {
    let mut app = published();
    step_to(&mut app, "rewritten", |v| at(v, Hook::Prerouting, TableKind::Nat).rewritten);
    let here = app.flows.player.pos;
    app.act(Action::Step);
    app.act(Action::Back);
    assert!((app.flows.player.pos - here).abs() < 1e-6);
}

#[test]
fn a_rule_switched_off_lets_the_same_packet_fail_and_undo_brings_it_back() {
    let mut app = published();
    step_to(&mut app, "rewritten", |v| at(v, Hook::Prerouting, TableKind::Nat).rewritten);
    let view = app.firewall_view().unwrap();
    let without = view.what_ifs.iter().find(|w| w.what == "DNAT").expect("a what-if").clone();
    assert!(without.line.starts_with("iptables -t nat -D DOCKER "), "{}", without.line);
    let flows = app.flows.all.len();
    walk_in(&mut app, without.act);
    assert_eq!(app.flows.all.len(), flows + 1, "it was sent again");
    let failed = app.terminals.at("laptop").entries.last().unwrap().clone();
    // The userland proxy still answers, as it would on a real host: the way is another.
    app.act(Action::ToStart);
    let view = step_to(&mut app, "a packet is inside", |v| v.pill.is_some());
    assert_eq!(view.way, Some(Way::Input), "{failed:?}");
    let rules = |app: &App| {
        app.live()
            .world
            .namespace(app.live().node("docker-host").unwrap().ns)
            .map(|n| n.nf.save(&[TableKind::Nat], false))
            .unwrap()
    };
    assert!(!rules(&app).contains("--dport 8080"));
    app.act(Action::Undo);
    settle(&mut app);
    assert!(rules(&app).contains("--dport 8080"));
}

#[test]
fn a_rule_taken_out_since_is_shown_as_gone_and_one_put_in_as_fresh() {
    let mut app = published();
    step_to(&mut app, "it left", |v| matches!(v.stations.last(), Some(s) if s.progress == Progress::Here));
    let view = app.firewall_view().unwrap();
    let nat = at(&view, Hook::Prerouting, TableKind::Nat);
    let line = nat.lines.iter().find(|l| l.line.short.contains("8080")).unwrap().line.clone();
    let LineKind::Rule(rule) = line.kind else { panic!() };
    let chosen = Chosen {
        table: TableKind::Nat,
        chain: line.chain.clone(),
        rule,
        number: line.number,
        full: line.full.clone(),
        off: false,
    };
    let spec = line.full.replace("8080 -j", "8081 -j");
    walk_in(&mut app, FirewallAct::Run { line: edits::replace(&chosen, &spec), again: false });
    let view = app.firewall_view().unwrap();
    let nat = at(&view, Hook::Prerouting, TableKind::Nat);
    assert!(nat.lines.iter().any(|l| l.gone && l.line.full.contains("--dport 8080")));
    assert!(nat.lines.iter().any(|l| l.fresh && l.line.full.contains("--dport 8081")));
}

#[test]
fn isolation_is_seen_as_the_rule_that_drops() {
    let mut app = App::new(Box::new(Memory::default()), (Lang::En, Theme::Light)).unwrap();
    type_at(&mut app, "docker-host:shell", "ping -c 1 -W 1 10.0.0.2");
    app.act(Action::Firewall(FirewallAct::Open("docker-host".into())));
    app.act(Action::ToStart);
    let view = step_to(&mut app, "it dies", |v| v.stations.iter().any(|s| s.dead));
    let dead = view.stations.iter().find(|s| s.dead).unwrap();
    assert_eq!((dead.word, dead.progress), ("DROP", Progress::Here), "{dead:?}");
    assert!(view.pill.unwrap().dead);
    assert!(view.what_ifs.iter().any(|w| w.what == "DROP"));
    assert_eq!(view.from.first().map(|p| p.name.as_str()), Some("shell"));
}

#[test]
fn zooming_nearer_than_near_leads_inside_and_escape_back_out() {
    let mut app = App::new(Box::new(Memory::default()), (Lang::En, Theme::Light)).unwrap();
    let middle = app.shown.scene.node("docker-host").unwrap().gate.as_ref().unwrap().rect.center();
    let pixel = |app: &App| app.camera.to_pixel(middle);
    for _ in 0..40 {
        assert_eq!(app.firewall.place.is_some(), app.firewall_view().is_some());
        if app.firewall.place.is_some() {
            break;
        }
        app.act(Action::Zoom(1.3, pixel(&app)));
    }
    assert_eq!(app.firewall.place.as_deref(), Some("docker-host"));
    let out = app.escapes_walk().unwrap();
    app.act(out);
    assert!(app.firewall_view().is_none() && app.escapes_walk().is_none());
}

#[test]
fn without_a_packet_the_rules_stand_there_and_wait() {
    let mut app = App::new(Box::new(Memory::default()), (Lang::En, Theme::Light)).unwrap();
    app.act(Action::Firewall(FirewallAct::Open("docker-host".into())));
    let view = app.firewall_view().unwrap();
    assert_eq!((view.way, view.pill.is_none()), (None, true));
    assert!(at(&view, Hook::Forward, TableKind::Filter).lines.len() > 5);
    assert!(view.stations.iter().all(|s| s.progress == Progress::Rest));
}

#[test]
fn ports_are_published_on_localhost_by_changing_the_command_that_made_them() {
    let line = |l: &str| edits::on_localhost(l, 8080);
    let local = "docker run -d -p 127.0.0.1:8080:80 nginx";
    assert_eq!(line("docker run -d -p 8080:80 nginx").as_deref(), Some(local));
    assert_eq!(line("docker run -d -p8080:80 nginx").as_deref(), Some(local));
    let long = "docker run --publish=127.0.0.1:8080:80/tcp -p 81:81 nginx";
    assert_eq!(line("docker run --publish=8080:80/tcp -p 81:81 nginx").as_deref(), Some(long));
    assert_eq!(line(local), None);
    assert_eq!(line("docker run nginx"), None);
}
