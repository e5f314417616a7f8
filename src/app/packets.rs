//! The packet list: a row for each wire that a packet travelled, and for each death.

use super::decode::{Kind, decode};
use super::playback::{BeatKind, Schedule};
use crate::netfilter::{CtDirection, NfStep};
use crate::session::Session;
use crate::stack::{DevRef, DeviceKind, DropReason, NsId, Record, Step, StepLog};
use crate::wire::{Endpoint, IfIndex, PacketId, Protocol};

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub struct PacketRow {
    /// The beat to which a click leads.
    pub beat: usize,
    /// Its record.
    pub seq: u64,
    /// Since the flow began, see [`since`].
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

impl PacketRow {
    /// Is each of these words (in lower case) in what the row shows? `dropped`: the word of a death.
    pub fn holds(&self, words: &[String], dropped: &str) -> bool {
        let died = if self.drop.is_some() { dropped } else { "" };
        let shown = [&self.time, &self.place, &self.from, &self.to, self.kind.word(), died, &self.what];
        let shown = shown.join(" ").to_lowercase();
        words.iter().all(|w| shown.contains(w.as_str()))
    }
}

/// A time as people read it: `12.345` milliseconds, then `1.234s`, `2m 03.4s`, `20h 00m 05s`.
pub fn since(time: crate::time::Duration) -> String {
    let ms = time.as_millis_f64();
    // By what is written, so that nothing is written as 1000 or as 60.
    let (tenths, secs) = ((ms / 100.0).round() as u64, (ms / 1000.0).round() as u64);
    match ms {
        _ if ms < 999.9995 => format!("{ms:.3}"),
        _ if ms < 59_999.5 => format!("{:.3}s", ms / 1000.0),
        _ if tenths < 36_000 => format!("{}m {:02}.{}s", tenths / 600, tenths / 10 % 60, tenths % 10),
        _ => format!("{}h {:02}m {:02}s", secs / 3600, secs / 60 % 60, secs % 60),
    }
}

/// Brings `rows` up to date with the schedule. Only the last beat may have changed.
pub fn update(rows: &mut Vec<PacketRow>, schedule: &Schedule, session: &Session, log: &StepLog) {
    let last = rows.last().map_or(0, |r| r.beat);
    rows.retain(|r| r.beat < last);
    let begin = schedule.beats.first().map(|b| b.at);
    for (i, beat) in schedule.beats.iter().enumerate().skip(last) {
        let time = since(beat.at.since(begin.unwrap_or_default()));
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
                let read = read.map(|r| (r.kind, r.from.to_string(), r.to.to_string(), r.what));
                let life = schedule.lives.get(packet);
                let read =
                    read.or_else(|| stayed(session, log, (schedule.first_seq(), beat.key_seq), *packet));
                let known = life.map_or(Kind::Other, |l| l.kind);
                let (kind, from, to, what) =
                    read.unwrap_or((Kind::Other, String::new(), String::new(), String::new()));
                let kind = if known == Kind::Other { kind } else { known };
                rows.push(PacketRow {
                    beat: i,
                    seq: beat.key_seq,
                    time,
                    place: session.place_of_ns(*ns).unwrap_or_default(),
                    from,
                    to,
                    kind,
                    what,
                    copies: 1,
                    drop: Some((*reason, *dev, *ns)),
                });
            }
            _ => {}
        }
    }
}

