//! `traceroute`: probes with growing TTL, sixteen at a time, with the texts of Dmitry Butskoy's traceroute
//! 2.1 (Debian's): UDP to ports from 33434, UDP to one port (`-U`), echo requests (`-I`) or SYNs (`-T`).
//!
//! Not supported: AS look-ups, source routes, IPv6. A connection that a SYN opens is closed, not reset.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::usage::{self, Early};
use crate::guest::dns::{AddrLookup, HostLookup};
use crate::guest::options::{Opt, OptError, Parsed, flag, parse, value};
use crate::guest::{Poll, Program, Signal, Sys};
use crate::stack::{Errno, IcmpError, SocketId, SocketKind, SocketOption};
use crate::time::{Duration, Instant};
use crate::wire::Endpoint;

/// The options of `traceroute`.
pub(super) const OPTIONS: &[Opt] = &[
    flag(&["-4"], "Use IPv4", "IPv4 사용"),
    value(&["-f", "--first"], "first_ttl", "Start from the first_ttl hop (instead from 1)", "시작할 TTL"),
    value(&["-m", "--max-hops"], "max_ttl", "Set the max number of hops (default is 30)", "최대 홉 수"),
    flag(&["-n"], "Do not resolve IP addresses to their domain names", "주소를 이름으로 바꾸지 않음"),
    value(
        &["-N", "--sim-queries"],
        "squeries",
        "Number of probes to be tried simultaneously",
        "동시에 보낼 수",
    ),
    flag(&["-I", "--icmp"], "Use ICMP ECHO for tracerouting", "ICMP 에코로 추적"),
    flag(&["-T", "--tcp"], "Use TCP SYN for tracerouting (default port is 80)", "TCP SYN으로 추적"),
    flag(
        &["-U", "--udp"],
        "Use UDP to particular port for tracerouting (default port is 53)",
        "한 UDP 포트로 추적",
    ),
    value(&["-M", "--module"], "name", "Use specified module for traceroute operations", "추적 방식"),
    flag(&["-F", "--dont-fragment"], "Do not fragment packets", "나누지 않음"),
    value(&["-i", "--interface"], "device", "Specify a network interface to operate with", "나갈 인터페이스"),
    value(&["-s", "--source"], "src_addr", "Use source src_addr for outgoing packets", "출발지 주소"),
    value(&["-z", "--sendwait"], "sendwait", "Minimal time interval between probes", "보내는 간격"),
    value(&["-t", "--tos"], "tos", "Set the TOS (IPv4 type of service)", "서비스 등급"),
    flag(&["-e", "--extensions"], "Show ICMP extensions (if present), including MPLS", "ICMP 확장 표시"),
    flag(&["-V", "--version"], "Print version info and exit", "버전"),
    value(&["-p", "--port"], "port", "Set the destination port to use", "시작 목적지 포트"),
    value(&["-q", "--queries"], "nqueries", "Number of probes per each hop (default is 3)", "홉마다 보낼 수"),
    value(&["-w", "--wait"], "seconds", "Wait for a probe no more than this", "응답을 기다릴 시간(초)"),
    flag(&["--help"], "Read this help and exit", "도움말"),
];

/// IPv4's and UDP's headers and 32 bytes of data.
const PACKET_LEN: usize = 60;
/// Stands for "say it as a mistake, and end well".
const HELP: i32 = -1;
/// The longest packet that may be asked for.
const MAX_PACKET: usize = 65000;
/// A probe waits no more than so many times as long as another of its hop, or of a later one
/// (the HERE and NEAR factors of `-w`), plus a millisecond.
const HERE: u64 = 3;
const NEAR: u64 = 10;

/// The program.
#[derive(Debug, Clone)]
pub(super) struct Traceroute {
    config: Result<Config, Early>,
    state: State,
}

#[derive(Debug, Clone)]
struct Config {
    host: String,
    first: usize,
    hops: usize,
    queries: usize,
    at_once: usize,
    method: Method,
    port: Option<u16>,
    len: usize,
    wait: Duration,
    numeric: bool,
    whole: bool,
    device: Option<String>,
    source: Option<String>,
}

/// What the probes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    /// UDP, to a port of its own for each.
    Ports,
    /// UDP, all to one port.
    Udp,
    /// Echo requests of one socket.
    Icmp,
    /// Openings of TCP connections.
    Tcp,
}

#[derive(Debug, Clone)]
enum State {
    Start,
    Resolving(HostLookup),
    Running(Run),
}

