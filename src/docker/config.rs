//! The daemon's settings: dockerd's flags, and `/etc/docker/daemon.json`.
//!
//! Supported: `--icc`, `--userland-proxy`, `--iptables`, `--ip-forward`, `--ip-forward-no-drop`,
//! `--ip-masq`, `--allow-direct-routing`, `--mtu`, `--bip`, `--fixed-cidr`, `--default-gateway`,
//! `--default-address-pool`, `--ip`, `--dns`, `--dns-search`, `--dns-opt`, `--host-gateway-ip`.
//! Not supported: every other setting; it is refused by name.

use crate::wire::Ipv4Net;
use serde_json::Value;
use std::net::Ipv4Addr;

/// Where the settings lie on a host.
pub const DAEMON_JSON: &str = "/etc/docker/daemon.json";

/// The daemon's settings that matter to networking (docs.docker.com/reference/cli/dockerd).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonConfig {
    /// `--icc`: containers on the default bridge may talk to one another.
    pub icc: bool,
    /// `--userland-proxy`.
    pub userland_proxy: bool,
    /// `--iptables`: rules are written.
    pub iptables: bool,
    /// `--ip-forward`: forwarding is turned on.
    pub ip_forward: bool,
    /// `--ip-forward-no-drop`: the policy of FORWARD is left alone.
    pub ip_forward_no_drop: bool,
    /// `--ip-masq`: containers of the default bridge leave with the host's address.
    pub ip_masq: bool,
    /// `--allow-direct-routing`: no rules against packets addressed to containers from outside.
    pub allow_direct_routing: bool,
    /// `--mtu` of the default bridge, in bytes.
    pub mtu: u16,
    /// `--bip`: address and prefix of docker0.
    pub bip: Option<Ipv4Net>,
    /// `--fixed-cidr`: where in docker0's subnet containers get their addresses.
    pub fixed_cidr: Option<Ipv4Net>,
    /// `--default-gateway` of containers on the default bridge.
    pub default_gateway: Option<Ipv4Addr>,
    /// `--default-address-pool`: base and size of its pieces; empty: the built-in ones.
    pub pools: Vec<(Ipv4Net, u8)>,
    /// `--ip`: where `-p` without an address binds.
    pub ip: Option<Ipv4Addr>,
    /// `--dns`.
    pub dns: Vec<Ipv4Addr>,
    /// `--dns-search`.
    pub dns_search: Vec<String>,
    /// `--dns-opt`.
    pub dns_options: Vec<String>,
    /// `--host-gateway-ip`: what `host-gateway` means.
    pub host_gateway: Option<Ipv4Addr>,
}

impl Default for DaemonConfig {
    fn default() -> Self {
        Self {
            icc: true,
            userland_proxy: true,
            iptables: true,
            ip_forward: true,
            ip_forward_no_drop: false,
            ip_masq: true,
            allow_direct_routing: false,
            mtu: 1500,
            bip: None,
            fixed_cidr: None,
            default_gateway: None,
            pools: Vec::new(),
            ip: None,
            dns: Vec::new(),
            dns_search: Vec::new(),
            dns_options: Vec::new(),
            host_gateway: None,
        }
    }
}

/// Flags that are on or off: they need no value.
const SWITCHES: [&str; 7] = [
    "icc",
    "userland-proxy",
    "iptables",
    "ip-forward",
    "ip-forward-no-drop",
    "ip-masq",
    "allow-direct-routing",
];

/// Settings that are refused by name, with what can be done.
const ABSENT: [(&str, &str); 8] = [
    ("ipv6", "IPv6 is not emulated yet"),
    ("fixed-cidr-v6", "IPv6 is not emulated yet"),
    ("ip6tables", "IPv6 is not emulated yet"),
    ("live-restore", "containers end with the engine here"),
    ("bridge", "docker0 is always there; name a network's bridge with -o com.docker.network.bridge.name"),
    ("firewall-backend", "the rules are written with iptables"),
    ("log-level", "the engine keeps no log here"),
    ("log-driver", "docker logs always works here"),
];

impl DaemonConfig {
    /// Reads dockerd's command line: `--icc=false --mtu 1400`.
    ///
    /// # Errors
    /// Names the flag that is not known here, or the value that is none.
    pub fn from_flags(flags: &str) -> Result<Self, String> {
        let mut config = Self::default();
        let mut words = flags.split_whitespace();
        while let Some(word) = words.next() {
            let Some(flag) = word.strip_prefix("--") else { return Err(format!("unknown flag: {word}")) };
            let (name, given) = flag.split_once('=').map_or((flag, None), |(n, v)| (n, Some(v)));
            let value = match given {
                Some(value) => value,
                None if SWITCHES.contains(&name) => "true",
                None => words.next().ok_or_else(|| format!("flag needs an argument: --{name}"))?,
            };
            config.set(name, value)?;
        }
        config.check()?;
        Ok(config)
    }

