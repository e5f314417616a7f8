//! Which sockets `ss` shows: states and expressions over addresses and ports (ss(8), ssfilter.y).
//!
//! An expression compares `src`, `dst` (`ADDRESS/LENGTH:PORT`), `sport` or `dport` and joins comparisons by
//! `and`, `or`, `not` and brackets; two side by side are joined by `and`. Not supported: `dev`, `fwmark`,
//! `cgroup`, `autobound`.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::netfilter::service_port;
use crate::stack::{SocketInfo, SocketKind, TcpState};

/// Bits of the states, in the order of [`STATES`].
pub(super) type States = u16;

const STATES: [&str; 11] = [
    "established",
    "syn-sent",
    "syn-recv",
    "fin-wait-1",
    "fin-wait-2",
    "time-wait",
    "unconnected",
    "close-wait",
    "last-ack",
    "listening",
    "closing",
];
const ALL: States = (1 << STATES.len()) - 1;
pub(super) const ESTABLISHED: States = 1;
const SYN_RECV: States = 1 << 2;
const TIME_WAIT: States = 1 << 5;
const CLOSED: States = 1 << 6;
const LISTENING: States = 1 << 9;
/// What `-l` shows.
pub(super) const WAITING: States = LISTENING | CLOSED;
/// What is shown of TCP without `-a` and `-l`.
pub(super) const CONNECTED: States = ALL & !(WAITING | TIME_WAIT | SYN_RECV);
/// What `-a` shows.
pub(super) const EVERY: States = ALL;

/// The state of a socket as a bit.
pub(super) fn state_of(s: &SocketInfo) -> States {
    let at = match (s.kind, s.state) {
        (SocketKind::Udp, _) if s.remote.is_some() => 0,
        (SocketKind::Udp, _) | (_, TcpState::Closed) => 6,
        (_, TcpState::Established) => 0,
        (_, TcpState::SynSent) => 1,
        (_, TcpState::SynReceived) => 2,
        (_, TcpState::FinWait1) => 3,
        (_, TcpState::FinWait2) => 4,
        (_, TcpState::TimeWait) => 5,
        (_, TcpState::CloseWait) => 7,
        (_, TcpState::LastAck) => 8,
        (_, TcpState::Listen) => 9,
        (_, TcpState::Closing) => 10,
    };
    1 << at
}

