//! `ip link add` and `ip link del`, and what `ip -d link` adds to a line.

use super::{Fail, device, incomplete, refused};
use crate::guest::Sys;
use crate::stack::Device;
use crate::stack::{
    Beyond, ConfigError, DevRef, DeviceKind, IpvlanMode, MacvlanMode, Output, TunnelEntry, UpperKind,
    VXLAN_PORT, Vxlan, may_stand_on,
};
use crate::wire::{IfIndex, IfName, Mac};
use std::net::Ipv4Addr;

fn wrong(word: &str, what: &str) -> Fail {
    (format!("Error: argument \"{word}\" is wrong: {what}\n\n"), 255)
}

fn parsed_name(text: &str) -> Result<IfName, Fail> {
    text.parse().map_err(|e| (format!("Error: {e}\n"), 255))
}

/// The words after `type KIND`.
struct Words<'a>(std::slice::Iter<'a, &'a str>);

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a str> {
        self.0.next().copied()
    }
    fn value(&mut self) -> Result<&'a str, Fail> {
        self.next().ok_or_else(incomplete)
    }
}

/// What stands before `type`.
#[derive(Default)]
struct Head<'a> {
    name: Option<&'a str>,
    link: Option<&'a str>,
    mac: Option<Mac>,
    mtu: Option<u32>,
}

pub(super) fn add(args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    let mut head = Head::default();
    let mut words = Words(args.iter());
    let mut kind = None;
    while let Some(word) = words.next() {
        match word {
            "type" => {
                kind = Some(words.value()?);
                break;
            }
            "name" | "dev" => head.name = Some(words.value()?),
            "link" => head.link = Some(words.value()?),
            "address" => head.mac = Some(words.value()?.parse().map_err(|e| (format!("{e}\n"), 255))?),
            "mtu" => {
                let text = words.value()?;
                head.mtu = Some(text.parse().map_err(|_| wrong(text, "Invalid \"mtu\" value"))?);
            }
            word => head.name = Some(word),
        }
    }
    let Some(kind) = kind else {
        return Err(("Not enough information: \"type\" argument is required\n".into(), 255));
    };
    let rest = words.0.as_slice();
    // iproute2 takes `link PARENT` after the type, too.
    let dev = match kind {
        "bridge" | "dummy" => plain(&head, kind, sys)?,
        "veth" => return veth(&head, rest, sys),
        "vlan" | "macvlan" | "ipvlan" => upper(&head, kind, rest, sys)?,
        "vxlan" => vxlan(&head, rest, sys)?,
        "bond" => return Err(("RTNETLINK answers: Operation not supported\n".into(), 2)),
        _ => return Err(("Error: Unknown device type.\n".into(), 2)),
    };
    if let Some(mtu) = head.mtu {
        sys.ns.set_mtu(dev, mtu, &mut sys.cx).map_err(|e| refused(&e))?;
    }
    Ok(String::new())
}

fn own_name(head: &Head<'_>) -> Result<IfName, Fail> {
    match head.name {
        Some(name) => parsed_name(name),
        None => Err(("Not enough information: \"dev\" argument is required.\n".into(), 255)),
    }
}

fn drawn_mac(sys: &mut Sys<'_>) -> Mac {
    let mut mac = [0; 6];
    sys.rng.fill(&mut mac);
    mac[0] = mac[0] & 0xfe | 0x02;
    Mac(mac)
}

fn plain(head: &Head<'_>, kind: &str, sys: &mut Sys<'_>) -> Result<IfIndex, Fail> {
    let name = own_name(head)?;
    let kind = if kind == "bridge" { DeviceKind::Bridge(Box::default()) } else { DeviceKind::Dummy };
    let mac = head.mac.unwrap_or_else(|| drawn_mac(sys));
    sys.ns.add_device(name, mac, kind, &mut sys.cx).map_err(|e| refused(&e))
}

/// `ip link add A type veth peer name B`.
fn veth(head: &Head<'_>, rest: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    let name = own_name(head)?;
    let peer = match rest {
        ["peer", "name", peer, ..] => parsed_name(peer)?,
        ["peer", peer, ..] => parsed_name(peer)?,
        _ => free_name("veth", sys)?,
    };
    if name == peer || sys.ns.device_named(peer.as_str()).is_some() {
        return Err(refused(&ConfigError::Exists));
    }
    let mac = head.mac.unwrap_or_else(|| drawn_mac(sys));
    let peer_mac = drawn_mac(sys);
    let a = sys.ns.add_device(name, mac, DeviceKind::Veth, &mut sys.cx).map_err(|e| refused(&e))?;
    let b = sys.ns.add_device(peer, peer_mac, DeviceKind::Veth, &mut sys.cx).map_err(|e| refused(&e))?;
    sys.cx.out.push(Output::Beyond(Box::new(Beyond::Pair { a, b })));
    Ok(String::new())
}

