//! What reaches from one namespace into another without a link: devices that stand on others
//! (VLAN, macvlan, ipvlan) and VXLAN envelopes. The drivers decide ([`crate::stack::up`],
//! [`crate::stack::down`]); the World carries out.
//!
//! Down to the wire a frame goes at once, as a function call does in the kernel. Up to a device it
//! goes through the queue (netif_rx), so that two stacks that answer each other do not recurse.

use super::queue::Arrival;
use super::{LinkSpec, World};
use crate::stack::{self, MAX_NEST};
use crate::stack::{
    Beyond, ConfigError, DevRef, DeviceKind, Down, DropReason, NsId, Step, TunnelEnd, Up, Upper, UpperKind,
};
use crate::time::Duration;
use crate::wire::{Frame, IfIndex, IfName, Mac};

/// How long a frame takes from one device to another of the same machine.
const HANDING: Duration = Duration::from_micros(1);
/// Devices that may call one another while a frame goes down (XMIT_RECURSION_LIMIT).
const MAX_DEPTH: u8 = 8;

impl World {
    /// Does what `from`'s devices ask of others.
    pub(super) fn beyond(&mut self, from: NsId, what: Beyond) {
        match what {
            Beyond::Down { dev, parent, frame } => self.guarded(from, frame, |world, frame| {
                world.down(DevRef { ns: from, dev }, parent, frame);
            }),
            Beyond::Up { dev, frame } => self.up(DevRef { ns: from, dev }, frame),
            Beyond::Tunnel { underlay, envelope } => {
                let id = envelope.frame.id;
                let frame = Frame::new(id, Vec::new());
                let mut envelope = Some(envelope);
                self.guarded(from, frame, |world, frame| {
                    let Some(envelope) = envelope.take() else { return };
                    let room = world.namespace(underlay).map(|ns| ns.tunnel_room(envelope.remote));
                    if let Some(room) = room.filter(|room| stack::is_too_long(&envelope.frame, *room)) {
                        // The device is there: it sent the frame.
                        world.with_raw(from, |ns, cx| {
                            ns.tunnel_too_small(envelope.dev, &envelope.frame, room, cx);
                        });
                        return;
                    }
                    if world.with_raw(underlay, |ns, cx| ns.send_envelope(envelope, cx)).is_none() {
                        world.gone(from, &frame);
                    }
                });
            }
            Beyond::Untunnel { to, remote, frame } => {
                let id = frame.id;
                let done = self.with_raw(to.ns, |ns, cx| ns.receive_from_tunnel(to.dev, remote, frame, cx));
                if done.is_none() {
                    self.gone(from, &Frame::new(id, Vec::new()));
                }
            }
            Beyond::Stacked { dev } => self.stacked(DevRef { ns: from, dev }),
            Beyond::Unstacked { dev, kind } => self.unstacked(DevRef { ns: from, dev }, &kind),
            Beyond::Pair { a, b } => {
                let end = |dev| DevRef { ns: from, dev };
                self.join(end(a), end(b), LinkSpec::VETH);
            }
            // It was there when it was asked for.
            Beyond::Delete { dev } => drop(self.delete_device(DevRef { ns: from, dev })),
        }
    }

    /// Bounds how deep devices call one another: a tunnel that leads through itself ends here.
    fn guarded(&mut self, from: NsId, frame: Frame, f: impl FnOnce(&mut Self, Frame)) {
        if self.depth >= MAX_DEPTH {
            self.log.at(self.now, from);
            return self.log.packet(frame.id, Step::Dropped { dev: None, reason: DropReason::StormLimit });
        }
        self.depth += 1;
        f(self, frame);
        self.depth -= 1;
    }

    fn gone(&mut self, ns: NsId, frame: &Frame) {
        self.log.at(self.now, ns);
        self.log.packet(frame.id, Step::Dropped { dev: None, reason: DropReason::NamespaceGone });
    }

    // ---- frames

    fn uppers_of(&self, parent: DevRef) -> Vec<Upper> {
        let all = self.uppers.get(&parent).map_or(&[][..], Vec::as_slice);
        all.iter().filter_map(|at| self.namespace(at.ns)?.device(at.dev)?.as_upper(at.ns)).collect()
    }

