//! TCP sockets: the system calls, segments that arrive, and the pump that lets a connection
//! speak.

use std::net::Ipv4Addr;

use super::super::ipv4::IpSend;
use super::super::socket::{Body, ETHERNET, Listener, PortSpace, Socket, TcpSocket};
use super::super::{Cx, DropReason, Errno, NetNs, Output, RouteKey, SocketId, Step, TcpState, TimerKind};
use super::{BadSegment, Conn, Emit, Segment, Seq, parse, write};
use crate::wire::fmt::Ipv4Packet;
use crate::wire::{Endpoint, Flow, Frame, IfIndex, PacketId, Protocol};

/// What an arriving segment comes with.
struct Arrival {
    packet: PacketId,
    dev: IfIndex,
    /// The peer.
    from: Endpoint,
    /// This end.
    to: Endpoint,
    ttl: u8,
}

/// The system calls of TCP sockets.
impl NetNs {
    pub(in crate::stack) fn tcp_listen(
        &mut self,
        id: SocketId,
        backlog: usize,
        _cx: &mut Cx<'_>,
    ) -> Result<(), Errno> {
        let socket = self.sockets.demand(id)?;
        if let Body::Listener(listener) = &mut socket.body {
            listener.backlog = backlog;
            return Ok(());
        }
        let fit = socket.kind == super::super::SocketKind::Tcp && matches!(socket.body, Body::Idle);
        if !fit {
            return Err(Errno::Invalid);
        }
        if socket.local.port == 0 {
            let any = super::super::socket::ANY;
            self.sockets.bind(id, any, self.sysctl.port_range, &self.rng)?;
        }
        if self.sockets.listener_in_the_way(id) {
            return Err(Errno::AddrInUse);
        }
        self.sockets.demand(id)?.body = Body::Listener(Listener { backlog, ..Listener::default() });
        Ok(())
    }

    pub(in crate::stack) fn tcp_accept(&mut self, id: SocketId) -> Result<SocketId, Errno> {
        let socket = self.sockets.demand(id)?;
        let owner = socket.owner;
        let Body::Listener(listener) = &mut socket.body else { return Err(Errno::Invalid) };
        let child = listener.ready.pop_front().ok_or(Errno::WouldBlock)?;
        let socket = self.sockets.demand(child)?;
        socket.owner = owner;
        if let Some(tcp) = socket.tcp() {
            tcp.parent = None;
        }
        Ok(child)
    }

    pub(in crate::stack) fn tcp_connect(
        &mut self,
        id: SocketId,
        to: Endpoint,
        cx: &mut Cx<'_>,
    ) -> Result<(), Errno> {
        let socket = self.sockets.demand(id)?;
        match &socket.body {
            Body::Idle => {}
            Body::Tcp(tcp) if tcp.conn.connect_result().is_none() => return Err(Errno::InProgress),
            Body::Tcp(_) => return Err(Errno::IsConn),
            _ => return Err(Errno::Invalid),
        }
        if to.addr.is_broadcast() || to.addr.is_multicast() {
            return Err(Errno::NetUnreach);
        }
        let (bound, port, device) = (socket.bound, socket.local.port, socket.options.device);
        let routed = self.source_for(to.addr, device)?;
        let src = if bound.is_unspecified() { routed } else { bound };
        // now that the source is known, rules may say otherwise (ip_route_connect asks twice)
        self.resolve_flow(&RouteKey::from_to(src, to.addr, device))?;
        let port = match port {
            0 => {
                let range = self.sysctl.port_range;
                self.sockets.port_towards(src, to, range, &self.rng).ok_or(Errno::AddrNotAvail)?
            }
            port if self.sockets.connection(Endpoint::new(src, port), to).is_some() => {
                return Err(Errno::AddrNotAvail);
            }
            port => port,
        };
        let local = Endpoint::new(src, port);
        let iss = self.fresh_iss();
        let conn = Conn::open(iss, self.tcp_mtus(to.addr, device));
        let socket = self.sockets.demand(id)?;
        socket.local = local;
        socket.remote = Some(to);
        socket.body = Body::Tcp(Box::new(TcpSocket::new(conn)));
        self.sockets.add_flow(local, to, id);
        self.tcp_pump(id, cx);
        Err(Errno::InProgress)
    }

