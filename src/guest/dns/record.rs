//! Resource records: their types, what they say, and their text in master files (RFC 1035 §5).
//!
//! Names are kept without the last dot, in the case in which they were written; the root is the
//! empty name. Supported: A, NS, CNAME, SOA, PTR, MX, TXT. Other types are known by number only.

use std::fmt;
use std::net::Ipv4Addr;

/// A record type, by its number (IANA, "Resource Record (RR) TYPEs").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind(pub u16);

impl Kind {
    /// An IPv4 address.
    pub const A: Self = Self(1);
    /// A server of a zone.
    pub const NS: Self = Self(2);
    /// Another name of the same thing.
    pub const CNAME: Self = Self(5);
    /// The head of a zone.
    pub const SOA: Self = Self(6);
    /// The name of an address.
    pub const PTR: Self = Self(12);
    /// Who takes mail.
    pub const MX: Self = Self(15);
    /// Text.
    pub const TXT: Self = Self(16);
    /// An IPv6 address.
    pub const AAAA: Self = Self(28);
    /// A question for whatever there is (RFC 1035 §3.2.3: `*`).
    pub const ANY: Self = Self(255);

    const NAMED: [(Self, &'static str); 9] = [
        (Self::A, "A"),
        (Self::NS, "NS"),
        (Self::CNAME, "CNAME"),
        (Self::SOA, "SOA"),
        (Self::PTR, "PTR"),
        (Self::MX, "MX"),
        (Self::TXT, "TXT"),
        (Self::AAAA, "AAAA"),
        (Self::ANY, "ANY"),
    ];

    /// The types that a zone can hold here.
    pub const STORED: [Self; 7] = [Self::A, Self::CNAME, Self::NS, Self::PTR, Self::MX, Self::TXT, Self::SOA];

    /// By its mnemonic, in any case: `ptr`.
    pub fn named(text: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(_, n)| n.eq_ignore_ascii_case(text)).map(|(k, _)| *k)
    }
}
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMED.iter().find(|(k, _)| k == self) {
            Some((_, name)) => f.pad(name),
            None => f.pad(&format!("TYPE{}", self.0)),
        }
    }
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Whose it is, without the last dot.
    pub name: String,
    /// Seconds it may be kept.
    pub ttl: u32,
    /// What it says.
    pub data: Data,
}

/// As in a master file: `www.example.com. 300 IN A 93.184.216.34`.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} IN {} {}", dotted(&self.name), self.ttl, self.data.kind(), self.data)
    }
}

/// What a record says. `Display` is its text in a master file, and what `dig` prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// The name of an address, without the last dot.
    Ptr(String),
    /// The name to look at instead, without the last dot.
    Cname(String),
    /// A server of the zone, without the last dot.
    Ns(String),
    /// Preference (lower is better) and the mail server's name.
    Mx(u16, String),
    /// Text, at most 1,024 bytes.
    Txt(String),
    /// The head of a zone.
    Soa(Box<Soa>),
    /// Something that programs here do not read.
    Other(Kind),
}

/// The head of a zone (RFC 1035 §3.3.13). Times in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Soa {
    /// Its first server.
    pub primary: String,
    /// Its keeper's mailbox, with a dot for the @.
    pub mailbox: String,
    /// Its version.
    pub serial: u32,
    /// Secondary servers look again after so long.
    pub refresh: u32,
    /// And after so long when that failed.
    pub retry: u32,
    /// And stop answering after so long.
    pub expire: u32,
    /// How long "there is no such name" may be kept (RFC 2308 §4), the record's own TTL permitting.
    pub negative_ttl: u32,
}

impl Data {
    /// The record type.
    pub fn kind(&self) -> Kind {
        match self {
            Self::A(_) => Kind::A,
            Self::Ptr(_) => Kind::PTR,
            Self::Cname(_) => Kind::CNAME,
            Self::Ns(_) => Kind::NS,
            Self::Mx(..) => Kind::MX,
            Self::Txt(_) => Kind::TXT,
            Self::Soa(_) => Kind::SOA,
            Self::Other(kind) => *kind,
        }
    }

    /// The name that it points to, if it does.
    pub fn target(&self) -> Option<&str> {
        match self {
            Self::Ptr(name) | Self::Cname(name) | Self::Ns(name) | Self::Mx(_, name) => Some(name),
            _ => None,
        }
    }

