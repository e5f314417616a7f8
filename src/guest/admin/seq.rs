//! seq: numbers, one a line (GNU coreutils), in decimal without floating point. Not supported:
//! exponents, `nan`, `inf`, and with `-f` anything but one `%g` or `%f`.

use super::once::bad_option;
use crate::guest::options::{self, Opt, flag, value};
use crate::guest::{Poll, Program, Signal, Sys};
use crate::time::Duration;

pub(super) const OPTIONS: &[Opt] = &[
    value(
        &["-s", "--separator"],
        "STRING",
        "between the numbers (a line end)",
        "숫자 사이에 넣을 글자 (줄바꿈)",
    ),
    value(&["-f", "--format"], "FORMAT", "like 10.0.0.%g", "10.0.0.%g 같은 형식"),
    flag(&["-w", "--equal-width"], "pad with zeros to one width", "0을 채워 너비를 맞춰요"),
];

/// Numbers printed at a time: a long list lets others go on in between.
const AT_ONCE: usize = 2_000;

#[derive(Debug, Clone)]
struct Seq {
    error: Option<String>,
    /// The next number, the last one, the step: times ten to the power of `places`.
    next: i128,
    last: i128,
    step: i128,
    places: usize,
    width: usize,
    separator: String,
    format: (String, String),
    begun: bool,
}

pub(super) fn seq(argv: &[String]) -> Box<dyn Program> {
    Box::new(new(&argv[1..]).unwrap_or_else(|error| Seq {
        error: Some(error),
        next: 0,
        last: 0,
        step: 1,
        places: 0,
        width: 0,
        separator: String::new(),
        format: Default::default(),
        begun: false,
    }))
}

const TRY: &str = "Try 'seq --help' for more information.\n";

fn new(args: &[String]) -> Result<Seq, String> {
    // A negative number is an operand.
    let negative =
        |a: &String| a.starts_with('-') && a[1..].starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let first = args.iter().position(negative).filter(|at| args[..*at].iter().all(|a| a != "--"));
    let (before, after) = args.split_at(first.unwrap_or(args.len()));
    let mut parsed = options::parse(OPTIONS, before).map_err(|e| bad_option("seq", &e))?;
    parsed.operands.extend(after.iter().cloned());
    let operands = &parsed.operands;
    if let Some(extra) = operands.get(3) {
        return Err(format!("seq: extra operand '{extra}'\n{TRY}"));
    }
    if operands.is_empty() {
        return Err(format!("seq: missing operand\n{TRY}"));
    }
    let places = operands.iter().map(|o| o.split_once('.').map_or(0, |(_, f)| f.len())).max().unwrap_or(0);
    let number = |text: &String| {
        scaled(text, places).ok_or_else(|| format!("seq: invalid floating point argument: '{text}'\n{TRY}"))
    };
    let one = 10i128.pow(places.min(18) as u32);
    let (next, step, last) = match &operands[..] {
        [last] => (one, one, number(last)?),
        [first, last] => (number(first)?, one, number(last)?),
        [first, step, last, ..] => (number(first)?, number(step)?, number(last)?),
        [] => (one, one, 0),
    };
    if step == 0 {
        return Err(format!("seq: invalid Zero increment value: '{}'\n{TRY}", operands[1]));
    }
    let width = match parsed.has("-w") {
        true => shown(next, places).len().max(shown(last, places).len()),
        false => 0,
    };
    let format = match parsed.get("-f") {
        None => Default::default(),
        Some(format) => match format.split_once("%g").or_else(|| format.split_once("%f")) {
            Some((before, after)) => (before.to_owned(), after.to_owned()),
            None => return Err(format!("seq: format '{format}' has no % directive\n")),
        },
    };
    let separator = parsed.get("-s").unwrap_or("\n").to_owned();
    Ok(Seq { error: None, next, last, step, places, width, separator, format, begun: false })
}

/// A decimal number times ten to the power of `places`.
fn scaled(text: &str, places: usize) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let good = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !good(whole) || !good(fraction) || places > 18 {
        return None;
    }
    let all = format!("{whole}{fraction:0<places$}");
    (all.len() <= 36).then(|| all.parse::<i128>().ok().map(|n| n * sign)).flatten()
}

fn shown(number: i128, places: usize) -> String {
    let sign = if number < 0 { "-" } else { "" };
    let digits = format!("{:0>1$}", number.unsigned_abs(), places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let point = if places > 0 { "." } else { "" };
    format!("{sign}{whole}{point}{fraction}")
}

impl Program for Seq {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        if let Some(error) = self.error.take() {
            sys.err(error);
            return Poll::Exit(1);
        }
        match sys.signal {
            Some(Signal::Int) => return Poll::Exit(130),
            Some(Signal::Term) => return Poll::Exit(143),
            _ => {}
        }
        let mut text = String::new();
        for _ in 0..AT_ONCE {
            let over = if self.step > 0 { self.next > self.last } else { self.next < self.last };
            if over {
                if self.begun {
                    text.push('\n');
                }
                if !text.is_empty() {
                    sys.out(text);
                }
                return Poll::Exit(0);
            }
            if self.begun {
                text += &self.separator;
            }
            self.begun = true;
            let number = shown(self.next, self.places);
            let (sign, digits) = number.split_at(usize::from(self.next < 0));
            let width = self.width.saturating_sub(sign.len());
            text += &format!("{}{sign}{digits:0>width$}{}", self.format.0, self.format.1);
            self.next += self.step;
        }
        sys.out(text);
        sys.wake_at(sys.now() + Duration::from_millis(1));
        Poll::Pending
    }
    fn name(&self) -> &str {
        "seq"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
