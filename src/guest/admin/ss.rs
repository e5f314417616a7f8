//! `ss`: sockets (ss(8)). Supported: -t, -u, -A, -l, -a, -n, -4, -6, -f, -H, -s, -p (every descriptor is called
//! 3), filters. Not supported: -i, -m, -e, Unix and raw sockets (there are none).

use super::once::{bad_option, once};
use super::ss_filter::{self, Filter, States};
use crate::guest::options::{self, Opt, Parsed, flag, value};
use crate::guest::{Program, Sys};
use crate::netfilter::service_name;
use crate::stack::{SocketInfo, SocketKind, TcpState};
use crate::wire::Endpoint;

pub(super) const OPTIONS: &[Opt] = &[
    flag(&["-t", "--tcp"], "TCP", "TCP"),
    flag(&["-u", "--udp"], "UDP", "UDP"),
    flag(&["-l", "--listening"], "servers that wait", "기다리는 서버만"),
    flag(&["-a", "--all"], "both servers and connections", "서버와 연결 모두"),
    flag(&["-n", "--numeric"], "port numbers, not names", "이름 대신 포트 번호"),
    flag(&["-p", "--processes"], "whose they are", "어느 프로세스 것인지"),
    flag(&["-4", "--ipv4"], "IPv4", "IPv4"),
    flag(&["-6", "--ipv6"], "IPv6 (there are none)", "IPv6 (없어요)"),
    flag(&["-H", "--no-header"], "without the first line", "첫 줄 없이"),
    flag(&["-s", "--summary"], "how many there are", "몇 개인지"),
    flag(&["-o", "--options"], "timers (none are shown)", "타이머"),
    flag(&["-O", "--oneline"], "one line for each", "한 줄씩"),
    flag(&["-r", "--resolve"], "names, not addresses (none are shown)", "주소 대신 이름"),
    flag(&["-x", "--unix"], "Unix sockets (there are none)", "유닉스 소켓 (없어요)"),
    flag(&["-w", "--raw"], "raw sockets (there are none)", "로우 소켓 (없어요)"),
    flag(&["-V", "--version"], "the version", "버전"),
    value(&["-A", "--query"], "KIND", "of this kind: tcp, udp, inet, all", "이 종류"),
    value(&["-f", "--family"], "FAMILY", "of this family: inet, inet6", "이 주소 체계"),
];

pub(super) fn ss(argv: &[String]) -> Box<dyn Program> {
    once(argv, |args, sys| {
        let parsed = options::parse(OPTIONS, args).map_err(|e| bad_option("ss", &e));
        match parsed.and_then(|p| run(&p, sys).map_err(|e| format!("ss: {e}\n"))) {
            Ok(text) if text.is_empty() => 0,
            Ok(text) => {
                sys.out(text);
                0
            }
            Err(text) => {
                sys.err(text);
                255
            }
        }
    })
}

fn run(p: &Parsed, sys: &Sys<'_>) -> Result<String, String> {
    if p.has("-V") {
        return Ok("ss utility, iproute2-6.15.0\n".to_owned());
    }
    let mut asked = Asked { tcp: p.has("-t"), udp: p.has("-u"), other: p.has("-x") || p.has("-w") };
    for kind in p.all("-A").flat_map(|k| k.split(',')) {
        match kind {
            "tcp" => asked.tcp = true,
            "udp" => asked.udp = true,
            "inet" | "all" => (asked.tcp, asked.udp) = (true, true),
            "raw" | "unix" | "packet" | "netlink" => asked.other = true,
            other => return Err(format!("\"{other}\" is illegal socket table id")),
        }
    }
    match p.get("-f") {
        None | Some("inet" | "inet6" | "link" | "unix" | "netlink") => {}
        Some(other) => return Err(format!("\"{other}\" is invalid family")),
    }
    let filter = Filter::read(&p.operands)?;
    Ok(if p.has("-s") { summary(sys) } else { table(p, asked, &filter, sys) })
}

/// Which kinds of sockets were asked for.
#[derive(Debug, Clone, Copy)]
struct Asked {
    tcp: bool,
    udp: bool,
    other: bool,
}

/// `-s`: how many of each kind.
fn summary(sys: &Sys<'_>) -> String {
    let all: Vec<SocketInfo> = sys.ns.sockets().into_iter().filter(|s| s.local.port != 0).collect();
    let count = |kind: SocketKind| all.iter().filter(|s| s.kind == kind).count();
    let (tcp, udp) = (count(SocketKind::Tcp), count(SocketKind::Udp));
    let of = |state: TcpState| all.iter().filter(|s| s.kind == SocketKind::Tcp && s.state == state).count();
    let waiting = of(TcpState::TimeWait);
    let row = |name: &str, n: usize| format!("{name}\t  {n:<9} {n:<9} {:<9}\n", 0);
    // Those in TIME-WAIT are no sockets any more.
    let open = tcp - waiting;
    format!(
        "Total: {}\nTCP:   {tcp} (estab {}, closed {waiting}, orphaned 0, timewait {waiting})\n\n\
         Transport Total     IP        IPv6\n{}{}{}{}{}\n",
        open + udp,
        of(TcpState::Established),
        row("RAW", 0),
        row("UDP", udp),
        row("TCP", open),
        row("INET", open + udp),
        row("FRAG", 0)
    )
}