    /// The flags that make these settings: what [`DaemonConfig::from_flags`] reads back.
    pub fn to_flags(&self) -> String {
        let default = Self::default();
        let mut all: Vec<String> = Vec::new();
        let mut switch = |name: &str, now: bool, usual: bool| {
            if now != usual {
                all.push(format!("--{name}={now}"));
            }
        };
        switch("icc", self.icc, true);
        switch("userland-proxy", self.userland_proxy, true);
        switch("iptables", self.iptables, true);
        switch("ip-forward", self.ip_forward, true);
        switch("ip-forward-no-drop", self.ip_forward_no_drop, false);
        switch("ip-masq", self.ip_masq, true);
        switch("allow-direct-routing", self.allow_direct_routing, false);
        let mut value = |name: &str, text: Option<String>| all.extend(text.map(|t| format!("--{name}={t}")));
        value("mtu", (self.mtu != default.mtu).then(|| self.mtu.to_string()));
        value("bip", self.bip.map(|n| n.to_string()));
        value("fixed-cidr", self.fixed_cidr.map(|n| n.to_string()));
        value("default-gateway", self.default_gateway.map(|a| a.to_string()));
        value("ip", self.ip.map(|a| a.to_string()));
        value("host-gateway-ip", self.host_gateway.map(|a| a.to_string()));
        for (base, size) in &self.pools {
            value("default-address-pool", Some(format!("base={base},size={size}")));
        }
        for server in &self.dns {
            value("dns", Some(server.to_string()));
        }
        for domain in &self.dns_search {
            value("dns-search", Some(domain.clone()));
        }
        for option in &self.dns_options {
            value("dns-opt", Some(option.clone()));
        }
        all.join(" ")
    }

    /// Reads `daemon.json` on top of `flags`.
    ///
    /// # Errors
    /// In dockerd's words: what is no JSON, what is not known, what is given twice.
    pub fn from_flags_and_file(flags: &str, file: Option<&str>) -> Result<Self, String> {
        let mut config = Self::from_flags(flags)?;
        let Some(text) = file.filter(|t| !t.trim().is_empty()) else { return Ok(config) };
        let fail =
            |why: String| format!("unable to configure the Docker daemon with file {DAEMON_JSON}: {why}");
        let value: Value = serde_json::from_str(text).map_err(|e| fail(e.to_string()))?;
        let Value::Object(map) = value else { return Err(fail("it has to be an object".into())) };
        for (key, value) in &map {
            let name = flag_of(key);
            let twice = flags
                .split_whitespace()
                .any(|w| w.strip_prefix("--").is_some_and(|f| f.split('=').next() == Some(name)));
            if twice {
                return Err(fail(format!(
                    "the following directives are specified both as a flag and in the configuration file: {key}"
                )));
            }
            for one in values(key, value).map_err(fail)? {
                config.set(name, &one).map_err(|e| match e.strip_prefix("unknown flag: --") {
                    Some(_) => {
                        fail(format!("the following directives don't match any configuration option: {key}"))
                    }
                    None => fail(e),
                })?;
            }
        }
        config.check()?;
        Ok(config)
    }

    /// Sets one setting by the name of its flag.
    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let wrong = |why: String| format!("invalid argument {value:?} for \"--{name}\" flag: {why}");
        if SWITCHES.contains(&name) {
            let on = match value {
                "true" | "1" => true,
                "false" | "0" => false,
                _ => return Err(wrong(format!("strconv.ParseBool: parsing {value:?}: invalid syntax"))),
            };
            match name {
                "icc" => self.icc = on,
                "userland-proxy" => self.userland_proxy = on,
                "iptables" => self.iptables = on,
                "ip-forward" => self.ip_forward = on,
                "ip-forward-no-drop" => self.ip_forward_no_drop = on,
                "ip-masq" => self.ip_masq = on,
                _ => self.allow_direct_routing = on,
            }
            return Ok(());
        }
        let addr = || {
            value.parse::<Ipv4Addr>().map_err(|_| wrong(format!("ip is not correctly formatted: {value}")))
        };
        let net = || value.parse::<Ipv4Net>().map_err(|_| wrong(format!("invalid CIDR address: {value}")));
        match name {
            "mtu" => {
                self.mtu = value
                    .parse()
                    .map_err(|_| wrong(format!("strconv.ParseInt: parsing {value:?}: invalid syntax")))?
            }
            "bip" => self.bip = Some(net()?),
            "fixed-cidr" => self.fixed_cidr = Some(net()?.trunc()),
            "default-gateway" => self.default_gateway = Some(addr()?),
            "ip" => self.ip = Some(addr()?),
            "host-gateway-ip" => self.host_gateway = Some(addr()?),
            "dns" => self.dns.push(addr()?),
            // opts/opts.go, ValidateDNSSearch
            "dns-search" if value.split_whitespace().count() != 1 => {
                return Err(wrong(format!("{value} is not a valid domain")));
            }
            "dns-search" => self.dns_search.push(value.trim().to_owned()),
            "dns-opt" => self.dns_options.push(value.to_owned()),
            "default-address-pool" => self.pools.push(pool(value).map_err(wrong)?),
            _ => {
                return Err(match ABSENT.iter().find(|a| a.0 == name) {
                    Some((_, instead)) => format!("--{name} is not supported in netpier: {instead}"),
                    None => format!("unknown flag: --{name}"),
                });
            }
        }
        Ok(())
    }

    /// What fits together (daemon/config, bridge driver).
    fn check(&self) -> Result<(), String> {
        if !self.iptables && !self.icc {
            return Err(
                "you specified --iptables=false with --icc=false. --icc=false uses iptables to function. \
                        Please set --icc or --iptables to true"
                    .into(),
            );
        }
        if self.mtu < 68 {
            return Err(format!("invalid default MTU: {}", self.mtu));
        }
        Ok(())
    }
}

