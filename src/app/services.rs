//! What DHCP and DNS hold at a place, at the moment shown, for the inspector.

use crate::guest::dhcp::{client_lease, leases};
use crate::guest::dns::{CacheLine, Kept, Record, dotted};
use crate::session::Session;
use crate::stack::NetNs;
use crate::time::Instant;

/// A DNS server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DnsTable {
    /// Where it listens.
    pub listen: String,
    /// Whom it asks about everything else, between commas.
    pub asks: String,
    /// It keeps answers.
    pub caches: bool,
    /// name, TTL, type, value.
    pub records: Vec<[String; 4]>,
    /// name, seconds left, type, value.
    pub cache: Vec<[String; 4]>,
}

/// What DHCP and DNS hold at a place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Services {
    /// Leases that this place holds: interface, address, server, seconds left.
    pub held: Vec<[String; 4]>,
    /// Leases that it gave away: address, name, MAC, seconds left or state.
    pub given: Vec<[String; 4]>,
    /// Whom programs here ask for names.
    pub resolvers: Vec<String>,
    /// DNS servers here.
    pub dns: Vec<DnsTable>,
}

fn left(until: Instant, now: Instant) -> String {
    until.since(now).as_secs().to_string()
}

fn record(r: &Record) -> [String; 4] {
    [dotted(&r.name), r.ttl.to_string(), r.data.kind().to_string(), r.data.to_string()]
}

fn kept(line: &CacheLine) -> Vec<[String; 4]> {
    let row = |kind: String, value: String| [dotted(&line.name), line.left_secs.to_string(), kind, value];
    match &line.what {
        Kept::Records(records) => {
            records.iter().map(|r| row(r.data.kind().to_string(), r.data.to_string())).collect()
        }
        Kept::Nothing(code, _) => vec![row(String::new(), code.to_string())],
    }
}

/// Reads a place.
pub fn services(session: &Session, place: &str, ns: &NetNs) -> Services {
    let now = session.world.now();
    let Some(machine) = session.place(place).ok().and_then(|m| session.world.machine(m)) else {
        return Services::default();
    };
    let held = ns.devices().filter_map(|d| {
        let lease = client_lease(&machine.files, d.name.as_str())?;
        Some([
            d.name.to_string(),
            lease.address.to_string(),
            lease.server.to_string(),
            left(lease.expire, now),
        ])
    });
    let given = leases(&machine.files).into_iter().map(|l| {
        let state = match (l.abandoned, l.active) {
            (true, _) => "abandoned".to_owned(),
            (_, true) => left(l.ends, now),
            _ => "free".to_owned(),
        };
        [l.address.to_string(), l.host, l.mac.to_string(), state]
    });
    let conf = machine.files.text("/etc/resolv.conf").unwrap_or_default();
    let resolvers = conf.lines().filter_map(|l| l.trim().strip_prefix("nameserver ")).map(str::to_owned);
    let servers = session.dns_servers(place).unwrap_or_default();
    let dns = servers.iter().map(|s| DnsTable {
        listen: s.listen.to_string(),
        asks: s.asks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        caches: s.caches,
        records: s.records.iter().map(record).collect(),
        cache: s.cache.iter().flat_map(kept).collect(),
    });
    Services {
        held: held.collect(),
        given: given.collect(),
        resolvers: resolvers.collect(),
        dns: dns.collect(),
    }
}
