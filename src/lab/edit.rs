//! Edits: the one way in which a lab changes.

use super::{Lab, LabCommand, LabError, check};
use crate::session::{LinkConfig, NodeConfig, RouterConfig, Session, SessionError};
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
    /// A cable is plugged in.
    AddLink(LinkConfig),
    /// The cable in this port is pulled out.
    RemoveLink {
        /// Node.
        node: String,
        /// Port.
        port: IfName,
    },
    /// The router's form was saved.
    SetRouter {
        /// Which.
        node: String,
        /// All its settings.
        router: Box<RouterConfig>,
    },
    /// A line that changed the state, typed or made by a drag.
    Command(LabCommand),
}

fn no_node(id: &str) -> LabError {
    LabError::Invalid { place: "edit".into(), problem: format!("there is no node {id:?}") }
}

impl From<SessionError> for LabError {
    fn from(e: SessionError) -> Self {
        Self::Invalid { place: "edit".into(), problem: e.to_string() }
    }
}

impl Edit {
    /// Applies the edit to the document.
    ///
    /// # Errors
    /// Names what does not fit; the lab is unchanged then.
    pub fn apply(&self, lab: &mut Lab) -> Result<(), LabError> {
        let mut next = lab.clone();
        match self {
            Self::AddNode(node) => next.nodes.push((**node).clone()),
            Self::RemoveNode { id } => {
                next.node_mut(id)?;
                next.nodes.retain(|n| n.id != *id);
                next.links.retain(|l| l.a.0 != *id && l.b.0 != *id);
                next.commands.retain(|c| c.at.split(':').next() != Some(id));
            }
            Self::MoveNode { id, pos } => next.node_mut(id)?.pos = *pos,
            Self::AddLink(link) => next.links.push(link.clone()),
            Self::RemoveLink { node, port } => {
                next.node_mut(node)?;
                let end = (node.clone(), *port);
                next.links.retain(|l| l.a != end && l.b != end);
            }
            Self::SetRouter { node, router } => next.node_mut(node)?.router = Some((**router).clone()),
            Self::Command(command) => next.commands.push(command.clone()),
        }
        check::lab(&next)?;
        *lab = next;
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
            Self::MoveNode { .. } => {}
            Self::AddLink(link) => {
                session.add_link(link)?;
            }
            Self::RemoveLink { node, port } => session.remove_link(node, *port)?,
            Self::SetRouter { node, router } => session.set_router(node, router)?,
            Self::Command(command) => {
                session.exec(&command.at, &command.run)?;
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
