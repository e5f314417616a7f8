//! Network drivers besides bridge: what each keeps about a network, and how it plugs a container in.
//!
//! host, none and container need no driver: they are a choice of namespace (`container`).

mod gateway;
mod overlay;
mod parent;

pub(super) use gateway::GATEWAY;
pub(super) use overlay::{Overlay, mac_of};

use super::engine::Network;
use crate::wire::Ipv4Net;
use parent::Parent;
use std::net::Ipv4Addr;

/// What a driver keeps about a network.
#[derive(Debug, Clone, Default)]
pub(super) enum Driver {
    /// Nothing: the network's own fields say it all.
    #[default]
    Plain,
    /// macvlan, ipvlan.
    Parent(Parent),
    /// overlay.
    Overlay {
        /// Network identifier of its envelopes.
        vni: u32,
        /// It is the one of the routing mesh.
        ingress: bool,
    },
}

/// The way out that a network offers a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WayOut {
    /// None.
    No,
    /// Through a gateway.
    Via(Ipv4Addr),
    /// Straight out of the interface (ipvlan l3).
    Device,
}

impl Network {
    /// The way out for a container whose endpoint has this gateway.
    pub(super) fn way_out(&self, gateway: Option<Ipv4Addr>) -> WayOut {
        match (&self.driver_state, gateway) {
            _ if self.internal() => WayOut::No,
            (Driver::Parent(parent), _) if parent.routed() => WayOut::Device,
            (_, Some(gateway)) => WayOut::Via(gateway),
            (_, None) => WayOut::No,
        }
    }

    /// Ports can be published on it.
    pub(super) fn publishes(&self) -> bool {
        self.rules.is_some()
    }

    /// Addresses that `--aux-address` keeps from containers.
    pub(super) fn aux(&self) -> Vec<(&str, Ipv4Addr)> {
        let subnet = self.subnet.unwrap_or_else(|| Ipv4Net::from(Ipv4Addr::UNSPECIFIED));
        let all = self.asked.aux_addresses.iter();
        all.filter_map(|(name, addr)| Some((name.as_str(), addr.parse().ok()?)))
            .filter(|(_, addr)| subnet.contains(addr))
            .collect()
    }
}
