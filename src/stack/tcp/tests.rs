//! Two connections on a line, without a namespace around them.

use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::super::{DropReason, Errno, TcpState};
use super::segment::Flags;
use super::{Conn, Emit, Segment, Seq, parse, write};
use crate::rng::Rng;
use crate::time::{Duration, Instant};

const A: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const B: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const DELAY: Duration = Duration::from_millis(5);

/// A client, a server that comes to be with the first SYN, and the segments between them.
struct Line {
    now: Instant,
    client: Conn,
    server: Option<Conn>,
    /// (arrives, order, to the server?, bytes)
    wire: Vec<(Instant, u32, bool, Vec<u8>)>,
    /// Everything that was sent, in short.
    seen: Vec<String>,
    sent: u32,
    faults: Faults,
    rng: Rng,
}

/// What may happen to a segment, in thousandths, and how often it may happen.
#[derive(Debug, Clone, Copy, Default)]
struct Faults {
    loss: u16,
    twice: u16,
    late: u16,
    budget: u32,
}

impl Line {
    fn new() -> Self {
        Self::with(Faults::default(), 1, 1500)
    }
    fn with(faults: Faults, seed: u64, mtu: u16) -> Self {
        let mut rng = Rng::new(seed);
        let client = Conn::open(Seq(rng.next_u32()), (mtu, mtu));
        Self {
            now: Instant::ZERO,
            client,
            server: None,
            wire: Vec::new(),
            seen: Vec::new(),
            sent: 0,
            faults,
            rng,
        }
    }
    fn server(&mut self) -> &mut Conn {
        self.server.as_mut().expect("the SYN arrived")
    }
    /// Lets both speak.
    fn pump(&mut self) {
        while let Some(emit) = self.client.poll(self.now) {
            let mut bytes = Vec::new();
            write(&emit, (A, 1), (B, 2), self.client.send_halves(), &mut bytes);
            self.put(true, &emit, bytes);
        }
        while let Some((emit, bytes)) = self.server.as_mut().and_then(|s| {
            let emit = s.poll(self.now)?;
            let mut bytes = Vec::new();
            write(&emit, (B, 2), (A, 1), s.send_halves(), &mut bytes);
            Some((emit, bytes))
        }) {
            self.put(false, &emit, bytes);
        }
    }
    fn put(&mut self, to_server: bool, emit: &Emit, bytes: Vec<u8>) {
        self.seen.push(format!("{} {}", if to_server { ">" } else { "<" }, short(emit)));
        self.sent += 1;
        let faulty = self.faults.budget > 0;
        if faulty && self.rng.chance(self.faults.loss) {
            self.faults.budget = self.faults.budget.saturating_sub(1);
            return;
        }
        let mut at = self.now + DELAY;
        if faulty && self.rng.chance(self.faults.late) {
            self.faults.budget = self.faults.budget.saturating_sub(1);
            at += Duration::from_millis(u64::from(self.rng.below(400)));
        }
        if faulty && self.rng.chance(self.faults.twice) {
            self.faults.budget = self.faults.budget.saturating_sub(1);
            self.wire.push((at + Duration::from_millis(3), self.sent, to_server, bytes.clone()));
        }
        self.wire.push((at, self.sent, to_server, bytes));
    }
    /// The next thing that happens, at `until` at the latest. False: nothing was left to happen.
    fn step(&mut self, until: Instant) -> bool {
        self.pump();
        let next = self.wire.iter().enumerate().min_by_key(|(_, (at, order, ..))| (*at, *order));
        let arrival = next.map(|(i, (at, ..))| (i, *at));
        let timers = [Some(&self.client), self.server.as_ref()];
        let timer = timers.into_iter().flatten().filter_map(Conn::deadline).min();
        let at = arrival.map(|a| a.1).into_iter().chain(timer).min();
        let Some(at) = at.filter(|&at| at <= until) else {
            self.now = until;
            return false;
        };
        self.now = at;
        match arrival.filter(|a| a.1 == at) {
            Some((i, _)) => {
                let (.., to_server, bytes) = self.wire.remove(i);
                self.arrive(to_server, &bytes);
            }
            None => {
                self.client.on_timer(at);
                if let Some(server) = &mut self.server {
                    server.on_timer(at);
                }
            }
        }
        self.pump();
        true
    }
    fn arrive(&mut self, to_server: bool, bytes: &[u8]) {
        let (from, to) = if to_server { (A, B) } else { (B, A) };
        let (_, _, seg) = parse(bytes, from, to).expect("what was written can be read");
        match (to_server, &mut self.server) {
            (false, _) => drop(self.client.on_segment(&seg, self.now)),
            (true, Some(server)) => drop(server.on_segment(&seg, self.now)),
            (true, None) if seg.flags.syn => {
                self.server = Some(Conn::accept(Seq(self.rng.next_u32()), (1500, 1500), &seg));
            }
            (true, None) => {}
        }
    }
    fn run(&mut self, secs: u64) {
        let until = self.now + Duration::from_secs(secs);
        while self.step(until) {}
    }
    fn connected() -> Self {
        let mut line = Self::new();
        line.run(0);
        while line.client.connect_result().is_none() || !line.server().was_up() {
            assert!(line.step(Instant(1_000_000_000)), "the handshake goes through");
        }
        line
    }
}

