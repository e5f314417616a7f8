//! The emulator against the recordings of a real engine in tests/fixtures/oracle.
#![cfg(not(target_arch = "wasm32"))]

use std::path::{Path, PathBuf};

use netpier::conform::{self, fixture::Fixture};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/oracle")
}

fn fixtures() -> Vec<Fixture> {
    conform::fixture::load(&folder()).expect("the recordings are part of the project")
}

/// Fixtures of which every exit status and every probe has to agree.
const EXACT: [&str; 6] = [
    "default-bridge-by-ip",
    "isolation-two-userdef",
    "publish-wrong-container-port",
    "router-port-forward",
    "packets-internet-double-nat",
    "packets-same-bridge",
];

#[test]
fn commands_and_probes_come_out_as_in_the_recordings() {
    let mut problems = Vec::new();
    for name in EXACT {
        let all = fixtures();
        let fixture = all.iter().find(|f| f.name == name).unwrap_or_else(|| panic!("no recording {name}"));
        let verdict = conform::play(fixture).unwrap_or_else(|e| panic!("{name}: {e}"));
        let exact = |count: conform::Count| count.of > 0 && count.agree == count.of;
        if !exact(verdict.exits) || !exact(verdict.probes) {
            for d in &verdict.disagreements {
                problems
                    .push(format!("{name} {}: expected {}, got {} ({})", d.place, d.expected, d.got, d.what));
            }
            problems.push(format!("{name}: {} exits, {} probes", verdict.exits, verdict.probes));
        }
    }
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn every_recording_is_read() {
    let fixtures = fixtures();
    assert!(fixtures.len() > 40, "{}", fixtures.len());
    for fixture in &fixtures {
        assert!(!fixture.steps.is_empty(), "{}", fixture.name);
    }
}

/// The bytes of the recorded captures, read as the emulator's own are, give the recorded lines.
#[test]
fn recorded_captures_agree_with_the_recorded_lines() {
    use conform::fixture::What;
    use conform::masks::Masks;
    use conform::packets::{Row, compare, observed, recorded};

    let mut compared = 0;
    for fixture in fixtures() {
        let with_packets = fixture.steps.iter().filter_map(|step| match &step.what {
            What::Probe { packets: Some(rows), .. } => Some(rows),
            _ => None,
        });
        for (k, rows) in with_packets.enumerate() {
            let rows: Vec<(String, Row)> =
                rows.iter().map(|row| recorded(row).expect("a recorded row")).collect();
            let mut places: Vec<&str> = rows.iter().map(|(at, _)| at.as_str()).collect();
            places.sort_unstable();
            places.dedup();
            for at in places {
                let name = format!("pcap/{}-{}-{}.pcap", fixture.name, k + 1, at.replace('/', "-"));
                let Ok(bytes) = std::fs::read(folder().join(&name)) else { continue };
                let mut reader = pcap_file::pcap::PcapReader::new(&bytes[..]).expect("a capture");
                let mut ours = Vec::new();
                while let Some(packet) = reader.next_packet() {
                    ours.extend(observed(&packet.expect("a packet").data));
                }
                let theirs: Vec<Row> =
                    rows.iter().filter(|(place, _)| place == at).map(|(_, r)| r.clone()).collect();
                // The recorder left a cluster's own gossip out of the lines, not out of the capture.
                ours.retain(|row| !row.is_between_members());
                let same = compare(&theirs, &ours, &mut Masks::default());
                assert_eq!(same, Ok(()), "{name}");
                compared += 1;
            }
        }
    }
    assert!(compared >= 9, "only {compared} captures were compared");
}

/// Recordings that do not agree in full, and why. They are played all the same; one that agrees has
/// to be taken off.
const KNOWN: [(&str, &str); 2] = [
    ("container-to-lan-and-internet", "the real resolver asks for AAAA too: one connection more"),
    ("publish-errors", "between two steps a container was removed without a recorded command"),
];

#[test]
fn every_recording_agrees_in_full_but_for_the_known_ones() {
    let mut problems = Vec::new();
    for fixture in fixtures().iter().filter(|f| f.left_out.is_none()) {
        let name = fixture.name.as_str();
        let verdict = conform::play(fixture).unwrap_or_else(|e| panic!("{name}: {e}"));
        match KNOWN.iter().find(|(known, _)| *known == name) {
            Some((_, why)) if verdict.agrees() => problems.push(format!("{name} agrees now, no more: {why}")),
            Some((_, why)) => println!("{name}: {} disagreements: {why}", verdict.disagreements.len()),
            None => {
                problems.extend(verdict.disagreements.iter().map(|d| {
                    format!("{name} {}: expected {}, got {} ({})", d.place, d.expected, d.got, d.what)
                }))
            }
        }
    }
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

/// Recordings made for this project (see docs/conformance.md) that do not agree in full, and why.
const FURTHER_KNOWN: [(&str, &str); 20] = [
    ("connect-options", "a network that could not be joined stays among the container's networks in Docker"),
    ("dns-names", "ephemeral ports in ss; an empty answer of a forwarder"),
    ("engine-restart", "an engine starts its containers at the same time: who gets which address is chance"),
    ("engine-settings", "an engine starts its containers at the same time: who gets which address is chance"),
    ("exec-forms", "-t without a terminal; the order of lines on both streams"),
    ("fixed-cidr", "the gateway of docker0 is not told where --fixed-cidr gave the subnet"),
    ("flushed", "user networks come back in no order in Docker"),
    ("gw-priority", "networks are joined in no order in Docker (a Go map), so eth0 and eth1 are chance"),
    ("hosts-files", "seq; networks are joined in no order in Docker"),
    ("images-info", "diff, cp, login and others are not there; the number of images"),
    ("inspect-templates", "join of what is no list of texts; a short process number"),
    ("link", "links are listed in no order in Docker; the environment of a link's own variables"),
    ("nat-inside", "nsenter"),
    ("network-errors2", "IPv6; --config-only; --scope global; a container whose network is not there"),
    ("no-proxy", "the order of ss"),
    ("packets-dns", "the AAAA question of a real resolver; closing segments of the proxy"),
    ("port-conflicts2", "dumped before its end; the address in the words of a conflict"),
    ("port-forms", "SCTP; the order of ss"),
    ("publish-errors2", "IPv6 addresses"),
    ("run-errors", "tags that the image does not have, other platforms, IPv6"),
];

#[test]
fn every_further_recording_agrees_in_full_but_for_the_known_ones() {
    all_agree_but("further", &FURTHER_KNOWN, 20);
}

/// Recordings made later than those, of what had not been looked at (see docs/conformance.md), that do
/// not agree in full, and why.
const MORE_KNOWN: [(&str, &str); 11] = [
    (
        "exec-run-options",
        "the order of a drawn environment; -t without a terminal; -e that takes a name away",
    ),
    ("exit-codes", "trap; what is said of a directory in place of a command"),
    ("host-addresses", "which of several conflicting addresses is named is chance (a Go map)"),
    ("images", "every image that comes with netpier is listed; docker history"),
    ("info-top-stats", "the number of images; system df; the version's suffix; stop and die race"),
    ("inspect-more", "jq; structures as Go prints them"),
    ("internal-dns", "the kernel tells of a bridge's lost carrier within a second, here at once"),
    ("logs", "od"),
    ("net-admin", "arping's words where its interface is down"),
    ("ps-tables", "seconds that a real start takes"),
    ("publish-ranges", "which of several conflicting addresses is named is chance (a Go map)"),
];

#[test]
fn every_later_recording_agrees_in_full_but_for_the_known_ones() {
    all_agree_but("further-more", &MORE_KNOWN, 7);
}

/// Recordings of what a tester might try on top of all that (see docs/conformance.md), that do not agree in
/// full, and why.
const MIXED_KNOWN: [(&str, &str); 12] = [
    ("dns-search", "what a name server says of a name in a search domain that is another's; a record's TTL"),
    (
        "events",
        "several containers are removed at the same time; how a moment falls; docker top's own columns",
    ),
    ("events-filters", "the seconds that a stop takes"),
    ("global-service", "how often a swarm updates its nodes is chance"),
    ("live-publish", "a connect that fails leaves its interface behind in Docker"),
    ("none-connect", "containers of a network are listed in no order in Docker"),
    ("range-aux", "endpoints of a network are listed in no order in Docker"),
    ("restart-publish", "whether it runs or waits at that moment is chance"),
    (
        "container-files",
        "ls to a terminal; the order of diff, and a log line of cp, are chance; docker save; archives in",
    ),
    (
        "endpoint-options",
        "networks are joined again in no order in Docker; a failed connect leaves its interface",
    ),
    ("network-options", "configuration networks; typed templates and keys that are absent"),
    ("words-more", "-H; a debug line; what a swarm's group shows outside of a swarm; a deprecation"),
];

#[test]
fn every_mixed_recording_agrees_in_full_but_for_the_known_ones() {
    all_agree_but("further-mixed", &MIXED_KNOWN, 8);
}

/// Recordings that were played blind first and do not agree in full, and why.
const BLIND_KNOWN: [(&str, &str); 17] = [
    ("bound-inside", "the order of ss"),
    ("conntrack-kinds", "the AAAA question of a real resolver; IGMP in the connection table; -o extended"),
    ("copy-diff-commit", "/etc/debian_version; whether a log line of cp is printed is chance"),
    ("host-inside-firewall", "the state of a connection that the proxy's side has closed"),
    ("host-ip", "what a lookup says that is answered with an ICMP error"),
    ("hosts-and-names", "localhost over IPv6; networks are joined in no order in Docker"),
    ("internal-more", "a round trip's time; endpoints of a network are listed in no order in Docker"),
    ("iptables-own", "the date in iptables-save"),
    ("neighbours", "the order of the neighbour table (a hash)"),
    ("network-gone", "ports that a start which failed leaves behind"),
    ("network-words", "typed and untyped templates; IPv6; wc -L"),
    (
        "packets-no-proxy",
        "a bridge that is listened to with bridge-nf on forwards what it hears a second time; bridge -d link",
    ),
    ("publish-forms-more", "the words where a port is given twice; the range 0-1; the order of bindings"),
    ("run-words", "options that are not about networks; --link-local-ip, driver-opt"),
    ("stop-start-order", "what docker wait says of a container that is killed before it runs"),
    ("two-hosts-routed", "an aborted connection's entry stays longer"),
    ("user-tables", "how often a closing connection retransmits"),
];

#[test]
fn every_recording_played_blind_agrees_in_full_but_for_the_known_ones() {
    all_agree_but("further-blind", &BLIND_KNOWN, 8);
}

/// Recordings of swarms of two hosts that do not agree in full, and why.
const SWARM_KNOWN: [(&str, &str); 14] = [
    ("join-ways", "how soon a node that left is missed"),
    ("join-wrong", "awk; what a manager's ports say to who does not speak their language"),
    ("leave-orders", "how soon a node that left is missed; which of two tasks got which address"),
    ("node-words", "the engine's version; when a node joined; typed templates; swarm ca"),
    ("overlay-addresses", "the order of the neighbour table; numbers of interfaces that are one host's here"),
    (
        "overlay-frames",
        "which member probes first; gossip over TCP; a request in two segments; bridge fdb of a host",
    ),
    (
        "overlay-names",
        "a container on an overlay cannot be renamed in Docker (an error of this engine), and all that follows",
    ),
    ("overlay-refusals", "bridges of scope swarm; the order of what is pruned"),
    ("overlay-shared", "the order of addresses of two that restart; numbers of interfaces"),
    ("overlay-stops", "the order of the neighbour table"),
    ("service-host-ports", "awk; ids of containers; the order of a task's ports"),
    ("service-kinds", "which of two tasks kept its container, or got which address"),
    ("service-words", "drawn names and ids; the type of a number in a template"),
    ("swarm-firewalls", "which member probes first; gossip over TCP"),
];

#[test]
fn every_recording_of_a_swarm_agrees_in_full_but_for_the_known_ones() {
    all_agree_but("further-swarm", &SWARM_KNOWN, 1);
}

/// Recordings of the other drivers that do not agree in full, and why.
const DRIVERS_KNOWN: [(&str, &str); 5] = [
    ("overlay-inside", "the kernel lists its neighbours in no order"),
    ("service-basics", "which of several idle nodes gets a task is chance"),
    ("service-constraints", "tasks start at the same time: who gets which address is chance"),
    ("service-ports", "which of several tasks finds no node is chance"),
    ("swarm-lost", "which slot was on the lost node is chance"),
];

#[test]
fn every_recording_of_the_drivers_agrees_in_full_but_for_the_known_ones() {
    all_agree_but("further-drivers", &DRIVERS_KNOWN, 11);
}

/// Recordings of everything but plain bridges (see docs/conformance.md) that do not agree in full, and why.
const HOSTS_KNOWN: [(&str, &str); 20] = [
    ("container-tools", "a port that the resolver drew; the order of ss"),
    (
        "curl-forms",
        "words of a newer curl on the nodes; how long a connection's end is remembered; no certificates in the image",
    ),
    (
        "dns-forms",
        "the banner's version; a record's TTL; IPv6 addresses of localhost; how a lookup that gets no answer ends",
    ),
    ("faults-street", "the other end of an interface; what a forwarder says that has no way out"),
    ("host-tools", "the other end of an interface; --uts"),
    ("ip-forms", "ip -j, -d and maddr; IPv6 on lo"),
    ("iptables-forms", "what a listener answers to whom it may not; counters of a table that is flushed"),
    ("macvlan-odd", "the port of a container's resolver"),
    ("none-tools", "addresses on lo beside its own; lo that is down; the order of a veth pair"),
    ("overlay-odd", "which member probes first"),
    ("packets-way-out", "what was asked in between took longer there, so an entry is gone"),
    ("ping-forms", "a newer ping's words on the nodes; the real resolver asks for AAAA too"),
    ("router-hairpin", "lines sorted by ports that are chance"),
    ("router-ports", "which port of a range comes first is chance"),
    ("service-life", "a drawn port; virtual IPs of services"),
    ("sockets-watch", "the order of ss; conntrack -G and -o id"),
    ("swarm-words", "a token that the mask hides; names as addresses; swarm ca; a peer's random name"),
    ("sysctl-forms", "docker inspect's Sysctls; runc's newer words"),
    ("trace-forms", "traceroute's help, of which a part is given"),
    ("two-hosts-routes", "an echo's entry stays longer than the recorder took"),
];

#[test]
fn every_recording_of_hosts_and_tools_agrees_in_full_but_for_the_known_ones() {
    all_agree_but("further-hosts", &HOSTS_KNOWN, 1);
}

/// Recordings of what the engine prints in whole that do not agree in full, and why.
const WHOLE_KNOWN: [(&str, &str); 5] = [
    ("whole-ingress", "a network of one name on two hosts; which host gets a task is chance"),
    ("whole-macvlan", "the path of a namespace has twelve random digits"),
    ("whole-modes", "the path of a namespace has twelve random digits"),
    ("whole-overlay", "the names of peers have twelve random digits"),
    ("whole-two-nets", "the path of a namespace has twelve random digits; lines sorted by random ids"),
];

#[test]
fn every_recording_in_whole_agrees_in_full_but_for_the_known_ones() {
    all_agree_but("further-whole", &WHOLE_KNOWN, 0);
}

/// What each recording agrees in at least: lines `FOLDER/NAME EXITS OUTPUTS PROBES DUMPS`, of those that do
/// not agree in full. `UPDATE=1` writes the file anew.
const AGREEMENT: &str = "tests/fixtures/agreement.txt";

#[test]
#[allow(clippy::print_stdout)] // shown with --nocapture
fn no_recording_agrees_in_less_than_it_did() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    let mut now = std::collections::BTreeMap::new();
    for name in [
        "oracle",
        "further",
        "further-more",
        "further-drivers",
        "further-mixed",
        "further-hosts",
        "further-blind",
        "further-whole",
        "further-swarm",
    ] {
        let all = conform::fixture::load(&root.join("tests/fixtures").join(name)).expect("recordings");
        for fixture in all.iter().filter(|f| f.left_out.is_none()) {
            let verdict = conform::play(fixture).unwrap_or_else(|e| panic!("{name}: {e}"));
            if verdict.agrees() {
                continue;
            }
            let counts = [verdict.exits, verdict.outputs, verdict.probes, verdict.dumps].map(|c| c.agree);
            let key = format!("{name}/{}", fixture.name);
            text += &format!("{key} {} {} {} {}\n", counts[0], counts[1], counts[2], counts[3]);
            now.insert(key, counts);
        }
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(root.join(AGREEMENT), &text).expect("a file of the project");
    }
    let before = std::fs::read_to_string(root.join(AGREEMENT)).expect("a file of the project");
    let mut problems = Vec::new();
    for line in before.lines() {
        let mut words = line.split(' ');
        let key = words.next().unwrap_or_default();
        let then: Vec<u32> = words.filter_map(|w| w.parse().ok()).collect();
        // What agrees in full now is no concern of this list.
        if let Some(counts) = now.get(key)
            && counts.iter().zip(&then).any(|(now, then)| now < then)
        {
            problems.push(format!("{key}: {counts:?}, and it was {then:?}"));
        }
    }
    let known: Vec<&str> = before.lines().filter_map(|l| l.split(' ').next()).collect();
    problems
        .extend(now.keys().filter(|k| !known.contains(&k.as_str())).map(|k| format!("{k} agreed in full")));
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

/// Plays all recordings of a folder. Those in `known` may not agree in full, and one that does has to
/// be taken off; of the others at least `least` are there.
#[allow(clippy::print_stdout)] // shown with --nocapture
fn all_agree_but(folder: &str, known: &[(&str, &str)], least: usize) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
    let fixtures = conform::fixture::load(&dir).expect("the recordings are part of the project");
    let mut problems = Vec::new();
    let mut agree = 0;
    for fixture in &fixtures {
        let name = fixture.name.as_str();
        let verdict = conform::play(fixture).unwrap_or_else(|e| panic!("{name}: {e}"));
        match known.iter().find(|(known, _)| *known == name) {
            Some((_, why)) if verdict.agrees() => problems.push(format!("{name} agrees now, no more: {why}")),
            Some((_, why)) => println!("{name}: {} disagreements: {why}", verdict.disagreements.len()),
            None => {
                agree += 1;
                problems.extend(verdict.disagreements.iter().map(|d| {
                    format!("{name} {}: expected {}, got {} ({})", d.place, d.expected, d.got, d.what)
                }));
            }
        }
    }
    assert!(agree >= least, "only {agree} agree in full");
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}
