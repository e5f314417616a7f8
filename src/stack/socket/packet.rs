//! Packet sockets: whole frames, as they pass the devices (net/packet/af_packet.c).

use super::super::{Cx, Errno, NetNs, Step};
use super::errors::ETHERNET;
use super::table::ANY;
use super::{Datagram, SocketId, SocketKind};
use crate::wire::fmt::EthernetFrame;
use crate::wire::{Frame, IfIndex};

const ARP: u16 = 0x0806;

impl NetNs {
    /// Frames that pass `dev`, for those who listen there. No packet's fate: they get copies.
    pub(in crate::stack) fn deliver_to_packet_sockets(
        &mut self,
        dev: IfIndex,
        frame: &[u8],
        outgoing: bool,
        cx: &mut Cx<'_>,
    ) {
        if frame.len() < ETHERNET {
            return;
        }
        let is_arp = u16::from(EthernetFrame::new_unchecked(frame).ethertype()) == ARP;
        for at in 0..self.sockets.packet_sockets().len() {
            let id = self.sockets.packet_sockets()[at];
            let Some(socket) = self.sockets.get_mut(id) else { continue };
            let wrong_device = socket.options.device.is_some_and(|d| d != dev);
            let wrong_type = matches!(socket.kind, SocketKind::Packet { arp_only: true }) && !is_arp;
            if wrong_device || wrong_type {
                continue;
            }
            let datagram = Datagram { from: ANY, to: ANY.addr, ttl: 0, dev, outgoing, data: frame.to_vec() };
            if socket.datagrams().is_some_and(|d| d.push(datagram)) {
                self.wake(id, cx);
            }
        }
    }

    /// Whether there is any packet socket.
    pub(in crate::stack) fn has_packet_sockets(&self) -> bool {
        !self.sockets.packet_sockets().is_empty()
    }

    /// Sends `data` as a whole frame from the device that the socket is bound to.
    pub(super) fn packet_send(&mut self, id: SocketId, data: &[u8], cx: &mut Cx<'_>) -> Result<usize, Errno> {
        let socket = self.sockets.demand(id)?;
        let dev = socket.options.device.ok_or(Errno::NoDev)?;
        let by = socket.owner;
        if data.len() < ETHERNET {
            return Err(Errno::Invalid);
        }
        let frame = Frame::new(cx.ids.next_id(), data.to_vec());
        cx.log.packet(frame.id, Step::Sent { by });
        self.dev_xmit(dev, frame, cx);
        Ok(data.len())
    }
}
