//! `dhcpd.conf`, as far as a home needs it.
//!
//! ```text
//! default-lease-time 86400;
//! subnet 192.168.0.0 netmask 255.255.255.0 {
//!   range 192.168.0.100 192.168.0.199;
//!   option routers 192.168.0.1;
//!   option domain-name-servers 192.168.0.1;
//! }
//! host h1 { hardware ethernet 02:00:00:00:00:01; fixed-address 192.168.0.50; }
//! ```
//! Not supported: more than one subnet, classes, pools, all other options.

use std::fmt;
use std::net::Ipv4Addr;

use crate::wire::{Ipv4Net, Mac};

/// What the server gives away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// The subnet.
    pub subnet: Ipv4Net,
    /// First and last address of the range.
    pub range: (Ipv4Addr, Ipv4Addr),
    /// Seconds.
    pub lease_secs: u32,
    /// Option 3.
    pub router: Option<Ipv4Addr>,
    /// Option 6.
    pub resolvers: Vec<Ipv4Addr>,
    /// Always the same address for these.
    pub hosts: Vec<(Mac, Ipv4Addr)>,
}

impl fmt::Display for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "authoritative;\ndefault-lease-time {};", self.lease_secs)?;
        writeln!(f, "subnet {} netmask {} {{", self.subnet.network(), self.subnet.netmask())?;
        writeln!(f, "  range {} {};", self.range.0, self.range.1)?;
        if let Some(router) = self.router {
            writeln!(f, "  option routers {router};")?;
        }
        if !self.resolvers.is_empty() {
            let all: Vec<_> = self.resolvers.iter().map(ToString::to_string).collect();
            writeln!(f, "  option domain-name-servers {};", all.join(", "))?;
        }
        writeln!(f, "}}")?;
        for (i, (mac, address)) in self.hosts.iter().enumerate() {
            writeln!(f, "host h{} {{ hardware ethernet {mac}; fixed-address {address}; }}", i + 1)?;
        }
        Ok(())
    }
}

impl ServerConfig {
    /// Reads the file.
    ///
    /// # Errors
    /// Line and what is wrong, in dhcpd's manner.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut subnet = None;
        let mut range = None;
        let mut config = Self {
            subnet: Ipv4Net::default(),
            range: (Ipv4Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED),
            // dhcpd's own default.
            lease_secs: 43_200,
            router: None,
            resolvers: Vec::new(),
            hosts: Vec::new(),
        };
        let mut mac: Option<Mac> = None;
        for (i, line) in text.lines().enumerate() {
            let bad = |what: &str| format!("line {}: {what}", i + 1);
            let line = line.split('#').next().unwrap_or_default();
            for statement in line.split([';', '{', '}']) {
                let words: Vec<&str> = statement.split([' ', '\t', ',']).filter(|w| !w.is_empty()).collect();
                let address =
                    |w: &str| w.parse::<Ipv4Addr>().map_err(|_| bad(&format!("{w}: not an address")));
                match words[..] {
                    [] | ["authoritative"] | ["host", _] => {}
                    ["default-lease-time" | "max-lease-time", n] => {
                        config.lease_secs = n.parse().map_err(|_| bad("expecting number."))?;
                    }
                    ["subnet", net, "netmask", mask] => {
                        let net = Ipv4Net::with_netmask(address(net)?, address(mask)?);
                        subnet = Some(net.map_err(|_| bad("netmask is not one."))?);
                    }
                    ["range", first] => range = Some((address(first)?, address(first)?)),
                    ["range", first, last] => range = Some((address(first)?, address(last)?)),
                    ["option", "routers", router, ..] => config.router = Some(address(router)?),
                    ["option", "domain-name-servers", ref all @ ..] => {
                        config.resolvers = all.iter().map(|a| address(a)).collect::<Result<_, _>>()?;
                    }
                    ["hardware", "ethernet", at] => {
                        mac = Some(at.parse().map_err(|_| bad("expecting hexadecimal number."))?);
                    }
                    ["fixed-address", at] => {
                        let mac = mac.take().ok_or_else(|| bad("fixed-address without hardware."))?;
                        config.hosts.push((mac, address(at)?));
                    }
                    [word, ..] => return Err(bad(&format!("{word}: unknown statement."))),
                }
            }
        }
        config.subnet = subnet.ok_or("no subnet declaration.")?;
        config.range = range.ok_or("no range.")?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_as_it_is_written() {
        let config = ServerConfig {
            subnet: "192.168.0.0/24".parse().unwrap(),
            range: ([192, 168, 0, 100].into(), [192, 168, 0, 199].into()),
            lease_secs: 600,
            router: Some([192, 168, 0, 1].into()),
            resolvers: vec![[192, 168, 0, 1].into(), [8, 8, 8, 8].into()],
            hosts: vec![(Mac([2, 0, 0, 0, 0, 1]), [192, 168, 0, 50].into())],
        };
        assert_eq!(ServerConfig::parse(&config.to_string()), Ok(config));
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (text, expect) in [
            ("", "no subnet declaration."),
            (
                "subnet 10.0.0.0 netmask 255.0.0.0 {\n  rnage 10.0.0.1;\n}",
                "line 2: rnage: unknown statement.",
            ),
            ("default-lease-time soon;", "line 1: expecting number."),
            ("subnet 10.0.0.0 netmask 255.0.1.0 {}", "line 1: netmask is not one."),
        ] {
            assert_eq!(ServerConfig::parse(text), Err(expect.to_owned()));
        }
    }
}
