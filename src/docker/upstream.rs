//! `dockerd`, as far as packets see it: the engine's own process on the host. It asks the host's
//! name servers what the embedded servers do not know, from the host's network, as the engine does
//! (libnetwork/resolver.go, `HostLoopback`): such questions cross no bridge.
//!
//! Questions and answers travel between the embedded servers' processes and this one as lines
//! ([`relay_line`]); the engine carries them.

use crate::guest::dns::{Ask, ResolverConfig, read_relay_line, relay_line};
use crate::guest::{Poll, Program, Sys};
use crate::time::{Duration, Instant};
use crate::wire::Endpoint;
use std::net::Ipv4Addr;

/// How long one server is waited for (libnetwork's extIOTimeout).
const PATIENCE: Duration = Duration::from_secs(4);
/// Questions under way at a time.
const MAX_PENDING: usize = 256;

/// The process.
#[derive(Debug, Clone, Default)]
pub(super) struct Upstream {
    pending: Vec<Pending>,
    /// Alarms of the engine's, with what it calls them.
    timers: Vec<(Instant, String)>,
}

#[derive(Debug, Clone)]
struct Pending {
    key: String,
    bytes: Vec<u8>,
    servers: Vec<Ipv4Addr>,
    ask: Option<Ask>,
}

impl Pending {
    /// Goes on to the next server until one answers; true when there is an answer, or none left.
    fn go_on(&mut self, sys: &mut Sys<'_>) -> bool {
        loop {
            if let Some(ask) = &mut self.ask {
                match ask.poll(sys) {
                    None => return false,
                    Some(Ok((_, bytes))) => {
                        sys.out(relay_line(&self.key, Some(&bytes)));
                        return true;
                    }
                    Some(Err(_)) => self.ask = None,
                }
            }
            if self.servers.is_empty() {
                sys.out(relay_line(&self.key, None));
                return true;
            }
            let server = Endpoint::new(self.servers.remove(0), 53);
            let id = sys.rng.next_u32() as u16;
            self.bytes[..2].copy_from_slice(&id.to_be_bytes());
            self.ask = Ask::start_raw(sys, server, id, &self.bytes, PATIENCE).ok();
        }
    }
}

/// Reads `timer NANOSECONDS KEY`.
fn read_timer(line: &str) -> Option<(Instant, String)> {
    let (at, key) = line.trim_end().strip_prefix("timer ")?.split_once(' ')?;
    Some((Instant(at.parse().ok()?), key.to_owned()))
}

impl Program for Upstream {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        while let Some(end) = sys.stdin.data.find('\n') {
            let line: String = sys.stdin.data.drain(..=end).collect();
            if let Some((at, key)) = read_timer(&line) {
                self.timers.push((at, key));
                continue;
            }
            let Some((key, Some(bytes))) = read_relay_line(&line) else { continue };
            if self.pending.len() >= MAX_PENDING {
                sys.out(relay_line(key, None));
                continue;
            }
            let servers = ResolverConfig::read(sys.files).servers;
            self.pending.push(Pending { key: key.to_owned(), bytes, servers, ask: None });
        }
        let mut pending = std::mem::take(&mut self.pending);
        pending.retain_mut(|p| !p.go_on(sys));
        self.pending = pending;
        let now = sys.now();
        self.timers.retain(|(at, key)| {
            let due = *at <= now;
            if due {
                sys.out(format!("due {key}\n"));
            } else {
                sys.wake_at(*at);
            }
            !due
        });
        Poll::Pending
    }
    fn name(&self) -> &str {
        "dockerd"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
