//! The World: namespaces, machines, links, processes and the queue of what happens next.
//!
//! One *event* is a frame that arrives, a timer that is due, or an alarm of a process. All that
//! follows from it at the same instant (frames put on links, processes woken and polled) is part
//! of it, so a moment of the past is exact to one event.
//!
//! Supported: cables and veth pairs with latency, loss and a down state, Wi-Fi. Not supported: bandwidth
//! (a link carries any number of frames at once) and reordering on one link.

mod air;
mod beyond;
mod link;
mod process;
mod processes;
mod queue;
mod run;
#[cfg(test)]
mod tests;
mod world;

pub use link::{Link, LinkId, LinkSpec};
pub use process::Process;
pub use run::{Event, Progress};
pub use world::{Machine, World};
