//! printf and date.

use super::basic::unescape;
use super::once::{bad_option, once};
use crate::guest::Program;
use crate::guest::options::{self, Opt, flag};
use crate::time::Instant;

pub(super) const DATE: &[Opt] =
    &[flag(&["-u", "--utc", "--universal"], "in UTC (it is anyway)", "UTC로 (원래 UTC예요)")];

/// printf: `%s`, `%d`, `%i`, `%u`, `%x`, `%X`, `%o`, `%c`, `%b`, `%%` with flags, width and precision;
/// the format is used again while there are arguments. Not supported: floating point.
pub(super) fn printf(argv: &[String]) -> Box<dyn Program> {
    once(argv, |args, sys| {
        let args = if args.first().is_some_and(|a| a == "--") { &args[1..] } else { args };
        let Some((format, mut rest)) = args.split_first() else {
            sys.err("printf: usage: printf [-v var] format [arguments]\n");
            return 2;
        };
        let (mut text, mut status) = (String::new(), 0);
        loop {
            let before = rest.len();
            match once_through(format, &mut rest, &mut text) {
                Ok(problems) => {
                    for problem in problems {
                        sys.err(format!("printf: {problem}: invalid number\n"));
                        status = 1;
                    }
                }
                Err(bad) => {
                    sys.out(text);
                    sys.err(format!("printf: `{bad}': invalid format character\n"));
                    return 1;
                }
            }
            if rest.is_empty() || rest.len() == before || text.len() > 1 << 20 {
                break;
            }
        }
        if !text.is_empty() {
            sys.out(text);
        }
        status
    })
}

/// Writes the format once; the arguments that were no numbers.
fn once_through(format: &str, args: &mut &[String], text: &mut String) -> Result<Vec<String>, String> {
    let mut problems = Vec::new();
    let format = unescape(format);
    let mut rest = format.as_str();
    let mut next = || match args.split_first() {
        Some((first, after)) => {
            *args = after;
            first.clone()
        }
        None => String::new(),
    };
    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let flags: String = rest.chars().take_while(|c| "-0+ #".contains(*c)).collect();
        rest = &rest[flags.len()..];
        let digits = |r: &str| r.len() - r.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let width = &rest[..digits(rest)];
        rest = &rest[width.len()..];
        let mut precision = None;
        if let Some(after) = rest.strip_prefix('.') {
            precision = Some(after[..digits(after)].parse::<usize>().unwrap_or(0).min(WIDEST));
            rest = &after[digits(after)..];
        }
        let width = width.parse::<usize>().unwrap_or(0).min(WIDEST);
        let Some(kind) = rest.chars().next() else { return Err("%".to_owned()) };
        rest = &rest[kind.len_utf8()..];
        let mut number = || {
            let argument = next();
            let (sign, digits) = match argument.strip_prefix('-') {
                Some(digits) => (-1, digits),
                None => (1, argument.as_str()),
            };
            let value = match digits.strip_prefix("0x") {
                Some(hex) => i64::from_str_radix(hex, 16),
                None => digits.parse::<i64>(),
            };
            if value.is_err() && !argument.is_empty() {
                problems.push(argument.clone());
            }
            value.unwrap_or(0).wrapping_mul(sign)
        };
        let mut shown = match kind {
            '%' => "%".to_owned(),
            's' => next(),
            'b' => unescape(&next()),
            'c' => next().chars().take(1).collect(),
            'd' | 'i' | 'u' => number().to_string(),
            'x' => format!("{:x}", number()),
            'X' => format!("{:X}", number()),
            'o' => format!("{:o}", number()),
            other => return Err(other.to_string()),
        };
        let numeric = "diuxXo".contains(kind);
        match precision {
            Some(p) if numeric => shown = format!("{shown:0>p$}"),
            Some(p) if kind != '%' => shown = shown.chars().take(p).collect(),
            _ => {}
        }
        if flags.contains('+') && "di".contains(kind) && !shown.starts_with('-') {
            shown.insert(0, '+');
        }
        let zeros = flags.contains('0') && numeric && precision.is_none() && !flags.contains('-');
        *text += &match (flags.contains('-'), zeros, shown.strip_prefix('-')) {
            (true, ..) => format!("{shown:<width$}"),
            (_, true, Some(digits)) => format!("-{digits:0>0$}", width.saturating_sub(1)),
            (_, true, None) => format!("{shown:0>width$}"),
            _ => format!("{shown:>width$}"),
        };
    }
    text.push_str(rest);
    Ok(problems)
}

