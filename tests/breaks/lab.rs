//! Labs in order, drawn at random: a street, one or two routers, computers with fixed or leased
//! addresses, Docker hosts with several bridges, firewalls of their own, macvlan and overlay.

use netpier::lab::Lab;
use netpier::rng::Rng;
use netpier::session::{Job, Session};
use netpier::time::Duration;

pub const LIMIT: Duration = Duration::from_secs(60);

/// What the generator has drawn: the names and numbers that breaks and attempts need.
pub struct World {
    pub rng: Rng,
    pub seed: u64,
    /// `192.168.7`.
    pub lan: String,
    pub host: String,
    pub pcs: Vec<String>,
    /// The published server on the network `app`: name, host port, its own port.
    pub server: (String, u16, u16),
    pub image: String,
    pub own_serve: bool,
    pub forward: u16,
    /// The outermost router's public address.
    pub public: String,
    pub name: String,
    pub app: String,
    pub other: String,
    pub shape: Shape,
}

/// How the lab is built.
pub struct Shape {
    /// A switch between the router and the computers.
    pub switch: bool,
    /// A second router (of the provider) between the home router and the street: NAT behind NAT.
    pub double: bool,
    /// Computers get their addresses by DHCP (always the same ones).
    pub dhcp: bool,
    /// Whom computers and hosts ask for names.
    pub dns: Dns,
    /// One more router on the way to the server in the street, with routes written by hand.
    pub transit: bool,
    /// The Docker host (and the first computer) let in only what a rule allows, as ufw does.
    pub firewall: bool,
    /// Further networks of the host, each with a container `x1`, `x2` …
    pub bridges: u32,
    /// A container `mac` that lives on the LAN.
    pub macvlan: bool,
    /// The two hosts are a swarm with an overlay network `mesh`: `near` and `away` are on it.
    pub overlay: bool,
    /// `cli` is on a second network too.
    pub joined: bool,
    /// The host's engine has its proxies.
    pub proxy: bool,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Dns {
    /// The router, which asks the public one.
    Router,
    /// The public one in the street.
    Public,
    /// A server of the house with records of its own, which asks the public one for the rest.
    Private,
}

pub fn pick<'a, T>(rng: &mut Rng, all: &'a [T]) -> &'a T {
    &all[rng.below(all.len() as u32) as usize]
}

impl World {
    pub fn draw(seed: u64) -> Self {
        let mut rng = Rng::new(seed).fork("world");
        let lan = if rng.chance(600) {
            format!("192.168.{}", rng.below(190))
        } else {
            format!("10.{}.{}", 30 + rng.below(40), rng.below(250))
        };
        let (image, port, own_serve) = match rng.below(5) {
            0 => ("nginx".to_owned(), 80, false),
            1 => ("tomcat".to_owned(), 8080, false),
            2 => ("traefik/whoami".to_owned(), 80, false),
            _ => ("lab".to_owned(), 3000 + rng.below(900) as u16, true),
        };
        let host_port = 8100 + rng.below(900) as u16;
        let shape = Shape {
            switch: rng.chance(400),
            double: rng.chance(250),
            dhcp: rng.chance(350),
            dns: *pick(&mut rng, &[Dns::Router, Dns::Router, Dns::Public, Dns::Private]),
            transit: rng.chance(350),
            firewall: rng.chance(350),
            bridges: rng.below(4),
            macvlan: rng.chance(300),
            overlay: rng.chance(250),
            joined: rng.chance(300),
            proxy: rng.chance(800),
        };
        Self {
            lan,
            host: pick(&mut rng, &["box", "docker-host", "nas", "server"]).to_string(),
            pcs: ["laptop", "desk", "phone"]
                .iter()
                .take(2 + rng.below(2) as usize)
                .map(|s| (*s).to_owned())
                .collect(),
            server: (pick(&mut rng, &["web", "shop", "site", "api"]).to_string(), host_port, port),
            image,
            own_serve,
            forward: 9000 + rng.below(900) as u16,
            public: format!("203.0.113.{}", 10 + rng.below(200)),
            name: pick(&mut rng, &["www.example.net", "example.org", "news.example.com"]).to_string(),
            app: pick(&mut rng, &["app", "front", "shared"]).to_string(),
            other: pick(&mut rng, &["back", "data"]).to_string(),
            shape,
            rng,
            seed,
        }
    }

