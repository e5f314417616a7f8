//! Who runs in a container and what it may do: `--user`, `--cap-add`, `--cap-drop`, `--privileged`,
//! `--workdir`, of `docker run` and of `docker exec`.

use super::engine::Container;
use super::request::{ExecOptions, RunSpec};
use crate::guest::{self, Cap, Caps, Creds, Files};

/// The capabilities of Linux (include/uapi/linux/capability.h), without `CAP_`.
const KNOWN: [&str; 41] = [
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
];

/// Directories that every image has (hier(7)); what files lie in makes more.
const DIRECTORIES: [&str; 31] = [
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/spool",
    "/var/tmp",
];

/// Whether what was asked for can be had on this host and in this image, once the container is to start.
///
/// # Errors
/// What cannot, in the engine's words, with the exit status.
pub(super) fn startable(spec: &RunSpec) -> Result<(), (String, i32)> {
    if let Some(why) = &spec.unstartable {
        return Err(why.clone());
    }
    spec.groups.iter().try_for_each(|group| guest::group_id(group).map(drop)).map_err(|e| (e, 125))
}

/// A directory that every image has.
pub(super) fn is_directory(path: &str) -> bool {
    DIRECTORIES.contains(&path)
}

/// `net_admin` and `CAP_NET_ADMIN` as the engine keeps it: `CAP_NET_ADMIN`; `ALL` stays.
fn normal(name: &str) -> Result<String, String> {
    let upper = name.to_ascii_uppercase();
    let bare = upper.strip_prefix("CAP_").unwrap_or(&upper);
    match bare {
        "ALL" => Ok(bare.to_owned()),
        _ if KNOWN.contains(&bare) => Ok(format!("CAP_{bare}")),
        _ => Err(format!("unknown capability: \"CAP_{bare}\"")),
    }
}

/// The names of `--cap-add` or `--cap-drop` (`flag`: `CapAdd` or `CapDrop`), in order and once each.
///
/// # Errors
/// In the engine's words (moby, daemon/pkg/oci/caps).
pub(super) fn normalized(names: &[String], flag: &str) -> Result<Vec<String>, String> {
    let mut all = names.iter().map(|n| normal(n)).collect::<Result<Vec<_>, _>>();
    if let Ok(all) = &mut all {
        all.sort();
        all.dedup();
    }
    all.map_err(|e| format!("invalid {flag}: {e}"))
}

/// What the main process of a container made like this is and may do.
///
/// # Errors
/// In the engine's words: no such user or group.
pub(super) fn of_main(spec: &RunSpec) -> Result<Creds, String> {
    let named = |names: &[String], what: &str| {
        names.iter().filter_map(|n| normal(n).ok()).any(|n| n == what || n == "ALL")
    };
    let mut caps = Caps::DOCKER;
    for (cap, name) in [(Cap::NetAdmin, "CAP_NET_ADMIN"), (Cap::NetRaw, "CAP_NET_RAW")] {
        // What is added stays, whatever `--cap-drop ALL` says; what is dropped by name goes.
        let dropped_by_name = spec.cap_drop.iter().filter_map(|n| normal(n).ok()).any(|n| n == name);
        if named(&spec.cap_add, name) && !dropped_by_name {
            caps = caps.with(cap);
        } else if named(&spec.cap_drop, name) {
            caps = caps.without(cap);
        }
    }
    let root = Creds { caps: if spec.privileged { Caps::ALL } else { caps }, ..Creds::default() };
    root.as_user(&spec.user)
}

/// What a process of `docker exec` is and may do. /proc/sys stays as it was mounted.
///
/// # Errors
/// As [`of_main`].
pub(super) fn of_exec(container: &Container, with: &ExecOptions) -> Result<Creds, String> {
    let spec = &container.inner.spec;
    let own =
        of_main(&RunSpec { user: with.user.clone().unwrap_or_else(|| spec.user.clone()), ..spec.clone() })?;
    let all = if spec.privileged { Caps::ALL } else { Caps::ALL.without(Cap::WriteSysctls) };
    Ok(if with.privileged { Creds { caps: all, ..own } } else { own })
}

/// Where a process of `docker exec` begins.
///
/// # Errors
/// In runc's words, with the exit status.
pub(super) fn workdir(
    container: &Container,
    files: &Files,
    with: &ExecOptions,
) -> Result<String, (String, i32)> {
    let own = match container.inner.spec.workdir.as_str() {
        "" => "/",
        given => given,
    };
    let Some(wanted) = with.workdir.as_deref() else { return Ok(own.to_owned()) };
    let head = "OCI runtime exec failed: exec failed:";
    if !wanted.starts_with('/') {
        return Err((format!("{head} Cwd must be an absolute path\n"), 128));
    }
    let bare = if wanted.len() > 1 { wanted.trim_end_matches('/') } else { wanted };
    if bare == own || is_directory(bare) || files.has_below(bare) {
        return Ok(bare.to_owned());
    }
    Err((
        format!(
            "{head} unable to start container process: chdir to cwd ({wanted:?}) set in config.json failed: no such \
             file or directory\n"
        ),
        127,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_added_and_dropped_as_asked() {
        let caps = |add: &[&str], drop: &[&str]| {
            let list = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
            let spec = RunSpec { cap_add: list(add), cap_drop: list(drop), ..RunSpec::default() };
            let caps = of_main(&spec).unwrap().caps;
            (caps.has(Cap::NetAdmin), caps.has(Cap::NetRaw))
        };
        for (add, drop, expected) in [
            (&[][..], &[][..], (false, true)),
            (&["net_admin"], &[], (true, true)),
            (&["CAP_NET_ADMIN"], &["ALL"], (true, false)),
            (&["ALL"], &[], (true, true)),
            (&["ALL"], &["NET_RAW"], (true, false)),
            (&[], &["all"], (false, false)),
        ] {
            assert_eq!(caps(add, drop), expected, "{add:?} {drop:?}");
        }
        let bad = normalized(&["foo".into()], "CapAdd").unwrap_err();
        assert_eq!(bad, "invalid CapAdd: unknown capability: \"CAP_FOO\"");
    }
}
