//! Who runs a program, and what the kernel lets it do (capabilities(7)).
//!
//! Supported: the user and group, and the capabilities that matter to networking: CAP_NET_ADMIN,
//! CAP_NET_RAW, and whether `/proc/sys` may be written (Docker mounts it read-only unless the container is
//! privileged). Not supported: CAP_NET_BIND_SERVICE (Docker lets everybody bind low ports), permissions of
//! files.

use crate::stack::{NeighState, NetNs};
use crate::time::Instant;

/// A capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cap {
    /// Changing interfaces, addresses, routes, rules.
    NetAdmin = 1,
    /// Raw and packet sockets.
    NetRaw = 2,
    /// Writing below /proc/sys.
    WriteSysctls = 4,
}

/// A set of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps(u8);

impl Caps {
    /// None.
    pub const NONE: Self = Self(0);
    /// A host's root has all.
    pub const ALL: Self = Self(7);
    /// What Docker leaves a container's root (moby, daemon/pkg/oci/caps: DefaultCapabilities).
    pub const DOCKER: Self = Self(Cap::NetRaw as u8);

    /// Whether it holds `cap`.
    pub fn has(self, cap: Cap) -> bool {
        self.0 & cap as u8 != 0
    }
    /// With `cap`.
    #[must_use]
    pub fn with(self, cap: Cap) -> Self {
        Self(self.0 | cap as u8)
    }
    /// Without `cap`.
    #[must_use]
    pub fn without(self, cap: Cap) -> Self {
        Self(self.0 & !(cap as u8))
    }
}

/// Who a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Creds {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// What it may do.
    pub caps: Caps,
}

impl Default for Creds {
    /// A host's root.
    fn default() -> Self {
        Self { uid: 0, gid: 0, caps: Caps::ALL }
    }
}

/// The users and groups of every image: name, number (Debian's base-passwd).
const USERS: &[(&str, u32, u32)] = &[
    ("root", 0, 0),
    ("daemon", 1, 1),
    ("bin", 2, 2),
    ("sys", 3, 3),
    ("games", 5, 60),
    ("man", 6, 12),
    ("mail", 8, 8),
    ("www-data", 33, 33),
    ("backup", 34, 34),
    ("nobody", 65534, 65534),
];
const GROUPS: &[(&str, u32)] = &[
    ("root", 0),
    ("daemon", 1),
    ("bin", 2),
    ("sys", 3),
    ("adm", 4),
    ("mail", 8),
    ("www-data", 33),
    ("users", 100),
    ("nogroup", 65534),
];

