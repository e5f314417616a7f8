//! What a probe found out, from what the tool itself printed and its exit status.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

/// The outcome of a probe, and the details that its tool printed.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// `ok`, `refused`, `timeout`, `unreachable` …
    pub outcome: String,
    /// By key: `address`, `ttl`, `error` …
    pub details: Map<String, Value>,
}

macro_rules! pattern {
    ($name:ident, $text:literal) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($text).expect("a pattern of our own"));
    };
}

pattern!(PING_REPLY, r"bytes from ([^\s:]+)(?: \(([^)]+)\))?:? icmp_seq=\d+ ttl=(\d+)");
pattern!(PING_HEAD, r"(?m)^PING \S+ \(([^)]+)\)");
pattern!(PING_ERROR, r"From (\S+)(?: \(([^)]+)\))? icmp_seq=\d+ (.*)");
pattern!(PING_NO_NAME, r"Name or service not known|No address associated|bad address");
pattern!(CURL_JSON, r"(?m)^\{.*\}$");
pattern!(CURL_CONNECTED, r"Connected to \S+ \(([^)]+)\)|Established connection to \S+ \(([^ )]+)");
pattern!(CURL_OPEN, r"Connected to|Established connection");
pattern!(
    CURL_FAILED,
    r"connect to \S+ port \d+ from \S+ port \d+ failed: (.*)|connect to \S+ port \d+ failed: (.*)|Immediate connect fail for \S+: (.*)"
);
pattern!(NSLOOKUP_SERVER, r"Server:\s*(\S+)");
pattern!(NSLOOKUP_ASKED, r"Address:\s*\S+#53");
pattern!(NSLOOKUP_ADDRESS, r"(?m)^Address:\s*([\d.a-f:]+)$");
pattern!(NSLOOKUP_NAME, r"name = (\S+)");
pattern!(NSLOOKUP_REFUSED, r"server can't find \S+ (\w+)");
pattern!(TRACEROUTE_HOP, r"^\s*\d+\s");
pattern!(TRACEROUTE_FLAG, r"![NHXP]");
pattern!(ARPING_MAC, r"\[([0-9A-Fa-f:]{17})\]");

/// Classes what `command` printed.
pub fn classify(command: &str, exit: i32, stdout: &str, stderr: &str) -> Finding {
    let mut found =
        Reading { command, exit, stdout, stderr, all: format!("{stdout}\n{stderr}"), details: Map::new() };
    let outcome = match command.split_whitespace().next().unwrap_or_default() {
        "ping" => found.ping(),
        "curl" => found.curl(),
        "udpq" => found.udpq(),
        "getent" => Some(found.getent()),
        "nslookup" => Some(found.nslookup()),
        "traceroute" => Some(found.traceroute()),
        "arping" => Some(found.arping()),
        _ => None,
    };
    let outcome = outcome.unwrap_or_else(|| if exit == 0 { "ok".into() } else { "error".into() });
    Finding { outcome, details: found.details }
}

/// The first group that matched.
fn group<'a>(captures: &regex::Captures<'a>) -> Option<&'a str> {
    captures.iter().skip(1).flatten().next().map(|m| m.as_str())
}

fn sorted(mut items: Vec<String>) -> Value {
    items.sort();
    items.into()
}

struct Reading<'a> {
    command: &'a str,
    exit: i32,
    stdout: &'a str,
    stderr: &'a str,
    all: String,
    details: Map<String, Value>,
}

