//! The retransmission timeout (RFC 6298), with Linux's numbers (net/ipv4/tcp_input.c,
//! tcp_rtt_estimator and tcp_timer.c).

use crate::time::Duration;

/// What is waited for before anything was measured (RFC 6298 §2.1, TCP_TIMEOUT_INIT).
pub(super) const INITIAL: Duration = Duration::from_secs(1);
/// After a handshake that gave no measurement (RFC 6298 §5.7, TCP_TIMEOUT_FALLBACK).
pub(super) const FALLBACK: Duration = Duration::from_secs(3);
/// The least margin over the round-trip time (TCP_RTO_MIN; RFC 6298 §2.4 would have 1 s in all).
pub(super) const MIN: Duration = Duration::from_millis(200);
/// The most (TCP_RTO_MAX).
pub(super) const MAX: Duration = Duration::from_secs(120);

/// The estimator: smoothed round-trip time and its variation.
#[derive(Debug, Clone)]
pub(super) struct Rto {
    srtt: Option<Duration>,
    var: Duration,
    current: Duration,
}

impl Rto {
    pub fn new() -> Self {
        Self { srtt: None, var: Duration::ZERO, current: INITIAL }
    }

    /// The timeout to arm now.
    pub fn current(&self) -> Duration {
        self.current
    }

    /// A round trip took `rtt` (never of a segment that was sent twice: Karn, RFC 6298 §3).
    pub fn measured(&mut self, rtt: Duration) {
        match self.srtt {
            // RFC 6298 §2.2
            None => {
                self.srtt = Some(rtt);
                self.var = Duration(rtt.0 / 2);
            }
            // RFC 6298 §2.3: alpha = 1/8, beta = 1/4
            Some(srtt) => {
                let off = srtt.0.abs_diff(rtt.0);
                self.var = Duration(self.var.0 - self.var.0 / 4 + off / 4);
                self.srtt = Some(Duration(srtt.0 - srtt.0 / 8 + rtt.0 / 8));
            }
        }
        self.settle();
    }

    /// Forgets the doubling: something new was acknowledged.
    pub fn settle(&mut self) {
        if let Some(srtt) = self.srtt {
            self.current = (srtt + self.var.times(4).max(MIN)).min(MAX);
        }
    }

    /// The handshake is over; if it measured nothing, the fallback applies.
    pub fn handshake_done(&mut self) {
        if self.srtt.is_none() {
            self.current = FALLBACK;
        }
    }

    /// The timer expired: wait twice as long next (RFC 6298 §5.5).
    pub fn back_off(&mut self) {
        self.current = self.current.times(2).min(MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_measurement_and_the_floor_give_linux_s_timeout() {
        let mut rto = Rto::new();
        assert_eq!(rto.current(), INITIAL);
        rto.measured(Duration::from_millis(10));
        assert_eq!(rto.current(), Duration::from_millis(210));
    }

    #[test]
    fn the_timeout_doubles_up_to_two_minutes() {
        let mut rto = Rto::new();
        for _ in 0..10 {
            rto.back_off();
        }
        assert_eq!(rto.current(), MAX);
    }
}
