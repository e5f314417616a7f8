//! Texts by key. `www/locales/{en,ko}/*.json` are flat objects: `"timeline.play": "Play"`.
//! Placeholders are `{name}`. In Korean a particle that depends on the last sound is written
//! `{name:은}`, `{name:이}`, `{name:을}`, `{name:과}`, `{name:으로}`, `{name:이라는}`, `{name:인데}`: the
//! right form is chosen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use crate::lang::Lang;

/// The files of a language: what the page says before anything is done, and the rest, which is read when a
/// key is not among the first.
const FIRST: [&str; 2] =
    [include_str!("../../www/locales/en/ui.json"), include_str!("../../www/locales/ko/ui.json")];
const LATER: [[&str; 5]; 2] = [
    [
        include_str!("../../www/locales/en/steps.json"),
        include_str!("../../www/locales/en/street.json"),
        include_str!("../../www/locales/en/why.json"),
        include_str!("../../www/locales/en/firewall.json"),
        include_str!("../../www/locales/en/share.json"),
    ],
    [
        include_str!("../../www/locales/ko/steps.json"),
        include_str!("../../www/locales/ko/street.json"),
        include_str!("../../www/locales/ko/why.json"),
        include_str!("../../www/locales/ko/firewall.json"),
        include_str!("../../www/locales/ko/share.json"),
    ],
];

/// What is behind a cause: read where it is printed, not part of what the page downloads.
#[cfg(not(target_arch = "wasm32"))]
const BEHIND: [&str; 2] = [
    include_str!("../../www/locales/en/background.json"),
    include_str!("../../www/locales/ko/background.json"),
];

type Texts = BTreeMap<String, String>;

/// What [`hand_over`] was given.
static HANDED: [OnceLock<String>; 2] = [OnceLock::new(), OnceLock::new()];

/// Hands over the first file of a language, so that the one within the program is not needed. It
/// has to come before the first text is asked for; a text that is no such file is passed over.
pub fn hand_over(lang: Lang, file: String) {
    // Only the first word counts.
    let _ = HANDED[lang as usize].set(file);
}

fn first(lang: Lang) -> &'static Texts {
    static TABLES: [OnceLock<Texts>; 2] = [OnceLock::new(), OnceLock::new()];
    TABLES[lang as usize].get_or_init(|| {
        let handed = HANDED[lang as usize].get().and_then(|file| parse(file).ok());
        handed.unwrap_or_else(|| built_in(lang))
    })
}

// Not inlined: what only this names lies in the second part of the page's program.
#[inline(never)]
fn built_in(lang: Lang) -> Texts {
    read(&[FIRST[lang as usize]])
}

// Not inlined: what only this names lies in the second part of the page's program.
#[inline(never)]
fn later(lang: Lang) -> &'static Texts {
    static TABLES: [OnceLock<Texts>; 2] = [OnceLock::new(), OnceLock::new()];
    TABLES[lang as usize].get_or_init(|| {
        let texts = read(&LATER[lang as usize]);
        #[cfg(not(target_arch = "wasm32"))]
        let texts = texts.into_iter().chain(read(&[BEHIND[lang as usize]])).collect();
        texts
    })
}

fn read(files: &[&str]) -> Texts {
    files.iter().flat_map(|f| parse(f).expect("a test reads every locale file")).collect()
}

fn parse(file: &str) -> Result<Texts, serde_json::Error> {
    serde_json::from_str(file)
}

/// The text of `key` with its placeholders filled. A missing key gives the key itself, so that
/// nothing panics (a test finds it).
pub fn text(lang: Lang, key: &str, args: &[(&str, &str)]) -> String {
    match first(lang).get(key).or_else(|| later(lang).get(key)) {
        Some(pattern) => fill(pattern, args),
        None => key.to_owned(),
    }
}

/// All keys of a language, sorted.
pub fn keys(lang: Lang) -> impl Iterator<Item = &'static str> {
    let all: BTreeSet<&str> = first(lang).keys().chain(later(lang).keys()).map(String::as_str).collect();
    all.into_iter()
}

