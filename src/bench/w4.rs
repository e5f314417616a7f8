//! W4: containers are made.

use super::Meter;
use super::build::{Builder, net};
use crate::wire::Ipv4Addr;

/// Bridges at most: their subnets are 172.16.0.0/16 and the next.
const MOST: u32 = 200;

/// Makes `n` containers (own stack, one interface with address and default route) on `b` bridges of
/// one host. The unit is the container; `bytes` is the memory that one takes.
pub(super) fn run(n: u32, b: u32, meter: &Meter<'_>) -> Result<String, String> {
    let each = n.div_ceil(b);
    if b > MOST || each > 60_000 {
        return Err(format!("w4 makes at most {MOST} bridges with 60000 containers each"));
    }
    let mut builder = Builder::new(meter.trace);
    let host = builder.world.add_namespace();
    let bridges: Vec<_> = (0..b)
        .map(|i| {
            let bridge = builder.bridge(host, &format!("br{i}"));
            let gateway = subnet(i, 1);
            builder.address(host, bridge, net(gateway, 16));
            (bridge, gateway)
        })
        .collect();
    let (memory, begun) = ((meter.memory)(), (meter.clock)());
    for i in 0..n {
        let (at, number) = (i / each, i % each);
        let (bridge, gateway) = bridges[at as usize];
        builder.container((host, bridge), i, net(subnet(at, number + 2), 16), gateway);
    }
    let cpu = (meter.clock)() - begun;
    let bytes = (meter.memory)().saturating_sub(memory) / u64::from(n);
    let made = builder.world.namespaces().filter(|ns| ns.devices().count() == 2).count();
    assert_eq!(made, n as usize, "the containers are not what they should be");
    Ok(meter.line("w4", &format!("n={n} b={b}"), n.into(), cpu, &format!("bytes={bytes}")))
}

/// Address `number` of the subnet of bridge `i`.
fn subnet(i: u32, number: u32) -> Ipv4Addr {
    let first = u32::from(Ipv4Addr::new(172, 17, 0, 0));
    Ipv4Addr::from(first + (i << 16) + number)
}
