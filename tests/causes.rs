//! Every cause has its three lengths in both languages and a lesson that teaches it; and every cause
//! that netpier promises to tell apart is met in the clinic.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use netpier::explain::{Lang, keys, why};
use netpier::lesson::{Kind, Lesson};
use netpier::time::Duration;

/// Causes that no lesson is about: what was refused said why in its own words.
const NOT_TAUGHT: [&str; 2] = ["no_program", "refused"];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("lessons")
}

/// Causes that have a sentence of another kind: a drop says its reason.
const OTHER_WORDS: [&str; 1] = ["dropped"];

/// All causes, and what carries what works.
fn causes() -> BTreeSet<&'static str> {
    let all = why::Cause::KEYS.iter().copied().chain(why::Works::KEYS);
    all.filter(|key| !OTHER_WORDS.contains(key)).collect()
}

fn lessons() -> Vec<Lesson> {
    let paths = std::fs::read_dir(folder()).expect("lessons/").flatten().map(|e| e.path());
    let texts = paths
        .filter(|p| !p.ends_with("index.json") && !p.ends_with("terms.json"))
        .map(|p| std::fs::read_to_string(p).expect("a readable file"));
    texts.map(|text| Lesson::from_json(&text).expect("a lesson")).collect()
}

#[test]
fn every_cause_has_a_sentence_and_a_background_in_both_languages() {
    let causes = causes();
    assert!(causes.len() > 50, "{}", causes.len());
    for lang in [Lang::En, Lang::Ko] {
        let all: BTreeSet<&str> = keys(lang).collect();
        for cause in &causes {
            for key in [format!("why.{cause}"), format!("why.{cause}.background")] {
                assert!(all.contains(key.as_str()), "{}: {key} is missing", lang.tag());
            }
        }
    }
}

#[test]
fn every_cause_is_taught_by_a_lesson_that_is_there() {
    let there: BTreeSet<String> = lessons().into_iter().map(|l| l.id).collect();
    for cause in causes() {
        match why::lesson_of(cause) {
            Some(lesson) => assert!(there.contains(lesson), "{cause}: there is no lesson {lesson}"),
            None => assert!(NOT_TAUGHT.contains(&cause), "{cause} has no lesson"),
        }
    }
}

/// What "Why?" has to tell apart, and by which causes it does.
const PROMISED: &[(&str, &[&str])] = &[
    ("no link", &["no_link"]),
    ("no address (no DHCP)", &["no_address"]),
    ("wrong subnet", &["wrong_subnet"]),
    ("gateway missing", &["no_gateway"]),
    ("duplicate address", &["duplicate_address"]),
    ("ARP unanswered", &["no_neighbour"]),
    ("wrong gateway", &["wrong_gateway"]),
    ("no route", &["no_route"]),
    ("private address on the internet", &["private_on_internet"]),
    ("TTL", &["ttl"]),
    ("a router without the port forward", &["router_closed"]),
    ("the outer of two routers without it", &["router_closed_outer"]),
    ("a forward to a stale or wrong address", &["forward_stale"]),
    ("hairpin off", &["hairpin_off"]),
    ("host firewall", &["firewall", "firewall_policy"]),
    ("FORWARD policy", &["forward_policy"]),
    ("DOCKER-USER", &["docker_user"]),
    ("different bridges", &["other_bridge"]),
    ("--internal", &["internal"]),
    ("icc=false", &["icc_off"]),
    ("published to 127.0.0.1 only", &["published_locally"]),
    ("nothing published (EXPOSE only)", &["not_published"]),
    ("wrong container port", &["wrong_container_port"]),
    ("host and container port swapped", &["ports_swapped"]),
    ("the app bound to 127.0.0.1", &["app_on_loopback"]),
    ("nothing listens", &["nothing_listens"]),
    ("the app exited", &["app_exited"]),
    ("port already taken", &["port_taken"]),
    ("localhost in a container", &["localhost"]),
    ("the host's name missing", &["host_name_missing"]),
    ("no DNS on the default bridge", &["no_names_on_bridge"]),
    ("name not on this network", &["name_elsewhere"]),
    ("DNS server dead", &["name_server_dead"]),
    ("a DNS server that refuses", &["name_refused"]),
    ("a name that is nowhere", &["name_unknown"]),
    ("search domains", &["search_domain"]),
    ("address pools used up", &["pools_used_up"]),
    ("which of two networks is the default route", &["default_elsewhere"]),
    ("the client's address lost", &["source_hidden"]),
    ("published although the host's firewall says no", &["past_firewall"]),
    ("MTU, the message about it filtered", &["mtu_filtered"]),
    ("a reply that takes another way", &["answer_away"]),
    ("NAT off", &["nat_off"]),
    ("subnet overlap with LAN", &["overlap"]),
    ("subnet overlap with another network", &["subnet_taken"]),
    ("direct access dropped by the engine", &["direct_access"]),
    ("macvlan and its host", &["macvlan_host"]),
    ("ip_forward off", &["forwarding_off"]),
    ("masquerade off", &["masquerade_off"]),
    ("overlay without swarm", &["no_swarm"]),
    ("overlay without peer", &["overlay_no_peer"]),
];