    /// Reads what stands after the type in a master file. Names may end with a dot or not: they
    /// are whole.
    ///
    /// # Errors
    /// Says what would be right.
    pub fn parse(kind: Kind, text: &str) -> Result<Self, String> {
        let text = text.trim();
        let bad = |expected: &str| Err(format!("{kind}: {text:?} is not {expected}"));
        let words: Vec<&str> = text.split_whitespace().collect();
        let numbers =
            |from: usize| -> Option<Vec<u32>> { words.get(from..)?.iter().map(|w| w.parse().ok()).collect() };
        Ok(match (kind, words.as_slice()) {
            (Kind::A, [addr]) => match addr.parse() {
                Ok(addr) => Self::A(addr),
                Err(_) => return bad("an IPv4 address"),
            },
            (Kind::PTR, [name]) if is_name(name) => Self::Ptr(whole(name)),
            (Kind::CNAME, [name]) if is_name(name) => Self::Cname(whole(name)),
            (Kind::NS, [name]) if is_name(name) => Self::Ns(whole(name)),
            (Kind::MX, [preference, name]) if is_name(name) => match preference.parse() {
                Ok(preference) => Self::Mx(preference, whole(name)),
                Err(_) => return bad("a preference and a name: 10 mail.example.com"),
            },
            (Kind::TXT, _) if text.len() <= 1024 && !text.contains('\n') => Self::Txt(unquoted(text)),
            (Kind::SOA, [primary, mailbox, _, _, _, _, _]) if is_name(primary) && is_name(mailbox) => {
                match numbers(2).as_deref() {
                    Some(&[serial, refresh, retry, expire, negative_ttl]) => Self::Soa(Box::new(Soa {
                        primary: whole(primary),
                        mailbox: whole(mailbox),
                        serial,
                        refresh,
                        retry,
                        expire,
                        negative_ttl,
                    })),
                    _ => return bad("two names and five numbers"),
                }
            }
            (Kind::A, _) => return bad("an IPv4 address"),
            (Kind::PTR | Kind::CNAME | Kind::NS, _) => return bad("a name"),
            (Kind::MX, _) => return bad("a preference and a name: 10 mail.example.com"),
            (Kind::TXT, _) => return bad("one line of at most 1,024 bytes"),
            (Kind::SOA, _) => return bad("two names and five numbers"),
            _ => return Err(format!("{kind} records are not kept here")),
        })
    }
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::A(addr) => write!(f, "{addr}"),
            Self::Ptr(name) | Self::Cname(name) | Self::Ns(name) => f.write_str(&dotted(name)),
            Self::Mx(preference, name) => write!(f, "{preference} {}", dotted(name)),
            Self::Txt(text) => write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
            Self::Soa(soa) => {
                let Soa { serial, refresh, retry, expire, negative_ttl, .. } = **soa;
                let (primary, mailbox) = (dotted(&soa.primary), dotted(&soa.mailbox));
                write!(f, "{primary} {mailbox} {serial} {refresh} {retry} {expire} {negative_ttl}")
            }
            Self::Other(_) => f.write_str("\\#"),
        }
    }
}

/// A name with its last dot; the root is `.`.
pub fn dotted(name: &str) -> String {
    format!("{name}.")
}

/// A name without its last dot; `.` is the root.
pub fn whole(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_owned()
}

/// True if a message can carry it (RFC 1035 §2.3.4): labels of 1 to 63 bytes, 253 in all. The root
/// is `.` or nothing.
pub fn is_name(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let label = |l: &str| !l.is_empty() && l.len() <= 63 && l.bytes().all(|b| b.is_ascii_graphic());
    text.is_empty() || (text.len() <= 253 && text.split('.').all(label))
}

/// True if `name` is `zone` or below it. Case does not matter (RFC 4343).
pub fn within(name: &str, zone: &str) -> bool {
    if zone.is_empty() {
        return true;
    }
    let Some(at) = name.len().checked_sub(zone.len()) else { return false };
    name.is_char_boundary(at)
        && name[at..].eq_ignore_ascii_case(zone)
        && (at == 0 || name.as_bytes()[at - 1] == b'.')
}

/// The name without its first label; the root's is the root.
pub fn parent(name: &str) -> &str {
    name.split_once('.').map_or("", |(_, rest)| rest)
}

fn unquoted(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) else {
        return text.to_owned();
    };
    let mut out = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_records_say_is_read_or_refused_with_what_would_be_right() {
        for (kind, text, expect) in [
            (Kind::A, "10.0.0.1", Ok("10.0.0.1")),
            (Kind::CNAME, "web.lan", Ok("web.lan.")),
            (Kind::NS, ".", Ok(".")),
            (Kind::MX, "10 mail.example.com.", Ok("10 mail.example.com.")),
            (Kind::TXT, "v=spf1 -all", Ok("\"v=spf1 -all\"")),
            (Kind::TXT, "\"a \\\"b\\\"\"", Ok("\"a \\\"b\\\"\"")),
            (Kind::SOA, "ns1.a. root.a. 1 2 3 4 5", Ok("ns1.a. root.a. 1 2 3 4 5")),
            (Kind::A, "10.0.0", Err("A: \"10.0.0\" is not an IPv4 address")),
            (Kind::CNAME, "a..b", Err("CNAME: \"a..b\" is not a name")),
            (Kind::MX, "mail", Err("MX: \"mail\" is not a preference and a name: 10 mail.example.com")),
            (Kind::AAAA, "::1", Err("AAAA records are not kept here")),
        ] {
            let got = Data::parse(kind, text).map(|d| d.to_string());
            assert_eq!(got.as_deref().map_err(String::as_str), expect, "{kind} {text}");
        }
    }

    #[test]
    fn a_name_lies_within_its_zone_by_whole_labels() {
        for (name, zone, expect) in [
            ("www.example.com", "example.com", true),
            ("Example.COM", "example.com", true),
            ("notexample.com", "example.com", false),
            ("com", "example.com", false),
            ("anything", "", true),
            ("", "", true),
            ("", "com", false),
        ] {
            assert_eq!(within(name, zone), expect, "{name} {zone}");
        }
        assert_eq!((parent("www.lan"), parent("lan"), parent("")), ("lan", "", ""));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_read_again_the_same(kind in 0usize..7, text in "\\PC{0,40}") {
            let kind = Kind::STORED[kind];
            if let Ok(data) = Data::parse(kind, &text) {
                prop_assert_eq!(Data::parse(kind, &data.to_string()), Ok(data));
            }
            let _ = within(&text, "b");
        }
    }
}
