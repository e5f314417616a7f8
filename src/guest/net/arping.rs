//! `arping`: who has this address on this link (or, with `-D`, does anybody have it?), or here is who
//! has it (`-U`, `-A`). With the texts of iputils' arping.

use std::net::Ipv4Addr;

use super::usage::{self, Early};
use crate::guest::dns::HostLookup;
use crate::guest::options::{Opt, Parsed, flag, value};
use crate::guest::{Poll, Program, Signal, Sys};
use crate::stack::{Errno, SocketId, SocketKind, SocketOption};
use crate::time::{Duration, Instant};
use crate::wire::fmt::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr,
};
use crate::wire::{Endpoint, IfName, Mac};

/// The options of `arping`.
pub(super) const OPTIONS: &[Opt] = &[
    flag(&["-f"], "quit on first reply", "첫 응답에서 끝"),
    flag(&["-q"], "be quiet", "조용히"),
    flag(&["-b"], "keep on broadcasting, do not unicast", "계속 브로드캐스트"),
    flag(&["-D"], "duplicate address detection mode", "주소가 이미 쓰이는지 확인"),
    flag(&["-U"], "unsolicited ARP mode, update your neighbours", "주소를 이웃에게 알림(질문으로)"),
    flag(&["-A"], "ARP answer mode, update your neighbours", "주소를 이웃에게 알림(응답으로)"),
    flag(&["-V"], "print version and exit", "버전"),
    value(&["-c"], "count", "how many packets to send", "보낼 횟수"),
    value(&["-w"], "timeout", "how long to wait for a reply", "기다릴 시간(초)"),
    value(&["-i"], "interval", "set interval between packets (default: 1 second)", "보내는 간격(초)"),
    value(&["-I"], "device", "which ethernet device to use", "사용할 인터페이스"),
    value(&["-s"], "source", "source IP address", "출발지 주소"),
];

/// The program.
#[derive(Debug, Clone)]
pub(super) struct Arping {
    config: Result<Config, Early>,
    state: State,
}

#[derive(Debug, Clone)]
struct Config {
    host: String,
    options: Parsed,
    count: Option<u64>,
    wait: Option<Duration>,
    interval: Duration,
}

#[derive(Debug, Clone)]
enum State {
    Start,
    Resolving(HostLookup),
    Running(Run),
}

#[derive(Debug, Clone)]
struct Run {
    socket: SocketId,
    own_mac: Mac,
    own_addr: Ipv4Addr,
    target: Ipv4Addr,
    /// The peer's, once it answered: later questions go straight to it.
    peer: Option<Mac>,
    started: Instant,
    last: Instant,
    next: Instant,
    sent: u64,
    broadcasts: u64,
    received: u64,
}

impl Arping {
    /// From a command line.
    pub(super) fn start(argv: &[String]) -> Box<dyn Program> {
        Box::new(Self { config: configure(argv.get(1..).unwrap_or_default()), state: State::Start })
    }
}

fn configure(args: &[String]) -> Result<Config, Early> {
    let usage = || {
        let head = "\nUsage:\n  arping [options] <destination>\n\nOptions:\n";
        let rows = usage::iputils_text(OPTIONS, 13);
        format!("{head}{rows}  <destination> DNS name or IP address\n\nFor more details see arping(8).\n")
    };
    if args.first().is_some_and(|a| a == "-h") {
        return Err((2, usage()));
    }
    let options = usage::iputils_options("arping", OPTIONS, args, usage)?;
    if options.operands.len() != 1 {
        return Err((2, usage()));
    }
    let number = |name: &str| match options.get(name).map(|t| (t, t.parse::<u32>())) {
        None => Ok(None),
        Some((_, Ok(n))) if n > 0 => Ok(Some(u64::from(n))),
        Some((text, _)) => Err((1, format!("arping: invalid argument: '{text}'\n"))),
    };
    Ok(Config {
        host: options.operands[0].clone(),
        count: number("-c")?,
        wait: number("-w")?.map(Duration::from_secs),
        interval: number("-i")?.map_or(Duration::from_secs(1), Duration::from_secs),
        options,
    })
}

