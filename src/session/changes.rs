//! What a command changed, as a short list of typed entries: bridges, cables, addresses, routes,
//! rules, names, ports. It is what is different after the command: what came and went again is
//! left out.
//!
//! The kernel's side is read from the trace (`Step::Config`), the engine's from what it noted
//! ([`Noted`]). Nothing is compared before and after, so the length of the list is all it costs.
//! Not listed: the MTU of a device, files, what a program that the command started changes later.

use std::net::Ipv4Addr;

use super::Session;
use crate::docker::{Noted, PortBinding};
use crate::stack::{ConfigChange, NsId, Step};
use crate::wire::Ipv4Net;

/// One entry of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where: `docker-host`, `docker-host:web`.
    pub place: String,
    /// Came, went, or has another value.
    pub turn: Turn,
    /// What.
    pub what: Changed,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has another value.
    Set,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// A container; its state in the engine's word (`created`, `running`, `paused`, `exited`),
    /// `removed` if it is gone.
    Container {
        /// Its name.
        name: String,
        /// Its state now.
        state: &'static str,
    },
    /// A Docker network.
    Network {
        /// Its name.
        name: String,
        /// Its driver.
        driver: String,
    },
    /// A bridge of a Docker network.
    Bridge {
        /// Interface name.
        dev: String,
    },
    /// A veth pair between a bridge and a container.
    Veth {
        /// The end on the host.
        dev: String,
        /// The bridge.
        bridge: String,
        /// The container's place: `docker-host:web`.
        peer: String,
        /// The end there.
        peer_dev: String,
    },
    /// Another interface.
    Device {
        /// Interface name.
        dev: String,
    },
    /// An interface was switched on or off.
    Up {
        /// Interface name.
        dev: String,
        /// It is on.
        up: bool,
    },
    /// An address of an interface.
    Address {
        /// Interface name.
        dev: String,
        /// The address.
        addr: Ipv4Net,
    },
    /// A route, as `ip route` prints it.
    Route {
        /// The text.
        route: String,
    },
    /// A routing rule, as `ip rule` prints it without its place.
    RoutingRule {
        /// The text.
        rule: String,
    },
    /// A rule.
    Rule {
        /// `nat`, `filter`, …
        table: String,
        /// The chain.
        chain: String,
        /// Its matches and target, as typed.
        rule: String,
    },
    /// Another change of the rules (a chain, a policy, a flush): the command without `iptables`.
    Rules {
        /// The command.
        command: String,
    },
    /// A name that 127.0.0.11 answers.
    Name {
        /// The network.
        network: String,
        /// The name.
        name: String,
        /// What it means.
        addr: Ipv4Addr,
    },
    /// A published port.
    Port {
        /// Where, and what for.
        binding: PortBinding,
        /// The container's address.
        addr: Ipv4Addr,
    },
    /// A setting of the kernel.
    Sysctl {
        /// Its key.
        key: String,
        /// Its value.
        value: String,
    },
}

impl Changed {
    /// Place in the list: the big things first.
    fn rank(&self) -> u8 {
        match self {
            Self::Network { .. } => 0,
            Self::Container { .. } => 1,
            Self::Bridge { .. } => 2,
            Self::Veth { .. } => 3,
            Self::Device { .. } | Self::Up { .. } => 4,
            Self::Address { .. } => 5,
            Self::Route { .. } | Self::RoutingRule { .. } => 6,
            Self::Rule { .. } | Self::Rules { .. } => 7,
            Self::Port { .. } => 8,
            Self::Name { .. } => 9,
            Self::Sysctl { .. } => 10,
        }
    }
}

/// At most this many entries; a command that changes more (`docker rm -f` of a thousand) says the
/// first.
const MOST: usize = 500;

/// The list under way.
#[derive(Debug, Default)]
struct List(Vec<Change>);

impl List {
    fn push(&mut self, place: String, turn: Turn, what: Changed) {
        let opposite = match turn {
            Turn::Added => Turn::Removed,
            Turn::Removed => Turn::Added,
            Turn::Set => {
                // The last value counts.
                self.0.retain(|c| !(c.place == place && same_subject(&c.what, &what)));
                return self.0.push(Change { place, turn, what });
            }
        };
        if let (Turn::Removed, Changed::Bridge { dev } | Changed::Device { dev }) = (turn, &what) {
            // That it was switched off before is no news.
            self.0
                .retain(|c| !(c.place == place && matches!(&c.what, Changed::Up { dev: d, .. } if d == dev)));
        }
        // What goes and comes back as it was is no change.
        let undone = |c: &Change| c.turn == opposite && c.place == place && c.what == what;
        match self.0.iter().rposition(undone) {
            Some(i) => {
                self.0.remove(i);
            }
            None if self.0.len() < MOST => self.0.push(Change { place, turn, what }),
            None => {}
        }
    }
}

fn same_subject(a: &Changed, b: &Changed) -> bool {
    match (a, b) {
        (Changed::Sysctl { key: a, .. }, Changed::Sysctl { key: b, .. }) => a == b,
        (Changed::Container { name: a, .. }, Changed::Container { name: b, .. }) => a == b,
        (Changed::Up { dev: a, .. }, Changed::Up { dev: b, .. }) => a == b,
        _ => false,
    }
}

