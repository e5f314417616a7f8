//! Values of flags: what the client refuses before it asks the engine, in its words.

/// Why a flag that takes a `word` cannot have `value`; None: it can.
pub(super) fn refusal(word: &str, name: &str, value: &str) -> Option<String> {
    match word {
        "int" => integer(value, i64::MIN.into(), i64::MAX.into(), "ParseInt"),
        "uint16" => integer(value, 0, u16::MAX.into(), "ParseUint"),
        "uint" => integer(value, 0, u64::MAX.into(), "ParseUint"),
        "uint32" => integer(value, 0, u32::MAX.into(), "ParseUint"),
        "ipNetSlice" => {
            let bad =
                value.split(',').find(|p| p.parse::<crate::wire::Ipv4Net>().is_err() || !p.contains('/'));
            bad.map(|bad| format!("invalid string being converted to CIDR: {bad}"))
        }
        "decimal" if !is_rational(value) => Some(format!("failed to parse {value} as a rational number")),
        "bytes" => check_size(value).err(),
        "duration" if !is_duration(value) => Some(format!("time: invalid duration {value:?}")),
        "filter" if !value.is_empty() && !value.contains('=') => {
            Some("bad format of filter (expected name=value)".to_owned())
        }
        "ulimit" => ulimit(value),
        "mount" => mount(value),
        "gpu-request" => gpus(value),
        _ => match name {
            "attach" if !["stdin", "stdout", "stderr"].contains(&value.to_lowercase().as_str()) => {
                Some("valid streams are STDIN, STDOUT and STDERR".to_owned())
            }
            "label" if value.is_empty() || value.starts_with('=') => {
                Some(format!("invalid label '{value}': empty name"))
            }
            _ => None,
        },
    }
}

/// What Go's strconv says of a number.
fn integer(value: &str, least: i128, most: i128, function: &str) -> Option<String> {
    let digits = value.strip_prefix(['-', '+']).unwrap_or(value);
    let number = value.parse::<i128>();
    let why = match number {
        Ok(n) if (least..=most).contains(&n) => return None,
        Ok(n) if n > most || (least < 0 && n < least) => "value out of range",
        Err(_) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => "value out of range",
        _ => "invalid syntax",
    };
    Some(format!("strconv.{function}: parsing {value:?}: {why}"))
}

/// What Go's big.Rat reads: `1.5`, `3/2`.
fn is_rational(text: &str) -> bool {
    match text.split_once('/') {
        Some((a, b)) => a.parse::<i64>().is_ok() && b.parse::<u64>().is_ok_and(|b| b > 0),
        None => text.parse::<f64>().is_ok_and(f64::is_finite),
    }
}

/// What Go's time.ParseDuration reads.
fn is_duration(text: &str) -> bool {
    text == "0" || super::super::moment::duration(text).is_some()
}

/// `512m`, `1.5 GiB` (github.com/docker/go-units, RAMInBytes).
fn check_size(text: &str) -> Result<(), String> {
    let Some(last) = text.rfind(|c: char| c.is_ascii_digit() || matches!(c, '.' | ' ')) else {
        return Err(format!("invalid size: '{text}'"));
    };
    let (number, suffix) = (&text[..=last], &text[last + 1..]);
    let number = number.strip_suffix(' ').unwrap_or(number);
    match number.parse::<f64>() {
        Err(_) => return Err(format!("strconv.ParseFloat: parsing {number:?}: invalid syntax")),
        Ok(size) if size < 0.0 => return Err(format!("invalid size: '{text}'")),
        Ok(_) => {}
    }
    let lower = suffix.to_lowercase();
    let mut letters = lower.chars();
    let known = match letters.next() {
        None => true,
        Some('b') => letters.as_str().is_empty(),
        Some('k' | 'm' | 'g' | 't' | 'p') => matches!(letters.as_str(), "" | "b" | "ib"),
        Some(_) => false,
    };
    if known { Ok(()) } else { Err(format!("invalid suffix: '{suffix}'")) }
}

