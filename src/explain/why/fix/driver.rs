//! Networks that are made anew: on a card, with another subnet, gateway, mode or parent.

use std::net::Ipv4Addr;

use super::line::replace_word;
use super::{Fix, Remedy, Smith};
use crate::docker::{Container, Network, NetworkCreate, Request, cli};
use crate::explain::why::story::Story;
use crate::session::Node;
use crate::stack::DevRef;
use crate::wire::{Ipv4Net, Protocol};

impl<'a> Smith<'a> {
    /// A network by its name, on the attempt's own host first.
    fn network(&self, name: &str, host: Option<&str>) -> Option<(&'a Node, &'a Network)> {
        let home = host.unwrap_or_else(|| self.job.place.split(':').next().unwrap_or_default());
        let nodes = self.atlas.session.nodes().iter();
        let mut all: Vec<_> = nodes.filter_map(|n| Some((n, n.engine.as_ref()?.network(name)?))).collect();
        all.sort_by_key(|(n, _)| n.config.id != home);
        all.first().copied()
    }

    /// Its containers leave a network, it is made anew, they come back.
    pub(super) fn remake(
        &self,
        node: &Node,
        network: &Network,
        change: impl FnOnce(&mut NetworkCreate),
    ) -> (String, String) {
        let mut create = network.spec().clone();
        change(&mut create);
        let subnet: Option<Ipv4Net> = create.subnets.first().and_then(|s| s.parse().ok());
        let on = |c: &&Container| c.endpoints.iter().any(|e| e.network == network.name);
        let all: Vec<&Container> = self.atlas.containers_of(node).iter().filter(on).collect();
        let name = &network.name;
        let mut parts: Vec<String> =
            all.iter().map(|c| format!("docker network disconnect {name} {}", c.name)).collect();
        parts.push(format!("docker network rm {name}"));
        parts.push(cli::render(&Request::NetworkCreate(create)));
        parts.extend(all.iter().map(|c| {
            // An address that was asked for is asked for again, where it still fits.
            let asked = c.attachments().find(|a| a.network == *name).and_then(|a| a.ip.clone());
            let inside =
                |ip: &String| ip.parse::<Ipv4Addr>().is_ok_and(|a| subnet.is_some_and(|s| s.contains(&a)));
            let ip = asked.filter(inside);
            let ip = ip.map(|ip| format!("--ip {ip} ")).unwrap_or_default();
            format!("docker network connect {ip}{name} {}", c.name)
        }));
        (node.config.id.clone(), parts.join(" && "))
    }

    fn remade(
        &self,
        (node, network): (&Node, &Network),
        change: impl FnOnce(&mut NetworkCreate),
    ) -> Option<Fix> {
        let line = self.remake(node, network, change);
        Some(Fix {
            remedy: Remedy::Lines(vec![line]),
            again: (self.job.place.clone(), self.job.line.clone()),
        })
    }

    /// Asks for the subnet and the gateway of the LAN behind the host's device `parent`, and for a range of it in
    /// which nobody has an address. Leaves `create` as it is where the device is not known or has no address.
    fn on_the_lan(&self, node: &Node, parent: &str, create: &mut NetworkCreate) {
        let Some(ns) = self.atlas.ns(node.ns) else { return };
        let Some(device) = ns.device_named(parent) else { return };
        let Some(net) = device.addrs.first().copied() else { return };
        let at = DevRef { ns: ns.id, dev: device.index };
        create.subnets = vec![net.trunc().to_string()];
        create.gateways = self.atlas.gateway_on(at, net).map(|g| g.to_string()).into_iter().collect();
        create.ip_ranges = self.free_range(net.trunc()).map(|r| r.to_string()).into_iter().collect();
        create.aux_addresses = Vec::new();
    }

    /// A piece of a subnet in which nobody has an address.
    fn free_range(&self, net: Ipv4Net) -> Option<Ipv4Net> {
        let pieces: Vec<Ipv4Net> = net.subnets(27).ok()?.take(64).collect();
        let taken = |r: &Ipv4Net| r.hosts().chain([r.network()]).any(|a| !self.atlas.owners(a).is_empty());
        pieces.into_iter().rev().skip(1).find(|r| !taken(r))
    }

    /// A network on a card gets the subnet that the LAN behind the card has.
    pub(super) fn lan_subnet(&self, network: &str, host: &str, dev: &str) -> Option<Fix> {
        let (node, network) = self.network(network, Some(host))?;
        let mut range = None;
        let fix = self.remade((node, network), |create| {
            self.on_the_lan(node, dev, create);
            range = create.ip_ranges.first().and_then(|r| r.parse::<Ipv4Net>().ok());
        })?;
        // Its containers come back one by one, from the beginning of the range.
        let on =
            |c: &Container| c.endpoints.iter().find(|e| e.network == network.name).map(|e| e.addr.addr());
        let olds = self.atlas.containers_of(node).iter().filter_map(on);
        let again = range.and_then(|r| {
            let new = |i: usize| Ipv4Addr::from(u32::from(r.network()) + i as u32).to_string();
            olds.enumerate().find_map(|(i, old)| replace_word(&self.job.line, &old.to_string(), &new(i)))
        });
        let line = again.unwrap_or_else(|| fix.again.1.clone());
        Some(Fix { again: (fix.again.0.clone(), line), ..fix })
    }

