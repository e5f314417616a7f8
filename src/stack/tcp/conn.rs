//! The transmission control block (RFC 9293 §3.3.1) and what leaves it: opening, sending,
//! closing. What comes in is in `input`, what expires is in `timer`.
//!
//! Sans-io and pulled: after anything that was done to a connection its owner calls
//! [`Conn::poll`] until it gives no more segments, and arms a timer for [`Conn::deadline`].

use std::collections::VecDeque;

use super::super::{Errno, TcpState};
use super::rto::Rto;
use super::segment::{Emit, Flags, Segment, Seq};
use crate::time::{Duration, Instant};

/// Bytes that wait to be sent or acknowledged, at most.
pub(super) const SEND_BUFFER: usize = 128 * 1024;
/// The MSS of a peer that names none (RFC 9293 §3.7.1).
const DEFAULT_MSS: u16 = 536;
/// The smallest MSS that is believed (TCP_MIN_SND_MSS less its options).
const MIN_MSS: u16 = 48;
/// IPv4 and TCP header.
pub(super) const HEADERS: u16 = 40;

/// What the one timer of a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    Off,
    /// Something sent was not acknowledged.
    Retransmit(Instant),
    /// The peer's window is closed and data waits (RFC 9293 §3.8.6.1).
    Persist(Instant),
    /// The connection lingers: TIME-WAIT, or FIN-WAIT-2 after close(2).
    Linger(Instant),
}

/// A connection.
#[derive(Debug, Clone)]
pub(in crate::stack) struct Conn {
    pub(super) state: TcpState,
    /// State changes that the owner has not yet noted.
    pub(super) moves: Vec<(TcpState, TcpState)>,
    /// Made by a listener.
    pub(super) passive: bool,

    // ---- sending
    pub(super) iss: Seq,
    pub(super) una: Seq,
    pub(super) nxt: Seq,
    /// One past the highest number ever sent; `nxt` falls behind it when it goes back.
    pub(super) max: Seq,
    pub(super) wnd: usize,
    pub(super) max_wnd: usize,
    pub(super) wl1: Seq,
    pub(super) wl2: Seq,
    pub(super) mss: u16,
    /// What the path was known to carry when the connection began.
    pub(super) path_mss: u16,
    pub(super) send: VecDeque<u8>,
    /// The number of the first byte in `send`.
    pub(super) send_seq: Seq,
    /// The program will send no more: a FIN goes after `send`.
    pub(super) fin_wanted: bool,

    // ---- congestion (RFC 5681)
    pub(super) cwnd: usize,
    pub(super) ssthresh: usize,
    pub(super) dup_acks: u8,
    /// Fast recovery lasts until this is acknowledged (RFC 6582).
    pub(super) recover: Option<Seq>,
    pub(super) resend_first: bool,

    // ---- time
    pub(super) rto: Rto,
    pub(super) timing: Option<(Seq, Instant)>,
    pub(super) timer: Timer,
    pub(super) retries: u8,
    pub(super) first_retry: Instant,
    pub(super) probe_now: bool,

    // ---- receiving
    pub(super) our_mss: u16,
    pub(super) rcv_buffer: usize,
    pub(super) irs: Seq,
    pub(super) rcv_nxt: Seq,
    /// Right edge of the window that was last announced.
    pub(super) rcv_edge: Seq,
    pub(super) recv: VecDeque<u8>,
    /// Segments that came too early, sorted, not overlapping.
    pub(super) early: Vec<(Seq, Vec<u8>)>,
    /// The number of the peer's FIN, once known.
    pub(super) peer_fin: Option<Seq>,
    pub(super) ack_now: bool,
    pub(super) reset: Option<Emit>,

    // ---- towards the program
    /// close(2) was called: nobody will read.
    pub(super) orphan: bool,
    /// The connection was up at some time.
    pub(super) was_up: bool,
    pub(super) error: Option<Errno>,
    /// What to say instead of "timed out" (sk_err_soft): an ICMP error that may pass.
    pub(super) soft_error: Option<Errno>,
    /// The program met a full send buffer.
    pub(super) wants_room: bool,
    /// Something changed that the program may want to know.
    pub(super) wake: bool,
}

