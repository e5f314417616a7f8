//! The walk at a moment: what of the pass is done, where the packet is now, what counters and
//! conntrack hold.

use super::edits::{self, WhatIf};
use super::ends::Part;
use super::pass::{self, Station, What, asked};
use super::walk::{Line, LineKind, Mark, spec};
use super::{Firewall, Kept, Way, say, words};
use crate::app::decode::Kind;
use crate::app::inspector::{ConnectionRow, connection, hook_name};
use crate::app::pills::PillAddress;
use crate::explain::Lang;
use crate::netfilter::{CtState, RuleId, TableKind};
use crate::session::Session;
use crate::stack::{NetNs, NsId, TABLE_MAIN};
use crate::wire::{Endpoint, Flow, Protocol};

/// Connections that are shown.
const MAX_CONNECTIONS: usize = 6;
/// Routes that are shown.
const MAX_ROUTES: usize = 6;

/// The moment, and what is known of it.
pub(super) struct Moment {
    /// The last record; `u64::MAX` for the present.
    pub seq: u64,
    /// The playhead on the track.
    pub pos: f64,
    /// Milliseconds of virtual time since the flow began.
    pub at: Option<f64>,
    /// Place and line that sent the packets.
    pub flow: Option<(String, String)>,
    /// Is the packet of the pass the one that is looked at?
    pub current: bool,
    /// Language.
    pub lang: Lang,
}

/// How far a station is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing has come.
    Rest,
    /// It is not asked on this way.
    Skipped,
    /// The packet has yet to come here.
    Ahead,
    /// It is here.
    Here,
    /// It went through.
    Done,
}

/// A rule as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct LineView {
    /// The line.
    pub line: Line,
    /// Its table.
    pub table: TableKind,
    /// Packets that matched, at the moment shown; None where it is not counted.
    pub packets: Option<u64>,
    /// It was asked by now.
    pub asked: bool,
    /// It is the one that is being asked.
    pub now: bool,
    /// It was taken out since.
    pub gone: bool,
    /// It was put in since.
    pub fresh: bool,
    /// It is the one looked at closer.
    pub chosen: bool,
}

/// A route of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteRow {
    /// `172.17.0.0/16 dev docker0`.
    pub text: String,
    /// It is the one that was chosen.
    pub chosen: bool,
}

/// A station as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct StationView {
    /// What.
    pub what: What,
    /// `nat · PREROUTING`; empty where the locale has its name.
    pub title: String,
    /// The user's chain in which it was decided.
    pub tail: Option<String>,
    /// Key of the question that it asks.
    pub ask: &'static str,
    /// Rules.
    pub lines: Vec<LineView>,
    /// Routes.
    pub routes: Vec<RouteRow>,
    /// The word that stands out in what came of it: `DNAT`, `DROP`.
    pub word: &'static str,
    /// What came of it.
    pub words: String,
    /// How far it is.
    pub progress: Progress,
    /// An address was rewritten here by now.
    pub rewritten: bool,
    /// The packet died here.
    pub dead: bool,
}

/// The packet, as its pill says it.
#[derive(Debug, Clone, PartialEq)]
pub struct PillView {
    /// Its colour.
    pub kind: Kind,
    /// What it says.
    pub what: String,
    /// Sender.
    pub from: PillAddress,
    /// Receiver.
    pub to: PillAddress,
    /// It died by now.
    pub dead: bool,
}

/// A connection as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryView {
    /// The row.
    pub row: ConnectionRow,
    /// It is the packet's own.
    pub own: bool,
    /// It is not in the table yet: that comes when the packet has passed.
    pub pending: bool,
}

/// The walk at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Where.
    pub place: String,
    /// Which way the packet goes; None: nothing has come through.
    pub way: Option<Way>,
    /// Where it comes from and goes to.
    pub from: Vec<Part>,
    /// See `from`.
    pub to: Vec<Part>,
    /// The stations between.
    pub stations: Vec<StationView>,
    /// The packet.
    pub pill: Option<PillView>,
    /// It has yet to come in.
    pub ahead: bool,
    /// Milliseconds since the flow began.
    pub at: Option<f64>,
    /// What sent it: place, line.
    pub flow: Option<(String, String)>,
    /// Connections, the packet's own first.
    pub entries: Vec<EntryView>,
    /// How many more there are.
    pub more: usize,
    /// What can be tried.
    pub what_ifs: Vec<WhatIf>,
    /// The rule looked at closer.
    pub chosen: Option<super::Chosen>,
}

