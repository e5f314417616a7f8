//! `wget`: GNU's (1.25), or busybox's where the machine has it (`/bin/busybox`, as alpine does).
//!
//! Not supported: any scheme but http, recursion, redirects, resuming, the progress bar. The
//! clock that GNU wget prints counts from the moment the lab was opened.

use super::http::{Bind, Fetch, FetchError, Happened, Phase, ResponseHead, Url, UrlError};
use crate::guest::options::{Opt, Parsed, flag, parse, value};
use crate::guest::{Poll, Program, Signal, Sys};
use crate::stack::Errno;
use crate::time::{Duration, Instant};

/// The options of `wget`.
pub(super) const OPTIONS: &[Opt] = &[
    value(&["-O", "--output-document"], "FILE", "write documents to FILE", "파일에 저장 (-는 화면)"),
    flag(&["-q", "--quiet"], "quiet (no output)", "조용히"),
    flag(&["-S", "--server-response"], "print server response", "응답 헤더 출력"),
    flag(&["--spider"], "don't download anything", "받지 않고 확인만"),
    value(&["-T", "--timeout"], "SECONDS", "set all timeout values to SECONDS", "제한 시간(초)"),
    value(&["-t", "--tries"], "NUMBER", "set number of retries to NUMBER (0 unlimits)", "시도 횟수"),
    value(&["-U", "--user-agent"], "AGENT", "identify as AGENT", "User-Agent 지정"),
    value(&["--header"], "STRING", "insert STRING among the headers", "요청 헤더 추가"),
    flag(&["-h", "--help"], "print this help", "도움말"),
    flag(&["-V", "--version"], "display the version of Wget and exit", "버전 보기"),
    flag(&["-nc", "--no-clobber"], "don't overwrite existing files", "있는 파일은 다시 받지 않음"),
    flag(&["-nv", "--no-verbose"], "turn off verboseness, without being quiet", "덜 자세히"),
    value(&["--post-data"], "STRING", "use the POST method; send STRING", "POST로 보낼 데이터"),
    value(&["--method"], "METHOD", "use method in the request", "요청 메서드"),
    value(&["--body-data"], "STRING", "send STRING as data", "보낼 데이터"),
    value(&["--bind-address"], "ADDRESS", "bind to ADDRESS on local host", "이 주소에서 연결"),
    flag(
        &["-4", "-c", "--inet4-only", "--continue", "--no-check-certificate", "--no-proxy"],
        "as it is here anyway",
        "여기서는 원래 그래요",
    ),
];

/// The read timeout of both (GNU: `--read-timeout`, busybox: `-T`).
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(900);

/// The program.
#[derive(Debug, Clone)]
pub(super) struct Wget {
    options: Result<Parsed, String>,
    transfer: Option<Transfer>,
    busybox: bool,
    tried: u32,
}

#[derive(Debug, Clone)]
struct Transfer {
    url: Url,
    fetch: Fetch,
    /// Each step has its own time limit.
    due: Instant,
    phase: Phase,
    head: Option<ResponseHead>,
    body: Vec<u8>,
    name_shown: bool,
}

impl Wget {
    /// From a command line.
    pub(super) fn start(argv: &[String]) -> Box<dyn Program> {
        let options = parse(OPTIONS, argv.get(1..).unwrap_or_default()).map_err(|e| e.to_string());
        Box::new(Self { options, transfer: None, busybox: false, tried: 0 })
    }

    fn options(&self) -> Parsed {
        self.options.clone().unwrap_or_default()
    }

    /// Text for stderr, unless -q.
    fn say(&self, sys: &mut Sys<'_>, text: impl Into<String>) {
        if !self.options().has("-q") {
            sys.err(text);
        }
    }

    fn timeout(&self) -> Duration {
        let given = self.options().get("-T").and_then(|t| t.parse().ok()).map(Duration::from_secs_f64);
        given.filter(|t| t.0 > 0).unwrap_or(DEFAULT_TIMEOUT)
    }

