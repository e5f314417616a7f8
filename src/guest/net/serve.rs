//! `serve`: answers each request with one line of JSON that says who asked and how the request
//! arrived (peer address and TTL), so that a learner sees what NAT did. And `udpq`, which asks it
//! over UDP.

use std::net::Ipv4Addr;

use serde_json::json;

use super::listener::{any, open};
use super::stream::Stream;
use crate::guest::dns::HostLookup;
use crate::guest::{Poll, Program, Signal, Sys};
use crate::stack::{Errno, SocketId, SocketKind};
use crate::time::{Duration, Instant};
use crate::wire::{Endpoint, Protocol};

/// A client has so long to say what it wants.
const PATIENCE: Duration = Duration::from_secs(3);
/// No more of a request is read.
const MAX_REQUEST: usize = 4096;

/// The server. Its operands: `tcp:PORT`, `tcp:ADDR:PORT`, `udp:…`; `tcp6:…` is passed over with a
/// word, since IPv6 is left out.
#[derive(Debug, Clone)]
pub(super) struct Serve {
    specs: Vec<String>,
    started: bool,
    listeners: Vec<SocketId>,
    datagrams: Vec<SocketId>,
    clients: Vec<Client>,
}

#[derive(Debug, Clone)]
struct Client {
    stream: Stream,
    deadline: Instant,
    answered: bool,
}

impl Serve {
    /// From a command line.
    pub(super) fn start(argv: &[String]) -> Box<dyn Program> {
        let mut specs = argv.get(1..).unwrap_or_default().to_vec();
        if specs.is_empty() {
            specs.push("tcp:80".to_owned());
        }
        Box::new(Self {
            specs,
            started: false,
            listeners: Vec::new(),
            datagrams: Vec::new(),
            clients: Vec::new(),
        })
    }

    fn open_all(&mut self, sys: &mut Sys<'_>) -> Result<(), i32> {
        self.started = true;
        for spec in self.specs.clone() {
            if spec.starts_with("tcp6:") || spec.starts_with("udp6:") {
                sys.err(format!("serve: {spec}: IPv6 is not supported\n"));
                continue;
            }
            let Some((proto, at)) = parse_spec(&spec) else {
                sys.err(format!("serve: {spec}: not tcp:PORT, tcp:ADDR:PORT, udp:PORT or udp:ADDR:PORT\n"));
                return Err(2);
            };
            match open(sys, proto, at, 64) {
                Ok(socket) if proto == Protocol::Tcp => self.listeners.push(socket),
                Ok(socket) => self.datagrams.push(socket),
                Err(e) => {
                    sys.err(format!("serve: bind {spec}: {e}\n"));
                    return Err(98);
                }
            }
            sys.out(format!("listening {spec}\n"));
        }
        Ok(())
    }

    fn answer_datagrams(&self, sys: &mut Sys<'_>) {
        for &socket in &self.datagrams {
            loop {
                match sys.ns.recv_from(socket) {
                    Ok(d) => {
                        let body = json!({
                            "server": server_name(sys),
                            "peer": d.from.addr.to_string(),
                            "peer_port": d.from.port,
                            "ttl": d.ttl,
                            "bytes": d.data.len(),
                        });
                        // A peer out of reach goes without its answer.
                        let _ = sys.ns.send_to(socket, d.from, python_json(&body).as_bytes(), &mut sys.cx);
                    }
                    Err(Errno::WouldBlock | Errno::BadFd) => break,
                    Err(_) => {}
                }
            }
        }
    }

    fn accept_all(&mut self, sys: &mut Sys<'_>) {
        for &listener in &self.listeners {
            while let Ok(socket) = sys.ns.accept(listener) {
                let deadline = sys.now() + PATIENCE;
                self.clients.push(Client { stream: Stream::new(socket), deadline, answered: false });
            }
        }
    }
}

impl Client {
    /// True when done with.
    fn go_on(&mut self, sys: &mut Sys<'_>) -> bool {
        if self.stream.fill(sys, MAX_REQUEST).is_err() {
            return true;
        }
        let input = &self.stream.input;
        let complete = input.windows(4).any(|w| w == b"\r\n\r\n") || input.len() >= MAX_REQUEST;
        if !self.answered && (complete || self.stream.ended) {
            self.answered = true;
            let response = response(sys, &self.stream);
            self.stream.write(response.as_bytes());
        }
        match self.stream.flush(sys) {
            Ok(true) if self.answered => true,
            Err(_) => true,
            _ if sys.now() >= self.deadline => true,
            _ => {
                sys.wake_at(self.deadline);
                false
            }
        }
    }
}

