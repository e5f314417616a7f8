//! "Why?": the cause that is named is the one that is there, and what mends it mends it.
#![cfg(not(target_arch = "wasm32"))]

use netpier::explain::{Lang, why};
use netpier::lab::{Edit, Lab};
use netpier::session::{Forward, ServiceConfig, Session};
use netpier::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

/// What is done to a lab before the attempt.
enum Do {
    /// A line at a place.
    Line(&'static str, &'static str),
    /// A line that goes on running.
    Start(&'static str, &'static str),
    /// A change of the document before the lab is opened.
    Lab(fn(&mut Lab)),
}

use Do::{Lab as Change, Line, Start};

struct Scene {
    lab: &'static str,
    before: &'static [Do],
    at: &'static str,
    attempt: &'static str,
    cause: &'static str,
    /// What is offered mends it; false: nothing is offered.
    mends: bool,
}

const fn scene(
    lab: &'static str,
    before: &'static [Do],
    (at, attempt): (&'static str, &'static str),
    cause: &'static str,
    mends: bool,
) -> Scene {
    Scene { lab, before, at, attempt, cause, mends }
}

fn forward(lab: &mut Lab, to: [u8; 4], to_port: u16) {
    let router = lab.nodes.iter_mut().find_map(|n| n.router.as_mut()).expect("a router");
    router.forwards.push(Forward { proto: "tcp".into(), port: 8080, last: None, to: to.into(), to_port });
}

fn unplug(lab: &mut Lab, node: &str) {
    lab.links.retain(|l| l.a.0 != node && l.b.0 != node);
}

fn node<'a>(lab: &'a mut Lab, id: &str) -> &'a mut netpier::session::NodeConfig {
    lab.nodes.iter_mut().find(|n| n.id == id).expect("a node of the lab")
}

fn cable<'a>(lab: &'a mut Lab, id: &str) -> &'a mut netpier::session::LinkConfig {
    lab.links.iter_mut().find(|l| l.a.0 == id || l.b.0 == id).expect("a cable of the node")
}

/// The Docker host is a DNS server too, which the laptop asks, and which asks another one.
fn dns_server(lab: &mut Lab, forward: [u8; 4]) {
    let forward = Some(forward.into());
    let (listen, zones, records, roots, cache) = (None, Vec::new(), Vec::new(), Vec::new(), false);
    node(lab, H).services.push(ServiceConfig::Dns { listen, zones, records, forward, roots, cache });
    node(lab, "laptop").resolvers = vec![[192, 168, 0, 10].into()];
}

fn forwards_to_8_8_8_8(lab: &mut Lab) {
    dns_server(lab, [8, 8, 8, 8]);
}

fn forwards_to_nobody(lab: &mut Lab) {
    dns_server(lab, [192, 168, 0, 99]);
}

const H: &str = "docker-host";

