//! The next input, made from those that led somewhere.

use netpier::rng::Rng;

/// Longest input.
const MAX: usize = 20_000;

fn below(rng: &mut Rng, n: usize) -> usize {
    rng.below(n as u32) as usize
}

/// A stretch of `of`: begin and end.
fn stretch(rng: &mut Rng, of: &[u8]) -> (usize, usize) {
    let begin = below(rng, of.len() + 1);
    let most = [4, 16, 64, of.len()][below(rng, 4)].min(of.len() - begin);
    (begin, begin + below(rng, most + 1))
}

/// Where words begin and end.
fn seam(rng: &mut Rng, of: &[u8]) -> usize {
    let at = below(rng, of.len() + 1);
    let is = |b: &&u8| b" ,:/.=\"{}[]|;&'".contains(b);
    of[at..].iter().position(|b| is(&b)).map_or(of.len(), |n| at + n)
}

const ODD: [&str; 30] = [
    "\0",
    "\n",
    "'",
    "\"",
    "\\",
    "$(",
    ")",
    "`",
    "${",
    "}",
    "|",
    "&&",
    ";",
    ">",
    "<",
    "*",
    "é",
    "한",
    "\u{202e}",
    "<b>",
    "-1",
    "0",
    "65535",
    "65536",
    "4294967296",
    "99999999999999999999",
    "%",
    "--",
    "=",
    "/",
];

fn change(input: &mut Vec<u8>, pool: &[Vec<u8>], words: &[String], rng: &mut Rng) {
    match below(rng, 11) {
        // A stretch goes away, comes twice, goes elsewhere.
        0 => {
            let (a, b) = stretch(rng, input);
            input.drain(a..b);
        }
        1 => {
            let (a, b) = stretch(rng, input);
            let part = input[a..b].to_vec();
            let at = below(rng, input.len() + 1);
            input.splice(at..at, part);
        }
        2 => input.truncate(below(rng, input.len() + 1)),
        // A byte, a bit.
        3 | 4 if !input.is_empty() => {
            let at = below(rng, input.len());
            input[at] = match below(rng, 4) {
                0 => input[at] ^ (1 << below(rng, 8)),
                1 => [0, 1, 0x7f, 0x80, 0xff, b' ', b'-', b'0'][below(rng, 8)],
                2 => input[at].wrapping_add(1),
                _ => rng.next_u32() as u8,
            };
        }
        5 => {
            let at = seam(rng, input);
            input.splice(at..at, ODD[below(rng, ODD.len())].bytes());
        }
        // A word that the grammar knows: put in, or in another's place.
        6..=8 if !words.is_empty() => {
            let word = &words[below(rng, words.len())];
            let at = seam(rng, input);
            let mut with = word.clone().into_bytes();
            if below(rng, 2) == 0 {
                with.insert(0, b' ');
            }
            let end = if below(rng, 2) == 0 {
                at
            } else {
                let from = (at + 1).min(input.len());
                from + input[from..].iter().position(u8::is_ascii_whitespace).unwrap_or(input.len() - from)
            };
            input.splice(at..end.max(at), with);
        }
        // The end of another input.
        _ => {
            let other = &pool[below(rng, pool.len())];
            let (at, from) = (seam(rng, input), seam(rng, other));
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
    }
}

/// One to four changes to an input of the pool.
pub fn next(pool: &[Vec<u8>], words: &[String], rng: &mut Rng) -> Vec<u8> {
    let mut input = pool.get(below(rng, pool.len())).cloned().unwrap_or_default();
    for _ in 0..=below(rng, 4) {
        change(&mut input, pool, words, rng);
    }
    input.truncate(MAX);
    input
}
