//! How a node is set up. These are configuration types, apart from running ones; `lab` stores them.

use serde::{Deserialize, Serialize};

use crate::wire::{IfName, Ipv4Net, Mac};
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
    /// MAC address; made from the seed and the node's id if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// The bridge of this node the port belongs to (a router's LAN ports: `lan0`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bridge: Option<IfName>,
}

/// A server program of a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "service", rename_all = "kebab-case")]
pub enum ServiceConfig {
    /// A command line run in the background: `httpd --name example.com`, `serve tcp:80 udp:5000`.
    Run {
        /// The command line.
        run: String,
    },
    /// A DNS server with these records; it forwards the rest, or answers NXDOMAIN.
    Dns {
        /// Own address; None: all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        listen: Option<Ipv4Addr>,
        /// Own records.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        records: Vec<DnsRecord>,
        /// Asked about everything else.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        forward: Option<Ipv4Addr>,
    },
}

/// An A record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsRecord {
    /// Fully qualified name, without the last dot.
    pub name: String,
    /// Address.
    pub address: Ipv4Addr,
    /// Seconds it may be kept; 300 if absent.
    #[serde(default = "default_ttl", skip_serializing_if = "is_default_ttl")]
    pub ttl: u32,
}

fn default_ttl() -> u32 {
    300
}

fn is_default_ttl(ttl: &u32) -> bool {
    *ttl == default_ttl()
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
    /// Port forwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forwards: Vec<Forward>,
}

/// A port forward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forward {
    /// `tcp` or `udp`.
    pub proto: String,
    /// Public port, 1–65535.
    pub port: u16,
    /// Inside address.
    pub to: Ipv4Addr,
    /// Inside port.
    pub to_port: u16,
}

/// A cable between two ports.
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
}

fn default_latency() -> u32 {
    50
}

fn is_default_latency(us: &u32) -> bool {
    *us == default_latency()
}
