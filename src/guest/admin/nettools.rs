//! netstat, route, ifconfig: what stood in the place of `ss` and `ip`, in the formats of net-tools
//! 2.10, or of busybox where the machine has it. Supported: netstat for TCP and UDP sockets, `-r` and
//! `-i`; route to show, add and delete; ifconfig to show, and to set up, down, an address, a netmask,
//! an MTU. Not supported: netstat `-s`, `-g`, `-M`, `-c`, `-e`, `-o`; ifconfig's aliases and flags.

use super::once::once;
use super::{is_busybox, usage};
use crate::guest::options::{self, Opt, OptError, Parsed, flag};
use crate::guest::{Program, Sys};
use crate::netfilter::service_name;
use crate::stack::{
    ConfigError, Device, DeviceKind, Route, RouteKind, Scope, SocketInfo, SocketKind, TcpState,
};
use crate::wire::{Endpoint, IfIndex, Ipv4Net};
use std::fmt::Write as _;
use std::net::Ipv4Addr;

pub(super) const NETSTAT: &[Opt] = &[
    flag(&["-t", "--tcp"], "TCP", "TCP"),
    flag(&["-u", "--udp"], "UDP", "UDP"),
    flag(&["-l", "--listening"], "servers that wait", "기다리는 서버만"),
    flag(&["-a", "--all"], "both servers and connections", "서버와 연결 모두"),
    flag(&["-n", "--numeric", "--numeric-ports", "--numeric-hosts"], "numbers, not names", "이름 대신 번호"),
    flag(&["-p", "--programs"], "whose they are", "어느 프로그램 것인지"),
    flag(&["-r", "--route"], "the routing table", "경로 표"),
    flag(&["-i", "--interfaces"], "the interfaces' counters", "인터페이스별 통계"),
    flag(&["-W", "--wide"], "addresses in full", "주소를 줄이지 않고"),
    flag(&["-4", "--inet"], "IPv4", "IPv4"),
];
pub(super) const ROUTE: &[Opt] = &[
    flag(&["-n", "--numeric"], "numbers, not names", "이름 대신 번호"),
    flag(&["-e", "--extend"], "as netstat -r", "netstat -r 모양으로"),
];
pub(super) const IFCONFIG: &[Opt] = &[
    flag(&["-a"], "also those that are down", "꺼진 것까지"),
    flag(&["-s"], "a line each, as netstat -i", "netstat -i 모양으로 한 줄씩"),
];

pub(super) fn netstat(argv: &[String]) -> Box<dyn Program> {
    once(argv, |args, sys| {
        let busybox = is_busybox(sys);
        let p = match options::parse(NETSTAT, args) {
            Ok(p) if !(busybox && p.has("-i")) => p,
            Ok(_) => {
                let e = OptError::Unknown("i".to_owned());
                return usage(sys, "netstat", &e, USAGE[0], busybox);
            }
            Err(e) => return usage(sys, "netstat", &e, USAGE[0], busybox),
        };
        let text = if p.has("-r") {
            routes(sys, p.has("-n"), true, busybox)
        } else if p.has("-i") {
            format!("Kernel Interface table\n{IFACES}{}", counters(sys, p.has("-a")))
        } else {
            sockets(&p, sys, busybox)
        };
        sys.out(text);
        0
    })
}

/// The first lines of the usage texts of netstat and route: net-tools' and busybox's.
const USAGE: [[&str; 2]; 2] = [
    [
        "usage: netstat [-vWeenNcCF] [<Af>] -r         netstat {-V|--version|-h|--help}\n       \
         netstat [-vWnNcaeol] [<Socket> ...]\n       \
         netstat { [-vWeenNac] -i | [-cnNe] -M | -s [-6tuw] }\n",
        "Usage: netstat [-ral] [-tuwx] [-enp]\n\nDisplay networking information\n",
    ],
    [
        "Usage: route [-nNvee] [-FC] [<AF>]           List kernel routing tables\n       \
         route [-v] [-FC] {add|del|flush} ...  Modify routing table for AF.\n",
        "Usage: route [-ne] [-A inet[6]] [{add|del} [-net|-host] TARGET [netmask MASK]\n\t\
         [gw GATEWAY] [metric N] [mss BYTES] [window BYTES] [reject] [IFACE]]\n\n\
         Show or edit kernel routing tables\n",
    ],
];

