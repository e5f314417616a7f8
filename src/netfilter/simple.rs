//! The matches that look at one field of a packet: `iprange`, `length`, `pkttype` and `ttl`. Words and
//! formats are those of libxt_iprange.c, libxt_length.c, libxt_pkttype.c and libipt_ttl.c.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use super::modules::{bad_integer, bad_value, cannot_invert, must_specify};
use super::rule::NfError;

/// One of these matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Simple {
    /// `-m iprange`: source and destination, each from, to and `!`.
    Range(Option<(u32, u32, bool)>, Option<(u32, u32, bool)>),
    /// `-m length --length FROM:TO`, and `!`: the packet's length with its headers.
    Length(u16, u16, bool),
    /// `-m pkttype --pkt-type`: an index into [`KINDS`], and `!`.
    Pkttype(u8, bool),
    /// `-m ttl`: how it compares, to what.
    Ttl(Compare, u8),
}

/// How a TTL has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /** `--ttl-eq` */
    Equal,
    /** `! --ttl-eq` */
    Unequal,
    /** `--ttl-lt` */
    Less,
    /** `--ttl-gt` */
    Greater,
}

/// The names of kinds of frames, by whom they are sent to.
const KINDS: [&str; 3] = ["unicast", "broadcast", "multicast"];

impl Simple {
    /// As `-m NAME` loads it.
    pub(super) fn new(name: &str) -> Option<Self> {
        Some(match name {
            "iprange" => Self::Range(None, None),
            "length" => Self::Length(0, u16::MAX, false),
            "pkttype" => Self::Pkttype(0, false),
            "ttl" => Self::Ttl(Compare::Equal, 0),
            _ => return None,
        })
    }

