//! Which host ports are taken by published ports (libnetwork/portallocator), and in which order
//! the ports of a container are bound (drivers/bridge/port_mapping_linux.go).
//!
//! IPv6 is not emulated, but a port published on all addresses is listed for `[::]` too, as the
//! engine lists it.

use super::{PortBinding, PortSpec};
use crate::wire::Protocol;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why a host port cannot be had. `Display` is the engine's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum PortError {
    #[error("Bind for {ip}:{port} failed: port is already allocated")]
    Allocated { ip: IpAddr, port: u16 },
    #[error("all ports are allocated")]
    AllAllocated,
}

/// A port to be published, before its host port is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Container port.
    pub port: u16,
    /// tcp or udp.
    pub proto: Protocol,
    /// Host address; None: all.
    pub host_ip: Option<Ipv4Addr>,
    /// Host ports to choose from; (0, 0): any.
    pub host: (u16, u16),
}

impl Wanted {
    /// The host addresses it is bound to.
    pub fn addresses(&self) -> Vec<IpAddr> {
        match self.host_ip {
            None => vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)],
            Some(ip) => vec![IpAddr::V4(ip)],
        }
    }
}

/// Every single port of `specs`, in the order in which the engine binds them: exact host ports
/// first, then by container port, protocol, host port and host address (cmpPortBinding).
pub(super) fn in_order(specs: &[PortSpec]) -> Vec<Wanted> {
    let mut all = Vec::new();
    for spec in specs {
        let (first, last) = spec.container;
        for (i, port) in (first..=last).enumerate() {
            let host = match spec.host {
                None => (0, 0),
                // A single container port chooses within the host's range; a range pairs up.
                Some(range) if first == last => range,
                Some((host, _)) => {
                    let host = host.saturating_add(i as u16);
                    (host, host)
                }
            };
            all.push(Wanted { port, proto: spec.proto, host_ip: spec.host_ip, host });
        }
    }
    all.sort_by_key(|w| {
        let is_range = w.host.0 == 0 || w.host.0 != w.host.1;
        (is_range, w.port, w.proto, w.host, w.host_ip)
    });
    all
}

type Key = (IpAddr, Protocol);

/// The host ports taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PortAllocator {
    /// The range of "any free port": the host's ephemeral ports.
    dynamic: (u16, u16),
    taken: BTreeMap<Key, BTreeSet<u16>>,
    /// The port last given from a range; the search goes on behind it.
    last: BTreeMap<(Key, (u16, u16)), u16>,
}

impl PortAllocator {
    /// Nothing taken.
    pub fn new(dynamic: (u16, u16)) -> Self {
        Self { dynamic, taken: BTreeMap::new(), last: BTreeMap::new() }
    }

    /// Takes a port of `host` on all of `ips`.
    pub fn take(&mut self, ips: &[IpAddr], proto: Protocol, host: (u16, u16)) -> Result<u16, PortError> {
        let range = if host == (0, 0) { self.dynamic } else { host };
        let port = if host.0 == host.1 && host.0 != 0 {
            if let Some(ip) = self.holder(ips, proto, host.0) {
                return Err(PortError::Allocated { ip, port: host.0 });
            }
            host.0
        } else {
            self.search(ips, proto, range).ok_or(PortError::AllAllocated)?
        };
        for &ip in ips {
            self.taken.entry((ip, proto)).or_default().insert(port);
            if host.0 != host.1 || host.0 == 0 {
                self.last.insert(((ip, proto), range), port);
            }
        }
        Ok(port)
    }

    /// Gives a port back.
    pub fn release(&mut self, ip: IpAddr, proto: Protocol, port: u16) {
        if let Some(taken) = self.taken.get_mut(&(ip, proto)) {
            taken.remove(&port);
            if taken.is_empty() {
                self.taken.remove(&(ip, proto));
            }
        }
    }

    /// True if nothing is taken.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.taken.is_empty()
    }

    fn search(&self, ips: &[IpAddr], proto: Protocol, (begin, end): (u16, u16)) -> Option<u16> {
        let first = *ips.first()?;
        let last = self.last.get(&((first, proto), (begin, end))).copied().unwrap_or(end);
        let after = (u32::from(last) + 1..=u32::from(end)).chain(u32::from(begin)..=u32::from(last));
        after.filter_map(|p| u16::try_from(p).ok()).find(|&p| self.holder(ips, proto, p).is_none())
    }

    /// The address on which `port` is taken, so that none of `ips` can have it: the same one, "all"
    /// of its family, or any of the family if all are asked for.
    fn holder(&self, ips: &[IpAddr], proto: Protocol, port: u16) -> Option<IpAddr> {
        let clashes = |held: &IpAddr| {
            ips.iter().any(|ip| {
                ip.is_ipv4() == held.is_ipv4() && (ip == held || ip.is_unspecified() || held.is_unspecified())
            })
        };
        self.taken
            .iter()
            .filter(|((ip, p), ports)| *p == proto && clashes(ip) && ports.contains(&port))
            .map(|((ip, _), _)| *ip)
            .next()
    }
}

