//! Netfilter: hooks, tables, chains, rules, connection tracking and NAT for IPv4.
//!
//! ```text
//!  in ─▶ PREROUTING ─▶ (route) ─▶ FORWARD ─▶ POSTROUTING ─▶ out
//!        raw ct nat       │       filter     nat (ct confirm)
//!                         ▼                     ▲
//!                       INPUT                 OUTPUT
//!                    filter nat            raw ct nat filter
//!                         ▼                     │
//!                         └──── local process ──┘
//! ```
//! The layer knows nothing of namespaces or interfaces beyond their names. What it must ask
//! of the machine it runs on, it asks through [`Host`].

mod conntrack;
mod eval;
mod nat;
mod rule;
mod save;

pub use conntrack::{Conntrack, CtDirection, CtEntry, CtId, CtState, Tuple};
pub use eval::{Meta, Verdict};
pub use nat::{NatKind, PortChoice};
pub use rule::{AddrType, Chain, ChainId, Match, NfError, RejectWith, Rule, RuleId, Table, Target};

use std::net::Ipv4Addr;

use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::{Flow, IfIndex};

/// The five places in a packet's way where rules are asked (linux/netfilter_ipv4.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// Just arrived, before routing.
    Prerouting,
    /// Routed to this machine.
    Input,
    /// Routed to somebody else.
    Forward,
    /// Made by a local process.
    Output,
    /// About to leave.
    Postrouting,
}

/// The tables, in the order in which a hook asks them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TableKind {
    /// Before connection tracking.
    Raw,
    /// Changes of header fields.
    Mangle,
    /// Address translation, asked once for a connection.
    Nat,
    /// May it pass?
    Filter,
}

/// What netfilter asks of the machine it is part of.
pub trait Host {
    /// How the routing table classes `addr` (`-m addrtype`, xt_addrtype.c).
    fn addr_type(&self, addr: Ipv4Addr) -> AddrType;
    /// The same, but only the addresses of `dev` count as local (`--limit-iface-in`,
    /// `--limit-iface-out`).
    fn addr_type_on(&self, _dev: IfIndex, addr: Ipv4Addr) -> AddrType {
        self.addr_type(addr)
    }
    /// The source address that MASQUERADE takes for packets to `dst` through `dev`: the
    /// interface's primary address of suitable scope. None if it has no address.
    fn masquerade_addr(&self, dev: IfIndex, dst: Ipv4Addr) -> Option<Ipv4Addr>;
}

/// Receives what happens to the packet in hand, in order.
pub trait NfLog {
    /// One step.
    fn nf(&mut self, step: NfStep);
}

/// What netfilter did to a packet: typed, without words.
#[derive(Debug, Clone, PartialEq)]
pub enum NfStep {
    /// A table's base chain begins to be walked at a hook. Only noted if it has rules.
    Enter {
        /** where */
        hook: Hook,
        /** which table */
        table: TableKind,
    },
    /// A rule of `chain` matched; its counters went up by 1 and `bytes`.
    /// For jumps and returns too, so the walk can be followed. `target` says what came of it.
    Matched {
        /** table */
        table: TableKind,
        /** chain */
        chain: ChainId,
        /** rule */
        rule: RuleId,
        /** position at that time, from 0 */
        index: u16,
        /** result */
        target: MatchedTarget,
        /** IP length */
        bytes: u16,
    },
    /// The end of a base chain: its policy decided.
    Policy {
        /** table */
        table: TableKind,
        /** chain */
        chain: ChainId,
        /** true: ACCEPT */
        accept: bool,
        /** IP length */
        bytes: u16,
    },
    /// Connection tracking recognised the packet (or did not): its entry and state.
    Tracked {
        /** entry */
        ct: CtId,
        /** state the rules will see */
        state: CtState,
        /** which way */
        dir: CtDirection,
    },
    /// A packet that belongs to no connection and cannot begin one (`INVALID`).
    Invalid,
    /// The packet's addresses were rewritten. `undo`: a reply is given back the old ones.
    Translated {
        /** what changed */
        kind: NatKind,
        /** before */
        before: Flow,
        /** after */
        after: Flow,
        /** by a rule now, or by the entry's memory */
        first: bool,
        /** with the first packets, or an answer being put right again */
        dir: CtDirection,
    },
    /// A new entry was put in the table (at POSTROUTING or INPUT, when the packet had passed).
    Confirmed {
        /** entry */
        ct: CtId,
    },
    /// An entry's protocol state changed (TCP), or it became assured.
    Updated {
        /** entry */
        ct: CtId,
    },
    /// An entry's time was over, or it was deleted.
    Destroyed {
        /** entry */
        ct: CtId,
    },
    /// A LOG rule spoke. The text is the kernel's log line after the prefix.
    Logged {
        /** `--log-prefix` and fields */
        line: Box<str>,
    },
}

