//! Rules as data: what they match and what they do.
//!
//! Supported matches: addresses, interfaces, protocol, fragments, `tcp`, `udp`, `icmp`,
//! `multiport`, `addrtype`, `conntrack`, `state`, `mark`, `mac`, `limit`, `comment`.
//! Not supported: `set`, `owner`, `physdev`, `recent`, `hashlimit`, `string` and the rest; the
//! parser says so in iptables' words, as an iptables without these modules would.

use std::net::Ipv4Addr;

use crate::wire::{IfName, Mac};

/// A chain, by number: interned by name in its namespace's [`super::Netfilter`] and never
/// reused, so that the trace can name a chain that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId(pub u16);

/// A rule, by number: never reused within a namespace; its text outlives it
/// ([`super::Netfilter::rule_text`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub u32);

/// How an address is classed by the routing table (linux/rtnetlink.h RTN_*).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddrType {
    /// Somebody's.
    Unicast,
    /// One of this machine's.
    Local,
    /// A broadcast address of a connected subnet, or 255.255.255.255.
    Broadcast,
    /// 224.0.0.0/4.
    Multicast,
}

/// An address and a mask (`-s`, `-d`). The mask may have holes, as iptables allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AddrMatch {
    /// The address, already masked.
    pub addr: u32,
    /// The mask; 0 matches every address.
    pub mask: u32,
    /// `!`.
    pub invert: bool,
}

impl AddrMatch {
    /// True if nothing is asked of the address.
    pub const fn is_any(&self) -> bool {
        self.mask == 0 && !self.invert
    }
    /// True if `addr` is meant.
    #[inline]
    pub const fn matches(&self, addr: u32) -> bool {
        ((addr & self.mask) == self.addr) != self.invert
    }
}

/// An interface name, or the beginning of one (`eth+`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IfMatch {
    name: u128,
    mask: u128,
    text: IfName,
    /// `!`.
    pub invert: bool,
}

impl IfMatch {
    /// From the name without its `+`; `prefix`: it had one. An empty prefix matches everything.
    pub fn new(text: IfName, prefix: bool, invert: bool) -> Self {
        let bytes = text.padded();
        let len = bytes.iter().position(|&b| b == 0).unwrap_or(16);
        let kept = if prefix { len } else { 16 };
        let mut mask = [0; 16];
        mask[..kept].fill(0xff);
        Self { name: u128::from_le_bytes(bytes), mask: u128::from_le_bytes(mask), text, invert }
    }
    /// True if nothing is asked of the interface.
    pub const fn is_any(&self) -> bool {
        self.mask == 0 && !self.invert
    }
    /// True if `dev` is meant. No interface is one with an empty name, as in ip_tables.c.
    #[inline]
    pub fn matches(&self, dev: Option<IfName>) -> bool {
        let name = dev.map_or(0, |d| u128::from_le_bytes(d.padded()));
        (((name ^ self.name) & self.mask) == 0) != self.invert
    }
    /// The name as typed, without its `+`.
    pub const fn name(&self) -> IfName {
        self.text
    }
    /// True if the name ended in `+`.
    pub const fn is_prefix(&self) -> bool {
        self.mask != u128::MAX
    }
}

/// Ports from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// The first.
    pub from: u16,
    /// The last.
    pub to: u16,
    /// `!`.
    pub invert: bool,
}

impl Ports {
    /// Every port.
    pub const ANY: Self = Self { from: 0, to: u16::MAX, invert: false };

    /// True if `port` is meant.
    #[inline]
    pub const fn matches(&self, port: u16) -> bool {
        (self.from <= port && port <= self.to) != self.invert
    }
    /// True if nothing is asked of the port.
    pub const fn is_any(&self) -> bool {
        self.from == 0 && self.to == u16::MAX && !self.invert
    }
    /// The one port that matches, if it is one only.
    pub const fn single(&self) -> Option<u16> {
        if self.from == self.to && !self.invert { Some(self.from) } else { None }
    }
}

impl Default for Ports {
    fn default() -> Self {
        Self::ANY
    }
}

/// `--tcp-flags MASK COMPARE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpFlagsMatch {
    /// The flags that are looked at.
    pub mask: u8,
    /// Those that must be set among them.
    pub set: u8,
    /// `!`.
    pub invert: bool,
}

/// Which port `-m multiport` looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortSide {
    /// `--sports`.
    Source,
    /// `--dports`.
    Destination,
    /// `--ports`: one or the other.
    Either,
}

/// A set of `addrtype` types, one bit for each in the order of linux/rtnetlink.h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddrTypes {
    /// Bits.
    pub set: u16,
    /// `!`.
    pub invert: bool,
}

