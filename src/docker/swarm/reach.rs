//! Whether a connection would come about, without making one: it is tried in a copy of the World.
//! So cables, routes, firewalls and listeners all have their say, and nothing is left in the trace.

use crate::guest::MachineId;
use crate::sim::{Progress, World};
use crate::stack::{Errno, NsId, SocketId, SocketKind};
use crate::time::Duration;
use crate::wire::Endpoint;

/// How long is tried (the engine's timeouts are of this order).
const PATIENCE: Duration = Duration::from_secs(5);
/// Steps between two looks.
const SLICE: u64 = 32;

/// Tries all connections at once: from the host `from` to `to`. Of each: whether it comes about.
pub(super) fn connect_all(world: &mut World, tries: &[(MachineId, Endpoint)]) -> Vec<Result<(), Errno>> {
    let quiet = world.log.muted_twin();
    let log = std::mem::replace(&mut world.log, quiet);
    let mut twin = world.clone();
    world.log = log;
    let mut open: Vec<(NsId, Result<SocketId, Errno>)> = Vec::new();
    for &(machine, to) in tries {
        let ns = twin.machine(machine).map_or(NsId(u32::MAX), |m| m.ns);
        let begun = twin.with(ns, |n, cx| {
            let socket = n.socket(None, SocketKind::Tcp);
            match n.connect(socket, to, cx) {
                Ok(()) | Err(Errno::InProgress) => Ok(socket),
                Err(e) => Err(e),
            }
        });
        open.push((ns, begun.unwrap_or(Err(Errno::NetUnreach))));
    }
    let (end, quick) = (twin.now() + PATIENCE, twin.now() + Duration::from_secs(1));
    let mut results: Vec<Option<Result<(), Errno>>> =
        open.iter().map(|(_, s)| s.as_ref().err().map(|e| Err(*e))).collect();
    loop {
        for ((ns, socket), result) in open.iter().zip(&mut results) {
            if let (Ok(socket), None) = (socket, &result) {
                *result = twin.with(*ns, |n, _| n.connect_result(*socket)).flatten();
                // Who takes so long to say no is asked again, until there is no time left.
                if twin.now() > quick && matches!(result, Some(Err(Errno::HostUnreach))) {
                    *result = Some(Err(Errno::TimedOut));
                }
            }
        }
        if results.iter().all(Option::is_some) || twin.now() >= end {
            break;
        }
        let until = if twin.now() < quick { quick } else { end };
        let progress = twin.run_through(until, SLICE);
        twin.take_events();
        if progress == Progress::Time && twin.now() < until {
            break;
        }
    }
    results.into_iter().map(|r| r.unwrap_or(Err(Errno::TimedOut))).collect()
}

/// One of them.
pub(super) fn connect(world: &mut World, from: MachineId, to: Endpoint) -> Result<(), Errno> {
    connect_all(world, &[(from, to)]).pop().unwrap_or(Err(Errno::NetUnreach))
}
