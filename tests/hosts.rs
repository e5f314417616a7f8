//! Docker hosts and home routers, from the terminal.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use common::{fails, ok, run};
use netpier::lab::Lab;
use netpier::session::{Forward, RouterConfig, Session, SessionError};
use netpier::time::Duration;

/// A small street: a visitor outside, a home router, a Docker host inside.
fn street() -> Session {
    let lab = r#"{"format": 1, "name": "street", "seed": 3, "nodes": [
        {"id": "visitor", "kind": "computer", "ports": [{"name": "eth0", "address": "150.150.0.9/24"}],
         "services": [{"service": "run", "run": "serve tcp:80"}]},
        {"id": "router", "kind": "router", "ports": [
            {"name": "wan0", "address": "150.150.0.1/24"}, {"name": "lan0", "address": "192.168.0.1/24"},
            {"name": "lan1", "bridge": "lan0"}, {"name": "lan2", "bridge": "lan0"}],
         "gateway": "150.150.0.9", "router": {"wan": "wan0", "lan": "lan0", "nat": true}},
        {"id": "host", "kind": "docker-host", "ports": [{"name": "eth0", "address": "192.168.0.10/24"}],
         "gateway": "192.168.0.1"}],
        "links": [{"a": ["visitor", "eth0"], "b": ["router", "wan0"]},
                  {"a": ["host", "eth0"], "b": ["router", "lan1"]}]}"#;
    Lab::from_json(lab).and_then(|lab| lab.boot()).expect("the street is a good lab")
}

fn settings(forwards: &[(u16, [u8; 4], u16)], random_ports: bool) -> RouterConfig {
    RouterConfig {
        random_ports,
        forwards: forwards
            .iter()
            .map(|(port, to, to_port)| Forward {
                proto: "tcp".into(),
                port: *port,
                last: None,
                to: (*to).into(),
                to_port: *to_port,
            })
            .collect(),
        ..RouterConfig::new("wan0".parse().expect("a good name"), "lan0".parse().expect("a good name"))
    }
}

#[test]
fn a_router_answers_ping_on_both_sides_and_hides_the_lan() {
    let mut s = street();
    ok(&mut s, "host", "ping -c 1 192.168.0.1");
    ok(&mut s, "visitor", "ping -c 1 150.150.0.1");
    let seen = ok(&mut s, "host", "curl -s http://150.150.0.9/ | grep -o '150.150.0.1' | head -n 1");
    assert_eq!(seen, "150.150.0.1\n");
    let refused = run(&mut s, "visitor", "curl -sS -m 3 http://150.150.0.1/");
    assert_eq!(refused.exit, Some(28), "{}", refused.stderr());
}

#[test]
fn a_port_forward_works_and_goes_again_and_leaves_other_rules_alone() {
    let mut s = street();
    ok(&mut s, "host", "docker run -d --name web -p 8080:80 nginx");
    ok(&mut s, "router", "iptables -A FORWARD -s 9.9.9.9 -j DROP");
    let rules = |s: &mut Session| ok(s, "router", "iptables-save | grep -v '^[:#]'");
    let before = rules(&mut s);
    s.set_router("router", &settings(&[(80, [192, 168, 0, 10], 8080)], false)).unwrap();
    ok(&mut s, "visitor", "curl -sS -m 5 http://150.150.0.1/");
    assert!(rules(&mut s).contains("--dport 80"));
    s.set_router("router", &settings(&[], false)).unwrap();
    assert_eq!(rules(&mut s), before);
    s.set_router("router", &settings(&[], true)).unwrap();
    assert!(rules(&mut s).contains("-j MASQUERADE --random-fully"));
}

#[test]
fn settings_that_cannot_be_leave_the_router_as_it_was() {
    let mut s = street();
    let before = ok(&mut s, "router", "iptables-save");
    let error = s.set_router("router", &settings(&[(80, [10, 0, 0, 1], 80)], false)).unwrap_err();
    assert_eq!(error.to_string(), "forward 1: 10.0.0.1 is not an address on the LAN 192.168.0.0/24");
    assert_eq!(ok(&mut s, "router", "iptables-save"), before);
}