/// Every cause that can be had in the built-in labs, with the attempt that meets it.
const SCENES: &[Scene] = &[
    // links and addresses
    scene("home", &[Change(|l| unplug(l, "laptop"))], ("laptop", "ping -c 1 -W 4 8.8.8.8"), "no_link", true),
    scene(
        "home",
        &[Change(|l| unplug(l, "docker-host"))],
        ("laptop", "ping -c 1 -W 4 192.168.0.10"),
        "no_link",
        true,
    ),
    scene(
        "home",
        &[Line("laptop", "ip link set eth0 down")],
        ("laptop", "ping -c 1 8.8.8.8"),
        "device_down",
        true,
    ),
    scene(
        "home",
        &[Line("router", "ip link set lan0 down")],
        ("laptop", "ping -c 1 8.8.8.8"),
        "device_down",
        true,
    ),
    scene(
        "home",
        &[Line("laptop", "ip addr flush dev eth0")],
        ("laptop", "ping -c 1 8.8.8.8"),
        "no_address",
        true,
    ),
    scene(
        "home",
        &[Line("laptop", "ip route del default")],
        ("laptop", "ping -c 1 8.8.8.8"),
        "no_gateway",
        true,
    ),
    scene(
        "home",
        &[Line("laptop", "ip route replace default via 192.168.0.77")],
        ("laptop", "ping -c 1 8.8.8.8"),
        "wrong_gateway",
        true,
    ),
    scene(
        "home",
        &[Line("laptop", "ip route replace default via 192.168.0.10")],
        ("laptop", "ping -c 1 -W 1 8.8.8.8"),
        "wrong_gateway",
        true,
    ),
    scene(
        "home",
        &[Line("laptop", "ip addr flush dev eth0"), Line("laptop", "ip addr add 192.168.7.20/24 dev eth0")],
        ("laptop", "ping -c 1 192.168.7.1"),
        "wrong_subnet",
        false,
    ),
    scene(
        "home",
        &[
            Line("laptop", "ip addr flush dev eth0"),
            Line("laptop", "ip addr add 192.168.0.20/16 dev eth0"),
            Line("laptop", "ip route add default via 192.168.0.1"),
        ],
        ("laptop", "ping -c 1 192.168.99.1"),
        "wrong_subnet",
        false,
    ),
    scene("home", &[], ("laptop", "ping -c 1 -W 4 192.168.0.99"), "no_neighbour", false),
    scene(
        "home",
        &[Change(|l| cable(l, "laptop").loss_per_mille = 1000)],
        ("laptop", "ping -c 1 -W 4 192.168.0.1"),
        "lossy",
        true,
    ),
    // another host has the same address
    scene(
        "oracle",
        &[
            Line("h2", "docker run -d --name web lab"),
            Line("h1", "docker run -d --name web lab"),
            Line("h1", "docker run -d --name cli lab sleep infinity"),
            Line("h1", "docker stop web"),
        ],
        ("h1:cli", "ping -c 1 -W 4 172.17.0.2"),
        "app_exited",
        true,
    ),
    scene(
        "oracle",
        &[
            Line("h2", "docker run -d --name web lab"),
            Line("h1", "docker run -d --name web lab"),
            Line("h1", "docker run -d --name cli lab sleep infinity"),
            Line("h1:cli", "ping -c 1 172.17.0.2"),
            Line("h1", "docker network disconnect bridge web"),
        ],
        ("h1:cli", "ping -c 1 -W 4 172.17.0.2"),
        "no_network",
        false,
    ),
    // routes
    scene("home", &[], ("laptop", "ping -c 1 10.99.0.1"), "private_on_internet", false),
    scene("home", &[], ("laptop", "ping -c 1 -t 1 8.8.8.8"), "ttl", true),
    scene(
        "home",
        &[Line(H, "sysctl -w net.ipv4.ip_forward=0")],
        ("docker-host:shell", "ping -c 1 8.8.8.8"),
        "forwarding_off",
        true,
    ),
    scene(
        "home",
        &[Line("router", "sysctl -w net.ipv4.ip_forward=0")],
        ("laptop", "ping -c 1 -W 1 8.8.8.8"),
        "forwarding_off",
        true,
    ),
    scene(
        "home",
        &[Line(H, "iptables -t nat -D POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE")],
        ("docker-host:shell", "ping -c 1 8.8.8.8"),
        "masquerade_off",
        true,
    ),
    scene(
        "home",
        &[Change(|l| node(l, "router").router.as_mut().expect("a router").nat = false)],
        ("laptop", "ping -c 1 -W 1 8.8.8.8"),
        "nat_off",
        true,
    ),
    scene(
        "home",
        &[Line("router", "ip link set wan0 mtu 1000")],
        ("laptop", "ping -c 1 -W 1 -M do -s 1200 8.8.8.8"),
        "mtu",
        true,
    ),
    scene(
        "home",
        &[
            Line("router", "ip link set wan0 mtu 1000"),
            Line("router", "iptables -A OUTPUT -p icmp -m icmp --icmp-type fragmentation-needed -j DROP"),
        ],
        ("laptop", "ping -c 1 -W 1 -M do -s 1200 8.8.8.8"),
        "mtu_filtered",
        true,
    ),
    // routers and firewalls
    scene(
        "home",
        &[Line(H, "docker run -d --name site -p 8080:80 nginx")],
        ("visitor", "curl -sS -m 2 http://150.150.0.1:8080"),
        "router_closed",
        true,
    ),
    scene(
        "home",
        &[
            Line(H, "docker run -d --name site -p 8080:80 nginx"),
            Change(|l| forward(l, [192, 168, 0, 77], 8080)),
        ],
        ("visitor", "curl -sS -m 5 http://150.150.0.1:8080"),
        "forward_stale",
        true,
    ),
    scene(
        "home",
        &[
            Line(H, "docker run -d --name site -p 8080:80 nginx"),
            Change(|l| forward(l, [192, 168, 0, 10], 8080)),
        ],
        ("laptop", "curl -sS -m 5 http://150.150.0.1:8080"),
        "hairpin_off",
        true,
    ),
    scene(
        "home",
        &[Line(H, "iptables -A INPUT -p icmp -j DROP")],
        ("laptop", "ping -c 1 -W 1 192.168.0.10"),
        "firewall",
        true,
    ),
    scene(
        "home",
        &[Line(H, "iptables -P INPUT DROP")],
        ("laptop", "ping -c 1 -W 1 192.168.0.10"),
        "firewall_policy",
        true,
    ),
    scene(
        "home",
        &[Line("laptop", "iptables -P INPUT DROP")],
        ("laptop", "ping -c 1 -W 1 127.0.0.1"),
        "firewall_policy",
        true,
    ),
    scene(
        "home",
        &[
            Line(H, "docker run -d --name site -p 8080:80 nginx"),
            Line(H, "iptables -I DOCKER-USER -i eth0 -j DROP"),
        ],
        ("laptop", "curl -sS -m 2 http://192.168.0.10:8080"),
        "docker_user",
        true,
    ),
    scene(
        "home",
        &[Line(H, "iptables -F FORWARD")],
        ("docker-host:shell", "ping -c 1 -W 1 8.8.8.8"),
        "forward_policy",
        true,
    ),
    // Docker networks
    scene("home", &[], ("docker-host:shell", "ping -c 1 -W 1 10.0.0.2"), "other_bridge", true),
    scene("home", &[], (H, "docker exec shell ping -c 1 -W 1 10.0.0.2"), "other_bridge", true),
    scene(
        "home",
        &[
            Line(H, "docker network create --internal safe"),
            Line(H, "docker run -d --name cli --network safe alpine sleep infinity"),
        ],
        ("docker-host:cli", "ping -c 1 -W 1 8.8.8.8"),
        "internal",
        true,
    ),
    scene(
        "home",
        &[
            Line(H, "docker network create --internal safe"),
            Line(H, "docker run -d --name site --network safe -p 8080:80 nginx"),
        ],
        ("laptop", "curl -sS -m 2 http://192.168.0.10:8080"),
        "internal",
        true,
    ),
    scene(
        "home",
        &[Change(|l| node(l, "docker-host").daemon = "--icc=false".into())],
        ("docker-host:shell", "ping -c 1 -W 1 172.17.0.2"),
        "icc_off",
        true,
    ),
    scene("home", &[], ("laptop", "curl -sS -m 2 http://172.17.0.2"), "direct_access", true),
    scene(
        "home",
        &[Line("laptop", "ip route add 172.17.0.0/16 via 192.168.0.10")],
        ("laptop", "curl -sS -m 2 http://172.17.0.2"),
        "direct_access",
        true,
    ),
    scene(
        "oracle",
        &[
            Line("h2", "docker network create --subnet 10.0.7.0/24 net7"),
            Line("h2", "docker run -d --name web --network net7 lab"),
            Line("h1", "docker run -d --name cli lab sleep infinity"),
        ],
        ("h1:cli", "curl -sS -m 5 http://10.0.7.2/"),
        "other_host",
        true,
    ),
    scene(
        "home",
        &[
            Line(H, "docker network create --subnet 192.168.0.0/25 wide"),
            Line(H, "docker run -d --name cli --network wide alpine sleep infinity"),
        ],
        ("docker-host:cli", "ping -c 1 -W 4 192.168.0.20"),
        "overlap",
        true,
    ),
    scene("home", &[], (H, "docker network create --subnet 10.0.0.0/16 big"), "subnet_taken", false),
    scene("home", &[], (H, "docker network create -d overlay mesh"), "no_swarm", false),
    // ports
    scene(
        "home",
        &[Line(H, "docker run -d --name site -p 127.0.0.1:8080:80 nginx")],
        ("laptop", "curl -sS -m 2 http://192.168.0.10:8080"),
        "published_locally",
        true,
    ),
    scene("home", &[], ("laptop", "curl -sS -m 2 http://192.168.0.10"), "not_published", true),
    scene(
        "home",
        &[Line(H, "docker run -d --name own --network host -p 8080:80 nginx")],
        ("laptop", "curl -sS -m 2 http://192.168.0.10:8080"),
        "publish_ignored",
        true,
    ),
    scene(
        "home",
        &[Start("laptop", "serve udp:5000")],
        (H, "curl -sS -m 2 http://192.168.0.20:5000"),
        "other_protocol",
        false,
    ),
    scene(
        "home",
        &[Start("laptop", "nc -u -l 53")],
        ("laptop", "curl -sS -m 2 http://localhost:53"),
        "other_protocol",
        false,
    ),
    scene(
        "home",
        &[Line(H, "docker run -d --name ear alpine nc -u -l 53")],
        ("docker-host:ear", "wget -qO- -T 2 http://localhost:53"),
        "other_protocol",
        false,
    ),
    scene(
        "home",
        &[Line(H, "docker run -d --name ear -p 53:53 alpine nc -u -l 53")],
        ("laptop", "curl -sS -m 2 http://192.168.0.10:53"),
        "other_protocol",
        false,
    ),
    scene(
        "home",
        &[
            Change(|l| node(l, "docker-host").daemon = "--userland-proxy=false".into()),
            Line(H, "docker run -d --name ear -p 53:53/udp alpine nc -u -l 53"),
        ],
        ("laptop", "curl -sS -m 2 http://192.168.0.10:53"),
        "other_protocol",
        false,
    ),
    scene(
        "home",
        &[Line(H, "docker run -d --name own --network host nginx")],
        (H, "docker run --name two --network host nginx"),
        "port_taken",
        true,
    ),
    scene("home", &[], ("laptop", "curl -sS -m 2 http://192.168.0.10:8080"), "nothing_listens", false),
    scene(
        "home",
        &[Line(H, "docker run -d --name cat -p 8001:8080 tomcat")],
        ("laptop", "curl -sS -m 2 http://192.168.0.10:8080"),
        "published_elsewhere",
        true,
    ),
    scene(
        "home",
        &[Line(H, "docker run -d --name cat -p 8001:80 tomcat")],
        ("laptop", "curl -sS -m 2 http://192.168.0.10:8001"),
        "wrong_container_port",
        true,
    ),
    scene(
        "home",
        &[Line(H, "docker run -d --name cat -p 8001:80 tomcat")],
        (H, "curl -sS -m 2 http://localhost:8001"),
        "wrong_container_port",
        true,
    ),
    scene(
        "home",
        &[Line(H, "docker run -d --name site -p 80:8080 nginx")],
        ("laptop", "curl -sS -m 2 http://192.168.0.10:80"),
        "ports_swapped",
        true,
    ),
    scene(
        "oracle",
        &[Line("h1", "docker run -d --name web -p 8080:3000 lab serve tcp:8080")],
        ("pc1", "curl -sS -m 2 http://192.168.0.10:8080"),
        "ports_swapped",
        true,
    ),
    scene(
        "home",
        &[
            Line(H, "docker network create app"),
            Line(H, "docker run -d --name cat --network app -p 8001:8080 tomcat"),
            Line(H, "docker run -d --name cli --network app alpine sleep infinity"),
        ],
        ("docker-host:cli", "wget -qO- -T 2 http://cat:8001"),
        "host_port_inside",
        true,
    ),
    scene(
        "oracle",
        &[Line("h1", "docker run -d --name web -p 8080:80 lab serve tcp:127.0.0.1:80")],
        ("pc1", "curl -sS -m 2 http://192.168.0.10:8080"),
        "app_on_loopback",
        true,
    ),
    scene(
        "home",
        &[Line(H, "docker run -d --name site -p 8080:80 nginx"), Line(H, "docker stop site")],
        ("laptop", "curl -sS -m 2 http://192.168.0.10:8080"),
        "app_exited",
        true,
    ),
    scene(
        "home",
        &[Line(H, "docker stop web")],
        (H, "docker exec web curl -sS localhost"),
        "app_exited",
        true,
    ),
    scene(
        "home",
        &[Line(H, "docker run -d --name site -p 8080:80 nginx")],
        (H, "docker run -d --name two -p 8080:80 nginx"),
        "port_taken",
        true,
    ),
    scene(
        "oracle",
        &[Line("h1", "docker run -d --name cli lab sleep infinity"), Start("h1", "serve tcp:9000")],
        ("h1:cli", "curl -sS -m 2 http://localhost:9000/"),
        "localhost",
        true,
    ),
    scene("home", &[], ("docker-host:shell", "wget -qO- -T 2 http://localhost/"), "localhost", true),
    // names
    scene(
        "home",
        &[Line(H, "docker run -d --name linked --link web:db alpine sleep infinity")],
        ("docker-host:linked", "nslookup db"),
        "only_in_hosts",
        false,
    ),
    scene(
        "oracle",
        &[Line("h1", "docker run -d --name cli lab sleep infinity"), Start("h1", "serve tcp:9000")],
        ("h1:cli", "curl -sS -m 2 http://host.docker.internal:9000/"),
        "host_name_missing",
        true,
    ),
    scene("home", &[], ("docker-host:shell", "wget -qO- -T 2 http://web"), "no_names_on_bridge", true),
    scene("home", &[], ("docker-host:shell", "ping -c 1 web"), "no_names_on_bridge", true),
    scene(
        "home",
        &[
            Line(H, "docker network create app"),
            Line(H, "docker run -d --name cli --network app alpine sleep infinity"),
        ],
        ("docker-host:cli", "wget -qO- -T 2 http://api"),
        "name_elsewhere",
        true,
    ),
    scene("home", &[], (H, "curl -sS http://web"), "name_on_host", false),
    scene("home", &[], ("laptop", "curl -sS http://nowhere.example"), "name_unknown", false),
    scene(
        "home",
        &[Line("laptop", "echo nameserver 192.168.0.99 > /etc/resolv.conf")],
        ("laptop", "curl -sS http://example.com"),
        "name_server_dead",
        true,
    ),
    scene(
        "home",
        &[Line("dns", "ip route del default")],
        ("laptop", "curl -sS http://example.com"),
        "no_gateway",
        true,
    ),
    scene(
        "home",
        &[Change(forwards_to_8_8_8_8), Line(H, "ip route del default")],
        ("laptop", "curl -sS http://example.com"),
        "no_gateway",
        true,
    ),
    scene(
        "home",
        &[Change(forwards_to_nobody)],
        ("laptop", "curl -sS -m 60 http://example.com"),
        "name_server_dead",
        true,
    ),
    // a program at the port that is no DNS server, or one for tcp
    scene(
        "home",
        &[Start("visitor", "nc -u -l 53"), Line("laptop", "echo nameserver 203.0.113.7 > /etc/resolv.conf")],
        ("laptop", "curl -sS http://example.com"),
        "name_server_silent",
        true,
    ),
    scene(
        "home",
        &[Start("visitor", "serve tcp:53"), Line("laptop", "echo nameserver 203.0.113.7 > /etc/resolv.conf")],
        ("laptop", "curl -sS http://example.com"),
        "other_protocol",
        true,
    ),
    scene(
        "home",
        &[Line("laptop", "echo '#' > /etc/resolv.conf")],
        ("laptop", "curl -sS http://example.com"),
        "no_name_server",
        true,
    ),
    scene(
        "home",
        &[
            Line(H, "docker network create app"),
            Line(H, "docker run -d --name cli --network app --dns 192.168.0.99 alpine sleep infinity"),
        ],
        ("docker-host:cli", "wget -qO- -T 20 http://example.com"),
        "name_server_dead",
        true,
    ),
    scene(
        "home",
        &[Line(H, "docker run -d --name lone --network none alpine sleep infinity")],
        ("docker-host:lone", "ping -c 1 8.8.8.8"),
        "no_network",
        true,
    ),
    // commands
    scene("home", &[], (H, "docker exec cache curl localhost"), "no_program", false),
    scene("home", &[], (H, "docker network connect nosuch web"), "refused", false),
];