/// What the moment's event did beyond the moment: the next record's number, and the rules that
/// matched.
type Beyond<'a> = (u64, &'a [(u64, RuleId)]);

/// Builds the view. `state`: the session at the moment.
pub(super) fn view(
    place: &str,
    ns: NsId,
    state: &Session,
    beyond: Beyond<'_>,
    moment: &Moment,
    walk: &Firewall,
) -> Option<View> {
    let names = state.world.namespace(ns)?;
    let see = See { state, ns, names, beyond: beyond.1, moment, walk };
    let resting;
    let (stations, way, ends) = match &walk.kept {
        Some(kept) => (&kept.pass.stations, Some(kept.pass.way), Some(&kept.ends)),
        None => {
            let forwards = names.sysctl.ip_forward;
            let way = if forwards { Way::Forward } else { Way::Input };
            resting = pass::at_rest(names, way, &walk.unfolded);
            (&resting, None, None)
        }
    };
    let here = see.here(stations);
    let shown = stations.iter().enumerate();
    let shown: Vec<_> = shown.map(|(i, s)| see.station(s, way, Some(i) == here)).collect();
    let (entries, more) = see.entries(stations);
    let first = stations.iter().find(|s| s.seq.is_some()).map_or(0.0, |s| s.from);
    let ends = ends.cloned().unwrap_or_default();
    Some(View {
        place: place.to_owned(),
        way,
        from: ends.from,
        to: ends.to,
        pill: walk.kept.as_ref().and_then(|k| see.pill(k, here)),
        stations: shown,
        ahead: way.is_some() && moment.pos + 1e-6 < first,
        at: moment.at,
        flow: moment.flow.clone(),
        entries,
        more,
        what_ifs: Vec::new(),
        chosen: walk.chosen.clone(),
    })
}

struct See<'a> {
    state: &'a Session,
    ns: NsId,
    names: &'a NetNs,
    beyond: &'a [(u64, RuleId)],
    moment: &'a Moment,
    walk: &'a Firewall,
}

