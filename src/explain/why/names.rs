//! A name that was not found: whom was asked, and who bears the name.

use std::net::Ipv4Addr;

use super::closed::stopped;
use super::pick::{self, Fatal};
use super::story::{End, Life, Role};
use super::{Case, Cause, Found, refine, shared, swarm};
use crate::docker::Container;
use crate::session::{Node, ServiceConfig};
use crate::stack::{DropReason, NsId};
use crate::wire::Protocol;

/// The names by which Docker Desktop calls the host.
const HOST_NAMES: [&str; 3] = ["host.docker.internal", "gateway.docker.internal", "docker.for.mac.localhost"];

/// The name that a tool could not resolve, from its own words.
pub(super) fn unresolved(said: &str) -> Option<&str> {
    let quoted = |line: &'static str, said: &'_ str| said.find(line).map(|at| at + line.len());
    for before in [
        "Could not resolve host: ",
        "bad address '",
        "unable to resolve host address '",
        "server can't find ",
    ] {
        if let Some(at) = quoted(before, said) {
            let rest = &said[at..];
            let end = rest.find(|c: char| c == '\'' || c == ':' || c.is_whitespace()).unwrap_or(rest.len());
            return Some(rest[..end].trim_end_matches('.'));
        }
    }
    for after in
        [": Name or service not known", ": Temporary failure in name resolution", ": No address associated"]
    {
        if let Some(at) = said.find(after) {
            let line = said[..at].lines().next_back().unwrap_or_default();
            return line.rsplit([' ', '\'']).find(|w| !w.is_empty());
        }
    }
    None
}

/// The name that was typed: the shortest of the questions, which a search list only makes longer.
fn typed<'a>(case: Case<'a>, said: &'a str) -> Option<&'a str> {
    let asked = case.story.asks().filter_map(Life::dns).filter(|d| d.1.is_none()).map(|d| d.0);
    asked.min_by_key(|n| n.len()).or_else(|| unresolved(said))
}

/// A question went out (or should have): why it brought no address. None if it did.
pub(super) fn find(case: Case<'_>, said: &str) -> Option<Found> {
    let from = case.story.asks().next().map_or(0, |a| a.born);
    // A tool that gave up first does not say which name it was; that nobody answered is known.
    let Some(name) = typed(case, said) else { return dead(case, from) };
    let name = name.trim_end_matches('.').to_owned();
    let answers = case.story.lives.iter().filter(|l| l.role == Role::Answer && l.parent.is_none());
    let to_asker =
        answers.filter(|l| case.story.flow_at_end(l).is_some_and(|f| f.src.port == 53 || l.ns == case.asker));
    let last = to_asker.filter_map(|l| Some((l, l.dns()?.1?))).rfind(|(l, _)| at_asker(case, l));
    let evidence = |life: &Life| (life.end.map_or(life.born, |e| e.0), Some(life.id));
    match last {
        // The name is there, and has no address; where the tool went on all the same, it had found one.
        Some((life, "NOERROR")) => {
            let only = case.story.asks().all(|l| l.dns().is_some()) && case.story.unsent.is_empty();
            let (seq, packet) = evidence(life);
            only.then(|| Found { cause: not_there(case, &name), seq, packet })
        }
        Some((life, "NXDOMAIN")) => {
            let (seq, packet) = evidence(life);
            Some(Found { cause: not_there(case, &name), seq, packet })
        }
        Some((life, code)) => {
            let at_last = |cause| {
                let (seq, packet) = evidence(life);
                Found { cause, seq, packet }
            };
            if is_ours(case, &name) {
                return Some(at_last(not_there(case, &name)));
            }
            if let Some(network) = shut_in(case) {
                return Some(at_last(network));
            }
            // Behind a server that could not find out stands one that was silent, or that refused.
            let lost = if code == "REFUSED" { None } else { dead(case, from) };
            Some(lost.unwrap_or_else(|| by_code(case, name, life, code)))
        }
        None => dead(case, from),
    }
}