fn state(s: &SocketInfo) -> &'static str {
    match (s.kind, s.state) {
        (SocketKind::Udp, _) if s.remote.is_some() => "ESTABLISHED",
        (SocketKind::Udp, _) => "",
        (_, TcpState::Closed) => "CLOSE",
        (_, TcpState::Listen) => "LISTEN",
        (_, TcpState::SynSent) => "SYN_SENT",
        (_, TcpState::SynReceived) => "SYN_RECV",
        (_, TcpState::Established) => "ESTABLISHED",
        (_, TcpState::FinWait1) => "FIN_WAIT1",
        (_, TcpState::FinWait2) => "FIN_WAIT2",
        (_, TcpState::CloseWait) => "CLOSE_WAIT",
        (_, TcpState::Closing) => "CLOSING",
        (_, TcpState::LastAck) => "LAST_ACK",
        (_, TcpState::TimeWait) => "TIME_WAIT",
    }
}

fn sockets(p: &Parsed, sys: &Sys<'_>, busybox: bool) -> String {
    let (tcp, udp, programs) = (p.has("-t"), p.has("-u"), p.has("-p"));
    let which = match (p.has("-l"), p.has("-a")) {
        (_, true) => "servers and established",
        (true, false) => "only servers",
        (false, false) => "w/o servers",
    };
    let width = if busybox { 12 } else { 11 };
    let address = |e: Option<Endpoint>| {
        let e = e.unwrap_or(Endpoint { addr: Ipv4Addr::UNSPECIFIED, port: 0 });
        match e.port {
            0 => format!("{}:*", e.addr),
            port => match service_name(port).filter(|_| !p.has("-n")) {
                Some(name) => format!("{}:{name}", e.addr),
                None => format!("{}:{port}", e.addr),
            },
        }
    };
    let mut rows: Vec<SocketInfo> = sys.ns.sockets();
    rows.retain(|s| {
        let kind = match s.kind {
            SocketKind::Tcp => tcp || !udp,
            SocketKind::Udp => udp || !tcp,
            _ => false,
        };
        let waits = s.state == TcpState::Listen || (s.kind == SocketKind::Udp && s.remote.is_none());
        let idle = s.kind == SocketKind::Tcp && s.state == TcpState::Closed;
        kind && !idle && s.local.port != 0 && (p.has("-a") || p.has("-l") == waits)
    });
    // The kernel's files have TCP first, and of that those that listen.
    rows.sort_by_key(|s| (s.kind != SocketKind::Tcp, s.state != TcpState::Listen, s.id));
    let mut out = format!("Active Internet connections ({which})\n");
    let head =
        ["Proto Recv-Q Send-Q Local Address           Foreign Address         ", "PID/Program name    "];
    let _ = match programs {
        true => writeln!(out, "{}{:<12}{}", head[0], "State", head[1]),
        false => writeln!(out, "{}{:<width$}", head[0], "State"),
    };
    for s in rows {
        let proto = if s.kind == SocketKind::Tcp { "tcp" } else { "udp" };
        let _ = write!(
            out,
            "{proto:<4}  {:>6} {:>6} {:<23} {:<23} ",
            s.recv_queue,
            s.send_queue,
            address(Some(s.local)),
            address(s.remote)
        );
        let _ = match programs {
            true => {
                let owner = s.owner.and_then(|o| Some(format!("{}/{}", o.0, sys.names.get(o)?)));
                let owner = owner.unwrap_or_else(|| "-".to_owned());
                writeln!(out, "{:<12}{owner:<20}", state(&s))
            }
            false => writeln!(out, "{:<width$}", state(&s)),
        };
    }
    if !tcp && !udp && !p.has("-4") {
        let _ = write!(
            out,
            "Active UNIX domain sockets ({which})\nProto RefCnt Flags       Type       State         I-Node{}",
            if busybox { " Path\n" } else { "   Path\n" }
        );
    }
    out
}

fn name_of(sys: &Sys<'_>, dev: Option<IfIndex>) -> Option<String> {
    Some(sys.ns.device(dev?)?.name.to_string())
}

