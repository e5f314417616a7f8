//! How a node is set up. These are configuration types, apart from running ones; `lab` stores them.

use serde::{Deserialize, Serialize};

use crate::guest::dns::{Data, Kind};
use crate::rng::Rng;
use crate::wire::{IfName, Ipv4Net, Mac};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// What stands on the canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeKind {
    /// A laptop, a PC, a phone.
    Computer,
    /// A machine that serves.
    Server,
    /// A DNS server.
    Dns,
    /// A home router.
    Router,
    /// A router of the internet.
    Isp,
    /// A learning switch: all its ports are in one bridge.
    Switch,
    /// A computer with a Docker engine.
    DockerHost,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    /// Lower-case letters, digits, hyphens; unique.
    pub id: String,
    /// Kind.
    pub kind: NodeKind,
    /// Shown name; the id if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Position of the upper left corner on the canvas, in whole canvas units.
    #[serde(default)]
    pub pos: (i32, i32),
    /// Network ports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<PortConfig>,
    /// Default gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Ipv4Addr>,
    /// Its resolvers (/etc/resolv.conf).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resolvers: Vec<Ipv4Addr>,
    /// Forwards packets between its ports.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forward: bool,
    /// Destinations it answers "host unreachable" for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreachable: Vec<Ipv4Net>,
    /// iptables commands run at the start (without the word iptables).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// What it serves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceConfig>,
    /// Settings of a home router.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router: Option<RouterConfig>,
    /// The flags that the Docker engine is started with: `--icc=false`. For a Docker host.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub daemon: String,
    /// Files that are there when it boots, by absolute path: `/etc/docker/daemon.json`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
}

impl NodeConfig {
    /// A node of this kind without ports.
    pub fn new(id: &str, kind: NodeKind) -> Self {
        Self {
            id: id.to_owned(),
            kind,
            name: None,
            pos: (0, 0),
            ports: Vec::new(),
            gateway: None,
            resolvers: Vec::new(),
            forward: false,
            unreachable: Vec::new(),
            rules: Vec::new(),
            services: Vec::new(),
            router: None,
            daemon: String::new(),
            files: BTreeMap::new(),
        }
    }

    /// Another id and another shown name. The ports keep the MAC addresses that they had, which
    /// were made from the id.
    pub(crate) fn rename(&mut self, seed: u64, to: &str, name: Option<&str>) {
        if self.id != to {
            let bridges: Vec<IfName> = self.ports.iter().filter_map(|p| p.bridge).collect();
            for port in self.ports.iter_mut().filter(|p| !bridges.contains(&p.name)) {
                port.mac.get_or_insert_with(|| Self::made_mac(seed, &self.id, port.name));
            }
        }
        to.clone_into(&mut self.id);
        self.name = name.filter(|n| !n.is_empty()).map(str::to_owned);
    }

    /// A port by its name.
    pub fn port(&self, name: IfName) -> Option<&PortConfig> {
        self.ports.iter().find(|p| p.name == name)
    }

    /// Where a DHCP server of this node serves; None if it has to say so and does not.
    pub fn dhcp_port(&self, dhcp: &DhcpConfig) -> Option<&PortConfig> {
        let only = || (self.ports.len() == 1).then(|| self.ports[0].name);
        self.port(dhcp.port.or_else(|| self.router.as_ref().map(|r| r.lan)).or_else(only)?)
    }

    /// The MAC address of a port that has none in its configuration: locally administered, and
    /// depends on the lab's seed, the node's id and the port's name alone.
    pub fn made_mac(seed: u64, id: &str, port: IfName) -> Mac {
        let mut mac = [0; 6];
        Rng::new(seed).fork(&format!("mac/{id}/{port}")).fill(&mut mac);
        mac[0] = 0x02;
        Mac(mac)
    }
}