    /// The name after `-m`.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Range(..) => "iprange",
            Self::Length(..) => "length",
            Self::Pkttype(..) => "pkttype",
            Self::Ttl(..) => "ttl",
        }
    }

    /// Its options and how many words each takes.
    pub(super) const fn options(&self) -> &'static [(&'static str, u8)] {
        match self {
            Self::Range(..) => &[("src-range", 1), ("dst-range", 1)],
            Self::Length(..) => &[("length", 1)],
            Self::Pkttype(..) => &[("pkt-type", 1)],
            Self::Ttl(..) => &[("ttl-eq", 1), ("ttl-lt", 1), ("ttl-gt", 1)],
        }
    }

    /// One option.
    ///
    /// # Errors
    /// As the extension says it.
    pub(super) fn apply(&mut self, name: &str, invert: bool, value: &str) -> Result<(), NfError> {
        match self {
            Self::Range(src, dst) => {
                let wrong = || bad_value("iprange", "IP range", value);
                let (from, to) = value.split_once('-').unwrap_or((value, value));
                let number = |text: &str| text.parse::<Ipv4Addr>().map(u32::from).map_err(|_| wrong());
                let range = (number(from)?, number(to)?, invert);
                *(if name == "src-range" { src } else { dst }) = Some(range);
            }
            Self::Length(low, high, not) => {
                let number = |text: &str, or: u16| match text {
                    "" => Ok(or),
                    text => text.parse::<u16>().map_err(|_| bad_integer("length", "length")),
                };
                (*low, *high) = match value.split_once(':') {
                    Some((from, to)) => (number(from, 0)?, number(to, u16::MAX)?),
                    None => (number(value, 0)?, number(value, 0)?),
                };
                if low > high {
                    return Err(NfError::usage(format!(
                        "length: range specified as \"{low}:{high}\" is backwards"
                    )));
                }
                *not = invert;
            }
            Self::Pkttype(kind, not) => {
                let found = KINDS.iter().position(|k| k.eq_ignore_ascii_case(value));
                *kind = found.ok_or_else(|| NfError::usage(format!("Bad packet type '{value}'")))? as u8;
                *not = invert;
            }
            Self::Ttl(compare, ttl) => {
                *ttl = value.parse().map_err(|_| bad_integer("ttl", name))?;
                *compare = match (name, invert) {
                    ("ttl-eq", false) => Compare::Equal,
                    ("ttl-eq", true) => Compare::Unequal,
                    (_, true) => return Err(cannot_invert("ttl", name)),
                    ("ttl-lt", false) => Compare::Less,
                    _ => Compare::Greater,
                };
            }
        }
        Ok(())
    }

    /// What is missing if no option was given.
    pub(super) fn missing(&self) -> NfError {
        match self {
            Self::Range(..) => {
                NfError::usage("iprange match: You must specify `--src-range' or `--dst-range'")
            }
            Self::Ttl(..) => {
                NfError::usage("TTL match: You must specify one of `--ttl-eq', `--ttl-lt', `--ttl-gt")
            }
            Self::Length(..) => must_specify("length", "length"),
            Self::Pkttype(..) => must_specify("pkttype", "pkt-type"),
        }
    }

    /// Does a packet have it? `packet`: from its IPv4 header on; `frame`: its Ethernet header, where it
    /// came in.
    pub(super) fn matches(&self, packet: &[u8], frame: Option<&[u8; 14]>) -> bool {
        let word =
            |at: usize| packet.get(at..at + 4).map_or(0, |b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
        match *self {
            Self::Range(src, dst) => [(src, 12), (dst, 16)].into_iter().all(|(range, at)| {
                range.is_none_or(|(from, to, invert)| (from..=to).contains(&word(at)) != invert)
            }),
            Self::Length(from, to, invert) => (from..=to).contains(&(word(0) as u16)) != invert,
            Self::Pkttype(kind, invert) => {
                let of = match frame {
                    Some(f) if f[..6] == [0xff; 6] => 1,
                    Some(f) if f[0] & 1 == 1 => 2,
                    _ => 0,
                };
                (of == kind) != invert
            }
            Self::Ttl(compare, than) => {
                let ttl = packet.get(8).copied().unwrap_or(0);
                match compare {
                    Compare::Equal => ttl == than,
                    Compare::Unequal => ttl != than,
                    Compare::Less => ttl < than,
                    Compare::Greater => ttl > than,
                }
            }
        }
    }

    /// As iptables-save has it.
    pub(super) fn save(&self, out: &mut String) {
        let _ = write!(out, " -m {}", self.name());
        let bang = |invert: bool| if invert { " !" } else { "" };
        let _ = match *self {
            Self::Range(src, dst) => {
                [("src", src), ("dst", dst)].into_iter().try_for_each(|(side, range)| {
                    let Some((from, to, invert)) = range else { return Ok(()) };
                    write!(out, "{} --{side}-range {}", bang(invert), span(from, to))
                })
            }
            Self::Length(from, to, invert) if from == to => write!(out, "{} --length {from}", bang(invert)),
            Self::Length(from, to, invert) => write!(out, "{} --length {from}:{to}", bang(invert)),
            Self::Pkttype(kind, invert) => {
                write!(out, "{} --pkt-type {}", bang(invert), KINDS[usize::from(kind)])
            }
            Self::Ttl(Compare::Unequal, ttl) => write!(out, " ! --ttl-eq {ttl}"),
            Self::Ttl(Compare::Equal, ttl) => write!(out, " --ttl-eq {ttl}"),
            Self::Ttl(Compare::Less, ttl) => write!(out, " --ttl-lt {ttl}"),
            Self::Ttl(Compare::Greater, ttl) => write!(out, " --ttl-gt {ttl}"),
        };
    }

    /// As `iptables -L` has it.
    pub(super) fn list(&self, out: &mut String) {
        let _ = match *self {
            Self::Range(src, dst) => {
                [("source", src), ("destination", dst)].into_iter().try_for_each(|(side, range)| {
                    let Some((from, to, invert)) = range else { return Ok(()) };
                    write!(out, " {side} IP range{} {}", if invert { " !" } else { "" }, span(from, to))
                })
            }
            Self::Length(from, to, invert) => {
                let bang = if invert { "!" } else { "" };
                if from == to {
                    write!(out, " length {bang}{from}")
                } else {
                    write!(out, " length {bang}{from}:{to}")
                }
            }
            Self::Pkttype(kind, invert) => {
                write!(out, " PKTTYPE {}= {}", if invert { "!" } else { "" }, KINDS[usize::from(kind)])
            }
            Self::Ttl(compare, ttl) => {
                let sign = match compare {
                    Compare::Equal => "==",
                    Compare::Unequal => "!=",
                    Compare::Less => "<",
                    Compare::Greater => ">",
                };
                write!(out, " TTL match TTL {sign} {ttl}")
            }
        };
    }
}

fn span(from: u32, to: u32) -> String {
    format!("{}-{}", Ipv4Addr::from(from), Ipv4Addr::from(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_looks_at_its_field_and_is_printed_as_it_was_typed() {
        let mut packet = [0; 28];
        (packet[0], packet[3], packet[8]) = (0x45, 28, 64);
        packet[12..20].copy_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
        let table = [
            ("iprange", "src-range", false, "10.0.0.1-10.0.0.9", true),
            ("iprange", "dst-range", true, "10.0.0.2-10.0.0.2", false),
            ("length", "length", false, "28:40", true),
            ("length", "length", false, "20", false),
            ("pkttype", "pkt-type", false, "broadcast", false),
            ("ttl", "ttl-eq", false, "64", true),
            ("ttl", "ttl-lt", false, "64", false),
            ("ttl", "ttl-gt", false, "5", true),
        ];
        for (module, option, invert, value, expected) in table {
            let mut m = Simple::new(module).unwrap();
            m.apply(option, invert, value).unwrap();
            assert_eq!(m.matches(&packet, None), expected, "{module} {value}");
            let mut text = String::new();
            m.save(&mut text);
            assert_eq!(text, format!(" -m {module}{} --{option} {value}", if invert { " !" } else { "" }));
        }
    }
}
