//! test: conditions (POSIX.1-2024, test; with `-a`, `-o`, parentheses, `==`, `<` and `>` as in bash
//! and busybox). Not supported: comparing files (`-nt`, `-ef`), `-t`, owners and modes.

use super::files::path;
use super::once::once;
use crate::guest::{Files, Program};

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A file, and its length in bytes.
    File(usize),
    /// A directory.
    Directory,
}

/// What lies at an absolute path; None if nothing does.
pub fn kind_of(files: &Files, path: &str) -> Option<FileKind> {
    if let Some(content) = files.get(path) {
        return Some(FileKind::File(content.len()));
    }
    files.is_directory(path).then_some(FileKind::Directory)
}

/// Why a condition is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestError {
    /// Not a whole number.
    Number(String),
    /// Two words, and the first is no operator.
    Unary(String, String),
    /// Three words, and the middle one is no operator.
    Binary(String),
    /// More words than make sense: the first that does not.
    TooMany(String),
    /// An operator without what it is about.
    Argument(String),
}

impl TestError {
    /// In bash's words.
    pub fn bash(&self) -> String {
        match self {
            Self::Number(n) => format!("{n}: integer expression expected"),
            Self::Unary(first, _) => format!("{first}: unary operator expected"),
            Self::Binary(middle) => format!("{middle}: binary operator expected"),
            Self::TooMany(_) => "too many arguments".to_owned(),
            Self::Argument(_) => "argument expected".to_owned(),
        }
    }
    /// In busybox's words.
    pub fn busybox(&self) -> String {
        match self {
            Self::Number(n) if n.is_empty() => "bad number".to_owned(),
            Self::Number(n) => format!("{n}: bad number"),
            Self::Unary(_, second) if is_binary(second) => format!("{second}: argument expected"),
            Self::Unary(_, word) | Self::Binary(word) | Self::TooMany(word) => {
                format!("{word}: unknown operand")
            }
            Self::Argument(word) => format!("{word}: argument expected"),
        }
    }
}

const BINARY: &[&str] = &["=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge"];

fn is_binary(word: &str) -> bool {
    BINARY.contains(&word)
}

/// Is the condition true? `kind` tells what lies at a path.
///
/// # Errors
/// Where it is no condition.
pub fn test(args: &[String], kind: &dyn Fn(&str) -> Option<FileKind>) -> Result<bool, TestError> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    // By the number of words first, so that any text may be compared with any (POSIX.1-2024, test).
    match words[..] {
        [] => return Ok(false),
        [one] => return Ok(!one.is_empty()),
        ["!", one] => return Ok(one.is_empty()),
        [first, second] => {
            return unary(first, second, kind).ok_or_else(|| TestError::Unary(first.into(), second.into()));
        }
        [a, operator, b] if is_binary(operator) => return binary(a, operator, b),
        ["!", first, second] => {
            let yes = unary(first, second, kind);
            return yes.map(|y| !y).ok_or_else(|| TestError::Unary(first.into(), second.into()));
        }
        _ => {}
    }
    let mut p = Conditions { words: &words, at: 0, kind, depth: 0 };
    let value = p.any()?;
    match words.get(p.at) {
        None => Ok(value),
        Some(_) if words.len() == 3 => Err(TestError::Binary(words[1].to_owned())),
        Some(word) => Err(TestError::TooMany((*word).to_owned())),
    }
}

struct Conditions<'a> {
    words: &'a [&'a str],
    at: usize,
    kind: &'a dyn Fn(&str) -> Option<FileKind>,
    depth: usize,
}

impl Conditions<'_> {
    fn eat(&mut self, word: &str) -> bool {
        let found = self.words.get(self.at) == Some(&word);
        self.at += usize::from(found);
        found
    }
    fn any(&mut self) -> Result<bool, TestError> {
        let mut value = self.all()?;
        while self.eat("-o") {
            value |= self.all()?;
        }
        Ok(value)
    }
    fn all(&mut self) -> Result<bool, TestError> {
        let mut value = self.one()?;
        while self.eat("-a") {
            value &= self.one()?;
        }
        Ok(value)
    }
    fn one(&mut self) -> Result<bool, TestError> {
        match self.words[self.at.min(self.words.len())..] {
            [] => Err(TestError::Argument(self.words.last().copied().unwrap_or_default().to_owned())),
            [a, operator, b, ..] if is_binary(operator) => {
                self.at += 3;
                binary(a, operator, b)
            }
            ["!", _, ..] if self.depth < 64 => {
                self.at += 1;
                self.depth += 1;
                let value = self.one();
                self.depth -= 1;
                value.map(|v| !v)
            }
            ["(", _, ..] if self.depth < 64 => {
                self.at += 1;
                self.depth += 1;
                let value = self.any()?;
                self.depth -= 1;
                if self.eat(")") { Ok(value) } else { Err(TestError::Argument(")".to_owned())) }
            }
            [first, second, ..] if let Some(value) = unary(first, second, self.kind) => {
                self.at += 2;
                Ok(value)
            }
            [one, ..] => {
                self.at += 1;
                Ok(!one.is_empty())
            }
        }
    }
}

