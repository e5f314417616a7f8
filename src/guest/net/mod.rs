//! Programs that talk over the network: probes (`ping`, `curl` …) and servers.

use super::dns::{DNSD_OPTIONS, DnsServer};
use super::{Entry, ProgramInfo};

/// The table of these programs.
pub const PROGRAMS: &[Entry] = &[Entry {
    info: ProgramInfo {
        name: "dnsd",
        usage: "dnsd [--listen ADDR[:PORT]] [--zone FILE] [--forward ADDR]…",
        options: DNSD_OPTIONS,
        help: ["answer DNS questions", "DNS 질문에 답하는 서버"],
    },
    make: DnsServer::new,
}];
