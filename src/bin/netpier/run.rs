//! `netpier run`: a lab, some command lines, and what came of them.

use std::fmt::Write as _;

use lexopt::{Arg, Parser, ValueExt};
use netpier::explain::{Lang, change, sentence, text, why};
use netpier::lab::{Lab, capture};
use netpier::session::{Job, Session, Stream};
use netpier::time::Duration;
use serde_json::json;

/// How long a command may run in virtual time before it is interrupted, as by Ctrl-C.
const LIMIT: Duration = Duration::from_secs(600);

/// Events after the last command: a storm goes on without end.
const SETTLE: u64 = 20_000_000;

#[derive(Default)]
struct Options {
    lab: Option<String>,
    commands: Vec<(String, String)>,
    trace: bool,
    changes: bool,
    why: bool,
    json: bool,
    lang: Lang,
    pcap: Option<String>,
    /// Files to put before the commands and to get after them: place, path there, file here.
    put: Vec<[String; 3]>,
    get: Vec<[String; 3]>,
}

/// Runs the subcommand; the exit status is the last command's.
pub fn main(args: Vec<String>) -> Result<u8, String> {
    let options = parse(args).map_err(|e| e.to_string())?;
    let name = options.lab.as_deref().ok_or("which lab? netpier run LAB --at NODE 'COMMAND'")?;
    if options.commands.is_empty() {
        return Err("nothing to run: add --at NODE 'COMMAND'".into());
    }
    let mut session = open(name)?;
    session.lang = options.lang;
    for [place, path, file] in &options.put {
        let content = std::fs::read(file).map_err(|e| format!("{file}: {e}"))?;
        let machine = session.place(place).map_err(|e| e.to_string())?;
        if let Some(m) = session.world.machine_mut(machine) {
            m.files.put(path, content).map_err(|e| format!("{place} {path}: {e}"))?;
        }
    }
    let from = session.world.log.next_seq();
    let mut jobs = Vec::new();
    let mut explanations = Vec::new();
    for (place, line) in &options.commands {
        let job = session.run_line(place, line, LIMIT).map_err(|e| e.to_string())?;
        if !options.json {
            print_job(&job);
            if options.changes {
                for one in &job.changes {
                    crate::print(&format!("{}\n", change(one, options.lang)));
                }
            }
        }
        if options.why {
            explanations.push(explanation(&session, &job, options.lang, options.json));
        }
        jobs.push(job);
    }
    // What is still under way (closing segments) belongs to the exchange.
    session.run(session.world.now() + LIMIT, SETTLE);
    if options.json {
        let mut report = report(&session, &jobs, from, &options);
        if options.why {
            report["why"] = explanations.into();
        }
        crate::print(&format!("{report}\n"));
    } else if options.trace {
        crate::print(&trace(&session, from, options.lang));
    }
    if let Some(path) = &options.pcap {
        std::fs::write(path, capture::pcapng(&session, from)).map_err(|e| format!("{path}: {e}"))?;
    }
    for [place, path, file] in &options.get {
        let machine = session.place(place).map_err(|e| e.to_string())?;
        let content = session.world.machine(machine).and_then(|m| m.files.get(path));
        let content = content.ok_or_else(|| format!("{place} has no file {path}"))?;
        std::fs::write(file, content).map_err(|e| format!("{file}: {e}"))?;
    }
    Ok(jobs.last().map_or(0, status))
}

fn status(job: &Job) -> u8 {
    // A command that was interrupted ended as by SIGINT.
    job.exit.map_or(130, |code| u8::try_from(code & 0xff).unwrap_or(255))
}

fn parse(args: Vec<String>) -> Result<Options, lexopt::Error> {
    let mut options = Options::default();
    let mut parser = Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("at") => {
                let place = parser.value()?.string()?;
                options.commands.push((place, parser.value()?.string()?));
            }
            Arg::Long("trace") => options.trace = true,
            Arg::Long("changes") => options.changes = true,
            Arg::Long("why") => options.why = true,
            Arg::Long("json") => options.json = true,
            Arg::Long("lang") => {
                let tag = parser.value()?.string()?;
                if !matches!(tag.as_str(), "en" | "ko") {
                    return Err(format!("--lang is en or ko, not {tag:?}").into());
                }
                options.lang = Lang::from_tag(&tag);
            }
            Arg::Long(which @ ("put" | "get")) => {
                let get = which == "get";
                let [a, b, c] = [parser.value()?, parser.value()?, parser.value()?];
                let words = [a.string()?, b.string()?, c.string()?];
                if get { options.get.push(words) } else { options.put.push(words) }
            }
            Arg::Long("pcap") => options.pcap = Some(parser.value()?.string()?),
            Arg::Value(value) if options.lab.is_none() => options.lab = Some(value.string()?),
            other => return Err(other.unexpected()),
        }
    }
    Ok(options)
}

