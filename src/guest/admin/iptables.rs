//! `iptables`, `iptables-save`, `iptables-restore`: what changes rules goes to netfilter; so does
//! what shows them (iptables 1.8, the nf_tables variant).

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

pub(super) fn iptables(argv: &[String]) -> Box<dyn Program> {
    once(argv, |args, sys| {
        let words: Vec<&str> = args.iter().map(String::as_str).collect();
        let checks = words.iter().any(|w| matches!(*w, "-C" | "--check"));
        let done = match sys.ns.nf.listing(&words) {
            Ok(Some(text)) => {
                if !text.is_empty() {
                    sys.out(text);
                }
                // `-L -Z` also zeroes the counters it has shown.
                sys.ns.nf.command(&words)
            }
            Ok(None) if checks => sys.ns.nf.command(&words),
            Ok(None) => sys.ns.iptables(&words, &mut sys.cx),
            Err(e) => Err(e),
        };
        finish(done, sys)
    })
}

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
                other if other.len() > 1 && other.starts_with('-') => {
                    let problem = match other.strip_prefix("--") {
                        Some(_) => format!("unrecognized option '{other}'"),
                        None => format!("invalid option -- '{}'", &other[1..2]),
                    };
                    sys.err(format!(
                        "iptables-save: {problem}\nLook at manual page `iptables-save.8' for more information.\n"
                    ));
                    return 1;
                }
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
                sys.err(format!("Table `{name}' does not exist\n"));
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
struct Restore {
    /// -n: the tables keep what they have.
    add: bool,
    /// --test: nothing is changed.
    test: bool,
    /// The option that there is not.
    unknown: Option<String>,
}

pub(super) fn restore(argv: &[String]) -> Box<dyn Program> {
    let has = |names: [&str; 2]| argv.iter().any(|a| names.contains(&a.as_str()));
    let known = ["-n", "--noflush", "-t", "--test", "-c", "--counters", "-w", "--wait", "-v", "--verbose"];
    let unknown = argv.iter().skip(1).find(|a| a.starts_with('-') && !known.contains(&a.as_str()));
    Box::new(Restore {
        add: has(["-n", "--noflush"]),
        test: has(["-t", "--test"]),
        unknown: unknown.cloned(),
    })
}

impl Program for Restore {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        if matches!(sys.signal, Some(Signal::Int | Signal::Term)) {
            return Poll::Exit(130);
        }
        if let Some(option) = &self.unknown {
            let problem = match option.strip_prefix("--") {
                Some(_) => format!("unrecognized option '{option}'"),
                None => format!("invalid option -- '{}'", option.trim_start_matches('-')),
            };
            sys.err(format!("iptables-restore: {problem}\n"));
            return Poll::Exit(1);
        }
        if !sys.stdin.closed {
            return Poll::Pending;
        }
        let text = std::mem::take(&mut sys.stdin.data);
        if self.test {
            return Poll::Exit(finish(sys.ns.nf.clone().restore(&text, self.add), sys));
        }
        let done = sys.ns.nf.restore(&text, self.add);
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
        Box::new(self.clone())
    }
}
