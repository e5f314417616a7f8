//! Files that the page or a program reads.

use netpier::docker::DaemonConfig;
use netpier::guest::{Files, dhcp};
use netpier::lesson::Lesson;

use super::Target;
use super::targets::{Desk, documented, files, text};

/// A lesson.
pub struct Lessons;

impl Target for Lessons {
    const NAME: &'static str = "lesson";

    fn seeds(&self) -> Vec<Vec<u8>> {
        files("lessons")
            .into_iter()
            .filter(|t| Lesson::from_json(t).is_ok())
            .map(String::into_bytes)
            .collect()
    }

    fn words(&self) -> Vec<String> {
        documented("docs/lesson-format.md")
    }

    fn take(&mut self, input: &[u8]) -> String {
        match Lesson::from_json(&text(input)).and_then(|lesson| lesson.start()) {
            Ok(lab) => format!("begins: {} nodes", lab.nodes.len().min(9)),
            Err(error) => error.to_string(),
        }
    }
}

/// `/etc/docker/daemon.json`.
pub struct Daemon;

impl Target for Daemon {
    const NAME: &'static str = "daemon";

    fn seeds(&self) -> Vec<Vec<u8>> {
        let all = r#"{"icc": false, "userland-proxy": true, "iptables": true, "ip-forward": true, "ip-masq": true,
            "ip-forward-no-drop": false, "allow-direct-routing": false, "mtu": 1400, "bip": "10.200.0.1/24",
            "fixed-cidr": "10.200.0.128/25", "default-gateway": "10.200.0.254", "ip": "192.168.0.10",
            "default-address-pools": [{"base": "10.10.0.0/16", "size": 24}], "dns": ["1.1.1.1"],
            "dns-search": ["example.com"], "dns-opts": ["ndots:2"], "host-gateway-ips": ["10.0.0.1"]}"#;
        vec![all.into(), b"{}".into(), br#"{"ipv6": true}"#.into()]
    }

    fn words(&self) -> Vec<String> {
        let keys = documented("docs/lab-format.md");
        let values = ["true", "false", "null", "[]", "{}", "-1", "1e9", "\"0.0.0.0/0\"", "\"10.0.0.1/33\""];
        keys.into_iter().chain(values.map(str::to_owned)).collect()
    }

    fn take(&mut self, input: &[u8]) -> String {
        match DaemonConfig::from_flags_and_file("", Some(&text(input))) {
            // An option with a space in it is none that a command line could have.
            Ok(config)
                if !config.dns_options.iter().any(|o| o.is_empty() || o.contains(char::is_whitespace)) =>
            {
                let again = DaemonConfig::from_flags(&config.to_flags()).expect("its own flags are read");
                assert_eq!(again, config);
                config.to_flags()
            }
            Ok(_) => "read".to_owned(),
            Err(error) => error,
        }
    }
}

/// What `tcpdump -r` reads.
pub struct Captures(Desk);

/// Where the capture lies.
const CAPTURE: &str = "/tmp/in.pcap";

impl Captures {
    pub fn new() -> Self {
        Self(Desk::new())
    }
}

impl Target for Captures {
    const NAME: &'static str = "capture";

    fn seeds(&self) -> Vec<Vec<u8>> {
        let mut run = Desk::new();
        let line = "tcpdump -i any -w /tmp/out.pcap -c 9 & sleep 0.1; curl -s http://192.168.0.50/; ping -c 2 192.168.0.1";
        run.type_in("h1", line);
        let machine = run.now.place("h1").expect("h1 is there");
        let files = &run.now.world.machine(machine).expect("it has a machine").files;
        vec![files.get("/tmp/out.pcap").expect("a capture").to_vec()]
    }

    fn words(&self) -> Vec<String> {
        ["\0\0\0\0", "\u{1}\0\0\0", "\0\0\u{4}\0", "E\0\0T", "\u{8}\0"].map(str::to_owned).into()
    }

    fn take(&mut self, input: &[u8]) -> String {
        let machine = self.0.now.place("h1").expect("h1 is there");
        let files = &mut self.0.now.world.machine_mut(machine).expect("it has a machine").files;
        files.put(CAPTURE, input).expect("there is room");
        self.0.type_in("h1", &format!("tcpdump -e -nn -v -A -r {CAPTURE}"))
    }
}

/// Leases of a server and of a client.
pub struct Leases;

impl Target for Leases {
    const NAME: &'static str = "leases";

    fn seeds(&self) -> Vec<Vec<u8>> {
        let server = "lease 192.168.0.100 {\n  ends epoch 60;\n  binding state active;\n  \
                      hardware ethernet 02:00:00:00:00:01;\n  client-hostname \"pc\";\n}\n";
        let client = "lease {\n  interface \"eth0\";\n  fixed-address 192.168.0.100;\n  \
                      option subnet-mask 255.255.255.0;\n  option routers 192.168.0.1;\n  \
                      option domain-name-servers 8.8.8.8,9.9.9.9;\n  option dhcp-server-identifier 192.168.0.1;\n  \
                      renew epoch 30;\n  rebind epoch 52;\n  expire epoch 60;\n}\n";
        vec![server.into(), client.into()]
    }

    fn words(&self) -> Vec<String> {
        let words = "lease { } ends epoch never binding state active abandoned free hardware ethernet interface renew \
                     rebind expire option fixed-address 255.0.255.0 18446744073709551615 ;";
        words.split_whitespace().map(str::to_owned).collect()
    }

    fn take(&mut self, input: &[u8]) -> String {
        let mut all = Files::default();
        all.put(dhcp::SERVER_LEASES, input).expect("there is room");
        all.put(&dhcp::client_leases("eth0"), input).expect("there is room");
        let leases = dhcp::leases(&all);
        // What is written is read as the same.
        let text: String = leases.iter().map(ToString::to_string).collect();
        all.put(dhcp::SERVER_LEASES, text).expect("there is room");
        assert_eq!(dhcp::leases(&all).len(), leases.len());
        let (active, lost) = (leases.iter().any(|l| l.active), leases.iter().any(|l| l.abandoned));
        let held = dhcp::client_lease(&all, "eth0").map(|l| (l.router.is_some(), l.resolvers.is_empty()));
        format!("{} {active} {lost} {held:?}", leases.is_empty())
    }
}