#[test]
fn an_established_connection_outlives_new_settings() {
    let mut s = street();
    ok(&mut s, "host", "ping -c 1 150.150.0.9");
    let count = ok(&mut s, "router", "conntrack -L 2>/dev/null | wc -l");
    s.set_router("router", &settings(&[(80, [192, 168, 0, 10], 8080)], false)).unwrap();
    assert_ne!(count, "0\n");
    assert_eq!(ok(&mut s, "router", "conntrack -L 2>/dev/null | wc -l"), count);
}

#[test]
fn docker_output_streams_through_pipes_and_substitutions() {
    let mut s = street();
    ok(&mut s, "host", "docker run -d --name a1 alpine sleep infinity");
    ok(&mut s, "host", "docker run -d --name b1 alpine sleep infinity");
    let names = ok(&mut s, "host", "docker inspect -f '{{.Name}}' $(docker ps -q) | sort");
    assert_eq!(names, "/a1\n/b1\n");
    assert_eq!(ok(&mut s, "host", "docker exec a1 hostname -i | wc -l"), "1\n");
    assert_eq!(ok(&mut s, "host", "docker exec a1 sh -c 'echo one; echo two | grep t'"), "one\ntwo\n");
    assert_eq!(ok(&mut s, "host:a1", "ip -4 -o addr | grep -c eth0"), "1\n");
    ok(&mut s, "host", "docker exec -d a1 sh -c 'echo later > /tmp/y'");
    assert_eq!(ok(&mut s, "host", "docker exec a1 cat /tmp/y"), "later\n");
}

#[test]
fn a_container_has_its_images_tools_and_no_others() {
    let mut s = street();
    ok(&mut s, "host", "docker run -d --name a1 alpine sleep infinity");
    let job = run(&mut s, "host:a1", "curl http://150.150.0.9/");
    assert_eq!(job.exit, Some(127));
    assert!(job.stderr().starts_with("sh: curl: not found\n"), "{}", job.stderr());
    let job = run(&mut s, "host", "docker exec a1 curl x");
    assert_eq!(job.exit, Some(127));
    // The engine says so on the stream that the program's output would have come by.
    assert!(job.stdout().contains("executable file not found in $PATH"), "{}", job.stdout());
    assert!(!s.complete("host:a1", "cur").contains(&"curl".to_owned()));
    assert_eq!(s.complete("host", "docker exec a1 pin"), ["ping"]);
    let job = run(&mut s, "visitor", "docker ps");
    assert_eq!(job.exit, Some(127));
    assert!(job.stderr().starts_with("bash: docker: command not found\n"));
}

#[test]
fn an_interactive_shell_moves_the_terminal() {
    let mut s = street();
    ok(&mut s, "host", "docker run -d --name a1 alpine sleep infinity");
    let job = run(&mut s, "host", "docker exec -it a1 sh");
    assert_eq!((job.exit, job.enters.as_deref()), (Some(0), Some("host:a1")));
    let job = run(&mut s, "host", "docker run -it --name b1 alpine");
    assert_eq!(job.enters.as_deref(), Some("host:b1"));
    ok(&mut s, "host:b1", "ip route");
    run(&mut s, "host:b1", "exit 3");
    assert_eq!(ok(&mut s, "host", "docker inspect -f '{{.State.ExitCode}}' b1"), "3\n");
    assert!(matches!(s.exec("host:b1", "ls"), Err(SessionError::NotRunning(_))));
}

#[test]
fn an_attached_run_prints_and_ends_with_its_container() {
    let mut s = street();
    assert_eq!(ok(&mut s, "host", "docker run --rm alpine echo hello"), "hello\n");
    let job = run(&mut s, "host", "docker run alpine sh -c 'echo x; exit 5'");
    assert_eq!((job.exit, job.stdout().as_str()), (Some(5), "x\n"));
}