/// A network port of a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortConfig {
    /// `eth0`, `wan0`, `lan1` …
    pub name: IfName,
    /// Address and prefix length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Ipv4Net>,
    /// Asks for an address by DHCP whenever it has carrier (the port has no `address` then).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dhcp: bool,
    /// The address that DHCP gave it last: it asks for the same one when the lab is opened again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leased: Option<Ipv4Addr>,
    /// A radio instead of a socket for a cable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wifi: Option<Wifi>,
    /// MAC address; made from the seed and the node's id if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// The bridge of this node the port belongs to (a router's LAN ports: `lan0`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bridge: Option<IfName>,
}

impl PortConfig {
    /// A port for a cable, without an address.
    pub fn new(name: IfName) -> Self {
        Self { name, address: None, dhcp: false, leased: None, wifi: None, mac: None, bridge: None }
    }
}

/// What a radio port is. A link between a station and an access point is a Wi-Fi link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wifi {
    /// A computer's radio: joins one access point.
    Station,
    /// A router's radio: any number of stations join it.
    AccessPoint,
}

/// A server program of a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "service", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ServiceConfig {
    /// A command line run in the background: `httpd --name example.com`, `serve tcp:80 udp:5000`.
    Run {
        /// The command line.
        run: String,
    },
    /// A DNS server. What it says of a name, in this order: its own records; "no such name" in its
    /// own zones; what its records delegate, or the server it forwards to, or the root servers say.
    /// Without any of these: REFUSED if it has zones, NXDOMAIN if it has none.
    Dns {
        /// Own address; None: all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        listen: Option<Ipv4Addr>,
        /// The zones that it is the authority for.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        zones: Vec<DnsZone>,
        /// Own records, within its zones or not.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        records: Vec<DnsRecord>,
        /// Asked about everything else.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        forward: Option<Ipv4Addr>,
        /// Root servers: it finds everything else out by itself, from the root down. Not with
        /// `forward`. Such a server always keeps what it learns.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        roots: Vec<Ipv4Addr>,
        /// Keeps what the server that it forwards to says, as long as the records' TTLs allow.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        cache: bool,
    },
    /// A DHCP server at one of its ports.
    Dhcp(DhcpConfig),
}

/// What a DHCP server gives away (RFC 2131), as a router's setting or a service of any node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DhcpConfig {
    /// The port (or bridge) it serves at; absent: a router's LAN, else the node's only port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<IfName>,
    /// First address of the range. It lies in the port's subnet, as all others here do.
    pub first: Ipv4Addr,
    /// Last address of the range.
    pub last: Ipv4Addr,
    /// How long a lease lasts, in seconds; a day if absent. At least 10.
    #[serde(default = "default_lease", skip_serializing_if = "is_default_lease")]
    pub lease_secs: u32,
    /// Option 3; absent: the server's own address at that port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Ipv4Addr>,
    /// Option 6; absent: the server itself where it forwards DNS, else the node's own resolvers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resolvers: Vec<Ipv4Addr>,
    /// Always the same address for these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reservations: Vec<Reservation>,
}

impl DhcpConfig {
    /// Leases of a day from this range; all else as the node has it.
    pub fn new(first: Ipv4Addr, last: Ipv4Addr) -> Self {
        Self {
            port: None,
            first,
            last,
            lease_secs: default_lease(),
            gateway: None,
            resolvers: Vec::new(),
            reservations: Vec::new(),
        }
    }
}

/// An address kept for one client. It may lie outside the range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reservation {
    /// The client's MAC address.
    pub mac: Mac,
    /// Its address.
    pub address: Ipv4Addr,
}

fn default_lease() -> u32 {
    86_400
}

fn is_default_lease(secs: &u32) -> bool {
    *secs == default_lease()
}

/// A zone that a server is the authority for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsZone {
    /// `example.com`, `com`; the root is `.`.
    pub name: String,
    /// How long others may keep "there is no such name", in seconds; 300 if absent.
    #[serde(default = "default_ttl", skip_serializing_if = "is_default_ttl")]
    pub negative_ttl: u32,
    /// Its version; 1 if absent.
    #[serde(default = "default_serial", skip_serializing_if = "is_default_serial")]
    pub serial: u32,
}