/// A server answered, and not with "no such name": the first who said so, the last in the chain.
fn by_code(case: Case<'_>, name: String, last: &Life, code: &str) -> Found {
    let answers = case.story.lives.iter().filter(|l| l.role == Role::Answer && l.parent.is_none());
    let said = answers.filter(|l| l.dns().is_some_and(|d| d.1.is_some_and(|c| c != "NOERROR")));
    let first = said.filter(|l| l.end.is_some_and(|e| e.1 != l.ns)).min_by_key(|l| l.born).unwrap_or(last);
    let code = first.dns().and_then(|d| d.1).unwrap_or(code);
    let server = case.story.flow_at_end(first).map_or(case.target.addr, |f| f.src.addr);
    let (seq, asked_by) = first.end.map_or((first.born, case.asker), |e| (e.0, e.1));
    // Docker's own server says so where its host cannot ask anybody.
    if server.is_loopback()
        && let Some(host) = case.atlas.host(asked_by)
        && let Some(ns) = case.atlas.ns(host.ns)
    {
        let all = resolvers_of(case, host.ns);
        let nobody = Cause::NoNameServer { place: host.config.id.clone() };
        let unreached = all.iter().find(|a| ns.route_to(**a).is_none());
        let cause =
            unreached.map(|a| refine::no_route(case, host.ns, *a)).or(all.is_empty().then_some(nobody));
        if let Some(cause) = cause {
            return Found { cause, seq, packet: Some(first.id) };
        }
    }
    let place = case.atlas.place(asked_by);
    let cause = if code == "REFUSED" {
        Cause::NameRefused { place, name, server }
    } else {
        Cause::NameServerFailed { place, name, server }
    };
    Found { cause, seq, packet: Some(first.id) }
}

fn at_asker(case: Case<'_>, life: &Life) -> bool {
    matches!(life.end, Some((_, ns, End::Delivered(_) | End::Taken)) if ns == case.asker)
}

/// Nothing was asked at all: the name is only looked for in files, or there is nobody to ask.
pub(super) fn without_question(case: Case<'_>, name: &str) -> Found {
    let seq = case.story.exited.or(case.story.started.map(|s| s.0)).unwrap_or(case.job.first_seq);
    Found { cause: not_there(case, name), seq, packet: None }
}

/// A container whose networks are all internal hears nothing from outside.
fn shut_in(case: Case<'_>) -> Option<Cause> {
    let (node, c) = case.atlas.container(case.asker)?;
    let engine = node.engine.as_ref()?;
    let mut networks = c.endpoints.iter().filter_map(|e| engine.network(&e.network));
    let first = networks.next().filter(|n| n.is_internal())?;
    let all = networks.all(|n| n.is_internal());
    all.then(|| Cause::Internal { container: c.name.clone(), network: first.name.clone() })
}

// ---- no answer

