//! `curl`, with the texts of curl 8.14.
//!
//! Not supported: any scheme but http, redirects, uploads, cookies, the progress meter (as with
//! `-s`; errors are shown unless `-s` is given without `-S`).

use super::http::{Fetch, FetchError, Happened, Phase, ResponseHead, Url, UrlError};
use crate::guest::options::{Opt, OptError, Parsed, flag, parse, value};
use crate::guest::{Poll, Program, Signal, Sys};
use crate::stack::Errno;
use crate::time::{Duration, Instant};
use crate::wire::Endpoint;

/// The options of `curl`.
pub(super) const OPTIONS: &[Opt] = &[
    flag(&["-4", "--ipv4"], "Resolve names to IPv4 addresses", "IPv4 주소만 사용"),
    value(&["-A", "--user-agent"], "name", "Send User-Agent <name> to server", "User-Agent 지정"),
    value(&["--connect-timeout"], "seconds", "Maximum time allowed to connect", "연결까지의 제한 시간"),
    value(&["-d", "--data"], "data", "HTTP POST data", "보낼 데이터"),
    flag(&["-f", "--fail"], "Fail fast with no output on HTTP errors", "HTTP 오류면 실패로 끝남"),
    value(&["-H", "--header"], "header", "Pass custom header(s) to server", "요청 헤더 추가"),
    flag(&["-I", "--head"], "Show document info only", "헤더만 요청"),
    flag(&["-i", "--include", "--show-headers"], "Show response headers in output", "응답 헤더도 출력"),
    flag(&["-k", "--insecure"], "Allow insecure server connections", "인증서 확인 안 함"),
    flag(&["-L", "--location"], "Follow redirects", "리다이렉트 따라가기"),
    value(&["--local-port"], "range", "Use a local port number within RANGE", "출발지 포트 지정"),
    value(&["-m", "--max-time"], "seconds", "Maximum time allowed for transfer", "전체 제한 시간"),
    value(&["-o", "--output"], "file", "Write to file instead of stdout", "파일에 저장"),
    value(&["-X", "--request"], "method", "Specify request method to use", "요청 메서드"),
    flag(&["-s", "--silent"], "Silent mode", "조용히"),
    flag(&["-S", "--show-error"], "Show error even when -s is used", "-s여도 오류는 출력"),
    flag(&["-v", "--verbose"], "Make the operation more talkative", "과정을 자세히 출력"),
    value(&["-w", "--write-out"], "format", "Output FORMAT after completion", "끝난 뒤 출력할 형식"),
    flag(&["-h", "--help"], "Get help for commands", "도움말"),
];

const AGENT: &str = "curl/8.14.1";
/// Without `--connect-timeout` (DEFAULT_CONNECT_TIMEOUT in curl's lib/connect.h).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(300);

