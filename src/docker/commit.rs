//! Images that are made here: `docker commit`, and `docker history`.
//!
//! Supported: the files of a container and what it was told to run, changes to that (`-c`), messages; such an
//! image is run, tagged, inspected and removed like any other. Not supported: `HEALTHCHECK`, `ONBUILD` and
//! `VOLUME` are taken and change nothing.
//!
//! Source: moby, daemon/commit.go, builder/dockerfile (BuildFromConfig), image/image.go.

use super::engine::{Container, Engine, EngineError, reply};
use super::image::{self, Image};
use super::inspect::moment;
use super::listing::{human, list};
use super::names::short;
use super::{ContainerState, Response, RunSpec};
use crate::guest::Files;
use crate::sim::World;
use crate::time::Instant;
use crate::wire::Protocol;
use serde_json::{Map, Value, json};

/// Images that one engine keeps.
const MOST: usize = 64;

/// Layers of one image (moby, layer/layer_store.go, maxLayerDepth).
const DEEPEST: usize = 125;

/// `docker commit`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Commit {
    /// Name or id.
    pub container: String,
    /// What the image is called; None: nothing.
    pub name: Option<String>,
    /// `-m`.
    pub message: String,
    /// `-a`.
    pub author: String,
    /// `-c`: instructions of a Dockerfile.
    pub changes: Vec<String>,
}

/// A layer, as `docker history` tells of it.
#[derive(Debug, Clone)]
struct Layer {
    id: String,
    created: Option<Instant>,
    by: String,
    size: String,
    comment: String,
}

/// An image that was made of a container.
#[derive(Debug, Clone)]
pub(super) struct Made {
    /// 64 hexadecimal digits.
    pub id: String,
    /// The image that it began with.
    pub base: &'static Image,
    /// All its names, with tags.
    pub names: Vec<String>,
    /// Its files, without what an engine mounts.
    pub files: Files,
    /// What it runs; of `docker run` what matters here.
    config: RunSpec,
    author: String,
    /// The newest first.
    layers: Vec<Layer>,
}

impl Made {
    /// What is run of this image for `asked`: what that leaves open is the image's (runconfig, Merge).
    pub fn applied(&self, asked: &RunSpec) -> RunSpec {
        let mut spec = asked.clone();
        let own = &self.config;
        if spec.entrypoint.is_none() {
            if spec.command.is_empty() {
                spec.command.clone_from(&own.command);
            }
            spec.entrypoint.clone_from(&own.entrypoint);
            // The first word of an entry point is kept apart: the others come before the command.
            if own.entrypoint.is_some() && !asked.command.is_empty() {
                let words = own.command.iter().take(own.entry_words).chain(&asked.command);
                spec.command = words.cloned().collect();
            }
        }
        let mut env = own.env.clone();
        env.retain(|(key, _)| !spec.env.iter().any(|(k, _)| k == key));
        spec.env.splice(0..0, env);
        let mut labels = own.labels.clone();
        labels.retain(|(key, _)| !spec.labels.iter().any(|(k, _)| k == key));
        spec.labels.splice(0..0, labels);
        spec.expose.extend(&own.expose);
        spec.expose.sort_unstable();
        spec.expose.dedup();
        if spec.user.is_empty() {
            spec.user.clone_from(&own.user);
        }
        if spec.workdir.is_empty() {
            spec.workdir.clone_from(&own.workdir);
        }
        spec.stop_signal = spec.stop_signal.take().or_else(|| own.stop_signal.clone());
        spec
    }

    /// `inspect` of it.
    pub fn json(&self) -> Value {
        let own = &self.config;
        let mut env: Vec<String> = self.base.config_env().iter().map(|(k, v)| format!("{k}={v}")).collect();
        env.extend(own.env.iter().map(|(k, v)| format!("{k}={v}")));
        let ports: Map<String, Value> =
            self.ports().map(|(p, proto)| (format!("{p}/{proto}"), json!({}))).collect();
        let labels: Map<String, Value> = own.labels.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
        json!({
            "Id": format!("sha256:{}", self.id),
            "RepoTags": self.names,
            "Comment": self.layers.first().map_or("", |l| l.comment.as_str()),
            "Author": self.author,
            "Created": moment(self.layers.first().and_then(|l| l.created)),
            "Config": {
                "Env": env,
                "Cmd": self.command(),
                "Entrypoint": self.entrypoint(),
                "ExposedPorts": (!ports.is_empty()).then_some(ports),
                "Labels": (!labels.is_empty()).then_some(labels),
                "User": own.user,
                "WorkingDir": own.workdir,
            },
            "Architecture": "amd64",
            "Os": "linux",
        })
    }