impl Conn {
    fn new(state: TcpState, iss: Seq, (mtu, path_mtu): (u16, u16)) -> Self {
        let our_mss = mtu.saturating_sub(HEADERS).max(MIN_MSS);
        // Linux announces whole segments, as many as 16 bits hold: 64240 for Ethernet.
        let rcv_buffer = usize::from(u16::MAX / our_mss * our_mss);
        Self {
            state,
            moves: Vec::new(),
            passive: false,
            iss,
            una: iss,
            nxt: iss,
            max: iss,
            wnd: 0,
            max_wnd: 0,
            wl1: Seq(0),
            wl2: Seq(0),
            mss: DEFAULT_MSS.min(our_mss),
            path_mss: path_mtu.saturating_sub(HEADERS).max(MIN_MSS),
            send: VecDeque::new(),
            send_seq: iss.plus(1),
            fin_wanted: false,
            cwnd: 0,
            ssthresh: 1 << 30,
            dup_acks: 0,
            recover: None,
            resend_first: false,
            rto: Rto::new(),
            timing: None,
            timer: Timer::Off,
            retries: 0,
            first_retry: Instant::ZERO,
            probe_now: false,
            our_mss,
            rcv_buffer,
            irs: Seq(0),
            rcv_nxt: Seq(0),
            rcv_edge: Seq(0),
            recv: VecDeque::new(),
            early: Vec::new(),
            peer_fin: None,
            ack_now: false,
            reset: None,
            orphan: false,
            was_up: false,
            error: None,
            soft_error: None,
            wants_room: false,
            wake: false,
        }
    }

    /// An active open (RFC 9293 §3.10.1): the SYN is the first thing that [`Conn::poll`] gives.
    /// `mtus`: the interface's, from which the announced MSS follows, and the path's.
    pub fn open(iss: Seq, mtus: (u16, u16)) -> Self {
        let mut conn = Self::new(TcpState::Closed, iss, mtus);
        conn.go(TcpState::SynSent);
        conn
    }

    /// A connection that begins with a SYN at a listener (RFC 9293 §3.10.7.2).
    pub fn accept(iss: Seq, mtus: (u16, u16), syn: &Segment<'_>) -> Self {
        let mut conn = Self::new(TcpState::Listen, iss, mtus);
        conn.passive = true;
        conn.heard_syn(syn);
        conn.go(TcpState::SynReceived);
        conn
    }

    /// Takes the peer's first number, window and MSS from its SYN.
    pub(super) fn heard_syn(&mut self, syn: &Segment<'_>) {
        self.irs = syn.seq;
        self.rcv_nxt = syn.seq.plus(1);
        self.rcv_edge = self.rcv_nxt.plus(self.rcv_buffer);
        let theirs = syn.mss.unwrap_or(DEFAULT_MSS).max(MIN_MSS);
        self.mss = theirs.min(self.our_mss).min(self.path_mss);
        self.wnd = usize::from(syn.window);
        self.max_wnd = self.wnd;
        self.wl1 = syn.seq;
        self.wl2 = self.iss;
        // RFC 6928: ten segments to begin with.
        self.cwnd = 10 * usize::from(self.mss);
    }

    /// The state (RFC 9293 §3.3.2).
    pub fn state(&self) -> TcpState {
        self.state
    }

    pub(super) fn go(&mut self, to: TcpState) {
        if self.state != to {
            self.moves.push((self.state, to));
            self.state = to;
            self.wake = true;
        }
    }

