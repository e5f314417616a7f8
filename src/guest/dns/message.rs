//! DNS messages: the few fields that programs here look at. The format is `simple-dns`'s work.

use std::fmt;
use std::net::Ipv4Addr;

use simple_dns::rdata::{A, CNAME, PTR, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, RCODE, ResourceRecord, TYPE};

/// A record type, by its number (IANA, "Resource Record (RR) TYPEs").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind(pub u16);

impl Kind {
    /// An IPv4 address.
    pub const A: Self = Self(1);
    /// Another name of the same thing.
    pub const CNAME: Self = Self(5);
    /// The name of an address.
    pub const PTR: Self = Self(12);
    /// An IPv6 address.
    pub const AAAA: Self = Self(28);

    const NAMED: [(Self, &'static str); 8] = [
        (Self::A, "A"),
        (Self(2), "NS"),
        (Self::CNAME, "CNAME"),
        (Self(6), "SOA"),
        (Self::PTR, "PTR"),
        (Self(15), "MX"),
        (Self(16), "TXT"),
        (Self::AAAA, "AAAA"),
    ];

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

/// What became of a question (RFC 1035 §4.1.1, RCODE), printed as `dig` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Code {
    NoError,
    FormErr,
    ServFail,
    NxDomain,
    NotImp,
    Refused,
    Other,
}

impl Code {
    const MAP: [(Self, RCODE, &'static str); 6] = [
        (Self::NoError, RCODE::NoError, "NOERROR"),
        (Self::FormErr, RCODE::FormatError, "FORMERR"),
        (Self::ServFail, RCODE::ServerFailure, "SERVFAIL"),
        (Self::NxDomain, RCODE::NameError, "NXDOMAIN"),
        (Self::NotImp, RCODE::NotImplemented, "NOTIMP"),
        (Self::Refused, RCODE::Refused, "REFUSED"),
    ];

    fn from_wire(code: RCODE) -> Self {
        Self::MAP.iter().find(|m| m.1 == code).map_or(Self::Other, |m| m.0)
    }
    fn to_wire(self) -> RCODE {
        Self::MAP.iter().find(|m| m.0 == self).map_or(RCODE::ServerFailure, |m| m.1)
    }
}
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(Self::MAP.iter().find(|m| m.0 == *self).map_or("RESERVED", |m| m.2))
    }
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The name, without the last dot, in the case in which it was typed.
    pub name: String,
    /// The record type.
    pub kind: Kind,
}

/// A record of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Whose it is, without the last dot.
    pub name: String,
    /// Seconds it may be kept.
    pub ttl: u32,
    /// What it says.
    pub data: Data,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// The name of an address, without the last dot.
    Ptr(String),
    /// The name to look at instead, without the last dot.
    Cname(String),
    /// Something that programs here do not read.
    Other(Kind),
}

impl Data {
    /// The record type.
    pub fn kind(&self) -> Kind {
        match self {
            Self::A(_) => Kind::A,
            Self::Ptr(_) => Kind::PTR,
            Self::Cname(_) => Kind::CNAME,
            Self::Other(kind) => *kind,
        }
    }
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Ties an answer to its question.
    pub id: u16,
    /// An answer, not a question (QR).
    pub response: bool,
    /// From the zone itself (AA).
    pub authoritative: bool,
    /// The server shall ask others (RD).
    pub recursion_desired: bool,
    /// The server would ask others (RA).
    pub recursion_available: bool,
    /// What became of it.
    pub code: Code,
    /// What was asked; the first question only.
    pub question: Option<Question>,
    /// The answers, in order.
    pub answers: Vec<Record>,
}

impl Message {
    /// A question with recursion desired.
    pub fn query(id: u16, question: Question) -> Self {
        Self {
            id,
            response: false,
            authoritative: false,
            recursion_desired: true,
            recursion_available: false,
            code: Code::NoError,
            question: Some(question),
            answers: Vec::new(),
        }
    }

    /// The answer to this question, still empty.
    pub fn reply(&self, code: Code) -> Self {
        Self {
            response: true,
            recursion_available: true,
            code,
            authoritative: false,
            answers: Vec::new(),
            ..self.clone()
        }
    }

