//! ls, mkdir, rm, touch, tee, and how paths are read.

use super::once::{bad_option, once};
use crate::guest::options::{self, Opt, flag};
use crate::guest::{Poll, Program, Signal, Sys};

pub(super) const LS: &[Opt] = &[
    flag(&["-l"], "with sizes", "크기와 함께"),
    flag(&["-a"], "hidden ones too", "숨은 파일도"),
    flag(&["-1"], "one a line", "한 줄에 하나씩"),
];
pub(super) const RM: &[Opt] = &[
    flag(&["-f", "--force"], "an absent file is no error", "없는 파일도 괜찮아요"),
    flag(&["-r", "-R", "--recursive"], "directories too", "디렉터리도"),
];
pub(super) const MKDIR: &[Opt] = &[flag(
    &["-p", "--parents"],
    "those above it too; one that is there is no error",
    "위의 것도 만들고, 이미 있어도 괜찮아요",
)];
pub(super) const TEE: &[Opt] = &[flag(&["-a", "--append"], "append", "뒤에 덧붙여요")];

/// `path` as an absolute one: relative to `cwd`, with `.`, `..` and double slashes resolved.
pub fn absolute_path(cwd: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let from = if path.starts_with('/') { "" } else { cwd };
    for part in from.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// A path as a program means it: relative to `$PWD`.
pub(super) fn path(sys: &Sys<'_>, path: &str) -> String {
    let cwd = sys.env.iter().rev().find(|(n, _)| n == "PWD").map_or("/", |(_, v)| v.as_str());
    absolute_path(cwd, path)
}

/// What lies in a directory: names, sub-directories with a slash; None if there is nothing.
fn directory(sys: &Sys<'_>, full: &str) -> Option<Vec<String>> {
    let prefix = if full == "/" { "/".to_owned() } else { format!("{full}/") };
    let mut names: Vec<String> = sys
        .files
        .paths()
        .filter_map(|p| p.strip_prefix(prefix.as_str()))
        .map(|rest| rest.split_once('/').map_or(rest.to_owned(), |(sub, _)| format!("{sub}/")))
        .collect();
    names.extend(
        sys.files
            .directories()
            .filter_map(|d| d.strip_prefix(prefix.as_str()))
            .map(|rest| format!("{}/", rest.split('/').next().unwrap_or(rest))),
    );
    names.sort();
    names.dedup();
    if names.is_empty()
        && let Some(known) = super::sys_net::list(sys.ns, full)
    {
        return Some(known);
    }
    (!names.is_empty() || full == "/" || sys.files.is_directory(full)).then_some(names)
}

pub(super) fn ls(argv: &[String]) -> Box<dyn Program> {
    once(argv, |args, sys| {
        let p = match options::parse(LS, args) {
            Ok(p) => p,
            Err(e) => {
                sys.err(bad_option("ls", &e));
                return 2;
            }
        };
        let operands = if p.operands.is_empty() { vec![".".to_owned()] } else { p.operands.clone() };
        let mut status = 0;
        for operand in &operands {
            let full = path(sys, operand);
            let names = if sys.files.get(&full).is_some() {
                Some(vec![operand.clone()])
            } else {
                directory(sys, &full)
            };
            let Some(mut names) = names else {
                sys.err(format!("ls: cannot access '{operand}': No such file or directory\n"));
                status = 2;
                continue;
            };
            names.retain(|n| p.has("-a") || !n.starts_with('.'));
            if operands.len() > 1 && sys.files.get(&full).is_none() {
                sys.out(format!("{operand}:\n"));
            }
            let text = if p.has("-l") {
                names.iter().map(|n| long(sys, &full, n)).collect()
            } else if sys.tty && !p.has("-1") && !names.is_empty() {
                format!("{}\n", names.iter().map(|n| n.trim_end_matches('/')).collect::<Vec<_>>().join("  "))
            } else {
                names.iter().map(|n| format!("{}\n", n.trim_end_matches('/'))).collect()
            };
            if !text.is_empty() {
                sys.out(text);
            }
        }
        status
    })
}

fn long(sys: &Sys<'_>, full: &str, name: &str) -> String {
    match name.strip_suffix('/') {
        Some(name) => format!("drwxr-xr-x 2 root root {:>6} {name}\n", 4096),
        None => {
            let file =
                if sys.files.get(full).is_some() { full.to_owned() } else { absolute_path(full, name) };
            let size = sys.files.get(&file).map_or(0, <[u8]>::len);
            format!("-rw-r--r-- 1 root root {size:>6} {name}\n")
        }
    }
}

pub(super) fn rm(argv: &[String]) -> Box<dyn Program> {
    once(argv, |args, sys| {
        let p = match options::parse(RM, args) {
            Ok(p) => p,
            Err(e) => {
                sys.err(bad_option("rm", &e));
                return 1;
            }
        };
        if p.operands.is_empty() && !p.has("-f") {
            sys.err("rm: missing operand\n");
            return 1;
        }
        let mut status = 0;
        for operand in &p.operands {
            let full = path(sys, operand);
            let prefix = format!("{}/", full.trim_end_matches('/'));
            let inside: Vec<String> =
                sys.files.paths().filter(|f| f.starts_with(&prefix)).map(str::to_owned).collect();
            if sys.files.is_mounted(&full) {
                sys.err(format!("rm: cannot remove '{operand}': Device or resource busy\n"));
                status = 1;
                continue;
            }
            if sys.files.remove(&full)
                || (p.has("-r") && sys.files.remove_directory(&full) && inside.is_empty())
            {
                continue;
            }
            if inside.is_empty() && !sys.files.has_below(&full) {
                if !p.has("-f") {
                    sys.err(format!("rm: cannot remove '{operand}': No such file or directory\n"));
                    status = 1;
                }
            } else if !p.has("-r") {
                sys.err(format!("rm: cannot remove '{operand}': Is a directory\n"));
                status = 1;
            } else {
                for file in inside {
                    sys.files.remove(&file);
                }
            }
        }
        status
    })
}

pub(super) fn mkdir(argv: &[String]) -> Box<dyn Program> {
    once(argv, |args, sys| {
        let p = match options::parse(MKDIR, args) {
            Ok(p) => p,
            Err(e) => {
                sys.err(bad_option("mkdir", &e));
                return 1;
            }
        };
        if p.operands.is_empty() {
            sys.err("mkdir: missing operand\nTry 'mkdir --help' for more information.\n");
            return 1;
        }
        let mut status = 0;
        for operand in &p.operands {
            let full = path(sys, operand);
            let above =
                full.rsplit_once('/').map_or("/", |(above, _)| if above.is_empty() { "/" } else { above });
            // What every image has below the root is there without having been made.
            let known =
                |dir: &str, sys: &Sys<'_>| sys.files.is_directory(dir) || dir.matches('/').count() == 1;
            let why = if sys.files.get(&full).is_some() || (sys.files.is_directory(&full) && !p.has("-p")) {
                Some("File exists")
            } else if !p.has("-p") && !known(above, sys) {
                Some("No such file or directory")
            } else {
                sys.files.make_directory(&full).err()
            };
            if let Some(why) = why {
                sys.err(format!("mkdir: cannot create directory ‘{operand}’: {why}\n"));
                status = 1;
            }
        }
        status
    })
}

pub(super) fn touch(argv: &[String]) -> Box<dyn Program> {
    once(argv, |args, sys| {
        let mut status = 0;
        for operand in args {
            let full = path(sys, operand);
            if sys.files.get(&full).is_none()
                && let Err(e) = sys.files.put(&full, "")
            {
                sys.err(format!("touch: cannot touch '{operand}': {e}\n"));
                status = 1;
            }
        }
        status
    })
}

/// Copies stdin to stdout and to files.
#[derive(Debug, Clone)]
struct Tee {
    files: Vec<String>,
    append: bool,
    begun: bool,
    status: i32,
    error: Option<String>,
}

pub(super) fn tee(argv: &[String]) -> Box<dyn Program> {
    let (p, error) = match options::parse(TEE, &argv[1..]) {
        Ok(p) => (p, None),
        Err(e) => (options::Parsed::default(), Some(bad_option("tee", &e))),
    };
    Box::new(Tee { append: p.has("-a"), files: p.operands, begun: false, status: 0, error })
}

impl Program for Tee {
    fn poll(&mut self, sys: &mut Sys<'_>) -> Poll {
        if let Some(error) = self.error.take() {
            sys.err(error);
            return Poll::Exit(1);
        }
        match sys.signal {
            Some(Signal::Int) => return Poll::Exit(130),
            Some(Signal::Term) => return Poll::Exit(143),
            _ => {}
        }
        let text = std::mem::take(&mut sys.stdin.data);
        let truncate = !self.begun && !self.append;
        self.begun = true;
        for file in &self.files {
            let full = path(sys, file);
            let old = if truncate {
                Vec::new()
            } else {
                sys.files.get(&full).map(<[u8]>::to_vec).unwrap_or_default()
            };
            let content = [old.as_slice(), text.as_bytes()].concat();
            if let Err(e) = sys.files.put(&full, content) {
                sys.err(format!("tee: {file}: {e}\n"));
                self.status = 1;
            }
        }
        if !text.is_empty() {
            sys.out(text);
        }
        if sys.stdin.closed { Poll::Exit(self.status) } else { Poll::Pending }
    }
    fn name(&self) -> &str {
        "tee"
    }
    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_resolved() {
        for (cwd, path, expect) in [
            ("/", "x", "/x"),
            ("/etc", "hosts", "/etc/hosts"),
            ("/etc", "../root/./a//b", "/root/a/b"),
            ("/etc", "/x", "/x"),
            ("/", "../..", "/"),
        ] {
            assert_eq!(absolute_path(cwd, path), expect);
        }
    }
}
