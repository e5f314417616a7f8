//! Edits: the one way in which a lab changes.

use super::{Lab, LabCommand, LabError, check};
use crate::session::{LinkConfig, Misfit, NodeConfig, RouterConfig, Session, SessionError};
use crate::wire::IfName;

/// A change of a lab.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// A new node, not yet cabled.
    AddNode(Box<NodeConfig>),
    /// A node goes, with its links and the commands typed at it.
    RemoveNode {
        /// Which.
        id: String,
    },
    /// Only the picture changes.
    MoveNode {
        /// Which.
        id: String,
        /// Where to, in canvas units.
        pos: (i32, i32),
    },
    /// A node gets another shown name, and perhaps another id; its links and commands go along,
    /// its MAC addresses stay.
    RenameNode {
        /// Which.
        id: String,
        /// Its id from now on (the same if only the name changes).
        to: String,
        /// Shown name; None: the id.
        name: Option<String>,
    },
    /// All settings of the node with this id: ports, addresses, gateway, resolvers, services …
    /// Its kind stays.
    SetNode(Box<NodeConfig>),
    /// A cable is plugged in, or a station joins.
    AddLink(LinkConfig),
    /// The cable in this port is pulled out.
    RemoveLink {
        /// Node.
        node: String,
        /// Port.
        port: IfName,
    },
    /// Latency, loss and state of the link between these two ports.
    SetLink(LinkConfig),
    /// The router's form was saved.
    SetRouter {
        /// Which.
        node: String,
        /// All its settings.
        router: Box<RouterConfig>,
    },
    /// A line that changed the state, typed or made by a drag.
    Command(LabCommand),
    /// All of these in order, or none; one step to undo.
    Batch(Vec<Edit>),
}

fn invalid(problem: impl Into<Misfit>) -> LabError {
    LabError::Invalid { place: "edit".into(), problem: problem.into() }
}

fn no_node(id: &str) -> LabError {
    invalid(Misfit::NoNode(id.to_owned()))
}

impl From<SessionError> for LabError {
    fn from(e: SessionError) -> Self {
        invalid(e)
    }
}

impl Edit {
    /// Applies the edit to the document.
    ///
    /// # Errors
    /// Names what does not fit; the lab is unchanged then.
    pub fn apply(&self, lab: &mut Lab) -> Result<(), LabError> {
        let mut next = lab.clone();
        self.change(&mut next)?;
        check::lab(&next)?;
        *lab = next;
        Ok(())
    }

    /// Makes the change, unchecked; the lab may be half changed where it fails.
    fn change(&self, next: &mut Lab) -> Result<(), LabError> {
        match self {
            Self::AddNode(node) => next.nodes.push((**node).clone()),
            Self::RemoveNode { id } => {
                next.node_mut(id)?;
                next.nodes.retain(|n| n.id != *id);
                next.links.retain(|l| l.a.0 != *id && l.b.0 != *id);
                next.commands.retain(|c| c.at.split(':').next() != Some(id.as_str()));
            }
            Self::MoveNode { id, pos } => next.node_mut(id)?.pos = *pos,
            Self::RenameNode { id, to, name } => {
                let seed = next.seed;
                next.node_mut(id)?.rename(seed, to, name.as_deref());
                for end in next.links.iter_mut().flat_map(|l| [&mut l.a.0, &mut l.b.0]) {
                    if end == id {
                        end.clone_from(to);
                    }
                }
                for command in &mut next.commands {
                    let (node, rest) = match command.at.split_once(':') {
                        Some((node, container)) => (node, format!(":{container}")),
                        None => (command.at.as_str(), String::new()),
                    };
                    if node == id {
                        command.at = format!("{to}{rest}");
                    }
                }
            }
            Self::SetNode(node) => {
                let there = next.node_mut(&node.id)?;
                if there.kind != node.kind {
                    return Err(invalid("a node's kind cannot change"));
                }
                there.clone_from(node);
            }
            Self::AddLink(link) => next.links.push(link.clone()),
            Self::SetLink(link) => {
                let there = next.links.iter_mut().find(|l| l.same_ends(link));
                let there = there.ok_or_else(|| invalid("these two ports are not cabled"))?;
                (there.latency_us, there.loss_per_mille, there.down) =
                    (link.latency_us, link.loss_per_mille, link.down);
            }
            Self::RemoveLink { node, port } => {
                next.node_mut(node)?;
                let end = (node.clone(), *port);
                if !next.links.iter().any(|l| l.a == end || l.b == end) {
                    return Err(invalid(format!("port {port} of {node} has no cable")));
                }
                next.links.retain(|l| l.a != end && l.b != end);
            }
            Self::SetRouter { node, router } => next.node_mut(node)?.router = Some((**router).clone()),
            Self::Command(command) => next.commands.push(command.clone()),
            Self::Batch(edits) => {
                // Each as if it came alone: the running lab goes through the same states.
                for edit in edits {
                    edit.apply(next)?;
                }
            }
        }
        Ok(())
    }