    /// The state changes since the last call, oldest first.
    pub fn take_moves(&mut self) -> Vec<(TcpState, TcpState)> {
        std::mem::take(&mut self.moves)
    }
    /// True if there are any.
    pub fn has_moves(&self) -> bool {
        !self.moves.is_empty()
    }
    /// True once the handshake was completed.
    pub fn was_up(&self) -> bool {
        self.was_up
    }
    /// True after close(2): the connection ends by itself.
    pub fn is_orphan(&self) -> bool {
        self.orphan
    }
    /// What moves when the peer is heard: what it acknowledged and what it sent.
    pub fn progress(&self) -> (Seq, Seq) {
        (self.una, self.rcv_nxt)
    }
    /// A lingering connection gives its ends to a new SYN that cannot be an old one.
    pub fn gives_way_to(&self, seg: &Segment<'_>) -> bool {
        let opens = seg.flags.syn && seg.ack.is_none() && !seg.flags.rst;
        self.state == TcpState::TimeWait && opens && seg.seq.after(self.rcv_nxt)
    }
    /// The listener is gone before accept(2).
    pub fn drop_unaccepted(&mut self) {
        self.orphan = true;
        if self.was_up { self.abort() } else { self.end(None) }
    }
    /// Whether something changed for the program since the last call.
    pub fn take_wake(&mut self) -> bool {
        std::mem::take(&mut self.wake)
    }

    // ---- what programs do

