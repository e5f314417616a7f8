//! The programs that make the items' traffic.

use crate::guest::{MachineId, Poll, Program, Sys};
use crate::sim::{Event, World};
use crate::stack::{SocketId, SocketKind};
use crate::time::{Duration, Instant};
use crate::wire::Endpoint;

/// Bytes of data: with headers, a frame of 98 bytes.
pub(super) const PAYLOAD: usize = 56;
/// Between two requests.
const PAUSE: Duration = Duration::from_millis(1);

/// Sends requests at fixed times, whether answered or not, and ends when every answer is there.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    kind: SocketKind,
    to: Endpoint,
    left: u32,
    next: Instant,
    socket: Option<SocketId>,
    /// Requests less answers so far.
    open: u32,
}

impl Asker {
    /// `count` echo requests (ping) or datagrams (UDP) to `to`, from `begin` on.
    pub fn new(kind: SocketKind, to: Endpoint, count: u32, begin: Instant) -> Self {
        Self { kind, to, left: count, next: begin, socket: None, open: 0 }
    }
}

impl Program for Asker {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        let kind = self.kind;
        let socket = *self.socket.get_or_insert_with(|| sys.ns.socket(Some(sys.pid), kind));
        while let Ok(answer) = sys.ns.recv_from(socket) {
            let right = answer.data.len() >= PAYLOAD && answer.from.addr == self.to.addr;
            assert!(right && self.open > 0, "an answer that was not asked for: {answer:?}");
            self.open -= 1;
        }
        while self.left > 0 && self.next <= sys.cx.now {
            // an echo request's data begin with its sequence number
            let mut message = [0; 2 + PAYLOAD];
            message[..2].copy_from_slice(&(self.left as u16).to_be_bytes());
            let message = if kind == SocketKind::Ping { &message[..] } else { &message[2..] };
            sys.ns.send_to(socket, self.to, message, &mut sys.cx).expect("there is a way");
            self.left -= 1;
            self.next += PAUSE;
            self.open += 1;
        }
        if self.left > 0 {
            sys.wake_at(self.next);
            return Poll::Pending;
        }
        if self.open == 0 { Poll::Exit(0) } else { Poll::Pending }
    }
    fn name(&self) -> &str {
        "asker"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// Sends every datagram back.
#[derive(Debug, Clone)]
pub(super) struct Echo {
    at: Endpoint,
    socket: Option<SocketId>,
}

impl Echo {
    pub fn new(at: Endpoint) -> Self {
        Self { at, socket: None }
    }
}

impl Program for Echo {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        let at = self.at;
        let socket = *self.socket.get_or_insert_with(|| {
            let socket = sys.ns.socket(Some(sys.pid), SocketKind::Udp);
            sys.ns.bind(socket, at).expect("a free port");
            socket
        });
        while let Ok(request) = sys.ns.recv_from(socket) {
            sys.ns.send_to(socket, request.from, &request.data, &mut sys.cx).expect("the way back");
        }
        Poll::Pending
    }
    fn name(&self) -> &str {
        "echo"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// Starts a program that somebody waits for ([`finish`]).
pub(super) fn start(world: &mut World, machine: MachineId, asker: Asker) {
    world.spawn(machine, Box::new(asker), true, false);
}

/// Runs until everybody who asked has every answer.
///
/// # Panics
/// If one is missing.
pub(super) fn finish(world: &mut World, askers: u32) {
    let mut ended = 0;
    while ended < askers {
        world.run(Instant::FAR_FUTURE, 1 << 20);
        let events = world.take_events();
        assert!(!events.is_empty() || !world.is_quiet(), "an answer is missing");
        ended += events.iter().filter(|e| matches!(e, Event::Exited(_, 0, _))).count() as u32;
    }
    while !world.is_quiet() {
        world.run(Instant::FAR_FUTURE, 1 << 20);
    }
}
