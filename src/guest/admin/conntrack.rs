//! `conntrack` (conntrack-tools): lists and deletes connection tracking entries. Supported: -L,
//! -D, -F, -C with -p, -s, -d, --sport, --dport, -g, -n, -j, -u. Not supported: -E, -I, -U.

use super::once::once;
use crate::guest::options::{Opt, flag, value};
use crate::guest::{Program, Sys};
use crate::netfilter::{CtEntry, CtId, NfLog, NfStep};
use crate::stack::{Step, StepLog};
use crate::time::Instant;
use std::net::Ipv4Addr;

pub(super) const OPTIONS: &[Opt] = &[
    flag(&["-L", "--dump"], "list the entries", "항목을 보여줘요"),
    flag(&["-D", "--delete"], "delete entries", "항목을 지워요"),
    flag(&["-F", "--flush"], "delete all entries", "모든 항목을 지워요"),
    flag(&["-C", "--count"], "how many there are", "몇 개인지"),
    value(&["-p", "--proto"], "PROTO", "of this protocol", "이 프로토콜"),
    value(&["-s", "--src", "--orig-src"], "ADDRESS", "from this address", "이 출발지"),
    value(&["-d", "--dst", "--orig-dst"], "ADDRESS", "to this address", "이 도착지"),
    value(&["--sport", "--orig-port-src"], "PORT", "from this port", "이 출발지 포트"),
    value(&["--dport", "--orig-port-dst"], "PORT", "to this port", "이 도착지 포트"),
    flag(&["-n", "--src-nat"], "with a changed source", "출발지가 바뀐 것"),
    flag(&["-g", "--dst-nat"], "with a changed destination", "도착지가 바뀐 것"),
    flag(&["-j", "--any-nat"], "with a changed address", "주소가 바뀐 것"),
    value(&["--state"], "STATE", "in this TCP state", "이 TCP 상태"),
    value(&["-u", "--status"], "STATUS", "with this status", "이 표시가 있는 것"),
];

const NAME: &str = "conntrack v1.4.8 (conntrack-tools)";

/// Which entries are meant.
#[derive(Debug, Default)]
struct Wanted {
    proto: Option<String>,
    src: Option<Ipv4Addr>,
    dst: Option<Ipv4Addr>,
    sport: Option<u16>,
    dport: Option<u16>,
    snat: bool,
    dnat: bool,
    any_nat: bool,
    /// The address that it was changed to.
    nat: Option<Ipv4Addr>,
    state: Option<String>,
    status: Option<String>,
}

impl Wanted {
    fn takes(&self, e: &CtEntry) -> bool {
        let o = &e.original;
        let to = |addr: Ipv4Addr| self.nat.is_none_or(|a| a == addr);
        // Of ICMP, identifier and type stand where ports are, and so it always looks translated
        // (libnetfilter_conntrack, getobjopt_is_spat).
        let icmp = o.proto == crate::wire::Protocol::Icmp;
        let snat = (e.is_snat() || icmp) && to(e.reply.dst.addr);
        let dnat = (e.is_dnat() || icmp) && to(e.reply.src.addr);
        let proto = self
            .proto
            .as_ref()
            .is_none_or(|p| *p == o.proto.to_string() || *p == o.proto.number().to_string());
        proto
            && self.src.is_none_or(|a| a == o.src.addr)
            && self.dst.is_none_or(|a| a == o.dst.addr)
            && self.sport.is_none_or(|p| p == o.src.port)
            && self.dport.is_none_or(|p| p == o.dst.port)
            && self.says(e)
            && (!self.snat || snat)
            && (!self.dnat || dnat)
            && (!self.any_nat || snat || dnat)
    }
}

impl Wanted {
    /// `--state` and `-u` ask for words that the entry's line has.
    fn says(&self, e: &CtEntry) -> bool {
        let line = e.line(Instant::ZERO);
        let says = |word: &str| line.split(' ').any(|w| w == word);
        let status = self.status.as_deref().map(str::to_uppercase);
        self.state.as_ref().is_none_or(|s| says(&s.to_uppercase()))
            && status.is_none_or(|list| {
                list.split(',').all(|s| s == "SEEN_REPLY" && !says("[UNREPLIED]") || says(&format!("[{s}]")))
            })
    }
}