fn open(scene: &Scene) -> Session {
    let mut lab = Lab::builtin(scene.lab).expect("a built-in lab");
    for step in scene.before {
        if let Change(change) = step {
            change(&mut lab);
        }
    }
    let mut session = lab.boot().unwrap_or_else(|e| panic!("{}: {e}", scene.attempt));
    for step in scene.before {
        match step {
            Line(at, run) => {
                let job = session.run_line(at, run, LIMIT).unwrap_or_else(|e| panic!("{run}: {e}"));
                assert_eq!(job.exit, Some(0), "{at} {run}: {}", job.stderr());
            }
            Start(at, run) => drop(session.exec(at, run).expect("a place of the lab")),
            Change(_) => {}
        }
    }
    session
}

/// What does not hold of a scene; empty if all does.
fn problems(scene: &Scene) -> Vec<String> {
    let Ok(mut session) = std::panic::catch_unwind(|| open(scene)) else {
        return vec![format!("{}: cannot be set up", scene.attempt)];
    };
    let title = format!("{} {} ({})", scene.at, scene.attempt, scene.cause);
    let job = session.run_line(scene.at, scene.attempt, LIMIT).expect("a place of the lab");
    let Some(found) = why::diagnose(&session, &job) else {
        return vec![format!("{title}: no diagnosis; exit {:?}: {}", job.exit, job.stdout() + &job.stderr())];
    };
    let said = found.sentence(&session, Lang::En);
    let mut bad = Vec::new();
    if found.cause.key() != scene.cause {
        bad.push(format!("{title}: {}: {said}", found.cause.key()));
    }
    for lang in [Lang::En, Lang::Ko] {
        let words = found.sentence(&session, lang);
        if words.contains('{') || words.is_empty() || words.starts_with("why.") {
            bad.push(format!("{title}: {words}"));
        }
    }
    if found.walk.is_empty() || session.world.log.get(found.spot.seq).is_none() {
        bad.push(format!("{title}: no step of the trace is named"));
    }
    let Some(fix) = &found.fix else {
        if scene.mends {
            bad.push(format!("{title}: no way out is offered: {:?}", found.cause));
        }
        return bad;
    };
    let shown = fix.shown().join(" ; ");
    if !scene.mends {
        return bad;
    }
    if let Err(e) = fix.apply(&mut session) {
        bad.push(format!("{title}: {shown}: {e}"));
        return bad;
    }
    let (at, line) = &fix.again;
    match session.run_line(at, line, LIMIT) {
        // A server that goes on running in the foreground is well.
        Ok(job) if matches!(job.exit, None | Some(0 | 130)) => {}
        Ok(job) => {
            let still =
                why::diagnose(&session, &job).map(|d| d.sentence(&session, Lang::En)).unwrap_or_default();
            bad.push(format!("{title}: still after {shown}: {line}: {} {still}", job.stderr().trim_end()));
        }
        Err(e) => bad.push(format!("{title}: after {shown}: {line}: {e}")),
    }
    bad
}

