//! `ping`: ICMP echo, with the texts of iputils 20240905, or of busybox where the machine has it
//! (`/bin/busybox`, as alpine does).
//!
//! Not supported: record route, timestamps of the hops, IPv6. What has no effect on the network here
//! (`-a`, `-B`, `-C`, `-d`, `-e`, `-H`, `-L`, `-m`, `-Q`, `-S`, `-U`) is accepted.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::icmp_text;
use super::usage::{self, Early};
use crate::guest::dns::{AddrLookup, Found, HostLookup, inet_aton};
use crate::guest::options::{Opt, Parsed, flag, value};
use crate::guest::{Poll, Program, Signal, Sys};
use crate::stack::{Errno, IcmpError, SocketId, SocketKind, SocketOption};
use crate::time::{Duration, Instant};
use crate::wire::Endpoint;

/// The options of `ping`.
pub(super) const OPTIONS: &[Opt] = &[
    flag(&["-3"], "RTT precision (do not round up the result time)", "시간을 반올림하지 않음"),
    flag(&["-a"], "use audible ping", "응답마다 소리"),
    flag(&["-A"], "use adaptive ping", "응답이 오는 대로 보냄"),
    flag(&["-B"], "sticky source address", "출발지 주소 고정"),
    value(&["-c"], "count", "stop after <count> replies", "보낼 횟수"),
    flag(&["-C"], "call connect() syscall on socket creation", "소켓을 바로 연결"),
    flag(&["-D"], "print timestamps", "시각도 출력"),
    flag(&["-d"], "use SO_DEBUG socket option", "디버그 소켓"),
    value(
        &["-e"],
        "identifier",
        "define identifier for ping session, default is random for\n\
         SOCK_RAW and kernel defined for SOCK_DGRAM\n\
         Imply using SOCK_RAW (for IPv4 only for identifier 0)",
        "식별자 지정",
    ),
    flag(&["-f"], "flood ping", "쉬지 않고 보냄"),
    flag(&["-h"], "print help and exit", "도움말"),
    flag(
        &["-H"],
        "force reverse DNS name resolution (useful for numeric\ndestinations or for -f), override -n",
        "이름을 거꾸로 찾음",
    ),
    value(&["-I"], "interface", "either interface name or address", "나갈 인터페이스 또는 출발지 주소"),
    value(&["-i"], "interval", "seconds between sending each packet", "보내는 간격(초)"),
    flag(&["-L"], "suppress loopback of multicast packets", "멀티캐스트를 자신에게 되돌리지 않음"),
    value(&["-l"], "preload", "send <preload> number of packages while waiting replies", "먼저 몰아 보낼 수"),
    value(&["-m"], "mark", "tag the packets going out", "나가는 패킷에 표시"),
    value(
        &["-M"],
        "pmtud opt",
        "define path MTU discovery, can be one of <do|dont|want|probe>",
        "경로 MTU 탐색 방식",
    ),
    flag(&["-n"], "no reverse DNS name resolution, override -H", "이름을 거꾸로 찾지 않음"),
    flag(&["-O"], "report outstanding replies", "아직 오지 않은 응답도 알림"),
    value(&["-p"], "pattern", "contents of padding byte", "채울 내용(16진수)"),
    flag(&["-q"], "quiet output", "요약만 출력"),
    value(&["-Q"], "tclass", "use quality of service <tclass> bits", "서비스 등급"),
    value(&["-s"], "size", "use <size> as number of data bytes to be sent", "데이터 크기(바이트)"),
    value(&["-S"], "size", "use <size> as SO_SNDBUF socket option value", "보내기 버퍼 크기"),
    value(&["-t"], "ttl", "define time to live", "TTL 지정"),
    flag(&["-U"], "print user-to-user latency", "프로그램 사이의 시간"),
    flag(&["-v"], "verbose output", "자세히"),
    flag(&["-V"], "print version and exit", "버전"),
    value(&["-w"], "deadline", "reply wait <deadline> in seconds", "전체 제한 시간(초)"),
    value(&["-W"], "timeout", "time to wait for response", "응답을 기다릴 시간(초)"),
    flag(&["-6"], "use IPv6", "IPv6 사용"),
    flag(&["-4"], "use IPv4", "IPv4 사용"),
    flag(&["-b"], "allow pinging broadcast", "브로드캐스트 허용"),
];

