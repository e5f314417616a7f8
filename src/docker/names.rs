//! Ids, names and addresses that are drawn by lot.

use crate::rng::Rng;
use crate::wire::Mac;

/// 64 hexadecimal digits, as containers, networks and endpoints have. Never only decimal ones in
/// the first 12: that would be taken for a number.
pub(super) fn id(rng: &mut Rng) -> String {
    loop {
        let mut bytes = [0; 32];
        rng.fill(&mut bytes);
        let text: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        if !text[..12].bytes().all(|b| b.is_ascii_digit()) {
            return text;
        }
    }
}

/// The first twelve digits.
pub(super) fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// A locally administered unicast address (IEEE 802-2014 §8.4).
pub(super) fn mac(rng: &mut Rng) -> Mac {
    let mut bytes = [0; 6];
    rng.fill(&mut bytes);
    bytes[0] = (bytes[0] & 0xfe) | 0x02;
    Mac(bytes)
}

/// The host's end of a veth pair: `veth` and seven digits.
pub(super) fn veth(rng: &mut Rng) -> String {
    format!("veth{:07x}", rng.next_u32() & 0x0fff_ffff)
}

const MOODS: [&str; 24] = [
    "agile", "brisk", "calm", "clever", "cosy", "eager", "fair", "gentle", "glad", "hearty", "keen", "kind",
    "lively", "lucid", "merry", "nimble", "patient", "quiet", "serene", "sincere", "steady", "sunny", "tidy",
    "witty",
];
const PEOPLE: [&str; 24] = [
    "baran",
    "berners",
    "bosack",
    "cerf",
    "clark",
    "cohen",
    "davies",
    "estrin",
    "feinler",
    "floyd",
    "jacobson",
    "kahn",
    "kleinrock",
    "lerner",
    "licklider",
    "metcalfe",
    "mockapetris",
    "perlman",
    "plummer",
    "postel",
    "pouzin",
    "roberts",
    "taylor",
    "zimmermann",
];

/// A name for a container that was given none: `calm_perlman`.
pub(super) fn container(rng: &mut Rng) -> String {
    let mut pick = |from: &[&'static str]| from[rng.below(from.len() as u32) as usize];
    format!("{}_{}", pick(&MOODS), pick(&PEOPLE))
}

/// Docker's rule for names of containers: `[a-zA-Z0-9][a-zA-Z0-9_.-]+`.
pub(super) fn valid(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphanumeric())
        && name.len() >= 2
        && bytes.all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_addresses_are_local_unicast_and_names_are_valid() {
        let mut rng = Rng::new(7);
        for _ in 0..200 {
            let mac = mac(&mut rng);
            assert!(!mac.is_group() && mac.0[0] & 2 == 2);
            assert!(valid(&container(&mut rng)));
            assert_eq!(id(&mut rng).len(), 64);
            assert_eq!(veth(&mut rng).len(), 11);
        }
        assert!(!valid("a") && !valid("a b") && !valid("-x") && valid("web.1"));
    }
}
