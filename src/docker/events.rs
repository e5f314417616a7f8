//! `docker events`: what the engine tells of its doings, kept for who asks later and sent to who listens
//! (moby, daemon/events, api/types/events).
//!
//! Supported: containers, networks, images, services and nodes of a swarm; `--since`, `--until` (also one
//! still to come), `--filter`, `--format`. The last 256 are kept, as in Docker.

use super::engine::{Container, Engine, reply};
use super::follow::{Follow, follow_line};
use super::inspect;
use super::template::{Template, TemplateError};
use super::{Attach, EngineError, Response, moment, names};
use crate::guest::MachineId;
use crate::sim::World;
use crate::stack::Pid;
use crate::time::{Duration, Instant};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// So many are kept (moby, daemon/events/events.go, eventsLimit).
const KEPT: usize = 256;

/// Something that was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    at: Instant,
    /// `container`, `network`, `image`, `service`, `node`.
    kind: &'static str,
    action: String,
    id: String,
    attributes: BTreeMap<String, String>,
    /// It is told in the whole swarm.
    of_swarm: bool,
}

/// Those that were told, newest last, and who listens.
#[derive(Debug, Clone, Default)]
pub(super) struct Events {
    told: Vec<Event>,
    listeners: Vec<Listener>,
    /// Commands of `docker exec` so far.
    execs: u64,
}

#[derive(Debug, Clone)]
struct Listener {
    /// The docker client.
    pid: Pid,
    filters: Vec<(String, String)>,
    format: Format,
}

/// How an event is printed.
#[derive(Debug, Clone)]
enum Format {
    Line,
    Json,
    Template(Template),
}

/// What `docker events` was asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventOptions {
    /// `--since`, as given.
    pub since: Option<String>,
    /// `--until`, as given.
    pub until: Option<String>,
    /// `--filter KEY=VALUE`.
    pub filters: Vec<(String, String)>,
    /// `--format`.
    pub format: Option<String>,
}

/// Pairs of a name and a value.
type Pairs<'a> = &'a [(&'a str, &'a str)];

impl Engine {
    /// Tells of container `i`.
    pub(super) fn tell(&mut self, world: &mut World, i: usize, action: &str, extra: Pairs<'_>) {
        let container = &self.containers[i];
        let (id, attributes) = (container.id.clone(), attributes_of(container));
        self.tell_of(world, ("container", action, id), attributes, extra);
    }

    /// Tells of a container that is not in the list any more.
    pub(super) fn tell_gone(&mut self, world: &mut World, container: &Container) {
        let of = ("container", "destroy", container.id.clone());
        self.tell_of(world, of, attributes_of(container), &[]);
    }

    /// Tells of the network with this id; `container` is the id of the one that joined or left it.
    pub(super) fn tell_network(
        &mut self,
        world: &mut World,
        id: &str,
        action: &str,
        container: Option<&str>,
    ) {
        let Some(net) = self.network_by_id(id) else { return };
        let attributes =
            BTreeMap::from([("name".to_owned(), net.name.clone()), ("type".to_owned(), net.driver.clone())]);
        let extra: Vec<_> = container.map(|c| ("container", c)).into_iter().collect();
        self.tell_of(world, ("network", action, id.to_owned()), attributes, &extra);
    }

    /// Tells that container `i` joined or left the network with this id.
    pub(super) fn tell_joined(&mut self, world: &mut World, i: usize, network: &str, action: &str) {
        let container = self.containers[i].id.clone();
        self.tell_network(world, network, action, Some(&container));
    }

    /// Tells that container `i` has left the networks that it joins whenever it runs: also where a start
    /// did not get so far as to join them (daemon/container_operations.go, releaseNetwork).
    pub(super) fn tell_left(&mut self, world: &mut World, i: usize) {
        let asked = self.containers[i].inner.attachments.iter();
        let ids: Vec<String> = asked
            .filter_map(|a| {
                let name = a.network_id.as_deref().unwrap_or(&a.spec.network);
                self.find_network(name).ok().map(|n| self.networks[n].id.clone())
            })
            .collect();
        ids.iter().for_each(|id| self.tell_joined(world, i, id, "disconnect"));
    }

