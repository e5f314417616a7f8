//! "Did you mean …?"

use crate::near::distance;

/// The known word nearest to `word`, if it is near: at most two typing errors (a letter wrong,
/// missing, too many, or two swapped), and no more than one for every three letters. The first
/// of equally near words wins.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(64).flat_map(char::to_lowercase).collect();
    let limit = (word.len().div_ceil(3)).min(2);
    known
        .map(|k| (distance(&word, &k.chars().flat_map(char::to_lowercase).collect::<Vec<_>>()), k))
        .filter(|(d, _)| *d <= limit)
        .min_by_key(|(d, _)| *d)
        .map(|(_, k)| k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_lead_to_the_right_word() {
        let known = ["bridge", "host", "ping", "--gateway", "--subnet", "curl", "ip", "iptables", "wget"];
        for (word, expect) in [
            ("birdge", Some("bridge")),
            ("--gatway", Some("--gateway")),
            ("pign", Some("ping")),
            ("PING", Some("ping")),
            ("iptable", Some("iptables")),
            ("crul", Some("curl")),
            ("xyzzy", None),
            ("q", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known.into_iter()), expect, "{word}");
        }
    }
}
