//! macvlan and ipvlan: a container's interface stands on one of the host's (moby,
//! daemon/libnetwork/drivers/macvlan and ipvlan).
//!
//! The engine makes the VLAN sub-interface that a parent like `eth0.10` names, and takes it away with
//! the last network on it. Without a parent there is a dummy device of the network's own.

use super::Driver;
use crate::docker::NetworkCreate;
use crate::docker::endpoint::{device, free_name, remove_device};
use crate::docker::engine::{Engine, EngineError, Network};
use crate::docker::ipam::IpamError;
use crate::docker::names;
use crate::docker::network::IpamConfig;
use crate::sim::World;
use crate::stack::{ConfigError, DevRef, DeviceKind, IpvlanMode, MacvlanMode, NsId, UpperKind};
use crate::wire::{IfName, Ipv4Net, Mac};

/// What a macvlan or ipvlan network keeps.
#[derive(Debug, Clone)]
pub(in crate::docker) struct Parent {
    /// Interface of the host.
    pub name: String,
    /// The engine made it.
    pub made: bool,
    /// What stands on it.
    pub kind: UpperKind,
}

impl Parent {
    /// Nobody is asked for MAC addresses, and no gateway is needed.
    pub fn routed(&self) -> bool {
        self.kind.no_arp()
    }
}

fn option<'a>(create: &'a NetworkCreate, key: &str) -> Option<&'a str> {
    create.options.iter().rev().find(|o| o.0 == key).map(|o| o.1.as_str())
}

/// What is to stand on the parent.
fn kind(create: &NetworkCreate, driver: &str) -> Result<UpperKind, String> {
    let wrong = |mode: &str, default: &str| {
        format!(
            "requested {driver} mode '{mode}' is not valid, '{default}' mode is the {driver} driver default"
        )
    };
    if driver == "macvlan" {
        let mode = option(create, "macvlan_mode").filter(|m| !m.is_empty()).unwrap_or("bridge");
        return mode.parse().map(UpperKind::Macvlan).map_err(|()| wrong(mode, "bridge"));
    }
    if let Some(flag) = option(create, "ipvlan_flag").filter(|f| !matches!(*f, "" | "bridge")) {
        return Err(match flag {
            "private" | "vepa" => format!("netpier: the ipvlan flag {flag} is not emulated; leave it out"),
            _ => {
                format!("requested ipvlan flag '{flag}' is not valid, 'bridge' is the ipvlan driver default")
            }
        });
    }
    let mode = option(create, "ipvlan_mode").filter(|m| !m.is_empty()).unwrap_or("l2");
    mode.parse::<IpvlanMode>().map(UpperKind::Ipvlan).map_err(|()| wrong(mode, "l2"))
}

impl Engine {
    /// `docker network create -d macvlan|ipvlan`.
    pub(in crate::docker) fn create_on_parent(
        &mut self,
        world: &mut World,
        create: &NetworkCreate,
        ipam: &[IpamConfig],
    ) -> Result<String, EngineError> {
        let id = self.new_id(world, "network");
        let driver = create.driver.as_deref().unwrap_or_default();
        if option(create, "parent") == Some("lo") {
            return Err(EngineError::new(format!("loopback interface is not a valid {driver} parent link")));
        }
        let kind = kind(create, driver).map_err(EngineError::new)?;
        let refuse = |e: IpamError| EngineError::new(e.to_string());
        let (subnet, asked, range) = match ipam.first() {
            None => (
                self.ipam.take_predefined(&self.config.pools, &self.reserved(world)).map_err(refuse)?,
                None,
                None,
            ),
            Some(first) => {
                self.ipam.take(first.subnet).map_err(refuse)?;
                (first.subnet, first.gateway, first.range)
            }
        };
        let made = self.take_gateway_and_aux(create, subnet, range, asked).and_then(|gateway| {
            let parent = self.parent(world, create, kind, &id).map_err(EngineError::new)?;
            Ok((gateway, parent))
        });
        let (gateway, parent) = match made {
            Ok(made) => made,
            Err(e) => {
                self.ipam.release(subnet);
                return Err(e);
            }
        };
        let mut asked = create.clone();
        if option(create, "parent").is_none_or(str::is_empty) {
            asked.internal = true;
        }
        self.networks.push(Network {
            id: id.clone(),
            name: create.name.clone(),
            driver: create.driver.clone().unwrap_or_default(),
            subnet: Some(subnet),
            gateway: Some(gateway),
            bridge: None,
            range,
            created: world.now(),
            asked,
            rules: None,
            mtu: 1500,
            options: None,
            driver_state: Driver::Parent(parent),
        });
        self.note_network(self.networks.len() - 1, true);
        self.tell_network(world, &id, "create", None);
        Ok(format!("{id}\n"))
    }