/// So many of them, the last, are those of IPv4.
const IPV4: usize = 2;
/// The largest payload of an echo request: 65535 less IPv4's and ICMP's headers.
const MAX_SIZE: u32 = 65507;
/// Sent times that are remembered: older replies count as late duplicates.
const REMEMBERED: usize = 1024;

/// The program.
#[derive(Debug, Clone)]
pub(super) struct Ping {
    config: Result<Config, Early>,
    state: State,
}

#[derive(Debug, Clone)]
struct Config {
    host: String,
    options: Parsed,
    count: Option<u64>,
    interval: Duration,
    linger: Duration,
    deadline: Option<Duration>,
    size: usize,
    ttl: Option<u8>,
    numeric: bool,
    quiet: bool,
    flood: bool,
    preload: u64,
    /// What the payload is filled with, over and over; counting bytes if empty.
    pattern: Vec<u8>,
    /// What is said before all else, of options that are not as they should be.
    warning: String,
}

#[derive(Debug, Clone)]
enum State {
    Start,
    Resolving(HostLookup),
    Running(Box<Run>),
}

/// A reply or an error that waits for the name of its sender.
#[derive(Debug, Clone)]
struct Line {
    from: Ipv4Addr,
    before: String,
    after: String,
}

#[derive(Debug, Clone)]
struct Run {
    socket: SocketId,
    busybox: bool,
    numeric: bool,
    started: Instant,
    last_sent: Instant,
    next_send: Instant,
    sent: u64,
    received: u64,
    duplicates: u64,
    errors: u64,
    pipe: u16,
    sent_at: BTreeMap<u64, Instant>,
    answered: BTreeMap<u64, ()>,
    rtt: Rtt,
    names: BTreeMap<Ipv4Addr, String>,
    lines: std::collections::VecDeque<Line>,
    naming: Option<AddrLookup>,
}

/// Round-trip times, in microseconds.
#[derive(Debug, Clone, Copy, Default)]
struct Rtt {
    min: u64,
    max: u64,
    sum: u64,
    squares: u64,
}

impl Ping {
    /// From a command line.
    pub(super) fn start(argv: &[String]) -> Box<dyn Program> {
        Box::new(Self { config: configure(argv.get(1..).unwrap_or_default()), state: State::Start })
    }
}

fn configure(args: &[String]) -> Result<Config, Early> {
    let usage = || {
        let (common, ipv4) = OPTIONS.split_at(OPTIONS.len() - IPV4);
        let rows = usage::iputils_text;
        format!(
            "\nUsage\n  ping [options] <destination>\n\nOptions:\n  <destination>      DNS name or IP address\n\
             {}\nIPv4 options:\n{}\nFor more details see ping(8).\n",
            rows(&common[..common.len() - 1], 18),
            rows(ipv4, 18)
        )
    };
    let options = usage::iputils_options("ping", OPTIONS, args, usage)?;
    let argument = |name: &str| if name == "-s" { "-s value" } else { "argument" };
    let number = |name: &str, low: u64, high: u64| match options.get(name) {
        None => Ok(None),
        Some(text) => match text.parse::<u64>() {
            Ok(n) if (low..=high).contains(&n) => Ok(Some(n)),
            Ok(_) => Err((
                1,
                format!(
                    "ping: invalid {}: '{text}': out of range: {low} <= value <= {high}\n",
                    argument(name)
                ),
            )),
            Err(_) => Err((1, format!("ping: invalid argument: '{text}'\n"))),
        },
    };
    let seconds = |name: &str| match options.get(name) {
        None => Ok(None),
        Some(text) => match text.parse::<f64>() {
            Ok(s) if s.is_finite() && s >= 0.0 => Ok(Some(Duration::from_secs_f64(s))),
            Ok(_) => Err((1, format!("ping: bad timing interval: {text}\n"))),
            Err(_) => Ok(None),
        },
    };
    let refused = |text: String| Err((2, format!("ping: {text}\n")));
    if let Some(mode) = options.get("-M").filter(|m| !["do", "dont", "want", "probe"].contains(m)) {
        return refused(format!("invalid -M argument: {mode}"));
    }
    let mut warning = String::new();
    for name in ["-i", "-W"] {
        if let Some(text) = options.get(name).filter(|t| t.parse::<f64>().is_err()) {
            warning += &format!(
                "ping: option argument contains garbage: {text}\nping: this will become fatal error in the future\n"
            );
        }
    }
    let mut pattern = Vec::new();
    if let Some(text) = options.get("-p") {
        match bytes_of(text) {
            Some(bytes) => pattern = bytes,
            None => return refused(format!("patterns must be specified as hex digits: {text}")),
        }
    }
    let ttl = number("-t", 0, 255)?.map(|t| t as u8);
    let Some(host) = options.operands.last().cloned() else {
        return refused("usage error: Destination address required".to_owned());
    };
    Ok(Config {
        count: number("-c", 1, i64::MAX as u64)?,
        interval: seconds("-i")?.unwrap_or(Duration::from_secs(1)).max(Duration::from_millis(2)),
        linger: seconds("-W")?.unwrap_or(Duration::from_secs(10)),
        deadline: number("-w", 1, i32::MAX as u64)?.map(Duration::from_secs),
        size: number("-s", 0, u64::from(MAX_SIZE))?.unwrap_or(56) as usize,
        ttl,
        numeric: options.has("-n"),
        quiet: options.has("-q"),
        flood: options.has("-f"),
        preload: number("-l", 1, 65536)?.unwrap_or(1),
        pattern,
        warning,
        host,
        options,
    })
}

