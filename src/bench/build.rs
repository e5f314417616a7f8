//! The parts that the items' worlds are made of.

use crate::guest::MachineId;
use crate::sim::{LinkSpec, World};
use crate::stack::{ConfigError, Cx, DevRef, DeviceKind, NetNs, NsId, Route, RouteKind, Scope};
use crate::wire::{IfIndex, IfName, Ipv4Addr, Ipv4Net, Mac};

/// Gives MAC addresses out and makes devices; every mistake here is ours.
pub(super) struct Builder {
    pub world: World,
    macs: u32,
}

impl Builder {
    /// An empty World; `trace`: its log keeps what happens.
    pub fn new(trace: bool) -> Self {
        let mut world = World::new(1);
        if !trace {
            world.log.set_sink(crate::stack::Sink::Mute);
        }
        Self { world, macs: 0 }
    }

    fn mac(&mut self) -> Mac {
        self.macs += 1;
        let [a, b, c, d] = self.macs.to_be_bytes();
        Mac([2, 1, a, b, c, d])
    }

    pub fn with<R>(
        &mut self,
        ns: NsId,
        f: impl FnOnce(&mut NetNs, &mut Cx<'_>) -> Result<R, ConfigError>,
    ) -> R {
        self.world.with(ns, f).expect("it was made above").expect("a plain set-up")
    }

    fn device(&mut self, ns: NsId, dev: &str, kind: DeviceKind) -> IfIndex {
        let mac = self.mac();
        self.with(ns, |ns, cx| {
            let dev = ns.add_device(name(dev), mac, kind, cx)?;
            ns.set_up(dev, true, cx)?;
            Ok(dev)
        })
    }

    pub fn bridge(&mut self, ns: NsId, dev: &str) -> IfIndex {
        self.device(ns, dev, DeviceKind::Bridge(Box::default()))
    }

    pub fn port(&mut self, ns: NsId, dev: &str) -> DevRef {
        DevRef { ns, dev: self.device(ns, dev, DeviceKind::Ethernet) }
    }

    pub fn cable(&mut self, a: DevRef, b: DevRef) {
        self.world.plug(a, b, LinkSpec::CABLE).expect("two free ports");
    }

    pub fn enslave(&mut self, port: DevRef, bridge: IfIndex) {
        self.with(port.ns, |ns, cx| ns.set_master(port.dev, Some(bridge), cx));
    }

    pub fn address(&mut self, ns: NsId, dev: IfIndex, net: Ipv4Net) {
        self.with(ns, |ns, cx| ns.add_addr(dev, net, cx));
    }

    pub fn gateway(&mut self, ns: NsId, via: Ipv4Addr) {
        let route = Route {
            prefix: Ipv4Net::default(),
            kind: RouteKind::Unicast,
            via: Some(via),
            dev: None,
            src: None,
            scope: Scope::Global,
            kernel: false,
            metric: 0,
        };
        self.with(ns, |ns, cx| ns.add_route(route, cx));
    }

    pub fn forwarding(&mut self, ns: NsId) {
        self.with(ns, |ns, _| {
            ns.sysctl.ip_forward = true;
            Ok(())
        });
    }

    /// An iptables command line without the word iptables.
    pub fn rule(&mut self, ns: NsId, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let done = self.world.with(ns, |ns, cx| ns.iptables(&words, cx));
        done.expect("it was made above").expect("a rule that iptables takes");
    }

    /// A container: a namespace with `eth0`, a veth pair into `bridge` of `host`, an address and a
    /// default route, and a machine.
    pub fn container(
        &mut self,
        (host, bridge): (NsId, IfIndex),
        number: u32,
        addr: Ipv4Net,
        gateway: Ipv4Addr,
    ) -> MachineId {
        let ns = self.world.add_namespace();
        let (outer, inner) = (self.mac(), self.mac());
        let veth = name(&format!("veth{number}"));
        let (port, eth0) = self
            .world
            .add_veth((host, veth, outer), (ns, name("eth0"), inner))
            .expect("a name that nobody has");
        self.with(host, |ns, cx| {
            ns.set_master(port, Some(bridge), cx)?;
            ns.set_up(port, true, cx)
        });
        self.with(ns, |ns, cx| {
            ns.add_addr(eth0, addr, cx)?;
            ns.set_up(eth0, true, cx)
        });
        self.gateway(ns, gateway);
        self.world.add_machine(ns, "container")
    }
}

pub(super) fn name(text: &str) -> IfName {
    text.parse().expect("a short name")
}

pub(super) fn net(addr: impl Into<Ipv4Addr>, prefix: u8) -> Ipv4Net {
    Ipv4Net::new(addr.into(), prefix).expect("a prefix length")
}
