//! An HTTP/1.1 client as a state machine: name, connection, request, response. `curl` and `wget`
//! put words to its events. RFC 9110, RFC 9112.
//!
//! Not supported: TLS, proxies, redirects, chunked coding, HTTP/2, IPv6.

use std::net::Ipv4Addr;

use super::stream::Stream;
use crate::guest::Sys;
use crate::guest::dns::{Found, HostLookup, LookupError};
use crate::stack::{Errno, SocketId, SocketKind, SocketOption};
use crate::time::{Duration, Instant};
use crate::wire::{Endpoint, IfName};

/// An http URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url {
    /// Host name or address, without brackets.
    pub host: String,
    /// Port, 80 if the URL has none.
    pub port: u16,
    /// Path and query; `/` if the URL has none.
    pub path: String,
    /// The host as the `Host:` field has it.
    pub authority: String,
    /// An https URL: there is no TLS here.
    pub tls: bool,
}

/// What is wrong with a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum UrlError {
    /// A scheme other than http.
    Scheme(String),
    /// Nothing where the host should be.
    NoHost,
    /// Not a port.
    Port,
}

impl Url {
    /// Reads a URL; `http://` may be left out.
    pub(super) fn parse(text: &str) -> Result<Self, UrlError> {
        let mut tls = false;
        let rest = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => {
                tls = true;
                rest
            }
            Some((scheme, _)) => return Err(UrlError::Scheme(scheme.to_owned())),
            None => text,
        };
        let rest = rest.split('#').next().unwrap_or("");
        let cut = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(cut);
        let authority = authority.rsplit('@').next().unwrap_or("");
        let (host, port) = match authority.strip_prefix('[').and_then(|a| a.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => match authority.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        if host.is_empty() {
            return Err(UrlError::NoHost);
        }
        let port = match port.filter(|p| !p.is_empty()) {
            Some(p) => p.parse().map_err(|_| UrlError::Port)?,
            None if tls => 443,
            None => 80,
        };
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { host: host.to_owned(), port, path, authority: authority.to_owned(), tls })
    }

    /// The URL again.
    pub(super) fn text(&self) -> String {
        format!("http{}://{}{}", if self.tls { "s" } else { "" }, self.authority, self.path)
    }

    /// The last part of the path, as downloads are named.
    pub(super) fn file_name(&self) -> &str {
        let path = self.path.split('?').next().unwrap_or("");
        match path.rsplit('/').next() {
            Some("") | None => "index.html",
            Some(name) => name,
        }
    }

    /// True if the host is an IPv6 address.
    pub(super) fn is_ipv6(&self) -> bool {
        self.host.contains(':')
    }
}

/// The head of a response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ResponseHead {
    /// `HTTP/1.1 200 OK`.
    pub status_line: String,
    /// 200.
    pub code: u16,
    /// Fields in order, as they came.
    pub fields: Vec<(String, String)>,
}

impl ResponseHead {
    /// The value of a field.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
    /// The length of the body, where it is said.
    pub(super) fn length(&self) -> Option<u64> {
        self.field("content-length").and_then(|v| v.parse().ok())
    }

    fn parse(text: &str) -> Self {
        let mut lines = text.split("\r\n").flat_map(|l| l.split('\n'));
        let status_line = lines.next().unwrap_or("").to_owned();
        let code = status_line.split(' ').nth(1).and_then(|c| c.parse().ok()).unwrap_or(0);
        let fields = lines
            .filter_map(|l| l.split_once(':'))
            .map(|(n, v)| (n.to_owned(), v.trim().to_owned()))
            .collect();
        Self { status_line, code, fields }
    }
}

/// What happened, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Happened {
    /// The name has addresses. Not told for a URL with an address.
    Resolved(Found),
    /// A connection is tried.
    Trying(Endpoint),
    /// connect(2) failed at once.
    FailedAtOnce(Endpoint, Errno),
    /// It failed later; `local` is the own end.
    Failed {
        /// The server.
        remote: Endpoint,
        /// The own end.
        local: Endpoint,
        /// Why.
        error: Errno,
    },
    /// It is there.
    Connected {
        /// The server.
        remote: Endpoint,
        /// The own end.
        local: Endpoint,
    },
    /// The request is on its way.
    Sent,
    /// The response begins.
    Head(ResponseHead),
    /// Some of the body.
    Body(Vec<u8>),
}