/// The bytes of a pattern: pairs of hexadecimal digits, at most 16.
fn bytes_of(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = text.as_bytes().chunks(2).take(16);
    pairs.map(|p| u8::from_str_radix(std::str::from_utf8(p).ok()?, 16).ok()).collect()
}

impl Program for Ping {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        if sys.signal == Some(Signal::Term) {
            return Poll::Exit(143);
        }
        let config = match &self.config {
            Ok(config) => config,
            Err(early) => return usage::leave(sys, early),
        };
        loop {
            match &mut self.state {
                State::Start => {
                    sys.err(config.warning.clone());
                    self.state = State::Resolving(HostLookup::new(&config.host));
                }
                State::Resolving(lookup) => {
                    if sys.signal == Some(Signal::Int) {
                        return Poll::Exit(130);
                    }
                    match lookup.poll(sys) {
                        None => return Poll::Pending,
                        Some(Err(_)) if busybox(sys) => {
                            sys.err(format!("ping: bad address '{}'\n", config.host));
                            return Poll::Exit(1);
                        }
                        Some(Err(e)) => {
                            sys.err(format!("ping: {}: {e}\n", config.host));
                            return Poll::Exit(2);
                        }
                        Some(Ok(found)) => match Run::begin(sys, config, &found) {
                            Ok(run) => self.state = State::Running(Box::new(run)),
                            Err(code) => return Poll::Exit(code),
                        },
                    }
                }
                State::Running(run) => return run.go_on(sys, config),
            }
        }
    }
    fn name(&self) -> &str {
        "ping"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

fn busybox(sys: &Sys<'_>) -> bool {
    sys.files.get("/bin/busybox").is_some()
}

impl Run {
    fn begin(sys: &mut Sys<'_>, config: &Config, found: &Found) -> Result<Self, i32> {
        // To nobody is to oneself.
        let target = Some(found.addrs[0]).filter(|a| !a.is_unspecified()).unwrap_or(Ipv4Addr::LOCALHOST);
        let busybox = busybox(sys);
        let fail = |sys: &mut Sys<'_>, text: String| {
            sys.err(format!("ping: {text}\n"));
            Err(if busybox { 1 } else { 2 })
        };
        if config.options.has("-6") {
            return fail(sys, format!("{}: Address family for hostname not supported", config.host));
        }
        let socket = sys.ns.socket(Some(sys.pid), SocketKind::Ping);
        let mut via = String::new();
        if let Some(interface) = config.options.get("-I") {
            let bound = match interface.parse::<Ipv4Addr>() {
                Ok(addr) => sys.ns.bind(socket, Endpoint::new(addr, 0)).map(|()| addr),
                Err(_) => bind_device(sys, socket, interface),
            };
            match bound {
                Ok(addr) if addr.to_string() == interface => via = format!(" from {addr} :"),
                Ok(addr) => via = format!(" from {addr} {interface}:"),
                Err(Errno::NoDev) => {
                    return fail(sys, format!("SO_BINDTODEVICE {interface}: {}", Errno::NoDev));
                }
                Err(e) => return fail(sys, format!("bind: {e}")),
            }
        }
        let discover = config.options.get("-M");
        let set = [
            config.ttl.map(SocketOption::Ttl),
            discover.map(|m| SocketOption::DontFragment(m == "do" || m == "probe")),
            Some(SocketOption::RecvErr(true)),
        ];
        if config.ttl == Some(0) {
            return fail(sys, "cannot set unicast time-to-live: Invalid argument".to_owned());
        }
        for option in set.into_iter().flatten() {
            if let Err(e) = sys.ns.set_option(socket, option) {
                return fail(sys, format!("setsockopt: {e}"));
            }
        }
        let to = Endpoint::new(target, 0);
        let mut connected = sys.ns.connect(socket, to, &mut sys.cx);
        if connected == Err(Errno::Access) && config.options.has("-b") {
            if !busybox {
                sys.err("WARNING: pinging broadcast address\n");
            }
            let _ = sys.ns.set_option(socket, SocketOption::Broadcast(true));
            connected = sys.ns.connect(socket, to, &mut sys.cx);
        }
        match connected {
            Ok(()) => {}
            Err(Errno::Access) => {
                return fail(
                    sys,
                    "Do you want to ping broadcast? Then -b. If not, check your local firewall rules"
                        .to_owned(),
                );
            }
            Err(e) if busybox => return fail(sys, format!("sendto: {e}")),
            Err(e) => return fail(sys, format!("connect: {e}")),
        }
        if busybox {
            sys.out(format!("PING {} ({target}): {} data bytes\n", config.host, config.size));
        } else {
            if config.options.has("-v") {
                sys.err("ping: sock4.fd: 3 (socktype: SOCK_RAW), sock6.fd: 4 (socktype: SOCK_RAW), hints.ai_family: AF_UNSPEC\n\n");
                sys.out(format!("ai->ai_family: AF_INET, ai->ai_canonname: '{}'\n", config.host));
            }
            if !config.pattern.is_empty() {
                let digits: String = config.pattern.iter().map(|b| format!("{b:02x}")).collect();
                sys.out(format!("PATTERN: 0x{digits}\n"));
            }
            let size = config.size;
            let head = format!("PING {} ({target}){via} {size}({}) bytes of data.\n", config.host, size + 28);
            sys.out(head);
        }
        let now = sys.now();
        Ok(Self {
            socket,
            busybox,
            // An address as the operand turns names off, as with -n.
            numeric: config.numeric || busybox || inet_aton(&config.host).is_some(),
            started: now,
            last_sent: now,
            next_send: now,
            sent: 0,
            received: 0,
            duplicates: 0,
            errors: 0,
            pipe: 0,
            sent_at: BTreeMap::new(),
            answered: BTreeMap::new(),
            rtt: Rtt::default(),
            names: BTreeMap::new(),
            lines: std::collections::VecDeque::new(),
            naming: None,
        })
    }

    fn go_on(&mut self, sys: &mut Sys<'_>, config: &Config) -> Poll {
        self.receive(sys, config);
        self.print(sys, config);
        if sys.signal == Some(Signal::Int) {
            return self.finish(sys, config);
        }
        let now = sys.now();
        let deadline = config.deadline.map(|d| self.started + d);
        loop {
            let enough = config.count.is_some_and(|c| self.received + self.errors >= c);
            let over = deadline.is_some_and(|d| now >= d) || (deadline.is_some() && self.errors > 0);
            if over || enough && self.lines.is_empty() {
                return self.finish(sys, config);
            }
            let all_sent = config.count.is_some_and(|c| self.sent >= c) && deadline.is_none();
            if all_sent {
                let linger = if self.received > 0 {
                    Duration(self.rtt.max * 2_000).max(config.interval)
                } else {
                    config.linger
                };
                if now >= self.last_sent + linger && self.lines.is_empty() {
                    return self.finish(sys, config);
                }
                if now < self.last_sent + linger {
                    sys.wake_at(self.last_sent + linger);
                }
                break;
            }
            if now < self.next_send {
                sys.wake_at(self.next_send);
                break;
            }
            self.send(sys, config);
            // An error of the machine itself is there at once.
            self.receive(sys, config);
            self.print(sys, config);
        }
        if let Some(deadline) = deadline {
            sys.wake_at(deadline);
        }
        Poll::Pending
    }

    fn send(&mut self, sys: &mut Sys<'_>, config: &Config) {
        let now = sys.now();
        if config.options.has("-O") && self.sent > 0 && !self.answered.contains_key(&self.sent) {
            sys.out(format!("{}no answer yet for icmp_seq={}\n", stamp(sys, config), self.sent));
        }
        self.sent += 1;
        self.last_sent = now;
        let pause = if self.sent < config.preload { Duration(0) } else { config.interval };
        // A flood goes on with each answer, and a hundred times a second without.
        let pause = if config.flood { Duration::from_millis(10).min(pause) } else { pause };
        self.next_send = now + pause;
        if config.flood && !config.quiet {
            sys.out(".");
        }
        self.sent_at.insert(self.sent, now);
        if self.sent_at.len() > REMEMBERED {
            self.sent_at.pop_first();
            self.answered.pop_first();
        }
        // busybox counts from 0.
        let seq = (self.sent - u64::from(self.busybox)) as u16;
        let mut data = seq.to_be_bytes().to_vec();
        data.extend((0..config.size).map(|i| match config.pattern.as_slice() {
            [] => i as u8,
            pattern => pattern[i % pattern.len()],
        }));
        if let Err(e) = sys.ns.send(self.socket, &data, &mut sys.cx)
            && !config.quiet
        {
            let call = if self.busybox { "sendto" } else { "sendmsg" };
            sys.err(format!("ping: {call}: {e}\n"));
            if !self.busybox && e == Errno::MsgSize {
                // It is said once: what the socket knows of it as well is only counted.
                self.errors += u64::from(sys.ns.take_icmp_error(self.socket).is_some());
            }
        }
    }

    fn receive(&mut self, sys: &mut Sys<'_>, config: &Config) {
        while let Some(error) = sys.ns.take_icmp_error(self.socket) {
            self.errors += 1;
            self.outstanding(error.seq);
            if let (false, Some(after)) = (self.busybox, error_text(&error)) {
                let before = stamp(sys, config) + "From ";
                let after = format!(" icmp_seq={} {after}\n", error.seq);
                self.lines.push_back(Line { from: error.from, before, after });
            }
        }
        loop {
            match sys.ns.recv_from(self.socket) {
                Ok(datagram) => {
                    let Some((&seq, payload)) = datagram.data.split_first_chunk::<2>() else { continue };
                    let seq = u16::from_be_bytes(seq);
                    self.outstanding(seq);
                    let number = self.number_of(seq);
                    let sent_at = self.sent_at.get(&number).copied();
                    let duplicate = self.answered.insert(number, ()).is_some();
                    let bytes = payload.len() + 8;
                    let mut after = if self.busybox {
                        format!(": seq={seq} ttl={}", datagram.ttl)
                    } else {
                        format!(": icmp_seq={seq} ttl={}", datagram.ttl)
                    };
                    // The time of sending travels in the first 16 bytes.
                    if let (Some(at), true) = (sent_at, config.size >= 16) {
                        let micros = sys.now().since(at).0 / 1_000;
                        self.rtt.add(micros, self.received == 0);
                        after += &if self.busybox {
                            format!(" time={}.{:03} ms", micros / 1_000, micros % 1_000)
                        } else {
                            format!(" time={} ms", rtt_text(micros))
                        };
                    }
                    if duplicate {
                        self.duplicates += 1;
                        after += " (DUP!)";
                    } else {
                        self.received += 1;
                    }
                    let before = format!("{bytes} bytes from ");
                    if config.flood || config.options.has("-A") {
                        self.next_send = sys.now() + Duration::from_millis(2 * u64::from(!config.flood));
                    }
                    if config.flood && !config.quiet {
                        sys.out("\u{8} \u{8}");
                        continue;
                    }
                    if config.options.has("-a") {
                        after += "\u{7}";
                    }
                    let before = stamp(sys, config) + &before;
                    self.lines.push_back(Line { from: datagram.from.addr, before, after: after + "\n" });
                }
                Err(Errno::WouldBlock | Errno::BadFd) => break,
                // The details are in the error queue, which was read first.
                Err(_) => {}
            }
        }
        if config.quiet {
            self.lines.clear();
        }
    }

    /// The number of the request that `seq` belongs to: the latest with these 16 bits.
    fn number_of(&self, seq: u16) -> u64 {
        let latest = self.sent - u64::from(self.busybox);
        let back = (latest as u16).wrapping_sub(seq);
        self.sent.saturating_sub(u64::from(back))
    }

    /// How many requests were under way when an answer to `seq` came.
    fn outstanding(&mut self, seq: u16) {
        let latest = (self.sent - u64::from(self.busybox)) as u16;
        let behind = latest.wrapping_sub(seq);
        if behind < 0x7fff {
            self.pipe = self.pipe.max(behind + 1);
        }
    }

    /// Prints what waits, in order, as names become known.
    fn print(&mut self, sys: &mut Sys<'_>, config: &Config) {
        while let Some(line) = self.lines.front() {
            let from = line.from;
            if !self.numeric && !self.names.contains_key(&from) {
                let lookup = self.naming.get_or_insert_with(|| AddrLookup::new(from));
                let Some(found) = lookup.poll(sys) else { return };
                self.naming = None;
                let name = match found {
                    Ok(found) => format!("{} ({from})", found.name),
                    Err(_) => from.to_string(),
                };
                self.names.insert(from, name);
            }
            let name = self.names.get(&from).cloned().unwrap_or_else(|| from.to_string());
            let line = self.lines.pop_front().expect("there is a first line");
            if !config.quiet {
                sys.out(format!("{}{name}{}", line.before, line.after));
            }
        }
    }

    /// What is left to print goes out without names; then the statistics.
    fn finish(&mut self, sys: &mut Sys<'_>, config: &Config) -> Poll {
        if let Some(naming) = self.naming.take() {
            naming.cancel(sys);
        }
        for line in std::mem::take(&mut self.lines) {
            sys.out(format!("{}{}{}", line.before, line.from, line.after));
        }
        sys.ns.close(self.socket, &mut sys.cx);
        let text = if self.busybox { self.statistics_busybox(config) } else { self.statistics(config) };
        sys.out(text);
        let short = config.deadline.is_some() && config.count.is_some_and(|c| self.received < c);
        Poll::Exit(i32::from(self.received == 0 || short))
    }

    fn loss(&self) -> String {
        if self.sent == 0 {
            return "0".to_owned();
        }
        // Six significant digits without trailing zeros, as %g.
        let lost = self.sent.saturating_sub(self.received);
        let millionths = u128::from(lost) * 100 * 1_000_000 / u128::from(self.sent);
        let (whole, part) = ((millionths / 1_000_000) as u64, (millionths % 1_000_000) as u64);
        let digits = if whole >= 10 { 4 } else { 5 };
        let part = format!("{part:06}")[..digits].trim_end_matches('0').to_owned();
        if part.is_empty() { whole.to_string() } else { format!("{whole}.{part}") }
    }

    fn statistics(&self, config: &Config) -> String {
        let mut text = format!("\n--- {} ping statistics ---\n", config.host);
        text += &format!("{} packets transmitted, {} received", self.sent, self.received);
        for (n, what) in [(self.duplicates, "duplicates"), (self.errors, "errors")] {
            if n > 0 {
                text += &format!(", +{n} {what}");
            }
        }
        if self.sent > 0 {
            let took = (self.last_sent.since(self.started).0 + 500_000) / 1_000_000;
            text += &format!(", {}% packet loss, time {took}ms", self.loss());
        }
        text += "\n";
        let mut comma = "";
        if self.received > 0 && config.size >= 16 {
            text +=
                &format!("rtt min/avg/max/mdev = {} ms", self.rtt.summary(self.received + self.duplicates));
            comma = ", ";
        }
        if self.pipe > 1 {
            text += &format!("{comma}pipe {}", self.pipe);
        }
        text + "\n"
    }

    fn statistics_busybox(&self, config: &Config) -> String {
        let lost = self.sent.saturating_sub(self.received) * 100;
        let mut text = format!(
            "\n--- {} ping statistics ---\n{} packets transmitted, {} packets received, ",
            config.host, self.sent, self.received
        );
        if self.duplicates > 0 {
            text += &format!("{} duplicates, ", self.duplicates);
        }
        text += &format!("{}% packet loss\n", lost.checked_div(self.sent).unwrap_or(0));
        if self.received > 0 {
            let three = self.rtt.three(self.received + self.duplicates);
            text += &format!("round-trip min/avg/max = {three} ms\n");
        }
        text
    }
}

