//! sort and uniq (POSIX.1-2024; GNU's -V). Lines are compared as bytes, as in the C locale.
//! Not supported: key types and positions within fields.

use super::once::bad_option;
use super::text::{Lines, filter};
use crate::guest::Program;
use crate::guest::options::{self, Opt, Parsed, flag, value};
use std::cmp::Ordering;

pub(super) const OPTIONS: &[Opt] = &[
    flag(&["-n", "--numeric-sort"], "by number", "숫자 크기로"),
    flag(&["-V", "--version-sort"], "numbers within text by their size", "글자 속 숫자를 크기로"),
    flag(&["-r", "--reverse"], "the other way round", "거꾸로"),
    flag(&["-u", "--unique"], "each line once", "같은 줄은 한 번만"),
    flag(&["-f", "--ignore-case"], "upper and lower case are the same", "대소문자를 가리지 않아요"),
    value(&["-k", "--key"], "N[,M]", "by fields N to M", "N번째부터 M번째 필드로"),
    value(&["-t", "--field-separator"], "C", "fields end at C", "필드를 나누는 글자"),
];
pub(super) const UNIQ: &[Opt] = &[
    flag(&["-c", "--count"], "with how often", "횟수와 함께"),
    flag(&["-d", "--repeated"], "only repeated lines", "반복된 줄만"),
    flag(&["-u", "--unique"], "only lines that are not repeated", "반복되지 않은 줄만"),
];

#[derive(Debug, Clone)]
struct Sort {
    numeric: bool,
    version: bool,
    reverse: bool,
    unique: bool,
    fold: bool,
    key: Option<(usize, Option<usize>)>,
    separator: Option<char>,
    lines: Vec<String>,
}

impl Sort {
    fn new(p: &Parsed) -> Result<Self, (String, i32)> {
        let field = |text: &str| {
            let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
            match digits.parse::<usize>() {
                Ok(n) if n > 0 => Ok(n),
                _ => Err((
                    format!("sort: invalid number at field start: invalid count at start of '{text}'\n"),
                    2,
                )),
            }
        };
        let key = match p.get("-k").map(|k| k.split_once(',').map_or((k, None), |(a, b)| (a, Some(b)))) {
            None => None,
            Some((from, to)) => Some((field(from)?, to.map(field).transpose()?)),
        };
        // `-k 2n` is `-n -k 2` here: there is one key.
        let letter = |c| p.get("-k").is_some_and(|k| k.contains(c));
        Ok(Self {
            numeric: p.has("-n") || letter('n'),
            version: p.has("-V") || letter('V'),
            reverse: p.has("-r") || letter('r'),
            unique: p.has("-u"),
            fold: p.has("-f"),
            key,
            separator: p.get("-t").and_then(|t| t.chars().next()),
            lines: Vec::new(),
        })
    }

    fn key<'a>(&self, line: &'a str) -> &'a str {
        let Some((from, to)) = self.key else { return line };
        let fields: Vec<(usize, usize)> = match self.separator {
            Some(c) => line.split(c).map(|f| span(line, f)).collect(),
            None => line.split_whitespace().map(|f| span(line, f)).collect(),
        };
        let Some((begin, _)) = fields.get(from - 1) else { return "" };
        let end = to.and_then(|t| fields.get(t - 1)).map_or(line.len(), |f| f.1);
        line.get(*begin..end).unwrap_or("")
    }

    fn compare(&self, a: &str, b: &str) -> Ordering {
        let (a, b) = (self.key(a), self.key(b));
        if self.numeric {
            number(a).cmp(&number(b))
        } else if self.version {
            version(a, b)
        } else if self.fold {
            a.to_ascii_uppercase().cmp(&b.to_ascii_uppercase())
        } else {
            a.cmp(b)
        }
    }
}

fn span(line: &str, field: &str) -> (usize, usize) {
    let begin = field.as_ptr() as usize - line.as_ptr() as usize;
    (begin, begin + field.len())
}

/// The number at the beginning, in thousandths.
fn number(text: &str) -> i128 {
    let text = text.trim_start();
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |t| (-1, t));
    let whole: String = digits.chars().take_while(char::is_ascii_digit).take(30).collect();
    let rest = digits.strip_prefix(whole.as_str()).unwrap_or("");
    let fraction: String = rest
        .strip_prefix('.')
        .map(|f| f.chars().take_while(char::is_ascii_digit).take(3).collect())
        .unwrap_or_default();
    let value =
        whole.parse::<i128>().unwrap_or(0) * 1000 + format!("{fraction:0<3}").parse::<i128>().unwrap_or(0);
    sign * value
}

