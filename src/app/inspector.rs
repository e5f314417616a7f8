//! What the inspector shows, at the moment shown: this packet, and the tables of a place.

use super::decode::{Decoded, Field, Kind, decode};
use super::playback::{BeatKind, Rewrite, Schedule};
use super::scene::{NatRow, NatWay};
use super::services::{Services, services};
use crate::explain::{Lang, drop_reason, sentence};
use crate::netfilter::{CtEntry, MatchedTarget, RuleId, TableKind};
use crate::session::Session;
use crate::stack::{NetNs, NsId, SocketKind, Step, StepLog, TcpState};
use crate::wire::{PacketId, Protocol};

/// A header field before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// `src`, `ttl`, `flags`.
    pub name: &'static str,
    /// Before this moment; empty if the packet began here.
    pub before: String,
    /// After it; empty if nothing changes.
    pub after: String,
    /// The two differ.
    pub changed: bool,
    /// Whose header it is in.
    pub layer: Layer,
}

/// Whose header a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// The packet's own; there is no other.
    Only,
    /// The envelope's.
    Envelope,
    /// The packet's in the envelope.
    Inside,
}

/// A byte, and whether it is other than it was.
pub type Byte = (u8, bool);

/// This packet.
#[derive(Debug, Clone, PartialEq)]
pub struct PacketView {
    /// Its number.
    pub packet: PacketId,
    /// Colour and badge.
    pub kind: Kind,
    /// What it says.
    pub what: String,
    /// Which place of its way, from 1, and how many there are.
    pub hop: (usize, usize),
    /// Where.
    pub place: String,
    /// The hook, if it is at one: its name.
    pub stage: Option<&'static str>,
    /// What happens, in words.
    pub sentence: String,
    /// It dies here: why.
    pub drop: Option<String>,
    /// Header, before → after.
    pub fields: Vec<FieldChange>,
    /// Rules that matched: table, text, whether it decided.
    pub rules: Vec<(TableKind, String, bool)>,
    /// The rewriting at this beat.
    pub rewrite: Option<Rewrite>,
    /// The route that was chosen for it at this place: to, gateway, interface.
    pub route: Option<[String; 3]>,
    /// The frame's bytes, with what changed.
    pub bytes: Vec<Byte>,
    /// Bytes of the headers of its envelope, each with its name, and of the frame inside.
    pub envelope: Option<(Vec<(&'static str, usize)>, usize)>,
}

/// Reads the packet of beat `i`.
pub fn packet(
    session: &Session,
    schedule: &Schedule,
    i: usize,
    log: &StepLog,
    lang: Lang,
) -> Option<PacketView> {
    let beat = schedule.beats.get(i)?;
    let id = beat.packet()?;
    let life = schedule.lives.get(&id)?;
    let mine = |k: &usize| schedule.beats[*k].packets().contains(&id);
    let end = life.beats.1.max(i).min(schedule.beats.len() - 1);
    let seq_of = |k: usize| match &schedule.beats[k].kind {
        BeatKind::Travel(moves) => moves.iter().find(|m| m.packet == id).map(|m| m.seq),
        _ => None,
    };
    let past = (life.beats.0..i).rev().filter(mine).find_map(seq_of);
    let next = (i..=end).filter(mine).find_map(seq_of);
    let bytes = |seq: Option<u64>| seq.map(|s| log.bytes(s)).filter(|b| !b.is_empty());
    let (before, after) = (bytes(past), bytes(next));
    let (before, after) = (before.as_deref(), after.as_deref());
    let read = after.or(before).and_then(decode);
    let (ns, stage, drop) = match &beat.kind {
        BeatKind::Travel(moves) => (moves.first()?.from.ns, None, None),
        BeatKind::Hook { ns, hook, .. } => (*ns, Some(hook_name(*hook)), None),
        BeatKind::Drop { ns, dev, hook, reason, .. } => {
            (*ns, hook.map(hook_name), Some(drop_reason(*reason, *dev, *ns, session, lang)))
        }
        BeatKind::Held { ns, .. } | BeatKind::Arrive { ns, .. } | BeatKind::Envelope { ns, .. } => {
            (*ns, None, None)
        }
        BeatKind::Refused { .. } | BeatKind::Wait { .. } => return None,
    };
    let sealed = [after, before].into_iter().flatten().filter_map(decode).find_map(|d| d.letter);
    let key = log.get(beat.key_seq);
    let mut fields = changes(before.and_then(decode).as_ref(), after.and_then(decode).as_ref());
    let (kind, what) = match read {
        Some(read) => (read.kind, read.what),
        // It never was on a wire, where its bytes would be kept.
        None => match super::packets::stayed(session, log, (schedule.first_seq(), beat.last_seq), id) {
            Some((kind, from, to, what)) => {
                fields = [("src", from), ("dst", to)].into_iter().filter_map(known).collect();
                (kind, what)
            }
            None => (life.kind, String::new()),
        },
    };
    Some(PacketView {
        packet: id,
        kind,
        what,
        hop: hop(schedule, id, i, end),
        place: session.place_of_ns(ns).unwrap_or_default(),
        stage,
        sentence: key.map(|r| sentence(&r, session, lang)).unwrap_or_default(),
        drop,
        fields,
        rules: rules(session, beat_rules(&beat.kind), ns),
        rewrite: match &beat.kind {
            BeatKind::Hook { nat, .. } => *nat,
            _ => None,
        },
        route: route(session, schedule, id, i, ns, log),
        bytes: marked(before, after),
        envelope: sealed.map(|l| (envelope_parts(l.at), l.len)),
    })
}

/// A field of which only one value is known; none if it is not.
fn known((name, before): (&'static str, String)) -> Option<FieldChange> {
    let only = FieldChange { name, before, after: String::new(), changed: false, layer: Layer::Only };
    (!only.before.is_empty()).then_some(only)
}

/// The headers of an envelope that takes `bytes` bytes; what is more than the least is options of IP.
fn envelope_parts(bytes: usize) -> Vec<(&'static str, usize)> {
    let (ethernet, udp, vxlan) = (14, 8, 8);
    vec![("Ethernet", ethernet), ("IP", bytes.saturating_sub(30)), ("UDP", udp), ("VXLAN", vxlan)]
}

/// How many beats the choice of a route can lie back.
const ROUTE_BEATS: usize = 24;

/// The route chosen last for a packet at a place, as its routing table writes it.
fn route(
    session: &Session,
    schedule: &Schedule,
    id: PacketId,
    i: usize,
    ns: NsId,
    log: &StepLog,
) -> Option<[String; 3]> {
    let first = schedule.beats[i.saturating_sub(ROUTE_BEATS)].first_seq;
    let last = schedule.beats[i].last_seq;
    let records = log.iter_from(first).take_while(|(seq, _)| *seq <= last);
    let here = records.filter(|(_, r)| r.packet == Some(id) && r.ns == ns);
    let routed = here.filter_map(|(_, r)| match r.step {
        Step::Routed { prefix, via, dev, .. } => Some((prefix, via, dev)),
        _ => None,
    });
    let (prefix, via, dev) = routed.last()?;
    let device = session.world.namespace(ns)?.device(dev)?;
    Some([prefix_name(prefix), via.map(|v| v.to_string()).unwrap_or_default(), device.name.to_string()])
}

/// A destination as `ip route` writes it.
fn prefix_name(prefix: crate::wire::Ipv4Net) -> String {
    if prefix.prefix_len() == 0 { "default".to_owned() } else { prefix.to_string() }
}

fn beat_rules(kind: &BeatKind) -> Vec<(TableKind, RuleId, bool)> {
    let BeatKind::Hook { rules, .. } = kind else { return Vec::new() };
    let decides = |t| {
        matches!(t, MatchedTarget::Nat | MatchedTarget::Drop | MatchedTarget::Reject | MatchedTarget::Accept)
    };
    rules.iter().map(|r| (r.table, r.rule, decides(r.target))).collect()
}

fn rules(
    session: &Session,
    rules: Vec<(TableKind, RuleId, bool)>,
    ns: NsId,
) -> Vec<(TableKind, String, bool)> {
    let Some(ns) = session.world.namespace(ns) else { return Vec::new() };
    rules.into_iter().map(|(t, r, decided)| (t, ns.nf.rule_text(r).to_owned(), decided)).collect()
}

/// Places are counted as wires: the first place is 1, each wire leads to the next.
fn hop(schedule: &Schedule, id: PacketId, i: usize, end: usize) -> (usize, usize) {
    let first = schedule.lives.get(&id).map_or(0, |l| l.beats.0);
    let wires = |to: usize| {
        let travels = schedule.beats[first..to]
            .iter()
            .filter(|b| matches!(&b.kind, BeatKind::Travel(moves) if moves.iter().any(|m| m.packet == id)));
        travels.count()
    };
    (wires(i) + 1, wires(end + 1) + 1)
}

/// The name of a hook, as iptables writes the chain.
pub const fn hook_name(hook: crate::netfilter::Hook) -> &'static str {
    use crate::netfilter::Hook;
    match hook {
        Hook::Prerouting => "PREROUTING",
        Hook::Input => "INPUT",
        Hook::Forward => "FORWARD",
        Hook::Output => "OUTPUT",
        Hook::Postrouting => "POSTROUTING",
    }
}

/// The name of a table, as `iptables -t` wants it.
pub const fn table_name(table: TableKind) -> &'static str {
    match table {
        TableKind::Raw => "raw",
        TableKind::Mangle => "mangle",
        TableKind::Nat => "nat",
        TableKind::Filter => "filter",
    }
}

/// The header before and after; that of an envelope first, then that of the packet inside.
fn changes(before: Option<&Decoded>, after: Option<&Decoded>) -> Vec<FieldChange> {
    let sealed = |d: Option<&Decoded>| d.is_some_and(|d| d.letter.is_some());
    if !sealed(before) && !sealed(after) {
        return layer(before, after, Layer::Only);
    }
    let outer = |d: Option<&'_ Decoded>| d.filter(|d| d.letter.is_some()).cloned();
    let inner = |d: Option<&Decoded>| d.map(|d| d.innermost().clone());
    let mut rows = layer(outer(before).as_ref(), outer(after).as_ref(), Layer::Envelope);
    rows.extend(layer(inner(before).as_ref(), inner(after).as_ref(), Layer::Inside));
    rows
}

fn layer(before: Option<&Decoded>, after: Option<&Decoded>, layer: Layer) -> Vec<FieldChange> {
    let all = after.or(before).map(|d| d.fields.as_slice()).unwrap_or_default();
    let value = |d: Option<&Decoded>, f: &Field| {
        d.and_then(|d| d.fields.iter().find(|o| o.name == f.name)).map(|f| f.value.clone())
    };
    let rows = all.iter().map(|f| {
        let (b, a) = (value(before, f), value(after, f));
        FieldChange {
            name: f.name,
            changed: b.is_some() && a.is_some() && a != b,
            before: b.unwrap_or_default(),
            after: a.unwrap_or_default(),
            layer,
        }
    });
    let mut rows: Vec<_> = rows.collect();
    // What people look for first stands first; the Ethernet header and checksums after it.
    rows.sort_by_key(|r| match r.name {
        "src" | "dst" | "ttl" | "flags" | "vni" | "sender ip" | "target ip" | "arp op" => 0,
        "eth dst" | "eth src" => 2,
        _ => 1,
    });
    rows
}

fn marked(before: Option<&[u8]>, after: Option<&[u8]>) -> Vec<Byte> {
    let Some(shown) = after.or(before) else { return Vec::new() };
    let old = before.filter(|_| after.is_some());
    shown.iter().enumerate().map(|(i, &b)| (b, old.is_some_and(|o| o.get(i) != Some(&b)))).take(160).collect()
}

// ---- tables of a place

/// A connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionRow {
    /// As conntrack numbers them.
    pub id: u32,
    /// `tcp`, `udp`, `icmp`.
    pub proto: String,
    /// Of TCP, as conntrack prints it; else empty.
    pub state: String,
    /// Of the first packet: source, destination.
    pub original: (String, String),
    /// Of an answer: source, destination.
    pub reply: (String, String),
    /// The source is rewritten.
    pub snat: bool,
    /// The destination is rewritten.
    pub dnat: bool,
    /// Seconds until it is forgotten if nothing more comes.
    pub expires_secs: u64,
}

