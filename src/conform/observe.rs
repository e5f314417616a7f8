//! A tcpdump over the trace: what an interface of a node saw, in order of time.
//!
//! At a plain interface that is what it sent and what arrived at it. At a bridge it is what came in
//! at its ports, and what the host's own stack sent out through it, each once, however many
//! ports it was flooded to.

use std::collections::BTreeMap;

use super::packets::{Row, observed};
use crate::netfilter::{NatKind, NfStep};
use crate::session::Session;
use crate::stack::{DevRef, DeviceKind, Step};
use crate::time::Instant;
use crate::wire::{Flow, IfIndex, PacketId};

/// The frames seen at `device` of `node` from record `from` on, but what the members of a swarm tell each
/// other: the recorder leaves that out.
///
/// # Errors
/// Says that there is no such node or interface.
pub fn watch(session: &Session, node: &str, device: &str, from: u64) -> Result<Vec<Row>, String> {
    let node = session.node(node).map_err(|e| e.to_string())?;
    let namespace = session.world.namespace(node.ns).ok_or("its namespace is gone")?;
    let dev = namespace.device_named(device).ok_or_else(|| format!("there is no interface {device}"))?;
    let here = DevRef { ns: node.ns, dev: dev.index };
    let ports: Vec<IfIndex> =
        namespace.devices().filter(|port| port.master == Some(dev.index)).map(|port| port.index).collect();
    let frames = match dev.kind {
        DeviceKind::Bridge(_) => at_bridge(session, here, &ports, from),
        _ => at_interface(session, here, from).into_iter().map(|seq| (seq, None)).collect(),
    };
    let row = |(seq, ends): (u64, Option<Flow>)| {
        let row = observed(&session.world.log.bytes(seq))?;
        Some(ends.map_or(row.clone(), |flow| row.between(flow)))
    };
    Ok(frames.into_iter().filter_map(row).filter(|row| !row.is_between_members()).collect())
}

/// Record numbers of the transmissions seen, in order of time.
fn at_interface(session: &Session, here: DevRef, from: u64) -> Vec<u64> {
    let mut seen: Vec<(Instant, u64)> = Vec::new();
    for (seq, record) in session.world.log.iter_from(from) {
        let Step::Transmit { dev, to, arrives, .. } = record.step else { continue };
        if (DevRef { ns: record.ns, dev }) == here {
            seen.push((record.at, seq));
        } else if to == here && arrives <= session.world.now() {
            seen.push((arrives, seq));
        }
    }
    seen.sort();
    seen.into_iter().map(|(_, seq)| seq).collect()
}

/// Is it an IPv4 fragment that is not the first?
fn later_fragment(frame: &[u8]) -> bool {
    frame.get(12..22).is_some_and(|b| b[..2] == [8, 0] && (b[8] & 0x1f, b[9]) != (0, 0))
}

/// What moves at a bridge, to be put in order of time.
enum Moved {
    /// A frame came in at a port; the record says with which bytes.
    In(u64),
    /// PREROUTING gave it other ends, on its way through the bridge (`bridge-nf-call-iptables`).
    Changed(Flow),
    /// A copy was made of another packet.
    Copied(PacketId),
    /// The host's own stack sends the packet on, through the bridge.
    Routed,
    /// A frame left through a port.
    Out(u64),
}

/// Record numbers as in [`at_interface`], and the ends that a packet had by then.
fn at_bridge(session: &Session, here: DevRef, ports: &[IfIndex], from: u64) -> Vec<(u64, Option<Flow>)> {
    let filtered = session.world.namespace(here.ns).is_some_and(|ns| ns.sysctl.bridge_nf_call_iptables);
    let mut moves: Vec<(Instant, u64, PacketId, Moved)> = Vec::new();
    for (seq, record) in session.world.log.iter_from(from) {
        let Some(packet) = record.packet else { continue };
        let own = record.ns == here.ns;
        match &record.step {
            Step::Transmit { to, arrives, dev, .. } => {
                if own && ports.contains(dev) {
                    moves.push((record.at, seq, packet, Moved::Out(seq)));
                }
                if to.ns == here.ns && ports.contains(&to.dev) && *arrives <= session.world.now() {
                    moves.push((*arrives, seq, packet, Moved::In(seq)));
                }
            }
            Step::Nf(NfStep::Translated { kind: NatKind::Destination, after, .. }) if own && filtered => {
                moves.push((record.at, seq, packet, Moved::Changed(*after)));
            }
            Step::Copied { of } if own => moves.push((record.at, seq, packet, Moved::Copied(*of))),
            Step::Routed { dev, .. } if own && *dev == here.dev => {
                moves.push((record.at, seq, packet, Moved::Routed));
            }
            _ => {}
        }
    }
    moves.sort_by_key(|(at, seq, ..)| (*at, *seq));
    let mut seen: Vec<(u64, Option<Flow>)> = Vec::new();
    // Where in `seen` a packet is that came in, until it is known what became of it.
    let mut arrived: BTreeMap<PacketId, usize> = BTreeMap::new();
    // The packet that each copy was made of, and which packets the bridge has been seen to carry.
    let mut origin: BTreeMap<PacketId, PacketId> = BTreeMap::new();
    let mut carried: BTreeMap<PacketId, bool> = BTreeMap::new();
    for (_, _, packet, moved) in moves {
        let root = origin.get(&packet).copied().unwrap_or(packet);
        match moved {
            Moved::In(seq) => {
                arrived.insert(packet, seen.len());
                seen.push((seq, None));
                carried.insert(root, true);
            }
            Moved::Changed(after) => {
                if let Some(i) = arrived.remove(&packet) {
                    seen[i].1 = Some(after);
                }
            }
            Moved::Copied(of) => {
                let root = origin.get(&of).copied().unwrap_or(of);
                origin.insert(packet, root);
            }
            Moved::Routed => {
                carried.insert(root, false);
            }
            Moved::Out(seq) => {
                // The fragments of a packet are copies of it as well, but each one travels.
                if carried.insert(root, true) != Some(true) || later_fragment(&session.world.log.bytes(seq)) {
                    seen.push((seq, None));
                }
            }
        }
    }
    seen
}
