//! Programs in tiny worlds: what they print and how they exit, held against the real tools' texts.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used)] // a test may fail by it

use std::net::Ipv4Addr;

use netpier::guest::{Effect, MachineId, Signal, catalogue, start};
use netpier::sim::{Event, LinkSpec, World};
use netpier::stack::{NsId, Pid, Route, RouteKind, Scope, SocketKind};
use netpier::time::{Duration, Instant};
use netpier::wire::{Endpoint, IfIndex, Mac};
use proptest::prelude::*;

/// What a program printed and how it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Ran {
    exit: Option<i32>,
    out: String,
    err: String,
    took_ms: u64,
}

/// Two machines on one cable: `cli` (10.0.0.2) and `web` (10.0.0.3), which is the gateway of `cli`
/// but does not forward: whatever goes elsewhere (192.0.2.0/24 here) is lost without a word.
struct Net {
    world: World,
    cli: MachineId,
    web: MachineId,
    spaces: [NsId; 2],
}

fn split(line: &str) -> Vec<String> {
    match netpier::shell::parse(line) {
        Ok(script) => {
            let words = &script.items[0].1.commands[0].words;
            let text = |p: &netpier::shell::WordPart| match p {
                netpier::shell::WordPart::Text(t) => t.clone(),
                other => panic!("{other:?} in {line}"),
            };
            words.iter().map(|w| w.parts.iter().map(text).collect()).collect()
        }
        Err(e) => panic!("{line}: {e}"),
    }
}

impl Net {
    fn new() -> Self {
        let mut world = World::new(7);
        let spaces = [world.add_namespace(), world.add_namespace()];
        let eth0 = "eth0".parse().unwrap();
        let ends = spaces.map(|ns| (ns, eth0, Mac([2, 0, 0, 0, 0, ns.0 as u8 + 1])));
        let devs = world.add_veth(ends[0], ends[1]).unwrap();
        for (ns, dev, addr) in [(spaces[0], devs.0, "10.0.0.2/24"), (spaces[1], devs.1, "10.0.0.3/24")] {
            world
                .with(ns, |n, cx| {
                    n.set_up(dev, true, cx).unwrap();
                    n.add_addr(dev, addr.parse().unwrap(), cx).unwrap();
                })
                .unwrap();
        }
        let cli = world.add_machine(spaces[0], "cli");
        let web = world.add_machine(spaces[1], "web");
        let mut net = Self { world, cli, web, spaces };
        net.default_route(0, Ipv4Addr::new(10, 0, 0, 3));
        for (machine, own) in [(cli, "10.0.0.2 cli"), (web, "10.0.0.3 web")] {
            net.put(machine, "/etc/hosts", &format!("127.0.0.1 localhost\n{own}\n"));
            net.put(machine, "/etc/resolv.conf", "nameserver 10.0.0.3\n");
        }
        net
    }

    fn put(&mut self, machine: MachineId, path: &str, text: &str) {
        self.world.machine_mut(machine).unwrap().files.put(path, text).unwrap();
    }

    fn default_route(&mut self, at: usize, via: Ipv4Addr) {
        let route = Route {
            prefix: "0.0.0.0/0".parse().unwrap(),
            kind: RouteKind::Unicast,
            via: Some(via),
            dev: None,
            src: None,
            scope: Scope::Global,
            kernel: false,
            metric: 0,
        };
        self.world.with(self.spaces[at], |n, cx| n.add_route(route, cx).unwrap()).unwrap();
    }

    fn busybox(mut self) -> Self {
        self.put(self.cli, "/bin/busybox", "");
        self
    }

    fn background(&mut self, machine: MachineId, line: &str) -> Pid {
        self.world.spawn(machine, start(&split(line)).unwrap(), false, false)
    }

    /// Runs a line at `cli` to its end, at most two minutes.
    fn run(&mut self, line: &str) -> Ran {
        self.run_at(self.cli, line, None)
    }

