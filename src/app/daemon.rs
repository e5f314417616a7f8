//! The Docker daemon's settings: as a form and as daemon.json, two views of the same text; and the
//! host's own firewall beside Docker's rules. Saving restarts the engine, as on a real host.

use super::forms::Problem;
use super::{App, Dialog};
use crate::docker::DaemonConfig;
use crate::lab::Edit;
use crate::session::{NodeConfig, NodeKind};
use serde_json::{Map, Value};

/// What a closed host lets in: itself and answers, nothing else (as ufw does by default).
const GUARD: [&str; 3] = [
    "-A INPUT -i lo -j ACCEPT",
    "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-A INPUT -m comment --comment \"host firewall\" -j DROP",
];

/// Settings that are on or off: key of daemon.json, what is usual, key of its words.
pub const SWITCHES: [(&str, bool, &str); 5] = [
    ("icc", true, "daemon.icc"),
    ("userland-proxy", true, "daemon.userland_proxy"),
    ("iptables", true, "daemon.iptables"),
    ("ip-forward", true, "daemon.ip_forward"),
    ("ip-masq", true, "daemon.ip_masq"),
];

/// Settings with a value: key of daemon.json, an example, key of its words.
pub const VALUES: [(&str, &str, &str); 4] = [
    ("bip", "172.26.0.1/16", "daemon.bip"),
    ("default-address-pools", "10.10.0.0/16 24", "daemon.pools"),
    ("dns", "8.8.8.8", "daemon.dns"),
    ("mtu", "1400", "daemon.mtu"),
];

/// The form.
#[derive(Debug, Clone, PartialEq)]
pub struct DaemonForm {
    /// The host.
    pub host: String,
    /// daemon.json, as it is shown and typed.
    pub json: String,
    /// The host lets nothing in but answers.
    pub guard: bool,
    base: NodeConfig,
}

impl DaemonForm {
    /// Of a Docker host, filled with what it has.
    pub fn new(node: &NodeConfig) -> Self {
        let config = DaemonConfig::from_flags(&node.daemon).unwrap_or_default();
        let map = settings(&config);
        Self {
            host: node.id.clone(),
            json: pretty(&map),
            guard: GUARD.iter().all(|rule| node.rules.iter().any(|r| r == rule)),
            base: node.clone(),
        }
    }
    fn map(&self) -> Option<Map<String, Value>> {
        if self.json.trim().is_empty() {
            return Some(Map::new());
        }
        match serde_json::from_str(&self.json) {
            Ok(Value::Object(map)) => Some(map),
            _ => None,
        }
    }
    /// Can the fields be filled from what was typed as JSON?
    pub fn is_readable(&self) -> bool {
        self.map().is_some()
    }
    /// A switch, as it stands.
    pub fn is_on(&self, key: &str, usual: bool) -> bool {
        self.map().and_then(|m| m.get(key)?.as_bool()).unwrap_or(usual)
    }
    /// Turns a switch; what is usual is not written down.
    pub fn turn(&mut self, key: &str, usual: bool) {
        let on = !self.is_on(key, usual);
        self.put(key, (on != usual).then_some(Value::Bool(on)));
    }
    /// A value, as one line.
    pub fn value(&self, key: &str) -> String {
        let map = self.map().unwrap_or_default();
        let text = |v: &Value| match v {
            Value::String(s) => s.clone(),
            Value::Object(pool) => {
                let part = |k: &str| pool.get(k).map(plain).unwrap_or_default();
                format!("{} {}", part("base"), part("size"))
            }
            other => other.to_string(),
        };
        match map.get(key) {
            Some(Value::Array(list)) => list.iter().map(text).collect::<Vec<_>>().join(", "),
            Some(value) => text(value),
            None => String::new(),
        }
    }
    /// Sets a value from one line; empty takes it away.
    pub fn set(&mut self, key: &str, line: &str) {
        let words = line.split(',').map(str::trim).filter(|w| !w.is_empty());
        let value = match key {
            "default-address-pools" => {
                let pool = |w: &str| {
                    let (base, size) = w.split_once(' ').unwrap_or((w, ""));
                    let size = size.trim().parse::<u64>().map_or(Value::Null, Value::from);
                    Value::Object(Map::from_iter([
                        ("base".to_owned(), Value::from(base)),
                        ("size".to_owned(), size),
                    ]))
                };
                Value::Array(words.map(pool).collect())
            }
            "dns" => Value::Array(words.map(Value::from).collect()),
            "mtu" => line.trim().parse::<u64>().map_or_else(|_| Value::from(line.trim()), Value::from),
            _ => Value::from(line.trim()),
        };
        self.put(key, (!line.trim().is_empty()).then_some(value));
    }
    fn put(&mut self, key: &str, value: Option<Value>) {
        let Some(mut map) = self.map() else { return };
        match value {
            Some(value) => map.insert(key.to_owned(), value),
            None => map.remove(key),
        };
        self.json = pretty(&map);
    }
    /// What dockerd says against it, in its words.
    pub fn refusal(&self) -> Option<String> {
        DaemonConfig::from_flags_and_file("", Some(&self.json)).err()
    }
    /// Has something changed?
    pub fn has_changed(&self) -> bool {
        self.node().is_some_and(|node| node != self.base)
    }
    /// The host with these settings.
    pub fn node(&self) -> Option<NodeConfig> {
        let config = DaemonConfig::from_flags_and_file("", Some(&self.json)).ok()?;
        let mut node = self.base.clone();
        node.daemon = config.to_flags();
        node.rules.retain(|rule| !GUARD.contains(&rule.as_str()));
        if self.guard {
            node.rules.extend(GUARD.map(str::to_owned));
        }
        Some(node)
    }
}