/// A rule with its counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRow {
    /// How many it matched.
    pub packets: String,
    /// As `iptables -S` prints it, without `-A CHAIN`.
    pub text: String,
}

/// A chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainView {
    /// `PREROUTING`.
    pub name: String,
    /// `ACCEPT`, `DROP`; empty for user chains.
    pub policy: String,
    /// How many its policy decided.
    pub packets: String,
    /// In order.
    pub rules: Vec<RuleRow>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableView {
    /// `nat`.
    pub name: String,
    /// Built-in ones first, as `iptables-save` lists them.
    pub chains: Vec<ChainView>,
}

/// The tables of a place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tables {
    /// Connections.
    pub connections: Vec<ConnectionRow>,
    /// iptables.
    pub iptables: Vec<TableView>,
    /// destination, gateway, device, source.
    pub routes: Vec<[String; 4]>,
    /// address, MAC, device, state.
    pub neighbours: Vec<[String; 4]>,
    /// MAC, port, bridge.
    pub fdb: Vec<[String; 3]>,
    /// protocol, state, local, remote.
    pub sockets: Vec<[String; 4]>,
    /// interface, address, MAC, state.
    pub devices: Vec<[String; 4]>,
    /// DHCP and DNS.
    pub services: Services,
}

/// Reads the tables of `NODE` or `NODE:CONTAINER`.
pub fn tables(session: &Session, place: &str) -> Option<Tables> {
    let machine = session.world.machine(session.place(place).ok()?)?;
    let ns = session.world.namespace(machine.ns)?;
    let now = session.world.now();
    Some(Tables {
        connections: connections(ns, now),
        iptables: parse_save(
            &ns.nf.save(&[TableKind::Raw, TableKind::Mangle, TableKind::Nat, TableKind::Filter], true),
        ),
        routes: routes(ns),
        neighbours: neighbours(ns, now),
        fdb: fdb(ns, now),
        sockets: sockets(ns),
        devices: devices(ns),
        services: services(session, place, ns),
    })
}