/// No server could say: which one was asked last in the chain, and is it one at all?
fn dead(case: Case<'_>, from: u64) -> Option<Found> {
    let servers: Vec<Ipv4Addr> = resolvers(case);
    if servers.is_empty() && case.target.addr.is_loopback() {
        let seq = case.story.asks().next_back().and_then(|a| a.end).map(|e| e.0);
        let seq = seq.or(case.story.unsent.last().map(|u| u.seq))?;
        return Some(Found {
            cause: Cause::NoNameServer { place: case.atlas.place(case.asker) },
            seq,
            packet: None,
        });
    }
    // The farthest question of the chain: asker → embedded server → host → forwarder → server.
    let questions =
        case.story.lives.iter().filter(|l| l.role == Role::Ask && l.dns().is_some_and(|d| d.1.is_none()));
    let farthest = questions.clone().rfind(|l| l.parent.is_none());
    let fatal = pick::fatal(case.story, from);
    if let Some(u) = case.story.unsent.last().filter(|_| fatal.is_none() && farthest.is_none()) {
        return Some(Found { cause: refine::no_route(case, u.ns, u.to.addr), seq: u.seq, packet: None });
    }
    let serves = |addr: Ipv4Addr| {
        let owners = case.atlas.owners(addr);
        owners.iter().any(|(o, _)| !case.atlas.listeners(o.ns, Protocol::Udp, 53).is_empty())
    };
    // An answer to a question that has been given up is no cause.
    let late =
        |f: &Fatal<'_>| f.life.role == Role::Answer && matches!(f.reason, DropReason::PortClosed { .. });
    if fatal.as_ref().is_none_or(late)
        && let Some(found) = helpless(case)
    {
        return Some(found);
    }
    let Some(fatal) = fatal else {
        // It got there, and nothing came back: a server that answers others would have.
        let life = farthest?;
        let (seq, ns, end) = life.end?;
        let server = life.flow().map_or(case.target.addr, |f| f.dst.addr);
        let replied = |l: &&Life| l.role == Role::Answer && l.ns == ns && l.born > seq;
        if case.story.lives.iter().any(|l| replied(&l)) || !matches!(end, End::Delivered(_) | End::Taken) {
            return None;
        }
        let cause = Cause::NameServerSilent { place: case.atlas.place(life.ns), server };
        return Some(Found { cause, seq, packet: Some(life.id) });
    };
    // A question that never left its machine says only where it was going.
    let died = Some(fatal.life).filter(|l| l.role == Role::Ask);
    let asked = |l: &Life| l.flow().map(|f| f.dst.addr).or(l.dst);
    let server = died.or(farthest).and_then(asked).unwrap_or(case.target.addr);
    let by = died.or(farthest).map_or(case.asker, |l| l.ns);
    let place = case.atlas.place(by);
    // A program that is no DNS server takes the first question, and hears nobody else after it.
    let took = |l: &&Life| {
        let taken =
            matches!(l.end, Some((_, ns, End::Delivered(_))) if ns == fatal.ns && !answered(case, ns));
        taken && l.flow().is_some_and(|f| f.dst.addr == server)
    };
    if matches!(fatal.reason, DropReason::PortClosed { .. })
        && let Some(life) = questions.clone().find(took)
    {
        let cause = Cause::NameServerSilent { place, server };
        return Some(Found { cause, seq: life.end.map_or(life.born, |e| e.0), packet: Some(life.id) });
    }
    let cause = match refine::drop(case, fatal) {
        // Of several servers, those that exist say more than those that do not.
        Cause::NothingListens { .. } if server.is_loopback() => Cause::NoNameServer { place },
        cause if server.is_loopback() || serves(server) => cause,
        cause @ (Cause::OtherProtocol { .. }
        | Cause::NoLink { .. }
        | Cause::DeviceDown { .. }
        | Cause::NoAddress { .. }
        | Cause::NoGateway { .. }
        | Cause::WrongGateway { .. }
        | Cause::ForwardingOff { .. }
        | Cause::NatOff { .. }
        | Cause::MasqueradeOff { .. }
        | Cause::Internal { .. }) => cause,
        _ => Cause::NameServerDead { place, server },
    };
    Some(found(cause, fatal))
}

/// Did anything in `ns` answer?
fn answered(case: Case<'_>, ns: NsId) -> bool {
    case.story.lives.iter().any(|l| l.role == Role::Answer && l.ns == ns && l.dns().is_some())
}

/// A server that was asked has no way to the asker, or to the one that it asks itself.
fn helpless(case: Case<'_>) -> Option<Found> {
    let (_, u) = case.story.stuck.last()?;
    let arrived = |l: &&Life| l.dns().is_some() && l.end.is_some_and(|e| e.1 == u.ns && e.0 < u.seq);
    let question = case.story.lives.iter().rfind(arrived)?;
    Some(Found { cause: refine::no_route(case, u.ns, u.to.addr), seq: u.seq, packet: Some(question.id) })
}

fn found(cause: Cause, f: Fatal<'_>) -> Found {
    Found { cause, seq: f.seq, packet: Some(f.life.id) }
}

/// The servers that the asker asks.
pub(super) fn resolvers(case: Case<'_>) -> Vec<Ipv4Addr> {
    resolvers_of(case, case.asker)
}

fn resolvers_of(case: Case<'_>, ns: NsId) -> Vec<Ipv4Addr> {
    let text = case.atlas.file(ns, "/etc/resolv.conf").unwrap_or_default();
    let lines = text.lines().filter_map(|l| l.trim().strip_prefix("nameserver"));
    lines.filter_map(|l| l.trim().parse().ok()).collect()
}

// ---- no such name

/// Somebody of this host bears the name, or it is one of the host's.
fn is_ours(case: Case<'_>, name: &str) -> bool {
    HOST_NAMES.contains(&name)
        || case
            .atlas
            .host(case.asker)
            .is_some_and(|n| case.atlas.containers_of(n).iter().any(|c| is_called(c, name)))
}

fn is_called(c: &Container, name: &str) -> bool {
    let aliases = c.attachments().flat_map(|a| &a.aliases);
    c.name == name
        || c.id.get(..12) == Some(name)
        || aliases.into_iter().any(|a| a == name)
        || c.spec().hostname.as_deref() == Some(name)
}

