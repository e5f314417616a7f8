//! Which subnet a network gets and which address a container gets (libnetwork's default IPAM).
//!
//! Subnets come from the engine's predefined pools unless they are given; nothing that overlaps a
//! network of the engine or a route of the host is taken by itself. Addresses: the lowest free.
//! Not supported: IPv6.

use crate::wire::Ipv4Net;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// The predefined pools and the size of the pieces they are cut into (libnetwork/ipamutils).
const PREDEFINED: [(Ipv4Addr, u8, u8); 7] = [
    (Ipv4Addr::new(172, 17, 0, 0), 16, 16),
    (Ipv4Addr::new(172, 18, 0, 0), 16, 16),
    (Ipv4Addr::new(172, 19, 0, 0), 16, 16),
    (Ipv4Addr::new(172, 20, 0, 0), 14, 16),
    (Ipv4Addr::new(172, 24, 0, 0), 14, 16),
    (Ipv4Addr::new(172, 28, 0, 0), 14, 16),
    (Ipv4Addr::new(192, 168, 0, 0), 16, 20),
];

/// Why there is no subnet or address. `Display` is libnetwork's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum IpamError {
    #[error("all predefined address pools have been fully subnetted")]
    NoMoreSubnets,
    #[error("invalid pool request: Pool overlaps with other one on this address space")]
    Overlap,
    #[error("Address already in use")]
    InUse,
    #[error("no available IPv4 addresses on this network's address pools")]
    NoAddress,
    #[error("requested address is out of range")]
    OutOfRange,
}

/// The subnets in use and the addresses taken in each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ipam {
    pools: BTreeMap<Ipv4Net, Pool>,
}

/// The addresses of a subnet that are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pool {
    taken: BTreeSet<Ipv4Addr>,
    /// The lowest address of the subnet that is not taken, or the one behind its last.
    lowest: u32,
}

impl Pool {
    fn new(subnet: Ipv4Net) -> Self {
        Self { taken: BTreeSet::new(), lowest: subnet.network().into() }
    }
    /// False if it was taken.
    fn take(&mut self, addr: Ipv4Addr) -> bool {
        let free = self.taken.insert(addr);
        while self.lowest < u32::MAX && self.taken.contains(&Ipv4Addr::from(self.lowest)) {
            self.lowest += 1;
        }
        free
    }
    fn release(&mut self, addr: Ipv4Addr) {
        if self.taken.remove(&addr) {
            self.lowest = self.lowest.min(addr.into());
        }
    }
    /// The lowest free address from `first` to `last`.
    fn free(&self, first: u32, last: u32) -> Option<Ipv4Addr> {
        // all before the lowest are taken
        let mut candidate = first.max(self.lowest);
        if candidate > last {
            return None;
        }
        // The taken addresses come in order, so the first gap is found in one pass.
        for &t in self.taken.range(Ipv4Addr::from(candidate)..=Ipv4Addr::from(last)) {
            match u32::from(t) {
                t if t == candidate && t == last => return None,
                t if t == candidate => candidate = t + 1,
                _ => break,
            }
        }
        Some(Ipv4Addr::from(candidate))
    }
}

fn overlap(a: &Ipv4Net, b: &Ipv4Net) -> bool {
    a.contains(&b.network()) || b.contains(&a.network())
}

impl Ipam {
    /// Takes the first predefined subnet that overlaps neither a network nor one of `reserved`.
    /// `pools` are the administrator's (base and size of the pieces); empty: the built-in ones.
    pub fn take_predefined(
        &mut self,
        pools: &[(Ipv4Net, u8)],
        reserved: &[Ipv4Net],
    ) -> Result<Ipv4Net, IpamError> {
        let built_in =
            PREDEFINED.iter().filter_map(|&(base, len, size)| Some((Ipv4Net::new(base, len).ok()?, size)));
        let own = pools.iter().copied();
        let all: Vec<(Ipv4Net, u8)> = if pools.is_empty() { built_in.collect() } else { own.collect() };
        let free = all
            .into_iter()
            .filter_map(|(base, size)| base.subnets(size).ok())
            .flatten()
            .find(|net| !self.pools.keys().chain(reserved).any(|taken| overlap(taken, net)))
            .ok_or(IpamError::NoMoreSubnets)?;
        self.open(free);
        Ok(free)
    }

    /// Takes `subnet`.
    pub fn take(&mut self, subnet: Ipv4Net) -> Result<(), IpamError> {
        if self.pools.keys().any(|taken| overlap(taken, &subnet)) {
            return Err(IpamError::Overlap);
        }
        self.open(subnet);
        Ok(())
    }

    /// Network and broadcast address are nobody's, except in a /31 (RFC 3021) and a /32.
    fn open(&mut self, subnet: Ipv4Net) {
        let mut pool = Pool::new(subnet);
        if subnet.prefix_len() < 31 {
            pool.take(subnet.network());
            pool.take(subnet.broadcast());
        }
        self.pools.insert(subnet, pool);
    }

    /// Gives `subnet` back with all its addresses.
    pub fn release(&mut self, subnet: Ipv4Net) {
        self.pools.remove(&subnet);
    }

