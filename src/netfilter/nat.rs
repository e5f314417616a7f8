//! Address translation: which address, which port, and the rewriting of packets
//! (nf_nat_core.c, nf_nat_proto.c).
//!
//! Supported: TCP, UDP, ICMP queries by identifier, other protocols by address, ICMP errors with
//! the packet that they quote, eviction of connections that are over when ports run out. Not
//! supported: helpers for protocols that carry addresses in their data (FTP, SIP).

use super::conntrack::{Conntrack, CtDirection, CtId, CtState, Status, Tup};
use super::packet::{ICMP, TCP, UDP, View, refill_icmp_checksum};
use super::rule::{NatRange, Target};
use super::{Hook, Host, Meta, NfLog, NfStep};
use crate::rng::Rng;
use crate::wire::Ipv4Addr;

/// Which half of the flow was rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NatKind {
    /// The source (SNAT, MASQUERADE), at POSTROUTING or INPUT.
    Source,
    /// The destination (DNAT, REDIRECT), at PREROUTING or OUTPUT.
    Destination,
}

/// How a source port is chosen when the source is rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PortChoice {
    /// Linux's: keep it if the tuple stays unique, otherwise another (nf_nat_core.c).
    #[default]
    Keep,
    /// `--random-fully`: always a random one, as many consumer routers do.
    Random,
}

impl NatRange {
    /// How a port is chosen.
    pub const fn port_choice(&self) -> PortChoice {
        if self.random || self.random_fully { PortChoice::Random } else { PortChoice::Keep }
    }
}

impl NatKind {
    /// What is rewritten at `hook` (HOOK2MANIP).
    pub(super) const fn at(hook: Hook) -> Self {
        match hook {
            Hook::Postrouting | Hook::Input => Self::Source,
            _ => Self::Destination,
        }
    }
    const fn done(self) -> Status {
        match self {
            Self::Source => Status::SRC_DONE,
            Self::Destination => Status::DST_DONE,
        }
    }
    const fn changed(self) -> Status {
        match self {
            Self::Source => Status::SRC_NAT,
            Self::Destination => Status::DST_NAT,
        }
    }
    const fn other(self) -> Self {
        match self {
            Self::Source => Self::Destination,
            Self::Destination => Self::Source,
        }
    }
}

/// The translation failed; the packet is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused;

/// A NAT target as a range, for this packet (xt_nat.c, nf_nat_redirect.c, nf_nat_masquerade.c).
pub(super) fn resolve(
    target: &Target,
    hook: Hook,
    view: &View,
    meta: &Meta,
    host: &impl Host,
) -> Result<NatRange, Refused> {
    match target {
        Target::Dnat(range) | Target::Snat(range) => Ok(*range),
        Target::Masquerade(range) => {
            let dev = meta.out_dev.ok_or(Refused)?;
            let addr = host.masquerade_addr(dev, Ipv4Addr::from(view.dst)).ok_or(Refused)?;
            Ok(NatRange { addrs: Some((addr, addr)), ..*range })
        }
        Target::Redirect(range) => {
            let addr = match (hook, meta.in_dev) {
                (Hook::Output, _) | (_, None) => Ipv4Addr::LOCALHOST,
                (_, Some(dev)) => host.masquerade_addr(dev, Ipv4Addr::from(view.src)).ok_or(Refused)?,
            };
            Ok(NatRange { addrs: Some((addr, addr)), ..*range })
        }
        Target::Netmap(to, mask) => {
            let old = if NatKind::at(hook) == NatKind::Source { view.src } else { view.dst };
            let addr = Ipv4Addr::from(old & !mask | to & mask);
            Ok(NatRange { addrs: Some((addr, addr)), ..NatRange::default() })
        }
        _ => Err(Refused),
    }
}

/// True if the connection has not yet been asked about this half.
pub(super) fn is_open(ct: &Conntrack, id: CtId, kind: NatKind) -> bool {
    ct.get(id).is_some_and(|e| !e.status.has(kind.done()))
}