    /// Finds or makes the parent, and looks at who else is on it.
    fn parent(
        &mut self,
        world: &mut World,
        create: &NetworkCreate,
        kind: UpperKind,
        id: &str,
    ) -> Result<Parent, String> {
        let named = option(create, "parent").unwrap_or_default();
        let name = if named.is_empty() { dummy(kind, id) } else { named.to_owned() };
        for net in &self.networks {
            let Driver::Parent(other) = &net.driver_state else { continue };
            if other.name != name {
                continue;
            }
            let passthru = UpperKind::Macvlan(MacvlanMode::Passthru);
            match (kind, other.kind) {
                (UpperKind::Ipvlan(_), UpperKind::Ipvlan(_)) => {
                    let dummy = dummy(kind, &net.id);
                    return Err(format!("network {dummy} is already using parent interface {name}"));
                }
                (kind, _) if kind == passthru => {
                    return Err(format!(
                        "cannot use mode passthru, macvlan network {} is already using parent interface {name}",
                        net.id
                    ));
                }
                (_, other) if other == passthru => {
                    return Err(format!(
                        "macvlan network {} is already using parent interface {name} in mode passthru",
                        net.id
                    ));
                }
                _ => {}
            }
        }
        let host = self.host_ns(world);
        if device(world, host, &name).is_some() {
            // One that the engine made for another network goes with the last of them.
            let made = self
                .networks
                .iter()
                .any(|n| matches!(&n.driver_state, Driver::Parent(p) if p.name == name && p.made));
            return Ok(Parent { name, made, kind });
        }
        if named.is_empty() {
            make_dummy(world, host, &name)?;
        } else {
            make_vlan(world, host, &name)?;
        }
        Ok(Parent { name, made: true, kind })
    }

    /// Takes the parent away that was made for a network, with the last one on it.
    pub(in crate::docker) fn release_parent(&mut self, world: &mut World, parent: &Parent) {
        let used = self
            .networks
            .iter()
            .any(|n| matches!(&n.driver_state, Driver::Parent(p) if p.name == parent.name));
        if parent.made && !used {
            let host = self.host_ns(world);
            remove_device(world, host, &parent.name);
        }
    }

    /// An interface in `ns` that stands on the parent, up and with its address. Returns its name and
    /// MAC address.
    pub(in crate::docker) fn plug_on_parent(
        &mut self,
        world: &mut World,
        ns: NsId,
        parent: &Parent,
        (mac, addr): (Mac, Ipv4Net),
        called: Option<&str>,
    ) -> Result<(String, Mac), String> {
        let host = self.host_ns(world);
        let fail = |e: ConfigError| {
            let what = parent.kind.name();
            format!("failed to create the {what} port: {}", e.to_string().to_lowercase())
        };
        let below = device(world, host, &parent.name)
            .ok_or_else(|| format!("could not find parent interface {}: Link not found", parent.name))?;
        let name = called.map_or_else(|| free_name(world, ns, "eth"), str::to_owned);
        let ifname: IfName = name.parse()?;
        let at = DevRef { ns: host, dev: below };
        let dev = world.add_upper(ns, ifname, mac, at, parent.kind).map_err(fail)?;
        let set_up = world.with(ns, |n, cx| {
            n.add_addr(dev, addr, cx)?;
            n.set_broadcast(dev, addr.addr());
            n.set_up(dev, true, cx)
        });
        if let Some(Err(e)) = set_up {
            remove_device(world, ns, &name);
            return Err(fail(e));
        }
        world.with(ns, |n, cx| {
            if !parent.routed() {
                n.announce(dev, cx)
            }
        });
        let mac = world.namespace(ns).and_then(|n| n.device(dev)).map_or(mac, |d| d.mac);
        Ok((name, mac))
    }
}

/// `eth0.10`: the sub-interface of VLAN 10 on eth0.
fn make_vlan(world: &mut World, host: NsId, name: &str) -> Result<(), String> {
    let Some((parent, id)) = name.split_once('.') else {
        return Err(format!("invalid subinterface vlan name {name}, example formatting is eth0.10"));
    };
    let id: u32 = id
        .parse()
        .map_err(|_| format!("unable to parse a valid vlan id from: {id} (ex. eth0.10 for vlan 10)"))?;
    let Some(below) = device(world, host, parent) else {
        return Err(format!("-o parent interface was not found on the host: {parent}"));
    };
    if !(1..=4094).contains(&id) {
        return Err(format!("vlan id must be between 1-4094, received: {id}"));
    }
    let fail =
        |e: ConfigError| format!("failed to create {name} vlan link: {}", e.to_string().to_lowercase());
    let ifname: IfName = name.parse()?;
    let at = DevRef { ns: host, dev: below };
    let dev = world.add_upper(host, ifname, Mac::ZERO, at, UpperKind::Vlan(id as u16)).map_err(fail)?;
    match world.with(host, |n, cx| n.set_up(dev, true, cx)) {
        Some(Err(e)) => Err(fail(e)),
        _ => Ok(()),
    }
}

fn make_dummy(world: &mut World, host: NsId, name: &str) -> Result<(), String> {
    let ifname: IfName = name.parse()?;
    let made = world.with(host, |n, cx| {
        let dev = n.add_device(ifname, Mac::ZERO, DeviceKind::Dummy, cx)?;
        n.set_up(dev, true, cx)
    });
    match made {
        Some(Err(e)) => Err(e.to_string().to_lowercase()),
        _ => Ok(()),
    }
}

/// The name of the dummy device that a network without a parent stands on (drivers/macvlan, drivers/ipvlan).
fn dummy(kind: UpperKind, id: &str) -> String {
    let prefix = if matches!(kind, UpperKind::Ipvlan(_)) { "di" } else { "dm" };
    format!("{prefix}-{}", names::short(id))
}
