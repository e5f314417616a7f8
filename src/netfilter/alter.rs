//! The targets that change a field of the packet and go on: TTL and TCPMSS. Words and formats are those of
//! libipt_TTL.c and libxt_TCPMSS.c, what they do that of xt_HL.c and xt_TCPMSS.c.
//!
//! A SYN without an MSS option is left as it is (the kernel adds one).

use std::fmt::Write as _;

use super::modules::{bad_integer, together};
use super::packet::{View, adjust};
use super::rule::NfError;
use super::{Hook, Match, RuleSpec, TableKind};

/// What is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alter {
    /// `-j TTL`.
    Ttl(Ttl, u8),
    /// `-j TCPMSS --set-mss`: at most so many bytes.
    Mss(u16),
    /// `-j TCPMSS --clamp-mss-to-pmtu`: at most what fits into the smaller MTU of both ways.
    ClampMss,
}

/// How a TTL is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ttl {
    /** `--ttl-set` */
    Set,
    /** `--ttl-dec` */
    Less,
    /** `--ttl-inc` */
    More,
}

/// Bytes of the headers that an MSS does not count.
const HEADERS: u32 = 40;
/// The flag SYN.
const SYN: u8 = 2;

impl Alter {
    /// As `-j NAME` loads it.
    pub(super) fn new(name: &str) -> Option<Self> {
        Some(match name {
            "TTL" => Self::Ttl(Ttl::Set, 0),
            "TCPMSS" => Self::Mss(0),
            _ => return None,
        })
    }

    /// The name after `-j`.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Ttl(..) => "TTL",
            Self::Mss(_) | Self::ClampMss => "TCPMSS",
        }
    }

    /// Its options and how many words each takes.
    pub(super) const fn options(&self) -> &'static [(&'static str, u8)] {
        match self {
            Self::Ttl(..) => &[("ttl-set", 1), ("ttl-dec", 1), ("ttl-inc", 1)],
            Self::Mss(_) | Self::ClampMss => &[("set-mss", 1), ("clamp-mss-to-pmtu", 0)],
        }
    }

    /// One option.
    ///
    /// # Errors
    /// As the extension says it.
    pub(super) fn apply(&mut self, name: &str, value: &str) -> Result<(), NfError> {
        *self = match name {
            "set-mss" => Self::Mss(value.parse().map_err(|_| bad_integer("TCPMSS", name))?),
            "clamp-mss-to-pmtu" => Self::ClampMss,
            _ => {
                let number = value.parse().map_err(|_| bad_integer("TTL", name))?;
                match (name, number) {
                    ("ttl-dec", 0) => return Err(NfError::usage("TTL: decreasing by 0?")),
                    ("ttl-inc", 0) => return Err(NfError::usage("TTL: increasing by 0?")),
                    ("ttl-set", n) => Self::Ttl(Ttl::Set, n),
                    ("ttl-dec", n) => Self::Ttl(Ttl::Less, n),
                    (_, n) => Self::Ttl(Ttl::More, n),
                }
            }
        };
        Ok(())
    }

    /// What is wrong with the options that were given.
    ///
    /// # Errors
    /// As the extension says it.
    pub(super) fn check(&self, given: &[&str]) -> Result<(), NfError> {
        match (self, given) {
            (Self::Ttl(..), []) => Err(NfError::usage("TTL: You must specify an action")),
            (Self::Ttl(..), [first, second, ..]) => Err(together("TTL", second, first)),
            (_, []) => Err(NfError::usage("TCPMSS target: At least one parameter is required")),
            (_, [first, second, ..]) => Err(together("TCPMSS", second, first)),
            _ => Ok(()),
        }
    }

    /// True if the kernel takes the rule: TTL belongs to mangle, TCPMSS to the SYNs of TCP.
    pub(super) fn fits(&self, spec: &RuleSpec, table: TableKind) -> bool {
        let syn = |m: &Match| matches!(m, Match::Tcp { flags: Some(f), .. } if f.set & SYN != 0 && f.mask & SYN != 0 && !f.invert);
        match self {
            Self::Ttl(..) => table == TableKind::Mangle,
            Self::Mss(_) | Self::ClampMss => spec.proto == Some((6, false)) && spec.matches.iter().any(syn),
        }
    }

    /// True if it can be asked at `hook`: a path is known where a packet is about to leave.
    pub(super) fn works_at(&self, hook: Hook) -> bool {
        *self != Self::ClampMss || matches!(hook, Hook::Forward | Hook::Output | Hook::Postrouting)
    }

    /// Changes the packet. `mtu`: the smaller one of the interfaces that it came in and leaves by.
    pub(super) fn apply_to(&self, packet: &mut [u8], view: &View, mtu: impl FnOnce() -> u32) {
        match *self {
            Self::Ttl(how, by) => {
                let at = view.l3 + 8;
                let old = packet[at];
                let new = match how {
                    Ttl::Set => by,
                    Ttl::Less => old.saturating_sub(by),
                    Ttl::More => old.saturating_add(by),
                };
                packet[at] = new;
                adjust(packet, view.l3 + 10, u32::from(old) << 8, u32::from(new) << 8);
            }
            Self::Mss(most) => lower_mss(packet, view, most),
            Self::ClampMss => {
                lower_mss(packet, view, u16::try_from(mtu().saturating_sub(HEADERS)).unwrap_or(u16::MAX));
            }
        }
    }

    /// As iptables-save has it.
    pub(super) fn save(&self, out: &mut String) {
        let _ = match self {
            Self::Ttl(Ttl::Set, n) => write!(out, " -j TTL --ttl-set {n}"),
            Self::Ttl(Ttl::Less, n) => write!(out, " -j TTL --ttl-dec {n}"),
            Self::Ttl(Ttl::More, n) => write!(out, " -j TTL --ttl-inc {n}"),
            Self::Mss(n) => write!(out, " -j TCPMSS --set-mss {n}"),
            Self::ClampMss => write!(out, " -j TCPMSS --clamp-mss-to-pmtu"),
        };
    }

    /// As `iptables -L` has it.
    pub(super) fn list(&self, out: &mut String) {
        let _ = match self {
            Self::Ttl(Ttl::Set, n) => write!(out, " TTL set to {n}"),
            Self::Ttl(Ttl::Less, n) => write!(out, " TTL decrement by {n}"),
            Self::Ttl(Ttl::More, n) => write!(out, " TTL increment by {n}"),
            Self::Mss(n) => write!(out, " TCPMSS set {n}"),
            Self::ClampMss => write!(out, " TCPMSS clamp to PMTU"),
        };
    }
}

