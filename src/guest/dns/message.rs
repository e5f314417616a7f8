//! DNS messages (RFC 1035 §4): header, question, sections. The format is `simple-dns`'s work.

use std::fmt;
use std::net::Ipv4Addr;

use simple_dns::rdata::{A, CNAME, MX, NS, OPT, PTR, RData, SOA, TXT};
use simple_dns::{
    CLASS, CharacterString, Name, Packet, PacketFlag, QCLASS, QTYPE, RCODE, ResourceRecord, TYPE,
};

use super::record::{Data, Kind, Record, Soa};

/// What became of a question (RFC 1035 §4.1.1, RCODE), printed as `dig` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Answered; perhaps with no records of that type.
    NoError,
    /// The server could not read the question.
    FormErr,
    /// The server could not find out.
    ServFail,
    /// There is no such name.
    NxDomain,
    /// The server does not do that kind of query.
    NotImp,
    /// The server does not answer for this name, or not for this client.
    Refused,
    /// A code that no server here sends.
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
    /// There is more than the datagram holds: ask again over TCP (TC).
    pub truncated: bool,
    /// How large a datagram its sender takes, if it says so (EDNS, RFC 6891 §6.2.3).
    pub edns: Option<u16>,
    /// What became of it.
    pub code: Code,
    /// What was asked; the first question only.
    pub question: Option<Question>,
    /// The answers, in order.
    pub answers: Vec<Record>,
    /// Who knows: the servers of a zone below, or the head of the zone that has no such name.
    pub authorities: Vec<Record>,
    /// The addresses of those, as far as they are at hand (glue).
    pub additional: Vec<Record>,
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
            truncated: false,
            edns: None,
            code: Code::NoError,
            question: Some(question),
            answers: Vec::new(),
            authorities: Vec::new(),
            additional: Vec::new(),
        }
    }

    /// The answer to this question, still empty.
    pub fn reply(&self, code: Code) -> Self {
        Self {
            id: self.id,
            response: true,
            authoritative: false,
            recursion_desired: self.recursion_desired,
            recursion_available: true,
            truncated: false,
            edns: None,
            code,
            question: self.question.clone(),
            answers: Vec::new(),
            authorities: Vec::new(),
            additional: Vec::new(),
        }
    }

    /// The records of all sections.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.answers.iter().chain(&self.authorities).chain(&self.additional)
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
            truncated: packet.has_flags(PacketFlag::TRUNCATION),
            edns: packet.opt().map(|o| o.udp_packet_size),
            code: Code::from_wire(packet.rcode()),
            question: packet
                .questions
                .first()
                .map(|q| Question { name: q.qname.to_string(), kind: Kind(u16::from(q.qtype)) }),
            answers: packet.answers.iter().map(decode_record).collect(),
            authorities: packet.name_servers.iter().map(decode_record).collect(),
            additional: packet.additional_records.iter().map(decode_record).collect(),
        })
    }

    /// The bytes; None if a name is longer than DNS allows (RFC 1035 §2.3.4) or has an empty label.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut packet = if self.response { Packet::new_reply(self.id) } else { Packet::new_query(self.id) };
        for (set, flag) in [
            (self.authoritative, PacketFlag::AUTHORITATIVE_ANSWER),
            (self.recursion_desired, PacketFlag::RECURSION_DESIRED),
            (self.recursion_available, PacketFlag::RECURSION_AVAILABLE),
            (self.truncated, PacketFlag::TRUNCATION),
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
        packet.answers = encode_records(&self.answers)?;
        packet.name_servers = encode_records(&self.authorities)?;
        packet.additional_records = encode_records(&self.additional)?;
        if let Some(udp_packet_size) = self.edns {
            *packet.opt_mut() = Some(OPT { opt_codes: Vec::new(), udp_packet_size, version: 0 });
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

fn encode_records(records: &[Record]) -> Option<Vec<ResourceRecord<'_>>> {
    records
        .iter()
        .map(|r| Some(ResourceRecord::new(name(&r.name)?, CLASS::IN, r.ttl, encode_data(&r.data)?)))
        .collect()
}

fn encode_data(data: &Data) -> Option<RData<'_>> {
    Some(match data {
        Data::A(addr) => RData::A(A { address: u32::from(*addr) }),
        Data::Ptr(target) => RData::PTR(PTR(name(target)?)),
        Data::Cname(target) => RData::CNAME(CNAME(name(target)?)),
        Data::Ns(target) => RData::NS(NS(name(target)?)),
        Data::Mx(preference, target) => RData::MX(MX { preference: *preference, exchange: name(target)? }),
        Data::Txt(text) => {
            // A string of DNS has at most 255 bytes (RFC 1035 §3.3); an empty text is one empty string.
            let mut strings: Vec<&[u8]> = text.as_bytes().chunks(255).collect();
            if strings.is_empty() {
                strings.push(&[]);
            }
            let mut txt = TXT::new();
            for string in strings {
                txt.add_char_string(CharacterString::new(string).ok()?);
            }
            RData::TXT(txt)
        }
        Data::Soa(soa) => RData::SOA(SOA {
            mname: name(&soa.primary)?,
            rname: name(&soa.mailbox)?,
            serial: soa.serial,
            refresh: soa.refresh as i32,
            retry: soa.retry as i32,
            expire: soa.expire as i32,
            minimum: soa.negative_ttl,
        }),
        Data::Other(kind) => RData::Empty(TYPE::from(kind.0)),
    })
}

fn decode_record(record: &ResourceRecord<'_>) -> Record {
    let data = match &record.rdata {
        RData::A(a) => Data::A(Ipv4Addr::from(a.address)),
        RData::PTR(target) => Data::Ptr(target.0.to_string()),
        RData::CNAME(target) => Data::Cname(target.0.to_string()),
        RData::NS(target) => Data::Ns(target.0.to_string()),
        RData::MX(mx) => Data::Mx(mx.preference, mx.exchange.to_string()),
        RData::TXT(txt) => match String::try_from(txt.clone()) {
            Ok(text) => Data::Txt(text),
            Err(_) => Data::Other(Kind::TXT),
        },
        RData::SOA(soa) => Data::Soa(Box::new(Soa {
            primary: soa.mname.to_string(),
            mailbox: soa.rname.to_string(),
            serial: soa.serial,
            refresh: soa.refresh as u32,
            retry: soa.retry as u32,
            expire: soa.expire as u32,
            negative_ttl: soa.minimum,
        })),
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
        let other = |name: &str, kind, text| {
            let data = Data::parse(kind, text).unwrap();
            Record { name: name.to_owned(), ttl: 9, data }
        };
        m.authorities = vec![
            other("", Kind::NS, "a.root"),
            other("net1", Kind::SOA, "ns.net1 root.net1 1 2 3 4 4000000000"),
        ];
        m.additional = vec![other("net1", Kind::MX, "10 mail.net1"), other("net1", Kind::TXT, "two words")];
        (m.edns, m.truncated) = (Some(1232), true);
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
        fn damaged_messages_decode_or_are_refused(at in 0usize..400, byte in any::<u8>()) {
            let mut bytes = sample().encode().unwrap();
            let at = at % bytes.len();
            bytes[at] = byte;
            if let Some(m) = Message::decode(&bytes) {
                let _ = m.encode();
            }
        }
    }
}
