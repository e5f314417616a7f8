//! What takes the inputs.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use netpier::app::decode;
use netpier::explain::why;
use netpier::lab::Lab;
use netpier::lab::share::{Link, pack, unpack};
use netpier::netfilter::{Netfilter, TableKind};
use netpier::rng::Rng;
use netpier::session::Session;
use netpier::shell;
use netpier::stack::Step;
use netpier::time::Duration;
use netpier::wire::fmt::{EthernetFrame, IpProtocol, Ipv4Packet, TcpPacket, UdpPacket};
use netpier::wire::{Frame, summary};

use super::Target;

/// Events and virtual time that one line may take.
const EVENTS: u64 = 2_000;
/// Inputs after which a session is taken anew.
const FRESH: u32 = 40;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub fn files(dir: &str) -> Vec<String> {
    let mut paths: Vec<_> =
        fs::read_dir(root().join(dir)).into_iter().flatten().flatten().map(|f| f.path()).collect();
    paths.sort();
    paths.into_iter().filter_map(|path| fs::read_to_string(path).ok()).collect()
}

/// The lines that were typed when the real engine was recorded.
fn recorded() -> Vec<String> {
    let mut lines = BTreeSet::new();
    for text in files("tests/fixtures/oracle").iter().filter(|t| t.starts_with('{')) {
        let fixture: serde_json::Value = serde_json::from_str(text).expect("a recording is JSON");
        for list in ["steps", "probes"] {
            let entries = fixture[list].as_array().into_iter().flatten();
            lines.extend(entries.filter_map(|e| e["run"].as_str().map(str::to_owned)));
        }
    }
    lines.into_iter().collect()
}

fn recorded_with(program: &str) -> Vec<Vec<u8>> {
    recorded().into_iter().filter(|line| line.starts_with(program)).map(String::into_bytes).collect()
}

/// The words of these inputs.
fn words_of(inputs: &[Vec<u8>]) -> Vec<String> {
    let mut words = BTreeSet::new();
    for input in inputs {
        let text = String::from_utf8_lossy(input);
        words.extend(text.split_whitespace().filter(|w| w.len() < 60).map(str::to_owned));
    }
    words.into_iter().collect()
}

pub fn text(input: &[u8]) -> String {
    String::from_utf8_lossy(input).into_owned()
}

/// The fields and values that a page of `docs/` tells of, as JSON has them.
pub fn documented(page: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(page)).expect("a page of the documents");
    let is = |word: &&str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    };
    let code = text.split('`').skip(1).step_by(2).flat_map(|c| c.split(['"', ' ']));
    let words: BTreeSet<&str> = code.filter(is).collect();
    assert!(words.len() > 20, "{page} names its fields");
    words.into_iter().flat_map(|w| [format!("\"{w}\":"), format!("\"{w}\"")]).collect()
}

/// The fragment of an address.
pub struct Links;

impl Target for Links {
    const NAME: &'static str = "link";

    fn seeds(&self) -> Vec<Vec<u8>> {
        let mut seeds: Vec<_> =
            files("tests/links").iter().map(|text| text.trim().as_bytes().to_vec()).collect();
        let lab = |name: &str| Lab::builtin(name).expect("a built-in lab");
        for name in Lab::builtin_names() {
            seeds.push(format!("#t=15&in=laptop&run=ping%201.1.1.1&lab={}", pack(&lab(name))).into_bytes());
            seeds.push(format!("#embed&lang=ko&theme=dark&lab={name}").into_bytes());
        }
        seeds
    }

    fn words(&self) -> Vec<String> {
        "# & = % lab= lab=1. lab=2. t= in= run= embed lang=ko theme=dark lesson=nat-table %00 %ff %EA%B0%80 eNrt \
         18446744073709551615 home"
            .split(' ')
            .map(str::to_owned)
            .collect()
    }

    fn take(&mut self, input: &[u8]) -> String {
        match Link::from_fragment(&text(input)) {
            Ok(link) => {
                let again = Link::from_fragment(&link.to_fragment()).expect("what was written can be read");
                assert_eq!(again, link);
                format!(
                    "{} {} {} {:?}",
                    link.lab.is_some(),
                    link.run.is_some(),
                    link.embed,
                    link.at.is_some()
                )
            }
            Err(error) => error.to_string(),
        }
    }
}

/// A lab's file.
pub struct Labs;

impl Target for Labs {
    const NAME: &'static str = "lab";

    fn seeds(&self) -> Vec<Vec<u8>> {
        files("labs").into_iter().map(String::into_bytes).collect()
    }

