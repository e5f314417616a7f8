//! The names that the tools print for numbers: protocols, services, ICMP types, log levels.
//! From /etc/protocols and /etc/services of Debian, and iptables' own lists.

/// Protocols by number, as `-p` takes and prints them.
const PROTOCOLS: &[(&str, u8)] = &[
    ("icmp", 1),
    ("igmp", 2),
    ("ipencap", 4),
    ("tcp", 6),
    ("egp", 8),
    ("igp", 9),
    ("udp", 17),
    ("dccp", 33),
    ("ipv6", 41),
    ("rsvp", 46),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("ipv6-icmp", 58),
    ("eigrp", 88),
    ("ospf", 89),
    ("pim", 103),
    ("vrrp", 112),
    ("l2tp", 115),
    ("sctp", 132),
    ("udplite", 136),
];

/// A protocol's number; `all` is 0.
pub(super) fn protocol_number(name: &str) -> Option<u8> {
    if name == "all" {
        return Some(0);
    }
    PROTOCOLS.iter().find(|(n, _)| *n == name).map(|&(_, number)| number).or(match name {
        "ipv4" | "ipip" => Some(4),
        "icmpv6" => Some(58),
        _ => None,
    })
}

/// A protocol's name, where iptables itself knows one; it asks nobody else where there is no
/// /etc/protocols, as on small machines.
pub(super) fn protocol_name(number: u8) -> Option<&'static str> {
    let own = |n: &&(&str, u8)| matches!(n.1, 1 | 6 | 17 | 33 | 50 | 51 | 58 | 132 | 136);
    PROTOCOLS.iter().filter(own).find(|&&(_, n)| n == number).map(|&(name, _)| name)
}

/// The services that people name in rules.
const SERVICES: &[(&str, u16)] = &[
    ("echo", 7),
    ("discard", 9),
    ("ftp-data", 20),
    ("ftp", 21),
    ("ssh", 22),
    ("telnet", 23),
    ("smtp", 25),
    ("time", 37),
    ("whois", 43),
    ("tacacs", 49),
    ("domain", 53),
    ("bootps", 67),
    ("bootpc", 68),
    ("tftp", 69),
    ("http", 80),
    ("kerberos", 88),
    ("pop3", 110),
    ("sunrpc", 111),
    ("ntp", 123),
    ("netbios-ns", 137),
    ("netbios-dgm", 138),
    ("netbios-ssn", 139),
    ("imap2", 143),
    ("snmp", 161),
    ("snmp-trap", 162),
    ("bgp", 179),
    ("ldap", 389),
    ("https", 443),
    ("microsoft-ds", 445),
    ("submissions", 465),
    ("isakmp", 500),
    ("syslog", 514),
    ("route", 520),
    ("submission", 587),
    ("ldaps", 636),
    ("domain-s", 853),
    ("imaps", 993),
    ("pop3s", 995),
    ("socks", 1080),
    ("openvpn", 1194),
    ("ms-sql-s", 1433),
    ("nfs", 2049),
    ("mysql", 3306),
    ("ms-wbt-server", 3389),
    ("sip", 5060),
    ("xmpp-client", 5222),
    ("mdns", 5353),
    ("postgresql", 5432),
    ("amqp", 5672),
    ("redis", 6379),
    ("http-alt", 8080),
];

/// The port of a service name.
pub fn service_port(name: &str) -> Option<u16> {
    let name = match name {
        "www" => "http",
        "dns" => return None,
        "imap" => "imap2",
        n => n,
    };
    SERVICES.iter().find(|(n, _)| *n == name).map(|&(_, port)| port)
}

/// The service name of a port.
pub fn service_name(port: u16) -> Option<&'static str> {
    SERVICES.iter().find(|&&(_, p)| p == port).map(|&(name, _)| name)
}