    /// Runs a line; at `interrupt` Ctrl-C comes.
    fn run_at(&mut self, machine: MachineId, line: &str, interrupt: Option<Duration>) -> Ran {
        let began = self.world.now();
        let pid = self.world.spawn(machine, start(&split(line)).unwrap(), true, false);
        let mut ran = Ran::default();
        let mut until = began + interrupt.unwrap_or(Duration::from_secs(120));
        loop {
            for event in self.world.take_events() {
                match event {
                    Event::Effect(p, Effect::Out(text)) if p == pid => ran.out += &text,
                    Event::Effect(p, Effect::Err(text)) if p == pid => ran.err += &text,
                    Event::Exited(p, code, _) if p == pid => ran.exit = Some(code),
                    _ => {}
                }
            }
            if ran.exit.is_some() {
                ran.took_ms = self.world.now().since(began).as_nanos() / 1_000_000;
                return ran;
            }
            self.world.run(until, 1_000_000);
            if self.world.now() >= until {
                assert!(interrupt.is_some() && until != Instant::FAR_FUTURE, "{line} does not end: {ran:?}");
                self.world.signal(pid, Signal::Int);
                until = Instant::FAR_FUTURE;
            }
        }
    }
}

/// Runs the line and compares stdout, stderr and exit. `#` in what is expected stands for a number
/// with its fraction.
#[track_caller]
fn check(net: &mut Net, line: &str, exit: i32, out: &str, err: &str) {
    let ran = net.run(line);
    assert_eq!(masked(&ran.out, out), out, "stdout of {line}: {ran:?}");
    assert_eq!(masked(&ran.err, err), err, "stderr of {line}");
    assert_eq!(ran.exit, Some(exit), "{line}");
}

/// `text` with numbers replaced by `#` where `pattern` has one.
fn masked(text: &str, pattern: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    for (i, piece) in pattern.split('#').enumerate() {
        if i > 0 {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
            result.push('#');
        }
        match rest.strip_prefix(piece) {
            Some(after) => rest = after,
            None => return result + rest,
        }
        result += piece;
    }
    result + rest
}

#[test]
fn ping_prints_replies_and_statistics() {
    check(
        &mut Net::new(),
        "ping -c 2 10.0.0.3",
        0,
        "PING 10.0.0.3 (10.0.0.3) 56(84) bytes of data.\n\
         64 bytes from 10.0.0.3: icmp_seq=1 ttl=64 time=# ms\n\
         64 bytes from 10.0.0.3: icmp_seq=2 ttl=64 time=# ms\n\
         \n--- 10.0.0.3 ping statistics ---\n\
         2 packets transmitted, 2 received, 0% packet loss, time 1000ms\n\
         rtt min/avg/max/mdev = #/#/#/# ms\n",
        "",
    );
}

#[test]
fn ping_to_nobody_reports_the_own_machine() {
    let mut net = Net::new();
    check(
        &mut net,
        "ping -c 1 -W 4 10.0.0.9",
        1,
        "PING 10.0.0.9 (10.0.0.9) 56(84) bytes of data.\n\
         From 10.0.0.2 icmp_seq=1 Destination Host Unreachable\n\
         \n--- 10.0.0.9 ping statistics ---\n\
         1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms\n\n",
        "",
    );
}

#[test]
fn ping_without_a_reply_waits_as_told() {
    let mut net = Net::new();
    let ran = net.run("ping -c 1 -W 4 192.0.2.1");
    assert!(
        ran.out.ends_with("1 packets transmitted, 0 received, 100% packet loss, time 0ms\n\n"),
        "{ran:?}"
    );
    assert_eq!((ran.exit, ran.took_ms), (Some(1), 4000));
    let ran = net.run("ping -w 3 192.0.2.1");
    assert!(ran.out.contains("3 packets transmitted"), "{ran:?}");
    assert_eq!((ran.exit, ran.took_ms), (Some(1), 3000));
}

#[test]
fn ping_tells_what_is_wrong_with_a_name_or_a_route() {
    let mut net = Net::new();
    net.background(net.web, "dnsd --record known=10.0.0.3");
    check(&mut net, "ping -c 1 nosuch", 2, "", "ping: nosuch: Name or service not known\n");
    net.world
        .with(net.spaces[0], |n, cx| n.remove_route("0.0.0.0/0".parse().unwrap(), None, None, cx).unwrap());
    check(&mut net, "ping -c 1 8.8.8.8", 2, "", "ping: connect: Network is unreachable\n");
}

