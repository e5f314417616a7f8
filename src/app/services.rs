//! What DHCP and DNS hold at a place, at the moment shown, for the inspector.

use super::App;
use crate::guest::dhcp::{client_lease, leases};
use crate::guest::dns::{CacheLine, Kept, Record, dotted};
use crate::lab::Edit;
use crate::session::{Reservation, Session};
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
    /// Of each of these: its computer could always get this address, if the router's form said so.
    pub free_to_keep: Vec<bool>,
    /// Whom programs here ask for names.
    pub resolvers: Vec<String>,
    /// DNS servers here.
    pub dns: Vec<DnsTable>,
}

impl App {
    /// The computer with this MAC address gets this address from the router `node` from now on.
    pub(super) fn reserve(&mut self, node: &str, mac: &str, address: &str) {
        let (Ok(mac), Ok(address)) = (mac.parse(), address.parse()) else { return };
        let router = self.lab.nodes.iter().find(|n| n.id == node).and_then(|n| n.router.clone());
        let Some(mut router) = router else { return };
        let Some(dhcp) = &mut router.dhcp else { return };
        dhcp.reservations.push(Reservation { mac, address });
        if self.edit(&Edit::SetRouter { node: node.to_owned(), router: Box::new(router) }) {
            self.toast("toast.reserved", &address.to_string(), false);
        }
    }
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
    let dhcp = session.node(place).ok().and_then(|n| n.config.router.as_ref()?.dhcp.as_ref());
    let free_to_keep = leases(&machine.files).into_iter().map(|l| {
        l.active
            && dhcp.is_some_and(|d| d.reservations.iter().all(|r| r.mac != l.mac && r.address != l.address))
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
        free_to_keep: free_to_keep.collect(),
        resolvers: resolvers.collect(),
        dns: dns.collect(),
    }
}

#[cfg(test)]
mod tests {
    use crate::app::store::Memory;
    use crate::app::{Action, App, Theme};
    use crate::explain::Lang;
    use crate::lab::Lab;

    #[test]
    fn a_lease_becomes_a_reservation_once_and_undo_takes_it_back() {
        let mut app = App::new(Box::new(Memory::default()), (Lang::En, Theme::Light)).unwrap();
        assert!(app.reopen(Lab::builtin("street").unwrap()));
        for _ in 0..400 {
            while app.run_slice() {}
            app.act(Action::ToEnd);
        }
        let shown = |app: &App| {
            let live = app.live();
            let ns = live.node("router-a").unwrap().ns;
            super::services(live, "router-a", live.world.namespace(ns).unwrap())
        };
        let before = shown(&app);
        assert_eq!(before.given.len(), 2, "{:?}", before.given);
        assert_eq!(before.free_to_keep, [true, true]);
        let [address, _, mac, _] = before.given[0].clone();
        app.act(Action::Reserve { node: "router-a".into(), mac: mac.clone(), address: address.clone() });
        let kept = |app: &App| {
            let router = app.lab.nodes.iter().find(|n| n.id == "router-a").and_then(|n| n.router.clone());
            router.and_then(|r| r.dhcp).map(|d| d.reservations).unwrap_or_default()
        };
        assert_eq!(
            kept(&app).iter().map(|r| (r.mac.to_string(), r.address.to_string())).collect::<Vec<_>>(),
            [(mac, address)]
        );
        let after = shown(&app);
        let at = after.given.iter().position(|row| *row == before.given[0]);
        assert!(at.is_none_or(|i| !after.free_to_keep[i]), "{after:?}");
        app.act(Action::Undo);
        assert!(kept(&app).is_empty());
    }
}
