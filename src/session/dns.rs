//! DNS servers of nodes: their settings as the files and the command line of `dnsd`.

use std::net::Ipv4Addr;

use super::{ServiceConfig, Session, SessionError};
use crate::guest::dns::{CacheLine, Data, Kind, Record, Soa, Zone, is_name, reverse_name, whole};
use crate::shell;
use crate::wire::Endpoint;

/// A server's records, at most: the whole zone is searched for each question.
const MAX_RECORDS: usize = 1_000;

/// Checks a DNS service's settings; others pass.
///
/// # Errors
/// Names the field and what would be right.
pub(crate) fn check(service: &ServiceConfig) -> Result<(), String> {
    let ServiceConfig::Dns { zones, records, forward, roots, .. } = service else { return Ok(()) };
    if forward.is_some() && !roots.is_empty() {
        return Err("dns: it either forwards or asks the root servers; leave out forward or roots".into());
    }
    if records.len() > MAX_RECORDS {
        return Err(format!("dns: {} records; a server has at most {MAX_RECORDS}", records.len()));
    }
    for (i, zone) in zones.iter().enumerate() {
        if zone.name.is_empty() || !is_name(&zone.name) {
            return Err(format!("dns: zones[{i}]: {:?} is not a name; the root is \".\"", zone.name));
        }
        let same = |z: &super::DnsZone| whole(&z.name).eq_ignore_ascii_case(&whole(&zone.name));
        if zones[..i].iter().any(same) {
            return Err(format!("dns: zones[{i}]: {} is there already", zone.name));
        }
    }
    for (i, record) in records.iter().enumerate() {
        if record.name.is_empty() || !is_name(&record.name) {
            return Err(format!("dns: records[{i}]: {:?} is not a name; the root is \".\"", record.name));
        }
    }
    Ok(())
}

/// A DNS server that runs at a place, at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsView {
    /// Its own address (unspecified: all) and port.
    pub listen: Endpoint,
    /// Its own records, in order; heads of zones are SOA records.
    pub records: Vec<Record>,
    /// Whom it asks about what it does not know: the server it forwards to, or root servers.
    pub asks: Vec<Ipv4Addr>,
    /// True if it keeps the answers of others.
    pub caches: bool,
    /// What it keeps, by name, with the seconds that are left.
    pub cache: Vec<CacheLine>,
}

impl Session {
    /// The DNS servers of a place, a container's embedded one too.
    ///
    /// # Errors
    /// As [`Session::place`].
    pub fn dns_servers(&self, place: &str) -> Result<Vec<DnsView>, SessionError> {
        let machine = self.place(place)?;
        let ns = self.world.machine(machine).map(|m| m.ns);
        let here = self.world.processes().filter_map(|p| {
            let machine = self.world.machine(p.machine).filter(|m| Some(m.ns) == ns)?;
            let server = p.dns_server()?;
            Some(DnsView {
                listen: server.listens_at()?,
                records: server.zone(&machine.files).records,
                asks: server.asks().to_vec(),
                caches: server.keeps_answers(),
                cache: server.cached(self.world.now()),
            })
        });
        Ok(here.collect())
    }
}