#[test]
fn what_changed_docker_is_remembered_as_one_can_type_it() {
    let mut s = street();
    for (line, expect) in [
        ("docker run -d --name web -p 8080:80 nginx", vec!["docker run -d --name web -p 8080:80 nginx"]),
        ("docker run -d --name web nginx", vec![]),
        ("docker ps | wc -l", vec![]),
        ("docker exec web true", vec![]),
        (
            "docker network create -d bridge n && docker network connect n web",
            vec!["docker network create -d bridge n", "docker network connect n web"],
        ),
        ("iptables -I DOCKER-USER -s 1.2.3.4 -j DROP", vec!["iptables -I DOCKER-USER -s 1.2.3.4 -j DROP"]),
        ("iptables -L -n", vec![]),
        ("docker run --rm alpine true", vec![]),
        ("docker rm -f $(docker ps -aq --filter name=web)", vec!["docker rm -f"]),
    ] {
        let got = run(&mut s, "host", line).mutations;
        assert_eq!(got.len(), expect.len(), "{line}: {got:?}");
        assert!(got.iter().zip(&expect).all(|(g, e)| g.starts_with(e)), "{line}: {got:?}");
    }
}

#[test]
fn a_host_goes_with_its_containers() {
    let mut s = street();
    ok(&mut s, "host", "docker run -d --name a1 alpine sleep infinity");
    let id = s.exec("host", "docker exec a1 sleep 100").unwrap();
    s.remove_node("host").unwrap();
    assert_eq!(s.job(id).unwrap().exit, Some(137));
    assert_eq!(s.nodes().len(), 2);
    assert_eq!(s.world.links().count(), 1);
    assert_eq!(s.world.namespaces().count(), 2);
}

#[test]
fn a_machine_that_stops_ends_what_was_typed_in_it() {
    let mut s = street();
    for end in ["docker stop -t 0 a1", "docker rm -f a1"] {
        ok(&mut s, "host", "docker rm -f a1 2>/dev/null; docker run -d --name a1 alpine sleep infinity");
        let id = s.exec("host:a1", "sleep 100; echo never").unwrap();
        ok(&mut s, "host", end);
        s.run(s.world.now() + Duration::from_secs(200), 10_000);
        let job = s.job(id).unwrap();
        assert!(job.exit.is_some_and(|e| e != 0) && job.stdout().is_empty(), "{end}: {job:?}");
    }
}

#[test]
fn a_kernel_setting_is_a_file_too() {
    let mut s = street();
    assert_eq!(ok(&mut s, "host", "cat /proc/sys/net/ipv4/ip_forward"), "1\n");
    ok(&mut s, "host", "echo 0 > /proc/sys/net/ipv4/ip_forward");
    assert_eq!(ok(&mut s, "host", "sysctl net.ipv4.ip_forward"), "net.ipv4.ip_forward = 0\n");
    assert_eq!(ok(&mut s, "host", "sysctl -w net.ipv4.ip_forward=1"), "net.ipv4.ip_forward = 1\n");
    let job = run(&mut s, "host", "sysctl net.ipv4.nosuch");
    assert_eq!(job.stderr(), "sysctl: cannot stat /proc/sys/net/ipv4/nosuch: No such file or directory\n");
}

#[test]
fn rules_survive_saving_and_restoring() {
    let mut s = street();
    let saved = ok(&mut s, "router", "iptables-save > /root/rules; cat /root/rules");
    ok(&mut s, "router", "iptables -F; iptables -t nat -F; iptables -P FORWARD ACCEPT");
    assert_ne!(ok(&mut s, "router", "iptables-save"), saved);
    ok(&mut s, "router", "iptables-restore < /root/rules");
    let rules =
        |text: &str| text.lines().filter(|l| l.starts_with("-A")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rules(&ok(&mut s, "router", "iptables-save")), rules(&saved));
    let job = run(&mut s, "router", "iptables -L NOSUCH");
    assert_eq!(
        (job.exit, job.stderr().as_str()),
        (Some(1), "iptables: No chain/target/match by that name.\n")
    );
}