    pub fn pc_addr(&self, i: usize) -> String {
        format!("{}.{}", self.lan, 50 + i)
    }
    pub fn host_addr(&self) -> String {
        format!("{}.10", self.lan)
    }
    /// The address of the name server that the house asks.
    pub fn resolver(&self) -> String {
        match self.shape.dns {
            Dns::Router => format!("{}.1", self.lan),
            Dns::Public => "8.8.8.8".to_owned(),
            Dns::Private => format!("{}.53", self.lan),
        }
    }
    fn run_server(&self, publish: &str, command: &str) -> String {
        let (name, _, _) = &self.server;
        format!("docker run -d --name {name} --network {} {publish} {} {command}", self.app, self.image)
    }
    pub fn serve(&self, listen: &str) -> String {
        if self.own_serve { format!("serve tcp:{listen}{}", self.server.2) } else { String::new() }
    }

    /// Rules like those of ufw: answers, pings and a few ports.
    fn firewall(&self, ports: &[u16]) -> String {
        if !self.shape.firewall {
            return String::new();
        }
        let mut rules = vec![
            "-A INPUT -i lo -j ACCEPT".to_owned(),
            "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT".to_owned(),
            "-A INPUT -p icmp -j ACCEPT".to_owned(),
            "-A INPUT -p udp --sport 67 --dport 68 -j ACCEPT".to_owned(),
        ];
        rules.extend(ports.iter().map(|p| format!("-A INPUT -p tcp --dport {p} -j ACCEPT")));
        rules.push("-A INPUT -p tcp --dport 2377 -j ACCEPT".to_owned());
        rules.push("-A INPUT -p tcp --dport 7946 -j ACCEPT".to_owned());
        rules.push("-A INPUT -p udp -m multiport --dports 4789,7946 -j ACCEPT".to_owned());
        rules.push("-P INPUT DROP".to_owned());
        let quoted: Vec<String> = rules.iter().map(|r| format!("\"{r}\"")).collect();
        format!(r#", "rules": [{}]"#, quoted.join(", "))
    }

    /// The street: a resolver, a server, a visitor, the provider.
    fn street(&self, parts: &Parts, nodes: &mut Vec<String>, links: &mut Vec<[String; 4]>) {
        let name = &self.name;
        let zones = if parts.zones_only {
            r#""zones": [{"name": "example.net"}, {"name": "example.org"}, {"name": "example.com"}], "#
        } else {
            ""
        };
        nodes.push(format!(r#"{{"id": "dns", "kind": "dns", "ports": [{{"name": "eth0", "address": "8.8.8.8/24"}}], "gateway": "8.8.8.1", "services": [{{"service": "dns", {zones}"records": [{{"name": "{name}", "address": "198.51.100.80"}}, {{"name": "intranet.corp.example", "address": "198.51.100.80"}}]}}]}}"#));
        nodes.push(r#"{"id": "www", "kind": "server", "ports": [{"name": "eth0", "address": "198.51.100.80/24"}], "gateway": "198.51.100.1", "services": [{"service": "run", "run": "httpd"}]}"#.to_owned());
        nodes.push(r#"{"id": "visitor", "kind": "computer", "ports": [{"name": "eth0", "address": "192.0.2.7/24"}], "gateway": "192.0.2.1", "resolvers": ["8.8.8.8"]}"#.to_owned());
        let beyond = if self.shape.transit { "100.64.9.1/30" } else { "198.51.100.1/24" };
        nodes.push(format!(r#"{{"id": "isp", "kind": "isp", "ports": [{{"name": "eth0", "address": "8.8.8.1/24"}}, {{"name": "eth1", "address": "{beyond}"}}, {{"name": "eth2", "address": "192.0.2.1/24"}}, {{"name": "eth3", "address": "203.0.113.1/24"}}], "forward": true, "unreachable": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]}}"#));
        let cable = |a: &str, p: &str, b: &str, q: &str| [a, p, b, q].map(str::to_owned);
        links.push(cable("dns", "eth0", "isp", "eth0"));
        links.push(cable("visitor", "eth0", "isp", "eth2"));
        if self.shape.transit {
            nodes.push(r#"{"id": "transit", "kind": "isp", "ports": [{"name": "eth0", "address": "100.64.9.2/30"}, {"name": "eth1", "address": "198.51.100.1/24"}], "gateway": "100.64.9.1", "forward": true}"#.to_owned());
            links.push(cable("isp", "eth1", "transit", "eth0"));
            links.push(cable("transit", "eth1", "www", "eth0"));
        } else {
            links.push(cable("www", "eth0", "isp", "eth1"));
        }
    }

    /// The routers between the street and the house.
    fn routers(&self, parts: &Parts, nodes: &mut Vec<String>, links: &mut Vec<[String; 4]>) {
        let World { lan, public, forward, .. } = self;
        let cable = |a: &str, p: &str, b: &str, q: &str| [a, p, b, q].map(str::to_owned);
        let forwards = match parts.forward {
            Some((to, port)) => {
                format!(r#"{{"proto": "tcp", "port": {forward}, "to": "{lan}.{to}", "to_port": {port}}}"#)
            }
            None => String::new(),
        };
        let ports: Vec<String> =
            (1..=6).map(|i| format!(r#"{{"name": "lan{i}", "bridge": "lan0"}}"#)).collect();
        let ports = ports.join(", ");
        let dhcp = if self.shape.dhcp {
            let held: Vec<String> = (0..self.pcs.len())
                .map(|i| format!(r#"{{"mac": "{}", "address": "{}"}}"#, mac(i), self.pc_addr(i)))
                .collect();
            format!(
                r#", "dhcp": {{"first": "{lan}.100", "last": "{lan}.199", "resolvers": ["{}"], "reservations": [{}]}}"#,
                self.resolver(),
                held.join(", ")
            )
        } else {
            String::new()
        };
        let (wan, gateway) = if self.shape.double {
            ("10.255.0.2/24".to_owned(), "10.255.0.1".to_owned())
        } else {
            (format!("{public}/24"), "203.0.113.1".to_owned())
        };
        let hairpin = parts.hairpin;
        nodes.push(format!(r#"{{"id": "router", "kind": "router", "ports": [{{"name": "wan0", "address": "{wan}"}}, {{"name": "lan0", "address": "{lan}.1/24"}}, {ports}], "gateway": "{gateway}", "resolvers": ["8.8.8.8"], "forward": true, "services": [{{"service": "dns", "listen": "{lan}.1", "forward": "8.8.8.8"}}], "router": {{"wan": "wan0", "lan": "lan0", "nat": {}, "hairpin": {hairpin}, "forwards": [{forwards}]{dhcp}}}}}"#, parts.nat));
        if self.shape.double {
            let outer = if parts.outer {
                format!(r#"{{"proto": "tcp", "port": {forward}, "to": "10.255.0.2", "to_port": {forward}}}"#)
            } else {
                String::new()
            };
            nodes.push(format!(r#"{{"id": "modem", "kind": "router", "ports": [{{"name": "wan0", "address": "{public}/24"}}, {{"name": "lan0", "address": "10.255.0.1/24"}}], "gateway": "203.0.113.1", "resolvers": ["8.8.8.8"], "forward": true, "router": {{"wan": "wan0", "lan": "lan0", "nat": true, "forwards": [{outer}]}}}}"#));
            links.push(cable("router", "wan0", "modem", "lan0"));
        }
        let edge = if self.shape.double { "modem" } else { "router" };
        if parts.second_line {
            // Another line into the house, with a public address and a forward of its own.
            nodes.push(r#"{"id": "street", "kind": "switch", "ports": [{"name": "p1"}, {"name": "p2"}, {"name": "p3"}]}"#.to_owned());
            nodes.push(format!(r#"{{"id": "line2", "kind": "router", "ports": [{{"name": "wan0", "address": "203.0.113.5/24"}}, {{"name": "lan0", "address": "{lan}.2/24"}}], "gateway": "203.0.113.1", "resolvers": ["8.8.8.8"], "forward": true, "router": {{"wan": "wan0", "lan": "lan0", "nat": true, "forwards": [{forwards}]}}}}"#));
            links.push(cable(edge, "wan0", "street", "p1"));
            links.push(cable("line2", "wan0", "street", "p2"));
            links.push(cable("street", "p3", "isp", "eth3"));
            links.push(cable("line2", "lan0", "router", "lan6"));
        } else {
            links.push(cable(edge, "wan0", "isp", "eth3"));
        }
    }

    /// The computers and hosts of the house.
    fn house(&self, parts: &Parts, nodes: &mut Vec<String>, links: &mut Vec<[String; 4]>) {
        let World { lan, host, .. } = self;
        let (gw, resolver) = (format!("{lan}.1"), self.resolver());
        for (i, pc) in self.pcs.iter().enumerate() {
            let port = if self.shape.dhcp {
                format!(r#""dhcp": true, "mac": "{}""#, mac(i))
            } else {
                format!(r#""address": "{}/24""#, self.pc_addr(i))
            };
            let fixed = if self.shape.dhcp {
                String::new()
            } else {
                format!(r#", "gateway": "{gw}", "resolvers": ["{resolver}"]"#)
            };
            let rules = if i == 0 { self.firewall(&[7000]) } else { String::new() };
            nodes.push(format!(r#"{{"id": "{pc}", "kind": "computer", "ports": [{{"name": "eth0", {port}}}]{fixed}{rules}, "services": [{{"service": "run", "run": "serve tcp:7000"}}]}}"#));
        }
        nodes.push(format!(r#"{{"id": "{host}", "kind": "docker-host", "ports": [{{"name": "eth0", "address": "{}/24"}}], "gateway": "{gw}", "resolvers": ["{resolver}"], "daemon": "{}"{}, "services": [{{"service": "run", "run": "serve tcp:7100"}}]}}"#, self.host_addr(), parts.daemon, self.firewall(&[7100])));
        nodes.push(format!(r#"{{"id": "second", "kind": "docker-host", "ports": [{{"name": "eth0", "address": "{lan}.11/24"}}], "gateway": "{gw}", "resolvers": ["{resolver}"]}}"#));
        let mut members: Vec<&str> =
            self.pcs.iter().map(String::as_str).chain([host.as_str(), "second"]).collect();
        let private = self.shape.dns == Dns::Private;
        let (mut hub, mut next) = ("router", 1);
        if self.shape.switch || private || members.len() > 4 {
            let ports: Vec<String> = (1..=8).map(|i| format!(r#"{{"name": "lan{i}"}}"#)).collect();
            nodes.push(format!(r#"{{"id": "switch", "kind": "switch", "ports": [{}]}}"#, ports.join(", ")));
            links.push(["switch", "lan1", "router", "lan1"].map(str::to_owned));
            (hub, next) = ("switch", 2);
        }
        if private {
            nodes.push(format!(r#"{{"id": "ns1", "kind": "dns", "ports": [{{"name": "eth0", "address": "{lan}.53/24"}}], "gateway": "{gw}", "services": [{{"service": "dns", "zones": [{{"name": "home.example"}}], "records": [{{"name": "nas.home.example", "address": "{}"}}], "forward": "8.8.8.8"}}]}}"#, self.host_addr()));
            members.push("ns1");
        }
        for node in members {
            links.push([node.to_owned(), "eth0".to_owned(), hub.to_owned(), format!("lan{next}")]);
            next += 1;
        }
    }

    /// The lines that make the containers.
    fn commands(&self, parts: &Parts) -> Vec<(String, String)> {
        let World { lan, host, app, other, .. } = self;
        let publish =
            parts.publish.clone().unwrap_or_else(|| format!("-p {}:{}", self.server.1, self.server.2));
        let command = parts.command.clone().unwrap_or_else(|| self.serve(""));
        let mut all = Vec::new();
        let mut at = |place: &str, run: String| {
            all.push((place.to_owned(), run.split_whitespace().collect::<Vec<_>>().join(" ")));
        };
        if self.shape.transit {
            at("isp", "ip route add 198.51.100.0/24 via 100.64.9.2".to_owned());
        }
        at(host, format!("docker network create {} {app}", parts.app_options));
        at(host, format!("docker network create {other}"));
        at(host, self.run_server(&publish, &command));
        at(
            host,
            format!("docker run -d --name cli --network {app} {} lab sleep infinity", parts.cli_options),
        );
        at(host, "docker run -d --name old lab serve tcp:80 tcp:127.0.0.1:81".to_owned());
        at(host, "docker run -d --name lone lab sleep infinity".to_owned());
        at(host, format!("docker run -d --name far --network {other} nginx"));
        for i in 1..=self.shape.bridges {
            at(host, format!("docker network create more{i}"));
            at(host, format!("docker run -d --name x{i} --network more{i} -p {}:80 nginx", 10_000 + i));
        }
        if self.shape.joined {
            at(host, "docker network create spare".to_owned());
            at(host, "docker network connect spare cli".to_owned());
        }
        if self.shape.macvlan {
            at(
                host,
                format!(
                    "docker network create -d macvlan --subnet {lan}.0/24 --gateway {lan}.1 -o parent=eth0 lan"
                ),
            );
            at(host, format!("docker run -d --name mac --network lan --ip {lan}.201 nginx"));
        }
        at("second", "docker network create --subnet 10.111.0.0/24 remote".to_owned());
        at("second", "docker run -d --name afar --network remote -p 8099:80 nginx".to_owned());
        all
    }

    /// The lab in order. Broken parts are put in by `parts`.
    pub fn lab(&self, parts: &Parts) -> Lab {
        let (mut nodes, mut links) = (Vec::new(), Vec::new());
        self.street(parts, &mut nodes, &mut links);
        self.routers(parts, &mut nodes, &mut links);
        self.house(parts, &mut nodes, &mut links);
        let links: Vec<String> = links
            .iter()
            .map(|[a, p, b, q]| format!(r#"{{"a": ["{a}", "{p}"], "b": ["{b}", "{q}"]}}"#))
            .collect();
        let commands: Vec<String> = self
            .commands(parts)
            .iter()
            .map(|(at, run)| format!(r#"{{"at": "{at}", "run": "{run}"}}"#))
            .collect();
        let text = format!(
            r#"{{"format": 1, "name": "drawn", "seed": {}, "nodes": [{}], "links": [{}], "commands": [{}]}}"#,
            self.seed,
            nodes.join(", "),
            links.join(", "),
            commands.join(", ")
        );
        Lab::from_json(&text).unwrap_or_else(|e| panic!("seed {}: {e}", self.seed))
    }

    /// Opens the lab, and makes the swarm, whose token is known only then.
    pub fn open(&self, lab: &Lab) -> Session {
        let mut session = lab.boot().unwrap_or_else(|e| panic!("seed {}: {e}", self.seed));
        session.run(session.world.now() + Duration::from_secs(5), 2_000_000);
        if self.shape.overlay {
            let host = &self.host;
            let mut run = |at: &str, line: &str| {
                let job = type_line(&mut session, at, line);
                assert_eq!(job.exit, Some(0), "seed {} {at}: {line}: {}", self.seed, job.stderr());
                job.stdout().trim().to_owned()
            };
            run(host, &format!("docker swarm init --advertise-addr {}", self.host_addr()));
            let token = run(host, "docker swarm join-token -q worker");
            run("second", &format!("docker swarm join --token {token} {}:2377", self.host_addr()));
            run(host, "docker network create --driver overlay --attachable --subnet 10.77.0.0/24 mesh");
            run(host, "docker run -d --name near --network mesh nginx");
            run("second", "docker run -d --name away --network mesh lab sleep infinity");
        }
        session
    }

    /// Attempts that work in a lab in order.
    pub fn sound_attempts(&self, session: &Session) -> Vec<(String, String)> {
        let (host, (server, host_port, port)) = (&self.host, &self.server);
        let (inside, pc) = (format!("{host}:cli"), self.pcs[0].clone());
        let at = |a: &str, b: String| (a.to_owned(), b);
        let mut all = vec![
            at(&pc, format!("curl -sS -m 5 http://{}", self.name)),
            at(&pc, format!("curl -sS -m 5 http://{}:{host_port}", self.host_addr())),
            at("visitor", format!("curl -sS -m 5 http://{}:{}", self.public, self.forward)),
            at(&inside, format!("curl -sS -m 5 http://{}", self.name)),
            at(&inside, format!("curl -sS -m 5 http://{server}:{port}")),
            at(&inside, format!("ping -c 1 -W 2 {}", address(session, host, server))),
            at(&inside, format!("ping -c 1 -W 2 {}", self.pc_addr(0))),
            at(host, format!("curl -sS -m 5 http://localhost:{host_port}")),
            at(host, format!("ping -c 1 -W 2 {}.1", self.lan)),
            at(&self.pcs[1], "ping -c 1 -W 2 8.8.8.8".to_owned()),
            at(&self.pcs[1], format!("curl -sS -m 5 http://{}:7000", self.pc_addr(0))),
            at("second:afar", format!("curl -sS -m 5 http://{}:{host_port}", self.host_addr())),
        ];
        for i in 1..=self.shape.bridges {
            all.push(at(&pc, format!("curl -sS -m 5 http://{}:{}", self.host_addr(), 10_000 + i)));
            // Round by the host only its proxy leads, where its firewall lets containers in.
            if self.shape.proxy && !self.shape.firewall {
                all.push(at(&inside, format!("curl -sS -m 5 http://{}:{}", self.host_addr(), 10_000 + i)));
            }
        }
        if self.shape.macvlan {
            all.push(at(&pc, format!("curl -sS -m 5 http://{}.201", self.lan)));
        }
        if self.shape.overlay {
            all.push(at("second:away", "ping -c 1 -W 2 near".to_owned()));
        }
        if self.shape.dns == Dns::Private {
            all.push(at(&pc, format!("curl -sS -m 5 http://nas.home.example:{host_port}")));
        }
        all
    }

    /// Attempts that fail in a lab in order, as they should, and the causes that are true of them.
    pub fn vain_attempts(&self, session: &Session) -> Vec<(String, String, &'static [&'static str])> {
        let (host, (server, host_port, port)) = (&self.host, &self.server);
        let (cli, lone, pc) = (format!("{host}:cli"), format!("{host}:lone"), self.pcs[0].clone());
        let at = |a: &str, b: String, causes| (a.to_owned(), b, causes);
        let mut all = vec![
            at(&pc, format!("ping -c 1 -W 4 {}.188", self.lan), &["no_neighbour"][..]),
            at(&pc, format!("curl -sS -m 3 http://{}:6001", self.pc_addr(1)), &["other_port_listens"]),
            at(&pc, "ping -c 1 -W 4 10.199.3.4".to_owned(), &["private_on_internet"]),
            at(&pc, "ping -c 1 -W 2 -t 1 8.8.8.8".to_owned(), &["ttl"]),
            at(&pc, "curl -sS -m 5 http://nowhere.example".to_owned(), &["name_unknown"]),
            at(
                "visitor",
                format!("curl -sS -m 3 http://{}:1234", self.public),
                &["router_closed", "router_closed_outer"],
            ),
            at("visitor", format!("ping -c 1 -W 2 {}", self.host_addr()), &["private_on_internet"]),
            at(&lone, format!("ping -c 1 -W 2 {}", address(session, host, "far")), &["other_bridge"]),
            at(&cli, "curl -sS -m 5 http://far".to_owned(), &["name_elsewhere"]),
            at(&lone, format!("curl -sS -m 5 http://{server}:{port}"), &["no_names_on_bridge"]),
            at(host, format!("curl -sS -m 5 http://{server}:{port}"), &["name_on_host"]),
            at(&pc, format!("curl -sS -m 3 http://{}", address(session, host, "far")), &["direct_access"]),
            at(&lone, "curl -sS -m 5 http://10.111.0.2".to_owned(), &["other_host"]),
            at(&cli, format!("curl -sS -m 3 http://{server}:{host_port}"), &["host_port_inside"]),
            at(&cli, "curl -sS -m 3 http://localhost:7100".to_owned(), &["localhost"]),
            at(&cli, "curl -sS -m 5 http://host.docker.internal:7100".to_owned(), &["host_name_missing"]),
            at(
                &lone,
                format!("curl -sS -m 3 http://{}:81", address(session, host, "old")),
                &["app_on_loopback"],
            ),
        ];
        if self.shape.macvlan {
            all.push(at(host, format!("ping -c 1 -W 4 {}.201", self.lan), &["macvlan_host"]));
        }
        all
    }
}

/// The MAC address of a computer that gets its address by DHCP.
fn mac(i: usize) -> String {
    format!("02:00:00:00:50:{i:02x}")
}

/// What may be set up otherwise than in order.
pub struct Parts {
    pub nat: bool,
    pub hairpin: bool,
    pub forward: Option<(u8, u16)>,
    /// The outer of two routers forwards as well.
    pub outer: bool,
    /// A second line into the house.
    pub second_line: bool,
    /// The public name server answers for its own zones only.
    pub zones_only: bool,
    pub publish: Option<String>,
    pub command: Option<String>,
    pub daemon: String,
    pub app_options: &'static str,
    pub cli_options: &'static str,
}

impl Parts {
    pub fn sound(w: &World) -> Self {
        Self {
            nat: true,
            hairpin: false,
            forward: Some((10, w.server.1)),
            outer: true,
            second_line: false,
            zones_only: false,
            publish: None,
            command: None,
            daemon: if w.shape.proxy { String::new() } else { "--userland-proxy=false".to_owned() },
            app_options: "",
            cli_options: "",
        }
    }
}

pub fn address(session: &Session, host: &str, container: &str) -> String {
    let node = session.node(host).expect("the host");
    let c = node.engine.as_ref().and_then(|e| e.container(container)).expect("the container");
    c.endpoints.first().map(|e| e.addr.addr().to_string()).unwrap_or_default()
}

pub fn type_line(session: &mut Session, at: &str, line: &str) -> Job {
    session.run_line(at, line, LIMIT).unwrap_or_else(|e| panic!("{at}: {line}: {e}"))
}
