//! Names: DNS messages (RFC 1035), the resolver library that programs share, and the server.
//!
//! Supported: zones with referrals, wildcards and negative answers, search from the root down,
//! caches with TTLs, forwarding, search lists, UDP, TCP where an answer is too long. Not supported:
//! DNSSEC, zone transfers; AAAA is never asked (IPv6 is left out), and answered as "no such data"
//! where the name is known.

mod ask;
mod authority;
mod cache;
mod message;
mod record;
mod resolve;
mod resolver;
mod server;
mod zone;

pub use ask::{Ask, AskError, AskOptions};
pub use cache::{CacheLine, Kept};
pub use message::{Code, Message, Question, reverse_name};
pub use record::{Data, Kind, Record, Soa, dotted, is_name, parent, whole, within};
pub use resolver::{AddrLookup, Found, HostLookup, LookupError, ResolverConfig, inet_aton};
pub use server::{DNSD_OPTIONS, DnsServer, read_relay_line, relay_line};
pub use zone::Zone;
