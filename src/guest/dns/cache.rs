//! What a server remembers of other servers' answers, each record set for as long as its TTL
//! allows, "there is no such name" too (RFC 2308). Bounded: past the bound the line that would
//! end first goes.

use std::collections::BTreeMap;

use super::{Code, Data, Kind, Record};
use crate::time::{Duration, Instant};

/// At most this many lines.
const MAX_LINES: usize = 1_000;
/// Nothing is kept longer than a week, a negative answer not longer than three hours (BIND's
/// max-cache-ttl and max-ncache-ttl).
const MAX_TTL: u32 = 604_800;
const MAX_NEGATIVE_TTL: u32 = 10_800;

/// The cache.
#[derive(Debug, Clone, Default)]
pub struct Cache {
    /// By name in small letters, and type. "No such name" stands under [`Kind::ANY`].
    lines: BTreeMap<(String, Kind), Line>,
}

#[derive(Debug, Clone)]
struct Line {
    what: Kept,
    expires: Instant,
}

/// What is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// The records of this type.
    Records(Vec<Record>),
    /// There is no such name, or it has no such records ([`Code::NoError`]); the zone's head.
    Nothing(Code, Option<Record>),
}

/// A line of the cache, for reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheLine {
    /// Name, in small letters, without the last dot.
    pub name: String,
    /// Type; [`Kind::ANY`] for "there is no such name".
    pub kind: Kind,
    /// Full seconds until it is forgotten.
    pub left_secs: u32,
    /// What is known.
    pub what: Kept,
}

impl Cache {
    /// Keeps records of one name and type.
    pub fn keep(&mut self, records: &[Record], now: Instant) {
        if let Some(first) = records.first() {
            self.keep_answer(&first.name, first.data.kind(), records, now);
        }
    }

    /// Keeps a whole answer, CNAMEs included, to the question for `name` and `kind`.
    pub fn keep_answer(&mut self, name: &str, kind: Kind, records: &[Record], now: Instant) {
        // A set has one TTL: the lowest (RFC 2181 §5.2).
        let ttl = records.iter().map(|r| r.ttl).min().unwrap_or(0).min(MAX_TTL);
        let key = (name.to_ascii_lowercase(), kind);
        // The name exists, whatever was thought of it.
        self.lines.remove(&(key.0.clone(), Kind::ANY));
        self.put(key, Kept::Records(records.to_vec()), ttl, now);
    }

    /// Keeps all records of a section, set by set.
    pub fn keep_all(&mut self, records: &[Record], now: Instant) {
        for (i, record) in records.iter().enumerate() {
            let same = |r: &&Record| {
                r.data.kind() == record.data.kind() && r.name.eq_ignore_ascii_case(&record.name)
            };
            if !records[..i].iter().any(|r| same(&r)) {
                let set: Vec<Record> = records.iter().filter(same).cloned().collect();
                self.keep(&set, now);
            }
        }
    }

    /// Keeps that there is no such name (`NxDomain`) or no such record of it (`NoError`), for as
    /// long as the zone's head says. Without a head: not at all (RFC 2308 §5).
    pub fn keep_nothing(&mut self, name: &str, kind: Kind, code: Code, head: Option<&Record>, now: Instant) {
        let Some(head) = head else { return };
        let kind = if code == Code::NxDomain { Kind::ANY } else { kind };
        let ttl = match &head.data {
            Data::Soa(soa) => head.ttl.min(soa.negative_ttl),
            _ => 0,
        };
        let ttl = ttl.min(MAX_NEGATIVE_TTL);
        self.put((name.to_ascii_lowercase(), kind), Kept::Nothing(code, Some(head.clone())), ttl, now);
    }

    fn put(&mut self, key: (String, Kind), what: Kept, ttl: u32, now: Instant) {
        if ttl == 0 {
            self.lines.remove(&key);
            return;
        }
        if self.lines.len() >= MAX_LINES && !self.lines.contains_key(&key) {
            self.lines.retain(|_, line| line.expires > now);
        }
        if self.lines.len() >= MAX_LINES
            && !self.lines.contains_key(&key)
            && let Some(first) = self.lines.iter().min_by_key(|(_, l)| l.expires).map(|(k, _)| k.clone())
        {
            self.lines.remove(&first);
        }
        let expires = now + Duration::from_secs(u64::from(ttl));
        self.lines.insert(key, Line { what, expires });
    }