    /// Applies it to the running lab too. An [`Edit::Command`] is typed there and left to run;
    /// one that a terminal has run already is only to be applied to the document.
    ///
    /// # Errors
    /// The session is unchanged then.
    pub fn apply_live(&self, session: &mut Session) -> Result<(), LabError> {
        match self {
            Self::AddNode(node) => session.add_node((**node).clone())?,
            Self::RemoveNode { id } => session.remove_node(id)?,
            Self::MoveNode { id, pos } => session.move_node(id, *pos)?,
            Self::RenameNode { id, to, name } => session.rename_node(id, to, name.as_deref())?,
            Self::SetNode(node) => session.atomically(|s| s.set_node((**node).clone()))?,
            Self::SetLink(link) => session.set_link(link)?,
            Self::AddLink(link) => {
                session.add_link(link)?;
            }
            Self::RemoveLink { node, port } => session.remove_link(node, *port)?,
            Self::SetRouter { node, router } => session.set_router(node, router)?,
            Self::Command(command) => {
                session.exec(&command.at, &command.run)?;
            }
            Self::Batch(edits) => {
                session.atomically(|s| edits.iter().try_for_each(|edit| edit.apply_live(s)))?;
            }
        }
        Ok(())
    }
}

impl Lab {
    fn node_mut(&mut self, id: &str) -> Result<&mut NodeConfig, LabError> {
        self.nodes.iter_mut().find(|n| n.id == id).ok_or_else(|| no_node(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> Lab {
        Lab { commands: vec![], ..Lab::builtin("home").unwrap() }
    }

    /// Applies an edit to the document and to the running lab; both agree.
    fn both(lab: &mut Lab, session: &mut Session, edit: &Edit) -> Result<(), LabError> {
        let mut after = lab.clone();
        edit.apply(&mut after)?;
        edit.apply_live(session)?;
        *lab = after;
        let live: Vec<_> = session.nodes().iter().map(|n| n.config.clone()).collect();
        assert_eq!(live, lab.nodes);
        Ok(())
    }

    fn says(session: &mut Session, place: &str, line: &str) -> String {
        session.run_line(place, line, crate::time::Duration::from_secs(30)).unwrap().stdout()
    }

    #[test]
    fn a_node_is_renamed_with_its_links_and_commands_and_keeps_its_addresses() {
        let mut lab = home();
        lab.commands.push(LabCommand { at: "laptop".into(), run: "ip neigh flush all".into() });
        let mut session = lab.boot().unwrap();
        let before = says(&mut session, "laptop", "ip link show eth0");
        let name = Some("notebook".to_owned());
        let edit = Edit::RenameNode { id: "laptop".into(), to: "notebook".into(), name };
        both(&mut lab, &mut session, &edit).unwrap();
        assert_eq!(says(&mut session, "notebook", "hostname; cat /etc/hostname"), "notebook\nnotebook\n");
        assert_eq!((lab.links[4].a.0.as_str(), lab.commands[0].at.as_str()), ("notebook", "notebook"));
        let mut again = Lab::from_json(&lab.to_json()).unwrap().boot().unwrap();
        assert_eq!(says(&mut again, "notebook", "ip link show eth0"), before);
        let taken = Edit::RenameNode { id: "notebook".into(), to: "isp".into(), name: None };
        assert!(taken.apply(&mut lab).is_err() && taken.apply_live(&mut session).is_err());
    }

    #[test]
    fn a_node_takes_other_addresses_gateway_resolvers_and_services_while_it_runs() {
        let mut lab = home();
        let mut session = lab.boot().unwrap();
        let mut node = lab.nodes.iter().find(|n| n.id == "laptop").unwrap().clone();
        node.ports[0].address = Some("192.168.0.33/24".parse().unwrap());
        node.resolvers = vec!["8.8.8.8".parse().unwrap()];
        node.services =
            vec![serde_json::from_str(r#"{"service": "run", "run": "httpd --title mine"}"#).unwrap()];
        both(&mut lab, &mut session, &Edit::SetNode(Box::new(node.clone()))).unwrap();
        assert_eq!(
            says(
                &mut session,
                "laptop",
                "ip -br -4 addr show eth0; cat /etc/resolv.conf; ip route show default"
            ),
            "eth0             UP             192.168.0.33/24 \nnameserver 8.8.8.8\ndefault via 192.168.0.1 dev eth0 \n"
        );
        assert!(says(&mut session, "docker-host", "curl -s http://192.168.0.33/").contains("mine"));
        node.services.clear();
        both(&mut lab, &mut session, &Edit::SetNode(Box::new(node.clone()))).unwrap();
        let refused = session.run_line(
            "docker-host",
            "curl -s http://192.168.0.33/",
            crate::time::Duration::from_secs(9),
        );
        assert_eq!(refused.unwrap().exit, Some(7));
        node.gateway = Some("10.9.9.9".parse().unwrap());
        let ports = says(&mut session, "laptop", "ip addr");
        assert!(Edit::SetNode(Box::new(node)).apply_live(&mut session).is_err());
        assert_eq!(says(&mut session, "laptop", "ip addr"), ports);
    }

    #[test]
    fn a_link_that_is_down_stays_and_carries_nothing() {
        let mut lab = home();
        let mut session = lab.boot().unwrap();
        let mut link = lab.links[4].clone();
        (link.down, link.latency_us) = (true, 9_000);
        std::mem::swap(&mut link.a, &mut link.b);
        both(&mut lab, &mut session, &Edit::SetLink(link.clone())).unwrap();
        assert!(says(&mut session, "laptop", "ip -br link show eth0").contains("DOWN"));
        link.down = false;
        both(&mut lab, &mut session, &Edit::SetLink(link)).unwrap();
        assert!(says(&mut session, "laptop", "ping -c 2 192.168.0.1 | tail -n 1").contains("= 18."));
    }

    #[test]
    fn a_batch_is_done_wholly_or_not_at_all() {
        let mut lab = home();
        let mut session = lab.boot().unwrap();
        let gone = Edit::RemoveNode { id: "laptop".into() };
        let (text, seq) = (lab.to_json(), session.world.log.next_seq());
        let batch = Edit::Batch(vec![gone.clone(), Edit::RemoveNode { id: "nobody".into() }]);
        assert!(batch.apply(&mut lab).is_err() && batch.apply_live(&mut session).is_err());
        assert_eq!((lab.to_json(), session.world.log.next_seq()), (text, seq));
        let batch = Edit::Batch(vec![gone, Edit::RemoveNode { id: "dns".into() }]);
        both(&mut lab, &mut session, &batch).unwrap();
        assert_eq!((lab.nodes.len(), lab.links.len()), (5, 4));
    }
}
