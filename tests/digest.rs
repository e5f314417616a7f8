//! Same lab, seed and commands: the same trace byte for byte, natively and in WebAssembly.
//!
//! Natively the digest is printed; `cargo xtask test` then builds this test for the browser with
//! the digest in `NETPIER_TRACE_DIGEST`, where it has to come out again.

use netpier::lab::Lab;
use netpier::time::Duration;

/// A lab and what is typed in it.
type Scene = (&'static str, &'static [(&'static str, &'static str)]);

/// Something of every layer: NAT twice, names, TCP, UDP, ICMP errors, new networks and rules.
const SCENES: [Scene; 2] = [
    (
        "home",
        &[
            ("docker-host:shell", "wget -qO- http://example.com"),
            ("docker-host:shell", "ping -c 2 8.8.8.8"),
            ("docker-host", "docker network create --subnet 10.9.0.0/24 lan9"),
            ("docker-host", "docker run -d --name tomcat -p 8080:8080 tomcat"),
            ("laptop", "curl http://192.168.0.10:8080"),
            ("visitor", "curl --connect-timeout 2 http://150.150.0.1:8080"),
            ("docker-host", "iptables-save -c"),
        ],
    ),
    (
        "oracle",
        &[
            ("h1", "docker run -d --name web -p 8080:80 lab"),
            ("pc1", "curl -sSv http://192.168.0.10:8080/"),
            ("pc2", "traceroute -n -q 1 -w 1 -m 8 198.51.100.80"),
            ("h1:web", "udpq 198.51.100.80 5000"),
            ("outpc", "ping -c 1 -W 2 10.1.2.3"),
            ("rt", "conntrack -L"),
        ],
    ),
];

/// FNV-1a, 64 bits (draft-eastlake-fnv).
struct Fnv(u64);

impl Fnv {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

/// Every record of every scene with its bytes, and all that was printed.
fn digest() -> String {
    let mut fnv = Fnv(0xcbf2_9ce4_8422_2325);
    let mut records = 0;
    for (name, lines) in SCENES {
        let lab = Lab::builtin(name).expect("a built-in lab");
        let mut session = lab.boot().unwrap_or_else(|e| panic!("{name}: {e}"));
        for (place, line) in lines {
            let job = session
                .run_line(place, line, Duration::from_secs(60))
                .unwrap_or_else(|e| panic!("{place}: {line}: {e}"));
            fnv.add(format!("{:?} {:?} {:?}", job.exit, job.stdout(), job.stderr()).as_bytes());
        }
        let log = &session.world.log;
        for (seq, record) in log.iter_from(log.first_seq()) {
            fnv.add(format!("{seq} {record:?}").as_bytes());
            fnv.add(&log.bytes(seq));
            records += 1;
        }
    }
    assert!(records > 500, "only {records} records: the scenes did not play");
    format!("{:016x}", fnv.0)
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn the_same_lab_and_commands_give_the_same_trace_twice() {
    let first = digest();
    println!("trace digest: {first}");
    assert_eq!(first, digest());
}

#[cfg(target_arch = "wasm32")]
mod browser {
    use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

    wasm_bindgen_test_configure!(run_in_browser);

    #[wasm_bindgen_test]
    fn the_trace_is_the_same_as_natively() {
        let native = option_env!("NETPIER_TRACE_DIGEST")
            .expect("NETPIER_TRACE_DIGEST has to hold the native digest; `cargo xtask test` sets it");
        assert_eq!(super::digest(), native);
    }
}