/// `/etc/passwd` and `/etc/group` as every image has them.
pub fn user_files() -> [(&'static str, String); 2] {
    let user = |u: &(&str, u32, u32)| {
        let (home, shell) =
            if u.1 == 0 { ("/root", "/bin/bash") } else { ("/nonexistent", "/usr/sbin/nologin") };
        format!("{}:x:{}:{}:{}:{home}:{shell}\n", u.0, u.1, u.2, u.0)
    };
    let group = |g: &(&str, u32)| format!("{}:x:{}:\n", g.0, g.1);
    [("/etc/passwd", USERS.iter().map(user).collect()), ("/etc/group", GROUPS.iter().map(group).collect())]
}

/// The number of a group, given by name or number.
///
/// # Errors
/// In the engine's words.
pub fn group_id(group: &str) -> Result<u32, String> {
    let by_name = GROUPS.iter().find(|known| known.0 == group).map(|known| known.1);
    by_name
        .or_else(|| group.parse().ok())
        .ok_or_else(|| format!("unable to find group {group}: no matching entries in group file"))
}

impl Creds {
    /// `--user USER[:GROUP]`, by name or number; only root keeps capabilities.
    ///
    /// # Errors
    /// In the engine's words (moby/sys, user.GetExecUser).
    pub fn as_user(self, user: &str) -> Result<Self, String> {
        let (name, group) = user.split_once(':').map_or((user, None), |(u, g)| (u, Some(g)));
        let known = USERS.iter().find(|u| u.0 == name || name.parse() == Ok(u.1));
        let (uid, own_group) = match (known, name.parse()) {
            (Some(&(_, uid, gid)), _) => (uid, gid),
            (None, Ok(uid)) => (uid, 0),
            (None, Err(_)) if name.is_empty() => (0, 0),
            (None, Err(_)) => {
                return Err(format!("unable to find user {name}: no matching entries in passwd file"));
            }
        };
        let gid = match group.filter(|g| !g.is_empty()) {
            None => own_group,
            Some(g) => group_id(g)?,
        };
        Ok(Self { uid, gid, caps: if uid == 0 { self.caps } else { Caps::NONE } })
    }

    /// The user's name, if it has one.
    pub fn user_name(self) -> Option<&'static str> {
        USERS.iter().find(|u| u.1 == self.uid).map(|u| u.0)
    }
    /// The group's name, if it has one.
    pub fn group_name(self) -> Option<&'static str> {
        GROUPS.iter().find(|g| g.1 == self.gid).map(|g| g.0)
    }

    /// What the command says, and its exit status, if the kernel refuses what it is about to do. The texts
    /// are those of iproute2 7, iptables 1.8.13, conntrack-tools 1.4.9, procps 4, arping and tcpdump, seen
    /// without the capability.
    pub fn refusal(self, argv: &[String], ns: &NetNs) -> Option<(String, i32)> {
        if self.caps == Caps::ALL {
            return None;
        }
        let words: Vec<&str> = argv.iter().map(String::as_str).collect();
        let (program, args) = words.split_first()?;
        let program = program.rsplit('/').next().unwrap_or_default();
        let has = |flags: &[&str]| args.iter().any(|a| flags.contains(a));
        match program {
            "ip" if !self.caps.has(Cap::NetAdmin) => ip(args, ns),
            "iptables" | "iptables-save" | "iptables-restore" if !self.caps.has(Cap::NetAdmin) => Some((
                format!(
                    "{program} v1.8.13 (nf_tables): Could not fetch rule set generation id: Permission denied \
                     (you must be root)\n"
                ),
                4,
            )),
            "conntrack" if !self.caps.has(Cap::NetAdmin) => Some((
                "conntrack v1.4.9 (conntrack-tools): Operation failed: sorry, you must be root or get \
                 CAP_NET_ADMIN capability to do this\n"
                    .to_owned(),
                1,
            )),
            "sysctl" if !self.caps.has(Cap::WriteSysctls) => {
                let key = args.iter().find_map(|a| a.split_once('=')).map(|(key, _)| key.trim())?;
                Some((format!("sysctl: permission denied on key \"{key}\"\n"), 1))
            }
            // CAP_NET_BIND_SERVICE is root's; in containers the limit is 0 unless somebody raised it.
            "serve" if self.uid != 0 => {
                let start = ns.sysctl.unprivileged_port;
                let low = |a: &&&str| {
                    let port = a.rsplit(':').next().and_then(|p| p.parse::<u16>().ok());
                    port.is_some_and(|p| 0 < p && p < start)
                };
                args.iter().find(low).map(|spec| (format!("serve: bind {spec}: Permission denied\n"), 98))
            }
            "arping" if !self.caps.has(Cap::NetRaw) => {
                Some(("arping: socket: Operation not permitted\n".to_owned(), 2))
            }
            "tcpdump" if !self.caps.has(Cap::NetRaw) && !has(&["-D", "-r", "-h", "--help", "--version"]) => {
                let named = args.iter().position(|a| *a == "-i").and_then(|at| args.get(at + 1));
                let device = named.copied().unwrap_or("eth0");
                Some((
                    format!(
                        "tcpdump: {device}: You don't have permission to perform this capture on that device\n\
                         (socket: Operation not permitted)\n"
                    ),
                    1,
                ))
            }
            _ => None,
        }
    }
}

/// Is there a neighbour that `ip neigh flush` with these words would forget?
fn forgettable(args: Vec<&str>, ns: &NetNs) -> bool {
    let named = args.iter().position(|w| *w == "dev").and_then(|at| args.get(at + 1));
    let dev = named.and_then(|name| ns.device_named(name)).map(|d| d.index);
    // Which they are does not hang on the time, only their states do.
    let all = ns.neighbours(Instant::ZERO);
    (named.is_none() || dev.is_some())
        && all.iter().any(|n| n.state != NeighState::Permanent && dev.is_none_or(|d| d == n.dev))
}

