//! `dhcpd`: gives addresses away, with the messages of ISC's server.

use std::net::Ipv4Addr;

use super::message::Message;
use super::{Lease, SERVER_LEASES, ServerConfig, leases};
use crate::guest::options::{Opt, flag, parse, value};
use crate::guest::{Poll, Program, Signal, Sys};
use crate::stack::{SocketId, SocketKind, SocketOption};
use crate::time::{Duration, Instant};
use crate::wire::fmt::{DHCP_CLIENT_PORT, DHCP_SERVER_PORT, DhcpMessageType};
use crate::wire::{Endpoint, IfName, Mac};

/// The options of `dhcpd`.
pub(in crate::guest) const OPTIONS: &[Opt] = &[
    flag(&["-f"], "stay in the foreground", "앞에서 실행"),
    value(&["-cf"], "FILE", "settings (/etc/dhcp/dhcpd.conf)", "설정 파일"),
];

/// How long an address stays unused once somebody was seen with it.
const ABANDONED: Duration = Duration::from_secs(86_400);
/// How long an offer is kept for its client.
const OFFERED: Duration = Duration::from_secs(60);

/// The program.
#[derive(Debug, Clone)]
pub(in crate::guest) struct Server {
    args: Vec<String>,
    running: Option<Running>,
}

#[derive(Debug, Clone)]
struct Running {
    config: ServerConfig,
    socket: SocketId,
    device: IfName,
    leases: Vec<Lease>,
    /// Offers that were not answered yet: address, client, until when.
    offers: Vec<(Ipv4Addr, Mac, Instant)>,
}

impl Server {
    /// From a command line.
    pub(in crate::guest) fn start(argv: &[String]) -> Box<dyn Program> {
        Box::new(Self { args: argv.get(1..).unwrap_or_default().to_vec(), running: None })
    }

    fn begin(&self, sys: &mut Sys<'_>) -> Result<Running, String> {
        let options = parse(OPTIONS, &self.args).map_err(|e| e.to_string())?;
        let path = options.get("-cf").unwrap_or("/etc/dhcp/dhcpd.conf");
        let text =
            sys.files.text(path).ok_or_else(|| format!("Can't open {path}: No such file or directory"))?;
        let config = ServerConfig::parse(text).map_err(|e| format!("{path} {e}"))?;
        let serves = |name: &IfName| {
            let device = sys.ns.device_named(name.as_str());
            device.is_some_and(|d| d.addrs.iter().any(|a| config.subnet.contains(&a.addr())))
        };
        let device = match options.operands.first() {
            Some(name) => name.parse().map_err(|_| format!("{name}: no such interface"))?,
            None => sys.ns.devices().map(|d| d.name).find(serves).unwrap_or_default(),
        };
        if !serves(&device) {
            return Err(format!("No subnet declaration for {device}"));
        }
        let socket = sys.ns.socket(Some(sys.pid), SocketKind::Udp);
        let set = |sys: &mut Sys<'_>, option| sys.ns.set_option(socket, option).map_err(|e| e.to_string());
        set(sys, SocketOption::Device(device))?;
        set(sys, SocketOption::Broadcast(true))?;
        let any = Endpoint::new(Ipv4Addr::UNSPECIFIED, DHCP_SERVER_PORT);
        sys.ns.bind(socket, any).map_err(|e| format!("Can't bind to dhcp address: {e}"))?;
        let mut leases = leases(sys.files);
        leases.retain(|l| config.subnet.contains(&l.address));
        Ok(Running { config, socket, device, leases, offers: Vec::new() })
    }
}

