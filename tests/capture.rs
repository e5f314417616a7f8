//! Captures of the emulated world, opened by a tool that knows nothing of it.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A capture of one exchange, made by the native program.
fn capture(name: &str, lab: &str, lines: &[(&str, &str)]) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.pcapng"));
    let mut netpier = Command::new(env!("CARGO_BIN_EXE_netpier"));
    netpier.args(["run", lab]);
    for (place, line) in lines {
        netpier.args(["--at", place, line]);
    }
    let out = netpier.arg("--pcap").arg(&file).output().expect("our own program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(out.status.success(), "{}{}", text(&out.stdout), text(&out.stderr));
    file
}

/// The lines that tshark prints about a capture, all checksums being verified. None if there is no
/// tshark here; where `NETPIER_NEED_TSHARK` is set that is an error.
fn tshark(file: &Path, args: &[&str]) -> Option<Vec<String>> {
    let checks = ["ip", "tcp", "udp"].map(|protocol| format!("{protocol}.check_checksum:TRUE"));
    let mut tshark = Command::new("tshark");
    tshark.arg("-n").arg("-r").arg(file);
    for check in &checks {
        tshark.arg("-o").arg(check);
    }
    match tshark.args(args).output() {
        Ok(Output { status, stdout, stderr }) => {
            assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
            Some(String::from_utf8_lossy(&stdout).lines().map(str::to_owned).collect())
        }
        Err(e) => {
            assert!(std::env::var_os("NETPIER_NEED_TSHARK").is_none(), "tshark: {e}");
            eprintln!("not run: tshark is not here ({e})");
            None
        }
    }
}

const BAD: &str = "_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0 \
                   || icmp.checksum.status == 0 || tcp.analysis.ack_lost_segment || ip.bogus_header_length";

/// What is wrong with a capture, one frame a line.
fn problems(file: &Path) -> Option<Vec<String>> {
    tshark(file, &["-Y", BAD])
}

#[test]
fn a_page_fetched_through_two_nats_is_the_same_exchange_in_tshark() {
    let file = capture("two-nats", "home", &[("docker-host:shell", "wget -qO- http://example.com")]);
    let Some(bad) = problems(&file) else { return };
    assert_eq!(bad, [""; 0]);
    let fields = ["-Y", "http.request", "-T", "fields", "-e", "ip.src"];
    let sources: BTreeSet<String> = tshark(&file, &fields).unwrap_or_default().into_iter().collect();
    assert_eq!(sources.len(), 3, "container, host and router each as the source: {sources:?}");
    assert!(sources.contains("192.168.0.10") && sources.contains("150.150.0.1"), "{sources:?}");
    let answers = tshark(&file, &["-Y", "http.response.code == 200"]).unwrap_or_default();
    assert!(!answers.is_empty());
    let names = tshark(&file, &["-Y", "dns.flags.response == 1 && dns.a"]).unwrap_or_default();
    assert!(!names.is_empty(), "the name was asked for");
}

#[test]
fn errors_and_datagrams_are_well_formed_too() {
    let file = capture(
        "errors",
        "oracle",
        &[
            ("h1", "docker run -d --name web -p 8080:80 -p 5000:5000/udp lab serve tcp:80 udp:5000"),
            ("pc1", "curl -sS http://192.168.0.10:8080/"),
            ("pc1", "udpq 192.168.0.10 5000"),
            ("pc1", "udpq 192.168.0.10 5001; true"),
            ("pc1", "curl -sS http://192.168.0.10:81/; true"),
            ("outpc", "ping -c 1 -W 1 10.1.2.3; true"),
            ("h1:web", "traceroute -n -q 1 -w 1 -m 4 198.51.100.80"),
        ],
    );
    let Some(bad) = problems(&file) else { return };
    assert_eq!(bad, [""; 0]);
    for filter in [
        "icmp.type == 3 && icmp.code == 3",
        "icmp.type == 11",
        "tcp.flags.reset == 1",
        "udp.port == 5000",
        "arp",
    ] {
        let found = tshark(&file, &["-Y", filter]).unwrap_or_default();
        assert!(!found.is_empty(), "no frame matches {filter}");
    }
}

#[test]
fn an_overlay_ping_is_an_envelope_with_the_inner_frame_in_tshark() {
    let file = capture("overlay", "overlay", &[("host2:cli", "ping -c 1 web")]);
    let Some(bad) = problems(&file) else { return };
    assert_eq!(bad, [""; 0]);
    let fields = [
        "-Y",
        "vxlan && icmp.type == 8",
        "-T",
        "fields",
        "-e",
        "vxlan.vni",
        "-e",
        "ip.dst",
        "-e",
        "icmp.type",
    ];
    let envelopes = tshark(&file, &fields).unwrap_or_default();
    assert!(!envelopes.is_empty(), "no envelope with an echo request");
    assert!(envelopes.iter().all(|e| e == "4097\t192.168.0.10,10.0.50.2\t8"), "{envelopes:?}");
    let plain = tshark(&file, &["-Y", "icmp.type == 8 && !vxlan"]).unwrap_or_default();
    assert!(!plain.is_empty(), "inside the hosts it travels without its envelope");
}