/// The flag that a key of daemon.json stands for.
fn flag_of(key: &str) -> &str {
    match key {
        "dns-opts" => "dns-opt",
        "default-address-pools" => "default-address-pool",
        "host-gateway-ips" => "host-gateway-ip",
        other => other,
    }
}

/// A value of daemon.json as flags have it.
fn values(key: &str, value: &Value) -> Result<Vec<String>, String> {
    Ok(match value {
        Value::Bool(on) => vec![on.to_string()],
        Value::Number(n) => vec![n.to_string()],
        Value::String(s) => vec![s.clone()],
        Value::Array(all) => {
            let mut out = Vec::new();
            for one in all {
                out.extend(values(key, one)?);
            }
            out
        }
        Value::Object(map) if key == "default-address-pools" => {
            let text =
                |k: &str| map.get(k).map(|v| v.to_string().trim_matches('"').to_owned()).unwrap_or_default();
            vec![format!("base={},size={}", text("base"), text("size"))]
        }
        _ => return Err(format!("{key}: this value is not understood")),
    })
}

/// `base=10.10.0.0/16,size=24` (opts/address_pools.go).
fn pool(text: &str) -> Result<(Ipv4Net, u8), String> {
    let (mut base, mut size) = (None, None);
    for field in text.split(',') {
        let Some((key, value)) = field.split_once('=') else {
            return Err(format!("invalid field '{field}' must be a key=value pair"));
        };
        match key.to_ascii_lowercase().as_str() {
            "base" => {
                base = Some(value.parse::<Ipv4Net>().map_err(|_| format!("invalid base prefix {value:?}"))?)
            }
            "size" => {
                let bits = value.parse::<u8>().map_err(|_| {
                    format!("invalid size value: {value} (must be integer): strconv.Atoi: parsing {value:?}: invalid syntax")
                })?;
                size = Some(bits);
            }
            other => return Err(format!("unexpected key '{other}' in '{field}'")),
        }
    }
    match (base, size) {
        (Some(base), Some(size)) if size >= base.prefix_len() && size <= 32 => Ok((base.trunc(), size)),
        (Some(base), Some(size)) => Err(format!("invalid pool size {size} for {base}")),
        _ => Err("base and size are both needed".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_and_written_back() {
        let flags = "--icc=false --userland-proxy=false --mtu=1400 --bip=10.200.0.1/24 \
                     --default-address-pool=base=10.10.0.0/16,size=24 --dns=1.1.1.1 --dns-search=lan";
        let config = DaemonConfig::from_flags(flags).expect("known flags");
        assert_eq!(config.to_flags(), flags);
        assert_eq!(DaemonConfig::from_flags("--mtu 1300 --icc").map(|c| c.mtu), Ok(1300));
        assert_eq!(DaemonConfig::from_flags(""), Ok(DaemonConfig::default()));
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        for (flags, want) in [
            ("--foo=1", "unknown flag: --foo"),
            (
                "--icc=maybe",
                "invalid argument \"maybe\" for \"--icc\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax",
            ),
            ("--dns-search=", "invalid argument \"\" for \"--dns-search\" flag:  is not a valid domain"),
            ("--ipv6=true", "--ipv6 is not supported in netpier: IPv6 is not emulated yet"),
            ("--mtu", "flag needs an argument: --mtu"),
        ] {
            assert_eq!(DaemonConfig::from_flags(flags), Err(want.to_owned()), "{flags}");
        }
        assert!(DaemonConfig::from_flags("--icc=false --iptables=false").is_err());
    }

    #[test]
    fn the_file_says_the_same_as_the_flags() {
        let file = r#"{"icc": false, "mtu": 1400, "dns": ["1.1.1.1"], "dns-opts": ["ndots:2"],
            "default-address-pools": [{"base": "10.10.0.0/16", "size": 24}]}"#;
        let flags = "--icc=false --mtu=1400 --default-address-pool=base=10.10.0.0/16,size=24 --dns=1.1.1.1 --dns-opt=ndots:2";
        assert_eq!(DaemonConfig::from_flags_and_file("", Some(file)), DaemonConfig::from_flags(flags));
        let twice = DaemonConfig::from_flags_and_file("--icc=true", Some(r#"{"icc": false}"#));
        assert!(
            twice.is_err_and(|e| e.contains("specified both as a flag and in the configuration file: icc"))
        );
        let unknown = DaemonConfig::from_flags_and_file("", Some(r#"{"foo": 1}"#));
        assert!(unknown.is_err_and(|e| e.ends_with("don't match any configuration option: foo")));
    }
}
