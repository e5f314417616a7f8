//! What moves on the picture at the playhead: pills, trails, lights of the gate, marks of drops.

use super::decode::{Decoded, Kind, Party, decode};
use super::playback::{Beat, BeatKind, Move, Rewrite, Schedule};
use super::scene::{Point, Scene, Stage, path_length, path_point};
use crate::netfilter::{Hook, MatchedTarget};
use crate::stack::{DevRef, DropReason, NsId, StepLog};
use crate::wire::{Flow, PacketId, Protocol};

/// An address on a pill: what it is now, and what it was where it has just been rewritten.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PillAddress {
    /// Struck through.
    pub old: Option<String>,
    /// Now.
    pub now: String,
}

/// The envelope around a packet.
#[derive(Debug, Clone, PartialEq)]
pub struct PillEnvelope {
    /// Network identifier.
    pub vni: u32,
    /// Tunnel ends: from, to.
    pub ends: (String, String),
    /// Bytes of the frame inside, and of the whole.
    pub bytes: (usize, usize),
    /// How far it is closed around the packet, 0 to 1.
    pub closed: f64,
}

/// A packet on the picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Pill {
    /// Which.
    pub packet: PacketId,
    /// Its colour.
    pub kind: Kind,
    /// Where its dot is.
    pub at: Point,
    /// What it says.
    pub what: String,
    /// Sender.
    pub from: PillAddress,
    /// Receiver.
    pub to: PillAddress,
    /// It is the one that is looked at; the others rest, small.
    pub active: bool,
    /// What it travels in.
    pub envelope: Option<PillEnvelope>,
    /// How far a rewriting is (0 to 1): the old address is struck out, then the new one comes.
    pub rewriting: Option<f64>,
    /// It is being dropped.
    pub dropped: bool,
    /// It has arrived and fades (1 to 0).
    pub opacity: f64,
}

/// A way already gone.
#[derive(Debug, Clone, PartialEq)]
pub struct Trail {
    /// Colour.
    pub kind: Kind,
    /// Where.
    pub points: Vec<Point>,
}

/// How a chip of a gate is lit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Light {
    /// The packet went through here.
    Passed,
    /// It is here.
    Here,
    /// Here its addresses change.
    Rewrites,
    /// Here it dies.
    Drops,
}

/// A lit chip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lit {
    /// Whose gate.
    pub ns: NsId,
    /// Which chip.
    pub stage: Stage,
    /// How.
    pub light: Light,
}

/// Where and why a packet died, or was not made at all.
#[derive(Debug, Clone, PartialEq)]
pub struct DropMark {
    /// The beat.
    pub beat: usize,
    /// The record.
    pub seq: u64,
    /// Where on the picture.
    pub at: Point,
    /// Where.
    pub ns: NsId,
    /// It is happening now.
    pub now: bool,
    /// The wall that it could not pass, if it is one between a host and what stands on its interface.
    pub wall: Option<Vec<Point>>,
}

/// All that moves.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Moving {
    /// Packets.
    pub pills: Vec<Pill>,
    /// The ways that the active one goes.
    pub trails: Vec<Trail>,
    /// Chips of gates.
    pub lit: Vec<Lit>,
    /// Where packets died up to now.
    pub drops: Vec<DropMark>,
}

/// Reads the playhead.
pub fn moving(scene: &Scene, schedule: &Schedule, pos: f64, log: &StepLog) -> Moving {
    let Some(i) = schedule.beat_at(pos) else { return Moving::default() };
    if pos >= schedule.len() && matches!(schedule.beats[i].kind, BeatKind::Arrive { .. }) {
        return Moving::default();
    }
    let beat = &schedule.beats[i];
    let t = if beat.len > 0.0 { ((pos - beat.start) / beat.len).clamp(0.0, 1.0) } else { 1.0 };
    let view = View { scene, schedule, log };
    let active = beat.packets();
    let mut out = Moving::default();
    for (&packet, life) in &schedule.lives {
        let alive = life.beats.0 < i && (life.beats.1 > i || !life.ended);
        if !active.contains(&packet) && alive {
            out.pills.extend(view.resting(packet, i));
        }
    }
    for &packet in &active {
        out.pills.extend(view.active(packet, i, t));
    }
    if let Some(&packet) = active.first() {
        out.trails = view.trails(packet, i, t);
        out.lit = view.lit(packet, i);
    }
    out.drops = view.drops(i);
    out
}