    /// The same of one that is on the host's network, or on none.
    pub(super) fn tell_plain(&mut self, world: &mut World, i: usize, action: &str) {
        let mode = self.containers[i].network_mode().to_owned();
        let net =
            self.networks.iter().find(|n| n.name == mode && matches!(n.driver.as_str(), "host" | "null"));
        if let Some(id) = net.map(|n| n.id.clone()) {
            self.tell_joined(world, i, &id, action);
        }
    }

    /// Tells that things of this kind that nobody uses were removed.
    pub(super) fn tell_pruned(&mut self, world: &mut World, kind: &'static str) {
        self.tell_of(world, (kind, "prune", String::new()), BTreeMap::new(), &[("reclaimed", "0")]);
    }

    /// Tells of an image: its name, or what it lost.
    pub(super) fn tell_image(&mut self, world: &mut World, id: &str, action: &str, name: &str) {
        self.tell_of(world, ("image", action, format!("sha256:{id}")), BTreeMap::new(), &[("name", name)]);
    }

    /// Tells that `command` begins in container `i`, and makes its id.
    pub(super) fn tell_exec(&mut self, world: &mut World, i: usize, command: &[String]) -> String {
        self.events.execs += 1;
        // Apart from what else is drawn: an exec changes nobody's address.
        let id = names::id(&mut world.rng_for(&format!("exec {} {}", self.host.0, self.events.execs)));
        let (word, args) = command.split_first().map_or(("", &[][..]), |(w, a)| (w.as_str(), a));
        for action in ["exec_create", "exec_start"] {
            let action = format!("{action}: {word} {}", args.join(" "));
            self.tell(world, i, &action, &[("execID", &id)]);
        }
        id
    }

    /// The command of `docker exec` with this id ended, in the container on `machine`.
    pub fn exec_done(&mut self, world: &mut World, machine: MachineId, id: &str, code: i32) {
        if let Some(i) = self.containers.iter().position(|c| c.machine == machine) {
            self.tell(world, i, "exec_die", &[("execID", id), ("exitCode", &code.to_string())]);
        }
    }

