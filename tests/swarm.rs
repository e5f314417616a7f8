//! Several Docker hosts as one swarm: who is there, who is lost, and where the tasks go.
#![cfg(not(target_arch = "wasm32"))]

use netpier::lab::Lab;
use netpier::session::{Job, Session};
use netpier::sim::Progress;
use netpier::stack::{Record, Step};
use netpier::time::Duration;

fn run(session: &mut Session, place: &str, line: &str) -> Job {
    session.run_line(place, line, Duration::from_secs(60)).expect("the place exists")
}

/// What a line that succeeds prints.
fn ok(session: &mut Session, place: &str, line: &str) -> String {
    let job = run(session, place, line);
    assert_eq!(job.exit, Some(0), "{place}: {line}\n{}{}", job.stdout(), job.stderr());
    job.stdout().trim_end().to_owned()
}

/// What a line that fails says.
fn fails(session: &mut Session, place: &str, line: &str) -> String {
    let job = run(session, place, line);
    assert_ne!(job.exit, Some(0), "{place}: {line}\n{}", job.stdout());
    job.stderr().trim_end().to_owned()
}

/// h1 manages, h2 works.
fn swarm() -> Session {
    let mut s = Lab::builtin("oracle").expect("there is such a lab").boot().expect("it boots");
    ok(&mut s, "h1", "docker swarm init --advertise-addr 192.168.0.10");
    let token = ok(&mut s, "h1", "docker swarm join-token -q worker");
    ok(&mut s, "h2", &format!("docker swarm join --token {token} 192.168.0.10:2377"));
    ok(&mut s, "h1", "docker network create -d overlay --attachable --subnet 10.0.50.0/24 ov1");
    s
}

const NODES: &str = "docker node ls --format '{{.Hostname}} {{.Status}} {{.ManagerStatus}}'";
const TASKS: &str = "docker service ps web --filter desired-state=running --format '{{.Name}} {{.Node}}'";

fn serve(s: &mut Session, replicas: u32) {
    ok(
        s,
        "h1",
        &format!(
            "docker service create -d -q --name web --network ov1 --endpoint-mode dnsrr --replicas {replicas} --no-resolve-image lab"
        ),
    );
}

fn hosts_of(tasks: &str) -> Vec<&str> {
    let mut hosts: Vec<&str> = tasks.lines().filter_map(|l| l.split(' ').nth(1)).collect();
    hosts.sort_unstable();
    hosts
}

#[test]
fn tasks_of_a_worker_that_is_not_heard_of_go_to_others_and_end_when_it_is_back() {
    let mut s = swarm();
    serve(&mut s, 2);
    assert_eq!(hosts_of(&ok(&mut s, "h1", TASKS)), ["h1", "h2"]);
    ok(&mut s, "h2", "ip link set eth0 down");
    assert_eq!(ok(&mut s, "h1", NODES), "h1 Ready Leader\nh2 Down");
    assert_eq!(hosts_of(&ok(&mut s, "h1", TASKS)), ["h1", "h1"]);
    assert_eq!(
        ok(&mut s, "h1", "docker service ls --format '{{.Replicas}}'"),
        "3/2",
        "it may still run there"
    );
    assert_eq!(ok(&mut s, "h2", "docker ps -q | wc -l"), "1", "nobody could tell it to stop");
    ok(&mut s, "h2", "ip link set eth0 up");
    assert_eq!(ok(&mut s, "h1", NODES), "h1 Ready Leader\nh2 Ready");
    ok(&mut s, "h2", "sleep 4");
    assert_eq!(ok(&mut s, "h2", "docker ps -q | wc -l"), "0");
    assert_eq!(hosts_of(&ok(&mut s, "h1", TASKS)), ["h1", "h1"], "what runs stays where it is");
}

