//! The World: namespaces, machines, links, processes and the queue of what happens next.

mod world;

pub use world::{Event, Link, LinkId, LinkSpec, Machine, Process, Progress, World};
