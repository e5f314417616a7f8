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

mod alter;
mod chain_index;
mod command;
mod conntrack;
mod eval;
mod list;
mod log_line;
mod modules;
mod names;
mod nat;
mod packet;
mod parse;
mod print;
mod rule;
mod save;
mod simple;
mod table;
mod tcp_track;
mod tcp_window;

pub use alter::{Alter, Ttl};
pub use conntrack::{Conntrack, CtDirection, CtEntry, CtId, CtState, MAX_ENTRIES, Tuple};
pub use eval::{Meta, Verdict};
pub use names::{service_name, service_port};
pub use nat::{NatKind, PortChoice};
pub use rule::{
    AddrMatch, AddrType, AddrTypes, ChainId, ConntrackMatch, IPTABLES, IfMatch, LogSpec, Match, NatRange,
    NfError, PortSide, Ports, RejectWith, RuleId, RuleSpec, STATE_NAMES, Target, TcpFlagsMatch,
};
pub use table::{Chain, Rule, Rules, Table};

use std::net::Ipv4Addr;
use std::sync::Arc;

use conntrack::Clash;
use eval::{Walk, Walked};
use packet::View;

use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::{Flow, IfIndex, IfName};

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
    /// The MTU of an interface (`TCPMSS --clamp-mss-to-pmtu`).
    fn mtu(&self, _dev: IfIndex) -> u32 {
        u32::MAX
    }
    /// The name of an interface (`-i`, `-o`).
    fn name(&self, dev: IfIndex) -> IfName;
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
    /// False as long as no command has named one of them.
    any: bool,
    /// By [`ChainId`].
    names: Vec<Arc<str>>,
    /// By [`RuleId`].
    texts: Vec<Arc<str>>,
    rng: Rng,
}

impl Netfilter {
    /// Empty tables with policy ACCEPT everywhere. `rng` draws NAT ports.
    pub fn new(rng: Rng) -> Self {
        Self {
            ct: Conntrack::default(),
            tables: TableKind::ALL.map(Table::new),
            any: false,
            names: Vec::new(),
            texts: Vec::new(),
            rng,
        }
    }

    /// True if nothing is registered at any hook, so that packets pass without a word.
    #[inline]
    pub fn is_silent(&self) -> bool {
        !self.ct.is_on() && !self.any
    }

    /// Walks the packet through everything that is registered at `hook`, in the kernel's order
    /// of priority (nf_ip_hook_priorities). `packet` is the IPv4 packet (header first, no
    /// Ethernet); NAT rewrites it in place and keeps all checksums right.
    ///
    /// Never allocates when no rule logs and no entry is made.
    pub fn hook(
        &mut self,
        hook: Hook,
        packet: &mut [u8],
        meta: &mut Meta,
        host: &impl Host,
        now: Instant,
        log: &mut impl NfLog,
    ) -> Verdict {
        let read = if self.is_silent() { None } else { View::read(packet, 0, false) };
        let Some(mut view) = read else { return Verdict::Accept { rerouted: false } };
        let dst = view.dst;
        let mut pass = Pass { hook, packet, view: &mut view, meta, host, now, log };
        let ended = match hook {
            Hook::Prerouting | Hook::Output => self.enter(&mut pass),
            Hook::Forward => self.ask(&mut pass, &[TableKind::Mangle, TableKind::Filter]),
            Hook::Input => self
                .ask(&mut pass, &[TableKind::Mangle, TableKind::Filter])
                .and_then(|()| self.leave(&mut pass)),
            Hook::Postrouting => {
                self.ask(&mut pass, &[TableKind::Mangle]).and_then(|()| self.leave(&mut pass))
            }
        };
        match ended {
            Err(verdict) => verdict,
            Ok(()) => {
                let rerouted = matches!(hook, Hook::Prerouting | Hook::Output) && view.dst != dst;
                Verdict::Accept { rerouted }
            }
        }
    }