/// ICMP types: name, type, lowest and highest code (iptables' libxt_icmp.h).
const ICMP_TYPES: &[(&str, u8, u8, u8)] = &[
    ("any", 0xff, 0, 0xff),
    ("echo-reply", 0, 0, 0xff),
    ("pong", 0, 0, 0xff),
    ("destination-unreachable", 3, 0, 0xff),
    ("network-unreachable", 3, 0, 0),
    ("host-unreachable", 3, 1, 1),
    ("protocol-unreachable", 3, 2, 2),
    ("port-unreachable", 3, 3, 3),
    ("fragmentation-needed", 3, 4, 4),
    ("source-route-failed", 3, 5, 5),
    ("network-unknown", 3, 6, 6),
    ("host-unknown", 3, 7, 7),
    ("network-prohibited", 3, 9, 9),
    ("host-prohibited", 3, 10, 10),
    ("TOS-network-unreachable", 3, 11, 11),
    ("TOS-host-unreachable", 3, 12, 12),
    ("communication-prohibited", 3, 13, 13),
    ("host-precedence-violation", 3, 14, 14),
    ("precedence-cutoff", 3, 15, 15),
    ("source-quench", 4, 0, 0xff),
    ("redirect", 5, 0, 0xff),
    ("network-redirect", 5, 0, 0),
    ("host-redirect", 5, 1, 1),
    ("TOS-network-redirect", 5, 2, 2),
    ("TOS-host-redirect", 5, 3, 3),
    ("echo-request", 8, 0, 0xff),
    ("ping", 8, 0, 0xff),
    ("router-advertisement", 9, 0, 0xff),
    ("router-solicitation", 10, 0, 0xff),
    ("time-exceeded", 11, 0, 0xff),
    ("ttl-exceeded", 11, 0, 0xff),
    ("ttl-zero-during-transit", 11, 0, 0),
    ("ttl-zero-during-reassembly", 11, 1, 1),
    ("parameter-problem", 12, 0, 0xff),
    ("ip-header-bad", 12, 0, 0),
    ("required-option-missing", 12, 1, 1),
    ("timestamp-request", 13, 0, 0xff),
    ("timestamp-reply", 14, 0, 0xff),
    ("address-mask-request", 17, 0, 0xff),
    ("address-mask-reply", 18, 0, 0xff),
];

/// The ICMP types that `name` means: the one with this name, else all that begin so; case does not
/// matter. Name, type, lowest and highest code.
pub(super) fn icmp_type(name: &str) -> Vec<(&'static str, u8, (u8, u8))> {
    let all = || ICMP_TYPES.iter().map(|&(known, kind, lo, hi)| (known, kind, (lo, hi)));
    if let Some(exact) = all().find(|(known, ..)| known.eq_ignore_ascii_case(name)) {
        return vec![exact];
    }
    let begins = |known: &str| known.get(..name.len()).is_some_and(|k| k.eq_ignore_ascii_case(name));
    all().filter(|(known, ..)| begins(known)).collect()
}

/// The name of an ICMP type and its codes, as `iptables -L` prints it.
pub(super) fn icmp_name(kind: u8, codes: (u8, u8)) -> Option<&'static str> {
    ICMP_TYPES.iter().find(|&&(_, k, lo, hi)| k == kind && (lo, hi) == codes).map(|&(name, ..)| name)
}

/// `addrtype` names in the order of RTN_* (linux/rtnetlink.h).
pub(super) const ADDR_TYPES: [&str; 12] = [
    "UNSPEC",
    "UNICAST",
    "LOCAL",
    "BROADCAST",
    "ANYCAST",
    "MULTICAST",
    "BLACKHOLE",
    "UNREACHABLE",
    "PROHIBIT",
    "THROW",
    "NAT",
    "XRESOLVE",
];

/// TCP flags in the order in which iptables prints them.
pub(super) const TCP_FLAGS: [(&str, u8); 6] =
    [("FIN", 1), ("SYN", 2), ("RST", 4), ("PSH", 8), ("ACK", 16), ("URG", 32)];

/// REJECT's ICMP answers: code of type 3, name, older name.
pub(super) const REJECTS: [(u8, &str, &str); 7] = [
    (0, "icmp-net-unreachable", "net-unreach"),
    (1, "icmp-host-unreachable", "host-unreach"),
    (2, "icmp-proto-unreachable", "proto-unreach"),
    (3, "icmp-port-unreachable", "port-unreach"),
    (9, "icmp-net-prohibited", "net-prohib"),
    (10, "icmp-host-prohibited", "host-prohib"),
    (13, "icmp-admin-prohibited", "admin-prohib"),
];

/// syslog levels by number, as `-L` prints them.
pub(super) const LOG_LEVELS: [&str; 8] = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];

/// The number of a log level's name.
pub(super) fn log_level(name: &str) -> Option<u8> {
    Some(match name.to_ascii_lowercase().as_str() {
        "emerg" | "panic" => 0,
        "alert" => 1,
        "crit" => 2,
        "err" | "error" => 3,
        "warning" => 4,
        "notice" => 5,
        "info" => 6,
        "debug" => 7,
        _ => return None,
    })
}