/// `SYN|ACK 0..0` and so on: flags and payload length.
fn short(emit: &Emit) -> String {
    let names = [
        (emit.flags.syn, "SYN"),
        (emit.flags.fin, "FIN"),
        (emit.flags.rst, "RST"),
        (emit.ack.is_some(), "ACK"),
    ];
    let names: Vec<_> = names.iter().filter(|n| n.0).map(|n| n.1).collect();
    let len = emit.data.len();
    if len > 0 { format!("{} {len}", names.join("|")) } else { names.join("|") }
}

fn seg(seq: Seq, ack: Option<Seq>, flags: Flags, data: &[u8]) -> Segment<'_> {
    Segment { seq, ack, flags, window: 1000, mss: None, data }
}

const NONE: Flags = Flags { syn: false, fin: false, rst: false, psh: false };

#[test]
fn a_connection_opens_speaks_and_closes_segment_by_segment() {
    let mut line = Line::connected();
    line.client.send(b"GET /").unwrap();
    line.run(1);
    assert_eq!(line.server().recv(100).unwrap(), b"GET /");
    line.server().send(b"hello").unwrap();
    line.server().close(Instant::ZERO);
    line.run(1);
    assert_eq!(line.client.recv(100).unwrap(), b"hello");
    assert_eq!(line.client.recv(100).unwrap(), b"");
    assert_eq!(line.client.state(), TcpState::CloseWait);
    line.client.close(line.now);
    line.run(1);
    assert_eq!(
        line.seen,
        ["> SYN", "< SYN|ACK", "> ACK", "> ACK 5", "< ACK", "< FIN|ACK 5", "> ACK", "> FIN|ACK", "< ACK"]
    );
    assert_eq!(line.client.state(), TcpState::Closed);
    assert_eq!(line.server().state(), TcpState::TimeWait);
    line.run(60);
    assert_eq!(line.server().state(), TcpState::Closed);
}

#[test]
fn the_syn_and_its_answer_name_the_mss_and_linux_s_window() {
    let mut conn = Conn::open(Seq(7), (1500, 1500));
    let syn = conn.poll(Instant::ZERO).unwrap();
    assert_eq!((syn.mss, syn.window, syn.ack), (Some(1460), 64240, None));
    let mut on_lo = Conn::open(Seq(7), (u16::MAX, u16::MAX));
    assert_eq!(on_lo.poll(Instant::ZERO).unwrap().mss, Some(65495));
}

#[test]
fn an_unanswered_syn_is_repeated_as_linux_does_and_then_times_out() {
    let mut line = Line::with(Faults { loss: 1000, budget: 99, ..Faults::default() }, 1, 1500);
    let mut times = Vec::new();
    while line.step(Instant(200_000_000_000)) {
        times.push(line.now.0 / 1_000_000_000);
    }
    assert_eq!(times, [1, 2, 3, 4, 5, 7, 11, 19, 35, 67, 131]);
    assert_eq!(line.client.connect_result(), Some(Err(Errno::TimedOut)));
}