    fn words(&self) -> Vec<String> {
        let mut words = documented("docs/lab-format.md");
        words.extend(
            "null true [] {} 0 -1 1e99 \"\" \"eth0\" \"10.0.0.1/24\" \"0.0.0.0/0\" \"255.255.255.255/32\" \
             \"02:00:00:00:00:01\" , ] }"
                .split_whitespace()
                .map(str::to_owned),
        );
        words
    }

    fn take(&mut self, input: &[u8]) -> String {
        let lab = match Lab::from_json(&text(input)) {
            Ok(lab) => lab,
            Err(error) => return error.to_string(),
        };
        let json = lab.to_json();
        let again = Lab::from_json(&json).expect("what was written can be read");
        assert_eq!(again, lab);
        assert_eq!(unpack(&pack(&lab)).expect("what was packed can be unpacked"), lab);
        match lab.boot() {
            Ok(mut session) => {
                session.run_through(session.world.now() + Duration::from_secs(1), EVENTS);
                balance(&session);
                format!("boots: {} nodes", lab.nodes.len().min(9))
            }
            Err(error) => error.to_string(),
        }
    }
}

/// Sent and copied is delivered, dropped or under way.
pub fn balance(session: &Session) {
    let (fate, flying) = (session.world.log.fate(), session.world.in_flight());
    assert_eq!(fate.sent + fate.copied, fate.delivered + fate.dropped + flying, "{fate:?}");
}

/// A running lab in which lines are typed, taken anew now and then.
pub struct Desk {
    fresh: Session,
    pub now: Session,
    typed: u32,
}

impl Desk {
    pub fn new() -> Self {
        let mut fresh = Lab::builtin("oracle").and_then(|lab| lab.boot().ok()).expect("the lab boots");
        for line in ["docker network create front", "docker run -d --name web --network front -p 8080:80 lab"]
        {
            let job = fresh.run_line("h1", line, Duration::from_secs(30)).expect("h1 is there");
            assert_eq!(job.exit, Some(0), "{line}: {}", job.stderr());
        }
        Self { now: fresh.clone(), fresh, typed: 0 }
    }

    /// Types it; exit status and the first line of what it said.
    pub fn type_in(&mut self, place: &str, line: &str) -> String {
        self.typed += 1;
        if self.typed.is_multiple_of(FRESH) {
            self.now = self.fresh.clone();
        }
        let job = self.now.run_line_within(place, line, Duration::from_secs(3), EVENTS);
        let job = job.expect("the place is there");
        balance(&self.now);
        let said = [job.stderr(), job.stdout()].concat();
        assert!(said.len() < 2_000_000, "the output is bounded");
        if job.exit.is_some_and(|exit| exit != 0) {
            why::diagnose(&self.now, &job);
        }
        format!("{:?} {}", job.exit, said.lines().find(|l| !l.is_empty()).unwrap_or_default())
    }
}

/// A line at a prompt, of any program.
pub struct Shell(Desk);

impl Shell {
    pub fn new() -> Self {
        Self(Desk::new())
    }
}

impl Target for Shell {
    const NAME: &'static str = "shell";

    fn seeds(&self) -> Vec<Vec<u8>> {
        let more = "ping -c 1 -W 1 192.168.0.1 | tail -n 1 > /tmp/x; cat /tmp/x\n\
                    echo \"$(hostname)\" 'a b' ${X:-1} && ls /etc || echo $? 2>&1 >/dev/null\n\
                    dig @1.1.1.1 +trace +short example.com A\n\
                    curl -sS -m 1 -H 'Host: a' --resolve a:80:1.2.3.4 -o /dev/null -w '%{http_code}' http://a/\n\
                    tcpdump -i any -nn -c 1 'tcp port 80 and host 1.1.1.1'\n\
                    nc -z -v -w 1 192.168.0.1 80\n\
                    ip -o -4 addr show dev eth0\n\
                    ip route add 10.9.0.0/16 via 192.168.0.1 dev eth0 metric 5\n\
                    ss -tlnp state listening\n\
                    traceroute -n -q 1 -m 3 8.8.8.8\n\
                    sysctl -w net.ipv4.ip_forward=0\n\
                    arping -c 1 -w 1 -I eth0 192.168.0.1\n\
                    bridge fdb show br docker0";
        let mut seeds: Vec<_> = more.lines().map(|l| l.as_bytes().to_vec()).collect();
        seeds.extend(recorded().into_iter().step_by(5).map(String::into_bytes));
        seeds
    }

