//! Edits: the one way in which a lab changes.

use super::{Lab, LabError};
use crate::session::{LinkConfig, NodeConfig, RouterConfig, Session};

/// A change of a lab.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Edit {
    AddNode(Box<NodeConfig>),
    RemoveNode {
        id: String,
    },
    /// Only the picture changes.
    MoveNode {
        id: String,
        pos: (f64, f64),
    },
    AddLink(LinkConfig),
    /// By one of its ends.
    RemoveLink {
        node: String,
        port: String,
    },
    SetRouter {
        node: String,
        router: Box<RouterConfig>,
    },
    /// A line that changed the state, typed or made by a drag.
    Command {
        at: String,
        run: String,
    },
}

impl Edit {
    /// Applies the edit to the document.
    ///
    /// # Errors
    /// The lab is unchanged then.
    pub fn apply(&self, _lab: &mut Lab) -> Result<(), LabError> {
        todo!()
    }
    /// Applies it to the running lab too. A [`Edit::Command`] is typed and left to run.
    ///
    /// # Errors
    /// The session is unchanged then.
    pub fn apply_live(&self, _session: &mut Session) -> Result<(), LabError> {
        todo!()
    }
}