#[test]
fn a_reset_refuses_a_syn() {
    let mut conn = Conn::open(Seq(100), (1500, 1500));
    conn.poll(Instant::ZERO);
    let rst = Flags { rst: true, ..NONE };
    // One that acknowledges something else is not believed.
    assert_eq!(
        conn.on_segment(&seg(Seq(0), Some(Seq(100)), rst, b""), Instant::ZERO),
        Err(DropReason::OutOfWindow)
    );
    assert_eq!(conn.on_segment(&seg(Seq(0), Some(Seq(101)), rst, b""), Instant::ZERO), Ok(()));
    assert_eq!(conn.connect_result(), Some(Err(Errno::ConnRefused)));
}

#[test]
fn an_unreachable_host_ends_an_attempt_but_not_a_connection() {
    let mut conn = Conn::open(Seq(100), (1500, 1500));
    conn.poll(Instant::ZERO);
    assert!(!conn.on_icmp(Seq(99), Errno::HostUnreach), "about something that was never sent");
    assert!(conn.on_icmp(Seq(100), Errno::HostUnreach));
    assert_eq!(conn.connect_result(), Some(Err(Errno::HostUnreach)));

    let mut line = Line::connected();
    line.client.send(b"x").unwrap();
    line.pump();
    let seq = line.client.una;
    assert!(line.client.on_icmp(seq, Errno::HostUnreach));
    assert_eq!(line.client.state(), TcpState::Established);
    line.wire.clear();
    line.faults = Faults { loss: 1000, budget: 999, ..Faults::default() };
    line.run(3000);
    assert_eq!(line.client.recv(1), Err(Errno::HostUnreach), "the silence has that reason");
}

#[test]
fn silence_ends_a_connection_after_a_quarter_of_an_hour() {
    let mut line = Line::connected();
    line.client.send(b"x").unwrap();
    line.faults = Faults { loss: 1000, budget: 999, ..Faults::default() };
    line.run(900);
    assert_eq!(line.client.state(), TcpState::Established);
    line.run(200);
    assert_eq!(line.client.recv(1), Err(Errno::TimedOut));
}

#[test]
fn a_reset_breaks_a_connection_and_data_that_came_before_can_still_be_read() {
    let mut line = Line::connected();
    line.server().send(b"last words").unwrap();
    line.run(1);
    line.server().abort();
    line.run(1);
    assert_eq!(line.client.recv(100).unwrap(), b"last words");
    assert_eq!(line.client.recv(100), Err(Errno::ConnReset));
    assert_eq!(line.client.recv(100).unwrap(), b"");
    assert_eq!(line.client.send(b"x"), Err(Errno::Pipe));
}

#[test]
fn closing_with_unread_data_resets() {
    let mut line = Line::connected();
    line.client.send(b"unread").unwrap();
    line.run(1);
    line.server().close(Instant::ZERO);
    line.run(1);
    assert_eq!(line.seen.last().map(String::as_str), Some("< RST|ACK"));
    assert_eq!(line.client.recv(1), Err(Errno::ConnReset));
}

#[test]
fn after_half_a_close_the_other_direction_goes_on() {
    let mut line = Line::connected();
    line.client.send(b"request").unwrap();
    line.client.shutdown();
    assert_eq!(line.client.send(b"more"), Err(Errno::Pipe));
    line.run(1);
    assert_eq!(line.client.state(), TcpState::FinWait2);
    assert_eq!(line.server().recv(100).unwrap(), b"request");
    assert_eq!(line.server().recv(100).unwrap(), b"");
    line.server().send(b"answer").unwrap();
    line.run(300);
    assert_eq!(line.client.recv(100).unwrap(), b"answer");
    line.server().close(Instant::ZERO);
    line.run(1);
    assert_eq!(line.client.state(), TcpState::TimeWait);
}

#[test]
fn data_for_a_closed_program_resets() {
    let mut line = Line::connected();
    line.client.close(line.now);
    line.run(1);
    line.server().send(b"anyone?").unwrap();
    line.run(1);
    assert_eq!(line.server().state(), TcpState::Closed);
    assert_eq!(line.client.state(), TcpState::Closed);
}

#[test]
fn both_may_close_at_once() {
    let mut line = Line::connected();
    let now = line.now;
    line.client.close(now);
    line.server().close(now);
    line.step(Instant::FAR_FUTURE);
    line.run(1);
    assert_eq!((line.client.state(), line.server().state()), (TcpState::TimeWait, TcpState::TimeWait));
}

