//! Interfaces as files: /sys/class/net (Documentation/ABI/testing/sysfs-class-net), and what lies in the
//! directories of /proc and /sys that are known here.

use crate::stack::{Device, NetNs};

/// The files of an interface.
const FILES: [&str; 9] =
    ["address", "carrier", "flags", "ifindex", "iflink", "mtu", "operstate", "tx_queue_len", "type"];
/// Those of its `statistics`.
const STATISTICS: [&str; 4] = ["rx_bytes", "rx_packets", "tx_bytes", "tx_packets"];

/// What a file below /sys/class/net holds; None if there is none.
pub(super) fn read(ns: &NetNs, path: &str) -> Option<String> {
    let (name, file) = path.strip_prefix("/sys/class/net/")?.split_once('/')?;
    let d = ns.device_named(name)?;
    let value = match file {
        "address" => d.mac.to_string(),
        "carrier" if d.up => u8::from(d.carrier).to_string(),
        "flags" => format!("{:#x}", flags(d)),
        "ifindex" => d.index.0.to_string(),
        "iflink" => d.peer.map_or(d.index, |p| p.dev).0.to_string(),
        "mtu" => d.mtu.to_string(),
        "operstate" => super::ip::state(d).to_lowercase(),
        "tx_queue_len" => d.queue_len.to_string(),
        // ARPHRD_LOOPBACK, ARPHRD_ETHER.
        "type" => if d.name.as_str() == "lo" { "772" } else { "1" }.to_owned(),
        other => {
            let which = STATISTICS.iter().position(|s| other.strip_prefix("statistics/") == Some(s))?;
            d.stats[[1, 0, 3, 2][which]].to_string()
        }
    };
    Some(value + "\n")
}

/// IFF_UP, IFF_BROADCAST, IFF_LOOPBACK, IFF_PROMISC, IFF_MULTICAST.
fn flags(d: &Device) -> u32 {
    let lo = d.name.as_str() == "lo";
    u32::from(d.up) | if lo { 8 } else { 0x1002 } | if d.promiscuous { 0x100 } else { 0 }
}

/// The names in a directory of /proc or /sys, those of directories with a slash; None if it is none.
pub(super) fn list(ns: &NetNs, path: &str) -> Option<Vec<String>> {
    let names = |all: &[&str]| all.iter().map(|n| (*n).to_owned()).collect();
    let devices = || {
        let mut all: Vec<String> = ns.devices().map(|d| format!("{}/", d.name)).collect();
        all.sort();
        all
    };
    match path {
        "/proc/net" => Some(names(&["arp", "dev", "route"])),
        "/sys/class/net" => Some(devices()),
        "/proc/sys/net/ipv4/conf" => {
            let mut all = devices();
            all.extend(["all/".to_owned(), "default/".to_owned()]);
            all.sort();
            Some(all)
        }
        _ => {
            let rest = path.strip_prefix("/sys/class/net/")?;
            let (name, below) = rest.split_once('/').unwrap_or((rest, ""));
            let d = ns.device_named(name)?;
            match (below, d.bridge()) {
                ("", bridge) => {
                    let mut all: Vec<String> = names(&FILES);
                    all.extend(bridge.map(|_| "brif/".to_owned()));
                    all.push("statistics/".to_owned());
                    all.sort();
                    Some(all)
                }
                ("statistics", _) => Some(names(&STATISTICS)),
                ("brif", Some(bridge)) => {
                    let ports = bridge.ports.iter().filter_map(|p| ns.device(*p));
                    let mut all: Vec<String> = ports.map(|p| format!("{}/", p.name)).collect();
                    all.sort();
                    Some(all)
                }
                _ => None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use crate::stack::NsId;

    #[test]
    fn every_file_that_is_listed_can_be_read() {
        let ns = NetNs::new(NsId(0), Rng::new(1));
        assert_eq!(list(&ns, "/sys/class/net"), Some(vec!["lo/".to_owned()]));
        for dir in ["/sys/class/net/lo", "/sys/class/net/lo/statistics"] {
            for name in list(&ns, dir).unwrap().iter().filter(|n| !n.ends_with('/')) {
                assert!(read(&ns, &format!("{dir}/{name}")).is_some(), "{dir}/{name}");
            }
        }
        let file = |name: &str| read(&ns, &format!("/sys/class/net/lo/{name}"));
        assert_eq!((file("mtu"), file("operstate")), (Some("65536\n".into()), Some("unknown\n".into())));
        assert_eq!((file("nosuch"), read(&ns, "/sys/class/net/eth9/mtu")), (None, None));
    }
}