    fn down(&mut self, from: DevRef, parent: DevRef, mut frame: Frame) {
        let all = self.uppers_of(parent);
        let Some(own) = all.iter().find(|u| u.dev == from) else {
            return self.drop_at(from, &frame, DropReason::DeviceDown);
        };
        match stack::down(own, &all, &frame.bytes) {
            Down::Wire => self.onto_wire(from, parent, frame),
            Down::Tagged(id) => {
                stack::tag(&mut frame.bytes, id);
                self.log.at(self.now, from.ns);
                self.log.packet(frame.id, Step::Vlan { dev: from.dev, id, tagged: true });
                self.onto_wire(from, parent, frame);
            }
            Down::Sibling(to) => self.hand(from, to, frame),
            Down::SiblingsAndWire(siblings) => {
                for to in siblings {
                    let copy = self.copy_of(from.ns, &frame);
                    self.hand(from, to, copy);
                }
                self.onto_wire(from, parent, frame);
            }
            Down::Parent => {
                // dev_forward_skb: the parent's own stack, past those that stand on it
                self.note_handed(from, parent, &mut frame, Duration::ZERO);
                self.with_raw(parent.ns, |ns, cx| ns.pass_up(parent.dev, frame, cx));
            }
            Down::Routed => {
                self.note_handed(from, parent, &mut frame, Duration::ZERO);
                self.with_raw(parent.ns, |ns, cx| ns.output_for_upper(frame, cx));
            }
            Down::Drop(reason) => self.drop_at(from, &frame, reason),
        }
    }

    fn up(&mut self, at: DevRef, mut frame: Frame) {
        let all = self.uppers_of(at);
        match stack::up(&all, &frame.bytes) {
            Up::Own => drop(self.with_raw(at.ns, |ns, cx| ns.pass_up(at.dev, frame, cx))),
            Up::Child(to) => self.hand(at, to, frame),
            Up::Untagged(to) => {
                let id = stack::vlan_id(&frame.bytes).unwrap_or_default();
                stack::untag(&mut frame.bytes);
                self.log.at(self.now, at.ns);
                self.log.packet(frame.id, Step::Vlan { dev: at.dev, id, tagged: false });
                self.hand(at, to, frame);
            }
            Up::ChildrenAndOwn(children) => {
                for to in children {
                    let copy = self.copy_of(at.ns, &frame);
                    self.hand(at, to, copy);
                }
                self.with_raw(at.ns, |ns, cx| ns.pass_up(at.dev, frame, cx));
            }
        }
    }

    fn onto_wire(&mut self, from: DevRef, parent: DevRef, mut frame: Frame) {
        self.note_handed(from, parent, &mut frame, Duration::ZERO);
        self.with_raw(parent.ns, |ns, cx| ns.send_frame(parent.dev, frame, cx));
    }

    fn copy_of(&mut self, ns: NsId, frame: &Frame) -> Frame {
        let id = self.ids.next_id();
        self.log.at(self.now, ns);
        self.log.packet(id, Step::Copied { of: frame.id });
        Frame::new(id, frame.bytes.clone())
    }

    fn note_handed(&mut self, from: DevRef, to: DevRef, frame: &mut Frame, after: Duration) {
        self.log.at(self.now, from.ns);
        let bytes = self.log.keep_bytes(&mut frame.bytes);
        let arrives = self.now + after;
        self.log.packet(frame.id, Step::Handed { dev: from.dev, to, arrives, bytes });
    }

    /// Through the queue to a device above.
    fn hand(&mut self, from: DevRef, to: DevRef, mut frame: Frame) {
        self.note_handed(from, to, &mut frame, HANDING);
        self.frames += 1;
        self.handed += 1;
        self.queue.push_after(self.now, HANDING, Arrival { to, link: None, frame });
    }

    /// A frame comes out of the queue at `to`.
    pub(super) fn handed(&mut self, to: DevRef, frame: Frame) {
        let id = frame.id;
        if self.with_raw(to.ns, |ns, cx| ns.receive(to.dev, frame, cx)).is_none() {
            self.gone(to.ns, &Frame::new(id, Vec::new()));
        }
    }

    fn drop_at(&mut self, at: DevRef, frame: &Frame, reason: DropReason) {
        self.log.at(self.now, at.ns);
        self.log.packet(frame.id, Step::Dropped { dev: Some(at.dev), reason });
    }

    // ---- set-up