    fn ports(&self) -> impl Iterator<Item = (u16, Protocol)> {
        let mut all: Vec<_> = self.base.expose.iter().chain(&self.config.expose).copied().collect();
        all.sort_unstable();
        all.dedup();
        all.into_iter()
    }

    fn entrypoint(&self) -> Option<Vec<String>> {
        let first = self.config.entrypoint.clone()?;
        let rest = self.config.command.iter().take(self.config.entry_words).cloned();
        Some(std::iter::once(first).chain(rest).collect())
    }

    fn command(&self) -> Option<Vec<String>> {
        let own: Vec<String> = match self.config.entrypoint {
            Some(_) => self.config.command.iter().skip(self.config.entry_words).cloned().collect(),
            None if self.config.command.is_empty() => {
                self.base.command.iter().map(|w| (*w).to_owned()).collect()
            }
            None => self.config.command.clone(),
        };
        (!own.is_empty()).then_some(own)
    }

    /// Its row in `docker images`, under one of its names or none.
    pub fn row(&self, name: Option<&str>, now: Instant) -> Value {
        let (repository, tag) = name.and_then(|n| n.rsplit_once(':')).unwrap_or(("<none>", "<none>"));
        let age = self.layers.first().and_then(|l| l.created).map(|c| human(now.since(c).as_secs()));
        json!({
            "Repository": repository,
            "Tag": tag,
            "ID": short(&self.id),
            "CreatedSince": format!("{} ago", age.unwrap_or_default()),
            "Size": self.base.size,
        })
    }
}

impl Engine {
    /// Which of the images that were made here is meant: by a name, or by its id.
    pub(super) fn made_of(&self, reference: &str) -> Option<usize> {
        let name = image::full_name(reference);
        let digits = reference.strip_prefix("sha256:").unwrap_or(reference);
        let by_id = digits.len() >= 4 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let named = self.made.iter().position(|m| m.names.contains(&name));
        named.or_else(|| self.made.iter().position(|m| by_id && m.id.starts_with(digits)))
    }

    /// The id of the image that container `c` was made of.
    pub(super) fn image_id(&self, c: &Container) -> String {
        c.inner.made.clone().unwrap_or_else(|| image::id(c.inner.base))
    }

    pub(super) fn docker_commit(&mut self, world: &mut World, commit: &Commit) -> Response {
        let done = self.commit(world, commit).map(|id| format!("sha256:{id}\n"));
        reply(done)
    }