/// The routing table; `narrow`: netstat's columns instead of route's.
fn routes(sys: &Sys<'_>, numeric: bool, narrow: bool, busybox: bool) -> String {
    let mut out =
        String::from("Kernel IP routing table\nDestination     Gateway         Genmask         Flags ");
    out += if narrow { "  MSS Window  irtt Iface\n" } else { "Metric Ref    Use Iface\n" };
    for r in sys.ns.routes() {
        let reject = r.kind != RouteKind::Unicast;
        let target = match r.prefix.prefix_len() {
            0 if !numeric => "default".to_owned(),
            _ => r.prefix.network().to_string(),
        };
        let gateway = match r.via {
            _ if reject && !busybox => "-".to_owned(),
            Some(via) => via.to_string(),
            None if busybox && !numeric => "*".to_owned(),
            None => "0.0.0.0".to_owned(),
        };
        let flags = match (reject, r.via.is_some(), r.prefix.prefix_len() == 32) {
            (true, _, host) => format!("!{}", if host { "H" } else { "" }),
            (false, via, host) => {
                format!("U{}{}", if via { "G" } else { "" }, if host { "H" } else { "" })
            }
        };
        let nothing = if reject && !busybox { "-" } else { "0" };
        let dev = name_of(sys, r.dev).unwrap_or_else(|| if busybox { "*" } else { "-" }.to_owned());
        let _ = write!(out, "{target:<15} {gateway:<15} {:<15} {flags:<5} ", r.prefix.netmask());
        let _ = match narrow {
            true => writeln!(out, "{nothing:>5} {nothing:<5} {nothing:>6} {dev}"),
            false => writeln!(out, "{:<6} {nothing:<2} {:>7} {dev}", r.metric, 0),
        };
    }
    out
}

const IFACES: &str =
    "Iface             MTU    RX-OK RX-ERR RX-DRP RX-OVR    TX-OK TX-ERR TX-DRP TX-OVR Flg\n";

fn sorted<'a>(sys: &'a Sys<'_>, all: bool) -> Vec<&'a Device> {
    let mut devices: Vec<&Device> = sys.ns.devices().filter(|d| all || d.up).collect();
    devices.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
    devices
}

fn counters(sys: &Sys<'_>, all: bool) -> String {
    let mut out = String::new();
    for d in sorted(sys, all) {
        let [rx, _, tx, _] = d.stats;
        let kind = if matches!(d.kind, DeviceKind::Loopback) { "L" } else { "BM" };
        let (running, up) = (if d.is_running() { "R" } else { "" }, if d.up { "U" } else { "" });
        let _ = writeln!(
            out,
            "{:<16}{:>5} {rx:>8} {:>6} {:>6} {:<6} {tx:>8} {:>6} {:>6} {:>6} {kind}{running}{up}",
            d.name.as_str(),
            d.mtu,
            0,
            0,
            0,
            0,
            0,
            0
        );
    }
    out
}

pub(super) fn route(argv: &[String]) -> Box<dyn Program> {
    once(argv, |args, sys| {
        let busybox = is_busybox(sys);
        let change = args.iter().position(|a| matches!(a.as_str(), "add" | "del" | "delete"));
        let (shown, words) = args.split_at(change.unwrap_or(args.len()));
        let p = match options::parse(ROUTE, shown) {
            Ok(p) => p,
            Err(e) => return usage(sys, "route", &e, USAGE[1], busybox),
        };
        if let Some((verb, words)) = words.split_first() {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            return match change_route(verb == "add", &words, sys) {
                Ok(()) => 0,
                Err(text) if busybox && text.starts_with("SIOC") => {
                    sys.err(format!("route: {text}"));
                    1
                }
                Err(text) => {
                    sys.err(text);
                    7
                }
            };
        }
        if !p.operands.is_empty() {
            sys.err(USAGE[1][usize::from(busybox)]);
            return if busybox { 1 } else { 3 };
        }
        let text = routes(sys, p.has("-n"), p.has("-e"), busybox);
        sys.out(text);
        0
    })
}

const ROUTE_WORDS: &str = "Usage: inet_route [-vF] del {-host|-net} Target[/prefix] [gw Gw] [metric M] [[dev] If]\n       \
     inet_route [-vF] add {-host|-net} Target[/prefix] [gw Gw] [metric M]\n                              \
     [netmask N] [mss Mss] [window W] [irtt I]\n                              \
     [mod] [dyn] [reinstate] [[dev] If]\n";

