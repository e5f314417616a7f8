//! What mends it: lines to be typed, or an edit of the lab; and the attempt that is then repeated.
//!
//! Where the attempt itself was wrong (another port, another address), the repetition is the right
//! one. Causes for which no mechanical way out exists have no fix.

use std::net::Ipv4Addr;

use super::atlas::Atlas;
use super::story::Story;
use super::{Cause, Found};
use crate::docker::{Container, EndpointSpec, PortSpec, Request, RunSpec, cli};
use crate::lab::Edit;
use crate::netfilter::RuleId;
use crate::session::{Forward, Job, LinkConfig, Node, NodeKind, Session};
use crate::shell;
use crate::stack::{DevRef, DeviceKind, DropReason, NsId, Step};
use crate::time::Duration;
use crate::wire::{Ipv4Net, Protocol};

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
            Remedy::Edit(edit) => vec![match &**edit {
                Edit::AddLink(l) => format!("{} {} ─ {} {}", l.a.0, l.a.1, l.b.0, l.b.1),
                Edit::SetRouter { node, router } => match router.forwards.last() {
                    Some(f) => format!("{node}: {} {} → {}:{}", f.proto, f.port, f.to, f.to_port),
                    None => format!("{node}: NAT"),
                },
                other => format!("{other:?}"),
            }],
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
        Cause::DeviceDown { place, dev } => {
            let default = smith.default_route(place, dev);
            line(place, format!("ip link set {dev} up{default}"))
        }
        Cause::NoAddress { place, dev } => line(place, smith.address(place, dev)?),
        Cause::NoGateway { place, .. } => match smith.container(place) {
            Some((node, c)) => line(&node.config.id, format!("docker restart {}", c.name)),
            None => line(place, format!("ip route add default via {}", smith.router_near(place)?)),
        },
        Cause::WrongGateway { place, right: Some(right), .. } if !place.contains(':') => {
            line(place, format!("ip route replace default via {right}"))
        }
        Cause::WrongSubnet { place, net, right } => line(place, smith.other_prefix(place, *net, *right)?),
        Cause::DuplicateAddress { addr, one, other } => {
            let keep = atlas.session.node(one).is_ok_and(|n| n.config.kind == NodeKind::Router);
            let place = if keep { other } else { smith.later(one, other) };
            line(place, smith.other_address(place, *addr)?)
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
            line(place, format!("ip link set dev {dev} mtu 1500"))
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
        Cause::OtherBridge { from, to_network, .. } => {
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
        Cause::AppOnLoopback { place, .. } => {
            let (_, c) = smith.container(place)?;
            let command: Vec<String> = c.spec().command.iter().map(|w| everywhere(w)).collect();
            (command != c.spec().command).then_some(())?;
            smith.republish(&c.name.clone(), |s| s.command = command)
        }
        Cause::NothingListens { port, listens, proto: Protocol::Tcp, .. } if listens.len() == 1 => {
            smith.retry(*port, listens[0])
        }
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
        Cause::NoNameServer { place } | Cause::NameServerDead { place, .. } => {
            smith.name_server(place, &again())
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

fn publish(host: u16, port: u16) -> PortSpec {
    PortSpec { host_ip: None, host: Some((host, host)), container: (port, port), proto: Protocol::Tcp }
}

fn holds(spec: &PortSpec, port: u16) -> bool {
    spec.host.is_some_and(|(first, last)| (first..=last).contains(&port))
}

/// Makes the publication at host port `host` one of `to_host` into `port`.
fn aim(spec: &mut RunSpec, host: u16, to_host: u16, port: u16) {
    for p in spec.publish.iter_mut().filter(|p| holds(p, host)) {
        (p.host, p.container) = (Some((to_host, to_host)), (port, port));
    }
}

/// A word of a command that names a loopback address, for all addresses.
fn everywhere(word: &str) -> String {
    word.replace("127.0.0.1", "0.0.0.0").replace("localhost", "0.0.0.0")
}

/// Replaces a whole word, as hosts and ports stand in URLs and on their own.
fn replace_word(line: &str, from: &str, to: &str) -> Option<String> {
    let mut start = 0;
    while let Some(found) = line[start..].find(from) {
        let at = start + found;
        let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '-');
        let (before, after) = (line[..at].chars().next_back(), line[at + from.len()..].chars().next());
        // In a dotted name or address only the whole is meant.
        let dotted = before == Some('.')
            || (after == Some('.')
                && line[at + from.len()..].chars().nth(1).is_some_and(char::is_alphanumeric));
        if !part(before) && !part(after) && !dotted {
            return Some(format!("{}{to}{}", &line[..at], &line[at + from.len()..]));
        }
        start = at + from.len();
    }
    None
}

/// A line with another port. A URL without one means 80.
fn other_port(line: &str, from: u16, to: u16) -> Option<String> {
    if let Some(line) = replace_word(line, &from.to_string(), &to.to_string()) {
        return Some(line);
    }
    let at = line.find("http://").filter(|_| from == 80)? + 7;
    let end = line[at..].find([' ', '/', '\'', '"']).map_or(line.len(), |e| at + e);
    Some(format!("{}:{to}{}", &line[..end], &line[end..]))
}

impl<'a> Smith<'a> {
    // ---- finding

    /// The container at `NODE:CONTAINER`.
    fn container(&self, place: &str) -> Option<(&'a Node, &'a Container)> {
        let (node, name) = place.split_once(':')?;
        self.atlas.containers().find(|(n, c)| n.config.id == node && c.name == name)
    }
    /// A container by its name, on the attempt's own host first.
    fn named(&self, name: &str) -> Option<(&'a Node, &'a Container)> {
        let name = name.rsplit(':').next().unwrap_or(name);
        let home = self.job.place.split(':').next().unwrap_or_default();
        let mut all: Vec<_> = self.atlas.containers().filter(|(_, c)| c.name == name).collect();
        all.sort_by_key(|(n, _)| n.config.id != home);
        all.first().copied()
    }
    fn asker_container(&self, place: &str) -> Option<(&'a Node, &'a Container)> {
        self.container(place).or_else(|| self.named(place))
    }
    fn ns(&self, place: &str) -> Option<NsId> {
        match self.container(place) {
            Some((_, c)) => self.atlas.ns_of(c),
            None => self.atlas.session.node(place).ok().map(|n| n.ns),
        }
    }
    /// The first interface of a place that is not a loopback.
    fn port_of(&self, place: &str, dev: &str) -> Option<DevRef> {
        let ns = self.ns(place)?;
        Some(DevRef { ns, dev: self.atlas.ns(ns)?.device_named(dev)?.index })
    }
    /// The port that the attempt was about: the last one that it asked for.
    fn asked_port(&self, story: &Story) -> Option<u16> {
        story.asks().filter_map(|a| a.flow()).rfind(|f| f.proto == Protocol::Tcp).map(|f| f.dst.port)
    }

    // ---- cables, addresses, routes

    /// A cable from a port without one to a free port of a switch or of a router's inside.
    fn plug(&self, place: &str, dev: &str) -> Option<Edit> {
        let session = self.atlas.session;
        let free = |node: &Node, port: &str| {
            let ns = session.world.namespace(node.ns);
            ns.and_then(|n| n.device_named(port))
                .is_some_and(|d| d.peer.is_none() && matches!(d.kind, DeviceKind::Ethernet))
        };
        let from = session.node(place).ok()?;
        let mut end = None;
        for port in &from.config.ports {
            let meant = port.name.as_str() == dev || port.bridge.is_some_and(|b| b.as_str() == dev);
            if meant && free(from, port.name.as_str()) {
                end = Some(port.name);
                break;
            }
        }
        let end = end?;
        let inside = |node: &Node, port: &crate::session::PortConfig| match &node.config.router {
            Some(r) => port.bridge == Some(r.lan) || port.name == r.lan,
            None => node.config.kind == NodeKind::Switch,
        };
        let own_net = from.config.ports.iter().find(|p| p.name == end).and_then(|p| p.address);
        let mut all = Vec::new();
        for node in session.nodes().iter().filter(|n| n.config.id != place) {
            for port in node.config.ports.iter().filter(|p| free(node, p.name.as_str())) {
                // The segment whose addresses fit comes first; then routers and switches.
                let lan = port.bridge.unwrap_or(port.name);
                let fits = own_net.is_some_and(|net| self.segment_has(node, lan.as_str(), net));
                let kind = inside(node, port);
                if fits || kind {
                    all.push((!fits, !kind, node.config.id.clone(), port.name));
                }
            }
        }
        all.sort();
        let (_, _, node, port) = all.into_iter().next()?;
        Some(Edit::AddLink(LinkConfig::new((place.to_owned(), end), (node, port))))
    }

    fn segment_has(&self, node: &Node, dev: &str, net: Ipv4Net) -> bool {
        let Some(ns) = self.atlas.ns(node.ns) else { return false };
        let Some(device) = ns.device_named(dev) else { return false };
        let start = DevRef { ns: node.ns, dev: device.master.unwrap_or(device.index) };
        let segment = self.atlas.segment(start);
        segment
            .iter()
            .any(|at| self.atlas.device(*at).is_some_and(|d| d.addrs.iter().any(|a| net.contains(&a.addr()))))
    }

    /// The router on the segment of any interface of a place.
    fn router_near(&self, place: &str) -> Option<Ipv4Addr> {
        let id = self.ns(place)?;
        let ns = self.atlas.ns(id)?;
        ns.devices().filter(|d| !matches!(d.kind, DeviceKind::Loopback)).find_map(|d| {
            let net = d.addrs.first()?;
            self.atlas.gateway_on(DevRef { ns: id, dev: d.index }, *net)
        })
    }

    /// Setting an interface down takes its routes away: the default route is to be made again.
    fn default_route(&self, place: &str, dev: &str) -> String {
        let Some(at) = self.port_of(place, dev) else { return String::new() };
        let Some(ns) = self.atlas.ns(at.ns) else { return String::new() };
        let config = self.atlas.node(at.ns).and_then(|n| n.config.gateway);
        let missing = !ns.routes().iter().any(|r| r.prefix.prefix_len() == 0);
        let on_dev =
            |gw: &Ipv4Addr| ns.device(at.dev).is_some_and(|d| d.addrs.iter().any(|a| a.contains(gw)));
        match config.filter(|gw| missing && on_dev(gw)) {
            Some(gw) => format!(" && ip route add default via {gw}"),
            None => String::new(),
        }
    }

    /// An address that fits the segment, and the way out.
    fn address(&self, place: &str, dev: &str) -> Option<String> {
        let at = self.port_of(place, dev)?;
        let net = self.atlas.prefix_on(at)?;
        let free = self.atlas.free_address(net)?;
        let router = self.atlas.gateway_on(at, net);
        let has_default = self.atlas.ns(at.ns)?.routes().iter().any(|r| r.prefix.prefix_len() == 0);
        let route = router
            .filter(|_| !has_default)
            .map(|r| format!(" && ip route add default via {r}"))
            .unwrap_or_default();
        Some(format!("ip addr add {free}/{} dev {dev}{route}", net.prefix_len()))
    }

    fn holder(&self, place: &str, addr: Ipv4Addr) -> Option<(DevRef, String, Ipv4Net)> {
        let ns = self.ns(place)?;
        self.atlas.ns(ns)?.devices().find_map(|d| {
            let net = d.addrs.iter().find(|a| a.addr() == addr)?;
            Some((DevRef { ns, dev: d.index }, d.name.to_string(), *net))
        })
    }

    fn replace(&self, place: &str, old: Ipv4Net, new: Ipv4Net) -> Option<String> {
        let (at, dev, _) = self.holder(place, old.addr())?;
        let router = self.atlas.gateway_on(at, new);
        let route = router.map(|r| format!(" && ip route replace default via {r}")).unwrap_or_default();
        Some(format!("ip addr del {old} dev {dev} && ip addr add {new} dev {dev}{route}"))
    }

    fn other_prefix(&self, place: &str, net: Ipv4Net, right: Ipv4Net) -> Option<String> {
        let inside =
            right.contains(&net.addr()) && net.addr() != right.network() && net.addr() != right.broadcast();
        let addr = if inside { net.addr() } else { self.atlas.free_address(right)? };
        self.replace(place, net, Ipv4Net::new(addr, right.prefix_len()).ok()?)
    }

    fn other_address(&self, place: &str, addr: Ipv4Addr) -> Option<String> {
        let (_, _, net) = self.holder(place, addr)?;
        let free = self.atlas.free_address(net)?;
        self.replace(place, net, Ipv4Net::new(free, net.prefix_len()).ok()?)
    }

    /// Of two that have the same address, the one that was not set up with it.
    fn later<'b>(&self, one: &'b str, other: &'b str) -> &'b str {
        let configured = |place: &str| {
            let node = self.atlas.session.node(place).ok();
            node.is_some_and(|n| {
                n.config
                    .ports
                    .iter()
                    .filter_map(|p| p.address)
                    .any(|a| self.holder(place, a.addr()).is_some())
            })
        };
        if configured(one) && !configured(other) { other } else { one }
    }

    // ---- routers and rules

    /// Who behind the router serves: address and port.
    fn server_behind(&self, router: &Node, proto: Protocol, port: u16) -> Option<(Ipv4Addr, u16)> {
        let settings = router.config.router.as_ref();
        let ns = self.atlas.ns(router.ns)?;
        let lan = match settings {
            Some(r) => ns.device_named(r.lan.as_str())?,
            None => ns.devices().find(|d| d.addrs.iter().any(|a| a.addr().is_private()))?,
        };
        let net = *lan.addrs.first()?;
        let start = DevRef { ns: router.ns, dev: lan.index };
        let mut found: Vec<(u8, Ipv4Addr, u16)> = Vec::new();
        for at in self.atlas.segment(start).into_iter().filter(|at| at.ns != router.ns) {
            let Some(node) = self.atlas.node(at.ns) else { continue };
            let addrs = self.atlas.device(at).map_or(&[][..], |d| &d.addrs);
            let Some(addr) = addrs.iter().map(|a| a.addr()).find(|a| net.contains(a)) else { continue };
            for c in self.atlas.containers_of(node) {
                for p in c
                    .ports
                    .iter()
                    .filter(|p| p.proto == proto && p.host_ip.is_ipv4() && !p.host_ip.is_loopback())
                {
                    let rank = if p.host_port == port {
                        0
                    } else if p.port == port {
                        1
                    } else {
                        3
                    };
                    found.push((rank, addr, p.host_port));
                }
            }
            if self.atlas.open_ports(node.ns, proto).contains(&port) {
                found.push((2, addr, port));
            }
            // Another router: it has to pass it on.
            if node.config.kind == NodeKind::Router {
                let forwards =
                    node.config.router.as_ref().is_some_and(|r| r.forwards.iter().any(|f| f.port == port));
                found.push((if forwards { 0 } else { 4 }, addr, port));
            }
        }
        found.sort();
        found.first().map(|(_, addr, port)| (*addr, *port))
    }

    fn open_router(&self, router: &str, proto: Protocol, port: u16, again: &(String, String)) -> Option<Fix> {
        let node = self.atlas.session.node(router).ok()?;
        let (to, to_port) = self.server_behind(node, proto, port)?;
        let remedy = match node.config.router.clone() {
            Some(mut settings) => {
                settings.forwards.retain(|f| f.port != port || f.proto != proto.to_string());
                settings.forwards.push(Forward { proto: proto.to_string(), port, last: None, to, to_port });
                Remedy::Edit(Box::new(Edit::SetRouter {
                    node: router.to_owned(),
                    router: Box::new(settings),
                }))
            }
            None => {
                let rule = format!(
                    "iptables -t nat -A PREROUTING -p {proto} --dport {port} -d {} -j DNAT --to-destination {to}:{to_port}",
                    self.public(node)?
                );
                Remedy::Lines(vec![(router.to_owned(), rule)])
            }
        };
        Some(Fix { remedy, again: again.clone() })
    }

    fn public(&self, router: &Node) -> Option<Ipv4Addr> {
        let ns = self.atlas.ns(router.ns)?;
        ns.devices().flat_map(|d| &d.addrs).map(|a| a.addr()).find(|a| !a.is_private() && !a.is_loopback())
    }

    /// The forward of a port leads to who really serves.
    fn redirect(&self, router: &str, port: u16, to_port: u16, again: &(String, String)) -> Option<Fix> {
        let node = self.atlas.session.node(router).ok()?;
        let (to, real) = self
            .server_behind(node, Protocol::Tcp, to_port)
            .filter(|s| s.1 == to_port)
            .or_else(|| self.server_behind(node, Protocol::Tcp, port))?;
        if let Some(mut settings) = node.config.router.clone()
            && let Some(f) = settings.forwards.iter_mut().find(|f| f.port == port)
        {
            (f.to, f.to_port) = (to, real);
            let edit = Edit::SetRouter { node: router.to_owned(), router: Box::new(settings) };
            return Some(Fix { remedy: Remedy::Edit(Box::new(edit)), again: again.clone() });
        }
        let public = self.public(node)?;
        let rule = format!(
            "iptables -t nat -I PREROUTING -p tcp --dport {port} -d {public} -j DNAT --to-destination {to}:{real}"
        );
        Some(Fix { remedy: Remedy::Lines(vec![(router.to_owned(), rule)]), again: again.clone() })
    }

    /// The rules with which a router turns a call from inside round.
    fn hairpin(&self, router: &str, addr: Ipv4Addr, port: u16) -> Option<String> {
        let node = self.atlas.session.node(router).ok()?;
        let ns = self.atlas.ns(node.ns)?;
        let inner =
            ns.devices().find(|d| d.addrs.iter().any(|a| a.addr() != addr && a.addr().is_private()))?;
        let lan = inner.addrs.first()?.trunc();
        let to = self.forward_target(ns, port)?;
        let (host, to_port) = to.split_once(':').unwrap_or((&to, ""));
        let dport = if to_port.is_empty() { port.to_string() } else { to_port.to_owned() };
        Some(format!(
            "iptables -t nat -A PREROUTING -s {lan} -d {addr} -p tcp --dport {port} -j DNAT --to-destination {to} && \
             iptables -t nat -A POSTROUTING -s {lan} -d {host} -p tcp --dport {dport} -j MASQUERADE"
        ))
    }

    fn forward_target(&self, ns: &crate::stack::NetNs, port: u16) -> Option<String> {
        let chain = ns.nf.table(crate::netfilter::TableKind::Nat).base(crate::netfilter::Hook::Prerouting)?;
        let port = port.to_string();
        chain.rules.iter().find_map(|r| {
            let words: Vec<&str> = ns.nf.rule_text(r.id).split_whitespace().collect();
            let after =
                |flag: &str| words.iter().position(|w| *w == flag).and_then(|i| words.get(i + 1)).copied();
            (after("--dport") == Some(&port)).then(|| after("--to-destination")).flatten().map(str::to_owned)
        })
    }

    /// The command that takes away the rule which dropped a packet.
    fn delete_rule(&self, at: NsId, seq: u64) -> Option<String> {
        let record = self.atlas.session.world.log.get(seq)?;
        let (table, rule): (_, RuleId) = match record.step {
            Step::Dropped {
                reason: DropReason::Rule { table, rule, .. } | DropReason::Rejected { table, rule, .. },
                ..
            } => (table, rule),
            _ => return None,
        };
        let text = self.atlas.ns(at)?.nf.rule_text(rule).replacen("-A ", "-D ", 1);
        let table = if table == crate::netfilter::TableKind::Filter {
            String::new()
        } else {
            format!("-t {} ", table.name())
        };
        Some(format!("iptables {table}{text}"))
    }

    /// A rule that lets exactly this conversation in.
    fn exception(&self, story: &Story, found: &Found, chain: &str) -> Option<String> {
        let life = found.packet.and_then(|p| story.life(p))?;
        let flow = story.flow_at_end(life)?;
        if life.role == super::story::Role::Answer {
            return Some(format!("iptables -I {chain} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"));
        }
        Some(match flow.proto {
            Protocol::Tcp | Protocol::Udp => {
                format!("iptables -I {chain} -p {} --dport {} -j ACCEPT", flow.proto, flow.dst.port)
            }
            other => format!("iptables -I {chain} -p {other} -j ACCEPT"),
        })
    }

    // ---- containers

    /// The attempt with another port.
    fn retry(&self, from: u16, to: u16) -> Option<Fix> {
        let line = other_port(&self.job.line, from, to)?;
        Some(Fix { remedy: Remedy::Retry, again: (self.job.place.clone(), line) })
    }

    /// The lines that make a container anew.
    fn again_as(&self, node: &Node, c: &Container, change: impl FnOnce(&mut RunSpec)) -> (String, String) {
        let mut spec = c.spec();
        let joined: Vec<EndpointSpec> = c.attachments().cloned().collect();
        if joined.len() != 1 || joined[0].network != "bridge" && joined[0].network != "default" {
            spec.networks = joined;
        }
        spec.ignored = Vec::new();
        change(&mut spec);
        let run = cli::render(&Request::Run(spec));
        (node.config.id.clone(), format!("docker rm -f {} && {run}", c.name))
    }

    fn republish(&self, container: &str, change: impl FnOnce(&mut RunSpec)) -> Option<Fix> {
        let (node, c) = self.named(container)?;
        let line = self.again_as(node, c, change);
        Some(Fix {
            remedy: Remedy::Lines(vec![line]),
            again: (self.job.place.clone(), self.job.line.clone()),
        })
    }

    /// Into an internal network a port is published by way of the default bridge; out of it too.
    fn out_of(&self, container: &str, _network: &str, again: &(String, String)) -> Option<Fix> {
        let (node, c) = self.named(container)?;
        let joined = c.attachments().any(|a| a.network == "bridge");
        let run = if joined { return None } else { format!("docker network connect bridge {}", c.name) };
        Some(Fix { remedy: Remedy::Lines(vec![(node.config.id.clone(), run)]), again: again.clone() })
    }

    /// An exception from `icc=false` for two containers.
    fn let_talk(&self, from: &str, to: &str, again: &(String, String)) -> Option<Fix> {
        let ((node, a), (_, b)) = (self.named(from)?, self.named(to)?);
        let shared = a
            .endpoints
            .iter()
            .find_map(|x| Some((x, b.endpoints.iter().find(|y| y.network == x.network)?)))?;
        let (x, y) = (shared.0.addr.addr(), shared.1.addr.addr());
        let rule = |s: Ipv4Addr, d: Ipv4Addr| format!("iptables -I DOCKER-USER -s {s} -d {d} -j ACCEPT");
        let line = format!("{} && {}", rule(x, y), rule(y, x));
        Some(Fix { remedy: Remedy::Lines(vec![(node.config.id.clone(), line)]), again: again.clone() })
    }

    /// Not the container's own address, but the port that its host publishes.
    fn use_publication(&self, host: &str, container: &str) -> Option<Fix> {
        let node = self.atlas.session.node(host).ok()?;
        let c = self.atlas.containers_of(node).iter().find(|c| c.name == container)?;
        let ns = self.atlas.ns(node.ns)?;
        let own = |d: &&crate::stack::Device| matches!(d.kind, DeviceKind::Ethernet) && !d.addrs.is_empty();
        let host_addr = ns.devices().find(own)?.addrs.first()?.addr();
        let target =
            c.endpoints.iter().map(|e| e.addr.addr()).find(|a| self.job.line.contains(&a.to_string()));
        let name = target.map_or_else(|| c.name.clone(), |a| a.to_string());
        let url = self.job.line.find("http://").or(self.job.line.find("telnet"));
        url?;
        let line = replace_word(&self.job.line, &name, &host_addr.to_string())?;
        let again = |from: u16, to: u16| {
            if from == to { Some(line.clone()) } else { other_port(&line, from, to) }
        };
        let inner =
            self.atlas.ns_of(c).and_then(|n| self.atlas.open_ports(n, Protocol::Tcp).first().copied())?;
        match c.ports.iter().find(|p| p.proto == Protocol::Tcp && !p.host_ip.is_loopback()) {
            Some(p) => Some(Fix {
                remedy: Remedy::Retry,
                again: (self.job.place.clone(), again(p.port, p.host_port)?),
            }),
            None => {
                let run = self.again_as(node, c, |s| s.publish.push(publish(inner, inner)));
                Some(Fix { remedy: Remedy::Lines(vec![run]), again: (self.job.place.clone(), line) })
            }
        }
    }

    /// Whoever has the port goes, and the container that was made in vain.
    fn free_port(&self, place: &str, port: u16, by: &str, again: &(String, String)) -> Option<Fix> {
        let node = self.atlas.session.node(place).ok()?;
        let holder = self.atlas.containers_of(node).iter().find(|c| c.name == by)?;
        holder.ports.iter().any(|p| p.host_port == port).then_some(())?;
        let words: Vec<&str> = self.job.line.split_whitespace().collect();
        let made = words.iter().position(|w| *w == "--name").and_then(|i| words.get(i + 1)).copied();
        let left = made.filter(|n| {
            self.atlas.containers_of(node).iter().any(|c| c.name == **n && words.contains(&"run"))
        });
        let clean = left.map(|n| format!(" && docker rm {n}")).unwrap_or_default();
        let line = format!("docker stop {by}{clean}");
        Some(Fix { remedy: Remedy::Lines(vec![(place.to_owned(), line)]), again: again.clone() })
    }

    /// `localhost` in a container was meant to be somebody else.
    fn reach_out(&self, container: &str, port: u16, found: &str) -> Option<Fix> {
        let (node, c) = self.named(container)?;
        let word = ["localhost", "127.0.0.1"].into_iter().find(|w| self.job.line.contains(w))?;
        if let Some((_, other)) = self.container(found) {
            let shared =
                c.endpoints.iter().find_map(|x| other.endpoints.iter().find(|y| y.network == x.network))?;
            let line = replace_word(&self.job.line, word, &shared.addr.addr().to_string())?;
            return Some(Fix { remedy: Remedy::Retry, again: (self.job.place.clone(), line) });
        }
        let reachable = self.atlas.open_ports(node.ns, Protocol::Tcp).contains(&port);
        reachable.then_some(())?;
        let line = replace_word(&self.job.line, word, "host.docker.internal")?;
        let known = c.spec().add_host.iter().any(|(n, _)| n == "host.docker.internal");
        let remedy = if known {
            Remedy::Retry
        } else {
            Remedy::Lines(vec![self.again_as(node, c, |s| {
                s.add_host.push(("host.docker.internal".into(), "host-gateway".into()))
            })])
        };
        Some(Fix { remedy, again: (self.job.place.clone(), line) })
    }

    /// A network with names for two containers.
    fn common_network(&self, one: &str, name: &str, again: &(String, String)) -> Option<Fix> {
        let (node, a) = self.named(one)?;
        let engine = node.engine.as_ref()?;
        let b = engine.containers().iter().find(|c| c.name == name)?;
        let mut free = (0..).map(|i| if i == 0 { "app-net".to_owned() } else { format!("app-net{i}") });
        let network = free.find(|n| engine.network(n).is_none())?;
        let existing = a
            .endpoints
            .iter()
            .chain(&b.endpoints)
            .find(|e| engine.network(&e.network).is_some_and(|n| n.has_names()));
        let line = match existing {
            Some(e) => {
                let missing = if a.endpoints.iter().any(|x| x.network == e.network) { b } else { a };
                format!("docker network connect {} {}", e.network, missing.name)
            }
            None => format!(
                "docker network create {network} && docker network connect {network} {} && docker network connect {network} {}",
                a.name, b.name
            ),
        };
        Some(Fix { remedy: Remedy::Lines(vec![(node.config.id.clone(), line)]), again: again.clone() })
    }

    /// A network moves to another subnet: its containers leave it, it is made anew, they come back.
    fn move_network(&self, network: &str, subnet: Ipv4Net, again: &(String, String)) -> Option<Fix> {
        let has = |n: &&Node| {
            n.engine.as_ref().and_then(|e| e.network(network)).is_some_and(|x| x.subnet == Some(subnet))
        };
        let node = self.atlas.session.nodes().iter().find(has)?;
        let names: Vec<&str> = self
            .atlas
            .containers_of(node)
            .iter()
            .filter(|c| c.endpoints.iter().any(|e| e.network == network))
            .map(|c| c.name.as_str())
            .collect();
        let free = (201..=254).map(|i| Ipv4Net::new_assert(Ipv4Addr::new(10, i, 0, 0), 24)).find(|net| {
            let taken = node.engine.as_ref().is_some_and(|e| {
                e.networks().iter().filter_map(|n| n.subnet).any(|s| s.contains(&net.network()))
            });
            !taken
                && self
                    .atlas
                    .session
                    .world
                    .namespaces()
                    .all(|ns| ns.devices().flat_map(|d| &d.addrs).all(|a| !net.contains(&a.addr())))
        })?;
        let mut parts: Vec<String> =
            names.iter().map(|n| format!("docker network disconnect {network} {n}")).collect();
        parts.push(format!("docker network rm {network}"));
        parts.push(format!("docker network create --subnet {free} {network}"));
        parts.extend(names.iter().map(|n| format!("docker network connect {network} {n}")));
        Some(Fix {
            remedy: Remedy::Lines(vec![(node.config.id.clone(), parts.join(" && "))]),
            again: again.clone(),
        })
    }

    /// A name server that works, for whoever asks a dead one.
    fn name_server(&self, place: &str, again: &(String, String)) -> Option<Fix> {
        if let Some((node, c)) = self.container(place) {
            if c.spec().dns.is_empty() {
                return None;
            }
            let run = self.again_as(node, c, |s| s.dns = Vec::new());
            return Some(Fix { remedy: Remedy::Lines(vec![run]), again: again.clone() });
        }
        let node = self.atlas.session.node(place).ok()?;
        let serves = |addr: Ipv4Addr| {
            self.atlas
                .owners(addr)
                .iter()
                .any(|(o, _)| o.ns != node.ns && !self.atlas.listeners(o.ns, Protocol::Udp, 53).is_empty())
        };
        let near = self.router_near(place).filter(|a| serves(*a));
        let known = || {
            let all = self.atlas.session.nodes().iter().flat_map(|n| &n.config.resolvers).copied();
            all.into_iter().find(|a| serves(*a))
        };
        let server = near.or_else(known)?;
        let line = format!("echo {} > /etc/resolv.conf", shell::join(&[format!("nameserver {server}")]));
        let mut lines = vec![(place.to_owned(), line)];
        // Containers read the host's file when they start.
        let home = self.job.place.split_once(':').map(|p| p.1).or_else(|| {
            let words: Vec<&str> = self.job.line.split_whitespace().collect();
            (words.first() == Some(&"docker") && words.get(1) == Some(&"exec"))
                .then(|| words.iter().skip(2).find(|w| self.named(w).is_some()).copied())
                .flatten()
        });
        if let Some((owner, c)) = home.and_then(|n| self.named(n)).filter(|(n, _)| n.config.id == place) {
            lines.push((owner.config.id.clone(), format!("docker restart {}", c.name)));
        }
        Some(Fix { remedy: Remedy::Lines(lines), again: again.clone() })
    }
}
