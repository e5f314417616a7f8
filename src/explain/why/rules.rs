//! A rule or a policy ended it: whose rule it is, and what it stands for.

use std::net::Ipv4Addr;

use super::pick::Fatal;
use super::story::Role;
use super::{Case, Cause, closed, refine, ways};
use crate::docker::{Container, Network};
use crate::netfilter::{ChainId, Hook, RuleId, TableKind};
use crate::session::Node;
use crate::stack::{DevRef, NsId};
use crate::wire::Protocol;

/// What a rule's text asks for.
#[derive(Debug, Default)]
struct Wanted<'a> {
    dst: Option<Ipv4Addr>,
    src: bool,
    in_dev: Option<&'a str>,
    not_in: Option<&'a str>,
    out_dev: Option<&'a str>,
    not_out: Option<&'a str>,
    target: Option<&'a str>,
}

fn read(text: &str) -> Wanted<'_> {
    let mut wanted = Wanted::default();
    let mut words = text.split_whitespace();
    let mut not = false;
    while let Some(word) = words.next() {
        match word {
            "!" => {
                not = true;
                continue;
            }
            "-d" if !not => wanted.dst = words.next().and_then(|w| w.split('/').next()?.parse().ok()),
            "-s" => wanted.src = words.next().is_some(),
            "-i" if not => wanted.not_in = words.next(),
            "-i" => wanted.in_dev = words.next(),
            "-o" if not => wanted.not_out = words.next(),
            "-o" => wanted.out_dev = words.next(),
            "-j" => wanted.target = words.next(),
            _ => {}
        }
        not = false;
    }
    wanted
}

/// The interface `dev` is the outer side of a translating router: what leaves by it is masqueraded.
pub(super) fn is_wan(case: Case<'_>, at: NsId, dev: &str) -> bool {
    let Some(ns) = case.atlas.ns(at) else { return false };
    let Some(chain) = ns.nf.table(TableKind::Nat).base(Hook::Postrouting) else { return false };
    chain.rules.iter().any(|r| {
        let text = ns.nf.rule_text(r.id);
        let wanted = read(text);
        // What an engine masquerades of its host's own is no side of a router.
        !text.contains("addrtype")
            && wanted.out_dev == Some(dev)
            && matches!(wanted.target, Some("MASQUERADE" | "SNAT"))
    })
}

/// A rule of nat PREROUTING that sends `port` on: its destination.
pub(super) fn forward_of(case: Case<'_>, at: NsId, proto: Protocol, port: u16) -> Option<String> {
    let ns = case.atlas.ns(at)?;
    let chain = ns.nf.table(TableKind::Nat).base(Hook::Prerouting)?;
    let port = port.to_string();
    chain.rules.iter().find_map(|r| {
        let words: Vec<&str> = ns.nf.rule_text(r.id).split_whitespace().collect();
        let after =
            |flag: &str| words.iter().position(|w| *w == flag).and_then(|i| words.get(i + 1)).copied();
        let same = after("-p") == Some(&proto.to_string()) && after("--dport") == Some(&port);
        let to = after("--to-destination").filter(|_| same && after("-j") == Some("DNAT"))?;
        Some(to.to_owned())
    })
}

/// A router's own door is shut: a question from outside to one of its addresses, not forwarded.
pub(super) fn router_closed(case: Case<'_>, f: Fatal<'_>) -> Option<Cause> {
    let dev = f.dev.map(|d| case.atlas.dev_name(f.ns, d))?;
    let flow = case.story.flow_at_end(f.life)?;
    let ours = f.life.role == Role::Ask && matches!(flow.proto, Protocol::Tcp | Protocol::Udp);
    // What was forwarded, or is for somebody behind, has another end than the router's own.
    let ours = ours && case.atlas.ns(f.ns).is_some_and(|ns| ns.is_local(flow.dst.addr));
    if !ours || !is_wan(case, f.ns, &dev) {
        return None;
    }
    Some(Cause::RouterClosed {
        router: case.atlas.place(f.ns),
        proto: flow.proto,
        port: flow.dst.port,
        outer: another_router_behind(case, f.ns, &dev),
    })
}

