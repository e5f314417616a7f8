//! The nearest known word: "did you mean".

use crate::near;

/// The word of `known` nearest to `word`, if one is near: at most two edits, or a third of its
/// length. Of equals the first wins.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).clamp(1, 2);
    known
        .map(|k| (distance(word, k), k))
        .filter(|&(d, _)| d > 0 && d <= limit)
        .min_by_key(|&(d, _)| d)
        .map(|(_, k)| k)
}

/// The line that offers it.
pub(super) fn did_you_mean(word: &str) -> String {
    format!("Did you mean {word}?\n")
}

fn distance(a: &str, b: &str) -> usize {
    let [a, b] = [a, b].map(|text| text.chars().collect::<Vec<_>>());
    near::distance(&a, &b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_lead_to_the_word() {
        let drivers = ["bridge", "host", "none"];
        assert_eq!(nearest("birdge", drivers.into_iter()), Some("bridge"));
        assert_eq!(nearest("bridge", drivers.into_iter()), None);
        assert_eq!(nearest("nosuch", drivers.into_iter()), None);
        assert_eq!(nearest("gatway", ["driver", "gateway"].into_iter()), Some("gateway"));
    }
}