/// A record. Stored with `address` (an A record) or with `type` and `value`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredRecord", into = "StoredRecord")]
pub struct DnsRecord {
    /// Fully qualified name, without the last dot; the root is `.`.
    pub name: String,
    /// What it says.
    pub data: Data,
    /// Seconds it may be kept; 300 if absent.
    pub ttl: u32,
}

impl DnsRecord {
    /// An A record with the usual TTL.
    pub fn a(name: &str, address: Ipv4Addr) -> Self {
        Self { name: name.to_owned(), data: Data::A(address), ttl: default_ttl() }
    }
}

/// As a record stands in a lab.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredRecord {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<Ipv4Addr>,
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(default = "default_ttl", skip_serializing_if = "is_default_ttl")]
    ttl: u32,
}

impl TryFrom<StoredRecord> for DnsRecord {
    type Error = String;
    fn try_from(stored: StoredRecord) -> Result<Self, String> {
        let StoredRecord { name, address, kind, value, ttl } = stored;
        let data = match (address, kind, value) {
            (Some(address), None, None) => Data::A(address),
            (None, Some(kind), Some(value)) => {
                let known = || Kind::STORED.iter().map(Kind::to_string).collect::<Vec<_>>().join(", ");
                let kind = Kind::named(&kind)
                    .ok_or_else(|| format!("{name}: the type {kind:?} is none of {}", known()))?;
                Data::parse(kind, &value).map_err(|e| format!("{name}: {e}"))?
            }
            _ => return Err(format!("{name}: a record has an address, or a type and a value")),
        };
        Ok(Self { name, data, ttl })
    }
}

impl From<DnsRecord> for StoredRecord {
    fn from(record: DnsRecord) -> Self {
        let DnsRecord { name, data, ttl } = record;
        let (address, kind, value) = match &data {
            Data::A(address) => (Some(*address), None, None),
            data => (None, Some(data.kind().to_string()), Some(stored_value(data))),
        };
        Self { name, address, kind, value, ttl }
    }
}

/// A value as people write it: names without the last dot, texts without quotes.
fn stored_value(data: &Data) -> String {
    match data {
        Data::Ns(name) | Data::Cname(name) | Data::Ptr(name) if !name.is_empty() => name.clone(),
        Data::Mx(preference, name) if !name.is_empty() => format!("{preference} {name}"),
        Data::Txt(text) if text == text.trim() && !text.starts_with('"') => text.clone(),
        other => other.to_string(),
    }
}

fn default_ttl() -> u32 {
    300
}

fn is_default_ttl(ttl: &u32) -> bool {
    *ttl == default_ttl()
}

fn default_serial() -> u32 {
    1
}

fn is_default_serial(serial: &u32) -> bool {
    *serial == default_serial()
}

/// The friendly form of a home router. It writes real rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouterConfig {
    /// WAN interface.
    pub wan: IfName,
    /// LAN interface (the bridge of the LAN ports, or a single port).
    pub lan: IfName,
    /// Network address translation.
    pub nat: bool,
    /// Public ports: kept where free (false) or random (true).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub random_ports: bool,
    /// Connections whose public port is settled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed_ports: Vec<FixedPort>,
    /// Port forwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forwards: Vec<Forward>,
    /// Port forwards work for the LAN too: who asks for the public address from inside is sent
    /// back in, as if from the router.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hairpin: bool,
    /// DHCP server for the LAN; None: off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dhcp: Option<DhcpConfig>,
    /// DNS forwarder for the LAN; None: off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<DnsForwarder>,
}

impl RouterConfig {
    /// A router as it comes out of its box: NAT, and nothing else.
    pub fn new(wan: IfName, lan: IfName) -> Self {
        Self {
            wan,
            lan,
            nat: true,
            random_ports: false,
            fixed_ports: Vec::new(),
            forwards: Vec::new(),
            hairpin: false,
            dhcp: None,
            dns: None,
        }
    }
}

