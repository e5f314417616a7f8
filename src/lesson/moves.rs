//! What a lesson does to a lab, before it begins or to solve it. Each is one [`Edit`].

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::lab::{Edit, Lab, LabCommand};
use crate::session::{LinkConfig, NodeConfig};
use crate::wire::IfName;

/// A move.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Move {
    /// `{"at": PLACE, "run": LINE}`: a line is typed.
    Run(LabCommand),
    /// `{"plug": LINK}`: a cable, or a station that joins.
    Plug {
        /// The link.
        plug: LinkConfig,
    },
    /// `{"unplug": [NODE, PORT]}`.
    Unplug {
        /// Either end.
        unplug: (String, IfName),
    },
    /// `{"link": LINK}`: latency, loss and state of a link that is there.
    Link {
        /// Its ends and its settings.
        link: LinkConfig,
    },
    /// `{"add": NODE}`: a new node.
    Add {
        /// All of it.
        add: Box<NodeConfig>,
    },
    /// `{"remove": NODE}`.
    Remove {
        /// Its id.
        remove: String,
    },
    /// `{"set": NODE, "to": {…}}`: settings of a node, as a JSON merge patch (RFC 7396).
    Set {
        /// Its id.
        set: String,
        /// What changes; null takes away.
        to: Map<String, Value>,
    },
}

impl Move {
    /// The edit that makes this move in `lab`.
    ///
    /// # Errors
    /// A node that is not there, settings that a node does not have.
    pub fn edit(&self, lab: &Lab) -> Result<Edit, String> {
        Ok(match self {
            Self::Run(command) => Edit::Command(command.clone()),
            Self::Plug { plug } => Edit::AddLink(plug.clone()),
            Self::Unplug { unplug: (node, port) } => Edit::RemoveLink { node: node.clone(), port: *port },
            Self::Link { link } => Edit::SetLink(link.clone()),
            Self::Add { add } => Edit::AddNode(add.clone()),
            Self::Remove { remove } => Edit::RemoveNode { id: remove.clone() },
            Self::Set { set, to } => {
                let node = lab.nodes.iter().find(|n| n.id == *set);
                let node = node.ok_or_else(|| format!("there is no node {set:?}"))?;
                let mut value = serde_json::to_value(node).map_err(|e| e.to_string())?;
                merge(&mut value, &Value::Object(to.clone()));
                let node: NodeConfig = serde_json::from_value(value).map_err(|e| e.to_string())?;
                match (to.len(), &node.router) {
                    // Its own edit leaves the connections that are tracked alone.
                    (1, Some(router)) if to.contains_key("router") => {
                        Edit::SetRouter { node: set.clone(), router: Box::new(router.clone()) }
                    }
                    _ => Edit::SetNode(Box::new(node)),
                }
            }
        })
    }
}

/// RFC 7396, section 2.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_patch_sets_replaces_and_takes_away_as_the_rfc_says() {
        for (target, patch, wanted) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b", "c": 1}), json!({"a": null}), json!({"c": 1})),
            (json!({"a": [1]}), json!({"a": [2, 3]}), json!({"a": [2, 3]})),
            (
                json!({"a": {"b": 1}}),
                json!({"a": {"b": 2, "c": null, "d": 3}}),
                json!({"a": {"b": 2, "d": 3}}),
            ),
            (json!({"a": 1}), json!({"a": {"b": {"c": null}}}), json!({"a": {"b": {}}})),
        ] {
            let mut got = target.clone();
            merge(&mut got, &patch);
            assert_eq!(got, wanted, "{target} with {patch}");
        }
    }

    #[test]
    fn a_patch_with_a_setting_that_no_node_has_is_refused_by_name() {
        let lab = Lab::builtin("home").unwrap();
        let step: Move =
            serde_json::from_value(json!({"set": "laptop", "to": {"gatway": "10.0.0.1"}})).unwrap();
        assert!(step.edit(&lab).unwrap_err().contains("gatway"));
    }
}
