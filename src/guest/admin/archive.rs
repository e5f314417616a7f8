//! tar: lists, unpacks and makes archives.

use super::files::{absolute_path, path};
use crate::guest::files::FULL;
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

/// Makes an archive of the operands: directories with all that is in them.
fn create(p: &options::Parsed, file: &str, base: &str, sys: &mut Sys<'_>) -> Result<(), String> {
    if p.operands.is_empty() {
        return Err("tar: Cowardly refusing to create an empty archive\n\
            Try 'tar --help' or 'tar --usage' for more information.\n"
            .to_owned());
    }
    let itself = (file != "-").then(|| path(sys, file));
    let mut all: Vec<(String, Vec<u8>)> = Vec::new();
    let (mut said, mut names, mut stripped, mut failed) = (String::new(), String::new(), false, false);
    for operand in &p.operands {
        let root = absolute_path(base, operand);
        let is_file = sys.files.get(&root).is_some();
        if !is_file && !sys.files.is_directory(&root) {
            said += &format!("tar: {operand}: Cannot stat: No such file or directory\n");
            failed = true;
            continue;
        }
        let mut found = sys.files.gather(&root);
        let mut begin = operand.trim_end_matches('/').to_owned();
        if !is_file {
            begin.push('/');
            found.insert(0, (String::new(), Vec::new()));
        }
        for (relative, content) in found {
            let name = format!("{begin}{relative}");
            if itself.as_ref().is_some_and(|own| *own == absolute_path(&root, &relative)) {
                said += &format!("tar: {name}: archive cannot contain itself; not dumped\n");
                continue;
            }
            if name.starts_with('/') && !std::mem::replace(&mut stripped, true) {
                said += "tar: Removing leading `/' from member names\n";
            }
            names += &format!("{name}\n");
            let inside = name.trim_start_matches('/');
            all.push((if inside.is_empty() { "./".to_owned() } else { inside.to_owned() }, content));
        }
    }
    if !said.is_empty() {
        sys.err(said);
    }
    let archive = format::pack(all.into_iter());
    match (p.has("-v"), itself.is_some()) {
        (true, true) => sys.out(names),
        (true, false) => sys.err(names),
        _ => {}
    }
    match itself {
        None => sys.out(archive),
        Some(full) => sys.files.put(&full, archive).map_err(|e| {
            format!("tar: {file}: Cannot {}: {e}\n{FATAL}", if e == FULL { "write" } else { "open" })
        })?,
    }
    if failed { Err("tar: Exiting with failure status due to previous errors\n".to_owned()) } else { Ok(()) }
}

const FATAL: &str = "tar: Error is not recoverable: exiting now\n";

impl Tar {
    fn run(&self, p: &options::Parsed, sys: &mut Sys<'_>) -> Result<(), String> {
        let file = p.get("-f").unwrap_or("-").to_owned();
        let base = p.get("-C").map_or_else(|| path(sys, "."), |dir| path(sys, dir));
        if p.has("-c") {
            return create(p, &file, &base, sys);
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
