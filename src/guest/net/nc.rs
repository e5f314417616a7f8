//! `nc`: bytes to and from a TCP connection or a UDP socket, with the texts of netcat-openbsd.
//!
//! A terminal's stdin is at its end here: a client without a pipe only listens to what the other
//! side says. Not supported: Unix sockets, proxies, TLS, telnet negotiation, IPv6.

use std::net::Ipv4Addr;

use super::stream::Stream;
use crate::guest::dns::{AddrLookup, HostLookup};
use crate::guest::options::{Opt, OptError, Parsed, flag, parse, value};
use crate::guest::{Poll, Program, Signal, Sys};
use crate::netfilter::{service_name, service_port};
use crate::stack::{Errno, SocketId, SocketKind, SocketOption};
use crate::time::{Duration, Instant};
use crate::wire::Endpoint;

/// The options.
pub(super) const OPTIONS: &[Opt] = &[
    flag(&["-l"], "listen", "연결을 기다리기"),
    flag(&["-u"], "UDP instead of TCP", "TCP 대신 UDP"),
    flag(&["-z"], "only see whether a port is open", "포트가 열렸는지만 보기"),
    flag(&["-v"], "say what happens", "자세히"),
    flag(&["-n"], "no names", "이름 대신 숫자"),
    flag(&["-k"], "go on listening after a connection", "연결이 끝나도 계속 기다리기"),
    flag(&["-N"], "close the sending side at the end of the input", "입력이 끝나면 보내는 쪽 닫기"),
    flag(&["-d"], "do not read the input", "입력 읽지 않기"),
    value(&["-w"], "seconds", "give up after so long", "이 시간이 지나면 그만두기"),
    value(&["-q"], "seconds", "quit so long after the end of the input", "입력이 끝난 뒤 이 시간 후 종료"),
    value(&["-p"], "source_port", "own port", "자기 포트"),
    value(&["-s"], "sourceaddr", "own address", "자기 주소"),
    value(&["-M"], "ttl", "TTL of what is sent", "보내는 패킷의 TTL"),
    flag(&["-4"], "IPv4 only", "IPv4만"),
    flag(&["-h"], "help", "도움말"),
];

const USAGE: &str = "\
usage: nc [-46CDdFhklNnrStUuvZz] [-I length] [-i interval] [-M ttl]
\t  [-m minttl] [-O length] [-P proxy_username] [-p source_port]
\t  [-q seconds] [-s sourceaddr] [-T keyword] [-V rtable] [-W recvlimit]
\t  [-w timeout] [-X proxy_protocol] [-x proxy_address[:port]]
\t  [destination] [port]
";

/// How long a UDP probe waits for an ICMP error, and how often it asks (netcat.c, udptest).
const PROBE: Duration = Duration::from_secs(1);
/// Ports of one scan.
const MAX_PORTS: usize = 1024;
/// What is read at a time.
const CHUNK: usize = 16 * 1024;

/// The program.
#[derive(Debug, Clone)]
pub(super) struct Nc {
    config: Result<Config, (i32, String)>,
    /// Ports still to be tried, the next one last.
    ports: Vec<u16>,
    state: State,
    exit: i32,
}

#[derive(Debug, Clone)]
struct Config {
    options: Parsed,
    host: String,
    ports: Vec<u16>,
    own: Endpoint,
    wait: Option<Duration>,
    quit: Option<Duration>,
    ttl: Option<u8>,
}

#[derive(Debug, Clone)]
enum State {
    Start,
    Resolving(HostLookup),
    /// The next port is to be tried.
    Next(Ipv4Addr),
    Connecting {
        to: Endpoint,
        socket: SocketId,
        until: Option<Instant>,
    },
    Probing {
        to: Endpoint,
        socket: SocketId,
        until: Instant,
    },
    Listening(SocketId),
    /// Somebody has connected; the name is looked up.
    Naming {
        listener: SocketId,
        stream: Box<Stream>,
        peer: Endpoint,
        lookup: AddrLookup,
    },
    Talking(Box<Talk>),
}

/// A conversation under way.
#[derive(Debug, Clone)]
struct Talk {
    way: Way,
    /// Where more may come from (`-k`).
    listener: Option<SocketId>,
    last: Instant,
    /// When the input ended.
    input_ended: Option<Instant>,
    shut: bool,
}

