//! The ways to break a lab, each with the line that shows it.

use netpier::lab::Edit;
use netpier::session::Session;

use crate::lab::{Parts, World, address, type_line};

/// A way to break a lab: the cause that has to be named.
pub const KINDS: [&str; 63] = [
    "no_link",
    "device_down",
    "no_address",
    "no_gateway",
    "wrong_gateway",
    "wrong_subnet",
    "duplicate_address",
    "no_neighbour",
    "lossy",
    "private_on_internet",
    "ttl",
    "forwarding_off",
    "masquerade_off",
    "nat_off",
    "mtu",
    "router_closed",
    "forward_stale",
    "hairpin_off",
    "firewall",
    "firewall_policy",
    "forward_policy",
    "docker_user",
    "other_bridge",
    "internal",
    "icc_off",
    "direct_access",
    "other_host",
    "overlap",
    "subnet_taken",
    "no_swarm",
    "published_locally",
    "not_published",
    "published_elsewhere",
    "wrong_container_port",
    "ports_swapped",
    "host_port_inside",
    "app_on_loopback",
    "nothing_listens",
    "app_exited",
    "port_taken",
    "localhost",
    "host_name_missing",
    "no_names_on_bridge",
    "name_elsewhere",
    "name_on_host",
    "name_unknown",
    "name_server_dead",
    "no_name_server",
    "no_network",
    "search_domain",
    "mtu_filtered",
    "answer_away",
    "reverse_path",
    "source_hidden",
    "pools_used_up",
    "default_elsewhere",
    "overlay_no_peer",
    "name_refused",
    "router_closed_outer",
    "macvlan_host",
    "no_route",
    "not_started",
    "past_firewall",
];

/// A broken lab, and the attempt that shows it.
pub struct Broken {
    pub session: Session,
    pub at: String,
    pub line: String,
}

/// Draws again what a kind needs of the lab's shape, and what stands in its way.
fn shape_for(w: &mut World, kind: &str) {
    match kind {
        "overlay_no_peer" => w.shape.overlay = true,
        "macvlan_host" => w.shape.macvlan = true,
        "router_closed_outer" => w.shape.double = true,
        "no_route" => w.shape.transit = true,
        "firewall_policy" | "past_firewall" => w.shape.firewall = false,
        // Its own subnet is the LAN's.
        "overlap" | "default_elsewhere" => w.shape.macvlan = false,
        "no_address" | "wrong_subnet" | "duplicate_address" => w.shape.dhcp &= kind == "no_address",
        // Only one router stands between the house and the street.
        "answer_away" | "reverse_path" | "nat_off" | "source_hidden" => w.shape.double = false,
        // Broken from the beginning: no swarm could be made.
        "lossy" => (w.shape.overlay, w.shape.dhcp) = (false, false),
        "no_swarm" => w.shape.overlay = false,
        "internal" => w.shape.joined = false,
        _ => {}
    }
    if matches!(kind, "answer_away" | "reverse_path") {
        w.shape.switch = true;
    }
}

