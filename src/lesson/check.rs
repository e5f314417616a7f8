//! Checking a lesson: it opens, its goals are unmet at the start, its solution meets them all, its
//! texts are complete in both languages, and a clinic case shows its symptom, which is gone at the end.

use super::{Inline, Kind, Lesson, Move, Progress, inline};
use crate::explain::{Lang, why};
use crate::lab::{Edit, Lab};
use crate::session::{Job, Session};
use crate::time::Duration;

/// How long a line of a lesson may take, in virtual time.
const LIMIT: Duration = Duration::from_secs(120);
/// And how many events.
const EVENTS: u64 = 2_000_000;

/// What is wrong with a lesson; empty if nothing is.
pub fn problems(lesson: &Lesson) -> Vec<String> {
    let mut found = Vec::new();
    for lang in [Lang::En, Lang::Ko] {
        texts(lesson, lang, &mut found);
    }
    if let Err(problem) = played(lesson, &mut found) {
        found.push(problem);
    }
    found
}

fn texts(lesson: &Lesson, lang: Lang, found: &mut Vec<String>) {
    let (prose, tag, goals) = (lesson.prose(lang), lang.tag(), lesson.goals.len());
    let mut all = vec![("title", &prose.title), ("intro", &prose.intro), ("after", &prose.after)];
    all.extend(prose.goals.iter().map(|t| ("goals", t)));
    all.extend(prose.hints.iter().flatten().map(|t| ("hints", t)));
    for (name, text) in &all {
        if text.trim().is_empty() {
            found.push(format!("{tag}.{name}: there is a text missing"));
        }
        let stray = |p: &Inline<'_>| matches!(p, Inline::Text(t) if t.contains('`') || t.contains("**"));
        if inline(text).iter().any(stray) {
            found.push(format!("{tag}.{name}: a mark is not closed: {text}"));
        }
    }
    if prose.goals.len() != goals {
        found.push(format!("{tag}.goals: {} texts for {goals} goals", prose.goals.len()));
    }
    if prose.hints.len() != goals || prose.hints.iter().any(|h| h.len() < 2) {
        found.push(format!("{tag}.hints: each of the {goals} goals needs two hints or more"));
    }
    // A hint may be nothing but a line to type, a title a name; the rest speaks.
    let mut spoken: Vec<String> = vec![prose.intro.clone(), prose.after.clone()];
    spoken.extend(prose.goals.iter().cloned());
    spoken.extend(prose.hints.iter().map(|hints| hints.join(" ")));
    let korean = |text: &String| text.chars().any(|c| ('가'..='힣').contains(&c));
    if let Some(text) = spoken.iter().find(|text| korean(text) != (lang == Lang::Ko)) {
        found.push(format!("{tag}: a text in another language: {text}"));
    }
}

/// Plays it: the symptom, the start, the solution.
fn played(lesson: &Lesson, found: &mut Vec<String>) -> Result<(), String> {
    if lesson.goals.is_empty() {
        return Err("it has no goal".into());
    }
    let mut lab = lesson.start().map_err(|e| e.to_string())?;
    let mut session = lab.boot().map_err(|e| e.to_string())?;
    let mut progress = Progress::new(lesson, &session);
    look(&mut progress, lesson, &mut session);
    for (i, _) in progress.met().iter().enumerate().filter(|(_, met)| **met) {
        found.push(format!("goals[{i}] is met before anything was done"));
    }
    if lesson.kind == Kind::Clinic {
        symptom(lesson, &lab, found)?;
    }
    for (i, step) in lesson.solution.iter().enumerate() {
        make(step, &mut lab, &mut session).map_err(|e| format!("solution[{i}]: {e}"))?;
        look(&mut progress, lesson, &mut session);
    }
    for (i, _) in progress.met().iter().enumerate().filter(|(_, met)| !**met) {
        found.push(format!("goals[{i}] is not met by the solution"));
    }
    if lesson.kind == Kind::Clinic {
        let then = lesson.then.as_ref().unwrap_or(&lesson.play);
        let again = typed(&mut session, &then.at, &then.run)?;
        if lesson.unwanted == (again.exit == Some(0)) {
            let how = if lesson.unwanted { "still works" } else { "fails" };
            found.push(format!("`{}` {how} after the solution: {}", then.run, last_words(&again)));
        }
    }
    Ok(())
}

/// What the learner of a clinic case sees first: a line that fails, and its cause.
fn symptom(lesson: &Lesson, lab: &Lab, found: &mut Vec<String>) -> Result<(), String> {
    let mut session = lab.boot().map_err(|e| e.to_string())?;
    let job = typed(&mut session, &lesson.play.at, &lesson.play.run)?;
    if lesson.unwanted != (job.exit == Some(0)) {
        let how = if lesson.unwanted { "fails" } else { "works" };
        found.push(format!("play {how} from the beginning: there is nothing to mend"));
    }
    let said = why::diagnose(&session, &job).or_else(|| why::remark(&session, &job));
    let cause = said.map(|d| d.cause.key());
    match (&lesson.cause, cause) {
        (None, _) => found.push("cause: a clinic case names the cause that a diagnosis has to find".into()),
        (Some(wanted), Some(got)) if wanted == got => {}
        (Some(wanted), got) => {
            found.push(format!("cause: the diagnosis is {:?}, not {wanted:?}", got.unwrap_or_default()));
        }
    }
    Ok(())
}

/// Makes a move in the document and in the running lab, and lets it come to rest.
///
/// # Errors
/// Why it cannot be made, in the words of what refused it.
pub fn make(step: &Move, lab: &mut Lab, session: &mut Session) -> Result<Option<Job>, String> {
    let edit = step.edit(lab)?;
    if let Edit::Command(command) = &edit {
        let job = typed(session, &command.at, &command.run)?;
        return Ok(Some(job));
    }
    let mut next = lab.clone();
    edit.apply(&mut next).map_err(|e| e.to_string())?;
    edit.apply_live(session).map_err(|e| e.to_string())?;
    *lab = next;
    session.run(session.world.now() + LIMIT, EVENTS);
    Ok(None)
}

fn typed(session: &mut Session, at: &str, run: &str) -> Result<Job, String> {
    let job = session.run_line_within(at, run, LIMIT, EVENTS).map_err(|e| e.to_string())?;
    session.run(session.world.now() + Duration::from_secs(2), EVENTS);
    Ok(job)
}

fn look(progress: &mut Progress, lesson: &Lesson, session: &mut Session) {
    let copy = session.fork();
    progress.look(lesson, session, &copy);
}

fn last_words(job: &Job) -> String {
    let text = if job.stderr().is_empty() { job.stdout() } else { job.stderr() };
    text.trim_end().lines().last().unwrap_or_default().to_owned()
}
