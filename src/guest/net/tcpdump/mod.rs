//! `tcpdump`: the frames that pass a device, live until Ctrl-C, as lines or into a file.
//!
//! Not supported: names of hosts (addresses stay numbers; ports have names without `-n`), `-x`,
//! `-C`, `-G`, `-W`, promiscuous mode (there is nothing else to see). With `-i any` a file holds
//! the Ethernet frames, not Linux cooked ones.

mod filter;
mod line;

use std::time::Duration as Wall;

use pcap_file::pcap::{PcapHeader, PcapPacket, PcapReader, PcapWriter};
use pcap_file::{DataLink, Endianness, TsResolution};

use crate::guest::absolute_path;
use crate::guest::options::{Opt, OptError, Parsed, flag, parse, value};
use crate::guest::{Poll, Program, Signal, Sys};
use crate::stack::{Errno, SocketId, SocketKind, SocketOption};
use crate::time::{Duration, Instant};
use crate::wire::{IfIndex, IfName, Mac, summary};
use filter::Filter;
use line::{Origins, Style};

/// The options.
pub(in crate::guest) const OPTIONS: &[Opt] = &[
    value(
        &["-i", "--interface"],
        "interface",
        "listen there (any: everywhere)",
        "들을 인터페이스 (any: 모두)",
    ),
    flag(&["-n", "-nn"], "numbers, no names of ports", "포트 이름 대신 숫자"),
    value(&["-c"], "count", "stop after so many packets", "이만큼 잡으면 멈추기"),
    flag(&["-e"], "with the Ethernet header", "이더넷 헤더도 보기"),
    flag(&["-v", "-vv"], "with the IP header", "IP 헤더도 보기"),
    value(&["-w"], "file", "write the packets to a file", "패킷을 파일에 저장"),
    value(&["-r"], "file", "read packets from a file", "파일에서 패킷 읽기"),
    flag(&["-q"], "less", "간단히"),
    flag(&["-t"], "no time", "시각 없이"),
    flag(&["-S"], "sequence numbers as they are", "순서 번호를 그대로"),
    flag(&["-A"], "the packets as text", "패킷을 글자로"),
    value(&["-Q"], "in|out|inout", "only this direction", "이 방향만"),
    flag(&["-D", "--list-interfaces"], "list the interfaces", "인터페이스 목록"),
    flag(&["-l", "-U", "-p", "-K"], "line by line", "한 줄씩"),
    value(&["-s"], "snaplen", "bytes of each packet", "패킷마다 잡을 길이"),
    flag(&["-h", "--help"], "help", "도움말"),
    flag(&["--version"], "version", "버전"),
];

const VERSION: &str = "tcpdump version 4.99.5\nlibpcap version 1.10.5 (with TPACKET_V3)\n";
const USAGE: &str = "\
Usage: tcpdump [-Abd:eHIJKlLnNOpqStuUvxX#] [ -B size ] [ -c count ] [--count]
\t\t[ -C file_size ] [ -E algo:secret ] [ -F file ] [ -G seconds ]
\t\t[ -i interface ] [ --immediate-mode ] [ -r file ] [ -w file ]
\t\t[ expression ]
";
const SNAPLEN: u32 = 262_144;
/// A file has at most 1 MiB (the store's bound); packets past it are lost, and counted.
const MAX_FILE: usize = (1 << 20) - 4096;

/// The program.
#[derive(Debug, Clone)]
pub(in crate::guest) struct Tcpdump {
    config: Result<Config, (i32, String)>,
    running: Option<Run>,
}

#[derive(Debug, Clone)]
struct Config {
    options: Parsed,
    filter: Filter,
    count: Option<u64>,
    style: Style,
}

#[derive(Debug, Clone)]
struct Run {
    socket: SocketId,
    any: bool,
    captured: u64,
    lost: u64,
    origins: Origins,
    /// The file so far.
    file: Vec<u8>,
}

impl Tcpdump {
    /// From a command line.
    pub(in crate::guest) fn start(argv: &[String]) -> Box<dyn Program> {
        Box::new(Self { config: configure(argv.get(1..).unwrap_or_default()), running: None })
    }
}

