//! sed: substitution, printing and deletion of lines (POSIX.1-2024 sed, GNU's -E).
//!
//! Supported: `s` with g, p, i and a number, `p`, `d`, `q`, `=`; addresses by number, `$` and expression,
//! ranges of them, `!`; several commands by `;`, line ends or -e. Not supported: the hold space,
//! branches, `a`, `i`, `c`, `y`, -i.

use super::grep::extended;
use super::text::{Lines, filter, put};
use crate::guest::Program;
use crate::guest::options::{self, Opt, flag, value};
use regex_lite::{Regex, RegexBuilder};

pub(super) const OPTIONS: &[Opt] = &[
    flag(&["-n", "--quiet", "--silent"], "print only what is told to", "시킨 줄만 보여줘요"),
    flag(&["-E", "-r", "--regexp-extended"], "extended expressions", "확장 정규식"),
    value(&["-e", "--expression"], "SCRIPT", "commands", "명령"),
];

#[derive(Debug, Clone)]
enum Address {
    Line(usize),
    Last,
    Matching(Regex),
}

#[derive(Debug, Clone)]
enum Action {
    Substitute { regex: Regex, with: String, all: bool, nth: usize, print: bool },
    Print,
    Delete,
    Quit,
    Number,
}

#[derive(Debug, Clone)]
struct Command {
    from: Option<Address>,
    to: Option<Address>,
    negated: bool,
    action: Action,
    /// Between the two ends of its range.
    inside: bool,
}

#[derive(Debug, Clone)]
struct Sed {
    quiet: bool,
    commands: Vec<Command>,
    number: usize,
    /// The line in hand: whether it is the last is known when the next one comes, or the end.
    held: Option<(String, bool)>,
    done: bool,
}

pub(super) fn sed(argv: &[String]) -> Box<dyn Program> {
    let parsed = options::parse(OPTIONS, &argv[1..]).map_err(|e| (super::once::bad_option("sed", &e), 1));
    let mut files = Vec::new();
    let lines = parsed.and_then(|mut p| {
        let mut scripts: Vec<String> = p.all("-e").map(str::to_owned).collect();
        if scripts.is_empty() {
            if p.operands.is_empty() {
                return Err((
                    "Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n".into(),
                    1,
                ));
            }
            scripts.push(p.operands.remove(0));
        }
        files = std::mem::take(&mut p.operands);
        let commands = parse(&scripts.join("\n"), p.has("-E"))
            .map_err(|why| (format!("sed: -e expression #1, char {}: {}\n", why.0, why.1), 1))?;
        Ok(Sed { quiet: p.has("-n"), commands, number: 0, held: None, done: false })
    });
    filter(argv, files, lines)
}

/// Reads a script; an error is the place in it and what is wrong.
fn parse(script: &str, ere: bool) -> Result<Vec<Command>, (usize, &'static str)> {
    let mut rest = script;
    let mut commands = Vec::new();
    let place = |rest: &str| script.chars().count() - rest.chars().count();
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', ';']);
        if rest.is_empty() {
            return Ok(commands);
        }
        let from = address(&mut rest, ere).map_err(|e| (place(rest), e))?;
        let mut to = None;
        if from.is_some() && rest.starts_with(',') {
            rest = &rest[1..];
            to = address(&mut rest, ere).map_err(|e| (place(rest), e))?;
            if to.is_none() {
                return Err((place(rest) + 1, "unexpected `,'"));
            }
        }
        rest = rest.trim_start();
        let negated = rest.starts_with('!');
        rest = rest.trim_start_matches(['!', ' ']);
        let Some(letter) = rest.chars().next() else { return Err((place(rest), "missing command")) };
        rest = &rest[letter.len_utf8()..];
        let action = match letter {
            'p' => Action::Print,
            'd' => Action::Delete,
            'q' => Action::Quit,
            '=' => Action::Number,
            's' => substitute(&mut rest, ere).map_err(|e| (place(rest), e))?,
            _ => return Err((place(rest), "unknown command")),
        };
        commands.push(Command { from, to, negated, action, inside: false });
        rest = rest.trim_start_matches([' ', '\t']);
        if !rest.is_empty() && !rest.starts_with([';', '\n']) {
            return Err((place(rest) + 1, "extra characters after command"));
        }
    }
}

