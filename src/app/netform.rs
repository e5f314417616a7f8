//! The form of a new network: what was typed, what is wrong with it, and the command that it is.
//!
//! A network on an interface of the host (macvlan, ipvlan) lives in the LAN that is there: the form
//! begins with that LAN's subnet and gateway, and with a range of it for containers.

use super::docking::valid_name;
use super::forms::Problem;
use super::oneword;
use crate::session::{Node, Session};
use crate::shell::quote;
use crate::stack::DeviceKind;
use crate::wire::{IfName, Ipv4Addr, Ipv4Net};

/// The drivers of the form.
pub const DRIVERS: [&str; 4] = ["bridge", "overlay", "macvlan", "ipvlan"];

/// The modes of a driver, the usual one first; none of those that have no modes.
pub fn modes(driver: &str) -> &'static [&'static str] {
    match driver {
        "macvlan" => &["bridge", "private", "vepa", "passthru"],
        "ipvlan" => &["l2", "l3", "l3s"],
        _ => &[],
    }
}

/// An interface of the host that macvlan and ipvlan can stand on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uplink {
    /// `eth0`.
    pub name: String,
    /// The subnet that it is in.
    pub subnet: Option<Ipv4Net>,
    /// The host's gateway there.
    pub gateway: Option<Ipv4Addr>,
}

/// A new network.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NetworkForm {
    /// The Docker host.
    pub host: String,
    /// Name.
    pub name: String,
    /// `--driver`.
    pub driver: String,
    /// `--opt macvlan_mode` or `ipvlan_mode`; empty: the driver's usual one.
    pub mode: String,
    /// `--opt parent`; of macvlan and ipvlan.
    pub parent: String,
    /// Interfaces that a parent can be.
    pub uplinks: Vec<Uplink>,
    /// `--subnet`; empty: Docker chooses.
    pub subnet: String,
    /// `--gateway`; empty: the first address.
    pub gateway: String,
    /// `--ip-range`; empty: all of the subnet.
    pub range: String,
    /// `--internal`.
    pub internal: bool,
    /// Containers may talk to one another (`enable_icc`).
    pub icc: bool,
    /// `--attachable`, of an overlay.
    pub attachable: bool,
    /// `KEY=VALUE`, apart by blanks.
    pub options: String,
    /// Names that are taken.
    pub taken: Vec<String>,
}

/// What is wrong with a field of a network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkProblems {
    /// Of the name.
    pub name: Option<Problem>,
    /// Of the parent.
    pub parent: Option<Problem>,
    /// Of `--subnet`.
    pub subnet: Option<Problem>,
    /// Of `--gateway`.
    pub gateway: Option<Problem>,
    /// Of `--ip-range`.
    pub range: Option<Problem>,
}

