//! An IPv4 packet as rules see it, and the rewriting of its addresses and ports with all
//! checksums kept right (RFC 1624: one's complement arithmetic on the words that change).

use crate::wire::{Endpoint, Flow, Ipv4Addr, Protocol};

pub(super) const ICMP: u8 = 1;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;

/// The fields of a packet that rules and connection tracking look at, read once.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct View {
    /// Where the IPv4 header begins (0, or inside an ICMP error).
    pub l3: usize,
    /// Where the transport header begins.
    pub l4: usize,
    /// Total length of the packet (its header's word for it).
    pub len: u16,
    pub src: u32,
    pub dst: u32,
    pub proto: u8,
    /// TCP and UDP ports, ICMP identifier (both) or 0.
    pub sport: u16,
    pub dport: u16,
    /// ICMP.
    pub icmp_type: u8,
    pub icmp_code: u8,
    /// TCP: the flags' byte.
    pub flags: u8,
    /// Not the first fragment: there is no transport header.
    pub fragment: bool,
    /// A whole transport header of a known kind (8 bytes for UDP and ICMP, 20 for TCP) is there.
    pub complete: bool,
}

fn u16_at(b: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([b[at], b[at + 1]])
}
fn u32_at(b: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]])
}

impl View {
    /// Reads the packet that begins at `l3`. None if it is no IPv4 packet. Inside an ICMP error
    /// (`quoted`) the packet may be cut off after 8 bytes of its transport header.
    #[inline]
    pub fn read(packet: &[u8], l3: usize, quoted: bool) -> Option<Self> {
        let b = packet.get(l3..)?;
        if b.len() < 20 || b[0] >> 4 != 4 {
            return None;
        }
        let header = usize::from(b[0] & 15) * 4;
        let len = u16_at(b, 2);
        if header < 20 || b.len() < header || usize::from(len) < header {
            return None;
        }
        if !quoted && b.len() < usize::from(len) {
            return None;
        }
        let end = b.len().min(usize::from(len));
        let mut view = Self {
            l3,
            l4: l3 + header,
            len,
            src: u32_at(b, 12),
            dst: u32_at(b, 16),
            proto: b[9],
            fragment: u16_at(b, 6) & 0x1fff != 0,
            ..Self::default()
        };
        if !view.fragment {
            view.read_transport(&b[header..end]);
        }
        Some(view)
    }

    #[inline]
    fn read_transport(&mut self, t: &[u8]) {
        if t.len() < 8 {
            return;
        }
        match self.proto {
            TCP => {
                (self.sport, self.dport) = (u16_at(t, 0), u16_at(t, 2));
                self.complete = t.len() >= 20;
                if self.complete {
                    self.flags = t[13];
                }
            }
            UDP => {
                (self.sport, self.dport) = (u16_at(t, 0), u16_at(t, 2));
                self.complete = true;
            }
            ICMP => {
                (self.icmp_type, self.icmp_code) = (t[0], t[1]);
                if is_icmp_query(t[0]) {
                    (self.sport, self.dport) = (u16_at(t, 4), u16_at(t, 4));
                }
                self.complete = true;
            }
            _ => {}
        }
    }

    /// The flow, as it stands.
    pub fn flow(&self) -> Flow {
        Flow {
            src: Endpoint::new(Ipv4Addr::from(self.src), self.sport),
            dst: Endpoint::new(Ipv4Addr::from(self.dst), self.dport),
            proto: Protocol::from_number(self.proto),
        }
    }

    /// Where the transport checksum is, if there is one that covers the addresses (TCP, UDP)
    /// and it is in these bytes.
    fn pseudo_checksum(&self, packet: &[u8]) -> Option<usize> {
        if self.fragment {
            return None;
        }
        let at = match self.proto {
            TCP => self.l4 + 16,
            UDP => self.l4 + 6,
            _ => return None,
        };
        (packet.len() >= at + 2).then_some(at)
    }

    /// Rewrites the source (or the destination) address.
    pub fn set_addr(&mut self, packet: &mut [u8], source: bool, addr: u32) {
        let (slot, at) = if source { (&mut self.src, 12) } else { (&mut self.dst, 16) };
        let old = std::mem::replace(slot, addr);
        if old == addr {
            return;
        }
        let at = self.l3 + at;
        packet[at..at + 4].copy_from_slice(&addr.to_be_bytes());
        adjust(packet, self.l3 + 10, old, addr);
        if let Some(sum) = self.pseudo_checksum(packet) {
            self.adjust_transport(packet, sum, old, addr);
        }
    }

    /// Rewrites the source (or the destination) port, or the ICMP identifier. Does nothing to
    /// a packet that has none.
    pub fn set_port(&mut self, packet: &mut [u8], source: bool, port: u16) {
        if self.fragment || packet.len() < self.l4 + 8 {
            return;
        }
        match self.proto {
            TCP | UDP => {
                let (slot, at) = if source { (&mut self.sport, 0) } else { (&mut self.dport, 2) };
                let old = std::mem::replace(slot, port);
                if old != port {
                    let at = self.l4 + at;
                    packet[at..at + 2].copy_from_slice(&port.to_be_bytes());
                    if let Some(sum) = self.pseudo_checksum(packet) {
                        self.adjust_transport(packet, sum, old.into(), port.into());
                    }
                }
            }
            ICMP if is_icmp_query(self.icmp_type) => {
                let old = self.sport;
                (self.sport, self.dport) = (port, port);
                if old != port {
                    let at = self.l4 + 4;
                    packet[at..at + 2].copy_from_slice(&port.to_be_bytes());
                    adjust(packet, self.l4 + 2, old.into(), port.into());
                }
            }
            _ => {}
        }
    }

    fn adjust_transport(&self, packet: &mut [u8], sum: usize, old: u32, new: u32) {
        // UDP without a checksum stays so; one that comes out as 0 is written as ones (RFC 768).
        if self.proto == UDP && u16_at(packet, sum) == 0 {
            return;
        }
        adjust(packet, sum, old, new);
        if self.proto == UDP && u16_at(packet, sum) == 0 {
            packet[sum..sum + 2].copy_from_slice(&[0xff, 0xff]);
        }
    }
}

/// True for ICMP types that have an identifier: echo, timestamp, information, address mask.
pub(super) const fn is_icmp_query(kind: u8) -> bool {
    matches!(kind, 0 | 8 | 13 | 14 | 15 | 16 | 17 | 18)
}

/// True for ICMP types that quote another packet (RFC 792).
pub(super) const fn is_icmp_error(kind: u8) -> bool {
    matches!(kind, 3 | 4 | 5 | 11 | 12)
}

/// The checksum at `at` after a field that it covers changed from `old` to `new` (RFC 1624 §3,
/// equation 3: HC' = ~(~HC + ~m + m')).
pub(super) fn adjust(packet: &mut [u8], at: usize, old: u32, new: u32) {
    let hc = u16_at(packet, at);
    let mut sum = u32::from(!hc);
    for word in [!old >> 16 & 0xffff, !old & 0xffff, new >> 16, new & 0xffff] {
        sum += word;
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    packet[at..at + 2].copy_from_slice(&(!(sum as u16)).to_be_bytes());
}

/// Writes the checksum of the ICMP message from `l4` to `end` anew (RFC 792).
pub(super) fn refill_icmp_checksum(packet: &mut [u8], l4: usize, end: usize) {
    packet[l4 + 2..l4 + 4].fill(0);
    let mut sum = 0u32;
    for pair in packet[l4..end].chunks(2) {
        sum += u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    packet[l4 + 2..l4 + 4].copy_from_slice(&(!(sum as u16)).to_be_bytes());
}