fn named(name: &str) -> Option<States> {
    Some(match name {
        "all" => ALL,
        "connected" => ALL & !WAITING,
        "synchronized" => ALL & !WAITING & !(1 << 1),
        "bucket" => SYN_RECV | TIME_WAIT,
        "big" => ALL & !(SYN_RECV | TIME_WAIT),
        "closed" => CLOSED,
        "listen" => LISTENING,
        name => 1 << STATES.iter().position(|s| *s == name)?,
    })
}

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// The states, where they were named.
    pub states: Option<States>,
    expression: Option<Expression>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Expression {
    Not(Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    /// Of the peer? An address.
    Host(bool, Option<Ipv4Net>, Option<u16>),
    /// Of the peer? The port is at least the first and at most the second.
    Port(bool, u16, u16),
}

impl Filter {
    /// Reads the words behind the options.
    ///
    /// # Errors
    /// What `ss` says, without its name.
    pub(super) fn read(operands: &[String]) -> Result<Self, String> {
        let mut filter = Self::default();
        let mut rest = operands;
        // `state` and `exclude` stand in front.
        while let [word, name, more @ ..] = rest
            && matches!(word.as_str(), "state" | "exclude")
        {
            let set = named(name).ok_or_else(|| format!("wrong state name: {name}"))?;
            let before = filter.states;
            filter.states = Some(match word.as_str() {
                "state" => before.unwrap_or(0) | set,
                _ => before.unwrap_or(ALL) & !set,
            });
            rest = more;
        }
        let text = rest.join(" ");
        let mut words = tokens(&text);
        words.reverse();
        if !words.is_empty() {
            let wrong = || "bison bellows (while parsing filter): \"syntax error!\" Sorry.".to_owned();
            filter.expression = Some(either(&mut words).filter(|_| words.is_empty()).ok_or_else(wrong)?);
        }
        Ok(filter)
    }

    /// Is it one of those?
    pub(super) fn takes(&self, s: &SocketInfo) -> bool {
        self.expression.as_ref().is_none_or(|e| holds(e, s))
    }
}

fn holds(e: &Expression, s: &SocketInfo) -> bool {
    let end = |peer: bool| if peer { s.remote } else { Some(s.local) };
    match e {
        Expression::Not(e) => !holds(e, s),
        Expression::And(a, b) => holds(a, s) && holds(b, s),
        Expression::Or(a, b) => holds(a, s) || holds(b, s),
        Expression::Host(peer, net, port) => {
            let (addr, own) = end(*peer).map_or((Ipv4Addr::UNSPECIFIED, 0), |e| (e.addr, e.port));
            net.is_none_or(|net| net.contains(&addr)) && port.is_none_or(|port| port == own)
        }
        Expression::Port(peer, from, to) => (*from..=*to).contains(&end(*peer).map_or(0, |e| e.port)),
    }
}

/// Words, with brackets, `!` and comparisons apart.
fn tokens(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for word in text.split_whitespace() {
        let mut rest = word;
        while !rest.is_empty() {
            let sign = |c: char| matches!(c, '(' | ')' | '!' | '=' | '<' | '>' | '&' | '|');
            let len = if rest.starts_with(['(', ')']) {
                1
            } else if rest.starts_with(sign) {
                rest.find(|c| !sign(c) || matches!(c, '(' | ')')).unwrap_or(rest.len())
            } else {
                rest.find(sign).unwrap_or(rest.len())
            };
            let (token, more) = rest.split_at(len);
            found.push(token);
            rest = more;
        }
    }
    found
}

/// The words are in reverse: the next one is the last.
fn either(words: &mut Vec<&str>) -> Option<Expression> {
    let mut left = both(words)?;
    while matches!(words.last(), Some(&("or" | "|" | "||"))) {
        words.pop();
        left = Expression::Or(Box::new(left), Box::new(both(words)?));
    }
    Some(left)
}

fn both(words: &mut Vec<&str>) -> Option<Expression> {
    let mut left = one(words)?;
    loop {
        match words.last() {
            Some(&("and" | "&" | "&&")) => {
                words.pop();
            }
            None | Some(&("or" | "|" | "||" | ")")) => return Some(left),
            Some(_) => {}
        }
        left = Expression::And(Box::new(left), Box::new(one(words)?));
    }
}

fn one(words: &mut Vec<&str>) -> Option<Expression> {
    let word = words.pop()?;
    match word {
        "not" | "!" => Some(Expression::Not(Box::new(one(words)?))),
        "(" => {
            let inner = either(words)?;
            (words.pop()? == ")").then_some(inner)
        }
        "src" | "dst" | "sport" | "dport" => {
            let sign = match *words.last()? {
                "=" | "==" | "eq" => "=",
                "!=" | "ne" | "neq" => "!=",
                ">=" | "ge" | "geq" => ">=",
                "<=" | "le" | "leq" => "<=",
                ">" | "gt" => ">",
                "<" | "lt" => "<",
                _ => "",
            };
            if !sign.is_empty() {
                words.pop();
            }
            compare(word, sign, words.pop()?)
        }
        _ => None,
    }
}

fn compare(what: &str, sign: &str, value: &str) -> Option<Expression> {
    let peer = what.starts_with('d');
    let number = |text: &str| text.parse().ok().or_else(|| service_port(text));
    let found = if what.ends_with("port") {
        let port = number(value.rsplit(':').next()?)?;
        match sign {
            ">=" => Expression::Port(peer, port, u16::MAX),
            "<=" => Expression::Port(peer, 0, port),
            ">" => Expression::Port(peer, port.checked_add(1)?, u16::MAX),
            "<" => Expression::Port(peer, 0, port.checked_sub(1)?),
            _ => Expression::Port(peer, port, port),
        }
    } else {
        let (addr, port) = match value.split_once(':') {
            Some((addr, port)) => (addr, Some(port).filter(|p| *p != "*")),
            None => (value, None),
        };
        let net = match addr {
            "" | "*" => None,
            addr => {
                Some(addr.parse::<Ipv4Net>().ok().or_else(|| addr.parse::<Ipv4Addr>().ok().map(Into::into))?)
            }
        };
        Expression::Host(peer, net, port.map(number).map_or(Some(None), |p| p.map(Some))?)
    };
    Some(if sign == "!=" { Expression::Not(Box::new(found)) } else { found })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Filter, String> {
        Filter::read(&text.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn states_and_expressions_are_read_or_refused() {
        assert_eq!(read("state established").unwrap().states, Some(ESTABLISHED));
        assert_eq!(read("state foo").unwrap_err(), "wrong state name: foo");
        for good in [
            "sport = :80",
            "sport=80",
            "( sport = :80 or dport = :443 ) and not src 10.0.0.0/8",
            "dst 1.2.3.4:http",
        ] {
            assert!(read(good).is_ok(), "{good}");
        }
        for bad in ["sport", "sport =", "foo", "( sport = 1", "sport = 1 )"] {
            assert!(read(bad).unwrap_err().starts_with("bison bellows"), "{bad}");
        }
    }
}