/// What is known of a packet that died before it was on any wire: kind, from, to, what it says. Of
/// its connection; else of its route, and of the program that sent it.
pub(super) fn stayed(
    session: &Session,
    log: &StepLog,
    (first, last): (u64, u64),
    packet: PacketId,
) -> Option<(Kind, String, String, String)> {
    let own = |r: &Record| {
        r.packet == Some(packet) || matches!(r.step, Step::Started { .. } | Step::Neighbour { .. })
    };
    let mut asked = None;
    let mut programs = Vec::new();
    let mut said = (Kind::Other, String::new());
    let mut routed = None;
    for (_, record) in log.iter_from(first).take_while(|r| r.0 <= last).filter(|r| own(&r.1)) {
        let ns = session.world.namespace(record.ns)?;
        match record.step {
            Step::Started { pid, name } => programs.push((record.ns, pid, name)),
            Step::Neighbour { dev, addr, mac: None, .. } => asked = Some((record.ns, dev, addr)),
            // What the kernel sends by itself to a neighbour that it does not know is the question who
            // that is.
            Step::Sent { by: None } => {
                let Some((_, dev, addr)) = asked.filter(|a| a.0 == record.ns) else { continue };
                let from = ns.device(dev).and_then(|d| d.addrs.first()).map(|a| a.addr().to_string());
                let what = format!("who has {addr}?");
                routed = Some((Kind::Arp, from.unwrap_or_default(), addr.to_string(), what));
            }
            Step::Sent { by: Some(pid) } => {
                let by = programs.iter().rev().find(|p| (p.0, p.1) == (record.ns, pid));
                let name = by.and_then(|p| p.2.split_whitespace().next()).unwrap_or_default();
                // ping(8) sends nothing else.
                said = match name {
                    "ping" => (Kind::Icmp, "echo request".to_owned()),
                    _ => (Kind::Other, name.to_owned()),
                };
            }
            Step::Nf(NfStep::Tracked { ct, dir, .. }) => {
                let Some(entry) = ns.nf.ct.iter().find(|e| e.id == ct) else { continue };
                let tuple = if dir == CtDirection::Original { &entry.original } else { &entry.reply };
                let icmp = tuple.proto == Protocol::Icmp;
                let text = |end: Endpoint| if icmp { end.addr.to_string() } else { end.to_string() };
                let (kind, what) = match tuple.proto {
                    Protocol::Icmp if dir == CtDirection::Original => (Kind::Icmp, "echo request"),
                    Protocol::Icmp => (Kind::Icmp, "echo reply"),
                    Protocol::Udp => (Kind::Udp, "UDP"),
                    _ => (Kind::Tcp, "TCP"),
                };
                return Some((kind, text(tuple.src), text(tuple.dst), what.to_owned()));
            }
            Step::Routed { dst, dev, .. } => {
                let from = ns.device(dev).and_then(|d| d.addrs.first()).map(|a| a.addr().to_string());
                let (kind, what) = said.clone();
                routed = Some((kind, from.unwrap_or_default(), dst.to_string(), what));
            }
            _ => {}
        }
    }
    routed
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Duration;

    #[test]
    fn a_row_is_found_by_all_the_words_that_it_shows() {
        let row = PacketRow {
            beat: 0,
            seq: 0,
            time: "0.120".into(),
            place: "docker-host eth0".into(),
            from: "172.17.0.3:40022".into(),
            to: "93.184.216.34:80".into(),
            kind: Kind::Tcp,
            what: "SYN".into(),
            copies: 1,
            drop: Some((DropReason::LinkLoss, None, NsId(0))),
        };
        let holds = |text: &str| {
            let words: Vec<String> =
                text.split(' ').filter(|w| !w.is_empty()).map(str::to_lowercase).collect();
            row.holds(&words, "dropped")
        };
        for text in ["", "syn", "TCP :80", "172.17 eth0", "dropped"] {
            assert!(holds(text), "{text}");
        }
        for text in ["udp", "tcp :8080", "ack"] {
            assert!(!holds(text), "{text}");
        }
    }

    #[test]
    fn long_times_are_read_in_seconds_minutes_and_hours() {
        for (ms, text) in [
            (0.0, "0.000"),
            (999.999, "999.999"),
            (1000.0, "1.000s"),
            (59_999.0, "59.999s"),
            (59_999.7, "1m 00.0s"),
            (72_001.0, "1m 12.0s"),
            (3_599_990.0, "1h 00m 00s"),
            (72_001_000.0, "20h 00m 01s"),
        ] {
            assert_eq!(since(Duration::from_micros((ms * 1e3) as u64)), text, "{ms}");
        }
    }
}
