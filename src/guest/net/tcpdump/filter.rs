//! The filter expressions of `tcpdump` (pcap-filter(7)).
//!
//! Supported: `[src|dst|src or dst] host|net|port|portrange X`, `ether host|src|dst MAC`, the
//! protocols `ip arp icmp tcp udp`, `broadcast`, `less N`, `greater N`; `not and or` (also `! && ||`),
//! parentheses, and a value alone after one of its kind (`port 80 or 443`). Not supported: names of
//! hosts, arithmetic on bytes (`tcp[13] & 2 != 0`), `vlan`, `gateway`.

use std::net::Ipv4Addr;

use crate::netfilter::service_port;
use crate::wire::{Arp, Content, Ipv4Net, Mac, Protocol, Summary};

/// A filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Filter {
    All,
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Arp,
    Ip,
    Proto(Protocol),
    Net(Side, Ipv4Net),
    Ports(Side, u16, u16),
    Ether(Side, Mac),
    Broadcast,
    /// At most, or at least so long.
    Length {
        most: usize,
        least: usize,
    },
}

/// Which end of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Src,
    Dst,
    Either,
    Both,
}

impl Side {
    fn fits(self, src: bool, dst: bool) -> bool {
        match self {
            Self::Src => src,
            Self::Dst => dst,
            Self::Either => src || dst,
            Self::Both => src && dst,
        }
    }
}

/// What is named: kind and side, kept for a value that stands alone.
#[derive(Debug, Clone, Copy)]
enum What {
    Host(Side),
    Net(Side),
    Port(Side),
    Range(Side),
}

/// Brackets within brackets.
const MAX_DEPTH: usize = 50;

const SYNTAX: &str = "can't parse filter expression: syntax error";

struct Parser<'a> {
    words: Vec<&'a str>,
    at: usize,
    last: Option<What>,
    depth: usize,
}

impl Filter {
    /// Reads an expression.
    ///
    /// # Errors
    /// libpcap's words.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let spaced =
            ["(", ")", "&&", "||"].iter().fold(text.to_owned(), |t, s| t.replace(s, &format!(" {s} ")));
        let spaced = spaced.replace('!', " ! ");
        let words: Vec<&str> = spaced.split_whitespace().collect();
        if words.is_empty() {
            return Ok(Self::All);
        }
        let mut parser = Parser { words, at: 0, last: None, depth: 0 };
        let filter = parser.any()?;
        if parser.at == parser.words.len() { Ok(filter) } else { Err(SYNTAX.into()) }
    }

    /// True if a frame passes.
    pub(super) fn passes(&self, frame: &Summary) -> bool {
        let ip = match &frame.content {
            Content::Ipv4(ip) => Some(ip),
            _ => None,
        };
        match self {
            Self::All => true,
            Self::Not(f) => !f.passes(frame),
            Self::And(a, b) => a.passes(frame) && b.passes(frame),
            Self::Or(a, b) => a.passes(frame) || b.passes(frame),
            Self::Arp => frame.ethertype == 0x0806,
            Self::Ip => frame.ethertype == 0x0800,
            Self::Proto(proto) => ip.is_some_and(|ip| ip.proto == *proto),
            Self::Net(side, net) => match (&frame.content, ip) {
                (Content::Arp(Arp { sender, target, .. }), _) => {
                    side.fits(net.contains(sender), net.contains(target))
                }
                (_, Some(ip)) => side.fits(net.contains(&ip.src), net.contains(&ip.dst)),
                _ => false,
            },
            Self::Ports(side, low, high) => ip.is_some_and(|ip| {
                let ports = matches!(ip.proto, Protocol::Tcp | Protocol::Udp);
                let within = |port: u16| (*low..=*high).contains(&port);
                // A later fragment has no ports.
                let first = ip.fragment.is_none_or(|(offset, _)| offset == 0);
                ports && first && side.fits(within(ip.source().port), within(ip.destination().port))
            }),
            Self::Ether(side, mac) => side.fits(frame.src_mac == *mac, frame.dst_mac == *mac),
            Self::Broadcast => frame.dst_mac == Mac::BROADCAST,
            Self::Length { most, least } => (*least..=*most).contains(&frame.len),
        }
    }
}