/// What was translated first: that is what one looks for.
fn connections(ns: &NetNs, now: crate::time::Instant) -> Vec<ConnectionRow> {
    let mut rows: Vec<_> = ns.nf.ct.iter().map(|e| connection(e, now)).collect();
    rows.sort_by_key(|r| !(r.snat || r.dnat));
    rows
}

pub(super) fn connection(e: &CtEntry, now: crate::time::Instant) -> ConnectionRow {
    let icmp = e.original.proto == Protocol::Icmp;
    let end = |p: crate::wire::Endpoint| if icmp { p.addr.to_string() } else { p.to_string() };
    ConnectionRow {
        id: e.id.0,
        proto: e.original.proto.to_string(),
        state: e.state_name().unwrap_or_default().to_owned(),
        original: (end(e.original.src), end(e.original.dst)),
        reply: (end(e.reply.src), end(e.reply.dst)),
        snat: e.is_snat(),
        dnat: e.is_dnat(),
        expires_secs: e.expires.since(now).as_secs(),
    }
}

/// What a router remembers of connections whose source it rewrote, and of those let in by a
/// forward: rows for the table drawn inside it.
pub fn mappings(session: &Session, ns: NsId) -> Vec<NatRow> {
    let Some(ns) = session.world.namespace(ns) else { return Vec::new() };
    let row = |e: &CtEntry| {
        // Out: whose port became which. In: which of our ports leads to whom.
        let ((from, to), way) = match e.source_mapping() {
            Some(ends) => (ends, NatWay::Out),
            None => (e.destination_mapping()?, NatWay::In),
        };
        let by = (way == NatWay::In).then(|| e.original.src.addr.to_string());
        Some(NatRow { way, from: from.to_string(), to: to.to_string(), by })
    };
    ns.nf.ct.iter().filter_map(row).collect()
}

