//! `nc` between the nodes of the lab `home`: what it prints, and which ports it uses.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used)] // a test may fail by it

mod common;

use netpier::session::Session;
use netpier::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

fn lab() -> Session {
    common::lab("home")
}

/// Types a line and gives its status and all that it printed.
fn at(s: &mut Session, node: &str, line: &str) -> (Option<i32>, String) {
    let job = s.run_line(node, line, LIMIT).unwrap();
    (job.exit, job.output.iter().map(|o| o.2.as_str()).collect())
}

#[test]
fn an_open_a_closed_and_a_silent_port_are_told_apart() {
    let mut s = lab();
    for (line, exit, says) in [
        (
            "nc -zv example.com 80",
            0,
            "Connection to example.com (93.184.216.34) 80 port [tcp/http] succeeded!\n",
        ),
        ("nc -zvn 93.184.216.34 80", 0, "Connection to 93.184.216.34 80 port [tcp/*] succeeded!\n"),
        (
            "nc -zv 93.184.216.34 81",
            1,
            "nc: connect to 93.184.216.34 port 81 (tcp) failed: Connection refused\n",
        ),
        ("nc -z 93.184.216.34 81", 1, ""),
        (
            "nc -zv -w 2 192.168.0.99 80",
            1,
            "nc: connect to 192.168.0.99 port 80 (tcp) timed out: Operation now in progress\n",
        ),
        ("nc -zvu 93.184.216.34 9", 1, ""),
        (
            "nc -zv nosuch.name 80",
            1,
            "nc: getaddrinfo for host \"nosuch.name\" port 80: Name or service not known\n",
        ),
        (
            "nc -zv 93.184.216.34 79-80",
            0,
            "nc: connect to 93.184.216.34 port 79 (tcp) failed: Connection refused\n\
             Connection to 93.184.216.34 80 port [tcp/http] succeeded!\n",
        ),
    ] {
        assert_eq!(at(&mut s, "laptop", line), (Some(exit), says.to_owned()), "{line}");
    }
}

#[test]
fn two_computers_use_the_same_source_port_and_the_router_tells_them_apart() {
    let mut s = lab();
    let listener = s.exec("visitor", "nc -lkvn 5000").unwrap();
    for node in ["laptop", "docker-host"] {
        let sent = at(&mut s, node, &format!("echo from {node} | nc -N -w 2 -p 6000 203.0.113.7 5000"));
        assert_eq!(sent, (Some(0), String::new()));
    }
    let heard: String = s.job(listener).unwrap().output.iter().map(|o| o.2.as_str()).collect();
    let ports: Vec<_> = heard
        .lines()
        .filter_map(|l| l.strip_prefix("Connection received on 150.150.0.1 "))
        .map(str::to_owned)
        .collect();
    assert!(heard.contains("from laptop\n") && heard.contains("from docker-host\n"), "{heard}");
    assert!(ports.len() == 2 && ports[0] == "6000" && ports[1] != "6000", "{ports:?}");
}

#[test]
fn datagrams_go_both_ways_and_a_taken_port_is_refused() {
    let mut s = lab();
    let listener = s.exec("visitor", "echo hello back | nc -luv 5000").unwrap();
    assert_eq!(
        at(&mut s, "laptop", "echo hi | nc -u -w 1 203.0.113.7 5000"),
        (Some(0), "hello back\n".into())
    );
    let heard: String = s.job(listener).unwrap().output.iter().map(|o| o.2.as_str()).collect();
    assert!(heard.starts_with("Bound on 0.0.0.0 5000\nConnection received on 150.150.0.1 "), "{heard}");
    assert!(heard.ends_with("hi\n"), "{heard}");
    assert_eq!(at(&mut s, "example", "nc -l 80"), (Some(1), "nc: Address already in use\n".into()));
}
