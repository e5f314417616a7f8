//! What mends it: lines to be typed, or an edit of the lab; and the attempt that is then repeated.
//!
//! Where the attempt itself was wrong (another port, another address), the repetition is the right
//! one. Causes for which no mechanical way out exists have no fix.

mod container;
mod driver;
mod finding;
mod line;
mod link;
mod name;
mod network;
mod refusal;
mod router;
mod swarm;

use super::atlas::Atlas;
use super::story::Story;
use super::ways::lost_error;
use super::{Cause, Found};
use crate::lab::Edit;
use crate::session::{Job, NodeKind, Session};
use crate::stack::RouteKind;
use crate::time::Duration;
use crate::wire::Protocol;
use container::{aim, everywhere, holds, publish};
use line::{other_port, replace_word};
use link::Lease;

/// How long a line of a fix may run, in virtual time.
const LIMIT: Duration = Duration::from_secs(60);

/// What is done.
#[derive(Debug, Clone, PartialEq)]
pub enum Remedy {
    /// Lines, each with the place where it is typed.
    Lines(Vec<(String, String)>),
    /// A change of the lab that no command makes: a cable, a router's form.
    Edit(Box<Edit>),
    /// Nothing but another attempt.
    Retry,
}

/// A way out.
#[derive(Debug, Clone, PartialEq)]
pub struct Fix {
    /// What is done.
    pub remedy: Remedy,
    /// Then this is typed: place and line. The same attempt, but where that was what was wrong.
    pub again: (String, String),
}

impl Fix {
    /// What a button says: the lines as typed, or the edit in the words of the lab.
    pub fn shown(&self) -> Vec<String> {
        match &self.remedy {
            Remedy::Lines(lines) => lines.iter().map(|(_, line)| line.clone()).collect(),
            Remedy::Retry => vec![self.again.1.clone()],
            Remedy::Edit(edit) => shown(edit),
        }
    }

    /// Does it, to its end.
    ///
    /// # Errors
    /// What the tool or the lab said.
    pub fn apply(&self, session: &mut Session) -> Result<(), String> {
        match &self.remedy {
            Remedy::Retry => Ok(()),
            Remedy::Edit(edit) => edit.apply_live(session).map_err(|e| e.to_string()),
            Remedy::Lines(lines) => lines.iter().try_for_each(|(place, line)| {
                let job = session.run_line(place, line, LIMIT).map_err(|e| e.to_string())?;
                if job.exit == Some(0) { Ok(()) } else { Err(job.stderr()) }
            }),
        }
    }
}

/// An edit in the words of the lab. Of cables that are moved: where they lead in the end.
fn shown(edit: &Edit) -> Vec<String> {
    match edit {
        Edit::AddLink(l) => vec![format!("{} {} ─ {} {}", l.a.0, l.a.1, l.b.0, l.b.1)],
        Edit::SetRouter { node, router } => vec![match router.forwards.last() {
            Some(f) => format!("{node}: {} {} → {}:{}", f.proto, f.port, f.to, f.to_port),
            None => format!("{node}: NAT"),
        }],
        Edit::Batch(edits) => edits.iter().flat_map(shown).collect(),
        Edit::Command(command) => vec![format!("{}: {}", command.at, command.run)],
        Edit::SetLink(l) => {
            let loss = l.loss_per_mille;
            vec![format!("{} {} ─ {} {}: loss {}.{}%", l.a.0, l.a.1, l.b.0, l.b.1, loss / 10, loss % 10)]
        }
        Edit::SetNode(node) => {
            name::forwards(node).iter().map(|to| format!("{}: DNS → {to}", node.id)).collect()
        }
        Edit::RemoveLink { .. } => Vec::new(),
        other => vec![format!("{other:?}")],
    }
}

struct Smith<'a> {
    atlas: Atlas<'a>,
    job: &'a Job,
}

