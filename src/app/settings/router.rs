//! The home router's form: WAN and LAN, NAT, ports, forwards, DHCP and DNS. The rules that it
//! stands for are shown beside it as one types.

use std::net::Ipv4Addr;

use super::dns::RecordRow;
use super::machine::How;
use super::{Settings, Wrong, joined, read, read_addresses, read_net, read_port};
use crate::lab::Edit;
use crate::session::{
    DhcpConfig, DnsForwarder, FixedPort, Forward, NodeConfig, Reservation, RouterConfig, router_rules,
};
use crate::wire::Mac;

/// The protocols of a row, as the core calls them.
pub const PROTOS: [&str; 3] = ["tcp", "udp", "both"];

/// A port forward, as typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ForwardRow {
    /// Index into [`PROTOS`].
    pub proto: usize,
    /// `8080`, or a range `8000-8010`.
    pub port: String,
    /// An address inside.
    pub to: String,
    /// The port there; of a range the first.
    pub to_port: String,
}

/// A public port settled for one inside address and port, as typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FixedRow {
    /// Index into [`PROTOS`].
    pub proto: usize,
    /// An address inside.
    pub from: String,
    /// The port there.
    pub from_port: String,
    /// The public one.
    pub port: String,
}

/// How public ports are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports {
    /// The port is kept where it is free.
    Kept,
    /// Drawn at random.
    Random,
}

/// The router's form.
#[derive(Debug, Clone, PartialEq)]
pub struct RouterForm {
    /// Its id.
    pub node: String,
    /// How its outer port comes by an address.
    pub wan: How,
    /// With prefix length, where it is typed.
    pub wan_address: String,
    /// Of a typed address: the next router.
    pub gateway: String,
    /// Its own; between commas.
    pub resolvers: String,
    /// The inner ports' address with prefix length.
    pub lan: String,
    /// It puts its public address in as the source.
    pub nat: bool,
    /// How public ports are chosen.
    pub ports: Ports,
    /// Ports that are settled.
    pub fixed: Vec<FixedRow>,
    /// Ways in.
    pub forwards: Vec<ForwardRow>,
    /// Its forwards also work from inside.
    pub hairpin: bool,
    /// It gives addresses out.
    pub dhcp: bool,
    /// Of those the lowest.
    pub first: String,
    /// And the highest.
    pub last: String,
    /// In seconds.
    pub lease: String,
    /// MAC, address.
    pub reservations: Vec<(String, String)>,
    /// It answers names, and asks others for them.
    pub dns: bool,
    /// Empty: the router's own resolvers.
    pub upstream: String,
    /// Names that it answers itself.
    pub names: Vec<RecordRow>,
    base: NodeConfig,
    config: RouterConfig,
}

fn proto_index(proto: &str) -> usize {
    PROTOS.iter().position(|p| *p == proto).unwrap_or(0)
}

impl RouterForm {
    /// Filled with what the router has.
    ///
    /// # Panics
    /// If the node is no router.
    pub fn new(node: &NodeConfig) -> Self {
        let config = node.router.clone().expect("the caller has looked");
        let port = |name| node.ports.iter().find(move |p| p.name == name);
        let (wan, lan) = (port(config.wan), port(config.lan));
        let address =
            |p: Option<&crate::session::PortConfig>| p.and_then(|p| p.address).map(|a| a.to_string());
        let lan_net = lan.and_then(|p| p.address);
        let dhcp = config.dhcp.clone();
        let range = |n: u8| {
            lan_net.map(|l| {
                let [a, b, c, _] = l.addr().octets();
                Ipv4Addr::new(a, b, c, n).to_string()
            })
        };
        Self {
            node: node.id.clone(),
            wan: if wan.is_some_and(|p| p.dhcp) { How::Dhcp } else { How::Fixed },
            wan_address: address(wan).unwrap_or_default(),
            gateway: node.gateway.map(|g| g.to_string()).unwrap_or_default(),
            resolvers: joined(&node.resolvers),
            lan: address(lan).unwrap_or_default(),
            nat: config.nat,
            ports: if config.random_ports { Ports::Random } else { Ports::Kept },
            fixed: (config.fixed_ports.iter())
                .map(|f| FixedRow {
                    proto: proto_index(&f.proto),
                    from: f.from.to_string(),
                    from_port: f.from_port.to_string(),
                    port: f.port.to_string(),
                })
                .collect(),
            forwards: (config.forwards.iter())
                .map(|f| ForwardRow {
                    proto: proto_index(&f.proto),
                    port: f.last.map_or_else(|| f.port.to_string(), |last| format!("{}-{last}", f.port)),
                    to: f.to.to_string(),
                    to_port: f.to_port.to_string(),
                })
                .collect(),
            hairpin: config.hairpin,
            first: dhcp.as_ref().map(|d| d.first.to_string()).or_else(|| range(100)).unwrap_or_default(),
            last: dhcp.as_ref().map(|d| d.last.to_string()).or_else(|| range(199)).unwrap_or_default(),
            lease: dhcp.as_ref().map_or(86_400, |d| d.lease_secs).to_string(),
            reservations: (dhcp.iter().flat_map(|d| &d.reservations))
                .map(|r| (r.mac.to_string(), r.address.to_string()))
                .collect(),
            dhcp: dhcp.is_some(),
            dns: config.dns.is_some(),
            upstream: config.dns.as_ref().and_then(|d| d.forward).map(|f| f.to_string()).unwrap_or_default(),
            names: config.dns.iter().flat_map(|d| &d.names).map(RecordRow::of).collect(),
            base: node.clone(),
            config,
        }
    }

