//! TCP in the World: programs that stream over a bad cable get every byte; the same seed gives the
//! same trace; and a World that was copied in the middle goes on exactly like its original.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used)] // a test may fail by it

use std::net::Ipv4Addr;

use netpier::guest::{Effect, Poll, Program, Sys};
use netpier::sim::{Event, LinkId, LinkSpec, Progress, World};
use netpier::stack::{DevRef, DeviceKind, Errno, NsId, SocketId, SocketKind, Step};
use netpier::time::{Duration, Instant};
use netpier::wire::{Endpoint, Mac};

const LEN: usize = 400_000;
const SERVER: Endpoint = Endpoint::new(Ipv4Addr::new(10, 0, 0, 2), 80);

fn pattern(at: usize) -> u8 {
    (at ^ (at >> 8) ^ (at >> 16)) as u8
}

/// Accepts one connection and sends [`LEN`] bytes on it.
#[derive(Debug, Clone, Default)]
struct Source {
    listener: Option<SocketId>,
    stream: Option<SocketId>,
    sent: usize,
}

impl Program for Source {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        let listener = *self.listener.get_or_insert_with(|| {
            let s = sys.ns.socket(Some(sys.pid), SocketKind::Tcp);
            sys.ns.bind(s, Endpoint::new(Ipv4Addr::UNSPECIFIED, SERVER.port)).unwrap();
            sys.ns.listen(s, 8, &mut sys.cx).unwrap();
            s
        });
        if self.stream.is_none() {
            self.stream = sys.ns.accept(listener).ok();
        }
        let Some(stream) = self.stream else { return Poll::Pending };
        while self.sent < LEN {
            let piece: Vec<u8> = (self.sent..(self.sent + 10_000).min(LEN)).map(pattern).collect();
            match sys.ns.send(stream, &piece, &mut sys.cx) {
                Ok(n) => self.sent += n,
                Err(Errno::WouldBlock) => return Poll::Pending,
                Err(_) => return Poll::Exit(1),
            }
        }
        sys.ns.close(stream, &mut sys.cx);
        Poll::Exit(0)
    }
    fn name(&self) -> &'static str {
        "source"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// Connects, reads to the end and prints how much it was.
#[derive(Debug, Clone, Default)]
struct Drain {
    stream: Option<SocketId>,
    got: usize,
}

impl Program for Drain {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        let stream = *self.stream.get_or_insert_with(|| {
            let s = sys.ns.socket(Some(sys.pid), SocketKind::Tcp);
            let _ = sys.ns.connect(s, SERVER, &mut sys.cx);
            s
        });
        match sys.ns.connect_result(stream) {
            None => return Poll::Pending,
            Some(Ok(())) => {}
            Some(Err(e)) => return self.end(sys, &e.to_string(), 1),
        }
        loop {
            match sys.ns.recv(stream, 4096, &mut sys.cx) {
                Ok(data) if data.is_empty() => return self.end(sys, "end", 0),
                Ok(data) => {
                    let right = data.iter().enumerate().all(|(i, &b)| b == pattern(self.got + i));
                    if !right {
                        return self.end(sys, "wrong bytes", 2);
                    }
                    self.got += data.len();
                }
                Err(Errno::WouldBlock) => return Poll::Pending,
                Err(e) => return self.end(sys, &e.to_string(), 1),
            }
        }
    }
    fn name(&self) -> &'static str {
        "drain"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

impl Drain {
    fn end(&self, sys: &mut Sys<'_>, how: &str, code: i32) -> Poll {
        sys.out(format!("{} {how}", self.got));
        Poll::Exit(code)
    }
}

