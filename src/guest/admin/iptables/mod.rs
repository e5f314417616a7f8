//! `iptables`, `iptables-save`, `iptables-restore`: what changes rules goes to netfilter; what
//! shows them is made here (iptables 1.8, the nf_tables variant).

mod list;

use super::once::once;
use crate::guest::options::{Opt, flag, value};
use crate::guest::{Poll, Program, Signal, Sys};
use crate::netfilter::{NfError, TableKind};
use crate::stack::{ConfigChange, Step};

const VERSION: &str = "v1.8.13 (nf_tables)";

pub(super) const OPTIONS: &[Opt] = &[
    value(&["-t", "--table"], "TABLE", "filter, nat, raw, mangle", "filter, nat, raw, mangle"),
    flag(&["-A", "--append"], "append a rule", "규칙을 끝에 더해요"),
    flag(&["-I", "--insert"], "insert a rule", "규칙을 앞에 넣어요"),
    flag(&["-D", "--delete"], "delete a rule", "규칙을 지워요"),
    flag(&["-R", "--replace"], "replace a rule", "규칙을 바꿔요"),
    flag(&["-C", "--check"], "is there such a rule?", "그런 규칙이 있나요?"),
    flag(&["-L", "--list"], "list the rules", "규칙을 보여줘요"),
    flag(&["-S", "--list-rules"], "list the rules as commands", "규칙을 명령 모양으로 보여줘요"),
    flag(&["-F", "--flush"], "delete all rules", "모든 규칙을 지워요"),
    flag(&["-Z", "--zero"], "zero the counters", "카운터를 0으로"),
    flag(&["-N", "--new-chain"], "a new chain", "새 체인"),
    flag(&["-X", "--delete-chain"], "delete a chain", "체인을 지워요"),
    flag(&["-P", "--policy"], "the policy of a chain", "체인의 정책"),
    flag(&["-E", "--rename-chain"], "rename a chain", "체인 이름을 바꿔요"),
    flag(&["-n", "--numeric"], "addresses, not names", "이름 대신 주소"),
    flag(&["-v", "--verbose"], "with counters and interfaces", "카운터와 인터페이스까지"),
    flag(&["--line-numbers"], "with numbers", "번호와 함께"),
    flag(&["-p", "--protocol"], "of this protocol", "이 프로토콜"),
    flag(&["-s", "--source"], "from this address", "이 출발지"),
    flag(&["-d", "--destination"], "to this address", "이 도착지"),
    flag(&["-i", "--in-interface"], "came in here", "여기로 들어온 것"),
    flag(&["-o", "--out-interface"], "goes out here", "여기로 나가는 것"),
    flag(&["-m", "--match"], "an extension", "확장 매치"),
    flag(&["-j", "--jump"], "what to do", "할 일"),
    flag(&["--dport"], "destination port", "도착지 포트"),
    flag(&["--sport"], "source port", "출발지 포트"),
    flag(&["--to-destination"], "DNAT: where to", "DNAT: 바꿀 도착지"),
    flag(&["--to-source"], "SNAT: as whom", "SNAT: 바꿀 출발지"),
];

pub(super) const SAVE: &[Opt] = &[
    value(&["-t", "--table"], "TABLE", "only this table", "이 테이블만"),
    flag(&["-c", "--counters"], "with counters", "카운터와 함께"),
];

/// What a listing was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Listing {
    table: Option<String>,
    /// -S rather than -L.
    rules: bool,
    chain: Option<String>,
    number: Option<usize>,
    numeric: bool,
    verbose: bool,
    exact: bool,
    numbers: bool,
}

pub(super) fn iptables(argv: &[String]) -> Box<dyn Program> {
    once(argv, |args, sys| {
        let words: Vec<&str> = args.iter().map(String::as_str).collect();
        if matches!(words.first(), Some(&("-V" | "--version"))) {
            sys.out(format!("iptables {VERSION}\n"));
            return 0;
        }
        if matches!(words.first(), Some(&("-h" | "--help"))) {
            sys.out(HELP);
            return 0;
        }
        let checks = words.iter().any(|w| matches!(*w, "-C" | "--check"));
        let done = match listing(&words) {
            // The parser sees to options that do not fit.
            Some(listing) => match sys.ns.nf.command(&words) {
                Ok(()) => match list::list(&sys.ns.nf, &listing) {
                    Ok(text) => {
                        sys.out(text);
                        Ok(())
                    }
                    Err(e) => Err(e),
                },
                Err(e) => Err(e),
            },
            None if checks => sys.ns.nf.command(&words),
            None => sys.ns.iptables(&words, &mut sys.cx),
        };
        finish(done, sys)
    })
}

const HELP: &str = "Usage: iptables -[ACD] chain rule-specification [options]\n       \
    iptables -I chain [rulenum] rule-specification [options]\n       \
    iptables -R chain rulenum rule-specification [options]\n       \
    iptables -D chain rulenum [options]\n       \
    iptables -[LS] [chain [rulenum]] [options]\n       \
    iptables -[FZ] [chain] [options]\n       \
    iptables -[NX] chain\n       \
    iptables -E old-chain-name new-chain-name\n       \
    iptables -P chain target [options]\n";

