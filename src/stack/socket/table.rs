//! The table of sockets: who owns which port, and whose packet is it?

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;

use super::super::tcp::Conn;
use super::super::{Pid, TcpState};
use super::{Datagram, Errno, IcmpError, SocketId, SocketInfo, SocketKind};
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::{Endpoint, FastMap, IfIndex};

/// What a receive queue holds at most, in bytes (net.core.rmem_default).
const RECEIVE_BUFFER: usize = 212_992;
/// What a datagram costs beside its bytes (a small sk_buff's truesize, about).
const OVERHEAD: usize = 512;
/// ICMP errors that wait to be read, at most.
const ERROR_QUEUE: usize = 64;

/// The endpoint that stands for "any".
pub(in crate::stack) const ANY: Endpoint = Endpoint::new(Ipv4Addr::UNSPECIFIED, 0);

/// A socket's settings (setsockopt).
#[derive(Debug, Clone)]
pub(in crate::stack) struct Options {
    pub ttl: Option<u8>,
    /// IP_PMTUDISC_DO; otherwise DF is set where the packet fits, as Linux does by default.
    pub dont_fragment: bool,
    pub device: Option<IfIndex>,
    pub broadcast: bool,
    pub recv_err: bool,
    pub reuse: bool,
    /// Where datagrams leave from, whatever the socket is bound to; unspecified: as bound.
    pub source: Ipv4Addr,
}

/// A socket.
#[derive(Debug, Clone)]
pub(in crate::stack) struct Socket {
    pub owner: Option<Pid>,
    pub kind: SocketKind,
    pub local: Endpoint,
    /// The address that bind(2) fixed; unspecified if none.
    pub bound: Ipv4Addr,
    pub remote: Option<Endpoint>,
    pub options: Options,
    /// An error that the next call reports (sk_err); a TCP connection keeps its own.
    pub error: Option<Errno>,
    pub icmp_errors: VecDeque<IcmpError>,
    pub body: Body,
}

/// What kinds of socket have of their own.
#[derive(Debug, Clone)]
pub(in crate::stack) enum Body {
    /// TCP, neither connected nor listening.
    Idle,
    Listener(Listener),
    Tcp(Box<TcpSocket>),
    /// UDP, ping and packet sockets.
    Datagrams(Datagrams),
}

/// A listening socket.
#[derive(Debug, Clone, Default)]
pub(in crate::stack) struct Listener {
    pub backlog: usize,
    /// Handshakes under way.
    pub half_open: usize,
    /// Connections that wait for accept(2).
    pub ready: VecDeque<SocketId>,
}

impl Listener {
    /// Linux lets one more wait than the backlog says (sk_acceptq_is_full).
    pub fn is_full(&self) -> bool {
        self.ready.len() > self.backlog
    }
}

/// A TCP connection with what belongs to its socket.
#[derive(Debug, Clone)]
pub(in crate::stack) struct TcpSocket {
    pub conn: Conn,
    /// The listener it came from, until it is accepted.
    pub parent: Option<SocketId>,
    pub syn_ttl: Option<u8>,
    /// The one timer that the World holds for it.
    pub timer_at: Option<Instant>,
    pub generation: u32,
}

impl TcpSocket {
    pub fn new(conn: Conn) -> Self {
        Self { conn, parent: None, syn_ttl: None, timer_at: None, generation: 0 }
    }
}

/// A bounded queue of received datagrams.
#[derive(Debug, Clone, Default)]
pub(in crate::stack) struct Datagrams {
    queue: VecDeque<Datagram>,
    used: usize,
}

impl Datagrams {
    /// Appends; false if the buffer is full.
    pub fn push(&mut self, datagram: Datagram) -> bool {
        let cost = datagram.data.len() + OVERHEAD;
        if self.used + cost > RECEIVE_BUFFER {
            return false;
        }
        self.used += cost;
        self.queue.push_back(datagram);
        true
    }
    /// The oldest.
    pub fn pop(&mut self) -> Option<Datagram> {
        let datagram = self.queue.pop_front()?;
        self.used -= datagram.data.len() + OVERHEAD;
        Some(datagram)
    }
    /// Bytes that wait.
    pub fn bytes(&self) -> usize {
        self.used - self.queue.len() * OVERHEAD
    }
}