fn state(s: &SocketInfo) -> &'static str {
    match (s.kind, s.state) {
        (SocketKind::Udp, _) if s.remote.is_some() => "ESTAB",
        (SocketKind::Udp, _) => "UNCONN",
        (_, TcpState::Closed) => "UNCONN",
        (_, TcpState::Listen) => "LISTEN",
        (_, TcpState::SynSent) => "SYN-SENT",
        (_, TcpState::SynReceived) => "SYN-RECV",
        (_, TcpState::Established) => "ESTAB",
        (_, TcpState::FinWait1) => "FIN-WAIT-1",
        (_, TcpState::FinWait2) => "FIN-WAIT-2",
        (_, TcpState::CloseWait) => "CLOSE-WAIT",
        (_, TcpState::Closing) => "CLOSING",
        (_, TcpState::LastAck) => "LAST-ACK",
        (_, TcpState::TimeWait) => "TIME-WAIT",
    }
}

/// The states that are shown of TCP and of UDP.
fn states(p: &Parsed, filter: &Filter) -> [States; 2] {
    match filter.states {
        Some(states) => [states; 2],
        None if p.has("-a") => [ss_filter::EVERY; 2],
        None if p.has("-l") => [ss_filter::WAITING; 2],
        None => [ss_filter::CONNECTED, ss_filter::ESTABLISHED],
    }
}

fn table(p: &Parsed, asked: Asked, filter: &Filter, sys: &Sys<'_>) -> String {
    let numeric = p.has("-n");
    let port = |n: u16| match service_name(n).filter(|_| !numeric) {
        Some(name) => name.to_owned(),
        None => n.to_string(),
    };
    let address =
        |e: Endpoint| if e.addr.is_unspecified() { "0.0.0.0:".to_owned() } else { format!("{}:", e.addr) };
    let any = !(asked.tcp || asked.udp || asked.other);
    let kinds = [asked.tcp || any, asked.udp || any];
    let netid = any || usize::from(asked.tcp) + usize::from(asked.udp) + usize::from(asked.other) > 1;
    let states = states(p, filter);
    // A column that says the same of all is left out.
    let shown = kinds.iter().zip(states).filter(|(kind, _)| **kind).fold(0, |all, (_, states)| all | states);
    let columns = (netid, shown == 0 || shown.count_ones() > 1);
    let mut rows: Vec<[String; 9]> = Vec::new();
    if !p.has("-H") {
        rows.push(
            [
                "Netid",
                "State",
                "Recv-Q",
                "Send-Q",
                "Local Address:",
                "Port",
                "Peer Address:",
                "Port",
                if p.has("-p") { "Process" } else { "" },
            ]
            .map(str::to_owned),
        );
    }
    let wanted = |s: &SocketInfo| {
        let (of_kind, states) = match s.kind {
            SocketKind::Tcp => (kinds[0], states[0]),
            SocketKind::Udp => (kinds[1], states[1]),
            _ => (false, 0),
        };
        // A TCP socket that is neither bound for listening nor connected has no line.
        let idle = s.kind == SocketKind::Tcp && s.state == TcpState::Closed;
        let ipv6 = p.has("-6") || p.get("-f").is_some_and(|f| f != "inet");
        of_kind
            && !idle
            && !ipv6
            && s.local.port != 0
            && ss_filter::state_of(s) & states != 0
            && filter.takes(s)
    };
    let mut sockets: Vec<SocketInfo> = sys.ns.sockets().into_iter().filter(wanted).collect();
    sockets.sort_by_key(|s| (s.kind == SocketKind::Tcp, s.id));
    for s in &sockets {
        let (peer, peer_port) = match s.remote {
            Some(r) => (address(r), port(r.port)),
            None => ("0.0.0.0:".to_owned(), "*".to_owned()),
        };
        let owner = s.owner.filter(|_| p.has("-p"));
        // The number of the descriptor is the first one that a program opens.
        let owner = owner.map(|o| {
            let name = sys.names.get(o).unwrap_or("?");
            format!(" users:((\"{name}\",pid={},fd=3))", o.0)
        });
        let owner = owner.unwrap_or_default();
        rows.push([
            if s.kind == SocketKind::Tcp { "tcp" } else { "udp" }.to_owned(),
            state(s).to_owned(),
            format!("{:<6}", s.recv_queue),
            format!("{:<6}", s.send_queue),
            address(s.local),
            port(s.local.port),
            peer,
            peer_port,
            owner,
        ]);
    }
    layout(&rows, columns)
}

/// Columns as wide as their widest cell; addresses to the right, the rest to the left.
fn layout(rows: &[[String; 9]], (netid, state): (bool, bool)) -> String {
    let width = |i: usize| rows.iter().map(|r| r[i].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..9).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (i, cell) in row.iter().enumerate() {
            if (i == 0 && !netid) || (i == 1 && !state) {
                continue;
            }
            // The port follows its address, and the process the port, without a gap.
            if !line.is_empty() && !matches!(i, 5 | 7 | 8) {
                line.push(' ');
            }
            let w = widths[i];
            line += &if matches!(i, 4 | 6) { format!("{cell:>w$}") } else { format!("{cell:<w$}") };
        }
        out += &line;
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_without_a_header_is_as_narrow_as_its_cells() {
        let row =
            ["tcp", "LISTEN", "0     ", "4096  ", "0.0.0.0:", "8080", "0.0.0.0:", "*", ""].map(str::to_owned);
        assert_eq!(layout(&[row], (false, true)), "LISTEN 0      4096   0.0.0.0:8080 0.0.0.0:*\n");
    }
}