    /// Queues as much of `data` as there is room for.
    pub fn send(&mut self, data: &[u8]) -> Result<usize, Errno> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        match self.state {
            TcpState::Established | TcpState::CloseWait if !self.fin_wanted => {}
            TcpState::SynSent | TcpState::SynReceived => return Err(Errno::WouldBlock),
            _ => return Err(Errno::Pipe),
        }
        let room = SEND_BUFFER.saturating_sub(self.send.len());
        let taken = room.min(data.len());
        if taken == 0 && !data.is_empty() {
            self.wants_room = true;
            return Err(Errno::WouldBlock);
        }
        self.send.extend(&data[..taken]);
        Ok(taken)
    }

    /// Takes up to `max` bytes; none at the end of the stream.
    pub fn recv(&mut self, max: usize) -> Result<Vec<u8>, Errno> {
        if self.recv.is_empty() || max == 0 {
            if let Some(error) = self.error.take() {
                return Err(error);
            }
            let over = matches!(
                self.state,
                TcpState::CloseWait
                    | TcpState::Closing
                    | TcpState::LastAck
                    | TcpState::TimeWait
                    | TcpState::Closed
            );
            return if over || max == 0 { Ok(Vec::new()) } else { Err(Errno::WouldBlock) };
        }
        let taken = max.min(self.recv.len());
        let data = self.recv.drain(..taken).collect();
        self.reopen_window();
        Ok(data)
    }

    /// Announces the window again if reading opened it enough (RFC 9293 §3.8.6.2.2).
    fn reopen_window(&mut self) {
        let step = usize::from(self.our_mss).min(self.rcv_buffer / 2);
        let growth = self.window_edge().since(self.rcv_edge);
        let open = matches!(self.state, TcpState::Established | TcpState::FinWait1 | TcpState::FinWait2);
        let nearly_shut = (self.rcv_edge.since(self.rcv_nxt).max(0) as usize) < self.rcv_buffer / 2;
        if open && nearly_shut && growth >= step as i32 {
            self.ack_now = true;
        }
    }

    /// shutdown(SHUT_WR) (RFC 9293 §3.10.4).
    pub fn shutdown(&mut self) {
        match self.state {
            TcpState::Established => {
                self.fin_wanted = true;
                self.go(TcpState::FinWait1);
            }
            TcpState::CloseWait => {
                self.fin_wanted = true;
                self.go(TcpState::LastAck);
            }
            // The FIN follows when the handshake is through.
            TcpState::SynSent | TcpState::SynReceived => self.fin_wanted = true,
            _ => {}
        }
    }

    /// close(2). With unread data the peer is told so by a reset (RFC 2525 §2.17, tcp_close).
    pub fn close(&mut self, now: Instant) {
        self.orphan = true;
        match self.state {
            TcpState::SynSent => self.end(None),
            _ if !self.recv.is_empty() => self.abort(),
            TcpState::SynReceived if self.passive => self.abort(),
            TcpState::FinWait2 => self.linger(now),
            _ => self.shutdown(),
        }
    }

    /// Ends at once and tells the peer by a reset (RFC 9293 §3.10.5).
    pub fn abort(&mut self) {
        let synchronised = !matches!(
            self.state,
            TcpState::Closed | TcpState::Listen | TcpState::SynSent | TcpState::TimeWait
        );
        if synchronised {
            let flags = Flags { rst: true, ..Flags::default() };
            self.reset = Some(Emit::bare(self.max, Some(self.rcv_nxt), flags, 0));
        }
        self.end(None);
    }

    /// The connection is no more; the program learns `error`.
    pub(super) fn end(&mut self, error: Option<Errno>) {
        self.error = self.error.or(error);
        self.timer = Timer::Off;
        self.send.clear();
        self.early.clear();
        self.ack_now = false;
        self.resend_first = false;
        self.probe_now = false;
        self.go(TcpState::Closed);
        self.wake = true;
    }

    /// Waits the last minute (RFC 9293 §3.6.1; Linux: TCP_TIMEWAIT_LEN and tcp_fin_timeout). Many
    /// may do so at once: what is not needed any more goes.
    pub(super) fn linger(&mut self, now: Instant) {
        self.send = VecDeque::new();
        self.early = Vec::new();
        if self.recv.is_empty() {
            self.recv = VecDeque::new();
        }
        self.timer = Timer::Linger(now + Duration::from_secs(60));
    }

    /// How connect(2) ended: None while it is under way.
    pub fn connect_result(&self) -> Option<Result<(), Errno>> {
        match (self.was_up, self.state) {
            (true, _) => Some(Ok(())),
            (false, TcpState::Closed) => Some(Err(self.error.unwrap_or(Errno::ConnRefused))),
            _ => None,
        }
    }

    /// Bytes that can be read.
    pub fn readable(&self) -> usize {
        self.recv.len()
    }
    /// Bytes that were not yet acknowledged, sent or not.
    pub fn unacked(&self) -> usize {
        self.send.len()
    }
    /// The halves of the send buffer, for [`super::segment::write`].
    pub fn send_halves(&self) -> (&[u8], &[u8]) {
        self.send.as_slices()
    }
    /// When [`Conn::on_timer`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        match self.timer {
            Timer::Off => None,
            Timer::Retransmit(at) | Timer::Persist(at) | Timer::Linger(at) => Some(at),
        }
    }

    // ---- what leaves

    /// The next segment to send; None when there is nothing to say.
    pub fn poll(&mut self, now: Instant) -> Option<Emit> {
        if self.reset.is_some() {
            return self.reset.take();
        }
        match self.state {
            TcpState::Closed | TcpState::Listen => return None,
            TcpState::SynSent | TcpState::SynReceived => {
                if self.nxt == self.iss {
                    return Some(self.emit_syn(now));
                }
            }
            _ => {
                if std::mem::take(&mut self.resend_first)
                    && let Some(emit) = self.emit_first_again(now)
                {
                    return Some(emit);
                }
                if let Some(emit) = self.emit_next(now) {
                    return Some(emit);
                }
                if std::mem::take(&mut self.probe_now) {
                    // An old number: the peer has to answer with its window (tcp_xmit_probe_skb).
                    return Some(self.stamp(Seq(self.una.0.wrapping_sub(1)), Flags::default(), 0..0));
                }
            }
        }
        (self.ack_now && self.state != TcpState::SynSent)
            .then(|| self.stamp(self.max, Flags::default(), 0..0))
    }

    fn emit_syn(&mut self, now: Instant) -> Emit {
        let ack = (self.state == TcpState::SynReceived).then_some(self.rcv_nxt);
        let flags = Flags { syn: true, ..Flags::default() };
        let mut emit = Emit::bare(self.iss, ack, flags, self.rcv_buffer as u16);
        emit.mss = Some(self.our_mss);
        emit.attempt = self.retries;
        self.nxt = self.iss.plus(1);
        self.sent(self.iss, self.nxt, now);
        self.ack_now = false;
        emit
    }

    /// One past the last byte of the stream so far.
    pub(super) fn stream_end(&self) -> Seq {
        self.send_seq.plus(self.send.len())
    }
    /// True once the peer has acknowledged our FIN.
    pub(super) fn fin_acked(&self) -> bool {
        self.fin_wanted && self.una == self.stream_end().plus(1)
    }
    /// Sent and not yet acknowledged.
    pub(super) fn flight(&self) -> usize {
        self.nxt.since(self.una).max(0) as usize
    }

    /// The next piece of the stream, as far as the peer's and the congestion window allow
    /// (RFC 9293 §3.8.6.2.1).
    fn emit_next(&mut self, now: Instant) -> Option<Emit> {
        let end = self.stream_end();
        let waiting = end.since(self.nxt);
        let fin = self.fin_wanted && waiting >= 0;
        if waiting < 0 || (waiting == 0 && !fin) {
            return None;
        }
        let waiting = waiting as usize;
        let mss = usize::from(self.mss);
        let window = self.wnd.min(self.cwnd);
        let usable = window.saturating_sub(self.flight());
        let len = waiting.min(mss).min(usable);
        let whole = len == waiting;
        // No small segments because of a small window, but rather a probe in the end.
        let worth = whole || len == mss || len * 2 >= self.max_wnd.max(1);
        if waiting > 0 && (len == 0 || !worth) {
            if self.flight() == 0 && self.timer == Timer::Off {
                self.timer = Timer::Persist(now + self.rto.current());
            }
            return None;
        }
        Some(self.emit_data(self.nxt, len, whole, fin && whole, now))
    }

    /// The first unacknowledged segment once more, wherever `nxt` stands.
    fn emit_first_again(&mut self, now: Instant) -> Option<Emit> {
        let outstanding = self.stream_end().since(self.una);
        if outstanding < 0 || self.una == self.max {
            return None;
        }
        let len = (outstanding as usize).min(usize::from(self.mss));
        let whole = len == outstanding as usize;
        let nxt = self.nxt;
        let emit = self.emit_data(self.una, len, whole, whole && self.fin_wanted, now);
        self.nxt = self.nxt.max(nxt);
        Some(emit)
    }

    fn emit_data(&mut self, seq: Seq, len: usize, psh: bool, fin: bool, now: Instant) -> Emit {
        let start = seq.since(self.send_seq).max(0) as usize;
        let flags = Flags { psh: psh && len > 0, fin, ..Flags::default() };
        let again = seq.before(self.max);
        let mut emit = self.stamp(seq, flags, start..start + len);
        emit.attempt = if again { self.retries.max(1) } else { 0 };
        self.nxt = seq.plus(len + usize::from(fin));
        self.sent(seq, self.nxt, now);
        emit
    }

    /// Remembers that `from..to` went out: times it and arms the timer.
    fn sent(&mut self, from: Seq, to: Seq, now: Instant) {
        if from.before(self.max) {
            self.timing = None;
        } else if self.timing.is_none() {
            self.timing = Some((to, now));
        }
        self.max = self.max.max(to);
        if !matches!(self.timer, Timer::Retransmit(_)) {
            self.timer = Timer::Retransmit(now + self.rto.current());
        }
    }

    /// A segment with the present acknowledgement and window.
    fn stamp(&mut self, seq: Seq, flags: Flags, data: std::ops::Range<usize>) -> Emit {
        self.ack_now = false;
        self.rcv_edge = self.rcv_edge.max(self.window_edge());
        let window = self.rcv_edge.since(self.rcv_nxt).clamp(0, i32::from(u16::MAX)) as u16;
        Emit { data, ..Emit::bare(seq, Some(self.rcv_nxt), flags, window) }
    }

    /// The right edge that the free buffer would allow.
    fn window_edge(&self) -> Seq {
        self.rcv_nxt.plus(self.rcv_buffer.saturating_sub(self.recv.len()))
    }
}