impl Program for Serve {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        match sys.signal {
            Some(Signal::Term) => return Poll::Exit(0),
            Some(Signal::Int) => return Poll::Exit(130),
            _ => {}
        }
        if !self.started
            && let Err(code) = self.open_all(sys)
        {
            return Poll::Exit(code);
        }
        self.accept_all(sys);
        self.answer_datagrams(sys);
        self.clients.retain_mut(|client| {
            let done = client.go_on(sys);
            if done {
                client.stream.close(sys);
            }
            !done
        });
        Poll::Pending
    }
    fn name(&self) -> &str {
        "serve"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

fn parse_spec(spec: &str) -> Option<(Protocol, Endpoint)> {
    let (proto, rest) = spec.split_once(':')?;
    let proto = match proto {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        _ => return None,
    };
    let at = match rest.rsplit_once(':') {
        Some((addr, port)) => Endpoint::new(addr.parse().ok()?, port.parse().ok()?),
        None => any(rest.parse().ok()?),
    };
    Some((proto, at))
}

fn server_name(sys: &Sys<'_>) -> String {
    let named = sys.env.iter().rev().find(|(k, v)| k == "SERVE_NAME" && !v.is_empty());
    named.map_or_else(|| sys.hostname.to_owned(), |(_, v)| v.clone())
}

fn response(sys: &Sys<'_>, stream: &Stream) -> String {
    let info = sys.ns.socket_info(stream.socket);
    let nowhere = Endpoint::new(Ipv4Addr::UNSPECIFIED, 0);
    let local = info.as_ref().map_or(nowhere, |i| i.local);
    let peer = info.as_ref().and_then(|i| i.remote).unwrap_or(nowhere);
    let request = String::from_utf8_lossy(&stream.input);
    let host = request
        .split("\r\n")
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("host"))
        .map(|(_, v)| v.trim());
    let body = python_json(&json!({
        "server": server_name(sys),
        "local": local.addr.to_string(),
        "local_port": local.port,
        "peer": peer.addr.to_string(),
        "peer_port": peer.port,
        "ttl": sys.ns.syn_ttl(stream.socket),
        "host": host,
    }));
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// One line of JSON with a space after each comma and colon, as Python's `json.dumps` writes it.
fn python_json(value: &serde_json::Value) -> String {
    let fields: Vec<_> = value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(k, v)| format!("{}: {v}", serde_json::Value::from(k.as_str())))
        .collect();
    format!("{{{}}}\n", fields.join(", "))
}

/// `udpq HOST PORT [SOURCE_PORT]`: one datagram, and 2 s for the answer. Exit 0 answered,
/// 6 name unknown, 7 refused, 8 unreachable, 28 no answer.
#[derive(Debug, Clone)]
pub(super) struct UdpQuery {
    args: Vec<String>,
    state: QueryState,
}

#[derive(Debug, Clone)]
enum QueryState {
    Start,
    Resolving(HostLookup),
    Waiting(SocketId, Instant),
}

impl UdpQuery {
    /// From a command line.
    pub(super) fn start(argv: &[String]) -> Box<dyn Program> {
        Box::new(Self { args: argv.get(1..).unwrap_or_default().to_vec(), state: QueryState::Start })
    }

    fn ask(&self, sys: &mut Sys<'_>, addr: Ipv4Addr) -> Result<SocketId, Errno> {
        let port = |i: usize| self.args.get(i).and_then(|p| p.parse().ok());
        let socket = sys.ns.socket(Some(sys.pid), SocketKind::Udp);
        if let Some(source) = port(2) {
            sys.ns.bind(socket, any(source))?;
        }
        sys.ns.connect(socket, Endpoint::new(addr, port(1).unwrap_or(0)), &mut sys.cx)?;
        sys.ns.send(socket, b"hello", &mut sys.cx)?;
        Ok(socket)
    }

    fn fail(sys: &mut Sys<'_>, e: Errno) -> Poll {
        sys.err(format!("udpq: {e}\n"));
        Poll::Exit(if e == Errno::ConnRefused { 7 } else { 8 })
    }
}

impl Program for UdpQuery {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        match sys.signal {
            Some(Signal::Term) => return Poll::Exit(143),
            Some(Signal::Int) => return Poll::Exit(130),
            _ => {}
        }
        loop {
            match &mut self.state {
                QueryState::Start => {
                    let ports_ok = self.args.iter().skip(1).all(|p| p.parse::<u16>().is_ok());
                    if !(2..=3).contains(&self.args.len()) || !ports_ok {
                        sys.err("usage: udpq HOST PORT [SOURCE_PORT]\n");
                        return Poll::Exit(2);
                    }
                    self.state = QueryState::Resolving(HostLookup::new(&self.args[0]));
                }
                QueryState::Resolving(lookup) => match lookup.poll(sys) {
                    None => return Poll::Pending,
                    Some(Err(e)) => {
                        sys.err(format!("udpq: {}: {e}\n", self.args[0]));
                        return Poll::Exit(6);
                    }
                    Some(Ok(found)) => match self.ask(sys, found.addrs[0]) {
                        Ok(socket) => {
                            self.state = QueryState::Waiting(socket, sys.now() + Duration::from_secs(2));
                        }
                        Err(e) => return Self::fail(sys, e),
                    },
                },
                QueryState::Waiting(socket, deadline) => match sys.ns.recv_from(*socket) {
                    Ok(d) => {
                        sys.out(format!("{}\n", String::from_utf8_lossy(&d.data).trim()));
                        return Poll::Exit(0);
                    }
                    Err(Errno::WouldBlock) if sys.now() >= *deadline => {
                        sys.err("udpq: timed out\n");
                        return Poll::Exit(28);
                    }
                    Err(Errno::WouldBlock) => {
                        sys.wake_at(*deadline);
                        return Poll::Pending;
                    }
                    Err(e) => return Self::fail(sys, e),
                },
            }
        }
    }
    fn name(&self) -> &str {
        "udpq"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_name_protocol_address_and_port() {
        let table = [
            ("tcp:80", Some((Protocol::Tcp, any(80)))),
            ("udp:5000", Some((Protocol::Udp, any(5000)))),
            ("tcp:127.0.0.1:81", Some((Protocol::Tcp, Endpoint::new(Ipv4Addr::LOCALHOST, 81)))),
            ("80", None),
            ("tcp:x", None),
            ("sctp:1", None),
        ];
        for (spec, expected) in table {
            assert_eq!(parse_spec(spec), expected, "{spec}");
        }
    }

    #[test]
    fn json_has_a_space_after_commas_and_colons() {
        let value = json!({"a": "x:y,\"z\"", "ttl": null, "n": 5});
        assert_eq!(python_json(&value), "{\"a\": \"x:y,\\\"z\\\"\", \"ttl\": null, \"n\": 5}\n");
    }
}