    fn stacked(&mut self, at: DevRef) {
        let kind = self.namespace(at.ns).and_then(|ns| ns.device(at.dev)).map(|d| d.kind.clone());
        match kind {
            Some(DeviceKind::Upper { parent, .. }) => {
                self.uppers.entry(parent).or_default().push(at);
                self.count_uppers(parent);
                self.refresh_upper(parent, at);
            }
            Some(DeviceKind::Vxlan(v)) => {
                let end = TunnelEnd { port: v.port, vni: v.vni, dev: at };
                self.with_raw(v.underlay, |ns, _| ns.set_tunnel(end, true));
            }
            _ => {}
        }
    }

    fn unstacked(&mut self, at: DevRef, kind: &DeviceKind) {
        match kind {
            DeviceKind::Upper { parent, .. } => {
                if let Some(all) = self.uppers.get_mut(parent) {
                    all.retain(|u| *u != at);
                }
                self.count_uppers(*parent);
            }
            DeviceKind::Vxlan(v) => {
                let end = TunnelEnd { port: v.port, vni: v.vni, dev: at };
                self.with_raw(v.underlay, |ns, _| ns.set_tunnel(end, false));
            }
            _ => {}
        }
        for upper in self.uppers.remove(&at).unwrap_or_default() {
            let _ = self.delete_device(upper);
        }
    }

    fn count_uppers(&mut self, parent: DevRef) {
        let count = self.uppers.get(&parent).map_or(0, Vec::len);
        self.with_raw(parent.ns, |ns, _| ns.set_uppers(parent.dev, count));
    }

    /// Those on `parent` have carrier while it runs.
    pub(super) fn refresh_uppers(&mut self, parent: DevRef) {
        for upper in self.uppers.get(&parent).cloned().unwrap_or_default() {
            self.refresh_upper(parent, upper);
        }
    }

    fn refresh_upper(&mut self, parent: DevRef, upper: DevRef) {
        let running = self.namespace(parent.ns).and_then(|ns| ns.device(parent.dev));
        let running = running.is_some_and(|d| d.is_running());
        self.with_raw(upper.ns, |ns, cx| ns.set_carrier(upper.dev, running, cx));
        self.refresh_uppers(upper);
    }

    /// A device of `kind` in `ns` that stands on `parent`, down and without address. VLAN and ipvlan
    /// devices have their parent's MAC address; for a macvlan [`Mac::ZERO`] draws one.
    ///
    /// # Errors
    /// `NoDevice` if there is no such parent; `Invalid` on `lo` and for a second macvlan beside one in
    /// passthru mode; `Busy` where a macvlan and an ipvlan would share a parent, or one is a bridge's port;
    /// `Exists` for a second VLAN of the same id, or the name.
    pub fn add_upper(
        &mut self,
        ns: NsId,
        name: IfName,
        mac: Mac,
        parent: DevRef,
        kind: UpperKind,
    ) -> Result<IfIndex, ConfigError> {
        let device = self.namespace(parent.ns).and_then(|n| n.device(parent.dev));
        let device = device.ok_or_else(|| ConfigError::NoDevice(format!("if{}", parent.dev.0)))?;
        let (parent_mac, mtu, nest) = (device.mac, device.mtu, self.nesting(parent));
        stack::may_stand_on(device, kind, &self.uppers_of(parent))?;
        if nest >= MAX_NEST {
            return Err(ConfigError::Invalid);
        }
        let mac = match kind {
            UpperKind::Macvlan(_) => mac,
            _ => parent_mac,
        };
        let kind = DeviceKind::Upper { parent, kind };
        // Made beside its parent and moved, it keeps the number it got there.
        let number = match ns == parent.ns {
            true => None,
            false => self.with_raw(parent.ns, |n, _| n.reserve_index()),
        };
        let made = self.with(ns, |n, cx| {
            let dev = n.add_device_numbered(number, name, mac, kind, cx)?;
            n.set_mtu(dev, mtu, cx)?;
            Ok(dev)
        });
        made.ok_or(ConfigError::Invalid)?
    }

    fn nesting(&self, at: DevRef) -> usize {
        let parent = |at: DevRef| self.namespace(at.ns)?.device(at.dev)?.parent();
        std::iter::successors(Some(at), |at| parent(*at)).take(MAX_NEST).count()
    }
}
