//! The first thing that is offered to be played: a line that shows what this lab is about.

use super::App;
use super::scene::{Exit, Mode, NodePlan, Plan};
use crate::session::NodeKind;

/// What is played first where there is an internet: where, and what.
pub(super) const HOME: (&str, &str, &str) =
    ("docker-host:shell", "wget -qO- http://example.com", "first.title");

/// A line that is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct First {
    /// Where it is typed.
    pub place: String,
    /// What.
    pub line: String,
    /// Key of what it shows.
    pub title: &'static str,
}

impl First {
    fn new(place: &str, line: &str, title: &'static str) -> Self {
        Self { place: place.to_owned(), line: line.to_owned(), title }
    }
}

impl App {
    /// What can be offered, as long as nothing was sent yet.
    pub fn first_flow_offered(&self) -> Option<First> {
        if self.invited || !self.flows.is_empty() {
            return None;
        }
        // Of a visited lab nobody knows what it is about but who made it.
        self.first_flow_of().filter(|f| f.title == HOME.2 || !self.share.visiting())
    }

    /// What there is to play first in this lab.
    pub(super) fn first_flow_of(&self) -> Option<First> {
        let internet = self.lab.nodes.iter().any(|n| n.kind == NodeKind::Isp);
        if internet {
            let there = self.live().place(HOME.0).is_ok();
            return there.then(|| First::new(HOME.0, HOME.1, HOME.2));
        }
        without_internet(&self.shown.plan)
    }
}

// Not inlined: the lab that a first visit opens has an internet, and the rest is fetched later.
#[inline(never)]
fn without_internet(plan: &Plan) -> Option<First> {
    over_the_overlay(plan).or_else(|| to_the_lan(plan))
}

/// A ping by name between two containers of an overlay on two hosts.
fn over_the_overlay(plan: &Plan) -> Option<First> {
    let ends = || {
        plan.nodes.iter().filter_map(|n| Some((n, n.host.as_ref()?))).flat_map(|(node, host)| {
            let running = host.containers.iter().filter(|c| c.running);
            running.flat_map(move |c| {
                let nets = c.ends.iter().map(|e| &host.networks[e.0]);
                let nets = nets.filter(|n| matches!(n.exit, Exit::Overlay { .. }));
                nets.map(move |n| (node, c, n.network.as_str()))
            })
        })
    };
    // Who serves is asked; who does not, asks.
    let asked = |net: &str, asker: &NodePlan| {
        ends().find(|(node, c, n)| *n == net && node.id != asker.id && !c.listens.is_empty())
    };
    let found = ends().find_map(|(node, c, net)| Some((node, c, asked(net, node)?.1)));
    found.map(|(node, c, to)| {
        First::new(&format!("{}:{}", node.id, c.name), &format!("ping -c 1 {}", to.name), "first.overlay")
    })
}

/// A computer asks a web server among the containers that have an address of the LAN.
fn to_the_lan(plan: &Plan) -> Option<First> {
    let hosts = plan.nodes.iter().filter_map(|n| Some((n, n.host.as_ref()?)));
    let addresses = hosts.flat_map(|(node, host)| {
        let web = host.containers.iter().filter(|c| c.running && c.listens.contains(&80));
        web.filter_map(move |c| match c.mode {
            Mode::Host => node.ports.iter().map(|p| p.address.as_str()).find(|a| !a.is_empty()),
            _ => {
                let on_lan = |n: usize| matches!(host.networks[n].exit, Exit::Parent { .. });
                c.ends.iter().find(|e| on_lan(e.0)).map(|e| e.1.as_str())
            }
        })
    });
    let address = addresses.filter_map(|a| a.split('/').next()).find(|a| !a.is_empty())?;
    let computer = plan
        .nodes
        .iter()
        .find(|n| n.kind == NodeKind::Computer && n.ports.iter().any(|p| !p.address.is_empty()))?;
    Some(First::new(&computer.id, &format!("curl -s http://{address}"), "first.lan"))
}

#[cfg(test)]
mod tests {
    use super::super::Theme;
    use super::super::store::Memory;
    use super::*;
    use crate::explain::Lang;
    use crate::lab::Lab;
    use crate::time::Duration;

    #[test]
    fn what_is_offered_first_works_in_every_lab_of_the_gallery() {
        for (name, expect) in [
            ("home", Some("docker-host:shell wget -qO- http://example.com")),
            ("host-network", Some("laptop curl -s http://192.168.0.10")),
            ("macvlan", Some("laptop curl -s http://192.168.0.192")),
            ("overlay", Some("host2:cli ping -c 1 web")),
            ("empty", None),
        ] {
            let mut app = App::new(Box::new(Memory::default()), (Lang::En, Theme::Light)).unwrap();
            app.open_lab(Lab::builtin(name).unwrap(), "toast.opened");
            app.act(super::super::Action::Dialog(None));
            let first = app.first_flow_offered();
            let line = first.as_ref().map(|f| format!("{} {}", f.place, f.line));
            assert_eq!(line.as_deref(), expect, "{name}");
            if let Some(first) = first {
                let run = |s: &mut crate::session::Session| {
                    s.run_line(&first.place, &first.line, Duration::from_secs(20))
                };
                let job = app.timeline.edit(run).unwrap();
                assert_eq!(job.exit, Some(0), "{name}: {}", job.stderr());
            }
        }
    }
}