    /// Tells of what belongs to the swarm: a service, a node, a network of its own.
    pub(super) fn tell_in_swarm(
        &mut self,
        world: &mut World,
        (kind, action): (&'static str, &str),
        id: &str,
        name: &str,
    ) {
        let attributes = BTreeMap::from([("name".to_owned(), name.to_owned())]);
        self.tell_of(world, (kind, action, id.to_owned()), attributes, &[]);
    }

    /// Tells of anything.
    pub(super) fn tell_of(
        &mut self,
        world: &mut World,
        (kind, action, id): (&'static str, &str, String),
        mut attributes: BTreeMap<String, String>,
        extra: Pairs<'_>,
    ) {
        attributes.extend(extra.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        // A network of the swarm is made and removed by all; who joins it is a node's own business.
        let of_swarm = matches!((kind, action), ("service" | "node", _) | ("network", "update" | "remove"))
            || (kind == "network" && action == "create" && !attributes.contains_key("type"));
        let event = Event { at: world.now(), kind, action: action.to_owned(), id, attributes, of_swarm };
        self.events.listeners.retain(|l| world.process(l.pid).is_some());
        for listener in &self.events.listeners {
            if event.passes(&listener.filters)
                && let Ok(line) = event.shown(&listener.format)
            {
                world.write_stdin(listener.pid, &follow_line('o', &line), false);
            }
        }
        self.events.told.push(event);
        if self.events.told.len() > KEPT {
            self.events.told.remove(0);
        }
    }

    /// `docker events`.
    pub(super) fn docker_events(&mut self, world: &mut World, options: &EventOptions) -> Response {
        let fail = |stderr: String, exit| Response { stderr, exit, ..Response::default() };
        let format = match Format::read(options.format.as_deref()) {
            Ok(format) => format,
            Err(e) => return fail(format!("Error parsing format: {e}\n"), 64),
        };
        let now = world.now();
        let read = |text: &Option<String>| {
            text.as_deref().filter(|t| !t.is_empty()).map(|t| moment::parse(t, now)).transpose()
        };
        let (since, until) = match read(&options.since).and_then(|s| Ok((s, read(&options.until)?))) {
            Ok(bounds) => bounds,
            Err(e) => return fail(format!("{e}\n"), 1),
        };
        let unix = |nanos: i64| (nanos + moment::BEGIN_NANOS).div_euclid(1_000_000_000);
        if let (Some(since), Some(until)) = (since, until)
            && since > until
            && unix(until) != 0
        {
            let message =
                format!("`since` time ({}) cannot be after `until` time ({})", unix(since), unix(until));
            return reply(Err(EngineError::new(message)));
        }
        let mut response = Response::default();
        if since.is_some() || until.is_some() {
            // A moment of zero is none (moby, daemon/events/events.go, loadBufferedEvents).
            let last = until.filter(|u| unix(*u) > 0);
            let told = self.events.told.iter().filter(|e| {
                let at = nanos(e.at);
                since.is_none_or(|s| at >= s) && last.is_none_or(|u| at <= u) && e.passes(&options.filters)
            });
            for event in told {
                match event.shown(&format) {
                    Ok(line) => response.stdout += &line,
                    Err(e) => return fail(format!("Error parsing format: {e}\n"), 64),
                }
            }
        }
        if until.is_some_and(|u| u <= nanos(now)) {
            return response;
        }
        let pid = world.spawn(self.host, Box::new(Follow), true, false);
        self.events.listeners.push(Listener { pid, filters: options.filters.clone(), format });
        if let Some(until) = until {
            let left = u64::try_from(until - nanos(now)).unwrap_or(0);
            let line = format!("timer {} events {}\n", (now + Duration(left)).as_nanos(), pid.0);
            world.write_stdin(self.dockerd, &line, false);
        }
        response.attach = Some(Attach::Main(pid));
        response
    }

    /// The moment has come up to which the client with this process number listens.
    pub(super) fn end_listening(&mut self, world: &mut World, pid: &str) {
        for listener in self.events.listeners.extract_if(.., |l| l.pid.0.to_string() == pid) {
            world.write_stdin(listener.pid, "x\n", false);
        }
    }

    /// dockerd ends: what it told is forgotten, and who listens hears no more.
    pub(super) fn forget_events(&mut self, world: &mut World) {
        for listener in std::mem::take(&mut self.events).listeners {
            world.write_stdin(listener.pid, "x\n", false);
        }
    }
}

fn nanos(at: Instant) -> i64 {
    i64::try_from(at.as_nanos()).unwrap_or(i64::MAX)
}

/// Name, image and labels: what every event of a container has.
fn attributes_of(container: &Container) -> BTreeMap<String, String> {
    let mut all: BTreeMap<_, _> = container.inner.spec.labels.iter().cloned().collect();
    all.insert("image".to_owned(), container.image.clone());
    all.insert("name".to_owned(), container.name.clone());
    all
}

impl Format {
    fn read(text: Option<&str>) -> Result<Self, String> {
        Ok(match text {
            None | Some("") => Self::Line,
            Some("json" | "{{json .}}" | "{{ json . }}") => Self::Json,
            Some(text) => Self::Template(
                Template::parse(text).map_err(|(TemplateError::Parse(e) | TemplateError::Exec(e))| e)?,
            ),
        })
    }
}

impl Event {
    /// Whether the filters let it through (moby, daemon/events/filter.go). Those of one key are
    /// alternatives; a key that is not known changes nothing.
    fn passes(&self, filters: &[(String, String)]) -> bool {
        let admits = |key: &str, fits: &dyn Fn(&str) -> bool| {
            let mut given = filters.iter().filter(|f| f.0 == key).peekable();
            given.peek().is_none() || given.any(|f| fits(&f.1))
        };
        let name = self.attributes.get("name").map_or("", String::as_str);
        let fuzzy = |key| admits(key, &|v| self.id.starts_with(v) || name.starts_with(v));
        let given = |key| filters.iter().filter(move |f| f.0 == key).map(|f| f.1.as_str());
        // An exec's command stands behind its action, and nobody filters for that.
        let loose = given("event").any(|v| matches!(v, "exec_create" | "exec_start" | "health_status"));
        let image = self.attributes.get(if self.kind == "image" { "name" } else { "image" });
        let untagged = |text: &str| text.split(':').next().unwrap_or(text).to_owned();
        let is_image = |v: &str| {
            let image = image.map_or("", String::as_str);
            [self.id.clone(), image.to_owned(), untagged(&self.id), untagged(image)].contains(&v.to_owned())
        };
        admits("event", &|v| if loose { self.action.starts_with(v) } else { self.action == v })
            && admits("type", &|v| self.kind == v)
            && admits("scope", &|v| self.scope() == v)
            && admits("image", &is_image)
            && ["container", "network", "node", "service", "volume", "plugin", "daemon", "secret", "config"]
                .into_iter()
                .all(fuzzy)
            && given("label").all(|wanted| match wanted.split_once('=') {
                Some((key, value)) => self.attributes.get(key).is_some_and(|v| v == value),
                None => self.attributes.contains_key(wanted),
            })
    }

    fn scope(&self) -> &'static str {
        if self.of_swarm { "swarm" } else { "local" }
    }

    /// Its line.
    fn shown(&self, format: &Format) -> Result<String, String> {
        let unix = nanos(self.at) + moment::BEGIN_NANOS;
        let (status, from) = match self.kind {
            "container" => (Some(&self.action), self.attributes.get("image")),
            "image" => (Some(&self.action), None),
            _ => (None, None),
        };
        let or_empty = |text: Option<&String>| text.cloned().unwrap_or_default();
        Ok(match format {
            Format::Line => {
                let attributes: Vec<_> = self.attributes.iter().map(|(k, v)| format!("{k}={v}")).collect();
                format!(
                    "{} {} {} {} ({})\n",
                    inspect::moment(Some(self.at)),
                    self.kind,
                    self.action,
                    self.id,
                    attributes.join(", ")
                )
            }
            Format::Json => {
                let old = status.map_or_else(String::new, |status| {
                    let from = from.map(|f| format!(",\"from\":{}", json!(f))).unwrap_or_default();
                    format!("\"status\":{},\"id\":{}{from},", json!(status), json!(self.id))
                });
                format!(
                    "{{{old}\"Type\":{},\"Action\":{},\"Actor\":{{\"ID\":{},\"Attributes\":{}}},\"scope\":{},\"time\":{},\
                     \"timeNano\":{unix}}}\n",
                    json!(self.kind),
                    json!(self.action),
                    json!(self.id),
                    json!(self.attributes),
                    json!(self.scope()),
                    unix.div_euclid(1_000_000_000),
                )
            }
            Format::Template(template) => {
                let id = if status.is_some() { self.id.as_str() } else { "" };
                let value: Value = json!({
                    "Status": or_empty(status), "ID": id, "From": or_empty(from),
                    "Type": self.kind, "Action": self.action,
                    "Actor": {"ID": self.id, "Attributes": self.attributes},
                    "Scope": self.scope(), "Time": unix.div_euclid(1_000_000_000), "TimeNano": unix,
                });
                let made = template.render_as(&value, "*events.Message");
                made.map_err(|(TemplateError::Parse(e) | TemplateError::Exec(e))| e)? + "\n"
            }
        })
    }
}