/// `ip` without CAP_NET_ADMIN: whatever would change something.
fn ip(args: &[&str], ns: &NetNs) -> Option<(String, i32)> {
    let mut words = args.iter().skip_while(|a| a.starts_with('-'));
    let object = words.next()?;
    let verb = words.next()?;
    let changes = |full: &str| full.starts_with(verb) && verb.len() >= 2 || (*verb == "a" && full == "add");
    if "flush".starts_with(verb) && verb.len() >= 2 {
        let status = match object.chars().next() {
            Some('a') => 255,
            Some('r') => 2,
            // The neighbours are looked through first, and there may be none to forget.
            Some('n') if forgettable(words.copied().collect(), ns) => 1,
            _ => return None,
        };
        return Some(("Failed to send flush request: Operation not permitted\n".to_owned(), status));
    }
    if !["add", "append", "change", "replace", "prepend", "delete", "set"].iter().any(|v| changes(v)) {
        return None;
    }
    // The tool itself looks for the device, before the kernel is asked.
    let rest: Vec<&str> = words.copied().collect();
    let named = rest.iter().position(|w| *w == "dev").and_then(|at| rest.get(at + 1)).copied();
    let link = object.starts_with('l');
    let first = rest.first().copied().filter(|_| link && *verb == "set");
    let missing = named.or(first).filter(|n| ns.device_named(n).is_none());
    if let Some(name) = missing.filter(|_| !(link && changes("add"))) {
        return Some((format!("Cannot find device \"{name}\"\n"), 1));
    }
    Some(("RTNETLINK answers: Operation not permitted\n".to_owned(), 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use crate::stack::NsId;

    #[test]
    fn what_changes_the_network_needs_net_admin_and_what_looks_does_not() {
        let ns = NetNs::new(NsId(0), Rng::new(1));
        let creds = Creds { caps: Caps::DOCKER, ..Creds::default() };
        let said = |line: &str, creds: Creds| {
            let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
            creds.refusal(&argv, &ns)
        };
        let denied = Some(("RTNETLINK answers: Operation not permitted\n".to_owned(), 2));
        for line in ["ip route del default", "ip a add 10.0.0.1/8 dev lo", "ip link set dev lo mtu 1400"] {
            assert_eq!(said(line, creds), denied, "{line}");
            assert_eq!(said(line, Creds { caps: creds.caps.with(Cap::NetAdmin), ..creds }), None, "{line}");
        }
        for line in ["ip route", "ip -4 -o addr", "ip neigh flush all", "arping 10.0.0.1", "tcpdump -D"] {
            assert_eq!(said(line, creds), None, "{line}");
        }
        assert_eq!(said("iptables -L", creds).map(|r| r.1), Some(4));
        assert_eq!(said("sysctl -w net.ipv4.ip_forward=0", creds).map(|r| r.1), Some(1));
        assert_eq!(said("ip link set nosuch up", creds).unwrap().0, "Cannot find device \"nosuch\"\n");
        assert_eq!(said("arping 10.0.0.1", Creds { caps: Caps::NONE, ..creds }).map(|r| r.1), Some(2));
    }

    #[test]
    fn a_user_is_found_by_name_and_by_number() {
        let as_user = |user: &str| Creds::default().as_user(user).map(|c| (c.uid, c.gid, c.caps));
        assert_eq!(as_user("nobody"), Ok((65534, 65534, Caps::NONE)));
        assert_eq!(as_user("1000"), Ok((1000, 0, Caps::NONE)));
        assert_eq!(as_user("0:33"), Ok((0, 33, Caps::ALL)));
        assert_eq!(
            as_user("nosuch").unwrap_err(),
            "unable to find user nosuch: no matching entries in passwd file"
        );
        assert!(as_user("root:nosuch").unwrap_err().contains("group nosuch"));
    }
}