/// Sets the lab up with what is wrong, and says what is to be typed.
#[allow(clippy::too_many_lines, reason = "one arm for each kind; a table of closures reads worse")]
pub fn break_it(w: &mut World, kind: &str) -> Broken {
    shape_for(w, kind);
    let (host, lan, public) = (w.host.clone(), w.lan.clone(), w.public.clone());
    let (server, host_port, port) = w.server.clone();
    let (pc, other_pc) = (w.pcs[0].clone(), w.pcs[1].clone());
    let (cli, lone) = (format!("{host}:cli"), format!("{host}:lone"));
    let away = format!("curl -sS -m 5 http://{}", w.name);
    let to_host = |p: u16| format!("curl -sS -m 5 http://{lan}.10:{p}");
    let from_outside = format!("curl -sS -m 5 http://{public}:{}", w.forward);
    let out = if w.rng.chance(500) { away.clone() } else { "ping -c 1 -W 4 8.8.8.8".to_owned() };
    let mut parts = Parts::sound(w);
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut edits: Vec<Edit> = Vec::new();
    let coin = w.rng.chance(500);
    let name = w.name.clone();
    let app = w.app.clone();
    let eth0 = "eth0".parse().expect("a name");
    let (mut at, mut line) = (pc.clone(), out.clone());
    let mut to_address: Option<(&str, String)> = None;
    // Networks that are made until no subnet is left.
    let mut many = 0;
    let mut say = |p: &str, l: &str| lines.push((p.to_owned(), l.to_owned()));
    match kind {
        "no_link" => {
            let victim = if coin { pc.clone() } else { host.clone() };
            if !coin {
                line = to_host(host_port);
            }
            edits.push(Edit::RemoveLink { node: victim, port: eth0 });
        }
        "device_down" => match w.rng.below(3) {
            0 => say(&pc, "ip link set eth0 down"),
            1 => say("router", "ip link set lan0 down"),
            _ => {
                say(&host, "ip link set eth0 down");
                line = to_host(host_port);
            }
        },
        "no_address" => {
            let victim = if coin { pc.clone() } else { host.clone() };
            if !coin {
                line = to_host(host_port);
            }
            say(&victim, "ip addr flush dev eth0");
        }
        "no_gateway" => match w.rng.below(3) {
            0 => say(&pc, "ip route del default"),
            1 => {
                say(&host, "ip route del default");
                at = host.clone();
            }
            _ => {
                say(&host, "ip route del default");
                (at, line) = ("visitor".into(), from_outside);
            }
        },
        "wrong_gateway" => {
            let wrong = if coin { format!("{lan}.{}", 203 + w.rng.below(50)) } else { w.pc_addr(1) };
            say(&pc, &format!("ip route replace default via {wrong}"));
        }
        "wrong_subnet" => {
            let wrong = format!("172.31.{}.20/24", w.rng.below(250));
            say(&pc, &format!("ip addr flush dev eth0 && ip addr add {wrong} dev eth0"));
            line = format!("ping -c 1 -W 4 {}", wrong.replace(".20/24", ".1"));
        }
        "duplicate_address" => {
            say(&other_pc, &format!("ip addr flush dev eth0 && ip addr add {lan}.10/24 dev eth0"));
            line = to_host(host_port);
        }
        "no_neighbour" => line = format!("ping -c 1 -W 4 {lan}.{}", 150 + w.rng.below(50)),
        "lossy" => {}
        "private_on_internet" => line = format!("ping -c 1 -W 4 10.{}.3.4", 130 + w.rng.below(100)),
        "ttl" => line = format!("ping -c 1 -W 2 -t {} 8.8.8.8", 1 + w.rng.below(2)),
        "forwarding_off" => {
            if coin {
                say("router", "sysctl -w net.ipv4.ip_forward=0");
            } else {
                say(&host, "sysctl -w net.ipv4.ip_forward=0");
                at = lone.clone();
            }
            line = "ping -c 1 -W 2 8.8.8.8".into();
        }
        "masquerade_off" => {
            say(&host, "iptables -t nat -D POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE");
            (at, line) = (lone.clone(), if coin { format!("ping -c 1 -W 2 {}", w.pc_addr(0)) } else { out });
        }
        "nat_off" => {
            parts.nat = false;
            line = "ping -c 1 -W 2 8.8.8.8".into();
        }
        "mtu" => {
            say("router", &format!("ip link set wan0 mtu {}", 800 + w.rng.below(400)));
            line = "ping -c 1 -W 2 -M do -s 1300 8.8.8.8".into();
        }
        "router_closed" => {
            parts.forward = None;
            (at, line) = ("visitor".into(), from_outside);
        }
        "forward_stale" => {
            parts.forward = Some((150 + w.rng.below(90) as u8, host_port));
            (at, line) = ("visitor".into(), from_outside);
        }
        "hairpin_off" => line = from_outside,
        "firewall" => match w.rng.below(4) {
            0 => {
                say(&host, "iptables -I INPUT -p icmp -j DROP");
                line = format!("ping -c 1 -W 2 {lan}.10");
            }
            1 => {
                say(&pc, "iptables -A OUTPUT -p tcp --dport 80 -j DROP");
                line = "curl -sS -m 3 http://198.51.100.80".into();
            }
            2 => {
                say(&other_pc, "iptables -I INPUT -p tcp --dport 7000 -j REJECT");
                line = format!("curl -sS -m 3 http://{}:7000", w.pc_addr(1));
            }
            _ => {
                say("router", "iptables -I FORWARD -p tcp --dport 80 -j DROP");
                line = "curl -sS -m 3 http://198.51.100.80".into();
            }
        },
        "firewall_policy" => {
            let victim = if coin { host.clone() } else { other_pc.clone() };
            say(&victim, "iptables -P INPUT DROP");
            line = format!("ping -c 1 -W 2 {}", if coin { format!("{lan}.10") } else { w.pc_addr(1) });
        }
        "forward_policy" => {
            say(&host, "iptables -F FORWARD");
            (at, line) = (lone.clone(), "ping -c 1 -W 2 8.8.8.8".into());
        }
        "docker_user" => {
            let rule =
                if coin { "-i eth0 -j DROP".to_owned() } else { format!("-s {} -j REJECT", w.pc_addr(0)) };
            say(&host, &format!("iptables -I DOCKER-USER {rule}"));
            line = to_host(host_port);
        }
        "other_bridge" => {
            let who = if coin { &cli } else { &lone };
            at.clone_from(who);
            to_address = Some((
                "far",
                if w.rng.chance(500) { "ping -c 1 -W 2 {}" } else { "curl -sS -m 2 http://{}" }.into(),
            ));
        }
        "internal" => {
            parts.app_options = "--internal";
            if coin {
                (at, line) = (cli.clone(), out);
            } else {
                line = to_host(host_port);
            }
        }
        "icc_off" => {
            parts.daemon = "--icc=false".to_owned();
            at.clone_from(&lone);
            to_address =
                Some(("old", if coin { "ping -c 1 -W 2 {}" } else { "curl -sS -m 2 http://{}" }.into()));
        }
        "direct_access" => {
            if coin {
                say(&pc, &format!("ip route add 172.16.0.0/12 via {lan}.10"));
            }
            to_address = Some(("far", "curl -sS -m 3 http://{}".into()));
        }
        "other_host" => (at, line) = (lone.clone(), "curl -sS -m 5 http://10.111.0.2".into()),
        "overlap" => {
            say(&host, &format!("docker network create --subnet {lan}.0/25 wide"));
            say(&host, "docker run -d --name inner --network wide lab sleep infinity");
            (at, line) = (format!("{host}:inner"), format!("ping -c 1 -W 4 {}", w.pc_addr(0)));
        }
        "subnet_taken" => {
            let subnet = if coin { "172.17.0.0/16" } else { "172.17.128.0/17" };
            (at, line) = (host.clone(), format!("docker network create --subnet {subnet} more"));
        }
        "no_swarm" => (at, line) = (host.clone(), "docker network create -d overlay mesh".into()),
        "published_locally" => {
            parts.publish = Some(format!("-p 127.0.0.1:{host_port}:{port}"));
            line = to_host(host_port);
        }
        "not_published" => {
            parts.publish = Some(if coin { String::new() } else { format!("--expose {port}") });
            line = to_host(port);
        }
        "published_elsewhere" => line = to_host(port),
        "wrong_container_port" => {
            parts.publish = Some(format!("-p {host_port}:{}", 5000 + w.rng.below(900)));
            line = to_host(host_port);
            if coin {
                (at, line) = (host.clone(), format!("curl -sS -m 5 http://localhost:{host_port}"));
            }
        }
        "ports_swapped" => {
            parts.publish = Some(format!("-p {port}:{host_port}"));
            line = to_host(port);
        }
        "host_port_inside" => {
            (at, line) = (cli.clone(), format!("curl -sS -m 5 http://{server}:{host_port}"))
        }
        "app_on_loopback" => {
            if w.own_serve && coin {
                parts.command = Some(w.serve("127.0.0.1:"));
                line = to_host(host_port);
            } else {
                at.clone_from(&lone);
                to_address = Some(("old", "curl -sS -m 3 http://{}:81".into()));
            }
        }
        "nothing_listens" => {
            if coin {
                line = format!("curl -sS -m 3 http://{}:{}", w.pc_addr(1), 6000 + w.rng.below(900));
            } else {
                at = lone.clone();
                to_address = Some(("cli", String::new()));
                say(&host, "docker run -d --name idle lab sleep infinity");
                to_address = to_address.map(|_| ("idle", "curl -sS -m 3 http://{}:80".to_owned()));
            }
        }
        "app_exited" => {
            say(&host, &format!("docker stop {server}"));
            if coin {
                line = to_host(host_port);
            } else {
                (at, line) = (cli.clone(), format!("curl -sS -m 5 http://{server}:{port}"));
            }
        }
        "port_taken" => {
            (at, line) = (host.clone(), format!("docker run -d --name twin -p {host_port}:80 nginx"))
        }
        "localhost" => {
            let p = if coin { 7100 } else { port };
            (at, line) = (cli.clone(), format!("curl -sS -m 3 http://localhost:{p}"));
        }
        "host_name_missing" => {
            at = if coin { cli.clone() } else { lone.clone() };
            line = "curl -sS -m 5 http://host.docker.internal:7100".into();
        }
        "no_names_on_bridge" => {
            at.clone_from(&lone);
            line = if coin { "curl -sS -m 5 http://old".into() } else { "ping -c 1 -W 2 old".into() };
        }
        "name_elsewhere" => {
            at.clone_from(&cli);
            line = if coin { "curl -sS -m 5 http://far".into() } else { "getent hosts far".into() };
        }
        "name_on_host" => (at, line) = (host.clone(), format!("curl -sS -m 5 http://{server}:{port}")),
        "name_unknown" => {
            at = if coin { pc.clone() } else { cli.clone() };
            line = format!("curl -sS -m 5 http://no{}.example", w.rng.below(1000));
        }
        "name_server_dead" => {
            if coin {
                say(&pc, &format!("echo nameserver {lan}.{} > /etc/resolv.conf", 150 + w.rng.below(90)));
                line = format!("curl -sS -m 40 http://{name}");
            } else {
                parts.cli_options = "--dns 198.51.100.99";
                (at, line) = (cli.clone(), format!("curl -sS -m 40 http://{name}"));
            }
        }
        "no_name_server" => {
            say(&pc, "echo > /etc/resolv.conf");
            line = away;
        }
        "no_network" => {
            say(&host, "docker run -d --name bare --network none lab sleep infinity");
            (at, line) = (format!("{host}:bare"), out);
        }
        "search_domain" => line = "curl -sS -m 5 http://intranet".into(),
        "mtu_filtered" => {
            let at = if w.shape.double && coin { "modem" } else { "router" };
            say(at, &format!("ip link set wan0 mtu {}", 800 + w.rng.below(400)));
            say(at, "iptables -A OUTPUT -p icmp -m icmp --icmp-type fragmentation-needed -j DROP");
            line = "ping -c 1 -W 2 -M do -s 1300 8.8.8.8".into();
        }
        "answer_away" => {
            parts.second_line = true;
            (at, line) = ("visitor".into(), format!("curl -sS -m 5 http://203.0.113.5:{}", w.forward));
        }
        "reverse_path" => {
            // A second interface by which the host would answer, and strict filters.
            say(&host, "sysctl -w net.ipv4.conf.all.rp_filter=1");
            say(&host, "ip link add link eth0 name eth0.9 type macvlan mode bridge");
            say(&host, &format!("ip addr add {lan}.12/32 dev eth0.9"));
            say(&host, "ip link set eth0.9 up");
            say(&host, &format!("ip route add {}/32 dev eth0.9", w.pc_addr(0)));
            line = format!("ping -c 1 -W 2 {lan}.10");
        }
        "source_hidden" => {
            parts.hairpin = true;
            say(&host, "iptables -I DOCKER-USER -i eth0 -j DROP");
            say(&host, &format!("iptables -I DOCKER-USER -i eth0 -s {} -j ACCEPT", w.pc_addr(0)));
            line = from_outside;
        }
        "pools_used_up" => {
            many = 40;
            (at, line) = (host.clone(), "docker network create fresh".into());
        }
        "default_elsewhere" => {
            say(&host, "docker network create zoo");
            say(
                &host,
                &format!(
                    "docker network create -d macvlan --subnet {lan}.0/24 --gateway {lan}.254 -o parent=eth0 attic"
                ),
            );
            say(
                &host,
                &format!("docker run -d --name box --network attic --ip {lan}.202 lab sleep infinity"),
            );
            say(&host, &format!("docker network connect {} box", if coin { "bridge" } else { "zoo" }));
            (at, line) = (format!("{host}:box"), "ping -c 1 -W 4 8.8.8.8".into());
        }
        "overlay_no_peer" => {
            say(
                &host,
                &format!(
                    "ip addr flush dev eth0 && ip addr add {lan}.19/24 dev eth0 && ip route add default via {lan}.1"
                ),
            );
            (at, line) = ("second:away".into(), "ping -c 1 -W 2 10.77.0.2".into());
        }
        "name_refused" => {
            parts.zones_only = true;
            (at, line) =
                (if coin { pc.clone() } else { cli.clone() }, "curl -sS -m 20 http://other.example".into());
        }
        "router_closed_outer" => {
            parts.outer = false;
            (at, line) = ("visitor".into(), from_outside);
        }
        "macvlan_host" => {
            (at, line) = if coin {
                (host.clone(), format!("ping -c 1 -W 4 {lan}.201"))
            } else {
                (format!("{host}:mac"), format!("curl -sS -m 5 http://{lan}.10:7100"))
            };
        }
        "no_route" => {
            say("isp", "ip route del 198.51.100.0/24");
            line = "curl -sS -m 5 http://198.51.100.80".into();
        }
        "not_started" => {
            say(&host, &format!("docker rm -f {server}"));
            let made =
                format!("docker create --name {server} --network {app} -p {host_port}:{port} {}", w.image);
            say(&host, &made);
            line = to_host(host_port);
        }
        "past_firewall" => {
            say(
                &host,
                &format!(
                    "iptables -I INPUT -p tcp --dport {host_port} -j {}",
                    if coin { "DROP" } else { "REJECT" }
                ),
            );
            line = to_host(host_port);
        }
        other => panic!("no such kind: {other}"),
    }
    let mut lab = w.lab(&parts);
    if kind == "lossy" {
        let link = lab.links.iter_mut().find(|l| l.a.0 == pc).expect("a cable");
        link.loss_per_mille = 1000;
    }
    let mut session = w.open(&lab);
    for edit in edits {
        edit.apply_live(&mut session).expect("it fits");
    }
    for (at, line) in lines {
        let job = type_line(&mut session, &at, &line);
        assert_eq!(job.exit, Some(0), "{at}: {line}: {}", job.stderr());
    }
    for i in 0..many {
        let _ = type_line(&mut session, &host, &format!("docker network create p{i}"));
    }
    if let Some((container, pattern)) = to_address {
        line = pattern.replace("{}", &address(&session, &host, container));
    }
    Broken { session, at, line }
}