    /// Of two that have one address the container takes another: the one that was not meant, if it is known.
    pub(super) fn move_container(
        &self,
        story: &Story,
        addr: Ipv4Addr,
        one: &str,
        other: &str,
    ) -> Option<Fix> {
        let serves = |place: &str| {
            let (ns, port) = (self.ns(place)?, self.asked_port(story)?);
            self.atlas.open_ports(ns, Protocol::Tcp).contains(&port).then_some(())
        };
        let mut all: Vec<&str> = [other, one].into_iter().filter(|p| self.container(p).is_some()).collect();
        all.sort_by_key(|p| serves(p).is_some());
        let (node, c) = self.container(all.first()?)?;
        let endpoint = c.endpoints.iter().find(|e| e.addr.addr() == addr)?;
        let free = self.atlas.free_address(endpoint.addr)?;
        let (network, name) = (&endpoint.network, &c.name);
        let run = format!(
            "docker network disconnect {network} {name} && docker network connect --ip {free} {network} {name}"
        );
        // Who asked has learned the wrong MAC address for it, and believes that for a while.
        let asker = Some(self.job.place.clone()).filter(|p| !p.contains(':'));
        let forget = asker.map(|p| (p, "ip neigh flush all".to_owned()));
        let lines = std::iter::once((node.config.id.clone(), run)).chain(forget).collect();
        Some(Fix { remedy: Remedy::Lines(lines), again: (self.job.place.clone(), self.job.line.clone()) })
    }

    /// A network gets a parent that leads out.
    pub(super) fn real_parent(&self, network: &str, host: &str) -> Option<Fix> {
        let (node, network) = self.network(network, Some(host))?;
        let uplink = self.uplink(host)?;
        let lan = self.atlas.ns(node.ns)?.device_named(&uplink)?.addrs.first()?.trunc();
        let fits = network.subnet == Some(lan);
        self.remade((node, network), |create| {
            create.options.retain(|o| o.0 != "parent");
            create.options.push(("parent".to_owned(), uplink.clone()));
            create.internal = false;
            if !fits {
                self.on_the_lan(node, &uplink, create);
            }
        })
    }

    /// Its containers may hear one another.
    pub(super) fn bridge_mode(&self, network: &str) -> Option<Fix> {
        let found = self.network(network, None)?;
        self.remade(found, |create| create.options.retain(|o| o.0 != "macvlan_mode"))
    }

    /// Services and containers come in.
    pub(super) fn attachable(&self, network: &str) -> Option<Fix> {
        let nodes = self.atlas.session.nodes().iter();
        let managers = nodes.filter(|n| {
            n.engine.as_ref().and_then(|e| e.membership()).is_some_and(|m| m.manager && !m.pending)
        });
        let (node, network) =
            managers.into_iter().find_map(|n| Some((n, n.engine.as_ref()?.network(network)?)))?;
        let line = self.remake(node, network, |create| create.attachable = true);
        let lines = [Some(line), self.leftover()].into_iter().flatten().collect();
        Some(Fix { remedy: Remedy::Lines(lines), again: (self.job.place.clone(), self.job.line.clone()) })
    }

    /// The container of a `docker run` that came to nothing is taken away, so that its name is free.
    pub(super) fn leftover(&self) -> Option<(String, String)> {
        let node = self.atlas.session.node(&self.job.place).ok()?;
        let words: Vec<&str> = self.job.line.split_whitespace().collect();
        let name = words.iter().position(|w| *w == "--name").and_then(|i| words.get(i + 1))?;
        let all = self.atlas.containers_of(node);
        all.iter().find(|c| c.name == **name && !self.atlas.runs(c) && words.contains(&"run"))?;
        Some((self.job.place.clone(), format!("docker rm {name}")))
    }

    /// The gateway of a container's network on a card is another one.
    pub(super) fn other_gateway(&self, place: &str, gateway: Ipv4Addr, right: Ipv4Addr) -> Option<Fix> {
        let (node, c) = self.container(place)?;
        let endpoint = c.endpoints.iter().find(|e| e.gateway == Some(gateway) && e.addr.contains(&right))?;
        let network = node.engine.as_ref()?.network(&endpoint.network).filter(|n| n.parent().is_some())?;
        self.remade((node, network), |create| create.gateways = vec![right.to_string()])
    }

    /// An interface of the host's own beside a container's: siblings do hear one another. Who calls the
    /// host from that container calls this interface.
    pub(super) fn beside(&self, host: &str, container: &str, driver: &str) -> Option<Fix> {
        let node = self.atlas.session.node(host).ok()?;
        let c = self.atlas.containers_of(node).iter().find(|c| c.name == container)?;
        let inside = self.job.place.split(':').next() == Some(host);
        let to = c.endpoints.first().filter(|_| inside)?;
        let (parent, kind) = node.engine.as_ref()?.network(&to.network)?.parent()?;
        let mode = match (driver, kind.no_arp()) {
            ("macvlan", _) => "macvlan mode bridge",
            (_, false) => "ipvlan mode l2",
            _ => return None,
        };
        let own = self.atlas.free_address(to.addr.trunc())?;
        let shim = format!(
            "ip link add shim link {parent} type {mode} && ip addr add {own}/32 dev shim && \
             ip link set shim up && ip route add {}/32 dev shim",
            to.addr.addr()
        );
        let asks = self.job.place.split(':').nth(1) == Some(container);
        let again = match self.host_addr(host).filter(|_| asks) {
            Some(old) => replace_word(&self.job.line, &old.to_string(), &own.to_string())?,
            None => self.job.line.clone(),
        };
        Some(Fix {
            remedy: Remedy::Lines(vec![(host.to_owned(), shim)]),
            again: (self.job.place.clone(), again),
        })
    }
}
