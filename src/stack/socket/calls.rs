//! The system calls.

use std::net::Ipv4Addr;

use super::super::{Cx, NetNs, Pid, Step};
use super::table::Body;
use super::{Datagram, Errno, IcmpError, PortSpace, Socket, SocketId, SocketInfo, SocketKind, SocketOption};
use crate::wire::Endpoint;

/// The system calls. All are non-blocking: what cannot be done yet is [`Errno::WouldBlock`],
/// and the owner is woken ([`super::super::Output::Wake`]) when something about the socket changed.
impl NetNs {
    /// socket(2).
    pub fn socket(&mut self, owner: Option<Pid>, kind: SocketKind) -> SocketId {
        self.sockets.insert(Socket::new(owner, kind))
    }

    /// setsockopt(2).
    ///
    /// # Errors
    /// `BadFd`, `NoDev`.
    pub fn set_option(&mut self, s: SocketId, o: SocketOption) -> Result<(), Errno> {
        let device = match o {
            SocketOption::Device(name) if !name.is_empty() => {
                Some(self.device_named(name.as_str()).ok_or(Errno::NoDev)?.index)
            }
            _ => None,
        };
        let options = &mut self.sockets.demand(s)?.options;
        match o {
            SocketOption::Ttl(ttl) => options.ttl = Some(ttl),
            SocketOption::DontFragment(on) => options.dont_fragment = on,
            SocketOption::Device(_) => options.device = device,
            SocketOption::Broadcast(on) => options.broadcast = on,
            SocketOption::RecvErr(on) => options.recv_err = on,
            SocketOption::ReuseAddr(on) => options.reuse = on,
            SocketOption::Source(addr) => options.source = addr,
        }
        Ok(())
    }

    /// bind(2). Port 0 takes an ephemeral one (32768–60999, drawn at random as Linux does).
    ///
    /// # Errors
    /// `AddrInUse`, `AddrNotAvail`, `Invalid` (bound already, or a packet socket), `BadFd`.
    pub fn bind(&mut self, s: SocketId, at: Endpoint) -> Result<(), Errno> {
        let socket = self.sockets.demand(s)?;
        if socket.local.port != 0 || PortSpace::of(socket.kind).is_none() {
            return Err(Errno::Invalid);
        }
        let any = at.addr.is_unspecified() || at.addr.is_multicast() || self.host().is_broadcast(at.addr);
        if !any && !self.is_local(at.addr) {
            return Err(Errno::AddrNotAvail);
        }
        self.sockets.bind(s, at, self.sysctl.port_range, &self.rng)
    }

    /// listen(2).
    ///
    /// # Errors
    /// `AddrInUse`, `BadFd`, `Invalid` (not an unconnected TCP socket).
    pub fn listen(&mut self, s: SocketId, backlog: usize, cx: &mut Cx<'_>) -> Result<(), Errno> {
        self.tcp_listen(s, backlog.min(self.sysctl.somaxconn as usize), cx)
    }

    /// accept(2). The new socket has the listener's owner.
    ///
    /// # Errors
    /// `WouldBlock`, `BadFd`, `Invalid`.
    pub fn accept(&mut self, s: SocketId) -> Result<SocketId, Errno> {
        self.tcp_accept(s)
    }

    /// connect(2). TCP answers `InProgress`; its end shows in [`NetNs::connect_result`]. UDP and
    /// ping only set the peer and choose the source address.
    ///
    /// # Errors
    /// `InProgress` (normal for TCP), `NetUnreach`, `HostUnreach`, `AddrNotAvail`, `IsConn`,
    /// `Invalid` (a packet socket, a listener), `Access` (broadcast without leave), `BadFd`.
    pub fn connect(&mut self, s: SocketId, to: Endpoint, cx: &mut Cx<'_>) -> Result<(), Errno> {
        let to = normal(to);
        let done = self.connect_to(s, to, cx);
        self.note_unsent(s, to, done.as_ref().err(), cx);
        done
    }

    fn connect_to(&mut self, s: SocketId, to: Endpoint, cx: &mut Cx<'_>) -> Result<(), Errno> {
        match self.sockets.demand(s)?.kind {
            SocketKind::Tcp => self.tcp_connect(s, to, cx),
            SocketKind::Udp | SocketKind::Ping => {
                let (src, ..) = self.datagram_source(s, to)?;
                let device = self.sockets.demand(s)?.options.device;
                if !to.addr.is_broadcast() {
                    self.source_for(to.addr, device)?; // is there a way at all?
                }
                let socket = self.sockets.demand(s)?;
                socket.remote = Some(to);
                socket.local.addr = src;
                Ok(())
            }
            SocketKind::Packet { .. } => Err(Errno::Invalid),
        }
    }

    /// How a TCP connect is doing: None while under way.
    pub fn connect_result(&mut self, s: SocketId) -> Option<Result<(), Errno>> {
        match self.sockets.get_mut(s) {
            None => Some(Err(Errno::BadFd)),
            Some(Socket { body: Body::Tcp(tcp), .. }) => tcp.conn.connect_result(),
            Some(socket) if socket.remote.is_some() => Some(Ok(())),
            Some(_) => Some(Err(Errno::NotConn)),
        }
    }

