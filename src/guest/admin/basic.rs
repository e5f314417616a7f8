//! cat, echo, head, tail, wc, true, false (POSIX.1-2024 utilities, GNU's options where common).

use super::once::{bad_option, once};
use super::text::{Lines, filter, put};
use crate::guest::Program;
use crate::guest::options::{self, Opt, Parsed, flag, value};
use std::collections::VecDeque;

pub(super) const HEAD: &[Opt] = &[
    value(&["-n", "--lines"], "N", "how many lines (10)", "줄 수 (10)"),
    value(&["-c", "--bytes"], "N", "how many bytes", "바이트 수"),
];
pub(super) const TAIL: &[Opt] = &[value(
    &["-n", "--lines"],
    "N",
    "how many lines (10); +N: from line N on",
    "줄 수 (10), +N: N번째 줄부터",
)];
pub(super) const WC: &[Opt] = &[
    flag(&["-l", "--lines"], "lines", "줄"),
    flag(&["-w", "--words"], "words", "단어"),
    flag(&["-c", "--bytes"], "bytes", "바이트"),
];

pub(super) fn yes(argv: &[String]) -> Box<dyn Program> {
    once(argv, |_, _| 0)
}

pub(super) fn no(argv: &[String]) -> Box<dyn Program> {
    once(argv, |_, _| 1)
}

pub(super) fn echo(argv: &[String]) -> Box<dyn Program> {
    once(argv, |args, sys| {
        let is_option =
            |a: &&String| a.len() > 1 && a.starts_with('-') && a[1..].bytes().all(|b| b"neE".contains(&b));
        let options: String = args.iter().take_while(is_option).map(|a| a[1..].to_owned()).collect();
        let words = &args[args.iter().take_while(is_option).count()..];
        let mut text = words.join(" ");
        let escapes = options.rfind('e').is_some_and(|e| options.rfind('E').is_none_or(|n| n < e));
        if escapes {
            text = unescape(&text);
        }
        if !options.contains('n') {
            text.push('\n');
        }
        sys.out(text);
        0
    })
}

/// Backslash escapes, as `echo -e` and `tr` know them.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('a') => out.push('\u{7}'),
            Some('e') => out.push('\u{1b}'),
            Some('\\') => out.push('\\'),
            Some('0') => {
                let mut n = 0u32;
                for _ in 0..3 {
                    match chars.peek().and_then(|c| c.to_digit(8)) {
                        Some(d) => n = n * 8 + d,
                        None => break,
                    }
                    chars.next();
                }
                out.push(char::from((n & 0xff) as u8));
            }
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

#[derive(Debug, Clone)]
struct Cat;
impl Lines for Cat {
    fn line(&mut self, line: &str, newline: bool, out: &mut String) -> bool {
        put(out, line, newline);
        true
    }
}

pub(super) fn cat(argv: &[String]) -> Box<dyn Program> {
    let files = argv[1..].iter().filter(|a| !a.starts_with('-')).cloned().collect();
    filter(argv, files, Ok(Cat))
}

/// `-5` is an old spelling of `-n 5`.
fn parse(argv: &[String], table: &'static [Opt]) -> Result<Parsed, (String, i32)> {
    let old = |a: &String| a.len() > 1 && a.starts_with('-') && a[1..].bytes().all(|b| b.is_ascii_digit());
    let args: Vec<String> = argv[1..]
        .iter()
        .flat_map(|a| if old(a) { vec!["-n".into(), a[1..].to_owned()] } else { vec![a.clone()] })
        .collect();
    options::parse(table, &args).map_err(|e| (bad_option(&argv[0], &e), 1))
}

fn number(program: &str, kind: &str, text: &str) -> Result<usize, (String, i32)> {
    text.parse().map_err(|_| (format!("{program}: invalid number of {kind}: '{text}'\n"), 1))
}

#[derive(Debug, Clone)]
struct Head {
    limit: usize,
    bytes: bool,
    left: usize,
    first: bool,
}
impl Lines for Head {
    fn begin(&mut self, file: &str, many: bool, out: &mut String) {
        self.left = self.limit;
        if many {
            *out += &format!("{}==> {file} <==\n", if self.first { "" } else { "\n" });
            self.first = false;
        }
    }
    fn line(&mut self, line: &str, newline: bool, out: &mut String) -> bool {
        if self.bytes {
            let text = if newline { format!("{line}\n") } else { line.to_owned() };
            let len = (0..=self.left.min(text.len())).rev().find(|l| text.is_char_boundary(*l)).unwrap_or(0);
            out.push_str(&text[..len]);
            self.left -= len.min(self.left);
            return self.left > 0;
        }
        if self.left > 0 {
            put(out, line, newline);
            self.left -= 1;
        }
        self.left > 0
    }
}

