//! The packet list: a row for each wire that a packet travelled, and for each death.

use super::decode::{Kind, decode};
use super::playback::{BeatKind, Schedule};
use crate::session::Session;
use crate::stack::{DevRef, DeviceKind, DropReason, NsId, StepLog};
use crate::wire::IfIndex;

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub struct PacketRow {
    /// The beat to which a click leads.
    pub beat: usize,
    /// Its record.
    pub seq: u64,
    /// Milliseconds since the flow began, three decimals.
    pub time: String,
    /// `docker-host eth0`.
    pub place: String,
    /// Sender.
    pub from: String,
    /// Receiver.
    pub to: String,
    /// Colour and word of the badge.
    pub kind: Kind,
    /// What it says.
    pub what: String,
    /// How many copies were flooded, if more than one.
    pub copies: usize,
    /// Why it died, if this row is a death: the reason, and where.
    pub drop: Option<(DropReason, Option<IfIndex>, NsId)>,
}

/// Brings `rows` up to date with the schedule. Only the last beat may have changed.
pub fn update(rows: &mut Vec<PacketRow>, schedule: &Schedule, session: &Session, log: &StepLog) {
    let last = rows.last().map_or(0, |r| r.beat);
    rows.retain(|r| r.beat < last);
    let begin = schedule.beats.first().map(|b| b.at);
    for (i, beat) in schedule.beats.iter().enumerate().skip(last) {
        let time = format!("{:.3}", beat.at.since(begin.unwrap_or_default()).as_millis_f64());
        match &beat.kind {
            BeatKind::Travel(moves) => {
                let Some(m) = moves.first() else { continue };
                let Some(read) = decode(&log.bytes(m.seq)) else { continue };
                rows.push(PacketRow {
                    beat: i,
                    seq: m.seq,
                    time,
                    place: device_place(session, m.to),
                    from: read.from.to_string(),
                    to: read.to.to_string(),
                    kind: read.kind,
                    what: read.what,
                    copies: moves.len(),
                    drop: None,
                });
            }
            BeatKind::Drop { packet, ns, dev, reason, .. } => {
                let bytes = schedule.beats[..i].iter().rev().find_map(|b| match &b.kind {
                    BeatKind::Travel(moves) => moves.iter().find(|m| m.packet == *packet).map(|m| m.seq),
                    _ => None,
                });
                let read = bytes.and_then(|seq| decode(&log.bytes(seq)));
                let kind = schedule.lives.get(packet).map_or(Kind::Other, |l| l.kind);
                rows.push(PacketRow {
                    beat: i,
                    seq: beat.key_seq,
                    time,
                    place: session.place_of_ns(*ns).unwrap_or_default(),
                    from: read.as_ref().map(|r| r.from.to_string()).unwrap_or_default(),
                    to: read.as_ref().map(|r| r.to.to_string()).unwrap_or_default(),
                    kind,
                    what: read.map(|r| r.what).unwrap_or_default(),
                    copies: 1,
                    drop: Some((*reason, *dev, *ns)),
                });
            }
            _ => {}
        }
    }
}

/// `docker-host eth0`; a container by its own name: `web eth0`.
pub fn device_place(session: &Session, dev: DevRef) -> String {
    let place = session.place_of_ns(dev.ns).unwrap_or_default();
    let short = place.rsplit(':').next().unwrap_or_default();
    let ns = session.world.namespace(dev.ns);
    let device = ns.and_then(|ns| ns.device(dev.dev));
    // The random name of a veth end tells nobody anything; its bridge does.
    let bridge = device.filter(|d| matches!(d.kind, DeviceKind::Veth)).and_then(|d| ns?.device(d.master?));
    let name = bridge.or(device).map(|d| d.name.to_string());
    format!("{short} {}", name.unwrap_or_default())
}