    /// Takes the address `wanted`, or the lowest free one of `range` (the whole subnet if None).
    pub fn address(
        &mut self,
        subnet: Ipv4Net,
        range: Option<Ipv4Net>,
        wanted: Option<Ipv4Addr>,
    ) -> Result<Ipv4Addr, IpamError> {
        let pool = self.pools.get_mut(&subnet).ok_or(IpamError::OutOfRange)?;
        if let Some(addr) = wanted {
            return match () {
                () if !subnet.contains(&addr) => Err(IpamError::OutOfRange),
                () if !pool.take(addr) => Err(IpamError::InUse),
                () => Ok(addr),
            };
        }
        let range = range.unwrap_or(subnet);
        let free = pool.free(range.network().into(), range.broadcast().into());
        let addr = free.ok_or(IpamError::NoAddress)?;
        pool.take(addr);
        Ok(addr)
    }

    /// Gives an address back.
    pub fn release_address(&mut self, subnet: Ipv4Net, addr: Ipv4Addr) {
        if let Some(pool) = self.pools.get_mut(&subnet) {
            pool.release(addr);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn net(text: &str) -> Ipv4Net {
        text.parse().expect("a prefix")
    }

    #[test]
    fn subnets_come_from_the_pools_in_order_and_are_used_again() {
        let mut ipam = Ipam::default();
        let lan = [net("192.168.0.0/24")];
        let mut all = vec![];
        while let Ok(subnet) = ipam.take_predefined(&[], &lan) {
            all.push(subnet.to_string());
        }
        assert_eq!(all.len(), 30);
        assert_eq!(all[..2], ["172.17.0.0/16", "172.18.0.0/16"]);
        assert_eq!(all[14..16], ["172.31.0.0/16", "192.168.16.0/20"]);
        assert_eq!(all[29], "192.168.240.0/20");
        ipam.release(net("172.19.0.0/16"));
        assert_eq!(ipam.take_predefined(&[], &lan), Ok(net("172.19.0.0/16")));
        assert_eq!(ipam.take_predefined(&[], &lan), Err(IpamError::NoMoreSubnets));
    }

    #[test]
    fn the_lowest_free_address_is_taken() {
        let mut ipam = Ipam::default();
        let subnet = net("10.0.0.0/29");
        ipam.take(subnet).expect("free");
        let mut next = || ipam.address(subnet, None, None).map(|a| a.octets()[3]);
        assert_eq!([next(), next(), next()], [Ok(1), Ok(2), Ok(3)]);
        ipam.release_address(subnet, Ipv4Addr::new(10, 0, 0, 2));
        let mut next = || ipam.address(subnet, None, None).map(|a| a.octets()[3]);
        assert_eq!([next(), next(), next(), next()], [Ok(2), Ok(4), Ok(5), Ok(6)]);
        assert_eq!(next(), Err(IpamError::NoAddress));
    }

    #[test]
    fn a_range_bounds_the_choice_and_a_wish_may_lie_outside_it() {
        let mut ipam = Ipam::default();
        let (subnet, range) = (net("192.168.0.0/24"), net("192.168.0.192/27"));
        ipam.take(subnet).expect("free");
        assert_eq!(ipam.address(subnet, Some(range), None), Ok(Ipv4Addr::new(192, 168, 0, 192)));
        assert_eq!(ipam.address(subnet, Some(range), None), Ok(Ipv4Addr::new(192, 168, 0, 193)));
        let wish = Some(Ipv4Addr::new(192, 168, 0, 50));
        assert_eq!(ipam.address(subnet, Some(range), wish), Ok(Ipv4Addr::new(192, 168, 0, 50)));
        assert_eq!(ipam.address(subnet, Some(range), wish), Err(IpamError::InUse));
        let broadcast = Some(Ipv4Addr::new(192, 168, 0, 255));
        assert_eq!(ipam.address(subnet, None, broadcast), Err(IpamError::InUse));
        let elsewhere = Some(Ipv4Addr::new(10, 0, 0, 1));
        assert_eq!(ipam.address(subnet, None, elsewhere), Err(IpamError::OutOfRange));
    }

    #[test]
    fn overlapping_subnets_are_refused() {
        let mut ipam = Ipam::default();
        ipam.take(net("10.0.0.0/24")).expect("free");
        for taken in ["10.0.0.0/24", "10.0.0.128/25", "10.0.0.0/8"] {
            assert_eq!(ipam.take(net(taken)), Err(IpamError::Overlap), "{taken}");
        }
        assert_eq!(ipam.take(net("10.0.3.0/32")), Ok(()));
        assert_eq!(ipam.take(net("10.0.3.0/31")), Err(IpamError::Overlap));
    }

    proptest! {
        #[test]
        fn no_address_is_given_twice(ops in proptest::collection::vec((any::<bool>(), 0_u8..16), 0..64)) {
            let mut ipam = Ipam::default();
            let subnet = net("10.9.0.0/28");
            ipam.take(subnet).expect("free");
            let mut held: Vec<Ipv4Addr> = vec![];
            for (take, n) in ops {
                if take {
                    if let Ok(addr) = ipam.address(subnet, None, None) {
                        prop_assert!(!held.contains(&addr) && subnet.contains(&addr));
                        held.push(addr);
                    } else {
                        prop_assert_eq!(held.len(), 14);
                    }
                } else if !held.is_empty() {
                    let addr = held.remove(usize::from(n) % held.len());
                    ipam.release_address(subnet, addr);
                }
            }
        }
    }
}
