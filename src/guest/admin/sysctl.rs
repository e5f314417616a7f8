//! sysctl, and the same settings as files below /proc/sys (sysctl(8), Documentation/networking/ip-sysctl.rst).

use super::fixed;
use super::once::once;
use crate::guest::options::{self, Opt, flag, value};
use crate::guest::{Program, Sys};
use crate::stack::{ConfigChange, Cx, NetNs, Step};
use crate::wire::IfName;

pub(super) const OPTIONS: &[Opt] = &[
    flag(&["-w", "--write"], "set values", "값을 정해요"),
    flag(&["-n", "--values"], "values without their names", "이름 없이 값만"),
    flag(&["-a", "--all"], "all settings", "모든 설정"),
    flag(&["-q", "--quiet"], "do not repeat what was set", "정한 값을 다시 보여주지 않아요"),
    flag(&["-e", "--ignore"], "unknown names are no error", "모르는 이름도 괜찮아요"),
    flag(&["-N", "--names"], "names without their values", "값 없이 이름만"),
    flag(&["-b", "--binary"], "values without a line's end", "줄바꿈 없이 값만"),
    value(&["-r", "--pattern"], "REGEX", "only names that match", "정규식에 맞는 이름만"),
    value(&["-p", "--load", "-f"], "FILE", "the settings of a file", "파일에 적힌 설정대로"),
    flag(&["-V", "--version"], "the version", "버전"),
    flag(&["-h", "--help"], "help", "도움말"),
];

/// The settings that exist, with dots; those by device come as `all`, `default` and each device.
fn keys(ns: &NetNs) -> Vec<String> {
    let mut keys: Vec<String> = [
        "net.bridge.bridge-nf-call-iptables",
        "net.core.somaxconn",
        "net.ipv4.icmp_echo_ignore_all",
        "net.ipv4.ip_default_ttl",
        "net.ipv4.ip_forward",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.netfilter.nf_conntrack_count",
        "net.netfilter.nf_conntrack_max",
    ]
    .map(str::to_owned)
    .to_vec();
    keys.extend(fixed::SETTINGS.iter().map(|(name, _)| (*name).to_owned()));
    let devices = ns.devices().map(|d| d.name.to_string());
    for device in ["all".to_owned(), "default".to_owned()].into_iter().chain(devices) {
        let own = ["arp_ignore", "forwarding", "proxy_arp", "route_localnet", "rp_filter"];
        let all = own.into_iter().chain(fixed::OF_DEVICE.iter().map(|(name, _)| *name));
        keys.extend(all.map(|s| format!("net.ipv4.conf.{device}.{s}")));
    }
    keys.sort();
    keys
}

/// The value of a setting, by its name with dots.
fn read(ns: &NetNs, key: &str) -> Option<String> {
    let s = &ns.sysctl;
    let bit = |b: bool| u8::from(b).to_string();
    Some(match key {
        "net.bridge.bridge-nf-call-iptables" => bit(s.bridge_nf_call_iptables),
        "net.ipv4.icmp_echo_ignore_all" => bit(s.icmp_echo_ignore_all),
        "net.ipv4.ip_default_ttl" => s.default_ttl.to_string(),
        "net.ipv4.ip_forward" | "net.ipv4.conf.all.forwarding" => {
            if s.ip_forward {
                s.forward_as.to_string()
            } else {
                "0".to_owned()
            }
        }
        "net.netfilter.nf_conntrack_count" => ns.nf.ct.iter().count().to_string(),
        "net.netfilter.nf_conntrack_max" => ns.nf.ct.max().to_string(),
        "net.ipv4.ip_local_port_range" => format!("{}\t{}", s.port_range.0, s.port_range.1),
        "net.ipv4.ip_unprivileged_port_start" => s.unprivileged_port.to_string(),
        "net.ipv4.ping_group_range" => format!("{}\t{}", s.ping_groups.0, s.ping_groups.1),
        "net.core.somaxconn" => s.somaxconn.to_string(),
        "net.ipv4.conf.all.rp_filter" => s.rp_filter.to_string(),
        _ if let Some(value) = fixed::find(fixed::SETTINGS, key) => value.to_owned(),
        _ => {
            let (device, setting) = of_device(ns, key)?;
            match setting {
                "route_localnet" => bit(s.route_localnet.contains(&device)),
                "proxy_arp" => bit(s.proxy_arp.contains(&device)),
                "arp_ignore" => {
                    s.arp_ignore.iter().find(|(n, _)| *n == device).map_or(0, |(_, n)| *n).to_string()
                }
                "forwarding" => match s.ip_forward != s.forward_unlike.contains(&device) {
                    true => s.forward_as.to_string(),
                    false => "0".to_owned(),
                },
                "rp_filter" => {
                    s.rp_filter_of.iter().find(|(n, _)| *n == device).map_or(0, |(_, n)| *n).to_string()
                }
                other => fixed::find(fixed::OF_DEVICE, other)?.to_owned(),
            }
        }
    })
}

