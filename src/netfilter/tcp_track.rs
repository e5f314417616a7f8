//! What connection tracking knows of a TCP connection (nf_conntrack_proto_tcp.c): the state
//! table with its ignored and invalid segments, picking up a connection in its middle
//! (nf_conntrack_tcp_loose = 1), reopening one that was closed, challenge ACKs (RFC 5961),
//! ASSURED, timeouts. Whether a segment lies in the window is [`super::tcp_window`]'s.

use super::CtDirection;
use super::conntrack::Status;
use super::tcp_window::{Fit, Side, Windows};

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
/// No connection waits longer than this while something is wrong with it: data without an
/// acknowledgement, the same segment again and again, a closed window, no answer at all.
pub(super) const UNEASY: u64 = 300;
/// As often a segment may be sent again before that (tcp_max_retrans).
const MAX_RETRANS: u8 = 3;

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
pub(super) enum Kind {
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
        [IV, IV, SR, IV, IV, IV, IV, IV, IV, SR], // SYN ACK
        [IV, IV, FW, FW, LA, LA, LA, TW, CL, IV], // FIN
        [ES, IV, ES, ES, CW, CW, TW, TW, CL, IV], // ACK
        [IV, CL, CL, CL, CL, CL, CL, CL, CL, CL], // RST
        [IV, IV, IV, IV, IV, IV, IV, IV, IV, IV],
    ],
    [
        [IV, S2, IV, IV, IV, IV, IV, SS, IV, S2],
        [IV, SR, IG, IG, IG, IG, IG, IG, IG, SR],
        [IV, IV, FW, FW, LA, LA, LA, TW, CL, IV],
        [IV, IG, SR, ES, CW, CW, TW, TW, CL, IG],
        [IV, CL, CL, CL, CL, CL, CL, CL, CL, CL],
        [IV, IV, IV, IV, IV, IV, IV, IV, IV, IV],
    ],
];

/// What a segment makes of its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Goes on; silent, it now lives for so many seconds. None: as long as before.
    Pass { secs: Option<u64>, changed: bool, assured: bool },
    /// The segment fits nothing. If `shorten`, the connection has at most [`UNEASY`] seconds.
    Invalid { shorten: bool },
    /// A reset was the only answer: forget the connection.
    Kill,
    /// The old connection is over and this begins a new one with the same tuple.
    Reopen,
}

const IGNORED: Outcome = Outcome::Pass { secs: None, changed: false, assured: false };

/// A segment's header fields.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment<'a> {
    pub flags: u8,
    pub seq: u32,
    pub ack: u32,
    /// Sequence number after this segment.
    pub end: u32,
    /// As it is in the header.
    pub window: u16,
    pub options: &'a [u8],
}

impl<'a> Segment<'a> {
    /// Reads the TCP header at `l4` of a packet of `len` bytes from `l3` on; 20 bytes of it are
    /// there. None if it is longer than the packet.
    pub fn read(packet: &'a [u8], l3: usize, l4: usize, len: u16) -> Option<Self> {
        let t = packet.get(l4..l3 + usize::from(len))?;
        let word = |at: usize| u32::from_be_bytes([t[at], t[at + 1], t[at + 2], t[at + 3]]);
        let header = usize::from(t[12] >> 4) * 4;
        let options = t.get(20..header)?;
        let flags = t[13];
        let phantom = u32::from(flags & 2 != 0) + u32::from(flags & 1 != 0);
        let seq = word(4);
        let end = seq.wrapping_add((t.len() - header) as u32).wrapping_add(phantom);
        Some(Self { flags, seq, ack: word(8), end, window: u16::from_be_bytes([t[14], t[15]]), options })
    }

    /// True if no sender makes this combination of flags (tcp_valid_flags).
    pub const fn is_nonsense(&self) -> bool {
        // Without PSH, and the two flags of RFC 3168.
        !matches!(self.flags & 0x37, 0x02 | 0x22 | 0x12 | 0x04 | 0x14 | 0x11 | 0x31 | 0x10 | 0x30)
    }
    pub const fn has_ack(&self) -> bool {
        self.flags & 16 != 0
    }
    pub const fn has_syn(&self) -> bool {
        self.flags & 2 != 0
    }
    pub const fn has_rst(&self) -> bool {
        self.flags & 4 != 0
    }
}

/// True if sequence number `a` lies before `b`.
pub(super) const fn before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