#[test]
fn a_node_that_leaves_takes_no_task_along_and_can_be_removed() {
    let mut s = swarm();
    serve(&mut s, 3);
    ok(&mut s, "h2", "docker swarm leave");
    // Three heartbeats until it is missed, and the delay of a restart.
    ok(&mut s, "h1", "sleep 18");
    assert_eq!(ok(&mut s, "h1", NODES), "h1 Ready Leader\nh2 Down");
    assert_eq!(hosts_of(&ok(&mut s, "h1", TASKS)), ["h1"; 3]);
    ok(&mut s, "h1", "docker service scale -d web=4");
    assert_eq!(hosts_of(&ok(&mut s, "h1", TASKS)), ["h1"; 4]);
    assert_eq!(ok(&mut s, "h2", "docker ps -aq"), "");
    ok(&mut s, "h1", "docker node rm h2");
    assert_eq!(ok(&mut s, "h1", NODES), "h1 Ready Leader");
}

#[test]
fn a_task_that_shall_end_loses_its_names_first_and_ends_two_seconds_later() {
    let mut s = swarm();
    serve(&mut s, 2);
    ok(&mut s, "h1", "docker run -d --name cli --network ov1 lab sleep infinity");
    ok(&mut s, "h1:cli", "getent hosts web");
    ok(&mut s, "h1", "docker service rm web");
    ok(&mut s, "h1", "sleep 2");
    fails(&mut s, "h1:cli", "getent hosts web");
    ok(&mut s, "h1:cli", "ping -c 1 10.0.50.2");
    let said = fails(&mut s, "h1", "docker rm -f cli; docker network rm ov1");
    assert!(said.contains("is in use by task"), "{said}");
    ok(&mut s, "h1", "sleep 3");
    assert_eq!(ok(&mut s, "h1", "docker ps -aq"), "");
    ok(&mut s, "h1", "docker network rm ov1");
}

#[test]
fn a_constraint_names_the_nodes_that_suit() {
    let mut s = swarm();
    let make = |name: &str, constraint: &str| {
        format!("docker service create -d -q --name {name} --no-resolve-image --constraint {constraint} lab")
    };
    ok(&mut s, "h1", &make("web", "node.role==worker"));
    assert_eq!(hosts_of(&ok(&mut s, "h1", TASKS)), ["h2"]);
    ok(&mut s, "h1", &make("none", "node.hostname==elsewhere"));
    let said = ok(&mut s, "h1", "docker service ps --no-trunc none --format '{{.Error}}'");
    assert!(said.contains("scheduling constraints not satisfied on 2 nodes"), "{said}");
    let said = fails(&mut s, "h1", &make("bad", "node.role"));
    assert!(said.ends_with("constraint expected one operator from ==, !="), "{said}");
}

#[test]
fn containers_attached_by_hand_count_where_a_task_is_placed() {
    let mut s = swarm();
    for name in ["aa", "bb"] {
        ok(&mut s, "h1", &format!("docker run -d --name {name} --network ov1 lab"));
    }
    serve(&mut s, 1);
    assert_eq!(hosts_of(&ok(&mut s, "h1", TASKS)), ["h2"]);
}

#[test]
fn without_its_manager_a_worker_keeps_what_it_has_and_gets_nothing_new() {
    let mut s = swarm();
    ok(&mut s, "h1", "docker run -d --name web --network ov1 lab");
    ok(&mut s, "h2", "docker run -d --name cli --network ov1 lab sleep infinity");
    ok(&mut s, "h2:cli", "ping -c 1 web");
    assert!(
        fails(&mut s, "h1", "docker swarm leave")
            .contains("Removing the last manager erases all current state")
    );
    ok(&mut s, "h1", "docker swarm leave --force");
    assert!(fails(&mut s, "h1", "docker node ls").contains("This node is not a swarm manager"));
    fails(&mut s, "h2:cli", "ping -c 1 -W 1 10.0.50.2");
    let said = fails(&mut s, "h2", "docker run -d --name more --network ov1 lab");
    assert!(said.contains("attaching to network failed"), "{said}");
    ok(&mut s, "h2", "docker swarm leave");
    ok(&mut s, "h2", "docker swarm init");
    assert_eq!(ok(&mut s, "h2", NODES), "h2 Ready Leader");
}