/// The way out of a cause.
pub(super) fn of(atlas: Atlas<'_>, story: &Story, job: &Job, found: &Found) -> Option<Fix> {
    let smith = Smith { atlas, job };
    let again = || (job.place.clone(), job.line.clone());
    let lines = |lines: Vec<(String, String)>| Some(Fix { remedy: Remedy::Lines(lines), again: again() });
    let line = |place: &str, run: String| lines(vec![(place.to_owned(), run)]);
    let edit = |edit: Edit| Some(Fix { remedy: Remedy::Edit(Box::new(edit)), again: again() });
    let at = atlas.session.world.log.get(found.seq).map(|r| r.ns);
    match &found.cause {
        Cause::NoLink { place, dev } => edit(smith.plug(place, dev)?),
        Cause::Lossy { place, dev } => edit(smith.sound_cable(place, dev)?),
        Cause::WrongSocket { place, dev, router } => edit(smith.other_socket(place, dev, router)?),
        Cause::DeviceDown { place, dev } => {
            let default = smith.default_route(place, dev);
            line(place, format!("ip link set {dev} up{default}"))
        }
        Cause::NoAddress { place, dev } => match smith.lease(place, dev) {
            Some(Lease::Ask) => line(place, format!("dhclient {dev}")),
            Some(Lease::Serve(e)) => edit(*e),
            None => line(place, smith.address(place, dev)?),
        },
        Cause::NoGateway { place, .. } => match smith.container(place) {
            Some((node, c)) => line(&node.config.id, format!("docker restart {}", c.name)),
            None => line(place, format!("ip route add default via {}", smith.router_near(place)?)),
        },
        Cause::NoRoute { place, dst } => line(place, smith.route(place, *dst)?),
        // Whichever of the two has a neighbour that is there.
        Cause::RoutingLoop { one, other, dst } => [one, other].into_iter().find_map(|place| {
            let run = smith.route(place, *dst)?.replace("route add", "route replace");
            line(place, run)
        }),
        Cause::WrongGateway { place, right: Some(right), .. } if !place.contains(':') => {
            line(place, format!("ip route replace default via {right}"))
        }
        Cause::WrongGateway { place, gateway, right: Some(right) } => {
            smith.other_gateway(place, *gateway, *right)
        }
        Cause::WrongSubnet { place, net, right } => line(place, smith.other_prefix(place, *net, *right)?),
        Cause::DuplicateAddress { addr, one, other } => {
            if let Some(fix) = smith.move_container(story, *addr, one, other) {
                return Some(fix);
            }
            let keep = atlas.session.node(one).is_ok_and(|n| n.config.kind == NodeKind::Router);
            let place = if keep { other } else { smith.later(one, other) };
            let change = (place.to_owned(), smith.other_address(place, *addr)?);
            // Who asked has learned the wrong MAC address for it, and believes that for a while.
            let asker = Some(job.place.clone()).filter(|p| !p.contains(':') && p != place);
            let forget = asker.map(|p| (p, "ip neigh flush all".to_owned()));
            lines(std::iter::once(change).chain(forget).collect())
        }
        Cause::ForwardingOff { place } => line(place, "sysctl -w net.ipv4.ip_forward=1".into()),
        Cause::MasqueradeOff { place, subnet, .. } => {
            let node = atlas.session.node(place).ok()?;
            let network = node.engine.as_ref()?.networks().iter().find(|n| n.subnet == Some(*subnet))?;
            let bridge = network.bridge.as_deref()?;
            line(place, format!("iptables -t nat -A POSTROUTING -s {subnet} ! -o {bridge} -j MASQUERADE"))
        }
        Cause::NatOff { router, .. } => {
            let node = atlas.session.node(router).ok()?;
            let mut settings = node.config.router.clone()?;
            if settings.nat {
                let wan = settings.wan;
                return line(router, format!("iptables -t nat -A POSTROUTING -o {wan} -j MASQUERADE"));
            }
            settings.nat = true;
            edit(Edit::SetRouter { node: router.clone(), router: Box::new(settings) })
        }
        Cause::Mtu { place, dev, .. } if !place.contains(':') => {
            let wide = (place.clone(), format!("ip link set dev {dev} mtu 1500"));
            lines([Some(wide), smith.forget_mtu(story)].into_iter().flatten().collect())
        }
        Cause::Mtu { mtu, .. } => smith.shorter(*mtu),
        // A container may not touch its kernel's memory: started anew, it has forgotten.
        Cause::PathMtu { place, .. } if let Some((node, c)) = smith.container(place) => {
            line(&node.config.id, format!("docker restart {}", c.name))
        }
        Cause::PathMtu { place, .. } => line(place, "ip route flush cache".into()),
        Cause::MtuFiltered { mtu, filter, .. } => {
            let (seq, ns) = lost_error(story)?;
            let delete = (filter.clone(), smith.delete_rule(ns, seq)?);
            let again = smith.shorter(*mtu).map_or_else(again, |fix| fix.again);
            Some(Fix { remedy: Remedy::Lines(vec![delete]), again })
        }
        Cause::AnswerAway { place, gateway, .. } => {
            line(place, format!("ip route replace default via {gateway}"))
        }
        Cause::ReversePath { place, dev, src, right } => {
            let at = smith.port_of(place, dev)?;
            // A route of its own for them leads elsewhere: that is what is too much.
            let ns = atlas.ns(at.ns)?;
            let own = ns.route_to(*src).filter(|(r, _)| !r.kernel && r.prefix.prefix_len() > 0);
            if let Some((route, _)) = own {
                return line(place, format!("ip route del {} dev {right}", route.prefix));
            }
            let net = atlas.device(at)?.addrs.first().copied()?;
            line(place, format!("ip route replace default via {}", atlas.gateway_on(at, net)?))
        }
        Cause::SourceHidden { .. } => smith.go_inside(story, found),
        Cause::DefaultElsewhere { container, other, .. } => {
            let (node, c) = smith.named(container)?;
            let name = &c.name;
            let run = format!(
                "docker network disconnect {other} {name} && docker network connect --gw-priority 1 {other} {name}"
            );
            line(&node.config.id, run)
        }
        Cause::Refused { words } => smith.refusal(words, again()),
        Cause::NoProgram { .. } => smith.meant(),
        Cause::OptionAfterImage { option, image } => smith.before_image(option, image),
        Cause::PoolsUsedUp { .. } | Cause::SubnetTaken { .. } => smith.with_subnet(),
        Cause::NoSwarm => {
            let addr = smith.host_addr(&job.place)?;
            line(&job.place, format!("docker swarm init --advertise-addr {addr}"))
        }
        Cause::NoNeighbour { addr, .. } => {
            let now = atlas.had(*addr, |_| true)?.endpoints.first()?.addr.addr();
            let line = replace_word(&job.line, &addr.to_string(), &now.to_string())?;
            Some(Fix { remedy: Remedy::Retry, again: (job.place.clone(), line) })
        }
        Cause::MacvlanHost { container, host, driver } => smith.beside(host, container, driver),
        Cause::MacvlanSubnet { network, host, dev, .. } => smith.lan_subnet(network, host, dev),
        Cause::MacvlanParent { network, host, .. } => smith.real_parent(network, host),
        Cause::MacvlanMode { network, .. } => smith.bridge_mode(network),
        Cause::IpvlanRoute { place, subnet, via, .. } => {
            line(place, format!("ip route add {subnet} via {via}"))
        }
        Cause::GatewayLost { place, dev, gateway, network } => {
            let engine = atlas.session.node(place).ok()?.engine.as_ref()?;
            let len = engine.network(network)?.subnet?.prefix_len();
            line(place, format!("ip addr add {gateway}/{len} dev {dev}"))
        }
        Cause::NotManager { manager, .. } => smith.at_manager(manager),
        Cause::NoManager { to, .. } => smith.other_manager(*to),
        Cause::SwarmUnreached { place, to, by } => smith.let_through(place, *to, by),
        Cause::WrongAdvertised { host, right, .. } => smith.advertise(host, *right),
        Cause::SwarmLeft { host, .. } => smith.rejoin(host),
        Cause::NotAttachable { network } => smith.attachable(network),
        Cause::OwnerStopped { container, owner } => smith.wake_owner(container, owner),
        Cause::OwnerRestarted { container, .. } => {
            let (node, c) = smith.named(container)?;
            line(&node.config.id, format!("docker restart {}", c.name))
        }
        Cause::RouteRefuses { place, prefix, .. } => {
            let ns = atlas.ns(smith.ns(place)?)?;
            let all = ns.routes();
            let route = all.iter().find(|r| r.prefix == *prefix && r.kind != RouteKind::Unicast)?;
            let kind = match route.kind {
                RouteKind::Unicast => return None,
                RouteKind::Unreachable => "unreachable",
                RouteKind::Blackhole => "blackhole",
                RouteKind::Prohibit => "prohibit",
            };
            line(place, format!("ip route del {kind} {prefix}"))
        }
        Cause::WrongNeighbour { place, addr, dev, .. } => match smith.container(place) {
            Some((node, c)) if !c.spec().cap_add.iter().any(|cap| cap.ends_with("NET_ADMIN")) => {
                line(&node.config.id, format!("docker restart {}", c.name))
            }
            _ => line(place, format!("ip neigh del {addr} dev {dev}")),
        },
        Cause::RouteAstray { place, prefix, dev, .. } => {
            line(place, format!("ip route del {prefix} dev {dev}"))
        }
        Cause::OtherAddress { addr, asked, .. } => {
            let mut words = vec![asked.to_string()];
            if asked.is_loopback() {
                words.push("localhost".to_owned());
            }
            let line = words.iter().find_map(|w| replace_word(&job.line, w, &addr.to_string()))?;
            Some(Fix { remedy: Remedy::Retry, again: (job.place.clone(), line) })
        }
        Cause::Paused { container } => {
            let (node, c) = smith.named(container)?;
            line(&node.config.id, format!("docker unpause {}", c.name))
        }
        Cause::NotInSwarm { host, .. } => smith.rejoin(host),
        Cause::NameShared { name, owner } => smith.by_owner(name, owner),
        Cause::NameOnHost { name, .. } => smith.by_address(name),
        Cause::RulesMissing { host, .. } => smith.write_rules(host),
        Cause::AskedTooEarly { .. } => Some(Fix { remedy: Remedy::Retry, again: again() }),
        Cause::OverlayNoPeer { peer, .. } => {
            let (place, run) = smith.old_address(*peer)?;
            line(&place, run)
        }
        Cause::RouterClosed { router, proto, port, .. } => smith.open_router(router, *proto, *port, &again()),
        Cause::ForwardStale { router, port, to } => smith.redirect(router, *port, to.port, &again()),
        Cause::HairpinOff { router, addr, port } => {
            if let Some(mut settings) = atlas.session.node(router).ok()?.config.router.clone()
                && !settings.hairpin
            {
                settings.hairpin = true;
                return edit(Edit::SetRouter { node: router.clone(), router: Box::new(settings) });
            }
            line(router, smith.hairpin(router, *addr, *port)?)
        }
        Cause::Firewall { place, .. } | Cause::DockerUser { place, .. } => {
            line(place, smith.delete_rule(at?, found.seq)?)
        }
        Cause::FirewallPolicy { place, chain } => line(place, smith.exception(story, found, chain)?),
        Cause::ForwardPolicy { place } => line(place, "iptables -P FORWARD ACCEPT".into()),
        Cause::PastFirewall { host, port, .. } => line(
            host,
            format!(
                "iptables -I DOCKER-USER -i {} -p tcp -m conntrack --ctorigdstport {port} --ctdir ORIGINAL -j DROP",
                smith.uplink(host)?
            ),
        ),
        Cause::OtherBridge { from, to_network, .. } | Cause::OtherNetwork { from, to_network, .. } => {
            let (node, c) = smith.asker_container(from)?;
            line(&node.config.id, format!("docker network connect {to_network} {}", c.name))
        }
        Cause::Internal { container, network } => smith.out_of(container, network, &again()),
        Cause::IccOff { from, to, .. } => smith.let_talk(from, to, &again()),
        Cause::DirectAccess { host, container, .. } => smith.use_publication(host, container),
        Cause::OtherHost { container, host, .. } => smith.use_publication(host, container),
        Cause::PublishedLocally { container, port } => smith.republish(container, |s| {
            s.publish.iter_mut().filter(|p| holds(p, *port)).for_each(|p| p.host_ip = None);
        }),
        Cause::PublishIgnored { to, port, .. } => {
            let from = smith.asked_addr(story)?;
            let line = replace_word(&job.line, &from.to_string(), &to.addr.to_string())?;
            let line = if to.port == *port { line } else { other_port(&line, *port, to.port)? };
            Some(Fix { remedy: Remedy::Retry, again: (job.place.clone(), line) })
        }
        Cause::PublishedOtherHost { host, .. } => {
            let (from, to) = (smith.asked_addr(story)?, smith.host_addr(host)?);
            let line = replace_word(&job.line, &from.to_string(), &to.to_string())?;
            Some(Fix { remedy: Remedy::Retry, again: (job.place.clone(), line) })
        }
        Cause::NotPublished { port, published: Some(real), .. } => smith.retry(*port, *real),
        Cause::NotPublished { container, port, published: None } => {
            let wanted = smith.asked_port(story).unwrap_or(*port);
            smith.republish(container, |s| s.publish.push(publish(wanted, *port)))
        }
        Cause::WrongContainerPort { container, host_port, listens, .. } => {
            let real = *listens.first()?;
            smith.republish(container, |s| aim(s, *host_port, *host_port, real))
        }
        Cause::PortsSwapped { container, host_port, port } => {
            let fix = smith.republish(container, |s| aim(s, *host_port, *port, *host_port))?;
            Some(Fix { again: smith.retry(*host_port, *port)?.again, ..fix })
        }
        Cause::HostPortInside { host_port, port, .. } => smith.retry(*host_port, *port),
        Cause::AppOnLoopback { place, port } => {
            let (_, c) = smith.container(place).or_else(|| smith.listener_on_host(place, *port))?;
            let command: Vec<String> = c.spec().command.iter().map(|w| everywhere(w)).collect();
            (command != c.spec().command).then_some(())?;
            smith.republish(&c.name.clone(), |s| s.command = command)
        }
        Cause::NothingListens { port, listens, proto: Protocol::Tcp, .. } if listens.len() == 1 => {
            smith.retry(*port, listens[0])
        }
        // One that ended by itself with an error would only do so again.
        Cause::AppExited { code, .. } if !matches!(code, 0 | 137 | 143) => None,
        Cause::AppExited { container, .. } | Cause::NotStarted { container } => {
            let (node, c) = smith.named(container)?;
            line(&node.config.id, format!("docker start {}", c.name))
        }
        Cause::PortTaken { place, port, by } => smith.free_port(place, *port, by.as_deref()?, &again()),
        Cause::Localhost { container, port, found: Some(found) } => smith.reach_out(container, *port, found),
        Cause::HostNameMissing { container, name } => smith.republish(container, |s| {
            s.add_host.push((name.clone(), "host-gateway".into()));
        }),
        Cause::NoNamesOnBridge { container, name } => smith.common_network(container, name, &again()),
        Cause::NameElsewhere { container, network, .. } => {
            let (node, _) = smith.named(container)?;
            line(&node.config.id, format!("docker network connect {network} {container}"))
        }
        Cause::SearchDomain { name, asked } => {
            let line = replace_word(&job.line, name, asked)?;
            Some(Fix { remedy: Remedy::Retry, again: (job.place.clone(), line) })
        }
        Cause::NoNameServer { place } => smith.name_server(place, None, &again()),
        Cause::NameServerDead { place, server }
        | Cause::NameServerSilent { place, server }
        | Cause::NameServerFailed { place, server, .. }
        | Cause::NameRefused { place, server, .. } => smith.name_server(place, Some(*server), &again()),
        // A question for a name came to a port where somebody serves something else.
        Cause::OtherProtocol { port: 53, proto: Protocol::Udp, .. } => {
            let asked = story.life(found.packet?)?;
            smith.name_server(&atlas.place(asked.ns), Some(asked.flow()?.dst.addr), &again())
        }
        Cause::Overlap { network, subnet, .. } => smith.move_network(network, *subnet, &again()),
        Cause::Ttl { .. } => {
            let words: Vec<&str> = job.line.split_whitespace().collect();
            let at = words.iter().position(|w| *w == "-t")?;
            let rest = [&words[..at], words.get(at + 2..)?].concat().join(" ");
            Some(Fix { remedy: Remedy::Retry, again: (job.place.clone(), rest) })
        }
        Cause::NoNetwork { container } => {
            let (node, c) = smith.named(container)?;
            let first = c.attachments().next().map(|a| a.network.clone());
            if first.as_deref() == Some("none") {
                return smith.republish(container, |s| s.networks = Vec::new());
            }
            line(&node.config.id, format!("docker network connect bridge {}", c.name))
        }
        _ => None,
    }
}
