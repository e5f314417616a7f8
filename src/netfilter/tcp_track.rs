//! What connection tracking knows of a TCP connection (nf_conntrack_proto_tcp.c).
//!
//! Supported: the state table with its ignored and invalid segments, picking up a connection in
//! its middle (nf_conntrack_tcp_loose), reopening one that was closed, ASSURED, timeouts.
//! Not supported: windows. Segments out of window pass as they do with
//! nf_conntrack_tcp_be_liberal = 1; no emulated peer sends any.

use super::CtDirection;
use super::conntrack::Status;

/// The states, by the names that `conntrack -L` prints.
pub(super) const STATE_NAMES: [&str; 10] = [
    "NONE",
    "SYN_SENT",
    "SYN_RECV",
    "ESTABLISHED",
    "FIN_WAIT",
    "CLOSE_WAIT",
    "LAST_ACK",
    "TIME_WAIT",
    "CLOSE",
    "SYN_SENT2",
];

/// Seconds after which a silent connection in each state is forgotten.
const TIMEOUTS: [u64; 10] = [0, 120, 60, 432_000, 120, 60, 30, 120, 10, 120];
/// Timeout of a connection picked up in its middle that got no answer yet.
const UNACK: u64 = 300;

const NO: u8 = 0;
const SS: u8 = 1;
const SR: u8 = 2;
const ES: u8 = 3;
const FW: u8 = 4;
const CW: u8 = 5;
const LA: u8 = 6;
const TW: u8 = 7;
const CL: u8 = 8;
const S2: u8 = 9;
/// Invalid.
const IV: u8 = 10;
/// Let through without a change.
const IG: u8 = 11;

/// What a segment is, by its flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Syn,
    SynAck,
    Fin,
    Ack,
    Rst,
    None,
}

impl Kind {
    const fn of(flags: u8) -> Self {
        if flags & 4 != 0 {
            Self::Rst
        } else if flags & 2 != 0 {
            if flags & 16 != 0 { Self::SynAck } else { Self::Syn }
        } else if flags & 1 != 0 {
            Self::Fin
        } else if flags & 16 != 0 {
            Self::Ack
        } else {
            Self::None
        }
    }
}

/// The next state: by direction, by kind of segment, by state.
const NEXT: [[[u8; 10]; 6]; 2] = [
    [
        //NO  SS  SR  ES  FW  CW  LA  TW  CL  S2
        [SS, SS, IG, IG, IG, IG, IG, SS, SS, S2], // SYN
        [IV, IV, IG, IG, IG, IG, IG, IG, IG, SR], // SYN ACK
        [IV, IV, FW, FW, LA, LA, LA, TW, CL, IV], // FIN
        [ES, IV, ES, ES, CW, CW, TW, TW, CL, IV], // ACK
        [IV, CL, CL, CL, CL, CL, CL, CL, CL, CL], // RST
        [IV, IV, IV, IV, IV, IV, IV, IV, IV, IV],
    ],
    [
        [IV, S2, IV, IV, IV, IV, IV, IV, IV, S2],
        [IV, SR, IG, IG, IG, IG, IG, IG, IG, SR],
        [IV, IV, FW, FW, LA, LA, LA, TW, CL, IV],
        [IV, IG, SR, ES, CW, CW, TW, TW, CL, IG],
        [IV, CL, CL, CL, CL, CL, CL, CL, CL, CL],
        [IV, IV, IV, IV, IV, IV, IV, IV, IV, IV],
    ],
];

/// A connection's state and what is remembered of its last segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TcpTrack {
    state: u8,
    last: Kind,
    last_dir: CtDirection,
    /// The acknowledgement that an ignored SYN would get.
    last_end: u32,
    /// Somebody began to close it.
    closing: bool,
    /// The highest acknowledgement seen from each side; 0: none yet.
    acked: [u32; 2],
    seen_ack: [bool; 2],
}

/// What a segment makes of its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Goes on; silent, it now lives for so many seconds. None: as long as before.
    Pass { secs: Option<u64>, changed: bool, assured: bool },
    /// The segment fits nothing.
    Invalid,
    /// A reset was the only answer: forget the connection.
    Kill,
    /// The old connection is over and this begins a new one with the same tuple.
    Reopen,
}

/// A segment's header fields.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    pub flags: u8,
    pub seq: u32,
    pub ack: u32,
    /// Sequence number after this segment.
    pub end: u32,
}