    fn commit(&mut self, world: &mut World, commit: &Commit) -> Result<String, EngineError> {
        let i = self.find(&commit.container)?;
        if self.made.len() >= MOST {
            return Err(EngineError::new(format!(
                "netpier keeps at most {MOST} images of one's own; docker rmi some"
            )));
        }
        let name = commit.name.as_deref().map(image::full_name);
        if let Some(name) =
            name.as_deref().filter(|n| image::IMAGES.iter().any(|i| image::full_name(i.name) == **n))
        {
            return Err(EngineError::new(format!("{name} comes with netpier and stays: take another name")));
        }
        let inner = &self.containers[i].inner;
        let spec = &inner.spec;
        let mut config = RunSpec {
            command: spec.command.clone(),
            entrypoint: spec.entrypoint.clone(),
            entry_words: spec.entry_words,
            env: spec.env.clone(),
            labels: spec.labels.clone(),
            user: spec.user.clone(),
            workdir: spec.workdir.clone(),
            stop_signal: spec.stop_signal.clone(),
            expose: self.exposed(i),
            ..RunSpec::default()
        };
        commit.changes.iter().try_for_each(|line| change(&mut config, line)).map_err(EngineError::new)?;
        let Some(machine) = world.machine(self.containers[i].machine) else {
            return Err(EngineError::new(format!("No such container: {}", commit.container)));
        };
        let mut files = machine.files.clone();
        let outside: Vec<String> = files.paths().filter(|p| files.is_mounted(p)).map(str::to_owned).collect();
        for path in outside {
            files.remove(&path);
        }
        let changed = super::files::changes(&inner.origin, &machine.files);
        let size: u64 = changed.iter().filter_map(|(path, _)| files.get(path)).map(|f| f.len() as u64).sum();
        let (base, parent) = (inner.base, inner.made.as_ref());
        let below = match parent.and_then(|p| self.made.iter().find(|m| m.id == *p)) {
            Some(parent) => parent.layers.clone(),
            None => vec![lowest(base)],
        };
        if below.len() >= DEEPEST {
            return Err(EngineError::new("max depth exceeded"));
        }
        let layer_by = inner.command.join(" ");
        let id = self.new_id(world, "image");
        let mut layers = vec![Layer {
            id: id.clone(),
            created: Some(world.now()),
            by: layer_by,
            size: super::info::size(size),
            comment: commit.message.clone(),
        }];
        layers.extend(below);
        let told = name.clone().unwrap_or_default();
        self.take_name(name.as_deref());
        self.made.push(Made {
            id: id.clone(),
            base,
            names: name.into_iter().collect(),
            files,
            config,
            author: commit.author.clone(),
            layers,
        });
        let imaged = format!("sha256:{id}");
        self.tell(
            world,
            i,
            "commit",
            &[("comment", &commit.message), ("imageID", &imaged), ("imageRef", &told)],
        );
        Ok(id)
    }

    /// Nobody is called so any more.
    pub(super) fn take_name(&mut self, name: Option<&str>) {
        let Some(name) = name else { return };
        self.tags.retain(|t| t.0 != name);
        self.made.iter_mut().for_each(|m| m.names.retain(|n| n != name));
    }

    /// Takes a name from an image that was made here, or by its id all of them; without a name the image goes
    /// (moby, daemon/images/image_delete.go, ImageDelete).
    ///
    /// # Errors
    /// In the engine's words; nothing is changed then.
    pub(super) fn untag_made(
        &mut self,
        world: &mut World,
        m: usize,
        reference: &str,
        force: bool,
    ) -> Result<String, String> {
        let (id, names) = (self.made[m].id.clone(), self.made[m].names.clone());
        let digits = reference.strip_prefix("sha256:").unwrap_or(reference);
        let single = names.len() == 1;
        let mut told = String::new();
        if id.starts_with(digits) {
            // One name is no reason to keep it.
            self.conflict(m, force, single).map_or(Ok(()), Err)?;
        } else {
            let user = self.containers.iter().find(|c| c.inner.made.as_ref() == Some(&id));
            if let (Some(c), false, true) = (user, force, single) {
                return Err(format!(
                    "conflict: unable to remove repository reference {reference:?} (must force) - container {} is \
                     using its referenced image {}",
                    short(&c.id),
                    short(&id)
                ));
            }
            self.untag_one(world, m, &image::full_name(reference), &mut told);
            if !single || self.conflict(m, force, false).is_some() {
                return Ok(told);
            }
        }
        for name in &names {
            self.untag_one(world, m, name, &mut told);
        }
        let mut gone = Some(m);
        while let Some(m) = gone {
            let made = self.made.remove(m);
            told += &format!("Deleted: sha256:{}\n", made.id);
            self.tell_image(world, &made.id, "delete", &format!("sha256:{}", made.id));
            // What it was made of goes with it if nothing else holds that.
            let parent = made.layers.get(1).and_then(|l| self.made.iter().position(|m| m.id == l.id));
            gone = parent.filter(|&p| self.conflict(p, false, false).is_none());
        }
        Ok(told)
    }

    fn untag_one(&mut self, world: &mut World, m: usize, name: &str, told: &mut String) {
        let before = self.made[m].names.len();
        self.made[m].names.retain(|n| n != name);
        if self.made[m].names.len() < before {
            *told += &format!("Untagged: {name}\n");
            let id = self.made[m].id.clone();
            self.tell_image(world, &id, "untag", &format!("sha256:{id}"));
        }
    }

    /// Is another image made of this one?
    fn has_child(&self, id: &str) -> bool {
        self.made.iter().any(|m| m.layers.get(1).is_some_and(|l| l.id == id))
    }