fn change_route(add: bool, words: &[&str], sys: &mut Sys<'_>) -> Result<(), String> {
    let usage = || ROUTE_WORDS.to_owned();
    let address = |t: &str| t.parse::<Ipv4Addr>().map_err(|_| format!("{t}: Unknown host\n"));
    let mut words = words.iter().copied().peekable();
    let host = words.next_if_eq(&"-host").is_some();
    let net = !host && words.next_if_eq(&"-net").is_some();
    let target = words.next().ok_or_else(usage)?;
    let mut prefix = match target.split_once('/') {
        _ if target == "default" => Ipv4Net::default(),
        Some(_) => target.parse::<Ipv4Net>().map_err(|_| format!("{target}: Unknown host\n"))?,
        None => Ipv4Net::new(address(target)?, if net { 24 } else { 32 }).map_err(|_| usage())?,
    };
    let mut mask = target == "default" || target.contains('/') || !net;
    let (mut via, mut dev, mut metric, mut kind) = (None, None, 0, RouteKind::Unicast);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(usage);
        match word {
            "gw" => via = Some(address(value()?)?),
            "netmask" => {
                let bits = u32::from(address(value()?)?);
                if bits.leading_ones() + bits.trailing_zeros() != 32 {
                    return Err("route: bogus netmask\n".to_owned());
                }
                mask = true;
                prefix = Ipv4Net::new(prefix.addr(), bits.leading_ones() as u8).map_err(|_| usage())?;
            }
            "metric" => metric = value()?.parse().map_err(|_| usage())?,
            "reject" => kind = RouteKind::Unreachable,
            "dev" => dev = Some(value()?),
            name if dev.is_none() => dev = Some(name),
            _ => return Err(usage()),
        }
    }
    if !mask {
        // Without a length the old classes decide (net-tools lib/inet_sr.c).
        let length = match prefix.addr().octets()[0] {
            0..=127 => 8,
            128..=191 => 16,
            _ => 24,
        };
        prefix = Ipv4Net::new(prefix.addr(), length).map_err(|_| usage())?;
    }
    if prefix != prefix.trunc() {
        return Err("route: netmask doesn't match route address\n".to_owned());
    }
    let call = if add { "SIOCADDRT" } else { "SIOCDELRT" };
    let dev = match dev {
        None => None,
        Some(name) => {
            Some(sys.ns.device_named(name).ok_or_else(|| format!("{call}: No such device\n"))?.index)
        }
    };
    let problem = |e: ConfigError| format!("{call}: {e}\n");
    if !add {
        return sys.ns.remove_route(prefix, via, dev, &mut sys.cx).map_err(problem);
    }
    if via.is_none() && dev.is_none() && kind == RouteKind::Unicast {
        return Err(format!("{call}: No such device\n"));
    }
    let scope = if via.is_some() { Scope::Global } else { Scope::Link };
    // A gateway has to be on a link: one that only a further gateway leads to is no valid one.
    let led = via.is_some_and(|v| sys.ns.route_to(v).is_some());
    let route = Route { prefix, kind, via, dev, src: None, scope, kernel: false, metric };
    sys.ns.add_route(route, &mut sys.cx).map_err(|e| match e {
        ConfigError::Unreachable if led => "SIOCADDRT: Invalid argument\n".to_owned(),
        ConfigError::Unreachable => "SIOCADDRT: Network is unreachable\n".to_owned(),
        e => format!("SIOCADDRT: {e}\n"),
    })
}