#[test]
fn a_wrong_token_says_in_which_way_it_is_wrong() {
    let mut s = swarm();
    ok(&mut s, "h2", "docker swarm leave");
    let said = fails(&mut s, "h2", "docker swarm join --token nonsense 192.168.0.10:2377");
    assert!(said.ends_with("invalid join token"), "{said}");
    let token = ok(&mut s, "h1", "docker swarm join-token -q worker");
    let (head, secret) = token.rsplit_once('-').expect("it has four parts");
    let other: String = secret.chars().rev().collect();
    let swapped: String = head[9..].chars().rev().collect();
    let said = fails(
        &mut s,
        "h2",
        &format!("docker swarm join --token SWMTKN-1-{swapped}-{secret} 192.168.0.10:2377"),
    );
    assert!(said.contains("remote CA does not match fingerprint. Expected: "), "{said}");
    let said = fails(&mut s, "h2", &format!("docker swarm join --token {head}-{other} 192.168.0.10:2377"));
    assert!(said.contains("A valid join token is necessary to join this cluster"), "{said}");
    let said = fails(&mut s, "h2", &format!("docker swarm join --token {token} 192.168.0.50:2377"));
    assert!(said.contains("connection refused"), "{said}");
    assert_eq!(ok(&mut s, "h1", "docker node ls -q | wc -l"), "2", "who leaves stays in the list");
}

/// The questions and answers among members that h1's eth0 sees until there were `count`, as tcpdump's lines
/// tell them without their times.
fn gossip(s: &mut Session, count: usize) -> Vec<String> {
    let seen = ok(s, "h1", &format!("tcpdump -nti eth0 -c {count} udp port 7946"));
    let line = |l: &str| l.trim_start_matches("IP ").to_owned();
    seen.lines().filter(|l| l.starts_with("IP ")).map(line).collect()
}

const ASKED_BY_H1: &str = "192.168.0.10.7946 > 192.168.0.11.7946: UDP, length 110";
const ANSWERED_BY_H2: &str = "192.168.0.11.7946 > 192.168.0.10.7946: UDP, length 47";

#[test]
fn members_ask_each_other_every_second_whether_they_are_there() {
    let mut s = swarm();
    let begun = s.world.now();
    let mut seen = gossip(&mut s, 12);
    let took = s.world.now().since(begun).as_secs_f64();
    assert!((2.0..4.0).contains(&took), "six questions by two members took {took} s");
    seen.sort();
    seen.dedup();
    assert_eq!(
        seen,
        [
            ASKED_BY_H1,
            "192.168.0.10.7946 > 192.168.0.11.7946: UDP, length 47",
            "192.168.0.11.7946 > 192.168.0.10.7946: UDP, length 110",
            ANSWERED_BY_H2,
        ]
    );
}

#[test]
fn nobody_waits_for_the_members_questions() {
    let mut s = swarm();
    let begun = s.world.now();
    let progress = s.run(begun + Duration::from_secs(60), 1_000_000);
    assert_eq!(progress, Progress::Quiet);
    assert!(s.world.now().since(begun) < Duration::from_secs(4), "as long as addresses are announced");
    let begun = s.world.now();
    ok(&mut s, "h1", "true");
    assert_eq!(s.run(begun + Duration::from_secs(60), 1_000_000), Progress::Quiet);
    assert!(s.world.now().since(begun) < Duration::from_millis(10), "a command is over when it is over");
}

#[test]
fn a_member_that_does_not_answer_is_asked_rarely_until_it_is_back() {
    let mut s = swarm();
    ok(&mut s, "h2", "iptables -A INPUT -p udp --dport 7946 -j DROP");
    // h2 asks on: it is answered, and so h1 does not take it for gone. Both ways are closed now.
    ok(&mut s, "h2", "iptables -A OUTPUT -p udp --dport 7946 -j DROP");
    ok(&mut s, "h1", "sleep 6");
    let begun = s.world.now();
    assert_eq!(gossip(&mut s, 2), [ASKED_BY_H1; 2]);
    let took = s.world.now().since(begun).as_secs_f64();
    assert!((10.0..20.1).contains(&took), "two questions took {took} s");
    ok(&mut s, "h2", "iptables -F");
    ok(&mut s, "h1", "sleep 10");
    let begun = s.world.now();
    assert!(gossip(&mut s, 12).iter().any(|l| l == ANSWERED_BY_H2));
    let took = s.world.now().since(begun).as_secs_f64();
    assert!(took < 4.0, "it is asked as before, but 12 packets took {took} s");
}

