//! A typed line with one word changed.

/// Replaces a whole word, as hosts and ports stand in URLs and on their own.
pub(super) fn replace_word(line: &str, from: &str, to: &str) -> Option<String> {
    if from.is_empty() {
        return None;
    }
    let mut start = 0;
    while let Some(found) = line[start..].find(from) {
        let at = start + found;
        let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '-');
        let (before, after) = (line[..at].chars().next_back(), line[at + from.len()..].chars().next());
        // In a dotted name or address only the whole is meant.
        let dotted = before == Some('.')
            || (after == Some('.')
                && line[at + from.len()..].chars().nth(1).is_some_and(char::is_alphanumeric));
        if !part(before) && !part(after) && !dotted {
            return Some(format!("{}{to}{}", &line[..at], &line[at + from.len()..]));
        }
        start = at + from.len();
    }
    None
}

/// A line with another port. A URL without one means 80.
pub(super) fn other_port(line: &str, from: u16, to: u16) -> Option<String> {
    if let Some(line) = replace_word(line, &from.to_string(), &to.to_string()) {
        return Some(line);
    }
    let at = line.find("http://").filter(|_| from == 80)? + 7;
    let end = line[at..].find([' ', '/', '\'', '"']).map_or(line.len(), |e| at + e);
    Some(format!("{}:{to}{}", &line[..end], &line[end..]))
}
