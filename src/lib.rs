//! netpier: a small world of networks, emulated packet by packet, that shows how Docker
//! networking really works.
pub mod app;
pub mod bench;
#[cfg(not(target_arch = "wasm32"))]
pub mod conform;
pub mod docker;
pub mod explain;
pub mod guest;
pub mod lab;
pub mod lesson;
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