impl See<'_> {
    fn past(&self, at: f64) -> bool {
        at <= self.moment.pos + 1e-6
    }

    /// Has it begun? What ends as another begins is still the one that is looked at.
    fn begun(&self, s: &Station) -> bool {
        if s.to - s.from < 1e-6 { self.past(s.from) } else { s.from < self.moment.pos - 1e-6 }
    }

    /// The station where the packet is.
    fn here(&self, stations: &[Station]) -> Option<usize> {
        if !self.moment.current {
            return None;
        }
        let at = stations.iter().rposition(|s| s.seq.is_some() && self.begun(s))?;
        (self.moment.pos <= stations[at].to + 1e-6).then_some(at)
    }

    fn station(&self, s: &Station, way: Option<Way>, here: bool) -> StationView {
        let met = s.seq.is_some();
        let progress = match s.skip {
            Some(pass::Skip::Rest) => Progress::Rest,
            _ if here => Progress::Here,
            Some(_) if !met => Progress::Skipped,
            _ if self.begun(s) => Progress::Done,
            _ => Progress::Ahead,
        };
        let over = met && self.past(s.to);
        let (word, words) = if over || !met {
            say::verdict(s, way.unwrap_or(Way::Forward), self.names, self.state, self.ns, self.moment.lang)
        } else {
            ("", String::new())
        };
        let (title, base) = match s.what {
            What::Hook(hook, table) => (format!("{} · {}", table.name(), hook_name(hook)), hook_name(hook)),
            _ => (String::new(), ""),
        };
        let tail = pass::decisive(s).map(|l| l.chain.clone()).filter(|c| c != base && over);
        StationView {
            what: s.what,
            title,
            tail,
            ask: say::ask(&s.what),
            lines: self.lines(s, here),
            routes: if matches!(s.what, What::Route(_)) { self.routes(s, over) } else { Vec::new() },
            word,
            words,
            progress,
            rewritten: s.rewrite.is_some() && over,
            dead: s.dead.is_some() && over,
        }
    }

    fn lines(&self, s: &Station, here: bool) -> Vec<LineView> {
        let What::Hook(_, kind) = s.what else { return Vec::new() };
        let table = self.names.nf.table(kind);
        let now = s.lines.iter().rposition(|l| asked(l) && self.past(l.at)).filter(|_| here);
        let mut out: Vec<LineView> = Vec::with_capacity(s.lines.len());
        for (i, line) in s.lines.iter().enumerate() {
            let LineKind::Rule(id) = line.kind else {
                let done = s.skip.is_none() && asked(line) && self.past(line.at);
                out.push(show(line.clone(), kind, None, (done, Some(i) == now)));
                continue;
            };
            let chain = table.chain_named(&line.chain);
            let rule = chain.and_then(|c| {
                let there = c.rules.get(line.number - 1).filter(|r| r.id == id);
                there.or_else(|| c.rules.iter().find(|r| r.id == id))
            });
            let done = s.skip.is_none() && asked(line) && self.past(line.at);
            // A match that is yet to come at this moment is in the counters of its event already.
            let later = self.beyond.iter().filter(|b| b.1 == id).count() as u64
                + u64::from(line.seq.is_some_and(|seq| seq <= self.moment.seq) && !done);
            let packets = rule.map(|r| r.packets.saturating_sub(later));
            let mut view = show(line.clone(), kind, packets, (done, Some(i) == now));
            view.gone = rule.is_none();
            view.chosen = self.walk.chosen.as_ref().is_some_and(|c| c.rule == id && c.table == kind);
            out.push(view);
        }
        if let Some(kept) = &self.walk.kept {
            self.put_in_fresh(&mut out, kind, kept.newest);
        }
        out
    }

    /// Rules that are younger than the pass stand where they are now.
    fn put_in_fresh(&self, lines: &mut Vec<LineView>, kind: TableKind, newest: RuleId) {
        let table = self.names.nf.table(kind);
        let mut chains: Vec<String> = lines.iter().map(|l| l.line.chain.clone()).collect();
        chains.dedup();
        chains.sort_unstable();
        chains.dedup();
        for name in chains {
            let Some(chain) = table.chain_named(&name) else { continue };
            for (i, rule) in chain.rules.iter().enumerate().filter(|(_, r)| r.id > newest) {
                let depth = lines.iter().find(|l| l.line.chain == name).map_or(0, |l| l.line.depth);
                let text = self.names.nf.rule_text(rule.id);
                let line = Line {
                    kind: LineKind::Rule(rule.id),
                    depth,
                    chain: name.clone(),
                    number: i + 1,
                    count: 1,
                    mark: Mark::Unasked,
                    seq: None,
                    short: words::short(text),
                    full: spec(text),
                    at: f64::MAX,
                };
                let mut view = show(line, kind, Some(rule.packets), (false, false));
                view.fresh = true;
                view.chosen = self.walk.chosen.as_ref().is_some_and(|c| c.rule == rule.id);
                let after = |l: &LineView| {
                    l.line.chain == name
                        && match l.line.kind {
                            LineKind::Policy(_) => true,
                            LineKind::Rule(id) => {
                                edits::number(&self.names.nf, kind, &name, id).is_some_and(|n| n > i + 1)
                            }
                            LineKind::Folded => l.line.number > i + 1,
                        }
                };
                let last = lines.iter().rposition(|l| l.line.chain == name).map_or(lines.len(), |at| at + 1);
                let at = lines.iter().position(after).unwrap_or(last);
                lines.insert(at, view);
            }
        }
    }

    fn routes(&self, s: &Station, over: bool) -> Vec<RouteRow> {
        let What::Route(chosen) = s.what else { return Vec::new() };
        let chosen = chosen.and_then(|c| c.route).filter(|_| over);
        let routes = self.names.routes_by_table().into_iter();
        let rows = routes.map(|(r, table)| {
            let to = if r.prefix.prefix_len() == 0 { "default".to_owned() } else { r.prefix.to_string() };
            let via = r.via.map(|v| format!(" via {v}")).unwrap_or_default();
            let dev = r.dev.and_then(|d| self.names.device(d)).map(|d| format!(" dev {}", d.name));
            let hit = chosen.is_some_and(|(p, v, d)| (p, v, Some(d)) == (r.prefix, r.via, r.dev));
            let of = if table == TABLE_MAIN { String::new() } else { format!(" table {table}") };
            RouteRow { text: format!("{to}{via}{}{of}", dev.unwrap_or_default()), chosen: hit }
        });
        let mut rows: Vec<_> = rows.collect();
        if rows.len() > MAX_ROUTES {
            // The chosen one is never cut off.
            let at = rows.iter().position(|r| r.chosen).unwrap_or(0);
            let first = at.saturating_sub(MAX_ROUTES / 2).min(rows.len() - MAX_ROUTES);
            rows = rows.split_off(first);
            rows.truncate(MAX_ROUTES);
        }
        rows
    }

    /// The addresses as they came, and as they are.
    fn flow(&self, kept: &Kept) -> Option<(Flow, Flow)> {
        let mut rewrites = kept.pass.stations.iter().filter_map(|s| Some((s, s.rewrite?))).peekable();
        let first = match rewrites.peek() {
            Some((_, r)) => r.before,
            None => {
                let read = kept.read.as_ref()?;
                let end = |p: crate::app::decode::Party| Endpoint::new(p.addr, p.port.unwrap_or(0));
                let proto = match read.kind {
                    Kind::Tcp => Protocol::Tcp,
                    Kind::Icmp => Protocol::Icmp,
                    _ => Protocol::Udp,
                };
                Flow { src: end(read.from), dst: end(read.to), proto }
            }
        };
        let now = rewrites.rfind(|(s, _)| self.past(s.to)).map_or(first, |(_, r)| r.after);
        Some((first, now))
    }

    fn pill(&self, kept: &Kept, here: Option<usize>) -> Option<PillView> {
        let at = here.map(|i| &kept.pass.stations[i])?;
        let (_, now) = self.flow(kept)?;
        let icmp = now.proto == Protocol::Icmp;
        let text = |e: Endpoint| if icmp || e.port == 0 { e.addr.to_string() } else { e.to_string() };
        let just = at.rewrite.filter(|_| self.past(at.to));
        let address = |pick: fn(&Flow) -> Endpoint| {
            let old = just.filter(|r| pick(&r.before) != pick(&r.after)).map(|r| text(pick(&r.before)));
            PillAddress { old, now: text(pick(&now)) }
        };
        Some(PillView {
            kind: kept.read.as_ref().map_or(Kind::Other, |r| r.kind),
            what: kept.read.as_ref().map(|r| r.what.clone()).unwrap_or_default(),
            from: address(|f| f.src),
            to: address(|f| f.dst),
            dead: at.dead.is_some() && self.past(at.to),
        })
    }

    fn entries(&self, stations: &[Station]) -> (Vec<EntryView>, usize) {
        let now = self.state.world.now();
        let kept = self.walk.kept.as_ref();
        let own = kept.and_then(|k| k.pass.ct);
        // Until its packet has passed, a new connection is not in the table.
        let pending = kept.filter(|k| {
            let new = k.pass.ct.is_some_and(|c| c.1 == CtState::New);
            let confirmed = k.pass.confirmed.and_then(|seq| {
                let station = k.pass.stations.iter().rfind(|s| s.seq.is_some_and(|at| at <= seq));
                station.map(|s| self.past(s.to))
            });
            new && confirmed != Some(true)
        });
        let mut rows: Vec<_> = self.names.nf.ct.iter().collect();
        rows.sort_by_key(|e| (own.is_none_or(|o| o.0 != e.id), std::cmp::Reverse(e.id)));
        let rows = rows.into_iter().filter(|e| pending.is_none() || own.is_none_or(|o| o.0 != e.id));
        let mut out: Vec<EntryView> = rows
            .map(|e| EntryView {
                row: connection(e, now),
                own: own.is_some_and(|o| o.0 == e.id),
                pending: false,
            })
            .collect();
        let seen = stations.iter().any(|s| s.what == What::Conntrack && s.seq.is_some() && self.begun(s));
        let alive = !stations.iter().any(|s| s.dead.is_some() && self.past(s.to));
        if let Some(kept) = pending.filter(|_| seen && alive)
            && let Some((first, flow)) = self.flow(kept)
        {
            let icmp = flow.proto == Protocol::Icmp;
            let text = |e: Endpoint| if icmp { e.addr.to_string() } else { e.to_string() };
            let row = ConnectionRow {
                id: own.map_or(0, |o| o.0.0),
                proto: flow.proto.to_string(),
                state: "NEW".to_owned(),
                original: (text(first.src), text(first.dst)),
                reply: (text(flow.dst), text(flow.src)),
                snat: flow.src != first.src,
                dnat: flow.dst != first.dst,
                expires_secs: 0,
            };
            out.insert(0, EntryView { row, own: true, pending: true });
        }
        let more = out.len().saturating_sub(MAX_CONNECTIONS);
        out.truncate(MAX_CONNECTIONS);
        (out, more)
    }
}

fn show(line: Line, table: TableKind, packets: Option<u64>, (asked, now): (bool, bool)) -> LineView {
    LineView { line, table, packets, asked, now, gone: false, fresh: false, chosen: false }
}