/// Why there is no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FetchError {
    /// The name has no address.
    Lookup(LookupError),
    /// The own port cannot be had.
    Bind(Errno),
    /// No address took the connection; the last one's reason.
    Connect(Errno),
    /// The request could not be sent.
    Send(Errno),
    /// The connection broke.
    Receive(Errno),
    /// The connection was closed without a word.
    Empty,
    /// Nobody here answers a ClientHello.
    Tls,
    /// What came is not HTTP.
    NotHttp,
    /// The body ended early: so many bytes are missing.
    Short(u64),
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Asking for the name.
    Resolving,
    /// Connecting.
    Connecting,
    /// Connected.
    Talking,
}

/// What the own end is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bind {
    /// A device.
    Device(IfName),
    /// An address.
    Address(Ipv4Addr),
}

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Fetch {
    port: u16,
    tls: bool,
    request: Vec<u8>,
    no_body: bool,
    bind: Option<Bind>,
    /// First and last own port.
    local_ports: Option<(u16, u16)>,
    /// Where there are more addresses, each gets half of what is left until here.
    connect_by: Instant,
    state: State,
    addrs: Vec<Ipv4Addr>,
    last_error: Errno,
    last_tried: Option<Ipv4Addr>,
}

/// What a client does between connect(2) and the first write(2) takes it a moment: by then a proxy
/// has long asked the server behind it.
const THINKING: Duration = Duration::from_micros(100);

#[derive(Debug, Clone)]
enum State {
    Resolving(HostLookup),
    /// Try the next address.
    Next,
    Connecting {
        socket: SocketId,
        remote: Endpoint,
        give_up: Instant,
    },
    Talking {
        stream: Stream,
        /// When the request is written; None: it was.
        write_at: Option<Instant>,
        head: Option<ResponseHead>,
        received: u64,
    },
}

impl Fetch {
    /// A request for `url`, `request` being its bytes. `no_body`: none is expected (HEAD).
    pub(super) fn new(url: &Url, request: Vec<u8>, no_body: bool, connect_by: Instant) -> Self {
        Self {
            port: url.port,
            tls: url.tls,
            request,
            no_body,
            bind: None,
            local_ports: None,
            connect_by,
            state: State::Resolving(HostLookup::new(&url.host)),
            addrs: Vec::new(),
            last_error: Errno::HostUnreach,
            last_tried: None,
        }
    }

    /// Binds the own port to one of these.
    pub(super) fn with_local_ports(mut self, ports: Option<(u16, u16)>) -> Self {
        self.local_ports = ports;
        self
    }

    /// Binds the own end to a device or an address.
    pub(super) fn with_bind(mut self, bind: Option<Bind>) -> Self {
        self.bind = bind;
        self
    }

    /// Connects there, whatever the URL says.
    pub(super) fn with_target(mut self, host: &str, port: u16) -> Self {
        self.port = port;
        self.state = State::Resolving(HostLookup::new(host));
        self
    }

    /// How far it has come.
    pub(super) fn phase(&self) -> Phase {
        match self.state {
            State::Resolving(_) => Phase::Resolving,
            State::Next | State::Connecting { .. } => Phase::Connecting,
            State::Talking { .. } => Phase::Talking,
        }
    }

    /// The address that was tried last.
    pub(super) fn last_tried(&self) -> Option<Ipv4Addr> {
        self.last_tried
    }

    /// Bytes of the body that came so far, and how many there shall be.
    pub(super) fn progress(&self) -> (u64, Option<u64>) {
        match &self.state {
            State::Talking { received, head, .. } => {
                (*received, head.as_ref().and_then(ResponseHead::length))
            }
            _ => (0, None),
        }
    }