#[test]
fn ping_names_who_answers() {
    let mut net = Net::new();
    net.put(net.web, "/zone", "web.net1 60 A 10.0.0.3\n3.0.0.10.in-addr.arpa 60 PTR web.net1\n");
    net.background(net.web, "dnsd --zone /zone");
    let ran = net.run("ping -c 1 web.net1");
    assert!(ran.out.starts_with("PING web.net1 (10.0.0.3) 56(84) bytes of data.\n64 bytes from web.net1 (10.0.0.3): icmp_seq=1 ttl=64 "), "{ran:?}");
    let ran = net.run("ping -n -c 1 web.net1");
    assert!(ran.out.contains("64 bytes from 10.0.0.3: "), "{ran:?}");
}

#[test]
fn ping_ends_with_statistics_on_ctrl_c() {
    let mut net = Net::new();
    let ran = net.run_at(net.cli, "ping 10.0.0.3", Some(Duration::from_millis(2500)));
    assert!(ran.out.contains("\n--- 10.0.0.3 ping statistics ---\n3 packets transmitted, 3 received, 0% packet loss, time 2000ms\n"), "{ran:?}");
    assert_eq!(ran.exit, Some(0));
}

#[test]
fn ping_with_a_short_ttl_is_told_so() {
    let mut net = Net::new();
    net.default_route(1, Ipv4Addr::new(10, 0, 0, 9));
    net.world.with(net.spaces[1], |n, _| n.sysctl.ip_forward = true).unwrap();
    let ran = net.run("ping -c 1 -t 1 192.0.2.1");
    assert!(ran.out.contains("From 10.0.0.3 icmp_seq=1 Time to live exceeded\n"), "{ran:?}");
    assert_eq!(ran.exit, Some(1));
}

#[test]
fn ping_too_long_for_the_link_fails_at_home() {
    let ran = Net::new().run("ping -c 1 -W 1 -M do -s 1473 10.0.0.3");
    assert_eq!((ran.exit, ran.err.as_str()), (Some(1), "ping: sendmsg: Message too long\n"), "{ran:?}");
    let ran = Net::new().run("ping -c 1 -W 1 -M do -s 1472 10.0.0.3");
    assert_eq!(ran.exit, Some(0), "{ran:?}");
}

#[test]
fn ping_of_busybox_has_its_own_words() {
    let mut net = Net::new().busybox();
    check(
        &mut net,
        "ping -c 1 10.0.0.3",
        0,
        "PING 10.0.0.3 (10.0.0.3): 56 data bytes\n64 bytes from 10.0.0.3: seq=0 ttl=64 time=# ms\n\
         \n--- 10.0.0.3 ping statistics ---\n1 packets transmitted, 1 packets received, 0% packet loss\n\
         round-trip min/avg/max = #/#/# ms\n",
        "",
    );
    net.background(net.web, "dnsd");
    check(&mut net, "ping web2", 1, "", "ping: bad address 'web2'\n");
}

#[test]
fn traceroute_shows_hops_silence_and_the_end() {
    let mut net = Net::new();
    check(
        &mut net,
        "traceroute -n -q 1 -w 1 -m 8 10.0.0.3",
        0,
        "traceroute to 10.0.0.3 (10.0.0.3), 8 hops max, 60 byte packets\n 1  10.0.0.3  # ms\n",
        "",
    );
    check(
        &mut net,
        "traceroute -n -q 2 -w 1 -m 2 192.0.2.1",
        0,
        "traceroute to 192.0.2.1 (192.0.2.1), 2 hops max, 60 byte packets\n 1  * *\n 2  * *\n",
        "",
    );
}

