//! Names, from the root down: the lab `dns` with its root, TLD and authoritative servers, a public
//! resolver, a home's forwarder and a private server.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use netpier::guest::dns::{Code, Kept, Kind};
use netpier::session::{NodeConfig, ServiceConfig, Session};
use netpier::time::Duration;

const LIMIT: Duration = Duration::from_secs(120);

fn lab() -> Session {
    common::lab("dns")
}

/// Types lines at a node and gives what the last one printed.
fn at(session: &mut Session, node: &str, line: &str) -> String {
    let job = session.run_line(node, line, LIMIT).unwrap();
    job.stdout() + &job.stderr()
}

fn short(session: &mut Session, node: &str, question: &str) -> String {
    at(session, node, &format!("dig +short {question}"))
}

/// The status and flags of a dig's answer: `NXDOMAIN qr rd ra`.
fn status(session: &mut Session, node: &str, question: &str) -> String {
    let text = at(session, node, &format!("dig {question}"));
    let after = |mark: &str| text.split_once(mark).and_then(|(_, t)| t.split([',', ';']).next());
    match (after("status: "), after("flags: ")) {
        (Some(status), Some(flags)) => format!("{status} {flags}"),
        _ if text.contains("timed out") => "silence".to_owned(),
        _ => text,
    }
}

/// Gives a node other settings while it runs.
fn change(session: &mut Session, node: &str, f: impl Fn(&mut NodeConfig)) {
    let mut config = session.node(node).unwrap().config.clone();
    f(&mut config);
    session.set_node(config).unwrap();
}

#[test]
fn a_resolver_asks_root_tld_and_authority_and_then_remembers() {
    let mut s = lab();
    let asked = |s: &mut Session| {
        let before = s.world.frames_carried();
        assert_eq!(short(s, "resolver", "@8.8.8.8 www.example.com"), "example.com.\n93.184.216.34\n");
        s.world.frames_carried() - before
    };
    // Three servers behind the provider's router, two frames there and two back; and ARP.
    let (first, second) = (asked(&mut s), asked(&mut s));
    assert!(first >= 12 && second == 0, "{first} {second}");
    let cache = &s.dns_servers("resolver").unwrap()[0].cache;
    let names: Vec<_> = cache.iter().map(|l| format!("{} {}", l.name, l.kind)).collect();
    for line in ["com NS", "example.com NS", "example.com A", "www.example.com CNAME", "ns1.example.com A"] {
        assert!(names.contains(&line.to_owned()), "{line}: {names:?}");
    }
}

#[test]
fn a_changed_record_spreads_as_the_ttl_of_the_old_one_ends() {
    let mut s = lab();
    assert_eq!(short(&mut s, "laptop", "example.com"), "93.184.216.34\n");
    change(&mut s, "ns1", |node| {
        let Some(ServiceConfig::Dns { records, .. }) = node.services.first_mut() else { panic!() };
        let r = records.iter_mut().find(|r| r.name == "example.com" && r.data.kind() == Kind::A).unwrap();
        r.data = netpier::guest::dns::Data::A([93, 184, 216, 99].into());
    });
    assert_eq!(short(&mut s, "laptop", "@199.43.135.53 example.com"), "93.184.216.99\n", "the server knows");
    assert_eq!(short(&mut s, "laptop", "example.com"), "93.184.216.34\n", "the caches do not");
    at(&mut s, "laptop", "sleep 61");
    assert_eq!(short(&mut s, "laptop", "example.com"), "93.184.216.99\n", "60 seconds later they do");
}

#[test]
fn no_such_name_is_remembered_as_long_as_the_zone_says() {
    let mut s = lab();
    assert_eq!(status(&mut s, "laptop", "new.example.com"), "NXDOMAIN qr rd ra");
    change(&mut s, "ns1", |node| {
        let Some(ServiceConfig::Dns { records, .. }) = node.services.first_mut() else { panic!() };
        records.push(netpier::session::DnsRecord::a("new.example.com", [93, 184, 216, 34].into()));
    });
    assert_eq!(status(&mut s, "laptop", "new.example.com"), "NXDOMAIN qr rd ra");
    let line =
        s.dns_servers("router").unwrap()[0].cache.iter().find(|l| l.name == "new.example.com").cloned();
    let line = line.expect("the forwarder keeps it too");
    assert!(matches!(line.what, Kept::Nothing(Code::NxDomain, Some(_))) && line.left_secs < 30);
    at(&mut s, "laptop", "sleep 31");
    assert_eq!(short(&mut s, "laptop", "new.example.com"), "93.184.216.34\n");
}