impl NetworkForm {
    /// With a free name.
    pub fn new(host: &str, taken: Vec<String>, uplinks: Vec<Uplink>) -> Self {
        let mut names = (2..).map(|n| format!("net{n}"));
        let name = names.find(|n| !taken.contains(n)).unwrap_or_default();
        let parent = uplinks.first().map(|u| u.name.clone()).unwrap_or_default();
        let driver = "bridge".to_owned();
        Self {
            host: host.to_owned(),
            name,
            driver,
            parent,
            uplinks,
            icc: true,
            attachable: true,
            taken,
            ..Self::default()
        }
    }
    /// For a host of a running lab.
    pub fn at(session: &Session, node: &Node) -> Self {
        let engine = node.engine.iter().flat_map(|e| e.networks());
        Self::new(&node.config.id, engine.map(|n| n.name.clone()).collect(), uplinks(session, node))
    }
    /// The same at another host.
    pub fn move_to(&mut self, session: &Session, host: &str) {
        let Some(there) = session.node(host).ok().map(|node| Self::at(session, node)) else { return };
        (self.host, self.taken, self.uplinks) = (there.host, there.taken, there.uplinks);
    }
    /// Stands on an interface of the host.
    pub fn on_parent(&self) -> bool {
        matches!(self.driver.as_str(), "macvlan" | "ipvlan")
    }
    /// The mode that it has, the usual one where none was chosen.
    pub fn chosen_mode(&self) -> &str {
        let usual = modes(&self.driver).first().copied().unwrap_or_default();
        if self.mode.is_empty() { usual } else { &self.mode }
    }
    /// Takes another driver, with what it begins with, as far as nothing else was typed.
    pub fn take_driver(&mut self, driver: &str) {
        self.refill(|f| {
            driver.clone_into(&mut f.driver);
            f.mode.clear();
        });
    }
    /// Takes another mode of its driver.
    pub fn take_mode(&mut self, mode: &str) {
        let usual = modes(&self.driver).first() == Some(&mode);
        self.refill(|f| f.mode = if usual { String::new() } else { mode.to_owned() });
    }
    /// Stands on another interface.
    pub fn take_parent(&mut self, parent: &str) {
        self.refill(|f| parent.trim().clone_into(&mut f.parent));
    }
    /// A change after which subnet, gateway and range may begin with something else.
    fn refill(&mut self, change: impl FnOnce(&mut Self)) {
        let now = |f: &Self| [f.subnet.clone(), f.gateway.clone(), f.range.clone()];
        let untouched = now(self) == self.start() || now(self).iter().all(String::is_empty);
        change(self);
        if untouched {
            [self.subnet, self.gateway, self.range] = self.start();
        }
    }
    /// What subnet, gateway and range begin with: those of the LAN of its parent. A container behind a
    /// router of its own (ipvlan l3) cannot have them.
    fn start(&self) -> [String; 3] {
        let uplink = self.uplinks.iter().find(|u| self.on_parent() && u.name == self.parent);
        let uplink = uplink.filter(|_| !self.chosen_mode().starts_with("l3"));
        let Some((uplink, subnet)) = uplink.and_then(|u| Some((u, u.subnet?))) else {
            return Default::default();
        };
        let gateway = uplink.gateway.filter(|g| subnet.contains(g));
        [
            subnet.to_string(),
            gateway.map(|g| g.to_string()).unwrap_or_default(),
            upper(subnet).map(|r| r.to_string()).unwrap_or_default(),
        ]
    }
    /// What is wrong, field by field.
    pub fn problems(&self) -> NetworkProblems {
        let name = if !valid_name(&self.name) {
            Some("form.bad_name")
        } else if self.taken.contains(&self.name) {
            Some("form.name_taken")
        } else {
            None
        };
        let net = |text: &str| text.trim().parse::<Ipv4Net>().ok();
        let subnet = net(&self.subnet);
        let given = |text: &str| !text.trim().is_empty();
        let gateway = self.gateway.trim().parse::<Ipv4Addr>().ok();
        let within = |inside: bool| if inside { None } else { Some("form.not_in_subnet") };
        let parent = self.on_parent() && !self.parent.is_empty() && self.parent.parse::<IfName>().is_err();
        NetworkProblems {
            name,
            parent: parent.then_some("form.bad_interface"),
            subnet: (given(&self.subnet) && subnet.is_none()).then_some("form.bad_subnet"),
            gateway: match (given(&self.gateway), gateway, subnet) {
                (false, ..) => None,
                (true, None, _) => Some("form.bad_address"),
                (true, Some(gateway), subnet) => within(subnet.is_some_and(|s| s.contains(&gateway))),
            },
            range: match (given(&self.range), net(&self.range), subnet) {
                (false, ..) => None,
                (true, None, _) => Some("form.bad_subnet"),
                (true, Some(range), subnet) => within(subnet.is_some_and(|s| s.contains(&range))),
            },
        }
    }
    /// Nothing is wrong with what was typed, as far as the form can tell.
    pub fn is_ready(&self) -> bool {
        self.problems() == NetworkProblems::default()
    }
    /// The command that it is.
    pub fn command(&self) -> String {
        let mut words = vec!["docker network create".to_owned()];
        let mut flag = |name: &str, value: &str| {
            if !value.trim().is_empty() {
                words.push(format!("--{name} {}", value.trim()));
            }
        };
        flag("driver", if self.driver == "bridge" { "" } else { &self.driver });
        flag("subnet", &self.subnet);
        flag("gateway", &self.gateway);
        flag("ip-range", &self.range);
        if self.internal {
            words.push("--internal".to_owned());
        }
        if self.attachable && self.driver == "overlay" {
            words.push("--attachable".to_owned());
        }
        if !self.icc && self.driver == "bridge" {
            words.push("--opt com.docker.network.bridge.enable_icc=false".to_owned());
        }
        if self.on_parent() && !self.parent.is_empty() {
            words.push(format!("--opt parent={}", quote(&self.parent)));
        }
        if !modes(&self.driver).is_empty() && !self.mode.is_empty() {
            words.push(format!("--opt {}_mode={}", self.driver, self.mode));
        }
        words.extend(oneword::values(&self.options).map(|o| format!("--opt {o}")));
        words.push(self.name.trim().to_owned());
        words.join(" ")
    }
}

