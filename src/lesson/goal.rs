//! Goals: conditions on the running lab, and how far a learner has come.

use serde::{Deserialize, Serialize};

use super::Lesson;
use crate::session::{Job, Session};
use crate::stack::Step;
use crate::time::Duration;
use crate::wire::{IfName, Ipv4Net};
use std::net::Ipv4Addr;

/// A condition. None of them depends on the way by which the learner got there, but for `Ran`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Goal {
    /// The learner typed such a line, and it ended like this.
    Ran {
        /// Where; absent: anywhere.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<String>,
        /// The line; `*` stands for anything.
        line: String,
        /// What it printed, stdout or stderr.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        says: Option<String>,
        /// Whether it had to succeed (exit 0) or to fail; absent: either.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ok: Option<bool>,
    },
    /// This line would succeed, if it were typed now. It is tried in a copy of the lab.
    Can {
        /// Where.
        at: String,
        /// The line.
        run: String,
        /// What it has to print.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        says: Option<String>,
    },
    /// This line would fail.
    Cannot {
        /// Where.
        at: String,
        /// The line.
        run: String,
    },
    /// An interface has an address from this prefix, and a link.
    Address {
        /// Place: `NODE` or `NODE:CONTAINER`.
        at: String,
        /// Which interface; absent: any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port: Option<IfName>,
        /// Prefix.
        within: Ipv4Net,
    },
    /// A translated connection is (or was, while the learner worked) in the NAT table.
    Nat {
        /// Place.
        at: String,
        /// Who began it.
        from: Ipv4Net,
        /// With this source port.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port: Option<u16>,
        /// To whom it was addressed at first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        towards: Option<Ipv4Net>,
        /// What its source or its destination became.
        to: Ipv4Addr,
        /// To this port.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to_port: Option<u16>,
    },
    /// A packet was dropped there since the lesson began.
    Dropped {
        /// Place.
        at: String,
    },
}

/// How long a line that is tried may take, in virtual time.
const TRY_LIMIT: Duration = Duration::from_secs(20);
/// And how many events.
const TRY_EVENTS: u64 = 200_000;

/// Which goals were met. A goal that was met stays met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    met: Vec<bool>,
    /// Jobs and records before these belong to the set-up.
    jobs: u32,
    seq: u64,
}

impl Progress {
    /// Nothing met yet; the lesson begins with `session` as it is.
    pub fn new(lesson: &Lesson, session: &Session) -> Self {
        Self {
            met: vec![false; lesson.goals.len()],
            jobs: session.jobs().last().map_or(0, |j| j.id.0),
            seq: session.world.log.next_seq(),
        }
    }

    /// By goal.
    pub fn met(&self) -> &[bool] {
        &self.met
    }

    /// All of them.
    pub fn done(&self) -> bool {
        self.met.iter().all(|m| *m)
    }

    /// The first that is not met.
    pub fn next(&self) -> Option<usize> {
        self.met.iter().position(|m| !m)
    }

    /// Looks at the lab. True if a goal was met just now. Meant for moments at which something
    /// ended or changed: lines are tried in copies of `copy`, a [`Session::fork`] of `session`.
    pub fn look(&mut self, lesson: &Lesson, session: &Session, copy: &Session) -> bool {
        let mut news = false;
        for (goal, met) in lesson.goals.iter().zip(&mut self.met) {
            if !*met && goal.holds(session, copy, self.jobs, self.seq) {
                *met = true;
                news = true;
            }
        }
        news
    }

    /// What was to be tried or seen before something was mended counts once all that comes after it is
    /// met: the moment for it may be over. True if that met a goal just now.
    pub fn overtake(&mut self, lesson: &Lesson) -> bool {
        let mut news = false;
        for i in (0..self.met.len().saturating_sub(1)).rev() {
            let of_a_moment = matches!(lesson.goals.get(i), Some(Goal::Ran { .. } | Goal::Dropped { .. }));
            if !self.met[i] && of_a_moment && self.met[i + 1..].iter().all(|m| *m) {
                self.met[i] = true;
                news = true;
            }
        }
        news
    }
}