/// Words that lines are made of, right and wrong ones.
const WORDS: &[&str] = &[
    "docker",
    "run",
    "-d",
    "--name",
    "web",
    "nginx",
    "alpine",
    "exec",
    "-it",
    "sh",
    "-c",
    "rm",
    "-f",
    "ps",
    "network",
    "create",
    "--subnet",
    "10.0.0.0/24",
    "inspect",
    "ping",
    "-c",
    "1",
    "192.168.0.1",
    "curl",
    "http://web",
    "ip",
    "addr",
    "add",
    "del",
    "10.9.0.1/24",
    "dev",
    "eth0",
    "link",
    "set",
    "down",
    "up",
    "route",
    "neigh",
    "flush",
    "all",
    "iptables",
    "-A",
    "FORWARD",
    "-j",
    "DROP",
    "-L",
    "-n",
    "-t",
    "nat",
    "conntrack",
    "-D",
    "-F",
    "ss",
    "-tlnp",
    "sysctl",
    "-w",
    "net.ipv4.ip_forward=0",
    "|",
    "||",
    "&&",
    ";",
    "&",
    ">",
    "<",
    "/tmp/x",
    "2>&1",
    "$(hostname)",
    "'",
    "\"",
    "$X",
    "grep",
    "-o",
    "a*",
    "sort",
    "-k",
    "2",
    "cut",
    "-f",
    "tr",
    "a-z",
    "head",
    "echo",
    "-e",
    "\\0777",
    "cat",
    "/proc/sys/",
    "kill",
    "exit",
    "cd",
    "..",
    "export",
    "X=1",
    "help",
    "env",
    "bridge",
    "fdb",
    "arp",
    "sleep",
    "0.1",
    "wc",
    "tee",
    "가나다",
];

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 32, ..Default::default() })]
    #[test]
    fn whatever_is_typed_nothing_panics_and_no_packet_is_lost(
        lines in proptest::collection::vec(
            (proptest::prelude::any::<bool>(), proptest::collection::vec(proptest::sample::select(WORDS), 1..9)), 1..12)
    ) {
        let mut s = street();
        s.exec("host", "docker run -d --name web nginx").unwrap();
        for (inside, words) in lines {
            let line = words.join(" ");
            let place = if inside && s.place("host:web").is_ok() { "host:web" } else { "host" };
            s.complete(place, &line);
            s.run_line(place, &line, Duration::from_secs(5)).unwrap();
            let f = s.world.log.fate();
            proptest::prop_assert_eq!(f.sent + f.copied, f.delivered + f.dropped + s.world.in_flight(), "{}", line);
        }
    }
}

#[test]
fn a_detached_script_runs_logs_and_is_stopped() {
    let mut s = street();
    let script = "echo one && sleep 2; echo two; sh -c 'sleep 100; echo never'; echo never";
    ok(&mut s, "host", &format!("docker run -d --name a1 alpine sh -c \"{script}\""));
    ok(&mut s, "host", "docker run -d --name b1 alpine sh -c 'sleep 1; ls_is_not_there; exit 3'");
    ok(&mut s, "host", "sleep 4");
    assert_eq!(ok(&mut s, "host", "docker logs a1"), "one\ntwo\n");
    let state = "docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' a1 b1";
    assert_eq!(ok(&mut s, "host", state), "running 0\nexited 3\n");
    let logs = run(&mut s, "host", "docker logs b1");
    assert!(logs.stderr().starts_with("sh: ls_is_not_there: not found\n"), "{}", logs.stderr());
    // A restart runs it anew; what ran before does not go on.
    ok(&mut s, "host", "docker restart -t 1 a1");
    ok(&mut s, "host", "sleep 4");
    assert_eq!(ok(&mut s, "host", "docker logs a1"), "one\ntwo\none\ntwo\n");
    ok(&mut s, "host", "docker stop -t 1 a1");
    assert_eq!(ok(&mut s, "host", state), "exited 137\nexited 3\n");
    assert_eq!(ok(&mut s, "host", "docker logs a1"), "one\ntwo\none\ntwo\n");
}

#[test]
fn a_server_says_in_its_own_words_that_its_port_is_taken() {
    let mut s = street();
    for (image, says) in [
        ("httpd", "(98)Address already in use: AH00072: make_sock: could not bind to address 0.0.0.0:80\n"),
        ("nginx", "nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)\n"),
        ("redis", "*:6379: bind: Address already in use\n"),
    ] {
        ok(&mut s, "host", &format!("docker run -d --name a1 --network host {image}"));
        ok(&mut s, "host", &format!("docker run -d --name b1 --network host {image}"));
        let logs = run(&mut s, "host", "docker logs b1");
        assert!(logs.stderr().contains(says), "{image}: {}", logs.stderr());
        assert_eq!(ok(&mut s, "host", "docker inspect -f '{{.State.ExitCode}}' b1"), "1\n", "{image}");
        ok(&mut s, "host", "docker rm -f a1 b1");
    }
}

