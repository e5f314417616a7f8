//! The nearest known word: "did you mean".

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

/// Optimal string alignment distance: insert, delete, replace, swap neighbours.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
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