#[test]
fn every_way_of_not_knowing_has_its_own_answer() {
    let mut s = lab();
    for (node, question, expect) in [
        ("laptop", "nosuch.example.com", "NXDOMAIN qr rd ra"),
        ("laptop", "nosuch", "NXDOMAIN qr rd ra"),
        ("laptop", "example.com AAAA", "NOERROR qr rd ra"),
        // Only its own zones, and no recursion.
        ("laptop", "@192.5.6.30 example.org", "REFUSED qr rd"),
        ("laptop", "@192.5.6.30 nosuch.com", "NXDOMAIN qr aa rd"),
        // A referral: neither an answer nor an error.
        ("laptop", "@198.41.0.4 www.example.com", "NOERROR qr rd"),
        ("desktop", "files.corp", "NOERROR qr aa rd"),
        ("desktop", "example.com", "REFUSED qr rd"),
        // Nobody serves names there.
        (
            "laptop",
            "@93.184.216.34 example.com +tries=1",
            ";; communications error to 93.184.216.34#53: connection refused",
        ),
    ] {
        let got = status(&mut s, node, question);
        assert!(got.trim_start().starts_with(expect), "{node} {question}: {got}");
    }
    // The authority is gone: whoever resolves says that it cannot find out.
    at(&mut s, "ns1", "ip link set eth0 down");
    assert_eq!(status(&mut s, "laptop", "other.example.com"), "SERVFAIL qr rd ra");
    // The resolver itself is gone: the forwarder says so too, and asked directly there is silence.
    at(&mut s, "resolver", "ip link set eth0 down");
    assert_eq!(status(&mut s, "laptop", "more.example.com"), "SERVFAIL qr rd ra");
    assert_eq!(status(&mut s, "laptop", "@8.8.8.8 more.example.com +tries=1 +time=1"), "silence");
}

#[test]
fn a_private_server_that_is_linked_to_a_public_one_knows_both() {
    let mut s = lab();
    assert!(at(&mut s, "desktop", "ping -c1 example.com").contains("Temporary failure"));
    change(&mut s, "private", |node| {
        let Some(ServiceConfig::Dns { forward, .. }) = node.services.first_mut() else { panic!() };
        *forward = Some([8, 8, 8, 8].into());
    });
    assert_eq!(short(&mut s, "desktop", "files.corp"), "192.168.0.20\n");
    assert_eq!(short(&mut s, "desktop", "example.com"), "93.184.216.34\n");
    assert_eq!(status(&mut s, "desktop", "nosuch.corp"), "NXDOMAIN qr aa rd ra");
}

#[test]
fn an_answer_that_is_too_long_for_a_datagram_comes_over_tcp() {
    let mut s = lab();
    change(&mut s, "private", |node| {
        let Some(ServiceConfig::Dns { records, .. }) = node.services.first_mut() else { panic!() };
        for i in 0..80 {
            records.push(netpier::session::DnsRecord::a("many.corp", [192, 168, 7, i].into()));
        }
    });
    let text = at(&mut s, "desktop", "dig many.corp");
    assert!(text.contains("Truncated, retrying in TCP mode") && text.contains("(TCP)"), "{text}");
    assert!(text.contains("ANSWER: 80") && text.contains("192.168.7.79"), "{text}");
    let text = at(&mut s, "desktop", "dig +ignore many.corp");
    assert!(text.contains("flags: qr aa tc rd") && text.contains("ANSWER: 0"), "{text}");
    assert!(at(&mut s, "desktop", "getent ahostsv4 many.corp").contains("192.168.7.79"));
}

#[test]
fn servers_without_glue_are_looked_up_and_loops_end() {
    let mut s = lab();
    change(&mut s, "com", |node| {
        let Some(ServiceConfig::Dns { records, .. }) = node.services.first_mut() else { panic!() };
        let ns = |zone: &str, server: &str| netpier::session::DnsRecord {
            name: zone.into(),
            data: netpier::guest::dns::Data::Ns(server.into()),
            ttl: 300,
        };
        // Its server's name is in another zone, and it is lame there; two zones lean on each other.
        records.extend([
            ns("other.com", "ns1.example.com"),
            ns("a.com", "ns.b.com"),
            ns("b.com", "ns.a.com"),
        ]);
    });
    assert_eq!(status(&mut s, "laptop", "www.other.com"), "SERVFAIL qr rd ra");
    assert_eq!(status(&mut s, "laptop", "www.a.com"), "SERVFAIL qr rd ra");
}

#[test]
fn a_trace_goes_down_the_delegations_by_itself() {
    let mut s = lab();
    let text = at(&mut s, "laptop", "dig +trace www.example.com");
    let lines: Vec<_> = text.lines().filter(|l| !l.starts_with(';') && !l.is_empty()).collect();
    assert_eq!(
        lines,
        [
            ".\t\t\t518400\tIN\tNS\ta.root-servers.net.",
            "com.\t\t\t172800\tIN\tNS\ta.gtld-servers.net.",
            "example.com.\t\t172800\tIN\tNS\tns1.example.com.",
            "www.example.com.\t60\tIN\tCNAME\texample.com.",
            "example.com.\t\t60\tIN\tA\t93.184.216.34",
        ]
    );
    for server in ["192.168.0.1#53(192.168.0.1)", "198.41.0.4#53(a.root-servers.net)", "(ns1.example.com)"] {
        assert!(text.contains(server), "{server}: {text}");
    }
}