struct View<'a> {
    scene: &'a Scene,
    schedule: &'a Schedule,
    log: &'a StepLog,
}

/// The head of a packet, as far as it has come.
#[derive(Default)]
struct Head {
    kind: Option<Kind>,
    what: String,
    from: Option<Party>,
    to: Option<Party>,
    /// What was rewritten last, until the packet has come to another place.
    rewrite: Option<Rewrite>,
    envelope: Option<PillEnvelope>,
}

impl Head {
    /// The packet as a frame shows it, in its envelope or without.
    fn show(&mut self, read: Decoded) {
        self.envelope = envelope(&read);
        let read = match read.letter {
            Some(letter) => *letter.inner,
            None => read,
        };
        self.kind = Some(read.kind);
        self.what = read.what;
        (self.from, self.to) = (Some(read.from), Some(read.to));
    }
}

/// The envelope that a frame is.
fn envelope(read: &Decoded) -> Option<PillEnvelope> {
    let letter = read.letter.as_ref()?;
    Some(PillEnvelope {
        vni: letter.vni,
        ends: (read.from.addr.to_string(), read.to.addr.to_string()),
        bytes: (letter.len, letter.at + letter.len),
        closed: 1.0,
    })
}

impl View<'_> {
    fn beats_of(&self, packet: PacketId, upto: usize) -> impl DoubleEndedIterator<Item = (usize, &Beat)> {
        let first = self.schedule.lives.get(&packet).map_or(0, |l| l.beats.0);
        let end = (upto + 1).min(self.schedule.beats.len());
        let beats = self.schedule.beats[first.min(end)..end].iter().enumerate();
        beats.map(move |(k, b)| (first + k, b)).filter(move |(_, b)| b.packets().contains(&packet))
    }

    fn read(&self, packet: PacketId, beat: &Beat) -> Option<Decoded> {
        match &beat.kind {
            BeatKind::Travel(moves) => {
                moves.iter().find(|m| m.packet == packet).and_then(|m| decode(&self.log.bytes(m.seq)))
            }
            _ => None,
        }
    }

    /// The packet's head at beat `i`.
    fn head(&self, packet: PacketId, i: usize) -> Head {
        let mut head = Head::default();
        let mut travelled = false;
        for (k, beat) in self.beats_of(packet, i) {
            match &beat.kind {
                BeatKind::Travel(_) => {
                    if let Some(read) = self.read(packet, beat) {
                        if travelled && k < i {
                            head.rewrite = None;
                        }
                        head.show(read);
                    }
                    // The mark of a rewriting stays for the one wire after it.
                    if head.rewrite.is_some() && k < i {
                        head.rewrite = None;
                    }
                    travelled = true;
                }
                BeatKind::Envelope { sealed: true, .. } => {
                    head.envelope = self.read_next(packet, k).and_then(|d| envelope(&d));
                }
                BeatKind::Envelope { sealed: false, .. } if k < i => head.envelope = None,
                // What is translated is the envelope.
                BeatKind::Hook { nat: Some(nat), .. } if head.envelope.is_some() => {
                    if let Some(outer) = &mut head.envelope {
                        outer.ends = (nat.after.src.addr.to_string(), nat.after.dst.addr.to_string());
                    }
                }
                BeatKind::Hook { nat: Some(nat), .. } => {
                    (head.from, head.to) = (Some(party(nat.after, true)), Some(party(nat.after, false)));
                    head.rewrite = Some(*nat);
                }
                _ => {}
            }
        }
        if head.kind.is_none() {
            self.look_ahead(packet, i, &mut head);
        }
        head
    }

    /// What a packet leaves as after beat `i`.
    fn read_next(&self, packet: PacketId, i: usize) -> Option<Decoded> {
        let later = self.schedule.beats.get(i + 1..)?.iter().take(40);
        later.filter(|b| b.packets().contains(&packet)).find_map(|b| self.read(packet, b))
    }

    /// A packet that has not left its place yet: its bytes are known from its first wire.
    fn look_ahead(&self, packet: PacketId, i: usize, head: &mut Head) {
        let Some(life) = self.schedule.lives.get(&packet) else { return };
        head.kind = Some(life.kind);
        let mut undo = None;
        for beat in self.schedule.beats.iter().skip(i + 1).take(40) {
            match &beat.kind {
                BeatKind::Hook { packet: p, nat: Some(nat), .. } if *p == packet => {
                    undo = undo.or(Some(nat.before));
                }
                BeatKind::Travel(_) => {
                    if let Some(read) = self.read(packet, beat) {
                        head.envelope = envelope(&read);
                        let read = read.innermost();
                        head.kind = Some(read.kind);
                        head.what.clone_from(&read.what);
                        let flow = undo.map(|f| (party(f, true), party(f, false)));
                        let (from, to) = flow.unwrap_or((read.from, read.to));
                        head.from = head.from.or(Some(from));
                        head.to = head.to.or(Some(to));
                        return;
                    }
                }
                _ => {}
            }
        }
    }

    fn pill(&self, packet: PacketId, i: usize, at: Point) -> Pill {
        let head = self.head(packet, i);
        let text = |p: Option<Party>| p.map(|p| p.to_string()).unwrap_or_default();
        let mut from = PillAddress { old: None, now: text(head.from) };
        let mut to = PillAddress { old: None, now: text(head.to) };
        if let Some(r) = head.rewrite {
            let before = |source| Some(party(r.before, source).to_string());
            if r.before.src != r.after.src {
                from.old = before(true);
            }
            if r.before.dst != r.after.dst {
                to.old = before(false);
            }
        }
        let kind = head.kind.unwrap_or(Kind::Other);
        Pill {
            packet,
            kind,
            at,
            what: head.what,
            from,
            to,
            active: false,
            envelope: head.envelope,
            rewriting: None,
            dropped: false,
            opacity: 1.0,
        }
    }

    fn resting(&self, packet: PacketId, i: usize) -> Option<Pill> {
        let (k, _) = self.beats_of(packet, i).next_back()?;
        let at = self.after(packet, k)?;
        Some(Pill { active: false, ..self.pill(packet, i, at) })
    }

    fn active(&self, packet: PacketId, i: usize, t: f64) -> Option<Pill> {
        let beat = &self.schedule.beats[i];
        let path = self.path(packet, i)?;
        let (at, rewriting) = match &beat.kind {
            BeatKind::Hook { nat, .. } => {
                // It comes to the hook first, and is worked on then.
                let walk = if nat.is_some() { 0.28 } else { 0.8 };
                let rest = nat.map(|_| ((t - walk) / (1.0 - walk)).clamp(0.0, 1.0));
                (path_point(&path, ease(t / walk)), rest)
            }
            _ => (path_point(&path, ease(t)), None),
        };
        let arrived = matches!(beat.kind, BeatKind::Arrive { .. });
        let mut pill = self.pill(packet, i, at);
        if let (BeatKind::Envelope { sealed, .. }, Some(envelope)) = (&beat.kind, &mut pill.envelope) {
            envelope.closed = ease(if *sealed { t } else { 1.0 - t });
        }
        Some(Pill {
            active: true,
            rewriting,
            dropped: matches!(beat.kind, BeatKind::Drop { .. }),
            opacity: if arrived { 1.0 - 0.4 * t * t } else { 1.0 },
            ..pill
        })
    }

    /// Where a packet is when beat `k` is over.
    fn after(&self, packet: PacketId, k: usize) -> Option<Point> {
        self.path(packet, k)?.last().copied()
    }

    /// Where it was before beat `i`.
    fn before(&self, packet: PacketId, i: usize) -> Option<Point> {
        let k = self.beats_of(packet, i.checked_sub(1)?).next_back()?.0;
        self.end_of(packet, k)
    }

    /// As [`Self::after`], without asking what was before (which is only the way's beginning).
    fn end_of(&self, packet: PacketId, k: usize) -> Option<Point> {
        match &self.schedule.beats[k].kind {
            BeatKind::Travel(moves) => {
                let m = moves.iter().find(|m| m.packet == packet)?;
                match self.wire(m) {
                    Some(wire) => wire.last().copied(),
                    None => self.before(packet, k),
                }
            }
            BeatKind::Hook { ns, hook, .. } => self.hook_spot(packet, k, *ns, *hook),
            BeatKind::Arrive { ns, .. } => {
                self.tenant(packet, k, *ns, false).or_else(|| self.stays(packet, k, *ns))
            }
            BeatKind::Drop { .. } if self.wall(k).is_some() => self.wall_spot(k),
            BeatKind::Envelope { ns, .. } => {
                let bar = self.scene.bar_of(*ns).map(|b| b.rect.center());
                bar.or_else(|| self.stays(packet, k, *ns))
            }
            BeatKind::Held { ns, .. } | BeatKind::Drop { ns, .. } => self.stays(packet, k, *ns),
            BeatKind::Refused { .. } | BeatKind::Wait { .. } => None,
        }
    }

    /// It stays where it was.
    fn stays(&self, packet: PacketId, k: usize, ns: NsId) -> Option<Point> {
        self.before(packet, k).or_else(|| self.scene.spot(ns, None))
    }

    /// The container in the host's own room that a packet is for (or from): the one at its port.
    fn tenant(&self, packet: PacketId, k: usize, ns: NsId, from: bool) -> Option<Point> {
        self.scene.node_of(ns)?.room.as_ref()?;
        let head = self.head(packet, k);
        let port = if from { head.from } else { head.to }?.port?;
        self.scene.tenant_at(ns, port)
    }

    /// The wall between the host and what stands on its interface, if that is what a packet that
    /// dies at beat `k` could not pass.
    fn wall(&self, k: usize) -> Option<Vec<Point>> {
        let BeatKind::Drop { ns, reason: DropReason::NoArpReply { next_hop }, .. } =
            &self.schedule.beats[k].kind
        else {
            return None;
        };
        self.scene.wall_between(*ns, *next_hop)
    }

    /// In front of that wall.
    fn wall_spot(&self, k: usize) -> Option<Point> {
        let wall = self.wall(k)?;
        Some(path_point(&wall, 0.5))
    }

    /// At a hook: on its chip, in the router beside its table; elsewhere it stays where it is.
    fn hook_spot(&self, packet: PacketId, k: usize, ns: NsId, hook: Hook) -> Option<Point> {
        let drawn = self.scene.node_of(ns).is_some_and(|n| n.gate.is_some() || n.nat.is_some());
        if drawn {
            return self.scene.spot(ns, Some(Stage::Hook(hook)));
        }
        self.before(packet, k).or_else(|| self.scene.spot(ns, None))
    }

    /// A wire with the last bit of way into a bridge.
    fn wire(&self, m: &Move) -> Option<Vec<Point>> {
        let mut points = self.scene.wire(m.from, m.to)?;
        if let Some(&(x, y)) = points.last()
            && self.scene.bridge_of_wire(m.to).is_some()
        {
            points.push((x, y - 14.0));
        }
        if self.scene.bridge_of_wire(m.from).is_some()
            && let Some(&(x, y)) = points.first()
        {
            points.insert(0, (x, y - 14.0));
        }
        Some(points)
    }

    /// The way of a packet during beat `i`.
    fn path(&self, packet: PacketId, i: usize) -> Option<Vec<Point>> {
        let from = self.before(packet, i).or_else(|| self.origin(packet, i));
        match &self.schedule.beats[i].kind {
            BeatKind::Travel(moves) => {
                let m = moves.iter().find(|m| m.packet == packet)?;
                let Some(wire) = self.wire(m) else { return Some(vec![from?]) };
                let mut path = self.connect(m.from.ns, from, *wire.first()?);
                path.extend(wire);
                Some(path)
            }
            BeatKind::Hook { ns, hook, .. } => {
                let to = self.hook_spot(packet, i, *ns, *hook)?;
                let mut path = self.connect(*ns, from, to);
                path.push(to);
                Some(path)
            }
            BeatKind::Refused { .. } | BeatKind::Wait { .. } => None,
            BeatKind::Arrive { ns, .. } | BeatKind::Drop { ns, .. } | BeatKind::Envelope { ns, .. } => {
                let here = from.or_else(|| self.scene.spot(*ns, None))?;
                let to = self.end_of(packet, i).unwrap_or(here);
                let mut path = if to == here { Vec::new() } else { self.connect(*ns, Some(here), to) };
                path.push(to);
                Some(path)
            }
            BeatKind::Held { ns, .. } => Some(vec![from.or_else(|| self.scene.spot(*ns, None))?]),
        }
    }

    /// A flooded copy begins where its original is; what a container in the host's own room sends, at it.
    fn origin(&self, packet: PacketId, i: usize) -> Option<Point> {
        if let BeatKind::Hook { ns, .. } = &self.schedule.beats[i].kind
            && let Some(at) = self.tenant(packet, i, *ns, true)
        {
            return Some(at);
        }
        let of = self.schedule.lives.get(&packet)?.copy_of?;
        let k = self.beats_of(of, i.checked_sub(1)?).next_back()?.0;
        self.end_of(of, k)
    }

    /// The way inside a place, from where a packet is to where it goes on: along bridges, up
    /// and down beside the gate, never across boxes.
    fn connect(&self, ns: NsId, from: Option<Point>, to: Point) -> Vec<Point> {
        let Some(from) = from else { return Vec::new() };
        let mut path = vec![from];
        let Some(node) = self.scene.house_of(ns) else { return path };
        let Some(gate) = &node.gate else {
            if let Some(nat) = &node.nat {
                path.extend(beside_nat(
                    nat.rect.x - 12.0,
                    node.rect.y + 8.0,
                    node.rect.bottom() - 12.0,
                    from,
                    to,
                ));
            }
            return path;
        };
        let gy = gate.rect.center().1;
        let on_bridge = |p: Point| node.bridges.iter().find(|b| b.rect.grown(3.0).contains(p));
        let descent = |dev: DevRef| {
            let wire = self.scene.wires.iter().find(|w| w.ends == (dev, dev));
            wire.and_then(|w| w.points.first()).map(|p| p.0)
        };
        let (a, b) = (on_bridge(from), on_bridge(to));
        if let (Some(a), Some(b)) = (a, b)
            && a.dev == b.dev
        {
            return path;
        }
        match a.and_then(|a| descent(a.dev)) {
            Some(x) => path.extend([(x, from.1), (x, gy)]),
            None => path.push((from.0, gy)),
        }
        match b.and_then(|b| descent(b.dev)) {
            Some(x) => path.extend([(x, gy), (x, to.1)]),
            None => path.push((to.0, gy)),
        }
        path
    }

    fn trails(&self, packet: PacketId, i: usize, t: f64) -> Vec<Trail> {
        let kind = self.schedule.lives.get(&packet).map_or(Kind::Other, |l| l.kind);
        let mut out = Vec::new();
        for (k, beat) in self.beats_of(packet, i) {
            if !matches!(beat.kind, BeatKind::Travel(_) | BeatKind::Hook { .. }) {
                continue;
            }
            // Across a plain box nothing is drawn: it would strike through its words.
            let plain =
                |m: &Move| self.scene.node_of(m.from.ns).is_some_and(|n| n.gate.is_none() && n.nat.is_none());
            let path = match &beat.kind {
                BeatKind::Travel(moves) if k != i => {
                    let own = moves.iter().find(|m| m.packet == packet);
                    own.filter(|m| plain(m)).map_or_else(|| self.path(packet, k), |m| self.wire(m))
                }
                _ => self.path(packet, k),
            };
            let Some(path) = path else { continue };
            let points = if k == i { cut(&path, ease(t)) } else { path };
            if path_length(&points) > 0.5 {
                out.push(Trail { kind, points });
            }
        }
        out
    }

    fn lit(&self, packet: PacketId, i: usize) -> Vec<Lit> {
        let here = match &self.schedule.beats[i].kind {
            BeatKind::Hook { ns, .. } | BeatKind::Drop { ns, .. } | BeatKind::Held { ns, .. } => Some(*ns),
            BeatKind::Travel(moves) => moves.first().map(|m| m.from.ns),
            _ => None,
        };
        let Some(here) = here else { return Vec::new() };
        let mut lit: Vec<Lit> = Vec::new();
        for (k, beat) in self.beats_of(packet, i).collect::<Vec<_>>().into_iter().rev() {
            match &beat.kind {
                BeatKind::Hook { ns, hook, nat, rules, .. } if *ns == here => {
                    let kills = |m: &MatchedTarget| matches!(m, MatchedTarget::Drop | MatchedTarget::Reject);
                    let light = match () {
                        () if k != i => Light::Passed,
                        () if rules.iter().any(|r| kills(&r.target)) => Light::Drops,
                        () if nat.is_some() => Light::Rewrites,
                        () => Light::Here,
                    };
                    let stage = Stage::Hook(*hook);
                    if !lit.iter().any(|l| l.stage == stage) {
                        lit.push(Lit { ns: here, stage, light });
                    }
                }
                BeatKind::Drop { ns, hook: Some(hook), .. } if *ns == here => {
                    lit.push(Lit { ns: here, stage: Stage::Hook(*hook), light: Light::Drops });
                }
                // Older than its coming to this place.
                BeatKind::Travel(_) if k != i => break,
                _ => {}
            }
        }
        let at = |hooks: &[Hook]| lit.iter().any(|l| hooks.iter().any(|h| l.stage == Stage::Hook(*h)));
        if at(&[Hook::Prerouting]) && at(&[Hook::Input, Hook::Forward, Hook::Postrouting]) {
            lit.push(Lit { ns: here, stage: Stage::Route, light: Light::Passed });
        }
        lit
    }

    fn drops(&self, i: usize) -> Vec<DropMark> {
        let beats = self.schedule.beats[..=i].iter().enumerate().rev();
        let marks = beats.filter_map(|(k, beat)| {
            let (ns, at) = match &beat.kind {
                BeatKind::Drop { packet, ns, .. } => (*ns, self.end_of(*packet, k)?),
                BeatKind::Refused { ns } => (*ns, self.scene.spot(*ns, None)?),
                _ => return None,
            };
            Some(DropMark { beat: k, seq: beat.key_seq, at, ns, now: k == i, wall: self.wall(k) })
        });
        marks.take(3).collect()
    }
}

