//! Listening sockets of servers.

use std::net::Ipv4Addr;

use crate::guest::Sys;
use crate::stack::{Errno, SocketId, SocketKind, SocketOption};
use crate::wire::{Endpoint, Protocol};

/// A socket of `proto` (TCP, else UDP) bound to `at`; TCP listens with `backlog`.
///
/// # Errors
/// What bind(2) or listen(2) says; the socket is closed then.
pub(super) fn open(
    sys: &mut Sys<'_>,
    proto: Protocol,
    at: Endpoint,
    backlog: usize,
) -> Result<SocketId, Errno> {
    let tcp = proto == Protocol::Tcp;
    let socket = sys.ns.socket(Some(sys.pid), if tcp { SocketKind::Tcp } else { SocketKind::Udp });
    // Servers of UDP set SO_REUSEADDR as those of TCP do: serve, docker-proxy.
    let _ = sys.ns.set_option(socket, SocketOption::ReuseAddr(true));
    let done = sys
        .ns
        .bind(socket, at)
        .and_then(|()| if tcp { sys.ns.listen(socket, backlog, &mut sys.cx) } else { Ok(()) });
    if done.is_err() {
        sys.ns.close(socket, &mut sys.cx);
    }
    done.map(|()| socket)
}

/// `port` on all addresses.
pub(super) const fn any(port: u16) -> Endpoint {
    Endpoint::new(Ipv4Addr::UNSPECIFIED, port)
}