#[test]
fn what_asks_for_ipv6_is_refused_by_name() {
    let mut s = street();
    for line in [
        "docker network create --ipv6 net6",
        "docker network create --subnet fd00:1::/64 net6",
        "docker network create --subnet 10.9.0.0/16 --subnet fd00:1::/64 net6",
        "docker run -d --ip6 fd00:1::2 alpine",
        "docker run -d --dns fd00:1::2 alpine",
    ] {
        let job = run(&mut s, "host", line);
        assert_ne!(job.exit, Some(0), "{line}");
        assert!(job.stderr().contains("IPv6 is not yet emulated"), "{line}: {}", job.stderr());
    }
    assert_eq!(ok(&mut s, "host", "docker network ls -q | wc -l").trim(), "3");
}

#[test]
fn an_app_listens_where_its_command_says_and_a_taken_port_is_in_its_log() {
    let mut s = street();
    ok(&mut s, "host", "docker run -d --name web -p 8080:3000 node node server.js");
    ok(&mut s, "host", "docker run -d --name own -e HOST=127.0.0.1 -p 8081:3000 node node server.js");
    ok(&mut s, "host", "docker run -d --name py -p 8082:8000 python python -m http.server 8000");
    assert!(ok(&mut s, "host", "curl -s http://127.0.0.1:8080/").contains("Hello from Node.js"));
    assert!(run(&mut s, "host", "curl -s http://127.0.0.1:8081/").exit != Some(0));
    assert!(ok(&mut s, "host:own", "curl -s http://127.0.0.1:3000/").contains("Hello"));
    assert!(ok(&mut s, "host", "curl -s http://127.0.0.1:8082/").contains("Directory listing"));
    ok(&mut s, "host", "docker run -d --name mongo mongo");
    let hint = ok(&mut s, "host", "curl -s http://172.17.0.5:27017/");
    assert!(hint.starts_with("It looks like you are trying to access MongoDB over HTTP"), "{hint}");
    for (image, command, with, code, words) in [
        ("node", "node server.js", "web", 1, "Error: listen EADDRINUSE: address already in use 0.0.0.0:3000"),
        ("python", "python -m http.server", "py", 1, "OSError: [Errno 98] Address already in use"),
        ("mongo", "", "mongo", 48, "Address already in use"),
    ] {
        ok(
            &mut s,
            "host",
            &format!("docker run -d --name second --network container:{with} {image} {command}"),
        );
        assert_eq!(ok(&mut s, "host", "docker wait second"), format!("{code}\n"), "{image}");
        let log = run(&mut s, "host", "docker logs second").stderr();
        assert!(log.contains(words), "{image}: {log}");
        ok(&mut s, "host", "docker rm second");
    }
}

#[test]
fn what_a_container_may_do_is_asked_for_when_it_is_made() {
    let mut s = street();
    ok(&mut s, "host", "docker run -d --name plain nicolaka/netshoot sleep infinity");
    ok(&mut s, "host", "docker run -d --name able --cap-add NET_ADMIN nicolaka/netshoot sleep infinity");
    let refused = run(&mut s, "host:plain", "ip route del default");
    assert_eq!(
        (refused.exit, refused.stderr().as_str()),
        (Some(2), "RTNETLINK answers: Operation not permitted\n")
    );
    assert!(run(&mut s, "host:plain", "iptables -L").stderr().contains("you must be root"));
    ok(&mut s, "host:able", "ip route del default");
    ok(&mut s, "host:able", "iptables -A OUTPUT -j ACCEPT");
    assert_eq!(
        ok(&mut s, "host", "docker exec -u nobody -w /tmp plain sh -c 'id -un; pwd'"),
        "nobody\n/tmp\n"
    );
    ok(&mut s, "host", "docker exec --privileged plain ip route del default");
}