#[test]
fn arping_asks_on_the_link() {
    let mut net = Net::new();
    check(
        &mut net,
        "arping -c 1 -w 2 10.0.0.3",
        0,
        "ARPING 10.0.0.3 from 10.0.0.2 eth0\nUnicast reply from 10.0.0.3 [02:00:00:00:00:02]  #ms\n\
         Sent 1 probes (1 broadcast(s))\nReceived 1 response(s)\n",
        "",
    );
    let ran = net.run("arping -c 1 -w 2 -I eth0 10.0.0.9");
    assert_eq!(
        ran.out,
        "ARPING 10.0.0.9 from 10.0.0.2 eth0\nSent 1 probes (1 broadcast(s))\nReceived 0 response(s)\n"
    );
    assert_eq!((ran.exit, ran.took_ms), (Some(1), 2000));
}

#[test]
fn curl_fetches_what_serve_says() {
    let mut net = Net::new();
    net.background(net.web, "serve tcp:80 udp:5000");
    let ran = net.run("curl -sS --local-port 40000 http://10.0.0.3/");
    assert_eq!(ran.exit, Some(0), "{ran:?}");
    assert_eq!(
        ran.out,
        "{\"server\": \"web\", \"local\": \"10.0.0.3\", \"local_port\": 80, \"peer\": \"10.0.0.2\", \
         \"peer_port\": 40000, \"ttl\": 64, \"host\": \"10.0.0.3\"}\n"
    );
    let ran = net.run("udpq 10.0.0.3 5000 41000");
    assert_eq!(
        ran.out,
        "{\"server\": \"web\", \"peer\": \"10.0.0.2\", \"peer_port\": 41000, \"ttl\": 64, \"bytes\": 5}\n",
        "{ran:?}"
    );
}

#[test]
fn curl_talks_with_v() {
    let mut net = Net::new();
    net.background(net.web, "serve");
    net.put(net.cli, "/etc/hosts", "10.0.0.3 web\n");
    let ran = net.run("curl -sSv -o /dev/null http://web/x");
    let expected = "* Host web:80 was resolved.\n* IPv6: (none)\n* IPv4: 10.0.0.3\n*   Trying 10.0.0.3:80...\n\
        * Connected to web (10.0.0.3) port 80\n* using HTTP/1.x\n> GET /x HTTP/1.1\n> Host: web\n\
        > User-Agent: curl/8.14.1\n> Accept: */*\n> \n* Request completely sent off\n< HTTP/1.1 200 OK\n\
        < Content-Type: application/json\n< Content-Length: #\n< Connection: close\n< \n{ [# bytes data]\n\
        * shutting down connection #0\n";
    let expected = expected.replace("#0\n", "\u{0}0\n");
    let err = ran.err.replace("#0\n", "\u{0}0\n");
    assert_eq!(masked(&err, &expected), expected, "{ran:?}");
}

#[test]
fn curl_tells_failures_apart() {
    let mut net = Net::new();
    net.background(net.web, "dnsd --record empty=10.0.0.3");
    net.background(net.web, "redis-server");
    net.background(net.web, "postgres");
    let table = [
        (
            "10.0.0.3:81",
            7,
            "curl: (7) Failed to connect to 10.0.0.3 port 81 after # ms: Could not connect to server\n",
        ),
        (
            "10.0.0.9",
            7,
            "curl: (7) Failed to connect to 10.0.0.9 port 80 after # ms: Could not connect to server\n",
        ),
        ("192.0.2.1:82", 28, "curl: (28) Connection timed out after 5000 milliseconds\n"),
        ("http://nosuch/", 6, "curl: (6) Could not resolve host: nosuch\n"),
        ("10.0.0.3:6379", 1, "curl: (1) Received HTTP/0.9 when not allowed\n"),
        ("10.0.0.3:5432", 52, "curl: (52) Empty reply from server\n"),
        (
            "https://10.0.0.3/",
            7,
            "curl: (7) Failed to connect to 10.0.0.3 port 443 after # ms: Could not connect to server\n",
        ),
        (
            "http://10.0.0.3:x/",
            3,
            "curl: (3) URL rejected: Port number was not a decimal number between 0 and 65535\n",
        ),
    ];
    for (url, exit, err) in table {
        check(&mut net, &format!("curl -sS -m 5 {url}"), exit, "", err);
    }
    let ran = net.run("curl -sSv 10.0.0.3:81");
    assert!(ran.err.contains("* connect to 10.0.0.3 port 81 from 10.0.0.2 port "), "{ran:?}");
    assert!(ran.err.contains(" failed: Connection refused\n"), "{ran:?}");
}