/// What is wrong with the text, said beneath it.
pub const NO_JSON: Problem = "daemon.no_json";

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn pretty(map: &Map<String, Value>) -> String {
    // A map of plain values always has a text.
    serde_json::to_string_pretty(map).unwrap_or_default()
}

/// The settings that are not the usual ones, as daemon.json has them.
fn settings(config: &DaemonConfig) -> Map<String, Value> {
    let mut map = Map::new();
    // The flags are the same settings under (nearly) the same names.
    for flag in config.to_flags().split_whitespace() {
        let Some((name, value)) = flag.strip_prefix("--").and_then(|f| f.split_once('=')) else { continue };
        let (key, value) = match (name, value) {
            ("default-address-pool", pool) => {
                let (base, size) = pool.split_once(",size=").unwrap_or((pool, ""));
                let base = Value::from(base.trim_start_matches("base="));
                let size = size.parse::<u64>().map_or(Value::Null, Value::from);
                let pool = Map::from_iter([("base".to_owned(), base), ("size".to_owned(), size)]);
                ("default-address-pools", Value::Object(pool))
            }
            ("dns-opt", option) => ("dns-opts", Value::from(option)),
            (name, "true") => (name, Value::Bool(true)),
            (name, "false") => (name, Value::Bool(false)),
            ("mtu", n) => ("mtu", n.parse::<u64>().map_or(Value::Null, Value::from)),
            (name, text) => (name, Value::from(text)),
        };
        if matches!(key, "default-address-pools" | "dns" | "dns-search" | "dns-opts") {
            let list = map.entry(key).or_insert_with(|| Value::Array(Vec::new()));
            list.as_array_mut().into_iter().for_each(|l| l.push(value.clone()));
        } else {
            map.insert(key.to_owned(), value);
        }
    }
    map
}

impl App {
    /// Opens the settings of a host's engine.
    pub(super) fn open_daemon(&mut self, host: &str) {
        let node = self.lab.nodes.iter().find(|n| n.id == host && n.kind == NodeKind::DockerHost);
        self.dialog = node.map(|n| Dialog::Daemon(Box::new(DaemonForm::new(n))));
    }

    /// Saves them: the engine starts again.
    pub(super) fn save_daemon(&mut self, form: &DaemonForm) {
        let Some(node) = form.node() else { return };
        if self.edit(&Edit::SetNode(Box::new(node))) {
            self.dialog = None;
            self.toast("toast.engine_restarted", "", false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::store::Memory;
    use crate::app::{Action, Theme};
    use crate::explain::Lang;

    fn form() -> (App, DaemonForm) {
        let mut app = App::new(Box::new(Memory::default()), (Lang::En, Theme::Light)).unwrap();
        app.act(Action::Daemon("docker-host".into()));
        let Some(Dialog::Daemon(form)) = app.dialog.clone() else { panic!("no form") };
        (app, *form)
    }

    #[test]
    fn form_and_file_are_two_views_of_the_same_settings() {
        let (_, mut form) = form();
        assert_eq!(form.json, "{}");
        form.turn("icc", true);
        form.set("mtu", "1400");
        form.set("default-address-pools", "10.10.0.0/16 24, 10.11.0.0/16 26");
        form.set("dns", "8.8.8.8, 1.1.1.1");
        assert_eq!(form.refusal(), None, "{}", form.json);
        let back = DaemonForm::new(&form.node().unwrap());
        assert_eq!(back.json, form.json);
        assert_eq!(back.value("default-address-pools"), "10.10.0.0/16 24, 10.11.0.0/16 26");
        assert!(!back.is_on("icc", true));
        form.json = "{ \"icc\": maybe }".into();
        assert!(form.refusal().is_some() && form.node().is_none() && !form.is_readable());
        form.json = "{ \"colour\": true }".into();
        assert!(form.refusal().is_some_and(|why| why.contains("colour")));
    }

    #[test]
    fn saving_restarts_the_engine_with_them_and_undo_takes_them_back() {
        let (mut app, mut form) = form();
        form.turn("icc", true);
        form.guard = true;
        app.act(Action::Dialog(Some(Box::new(Dialog::Daemon(Box::new(form))))));
        app.act(Action::Submit);
        assert_eq!(app.dialog, None);
        let rules = |app: &App| {
            let live = app.live();
            let ns = live.world.namespace(live.node("docker-host").unwrap().ns).unwrap();
            ns.nf.save(&crate::netfilter::TableKind::ALL, false)
        };
        let apart = |rules: &str| {
            rules.lines().any(|l| l.ends_with(" -i docker0 -o docker0 -j DROP") && !l.contains('!'))
        };
        let after = rules(&app);
        assert!(apart(&after) && after.contains("host firewall"), "{after}");
        app.act(Action::Undo);
        let before = rules(&app);
        assert!(!apart(&before) && !before.contains("host firewall"), "{before}");
    }
}
