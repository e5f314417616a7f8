//! `ip link`.

use super::{
    Fail, Flags, device, garbage, incomplete, link_add, lladdr, master, name_of, refused, shown_device, verb,
};
use crate::guest::Sys;
use crate::stack::{Device, DeviceKind, NetNs};
use crate::wire::{IfIndex, IfName, Mac};
use std::fmt::Write as _;

pub(super) fn run(flags: Flags, args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    if args.first() == Some(&"help") {
        return Err((USAGE.to_owned(), 255));
    }
    let (verb, args) = verb(args, &["show", "set", "add", "delete"], "link")?;
    match verb {
        "set" => set(&args, sys),
        "add" => link_add::add(&args, sys),
        "delete" => link_add::delete(&args, sys),
        _ => show(flags, &args, sys),
    }
}

const USAGE: &str = "Usage: ip link add [link DEV] [ name ] NAME [ address LLADDR ] [ mtu MTU ] type TYPE [ ARGS ]\n       \
    ip link delete { DEVICE | dev DEVICE }\n       \
    ip link set { DEVICE | dev DEVICE } [ { up | down } ] [ master DEVICE | nomaster ]\n                 \
    [ name NEWNAME ] [ address LLADDR ] [ mtu MTU ] [ txqueuelen LEN ] [ promisc { on | off } ]\n       \
    ip link show [ DEVICE ] [up] [master DEV] [type TYPE]\n\
TYPE := { bridge | dummy | ipvlan | macvlan | veth | vlan | vxlan }\n";

fn show(flags: Flags, args: &[&str], sys: &Sys<'_>) -> Result<String, Fail> {
    let mut wanted: Option<IfIndex> = None;
    let mut wanted_master: Option<IfIndex> = None;
    let mut kind: Option<&str> = None;
    let mut up = false;
    let mut words = args.iter();
    while let Some(word) = words.next() {
        match *word {
            "up" => up = true,
            "master" => wanted_master = Some(master(sys, words.next().ok_or_else(incomplete)?)?),
            "type" => kind = Some(words.next().ok_or_else(incomplete)?),
            "dev" => wanted = Some(shown_device(sys, words.next().ok_or_else(incomplete)?)?),
            name => wanted = Some(shown_device(sys, name)?),
        }
    }
    let mut out = String::new();
    for d in sys.ns.devices() {
        let fits = wanted.is_none_or(|w| w == d.index)
            && wanted_master.is_none_or(|m| d.master == Some(m))
            && kind.is_none_or(|k| k == d.kind.name())
            && (!up || d.up);
        if !fits {
            continue;
        }
        if flags.brief {
            let _ =
                writeln!(out, "{:<16} {:<14} {} <{}> ", label(d, sys.ns), state(d), d.mac, device_flags(d));
        } else {
            header(d, sys, true, &mut out);
            out.push_str(if flags.line { "\\" } else { "\n" });
            link_line(d, sys.ns, &mut out);
            if flags.details {
                out.push_str(" promiscuity 0 allmulti 0 minmtu 68 maxmtu 65535 ");
                if let Some(text) = link_add::details(d) {
                    out.push_str(if flags.line { "\\" } else { "\n" });
                    out.push_str(&text);
                }
            }
            out.push('\n');
            if flags.statistics {
                statistics(d, &mut out);
            }
        }
    }
    Ok(out)
}

fn statistics(d: &Device, out: &mut String) {
    let [rx_packets, rx_bytes, tx_packets, tx_bytes] = d.stats;
    for (way, bytes, packets, last) in
        [("RX", rx_bytes, rx_packets, " missed   mcast"), ("TX", tx_bytes, tx_packets, "carrier collsns")]
    {
        let _ = writeln!(out, "    {way}:  bytes packets errors dropped {last}           ");
        let _ = writeln!(out, "    {bytes:>10} {packets:>7} {:>6} {:>7} {:>7} {:>7} ", 0, 0, 0, 0);
    }
}

/// `eth0@if7`: a veth end says where the other one is, `eth0.10@eth0` what it stands on.
pub(in crate::guest::admin) fn label(d: &Device, ns: &NetNs) -> String {
    let other = match (&d.kind, d.peer) {
        (DeviceKind::Veth, Some(peer)) => peer,
        (DeviceKind::Upper { parent, .. }, _) => *parent,
        _ => return d.name.to_string(),
    };
    match ns.device(other.dev).filter(|_| other.ns == ns.id) {
        Some(there) => format!("{}@{}", d.name, there.name),
        None => format!("{}@if{}", d.name, other.dev.0),
    }
}

/// The other end, or what it stands on, is in another namespace.
fn elsewhere(d: &Device, ns: &NetNs) -> bool {
    match &d.kind {
        DeviceKind::Veth => d.peer.is_some_and(|p| p.ns != ns.id),
        DeviceKind::Upper { parent, .. } => parent.ns != ns.id,
        DeviceKind::Vxlan(v) => v.underlay != ns.id,
        _ => false,
    }
}

/// IFF_* as iproute2 lists them.
pub(in crate::guest::admin) fn device_flags(d: &Device) -> String {
    let mut flags = Vec::new();
    if d.up && !d.carrier {
        flags.push("NO-CARRIER");
    }
    if matches!(d.kind, DeviceKind::Loopback) {
        flags.push("LOOPBACK");
    } else {
        flags.push("BROADCAST");
        if !matches!(d.kind, DeviceKind::Dummy) {
            flags.push("MULTICAST");
        }
        if d.promiscuous {
            flags.push("PROMISC");
        }
        if d.no_arp() || matches!(d.kind, DeviceKind::Dummy) {
            flags.push("NOARP");
        }
    }
    if d.up {
        flags.push("UP");
    }
    if d.up && d.carrier {
        flags.push("LOWER_UP");
    }
    flags.join(",")
}