    pub(in crate::stack) fn tcp_send(
        &mut self,
        id: SocketId,
        data: &[u8],
        cx: &mut Cx<'_>,
    ) -> Result<usize, Errno> {
        let tcp = self.sockets.demand(id)?.tcp().ok_or(Errno::NotConn)?;
        let taken = tcp.conn.send(data)?;
        self.tcp_pump(id, cx);
        Ok(taken)
    }

    pub(in crate::stack) fn tcp_recv(
        &mut self,
        id: SocketId,
        max: usize,
        cx: &mut Cx<'_>,
    ) -> Result<Vec<u8>, Errno> {
        let tcp = self.sockets.demand(id)?.tcp().ok_or(Errno::NotConn)?;
        let data = tcp.conn.recv(max)?;
        self.tcp_pump(id, cx);
        Ok(data)
    }

    pub(in crate::stack) fn tcp_close(&mut self, id: SocketId, cx: &mut Cx<'_>) {
        if let Some(tcp) = self.sockets.get_mut(id).and_then(Socket::tcp) {
            tcp.conn.close(cx.now);
            self.tcp_pump(id, cx);
        }
    }

    /// Connections that nobody accepted are reset, handshakes forgotten (inet_csk_listen_stop).
    pub(in crate::stack) fn tcp_close_listener(&mut self, id: SocketId, cx: &mut Cx<'_>) {
        let children = self.sockets.ids(|s| matches!(&s.body, Body::Tcp(t) if t.parent == Some(id)));
        self.sockets.remove(id);
        for child in children {
            let Some(tcp) = self.sockets.get_mut(child).and_then(Socket::tcp) else { continue };
            tcp.conn.drop_unaccepted();
            self.tcp_pump(child, cx);
        }
    }

    /// The MTU of the interface towards `to`, and of the path to it.
    fn tcp_mtus(&self, to: Ipv4Addr, device: Option<IfIndex>) -> (u16, u16) {
        let dev = self.resolve(to, device).map_or(IfIndex::LO, |hop| hop.dev);
        let mtu = self.device(dev).map_or(u32::MAX, |d| d.mtu);
        (u16::try_from(mtu).unwrap_or(u16::MAX), self.tcp_mtu(to))
    }

    fn tcp_mtu(&self, to: Ipv4Addr) -> u16 {
        u16::try_from(self.path_mtu(to)).unwrap_or(u16::MAX)
    }
}

/// What arrives.
impl NetNs {
    /// A TCP segment for this namespace.
    pub(in crate::stack) fn deliver_tcp(&mut self, dev: IfIndex, frame: Frame, cx: &mut Cx<'_>) {
        let ip = Ipv4Packet::new_unchecked(&frame.bytes[ETHERNET..]);
        let (src, dst) = (ip.src_addr(), ip.dst_addr());
        let drop = |reason, cx: &mut Cx<'_>| {
            cx.log.packet(frame.id, Step::Dropped { dev: Some(dev), reason });
        };
        if dst.is_broadcast() || dst.is_multicast() || src.is_broadcast() || src.is_multicast() {
            return drop(DropReason::Broadcast, cx);
        }
        let (sport, dport, seg) = match parse(ip.payload(), src, dst) {
            Ok(parts) => parts,
            Err(BadSegment::Malformed) => return drop(DropReason::Malformed, cx),
            Err(BadSegment::Checksum) => return drop(DropReason::BadChecksum, cx),
        };
        let (from, to) = (Endpoint::new(src, sport), Endpoint::new(dst, dport));
        let arrival = Arrival { packet: frame.id, dev, from, to, ttl: ip.hop_limit() };

