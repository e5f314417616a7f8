//! What is removed is gone, and no two containers get the same thing.

use super::super::DaemonConfig;
use super::Lab;
use proptest::prelude::*;
use std::collections::BTreeSet;

#[test]
fn removing_a_container_leaves_nothing_of_it() {
    for config in [
        DaemonConfig::default(),
        DaemonConfig { icc: false, userland_proxy: false, ..DaemonConfig::default() },
    ] {
        let mut lab = Lab::new(config);
        lab.ok("docker network create --subnet 10.0.0.0/24 net1");
        let before = lab.host_state();
        for line in [
            "docker run -d --name web --network net1 -p 8080:80 -p 127.0.0.1:9000:90/udp lab",
            "docker network connect bridge web",
            "docker run -d --name cli -P --expose 7 --link web lab sleep infinity",
            "docker network connect net1 cli",
            "docker run -d --name side --network container:web lab sleep infinity",
            "docker run -d --name lone --network none lab sleep infinity",
            "docker run -d --name host --network host lab sleep infinity",
            "docker create --name made -p 80:80 lab",
        ] {
            lab.ok(line);
        }
        assert_ne!(lab.host_state(), before);
        // The linking one first: a link's rules stay when the linked container goes before it.
        lab.ok("docker rm -f cli web side lone host made");
        let gone = lab.docker("docker rm -f web");
        assert_eq!(
            (gone.exit, gone.stderr.as_str()),
            (0, "Error response from daemon: No such container: web\n")
        );
        assert_eq!(lab.host_state(), before);
        assert!(lab.engine.ports.is_empty());
    }
}

#[test]
fn a_failed_request_changes_nothing() {
    let mut lab = Lab::new(DaemonConfig::default());
    lab.ok("docker network create --subnet 10.0.0.0/24 net1");
    lab.ok("docker run -d --name web --network net1 -p 8080:80 lab");
    let before = lab.host_state();
    for line in [
        "docker network create --subnet 10.0.0.0/25 x",
        "docker network create --driver birdge x",
        "docker network create --subnet 10.0.8.0/24 --gateway 10.0.8.0 x",
        "docker network create -o com.docker.network.bridge.name=docker0 x",
        "docker network create --subnet 10.0.6.0/24 --subnet 10.0.7.0/24 x",
        "docker network create -o com.docker.network.driver.mtu=x x",
        "docker network create --ipam-driver null x",
        "docker network create --ipam-driver nosuch x",
        "docker network create --config-from net1 x",
        "docker network create --scope swarm x",
        "docker network create --ingress x",
        "docker network prune -f --filter until=x",
        "docker run -d --name web lab",
        "docker run -d ngnix",
        "docker run -d --name y1 --network net1 --ip 10.1.0.1 lab",
        "docker network connect net1 web",
        "docker network rm net1",
        "docker rm web",
    ] {
        assert_ne!(lab.docker(line).exit, 0, "{line}");
        assert_eq!(lab.host_state(), before, "{line}");
        assert_eq!(lab.engine.containers().len(), 1, "{line}");
    }
    // What keeps a container from starting is found after its networks were joined: they are left again.
    for (asked, exit) in [
        ("--network name=net1,driver-opt=com.docker.network.endpoint.ifname=lo", 125),
        ("--network name=net1,driver-opt=com.docker.network.endpoint.ifname=a/b", 125),
        ("--network name=net1,driver-opt=com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.x=1", 125),
        (
            "--network name=net1,driver-opt=com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.forwarding=x",
            125,
        ),
        ("--network net1 --link-local-ip 10.0.0.77", 125),
        ("--network net1 --device /nosuch", 127),
        ("-p 9001:80 --gpus all", 125),
        ("-p 9001:80 --group-add nosuch", 125),
    ] {
        let line = format!("docker run -d --name y2 {asked} lab");
        assert_eq!(lab.docker(&line).exit, exit, "{line}");
        assert_eq!(lab.ok("docker ps -a --filter status=created --format '{{.Names}}'"), "y2\n", "{line}");
        lab.ok("docker rm y2");
        assert_eq!(lab.host_state(), before, "{line}");
    }
    // A start that fails leaves the container created, as in Docker, and the host as it was.
    let failed = lab.docker("docker run -d --name web2 --network net1 -p 9000:80 -p 8080:81 lab");
    assert_eq!(failed.exit, 125);
    assert_eq!(lab.ok("docker ps -a --format '{{.Names}} {{.State}}'"), "web2 created\nweb running\n");
    lab.ok("docker rm web2");
    assert_eq!(lab.host_state(), before);
}

#[test]
fn a_mistyped_driver_leads_to_the_right_word() {
    let mut lab = Lab::new(DaemonConfig::default());
    let refused = lab.docker("docker network create --driver birdge --subnet 10.0.0.0/24 second-bridge");
    assert_eq!(refused.exit, 1);
    assert_eq!(refused.stderr, "Error response from daemon: plugin \"birdge\" not found\n");
    assert_eq!(refused.note, "Did you mean bridge?\n");
}