impl Rtt {
    fn add(&mut self, micros: u64, first: bool) {
        self.min = if first { micros } else { self.min.min(micros) };
        self.max = self.max.max(micros);
        self.sum += micros;
        self.squares = self.squares.saturating_add(micros.saturating_mul(micros));
    }
    fn three(self, n: u64) -> String {
        let ms = |v: u64| format!("{}.{:03}", v / 1_000, v % 1_000);
        format!("{}/{}/{}", ms(self.min), ms(self.sum / n.max(1)), ms(self.max))
    }
    fn summary(self, n: u64) -> String {
        let n = n.max(1);
        let mean = self.sum / n;
        let deviation = (self.squares / n).saturating_sub(mean.saturating_mul(mean)).isqrt();
        format!("{}/{}.{:03}", self.three(n), deviation / 1_000, deviation % 1_000)
    }
}

/// The time in front of a line, with `-D`.
fn stamp(sys: &Sys<'_>, config: &Config) -> String {
    let micros = sys.now().0 / 1_000;
    let text = || format!("[{}.{:06}] ", micros / 1_000_000, micros % 1_000_000);
    if config.options.has("-D") { text() } else { String::new() }
}

/// A time in milliseconds with three significant digits, as iputils prints it.
fn rtt_text(micros: u64) -> String {
    let (ms, part) = (micros / 1_000, micros % 1_000);
    match micros {
        99_950.. => format!("{}", (micros + 500) / 1_000),
        9_995.. => format!("{}.{}", (micros + 50) / 1_000, (micros + 50) % 1_000 / 100),
        1_000.. => format!("{}.{:02}", (micros + 5) / 1_000, (micros + 5) % 1_000 / 10),
        _ => format!("{ms}.{part:03}"),
    }
}