#[test]
fn who_left_is_asked_no_more_and_asks_nobody() {
    let mut s = swarm();
    ok(&mut s, "h2", "docker swarm leave");
    let from = s.world.log.next_seq();
    ok(&mut s, "h1", "sleep 30");
    let by_programs = |r: &Record| matches!(r.step, Step::Sent { by: Some(_) });
    assert_eq!(s.world.log.iter_from(from).filter(|(_, r)| by_programs(r)).count(), 0);
    let free = ok(&mut s, "h2", "ss -Hlun sport = :7946");
    assert_eq!(free, "");
}

#[test]
fn who_leaves_is_missed_after_a_while_and_another_of_its_name_makes_the_name_ambiguous() {
    let mut s = swarm();
    let token = ok(&mut s, "h1", "docker swarm join-token -q worker");
    ok(&mut s, "h2", "docker swarm leave");
    assert!(fails(&mut s, "h1", "docker node rm h2").ends_with("is not down and can't be removed"));
    ok(&mut s, "h2", &format!("docker swarm join --token {token} 192.168.0.10:2377"));
    assert!(
        fails(&mut s, "h1", "docker node promote h2").ends_with("node h2 is ambiguous (2 matches found)")
    );
    ok(&mut s, "h1", "sleep 12");
    assert_eq!(ok(&mut s, "h1", NODES), "h1 Ready Leader\nh2 Down \nh2 Ready");
}

#[test]
fn labels_of_nodes_decide_where_tasks_may_run() {
    let mut s = swarm();
    ok(&mut s, "h1", "docker node update --label-add disk=ssd h2");
    ok(
        &mut s,
        "h1",
        "docker service create -d -q --name web --constraint node.labels.disk==ssd --no-resolve-image lab",
    );
    assert_eq!(hosts_of(&ok(&mut s, "h1", TASKS)), ["h2"]);
    assert!(
        fails(&mut s, "h1", "docker node update --label-rm rack h2").starts_with("key rack doesn't exist")
    );
}

#[test]
fn an_overlay_packet_too_long_for_the_hosts_way_is_answered_where_it_must_not_be_cut() {
    let mut s = swarm();
    ok(&mut s, "h1", "docker run -d --name aa --network ov1 lab");
    ok(&mut s, "h2", "docker run -d --name bb --network ov1 lab");
    for host in ["h1", "h2"] {
        ok(&mut s, host, "ip link set eth0 mtu 1400");
    }
    let ping = "docker exec aa ping -c 1 -W 1 -M do -s";
    ok(&mut s, "h1", &format!("{ping} 1322 bb"));
    let told = run(&mut s, "h1", &format!("{ping} 1323 bb")).stdout();
    assert!(told.contains("Frag needed and DF set (mtu = 1350)"), "{told}");
    ok(&mut s, "h1", "docker exec aa ping -c 1 -W 1 -s 1400 bb");
}

/// How many tasks of a service are remembered.
fn remembered(s: &mut Session, name: &str) -> usize {
    let line = format!("docker service ps {name} -q --no-trunc");
    ok(s, "h1", &line).lines().count()
}

#[test]
fn the_restart_policy_holds_however_few_ended_tasks_are_remembered() {
    for limit in ["0", "-1", "1", "9223372036854775807", "-9223372036854775808"] {
        let mut s = Lab::builtin("oracle").expect("there is such a lab").boot().expect("it boots");
        ok(
            &mut s,
            "h1",
            &format!("docker swarm init --advertise-addr 192.168.0.10 --task-history-limit {limit}"),
        );
        let create = "docker service create -d -q --no-resolve-image --name";
        ok(&mut s, "h1", &format!("{create} once --restart-condition none lab true"));
        ok(&mut s, "h1", &format!("{create} thrice --restart-max-attempts 2 --restart-delay 1s lab false"));
        ok(&mut s, "h1", &format!("{create} slow --restart-delay 20s lab false"));
        let first = ok(&mut s, "h1", "docker service ps once slow -q");
        ok(&mut s, "h1", "sleep 10");
        assert_eq!(ok(&mut s, "h1", "docker service ps once slow -q"), first, "{limit}");
        assert_eq!(remembered(&mut s, "thrice"), 3, "{limit}");
        ok(&mut s, "h1", "sleep 20");
        assert_eq!(remembered(&mut s, "once"), 1, "{limit}");
        assert_eq!(remembered(&mut s, "thrice"), 3, "{limit}");
        assert_ne!(ok(&mut s, "h1", "docker service ps once slow -q"), first, "{limit}: after its delay");
    }
}