#[test]
fn every_scene_is_explained_by_its_cause_and_mended_by_what_is_offered() {
    let bad: Vec<String> = SCENES.iter().flat_map(problems).collect();
    assert!(bad.is_empty(), "\n{}\n", bad.join("\n"));
}

#[test]
fn what_works_has_no_diagnosis() {
    let mut session = Lab::builtin("home").expect("a built-in lab").boot().expect("a lab in order");
    for (at, line) in [
        ("laptop", "curl -sS http://example.com"),
        ("docker-host:shell", "wget -qO- http://example.com"),
        ("laptop", "ping -c 1 192.168.0.10"),
        ("laptop", "true"),
        ("laptop", "ip addr | grep nothing-there"),
    ] {
        let job = session.run_line(at, line, LIMIT).expect("a place of the lab");
        assert_eq!(why::diagnose(&session, &job), None, "{line}");
    }
}

#[test]
fn a_fix_that_is_an_edit_is_one_of_the_document_too() {
    let scene = SCENES.iter().find(|s| s.cause == "router_closed").expect("a scene");
    let mut session = open(scene);
    let job = session.run_line(scene.at, scene.attempt, LIMIT).expect("a place of the lab");
    let fix = why::diagnose(&session, &job).and_then(|d| d.fix).expect("a fix");
    let why::Remedy::Edit(edit) = fix.remedy else { panic!("a router's form is an edit") };
    assert!(matches!(*edit, Edit::SetRouter { .. }));
    let mut lab = Lab::builtin("home").expect("a built-in lab");
    edit.apply(&mut lab).expect("it fits the lab");
    assert_eq!(
        lab.nodes.iter().filter_map(|n| n.router.as_ref()).map(|r| r.forwards.len()).sum::<usize>(),
        1
    );
}