    /// Reads a message; None if it is malformed.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let packet = Packet::parse(bytes).ok()?;
        Some(Self {
            id: packet.id(),
            response: packet.has_flags(PacketFlag::RESPONSE),
            authoritative: packet.has_flags(PacketFlag::AUTHORITATIVE_ANSWER),
            recursion_desired: packet.has_flags(PacketFlag::RECURSION_DESIRED),
            recursion_available: packet.has_flags(PacketFlag::RECURSION_AVAILABLE),
            code: Code::from_wire(packet.rcode()),
            question: packet
                .questions
                .first()
                .map(|q| Question { name: q.qname.to_string(), kind: Kind(u16::from(q.qtype)) }),
            answers: packet.answers.iter().map(decode_record).collect(),
        })
    }

    /// The bytes; None if a name is longer than DNS allows (RFC 1035 §2.3.4) or has an empty label.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut packet = if self.response { Packet::new_reply(self.id) } else { Packet::new_query(self.id) };
        for (set, flag) in [
            (self.authoritative, PacketFlag::AUTHORITATIVE_ANSWER),
            (self.recursion_desired, PacketFlag::RECURSION_DESIRED),
            (self.recursion_available, PacketFlag::RECURSION_AVAILABLE),
        ] {
            if set {
                packet.set_flags(flag);
            }
        }
        *packet.rcode_mut() = self.code.to_wire();
        if let Some(q) = &self.question {
            let kind = QTYPE::try_from(q.kind.0).ok()?;
            let question = simple_dns::Question::new(name(&q.name)?, kind, QCLASS::CLASS(CLASS::IN), false);
            packet.questions.push(question);
        }
        for record in &self.answers {
            let data = match &record.data {
                Data::A(addr) => RData::A(A { address: u32::from(*addr) }),
                Data::Ptr(target) => RData::PTR(PTR(name(target)?)),
                Data::Cname(target) => RData::CNAME(CNAME(name(target)?)),
                Data::Other(kind) => RData::Empty(TYPE::from(kind.0)),
            };
            packet.answers.push(ResourceRecord::new(name(&record.name)?, CLASS::IN, record.ttl, data));
        }
        packet.build_bytes_vec_compressed().ok()
    }
}

fn name(text: &str) -> Option<Name<'_>> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let name = Name::new(text).ok()?;
    // The library passes over empty labels; DNS has none but the root.
    let dots = text.replace("\\\\", "").replace("\\.", "").bytes().filter(|b| *b == b'.').count();
    (text.is_empty() || name.get_labels().len() == dots + 1).then_some(name)
}

fn decode_record(record: &ResourceRecord<'_>) -> Record {
    let data = match &record.rdata {
        RData::A(a) => Data::A(Ipv4Addr::from(a.address)),
        RData::PTR(target) => Data::Ptr(target.0.to_string()),
        RData::CNAME(target) => Data::Cname(target.0.to_string()),
        other => Data::Other(Kind(u16::from(other.type_code()))),
    };
    Record { name: record.name.to_string(), ttl: record.ttl, data }
}

/// The name under which the name of `addr` is asked (RFC 1035 §3.5).
pub fn reverse_name(addr: Ipv4Addr) -> String {
    let [a, b, c, d] = addr.octets();
    format!("{d}.{c}.{b}.{a}.in-addr.arpa")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> Message {
        let question = Question { name: "Web.net1".into(), kind: Kind::A };
        let mut m = Message::query(7, question).reply(Code::NoError);
        m.answers = vec![
            Record { name: "Web.net1".into(), ttl: 600, data: Data::A(Ipv4Addr::new(10, 0, 0, 2)) },
            Record { name: "x".into(), ttl: 1, data: Data::Cname("y.z".into()) },
            Record { name: "2.0.0.10.in-addr.arpa".into(), ttl: 2, data: Data::Ptr("web.net1".into()) },
        ];
        m
    }

    #[test]
    fn a_message_survives_the_wire_with_its_case() {
        let m = sample();
        assert_eq!(Message::decode(&m.encode().unwrap()), Some(m));
    }

    #[test]
    fn names_that_dns_cannot_carry_are_refused() {
        for bad in ["a..b", &"x".repeat(64), &"abc.".repeat(70)] {
            let m = Message::query(1, Question { name: bad.to_owned(), kind: Kind::A });
            assert_eq!(m.encode(), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_decode_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Message::decode(&bytes);
        }

        #[test]
        fn damaged_messages_decode_or_are_refused(at in 0usize..90, byte in any::<u8>()) {
            let mut bytes = sample().encode().unwrap();
            let at = at % bytes.len();
            bytes[at] = byte;
            if let Some(m) = Message::decode(&bytes) {
                let _ = m.encode();
            }
        }
    }
}
