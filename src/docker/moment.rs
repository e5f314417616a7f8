//! Moments as docker's flags name them: `--since`, `--until` (moby, api/types/time/timestamp.go).
//!
//! Supported: a Go duration before now (`90s`, `1h30m`, `1.5h`), seconds since 1970, and dates as
//! RFC 3339 writes them (`2025-11-05`, `2025-11-05T09:00:01`, with a fraction, `Z` or `+01:00`). The
//! calendar of a lab begins as `docker inspect` shows it; without a zone a date is in UTC.

use crate::time::Instant;

/// Seconds from 1970 to the beginning of a lab.
const BEGIN: i64 = Instant::BEGIN as i64;
/// The same, in nanoseconds.
pub(super) const BEGIN_NANOS: i64 = BEGIN * SECOND;
const SECOND: i64 = 1_000_000_000;

/// The moment, in nanoseconds since the lab began: before it where negative.
///
/// # Errors
/// In docker's words.
pub(super) fn parse(text: &str, now: Instant) -> Result<i64, String> {
    let now = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
    if let Some(ago) = duration(text).filter(|_| text != "0") {
        // The client passes whole seconds on.
        return Ok(now.saturating_sub(ago).div_euclid(SECOND).saturating_mul(SECOND));
    }
    unix(text)
        .or_else(|| date(text))
        .map(|nanos| nanos.saturating_sub(BEGIN.saturating_mul(SECOND)))
        .ok_or_else(|| format!("failed to parse value as time or duration: {text:?}"))
}

/// Go's time.ParseDuration, in nanoseconds.
pub(super) fn duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut sum = 0_f64;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        let unit_end =
            rest[end..].find(|c: char| c.is_ascii_digit() || c == '.').map_or(rest.len(), |n| end + n);
        let unit = match &rest[end..unit_end] {
            "ns" => 1.0,
            "us" | "µs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            _ => return None,
        };
        sum += number * unit;
        rest = &rest[unit_end..];
    }
    // What is too long for Go's 64 bits is no duration.
    (!text.is_empty() && sum < 9.2e18).then_some(if negative { -sum as i64 } else { sum as i64 })
}

/// `1136073845` or `1136073845.000000001`, in nanoseconds.
fn unix(text: &str) -> Option<i64> {
    let (secs, fraction) = text.split_once('.').map_or((text, "0"), |(s, f)| (s, f));
    let secs: i64 = secs.parse().ok()?;
    secs.checked_mul(SECOND)?.checked_add(nanos(fraction)?)
}

/// Digits after the point, as nanoseconds.
fn nanos(fraction: &str) -> Option<i64> {
    if fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    format!("{fraction:0<9}").parse().ok()
}

/// A date, and a time of day if there is one, in nanoseconds since 1970.
fn date(text: &str) -> Option<i64> {
    let (day, time) = text.split_once('T').map_or((text, None), |(d, t)| (d, Some(t)));
    let mut parts = day.split('-');
    let [y, m, d] = [(); 3].map(|()| parts.next().and_then(|p| p.parse::<i64>().ok()));
    let (y, m, d) = (y?, m?, d?);
    if parts.next().is_some()
        || !(1970..2200).contains(&y)
        || !(1..=12).contains(&m)
        || !(1..=31).contains(&d)
    {
        return None;
    }
    // Days since 1970, in years that begin in March.
    let (year, month) = if m <= 2 { (y - 1, m + 9) } else { (y, m - 3) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + d - 1 - 719_468;
    let Some(time) = time else { return Some(days * 86_400 * SECOND) };
    let (time, zone) = match time.find(['Z', '+', '-']) {
        Some(at) => (&time[..at], &time[at..]),
        None => (time, "Z"),
    };
    let (clock, fraction) = time.split_once('.').map_or((time, "0"), |(c, f)| (c, f));
    let offset = match zone.split_at_checked(1)? {
        ("Z", "") => 0,
        (sign, hm) => hours(hm)? * if sign == "-" { -1 } else { 1 },
    };
    Some((days * 86_400 + hours(clock)? - offset) * SECOND + nanos(fraction)?)
}

/// `09`, `09:00` or `09:00:01`, in seconds.
fn hours(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let mut sum = 0;
    for (unit, below) in [(3600, 24), (60, 60), (1, 60)] {
        let Some(part) = parts.next() else { break };
        sum += unit * part.parse::<i64>().ok().filter(|n| (0..below).contains(n))?;
    }
    parts.next().is_none().then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Duration;

    #[test]
    fn moments_are_read_as_the_client_reads_them() {
        let now = Instant::ZERO + Duration::from_secs(100);
        let cases = [
            ("10s", 90),
            ("1m", 40),
            ("1h", -3500),
            ("0s", 100),
            ("1m30s", 10),
            ("0", -BEGIN),
            ("1762333205", 5),
            ("2025-11-05T09:00:07", 7),
            ("2025-11-05T10:00:07+01:00", 7),
            ("2025-11-05", -9 * 3600),
        ];
        for (text, secs) in cases {
            assert_eq!(parse(text, now), Ok(secs * SECOND), "{text}");
        }
        assert_eq!(parse("2025-11-05T09:00:07.5Z", now), Ok(7 * SECOND + SECOND / 2));
        for bad in ["foo", "", "1x", "10", "2025-13-01", "s", "1h2"].iter().filter(|t| **t != "10") {
            let want = format!("failed to parse value as time or duration: {bad:?}");
            assert_eq!(parse(bad, now), Err(want), "{bad}");
        }
    }
}
