//! sleep: waits in virtual time.

use crate::guest::{Poll, Program, Signal, Sys};
use crate::time::{Duration, Instant};

#[derive(Debug, Clone)]
struct Sleep {
    args: Vec<String>,
    until: Option<Instant>,
}

pub(super) fn sleep(argv: &[String]) -> Box<dyn Program> {
    Box::new(Sleep { args: argv[1..].to_vec(), until: None })
}

/// The sum of the arguments; None for `infinity`.
pub(super) fn span(args: &[String]) -> Result<Option<Duration>, String> {
    let mut sum = Some(Duration::ZERO);
    for arg in args {
        if matches!(arg.as_str(), "infinity" | "inf") {
            sum = None;
            continue;
        }
        let (digits, unit) = match arg.as_bytes().last() {
            Some(b's') => (&arg[..arg.len() - 1], 1_000_000_000),
            Some(b'm') => (&arg[..arg.len() - 1], 60_000_000_000),
            Some(b'h') => (&arg[..arg.len() - 1], 3_600_000_000_000),
            Some(b'd') => (&arg[..arg.len() - 1], 86_400_000_000_000),
            _ => (arg.as_str(), 1_000_000_000u64),
        };
        let nanos = decimal(digits, unit).ok_or_else(|| format!("sleep: invalid time interval '{arg}'\n"))?;
        sum = sum.map(|s| s + Duration(nanos));
    }
    Ok(sum)
}

/// A decimal number times `unit`, without floating point.
fn decimal(text: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
        return None;
    }
    let mut nanos = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()?.saturating_mul(unit) };
    let mut place = unit;
    for d in fraction.bytes() {
        place /= 10;
        nanos = nanos.saturating_add(u64::from(d - b'0') * place);
    }
    Some(nanos)
}

impl Program for Sleep {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        match sys.signal {
            Some(Signal::Int) => return Poll::Exit(130),
            Some(Signal::Term) => return Poll::Exit(143),
            _ => {}
        }
        let until = match self.until {
            Some(until) => until,
            None if self.args.is_empty() => {
                sys.err("sleep: missing operand\n");
                return Poll::Exit(1);
            }
            None => match span(&self.args) {
                Ok(span) => span.map_or(Instant::FAR_FUTURE, |s| sys.now() + s),
                Err(text) => {
                    sys.err(text);
                    return Poll::Exit(1);
                }
            },
        };
        self.until = Some(until);
        if sys.now() >= until {
            return Poll::Exit(0);
        }
        if until < Instant::FAR_FUTURE {
            sys.wake_at(until);
        }
        Poll::Pending
    }
    fn name(&self) -> &str {
        "sleep"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_as_coreutils_does() {
        for (text, expect) in [
            ("1", Ok(Some(1_000_000_000))),
            ("0.5", Ok(Some(500_000_000))),
            (".25s", Ok(Some(250_000_000))),
            ("2m", Ok(Some(120_000_000_000))),
            ("infinity", Ok(None)),
            ("x", Err("sleep: invalid time interval 'x'\n".to_owned())),
            ("", Err("sleep: invalid time interval ''\n".to_owned())),
        ] {
            assert_eq!(span(&[text.to_owned()]).map(|s| s.map(|d| d.0)), expect, "{text}");
        }
    }
}
