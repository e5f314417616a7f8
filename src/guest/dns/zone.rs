//! A server's records, as text in a file of its machine. Whoever changes the file changes what
//! the server answers from then on; there is nothing to reload.
//!
//! One record a line, as in a master file (RFC 1035 §5.1): `NAME TTL [IN] TYPE DATA`; `;` and `#`
//! begin a comment. Names are whole, with or without the last dot. Not supported: `$ORIGIN`,
//! `$TTL`, `@`, records over several lines.

use std::fmt;
use std::net::Ipv4Addr;

use super::record::{Data, Kind, Record, is_name, whole};
use super::reverse_name;

/// The records of a server. `Display` gives the file's text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Zone {
    /// In order.
    pub records: Vec<Record>,
}

impl Zone {
    /// Reads a zone file. Lines that make no sense are passed over.
    pub fn parse(text: &str) -> Self {
        Self { records: text.lines().filter_map(parse_line).collect() }
    }

    /// Adds an A record.
    pub fn add_a(&mut self, name: &str, addr: Ipv4Addr, ttl: u32) {
        self.records.push(Record { name: name.to_owned(), ttl, data: Data::A(addr) });
    }

    /// Adds the name of an address.
    pub fn add_ptr(&mut self, addr: Ipv4Addr, name: &str, ttl: u32) {
        self.records.push(Record { name: reverse_name(addr), ttl, data: Data::Ptr(name.to_owned()) });
    }

    /// True if the name has any record. Case does not matter (RFC 4343).
    pub fn knows(&self, name: &str) -> bool {
        self.records.iter().any(|r| r.name.eq_ignore_ascii_case(name))
    }

    /// The records of `name` with this type (or any), and a CNAME in any case.
    pub fn find<'a>(&'a self, name: &'a str, kind: Kind) -> impl Iterator<Item = &'a Record> {
        self.records.iter().filter(move |r| {
            let fits = kind == Kind::ANY || [kind, Kind::CNAME].contains(&r.data.kind());
            fits && r.name.eq_ignore_ascii_case(name)
        })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for record in self.records.iter().filter(|r| !matches!(r.data, Data::Other(_))) {
            writeln!(f, "{record}")?;
        }
        Ok(())
    }
}

/// `NAME TTL [IN] TYPE DATA`.
fn parse_line(line: &str) -> Option<Record> {
    let line = without_comment(line);
    let (name, rest) = word(line)?;
    let (ttl, rest) = word(rest)?;
    let (class, after) = word(rest)?;
    let rest = if class.eq_ignore_ascii_case("IN") { after } else { rest };
    let (kind, rest) = word(rest)?;
    let data = Data::parse(Kind::named(kind)?, rest).ok()?;
    is_name(name).then(|| Some(Record { name: whole(name), ttl: ttl.parse().ok()?, data }))?
}

fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// The line up to a `;` or `#` that is not within quotes.
fn without_comment(line: &str) -> &str {
    let (mut quoted, mut escaped) = (false, false);
    for (i, c) in line.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ';' | '#' if !quoted => return &line[..i],
            _ => {}
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_round_trips_through_its_text() {
        let mut zone = Zone::default();
        zone.add_a("web", Ipv4Addr::new(10, 0, 0, 2), 600);
        zone.add_ptr(Ipv4Addr::new(10, 0, 0, 2), "web.net1", 600);
        assert_eq!(zone.to_string(), "web. 600 IN A 10.0.0.2\n2.0.0.10.in-addr.arpa. 600 IN PTR web.net1.\n");
        assert_eq!(Zone::parse(&zone.to_string()), zone);
    }

    #[test]
    fn comments_and_nonsense_are_passed_over() {
        let zone = Zone::parse(
            "; head\nweb. 60 A 10.0.0.2 # first\nweb A\nweb 1 A x\nweb 1 MX y\nt 1 in txt \"a;b\" ; c\n\n",
        );
        assert_eq!(zone.records.len(), 2);
        assert_eq!(zone.records[1].data, Data::Txt("a;b".into()));
        assert!(zone.knows("WEB") && zone.find("wEb", Kind::A).count() == 1);
    }
}
