//! What a server's own zones say of a question (RFC 1034 §4.3.2): the records, a referral to the
//! servers of a zone below, "no such name", "no such record", or that it is not for them to say.
//!
//! A zone begins at its SOA record and ends where NS records below it delegate. Records outside
//! any zone count for themselves alone. Wildcards as in RFC 4592 §3.3.

use super::record::{parent, within};
use super::{Data, Kind, Question, Record, Zone};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// Records of the answer, CNAMEs on the way first.
    pub(super) answers: Vec<Record>,
    /// The name at which the way ended: the one asked, or the last CNAME's target.
    pub(super) name: String,
    pub(super) end: End,
}

/// How the way ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// With records.
    Found,
    /// At the edge of a zone: the NS records of the one below.
    Delegated(Vec<Record>),
    /// There is no such name; the zone's head.
    NoName(Record),
    /// The name has no such record; the zone's head, where there is a zone.
    NoData(Option<Record>),
    /// The name is in none of the zones.
    Elsewhere,
}

/// A CNAME leads on so often: more than any sane zone has.
const MAX_ALIASES: usize = 8;

impl Zone {
    /// Answers a question from these records. `turn`: several addresses are given in changing
    /// order.
    pub(super) fn answer(&self, question: &Question, turn: usize) -> Finding {
        let mut name = question.name.clone();
        let mut answers: Vec<Record> = Vec::new();
        for _ in 0..MAX_ALIASES {
            let end = self.at(&name, question.kind, turn);
            let records = match end {
                Ok(records) => records,
                Err(end) => return Finding { answers, name, end },
            };
            let next = match records.first().map(|r| &r.data) {
                Some(Data::Cname(target)) if !matches!(question.kind, Kind::CNAME | Kind::ANY) => {
                    Some(target.clone())
                }
                _ => None,
            };
            answers.extend(records);
            match next {
                Some(target) => name = target,
                None => break,
            }
        }
        Finding { answers, name, end: End::Found }
    }

    /// The records of one name, or why there are none.
    fn at(&self, name: &str, kind: Kind, turn: usize) -> Result<Vec<Record>, End> {
        let head = self.head_of(name);
        if let Some(head) = head
            && let Some(servers) = self.delegation(name, &head.name)
        {
            return Err(End::Delegated(servers));
        }
        let owner = match (self.knows(name), head) {
            (true, _) => name.to_owned(),
            (false, None) => return Err(End::Elsewhere),
            (false, Some(head)) => match self.nearest(name, &head.name) {
                Nearest::Itself => return Err(End::NoData(Some(negative(head)))),
                Nearest::Wildcard(wildcard) => wildcard,
                Nearest::Nothing => return Err(End::NoName(negative(head))),
            },
        };
        let mut records: Vec<Record> = self.find(&owner, kind).cloned().collect();
        if records.is_empty() {
            return Err(End::NoData(head.map(negative)));
        }
        let turn = turn % records.len();
        records.rotate_left(turn);
        // The owner's name is given back in the case in which it was asked.
        records.iter_mut().for_each(|r| name.clone_into(&mut r.name));
        Ok(records)
    }

    /// The head of the zone that a name is in: the longest.
    fn head_of(&self, name: &str) -> Option<&Record> {
        let heads = self.records.iter().filter(|r| r.data.kind() == Kind::SOA && within(name, &r.name));
        heads.max_by_key(|r| r.name.len())
    }

    /// The NS records of a zone cut between the zone's head and `name`, the one nearest the head.
    fn delegation(&self, name: &str, apex: &str) -> Option<Vec<Record>> {
        let mut cuts = Vec::new();
        let mut at = name;
        while at.len() > apex.len() {
            cuts.push(at);
            at = parent(at);
        }
        cuts.into_iter().rev().find_map(|cut| {
            let servers: Vec<Record> = self.find(cut, Kind::NS).filter(is_ns).cloned().collect();
            (!servers.is_empty()).then_some(servers)
        })
    }

    fn nearest(&self, name: &str, apex: &str) -> Nearest {
        // A name with names below it exists, though it has no records (RFC 8020).
        if self.records.iter().any(|r| within(&r.name, name)) {
            return Nearest::Itself;
        }
        let mut at = name;
        while at.len() > apex.len() {
            at = parent(at);
            if at.len() == apex.len() || self.records.iter().any(|r| within(&r.name, at)) {
                let wildcard = if at.is_empty() { "*".to_owned() } else { format!("*.{at}") };
                return if self.knows(&wildcard) { Nearest::Wildcard(wildcard) } else { Nearest::Nothing };
            }
        }
        Nearest::Nothing
    }

    /// Addresses of the names that these records point to, as far as they are here.
    pub(super) fn glue(&self, records: &[Record]) -> Vec<Record> {
        let mut glue: Vec<Record> = Vec::new();
        for target in records.iter().filter_map(|r| match &r.data {
            Data::Ns(target) | Data::Mx(_, target) => Some(target),
            _ => None,
        }) {
            let new: Vec<Record> =
                self.find(target, Kind::A).filter(|r| r.data.kind() == Kind::A).cloned().collect();
            glue.extend(new.into_iter().filter(|r| !records.contains(r)));
        }
        glue.dedup();
        glue
    }
}