/// Source and drain at the ends of a cable that loses `loss_per_mille` of what goes over it.
fn world(seed: u64, loss_per_mille: u16) -> (World, LinkId, [NsId; 2]) {
    let mut world = World::new(seed);
    let spaces = [world.add_namespace(), world.add_namespace()];
    let ends = spaces.map(|ns| {
        let dev = world.with(ns, |n, cx| {
            let mac = Mac([2, 0, 0, 0, 0, ns.0 as u8]);
            let dev = n.add_device("eth0".parse().unwrap(), mac, DeviceKind::Ethernet, cx).unwrap();
            n.set_up(dev, true, cx).unwrap();
            n.add_addr(dev, format!("10.0.0.{}/24", ns.0 + 1).parse().unwrap(), cx).unwrap();
            dev
        });
        DevRef { ns, dev: dev.unwrap() }
    });
    let link = world.plug(ends[0], ends[1], LinkSpec { loss_per_mille, ..LinkSpec::CABLE }).unwrap();
    let machines = spaces.map(|ns| world.add_machine(ns, "host"));
    world.spawn(machines[1], Box::new(Source::default()), false, false);
    world.spawn(machines[0], Box::new(Drain::default()), true, false);
    (world, link, spaces)
}

/// Runs to the end of all timers; gives what was printed.
fn finish(world: &mut World) -> String {
    let until = world.now() + Duration::from_secs(3600);
    let mut text = String::new();
    while world.now() < until {
        world.run_through(until, 10_000_000);
        for event in world.take_events() {
            if let Event::Effect(_, Effect::Out(part)) = event {
                text += &part;
            }
        }
    }
    let fate = world.log.fate();
    assert_eq!(fate.sent + fate.copied, fate.delivered + fate.dropped + world.in_flight(), "{fate:?}");
    text
}

#[test]
fn a_stream_arrives_whole_however_bad_the_cable() {
    for (seed, loss) in [(1, 0), (2, 5), (3, 50), (4, 150)] {
        let (mut world, _, spaces) = world(seed, loss);
        assert_eq!(finish(&mut world), format!("{LEN} end"), "loss {loss}");
        for ns in spaces {
            assert_eq!(world.namespace(ns).unwrap().sockets(), [], "nothing is left over");
        }
    }
}

/// Pulls the cable out while the stream flows, for so many seconds.
fn pulled_out_for(secs: u64) -> (String, World) {
    let (mut world, link, _) = world(5, 0);
    world.run(Instant(500_000), 1_000_000);
    world.set_link(link, LinkSpec { up: false, ..LinkSpec::CABLE });
    let again = world.now() + Duration::from_secs(secs);
    while world.run_through(again, 1_000_000) == Progress::Events {
        let ends = world.take_events();
        assert!(ends.iter().all(|e| matches!(e, Event::Exited(_, 1, _))), "{ends:?}");
    }
    world.set_link(link, LinkSpec::CABLE);
    (finish(&mut world), world)
}

#[test]
fn a_stream_survives_a_cable_that_is_pulled_out_for_a_while() {
    for secs in [1, 30, 300] {
        assert_eq!(pulled_out_for(secs).0, format!("{LEN} end"), "{secs} s");
    }
}

#[test]
fn a_sender_gives_up_after_a_quarter_of_an_hour_and_the_reader_never_learns() {
    let (text, world) = pulled_out_for(2000);
    assert_eq!(text, "");
    let names: Vec<_> = world.processes().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["drain"]);
}

#[test]
fn the_same_seed_gives_the_same_trace_and_another_one_does_not() {
    let digest = |seed| {
        let (mut world, ..) = world(seed, 50);
        finish(&mut world);
        (world.log.digest(), world.log.next_seq())
    };
    assert_eq!(digest(6), digest(6));
    assert_ne!(digest(6), digest(7));
}

#[test]
fn a_copied_world_goes_on_like_its_original() {
    let (mut original, ..) = world(8, 80);
    original.run(Instant(30_000_000), 1_000_000);
    let mut copy = original.clone();
    assert_eq!(finish(&mut original), finish(&mut copy));
    assert_eq!(original.log.digest(), copy.log.digest());
}

#[test]
fn every_segment_that_was_sent_again_says_so() {
    let (mut world, ..) = world(9, 100);
    finish(&mut world);
    let again = world.log.iter_from(0).filter(|(_, r)| matches!(r.step, Step::Retransmit { .. })).count();
    let lost = world.log.fate().dropped;
    assert!(again > 0 && lost > 0, "{again} sent again, {lost} lost");
}
