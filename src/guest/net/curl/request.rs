//! curl's options, and the request that they make.

use super::super::http::Url;
use crate::guest::options::{Opt, Parsed, flag, value};

/// The options of `curl`.
pub(in crate::guest::net) const OPTIONS: &[Opt] = &[
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
    flag(&["-6", "--ipv6"], "Resolve names to IPv6 addresses", "IPv6 주소만 사용"),
    flag(&["-V", "--version"], "Show version number and quit", "버전 보기"),
    value(&["-b", "--cookie"], "data", "Send cookies from string", "보낼 쿠키"),
    value(
        &["-D", "--dump-header"],
        "filename",
        "Write the received headers to <filename>",
        "응답 헤더를 저장",
    ),
    value(&["-e", "--referer"], "URL", "Referrer URL", "Referer 지정"),
    flag(&["-G", "--get"], "Put the post data in the URL and use GET", "데이터를 URL에 붙여 GET으로"),
    flag(&["-O", "--remote-name"], "Write output to file named as remote file", "원래 이름으로 저장"),
    value(&["-r", "--range"], "range", "Retrieve only the bytes within RANGE", "이 바이트만 요청"),
    value(&["-T", "--upload-file"], "file", "Transfer local FILE to destination", "파일 올리기"),
    value(&["-u", "--user"], "user:password", "Server user and password", "사용자와 암호"),
    value(&["-x", "--proxy"], "[protocol://]host[:port]", "Use this proxy", "프록시 사용"),
    value(
        &["--connect-to"],
        "HOST1:PORT1:HOST2:PORT2",
        "Connect to host2 instead of host1",
        "다른 곳으로 연결",
    ),
    value(&["--data-raw", "--data-binary", "--data-ascii"], "data", "HTTP POST data", "보낼 데이터"),
    value(&["--interface"], "name", "Use network interface", "이 인터페이스나 주소로"),
    value(&["--json"], "data", "HTTP POST JSON", "보낼 JSON"),
    value(&["--resolve"], "host:port:addr", "Resolve host+port to address", "이름을 이 주소로"),
    value(&["--retry"], "num", "Retry request if transient problems occur", "다시 시도할 횟수"),
    flag(&["--retry-all-errors"], "Retry all errors", "모든 오류에 다시 시도"),
    flag(&["--retry-connrefused"], "Retry on connection refused", "거절돼도 다시 시도"),
    value(&["--retry-delay"], "seconds", "Wait time between retries", "다시 시도까지의 시간"),
    value(&["--unix-socket"], "path", "Connect through this Unix domain socket", "유닉스 소켓으로"),
    value(&["--url"], "url", "URL to work with", "URL"),
    flag(&["-0", "--http1.0"], "Use HTTP/1.0", "HTTP/1.0 사용"),
    flag(&["--compressed"], "Request compressed response", "압축된 응답 요청"),
    flag(&["--fail-with-body"], "Fail on HTTP errors but save the body", "HTTP 오류면 내용을 받고 실패"),
    value(&["--max-redirs"], "num", "Maximum number of redirects allowed", "리다이렉트 한도"),
    flag(
        &[
            "-N",
            "-#",
            "-g",
            "-Z",
            "--no-buffer",
            "--progress-bar",
            "--globoff",
            "--parallel",
            "--http1.1",
            "--no-progress-meter",
            "--path-as-is",
            "--tcp-nodelay",
            "--no-keepalive",
        ],
        "As it is here anyway",
        "여기서는 원래 그래요",
    ),
    value(
        &["--keepalive-time", "--limit-rate", "--noproxy", "--trace-ascii", "--cacert", "-c", "--cookie-jar"],
        "value",
        "Without effect here",
        "여기서는 효과가 없어요",
    ),
];

const AGENT: &str = "curl/8.14.1";

/// What is sent for `url`; `file`: what `-T` uploads.
pub(super) fn request(options: &Parsed, url: &Url, file: Option<&str>) -> String {
    let own: Vec<(&str, &str)> = options.all("-H").filter_map(|h| h.split_once(':')).collect();
    let has = |name: &str| own.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
    let json = options.get("--json");
    let parts: Vec<&str> = ["-d", "--data-raw", "--json"].iter().flat_map(|o| options.all(o)).collect();
    let data = (!parts.is_empty()).then(|| parts.join(if json.is_some() { "" } else { "&" }));
    let in_url = options.has("-G").then(|| data.clone()).flatten();
    let data = file.map(str::to_owned).or(data).filter(|_| in_url.is_none());
    let method = match (options.get("-X"), options.has("-I"), &data) {
        (Some(method), _, _) => method,
        (None, true, _) => "HEAD",
        (None, false, Some(_)) if file.is_some() => "PUT",
        (None, false, Some(_)) => "POST",
        (None, false, None) => "GET",
    };
    let mut path = url.path.clone();
    if let Some(query) = in_url {
        path += &format!("{}{query}", if path.contains('?') { "&" } else { "?" });
    }
    if let (true, Some(name)) = (path.ends_with('/'), options.get("-T")) {
        path += name.rsplit('/').next().unwrap_or_default();
    }
    let proxy = options.get("-x").is_some();
    if proxy {
        path = format!("http://{}{path}", url.authority);
    }
    let version = if options.has("-0") { "1.0" } else { "1.1" };
    let mut text = format!("{method} {path} HTTP/{version}\r\n");
    let mut field = |name: &str, value: &str| {
        if !has(name) {
            text += &format!("{name}: {value}\r\n");
        }
    };
    field("Host", &url.authority);
    if let Some(user) = options.get("-u") {
        field("Authorization", &format!("Basic {}", base64(user.as_bytes())));
    }
    if let Some(range) = options.get("-r") {
        field("Range", &format!("bytes={range}"));
    }
    field("User-Agent", options.get("-A").unwrap_or(AGENT));
    if json.is_some() {
        field("Content-Type", "application/json");
        field("Accept", "application/json");
    } else {
        field("Accept", "*/*");
    }
    if options.has("--compressed") {
        field("Accept-Encoding", "deflate, gzip, br, zstd");
    }
    if proxy {
        field("Proxy-Connection", "Keep-Alive");
    }
    if let Some(referrer) = options.get("-e") {
        field("Referer", referrer);
    }
    if let Some(cookie) = options.get("-b").filter(|c| c.contains('=')) {
        field("Cookie", cookie);
    }
    if let Some(data) = &data {
        field("Content-Length", &data.len().to_string());
        if file.is_none() && json.is_none() {
            field("Content-Type", "application/x-www-form-urlencoded");
        }
    }
    // A field without a value is one that is left out.
    for (name, value) in own.iter().filter(|(_, v)| !v.trim().is_empty()) {
        text += &format!("{name}: {}\r\n", value.trim());
    }
    text + "\r\n" + &data.unwrap_or_default()
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4u32 {
            let letter = LETTERS[(bits >> (18 - 6 * i) & 63) as usize];
            out.push(if i as usize > chunk.len() { '=' } else { char::from(letter) });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn base64_pads_what_is_short() {
        for (text, coded) in [("", ""), ("me:pw", "bWU6cHc="), ("a", "YQ=="), ("abc", "YWJj")] {
            assert_eq!(super::base64(text.as_bytes()), coded);
        }
    }
}
