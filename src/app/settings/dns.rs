//! A DNS server's part of a machine's form: its records, and whom it asks about everything else.

use super::{Wrong, read};
use crate::guest::dns::{Data, Kind};
use crate::session::{DnsRecord, ServiceConfig};

/// A record, as typed.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordRow {
    /// Full, without the last dot.
    pub name: String,
    /// Index into [`Kind::STORED`].
    pub kind: usize,
    /// As in a zone file: an address, a name, a text.
    pub value: String,
    /// In seconds.
    pub ttl: String,
}

impl RecordRow {
    /// An empty A record.
    pub fn new() -> Self {
        let a = Kind::STORED.iter().position(|k| k.to_string() == "A").unwrap_or(0);
        Self { name: String::new(), kind: a, value: String::new(), ttl: "300".into() }
    }
    /// As it is stored.
    pub fn of(record: &DnsRecord) -> Self {
        let kind = record.data.kind();
        Self {
            name: record.name.clone(),
            kind: Kind::STORED.iter().position(|k| *k == kind).unwrap_or(0),
            value: record.data.to_string(),
            ttl: record.ttl.to_string(),
        }
    }
    /// To be stored.
    pub fn read(&self, wrong: &mut Vec<Wrong>, field: &str, i: usize) -> Option<DnsRecord> {
        let name = self.name.trim().trim_end_matches('.');
        let good = crate::guest::dns::is_name(name) && !name.is_empty();
        if !good {
            wrong.push((format!("{field}-name-{i}"), "form.bad_dns_name"));
        }
        let kind = Kind::STORED.get(self.kind).copied()?;
        let data = Data::parse(kind, &self.value);
        if data.is_err() {
            wrong.push((format!("{field}-value-{i}"), "form.bad_dns_value"));
        }
        let ttl = read::<u32>(wrong, &format!("{field}-ttl-{i}"), &self.ttl, "form.bad_ttl");
        Some(DnsRecord { name: good.then(|| name.to_owned())?, data: data.ok()?, ttl: ttl? })
    }
}

impl Default for RecordRow {
    fn default() -> Self {
        Self::new()
    }
}

/// Whom a server asks about what it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beyond {
    /// Nobody: it knows its own records only.
    Nobody,
    /// Another server.
    Forward,
    /// The root servers, and from there down.
    Roots,
}

/// A DNS server's settings.
#[derive(Debug, Clone, PartialEq)]
pub struct DnsForm {
    /// Its own.
    pub records: Vec<RecordRow>,
    /// Whom it asks about the rest.
    pub beyond: Beyond,
    /// Of [`Beyond::Forward`].
    pub forward: String,
    /// Of [`Beyond::Roots`].
    pub roots: String,
    /// It remembers answers for as long as their TTL says.
    pub cache: bool,
    base: ServiceConfig,
}

impl DnsForm {
    /// Filled with what a service has; None if it is none of DNS. `public`: whom it would ask.
    pub fn of(service: &ServiceConfig, public: &str) -> Option<Self> {
        let ServiceConfig::Dns { records, forward, roots, cache, .. } = service else { return None };
        let beyond = match (forward, roots.is_empty()) {
            (Some(_), _) => Beyond::Forward,
            (None, false) => Beyond::Roots,
            (None, true) => Beyond::Nobody,
        };
        Some(Self {
            records: records.iter().map(RecordRow::of).collect(),
            beyond,
            forward: forward.map_or_else(|| public.to_owned(), |f| f.to_string()),
            roots: super::joined(roots),
            cache: *cache,
            base: service.clone(),
        })
    }
    /// The service; None if something cannot be read, which is noted in `wrong`.
    pub fn service(&self, wrong: &mut Vec<Wrong>) -> Option<ServiceConfig> {
        let before = wrong.len();
        let records: Vec<_> =
            self.records.iter().enumerate().filter_map(|(i, r)| r.read(wrong, "record", i)).collect();
        let forward = match self.beyond {
            Beyond::Forward => read(wrong, "dns-forward", &self.forward, "form.bad_address"),
            _ => None,
        };
        let roots = match self.beyond {
            Beyond::Roots => super::read_addresses(wrong, "dns-roots", &self.roots),
            _ => Vec::new(),
        };
        if self.beyond == Beyond::Roots && roots.is_empty() && wrong.len() == before {
            wrong.push(("dns-roots".into(), "form.bad_address"));
        }
        let ServiceConfig::Dns { listen, zones, .. } = &self.base else { return None };
        (wrong.len() == before).then(|| ServiceConfig::Dns {
            listen: *listen,
            zones: zones.clone(),
            records,
            forward,
            roots,
            cache: self.cache && self.beyond == Beyond::Forward,
        })
    }
}