pub(super) fn ifconfig(argv: &[String]) -> Box<dyn Program> {
    once(argv, |args, sys| {
        let busybox = is_busybox(sys);
        let dashed = args.iter().take_while(|a| a.starts_with('-')).count();
        let (flags, words) = args.split_at(dashed);
        if let Some(bad) = flags.iter().find(|f| !matches!(f.as_str(), "-a" | "-s")) {
            let text = match busybox {
                true => format!("ifconfig: {bad}: error fetching interface information: Device not found\n"),
                false => format!("ifconfig: option `{bad}' not recognised.\n{HELP}"),
            };
            sys.err(text);
            return 1;
        }
        let has = |f: &str| flags.iter().any(|a| a == f);
        if has("-s") {
            let head = "Iface      MTU    RX-OK RX-ERR RX-DRP RX-OVR    TX-OK TX-ERR TX-DRP TX-OVR Flg\n";
            let text = format!("{head}{}", counters(sys, has("-a")));
            sys.out(text);
            return 0;
        }
        let show = |d: &Device| if busybox { described_busybox(d) } else { described(d) };
        let Some((name, changes)) = words.split_first() else {
            let text: String = sorted(sys, has("-a")).into_iter().map(show).collect();
            sys.out(text);
            return 0;
        };
        let Some(d) = sys.ns.device_named(name) else {
            let before = if busybox { "ifconfig: " } else { "" };
            let text = match changes.first() {
                None => format!("{before}{name}: error fetching interface information: Device not found\n"),
                Some(_) if busybox => "ifconfig: SIOCGIFFLAGS: No such device\n".to_owned(),
                Some(_) => format!("{name}: ERROR while getting interface flags: No such device\n"),
            };
            sys.err(text);
            return 1;
        };
        if changes.is_empty() {
            let text = show(d);
            sys.out(text);
            return 0;
        }
        let index = d.index;
        match configure(sys, index, changes) {
            Ok(()) => 0,
            Err(text) => {
                sys.err(text);
                1
            }
        }
    })
}

const HELP: &str = "ifconfig: `--help' gives usage information.\n";

fn configure(sys: &mut Sys<'_>, dev: IfIndex, words: &[String]) -> Result<(), String> {
    let mut address: Option<Ipv4Net> = None;
    let mut words = words.iter().map(String::as_str);
    let mut up = None;
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| HELP.to_owned());
        match word {
            "up" => up = Some(true),
            "down" => up = Some(false),
            "mtu" => {
                let mtu = value()?.parse().map_err(|_| "SIOCSIFMTU: Invalid argument\n".to_owned())?;
                sys.ns.set_mtu(dev, mtu, &mut sys.cx).map_err(|e| format!("SIOCSIFMTU: {e}\n"))?;
            }
            "netmask" => {
                let text = value()?;
                let bits = text
                    .parse::<Ipv4Addr>()
                    .map(u32::from)
                    .map_err(|_| format!("{text}: Unknown host\n{HELP}"))?;
                let old = address.or_else(|| sys.ns.device(dev)?.addrs.first().copied());
                let good = bits.leading_ones() + bits.trailing_zeros() == 32;
                let net =
                    old.filter(|_| good).and_then(|a| Ipv4Net::new(a.addr(), bits.leading_ones() as u8).ok());
                address = Some(net.ok_or("SIOCSIFNETMASK: Invalid argument\n")?);
            }
            "broadcast" => {
                value()?;
            }
            text => {
                let parsed = match text.split_once('/') {
                    Some(_) => text.parse::<Ipv4Net>().ok(),
                    None => text.parse::<Ipv4Addr>().ok().and_then(|a| {
                        let class = match a.octets()[0] {
                            0..=127 => 8,
                            128..=191 => 16,
                            _ => 24,
                        };
                        Ipv4Net::new(a, class).ok()
                    }),
                };
                let lost = || format!("{text}: Unknown host\n{HELP}");
                address = Some(parsed.ok_or_else(lost)?);
            }
        }
    }
    if let Some(address) = address {
        // The one address that ifconfig knows is replaced.
        let old = sys.ns.device(dev).and_then(|d| d.addrs.first().copied());
        if let Some(old) = old.filter(|o| *o != address) {
            sys.ns.remove_addr(dev, old, &mut sys.cx).map_err(|e| format!("SIOCSIFADDR: {e}\n"))?;
        }
        if old != Some(address) {
            sys.ns.add_addr(dev, address, &mut sys.cx).map_err(|e| format!("SIOCSIFADDR: {e}\n"))?;
        }
        up = up.or(Some(true));
    }
    match up {
        Some(up) => sys.ns.set_up(dev, up, &mut sys.cx).map_err(|e| format!("SIOCSIFFLAGS: {e}\n")),
        None => Ok(()),
    }
}

/// `1.9 KiB`: the larger units from 1024 on, cut and not rounded (net-tools lib/interface.c).
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let Some(power) = (1..=5u32).rev().find(|p| bytes >> (10 * p) > 0) else { return format!("{bytes}.0 B") };
    let tenths = ((bytes as u128 * 10) >> (10 * power)) as u64;
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[power as usize - 1])
}