impl Socket {
    pub fn new(owner: Option<Pid>, kind: SocketKind) -> Self {
        let body = match kind {
            SocketKind::Tcp => Body::Idle,
            _ => Body::Datagrams(Datagrams::default()),
        };
        let options = Options {
            ttl: None,
            dont_fragment: false,
            device: None,
            broadcast: false,
            recv_err: false,
            reuse: kind == SocketKind::Tcp,
            source: Ipv4Addr::UNSPECIFIED,
        };
        Self {
            owner,
            kind,
            local: ANY,
            bound: Ipv4Addr::UNSPECIFIED,
            remote: None,
            options,
            error: None,
            icmp_errors: VecDeque::new(),
            body,
        }
    }

    /// The connection, if there is one.
    pub fn tcp(&mut self) -> Option<&mut TcpSocket> {
        match &mut self.body {
            Body::Tcp(tcp) => Some(tcp),
            _ => None,
        }
    }
    /// The received datagrams, if it is a socket that has such.
    pub fn datagrams(&mut self) -> Option<&mut Datagrams> {
        match &mut self.body {
            Body::Datagrams(d) => Some(d),
            _ => None,
        }
    }

    /// Queues an ICMP error; the oldest goes when there are too many.
    pub fn push_icmp_error(&mut self, error: IcmpError) {
        if self.icmp_errors.len() >= ERROR_QUEUE {
            self.icmp_errors.pop_front();
        }
        self.icmp_errors.push_back(error);
    }

    /// How well it matches a packet from `remote` to `local` on `dev`: None not at all, else
    /// more is better (compute_score of net/ipv4/udp.c and inet_hashtables.c).
    fn score(&self, local: Endpoint, remote: Option<Endpoint>, dev: Option<IfIndex>) -> Option<u8> {
        if self.local.port != local.port {
            return None;
        }
        let mut score = 0;
        if !self.local.addr.is_unspecified() {
            if self.local.addr != local.addr {
                return None;
            }
            score += 4;
        }
        if let (Some(peer), Some(remote)) = (self.remote, remote) {
            if peer != remote {
                return None;
            }
            score += 2;
        }
        match (self.options.device, dev) {
            (Some(mine), Some(dev)) if mine != dev => return None,
            (Some(_), _) => score += 1,
            _ => {}
        }
        Some(score)
    }

    fn info(&self, id: SocketId) -> SocketInfo {
        let (state, recv_queue, send_queue) = match &self.body {
            Body::Idle => (TcpState::Closed, 0, 0),
            Body::Listener(l) => (TcpState::Listen, l.ready.len(), l.backlog),
            Body::Tcp(t) => (t.conn.state(), t.conn.readable(), t.conn.unacked()),
            Body::Datagrams(d) if self.remote.is_some() => (TcpState::Established, d.bytes(), 0),
            Body::Datagrams(d) => (TcpState::Closed, d.bytes(), 0),
        };
        SocketInfo {
            id,
            kind: self.kind,
            owner: self.owner,
            local: self.local,
            remote: self.remote,
            state,
            recv_queue,
            send_queue,
        }
    }
}

/// The port spaces, each with numbers of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::stack) enum PortSpace {
    Tcp,
    Udp,
    Ping,
}

impl PortSpace {
    /// Where sockets of `kind` have their port; None for packet sockets.
    pub fn of(kind: SocketKind) -> Option<Self> {
        match kind {
            SocketKind::Tcp => Some(Self::Tcp),
            SocketKind::Udp => Some(Self::Udp),
            SocketKind::Ping => Some(Self::Ping),
            SocketKind::Packet { .. } => None,
        }
    }
}

/// A namespace's sockets.
#[derive(Debug, Clone, Default)]
pub(in crate::stack) struct Sockets {
    last: u32,
    all: BTreeMap<SocketId, Box<Socket>>,
    /// TCP connections by (own end, other end).
    flows: FastMap<(Endpoint, Endpoint), SocketId>,
    /// Bound sockets and listeners, oldest first. Accepted connections are not here.
    ports: BTreeMap<(PortSpace, u16), Vec<SocketId>>,
    packet: Vec<SocketId>,
    rng: Option<Rng>,
    /// Where outgoing packets are written, to be used again.
    pub scratch: Vec<u8>,
}