/// Why a server that answers does not know the name.
fn not_there(case: Case<'_>, name: &str) -> Cause {
    let asker = case.atlas.container(case.asker);
    if let (true, Some((_, c))) = (HOST_NAMES.contains(&name), asker) {
        return Cause::HostNameMissing { container: c.name.clone(), name: name.to_owned() };
    }
    if in_hosts(case, name) && case.story.asks().next().is_some() {
        return Cause::OnlyInHosts { place: case.atlas.place(case.asker), name: name.to_owned() };
    }
    if let Some(host) = case.atlas.host(case.asker)
        && let Some(other) = case.atlas.containers_of(host).iter().find(|c| is_called(c, name))
    {
        return match asker {
            _ if !case.atlas.runs(other) => stopped(other),
            Some((node, _)) if let Some(cause) = shared::nameless(case, node, other, name) => cause,
            Some((node, c)) => of_container(case, node, c, other, name),
            None => Cause::NameOnHost { place: case.atlas.place(case.asker), name: name.to_owned() },
        };
    }
    if let Some((node, c)) = asker.filter(|(_, c)| c.endpoints.is_empty())
        && let Some(cause) = shared::owner_gone(case, node, c).or_else(|| swarm::asker_left(case, node, c))
    {
        return cause;
    }
    let elsewhere = case.atlas.containers().find(|(_, c)| is_called(c, name));
    if let (Some((node, c)), Some(_)) = (elsewhere, asker) {
        if let Some(cause) = swarm::name_elsewhere(case, name, node, c) {
            return cause;
        }
        let addr = c.endpoints.first().map_or(Ipv4Addr::UNSPECIFIED, |e| e.addr.addr());
        return Cause::OtherHost { container: c.name.clone(), addr, host: node.config.id.clone() };
    }
    if !name.contains('.')
        && let Some(asked) = longer(case, name)
    {
        return Cause::SearchDomain { name: name.to_owned(), asked };
    }
    let server = resolvers(case).first().copied().unwrap_or(case.target.addr);
    if resolvers(case).is_empty() && asker.is_some_and(|(_, c)| !c.endpoints.is_empty()) {
        return Cause::NoNameServer { place: case.atlas.place(case.asker) };
    }
    if let Some((_, c)) = asker.filter(|(_, c)| c.endpoints.is_empty())
        && case.atlas.ns(case.asker).is_some_and(no_way)
    {
        return Cause::NoNetwork { container: c.name.clone() };
    }
    Cause::NameUnknown { name: name.to_owned(), server }
}

/// The name stands in the asker's /etc/hosts.
fn in_hosts(case: Case<'_>, name: &str) -> bool {
    let text = case.atlas.file(case.asker, "/etc/hosts").unwrap_or_default();
    let lines = text.lines().map(|l| l.split('#').next().unwrap_or_default());
    lines.into_iter().any(|l| l.split_whitespace().skip(1).any(|w| w == name))
}

fn no_way(ns: &crate::stack::NetNs) -> bool {
    ns.routes().is_empty()
}

/// A container asked for another one of the same engine.
fn of_container(case: Case<'_>, node: &Node, c: &Container, other: &Container, name: &str) -> Cause {
    if other.endpoints.is_empty() && case.atlas.ns_of(other) != Some(node.ns) {
        return Cause::NoNetwork { container: other.name.clone() };
    }
    let (container, name) = (c.name.clone(), name.to_owned());
    let Some(engine) = &node.engine else { return Cause::NameOnHost { place: container, name } };
    let named = |e: &str| engine.network(e).is_some_and(|n| n.has_names());
    let shared = |network: &str| c.endpoints.iter().any(|e| e.network == network);
    if !c.endpoints.iter().any(|e| named(&e.network)) {
        return Cause::NoNamesOnBridge { container, name };
    }
    let theirs = other.endpoints.iter().find(|e| named(&e.network) && !shared(&e.network));
    match theirs.or(other.endpoints.first()) {
        Some(e) if named(&e.network) => Cause::NameElsewhere { container, name, network: e.network.clone() },
        _ => Cause::NoNamesOnBridge { container, name },
    }
}

/// A full name that begins with this one, in some server's records.
fn longer(case: Case<'_>, name: &str) -> Option<String> {
    let services = case.atlas.session.nodes().iter().flat_map(|n| &n.config.services);
    services
        .filter_map(|s| if let ServiceConfig::Dns { records, .. } = s { Some(records) } else { None })
        .flatten()
        .find(|r| r.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
        .map(|r| r.name.clone())
}
