//! A computer, server, DNS server or Docker host: how each port comes by its address, which Wi-Fi
//! it joins, and what a DNS server knows.

use super::dns::DnsForm;
use super::{Settings, Wrong, joined, read, read_addresses, read_net};
use crate::app::cable::{self, End};
use crate::lab::{Edit, Lab};
use crate::session::{LinkConfig, NodeConfig, NodeKind, PortConfig, Wifi};
use crate::wire::IfName;

/// How a port comes by its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It asks.
    Dhcp,
    /// Somebody typed it.
    Fixed,
    /// It has none.
    None,
}

/// A port, as typed.
#[derive(Debug, Clone, PartialEq)]
pub struct PortRow {
    /// Its name.
    pub name: IfName,
    /// See there.
    pub how: How,
    /// With its prefix length; of [`How::Fixed`].
    pub address: String,
    /// It is a radio.
    pub radio: bool,
    /// What is at the other end.
    pub other: Option<End>,
    /// Of a radio: which of [`MachineForm::nets`] it joins.
    pub joins: Option<usize>,
}

/// A machine's form.
#[derive(Debug, Clone, PartialEq)]
pub struct MachineForm {
    /// Its id.
    pub node: String,
    /// What it is.
    pub kind: NodeKind,
    /// Its interfaces.
    pub ports: Vec<PortRow>,
    /// Of fixed addresses.
    pub gateway: String,
    /// Between commas.
    pub resolvers: String,
    /// Wi-Fi networks that could be joined: access points.
    pub nets: Vec<End>,
    /// A DNS server's part, with the service's number.
    pub dns: Option<(usize, DnsForm)>,
    base: NodeConfig,
}

impl MachineForm {
    /// Filled with what the node has.
    pub fn new(lab: &Lab, node: &NodeConfig) -> Self {
        let points = lab.nodes.iter().filter(|n| n.id != node.id).flat_map(|n| {
            let radio = |p: &&PortConfig| p.wifi == Some(Wifi::AccessPoint);
            n.ports.iter().filter(radio).map(|p| (n.id.clone(), p.name))
        });
        let nets: Vec<End> = points.collect();
        let row = |p: &PortConfig| {
            let other = cable::other_end(lab, &node.id, p.name);
            PortRow {
                name: p.name,
                how: match (p.dhcp, p.address) {
                    (true, _) => How::Dhcp,
                    (false, Some(_)) => How::Fixed,
                    (false, None) => How::None,
                },
                address: p.address.map(|a| a.to_string()).unwrap_or_default(),
                radio: p.wifi == Some(Wifi::Station),
                joins: other.as_ref().and_then(|o| nets.iter().position(|n| n == o)),
                other,
            }
        };
        let own = node.ports.iter().filter(|p| p.bridge.is_none());
        let public = lab.nodes.iter().find(|n| n.kind == NodeKind::Dns && n.id != node.id);
        let public = public.and_then(|n| n.ports.iter().find_map(|p| p.address));
        let public = public.map_or_else(|| "8.8.8.8".to_owned(), |a| a.addr().to_string());
        let dns = (node.kind == NodeKind::Dns)
            .then(|| node.services.iter().enumerate().find_map(|(i, s)| Some((i, DnsForm::of(s, &public)?))))
            .flatten();
        Self {
            node: node.id.clone(),
            kind: node.kind,
            ports: own.map(row).collect(),
            gateway: node.gateway.map(|g| g.to_string()).unwrap_or_default(),
            resolvers: joined(&node.resolvers),
            nets,
            dns,
            base: node.clone(),
        }
    }

    /// Is an address typed by hand, so that the gateway has to be too?
    pub fn by_hand(&self) -> bool {
        self.ports.iter().any(|p| p.how == How::Fixed)
    }

    fn config(&self, wrong: &mut Vec<Wrong>) -> NodeConfig {
        let mut node = self.base.clone();
        for row in &self.ports {
            let Some(port) = node.ports.iter_mut().find(|p| p.name == row.name) else { continue };
            port.dhcp = row.how == How::Dhcp;
            port.address = match row.how {
                How::Fixed => read_net(wrong, &format!("address-{}", row.name), &row.address),
                How::Dhcp | How::None => None,
            };
        }
        let gateway = self.gateway.trim();
        node.gateway = match gateway {
            "" => None,
            _ if !self.by_hand() => None,
            text => read(wrong, "gateway", text, "form.bad_address"),
        };
        node.resolvers = read_addresses(wrong, "resolvers", &self.resolvers);
        if let Some((i, dns)) = &self.dns
            && let Some(service) = dns.service(wrong)
        {
            node.services[*i] = service;
        }
        node
    }

    /// What changes of the radio links.
    fn joining(&self) -> Vec<Edit> {
        let mut edits = Vec::new();
        for row in self.ports.iter().filter(|r| r.radio) {
            let wanted = row.joins.and_then(|i| self.nets.get(i));
            if wanted == row.other.as_ref() {
                continue;
            }
            if row.other.is_some() {
                edits.push(Edit::RemoveLink { node: self.node.clone(), port: row.name });
            }
            if let Some(point) = wanted {
                edits.push(Edit::AddLink(LinkConfig::new((self.node.clone(), row.name), point.clone())));
            }
        }
        edits
    }
}

impl Settings for MachineForm {
    fn wrong(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        self.config(&mut wrong);
        wrong
    }
    fn edit(&self) -> Option<Edit> {
        let mut wrong = Vec::new();
        let node = self.config(&mut wrong);
        if !wrong.is_empty() {
            return None;
        }
        let mut edits = vec![Edit::SetNode(Box::new(node))];
        edits.extend(self.joining());
        Some(crate::app::arrange::one(edits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_address_is_typed_with_its_prefix_and_a_gateway() {
        let lab = Lab::builtin("home").unwrap();
        let laptop = lab.nodes.iter().find(|n| n.id == "laptop").unwrap();
        let mut form = MachineForm::new(&lab, laptop);
        assert_eq!((form.ports[0].how, form.by_hand()), (How::Fixed, true));
        form.ports[0].address = "192.168.0.77".into();
        assert_eq!(form.wrong(), [("address-eth0".to_owned(), "form.bad_net")]);
        form.ports[0].address = "192.168.0.77/24".into();
        form.gateway = "192.168.0.l".into();
        assert_eq!(form.wrong(), [("gateway".to_owned(), "form.bad_address")]);
        form.ports[0].how = How::Dhcp;
        let Some(Edit::SetNode(node)) = form.edit() else { panic!("{:?}", form.wrong()) };
        assert_eq!((node.ports[0].dhcp, node.ports[0].address, node.gateway), (true, None, None));
    }
}
