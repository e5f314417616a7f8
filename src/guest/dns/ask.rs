//! One question to one server: over a connected UDP socket, and over TCP when the answer does not
//! fit a datagram (RFC 7766 §5) or the asker wants so.

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

/// How a question goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AskOptions {
    /// Over TCP from the beginning.
    pub tcp: bool,
    /// A datagram that says that it was cut is taken as it is.
    pub take_truncated: bool,
    /// Own address and port; unspecified: the kernel's choice.
    pub from: Option<Endpoint>,
}

/// A question under way.
#[derive(Debug, Clone)]
pub struct Ask {
    server: Endpoint,
    id: u16,
    bytes: Vec<u8>,
    options: AskOptions,
    way: Way,
    deadline: Instant,
    asked: Instant,
}

#[derive(Debug, Clone)]
enum Way {
    Udp(SocketId),
    Tcp { socket: SocketId, sent: bool, input: Vec<u8> },
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
        let message = Message::query(sys.rng.next_u32() as u16, question.clone());
        Self::send(sys, server, &message, AskOptions::default(), timeout)
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`AskError::NotSent`], [`AskError::BadName`].
    pub fn send(
        sys: &mut Sys<'_>,
        server: Endpoint,
        message: &Message,
        options: AskOptions,
        timeout: Duration,
    ) -> Result<Self, AskError> {
        let bytes = message.encode().ok_or(AskError::BadName)?;
        Self::start_with(sys, server, message.id, &bytes, options, timeout)
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
        Self::start_with(sys, server, id, bytes, AskOptions::default(), timeout)
    }

    fn start_with(
        sys: &mut Sys<'_>,
        server: Endpoint,
        id: u16,
        bytes: &[u8],
        options: AskOptions,
        timeout: Duration,
    ) -> Result<Self, AskError> {
        let way = if options.tcp {
            Self::connect(sys, server, options)
        } else {
            open(sys, SocketKind::Udp, options).and_then(|socket| {
                let sent = sys
                    .ns
                    .connect(socket, server, &mut sys.cx)
                    .and_then(|()| sys.ns.send(socket, bytes, &mut sys.cx));
                if sent.is_err() {
                    sys.ns.close(socket, &mut sys.cx);
                }
                sent.map(|_| Way::Udp(socket))
            })
        };
        let way = way.map_err(AskError::NotSent)?;
        let asked = sys.now();
        let deadline = asked + timeout;
        sys.wake_at(deadline);
        Ok(Self { server, id, bytes: bytes.to_vec(), options, way, deadline, asked })
    }

    fn connect(sys: &mut Sys<'_>, server: Endpoint, options: AskOptions) -> Result<Way, Errno> {
        let socket = open(sys, SocketKind::Tcp, options)?;
        match sys.ns.connect(socket, server, &mut sys.cx) {
            Ok(()) | Err(Errno::InProgress) => Ok(Way::Tcp { socket, sent: false, input: Vec::new() }),
            Err(e) => {
                sys.ns.close(socket, &mut sys.cx);
                Err(e)
            }
        }
    }

    /// Looks for the answer. None: not yet. Its bytes come with it.
    pub fn poll(&mut self, sys: &mut Sys<'_>) -> Option<Result<(Message, Vec<u8>), AskError>> {
        let result = loop {
            let received = match &mut self.way {
                Way::Udp(socket) => sys.ns.recv_from(*socket).map(|d| d.data),
                Way::Tcp { socket, sent, input } => go_on(sys, *socket, sent, input, &self.bytes),
            };
            match received {
                Ok(data) => match Message::decode(&data) {
                    Some(m) if m.response && m.id == self.id => {
                        let again =
                            m.truncated && matches!(self.way, Way::Udp(_)) && !self.options.take_truncated;
                        if !again {
                            break Ok((m, data));
                        }
                        match Self::connect(sys, self.server, AskOptions { from: None, ..self.options }) {
                            Ok(way) => {
                                self.close(sys);
                                self.way = way;
                            }
                            Err(e) => break Err(AskError::NotSent(e)),
                        }
                    }
                    // Anything else is not ours, or a forgery: go on waiting.
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
        self.close(sys);
        Some(result)
    }

    fn close(&self, sys: &mut Sys<'_>) {
        let (Way::Udp(socket) | Way::Tcp { socket, .. }) = self.way;
        sys.ns.close(socket, &mut sys.cx);
    }

    /// Stops waiting.
    pub fn cancel(self, sys: &mut Sys<'_>) {
        self.close(sys);
    }

    /// How long the question has been under way.
    pub fn elapsed(&self, now: Instant) -> Duration {
        now.since(self.asked)
    }

    /// True if the answer comes, or came, over TCP.
    pub fn over_tcp(&self) -> bool {
        matches!(self.way, Way::Tcp { .. })
    }
}

fn open(sys: &mut Sys<'_>, kind: SocketKind, options: AskOptions) -> Result<SocketId, Errno> {
    let socket = sys.ns.socket(Some(sys.pid), kind);
    match options.from.map(|at| sys.ns.bind(socket, at)) {
        Some(Err(e)) => {
            sys.ns.close(socket, &mut sys.cx);
            Err(e)
        }
        _ => Ok(socket),
    }
}

/// Connects, sends the question once, reads the answer: each message has its length before it
/// (RFC 1035 §4.2.2).
fn go_on(
    sys: &mut Sys<'_>,
    socket: SocketId,
    sent: &mut bool,
    input: &mut Vec<u8>,
    question: &[u8],
) -> Result<Vec<u8>, Errno> {
    if !*sent {
        match sys.ns.connect_result(socket) {
            None => return Err(Errno::WouldBlock),
            Some(result) => result?,
        }
        sys.ns.send(socket, &framed(question), &mut sys.cx)?;
        *sent = true;
    }
    loop {
        if let Some(message) = unframed(input) {
            return Ok(message);
        }
        let bytes = sys.ns.recv(socket, 4096, &mut sys.cx)?;
        if bytes.is_empty() {
            return Err(Errno::ConnReset);
        }
        input.extend(bytes);
    }
}

/// A message with its length before it.
pub(super) fn framed(message: &[u8]) -> Vec<u8> {
    let mut bytes = u16::try_from(message.len()).unwrap_or(u16::MAX).to_be_bytes().to_vec();
    bytes.extend_from_slice(message);
    bytes
}

/// Takes the first whole message out of what came in.
pub(super) fn unframed(input: &mut Vec<u8>) -> Option<Vec<u8>> {
    let (length, _) = input.split_first_chunk::<2>()?;
    let end = 2 + usize::from(u16::from_be_bytes(*length));
    (input.len() >= end).then(|| input.drain(..end).skip(2).collect())
}

/// Port 53 of `addr`.
pub(super) const fn at(addr: Ipv4Addr) -> Endpoint {
    Endpoint::new(addr, 53)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_on_a_stream_are_told_apart_by_their_lengths() {
        let mut stream = framed(b"one");
        stream.extend(framed(b""));
        stream.extend(&framed(b"three")[..4]);
        assert_eq!(unframed(&mut stream).as_deref(), Some(&b"one"[..]));
        assert_eq!(unframed(&mut stream).as_deref(), Some(&b""[..]));
        assert_eq!((unframed(&mut stream), stream.len()), (None, 4));
    }
}
