//! Servers that stand for what people run in containers: each listens on its port and gives a
//! plain answer in its own protocol. [`SERVICES`] is the table.
//!
//! What they say when their port is taken was seen on a real kernel with nginx 1.22, Apache 2.4.71, Redis
//! 7.0, PostgreSQL 15 and MariaDB 10.11 (whose words MySQL's resemble); MongoDB's is the line 20568 of its
//! logs. Redis 7.2 and later writes `tcp` in small letters. Tomcat's long trace is not shown.
//!
//! Not supported: files, virtual hosts, TLS, logins; a database only says what its first answer
//! to a stranger would be.

use std::net::Ipv4Addr;

use super::app::{self, App};
use super::listener::{any, open};
use super::stream::Stream;
use crate::guest::options::{Opt, parse, value};
use crate::guest::{Poll, Program, Signal, Sys};
use crate::stack::SocketId;
use crate::wire::{Endpoint, Protocol};

/// The options that every server here has.
pub(super) const OPTIONS: &[Opt] = &[
    value(&["-p", "--port", "-port"], "PORT", "port to listen on", "기다릴 포트"),
    value(&["--title"], "TEXT", "headline of the page", "페이지 제목"),
];

/// How a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speech {
    /// A page with a headline.
    Page,
    /// traefik/whoami: who asked, and how the request looked.
    Whoami,
    /// Redis: `PING` is answered `+PONG`; an HTTP request ends the connection.
    Redis,
    /// PostgreSQL: closes on anything that is not its protocol.
    Postgres,
    /// MySQL: greets first.
    Mysql,
    /// MongoDB: tells a browser that it is none of its kind.
    Mongo,
    /// Sends a line, and then whatever it got back.
    Echo,
}

/// A line of the table.
#[derive(Debug, Clone, Copy)]
struct Service {
    name: &'static str,
    port: u16,
    /// What HTTP calls it.
    server: &'static str,
    title: &'static str,
    speech: Speech,
}

const fn service(
    name: &'static str,
    port: u16,
    server: &'static str,
    title: &'static str,
    speech: Speech,
) -> Service {
    Service { name, port, server, title, speech }
}

const SERVICES: &[Service] = &[
    service("nginx", 80, "nginx/1.29.3", "Welcome to nginx!", Speech::Page),
    service("httpd", 80, "Apache/2.4.65 (Unix)", "It works!", Speech::Page),
    service("httpd-foreground", 80, "Apache/2.4.65 (Unix)", "It works!", Speech::Page),
    service("catalina.sh", 8080, "Apache-Coyote/1.1", "Apache Tomcat", Speech::Page),
    service("whoami", 80, "", "", Speech::Whoami),
    service("redis-server", 6379, "", "", Speech::Redis),
    service("postgres", 5432, "", "", Speech::Postgres),
    service("mysqld", 3306, "", "", Speech::Mysql),
    service("mongod", 27017, "", "", Speech::Mongo),
    service("node", 3000, "", "Hello from Node.js", Speech::Page),
    service("python", 8000, "SimpleHTTP/0.6 Python/3.13.9", "Directory listing for /", Speech::Page),
    service("python3", 8000, "SimpleHTTP/0.6 Python/3.13.9", "Directory listing for /", Speech::Page),
    service("listen", 0, "", "hello", Speech::Echo),
];

/// A request longer than this is cut off.
const MAX_REQUEST: usize = 16 * 1024;
/// Clients at a time; more are turned away.
const MAX_CLIENTS: usize = 1024;

/// The program.
#[derive(Debug, Clone)]
pub(super) struct Server {
    service: Service,
    config: Result<Config, String>,
    /// Arguments of a `node` or `python3`: with the environment they say where it listens.
    args: Vec<String>,
    listeners: Vec<SocketId>,
    clients: Vec<Client>,
}

#[derive(Debug, Clone)]
struct Config {
    at: Vec<Endpoint>,
    title: String,
}

#[derive(Debug, Clone)]
struct Client {
    stream: Stream,
    greeted: bool,
    closing: bool,
}

impl Server {
    /// From a command line; the name in `argv[0]` chooses the line of the table.
    pub(super) fn start(argv: &[String]) -> Box<dyn Program> {
        let typed = argv.first().map_or("", String::as_str);
        let name = typed.rsplit('/').next().unwrap_or(typed);
        let service = *SERVICES.iter().find(|s| s.name == name).unwrap_or(&SERVICES[0]);
        let config = configure(service, argv.get(1..).unwrap_or_default());
        let args = argv.get(1..).unwrap_or_default().to_vec();
        Box::new(Self { service, config, args, listeners: Vec::new(), clients: Vec::new() })
    }

