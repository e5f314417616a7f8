//! Files of containers, seen from outside: `docker cp`, `diff`, `export`.
//!
//! Supported: files and directories in both directions, with docker's rules for where they land; what changed
//! against the image; an archive of it all. Not supported: links, owners and modes (no file here has them), an
//! archive on standard input.
//!
//! Source: docker/cli, cli/command/container/cp.go; moby, pkg/archive (copy.go, changes.go).

use super::engine::{Engine, EngineError, reply};
use super::{Response, privilege};
use crate::guest::{Files, absolute_path, tar};
use crate::sim::World;
use std::collections::{BTreeMap, BTreeSet};

/// `docker cp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// `CONTAINER:PATH`, a path of the client's, or `-`.
    pub source: String,
    /// The same.
    pub target: String,
    /// Where the client's paths begin.
    pub cwd: String,
}

/// A path as `docker cp` was given it: what it means, and how it ended.
struct Place {
    /// Absolute, without a slash at its end.
    path: String,
    /// It ended in `/` or `/.`: a directory is meant.
    directory: bool,
    /// It ended in `/.`: what is in it is meant.
    inside: bool,
}

impl Place {
    fn new(cwd: &str, text: &str) -> Self {
        let inside = text == "." || text.ends_with("/.");
        Self { path: absolute_path(cwd, text), directory: inside || text.ends_with('/'), inside }
    }
    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
    /// With the slash it was given with.
    fn told(&self) -> String {
        if self.directory && self.path != "/" { format!("{}/", self.path) } else { self.path.clone() }
    }
}

/// The directory that a path lies in.
fn above(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((above, _)) => above,
    }
}

/// Is there a directory: one that every system has, one that was made, or one with something in it?
fn is_dir(files: &Files, path: &str) -> bool {
    privilege::is_directory(path) || files.is_directory(path)
}

/// `CONTAINER:PATH`, or None for a path of the client's (splitCpArg).
fn in_container(arg: &str) -> Option<(&str, &str)> {
    if arg.starts_with(['/', '.']) {
        return None;
    }
    arg.split_once(':').filter(|(container, _)| !container.is_empty())
}

/// Puts what was gathered to `path` of `files`; `into` says that it is a directory.
fn place(files: &Files, found: &[(String, Vec<u8>)], path: &str, into: bool) -> Result<Files, &'static str> {
    let mut files = files.clone();
    if into {
        files.make_directory(path)?;
    }
    for (relative, content) in found {
        let at = absolute_path(path, relative);
        match relative.ends_with('/') {
            true => files.make_directory(&at)?,
            false => files.put(&at, content.clone())?,
        }
    }
    Ok(files)
}

/// Where a copy of `source` goes when it is to go to `target` (archive.PrepareArchiveCopy).
fn lands(source: (&Place, bool), target: &Place, files: &Files) -> Result<String, &'static str> {
    let (source, is_directory) = source;
    match () {
        () if is_dir(files, &target.path) && !source.inside => Ok(absolute_path(&target.path, source.name())),
        () if is_dir(files, &target.path) => Ok(target.path.clone()),
        () if files.get(&target.path).is_some() && is_directory => Err("cannot copy directory"),
        // A file where a directory was said to be, or nothing.
        () if target.directory && !is_directory => Err("no such directory"),
        () => Ok(target.path.clone()),
    }
}

