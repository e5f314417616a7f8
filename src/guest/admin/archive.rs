//! tar: lists, unpacks and makes archives.

use super::files::{absolute_path, path};
use crate::guest::options::{self, Opt, flag, value};
use crate::guest::{Poll, Program, Signal, Sys, tar as format};

pub(super) const OPTIONS: &[Opt] = &[
    flag(&["-t", "--list"], "lists what is in it", "안에 든 것을 보여줘요"),
    flag(&["-x", "--extract"], "unpacks it", "풀어요"),
    flag(&["-c", "--create"], "makes one", "묶어요"),
    flag(&["-O", "--to-stdout"], "files go to standard output", "파일 내용을 화면에 보여줘요"),
    flag(&["-v", "--verbose"], "names what it does", "하는 일을 보여줘요"),
    value(
        &["-f", "--file"],
        "ARCHIVE",
        "the archive; - is standard input or output",
        "묶음 파일, -는 표준 입력이나 출력",
    ),
    value(&["-C", "--directory"], "DIRECTORY", "begins there", "이 디렉터리에서 시작해요"),
];

#[derive(Debug, Clone)]
struct Tar {
    given: Result<options::Parsed, String>,
    read: String,
}

pub(super) fn tar(argv: &[String]) -> Box<dyn Program> {
    let mut args: Vec<String> = argv.get(1..).unwrap_or_default().to_vec();
    // The old spelling has no dash: `tar tf FILE`.
    if let Some(first) = args.first_mut()
        && !first.is_empty()
        && first.bytes().all(|b| b.is_ascii_alphabetic())
    {
        first.insert(0, '-');
    }
    let given = options::parse(OPTIONS, &args).map_err(|e| super::once::bad_option("tar", &e));
    Box::new(Tar { given, read: String::new() })
}

const FATAL: &str = "tar: Error is not recoverable: exiting now\n";

impl Tar {
    fn run(&self, p: &options::Parsed, sys: &mut Sys<'_>) -> Result<(), String> {
        let file = p.get("-f").unwrap_or("-").to_owned();
        let base = p.get("-C").map_or_else(|| path(sys, "."), |dir| path(sys, dir));
        if p.has("-c") {
            let mut all: Vec<(String, Vec<u8>)> = Vec::new();
            for operand in &p.operands {
                let full = absolute_path(&base, operand);
                let inside = |f: &str| f == full || f.starts_with(&format!("{full}/"));
                let found: Vec<String> = sys.files.paths().filter(|f| inside(f)).map(str::to_owned).collect();
                if found.is_empty() {
                    return Err(format!("tar: {operand}: Cannot stat: No such file or directory\n"));
                }
                for f in found {
                    let name = format!("{}{}", operand.trim_end_matches('/'), &f[full.len()..]);
                    let content = sys.files.get(&f).unwrap_or_default().to_vec();
                    all.push((name.trim_start_matches('/').to_owned(), content));
                }
            }
            let archive = format::pack(all.into_iter());
            if file == "-" {
                sys.out(archive);
                return Ok(());
            }
            let full = path(sys, &file);
            return sys
                .files
                .put(&full, archive)
                .map_err(|e| format!("tar: {file}: Cannot write: {e}\n{FATAL}"));
        }
        let archive = match file.as_str() {
            "-" => self.read.clone().into_bytes(),
            file => {
                let full = path(sys, file);
                let found = sys.files.get(&full).map(<[u8]>::to_vec);
                found
                    .ok_or_else(|| format!("tar: {file}: Cannot open: No such file or directory\n{FATAL}"))?
            }
        };
        let entries = format::unpack(&archive)
            .map_err(|e| format!("tar: {e}\ntar: Exiting with failure status due to previous errors\n"))?;
        let wanted = |name: &str| {
            let of = |o: &String| name == o || name.starts_with(&format!("{}/", o.trim_end_matches('/')));
            p.operands.is_empty() || p.operands.iter().any(of)
        };
        for (name, content) in entries.iter().filter(|(name, _)| wanted(name)) {
            if p.has("-t") || (p.has("-v") && !p.has("-O")) {
                sys.out(format!("{name}\n"));
            }
            if !p.has("-x") {
                continue;
            }
            let at = absolute_path(&base, name);
            let done = match (p.has("-O"), name.ends_with('/')) {
                (true, true) => Ok(()),
                (true, false) => {
                    sys.out(String::from_utf8_lossy(content).into_owned());
                    Ok(())
                }
                (false, true) => sys.files.make_directory(&at),
                (false, false) => sys.files.put(&at, content.clone()),
            };
            done.map_err(|e| format!("tar: {name}: Cannot open: {e}\n"))?;
        }
        Ok(())
    }
}

impl Program for Tar {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        match sys.signal {
            Some(Signal::Int) => return Poll::Exit(130),
            Some(Signal::Term) => return Poll::Exit(143),
            _ => {}
        }
        let p = match &self.given {
            Ok(p) => p.clone(),
            Err(e) => {
                sys.err(e.clone());
                return Poll::Exit(2);
            }
        };
        if [p.has("-t"), p.has("-x"), p.has("-c")].iter().filter(|on| **on).count() != 1 {
            sys.err("tar: You must specify one of the '-Acdtrux', '--delete' or '--test-label' options\n");
            return Poll::Exit(2);
        }
        if p.get("-f").is_none_or(|f| f == "-") && !p.has("-c") {
            self.read += &std::mem::take(&mut sys.stdin.data);
            if self.read.len() > (4 << 20) {
                sys.err(FATAL);
                return Poll::Exit(2);
            }
            if !sys.stdin.closed {
                return Poll::Pending;
            }
        }
        match self.run(&p, sys) {
            Ok(()) => Poll::Exit(0),
            Err(e) => {
                sys.err(e);
                Poll::Exit(2)
            }
        }
    }
    fn name(&self) -> &str {
        "tar"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
