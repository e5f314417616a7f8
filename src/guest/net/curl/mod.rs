//! `curl`, with the texts of curl 8.14.
//!
//! Not supported: TLS (https gets a connection and no further), redirects, cookie jars, globs, the
//! progress meter (as with `-s`; errors are shown unless `-s` is given without `-S`).

mod request;

pub(super) use request::OPTIONS;
use request::request;

use super::http::{Bind, Fetch, FetchError, Happened, Phase, ResponseHead, Url, UrlError};
use crate::guest::options::{OptError, Parsed, parse};
use crate::guest::{Poll, Program, Signal, Sys};
use crate::stack::Errno;
use crate::time::{Duration, Instant};
use crate::wire::Endpoint;

/// Without `--connect-timeout` (DEFAULT_CONNECT_TIMEOUT in curl's lib/connect.h).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(300);

/// The program.
#[derive(Debug, Clone)]
pub(super) struct Curl {
    options: Result<Parsed, OptError>,
    urls: std::collections::VecDeque<String>,
    /// What `-w` does not know was named already.
    named: bool,
    /// No arguments at all.
    bare: bool,
    /// The number of the URL under way, from 1.
    number: usize,
    /// Attempts made for it, and when the next one begins.
    attempts: u32,
    again_at: Option<Instant>,
    /// Its text.
    last: String,
    transfer: Option<Transfer>,
    exit: i32,
}

/// One URL under way.
#[derive(Debug, Clone)]
struct Transfer {
    url: Url,
    fetch: Fetch,
    request: String,
    started: Instant,
    connected: Option<Instant>,
    connect_by: Instant,
    end_by: Option<Instant>,
    remote: Option<Endpoint>,
    local: Option<Endpoint>,
    head: Option<ResponseHead>,
    body: Vec<u8>,
    size: usize,
}

/// How a transfer failed: curl's own number and words.
type Failure = (i32, String);

impl Curl {
    /// From a command line.
    pub(super) fn start(argv: &[String]) -> Box<dyn Program> {
        let options = parse(OPTIONS, argv.get(1..).unwrap_or_default());
        let urls = |p: &Parsed| p.all("--url").map(str::to_owned).chain(p.operands.iter().cloned()).collect();
        let urls = options.as_ref().map(urls).unwrap_or_default();
        Box::new(Self {
            options,
            urls,
            named: false,
            bare: argv.len() < 2,
            number: 0,
            attempts: 0,
            again_at: None,
            last: String::new(),
            transfer: None,
            exit: 0,
        })
    }

    fn options(&self) -> Parsed {
        self.options.clone().unwrap_or_default()
    }

