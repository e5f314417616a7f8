//! `tcpdump` at the nodes of the lab `home`: live lines, filters, files.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used)] // a test may fail by it

mod common;

use netpier::session::Session;
use netpier::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

fn lab() -> Session {
    common::lab("home")
}

/// Listens at a node while `line` runs at another; gives stdout and stderr after Ctrl-C.
fn during(s: &mut Session, node: &str, dump: &str, (other, line): (&str, &str)) -> (String, String) {
    let job = s.exec(node, dump).unwrap();
    s.run_line(other, line, LIMIT).unwrap();
    s.run_line(other, "sleep 1", LIMIT).unwrap();
    s.interrupt(job);
    let job = s.job(job).unwrap();
    assert_eq!(job.exit, Some(0), "{}", job.stderr());
    (job.stdout(), job.stderr())
}

#[test]
fn a_ping_is_shown_live_with_its_arp_and_counted() {
    let mut s = lab();
    let (out, err) = during(&mut s, "router", "tcpdump -n -t -i lan0", ("laptop", "ping -c 1 192.168.0.1"));
    let expect = "\
ARP, Request who-has 192.168.0.1 tell 192.168.0.20, length 28
ARP, Reply 192.168.0.1 is-at ";
    assert!(out.starts_with(expect), "{out}");
    assert!(out.contains("IP 192.168.0.20 > 192.168.0.1: ICMP echo request, id "), "{out}");
    assert!(out.contains("IP 192.168.0.1 > 192.168.0.20: ICMP echo reply, id "), "{out}");
    assert!(out.contains(", seq 1, length 64\n") && out.ends_with("\n\n"), "{out}");
    assert_eq!(
        err,
        "tcpdump: verbose output suppressed, use -v[v]... for full protocol decode\n\
         listening on lan0, link-type EN10MB (Ethernet), snapshot length 262144 bytes\n\
         4 packets captured\n4 packets received by filter\n0 packets dropped by kernel\n"
    );
}

#[test]
fn a_filter_leaves_the_rest_out_and_sequence_numbers_count_from_the_beginning() {
    let mut s = lab();
    let dump = "tcpdump -n -t -i wan0 tcp port 80 and host 93.184.216.34";
    let (out, _) = during(&mut s, "router", dump, ("laptop", "curl -s http://example.com"));
    let lines: Vec<&str> = out.lines().collect();
    assert!(
        lines[0].starts_with("IP 150.150.0.1.") && lines[0].contains(" > 93.184.216.34.80: Flags [S], seq ")
    );
    assert!(lines[0].contains("options [mss 1460"), "{}", lines[0]);
    assert!(lines[1].contains("Flags [S.], seq "), "{}", lines[1]);
    assert!(lines[2].contains("Flags [.], ack 1, win "), "{}", lines[2]);
    let get = lines[3];
    assert!(get.contains("Flags [P.], seq 1:") && get.ends_with(": HTTP: GET / HTTP/1.1"), "{get}");
    assert!(!out.contains("ARP") && !out.contains(".53"), "{out}");
}

#[test]
fn the_device_and_the_direction_are_named_where_all_are_listened_to() {
    let mut s = lab();
    let (out, err) =
        during(&mut s, "router", "tcpdump -nti any udp port 53", ("laptop", "nslookup example.com"));
    let shapes = ["lan1  In  IP 192.168.0.20.", "lan0  In  IP 192.168.0.20.", "wan0  Out IP 150.150.0.1."];
    for shape in shapes {
        assert!(out.contains(shape), "{shape}: {out}");
    }
    assert!(
        out.contains("+ A? example.com. (29)\n") && out.contains(" 1/0/0 A 93.184.216.34 (45)\n"),
        "{out}"
    );
    assert!(err.starts_with("tcpdump: data link type LINUX_SLL2\n"), "{err}");
}

#[test]
fn a_file_is_written_and_read_again() {
    let mut s = lab();
    let (out, err) = during(
        &mut s,
        "laptop",
        "cd /tmp; tcpdump -w web.pcap tcp",
        ("laptop", "curl -s http://example.com"),
    );
    assert_eq!(out, "");
    assert!(err.starts_with("tcpdump: listening on eth0, link-type EN10MB (Ethernet)"), "{err}");
    let machine = s.node("laptop").unwrap().machine;
    let file = s.world.machine(machine).unwrap().files.get("/tmp/web.pcap").unwrap();
    assert_eq!(file[..4], [0xd4, 0xc3, 0xb2, 0xa1]);
    let read = s.run_line("laptop", "tcpdump -nr /tmp/web.pcap -c 1 'tcp and dst port 80'", LIMIT).unwrap();
    assert!(read.stdout().contains(" > 93.184.216.34.80: Flags [S]"), "{}", read.stdout());
    assert!(
        read.stderr().starts_with("reading from file /tmp/web.pcap, link-type EN10MB"),
        "{}",
        read.stderr()
    );
}

#[test]
fn mistakes_are_told_in_its_words() {
    let mut s = lab();
    for (line, expect) in [
        ("tcpdump -i eth9", "tcpdump: eth9: No such device exists\n"),
        ("tcpdump port", "tcpdump: can't parse filter expression: syntax error\n"),
        ("tcpdump -c 0", "tcpdump: invalid packet count 0\n"),
        ("tcpdump -r nosuch", "tcpdump: nosuch: No such file or directory\n"),
        ("tcpdump -Z", "tcpdump: invalid option -- 'Z'\n"),
    ] {
        let job = s.run_line("laptop", line, LIMIT).unwrap();
        assert!(job.exit == Some(1) && job.stderr().starts_with(expect), "{line}: {}", job.stderr());
    }
}
