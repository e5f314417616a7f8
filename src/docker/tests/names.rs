//! What a container finds in itself: addresses, routes, files, names.

use super::super::DaemonConfig;
use super::Lab;
use crate::guest::{self, Effect};
use crate::sim::Event;
use crate::time::{Duration, Instant};

impl Lab {
    fn file(&self, container: &str, path: &str) -> String {
        let c = self.engine.container(container).expect("it is there");
        let machine = self.world.machine(c.machine).expect("it has a machine");
        machine.files.text(path).unwrap_or("").replace(&c.id[..12], "<sid>")
    }

    fn routes(&self, container: &str) -> Vec<String> {
        let c = self.engine.container(container).expect("it is there");
        let ns = self.world.machine(c.machine).expect("it has a machine").ns;
        let ns = self.world.namespace(ns).expect("it has a namespace");
        let name = |d| ns.device(d).map_or("", |d| d.name.as_str()).to_owned();
        ns.routes()
            .iter()
            .map(|r| {
                let via = r.via.map(|v| format!(" via {v}")).unwrap_or_default();
                format!("{}{via} {}", r.prefix, r.dev.map(name).unwrap_or_default())
            })
            .collect()
    }

    fn zone(&self, container: &str) -> String {
        let c = self.engine.container(container).expect("it is there");
        let resolver = c.inner.resolver.as_ref().expect("it has a server");
        let machine = self.world.machine(resolver.machine).expect("it has a machine");
        machine.files.text("/run/docker/names.zone").unwrap_or("").replace(&c.id[..12], "<sid>")
    }
}

#[test]
fn joining_and_leaving_networks_moves_routes_names_and_files() {
    let mut lab = Lab::new(DaemonConfig::default());
    lab.ok("docker network create --subnet 10.0.0.0/24 net1");
    lab.ok("docker run -d --name cli lab sleep infinity");
    assert!(lab.file("cli", "/etc/resolv.conf").contains("nameserver 192.168.0.1\n"));
    assert!(lab.file("cli", "/etc/hosts").ends_with("ff02::2\tip6-allrouters\n172.17.0.2\t<sid>\n"));
    lab.ok("docker network connect --alias klient net1 cli");
    assert!(lab.file("cli", "/etc/resolv.conf").contains("nameserver 127.0.0.11\noptions ndots:0\n"));
    assert!(lab.file("cli", "/etc/hosts").ends_with("172.17.0.2\t<sid>\n10.0.0.2\t<sid>\n"));
    assert_eq!(
        lab.routes("cli"),
        ["0.0.0.0/0 via 172.17.0.1 eth0", "10.0.0.0/24 eth1", "172.17.0.0/16 eth0"]
    );
    let zone = lab.zone("cli");
    for line in ["cli. 600 IN A 10.0.0.2\n", "klient.net1. 600 IN A 10.0.0.2\n", "<sid>. 600 IN A 10.0.0.2\n"]
    {
        assert!(zone.contains(line), "{zone}");
    }
    assert!(zone.contains("2.0.0.10.in-addr.arpa. 600 IN PTR cli.net1.\n") && !zone.contains("172.17"));
    lab.ok("docker network disconnect bridge cli");
    assert_eq!(lab.routes("cli"), ["0.0.0.0/0 via 10.0.0.1 eth1", "10.0.0.0/24 eth1"]);
    assert!(lab.file("cli", "/etc/hosts").ends_with("allrouters\n10.0.0.2\t<sid>\n"));
}

#[test]
fn names_are_known_only_on_shared_networks_and_only_while_a_container_runs() {
    let mut lab = Lab::new(DaemonConfig::default());
    for line in [
        "docker network create --subnet 10.1.0.0/24 front",
        "docker network create --subnet 10.2.0.0/24 --internal back",
        "docker run -d --name db --network back lab",
        "docker run -d --name app --network back --network-alias web lab",
        "docker network connect front app",
        "docker run -d --name proxy --network front -p 80:80 lab",
    ] {
        lab.ok(line);
    }
    assert!(lab.zone("proxy").contains("app. 600 IN A 10.1.0.2\n") && !lab.zone("proxy").contains("db. 600"));
    assert!(lab.zone("db").contains("web. 600 IN A 10.2.0.3\n") && !lab.zone("db").contains("proxy"));
    assert!(
        lab.zone("app").contains("db. 600 IN A 10.2.0.2\n")
            && lab.zone("app").contains("proxy. 600 IN A 10.1.0.3\n")
    );
    assert_eq!(lab.routes("db"), ["10.2.0.0/24 eth0"]);
    assert_eq!(lab.routes("app")[0], "0.0.0.0/0 via 10.1.0.1 eth1");
    lab.ok("docker stop -t 0 app");
    assert!(!lab.zone("db").contains("app") && !lab.zone("proxy").contains("app"));
    lab.ok("docker start app");
    assert!(lab.zone("db").contains("app. 600 IN A 10.2.0.3\n"));
}

#[test]
fn the_host_network_has_the_hosts_files_and_none_has_no_address() {
    let mut lab = Lab::new(DaemonConfig::default());
    lab.ok("docker run -d --name ho --network host lab sleep infinity");
    lab.ok("docker run -d --name no --network none lab sleep infinity");
    lab.ok("docker run -d --name ex --add-host me:host-gateway --add-host box:1.2.3.4 lab sleep infinity");
    assert_eq!(lab.file("ho", "/etc/hosts"), "127.0.0.1\tlocalhost\n");
    assert!(lab.file("ho", "/etc/resolv.conf").contains("# Based on host file: '/etc/resolv.conf'\n"));
    assert!(lab.file("no", "/etc/hosts").ends_with("ff02::2\tip6-allrouters\n"));
    assert!(lab.routes("no").is_empty());
    assert!(lab.file("ex", "/etc/hosts").contains("\n172.17.0.1\tme\n1.2.3.4\tbox\n172.17.0.2\t<sid>\n"));
}