    /// Checks the command line and begins. Err: exit status.
    fn begin(&mut self, sys: &mut Sys<'_>) -> Result<(), i32> {
        self.busybox = sys.files.get("/bin/busybox").is_some();
        let options = match &self.options {
            Ok(options) => options.clone(),
            Err(e) if self.busybox => {
                sys.err(super::usage::options_text(
                    &format!("wget: {e}\nUsage: wget [OPTIONS] URL...\n\n"),
                    OPTIONS,
                ));
                return Err(1);
            }
            Err(e) => {
                sys.err(format!(
                    "wget: {e}\nUsage: wget [OPTION]... [URL]...\n\nTry `wget --help' for more options.\n"
                ));
                return Err(2);
            }
        };
        if options.has("-V") && !self.busybox {
            sys.out("GNU Wget 1.25.0 built on linux-gnu.\n");
            return Err(0);
        }
        if let Some(bad) = options.get("-T").filter(|t| t.parse::<f64>().is_err() && !self.busybox) {
            sys.err(format!("wget: --timeout: Invalid time period '{bad}'\n"));
            return Err(2);
        }
        if options.has("-h") {
            sys.out(super::usage::options_text("Usage: wget [OPTION]... [URL]...\n\n", OPTIONS));
            return Err(0);
        }
        let Some(text) = options.operands.first() else {
            sys.err("wget: missing URL\nUsage: wget [OPTION]... [URL]...\n\nTry `wget --help' for more options.\n");
            return Err(1);
        };
        let url = Url::parse(text).map_err(|e| {
            let why = match e {
                UrlError::Scheme(s) if self.busybox => {
                    sys.err(format!("wget: not an http or ftp url: {text} ({s} is not supported)\n"));
                    return 1;
                }
                UrlError::Scheme(_) => "Unsupported scheme".to_owned(),
                UrlError::NoHost => "Invalid host name".to_owned(),
                UrlError::Port => "Bad port number".to_owned(),
            };
            sys.err(format!("{text}: {why}.\n"));
            1
        })?;
        if url.is_ipv6() {
            sys.err(format!("wget: unable to resolve host address ‘{}’\n", url.host));
            return Err(if self.busybox { 1 } else { 4 });
        }
        self.tried += 1;
        if !self.busybox {
            let stamp = stamp(sys.now());
            let again = if self.tried > 1 { format!("(try:{:2})  ", self.tried) } else { String::new() };
            self.say(sys, format!("--{stamp}--  {again}{}\n", url.text()));
            if url.host.parse::<std::net::Ipv4Addr>().is_err() {
                self.say(sys, format!("Resolving {0} ({0})... ", url.host));
            }
        }
        let request = self.request(&options, &url);
        let due = sys.now() + self.timeout();
        let fetch = Fetch::new(&url, request.into_bytes(), options.has("--spider"), due)
            .with_bind(options.get("--bind-address").and_then(|a| a.parse().ok()).map(Bind::Address));
        self.transfer = Some(Transfer {
            url,
            fetch,
            due,
            phase: Phase::Resolving,
            head: None,
            body: Vec::new(),
            name_shown: false,
        });
        Ok(())
    }

    fn request(&self, options: &Parsed, url: &Url) -> String {
        let data = options.get("--post-data").or(options.get("--body-data"));
        let method = match options.get("--method") {
            Some(method) => method,
            None if options.get("--post-data").is_some() => "POST",
            None if options.has("--spider") && !self.busybox => "HEAD",
            None => "GET",
        };
        let mut text = format!("{method} {} HTTP/1.1\r\nHost: {}\r\n", url.path, url.authority);
        let agent = options.get("-U").unwrap_or(if self.busybox { "Wget" } else { "Wget/1.25.0" });
        text += &format!("User-Agent: {agent}\r\n");
        if !self.busybox {
            text += "Accept: */*\r\nAccept-Encoding: identity\r\n";
        }
        options.all("--header").for_each(|h| text += &format!("{h}\r\n"));
        if let Some(data) = data {
            let kind = "application/x-www-form-urlencoded";
            text += &format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", data.len());
        }
        text += if self.busybox { "Connection: close\r\n\r\n" } else { "Connection: Keep-Alive\r\n\r\n" };
        text + data.unwrap_or("")
    }

    /// The file to write; None is stdout.
    fn target(&self) -> Option<String> {
        match (self.options().get("-O"), &self.transfer) {
            (Some("-"), _) => None,
            (Some(path), _) => Some(path.to_owned()),
            (None, Some(t)) => Some(t.url.file_name().to_owned()),
            (None, None) => None,
        }
    }