enum Nearest {
    /// The name exists without records of its own.
    Itself,
    /// This wildcard stands for it.
    Wildcard(String),
    Nothing,
}

fn is_ns(record: &&Record) -> bool {
    record.data.kind() == Kind::NS
}

/// The head as it comes with a negative answer: kept for the shorter of its TTL and the zone's
/// negative TTL (RFC 2308 §3).
fn negative(head: &Record) -> Record {
    let ttl = match &head.data {
        Data::Soa(soa) => head.ttl.min(soa.negative_ttl),
        _ => head.ttl,
    };
    Record { ttl, ..head.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: &str = "\
example.com. 3600 IN SOA ns1.example.com. hostmaster.example.com. 7 86400 7200 3600000 60
example.com. 3600 IN NS ns1.example.com.
ns1.example.com. 300 IN A 10.0.0.53
example.com. 300 IN MX 10 mail.example.com.
www.example.com. 300 IN CNAME web.example.com.
web.example.com. 300 IN A 10.0.0.1
web.example.com. 300 IN A 10.0.0.2
out.example.com. 300 IN CNAME example.net.
dead.example.com. 300 IN CNAME gone.example.com.
a.b.example.com. 300 IN A 10.0.0.3
*.wild.example.com. 300 IN A 10.0.0.4
sub.example.com. 300 IN NS ns.sub.example.com.
ns.sub.example.com. 300 IN A 10.0.1.53
loose.lan. 300 IN A 10.0.0.9
one. 300 IN CNAME two.
two. 300 IN CNAME one.
";

    #[test]
    fn a_zone_answers_refers_and_denies() {
        let zone = Zone::parse(ZONE);
        for (name, kind, answers, end) in [
            ("web.example.com", Kind::A, 2, "found"),
            ("WWW.example.com", Kind::A, 3, "found"),
            ("www.example.com", Kind::CNAME, 1, "found"),
            ("example.com", Kind::NS, 1, "found"),
            ("example.com", Kind::ANY, 3, "found"),
            ("x.wild.example.com", Kind::A, 1, "found"),
            ("x.wild.example.com", Kind::MX, 0, "no data, 60 s"),
            ("web.example.com", Kind::MX, 0, "no data, 60 s"),
            ("b.example.com", Kind::A, 0, "no data, 60 s"),
            ("no.example.com", Kind::A, 0, "no name, 60 s"),
            ("x.web.example.com", Kind::A, 0, "no name, 60 s"),
            ("dead.example.com", Kind::A, 1, "no name, 60 s"),
            ("out.example.com", Kind::A, 1, "elsewhere from example.net"),
            ("sub.example.com", Kind::A, 0, "to sub.example.com"),
            ("x.y.sub.example.com", Kind::A, 0, "to sub.example.com"),
            ("ns.sub.example.com", Kind::A, 0, "to sub.example.com"),
            ("loose.lan", Kind::A, 1, "found"),
            ("loose.lan", Kind::MX, 0, "no data"),
            ("lan", Kind::A, 0, "elsewhere from lan"),
            ("one", Kind::A, 8, "found"),
        ] {
            let finding = zone.answer(&Question { name: name.into(), kind }, 0);
            let said = match &finding.end {
                End::Found => "found".to_owned(),
                End::Delegated(servers) => format!("to {}", servers[0].name),
                End::NoName(head) => format!("no name, {} s", head.ttl),
                End::NoData(None) => "no data".to_owned(),
                End::NoData(Some(head)) => format!("no data, {} s", head.ttl),
                End::Elsewhere => format!("elsewhere from {}", finding.name),
            };
            assert_eq!((finding.answers.len(), said.as_str()), (answers, end), "{name} {kind}");
        }
    }

    #[test]
    fn a_server_of_two_zones_answers_from_the_lower_one() {
        let child = "sub.example.com. 9 IN SOA a. b. 1 2 3 4 5\nx.sub.example.com. 9 IN A 10.0.1.1\n";
        let zone = Zone::parse(&format!("{ZONE}{child}"));
        let question = Question { name: "x.sub.example.com".into(), kind: Kind::A };
        assert_eq!(zone.answer(&question, 0).end, End::Found);
    }

    #[test]
    fn several_addresses_come_in_changing_order_and_with_their_servers_glue() {
        let zone = Zone::parse(ZONE);
        let question = Question { name: "web.example.com".into(), kind: Kind::A };
        let first = |turn| zone.answer(&question, turn).answers[0].data.to_string();
        assert_eq!((first(0), first(1), first(2)), ("10.0.0.1".into(), "10.0.0.2".into(), "10.0.0.1".into()));
        let servers = zone.answer(&Question { name: "example.com".into(), kind: Kind::NS }, 0).answers;
        assert_eq!(zone.glue(&servers)[0].name, "ns1.example.com");
    }
}