    fn words(&self) -> Vec<String> {
        let mut words = words_of(&self.seeds());
        words.extend(netpier::guest::catalogue().iter().map(|info| info.name.to_owned()));
        words.extend(
            "| || & && ; ( ) > >> 2>&1 < $( ) ${ } ' \" \\ -h --help --".split(' ').map(str::to_owned),
        );
        words
    }

    fn take(&mut self, input: &[u8]) -> String {
        let line = text(input);
        shell::partial(&line);
        if !line.contains('\0') {
            shell::parse(&shell::quote(&line)).expect("a quoted text is a word");
        }
        self.0.now.complete("h1", &line);
        self.0.type_in("h1", &line)
    }
}

/// `docker …`.
pub struct Docker(Desk);

impl Docker {
    pub fn new() -> Self {
        Self(Desk::new())
    }
}

impl Target for Docker {
    const NAME: &'static str = "docker";

    fn seeds(&self) -> Vec<Vec<u8>> {
        recorded_with("docker ")
    }

    fn words(&self) -> Vec<String> {
        let mut words = words_of(&self.seeds());
        words.extend(
            "--format {{json .}} {{range .}} {{end}} {{.Names}} {{index . 0}} 0.0.0.0:80-90:80-90/udp \
             10.0.0.0/33 --subnet --ip-range --gateway -p -P --network name=a,alias=b --opt a=b com.docker.network.bridge.name=x"
                .split(' ')
                .map(str::to_owned),
        );
        words
    }

    fn take(&mut self, input: &[u8]) -> String {
        let line = text(input);
        let came = self.0.type_in("h1", &line);
        let place = self.0.now.place("h1").expect("h1 is there");
        let ns = self.0.now.world.machine(place).expect("it has a machine").ns;
        let nf = &self.0.now.world.namespace(ns).expect("it has a namespace").nf;
        readable(nf);
        came
    }
}

/// What is saved can be read back, and is the same.
fn readable(nf: &Netfilter) {
    let saved = nf.save(&TableKind::ALL, false);
    let mut other = Netfilter::new(Rng::new(0));
    if let Err(error) = other.restore(&saved, false) {
        panic!("{error}\n{saved}");
    }
    assert_eq!(other.save(&TableKind::ALL, false), saved);
}

/// `iptables …`, or a text for `iptables-restore`.
pub struct Iptables {
    fresh: Netfilter,
    now: Netfilter,
    desk: Desk,
    taken: u32,
}

impl Iptables {
    pub fn new() -> Self {
        let desk = Desk::new();
        let place = desk.now.place("h1").expect("h1 is there");
        let ns = desk.now.world.machine(place).expect("it has a machine").ns;
        let fresh = desk.now.world.namespace(ns).expect("it has a namespace").nf.clone();
        Self { now: fresh.clone(), fresh, desk, taken: 0 }
    }
}

impl Target for Iptables {
    const NAME: &'static str = "iptables";

    fn seeds(&self) -> Vec<Vec<u8>> {
        let more = "iptables -t nat -A PREROUTING -i eth0 -p tcp -m multiport --dports 80,443 -j DNAT --to-destination 10.0.0.2:80\n\
                    iptables -I DOCKER-USER 1 -s 10.0.0.0/8 ! -d 10.1.0.0/16 -m conntrack --ctstate NEW,ESTABLISHED -j RETURN\n\
                    iptables -A FORWARD -p icmp --icmp-type echo-request -m limit --limit 5/sec -j LOG --log-prefix 'a b'\n\
                    iptables -N MINE\niptables -P INPUT DROP\niptables -R FORWARD 1 -j REJECT --reject-with tcp-reset\n\
                    iptables -S\niptables -nvL --line-numbers\niptables-save -t nat";
        let mut seeds = recorded_with("iptables");
        seeds.extend(more.lines().map(|line| line.trim().as_bytes().to_vec()));
        seeds.push(self.fresh.save(&TableKind::ALL, true).into_bytes());
        seeds
    }

    fn words(&self) -> Vec<String> {
        let mut words = words_of(&self.seeds());
        words.extend(
            "-m -p tcp udp icmp --dport --sport 1:2 ! -j MASQUERADE SNAT --to-source 1.2.3.4:1-9 REDIRECT --to-ports \
             --random --random-fully -m mark --mark 0x1/0xff addrtype --dst-type LOCAL comment --comment -D -Z -X -F -E \
             -C -L -w --tcp-flags SYN,ACK COMMIT *nat *filter :A - [0:0]"
                .split_whitespace()
                .map(str::to_owned),
        );
        words
    }