impl Program for Arping {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        if sys.signal == Some(Signal::Term) {
            return Poll::Exit(143);
        }
        let config = match &self.config {
            Ok(config) => config,
            Err(early) => return usage::leave(sys, early),
        };
        loop {
            match &mut self.state {
                State::Start => self.state = State::Resolving(HostLookup::new(&config.host)),
                State::Resolving(lookup) => match lookup.poll(sys) {
                    None => return Poll::Pending,
                    Some(Err(e)) => {
                        sys.err(format!("arping: {}: {e}\n", config.host));
                        return Poll::Exit(2);
                    }
                    Some(Ok(found)) => match Run::begin(sys, config, found.addrs[0]) {
                        Ok(run) => self.state = State::Running(run),
                        // What is wrong with the device is said as an answer, not as a mistake.
                        Err(text) if text.starts_with("Interface") => {
                            sys.out(text + "\n");
                            return Poll::Exit(2);
                        }
                        Err(text) => {
                            sys.err(format!("arping: {text}\n"));
                            return Poll::Exit(2);
                        }
                    },
                },
                State::Running(run) => return run.go_on(sys, config),
            }
        }
    }
    fn name(&self) -> &str {
        "arping"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

impl Run {
    fn begin(sys: &mut Sys<'_>, config: &Config, target: Ipv4Addr) -> Result<Self, String> {
        let name: IfName = match config.options.get("-I") {
            Some(name) => name.parse().map_err(|_| format!("Device {name} not available."))?,
            None => suitable_device(sys, target)
                .ok_or("Suitable device could not be determined. Please, use option -I.")?,
        };
        let device =
            sys.ns.device_named(name.as_str()).ok_or_else(|| format!("Device {name} not available."))?;
        if !device.up {
            return Err(format!("Interface \"{name}\" is down"));
        }
        if device.mac == Mac::ZERO {
            return Err(format!("Interface \"{name}\" is not ARPable"));
        }
        let own_mac = device.mac;
        let on_link = device.addrs.iter().find(|a| a.contains(&target)).or(device.addrs.first());
        let announces = config.options.has("-U") || config.options.has("-A");
        let own_addr = match config.options.get("-s") {
            Some(text) => {
                let source: Ipv4Addr = text.parse().map_err(|_| format!("invalid source {text}"))?;
                if !config.options.has("-D") && !sys.ns.is_local(source) {
                    return Err(format!("bind: {}", Errno::AddrNotAvail));
                }
                source
            }
            None if config.options.has("-D") => Ipv4Addr::UNSPECIFIED,
            // It speaks of an address: its own.
            None if announces && !sys.ns.is_local(target) => {
                return Err(format!("bind: {}", Errno::AddrNotAvail));
            }
            None if announces => target,
            None => on_link.map_or(Ipv4Addr::UNSPECIFIED, |a| a.addr()),
        };
        let socket = sys.ns.socket(Some(sys.pid), SocketKind::Packet { arp_only: true });
        sys.ns.set_option(socket, SocketOption::Device(name)).map_err(|e| format!("bind: {e}"))?;
        if !config.options.has("-q") {
            sys.out(format!("ARPING {target} from {own_addr} {name}\n"));
        }
        let now = sys.now();
        Ok(Self {
            socket,
            own_mac,
            own_addr,
            target,
            peer: None,
            started: now,
            last: now,
            next: now,
            sent: 0,
            broadcasts: 0,
            received: 0,
        })
    }

    fn go_on(&mut self, sys: &mut Sys<'_>, config: &Config) -> Poll {
        self.receive(sys, config);
        let now = sys.now();
        let counted = config.count.is_some_and(|c| self.received >= c);
        // One answer is enough to know that an address is taken.
        let first = (config.options.has("-f") || config.options.has("-D")) && self.received > 0;
        let over = config.wait.is_some_and(|w| now >= self.started + w);
        // Without -w the last question has a second for its answer.
        let waited = config.count.is_some_and(|c| self.sent >= c)
            && now >= self.last + config.wait.unwrap_or(config.interval);
        if counted || first || over || waited || sys.signal == Some(Signal::Int) {
            return self.finish(sys, config);
        }
        let more = config.count.is_none_or(|c| self.sent < c);
        if more && now >= self.next {
            self.ask(sys, config);
        }
        sys.wake_at(if config.count.is_none_or(|c| self.sent < c) {
            self.next
        } else {
            self.last + config.wait.unwrap_or(config.interval)
        });
        if let Some(wait) = config.wait {
            sys.wake_at(self.started + wait);
        }
        Poll::Pending
    }

    fn ask(&mut self, sys: &mut Sys<'_>, config: &Config) {
        let peer = self.peer.filter(|_| !config.options.has("-b"));
        let answers = config.options.has("-A");
        let bytes = frame(answers, self.own_mac, self.own_addr, self.target, peer);
        // A packet socket has no peer: the frame itself says where it goes.
        let nowhere = Endpoint::new(Ipv4Addr::UNSPECIFIED, 0);
        self.last = sys.now();
        self.next = self.last + config.interval;
        self.sent += 1;
        self.broadcasts += u64::from(peer.is_none());
        if let Err(e) = sys.ns.send_to(self.socket, nowhere, &bytes, &mut sys.cx) {
            sys.err(format!("arping: sendto: {e}\n"));
        }
    }

    fn receive(&mut self, sys: &mut Sys<'_>, config: &Config) {
        loop {
            let datagram = match sys.ns.recv_from(self.socket) {
                Ok(datagram) => datagram,
                Err(Errno::WouldBlock | Errno::BadFd) => break,
                Err(_) => continue,
            };
            let Some((mac, addr, target, was_unicast)) = reply(&datagram.data) else { continue };
            // A probe for duplicates has no address of its own that an answer could name.
            if datagram.outgoing || addr != self.target || target != self.own_addr {
                continue;
            }
            self.received += 1;
            self.peer = Some(mac);
            if !config.options.has("-q") {
                let micros = sys.now().since(self.last).0 / 1_000;
                sys.out(format!(
                    "{} reply from {addr} [{}]  {}.{:03}ms\n",
                    if was_unicast { "Unicast" } else { "Broadcast" },
                    mac.to_string().to_uppercase(),
                    micros / 1_000,
                    micros % 1_000
                ));
            }
        }
    }

    fn finish(&self, sys: &mut Sys<'_>, config: &Config) -> Poll {
        if !config.options.has("-q") {
            sys.out(format!(
                "Sent {} probes ({} broadcast(s))\nReceived {} response(s)\n",
                self.sent, self.broadcasts, self.received
            ));
        }
        let announces = config.options.has("-U") || config.options.has("-A");
        let answered = self.received > 0;
        Poll::Exit(i32::from(if config.options.has("-D") { answered } else { !answered && !announces }))
    }
}

/// The device on whose link the address is, or else the first that could be asked on.
fn suitable_device(sys: &Sys<'_>, target: Ipv4Addr) -> Option<IfName> {
    let able = || sys.ns.devices().filter(|d| d.up && d.mac != Mac::ZERO && !d.addrs.is_empty());
    able().find(|d| d.addrs.iter().any(|a| a.contains(&target))).or_else(|| able().next()).map(|d| d.name)
}

/// The frame of a question, or of an answer that nobody asked for (RFC 826).
fn frame(answers: bool, own_mac: Mac, own_addr: Ipv4Addr, target: Ipv4Addr, peer: Option<Mac>) -> Vec<u8> {
    let arp = ArpRepr::EthernetIpv4 {
        operation: if answers { ArpOperation::Reply } else { ArpOperation::Request },
        source_hardware_addr: own_mac.into(),
        source_protocol_addr: own_addr,
        target_hardware_addr: if answers { own_mac } else { peer.unwrap_or(Mac::BROADCAST) }.into(),
        target_protocol_addr: target,
    };
    let ethernet = EthernetRepr {
        src_addr: own_mac.into(),
        dst_addr: peer.unwrap_or(Mac::BROADCAST).into(),
        ethertype: EthernetProtocol::Arp,
    };
    let mut bytes = vec![0; ethernet.buffer_len() + arp.buffer_len()];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes);
    ethernet.emit(&mut frame);
    arp.emit(&mut ArpPacket::new_unchecked(frame.payload_mut()));
    bytes
}

