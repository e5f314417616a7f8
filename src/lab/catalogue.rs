//! What can be taken from the palette: each device as it comes out of its box, with an id, a name
//! and addresses that are free in the lab. One [`Edit`] each, so one step to undo.

use super::{Edit, Lab};
use crate::guest::dns::Data;
use crate::session::{
    DhcpConfig, DnsForwarder, DnsRecord, LinkConfig, NodeConfig, NodeKind, PortConfig, RouterConfig,
    ServiceConfig, Wifi,
};
use crate::wire::{IfName, Ipv4Net};
use std::net::Ipv4Addr;

/// A device of the palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Device {
    /// The internet with its provider: a public DNS server, a web server, a visitor, and a
    /// provider's router that leases public addresses to the homes of its street.
    Internet,
    /// A home router: WAN by DHCP, four LAN ports, Wi-Fi, NAT, DHCP server, DNS forwarder.
    Router,
    /// A switch of five ports.
    Switch,
    /// A computer with a socket and a radio; both ask DHCP.
    Computer,
    /// A web server that asks DHCP.
    Server,
    /// A DNS server without records that asks DHCP.
    Dns,
    /// A computer with a Docker engine.
    DockerHost,
}

impl Device {
    /// All of them, in the palette's order.
    pub const ALL: [Self; 7] = [
        Self::Internet,
        Self::Router,
        Self::Switch,
        Self::Computer,
        Self::Server,
        Self::Dns,
        Self::DockerHost,
    ];

    /// The node's kind; of the internet its provider's.
    pub const fn kind(self) -> NodeKind {
        match self {
            Self::Internet => NodeKind::Isp,
            Self::Router => NodeKind::Router,
            Self::Switch => NodeKind::Switch,
            Self::Computer => NodeKind::Computer,
            Self::Server => NodeKind::Server,
            Self::Dns => NodeKind::Dns,
            Self::DockerHost => NodeKind::DockerHost,
        }
    }
}

/// How many homes one street has room for.
const HOMES: usize = 6;

/// The edit that puts a new device at `pos` (of the internet: its upper left corner). None where
/// there is an internet already: there is only one.
pub fn add(lab: &Lab, device: Device, pos: (i32, i32)) -> Option<Edit> {
    if device == Device::Internet {
        return internet(lab, pos);
    }
    Some(Edit::AddNode(Box::new(node(lab, device.kind(), pos))))
}

/// One node of this kind as it comes out of its box.
pub fn node(lab: &Lab, kind: NodeKind, pos: (i32, i32)) -> NodeConfig {
    let base = match kind {
        NodeKind::Computer => "computer",
        NodeKind::Server => "server",
        NodeKind::Dns => "dns",
        NodeKind::Router => "router",
        NodeKind::Isp => "isp",
        NodeKind::Switch => "switch",
        NodeKind::DockerHost => "docker-host",
    };
    let mut node = NodeConfig::new(&free_id(lab, base), kind);
    node.pos = pos;
    let leased = |name: &str| PortConfig { dhcp: true, ..port(name) };
    match kind {
        NodeKind::Computer => {
            node.ports =
                vec![leased("eth0"), PortConfig { dhcp: true, wifi: Some(Wifi::Station), ..port("wlan0") }];
        }
        NodeKind::Server => {
            node.ports = vec![leased("eth0")];
            node.services = vec![ServiceConfig::Run { run: format!("httpd --title {}", node.id) }];
        }
        NodeKind::Dns => {
            node.ports = vec![leased("eth0")];
            node.services = vec![dns_server(vec![])];
        }
        NodeKind::DockerHost => node.ports = vec![leased("eth0")],
        NodeKind::Switch => node.ports = (1..=5).map(|i| port(&format!("port{i}"))).collect(),
        NodeKind::Isp => node.forward = true,
        NodeKind::Router => {
            let lan = free_lan(lab);
            let member = |name: &str| PortConfig { bridge: Some(name_of("lan0")), ..port(name) };
            node.ports = vec![leased("wan0"), PortConfig { address: Some(lan), ..port("lan0") }];
            node.ports.extend((1..=4).map(|i| member(&format!("lan{i}"))));
            node.ports.push(PortConfig { wifi: Some(Wifi::AccessPoint), ..member("wlan0") });
            let mut router = RouterConfig::new(name_of("wan0"), name_of("lan0"));
            router.dhcp = Some(DhcpConfig::new(host(lan, 100), host(lan, 199)));
            router.dns = Some(DnsForwarder::default());
            node.router = Some(router);
        }
    }
    node
}

