//! A segment arrives at a connection (RFC 9293 §3.10.7.3 and §3.10.7.4).

use super::super::{DropReason, Errno, TcpState};
use super::conn::{Conn, Timer};
use super::segment::{Emit, Segment, Seq};
use crate::time::Instant;

/// What became of a segment: taken, or dropped with the reason.
pub(in crate::stack) type Verdict = Result<(), DropReason>;

impl Conn {
    /// Takes a segment in. What is to be answered comes out of [`Conn::poll`].
    pub fn on_segment(&mut self, seg: &Segment<'_>, now: Instant) -> Verdict {
        match self.state {
            TcpState::Closed | TcpState::Listen => Err(DropReason::NoMatchingSocket),
            TcpState::SynSent => self.in_syn_sent(seg, now),
            _ => self.in_order(seg, now),
        }
    }

    /// RFC 9293 §3.10.7.3.
    fn in_syn_sent(&mut self, seg: &Segment<'_>, now: Instant) -> Verdict {
        let acks_syn = match seg.ack {
            Some(ack) if !ack.after(self.iss) || ack.after(self.max) => {
                if !seg.flags.rst {
                    self.reset = Some(Emit::reset_for(seg));
                }
                return Err(DropReason::OutOfWindow);
            }
            ack => ack.is_some(),
        };
        if seg.flags.rst {
            if !acks_syn {
                return Err(DropReason::OutOfWindow);
            }
            self.end(Some(Errno::ConnRefused));
            return Ok(());
        }
        if !seg.flags.syn {
            return Err(DropReason::OutOfWindow);
        }
        self.heard_syn(seg);
        match seg.ack {
            Some(ack) => {
                self.wl2 = ack;
                self.acknowledge(ack, now);
                self.establish();
                self.ack_now = true;
            }
            // Both opened at once: our SYN goes again, now with an ACK.
            None => {
                self.go(TcpState::SynReceived);
                self.nxt = self.iss;
            }
        }
        Ok(())
    }

    fn establish(&mut self) {
        self.was_up = true;
        self.rto.handshake_done();
        self.go(TcpState::Established);
        if self.fin_wanted {
            self.go(TcpState::FinWait1);
        }
    }

    /// RFC 9293 §3.10.7.4, its steps in order.
    fn in_order(&mut self, seg: &Segment<'_>, now: Instant) -> Verdict {
        // First: is it in the window?
        if let Err(reason) = self.in_window(seg) {
            return self.unacceptable(seg, reason, now);
        }
        // Second: RST. Only the exact number resets; others make us ask (RFC 5961 §3.2).
        if seg.flags.rst {
            if seg.seq != self.rcv_nxt {
                self.ack_now = true;
                return Err(DropReason::OutOfWindow);
            }
            self.heard_reset();
            return Ok(());
        }
        // Fourth: SYN (RFC 5961 §4.2).
        if seg.flags.syn {
            self.ack_now = true;
            return Err(DropReason::OutOfWindow);
        }
        // Fifth: ACK.
        let Some(ack) = seg.ack else { return Err(DropReason::OutOfWindow) };
        self.heard_ack(seg, ack, now)?;
        if self.state == TcpState::Closed {
            return Ok(());
        }
        // Seventh and eighth: data and FIN.
        self.heard_data(seg, now);
        Ok(())
    }

    /// The acceptability test (RFC 9293 §3.4, table 6).
    fn in_window(&self, seg: &Segment<'_>) -> Verdict {
        let window = self.rcv_edge.since(self.rcv_nxt).max(0);
        let first = seg.seq.since(self.rcv_nxt);
        let len = seg.len() as i32;
        let beyond = || if window == 0 { DropReason::SocketBufferFull } else { DropReason::OutOfWindow };
        if len == 0 {
            return match first {
                0 => Ok(()),
                f if f > 0 && f < window => Ok(()),
                f if f < 0 => Err(DropReason::StaleSegment),
                _ => Err(beyond()),
            };
        }
        let last = first.wrapping_add(len - 1);
        if last < 0 {
            Err(DropReason::StaleSegment)
        } else if first >= window {
            Err(beyond())
        } else {
            Ok(())
        }
    }

