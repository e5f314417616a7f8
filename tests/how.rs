//! "How?": a command that worked is told by what really carried it.
#![cfg(not(target_arch = "wasm32"))]

use netpier::explain::{Lang, why};
use netpier::lab::Lab;
use netpier::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

/// A lab, lines before it, the place and the line, what is said to have carried it, and where it was decided.
type Scene =
    (&'static str, &'static [&'static str], (&'static str, &'static str), &'static str, &'static str);

const H: &str = "docker-host";

const SCENES: &[Scene] = &[
    ("home", &[], ("docker-host:shell", "ping -c 1 172.17.0.2"), "works_neighbours", "docker-host:web"),
    (
        "home",
        &["docker run -d --name pub -p 8088:80 nginx"],
        (H, "curl -s http://127.0.0.1:8088/"),
        "works_proxy",
        H,
    ),
    ("home", &[], ("docker-host:shell", "ping -c 1 example.com"), "works_nat_twice", H),
    ("home", &[], (H, "ping -c 1 93.184.216.34"), "works_nat", "router"),
    ("home", &[], (H, "ping -c 1 192.168.0.10"), "works_itself", H),
    ("home", &[], (H, "dig +short example.com"), "works_name", "router"),
    ("home", &[], ("visitor", "ping -c 1 93.184.216.34"), "works_routed", "isp"),
    (
        "home",
        &["docker run -d --name asker --network second-bridge alpine sleep 9999"],
        ("docker-host:asker", "getent hosts api"),
        "works_docker_name",
        "docker-host:asker",
    ),
    (
        "home",
        &["docker run -d --name pub -p 8088:80 nginx"],
        ("laptop", "curl -s http://192.168.0.10:8088/"),
        "works_published",
        H,
    ),
];

#[test]
fn a_command_that_worked_is_told_by_what_carried_it() {
    let mut wrong = Vec::new();
    for (lab, before, (place, line), cause, spot) in SCENES {
        let mut session = Lab::builtin(lab).expect("a lab").boot().expect("a lab in order");
        for run in *before {
            let job = session.run_line(H, run, LIMIT).expect("a line");
            assert_eq!(job.exit, Some(0), "{run}: {}", job.stderr());
        }
        let job = session.run_line(place, line, LIMIT).expect("a line").clone();
        let Some(how) = why::how(&session, &job) else {
            wrong.push(format!("{place}: {line}: nothing is told; {:?} {}", job.exit, job.stderr()));
            continue;
        };
        let steps = how.steps(&session, Lang::En);
        if (how.cause.key(), how.spot.place.as_str()) != (cause, spot) || steps.len() < 2 {
            wrong.push(format!(
                "{place}: {line}: {} at {}, not {cause} at {spot}\n{steps:#?}",
                how.cause.key(),
                how.spot.place
            ));
        }
        let ends_at_home = steps.last().is_some_and(|s| s.1 == *place);
        if !ends_at_home {
            wrong.push(format!("{place}: {line}: the walk does not come back\n{steps:#?}"));
        }
        assert!(why::went_out(&session, &job) && why::diagnose(&session, &job).is_none());
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn what_sends_nothing_has_no_way_to_be_told() {
    let mut session = Lab::builtin("home").expect("a lab").boot().expect("a lab in order");
    for line in ["ip addr", "docker ps", "echo hello"] {
        let job = session.run_line(H, line, LIMIT).expect("a line").clone();
        assert!(!why::went_out(&session, &job) && why::how(&session, &job).is_none(), "{line}");
    }
}