/// Runs of digits by their value, the rest by bytes (strverscmp(3), without its leading zeroes).
fn version(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let text = |s: &str| s.find(|c: char| c.is_ascii_digit()).unwrap_or(s.len());
        let (at, bt) = (text(a), text(b));
        match a[..at].cmp(&b[..bt]) {
            Ordering::Equal if at == a.len() && bt == b.len() => return Ordering::Equal,
            Ordering::Equal => {}
            other => return other,
        }
        (a, b) = (&a[at..], &b[bt..]);
        let digits = |s: &str| s.find(|c: char| !c.is_ascii_digit()).unwrap_or(s.len());
        let (ad, bd) = (digits(a), digits(b));
        let value = |s: &str| s.trim_start_matches('0').to_owned();
        let (an, bn) = (value(&a[..ad]), value(&b[..bd]));
        match an.len().cmp(&bn.len()).then_with(|| an.cmp(&bn)) {
            Ordering::Equal => (a, b) = (&a[ad..], &b[bd..]),
            other => return other,
        }
    }
}

impl Lines for Sort {
    fn line(&mut self, line: &str, _: bool, _: &mut String) -> bool {
        self.lines.push(line.to_owned());
        true
    }
    fn finish(&mut self, out: &mut String) -> i32 {
        let mut lines = std::mem::take(&mut self.lines);
        lines.sort_by(|a, b| {
            // Lines with equal keys come in the order of their bytes, but not with -u.
            let order = self.compare(a, b).then_with(|| if self.unique { Ordering::Equal } else { a.cmp(b) });
            if self.reverse { order.reverse() } else { order }
        });
        if self.unique {
            lines.dedup_by(|a, b| self.compare(a, b) == Ordering::Equal);
        }
        for line in lines {
            *out += &line;
            out.push('\n');
        }
        0
    }
}

pub(super) fn sort(argv: &[String]) -> Box<dyn Program> {
    let parsed = options::parse(OPTIONS, &argv[1..]).map_err(|e| (bad_option("sort", &e), 2));
    let files = parsed.as_ref().map(|p| p.operands.clone()).unwrap_or_default();
    filter(argv, files, parsed.and_then(|p| Sort::new(&p)))
}

#[derive(Debug, Clone)]
struct Uniq {
    count: bool,
    repeated: bool,
    single: bool,
    held: Option<(String, usize)>,
}

impl Uniq {
    fn put(&self, line: &str, times: usize, out: &mut String) {
        if (self.repeated && times < 2) || (self.single && times > 1) {
            return;
        }
        *out += &if self.count { format!("{times:>7} {line}\n") } else { format!("{line}\n") };
    }
}

impl Lines for Uniq {
    fn line(&mut self, line: &str, _: bool, out: &mut String) -> bool {
        match &mut self.held {
            Some((held, times)) if held == line => *times += 1,
            _ => {
                if let Some((held, times)) = self.held.replace((line.to_owned(), 1)) {
                    self.put(&held, times, out);
                }
            }
        }
        true
    }
    fn finish(&mut self, out: &mut String) -> i32 {
        if let Some((held, times)) = self.held.take() {
            self.put(&held, times, out);
        }
        0
    }
}

pub(super) fn uniq(argv: &[String]) -> Box<dyn Program> {
    let parsed = options::parse(UNIQ, &argv[1..]).map_err(|e| (bad_option("uniq", &e), 1));
    let files = parsed.as_ref().map(|p| p.operands.clone()).unwrap_or_default();
    let lines =
        parsed.map(|p| Uniq { count: p.has("-c"), repeated: p.has("-d"), single: p.has("-u"), held: None });
    filter(argv, files, lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_their_numbers() {
        let mut words = ["x10", "x9", "x1", "10.0.0.10", "10.0.0.9", "x"];
        words.sort_by(|a, b| version(a, b));
        assert_eq!(words, ["10.0.0.9", "10.0.0.10", "x", "x1", "x9", "x10"]);
    }

    #[test]
    fn numbers_count_with_sign_and_fraction() {
        for (text, expect) in [("12", 12_000), (" -3.5x", -3_500), ("abc", 0), ("", 0), ("0.07", 70)] {
            assert_eq!(number(text), expect, "{text}");
        }
    }
}