    /// Answers what lies outside of the window with the ACK that puts the peer right.
    fn unacceptable(&mut self, seg: &Segment<'_>, reason: DropReason, now: Instant) -> Verdict {
        if seg.flags.rst {
            return Err(reason);
        }
        let again_syn = seg.flags.syn && seg.ack.is_none() && seg.seq == self.irs;
        if self.state == TcpState::SynReceived && again_syn {
            // The peer did not hear our SYN-ACK: once more (tcp_check_req).
            self.nxt = self.iss;
            return Ok(());
        }
        self.ack_now = true;
        if self.state == TcpState::TimeWait && seg.flags.fin {
            self.linger(now); // RFC 9293 §3.10.7.4, eighth: restart the 2 MSL time-out
        }
        // An old, empty segment is a probe or a duplicate ACK: its news is in the ACK number.
        if seg.len() == 0 && reason == DropReason::StaleSegment {
            if let Some(ack) = seg.ack
                && self.state != TcpState::SynReceived
                && self.may_acknowledge(ack)
            {
                return self.heard_ack(seg, ack, now);
            }
            return Ok(());
        }
        Err(reason)
    }

    /// RFC 9293 §3.10.7.4, second; the errors as tcp_reset of net/ipv4/tcp_input.c.
    fn heard_reset(&mut self) {
        let error = match self.state {
            TcpState::SynReceived if self.passive => None,
            TcpState::SynReceived => Some(Errno::ConnRefused),
            TcpState::CloseWait => Some(Errno::Pipe),
            TcpState::TimeWait | TcpState::Closing | TcpState::LastAck => None,
            _ => Some(Errno::ConnReset),
        };
        self.end(error);
    }

    fn may_acknowledge(&self, ack: Seq) -> bool {
        !ack.before(self.una) && !ack.after(self.max)
    }

    /// RFC 9293 §3.10.7.4, fifth.
    fn heard_ack(&mut self, seg: &Segment<'_>, ack: Seq, now: Instant) -> Verdict {
        if self.state == TcpState::SynReceived {
            if !ack.after(self.una) || ack.after(self.max) {
                self.reset = Some(Emit::reset_for(seg));
                return Err(DropReason::OutOfWindow);
            }
            self.set_window(seg, ack);
            self.acknowledge(ack, now);
            self.establish();
        } else if ack.after(self.max) {
            self.ack_now = true; // of something that was never sent
            return Err(DropReason::OutOfWindow);
        } else if ack.after(self.una) {
            self.maybe_set_window(seg, ack);
            self.acknowledge(ack, now);
        } else if ack == self.una {
            let silent = seg.len() == 0 && self.una != self.max;
            let same_window = usize::from(seg.window) == self.wnd;
            self.maybe_set_window(seg, ack);
            if silent && same_window {
                self.heard_duplicate_ack();
            }
        }
        self.heard_ack_of_fin(now);
        Ok(())
    }

    fn maybe_set_window(&mut self, seg: &Segment<'_>, ack: Seq) {
        let newer = self.wl1.before(seg.seq) || (self.wl1 == seg.seq && !ack.before(self.wl2));
        if newer {
            self.set_window(seg, ack);
        }
    }

    fn set_window(&mut self, seg: &Segment<'_>, ack: Seq) {
        self.wnd = usize::from(seg.window);
        self.max_wnd = self.max_wnd.max(self.wnd);
        self.wl1 = seg.seq;
        self.wl2 = ack;
        if self.wnd > 0 && matches!(self.timer, Timer::Persist(_)) {
            self.timer = Timer::Off;
            self.retries = 0;
            self.rto.settle();
        }
    }

    /// Something new was acknowledged: up to `ack`.
    fn acknowledge(&mut self, ack: Seq, now: Instant) {
        if let Some((end, sent)) = self.timing
            && !ack.before(end)
        {
            self.rto.measured(now - sent);
            self.timing = None;
        }
        let acked = ack.since(self.una).max(0) as usize;
        let bytes = (ack.since(self.send_seq).max(0) as usize).min(self.send.len());
        self.send.drain(..bytes);
        self.send_seq = self.send_seq.plus(bytes);
        self.una = ack;
        self.nxt = self.nxt.max(ack);
        self.grow_window(acked, ack);
        self.retries = 0;
        self.soft_error = None;
        self.rto.settle();
        // RFC 6298 §5.2 and §5.3.
        self.timer =
            if self.una == self.max { Timer::Off } else { Timer::Retransmit(now + self.rto.current()) };
        if std::mem::take(&mut self.wants_room) {
            self.wake = true;
        }
    }

    /// Slow start, congestion avoidance, and the way out of fast recovery (RFC 5681 §3.1, RFC 6582).
    fn grow_window(&mut self, acked: usize, ack: Seq) {
        let mss = usize::from(self.mss);
        self.dup_acks = 0;
        match self.recover {
            Some(recover) if ack.before(recover) => {
                self.resend_first = true; // a partial ACK: the next hole
                self.cwnd = self.cwnd.saturating_sub(acked).max(mss) + mss;
            }
            Some(_) => {
                self.recover = None;
                self.cwnd = self.ssthresh;
            }
            None if self.cwnd < self.ssthresh => self.cwnd += acked.min(2 * mss),
            None => self.cwnd += (mss * mss / self.cwnd.max(1)).max(1),
        }
        self.cwnd = self.cwnd.min(1 << 20);
    }