fn routes(ns: &NetNs) -> Vec<[String; 4]> {
    let name = |dev| ns.device(dev).map(|d| d.name.to_string()).unwrap_or_default();
    let row = |(r, table): (&crate::stack::Route, u32)| {
        let mut to = prefix_name(r.prefix);
        if table != crate::stack::TABLE_MAIN {
            to += &format!(" (table {table})");
        }
        let via = r.via.map(|v| v.to_string()).unwrap_or_default();
        [to, via, r.dev.map(name).unwrap_or_default(), r.src.map(|s| s.to_string()).unwrap_or_default()]
    };
    ns.routes_by_table().into_iter().map(row).collect()
}

fn neighbours(ns: &NetNs, now: crate::time::Instant) -> Vec<[String; 4]> {
    let name = |dev| ns.device(dev).map(|d| d.name.to_string()).unwrap_or_default();
    let row = |n: crate::stack::Neighbour| {
        let mac = n.mac.map(|m| m.to_string()).unwrap_or_default();
        [n.addr.to_string(), mac, name(n.dev), format!("{:?}", n.state).to_uppercase()]
    };
    ns.neighbours(now).into_iter().map(row).collect()
}

fn fdb(ns: &NetNs, now: crate::time::Instant) -> Vec<[String; 3]> {
    let name = |dev| ns.device(dev).map(|d| d.name.to_string()).unwrap_or_default();
    let bridges = ns.devices().filter(|d| matches!(d.kind, crate::stack::DeviceKind::Bridge(_)));
    let mut rows = Vec::new();
    for bridge in bridges {
        let learned = ns.fdb(bridge.index, now).into_iter().filter(|e| !e.local);
        rows.extend(learned.map(|e| [e.mac.to_string(), name(e.port), bridge.name.to_string()]));
    }
    rows
}