#[test]
fn a_link_writes_one_sides_hosts_and_environment() {
    let mut lab = Lab::new(DaemonConfig::default());
    lab.ok("docker run -d --name web lab");
    lab.ok("docker run -d --name cli --link web:db lab sleep infinity");
    let web = lab.engine.container("web").expect("it is there").id[..12].to_owned();
    assert!(
        lab.file("cli", "/etc/hosts").contains(&format!("\n172.17.0.2\tdb {web} web\n172.17.0.3\t<sid>\n"))
    );
    assert!(!lab.file("web", "/etc/hosts").contains("cli"));
    let c = lab.engine.container("cli").expect("it is there");
    let env = &lab.world.machine(c.machine).expect("it has a machine").env;
    let keys: Vec<&str> = env.iter().map(|e| e.0.as_str()).collect();
    assert_eq!(keys, ["PATH", "HOSTNAME", "DB_NAME", "HOME"]);
    assert_eq!(env[2].1, "/cli/db");
}

#[test]
fn a_main_process_that_ends_ends_its_container() {
    let mut lab = Lab::new(DaemonConfig::default());
    lab.ok("docker run -d --name a1 --network host lab");
    lab.ok("docker run -d --name b1 --network host lab");
    lab.ok("docker run -d --rm --name c1 --network host lab");
    lab.settle();
    assert_eq!(lab.ok("docker ps -a --format '{{.Names}} {{.State}}'"), "b1 exited\na1 running\n");
    assert_eq!(lab.docker("docker logs b1").stderr, "serve: bind tcp:80: Address already in use\n");
    assert_eq!(lab.ok("docker inspect -f '{{.State.ExitCode}}' b1"), "98\n");
    // A server ends when it is asked to; a program that does not listen to SIGTERM is killed.
    lab.ok("docker run -d --name d1 lab sleep infinity");
    lab.ok("docker stop a1 d1");
    assert_eq!(lab.ok("docker inspect -f '{{.State.ExitCode}}' a1 d1"), "0\n137\n");
}

impl Lab {
    /// Runs a program in a container for up to ten seconds: what it prints.
    fn inside(&mut self, container: &str, line: &str) -> String {
        let machine = self.engine.container(container).expect("it is there").machine;
        let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let pid = self.world.spawn(machine, guest::start(&argv).expect("it exists"), true, false);
        let mut printed = String::new();
        let until = Instant(self.world.now().as_nanos() + Duration::from_secs(10).as_nanos());
        loop {
            self.world.run(until, 10_000);
            let events = self.world.take_events();
            if events.is_empty() && (self.world.process(pid).is_none() || self.world.now() >= until) {
                return printed;
            }
            for event in events {
                match event {
                    Event::Effect(by, effect) if by == pid => {
                        let (Effect::Out(text) | Effect::Err(text)) = effect;
                        printed += &text;
                    }
                    Event::Effect(by, effect) => drop(self.engine.on_effect(&mut self.world, by, &effect)),
                    Event::Exited(by, code, _) => self.engine.on_exit(&mut self.world, by, code),
                    Event::Detached(..) | Event::Due(_) => {}
                }
            }
        }
    }
}

#[test]
fn names_from_outside_are_asked_for_from_the_hosts_network() {
    let mut lab = Lab::new(DaemonConfig::default());
    let argv = ["dnsd", "--record", "www.example.net=198.51.100.80"].map(str::to_owned);
    lab.world.spawn(lab.host, guest::start(&argv).expect("it exists"), false, false);
    let host = lab.world.machine_mut(lab.host).expect("it is there");
    host.files.put("/etc/resolv.conf", "nameserver 192.168.0.10\n").expect("room");
    lab.ok("docker network create --subnet 10.0.0.0/24 net1");
    lab.ok("docker network create --internal --subnet 10.1.0.0/24 back");
    lab.ok("docker run -d --name web --network net1 lab");
    lab.ok("docker run -d --name cli --network net1 lab sleep infinity");
    lab.ok("docker run -d --name own --network net1 --dns 192.168.0.10 lab sleep infinity");
    lab.ok("docker run -d --name db --network back lab sleep infinity");
    // Nothing of a container's own gets to the host.
    let ns = lab.ns();
    let rule = ["-I", "INPUT", "-s", "10.0.0.0/24", "-j", "DROP"];
    lab.world.with(ns, |ns, cx| ns.iptables(&rule, cx)).expect("it is there").expect("a good rule");
    assert_eq!(lab.inside("cli", "getent hosts web"), "10.0.0.2        web\n");
    assert_eq!(lab.inside("cli", "getent hosts www.example.net"), "198.51.100.80   www.example.net\n");
    assert_eq!(lab.inside("cli", "getent hosts nosuch"), "");
    // Servers given by --dns are asked from the container's network; an internal one asks nobody.
    assert_eq!(lab.inside("own", "getent hosts www.example.net"), "");
    assert_eq!(lab.inside("db", "getent hosts www.example.net"), "");
}