    fn open_all(&mut self, sys: &mut Sys<'_>, at: &[Endpoint]) -> Result<(), i32> {
        for &endpoint in at {
            match open(sys, Protocol::Tcp, endpoint, 511) {
                Ok(socket) => self.listeners.push(socket),
                Err(e) => {
                    sys.err(bind_failed(self.service.name, endpoint, &e.to_string()));
                    // EXIT_NET_ERROR of mongod is 48.
                    return Err(if self.service.name == "mongod" { 48 } else { 1 });
                }
            }
        }
        Ok(())
    }
}

/// What a server says, without its time stamps, of an address that it cannot have.
fn bind_failed(name: &str, at: Endpoint, why: &str) -> String {
    let Endpoint { addr, port } = at;
    let number = if why == "Address already in use" { 98 } else { 99 };
    match name {
        // Five attempts, half a second apart, which are not waited for here.
        "nginx" => {
            let one = format!("nginx: [emerg] bind() to {at} failed ({number}: {why})\n");
            one.repeat(5) + "nginx: [emerg] still could not bind()\n"
        }
        "mongod" => format!(
            "{{\"s\":\"E\",  \"c\":\"CONTROL\",  \"id\":20568,   \"ctx\":\"initandlisten\",\"msg\":\"Error setting up \
             listener\",\"attr\":{{\"error\":{{\"code\":9001,\"codeName\":\"SocketException\",\"errmsg\":\"{why}\"}}}}}}\n"
        ),
        name if app::is_app(name) => app::bind_failed(name, at, why),
        "httpd" | "httpd-foreground" => format!(
            "({number}){why}: AH00072: make_sock: could not bind to address {at}\nno listening sockets \
             available, shutting down\nAH00015: Unable to open logs\n"
        ),
        "redis-server" => format!(
            "# Warning: Could not create server TCP listening socket *:{port}: bind: {why}\n# Failed \
             listening on port {port} (tcp), aborting.\n"
        ),
        "postgres" => format!(
            "LOG:  could not bind IPv4 address \"{addr}\": {why}\nHINT:  Is another postmaster already \
             running on port {port}? If not, wait a few seconds and retry.\nWARNING:  could not create \
             listen socket for \"*\"\nFATAL:  could not create any TCP/IP sockets\n"
        ),
        "mysqld" => format!(
            "[ERROR] [MY-010262] [Server] Can't start server: Bind on TCP/IP port: {why}\n[ERROR] \
             [MY-010257] [Server] Do you already have another mysqld server running on port: {port} ?\n\
             [ERROR] [MY-010119] [Server] Aborting\n"
        ),
        _ => format!("{name}: bind() to {at} failed: {why}\n"),
    }
}

fn configure(service: Service, args: &[String]) -> Result<Config, String> {
    // The real programs' other arguments (`-g 'daemon off;'`, `run`, `--save ''`) change nothing here.
    let args = if app::is_app(service.name) { &[] } else { args };
    let parsed = parse(OPTIONS, args).unwrap_or_default();
    let mut at: Vec<Endpoint> = Vec::new();
    let ports = parsed.get("-p").into_iter().map(str::to_owned);
    let operands = if service.port == 0 { parsed.operands.clone() } else { Vec::new() };
    for text in ports.chain(operands) {
        let (addr, port) = match text.rsplit_once(':') {
            Some((addr, port)) => (addr.parse::<Ipv4Addr>().ok(), port),
            None => (Some(Ipv4Addr::UNSPECIFIED), text.as_str()),
        };
        match (addr, port.parse::<u16>()) {
            (Some(addr), Ok(port)) if port > 0 => at.push(Endpoint::new(addr, port)),
            _ => return Err(format!("{}: {text}: not a port\n", service.name)),
        }
    }
    if at.is_empty() && service.port == 0 {
        return Err("usage: listen [ADDR:]PORT…\n".to_owned());
    }
    if at.is_empty() {
        at.push(any(service.port));
    }
    Ok(Config { at, title: parsed.get("--title").unwrap_or(service.title).to_owned() })
}