fn configure(args: &[String]) -> Result<Config, (i32, String)> {
    // A bundle like -nnvi: each letter by itself; so the doubled ones are reduced first.
    let args: Vec<String> = args
        .iter()
        .map(|a| match a.strip_prefix('-').filter(|o| !o.starts_with('-') && o.len() > 1) {
            Some(letters) if letters.bytes().all(|b| b.is_ascii_alphabetic()) => {
                let mut kept: Vec<char> = Vec::new();
                letters.chars().for_each(|c| {
                    if kept.last() != Some(&c) {
                        kept.push(c);
                    }
                });
                format!("-{}", kept.into_iter().collect::<String>())
            }
            _ => a.clone(),
        })
        .collect();
    // An expression begins at the first word that is not an option: getopt(3) without permutation.
    let mut options_end = args.len();
    let mut skip = false;
    for (i, arg) in args.iter().enumerate() {
        if skip {
            skip = false;
        } else if arg.starts_with('-') && arg.len() > 1 {
            let last = arg.chars().next_back().unwrap_or('-');
            let name = if arg.starts_with("--") { arg.clone() } else { format!("-{last}") };
            skip = !arg.contains('=')
                && OPTIONS.iter().any(|o| !o.value.is_empty() && o.names.contains(&name.as_str()));
        } else {
            options_end = i;
            break;
        }
    }
    let (options, words) = args.split_at(options_end);
    let bad = |e: OptError| match e {
        OptError::Unknown(o) => (1, format!("tcpdump: invalid option -- '{o}'\n{VERSION}{USAGE}")),
        e @ OptError::NoValue(_) => (1, format!("tcpdump: {e}\n{VERSION}{USAGE}")),
    };
    let options = parse(OPTIONS, options).map_err(bad)?;
    if options.has("--version") {
        return Err((0, VERSION.to_owned()));
    }
    if options.has("-h") {
        return Err((0, format!("{VERSION}{USAGE}")));
    }
    let count = match options.get("-c").map(|t| (t, t.parse::<u32>())) {
        None => None,
        Some((_, Ok(n))) if n > 0 => Some(u64::from(n)),
        Some((text, _)) => return Err((1, format!("tcpdump: invalid packet count {text}\n"))),
    };
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|w| *w != "--").collect();
    let filter = Filter::parse(&words.join(" ")).map_err(|e| (1, format!("tcpdump: {e}\n")))?;
    let has = |name| options.has(name);
    let style = Style {
        numbers: has("-n"),
        link: has("-e"),
        verbose: has("-v"),
        quick: has("-q"),
        timeless: has("-t"),
        absolute: has("-S"),
        ascii: has("-A"),
    };
    Ok(Config { filter, count, style, options })
}