fn free_name(stem: &str, sys: &Sys<'_>) -> Result<IfName, Fail> {
    let free = (0..).map(|n| format!("{stem}{n}")).find(|n| sys.ns.device_named(n).is_none());
    parsed_name(&free.unwrap_or_default())
}

fn upper(head: &Head<'_>, kind: &str, rest: &[&str], sys: &mut Sys<'_>) -> Result<IfIndex, Fail> {
    let mut link = head.link;
    let mut mode = None;
    let mut id = None;
    let mut words = Words(rest.iter());
    while let Some(word) = words.next() {
        match word {
            "link" => link = Some(words.value()?),
            "mode" => mode = Some(words.value()?),
            "id" => {
                let text = words.value()?;
                id = Some(text.parse::<u16>().map_err(|_| wrong(text, "id is invalid"))?);
            }
            "protocol" => drop(words.value()?),
            "bridge" if kind == "ipvlan" => {}
            other => return Err((format!("{kind}: unknown command \"{other}\"?\n"), 255)),
        }
    }
    let Some(link) = link else { return Err(("RTNETLINK answers: Invalid argument\n".into(), 2)) };
    let parent = device(sys, link)?;
    let (index, parent_mac, mtu) = (parent.index, parent.mac, parent.mtu);
    let modes = "\"private\", \"vepa\", \"bridge\", \"passthru\" or \"source\"";
    let kind = match kind {
        "vlan" => {
            let id = id.ok_or_else(|| ("RTNETLINK answers: Operation not supported\n".to_owned(), 2))?;
            if id > 4094 {
                return Err(("Error: 8021q: Invalid VLAN id.\n".into(), 2));
            }
            UpperKind::Vlan(id)
        }
        "macvlan" => UpperKind::Macvlan(match mode {
            // the kernel's default
            None => MacvlanMode::Vepa,
            Some(m) => m
                .parse()
                .map_err(|()| (format!("Error: argument of \"mode\" must be {modes}, not \"{m}\"\n"), 255))?,
        }),
        _ => UpperKind::Ipvlan(match mode {
            None => IpvlanMode::L3,
            Some(m) => m.parse().map_err(|()| {
                ("Error: argument of \"mode\" must be either \"l2\", \"l3\" or \"l3s\"\n".to_owned(), 255)
            })?,
        }),
    };
    let name = match (head.name, kind) {
        (None, UpperKind::Vlan(id)) => parsed_name(&format!("{link}.{id}"))?,
        (None, _) => free_name(kind.name(), sys)?,
        (Some(name), _) => parsed_name(name)?,
    };
    let here = DevRef { ns: sys.ns.id, dev: index };
    let others: Vec<_> =
        sys.ns.devices().filter(|d| d.parent() == Some(here)).filter_map(|d| d.as_upper(sys.ns.id)).collect();
    let parent = sys.ns.device(index).ok_or_else(|| refused(&ConfigError::NoDevice(link.to_owned())))?;
    may_stand_on(parent, kind, &others).map_err(|e| refused(&e))?;
    let mac = match kind {
        UpperKind::Macvlan(_) => head.mac.unwrap_or_else(|| drawn_mac(sys)),
        _ => parent_mac,
    };
    let kind = DeviceKind::Upper { parent: here, kind };
    let dev = sys.ns.add_device(name, mac, kind, &mut sys.cx).map_err(|e| refused(&e))?;
    sys.ns.set_mtu(dev, mtu, &mut sys.cx).map_err(|e| refused(&e))?;
    Ok(dev)
}