/// Fixes what becomes of the connection's source or destination (nf_nat_setup_info). A default
/// range is the null binding: nothing changes, unless another connection has the tuple.
pub(super) fn setup(
    ct: &mut Conntrack,
    rng: &mut Rng,
    id: CtId,
    kind: NatKind,
    range: &NatRange,
    log: &mut impl NfLog,
) {
    let Some(current) = ct.get(id).and_then(|e| e.outgoing()) else { return };
    let wanted = unique(ct, rng, id, kind, range, current);
    if let Some(over) = wanted.inverse().and_then(|reply| ct.yielding(&reply, id)) {
        ct.delete(over, log);
    }
    let Some(entry) = ct.get_mut(id) else { return };
    if entry.status.has(Status::CONFIRMED) {
        return;
    }
    if wanted != current
        && let Some(reply) = wanted.inverse()
    {
        entry.set_reply(reply);
        entry.status.set(kind.changed());
    }
    entry.status.set(kind.done());
}

/// True if no other connection's answers would look like this one's.
fn is_free(ct: &Conntrack, tup: &Tup, id: CtId) -> bool {
    tup.inverse().is_some_and(|reply| !ct.is_taken(&reply, id))
}

fn addr_fits(addr: u32, range: &NatRange) -> bool {
    range.addrs.is_none_or(|(from, to)| u32::from(from) <= addr && addr <= u32::from(to))
}

fn port_fits(tup: &Tup, kind: NatKind, (from, to): (u16, u16)) -> bool {
    let port = match (tup.proto, kind) {
        (ICMP, _) | (TCP | UDP, NatKind::Source) => tup.sport,
        (TCP | UDP, NatKind::Destination) => tup.dport,
        _ => return true,
    };
    from <= port && port <= to
}

/// The tuple with which the connection goes on (get_unique_tuple).
fn unique(ct: &Conntrack, rng: &mut Rng, id: CtId, kind: NatKind, range: &NatRange, before: Tup) -> Tup {
    let keep = range.port_choice() == PortChoice::Keep;
    if kind == NatKind::Source && keep {
        let fits =
            |t: &Tup| addr_fits(t.src, range) && range.ports.is_none_or(|p| port_fits(t, NatKind::Source, p));
        if fits(&before) {
            if is_free(ct, &before, id) {
                return before;
            }
        } else {
            // The same source to another destination keeps its mapping, if that is unique.
            let known =
                ct.mapped_sources(&before).map(|(src, sport)| Tup { src, sport, ..before }).find(fits);
            if let Some(known) = known.filter(|t| is_free(ct, t, id)) {
                return known;
            }
        }
    }
    let mut tup = before;
    if let Some((from, to)) = range.addrs {
        let addr = choose_addr(&before, from.into(), to.into(), range.persistent);
        match kind {
            NatKind::Source => tup.src = addr,
            NatKind::Destination => tup.dst = addr,
        }
    }
    if keep {
        match range.ports {
            Some(ports) => {
                let fits = range.base.is_none() && port_fits(&tup, kind, ports);
                if fits && (ports.0 == ports.1 || is_free(ct, &tup, id)) {
                    return tup;
                }
            }
            None if is_free(ct, &tup, id) => return tup,
            None => {}
        }
    }
    choose_port(ct, rng, id, kind, range, tup)
}

/// An address of a range: the same for the same pair of addresses (find_best_ips_proto).
fn choose_addr(tup: &Tup, from: u32, to: u32, persistent: bool) -> u32 {
    if to <= from {
        return from;
    }
    let far = if persistent { 0 } else { tup.dst };
    let mut hash = Rng::new(u64::from(tup.src) << 32 | u64::from(far));
    from + hash.below((to - from).saturating_add(1))
}

/// Attempts before a smaller search begins elsewhere (NF_NAT_MAX_ATTEMPTS).
const MAX_ATTEMPTS: u32 = 128;

/// With so few attempts left, a connection that is over gives its port away (NF_NAT_HARDER_THRESH).
const HARDER: u32 = MAX_ATTEMPTS / 4;