    fn take(&mut self, input: &[u8]) -> String {
        self.taken += 1;
        if self.taken.is_multiple_of(FRESH) {
            self.now = self.fresh.clone();
        }
        let input = text(input);
        if input.trim_start().starts_with('*') || input.starts_with('#') {
            let before = self.now.save(&TableKind::ALL, true);
            return match self.now.restore(&input, false) {
                Ok(()) => {
                    readable(&self.now);
                    "restored".to_owned()
                }
                Err(error) => {
                    assert_eq!(self.now.save(&TableKind::ALL, true), before, "nothing is half applied");
                    error.to_string()
                }
            };
        }
        let mut came = self.desk.type_in("h1", &input);
        // The rules are asked, too.
        if came.starts_with("Some(0)") {
            came += &self.desk.type_in("h1", "curl -s -m 1 http://127.0.0.1:8080/");
        }
        let place = self.desk.now.place("h1").expect("h1 is there");
        let ns = self.desk.now.world.machine(place).expect("it has a machine").ns;
        readable(&self.desk.now.world.namespace(ns).expect("it has a namespace").nf);
        came
    }
}

/// A frame that comes in from a cable.
pub struct Frames {
    desk: Desk,
    seeds: Vec<Vec<u8>>,
}

impl Frames {
    pub fn new() -> Self {
        let desk = Desk::new();
        let mut run = desk.now.clone();
        let mut seeds = BTreeSet::new();
        for line in [
            "docker run --rm lab curl -s http://example.com/",
            "ping -c 1 -s 3000 192.168.0.1",
            "traceroute -n -q 1 -m 3 8.8.8.8",
            "curl -s http://127.0.0.1:8080/",
        ] {
            let job = run.run_line("h1", line, Duration::from_secs(20)).expect("h1 is there");
            for (seq, record) in run.world.log.iter_from(job.first_seq) {
                if matches!(record.step, Step::Transmit { .. }) {
                    seeds.insert(run.world.log.bytes(seq).to_vec());
                }
            }
        }
        Self { desk, seeds: seeds.into_iter().collect() }
    }
}

/// Sums that are right, so that what lies behind them is reached.
fn mend_sums(bytes: &mut [u8]) -> Option<()> {
    let mut ethernet = EthernetFrame::new_checked(bytes).ok()?;
    let mut ip = Ipv4Packet::new_checked(ethernet.payload_mut()).ok()?;
    ip.fill_checksum();
    let (src, dst, next) = (ip.src_addr(), ip.dst_addr(), ip.next_header());
    match next {
        IpProtocol::Tcp => {
            TcpPacket::new_checked(ip.payload_mut()).ok()?.fill_checksum(&src.into(), &dst.into());
        }
        IpProtocol::Udp => {
            UdpPacket::new_checked(ip.payload_mut()).ok()?.fill_checksum(&src.into(), &dst.into());
        }
        _ => {}
    }
    Some(())
}

impl Target for Frames {
    const NAME: &'static str = "frame";

    fn seeds(&self) -> Vec<Vec<u8>> {
        self.seeds.clone()
    }

    fn words(&self) -> Vec<String> {
        Vec::new()
    }

    fn take(&mut self, input: &[u8]) -> String {
        let summary = summary(input);
        let seen = format!("{summary:?}");
        let decoded = decode::decode(input).is_some();
        self.desk.typed += 1;
        if self.desk.typed.is_multiple_of(FRESH) {
            self.desk.now = self.desk.fresh.clone();
        }
        let session = &mut self.desk.now;
        let place = session.place("h1").expect("h1 is there");
        let ns = session.world.machine(place).expect("it has a machine").ns;
        let first = session.world.log.next_seq();
        for mend in [false, true] {
            let mut bytes = input.to_vec();
            // A device hands on nothing shorter than a header.
            if bytes.len() < 14 || (mend && mend_sums(&mut bytes).is_none()) {
                continue;
            }
            session.world.with(ns, |kernel, cx| {
                let dev = kernel.device_named("eth0").expect("h1 has eth0").index;
                let frame = Frame::new(cx.ids.next_id(), bytes);
                cx.log.packet(frame.id, Step::Sent { by: None });
                kernel.receive(dev, frame, cx);
            });
        }
        session.run_through(session.world.now() + Duration::from_millis(50), EVENTS);
        balance(session);
        let steps: BTreeSet<String> = session
            .world
            .log
            .iter_from(first)
            .map(|(_, record)| {
                let step = format!("{:?}", record.step);
                let words = if step.starts_with("Dropped") { 5 } else { 1 };
                step.split(' ').take(words).collect()
            })
            .collect();
        format!("{} {decoded} {steps:?}", seen.split([' ', '(']).next().unwrap_or_default())
    }
}