fn open(name: &str) -> Result<Session, String> {
    let lab = match Lab::builtin(name) {
        Some(lab) => lab,
        None => {
            let text = std::fs::read_to_string(name).map_err(|e| {
                let known = Lab::builtin_names().join(", ");
                format!("{name}: {e} (and no built-in lab has this name; they are: {known})")
            })?;
            Lab::from_json(&text).map_err(|e| format!("{name}: {e}"))?
        }
    };
    lab.boot().map_err(|e| format!("{name}: {e}"))
}

fn print_job(job: &Job) {
    for (_, stream, text) in &job.output {
        match stream {
            Stream::Out => crate::print(text),
            Stream::Err | Stream::Note => eprint!("{text}"),
        }
    }
}

/// Why a job failed, printed unless the answer is to be JSON; and as JSON. Of one that worked the way
/// of its packets is printed; as JSON it is null unless there is something to remark.
fn explanation(session: &Session, job: &Job, lang: Lang, quiet: bool) -> serde_json::Value {
    let Some(found) = why::diagnose(session, job).or_else(|| why::remark(session, job)) else {
        if !quiet {
            print_walk(session, job, lang);
        }
        return serde_json::Value::Null;
    };
    let (sentence, background) = (found.sentence(session, lang), found.background(lang));
    let steps = found.steps(session, lang);
    let fix = found.fix.as_ref();
    if !quiet {
        let mut out = format!("\n{} {sentence}\n", text(lang, "why.label", &[]));
        for (_, place, words) in &steps {
            writeln!(out, "  {place:<20} {words}").expect("to a string");
        }
        if !background.is_empty() {
            writeln!(out, "{background}").expect("to a string");
        }
        if let Some(fix) = fix {
            for line in fix.shown() {
                writeln!(out, "{} {line}", text(lang, "why.remedy", &[])).expect("to a string");
            }
            if fix.again.1 != job.line {
                writeln!(out, "{} {}", text(lang, "why.instead", &[]), fix.again.1).expect("to a string");
            }
        }
        crate::print(&out);
    }
    let steps: Vec<_> =
        steps.into_iter().map(|(seq, at, step)| json!({"seq": seq, "at": at, "step": step})).collect();
    let report = json!({
        "cause": found.cause.key(), "at": found.spot.place, "seq": found.spot.seq, "sentence": sentence,
        "walk": steps, "background": background, "lesson": found.cause.lesson(),
        "fix": fix.map(why::Fix::shown), "again": fix.map(|f| f.again.1.clone()),
    });
    report
}

/// The way that the packets of a command took, if it sent any.
fn print_walk(session: &Session, job: &Job, lang: Lang) {
    let steps = why::steps(session, &why::walk(session, job), lang);
    if steps.is_empty() {
        return;
    }
    let mut out = format!("\n{}\n", text(lang, "why.walk", &[]));
    for (_, place, words) in steps {
        writeln!(out, "  {place:<20} {words}").expect("to a string");
    }
    crate::print(&out);
}

fn trace(session: &Session, from: u64, lang: Lang) -> String {
    let mut out = String::new();
    for (_, record) in session.world.log.iter_from(from) {
        let words = sentence(&record, session, lang);
        if words.is_empty() {
            continue;
        }
        let packet = record.packet.map(|p| format!("#{}", p.0)).unwrap_or_default();
        writeln!(out, "{:>14}  {packet:<6} {words}", record.at.to_string()).expect("to a string");
    }
    out
}

fn report(session: &Session, jobs: &[Job], from: u64, options: &Options) -> serde_json::Value {
    let commands: Vec<_> = jobs
        .iter()
        .map(|job| {
            let mut one = json!({
                "at": job.place, "run": job.line, "exit": status(job),
                "stdout": job.stdout(), "stderr": job.stderr(),
            });
            let notes = job.notes();
            if !notes.is_empty() {
                one["notes"] = notes.into();
            }
            if options.changes {
                one["changes"] = job.changes.iter().map(|c| change(c, options.lang)).collect();
            }
            one
        })
        .collect();
    let mut report = json!({ "commands": commands });
    if options.trace {
        let steps = session.world.log.iter_from(from).map(|(seq, record)| {
            json!({
                "seq": seq, "ns": record.at.as_nanos(), "at": session.place_of_ns(record.ns),
                "packet": record.packet.map(|p| p.0), "step": sentence(&record, session, options.lang),
            })
        });
        report["trace"] = steps.collect();
    }
    report
}
