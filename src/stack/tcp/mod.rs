//! TCP (RFC 9293): the state machine of one connection, and its sockets.
//!
//! Supported: three-way handshake, simultaneous open and close, half close, the MSS option,
//! flow control with probes of a closed window, retransmission (RFC 6298), slow start,
//! congestion avoidance and fast retransmit (RFC 5681, RFC 6582), reordering, resets and
//! challenge ACKs (RFC 5961), path MTU discovery (RFC 1191), TIME-WAIT.
//!
//! Not supported: window scaling, SACK, timestamps, urgent data, keep-alive, Nagle's delay
//! (every socket behaves as with TCP_NODELAY), delayed ACKs, SYN cookies, fast open.

mod conn;
mod input;
mod rto;
mod segment;
mod socket;
mod timer;

#[cfg(test)]
mod tests;

pub(super) use conn::Conn;
pub(super) use segment::{BadSegment, Emit, Segment, Seq, parse, write};
