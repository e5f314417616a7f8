//! netpier: a small world of networks, emulated packet by packet, that shows how Docker
//! networking really works.
//!
//! The layers, from below. Each knows only those before it (`time`, `rng` and `wire` are open to all);
//! `tests/tidy.rs` holds them to it.
//!
//! * [`wire`]: bytes and what they mean.
//! * [`netfilter`]: hooks, tables, rules, connection tracking, NAT.
//! * [`stack`]: one network namespace, from its devices to its sockets, and the steps of the trace.
//! * [`guest`]: programs as state machines over sockets: ping, curl, a DNS server, `ip`, `iptables`.
//! * [`sim`]: the World: many namespaces, the cables between them, one queue of events.
//! * [`docker`]: an engine does to one namespace what Docker does to a Linux host.
//! * [`shell`]: a line of text becomes a pipeline of commands.
//! * [`session`]: a running lab, its terminals and its past.
//! * [`lab`]: the document: stored, edited, undone, put into a link.
//! * [`conform`] and [`bench`]: held against recordings of a real engine; measured.
//! * [`explain`]: the trace in words, and why something failed.
//! * [`lesson`]: the course and the clinic as data.
//! * [`app`]: the state of the page without a browser; `ui`: the page.
//!
//! A lab is opened, a line is typed, and what came of it is read:
//!
//! ```
//! use netpier::{explain::why, lab::Lab, time::Duration};
//!
//! let mut session = Lab::builtin("home").expect("it comes along").boot()?;
//! let limit = Duration::from_secs(30);
//! let job = session.run_line("laptop", "curl http://192.168.0.10:8080", limit)?;
//! assert_eq!(job.exit, Some(7)); // connection refused: nothing is published
//! let cause = why::diagnose(&session, &job).expect("it failed").cause;
//! assert_eq!(cause.key(), "nothing_listens");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
pub mod app;
pub mod bench;
#[cfg(not(target_arch = "wasm32"))]
pub mod conform;
pub mod docker;
pub mod explain;
pub mod guest;
pub mod lab;
pub mod lang;
pub mod lesson;
pub mod near;
pub mod netfilter;
pub mod rng;
pub mod session;
pub mod shell;
pub mod sim;
pub mod stack;
pub mod time;
#[cfg(target_arch = "wasm32")]
pub mod ui;
pub mod wire;