impl Engine {
    /// The files of a container, which has to be there.
    fn files_of<'w>(&self, world: &'w World, name: &str) -> Result<&'w Files, EngineError> {
        let i = self.find(name)?;
        let machine = world.machine(self.containers[i].machine);
        machine.map(|m| &m.files).ok_or_else(|| EngineError::new(format!("No such container: {name}")))
    }

    pub(super) fn docker_cp(&self, world: &mut World, copy: &Copy) -> Response {
        let plain = |text: &str| Response { stderr: format!("{text}\n"), exit: 1, ..Response::default() };
        if copy.source.is_empty() {
            return plain("source can not be empty");
        }
        if copy.target.is_empty() {
            return plain("destination can not be empty");
        }
        let done = match (in_container(&copy.source), in_container(&copy.target)) {
            (Some(_), Some(_)) => return plain("copying between containers is not supported"),
            (None, None) => return plain("must specify at least one container source"),
            (Some((name, path)), None) => self.copy_out(world, (name, path), copy),
            (None, Some((name, path))) => self.copy_in(world, (name, path), copy),
        };
        match done {
            Ok(Ok(stdout)) => Response::ok(stdout),
            Ok(Err(said)) => plain(&said),
            Err(e) => reply(Err(e)),
        }
    }

    /// Out of a container. The outer error is the engine's, the inner one the client's.
    fn copy_out(
        &self,
        world: &mut World,
        (name, path): (&str, &str),
        copy: &Copy,
    ) -> Result<Result<String, String>, EngineError> {
        let target = Place::new(&copy.cwd, &copy.target);
        let Some(host) = world.machine(self.host) else { return Ok(Ok(String::new())) };
        if copy.target != "-" && !is_dir(&host.files, above(&target.path)) {
            let above = above(&target.path);
            return Ok(Err(format!("invalid output path: directory {above:?} does not exist")));
        }
        let source = Place::new("/", path);
        let files = self.files_of(world, name)?;
        let is_file = files.get(&source.path).is_some();
        if is_file && source.directory {
            return Err(EngineError::new(format!("lstat {}: not a directory", source.told())));
        }
        if !is_file && !is_dir(files, &source.path) {
            let at = source.told();
            return Err(EngineError::new(format!("Could not find the file {at} in container {name}")));
        }
        let found = files.gather(&source.path);
        if copy.target == "-" {
            let named = |(path, content): (String, Vec<u8>)| match path.as_str() {
                "" => (source.name().to_owned(), content),
                path => (format!("{}/{path}", source.name()), content),
            };
            return Ok(Ok(tar::pack(found.into_iter().map(named))));
        }
        let new = lands((&source, !is_file), &target, &host.files)
            .and_then(|to| place(&host.files, &found, &to, !is_file));
        Ok(match (new, world.machine_mut(self.host)) {
            (Ok(files), Some(host)) => {
                host.files = files;
                Ok(String::new())
            }
            (Err(e), _) => Err(e.to_owned()),
            (Ok(_), None) => Ok(String::new()),
        })
    }

    /// Into a container.
    fn copy_in(
        &self,
        world: &mut World,
        (name, path): (&str, &str),
        copy: &Copy,
    ) -> Result<Result<String, String>, EngineError> {
        if copy.source == "-" {
            return Ok(Err("netpier reads no archive here: give docker cp a path".to_owned()));
        }
        let source = Place::new(&copy.cwd, &copy.source);
        let Some(host) = world.machine(self.host) else { return Ok(Ok(String::new())) };
        let is_file = host.files.get(&source.path).is_some();
        if !is_file && !is_dir(&host.files, &source.path) {
            return Ok(Err(format!("lstat {}: no such file or directory", source.told())));
        }
        let found = host.files.gather(&source.path);
        let files = self.files_of(world, name)?;
        if path.is_empty() {
            return Ok(Err("no such directory".to_owned()));
        }
        let target = Place::new("/", path);
        let to = match lands((&source, !is_file), &target, files) {
            Ok(to) => to,
            Err(e) => return Ok(Err(e.to_owned())),
        };
        if !is_dir(files, above(&to)) {
            let above = above(&to);
            return Err(EngineError::new(format!("Could not find the file {above} in container {name}")));
        }
        let new = place(files, &found, &to, !is_file).map_err(EngineError::new)?;
        let i = self.find(name)?;
        if let Some(machine) = world.machine_mut(self.containers[i].machine) {
            machine.files = new;
        }
        Ok(Ok(String::new()))
    }

    pub(super) fn docker_diff(&self, world: &World, name: &str) -> Response {
        let done = self.find(name).and_then(|i| {
            let now = self.files_of(world, name)?;
            let changes = changes(&self.containers[i].inner.origin, now);
            Ok(changes.into_iter().map(|(path, kind)| format!("{kind} {path}\n")).collect())
        });
        reply(done)
    }

    pub(super) fn docker_export(
        &self,
        world: &mut World,
        name: &str,
        output: Option<(&str, &str)>,
    ) -> Response {
        let fail = |text: String| Response { stderr: text, exit: 1, ..Response::default() };
        let at = output.map(|(cwd, path)| (absolute_path(cwd, path), path));
        if let (Some((full, path)), Some(host)) = (&at, world.machine(self.host))
            && !is_dir(&host.files, above(full))
        {
            let above = above(path);
            return fail(format!(
                "failed to export container: invalid output path: stat {above}: no such file or directory\n"
            ));
        }
        let files = match self.files_of(world, name) {
            Ok(files) => files,
            Err(e) => return reply(Err(e)),
        };
        let archive = tar::pack(files.gather("/").into_iter().map(|(path, content)| {
            let outside = files.is_mounted(&format!("/{path}"));
            (path, if outside { Vec::new() } else { content })
        }));
        let Some((full, _)) = at else { return Response::ok(archive) };
        match world.machine_mut(self.host).map(|host| host.files.put(&full, archive)) {
            Some(Err(e)) => fail(format!("failed to export container: write {full}: {}\n", e.to_lowercase())),
            _ => Response::default(),
        }
    }
}