#[derive(Debug, Clone)]
struct Run {
    target: Ipv4Addr,
    probes: Vec<Probe>,
    /// Probes from here on are not sent.
    end: usize,
    printed: usize,
    names: BTreeMap<Ipv4Addr, String>,
    naming: Option<AddrLookup>,
    /// The socket of all echo requests.
    echo: Option<SocketId>,
}

#[derive(Debug, Clone, Default)]
struct Probe {
    sent: Option<Instant>,
    socket: Option<SocketId>,
    done: bool,
    answer: Option<(Ipv4Addr, Duration)>,
    flag: String,
    last: bool,
}

impl Traceroute {
    /// From a command line.
    pub(super) fn start(argv: &[String]) -> Box<dyn Program> {
        Box::new(Self { config: configure(argv.get(1..).unwrap_or_default()), state: State::Start })
    }
}

fn configure(args: &[String]) -> Result<Config, Early> {
    let usage = || {
        usage::options_text(
            "Usage:\n  traceroute [ -n ] [ -f first_ttl ] [ -m max_ttl ] [ -q nqueries ] [ -w wait ] host\nOptions:\n",
            OPTIONS,
        )
    };
    let options = parse(OPTIONS, args).map_err(|e| (2, format!("{}\n", bad_option(args, &e))))?;
    if options.has("--help") {
        return Err((0, usage()));
    }
    if options.has("-V") {
        let text = "Modern traceroute for Linux, version 2.1.6\n\
                    Copyright (c) 2016  Dmitry Butskoy,   License: GPL v2 or any later\n";
        return Err((HELP, text.to_owned()));
    }
    let Some(host) = options.operands.first().cloned() else {
        // Without a word it explains itself; with options alone something is missing.
        let text = "Specify \"host\" missing argument.\n";
        return Err(if args.is_empty() { (HELP, usage()) } else { (2, text.to_owned()) });
    };
    let hops = number(args, &options, "-m", 30)?;
    let first = number(args, &options, "-f", 1)?;
    let queries = number(args, &options, "-q", 3)?;
    let refuse = |text: &str| Err((2, format!("{text}\n")));
    if hops > 255 {
        return refuse("max hops cannot be more than 255");
    }
    if first == 0 || first > hops {
        return refuse("first hop out of range");
    }
    if queries == 0 || queries > 10 {
        return refuse("no more than 10 probes per hop");
    }
    let wait = options.get("-w").map(|w| w.split(',').next().unwrap_or(w).parse::<f64>());
    let wait = match wait {
        None => 5.0,
        Some(Ok(w)) if w.is_finite() && w >= 0.0 => w,
        Some(_) => return refuse("bad wait seconds specified"),
    };
    let method = match options.get("-M") {
        _ if options.has("-I") => Method::Icmp,
        _ if options.has("-T") => Method::Tcp,
        _ if options.has("-U") => Method::Udp,
        None | Some("default") => Method::Ports,
        Some("icmp") => Method::Icmp,
        Some("tcp") => Method::Tcp,
        Some("udp") => Method::Udp,
        Some(name) => return refuse(&format!("Unknown traceroute module {name}")),
    };
    let len = match options.operands.get(1).map(|l| (l, l.parse::<usize>())) {
        None => PACKET_LEN,
        Some((_, Ok(len))) if len > MAX_PACKET => {
            return refuse(&format!("too big packetlen {len} specified"));
        }
        Some((_, Ok(len))) => len.max(28),
        Some((text, Err(_))) => {
            let position = args.iter().position(|a| a == text).map_or(1, |p| p + 1);
            let text =
                format!("Cannot handle \"packetlen\" cmdline arg `{text}' on position 2 (argc {position})");
            return refuse(&text);
        }
    };
    let port = options.get("-p").map(|_| number(args, &options, "-p", 0)).transpose()?;
    Ok(Config {
        host,
        first,
        hops,
        queries,
        at_once: number(args, &options, "-N", 16)?.max(1),
        method,
        port: port.map(|p| p as u16),
        len: if method == Method::Tcp { PACKET_LEN } else { len },
        whole: options.has("-F"),
        device: options.get("-i").map(str::to_owned),
        source: options.get("-s").map(str::to_owned),
        wait: Duration::from_secs_f64(wait),
        numeric: options.has("-n"),
    })
}