/// A connection's state and what is remembered of its last segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TcpTrack {
    state: u8,
    windows: Windows,
    last: Kind,
    last_dir: CtDirection,
    /// Of the last segment that was looked at closely or ignored.
    last_seq: u32,
    last_ack: u32,
    last_end: u32,
    last_window: u16,
    /// How often that one came again.
    retrans: u8,
    /// The window options of a SYN that was ignored.
    ignored_syn: Side,
    /// A SYN was ignored while the last ACK was awaited: an answer to it may be a challenge.
    challenge: bool,
    /// Both sides sent a SYN.
    simultaneous: bool,
    /// Somebody began to close it.
    closing: bool,
}

impl TcpTrack {
    /// True if it is over (TIME_WAIT or CLOSE) and `new` begins with later numbers, so that its place may be
    /// taken (nf_nat_may_kill, nf_seq_has_advanced).
    pub fn yields_to(&self, new: &Self) -> bool {
        let (old, new) = (self.windows.first_end(), new.windows.first_end());
        matches!(self.state, TW | CL) && new.wrapping_sub(old) as i32 > 0
    }

    /// A connection that `segment` begins (or shows in its middle). None if it cannot.
    pub fn begin(segment: &Segment<'_>) -> Option<Self> {
        let state = NEXT[0][Kind::of(segment.flags) as usize][usize::from(NO)];
        (state < IV).then(|| Self {
            state: NO,
            windows: Windows::begin(segment, state != SS),
            last: Kind::None,
            last_dir: CtDirection::Original,
            last_seq: 0,
            last_ack: 0,
            last_end: 0,
            last_window: 0,
            retrans: 0,
            ignored_syn: Side::default(),
            challenge: false,
            simultaneous: false,
            closing: false,
        })
    }

