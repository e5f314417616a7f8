//! `ss`: sockets (ss(8)). Supported: -t, -u, -l, -a, -n, -4, -6, -H, -p (every descriptor is called 3).
//! Not supported: filters, -i, -m, Unix and raw sockets.

use super::once::{bad_option, once};
use crate::guest::options::{self, Opt, Parsed, flag};
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
];

pub(super) fn ss(argv: &[String]) -> Box<dyn Program> {
    once(argv, |args, sys| match options::parse(OPTIONS, args) {
        Ok(p) if p.operands.is_empty() => {
            let text = table(&p, sys);
            if !text.is_empty() {
                sys.out(text);
            }
            0
        }
        Ok(p) => {
            sys.err(format!("ss: filters are not supported: {}\n", p.operands.join(" ")));
            255
        }
        Err(e) => {
            sys.err(bad_option("ss", &e));
            255
        }
    })
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

/// Is it of a kind that is asked for?
fn wanted(p: &Parsed, s: &SocketInfo) -> bool {
    let (tcp, udp) = (p.has("-t"), p.has("-u"));
    let kind = match s.kind {
        SocketKind::Tcp => tcp || !udp,
        SocketKind::Udp => udp || !tcp,
        _ => false,
    };
    // A TCP socket that is neither bound for listening nor connected has no line.
    let waits = s.state == TcpState::Listen || (s.kind == SocketKind::Udp && s.remote.is_none());
    let idle = s.kind == SocketKind::Tcp && s.state == TcpState::Closed;
    let bound = s.local.port != 0;
    kind && !idle && bound && !p.has("-6") && (p.has("-a") || p.has("-l") == waits)
}

fn table(p: &Parsed, sys: &Sys<'_>) -> String {
    let numeric = p.has("-n");
    let port = |n: u16| match service_name(n).filter(|_| !numeric) {
        Some(name) => name.to_owned(),
        None => n.to_string(),
    };
    let address =
        |e: Endpoint| if e.addr.is_unspecified() { "0.0.0.0:".to_owned() } else { format!("{}:", e.addr) };
    let netid = p.has("-t") == p.has("-u");
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
                "Process",
            ]
            .map(str::to_owned),
        );
    }
    let mut sockets: Vec<SocketInfo> = sys.ns.sockets().into_iter().filter(|s| wanted(p, s)).collect();
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
    layout(&rows, netid)
}

/// Columns as wide as their widest cell; addresses to the right, the rest to the left.
fn layout(rows: &[[String; 9]], netid: bool) -> String {
    let width = |i: usize| rows.iter().map(|r| r[i].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..9).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (i, cell) in row.iter().enumerate().skip(usize::from(!netid)) {
            // The port follows its address, and the process the port, without a gap.
            if !line.is_empty() && !matches!(i, 5 | 7 | 8) {
                line.push(' ');
            }
            let w = widths[i];
            line += &if matches!(i, 4 | 6) { format!("{cell:>w$}") } else { format!("{cell:<w$}") };
        }
        out += line.trim_end();
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
        assert_eq!(layout(&[row], false), "LISTEN 0      4096   0.0.0.0:8080 0.0.0.0:*\n");
    }
}