/// A range in the upper part of a subnet, away from what a router gives out by itself.
fn upper(subnet: Ipv4Net) -> Option<Ipv4Net> {
    let len = subnet.prefix_len();
    let base = u32::from(subnet.network()).checked_add(((1u64 << (32 - len)) / 4 * 3) as u32)?;
    (8..=27).contains(&len).then(|| Ipv4Net::new(base.into(), len + 3).ok()).flatten()
}

/// The interfaces of a host that others can stand on: its ports and VLAN sub-interfaces.
fn uplinks(session: &Session, node: &Node) -> Vec<Uplink> {
    let Some(ns) = session.world.namespace(node.ns) else { return Vec::new() };
    let port = |kind: &DeviceKind| match kind {
        DeviceKind::Ethernet => true,
        DeviceKind::Upper { kind, .. } => matches!(kind, crate::stack::UpperKind::Vlan(_)),
        _ => false,
    };
    let routes = ns.routes();
    let all = ns.devices().filter(|d| port(&d.kind)).map(|d| Uplink {
        name: d.name.to_string(),
        subnet: d.addrs.first().map(Ipv4Net::trunc),
        gateway: routes
            .iter()
            .find(|r| r.prefix.prefix_len() == 0 && r.dev == Some(d.index))
            .and_then(|r| r.via),
    });
    all.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eth0() -> Uplink {
        Uplink {
            name: "eth0".into(),
            subnet: "192.168.0.0/24".parse().ok(),
            gateway: "192.168.0.1".parse().ok(),
        }
    }

    #[test]
    fn a_network_has_its_gateway_and_range_in_its_subnet() {
        let mut form = NetworkForm::new("h", vec!["net2".into()], vec![]);
        assert_eq!(form.command(), "docker network create net3");
        form.subnet = "10.9.0.0/16".into();
        form.gateway = "10.9.0.254".into();
        form.range = "10.9.5.0/24".into();
        (form.internal, form.icc) = (true, false);
        form.options = "com.docker.network.driver.mtu=1400".into();
        assert_eq!(
            form.command(),
            "docker network create --subnet 10.9.0.0/16 --gateway 10.9.0.254 --ip-range 10.9.5.0/24 --internal \
             --opt com.docker.network.bridge.enable_icc=false --opt com.docker.network.driver.mtu=1400 net3"
        );
        assert!(form.is_ready(), "{:?}", form.problems());
        form.gateway = "10.8.0.1".into();
        assert_eq!(form.problems().gateway, Some("form.not_in_subnet"));
        form.gateway = "gateway".into();
        assert_eq!(form.problems().gateway, Some("form.bad_address"));
    }

    #[test]
    fn a_parent_is_the_name_of_an_interface_and_never_a_second_command() {
        let mut form = NetworkForm::new("h", vec![], vec![eth0()]);
        form.take_driver("macvlan");
        for (parent, bad) in [
            ("eth0; docker rm -f web", true),
            ("eth0/1", true),
            ("an-interface-that-is-long", true),
            ("eth0.10", false),
            ("", false),
        ] {
            form.take_parent(parent);
            assert_eq!(form.problems().parent.is_some(), bad, "{parent}");
        }
        // The kernel takes such a name; the shell must not.
        form.take_parent("eth0;id");
        form.options = "macvlan_mode=vepa&id".into();
        let line = form.command();
        assert!(
            form.is_ready() && line.contains("--opt parent='eth0;id' --opt 'macvlan_mode=vepa&id'"),
            "{line}"
        );
        form.take_driver("bridge");
        form.take_parent("no name");
        assert!(form.is_ready(), "a bridge has no parent");
    }

    #[test]
    fn a_network_on_an_interface_begins_with_the_lan_that_is_there() {
        let mut form = NetworkForm::new("h", vec![], vec![eth0()]);
        form.take_driver("macvlan");
        assert_eq!(
            form.command(),
            "docker network create --driver macvlan --subnet 192.168.0.0/24 --gateway 192.168.0.1 \
             --ip-range 192.168.0.192/27 --opt parent=eth0 net2"
        );
        form.take_driver("ipvlan");
        form.take_mode("l3");
        assert_eq!(
            form.command(),
            "docker network create --driver ipvlan --opt parent=eth0 --opt ipvlan_mode=l3 net2"
        );
        form.take_mode("l2");
        assert!(
            form.subnet == "192.168.0.0/24" && form.mode.is_empty(),
            "the usual mode goes without saying"
        );
        form.take_parent("eth0.10");
        assert_eq!(form.subnet, "", "another LAN");
        form.subnet = "10.10.0.0/24".into();
        form.take_driver("overlay");
        assert_eq!(
            form.command(),
            "docker network create --driver overlay --subnet 10.10.0.0/24 --attachable net2",
            "what was typed stays"
        );
    }
}