impl Program for Server {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        if let Some(Signal::Term | Signal::Int) = sys.signal {
            return Poll::Exit(0);
        }
        if self.running.is_none() {
            match self.begin(sys) {
                Ok(running) => self.running = Some(running),
                Err(text) => {
                    sys.err(format!("{text}\n\nexiting.\n"));
                    return Poll::Exit(1);
                }
            }
        }
        let Some(running) = &mut self.running else { return Poll::Exit(1) };
        while let Ok(datagram) = sys.ns.recv_from(running.socket) {
            if let Some(message) = Message::parse(&datagram.data) {
                running.answer(sys, &message);
            }
        }
        Poll::Pending
    }
    fn name(&self) -> &str {
        "dhcpd"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

impl Running {
    fn answer(&mut self, sys: &mut Sys<'_>, asked: &Message) {
        let now = sys.now();
        let own = self.own_address(sys);
        let mac = asked.mac;
        match asked.kind {
            DhcpMessageType::Discover => match self.pick(mac, asked.requested, own, now) {
                Some(address) => {
                    self.offers.retain(|(a, m, until)| *a != address && *m != mac && *until > now);
                    self.offers.push((address, mac, now + OFFERED));
                    self.give(sys, DhcpMessageType::Offer, asked, address, own);
                }
                None => sys.out(format!("DHCPDISCOVER from {mac} via {}: no free leases\n", self.device)),
            },
            DhcpMessageType::Request => {
                let Some(wanted) = asked.requested.or(Some(asked.client)).filter(|a| !a.is_unspecified())
                else {
                    return;
                };
                if asked.server.is_some_and(|s| s != own) {
                    // It chose another server.
                    self.offers.retain(|(_, m, _)| *m != mac);
                    return;
                }
                if !self.may_have(mac, wanted, own, now) {
                    let mut nak = Message::new(DhcpMessageType::Nak, asked.xid, mac);
                    nak.server = Some(own);
                    self.send(sys, Ipv4Addr::BROADCAST, &nak);
                    return;
                }
                self.offers.retain(|(_, m, _)| *m != mac);
                self.leases.retain(|l| l.address != wanted && l.mac != mac);
                self.leases.push(Lease {
                    address: wanted,
                    mac,
                    host: asked.host.clone(),
                    ends: now + Duration::from_secs(self.config.lease_secs.into()),
                    active: true,
                    abandoned: false,
                });
                self.save(sys);
                self.give(sys, DhcpMessageType::Ack, asked, wanted, own);
            }
            DhcpMessageType::Decline => {
                let Some(address) = asked.requested else { return };
                self.leases.retain(|l| l.address != address);
                self.leases.push(Lease {
                    address,
                    mac: Mac::ZERO,
                    host: String::new(),
                    ends: now + ABANDONED,
                    active: false,
                    abandoned: true,
                });
                self.save(sys);
            }
            DhcpMessageType::Release => {
                for lease in self.leases.iter_mut().filter(|l| l.mac == mac && l.address == asked.client) {
                    (lease.active, lease.ends) = (false, now);
                }
                self.save(sys);
            }
            _ => {}
        }
    }

    /// The address for a new client: reserved; had before; wished for; the first that is free.
    fn pick(&self, mac: Mac, wish: Option<Ipv4Addr>, own: Ipv4Addr, now: Instant) -> Option<Ipv4Addr> {
        let reserved = self.config.hosts.iter().find(|(m, _)| *m == mac).map(|(_, a)| *a);
        let before = self.leases.iter().find(|l| l.mac == mac).map(|l| l.address);
        let offered = self.offers.iter().find(|(_, m, _)| *m == mac).map(|(a, ..)| *a);
        let mut wishes = [reserved, before, offered, wish].into_iter().flatten();
        wishes.find(|a| self.may_have(mac, *a, own, now)).or_else(|| {
            let (first, last) = self.config.range;
            let mut all = (u32::from(first)..=u32::from(last)).map(Ipv4Addr::from).take(65_536);
            all.find(|a| self.may_have(mac, *a, own, now))
        })
    }

    /// Whether the client can have this address: its reservation, or one of the range that is not
    /// reserved, leased, offered or abandoned.
    fn may_have(&self, mac: Mac, address: Ipv4Addr, own: Ipv4Addr, now: Instant) -> bool {
        if let Some((owner, _)) = self.config.hosts.iter().find(|(_, a)| *a == address) {
            return *owner == mac;
        }
        if self.config.hosts.iter().any(|(m, _)| *m == mac) {
            return false;
        }
        let (first, last) = self.config.range;
        let taken =
            |l: &Lease| l.address == address && l.ends > now && (l.abandoned || (l.active && l.mac != mac));
        let promised = |o: &(Ipv4Addr, Mac, Instant)| o.0 == address && o.1 != mac && o.2 > now;
        (first..=last).contains(&address)
            && address != own
            && !self.leases.iter().any(taken)
            && !self.offers.iter().any(promised)
    }

    fn give(
        &self,
        sys: &mut Sys<'_>,
        kind: DhcpMessageType,
        asked: &Message,
        address: Ipv4Addr,
        own: Ipv4Addr,
    ) {
        let mut message = Message::new(kind, asked.xid, asked.mac);
        message.yours = address;
        message.client = asked.client;
        message.server = Some(own);
        message.mask = Some(self.config.subnet.netmask());
        message.router = self.config.router;
        message.resolvers.clone_from(&self.config.resolvers);
        message.lease_secs = Some(self.config.lease_secs);
        // A client that has the address already hears it there (RFC 2131 §4.1).
        let to = if asked.client.is_unspecified() { Ipv4Addr::BROADCAST } else { asked.client };
        self.send(sys, to, &message);
    }

    fn send(&self, sys: &mut Sys<'_>, to: Ipv4Addr, message: &Message) {
        // A client that does not hear it asks again.
        let to = Endpoint::new(to, DHCP_CLIENT_PORT);
        let _ = sys.ns.send_to(self.socket, to, &message.bytes(), &mut sys.cx);
    }

    fn own_address(&self, sys: &Sys<'_>) -> Ipv4Addr {
        let device = sys.ns.device_named(self.device.as_str());
        let own = device.and_then(|d| d.addrs.iter().find(|a| self.config.subnet.contains(&a.addr())));
        own.map_or(Ipv4Addr::UNSPECIFIED, |a| a.addr())
    }

    fn save(&self, sys: &mut Sys<'_>) {
        // Another server of this machine, in another subnet, has its leases in the same file.
        let others = leases(sys.files).into_iter().filter(|l| !self.config.subnet.contains(&l.address));
        let mut all: Vec<Lease> = self.leases.iter().cloned().chain(others).collect();
        all.sort_by_key(|l| l.address);
        let text: String = all.iter().map(ToString::to_string).collect();
        if sys.files.put(SERVER_LEASES, text).is_err() {
            sys.err("Can't write new lease file: No space left on device\n");
        }
    }
}