    /// Why an image cannot be deleted; `named`: its names are no reason (checkImageDeleteConflict).
    fn conflict(&self, m: usize, force: bool, named: bool) -> Option<String> {
        let made = &self.made[m];
        let says = |how: &str, why: &str| {
            Some(format!("conflict: unable to delete {} ({how} be forced) - {why}", short(&made.id)))
        };
        let user = |running: bool| {
            let runs = |c: &Container| {
                matches!(
                    c.state,
                    ContainerState::Running | ContainerState::Paused | ContainerState::Restarting { .. }
                )
            };
            self.containers.iter().find(|c| c.inner.made.as_ref() == Some(&made.id) && runs(c) == running)
        };
        if self.has_child(&made.id) {
            return says("cannot", "image has dependent child images");
        }
        if let Some(c) = user(true) {
            return says("cannot", &format!("image is being used by running container {}", short(&c.id)));
        }
        if force {
            return None;
        }
        if !named && !made.names.is_empty() {
            return says("must", "image is referenced in multiple repositories");
        }
        let c = user(false)?;
        says("must", &format!("image is being used by stopped container {}", short(&c.id)))
    }

    /// Images without a name that nobody uses go, and no other image is made of.
    pub(super) fn prune_made(&mut self) -> String {
        let mut used: Vec<String> = self.containers.iter().filter_map(|c| c.inner.made.clone()).collect();
        used.extend(self.made.iter().filter_map(|m| m.layers.get(1)).map(|l| l.id.clone()));
        let mut told = String::new();
        self.made.retain(|m| {
            let stays = !m.names.is_empty() || used.contains(&m.id);
            if !stays {
                told += &format!("deleted: sha256:{}\n", m.id);
            }
            stays
        });
        if told.is_empty() { told } else { format!("Deleted Images:\n{told}\n") }
    }

    pub(super) fn docker_history(
        &self,
        world: &World,
        reference: &str,
        (quiet, no_trunc): (bool, bool),
        format: Option<&str>,
    ) -> Response {
        let layers = match (self.made_of(reference), self.image_of(reference)) {
            (Some(m), _) => self.made[m].layers.clone(),
            (None, Some(image)) => vec![lowest(image)],
            (None, None) => return reply(Err(super::tags::no_such(reference))),
        };
        let cut = |text: &str| match text.char_indices().nth(44) {
            Some((at, _)) if !no_trunc => format!("{}…", &text[..at]),
            _ => text.to_owned(),
        };
        let rows: Vec<Value> = layers
            .iter()
            .map(|l| {
                let since = match l.created {
                    Some(at) => format!("{} ago", human(world.now().since(at).as_secs())),
                    None => "2 weeks ago".to_owned(),
                };
                json!({
                    "ID": if no_trunc { format!("sha256:{}", l.id) } else { short(&l.id).to_owned() },
                    "CreatedSince": since,
                    "CreatedAt": moment(l.created),
                    "CreatedBy": cut(&l.by),
                    "Size": l.size,
                    "Comment": l.comment,
                })
            })
            .collect();
        let columns = [
            ("IMAGE", "ID"),
            ("CREATED", "CreatedSince"),
            ("CREATED BY", "CreatedBy"),
            ("SIZE", "Size"),
            ("COMMENT", "Comment"),
        ];
        list(&rows, &columns, quiet, (format, "*formatter.historyContext"))
    }
}

/// An image that comes with netpier is one layer.
fn lowest(image: &Image) -> Layer {
    Layer {
        id: image::id(image),
        created: None,
        by: String::new(),
        size: image.size.to_owned(),
        comment: "Imported from -".to_owned(),
    }
}

