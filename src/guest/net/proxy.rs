//! `docker-proxy`: the engine's userland proxy. It listens on the host's address and port and
//! carries both directions to the container (moby's cmd/docker-proxy: tcp_proxy_linux.go,
//! udp_proxy_linux.go).
//!
//! A published port that nobody serves inside is therefore *accepted*, and then closed: the
//! container's refusal comes too late for the client to see it as one.

use std::net::Ipv4Addr;

use super::listener::open;
use super::stream::Stream;
use crate::guest::options::{Opt, Parsed, parse, value};
use crate::guest::{Poll, Program, Signal, Sys};
use crate::stack::{Errno, SocketId, SocketKind};
use crate::time::{Duration, Instant};
use crate::wire::{Endpoint, Protocol};

/// The options of `docker-proxy`. The engine writes them with one dash, as Go's flags may be.
pub(super) const OPTIONS: &[Opt] = &[
    value(&["--proto", "-proto"], "tcp|udp", "protocol", "프로토콜"),
    value(&["--host-ip", "-host-ip"], "ADDR", "address to listen on", "기다릴 호스트 주소"),
    value(&["--host-port", "-host-port"], "PORT", "port to listen on", "기다릴 호스트 포트"),
    value(&["--container-ip", "-container-ip"], "ADDR", "address to connect to", "연결할 컨테이너 주소"),
    value(&["--container-port", "-container-port"], "PORT", "port to connect to", "연결할 컨테이너 포트"),
];

/// A UDP client that was quiet for so long is forgotten (UDPConnTrackTimeout).
const UDP_IDLE: Duration = Duration::from_secs(90);
/// A direction of a connection keeps no more than this.
const BUFFER: usize = 64 * 1024;
/// Clients at a time; more are turned away.
const MAX_CLIENTS: usize = 1024;

/// The program.
#[derive(Debug, Clone)]
pub(super) struct DockerProxy {
    config: Result<Config, String>,
    listener: Option<SocketId>,
    connections: Vec<Connection>,
    flows: Vec<Flow>,
}

#[derive(Debug, Clone)]
struct Config {
    proto: Protocol,
    host: Endpoint,
    container: Endpoint,
}

/// A TCP client and its twin towards the container.
#[derive(Debug, Clone)]
struct Connection {
    client: Stream,
    backend: Stream,
    connected: bool,
    shut: [bool; 2],
}

/// A UDP client and the socket that speaks for it.
#[derive(Debug, Clone)]
struct Flow {
    client: Endpoint,
    /// The address that the client knows us by.
    asked_at: Ipv4Addr,
    backend: SocketId,
    idle_since: Instant,
}

impl DockerProxy {
    /// From a command line.
    pub(super) fn start(argv: &[String]) -> Box<dyn Program> {
        let config = parse_config(argv.get(1..).unwrap_or_default());
        Box::new(Self { config, listener: None, connections: Vec::new(), flows: Vec::new() })
    }

    fn accept(&mut self, sys: &mut Sys<'_>, listener: SocketId, to: Endpoint) {
        while let Ok(socket) = sys.ns.accept(listener) {
            let client = Stream::new(socket);
            let backend = sys.ns.socket(Some(sys.pid), SocketKind::Tcp);
            let connecting =
                matches!(sys.ns.connect(backend, to, &mut sys.cx), Ok(()) | Err(Errno::InProgress));
            let backend = Stream::new(backend);
            if connecting && self.connections.len() < MAX_CLIENTS {
                self.connections.push(Connection { client, backend, connected: false, shut: [false; 2] });
            } else {
                client.close(sys);
                backend.close(sys);
            }
        }
    }

    fn datagrams(&mut self, sys: &mut Sys<'_>, listener: SocketId, to: Endpoint) {
        loop {
            match sys.ns.recv_from(listener) {
                Ok(d) => {
                    if let Some(flow) = self.flow(sys, d.from, d.to, to) {
                        // A container that refuses is silence for the client, as with the real one.
                        let _ = sys.ns.send(flow, &d.data, &mut sys.cx);
                    }
                }
                Err(Errno::WouldBlock | Errno::BadFd) => break,
                Err(_) => {}
            }
        }
        let now = sys.now();
        for flow in &mut self.flows {
            loop {
                match sys.ns.recv_from(flow.backend) {
                    Ok(d) => {
                        flow.idle_since = now;
                        sys.reply(listener, flow.asked_at, flow.client, &d.data);
                    }
                    Err(Errno::WouldBlock | Errno::BadFd) => break,
                    Err(_) => {}
                }
            }
        }
        self.flows.retain(|flow| {
            let alive = now.since(flow.idle_since) < UDP_IDLE;
            if alive {
                sys.wake_at(flow.idle_since + UDP_IDLE);
            } else {
                sys.ns.close(flow.backend, &mut sys.cx);
            }
            alive
        });
    }