impl Program for Server {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        match sys.signal {
            Some(Signal::Term) => return Poll::Exit(0),
            Some(Signal::Int) => return Poll::Exit(130),
            _ => {}
        }
        let config = match &self.config {
            Ok(config) => config.clone(),
            Err(text) => {
                sys.err(text.clone());
                return Poll::Exit(2);
            }
        };
        let mut config = config;
        if self.listeners.is_empty() && app::is_app(self.service.name) {
            match app::read(self.service.name, &self.args, sys.env) {
                App::Ends(text, code) => {
                    sys.err(text);
                    return Poll::Exit(code);
                }
                App::Serves(at, said) => {
                    config.at = vec![at];
                    if let Err(code) = self.open_all(sys, &config.at) {
                        return Poll::Exit(code);
                    }
                    sys.out(said);
                }
            }
        }
        if self.listeners.is_empty()
            && let Err(code) = self.open_all(sys, &config.at)
        {
            return Poll::Exit(code);
        }
        for &listener in &self.listeners {
            while let Ok(socket) = sys.ns.accept(listener) {
                let stream = Stream::new(socket);
                if self.clients.len() < MAX_CLIENTS {
                    self.clients.push(Client { stream, greeted: false, closing: false });
                } else {
                    stream.close(sys);
                }
            }
        }
        let service = self.service;
        self.clients.retain_mut(|client| {
            let done = client.go_on(sys, service, &config.title);
            if done {
                client.stream.close(sys);
            }
            !done
        });
        Poll::Pending
    }
    fn name(&self) -> &str {
        self.service.name
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

impl Client {
    /// True when done with.
    fn go_on(&mut self, sys: &mut Sys<'_>, service: Service, title: &str) -> bool {
        if self.stream.fill(sys, MAX_REQUEST).is_err() {
            return true;
        }
        if !self.closing {
            match service.speech {
                Speech::Page | Speech::Whoami => self.http(sys, service, title),
                Speech::Redis => self.redis(),
                Speech::Postgres => self.closing = !self.stream.input.is_empty(),
                Speech::Mongo => self.mongo(),
                Speech::Mysql => self.greet(&mysql_greeting()),
                Speech::Echo => {
                    self.greet(format!("{title}\n").as_bytes());
                    let got = std::mem::take(&mut self.stream.input);
                    self.stream.write(&got);
                }
            }
        }
        match self.stream.flush(sys) {
            Ok(sent) => sent && (self.closing || self.stream.ended),
            Err(_) => true,
        }
    }

    fn greet(&mut self, text: &[u8]) {
        if !self.greeted {
            self.greeted = true;
            self.stream.write(text);
        }
    }

    /// Answers every whole request that is there (RFC 9112: one after the other on a connection).
    fn http(&mut self, sys: &Sys<'_>, service: Service, title: &str) {
        while let Some(end) = self.stream.input.windows(4).position(|w| w == b"\r\n\r\n") {
            let head: Vec<u8> = self.stream.input.drain(..end + 4).collect();
            let head = String::from_utf8_lossy(&head).into_owned();
            let request = HttpRequest::read(&head);
            let peer = sys.ns.socket_info(self.stream.socket).and_then(|i| i.remote);
            let response = match &request {
                None => http_response(service, "400 Bad Request", "text/plain", "Bad Request\n", true, false),
                Some(r) => {
                    let (kind, body) = match service.speech {
                        Speech::Whoami => ("text/plain; charset=utf-8", whoami(sys, peer, &head)),
                        _ => ("text/html", page(title)),
                    };
                    http_response(service, "200 OK", kind, &body, r.close, r.head_only)
                }
            };
            self.stream.write(response.as_bytes());
            if request.is_none_or(|r| r.close) {
                self.closing = true;
                return;
            }
        }
        if self.stream.input.len() >= MAX_REQUEST {
            self.closing = true;
        }
    }

    /// What mongod answers to HTTP on its port (transport/session_workflow.cpp); drivers get no answer here.
    fn mongo(&mut self) {
        if !self.stream.input.starts_with(b"GET ") {
            return;
        }
        const TEXT: &str =
            "It looks like you are trying to access MongoDB over HTTP on the native driver port.\n";
        let head = format!(
            "HTTP/1.0 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
            TEXT.len()
        );
        self.stream.input.clear();
        self.stream.write((head + TEXT).as_bytes());
        self.closing = true;
    }

    /// Redis's inline commands, as far as `PING` and strangers go (redis.io, "Redis serialization protocol").
    fn redis(&mut self) {
        while let Some(end) = self.stream.input.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = self.stream.input.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line).trim().to_owned();
            let word = line.split_whitespace().next().unwrap_or("").to_ascii_lowercase();
            match word.as_str() {
                "" | "*1" | "$4" => {}
                "ping" => self.stream.write(b"+PONG\r\n"),
                "get" => self.stream.write(b"-ERR wrong number of arguments for 'get' command\r\n"),
                "quit" => {
                    self.stream.write(b"+OK\r\n");
                    self.closing = true;
                }
                // A line of HTTP: possible cross-protocol attack, the connection is aborted.
                "post" | "host:" => self.closing = true,
                _ => self.stream.write(format!("-ERR unknown command '{word}'\r\n").as_bytes()),
            }
            if self.closing {
                self.stream.input.clear();
                return;
            }
        }
    }
}