        if let Some(id) = self.connection_for(&arrival, &seg) {
            self.tcp_segment(id, &arrival, &seg, cx);
        } else if let Some(id) = self.sockets.bound(PortSpace::Tcp, to, Some(from), Some(dev)) {
            self.at_listener(id, &arrival, &seg, cx);
        } else {
            self.at_closed_port(&arrival, &seg, cx);
        }
    }

    /// An initial sequence number (RFC 9293 §3.4.1).
    fn fresh_iss(&mut self) -> Seq {
        Seq(self.sockets.rng(&self.rng).next_u32())
    }

    /// The connection of these two ends. One in TIME-WAIT steps aside for a new SYN if somebody
    /// listens (RFC 9293 §3.10.7.4 fourth, tcp_timewait_state_process).
    fn connection_for(&mut self, at: &Arrival, seg: &Segment<'_>) -> Option<SocketId> {
        let id = self.sockets.connection(at.to, at.from)?;
        let socket = self.sockets.get_mut(id)?;
        if socket.options.device.is_some_and(|d| d != at.dev) {
            return None;
        }
        let anew = socket.tcp().is_some_and(|t| t.conn.gives_way_to(seg));
        if anew && self.sockets.bound(PortSpace::Tcp, at.to, Some(at.from), Some(at.dev)).is_some() {
            self.sockets.remove(id);
            return None;
        }
        Some(id)
    }

    fn tcp_segment(&mut self, id: SocketId, at: &Arrival, seg: &Segment<'_>, cx: &mut Cx<'_>) {
        if self.must_wait_for_accept(id, seg) {
            let reason = DropReason::BacklogFull;
            cx.log.packet(at.packet, Step::Dropped { dev: Some(at.dev), reason });
            return;
        }
        let Some(tcp) = self.sockets.get_mut(id).and_then(Socket::tcp) else { return };
        let before = tcp.conn.progress();
        let verdict = tcp.conn.on_segment(seg, cx.now);
        let progress = tcp.conn.progress() != before;
        let step = match verdict {
            Ok(()) => Step::Delivered { socket: id },
            Err(reason) => Step::Dropped { dev: Some(at.dev), reason },
        };
        cx.log.packet(at.packet, step);
        if progress {
            self.confirm_neighbour(at.from.addr, cx);
        }
        self.tcp_pump(id, cx);
    }

    /// The last ACK of a handshake counts only when there is room to wait for accept(2)
    /// (tcp_v4_syn_recv_sock); the peer's data will bring it again.
    fn must_wait_for_accept(&self, id: SocketId, seg: &Segment<'_>) -> bool {
        let Some(Socket { body: Body::Tcp(tcp), .. }) = self.sockets.get(id) else { return false };
        let completes = tcp.conn.state() == TcpState::SynReceived && seg.ack.is_some() && !seg.flags.rst;
        let parent = tcp.parent.and_then(|p| self.sockets.get(p));
        completes && matches!(parent, Some(Socket { body: Body::Listener(l), .. }) if l.is_full())
    }

    /// RFC 9293 §3.10.7.2.
    fn at_listener(&mut self, id: SocketId, at: &Arrival, seg: &Segment<'_>, cx: &mut Cx<'_>) {
        if seg.flags.rst {
            cx.log.packet(at.packet, Step::DeliveredToKernel);
            return;
        }
        if seg.ack.is_some() {
            self.reset_stranger(at, seg, DropReason::NoMatchingSocket, cx);
            return;
        }
        let drop = |reason, cx: &mut Cx<'_>| {
            cx.log.packet(at.packet, Step::Dropped { dev: Some(at.dev), reason });
        };
        if !seg.flags.syn || seg.flags.fin {
            return drop(DropReason::NoMatchingSocket, cx);
        }
        let mtus = self.tcp_mtus(at.from.addr, None);
        let iss = self.fresh_iss();
        let Some(socket) = self.sockets.get_mut(id) else { return };
        let options = socket.options.clone();
        let Body::Listener(listener) = &mut socket.body else { return };
        if listener.is_full() || listener.half_open > listener.backlog.max(1) {
            return drop(DropReason::BacklogFull, cx);
        }
        listener.half_open += 1;
        let mut tcp = TcpSocket::new(Conn::accept(iss, mtus, seg));
        tcp.parent = Some(id);
        tcp.syn_ttl = Some(at.ttl);
        let mut child = Socket::new(None, super::super::SocketKind::Tcp);
        child.local = at.to;
        child.remote = Some(at.from);
        child.options = options;
        child.body = Body::Tcp(Box::new(tcp));
        let child = self.sockets.insert(child);
        self.sockets.add_flow(at.to, at.from, child);
        cx.log.packet(at.packet, Step::Delivered { socket: id });
        self.tcp_pump(child, cx);
    }

    /// Nobody is there: a reset answers everything but a reset (RFC 9293 §3.10.7.1).
    fn at_closed_port(&mut self, at: &Arrival, seg: &Segment<'_>, cx: &mut Cx<'_>) {
        if seg.flags.rst {
            cx.log.packet(at.packet, Step::DeliveredToKernel);
            return;
        }
        let opening = seg.flags.syn && seg.ack.is_none();
        let reason = if opening {
            let flow = Flow { src: at.from, dst: at.to, proto: Protocol::Tcp };
            cx.log.packet(at.packet, Step::NobodyListens { flow });
            DropReason::PortClosed { port: at.to.port }
        } else {
            DropReason::NoMatchingSocket
        };
        self.reset_stranger(at, seg, reason, cx);
    }

    /// Answers with a reset that belongs to no connection, then lets the segment end.
    fn reset_stranger(&mut self, at: &Arrival, seg: &Segment<'_>, reason: DropReason, cx: &mut Cx<'_>) {
        let mut bytes = std::mem::take(&mut self.sockets.scratch);
        let emit = Emit::reset_for(seg);
        write(&emit, (at.to.addr, at.to.port), (at.from.addr, at.from.port), (&[], &[]), &mut bytes);
        let send = IpSend {
            by: None,
            src: at.to.addr,
            dst: at.from.addr,
            proto: Protocol::Tcp,
            ttl: None,
            df: true,
            device: None,
            payload: &bytes,
        };
        if let Ok(reset) = self.ip_output(send, cx) {
            cx.log.packet(at.packet, Step::ResetSent { reset });
        }
        self.sockets.scratch = bytes;
        cx.log.packet(at.packet, Step::Dropped { dev: Some(at.dev), reason });
    }
}

