//! Restart policies (`--restart`), and what an engine's own restart does to its containers.
//!
//! A container that ended is started again after 100 ms, then 200 ms, … up to a minute; one that
//! ran for ten seconds begins anew (daemon/internal/restartmanager).

use super::DaemonConfig;
use super::engine::{ContainerState, Engine};
use super::rules;
use crate::guest::Signal;
use crate::sim::World;
use crate::time::Duration;

/// The first delay, the longest, and the run after which it starts over.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(60);
const LONG_RUN: Duration = Duration::from_secs(10);

/// A restart policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Policy {
    #[default]
    No,
    Always,
    UnlessStopped,
    /// At most so many times; 0: without end.
    OnFailure(u32),
}

impl Policy {
    /// Reads `always`, `on-failure:3`.
    ///
    /// # Errors
    /// In the engine's words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, count) = text.split_once(':').unwrap_or((text, ""));
        let count: i64 = if count.is_empty() { 0 } else { count.parse().unwrap_or(0) };
        let fail = |why: String| Err(format!("invalid restart policy: {why}"));
        if count < 0 {
            return fail("maximum retry count cannot be negative".into());
        }
        let policy = match name {
            "" | "no" => Self::No,
            "always" => Self::Always,
            "unless-stopped" => Self::UnlessStopped,
            "on-failure" => return Ok(Self::OnFailure(u32::try_from(count).unwrap_or(u32::MAX))),
            other => {
                return fail(format!(
                    "unknown policy '{other}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'"
                ));
            }
        };
        if count != 0 {
            return fail("maximum retry count can only be used with 'on-failure'".into());
        }
        Ok(policy)
    }

    /// Its name and number of retries, as `docker inspect` shows them.
    pub fn shown(self) -> (&'static str, u32) {
        match self {
            Self::No => ("no", 0),
            Self::Always => ("always", 0),
            Self::UnlessStopped => ("unless-stopped", 0),
            Self::OnFailure(n) => ("on-failure", n),
        }
    }
}

impl Engine {
    /// The policy of container `i`.
    pub(super) fn policy(&self, i: usize) -> Policy {
        let asked = self.containers[i].inner.spec.restart.as_deref();
        asked.and_then(|text| Policy::parse(text).ok()).unwrap_or_default()
    }

    /// The main process of container `i` ended by itself with `code`: whether it is to be started
    /// again, and its alarm is set then.
    pub(super) fn will_restart(&mut self, world: &mut World, i: usize, code: i32) -> bool {
        let policy = self.policy(i);
        let inner = &mut self.containers[i].inner;
        let again = match policy {
            Policy::No => false,
            Policy::Always | Policy::UnlessStopped => true,
            Policy::OnFailure(most) => code != 0 && (most == 0 || inner.restarts < most),
        };
        if !again || inner.stopped_by_hand {
            return false;
        }
        let ran = inner.started.map_or(Duration::ZERO, |at| world.now().since(at));
        let long = ran >= LONG_RUN;
        let delay = match inner.delay {
            Some(last) if !long => Duration((last.0 * 2).min(LONGEST.0)),
            _ => FIRST,
        };
        inner.delay = Some(delay);
        let line = format!("timer {} {}\n", (world.now() + delay).as_nanos(), self.containers[i].id);
        world.write_stdin(self.dockerd, &line, false);
        true
    }

    /// The alarm of a container that is to be started again.
    pub(super) fn restart_due(&mut self, world: &mut World, id: &str) {
        let Some(i) = self.containers.iter().position(|c| c.id == id) else { return };
        if !matches!(self.containers[i].state, ContainerState::Restarting { .. }) {
            return;
        }
        self.containers[i].inner.restarts += 1;
        if self.start(world, i, false).is_err() {
            self.containers[i].state = ContainerState::Exited { code: 128 };
        }
    }

    /// dockerd ends and starts again with other settings (without live-restore): containers stop,
    /// the engine's rules are written anew, user networks first, then docker0; containers come back
    /// by their policies. What the administrator wrote stays.
    pub fn restart(&mut self, world: &mut World, config: DaemonConfig) {
        let mut back: Vec<String> = Vec::new();
        for i in 0..self.containers.len() {
            let state = self.containers[i].state;
            let active = matches!(
                state,
                ContainerState::Running | ContainerState::Paused | ContainerState::Restarting { .. }
            );
            let by_hand = self.containers[i].inner.stopped_by_hand;
            if active {
                self.thaw(world, i);
                let remove = std::mem::replace(&mut self.containers[i].inner.spec.remove, false);
                self.halt(world, i, Signal::Term);
                self.containers[i].inner.spec.remove = remove;
                self.containers[i].inner.stopped_by_hand = by_hand;
            }
            let code = if let ContainerState::Exited { code } = self.containers[i].state { code } else { 0 };
            let created = self.containers[i].state == ContainerState::Created;
            let comes_back = match self.policy(i) {
                Policy::No => false,
                Policy::Always => true,
                Policy::UnlessStopped => !by_hand,
                Policy::OnFailure(_) => code != 0 && !by_hand,
            };
            if comes_back && !created {
                back.push(self.containers[i].id.clone());
            }
        }
        self.containers
            .iter()
            .filter(|c| c.inner.spec.remove)
            .map(|c| c.id.clone())
            .collect::<Vec<_>>()
            .iter()
            .for_each(|id| {
                if let Ok(i) = self.find(id) {
                    self.remove(world, i);
                }
            });
        let host = self.host_ns(world);
        for net in &self.networks {
            if let Some(net_rules) = &net.rules {
                rules::undo(world, host, &net_rules.network());
            }
        }
        rules::engine_end(world, host);
        self.config = config;
        self.begin(world);
        for net in &mut self.networks {
            if let Some(net_rules) = net.rules.as_mut().filter(|_| net.name != "bridge") {
                net_rules.proxy = self.config.userland_proxy;
                net_rules.on = self.config.iptables;
                net_rules.direct = self.config.allow_direct_routing;
                let _ = rules::apply(world, host, &net_rules.network());
            }
        }
        for bridge in self.networks.iter().filter_map(|n| n.bridge.clone()).collect::<Vec<_>>() {
            self.route_localnet(world, &bridge);
        }
        self.remake_default_bridge(world);
        self.forget_events(world);
        for id in back {
            if let Ok(i) = self.find(&id) {
                self.containers[i].inner.stopped_by_hand = false;
                let _ = self.start(world, i, false);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_read_and_refused_in_the_engines_words() {
        for (text, want) in [
            ("no", Ok(Policy::No)),
            ("always", Ok(Policy::Always)),
            ("unless-stopped", Ok(Policy::UnlessStopped)),
            ("on-failure", Ok(Policy::OnFailure(0))),
            ("on-failure:3", Ok(Policy::OnFailure(3))),
            (
                "always:3",
                Err("invalid restart policy: maximum retry count can only be used with 'on-failure'"),
            ),
            (
                "foo",
                Err(
                    "invalid restart policy: unknown policy 'foo'; use one of 'no', 'always', 'on-failure', or \
                     'unless-stopped'",
                ),
            ),
        ] {
            assert_eq!(Policy::parse(text), want.map_err(str::to_owned), "{text}");
        }
    }
}