/// The zone file of a DNS service, if it has records or zones: its path and content. A node may
/// serve several zones at several addresses.
pub(super) fn zone_file(service: &ServiceConfig) -> Option<(String, Zone)> {
    let ServiceConfig::Dns { listen, zones, records, .. } = service else { return None };
    if records.is_empty() && zones.is_empty() {
        return None;
    }
    let records = records.iter().map(|r| Record { name: whole(&r.name), ttl: r.ttl, data: r.data.clone() });
    let mut zone = Zone { records: records.collect() };
    // A server that is no zone's authority knows hosts, as a router's does: their addresses have
    // names too (dnsmasq(8), --host-record).
    if zones.is_empty() {
        let hosts = zone.records.iter().filter_map(|r| match r.data {
            Data::A(addr) => {
                Some(Record { name: reverse_name(addr), ttl: r.ttl, data: Data::Ptr(r.name.clone()) })
            }
            _ => None,
        });
        let mut names: Vec<Record> = hosts.collect();
        names.retain(|p| !zone.knows(&p.name));
        zone.records.extend(names);
    }
    for z in zones {
        let name = whole(&z.name);
        let servers = zone.find(&name, Kind::NS).filter_map(|r| r.data.target());
        let primary = servers.into_iter().next().map_or_else(|| below("ns", &name), str::to_owned);
        // The times are those that RIPE-203 recommends for small and stable zones.
        let soa = Soa {
            primary,
            mailbox: below("hostmaster", &name),
            serial: z.serial,
            refresh: 86400,
            retry: 7200,
            expire: 3_600_000,
            negative_ttl: z.negative_ttl,
        };
        zone.records.push(Record { name, ttl: 3600, data: Data::Soa(Box::new(soa)) });
    }
    let suffix = listen.map(|l| format!(".{l}")).unwrap_or_default();
    Some((format!("/etc/dnsd.zone{suffix}"), zone))
}

/// How `dnsd` is started for a service's settings.
pub(super) fn command_line(service: &ServiceConfig) -> String {
    let ServiceConfig::Dns { listen, forward, roots, cache, .. } = service else { return String::new() };
    let mut words = vec!["dnsd".to_owned()];
    let mut add = |option: &str, value: String| words.extend([option.to_owned(), value]);
    listen.iter().for_each(|l| add("--listen", l.to_string()));
    if let Some((path, _)) = zone_file(service) {
        add("--zone", path);
    }
    forward.iter().for_each(|f| add("--forward", f.to_string()));
    roots.iter().for_each(|r| add("--root", r.to_string()));
    if *cache {
        words.push("--cache".to_owned());
    }
    shell::join(&words)
}

fn below(label: &str, zone: &str) -> String {
    if zone.is_empty() { label.to_owned() } else { format!("{label}.{zone}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(text: &str) -> ServiceConfig {
        serde_json::from_str(&format!(r#"{{"service": "dns", {text}}}"#)).unwrap()
    }

    #[test]
    fn settings_that_cannot_be_are_refused_by_field() {
        for (text, expect) in [
            (r#""zones": [{"name": "."}], "records": [{"name": ".", "type": "NS", "value": "a.root"}]"#, ""),
            (r#""forward": "8.8.8.8", "roots": ["198.41.0.4"]"#, "dns: it either forwards"),
            (r#""zones": [{"name": "com"}, {"name": "COM."}]"#, "dns: zones[1]: COM. is there already"),
            (r#""zones": [{"name": ""}]"#, "dns: zones[0]: \"\" is not a name"),
            (r#""records": [{"name": "a b", "address": "10.0.0.1"}]"#, "dns: records[0]: \"a b\" is not"),
        ] {
            let got = check(&service(text)).err().unwrap_or_default();
            assert!(got.starts_with(expect) && got.is_empty() == expect.is_empty(), "{text}: {got}");
        }
    }

    #[test]
    fn a_zone_becomes_a_head_and_records_in_the_file() {
        let dns = service(
            r#""listen": "10.0.0.53", "zones": [{"name": "lan", "negative_ttl": 60}], "records": [
               {"name": "lan", "type": "NS", "value": "box.lan"}, {"name": "pc.lan", "address": "10.0.0.2"}]"#,
        );
        let (path, zone) = zone_file(&dns).unwrap();
        assert_eq!(path, "/etc/dnsd.zone.10.0.0.53");
        assert_eq!(
            zone.to_string(),
            "lan. 300 IN NS box.lan.\npc.lan. 300 IN A 10.0.0.2\n\
             lan. 3600 IN SOA box.lan. hostmaster.lan. 1 86400 7200 3600000 60\n"
        );
        let (_, root) = zone_file(&service(r#""zones": [{"name": "."}]"#)).unwrap();
        assert_eq!(root.to_string(), ". 3600 IN SOA ns. hostmaster. 1 86400 7200 3600000 300\n");
        assert_eq!(Zone::parse(&root.to_string()), root);
    }
}
