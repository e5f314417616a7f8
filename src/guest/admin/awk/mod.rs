//! awk: patterns and actions over the fields of lines (POSIX.1-2024 awk, in the words of mawk, which is what
//! Debian has).
//!
//! Supported: `-F`, `-v`, BEGIN and END, expressions, `print`, `printf`, conditions, loops, arrays, `next`,
//! `exit`, and the functions of [`parse::FUNCTIONS`]. Not supported: functions of one's own, `getline`, files
//! and pipes, ranges, `RS` besides lines, the rarer functions; they are refused as syntax errors.

mod parse;
mod run;

use super::text::{Lines, filter};
use crate::guest::Program;
use crate::guest::options::{self, Opt, value};
use run::Machine;

pub(super) const OPTIONS: &[Opt] = &[
    value(&["-F"], "SEP", "what is between fields", "필드를 나누는 글자"),
    value(&["-v"], "NAME=VALUE", "a variable", "변수"),
    value(
        &["-f"],
        "FILE",
        "not here: the program stands in the line",
        "지원하지 않아요. 프로그램은 명령줄에 적어요",
    ),
];

const USAGE: &str = "Usage: awk [-F value] [-v var=value] 'program' [file ...]\n";

#[derive(Debug, Clone)]
struct Awk(Machine);

impl Lines for Awk {
    fn line(&mut self, line: &str, _: bool, out: &mut String) -> bool {
        self.0.begin(out);
        self.0.line(line, out)
    }
    fn finish(&mut self, out: &mut String) -> i32 {
        self.0.begin(out);
        self.0.finish(out)
    }
    fn complaint(&mut self) -> Option<String> {
        self.0.complaint.take()
    }
    fn file_error(&self) -> i32 {
        2
    }
}

pub(super) fn awk(argv: &[String]) -> Box<dyn Program> {
    match read(&argv[1..]) {
        Ok((machine, files)) => filter(argv, files, Ok(Awk(machine))),
        Err(e) => filter(argv, Vec::new(), Err::<Awk, _>(e)),
    }
}

fn read(args: &[String]) -> Result<(Machine, Vec<String>), (String, i32)> {
    // Options end where the program begins.
    let mut own = 0;
    while let Some(word) = args.get(own).filter(|w| w.starts_with('-') && w.len() > 1) {
        own += if word.len() == 2 && word != "--" { 2 } else { 1 };
        if word == "--" {
            break;
        }
    }
    let (own, rest) = args.split_at(own.min(args.len()));
    let p = options::parse(OPTIONS, own).map_err(|_| (USAGE.to_owned(), 2))?;
    if p.has("-f") {
        return Err(("netpier does not have awk -f: write the program into the line\n".to_owned(), 2));
    }
    let [program, files @ ..] = rest else { return Err((USAGE.to_owned(), 2)) };
    let rules = parse::parse(program).map_err(|near| {
        let near = if near.is_empty() { "end of file".to_owned() } else { near };
        (format!("awk: line 1: syntax error at or near {near}\n"), 2)
    })?;
    let mut machine = Machine::new(rules);
    if let Some(separator) = p.get("-F") {
        machine.set("FS", if separator == "t" { "\t" } else { separator });
    }
    for given in p.all("-v") {
        let (name, value) =
            given.split_once('=').ok_or_else(|| (format!("awk: improper assignment: -v {given}\n"), 2))?;
        machine.set(name, value);
    }
    Ok((machine, files.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(args: &[&str], input: &str) -> (String, i32) {
        let args: Vec<String> = args.iter().map(|a| (*a).to_owned()).collect();
        let (mut machine, _) = match read(&args) {
            Ok(found) => found,
            Err(e) => return e,
        };
        let mut out = String::new();
        machine.begin(&mut out);
        let _ = input.lines().all(|line| machine.line(line, &mut out));
        let status = machine.finish(&mut out);
        (out + &machine.complaint.take().unwrap_or_default(), status)
    }

    #[test]
    fn programs_do_what_awk_does() {
        let input = "a 1 x\nb 22 y\nc 3 x\n";
        for (args, expected) in [
            (&["{print $1, $3}"][..], "a x\nb y\nc x\n"),
            (&["{print $NF; next} {print \"no\"}"], "x\ny\nx\n"),
            (&["NR > 1 && $2 ~ /^2/ {print NR \":\" $0}"], "2:b 22 y\n"),
            (&["/a/"], "a 1 x\n"),
            (&["!/a/ {print $1}"], "b\nc\n"),
            (&["{s += $2} END {print s, s / NR, NR}"], "26 8.66667 3\n"),
            (&["{n[$3]++} END {for (k in n) print k, n[k]}"], "x 2\ny 1\n"),
            (&["-F", "2", "{print NF}"], "1\n3\n1\n"),
            (&["-v", "x=7", "BEGIN {print x + 1; exit 3} {print}"], "8\n"),
            (&["{printf \"%-3s|%03d|%s\\n\", $1, $2, $3}"], "a  |001|x\nb  |022|y\nc  |003|x\n"),
            (&["$2 == 22"], "b 22 y\n"),
            (&["$1 == \"c\" {print length($1), substr(\"hello\", 2, 3), toupper($1)}"], "1 ell C\n"),
            (&["{sub(/x/, \"&z\"); print} "], "a 1 xz\nb 22 y\nc 3 xz\n"),
            (&["{for (i = NF; i > 0; i--) printf \"%s \", $i; print \"\"}"], "x 1 a \ny 22 b \nx 3 c \n"),
            (&["{$2 = \"-\"; print}"], "a - x\nb - y\nc - x\n"),
            (&["END {print NR % 2 ? \"odd\" : \"even\"}"], "odd\n"),
            (&["BEGIN {n = split(\"10.0.0.1\", p, \".\"); print n, p[4]}"], "4 1\n"),
            (&["BEGIN {print 1e3, -3 + 1, 2 * 3 \"x\"}"], "1 -2 6x\n"),
        ] {
            assert_eq!(run(args, input).0, expected, "{args:?}");
        }
        assert_eq!(run(&["BEGIN {exit 3}"], "").1, 3);
    }

    #[test]
    fn what_it_does_not_have_is_a_syntax_error() {
        for program in
            ["{print > \"f\"}", "{print | \"sort\"}", "function f() {}", "{getline}", "{print", "{(}"]
        {
            let (text, status) = run(&[program], "x\n");
            assert!(text.starts_with("awk: line 1: syntax error") && status == 2, "{program}: {text}");
        }
    }

    #[test]
    fn a_loop_without_an_end_is_ended() {
        let (text, status) = run(&["BEGIN {while (1) x++}"], "");
        assert!(text.contains("too many steps") && status == 2, "{text}");
    }

    proptest! {
        #[test]
        fn no_program_makes_it_panic(words in proptest::collection::vec(
            prop_oneof![
                Just("{"), Just("}"), Just("("), Just(")"), Just("$"), Just("NF"), Just("print"), Just("x"),
                Just("++"), Just("="), Just("/a/"), Just("\"t\""), Just("3"), Just(";"), Just("for"), Just("in"),
                Just("[" ), Just("]"), Just("~"), Just("-"), Just("substr("), Just(","), Just("if"), Just("BEGIN"),
            ], 0..14,
        )) {
            run(&[&words.join(" ")], "a b\n");
        }
    }
}