fn unary(operator: &str, operand: &str, kind: &dyn Fn(&str) -> Option<FileKind>) -> Option<bool> {
    let found = || kind(operand);
    Some(match operator {
        "-z" => operand.is_empty(),
        "-n" => !operand.is_empty(),
        "-e" | "-a" | "-r" | "-w" => found().is_some(),
        "-f" => matches!(found(), Some(FileKind::File(_))),
        "-d" | "-x" => found() == Some(FileKind::Directory),
        "-s" => found().is_some_and(|k| k != FileKind::File(0)),
        "-L" | "-h" => false,
        _ => return None,
    })
}

fn binary(a: &str, operator: &str, b: &str) -> Result<bool, TestError> {
    let number = |t: &str| t.trim().parse::<i64>().map_err(|_| TestError::Number(t.to_owned()));
    Ok(match operator {
        "=" | "==" => a == b,
        "!=" => a != b,
        "<" => a < b,
        ">" => a > b,
        _ => {
            let (a, b) = (number(a)?, number(b)?);
            match operator {
                "-eq" => a == b,
                "-ne" => a != b,
                "-lt" => a < b,
                "-le" => a <= b,
                "-gt" => a > b,
                _ => a >= b,
            }
        }
    })
}

/// The program, for places without a shell: coreutils' words.
pub(super) fn program(argv: &[String]) -> Box<dyn Program> {
    once(argv, |args, sys| {
        let kind = |p: &str| kind_of(sys.files, &path(sys, p));
        match test(args, &kind) {
            Ok(yes) => i32::from(!yes),
            Err(e) => {
                sys.err(format!("test: {}\n", e.bash()));
                2
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `yes`, `no`, or the words of bash and of busybox: all read off bash 5.2 and busybox 1.35.
    #[test]
    fn conditions_are_true_or_not_or_refused_as_in_bash_and_busybox() {
        let kind = |p: &str| match p {
            "/f" => Some(FileKind::File(3)),
            "/empty" => Some(FileKind::File(0)),
            "/d" => Some(FileKind::Directory),
            _ => None,
        };
        for (line, expect) in [
            ("", "no"),
            ("x", "yes"),
            ("-f", "yes"),
            ("!", "yes"),
            ("! x", "no"),
            ("-z x", "no"),
            ("-n x", "yes"),
            ("-f /f", "yes"),
            ("-f /d", "no"),
            ("-d /d", "yes"),
            ("-e /nothing", "no"),
            ("-s /empty", "no"),
            ("! -f /nothing", "yes"),
            ("1 -lt 2", "yes"),
            ("-1 -ge 0", "no"),
            ("a = a", "yes"),
            ("a == b", "no"),
            ("a != b", "yes"),
            ("! = x", "no"),
            ("1 -lt 2 -a 2 -lt 3", "yes"),
            ("a = b -o c = c", "yes"),
            ("( a = b ) -o ! c = d", "yes"),
            ("a -eq 1", "a: integer expression expected|a: bad number"),
            ("a b", "a: unary operator expected|b: unknown operand"),
            ("a b c", "b: binary operator expected|b: unknown operand"),
            ("a b c d", "too many arguments|b: unknown operand"),
            ("1 2 3 4 5", "too many arguments|2: unknown operand"),
            ("a =", "a: unary operator expected|=: argument expected"),
            ("-q x", "-q: unary operator expected|x: unknown operand"),
        ] {
            let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            let got = match test(&args, &kind) {
                Ok(yes) => (if yes { "yes" } else { "no" }).to_owned(),
                Err(e) => format!("{}|{}", e.bash(), e.busybox()),
            };
            assert_eq!(got, expect, "[ {line} ]");
        }
        let deep = vec!["(".to_owned(); 10_000];
        assert!(test(&deep, &kind).is_ok_and(|_| true) || test(&deep, &kind).is_err());
    }
}