impl Sockets {
    /// Takes a socket in.
    pub fn insert(&mut self, socket: Socket) -> SocketId {
        self.last += 1;
        let id = SocketId(self.last);
        if matches!(socket.kind, SocketKind::Packet { .. }) {
            self.packet.push(id);
        }
        self.all.insert(id, Box::new(socket));
        id
    }
    pub fn get(&self, id: SocketId) -> Option<&Socket> {
        self.all.get(&id).map(AsRef::as_ref)
    }
    pub fn get_mut(&mut self, id: SocketId) -> Option<&mut Socket> {
        self.all.get_mut(&id).map(AsMut::as_mut)
    }
    /// The socket, or `BadFd`.
    pub fn demand(&mut self, id: SocketId) -> Result<&mut Socket, Errno> {
        self.get_mut(id).ok_or(Errno::BadFd)
    }
    /// Takes a socket out, with its port and flow.
    pub fn remove(&mut self, id: SocketId) -> Option<Box<Socket>> {
        self.unlink(id);
        self.packet.retain(|&p| p != id);
        self.all.remove(&id)
    }
    /// Frees a socket's port and flow.
    pub fn unlink(&mut self, id: SocketId) {
        let Some(socket) = self.all.get(&id) else { return };
        if let (Body::Tcp(_), Some(remote)) = (&socket.body, socket.remote) {
            let flow = (socket.local, remote);
            if self.flows.get(&flow) == Some(&id) {
                self.flows.remove(&flow);
            }
        }
        let Some(space) = PortSpace::of(socket.kind) else { return };
        let key = (space, socket.local.port);
        if let Some(ids) = self.ports.get_mut(&key) {
            ids.retain(|&other| other != id);
            if ids.is_empty() {
                self.ports.remove(&key);
            }
        }
    }
    /// The numbers of all sockets that `which` picks, in order.
    pub fn ids(&self, which: impl Fn(&Socket) -> bool) -> Vec<SocketId> {
        self.all.iter().filter(|(_, s)| which(s)).map(|(&id, _)| id).collect()
    }
    /// For `ss`.
    pub fn info(&self, id: SocketId) -> Option<SocketInfo> {
        self.get(id).map(|s| s.info(id))
    }
    /// For `ss`, by number.
    pub fn infos(&self) -> Vec<SocketInfo> {
        self.all.iter().map(|(&id, s)| s.info(id)).collect()
    }
    /// Packet sockets.
    pub fn packet_sockets(&self) -> &[SocketId] {
        &self.packet
    }
    /// The sockets' own stream of random numbers, forked from the namespace's at first use.
    pub fn rng(&mut self, parent: &Rng) -> &mut Rng {
        self.rng.get_or_insert_with(|| parent.fork("sockets"))
    }

    // ---- flows and ports

    /// The connection between `local` and `remote`.
    pub fn connection(&self, local: Endpoint, remote: Endpoint) -> Option<SocketId> {
        self.flows.get(&(local, remote)).copied()
    }
    /// Enters a connection.
    pub fn add_flow(&mut self, local: Endpoint, remote: Endpoint, id: SocketId) {
        self.flows.insert((local, remote), id);
    }

    /// The bound socket that a packet to `local` from `remote` is for: an exact address beats
    /// the wildcard, a connected socket beats an unconnected one, the newest wins a tie.
    /// Without `remote` it does not matter who is connected to whom.
    pub fn bound(
        &self,
        space: PortSpace,
        local: Endpoint,
        remote: Option<Endpoint>,
        dev: Option<IfIndex>,
    ) -> Option<SocketId> {
        let mut best = None;
        for &id in self.ports.get(&(space, local.port))? {
            let Some(socket) = self.get(id) else { continue };
            if space == PortSpace::Tcp && !matches!(socket.body, Body::Listener(_)) {
                continue;
            }
            if let Some(score) = socket.score(local, remote, dev)
                && best.is_none_or(|(top, _)| score >= top)
            {
                best = Some((score, id));
            }
        }
        best.map(|(_, id)| id)
    }
    /// All bound sockets that a broadcast to `port` from `remote` on `dev` is for.
    pub fn bound_to_broadcast(
        &self,
        space: PortSpace,
        local: Endpoint,
        remote: Endpoint,
        dev: IfIndex,
    ) -> Vec<SocketId> {
        let Some(ids) = self.ports.get(&(space, local.port)) else { return Vec::new() };
        let matches =
            |id: &SocketId| self.get(*id).and_then(|s| s.score(local, Some(remote), Some(dev))).is_some();
        ids.iter().copied().filter(matches).collect()
    }