/// What a matched rule made of the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchedTarget {
    /// No target: counted only.
    Count,
    /// `-j ACCEPT`.
    Accept,
    /// `-j DROP`.
    Drop,
    /// `-j REJECT`.
    Reject,
    /// `-j RETURN`.
    Return,
    /// `-j CHAIN`.
    Jump(ChainId),
    /// SNAT, DNAT, MASQUERADE, REDIRECT.
    Nat,
    /// `-j LOG`.
    Log,
    /// `-j MARK`: the firewall mark is now this.
    Mark(u32),
    /// `-j CT --notrack`.
    Notrack,
}

/// The netfilter state of one namespace: its tables and its connection tracking table.
#[derive(Debug, Clone)]
pub struct Netfilter {
    /// The connection tracking table.
    pub ct: Conntrack,
    tables: [Table; 4],
}

impl Netfilter {
    /// Empty tables with policy ACCEPT everywhere. `rng` draws hash secrets and NAT ports.
    pub fn new(_rng: Rng) -> Self {
        Self { ct: Conntrack, tables: [Table, Table, Table, Table] }
    }

    /// Walks the packet through everything that is registered at `hook`, in the kernel's order
    /// of priority (nf_ip_hook_priorities). `packet` is the IPv4 packet (header first, no
    /// Ethernet); NAT rewrites it in place and keeps all checksums right.
    ///
    /// Never allocates when no rule logs and no entry is made.
    pub fn hook(
        &mut self,
        _hook: Hook,
        _packet: &mut [u8],
        _meta: &mut Meta,
        _host: &impl Host,
        _now: Instant,
        _log: &mut impl NfLog,
    ) -> Verdict {
        Verdict::Accept { rerouted: false }
    }

    /// The name of a chain, also of one that is gone.
    pub fn chain_name(&self, _chain: ChainId) -> &str {
        todo!()
    }

    /// A rule as `iptables-save` prints it (`-A CHAIN …`), also one that is gone.
    pub fn rule_text(&self, _rule: RuleId) -> &str {
        todo!()
    }

    /// The table `kind`, for reading.
    pub fn table(&self, _kind: TableKind) -> &Table {
        todo!()
    }

    /// Removes entries whose time is over. The stack calls it from a timer.
    pub fn expire(&mut self, _now: Instant, _log: &mut impl NfLog) {
        todo!()
    }

    /// Does one `iptables` command line (without the word `iptables`), as the docker engine and
    /// the terminal give it: `-t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE`,
    /// also -I, -D (by rule and by number), -R, -F, -Z, -N, -X, -P, -E, -C. Listing (-L, -S) is
    /// text and belongs to the guest program `iptables`.
    ///
    /// # Errors
    /// In iptables' own words; nothing is changed then.
    pub fn command(&mut self, _args: &[&str]) -> Result<(), NfError> {
        todo!()
    }

    /// The tables in `iptables-save` syntax, with counters where `counters`.
    pub fn save(&self, _tables: &[TableKind], _counters: bool) -> String {
        todo!()
    }

    /// Replaces the tables that `text` (iptables-save syntax) names.
    ///
    /// # Errors
    /// Names the line; nothing is changed then.
    pub fn restore(&mut self, _text: &str) -> Result<(), NfError> {
        todo!()
    }
}