#[test]
fn both_may_open_at_once() {
    let mut line = Line::new();
    line.server = Some(Conn::open(Seq(5), (1500, 1500)));
    line.run(2);
    assert_eq!((line.client.state(), line.server().state()), (TcpState::Established, TcpState::Established));
}

#[test]
fn a_closed_window_is_probed_until_it_opens() {
    let mut line = Line::connected();
    let data = vec![7; 100_000];
    assert_eq!(line.client.send(&data), Ok(100_000));
    line.run(20);
    assert_eq!(line.server().readable(), 64240);
    assert!(line.client.unacked() > 0, "the rest waits");
    // The announcement that the window is open again gets lost; a probe finds out.
    assert_eq!(line.server().recv(100_000).unwrap().len(), 64240);
    line.server().poll(Instant::ZERO);
    line.run(60);
    assert_eq!(line.server().recv(100_000).unwrap().len(), 100_000 - 64240);
}

#[test]
fn a_full_send_buffer_takes_no_more_until_the_peer_reads() {
    let mut line = Line::connected();
    let data = vec![7; 300_000];
    let taken = line.client.send(&data).unwrap();
    assert!(taken < data.len());
    assert_eq!(line.client.send(&data), Err(Errno::WouldBlock));
    line.client.take_wake();
    line.run(5);
    assert!(line.client.take_wake(), "there is room now");
    assert!(line.client.send(&data).is_ok());
}

#[test]
fn three_duplicate_acks_bring_the_lost_segment_at_once() {
    let mut line = Line::connected();
    line.client.send(&vec![1; 1460 * 6]).unwrap();
    line.pump();
    let first = line.wire.iter().position(|w| w.2).unwrap();
    line.wire.remove(first);
    let before = line.now;
    while line.server().readable() < 1460 * 6 {
        assert!(line.step(Instant::FAR_FUTURE));
    }
    assert!(line.now - before < Duration::from_millis(50), "no timeout was waited for");
}

#[test]
fn a_narrower_path_brings_smaller_segments() {
    let mut line = Line::connected();
    line.client.send(&vec![1; 3000]).unwrap();
    line.pump();
    line.wire.clear();
    let una = line.client.una;
    assert!(line.client.on_too_big(una, 1000));
    line.seen.clear();
    line.run(1);
    assert_eq!(line.seen.first().map(String::as_str), Some("> ACK 960"));
    assert_eq!(line.server().readable(), 3000);
}

#[test]
fn a_path_that_is_known_to_be_narrow_shrinks_what_is_sent_not_what_is_announced() {
    let mut conn = Conn::open(Seq(7), (1500, 1000));
    assert_eq!(conn.poll(Instant::ZERO).unwrap().mss, Some(1460));
    let syn = Flags { syn: true, ..NONE };
    let answer = Segment { mss: Some(1460), ..seg(Seq(50), Some(Seq(8)), syn, b"") };
    conn.on_segment(&answer, Instant::ZERO).unwrap();
    conn.poll(Instant::ZERO);
    conn.send(&[1; 2000]).unwrap();
    assert_eq!(short(&conn.poll(Instant::ZERO).unwrap()), "ACK 960");
}

#[test]
fn a_lost_syn_ack_is_repeated_on_the_next_syn() {
    let mut line = Line::new();
    line.pump();
    line.step(Instant::FAR_FUTURE);
    line.wire.clear();
    line.run(2);
    assert_eq!(line.client.connect_result(), Some(Ok(())));
    assert_eq!(line.server().state(), TcpState::Established);
}

#[test]
fn a_reset_from_a_guesser_is_asked_back_rfc_5961() {
    let mut line = Line::connected();
    let next = line.client.rcv_nxt;
    let rst = Flags { rst: true, ..NONE };
    assert_eq!(
        line.client.on_segment(&seg(next.plus(5), None, rst, b""), line.now),
        Err(DropReason::OutOfWindow)
    );
    assert_eq!(line.client.state(), TcpState::Established);
    assert_eq!(short(&line.client.poll(line.now).unwrap()), "ACK");
    assert_eq!(line.client.on_segment(&seg(next, None, rst, b""), line.now), Ok(()));
    assert_eq!(line.client.state(), TcpState::Closed);
}

