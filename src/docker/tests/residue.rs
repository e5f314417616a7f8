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

#[test]
fn an_image_in_use_is_not_removed_by_its_id() {
    let mut lab = Lab::new(DaemonConfig::default());
    lab.ok("docker run -d --name cc lab sleep infinity");
    let id = lab.ok("docker commit cc one")["sha256:".len()..][..12].to_owned();
    lab.ok("docker tag one two");
    lab.ok("docker run -d --name user one sleep infinity");
    let user = lab.ok("docker ps -q --filter name=user").trim().to_owned();
    let says = |how: &str, why: &str| {
        format!("Error response from daemon: conflict: unable to delete {id} ({how} be forced) - {why}\n")
    };
    let running = says("cannot", &format!("image is being used by running container {user}"));
    let several = says("must", "image is referenced in multiple repositories");
    let stopped = says("must", &format!("image is being used by stopped container {user}"));
    let child = says("cannot", "image has dependent child images");
    for (before, asked, refused) in [
        ("docker ps", "docker rmi", &running),
        ("docker pause user", "docker rmi -f", &running),
        ("docker rm -f user", "docker rmi", &several),
        ("docker create --name user one", "docker rmi", &several),
        ("docker rmi two", "docker rmi", &stopped),
        ("docker commit user three", "docker rmi -f", &child),
    ] {
        lab.ok(before);
        let new = lab.ok("docker ps -aq --filter name=user").trim().to_owned();
        let answer = lab.docker(&format!("{asked} {id}"));
        let want = if new.is_empty() { refused.clone() } else { refused.replace(&user, &new) };
        assert_eq!((answer.exit, answer.stderr), (1, want), "{before}; {asked}");
        assert!(lab.engine.made.iter().any(|m| m.id.starts_with(&id)), "{before}; {asked}");
    }
    // Its name can be had, but it stays as long as another is made of it.
    lab.ok("docker rm -f user");
    assert_eq!(lab.ok("docker rmi one"), "Untagged: one:latest\n");
    assert_eq!(lab.ok("docker image prune -f"), "Total reclaimed space: 0B\n");
    let gone = lab.ok("docker rmi three");
    assert_eq!(gone.matches("Deleted: sha256:").count(), 2, "{gone}");
    assert!(lab.engine.made.is_empty());
}

#[test]
fn what_one_engine_keeps_of_images_and_ports_is_bounded() {
    let mut lab = Lab::new(DaemonConfig::default());
    for i in 0..256 {
        lab.ok(&format!("docker tag lab many:{i}"));
    }
    let refused = lab.docker("docker tag lab many:256");
    assert!(refused.stderr.contains("at most 256 names of images"), "{}", refused.stderr);
    lab.ok("docker tag lab many:7");

    lab.ok("docker create --name base -l a=b lab sleep infinity");
    lab.ok("docker commit -c 'EXPOSE 1-65535' -c 'EXPOSE 1-65535' base wide");
    for line in [
        "-P wide",
        "-P --expose 1-65535 lab",
        "-p 1-1025:1-1025 lab",
        "-p 5-1000:5-1000 -P --expose 1-99 lab",
    ] {
        let refused = lab.docker(&format!("docker run -d {line}"));
        assert_eq!(refused.exit, 125, "{line}");
        assert!(refused.stderr.contains("at most 1024 ports of a container"), "{line}: {}", refused.stderr);
    }
    lab.ok("docker create --expose 1-65535 wide");
    lab.ok("docker run -d --name most -p 1-1024:1-1024 lab sleep infinity");
    assert_eq!(lab.engine.made[0].json()["Config"]["ExposedPorts"].as_object().map(|p| p.len()), Some(65535));

    let mut from = "lab".to_owned();
    for round in 1..=125 {
        lab.ok(&format!("docker create --name c{round} {from}"));
        let made = lab.docker(&format!("docker commit c{round} deep"));
        if round == 125 {
            assert_eq!(
                (made.exit, made.stderr.as_str()),
                (1, "Error response from daemon: max depth exceeded\n")
            );
            break;
        }
        assert_eq!(made.stderr, "", "{round}");
        lab.ok(&format!("docker rm c{round}"));
        from = "deep".to_owned();
        // Only the newest of them is looked for.
        let last = lab.engine.made.len() - 1;
        if last > 1 {
            lab.engine.made.remove(last - 1);
        }
    }
}

#[test]
fn a_template_sees_fields_that_the_json_of_a_network_leaves_out() {
    let mut lab = Lab::new(DaemonConfig::default());
    let inspect =
        |lab: &mut Lab, format: &str| lab.ok(&format!("docker network inspect -f '{format}' bridge"));
    assert_eq!(
        inspect(&mut lab, "{{.Peers}} {{json .Peers}} {{len .Peers}}{{range .Peers}}x{{end}}"),
        "[] null 0\n"
    );
    let plain = inspect(&mut lab, "{{json .}}");
    assert_eq!(inspect(&mut lab, "{{json .}}{{/* .Peers */}}"), plain);
    assert!(!plain.contains("Peers"), "{plain}");
    assert_eq!(lab.docker("docker network inspect -f '{{.Labels.Peers}}' bridge").exit, 1);
}
