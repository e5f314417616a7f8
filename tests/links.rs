//! Links: what goes in comes out, old ones open for ever, hostile ones get a clear word.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used)] // a test that cannot go on fails

use std::fs;
use std::path::PathBuf;

use netpier::lab::share::{Link, LinkError, MAX_FRAGMENT, pack, unpack};
use netpier::lab::{Lab, LabCommand};
use proptest::prelude::*;

/// The tests of other coders speak of bytes; a link speaks of letters.
fn packed(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits: String = bytes.iter().map(|b| format!("{b:08b}")).collect();
    let letters = bits.as_bytes().chunks(6).map(|c| {
        let six = format!("{:0<6}", std::str::from_utf8(c).unwrap());
        char::from(ALPHABET[usize::from_str_radix(&six, 2).unwrap()])
    });
    format!("1.{}", letters.collect::<String>())
}

fn zlib(text: &[u8]) -> Vec<u8> {
    miniz_oxide::deflate::compress_to_vec_zlib(text, 6)
}

/// Random labs: parts of the built-in ones, moved, renamed, with lines and names of any text.
fn labs() -> impl Strategy<Value = Lab> {
    let line = ("\\PC{0,60}|<script>alert\\(1\\)</script>|docker run -d [a-z]{1,8}", 0usize..8);
    (
        0usize..4,
        any::<u64>(),
        "\\PC{0,40}|<img src=x onerror=alert\\(1\\)>",
        proptest::collection::vec(line, 0..20),
        proptest::collection::vec((-9000i32..9000, -9000i32..9000), 0..12),
    )
        .prop_map(|(which, seed, name, lines, moves)| {
            let names = Lab::builtin_names();
            let mut lab = Lab::builtin(names[which % names.len()]).unwrap();
            (lab.seed, lab.name) = (seed, name);
            for (node, pos) in lab.nodes.iter_mut().zip(moves) {
                node.pos = pos;
            }
            let ids: Vec<String> = lab.nodes.iter().map(|n| n.id.clone()).collect();
            let at = |i: usize| ids.get(i % ids.len().max(1)).cloned();
            lab.commands
                .extend(lines.into_iter().filter_map(|(run, i)| Some(LabCommand { at: at(i)?, run })));
            lab
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_lab_comes_out_of_its_link_as_it_went_in(lab in labs(), at in any::<Option<u64>>(), line in "\\PC{0,60}", step in any::<Option<usize>>(), packet in proptest::option::of((1usize.., any::<usize>()))) {
        let link = Link { lab: Some(lab), at, step, packet, run: Some(("a:b".into(), line)), ..Link::default() };
        let fragment = link.to_fragment();
        prop_assert!(fragment.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>`".contains(&b)), "{}", fragment);
        prop_assert_eq!(Link::from_fragment(&format!("#{fragment}")).unwrap(), link);
    }

    #[test]
    fn no_fragment_makes_the_reader_panic(text in "(lab=|t=|run=|in=|1\\.|&|%|[A-Za-z0-9_-]{0,9}|\\PC{0,4}){0,12}") {
        let _ = Link::from_fragment(&text);
    }

    #[test]
    fn no_bytes_in_a_link_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(unpack(&packed(&bytes)).is_err());
    }

    #[test]
    fn a_link_cut_anywhere_or_changed_anywhere_is_refused(cut in 0usize..10_000, letter in 0u8..64) {
        let whole = pack(&Lab::builtin("home").unwrap());
        let cut = 2 + cut % (whole.len() - 2);
        prop_assert!(unpack(&whole[..cut]).is_err());
        let new = char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[usize::from(letter)]);
        let changed = format!("{}{new}{}", &whole[..cut], &whole[cut + 1..]);
        // The last letter has bits that nobody reads.
        if changed != whole && cut + 1 < whole.len() {
            prop_assert!(unpack(&changed).is_err());
        }
    }
}

#[test]
fn what_is_wrong_with_a_link_is_said() {
    let home = pack(&Lab::builtin("home").unwrap());
    let bomb = packed(&zlib(&vec![b' '; 30 << 20]));
    assert!(bomb.len() < MAX_FRAGMENT);
    let says = |value: &str| unpack(value).unwrap_err().to_string();
    assert_eq!(unpack(&bomb), Err(LinkError::Bomb));
    assert_eq!(unpack(&home[..home.len() / 2]), Err(LinkError::CutOff));
    assert_eq!(unpack("2.AAAA"), Err(LinkError::Version(2)));
    assert_eq!(unpack("nobody"), Err(LinkError::Unknown));
    assert_eq!(unpack("1.AA*A"), Err(LinkError::Letter(3)));
    assert!(says(&"A".repeat(MAX_FRAGMENT + 1)).contains("as a file"));
    assert!(says(&packed(&zlib(b"{}"))).contains("missing field `format`"));
    assert!(says(&packed(&zlib(br#"{"format": 7}"#))).contains("format 7"));
    // What a sentence puts behind it does no harm.
    assert!(unpack(&format!("{home}).")).is_ok());
}

/// Each file of tests/links/: the fragment, a newline, the lab's canonical text. Never changed,
/// only added to.
#[test]
fn old_links_open_for_ever() {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/links");
    let mut seen = 0;
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let text = fs::read_to_string(entry.path()).unwrap();
        let (fragment, json) = text.split_once('\n').unwrap();
        let link = Link::from_fragment(fragment).unwrap_or_else(|e| panic!("{:?}: {e}", entry.path()));
        let lab = link.lab.unwrap();
        assert_eq!(lab, Lab::from_json(json).unwrap(), "{:?}", entry.path());
        lab.boot().unwrap_or_else(|e| panic!("{:?}: {e}", entry.path()));
        seen += 1;
    }
    assert!(seen >= 3, "the folder of old links is gone");
}
