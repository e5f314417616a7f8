//! Places, containers and interfaces by the names that a cause speaks of.

use std::net::Ipv4Addr;

use super::Smith;
use crate::docker::Container;
use crate::explain::why::story::Story;
use crate::session::Node;
use crate::stack::{DevRef, Device, DeviceKind, NsId};
use crate::wire::Protocol;

impl<'a> Smith<'a> {
    /// The container at `NODE:CONTAINER`.
    pub(super) fn container(&self, place: &str) -> Option<(&'a Node, &'a Container)> {
        let (node, name) = place.split_once(':')?;
        self.atlas.containers().find(|(n, c)| n.config.id == node && c.name == name)
    }
    /// A container by its name, on the attempt's own host first.
    pub(super) fn named(&self, name: &str) -> Option<(&'a Node, &'a Container)> {
        let name = name.rsplit(':').next().unwrap_or(name);
        let home = self.job.place.split(':').next().unwrap_or_default();
        let mut all: Vec<_> = self.atlas.containers().filter(|(_, c)| c.name == name).collect();
        all.sort_by_key(|(n, _)| n.config.id != home);
        all.first().copied()
    }
    /// The container on the host's own network whose program listens on a port there.
    pub(super) fn listener_on_host(&self, place: &str, port: u16) -> Option<(&'a Node, &'a Container)> {
        let node = self.atlas.session.node(place).ok()?;
        let all = self.atlas.listeners(node.ns, Protocol::Tcp, port);
        self.named(&all.iter().find_map(|s| self.atlas.owner_name(s))?)
    }
    pub(super) fn asker_container(&self, place: &str) -> Option<(&'a Node, &'a Container)> {
        self.container(place).or_else(|| self.named(place))
    }
    pub(super) fn ns(&self, place: &str) -> Option<NsId> {
        match self.container(place) {
            Some((_, c)) => self.atlas.ns_of(c),
            None => self.atlas.session.node(place).ok().map(|n| n.ns),
        }
    }
    /// The first interface of a place that is not a loopback.
    pub(super) fn port_of(&self, place: &str, dev: &str) -> Option<DevRef> {
        let ns = self.ns(place)?;
        Some(DevRef { ns, dev: self.atlas.ns(ns)?.device_named(dev)?.index })
    }
    /// The address that the attempt was about.
    pub(super) fn asked_addr(&self, story: &Story) -> Option<Ipv4Addr> {
        story.asks().filter_map(|a| a.flow()).next_back().map(|f| f.dst.addr)
    }
    /// A node's own address on its first cable.
    pub(super) fn host_addr(&self, node: &str) -> Option<Ipv4Addr> {
        let ns = self.atlas.ns(self.atlas.session.node(node).ok()?.ns)?;
        let own = |d: &&Device| matches!(d.kind, DeviceKind::Ethernet) && !d.addrs.is_empty();
        Some(ns.devices().find(own)?.addrs.first()?.addr())
    }
    /// The port that the attempt was about: the last one that it asked for.
    pub(super) fn asked_port(&self, story: &Story) -> Option<u16> {
        story.asks().filter_map(|a| a.flow()).rfind(|f| f.proto == Protocol::Tcp).map(|f| f.dst.port)
    }
}
