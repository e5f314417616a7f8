//! How often a peer is told that there is no way (net/ipv4/route.c, `ip_error`): five times at
//! once, then once a second. Errors of other kinds are not limited here, as they are not on a machine
//! with `icmp_ratemask` 0.

use crate::time::{Duration, Instant};
use std::net::Ipv4Addr;

/// `ip_rt_error_cost`.
const COST: Duration = Duration::from_secs(1);
/// `ip_rt_error_burst`.
const BURST: Duration = Duration::from_secs(5);
/// Peers remembered; the one that was quiet for longest goes first.
const MAX_PEERS: usize = 256;

/// The peers that were told lately.
#[derive(Debug, Clone, Default)]
pub(super) struct Peers(Vec<Peer>);

#[derive(Debug, Clone, Copy)]
struct Peer {
    addr: Ipv4Addr,
    tokens: Duration,
    last: Instant,
}

impl Peers {
    /// True if `addr` may be told once more now.
    pub(super) fn may_tell(&mut self, addr: Ipv4Addr, now: Instant) -> bool {
        let at = match self.0.iter().position(|peer| peer.addr == addr) {
            Some(at) => at,
            None => {
                if self.0.len() == MAX_PEERS {
                    let oldest = self.0.iter().enumerate().min_by_key(|(_, peer)| peer.last);
                    let oldest = oldest.map_or(0, |(at, _)| at);
                    self.0.remove(oldest);
                }
                self.0.push(Peer { addr, tokens: BURST, last: now });
                self.0.len() - 1
            }
        };
        let peer = &mut self.0[at];
        peer.tokens = (peer.tokens + now.since(peer.last)).min(BURST);
        peer.last = now;
        let may = peer.tokens >= COST;
        if may {
            peer.tokens = Duration(peer.tokens.0 - COST.0);
        }
        may
    }
}

/// Whom this machine told of a better first hop, and how often: after each time it waits twice as long,
/// after nine it gives up until the sender has been quiet (ip_rt_send_redirect).
#[derive(Debug, Clone, Default)]
pub(super) struct Redirected(Vec<(Ipv4Addr, u32, Instant)>);

/// The first wait (net.ipv4.route.redirect_load).
const REDIRECT_LOAD: Duration = Duration::from_millis(20);
/// How often (net.ipv4.route.redirect_number), and the quiet that makes it begin again (redirect_silence).
const REDIRECT_NUMBER: u32 = 9;
const REDIRECT_SILENCE: Duration = Duration::from_millis(20 << 10);
/// Senders that are remembered.
const REDIRECTED_MOST: usize = 1024;

impl Redirected {
    /// True if `to` is told now.
    pub(super) fn may_tell(&mut self, to: Ipv4Addr, now: Instant) -> bool {
        let Some((_, times, last)) = self.0.iter_mut().find(|(who, ..)| *who == to) else {
            if self.0.len() >= REDIRECTED_MOST {
                self.0.remove(0);
            }
            self.0.push((to, 1, now));
            return true;
        };
        if now.since(*last) > REDIRECT_SILENCE {
            *times = 0;
        }
        let due = *times < REDIRECT_NUMBER && now.since(*last) > Duration(REDIRECT_LOAD.0 << *times);
        if due {
            *times += 1;
        }
        if due || *times >= REDIRECT_NUMBER {
            *last = now;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_errors_at_once_then_one_a_second_for_each_peer() {
        let (a, b) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
        let mut peers = Peers::default();
        let at = |ms| Instant::ZERO + Duration::from_millis(ms);
        let told = (0..8).filter(|_| peers.may_tell(a, at(0))).count();
        assert_eq!(told, 5);
        assert!(peers.may_tell(b, at(0)));
        assert!(!peers.may_tell(a, at(900)));
        assert!(peers.may_tell(a, at(1000)));
        assert!(!peers.may_tell(a, at(1001)));
    }

    #[test]
    fn the_table_is_bounded() {
        let mut peers = Peers::default();
        for n in 0..1000u32 {
            peers.may_tell(Ipv4Addr::from(n), Instant(u64::from(n)));
        }
        assert_eq!(peers.0.len(), MAX_PEERS);
    }
}