#[test]
fn curl_says_how_far_it_came_when_time_is_up() {
    let mut net = Net::new();
    net.put(net.cli, "/etc/resolv.conf", "nameserver 192.0.2.53\n");
    check(
        &mut net,
        "curl -sS -m 2 name.example",
        28,
        "",
        "curl: (28) Resolving timed out after 2000 milliseconds\n",
    );
}

#[test]
fn curls_command_line_mistakes_are_told_in_its_words() {
    let mut net = Net::new();
    let hint = "curl: try 'curl --help' or 'curl --manual' for more information\n";
    check(&mut net, "curl --foo", 2, "", &format!("curl: option --foo: is unknown\n{hint}"));
    check(&mut net, "curl x -m", 2, "", &format!("curl: option -m: requires parameter\n{hint}"));
    check(
        &mut net,
        "curl -m x y",
        2,
        "",
        &format!("curl: option -m: expected a proper numerical parameter\n{hint}"),
    );
    check(&mut net, "curl", 2, "", hint);
}

#[test]
fn curl_shows_heads_and_variables() {
    let mut net = Net::new();
    net.background(net.web, "nginx -g 'daemon off;'");
    let ran = net.run("curl -sI 10.0.0.3");
    assert!(ran.out.starts_with("HTTP/1.1 200 OK\nServer: nginx/"), "{ran:?}");
    let ran = net.run("curl -s -o /page -w '%{http_code} %{remote_ip}:%{remote_port}\\n' 10.0.0.3");
    assert_eq!((ran.out.as_str(), ran.exit), ("200 10.0.0.3:80\n", Some(0)));
    let page = net.world.machine(net.cli).unwrap().files.text("/page").unwrap_or("").to_owned();
    assert!(page.contains("<h1>Welcome to nginx!</h1>"), "{page}");
}

#[test]
fn wget_of_gnu_and_of_busybox_print_the_page() {
    for busybox in [false, true] {
        let mut net = if busybox { Net::new().busybox() } else { Net::new() };
        net.background(net.web, "httpd --title example.com");
        let ran = net.run("wget -qO- http://10.0.0.3");
        assert!(ran.out.contains("<h1>example.com</h1>") && ran.err.is_empty(), "{ran:?}");
        assert_eq!(ran.exit, Some(0));
        net.run("wget -q http://10.0.0.3/a.html");
        assert!(net.world.machine(net.cli).unwrap().files.get("/a.html").is_some());
    }
}

#[test]
fn wget_tells_failures_in_the_words_of_its_kind() {
    let mut net = Net::new();
    net.background(net.web, "dnsd");
    check(&mut net, "wget -q http://10.0.0.3/", 4, "", "");
    check(
        &mut net,
        "wget http://10.0.0.3/",
        4,
        "",
        "--1970-01-01 00:00:#--  http://10.0.0.3/\nConnecting to 10.0.0.3:80... failed: Connection refused.\n"
            .replace("00:00:#", "#:#:#")
            .replace("1970-01-01", "#-#-#")
            .as_str(),
    );
    let mut net = net.busybox();
    let table = [
        (
            "wget 10.0.0.3",
            "Connecting to 10.0.0.3 (10.0.0.3:80)\nwget: can't connect to remote host (10.0.0.3): Connection refused\n",
        ),
        ("wget -q nosuch", "wget: bad address 'nosuch'\n"),
    ];
    for (line, err) in table {
        check(&mut net, line, 1, "", err);
    }
    check(&mut net, "wget -q -T 2 192.0.2.1", 1, "", "wget: download timed out\n");
}