impl Program for Tcpdump {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        let config = match &self.config {
            Ok(config) => config,
            Err(early) => return crate::guest::net::usage::leave(sys, early),
        };
        if config.options.has("-D") {
            list(sys);
            return Poll::Exit(0);
        }
        if let Some(path) = config.options.get("-r") {
            let exit = replay(sys, config, path);
            return Poll::Exit(exit);
        }
        if self.running.is_none() {
            match begin(sys, config) {
                Ok(run) => self.running = Some(run),
                Err(text) => {
                    sys.err(format!("tcpdump: {text}\n"));
                    return Poll::Exit(1);
                }
            }
        }
        let Some(run) = &mut self.running else { return Poll::Exit(1) };
        let full = run.take(sys, config);
        let interrupted = matches!(sys.signal, Some(Signal::Int | Signal::Term));
        if !full && !interrupted {
            return Poll::Pending;
        }
        if interrupted && config.options.get("-w").is_none() {
            sys.out("\n");
        }
        let (captured, lost) = (run.captured, run.lost);
        let s = if captured == 1 { "" } else { "s" };
        let received = captured + lost;
        let t = if received == 1 { "" } else { "s" };
        sys.err(format!(
            "{captured} packet{s} captured\n{received} packet{t} received by filter\n\
             {lost} packets dropped by kernel\n"
        ));
        Poll::Exit(0)
    }
    fn name(&self) -> &str {
        "tcpdump"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

fn list(sys: &mut Sys<'_>) {
    let mut lines = Vec::new();
    for d in sys.ns.devices() {
        let state = match (d.name == *"lo", d.up) {
            (true, _) => "[Up, Running, Loopback]",
            (_, true) => "[Up, Running, Connected]",
            (_, false) => "[none, Disconnected]",
        };
        lines.push(format!("{} {state}", d.name));
    }
    lines.sort_by_key(|l| l.starts_with("lo "));
    let any = lines.iter().position(|l| l.starts_with("lo ")).unwrap_or(lines.len());
    lines.insert(any, "any (Pseudo-device that captures on all interfaces) [Up, Running]".to_owned());
    let text: String = lines.iter().enumerate().map(|(i, l)| format!("{}.{l}\n", i + 1)).collect();
    sys.out(text);
}

fn begin(sys: &mut Sys<'_>, config: &Config) -> Result<Run, String> {
    let name = match config.options.get("-i") {
        Some(name) => name.to_owned(),
        None => {
            let up = sys.ns.devices().find(|d| d.up && d.index != IfIndex::LO).map(|d| d.name.to_string());
            up.unwrap_or_else(|| "lo".to_owned())
        }
    };
    let any = name == "any";
    let socket = sys.ns.socket(Some(sys.pid), SocketKind::Packet { arp_only: false });
    if !any {
        let missing = || format!("{name}: No such device exists\n(No such device exists)");
        let device: IfName = name.parse().map_err(|_| missing())?;
        sys.ns.set_option(socket, SocketOption::Device(device)).map_err(|_| missing())?;
        if sys.ns.device_named(&name).is_some_and(|d| !d.up) {
            return Err(format!("{name}: That device is not up"));
        }
    }
    let file = match config.options.get("-w") {
        None => Vec::new(),
        Some("-") => return Err("-: a terminal takes no packets; name a file".into()),
        Some(path) => {
            let file = writer(Vec::new()).map(PcapWriter::into_writer).unwrap_or_default();
            save(sys, path, &file).map_err(|e| format!("{path}: {e}"))?;
            file
        }
    };
    let kind = if any { "LINUX_SLL2 (Linux cooked v2)" } else { "EN10MB (Ethernet)" };
    let mut head = String::new();
    if any {
        head += "tcpdump: data link type LINUX_SLL2\n";
    }
    if config.options.get("-w").is_some() {
        head += "tcpdump: ";
    } else if !config.style.verbose {
        head += "tcpdump: verbose output suppressed, use -v[v]... for full protocol decode\n";
    } else {
        head += "tcpdump: ";
    }
    sys.err(format!("{head}listening on {name}, link-type {kind}, snapshot length {SNAPLEN} bytes\n"));
    Ok(Run { socket, any, captured: 0, lost: 0, origins: Origins::new(), file })
}

impl Run {
    /// Takes what came in; true when there is enough.
    fn take(&mut self, sys: &mut Sys<'_>, config: &Config) -> bool {
        let direction = config.options.get("-Q").unwrap_or("inout");
        let mut text = String::new();
        let before = self.file.len();
        let enough = |run: &Self| config.count.is_some_and(|c| run.captured >= c);
        while !enough(self) {
            let datagram = match sys.ns.recv_from(self.socket) {
                Ok(datagram) => datagram,
                Err(Errno::WouldBlock) => break,
                Err(_) => return true,
            };
            let frame = summary(&datagram.data);
            let wanted = direction == "inout" || (direction == "out") == datagram.outgoing;
            if !wanted || !config.filter.passes(&frame) {
                continue;
            }
            if config.options.get("-w").is_some() {
                if self.file.len() + datagram.data.len() > MAX_FILE {
                    self.lost += 1;
                    continue;
                }
                self.captured += 1;
                append(&mut self.file, sys.now(), &datagram.data);
                continue;
            }
            self.captured += 1;
            let via = self.any.then(|| {
                let device = sys.ns.device(datagram.dev).map(|d| d.name.to_string()).unwrap_or_default();
                let way = match (datagram.outgoing, frame.dst_mac) {
                    (true, _) => "Out",
                    (_, Mac::BROADCAST) => "B",
                    (_, mac) if mac.is_group() => "M",
                    _ => "In",
                };
                format!("{device:<5} {way:<3} ")
            });
            text += &config.style.line(sys.now(), &datagram.data, &frame, via.as_deref(), &mut self.origins);
        }
        if !text.is_empty() {
            sys.out(text);
        }
        if let Some(path) = config.options.get("-w").filter(|_| self.file.len() > before)
            && let Err(e) = save(sys, path, &self.file)
        {
            sys.err(format!("tcpdump: {path}: {e}\n"));
            return true;
        }
        enough(self)
    }
}

/// A path of the machine's, from the working directory.
fn full(sys: &Sys<'_>, path: &str) -> String {
    let pwd = sys.env.iter().rev().find(|(n, _)| n == "PWD").map_or("/", |(_, v)| v.as_str());
    absolute_path(pwd, path)
}

fn save(sys: &mut Sys<'_>, path: &str, file: &[u8]) -> Result<(), &'static str> {
    let path = full(sys, path);
    if path == "/dev/null" { Ok(()) } else { sys.files.put(&path, file) }
}

fn writer(file: Vec<u8>) -> Option<PcapWriter<Vec<u8>>> {
    let header = PcapHeader {
        snaplen: SNAPLEN,
        datalink: DataLink::ETHERNET,
        ts_resolution: TsResolution::MicroSecond,
        endianness: Endianness::Little,
        ..PcapHeader::default()
    };
    PcapWriter::with_header(file, header).ok()
}

fn append(file: &mut Vec<u8>, at: Instant, frame: &[u8]) {
    let packet = PcapPacket::new(Wall::from_nanos(at.as_nanos()), frame.len() as u32, frame);
    // The writer puts a header before the first packet; only what comes after it is wanted.
    if let Some(mut writer) = writer(Vec::new()) {
        let head = 24;
        if writer.write_packet(&packet).is_ok() {
            file.extend(writer.into_writer().into_iter().skip(head));
        }
    }
}

/// `-r`: the lines of a file's packets.
fn replay(sys: &mut Sys<'_>, config: &Config, path: &str) -> i32 {
    let Some(bytes) = sys.files.get(&full(sys, path)).map(<[u8]>::to_vec) else {
        sys.err(format!("tcpdump: {path}: No such file or directory\n"));
        return 1;
    };
    let Ok(mut reader) = PcapReader::new(bytes.as_slice()) else {
        sys.err("tcpdump: unknown file format\n".to_owned());
        return 1;
    };
    sys.err(format!(
        "reading from file {path}, link-type EN10MB (Ethernet), snapshot length {}\n",
        reader.header().snaplen
    ));
    let (mut text, mut shown, mut origins) = (String::new(), 0, Origins::new());
    while let Some(Ok(packet)) = reader.next_packet() {
        let frame = summary(&packet.data);
        if config.count.is_some_and(|c| shown >= c) {
            break;
        }
        if config.filter.passes(&frame) {
            shown += 1;
            let nanos = u64::try_from(packet.timestamp.as_nanos()).unwrap_or(u64::MAX);
            let at = Instant::default() + Duration(nanos);
            text += &config.style.line(at, &packet.data, &frame, None, &mut origins);
        }
    }
    sys.out(text);
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn options_end_where_the_expression_begins() {
        for (line, numbers, count) in [
            ("-nni eth0 -c 3 port 80 and not host 10.0.0.1", true, Some(3)),
            ("-i eth0 -c1 icmp", false, Some(1)),
            ("-nnvvXA", true, None),
        ] {
            let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            match configure(&args) {
                Ok(config) => assert_eq!((config.style.numbers, config.count), (numbers, count), "{line}"),
                Err((_, text)) => {
                    assert!(text.starts_with("tcpdump: invalid option -- 'X'"), "{line}: {text}")
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_command_line_is_read_or_refused(args in proptest::collection::vec("-?\\PC{0,8}", 0..6)) {
            let _ = configure(&args);
        }

        #[test]
        fn any_frame_is_a_line(bytes in proptest::collection::vec(any::<u8>(), 0..120), verbose: bool) {
            let style = Style { verbose, ascii: verbose, ..Style::default() };
            let line = style.line(Instant::default(), &bytes, &summary(&bytes), None, &mut Origins::new());
            prop_assert!(line.ends_with('\n'));
        }
    }
}