#[derive(Debug, Clone)]
enum Way {
    Tcp(Stream),
    /// The peer of a listener that has heard nobody is None.
    Udp(SocketId, Option<Endpoint>),
}

impl Nc {
    /// From a command line.
    pub(super) fn start(argv: &[String]) -> Box<dyn Program> {
        let config = configure(argv.get(1..).unwrap_or_default());
        let mut ports = config.as_ref().map(|c| c.ports.clone()).unwrap_or_default();
        ports.reverse();
        Box::new(Self { config, ports, state: State::Start, exit: 1 })
    }
}

fn configure(args: &[String]) -> Result<Config, (i32, String)> {
    let usage = |text: String| (1, format!("{text}{USAGE}"));
    let options = parse(OPTIONS, args).map_err(|e| match e {
        OptError::Unknown(o) => usage(format!("nc: invalid option -- '{}'\n", o.trim_start_matches('-'))),
        e @ OptError::NoValue(_) => usage(format!("nc: {e}\n")),
    })?;
    if options.has("-h") {
        return Err((0, format!("OpenBSD netcat (Debian patchlevel 1.229-1)\n{USAGE}")));
    }
    let port = |text: &str| match text.parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        Ok(_) => Err((1, format!("nc: port number too small: {text}\n"))),
        Err(_) if text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() => {
            Err((1, format!("nc: port number too large: {text}\n")))
        }
        Err(_) => service_port(text).ok_or_else(|| (1, format!("nc: service \"{text}\" unknown\n"))),
    };
    let seconds = |name: &str| match options.get(name).map(|t| (t, t.parse::<u32>())) {
        None => Ok(None),
        Some((_, Ok(n))) => Ok(Some(Duration::from_secs(u64::from(n)))),
        Some((text, Err(_))) => Err((1, format!("nc: timeout invalid: {text}\n"))),
    };
    let mut own = Endpoint::new(Ipv4Addr::UNSPECIFIED, 0);
    if let Some(addr) = options.get("-s") {
        own.addr = addr.parse().map_err(|_| {
            (1, format!("nc: getaddrinfo for host \"{addr}\" port 0: Name or service not known\n"))
        })?;
    }
    if let Some(text) = options.get("-p") {
        own.port = port(text)?;
    }
    let ttl = match options.get("-M").map(|t| (t, t.parse::<u8>())) {
        None => None,
        Some((_, Ok(n))) if n > 0 => Some(n),
        Some((text, _)) => return Err((1, format!("nc: ttl is invalid: {text}\n"))),
    };
    let (mut host, mut ports) = (String::new(), Vec::new());
    match (options.operands.as_slice(), options.has("-l")) {
        ([], true) if own.port > 0 => {}
        ([one], true) if own.port > 0 => host.clone_from(one),
        ([one], true) => own.port = port(one)?,
        ([addr, text], true) => {
            own.port = port(text)?;
            host.clone_from(addr);
        }
        ([_], false) => return Err((1, "nc: missing port number\n".into())),
        ([name, text], false) => {
            host.clone_from(name);
            let (low, high) = text.split_once('-').unwrap_or((text, text));
            let (low, high) = (port(low)?, port(high)?);
            ports = (low.min(high)..=low.max(high)).take(MAX_PORTS).collect();
        }
        _ => return Err((1, USAGE.to_owned())),
    }
    if options.has("-l") && options.has("-z") {
        return Err((1, "nc: cannot use -z and -l\n".into()));
    }
    Ok(Config { host, ports, own, wait: seconds("-w")?, quit: seconds("-q")?, ttl, options })
}