fn error_text(error: &IcmpError) -> Option<String> {
    icmp_text::describe(error.icmp_type, error.code, error.mtu)
}

fn bind_device(sys: &mut Sys<'_>, socket: SocketId, name: &str) -> Result<Ipv4Addr, Errno> {
    let device = sys.ns.device_named(name).ok_or(Errno::NoDev)?;
    let (name, addr) = (device.name, device.addrs.first().map(|a| a.addr()));
    sys.ns.set_option(socket, SocketOption::Device(name))?;
    let addr = addr.unwrap_or(Ipv4Addr::UNSPECIFIED);
    Ok(addr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits() {
        let table = [
            (4, "0.004"),
            (543, "0.543"),
            (1_005, "1.01"),
            (9_994, "9.99"),
            (9_996, "10.0"),
            (12_345, "12.3"),
            (99_950, "100"),
            (2_000_499, "2000"),
        ];
        for (micros, text) in table {
            assert_eq!(rtt_text(micros), text);
        }
    }

    #[test]
    fn mistakes_are_told_in_pings_words() {
        let words = |s: &str| s.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let table = [
            ("-z web", 2, "ping: invalid option -- 'z'\n"),
            ("-c", 2, "ping: option requires an argument -- 'c'\n"),
            ("-c x web", 1, "ping: invalid argument: 'x'\n"),
            ("-t 256 web", 1, "ping: invalid argument: '256': out of range: 0 <= value <= 255\n"),
            ("-n", 2, "ping: usage error: Destination address required\n"),
        ];
        for (line, exit, text) in table {
            let (code, message) = configure(&words(line)).unwrap_err();
            assert!(code == exit && message.starts_with(text), "{line}: {code} {message}");
        }
    }
}