fn finish(done: Result<(), NfError>, sys: &mut Sys<'_>) -> i32 {
    match done {
        Ok(()) => 0,
        Err(e) => {
            let newline = if e.message.ends_with('\n') { "" } else { "\n" };
            sys.err(format!("{}{newline}", e.message));
            i32::from(e.exit)
        }
    }
}

/// The listing that the words ask for, if that is what they do.
fn listing(words: &[&str]) -> Option<Listing> {
    let mut found = false;
    let mut l = Listing::default();
    let mut rest = words.iter().copied().peekable();
    while let Some(word) = rest.next() {
        match word {
            "--list" => found = true,
            "--list-rules" => (found, l.rules) = (true, true),
            "--table" => l.table = rest.next().map(str::to_owned),
            "--numeric" => l.numeric = true,
            "--verbose" => l.verbose = true,
            "--exact" => l.exact = true,
            "--line-numbers" => l.numbers = true,
            w if w.starts_with("--table=") => l.table = w.split_once('=').map(|(_, t)| t.to_owned()),
            w if w.starts_with("--") => {}
            w if w.len() > 1 && w.starts_with('-') => {
                let mut letters = w[1..].chars();
                while let Some(c) = letters.next() {
                    match c {
                        'L' => found = true,
                        'S' => (found, l.rules) = (true, true),
                        'n' => l.numeric = true,
                        'v' => l.verbose = true,
                        'x' => l.exact = true,
                        't' => {
                            let attached = letters.as_str();
                            let table = if attached.is_empty() { rest.next() } else { Some(attached) };
                            l.table = table.map(str::to_owned);
                            break;
                        }
                        // An option that takes a value: not a listing, or none of our business.
                        'A' | 'I' | 'D' | 'R' | 'F' | 'N' | 'X' | 'P' | 'E' | 'C' => return None,
                        _ => break,
                    }
                }
            }
            w if l.chain.is_none() => l.chain = Some(w.to_owned()),
            w => l.number = w.parse().ok(),
        }
    }
    found.then_some(l)
}

/// A table by its name.
fn table(name: &str) -> Option<TableKind> {
    TableKind::ALL.into_iter().find(|t| t.name() == name)
}

pub(super) fn save(argv: &[String]) -> Box<dyn Program> {
    once(argv, |args, sys| {
        let (mut wanted, mut counters) = (None, false);
        let mut words = args.iter().map(String::as_str);
        while let Some(word) = words.next() {
            match word {
                "-c" | "--counters" => counters = true,
                "-t" | "--table" => wanted = words.next(),
                other => {
                    sys.err(format!("Unknown arguments found on commandline: {other}\n"));
                    return 1;
                }
            }
        }
        // The order in which the tool goes through the tables (nft.h: enum nft_table_type).
        let all = [TableKind::Mangle, TableKind::Raw, TableKind::Filter, TableKind::Nat];
        let tables = match wanted.map(|name| (name, table(name))) {
            None => all.to_vec(),
            Some((_, Some(table))) => vec![table],
            Some((name, None)) => {
                sys.err(format!("iptables-save: Table `{name}' does not exist\n"));
                return 1;
            }
        };
        let mut out = String::new();
        for table in tables {
            let text = sys.ns.nf.save(&[table], counters);
            if !text.is_empty() {
                out += &format!("# Generated by iptables-save {VERSION}\n{text}# Completed\n");
            }
        }
        if !out.is_empty() {
            sys.out(out);
        }
        0
    })
}

/// Reads all of stdin, then replaces the tables that it names.
#[derive(Debug, Clone)]
struct Restore;

pub(super) fn restore(_: &[String]) -> Box<dyn Program> {
    Box::new(Restore)
}

impl Program for Restore {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        if matches!(sys.signal, Some(Signal::Int | Signal::Term)) {
            return Poll::Exit(130);
        }
        if !sys.stdin.closed {
            return Poll::Pending;
        }
        let text = std::mem::take(&mut sys.stdin.data);
        let done = sys.ns.nf.restore(&text);
        if done.is_ok() {
            let change = ConfigChange::Rules { command: "iptables-restore".into() };
            sys.cx.log.note(Step::Config(Box::new(change)));
        }
        Poll::Exit(finish(done, sys))
    }
    fn name(&self) -> &str {
        "iptables-restore"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_are_told_from_changes() {
        let l = listing(&["-t", "nat", "-nvL", "DOCKER", "--line-numbers"]).unwrap();
        assert_eq!((l.table.as_deref(), l.chain.as_deref()), (Some("nat"), Some("DOCKER")));
        assert!(l.numeric && l.verbose && l.numbers && !l.rules);
        assert!(listing(&["-S"]).unwrap().rules);
        assert_eq!(listing(&["-L", "INPUT", "2"]).unwrap().number, Some(2));
        assert_eq!(listing(&["-A", "INPUT", "-s", "1.1.1.1", "-j", "LOG"]), None);
        assert_eq!(listing(&["-t", "nat", "-F"]), None);
    }
}
