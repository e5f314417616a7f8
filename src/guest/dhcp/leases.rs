//! The files of leases, in the format of ISC's programs (dhcpd.leases(5), dhclient.leases(5)).
//! Times are seconds of virtual time (`db-time-format local` writes `epoch SECONDS` too).

use std::fmt;
use std::net::Ipv4Addr;

use crate::guest::Files;
use crate::time::{Duration, Instant};
use crate::wire::{Ipv4Net, Mac};

/// What the server has given away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Address.
    pub address: Ipv4Addr,
    /// To whom.
    pub mac: Mac,
    /// The name that the client gave, or empty.
    pub host: String,
    /// Until when.
    pub ends: Instant,
    /// False: given back or run out; kept so that the client gets it again.
    pub active: bool,
    /// Somebody else was seen with it (the client declined it).
    pub abandoned: bool,
}

impl fmt::Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match (self.abandoned, self.active) {
            (true, _) => "abandoned",
            (_, true) => "active",
            _ => "free",
        };
        writeln!(f, "lease {} {{", self.address)?;
        writeln!(f, "  ends epoch {};\n  binding state {state};", seconds(self.ends))?;
        writeln!(f, "  hardware ethernet {};", self.mac)?;
        if !self.host.is_empty() {
            writeln!(f, "  client-hostname \"{}\";", self.host)?;
        }
        writeln!(f, "}}")
    }
}

/// The leases of the server on this machine, by address. Those that have run out are `active` still.
pub fn leases(files: &Files) -> Vec<Lease> {
    let mut all: Vec<Lease> = Vec::new();
    for line in files.text(super::SERVER_LEASES).unwrap_or_default().lines() {
        let words: Vec<&str> = line.trim().trim_end_matches(';').split(' ').collect();
        if let ["lease", address, "{"] = words[..]
            && let Ok(address) = address.parse()
        {
            let (mac, host, ends) = (Mac::ZERO, String::new(), Instant::ZERO);
            all.push(Lease { address, mac, host, ends, active: false, abandoned: false });
        }
        let Some(lease) = all.last_mut() else { continue };
        match words[..] {
            ["ends", "epoch", secs] => lease.ends = at(secs),
            ["binding", "state", state] => {
                (lease.active, lease.abandoned) = (state == "active", state == "abandoned");
            }
            ["hardware", "ethernet", mac] => lease.mac = mac.parse().unwrap_or_default(),
            ["client-hostname", name] => name.trim_matches('"').clone_into(&mut lease.host),
            _ => {}
        }
    }
    all.sort_by_key(|l| l.address);
    all
}

/// What a client holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientLease {
    /// Address and prefix length.
    pub address: Ipv4Net,
    /// Who gave it.
    pub server: Ipv4Addr,
    /// Default gateway.
    pub router: Option<Ipv4Addr>,
    /// DNS servers.
    pub resolvers: Vec<Ipv4Addr>,
    /// When it asks the server again (T1).
    pub renew: Instant,
    /// When it asks anybody (T2).
    pub rebind: Instant,
    /// When the address is lost.
    pub expire: Instant,
}

impl ClientLease {
    /// As the file has it.
    pub(super) fn text(&self, interface: &str) -> String {
        let mut text = format!(
            "lease {{\n  interface \"{interface}\";\n  fixed-address {};\n  option subnet-mask {};\n",
            self.address.addr(),
            self.address.netmask()
        );
        if let Some(router) = self.router {
            text += &format!("  option routers {router};\n");
        }
        if !self.resolvers.is_empty() {
            let all: Vec<_> = self.resolvers.iter().map(ToString::to_string).collect();
            text += &format!("  option domain-name-servers {};\n", all.join(","));
        }
        text += &format!("  option dhcp-server-identifier {};\n", self.server);
        for (word, moment) in [("renew", self.renew), ("rebind", self.rebind), ("expire", self.expire)] {
            text += &format!("  {word} epoch {};\n", seconds(moment));
        }
        text + "}\n"
    }
}

/// The lease of an interface of this machine, if it has one.
pub fn client_lease(files: &Files, interface: &str) -> Option<ClientLease> {
    let text = files.text(&super::client_leases(interface))?;
    let value = |key: &str| {
        let line = text.lines().find_map(|l| l.trim().strip_prefix(key))?;
        Some(line.trim().trim_end_matches(';').trim_matches('"').to_owned())
    };
    let addr = |key: &str| value(key).and_then(|v| v.parse::<Ipv4Addr>().ok());
    let moment = |key: &str| value(key).map_or(Instant::ZERO, |v| at(v.trim_start_matches("epoch ")));
    Some(ClientLease {
        address: Ipv4Net::with_netmask(addr("fixed-address")?, addr("option subnet-mask")?).ok()?,
        server: addr("option dhcp-server-identifier")?,
        router: addr("option routers"),
        resolvers: value("option domain-name-servers")
            .map(|v| v.split(',').filter_map(|a| a.trim().parse().ok()).collect())
            .unwrap_or_default(),
        renew: moment("renew"),
        rebind: moment("rebind"),
        expire: moment("expire"),
    })
}

fn seconds(at: Instant) -> u64 {
    at.as_nanos() / 1_000_000_000
}

fn at(secs: &str) -> Instant {
    Instant::ZERO + Duration::from_secs(secs.parse::<u64>().unwrap_or(0).min(1 << 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_read_as_they_are_written() {
        let mut files = Files::default();
        let lease = |n: u8, active, abandoned| Lease {
            address: [192, 168, 0, n].into(),
            mac: Mac([2, 0, 0, 0, 0, n]),
            host: if n == 1 { "laptop".into() } else { String::new() },
            ends: Instant::ZERO + Duration::from_secs(60),
            active,
            abandoned,
        };
        let all = [lease(1, true, false), lease(2, false, false), lease(3, false, true)];
        files
            .put(super::super::SERVER_LEASES, all.iter().map(ToString::to_string).collect::<String>())
            .unwrap();
        assert_eq!(leases(&files), all);

        let held = ClientLease {
            address: "192.168.0.100/24".parse().unwrap(),
            server: [192, 168, 0, 1].into(),
            router: Some([192, 168, 0, 1].into()),
            resolvers: vec![[8, 8, 8, 8].into(), [9, 9, 9, 9].into()],
            renew: Instant::ZERO + Duration::from_secs(30),
            rebind: Instant::ZERO + Duration::from_secs(52),
            expire: Instant::ZERO + Duration::from_secs(60),
        };
        files.put(&super::super::client_leases("eth0"), held.text("eth0")).unwrap();
        assert_eq!(client_lease(&files, "eth0"), Some(held));
        assert_eq!(client_lease(&files, "eth1"), None);
    }
}