#[test]
fn every_promised_cause_is_met_in_the_clinic() {
    let mut cases: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for lesson in lessons().into_iter().filter(|l| l.kind == Kind::Clinic) {
        cases.entry(lesson.cause.unwrap_or_default()).or_default().push(lesson.id);
    }
    let known = causes();
    for cause in cases.keys() {
        assert!(known.contains(cause.as_str()), "{cause} is no cause: {:?}", cases[cause]);
    }
    let missing: Vec<&str> = PROMISED
        .iter()
        .filter(|(_, by)| !by.iter().any(|cause| cases.contains_key(*cause)))
        .map(|(what, _)| *what)
        .collect();
    assert!(missing.is_empty(), "no clinic case for: {missing:?}");
}

/// Cases that no button mends to the end: the way out is a choice, or the attempt itself was wrong.
const NO_BUTTON: &[&str] =
    &["clinic-app-exited", "clinic-nothing-listens", "clinic-nxdomain", "clinic-private-address"];

/// What buttons make of a clinic case: None if pressing what is offered, again and again, ends well.
fn unmended(lesson: &Lesson) -> Option<String> {
    let limit = Duration::from_secs(60);
    let mut session = lesson.start().expect("a lab").boot().expect("a lab that opens");
    let (mut at, mut line) = (lesson.play.at.clone(), lesson.play.run.clone());
    let mut pressed = Vec::new();
    for _ in 0..4 {
        let job = session.run_line(&at, &line, limit).expect("a place of the lab");
        // A server that goes on running in the foreground is well.
        if lesson.unwanted != matches!(job.exit, None | Some(0 | 130)) {
            return None;
        }
        let found = why::diagnose(&session, &job).or_else(|| why::remark(&session, &job));
        let Some(fix) = found.as_ref().and_then(|d| d.fix.clone()) else {
            let cause = found.map(|d| d.cause.key());
            return Some(format!("{}: after {pressed:?}: nothing is offered for {cause:?}", lesson.id));
        };
        pressed.push(fix.shown().join("; "));
        if let Err(e) = fix.apply(&mut session) {
            return Some(format!("{}: {pressed:?}: {e}", lesson.id));
        }
        session.run(session.world.now() + Duration::from_secs(15), 2_000_000);
        (at, line) = fix.again;
    }
    Some(format!("{}: not mended by {pressed:?}", lesson.id))
}

#[test]
fn what_is_offered_mends_the_clinic() {
    let clinic: Vec<Lesson> = lessons().into_iter().filter(|l| l.kind == Kind::Clinic).collect();
    let (known, new): (Vec<_>, Vec<_>) = clinic
        .iter()
        .filter_map(|l| Some((l.id.as_str(), unmended(l)?)))
        .partition(|(id, _)| NO_BUTTON.contains(id));
    let new: Vec<String> = new.into_iter().map(|(_, problem)| problem).collect();
    assert!(new.is_empty(), "\n{}\n", new.join("\n"));
    assert_eq!(known.len(), NO_BUTTON.len(), "a case of NO_BUTTON is mended by now: {known:?}");
}