/// `nofile=1024:2048` (github.com/docker/go-units, ParseUlimit).
fn ulimit(text: &str) -> Option<String> {
    const KINDS: [&str; 15] = [
        "core",
        "cpu",
        "data",
        "fsize",
        "locks",
        "memlock",
        "msgqueue",
        "nice",
        "nofile",
        "nproc",
        "rss",
        "rtprio",
        "rttime",
        "sigpending",
        "stack",
    ];
    let Some((kind, limits)) = text.split_once('=') else {
        return Some(format!("invalid ulimit argument: {text}"));
    };
    if !KINDS.contains(&kind) {
        return Some(format!("invalid ulimit type: {kind}"));
    }
    let limits: Vec<&str> = limits.split(':').collect();
    if limits.len() > 2 {
        let all = limits.join(":");
        return Some(format!(
            "too many limit value arguments - {all}, can only have up to two, `soft[:hard]`"
        ));
    }
    limits.iter().find_map(|limit| integer(limit, i64::MIN.into(), i64::MAX.into(), "ParseInt")).or_else(
        || {
            let numbers: Vec<i64> = limits.iter().filter_map(|l| l.parse().ok()).collect();
            match numbers[..] {
                [soft, hard] if hard != -1 && (soft == -1 || soft > hard) => Some(format!(
                    "ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}"
                )),
                _ => None,
            }
        },
    )
}

/// `type=bind,source=…,target=…` (docker/cli, opts/mount.go).
fn mount(text: &str) -> Option<String> {
    let field = text.split(',').find(|f| !f.contains('=') && !matches!(*f, "readonly" | "ro"))?;
    Some(format!("invalid field '{field}' must be a key=value pair"))
}

/// `all`, a number, or `device=…` (docker/cli, opts/gpus.go).
fn gpus(text: &str) -> Option<String> {
    let bad = text.split(',').find(|f| !f.contains('=') && *f != "all" && f.parse::<i32>().is_err())?;
    Some(format!("invalid count ({bad}): value must be either \"all\" or an integer: invalid syntax"))
}

/// What the client refuses of the modes of `docker run`: namespaces that are not a container's own
/// (docker/cli, command/container/opts.go).
pub(super) fn mode(name: &str, value: &str) -> Option<String> {
    let kind = match name {
        "pid" => "PID",
        "uts" => "UTS",
        "userns" => "USER",
        "cgroupns" => "CGROUP",
        _ => return None,
    };
    let known = match name {
        "pid" => {
            matches!(value, "" | "host") || value.strip_prefix("container:").is_some_and(|c| !c.is_empty())
        }
        "cgroupns" => matches!(value, "" | "host" | "private"),
        _ => matches!(value, "" | "host"),
    };
    (!known).then(|| format!("--{name}: invalid {kind} mode"))
}

/// What the client refuses of other values of `docker run` that nothing here depends on.
pub(super) fn idle_value(name: &str, value: &str) -> Option<String> {
    match name {
        "device" if !value.starts_with('/') && !value.contains('=') => {
            Some(format!("{value} is not an absolute path"))
        }
        "security-opt" if !value.contains(['=', ':']) && value != "no-new-privileges" => {
            Some(format!("Invalid --security-opt: {value:?}"))
        }
        _ => None,
    }
}

/// What the engine refuses of them.
pub(super) fn refused_by_engine(name: &str, value: &str) -> Option<String> {
    match name {
        "ipc" => {
            let known = matches!(value, "" | "none" | "private" | "shareable" | "host")
                || value.strip_prefix("container:").is_some_and(|c| !c.is_empty());
            (!known).then(|| format!("invalid IPC mode: {value}"))
        }
        "log-driver" => {
            const DRIVERS: [&str; 14] = [
                "",
                "none",
                "local",
                "json-file",
                "syslog",
                "journald",
                "gelf",
                "fluentd",
                "awslogs",
                "splunk",
                "etwlogs",
                "gcplogs",
                "logentries",
                "default",
            ];
            (!DRIVERS.contains(&value))
                .then(|| format!("error looking up logging plugin {value}: plugin {value:?} not found"))
        }
        "runtime" => (!matches!(value, "" | "runc" | "io.containerd.runc.v2"))
            .then(|| format!("unknown or invalid runtime name: {value}")),
        "isolation" => (!matches!(value, "" | "default"))
            .then(|| format!("invalid isolation ({value}): linux only supports 'default'")),
        "tmpfs" => {
            let path = value.split(':').next().unwrap_or_default();
            (!path.starts_with('/'))
                .then(|| format!("invalid mount path: '{path}' mount path must be absolute"))
        }
        "volume" => volume(value),
        "stop-signal" if !value.is_empty() && !super::super::lifecycle::is_signal(value) => {
            Some(format!("invalid signal: {value}"))
        }
        "cpus" => value.parse::<f64>().ok().filter(|n| !(0.0..=f64::from(CPUS)).contains(n)).map(|_| {
            format!("range of CPUs is from 0.01 to {CPUS}.00, as there are only {CPUS} CPUs available")
        }),
        "memory" => (size_of(value)? < 6 << 20 && size_of(value)? > 0)
            .then(|| "Minimum memory limit allowed is 6MB".to_owned()),
        _ => None,
    }
}

/// So many processors a host here has.
const CPUS: u8 = 2;