/// Lowers the MSS option of a TCP segment, never raises it.
fn lower_mss(packet: &mut [u8], view: &View, most: u16) {
    if view.fragment || !view.complete {
        return;
    }
    let header = usize::from(packet[view.l4 + 12] >> 4) * 4;
    let end = (view.l4 + header).min(packet.len());
    let mut at = view.l4 + 20;
    while at + 4 <= end {
        match packet[at] {
            0 => return,
            1 => at += 1,
            2 if packet[at + 1] == 4 => {
                let old = u16::from_be_bytes([packet[at + 2], packet[at + 3]]);
                if old > most {
                    packet[at + 2..at + 4].copy_from_slice(&most.to_be_bytes());
                    // The words that a checksum is made of may begin in the middle of the option.
                    let odd = (at + 2 - view.l4) % 2 == 1;
                    let turned = |v: u16| u32::from(if odd { v.swap_bytes() } else { v });
                    adjust(packet, view.l4 + 16, turned(old), turned(most));
                }
                return;
            }
            _ => at += usize::from(packet[at + 1]).max(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The one's complement sum over it; all ones where its own checksum is right.
    fn sum(bytes: &[u8]) -> u16 {
        let mut sum = 0u32;
        for pair in bytes.chunks(2) {
            sum += u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
        }
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }

    /// A SYN with some NOPs before its MSS option.
    fn syn(ttl: u8, nops: usize, mss: u16) -> Vec<u8> {
        let mut p = vec![0x45, 0, 0, 44 + 4, 0, 1, 0x40, 0, ttl, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        let ip = !sum(&p);
        p[10..12].copy_from_slice(&ip.to_be_bytes());
        p.extend([0x9c, 0x40, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 7 << 4, SYN, 0xff, 0xff, 0, 0, 0, 0]);
        p.extend(std::iter::repeat_n(1, nops));
        p.extend([2, 4]);
        p.extend(mss.to_be_bytes());
        p.resize(48, 0);
        let tcp = !sum(&p[20..]);
        p[36..38].copy_from_slice(&tcp.to_be_bytes());
        p
    }

    proptest! {
        #[test]
        fn checksums_stay_right_and_an_mss_is_never_raised(
            ttl: u8, by in 1u8.., nops in 0usize..4, mss: u16, most: u16, which in 0usize..4,
        ) {
            let mut packet = syn(ttl, nops, mss);
            let view = View::read(&packet, 0, false).unwrap();
            let all = [Alter::Ttl(Ttl::Set, by), Alter::Ttl(Ttl::Less, by), Alter::Ttl(Ttl::More, by), Alter::Mss(most)];
            all[which].apply_to(&mut packet, &view, || 0);
            prop_assert_eq!(sum(&packet[..20]), 0xffff);
            prop_assert_eq!(sum(&packet[20..]), 0xffff);
            let left = u16::from_be_bytes([packet[42 + nops], packet[43 + nops]]);
            prop_assert_eq!(left, if which == 3 { mss.min(most) } else { mss });
        }
    }
}