    fn forward(wrong: &mut Vec<Wrong>, i: usize, row: &ForwardRow) -> Option<Forward> {
        let (first, last) = match row.port.split_once(['-', ':']) {
            Some((first, last)) => (first, Some(last)),
            None => (row.port.as_str(), None),
        };
        let field = format!("forward-port-{i}");
        let port = read_port(wrong, &field, first);
        let last = match last {
            Some(text) => Some(read_port(wrong, &field, text)?),
            None => None,
        };
        let to = read(wrong, &format!("forward-to-{i}"), &row.to, "form.bad_address");
        let to_port = read_port(wrong, &format!("forward-to-port-{i}"), &row.to_port);
        Some(Forward { proto: PROTOS[row.proto].into(), port: port?, last, to: to?, to_port: to_port? })
    }

    fn fixed_port(wrong: &mut Vec<Wrong>, i: usize, row: &FixedRow) -> Option<FixedPort> {
        let from = read(wrong, &format!("fixed-from-{i}"), &row.from, "form.bad_address");
        let from_port = read_port(wrong, &format!("fixed-from-port-{i}"), &row.from_port);
        let port = read_port(wrong, &format!("fixed-port-{i}"), &row.port);
        Some(FixedPort { proto: PROTOS[row.proto].into(), from: from?, from_port: from_port?, port: port? })
    }

    fn dhcp_config(&self, wrong: &mut Vec<Wrong>) -> Option<DhcpConfig> {
        let first = read(wrong, "dhcp-first", &self.first, "form.bad_address");
        let last = read(wrong, "dhcp-last", &self.last, "form.bad_address");
        let lease_secs = read(wrong, "dhcp-lease", &self.lease, "form.bad_ttl");
        let mut reservations = Vec::new();
        for (i, (mac, address)) in self.reservations.iter().enumerate() {
            let mac = read::<Mac>(wrong, &format!("reservation-mac-{i}"), mac, "form.bad_mac");
            let address = read(wrong, &format!("reservation-address-{i}"), address, "form.bad_address");
            reservations.extend(mac.zip(address).map(|(mac, address)| Reservation { mac, address }));
        }
        let base = self.config.dhcp.clone();
        let (first, last, lease_secs) = (first?, last?, lease_secs?);
        let base = base.unwrap_or_else(|| DhcpConfig::new(first, last));
        Some(DhcpConfig { first, last, lease_secs, reservations, ..base })
    }

    fn router(&self, wrong: &mut Vec<Wrong>) -> RouterConfig {
        let mut forwards = Vec::new();
        for (i, row) in self.forwards.iter().enumerate() {
            forwards.extend(Self::forward(wrong, i, row));
        }
        let mut fixed_ports = Vec::new();
        for (i, row) in self.fixed.iter().enumerate() {
            fixed_ports.extend(Self::fixed_port(wrong, i, row));
        }
        let dns = self.dns.then(|| DnsForwarder {
            forward: match self.upstream.trim() {
                "" => None,
                text => read(wrong, "dns-upstream", text, "form.bad_address"),
            },
            names: self.names.iter().enumerate().filter_map(|(i, r)| r.read(wrong, "local", i)).collect(),
        });
        RouterConfig {
            nat: self.nat,
            random_ports: self.ports == Ports::Random,
            fixed_ports,
            forwards,
            hairpin: self.hairpin,
            dhcp: if self.dhcp { self.dhcp_config(wrong) } else { None },
            dns,
            ..self.config.clone()
        }
    }