#[test]
fn a_log_is_followed_until_its_container_stops_or_ctrl_c() {
    let mut s = street();
    let talk = r"sh -c 'echo one; sleep 2; echo back\\slash; echo bad >&2; sleep 2; echo end'";
    ok(&mut s, "host", &format!("docker run -d --name talk alpine {talk}"));
    let job = run(&mut s, "host", "docker logs -f talk");
    assert_eq!((job.exit, job.stderr().as_str()), (Some(0), "bad\n"));
    assert_eq!(job.stdout(), ok(&mut s, "host", "docker logs talk"));
    assert!(job.stdout().ends_with("slash\nend\n") && job.stdout().starts_with("one\n"), "{}", job.stdout());
    // Every line has its moment, and the moments choose lines.
    let stamps = ok(&mut s, "host", "docker logs -t talk");
    assert!(stamps.lines().all(|l| l.starts_with("2025-11-05T09:0") && l.contains("Z ")), "{stamps}");
    let last = stamps.lines().last().and_then(|l| l.split(' ').next()).unwrap_or_default();
    assert_eq!(ok(&mut s, "host", &format!("docker logs --since {last} talk")), "end\n");
    assert_eq!(ok(&mut s, "host", "docker logs --until 1h talk"), "");
    let bad = run(&mut s, "host", "docker logs --since foo talk");
    assert_eq!(
        (bad.exit, bad.stderr().as_str()),
        (Some(1), "invalid value for \"since\": failed to parse value as time or duration: \"foo\"\n")
    );
    ok(&mut s, "host", "docker start talk");
    let follower = s.exec("host", "docker logs -f -n 0 -t talk").expect("the host is there");
    ok(&mut s, "host", "sleep 3");
    s.interrupt(follower);
    let job = s.job(follower).expect("it is remembered");
    assert_eq!(job.exit, Some(130));
    assert!(job.stdout().ends_with("slash\n") && job.stdout().starts_with("2025-11-05T"), "{}", job.stdout());
}

#[test]
fn events_are_told_live_until_their_moment_or_ctrl_c() {
    let mut s = street();
    ok(&mut s, "host", "docker create --name web lab");
    let told = ok(
        &mut s,
        "host",
        "sleep 5; (sleep 1; docker start web >/dev/null) & docker events --since 1s --until -3s --format '{{.Type}} {{.Action}}'",
    );
    assert_eq!(told, "network connect\ncontainer start\n");
    let listening = "docker events --filter event=die --format '{{.Actor.Attributes.name}}'";
    let job = s.exec("host", listening).expect("a place");
    ok(&mut s, "host", "sleep 1; docker rm -f web; sleep 1");
    s.interrupt(job);
    ok(&mut s, "host", "sleep 1");
    let job = s.job(job).expect("kept");
    assert_eq!((job.stdout().as_str(), job.exit), ("web\n", Some(130)));
}

#[test]
fn an_engine_reads_its_daemon_json_when_the_lab_boots() {
    let lab = r#"{"format": 1, "name": "one", "seed": 3, "nodes": [
        {"id": "host", "kind": "docker-host", "ports": [{"name": "eth0", "address": "192.168.0.10/24"}],
         "files": {"/etc/docker/daemon.json": "{\"bip\": \"10.9.0.1/24\", \"icc\": false}"}}], "links": []}"#;
    let mut s = Lab::from_json(lab).and_then(|lab| lab.boot()).expect("a good lab");
    assert!(ok(&mut s, "host", "ip -4 -o addr show docker0").contains("10.9.0.1/24"));
    assert!(ok(&mut s, "host", "cat /etc/docker/daemon.json").contains("bip"));
    ok(&mut s, "host", "systemctl restart docker");
    assert!(ok(&mut s, "host", "ip -4 -o addr show docker0").contains("10.9.0.1/24"));
    for (from, to, said) in [("bip", "bop", "bop"), ("/etc/docker", "etc", "no absolute path")] {
        let wrong = Lab::from_json(&lab.replacen(from, to, 1)).and_then(|lab| lab.boot());
        assert!(wrong.expect_err("refused").to_string().contains(said), "{to}");
    }
}

