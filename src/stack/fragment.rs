//! Fragments (RFC 791 §3.2; ip_output.c, ip_fragment.c): cut where a link is too narrow, put together
//! where the packet ends. Copied and completed packets have identities of their own.

use super::ipv4::{self, ETHER, HEADER};
use super::{Cx, DropReason, NetNs, Output, Step, TimerKind};
use crate::time::{Duration, Instant};
use crate::wire::Frame;
use std::net::Ipv4Addr;

/// How long the parts wait for the rest (net.ipv4.ipfrag_time).
const PATIENCE: Duration = Duration::from_secs(30);
/// Packets being put together at once, and parts of one.
const QUEUES: usize = 256;
const PARTS: usize = 128;

/// The parts of one packet, by offset.
#[derive(Debug, Clone)]
pub(super) struct Reassembly {
    key: (Ipv4Addr, Ipv4Addr, u8, u16),
    deadline: Instant,
    parts: Vec<Frame>,
}

/// (offset of its first byte, offset after its last, more to come)
fn range(frame: &Frame) -> (usize, usize, bool) {
    let packet = ipv4::view(&frame.bytes);
    let begin = usize::from(packet.frag_offset());
    (begin, begin + ipv4::payload(&frame.bytes).len(), packet.more_frags())
}

/// Whether the packet of a validated frame is a part of one.
#[inline]
pub(super) fn is_part(frame: &Frame) -> bool {
    let packet = ipv4::view(&frame.bytes);
    packet.more_frags() || packet.frag_offset() != 0
}

impl NetNs {
    /// Packets that wait for their other parts.
    pub(super) fn parts_held(&self) -> usize {
        self.reassembly.iter().map(|r| r.parts.len()).sum()
    }

    /// Cuts a packet for a link of `mtu` bytes. Each part is a copy with its own identity.
    pub(super) fn fragment(&mut self, frame: Frame, mtu: u32, cx: &mut Cx<'_>) -> Vec<Frame> {
        let header = usize::from(ipv4::view(&frame.bytes).header_len());
        let room = (mtu as usize).saturating_sub(header) & !7;
        if room == 0 || ipv4::view(&frame.bytes).dont_frag() {
            self.dropped(&frame, None, DropReason::TooBigForDevice, cx);
            return Vec::new();
        }
        let (first, _, more) = range(&frame);
        let data = ipv4::payload(&frame.bytes);
        let mut parts = Vec::new();
        for (i, piece) in data.chunks(room).enumerate() {
            let offset = i * room;
            let last = offset + piece.len() == data.len();
            let mut bytes = frame.bytes[..ETHER + header].to_vec();
            bytes.extend_from_slice(piece);
            let mut packet = ipv4::view_mut(&mut bytes);
            packet.set_total_len((header + piece.len()) as u16);
            packet.set_frag_offset((first + offset) as u16);
            packet.set_more_frags(more || !last);
            packet.fill_checksum();
            let id = cx.ids.next_id();
            cx.log.packet(id, Step::Copied { of: frame.id });
            parts.push(Frame::new(id, bytes));
        }
        cx.log.packet(frame.id, Step::Absorbed);
        parts
    }

    /// A part (see [`is_part`]) waits until it completes a packet. The completed packet is a copy of
    /// the part that came last.
    pub(super) fn reassemble(&mut self, frame: Frame, cx: &mut Cx<'_>) -> Option<Frame> {
        let packet = ipv4::view(&frame.bytes);
        let protocol = u8::from(packet.next_header());
        let key = (packet.src_addr(), packet.dst_addr(), protocol, packet.ident());
        let at = match self.reassembly.iter().position(|r| r.key == key) {
            Some(at) => at,
            None if self.reassembly.len() >= QUEUES => {
                self.dropped(&frame, None, DropReason::QueueFull, cx);
                return None;
            }
            None => {
                let deadline = cx.now + PATIENCE;
                cx.out.push(Output::Timer { at: deadline, kind: TimerKind::Reassembly });
                self.reassembly.push(Reassembly { key, deadline, parts: Vec::new() });
                self.reassembly.len() - 1
            }
        };
        let (begin, end, more) = range(&frame);
        let parts = &mut self.reassembly[at].parts;
        let overlaps = parts.iter().map(range).any(|(b, e, _)| begin < e && b < end);
        if overlaps || end == begin || (more && end % 8 != 0) || parts.len() >= PARTS {
            self.dropped(&frame, None, DropReason::Malformed, cx);
            return None;
        }
        let place = parts.partition_point(|p| range(p).0 < begin);
        let last_came = frame.id;
        parts.insert(place, frame);
        let mut expected = 0;
        let gapless = parts.iter().map(range).all(|(b, e, _)| std::mem::replace(&mut expected, e) == b);
        let finished = parts.last().is_some_and(|p| !range(p).2);
        if !gapless || !finished {
            return None;
        }
        let parts = self.reassembly.swap_remove(at).parts;
        let header = usize::from(ipv4::view(&parts[0].bytes).header_len());
        if header + expected > usize::from(u16::MAX) {
            for part in &parts {
                self.dropped(part, None, DropReason::Malformed, cx);
            }
            return None;
        }
        Some(join(&parts, header.max(HEADER), last_came, cx))
    }

    /// Gives up packets whose time is over.
    pub(super) fn expire_reassembly(&mut self, cx: &mut Cx<'_>) {
        let waiting = std::mem::take(&mut self.reassembly);
        let (late, kept): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|r| r.deadline <= cx.now);
        self.reassembly = kept;
        for part in late.iter().flat_map(|r| &r.parts) {
            self.dropped(part, None, DropReason::ReassemblyTimeout, cx);
        }
    }

    /// Drops all parts, when the namespace goes.
    pub(super) fn forget_parts(&mut self, cx: &mut Cx<'_>) {
        for part in std::mem::take(&mut self.reassembly).iter().flat_map(|r| &r.parts) {
            self.dropped(part, None, DropReason::NamespaceGone, cx);
        }
    }
}

fn join(parts: &[Frame], header: usize, last_came: crate::wire::PacketId, cx: &mut Cx<'_>) -> Frame {
    let mut bytes = parts[0].bytes[..ETHER + header].to_vec();
    for part in parts {
        bytes.extend_from_slice(ipv4::payload(&part.bytes));
    }
    let total = (bytes.len() - ETHER) as u16;
    let mut packet = ipv4::view_mut(&mut bytes);
    packet.set_total_len(total);
    packet.set_more_frags(false);
    packet.set_frag_offset(0);
    packet.fill_checksum();
    let id = cx.ids.next_id();
    cx.log.packet(id, Step::Copied { of: last_came });
    for part in parts {
        cx.log.packet(part.id, Step::Absorbed);
    }
    Frame::new(id, bytes)
}
