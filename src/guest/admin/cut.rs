//! cut and tr (POSIX.1-2024).

use super::basic::unescape;
use super::once::bad_option;
use super::text::{Lines, filter, put};
use crate::guest::Program;
use crate::guest::options::{self, Opt, Parsed, flag, value};

pub(super) const CUT: &[Opt] = &[
    value(&["-d", "--delimiter"], "C", "fields end at C (tab)", "필드를 나누는 글자 (탭)"),
    value(&["-f", "--fields"], "LIST", "these fields: 1,3-5", "고를 필드: 1,3-5"),
    value(&["-c", "--characters"], "LIST", "these characters", "고를 글자"),
    flag(&["-s", "--only-delimited"], "no lines without the delimiter", "구분 글자가 없는 줄은 빼요"),
];
pub(super) const TR: &[Opt] = &[
    flag(&["-d", "--delete"], "delete the characters of SET1", "SET1의 글자를 지워요"),
    flag(&["-s", "--squeeze-repeats"], "repeated characters once", "반복된 글자를 하나로"),
    flag(&["-c", "--complement"], "all characters but SET1", "SET1이 아닌 글자"),
];

#[derive(Debug, Clone)]
struct Cut {
    delimiter: char,
    ranges: Vec<(usize, usize)>,
    characters: bool,
    only: bool,
}

impl Cut {
    fn wants(&self, i: usize) -> bool {
        self.ranges.iter().any(|(a, b)| (*a..=*b).contains(&(i + 1)))
    }
}

impl Lines for Cut {
    fn line(&mut self, line: &str, newline: bool, out: &mut String) -> bool {
        if self.characters {
            out.extend(line.chars().enumerate().filter(|(i, _)| self.wants(*i)).map(|(_, c)| c));
        } else if line.contains(self.delimiter) {
            let fields =
                line.split(self.delimiter).enumerate().filter(|(i, _)| self.wants(*i)).map(|(_, f)| f);
            *out += &fields.collect::<Vec<_>>().join(self.delimiter.encode_utf8(&mut [0; 4]));
        } else if self.only {
            return true;
        } else {
            *out += line;
        }
        put(out, "", newline || !self.characters);
        true
    }
}

fn ranges(text: &str) -> Option<Vec<(usize, usize)>> {
    text.split(',')
        .map(|part| match part.split_once('-') {
            None => part.parse().ok().filter(|n| *n > 0).map(|n| (n, n)),
            Some(("", to)) => to.parse().ok().map(|to| (1, to)),
            Some((from, "")) => from.parse().ok().filter(|n| *n > 0).map(|from| (from, usize::MAX)),
            Some((from, to)) => Some((from.parse().ok().filter(|n| *n > 0)?, to.parse().ok()?)),
        })
        .collect()
}

pub(super) fn cut(argv: &[String]) -> Box<dyn Program> {
    let parsed = options::parse(CUT, &argv[1..]).map_err(|e| (bad_option("cut", &e), 1));
    let files = parsed.as_ref().map(|p| p.operands.clone()).unwrap_or_default();
    let lines = parsed.and_then(|p| {
        let fail = |text: &str| Err((format!("cut: {text}\n"), 1));
        let mut delimiter = p.get("-d").unwrap_or("\t").chars();
        let (Some(c), None) = (delimiter.next(), delimiter.next()) else {
            return fail("the delimiter must be a single character");
        };
        let Some(list) = p.get("-f").or(p.get("-c")) else {
            return fail("you must specify a list of bytes, characters, or fields");
        };
        match ranges(list) {
            Some(ranges) => {
                Ok(Cut { delimiter: c, ranges, characters: p.get("-f").is_none(), only: p.has("-s") })
            }
            None => fail(&format!("invalid field value '{list}'")),
        }
    });
    filter(argv, files, lines)
}

#[derive(Debug, Clone)]
struct Tr {
    from: Vec<char>,
    to: Vec<char>,
    delete: bool,
    squeeze: bool,
    complement: bool,
    last: Option<char>,
}

impl Lines for Tr {
    fn line(&mut self, line: &str, newline: bool, out: &mut String) -> bool {
        for c in line.chars().chain(newline.then_some('\n')) {
            let at = match self.complement {
                true => (!self.from.contains(&c)).then_some(usize::MAX),
                false => self.from.iter().rposition(|f| *f == c),
            };
            if at.is_some() && self.delete {
                continue;
            }
            let new = match (at, self.to.last()) {
                (Some(at), Some(last)) => self.to.get(at).copied().unwrap_or(*last),
                _ => c,
            };
            let squeezed = self.squeeze && (at.is_some() || (self.delete && self.to.contains(&c)));
            if !(squeezed && self.last == Some(new)) {
                out.push(new);
            }
            self.last = Some(new);
        }
        true
    }
}

/// A set: ranges, classes and escapes.
fn set(text: &str) -> Vec<char> {
    let classes: [(&str, &str); 5] = [
        ("[:lower:]", "a-z"),
        ("[:upper:]", "A-Z"),
        ("[:digit:]", "0-9"),
        ("[:space:]", " \\t\\n\\r"),
        ("[:alpha:]", "A-Za-z"),
    ];
    let mut text = text.to_owned();
    for (class, members) in classes {
        text = text.replace(class, members);
    }
    let chars: Vec<char> = unescape(&text).chars().collect();
    let mut out = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        if chars.get(i + 1) == Some(&'-') && chars.get(i + 2).is_some_and(|e| *e >= chars[i] && e.is_ascii())
        {
            out.extend(chars[i]..=chars[i + 2]);
            i += 3;
        } else {
            out.push(chars[i]);
            i += 1;
        }
    }
    out
}

pub(super) fn tr(argv: &[String]) -> Box<dyn Program> {
    let parsed = options::parse(TR, &argv[1..]).map_err(|e| (bad_option("tr", &e), 1));
    filter(argv, Vec::new(), parsed.and_then(|p| make_tr(&p)))
}

fn make_tr(p: &Parsed) -> Result<Tr, (String, i32)> {
    let Some(from) = p.operands.first() else { return Err(("tr: missing operand\n".into(), 1)) };
    if p.operands.len() < 2 && !p.has("-d") && !p.has("-s") {
        return Err((format!("tr: missing operand after '{from}'\n"), 1));
    }
    Ok(Tr {
        from: set(from),
        to: p.operands.get(1).map(|s| set(s)).unwrap_or_default(),
        delete: p.has("-d"),
        squeeze: p.has("-s"),
        complement: p.has("-c"),
        last: None,
    })
}