impl AddrTypes {
    /// True if `kind` is meant.
    pub const fn matches(&self, kind: AddrType) -> bool {
        let bit = match kind {
            AddrType::Unicast => 1,
            AddrType::Local => 2,
            AddrType::Broadcast => 3,
            AddrType::Multicast => 5,
        };
        (self.set >> bit & 1 == 1) != self.invert
    }
}

/// What `-m conntrack` asks. Every part that is `None` is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConntrackMatch {
    /// `--ctstate`, bits of [`super::CtState`] and of DNAT, SNAT (see `STATE_*`).
    pub state: Option<(u8, bool)>,
    /// `--ctproto`.
    pub proto: Option<(u8, bool)>,
    /// `--ctorigsrc`, `--ctorigdst`, `--ctreplsrc`, `--ctrepldst`.
    pub addrs: [Option<AddrMatch>; 4],
    /// `--ctorigsrcport`, `--ctorigdstport`, `--ctreplsrcport`, `--ctrepldstport`.
    pub ports: [Option<Ports>; 4],
    /// `--ctstatus`: NONE 0, EXPECTED 1, SEEN_REPLY 2, ASSURED 4, CONFIRMED 8.
    pub status: Option<(u8, bool)>,
    /// `--ctexpire` in seconds, both ends included.
    pub expire: Option<(u32, u32, bool)>,
    /// `--ctdir`: true for REPLY.
    pub reply: Option<bool>,
}

/// Bits of [`ConntrackMatch::state`], in the order in which iptables-save prints them.
pub const STATE_NAMES: [&str; 7] = ["INVALID", "NEW", "RELATED", "ESTABLISHED", "UNTRACKED", "SNAT", "DNAT"];

/// `-m MODULE …`: one question about the packet beyond its addresses, interfaces and protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// `-m tcp`.
    Tcp {
        /** source port */
        sport: Ports,
        /** destination port */
        dport: Ports,
        /** `--tcp-flags`, `--syn` */
        flags: Option<TcpFlagsMatch>,
        /** `--tcp-option`, and `!` */
        option: Option<(u8, bool)>,
    },
    /// `-m udp`.
    Udp {
        /** source port */
        sport: Ports,
        /** destination port */
        dport: Ports,
    },
    /// `-m icmp --icmp-type`. Type 255 is any.
    Icmp {
        /** type */
        kind: u8,
        /** lowest and highest code */
        codes: (u8, u8),
        /** `!` */
        invert: bool,
    },
    /// `-m multiport`.
    Multiport {
        /** which port */
        side: PortSide,
        /** ports and ranges, at most fifteen numbers */
        ports: Vec<(u16, u16)>,
        /** `!` */
        invert: bool,
    },
    /// `-m addrtype`.
    Addrtype {
        /** `--src-type` */
        src: Option<AddrTypes>,
        /** `--dst-type` */
        dst: Option<AddrTypes>,
        /** `--limit-iface-in` */
        limit_in: bool,
        /** `--limit-iface-out` */
        limit_out: bool,
    },
    /// `-m conntrack`.
    Conntrack(ConntrackMatch),
    /// `-m state --state`: the older form of the above.
    State {
        /** bits as in `--ctstate` */
        set: u8,
        /** `!` */
        invert: bool,
    },
    /// `-m mark --mark VALUE/MASK`.
    Mark {
        /** value */
        value: u32,
        /** mask */
        mask: u32,
        /** `!` */
        invert: bool,
    },
    /// `-m mac --mac-source`.
    Mac {
        /** source address */
        addr: Mac,
        /** `!` */
        invert: bool,
    },
    /// `-m owner`: who made the packet, which is not known here; see `command`.
    Owner,
    /// One of those that look at one field.
    Simple(super::simple::Simple),
    /// `-m limit`: a token bucket (xt_limit.c).
    Limit {
        /** time for one packet, in ten-thousandths of a second */
        period: u32,
        /** size of the bucket in packets */
        burst: u32,
    },
    /// `-m comment --comment`.
    Comment(Box<str>),
}

/// What REJECT answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectWith {
    /// ICMP type 3 with this code.
    Icmp(u8),
    /// A TCP reset.
    TcpReset,
}

/// Where a NAT target maps to (struct nf_nat_range2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NatRange {
    /// First and last address; None: keep it (or the interface's own).
    pub addrs: Option<(Ipv4Addr, Ipv4Addr)>,
    /// First and last port.
    pub ports: Option<(u16, u16)>,
    /// `--to-destination A:P-Q/BASE`: port BASE maps to P, the next to the next.
    pub base: Option<u16>,
    /// `--random`.
    pub random: bool,
    /// `--random-fully`.
    pub random_fully: bool,
    /// `--persistent`.
    pub persistent: bool,
}