    /// What is known of a name's records of a type; their TTLs are what is left.
    pub fn get(&self, name: &str, kind: Kind, now: Instant) -> Option<Kept> {
        let name = name.to_ascii_lowercase();
        let line = |kind| self.lines.get(&(name.clone(), kind)).filter(|line| line.expires > now);
        let line = line(kind).or_else(|| line(Kind::ANY))?;
        Some(aged(&line.what, left(line.expires, now)))
    }

    /// All lines that are still good, by name.
    pub fn lines(&self, now: Instant) -> Vec<CacheLine> {
        let good = self.lines.iter().filter(|(_, line)| line.expires > now);
        good.map(|((name, kind), line)| {
            let left_secs = left(line.expires, now);
            CacheLine { name: name.clone(), kind: *kind, left_secs, what: aged(&line.what, left_secs) }
        })
        .collect()
    }
}

fn left(expires: Instant, now: Instant) -> u32 {
    u32::try_from(expires.since(now).0 / 1_000_000_000).unwrap_or(u32::MAX)
}

/// With the TTLs of the moment.
fn aged(what: &Kept, left: u32) -> Kept {
    let aged = |r: &Record| Record { ttl: left, ..r.clone() };
    match what {
        Kept::Records(records) => Kept::Records(records.iter().map(aged).collect()),
        Kept::Nothing(code, head) => Kept::Nothing(*code, head.as_ref().map(aged)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a(name: &str, ttl: u32) -> Record {
        Record { name: name.into(), ttl, data: Data::A([10, 0, 0, 1].into()) }
    }
    fn at(secs: u64) -> Instant {
        Instant::default() + Duration::from_secs(secs)
    }

    #[test]
    fn records_age_and_are_forgotten_when_their_ttl_ends() {
        let mut cache = Cache::default();
        cache.keep_all(&[a("WEB", 60), a("web", 40), a("other", 10)], at(0));
        for (secs, web) in [(0, Some(40)), (15, Some(25)), (39, Some(1)), (40, None)] {
            let ttl = match cache.get("web", Kind::A, at(secs)) {
                Some(Kept::Records(records)) => records.iter().map(|r| r.ttl).max(),
                _ => None,
            };
            assert_eq!(ttl, web, "{secs}");
        }
        assert_eq!(cache.lines(at(11)).len(), 1);
    }

    #[test]
    fn that_there_is_nothing_is_kept_as_long_as_the_head_allows_and_not_without_one() {
        let mut cache = Cache::default();
        let head =
            Record { name: "lan".into(), ttl: 30, data: Data::parse(Kind::SOA, "a b 1 2 3 4 50").unwrap() };
        cache.keep_nothing("no.lan", Kind::A, Code::NxDomain, Some(&head), at(0));
        cache.keep_nothing("web.lan", Kind::MX, Code::NoError, Some(&head), at(0));
        cache.keep_nothing("x.lan", Kind::A, Code::NxDomain, None, at(0));
        let code = |name, kind, secs| match cache.get(name, kind, at(secs)) {
            Some(Kept::Nothing(code, _)) => Some(code),
            _ => None,
        };
        // No such name: no records of any type.
        assert_eq!(code("no.lan", Kind::TXT, 29), Some(Code::NxDomain));
        assert_eq!(code("no.lan", Kind::A, 30), None);
        assert_eq!((code("web.lan", Kind::MX, 1), code("web.lan", Kind::A, 1)), (Some(Code::NoError), None));
        assert_eq!(code("x.lan", Kind::A, 0), None);
    }

    #[test]
    fn past_the_bound_the_line_that_ends_first_goes() {
        let mut cache = Cache::default();
        for i in 0..=MAX_LINES as u32 {
            cache.keep(&[a(&format!("n{i}"), 100 + i)], at(0));
        }
        assert_eq!(cache.lines(at(0)).len(), MAX_LINES);
        assert_eq!(cache.get("n0", Kind::A, at(0)), None);
    }
}
