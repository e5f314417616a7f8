//! A TCP connection with its buffers, as programs here use it.

use crate::guest::Sys;
use crate::stack::{Errno, SocketId};

/// A connected socket, what came in and what is still to go out.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    /// The socket.
    pub socket: SocketId,
    /// What came in and is not yet used up.
    pub input: Vec<u8>,
    /// The peer sends no more.
    pub ended: bool,
    output: Vec<u8>,
}

/// What is read in one go, and how much may wait to be used or sent.
const CHUNK: usize = 16 * 1024;

impl Stream {
    /// Around a connected socket.
    pub(super) fn new(socket: SocketId) -> Self {
        Self { socket, input: Vec::new(), ended: false, output: Vec::new() }
    }

    /// Reads what is there, up to `limit` bytes waiting in `input`.
    ///
    /// # Errors
    /// What recv(2) says, `WouldBlock` excepted.
    pub(super) fn fill(&mut self, sys: &mut Sys<'_>, limit: usize) -> Result<(), Errno> {
        while !self.ended && self.input.len() < limit {
            match sys.ns.recv(self.socket, CHUNK.min(limit - self.input.len()), &mut sys.cx) {
                Ok(bytes) if bytes.is_empty() => self.ended = true,
                Ok(bytes) => self.input.extend(bytes),
                Err(Errno::WouldBlock) => break,
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Puts bytes in line to be sent.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    /// How many bytes wait to be sent.
    pub(super) fn unsent(&self) -> usize {
        self.output.len()
    }

    /// Sends what the socket takes; true if nothing is left.
    ///
    /// # Errors
    /// What send(2) says, `WouldBlock` excepted.
    pub(super) fn flush(&mut self, sys: &mut Sys<'_>) -> Result<bool, Errno> {
        while !self.output.is_empty() {
            match sys.ns.send(self.socket, &self.output, &mut sys.cx) {
                Ok(0) | Err(Errno::WouldBlock) => return Ok(false),
                Ok(n) => drop(self.output.drain(..n.min(self.output.len()))),
                Err(e) => return Err(e),
            }
        }
        Ok(true)
    }

    /// Closes the socket.
    pub(super) fn close(&self, sys: &mut Sys<'_>) {
        sys.ns.close(self.socket, &mut sys.cx);
    }
}