    /// The state's name.
    pub fn name(&self) -> &'static str {
        STATE_NAMES[usize::from(self.state)]
    }

    /// True while it is being closed and after.
    pub const fn is_closing(&self) -> bool {
        matches!(self.state, FW | CW | LA | TW | CL)
    }

    /// Takes a segment in.
    pub fn segment(&mut self, dir: CtDirection, segment: &Segment<'_>, status: Status) -> Outcome {
        let kind = Kind::of(segment.flags);
        let old = self.state;
        let (old, new, look) = match NEXT[dir.side()][kind as usize][usize::from(old)] {
            SS if matches!(old, TW | CL) => {
                let aborted = self.last_dir == dir && self.last == Kind::Rst;
                if self.closing || aborted {
                    return Outcome::Reopen;
                }
                match self.ignore(kind, dir, segment) {
                    Some(states) => states,
                    None => return IGNORED,
                }
            }
            IG => match self.ignore(kind, dir, segment) {
                Some(states) => states,
                None => return IGNORED,
            },
            IV => return Outcome::Invalid { shorten: false },
            TW if old == LA && kind == Kind::Ack && self.is_challenge(dir) => {
                self.challenge = false;
                return IGNORED;
            }
            S2 => {
                self.simultaneous = true;
                (old, S2, true)
            }
            SR if dir == CtDirection::Reply && kind == Kind::Ack && self.simultaneous => (old, ES, true),
            CL if kind == Kind::Rst => match self.reset(dir, segment, status) {
                Some((new, look)) => (old, new, look),
                None => return Outcome::Invalid { shorten: false },
            },
            new => (old, new, true),
        };
        if look {
            match self.windows.fit(dir, segment, matches!(self.state, SS | SR), self.state == SS) {
                Fit::Inside => self.count_again(kind, dir, segment),
                Fit::Liberal => {}
                Fit::Ignored => return IGNORED,
                Fit::Outside => return Outcome::Invalid { shorten: self.outside(kind, dir, status) },
            }
        }
        (self.last, self.last_dir) = (kind, dir);
        self.closing |= new == FW && old != FW;
        self.state = new;
        self.outcome(kind, old, status)
    }

    /// A segment that may or may not be valid: it passes without a change, unless it is the
    /// answer to a SYN that passed so before. Then both ends agree about a connection that was
    /// begun anew unnoticed: old state, new state, and the window is to be looked at.
    fn ignore(&mut self, kind: Kind, dir: CtDirection, segment: &Segment<'_>) -> Option<(u8, u8, bool)> {
        let answers = kind == Kind::SynAck
            && self.last == Kind::Syn
            && self.last_dir != dir
            && segment.ack == self.last_end;
        if answers {
            self.challenge = false;
            self.closing = false;
            self.windows.restart(dir, self.ignored_syn, self.last_end, self.last_window);
            return Some((SS, SR, true));
        }
        (self.last, self.last_dir) = (kind, dir);
        (self.last_seq, self.last_end, self.last_window) = (segment.seq, segment.end, segment.window);
        if kind == Kind::Syn && dir == CtDirection::Original {
            self.ignored_syn = Side::with_options(segment);
            self.challenge = self.state == LA;
            self.simultaneous = false;
        }
        if self.state == SS && kind == Kind::Ack && dir == CtDirection::Reply {
            self.last_ack = segment.ack;
        }
        None
    }

    fn is_challenge(&self, dir: CtDirection) -> bool {
        self.last_dir != dir && self.last == Kind::Syn && self.challenge
    }

    /// A reset: the next state, and whether the window is to be looked at. None: it is invalid.
    fn reset(&self, dir: CtDirection, segment: &Segment<'_>, status: Status) -> Option<(u8, bool)> {
        if self.is_closing() {
            return Some((CL, false));
        }
        let mut new = CL;
        let expected = self.windows.max_ack(dir.other()).filter(|_| self.last != Kind::Syn);
        if let Some(expected) = expected {
            let established = self.state == ES && status.has(Status::ASSURED);
            if segment.seq == 0 && !established {
                return Some((CL, true));
            }
            if before(segment.seq, expected) {
                return None;
            }
            // Data and its reset may come one right after the other.
            let train = self.last == Kind::Ack && self.last_dir == dir && segment.seq == self.last_end;
            if !established || segment.seq == expected || train {
                return Some((CL, true));
            }
            // Not exact: the receiver will ask back, so it may not be over yet.
            new = self.state;
        }
        let ignored = (status.has(Status::SEEN_REPLY) && self.last == Kind::Syn)
            || (!status.has(Status::ASSURED) && self.last == Kind::Ack);
        if ignored && segment.ack == self.last_end {
            return Some((new, false));
        }
        let challenged = self.state == SS
            && self.last == Kind::Ack
            && self.last_dir == CtDirection::Reply
            && segment.seq == self.last_ack;
        Some((new, !challenged))
    }

    /// The same acknowledgement again, or another one.
    fn count_again(&mut self, kind: Kind, dir: CtDirection, segment: &Segment<'_>) {
        if kind != Kind::Ack {
            return;
        }
        // In the middle of nothing, an acknowledgement is the receiver's own end.
        let now = (dir, segment.seq, segment.ack, segment.end, segment.window);
        let before = (self.last_dir, self.last_seq, self.last_ack, self.last_end, self.last_window);
        if now == before {
            self.retrans = self.retrans.saturating_add(1);
        } else {
            (self.last_dir, self.last_seq, self.last_ack, self.last_end, self.last_window) = now;
            self.retrans = 0;
        }
    }

    /// A segment outside the window. True if both sides want to end the connection, though
    /// what they sent fits nothing: then it need not be kept for long.
    fn outside(&mut self, kind: Kind, dir: CtDirection, status: Status) -> bool {
        if !status.has(Status::ASSURED) || !matches!(kind, Kind::Rst | Kind::Fin) {
            return false;
        }
        if self.last_dir != dir && matches!(self.last, Kind::Rst | Kind::Fin) {
            return true;
        }
        (self.last, self.last_dir) = (kind, dir);
        false
    }

    fn outcome(&self, kind: Kind, old: u8, status: Status) -> Outcome {
        let new = self.state;
        let changed = new != old;
        let usual = TIMEOUTS[usize::from(new)];
        let uneasy = self.retrans >= MAX_RETRANS || self.windows.awaits_ack() || self.last_window == 0;
        let mut secs = match kind {
            Kind::Rst if self.retrans < MAX_RETRANS || usual <= UNEASY => TIMEOUTS[usize::from(CL)],
            _ if uneasy => usual.min(UNEASY),
            _ => usual,
        };
        if !status.has(Status::SEEN_REPLY) {
            if kind == Kind::Rst {
                return Outcome::Kill;
            }
            // A SYN sent again does not lengthen the wait.
            if kind == Kind::Syn && old == SS {
                return Outcome::Pass { secs: None, changed, assured: false };
            }
            if new == ES {
                secs = secs.min(UNEASY);
            }
            return Outcome::Pass { secs: Some(secs), changed, assured: false };
        }
        let assured = !status.has(Status::ASSURED) && matches!(old, SR | ES) && new == ES;
        Outcome::Pass { secs: Some(secs), changed, assured }
    }
}
