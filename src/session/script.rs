//! Scripts that are the main process of a detached container: `docker run -d IMAGE sh -c '…'`.
//!
//! The engine starts a process that only waits and queues the script; a shell of the session runs
//! it, prints into the container's log, and has that process end with its own status.

use super::Session;
use super::run::{Home, ShellId};
use super::setup::NO_JOB;
use crate::guest::Stdin;
use crate::shell::{join, parse};

impl Session {
    /// Starts the shells of the scripts that the engines have queued. True if there were any.
    pub(super) fn start_scripts(&mut self) -> bool {
        let mut any = false;
        for node in 0..self.nodes.len() {
            let scripts = self.nodes[node].engine.as_mut().map(|e| e.take_scripts()).unwrap_or_default();
            for mut script in scripts {
                any = true;
                // The shell here is one, whatever it is called.
                script.argv[0] = "sh".to_owned();
                let parsed = parse(&join(&script.argv)).ok().filter(|_| !self.too_many_shells());
                let Some(parsed) = parsed else {
                    self.shell_done(node, script.main, 254);
                    continue;
                };
                let stdin = Stdin { data: String::new(), closed: true };
                let home = Home::Log(script.main);
                let id = self.add_shell(NO_JOB, node, script.machine, parsed, home, stdin);
                let shell = self.shell_mut(id);
                (shell.background, shell.main) = (true, Some(script.main));
            }
        }
        any
    }

    /// Is this shell a part of a script whose container has been stopped (and may run anew)?
    pub(super) fn has_lost_main(&self, mut id: ShellId) -> bool {
        loop {
            match self.shells.get(&id).map(|s| s.home) {
                Some(Home::Log(main)) => return self.world.process(main).is_none(),
                Some(Home::Stage(parent, _) | Home::Capture(parent)) => id = parent,
                _ => return false,
            }
        }
    }
}