/// On an inner side of the router stands another one.
fn another_router_behind(case: Case<'_>, at: NsId, wan: &str) -> bool {
    let Some(ns) = case.atlas.ns(at) else { return false };
    let inner = ns.devices().filter(|d| *d.name.as_str() != *wan && !d.addrs.is_empty());
    inner.into_iter().any(|d| {
        let segment = case.atlas.segment(DevRef { ns: at, dev: d.index });
        segment
            .into_iter()
            .any(|end| end.ns != at && is_wan(case, end.ns, &case.atlas.dev_name(end.ns, end.dev)))
    })
}

/// The cause of a drop by a rule.
pub(super) fn by_rule(case: Case<'_>, f: Fatal<'_>, table: TableKind, id: ChainId, rule: RuleId) -> Cause {
    let place = case.atlas.place(f.ns);
    let Some(ns) = case.atlas.ns(f.ns) else {
        return Cause::Firewall { place, chain: String::new(), rule: String::new() };
    };
    let (chain, text) = (ns.nf.chain_name(id).to_owned(), ns.nf.rule_text(rule).to_owned());
    if let Some(cause) = ways::source_hidden(case, f, (table, id), &text) {
        return cause;
    }
    if chain == "DOCKER-USER" {
        return Cause::DockerUser { place, rule: text };
    }
    if let Some(node) = case.atlas.node(f.ns).filter(|n| n.engine.is_some())
        && let Some(cause) = by_engine(case, f, node, table, &chain, &text)
    {
        return cause;
    }
    if chain != "OUTPUT"
        && let Some(cause) = router_closed(case, f)
    {
        return cause;
    }
    if chain == "INPUT"
        && let Some(cause) = closed::behind_firewall(case, f)
    {
        return cause;
    }
    Cause::Firewall { place, chain, rule: text }
}

/// One of the rules that an engine writes.
fn by_engine(
    case: Case<'_>,
    f: Fatal<'_>,
    node: &Node,
    table: TableKind,
    chain: &str,
    text: &str,
) -> Option<Cause> {
    let wanted = read(text);
    let network = |bridge: Option<&str>| bridge.and_then(|b| case.atlas.network_of_bridge(node, b));
    let came_by = f.dev.map(|d| case.atlas.dev_name(f.ns, d)).unwrap_or_default();
    let flow = case.story.flow_at_end(f.life);
    match (table, chain) {
        (TableKind::Raw, "PREROUTING") if wanted.not_in == Some("lo") => {
            let port = flow?.dst.port;
            let c = publisher(case, node, port)?;
            Some(Cause::PublishedLocally { container: c.name.clone(), port })
        }
        (TableKind::Raw, "PREROUTING") => {
            let to = network(wanted.not_in)?;
            let c = container_at(case, node, wanted.dst?)?;
            Some(match network(Some(&came_by)) {
                Some(from) => other_bridge(case, f, from, (c, to)),
                None => direct(node, c, wanted.dst?),
            })
        }
        (_, "DOCKER-ISOLATION-STAGE-1") => {
            let network = network(wanted.in_dev.or(wanted.out_dev))?;
            let inside = [flow.map(|x| x.src.addr), flow.map(|x| x.dst.addr)].into_iter().flatten();
            let c = inside
                .filter(|a| network.subnet.is_some_and(|s| s.contains(a)))
                .find_map(|a| container_at(case, node, a));
            let container = c.map(|c| c.name.clone()).unwrap_or_else(|| case.atlas.place(case.asker));
            Some(Cause::Internal { container, network: network.name.clone() })
        }
        (_, "DOCKER-ISOLATION-STAGE-2") => {
            let to = network(wanted.out_dev)?;
            let dst = flow?.dst.addr;
            let Some(c) = container_at(case, node, dst) else {
                // Nobody of the network has it: it was meant for one outside.
                let subnet = to.subnet.filter(|s| s.contains(&dst))?;
                return Some(Cause::Overlap { network: to.name.clone(), subnet, dst });
            };
            Some(other_bridge(case, f, network(Some(&came_by))?, (c, to)))
        }
        (_, "DOCKER-FORWARD") if wanted.in_dev.is_some() && wanted.in_dev == wanted.out_dev => {
            let network = network(wanted.in_dev)?;
            if network.is_internal() && network.lets_neighbours_talk() {
                return None;
            }
            let name = |a| container_at(case, node, a).map_or_else(|| a.to_string(), |c| c.name.clone());
            let flow = flow?;
            let (from, to) = (name(flow.src.addr), name(flow.dst.addr));
            Some(Cause::IccOff { network: network.name.clone(), from, to })
        }
        (_, "DOCKER") if wanted.not_in.is_some() && wanted.not_in == wanted.out_dev => {
            let addr = flow?.dst.addr;
            let c = container_at(case, node, addr)?;
            Some(match network(Some(&came_by)) {
                Some(from) => other_bridge(case, f, from, (c, network(wanted.out_dev)?)),
                None => direct(node, c, addr),
            })
        }
        _ => None,
    }
}