/// A home router's DNS forwarder: it knows some names itself and asks a resolver for the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsForwarder {
    /// Whom it asks; absent: the router's own resolvers (given, or leased on the WAN).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward: Option<Ipv4Addr>,
    /// Local names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<DnsRecord>,
}

/// What one inside address and port is always seen as from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedPort {
    /// `tcp`, `udp` or `both`.
    pub proto: String,
    /// Inside address.
    pub from: Ipv4Addr,
    /// Inside port, 1–65535.
    pub from_port: u16,
    /// Public port, 1–65535.
    pub port: u16,
}

/// A port forward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forward {
    /// `tcp`, `udp` or `both`.
    pub proto: String,
    /// Public port, 1–65535; of a range the first.
    pub port: u16,
    /// Last public port of a range; absent: one port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u16>,
    /// Inside address.
    pub to: Ipv4Addr,
    /// Inside port; of a range the first.
    pub to_port: u16,
}

impl Forward {
    /// The public ports, first and last.
    pub fn ports(&self) -> (u16, u16) {
        (self.port, self.last.unwrap_or(self.port))
    }
    /// Whether both want the same public port of the same protocol.
    pub fn overlaps(&self, other: &Self) -> bool {
        let proto = self.proto == other.proto || self.proto == "both" || other.proto == "both";
        let ((a, b), (c, d)) = (self.ports(), other.ports());
        proto && a <= d && c <= b
    }
}

/// A cable between two ports, or a station's link to an access point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkConfig {
    /// Node and port.
    pub a: (String, IfName),
    /// Node and port.
    pub b: (String, IfName),
    /// One way, in microseconds; 50 if absent.
    #[serde(default = "default_latency", skip_serializing_if = "is_default_latency")]
    pub latency_us: u32,
    /// Frames lost, in thousandths (0 to 1000).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub loss_per_mille: u16,
    /// Plugged in, but dead: no carrier at both ends.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub down: bool,
}

impl LinkConfig {
    /// A cable of a room's length between two ports.
    pub fn new(a: (String, IfName), b: (String, IfName)) -> Self {
        Self { a, b, latency_us: default_latency(), loss_per_mille: 0, down: false }
    }
    /// Whether it joins the same two ports, in either order.
    pub fn same_ends(&self, other: &Self) -> bool {
        (&self.a, &self.b) == (&other.a, &other.b) || (&self.a, &self.b) == (&other.b, &other.a)
    }
}

fn is_zero(n: &u16) -> bool {
    *n == 0
}

fn default_latency() -> u32 {
    50
}

fn is_default_latency(us: &u32) -> bool {
    *us == default_latency()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dns_record_is_stored_with_its_address_or_its_type_and_value() {
        for text in [
            r#"{"name":"www.example.com","address":"93.184.216.34"}"#,
            r#"{"name":"www.example.com","type":"CNAME","value":"example.com","ttl":60}"#,
            r#"{"name":".","type":"NS","value":"a.root-servers.net"}"#,
            r#"{"name":"example.com","type":"MX","value":"10 mail.example.com"}"#,
            r#"{"name":"example.com","type":"TXT","value":"a \"b\""}"#,
            r#"{"name":"example.com","type":"TXT","value":"\"\\\"a\\\" b\""}"#,
        ] {
            let record: DnsRecord = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&record).unwrap(), text);
        }
        for (text, problem) in [
            (r#"{"name":"a"}"#, "a: a record has an address, or a type and a value"),
            (r#"{"name":"a","type":"SRV","value":"x"}"#, "a: the type \"SRV\" is none of A, CNAME"),
            (r#"{"name":"a","type":"CNAME","value":"x y"}"#, "a: CNAME: \"x y\" is not a name"),
        ] {
            let error = serde_json::from_str::<DnsRecord>(text).unwrap_err().to_string();
            assert!(error.starts_with(problem), "{error}");
        }
    }
}