    /// Goes on. None: something is awaited. What happened is added to `events`.
    pub(super) fn poll(
        &mut self,
        sys: &mut Sys<'_>,
        events: &mut Vec<Happened>,
    ) -> Option<Result<(), FetchError>> {
        loop {
            match &mut self.state {
                State::Resolving(lookup) => {
                    let found = match lookup.poll(sys)? {
                        Ok(found) => found,
                        Err(e) => return Some(Err(FetchError::Lookup(e))),
                    };
                    self.addrs.clone_from(&found.addrs);
                    self.addrs.reverse();
                    if found.name.parse::<Ipv4Addr>().is_err() {
                        events.push(Happened::Resolved(found));
                    }
                    self.state = State::Next;
                }
                State::Next => match self.addrs.pop() {
                    None => return Some(Err(FetchError::Connect(self.last_error))),
                    Some(addr) => {
                        if let Err(e) = self.connect(sys, Endpoint::new(addr, self.port), events) {
                            return Some(Err(e));
                        }
                    }
                },
                State::Connecting { .. } => self.connecting(sys, events)?,
                State::Talking { .. } if self.tls => return Some(Err(FetchError::Tls)),
                State::Talking { .. } => return self.talk(sys, events),
            }
        }
    }

    fn connect(
        &mut self,
        sys: &mut Sys<'_>,
        remote: Endpoint,
        events: &mut Vec<Happened>,
    ) -> Result<(), FetchError> {
        let socket = sys.ns.socket(Some(sys.pid), SocketKind::Tcp);
        if let Some(Bind::Device(name)) = self.bind {
            let _ = sys.ns.set_option(socket, SocketOption::Device(name));
        }
        let own = match self.bind {
            Some(Bind::Address(addr)) => addr,
            _ => Ipv4Addr::UNSPECIFIED,
        };
        if let Some((first, last)) = self.local_ports.or((!own.is_unspecified()).then_some((0, 0))) {
            // Unlike a server, a client does not ask for SO_REUSEADDR.
            let _ = sys.ns.set_option(socket, SocketOption::ReuseAddr(false));
            let mut ports = first..=last;
            let bound = loop {
                let Some(port) = ports.next() else { break Err(Errno::AddrInUse) };
                match sys.ns.bind(socket, Endpoint::new(own, port)) {
                    Err(Errno::AddrInUse) => {}
                    other => break other,
                }
            };
            if let Err(e) = bound {
                sys.ns.close(socket, &mut sys.cx);
                return Err(FetchError::Bind(e));
            }
        }
        self.last_tried = Some(remote.addr);
        events.push(Happened::Trying(remote));
        match sys.ns.connect(socket, remote, &mut sys.cx) {
            Ok(()) | Err(Errno::InProgress) => {
                let now = sys.now();
                let left = self.connect_by.since(now);
                let share = if self.addrs.is_empty() { left } else { Duration(left.0 / 2) };
                self.state = State::Connecting { socket, remote, give_up: now + share };
            }
            Err(e) => {
                sys.ns.close(socket, &mut sys.cx);
                events.push(Happened::FailedAtOnce(remote, e));
                self.last_error = e;
            }
        }
        Ok(())
    }

    fn connecting(&mut self, sys: &mut Sys<'_>, events: &mut Vec<Happened>) -> Option<()> {
        let State::Connecting { socket, remote, give_up } = self.state else { return Some(()) };
        let local =
            sys.ns.socket_info(socket).map_or(Endpoint::new(Ipv4Addr::UNSPECIFIED, 0), |info| info.local);
        let error = match sys.ns.connect_result(socket) {
            Some(Ok(())) => {
                events.push(Happened::Connected { remote, local });
                let mut stream = Stream::new(socket);
                stream.write(&self.request);
                self.state =
                    State::Talking { stream, write_at: Some(sys.now() + THINKING), head: None, received: 0 };
                return Some(());
            }
            Some(Err(e)) => e,
            None if sys.now() >= give_up && !self.addrs.is_empty() => Errno::TimedOut,
            None => {
                if !self.addrs.is_empty() {
                    sys.wake_at(give_up);
                }
                return None;
            }
        };
        sys.ns.close(socket, &mut sys.cx);
        events.push(Happened::Failed { remote, local, error });
        self.last_error = error;
        self.state = State::Next;
        Some(())
    }