/// What the server needs to know of a request.
struct HttpRequest {
    close: bool,
    head_only: bool,
}

impl HttpRequest {
    fn read(head: &str) -> Option<Self> {
        let mut lines = head.split("\r\n");
        let mut first = lines.next()?.split(' ');
        let (method, _target, version) = (first.next()?, first.next()?, first.next()?);
        if !version.starts_with("HTTP/1.") || first.next().is_some() {
            return None;
        }
        let connection = lines
            .filter_map(|l| l.split_once(':'))
            .find(|(n, _)| n.eq_ignore_ascii_case("connection"))
            .map(|(_, v)| v.trim().to_ascii_lowercase());
        // HTTP/1.1 stays open unless told otherwise, HTTP/1.0 the other way round (RFC 9112 §9.3).
        let close = match connection.as_deref() {
            Some("close") => true,
            Some("keep-alive") => false,
            _ => version == "HTTP/1.0",
        };
        Some(Self { close, head_only: method == "HEAD" })
    }
}

fn http_response(
    service: Service,
    status: &str,
    kind: &str,
    body: &str,
    close: bool,
    head_only: bool,
) -> String {
    let mut text = format!("HTTP/1.1 {status}\r\n");
    if !service.server.is_empty() {
        text += &format!("Server: {}\r\n", service.server);
    }
    text += &format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", body.len());
    text += if close { "Connection: close\r\n\r\n" } else { "Connection: keep-alive\r\n\r\n" };
    if !head_only {
        text += body;
    }
    text
}

fn page(title: &str) -> String {
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<!DOCTYPE html>\n<html>\n<head>\n<title>{title}</title>\n</head>\n<body>\n<h1>{title}</h1>\n</body>\n</html>\n"
    )
}

/// The text of traefik/whoami: host name, own addresses, the peer, and the request as it came.
fn whoami(sys: &Sys<'_>, peer: Option<Endpoint>, head: &str) -> String {
    let mut text = format!("Hostname: {}\n", sys.hostname);
    for device in sys.ns.devices() {
        for addr in &device.addrs {
            text += &format!("IP: {}\n", addr.addr());
        }
    }
    if let Some(peer) = peer {
        text += &format!("RemoteAddr: {peer}\n");
    }
    text + &head.replace("\r\n", "\n")
}

/// The first packet of a MySQL server (protocol 10): length, sequence number, version.
fn mysql_greeting() -> Vec<u8> {
    let body = b"\x0a9.5.0\0";
    let mut packet = vec![body.len() as u8, 0, 0, 0];
    packet.extend_from_slice(body);
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_says_whether_the_connection_stays() {
        let table = [
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", Some(false)),
            ("GET / HTTP/1.1\r\nconnection: Close\r\n\r\n", Some(true)),
            ("GET / HTTP/1.0\r\n\r\n", Some(true)),
            ("hello\r\n\r\n", None),
        ];
        for (head, close) in table {
            assert_eq!(HttpRequest::read(head).map(|r| r.close), close, "{head:?}");
        }
    }

    #[test]
    fn ports_come_from_the_table_or_the_command_line() {
        let nginx = SERVICES[0];
        let words = |s: &str| s.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(configure(nginx, &words("-g daemon off;")).unwrap().at, [any(80)]);
        assert_eq!(configure(nginx, &words("-p 8080 --title x")).unwrap().at, [any(8080)]);
        assert!(configure(nginx, &words("-p 99999")).is_err());
        let listen = SERVICES.iter().find(|s| s.name == "listen").unwrap();
        let local = Endpoint::new(Ipv4Addr::LOCALHOST, 7);
        assert_eq!(configure(*listen, &words("9 127.0.0.1:7")).unwrap().at, [any(9), local]);
    }
}