/// What keeps a container that is made with such a value from starting, and the exit status: devices that no
/// host here has.
pub(super) fn unstartable(name: &str, value: &str) -> Option<(String, i32)> {
    match name {
        "device" => {
            let path = value.split(':').next().unwrap_or_default();
            (path.starts_with('/') && !path.starts_with("/dev/")).then(|| {
                let text = format!(
                    "error gathering device information while adding custom device {path:?}: no such file or \
                     directory"
                );
                (text, 127)
            })
        }
        "gpus" => Some(("could not select device driver \"\" with capabilities: [[gpu]]".to_owned(), 125)),
        _ => None,
    }
}

/// Bytes of `4m`; None where it is no such text.
fn size_of(text: &str) -> Option<u64> {
    check_size(text).ok()?;
    let last = text.rfind(|c: char| c.is_ascii_digit())?;
    let number: f64 = text[..=last].trim().parse().ok()?;
    let unit = match text[last + 1..].to_lowercase().chars().next() {
        Some('k') => 1_u64 << 10,
        Some('m') => 1 << 20,
        Some('g') => 1 << 30,
        Some('t') => 1 << 40,
        Some('p') => 1 << 50,
        _ => 1,
    };
    Some((number * unit as f64) as u64)
}

/// `SOURCE:TARGET[:MODE]` (moby, volume/mounts/linux_parser.go).
fn volume(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split(':').collect();
    let refuse = || format!("invalid volume specification: '{text}'");
    let target = match parts.as_slice() {
        // A volume without a name: where it lies nobody looks at.
        [_] => return None,
        [_, target] | [_, target, _] => target,
        _ => return Some(refuse()),
    };
    if parts.iter().take(2).any(|p| p.is_empty()) {
        return Some(refuse());
    }
    if let Some(mode) = parts.get(2).filter(|mode| !is_mount_mode(mode)) {
        return Some(format!("invalid mode: {mode}"));
    }
    (!target.starts_with('/')).then(|| {
        let kind = if parts[0].starts_with('/') && parts.len() > 1 { "bind" } else { "volume" };
        format!(
            "{}: invalid mount config for type \"{kind}\": invalid mount path: '{target}' mount path must be absolute",
            refuse()
        )
    })
}

/// `ro`, `rw,z`: of each kind at most one (linux_parser.go, linuxValidMountMode).
fn is_mount_mode(text: &str) -> bool {
    const KINDS: [&[&str]; 4] = [
        &["ro", "rw"],
        &["Z", "z"],
        &["private", "rprivate", "rshared", "rslave", "shared", "slave"],
        &["nocopy"],
    ];
    let kind = |mode: &str| KINDS.iter().position(|all| all.contains(&mode));
    let kinds: Vec<Option<usize>> = text.split(',').map(kind).collect();
    kinds.iter().enumerate().all(|(i, k)| k.is_some() && !kinds[..i].contains(k))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_refused_in_the_clients_words() {
        let cases = [
            ("int", "x", Some("strconv.ParseInt: parsing \"x\": invalid syntax")),
            (
                "int",
                "99999999999999999999",
                Some("strconv.ParseInt: parsing \"99999999999999999999\": value out of range"),
            ),
            ("uint16", "-1", Some("strconv.ParseUint: parsing \"-1\": invalid syntax")),
            ("duration", "5", Some("time: invalid duration \"5\"")),
            ("duration", "1m30s", None),
            ("filter", "name", Some("bad format of filter (expected name=value)")),
            ("bytes", "512m", None),
            ("mount", "x", Some("invalid field 'x' must be a key=value pair")),
        ];
        for (word, value, want) in cases {
            assert_eq!(refusal(word, "", value).as_deref(), want, "{word} {value}");
        }
        assert_eq!(mode("pid", "foo").as_deref(), Some("--pid: invalid PID mode"));
        for (text, want) in [
            ("/tmp:/x:ro", None),
            ("cache", None),
            ("/tmp:/x:z,ro", None),
            ("/tmp:/x:zz", Some("invalid mode: zz")),
            ("/tmp:/x:ro,rw", Some("invalid mode: ro,rw")),
        ] {
            assert_eq!(volume(text).as_deref(), want, "{text}");
        }
        for (text, want) in [
            ("nofile=1024:2048", None),
            ("nofile=9:8", Some("ulimit soft limit must be less than or equal to hard limit: 9 > 8")),
            ("foo=1", Some("invalid ulimit type: foo")),
            ("nofile", Some("invalid ulimit argument: nofile")),
        ] {
            assert_eq!(ulimit(text).as_deref(), want, "{text}");
        }
    }
}