#[test]
fn a_task_that_ends_at_once_and_is_replaced_at_once_stops_nobody() {
    let mut s = swarm();
    ok(&mut s, "h1", "docker swarm update --task-history-limit -1");
    ok(&mut s, "h1", "docker service create -d -q --no-resolve-image --name web --restart-delay 0s lab true");
    ok(&mut s, "h1", "sleep 30");
    assert!(remembered(&mut s, "web") <= 100);
}

#[test]
fn of_each_slot_as_many_tasks_are_remembered_as_the_limit_says() {
    let mut s = swarm();
    ok(&mut s, "h1", "docker swarm update --task-history-limit 3");
    serve(&mut s, 2);
    for _ in 0..5 {
        ok(&mut s, "h1", "docker service update -d -q --force web");
        ok(&mut s, "h1", "sleep 12");
    }
    assert_eq!(remembered(&mut s, "web"), 6, "the running one of each counts");
    ok(&mut s, "h1", "docker swarm update --task-history-limit 0");
    ok(&mut s, "h1", "docker service update -d -q --force web");
    ok(&mut s, "h1", "sleep 12");
    assert_eq!(remembered(&mut s, "web"), 2);
}

#[test]
fn a_refused_change_of_a_node_changes_nothing() {
    let mut s = swarm();
    let shown = "docker node inspect self --format '{{json .Spec}}'";
    let before = ok(&mut s, "h1", shown);
    let line = "docker node update --availability drain --label-add zone=a";
    let said = fails(&mut s, "h1", &format!("{line} --role worker self"));
    assert!(said.ends_with("attempting to demote the last manager of the swarm"), "{said}");
    assert_eq!(ok(&mut s, "h1", shown), before);
    fails(&mut s, "h1", &format!("{line} --label-rm nosuch self"));
    fails(&mut s, "h1", &format!("{line} --role king self"));
    assert_eq!(ok(&mut s, "h1", shown), before);
    ok(&mut s, "h1", &format!("{line} --role manager self"));
    let after = ok(&mut s, "h1", shown);
    assert!(after.contains("drain") && after.contains("zone"), "{after}");
}

#[test]
fn the_overlay_port_is_the_usual_one_or_refused() {
    for (port, accepted) in [("0", true), ("4789", true), ("4790", false), ("80", false)] {
        let mut s = Lab::builtin("oracle").expect("there is such a lab").boot().expect("it boots");
        let line = format!("docker swarm init --advertise-addr 192.168.0.10 --data-path-port {port}");
        if accepted {
            ok(&mut s, "h1", &line);
            continue;
        }
        let said = fails(&mut s, "h1", &line);
        let why = if port == "80" { "not in valid range (1024-49151)" } else { "netpier: a data path port" };
        assert!(said.contains(why), "{said}");
        let state = ok(&mut s, "h1", "docker info -f '{{.Swarm.LocalNodeState}}'");
        assert_eq!(state, "inactive", "{port}");
    }
}

#[test]
fn limits_and_reservations_of_a_service_are_taken() {
    let mut s = swarm();
    let limits = "--limit-memory 64m --limit-cpu 0.5 --reserve-memory 32m --reserve-cpu 0.25";
    let line = format!("docker service create -d -q --no-resolve-image --name web {limits} lab");
    let job = run(&mut s, "h1", &line);
    assert_eq!(job.exit, Some(0), "{}", job.stderr());
    assert_eq!(hosts_of(&ok(&mut s, "h1", TASKS)).len(), 1);
}
