//! hostname, uname, env, printenv.

use super::once::{bad_option, once};
use crate::guest::options::{self, Opt, flag};
use crate::guest::{Program, Sys};
use std::net::Ipv4Addr;

pub(super) const HOSTNAME: &[Opt] = &[
    flag(&["-f", "--fqdn", "--long"], "with the domain", "도메인까지"),
    flag(&["-s", "--short"], "without the domain", "도메인 없이"),
    flag(&["-i", "--ip-address"], "the address of the name", "이름의 주소"),
    flag(&["-d", "--domain"], "the domain", "도메인만"),
    flag(&["-I", "--all-ip-addresses"], "all addresses", "모든 주소"),
];
pub(super) const UNAME: &[Opt] = &[
    flag(&["-a", "--all"], "everything", "모두"),
    flag(&["-s", "--kernel-name"], "the kernel", "커널"),
    flag(&["-n", "--nodename"], "the host's name", "호스트 이름"),
    flag(&["-r", "--kernel-release"], "the kernel's release", "커널 릴리스"),
    flag(&["-m", "--machine"], "the hardware", "하드웨어"),
];

pub(super) fn hostname(argv: &[String]) -> Box<dyn Program> {
    once(argv, |args, sys| {
        let p = match options::parse(HOSTNAME, args) {
            Ok(p) => p,
            Err(e) => {
                sys.err(bad_option("hostname", &e));
                return 4;
            }
        };
        if !p.operands.is_empty() {
            sys.err("hostname: you must be root to change the host name\n");
            return 1;
        }
        if p.has("-I") {
            let all: String = addresses(sys).iter().map(|a| format!("{a} ")).collect();
            sys.out(format!("{all}\n"));
        } else if p.has("-i") {
            let found = in_hosts(sys);
            if found.is_empty() {
                sys.err("hostname: Name or service not known\n");
                return 1;
            }
            sys.out(format!("{}\n", found.join(" ")));
        } else if p.has("-f") {
            let whole = full_name(sys);
            sys.out(format!("{whole}\n"));
        } else if p.has("-d") {
            // Without a domain there is nothing to print, not even an empty line.
            let whole = full_name(sys);
            if let Some((_, domain)) = whole.split_once('.') {
                sys.out(format!("{domain}\n"));
            }
        } else if p.has("-s") {
            sys.out(format!("{}\n", sys.hostname.split('.').next().unwrap_or_default()));
        } else {
            sys.out(format!("{}\n", sys.hostname));
        }
        0
    })
}

/// The canonical name of the host's own: the first of the line of /etc/hosts that has it (getaddrinfo(3)
/// with AI_CANONNAME); what only a name server would know is not asked for.
fn full_name(sys: &Sys<'_>) -> String {
    let text = sys.files.text("/etc/hosts").unwrap_or_default();
    let lines = text.lines().map(|l| l.split('#').next().unwrap_or_default().split_whitespace().skip(1));
    let named = lines.map(|names| names.collect::<Vec<_>>()).find(|names| names.contains(&sys.hostname));
    named.and_then(|names| names.first().map(|n| (*n).to_owned())).unwrap_or_else(|| sys.hostname.to_owned())
}

/// Every address that is not a loopback one, by device.
fn addresses(sys: &Sys<'_>) -> Vec<Ipv4Addr> {
    sys.ns.devices().flat_map(|d| d.addrs.iter().map(|a| a.addr())).filter(|a| !a.is_loopback()).collect()
}

/// What /etc/hosts says about the host's own name.
fn in_hosts(sys: &Sys<'_>) -> Vec<String> {
    let text = sys.files.text("/etc/hosts").unwrap_or_default();
    text.lines()
        .map(|l| l.split('#').next().unwrap_or_default().split_whitespace())
        .filter_map(|mut fields| {
            let address = fields.next()?;
            fields.any(|name| name == sys.hostname).then(|| address.to_owned())
        })
        .collect()
}

pub(super) fn uname(argv: &[String]) -> Box<dyn Program> {
    once(argv, |args, sys| {
        let p = match options::parse(UNAME, args) {
            Ok(p) => p,
            Err(e) => {
                sys.err(bad_option("uname", &e));
                return 1;
            }
        };
        // The kernel whose behaviour is followed.
        let parts = [
            ("-s", "Linux"),
            ("-n", sys.hostname),
            ("-r", "6.18.44"),
            ("-v", "#1 SMP PREEMPT_DYNAMIC"),
            ("-m", "x86_64"),
            ("-o", "GNU/Linux"),
        ];
        let any = parts.iter().any(|(o, _)| p.has(o));
        let shown = |o: &str| p.has("-a") || p.has(o) || (!any && o == "-s");
        let text: Vec<&str> = parts.iter().filter(|(o, _)| shown(o)).map(|(_, t)| *t).collect();
        let text = format!("{}\n", text.join(" "));
        sys.out(text);
        0
    })
}

pub(super) fn env(argv: &[String]) -> Box<dyn Program> {
    once(argv, |_, sys| print_all(sys))
}

fn print_all(sys: &mut Sys<'_>) -> i32 {
    let text: String = sys.env.iter().map(|(n, v)| format!("{n}={v}\n")).collect();
    sys.out(text);
    0
}

pub(super) fn printenv(argv: &[String]) -> Box<dyn Program> {
    once(argv, |args, sys| {
        if args.is_empty() {
            return print_all(sys);
        }
        let mut status = 0;
        for name in args {
            match sys.env.iter().rev().find(|(n, _)| n == name) {
                Some((_, value)) => sys.out(format!("{value}\n")),
                None => status = 1,
            }
        }
        status
    })
}
