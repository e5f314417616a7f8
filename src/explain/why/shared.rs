//! Containers without a network of their own: those that share another one's, or the host's.

use super::{Case, Cause};
use crate::docker::{Container, ContainerState, Engine};
use crate::session::Node;

/// Whose network a container was to share: the part behind `container:` of its network mode.
pub(super) fn owner_of(c: &Container) -> Option<&str> {
    c.network_mode().strip_prefix("container:")
}

/// The container that another one shares the network of, by name, id, or the beginning of an id.
fn owner<'a>(engine: &'a Engine, c: &Container) -> Option<&'a Container> {
    let wanted = owner_of(c)?;
    engine.container(wanted)
}

/// A container that shares the network of one that is gone from it: stopped, or begun anew since.
pub(super) fn owner_gone(case: Case<'_>, node: &Node, c: &Container) -> Option<Cause> {
    let wanted = owner_of(c)?;
    let container = c.name.clone();
    let Some(other) = node.engine.as_ref().and_then(|e| owner(e, c)) else {
        return Some(Cause::OwnerStopped { container, owner: wanted.get(..12).unwrap_or(wanted).to_owned() });
    };
    let owner = other.name.clone();
    if other.state != ContainerState::Running {
        return Some(Cause::OwnerStopped { container, owner });
    }
    let stale = case.atlas.ns_of(c) != case.atlas.ns_of(other);
    stale.then_some(Cause::OwnerRestarted { container, owner })
}

/// A name of a container that has none on any network, since it shares the host's or another one's.
pub(super) fn nameless(case: Case<'_>, node: &Node, other: &Container, name: &str) -> Option<Cause> {
    let name = name.to_owned();
    if let Some(engine) = &node.engine
        && owner_of(other).is_some()
    {
        if let Some(cause) = owner_gone(case, node, other) {
            return Some(cause);
        }
        return Some(Cause::NameShared { name, owner: owner(engine, other)?.name.clone() });
    }
    (other.network_mode() == "host").then(|| Cause::NameShared { name, owner: node.config.id.clone() })
}