fn turn(added: bool) -> Turn {
    if added { Turn::Added } else { Turn::Removed }
}

impl Session {
    /// What has changed since record `from` of the trace, `noted` being what the engine of node
    /// `node` did in that time.
    pub(super) fn changes_since(&self, from: u64, node: usize, noted: Vec<Noted>) -> Vec<Change> {
        let host = &self.nodes[node];
        let home = host.config.id.clone();
        let mut list = List::default();
        // Where namespaces are that may be gone by now, and devices that are spoken of as cables.
        let mut places: Vec<(NsId, String)> = Vec::new();
        let mut cables: Vec<(NsId, String)> = Vec::new();
        let mut existed: Vec<String> = Vec::new();
        for doing in noted {
            match doing {
                Noted::Container { name, state } => {
                    if state == Some("created") {
                        existed.push(name.clone());
                    }
                    let fresh = existed.contains(&name);
                    let turn = match state {
                        None => Turn::Removed,
                        Some(_) if fresh => Turn::Added,
                        Some(_) => Turn::Set,
                    };
                    list.0.retain(|c| !matches!(&c.what, Changed::Container { name: n, .. } if *n == name));
                    // Made and removed in one go (`docker run --rm` that failed): nothing.
                    if !(fresh && state.is_none()) {
                        let what = Changed::Container { name, state: state.unwrap_or("removed") };
                        list.0.push(Change { place: home.clone(), turn, what });
                    }
                }
                Noted::Network { name, driver, added } => {
                    list.push(home.clone(), turn(added), Changed::Network { name, driver });
                }
                Noted::Cable { container, ns, ends: (dev, peer_dev), bridge, added } => {
                    let peer = format!("{home}:{container}");
                    places.push((ns, peer.clone()));
                    cables.push((host.ns, dev.clone()));
                    cables.push((ns, peer_dev.clone()));
                    list.push(home.clone(), turn(added), Changed::Veth { dev, bridge, peer, peer_dev });
                }
                Noted::Name { network, name, addr, added } => {
                    list.push(home.clone(), turn(added), Changed::Name { network, name, addr });
                }
                // IPv6 is listed by Docker, not emulated.
                Noted::Port { binding, .. } if binding.host_ip.is_ipv6() => {}
                Noted::Port { binding, addr, added } => {
                    list.push(home.clone(), turn(added), Changed::Port { binding, addr });
                }
            }
        }
        let bridge_of = |name: &str| {
            let engine = host.engine.as_ref();
            name == "docker0"
                || name.starts_with("br-")
                || engine.is_some_and(|e| e.networks().iter().any(|n| n.bridge.as_deref() == Some(name)))
        };
        for (_, record) in self.world.log.iter_from(from) {
            let Step::Config(change) = record.step else { continue };
            let ns = record.ns;
            // What was done in a namespace that is gone went with it.
            if self.world.namespace(ns).is_none() {
                continue;
            }
            let cable = |dev: &str| cables.iter().any(|(n, d)| *n == ns && d == dev);
            let (turn, what) = match *change {
                ConfigChange::DeviceAdded { name, .. } | ConfigChange::DeviceRemoved { name, .. }
                    if cable(name.as_str()) =>
                {
                    continue;
                }
                ConfigChange::DeviceAdded { name, .. } => (Turn::Added, device(name.as_str(), &bridge_of)),
                ConfigChange::DeviceRemoved { name, .. } => {
                    (Turn::Removed, device(name.as_str(), &bridge_of))
                }
                // A device that was just made and goes up says nothing new.
                ConfigChange::DeviceUp { name, .. }
                    if cable(name.as_str())
                        || list.0.iter().any(|c| c.what == device(name.as_str(), &bridge_of)) =>
                {
                    continue;
                }
                ConfigChange::DeviceUp { name, up, .. } => {
                    (Turn::Set, Changed::Up { dev: name.to_string(), up })
                }
                ConfigChange::Master { .. } => continue,
                ConfigChange::AddressAdded { name, addr, .. } => {
                    (Turn::Added, Changed::Address { dev: name.to_string(), addr })
                }
                ConfigChange::AddressRemoved { name, addr, .. } => {
                    (Turn::Removed, Changed::Address { dev: name.to_string(), addr })
                }
                ConfigChange::RouteAdded { route } => (Turn::Added, Changed::Route { route }),
                ConfigChange::RouteRemoved { route } => (Turn::Removed, Changed::Route { route }),
                ConfigChange::RuleAdded { rule } => (Turn::Added, Changed::RoutingRule { rule }),
                ConfigChange::RuleRemoved { rule } => (Turn::Removed, Changed::RoutingRule { rule }),
                ConfigChange::Rules { command } => rule(command),
                ConfigChange::Sysctl { key, value } => (Turn::Set, Changed::Sysctl { key, value }),
            };
            let known = places.iter().find(|(n, _)| *n == ns).map(|(_, p)| p.clone());
            let known =
                known.or_else(|| if ns == host.ns { Some(home.clone()) } else { self.place_of_ns(ns) });
            // The loopback device of a namespace that comes or goes is no news.
            let Some(place) = known.filter(
                |_| !matches!(&what, Changed::Device { dev } | Changed::Up { dev, .. } if dev == "lo"),
            ) else {
                continue;
            };
            list.push(place, turn, what);
        }
        list.0.sort_by_key(|c| c.what.rank());
        list.0
    }
}

