//! Names: DNS messages (RFC 1035), the resolver library that programs share, and the server.
//!
//! Supported: A and PTR questions over UDP, CNAME in answers, search lists, several servers,
//! forwarding. Not supported: TCP, DNSSEC, zone transfers; AAAA is never asked (IPv6 is left
//! out), and answered as "no such data" where the name is known.

mod ask;
mod message;
mod record;
mod resolver;
mod server;
mod zone;

pub use ask::{Ask, AskError};
pub use message::{Code, Message, Question, reverse_name};
pub use record::{Data, Kind, Record, Soa, dotted, is_name, parent, whole, within};
pub use resolver::{AddrLookup, Found, HostLookup, LookupError, ResolverConfig};
pub use server::{DNSD_OPTIONS, DnsServer, read_relay_line, relay_line};
pub use zone::Zone;