fn sockets(ns: &NetNs) -> Vec<[String; 4]> {
    let row = |s: crate::stack::SocketInfo| {
        let proto = match s.kind {
            SocketKind::Tcp => "tcp",
            SocketKind::Udp => "udp",
            SocketKind::Ping => "icmp",
            SocketKind::Packet { .. } => return None,
        };
        let state =
            if s.kind == SocketKind::Tcp { tcp_state(s.state).to_owned() } else { "UNCONN".to_owned() };
        let remote = s.remote.map_or_else(|| "*:*".to_owned(), |r| r.to_string());
        Some([proto.to_owned(), state, s.local.to_string(), remote])
    };
    ns.sockets().into_iter().filter_map(row).collect()
}

/// As `ss` prints it.
const fn tcp_state(state: TcpState) -> &'static str {
    match state {
        TcpState::Closed => "UNCONN",
        TcpState::Listen => "LISTEN",
        TcpState::SynSent => "SYN-SENT",
        TcpState::SynReceived => "SYN-RECV",
        TcpState::Established => "ESTAB",
        TcpState::FinWait1 => "FIN-WAIT-1",
        TcpState::FinWait2 => "FIN-WAIT-2",
        TcpState::CloseWait => "CLOSE-WAIT",
        TcpState::Closing => "CLOSING",
        TcpState::LastAck => "LAST-ACK",
        TcpState::TimeWait => "TIME-WAIT",
    }
}

fn devices(ns: &NetNs) -> Vec<[String; 4]> {
    let row = |d: &crate::stack::Device| {
        let addr = d.addrs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let state = if !d.up {
            "DOWN"
        } else if d.carrier {
            "UP"
        } else {
            "NO-CARRIER"
        };
        [d.name.to_string(), addr, d.mac.to_string(), state.to_owned()]
    };
    ns.devices().map(row).collect()
}

/// Reads what `iptables-save -c` prints.
fn parse_save(text: &str) -> Vec<TableView> {
    let mut tables: Vec<TableView> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('*') {
            tables.push(TableView { name: name.to_owned(), chains: Vec::new() });
        }
        let Some(table) = tables.last_mut() else { continue };
        if let Some(chain) = line.strip_prefix(':') {
            let mut words = chain.split(' ');
            let name = words.next().unwrap_or_default().to_owned();
            let policy = words.next().unwrap_or_default().trim_matches('-').to_owned();
            let packets = counter(words.next().unwrap_or_default());
            table.chains.push(ChainView { name, policy, packets, rules: Vec::new() });
        } else if let Some((counters, rule)) = line.split_once("] -A ") {
            let (name, text) = rule.split_once(' ').unwrap_or((rule, ""));
            let row = RuleRow { packets: counter(counters), text: text.to_owned() };
            if let Some(chain) = table.chains.iter_mut().find(|c| c.name == name) {
                chain.rules.push(row);
            }
        }
    }
    tables
}

/// `[12:720]` → `12`.
fn counter(text: &str) -> String {
    text.trim_start_matches('[').split(':').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_saved_tables_are_read_with_their_counters() {
        let text = "# c\n*nat\n:PREROUTING ACCEPT [3:180]\n:DOCKER - [0:0]\n[1:60] -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n[0:0] -A DOCKER -i docker0 -j RETURN\nCOMMIT\n";
        let tables = parse_save(text);
        assert_eq!(tables.len(), 1);
        let chain = &tables[0].chains[0];
        assert_eq!(
            (chain.name.as_str(), chain.policy.as_str(), chain.packets.as_str()),
            ("PREROUTING", "ACCEPT", "3")
        );
        assert_eq!(
            chain.rules,
            [RuleRow { packets: "1".into(), text: "-m addrtype --dst-type LOCAL -j DOCKER".into() }]
        );
        assert_eq!((tables[0].chains[1].policy.as_str(), tables[0].chains[1].rules.len()), ("", 1));
    }

    #[test]
    fn an_envelope_is_counted_header_by_header() {
        let parts = envelope_parts(usize::from(crate::stack::OVERHEAD) - 14 + 14);
        assert_eq!(parts, [("Ethernet", 14), ("IP", 20), ("UDP", 8), ("VXLAN", 8)]);
    }

    #[test]
    fn bytes_that_differ_are_marked() {
        assert_eq!(marked(Some(&[1, 2, 3]), Some(&[1, 9, 3])), [(1, false), (9, true), (3, false)]);
        assert_eq!(marked(None, Some(&[1])), [(1, false)]);
        assert_eq!(marked(Some(&[7]), None), [(7, false)]);
    }
}