/// The widest field that is filled up; nobody reads a wider one, and padding has bounds of its own.
const WIDEST: usize = 4096;

/// date: the lab's clock, in UTC. The format's letters: a A b B d e F H I j m M n N p R s S T t u y Y Z z %.
pub(super) fn date(argv: &[String]) -> Box<dyn Program> {
    once(argv, |args, sys| {
        let p = match options::parse(DATE, args) {
            Ok(p) => p,
            Err(e) => {
                sys.err(bad_option("date", &e));
                return 1;
            }
        };
        let now = sys.now();
        match p.operands.first() {
            None => sys.out(format!("{}\n", formatted("%a %b %e %H:%M:%S UTC %Y", now))),
            Some(format) if format.starts_with('+') => {
                sys.out(format!("{}\n", formatted(&format[1..], now)));
            }
            Some(other) => {
                sys.err(format!("date: invalid date '{other}'\n"));
                return 1;
            }
        }
        0
    })
}

fn formatted(format: &str, now: Instant) -> String {
    const DAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let (seconds, nanos) = (Instant::BEGIN + now.as_nanos() / 1_000_000_000, now.as_nanos() % 1_000_000_000);
    let days = seconds / 86_400;
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let weekday = DAYS[(days % 7) as usize];
    let leap = |y: u64| u64::from(y.is_multiple_of(4) && (!y.is_multiple_of(100) || y.is_multiple_of(400)));
    let (mut year, mut of_year) = (1970, days);
    while of_year >= 365 + leap(year) {
        of_year -= 365 + leap(year);
        year += 1;
    }
    let lengths = [31, 28 + leap(year), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let (mut month, mut day) = (0, of_year);
    while day >= lengths[month] {
        day -= lengths[month];
        month += 1;
    }
    let (name, month, day) = (MONTHS[month], month + 1, day + 1);
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('a') => out += &weekday[..3],
            Some('A') => out += weekday,
            Some('b' | 'h') => out += &name[..3],
            Some('B') => out += name,
            Some('d') => out += &format!("{day:02}"),
            Some('e') => out += &format!("{day:2}"),
            Some('F') => out += &format!("{year}-{month:02}-{day:02}"),
            Some('H') => out += &format!("{hour:02}"),
            Some('I') => out += &format!("{:02}", (hour + 11) % 12 + 1),
            Some('j') => out += &format!("{:03}", of_year + 1),
            Some('m') => out += &format!("{month:02}"),
            Some('M') => out += &format!("{minute:02}"),
            Some('n') => out.push('\n'),
            Some('N') => out += &format!("{nanos:09}"),
            Some('p') => out += if hour < 12 { "AM" } else { "PM" },
            Some('R') => out += &format!("{hour:02}:{minute:02}"),
            Some('s') => out += &seconds.to_string(),
            Some('S') => out += &format!("{second:02}"),
            Some('T') => out += &format!("{hour:02}:{minute:02}:{second:02}"),
            Some('t') => out.push('\t'),
            Some('u') => out += &((days + 3) % 7 + 1).to_string(),
            Some('y') => out += &format!("{:02}", year % 100),
            Some('Y') => out += &year.to_string(),
            Some('Z') => out += "UTC",
            Some('z') => out += "+0000",
            Some('%') => out.push('%'),
            Some(other) => out.extend(['%', other]),
            None => out.push('%'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_written_as_date_does() {
        for (nanos, format, expect) in [
            (0, "%a %b %e %H:%M:%S UTC %Y", "Wed Nov  5 09:00:00 UTC 2025"),
            (86_400_000_000_000 * 57, "%F %T %j %u", "2026-01-01 09:00:00 001 4"),
            (1_500_000_000, "%s.%N %I%p %%", "1762333201.500000000 09AM %"),
        ] {
            assert_eq!(formatted(format, Instant(nanos)), expect);
        }
    }

    #[test]
    fn formats_are_filled_as_printf_does() {
        for (line, expect) in [
            ("%s-%d\\n a 1 b", "a-1\nb-0\n"),
            ("%5s|%-5s|%05d|%x a b 42 255", "    a|b    |00042|ff"),
            ("%d%% 7", "7%"),
            ("%+d|%04d 5 -5", "+5|-005"),
            ("%.2s|%.3d abc 5", "ab|005"),
            ("x", "x"),
        ] {
            let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let (mut rest, mut text) = (&args[1..], String::new());
            loop {
                once_through(&args[0], &mut rest, &mut text).unwrap();
                if rest.is_empty() {
                    break;
                }
            }
            assert_eq!(text, expect, "{line}");
        }
    }
}