/// One of a few commands; which depends on the numbers.
fn command(kind: u8, n: u8, m: u8) -> String {
    let (name, net) = (n % 5, m % 3);
    match kind % 15 {
        0 => format!("docker network create net{net}"),
        1 => format!("docker network rm net{net}"),
        2 => format!("docker run -d --name box{name} --network net{net} -p 80{m}:80 lab"),
        3 => format!("docker run -d --name box{name} -P --expose 80 lab"),
        4 => format!("docker network connect net{net} box{name}"),
        5 => format!("docker network disconnect net{net} box{name}"),
        6 => format!("docker stop box{name}"),
        7 => format!("docker start box{name}"),
        8 => format!("docker pause box{name}"),
        9 => format!("docker unpause box{name}"),
        10 => format!("docker rename box{name} box{}", (name + m) % 5),
        11 => format!("docker restart box{name}"),
        12 => {
            format!("docker network create --internal -o com.docker.network.bridge.enable_icc=false net{net}")
        }
        13 => format!("docker kill box{name}"),
        _ => format!("docker rm -f box{name}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_commands_leaves_residue_or_gives_an_address_twice(
        ops in proptest::collection::vec((0_u8..15, 0_u8..5, 0_u8..6), 1..32)
    ) {
        let mut lab = Lab::new(DaemonConfig::default());
        let empty = lab.host_state();
        for (kind, n, m) in ops {
            lab.docker(&command(kind, n, m));
            let mut seen = BTreeSet::new();
            for c in lab.engine.containers() {
                for e in &c.endpoints {
                    prop_assert!(seen.insert(e.addr), "{} twice", e.addr);
                }
                for p in &c.ports {
                    prop_assert!(seen.insert(crate::wire::Ipv4Net::from(std::net::Ipv4Addr::from(
                        u32::from(p.host_port) << 8 | u32::from(p.host_ip.is_ipv4())))), "port {}", p.host_port);
                }
            }
        }
        // No embedded server knows an address that no container has.
        let held: BTreeSet<String> = lab.engine.containers().iter()
            .flat_map(|c| c.endpoints.iter().map(|e| e.addr.addr().to_string())).collect();
        for c in lab.engine.containers() {
            let Some(resolver) = &c.inner.resolver else { continue };
            let machine = lab.world.machine(resolver.machine).expect("a server has a machine");
            let zone = machine.files.text("/run/docker/names.zone").unwrap_or("");
            for addr in zone.lines().filter_map(|l| l.split_once(" IN A ")).map(|(_, addr)| addr) {
                prop_assert!(held.contains(addr), "{} is left over for {}:\n{}", addr, c.name, zone);
            }
        }
        // What iptables-save prints is read back as the same rules.
        let ns = lab.engine.host_ns(&lab.world);
        let nf = &lab.world.namespace(ns).expect("the host").nf;
        let text = nf.save(&crate::netfilter::TableKind::ALL, false);
        let mut again = crate::netfilter::Netfilter::new(crate::rng::Rng::new(1));
        prop_assert!(again.restore(&text, false).is_ok(), "{}", text);
        prop_assert_eq!(again.save(&crate::netfilter::TableKind::ALL, false), text);
        for n in 0..5 {
            lab.docker(&format!("docker rm -f box{n}"));
        }
        lab.docker("docker network prune -f");
        prop_assert_eq!(lab.host_state(), empty);
    }
}

#[test]
fn an_image_made_of_a_container_carries_its_files_and_goes_with_its_last_name() {
    let mut lab = Lab::new(DaemonConfig::default());
    lab.ok("docker run -d --name web -p 8080:80 lab");
    let host = |lab: &mut Lab| lab.host;
    let machine = host(&mut lab);
    let files = |lab: &mut Lab| lab.world.machine(machine).expect("the host is there").files.clone();
    lab.world.machine_mut(machine).expect("the host is there").files.put("/tmp/page", "hello").expect("room");
    lab.ok("docker cp /tmp/page web:/srv/page");
    assert_eq!(lab.ok("docker diff web"), "C /srv\nA /srv/page\n");
    let before = (lab.host_state(), files(&mut lab));
    for line in [
        "docker cp web:/nosuch /tmp",
        "docker cp web:/srv /nosuch/x",
        "docker cp /tmp/nosuch web:/srv",
        "docker cp /tmp/page web:/nosuch/x",
        "docker cp web:/srv web:/tmp",
        "docker commit nosuch mine",
        "docker commit -c 'FOO bar' web mine",
        "docker commit web lab",
        "docker export -o /nosuch/x web",
    ] {
        assert_eq!(lab.docker(line).exit, 1, "{line}");
        assert_eq!((lab.host_state(), files(&mut lab)), before, "{line}");
        assert_eq!(lab.ok("docker diff web"), "C /srv\nA /srv/page\n", "{line}");
    }
    lab.ok("docker commit -m note -c 'ENV A=1' -c 'EXPOSE 99' web mine");
    assert_eq!(lab.ok("docker history --format '{{.Comment}}' mine"), "note\nImported from -\n");
    lab.ok("docker run -d --name two -P mine");
    assert_eq!(lab.ok("docker diff two"), "");
    lab.ok("docker cp two:/srv/page /tmp/back");
    assert_eq!(files(&mut lab).text("/tmp/back"), Some("hello"));
    assert_eq!(
        lab.ok("docker inspect -f '{{json .Config.Env}} {{json .Config.ExposedPorts}}' mine"),
        "[\"A=1\"] {\"80/tcp\":{},\"99/tcp\":{}}\n"
    );
    let refused = lab.docker("docker rmi mine");
    assert!(refused.stderr.contains("is using its referenced image"), "{}", refused.stderr);
    lab.ok("docker rm -f two");
    assert!(lab.ok("docker rmi mine").starts_with("Untagged: mine:latest\nDeleted: sha256:"));
    assert!(lab.engine.made.is_empty());
    assert_eq!(lab.host_state(), before.0);
}