/// What leaves, and when.
impl NetNs {
    /// A timer of a TCP socket is due.
    pub(in crate::stack) fn on_tcp_timer(&mut self, id: SocketId, generation: u32, cx: &mut Cx<'_>) {
        let Some(tcp) = self.sockets.get_mut(id).and_then(Socket::tcp) else { return };
        if tcp.generation != generation {
            return; // overtaken by an earlier one
        }
        tcp.timer_at = None;
        tcp.conn.on_timer(cx.now);
        self.tcp_pump(id, cx);
    }

    /// Lets a connection say what it has to say, then notes what changed.
    pub(in crate::stack) fn tcp_pump(&mut self, id: SocketId, cx: &mut Cx<'_>) {
        self.note_moves(id, cx);
        let mut bytes = std::mem::take(&mut self.sockets.scratch);
        while let Some(socket) = self.sockets.get_mut(id) {
            let (by, ttl, device) = (socket.owner, socket.options.ttl, socket.options.device);
            let (local, Some(remote)) = (socket.local, socket.remote) else { break };
            let Some(tcp) = socket.tcp() else { break };
            let Some(emit) = tcp.conn.poll(cx.now) else { break };
            let halves = tcp.conn.send_halves();
            write(&emit, (local.addr, local.port), (remote.addr, remote.port), halves, &mut bytes);
            let by = by.or_else(|| self.parent_owner(id));
            let (src, dst, proto) = (local.addr, remote.addr, Protocol::Tcp);
            let send = IpSend { by, src, dst, proto, ttl, df: true, device, payload: &bytes };
            self.tcp_output(id, &emit, send, cx);
        }
        self.sockets.scratch = bytes;
        self.tcp_settle(id, cx);
    }