/// The device of `net.ipv4.conf.DEVICE.SETTING`, the empty name for `all`; and the setting.
fn of_device<'a>(ns: &NetNs, key: &'a str) -> Option<(IfName, &'a str)> {
    let (device, setting) = key.strip_prefix("net.ipv4.conf.")?.rsplit_once('.')?;
    let device = match device {
        "all" => IfName::default(),
        "default" => "default".parse().ok()?,
        name => ns.device_named(name)?.name,
    };
    Some((device, setting))
}

/// Sets a value. Err: the kernel's refusal.
fn write(ns: &mut NetNs, cx: &mut Cx<'_>, key: &str, value: &str) -> Result<(), &'static str> {
    const INVALID: &str = "Invalid argument";
    let text = value.trim();
    let bit = || text.parse::<i64>().map(|n| n != 0).map_err(|_| INVALID);
    match key {
        "net.bridge.bridge-nf-call-iptables" => ns.sysctl.bridge_nf_call_iptables = bit()?,
        "net.ipv4.icmp_echo_ignore_all" => ns.sysctl.icmp_echo_ignore_all = bit()?,
        "net.ipv4.ip_forward" | "net.ipv4.conf.all.forwarding" => {
            ns.sysctl.ip_forward = bit()?;
            ns.sysctl.forward_as = text.parse().ok().filter(|n| *n != 0).unwrap_or(1);
            ns.sysctl.forward_unlike.clear();
        }
        "net.ipv4.ip_default_ttl" => match text.parse() {
            Ok(ttl @ 1..) => ns.sysctl.default_ttl = ttl,
            _ => return Err(INVALID),
        },
        "net.ipv4.ip_unprivileged_port_start" => {
            ns.sysctl.unprivileged_port = text.parse().map_err(|_| INVALID)?;
        }
        "net.ipv4.ping_group_range" => {
            let groups: Vec<u32> = text.split_whitespace().filter_map(|g| g.parse().ok()).collect();
            let [low, high] = groups[..] else { return Err(INVALID) };
            ns.sysctl.ping_groups = (low, high);
        }
        "net.core.somaxconn" => match text.parse() {
            Ok(most @ 0..=0x7fff_ffff) => ns.sysctl.somaxconn = most,
            _ => return Err(INVALID),
        },
        "net.ipv4.conf.all.rp_filter" => match text.parse() {
            Ok(mode @ 0..=2) => ns.sysctl.rp_filter = mode,
            _ => return Err(INVALID),
        },
        "net.ipv4.ip_local_port_range" => {
            let ports: Vec<u16> = text.split_whitespace().filter_map(|p| p.parse().ok()).collect();
            match ports[..] {
                [low, high] if 0 < low && low <= high => ns.sysctl.port_range = (low, high),
                _ => return Err(INVALID),
            }
        }
        "net.netfilter.nf_conntrack_max" => {
            // proc_dointvec_minmax: from 0 to INT_MAX
            let max = text.parse().ok().filter(|n| *n <= 0x7fff_ffff).ok_or(INVALID)?;
            ns.nf.ct.set_max(max);
        }
        "net.netfilter.nf_conntrack_count" => return Err("Permission denied"),
        _ if fixed::find(fixed::SETTINGS, key).is_some() => return Err(fixed::REFUSED),
        _ => {
            let (device, setting) = of_device(ns, key).ok_or("No such file or directory")?;
            if device.as_str() == "default"
                && matches!(setting, "arp_ignore" | "proxy_arp" | "route_localnet")
            {
                return Err(fixed::REFUSED);
            }
            let s = &mut ns.sysctl;
            let (list, on) = match setting {
                "arp_ignore" => {
                    let level = text.parse().map_err(|_| INVALID)?;
                    s.arp_ignore.retain(|(d, _)| *d != device);
                    s.arp_ignore.extend((level != 0).then_some((device, level)));
                    (None, false)
                }
                "rp_filter" => {
                    let mode = text.parse().ok().filter(|m| *m <= 2).ok_or(INVALID)?;
                    s.rp_filter_of.retain(|(d, _)| *d != device);
                    s.rp_filter_of.extend((mode != 0).then_some((device, mode)));
                    (None, false)
                }
                "forwarding" => (Some(&mut s.forward_unlike), bit()? != s.ip_forward),
                "proxy_arp" => (Some(&mut s.proxy_arp), bit()?),
                "route_localnet" => (Some(&mut s.route_localnet), bit()?),
                other if fixed::find(fixed::OF_DEVICE, other).is_some() => return Err(fixed::REFUSED),
                _ => return Err("No such file or directory"),
            };
            if let Some(list) = list {
                list.retain(|d| *d != device);
                if on {
                    list.push(device);
                }
            }
        }
    }
    let change = ConfigChange::Sysctl { key: key.to_owned(), value: text.to_owned() };
    cx.log.note(Step::Config(Box::new(change)));
    Ok(())
}

/// The name with dots. A device's name may hold dots itself; then the parts are told apart by slashes.
fn dotted(name: &str) -> String {
    if name.contains('/') { name.trim_start_matches('/').replace('/', ".") } else { name.to_owned() }
}

/// What a file below /proc/sys holds; None if there is none.
pub fn read_proc(ns: &NetNs, path: &str) -> Option<String> {
    let key = path.strip_prefix("/proc/sys/")?;
    read(ns, &dotted(key)).map(|v| format!("{v}\n"))
}

/// Writes to a file below /proc/sys.
///
/// # Errors
/// In the kernel's words.
pub fn write_proc(ns: &mut NetNs, cx: &mut Cx<'_>, path: &str, text: &str) -> Result<(), &'static str> {
    let key = path.strip_prefix("/proc/sys/").ok_or("No such file or directory")?;
    write(ns, cx, &dotted(key), text)
}

pub(super) fn sysctl(argv: &[String]) -> Box<dyn Program> {
    once(argv, |args, sys| {
        let p = match options::parse(OPTIONS, args) {
            Ok(p) => p,
            // What is wrong with an option is said, and the help is the answer.
            Err(e) => {
                let text = super::once::bad_option("sysctl", &e);
                sys.err(text.lines().next().unwrap_or_default().to_owned() + "\n");
                sys.out(USAGE);
                return 0;
            }
        };
        if args.is_empty() {
            sys.err(USAGE);
            return 1;
        }
        if p.has("-h") || p.has("-V") {
            sys.out(if p.has("-V") { "sysctl from procps-ng 4.0.4\n" } else { USAGE });
            return 0;
        }
        let show = Show { quiet: p.has("-q"), bare: p.has("-n"), names: p.has("-N"), binary: p.has("-b") };
        let pattern = match p.get("-r").map(regex_lite::Regex::new).transpose() {
            Ok(pattern) => pattern,
            Err(e) => {
                sys.err(format!("sysctl: invalid pattern: {e}\n"));
                return 1;
            }
        };
        let fits = |name: &str| pattern.as_ref().is_none_or(|r| r.is_match(name));
        if p.has("-a") {
            let all = keys(sys.ns);
            let lines = all.iter().filter(|k| fits(k)).filter_map(|k| Some(show.line(k, &read(sys.ns, k)?)));
            let text: String = lines.collect();
            sys.out(text);
            return 0;
        }
        let mut operands = p.operands.clone();
        if let Some(file) = p.get("-p") {
            let full = super::files::path(sys, file);
            let Some(text) = sys.files.text(&full) else {
                sys.err(format!("sysctl: cannot open \"{file}\": No such file or directory\n"));
                return 1;
            };
            let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with(['#', ';']));
            operands = lines.map(str::to_owned).collect();
        } else if operands.is_empty() {
            sys.err("sysctl: no variables specified\nTry `sysctl --help' for more information.\n");
            return 1;
        }
        let ignore = p.has("-e");
        let mut status = 0;
        for operand in operands.iter().filter(|o| fits(o)) {
            let done = one(sys, operand, p.has("-w"), show);
            if let Err(text) = done
                && !(ignore && text.contains("cannot stat"))
            {
                sys.err(text);
                status = 1;
            }
        }
        status
    })
}

/// How a setting is shown.
#[derive(Debug, Clone, Copy)]
struct Show {
    quiet: bool,
    bare: bool,
    names: bool,
    binary: bool,
}

impl Show {
    fn line(self, key: &str, value: &str) -> String {
        match self {
            Self { names: true, .. } => format!("{key}\n"),
            Self { binary: true, .. } => value.to_owned(),
            Self { bare: true, .. } => format!("{value}\n"),
            _ => format!("{key} = {value}\n"),
        }
    }
}

const USAGE: &str = "
Usage:
 sysctl [options] [variable[=value] ...]

Options:
  -a, --all            display all variables
  -A                   alias of -a
  -X                   alias of -a
      --deprecated     include deprecated parameters to listing
      --dry-run        Print the key and values but do not write
  -b, --binary         print value without new line
  -e, --ignore         ignore unknown variables errors
  -N, --names          print variable names without values
  -n, --values         print only values of the given variable(s)
  -p, --load[=<file>]  read values from file
  -f                   alias of -p
      --system         read values from all system directories
  -r, --pattern <expression>
                       select setting that match expression
  -q, --quiet          do not echo variable set
  -w, --write          enable writing a value to variable
  -o                   does nothing
  -x                   does nothing
  -d                   alias of -h

 -h, --help     display this help and exit
 -V, --version  output version information and exit

For more details see sysctl(8).
";

fn one(sys: &mut Sys<'_>, operand: &str, writes: bool, show: Show) -> Result<(), String> {
    let (name, value) = match operand.split_once('=') {
        Some((name, value)) => (name.trim(), Some(value.trim())),
        None if writes => return Err("sysctl: command line(0): invalid syntax, continuing...\n".to_owned()),
        None => (operand, None),
    };
    let key = dotted(name);
    let path = key.replace('.', "/");
    if read(sys.ns, &key).is_none() {
        return Err(format!("sysctl: cannot stat /proc/sys/{path}: No such file or directory\n"));
    }
    if let Some(value) = value {
        write(sys.ns, &mut sys.cx, &key, value)
            .map_err(|e| format!("sysctl: setting key \"{key}\": {e}\n"))?;
        // What was set is repeated as it was typed.
        if !show.quiet {
            sys.out(show.line(&key, value));
        }
        return Ok(());
    }
    let now = read(sys.ns, &key).unwrap_or_default();
    sys.out(show.line(&key, &now));
    Ok(())
}
