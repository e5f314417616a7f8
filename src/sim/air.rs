//! Wi-Fi, as far as IP notices: an access point's radio has any number of links, one for each
//! station that joined.
//!
//! ```text
//!   station ─┐
//!   station ─┼─ access point's radio ─ its bridge
//!   station ─┘
//! ```
//! What the access point sends to one station goes to that one; to everybody, as a copy to each.
//! What a station sends to another is handed on by the access point without its bridge, as
//! mac80211 does (net/mac80211/rx.c, ieee80211_deliver_skb), and a station may only speak with its
//! own address: that is why bridges and macvlan do not work over Wi-Fi.
//! Not supported: the radio itself (bit rates, collisions, roaming, encryption).

use super::link::Plug;
use super::{LinkId, LinkSpec, World};
use crate::stack::{ConfigError, DevRef, DeviceKind, DropReason, Step};
use crate::wire::fmt::EthernetFrame;
use crate::wire::{Frame, Mac};

impl World {
    /// A station joins an access point; both devices are Ethernet.
    ///
    /// # Errors
    /// `NoDevice`; `NotSupported`; `Busy` if the station has joined one already, or the access
    /// point's device has a cable.
    pub fn associate(
        &mut self,
        station: DevRef,
        point: DevRef,
        spec: LinkSpec,
    ) -> Result<LinkId, ConfigError> {
        for end in [station, point] {
            let device = self.namespace(end.ns).and_then(|ns| ns.device(end.dev));
            let device = device.ok_or_else(|| ConfigError::NoDevice(format!("if{}", end.dev.0)))?;
            if !matches!(device.kind, DeviceKind::Ethernet) {
                return Err(ConfigError::NotSupported);
            }
        }
        let cabled = self.plug_of(point).is_some() && !self.air.contains_key(&point);
        if station == point || cabled || self.plug_of(station).is_some() || self.air.contains_key(&station) {
            return Err(ConfigError::Busy);
        }
        let mut stations = self.air.remove(&point).unwrap_or_default();
        let link = self.join(station, point, spec);
        stations.push(Plug { link, to: station });
        self.air.insert(point, stations);
        self.refresh_air(point);
        Ok(link)
    }

    /// The stations of an access point, in the order they joined.
    fn stations(&self, point: DevRef) -> &[Plug] {
        self.air.get(&point).map_or(&[], Vec::as_slice)
    }

    /// Whether the device is an access point with this link.
    pub(super) fn on_air(&self, point: DevRef, link: LinkId) -> bool {
        self.stations(point).iter().any(|p| p.link == link)
    }

    /// A station's link is gone.
    pub(super) fn leave_air(&mut self, point: DevRef, link: LinkId) {
        let Some(stations) = self.air.get_mut(&point) else { return };
        stations.retain(|p| p.link != link);
        let first = stations.first().copied();
        if first.is_none() {
            self.air.remove(&point);
        }
        *self.plug_slot(point) = first;
        self.refresh_air(point);
    }

    /// A station has carrier while its link and both ends are up; the access point while any has.
    pub(super) fn refresh_air(&mut self, point: DevRef) {
        let is_up = |w: &Self, end: DevRef| {
            w.namespace(end.ns).and_then(|ns| ns.device(end.dev)).is_some_and(|d| d.up)
        };
        let mut any = false;
        for plug in self.stations(point).to_vec() {
            let up = self.link(plug.link).is_some_and(|l| l.spec.up);
            let carrier = up && is_up(self, point) && is_up(self, plug.to);
            any |= carrier;
            self.with_raw(plug.to.ns, |ns, cx| ns.set_carrier(plug.to.dev, carrier, cx));
        }
        self.with_raw(point.ns, |ns, cx| {
            ns.set_peer(point.dev, None);
            ns.set_carrier(point.dev, any, cx);
        });
    }

    /// The access point sends.
    pub(super) fn transmit_air(&mut self, point: DevRef, frame: Frame) {
        let dst = Mac::from(EthernetFrame::new_unchecked(&frame.bytes[..]).dst_addr());
        self.spread(point, None, dst, frame);
    }

    /// Puts a frame on the air for whom it is meant, but not back to `from`.
    fn spread(&mut self, point: DevRef, from: Option<DevRef>, dst: Mac, mut frame: Frame) {
        let mac =
            |w: &Self, end: DevRef| w.namespace(end.ns).and_then(|ns| ns.device(end.dev)).map(|d| d.mac);
        let mut wanted: Vec<Plug> = self
            .stations(point)
            .iter()
            .copied()
            .filter(|p| Some(p.to) != from && (dst.is_group() || mac(self, p.to) == Some(dst)))
            .collect();
        let Some(last) = wanted.pop() else {
            return self.lose(point.dev, &frame, DropReason::NoStation { mac: dst });
        };
        for plug in wanted {
            let id = self.ids.next_id();
            self.log.packet(id, Step::Copied { of: frame.id });
            let copy = Frame::new(id, frame.bytes.clone());
            self.put_on(point, plug, copy);
        }
        frame.bytes.shrink_to_fit();
        self.put_on(point, last, frame);
    }

    /// A frame of a station arrived at the access point. Some: it is for the access point itself
    /// (or for all).
    pub(super) fn heard_from_station(&mut self, point: DevRef, link: LinkId, frame: Frame) -> Option<Frame> {
        let station = self.stations(point).iter().find(|p| p.link == link)?.to;
        let ether = EthernetFrame::new_unchecked(&frame.bytes[..]);
        let (src, dst) = (Mac::from(ether.src_addr()), Mac::from(ether.dst_addr()));
        let mac =
            |w: &Self, end: DevRef| w.namespace(end.ns).and_then(|ns| ns.device(end.dev)).map(|d| d.mac);
        if mac(self, station) != Some(src) {
            self.lose(point.dev, &frame, DropReason::NotTheStation { mac: src });
            return None;
        }
        if dst.is_group() {
            if self.stations(point).len() > 1 {
                let id = self.ids.next_id();
                self.log.packet(id, Step::Copied { of: frame.id });
                let copy = Frame::new(id, frame.bytes.clone());
                self.spread(point, Some(station), dst, copy);
            }
            return Some(frame);
        }
        let other = self.stations(point).iter().any(|p| p.to != station && mac(self, p.to) == Some(dst));
        if other {
            self.spread(point, Some(station), dst, frame);
            return None;
        }
        Some(frame)
    }
}