/// Notes what happens to entries.
struct Log<'a>(&'a mut StepLog);

impl NfLog for Log<'_> {
    fn nf(&mut self, step: NfStep) {
        self.0.note(Step::Nf(step));
    }
}

pub(super) fn conntrack(argv: &[String]) -> Box<dyn Program> {
    once(argv, |args, sys| match parse(args) {
        Ok((command, wanted)) => run(command, &wanted, sys),
        Err(text) => {
            sys.err(format!("{NAME}: {text}\nTry `help conntrack' for more information.\n"));
            2
        }
    })
}

fn parse(args: &[String]) -> Result<(char, Wanted), String> {
    let mut wanted = Wanted::default();
    let mut command = None;
    let mut words = args.iter().map(String::as_str).peekable();
    while let Some(word) = words.next() {
        // An address that may be left out.
        if let ("-n" | "--src-nat" | "-g" | "--dst-nat" | "-j" | "--any-nat", Some(addr)) =
            (word, words.peek().and_then(|w| w.parse::<Ipv4Addr>().ok()))
        {
            words.next();
            wanted.nat = Some(addr);
        }
        let mut value = || words.next().ok_or_else(|| format!("option `{word}' requires an argument"));
        let address = |text: &str| text.parse().map_err(|_| format!("invalid IP address `{text}'"));
        let port = |text: &str| text.parse().map_err(|_| format!("invalid port `{text}'"));
        match word {
            "-L" | "--dump" => command = Some('L'),
            "-D" | "--delete" => command = Some('D'),
            "-F" | "--flush" => command = Some('F'),
            "-C" | "--count" => command = Some('C'),
            "-p" | "--proto" => wanted.proto = Some(value()?.to_owned()),
            "-s" | "--src" | "--orig-src" => wanted.src = Some(address(value()?)?),
            "-d" | "--dst" | "--orig-dst" => wanted.dst = Some(address(value()?)?),
            "--sport" | "--orig-port-src" => wanted.sport = Some(port(value()?)?),
            "--dport" | "--orig-port-dst" => wanted.dport = Some(port(value()?)?),
            "-n" | "--src-nat" => wanted.snat = true,
            "-g" | "--dst-nat" => wanted.dnat = true,
            "-j" | "--any-nat" => wanted.any_nat = true,
            "--state" => wanted.state = Some(value()?.to_owned()),
            "-u" | "--status" => wanted.status = Some(value()?.to_owned()),
            "-f" | "--family" => {
                value()?;
            }
            // The table; there is no other here.
            "conntrack" => {}
            other => return Err(format!("unknown option `{other}'")),
        }
    }
    command.map(|c| (c, wanted)).ok_or_else(|| "you have to specify a command".into())
}

fn run(command: char, wanted: &Wanted, sys: &mut Sys<'_>) -> i32 {
    let now = sys.cx.now;
    // What has run out is gone, even if no timer has come round to it yet.
    let live: Vec<&CtEntry> = sys.ns.nf.ct.iter().filter(|e| e.expires > now).collect();
    let found: Vec<(CtId, String)> =
        live.iter().filter(|e| wanted.takes(e)).map(|e| (e.id, e.line(now))).collect();
    match command {
        'C' => {
            let text = format!("{}\n", live.len());
            sys.out(text);
            0
        }
        'F' => {
            sys.ns.nf.ct.flush(&mut Log(sys.cx.log));
            sys.err(format!("{NAME}: connection tracking table has been emptied.\n"));
            0
        }
        _ => {
            let text: String = found.iter().map(|(_, line)| format!("{line}\n")).collect();
            if command == 'D' {
                for (id, _) in &found {
                    sys.ns.nf.ct.delete(*id, &mut Log(sys.cx.log));
                }
            }
            if !text.is_empty() {
                sys.out(text);
            }
            let done = if command == 'D' { "deleted" } else { "shown" };
            sys.err(format!("{NAME}: {} flow entries have been {done}.\n", found.len()));
            i32::from(command == 'D' && found.is_empty())
        }
    }
}