/// Sender's MAC and address, the address it answers to, and whether only we were told.
fn reply(bytes: &[u8]) -> Option<(Mac, Ipv4Addr, Ipv4Addr, bool)> {
    let frame = EthernetFrame::new_checked(bytes).ok()?;
    if frame.ethertype() != EthernetProtocol::Arp {
        return None;
    }
    let arp = ArpRepr::parse(&ArpPacket::new_checked(frame.payload()).ok()?).ok()?;
    let ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Reply,
        source_hardware_addr,
        source_protocol_addr,
        target_protocol_addr,
        ..
    } = arp
    else {
        return None;
    };
    let unicast = frame.dst_addr() != EthernetAddress::BROADCAST;
    Some((source_hardware_addr.into(), source_protocol_addr, target_protocol_addr, unicast))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_question_is_no_reply() {
        let bytes = frame(false, Mac([2; 6]), Ipv4Addr::LOCALHOST, Ipv4Addr::BROADCAST, None);
        assert_eq!((bytes.len(), reply(&bytes)), (42, None));
    }

    #[test]
    fn a_reply_is_read() {
        let mut bytes =
            frame(false, Mac([2; 6]), Ipv4Addr::LOCALHOST, Ipv4Addr::new(10, 0, 0, 3), Some(Mac([4; 6])));
        bytes[21] = 2;
        let expected = (Mac([2; 6]), Ipv4Addr::LOCALHOST, Ipv4Addr::new(10, 0, 0, 3), true);
        assert_eq!(reply(&bytes), Some(expected));
    }

    proptest! {
        #[test]
        fn any_frame_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = reply(&bytes);
        }
    }
}