#[test]
fn nslookup_prints_as_bind_does() {
    let mut net = Net::new();
    net.put(net.web, "/zone", "web 600 A 10.0.0.3\n3.0.0.10.in-addr.arpa 600 PTR web.net1\n");
    net.background(net.web, "dnsd --zone /zone --not-authoritative");
    let head = "Server:\t\t10.0.0.3\nAddress:\t10.0.0.3#53\n\n".replace('#', "\u{0}");
    let table = [
        ("nslookup WEB", 0, format!("{head}Non-authoritative answer:\nName:\tWEB\nAddress: 10.0.0.3\n\n")),
        ("nslookup nosuch", 1, format!("{head}** server can't find nosuch: NXDOMAIN\n\n")),
        (
            "nslookup 10.0.0.3",
            0,
            "3.0.0.10.in-addr.arpa\tname = web.net1.\n\nAuthoritative answers can be found from:\n\n"
                .to_owned(),
        ),
    ];
    for (line, exit, out) in table {
        let ran = net.run(line);
        assert_eq!(ran.out.replace('#', "\u{0}"), out, "{line}");
        assert_eq!(ran.exit, Some(exit), "{line}");
    }
}

#[test]
fn nslookup_says_why_no_server_answers() {
    let mut net = Net::new();
    let ran = net.run("nslookup web.example");
    let line = ";; communications error to 10.0.0.3#53: connection refused\n";
    assert_eq!(ran.out, format!("{}{}", line.repeat(3), ";; no servers could be reached\n\n"));
    assert_eq!(ran.exit, Some(1));
    net.world
        .with(net.spaces[0], |n, cx| n.remove_route("0.0.0.0/0".parse().unwrap(), None, None, cx).unwrap());
    net.put(net.cli, "/etc/resolv.conf", "nameserver 192.0.2.53\n");
    let ran = net.run("nslookup web.example");
    let lines = ";; UDP setup with 192.0.2.53#53(192.0.2.53) for web.example failed: network unreachable.\n\
                 ;; no servers could be reached\n";
    assert_eq!(ran.out.trim_end(), lines.repeat(3).trim_end());
}

#[test]
fn dig_prints_the_answer_short_or_whole() {
    let mut net = Net::new();
    net.background(net.web, "dnsd --record web.lan=10.0.0.3,60 --record web.lan=10.0.0.4,60");
    let first = net.run("dig +short web.lan").out;
    let second = net.run("dig +short web.lan").out;
    assert_eq!((first.as_str(), second.as_str()), ("10.0.0.3\n10.0.0.4\n", "10.0.0.4\n10.0.0.3\n"));
    let whole = net.run("dig web.lan").out;
    assert!(
        whole.contains("status: NOERROR") && whole.contains(";; flags: qr aa rd ra; QUERY: 1, ANSWER: 2")
    );
    assert!(whole.contains("web.lan.\t\t60\tIN\tA\t10.0.0.3\n"), "{whole}");
    assert!(net.run("dig nosuch.lan").out.contains("status: NXDOMAIN"));
}

#[test]
fn getent_looks_in_hosts_and_then_asks() {
    let mut net = Net::new();
    net.background(net.web, "dnsd --record www.example=192.0.2.80 --record short.lan=192.0.2.81");
    net.put(net.cli, "/etc/resolv.conf", "nameserver 10.0.0.3\nsearch lan\n");
    let table = [
        ("getent hosts cli", 0, "10.0.0.2        cli\n"),
        ("getent hosts www.example", 0, "192.0.2.80      www.example\n"),
        ("getent hosts short", 0, "192.0.2.81      short.lan\n"),
        ("getent hosts nosuch", 2, ""),
        (
            "getent ahostsv4 www.example",
            0,
            "192.0.2.80      STREAM www.example\n192.0.2.80      DGRAM  \n192.0.2.80      RAW    \n",
        ),
    ];
    for (line, exit, out) in table {
        check(&mut net, line, exit, out, "");
    }
}

#[test]
fn a_lookup_without_an_answer_takes_two_attempts() {
    let mut net = Net::new();
    net.put(net.cli, "/etc/resolv.conf", "nameserver 192.0.2.53\n");
    let ran = net.run("ping -c 1 web.example");
    assert_eq!(ran.err, "ping: web.example: Temporary failure in name resolution\n");
    assert_eq!((ran.exit, ran.took_ms), (Some(2), 10_000));
}