fn regex(text: &str, ere: bool, any_case: bool) -> Result<Regex, &'static str> {
    let text = if ere { text.to_owned() } else { extended(text) };
    RegexBuilder::new(&text).case_insensitive(any_case).build().map_err(|_| "invalid expression")
}

/// Text up to `end`, which `\` before it makes a letter; `rest` goes on behind it.
fn delimited(rest: &mut &str, end: char) -> Option<String> {
    let mut text = String::new();
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == end {
            *rest = &rest[at + c.len_utf8()..];
            return Some(text);
        }
        if c == '\\' {
            match chars.next()? {
                (_, next) if next == end => text.push(next),
                (_, next) => text.extend(['\\', next]),
            }
            continue;
        }
        text.push(c);
    }
    None
}

fn address(rest: &mut &str, ere: bool) -> Result<Option<Address>, &'static str> {
    let Some(first) = rest.chars().next() else { return Ok(None) };
    Ok(match first {
        '$' => {
            *rest = &rest[1..];
            Some(Address::Last)
        }
        '/' => {
            *rest = &rest[1..];
            let text = delimited(rest, '/').ok_or("unterminated address regex")?;
            Some(Address::Matching(regex(&text, ere, false)?))
        }
        c if c.is_ascii_digit() => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let number = rest[..digits].parse().map_err(|_| "invalid usage of line address 0")?;
            *rest = &rest[digits..];
            Some(Address::Line(number))
        }
        _ => None,
    })
}

fn substitute(rest: &mut &str, ere: bool) -> Result<Action, &'static str> {
    const OPEN: &str = "unterminated `s' command";
    let end = rest.chars().next().ok_or(OPEN)?;
    *rest = &rest[end.len_utf8()..];
    let pattern = delimited(rest, end).ok_or(OPEN)?;
    let with = delimited(rest, end).ok_or(OPEN)?;
    let (mut all, mut print, mut any_case, mut nth) = (false, false, false, 1);
    while let Some(c) = rest.chars().next() {
        match c {
            'g' => all = true,
            'p' => print = true,
            'i' | 'I' => any_case = true,
            c if c.is_ascii_digit() => nth = (c as usize - '0' as usize).max(1),
            _ => break,
        }
        *rest = &rest[c.len_utf8()..];
    }
    Ok(Action::Substitute { regex: regex(&pattern, ere, any_case)?, with, all, nth, print })
}

/// `line` with its matches replaced; None if there is none.
fn replaced(line: &str, regex: &Regex, with: &str, all: bool, nth: usize) -> Option<String> {
    let mut out = String::new();
    let (mut from, mut count) = (0, 0);
    for found in regex.captures_iter(line) {
        count += 1;
        if count < nth {
            continue;
        }
        let whole = found.get(0)?;
        out.push_str(&line[from..whole.start()]);
        let mut chars = with.chars();
        while let Some(c) = chars.next() {
            match c {
                '&' => out.push_str(whole.as_str()),
                '\\' => match chars.next() {
                    Some('n') => out.push('\n'),
                    Some('t') => out.push('\t'),
                    Some(d) if d.is_ascii_digit() => {
                        out.push_str(found.get(d as usize - '0' as usize).map_or("", |m| m.as_str()));
                    }
                    Some(other) => out.push(other),
                    None => {}
                },
                c => out.push(c),
            }
        }
        from = whole.end();
        if !all {
            break;
        }
    }
    (count >= nth).then(|| out + &line[from..])
}

