//! `netpier lessons check [DIR]`: plays every lesson and clinic case.

use std::path::Path;

use netpier::lesson::{Kind, Lesson, check};

/// Where lessons lie if nothing is said.
const DIR: &str = "lessons";

/// Runs the subcommand: exit status 0 if all is well, 1 otherwise.
pub fn main(args: &[String]) -> Result<u8, String> {
    let dir = match args {
        [verb] if verb == "check" => DIR,
        [verb, dir] if verb == "check" => dir,
        _ => return Err("netpier lessons check [DIR]".into()),
    };
    let mut counts = [(0, 0); 2];
    for (name, text) in read(Path::new(dir))? {
        let (kind, problems) = match Lesson::from_json(&text) {
            Ok(lesson) => {
                let mut problems = check::problems(&lesson);
                if lesson.id != name {
                    problems.push(format!("id: it is {:?}, and the file {name:?}", lesson.id));
                }
                (lesson.kind, problems)
            }
            Err(e) => (Kind::Lesson, vec![e.to_string()]),
        };
        let (pass, all) = &mut counts[usize::from(kind == Kind::Clinic)];
        *all += 1;
        *pass += u32::from(problems.is_empty());
        let verdict = if problems.is_empty() { "pass" } else { "fails" };
        crate::print(&format!("{name}: {verdict}\n"));
        for problem in problems {
            crate::print(&format!("  {problem}\n"));
        }
    }
    let [(passed, lessons), (diagnosed, clinic)] = counts;
    crate::print(&format!(
        "lessons: {passed} of {lessons} pass, clinic: {diagnosed} of {clinic} diagnosed\n"
    ));
    Ok(u8::from(passed != lessons || diagnosed != clinic || lessons + clinic == 0))
}

/// The lessons of a folder, by name: (file name without its ending, text).
fn read(dir: &Path) -> Result<Vec<(String, String)>, String> {
    let entries = std::fs::read_dir(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let mut found = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if path.extension().is_none_or(|end| end != "json") || matches!(name.as_str(), "index" | "terms") {
            continue;
        }
        let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        found.push((name, text));
    }
    found.sort();
    Ok(found)
}