/// Inside a router, along the gutter left of its NAT table, clear of the words.
fn beside_nat(gutter: f64, top: f64, bottom: f64, from: Point, to: Point) -> Vec<Point> {
    let lane = |p: Point| if p.1 < (top + bottom) / 2.0 { top } else { bottom };
    let mut path = Vec::new();
    if (from.0 - gutter).abs() > 1.0 {
        path.extend([(from.0, lane(from)), (gutter, lane(from))]);
    }
    if (to.0 - gutter).abs() > 1.0 {
        path.extend([(gutter, lane(to)), (to.0, lane(to))]);
    }
    path
}

fn party(flow: Flow, source: bool) -> Party {
    let end = if source { flow.src } else { flow.dst };
    let port = (flow.proto != Protocol::Icmp && end.port != 0).then_some(end.port);
    Party { addr: end.addr, port }
}

/// Slow in, slow out.
fn ease(t: f64) -> f64 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// The first `t` of a polyline.
fn cut(points: &[Point], t: f64) -> Vec<Point> {
    let mut left = path_length(points) * t;
    let mut out: Vec<Point> = points.first().copied().into_iter().collect();
    for p in points.windows(2) {
        let len = path_length(p);
        if len >= left {
            out.push(path_point(p, if len > 0.0 { left / len } else { 1.0 }));
            break;
        }
        out.push(p[1]);
        left -= len;
    }
    out
}
