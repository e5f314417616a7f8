//! id, pwd: who runs here, and where (coreutils).

use super::once::{bad_option, once};
use crate::guest::options::{self, Opt, flag};
use crate::guest::{Program, Sys};

pub(super) const ID: &[Opt] = &[
    flag(&["-u", "--user"], "only the user", "사용자만"),
    flag(&["-g", "--group"], "only the group", "그룹만"),
    flag(&["-n", "--name"], "the name and not the number", "번호 대신 이름"),
];

pub(super) fn id(argv: &[String]) -> Box<dyn Program> {
    once(argv, |args, sys| {
        let p = match options::parse(ID, args) {
            Ok(p) => p,
            Err(e) => {
                sys.err(bad_option("id", &e));
                return 1;
            }
        };
        let who = sys.creds;
        let shown = |number: u32, name: Option<&str>| {
            name.filter(|_| p.has("-n")).map_or_else(|| number.to_string(), str::to_owned)
        };
        let named = |number: u32, name: Option<&str>| {
            name.map_or_else(|| number.to_string(), |name| format!("{number}({name})"))
        };
        let text = if p.has("-u") {
            shown(who.uid, who.user_name())
        } else if p.has("-g") {
            shown(who.gid, who.group_name())
        } else {
            let group = named(who.gid, who.group_name());
            format!("uid={} gid={group} groups={group}", named(who.uid, who.user_name()))
        };
        sys.out(format!("{text}\n"));
        0
    })
}

/// The working directory, which the shell hands on as PWD.
pub(super) fn pwd(argv: &[String]) -> Box<dyn Program> {
    once(argv, |_, sys: &mut Sys<'_>| {
        let here = sys.env.iter().rev().find(|(n, _)| n == "PWD").map_or("/", |(_, v)| v.as_str()).to_owned();
        sys.out(format!("{here}\n"));
        0
    })
}
