//! A program with additions to its environment (`A=B program`, `env A=B program`), or run by somebody else
//! (`docker exec -u nobody`).

use crate::guest::{Creds, Poll, Program, Sys};
use crate::stack::Cx;

#[derive(Debug, Clone)]
struct WithEnv {
    extra: Vec<(String, String)>,
    creds: Option<Creds>,
    inner: Box<dyn Program>,
}

/// The program, seeing `extra` behind its machine's environment; a name given again replaces the
/// machine's.
pub fn with_env(inner: Box<dyn Program>, extra: Vec<(String, String)>) -> Box<dyn Program> {
    Box::new(WithEnv { extra, creds: None, inner })
}

/// The program, run by `creds` and not by its machine's root.
pub fn with_creds(inner: Box<dyn Program>, creds: Creds) -> Box<dyn Program> {
    Box::new(WithEnv { extra: Vec::new(), creds: Some(creds), inner })
}

impl Program for WithEnv {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        let given = |name: &str| self.extra.iter().any(|(n, _)| n == name);
        let mut env: Vec<_> = sys.env.iter().filter(|(n, _)| !given(n)).cloned().collect();
        env.extend(self.extra.iter().cloned());
        let cx = Cx { now: sys.cx.now, log: sys.cx.log, out: sys.cx.out, ids: sys.cx.ids };
        self.inner.poll(&mut Sys {
            ns: sys.ns,
            cx,
            pid: sys.pid,
            hostname: sys.hostname,
            names: sys.names,
            files: sys.files,
            env: &env,
            creds: self.creds.unwrap_or(sys.creds),
            stdin: sys.stdin,
            tty: sys.tty,
            signal: sys.signal,
            rng: sys.rng,
            effects: sys.effects,
            busy: sys.busy,
            alarm: sys.alarm,
        })
    }
    fn name(&self) -> &str {
        self.inner.name()
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