#[test]
fn a_lingering_connection_gives_way_to_a_newer_syn_only() {
    let mut line = Line::connected();
    line.client.close(line.now);
    line.run(1);
    line.server().close(Instant::ZERO);
    line.run(1);
    assert_eq!(line.client.state(), TcpState::TimeWait);
    let (next, syn) = (line.client.rcv_nxt, Flags { syn: true, ..NONE });
    assert!(!line.client.gives_way_to(&seg(next.plus(u32::MAX as usize), None, syn, b"")));
    assert!(line.client.gives_way_to(&seg(next.plus(9), None, syn, b"")));
}

/// Sends `up` and `down` through a bad line; reads both ends as data comes.
/// Gives what arrived up and down, and whether an end gave up.
fn transfer(faults: Faults, seed: u64, up: &[u8], down: &[u8]) -> (Vec<u8>, Vec<u8>, bool) {
    let mut line = Line::with(faults, seed, 1500);
    let (mut got_up, mut got_down) = (Vec::new(), Vec::new());
    let (mut left_up, mut left_down) = (up, down);
    let until = Instant(20_000_000_000_000);
    let (mut up_done, mut down_done) = (false, false);
    while !(up_done && down_done) {
        let before = got_up.len() + got_down.len();
        let happened = line.step(until);
        if let Some(server) = &mut line.server {
            pass(server, &mut left_down, &mut got_up, &mut up_done);
        }
        pass(&mut line.client, &mut left_up, &mut got_down, &mut down_done);
        if !happened && before == got_up.len() + got_down.len() {
            break;
        }
    }
    let gave_up = line.client.retries > 0 || line.server.is_none_or(|s| s.retries > 0);
    (got_up, got_down, gave_up)
}

/// One end's program: writes what is left, then ends; reads what is there.
fn pass(conn: &mut Conn, left: &mut &[u8], got: &mut Vec<u8>, done: &mut bool) {
    if !conn.was_up() {
        return;
    }
    if !left.is_empty()
        && let Ok(n) = conn.send(left)
    {
        *left = &left[n..];
    }
    if left.is_empty() {
        conn.shutdown();
    }
    match conn.recv(3000) {
        Ok(data) if data.is_empty() => *done = true,
        Ok(data) => got.extend(data),
        Err(_) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_bad_line_delivers_both_streams_whole_or_an_end_gives_up(
        seed: u64, loss in 0u16..300, twice in 0u16..300, late in 0u16..500, budget in 0u32..100,
        up in 0usize..60_000, down in 0usize..60_000,
    ) {
        let faults = Faults { loss, twice, late, budget };
        let up: Vec<u8> = (0..up).map(|i| (i * 7 + i / 251) as u8).collect();
        let down: Vec<u8> = (0..down).map(|i| (i * 13 + i / 241) as u8).collect();
        let (got_up, got_down, gave_up) = transfer(faults, seed, &up, &down);
        prop_assert!(up.starts_with(&got_up) && down.starts_with(&got_down));
        let whole = got_up.len() == up.len() && got_down.len() == down.len();
        // It takes a dozen losses of the same segment or its ACK to make TCP give up.
        prop_assert!(whole || (gave_up && budget > 9), "{} up, {} down", got_up.len(), got_down.len());
    }

    #[test]
    fn no_segment_panics(
        bytes in proptest::collection::vec(any::<u8>(), 20..60), state in 0u8..5,
    ) {
        let mut line = if state == 0 { Line::new() } else { Line::connected() };
        match state {
            2 => line.client.shutdown(),
            3 => line.client.close(line.now),
            4 => { line.client.send(b"abc").unwrap(); }
            _ => {}
        }
        line.pump();
        let near = |base: Seq, b: &[u8]| base.plus(usize::from(b[0]) % 40).0.wrapping_sub(20);
        let flags = Flags {
            syn: bytes[0] & 1 > 0, fin: bytes[0] & 2 > 0, rst: bytes[0] & 4 > 0, psh: false,
        };
        let ack = (bytes[0] & 8 == 0).then(|| Seq(near(line.client.una, &bytes[1..])));
        let seq = Seq(near(line.client.rcv_nxt, &bytes[2..]));
        let _ = line.client.on_segment(&seg(seq, ack, flags, &bytes[20..]), line.now);
        line.run(200);
    }
}
