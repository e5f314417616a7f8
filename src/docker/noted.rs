//! What the engine notes of its own doings while it carries out a request. What it did to the
//! kernel is in the trace (`Step::Config`); names, ports and states of containers are only known
//! here.

use super::{Engine, PortBinding};
use crate::stack::NsId;
use std::net::Ipv4Addr;

/// One doing of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noted {
    /// A container is now in this state (`created`, `running`, …); None: it is gone.
    Container {
        /// Its name.
        name: String,
        /// The engine's word for its state.
        state: Option<&'static str>,
    },
    /// A network was made, or removed.
    Network {
        /// Its name.
        name: String,
        /// Its driver.
        driver: String,
        /// Made.
        added: bool,
    },
    /// A cable (veth pair) was laid from a bridge into a container, or taken away.
    Cable {
        /// The container.
        container: String,
        /// Its namespace.
        ns: NsId,
        /// Interface on the host, and in the container.
        ends: (String, String),
        /// The bridge's interface name.
        bridge: String,
        /// Laid.
        added: bool,
    },
    /// A name can be looked up on a network, or no longer.
    Name {
        /// The network.
        network: String,
        /// The name.
        name: String,
        /// What it means.
        addr: Ipv4Addr,
        /// It can be looked up.
        added: bool,
    },
    /// A port is published, or closed.
    Port {
        /// Where, and what for.
        binding: PortBinding,
        /// The container's address.
        addr: Ipv4Addr,
        /// It is open.
        added: bool,
    },
}

/// At most this many are kept for who asks; the rest of a request's doings go unmentioned.
const MOST: usize = 4096;

impl Engine {
    /// Notes a doing.
    pub(super) fn note(&mut self, noted: Noted) {
        if self.noted.len() < MOST {
            self.noted.push(noted);
        }
    }

    /// Notes the state of container `i`.
    pub(super) fn note_state(&mut self, i: usize) {
        let c = &self.containers[i];
        let noted = Noted::Container { name: c.name.clone(), state: Some(c.state.word()) };
        self.note(noted);
    }

    /// Notes that the names of container `i` on the network `network_id` came or went.
    pub(super) fn note_names(&mut self, i: usize, network_id: &str, added: bool) {
        let Some(network) = self.network_by_id(network_id).filter(|n| n.has_dns()).map(|n| n.name.clone())
        else {
            return;
        };
        let container = &self.containers[i];
        let Some(endpoint) = container.endpoints.iter().find(|e| e.network_id == network_id) else { return };
        let addr = endpoint.addr.addr();
        for name in container.dns_names(network_id) {
            self.note(Noted::Name { network: network.clone(), name, addr, added });
        }
    }

    /// What was noted since the last time this was asked.
    pub fn take_noted(&mut self) -> Vec<Noted> {
        std::mem::take(&mut self.noted)
    }
}