    /// send(2) on a connected socket. TCP: how many bytes were taken.
    ///
    /// # Errors
    /// `NotConn`, `Pipe`, `MsgSize`, `WouldBlock`, a pending socket error, or the route's.
    pub fn send(&mut self, s: SocketId, data: &[u8], cx: &mut Cx<'_>) -> Result<usize, Errno> {
        let socket = self.sockets.demand(s)?;
        let (kind, remote) = (socket.kind, socket.remote);
        match (kind, remote) {
            (SocketKind::Tcp, _) => self.tcp_send(s, data, cx),
            (SocketKind::Packet { .. }, _) => self.packet_send(s, data, cx),
            (_, None) => Err(Errno::NotConn),
            (_, Some(to)) => self.send_to(s, to, data, cx),
        }
    }

    /// sendto(2) for datagrams; a packet socket sends `data` as a whole frame from its device.
    ///
    /// # Errors
    /// As [`NetNs::send`]; `Perm` if an iptables rule in OUTPUT dropped it (as Linux answers);
    /// `IsConn` on TCP.
    pub fn send_to(
        &mut self,
        s: SocketId,
        to: Endpoint,
        data: &[u8],
        cx: &mut Cx<'_>,
    ) -> Result<usize, Errno> {
        let to = normal(to);
        let sent = match self.sockets.demand(s)?.kind {
            SocketKind::Tcp => Err(Errno::IsConn),
            SocketKind::Udp => self.udp_send(s, to, data, cx),
            SocketKind::Ping => self.ping_send(s, to, data, cx),
            SocketKind::Packet { .. } => self.packet_send(s, data, cx),
        };
        self.note_unsent(s, to, sent.as_ref().err(), cx);
        sent
    }

    /// A refusal for which no packet was made has no other record in the trace.
    fn note_unsent(&self, s: SocketId, to: Endpoint, refused: Option<&Errno>, cx: &mut Cx<'_>) {
        if let Some(&errno) = refused
            && matches!(errno, Errno::NetUnreach | Errno::HostUnreach | Errno::AddrNotAvail | Errno::MsgSize)
        {
            let by = self.sockets.get(s).and_then(|s| s.owner);
            cx.log.note(Step::Unsent { by, to, errno });
        }
    }

    /// recv(2) on TCP: up to `max` bytes; empty at the end of the stream.
    ///
    /// # Errors
    /// `WouldBlock`, `ConnReset`, `ConnRefused`, `TimedOut`, `NotConn`, `BadFd`.
    pub fn recv(&mut self, s: SocketId, max: usize, cx: &mut Cx<'_>) -> Result<Vec<u8>, Errno> {
        self.tcp_recv(s, max, cx)
    }

    /// recvfrom(2) for datagrams.
    ///
    /// # Errors
    /// `WouldBlock`; a pending error (`ConnRefused`, `HostUnreach` …) on a connected socket.
    pub fn recv_from(&mut self, s: SocketId) -> Result<Datagram, Errno> {
        let socket = self.sockets.demand(s)?;
        if let Some(error) = socket.error.take() {
            return Err(error);
        }
        socket.datagrams().ok_or(Errno::Invalid)?.pop().ok_or(Errno::WouldBlock)
    }

    /// The next queued ICMP error (recvmsg with MSG_ERRQUEUE). Queued are those about what a
    /// socket with [`SocketOption::RecvErr`] sent; an unconnected one hears of them only here.
    pub fn take_icmp_error(&mut self, s: SocketId) -> Option<IcmpError> {
        self.sockets.get_mut(s)?.icmp_errors.pop_front()
    }

    /// shutdown(SHUT_WR): no more data from here; the peer reads an end.
    pub fn shutdown(&mut self, s: SocketId, cx: &mut Cx<'_>) {
        if let Some(tcp) = self.sockets.get_mut(s).and_then(Socket::tcp) {
            tcp.conn.shutdown();
            self.tcp_pump(s, cx);
        }
    }

    /// close(2): TCP goes through its closing states (RST if unread data is left, as Linux).
    pub fn close(&mut self, s: SocketId, cx: &mut Cx<'_>) {
        let Some(socket) = self.sockets.get_mut(s) else { return };
        socket.owner = None;
        match socket.body {
            Body::Idle | Body::Datagrams(_) => {
                self.sockets.remove(s);
            }
            Body::Listener(_) => self.tcp_close_listener(s, cx),
            Body::Tcp(_) => self.tcp_close(s, cx),
        }
    }

    /// Closes everything that `owner` has, when its process ends.
    pub fn close_all_of(&mut self, owner: Pid, cx: &mut Cx<'_>) {
        self.watchers.retain(|pid| *pid != owner);
        for id in self.sockets.ids(|s| s.owner == Some(owner)) {
            self.close(id, cx);
        }
    }

    /// One socket, for reading. None once it is gone.
    pub fn socket_info(&self, s: SocketId) -> Option<SocketInfo> {
        self.sockets.info(s)
    }

    /// All sockets, by number.
    pub fn sockets(&self) -> Vec<SocketInfo> {
        self.sockets.infos()
    }

    /// The TTL of the SYN that opened an accepted connection (TCP_SAVED_SYN).
    pub fn syn_ttl(&self, s: SocketId) -> Option<u8> {
        match &self.sockets.get(s)?.body {
            Body::Tcp(tcp) => tcp.syn_ttl,
            _ => None,
        }
    }
}

/// 0.0.0.0 as a destination means this machine itself (ip_route_output_key).
fn normal(to: Endpoint) -> Endpoint {
    if to.addr.is_unspecified() { Endpoint::new(Ipv4Addr::LOCALHOST, to.port) } else { to }
}
