//! The driver options of a bridge network (`-o com.docker.network.…`).
//!
//! Supported: name, icc, masquerade, host binding, MTU, gateway mode, interface prefix. Others are
//! kept and shown, as the engine does.

use super::NetworkCreate;
use std::net::Ipv4Addr;

pub(super) const OPT_NAME: &str = "com.docker.network.bridge.name";
pub(super) const OPT_ICC: &str = "com.docker.network.bridge.enable_icc";
pub(super) const OPT_MASQUERADE: &str = "com.docker.network.bridge.enable_ip_masquerade";
pub(super) const OPT_HOST_BINDING: &str = "com.docker.network.bridge.host_binding_ipv4";
pub(super) const OPT_MTU: &str = "com.docker.network.driver.mtu";
const OPT_MODE: &str = "com.docker.network.bridge.gateway_mode_ipv4";
const OPT_PREFIX: &str = "com.docker.network.container_iface_prefix";

/// How a network's containers meet the world outside their bridge (docs.docker.com, "Gateway modes").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum GatewayMode {
    /// They leave with the host's address; published ports are mapped.
    #[default]
    Nat,
    /// The same, but whoever has a route reaches all their ports.
    NatUnprotected,
    /// No translation: whoever has a route reaches their published ports.
    Routed,
    /// The bridge has no address; only with `--internal`.
    Isolated,
}

/// What the options say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BridgeOptions {
    /// Interface name of the bridge.
    pub name: Option<String>,
    /// Containers may talk to one another.
    pub icc: bool,
    /// Containers leave with the host's address.
    pub masquerade: bool,
    /// Where `-p` without an address binds; None: everywhere.
    pub host_binding: Option<Ipv4Addr>,
    /// In bytes.
    pub mtu: u16,
    /// See there.
    pub mode: GatewayMode,
    /// First part of the interface names in containers.
    pub prefix: String,
}

impl BridgeOptions {
    /// Reads the options of `asked`; what it leaves open is as usual.
    ///
    /// # Errors
    /// In the words of the bridge driver (bridge_linux.go, fromLabels, Validate).
    pub fn read(asked: &NetworkCreate) -> Result<Self, String> {
        let option = |key: &str| asked.options.iter().rev().find(|o| o.0 == key).map(|o| o.1.as_str());
        let bad = |key: &str, value: &str, why: &str| format!("failed to parse {key} value: {value} ({why})");
        let switch = |key: &str| match option(key) {
            None | Some("true" | "1" | "t" | "T" | "TRUE" | "True") => Ok(true),
            Some("false" | "0" | "f" | "F" | "FALSE" | "False") => Ok(false),
            Some(v) => Err(bad(key, v, &format!("strconv.ParseBool: parsing {v:?}: invalid syntax"))),
        };
        let mtu = match option(OPT_MTU) {
            None => 1500,
            Some(v) => v
                .parse::<i64>()
                .map_err(|_| bad(OPT_MTU, v, &format!("strconv.Atoi: parsing {v:?}: invalid syntax")))?,
        };
        if mtu < 0 {
            return Err(format!("invalid MTU number: {mtu}"));
        }
        let mtu = match mtu {
            0 => 1500,
            n => u16::try_from(n).map_err(|_| "invalid argument".to_owned())?,
        };
        if mtu < 68 {
            return Err("invalid argument".to_owned());
        }
        let host_binding = match option(OPT_HOST_BINDING) {
            None => None,
            Some(v) => Some(v.parse::<Ipv4Addr>().map_err(|_| bad(OPT_HOST_BINDING, v, "nil ip"))?),
        };
        let mode = match option(OPT_MODE) {
            None | Some("nat") => GatewayMode::Nat,
            Some("nat-unprotected") => GatewayMode::NatUnprotected,
            Some("routed") => GatewayMode::Routed,
            Some("isolated") => GatewayMode::Isolated,
            Some(v) => return Err(bad(OPT_MODE, v, &format!("unknown gateway mode {v}"))),
        };
        if mode == GatewayMode::Isolated && !asked.internal {
            return Err("gateway mode 'isolated' can only be used for an internal network".into());
        }
        Ok(Self {
            name: option(OPT_NAME).map(str::to_owned),
            icc: switch(OPT_ICC)?,
            masquerade: switch(OPT_MASQUERADE)?,
            host_binding: host_binding.filter(|ip| !ip.is_unspecified()),
            mtu,
            mode,
            prefix: option(OPT_PREFIX).filter(|p| !p.is_empty()).unwrap_or("eth").to_owned(),
        })
    }
}