    /// Three of them mean a loss (RFC 5681 §3.2).
    fn heard_duplicate_ack(&mut self) {
        let mss = usize::from(self.mss);
        self.dup_acks = self.dup_acks.saturating_add(1);
        if self.recover.is_some() {
            self.cwnd += mss;
        } else if self.dup_acks == 3 {
            self.ssthresh = (self.flight() / 2).max(2 * mss);
            self.cwnd = self.ssthresh + 3 * mss;
            self.recover = Some(self.max);
            self.resend_first = true;
        }
    }

    fn heard_ack_of_fin(&mut self, now: Instant) {
        if !self.fin_acked() {
            return;
        }
        match self.state {
            TcpState::FinWait1 => {
                self.go(TcpState::FinWait2);
                if self.orphan {
                    self.linger(now);
                }
            }
            TcpState::Closing => {
                self.go(TcpState::TimeWait);
                self.linger(now);
            }
            TcpState::LastAck => self.end(None),
            _ => {}
        }
    }

    /// RFC 9293 §3.10.7.4, seventh and eighth.
    fn heard_data(&mut self, seg: &Segment<'_>, now: Instant) {
        let open = matches!(self.state, TcpState::Established | TcpState::FinWait1 | TcpState::FinWait2);
        if !open || (seg.data.is_empty() && !seg.flags.fin) {
            return;
        }
        self.ack_now = true;
        if self.orphan && self.has_new_data(seg) {
            // Nobody will ever read it (RFC 1122 §4.2.2.13, tcp_rcv_state_process).
            self.abort();
            return;
        }
        if seg.flags.fin {
            self.peer_fin = Some(seg.seq.plus(seg.data.len()));
        }
        self.take_bytes(seg.seq, seg.data);
        if self.peer_fin == Some(self.rcv_nxt) {
            self.heard_fin(now);
        }
    }

    fn has_new_data(&self, seg: &Segment<'_>) -> bool {
        seg.seq.plus(seg.data.len()).after(self.rcv_nxt)
    }

    /// Puts bytes where they belong: behind those received, or aside until the gap is closed.
    fn take_bytes(&mut self, seq: Seq, data: &[u8]) {
        let skip = self.rcv_nxt.since(seq).max(0) as usize;
        let room = self.rcv_edge.since(seq).max(0) as usize;
        if skip >= data.len().min(room) {
            return;
        }
        let (seq, data) = (seq.plus(skip), &data[skip..data.len().min(room)]);
        if seq != self.rcv_nxt {
            self.keep_early(seq, data);
            return;
        }
        self.recv.extend(data);
        self.rcv_nxt = seq.plus(data.len());
        self.wake = true;
        while let Some((seq, _)) = self.early.first() {
            if seq.after(self.rcv_nxt) {
                break;
            }
            let (seq, data) = self.early.remove(0);
            let skip = self.rcv_nxt.since(seq).max(0) as usize;
            if let Some(rest) = data.get(skip..) {
                self.recv.extend(rest);
                self.rcv_nxt = self.rcv_nxt.plus(rest.len());
            }
        }
    }

    /// Keeps what came too early, without the parts that are there already.
    fn keep_early(&mut self, mut seq: Seq, mut data: &[u8]) {
        let mut at = 0;
        while !data.is_empty() {
            let Some((start, bytes)) = self.early.get(at) else {
                self.early.insert(at, (seq, data.to_vec()));
                return;
            };
            let end = start.plus(bytes.len());
            if !seq.before(end) {
                at += 1;
                continue;
            }
            if seq.before(*start) {
                let before = (start.since(seq) as usize).min(data.len());
                self.early.insert(at, (seq, data[..before].to_vec()));
                seq = seq.plus(before);
                data = &data[before..];
                at += 1;
                continue;
            }
            let covered = (end.since(seq) as usize).min(data.len());
            seq = seq.plus(covered);
            data = &data[covered..];
            at += 1;
        }
    }

    fn heard_fin(&mut self, now: Instant) {
        self.rcv_nxt = self.rcv_nxt.plus(1);
        self.ack_now = true;
        match self.state {
            TcpState::Established => self.go(TcpState::CloseWait),
            TcpState::FinWait1 => self.go(TcpState::Closing),
            TcpState::FinWait2 => {
                self.go(TcpState::TimeWait);
                self.linger(now);
            }
            _ => {}
        }
    }
}