impl Goal {
    /// Does it hold now? `jobs` and `seq`: what came before the learner.
    fn holds(&self, session: &Session, copy: &Session, jobs: u32, seq: u64) -> bool {
        match self {
            Self::Ran { at, line, says, ok } => session.jobs().iter().any(|job| {
                job.id.0 > jobs
                    && at.as_ref().is_none_or(|at| *at == job.place)
                    && glob(line, &squeeze(&job.line))
                    && job.exit.is_some_and(|exit| ok.is_none_or(|ok| ok == (exit == 0)))
                    && says.as_ref().is_none_or(|text| prints(job, text))
            }),
            Self::Can { at, run, says } => tried(copy, at, run)
                .is_some_and(|job| job.exit == Some(0) && says.as_ref().is_none_or(|t| prints(&job, t))),
            Self::Cannot { at, run } => {
                tried(copy, at, run).is_some_and(|job| job.exit.is_some_and(|exit| exit != 0))
            }
            Self::Address { at, port, within } => namespace(session, at).is_some_and(|ns| {
                ns.devices().any(|d| {
                    d.is_running()
                        && port.is_none_or(|name| name == d.name)
                        && d.addrs.iter().any(|a| within.contains(&a.addr()))
                })
            }),
            Self::Nat { at, from, port, towards, to, to_port } => namespace(session, at).is_some_and(|ns| {
                ns.nf.ct.iter().any(|entry| {
                    let mapped = [entry.source_mapping(), entry.destination_mapping()];
                    let became = mapped
                        .into_iter()
                        .flatten()
                        .any(|(_, new)| new.addr == *to && to_port.is_none_or(|p| p == new.port));
                    let source = entry.original.src;
                    let meant = towards.is_none_or(|net| net.contains(&entry.original.dst.addr));
                    from.contains(&source.addr) && port.is_none_or(|p| p == source.port) && meant && became
                })
            }),
            Self::Dropped { at } => {
                let Some(ns) = namespace(session, at).map(|n| n.id) else { return false };
                let mut records = session.world.log.iter_from(seq);
                records.any(|(_, r)| r.ns == ns && matches!(r.step, Step::Dropped { .. }))
            }
        }
    }
}

fn namespace<'a>(session: &'a Session, place: &str) -> Option<&'a crate::stack::NetNs> {
    let machine = session.place(place).ok()?;
    session.world.namespace(session.world.machine(machine)?.ns)
}

/// Types the line in a copy.
fn tried(copy: &Session, at: &str, run: &str) -> Option<Job> {
    copy.clone().run_line_within(at, run, TRY_LIMIT, TRY_EVENTS).ok()
}

fn prints(job: &Job, text: &str) -> bool {
    job.stdout().contains(text) || job.stderr().contains(text)
}

/// One space between words.
fn squeeze(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Does `text` match a pattern in which `*` stands for anything?
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut open = false;
    for part in parts {
        open = true;
        match rest.find(part) {
            Some(at) if !part.is_empty() => rest = &rest[at + part.len()..],
            Some(_) => {}
            None => return false,
        }
    }
    rest.is_empty()
        || (open
            && (pattern.ends_with('*') || text.ends_with(pattern.rsplit('*').next().unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, wanted) in [
            ("docker ps", "docker ps", true),
            ("docker ps", "docker ps -a", false),
            ("docker ps*", "docker ps -a", true),
            ("docker run * nginx", "docker run -d nginx", true),
            ("docker run * nginx", "docker run -d nginx:1", false),
            ("*curl*8080*", "curl http://x:8080/", true),
            ("*curl*8080", "curl http://x:8080/8080", true),
            ("*", "", true),
            ("", "", true),
            ("ping *1", "ping 1 2", false),
        ] {
            assert_eq!(glob(pattern, text), wanted, "{pattern} on {text}");
        }
    }
}
