//! `ip netns`: nothing has a name here, and nothing can be given one.

use super::{Fail, incomplete};

/// `ip netns`.
pub(super) fn run(args: &[&str]) -> Result<String, Fail> {
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