    fn flow(
        &mut self,
        sys: &mut Sys<'_>,
        client: Endpoint,
        asked_at: Ipv4Addr,
        to: Endpoint,
    ) -> Option<SocketId> {
        let now = sys.now();
        if let Some(flow) = self.flows.iter_mut().find(|f| f.client == client && f.asked_at == asked_at) {
            flow.idle_since = now;
            return Some(flow.backend);
        }
        if self.flows.len() >= MAX_CLIENTS {
            return None;
        }
        let backend = sys.ns.socket(Some(sys.pid), SocketKind::Udp);
        if sys.ns.connect(backend, to, &mut sys.cx).is_err() {
            sys.ns.close(backend, &mut sys.cx);
            return None;
        }
        self.flows.push(Flow { client, asked_at, backend, idle_since: now });
        Some(backend)
    }
}

impl Connection {
    /// True when both directions are over, or one broke.
    fn go_on(&mut self, sys: &mut Sys<'_>) -> bool {
        if !self.connected {
            match sys.ns.connect_result(self.backend.socket) {
                None => return false,
                Some(Err(_)) => return true,
                Some(Ok(())) => self.connected = true,
            }
        }
        let Self { client, backend, shut, .. } = self;
        let up = carry(sys, client, backend, &mut shut[0]);
        let down = carry(sys, backend, client, &mut shut[1]);
        matches!((up, down), (Err(_), _) | (_, Err(_)) | (Ok(true), Ok(true)))
    }
}

/// Carries bytes one way, and the end of the stream after them; true when that is through.
fn carry(sys: &mut Sys<'_>, from: &mut Stream, to: &mut Stream, shut: &mut bool) -> Result<bool, Errno> {
    loop {
        if to.unsent() >= BUFFER && !to.flush(sys)? {
            return Ok(false);
        }
        from.fill(sys, BUFFER)?;
        if from.input.is_empty() {
            break;
        }
        to.write(&std::mem::take(&mut from.input));
        to.flush(sys)?;
    }
    if to.flush(sys)? && from.ended && !*shut {
        *shut = true;
        sys.ns.shutdown(to.socket, &mut sys.cx);
    }
    Ok(*shut)
}

impl Program for DockerProxy {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        if let Some(Signal::Term | Signal::Int) = sys.signal {
            return Poll::Exit(0);
        }
        let config = match &self.config {
            Ok(config) => config.clone(),
            Err(text) => {
                sys.err(text.clone());
                return Poll::Exit(2);
            }
        };
        let listener = match self.listener {
            Some(listener) => listener,
            None => match open(sys, config.proto, config.host, 4096) {
                Ok(listener) => *self.listener.insert(listener),
                Err(e) => {
                    let Config { proto, host, .. } = config;
                    // Go writes errors in lower case.
                    let reason = e.to_string().to_lowercase();
                    sys.err(format!("listen {proto}4 {host}: bind: {reason}\n"));
                    return Poll::Exit(1);
                }
            },
        };
        if config.proto == Protocol::Tcp {
            self.accept(sys, listener, config.container);
            self.connections.retain_mut(|connection| {
                let done = connection.go_on(sys);
                if done {
                    connection.client.close(sys);
                    connection.backend.close(sys);
                }
                !done
            });
        } else {
            self.datagrams(sys, listener, config.container);
        }
        Poll::Pending
    }
    fn name(&self) -> &str {
        "docker-proxy"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

fn parse_config(args: &[String]) -> Result<Config, String> {
    let parsed = parse(OPTIONS, args).map_err(|e| format!("docker-proxy: {e}\n"))?;
    let proto = match parsed.get("--proto").unwrap_or("tcp") {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        other => return Err(format!("docker-proxy: unsupported protocol {other}\n")),
    };
    let host = endpoint(&parsed, "--host-ip", "--host-port")?;
    let container = endpoint(&parsed, "--container-ip", "--container-port")?;
    Ok(Config { proto, host, container })
}

fn endpoint(parsed: &Parsed, ip: &str, port: &str) -> Result<Endpoint, String> {
    let addr: Ipv4Addr = match parsed.get(ip) {
        None => Ipv4Addr::UNSPECIFIED,
        Some(text) => text.parse().map_err(|_| format!("docker-proxy: bad address {text}\n"))?,
    };
    let port = parsed.get(port).and_then(|p| p.parse().ok());
    port.map(|port| Endpoint::new(addr, port)).ok_or_else(|| "docker-proxy: a port is missing\n".to_owned())
}