#[test]
fn a_forwarder_passes_answers_on_and_says_servfail_without_a_server() {
    let mut net = Net::new();
    net.background(net.web, "dnsd --record www.example=192.0.2.80");
    net.background(
        net.cli,
        "dnsd --listen 127.0.0.1 --record own.lan=10.0.0.2 --forward 10.0.0.9 --forward 10.0.0.3",
    );
    net.put(net.cli, "/etc/resolv.conf", "nameserver 127.0.0.1\n");
    let ran = net.run("dig +short www.example");
    assert_eq!(ran.out, "192.0.2.80\n", "{ran:?}");
    assert_eq!(net.run("dig +short own.lan").out, "10.0.0.2\n");
    let mut net = Net::new();
    net.background(net.cli, "dnsd --listen 127.0.0.1 --forward 10.0.0.3");
    net.put(net.cli, "/etc/resolv.conf", "nameserver 127.0.0.1\n");
    let out = net.run("nslookup www.example").out;
    assert!(out.starts_with(";; Got SERVFAIL reply from 127.0.0.1\nServer:"), "{out}");
}

#[test]
fn a_zone_file_may_change_while_the_server_runs() {
    let mut net = Net::new();
    net.background(net.web, "dnsd --zone /zone");
    assert_eq!(net.run("getent hosts late").exit, Some(2));
    net.put(net.web, "/zone", "late 60 A 10.0.0.7\n");
    assert_eq!(net.run("getent hosts late").out, "10.0.0.7        late\n");
}

#[test]
fn serve_refuses_a_port_that_is_taken() {
    let mut net = Net::new();
    net.background(net.cli, "nginx");
    check(
        &mut net,
        "serve udp:9 tcp:80",
        98,
        "listening udp:9\n",
        "serve: bind tcp:80: Address already in use\n",
    );
}

#[test]
fn udpq_tells_refusal_from_silence() {
    let mut net = Net::new();
    check(&mut net, "udpq 10.0.0.3 5000", 7, "", "udpq: Connection refused\n");
    check(&mut net, "udpq 192.0.2.1 5000", 28, "", "udpq: timed out\n");
}

#[test]
fn docker_proxy_carries_both_ways_and_closes_when_nobody_serves() {
    let mut net = Net::new();
    net.background(net.web, "serve tcp:80 udp:5000");
    let to = "-host-ip 0.0.0.0 -container-ip 10.0.0.3";
    net.background(net.cli, &format!("docker-proxy -proto tcp {to} -host-port 8080 -container-port 80"));
    net.background(net.cli, &format!("docker-proxy -proto tcp {to} -host-port 8081 -container-port 81"));
    net.background(net.cli, &format!("docker-proxy -proto udp {to} -host-port 5000 -container-port 5000"));
    let ran = net.run("curl -sS 127.0.0.1:8080");
    assert!(ran.out.contains("\"peer\": \"10.0.0.2\"") && ran.exit == Some(0), "{ran:?}");
    let ran = net.run("udpq 127.0.0.1 5000");
    assert!(ran.out.contains("\"peer\": \"10.0.0.2\"") && ran.exit == Some(0), "{ran:?}");
    let ran = net.run("curl -sSv 127.0.0.1:8081");
    assert!(ran.err.contains("* Connected to 127.0.0.1") && matches!(ran.exit, Some(52 | 56)), "{ran:?}");
}

#[test]
fn servers_on_all_addresses_answer_from_the_one_that_was_asked() {
    let mut net = Net::new();
    let second = "10.9.9.9/32".parse().unwrap();
    net.world.with(net.spaces[0], |n, cx| n.add_addr(IfIndex::LO, second, cx).unwrap()).unwrap();
    net.default_route(1, Ipv4Addr::new(10, 0, 0, 2));
    net.background(net.web, "serve udp:5000");
    net.background(
        net.cli,
        "docker-proxy -proto udp -host-port 5000 -container-ip 10.0.0.3 -container-port 5000",
    );
    net.background(net.cli, "dnsd --record own.lan=10.9.9.9");
    let ran = net.run_at(net.web, "udpq 10.9.9.9 5000", None);
    assert_eq!(ran.exit, Some(0), "{ran:?}");
    let ran = net.run_at(net.web, "dig +short own.lan @10.9.9.9", None);
    assert_eq!(ran.out, "10.9.9.9\n", "{ran:?}");
}