    fn config(&self, wrong: &mut Vec<Wrong>) -> NodeConfig {
        let mut node = self.base.clone();
        let lan = read_net(wrong, "router-lan", &self.lan);
        let wan = match self.wan {
            How::Fixed => read_net(wrong, "router-wan", &self.wan_address),
            _ => None,
        };
        for port in &mut node.ports {
            if port.name == self.config.lan {
                port.address = lan;
            } else if port.name == self.config.wan {
                port.address = wan;
                port.dhcp = self.wan == How::Dhcp;
            }
        }
        node.gateway = match self.gateway.trim() {
            "" => None,
            _ if self.wan == How::Dhcp => None,
            text => read(wrong, "router-gateway", text, "form.bad_address"),
        };
        node.resolvers = read_addresses(wrong, "router-resolvers", &self.resolvers);
        node.router = Some(self.router(wrong));
        node
    }

    /// The rules that it stands for so far: iptables' arguments, and whether they are new.
    pub fn rules(&self) -> Vec<(String, bool)> {
        let node = self.config(&mut Vec::new());
        let (old, new) = (router_rules(&self.base), router_rules(&node));
        new.into_iter().map(|rule| (rule.clone(), !old.contains(&rule))).collect()
    }
}

impl Settings for RouterForm {
    fn wrong(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        self.config(&mut wrong);
        wrong
    }
    fn edit(&self) -> Option<Edit> {
        let mut wrong = Vec::new();
        let node = self.config(&mut wrong);
        wrong.is_empty().then(|| Edit::SetNode(Box::new(node)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Lab;

    fn form() -> RouterForm {
        let lab = Lab::builtin("home").unwrap();
        RouterForm::new(lab.nodes.iter().find(|n| n.id == "router").unwrap())
    }

    #[test]
    fn a_forward_is_checked_field_by_field() {
        for (port, to, to_port, wanted) in [
            ("8080", "192.168.0.10", "80", None),
            ("8000-8010", "192.168.0.10", "8000", None),
            ("0", "192.168.0.10", "80", Some("forward-port-0")),
            ("65536", "192.168.0.10", "80", Some("forward-port-0")),
            ("80-x", "192.168.0.10", "80", Some("forward-port-0")),
            ("80", "web", "80", Some("forward-to-0")),
            ("80", "192.168.0.10", "", Some("forward-to-port-0")),
        ] {
            let mut form = form();
            let (port, to, to_port) = (port.to_owned(), to.to_owned(), to_port.to_owned());
            form.forwards.push(ForwardRow { proto: 0, port, to, to_port });
            let wrong = form.wrong();
            assert_eq!(wrong.first().map(|w| w.0.as_str()), wanted, "{:?}", form.forwards);
            assert_eq!(form.edit().is_some(), wanted.is_none());
        }
    }

    #[test]
    fn the_rules_follow_what_is_typed() {
        let mut form = form();
        assert!(form.rules().iter().all(|r| !r.1), "nothing is new yet");
        form.ports = Ports::Random;
        form.forwards.push(ForwardRow {
            proto: 0,
            port: "8080".into(),
            to: "192.168.0.10".into(),
            to_port: "80".into(),
        });
        let new: Vec<_> = form.rules().into_iter().filter(|r| r.1).map(|r| r.0).collect();
        assert_eq!(new.len(), 2);
        assert!(new[0].ends_with("-j MASQUERADE --random-fully"));
        assert!(new[1].ends_with("--to-destination 192.168.0.10:80"));
        // Half typed: no rule yet.
        form.forwards[0].to = "192.168.".into();
        assert_eq!(form.rules().iter().filter(|r| r.1).count(), 1);
    }

    #[test]
    fn what_was_not_touched_stays_as_it_was() {
        let lab = Lab::builtin("home").unwrap();
        let router = lab.nodes.iter().find(|n| n.id == "router").unwrap();
        let Some(Edit::SetNode(node)) = form().edit() else { panic!("no edit") };
        assert_eq!(*node, *router);
    }
}