    fn talk(&mut self, sys: &mut Sys<'_>, events: &mut Vec<Happened>) -> Option<Result<(), FetchError>> {
        let State::Talking { stream, write_at, head, received } = &mut self.state else { return None };
        let due = write_at.filter(|at| sys.now() < *at);
        if let Some(at) = due {
            sys.wake_at(at);
        } else if write_at.is_some() {
            match stream.flush(sys) {
                Ok(false) => {}
                Ok(true) => {
                    *write_at = None;
                    events.push(Happened::Sent);
                }
                // A reset shows in what is read.
                Err(Errno::Pipe | Errno::ConnReset) => {}
                Err(e) => return Some(Err(FetchError::Send(e))),
            }
        }
        let filled = stream.fill(sys, usize::MAX);
        if head.is_none() {
            match take_head(&mut stream.input, stream.ended) {
                Ok(None) => {}
                Ok(Some(found)) => {
                    events.push(Happened::Head(found.clone()));
                    *head = Some(found);
                }
                Err(e) => return Some(Err(e)),
            }
        }
        if let Some(head) = head {
            let length = if self.no_body { Some(0) } else { head.length() };
            let want = length.map_or(u64::MAX, |l| l.saturating_sub(*received));
            let take = stream.input.len().min(usize::try_from(want).unwrap_or(usize::MAX));
            if take > 0 {
                *received += take as u64;
                events.push(Happened::Body(stream.input.drain(..take).collect()));
            }
            if length.is_some_and(|l| *received >= l) {
                return Some(Ok(()));
            }
        }
        match (filled, &head) {
            (Err(e), _) => Some(Err(FetchError::Receive(e))),
            (Ok(()), Some(head)) if stream.ended => Some(match head.length() {
                Some(l) => Err(FetchError::Short(l - *received)),
                None => Ok(()),
            }),
            (Ok(()), None) if stream.ended => Some(Err(FetchError::Empty)),
            _ => None,
        }
    }

    /// Closes what is open.
    pub(super) fn close(self, sys: &mut Sys<'_>) {
        match self.state {
            State::Resolving(lookup) => lookup.cancel(sys),
            State::Next => {}
            State::Connecting { socket, .. } => sys.ns.close(socket, &mut sys.cx),
            State::Talking { stream, .. } => stream.close(sys),
        }
    }
}

/// Takes the head of a response out of `input`, once it is whole.
fn take_head(input: &mut Vec<u8>, ended: bool) -> Result<Option<ResponseHead>, FetchError> {
    let start = &b"HTTP/"[..input.len().min(5)];
    if !input.starts_with(start) || (ended && !input.is_empty() && input.len() < 5) {
        return Err(FetchError::NotHttp);
    }
    let Some(end) = input.windows(4).position(|w| w == b"\r\n\r\n") else { return Ok(None) };
    let head: Vec<u8> = input.drain(..end + 4).collect();
    Ok(Some(ResponseHead::parse(String::from_utf8_lossy(&head[..end]).as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn urls_are_taken_apart() {
        let table = [
            ("http://172.17.0.2/", "172.17.0.2", 80, "/"),
            ("web:8080", "web", 8080, "/"),
            ("HTTP://web?x=1", "web", 80, "/?x=1"),
            ("http://u:p@web:81/a/b.txt#top", "web", 81, "/a/b.txt"),
            ("http://[::1]:8080/", "::1", 8080, "/"),
        ];
        for (text, host, port, path) in table {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.host.as_str(), url.port, url.path.as_str()), (host, port, path), "{text}");
        }
    }

    #[test]
    fn bad_urls_are_told_apart() {
        assert_eq!(Url::parse("ftp://web/"), Err(UrlError::Scheme("ftp".into())));
        assert_eq!(Url::parse("http:///x"), Err(UrlError::NoHost));
        assert_eq!(Url::parse("http://web:99999/"), Err(UrlError::Port));
    }

    #[test]
    fn a_head_is_taken_when_it_is_whole() {
        let mut input = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".to_vec();
        let head = take_head(&mut input, false).unwrap().unwrap();
        assert_eq!((head.code, head.length(), input.as_slice()), (200, Some(5), &b"hello"[..]));
        assert_eq!(take_head(&mut b"HTTP/1".to_vec(), false), Ok(None));
        assert_eq!(take_head(&mut b"-ERR x".to_vec(), false), Err(FetchError::NotHttp));
    }

    proptest! {
        #[test]
        fn any_text_is_a_url_or_not(text in "\\PC*") {
            let _ = Url::parse(&text);
        }
    }
}