    /// Before accept(2) a connection speaks for its listener's owner.
    fn parent_owner(&self, id: SocketId) -> Option<super::super::Pid> {
        let Body::Tcp(tcp) = &self.sockets.get(id)?.body else { return None };
        self.sockets.get(tcp.parent?)?.owner
    }

    /// Sends one segment. What the IP layer refuses is lost like any other packet: the timer
    /// will try again. Only a path that turns out narrower changes something at once.
    fn tcp_output(&mut self, id: SocketId, emit: &Emit, mut send: IpSend<'_>, cx: &mut Cx<'_>) {
        let mut sent = self.ip_output(send, cx);
        if sent == Err(Errno::MsgSize) {
            let mtu = self.tcp_mtu(send.dst);
            let tcp = self.sockets.get_mut(id).and_then(Socket::tcp);
            if tcp.is_some_and(|t| t.conn.narrow(mtu)) {
                return;
            }
            send.df = false;
            sent = self.ip_output(send, cx);
        }
        if emit.attempt > 0 {
            let step = Step::Retransmit { socket: id, attempt: emit.attempt };
            match sent {
                Ok(packet) => cx.log.packet(packet, step),
                Err(_) => cx.log.note(step),
            }
        }
    }

    fn note_moves(&mut self, id: SocketId, cx: &mut Cx<'_>) {
        let Some(socket) = self.sockets.get_mut(id) else { return };
        let (local, Some(remote)) = (socket.local, socket.remote) else { return };
        let Some(tcp) = socket.tcp() else { return };
        if !tcp.conn.has_moves() {
            return;
        }
        for (from, to) in tcp.conn.take_moves() {
            cx.log.note(Step::Tcp { socket: id, local, remote, from, to });
        }
    }

    /// After the pump: the accept queue, the owner's wake-up, the timer, the end.
    fn tcp_settle(&mut self, id: SocketId, cx: &mut Cx<'_>) {
        self.note_moves(id, cx);
        let Some(tcp) = self.sockets.get_mut(id).and_then(Socket::tcp) else { return };
        let woken = tcp.conn.take_wake();
        let (state, parent) = (tcp.conn.state(), tcp.parent);
        let (was_up, orphan) = (tcp.conn.was_up(), tcp.conn.is_orphan());
        if let Some(parent) = parent {
            self.settle_unaccepted(parent, id, was_up, state, cx);
        }
        if woken {
            self.wake(id, cx);
        }
        if state == TcpState::Closed {
            if orphan || (parent.is_some() && !was_up) {
                self.sockets.remove(id);
            } else {
                self.sockets.unlink(id);
            }
            return;
        }
        self.arm_timer(id, cx);
    }

    /// A connection that is not yet accepted came up (it queues) or went away.
    fn settle_unaccepted(
        &mut self,
        parent: SocketId,
        id: SocketId,
        was_up: bool,
        state: TcpState,
        cx: &mut Cx<'_>,
    ) {
        let Some(Socket { body: Body::Listener(listener), .. }) = self.sockets.get_mut(parent) else {
            return;
        };
        if was_up && !listener.ready.contains(&id) {
            listener.half_open = listener.half_open.saturating_sub(1);
            listener.ready.push_back(id);
            self.wake(parent, cx);
        } else if !was_up && state == TcpState::Closed {
            listener.half_open = listener.half_open.saturating_sub(1);
        }
    }

    /// Keeps one timer in the World: an earlier deadline overtakes it, a later one waits for it.
    fn arm_timer(&mut self, id: SocketId, cx: &mut Cx<'_>) {
        let Some(tcp) = self.sockets.get_mut(id).and_then(Socket::tcp) else { return };
        let Some(at) = tcp.conn.deadline() else { return };
        if tcp.timer_at.is_none_or(|armed| at < armed) {
            tcp.generation = tcp.generation.wrapping_add(1);
            tcp.timer_at = Some(at);
            let kind = TimerKind::Tcp { socket: id, generation: tcp.generation };
            cx.out.push(Output::Timer { at, kind });
        }
    }
}
