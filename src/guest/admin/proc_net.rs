//! Files of /proc/net that people look at: `route`, `arp` and `dev`. Not supported: `tcp`, `udp` and the
//! rest; `ss` says the same.

use std::fmt::Write as _;

use crate::stack::{NeighState, NetNs, RouteKind};
use crate::time::Instant;
use crate::wire::{Ipv4Addr, Mac};

/// What a file below /proc/net holds; None if there is none.
pub(super) fn read(ns: &NetNs, now: Instant, path: &str) -> Option<String> {
    match path.strip_prefix("/proc/net/")? {
        "route" => Some(routes(ns)),
        "arp" => Some(neighbours(ns, now)),
        "dev" => Some(devices(ns)),
        _ => None,
    }
}

/// net/ipv4/fib_trie.c, fib_route_seq_show: addresses as numbers of a little-endian machine.
fn routes(ns: &NetNs) -> String {
    let number = |a: Ipv4Addr| u32::from_le_bytes(a.octets());
    let head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT";
    let mut text = format!("{head:<127}\n");
    for r in ns.routes() {
        let dev = r.dev.and_then(|d| ns.device(d)).map_or_else(|| "*".to_owned(), |d| d.name.to_string());
        // RTF_UP, RTF_GATEWAY, RTF_HOST, RTF_REJECT.
        let flags = 1
            | if r.via.is_some() { 2 } else { 0 }
            | if r.prefix.prefix_len() == 32 { 4 } else { 0 }
            | if r.kind == RouteKind::Unreachable { 0x200 } else { 0 };
        let line = format!(
            "{dev}\t{:08X}\t{:08X}\t{flags:04X}\t0\t0\t{}\t{:08X}\t0\t0\t0",
            number(r.prefix.network()),
            number(r.via.unwrap_or(Ipv4Addr::UNSPECIFIED)),
            r.metric,
            number(r.prefix.netmask())
        );
        let _ = writeln!(text, "{line:<127}");
    }
    text
}

/// net/ipv4/arp.c, arp_format_neigh_entry.
fn neighbours(ns: &NetNs, now: Instant) -> String {
    let mut text =
        String::from("IP address       HW type     Flags       HW address            Mask     Device\n");
    for n in ns.neighbours(now) {
        // ATF_COM, ATF_PERM.
        let flags = match n.state {
            NeighState::Incomplete | NeighState::Failed => 0,
            NeighState::Permanent => 6,
            _ => 2,
        };
        let dev = ns.device(n.dev).map(|d| d.name.to_string()).unwrap_or_default();
        let (addr, mac) = (n.addr.to_string(), n.mac.unwrap_or(Mac::ZERO).to_string());
        let _ = writeln!(text, "{addr:<16} 0x{:<10x}0x{flags:<10x}{mac:<17}     *        {dev}", 1);
    }
    text
}

/// net/core/net-procfs.c, dev_seq_printf_stats.
fn devices(ns: &NetNs) -> String {
    let mut text = String::from(
        "Inter-|   Receive                                                |  Transmit\n \
         face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo \
         colls carrier compressed\n",
    );
    for d in ns.devices() {
        let [packets_in, bytes_in, packets_out, bytes_out] = d.stats;
        let _ = writeln!(
            text,
            "{:>6}: {bytes_in:>7} {packets_in:>7} {z:>4} {z:>4} {z:>4} {z:>5} {z:>10} {z:>9} {bytes_out:>8} \
             {packets_out:>7} {z:>4} {z:>4} {z:>4} {z:>5} {z:>7} {z:>10}",
            d.name.as_str(),
            z = 0
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use crate::stack::NsId;

    #[test]
    fn an_empty_namespace_has_only_the_heads() {
        let ns = NetNs::new(NsId(0), Rng::new(1));
        let lines = |path| read(&ns, Instant::default(), path).map(|t| t.lines().count());
        assert_eq!((lines("/proc/net/route"), lines("/proc/net/arp")), (Some(1), Some(1)));
        assert_eq!(lines("/proc/net/dev"), Some(3));
        assert_eq!(lines("/proc/net/nosuch"), None);
    }
}
