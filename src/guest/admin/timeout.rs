//! timeout: runs a command and ends it when its time is over (coreutils' timeout(1)). A command that is no
//! program of its own (a shell, `docker`) is ended by the session instead.

use crate::guest::options::{self, Opt, flag, value};
use crate::guest::{Poll, Program, Signal, Sys, start};
use crate::stack::Cx;
use crate::time::{Duration, Instant};

pub(super) const OPTIONS: &[Opt] = &[
    value(&["-s", "--signal"], "SIGNAL", "which signal ends it", "끝낼 때 보낼 시그널"),
    value(
        &["-k", "--kill-after"],
        "TIME",
        "kill it if it still runs then",
        "그래도 남아 있으면 강제로 끝내요",
    ),
    flag(&["--preserve-status"], "the command's own status", "명령의 종료 상태를 그대로"),
    flag(&["--foreground"], "the command may read the terminal", "터미널에서 읽을 수 있게"),
    flag(&["-v", "--verbose"], "say when a signal is sent", "시그널을 보낼 때 알려줘요"),
];

/// What is wrong with the command line, by itself and before anything runs.
const WRONG: i32 = 125;

/// What `timeout` was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// How long the command may run; None: for ever.
    pub span: Option<Duration>,
    /// It is killed, not asked to end.
    pub kill: bool,
    /// The signal ends it with the command's own status.
    pub preserve: bool,
    /// The command.
    pub words: Vec<String>,
}

impl Limit {
    /// Reads the words behind `timeout`.
    ///
    /// # Errors
    /// The tool's message and exit status.
    pub fn parse(args: &[String]) -> Result<Self, (String, i32)> {
        let help = "Try 'timeout --help' for more information.\n";
        // Options end at the first word that is none.
        let mut own = 0;
        while let Some(word) = args.get(own).filter(|w| w.starts_with('-') && w.len() > 1) {
            own += 1;
            if matches!(word.as_str(), "-s" | "-k" | "--signal" | "--kill-after") {
                own += 1;
            }
            if word == "--" {
                break;
            }
        }
        let (own, rest) = args.split_at(own.min(args.len()));
        let p = options::parse(OPTIONS, own).map_err(|e| (super::once::bad_option("timeout", &e), WRONG))?;
        let [time, words @ ..] = rest else {
            return Err((format!("timeout: missing operand\n{help}"), WRONG));
        };
        if words.is_empty() {
            return Err((format!("timeout: missing operand\n{help}"), WRONG));
        }
        let span = |text: &str| {
            let none = (format!("timeout: invalid time interval '{text}'\n{help}"), WRONG);
            super::sleep::span(&[text.to_owned()]).map_err(|_| none)
        };
        let kill = match p.get("-s").unwrap_or("TERM").trim_start_matches("SIG") {
            "KILL" | "9" => true,
            "TERM" | "15" | "INT" | "2" | "HUP" | "1" | "QUIT" | "3" => false,
            other => return Err((format!("timeout: '{other}': invalid signal\n{help}"), WRONG)),
        };
        if let Some(after) = p.get("-k") {
            span(after)?;
        }
        // 0 is no limit.
        let span = span(time)?.filter(|s| *s > Duration::ZERO);
        Ok(Self { span, kill, preserve: p.has("--preserve-status"), words: words.to_vec() })
    }

    /// The status of a command that was ended so, where its own is `own`.
    pub fn status(&self, own: i32) -> i32 {
        match (self.kill, self.preserve) {
            (true, _) => 137,
            (_, true) => own,
            _ => 124,
        }
    }
}

#[derive(Debug, Clone)]
struct Timeout {
    limit: Limit,
    inner: Box<dyn Program>,
    until: Option<Instant>,
    /// The time is over, and the command was told so.
    told: bool,
}

/// What cannot begin.
#[derive(Debug, Clone)]
struct Refused(String, i32);

pub(super) fn timeout(argv: &[String]) -> Box<dyn Program> {
    let limit = match Limit::parse(&argv[1..]) {
        Ok(limit) => limit,
        Err((text, status)) => return Box::new(Refused(text, status)),
    };
    match start(&limit.words) {
        Ok(inner) => Box::new(Timeout { limit, inner, until: None, told: false }),
        Err(_) => {
            let text =
                format!("timeout: failed to run command '{}': No such file or directory\n", limit.words[0]);
            Box::new(Refused(text, 127))
        }
    }
}

impl Program for Refused {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        sys.err(std::mem::take(&mut self.0));
        Poll::Exit(self.1)
    }
    fn name(&self) -> &str {
        "timeout"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

impl Program for Timeout {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        let until = match (self.until, self.limit.span) {
            (Some(until), _) => until,
            (None, Some(span)) => sys.now() + span,
            (None, None) => Instant::FAR_FUTURE,
        };
        self.until = Some(until);
        let over = sys.now() >= until && !self.told;
        if over && self.limit.kill {
            return Poll::Exit(self.limit.status(137));
        }
        self.told |= over;
        let signal = if over { Some(Signal::Term) } else { sys.signal };
        let cx = Cx { now: sys.cx.now, log: sys.cx.log, out: sys.cx.out, ids: sys.cx.ids };
        let done = self.inner.poll(&mut Sys {
            ns: sys.ns,
            cx,
            pid: sys.pid,
            hostname: sys.hostname,
            names: sys.names,
            files: sys.files,
            env: sys.env,
            creds: sys.creds,
            stdin: sys.stdin,
            tty: sys.tty,
            signal,
            rng: sys.rng,
            effects: sys.effects,
            busy: sys.busy,
            alarm: sys.alarm,
        });
        match done {
            Poll::Exit(own) if self.told => Poll::Exit(self.limit.status(own)),
            Poll::Pending => {
                if !self.told && until < Instant::FAR_FUTURE {
                    sys.wake_at(until);
                }
                Poll::Pending
            }
            done => done,
        }
    }
    fn name(&self) -> &str {
        self.inner.name()
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn its_own_words_end_where_the_command_begins() {
        for (line, span, kill, command) in [
            ("5 ping -c 1 h", Some(5_000), false, "ping -c 1 h"),
            ("-s KILL 0.5s ss -n", Some(500), true, "ss -n"),
            ("-k 1 --preserve-status 1m sh -c x", Some(60_000), false, "sh -c x"),
            ("--signal=9 2 ss", Some(2_000), true, "ss"),
            ("0 sleep 9", None, false, "sleep 9"),
        ] {
            let limit = Limit::parse(&words(line)).unwrap();
            let millis = limit.span.map(|s| s.0 / 1_000_000);
            assert_eq!((millis, limit.kill, limit.words.join(" ").as_str()), (span, kill, command), "{line}");
        }
        for (line, begins) in [
            ("", "timeout: missing operand"),
            ("5", "timeout: missing operand"),
            ("x ls", "timeout: invalid time interval 'x'"),
            ("-s NOPE 1 ls", "timeout: 'NOPE': invalid signal"),
            ("--foo 1 ls", "timeout: unrecognized option '--foo'"),
        ] {
            let (text, status) = Limit::parse(&words(line)).unwrap_err();
            assert!(text.starts_with(begins) && status == 125, "{line}: {text}");
        }
    }
}
