//! What happens when nothing happens: retransmission (RFC 6298 §5), SYN retries, probes of a
//! closed window, the last minute; and ICMP errors about a connection.
//!
//! The limits are Linux's (net/ipv4/tcp_timer.c, sysctl defaults of 6.5 and later):
//! a SYN goes again after 1, 1, 1, 1, 1, 2, 4, 8, 16, 32 s (tcp_syn_linear_timeouts 4,
//! tcp_syn_retries 6) and fails after 131 s; a SYN-ACK five times; data and probes until
//! 924.6 s have passed (tcp_retries2 15), 102.2 s if the program has closed the socket.

use super::super::{Errno, TcpState};
use super::conn::{Conn, HEADERS, Timer};
use super::segment::Seq;
use crate::time::{Duration, Instant};

/// tcp_syn_linear_timeouts: so many SYNs go out again without doubling the wait.
const SYN_LINEAR: u8 = 4;
/// tcp_syn_retries plus the linear ones.
const SYN_RETRIES: u8 = 6 + SYN_LINEAR;
/// tcp_synack_retries.
const SYNACK_RETRIES: u8 = 5;
/// What tcp_retries2 = 15 amounts to.
const GIVE_UP: Duration = Duration::from_millis(924_600);
/// What eight retries of an orphan amount to (tcp_orphan_retries).
const GIVE_UP_ORPHAN: Duration = Duration::from_millis(102_200);
/// The smallest path MTU that is believed (ip_rt_min_pmtu).
const MIN_PMTU: u16 = 552;

impl Conn {
    /// The deadline may have come; does nothing before it.
    pub fn on_timer(&mut self, now: Instant) {
        match self.timer {
            Timer::Linger(at) if at <= now => self.end(None),
            Timer::Retransmit(at) if at <= now => self.retransmit(now),
            Timer::Persist(at) if at <= now => self.probe(now),
            _ => {}
        }
    }

    fn retransmit(&mut self, now: Instant) {
        if self.retries == 0 {
            self.first_retry = now;
        }
        if self.gives_up(now) {
            self.end(Some(self.soft_error.unwrap_or(Errno::TimedOut)));
            return;
        }
        self.retries = self.retries.saturating_add(1);
        let linear = self.state == TcpState::SynSent && self.retries <= SYN_LINEAR;
        if !linear {
            self.rto.back_off();
        }
        if self.cwnd > 0 && self.retries == 1 {
            self.ssthresh = (self.flight() / 2).max(2 * usize::from(self.mss));
        }
        // RFC 5681 §3.1: start again with one segment, from the first that is missing.
        self.cwnd = usize::from(self.mss);
        self.dup_acks = 0;
        self.recover = None;
        self.resend_first = false;
        self.timing = None;
        self.nxt = self.una;
        self.timer = Timer::Retransmit(now + self.rto.current());
        // A closed window lets nothing through; what is out already may go again all the same.
        if self.wnd == 0 && self.una != self.iss {
            self.resend_first = true;
        }
    }

    fn gives_up(&self, now: Instant) -> bool {
        match self.state {
            TcpState::SynSent => self.retries >= SYN_RETRIES,
            TcpState::SynReceived => self.retries >= SYNACK_RETRIES,
            _ => {
                let limit = if self.orphan { GIVE_UP_ORPHAN } else { GIVE_UP };
                self.retries > 0 && now - self.first_retry >= limit
            }
        }
    }

    fn probe(&mut self, now: Instant) {
        if self.retries == 0 {
            self.first_retry = now;
        }
        // An open peer that keeps its window shut may do so for ever; an orphan may not wait.
        if self.orphan && now - self.first_retry >= GIVE_UP_ORPHAN {
            self.abort();
            return;
        }
        self.retries = self.retries.saturating_add(1);
        self.rto.back_off();
        self.probe_now = true;
        self.timer = Timer::Persist(now + self.rto.current());
    }

    /// An ICMP error quotes a segment with number `seq` (tcp_v4_err). True if it was believed.
    pub fn on_icmp(&mut self, seq: Seq, error: Errno) -> bool {
        if seq.before(self.una) || !seq.before(self.max) {
            return false;
        }
        match self.state {
            TcpState::SynSent => self.end(Some(error)),
            TcpState::SynReceived if self.passive => self.end(None),
            TcpState::SynReceived => self.end(Some(error)),
            TcpState::Closed | TcpState::Listen | TcpState::TimeWait => return false,
            // RFC 1122 §4.2.3.9: it may pass. Only if the peer stays silent it is the reason.
            _ => self.soft_error = Some(error),
        }
        true
    }

    /// "Fragmentation needed" quotes a segment with number `seq` (RFC 1191; tcp_v4_mtu_reduced).
    pub fn on_too_big(&mut self, seq: Seq, mtu: u16) -> bool {
        !seq.before(self.una) && seq.before(self.max) && self.narrow(mtu)
    }

    /// The path carries packets of `mtu` bytes at most: smaller segments from the first that is
    /// not acknowledged. False if they were small enough already.
    pub fn narrow(&mut self, mtu: u16) -> bool {
        let mss = mtu.max(MIN_PMTU) - HEADERS;
        let narrower = mss < self.mss && self.una != self.iss;
        if narrower {
            self.mss = mss;
            self.nxt = self.una;
            self.timing = None;
        }
        narrower
    }
}