impl Program for Nc {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        match sys.signal {
            Some(Signal::Term) => return Poll::Exit(143),
            Some(Signal::Int) => return Poll::Exit(130),
            _ => {}
        }
        let config = match &self.config {
            Ok(config) => config.clone(),
            Err((code, text)) => {
                sys.err(text.clone());
                return Poll::Exit(*code);
            }
        };
        loop {
            let next = match &mut self.state {
                State::Start if config.options.has("-l") => listen(sys, &config),
                State::Start => Ok(State::Resolving(HostLookup::new(&config.host))),
                State::Resolving(lookup) => match lookup.poll(sys) {
                    None => return Poll::Pending,
                    Some(Ok(found)) => Ok(State::Next(found.addrs[0])),
                    Some(Err(e)) => {
                        let port = config.ports.first().copied().unwrap_or(0);
                        let host = &config.host;
                        Err(format!("nc: getaddrinfo for host \"{host}\" port {port}: {e}\n"))
                    }
                },
                State::Next(addr) => match self.ports.pop() {
                    None => return Poll::Exit(self.exit),
                    Some(port) => connect(sys, &config, Endpoint::new(*addr, port)),
                },
                State::Connecting { to, socket, until } => match sys.ns.connect_result(*socket) {
                    None if until.is_some_and(|u| sys.now() >= u) => {
                        sys.ns.close(*socket, &mut sys.cx);
                        failed(sys, &config, *to, "timed out: Operation now in progress");
                        Ok(State::Next(to.addr))
                    }
                    None => {
                        until.iter().for_each(|u| sys.wake_at(*u));
                        return Poll::Pending;
                    }
                    Some(Ok(())) => {
                        self.exit = 0;
                        succeeded(sys, &config, *to);
                        if config.options.has("-z") {
                            sys.ns.close(*socket, &mut sys.cx);
                            Ok(State::Next(to.addr))
                        } else {
                            Ok(talk(sys, Way::Tcp(Stream::new(*socket)), None))
                        }
                    }
                    Some(Err(e)) => {
                        sys.ns.close(*socket, &mut sys.cx);
                        failed(sys, &config, *to, &format!("failed: {e}"));
                        Ok(State::Next(to.addr))
                    }
                },
                State::Probing { to, socket, until } => match sys.ns.recv_from(*socket) {
                    Err(Errno::WouldBlock) if sys.now() < *until => {
                        sys.wake_at(*until);
                        return Poll::Pending;
                    }
                    Err(e) if e != Errno::WouldBlock => {
                        // An unreachable port; nc says nothing about it.
                        sys.ns.close(*socket, &mut sys.cx);
                        Ok(State::Next(to.addr))
                    }
                    _ => {
                        self.exit = 0;
                        succeeded(sys, &config, *to);
                        sys.ns.close(*socket, &mut sys.cx);
                        Ok(State::Next(to.addr))
                    }
                },
                State::Listening(listener) => match sys.ns.accept(*listener) {
                    Err(_) => return Poll::Pending,
                    Ok(socket) => {
                        let peer = sys.ns.socket_info(socket).and_then(|i| i.remote);
                        let peer = peer.unwrap_or(Endpoint::new(Ipv4Addr::UNSPECIFIED, 0));
                        let (listener, stream) = (*listener, Box::new(Stream::new(socket)));
                        let lookup = AddrLookup::new(peer.addr);
                        Ok(State::Naming { listener, stream, peer, lookup })
                    }
                },
                State::Naming { listener, stream, peer, lookup } => {
                    let quiet = !config.options.has("-v") || config.options.has("-n");
                    let name = match quiet.then_some(None).or_else(|| lookup.poll(sys).map(Result::ok)) {
                        None => return Poll::Pending,
                        Some(found) => found.map_or_else(|| peer.addr.to_string(), |f| f.name),
                    };
                    if config.options.has("-v") {
                        sys.err(format!("Connection received on {name} {}\n", peer.port));
                    }
                    let again = config.options.has("-k");
                    if !again {
                        sys.ns.close(*listener, &mut sys.cx);
                    }
                    Ok(talk(sys, Way::Tcp((**stream).clone()), again.then_some(*listener)))
                }
                State::Talking(talk) => match talk.go_on(sys, &config) {
                    None => return Poll::Pending,
                    Some(_) if talk.listener.is_some() => {
                        Ok(State::Listening(talk.listener.expect("the guard has seen it")))
                    }
                    Some(exit) => return Poll::Exit(exit),
                },
            };
            match next {
                Ok(state) => self.state = state,
                Err(text) => {
                    sys.err(text);
                    return Poll::Exit(1);
                }
            }
        }
    }
    fn name(&self) -> &str {
        "nc"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

fn talk(sys: &Sys<'_>, way: Way, listener: Option<SocketId>) -> State {
    State::Talking(Box::new(Talk { way, listener, last: sys.now(), input_ended: None, shut: false }))
}

fn open(sys: &mut Sys<'_>, config: &Config, kind: SocketKind) -> Result<SocketId, String> {
    let socket = sys.ns.socket(Some(sys.pid), kind);
    if let Some(ttl) = config.ttl {
        // A new socket takes every option that is checked already.
        let _ = sys.ns.set_option(socket, SocketOption::Ttl(ttl));
    }
    if config.own.port > 0 || !config.own.addr.is_unspecified() {
        sys.ns.bind(socket, config.own).map_err(|e| {
            sys.ns.close(socket, &mut sys.cx);
            if config.options.has("-l") { format!("nc: {e}\n") } else { format!("nc: bind failed: {e}\n") }
        })?;
    }
    Ok(socket)
}

fn listen(sys: &mut Sys<'_>, config: &Config) -> Result<State, String> {
    let mut config = config.clone();
    if !config.host.is_empty() {
        config.own.addr = config.host.parse().map_err(|_| {
            let (host, port) = (&config.host, config.own.port);
            format!("nc: getaddrinfo for host \"{host}\" port {port}: Name or service not known\n")
        })?;
    }
    let udp = config.options.has("-u");
    let socket = open(sys, &config, if udp { SocketKind::Udp } else { SocketKind::Tcp })?;
    if !udp {
        sys.ns.listen(socket, 1, &mut sys.cx).map_err(|e| format!("nc: {e}\n"))?;
    }
    if config.options.has("-v") {
        let word = if udp { "Bound" } else { "Listening" };
        sys.err(format!("{word} on {} {}\n", config.own.addr, config.own.port));
    }
    Ok(if udp { talk(sys, Way::Udp(socket, None), None) } else { State::Listening(socket) })
}

fn connect(sys: &mut Sys<'_>, config: &Config, to: Endpoint) -> Result<State, String> {
    if config.options.has("-u") {
        let socket = open(sys, config, SocketKind::Udp)?;
        let probe = config.options.has("-z") || config.options.has("-v");
        let sent = sys.ns.connect(socket, to, &mut sys.cx).and_then(|()| {
            if config.options.has("-z") { sys.ns.send(socket, b"X", &mut sys.cx).map(|_| ()) } else { Ok(()) }
        });
        if let Err(e) = sent {
            failed(sys, config, to, &format!("failed: {e}"));
            sys.ns.close(socket, &mut sys.cx);
            return Ok(State::Next(to.addr));
        }
        if config.options.has("-z") {
            return Ok(State::Probing { to, socket, until: sys.now() + PROBE });
        }
        if probe {
            succeeded(sys, config, to);
        }
        return Ok(talk(sys, Way::Udp(socket, Some(to)), None));
    }
    let socket = open(sys, config, SocketKind::Tcp)?;
    match sys.ns.connect(socket, to, &mut sys.cx) {
        Ok(()) | Err(Errno::InProgress) => {
            let until = config.wait.map(|w| sys.now() + w);
            Ok(State::Connecting { to, socket, until })
        }
        Err(e) => {
            sys.ns.close(socket, &mut sys.cx);
            failed(sys, config, to, &format!("failed: {e}"));
            Ok(State::Next(to.addr))
        }
    }
}

/// `example.com (93.184.216.34)`, or the address alone.
fn shown(config: &Config, to: Endpoint) -> String {
    let addr = to.addr.to_string();
    if config.host == addr || config.options.has("-n") { addr } else { format!("{} ({addr})", config.host) }
}

fn succeeded(sys: &mut Sys<'_>, config: &Config, to: Endpoint) {
    if config.options.has("-v") {
        let proto = if config.options.has("-u") { "udp" } else { "tcp" };
        let name = service_name(to.port).filter(|_| !config.options.has("-n")).unwrap_or("*");
        sys.err(format!(
            "Connection to {} {} port [{proto}/{name}] succeeded!\n",
            shown(config, to),
            to.port
        ));
    }
}

fn failed(sys: &mut Sys<'_>, config: &Config, to: Endpoint, why: &str) {
    if config.options.has("-v") {
        let proto = if config.options.has("-u") { "udp" } else { "tcp" };
        sys.err(format!("nc: connect to {} port {} ({proto}) {why}\n", shown(config, to), to.port));
    }
}

impl Talk {
    /// Some: it is over, with this status.
    fn go_on(&mut self, sys: &mut Sys<'_>, config: &Config) -> Option<i32> {
        let now = sys.now();
        self.send_input(sys, config);
        let over = match &mut self.way {
            Way::Tcp(stream) => {
                let read = stream.fill(sys, CHUNK);
                if !stream.input.is_empty() {
                    let text = String::from_utf8_lossy(&std::mem::take(&mut stream.input)).into_owned();
                    sys.out(text);
                    self.last = now;
                }
                // A reset ends it like an end does.
                let gone = read.is_err() || stream.flush(sys).is_err();
                gone || stream.ended
            }
            Way::Udp(socket, peer) => loop {
                match sys.ns.recv_from(*socket) {
                    Ok(d) => {
                        if peer.is_none() {
                            if config.options.has("-v") {
                                sys.err(format!("Connection received on {} {}\n", d.from.addr, d.from.port));
                            }
                            // The first who says something is the one that is talked with.
                            *peer = (!config.options.has("-k")).then_some(d.from);
                            if peer.is_some() && sys.ns.connect(*socket, d.from, &mut sys.cx).is_err() {
                                break true;
                            }
                        }
                        sys.out(String::from_utf8_lossy(&d.data).into_owned());
                        self.last = now;
                    }
                    Err(Errno::WouldBlock) => break false,
                    Err(_) => break true,
                }
            },
        };
        // A listener may have found its peer just now.
        self.send_input(sys, config);
        let mut alarms = Vec::new();
        // -w counts from the last byte, and not for whoever still waits for a first one.
        let heard = !matches!(self.way, Way::Udp(_, None));
        alarms.extend(config.wait.filter(|_| heard).map(|w| self.last + w));
        let ended = self.input_ended;
        alarms.extend(config.quit.and_then(|q| Some(ended? + q)));
        if over || alarms.iter().any(|at| now >= *at) {
            match &self.way {
                Way::Tcp(stream) => stream.close(sys),
                Way::Udp(socket, _) => sys.ns.close(*socket, &mut sys.cx),
            }
            return Some(0);
        }
        alarms.into_iter().for_each(|at| sys.wake_at(at));
        None
    }

    fn send_input(&mut self, sys: &mut Sys<'_>, config: &Config) {
        if config.options.has("-d") || matches!(self.way, Way::Udp(_, None)) {
            return;
        }
        let data = std::mem::take(&mut sys.stdin.data);
        if !data.is_empty() {
            self.last = sys.now();
            match &mut self.way {
                Way::Tcp(stream) => stream.write(data.as_bytes()),
                Way::Udp(socket, _) => {
                    // What cannot be sent is told by the next receive.
                    let _ = sys.ns.send(*socket, data.as_bytes(), &mut sys.cx);
                }
            }
        }
        if sys.stdin.closed && self.input_ended.is_none() {
            self.input_ended = Some(sys.now());
        }
        if let Way::Tcp(stream) = &mut self.way
            && self.input_ended.is_some()
            && config.options.has("-N")
            && !self.shut
            && stream.flush(sys) == Ok(true)
        {
            self.shut = true;
            sys.ns.shutdown(stream.socket, &mut sys.cx);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wrong_words_are_refused_as_netcat_refuses_them() {
        for (line, expect) in [
            ("", "usage: nc"),
            ("host", "nc: missing port number\n"),
            ("host 0", "nc: port number too small: 0\n"),
            ("host 70000", "nc: port number too large: 70000\n"),
            ("host nosuch", "nc: service \"nosuch\" unknown\n"),
            ("-y host 80", "nc: invalid option -- 'y'\nusage: nc"),
            ("-w x host 80", "nc: timeout invalid: x\n"),
            ("-lz 80", "nc: cannot use -z and -l\n"),
        ] {
            let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            let (code, text) = configure(&args).unwrap_err();
            assert!(code == 1 && text.starts_with(expect), "{line}: {text}");
        }
    }

    proptest! {
        #[test]
        fn any_command_line_is_read_or_refused(args in proptest::collection::vec("-?\\PC{0,8}", 0..6)) {
            let _ = configure(&args);
        }
    }
}