fn vxlan(head: &Head<'_>, rest: &[&str], sys: &mut Sys<'_>) -> Result<IfIndex, Fail> {
    let name = own_name(head)?;
    let mut vni = None;
    let mut tunnel = Vxlan::new(0, 8472, sys.ns.id);
    let mut remote: Option<Ipv4Addr> = None;
    let mut below = head.link;
    let mut words = Words(rest.iter());
    while let Some(word) = words.next() {
        let addr = |text: &str| -> Result<Ipv4Addr, Fail> {
            text.parse()
                .map_err(|_| (format!("Error: inet address is expected rather than \"{text}\".\n"), 1))
        };
        match word {
            "id" | "vni" => {
                let text = words.value()?;
                let id = text.parse::<u32>().ok().filter(|id| *id < 1 << 24);
                vni = Some(id.ok_or_else(|| wrong(text, "invalid id"))?);
            }
            "dstport" => {
                let text = words.value()?;
                tunnel.port = text.parse().map_err(|_| wrong(text, "dst port"))?;
                if tunnel.port == 0 {
                    tunnel.port = VXLAN_PORT;
                }
            }
            "local" => tunnel.local = Some(addr(words.value()?)?),
            "remote" => remote = Some(addr(words.value()?)?),
            "dev" => below = Some(words.value()?),
            "learning" => tunnel.learning = true,
            "nolearning" => tunnel.learning = false,
            "proxy" => tunnel.proxy = true,
            "noproxy" => tunnel.proxy = false,
            "l2miss" => tunnel.l2miss = true,
            "nol2miss" => tunnel.l2miss = false,
            "l3miss" => tunnel.l3miss = true,
            "nol3miss" => tunnel.l3miss = false,
            "ttl" | "tos" | "ageing" | "srcport" => drop(words.value()?),
            "group" => {
                return Err(("netpier: vxlan groups are not emulated; give remote ADDRESS\n".into(), 255));
            }
            other => return Err((format!("vxlan: unknown command \"{other}\"?\n"), 255)),
        }
    }
    let Some(vni) = vni else { return Err(("vxlan: missing virtual network identifier\n".into(), 255)) };
    let mut mtu = 1500;
    if let Some(below) = below {
        mtu = device(sys, below)?.mtu;
    }
    if sys.ns.tunnels().iter().any(|t| (t.port, t.vni) == (tunnel.port, vni)) {
        return Err(("Error: A VXLAN device with the specified VNI already exists.\n".into(), 2));
    }
    tunnel.vni = vni;
    if let Some(remote) = remote {
        tunnel.set(TunnelEntry { mac: Mac::ZERO, remote, permanent: true });
    }
    let mac = head.mac.unwrap_or_else(|| drawn_mac(sys));
    let kind = DeviceKind::Vxlan(Box::new(tunnel));
    let dev = sys.ns.add_device(name, mac, kind, &mut sys.cx).map_err(|e| refused(&e))?;
    sys.ns.set_mtu(dev, mtu.saturating_sub(50).max(68), &mut sys.cx).map_err(|e| refused(&e))?;
    Ok(dev)
}

pub(super) fn delete(args: &[&str], sys: &mut Sys<'_>) -> Result<String, Fail> {
    let name = args
        .iter()
        .find(|a| **a != "dev")
        .ok_or_else(|| ("Not enough information: \"dev\" argument is required.\n".to_owned(), 255))?;
    let d = device(sys, name)?;
    if matches!(d.kind, DeviceKind::Loopback | DeviceKind::Ethernet) {
        return Err(("RTNETLINK answers: Operation not supported\n".into(), 2));
    }
    let dev = d.index;
    match d.kind {
        // its other end goes with it
        DeviceKind::Veth => sys.cx.out.push(Output::Beyond(Box::new(Beyond::Delete { dev }))),
        _ => sys.ns.remove_device(dev, &mut sys.cx).map_err(|e| refused(&e))?,
    }
    Ok(String::new())
}

/// What `-d` says about the kind, without the line's end.
pub(super) fn details(d: &Device) -> Option<String> {
    Some(match &d.kind {
        DeviceKind::Loopback | DeviceKind::Ethernet => return None,
        DeviceKind::Upper { kind: UpperKind::Vlan(id), .. } => {
            format!("    vlan protocol 802.1Q id {id} <REORDER_HDR> ")
        }
        DeviceKind::Upper { kind: UpperKind::Macvlan(mode), .. } => {
            format!("    macvlan mode {mode} bcqueuelen 1000 usedbcqueuelen 1000 ")
        }
        DeviceKind::Upper { kind: UpperKind::Ipvlan(mode), .. } => format!("    ipvlan  mode {mode} bridge "),
        DeviceKind::Vxlan(v) => {
            let remote = v.fdb.iter().find(|e| e.mac == Mac::ZERO).map(|e| format!(" remote {}", e.remote));
            let local = v.local.map(|l| format!(" local {l}"));
            let flags =
                [(!v.learning, "nolearning"), (v.proxy, "proxy"), (v.l2miss, "l2miss"), (v.l3miss, "l3miss")];
            let flags: String = flags.iter().filter(|f| f.0).map(|f| format!("{} ", f.1)).collect();
            format!(
                "    vxlan id {}{}{} srcport 0 0 dstport {} ttl auto ageing 300 {flags}",
                v.vni,
                remote.unwrap_or_default(),
                local.unwrap_or_default(),
                v.port
            )
        }
        kind => format!("    {} ", kind.name()),
    })
}