pub(super) fn head(argv: &[String]) -> Box<dyn Program> {
    let parsed = parse(argv, HEAD);
    let files = parsed.as_ref().map(|p| p.operands.clone()).unwrap_or_default();
    let lines = parsed.and_then(|p| {
        let bytes = p.get("-c").is_some();
        let kind = if bytes { "bytes" } else { "lines" };
        let limit = number("head", kind, p.get("-c").or(p.get("-n")).unwrap_or("10"))?;
        Ok(Head { limit, bytes, left: limit, first: true })
    });
    filter(argv, files, lines)
}

#[derive(Debug, Clone)]
struct Tail {
    keep: usize,
    /// `+N`: skip so many, then print all.
    skip: Option<usize>,
    last: VecDeque<(String, bool)>,
}
impl Lines for Tail {
    fn line(&mut self, line: &str, newline: bool, out: &mut String) -> bool {
        match &mut self.skip {
            Some(0) => put(out, line, newline),
            Some(n) => *n -= 1,
            None => {
                self.last.push_back((line.to_owned(), newline));
                if self.last.len() > self.keep {
                    self.last.pop_front();
                }
            }
        }
        true
    }
    fn end(&mut self, out: &mut String) {
        for (line, newline) in self.last.drain(..) {
            put(out, &line, newline);
        }
    }
}

pub(super) fn tail(argv: &[String]) -> Box<dyn Program> {
    let parsed = parse(argv, TAIL);
    let files = parsed.as_ref().map(|p| p.operands.clone()).unwrap_or_default();
    let lines = parsed.and_then(|p| {
        let n = p.get("-n").unwrap_or("10");
        let skip = match n.strip_prefix('+') {
            Some(from) => Some(number("tail", "lines", from)?.saturating_sub(1)),
            None => None,
        };
        let keep = if skip.is_some() { 0 } else { number("tail", "lines", n.trim_start_matches('-'))? };
        Ok(Tail { keep, skip, last: VecDeque::new() })
    });
    filter(argv, files, lines)
}

#[derive(Debug, Clone, Default)]
struct Wc {
    show: [bool; 3],
    now: [usize; 3],
    total: [usize; 3],
    file: Option<String>,
    many: bool,
}
impl Wc {
    fn print(&self, counts: [usize; 3], name: Option<&str>, out: &mut String) {
        let shown: Vec<usize> = (0..3).filter(|i| self.show[*i]).map(|i| counts[i]).collect();
        // One number alone is not padded; several columns are as wide as GNU makes them for a pipe.
        let width = match (shown.len(), name) {
            (1, None) => 0,
            (_, None) => 7,
            _ => counts.iter().max().map_or(1, |m| m.to_string().len()),
        };
        let numbers: Vec<String> = shown.iter().map(|n| format!("{n:>width$}")).collect();
        *out += &numbers.join(" ");
        if let Some(name) = name {
            *out += &format!(" {name}");
        }
        out.push('\n');
    }
}
impl Lines for Wc {
    fn begin(&mut self, file: &str, many: bool, _: &mut String) {
        (self.file, self.many) = (Some(file.to_owned()), many);
    }
    fn line(&mut self, line: &str, newline: bool, _: &mut String) -> bool {
        self.now[0] += usize::from(newline);
        self.now[1] += line.split_whitespace().count();
        self.now[2] += line.len() + usize::from(newline);
        true
    }
    fn end(&mut self, out: &mut String) {
        self.print(self.now, self.file.as_deref(), out);
        for i in 0..3 {
            self.total[i] += std::mem::take(&mut self.now[i]);
        }
    }
    fn finish(&mut self, out: &mut String) -> i32 {
        if self.many {
            self.print(self.total, Some("total"), out);
        }
        0
    }
}

pub(super) fn wc(argv: &[String]) -> Box<dyn Program> {
    let parsed = options::parse(WC, &argv[1..]).map_err(|e| (bad_option("wc", &e), 1));
    let files = parsed.as_ref().map(|p| p.operands.clone()).unwrap_or_default();
    let lines = parsed.map(|p| {
        let mut show = [p.has("-l"), p.has("-w"), p.has("-c")];
        if show == [false; 3] {
            show = [true; 3];
        }
        Wc { show, ..Wc::default() }
    });
    filter(argv, files, lines)
}