fn bad_option(args: &[String], e: &OptError) -> String {
    let (OptError::Unknown(o) | OptError::NoValue(o)) = e;
    let position = args.iter().position(|a| a.contains(o.as_str())).map_or(1, |p| p + 1);
    let dashed = if o.starts_with('-') { o.clone() } else { format!("-{o}") };
    match e {
        OptError::Unknown(_) => {
            format!("Bad option `{dashed}' (argc {position})")
        }
        OptError::NoValue(_) => {
            let value = OPTIONS.iter().find(|o| o.names.contains(&dashed.as_str())).map_or("", |o| o.value);
            format!("Option `{dashed}' (argc {position}) requires an argument: `{dashed} {value}'")
        }
    }
}

fn number(args: &[String], options: &Parsed, name: &str, default: usize) -> Result<usize, Early> {
    let Some(text) = options.get(name) else { return Ok(default) };
    let position = args.iter().position(|a| a.ends_with(text)).map_or(1, |p| p + 1);
    text.parse()
        .map_err(|_| (2, format!("Cannot handle `{name}' option with arg `{text}' (argc {position})\n")))
}

impl Program for Traceroute {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        match sys.signal {
            Some(Signal::Term) => return Poll::Exit(143),
            Some(Signal::Int) => return Poll::Exit(130),
            _ => {}
        }
        let config = match &self.config {
            Ok(config) => config,
            Err((HELP, text)) => {
                sys.err(text.clone());
                return Poll::Exit(0);
            }
            Err(early) => return usage::leave(sys, early),
        };
        loop {
            match &mut self.state {
                State::Start => self.state = State::Resolving(HostLookup::new(&config.host)),
                State::Resolving(lookup) => match lookup.poll(sys) {
                    None => return Poll::Pending,
                    Some(Err(e)) => {
                        let host = &config.host;
                        sys.err(format!(
                            "{host}: {e}\nCannot handle \"host\" cmdline arg `{host}' on position 1 (argc 1)\n"
                        ));
                        return Poll::Exit(2);
                    }
                    Some(Ok(found)) => {
                        let target = found.addrs[0];
                        sys.out(format!(
                            "traceroute to {} ({target}), {} hops max, {} byte packets",
                            config.host, config.hops, config.len
                        ));
                        let probes = vec![Probe::default(); config.hops * config.queries];
                        self.state = State::Running(Run {
                            target,
                            end: probes.len(),
                            printed: (config.first - 1) * config.queries,
                            probes,
                            names: BTreeMap::new(),
                            naming: None,
                            echo: None,
                        });
                    }
                },
                State::Running(run) => return run.go_on(sys, config),
            }
        }
    }
    fn name(&self) -> &str {
        "traceroute"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

impl Run {
    fn go_on(&mut self, sys: &mut Sys<'_>, config: &Config) -> Poll {
        let first = (config.first - 1) * config.queries;
        for i in first..self.end {
            self.collect(sys, config, i);
        }
        loop {
            let mut under_way = 0;
            let mut next = None;
            for i in first..self.end {
                match self.probes[i].sent {
                    Some(_) if self.probes[i].done => {}
                    Some(sent) => {
                        let due = sent + self.patience(config, i);
                        if sys.now() >= due {
                            self.close(sys, i);
                        } else {
                            sys.wake_at(due);
                            under_way += 1;
                        }
                    }
                    None => {
                        next = next.or(Some(i));
                        break;
                    }
                }
            }
            match next {
                Some(i) if under_way < config.at_once => {
                    if let Err(text) = self.send(sys, config, i) {
                        sys.err(format!("\n{text}\n"));
                        return Poll::Exit(1);
                    }
                    self.collect(sys, config, i);
                }
                _ => break,
            }
        }
        self.print(sys, config)
    }

    /// A socket for a probe, set up as the options say.
    fn open(&self, sys: &mut Sys<'_>, config: &Config, ttl: u8, port: u16) -> Result<SocketId, String> {
        let kind = match config.method {
            Method::Ports | Method::Udp => SocketKind::Udp,
            Method::Icmp => SocketKind::Ping,
            Method::Tcp => SocketKind::Tcp,
        };
        let socket = sys.ns.socket(Some(sys.pid), kind);
        let told = |call: &'static str| move |e: Errno| format!("{call}: {e}");
        let options =
            [SocketOption::Ttl(ttl), SocketOption::RecvErr(true), SocketOption::DontFragment(config.whole)];
        for option in options {
            sys.ns.set_option(socket, option).map_err(told("setsockopt"))?;
        }
        if let Some(device) = &config.device {
            let name = device.parse().map_err(|_| Errno::NoDev);
            name.and_then(|name| sys.ns.set_option(socket, SocketOption::Device(name)))
                .map_err(told("setsockopt SO_BINDTODEVICE"))?;
        }
        if let Some(source) = config.source.as_ref().and_then(|s| s.parse().ok()) {
            sys.ns.bind(socket, Endpoint::new(source, 0)).map_err(told("bind"))?;
        }
        match sys.ns.connect(socket, Endpoint::new(self.target, port), &mut sys.cx) {
            Ok(()) | Err(Errno::InProgress) => Ok(socket),
            Err(e) => Err(format!("connect: {e}")),
        }
    }

    fn send(&mut self, sys: &mut Sys<'_>, config: &Config, i: usize) -> Result<(), String> {
        let ttl = u8::try_from(i / config.queries + 1).unwrap_or(u8::MAX);
        let port = match config.method {
            Method::Ports => config.port.unwrap_or(33434).wrapping_add(i as u16),
            Method::Udp => config.port.unwrap_or(53),
            Method::Icmp => 0,
            Method::Tcp => config.port.unwrap_or(80),
        };
        let socket = match self.echo {
            Some(socket) => socket,
            None => self.open(sys, config, ttl, port)?,
        };
        let mut data = Vec::new();
        if config.method == Method::Icmp {
            self.echo = Some(socket);
            let _ = sys.ns.set_option(socket, SocketOption::Ttl(ttl));
            data.extend((i as u16 + 1).to_be_bytes());
        }
        data.extend((0..config.len - 28).map(|n| 0x40 + (n & 0x3f) as u8));
        let probe = &mut self.probes[i];
        probe.socket = Some(socket);
        probe.sent = Some(sys.now());
        if config.method != Method::Tcp {
            // A probe that cannot be sent now is one that nobody answers.
            let _ = sys.ns.send(socket, &data, &mut sys.cx);
        }
        Ok(())
    }

    /// Looks for the answer to a probe.
    fn collect(&mut self, sys: &mut Sys<'_>, config: &Config, i: usize) {
        let Some(socket) = self.probes[i].socket else { return };
        // Of the echo requests each error and each reply says which it is about.
        while let Some(error) = sys.ns.take_icmp_error(socket) {
            let about =
                if config.method == Method::Icmp { usize::from(error.seq).wrapping_sub(1) } else { i };
            let (flag, last) = judge(&error);
            self.answered(sys, config, about, error.from, flag, last);
        }
        if config.method == Method::Tcp {
            // Open or refused: the target itself spoke.
            if matches!(sys.ns.connect_result(socket), Some(Ok(()) | Err(Errno::ConnRefused))) {
                self.answered(sys, config, i, self.target, String::new(), true);
            }
            return;
        }
        while let Ok(datagram) = sys.ns.recv_from(socket) {
            // Somebody does serve that port, or echoes.
            let seq = datagram.data.first_chunk::<2>().map_or(0, |s| usize::from(u16::from_be_bytes(*s)));
            let about = if config.method == Method::Icmp { seq.wrapping_sub(1) } else { i };
            self.answered(sys, config, about, datagram.from.addr, String::new(), true);
            if config.method != Method::Icmp {
                break;
            }
        }
    }

    /// Notes what came for a probe.
    fn answered(
        &mut self,
        sys: &mut Sys<'_>,
        config: &Config,
        i: usize,
        from: Ipv4Addr,
        flag: String,
        last: bool,
    ) {
        let now = sys.now();
        let Some(probe) = self.probes.get_mut(i) else { return };
        let (Some(sent), false) = (probe.sent, probe.done) else { return };
        // What the machine itself refuses comes from nowhere.
        probe.answer =
            Some((from, now.since(sent))).filter(|_| !flag.starts_with("!F") || !sys.ns.is_local(from));
        (probe.flag, probe.last) = (flag, last);
        if last {
            let end = (i / config.queries + 1) * config.queries;
            for j in end..self.end {
                self.close(sys, j);
            }
            self.end = self.end.min(end);
        }
        self.close(sys, i);
    }

    fn close(&mut self, sys: &mut Sys<'_>, i: usize) {
        self.probes[i].done = true;
        if let Some(socket) = self.probes[i].socket.take().filter(|s| self.echo != Some(*s)) {
            sys.ns.close(socket, &mut sys.cx);
        }
    }

    /// How long to wait for a probe, by how fast its neighbours were answered.
    fn patience(&self, config: &Config, i: usize) -> Duration {
        let hop = i / config.queries * config.queries;
        let time = |p: &Probe| p.answer.map(|(_, took)| took);
        let scaled = |took: Duration, factor: u64| (took + Duration::from_millis(1)).times(factor);
        let here = self.probes[hop..hop + config.queries].iter().find_map(time);
        let near = || self.probes[i + 1..self.end.max(i + 1)].iter().find_map(time);
        match (here, here.is_none().then(near).flatten()) {
            (Some(took), _) => scaled(took, HERE).min(config.wait),
            (None, Some(took)) => scaled(took, NEAR).min(config.wait),
            (None, None) => config.wait,
        }
    }

    /// Prints the probes whose turn it is.
    fn print(&mut self, sys: &mut Sys<'_>, config: &Config) -> Poll {
        while self.printed < self.end {
            let i = self.printed;
            if !self.probes[i].done {
                return Poll::Pending;
            }
            let mut text = String::new();
            let in_hop = i % config.queries;
            if in_hop == 0 {
                text += &format!("\n{:2} ", i / config.queries + 1);
            }
            match self.probes[i].answer {
                None if !self.probes[i].flag.is_empty() => text += &format!(" * {}", self.probes[i].flag),
                None => text += " *",
                Some((from, took)) => {
                    let before = if in_hop == 0 { None } else { self.probes[i - 1].answer };
                    if before.map(|(a, _)| a) != Some(from) {
                        let Some(name) = self.name_of(sys, config, from) else { return Poll::Pending };
                        text += &format!(" {name}");
                    }
                    let micros = took.0 / 1_000;
                    text += &format!("  {}.{:03} ms", micros / 1_000, micros % 1_000);
                    if !self.probes[i].flag.is_empty() {
                        text += &format!(" {}", self.probes[i].flag);
                    }
                }
            }
            self.printed += 1;
            sys.out(text);
        }
        sys.out("\n");
        Poll::Exit(0)
    }

    /// `name (address)`; None while the name is being looked up.
    fn name_of(&mut self, sys: &mut Sys<'_>, config: &Config, addr: Ipv4Addr) -> Option<String> {
        if config.numeric {
            return Some(addr.to_string());
        }
        if let Some(name) = self.names.get(&addr) {
            return Some(name.clone());
        }
        let lookup = self.naming.get_or_insert_with(|| AddrLookup::new(addr));
        let found = lookup.poll(sys)?;
        self.naming = None;
        let name = found.map_or_else(|_| addr.to_string(), |f| f.name);
        let text = format!("{name} ({addr})");
        self.names.insert(addr, text.clone());
        Some(text)
    }
}

/// The mark behind a probe's time, and whether the way ends there (parse_icmp_res in traceroute.c).
fn judge(error: &IcmpError) -> (String, bool) {
    match (error.icmp_type, error.code) {
        (11, _) => (String::new(), false),
        (3, 3) => (String::new(), true),
        (3, 0 | 6 | 8 | 11) => ("!N".to_owned(), true),
        (3, 1 | 7 | 12) => ("!H".to_owned(), true),
        (3, 2) => ("!P".to_owned(), true),
        (3, 4) => (format!("!F-{}", error.mtu), true),
        (3, 5) => ("!S".to_owned(), true),
        (3, 9 | 10 | 13) => ("!X".to_owned(), true),
        (3, 14) => ("!V".to_owned(), true),
        (3, 15) => ("!C".to_owned(), true),
        (_, code) => (format!("!<{code}>"), true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_follow_the_icmp_code() {
        let error = |icmp_type, code| IcmpError {
            from: Ipv4Addr::LOCALHOST,
            icmp_type,
            code,
            mtu: 1400,
            dst: Endpoint::new(Ipv4Addr::LOCALHOST, 1),
            seq: 0,
            ttl: 64,
        };
        let table = [
            (11, 0, "", false),
            (3, 3, "", true),
            (3, 1, "!H", true),
            (3, 4, "!F-1400", true),
            (3, 13, "!X", true),
        ];
        for (icmp_type, code, flag, last) in table {
            assert_eq!(judge(&error(icmp_type, code)), (flag.to_owned(), last));
        }
    }

    #[test]
    fn options_out_of_range_are_refused() {
        let words = |s: &str| s.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for line in ["-m 256 x", "-f 9 -m 3 x", "-q 11 x", "-w x x", "-m x x", "--what x"] {
            assert_eq!(configure(&words(line)).unwrap_err().0, 2, "{line}");
        }
        assert_eq!(configure(&words("-n -q 1 -w 1 -m 8 10.0.0.1")).unwrap().hops, 8);
    }
}