/// The internet, as one piece.
fn internet(lab: &Lab, (x, y): (i32, i32)) -> Option<Edit> {
    if lab.nodes.iter().any(|n| n.kind == NodeKind::Isp) {
        return None;
    }
    let public: Ipv4Addr = [8, 8, 8, 8].into();
    let example: Ipv4Addr = [93, 184, 216, 34].into();
    let made = |kind, base: &str, pos, address: [u8; 4], gateway: [u8; 4]| NodeConfig {
        pos,
        ports: vec![PortConfig { address: Some(subnet(address)), ..port("eth0") }],
        gateway: Some(gateway.into()),
        ..NodeConfig::new(&free_id(lab, base), kind)
    };
    let mut dns = made(NodeKind::Dns, "public-dns", (x, y), [8, 8, 8, 8], [8, 8, 8, 1]);
    let record = |name: &str| DnsRecord { name: name.into(), data: Data::A(example), ttl: 300 };
    let records = vec![record("example.com"), record("www.example.com")];
    dns.services = vec![dns_server(records)];

    let mut web = made(NodeKind::Server, "example", (x + 280, y), example.octets(), [93, 184, 216, 1]);
    web.name = Some("example.com".into());
    web.resolvers = vec![public];
    web.services = vec![ServiceConfig::Run { run: "httpd --title example.com".into() }];

    let mut visitor = made(NodeKind::Computer, "visitor", (x + 576, y), [203, 0, 113, 7], [203, 0, 113, 1]);
    visitor.resolvers = vec![public];

    let mut isp = node(lab, NodeKind::Isp, (x + 261, y + 106));
    let street = subnet([150, 150, 0, 254]);
    isp.ports = [[8, 8, 8, 1], [93, 184, 216, 1], [203, 0, 113, 1]]
        .iter()
        .enumerate()
        .map(|(i, address)| PortConfig { address: Some(subnet(*address)), ..port(&format!("eth{i}")) })
        .collect();
    isp.ports.push(PortConfig { address: Some(street), ..port("street0") });
    for i in 1..=HOMES {
        isp.ports.push(PortConfig { bridge: Some(name_of("street0")), ..port(&format!("home{i}")) });
    }
    isp.resolvers = vec![public];
    // Private addresses mean nothing out here (RFC 1918, section 3; RFC 2827 for the sources).
    for prefix in ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"] {
        isp.unreachable.push(prefix.parse().expect("a prefix"));
        isp.rules.push(format!(r#"-A FORWARD -s {prefix} -m comment --comment "private source" -j DROP"#));
    }
    isp.services = vec![ServiceConfig::Dhcp(DhcpConfig {
        port: Some(name_of("street0")),
        lease_secs: 3600,
        resolvers: vec![public],
        ..DhcpConfig::new(host(street, 1), host(street, 200))
    })];
    let cable = |node: &NodeConfig, to: &str| LinkConfig {
        latency_us: 400,
        ..LinkConfig::new((node.id.clone(), name_of("eth0")), (isp.id.clone(), name_of(to)))
    };
    let links = [cable(&dns, "eth0"), cable(&web, "eth1"), cable(&visitor, "eth2")].map(Edit::AddLink);
    let nodes = [dns, web, visitor, isp].map(|n| Edit::AddNode(Box::new(n)));
    Some(Edit::Batch(nodes.into_iter().chain(links).collect()))
}

/// The base, or the base with the first free number from 2 on.
pub fn free_id(lab: &Lab, base: &str) -> String {
    let taken = |id: &str| lab.nodes.iter().any(|n| n.id == id);
    if !taken(base) {
        return base.to_owned();
    }
    let mut numbered = (2..).map(|n| format!("{base}-{n}"));
    numbered.find(|id| !taken(id)).expect("a lab has few nodes")
}

/// The first 192.168.N.1/24 that no port of the lab lies in.
fn free_lan(lab: &Lab) -> Ipv4Net {
    let taken = |net: &Ipv4Net| {
        lab.nodes.iter().flat_map(|n| &n.ports).filter_map(|p| p.address).any(|a| net.contains(&a.addr()))
    };
    let mut nets = (0..=255).map(|n| subnet([192, 168, n, 1]));
    nets.find(|net| !taken(net)).unwrap_or_else(|| subnet([192, 168, 0, 1]))
}

fn dns_server(records: Vec<DnsRecord>) -> ServiceConfig {
    ServiceConfig::Dns { listen: None, zones: vec![], records, forward: None, roots: vec![], cache: false }
}

fn subnet(address: [u8; 4]) -> Ipv4Net {
    Ipv4Net::new(address.into(), 24).expect("24 is a length")
}

/// The address number `n` of a /24.
fn host(net: Ipv4Net, n: u8) -> Ipv4Addr {
    let [a, b, c, _] = net.addr().octets();
    [a, b, c, n].into()
}

fn name_of(text: &str) -> IfName {
    text.parse().expect("a good name")
}

fn port(name: &str) -> PortConfig {
    PortConfig::new(name_of(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_device_can_be_added_again_and_again_with_ids_and_subnets_of_its_own() {
        let mut lab = Lab::builtin("empty").unwrap();
        for round in 0..3 {
            for device in Device::ALL {
                let edit = add(&lab, device, (round * 40, 0));
                assert_eq!(edit.is_none(), device == Device::Internet && round > 0);
                if let Some(edit) = edit {
                    edit.apply(&mut lab).unwrap();
                }
            }
        }
        assert_eq!(lab.nodes.len(), 3 * 6 + 4);
        assert_eq!(Lab::from_json(&lab.to_json()).unwrap(), lab);
        let lans: Vec<_> = lab.nodes.iter().filter_map(|n| n.port(name_of("lan0"))?.address).collect();
        assert_eq!(
            lans.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["192.168.0.1/24", "192.168.1.1/24", "192.168.2.1/24"]
        );
        assert!(lab.boot().is_ok());
    }
}