#[test]
fn the_id_of_a_container_goes_into_the_file_of_cidfile_once() {
    let mut s = street();
    ok(&mut s, "host", "docker run -d --cidfile /tmp/one --name one alpine sleep infinity > /tmp/said");
    assert_eq!(ok(&mut s, "host", "echo $(cat /tmp/one)"), ok(&mut s, "host", "cat /tmp/said"));
    // Without -d too, relative to where the client is, and where the container does not start.
    ok(&mut s, "host", "cd /tmp && docker run --cidfile two --name two alpine true");
    run(&mut s, "host", "docker run --cidfile three --name three alpine nosuch");
    for name in ["two", "three"] {
        let line = format!("test $(cat /tmp/{name}) = $(docker inspect -f '{{{{.Id}}}}' {name})");
        ok(&mut s, "host", &line);
    }
    let found = "container ID file found, make sure the other container isn't running or delete /tmp/one";
    let lost = "failed to create the container ID file: open /nosuch/x: no such file or directory";
    let help = "\n\nRun 'docker run --help' for more information\n";
    for (line, exit, says) in [
        ("run -d --cidfile /tmp/one", 125, format!("docker: {found}{help}")),
        ("run -d --cidfile /nosuch/x", 127, format!("docker: {lost}{help}")),
        ("create --cidfile /tmp/one", 1, format!("{found}\n")),
        ("create --cidfile /nosuch/x", 1, format!("{lost}\n")),
    ] {
        let refused = run(&mut s, "host", &format!("docker {line} --name four alpine"));
        assert_eq!((refused.exit, refused.stderr()), (Some(exit), says), "{line}");
    }
    assert_eq!(run(&mut s, "host", "docker run -d --cidfile /tmp/four nosuch").exit, Some(125));
    assert_eq!(ok(&mut s, "host", "ls /tmp; docker ps -aq | wc -l"), "one  said  three  two\n3\n");
}

/// What a line that fails says, and its exit status.
#[track_caller]
fn refused(s: &mut Session, line: &str, exit: i32) -> String {
    let job = run(s, "host", line);
    assert_eq!(job.exit, Some(exit), "{line}\n{}{}", job.stdout(), job.stderr());
    job.stderr()
}

#[test]
fn what_is_said_of_ipv6_leaves_routes_and_rules_of_ipv4_alone() {
    let mut s = street();
    ok(&mut s, "host", "ip rule add from 10.0.0.0/8 table 7");
    let before = ok(&mut s, "host", "ip route; ip rule");
    for quiet in ["route", "route flush table main", "route flush all", "rule", "rule flush"] {
        assert_eq!(ok(&mut s, "host", &format!("ip -6 {quiet}")), "", "{quiet}");
    }
    for line in ["add 10.9.0.0/16 dev eth0", "del default", "replace default dev eth0", "get 150.150.0.9"] {
        let said = refused(&mut s, &format!("ip -6 route {line}"), 2);
        assert_eq!(said, "RTNETLINK answers: Operation not supported\n", "{line}");
    }
    for line in ["add from 10.1.0.0/16 table 8", "del from 10.0.0.0/8"] {
        let said = refused(&mut s, &format!("ip -6 rule {line}"), 2);
        assert_eq!(said, "RTNETLINK answers: Address family not supported by protocol\n", "{line}");
    }
    assert_eq!(ok(&mut s, "host", "ip route; ip rule"), before);
}