/// What the LOG target adds to its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSpec {
    /// `--log-prefix`, at most 29 characters.
    pub prefix: Box<str>,
    /// `--log-level` 0 to 7.
    pub level: u8,
    /// `--log-tcp-sequence` 1, `--log-tcp-options` 2, `--log-ip-options` 4, `--log-uid` 8,
    /// `--log-macdecode` 32.
    pub flags: u8,
}

/// What a rule does with the packet that it matched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Target {
    /// No `-j`: count only.
    #[default]
    None,
    /// ACCEPT.
    Accept,
    /// DROP.
    Drop,
    /// RETURN.
    Return,
    /// A user's chain (`-j`).
    Jump(ChainId),
    /// A user's chain, without coming back here (`-g`).
    Goto(ChainId),
    /// REJECT.
    Reject(RejectWith),
    /// LOG.
    Log(LogSpec),
    /// DNAT.
    Dnat(NatRange),
    /// SNAT.
    Snat(NatRange),
    /// MASQUERADE.
    Masquerade(NatRange),
    /// REDIRECT.
    Redirect(NatRange),
    /// MARK: new mark = (mark & !mask) ^ value.
    Mark {
        /** value */
        value: u32,
        /** mask */
        mask: u32,
    },
    /// NETMAP `--to`: the network's part of the address is replaced (address, mask).
    Netmap(u32, u32),
    /// TTL or TCPMSS: changes a field and goes on.
    Alter(super::alter::Alter),
    /// CT; the flag is `--notrack`.
    Ct(bool),
    /// NOTRACK, the older form of `CT --notrack`.
    Notrack,
}

impl Target {
    /// True for DNAT, SNAT, MASQUERADE, REDIRECT and NETMAP.
    pub const fn is_nat(&self) -> bool {
        matches!(
            self,
            Self::Dnat(_) | Self::Snat(_) | Self::Masquerade(_) | Self::Redirect(_) | Self::Netmap(..)
        )
    }
    /// The chain that it leads to.
    pub const fn chain(&self) -> Option<ChainId> {
        match self {
            Self::Jump(chain) | Self::Goto(chain) => Some(*chain),
            _ => None,
        }
    }
}

/// A rule without its place, number and counters: what `-C` and `-D` compare.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleSpec {
    /// `-s`.
    pub src: AddrMatch,
    /// `-d`.
    pub dst: AddrMatch,
    /// `-i`.
    pub in_dev: IfMatch,
    /// `-o`.
    pub out_dev: IfMatch,
    /// `-p`, and `!`; None: any.
    pub proto: Option<(u8, bool)>,
    /// `-f` (true) or `! -f` (false).
    pub fragment: Option<bool>,
    /// The `-m` modules, in the order in which they were named.
    pub matches: Vec<Match>,
    /// `-j` or `-g`.
    pub target: Target,
}

impl RuleSpec {
    /// True if the rule needs connection tracking to run.
    pub fn needs_conntrack(&self) -> bool {
        self.target.is_nat()
            || matches!(self.target, Target::Ct(_) | Target::Notrack)
            || self.matches.iter().any(|m| matches!(m, Match::Conntrack(_) | Match::State { .. }))
    }
}

/// Why a command was refused, in the words of iptables 1.8 (nf_tables), and its exit status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NfError {
    /// What iptables prints to stderr.
    pub message: String,
    /// iptables' exit status: 1, 2 (usage), 3 (no such table) or 4 (refused by the kernel).
    pub exit: u8,
}

/// The name under which iptables introduces itself in its messages.
pub const IPTABLES: &str = "iptables v1.8.13 (nf_tables)";

impl NfError {
    /// A mistake in the command line (exit 2).
    pub(super) fn usage(text: impl AsRef<str>) -> Self {
        let message = format!(
            "{IPTABLES}: {}\nTry `iptables -h' or 'iptables --help' for more information.",
            text.as_ref()
        );
        Self { message, exit: 2 }
    }
    /// An argument that belongs to nothing (exit 2).
    pub(super) fn stray(arg: &str) -> Self {
        let message =
            format!("Bad argument `{arg}'\nTry `iptables -h' or 'iptables --help' for more information.");
        Self { message, exit: 2 }
    }
    /// What the tool says after asking the tables (exit 1).
    pub(super) fn plain(text: &str) -> Self {
        Self { message: format!("iptables: {text}"), exit: 1 }
    }
    /// What the kernel refused (exit 4).
    pub(super) fn kernel(what: &str, errno: &str, about: &str) -> Self {
        Self { message: format!("{IPTABLES}:  {what} failed ({errno}): {about}"), exit: 4 }
    }
    /// "No chain/target/match by that name."
    pub(super) fn no_name() -> Self {
        Self::plain("No chain/target/match by that name.")
    }
}
