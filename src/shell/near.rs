//! "Did you mean …?"

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

/// Optimal string alignment distance: Damerau–Levenshtein without touching a pair twice.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let change = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = change.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
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

    #[test]
    fn distance_counts_typing_errors() {
        for (a, b, d) in [("", "", 0), ("", "abc", 3), ("abc", "acb", 1), ("kitten", "sitting", 3)] {
            let chars = |s: &str| s.chars().collect::<Vec<_>>();
            assert_eq!(distance(&chars(a), &chars(b)), d, "{a} {b}");
        }
    }
}