fn device(name: &str, is_bridge: &dyn Fn(&str) -> bool) -> Changed {
    let dev = name.to_owned();
    if is_bridge(name) { Changed::Bridge { dev } } else { Changed::Device { dev } }
}

/// Reads `-t nat -A DOCKER -p tcp …`.
fn rule(command: String) -> (Turn, Changed) {
    let mut words = command.split_whitespace();
    let (mut table, mut op, mut chain) = ("filter", "", "");
    let mut spec = Vec::new();
    while let Some(word) = words.next() {
        match word {
            "-t" | "--table" => table = words.next().unwrap_or_default(),
            "-w" | "--wait" => {}
            "-A" | "-I" | "-D" | "--append" | "--insert" | "--delete" if op.is_empty() => {
                op = word;
                chain = words.next().unwrap_or_default();
            }
            _ if op.is_empty() => return (Turn::Set, Changed::Rules { command }),
            _ => spec.push(word),
        }
    }
    let numbered = spec.first().is_some_and(|w| w.bytes().all(|b| b.is_ascii_digit()));
    let deletes = matches!(op, "-D" | "--delete");
    if op.is_empty() || numbered && deletes {
        return (Turn::Set, Changed::Rules { command });
    }
    let rule = spec[usize::from(numbered)..].join(" ");
    let what = Changed::Rule { table: table.to_owned(), chain: chain.to_owned(), rule };
    (turn(!deletes), what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::{Lang, change};
    use crate::lab::Lab;
    use crate::time::Duration;

    /// What each line changed, in words; names drawn by lot are masked.
    fn said(lines: &[&str]) -> Vec<String> {
        let mut session = Lab::builtin("oracle").expect("there").boot().expect("it starts");
        let mut job = None;
        for line in lines {
            job = Some(session.run_line("h1", line, Duration::from_secs(30)).expect("a place"));
        }
        let words = |c: &Change| change(c, Lang::En);
        let mut all: Vec<String> = job.iter().flat_map(|j| &j.changes).map(words).collect();
        for text in &mut all {
            let drawn = |at: &usize| text[at + 4..].starts_with(|c: char| c.is_ascii_hexdigit());
            if let Some(at) = text.match_indices("veth").map(|(at, _)| at).find(drawn) {
                text.replace_range(at..at + 11, "VETH");
            }
        }
        all
    }

    #[test]
    fn a_published_container_lists_its_cable_address_route_rules_and_port() {
        assert_eq!(
            said(&["docker run -d --name web -p 8080:80 lab"]),
            [
                "h1: the container web is created and started.",
                "A veth pair joins VETH (port of docker0) and eth0 in h1:web.",
                "h1:web: eth0 gets the address 172.17.0.2/16.",
                "h1:web gets the route default via 172.17.0.1 dev eth0",
                "h1: a new rule in raw PREROUTING: -d 172.17.0.2 ! -i docker0 -j DROP",
                "h1: a new rule in nat DOCKER: -p tcp ! -i docker0 --dport 8080 -j DNAT --to-destination \
                 172.17.0.2:80",
                "h1: a new rule in filter DOCKER: ! -i docker0 -o docker0 -p tcp -d 172.17.0.2 --dport 80 -j \
                 ACCEPT",
                "h1: the port 0.0.0.0:8080 is published and leads to 172.17.0.2:80/tcp.",
            ]
        );
    }

    #[test]
    fn what_comes_and_goes_again_is_no_change() {
        let lines = ["docker run -d --name c1 -p 8080:80 lab", "docker run -d --name c2 -p 8080:80 lab"];
        assert_eq!(said(&lines), ["h1: the container c2 is created; it is not running yet."]);
        assert_eq!(said(&[lines[0], "docker run -d --rm --name c2 -p 8080:80 lab"]), [""; 0]);
        assert_eq!(said(&["docker ps"]), [""; 0]);
    }

    #[test]
    fn commands_of_the_host_are_listed_too() {
        assert_eq!(
            said(&[
                "iptables -I DOCKER-USER 1 -s 10.0.0.1 -j DROP; ip route add 10.9.0.0/24 via 192.168.0.1; sysctl -w net.ipv4.ip_forward=0"
            ]),
            [
                "h1: a new rule in filter DOCKER-USER: -s 10.0.0.1 -j DROP",
                "h1 gets the route 10.9.0.0/24 via 192.168.0.1 dev eth0",
                "h1: net.ipv4.ip_forward = 0",
            ]
        );
    }

    #[test]
    fn names_are_listed_with_what_they_mean() {
        let all = said(&["docker network create net1", "docker run -d --name web --network net1 lab"]);
        assert!(
            all.contains(&"The name web now means 172.18.0.2 on the network net1.".to_owned()),
            "{all:?}"
        );
    }
}
