//! What does not fit a lab, as its parts: the page says it in its own languages, everybody else prints it.

use crate::wire::IfName;

/// What does not fit, and what would be right. What it prints is English.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Two nodes of a document with one id.
    #[error("the id {0:?} is taken; every node needs its own")]
    IdTwice(String),
    /// A new id that another node has.
    #[error("id {0:?} is taken")]
    IdTaken(String),
    /// No node has the id.
    #[error("there is no node {0:?}")]
    NoNode(String),
    /// The node has no such port.
    #[error("{node} has no port {port}")]
    NoPort {
        /// Its id.
        node: String,
        /// The port asked for.
        port: IfName,
    },
    /// A port with a cable.
    #[error("port {port} of {node} has a cable already; pull that one first")]
    PortUsed {
        /// Its id.
        node: String,
        /// The port.
        port: IfName,
    },
    /// One of two ports has a cable.
    #[error("port {} of {} or port {} of {} has a cable already; pull that one first", .0.1, .0.0, .1.1, .1.0)]
    PortsUsed((String, IfName), (String, IfName)),
    /// A cable from a port to itself.
    #[error("a cable needs two ports; both ends are {0}")]
    OnePort(IfName),
    /// A bridge is no socket.
    #[error("{port} of {node} is a bridge; plug the cable into one of its ports")]
    Bridge {
        /// The node's id.
        node: String,
        /// The bridge.
        port: IfName,
    },
    /// An interface that is no socket.
    #[error("{port} of {node} takes no cable")]
    NoCable {
        /// The node's id.
        node: String,
        /// The interface.
        port: IfName,
    },
    /// A radio with a cable, or two of a kind.
    #[error("a station joins an access point; a cable goes from socket to socket")]
    Radio,
    /// Nodes: how many, and how many a lab holds.
    #[error("{0} nodes; a lab holds at most {1}")]
    Nodes(usize, usize),
    /// Commands likewise.
    #[error("{0} commands; a lab holds at most {1}")]
    Commands(usize, usize),
    /// Ports of a node likewise.
    #[error("{0} ports; a node has at most {1}")]
    Ports(usize, usize),
    /// Two ports of a node with one name.
    #[error("the port name {0:?} is taken")]
    PortName(String),
    /// A router with one port for both sides.
    #[error("router: WAN and LAN must be different ports")]
    WanIsLan,
    /// A gateway that is not on a network of the node, or is the node itself.
    #[error("gateway: Nexthop has invalid gateway")]
    Gateway,
    /// Anything else, in words.
    #[error("{0}")]
    Other(String),
}

impl From<String> for Misfit {
    fn from(words: String) -> Self {
        Self::Other(words)
    }
}

impl From<&str> for Misfit {
    fn from(words: &str) -> Self {
        Self::Other(words.to_owned())
    }
}
