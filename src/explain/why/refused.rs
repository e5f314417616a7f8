//! A command that a tool or the engine refused before anything was sent.

use super::closed::stopped;
use super::{Case, Cause, Found, swarm};
use crate::wire::Protocol;

/// The cause, from the words that were printed. None if nothing was said.
pub(super) fn find(case: Case<'_>, said: &str) -> Option<Found> {
    let story = case.story;
    let seq = story.exited.or(story.started.map(|s| s.0)).unwrap_or(case.job.first_seq);
    let cause = of_words(case, said)?;
    Some(Found { cause, seq, packet: None })
}

/// The port of the first word like `0.0.0.0:8080`, `[::]:8080` or `0.0.0.0:80:172.17.0.2:80/tcp`.
fn port_in(text: &str) -> Option<u16> {
    text.split_whitespace().find_map(|word| {
        let (host, port) = match word.rsplit_once("]:") {
            Some(v6) => v6,
            None => word.split_once(':')?,
        };
        let digits: String = port.chars().take_while(char::is_ascii_digit).collect();
        (!host.is_empty()).then(|| digits.parse().ok()).flatten()
    })
}

fn of_words(case: Case<'_>, said: &str) -> Option<Cause> {
    let first = said.lines().map(str::trim).find(|l| !l.is_empty())?;
    let line = |needle: &str| said.lines().find(|l| l.contains(needle));
    if let Some(line) = line("port is already allocated").or(line("address already in use")) {
        let at = line.find("Bind for ").or(line.find("host port for ")).unwrap_or(0);
        return Some(port_taken(case, port_in(&line[at..])?));
    }
    if let Some(line) = line("Address already in use") {
        let digits: Vec<u16> =
            line.split(|c: char| !c.is_ascii_digit()).filter_map(|w| w.parse().ok()).collect();
        // Databases name the port in a line of its own; the last number may be the error's.
        let named = said.split_once("on port").and_then(|(_, rest)| {
            let rest = rest.trim_start_matches([':', ' ']);
            rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        });
        let port = named.or_else(|| port_in(line)).or(digits.into_iter().next_back());
        return Some(port_taken(case, port.unwrap_or(0)));
    }
    if let Some(line) = line("address pools have been fully") {
        return Some(Cause::PoolsUsedUp { words: daemon_words(line) });
    }
    if let Some(line) = line("Pool overlaps").or(line("overlaps with")) {
        return Some(Cause::SubnetTaken { words: daemon_words(line) });
    }
    if let Some(cause) = swarm::refused(case, said) {
        return Some(cause);
    }
    if line("not a swarm manager").is_some() {
        return Some(Cause::NoSwarm);
    }
    if let Some(line) = line("is not running") {
        let id = line.split_whitespace().skip_while(|w| *w != "container").nth(1)?;
        let node = case.atlas.session.node(case.job.place.split(':').next()?).ok()?;
        let c = node.engine.as_ref().and_then(|e| e.container(id));
        return Some(c.map_or_else(|| Cause::Refused { words: daemon_words(line) }, stopped));
    }
    if let Some(line) = line("cannot join network namespace of a non running container") {
        let owner = line.split(": container ").nth(1)?.split_whitespace().next()?.to_owned();
        let words: Vec<&str> = case.job.line.split_whitespace().collect();
        let named = words.iter().position(|w| *w == "--name").and_then(|i| words.get(i + 1));
        let container = named.map_or_else(|| "-".to_owned(), |n| (*n).to_owned());
        return Some(Cause::OwnerStopped { container, owner });
    }
    if let Some(line) = line("is paused, unpause the container") {
        let container = line.split("ontainer ").nth(1)?.split_whitespace().next()?.to_owned();
        return Some(Cause::Paused { container });
    }
    for needle in ["executable file not found", "command not found", ": not found"] {
        let Some(line) = line(needle) else { continue };
        if case.job.exit != Some(127) {
            continue;
        }
        let program = match line.split('"').nth(1) {
            Some(quoted) => quoted,
            None => line[..line.find(needle)?].rsplit([' ', ':']).find(|w| !w.is_empty())?,
        };
        if let Some(cause) = behind_image(&case.job.line, program) {
            return Some(cause);
        }
        let place = exec_target(case).unwrap_or_else(|| case.job.place.clone());
        return Some(Cause::NoProgram { place, program: program.to_owned() });
    }
    let daemon = said.lines().find(|l| l.contains("Error response from daemon: "));
    let stderr = case.job.stderr();
    // Lines with a star are what curl -v tells of its doings.
    let own = stderr.lines().map(str::trim).find(|l| !l.is_empty() && !l.starts_with("* "));
    match (daemon, own) {
        (Some(line), _) => Some(Cause::Refused { words: daemon_words(line) }),
        (None, Some(words)) => Some(Cause::Refused { words: words.to_owned() }),
        (None, None) if case.story.started.is_none() => None,
        // A tool that failed without a word, and sent nothing: what it printed may say why.
        (None, None) if first.contains("rror") => Some(Cause::Refused { words: first.to_owned() }),
        (None, None) => None,
    }
}

/// What the engine said, without its preface.
fn daemon_words(line: &str) -> String {
    line.rsplit("Error response from daemon: ").next().unwrap_or(line).trim().to_owned()
}

/// A program that is none: what looks like an option, behind the image of a `docker run`.
fn behind_image(line: &str, program: &str) -> Option<Cause> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let run = words.iter().position(|w| matches!(*w, "run" | "create"))?;
    let at =
        words.iter().position(|w| *w == program).filter(|at| program.starts_with('-') && *at > run + 1)?;
    Some(Cause::OptionAfterImage { option: program.to_owned(), image: words[at - 1].to_owned() })
}

/// The container that a `docker exec` named.
fn exec_target(case: Case<'_>) -> Option<String> {
    let words: Vec<&str> = case.job.line.split_whitespace().collect();
    let node = case.atlas.session.node(&case.job.place).ok()?;
    let engine = node.engine.as_ref().filter(|_| words.contains(&"exec"))?;
    let c = words.iter().find_map(|w| engine.containers().iter().find(|c| c.name == **w))?;
    Some(format!("{}:{}", case.job.place, c.name))
}

/// Who has the port.
fn port_taken(case: Case<'_>, port: u16) -> Cause {
    let node = case.atlas.session.node(case.job.place.split(':').next().unwrap_or_default()).ok();
    // One that shares another container's network has met that one's own programs.
    let inside = case.atlas.container(case.asker).map(|_| case.atlas.place(case.asker));
    let place =
        inside.unwrap_or_else(|| node.map_or_else(|| case.job.place.clone(), |n| n.config.id.clone()));
    let by_container = node.and_then(|n| {
        let all = case.atlas.containers_of(n);
        all.iter().find(|c| c.ports.iter().any(|p| p.host_port == port)).map(|c| c.name.clone())
    });
    let by_program = || {
        let ns = if case.asker == crate::stack::NsId::default() { node?.ns } else { case.asker };
        let mut all = case.atlas.listeners(ns, Protocol::Tcp, port);
        all.extend(case.atlas.listeners(ns, Protocol::Udp, port));
        all.iter().find_map(|s| case.atlas.owner_name(s))
    };
    Cause::PortTaken { place, port, by: by_container.or_else(by_program) }
}