impl Reading<'_> {
    fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.details.insert(key.to_owned(), value.into());
    }

    /// The fields of the JSON line that `serve` answers with, but for those in `without`.
    fn answer(&mut self, text: &str, without: &[&str]) {
        if let Ok(Value::Object(fields)) = serde_json::from_str(text) {
            self.details.extend(fields.into_iter().filter(|(key, _)| !without.contains(&key.as_str())));
        }
    }

    fn ping(&mut self) -> Option<String> {
        let all = std::mem::take(&mut self.all);
        if let Some(c) = PING_HEAD.captures(&all) {
            self.set("address", &c[1]);
        }
        if let Some(c) = PING_REPLY.captures(&all) {
            self.set("reply_from", c.get(2).or(c.get(1)).map_or("", |m| m.as_str()));
            self.set("ttl", c[3].parse::<u64>().unwrap_or(u64::MAX));
            return Some("ok".into());
        }
        if let Some(c) = PING_ERROR.captures(&all) {
            self.set("icmp_from", c.get(2).or(c.get(1)).map_or("", |m| m.as_str()));
            self.set("icmp", c[3].trim());
            let outcome = match &c[3] {
                text if text.contains("exceeded") => "ttl-exceeded",
                text if text.contains("Frag") => "too-big",
                _ => "unreachable",
            };
            return Some(outcome.into());
        }
        if all.contains("Network is unreachable") {
            self.set("error", "Network is unreachable");
            return Some("unreachable".into());
        }
        if all.to_lowercase().contains("message too long") {
            self.set("error", "Message too long");
            return Some("too-big".into());
        }
        if all.contains("Temporary failure in name resolution") {
            return Some("name-temporary-failure".into());
        }
        if PING_NO_NAME.is_match(&all) {
            return Some("name-not-found".into());
        }
        all.contains("100% packet loss").then(|| "timeout".into())
    }

    fn curl(&mut self) -> Option<String> {
        match self.exit {
            0 => {
                let fixed_port = self.command.contains("--local-port");
                if let Some(line) = CURL_JSON.find(self.stdout) {
                    let without: &[&str] = if fixed_port { &["host"] } else { &["host", "peer_port"] };
                    self.answer(line.as_str(), without);
                }
                if let Some(address) = CURL_CONNECTED.captures(self.stderr).and_then(|c| group(&c)) {
                    self.set("connected_to", address);
                }
                return Some("ok".into());
            }
            6 => return Some("name-not-found".into()),
            28 => {
                let connected = CURL_OPEN.is_match(self.stderr);
                self.set("connected", connected);
                return Some(if connected { "no-answer" } else { "timeout" }.into());
            }
            _ => {}
        }
        let error = CURL_FAILED.captures(self.stderr).and_then(|c| group(&c)).unwrap_or_default();
        if !error.is_empty() {
            self.set("error", error);
        }
        let outcome = match (self.exit, error) {
            (7, "Connection refused") => "refused",
            (
                7,
                "No route to host" | "Network is unreachable" | "Network unreachable" | "Host is unreachable",
            ) => "unreachable",
            (7, error) if error.contains("timed out") => "timeout",
            (52 | 56, _) => "accepted-then-closed",
            _ => return None,
        };
        Some(outcome.into())
    }

    fn udpq(&mut self) -> Option<String> {
        if self.exit == 0 {
            let fixed_port = self.command.split_whitespace().count() > 3;
            self.answer(self.stdout.trim(), if fixed_port { &["bytes"] } else { &["bytes", "peer_port"] });
            return Some("ok".into());
        }
        let error = self.stderr.trim();
        if !error.is_empty() {
            self.set("error", error.split_once(": ").map_or(error, |(_, text)| text));
        }
        let outcome = match self.exit {
            7 => "refused",
            28 => "timeout",
            6 => "name-not-found",
            8 => "unreachable",
            _ => "error",
        };
        Some(outcome.into())
    }

    fn getent(&mut self) -> String {
        let mut addresses: Vec<String> =
            self.stdout.lines().filter_map(|l| l.split_whitespace().next()).map(str::to_owned).collect();
        addresses.sort();
        addresses.dedup();
        self.set("addresses", addresses);
        if self.exit == 0 { "ok".into() } else { "name-not-found".into() }
    }

    fn nslookup(&mut self) -> String {
        if let Some(c) = NSLOOKUP_SERVER.captures(self.stdout) {
            self.set("server", &c[1]);
        }
        let answers = NSLOOKUP_ASKED.replace_all(self.stdout, "");
        let all = NSLOOKUP_ADDRESS
            .captures_iter(&answers)
            .chain(NSLOOKUP_NAME.captures_iter(self.stdout))
            .map(|c| c[1].to_owned())
            .collect();
        self.set("answers", sorted(all));
        if let Some(c) = NSLOOKUP_REFUSED.captures(&self.all) {
            return c[1].to_lowercase();
        }
        if self.all.contains("timed out") || self.all.contains("no servers could be reached") {
            return "timeout".into();
        }
        if self.exit == 0 { "ok".into() } else { "error".into() }
    }

    fn traceroute(&mut self) -> String {
        let hops: Vec<String> = self
            .stdout
            .lines()
            .filter(|line| TRACEROUTE_HOP.is_match(line))
            .map(|line| line.split_whitespace().nth(1).unwrap_or("*").to_owned())
            .collect();
        self.set("hops", hops);
        let flags: Vec<String> =
            TRACEROUTE_FLAG.find_iter(self.stdout).map(|m| m.as_str().to_owned()).collect();
        if !flags.is_empty() {
            self.set("flags", flags);
        }
        if self.exit == 0 { "ok".into() } else { "error".into() }
    }

    fn arping(&mut self) -> String {
        let mut macs: Vec<String> = ARPING_MAC.captures_iter(self.stdout).map(|c| c[1].to_owned()).collect();
        macs.sort();
        macs.dedup();
        let outcome = if macs.is_empty() { "timeout" } else { "ok" };
        self.set("macs", macs);
        outcome.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// (command, exit, stdout, stderr) → (outcome, details).
    fn check(command: &str, exit: i32, stdout: &str, stderr: &str, outcome: &str, details: Value) {
        let found = classify(command, exit, stdout, stderr);
        assert_eq!(found.outcome, outcome, "{command}");
        assert_eq!(Value::Object(found.details), details, "{command}");
    }

    #[test]
    fn ping_tells_replies_errors_and_silence_apart() {
        let head = "PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.\n";
        check(
            "ping -c 1 10.0.0.2",
            0,
            &format!("{head}64 bytes from 10.0.0.2: icmp_seq=1 ttl=63 time=0.1 ms\n"),
            "",
            "ok",
            json!({"address": "10.0.0.2", "reply_from": "10.0.0.2", "ttl": 63}),
        );
        check(
            "ping -c 1 web",
            0,
            "PING web (10.0.0.2) 56(84) bytes of data.\n64 bytes from web.net1 (10.0.0.2): icmp_seq=1 ttl=64 time=0.1 ms\n",
            "",
            "ok",
            json!({"address": "10.0.0.2", "reply_from": "10.0.0.2", "ttl": 64}),
        );
        for (text, outcome) in [
            ("Destination Host Unreachable", "unreachable"),
            ("Time to live exceeded", "ttl-exceeded"),
            ("Frag needed and DF set (mtu = 1450)", "too-big"),
        ] {
            check(
                "ping 10.0.0.2",
                1,
                &format!("{head}From 10.0.0.1 icmp_seq=1 {text}\n"),
                "",
                outcome,
                json!({"address": "10.0.0.2", "icmp_from": "10.0.0.1", "icmp": text}),
            );
        }
        check(
            "ping 10.0.0.2",
            1,
            &format!("{head}1 packets transmitted, 0 received, 100% packet loss, time 0ms\n"),
            "",
            "timeout",
            json!({"address": "10.0.0.2"}),
        );
        check("ping web", 2, "", "ping: web: Name or service not known", "name-not-found", json!({}));
        check(
            "ping 1.1.1.1",
            2,
            "",
            "ping: connect: Network is unreachable",
            "unreachable",
            json!({"error": "Network is unreachable"}),
        );
    }

    #[test]
    fn curl_tells_refused_closed_and_silent_apart() {
        let answer = r#"{"server": "pc1", "local": "10.0.0.2", "local_port": 80, "peer": "10.0.0.3", "peer_port": 40000, "ttl": 63, "host": "x"}"#;
        let open = "* Connected to 10.0.0.2 (10.0.0.2) port 80\n";
        check(
            "curl http://10.0.0.2/",
            0,
            &format!("{answer}\n"),
            open,
            "ok",
            json!({"server": "pc1", "local": "10.0.0.2", "local_port": 80, "peer": "10.0.0.3", "ttl": 63, "connected_to": "10.0.0.2"}),
        );
        let fixed = classify("curl --local-port 40000 http://10.0.0.2/", 0, answer, open);
        assert_eq!(fixed.details["peer_port"], 40000);
        let failed = |text: &str| {
            format!("* connect to 10.0.0.2 port 81 from 10.0.0.3 port 54330 failed: {text}\ncurl: (7) Failed")
        };
        for (error, outcome) in
            [("Connection refused", "refused"), ("No route to host", "unreachable"), ("Whatever", "error")]
        {
            check("curl http://10.0.0.2:81/", 7, "", &failed(error), outcome, json!({"error": error}));
        }
        check("curl x", 28, "", "curl: (28) timed out", "timeout", json!({"connected": false}));
        check("curl x", 28, "", open, "no-answer", json!({"connected": true}));
        check("curl x", 56, "", "", "accepted-then-closed", json!({}));
        check("curl http://web/", 6, "", "", "name-not-found", json!({}));
    }

    #[test]
    fn the_other_tools_are_read_too() {
        check("getent hosts web", 2, "", "", "name-not-found", json!({"addresses": []}));
        check(
            "getent ahosts web",
            0,
            "10.0.0.2 STREAM web\n10.0.0.2 DGRAM\n",
            "",
            "ok",
            json!({"addresses": ["10.0.0.2"]}),
        );
        check(
            "nslookup web",
            1,
            "Server:\t\t192.168.0.1\nAddress:\t192.168.0.1#53\n\n** server can't find web: NXDOMAIN\n",
            "",
            "nxdomain",
            json!({"server": "192.168.0.1", "answers": []}),
        );
        check(
            "nslookup web",
            0,
            "Server:\t\t127.0.0.11\nAddress:\t127.0.0.11#53\n\nName:\tweb\nAddress: 10.0.0.3\nName:\tweb\nAddress: 10.0.0.2\n",
            "",
            "ok",
            json!({"server": "127.0.0.11", "answers": ["10.0.0.2", "10.0.0.3"]}),
        );
        check(
            "traceroute -n 10.0.0.2",
            0,
            "traceroute to 10.0.0.2 (10.0.0.2), 8 hops max\n 1  172.17.0.1  0.04 ms\n 2  *\n 3  10.0.0.2  0.1 ms !X\n",
            "",
            "ok",
            json!({"hops": ["172.17.0.1", "*", "10.0.0.2"], "flags": ["!X"]}),
        );
        check(
            "arping 10.0.0.2",
            0,
            "Unicast reply from 10.0.0.2 [5A:7A:8A:6C:14:D2]  0.543ms\n",
            "",
            "ok",
            json!({"macs": ["5A:7A:8A:6C:14:D2"]}),
        );
        check("arping 10.0.0.9", 1, "Received 0 response(s)\n", "", "timeout", json!({"macs": []}));
        check(
            "udpq 10.0.0.2 5000",
            7,
            "",
            "udpq: Connection refused\n",
            "refused",
            json!({"error": "Connection refused"}),
        );
        check("hostname", 0, "pc1\n", "", "ok", json!({}));
    }
}
