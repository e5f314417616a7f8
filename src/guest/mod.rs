//! Programs: state machines over sockets. A program never blocks: it is polled when it starts,
//! when one of its sockets changes, when its alarm is due, when input or a signal came, and says
//! whether it is done.
//!
//! [`catalogue`] names every program. To add one: a module with a state machine, its table of
//! [`options::Opt`]s, and a line in `net::PROGRAMS` or `admin::PROGRAMS`.

mod admin;
mod creds;
pub mod dhcp;
pub mod dns;
mod files;
mod net;
pub mod options;
mod program;
mod registry;
pub mod tar;

pub use admin::{
    FileKind, Limit, TestError, WITH_EVERY_SHELL, absolute_path, kind_of, read_proc, test, with_creds,
    with_env, write_proc,
};
pub use creds::{Cap, Caps, Creds, group_id, user_files};
pub use files::Files;
pub use program::{Effect, MachineId, Names, Poll, Program, Signal, Stdin, Sys};
pub use registry::{Entry, ProgramInfo, StartError, catalogue, info, start};
