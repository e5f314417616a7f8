//! One question to one server, over a connected UDP socket.

use std::net::Ipv4Addr;

use super::{Message, Question};
use crate::guest::Sys;
use crate::stack::{Errno, SocketId, SocketKind};
use crate::time::{Duration, Instant};
use crate::wire::Endpoint;

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskError {
    /// The question never left: no route, or a firewall of one's own.
    NotSent(Errno),
    /// The kernel reported an error about it: port unreachable, host unreachable.
    Failed(Errno),
    /// Nothing came in time.
    TimedOut,
    /// The name cannot be put into a question.
    BadName,
}

/// A question under way.
#[derive(Debug, Clone)]
pub struct Ask {
    socket: SocketId,
    id: u16,
    deadline: Instant,
    asked: Instant,
}

impl Ask {
    /// Sends the question.
    ///
    /// # Errors
    /// [`AskError::NotSent`], [`AskError::BadName`].
    pub fn start(
        sys: &mut Sys<'_>,
        server: Endpoint,
        question: &Question,
        timeout: Duration,
    ) -> Result<Self, AskError> {
        let id = sys.rng.next_u32() as u16;
        let bytes = Message::query(id, question.clone()).encode().ok_or(AskError::BadName)?;
        Self::start_raw(sys, server, id, &bytes, timeout)
    }

    /// Sends a question as it is (forwarders do); `id` is what it carries.
    ///
    /// # Errors
    /// [`AskError::NotSent`].
    pub fn start_raw(
        sys: &mut Sys<'_>,
        server: Endpoint,
        id: u16,
        bytes: &[u8],
        timeout: Duration,
    ) -> Result<Self, AskError> {
        let socket = sys.ns.socket(Some(sys.pid), SocketKind::Udp);
        let sent = sys
            .ns
            .connect(socket, server, &mut sys.cx)
            .and_then(|()| sys.ns.send(socket, bytes, &mut sys.cx).map(|_| ()));
        if let Err(e) = sent {
            sys.ns.close(socket, &mut sys.cx);
            return Err(AskError::NotSent(e));
        }
        let asked = sys.now();
        sys.wake_at(asked + timeout);
        Ok(Self { socket, id, deadline: asked + timeout, asked })
    }

    /// Looks for the answer. None: not yet. Its bytes come with it.
    pub fn poll(&mut self, sys: &mut Sys<'_>) -> Option<Result<(Message, Vec<u8>), AskError>> {
        let result = loop {
            match sys.ns.recv_from(self.socket) {
                Ok(datagram) => match Message::decode(&datagram.data) {
                    // Anything else is not ours, or a forgery: go on waiting.
                    Some(m) if m.response && m.id == self.id => break Ok((m, datagram.data)),
                    _ => {}
                },
                Err(Errno::WouldBlock) if sys.now() >= self.deadline => break Err(AskError::TimedOut),
                Err(Errno::WouldBlock) => {
                    sys.wake_at(self.deadline);
                    return None;
                }
                Err(e) => break Err(AskError::Failed(e)),
            }
        };
        sys.ns.close(self.socket, &mut sys.cx);
        Some(result)
    }

    /// Stops waiting.
    pub fn cancel(self, sys: &mut Sys<'_>) {
        sys.ns.close(self.socket, &mut sys.cx);
    }

    /// How long the question has been under way.
    pub fn elapsed(&self, now: Instant) -> Duration {
        now.since(self.asked)
    }
}

/// Port 53 of `addr`.
pub(super) const fn at(addr: Ipv4Addr) -> Endpoint {
    Endpoint::new(addr, 53)
}