    /// PREROUTING and OUTPUT: the packet begins its way here.
    fn enter(&mut self, pass: &mut Pass<'_, impl Host, impl NfLog>) -> Result<(), Verdict> {
        self.ask(pass, &[TableKind::Raw])?;
        if self.ct.is_on() {
            self.ct
                .track(pass.view, pass.packet, pass.meta, pass.now, pass.log)
                .map_err(|_full| Verdict::TableFull)?;
        }
        self.ask(pass, &[TableKind::Mangle])?;
        self.translate(pass)?;
        if pass.hook == Hook::Output { self.ask(pass, &[TableKind::Filter]) } else { Ok(()) }
    }

    /// POSTROUTING and INPUT: the packet ends its way here; its connection is now known.
    fn leave(&mut self, pass: &mut Pass<'_, impl Host, impl NfLog>) -> Result<(), Verdict> {
        self.translate(pass)?;
        let Some((id, _, dir)) = pass.meta.ct else { return Ok(()) };
        self.ct.confirm(id, dir, pass.now, pass.log).map_err(|Clash| Verdict::NatExhausted)
    }

    fn ask(
        &mut self,
        pass: &mut Pass<'_, impl Host, impl NfLog>,
        kinds: &[TableKind],
    ) -> Result<(), Verdict> {
        for &kind in kinds {
            if let Walked::Stop(verdict) = self.walk(pass, kind) {
                return Err(verdict);
            }
        }
        Ok(())
    }

    fn walk(&mut self, pass: &mut Pass<'_, impl Host, impl NfLog>, kind: TableKind) -> Walked {
        let table = &mut self.tables[kind as usize];
        if !table.is_present() {
            return Walked::Accept;
        }
        let mut walk = Walk {
            hook: pass.hook,
            packet: &mut *pass.packet,
            view: pass.view,
            meta: pass.meta,
            ct: &self.ct,
            host: pass.host,
            now: pass.now,
            log: pass.log,
        };
        walk.table(table)
    }

    /// The nat table, asked for a connection's first packet only, and the rewriting of every
    /// packet of a translated connection (nf_nat_inet_fn).
    fn translate(&mut self, pass: &mut Pass<'_, impl Host, impl NfLog>) -> Result<(), Verdict> {
        let Some((id, state, _)) = pass.meta.ct else { return Ok(()) };
        if !self.tables[TableKind::Nat as usize].is_present() {
            return Ok(());
        }
        let kind = NatKind::at(pass.hook);
        let first = state == CtState::New && nat::is_open(&self.ct, id, kind);
        if first {
            let range = match self.walk(pass, TableKind::Nat) {
                Walked::Stop(verdict) => return Err(verdict),
                Walked::Accept => NatRange::default(),
                Walked::Nat(target) => nat::resolve(&target, pass.hook, pass.view, pass.meta, pass.host)
                    .map_err(|_| Verdict::NatExhausted)?,
            };
            nat::setup(&mut self.ct, &mut self.rng, id, kind, &range, pass.log);
        }
        nat::apply(&self.ct, pass.hook, pass.packet, pass.view, pass.meta, first, pass.log)
            .map_err(|_| Verdict::NatExhausted)
    }

    /// The name of a chain, also of one that is gone.
    pub fn chain_name(&self, chain: ChainId) -> &str {
        self.names.get(usize::from(chain.0)).map_or("", |name| name)
    }

    /// A rule as `iptables-save` prints it (`-A CHAIN …`), also one that is gone.
    pub fn rule_text(&self, rule: RuleId) -> &str {
        self.texts.get(rule.0 as usize).map_or("", |text| text)
    }

    /// The table `kind`, for reading.
    pub fn table(&self, kind: TableKind) -> &Table {
        &self.tables[kind as usize]
    }

    /// Removes entries whose time is over. The stack calls it from a timer; see
    /// [`Conntrack::next_expiry`].
    pub fn expire(&mut self, now: Instant, log: &mut impl NfLog) {
        self.ct.expire(now, log);
    }
}

/// A packet at a hook, with what it travels with.
struct Pass<'a, H, L> {
    hook: Hook,
    packet: &'a mut [u8],
    view: &'a mut View,
    meta: &'a mut Meta,
    host: &'a H,
    now: Instant,
    log: &'a mut L,
}

#[cfg(test)]
mod tests;