impl Sed {
    /// Works on one line; false after `q`.
    fn work(&mut self, line: String, newline: bool, last: bool, out: &mut String) -> bool {
        self.number += 1;
        let (number, quiet) = (self.number, self.quiet);
        let mut line = line;
        for command in &mut self.commands {
            if command.takes(number, &line, last) == command.negated {
                continue;
            }
            match &command.action {
                Action::Print => put(out, &line, true),
                Action::Number => put(out, &number.to_string(), true),
                Action::Delete => return true,
                Action::Quit => {
                    if !quiet {
                        put(out, &line, newline);
                    }
                    return false;
                }
                Action::Substitute { regex, with, all, nth, print } => {
                    if let Some(new) = replaced(&line, regex, with, *all, *nth) {
                        line = new;
                        if *print {
                            put(out, &line, true);
                        }
                    }
                }
            }
        }
        if !quiet {
            put(out, &line, newline);
        }
        true
    }
}

impl Command {
    fn takes(&mut self, number: usize, line: &str, last: bool) -> bool {
        let is = |address: &Address| match address {
            Address::Line(n) => number == *n,
            Address::Last => last,
            Address::Matching(regex) => regex.is_match(line),
        };
        match (&self.from, &self.to) {
            (None, _) => true,
            (Some(from), None) => is(from),
            (Some(_), Some(to)) if self.inside => {
                let over = matches!(to, Address::Line(n) if number > *n);
                self.inside = !over && !is(to);
                !over
            }
            (Some(from), Some(to)) if is(from) => {
                self.inside = !matches!(to, Address::Line(n) if *n <= number);
                true
            }
            _ => false,
        }
    }
}

impl Lines for Sed {
    fn line(&mut self, line: &str, newline: bool, out: &mut String) -> bool {
        if let Some((held, newline)) = self.held.replace((line.to_owned(), newline))
            && !self.done
        {
            self.done = !self.work(held, newline, false, out);
        }
        !self.done
    }
    fn finish(&mut self, out: &mut String) -> i32 {
        if let Some((held, newline)) = self.held.take()
            && !self.done
        {
            self.work(held, newline, true, out);
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str, quiet: bool, ere: bool, text: &str) -> String {
        let commands = parse(script, ere).expect("a script");
        let mut sed = Sed { quiet, commands, number: 0, held: None, done: false };
        let mut out = String::new();
        text.lines().all(|l| sed.line(l, true, &mut out));
        sed.finish(&mut out);
        out
    }

    #[test]
    fn lines_are_chosen_changed_and_dropped() {
        const TEXT: &str = "one 1\ntwo 22\nthree 3\n";
        for (script, quiet, ere, expected) in [
            ("s/o/0/", false, false, "0ne 1\ntw0 22\nthree 3\n"),
            ("s/[0-9][0-9]*/<&>/", false, false, "one <1>\ntwo <22>\nthree <3>\n"),
            (r"s/\(.*\) \(.*\)/\2 \1/", false, false, "1 one\n22 two\n3 three\n"),
            ("s/([a-z]+) /\\1:/", false, true, "one:1\ntwo:22\nthree:3\n"),
            ("s|e|E|g", false, false, "onE 1\ntwo 22\nthrEE 3\n"),
            ("1p;$p", true, false, "one 1\nthree 3\n"),
            ("2,3d", false, false, "one 1\n"),
            ("/two/,$p", true, false, "two 22\nthree 3\n"),
            ("/two/!d", false, false, "two 22\n"),
            ("2q", false, false, "one 1\ntwo 22\n"),
            ("s/2/x/2", false, false, "one 1\ntwo 2x\nthree 3\n"),
            ("s/.*t/T/p", true, false, "Two 22\nThree 3\n"),
        ] {
            assert_eq!(run(script, quiet, ere, TEXT), expected, "{script}");
        }
    }

    #[test]
    fn a_script_that_makes_no_sense_is_told_by_its_place() {
        for (script, why) in [
            ("s/a/b", "unterminated `s' command"),
            ("x", "unknown command"),
            ("p p", "extra characters after command"),
        ] {
            assert_eq!(parse(script, false).unwrap_err().1, why, "{script}");
        }
    }
}
