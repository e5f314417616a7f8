//! Overlay networks on one host (moby, daemon/libnetwork/drivers/overlay): a namespace with a bridge
//! and a VXLAN tunnel end, into which every container is plugged.
//!
//! ```text
//!   container            sandbox of the network             host
//!     eth0 ──── veth ──── br0 (gateway) ── vxlan0 ═══════▶ UDP 4789 ── eth0
//! ```
//! The tunnel end is made on the host and moved, so its envelopes leave from the host. For every
//! endpoint elsewhere there is a permanent neighbour entry (its MAC address, which `proxy` answers
//! ARP questions with) and a forwarding entry (which host has it).

use crate::docker::endpoint::free_name;
use crate::docker::engine::Engine;
use crate::docker::names;
use crate::docker::swarm::Peer;
use crate::sim::World;
use crate::stack::{DeviceKind, NsId, TunnelEntry, VXLAN_PORT, Vxlan};
use crate::wire::{IfIndex, IfName, Ipv4Net, Mac};
use std::net::Ipv4Addr;

/// An overlay network in use on this host.
#[derive(Debug, Clone)]
pub(in crate::docker) struct Overlay {
    pub network_id: String,
    /// Its name.
    pub name: String,
    pub vni: u32,
    /// The sandbox.
    pub ns: NsId,
    bridge: IfIndex,
    vxlan: IfIndex,
    /// Veth ends that were plugged in so far: they are numbered.
    plugged: u32,
    /// The address that the engine keeps on each host for its load balancer.
    pub balancer: Option<(Ipv4Addr, Mac)>,
    /// The namespace that has it.
    pub balancer_ns: Option<NsId>,
    /// What a packet may measure.
    mtu: u32,
    /// The endpoints on other hosts.
    pub peers: Vec<Peer>,
}

/// The MAC address that an endpoint of an overlay has: 02:42 and its address (netutils.GenerateMACFromIP).
pub(in crate::docker) fn mac_of(addr: Ipv4Addr) -> Mac {
    let [a, b, c, d] = addr.octets();
    Mac([0x02, 0x42, a, b, c, d])
}

impl Engine {
    /// Makes the sandbox of a network: bridge with the gateway's address, tunnel end.
    pub(in crate::docker) fn make_overlay(
        &mut self,
        world: &mut World,
        (network_id, name): (&str, &str),
        gateway: Ipv4Net,
        (vni, mtu): (u32, u32),
    ) -> Result<Overlay, String> {
        let host = self.host_ns(world);
        let ns = world.add_namespace();
        let mut rng = self.rng(world, "overlay");
        let (bridge_mac, tunnel_mac) = (names::mac(&mut rng), names::mac(&mut rng));
        let number = world.with(host, |h, _| h.reserve_index());
        let named = |name: &str| name.parse::<IfName>().unwrap_or_default();
        let mut tunnel = Vxlan::new(vni, VXLAN_PORT, host);
        (tunnel.proxy, tunnel.l2miss, tunnel.l3miss) = (true, true, true);
        let made = world.with(ns, |n, cx| {
            let bridge = n.add_device(named("br0"), bridge_mac, DeviceKind::Bridge(Box::default()), cx)?;
            n.set_mtu(bridge, mtu, cx)?;
            n.add_addr(bridge, gateway, cx)?;
            n.set_broadcast(bridge, gateway.addr());
            n.set_up(bridge, true, cx)?;
            let kind = DeviceKind::Vxlan(Box::new(tunnel));
            let vxlan = n.add_device_numbered(number, named("vxlan0"), tunnel_mac, kind, cx)?;
            n.set_mtu(vxlan, mtu, cx)?;
            n.set_master(vxlan, Some(bridge), cx)?;
            n.set_up(vxlan, true, cx)?;
            Ok::<_, crate::stack::ConfigError>((bridge, vxlan))
        });
        match made {
            Some(Ok((bridge, vxlan))) => Ok(Overlay {
                network_id: network_id.to_owned(),
                name: name.to_owned(),
                vni,
                ns,
                bridge,
                vxlan,
                plugged: 0,
                balancer: None,
                balancer_ns: None,
                mtu,
                peers: Vec::new(),
            }),
            Some(Err(e)) => {
                world.remove_namespace(ns);
                Err(format!("failed to create the overlay sandbox: {e}"))
            }
            None => Err("failed to create the overlay sandbox".into()),
        }
    }

    /// Plugs a namespace into the overlay at `o`: an interface with its address, up. Returns its name.
    pub(in crate::docker) fn plug_overlay(
        &mut self,
        world: &mut World,
        o: usize,
        ns: NsId,
        mac: Mac,
        addr: Ipv4Net,
    ) -> Result<String, String> {
        let host = self.host_ns(world);
        let mut rng = self.rng(world, "veth");
        let outer_mac = names::mac(&mut rng);
        let Some(overlay) = self.swarm.as_mut().and_then(|m| m.overlays.get_mut(o)) else {
            return Err("the overlay is gone".into());
        };
        let outside = format!("veth{}", overlay.plugged);
        overlay.plugged += 1;
        let (sandbox, bridge, mtu) = (overlay.ns, overlay.bridge, overlay.mtu);
        let inside = free_name(world, ns, "eth");
        let ends = ((sandbox, outside.parse()?, outer_mac), (ns, inside.parse::<IfName>()?, mac));
        let (outer, inner) = world.add_veth_from(host, ends.0, ends.1).map_err(|e| e.to_string())?;
        world.with(sandbox, |n, cx| {
            n.set_mtu(outer, mtu, cx)?;
            n.set_master(outer, Some(bridge), cx)?;
            n.set_up(outer, true, cx)
        });
        world.with(ns, |n, cx| {
            n.set_mtu(inner, mtu, cx)?;
            n.add_addr(inner, addr, cx)?;
            n.set_broadcast(inner, addr.addr());
            n.set_up(inner, true, cx)?;
            n.announce(inner, cx);
            Ok::<_, crate::stack::ConfigError>(())
        });
        Ok(inside)
    }

    /// Writes the entries for the endpoints elsewhere: those that are new, and not those that are gone.
    pub(in crate::docker) fn learn_peers(&mut self, world: &mut World, network_id: &str, peers: Vec<Peer>) {
        let Some(overlay) =
            self.swarm.as_mut().and_then(|m| m.overlays.iter_mut().find(|o| o.network_id == network_id))
        else {
            return;
        };
        let old = std::mem::replace(&mut overlay.peers, peers.clone());
        let (ns, dev) = (overlay.ns, overlay.vxlan);
        let same = |a: &Peer, b: &Peer| (a.addr, a.mac, a.vtep) == (b.addr, b.mac, b.vtep);
        world.with(ns, |n, cx| {
            for gone in old.iter().filter(|o| !peers.iter().any(|p| same(o, p))) {
                n.remove_neighbour(dev, gone.addr, cx);
                n.remove_tunnel_entry(dev, gone.mac, Some(gone.vtep));
            }
            for new in peers.iter().filter(|p| !old.iter().any(|o| same(o, p))) {
                n.set_neighbour(dev, new.addr, new.mac, true, cx);
                n.set_tunnel_entry(dev, TunnelEntry { mac: new.mac, remote: new.vtep, permanent: true });
            }
        });
    }
}