#[test]
fn a_cable_is_as_long_as_it_is() {
    // The time that ping prints is the virtual one: there and back over the veth pair, no more.
    let ran = Net::new().run("ping -c 3 -i 0.2 10.0.0.3");
    let last = ran.out.lines().find(|l| l.contains("icmp_seq=3")).unwrap_or("").to_owned();
    let there_and_back = LinkSpec::VETH.latency.as_nanos() * 2 / 1_000;
    assert!(last.ends_with(&format!("time=0.{there_and_back:03} ms")), "{last}");
}

/// Every server with its port.
const SERVERS: [(&str, u16); 9] = [
    ("serve tcp:1", 1),
    ("nginx -p 2", 2),
    ("whoami -port 3", 3),
    ("redis-server -p 4", 4),
    ("postgres -p 5", 5),
    ("mysqld -p 6", 6),
    ("listen 7", 7),
    ("docker-proxy -host-port 8 -container-ip 127.0.0.1 -container-port 1", 8),
    ("docker-proxy -host-port 9 -container-ip 127.0.0.1 -container-port 19", 9),
];

/// Bytes that are often like a request.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let request =
        "(GET|HEAD|PING|POST|x) /?[a-z ]{0,5} HTTP/1.[01]\r\n([A-Za-z]{1,5}: ?[a-z]{0,5}\r\n){0,2}(\r\n)?";
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..64),
        proptest::string::string_regex(request).unwrap().prop_map(String::into_bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn servers_take_any_bytes(chunks in proptest::collection::vec(bytes(), 1..4)) {
        let mut net = Net::new();
        for (line, _) in SERVERS {
            net.background(net.web, line);
        }
        net.background(net.web, "dnsd --forward 10.0.0.3 --record a=10.0.0.3");
        net.background(net.web, "serve udp:54");
        let at = |port| Endpoint::new(Ipv4Addr::new(10, 0, 0, 3), port);
        let sockets = net.world.with(net.spaces[0], |n, cx| {
            SERVERS.map(|(_, port)| {
                let s = n.socket(None, SocketKind::Tcp);
                let _ = n.connect(s, at(port), cx);
                s
            })
        }).unwrap();
        for chunk in &chunks {
            let then = net.world.now() + Duration::from_millis(10);
            net.world.run_through(then, 10_000);
            net.world.take_events();
            net.world.with(net.spaces[0], |n, cx| {
                for s in sockets {
                    let _ = n.send(s, chunk, cx);
                }
                for port in [53, 54] {
                    let s = n.socket(None, SocketKind::Udp);
                    let _ = n.send_to(s, at(port), chunk, cx);
                }
            });
        }
        net.world.with(net.spaces[0], |n, cx| sockets.iter().for_each(|s| n.close(*s, cx)));
        // They are all still there.
        for (line, port) in SERVERS {
            let ran = net.run(&format!("curl -s -m 3 10.0.0.3:{port}"));
            prop_assert!(ran.exit.is_some_and(|code| code != 7), "{}: {:?}", line, ran);
        }
    }

    #[test]
    fn programs_take_any_words(which in 0usize..100, words in proptest::collection::vec("[-a-z0-9.:+/@=]{0,9}", 0..4)) {
        let all = catalogue();
        let mut argv = vec![all[which % all.len()].name.to_owned()];
        argv.extend(words);
        let mut net = Net::new();
        let pid = net.world.spawn(net.cli, start(&argv).unwrap(), false, false);
        for _ in 0..20 {
            let then = net.world.now() + Duration::from_secs(1);
            net.world.run_through(then, 100_000);
            net.world.take_events();
        }
        net.world.signal(pid, Signal::Int);
        net.world.signal(pid, Signal::Kill);
        prop_assert!(net.world.process(pid).is_none());
    }
}