impl<'a> Parser<'a> {
    fn peek(&self) -> &'a str {
        self.words.get(self.at).copied().unwrap_or("")
    }
    fn take(&mut self, options: &[&str]) -> bool {
        let found = options.contains(&self.peek());
        self.at += usize::from(found);
        found
    }
    fn next(&mut self) -> Result<&'a str, String> {
        let word = self.words.get(self.at).copied().ok_or(SYNTAX)?;
        self.at += 1;
        Ok(word)
    }

    /// `and` and `or` bind alike, from left to right (pcap-filter(7)).
    fn any(&mut self) -> Result<Filter, String> {
        let mut left = self.one()?;
        loop {
            if self.take(&["and", "&&"]) {
                left = Filter::And(Box::new(left), Box::new(self.one()?));
            } else if self.take(&["or", "||"]) {
                left = Filter::Or(Box::new(left), Box::new(self.one()?));
            } else {
                return Ok(left);
            }
        }
    }

    fn one(&mut self) -> Result<Filter, String> {
        if self.depth >= MAX_DEPTH {
            return Err(SYNTAX.into());
        }
        self.depth += 1;
        let filter = if self.take(&["not", "!"]) {
            Filter::Not(Box::new(self.one()?))
        } else if self.take(&["("]) {
            let inner = self.any()?;
            if !self.take(&[")"]) {
                return Err(SYNTAX.into());
            }
            inner
        } else {
            self.primitive()?
        };
        self.depth -= 1;
        Ok(filter)
    }

    fn primitive(&mut self) -> Result<Filter, String> {
        if self.take(&["less"]) {
            return Ok(Filter::Length { most: self.number()?, least: 0 });
        }
        if self.take(&["greater"]) {
            return Ok(Filter::Length { most: usize::MAX, least: self.number()? });
        }
        if self.take(&["ether"]) {
            return self.ether();
        }
        if self.take(&["broadcast"]) {
            return Ok(Filter::Broadcast);
        }
        let proto = match self.peek() {
            "ip" => Some(Filter::Ip),
            "arp" => Some(Filter::Arp),
            "icmp" => Some(Filter::Proto(Protocol::Icmp)),
            "tcp" => Some(Filter::Proto(Protocol::Tcp)),
            "udp" => Some(Filter::Proto(Protocol::Udp)),
            _ => None,
        };
        self.at += usize::from(proto.is_some());
        let qualified = self.qualifier()?;
        match (proto, qualified) {
            (Some(proto), None) => Ok(proto),
            (proto, Some(what)) => {
                self.last = Some(what);
                let value = self.next()?;
                let filter = self.value(what, value)?;
                Ok(match proto {
                    Some(proto) => Filter::And(Box::new(proto), Box::new(filter)),
                    None => filter,
                })
            }
            (None, None) => {
                // A value alone: of the kind before it, or a host.
                let what = self.last.unwrap_or(What::Host(Side::Either));
                let value = self.next()?;
                self.value(what, value)
            }
        }
    }

    /// `src host`, `dst`, `port` …
    fn qualifier(&mut self) -> Result<Option<What>, String> {
        let side = match self.peek() {
            "src" => Some(Side::Src),
            "dst" => Some(Side::Dst),
            _ => None,
        };
        self.at += usize::from(side.is_some());
        let mut side = side;
        if let Some(first) = side
            && matches!(self.peek(), "or" | "and")
            && matches!(self.words.get(self.at + 1), Some(&("src" | "dst")))
        {
            let both = self.peek() == "and";
            self.at += 2;
            side = Some(if self.words[self.at - 1] == if first == Side::Src { "src" } else { "dst" } {
                first
            } else if both {
                Side::Both
            } else {
                Side::Either
            });
        }
        let given = side.unwrap_or(Side::Either);
        let what = match self.peek() {
            "host" => What::Host(given),
            "net" => What::Net(given),
            "port" => What::Port(given),
            "portrange" => What::Range(given),
            _ => return Ok(side.map(What::Host)),
        };
        self.at += 1;
        Ok(Some(what))
    }

    fn ether(&mut self) -> Result<Filter, String> {
        let side = match self.next()? {
            "host" => Side::Either,
            "src" => Side::Src,
            "dst" => Side::Dst,
            "broadcast" => return Ok(Filter::Broadcast),
            _ => return Err(SYNTAX.into()),
        };
        self.take(&["host"]);
        let text = self.next()?;
        let mac = text
            .parse()
            .map_err(|_| format!("can't parse filter expression: unknown ether host '{text}'"))?;
        Ok(Filter::Ether(side, mac))
    }

    fn number(&mut self) -> Result<usize, String> {
        self.next()?.parse().map_err(|_| SYNTAX.to_owned())
    }

    fn value(&mut self, what: What, text: &str) -> Result<Filter, String> {
        match what {
            What::Host(side) => {
                let addr: Ipv4Addr = text.parse().map_err(|_| unknown(text))?;
                Ok(Filter::Net(side, Ipv4Net::from(addr)))
            }
            What::Net(side) => {
                if self.take(&["mask"]) {
                    let mask: Ipv4Addr = self.next()?.parse().map_err(|_| SYNTAX)?;
                    let addr: Ipv4Addr = text.parse().map_err(|_| SYNTAX)?;
                    let net = Ipv4Net::with_netmask(addr, mask).map_err(|_| SYNTAX)?;
                    return Ok(Filter::Net(side, net.trunc()));
                }
                let net = net(text).ok_or(SYNTAX)?;
                if net.trunc() != net {
                    return Err(format!("non-network bits set in \"{}/{}\"", net.addr(), net.prefix_len()));
                }
                Ok(Filter::Net(side, net))
            }
            What::Port(side) => {
                let port = port(text)?;
                Ok(Filter::Ports(side, port, port))
            }
            What::Range(side) => {
                let (low, high) = text.split_once('-').ok_or(SYNTAX)?;
                let (low, high) = (port(low)?, port(high)?);
                Ok(Filter::Ports(side, low.min(high), low.max(high)))
            }
        }
    }
}

