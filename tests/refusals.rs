//! What a tool or the engine refused gets a way out as well, where a line is one: the fix is done, the
//! attempt runs again, and it works.
#![cfg(not(target_arch = "wasm32"))]

use netpier::explain::why;
use netpier::lab::Lab;
use netpier::time::Duration;

/// The line that is refused, what the button shows, and the line that then runs.
const CASES: &[(&str, &str, &str)] = &[
    ("docker rnu -d --name xx alpine", "docker run -d --name xx alpine", "docker run -d --name xx alpine"),
    (
        "docker network create --subent 10.9.0.0/24 n",
        "docker network create --subnet 10.9.0.0/24 n",
        "docker network create --subnet 10.9.0.0/24 n",
    ),
    ("dokcer ps", "docker ps", "docker ps"),
    (
        "docker run -d --name xx --network app nginx",
        "docker rm xx && docker network create app",
        "docker run -d --name xx --network app nginx",
    ),
    (
        "docker run -d --network second-brdige nginx",
        "docker run -d --network second-bridge nginx",
        "docker run -d --network second-bridge nginx",
    ),
    (
        "docker network connect second-brige web",
        "docker network connect second-bridge web",
        "docker network connect second-bridge web",
    ),
    ("docker run -d --name web nginx", "docker rm -f web", "docker run -d --name web nginx"),
    (
        "docker network rm second-bridge",
        "docker network disconnect -f second-bridge api && docker network disconnect -f second-bridge db",
        "docker network rm second-bridge",
    ),
    ("docker run nginx -d --name xx", "docker run -d --name xx nginx", "docker run -d --name xx nginx"),
    ("docker stop wbe", "docker stop web", "docker stop web"),
    ("docker rm web", "docker rm -f web", "docker rm -f web"),
];

#[test]
fn what_was_refused_works_the_second_time() {
    for (line, shown, again) in CASES {
        let mut s = Lab::builtin("home").expect("it comes along").boot().expect("it boots");
        let job = s.run_line("docker-host", line, Duration::from_secs(60)).unwrap();
        assert_ne!(job.exit, Some(0), "{line}");
        let found = why::diagnose(&s, &job).unwrap_or_else(|| panic!("{line}: nothing found"));
        let fix = found.fix.unwrap_or_else(|| panic!("{line}: no way out"));
        assert_eq!(fix.shown().join("; "), *shown, "{line}");
        assert_eq!(fix.again.1, *again, "{line}");
        fix.apply(&mut s).unwrap_or_else(|e| panic!("{line}: {e}"));
        let job = s.run_line(&fix.again.0, &fix.again.1, Duration::from_secs(60)).unwrap();
        assert_eq!(job.exit, Some(0), "{line}: {}", job.stderr());
    }
}

#[test]
fn a_bridge_with_the_lans_own_numbers_is_named() {
    let mut s = Lab::builtin("home").expect("it comes along").boot().expect("it boots");
    let mut run = |line: &str| s.run_line("docker-host", line, Duration::from_secs(60)).unwrap();
    assert_eq!(run("docker network create --subnet 192.168.0.0/24 lan").exit, Some(0));
    // Its gateway has the router's address now, and the router was the name server.
    let job = run("ping -c 1 example.com");
    let found = why::diagnose(&s, &job).expect("a cause");
    assert_eq!(found.cause.key(), "overlap", "{:?}", found.cause);
    found.fix.as_ref().expect("a way out").apply(&mut s).unwrap();
    let job = s.run_line("docker-host", "ping -c 1 example.com", Duration::from_secs(60)).unwrap();
    assert_eq!(job.exit, Some(0), "{}", job.stderr());
}

#[test]
fn a_cable_in_the_wrong_socket_of_a_router_is_named_and_moved() {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/lessons/two-sides-of-a-router.json"));
    let lesson = netpier::lesson::Lesson::from_json(&text.unwrap()).unwrap();
    let mut s = lesson.start().unwrap().boot().unwrap();
    let limit = Duration::from_secs(60);
    for line in ["ping -c 1 -W 2 8.8.8.8", "ping -c 1 -W 2 192.168.0.1", "curl -m 3 http://example.com"] {
        let job = s.run_line("laptop", line, limit).unwrap();
        let found = why::diagnose(&s, &job).unwrap_or_else(|| panic!("{line}: nothing found"));
        assert_eq!(found.cause.key(), "wrong_socket", "{line}: {:?}", found.cause);
        let fix = found.fix.expect("a way out");
        assert_eq!(fix.shown(), ["laptop eth0 ─ router lan1", "isp eth3 ─ router wan0"]);
        let mut copy = s.clone();
        fix.apply(&mut copy).unwrap();
        let job = copy.run_line(&fix.again.0, &fix.again.1, limit).unwrap();
        assert_eq!(job.exit, Some(0), "{line}: {}", job.stderr());
    }
}
