//! grep: basic and extended expressions by way of regex-lite, and fixed strings (POSIX.1-2024 grep,
//! GNU's -o, -w, -m). Not supported: back-references, -r, context lines.

use super::once::bad_option;
use super::text::{Lines, filter};
use crate::guest::Program;
use crate::guest::options::{self, Opt, Parsed, flag, value};
use regex_lite::{Regex, RegexBuilder};

pub(super) const OPTIONS: &[Opt] = &[
    flag(&["-i", "--ignore-case"], "upper and lower case are the same", "대소문자를 가리지 않아요"),
    flag(&["-v", "--invert-match"], "the lines that do not match", "일치하지 않는 줄"),
    flag(&["-c", "--count"], "only how many", "개수만"),
    flag(&["-n", "--line-number"], "with line numbers", "줄 번호와 함께"),
    flag(&["-o", "--only-matching"], "only what matched", "일치한 부분만"),
    flag(&["-q", "--quiet", "--silent"], "nothing, only the status", "출력 없이 결과만"),
    flag(&["-w", "--word-regexp"], "whole words", "온전한 단어만"),
    flag(&["-x", "--line-regexp"], "whole lines", "줄 전체가 같을 때만"),
    flag(&["-E", "--extended-regexp"], "extended expressions", "확장 정규식"),
    flag(&["-F", "--fixed-strings"], "fixed text", "정규식이 아닌 글자 그대로"),
    flag(&["-h", "--no-filename"], "without file names", "파일 이름 없이"),
    value(&["-e", "--regexp"], "PATTERN", "a pattern", "찾을 패턴"),
    value(&["-m", "--max-count"], "N", "stop after N lines", "N줄 뒤에 멈춰요"),
    value(&["--color"], "WHEN", "never colours here", "색은 쓰지 않아요"),
];

#[derive(Debug, Clone)]
struct Grep {
    regex: Regex,
    invert: bool,
    count: bool,
    number: bool,
    only: bool,
    quiet: bool,
    names: bool,
    max: usize,
    file: Option<String>,
    line: usize,
    found: usize,
    ever: bool,
}

impl Grep {
    fn prefix(&self) -> String {
        let file = self.file.as_ref().map(|f| format!("{f}:")).unwrap_or_default();
        if self.number { format!("{file}{}:", self.line) } else { file }
    }
}

impl Lines for Grep {
    fn begin(&mut self, file: &str, many: bool, _: &mut String) {
        self.file = (many && self.names).then(|| file.to_owned());
        (self.line, self.found) = (0, 0);
    }
    fn line(&mut self, line: &str, _: bool, out: &mut String) -> bool {
        self.line += 1;
        if self.found >= self.max {
            return false;
        }
        if self.regex.is_match(line) == self.invert {
            return true;
        }
        self.found += 1;
        self.ever = true;
        if self.quiet {
            return false;
        }
        if self.count {
        } else if self.only && !self.invert {
            for m in self.regex.find_iter(line).filter(|m| !m.as_str().is_empty()) {
                *out += &format!("{}{}\n", self.prefix(), m.as_str());
            }
        } else {
            *out += &format!("{}{line}\n", self.prefix());
        }
        self.found < self.max
    }
    fn end(&mut self, out: &mut String) {
        if self.count && !self.quiet {
            let file = self.file.as_ref().map(|f| format!("{f}:")).unwrap_or_default();
            *out += &format!("{file}{}\n", self.found);
        }
    }
    fn finish(&mut self, _: &mut String) -> i32 {
        i32::from(!self.ever)
    }
    fn file_error(&self) -> i32 {
        2
    }
}

pub(super) fn grep(argv: &[String]) -> Box<dyn Program> {
    let args: Vec<String> = argv[1..].iter().filter(|a| *a != "--color").cloned().collect();
    let parsed = options::parse(OPTIONS, &args).map_err(|e| (bad_option("grep", &e), 2));
    let mut files = Vec::new();
    let lines = parsed.and_then(|mut p| {
        let mut patterns: Vec<String> = p.all("-e").map(str::to_owned).collect();
        if patterns.is_empty() {
            if p.operands.is_empty() {
                return Err(("Usage: grep [OPTION]... PATTERNS [FILE]...\n".into(), 2));
            }
            patterns.push(p.operands.remove(0));
        }
        files = std::mem::take(&mut p.operands);
        build(&p, &patterns)
    });
    filter(argv, files, lines)
}

fn build(p: &Parsed, patterns: &[String]) -> Result<Grep, (String, i32)> {
    let one = |pattern: &String| {
        let body = match (p.has("-F"), p.has("-E")) {
            (true, _) => regex_lite::escape(pattern),
            (_, true) => pattern.clone(),
            _ => extended(pattern),
        };
        match (p.has("-x"), p.has("-w")) {
            (true, _) => format!("^(?:{body})$"),
            (_, true) => format!(r"\b(?:{body})\b"),
            _ => format!("(?:{body})"),
        }
    };
    let all =
        patterns.iter().flat_map(|p| p.split('\n').map(str::to_owned)).map(|p| one(&p)).collect::<Vec<_>>();
    let regex = RegexBuilder::new(&all.join("|")).case_insensitive(p.has("-i")).build();
    let regex = regex.map_err(|e| (format!("grep: {e}\n"), 2))?;
    let max = match p.get("-m").map(str::parse) {
        None => usize::MAX,
        Some(Ok(n)) => n,
        Some(Err(_)) => return Err(("grep: invalid max count\n".into(), 2)),
    };
    Ok(Grep {
        regex,
        invert: p.has("-v"),
        count: p.has("-c"),
        number: p.has("-n"),
        only: p.has("-o"),
        quiet: p.has("-q"),
        names: !p.has("-h"),
        max,
        file: None,
        line: 0,
        found: 0,
        ever: false,
    })
}

/// A basic expression as an extended one: `\|`, `\+`, `\?`, `\(`, `\)`, `\{`, `\}` are operators
/// there, and the bare characters are text.
pub(super) fn extended(basic: &str) -> String {
    let mut out = String::new();
    let mut chars = basic.chars();
    let mut bracket = false;
    while let Some(c) = chars.next() {
        match c {
            '[' if !bracket => {
                bracket = true;
                out.push(c);
                // `]` directly after `[` or `[^` is text.
                let rest = chars.as_str();
                let lead = if rest.starts_with("^]") { 2 } else { usize::from(rest.starts_with(']')) };
                for c in chars.by_ref().take(lead) {
                    if c == ']' {
                        out.push('\\');
                    }
                    out.push(c);
                }
            }
            ']' => {
                bracket = false;
                out.push(c);
            }
            _ if bracket => out.push(c),
            '\\' => match chars.next() {
                Some(c @ ('|' | '+' | '?' | '(' | ')' | '{' | '}')) => out.push(c),
                Some(c) => out.extend(['\\', c]),
                None => out.push_str("\\\\"),
            },
            '|' | '+' | '?' | '(' | ')' | '{' | '}' => out.extend(['\\', c]),
            // A star that repeats nothing is text.
            '*' if out.is_empty() || out == "^" => out.push_str("\\*"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_expressions_become_extended_ones() {
        for (basic, expect) in [
            ("a+b", r"a\+b"),
            (r"a\+\|b", "a+|b"),
            ("*x", r"\*x"),
            (r"\(a\)", "(a)"),
            ("[a|b]", "[a|b]"),
            ("[]x]", r"[\]x]"),
            (r"tcp.*dport", "tcp.*dport"),
        ] {
            assert_eq!(extended(basic), expect, "{basic}");
        }
    }
}
