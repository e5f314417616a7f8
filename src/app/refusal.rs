//! What the core says against an edit, in the language of the page. The core speaks English (it is
//! also what `netpier run` prints); here its sentences are recognised by their shape.

use super::App;
use crate::explain::{Lang, text};

/// The core's sentences, `{}` where a name stands; and their words in the page's languages, where
/// those names are called `a`, `b` and so on.
const SENTENCES: &[(&str, &str)] = &[
    ("the id {} is taken; every node needs its own", "refusal.id_taken"),
    ("id {} is taken", "refusal.id_taken"),
    ("port {} of {} has a cable already; pull that one first", "refusal.port_used"),
    ("port {} of {} or port {} of {} has a cable already; pull that one first", "refusal.ports_used"),
    ("{} of {} is a bridge; plug the cable into one of its ports", "refusal.bridge"),
    ("a cable needs two ports; both ends are {}", "refusal.one_port"),
    ("a station joins an access point; a cable goes from socket to socket", "refusal.radio"),
    ("{} of {} takes no cable", "refusal.no_cable"),
    ("{} has no port {}", "refusal.no_port"),
    ("there is no node {}", "refusal.no_node"),
    ("{} nodes; a lab holds at most {}", "refusal.many_nodes"),
    ("{} commands; a lab holds at most {}", "refusal.many_commands"),
    ("{} ports; a node has at most {}", "refusal.many_ports"),
    ("the port name {} is taken", "refusal.port_name"),
    ("router: WAN and LAN must be different ports", "refusal.wan_is_lan"),
    ("gateway: Nexthop has invalid gateway", "refusal.gateway"),
];

impl App {
    /// The core's sentence in the page's language; as it is, if it is none of those known.
    pub(super) fn in_words(&self, sentence: &str) -> String {
        in_words(self.settings.lang, sentence)
    }
}

fn in_words(lang: Lang, sentence: &str) -> String {
    // `nodes[2] (router): ` says where in the file it stands: nothing to those who look at the picture.
    let told = match sentence.split_once(": ") {
        Some((place, rest)) if place.starts_with("nodes[") || place.starts_with("links[") => rest,
        _ => sentence,
    };
    let found = SENTENCES.iter().find_map(|(shape, key)| Some((key, names(shape, told)?)));
    let Some((key, names)) = found else { return told.to_owned() };
    let called = ["a", "b", "c", "d"];
    let named: Vec<(&str, &str)> =
        called.into_iter().zip(names.iter().map(|n| n.trim_matches('"'))).collect();
    text(lang, key, &named)
}

/// What stands in the gaps of a shape, if the sentence has it.
fn names<'a>(shape: &str, sentence: &'a str) -> Option<Vec<&'a str>> {
    let mut pieces = shape.split("{}");
    let mut rest = sentence.strip_prefix(pieces.next()?)?;
    let mut found = Vec::new();
    let pieces: Vec<&str> = pieces.collect();
    for (i, piece) in pieces.iter().enumerate() {
        let last = i + 1 == pieces.len();
        let at = if piece.is_empty() && last { rest.len() } else { rest.find(piece)? };
        let name = &rest[..at];
        if name.is_empty() || name.trim_matches('"').contains(' ') {
            return None;
        }
        found.push(name);
        rest = &rest[at + piece.len()..];
    }
    rest.is_empty().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{Edit, Lab};

    /// What the core says when an edit is tried on the lab `home`, in Korean.
    #[track_caller]
    fn refused(edit: &Edit, expect: &str) {
        let mut lab = Lab::builtin("home").unwrap();
        let error = edit.apply(&mut lab).unwrap_err().to_string();
        assert_eq!(in_words(Lang::Ko, &error), expect, "{error}");
        assert!(!in_words(Lang::En, &error).starts_with("links["), "{error}");
    }

    #[test]
    fn edits_that_the_core_refuses_are_explained_in_korean() {
        let lab = Lab::builtin("home").unwrap();
        let mut node = lab.nodes[0].clone();
        node.pos = (0, 0);
        let used = lab.links[0].clone();
        refused(&Edit::AddNode(Box::new(node)), "이름 dns는 이미 쓰고 있어요. 기기마다 이름이 달라야 해요");
        let (port, of) = (used.a.1, used.a.0.clone());
        refused(
            &Edit::AddLink(used),
            &format!("{of}의 {port} 단자에 이미 랜선이 꽂혀 있어요. 그 랜선부터 뽑아 주세요"),
        );
    }

    #[test]
    fn every_shape_has_its_words_and_keeps_its_names() {
        for (shape, key) in SENTENCES {
            let sentence =
                ["x1", "x2", "x3", "x4"].iter().fold((*shape).to_owned(), |s, n| s.replacen("{}", n, 1));
            let korean = in_words(Lang::Ko, &sentence);
            assert!(korean.chars().any(|c| ('가'..='힣').contains(&c)), "{key}: {korean}");
            for name in ["x1", "x2", "x3", "x4"].iter().take(shape.matches("{}").count()) {
                assert!(korean.contains(name), "{key}: {korean}");
                assert!(in_words(Lang::En, &sentence).contains(name), "{key}");
            }
        }
        assert_eq!(in_words(Lang::Ko, "something else"), "something else");
    }
}
