//! The words of iputils' `ping` for ICMP errors (pr_icmph in ping.c).

/// The text for an ICMP error; None for types that are not errors. `mtu`: of "fragmentation
/// needed".
pub(super) fn describe(icmp_type: u8, code: u8, mtu: u16) -> Option<String> {
    let text = match (icmp_type, code) {
        (3, 0) => "Destination Net Unreachable",
        (3, 1) => "Destination Host Unreachable",
        (3, 2) => "Destination Protocol Unreachable",
        (3, 3) => "Destination Port Unreachable",
        (3, 4) => return Some(format!("Frag needed and DF set (mtu = {mtu})")),
        (3, 5) => "Source Route Failed",
        (3, 6) => "Destination Net Unknown",
        (3, 7) => "Destination Host Unknown",
        (3, 8) => "Source Host Isolated",
        (3, 9) => "Destination Net Prohibited",
        (3, 10) => "Destination Host Prohibited",
        (3, 11) => "Destination Net Unreachable for Type of Service",
        (3, 12) => "Destination Host Unreachable for Type of Service",
        (3, 13) => "Packet filtered",
        (3, 14) => "Precedence Violation",
        (3, 15) => "Precedence Cutoff",
        (3, code) => return Some(format!("Dest Unreachable, Bad Code: {code}")),
        (11, 0) => "Time to live exceeded",
        (11, 1) => "Frag reassembly time exceeded",
        (11, code) => return Some(format!("Time exceeded, Bad Code: {code}")),
        (5, _) => "Redirect",
        _ => return None,
    };
    Some(text.to_owned())
}