#[test]
fn ip_route_takes_no_word_that_it_does_not_heed() {
    let mut s = street();
    ok(&mut s, "host", "ip route add 10.9.0.0/16 dev eth0 src 192.168.0.10");
    ok(&mut s, "host", "ip route add 10.8.0.0/16 dev eth0 scope global metric 0x10");
    let before = ok(&mut s, "host", "ip route");
    assert!(before.contains("10.8.0.0/16 dev eth0 metric 16 \n"), "{before}");
    let wrong = |word: &str, why: &str| format!("Error: argument \"{word}\" is wrong: {why}\n\n");
    let cases = [
        ("flush metric abc", 255, wrong("abc", "\"metric\" value is invalid")),
        ("show metric abc", 255, wrong("abc", "\"metric\" value is invalid")),
        ("add 10.1.0.0/16 dev eth0 metric abc", 255, wrong("abc", "\"metric\" value is invalid")),
        ("add 10.1.0.0/16 dev eth0 scope banana", 255, wrong("banana", "invalid \"scope\" value")),
        ("flush scope banana", 255, wrong("banana", "invalid \"scope\"")),
        ("add 10.1.0.0/16 dev eth0 scope host", 1, "netpier does not have routes of scope host\n".into()),
        ("add 10.1.0.0/16 dev eth0 mtu 1000", 1, "netpier does not have the mtu of routes\n".into()),
        ("add 10.1.0.0/16 via 192.168.0.1 scope link", 2, "Error: Nexthop has invalid gateway.\n".into()),
        ("del 10.9.0.0/16 src 9.9.9.9", 2, "RTNETLINK answers: No such process\n".into()),
        ("del 10.9.0.0/16 scope global", 2, "RTNETLINK answers: No such process\n".into()),
        ("del 10.8.0.0/16 scope link", 2, "RTNETLINK answers: No such process\n".into()),
    ];
    for (line, exit, said) in cases {
        assert_eq!(refused(&mut s, &format!("ip route {line}"), exit), said, "{line}");
    }
    assert_eq!(ok(&mut s, "host", "ip route"), before);
    ok(&mut s, "host", "ip route del 10.9.0.0/16 src 192.168.0.10 scope link");
    ok(&mut s, "host", "ip route del 10.8.0.0/16 scope global");
}

#[test]
fn a_directory_is_not_written_to() {
    let mut s = street();
    ok(&mut s, "host", "mkdir d; echo 1 > f");
    for line in ["echo a > d", "echo a >> d", "echo a | tee d"] {
        assert!(fails(&mut s, "host", line).contains("d: Is a directory"), "{line}");
    }
    assert!(fails(&mut s, "host", "echo a > f/below").contains("Not a directory"));
    assert_eq!(ok(&mut s, "host", "ls d; cat f"), "1\n");
}

#[test]
fn tar_packs_directories_and_says_what_it_cannot() {
    let mut s = street();
    ok(&mut s, "host", "mkdir -p e/sub; echo hello > e/f; mkdir bare");
    assert_eq!(ok(&mut s, "host", "tar cf x bare; tar tf x"), "bare/\n");
    assert_eq!(ok(&mut s, "host", "tar cvf x e/ && tar tf x"), "e/\ne/f\ne/sub/\n".repeat(2));
    let all = ok(&mut s, "host", "tar cf - . | tar tf -");
    assert!(all.starts_with("./\n") && all.contains("./e/sub/\n"), "{all}");
    ok(&mut s, "host", "mkdir to; tar cf - e | tar xf - -C to");
    assert_eq!(ok(&mut s, "host", "cat to/e/f; ls -1 to/e"), "hello\nf\nsub\n");
    let whole = run(&mut s, "host", "tar cf /x /");
    assert_eq!(whole.exit, Some(0), "{}", whole.stderr());
    let said = whole.stderr();
    assert!(
        said.contains("Removing leading `/' from member names")
            && said.contains("/x: archive cannot contain itself")
    );
    let all = ok(&mut s, "host", "tar tf /x");
    assert!(all.starts_with("./\n") && all.contains("\netc/\netc/hostname\n"), "{all}");
    let empty = "tar: Cowardly refusing to create an empty archive\n\
        Try 'tar --help' or 'tar --usage' for more information.\n";
    assert_eq!(refused(&mut s, "tar cf y", 2), empty);
    let said = "tar: no: Cannot stat: No such file or directory\n\
        tar: Exiting with failure status due to previous errors\n";
    assert_eq!(refused(&mut s, "tar cf y no bare", 2), said);
    assert_eq!(ok(&mut s, "host", "tar tf y"), "bare/\n");
}

#[test]
fn the_connection_table_shows_what_was_set_within_an_int() {
    let mut s = street();
    for (value, good) in [("0", true), ("2147483647", true), ("2147483648", false), ("-1", false)] {
        let job = run(&mut s, "host", &format!("sysctl -w net.netfilter.nf_conntrack_max={value}"));
        assert_eq!(job.exit == Some(0), good, "{value}");
    }
    assert_eq!(ok(&mut s, "host", "sysctl -n net.netfilter.nf_conntrack_max"), "2147483647\n");
}