fn direct(node: &Node, c: &Container, addr: Ipv4Addr) -> Cause {
    Cause::DirectAccess { host: node.config.id.clone(), container: c.name.clone(), addr }
}

fn other_bridge(case: Case<'_>, f: Fatal<'_>, from: &Network, (c, to): (&Container, &Network)) -> Cause {
    let asker = case.atlas.container(f.life.ns).map(|(_, c)| c.name.clone());
    Cause::OtherBridge {
        from: asker.unwrap_or_else(|| case.atlas.place(f.life.ns)),
        from_network: from.name.clone(),
        to: c.name.clone(),
        to_network: to.name.clone(),
    }
}

/// The container of a node that has an address.
pub(super) fn container_at<'a>(case: Case<'a>, node: &Node, addr: Ipv4Addr) -> Option<&'a Container> {
    let all = case.atlas.container_with(addr).into_iter();
    all.filter(|(n, _)| n.config.id == node.config.id).map(|(_, c)| c).next()
}

/// The container of a node that has published a host port.
pub(super) fn publisher<'a>(case: Case<'a>, node: &Node, port: u16) -> Option<&'a Container> {
    let mut all = case.atlas.containers().filter(|(n, _)| n.config.id == node.config.id).map(|(_, c)| c);
    all.find(|c| c.ports.iter().any(|p| p.host_port == port))
}

/// The cause of a drop by a policy.
pub(super) fn by_policy(case: Case<'_>, f: Fatal<'_>, chain: ChainId) -> Cause {
    let place = case.atlas.place(f.ns);
    let name = case.atlas.ns(f.ns).map(|ns| ns.nf.chain_name(chain).to_owned()).unwrap_or_default();
    if name != "OUTPUT"
        && let Some(cause) = router_closed(case, f)
    {
        return cause;
    }
    if name == "INPUT"
        && let Some(cause) = closed::behind_firewall(case, f)
    {
        return cause;
    }
    let node = case.atlas.node(f.ns);
    if name == "FORWARD"
        && let Some(node) = node.filter(|n| n.engine.is_some())
    {
        let flow = case.story.flow_at_end(f.life);
        let inside = flow.is_some_and(|x| {
            [x.src.addr, x.dst.addr].into_iter().any(|a| case.atlas.network_with(node, a).is_some())
        });
        // What is for none of its containers came here by mistake.
        let mistaken = if inside { None } else { refine::wrong_machine(case, f) };
        return mistaken.unwrap_or(Cause::ForwardPolicy { place });
    }
    Cause::FirewallPolicy { place, chain: name }
}