/// What is another in `now` than it was: `A` is new, `C` changed, `D` gone. A directory has changed when
/// something in it has; what comes from outside does not count; of a directory that is gone nothing else is
/// told.
pub(super) fn changes(origin: &Files, now: &Files) -> Vec<(String, char)> {
    let mut all: BTreeMap<String, char> = BTreeMap::new();
    let (dirs_before, dirs_now) = (origin.all_directories(), now.all_directories());
    for path in now.paths().filter(|p| !now.is_mounted(p)) {
        match origin.get(path) {
            None => drop(all.insert(path.to_owned(), 'A')),
            Some(before) if Some(before) != now.get(path) => drop(all.insert(path.to_owned(), 'C')),
            Some(_) => {}
        }
    }
    let known = |dirs: &BTreeSet<&str>, dir: &str| dirs.contains(dir) || privilege::is_directory(dir);
    for dir in dirs_now.iter().filter(|d| !known(&dirs_before, d)) {
        all.insert((*dir).to_owned(), 'A');
    }
    let gone_dirs = dirs_before.iter().copied().filter(|d| !known(&dirs_now, d));
    let gone = origin.paths().filter(|p| now.get(p).is_none() && !now.is_mounted(p)).chain(gone_dirs);
    for path in gone {
        if above(path) == "/" || known(&dirs_now, above(path)) {
            all.insert(path.to_owned(), 'D');
        }
    }
    let changed: Vec<String> = all.keys().cloned().collect();
    for path in changed {
        let mut at = above(&path);
        while at != "/" {
            all.entry(at.to_owned()).or_insert('C');
            at = above(at);
        }
    }
    all.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(paths: &[(&str, &str)]) -> Files {
        let mut files = Files::default();
        for (path, content) in paths {
            files.put(path, *content).expect("room");
        }
        files
    }

    #[test]
    fn a_change_shows_in_the_directories_above_it() {
        let origin = files(&[("/etc/os", "1"), ("/opt/a/b", "1"), ("/opt/a/c", "1"), ("/etc/hosts", "")]);
        let mut now = files(&[("/etc/os", "2"), ("/srv/www/x", "1"), ("/etc/hosts", "127.0.0.1")]);
        now.mount("/etc/hosts");
        let told: Vec<String> =
            changes(&origin, &now).into_iter().map(|(path, kind)| format!("{kind} {path}")).collect();
        let want = ["C /etc", "C /etc/os", "C /opt", "D /opt/a", "C /srv", "A /srv/www", "A /srv/www/x"];
        assert_eq!(told, want);
    }

    #[test]
    fn copies_land_where_docker_puts_them() {
        let there = files(&[("/opt/in/f", ""), ("/tmp/file", "")]);
        let dir = |text: &str| (Place::new("/", text), true);
        let file = |text: &str| (Place::new("/", text), false);
        for ((source, is_dir), target, want) in [
            (dir("/x/www"), "/opt/in", Ok("/opt/in/www")),
            (dir("/x/www/."), "/opt/in", Ok("/opt/in")),
            (dir("/x/www"), "/opt/new", Ok("/opt/new")),
            (dir("/x/www"), "/tmp/file", Err("cannot copy directory")),
            (file("/x/a"), "/opt/in", Ok("/opt/in/a")),
            (file("/x/a"), "/tmp/file", Ok("/tmp/file")),
            (file("/x/a"), "/opt/none/", Err("no such directory")),
        ] {
            let got = lands((&source, is_dir), &Place::new("/", target), &there);
            assert_eq!(got.as_deref().map_err(|e| *e), want, "{target}");
        }
    }
}
