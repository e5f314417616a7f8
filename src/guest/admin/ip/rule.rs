//! `ip rule` and `ip netns`, as far as there is something to say: the kernel's own three rules, and no
//! named namespace.

use super::{Fail, incomplete, verb};

/// `ip rule`.
pub(super) fn run(args: &[&str]) -> Result<String, Fail> {
    if args.first() == Some(&"help") {
        return Err(("Usage: ip rule { add | del } SELECTOR ACTION\n       ip rule [ list ]\n".into(), 255));
    }
    match verb(args, &["show", "add", "delete", "flush", "save", "restore"], "rule")?.0 {
        "show" => Ok("0:\tfrom all lookup local\n32766:\tfrom all lookup main\n\
             32767:\tfrom all lookup default\n"
            .to_owned()),
        _ => Err(("RTNETLINK answers: Operation not supported\n".into(), 2)),
    }
}

/// `ip netns`: nothing has a name here, and nothing can be given one.
pub(super) fn netns(args: &[&str]) -> Result<String, Fail> {
    let name = || args.get(1).copied().ok_or_else(incomplete);
    let missing = |what: &str| format!("Cannot {what}: No such file or directory\n");
    match args.first().copied() {
        None | Some("list" | "show" | "lst") => Ok(String::new()),
        Some("exec") => Err((missing(&format!("open network namespace \"{}\"", name()?)), 255)),
        Some("delete" | "del") => {
            Err((missing(&format!("remove namespace file \"/run/netns/{}\"", name()?)), 1))
        }
        Some("add") => {
            name()?;
            Err(("mount --make-shared /run/netns failed: Operation not permitted\n".into(), 1))
        }
        Some(other) => Err((format!("Command \"{other}\" is unknown, try \"ip netns help\".\n"), 255)),
    }
}