fn unknown(host: &str) -> String {
    if host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-') && !is_word(host) {
        format!("unknown host '{host}'")
    } else {
        SYNTAX.into()
    }
}

fn is_word(text: &str) -> bool {
    matches!(text, "and" | "or" | "not" | "host" | "net" | "port" | "src" | "dst")
}

fn port(text: &str) -> Result<u16, String> {
    match text.parse::<u32>() {
        Ok(n) => u16::try_from(n).map_err(|_| format!("illegal port number {n} > 65535")),
        Err(_) => service_port(text).ok_or_else(|| format!("port '{text}' is unknown")),
    }
}

/// `10.0.0.0/8`, or `10`, `10.1`, `10.1.2` with 8 bits for each part.
fn net(text: &str) -> Option<Ipv4Net> {
    if text.contains('/') {
        return text.parse().ok();
    }
    let parts: Vec<u8> = text.split('.').map(|p| p.parse().ok()).collect::<Option<_>>()?;
    let mut octets = [0; 4];
    octets.get_mut(..parts.len())?.copy_from_slice(&parts);
    Ipv4Net::new(octets.into(), parts.len() as u8 * 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn expressions_are_read_as_libpcap_reads_them() {
        for (text, same) in [
            ("port 80 or 443", "port 80 or port 443"),
            ("tcp port http", "tcp and port 80"),
            ("host 10.0.0.1 and not arp", "(host 10.0.0.1) && ! arp"),
            ("net 10", "net 10.0.0.0/8"),
            ("net 10.1.0.0 mask 255.255.0.0", "net 10.1"),
            ("10.0.0.1", "src or dst host 10.0.0.1"),
            ("dst 10.0.0.1", "dst host 10.0.0.1"),
            ("portrange 90-80", "portrange 80-90"),
            ("", ""),
        ] {
            assert_eq!(Filter::parse(text), Filter::parse(same), "{text}");
            assert!(Filter::parse(text).is_ok(), "{text}");
        }
        for (text, error) in [
            ("host", SYNTAX),
            ("port 80 and", SYNTAX),
            ("(port 80", SYNTAX),
            ("port 80)", SYNTAX),
            ("port 70000", "illegal port number 70000 > 65535"),
            ("port nosuch", "port 'nosuch' is unknown"),
            ("host nosuch", "unknown host 'nosuch'"),
            ("net 10.0.0.1/8", "non-network bits set in \"10.0.0.1/8\""),
        ] {
            assert_eq!(Filter::parse(text), Err(error.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_words_are_read_or_refused(
            words in proptest::collection::vec(
                prop_oneof!["(\\(|\\)|!|and|or|not|src|dst|host|net|port|ether|10|tcp|less|mask)", "\\PC{0,6}"],
                0..12,
            )
        ) {
            let _ = Filter::parse(&words.join(" "));
        }
    }
}