fn fill(pattern: &str, args: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(pattern.len() + 32);
    let mut rest = pattern;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        let Some(len) = rest[open..].find('}') else {
            out.push_str(&rest[open..]);
            return out;
        };
        let inside = &rest[open + 1..open + len];
        let (name, josa) = inside.split_once(':').map_or((inside, None), |(n, p)| (n, Some(p)));
        match args.iter().find(|(n, _)| *n == name) {
            Some((_, value)) => {
                out.push_str(value);
                out.push_str(josa.map_or("", |j| particle(value, j)));
            }
            None => out.push_str(&rest[open..=open + len]),
        }
        rest = &rest[open + len + 1..];
    }
    out.push_str(rest);
    out
}

/// The sound a word ends in, as far as Korean particles care.
#[derive(PartialEq)]
enum Ending {
    Vowel,
    Rieul,
    Consonant,
}

fn particle(word: &str, josa: &str) -> &'static str {
    let end = ending(word);
    let (with, without) = match josa {
        "은" | "는" => ("은", "는"),
        "이" | "가" => ("이", "가"),
        "을" | "를" => ("을", "를"),
        "과" | "와" => ("과", "와"),
        "아" | "야" => ("아", "야"),
        "이라는" | "라는" => ("이라는", "라는"),
        "인데" | "ㄴ데" => ("인데", "인데"),
        // After ㄹ the short form stands: 서울로.
        "으로" | "로" => return if end == Ending::Consonant { "으로" } else { "로" },
        _ => return "",
    };
    if end == Ending::Vowel { without } else { with }
}

fn ending(word: &str) -> Ending {
    let mut letters = word.chars().rev().filter(|c| c.is_alphanumeric());
    let Some(last) = letters.next() else { return Ending::Vowel };
    match last {
        '가'..='힣' => match (last as u32 - '가' as u32) % 28 {
            0 => Ending::Vowel,
            8 => Ending::Rieul,
            _ => Ending::Consonant,
        },
        // 영 일 이 삼 사 오 육 칠 팔 구
        '1' | '7' | '8' | 'l' | 'L' | 'r' if last != 'r' => Ending::Rieul,
        '0' | '3' | '6' | 'm' | 'n' | 'M' | 'N' => Ending::Consonant,
        // ping 핑
        'g' if letters.clone().next() == Some('n') => Ending::Consonant,
        // web 웹, top 톱, block 블록, wget 겟: a stop after a vowel closes the syllable.
        'b' | 'p' | 'k' | 'c' | 't' if letters.next().is_some_and(|c| "aeiou".contains(c)) => {
            Ending::Consonant
        }
        _ => Ending::Vowel,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_unknown_ones_stay_to_be_seen() {
        assert_eq!(fill("{a} to {b}", &[("a", "x"), ("b", "y")]), "x to y");
        assert_eq!(fill("{a} {c}", &[("a", "x")]), "x {c}");
        assert_eq!(fill("open {", &[]), "open {");
    }

    #[test]
    fn korean_particles_follow_the_last_sound() {
        for (word, josa, wanted) in [
            ("공유기", "이", "가"),
            ("호스트", "은", "는"),
            ("실험실", "으로", "로"),
            ("컨테이너", "을", "를"),
            ("패킷", "은", "은"),
            ("172.17.0.2", "으로", "로"),
            ("10.0.0.3", "으로", "으로"),
            ("10.0.0.1", "으로", "로"),
            ("10.0.0.1", "이", "이"),
            ("web", "이", "이"),
            ("ping", "이", "이"),
            ("wget", "이", "이"),
            ("docker-host", "이", "가"),
            ("router", "은", "는"),
            ("example.com", "을", "을"),
            ("eth0", "으로", "으로"),
        ] {
            assert_eq!(particle(word, josa), wanted, "{word} + {josa}");
        }
    }

    #[test]
    fn every_locale_file_is_read() {
        for file in FIRST.iter().chain(LATER.iter().flatten()) {
            parse(file).unwrap();
        }
    }
}