    /// Would binding `id` to `at` get in somebody's way (inet_csk_bind_conflict)?
    fn conflicts(&self, space: PortSpace, id: SocketId, at: Endpoint) -> bool {
        let Some(me) = self.get(id) else { return false };
        let overlap = |other: &Socket| {
            let addr =
                at.addr.is_unspecified() || other.local.addr.is_unspecified() || other.local.addr == at.addr;
            let device = match (me.options.device, other.options.device) {
                (Some(a), Some(b)) => a == b,
                _ => true,
            };
            addr && device
        };
        let in_the_way = |other: &Socket| {
            let listening = matches!(other.body, Body::Listener(_));
            overlap(other) && (!me.options.reuse || !other.options.reuse || listening)
        };
        let by_port = self.ports.get(&(space, at.port));
        if by_port.into_iter().flatten().any(|&o| o != id && self.get(o).is_some_and(in_the_way)) {
            return true;
        }
        // Without SO_REUSEADDR, connections that were accepted on the port count too.
        space == PortSpace::Tcp
            && !me.options.reuse
            && self.all.iter().any(|(&o, s)| {
                o != id && matches!(s.body, Body::Tcp(_)) && s.local.port == at.port && in_the_way(s)
            })
    }

    /// Another listener where `id` wants to listen.
    pub fn listener_in_the_way(&self, id: SocketId) -> bool {
        let Some(me) = self.get(id) else { return false };
        self.ports.get(&(PortSpace::Tcp, me.local.port)).into_iter().flatten().any(|&o| {
            o != id
                && self.get(o).is_some_and(|s| {
                    matches!(s.body, Body::Listener(_))
                        && (s.local.addr == me.local.addr
                            || s.local.addr.is_unspecified()
                            || me.local.addr.is_unspecified())
                        && (s.options.device == me.options.device
                            || s.options.device.is_none()
                            || me.options.device.is_none())
                })
        })
    }

    /// Gives `id` the local end `at`; port 0 is drawn from `range`.
    pub fn bind(&mut self, id: SocketId, at: Endpoint, range: (u16, u16), rng: &Rng) -> Result<(), Errno> {
        let kind = self.get(id).ok_or(Errno::BadFd)?.kind;
        let space = PortSpace::of(kind).ok_or(Errno::Invalid)?;
        let port = if at.port == 0 {
            let free = |table: &Self, port| {
                !table.ports.contains_key(&(space, port))
                    && (space != PortSpace::Tcp || !table.all.values().any(|s| s.is_tcp_at(port)))
            };
            self.draw_port(range, rng, free).ok_or(Errno::AddrInUse)?
        } else if self.conflicts(space, id, at) {
            return Err(Errno::AddrInUse);
        } else {
            at.port
        };
        let socket = self.demand(id)?;
        socket.local = Endpoint::new(at.addr, port);
        socket.bound = at.addr;
        self.ports.entry((space, port)).or_default().push(id);
        Ok(())
    }

    /// A port from which `addr` can connect to `remote` (__inet_hash_connect): no bound socket
    /// has it, and no connection to the same `remote`.
    pub fn port_towards(
        &mut self,
        addr: Ipv4Addr,
        remote: Endpoint,
        range: (u16, u16),
        rng: &Rng,
    ) -> Option<u16> {
        self.draw_port(range, rng, |table, port| {
            !table.ports.contains_key(&(PortSpace::Tcp, port))
                && table.connection(Endpoint::new(addr, port), remote).is_none()
        })
    }

    /// A random port of `range` that is `free`, or the next one after it that is.
    fn draw_port(
        &mut self,
        (low, high): (u16, u16),
        rng: &Rng,
        free: impl Fn(&Self, u16) -> bool,
    ) -> Option<u16> {
        let count = u32::from(high.saturating_sub(low)) + 1;
        let start = self.rng(rng).below(count);
        (0..count).map(|n| low + ((start + n) % count) as u16).find(|&port| free(self, port))
    }
}

impl Socket {
    fn is_tcp_at(&self, port: u16) -> bool {
        self.kind == SocketKind::Tcp && self.local.port == port
    }
}