    /// The checks before anything is sent. Some: the end.
    fn check(&self, sys: &mut Sys<'_>) -> Option<i32> {
        let refuse = |sys: &mut Sys<'_>, text: String| {
            let text = if text.is_empty() { text } else { format!("curl: {text}\n") };
            sys.err(format!("{text}curl: try 'curl --help' or 'curl --manual' for more information\n"));
            Some(2)
        };
        if self.bare {
            return refuse(sys, String::new());
        }
        let dashed = |o: &str| if o.starts_with('-') { o.to_owned() } else { format!("-{o}") };
        let parsed = match &self.options {
            Ok(parsed) => parsed,
            Err(OptError::Unknown(o)) => return refuse(sys, format!("option {}: is unknown", dashed(o))),
            Err(OptError::NoValue(o)) => {
                return refuse(sys, format!("option {}: requires parameter", dashed(o)));
            }
        };
        if parsed.has("-h") {
            sys.out(super::usage::options_text("Usage: curl [options...] <url>\n", OPTIONS));
            return Some(0);
        }
        if parsed.has("-V") {
            sys.out("curl 8.14.1 (x86_64-pc-linux-gnu) libcurl/8.14.1\nProtocols: http\n");
            return Some(0);
        }
        for name in ["-m", "--connect-timeout", "--retry", "--retry-delay", "--max-redirs"] {
            if parsed.get(name).is_some_and(|v| v.parse::<f64>().is_err()) {
                return refuse(sys, format!("option {name}: expected a proper numerical parameter"));
            }
        }
        if parsed.get("--local-port").is_some_and(|v| port_range(v).is_none()) {
            return refuse(sys, "option --local-port: is badly used here".to_owned());
        }
        if self.urls.is_empty() && self.number == 0 {
            return refuse(sys, "(2) no URL specified".to_owned());
        }
        if let Some(path) = parsed.get("-T").filter(|p| sys.files.get(&super::usage::path(sys, p)).is_none())
        {
            let _ = refuse(sys, format!("cannot open '{path}'"));
            sys.err("curl: (26) Failed to open/read local data from file/application\n");
            return Some(26);
        }
        if let Some(path) = parsed.get("-d").and_then(|d| d.strip_prefix('@'))
            && sys.files.get(&super::usage::path(sys, path)).is_none()
        {
            sys.err(format!("curl: Failed to open {path}\n"));
            let _ = refuse(sys, "option -d: error encountered when reading a file".to_owned());
            return Some(26);
        }
        None
    }

    fn begin(&self, sys: &mut Sys<'_>, text: &str) -> Result<Transfer, Failure> {
        let options = self.options();
        let url = Url::parse(text).map_err(|e| match e {
            UrlError::Scheme(s) => (1, format!("Protocol \"{s}\" not supported")),
            UrlError::NoHost => (3, "URL rejected: No host part in the URL".to_owned()),
            UrlError::Port => {
                (3, "URL rejected: Port number was not a decimal number between 0 and 65535".to_owned())
            }
        })?;
        let file = options.get("-T").and_then(|p| sys.files.get(&super::usage::path(sys, p)));
        let file = file.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let request = request(&options, &url, file.as_deref());
        let (host, port) = target(&options, &url)?;
        if options.get("--unix-socket").is_some() {
            return Err((7, could_not_connect(&url, Duration::ZERO)));
        }
        if options.has("-6") && host.parse::<std::net::Ipv4Addr>().is_err() {
            return Err((6, format!("Could not resolve host: {}", url.host)));
        } else if options.has("-6") {
            return Err((7, "Could not connect to server".to_owned()));
        }
        let bind = options.get("--interface").map(|name| match name.parse() {
            Ok(addr) => Ok(Bind::Address(addr)),
            Err(_) => match sys.ns.device_named(name) {
                Some(d) => Ok(Bind::Device(d.name)),
                None => Err((45, format!("Couldn't bind to '{name}' with errno 19: No such device"))),
            },
        });
        let bind = bind.transpose()?;
        let started = sys.now();
        let seconds = |name| options.get(name).and_then(|v| v.parse().ok()).map(Duration::from_secs_f64);
        let end_by = seconds("-m").filter(|d| d.0 > 0).map(|d| started + d);
        let connect_by =
            started + seconds("--connect-timeout").filter(|d| d.0 > 0).unwrap_or(CONNECT_TIMEOUT);
        let connect_by = end_by.map_or(connect_by, |e| e.min(connect_by));
        if url.is_ipv6() {
            // This machine has no IPv6 address to connect from.
            if options.has("-v") {
                sys.err(format!(
                    "*   Trying [{0}]:{1}...\n* Immediate connect fail for {0}: {2}\n",
                    url.host,
                    url.port,
                    Errno::AddrNotAvail
                ));
            }
            return Err((7, could_not_connect(&url, Duration::ZERO)));
        }
        let fetch = Fetch::new(&url, request.clone().into_bytes(), options.has("-I"), connect_by)
            .with_local_ports(options.get("--local-port").and_then(port_range))
            .with_bind(bind)
            .with_target(&host, port);
        Ok(Transfer {
            url,
            fetch,
            request,
            started,
            connected: None,
            connect_by,
            end_by,
            remote: None,
            local: None,
            head: None,
            body: Vec::new(),
            size: 0,
        })
    }

    /// Ends a transfer and says how it went.
    fn finish(&mut self, sys: &mut Sys<'_>, result: Result<(), Failure>) {
        let options = self.options();
        let transfer = self.transfer.take();
        let output = self.output(transfer.as_ref());
        let result = result.and_then(|()| match (&transfer, &output) {
            (Some(t), Some(path)) if !t.body.is_empty() || t.size == 0 => {
                super::usage::save(sys, path, &t.body)
                    .map_err(|_| (23, format!("client returned ERROR on write of {} bytes", t.size)))
            }
            _ => Ok(()),
        });
        let http_error =
            transfer.as_ref().and_then(|t| t.head.as_ref()).map(|h| h.code).filter(|c| *c >= 400);
        let result = match (result, http_error) {
            (Ok(()), Some(code)) if options.has("--fail-with-body") => {
                Err((22, format!("The requested URL returned error: {code}")))
            }
            (result, _) => result,
        };
        self.exit = match &result {
            Ok(()) => 0,
            Err((code, _)) => *code,
        };
        let shown = !options.has("-s") || options.has("-S");
        if options.has("-v") {
            let closed = transfer.as_ref().is_some_and(|t| t.head.as_ref().is_none_or(closes));
            match (&result, &transfer) {
                (Ok(()), Some(t)) if !closed => {
                    sys.err(format!("* Connection #0 to host {} left intact\n", t.url.host));
                }
                (Ok(()), _) => sys.err("* shutting down connection #0\n"),
                (Err((6, text)), _) => sys.err(format!("* {text}\n* shutting down connection #0\n")),
                (Err((_, text)), _) => sys.err(format!("* {text}\n* closing connection #0\n")),
            }
        }
        if let Some(t) = transfer {
            if let Some(format) = options.get("-w") {
                let (text, unknown) = write_out(format, &t, &options, &result, sys.now());
                if let Some(name) = unknown.filter(|_| !self.named) {
                    self.named = true;
                    sys.err(format!("curl: unknown --write-out variable: '{name}'\n"));
                }
                sys.out(text);
            }
            t.fetch.close(sys);
        }
        if let (Err((code, text)), true) = (&result, shown) {
            sys.err(format!("curl: ({code}) {text}\n"));
        }
        self.plan_retry(sys, &options, result.err(), http_error);
    }

    /// Where the body goes; None: stdout. A URL has the `-o` of its place.
    fn output(&self, transfer: Option<&Transfer>) -> Option<String> {
        let options = self.options();
        match options.all("-o").nth(self.number.saturating_sub(1)).or(options.get("-o")) {
            Some("-") => None,
            Some(path) => Some(path.to_owned()),
            None if options.has("-O") => transfer.map(|t| match t.url.file_name() {
                "index.html" if t.url.path.ends_with('/') => "curl_response".to_owned(),
                name => name.to_owned(),
            }),
            None => None,
        }
    }

    /// Plans another attempt, if `--retry` allows one and what went wrong may pass.
    fn plan_retry(
        &mut self,
        sys: &mut Sys<'_>,
        options: &Parsed,
        failure: Option<Failure>,
        http_error: Option<u16>,
    ) {
        let limit = options.get("--retry").and_then(|n| n.parse::<u32>().ok()).unwrap_or(0);
        let code = failure.map(|(code, _)| code);
        let problem = match (code, http_error) {
            (Some(28), _) => "timeout",
            (Some(7), _) if options.has("--retry-connrefused") => "connection refused",
            (_, Some(408 | 429 | 500 | 502 | 503 | 504)) => "HTTP error",
            (Some(_), _) if options.has("--retry-all-errors") => "(retrying all errors)",
            _ => return,
        };
        if self.attempts > limit {
            return;
        }
        // It waits a second, then twice as long each time, ten minutes at most.
        let grown = 1u64 << (self.attempts - 1).min(10);
        let given = options.get("--retry-delay").and_then(|d| d.parse::<u64>().ok()).filter(|d| *d > 0);
        let secs = given.unwrap_or(grown.min(600));
        if !options.has("-s") {
            let left = limit + 1 - self.attempts;
            let s = |n: u64| if n == 1 { "" } else { "s" };
            let retries = if left == 1 { "retry" } else { "retries" };
            sys.err(format!(
                "Warning: Problem : {problem}. Will retry in {secs} second{}. {left} {retries} left.\n",
                s(secs)
            ));
        }
        self.again_at = Some(sys.now() + Duration::from_secs(secs));
    }

    /// Shows what happened. Err: the transfer is over before its end.
    fn show(&mut self, sys: &mut Sys<'_>, happened: Happened) -> Result<(), Failure> {
        let options = self.options();
        let to_stdout = self.output(self.transfer.as_ref()).is_none();
        let Some(t) = &mut self.transfer else { return Ok(()) };
        if options.has("-v") {
            let text = verbose(&happened, t, sys.tty && options.get("-o").is_none());
            sys.err(text);
            if matches!(happened, Happened::Trying(_)) {
                if let Some(name) =
                    options.get("--interface").filter(|n| n.parse::<std::net::Ipv4Addr>().is_err())
                {
                    sys.err(format!("* socket successfully bound to interface '{name}'\n"));
                }
                if let Some((first, _)) = options.get("--local-port").and_then(port_range) {
                    sys.err(format!("* Local port: {first}\n"));
                }
            }
        }
        match happened {
            Happened::Connected { remote, local } => {
                t.connected = Some(sys.now());
                (t.remote, t.local) = (Some(remote), Some(local));
            }
            Happened::Head(head) => {
                if options.has("-f") && head.code >= 400 {
                    let text = format!("The requested URL returned error: {}", head.code);
                    t.head = Some(head);
                    return Err((22, text));
                }
                if let Some(path) = options.get("-D") {
                    let mut text = format!("{}\r\n", head.status_line);
                    head.fields.iter().for_each(|(n, v)| text += &format!("{n}: {v}\r\n"));
                    text += "\r\n";
                    if path == "-" {
                        sys.out(text.replace('\r', ""));
                    } else {
                        let _ = super::usage::save(sys, path, text.as_bytes());
                    }
                }
                if options.has("-I") || options.has("-i") {
                    let mut text = format!("{}\n", head.status_line);
                    head.fields.iter().for_each(|(n, v)| text += &format!("{n}: {v}\n"));
                    sys.out(text + "\n");
                }
                t.head = Some(head);
            }
            Happened::Body(bytes) => {
                t.size += bytes.len();
                if to_stdout {
                    sys.out(String::from_utf8_lossy(&bytes));
                } else {
                    t.body.extend(bytes);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Moves the transfer on. None: something is awaited.
    fn go_on(&mut self, sys: &mut Sys<'_>) -> Option<Result<(), Failure>> {
        let now = sys.now();
        let t = self.transfer.as_mut()?;
        let mut events = Vec::new();
        let result = t.fetch.poll(sys, &mut events);
        for happened in events {
            if let Err(failure) = self.show(sys, happened) {
                return Some(Err(failure));
            }
        }
        let t = self.transfer.as_ref()?;
        let took = now.since(t.started);
        match result {
            Some(result) => Some(result.map_err(|e| failure(&t.url, e, took))),
            None => {
                let phase = t.fetch.phase();
                let due = if phase < Phase::Talking { Some(t.connect_by) } else { t.end_by };
                match due {
                    Some(due) if now >= due => Some(Err(timed_out(t, phase, took))),
                    Some(due) => {
                        sys.wake_at(due);
                        None
                    }
                    None => None,
                }
            }
        }
    }
}

impl Program for Curl {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        match sys.signal {
            Some(Signal::Term) => return Poll::Exit(143),
            Some(Signal::Int) => return Poll::Exit(130),
            _ => {}
        }
        if let Some(code) = self.transfer.is_none().then(|| self.check(sys)).flatten() {
            return Poll::Exit(code);
        }
        loop {
            if let Some(at) = self.again_at {
                if sys.now() < at {
                    sys.wake_at(at);
                    return Poll::Pending;
                }
                self.again_at = None;
                self.attempts += 1;
                match self.begin(sys, &self.last) {
                    Ok(transfer) => self.transfer = Some(transfer),
                    Err(failure) => self.finish(sys, Err(failure)),
                }
                continue;
            }
            if self.transfer.is_none() {
                let Some(url) = self.urls.pop_front() else { return Poll::Exit(self.exit) };
                self.last.clone_from(&url);
                self.number += 1;
                self.attempts = 1;
                match self.begin(sys, &url) {
                    Ok(transfer) => self.transfer = Some(transfer),
                    Err(failure) => {
                        self.finish(sys, Err(failure));
                        continue;
                    }
                }
            }
            match self.go_on(sys) {
                None => return Poll::Pending,
                Some(result) => self.finish(sys, result),
            }
        }
    }
    fn name(&self) -> &str {
        "curl"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

fn port_range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first > 0 && first <= last).then_some((first, last))
}

fn closes(head: &ResponseHead) -> bool {
    head.field("connection").is_some_and(|v| v.eq_ignore_ascii_case("close")) || head.length().is_none()
}

fn could_not_connect(url: &Url, took: Duration) -> String {
    let ms = took.0 / 1_000_000;
    format!("Failed to connect to {} port {} after {ms} ms: Could not connect to server", url.host, url.port)
}

/// curl's number and words for a failure (libcurl-errors(3)).
fn failure(url: &Url, e: FetchError, took: Duration) -> Failure {
    match e {
        FetchError::Lookup(_) => (6, format!("Could not resolve host: {}", url.host)),
        FetchError::Bind(e) => (45, format!("bind failed with errno {}: {e}", errno_number(e))),
        FetchError::Connect(e) => (if e == Errno::TimedOut { 28 } else { 7 }, could_not_connect(url, took)),
        FetchError::Send(e) => (55, format!("Send failure: {e}")),
        FetchError::Receive(e) => (56, format!("Recv failure: {e}")),
        FetchError::Empty => (52, "Empty reply from server".to_owned()),
        FetchError::Tls => {
            let why = "error:0A000126:SSL routines::unexpected eof while reading";
            (35, format!("TLS connect error: {why}"))
        }
        FetchError::NotHttp => (1, "Received HTTP/0.9 when not allowed".to_owned()),
        FetchError::Short(n) => (18, format!("end of response with {n} bytes missing")),
    }
}

/// Linux's numbers of the errors that bind(2) has.
fn errno_number(e: Errno) -> u8 {
    match e {
        Errno::AddrInUse => 98,
        Errno::AddrNotAvail => 99,
        Errno::Access => 13,
        _ => 22,
    }
}

fn timed_out(t: &Transfer, phase: Phase, took: Duration) -> Failure {
    let ms = took.0 / 1_000_000;
    let text = match phase {
        Phase::Resolving => format!("Resolving timed out after {ms} milliseconds"),
        Phase::Connecting => format!("Connection timed out after {ms} milliseconds"),
        Phase::Talking => {
            let (got, of) = t.fetch.progress();
            let of = of.map_or(String::new(), |of| format!(" out of {of}"));
            format!("Operation timed out after {ms} milliseconds with {got}{of} bytes received")
        }
    };
    (28, text)
}

/// The lines of `-v`.
fn verbose(happened: &Happened, t: &Transfer, to_terminal: bool) -> String {
    match happened {
        Happened::Resolved(found) => {
            let addrs: Vec<_> = found.addrs.iter().map(ToString::to_string).collect();
            format!(
                "* Host {}:{} was resolved.\n* IPv6: (none)\n* IPv4: {}\n",
                t.url.host,
                t.url.port,
                addrs.join(", ")
            )
        }
        Happened::Trying(remote) => format!("*   Trying {remote}...\n"),
        Happened::FailedAtOnce(remote, e) => format!("* Immediate connect fail for {}: {e}\n", remote.addr),
        Happened::Failed { remote, local, error } => format!(
            "* connect to {} port {} from {} port {} failed: {error}\n",
            remote.addr, remote.port, local.addr, local.port
        ),
        Happened::Connected { remote, .. } => format!(
            "* Connected to {} ({}) port {}\n* using HTTP/1.x\n",
            t.url.host, remote.addr, remote.port
        ),
        Happened::Sent => {
            let head = t.request.split("\r\n\r\n").next().unwrap_or("");
            let lines: String = head.split("\r\n").map(|l| format!("> {l}\n")).collect();
            format!("{lines}> \n* Request completely sent off\n")
        }
        Happened::Head(head) => {
            let fields: String = head.fields.iter().map(|(n, v)| format!("< {n}: {v}\n")).collect();
            format!("< {}\n{fields}< \n", head.status_line)
        }
        Happened::Body(bytes) if !to_terminal => format!("{{ [{} bytes data]\n", bytes.len()),
        Happened::Body(_) => String::new(),
    }
}

/// Where to connect: the URL's host and port, or what `--resolve`, `--connect-to` and `-x` say instead.
fn target(options: &Parsed, url: &Url) -> Result<(String, u16), Failure> {
    if let Some(proxy) = options.get("-x") {
        let proxy = Url::parse(proxy).map_err(|_| (5, format!("Could not resolve proxy: {proxy}")))?;
        // Without a port it is SOCKS's (CURL_DEFAULT_PROXY_PORT).
        let port = if proxy.authority.contains(':') { proxy.port } else { 1080 };
        return Ok((proxy.host, port));
    }
    for entry in options.all("--resolve") {
        let mut parts = entry.trim_start_matches('+').splitn(3, ':');
        let (host, port, addr) =
            (parts.next(), parts.next().and_then(|p| p.parse::<u16>().ok()), parts.next());
        let (Some(host), Some(port), Some(addr)) = (host, port, addr) else {
            return Err((49, format!("Couldn't parse CURLOPT_RESOLVE entry '{entry}'")));
        };
        if (host.eq_ignore_ascii_case(&url.host) || host == "*") && port == url.port {
            return Ok((addr.split(',').next().unwrap_or(addr).to_owned(), url.port));
        }
    }
    for entry in options.all("--connect-to") {
        let parts: Vec<&str> = entry.split(':').collect();
        let [host, port, to, to_port] = parts[..] else { continue };
        let fits = (host.is_empty() || host.eq_ignore_ascii_case(&url.host))
            && (port.is_empty() || port.parse() == Ok(url.port));
        if fits {
            let to = if to.is_empty() { &url.host } else { to };
            return Ok((to.to_owned(), to_port.parse().unwrap_or(url.port)));
        }
    }
    Ok((url.host.clone(), url.port))
}

/// `-w`: the variables that are about the network; and the first one that there is not.
fn write_out(
    format: &str,
    t: &Transfer,
    options: &Parsed,
    result: &Result<(), Failure>,
    now: Instant,
) -> (String, Option<String>) {
    let seconds = |d: Duration| format!("{}.{:06}", d.as_secs(), d.0 / 1_000 % 1_000_000);
    let addr = |e: Option<Endpoint>| e.map(|e| e.addr.to_string()).unwrap_or_default();
    let port = |e: Option<Endpoint>| e.map_or(0, |e| e.port).to_string();
    let connected = || seconds(t.connected.map_or(Duration::ZERO, |c| c.since(t.started)));
    let field = |name| t.head.as_ref().and_then(|h| h.field(name)).unwrap_or_default().to_owned();
    let variable = |name: &str| {
        Some(match name {
            "http_code" | "response_code" => format!("{:03}", t.head.as_ref().map_or(0, |h| h.code)),
            "remote_ip" => addr(t.remote),
            "remote_port" => port(t.remote),
            "local_ip" => addr(t.local),
            "local_port" => port(t.local),
            "size_download" => t.size.to_string(),
            "num_connects" => u8::from(t.connected.is_some()).to_string(),
            "url" | "url_effective" => t.url.text(),
            "content_type" => field("content-type"),
            "method" => t.request.split(' ').next().unwrap_or_default().to_owned(),
            "scheme" => if t.url.tls { "https" } else { "http" }.to_owned(),
            "http_version" => match &t.head {
                Some(h) => h.status_line.split([' ', '/']).nth(1).unwrap_or_default().to_owned(),
                None => "0".to_owned(),
            },
            "exitcode" => result.as_ref().err().map_or(0, |f| f.0).to_string(),
            "errormsg" => result.as_ref().err().map_or_else(String::new, |f| f.1.clone()),
            "filename_effective" => options.get("-o").unwrap_or_default().to_owned(),
            "redirect_url" => String::new(),
            "num_redirects" => "0".to_owned(),
            "time_connect" | "time_namelookup" | "time_pretransfer" => connected(),
            "time_total" | "time_starttransfer" => seconds(now.since(t.started)),
            "time_appconnect" | "time_redirect" => seconds(Duration::ZERO),
            _ => return None,
        })
    };
    let text = format.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r");
    let (mut out, mut unknown) = (String::new(), None);
    let mut rest = text.as_str();
    while let Some(at) = rest.find("%{") {
        let Some(end) = rest[at..].find('}') else { break };
        out += &rest[..at];
        let name = &rest[at + 2..at + end];
        match variable(name) {
            Some(value) => out += &value,
            None => unknown = unknown.or(Some(name.to_owned())),
        }
        rest = &rest[at + end + 1..];
    }
    (out + rest, unknown)
}
