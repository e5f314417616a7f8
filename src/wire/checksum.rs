//! The Internet checksum (RFC 1071), eight bytes at a time.

use super::Ipv4Addr;

/// The one's complement sum of `bytes` as 16-bit words, the last filled up with 0. It is 0xffff for
/// bytes that have their checksum in them; 0 only if all of them are 0.
#[inline]
pub fn sum(bytes: &[u8]) -> u16 {
    add(0, bytes)
}

/// The checksum of a message with its own field at `at`: what the field has to be.
#[inline]
pub fn of(bytes: &mut [u8], at: usize) -> u16 {
    bytes[at..at + 2].fill(0);
    !sum(bytes)
}

/// As [`sum`], of a TCP segment or UDP datagram with its pseudo header (RFC 768, RFC 9293 §3.1).
#[inline]
pub fn transport_sum(src: Ipv4Addr, dst: Ipv4Addr, protocol: u8, bytes: &[u8]) -> u16 {
    let addrs = u64::from(u32::from(src).to_be()) + u64::from(u32::from(dst).to_be());
    let rest = u64::from((u32::from(protocol) << 16 | bytes.len() as u32 & 0xffff).to_be());
    add(addrs + rest, bytes)
}

/// The sum does not depend on the order of the bytes in a word, as long as it is one and the same (RFC
/// 1071 §2), so words are read as the machine has them.
#[inline]
fn add(begin: u64, bytes: &[u8]) -> u16 {
    let mut total = begin;
    let mut more = |word: u64| {
        let (sum, carry) = total.overflowing_add(word);
        total = sum + u64::from(carry);
    };
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        more(u64::from_ne_bytes(*word));
    }
    let (half, rest) = rest.as_chunks::<4>();
    for word in half {
        more(u32::from_ne_bytes(*word).into());
    }
    if !rest.is_empty() {
        let mut last = [0; 4];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        more(u32::from_ne_bytes(last).into());
    }
    let mut folded = (total >> 32) + (total & 0xffff_ffff);
    folded = (folded >> 16) + (folded & 0xffff);
    folded = (folded >> 16) + (folded & 0xffff);
    folded = (folded >> 16) + (folded & 0xffff);
    u16::from_be(folded as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::fmt::{IpAddress, UdpPacket};
    use proptest::prelude::*;

    /// By the letter of RFC 1071.
    fn by_the_letter(bytes: &[u8]) -> u16 {
        bytes.chunks(2).fold(0u16, |sum, pair| {
            let word = u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]);
            let (sum, carry) = sum.overflowing_add(word);
            sum + u16::from(carry)
        })
    }

    proptest! {
        #[test]
        fn the_sum_is_that_of_the_words(bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(0xff)], 0..200)) {
            prop_assert_eq!(sum(&bytes), by_the_letter(&bytes));
        }

        #[test]
        fn the_pseudo_header_counts_as_it_does_elsewhere(
            src: u32, dst: u32, data in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let (src, dst) = (Ipv4Addr::from(src), Ipv4Addr::from(dst));
            let mut bytes = vec![0; 8];
            bytes.extend_from_slice(&data);
            let mut udp = UdpPacket::new_unchecked(bytes.as_mut_slice());
            udp.set_len((8 + data.len()) as u16);
            udp.fill_checksum(&IpAddress::Ipv4(src), &IpAddress::Ipv4(dst));
            prop_assert_eq!(transport_sum(src, dst, 17, &bytes), 0xffff);
        }
    }

    #[test]
    fn nothing_but_zeros_sums_to_zero() {
        assert_eq!((sum(&[]), sum(&[0; 20]), sum(&[0xff; 6])), (0, 0, 0xffff));
    }
}