    fn show(&mut self, sys: &mut Sys<'_>, happened: Happened) {
        let options = self.options();
        let Some(t) = &mut self.transfer else { return };
        let mut text = String::new();
        match happened {
            Happened::Resolved(found) if !self.busybox => {
                let addrs: Vec<_> = found.addrs.iter().map(ToString::to_string).collect();
                t.name_shown = true;
                text = format!("{}\n", addrs.join(", "));
            }
            Happened::Trying(remote) if self.busybox => {
                text = format!("Connecting to {} ({remote})\n", t.url.host);
            }
            Happened::Trying(remote) if t.name_shown => {
                text = format!("Connecting to {0} ({0})|{1}|:{2}... ", t.url.host, remote.addr, remote.port);
            }
            Happened::Trying(remote) => text = format!("Connecting to {remote}... "),
            Happened::Failed { error, .. } | Happened::FailedAtOnce(_, error) if !self.busybox => {
                text = format!("failed: {error}.\n");
            }
            Happened::Connected { .. } if !self.busybox => text = "connected.\n".to_owned(),
            Happened::Sent if !self.busybox => text = "HTTP request sent, awaiting response... ".to_owned(),
            Happened::Head(head) => {
                if !self.busybox {
                    text = format!("{}\n", head.status_line.split_once(' ').map_or("", |(_, s)| s));
                }
                if options.has("-S") {
                    let mut fields = format!("  {}\n", head.status_line);
                    head.fields.iter().for_each(|(n, v)| fields += &format!("  {n}: {v}\n"));
                    if options.has("-q") {
                        sys.err(fields);
                    } else {
                        text += &fields;
                    }
                }
                t.head = Some(head);
            }
            Happened::Body(bytes) => t.body.extend(bytes),
            _ => {}
        }
        self.say(sys, text);
    }

    /// The response is whole.
    fn done(&mut self, sys: &mut Sys<'_>) -> i32 {
        let target = self.target();
        let Some(t) = self.transfer.take() else { return 1 };
        let head = t.head.clone().unwrap_or_default();
        let body = t.body.clone();
        t.fetch.close(sys);
        if head.code >= 400 {
            let reason = head.status_line.split_once(' ').map_or("", |(_, s)| s).to_owned();
            if self.busybox {
                sys.err(format!("wget: server returned error: {}\n", head.status_line));
                return 1;
            }
            let (code, words) = reason.split_once(' ').unwrap_or((&reason, ""));
            self.say(sys, format!("{} ERROR {code}: {words}.\n\n", stamp(sys.now())));
            return 8;
        }
        if self.options().has("--spider") {
            self.say(sys, if self.busybox { "remote file exists\n" } else { "Remote file exists.\n\n" });
            return 0;
        }
        let shown = target.clone().unwrap_or_else(|| "STDOUT".to_owned());
        if self.busybox {
            match &target {
                Some(path) => self.say(sys, format!("saving to '{path}'\n")),
                None => self.say(sys, "writing to stdout\n"),
            }
        } else {
            let kind = head.field("content-type").map(|k| k.split(';').next().unwrap_or(k).to_owned());
            let kind = kind.map(|k| format!(" [{k}]")).unwrap_or_default();
            let length = head.length().map_or("unspecified".to_owned(), |l| l.to_string());
            self.say(sys, format!("Length: {length}{kind}\nSaving to: ‘{shown}’\n\n"));
        }
        match &target {
            None => sys.out(String::from_utf8_lossy(&body)),
            Some(path) => {
                if let Err(e) = super::usage::save(sys, path, &body) {
                    sys.err(format!("{path}: {e}\n"));
                    return if self.busybox { 1 } else { 3 };
                }
            }
        }
        if self.busybox {
            match &target {
                Some(path) => self.say(sys, format!("'{path}' saved\n")),
                None => self.say(sys, "written to stdout\n"),
            }
        } else {
            let n = body.len();
            let verb = if target.is_some() { "saved" } else { "written to stdout" };
            let name = target.map_or("-".to_owned(), |_| format!("‘{shown}’"));
            self.say(sys, format!("{} - {name} {verb} [{n}/{n}]\n\n", stamp(sys.now())));
        }
        0
    }