impl Segment {
    /// Reads the TCP header at `l4` of a packet of `len` bytes, 20 of which are there at least.
    pub fn read(packet: &[u8], l3: usize, l4: usize, len: u16) -> Self {
        let word = |at: usize| {
            u32::from_be_bytes([
                packet[l4 + at],
                packet[l4 + at + 1],
                packet[l4 + at + 2],
                packet[l4 + at + 3],
            ])
        };
        let flags = packet[l4 + 13];
        let header = u32::from(packet[l4 + 12] >> 4) * 4;
        let data = u32::from(len).saturating_sub((l4 - l3) as u32).saturating_sub(header);
        let phantom = u32::from(flags & 2 != 0) + u32::from(flags & 1 != 0);
        let seq = word(4);
        Self { flags, seq, ack: word(8), end: seq.wrapping_add(data).wrapping_add(phantom) }
    }

    /// True if no sender makes this combination of flags (tcp_valid_flags).
    pub const fn is_nonsense(&self) -> bool {
        // Without PSH, and the two flags of RFC 3168.
        !matches!(self.flags & 0x37, 0x02 | 0x22 | 0x12 | 0x04 | 0x14 | 0x11 | 0x31 | 0x10 | 0x30)
    }
}

const fn side(dir: CtDirection) -> usize {
    match dir {
        CtDirection::Original => 0,
        CtDirection::Reply => 1,
    }
}

const fn before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

impl TcpTrack {
    /// A connection that `segment` begins (or shows in its middle). None if it cannot.
    pub fn begin(segment: &Segment) -> Option<Self> {
        let state = NEXT[0][Kind::of(segment.flags) as usize][usize::from(NO)];
        (state < IV).then_some(Self {
            state: NO,
            last: Kind::None,
            last_dir: CtDirection::Original,
            last_end: 0,
            closing: false,
            acked: [0; 2],
            seen_ack: [false; 2],
        })
    }

    /// The state's name.
    pub fn name(&self) -> &'static str {
        STATE_NAMES[usize::from(self.state)]
    }

    /// Takes a segment in.
    pub fn segment(&mut self, dir: CtDirection, segment: &Segment, status: Status) -> Outcome {
        let kind = Kind::of(segment.flags);
        let mut old = self.state;
        let mut new = NEXT[side(dir)][kind as usize][usize::from(old)];
        if new == SS && old >= TW && old != S2 {
            let aborted = self.last_dir == dir && self.last == Kind::Rst;
            if self.closing || aborted {
                return Outcome::Reopen;
            }
            new = IG;
        }
        if new == IG {
            let answers_ignored_syn = kind == Kind::SynAck
                && self.last == Kind::Syn
                && self.last_dir != dir
                && segment.ack == self.last_end;
            if !answers_ignored_syn {
                (self.last, self.last_dir, self.last_end) = (kind, dir, segment.end);
                return Outcome::Pass { secs: None, changed: false, assured: false };
            }
            // Both ends agree about a connection that was begun anew without our noticing.
            (old, new) = (SS, SR);
            (self.closing, self.acked, self.seen_ack) = (false, [0; 2], [false; 2]);
        }
        if new == IV {
            return Outcome::Invalid;
        }
        let other = side(dir.other());
        let stale = self.seen_ack[other] && before(segment.seq, self.acked[other]);
        if new == CL && kind == Kind::Rst && stale {
            return Outcome::Invalid;
        }
        self.accept(kind, dir, segment, new);
        self.outcome(kind, old, status)
    }

    fn accept(&mut self, kind: Kind, dir: CtDirection, segment: &Segment, new: u8) {
        (self.last, self.last_dir, self.last_end) = (kind, dir, segment.end);
        if segment.flags & 16 != 0 {
            let at = side(dir);
            if !self.seen_ack[at] || before(self.acked[at], segment.ack) {
                self.acked[at] = segment.ack;
            }
            self.seen_ack[at] = true;
        }
        self.closing |= new == FW && self.state != FW;
        self.state = new;
    }

    fn outcome(&self, kind: Kind, old: u8, status: Status) -> Outcome {
        let new = self.state;
        let changed = new != old;
        let mut secs = if kind == Kind::Rst { TIMEOUTS[usize::from(CL)] } else { TIMEOUTS[usize::from(new)] };
        if !status.has(Status::SEEN_REPLY) {
            if kind == Kind::Rst {
                return Outcome::Kill;
            }
            // A SYN sent again does not lengthen the wait.
            if kind == Kind::Syn && old == SS {
                return Outcome::Pass { secs: None, changed, assured: false };
            }
            if new == ES {
                secs = secs.min(UNACK);
            }
            return Outcome::Pass { secs: Some(secs), changed, assured: false };
        }
        let assured = !status.has(Status::ASSURED) && matches!(old, SR | ES) && new == ES;
        Outcome::Pass { secs: Some(secs), changed, assured }
    }
}
