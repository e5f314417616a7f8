//! The work items of benches/README.md: fixed pieces of work, counted in hops, for measuring the
//! core beside its peers. The clock is passed in, so that the same items run in WebAssembly.
//!
//! A *hop* is one frame processed by one logical device (a bridge, a host's IP stack).

use crate::guest::{Poll, Program, Sys};
use crate::sim::{LinkSpec, World};
use crate::stack::{DevRef, DeviceKind, NsId, SocketId, SocketKind};
use crate::time::{Duration, Instant};
use crate::wire::{Endpoint, IfName, Ipv4Addr, Ipv4Net, Mac};

/// Bytes after the ICMP header: with headers, a frame of 98 bytes.
const PAYLOAD: usize = 56;

/// W1: `n` hosts on one learning bridge, ARP caches empty. Host i sends `k` echo requests to host
/// i + 1 (mod n), one a millisecond, beginning at i µs. Hops: n(n + 2) for ARP and 4nk.
///
/// Returns the CSV line `ours,w1,params,hops,cpu_s,ns_per_hop,extra`. `clock` gives seconds of the
/// simulating thread's CPU time. The trace is on.
///
/// # Panics
/// If the hops done are not the hops that the work item has, or a reply is missing: then the figure
/// would mean nothing.
pub fn w1(n: u32, k: u32, clock: &dyn Fn() -> f64) -> String {
    let built = clock();
    let (mut world, machines) = hosts_on_one_bridge(n);
    let start = clock();
    let first = world.frames_carried();
    for (i, machine) in machines.into_iter().enumerate() {
        let i = i as u32;
        let pinger = Pinger {
            to: host_addr((i + 1) % n),
            left: k,
            next: Instant::ZERO + Duration::from_micros(u64::from(i)),
            socket: None,
            replies: 0,
        };
        world.spawn(machine, Box::new(pinger), true, false);
    }
    while !world.is_quiet() {
        world.run(Instant::FAR_FUTURE, 1 << 20);
        world.take_events();
    }
    let cpu = clock() - start;
    let hops = world.frames_carried() - first;
    let (n64, k64) = (u64::from(n), u64::from(k));
    let least = n64 * (n64 + 2) + 4 * n64 * k64;
    // after five seconds hosts ask again for addresses that they learned from questions
    assert!(hops == least || (k > 4000 && hops > least), "the work item has another number of hops: {hops}");
    format!(
        "ours,w1,n={n} k={k},{hops},{cpu:.6},{:.1},build_us_per_host={:.1} trace=on",
        cpu / hops as f64 * 1e9,
        (start - built) / f64::from(n) * 1e6
    )
}

fn host_addr(i: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 0, 0, 1)) + i)
}

fn name(text: &str) -> IfName {
    text.parse().expect("a short name")
}

fn mac(group: u8, i: u32) -> Mac {
    let [a, b, c, d] = i.to_be_bytes();
    Mac([2, group, a, b, c, d])
}

fn hosts_on_one_bridge(n: u32) -> (World, Vec<crate::guest::MachineId>) {
    let mut world = World::new(1);
    let switch = world.add_namespace();
    let bridge = device(&mut world, switch, "br0", mac(0, 0), DeviceKind::Bridge(Box::default()));
    let mut machines = Vec::new();
    for i in 0..n {
        let ns = world.add_namespace();
        let eth = device(&mut world, ns, "eth0", mac(1, i), DeviceKind::Ethernet);
        let port = device(&mut world, switch, &format!("p{i}"), mac(2, i), DeviceKind::Ethernet);
        let net = Ipv4Net::new(host_addr(i), 8).expect("a prefix length");
        world
            .with(ns, |ns, cx| ns.add_addr(eth, net, cx))
            .expect("it was made above")
            .expect("a first address");
        world
            .with(switch, |ns, cx| ns.set_master(port, Some(bridge), cx))
            .expect("it was made above")
            .expect("a port and a bridge");
        let (a, b) = (DevRef { ns, dev: eth }, DevRef { ns: switch, dev: port });
        world.plug(a, b, LinkSpec::CABLE).expect("two free ports");
        machines.push(world.add_machine(ns, "host"));
    }
    (world, machines)
}

fn device(world: &mut World, ns: NsId, dev: &str, mac: Mac, kind: DeviceKind) -> crate::wire::IfIndex {
    world
        .with(ns, |ns, cx| {
            let dev = ns.add_device(name(dev), mac, kind, cx)?;
            ns.set_up(dev, true, cx)?;
            Ok::<_, crate::stack::ConfigError>(dev)
        })
        .expect("it was made by the caller")
        .expect("a new name")
}

/// Sends echo requests at fixed times and ends when every reply is there.
#[derive(Debug, Clone)]
struct Pinger {
    to: Ipv4Addr,
    left: u32,
    next: Instant,
    socket: Option<SocketId>,
    /// Replies less requests so far.
    replies: i64,
}

impl Program for Pinger {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        let socket = *self.socket.get_or_insert_with(|| sys.ns.socket(Some(sys.pid), SocketKind::Ping));
        while sys.ns.recv_from(socket).is_ok() {
            self.replies += 1;
        }
        while self.left > 0 && self.next <= sys.cx.now {
            let mut message = [0; 2 + PAYLOAD];
            message[..2].copy_from_slice(&(self.left as u16).to_be_bytes());
            sys.ns
                .send_to(socket, Endpoint::new(self.to, 0), &message, &mut sys.cx)
                .expect("the neighbour is on the link");
            self.left -= 1;
            self.next += Duration::from_millis(1);
            self.replies -= 1;
        }
        if self.left > 0 {
            sys.wake_at(self.next);
            return Poll::Pending;
        }
        if self.replies == 0 { Poll::Exit(0) } else { Poll::Pending }
    }
    fn name(&self) -> &str {
        "pinger"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn w1_has_the_hops_that_its_description_says() {
        let line = super::w1(3, 4, &|| 0.0);
        assert!(line.starts_with("ours,w1,n=3 k=4,63,"), "{line}");
    }
}