/// One `-c`: an instruction of a Dockerfile that is about what is run.
fn change(config: &mut RunSpec, line: &str) -> Result<(), String> {
    let (word, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
    let (word, rest) = (word.to_uppercase(), rest.trim());
    const KNOWN: [&str; 11] = [
        "CMD",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "HEALTHCHECK",
        "LABEL",
        "ONBUILD",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
        "WORKDIR",
    ];
    if !KNOWN.contains(&word.as_str()) {
        return Err(format!("{word} is not a valid change command"));
    }
    if rest.is_empty() && !matches!(word.as_str(), "CMD" | "ENTRYPOINT") {
        let wants =
            if matches!(word.as_str(), "STOPSIGNAL" | "USER" | "WORKDIR") { "exactly" } else { "at least" };
        return Err(format!("{word} requires {wants} one argument"));
    }
    let words = || match serde_json::from_str::<Vec<String>>(rest) {
        Ok(words) => words,
        Err(_) if rest.is_empty() => Vec::new(),
        Err(_) => vec!["/bin/sh".to_owned(), "-c".to_owned(), rest.to_owned()],
    };
    match word.as_str() {
        "CMD" => {
            let entry = if config.entrypoint.is_some() { config.entry_words } else { 0 };
            config.command.truncate(entry);
            config.command.extend(words());
        }
        "ENTRYPOINT" => {
            // Another entry point means another command (dispatchers.go, dispatchEntrypoint).
            let mut all = words().into_iter();
            config.entrypoint = all.next();
            config.command = all.collect();
            config.entry_words = config.command.len();
        }
        "ENV" | "LABEL" => {
            let list = if word == "ENV" { &mut config.env } else { &mut config.labels };
            for (key, value) in pairs(rest).map_err(|e| format!("{word} {e}"))? {
                list.retain(|(k, _)| *k != key);
                list.push((key, value));
            }
        }
        "EXPOSE" => {
            for port in rest.split_whitespace() {
                let ports = super::cli::exposed(port).map_err(|_| {
                    format!("Invalid containerPort: {}", port.split('/').next().unwrap_or_default())
                })?;
                config.expose.extend(ports);
            }
            config.expose.sort_unstable();
            config.expose.dedup();
        }
        "STOPSIGNAL" => config.stop_signal = Some(rest.to_owned()),
        "USER" => rest.clone_into(&mut config.user),
        "WORKDIR" => {
            let from = if config.workdir.is_empty() { "/" } else { &config.workdir };
            config.workdir = crate::guest::absolute_path(from, rest);
        }
        _ => {}
    }
    Ok(())
}

/// `A=1 B="two words"`, or the old `A the rest`.
fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    if !first.contains('=') {
        return match rest.trim() {
            "" => Err("must have two arguments".to_owned()),
            value => Ok(vec![(first.to_owned(), value.to_owned())]),
        };
    }
    let mut words: Vec<String> = vec![String::new()];
    let mut quote = None;
    for letter in text.chars() {
        let word = words.last_mut().expect("there is always one");
        match (letter, quote) {
            (c, Some(q)) if c == q => quote = None,
            (c @ ('"' | '\''), None) => quote = Some(c),
            (c, None) if c.is_whitespace() => words.push(String::new()),
            (c, _) => word.push(c),
        }
    }
    let named = |word: String| match word.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("names can not be blank".to_owned()),
    };
    words.into_iter().filter(|w| !w.is_empty()).map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(lines: &[&str]) -> Result<RunSpec, String> {
        let mut config = RunSpec { command: vec!["sleep".into(), "9".into()], ..RunSpec::default() };
        lines.iter().try_for_each(|line| change(&mut config, line)).map(|()| config)
    }

    #[test]
    fn instructions_change_what_is_run() {
        let config = changed(&[
            "ENTRYPOINT [\"echo\", \"in\"]",
            "cmd [\"x\"]",
            "ENV A=1 B='2 3'",
            "WORKDIR /srv",
            "WORKDIR a",
        ])
        .expect("all of them are known");
        assert_eq!((config.entrypoint.as_deref(), config.entry_words), (Some("echo"), 1));
        assert_eq!(config.command, ["in", "x"]);
        assert_eq!(config.env, [("A".into(), "1".into()), ("B".into(), "2 3".into())]);
        assert_eq!(config.workdir, "/srv/a");
        assert_eq!(
            changed(&["CMD echo $HOME"]).map(|c| c.command),
            Ok(vec!["/bin/sh".into(), "-c".into(), "echo $HOME".into()])
        );
        for (line, why) in [
            ("FOO bar", "FOO is not a valid change command"),
            ("ENV", "ENV requires at least one argument"),
            ("EXPOSE x", "Invalid containerPort: x"),
            ("USER", "USER requires exactly one argument"),
        ] {
            assert_eq!(changed(&[line]).err().as_deref(), Some(why), "{line}");
        }
    }
}
