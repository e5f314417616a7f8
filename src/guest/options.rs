//! Command-line options as a table: it gives the parser, the usage text and the completion.
//!
//! Follows getopt_long(3): bundled short options (`-sSv`), values attached (`-c3`) or apart
//! (`-c 3`), long options with `=` or apart, `--` ends the options, operands may stand between
//! them. A long name behind one dash is one where the table has it so. Not supported: abbreviated long options, optional values.

/// One option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opt {
    /// Its spellings, `-m` and `--max-time`. The first is the one [`Parsed`] is asked for.
    pub names: &'static [&'static str],
    /// What its value is called in the usage text; empty if it takes none.
    pub value: &'static str,
    /// What it does, in English and in Korean.
    pub help: [&'static str; 2],
}

/// An option without a value.
pub const fn flag(names: &'static [&'static str], en: &'static str, ko: &'static str) -> Opt {
    Opt { names, value: "", help: [en, ko] }
}

/// An option with a value.
pub const fn value(
    names: &'static [&'static str],
    value: &'static str,
    en: &'static str,
    ko: &'static str,
) -> Opt {
    Opt { names, value, help: [en, ko] }
}

/// Why a command line does not fit its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptError {
    /// No such option: the letter (`z`) or the long option as typed (`--foo`).
    Unknown(String),
    /// An option lacks its value: the letter or the long option.
    NoValue(String),
}

impl std::fmt::Display for OptError {
    /// As getopt_long(3) says it, without the program's name.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(o) if o.starts_with("--") => write!(f, "unrecognized option '{o}'"),
            Self::Unknown(o) => write!(f, "invalid option -- '{o}'"),
            Self::NoValue(o) if o.starts_with("--") => write!(f, "option '{o}' requires an argument"),
            Self::NoValue(o) => write!(f, "option requires an argument -- '{o}'"),
        }
    }
}

/// Parsed options and operands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parsed {
    found: Vec<(&'static str, String)>,
    /// What is not an option, in order.
    pub operands: Vec<String>,
}

impl Parsed {
    /// Was this flag given? By the option's first spelling.
    pub fn has(&self, name: &str) -> bool {
        self.found.iter().any(|(n, _)| *n == name)
    }
    /// The last value given to this option.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.found.iter().rev().find(|(n, _)| *n == name).map(|(_, v)| v.as_str())
    }
    /// All values given to this option, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.found.iter().filter(move |(n, _)| *n == name).map(|(_, v)| v.as_str())
    }
}

/// Parses `args` (without the program's name) by `table`.
///
/// # Errors
/// The first option that is unknown or lacks its value.
pub fn parse(table: &'static [Opt], args: &[String]) -> Result<Parsed, OptError> {
    let mut parsed = Parsed::default();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if arg == "--" {
            parsed.operands.extend(rest.cloned());
            break;
        }
        let (name, attached) = match arg.split_once('=') {
            Some((n, v)) => (n, Some(v.to_owned())),
            None => (arg.as_str(), None),
        };
        // Go's programs have long names behind one dash: the table says where.
        if name.starts_with("--") || (name.len() > 2 && name.starts_with('-') && find(table, name).is_some())
        {
            let opt = find(table, name).ok_or_else(|| OptError::Unknown(arg.clone()))?;
            let value = match attached {
                _ if opt.value.is_empty() => String::new(),
                Some(v) => v,
                None => rest.next().cloned().ok_or_else(|| OptError::NoValue(arg.clone()))?,
            };
            parsed.found.push((opt.names[0], value));
        } else if arg.len() > 1 && arg.starts_with('-') {
            letters(table, arg, &mut rest, &mut parsed)?;
        } else {
            parsed.operands.push(arg.clone());
        }
    }
    Ok(parsed)
}

fn find(table: &'static [Opt], name: &str) -> Option<&'static Opt> {
    table.iter().find(|o| o.names.contains(&name))
}

fn letters(
    table: &'static [Opt],
    arg: &str,
    rest: &mut std::slice::Iter<'_, String>,
    parsed: &mut Parsed,
) -> Result<(), OptError> {
    let mut chars = arg[1..].chars();
    while let Some(c) = chars.next() {
        let opt = find(table, &format!("-{c}")).ok_or_else(|| OptError::Unknown(c.to_string()))?;
        if opt.value.is_empty() {
            parsed.found.push((opt.names[0], String::new()));
            continue;
        }
        let attached = chars.as_str();
        let value = match attached {
            "" => rest.next().cloned().ok_or_else(|| OptError::NoValue(c.to_string()))?,
            v => v.to_owned(),
        };
        parsed.found.push((opt.names[0], value));
        break;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TABLE: &[Opt] = &[
        flag(&["-s", "--silent"], "quiet", "조용히"),
        flag(&["-v"], "verbose", "자세히"),
        value(&["-m", "--max-time", "-max"], "SECONDS", "limit", "제한"),
    ];

    fn run(line: &str) -> Result<Parsed, OptError> {
        parse(TABLE, &line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn spellings_of_a_value_are_all_the_same() {
        for line in [
            "-m 5 x",
            "-m5 x",
            "--max-time 5 x",
            "--max-time=5 x",
            "x -m 5",
            "-svm5 x",
            "-max 5 x",
            "-max=5 x",
        ] {
            let p = run(line).unwrap();
            assert_eq!((p.get("-m"), p.operands.as_slice()), (Some("5"), &["x".to_owned()][..]), "{line}");
        }
    }

    #[test]
    fn mistakes_name_the_option() {
        let table = [
            ("-z", OptError::Unknown("z".into())),
            ("--foo", OptError::Unknown("--foo".into())),
            ("-m", OptError::NoValue("m".into())),
            ("-vm", OptError::NoValue("m".into())),
        ];
        for (line, error) in table {
            assert_eq!(run(line), Err(error), "{line}");
        }
    }

    #[test]
    fn after_two_dashes_everything_is_an_operand() {
        let p = run("-s -- -v --foo").unwrap();
        assert!(p.has("-s") && !p.has("-v"));
        assert_eq!(p.operands, ["-v", "--foo"]);
    }

    proptest! {
        #[test]
        fn any_command_line_is_parsed_or_refused(args in proptest::collection::vec("\\PC{0,12}", 0..6)) {
            if let Ok(p) = parse(TABLE, &args) {
                prop_assert!(p.operands.len() <= args.len());
            }
        }
    }
}
