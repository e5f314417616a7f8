//! A segment as the state machine sees it, and its way to bytes and back (RFC 9293 §3.1).

use std::net::Ipv4Addr;
use std::ops::Range;

use crate::wire::fmt::{IpAddress, TcpOption, TcpPacket, TcpSeqNumber};

/// A sequence number: 32 bits that wrap (RFC 9293 §3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::stack) struct Seq(pub u32);

impl Seq {
    /// This number and `n` more.
    pub const fn plus(self, n: usize) -> Self {
        Self(self.0.wrapping_add(n as u32))
    }
    /// How far this is after `earlier`; negative if it is before.
    pub const fn since(self, earlier: Self) -> i32 {
        self.0.wrapping_sub(earlier.0) as i32
    }
    /// Is this before `other`?
    pub const fn before(self, other: Self) -> bool {
        self.since(other) < 0
    }
    /// Is this after `other`?
    pub const fn after(self, other: Self) -> bool {
        self.since(other) > 0
    }
    /// The later of two.
    pub const fn max(self, other: Self) -> Self {
        if self.before(other) { other } else { self }
    }
}

/// The control bits that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::stack) struct Flags {
    pub syn: bool,
    pub fin: bool,
    pub rst: bool,
    pub psh: bool,
}

/// A segment that came in.
#[derive(Debug, Clone, Copy)]
pub(in crate::stack) struct Segment<'a> {
    pub seq: Seq,
    /// The acknowledgement number, if the ACK bit is set.
    pub ack: Option<Seq>,
    pub flags: Flags,
    pub window: u16,
    /// The maximum segment size option, in bytes of payload.
    pub mss: Option<u16>,
    pub data: &'a [u8],
}

impl Segment<'_> {
    /// SEG.LEN: payload, and one each for SYN and FIN.
    pub fn len(&self) -> usize {
        self.data.len() + usize::from(self.flags.syn) + usize::from(self.flags.fin)
    }
}

/// A segment that shall go out. Its payload is a range of the connection's send buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::stack) struct Emit {
    pub seq: Seq,
    pub ack: Option<Seq>,
    pub flags: Flags,
    pub window: u16,
    pub mss: Option<u16>,
    pub data: Range<usize>,
    /// 0 for what is sent for the first time, else how often it was sent again.
    pub attempt: u8,
}

impl Emit {
    /// A segment without payload.
    pub fn bare(seq: Seq, ack: Option<Seq>, flags: Flags, window: u16) -> Self {
        Self { seq, ack, flags, window, mss: None, data: 0..0, attempt: 0 }
    }

    /// The reset that answers a segment for which there is no connection (RFC 9293 §3.10.7.1).
    pub fn reset_for(seg: &Segment<'_>) -> Self {
        let flags = Flags { rst: true, ..Flags::default() };
        match seg.ack {
            Some(ack) => Self::bare(ack, None, flags, 0),
            None => Self::bare(Seq(0), Some(seg.seq.plus(seg.len())), flags, 0),
        }
    }
}

const HEADER: usize = 20;
const MSS_OPTION: usize = 4;

/// Why the bytes are no segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stack) enum BadSegment {
    Malformed,
    Checksum,
}

/// Reads a TCP segment: source port, destination port and what the state machine needs.
pub(in crate::stack) fn parse(
    bytes: &[u8],
    src: Ipv4Addr,
    dst: Ipv4Addr,
) -> Result<(u16, u16, Segment<'_>), BadSegment> {
    let packet = TcpPacket::new_checked(bytes).map_err(|_| BadSegment::Malformed)?;
    if !packet.verify_checksum(&IpAddress::Ipv4(src), &IpAddress::Ipv4(dst)) {
        return Err(BadSegment::Checksum);
    }
    if packet.src_port() == 0 || packet.dst_port() == 0 {
        return Err(BadSegment::Malformed);
    }
    let flags = Flags { syn: packet.syn(), fin: packet.fin(), rst: packet.rst(), psh: packet.psh() };
    let segment = Segment {
        seq: Seq(packet.seq_number().0 as u32),
        ack: packet.ack().then(|| Seq(packet.ack_number().0 as u32)),
        flags,
        window: packet.window_len(),
        mss: if flags.syn { mss_option(packet.options()) } else { None },
        data: packet.payload(),
    };
    Ok((packet.src_port(), packet.dst_port(), segment))
}

/// The value of the MSS option, if there is one; what cannot be read ends the search.
fn mss_option(mut options: &[u8]) -> Option<u16> {
    while !options.is_empty() {
        let (rest, option) = TcpOption::parse(options).ok()?;
        match option {
            TcpOption::MaxSegmentSize(mss) => return Some(mss),
            TcpOption::EndOfList => return None,
            _ => options = rest,
        }
    }
    None
}

/// Writes `emit` as TCP header and payload into `out` (which is emptied first), checksum filled.
/// `payload` are the two halves of the ring buffer that `emit.data` points into.
pub(in crate::stack) fn write(
    emit: &Emit,
    (src, src_port): (Ipv4Addr, u16),
    (dst, dst_port): (Ipv4Addr, u16),
    payload: (&[u8], &[u8]),
    out: &mut Vec<u8>,
) {
    let header = HEADER + if emit.mss.is_some() { MSS_OPTION } else { 0 };
    out.clear();
    out.resize(header, 0);
    let (first, second) = payload;
    let split = first.len();
    let (from, to) = (emit.data.start, emit.data.end);
    if from < split {
        out.extend_from_slice(&first[from..to.min(split)]);
    }
    if to > split {
        out.extend_from_slice(&second[from.max(split) - split..to - split]);
    }

    let mut packet = TcpPacket::new_unchecked(out.as_mut_slice());
    packet.set_src_port(src_port);
    packet.set_dst_port(dst_port);
    packet.set_seq_number(TcpSeqNumber(emit.seq.0 as i32));
    packet.clear_flags();
    packet.set_header_len(header as u8);
    packet.set_syn(emit.flags.syn);
    packet.set_fin(emit.flags.fin);
    packet.set_rst(emit.flags.rst);
    packet.set_psh(emit.flags.psh);
    if let Some(ack) = emit.ack {
        packet.set_ack(true);
        packet.set_ack_number(TcpSeqNumber(ack.0 as i32));
    }
    packet.set_window_len(emit.window);
    packet.set_urgent_at(0);
    if let Some(mss) = emit.mss {
        TcpOption::MaxSegmentSize(mss).emit(packet.options_mut());
    }
    packet.fill_checksum(&IpAddress::Ipv4(src), &IpAddress::Ipv4(dst));
}
