//! Braces as bash expands them: `{a,b}`, `{1..5}`, `{01..10..3}`, `{a..e}` (Bash Reference Manual,
//! "Brace Expansion"). Not supported: variables and quotes between the braces.

use super::ast::{Word, WordPart};

/// At most so many words from one pair of braces; more are left as typed.
const MOST: usize = 1 << 16;

/// Zeros in front of a number of a sequence fill it up to at most so many digits.
const WIDEST: usize = 255;

/// The braces that `rest` begins with, as typed, and the words that they stand for. None if they
/// are ordinary text.
pub(super) fn braces(rest: &str) -> Option<(&str, Vec<String>)> {
    let mut depth = 0usize;
    let mut commas = Vec::new();
    let mut end = None;
    for (i, c) in rest.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    end = Some(i);
                    break;
                }
            }
            ',' if depth == 1 => commas.push(i),
            '$' | '`' | '\'' | '"' | '\\' => return None,
            c if c.is_whitespace() || "|;&<>()".contains(c) => return None,
            _ => {}
        }
    }
    let end = end?;
    let typed = &rest[..=end];
    if commas.is_empty() {
        return sequence(&rest[1..end]).map(|all| (typed, all));
    }
    let mut all = Vec::new();
    let mut from = 1;
    for to in commas.into_iter().chain([end]) {
        all.extend(within(&rest[from..to]));
        from = to + 1;
    }
    (all.len() <= MOST).then_some((typed, all))
}

/// All that a text with braces in it stands for.
fn within(text: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut rest = text;
    while !rest.is_empty() {
        let found = if rest.starts_with('{') { braces(rest) } else { None };
        let (typed, endings) = found.unwrap_or_else(|| {
            let len = rest.chars().next().map_or(0, char::len_utf8);
            (&rest[..len], vec![rest[..len].to_owned()])
        });
        rest = &rest[typed.len()..];
        if all.len().saturating_mul(endings.len()) > MOST {
            return vec![text.to_owned()];
        }
        all = all.iter().flat_map(|a| endings.iter().map(move |e| format!("{a}{e}"))).collect();
    }
    all
}

/// `1..5`, `5..1`, `1..9..2`, `a..e`.
fn sequence(text: &str) -> Option<Vec<String>> {
    let mut ends = text.split("..");
    let (from, to, step) = (ends.next()?, ends.next()?, ends.next());
    if ends.next().is_some() {
        return None;
    }
    let step = step.map_or(Some(1), |s| s.parse::<i64>().ok())?.unsigned_abs().max(1);
    if let (Ok(a), Ok(b)) = (from.parse::<i64>(), to.parse::<i64>()) {
        let padded =
            |t: &str| t.trim_start_matches('-').len() > 1 && t.trim_start_matches('-').starts_with('0');
        let width = if padded(from) || padded(to) { from.len().max(to.len()).min(WIDEST) } else { 0 };
        return range(a, b, step, |n| format!("{n:0width$}"));
    }
    let letter = |t: &str| t.chars().next().filter(|c| t.len() == 1 && c.is_ascii_alphabetic());
    let (a, b) = (letter(from)?, letter(to)?);
    range(i64::from(u32::from(a)), i64::from(u32::from(b)), step, |n| {
        u8::try_from(n).map(|b| char::from(b).to_string()).unwrap_or_default()
    })
}

fn range(from: i64, to: i64, step: u64, show: impl Fn(i64) -> String) -> Option<Vec<String>> {
    let count = from.abs_diff(to) / step;
    if count >= MOST as u64 {
        return None;
    }
    let step = i128::from(step) * if from <= to { 1 } else { -1 };
    // The last is no further than `to`.
    let at = |i: u64| i64::try_from(i128::from(from) + i128::from(i) * step).unwrap_or(to);
    Some((0..=count).map(|i| show(at(i))).collect())
}

/// The words that a word becomes; `bash`: braces are expanded.
pub fn expand_braces(word: &Word, bash: bool) -> Vec<Word> {
    let mut all = vec![Word::default()];
    for part in &word.parts {
        let WordPart::Braces { typed, alternatives } = part else {
            all.iter_mut().for_each(|w| w.parts.push(part.clone()));
            continue;
        };
        if !bash || all.len().saturating_mul(alternatives.len()) > MOST {
            all.iter_mut().for_each(|w| w.parts.push(WordPart::Text(typed.clone())));
            continue;
        }
        let with = |w: &Word, text: &String| {
            let mut w = w.clone();
            w.parts.push(WordPart::Text(text.clone()));
            w
        };
        all = all.iter().flat_map(|w| alternatives.iter().map(move |a| with(w, a))).collect();
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_stand_for_what_bash_makes_of_them() {
        for (text, expect) in [
            ("{1..4}", Some("1 2 3 4")),
            ("{3..1}", Some("3 2 1")),
            ("{1..9..4}", Some("1 5 9")),
            ("{08..10}", Some("08 09 10")),
            ("{-1..1}", Some("-1 0 1")),
            ("{a..c}", Some("a b c")),
            ("{a,b,}", Some("a b ")),
            ("{a,{1..2}x}", Some("a 1x 2x")),
            ("{x,y}tail", Some("x y")),
            ("{}", None),
            ("{a}", None),
            ("{.Names}", None),
            ("{1..b}", None),
            ("{a b,c}", None),
            ("{a,b", None),
            ("{1..9999999}", None),
            ("{-9223372036854775808..9223372036854775807}", None),
            ("{1..2..9223372036854775807}", Some("1")),
        ] {
            let got = braces(text).map(|(_, all)| all.join(" "));
            assert_eq!(got.as_deref(), expect, "{text}");
        }
    }
}