/// `docker port`'s and `docker ps`'s text of an address with a port.
pub(super) fn join(ip: IpAddr, port: impl std::fmt::Display) -> String {
    match ip {
        IpAddr::V4(ip) => format!("{ip}:{port}"),
        IpAddr::V6(ip) => format!("[{ip}]:{port}"),
    }
}

/// The PORTS column of `docker ps`: runs of equal ports are drawn together (docker/cli,
/// formatter.DisplayablePorts). `exposed` are those that are not published.
pub(super) fn column(bound: &[PortBinding], exposed: &[(u16, Protocol)]) -> String {
    type Row = (u16, Option<IpAddr>, u16, Protocol);
    type Group = (Option<IpAddr>, Protocol);
    let mut rows: Vec<Row> = bound.iter().map(|b| (b.port, Some(b.host_ip), b.host_port, b.proto)).collect();
    rows.extend(exposed.iter().map(|&(port, proto)| (port, None, 0, proto)));
    rows.sort_by_key(|&(port, ip, host, proto)| (port, ip.map(|ip| ip.to_string()), host, proto));
    let mut groups: Vec<(Group, (u16, u16))> = Vec::new();
    let (mut done, mut mapped) = (Vec::new(), Vec::new());
    let text = |(ip, proto): (Option<IpAddr>, Protocol), (first, last): (u16, u16)| {
        let range = if first == last { first.to_string() } else { format!("{first}-{last}") };
        match ip {
            Some(ip) => format!("{}->{range}/{proto}", join(ip, &range)),
            None => format!("{range}/{proto}"),
        }
    };
    for (port, ip, host, proto) in rows {
        if let Some(ip) = ip.filter(|_| host != port) {
            mapped.push(format!("{}->{port}/{proto}", join(ip, host)));
            continue;
        }
        let key = (ip, proto);
        match groups.iter_mut().find(|g| g.0 == key) {
            None => groups.push((key, (port, port))),
            Some((_, run)) if run.1.checked_add(1) == Some(port) => run.1 = port,
            Some((_, run)) => done.push(text(key, std::mem::replace(run, (port, port)))),
        }
    }
    done.extend(groups.into_iter().map(|(key, run)| text(key, run)));
    done.extend(mapped);
    done.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn a_port_is_taken_on_one_address_or_on_all() {
        let mut ports = PortAllocator::new((32768, 60999));
        let tcp = Protocol::Tcp;
        assert_eq!(ports.take(&[ALL], tcp, (8080, 8080)), Ok(8080));
        let taken = PortError::Allocated { ip: ALL, port: 8080 };
        assert_eq!(taken.to_string(), "Bind for 0.0.0.0:8080 failed: port is already allocated");
        assert_eq!(ports.take(&[ALL], tcp, (8080, 8080)), Err(taken.clone()));
        assert_eq!(ports.take(&[LOCAL], tcp, (8080, 8080)), Err(taken));
        assert_eq!(ports.take(&[ALL], Protocol::Udp, (8080, 8080)), Ok(8080));
        assert_eq!(ports.take(&[LOCAL], tcp, (8081, 8081)), Ok(8081));
        assert_eq!(ports.take(&[IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1))], tcp, (8081, 8081)), Ok(8081));
        let local = PortError::Allocated { ip: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), port: 8081 };
        assert_eq!(ports.take(&[ALL], tcp, (8081, 8081)), Err(local));
    }

    #[test]
    fn ranges_go_on_behind_the_last_port_given() {
        let mut ports = PortAllocator::new((32768, 60999));
        let tcp = Protocol::Tcp;
        assert_eq!(ports.take(&[ALL], tcp, (0, 0)), Ok(32768));
        assert_eq!(ports.take(&[ALL], tcp, (0, 0)), Ok(32769));
        ports.release(ALL, tcp, 32768);
        assert_eq!(ports.take(&[ALL], tcp, (0, 0)), Ok(32770));
        assert_eq!(ports.take(&[ALL], tcp, (8000, 8001)), Ok(8000));
        assert_eq!(ports.take(&[ALL], tcp, (8000, 8001)), Ok(8001));
        assert_eq!(ports.take(&[ALL], tcp, (8000, 8001)), Err(PortError::AllAllocated));
    }

    #[test]
    fn the_ports_column_draws_equal_runs_together() {
        let bind = |ip: &str, host_port, port, proto| PortBinding {
            host_ip: ip.parse().expect("an address"),
            host_port,
            port,
            proto,
        };
        let tcp = Protocol::Tcp;
        let both = [bind("0.0.0.0", 8080, 80, tcp), bind("::", 8080, 80, tcp)];
        assert_eq!(column(&both, &[]), "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp");
        let run: Vec<_> = [7000, 7001, 7002]
            .into_iter()
            .flat_map(|p| [bind("0.0.0.0", p, p, tcp), bind("::", p, p, tcp)])
            .collect();
        assert_eq!(column(&run, &[]), "0.0.0.0:7000-7002->7000-7002/tcp, [::]:7000-7002->7000-7002/tcp");
        assert_eq!(column(&[], &[(80, tcp), (443, tcp)]), "80/tcp, 443/tcp");
        assert_eq!(column(&[], &[(8080, tcp), (8081, tcp)]), "8080-8081/tcp");
    }
}
