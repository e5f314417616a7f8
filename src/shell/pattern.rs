//! Patterns: `*`, `?`, `[a-z]`, `[!a-z]`, `\x` (POSIX.1-2024 §2.14). Not supported: classes such as
//! `[[:digit:]]`; quotes within a pattern do not take its characters' meaning away.

/// Does the pattern match the whole text?
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last star stands, and how far it has reached.
    let mut star: Option<(usize, usize)> = None;
    loop {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, t));
            p += 1;
            continue;
        }
        if t == text.len() && p == pattern.len() {
            return true;
        }
        let one = text.get(t).and_then(|c| single(&pattern[p..], *c));
        match (one, star) {
            (Some(len), _) => (p, t) = (p + len, t + 1),
            (None, Some((at, reached))) if reached < text.len() => {
                star = Some((at, reached + 1));
                (p, t) = (at + 1, reached + 1);
            }
            _ => return false,
        }
    }
}

/// Does the first element of the pattern match `c`? How long it is.
fn single(pattern: &[char], c: char) -> Option<usize> {
    match pattern {
        ['?', ..] => Some(1),
        ['\\', x, ..] => (*x == c).then_some(2),
        ['[', rest @ ..] => {
            let negated = matches!(rest.first(), Some('!' | '^'));
            let set = &rest[usize::from(negated)..];
            // A bracket right at the beginning is one of the characters.
            let Some(len) = set.iter().skip(1).position(|c| *c == ']').map(|i| i + 1) else {
                return (c == '[').then_some(1);
            };
            let set = &set[..len];
            let mut i = 0;
            let mut found = false;
            while i < set.len() {
                if let (Some('-'), Some(to)) = (set.get(i + 1), set.get(i + 2)) {
                    found |= (set[i]..=*to).contains(&c);
                    i += 3;
                } else {
                    found |= set[i] == c;
                    i += 1;
                }
            }
            (found != negated).then_some(len + 2 + usize::from(negated))
        }
        [x, ..] => (*x == c).then_some(1),
        [] => None,
    }
}

/// `text` without its beginning (`end`: its end) that the pattern matches: the shortest or the longest.
pub fn trimmed<'a>(text: &'a str, pattern: &str, end: bool, longest: bool) -> &'a str {
    let mut cuts: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
    // From the cut that takes least to the one that takes most.
    if end {
        cuts.reverse();
    }
    if longest {
        cuts.reverse();
    }
    let taken = |cut: &usize| if end { &text[*cut..] } else { &text[..*cut] };
    match cuts.iter().find(|cut| matches(pattern, taken(cut))) {
        Some(cut) if end => &text[..*cut],
        Some(cut) => &text[*cut..],
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_sh() {
        for (pattern, text, expect) in [
            ("abc", "abc", true),
            ("a*c", "abbbc", true),
            ("a*c", "abbbd", false),
            ("*", "", true),
            ("?", "", false),
            ("a?c", "a가c", true),
            ("[0-9]*", "7x", true),
            ("[!0-9]", "7", false),
            ("[]x]", "]", true),
            ("[ab", "[ab", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("10.*.1", "10.0.0.1", true),
            ("a*b*c*d", "axbxcxdx", false),
        ] {
            assert_eq!(matches(pattern, text), expect, "{pattern} {text}");
        }
        // No pattern takes for ever.
        assert!(!matches(&"*a".repeat(200), &"b".repeat(2000)));
    }

    #[test]
    fn beginnings_and_ends_are_taken_off() {
        for (pattern, end, longest, expect) in [
            ("*/", false, false, "usr/bin/x.tar.gz"),
            ("*/", false, true, "x.tar.gz"),
            (".*", true, false, "/usr/bin/x.tar"),
            (".*", true, true, "/usr/bin/x"),
            ("zzz", true, true, "/usr/bin/x.tar.gz"),
        ] {
            assert_eq!(trimmed("/usr/bin/x.tar.gz", pattern, end, longest), expect, "{pattern}");
        }
    }
}