fn described(d: &Device) -> String {
    let loopback = matches!(d.kind, DeviceKind::Loopback);
    let mut flags: Vec<&str> = Vec::new();
    let mut number = 0;
    // linux/if.h: IFF_UP, IFF_BROADCAST, IFF_LOOPBACK, IFF_RUNNING, IFF_NOARP, IFF_MULTICAST.
    for (bit, name, set) in [
        (0x1, "UP", d.up),
        (0x2, "BROADCAST", !loopback),
        (0x8, "LOOPBACK", loopback),
        (0x40, "RUNNING", d.is_running()),
        (0x80, "NOARP", d.no_arp()),
        (0x1000, "MULTICAST", !loopback),
    ] {
        if set {
            number |= bit;
            flags.push(name);
        }
    }
    let mut out = format!("{}: flags={number}<{}>  mtu {}\n", d.name, flags.join(","), d.mtu);
    if let Some(a) = d.addrs.first() {
        let broadcast = if loopback { String::new() } else { format!("  broadcast {}", a.broadcast()) };
        let _ = writeln!(out, "        inet {}  netmask {}{broadcast}", a.addr(), a.netmask());
    }
    let queue = if matches!(d.kind, DeviceKind::Veth) { 0 } else { 1000 };
    let _ = match loopback {
        true => writeln!(out, "        loop  txqueuelen {queue}  (Local Loopback)"),
        false => writeln!(out, "        ether {}  txqueuelen {queue}  (Ethernet)", d.mac),
    };
    let [rx, rx_bytes, tx, tx_bytes] = d.stats;
    let _ = writeln!(out, "        RX packets {rx}  bytes {rx_bytes} ({})", size(rx_bytes));
    out += "        RX errors 0  dropped 0  overruns 0  frame 0\n";
    let _ = writeln!(out, "        TX packets {tx}  bytes {tx_bytes} ({})", size(tx_bytes));
    out += "        TX errors 0  dropped 0 overruns 0  carrier 0  collisions 0\n\n";
    out
}

fn described_busybox(d: &Device) -> String {
    let loopback = matches!(d.kind, DeviceKind::Loopback);
    let kind = match loopback {
        true => "Link encap:Local Loopback  ".to_owned(),
        false => format!("Link encap:Ethernet  HWaddr {}  ", d.mac.to_string().to_uppercase()),
    };
    let mut out = format!("{:<9} {kind}\n", d.name.as_str());
    if let Some(a) = d.addrs.first() {
        let broadcast = if loopback { String::new() } else { format!("  Bcast:{}", a.broadcast()) };
        let _ = writeln!(out, "          inet addr:{}{broadcast}  Mask:{}", a.addr(), a.netmask());
    }
    let mut flags = String::new();
    for (name, set) in [
        ("UP", d.up),
        ("BROADCAST", !loopback),
        ("LOOPBACK", loopback),
        ("RUNNING", d.is_running()),
        ("NOARP", d.no_arp()),
        ("MULTICAST", !loopback),
    ] {
        if set {
            flags += name;
            flags.push(' ');
        }
    }
    let queue = if matches!(d.kind, DeviceKind::Veth) { 0 } else { 1000 };
    let [rx, rx_bytes, tx, tx_bytes] = d.stats;
    let _ = write!(
        out,
        "          {flags} MTU:{}  Metric:1\n          \
         RX packets:{rx} errors:0 dropped:0 overruns:0 frame:0\n          \
         TX packets:{tx} errors:0 dropped:0 overruns:0 carrier:0\n          \
         collisions:0 txqueuelen:{queue} \n          \
         RX bytes:{rx_bytes} ({})  TX bytes:{tx_bytes} ({})\n\n",
        d.mtu,
        size(rx_bytes),
        size(tx_bytes)
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_cut_to_a_tenth() {
        for (bytes, expect) in [
            (0, "0.0 B"),
            (914, "914.0 B"),
            (1122, "1.0 KiB"),
            (1986, "1.9 KiB"),
            (2226, "2.1 KiB"),
            (1 << 20, "1.0 MiB"),
        ] {
            assert_eq!(size(bytes), expect);
        }
    }
}
