//! Every lesson and clinic case of lessons/: opens, unmet at the start, met by its solution, complete
//! in both languages.
#![cfg(not(target_arch = "wasm32"))]

use std::path::PathBuf;

use netpier::lesson::Lesson;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("lessons")
}

fn all() -> Vec<(String, Lesson)> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(folder()).expect("lessons/").flatten().map(|e| e.path()) {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if matches!(name.as_str(), "index" | "terms") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a readable file");
        found.push((name.clone(), Lesson::from_json(&text).unwrap_or_else(|e| panic!("{name}: {e}"))));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[test]
fn the_index_names_every_lesson_with_its_titles_and_place() {
    let text = std::fs::read_to_string(folder().join("index.json")).expect("lessons/index.json");
    let index: Vec<serde_json::Value> = serde_json::from_str(&text).expect("a list");
    let mut rows: Vec<_> = index
        .iter()
        .map(|row| {
            let word = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
            (word("id"), word("kind"), row["course"].as_u64(), row["number"].as_u64(), word("en"), word("ko"))
        })
        .collect();
    rows.sort();
    let wanted: Vec<_> = all()
        .into_iter()
        .map(|(_, l)| {
            let kind = serde_json::to_value(l.kind).expect("a word");
            let kind = kind.as_str().unwrap_or_default().to_owned();
            (l.id, kind, Some(u64::from(l.course)), Some(u64::from(l.number)), l.en.title, l.ko.title)
        })
        .collect();
    assert_eq!(rows, wanted);
}

#[test]
fn a_lesson_survives_being_written_and_read() {
    for (name, lesson) in all() {
        let text = serde_json::to_string(&lesson).expect("plain data");
        let again = Lesson::from_json(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(serde_json::to_string(&again).expect("plain data"), text, "{name}");
    }
}

#[test]
fn every_lesson_is_unmet_at_the_start_and_met_by_its_solution_and_every_case_is_diagnosed() {
    let mut wrong = String::new();
    for (name, lesson) in all() {
        for problem in netpier::lesson::check::problems(&lesson) {
            wrong += &format!("{name}: {problem}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_connection_to_somebody_else_does_not_meet_a_goal_that_names_its_destination() {
    use netpier::lesson::{Progress, check};
    let (_, lesson) = all().into_iter().find(|(name, _)| name == "public-and-private").expect("there");
    let mut lab = lesson.start().expect("it opens");
    let mut session = lab.boot().expect("it starts");
    let mut progress = Progress::new(&lesson, &session);
    let met = lesson.solution.iter().map(|step| {
        check::make(step, &mut lab, &mut session).expect("it can be made");
        let copy = session.fork();
        progress.look(&lesson, &session, &copy);
        progress.met().to_vec()
    });
    assert_eq!(met.collect::<Vec<_>>(), [[true, false, false], [true, true, true]]);
}

#[test]
fn every_marked_word_of_a_lesson_is_explained_in_both_languages() {
    use netpier::explain::Lang;
    use netpier::lesson::{Inline, inline};
    let text = std::fs::read_to_string(folder().join("terms.json")).expect("lessons/terms.json");
    let terms: Vec<serde_json::Value> = serde_json::from_str(&text).expect("a list");
    let known = |word: &str| {
        terms.iter().any(|t| {
            let words = t["words"].as_array().into_iter().flatten();
            let there = words.filter_map(|w| w.as_str()).any(|w| w == word.to_lowercase());
            there
                && t["en"].as_str().is_some_and(|s| !s.is_empty())
                && t["ko"].as_str().is_some_and(|s| !s.is_empty())
        })
    };
    for (name, lesson) in all() {
        for lang in [Lang::En, Lang::Ko] {
            let p = lesson.prose(lang);
            let texts = [&p.intro, &p.after].into_iter().chain(&p.goals).chain(p.hints.iter().flatten());
            for text in texts {
                for piece in inline(text) {
                    if let Inline::Term(term, _) = piece {
                        assert!(known(term), "{name}: {term:?} is not in lessons/terms.json");
                    }
                }
            }
        }
    }
}