    /// The transfer failed. None: try again.
    fn failed(&mut self, sys: &mut Sys<'_>, error: FetchError) -> Option<i32> {
        let t = self.transfer.take()?;
        let host = t.url.host.clone();
        let remote =
            format!("remote host ({})", t.fetch.last_tried().map(|a| a.to_string()).unwrap_or_default());
        t.fetch.close(sys);
        if self.busybox {
            let text = match error {
                FetchError::Lookup(_) => format!("bad address '{host}'"),
                FetchError::Connect(e) | FetchError::Bind(e) => format!("can't connect to {remote}: {e}"),
                FetchError::Send(e) | FetchError::Receive(e) => format!("error getting response: {e}"),
                FetchError::Empty | FetchError::Tls => "error getting response".to_owned(),
                FetchError::NotHttp => "bad header line".to_owned(),
                FetchError::Short(_) => "connection closed prematurely".to_owned(),
            };
            sys.err(format!("wget: {text}\n"));
            return Some(1);
        }
        let mut again = false;
        match error {
            FetchError::Lookup(e) => {
                self.say(sys, format!("failed: {e}.\nwget: unable to resolve host address ‘{host}’\n"));
            }
            FetchError::Connect(e) => again = e == Errno::TimedOut,
            FetchError::Bind(_) => {}
            FetchError::Tls => self.say(sys, "Unable to establish SSL connection.\n"),
            FetchError::Send(e) => {
                self.say(sys, format!("Failed writing HTTP request: {e}.\n"));
                again = true;
            }
            FetchError::Receive(e) => {
                self.say(sys, format!("Read error ({e}) in headers.\n"));
                again = true;
            }
            FetchError::Empty => {
                self.say(sys, "No data received.\n");
                again = true;
            }
            FetchError::NotHttp => self.say(sys, "200 No headers, assuming HTTP/0.9\n"),
            FetchError::Short(_) => {
                self.say(sys, "Connection closed.\n");
                again = true;
            }
        }
        let tries = self.options().get("-t").and_then(|t| t.parse::<u32>().ok()).unwrap_or(20);
        if again && (tries == 0 || self.tried < tries) {
            self.say(sys, "Retrying.\n\n");
            return None;
        }
        if again && tries > 1 {
            self.say(sys, "Giving up.\n\n");
        }
        Some(4)
    }

    /// Some: this attempt is over.
    fn go_on(&mut self, sys: &mut Sys<'_>) -> Option<Result<(), FetchError>> {
        let timeout = self.timeout();
        let mut events = Vec::new();
        let t = self.transfer.as_mut()?;
        let result = t.fetch.poll(sys, &mut events);
        let moved = !events.is_empty() || t.phase != t.fetch.phase();
        events.into_iter().for_each(|happened| self.show(sys, happened));
        if result.is_some() {
            return result;
        }
        let now = sys.now();
        let t = self.transfer.as_mut()?;
        t.phase = t.fetch.phase();
        if moved {
            t.due = now + timeout;
        }
        if now < t.due {
            sys.wake_at(t.due);
            return None;
        }
        if self.busybox {
            // Said here: busybox has other words for it than for a failed call.
            sys.err("wget: download timed out\n");
        } else if t.phase == Phase::Connecting {
            self.say(sys, format!("failed: {}.\n", Errno::TimedOut));
        }
        Some(Err(FetchError::Connect(Errno::TimedOut)))
    }
}

impl Program for Wget {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        match sys.signal {
            Some(Signal::Term) => return Poll::Exit(143),
            Some(Signal::Int) => return Poll::Exit(130),
            _ => {}
        }
        loop {
            if self.transfer.is_none()
                && let Err(code) = self.begin(sys)
            {
                return Poll::Exit(code);
            }
            let due = self.transfer.as_ref().map(|t| t.due);
            match self.go_on(sys) {
                None => return Poll::Pending,
                Some(Ok(())) => return Poll::Exit(self.done(sys)),
                Some(Err(_)) if self.busybox && due.is_some_and(|d| sys.now() >= d) => return Poll::Exit(1),
                Some(Err(e)) => {
                    if let Some(code) = self.failed(sys, e) {
                        return Poll::Exit(code);
                    }
                }
            }
        }
    }
    fn name(&self) -> &str {
        "wget"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// The clock of a machine that was switched on at the Epoch.
fn stamp(now: Instant) -> String {
    let secs = now.0 / 1_000_000_000;
    let (days, secs) = (secs / 86_400, secs % 86_400);
    format!("1970-01-{:02} {:02}:{:02}:{:02}", days + 1, secs / 3_600, secs / 60 % 60, secs % 60)
}
