//! What stands at both ends of the river: ports, bridges, veth cables, containers, programs.

use super::pass::{Trace, Way, What};
use crate::session::Session;
use crate::stack::{DeviceKind, NetNs, SocketKind, TcpState};
use crate::wire::IfIndex;

/// What a part of an end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartKind {
    /// A network card.
    Port,
    /// A bridge.
    Bridge,
    /// The host's end of a veth pair.
    Veth,
    /// A container.
    Container,
    /// A program of the host itself.
    Program,
    /// `lo`.
    Loopback,
}

/// A part of an end, in the order in which the packet comes through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What.
    pub kind: PartKind,
    /// `eth0`, `docker0`, `tomcat`; empty for the kernel itself.
    pub name: String,
    /// Its address.
    pub addr: String,
    /// Ports that programs there listen on, for containers.
    pub listens: Vec<u16>,
}

/// Both ends.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ends {
    /// Where it comes from.
    pub from: Vec<Part>,
    /// Where it goes.
    pub to: Vec<Part>,
}

/// Reads both ends of a trace. `session`: as it was then.
pub(super) fn ends(session: &Session, state: &NetNs, trace: &Trace) -> Ends {
    let program = |pid: Option<crate::stack::Pid>| {
        let name = pid.and_then(|p| session.world.process_name(p)).unwrap_or_default();
        vec![plain(PartKind::Program, name)]
    };
    let mut ends = Ends::default();
    for what in trace.whats() {
        match what {
            What::In(dev, bridge) => {
                ends.from = through(session, state, dev);
                ends.from.extend(bridge.or(master(state, dev)).and_then(|b| device(state, b)));
            }
            What::Sender => ends.from = program(trace.by),
            What::Out(dev, port) => {
                ends.to = dev.and_then(|d| device(state, d)).into_iter().collect();
                if let Some(port) = port {
                    ends.to.extend(through(session, state, port).into_iter().rev());
                }
            }
            What::Receiver => {
                let owner = trace.taken.and_then(|s| state.socket_info(s)).and_then(|s| s.owner);
                ends.to = program(owner);
            }
            _ => {}
        }
    }
    // It died before it left: where it would have gone is known from its route.
    if ends.to.is_empty()
        && let Some(What::Route(Some(chosen))) = trace.whats().rfind(|w| matches!(w, What::Route(_)))
    {
        match chosen.route {
            Some((_, _, dev)) => ends.to.extend(device(state, dev)),
            None if trace.way() == Way::Input => ends.to = program(None),
            None => {}
        }
    }
    ends
}

fn plain(kind: PartKind, name: &str) -> Part {
    Part { kind, name: name.to_owned(), addr: String::new(), listens: Vec::new() }
}

fn master(state: &NetNs, dev: IfIndex) -> Option<IfIndex> {
    state.device(dev)?.master
}

fn device(state: &NetNs, dev: IfIndex) -> Option<Part> {
    let device = state.device(dev)?;
    let kind = match device.kind {
        DeviceKind::Bridge(_) => PartKind::Bridge,
        DeviceKind::Veth => PartKind::Veth,
        DeviceKind::Loopback => PartKind::Loopback,
        _ => PartKind::Port,
    };
    let addr = device.addrs.first().map(|a| a.addr().to_string()).unwrap_or_default();
    Some(Part { kind, name: device.name.to_string(), addr, listens: Vec::new() })
}

/// A port, and for a veth cable the container at its other end before it.
fn through(session: &Session, state: &NetNs, dev: IfIndex) -> Vec<Part> {
    let Some(own) = device(state, dev) else { return Vec::new() };
    let peer = state.device(dev).filter(|d| matches!(d.kind, DeviceKind::Veth)).and_then(|d| d.peer);
    let container = peer.and_then(|peer| {
        let there = session.world.namespace(peer.ns)?;
        let place = session.place_of_ns(peer.ns)?;
        let name = place.split_once(':').map_or(place.as_str(), |(_, name)| name);
        let addr = there.device(peer.dev)?.addrs.first().map(|a| a.addr().to_string());
        let mut listens: Vec<u16> = there
            .sockets()
            .into_iter()
            .filter(|s| {
                s.kind == SocketKind::Tcp && s.state == TcpState::Listen && !s.local.addr.is_loopback()
            })
            .map(|s| s.local.port)
            .collect();
        listens.sort_unstable();
        listens.dedup();
        listens.truncate(3);
        Some(Part {
            kind: PartKind::Container,
            name: name.to_owned(),
            addr: addr.unwrap_or_default(),
            listens,
        })
    });
    container.into_iter().chain([own]).collect()
}