/// A port that makes the tuple unique (nf_nat_l4proto_unique_tuple). If none is found, the tuple
/// stays as it is, and the packet is dropped when its connection is to be confirmed.
fn choose_port(ct: &Conntrack, rng: &mut Rng, id: CtId, kind: NatKind, range: &NatRange, tup: Tup) -> Tup {
    let source = match tup.proto {
        ICMP => true,
        TCP | UDP => kind == NatKind::Source,
        _ => return tup,
    };
    let old = if source { tup.sport } else { tup.dport };
    let (min, size) = match (range.ports, tup.proto) {
        (Some((from, to)), _) => (from.min(to), u32::from(from.abs_diff(to)) + 1),
        (None, ICMP) => (0, 65_536),
        (None, _) if kind == NatKind::Destination => return tup,
        // A port stays in its class: "credentials" below 512, privileged below 1024, others.
        (None, _) if old < 512 => (1, 511),
        (None, _) if old < 1024 => (600, 424),
        (None, _) => (1024, 64_512),
    };
    let random = range.port_choice() == PortChoice::Random || kind == NatKind::Source;
    let mut offset = match range.base {
        Some(base) => old.wrapping_sub(base),
        None if random => rng.next_u32() as u16,
        None => 0,
    };
    let mut attempts = size.min(MAX_ATTEMPTS);
    let mut last = tup;
    loop {
        for i in 0..attempts {
            let port = min.wrapping_add((u32::from(offset) % size) as u16);
            if source {
                last.sport = port;
            } else {
                last.dport = port;
            }
            let hard =
                attempts - i <= HARDER && last.inverse().is_some_and(|r| ct.yielding(&r, id).is_some());
            if is_free(ct, &last, id) || hard {
                return last;
            }
            offset = offset.wrapping_add(1);
        }
        if attempts >= size || attempts < 16 {
            return last;
        }
        attempts /= 2;
        offset = rng.next_u32() as u16;
    }
}

/// The ICMP type of redirects, which mean nothing on the other side of a translation.
const REDIRECT: u8 = 5;

/// Rewrites a packet of a translated connection (nf_nat_packet), or an ICMP error about one.
pub(super) fn apply(
    ct: &Conntrack,
    hook: Hook,
    packet: &mut [u8],
    view: &mut View,
    meta: &Meta,
    first: bool,
    log: &mut impl NfLog,
) -> Result<(), Refused> {
    let Some((id, state, dir)) = meta.ct else { return Ok(()) };
    let Some(entry) = ct.get(id) else { return Ok(()) };
    let kind = NatKind::at(hook);
    let error = state == CtState::Related && view.proto == ICMP;
    if error && view.icmp_type == REDIRECT && !entry.status.is_plain() {
        return Err(Refused);
    }
    // What was the source one way is the destination the other way.
    let bit = if dir == CtDirection::Reply { kind.other().changed() } else { kind.changed() };
    if !entry.status.has(bit) {
        return Ok(());
    }
    let back = entry.tup(dir.other());
    let Some(target) = back.inverse() else { return Ok(()) };
    let before = view.flow();
    let source = kind == NatKind::Source;
    if error {
        quoted(packet, view, &back, source)?;
        view.set_addr(packet, source, if source { target.src } else { target.dst });
    } else {
        let (addr, port) = if source { (target.src, target.sport) } else { (target.dst, target.dport) };
        view.set_addr(packet, source, addr);
        view.set_port(packet, source, if target.proto == ICMP { target.sport } else { port });
    }
    let after = view.flow();
    if before != after {
        log.nf(NfStep::Translated { kind, before, after, first, dir });
    }
    Ok(())
}

/// The packet that an ICMP error quotes is put back to what its sender knows; the error's own
/// checksum follows (nf_nat_icmp_reply_translation).
fn quoted(packet: &mut [u8], view: &View, back: &Tup, source: bool) -> Result<(), Refused> {
    let end = view.l3 + usize::from(view.len);
    let inner = View::read(&packet[..end], view.l4 + 8, true);
    let Some(mut inner) = inner else { return Err(Refused) };
    // The other half than the error's own: the quoted packet went the other way.
    let (addr, port) = if source { (back.dst, back.dport) } else { (back.src, back.sport) };
    let port = if back.proto == ICMP { back.sport } else { port };
    inner.set_addr(&mut packet[..end], !source, addr);
    inner.set_port(&mut packet[..end], !source, port);
    refill_icmp_checksum(packet, view.l4, end);
    Ok(())
}