/// RFC 2863's operational state.
pub(in crate::guest::admin) fn state(d: &Device) -> &'static str {
    match (&d.kind, d.up, d.carrier) {
        (DeviceKind::Loopback | DeviceKind::Dummy | DeviceKind::Vxlan(_), true, _) => "UNKNOWN",
        (_, true, true) => "UP",
        (DeviceKind::Veth | DeviceKind::Upper { .. }, true, false) => "LOWERLAYERDOWN",
        _ => "DOWN",
    }
}

/// `2: eth0: <…> mtu 1500 qdisc … state UP group default qlen 1000`, without the line's end.
pub(super) fn header(d: &Device, sys: &Sys<'_>, mode: bool, out: &mut String) {
    let qdisc = match (&d.kind, d.up) {
        (DeviceKind::Ethernet, true) => "fq_codel",
        (_, true) => "noqueue",
        (_, false) => "noop",
    };
    let _ =
        write!(out, "{}: {}: <{}> mtu {} qdisc {qdisc}", d.index.0, label(d, sys.ns), device_flags(d), d.mtu);
    if let Some(master) = d.master {
        let _ = write!(out, " master {}", name_of(sys, master));
    }
    let mode = if mode { " mode DEFAULT" } else { "" };
    let _ = write!(out, " state {}{mode} group default ", state(d));
    if d.queue_len > 0 {
        let _ = write!(out, "qlen {}", d.queue_len);
    }
}

/// `    link/ether 02:… brd ff:…`, without the line's end.
pub(super) fn link_line(d: &Device, ns: &NetNs, out: &mut String) {
    let (kind, broadcast) = match d.kind {
        DeviceKind::Loopback => ("loopback", Mac::ZERO),
        _ => ("ether", Mac::BROADCAST),
    };
    let _ = write!(out, "    link/{kind} {} brd {broadcast}", d.mac);
    if elsewhere(d, ns) {
        // The kernel numbers the neighbouring namespaces as it meets them; the first is 0, and a
        // container has no other.
        out.push_str(" link-netnsid 0");
    }
}

fn set(args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    let missing = || ("Not enough information: \"dev\" argument is required.\n".to_owned(), 255);
    let changes = Change::all(args)?;
    let name = changes.iter().rev().find_map(|c| if let Change::Of(name) = c { Some(*name) } else { None });
    let dev = device(sys, name.ok_or_else(missing)?)?.index;
    for change in changes {
        let done = match change {
            Change::Of(_) => Ok(()),
            Change::Up(up) => sys.ns.set_up(dev, up, &mut sys.cx),
            Change::Master(None) => sys.ns.set_master(dev, None, &mut sys.cx),
            Change::Master(Some(name)) => {
                let bridge = master(sys, name)?;
                sys.ns.set_master(dev, Some(bridge), &mut sys.cx)
            }
            Change::Mac(mac) => sys.ns.set_mac(dev, mac, &mut sys.cx),
            Change::Name(name) => sys.ns.rename(dev, name, &mut sys.cx),
            // ETH_MIN_MTU; dev_validate_mtu of the kernel
            Change::Mtu(mtu) if mtu < 68 && dev != IfIndex::LO => {
                return Err(("Error: mtu less than device minimum.\n".into(), 2));
            }
            Change::Mtu(mtu) => sys.ns.set_mtu(dev, mtu, &mut sys.cx),
            Change::Promiscuous(on) => {
                sys.ns.set_promiscuous(dev, on);
                Ok(())
            }
            Change::QueueLen(len) => {
                sys.ns.set_queue_len(dev, len);
                Ok(())
            }
        };
        done.map_err(|e| refused(&e))?;
    }
    Ok(String::new())
}

/// What one word or two of `ip link set` ask for.
enum Change<'a> {
    /// Which device it is about.
    Of(&'a str),
    Up(bool),
    Master(Option<&'a str>),
    Mac(Mac),
    Name(IfName),
    Mtu(u32),
    QueueLen(u32),
    Promiscuous(bool),
}

impl<'a> Change<'a> {
    fn all(args: &[&'a str]) -> Result<Vec<Self>, Fail> {
        let mut all: Vec<Self> = Vec::new();
        let mut words = args.iter().copied();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(incomplete);
            let number = |text: &str, what: &str| {
                let wrong = format!("Error: argument \"{text}\" is wrong: Invalid \"{what}\" value\n\n");
                text.parse::<u32>().map_err(|_| (wrong, 255))
            };
            all.push(match word {
                "up" => Self::Up(true),
                "down" => Self::Up(false),
                "nomaster" => Self::Master(None),
                "master" => Self::Master(Some(value()?)),
                "address" => Self::Mac(lladdr(value()?)?),
                "name" => Self::Name(value()?.parse().map_err(|e| (format!("Error: {e}\n"), 255))?),
                "mtu" => Self::Mtu(number(value()?, "mtu")?),
                "txqueuelen" | "txqlen" | "qlen" => Self::QueueLen(number(value()?, "txqueuelen")?),
                "promisc" => Self::Promiscuous(match value()? {
                    "on" => true,
                    "off" => false,
                    other => {
                        let text = "Error: argument of \"promisc\" must be \"on\" or \"off\", not";
                        return Err((format!("{text} \"{other}\"\n"), 1));
                    }
                }),
                "dev" => Self::Of(value()?),
                name if !all.iter().any(|c| matches!(c, Self::Of(_))) => Self::Of(name),
                other => return Err(garbage("dev", other)),
            });
        }
        Ok(all)
    }
}