/// The program.
#[derive(Debug, Clone)]
pub(super) struct Curl {
    options: Result<Parsed, OptError>,
    urls: std::collections::VecDeque<String>,
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
        let urls = options.as_ref().map(|p| p.operands.iter().cloned().collect()).unwrap_or_default();
        Box::new(Self { options, urls, transfer: None, exit: 0 })
    }

    fn options(&self) -> Parsed {
        self.options.clone().unwrap_or_default()
    }

    /// The checks before anything is sent. Some: the end.
    fn check(&self, sys: &mut Sys<'_>) -> Option<i32> {
        let refuse = |sys: &mut Sys<'_>, text: String| {
            sys.err(format!("curl: {text}\ncurl: try 'curl --help' for more information\n"));
            Some(2)
        };
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
        for name in ["-m", "--connect-timeout"] {
            if parsed.get(name).is_some_and(|v| v.parse::<f64>().is_err()) {
                return refuse(sys, format!("option {name}: expected a proper numerical parameter"));
            }
        }
        if parsed.get("--local-port").is_some_and(|v| port_range(v).is_none()) {
            return refuse(sys, "option --local-port: is badly used here".to_owned());
        }
        if parsed.operands.is_empty() {
            sys.err("curl: (2) no URL specified\n");
            return Some(2);
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
        let request = request(&options, &url);
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
            .with_local_ports(options.get("--local-port").and_then(port_range));
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
        let result = result.and_then(|()| match (&transfer, options.get("-o")) {
            (Some(t), Some(path)) if path != "-" => super::usage::save(sys, path, &t.body)
                .map_err(|e| (23, format!("Failure writing output to destination: {e}"))),
            _ => Ok(()),
        });
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
                (Err((_, text)), _) => sys.err(format!("* {text}\n* closing connection #0\n")),
            }
        }
        if let Some(t) = transfer {
            if let Some(format) = options.get("-w") {
                let text = write_out(format, &t, sys.now());
                sys.out(text);
            }
            t.fetch.close(sys);
        }
        if let (Err((code, text)), true) = (result, shown) {
            sys.err(format!("curl: ({code}) {text}\n"));
        }
    }

    /// Shows what happened. Err: the transfer is over before its end.
    fn show(&mut self, sys: &mut Sys<'_>, happened: Happened) -> Result<(), Failure> {
        let options = self.options();
        let Some(t) = &mut self.transfer else { return Ok(()) };
        if options.has("-v") {
            let text = verbose(&happened, t, sys.tty && options.get("-o").is_none());
            sys.err(text);
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
                if options.has("-I") || options.has("-i") {
                    let mut text = format!("{}\n", head.status_line);
                    head.fields.iter().for_each(|(n, v)| text += &format!("{n}: {v}\n"));
                    sys.out(text + "\n");
                }
                t.head = Some(head);
            }
            Happened::Body(bytes) => {
                t.size += bytes.len();
                if options.get("-o").is_none_or(|path| path == "-") {
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
            if self.transfer.is_none() {
                let Some(url) = self.urls.pop_front() else { return Poll::Exit(self.exit) };
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

fn request(options: &Parsed, url: &Url) -> String {
    let own: Vec<(&str, &str)> = options.all("-H").filter_map(|h| h.split_once(':')).collect();
    let has = |name: &str| own.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
    let data = options.get("-d");
    let method = match (options.get("-X"), options.has("-I"), data) {
        (Some(method), _, _) => method,
        (None, true, _) => "HEAD",
        (None, false, Some(_)) => "POST",
        (None, false, None) => "GET",
    };
    let mut text = format!("{method} {} HTTP/1.1\r\n", url.path);
    let mut field = |name: &str, value: &str| {
        if !has(name) {
            text += &format!("{name}: {value}\r\n");
        }
    };
    field("Host", &url.authority);
    field("User-Agent", options.get("-A").unwrap_or(AGENT));
    field("Accept", "*/*");
    if let Some(data) = data {
        field("Content-Length", &data.len().to_string());
        field("Content-Type", "application/x-www-form-urlencoded");
    }
    // A field without a value is one that is left out.
    for (name, value) in own.iter().filter(|(_, v)| !v.trim().is_empty()) {
        text += &format!("{name}: {}\r\n", value.trim());
    }
    text + "\r\n" + data.unwrap_or("")
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

/// `-w`: the variables that are about the network.
fn write_out(format: &str, t: &Transfer, now: Instant) -> String {
    let seconds = |d: Duration| format!("{}.{:06}", d.as_secs(), d.0 / 1_000 % 1_000_000);
    let addr = |e: Option<Endpoint>| e.map(|e| e.addr.to_string()).unwrap_or_default();
    let port = |e: Option<Endpoint>| e.map_or(0, |e| e.port).to_string();
    let variable = |name: &str| match name {
        "http_code" | "response_code" => format!("{:03}", t.head.as_ref().map_or(0, |h| h.code)),
        "remote_ip" => addr(t.remote),
        "remote_port" => port(t.remote),
        "local_ip" => addr(t.local),
        "local_port" => port(t.local),
        "size_download" => t.size.to_string(),
        "time_connect" => seconds(t.connected.map_or(Duration::ZERO, |c| c.since(t.started))),
        "time_total" => seconds(now.since(t.started)),
        _ => String::new(),
    };
    let text = format.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("%{") {
        let Some(end) = rest[at..].find('}') else { break };
        out += &rest[..at];
        out += &variable(&rest[at + 2..at + end]);
        rest = &rest[at + end + 1..];
    }
    out + rest
}
